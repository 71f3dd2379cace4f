//! What the emission contract speaks, in SCALE: the contract is built from these
//! types, and whoever calls it encodes and decodes with them.
//!
//! A message is called with its [`calls::selector`], followed by its arguments. It
//! answers with [`calls::Answer`]; if it answers an [`Error`], the call is reverted.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "calls")]
pub mod calls;
mod error;
pub mod events;
mod types;

pub use error::Error;
pub use types::*;

pub use plimsoll_mechanism as mechanism;
pub use primitive_types::H160;
