//! The demo as a stranger runs it: the program, the embedded chain, three attesters.

use serde_json::Value;
use std::process::{Command, Output};

const CHECKS: [&str; 5] = ["G1", "G2", "G3", "G4", "G15"];

/// Runs the demo; gives how it ended and what it wrote as JSON.
fn demo(arguments: &[&str]) -> (Output, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("outcome.json");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll-local"))
        .arg("demo")
        .args(arguments)
        .arg("--json")
        .arg(&json)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = std::fs::read_to_string(&json).unwrap_or_else(|error| panic!("{error}\n{said}"));
    (output, serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn every_check_passes_and_every_check_can_fail_on_the_same_rewards() {
    let (honest, outcome) = demo(&["--seed", "7"]);
    let printed = String::from_utf8_lossy(&honest.stdout).into_owned();
    assert!(honest.status.success(), "{printed}");
    for id in CHECKS {
        let line = printed
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("{id} ")));
        assert!(
            line.is_some_and(|line| line.contains("passed")),
            "{id}:\n{printed}"
        );
    }
    let checks = outcome["checks"].as_array().expect("a list");
    assert_eq!(checks.len(), CHECKS.len());
    assert!(checks
        .iter()
        .all(|check| check["compared"].as_u64() > Some(0)));

    let (tampered, other) = demo(&["--seed", "7", "--tamper"]);
    let printed = String::from_utf8_lossy(&tampered.stdout).into_owned();
    assert_eq!(tampered.status.code(), Some(1), "{printed}");
    for check in other["checks"].as_array().expect("a list") {
        assert_eq!(check["passed"], false, "{check}");
    }
    // The digest is taken before anything is falsified: the same seed, the same rewards.
    assert_eq!(outcome["digest"], other["digest"]);
}

#[test]
fn too_few_epochs_and_a_trace_that_is_not_there_are_refused_by_name() {
    for (arguments, named) in [
        (["--epochs", "13"], "14..=365"),
        (["--trace", "no-such-file.csv"], "no-such-file.csv"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll-local"))
            .arg("demo")
            .args(arguments)
            .output()
            .expect("the program runs");
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(named), "{said}");
    }
}
