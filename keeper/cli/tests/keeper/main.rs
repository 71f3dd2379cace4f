//! The keeper end to end: the real programs, against a real node, over JSON-RPC.
//!
//! Every test that needs a chain starts a development node of its own, deploys with
//! `plimsoll deploy`, runs `plimsoll attester` and `plimsoll run` as processes, and
//! compares what is on the chain with what the receipts are worth. Nothing is replaced.

mod auditing;
mod commands;
mod demo;
mod deployment;
mod endpoints;
mod kills;
mod node;
mod outage;
mod programs;
mod proposing;
mod refusals;
mod rounds;
mod stage;
mod two;
mod workload;
