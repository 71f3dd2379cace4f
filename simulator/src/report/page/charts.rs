//! Curves: which part of the report each belongs to, and how its lines are drawn.

use super::names::Names;
use super::table::{Cell, Head, Row, Table};
use super::Figure;
use crate::findings::{Chart, Findings, Series};
use crate::report::numbers::{self, is_share};
use crate::report::svg::{lines, Line, LineChart, Name, REFERENCE, STYLES};

/// A chart as the template shows it.
pub(super) type Curve = Figure;

/// A part of the report that shows curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Distribution,
    Exits,
    Selling,
    Capital,
    Other,
}

/// By the first word of a chart's id: where it is shown.
const TOPICS: [(&str, Topic); 20] = [
    ("lorenz", Topic::Distribution),
    ("decile", Topic::Distribution),
    ("deciles", Topic::Distribution),
    ("reward", Topic::Distribution),
    ("pay", Topic::Distribution),
    ("share", Topic::Distribution),
    ("exit", Topic::Exits),
    ("exits", Topic::Exits),
    ("active", Topic::Exits),
    ("spiral", Topic::Exits),
    ("staying", Topic::Exits),
    ("unlock", Topic::Selling),
    ("unlocks", Topic::Selling),
    ("unlocking", Topic::Selling),
    ("sell", Topic::Selling),
    ("selling", Topic::Selling),
    ("sold", Topic::Selling),
    ("vesting", Topic::Selling),
    ("capital", Topic::Capital),
    ("return", Topic::Capital),
];

fn topic(id: &str) -> Topic {
    let first = id.split('-').next().unwrap_or_default();
    TOPICS
        .iter()
        .find(|(word, _)| *word == first)
        .map_or(Topic::Other, |(_, topic)| *topic)
}

/// All curves, to be taken topic by topic.
pub(super) struct Curves(Vec<(Topic, Curve)>);

impl Curves {
    /// The curves of a topic, in their order.
    pub(super) fn take(&mut self, wanted: Topic) -> Vec<Curve> {
        let all = std::mem::take(&mut self.0);
        let (taken, rest) = all.into_iter().partition(|(topic, _)| *topic == wanted);
        self.0 = rest;
        let taken: Vec<(Topic, Curve)> = taken;
        taken.into_iter().map(|(_, curve)| curve).collect()
    }
}

/// Draws all charts.
pub(super) fn sorted(findings: &Findings, names: &Names<'_>) -> Curves {
    let draw = |chart: &Chart| (topic(&chart.id), curve(chart, names));
    Curves(findings.charts.iter().map(draw).collect())
}

fn curve(chart: &Chart, names: &Names<'_>) -> Curve {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let percent = (
        counts_shares(&chart.x, points().map(|point| point.0)),
        counts_shares(&chart.y, points().map(|point| point.1)),
    );
    let styles = styles(&chart.series, names);
    let named = styles.iter().filter(|style| style.is_some()).count();
    let grey = styles.len() - named;
    let mut description = format!(
        "{} Lines over {}, up: {}. {named} named lines",
        chart.caption, chart.x, chart.y
    );
    description.push_str(&match grey {
        0 => ".".to_owned(),
        1 => ", and one thin grey line without a name.".to_owned(),
        _ => format!(", and {grey} thin grey lines without a name."),
    });
    description.push_str(" The table below holds the numbers.");
    let drawing = LineChart {
        x: chart.x.clone(),
        y: chart.y.clone(),
        percent,
        lines: chart
            .series
            .iter()
            .zip(&styles)
            .map(|(series, style)| Line {
                name: series.name.clone(),
                style: *style,
                points: series.points.clone(),
            })
            .collect(),
    };
    let name = Name {
        id: format!("chart-{}", chart.id),
        title: chart.title.clone(),
        description,
    };
    Figure {
        svg: lines(&name, &drawing),
        table: data(chart, percent),
        id: format!("curve-{}", chart.id),
        title: chart.title.clone(),
        caption: chart.caption.clone(),
    }
}

/// A picked design has the same style in every chart. Few lines are all named, in the
/// styles that are left; of many, only the picked designs and the lines that belong to
/// no design.
fn styles(series: &[Series], names: &Names<'_>) -> Vec<Option<usize>> {
    let few = series.len() <= STYLES;
    let mut free = [true; STYLES];
    let mut styles: Vec<Option<usize>> = series
        .iter()
        .map(|line| {
            let Some(design) = names.of_line(line) else {
                return Some(REFERENCE);
            };
            let style = names.style(design).filter(|style| free[*style])?;
            free[style] = false;
            Some(style)
        })
        .collect();
    if few {
        // Plimsoll's style is Plimsoll's alone.
        let mut left = (1..STYLES).filter(|style| free[*style]);
        for style in styles.iter_mut().filter(|style| style.is_none()) {
            *style = left.next();
        }
    }
    let is_reference = |line: &&Series| names.of_line(line).is_none();
    let references = series.iter().filter(is_reference).count();
    if references > 1 {
        // Several lines of no design are told apart like designs, as far as styles go.
        let mut left = (1..STYLES).filter(|style| !styles.contains(&Some(*style)));
        let free: Vec<usize> = left.by_ref().collect();
        let references = styles.iter_mut().filter(|style| **style == Some(REFERENCE));
        for (style, free) in references.zip(free) {
            *style = Some(free);
        }
    }
    styles
}

/// Whether an axis is in shares of 1: by its title and its values.
fn counts_shares(title: &str, values: impl Iterator<Item = f64>) -> bool {
    let title = title.to_lowercase();
    let says = title.split(|c: char| !c.is_alphanumeric()).any(is_share);
    let mut finite = values.filter(|value| value.is_finite());
    says && finite.all(|value| (-1.0..=1.5).contains(&value))
}

/// All points: a row for each place on the horizontal axis.
fn data(chart: &Chart, percent: (bool, bool)) -> Table {
    let mut places: Vec<f64> = chart
        .series
        .iter()
        .flat_map(|series| series.points.iter().map(|point| point.0))
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let write = |value: f64, shares: bool| {
        if shares {
            numbers::percent(value, 2)
        } else {
            numbers::significant(value, 4)
        }
    };
    // Points are from left to right: one walk over each line.
    let mut walks: Vec<_> = chart
        .series
        .iter()
        .map(|series| series.points.iter().peekable())
        .collect();
    let rows = places
        .iter()
        .map(|place| {
            let cells = walks.iter_mut().map(|walk| {
                let mut texts = Vec::new();
                while let Some((_, y)) = walk.next_if(|(x, _)| x.total_cmp(place).is_le()) {
                    texts.push(write(*y, percent.1));
                }
                Cell::number(texts.join("; "))
            });
            let cells = cells.collect();
            Row::new(write(*place, percent.0), cells)
        })
        .collect();
    Table {
        id: format!("numbers-{}", chart.id),
        caption: format!("{}: {}", chart.title, chart.y),
        file: format!("charts/{}.csv", chart.id),
        head: [Head::text(chart.x.clone())]
            .into_iter()
            .chain(chart.series.iter().map(|line| Head::number(&line.name, "")))
            .collect(),
        rows,
    }
}
