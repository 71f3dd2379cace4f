//! What is printed and written: the figures, and the targets beside them.

use std::{error::Error, fs, path::Path, process::Command};

use plimsoll_embedded::UNIT;
use serde::Serialize;

use crate::measure::{
    Measured, Measurement, ALL_EPOCHS, BOOKED_AGAIN, CROWD, NEIGHBOURS_CAPPED, NONE_CAPPED,
    OLD_PAGES, ONE_EPOCH, SPREAD_CAPPED,
};
use crate::world::Fallible;

/// Proof of reading one cold storage item: 10,010 bytes for its place in a full trie,
/// 247 for the access, and its length, about 140 bytes for an operator's.
const COLD_ITEM_BYTES: f64 = 10_400.0;
/// Beyond a target by more than this is refused.
const TOLERANCE: f64 = 1.25;
/// The command by which the figures can be had again.
const COMMAND: &str = "scripts/bench-chain.sh";
/// Where the figures go: the newest run, and what the documents cite.
const FILES: [&str; 2] = ["target/bench/chain.json", DOCUMENTED];
const DOCUMENTED: &str = "docs/measured/chain.json";

/// One target.
struct Target {
    what: &'static str,
    measured: f64,
    target: f64,
    unit: &'static str,
}

/// The file.
#[derive(Serialize)]
struct File {
    commit: String,
    command: &'static str,
    runtime: &'static str,
    units: &'static str,
    emission_code_hash: String,
    emission_code_bytes: usize,
    token_code_bytes: usize,
    measurements: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    case: String,
    operators: u32,
    ref_time: u64,
    proof_size: u64,
    deposit: i64,
    per_operator_ref_time: Option<u64>,
    per_operator_proof_size: Option<u64>,
    transaction_ref_time: u64,
    transaction_proof_size: u64,
}

/// Prints the tables and writes the files. Whether every target is met, near enough.
///
/// # Errors
/// If a file cannot be written, or a row that a target needs is missing.
pub fn publish(measured: &Measured) -> Fallible<bool> {
    let targets = targets(measured)?;
    let met = targets.iter().all(|t| t.measured <= t.target * TOLERANCE);
    print_rows(measured);
    println!();
    print_targets(&targets);
    let (emission, token) = measured.code_bytes;
    let file = File {
        commit: commit(),
        command: COMMAND,
        runtime: "plimsoll-runtime in process, production weights of pallet-revive 0.20.2",
        units: "ref_time in picoseconds, proof_size in bytes, both of executing the call; transaction_* of the whole transaction, its signature and bytes too; deposit in base units (10^-10) of the native token, negative is refunded",
        emission_code_hash: code_hash()?,
        emission_code_bytes: emission,
        token_code_bytes: token,
        measurements: measured.rows.iter().map(row).collect::<Result<_, _>>()?,
    };
    let text = serde_json::to_string_pretty(&file)? + "\n";
    println!();
    if measured.many != CROWD {
        println!("nothing written: that takes a large network of {CROWD} operators");
        return Ok(met);
    }
    let clean = !file.commit.ends_with('+');
    for name in FILES {
        if name == DOCUMENTED && !clean {
            println!("not written: {name}, because contracts/ or tests/ differ from the commit");
            continue;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, &text).map_err(|error| format!("{name}: {error}"))?;
        println!("written: {name}");
    }
    Ok(met)
}

fn targets(measured: &Measured) -> Fallible<Vec<Target>> {
    let row = |name: &str, case: &str, operators: u32| -> Result<&Measurement, Box<dyn Error>> {
        measured
            .row(name, case, operators)
            .ok_or_else(|| format!("{name} ({case}) was not measured").into())
    };
    let credit = row("credit", OLD_PAGES, 6_000)?;
    let book = row("book", "neighbours, again", 1_000)?;
    let claims = row("claim_many", BOOKED_AGAIN, 50)?;
    let one = row("book", ONE_EPOCH, 1)?;
    let twenty = row("book", ALL_EPOCHS, 1)?;
    let more = twenty.cost.proof_size - one.cost.proof_size;

    let mut targets = vec![
        target("credit: proof an operator", credit.proof(), 490.0, "B"),
        target("credit: time an operator", credit.time(), 38.0, "us"),
    ];
    for (case, words) in [
        (
            NONE_CAPPED,
            [
                "settle, 0 capped: proof, large over small",
                "settle, 0 capped: time, large over small",
            ],
        ),
        (
            NEIGHBOURS_CAPPED,
            [
                "settle, 40 capped: proof, large over small",
                "settle, 40 capped: time, large over small",
            ],
        ),
        (
            SPREAD_CAPPED,
            [
                "settle, 40 capped apart: proof, large over small",
                "settle, 40 capped apart: time, large over small",
            ],
        ),
    ] {
        let (many, few) = (
            row("settle", case, measured.many)?.cost,
            row("settle", case, 100)?.cost,
        );
        let proof = many.proof_size as f64 / few.proof_size as f64;
        let time = many.ref_time as f64 / few.ref_time as f64;
        targets.push(target(words[0], proof, 1.05, ""));
        targets.push(target(words[1], time, 1.05, ""));
    }
    targets.extend([
        target(
            "book 1,000: cold items an operator",
            book.proof() / COLD_ITEM_BYTES,
            1.3,
            "",
        ),
        // Its page and the epoch's record; its own item is cold once only.
        target(
            "book 20 epochs: cold items an epoch more",
            more as f64 / 19.0 / COLD_ITEM_BYTES,
            2.1,
            "",
        ),
        target(
            "claim_many of 50: proof an operator",
            claims.proof() / 1e3,
            33.0,
            "kB",
        ),
        target(
            "claim_many of 50: time an operator",
            claims.time() / 1e3,
            0.9,
            "ms",
        ),
    ]);
    Ok(targets)
}

fn target(what: &'static str, measured: f64, target: f64, unit: &'static str) -> Target {
    Target {
        what,
        measured,
        target,
        unit,
    }
}

impl Measurement {
    /// How many operators the cost is shared by.
    fn sharers(&self) -> f64 {
        f64::from(self.operators.max(1))
    }

    /// Bytes of proof an operator.
    fn proof(&self) -> f64 {
        self.cost.proof_size as f64 / self.sharers()
    }

    /// Microseconds of execution an operator.
    fn time(&self) -> f64 {
        self.cost.ref_time as f64 / 1e6 / self.sharers()
    }
}

fn print_rows(measured: &Measured) {
    let (emission, token) = measured.code_bytes;
    let deposit = measured.registered.deposit as f64 / UNIT as f64;
    println!("Code: {emission} bytes of emission contract, {token} of token.");
    println!("Deposit of registering an operator: {deposit:.5}.");
    println!("Weights of executing each call; in the last columns of its whole transaction.");
    println!();
    println!(
        "{:<12} {:<28} {:>9} {:>10} {:>11} {:>12} {:>11} {:>12} {:>12} {:>10} {:>11}",
        "message",
        "case",
        "operators",
        "ms",
        "proof kB",
        "deposit",
        "us each",
        "proof B each",
        "deposit each",
        "tx ms",
        "tx proof kB"
    );
    for row in &measured.rows {
        let deposit = row.cost.deposit as f64 / UNIT as f64;
        println!(
            "{:<12} {:<28} {:>9} {:>10.3} {:>11.1} {:>12.5} {:>11.1} {:>12.0} {:>12.6} {:>10.3} {:>11.1}",
            row.name,
            row.case,
            row.operators,
            row.cost.ref_time as f64 / 1e9,
            row.cost.proof_size as f64 / 1e3,
            deposit,
            row.time(),
            row.proof(),
            deposit / row.sharers(),
            row.cost.whole_ref_time as f64 / 1e9,
            row.cost.whole_proof_size as f64 / 1e3,
        );
    }
}

fn print_targets(targets: &[Target]) {
    println!(
        "{:<44} {:>12} {:>12} {:>7}",
        "target", "measured", "at most", "ratio"
    );
    for t in targets {
        let ratio = t.measured / t.target;
        let verdict = if ratio <= 1.0 {
            ""
        } else if ratio <= TOLERANCE {
            "  above"
        } else {
            "  MISSED"
        };
        println!(
            "{:<44} {:>12} {:>12} {:>7.3}{verdict}",
            t.what,
            format!("{:.3} {}", t.measured, t.unit),
            format!("{} {}", t.target, t.unit),
            ratio
        );
    }
}

fn row(of: &Measurement) -> Result<Row, std::num::TryFromIntError> {
    let each = |total: u64| (of.operators > 0).then(|| total / u64::from(of.operators));
    Ok(Row {
        name: of.name,
        case: of.case.clone(),
        operators: of.operators,
        ref_time: of.cost.ref_time,
        proof_size: of.cost.proof_size,
        deposit: i64::try_from(of.cost.deposit)?,
        per_operator_ref_time: each(of.cost.ref_time),
        per_operator_proof_size: each(of.cost.proof_size),
        transaction_ref_time: of.cost.whole_ref_time,
        transaction_proof_size: of.cost.whole_proof_size,
    })
}

/// The hash of the emission contract's code, from the manifest beside it.
fn code_hash() -> Fallible<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/artifacts/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let hash = manifest["code_hash"]["emission"].as_str();
    Ok(hash.ok_or("the manifest has no code hash")?.to_owned())
}

/// The commit that is checked out, with a plus if the contracts or this benchmark differ
/// from it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match (
        git(&["rev-parse", "HEAD"]),
        git(&["status", "--porcelain", "--", "../contracts", "."]),
    ) {
        (Some(commit), Some(changes)) if changes.is_empty() => commit,
        (Some(commit), _) => commit + "+",
        _ => "unknown".into(),
    }
}
