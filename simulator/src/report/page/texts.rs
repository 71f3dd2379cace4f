//! The parts that are mostly words: what was reproduced, the verdict, the designs, the
//! assumptions, and how to run it again.

use super::table::{Cell, Head, Mark, Row, Table, FAILED, PASSED};
use crate::findings::{Assumption, Backtest, ChainCost, DataFile, DesignFacts, Manifest, Verdict};
use crate::report::numbers::{as_given, significant, whole};

/// What was reproduced before anything was forecast.
pub(super) struct Opening {
    pub passed: bool,
    pub sentence: String,
    /// Everything that was computed, in a line.
    pub line: String,
    pub table: Table,
}

pub(super) fn opening(backtests: &[Backtest]) -> Opening {
    let count = |history: bool| {
        let kind = || backtests.iter().filter(|test| test.history == history);
        (kind().filter(|test| test.passed).count(), kind().count())
    };
    let (history, consistency) = (count(true), count(false));
    let passed = backtests.iter().all(|test| test.passed) && !backtests.is_empty();
    let sentence = if backtests.is_empty() {
        "Nothing known was reproduced: do not trust the forecasts.".to_owned()
    } else {
        format!(
            "{} of {} measured outcomes reproduced, {} of {} consistency checks hold. {}",
            history.0,
            history.1,
            consistency.0,
            consistency.1,
            if passed {
                "A consistency check says only that the figures of one source agree with each \
                 other."
            } else {
                "What failed makes every forecast below doubtful."
            }
        )
    };
    let mark = |test: &Backtest| -> Mark {
        if test.passed {
            PASSED
        } else {
            FAILED
        }
    };
    let rows = backtests.iter().map(|test| Row {
        name: test.name.clone(),
        note: String::new(),
        class: "",
        cells: vec![
            Cell::text(if test.history {
                "history"
            } else {
                "consistency"
            }),
            Cell::text(&test.expected),
            Cell::text(&test.computed).mark(Some(mark(test))),
            Cell::code(&test.file),
        ],
    });
    Opening {
        passed,
        sentence,
        line: backtests
            .iter()
            .map(|test| {
                let sign = if test.passed { "" } else { " (not reproduced)" };
                format!("{}: {}{sign}", test.name, test.computed)
            })
            .collect::<Vec<_>>()
            .join(" \u{b7} "),
        table: Table {
            id: "backtests-table".into(),
            caption: "What is known, and what this program computes from the same data".into(),
            file: "backtests.csv".into(),
            head: vec![
                Head::text("What"),
                Head::text("Kind"),
                Head::text("Known"),
                Head::text("Computed"),
                Head::text("From"),
            ],
            rows: rows.collect(),
        },
    }
}

/// A part of the verdict.
pub(super) struct Block<'a> {
    /// Unique in the page.
    pub id: &'static str,
    pub sign: &'static str,
    pub title: &'static str,
    pub sentences: &'a [String],
    /// What is said if there is no sentence.
    pub none: &'static str,
}

pub(super) fn verdict(verdict: &Verdict) -> Vec<Block<'_>> {
    let blocks = vec![
        Block {
            id: "wins",
            sign: "▲",
            title: "Where no other design is better",
            sentences: &verdict.wins,
            none: "There is no metric on which no other design is better.",
        },
        Block {
            id: "losses",
            sign: "▼",
            title: "Where another design is better, by the best one",
            sentences: &verdict.losses,
            none: "On no metric does the interval say that another design is better.",
        },
        Block {
            id: "undecided",
            sign: "≈",
            title: "Undecided",
            sentences: &verdict.undecided,
            none: "Every metric decides between Plimsoll and the others.",
        },
        Block {
            id: "breaks",
            sign: "!",
            title: "What breaks it",
            sentences: &verdict.breaks,
            none: "The search found no attack that pays. That is no proof that there is none.",
        },
        Block {
            id: "flips-verdict",
            sign: "↔",
            title: "What flips it",
            sentences: &verdict.flips,
            none: "No assumption changes a winner within its range.",
        },
        Block {
            id: "not-shown",
            sign: "?",
            title: "What this does not show",
            sentences: &verdict.not_shown,
            none: "Nothing is said here about what was left out: ask.",
        },
    ];
    // Nothing undecided needs no block of its own: the headline counts.
    blocks
        .into_iter()
        .filter(|block| block.id != "undecided" || !block.sentences.is_empty())
        .collect()
}

pub(super) fn subtitle(manifest: &Manifest) -> String {
    format!(
        "Scenario \u{201c}{}\u{201d}: {} runs of {} epochs, seed {}",
        manifest.scenario,
        whole(u64::from(manifest.runs)),
        whole(u64::from(manifest.epochs)),
        manifest.seed
    )
}

pub(super) fn designs(id: &str, caption: &str, designs: &[DesignFacts]) -> Table {
    Table {
        id: format!("{id}-table"),
        caption: caption.into(),
        file: "designs.csv".into(),
        head: vec![
            Head::text("Name"),
            Head::text("Rule"),
            Head::text("Published"),
        ],
        rows: designs
            .iter()
            .map(|facts| {
                let cells = vec![Cell::text(&facts.formula), Cell::text(&facts.source)];
                Row {
                    note: facts.id.clone(),
                    ..Row::new(&facts.title, cells)
                }
                .of(&facts.id)
            })
            .collect(),
    }
}

pub(super) fn chain(costs: &[ChainCost]) -> Table {
    Table {
        id: "chain-table".into(),
        caption: "Cost on chain, for one operator and one epoch".into(),
        file: "chain.csv".into(),
        head: vec![
            Head::text("Call"),
            Head::number("Execution", "microseconds"),
            Head::number("Proof", "bytes"),
            Head::text("From"),
        ],
        rows: costs
            .iter()
            .map(|cost| {
                Row::new(
                    &cost.call,
                    vec![
                        Cell::number(significant(cost.microseconds, 4)),
                        Cell::number(significant(cost.proof_bytes, 4)),
                        Cell::text(&cost.source),
                    ],
                )
            })
            .collect(),
    }
}

pub(super) fn assumptions(assumptions: &[Assumption]) -> Table {
    let end = |value: Option<f64>| value.map_or_else(|| "–".into(), as_given);
    Table {
        id: "assumptions-table".into(),
        caption: "Every assumption, with the range that sensitivity tries".into(),
        file: "assumptions.csv".into(),
        head: vec![
            Head::text("Key"),
            Head::number("Value", ""),
            Head::text("Unit"),
            Head::number("Low", ""),
            Head::number("High", ""),
            Head::text("Source"),
        ],
        rows: assumptions
            .iter()
            .map(|row| {
                Row::new(
                    &row.key,
                    vec![
                        Cell::number(as_given(row.value)),
                        Cell::text(&row.unit),
                        Cell::number(end(row.low)),
                        Cell::number(end(row.high)),
                        Cell::text(&row.source),
                    ],
                )
            })
            .collect(),
    }
}

/// An entry of the manifest.
pub(super) struct Fact {
    pub name: &'static str,
    pub value: String,
    pub code: bool,
}

pub(super) fn manifest(manifest: &Manifest) -> Vec<Fact> {
    let fact = |name, value: String, code| Fact { name, value, code };
    vec![
        fact("Program", format!("plimsoll {}", manifest.version), false),
        fact("Code, SHA-256", manifest.code_sha256.clone(), true),
        fact("Scenario", manifest.scenario.clone(), false),
        fact("Scenario, SHA-256", manifest.scenario_sha256.clone(), true),
        fact("Seed", manifest.seed.to_string(), false),
        fact("Runs", whole(u64::from(manifest.runs)), false),
        fact("Epochs in a run", whole(u64::from(manifest.epochs)), false),
    ]
}

pub(super) fn data(files: &[DataFile]) -> Table {
    Table {
        id: "data-table".into(),
        caption: "Data files that were read".into(),
        file: "manifest.json".into(),
        head: vec![
            Head::text("File"),
            Head::text("Licence"),
            Head::text("From"),
            Head::text("SHA-256"),
        ],
        rows: files
            .iter()
            .map(|file| {
                Row::new(
                    &file.file,
                    vec![
                        Cell::text(&file.licence),
                        Cell::text(&file.source),
                        Cell::code(&file.sha256),
                    ],
                )
            })
            .collect(),
    }
}
