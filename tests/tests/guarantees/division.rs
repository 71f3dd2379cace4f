//! What an epoch gives to whom: G1 to G7, G15 and G18, at the full level and at one that
//! lazy keepers left. One play on the chain serves all of them.

use crate::plan::{plans_of_any_size, Person, Plan};
use crate::play::{Outcome, Reward};
use crate::pool::outcome;
use crate::text::{share_of, Pools};
use crate::SUITE;
use alloy_primitives::U256;
use num_bigint::BigUint;
use plimsoll_interface::mechanism::allocate::allocate;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::record::Part;
use plimsoll_tests::Setup;
use proptest::prelude::*;

type Checked = Result<(), TestCaseError>;

/// Runs a property of what came of epochs.
fn property(name: &str, test: impl Fn(&Plan, &Outcome) -> Checked) {
    SUITE.property(name, plans_of_any_size(), |plan| {
        test(&plan, &outcome(&plan))
    });
}

fn fees(person: &Person) -> u128 {
    u128::from(person.fees) * Setup::default().settings.fee_unit
}

/// What nobody's fees allow to be exceeded.
fn fee_ceiling(plan: &Plan, person: &Person) -> Option<BigUint> {
    plan.params
        .fee_multiple
        .map(|multiple| share_of(fees(person), multiple))
}

fn sum(rewards: &[Reward]) -> BigUint {
    rewards.iter().map(|r| BigUint::from(r.amount)).sum()
}

/// Rewards at both levels.
fn levels(outcome: &Outcome) -> [&[Reward]; 2] {
    [&outcome.full, &outcome.lazy]
}

#[test]
fn g1_g15_every_unit_is_somewhere_and_covered_after_every_message_of_an_epoch() {
    property(
        "g1_g15_every_unit_is_somewhere_and_covered_after_every_message_of_an_epoch",
        |_, outcome| {
            prop_assert!(!outcome.books.is_empty());
            for (ledger, held) in &outcome.books {
                prop_assert!(ledger.conserves(), "{:?}", ledger);
                prop_assert_eq!(*held, U256::from(ledger.owed()), "{:?}", ledger);
            }
            Ok(())
        },
    );
}

#[test]
fn g2_an_epoch_gives_at_most_its_budget_and_that_is_of_the_reserve() {
    property(
        "g2_an_epoch_gives_at_most_its_budget_and_that_is_of_the_reserve",
        |plan, outcome| {
            let all = Pools::of(plan, 0).all();
            let by_rate = share_of(outcome.reserve, plan.params.rate);
            let by_work = plan.params.unit_ceiling.map(|c| &all * c / 1_000_000_u32);
            let mut budget = by_work.map_or(by_rate.clone(), |by_work| by_work.min(by_rate));
            budget = budget.min((BigUint::from(1_u32) << 96_u32) - 1_u32);
            if all == BigUint::ZERO {
                budget = BigUint::ZERO;
            }
            prop_assert_eq!(BigUint::from(outcome.budget), budget);
            prop_assert!(outcome.budget <= outcome.reserve);
            for rewards in levels(outcome) {
                let sum = sum(rewards);
                prop_assert!(sum <= BigUint::from(outcome.budget), "{}", sum);
                for reward in rewards {
                    prop_assert!(reward.liquid <= reward.amount);
                }
            }
            Ok(())
        },
    );
}

#[test]
fn g3_no_vetted_operator_gets_more_than_its_cap() {
    property(
        "g3_no_vetted_operator_gets_more_than_its_cap",
        |plan, outcome| {
            let cap = share_of(outcome.budget, plan.params.operator_cap);
            for rewards in levels(outcome) {
                for (person, reward) in plan.people.iter().zip(rewards) {
                    let amount = BigUint::from(reward.amount);
                    prop_assert!(person.bond.is_some() || amount <= cap, "{:?}", person);
                }
            }
            Ok(())
        },
    );
}

#[test]
fn g4_the_open_together_stay_below_their_ceiling_and_an_entity_below_its_caps() {
    property(
        "g4_the_open_together_stay_below_their_ceiling_and_an_entity_below_its_caps",
        |plan, outcome| {
            let ceiling = share_of(outcome.budget, plan.params.open_ceiling);
            for rewards in levels(outcome) {
                let of_tier = |open: bool| {
                    let people = plan.people.iter().zip(rewards);
                    people.filter(move |(person, _)| person.bond.is_some() == open)
                };
                let open: BigUint = of_tier(true).map(|(_, r)| BigUint::from(r.amount)).sum();
                prop_assert!(open <= ceiling, "{} > {}", open, ceiling);
                // An entity with every open identity and the best paid vetted ones.
                let mut vetted: Vec<u128> = of_tier(false).map(|(_, r)| r.amount).collect();
                vetted.sort_unstable_by(|a, b| b.cmp(a));
                let mut entity = open;
                for (count, best) in (1_u32..).zip(vetted) {
                    entity += best;
                    let shares =
                        BigUint::from(plan.params.operator_cap) * count + plan.params.open_ceiling;
                    prop_assert!(&entity * 1_000_000_u32 <= shares * outcome.budget);
                }
            }
            Ok(())
        },
    );
}

/// Entitlements and rewards of those of one tier with equal ceilings, the less entitled
/// first.
fn ranked(plan: &Plan, budget: u128, rewards: &[Reward]) -> Vec<(Person, BigUint, u128)> {
    let pools = Pools::of(plan, budget);
    let mut ranked: Vec<_> = plan
        .people
        .iter()
        .zip(rewards)
        .map(|(person, reward)| {
            // What tells ceilings apart, and nothing else.
            let alike = Person {
                fragment: 0,
                bulk: 0,
                fees: plan.params.fee_multiple.map_or(0, |_| person.fees),
                bond: person.bond,
            };
            let entitled = pools.entitlement(person.fragment, person.bulk);
            (alike, entitled, reward.amount)
        })
        .collect();
    ranked.sort_by(|(a, s, r), (b, t, q)| (a.bond, a.fees, s, r).cmp(&(b.bond, b.fees, t, q)));
    ranked
}

#[test]
fn g5_who_is_entitled_to_more_gets_no_less() {
    property(
        "g5_who_is_entitled_to_more_gets_no_less",
        |plan, outcome| {
            // At a level that was not raised in full, less by at most a unit.
            for (rewards, slack) in levels(outcome).into_iter().zip([0, 1]) {
                let ranked = ranked(plan, outcome.budget, rewards);
                for (k, (alike, entitled, reward)) in ranked.iter().enumerate() {
                    for (other, more, gets) in &ranked[k + 1..] {
                        if alike != other {
                            break;
                        }
                        prop_assert!(*reward <= gets + slack, "{} {}", entitled, more);
                        let equal = slack == 0 && entitled == more;
                        prop_assert!(!equal || reward == gets, "equals: {} {}", reward, gets);
                    }
                }
            }
            Ok(())
        },
    );
}

#[test]
fn g6_no_small_operator_loses() {
    property("g6_no_small_operator_loses", |plan, outcome| {
        let pools = Pools::of(plan, outcome.budget);
        let cap = share_of(outcome.budget, plan.params.operator_cap);
        for (person, reward) in plan.people.iter().zip(&outcome.full) {
            if person.bond.is_some() {
                continue;
            }
            let plain = pools.entitlement(person.fragment, person.bulk) >> 32_u32;
            let mut least = cap.clone();
            if let Some(ceiling) = fee_ceiling(plan, person) {
                least = least.min(ceiling);
            }
            // Its plain entitlement less one unit, its cap, or its fee ceiling.
            let amount = BigUint::from(reward.amount);
            prop_assert!(
                &amount + 1_u32 >= plain || amount >= least,
                "{:?}: {:?}",
                person,
                reward
            );
        }
        Ok(())
    });
}

#[test]
fn g7_fragments_have_their_floor_and_no_more_than_the_premium() {
    property(
        "g7_fragments_have_their_floor_and_no_more_than_the_premium",
        |plan, outcome| {
            let pools = Pools::of(plan, outcome.budget);
            let division = outcome.view.division.expect("settled");
            let (f, all, x) = (&pools.work[0], pools.all(), &pools.whole);
            let (fragment, bulk) = (division.fragment_budget, division.bulk_budget);
            if all == BigUint::ZERO {
                prop_assert_eq!(fragment, 0);
                return Ok(());
            }
            prop_assert_eq!(&(BigUint::from(fragment) + bulk), x);
            // E_F >= X * max(share, min(floor, premium * share)), less one unit, in parts of
            // (F + B) * 1e6.
            let parts = &all * 1_000_000_u32;
            let share = f * 1_000_000_u32;
            let premium = f * plan.params.fragment_premium;
            let mut floor = &all * plan.params.fragment_floor;
            if *f == BigUint::ZERO {
                floor = BigUint::ZERO;
            }
            let least = share.max(floor.min(premium.clone()));
            prop_assert!(
                (BigUint::from(fragment) + 1_u32) * &parts >= x * least,
                "floor"
            );
            // While there is bulk work beside them, no unit of fragments is entitled to more
            // than the premium; without any, there is nothing else to pay.
            prop_assert!(BigUint::from(fragment) * &parts <= x * &premium, "premium");
            // What those who do nothing else are paid at the full level shows it.
            let cap = share_of(outcome.budget, plan.params.operator_cap);
            for (person, reward) in plan.people.iter().zip(&outcome.full) {
                if person.bond.is_some() || person.bulk > 0 || person.fragment == 0 {
                    continue;
                }
                let own = BigUint::from(fragment) * person.fragment / f;
                let mut promised = (own >> 32_u32).min(cap.clone());
                if let Some(ceiling) = fee_ceiling(plan, person) {
                    promised = promised.min(ceiling);
                }
                prop_assert!(BigUint::from(reward.amount) + 1_u32 >= promised);
            }
            Ok(())
        },
    );
}

#[test]
fn g18_nobody_gets_more_than_the_multiple_of_its_own_fees() {
    property(
        "g18_nobody_gets_more_than_the_multiple_of_its_own_fees",
        |plan, outcome| {
            for rewards in levels(outcome) {
                for (person, reward) in plan.people.iter().zip(rewards) {
                    if let Some(ceiling) = fee_ceiling(plan, person) {
                        prop_assert!(BigUint::from(reward.amount) <= ceiling, "{:?}", person);
                    }
                }
            }
            Ok(())
        },
    );
}

/// The bytecode computes what the mechanism crate computes, to the unit: what is proved
/// of the one holds for the other.
#[test]
fn g2_g3_g4_g5_g6_g7_g18_the_chain_pays_what_the_mechanism_says_to_the_unit() {
    property(
        "g2_g3_g4_g5_g6_g7_g18_the_chain_pays_what_the_mechanism_says_to_the_unit",
        |plan, outcome| {
            let parts: Vec<Part> = plan
                .people
                .iter()
                .map(|person| Part {
                    work: Work {
                        fragment: u128::from(person.fragment),
                        bulk: u128::from(person.bulk),
                    },
                    fees: fees(person),
                    vetted: person.bond.is_none(),
                    raised: false,
                    bond: person.bond.unwrap_or(0),
                })
                .collect();
            let expected = allocate(&plan.params, outcome.reserve, &parts).expect("it fits");
            let settlement = outcome.view.settlement.expect("settled");
            let record = expected.record.settlement.expect("settled");
            prop_assert_eq!(outcome.budget, expected.budget());
            prop_assert_eq!(settlement.level, record.level);
            prop_assert_eq!(settlement.open_raised, record.open_raised);
            let division = outcome.view.division.expect("settled");
            prop_assert_eq!(division.open_reward, expected.record.open_reward());
            prop_assert_eq!(division.vetted_weight, expected.division.vetted_weight);
            prop_assert_eq!(division.open_weight, expected.division.open_weight);
            for (reward, expected) in outcome.full.iter().zip(&expected.rewards) {
                let pair = (reward.amount, reward.liquid);
                prop_assert_eq!(pair, (expected.amount, expected.liquid));
                prop_assert_eq!(reward.returned, expected.returned);
            }
            Ok(())
        },
    );
}
