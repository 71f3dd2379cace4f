//! Test targets on other bytecode.

use crate::{told, Fallible};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// So many tests that fail are enough to say that a fault is noticed.
const ENOUGH: usize = 5;

/// A target that takes longer hangs, which no test of the sources as they are does.
const LIMIT: Duration = Duration::from_secs(900);

/// So long a target may take to say which guarantees a fault breaks that is noticed
/// already; some faults let a test wait for what never comes.
const LIMIT_OF_MORE: Duration = Duration::from_secs(60);

/// A test target, built.
pub struct Target {
    /// Its name.
    pub name: String,
    program: PathBuf,
}

/// Who noticed.
pub struct Caught {
    /// The first target that failed.
    pub target: Option<String>,
    /// The first tests of it that failed.
    pub by: Vec<String>,
}

/// The targets that `scripts/faults.sh` built, the quickest first: `name=program` each.
pub fn targets() -> Fallible<Vec<Target>> {
    let told = told("FAULTS_TARGETS")?;
    let targets: Option<Vec<Target>> = told
        .lines()
        .map(|line| {
            let (name, program) = line.split_once('=')?;
            Some(Target {
                name: name.to_owned(),
                program: program.into(),
            })
        })
        .collect();
    targets
        .filter(|targets| !targets.is_empty())
        .ok_or_else(|| format!("FAULTS_TARGETS is {told:?}: it takes lines of name=program"))
}

/// Runs the one test, or else the targets, on `bytecode` until one fails.
pub fn first_that_notices(
    targets: &[Target],
    test: Option<&str>,
    bytecode: &Path,
) -> Fallible<Caught> {
    let named = test.and_then(|test| test.split_once("::"));
    let first = named.and_then(|(target, test)| {
        let target = targets.iter().find(|known| known.name == target)?;
        Some((target, vec!["--exact", test]))
    });
    if let Some((target, arguments)) = first {
        let mut by = target.run(&arguments, bytecode, LIMIT)?;
        if !by.is_empty() {
            // Which guarantees it breaks: their tests begin with a `g`.
            for target in targets.iter().filter(|target| target.name != "stateful") {
                if by.len() >= ENOUGH {
                    break;
                }
                let also = target.run(&["::g"], bytecode, LIMIT_OF_MORE)?;
                by.extend(
                    also.into_iter()
                        .filter(|test| *test != by[0])
                        .collect::<Vec<_>>(),
                );
            }
            by.truncate(ENOUGH);
            let target = Some(target.name.clone());
            return Ok(Caught { target, by });
        }
    }
    for target in targets {
        let by = target.run(&[], bytecode, LIMIT)?;
        if !by.is_empty() {
            let target = Some(target.name.clone());
            return Ok(Caught { target, by });
        }
    }
    Ok(Caught {
        target: None,
        by: Vec::new(),
    })
}

impl Target {
    /// The tests that fail on `bytecode`, at most [`ENOUGH`] of them.
    fn run(&self, arguments: &[&str], bytecode: &Path, limit: Duration) -> Fallible<Vec<String>> {
        let name = &self.name;
        let mut child = Command::new(&self.program)
            .args(arguments)
            .current_dir(told("FAULTS_PACKAGE")?)
            .env("PLIMSOLL_EMISSION", bytecode)
            .env_remove("PLIMSOLL_EVIDENCE")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let output = child.stdout.take().expect("it is piped");
        let (say, lines) = mpsc::channel();
        let reading = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if say.send(line).is_err() {
                    break;
                }
            }
        });
        let until = Instant::now() + limit;
        let mut failed = Vec::new();
        let mut finished = true;
        while failed.len() < ENOUGH {
            let left = until.saturating_duration_since(Instant::now());
            match lines.recv_timeout(left) {
                Ok(line) => failed.extend(failure(&line).map(|test| format!("{name}::{test}"))),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    finished = false;
                    failed.push(format!("{name} does not end within {} s", limit.as_secs()));
                    break;
                }
            }
        }
        if failed.len() >= ENOUGH || !finished {
            // It has said enough. An error means that it has ended by itself.
            let _ = child.kill();
        }
        drop(lines);
        let status = child.wait().map_err(|error| format!("{name}: {error}"))?;
        let _ = reading.join();
        if failed.is_empty() && !status.success() {
            return Err(format!(
                "{name} ended with {status} and names no test that failed"
            ));
        }
        Ok(failed)
    }
}

/// The test that a line of the test harness says has failed.
fn failure(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}
