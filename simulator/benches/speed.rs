//! Operator-epochs per second of every design, against what the arithmetic alone costs.
//!
//!     cargo bench --profile compare --bench speed -p plimsoll-simulator -- [--runs N] [--json FILE]
//!
//! `--runs` is of the two designs that have a target (10,000 by default: 1.1 billion
//! operator-epochs); the others play a twentieth of it. Nothing else should be running.

use plimsoll_mechanism::math::mul_div_down;
use plimsoll_mechanism::params::Params;
use plimsoll_simulator::designs::{self, Settings};
use plimsoll_simulator::pareto::Pareto;
use plimsoll_simulator::random::{generator, Purpose};
use plimsoll_simulator::speed::{play, Size};
use rayon::prelude::*;
use serde::Serialize;
use std::hint::black_box;
use std::time::Instant;

const EPOCHS: u32 = 365;
const OPERATORS: usize = 300;
/// 100 million tokens of nine decimals.
const RESERVE: u128 = 100_000_000_000_000_000;

/// Parameters as in the shipped scenario.
const PARAMS: Params = Params {
    rate: 342,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 400_000,
    fragment_premium: 4_000_000,
    operator_cap: 20_000,
    open_ceiling: 150_000,
    uplift: 4_000_000,
    bond_leverage: 10_000,
    liquid_share: 250_000,
    liquid_allowance: 100_000,
};

#[derive(Serialize)]
struct Report {
    command: String,
    conditions: String,
    threads: usize,
    /// Nanoseconds for one operator and epoch on one core.
    draw_ns: f64,
    division_ns: f64,
    designs: Vec<Row>,
    /// Peak memory in KiB before the runs, after a hundredth of them, and after all.
    memory_kib: [u64; 3],
}

#[derive(Serialize)]
struct Row {
    design: &'static str,
    runs: u64,
    operator_epochs: u64,
    seconds: f64,
    operator_epochs_per_second: f64,
    /// Nanoseconds for one operator and epoch on one core.
    ns: f64,
    /// How many times the draw and the divisions alone that is.
    over_arithmetic: f64,
}

/// Divisions of 128 bits that one operator and epoch need at least: one share of the
/// budget, or for Plimsoll an entitlement of two pools and a share of the level.
fn divisions(design: &str) -> f64 {
    if design == "plimsoll" {
        3.0
    } else {
        1.0
    }
}

fn main() {
    let (runs, json) = arguments();
    let threads = rayon::current_num_threads();
    let size = |runs| Size {
        runs,
        epochs: EPOCHS,
        operators: OPERATORS,
    };
    let draw_ns = nanoseconds(|n| {
        let pareto = Pareto::new(1e6, 1.25);
        let mut rng = generator(1, 0, Purpose::Demand);
        for _ in 0..n {
            black_box(pareto.draw(&mut rng));
        }
    });
    let division_ns = nanoseconds(|n| {
        for k in 0..n {
            let part = black_box(100_000_000 + u128::from(k & 0xffff));
            black_box(mul_div_down(34_200_000_000_000, part, 1_500_000_000));
        }
    });
    println!("on one core: a draw {draw_ns:.2} ns, a product and quotient {division_ns:.2} ns\n");
    println!(
        "{:14} {:>9} {:>14} {:>8} {:>9} {:>12}",
        "design", "runs", "operator-ep/s", "seconds", "ns, core", "x arithmetic"
    );

    let mut report = Report {
        command: format!(
            "cargo bench --profile compare --bench speed -p plimsoll-simulator -- --runs {runs}"
        ),
        conditions: conditions(),
        threads,
        draw_ns,
        division_ns,
        designs: Vec::new(),
        memory_kib: [peak_memory(), 0, 0],
    };
    let all = designs::all(PARAMS, &Settings::default());
    let plimsoll = all.last().expect("Plimsoll is the last").as_ref();
    black_box(play(plimsoll, &PARAMS, RESERVE, size((runs / 100).max(1))));
    report.memory_kib[1] = peak_memory();
    for design in &all {
        let id = design.facts().id;
        let target = matches!(id, "pro-rata" | "plimsoll");
        let size = size(if target { runs } else { (runs / 20).max(1) });
        let start = Instant::now();
        black_box(play(design.as_ref(), &PARAMS, RESERVE, size));
        let seconds = start.elapsed().as_secs_f64();
        let each = size.operator_epochs() as f64;
        let ns = seconds * 1e9 * threads as f64 / each;
        let row = Row {
            design: id,
            runs: size.runs,
            operator_epochs: size.operator_epochs(),
            seconds,
            operator_epochs_per_second: each / seconds,
            ns,
            over_arithmetic: ns / (draw_ns + divisions(id) * division_ns),
        };
        println!(
            "{:14} {:>9} {:>14.0} {:>8.2} {:>9.1} {:>12.2}",
            row.design,
            row.runs,
            row.operator_epochs_per_second,
            row.seconds,
            row.ns,
            row.over_arithmetic
        );
        report.designs.push(row);
    }
    report.memory_kib[2] = peak_memory();
    println!(
        "\npeak memory in KiB: at the start {}, after {} runs {}, after all {}",
        report.memory_kib[0],
        (runs / 100).max(1),
        report.memory_kib[1],
        report.memory_kib[2]
    );
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&report).expect("plain figures");
        std::fs::write(&file, text + "\n").unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

fn arguments() -> (u64, Option<String>) {
    let mut runs = 10_000;
    let mut json = None;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--runs" => {
                runs = words
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("--runs needs a number");
            }
            "--json" => json = Some(words.next().expect("--json needs a file")),
            other => panic!("unknown argument {other}: --runs N and --json FILE are known"),
        }
    }
    (runs, json)
}

/// Nanoseconds of one of `n` steps; the fastest of five measurements, taken on both
/// threads at once, as the designs are.
fn nanoseconds(steps: impl Fn(u64) + Sync) -> f64 {
    const STEPS: u64 = 20_000_000;
    let threads = rayon::current_num_threads();
    (0..5)
        .map(|_| {
            let start = Instant::now();
            (0..threads).into_par_iter().for_each(|_| steps(STEPS));
            start.elapsed().as_secs_f64() * 1e9 / STEPS as f64
        })
        .fold(f64::INFINITY, f64::min)
}

/// Peak resident memory of this process in KiB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn conditions() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    format!(
        "{model}, {} threads, profile `compare` (release, LTO)",
        rayon::current_num_threads()
    )
}
