//! The results as they are kept in `docs/measured`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What went wrong, in words for whoever ran the audit.
pub type Outcome<T> = Result<T, String>;

/// `docs/measured/audit.json`: a run of the proofs.
#[derive(Serialize, Deserialize)]
pub struct Audit {
    pub commit: String,
    pub sources: String,
    pub mode: String,
    pub minutes: f64,
    pub tests: Vec<Test>,
    pub properties: Vec<Property>,
    pub attacks: Vec<Attack>,
    pub fuzzing: Vec<Fuzzing>,
}

/// A test of the harness.
#[derive(Serialize, Deserialize)]
pub struct Test {
    /// Its program, for example `roles`.
    pub target: String,
    /// Its function, without modules.
    pub name: String,
    pub passed: bool,
}

/// A line of evidence.
#[derive(Clone, Serialize, Deserialize)]
pub struct Property {
    pub suite: String,
    pub name: String,
    pub cases: u64,
    pub seed: u64,
    pub seconds: u64,
}

/// The best that a search found for one attack in one population.
#[derive(Serialize, Deserialize)]
pub struct Attack {
    pub attack: String,
    pub population: String,
    pub evaluations: u64,
    /// Gain in parts per million of what honesty earns.
    pub gain_ppm: i64,
    /// Gain in base units.
    pub gain_units: String,
    pub strategy: String,
    /// `none`, `within rounding`, `known: ...`, or `found: ...` where the search found it first.
    pub verdict: String,
}

/// What fuzzing of one target came to.
#[derive(Serialize, Deserialize)]
pub struct Fuzzing {
    pub target: String,
    pub executions: u64,
    pub seconds: u64,
    pub corpus: u64,
    pub crashes: u64,
}

/// `docs/measured/faults.json`: deliberate faults in the contract, written by
/// `scripts/faults.sh`.
#[derive(Serialize, Deserialize)]
pub struct Faults {
    pub commit: String,
    pub sources: String,
    pub minutes: f64,
    pub faults: Vec<Fault>,
}

/// One fault and who caught it.
#[derive(Serialize, Deserialize)]
pub struct Fault {
    pub name: String,
    pub what: String,
    pub caught: bool,
    pub by: Vec<String>,
    pub command: String,
}

/// `docs/measured/mutants.json`: `cargo mutants` on the mechanism crate.
#[derive(Serialize, Deserialize)]
pub struct Mutants {
    pub commit: String,
    pub sources: String,
    pub minutes: f64,
    pub cases: u32,
    /// By file: how many there were and how many were caught.
    pub files: BTreeMap<String, Tally>,
    /// By guarantee: how many made one of its properties fail.
    pub guarantees: BTreeMap<String, u64>,
    pub survivors: Vec<Survivor>,
}

/// How the mutants of a file fared.
#[derive(Default, Serialize, Deserialize)]
pub struct Tally {
    pub caught: u64,
    /// Ran without end until they were stopped: caught as well.
    pub timeout: u64,
    /// Did not compile.
    pub unviable: u64,
    pub missed: u64,
}

/// A mutant that nothing caught.
#[derive(Serialize, Deserialize)]
pub struct Survivor {
    pub mutant: String,
    /// Why it is no fault; `None` if nobody says so.
    pub why: Option<String>,
}

/// Writes a result.
///
/// # Errors
/// That of the file system, with the file's name.
pub fn save<T: Serialize>(file: &Path, result: &T) -> Outcome<()> {
    let text = serde_json::to_string_pretty(result).map_err(|error| error.to_string())?;
    fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))
}

/// Reads a result.
///
/// # Errors
/// That of the file system or of the format, with the file's name.
pub fn load<T: DeserializeOwned>(file: &Path) -> Outcome<T> {
    let text = read(file)?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// [`load`], or `None` if there is no such file.
///
/// # Errors
/// As that.
pub fn load_if_there<T: DeserializeOwned>(file: &Path) -> Outcome<Option<T>> {
    file.exists().then(|| load(file)).transpose()
}

/// Reads a file.
///
/// # Errors
/// That of the file system, with the file's name.
pub fn read(file: &Path) -> Outcome<String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
