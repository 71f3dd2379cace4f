//! A model of one epoch and of vesting in exact fractions, written from the text alone.
//!
//! | text | here |
//! |---|---|
//! | budget, pools, entitlements, tiers, caps, rewards | [`epoch`] |
//! | the water level | [`level`] |
//! | liquid part, vesting | [`vesting`] |
//! | numbers that neither round nor wrap | [`number`] |

pub mod epoch;
pub mod level;
pub mod number;
pub mod vesting;
