//! Every message of the emission contract, as bytecode on the embedded chain: what it
//! does, whom it refuses, what it tells.
//!
//! A [`World`](plimsoll_tests::World) checks after every message that the ledger
//! conserves (G1) and that the token balance covers what is owed (G15).

mod batches;
mod bonds;
mod claims;
mod deployment;
mod epochs;
mod faulty;
mod governance;
mod operators;
mod signatures;
mod stage;
mod strikes;
mod tiers;
mod tokens;
