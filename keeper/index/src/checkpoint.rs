//! An audit on its way, to be gone on with later.

use crate::{keccak, Auditor};
use parity_scale_codec::{Decode, DecodeAll as _, Encode};
use plimsoll_interface::mechanism::Hash;
use plimsoll_interface::H160;

/// How checkpoints begin.
const MAGIC: &[u8; 8] = b"plimaudt";

/// The layout of what is stored. Whenever a stored type or the meaning of a field changes,
/// it changes too, and what was stored before is begun anew.
pub const FORMAT: u16 = 1;

/// Which deployment a checkpoint is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Identity {
    /// Hash of the chain's block 0.
    pub genesis: Hash,
    /// The contract.
    pub contract: H160,
    /// Hash of its code.
    pub code_hash: Hash,
    /// The first block that was looked at.
    pub from: u64,
}

/// An audit after a finalized block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Checkpoint {
    /// Which deployment it is of.
    pub identity: Identity,
    /// The newest block that was looked at.
    pub block: u64,
    /// That block's hash.
    pub hash: Hash,
    /// The audit.
    pub auditor: Auditor,
}

/// Why bytes are no checkpoint to go on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// They are something else.
    #[error("it is no checkpoint of an audit; name another file")]
    NotOne,
    /// They are of another version of this program.
    #[error("it is of format {0}, and this version of the program has format {FORMAT}; remove it and begin anew")]
    Format(u16),
    /// They were cut off or changed.
    #[error("it is damaged; remove it and begin anew")]
    Damaged,
    /// They are of another deployment.
    #[error("it is of another deployment: its {what} is {found}, and {here} here; name another file, or remove it")]
    Other {
        /// What differs.
        what: &'static str,
        /// What the checkpoint has.
        found: String,
        /// What it should have.
        here: String,
    },
}

impl Checkpoint {
    /// The bytes to store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let content = self.encode();
        let mut bytes = MAGIC.to_vec();
        FORMAT.encode_to(&mut bytes);
        bytes.extend(keccak(&content));
        bytes.extend(content);
        bytes
    }

    /// The checkpoint of a deployment in stored bytes.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub fn from_bytes(bytes: &[u8], identity: &Identity) -> Result<Self, CheckpointError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(CheckpointError::NotOne)?;
        let (format, rest) = rest
            .split_first_chunk::<2>()
            .ok_or(CheckpointError::Damaged)?;
        let format = u16::from_le_bytes(*format);
        if format != FORMAT {
            return Err(CheckpointError::Format(format));
        }
        let (sum, content) = rest
            .split_first_chunk::<32>()
            .ok_or(CheckpointError::Damaged)?;
        if keccak(content) != *sum {
            return Err(CheckpointError::Damaged);
        }
        let checkpoint = Self::decode_all(&mut &*content).map_err(|_| CheckpointError::Damaged)?;
        checkpoint.identity.check(identity)?;
        Ok(checkpoint)
    }
}

impl Identity {
    fn check(&self, here: &Self) -> Result<(), CheckpointError> {
        let facts = [
            ("chain's genesis", &self.genesis[..], &here.genesis[..]),
            ("contract", &self.contract.0[..], &here.contract.0[..]),
            ("code hash", &self.code_hash[..], &here.code_hash[..]),
        ];
        for (what, found, here) in facts {
            if found != here {
                return Err(CheckpointError::Other {
                    what,
                    found: crate::shown(found),
                    here: crate::shown(here),
                });
            }
        }
        if self.from != here.from {
            return Err(CheckpointError::Other {
                what: "first block",
                found: self.from.to_string(),
                here: here.from.to_string(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;

    const IDENTITY: Identity = Identity {
        genesis: [1; 32],
        contract: H160([2; 20]),
        code_hash: [3; 32],
        from: 4,
    };

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            identity: IDENTITY,
            block: 9,
            hash: [5; 32],
            auditor: Auditor::new(Origin {
                contract: IDENTITY.contract,
                chain_id: [6; 32],
            }),
        }
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let checkpoint = checkpoint();
        let bytes = checkpoint.to_bytes();
        assert_eq!(Checkpoint::from_bytes(&bytes, &IDENTITY), Ok(checkpoint));
    }

    #[test]
    fn a_checkpoint_of_another_deployment_is_refused_by_what_differs() {
        let bytes = checkpoint().to_bytes();
        let others = [
            (
                "chain's genesis",
                Identity {
                    genesis: [9; 32],
                    ..IDENTITY
                },
            ),
            (
                "contract",
                Identity {
                    contract: H160([9; 20]),
                    ..IDENTITY
                },
            ),
            (
                "code hash",
                Identity {
                    code_hash: [9; 32],
                    ..IDENTITY
                },
            ),
            (
                "first block",
                Identity {
                    from: 9,
                    ..IDENTITY
                },
            ),
        ];
        for (wanted, other) in others {
            let error = Checkpoint::from_bytes(&bytes, &other).expect_err("another one");
            assert!(
                matches!(&error, CheckpointError::Other { what, .. } if *what == wanted),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_of_another_format_or_damaged_is_refused() {
        let bytes = checkpoint().to_bytes();
        let read = |bytes: &[u8]| Checkpoint::from_bytes(bytes, &IDENTITY).expect_err("refused");
        assert_eq!(read(b"something else"), CheckpointError::NotOne);
        assert_eq!(read(b""), CheckpointError::NotOne);
        let mut newer = bytes.clone();
        newer[8..10].copy_from_slice(&(FORMAT + 1).to_le_bytes());
        assert_eq!(read(&newer), CheckpointError::Format(FORMAT + 1));
        for length in [8, 9, 10, 41, 42, bytes.len() - 1] {
            assert_eq!(read(&bytes[..length]), CheckpointError::Damaged, "{length}");
        }
        for at in 10..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(read(&changed), CheckpointError::Damaged, "{at}");
        }
    }
}
