//! The keeper: everything that happens off the chain, and everything that is sent to it.

pub mod allocate;
pub mod artifacts;
pub mod attester;
pub mod batch;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod demo;
pub mod deploy;
pub mod erc20;
pub mod hexes;
pub mod ingest;
pub mod journal;
pub mod keys;
pub mod logging;
pub mod meter;
pub mod metrics;
pub mod pipeline;
pub mod receipt;
pub mod server;
pub mod status;
pub mod steps;
pub mod submit;
pub mod tally;
