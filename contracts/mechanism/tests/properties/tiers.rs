//! Caps, ceilings and order within the tiers: G3, G4, G5, G9, G18, G19.

use crate::support::draw::{self, Epoch};
use crate::support::property;
use crate::support::raise::Lazy;
use crate::support::source::Source;
use num_bigint::BigUint;
use plimsoll_mechanism::allocate::{allocate, Allocation};
use plimsoll_mechanism::math::PPM;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::reward::{bond_ceiling, fee_ceiling, Reward};
use proptest::prelude::*;

fn allocated(epoch: &Epoch) -> Allocation {
    allocate(&epoch.params, epoch.reserve, &epoch.parts).expect("drawn so that the sum fits")
}

/// `share` ppm of `amount`, rounded down.
fn share_of(amount: u128, share: u32) -> BigUint {
    BigUint::from(amount) * share / PPM
}

/// Budget and rewards at the full level, and at the one that lazy keepers left.
fn at_both_levels(epoch: &Epoch, seed: u64) -> [(u128, Vec<u128>); 2] {
    let amounts = |rewards: &[Reward]| rewards.iter().map(|r| r.amount).collect();
    let (full, lazy) = (allocated(epoch), Lazy::divide(epoch, seed));
    [
        (full.budget(), amounts(&full.rewards)),
        (lazy.budget(), amounts(&lazy.rewards)),
    ]
}

#[test]
fn g3_no_vetted_operator_gets_more_than_its_cap() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word());
    property(
        "g3_no_vetted_operator_gets_more_than_its_cap",
        inputs,
        |(epoch, seed)| {
            for (budget, rewards) in at_both_levels(&epoch, seed) {
                let cap = share_of(budget, epoch.params.operator_cap);
                for (part, reward) in epoch.parts.iter().zip(rewards) {
                    prop_assert!(!part.vetted || BigUint::from(reward) <= cap);
                }
            }
            Ok(())
        },
    );
}

#[test]
fn g4_all_open_operators_together_stay_below_their_ceiling() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word());
    property(
        "g4_all_open_operators_together_stay_below_their_ceiling",
        inputs,
        |(epoch, seed)| {
            for (budget, rewards) in at_both_levels(&epoch, seed) {
                let open: BigUint = epoch
                    .parts
                    .iter()
                    .zip(rewards)
                    .filter(|(part, _)| !part.vetted)
                    .map(|(_, reward)| BigUint::from(reward))
                    .sum();
                prop_assert!(open <= share_of(budget, epoch.params.open_ceiling));
            }
            Ok(())
        },
    );
}

#[test]
fn g4_an_entity_stays_below_its_caps_and_the_ceiling() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word(), source.count(0..=5));
    property(
        "g4_an_entity_stays_below_its_caps_and_the_ceiling",
        inputs,
        |(epoch, seed, identities)| {
            // The entity owns every open operator and the best paid vetted ones.
            for (budget, rewards) in at_both_levels(&epoch, seed) {
                let of_tier = |vetted| {
                    let rewards = epoch.parts.iter().zip(&rewards);
                    rewards.filter_map(move |(part, r)| (part.vetted == vetted).then_some(*r))
                };
                let mut vetted: Vec<u128> = of_tier(true).collect();
                vetted.sort_unstable_by(|a, b| b.cmp(a));
                let entity: BigUint = vetted
                    .into_iter()
                    .take(identities)
                    .chain(of_tier(false))
                    .map(BigUint::from)
                    .sum();
                let shares = BigUint::from(epoch.params.operator_cap) * identities
                    + epoch.params.open_ceiling;
                prop_assert!(entity * PPM <= shares * budget);
            }
            Ok(())
        },
    );
}

/// Everybody's tier, ceilings, entitlement and reward, those of one tier and equal
/// ceilings together, the less entitled first.
type Ranked = (bool, u128, u128, u128, u128);

fn ranked(epoch: &Epoch, rewards: &[u128]) -> Vec<Ranked> {
    let (params, pools) = (&epoch.params, allocated(epoch).division.pools);
    let mut ranked: Vec<_> = epoch
        .parts
        .iter()
        .zip(rewards)
        .map(|(part, reward)| {
            let entitled = pools.entitlement(part.work);
            // A vetted operator's bond plays no part.
            let bond = if part.vetted {
                0
            } else {
                bond_ceiling(params, part.bond)
            };
            let fees = fee_ceiling(params, part.fees);
            (part.vetted, bond, fees, entitled, *reward)
        })
        .collect();
    ranked.sort_unstable();
    ranked
}

#[test]
fn g5_who_is_entitled_to_more_gets_no_less() {
    property(
        "g5_who_is_entitled_to_more_gets_no_less",
        draw::epoch,
        |epoch| {
            let [(_, full), _] = at_both_levels(&epoch, 0);
            for pair in ranked(&epoch, &full).windows(2) {
                let ((vetted, bond, fees, entitled, reward), next) = (pair[0], pair[1]);
                if (vetted, bond, fees) == (next.0, next.1, next.2) {
                    prop_assert!(reward <= next.4, "{:?}", pair);
                    prop_assert!(entitled < next.3 || reward == next.4, "equals: {:?}", pair);
                }
            }
            Ok(())
        },
    );
}

/// Where keepers left somebody unraised who was at its cap, what it gets instead is
/// rounded down: up to a unit less than its equal that was raised.
#[test]
fn g5_at_a_level_that_lazy_keepers_left_the_order_holds_to_a_unit() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word());
    property(
        "g5_at_a_level_that_lazy_keepers_left_the_order_holds_to_a_unit",
        inputs,
        |(epoch, seed)| {
            let [_, (_, lazy)] = at_both_levels(&epoch, seed);
            // The most that anybody less entitled gets, from the least entitled on.
            let mut most: Option<Ranked> = None;
            for one in ranked(&epoch, &lazy) {
                match most {
                    Some(best) if (best.0, best.1, best.2) == (one.0, one.1, one.2) => {
                        prop_assert!(best.4 <= one.4.saturating_add(1), "{:?} {:?}", best, one);
                        if one.4 > best.4 {
                            most = Some(one);
                        }
                    }
                    _ => most = Some(one),
                }
            }
            Ok(())
        },
    );
}

#[test]
fn g9_an_open_operator_gains_nothing_by_splitting() {
    let inputs = |source: &mut Source| {
        (
            draw::small_epoch(source),
            source.word(),
            source.count(2..=7),
        )
    };
    property(
        "g9_an_open_operator_gains_nothing_by_splitting",
        inputs,
        |(mut epoch, seed, identities)| {
            let who = seed as usize % epoch.parts.len();
            epoch.parts[who].vetted = false;
            let unsplit = allocated(&epoch).rewards[who].amount;

            let mut left = epoch.parts.remove(who);
            let others = epoch.parts.len();
            for k in 1..identities {
                // Cut each figure by itself, so that identities are mismatched too.
                let cut = |figure: &mut u128, salt: usize| {
                    let piece = figure
                        .checked_mul(u128::from(draw::scramble(seed, 4 * k + salt) % 101))
                        .map_or(*figure / 2, |product| product / 100);
                    *figure -= piece;
                    piece
                };
                let piece = Part {
                    work: Work {
                        fragment: cut(&mut left.work.fragment, 0),
                        bulk: cut(&mut left.work.bulk, 1),
                    },
                    fees: cut(&mut left.fees, 2),
                    bond: cut(&mut left.bond, 3),
                    ..left
                };
                epoch.parts.push(piece);
            }
            epoch.parts.push(left);
            let split: BigUint = allocated(&epoch).rewards[others..]
                .iter()
                .map(|reward| BigUint::from(reward.amount))
                .sum();
            prop_assert!(split <= BigUint::from(unsplit), "{} > {}", split, unsplit);
            Ok(())
        },
    );
}

/// What makes splitting pointless: an open reward follows the bond one to one.
#[test]
fn g9_an_open_reward_is_within_its_bonds_leverage() {
    property(
        "g9_an_open_reward_is_within_its_bonds_leverage",
        draw::epoch,
        |epoch| {
            for (part, reward) in epoch.parts.iter().zip(allocated(&epoch).rewards) {
                let ceiling = share_of(part.bond, epoch.params.bond_leverage);
                prop_assert!(part.vetted || BigUint::from(reward.amount) <= ceiling);
            }
            Ok(())
        },
    );
}

#[test]
fn g18_nobody_gets_more_than_the_multiple_of_its_own_fees() {
    property(
        "g18_nobody_gets_more_than_the_multiple_of_its_own_fees",
        |source| (draw::epoch(source), source.small(0..=u32::MAX)),
        |(mut epoch, drawn)| {
            let multiple = epoch.params.fee_multiple.unwrap_or(drawn);
            epoch.params.fee_multiple = Some(multiple);
            for (part, reward) in epoch.parts.iter().zip(allocated(&epoch).rewards) {
                prop_assert!(BigUint::from(reward.amount) <= share_of(part.fees, multiple));
            }
            Ok(())
        },
    );
}

#[test]
fn g19_capital_without_work_earns_nothing() {
    property(
        "g19_capital_without_work_earns_nothing",
        draw::epoch,
        |epoch| {
            for (part, reward) in epoch.parts.iter().zip(allocated(&epoch).rewards) {
                prop_assert!(part.work.total() > 0 || reward.amount == 0);
            }
            Ok(())
        },
    );
}

#[test]
fn g19_no_vetted_reward_depends_on_a_bond() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word());
    property(
        "g19_no_vetted_reward_depends_on_a_bond",
        inputs,
        |(mut epoch, seed)| {
            let before = allocated(&epoch);
            for (k, part) in epoch.parts.iter_mut().enumerate() {
                part.bond = u128::from(draw::scramble(seed, k)) << (k % 64);
            }
            let after = allocated(&epoch);
            for (k, part) in epoch.parts.iter().enumerate() {
                prop_assert!(!part.vetted || before.rewards[k] == after.rewards[k]);
            }
            prop_assert_eq!(before.record, after.record, "the open pool as a whole");
            Ok(())
        },
    );
}
