//! The runtime in process: a chain without a node.
//!
//! [`EmbeddedChain`] holds the state of a chain and runs the native runtime on it,
//! pallet-revive and all, with the weights, deposits and limits of the node's wasm
//! runtime. Contracts run as PolkaVM bytecode (or EVM bytecode), messages are
//! metered as in a block, failures roll back as a transaction does. Its clock is the
//! caller's: time stands still until it is set.
//!
//! What differs from a node: calls pay no transaction fee unless they are
//! [submitted](EmbeddedChain::submit) as signed transactions, a block takes any number
//! of them, and state roots are never computed.
//!
//! A chain belongs to one thread. [`EmbeddedHandle`] gives it a thread of its own and
//! can be cloned and shared.
//!
//! ```
//! use plimsoll_embedded::{account_of, EmbeddedChain, Genesis};
//!
//! let mut chain = EmbeddedChain::new(Genesis::default());
//! let someone = account_of("//Someone");
//! chain.fund(&someone, 5 * plimsoll_embedded::UNIT).unwrap();
//! chain.advance(3_600_000).unwrap();
//! assert_eq!(chain.balance(&someone), 5 * plimsoll_embedded::UNIT);
//! ```

mod accounts;
mod blocks;
mod chain;
mod contracts;
mod genesis;
mod outcome;

mod state;
mod thread;
mod transactions;

pub use blocks::ClockError;
pub use chain::{EmbeddedChain, Snapshot};
pub use contracts::Limits;
pub use genesis::{account_of, pair_of, Genesis, GENESIS_TIME_MS};
pub use outcome::{ContractEvent, Dispatched, Failure, Outcome};
pub use thread::{ChainStopped, EmbeddedHandle};
pub use transactions::SubmitError;

pub use frame_support::{dispatch::RawOrigin, weights::Weight};
pub use pallet_revive::Code;
pub use plimsoll_runtime::{
    constants::{CENT, CHAIN_ID, DECIMALS, EXISTENTIAL_DEPOSIT, UNIT},
    AccountId, Balance, BlockNumber, RuntimeCall, RuntimeEvent,
};
pub use sp_core::{sr25519, H160, H256};
