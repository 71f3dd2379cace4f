//! The hash of the code that a comparison was computed with, for its manifest: the
//! simulator's sources and those of the rules it calls.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        ("simulator/src", here.join("src")),
        (
            "contracts/mechanism/src",
            here.join("../contracts/mechanism/src"),
        ),
    ];
    let mut hash = Sha256::new();
    for (name, folder) in folders {
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        list(&folder, &mut files)?;
        files.sort();
        for file in files {
            let below = file.strip_prefix(&folder).unwrap_or(&file);
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(below.to_string_lossy().as_bytes());
            hash.update([0]);
            let content = std::fs::read(&file)?;
            hash.update((content.len() as u64).to_le_bytes());
            hash.update(content);
        }
    }
    let hex: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!("cargo::rustc-env=PLIMSOLL_CODE_HASH={hex}");
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
