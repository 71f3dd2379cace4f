//! An attack on every population, with a record of what came of it.

use super::{search, Attack, Promise};
use crate::populations;
use plimsoll_evidence::{number, say, seed};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// What an attack brought in one population.
#[derive(Clone, Debug)]
pub struct Row {
    /// The population.
    pub population: &'static str,
    /// How many settings were tried.
    pub evaluations: u64,
    /// The best profit, in base units; negative if even the best lost.
    pub gain: i128,
    /// What honesty paid.
    pub honest: u128,
    /// How it was done.
    pub strategy: String,
    /// What to think of it.
    pub verdict: String,
}

impl Row {
    /// The profit in ppm of the honest income, where that is nothing of one base unit.
    pub fn ppm(&self) -> i64 {
        let ppm = self.gain * 1_000_000 / super::signed(self.honest.max(1));
        i64::try_from(ppm).unwrap_or(i64::MAX)
    }
}

/// Searches in every population, records what was found, and says it on stderr.
///
/// `PLIMSOLL_EVALUATIONS` sets how many settings are tried in each population. The lines go
/// to `PLIMSOLL_EVIDENCE/attacks.jsonl`.
///
/// # Panics
/// If a bound does not hold that the text states, if there is a profit that a guarantee
/// excludes, or if there is none where one is known. Everything is recorded before.
pub fn assault(attack: &dyn Attack) -> Vec<Row> {
    let evaluations = number("PLIMSOLL_EVALUATIONS", 400, 1);
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    for population in populations::all() {
        let Some(found) = search(attack, &population, evaluations, seed()) else {
            continue;
        };
        let gain = found.play.gain();
        let verdict = match attack.promise() {
            _ if gain <= 0 => "none".to_string(),
            Promise::Excluded { within, .. } if gain <= within => "within rounding".to_string(),
            Promise::Excluded { by, .. } => format!("broken: {by}"),
            Promise::Admitted { item } => format!("known: {item}"),
            Promise::Found { what } => format!("found: {what}"),
        };
        if verdict.starts_with("broken") {
            wrong.push(format!("{}: {verdict}", population.name));
        }
        if let Err(bound) = &found.play.bounds {
            wrong.push(format!(
                "{}: {bound}, by {}",
                population.name,
                attack.words(&population, &found.dials)
            ));
        }
        rows.push(Row {
            population: population.name,
            evaluations: found.evaluations,
            gain,
            honest: found.play.honest,
            strategy: attack.words(&population, &found.dials),
            verdict,
        });
    }
    if let Promise::Admitted { item } | Promise::Found { what: item } = attack.promise() {
        if rows.iter().all(|row| row.gain <= 0) {
            wrong.push(format!(
                "no profit found anywhere, though there should be one: {item}"
            ));
        }
    }
    say(&table(attack.name(), &rows));
    record(attack.name(), &rows);
    assert!(wrong.is_empty(), "{}: {}", attack.name(), wrong.join("\n"));
    rows
}

/// The rows, aligned.
fn table(name: &str, rows: &[Row]) -> String {
    let mut lines = vec![format!("attack {name}")];
    for row in rows {
        let share = if row.honest == 0 {
            "-".to_string()
        } else {
            let tenths = row.ppm() / 1_000;
            format!("{}.{}%", tenths / 10, tenths % 10)
        };
        lines.push(format!(
            "  {:<26} {:>9} {:>12} {:>9}  {:<16} {}",
            row.population,
            row.evaluations,
            row.gain,
            share,
            row.verdict.split(':').next().unwrap_or_default(),
            if row.gain > 0 { &row.strategy } else { "" },
        ));
    }
    lines.join("\n")
}

/// Adds the rows to the evidence, in one piece.
fn record(name: &str, rows: &[Row]) {
    let Some(folder) = std::env::var_os("PLIMSOLL_EVIDENCE") else {
        return;
    };
    let lines: String = rows
        .iter()
        .map(|row| {
            let line = serde_json::json!({
                "attack": name,
                "population": row.population,
                "evaluations": row.evaluations,
                "gain_ppm": row.ppm(),
                "gain_units": row.gain.to_string(),
                "honest_units": row.honest.to_string(),
                "strategy": row.strategy,
                "verdict": row.verdict,
                "seed": seed(),
            });
            format!("{line}\n")
        })
        .collect();
    let file = Path::new(&folder).join("attacks.jsonl");
    fs::create_dir_all(&folder).expect("the folder of the evidence can be made");
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
