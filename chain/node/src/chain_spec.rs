//! The first block: the runtime's wasm and one of its genesis presets.

use crate::Error;
use sc_service::{ChainType, GenericChainSpec, Properties};
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

/// A development chain that starts from the preset `preset` of the runtime `wasm`.
pub fn development(wasm: &[u8], preset: &str) -> GenericChainSpec {
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
        .with_genesis_config_preset_name(preset)
        .build()
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
