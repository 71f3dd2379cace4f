//! Charts as inline SVG: axes, lines, bars and tiles, written by hand, so that they need
//! no script, take the page's colours in light and dark, and are read aloud by their
//! title and description.
//!
//! Nothing is told by colour alone: lines differ in dashes and marks and carry their
//! names, tiles and bars carry their numbers. Colours and dashes are in the page's style
//! sheet, under the classes `k0` (Plimsoll) to `k6`, `k7` (a reference), `other`, and `q0` to `q5`.

mod bars;
mod intervals;
mod lines;
mod scale;
mod tiles;
mod tornado;

pub use bars::{bars, Bar};
pub use intervals::{intervals, Span};
pub use lines::{lines, Line, LineChart, REFERENCE, STYLES};
pub use scale::{extent, Axis, Scale};
pub use tiles::{tiles, Tiles};
pub use tornado::{tornado, Swing};

use std::fmt::Write;

/// Width of a letter of the charts' text, in pixels: of a wide font, so that what is
/// laid out by it fits in any.
const LETTER: f64 = 7.2;

/// What a chart is called and what it shows, for those who do not see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Unique in the page: a letter, then letters, digits and hyphens.
    pub id: String,
    /// Title.
    pub title: String,
    /// What there is to see.
    pub description: String,
}

/// Text for the inside of an element or an attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}

/// Breaks a text into at most `rows` rows of at most `letters` letters, at its spaces;
/// what does not fit ends in an ellipsis.
#[must_use]
pub fn wrap(text: &str, letters: usize, rows: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match out.last_mut() {
            Some(row) if row.chars().count() + 1 + word.chars().count() <= letters => {
                row.push(' ');
                row.push_str(word);
            }
            _ => out.push(word.into()),
        }
    }
    let cut = out.len() > rows;
    out.truncate(rows);
    let last = out.len().saturating_sub(1);
    for (index, row) in out.iter_mut().enumerate() {
        let too_long = row.chars().count() > letters;
        if too_long || (cut && index == last) {
            let keep = letters.saturating_sub(1);
            *row = row.chars().take(keep).collect::<String>();
            row.truncate(row.trim_end().len());
            row.push('…');
        }
    }
    out
}

/// Where a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that is being drawn.
struct Picture {
    width: f64,
    height: f64,
    body: String,
}

impl Picture {
    fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        self.body
            .write_fmt(element)
            .expect("a String takes all that is written to it");
    }

    fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.add(format_args!(
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            Px(from.0),
            Px(from.1),
            Px(to.0),
            Px(to.1)
        ));
    }

    fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64)) {
        self.add(format_args!(
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"/>"#,
            Px(at.0),
            Px(at.1),
            Px(size.0),
            Px(size.1)
        ));
    }

    /// A line through points.
    fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        self.add(format_args!(r#"<path class="{class}" d=""#));
        for (index, point) in points.iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            self.add(format_args!("{letter}{} {}", Px(point.0), Px(point.1)));
        }
        self.body.push_str("\"/>");
    }

    fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        self.add(format_args!(
            r#"<text class="{class}" x="{}" y="{}"{anchor}>{}</text>"#,
            Px(at.0),
            Px(at.1),
            escape(text)
        ));
    }

    /// A text that runs upwards, its middle at `at`.
    fn text_upwards(&mut self, class: &str, at: (f64, f64), text: &str) {
        self.add(format_args!(
            r#"<text class="{class}" transform="translate({} {}) rotate(-90)" text-anchor="middle">{}</text>"#,
            Px(at.0),
            Px(at.1),
            escape(text)
        ));
    }

    /// A mark: one of seven shapes, or a plain dot.
    fn mark(&mut self, style: usize, at: (f64, f64)) {
        let (x, y) = at;
        let class = format!("mark k{style}");
        match style {
            0 => self.add(format_args!(
                r#"<circle class="{class}" cx="{}" cy="{}" r="4"/>"#,
                Px(x),
                Px(y)
            )),
            1 => self.rect(&class, (x - 3.4, y - 3.4), (6.8, 6.8)),
            2 => self.shape(
                &class,
                &[(x, y - 4.4), (x + 4.2, y + 3.2), (x - 4.2, y + 3.2)],
            ),
            3 => self.shape(
                &class,
                &[(x, y - 4.8), (x + 4.8, y), (x, y + 4.8), (x - 4.8, y)],
            ),
            4 => {
                self.line(&class, (x - 3.6, y - 3.6), (x + 3.6, y + 3.6));
                self.line(&class, (x - 3.6, y + 3.6), (x + 3.6, y - 3.6));
            }
            5 => self.shape(
                &class,
                &[(x, y + 4.4), (x + 4.2, y - 3.2), (x - 4.2, y - 3.2)],
            ),
            6 => {
                self.line(&class, (x - 4.4, y), (x + 4.4, y));
                self.line(&class, (x, y - 4.4), (x, y + 4.4));
            }
            // A reference: a plain dot.
            _ => self.add(format_args!(
                r#"<circle class="{class}" cx="{}" cy="{}" r="3"/>"#,
                Px(x),
                Px(y)
            )),
        }
    }

    fn shape(&mut self, class: &str, points: &[(f64, f64)]) {
        self.add(format_args!(r#"<path class="{class}" d=""#));
        for (index, point) in points.iter().enumerate() {
            let letter = if index == 0 { 'M' } else { 'L' };
            self.add(format_args!("{letter}{} {}", Px(point.0), Px(point.1)));
        }
        self.body.push_str("Z\"/>");
    }

    /// The finished picture, with its name.
    fn finish(self, name: &Name) -> String {
        let id = escape(&name.id);
        format!(
            r#"<svg class="chart" role="img" viewBox="0 0 {w} {h}" width="{w}" height="{h}" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>{}</svg>"#,
            escape(&name.title),
            escape(&name.description),
            self.body,
            w = Px(self.width),
            h = Px(self.height),
        )
    }
}

/// A length in pixels, to a tenth.
struct Px(f64);

impl std::fmt::Display for Px {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0 + 0.0;
        write!(out, "{tenths}")
    }
}

/// Moves labels apart: `wanted` are the middles where labels of these heights would
/// stand, from above to below; what comes back is where they stand without touching, in
/// the same order and between `top` and `bottom` as far as they fit.
fn apart(wanted: &[(f64, f64)], top: f64, bottom: f64) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::with_capacity(wanted.len());
    let mut free = top;
    for (middle, height) in wanted {
        let place = middle.max(free + height / 2.0);
        free = place + height / 2.0;
        places.push(place);
    }
    let mut free = bottom;
    for (place, (_, height)) in places.iter_mut().zip(wanted).rev() {
        *place = place.min(free - height / 2.0);
        free = *place - height / 2.0;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_is_only_text() {
        assert_eq!(escape(r#"<b>&"'"#), "&lt;b&gt;&amp;&quot;&#39;");
        let mut picture = Picture::new(10.0, 10.0);
        picture.text("x", (0.0, 0.0), Anchor::Start, r#"<b>&""#);
        picture.text_upwards("x", (0.0, 0.0), "<i>");
        let svg = picture.finish(&Name {
            id: "a".into(),
            title: "<b>".into(),
            description: "</desc><script>".into(),
        });
        assert!(!svg.contains("<b>") && !svg.contains("<i>") && !svg.contains("<script>"));
        assert!(svg.contains("&lt;b&gt;&amp;&quot;</text>"));
    }

    #[test]
    fn a_picture_says_what_it_is() {
        let svg = Picture::new(10.0, 20.5).finish(&Name {
            id: "lorenz".into(),
            title: "Lorenz curve".into(),
            description: "Seven lines.".into(),
        });
        assert!(svg.contains(r#"role="img" viewBox="0 0 10 20.5""#), "{svg}");
        assert!(svg.contains(r#"aria-labelledby="lorenz-title lorenz-desc""#));
        assert!(svg.contains(r#"<title id="lorenz-title">Lorenz curve</title>"#));
        assert!(svg.contains(r#"<desc id="lorenz-desc">Seven lines.</desc>"#));
    }

    #[test]
    fn a_text_breaks_at_its_spaces() {
        assert_eq!(wrap("Pro rata by work", 8, 2), ["Pro rata", "by work"]);
        assert_eq!(wrap("one two three", 7, 1), ["one tw…"]);
        assert_eq!(wrap("incomprehensible", 6, 2), ["incom…"]);
        assert!(wrap("", 6, 2).is_empty());
    }

    #[test]
    fn labels_keep_their_order_and_do_not_touch() {
        let places = apart(&[(10.0, 10.0), (11.0, 10.0), (99.0, 10.0)], 0.0, 100.0);
        assert_eq!(places, [10.0, 20.0, 95.0]);
        let places = apart(&[(98.0, 10.0), (98.0, 10.0)], 0.0, 100.0);
        assert_eq!(places, [85.0, 95.0]);
    }

    #[test]
    fn lengths_have_one_decimal_and_no_minus_zero() {
        assert_eq!(Px(1.26).to_string(), "1.3");
        assert_eq!(Px(-0.01).to_string(), "0");
        assert_eq!(Px(12.0).to_string(), "12");
    }
}
