//! Who switches off, in which order.

use super::names::Names;
use super::table::{Cell, Head, Row, Table};
use crate::findings::{Exit, Findings};
use crate::report::numbers::{percent, significant};

/// A row for each design, a column for each class.
pub(super) fn table(findings: &Findings, names: &Names<'_>) -> Table {
    let mut classes: Vec<&str> = Vec::new();
    for exit in &findings.exits {
        if !classes.contains(&exit.class.as_str()) {
            classes.push(&exit.class);
        }
    }
    let rows = names
        .plimsoll_first()
        .into_iter()
        .map(|design| {
            let cell = |class: &&str| {
                findings
                    .exits
                    .iter()
                    .find(|exit| exit.design == design.id && exit.class == **class)
                    .map_or_else(Cell::default, cell)
            };
            Row::new(&design.title, classes.iter().map(cell).collect()).of(&design.id)
        })
        .collect();
    Table {
        id: "exits-table".into(),
        caption:
            "Share of a class that has switched off by the end, in which place it leaves, and \
                  the mean epoch of leaving"
                .into(),
        file: "exits.csv".into(),
        head: [Head::text("Design")]
            .into_iter()
            .chain(classes.iter().map(|class| Head::number(*class, "")))
            .collect(),
        rows,
    }
}

fn cell(exit: &Exit) -> Cell {
    let mut notes = Vec::new();
    match exit.order {
        Some(order) => notes.push(format!("leaves {}", ordinal(order))),
        None => notes.push("stays".into()),
    }
    if let Some(epoch) = exit.mean_epoch {
        notes.push(format!("epoch {}", significant(epoch, 3)));
    }
    Cell::number(percent(exit.gone, 1)).note(notes.join(", "))
}

fn ordinal(order: u32) -> String {
    let ending = match (order % 10, order % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{order}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_english() {
        let written = [1, 2, 3, 4, 11, 12, 21, 112].map(ordinal);
        assert_eq!(
            written,
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th"]
        );
    }
}
