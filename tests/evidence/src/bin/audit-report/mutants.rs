//! What `cargo mutants` found, condensed.

use crate::collect::result_line;
use crate::results::{read, Mutants, Outcome, Survivor, Tally};
use crate::rows;
use crate::Run;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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

/// What came of one mutant.
struct Verdict {
    file: String,
    summary: String,
    /// The guarantees of which a property failed.
    noticed: BTreeSet<String>,
}

/// Reads folders `mutants.out`, the newest last.
///
/// # Errors
/// If a file of them or the list of explanations cannot be read.
pub fn condense(from: &[PathBuf], explained: &Path, run: &Run, cases: u32) -> Outcome<Mutants> {
    let mut explained: Explained = toml::from_str(&read(explained)?)
        .map_err(|error| format!("{}: {error}", explained.display()))?;
    let mut verdicts = BTreeMap::new();
    for folder in from {
        verdicts.append(&mut read_verdicts(folder)?);
    }
    let mut result = Mutants {
        commit: run.commit.clone(),
        sources: run.sources.clone(),
        minutes: run.minutes,
        cases,
        files: BTreeMap::new(),
        guarantees: BTreeMap::new(),
        survivors: Vec::new(),
    };
    for (name, verdict) in verdicts {
        let tally: &mut Tally = result.files.entry(verdict.file).or_default();
        match verdict.summary.as_str() {
            "CaughtMutant" => tally.caught += 1,
            "Timeout" => tally.timeout += 1,
            "Unviable" => tally.unviable += 1,
            "MissedMutant" => {
                tally.missed += 1;
                let mutant = without_place(&name);
                let why = explained.why(&mutant);
                result.survivors.push(Survivor { mutant, why });
            }
            other => return Err(format!("{name}: an outcome that is unknown: {other}")),
        }
        for id in verdict.noticed {
            *result.guarantees.entry(id).or_default() += 1;
        }
    }
    Ok(result)
}

/// What a run says of each mutant, by its name.
fn read_verdicts(folder: &Path) -> Outcome<BTreeMap<String, Verdict>> {
    let outcomes: Value = crate::results::load(&folder.join("outcomes.json"))?;
    let mut verdicts = BTreeMap::new();
    for outcome in outcomes["outcomes"].as_array().ok_or("no outcomes")? {
        // The other scenario is the code as it is.
        let Some(mutant) = outcome["scenario"].get("Mutant") else {
            continue;
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let name = text(&mutant["name"]).ok_or("a mutant without a name")?;
        let missing = |what: &str| format!("{name}: no {what}");
        let summary = text(&outcome["summary"]).ok_or_else(|| missing("summary"))?;
        let file = text(&mutant["file"]).ok_or_else(|| missing("file"))?;
        let mut noticed = BTreeSet::new();
        if summary == "CaughtMutant" {
            let log = text(&outcome["log_path"]).ok_or_else(|| missing("log"))?;
            noticed = caught_by(&read(&folder.join(log))?);
        }
        let verdict = Verdict {
            file,
            summary,
            noticed,
        };
        verdicts.insert(name, verdict);
    }
    Ok(verdicts)
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
