//! The water level: G6, G10, G13.

use crate::support::draw::{self, Epoch};
use crate::support::raise::{at_or_above, raise_in_order, settled};
use crate::support::source::Source;
use crate::support::{exact, property};
use num_bigint::BigUint;
use plimsoll_mechanism::allocate::{allocate, raise_all, Allocation};
use plimsoll_mechanism::level::Level;
use plimsoll_mechanism::record::{Part, Record};
use plimsoll_mechanism::reward::fee_ceiling;
use proptest::prelude::*;

fn allocated(epoch: &Epoch) -> Allocation {
    allocate(&epoch.params, epoch.reserve, &epoch.parts).expect("drawn so that the sum fits")
}

fn level(record: &Record) -> Level {
    record.settlement.expect("settled").level
}

#[test]
fn g6_no_small_operator_loses() {
    property("g6_no_small_operator_loses", draw::epoch, |epoch| {
        let allocation = allocated(&epoch);
        for (part, reward) in epoch.parts.iter().zip(&allocation.rewards) {
            if !part.vetted {
                continue;
            }
            // Plain entitlement in base units, rounded down as every division, less one.
            let plain = allocation.division.pools.entitlement(part.work) >> 32;
            let least = plain
                .saturating_sub(1)
                .min(allocation.division.operator_cap)
                .min(fee_ceiling(&epoch.params, part.fees));
            prop_assert!(
                reward.amount >= least,
                "{:?}: {:?} < {}",
                part,
                reward,
                least
            );
        }
        Ok(())
    });
}

#[test]
fn g10_more_work_never_lowers_the_workers_reward() {
    fn more(source: &mut Source) -> u128 {
        match source.weighted(&[1, 1]) {
            0 => u128::from(source.within(1..=100)),
            _ => draw::magnitude(source, 1 << 47),
        }
    }
    let inputs = |source: &mut Source| {
        let epoch = match source.weighted(&[2, 1]) {
            0 => draw::contested_epoch(source),
            _ => draw::small_epoch(source),
        };
        (epoch, source.word(), more(source), more(source))
    };
    property(
        "g10_more_work_never_lowers_the_workers_reward",
        inputs,
        |(epoch, seed, fragment, bulk)| {
            let before = allocated(&epoch);
            for who in draw::order(seed, epoch.parts.len()).into_iter().take(3) {
                for (fragment, bulk) in [(fragment, bulk), (fragment, 0), (0, bulk)] {
                    let mut more = epoch.clone();
                    more.parts[who].work.fragment += fragment;
                    more.parts[who].work.bulk += bulk;
                    let after = allocated(&more).rewards[who].amount;
                    let before = before.rewards[who].amount;
                    prop_assert!(after + 1 >= before, "{}: {} after {}", who, after, before);
                }
            }
            Ok(())
        },
    );
}

#[test]
fn g13_every_full_sequence_of_raises_ends_alike() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word());
    property(
        "g13_every_full_sequence_of_raises_ends_alike",
        inputs,
        |(epoch, seed)| {
            let mut first = settled(&epoch);
            let mut first_parts = epoch.parts.clone();
            raise_all(&mut first, &mut first_parts);

            let mut other = settled(&epoch);
            let mut other_parts = epoch.parts.clone();
            raise_in_order(&mut other, &mut other_parts, seed, usize::MAX, |_, _, _| {
                Ok(())
            })?;
            prop_assert_eq!(level(&first), level(&other), "(N, D)");
            prop_assert_eq!(&first_parts, &other_parts, "the raised set");
            prop_assert_eq!(first, other);

            // At most E / C operators are raised.
            let raised = other_parts.iter().filter(|p| p.raised).count();
            let settlement = level(&settled(&epoch)).numerator;
            let cap = allocated(&epoch).division.operator_cap;
            prop_assert!(BigUint::from(raised) * cap <= BigUint::from(settlement));
            Ok(())
        },
    );
}

/// A few raises by anybody, in any order, then the rest by a diligent keeper:
/// nothing is lost by who came first.
#[test]
fn g13_a_lazy_keeper_can_be_corrected() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word(), source.count(0..=1));
    property(
        "g13_a_lazy_keeper_can_be_corrected",
        inputs,
        |(epoch, seed, passes)| {
            let expected = allocated(&epoch);
            let mut record = settled(&epoch);
            let mut parts = epoch.parts.clone();
            raise_in_order(&mut record, &mut parts, seed, passes, |_, _, _| Ok(()))?;
            raise_all(&mut record, &mut parts);
            record.close();
            prop_assert_eq!(&record, &expected.record);
            prop_assert_eq!(&parts, &expected.parts);
            Ok(())
        },
    );
}

/// The level itself never falls. A reward at the level as it stands can move down
/// by one unit, which is what rounding `N'` to a whole unit may cost.
#[test]
fn g13_nobody_is_lowered_by_a_raise() {
    let inputs = |source: &mut Source| (draw::small_epoch(source), source.word());
    property(
        "g13_nobody_is_lowered_by_a_raise",
        inputs,
        |(epoch, seed)| {
            let mut record = settled(&epoch);
            let mut parts = epoch.parts.clone();
            let rewards = |record: &Record, parts: &[Part]| -> Vec<u128> {
                parts.iter().map(|p| record.reward(p).amount).collect()
            };
            let mut before = (level(&record), rewards(&record, &parts));
            raise_in_order(
                &mut record,
                &mut parts,
                seed,
                usize::MAX,
                |record, parts, who| {
                    let now = (level(record), rewards(record, parts));
                    prop_assert!(at_or_above(now.0, before.0), "{:?} {:?}", before.0, now.0);
                    for (k, (old, new)) in before.1.iter().zip(&now.1).enumerate() {
                        prop_assert!(new + 1 >= *old, "{} by {:?}: {} to {}", k, who, old, new);
                    }
                    before = now;
                    Ok(())
                },
            )
        },
    );
}

#[test]
fn g13_the_full_level_is_the_exact_division_within_two_units() {
    property(
        "g13_the_full_level_is_the_exact_division_within_two_units",
        draw::epoch,
        |mut epoch| {
            // The division itself, without the ceilings that come after it.
            epoch.params.fee_multiple = None;
            let allocation = allocated(&epoch);
            let exact = exact::division(&epoch, allocation.budget());
            let mut takes_part = vec![false; epoch.parts.len()];
            for participant in &exact {
                let got = match participant.who {
                    Some(k) => {
                        takes_part[k] = true;
                        allocation.rewards[k].amount
                    }
                    None => allocation.record.open_reward(),
                };
                prop_assert!(
                    participant.gets.within(2, got),
                    "{:?}: {} is not {:?}",
                    participant.who,
                    got,
                    participant.gets
                );
            }
            for (k, part) in epoch.parts.iter().enumerate() {
                let nothing = allocation.rewards[k].amount == 0;
                prop_assert!(!part.vetted || takes_part[k] || nothing);
            }
            Ok(())
        },
    );
}
