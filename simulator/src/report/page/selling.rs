//! What unlocks and what is sold: the picked designs in sight, all of them behind.

use super::names::Names;
use super::table::{Cell, Head, Row, Table};
use crate::findings::{Findings, Selling};
use crate::report::numbers::percent;

pub(super) struct Part {
    pub picked: Table,
    pub all: Table,
}

pub(super) fn part(findings: &Findings, names: &Names<'_>) -> Part {
    let picked = |row: &Selling| names.style(&row.design).is_some();
    Part {
        picked: table("selling-picked", findings, names, picked),
        all: table("selling-all", findings, names, |_| true),
    }
}

/// A row for each design and way to vest, a column for each selling rule.
fn table(
    id: &str,
    findings: &Findings,
    names: &Names<'_>,
    wanted: impl Fn(&Selling) -> bool,
) -> Table {
    let mut rules: Vec<&str> = Vec::new();
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for row in findings.selling.iter().filter(|row| wanted(row)) {
        if !rules.contains(&row.rule.as_str()) {
            rules.push(&row.rule);
        }
        let pair = (row.design.as_str(), row.vesting.as_str());
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    // Plimsoll first, as in all tables; the sort is stable.
    pairs.sort_by_key(|(design, _)| *design != super::names::PLIMSOLL);
    let rows = pairs
        .iter()
        .map(|(design, vesting)| {
            let find = |rule: &str| {
                findings.selling.iter().find(|row| {
                    row.design == *design && row.vesting == *vesting && row.rule == rule
                })
            };
            let unlocked = rules
                .iter()
                .filter_map(|rule| find(rule))
                .map(|row| row.unlocked);
            let sold = rules
                .iter()
                .map(|rule| find(rule).map_or_else(Cell::default, sold));
            let unlocked = unlocked_cell(&unlocked.collect::<Vec<_>>());
            Row {
                name: names.design(design).into(),
                note: names.vesting(vesting).into(),
                class: "",
                cells: [unlocked].into_iter().chain(sold).collect(),
            }
            .of(design)
        })
        .collect();
    let heads = rules.iter().map(|rule| Head::number(*rule, "worst month"));
    Table {
        id: id.into(),
        caption: "Share of all rewards that is unlocked at the end; and, by selling rule, tokens \
                  sold in the worst month over tokens in circulation at its start"
            .into(),
        file: "selling.csv".into(),
        head: [
            Head::text("Design and vesting"),
            Head::number("Unlocked", "at the end"),
        ]
        .into_iter()
        .chain(heads)
        .collect(),
        rows,
    }
}

fn sold(row: &Selling) -> Cell {
    Cell::number(percent(row.worst_month_share, 2)).note(format!("month {}", row.worst_month))
}

/// What is unlocked: one share, or both ends if it differs between the rules.
fn unlocked_cell(shares: &[f64]) -> Cell {
    let low = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let high = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let [low, high] = [low, high].map(|share| percent(share, 1));
    if low == high {
        Cell::number(low)
    } else {
        Cell::number(format!("{low} to {high}"))
    }
}
