//! Random starts, and from each uphill.

use super::{Attack, Dice, Play};
use crate::populations::Population;

/// The best that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many settings were tried.
    pub evaluations: u64,
    /// The settings.
    pub dials: Vec<u64>,
    /// What they brought.
    pub play: Play,
}

/// Looks for a profit in `population`, with so many `evaluations`; `None` if the attack is
/// impossible there. It stops at once where a bound does not hold.
pub fn search(
    attack: &dyn Attack,
    population: &Population,
    evaluations: u64,
    seed: u64,
) -> Option<Found> {
    let ranges = attack.dials(population);
    if ranges.is_empty() {
        return None;
    }
    let name = attack.name().bytes().chain(population.name.bytes());
    let mut dice = Dice::new(name.fold(seed, |seed, byte| {
        seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte)
    }));
    let mut best: Option<Found> = None;
    let mut spent = 0;
    // From a start that brings nothing it gives up sooner than from one that does.
    let patience = 20 + 10 * ranges.len();
    while spent < evaluations {
        let mut dials: Vec<u64> = ranges.iter().map(|end| anywhere(&mut dice, *end)).collect();
        let mut height = None;
        let mut idle = 0;
        let mut next = dials.clone();
        while spent < evaluations && idle < patience {
            let play = attack.play(population, &next);
            spent += 1;
            let gain = play.gain();
            let broken = play.bounds.is_err();
            if broken || best.as_ref().is_none_or(|best| gain > best.play.gain()) {
                best = Some(Found {
                    evaluations: spent,
                    dials: next.clone(),
                    play,
                });
            }
            if broken {
                return best;
            }
            if height.is_none_or(|height| gain >= height) {
                // A plateau is crossed, but not for ever.
                idle = if height == Some(gain) { idle + 1 } else { 0 };
                height = Some(gain);
                dials = next;
            } else {
                idle += 1;
            }
            next = step(&dials, &ranges, &mut dice);
        }
    }
    best.map(|found| Found {
        evaluations: spent,
        ..found
    })
}

/// A setting: one of the ends, or any.
fn anywhere(dice: &mut Dice, end: u64) -> u64 {
    match dice.below(5) {
        0 => 0,
        1 => end - 1,
        _ => dice.below(end),
    }
}

/// One or two dials moved, by any power of two or to anywhere.
fn step(dials: &[u64], ranges: &[u64], dice: &mut Dice) -> Vec<u64> {
    let mut next = dials.to_vec();
    for _ in 0..=dice.below(2) {
        let k = super::at(dice.below(ranges.len() as u64));
        let end = ranges[k];
        let by = 1 << dice.below(u64::from(64 - end.leading_zeros()).max(1));
        next[k] = match dice.below(5) {
            0 => anywhere(dice, end),
            1 | 2 => (next[k] + by).min(end - 1),
            _ => next[k].saturating_sub(by),
        };
    }
    next
}
