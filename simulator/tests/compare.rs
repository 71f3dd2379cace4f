//! `plimsoll compare` as its user runs it.

use plimsoll_simulator::export;
use plimsoll_simulator::scenario::{Scenario, SHIPPED};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A comparison small enough for a test: everything is in it, of little.
const SMALL: [&str; 8] = [
    "--set",
    "run.runs=3",
    "--set",
    "run.epochs=56",
    "--set",
    "population.operators=50",
    "--set",
    "demand.units=6e9",
];

fn compare(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll-compare"));
    command.current_dir(folder);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    compare(folder)
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// As [`run`], and it has to succeed.
fn done(folder: &Path, arguments: &[&str]) -> Output {
    let output = run(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |threads: &str| {
        let out = format!("with-{threads}");
        let mut arguments = SMALL.to_vec();
        arguments.extend(["--quiet", "--threads", threads, "--out", &out]);
        let output = done(folder.path(), &arguments);
        let verdict = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            verdict.contains("Plimsoll against 13 other designs"),
            "{verdict}"
        );
        files(&folder.path().join(out))
    };
    let (one, three) = (with("1"), with("3"));
    for name in [
        "report.html",
        "findings.json",
        "manifest.json",
        "scenario.toml",
        "runs.csv",
        "results.csv",
        "attacks.csv",
        "sensitivity.csv",
    ] {
        assert!(one.contains_key(Path::new(name)), "{name} is missing");
    }
    assert_eq!(one.len(), three.len());
    for (name, bytes) in &one {
        assert!(three[name] == *bytes, "{} differs", name.display());
    }
    // A voter reruns the scenario that lies beside the report and gets the same numbers.
    let again = folder.path().join("again");
    let scenario = folder.path().join("with-1/scenario.toml");
    done(
        folder.path(),
        &[
            scenario.to_str().expect("a name"),
            "--quiet",
            "--out",
            again.to_str().expect("a name"),
        ],
    );
    let again = files(&again);
    for name in ["runs.csv", "results.csv", "attacks.csv", "scenario.toml"] {
        assert!(
            again[Path::new(name)] == one[Path::new(name)],
            "{name} differs"
        );
    }
}

#[test]
fn a_sweep_says_how_many_before_it_starts_and_computes_every_combination() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments = SMALL.to_vec();
    arguments.extend([
        "--sweep",
        "token.price=0.1..0.3/3",
        "--sweep",
        "plimsoll.operator_cap=10000,20000",
        "--out",
        "sweep",
    ]);
    let output = done(folder.path(), &arguments);
    let said = said(&output);
    let count = "3 (token.price) x 2 (plimsoll.operator_cap) = 6 comparisons";
    assert!(said.contains(count), "{said}");
    assert!(said.find(count) < said.find("1 of 6"), "{said}");
    let out = folder.path().join("sweep");
    let table = fs::read_to_string(out.join("sweep.csv")).expect("a table");
    let points: Vec<&str> = table
        .lines()
        .skip(1)
        .filter(|line| line.contains(",plimsoll,gini-owner,"))
        .collect();
    assert_eq!(points.len(), 6, "{points:?}");
    assert!(points[0].starts_with("0.1,10000,"), "{}", points[0]);
    assert!(points[5].starts_with("0.3,20000,"), "{}", points[5]);
    let sixth = out.join("0006-token.price=0.3-plimsoll.operator_cap=20000");
    assert!(
        sixth.join("findings.json").exists(),
        "every point has its files"
    );
}

#[test]
fn what_is_done_stays_when_the_program_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments = SMALL.to_vec();
    arguments.extend(["--set", "run.runs=100000", "--quiet", "--out", "killed"]);
    let mut child = compare(folder.path())
        .args(&arguments)
        .spawn()
        .expect("the program starts");
    let path = folder.path().join("killed/runs.csv");
    let lines = || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let began = Instant::now();
    // Two chunks of runs, so that some were written while others were computed.
    while lines().len() < 40 * 14 {
        assert!(
            began.elapsed() < Duration::from_secs(300),
            "nothing is written"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let lines = lines();
    let columns = lines[0].split(',').count();
    // The last line may have been cut.
    for (number, line) in lines[1..lines.len() - 1].iter().enumerate() {
        assert_eq!(line.split(',').count(), columns, "{line}");
        assert!(line.starts_with(&format!("{},", number / 14)), "{line}");
    }
}

#[test]
fn bad_input_is_refused_with_its_line_and_before_anything_is_computed() {
    let folder = tempfile::tempdir().expect("a folder");
    let price = SHIPPED
        .lines()
        .position(|line| line.starts_with("price = "))
        .expect("a price")
        + 1;
    let file = folder.path().join("wrong.toml");
    let wrong = SHIPPED.replacen("unit = \"USD/token\"", "unit = \"EUR/token\"", 1);
    fs::write(&file, wrong).expect("written");
    let output = run(folder.path(), &["wrong.toml"]);
    let told = said(&output);
    assert!(!output.status.success());
    assert!(told.contains(&format!("wrong.toml:{price}")), "{told}");
    assert!(
        told.contains("token.price") && told.contains("USD/token"),
        "{told}"
    );
    assert!(!folder.path().join("comparison").exists());

    for (arguments, part) in [
        (["--set", "token.prize=1"], "did you mean `token.price`"),
        (
            ["--set", "plimsoll.operator_cap=5"],
            "plimsoll.operator_cap",
        ),
        (["--sweep", "token.price=2..1"], "2 is not below 1"),
        (
            ["--sweep", "token.prize=1..2"],
            "did you mean `token.price`",
        ),
    ] {
        let output = run(folder.path(), &arguments);
        let told = said(&output);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(told.contains(part), "{told}");
    }
    let none = run(folder.path(), &["nowhere.toml"]);
    assert!(said(&none).contains("nowhere.toml"), "{}", said(&none));
}

#[test]
fn the_chosen_parameters_are_exported_for_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut arguments = SMALL.to_vec();
    arguments.extend([
        "--set",
        "plimsoll.operator_cap=15000",
        "--quiet",
        "--export",
        "params.json",
    ]);
    done(folder.path(), &arguments);
    let exported = export::load(&folder.path().join("params.json")).expect("readable");
    let expected = Scenario::shipped()
        .set("plimsoll.operator_cap", 15_000.0)
        .expect("allowed");
    assert_eq!(exported.params, expected.settings().params);
    let manifest = fs::read_to_string(folder.path().join("comparison/manifest.json")).expect("one");
    assert!(
        manifest.contains(&exported.from.scenario_sha256),
        "{manifest}"
    );
}

#[test]
fn the_shipped_scenario_is_printed_to_start_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = done(folder.path(), &["--print-scenario"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), SHIPPED);
}
