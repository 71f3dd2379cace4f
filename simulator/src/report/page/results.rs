//! The results: designs by metrics, group by group, and how often each design is better
//! or worse than Plimsoll.

use super::names::{Names, PLIMSOLL};
use super::table::{Cell, Head, Mark, Row, Table, BETTER, UNDECIDED, WORSE};
use super::Figure;
use crate::findings::{Better, Call, DesignFacts, Findings, Interval, MetricFacts, Outcome};
use crate::report::numbers::{is_share, Format};
use crate::report::svg::{bars, Bar, Name};

/// The metrics of a group.
pub(super) struct Group {
    /// Unique in the page.
    pub id: String,
    pub title: String,
    pub values: Table,
    pub differences: Table,
    pub definitions: Vec<Definition>,
}

/// What a metric is.
pub(super) struct Definition {
    pub title: String,
    pub text: String,
    /// Unit and direction.
    pub unit: String,
}

const GROUPS: [(&str, &str); 7] = [
    ("coverage", "Who covers their costs"),
    ("concentration", "Concentration"),
    ("pay", "Reward per unit of work"),
    ("variance", "Swings and luck"),
    ("splitting", "When the largest owners split"),
    ("capital", "Return on capital"),
    ("selling", "Unlocking and selling"),
];

/// The tables, in the order in which the groups first appear among the metrics.
pub(super) fn groups(findings: &Findings, names: &Names<'_>) -> Vec<Group> {
    let mut ids: Vec<&str> = Vec::new();
    for metric in &findings.metrics {
        if !ids.contains(&metric.group.as_str()) {
            ids.push(&metric.group);
        }
    }
    ids.into_iter()
        .enumerate()
        .map(|(index, id)| group(index, id, findings, names))
        .collect()
}

fn group(index: usize, id: &str, findings: &Findings, names: &Names<'_>) -> Group {
    let metrics: Vec<&MetricFacts> = findings
        .metrics
        .iter()
        .filter(|metric| metric.group == id)
        .collect();
    let title = GROUPS
        .iter()
        .find(|(group, _)| *group == id)
        .map_or(id, |(_, title)| title)
        .to_owned();
    let values = Shown {
        read: |outcome| outcome.value,
        difference: false,
    };
    let differences = Shown {
        read: |outcome| outcome.difference,
        difference: true,
    };
    Group {
        id: format!("group-{index}"),
        values: Table {
            id: format!("values-{index}"),
            caption: format!("{title}: mean over runs, and the confidence interval of the mean"),
            file: "results.csv".into(),
            head: heads(&metrics),
            rows: rows(findings, names, &metrics, values),
        },
        differences: Table {
            id: format!("differences-{index}"),
            caption: format!("{title}: the design minus Plimsoll, run by run"),
            file: "results.csv".into(),
            head: heads(&metrics),
            rows: rows(findings, names, &metrics, differences),
        },
        definitions: metrics
            .iter()
            .map(|metric| Definition {
                title: metric.title.clone(),
                text: metric.definition.clone(),
                unit: format!("{}; {}", unit(metric), direction(metric.better)),
            })
            .collect(),
        title,
    }
}

fn heads(metrics: &[&MetricFacts]) -> Vec<Head> {
    let metric = |metric: &&MetricFacts| {
        let note = format!("{}; {}", unit(metric), direction(metric.better));
        Head::number(&metric.title, note)
    };
    [Head::text("Design")]
        .into_iter()
        .chain(metrics.iter().map(metric))
        .collect()
}

fn unit(metric: &MetricFacts) -> String {
    if is_share(&metric.unit) {
        metric.unit.replacen("share", "percent", 1)
    } else {
        metric.unit.clone()
    }
}

fn direction(better: Better) -> &'static str {
    match better {
        Better::Higher => "more is better",
        Better::Lower => "less is better",
        Better::Neither => "neither is better",
    }
}

/// Which of an outcome's intervals a table shows.
#[derive(Clone, Copy)]
struct Shown {
    read: fn(&Outcome) -> Interval,
    difference: bool,
}

fn rows(
    findings: &Findings,
    names: &Names<'_>,
    metrics: &[&MetricFacts],
    shown: Shown,
) -> Vec<Row> {
    let formats: Vec<Format> = metrics
        .iter()
        .map(|metric| {
            let of_metric = findings
                .results
                .iter()
                .filter(|row| row.metric == metric.id);
            let means = of_metric.map(|row| (shown.read)(row).mean);
            Format::fitting(&metric.unit, means)
        })
        .collect();
    let row = |design: &DesignFacts| {
        let cells = metrics.iter().zip(&formats).map(|(metric, format)| {
            findings
                .results
                .iter()
                .find(|row| row.design == design.id && row.metric == metric.id)
                .map_or_else(Cell::default, |outcome| cell(outcome, *format, shown))
        });
        Row::new(&design.title, cells.collect()).of(&design.id)
    };
    let is_plimsoll = |design: &&DesignFacts| design.id == PLIMSOLL;
    names
        .plimsoll_first()
        .into_iter()
        .filter(|design| !(shown.difference && is_plimsoll(design)))
        .map(row)
        .collect()
}

fn cell(outcome: &Outcome, format: Format, shown: Shown) -> Cell {
    let interval = (shown.read)(outcome);
    let note = if interval.low == interval.mean && interval.high == interval.mean {
        "in every run".into()
    } else {
        format!("({})", format.write_ends(interval))
    };
    Cell::number(format.write(interval.mean))
        .note(note)
        .mark(mark(outcome.call))
}

fn mark(call: Call) -> Option<Mark> {
    match call {
        Call::Better => Some(BETTER),
        Call::Worse => Some(WORSE),
        Call::Undecided => Some(UNDECIDED),
        Call::NotCompared => None,
    }
}

/// On how many metrics each design is better than Plimsoll, undecided, and worse.
pub(super) fn tally(findings: &Findings, names: &Names<'_>) -> Figure {
    let counts: Vec<Bar> = names
        .plimsoll_first()
        .into_iter()
        .filter(|design| design.id != PLIMSOLL)
        .map(|design| {
            let count = |call: Call| {
                let of_design = findings
                    .results
                    .iter()
                    .filter(|row| row.design == design.id);
                of_design.filter(|row| row.call == call).count()
            };
            Bar {
                name: design.title.clone(),
                parts: [Call::Better, Call::Undecided, Call::Worse].map(count),
            }
        })
        .collect();
    let title = "Each design against Plimsoll: on how many metrics it is better, undecided, worse";
    let caption = "Each metric is counted once, and related metrics (Gini and HHI, identities and \
                   owners) each count. So this is an overview and no ranking: which metrics matter \
                   is for the reader to say.";
    let name = Name {
        id: "chart-tally".into(),
        title: title.into(),
        description: format!("{caption} A bar for each design, in three parts with their numbers."),
    };
    let rows = counts
        .iter()
        .map(|bar| {
            let cells = bar
                .parts
                .iter()
                .map(|count| Cell::number(count.to_string()));
            Row::new(&bar.name, cells.collect())
        })
        .collect();
    Figure {
        id: "tally".into(),
        svg: bars(&name, &counts),
        table: Table {
            id: "numbers-tally".into(),
            caption: "Metrics on which a design is better or worse than Plimsoll, counted".into(),
            file: "results.csv".into(),
            head: vec![
                Head::text("Design"),
                Head::number("▲ better", ""),
                Head::number("≈ undecided", ""),
                Head::number("▼ worse", ""),
            ],
            rows,
        },
        title: title.into(),
        caption: caption.into(),
    }
}
