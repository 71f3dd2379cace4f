//! An open operator splits what it has over identities.

use super::{at, Attack, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, income, permille};
use plimsoll_mechanism::record::Part;

/// The most identities beside the first.
const MOST: u64 = 5;

/// Fragment work, bulk work, fees and bond, each cut anew for each identity, so that
/// identities are mismatched too. With a unit of work each they are ghosts.
pub struct Splitting;

impl Splitting {
    /// What is cut off for identity `k`, of each figure: a share, or so many units.
    fn cut(figure: &mut u128, dial: u64) -> u128 {
        let piece = match dial {
            0..=1_000 => permille(*figure, dial),
            units => u128::from(units - 1_000).min(*figure),
        };
        *figure -= piece;
        piece
    }
}

impl Attack for Splitting {
    fn name(&self) -> &'static str {
        "splitting_open"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G9",
            within: 0,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        let who = population.places(|member| !member.vetted).len() as u64;
        if who == 0 {
            return Vec::new();
        }
        let mut dials = vec![who, MOST];
        dials.extend(std::iter::repeat_n(1_011, 4 * at(MOST)));
        dials
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|member| !member.vetted)[at(dials[0])];
        let mut parts = population.parts();
        let honest = divide(&population.params, population.reserve, &parts);
        let others = parts.len();
        for k in 0..=at(dials[1]) {
            let dials = &dials[2 + 4 * k..];
            let left = &mut parts[who];
            let mut piece = Part { ..*left };
            piece.work.fragment = Self::cut(&mut left.work.fragment, dials[0]);
            piece.work.bulk = Self::cut(&mut left.work.bulk, dials[1]);
            piece.fees = Self::cut(&mut left.fees, dials[2]);
            piece.bond = Self::cut(&mut left.bond, dials[3]);
            parts.push(piece);
        }
        let split = divide(&population.params, population.reserve, &parts);
        Play::new(
            income(&honest, [who]),
            income(&split, (others..parts.len()).chain([who])),
        )
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|member| !member.vetted)[at(dials[0])];
        format!("open operator {who} becomes {} identities", dials[1] + 2)
    }
}
