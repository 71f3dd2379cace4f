//! Names of designs and metrics, and which designs are picked out in the charts.

use crate::findings::{Call, DesignFacts, Findings, MetricFacts, Series};
use crate::report::svg::STYLES;

/// The design all others are compared with.
pub(super) const PLIMSOLL: &str = "plimsoll";
/// What a reader knows: the network's own plan and the simplest rules.
const KNOWN: [&str; 4] = ["opg", "per-job", "pro-rata", "stake"];

/// Looks up names.
pub(super) struct Names<'a> {
    findings: &'a Findings,
    picked: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn new(findings: &'a Findings) -> Self {
        Self {
            findings,
            picked: picked(findings),
        }
    }

    /// A design's name in a text; its id if it is not among the designs.
    pub(super) fn design<'b>(&'b self, id: &'b str) -> &'b str {
        title(&self.findings.designs, id)
    }

    /// A way to vest, likewise.
    pub(super) fn vesting<'b>(&'b self, id: &'b str) -> &'b str {
        title(&self.findings.vestings, id)
    }

    pub(super) fn metric(&self, id: &str) -> Option<&'a MetricFacts> {
        self.findings.metrics.iter().find(|metric| metric.id == id)
    }

    /// The designs that are picked out, Plimsoll first: at most as many as there are
    /// styles of lines.
    pub(super) fn picked(&self) -> &[&'a str] {
        &self.picked
    }

    /// A picked design's style.
    pub(super) fn style(&self, design: &str) -> Option<usize> {
        self.picked.iter().position(|id| *id == design)
    }

    /// The design or way to vest a line is of: what it says, or what its name says.
    pub(super) fn of_line<'b>(&self, line: &'b Series) -> Option<&'b str>
    where
        'a: 'b,
    {
        let Findings {
            designs, vestings, ..
        } = self.findings;
        line.design.as_deref().or_else(|| {
            let mut all = vestings.iter().chain(designs);
            let facts = all.find(|facts| facts.title == line.name)?;
            Some(facts.id.as_str())
        })
    }

    /// All designs, Plimsoll first.
    pub(super) fn plimsoll_first(&self) -> Vec<&'a DesignFacts> {
        let designs = &self.findings.designs;
        let (first, rest): (Vec<_>, Vec<_>) =
            designs.iter().partition(|facts| facts.id == PLIMSOLL);
        first.into_iter().chain(rest).collect()
    }
}

fn title<'b>(facts: &'b [DesignFacts], id: &'b str) -> &'b str {
    facts
        .iter()
        .find(|facts| facts.id == id)
        .map_or(id, |facts| &facts.title)
}

/// Plimsoll, the known designs, and of the others those that are better than Plimsoll
/// on most metrics: whoever doubts the scheme wants to see these.
fn picked(findings: &Findings) -> Vec<&str> {
    let is_known = |id: &str| id == PLIMSOLL || KNOWN.contains(&id);
    let has = |id: &&str| findings.designs.iter().any(|facts| facts.id == **id);
    let better = |id: &str| {
        let of_design = findings.results.iter().filter(|row| row.design == id);
        of_design.filter(|row| row.call == Call::Better).count()
    };
    let mut rivals: Vec<&str> = findings
        .designs
        .iter()
        .map(|facts| facts.id.as_str())
        .filter(|id| !is_known(id))
        .collect();
    // Stable: equals stay in the order of the designs.
    rivals.sort_by_key(|id| std::cmp::Reverse(better(id)));
    [PLIMSOLL]
        .into_iter()
        .chain(KNOWN)
        .filter(has)
        .chain(rivals)
        .take(STYLES)
        .collect()
}
