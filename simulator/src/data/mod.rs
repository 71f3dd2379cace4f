//! The measured data that worlds are made of, compiled in: one module a source, typed
//! rows. Sources, licences, checksums and what was changed: `data/README.md`.

pub mod azure;
pub mod eurostat;
pub mod livepeer;
pub mod opg;
pub mod rocketpool;
pub mod servegen;
pub mod vllm;

use crate::findings::DataFile;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// A shipped file.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name in `data/`.
    pub name: &'static str,
    /// What is in it.
    pub text: &'static str,
    /// Licence, in short.
    pub licence: &'static str,
    /// Where it is from, in short.
    pub source: &'static str,
}

impl Shipped {
    /// The SHA-256 of its bytes, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.text.as_bytes()))
    }

    /// Its line in a manifest.
    #[must_use]
    pub fn in_manifest(&self) -> DataFile {
        DataFile {
            file: self.name.to_owned(),
            sha256: self.sha256(),
            licence: self.licence.to_owned(),
            source: self.source.to_owned(),
        }
    }
}

/// Every file that a comparison may read.
pub const FILES: [Shipped; 15] = [
    azure::CONVERSATIONS,
    servegen::CLIENTS,
    servegen::LOAD,
    livepeer::LARGEST,
    livepeer::CONCENTRATION,
    livepeer::WITHDRAWALS,
    livepeer::EARNERS,
    livepeer::EXITS,
    rocketpool::INTERVALS,
    rocketpool::REWARDS,
    eurostat::HOUSEHOLD,
    eurostat::BUSINESS,
    vllm::THROUGHPUT,
    opg::ALLOCATION,
    opg::CURVE,
];

/// The rows of a CSV text.
///
/// # Errors
/// The first row that does not fit, with its line.
pub fn rows<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(text.as_bytes())
        .into_deserialize()
        .collect()
}

/// The rows of a shipped file.
fn shipped<T: DeserializeOwned>(file: &Shipped) -> Vec<T> {
    rows(file.text).expect("the shipped files are the ones whose checksums are tested")
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = include_str!("../../../data/README.md");

    #[test]
    fn every_shipped_file_is_in_the_readme_with_rows_bytes_and_checksum() {
        for file in FILES {
            let rows = csv::Reader::from_reader(file.text.as_bytes())
                .records()
                .count();
            let line = format!(
                "| {} | {rows} | {} | {} |",
                file.name,
                file.text.len(),
                file.sha256()
            );
            assert!(
                README.contains(&line),
                "data/README.md lacks this line:\n{line}"
            );
            assert!(
                README.contains(&format!("\n## {}\n", file.name)),
                "data/README.md has no section {}",
                file.name
            );
        }
    }

    #[test]
    fn no_file_lies_in_the_folder_unused() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../data");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".csv"))
            .collect();
        found.sort();
        let mut listed: Vec<&str> = FILES.iter().map(|file| file.name).collect();
        listed.sort_unstable();
        assert_eq!(found, listed);
    }
}
