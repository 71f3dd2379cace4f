//! Means with their intervals, one below the other on one axis.

use super::{extent, wrap, Anchor, Axis, Name, Picture, Scale, LETTER};
use crate::findings::Interval;
use crate::report::numbers::{fixed, percent as in_percent};

const WIDTH: f64 = 760.0;
const LABELS: f64 = 250.0;
const RIGHT: f64 = WIDTH - 24.0;
const ROW: f64 = 22.0;

/// A mean with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Whose it is.
    pub name: String,
    /// Whether it is Plimsoll's.
    pub strong: bool,
    /// The values.
    pub value: Interval,
}

/// Draws a dot for each mean and a bar for its interval. `percent` names shares in
/// percent.
#[must_use]
pub fn intervals(name: &Name, spans: &[Span], title: &str, percent: bool) -> String {
    let values = spans
        .iter()
        .flat_map(|span| [span.value.low, span.value.mean, span.value.high])
        .chain([0.0]);
    let axis = Axis::round(extent(values), 6);
    let x = Scale::new(axis.ends, (LABELS + 14.0, RIGHT));
    let bottom = spans.len() as f64 * ROW + 6.0;
    let mut picture = Picture::new(WIDTH, bottom + 46.0);
    for tick in &axis.ticks {
        let at = x.at(*tick);
        let class = if *tick == 0.0 { "axis" } else { "grid" };
        picture.line(class, (at, 0.0), (at, bottom));
        let text = if percent {
            in_percent(*tick, axis.decimals.saturating_sub(2))
        } else {
            fixed(*tick, axis.decimals)
        };
        picture.text("tick", (at, bottom + 16.0), Anchor::Middle, &text);
    }
    for (index, span) in spans.iter().enumerate() {
        let y = index as f64 * ROW + ROW / 2.0 + 3.0;
        let letters = (LABELS / LETTER) as usize;
        let label = wrap(&span.name, letters, 1).concat();
        let (text, class, style) = if span.strong {
            ("label strong", "span k0", 0)
        } else {
            ("label", "span k7", 7)
        };
        picture.text(text, (LABELS, y + 4.0), Anchor::End, &label);
        let Interval { mean, low, high } = span.value;
        if !(mean.is_finite() && low.is_finite() && high.is_finite()) {
            picture.text("tick", (LABELS + 20.0, y + 4.0), Anchor::Start, "none");
            continue;
        }
        picture.line(class, (x.at(low), y), (x.at(high), y));
        for end in [low, high] {
            picture.line(class, (x.at(end), y - 4.0), (x.at(end), y + 4.0));
        }
        picture.mark(style, (x.at(mean), y));
    }
    let middle = (LABELS + 14.0 + RIGHT) / 2.0;
    let letters = ((RIGHT - LABELS) / LETTER) as usize;
    let title = wrap(title, letters, 1).concat();
    picture.text(
        "axis-title",
        (middle, bottom + 38.0),
        Anchor::Middle,
        &title,
    );
    picture.finish(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_stands_between_the_ends_of_its_interval() {
        let spans = [
            Span {
                name: "Plimsoll".into(),
                strong: true,
                value: Interval {
                    mean: 0.5,
                    low: 0.25,
                    high: 1.0,
                },
            },
            Span {
                name: "<none>".into(),
                strong: false,
                value: Interval {
                    mean: f64::NAN,
                    low: f64::NAN,
                    high: f64::NAN,
                },
            },
        ];
        let name = Name {
            id: "c".into(),
            title: "t".into(),
            description: "d".into(),
        };
        let drawn = intervals(&name, &spans, "a year", true);
        // The axis is from 0 at 264 to 1 at 736.
        assert!(
            drawn.contains(r#"x1="382" y1="14" x2="736" y2="14""#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"cx="500""#), "{drawn}");
        assert!(drawn.contains("&lt;none&gt;") && drawn.contains(">none</text>"));
        assert!(drawn.contains(">100%</text>") && !drawn.contains("NaN"));
    }
}
