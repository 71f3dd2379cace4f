//! The record of a run, condensed.

use crate::results::{read, Audit, Outcome, Property, Test};
use crate::rows::function;
use crate::Run;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads the record in `folder`.
///
/// # Errors
/// If a file cannot be read or a line is no evidence.
pub fn collect(folder: &Path, run: &Run, mode: &str) -> Outcome<Audit> {
    let mut audit = Audit {
        commit: run.commit.clone(),
        sources: run.sources.clone(),
        mode: mode.to_owned(),
        minutes: run.minutes,
        tests: Vec::new(),
        properties: Vec::new(),
        attacks: Vec::new(),
        fuzzing: Vec::new(),
    };
    for log in files(&folder.join("logs"), "log")? {
        let target = stem(&log);
        audit.tests.extend(tests(&target, &read(&log)?));
    }
    for file in files(folder, "jsonl")? {
        match stem(&file).as_str() {
            "attacks" => audit.attacks = lines(&file)?,
            "fuzz" => audit.fuzzing = lines(&file)?,
            _ => audit.properties.extend(newest(lines(&file)?)),
        }
    }
    audit
        .tests
        .sort_by(|a, b| (&a.target, &a.name).cmp(&(&b.target, &b.name)));
    audit
        .properties
        .sort_by(|a, b| (&a.suite, &a.name).cmp(&(&b.suite, &b.name)));
    Ok(audit)
}

/// The files of a folder with this extension, in order of their names.
fn files(folder: &Path, extension: &str) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    Ok(files)
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The lines of a file of evidence.
fn lines<T: DeserializeOwned>(file: &Path) -> Outcome<Vec<T>> {
    let text = read(file)?;
    text.lines()
        .enumerate()
        .map(|(k, line)| {
            serde_json::from_str(line)
                .map_err(|error| format!("{}:{}: {error}", file.display(), k + 1))
        })
        .collect()
}

/// Of properties that ran several times, the run that tried the most.
fn newest(properties: Vec<Property>) -> Vec<Property> {
    let mut by_name: BTreeMap<String, Property> = BTreeMap::new();
    for property in properties {
        match by_name.get(&property.name) {
            Some(known) if known.cases > property.cases => {}
            _ => drop(by_name.insert(property.name.clone(), property)),
        }
    }
    by_name.into_values().collect()
}

/// What a log of the test harness says about each test.
fn tests(target: &str, log: &str) -> Vec<Test> {
    log.lines()
        .filter_map(|line| {
            let (name, verdict) = result_line(line)?;
            Some(Test {
                target: target.to_owned(),
                name: function(name).to_owned(),
                passed: verdict,
            })
        })
        .collect()
}

/// `test module::name ... ok`: the name, and whether it passed. What is neither passed
/// nor failed (ignored) did not run and is no evidence.
pub fn result_line(line: &str) -> Option<(&str, bool)> {
    let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match verdict.trim() {
        "ok" => Some((name, true)),
        "FAILED" => Some((name, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_what_passed_and_what_failed() {
        let log = "running 3 tests\ntest a::g1_it_holds ... ok\ntest a::b::g2_it_does ... FAILED\n\
                   test c ... ignored\ntest result: FAILED. 1 passed; 1 failed";
        let found: Vec<_> = tests("roles", log)
            .into_iter()
            .map(|test| (test.target, test.name, test.passed))
            .collect();
        let expected = [("g1_it_holds", true), ("g2_it_does", false)];
        let expected: Vec<_> = expected
            .map(|(name, passed)| ("roles".to_owned(), name.to_owned(), passed))
            .into();
        assert_eq!(found, expected);
    }

    #[test]
    fn of_two_runs_of_a_property_the_one_with_more_cases_counts() {
        let run = |cases, seed| Property {
            suite: "mechanism".into(),
            name: "g1_x".into(),
            cases,
            seed,
            seconds: 0,
        };
        let kept = newest(vec![run(10, 1), run(1_000, 2), run(100, 3)]);
        assert_eq!(kept.len(), 1);
        assert_eq!((kept[0].cases, kept[0].seed), (1_000, 2));
    }
}
