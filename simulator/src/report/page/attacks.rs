//! The best attacks found: the largest gain by design and kind, Plimsoll's in full, all
//! others behind.

use super::names::{Names, PLIMSOLL};
use super::table::{Cell, Head, Row, Table, GAINS};
use crate::findings::{Attack, DesignFacts, Findings};
use crate::report::numbers::{self, signed_percent, whole};

/// A gain below this, in percent, is written as zero.
const LEAST_GAIN: f64 = 0.05;

pub(super) struct Part {
    pub overview: Table,
    pub own: Table,
    pub all: Table,
}

pub(super) fn part(findings: &Findings, names: &Names<'_>) -> Part {
    let designs = names.plimsoll_first();
    let (own, rest): (Vec<&DesignFacts>, Vec<_>) =
        designs.iter().partition(|design| design.id == PLIMSOLL);
    Part {
        overview: overview(findings, &designs),
        own: strategies(
            "attacks-plimsoll",
            "The best attacks on Plimsoll",
            findings,
            &own,
        ),
        all: strategies(
            "attacks-others",
            "The best attacks on the others",
            findings,
            &rest,
        ),
    }
}

/// The largest gain over all sizes, by design and kind.
fn overview(findings: &Findings, designs: &[&DesignFacts]) -> Table {
    let mut kinds: Vec<&str> = Vec::new();
    for attack in &findings.attacks {
        if !kinds.contains(&attack.kind.as_str()) {
            kinds.push(&attack.kind);
        }
    }
    let rows = designs
        .iter()
        .map(|design| {
            let worst = |kind: &&str| {
                findings
                    .attacks
                    .iter()
                    .filter(|attack| attack.design == design.id && attack.kind == **kind)
                    .reduce(|worst, attack| {
                        if attack.gain_percent > worst.gain_percent {
                            attack
                        } else {
                            worst
                        }
                    })
            };
            let cells = kinds
                .iter()
                .map(|kind| worst(kind).map_or_else(Cell::default, gain));
            Row::new(&design.title, cells.collect()).of(&design.id)
        })
        .collect();
    Table {
        id: "attacks-overview".into(),
        caption:
            "Largest gain of the best attack found over honest behaviour, and the size of the \
                  attacker: its share of all honest work"
                .into(),
        file: "attacks.csv".into(),
        head: [Head::text("Design")]
            .into_iter()
            .chain(kinds.iter().map(|kind| Head::number(*kind, "")))
            .collect(),
        rows,
    }
}

fn gain(attack: &Attack) -> Cell {
    let cell =
        Cell::number(percent(attack.gain_percent)).note(format!("size {}", share(attack.size)));
    let pays = attack.gain_percent >= LEAST_GAIN;
    cell.mark(pays.then_some(GAINS))
}

fn percent(gain: f64) -> String {
    if gain.abs() < LEAST_GAIN {
        "0.0%".into()
    } else {
        signed_percent(gain)
    }
}

fn share(size: f64) -> String {
    let decimals = if size < 0.01 { 1 } else { 0 };
    numbers::percent(size, decimals)
}

/// Every attack with its strategy.
fn strategies(id: &str, caption: &str, findings: &Findings, designs: &[&DesignFacts]) -> Table {
    let rows = designs
        .iter()
        .flat_map(|design| {
            let of_design = findings
                .attacks
                .iter()
                .filter(|row| row.design == design.id);
            of_design.map(|attack| Row {
                name: attack.kind.clone(),
                note: if design.id == PLIMSOLL {
                    String::new()
                } else {
                    design.title.clone()
                },
                class: "",
                cells: vec![
                    Cell::number(share(attack.size)),
                    Cell::number(percent(attack.gain_percent))
                        .mark((attack.gain_percent >= LEAST_GAIN).then_some(GAINS)),
                    Cell::number(numbers::percent(attack.honest_share, 1)),
                    Cell::number(numbers::percent(attack.attack_share, 1)),
                    Cell::number(percent(-attack.small_lose_percent)),
                    Cell::text(&attack.strategy),
                    Cell::number(whole(attack.tried)),
                ],
            })
        })
        .collect();
    Table {
        id: id.into(),
        caption: format!("{caption}, by kind and size"),
        file: "attacks.csv".into(),
        head: vec![
            Head::text("Kind"),
            Head::number("Size", "of all honest work"),
            Head::number("Gain", "over honest"),
            Head::number("Honest", "share of the budget"),
            Head::number("Attacking", "share of the budget, net"),
            Head::number("Smaller half", "what its pay changes by"),
            Head::text("Strategy"),
            Head::number("Tried", "strategies"),
        ],
        rows,
    }
}
