//! The level window in the hands of one: it raises whom it likes, and nobody corrects it.

use super::{at, Attack, Dice, Play, Promise};
use crate::populations::Population;
use crate::world::{divide, ensure};
use plimsoll_mechanism::record::{Part, Record};

/// Lazy raising, hostile raising, and raising oneself first.
pub struct Raising;

/// The epoch settled, and nobody raised.
fn settled(population: &Population, parts: &[Part]) -> Record {
    let mut record = Record::new(population.params, population.reserve, 1);
    for part in parts {
        let total = if part.vetted {
            &mut record.vetted
        } else {
            &mut record.open
        };
        *total = total
            .checked_add(&part.work)
            .expect("work of a population is small");
    }
    record.settle(record.budget(0), 0);
    record
}

impl Attack for Raising {
    fn name(&self) -> &'static str {
        "raising"
    }

    fn promise(&self) -> Promise {
        Promise::Excluded {
            by: "G13",
            within: 1,
        }
    }

    fn dials(&self, population: &Population) -> Vec<u64> {
        // Who; the order; how many in ten are passed over, and whether itself and the pool
        // are; how often it goes through the list.
        vec![
            population.places(|_| true).len() as u64,
            1 << 32,
            11,
            2,
            2,
            3,
        ]
    }

    fn play(&self, population: &Population, dials: &[u64]) -> Play {
        let who = population.places(|_| true)[at(dials[0])];
        let mut parts = population.parts();
        let full = divide(&population.params, population.reserve, &parts);
        let mut record = settled(population, &parts);
        let initial: Vec<u128> = parts
            .iter()
            .map(|part| record.reward(part).amount)
            .collect();

        let mut dice = Dice::new(dials[1]);
        // The place after the last one is the open pool.
        let mut order: Vec<usize> = (0..=parts.len()).collect();
        dice.shuffle(&mut order);
        let passed_over: Vec<bool> = (0..=parts.len())
            .map(|k| {
                let by_chance = dice.below(10) < dials[2];
                if k == who {
                    dials[3] == 1
                } else if k == parts.len() {
                    dials[4] == 1
                } else {
                    by_chance
                }
            })
            .collect();
        for _ in 0..=dials[5] {
            for k in order.iter().copied().filter(|k| !passed_over[*k]) {
                match parts.get_mut(k) {
                    Some(part) if part.vetted && !part.raised => {
                        part.raised = record.raise(part.work);
                    }
                    Some(_) => {}
                    None => drop(record.raise_open()),
                }
            }
        }
        let reward = |record: &Record, part: &Part| record.reward(part).amount;
        let bounds = parts.iter().enumerate().try_for_each(|(k, part)| {
            let left = reward(&record, part);
            // An open one's share of the pool is rounded once more than the pool.
            let unit = if part.vetted { 1 } else { 2 };
            ensure(left + unit >= initial[k], || {
                format!("G13: {k} had {}, and now {left}", initial[k])
            })?;
            ensure(left <= full.rewards[k].amount + 1, || {
                format!("G13: {k} has {left}, above the full level")
            })
        });
        let deviating = reward(&record, &parts[who]);
        // Whoever comes after can still bring the full level about.
        plimsoll_mechanism::allocate::raise_all(&mut record, &mut parts);
        let same = record.settlement.map(|s| s.level) == full.record.settlement.map(|s| s.level);
        let bounds = bounds
            .and_then(|()| ensure(same, || "G13: the full level is out of reach".to_string()));
        Play::bounded(full.rewards[who].amount, deviating, bounds)
    }

    fn words(&self, population: &Population, dials: &[u64]) -> String {
        let who = population.places(|_| true)[at(dials[0])];
        format!(
            "a keeper for operator {who} passes over {} in ten, itself: {}, the open pool: {}",
            dials[2],
            dials[3] == 1,
            dials[4] == 1
        )
    }
}
