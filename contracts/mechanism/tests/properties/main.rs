//! The guarantees as properties of the mechanism crate, one module a subject. They are
//! one program, so that a change of the crate links one.

mod batches;
mod clock;
mod details;
mod digest;
mod edges;
mod epochs;
mod level;
mod pools;
mod support;
mod tiers;
mod vesting;
