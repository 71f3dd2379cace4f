//! The demo as a stranger runs it: the program, the embedded chain, three attesters.

use serde_json::{json, Value};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const CHECKS: [&str; 5] = ["G1", "G2", "G3", "G4", "G15"];

/// Runs the demo; gives how it ended and what it wrote as JSON.
fn demo(arguments: &[&str]) -> (Output, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("outcome.json");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll-local"))
        // What talks to itself only goes through no proxy, whatever the machine has.
        .env("http_proxy", "http://127.0.0.1:1")
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

/// Receipts of a few jobs, as JSON Lines: some operators in the first epochs, others later,
/// and epochs in which nobody works.
fn receipts() -> String {
    let mut lines = String::new();
    let day = 86_400_000_u64;
    for (number, epoch, operator) in [
        (1, 0, 0),
        (2, 0, 0),
        (3, 2, 7),
        (4, 2, 196),
        (5, 5, 3),
        (6, 5, 4),
        (7, 9, 2),
        (8, 13, 1),
    ] {
        let receipt = json!({
            "id": format!("0x{number:064x}"),
            "operator": operator,
            "client": format!("0x{:064x}", number % 3),
            "model": "any",
            "verification": "none",
            "input_tokens": 400 * number,
            "cached_input_tokens": 100,
            "output_tokens": 90,
            "fee": "1",
            "completed_at": 1_772_409_600_000 + epoch * day + number,
        });
        writeln!(lines, "{receipt}").expect("a string");
    }
    lines
}

#[test]
fn receipts_are_replayed_from_json_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("receipts.jsonl");
    std::fs::write(&trace, receipts()).expect("writable");
    let (output, outcome) = demo(&["--trace", trace.to_str().expect("UTF-8")]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}");
    let earned: Vec<_> = outcome["operators"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|operator| operator["earned"] != "0")
        .map(|operator| operator["operator"].as_u64().expect("a number"))
        .collect();
    // The operators that the receipts name, and nobody else.
    assert!(
        !earned.is_empty()
            && earned
                .iter()
                .all(|one| [0, 1, 2, 3, 4, 7, 196].contains(one)),
        "{earned:?}"
    );
    assert!(outcome["epochs"][1].is_null(), "nobody worked");
}

/// Command lines of processes that mention `folder`.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.to_str().expect("UTF-8");
    std::fs::read_dir("/proc")
        .expect("Linux")
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(name))
        .collect()
}

#[test]
fn a_demo_that_is_told_to_stop_leaves_neither_attesters_nor_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("receipts.jsonl");
    std::fs::write(&trace, receipts()).expect("writable");
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).expect("writable");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_plimsoll-local"))
        .args(["demo", "--trace"])
        .arg(&trace)
        .env("TMPDIR", &temporary)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let patience = Duration::from_secs(300);
    let started = Instant::now();
    while processes_of(&temporary).len() < 2 {
        assert!(demo.try_wait().expect("a child").is_none(), "it ended");
        assert!(started.elapsed() < patience, "no attester was started");
        std::thread::sleep(Duration::from_millis(100));
    }
    // The shell's own kill: the program of that name is not everywhere.
    let told = Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", demo.id())])
        .status()
        .expect("a shell");
    assert!(told.success());
    assert_eq!(demo.wait().expect("a child").code(), Some(1));
    assert_eq!(processes_of(&temporary), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(&temporary).expect("there").collect();
    assert!(left.is_empty(), "{left:?}");
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
