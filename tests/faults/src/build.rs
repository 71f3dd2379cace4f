//! Bytecode with a fault in it.

use crate::list::Fault;
use crate::{told, Fallible};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the emission contract is made of.
const CRATES: [&str; 3] = ["mechanism", "interface", "emission"];

/// Builds the contract's sources with a fault in them.
pub struct Builder {
    /// The repository.
    pub root: PathBuf,
    /// Where sources are copied to and bytecode is kept.
    work: PathBuf,
    /// What bytecode depends on beside the sources.
    toolchain: String,
}

impl Builder {
    /// The builder that `scripts/faults.sh` describes.
    pub fn new() -> Fallible<Self> {
        Ok(Self {
            root: told("FAULTS_ROOT")?.into(),
            work: told("FAULTS_WORK")?.into(),
            toolchain: told("FAULTS_TOOLCHAIN")?,
        })
    }

    /// The bytecode of the sources as they are.
    pub fn faultless(&self) -> Fallible<PathBuf> {
        self.build("no fault", &self.sources()?)
    }

    /// The bytecode with one fault.
    pub fn faulty(&self, fault: &Fault) -> Fallible<PathBuf> {
        let mut sources = self.sources()?;
        let changed = fault.put_into(&self.root.join(&fault.file))?;
        match sources.insert(fault.file.clone().into(), changed.into_bytes()) {
            Some(_) => self.build(&fault.name, &sources),
            None => Err(format!("{} is no source of the contract", fault.file)),
        }
    }

    /// Every source of the contract by its path from the root.
    fn sources(&self) -> Fallible<BTreeMap<PathBuf, Vec<u8>>> {
        let mut sources = BTreeMap::new();
        for name in CRATES {
            let folder = Path::new("contracts").join(name);
            for file in ["Cargo.toml", "Cargo.lock"] {
                let file = folder.join(file);
                if self.root.join(&file).exists() {
                    sources.insert(file.clone(), read(&self.root.join(&file))?);
                }
            }
            self.add(&folder.join("src"), &mut sources)?;
        }
        Ok(sources)
    }

    fn add(&self, folder: &Path, sources: &mut BTreeMap<PathBuf, Vec<u8>>) -> Fallible<()> {
        let entries = fs::read_dir(self.root.join(folder))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                self.add(&path, sources)?;
            } else {
                let content = read(&entry.path())?;
                sources.insert(path, content);
            }
        }
        Ok(())
    }

    /// Builds `sources`, unless these very ones were built before by this toolchain.
    fn build(&self, name: &str, sources: &BTreeMap<PathBuf, Vec<u8>>) -> Fallible<PathBuf> {
        let mut hash = Sha256::new();
        hash.update(&self.toolchain);
        for (path, content) in sources {
            hash.update(path.to_string_lossy().as_bytes());
            hash.update([0]);
            hash.update((content.len() as u64).to_le_bytes());
            hash.update(content);
        }
        let kept = hex::encode(&hash.finalize()[..8]);
        let bytecode = self.work.join("bytecode").join(format!("{kept}.polkavm"));
        if bytecode.exists() {
            return Ok(bytecode);
        }
        let place = self.work.join("src");
        for (path, content) in sources {
            let file = place.join(path);
            // A file that is as it was keeps its time, so that cargo builds what changed.
            if fs::read(&file).ok().as_ref() != Some(content) {
                write(&file, content)?;
            }
        }
        let log = self.work.join("build.log");
        let script = told("FAULTS_SCRIPT")?;
        let output = Command::new("bash")
            .args([&script, "--build"])
            .args([&place, &bytecode])
            .output()
            .map_err(|error| format!("{script}: {error}"))?;
        write(&log, &[output.stdout, output.stderr].concat())?;
        if output.status.success() && bytecode.exists() {
            Ok(bytecode)
        } else {
            Err(format!("{name} does not build: see {}", log.display()))
        }
    }
}

fn read(file: &Path) -> Fallible<Vec<u8>> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, content: &[u8]) -> Fallible<()> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, content))
        .map_err(|error| format!("{}: {error}", file.display()))
}
