//! The first block: the runtime's wasm and one of its genesis presets.

use crate::{service::Executor, Error};
use codec::{Decode, Encode};
use sc_chain_spec::json_merge;
use sc_service::{ChainType, GenericChainSpec, Properties};
use serde_json::Value;
use sp_core::{
    storage::{well_known_keys, Storage},
    traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
};
use sp_genesis_builder::PresetId;
use sp_runtime::traits::{BlakeTwo256, Hash};
use sp_state_machine::BasicExternalities;
use std::{fs, path::Path};

/// Every WebAssembly module begins so.
const WASM_MAGIC: &[u8] = b"\0asm";

/// Decimals of the native token, for wallets that show amounts.
const TOKEN_DECIMALS: u32 = plimsoll_runtime::constants::DECIMALS as u32;

/// Reads the runtime's wasm.
///
/// # Errors
///
/// When the file cannot be read or is not WebAssembly.
pub fn read_runtime(path: &Path) -> Result<Vec<u8>, Error> {
    let wasm = fs::read(path).map_err(|error| Error::ReadRuntime {
        path: path.into(),
        error,
    })?;
    if !wasm.starts_with(WASM_MAGIC) {
        return Err(Error::NotWasm { path: path.into() });
    }
    Ok(wasm)
}

/// The chain's name and properties, as wallets ask for them.
pub fn development(wasm: &[u8]) -> GenericChainSpec {
    let mut properties = Properties::new();
    properties.insert(
        "tokenSymbol".into(),
        plimsoll_runtime::constants::TOKEN_SYMBOL.into(),
    );
    properties.insert("tokenDecimals".into(), TOKEN_DECIMALS.into());
    GenericChainSpec::builder(wasm, None)
        .with_name("Plimsoll Development")
        .with_id("plimsoll_dev")
        .with_chain_type(ChainType::Development)
        .with_properties(properties)
        .build()
}

/// The state of the first block: the runtime's default configuration, changed as its
/// preset says, and the runtime itself.
///
/// The node's own executor runs it, so that the wasm is compiled once for all.
///
/// # Errors
///
/// When the runtime has no such preset, or refuses to build a state from it.
pub fn genesis(executor: &Executor, wasm: &[u8], preset: &str) -> Result<Storage, Error> {
    let failed = |error: String| Error::Genesis {
        preset: preset.into(),
        error,
    };
    let mut config = read_preset(executor, wasm, None).map_err(failed)?;
    let changes = read_preset(executor, wasm, Some(preset.into())).map_err(failed)?;
    json_merge(&mut config, changes);

    let mut state = BasicExternalities::new_empty();
    let config = config.to_string().into_bytes();
    let built = call(executor, wasm, &mut state, "build_state", &config.encode())
        .and_then(|answer| decode::<sp_genesis_builder::Result>(&answer));
    built.and_then(|result| result).map_err(failed)?;
    let mut storage = state.into_storages();
    storage
        .top
        .insert(well_known_keys::CODE.to_vec(), wasm.to_vec());
    Ok(storage)
}

/// A preset of the runtime; without a name, the default configuration.
fn read_preset(executor: &Executor, wasm: &[u8], name: Option<PresetId>) -> Result<Value, String> {
    let mut state = BasicExternalities::new_empty();
    let answer = call(executor, wasm, &mut state, "get_preset", &name.encode())?;
    let json = decode::<Option<Vec<u8>>>(&answer)?.ok_or("the runtime has no such preset")?;
    serde_json::from_slice(&json).map_err(|error| format!("the preset is not JSON: {error}"))
}

/// Calls a function of the runtime's genesis builder.
fn call(
    executor: &Executor,
    wasm: &[u8],
    state: &mut BasicExternalities,
    function: &str,
    argument: &[u8],
) -> Result<Vec<u8>, String> {
    let fetcher = WrappedRuntimeCode(wasm.into());
    let code = RuntimeCode {
        code_fetcher: &fetcher,
        heap_pages: None,
        hash: BlakeTwo256::hash(wasm).as_bytes().to_vec(),
    };
    let function = format!("GenesisBuilder_{function}");
    executor
        .call(state, &code, &function, argument, CallContext::Offchain)
        .0
        .map_err(|error| format!("{function}: {error}"))
}

fn decode<T: Decode>(answer: &[u8]) -> Result<T, String> {
    T::decode(&mut &*answer).map_err(|error| format!("the runtime's answer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_that_is_not_there_or_not_wasm_is_refused_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runtime.wasm");
        let missing = read_runtime(&path).unwrap_err().to_string();
        assert!(missing.contains("runtime.wasm") && missing.contains("build-runtime.sh"));

        fs::write(&path, "#!/bin/sh").unwrap();
        let text = read_runtime(&path).unwrap_err().to_string();
        assert!(text.contains("runtime.wasm") && text.contains("not WebAssembly"));
    }
}
