//! A whole epoch at once: settle, raise to the full level, close, reward everybody.
//!
//! It takes the same steps through the same [`Record`] as the contract, which
//! takes them one call at a time.

use crate::params::Params;
use crate::record::{reward_at, Division, Part, Record, RecordError};
use crate::reward::Reward;
use alloc::vec::Vec;

/// The outcome of an epoch at the full level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The settled and closed epoch.
    pub record: Record,
    /// The figures that follow from the totals.
    pub division: Division,
    /// Each operator's part after raising, in the order of the input.
    pub parts: Vec<Part>,
    /// Each operator's reward, in the order of the input.
    pub rewards: Vec<Reward>,
}

impl Allocation {
    /// The budget, in base units.
    #[must_use]
    pub fn budget(&self) -> u128 {
        self.record.settlement.map_or(0, |s| s.budget)
    }

    /// Budget minus all rewards: what returns to the reserve, and rounding dust.
    #[must_use]
    pub fn carry(&self) -> u128 {
        self.rewards
            .iter()
            .fold(self.budget(), |left, r| left.saturating_sub(r.amount))
    }
}

/// Allocates an epoch with `reserve` base units at its start over `parts`, of
/// which `raised` is ignored.
///
/// # Errors
/// [`RecordError::Overflow`] if all work together does not fit in 128 bits.
pub fn allocate(params: &Params, reserve: u128, parts: &[Part]) -> Result<Allocation, RecordError> {
    let mut record = Record::new(*params, reserve, 1);
    for part in parts {
        let total = if part.vetted {
            &mut record.vetted
        } else {
            &mut record.open
        };
        *total = total.checked_add(&part.work).ok_or(RecordError::Overflow)?;
    }
    let work = record
        .vetted
        .checked_add(&record.open)
        .ok_or(RecordError::Overflow)?;
    work.fragment
        .checked_add(work.bulk)
        .ok_or(RecordError::Overflow)?;

    let budget = record.budget(0);
    record.settle(budget, 0);
    let mut parts: Vec<Part> = parts
        .iter()
        .map(|part| Part {
            raised: false,
            ..*part
        })
        .collect();
    raise_all(&mut record, &mut parts);
    record.close();
    let rewards = record
        .settled()
        .map(|(division, settlement)| {
            parts
                .iter()
                .map(|part| reward_at(params, &division, &settlement, part))
                .collect()
        })
        .unwrap_or_default();
    Ok(Allocation {
        division: record.division(budget),
        record,
        parts,
        rewards,
    })
}

/// Raises everybody who is eligible, until nobody is, and returns how many that
/// were, the open pool included.
pub fn raise_all(record: &mut Record, parts: &mut [Part]) -> u32 {
    let Some((division, _)) = record.settled() else {
        return 0;
    };
    // All vetted operators have the same cap, so whoever is heavier is eligible first.
    let mut waiting: Vec<(u128, usize)> = parts
        .iter()
        .enumerate()
        .filter(|(_, part)| part.vetted && !part.raised)
        .map(|(k, part)| (division.pools.entitlement(part.work), k))
        .collect();
    waiting.sort_unstable_by_key(|(weight, k)| (core::cmp::Reverse(*weight), *k));
    let mut waiting = waiting.into_iter().map(|(_, k)| k).peekable();
    let mut raised = 0;
    loop {
        if let Some(k) = waiting.next_if(|k| record.raise(parts[*k].work)) {
            parts[k].raised = true;
        } else if !record.raise_open() {
            return raised;
        }
        raised += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::tests::PARAMS;
    use crate::pools::Work;

    #[test]
    fn a_lone_operator_gets_its_cap_and_the_rest_is_carried() {
        let part = Part {
            work: Work {
                fragment: 5,
                bulk: 0,
            },
            vetted: true,
            ..Part::default()
        };
        let allocation = allocate(&PARAMS, 1_000_000, &[part]).expect("small");
        assert_eq!(allocation.budget(), 10_000);
        assert_eq!(allocation.rewards[0].amount, 200);
        assert_eq!(allocation.carry(), 9_800);
        assert!(allocation.parts[0].raised);
    }

    #[test]
    fn work_beyond_128_bits_is_refused() {
        let part = Part {
            work: Work {
                fragment: u128::MAX,
                bulk: 1,
            },
            ..Part::default()
        };
        assert_eq!(allocate(&PARAMS, 1, &[part]), Err(RecordError::Overflow));
    }
}
