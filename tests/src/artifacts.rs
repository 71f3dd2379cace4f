//! What is deployed: the contracts' bytecode and metadata, and Solidity's init code.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytecode of the emission contract: the artefact, or the file that `PLIMSOLL_EMISSION`
/// names, so that the tests can be tried on a faulty one (`scripts/faults.sh`).
pub fn emission_code() -> Vec<u8> {
    let artefact = || artifact("emission.polkavm");
    read(&std::env::var_os("PLIMSOLL_EMISSION").map_or_else(artefact, PathBuf::from))
}

/// Metadata of the emission contract, as cargo-contract wrote it.
pub fn emission_metadata() -> serde_json::Value {
    let path = artifact("emission.json");
    serde_json::from_slice(&read(&path))
        .unwrap_or_else(|error| panic!("{} is not JSON: {error}", path.display()))
}

/// Bytecode of our token.
pub fn token_code() -> Vec<u8> {
    read(&artifact("token.polkavm"))
}

/// Init code of a contract in `tests/solidity`, to which encoded arguments are appended.
pub fn solidity_code(name: &str) -> Vec<u8> {
    let path = folder("solidity").join(format!("{name}.hex"));
    let text = String::from_utf8(read(&path)).expect("hexadecimal digits are text");
    hex::decode(text.trim())
        .unwrap_or_else(|error| panic!("{} is not hexadecimal: {error}", path.display()))
}

/// A file in `contracts/artifacts`, or in the folder that `PLIMSOLL_ARTIFACTS` names, so
/// that a changed contract can be tried before its artefacts are committed.
fn artifact(name: &str) -> PathBuf {
    let committed = || folder("../contracts/artifacts");
    std::env::var_os("PLIMSOLL_ARTIFACTS")
        .map_or_else(committed, PathBuf::from)
        .join(name)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| {
        panic!(
            "cannot read {}: {error}; scripts/build-contracts.sh makes the contracts' artefacts",
            path.display()
        )
    })
}
