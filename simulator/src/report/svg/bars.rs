//! On how many metrics a design is better, undecided and worse: a bar in three parts.

use super::{wrap, Anchor, Name, Picture, LETTER};

const WIDTH: f64 = 760.0;
const LABELS: f64 = 250.0;
const LEFT: f64 = LABELS + 14.0;
const RIGHT: f64 = WIDTH - 4.0;
const TOP: f64 = 8.0;
const ROW: f64 = 26.0;
const BAR: f64 = 20.0;
/// Parts narrower than this carry no word beside their number.
const WORD: f64 = 96.0;

/// A design's counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The design.
    pub name: String,
    /// Metrics on which it is better than Plimsoll, undecided, and worse.
    pub parts: [usize; 3],
}

const PARTS: [(&str, &str, &str); 3] = [
    ("better", "▲", "better"),
    ("undecided", "≈", "undecided"),
    ("worse", "▼", "worse"),
];

/// Draws the bars in the order given.
#[must_use]
pub fn bars(name: &Name, bars: &[Bar]) -> String {
    let most = bars
        .iter()
        .map(|bar| bar.parts.iter().sum::<usize>())
        .max()
        .unwrap_or(0)
        .max(1);
    let mut picture = Picture::new(WIDTH, TOP + bars.len() as f64 * ROW + 4.0);
    for (index, bar) in bars.iter().enumerate() {
        let top = TOP + index as f64 * ROW;
        let base = top + BAR / 2.0 + 4.0;
        let letters = (LABELS / LETTER) as usize;
        let label = wrap(&bar.name, letters, 1).concat();
        picture.text("label", (LABELS, base), Anchor::End, &label);
        let mut x = LEFT;
        for (count, (class, sign, word)) in bar.parts.iter().zip(PARTS) {
            if *count == 0 {
                continue;
            }
            let width = (RIGHT - LEFT) * *count as f64 / most as f64;
            picture.rect(&format!("part {class}"), (x, top), (width - 2.0, BAR));
            let text = if width >= WORD {
                format!("{sign} {count} {word}")
            } else if width >= 4.0 * LETTER {
                format!("{sign} {count}")
            } else {
                count.to_string()
            };
            let middle = (x + width / 2.0 - 1.0, base);
            picture.text(&format!("in-part {class}"), middle, Anchor::Middle, &text);
            x += width;
        }
    }
    picture.finish(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_counts() {
        let name = Name {
            id: "c".into(),
            title: "t".into(),
            description: "d".into(),
        };
        let drawn = bars(
            &name,
            &[
                Bar {
                    name: "<x>".into(),
                    parts: [5, 0, 5],
                },
                Bar {
                    name: "y".into(),
                    parts: [0, 1, 9],
                },
            ],
        );
        assert_eq!(drawn.matches("<rect").count(), 4);
        assert!(
            drawn.contains(r#"class="part better" x="264" y="8" width="244""#),
            "{drawn}"
        );
        assert!(drawn.contains("▼ 9 worse") && drawn.contains("≈ 1"));
        assert!(drawn.contains("&lt;x&gt;"));
    }
}
