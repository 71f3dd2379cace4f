//! The page: findings, arranged for a reader.
//!
//! Each part of it has a file here that picks and orders what is shown; the template
//! (`templates/report.html`) says how. Text is escaped by the template, and by
//! [`super::svg`] inside the charts.

mod against;
mod attacks;
mod capital;
mod charts;
mod coverage;
mod exits;
mod names;
mod results;
mod selling;
mod sensitivity;
mod table;
mod texts;

use crate::findings::Findings;
use askama::Template;
use charts::Curve;
use names::Names;
use results::Group;
use table::Table;
use texts::{Block, Fact, Opening};

/// A drawing with a table of its numbers behind it.
struct Figure {
    /// Unique in the page.
    id: String,
    title: String,
    caption: String,
    /// An SVG element, in which all text is escaped already.
    svg: String,
    table: Table,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    findings: &'a Findings,
    /// What was computed, in a line.
    subtitle: String,
    opening: Opening,
    against: Table,
    verdict: Vec<Block<'a>>,
    designs: Table,
    vestings: Table,
    tally: Figure,
    groups: Vec<Group>,
    distribution: Vec<Curve>,
    coverage: coverage::Part,
    exits: Table,
    exit_curves: Vec<Curve>,
    selling: selling::Part,
    selling_curves: Vec<Curve>,
    capital: capital::Part,
    capital_curves: Vec<Curve>,
    attacks: attacks::Part,
    sensitivity: sensitivity::Part,
    other_curves: Vec<Curve>,
    chain: Table,
    assumptions: Table,
    manifest: Vec<Fact>,
    data: Table,
}

/// The whole page as text.
pub(super) fn render(findings: &Findings) -> Result<String, askama::Error> {
    let names = Names::new(findings);
    let mut curves = charts::sorted(findings, &names);
    Page {
        findings,
        subtitle: texts::subtitle(&findings.manifest),
        opening: texts::opening(&findings.backtests),
        against: against::table(findings, &names),
        verdict: texts::verdict(&findings.verdict),
        designs: texts::designs("designs", "The designs, by their rule", &findings.designs),
        vestings: texts::designs("vestings", "The ways to vest", &findings.vestings),
        tally: results::tally(findings, &names),
        groups: results::groups(findings, &names),
        distribution: curves.take(charts::Topic::Distribution),
        coverage: coverage::part(findings, &names),
        exits: exits::table(findings, &names),
        exit_curves: curves.take(charts::Topic::Exits),
        selling: selling::part(findings, &names),
        selling_curves: curves.take(charts::Topic::Selling),
        capital: capital::part(findings, &names),
        capital_curves: curves.take(charts::Topic::Capital),
        attacks: attacks::part(findings, &names),
        sensitivity: sensitivity::part(findings, &names),
        other_curves: curves.take(charts::Topic::Other),
        chain: texts::chain(&findings.chain),
        assumptions: texts::assumptions(&findings.assumptions),
        manifest: texts::manifest(&findings.manifest),
        data: texts::data(&findings.manifest.data),
    }
    .render()
}
