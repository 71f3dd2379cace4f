//! What `cargo mutants` found, condensed.

use crate::collect::result_line;
use crate::results::{read, Mutants, Outcome, Survivor, Tally};
use crate::rows;
use crate::Run;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// `contracts/mechanism/mutants-explained.toml`.
#[derive(Deserialize)]
struct Explained {
    #[serde(default)]
    survivor: Vec<Explanation>,
}

/// Why a mutant that survives is no fault.
#[derive(Deserialize)]
struct Explanation {
    /// As `cargo mutants` names it, without line and column.
    mutant: String,
    /// How many mutants of that name it speaks for: one, unless it says otherwise.
    #[serde(default = "one")]
    times: usize,
    why: String,
}

fn one() -> usize {
    1
}

impl Explained {
    /// Why this survivor is no fault. An explanation is used up by as many as it speaks
    /// for, so that it hides no other mutant that reads alike.
    fn why(&mut self, mutant: &str) -> Option<String> {
        let explanation = self
            .survivor
            .iter_mut()
            .find(|explanation| explanation.mutant == mutant && explanation.times > 0)?;
        explanation.times -= 1;
        Some(explanation.why.clone())
    }
}

/// Reads the folder `mutants.out`.
///
/// # Errors
/// If a file of it or the list of explanations cannot be read.
pub fn condense(from: &Path, explained: &Path, run: &Run, cases: u32) -> Outcome<Mutants> {
    let outcomes: Value = crate::results::load(&from.join("outcomes.json"))?;
    let mut explained: Explained = toml::from_str(&read(explained)?)
        .map_err(|error| format!("{}: {error}", explained.display()))?;
    let mut result = Mutants {
        commit: run.commit.clone(),
        sources: run.sources.clone(),
        minutes: run.minutes,
        cases,
        files: BTreeMap::new(),
        guarantees: BTreeMap::new(),
        survivors: Vec::new(),
    };
    let list = outcomes["outcomes"].as_array().ok_or("no outcomes")?;
    for outcome in list {
        let Some(mutant) = outcome["scenario"].get("Mutant") else {
            continue;
        };
        let file = mutant["file"].as_str().ok_or("a mutant without a file")?;
        let tally: &mut Tally = result.files.entry(file.to_owned()).or_default();
        match outcome["summary"].as_str().unwrap_or_default() {
            "CaughtMutant" => {
                tally.caught += 1;
                let log = outcome["log_path"]
                    .as_str()
                    .ok_or("a mutant without a log")?;
                for id in caught_by(&read(&from.join(log))?) {
                    *result.guarantees.entry(id).or_default() += 1;
                }
            }
            "Timeout" => tally.timeout += 1,
            "Unviable" => tally.unviable += 1,
            "MissedMutant" => {
                tally.missed += 1;
                let name = mutant["name"].as_str().ok_or("a mutant without a name")?;
                let mutant = without_place(name);
                let why = explained.why(&mutant);
                result.survivors.push(Survivor { mutant, why });
            }
            other => return Err(format!("{file}: an outcome that is unknown: {other}")),
        }
    }
    Ok(result)
}

/// `file:line:column: text` without line and column, which change with every edit above.
fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(text)) => format!("{file}:{text}"),
        _ => name.to_owned(),
    }
}

/// The guarantees of which a property failed.
fn caught_by(log: &str) -> BTreeSet<String> {
    log.lines()
        .filter_map(result_line)
        .filter(|(_, passed)| !passed)
        .flat_map(|(name, _)| rows::guarantees_of(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_known_by_what_it_does_and_not_by_its_line() {
        let name = "contracts/mechanism/src/level.rs:36:9: replace + with - in Level::raise";
        assert_eq!(
            without_place(name),
            "contracts/mechanism/src/level.rs: replace + with - in Level::raise"
        );
    }

    #[test]
    fn an_explanation_speaks_for_as_many_survivors_as_it_says() {
        let text = "[[survivor]]\nmutant = \"a\"\nwhy = \"because\"\n\
                    [[survivor]]\nmutant = \"b\"\ntimes = 2\nwhy = \"both\"";
        let mut explained: Explained = toml::from_str(text).unwrap();
        assert_eq!(explained.why("a").as_deref(), Some("because"));
        assert_eq!(explained.why("a"), None);
        assert!(explained.why("b").is_some() && explained.why("b").is_some());
        assert_eq!(explained.why("b"), None);
        assert_eq!(explained.why("c"), None);
    }

    #[test]
    fn a_mutant_counts_for_every_guarantee_that_noticed_it() {
        let log = "test tiers::g3_x ... FAILED\ntest tiers::g4_y ... ok\n\
                   test level::g3_g13_z ... FAILED\n";
        let ids: Vec<String> = caught_by(log).into_iter().collect();
        assert_eq!(ids, ["G13", "G3"]);
    }
}
