//! Breaks the emission contract on purpose, one fault at a time, and says which tests
//! notice. Started by `scripts/faults.sh`, which says what it needs in the environment.
//!
//! A fault is a text in a source file and what stands in its place (`faults.toml`). It is
//! put into a copy of the contract's sources, the copy is built, and the test that is to
//! notice runs on that bytecode; if it does not, all test targets do, the quickest first,
//! until one of them fails. The checkout is never touched. Before any fault the sources as they are must pass everything: a test that
//! always fails notices nothing.
#![forbid(unsafe_code)]

mod build;
mod list;
mod report;
mod run;

use build::Builder;
use list::Fault;
use report::{Report, Verdict};
use run::{Caught, Target};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Instant;
use std::{env, thread};

/// What ends a run, in words.
pub type Fallible<T> = Result<T, String>;

fn main() -> ExitCode {
    match all() {
        Ok(survivors) if survivors.is_empty() => ExitCode::SUCCESS,
        Ok(survivors) => {
            eprintln!(
                "error: nothing notices these faults: {}",
                survivors.join(", ")
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A variable that `scripts/faults.sh` sets.
pub fn told(name: &str) -> Fallible<String> {
    env::var(name).map_err(|_| format!("{name} is not set: start this with scripts/faults.sh"))
}

/// Tries every fault that was asked for and returns the names of those that nothing notices.
fn all() -> Fallible<Vec<String>> {
    let begun = Instant::now();
    let asked: Vec<String> = env::args().skip(1).collect();
    let builder = Builder::new()?;
    let faults = list::read(&builder.root, &asked)?;
    let targets = run::targets()?;
    eprintln!(
        "==> {} faults, about {} minutes on two free cores; targets in this order: {}",
        faults.len(),
        5 + faults.len() / 3,
        targets
            .iter()
            .map(|t| t.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    if env::var_os("FAULTS_BASELINE").is_none_or(|value| value != "skip") {
        baseline(&builder, &targets)?;
    }

    // One thread builds the next fault while the tests of the last one run.
    let (built, to_try) = mpsc::sync_channel(1);
    let names: Vec<Fault> = faults.clone();
    let building = thread::spawn(move || {
        for fault in names {
            let bytecode = builder.faulty(&fault);
            if built.send((fault, bytecode)).is_err() {
                break;
            }
        }
    });
    let mut report = Report::new()?;
    for (k, (fault, bytecode)) in to_try.iter().enumerate() {
        let at = Instant::now();
        let caught = run::first_that_notices(&targets, Some(&fault.test), &bytecode?)?;
        let verdict = Verdict::new(&fault, &caught, at);
        eprintln!(
            "    {:>2}/{} {}: {} ({} s)",
            k + 1,
            faults.len(),
            fault.name,
            verdict.in_words(&caught),
            verdict.seconds
        );
        report.faults.push(verdict);
    }
    building
        .join()
        .map_err(|_| "the builder stopped".to_owned())?;
    report.minutes = (begun.elapsed().as_secs() + 30) / 60;
    report.write(asked.is_empty())?;
    Ok(report.survivors())
}

/// The sources as they are must pass every target.
fn baseline(builder: &Builder, targets: &[Target]) -> Fallible<()> {
    eprintln!("==> the contract without a fault");
    let at = Instant::now();
    match run::first_that_notices(targets, None, &builder.faultless()?)? {
        Caught {
            by,
            target: Some(target),
        } => Err(format!(
            "without any fault the target {target} fails: {}",
            by.join(", ")
        )),
        Caught { target: None, .. } => {
            eprintln!("    passes everything ({} s)", at.elapsed().as_secs());
            Ok(())
        }
    }
}
