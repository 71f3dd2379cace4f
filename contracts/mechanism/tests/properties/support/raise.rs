//! Epochs divided step by step, as the contract does it.

use super::draw::{self, Epoch};
use num_bigint::BigUint;
use plimsoll_mechanism::level::Level;
use plimsoll_mechanism::record::{Part, Record};
use plimsoll_mechanism::reward::Reward;
use proptest::prelude::*;

/// The epoch settled and nobody raised.
pub fn settled(epoch: &Epoch) -> Record {
    let mut record = Record::new(epoch.params, epoch.reserve, 1);
    for part in &epoch.parts {
        let total = if part.vetted {
            &mut record.vetted
        } else {
            &mut record.open
        };
        *total = total
            .checked_add(&part.work)
            .expect("drawn so that the sum fits");
    }
    record.settle(record.budget(0), 0);
    record
}

/// Whether level `a` is at or above level `b`, where a denominator of 0 is above all.
pub fn at_or_above(a: Level, b: Level) -> bool {
    if a.denominator == 0 {
        return true;
    }
    b.denominator != 0
        && BigUint::from(a.numerator) * b.denominator >= BigUint::from(b.numerator) * a.denominator
}

/// Somebody to raise: a part by its position, or the open pool.
pub type Who = Option<usize>;

/// Raises in the order that `seed` gives, again and again until nobody is eligible
/// (or, with `passes`, at most so often), and calls `after` after each success.
pub fn raise_in_order(
    record: &mut Record,
    parts: &mut [Part],
    seed: u64,
    passes: usize,
    mut after: impl FnMut(&Record, &[Part], Who) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    for pass in 0..passes {
        let mut raised_any = false;
        for k in draw::order(seed ^ pass as u64, parts.len() + 1) {
            let who = (k < parts.len()).then_some(k);
            let raised = match who {
                Some(k) if !parts[k].vetted || parts[k].raised => false,
                Some(k) => {
                    parts[k].raised = record.raise(parts[k].work);
                    parts[k].raised
                }
                None => record.raise_open(),
            };
            if raised {
                after(record, parts, who)?;
                raised_any = true;
            }
        }
        if !raised_any {
            break;
        }
    }
    Ok(())
}

/// An epoch closed at a level that lazy keepers left: everybody but those whom
/// `seed` passes over was raised once, if eligible then.
pub struct Lazy {
    /// The closed epoch.
    pub record: Record,
    /// Everybody's reward.
    pub rewards: Vec<Reward>,
}

impl Lazy {
    /// Divides `epoch` so.
    pub fn divide(epoch: &Epoch, seed: u64) -> Self {
        let mut record = settled(epoch);
        let mut parts = epoch.parts.clone();
        for k in draw::order(seed, parts.len() + 1) {
            if draw::scramble(!seed, k).is_multiple_of(1 + seed % 4) {
                continue;
            }
            match parts.get_mut(k) {
                Some(part) if part.vetted => part.raised = record.raise(part.work),
                Some(_) => {}
                None => drop(record.raise_open()),
            }
        }
        record.close();
        Self {
            rewards: parts.iter().map(|part| record.reward(part)).collect(),
            record,
        }
    }

    /// The budget, in base units.
    pub fn budget(&self) -> u128 {
        self.record.settlement.map_or(0, |s| s.budget)
    }
}
