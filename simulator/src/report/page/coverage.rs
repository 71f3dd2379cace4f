//! Who covers costs, by class and country: tiles of a few designs beside each other, and
//! a table of all.

use super::names::Names;
use super::table::{Cell, Head, Row, Table};
use crate::findings::{Coverage, Findings};
use crate::report::numbers::{fixed, significant, whole_percent};
use crate::report::svg::{tiles, Name, Tiles};

/// Designs that are drawn.
const DRAWN: usize = 4;

pub(super) struct Part {
    pub maps: Vec<Map>,
    pub table: Table,
}

/// The same measure for some designs.
pub(super) struct Map {
    /// Unique in the page.
    pub id: &'static str,
    pub title: &'static str,
    pub panels: Vec<Panel>,
}

pub(super) struct Panel {
    pub title: String,
    pub own: bool,
    pub svg: String,
}

type Measure = fn(&Coverage) -> f64;

const MEASURES: [(&str, &str, Measure); 2] = [
    ("electricity", "Share that covers electricity", |row| {
        row.electricity
    }),
    (
        "full",
        "Share that covers electricity and depreciation",
        |row| row.full,
    ),
];

pub(super) fn part(findings: &Findings, names: &Names<'_>) -> Part {
    let rows = &findings.coverage;
    let classes = distinct(rows.iter().map(|row| row.class.as_str()));
    let countries = distinct(rows.iter().map(|row| row.country.as_str()));
    let maps = MEASURES
        .iter()
        .map(|(id, title, measure)| Map {
            id,
            title,
            panels: names
                .picked()
                .iter()
                .filter(|design| rows.iter().any(|row| row.design == **design))
                .take(DRAWN)
                .enumerate()
                .map(|(index, design)| Panel {
                    title: names.design(design).into(),
                    own: index == 0,
                    svg: tiles(
                        &Name {
                            id: format!("coverage-{id}-{index}"),
                            title: format!("{title}: {}", names.design(design)),
                            description: format!(
                                "{} countries by {} classes of operators, with the share in \
                                 percent in each tile. The table of all designs below holds the \
                                 numbers.",
                                countries.len(),
                                classes.len()
                            ),
                        },
                        &grid(rows, design, &countries, &classes, *measure),
                    ),
                })
                .collect(),
        })
        .collect();
    Part {
        maps,
        table: table(findings, names, &countries, &classes),
    }
}

fn grid(
    rows: &[Coverage],
    design: &str,
    countries: &[&str],
    classes: &[&str],
    measure: Measure,
) -> Tiles {
    let share = |country: &str, class: &str| {
        find(rows, design, country, class)
            .filter(|row| row.operators > 0.0)
            .map(measure)
    };
    Tiles {
        rows: countries.iter().map(|name| (*name).to_owned()).collect(),
        columns: classes.iter().map(|name| (*name).to_owned()).collect(),
        shares: countries
            .iter()
            .map(|country| classes.iter().map(|class| share(country, class)).collect())
            .collect(),
    }
}

fn find<'a>(
    rows: &'a [Coverage],
    design: &str,
    country: &str,
    class: &str,
) -> Option<&'a Coverage> {
    rows.iter()
        .find(|row| row.design == design && row.country == country && row.class == class)
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// A row for each country and class, a column for each design.
fn table(findings: &Findings, names: &Names<'_>, countries: &[&str], classes: &[&str]) -> Table {
    let designs = names.plimsoll_first();
    let mut rows = Vec::new();
    for country in countries {
        for class in classes {
            let of_place = |design: &str| find(&findings.coverage, design, country, class);
            let operators = designs.iter().find_map(|design| of_place(&design.id));
            let Some(operators) = operators.map(|row| row.operators) else {
                continue;
            };
            let cells = designs.iter().map(|design| {
                of_place(&design.id).map_or_else(Cell::default, |row| {
                    let [electricity, full] = [row.electricity, row.full].map(whole_percent);
                    Cell::number(format!("{electricity} / {full}"))
                        .note(format!("× {}", significant(row.median_cover, 3)))
                })
            });
            let count = Cell::number(fixed(operators, 1));
            rows.push(Row {
                name: (*country).into(),
                note: (*class).into(),
                class: "",
                cells: [count].into_iter().chain(cells).collect(),
            });
        }
    }
    let heads = designs.iter().map(|design| Head::number(&design.title, ""));
    Table {
        id: "coverage-table".into(),
        caption: "Share that covers electricity / electricity and depreciation; below it, median \
                  of income over both"
            .into(),
        file: "coverage.csv".into(),
        head: [
            Head::text("Country and class"),
            Head::number("Operators", "mean of runs"),
        ]
        .into_iter()
        .chain(heads)
        .collect(),
        rows,
    }
}
