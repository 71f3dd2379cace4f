//! The rules of Plimsoll in exact integers.
//!
//! One crate, four callers: the contract, the keeper, the simulator and the
//! audit all compute with what is written here, so whoever starts from the same
//! inputs ends at the same integers. There is no ink!, no I/O and no clock in it:
//! time, storage and hash functions are handed in.
//!
//! The modules follow the sections of `docs/mechanism.md`:
//!
//! | section | module |
//! |---|---|
//! | who takes part | [`status`], [`account`] |
//! | the epoch clock | [`clock`] |
//! | budget | [`budget`] |
//! | pools | [`pools`] |
//! | two tiers, two kinds of cap | [`params`], [`record`] |
//! | the water level | [`level`] |
//! | booking and vesting | [`reward`], [`vesting`] |
//! | batches | [`work`], [`batch`], [`merkle`] |
//! | powers and bounds | [`params`], [`schedule`], [`bond`] |
//! | what is owed | [`ledger`] |
//!
//! # Units
//! Amounts are `u128` *base units* of the reward token. Work is counted in *work
//! units*. Shares are `u32` *parts per million* (ppm). Entitlements carry 32
//! fractional bits ([`pools::FRACTION_BITS`]).
//!
//! # Rounding
//! Every division rounds down unless the function's name says otherwise, and
//! every product is taken in 256 bits before it is divided. What rounding leaves
//! over stays with the reserve (or in the epoch's pot), never with a person.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod account;
pub mod allocate;
pub mod batch;
pub mod bond;
pub mod budget;
pub mod clock;
pub mod ledger;
pub mod level;
pub mod math;
pub mod merkle;
pub mod params;
pub mod pools;
pub mod record;
pub mod reward;
pub mod schedule;
pub mod status;
pub mod vesting;
pub mod work;

/// Number of an epoch; the first one, beginning at genesis, is 0.
pub type Epoch = u32;

/// Dense index of an operator, given at registration and never reused.
pub type OperatorIndex = u32;

/// A 32-byte hash.
pub type Hash = [u8; 32];
