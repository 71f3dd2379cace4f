//! The deployment file: what `deploy` wrote and the keeper reads.

use crate::chain::{Hash, H160};
use crate::hexes;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// First line of a deployment file.
const HEAD: &str = "# Written by `plimsoll deploy`. The keeper reads it. It has no secret.\n";

/// What stands in the place of an address that may hold a secret.
const NO_URL: &str =
    "# The node's address was left out: in its user, password, path or query there may\n\
    # be a key. Name the node in the keeper's configuration, key chain.urls.\n";

/// Where a contract is, and on which chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The node it was deployed through; empty if its address may hold a secret, for this
    /// file is made to be shown ([`public_url`]).
    #[serde(default, skip_serializing_if = "String::is_empty")]
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
    /// It could not be written after all, when everything was deployed.
    #[error("deployment file {}: {source}; everything is deployed, so write this into it yourself:\n{text}", .path.display())]
    Lost {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
        /// What should be in it.
        text: String,
    },
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
    /// See [`DeploymentError`]; a file that exists is left as it is, unless it is empty.
    pub fn save(&self, path: &Path) -> Result<(), DeploymentError> {
        NewFile::reserve(path)?.write(self)
    }

    /// What a deployment file has in it.
    fn text(&self) -> Result<String, toml::ser::Error> {
        let url = if self.url.is_empty() { NO_URL } else { "" };
        Ok(format!("{HEAD}{url}{}", toml::to_string(self)?))
    }
}

/// The address of a node if nothing in it can be a secret: scheme, host and port. Providers
/// put keys into all other parts.
#[must_use]
pub fn public_url(url: &str) -> Option<String> {
    let parsed = Url::parse(url).ok()?;
    let bare = parsed.username().is_empty()
        && parsed.password().is_none()
        && matches!(parsed.path(), "" | "/")
        && parsed.query().is_none()
        && parsed.fragment().is_none();
    let text = url.trim_end_matches('/');
    // What a parser resolves (`/key/..`), takes for a slash or drops is in the text still.
    let other = |c: char| "/\\@?#".contains(c) || c.is_whitespace() || c.is_control();
    let plain = text
        .split_once("://")
        .is_some_and(|(_, host)| !host.contains(other));
    (bare && plain).then(|| text.to_owned())
}

/// A deployment file that is there and still empty, so that what will be deployed and paid
/// for can be written down. Unless it is written it goes away again.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    file: File,
    written: bool,
}

impl NewFile {
    /// Makes the file. An empty one is what an interrupted deployment left, and is taken.
    ///
    /// # Errors
    /// [`DeploymentError::Exists`] if there is something in it, [`DeploymentError::File`] if
    /// it cannot be made.
    pub fn reserve(path: &Path) -> Result<Self, DeploymentError> {
        let failed = |source| DeploymentError::File {
            path: path.to_owned(),
            source,
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(failed)?;
        // Two deployments cannot both take it.
        file.try_lock().map_err(|error| failed(error.into()))?;
        if file.metadata().map_err(failed)?.len() > 0 {
            return Err(DeploymentError::Exists(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            written: false,
        })
    }

    /// Writes the deployment into it.
    ///
    /// # Errors
    /// [`DeploymentError::Lost`], with the text that could not be written.
    pub fn write(mut self, deployment: &Deployment) -> Result<(), DeploymentError> {
        let text = deployment.text().map_err(|error| DeploymentError::Toml {
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        match self
            .file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_all())
        {
            Ok(()) => {
                self.written = true;
                Ok(())
            }
            Err(source) => Err(DeploymentError::Lost {
                path: self.path.clone(),
                source,
                text,
            }),
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.written {
            // If it stays it is empty, and the next deployment takes it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(url: &str) -> Deployment {
        Deployment {
            url: url.into(),
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
        }
    }

    #[test]
    fn a_deployment_is_read_as_it_was_written_and_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deployment.toml");
        let deployment = deployment("ws://127.0.0.1:9944");
        deployment.save(&path).expect("a new file");
        assert_eq!(Deployment::load(&path).expect("written"), deployment);
        assert!(matches!(
            deployment.save(&path),
            Err(DeploymentError::Exists(_))
        ));
        assert_eq!(Deployment::load(&path).expect("untouched"), deployment);
    }

    #[test]
    fn a_file_is_reserved_before_it_is_written_and_goes_away_if_it_never_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deployment.toml");
        drop(NewFile::reserve(&path).expect("a new file"));
        assert!(!path.exists());
        // What an interrupted deployment left.
        std::fs::write(&path, "").expect("writable");
        let deployment = deployment("ws://127.0.0.1:9944");
        let file = NewFile::reserve(&path).expect("empty");
        file.write(&deployment).expect("written");
        assert_eq!(Deployment::load(&path).expect("written"), deployment);

        let nowhere = folder.path().join("nowhere").join("deployment.toml");
        let error = NewFile::reserve(&nowhere).expect_err("no such folder");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }

    #[test]
    fn an_address_with_anything_that_may_be_secret_is_left_out() {
        for public in ["ws://127.0.0.1:9944", "wss://rpc.example", "ws://[::1]:1"] {
            assert_eq!(public_url(public).as_deref(), Some(public));
        }
        assert_eq!(
            public_url("wss://rpc.example:443/").as_deref(),
            Some("wss://rpc.example:443")
        );
        for secret in [
            "not an address",
            "wss://me:word@rpc.example",
            "wss://word@rpc.example",
            "wss://rpc.example/v1/word",
            "wss://rpc.example/?apikey=word",
            "wss://rpc.example?word",
            "wss://rpc.example/#word",
            "wss://rpc.example/word/..",
            "wss://rpc.example\\word\\..",
        ] {
            assert_eq!(public_url(secret), None, "{secret}");
        }

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deployment.toml");
        let without = deployment("");
        without.save(&path).expect("a new file");
        let text = std::fs::read_to_string(&path).expect("written");
        assert!(
            text.contains("# ") && text.contains("chain.urls") && !text.contains("\nurl"),
            "{text}"
        );
        assert_eq!(Deployment::load(&path).expect("written"), without);
    }
}
