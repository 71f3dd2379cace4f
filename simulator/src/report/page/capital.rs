//! What capital returns that enters early, late, large, or as stake alone.

use super::names::{Names, PLIMSOLL};
use super::table::{Cell, Head, Row, Table};
use super::Figure;
use crate::findings::{Capital, Findings};
use crate::report::numbers::{fixed, whole, Format};
use crate::report::svg::{intervals, Name, Span};

pub(super) struct Part {
    pub figures: Vec<Figure>,
}

/// A figure for each kind of entrant.
pub(super) fn part(findings: &Findings, names: &Names<'_>) -> Part {
    let mut entrants: Vec<&str> = Vec::new();
    for row in &findings.capital {
        if !entrants.contains(&row.entrant.as_str()) {
            entrants.push(&row.entrant);
        }
    }
    let figures = entrants.iter().enumerate();
    Part {
        figures: figures
            .map(|(index, entrant)| figure(index, entrant, findings, names))
            .collect(),
    }
}

fn figure(index: usize, entrant: &str, findings: &Findings, names: &Names<'_>) -> Figure {
    let designs = names.plimsoll_first();
    let rows: Vec<(&str, &Capital)> = designs
        .iter()
        .flat_map(|design| {
            let of_design = findings
                .capital
                .iter()
                .filter(|row| row.design == design.id);
            of_design.map(|row| (design.title.as_str(), row))
        })
        .filter(|(_, row)| row.entrant == entrant)
        .collect();
    let spans: Vec<Span> = rows
        .iter()
        .map(|(title, row)| Span {
            name: (*title).into(),
            strong: row.design == PLIMSOLL,
            value: row.return_per_year,
        })
        .collect();
    let title = format!("Return on capital: {entrant}");
    let caption = rows.first().map_or_else(String::new, |(_, row)| {
        format!(
            "EUR {} put in at epoch {}: reward less running cost, over capital and a year of \
             being in. Dots are means, bars their confidence intervals.",
            whole_or_cents(row.capital),
            whole(u64::from(row.entry))
        )
    });
    let name = Name {
        id: format!("chart-capital-{index}"),
        title: title.clone(),
        description: format!("{caption} A row for each design. The table holds the numbers."),
    };
    let means = rows.iter().map(|(_, row)| row.return_per_year.mean);
    let format = Format::fitting("share", means);
    Figure {
        id: format!("capital-{index}"),
        svg: intervals(&name, &spans, "return per year of being in", true),
        table: Table {
            id: format!("numbers-capital-{index}"),
            caption: title.clone(),
            file: "capital.csv".into(),
            head: vec![
                Head::text("Design"),
                Head::number("Capital", "EUR"),
                Head::number("Entry", "epoch"),
                Head::number("Return per year", "mean (interval)"),
            ],
            rows: rows
                .iter()
                .map(|(title, row)| {
                    let cells = vec![
                        Cell::number(whole_or_cents(row.capital)),
                        Cell::number(whole(u64::from(row.entry))),
                        Cell::number(format.write_interval(row.return_per_year)),
                    ];
                    Row::new(*title, cells).of(&row.design)
                })
                .collect(),
        },
        title,
        caption,
    }
}

fn whole_or_cents(euros: f64) -> String {
    fixed(euros, if euros.fract() == 0.0 { 0 } else { 2 })
}
