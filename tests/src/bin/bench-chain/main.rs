//! Measures what the contracts cost in the real runtime: execution, proof size and
//! storage deposit, beside the targets. See `report` for what is printed and written.
//!
//! Every figure is what the runtime says that executing the call consumed, the call
//! being a transaction of its own: it finds all storage cold. What the whole transaction
//! takes (its length, its signature, its fee) is given beside it; for the deployment it is
//! the figure itself.
#![forbid(unsafe_code)]

mod measure;
mod report;
mod world;

use std::{env, process::ExitCode};

use crate::{
    measure::{CROWD, LEAST_CROWD},
    world::Fallible,
};

fn main() -> ExitCode {
    let measured = operators().and_then(measure::all);
    match measured.and_then(|measured| report::publish(&measured)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!(
                "error: a figure is beyond its target by more than a quarter (see the table)"
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many operators the large network has: the only argument, for a quick look with
/// fewer.
fn operators() -> Fallible<u32> {
    let Some(text) = env::args().nth(1) else {
        return Ok(CROWD);
    };
    match text.parse() {
        Ok(number) if (LEAST_CROWD..=CROWD).contains(&number) => Ok(number),
        _ => Err(format!(
            "`{text}` is no number of operators: give one from {LEAST_CROWD} to {CROWD}, or none for {CROWD}"
        )
        .into()),
    }
}
