//! What Plimsoll costs on chain for an operator and an epoch, from what was measured in
//! the real runtime.
//!
//! The file `docs/measured/chain.json` is written by `scripts/bench-chain.sh`; the rows
//! are explained in `docs/keeper.md`. What another design would cost there was not
//! measured and is not guessed.

use crate::findings::ChainCost;
use serde::Deserialize;

/// The measurements.
const MEASURED: &str = include_str!("../../docs/measured/chain.json");

/// Execution that ordinary transactions may take of a block, in picoseconds: three
/// quarters of two seconds (`chain/runtime/src/constants.rs`, as on Polkadot Hub).
const BLOCK_REF_TIME: f64 = 0.75 * 2e12;

/// Proof that ordinary transactions may add to a block, in bytes: three quarters of
/// 10 MiB (the same file).
const BLOCK_PROOF: f64 = 0.75 * 10.0 * 1024.0 * 1024.0;

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it costs.
    pub cost: ChainCost,
    /// For how many operators' epochs a block has room, if it holds nothing but such
    /// calls, each with as many operators as the measured one: the whole transaction
    /// counts, its signature and its bytes too. `None` where the cost does not grow
    /// with the operators.
    pub per_block: Option<u64>,
}

#[derive(Deserialize)]
struct File {
    measurements: Vec<Measurement>,
}

/// A measured call, for all its operators together.
#[derive(Clone, Deserialize)]
struct Measurement {
    name: String,
    case: String,
    operators: u32,
    /// Picoseconds, of executing the call.
    ref_time: u64,
    /// Bytes, of executing the call.
    proof_size: u64,
    /// The same of the whole transaction.
    transaction_ref_time: u64,
    transaction_proof_size: u64,
}

/// An operator's epoch is in one full batch, booked with its neighbours, and claimed
/// with others: one row of each call. Settling is apart: it costs the same for
/// everybody together.
const EPOCH: [(&str, &str); 3] = [
    ("credit", "into existing pages"),
    ("book", "neighbours, again"),
    ("claim_many", "booked, again"),
];

/// An operator's epoch as a whole first, then every call that was measured, in the
/// order of the file.
#[must_use]
pub fn rows() -> Vec<Row> {
    let file: File = serde_json::from_str(MEASURED).expect("the file is compiled in and tested");
    let whole: Vec<&Measurement> = EPOCH
        .iter()
        .filter_map(|(name, case)| {
            let wanted = |row: &&Measurement| row.name == *name && row.case == *case;
            file.measurements.iter().find(wanted)
        })
        .collect();
    let mut rows = vec![Row::sum(&whole)];
    let calls = file.measurements.iter().filter(|row| row.operators > 0);
    rows.extend(calls.map(Row::new));
    rows
}

/// The costs alone, for a table. The source says for how many operators a block has
/// room.
#[must_use]
pub fn costs() -> Vec<ChainCost> {
    rows().into_iter().map(|row| row.cost).collect()
}

impl Measurement {
    /// Operator-epochs in it: a call for several epochs says so in its case.
    fn shares(&self) -> f64 {
        let mut words = self.case.split(' ');
        let epochs = match (words.next().map(str::parse::<u32>), words.next()) {
            (Some(Ok(epochs)), Some("epochs")) => epochs,
            _ => 1,
        };
        f64::from(self.operators) * f64::from(epochs)
    }

    /// Whether its cost does not grow with the operators.
    fn fixed(&self) -> bool {
        self.name == "settle"
    }

    /// The parts of a block that one operator's epoch takes: of its time, of its proof.
    fn part_of_block(&self) -> (f64, f64) {
        (
            self.transaction_ref_time as f64 / self.shares() / BLOCK_REF_TIME,
            self.transaction_proof_size as f64 / self.shares() / BLOCK_PROOF,
        )
    }
}

impl Row {
    fn new(measured: &Measurement) -> Self {
        let (time, proof) = measured.part_of_block();
        let per_block = (!measured.fixed()).then(|| fit(time, proof));
        let people = if measured.operators == 1 {
            "operator"
        } else {
            "operators"
        };
        Self {
            cost: ChainCost {
                call: format!(
                    "{}, {}, {} {people}",
                    measured.name, measured.case, measured.operators
                ),
                microseconds: measured.ref_time as f64 / measured.shares() / 1e6,
                proof_bytes: measured.proof_size as f64 / measured.shares(),
                source: format!(
                    "docs/measured/chain.json, \"{}\", \"{}\", {} {people}; {}",
                    measured.name,
                    measured.case,
                    measured.operators,
                    room(per_block)
                ),
            },
            per_block,
        }
    }

    fn sum(measured: &[&Measurement]) -> Self {
        let rows: Vec<Self> = measured
            .iter()
            .map(|measured| Self::new(measured))
            .collect();
        let parts = measured.iter().map(|measured| measured.part_of_block());
        let (time, proof) = parts.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let per_block = Some(fit(time, proof));
        let calls: Vec<&str> = rows.iter().map(|row| row.cost.call.as_str()).collect();
        Self {
            cost: ChainCost {
                call: "an operator's epoch, settling apart".to_owned(),
                microseconds: rows.iter().map(|row| row.cost.microseconds).sum(),
                proof_bytes: rows.iter().map(|row| row.cost.proof_bytes).sum(),
                source: format!(
                    "docs/measured/chain.json, the sum of: {}; {}",
                    calls.join("; "),
                    room(per_block)
                ),
            },
            per_block,
        }
    }
}

/// How many fit a block of which each takes these parts.
fn fit(time: f64, proof: f64) -> u64 {
    (1.0 / time.max(proof)).floor() as u64
}

fn room(per_block: Option<u64>) -> String {
    match per_block {
        Some(count) => format!("a block has room for {count}"),
        None => "the whole call costs the same for any number of operators".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn row(call: &str) -> Row {
        rows()
            .into_iter()
            .find(|row| row.cost.call == call)
            .unwrap_or_else(|| panic!("no row {call}"))
    }

    fn made(case: &str, operators: u32) -> Measurement {
        Measurement {
            name: "book".to_owned(),
            case: case.to_owned(),
            operators,
            ref_time: 40_000_000,
            proof_size: 600,
            transaction_ref_time: 60_000_000_000,
            transaction_proof_size: 78_643_200,
        }
    }

    #[test]
    fn a_row_is_divided_by_operators_and_epochs() {
        let cost = Row::new(&made("neighbours", 10)).cost;
        assert_eq!((cost.microseconds, cost.proof_bytes), (4.0, 60.0));
        let cost = Row::new(&made("20 epochs at once", 1)).cost;
        assert_eq!((cost.microseconds, cost.proof_bytes), (2.0, 30.0));
        assert_eq!(cost.call, "book, 20 epochs at once, 1 operator");
        assert!(cost
            .source
            .starts_with("docs/measured/chain.json, \"book\", \"20 epochs at once\", 1 operator;"));
    }

    #[test]
    fn a_block_is_full_when_time_or_proof_is() {
        // 6 ms of 1.5 s each would let 250 in; 7,864,320 bytes of as many only one.
        assert_eq!(Row::new(&made("neighbours", 10)).per_block, Some(1));
        let mut measured = made("neighbours", 10);
        measured.transaction_proof_size = 100;
        assert_eq!(Row::new(&measured).per_block, Some(250));
    }

    #[test]
    fn the_block_limits_are_those_of_the_runtime() {
        const RUNTIME: &str = include_str!("../../chain/runtime/src/constants.rs");
        assert!(RUNTIME.contains("NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);"));
        assert!(RUNTIME
            .contains("Weight::from_parts(2 * WEIGHT_REF_TIME_PER_SECOND, 10 * 1024 * 1024);"));
    }

    #[test]
    fn every_call_that_was_measured_has_a_row_with_its_source() {
        let file: File = serde_json::from_str(MEASURED).unwrap();
        let calls = file.measurements.iter().filter(|row| row.operators > 0);
        let rows = rows();
        assert_eq!(rows.len(), calls.count() + 1);
        for name in ["credit", "settle", "book", "claim_many", "claim"] {
            assert!(
                rows.iter().any(|row| row.cost.call.starts_with(name)),
                "{name}"
            );
        }
        for row in &rows {
            assert!(row.cost.microseconds > 0.0 && row.cost.proof_bytes > 0.0);
            assert!(row.cost.source.starts_with("docs/measured/chain.json"));
            let settles = row.cost.call.starts_with("settle");
            assert_eq!(row.per_block.is_none(), settles, "{}", row.cost.call);
        }
        assert_eq!(costs().len(), rows.len());
        let names: BTreeSet<_> = rows.iter().map(|row| &row.cost.call).collect();
        assert_eq!(names.len(), rows.len(), "no call twice");
    }

    #[test]
    fn an_operators_epoch_is_credited_booked_and_claimed() {
        let whole = &rows()[0];
        let parts = [
            row("credit, into existing pages, 6000 operators"),
            row("book, neighbours, again, 1000 operators"),
            row("claim_many, booked, again, 50 operators"),
        ];
        let microseconds: f64 = parts.iter().map(|part| part.cost.microseconds).sum();
        let proof: f64 = parts.iter().map(|part| part.cost.proof_bytes).sum();
        assert!((whole.cost.microseconds - microseconds).abs() < 1e-9);
        assert!((whole.cost.proof_bytes - proof).abs() < 1e-9);
        // It fits less often than any of its parts.
        assert!(parts.iter().all(|part| whole.per_block < part.per_block));
    }
}
