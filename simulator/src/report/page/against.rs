//! Plimsoll beside each other design, for the first page.

use super::names::{Names, PLIMSOLL};
use super::table::{Cell, Head, Row, Table};
use crate::findings::{Against, Findings};
use crate::report::numbers;

pub(super) fn table(findings: &Findings, names: &Names<'_>) -> Table {
    let row = |against: &Against| {
        let count = |of: u32| {
            let own = against.design == PLIMSOLL;
            Cell::number(if own {
                "\u{2013}".into()
            } else {
                of.to_string()
            })
        };
        let share = |of: Option<f64>| {
            of.map_or_else(Cell::default, |value| {
                Cell::number(numbers::percent(value, 1))
            })
        };
        Row::new(
            names.design(&against.design),
            vec![
                count(against.plimsoll_better),
                count(against.other_better),
                count(against.undecided),
                share(against.split_gain),
                share(against.attack_share),
                share(against.small_lose_percent.map(|percent| percent / 100.0)),
            ],
        )
        .of(&against.design)
    };
    let largest = findings
        .attacks
        .iter()
        .map(|attack| attack.size)
        .fold(0.0, f64::max);
    let attacker = if largest > 0.0 {
        format!(
            "by an attacker with {} of all work",
            numbers::percent(largest, 0)
        )
    } else {
        "not searched".into()
    };
    Table {
        id: "against".into(),
        caption: "Plimsoll beside each design: metrics by who is better, and what names and \
                  attacks bring"
            .into(),
        file: "against.csv".into(),
        head: vec![
            Head::text("Design"),
            Head::number("Plimsoll better", "metrics"),
            Head::number("Other better", "metrics"),
            Head::number("Undecided", "metrics"),
            Head::number("Splitting", "gain of the largest tenth"),
            Head::number("Budget taken", attacker.clone()),
            Head::number("Smaller half loses", "by that attack"),
        ],
        rows: findings.verdict.against.iter().map(row).collect(),
    }
}
