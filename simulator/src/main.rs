//! `plimsoll compare` as a program of its own, which builds in two minutes.

use clap::Parser;
use plimsoll_simulator::cli::{self, Compare};
use std::process::ExitCode;

/// Compares reward designs on real jobs, operators and costs, and writes a report that
/// can be attached to a proposal.
#[derive(Parser)]
#[command(name = "plimsoll-compare", version)]
struct Arguments {
    #[command(flatten)]
    compare: Compare,
}

fn main() -> ExitCode {
    match cli::run(&Arguments::parse().compare) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
