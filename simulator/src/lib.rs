//! Compares reward designs: what each does to operators, on real jobs, real operators
//! and real costs, with the contract's own code where the design is Plimsoll.
//!
//! Read top-down: a [`scenario`] (a TOML file in which every assumption has a unit, a
//! source and a range) and the shipped [`data`] make a [`world`]; the [`engine`] lets
//! every one of the [`designs`] pay the same work; [`metrics`], [`attacks`] and
//! [`sensitivity`] turn what was paid into [`findings`]; the [`report`] shows them.
//!
//! # Units
//! Tokens are counted in base units (`u128`), work in tokens of inference (*work
//! units*), money in euros (`f64`), shares in whole numbers of 1.
//!
//! # Same seed, same bytes
//! Every random number comes from [`random`], seeded by run and purpose and never by
//! thread; sums over runs are taken in the order of the runs; mathematics comes from
//! `libm`, not from the system; and no clock gets into the output.
#![forbid(unsafe_code)]

pub mod attacks;
pub mod backtests;
pub mod capital;
pub mod chain_costs;
pub mod charts;
pub mod cli;
pub mod compare;
pub mod data;
pub mod designs;
pub mod engine;
pub mod export;
pub mod findings;
pub mod markets;
pub mod metrics;
pub mod pareto;
pub mod progress;
pub mod random;
pub mod report;
pub mod room;
pub mod scenario;
pub mod selling;
pub mod sensitivity;
pub mod speed;
pub mod statistics;
pub mod sweep;
pub mod verdict;
pub mod vesting;
pub mod world;
