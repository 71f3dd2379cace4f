//! The contracts as bytecode on the embedded chain, with what tests and the bench share.
//!
//! A [`World`] is a chain with a token and the emission contract on it, both from
//! `contracts/artifacts`. It encodes messages, decodes answers, errors and events,
//! signs batches with the attesters' keys and moves the clock to where a test wants it.
//! After every message it checks that the ledger conserves (G1) and that the token
//! balance covers what is owed (G15).
//!
//! This crate is for tests: what cannot go on panics and says why.

mod actors;
pub mod artifacts;
mod attesters;
mod events;
mod index;
mod sent;
mod setup;
mod tokens;
mod world;

pub use actors::Actor;
pub use attesters::{entry, Attester, Batch};
pub use events::Event;
pub use index::Index;
pub use sent::{Refusal, Sent};
pub use setup::{param_mut, Setup, ATTESTERS, PARAMS, THRESHOLD};
pub use tokens::{faults, Erc20, Fault, FaultyToken, TokenKind, DECIMALS, SUPPLY};
pub use world::World;

use plimsoll_interface::mechanism::Hash;
use sha3::{Digest, Keccak256};

/// Keccak-256.
pub fn keccak(bytes: &[u8]) -> Hash {
    Keccak256::digest(bytes).into()
}
