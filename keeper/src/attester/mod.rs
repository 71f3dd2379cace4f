//! The attester: a service that re-checks a batch from its receipts and signs it.
//!
//! # What it promises
//! * It signs nothing that it did not compute itself from receipts of signers it knows.
//! * It signs one digest for an epoch, lane and number; asked again for the same, it
//!   gives the same signature.
//! * It signs no receipt while another batch that holds it can still be accepted, and
//!   none that the contract has.
//! * All that is on disk before the signature exists.
//!
//! # What it believes
//! The chain, which it reads itself, and a quorum of its fellow attesters: a batch that
//! the contract has and that this attester has not seen (it was down) it takes from the
//! keeper, but only with the signatures of enough attesters. As more than half must
//! sign and each signs one digest for a number, that is the batch the contract has. A
//! keeper is believed in nothing.
//!
//! To know that a receipt was not counted before, it must know all batches of the
//! receipt's lane from the epoch of the receipt's completion on, because no batch of an
//! earlier epoch can hold it. To know how a client's work is split, it must know all
//! batches of the batch's epoch. What it lacks it asks the keeper for.

pub mod client;
mod examine;
mod ledger;
pub mod protocol;
mod service;
#[cfg(test)]
mod tests;
pub mod views;

pub use examine::{Attester, Settings};
pub use service::{router, serve};
