//! secp256k1 keys of gateways and attesters, and whose a signature is.
//!
//! Secrets come from files or the environment only, are wiped from memory when they
//! are dropped, and are never printed.

use crate::hexes;
use plimsoll_interface::H160;
use plimsoll_mechanism::batch::{canonical, SIGNATURE_BYTES};
use plimsoll_mechanism::Hash;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SecretKey, SECP256K1};
use sha3::{Digest, Keccak256};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A signature: `r`, `s`, `v` with `v` 27 or 28 and a low `s`.
pub type Signature = [u8; SIGNATURE_BYTES];

/// keccak-256, the hash of everything that is signed.
#[must_use]
pub fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither a file nor the environment names one.
    #[error(
        "no key: set `{setting}` to a file that holds it, or the environment variable {variable}"
    )]
    Missing {
        /// The configuration key that names a file.
        setting: &'static str,
        /// The environment variable.
        variable: &'static str,
    },
    /// The file cannot be read or written.
    #[error("key file {}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others than its owner may read the file.
    #[error("key file {} may be read by others (mode {mode:o}): run chmod 600 on it", .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What is there is no key. The text itself is never shown.
    #[error("{place} holds no secp256k1 key: 32 bytes as 0x and 64 hexadecimal digits are wanted")]
    Malformed {
        /// Where it was read.
        place: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A secret key with its address.
#[derive(Clone)]
pub struct Key {
    secret: SecretKey,
    address: H160,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", hexes::show(self.address))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl Key {
    /// The key in 32 bytes; `None` for the few values that are no key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let secret = SecretKey::from_byte_array(bytes).ok()?;
        let address = address_of(&PublicKey::from_secret_key(SECP256K1, &secret));
        Some(Self { secret, address })
    }

    /// A key from the system's random numbers, and its text.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<(Self, Zeroizing<String>), KeyError> {
        loop {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut()).map_err(KeyError::Random)?;
            // All but one in 2^128 draws are keys.
            if let Some(key) = Self::from_bytes(*bytes) {
                return Ok((key, Zeroizing::new(hexes::show(bytes.as_ref()))));
            }
        }
    }

    /// Reads the key from `file`, or from the environment `variable` if no file is named.
    ///
    /// # Errors
    /// See [`KeyError`]. `setting` is the configuration key to name in them.
    pub fn load(
        file: Option<&Path>,
        setting: &'static str,
        variable: &'static str,
    ) -> Result<Self, KeyError> {
        let (text, place) = secret_text(file, setting, variable)?;
        let malformed = KeyError::Malformed { place };
        let bytes = hexes::parse::<32>(text.trim()).map(Zeroizing::new);
        bytes
            .ok()
            .and_then(|bytes| Self::from_bytes(*bytes))
            .ok_or(malformed)
    }

    /// The address that belongs to the key.
    #[must_use]
    pub fn address(&self) -> H160 {
        self.address
    }

    /// Signs a digest. The same digest always has the same signature (RFC 6979).
    #[must_use]
    pub fn sign(&self, digest: &Hash) -> Signature {
        let message = Message::from_digest(*digest);
        let (id, compact) = SECP256K1
            .sign_ecdsa_recoverable(message, &self.secret)
            .serialize_compact();
        let mut signature = [0; SIGNATURE_BYTES];
        signature[..64].copy_from_slice(&compact);
        // The library makes low `s` only, and its recovery id is then 0 or 1 but for
        // an `r` above the order, which nobody has ever met.
        signature[64] = 27 + u8::from(i32::from(id) & 1 == 1);
        signature
    }
}

/// A secret's text, and where it was found: from `file`, or from the environment
/// `variable` if no file is named.
///
/// # Errors
/// See [`KeyError`].
pub fn secret_text(
    file: Option<&Path>,
    setting: &'static str,
    variable: &'static str,
) -> Result<(Zeroizing<String>, String), KeyError> {
    if let Some(path) = file {
        refuse_open_file(path)?;
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })?;
        return Ok((Zeroizing::new(text), path.display().to_string()));
    }
    std::env::var(variable)
        .map(|text| (Zeroizing::new(text), variable.to_owned()))
        .map_err(|_| KeyError::Missing { setting, variable })
}

fn refuse_open_file(path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(path).map_err(|source| KeyError::File {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// Writes a secret into a new file that only its owner can read.
///
/// # Errors
/// [`KeyError::File`]; also if the file exists already.
pub fn write_secret(path: &Path, text: &str) -> Result<(), KeyError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{text}"))
        .map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })
}

/// Whose signature of `digest` this is; `None` if it is nobody's or not in the one
/// accepted form.
#[must_use]
pub fn recover(digest: &Hash, signature: &Signature) -> Option<H160> {
    if !canonical(signature) {
        return None;
    }
    let id = RecoveryId::try_from(i32::from(signature[64] - 27)).ok()?;
    let signature = RecoverableSignature::from_compact(&signature[..64], id).ok()?;
    let key = SECP256K1
        .recover_ecdsa(Message::from_digest(*digest), &signature)
        .ok()?;
    Some(address_of(&key))
}

fn address_of(key: &PublicKey) -> H160 {
    let hash = keccak(&key.serialize_uncompressed()[1..]);
    H160::from_slice(&hash[12..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::from_bytes([byte; 32]).expect("a key")
    }

    #[test]
    fn the_address_is_the_one_of_ethereum() {
        // The first account of every development node: well known.
        let secret = hexes::parse::<32>(
            "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        )
        .expect("hex");
        let key = Key::from_bytes(secret).expect("a key");
        assert_eq!(
            hexes::show(key.address()),
            "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
        );
    }

    #[test]
    fn a_signature_names_its_signer_and_only_for_its_digest() {
        let signature = key(7).sign(&[1; 32]);
        assert_eq!(recover(&[1; 32], &signature), Some(key(7).address()));
        assert_ne!(recover(&[2; 32], &signature), Some(key(7).address()));
        assert_eq!(signature, key(7).sign(&[1; 32]), "deterministic");
        let mut other = signature;
        other[64] = 26;
        assert_eq!(recover(&[1; 32], &other), None);
        assert_eq!(recover(&[1; 32], &[0; 65]), None);
    }

    #[test]
    fn a_key_file_is_private_and_its_content_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let (key, text) = Key::generate().expect("random numbers");
        write_secret(&path, &text).expect("new file");
        assert!(write_secret(&path, &text).is_err(), "never overwritten");
        let loaded = Key::load(Some(&path), "key_file", "UNSET").expect("readable");
        assert_eq!(loaded.address(), key.address());
        assert!(!format!("{loaded:?}").contains(&text[2..]));

        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let error = Key::load(Some(&path), "key_file", "UNSET").expect_err("open file");
        assert!(error.to_string().contains("chmod 600"));

        let wrong = folder.path().join("wrong");
        write_secret(&wrong, "0xsecret").expect("new file");
        let error = Key::load(Some(&wrong), "key_file", "UNSET").expect_err("no key");
        assert!(!error.to_string().contains("secret"));
        let error = Key::load(None, "attester.key_file", "PLIMSOLL_UNSET").expect_err("none");
        assert!(error.to_string().contains("attester.key_file"));
    }
}
