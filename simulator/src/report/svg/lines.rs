//! Lines over one axis, named at their ends.

use super::{apart, extent, wrap, Anchor, Axis, Name, Picture, Scale, LETTER};
use crate::report::numbers::{fixed, percent as in_percent, significant};

/// Lines that are told apart: Plimsoll's and six others.
pub const STYLES: usize = 7;
/// The style of a line that is there for orientation: dotted, without marks.
pub const REFERENCE: usize = 7;

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 400.0;
const RIGHT: f64 = 590.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 346.0;
/// Where the sample of a line begins and its name does.
const SAMPLE: f64 = RIGHT + 24.0;
const LABEL: f64 = SAMPLE + 36.0;
/// Height of a row of a name.
const ROW: f64 = 13.0;
/// Lines of fewer points have a mark at each.
const FEW_POINTS: usize = 13;
/// Marks on a line of many points.
const MARKS: usize = 5;

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// How it is drawn: below [`STYLES`], 0 being Plimsoll's, or [`REFERENCE`]; none for a thin grey line
    /// without a name, whose numbers are in the data table.
    pub style: Option<usize>,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A chart of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// Title and unit of the horizontal axis.
    pub x: String,
    /// Title and unit of the vertical axis.
    pub y: String,
    /// Whether each axis (`x`, `y`) counts in shares, which are named in percent.
    pub percent: (bool, bool),
    /// The lines.
    pub lines: Vec<Line>,
}

/// Draws lines, the named ones above the others and Plimsoll's above all.
#[must_use]
pub fn lines(name: &Name, chart: &LineChart) -> String {
    let all = || chart.lines.iter().flat_map(|line| line.points.iter());
    let x_axis = Axis::tight(extent(all().map(|point| point.0)), 10);
    let y_axis = Axis::round(extent(all().map(|point| point.1)), 5);
    let y_texts = tick_texts(&y_axis, chart.percent.1);
    // Room for the title, which runs upwards, and the longest of the ticks.
    let longest = y_texts.iter().map(|text| text.chars().count()).max();
    let left = 34.0 + longest.unwrap_or(0) as f64 * LETTER;
    let x = Scale::new(x_axis.ends, (left, RIGHT));
    let y = Scale::new(y_axis.ends, (BOTTOM, TOP));
    let mut picture = Picture::new(WIDTH, HEIGHT);
    for (tick, text) in y_axis.ticks.iter().zip(&y_texts) {
        let at = y.at(*tick);
        let class = if *tick == 0.0 { "axis" } else { "grid" };
        picture.line(class, (left, at), (RIGHT, at));
        picture.text("tick", (left - 8.0, at + 4.0), Anchor::End, text);
    }
    for (tick, text) in x_axis
        .ticks
        .iter()
        .zip(tick_texts(&x_axis, chart.percent.0))
    {
        let at = x.at(*tick);
        picture.line("axis", (at, BOTTOM), (at, BOTTOM + 5.0));
        picture.text("tick", (at, BOTTOM + 19.0), Anchor::Middle, &text);
    }
    picture.line("axis", (left, BOTTOM), (RIGHT, BOTTOM));
    draw_titles(&mut picture, chart, left);
    for line in chart.lines.iter().filter(|line| line.style.is_none()) {
        for piece in pieces(line, x, y) {
            picture.path("line other", &piece);
        }
    }
    let mut named: Vec<(usize, &Line)> = chart
        .lines
        .iter()
        .filter_map(|line| line.style.map(|style| (style, line)))
        .collect();
    named.sort_by_key(|(style, _)| std::cmp::Reverse(*style));
    for (style, line) in &named {
        for piece in pieces(line, x, y) {
            picture.path(&format!("line k{style}"), &piece);
        }
        if *style != REFERENCE {
            for place in marked(line, *style, x, y) {
                picture.mark(*style, place);
            }
        }
    }
    draw_names(&mut picture, &named, &x_axis, chart.percent.0, y);
    picture.finish(name)
}

fn draw_titles(picture: &mut Picture, chart: &LineChart, left: f64) {
    let across = ((RIGHT - left) / LETTER) as usize;
    let title = wrap(&chart.x, across, 1).concat();
    let middle = ((left + RIGHT) / 2.0, BOTTOM + 42.0);
    picture.text("axis-title", middle, Anchor::Middle, &title);
    let up = ((BOTTOM - TOP) / LETTER) as usize;
    let title = wrap(&chart.y, up, 1).concat();
    picture.text_upwards("axis-title", (15.0, (TOP + BOTTOM) / 2.0), &title);
}

/// The names right of the lines, each beside a sample of its line, in the order of the
/// lines at their ends or, if they all end together, where they are furthest apart.
fn draw_names(
    picture: &mut Picture,
    named: &[(usize, &Line)],
    x_axis: &Axis,
    percent: bool,
    y: Scale,
) {
    let (place, together) = widest_place(named, x_axis, y);
    let mut labels: Vec<(f64, usize, Vec<String>)> = named
        .iter()
        .filter(|(_, line)| !line.points.is_empty())
        .map(|(style, line)| {
            let letters = ((WIDTH - LABEL) / LETTER) as usize;
            let height = value_at(line, place).map_or(BOTTOM, |value| y.at(value));
            (height, *style, wrap(&line.name, letters, 3))
        })
        .collect();
    labels.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut top = TOP - 4.0;
    if together {
        let place = if percent {
            in_percent(place, 0)
        } else {
            significant(place, 3)
        };
        let note = format!("in order at {place}");
        picture.text("note", (SAMPLE, TOP + 6.0), Anchor::Start, &note);
        top += 24.0;
    }
    let wanted: Vec<(f64, f64)> = labels
        .iter()
        .map(|(height, _, rows)| (*height, rows.len() as f64 * ROW + 6.0))
        .collect();
    for ((height, style, rows), at) in labels.iter().zip(apart(&wanted, top, HEIGHT - 2.0)) {
        if !together {
            picture.line("leader", (RIGHT + 2.0, *height), (SAMPLE - 4.0, at));
        }
        let end = LABEL - 6.0;
        picture.path(&format!("line k{style}"), &[(SAMPLE, at), (end, at)]);
        if *style != REFERENCE {
            picture.mark(*style, ((SAMPLE + end) / 2.0, at));
        }
        let first = at + 4.0 - (rows.len() as f64 - 1.0) * ROW / 2.0;
        let class = if *style == 0 { "label strong" } else { "label" };
        for (index, row) in rows.iter().enumerate() {
            let below = first + index as f64 * ROW;
            picture.text(class, (LABEL, below), Anchor::Start, row);
        }
    }
}

/// Where the named lines are furthest apart, if at their ends they are not a seventh as
/// far (then the second is `true`); else their end.
fn widest_place(named: &[(usize, &Line)], x_axis: &Axis, y: Scale) -> (f64, bool) {
    let spread = |place: f64| {
        let heights = named
            .iter()
            .filter_map(|(_, line)| value_at(line, place))
            .map(|value| y.at(value));
        let (low, high) = extent(heights);
        high - low
    };
    let (first, end) = x_axis.ends;
    let at_end = spread(end);
    let mut widest = (end, at_end);
    for step in 1..20 {
        let place = first + (end - first) * f64::from(step) / 20.0;
        let here = spread(place);
        if here > widest.1 {
            widest = (place, here);
        }
    }
    if named.len() > 1 && at_end < widest.1 / 7.0 {
        (widest.0, true)
    } else {
        (end, false)
    }
}

/// The line's value at a place, between its points on a straight line; beyond its last
/// point that of the last.
fn value_at(line: &Line, place: f64) -> Option<f64> {
    let mut before: Option<(f64, f64)> = None;
    for point in line.points.iter().filter(|point| is_number(point)) {
        if point.0 >= place {
            return Some(match before {
                Some(last) if point.0 > last.0 => {
                    last.1 + (point.1 - last.1) * (place - last.0) / (point.0 - last.0)
                }
                _ => point.1,
            });
        }
        before = Some(*point);
    }
    before.map(|point| point.1)
}

/// The line on the page, in as many pieces as its points that are no numbers leave.
fn pieces(line: &Line, x: Scale, y: Scale) -> Vec<Vec<(f64, f64)>> {
    line.points
        .split(|point| !is_number(point))
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.iter().map(|(a, b)| (x.at(*a), y.at(*b))).collect())
        .collect()
}

/// Where a line carries its mark: at every point if they are few, else at some, which
/// differ from style to style so that marks do not cover each other.
fn marked(line: &Line, style: usize, x: Scale, y: Scale) -> Vec<(f64, f64)> {
    let count = line.points.len();
    let every = count <= FEW_POINTS;
    let chosen: Vec<usize> = (0..MARKS)
        .map(|index| (count * (index * STYLES + style + 1)) / (MARKS * STYLES + 1))
        .collect();
    line.points
        .iter()
        .enumerate()
        .filter(|(index, point)| is_number(point) && (every || chosen.contains(index)))
        .map(|(_, (a, b))| (x.at(*a), y.at(*b)))
        .collect()
}

fn is_number(point: &(f64, f64)) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

fn tick_texts(axis: &Axis, percent: bool) -> Vec<String> {
    let decimals = axis.decimals;
    let write = |tick: &f64| {
        if percent {
            in_percent(*tick, decimals.saturating_sub(2))
        } else {
            fixed(*tick, decimals)
        }
    };
    axis.ticks.iter().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        Name {
            id: "c".into(),
            title: "t".into(),
            description: "d".into(),
        }
    }

    fn line(name: &str, style: Option<usize>, points: &[(f64, f64)]) -> Line {
        Line {
            name: name.into(),
            style,
            points: points.into(),
        }
    }

    fn chart(lines: Vec<Line>) -> LineChart {
        LineChart {
            x: "epoch".into(),
            y: "share".into(),
            percent: (false, true),
            lines,
        }
    }

    #[test]
    fn plimsoll_is_drawn_last_and_named() {
        let drawn = lines(
            &name(),
            &chart(vec![
                line("Plimsoll", Some(0), &[(0.0, 0.0), (1.0, 0.5)]),
                line("Other", Some(1), &[(0.0, 0.0), (1.0, 1.0)]),
                line("Grey", None, &[(0.0, 0.2), (1.0, 0.2)]),
            ]),
        );
        let place = |text: &str| drawn.find(text).expect(text);
        assert!(place("line other") < place("line k1"));
        assert!(place("line k1") < place("line k0"));
        assert!(drawn.contains(">Plimsoll</text>") && drawn.contains(">Other</text>"));
        assert!(!drawn.contains("Grey"));
        assert!(drawn.contains(">100%</text>"));
    }

    #[test]
    fn a_name_is_escaped() {
        let drawn = lines(
            &name(),
            &chart(vec![line(r#"<b>&""#, Some(0), &[(0.0, 0.0), (1.0, 1.0)])]),
        );
        assert!(drawn.contains("&lt;b&gt;&amp;&quot;</text>"));
        assert!(!drawn.contains("<b>"));
    }

    #[test]
    fn lines_that_end_together_are_named_where_they_are_apart() {
        let equal = line("Equal", Some(1), &[(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]);
        let bent = line("Bent", Some(0), &[(0.0, 0.0), (0.5, 0.1), (1.0, 1.0)]);
        let both = [(1, &equal), (0, &bent)];
        let axis = Axis::tight((0.0, 1.0), 8);
        let y = Scale::new((0.0, 1.0), (BOTTOM, TOP));
        assert_eq!(widest_place(&both, &axis, y), (0.5, true));
        let drawn = lines(&name(), &chart(vec![equal, bent]));
        assert!(drawn.find(">Equal<") < drawn.find(">Bent<"));
        assert!(drawn.contains("in order at 0.5"), "{drawn}");
    }

    #[test]
    fn what_is_no_number_leaves_a_gap() {
        let broken = line("a", Some(0), &[(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0)]);
        let scale = Scale::new((0.0, 2.0), (0.0, 2.0));
        assert_eq!(pieces(&broken, scale, scale).len(), 2);
        let drawn = lines(&name(), &chart(vec![broken]));
        assert!(!drawn.contains("NaN"));
    }

    #[test]
    fn a_chart_without_lines_is_drawn() {
        let drawn = lines(&name(), &chart(Vec::new()));
        assert!(drawn.contains("axis") && !drawn.contains("NaN"));
    }

    #[test]
    fn between_points_a_line_is_straight() {
        let straight = line("a", None, &[(0.0, 0.0), (2.0, 4.0)]);
        assert_eq!(value_at(&straight, 0.5), Some(1.0));
        assert_eq!(value_at(&straight, 9.0), Some(4.0));
        assert_eq!(value_at(&line("b", None, &[]), 0.5), None);
    }
}
