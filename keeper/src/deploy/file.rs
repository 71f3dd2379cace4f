//! The deployment file: what `deploy` wrote and the keeper reads.

use crate::chain::{Hash, H160};
use crate::hexes;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where a contract is, and on which chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The node it was deployed through.
    pub url: String,
    /// Hash of the chain's block 0.
    #[serde(with = "hexes")]
    pub genesis: Hash,
    /// The EVM chain id, big-endian.
    #[serde(with = "hexes")]
    pub chain_id: [u8; 32],
    /// The runtime's name.
    pub spec_name: String,
    /// The emission contract.
    pub contract: H160,
    /// Its number of lanes.
    pub lanes: u32,
    /// Hash of its code.
    #[serde(with = "hexes")]
    pub code_hash: Hash,
    /// The finalized block in which it was found deployed: its events begin not later.
    pub block: u64,
    /// The token.
    pub token: H160,
    /// The token's symbol; may be empty.
    pub token_symbol: String,
    /// Digits of the token's amounts that are decimals.
    pub token_decimals: u8,
    /// Who deployed it.
    pub deployer: H160,
}

/// Why there is no deployment file.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// It cannot be read or written.
    #[error("deployment file {}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is there already.
    #[error("deployment file {} exists; move it away, or give another name", .0.display())]
    Exists(PathBuf),
    /// It is no deployment file. The reason names the line and the key.
    #[error("deployment file {}: {reason}", .path.display())]
    Toml {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Deployment {
    /// Reads it.
    ///
    /// # Errors
    /// See [`DeploymentError`].
    pub fn load(path: &Path) -> Result<Self, DeploymentError> {
        let text = std::fs::read_to_string(path).map_err(|source| DeploymentError::File {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| DeploymentError::Toml {
            path: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })
    }

    /// Writes it to a new file.
    ///
    /// # Errors
    /// See [`DeploymentError`]; a file that exists is left as it is.
    pub fn save(&self, path: &Path) -> Result<(), DeploymentError> {
        use std::io::Write as _;
        let text = toml::to_string(self).map_err(|error| DeploymentError::Toml {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AlreadyExists => DeploymentError::Exists(path.to_owned()),
            _ => DeploymentError::File {
                path: path.to_owned(),
                source,
            },
        };
        let mut file = std::fs::File::create_new(path).map_err(failed)?;
        file.write_all(b"# Written by `plimsoll deploy`. The keeper reads it.\n")
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_read_as_it_was_written_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deployment.toml");
        let deployment = Deployment {
            url: "ws://127.0.0.1:9944".into(),
            genesis: [1; 32],
            chain_id: [2; 32],
            spec_name: "plimsoll".into(),
            contract: H160([3; 20]),
            lanes: 4,
            code_hash: [4; 32],
            block: 5,
            token: H160([6; 20]),
            token_symbol: "T".into(),
            token_decimals: 12,
            deployer: H160([7; 20]),
        };
        deployment.save(&path).expect("a new file");
        assert_eq!(Deployment::load(&path).expect("written"), deployment);
        assert!(matches!(
            deployment.save(&path),
            Err(DeploymentError::Exists(_))
        ));
    }
}
