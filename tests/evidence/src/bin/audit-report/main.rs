//! Makes the tables of `docs/audit.md` out of what ran.
//!
//! `scripts/audit.sh` runs the proofs and calls this program three times over:
//!
//! * `collect` condenses the record of a run (the harness's logs and the lines of
//!   evidence) into `docs/measured/audit.json`;
//! * `mutants` condenses the output of `cargo mutants` into `docs/measured/mutants.json`;
//! * `render` writes the tables from those two and `docs/measured/faults.json`, and fails
//!   if a guarantee, a role or a fault has no row, or a row is not green.

mod collect;
mod mutants;
mod render;
mod results;
mod rows;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Makes the tables of docs/audit.md out of what ran")]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Condense the record of a run.
    Collect {
        /// The record: `*.jsonl`, and `logs/TARGET.log`, one a test target.
        #[arg(long)]
        evidence: PathBuf,
        #[command(flatten)]
        run: Run,
        /// What kind of run it was: `full`, `ci` or `row`.
        #[arg(long)]
        mode: String,
        /// Where the result goes.
        #[arg(long)]
        out: PathBuf,
    },
    /// Condense the output of `cargo mutants`.
    Mutants {
        /// Its folder `mutants.out`; of several, what a later one says of a mutant counts.
        #[arg(long, required = true)]
        from: Vec<PathBuf>,
        /// Why survivors are none: see `contracts/mechanism/mutants-explained.toml`.
        #[arg(long)]
        explained: PathBuf,
        #[command(flatten)]
        run: Run,
        /// Cases of each property in that run.
        #[arg(long)]
        cases: u32,
        /// Where the result goes.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the tables.
    Render(render::Render),
}

/// What a result says about the run that it is from.
#[derive(Args, Clone)]
struct Run {
    /// The commit that the run was of, with `-dirty` if files differed from it.
    #[arg(long)]
    commit: String,
    /// The hash of the code that was tried.
    #[arg(long)]
    sources: String,
    /// How long it took.
    #[arg(long)]
    minutes: f64,
}

fn main() -> ExitCode {
    let outcome = match Command::parse().what {
        What::Collect {
            evidence,
            run,
            mode,
            out,
        } => collect::collect(&evidence, &run, &mode).and_then(|audit| results::save(&out, &audit)),
        What::Mutants {
            from,
            explained,
            run,
            cases,
            out,
        } => mutants::condense(&from, &explained, &run, cases)
            .and_then(|mutants| results::save(&out, &mutants)),
        What::Render(render) => render::render(&render),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
