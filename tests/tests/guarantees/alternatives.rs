//! The same epoch played twice, with something done otherwise: G8, G9, G10, G12, G13, G19.

use crate::plan::{order, plans, scramble, Person, Plan};
use crate::play::{with_play, with_pool, Play, Reward, SPARE};
use crate::text::{share_of, Pools};
use crate::SUITE;
use num_bigint::BigUint;
use plimsoll_interface::mechanism::level::Level;
use plimsoll_interface::mechanism::work::WORK_LIMIT;
use proptest::prelude::*;

/// Whether level `a` is at or above level `b`, where a denominator of 0 is above all.
fn at_or_above(a: Level, b: Level) -> bool {
    if a.denominator == 0 {
        return true;
    }
    b.denominator != 0
        && BigUint::from(a.numerator) * b.denominator >= BigUint::from(b.numerator) * a.denominator
}

fn level(play: &mut Play) -> Level {
    play.view().settlement.expect("settled").level
}

/// Somebody of the plan, of those that `may` if there are any.
fn somebody(plan: &Plan, may: impl Fn(&Person) -> bool) -> usize {
    let order = order(plan.seed, plan.people.len());
    let chosen = order.iter().find(|k| may(&plan.people[**k as usize]));
    *chosen.unwrap_or(&order[0]) as usize
}

/// Cutting is decided off chain; what the chain sees of it are figures. Somebody turns
/// bulk into fragments by inventing clients for it: others' fragments keep their plain share.
#[test]
fn g8_invented_clients_leave_other_fragments_their_plain_share() {
    let name = "g8_invented_clients_leave_other_fragments_their_plain_share";
    SUITE.property(name, (plans(), 0..=100_u64), |(mut plan, percent)| {
        let who = somebody(&plan, |person| person.bulk > 0);
        let liar = &mut plan.people[who];
        let spread = (u128::from(liar.bulk) * u128::from(percent) / 100) as u64;
        let spread = spread.min(WORK_LIMIT - 1 - liar.fragment);
        liar.fragment += spread;
        liar.bulk -= spread;
        with_play(&plan, |play| {
            play.set(&plan, &plan.people);
            play.work(&plan.people, 1, plan.seed);
            let (_, budget) = play.settle();
            play.raise_all(plan.people.len(), plan.seed);
            let division = play.view().division.expect("settled");
            let full = play.book(plan.people.len(), plan.seed);
            let pools = Pools::of(&plan, budget);
            let (f, all) = (&pools.work[0], pools.all());
            if *f == BigUint::ZERO {
                return Ok(());
            }
            let others: BigUint = plan
                .people
                .iter()
                .enumerate()
                .filter(|(k, _)| *k != who)
                .map(|(_, person)| BigUint::from(person.fragment))
                .sum();
            // In units of 2^-32, less two of them.
            let entitled = BigUint::from(division.fragment_budget) * &others / f;
            prop_assert!((entitled + 2_u32) * &all >= &pools.whole * &others);
            // And what is paid to those who do nothing else.
            let cap = share_of(budget, plan.params.operator_cap);
            for (k, person) in plan.people.iter().enumerate() {
                if k == who || person.bond.is_some() || person.bulk > 0 {
                    continue;
                }
                if plan.params.fee_multiple.is_some() {
                    continue;
                }
                let plain = (&pools.whole * person.fragment / &all) >> 32_u32;
                let amount = BigUint::from(full[k].amount);
                prop_assert!(amount.clone() + 2_u32 >= plain || amount >= cap);
            }
            Ok(())
        })
    });
}

#[test]
fn g9_an_open_operator_gains_nothing_by_splitting() {
    let name = "g9_an_open_operator_gains_nothing_by_splitting";
    SUITE.property(name, (plans(), 2..=SPARE), |(mut plan, identities)| {
        let who = somebody(&plan, |person| person.bond.is_some());
        // Its first identity works in the first epoch of both plays, if there was one.
        let bond = plan.people[who].bond.unwrap_or(0).max(2 * SPARE as u128);
        plan.people[who].bond = Some(bond);
        let mut split = plan.people.clone();
        for k in 1..identities {
            let left = &mut split[who];
            // Each figure is cut by itself, so that identities are mismatched too.
            let part = |salt| scramble(plan.seed, 4 * k + salt) % 101;
            let mut cut = |figure: fn(&mut Person) -> &mut u64, salt| {
                let figure = figure(left);
                let piece = (u128::from(*figure) * u128::from(part(salt)) / 100) as u64;
                *figure -= piece;
                piece
            };
            let (fragment, bulk, fees) = (
                cut(|p| &mut p.fragment, 0),
                cut(|p| &mut p.bulk, 1),
                cut(|p| &mut p.fees, 2),
            );
            // Work without any bond would not count at all.
            let rest = left.bond.unwrap_or(0);
            let most = rest - (identities - k) as u128;
            let bond = (most * u128::from(part(3)) / 100).clamp(1, most);
            left.bond = Some(rest - bond);
            split.push(Person {
                fragment,
                bulk,
                fees,
                bond: Some(bond),
            });
        }
        with_play(&plan, |play| {
            let whole = play.whole(&plan, &plan.people)[who].amount;
            let rewards = play.whole(&plan, &split);
            let others = plan.people.len();
            let pieces: u128 = rewards[others..].iter().map(|r| r.amount).sum();
            let sum = rewards[who].amount + pieces;
            prop_assert!(sum <= whole, "{} in pieces, {} as one", sum, whole);
            Ok(())
        })
    });
}

#[test]
fn g10_more_work_never_lowers_the_workers_reward() {
    let more = || {
        prop_oneof![
            1 => Just(0),
            2 => 1..=100_u64,
            2 => (0..=45_u32, any::<u64>()).prop_map(|(bits, v)| v >> (63 - bits)),
        ]
    };
    let name = "g10_more_work_never_lowers_the_workers_reward";
    SUITE.property(name, (plans(), more(), more()), |(plan, fragment, bulk)| {
        with_play(&plan, |play| {
            let before = play.whole(&plan, &plan.people);
            for who in order(plan.seed, plan.people.len()).into_iter().take(2) {
                let who = who as usize;
                let mut people = plan.people.clone();
                let worker = &mut people[who];
                worker.fragment = (worker.fragment + fragment).min(WORK_LIMIT - 1);
                worker.bulk = (worker.bulk + bulk).min(WORK_LIMIT - 1);
                let after = play.whole(&plan, &people)[who].amount;
                let before = before[who].amount;
                prop_assert!(after + 1 >= before, "{}: {} after {}", who, after, before);
            }
            Ok(())
        })
    });
}

#[test]
fn g12_how_work_is_cut_into_batches_changes_no_reward() {
    let name = "g12_how_work_is_cut_into_batches_changes_no_reward";
    let inputs = (plans(), 2..=6_usize, any::<u64>());
    SUITE.property(name, inputs, |(plan, batches, seed)| {
        with_play(&plan, |play| {
            let count = plan.people.len();
            let paid = |play: &mut Play, batches, seed| {
                play.work(&plan.people, batches, seed);
                let (_, budget) = play.settle();
                play.raise_all(count, plan.seed);
                let view = play.view();
                (
                    budget,
                    view.vetted,
                    view.open,
                    view.division,
                    play.book(count, plan.seed),
                )
            };
            play.set(&plan, &plan.people);
            let merged = play.as_if(|play| paid(play, 1, plan.seed));
            prop_assert_eq!(merged, paid(play, batches, seed));
            Ok(())
        })
    });
}

/// What everybody would be booked at the level as it stands.
fn if_final(play: &mut Play, plan: &Plan) -> Vec<Reward> {
    play.as_if(|play| play.book(plan.people.len(), plan.seed))
}

#[test]
fn g13_every_order_of_raises_ends_alike_and_nobody_lowers_anybody() {
    let name = "g13_every_order_of_raises_ends_alike_and_nobody_lowers_anybody";
    SUITE.property(name, (plans(), any::<u64>()), |(plan, seed)| {
        with_play(&plan, |play| {
            let count = plan.people.len();
            play.set(&plan, &plan.people);
            play.work(&plan.people, 1, plan.seed);
            play.settle();
            // All at once, in the one order.
            let full = play.as_if(|play| {
                play.raise_all(count, plan.seed);
                let level = play.view().settlement.expect("settled");
                (level, play.book(count, plan.seed))
            });
            // A few at a time, in another, and then whoever is left.
            let mut before = (level(play), if_final(play, &plan));
            let list = with_pool(order(seed, count), seed);
            let few = list.len().div_ceil(4);
            for _ in 0..=count {
                let mut raised = 0;
                for some in list.chunks(few) {
                    let now = play.raise(some);
                    if now == 0 {
                        continue;
                    }
                    raised += now;
                    let after = (level(play), if_final(play, &plan));
                    prop_assert!(at_or_above(after.0, before.0), "the level fell");
                    for (k, (old, new)) in before.1.iter().zip(&after.1).enumerate() {
                        // Rounding `N'` to a whole unit may cost one.
                        prop_assert!(
                            new.amount + 1 >= old.amount,
                            "{} by {:?}: {} to {}",
                            k,
                            some,
                            old.amount,
                            new.amount
                        );
                    }
                    before = after;
                }
                if raised == 0 {
                    break;
                }
            }
            let settled = play.view().settlement.expect("settled");
            prop_assert_eq!(settled, full.0);
            prop_assert_eq!(play.book(count, plan.seed), full.1);
            Ok(())
        })
    });
}

#[test]
fn g19_bond_without_work_earns_nothing_and_no_vetted_reward_depends_on_a_bond() {
    let name = "g19_bond_without_work_earns_nothing_and_no_vetted_reward_depends_on_a_bond";
    SUITE.property(name, (plans(), any::<u64>()), |(plan, seed)| {
        with_play(&plan, |play| {
            let before = play.whole(&plan, &plan.people);
            let view = play.view();
            let mut people = plan.people.clone();
            for (k, person) in people.iter_mut().enumerate() {
                if let Some(bond) = &mut person.bond {
                    *bond = 1 + (u128::from(scramble(seed, k)) << (k % 16));
                }
            }
            // Much capital that does nothing.
            people.push(Person {
                fragment: 0,
                bulk: 0,
                fees: 1,
                bond: Some(1 << 90),
            });
            let after = play.whole(&plan, &people);
            prop_assert_eq!(after[plan.people.len()].amount, 0, "capital");
            for (k, person) in plan.people.iter().enumerate() {
                prop_assert!(person.bond.is_some() || before[k] == after[k], "{}", k);
                let idle = person.fragment == 0 && person.bulk == 0;
                prop_assert!(!idle || after[k].amount == 0, "{} did nothing", k);
            }
            let division = play.view().division;
            prop_assert_eq!(view.division, division, "the open pool as a whole");
            Ok(())
        })
    });
}
