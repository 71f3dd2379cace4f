//! A tornado: bars from zero, the longest on top.

use super::{extent, wrap, Anchor, Name, Picture, Scale, LETTER};
use crate::report::numbers::Format;

const WIDTH: f64 = 760.0;
const LABELS: f64 = 230.0;
const VALUES: f64 = 96.0;
const ROW: f64 = 24.0;
const BAR: f64 = 14.0;

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Swing {
    /// What was changed.
    pub name: String,
    /// How far the outcome moves.
    pub value: f64,
    /// Whether that changes the winner: such a bar is dark and says so.
    pub flips: bool,
}

/// Draws the bars in the order given, each with its value, in the metric's `unit`.
#[must_use]
pub fn tornado(name: &Name, swings: &[Swing], unit: &str) -> String {
    let rows = swings.len() as f64;
    let bottom = rows * ROW + 4.0;
    let mut picture = Picture::new(WIDTH, bottom + 24.0);
    let values = swings.iter().map(|swing| swing.value).chain([0.0]);
    let ends = extent(values);
    let format = Format::fitting("", swings.iter().map(|swing| swing.value));
    let room = (LABELS + VALUES, WIDTH - VALUES);
    let x = Scale::new(ends, room);
    // All bars of no length stand at the left.
    let zero = if ends.0 == ends.1 { room.0 } else { x.at(0.0) };
    for (index, swing) in swings.iter().enumerate() {
        let middle = index as f64 * ROW + ROW / 2.0 + 2.0;
        let letters = (LABELS / LETTER) as usize;
        let label = wrap(&swing.name, letters, 1).concat();
        picture.text("label", (LABELS, middle + 4.0), Anchor::End, &label);
        if !swing.value.is_finite() {
            picture.text("tick", (zero + 5.0, middle + 4.0), Anchor::Start, "none");
            continue;
        }
        let end = if ends.0 == ends.1 {
            zero
        } else {
            x.at(swing.value)
        };
        let class = if swing.flips { "bar flips" } else { "bar" };
        let at = (zero.min(end), middle - BAR / 2.0);
        picture.rect(class, at, ((end - zero).abs(), BAR));
        let mut text = format.write(swing.value);
        if swing.flips {
            text.push_str(" flips");
        }
        if swing.value < 0.0 {
            picture.text("tick", (end - 5.0, middle + 4.0), Anchor::End, &text);
        } else {
            picture.text("tick", (end + 5.0, middle + 4.0), Anchor::Start, &text);
        }
    }
    picture.line("axis", (zero, 0.0), (zero, bottom));
    let letters = ((WIDTH - LABELS) / LETTER) as usize;
    let unit = wrap(unit, letters, 1).concat();
    let middle = ((room.0 + room.1) / 2.0, bottom + 17.0);
    picture.text("axis-title", middle, Anchor::Middle, &unit);
    picture.finish(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swing(name: &str, value: f64, flips: bool) -> Swing {
        Swing {
            name: name.into(),
            value,
            flips,
        }
    }

    fn draw(swings: &[Swing]) -> String {
        let name = Name {
            id: "c".into(),
            title: "t".into(),
            description: "d".into(),
        };
        tornado(&name, swings, "EUR")
    }

    #[test]
    fn the_longest_bar_fills_the_room_and_a_flip_is_said() {
        let drawn = draw(&[swing("price", 4.0, true), swing("<power>", 1.0, false)]);
        assert!(
            drawn.contains(r#"class="bar flips" x="326" y="7" width="338""#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"width="84.5""#), "{drawn}");
        assert!(drawn.contains(">4.00 flips</text>") && drawn.contains(">1.00</text>"));
        assert!(drawn.contains("&lt;power&gt;"));
    }

    #[test]
    fn bars_go_both_ways_from_zero_and_may_all_be_none() {
        let drawn = draw(&[swing("a", -1.0, false), swing("b", 1.0, false)]);
        assert!(drawn.contains(r#"width="169""#), "{drawn}");
        assert!(drawn.contains(">−1.00</text>"));
        let drawn = draw(&[swing("a", 0.0, false), swing("b", f64::NAN, false)]);
        assert!(!drawn.contains("NaN"), "{drawn}");
    }
}
