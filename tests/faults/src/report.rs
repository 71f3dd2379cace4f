//! What is written about the faults.

use crate::list::Fault;
use crate::run::Caught;
use crate::{told, Fallible};
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// `docs/measured/faults.json`.
#[derive(Serialize)]
pub struct Report {
    /// The commit of the checkout.
    commit: String,
    /// The hash of everything that decides what comes out.
    sources: String,
    /// How long it took.
    pub minutes: u64,
    /// One after the other.
    pub faults: Vec<Verdict>,
}

/// What came of a fault.
#[derive(Serialize)]
pub struct Verdict {
    name: String,
    what: String,
    caught: bool,
    by: Vec<String>,
    /// Until it was noticed, or nothing noticed it.
    pub seconds: u64,
    command: String,
}

impl Verdict {
    /// The verdict on a fault whose tests began at `at`.
    pub fn new(fault: &Fault, caught: &Caught, at: Instant) -> Self {
        Self {
            name: fault.name.clone(),
            what: fault.what.clone(),
            caught: caught.target.is_some(),
            by: caught.by.clone(),
            seconds: at.elapsed().as_secs(),
            command: format!("scripts/faults.sh {}", fault.name),
        }
    }

    /// It in a line.
    pub fn in_words(&self, caught: &Caught) -> String {
        match &caught.target {
            Some(_) => format!("noticed by {}", self.by.join(", ")),
            None => "NOTHING NOTICES IT".to_owned(),
        }
    }
}

impl Report {
    /// An empty one.
    pub fn new() -> Fallible<Self> {
        Ok(Self {
            commit: told("FAULTS_COMMIT")?,
            sources: told("FAULTS_SOURCES")?,
            minutes: 0,
            faults: Vec::new(),
        })
    }

    /// The names of those that nothing noticed.
    pub fn survivors(&self) -> Vec<String> {
        let survivors = self.faults.iter().filter(|fault| !fault.caught);
        survivors.map(|fault| fault.name.clone()).collect()
    }

    /// Writes it: into the documents if it is `whole`, else beside the work.
    pub fn write(&self, whole: bool) -> Fallible<()> {
        let file = if whole {
            Path::new(&told("FAULTS_ROOT")?).join("docs/measured/faults.json")
        } else {
            Path::new(&told("FAULTS_WORK")?).join("faults.json")
        };
        let mut text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        text.push('\n');
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        eprintln!("==> written: {}", file.display());
        Ok(())
    }
}
