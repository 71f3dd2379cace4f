//! Uphill from several starts, one dial at a time.

use super::stage::{Outcome, Stage};
use super::strategy::{Dial, Dials, DIALS};
use super::DUST;
use crate::random::Rng;
use rand::Rng as _;
use std::collections::BTreeMap;

/// The best that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The settings of all dials.
    pub dials: Dials,
    /// What they brought.
    pub outcome: Outcome,
    /// Strategies tried.
    pub tried: u64,
}

/// From how many of the starts it climbs: the highest.
const FROM_STARTS: usize = 4;

/// What a strategy may lose of its gain, as a share of it, to become a simpler one.
const SIMPLER: f64 = 1e-3;

/// Looks for the strategy that gains most, with at most so many `evaluations`, by turning
/// the dials `free`: from honesty, from the best of `starts`, and then from random
/// settings.
///
/// What does not help is turned back at the end, so that a strategy names only what
/// matters and no more of it than matters; that takes a few evaluations more.
pub fn climb(
    stage: &mut Stage<'_>,
    free: &[Dial],
    starts: &[Dials],
    evaluations: u64,
    dice: &mut Rng,
) -> Found {
    let mut search = Search {
        stage,
        free,
        seen: BTreeMap::new(),
        left: evaluations,
        best: Found {
            dials: [0; DIALS],
            outcome: Outcome::default(),
            tried: 0,
        },
    };
    search.rise([0; DIALS]);
    let mut heights = Vec::new();
    for start in starts {
        if let Some(gain) = search.gain(start) {
            heights.push((gain, *start));
        }
    }
    heights.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    for (_, start) in heights.into_iter().take(FROM_STARTS) {
        search.rise(start);
    }
    // A small space is used up before the evaluations are.
    let mut idle = 0;
    while search.left > 0 && idle < 20 {
        let before = search.left;
        let start = search.anywhere(dice);
        search.rise(start);
        idle = if search.left == before { idle + 1 } else { 0 };
    }
    search.turn_back();
    let tried = search.seen.len() as u64;
    Found {
        tried,
        ..search.best
    }
}

struct Search<'s, 'a> {
    stage: &'s mut Stage<'a>,
    free: &'s [Dial],
    /// Gain of all that was tried.
    seen: BTreeMap<Dials, f64>,
    left: u64,
    best: Found,
}

impl Search<'_, '_> {
    /// What a setting gains; none if it may not be tried any more.
    fn gain(&mut self, dials: &Dials) -> Option<f64> {
        if let Some(gain) = self.seen.get(dials) {
            return Some(*gain);
        }
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        Some(self.evaluate(dials))
    }

    fn evaluate(&mut self, dials: &Dials) -> f64 {
        let strategy = self.stage.space().strategy(dials);
        let outcome = self.stage.play(&strategy);
        let gain = outcome.gain();
        self.seen.insert(*dials, gain);
        if self.seen.len() == 1 || gain > self.best.outcome.gain() {
            self.best.dials = *dials;
            self.best.outcome = outcome;
        }
        gain
    }

    /// Climbs from `dials`: each dial by its step up or down, and to its ends; when none
    /// helps any more, by half of the step.
    fn rise(&mut self, mut dials: Dials) {
        let Some(mut height) = self.gain(&dials) else {
            return;
        };
        let mut step = self
            .free
            .iter()
            .map(|dial| self.stage.space().end(*dial) / 4)
            .max()
            .unwrap_or(0);
        while step > 0 {
            let mut better = false;
            for dial in self.free {
                let end = self.stage.space().end(*dial);
                let place = *dial as usize;
                let own = step.min(end / 4).max(1);
                let here = dials[place];
                for next in [
                    here.saturating_add(own).min(end - 1),
                    here.saturating_sub(own),
                    end - 1,
                    0,
                ] {
                    if next == dials[place] {
                        continue;
                    }
                    let mut moved = dials;
                    moved[place] = next;
                    let Some(gain) = self.gain(&moved) else {
                        return;
                    };
                    if gain > height {
                        (dials, height, better) = (moved, gain, true);
                    }
                }
            }
            if !better {
                step /= 2;
            }
        }
    }

    /// Every free dial at honesty or anywhere.
    fn anywhere(&self, dice: &mut Rng) -> Dials {
        let mut dials = [0; DIALS];
        for dial in self.free {
            if dice.random_bool(0.6) {
                dials[*dial as usize] = dice.random_range(0..self.stage.space().end(*dial));
            }
        }
        dials
    }

    /// Turns every dial back toward honesty as far as the gain does not need it.
    fn turn_back(&mut self) {
        let gain = self.best.outcome.gain();
        if gain <= DUST {
            return;
        }
        let enough = gain - (gain * SIMPLER).max(DUST);
        // What is even follows the number of identities; said as a share it does not.
        for share in [Dial::Work, Dial::Stake] {
            if self.free.contains(&share) && self.best.dials[share as usize] == 0 {
                let strategy = self.stage.space().strategy(&self.best.dials);
                self.suffices(share as usize, strategy.even_share(), enough);
            }
        }
        for dial in self.free {
            let place = *dial as usize;
            if self.best.dials[place] == 0 || self.suffices(place, 0, enough) {
                continue;
            }
            // Where more gains more, this is the least that suffices.
            let mut too_little = 0;
            while self.best.dials[place] - too_little > 1 {
                let middle = too_little + (self.best.dials[place] - too_little) / 2;
                if !self.suffices(place, middle, enough) {
                    too_little = middle;
                }
            }
        }
    }

    /// Takes the best with the dial at `place` at `setting`, if that gains `enough`.
    fn suffices(&mut self, place: usize, setting: u32, enough: f64) -> bool {
        let mut dials = self.best.dials;
        dials[place] = setting;
        let strategy = self.stage.space().strategy(&dials);
        let outcome = self.stage.play(&strategy);
        self.seen.insert(dials, outcome.gain());
        let suffices = outcome.gain() >= enough;
        if suffices {
            self.best.dials = dials;
            self.best.outcome = outcome;
        }
        suffices
    }
}
