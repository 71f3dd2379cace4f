//! The emission contract's state, recomputed from its events and the times of their blocks
//! alone, and compared with what the contract itself shows.
//!
//! An [`Index`] takes events in order. Nothing that an event claims is believed: every
//! budget, level, reward, liquid part, release and slash is computed with
//! `plimsoll-mechanism` and compared with the event's figure, and whatever could not have
//! happened there (too early, too late, by nobody who has it) is a [`Finding`] that says
//! what and where. No history makes it panic.
//!
//! An [`Auditor`] follows blocks: it also checks digests and, where the transaction is at
//! hand, the attesters' signatures. It can be stored as a [`Checkpoint`] and taken up again.
//! [`Index::checks`] are then all the views of the contract with the answers that they must
//! give at that block.
//!
//! `plimsoll audit` runs it against a deployment, and the stateful tests run it beside the
//! contract over random histories: the code that audits is the code that is tested.
#![forbid(unsafe_code)]

mod auditor;
mod checkpoint;
mod event;
mod finding;
mod index;
mod signatures;

pub use auditor::{Auditor, Block, Recover, Tally};
pub use checkpoint::{Checkpoint, CheckpointError, Identity, FORMAT};
pub use event::Event;
pub use finding::{Finding, Kind, Place};
pub use index::{Accepted, Attested, BatchId, Check, Index, Origin};

use plimsoll_interface::mechanism::Hash;
use sha3::{Digest as _, Keccak256};

/// Keccak-256.
#[must_use]
pub fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}

/// Bytes for a message.
pub(crate) fn shown(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}
