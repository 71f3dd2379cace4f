//! Which assumption moves the outcome most, and which flips the winner.

use super::names::Names;
use super::table::{Cell, Head, Row, Table};
use super::Figure;
use crate::findings::{Findings, Sensitivity};
use crate::report::numbers::{as_given, is_share, significant};
use crate::report::svg::{tornado, Name, Swing};

/// Bars of a tornado.
const BARS: usize = 12;

pub(super) struct Part {
    pub figures: Vec<Figure>,
    pub flips: Table,
    /// Sentences on the assumptions that flip nothing.
    pub steady: Table,
}

pub(super) fn part(findings: &Findings, names: &Names<'_>) -> Part {
    let mut metrics: Vec<&str> = Vec::new();
    for row in &findings.sensitivity {
        if !metrics.contains(&row.metric.as_str()) {
            metrics.push(&row.metric);
        }
    }
    let all = || findings.sensitivity.iter();
    Part {
        figures: metrics
            .iter()
            .enumerate()
            .map(|(index, metric)| figure(index, metric, findings, names))
            .collect(),
        flips: table(
            "flips",
            "Assumptions that change the winner within their range",
            all().filter(|row| flips(row)),
            names,
        ),
        steady: table(
            "steady",
            "Assumptions that do not",
            all().filter(|row| !flips(row)),
            names,
        ),
    }
}

/// Whether the winner changes anywhere in the range.
fn flips(row: &Sensitivity) -> bool {
    row.flip.is_some() || row.winner_low != row.winner || row.winner_high != row.winner
}

fn figure(index: usize, metric: &str, findings: &Findings, names: &Names<'_>) -> Figure {
    let mut rows: Vec<&Sensitivity> = findings
        .sensitivity
        .iter()
        .filter(|row| row.metric == metric)
        .collect();
    // Stable: equals stay in the order of the assumptions.
    rows.sort_by(|a, b| b.swing.abs().total_cmp(&a.swing.abs()));
    let facts = names.metric(metric);
    let title = facts.map_or(metric, |facts| &facts.title);
    let unit = facts.map_or("", |facts| &facts.unit);
    let (unit, factor) = if is_share(unit) {
        ("percentage points", 100.0)
    } else {
        (unit, 1.0)
    };
    let swings: Vec<Swing> = rows
        .iter()
        .take(BARS)
        .map(|row| Swing {
            name: row.key.clone(),
            value: row.swing * factor,
            flips: flips(row),
        })
        .collect();
    let caption = format!(
        "How far Plimsoll's value moves when one assumption goes from the low to the high end of \
         its range, the {} that move it most. A dark bar marked \"flips\" also changes which \
         design wins.",
        swings.len()
    );
    let name = Name {
        id: format!("chart-tornado-{index}"),
        title: format!("What moves: {title}"),
        description: format!("{caption} A bar for each assumption, the longest on top."),
    };
    Figure {
        id: format!("tornado-{index}"),
        svg: tornado(&name, &swings, unit),
        table: Table {
            id: format!("numbers-tornado-{index}"),
            caption: format!("{title}: from the low to the high end of each assumption"),
            file: "sensitivity.csv".into(),
            head: vec![
                Head::text("Assumption"),
                Head::number("Swing", unit),
                Head::text("Winner at the low end"),
                Head::text("Winner in the scenario"),
                Head::text("Winner at the high end"),
            ],
            rows: rows
                .iter()
                .map(|row| {
                    let winners = [&row.winner_low, &row.winner, &row.winner_high];
                    let winners = winners.map(|id| Cell::text(names.design(id)));
                    let swing = Cell::number(significant(row.swing * factor, 3));
                    Row::new(&row.key, [swing].into_iter().chain(winners).collect())
                })
                .collect(),
        },
        title: name.title,
        caption,
    }
}

fn table<'a>(
    id: &str,
    caption: &str,
    rows: impl Iterator<Item = &'a Sensitivity>,
    names: &Names<'_>,
) -> Table {
    Table {
        id: id.into(),
        caption: caption.into(),
        file: "sensitivity.csv".into(),
        head: vec![
            Head::text("Assumption"),
            Head::text("Metric"),
            Head::number("Flips at", ""),
            Head::text("In words"),
        ],
        rows: rows
            .map(|row| {
                let metric = names.metric(&row.metric);
                Row::new(
                    &row.key,
                    vec![
                        Cell::text(metric.map_or(&row.metric, |facts| &facts.title)),
                        Cell::number(row.flip.map_or_else(|| "–".into(), flip_text)),
                        Cell::text(&row.words),
                    ],
                )
            })
            .collect(),
    }
}

/// A value of an assumption: as it is if it is short, else with four digits.
fn flip_text(value: f64) -> String {
    let exact = as_given(value);
    if exact.chars().count() > 10 {
        significant(value, 4)
    } else {
        exact
    }
}
