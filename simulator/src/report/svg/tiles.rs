//! Tiles that carry a share each: rows by columns.

use super::{wrap, Anchor, Name, Picture, LETTER};
use crate::report::numbers::whole_percent;

const LEAST_WIDTH: f64 = 50.0;
const HEIGHT: f64 = 22.0;
const GAP: f64 = 2.0;
const ROW: f64 = 13.0;

/// A grid of shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiles {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// `shares[row][column]`, 0 to 1; none where there is nobody.
    pub shares: Vec<Vec<Option<f64>>>,
}

/// Draws a grid of tiles, darker the larger the share, with the share in percent in
/// each.
#[must_use]
pub fn tiles(name: &Name, grid: &Tiles) -> String {
    let longest = |names: &[String], most: usize| {
        names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0)
            .min(most)
    };
    let words: Vec<String> = grid
        .columns
        .iter()
        .flat_map(|name| name.split_whitespace().map(str::to_owned))
        .collect();
    let word = longest(&words, 12);
    let width = (word as f64 * LETTER + 4.0).max(LEAST_WIDTH);
    let letters = ((width - 2.0) / LETTER) as usize;
    let heads: Vec<Vec<String>> = grid
        .columns
        .iter()
        .map(|name| wrap(name, letters, 3))
        .collect();
    let head_rows = heads.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let names = longest(&grid.rows, 24);
    let left = names as f64 * LETTER + 8.0;
    let top = head_rows * ROW + 8.0;
    let size = (
        left + grid.columns.len() as f64 * (width + GAP),
        top + grid.rows.len() as f64 * (HEIGHT + GAP),
    );
    let mut picture = Picture::new(size.0, size.1);
    for (column, rows) in heads.iter().enumerate() {
        let middle = left + column as f64 * (width + GAP) + width / 2.0;
        // The last row of every head stands right above the tiles.
        let first = top - 6.0 - (rows.len() as f64 - 1.0) * ROW;
        for (index, row) in rows.iter().enumerate() {
            let below = first + index as f64 * ROW;
            picture.text("tick", (middle, below), Anchor::Middle, row);
        }
    }
    for (row, shares) in grid.shares.iter().enumerate() {
        let y = top + row as f64 * (HEIGHT + GAP);
        let label = grid.rows.get(row).map_or("", String::as_str);
        let label = wrap(label, names, 1).concat();
        let middle = y + HEIGHT / 2.0 + 4.0;
        picture.text("label", (0.0, middle), Anchor::Start, &label);
        for (column, share) in shares.iter().enumerate() {
            let x = left + column as f64 * (width + GAP);
            let share = share.filter(|share| share.is_finite());
            let (class, text) = match share {
                Some(share) => (step(share), whole_percent(share)),
                None => ("none", "–".into()),
            };
            picture.rect(&format!("tile {class}"), (x, y), (width, HEIGHT));
            let middle = (x + width / 2.0, middle);
            picture.text(&format!("in-tile {class}"), middle, Anchor::Middle, &text);
        }
    }
    picture.finish(name)
}

/// One of six steps from light to dark; the first and the last are nobody and everybody.
fn step(share: f64) -> &'static str {
    if share <= 0.0 {
        "q0"
    } else if share < 0.25 {
        "q1"
    } else if share < 0.5 {
        "q2"
    } else if share < 0.75 {
        "q3"
    } else if share < 1.0 {
        "q4"
    } else {
        "q5"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_carries_its_number() {
        let drawn = tiles(
            &Name {
                id: "c".into(),
                title: "t".into(),
                description: "d".into(),
            },
            &Tiles {
                rows: vec!["<DE>".into(), "PL".into()],
                columns: vec!["home card".into(), "data centre".into()],
                shares: vec![vec![Some(0.0), Some(1.0)], vec![None, Some(0.333)]],
            },
        );
        for text in [">0%<", ">100%<", ">–<", ">33%<", "&lt;DE&gt;", ">centre<"] {
            assert!(drawn.contains(text), "{text}: {drawn}");
        }
        assert_eq!(drawn.matches("<rect").count(), 4);
    }

    #[test]
    fn nobody_and_everybody_have_steps_of_their_own() {
        assert_eq!(step(0.0), "q0");
        assert_eq!(step(0.001), "q1");
        assert_eq!(step(0.999), "q4");
        assert_eq!(step(1.0), "q5");
    }
}
