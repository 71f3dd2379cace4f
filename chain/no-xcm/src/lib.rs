//! Nothing: `pallet-assets-precompiles` names this crate among its dependencies
//! but uses it only in its tests. `Cargo.toml` says why it is here.
#![no_std]
