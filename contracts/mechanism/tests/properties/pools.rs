//! The budget and its two pools: G2, G7, G8.

use crate::support::draw::{self, Epoch};
use crate::support::raise::Lazy;
use crate::support::source::Source;
use crate::support::{exact, property};
use num_bigint::BigUint;
use plimsoll_mechanism::allocate::{allocate, Allocation};
use plimsoll_mechanism::budget::budget;
use plimsoll_mechanism::pools::{Pools, Work};
use proptest::prelude::*;

fn allocated(epoch: &Epoch) -> Result<Allocation, TestCaseError> {
    allocate(&epoch.params, epoch.reserve, &epoch.parts)
        .map_err(|_| TestCaseError::reject("all work together exceeds 128 bits"))
}

fn total(epoch: &Epoch) -> Work {
    epoch
        .parts
        .iter()
        .try_fold(Work::default(), |sum, part| sum.checked_add(&part.work))
        .expect("drawn so that the sum fits")
}

#[test]
fn g2_rewards_never_exceed_the_budget() {
    let epochs = |source: &mut Source| match source.weighted(&[5, 1]) {
        0 => draw::epoch(source),
        _ => draw::wide_epoch(source),
    };
    property("g2_rewards_never_exceed_the_budget", epochs, |epoch| {
        let allocation = allocated(&epoch)?;
        let budget = allocation.budget();
        prop_assert!(budget <= epoch.reserve);
        prop_assert!(budget < 1 << 96);
        let sum: BigUint = allocation
            .rewards
            .iter()
            .map(|r| BigUint::from(r.amount))
            .sum();
        prop_assert!(sum <= BigUint::from(budget));
        prop_assert_eq!(sum + allocation.carry(), BigUint::from(budget));
        for reward in &allocation.rewards {
            prop_assert!(reward.liquid <= reward.amount);
        }
        Ok(())
    });
}

#[test]
fn g2_the_budget_is_what_the_text_says() {
    let inputs = |source: &mut Source| {
        let work = match source.weighted(&[1, 1, 4]) {
            0 => 0,
            1 => u128::MAX,
            _ => draw::magnitude(source, u128::MAX),
        };
        (draw::params(source), draw::reserve(source), work)
    };
    property(
        "g2_the_budget_is_what_the_text_says",
        inputs,
        |(params, reserve, work)| {
            let ppm = BigUint::from(1_000_000_u32);
            let emission = BigUint::from(reserve) * params.rate / &ppm;
            let ceiling = params
                .unit_ceiling
                .map(|ceiling| BigUint::from(work) * ceiling / &ppm);
            let limit = (BigUint::from(1_u32) << 96_u32) - 1_u32;
            let mut expected = emission.min(limit);
            if let Some(ceiling) = ceiling {
                expected = expected.min(ceiling);
            }
            if work == 0 {
                expected = BigUint::from(0_u32);
            }
            prop_assert_eq!(BigUint::from(budget(&params, reserve, work)), expected);
            Ok(())
        },
    );
}

/// At a level that lazy keepers left: the pot has every reward and what returns
/// with it, and what it holds in the end is rounding dust, at most one unit for each
/// operator and one for the open pool.
#[test]
fn g2_only_dust_stays_in_the_pot() {
    let inputs = |source: &mut Source| (draw::epoch(source), source.word());
    property("g2_only_dust_stays_in_the_pot", inputs, |(epoch, seed)| {
        let full = allocated(&epoch)?;
        let lazy = Lazy::divide(&epoch, seed);
        for (mut record, rewards) in [(full.record, full.rewards), (lazy.record, lazy.rewards)] {
            for reward in &rewards {
                prop_assert!(record.book(reward).is_ok(), "the pot has every reward");
            }
            let dust = record.settlement.expect("settled").pot;
            let limit = epoch.parts.len() as u128 + 1;
            prop_assert!(dust <= limit, "{} of at most {}", dust, limit);
        }
        Ok(())
    });
}

#[test]
fn g7_fragments_have_their_floor_and_no_more_than_the_premium() {
    let epochs = |source: &mut Source| match source.weighted(&[3, 1]) {
        0 => draw::epoch(source),
        _ => draw::wide_epoch(source),
    };
    property(
        "g7_fragments_have_their_floor_and_no_more_than_the_premium",
        epochs,
        |epoch| {
            let budget = allocated(&epoch)?.budget();
            let work = total(&epoch);
            let pools = Pools::divide(&epoch.params, budget, work);
            let whole = BigUint::from(budget) << 32_u32;
            let fragment = BigUint::from(pools.fragment);
            prop_assert_eq!(&fragment + pools.bulk, whole.clone());

            // At least max(share, min(floor, premium * share)), less one unit of 2^-32.
            let share = exact::fragment_share(&epoch);
            prop_assert!(
                (&fragment + 1_u32) * &share.denominator >= &whole * &share.numerator,
                "the floor"
            );
            // E_F / F <= premium * X / (F + B)
            let all = BigUint::from(work.fragment) + work.bulk;
            prop_assert!(
                &fragment * &all * 1_000_000_u32
                    <= &whole * work.fragment * epoch.params.fragment_premium,
                "the premium"
            );
            // The same for what each operator's fragments are entitled to.
            for part in epoch.parts.iter().take(20) {
                let own = Work {
                    bulk: 0,
                    ..part.work
                };
                prop_assert!(
                    BigUint::from(pools.entitlement(own)) * &all * 1_000_000_u32
                        <= &whole * own.fragment * epoch.params.fragment_premium,
                    "an operator's premium"
                );
            }
            Ok(())
        },
    );
}

#[test]
fn g7_entitlements_of_all_are_the_pools_at_most() {
    property(
        "g7_entitlements_of_all_are_the_pools_at_most",
        draw::epoch,
        |epoch| {
            let budget = allocated(&epoch)?.budget();
            let pools = Pools::divide(&epoch.params, budget, total(&epoch));
            let sum: BigUint = epoch
                .parts
                .iter()
                .map(|part| BigUint::from(pools.entitlement(part.work)))
                .sum();
            let whole = BigUint::from(budget) << 32_u32;
            prop_assert!(sum <= whole);
            if total(&epoch).total() > 0 {
                // Two terms an operator, each rounded down by itself.
                let lost = whole - sum;
                prop_assert!(lost <= BigUint::from(2 * epoch.parts.len()));
            }
            Ok(())
        },
    );
}

#[test]
fn g8_cutting_merging_or_reordering_a_clients_jobs_changes_no_figure() {
    let inputs = |source: &mut Source| {
        let count = source.count(1..=59);
        let jobs = source.list(count, |source| draw::magnitude(source, 1 << 47));
        (jobs, draw::magnitude(source, 1 << 47), source.word())
    };
    property(
        "g8_cutting_merging_or_reordering_a_clients_jobs_changes_no_figure",
        inputs,
        |(jobs, threshold, seed)| {
            let units = jobs.iter().sum::<u128>();
            let whole = Work::of_client(units, threshold);
            prop_assert_eq!(whole.total(), units);
            prop_assert!(whole.fragment <= threshold);
            prop_assert!(whole.bulk == 0 || whole.fragment == threshold);
            // One job after the other, in another order and each cut in two: what a
            // journal adds up as jobs come in is what the whole would have been.
            let mut before = 0;
            let mut credited = Work::default();
            for k in draw::order(seed, jobs.len()) {
                let cut = u128::from(draw::scramble(seed, k)) % (jobs[k] + 1);
                for piece in [cut, jobs[k] - cut] {
                    let step = Work::of_client(before + piece, threshold)
                        .checked_sub(&Work::of_client(before, threshold))
                        .expect("figures only grow");
                    credited = credited.checked_add(&step).expect("small");
                    before += piece;
                }
            }
            prop_assert_eq!(credited, whole);
            Ok(())
        },
    );
}

/// From jobs to entitlements: one client spreads its work over others that it invents, at
/// any operators, and every operator's other fragments keep their plain share.
#[test]
fn g8_a_client_spread_over_invented_ones_takes_no_plain_share_from_others() {
    let inputs = |source: &mut Source| {
        let threshold = draw::magnitude(source, 1 << 40);
        let count = source.count(1..=12);
        let clients = source.list(count, |source| {
            (source.count(0..=3), draw::magnitude(source, 1 << 40))
        });
        let (budget, pieces) = (draw::magnitude(source, (1 << 96) - 1), source.count(1..=20));
        let spread = draw::magnitude(source, 1 << 42);
        let seed = source.word();
        (
            draw::params(source),
            budget,
            threshold,
            clients,
            spread,
            pieces,
            seed,
        )
    };
    property(
        "g8_a_client_spread_over_invented_ones_takes_no_plain_share_from_others",
        inputs,
        |(params, budget, threshold, clients, spread, pieces, seed)| {
            let mut operators = [Work::default(); 4];
            for (operator, units) in clients {
                let work = Work::of_client(units, threshold);
                operators[operator] = operators[operator].checked_add(&work).expect("small");
            }
            // The invented clients, each with a piece of the work at some operator.
            let mut left = spread;
            let mut invented = Work::default();
            for k in 0..pieces {
                let part = u128::from(draw::scramble(seed, k) % 101);
                let piece = if k + 1 == pieces {
                    left
                } else {
                    left * part / 100
                };
                left -= piece;
                let work = Work::of_client(piece, threshold);
                invented = invented.checked_add(&work).expect("small");
            }
            prop_assert_eq!(invented.total(), spread);
            let honest = operators
                .iter()
                .try_fold(invented, |sum, w| sum.checked_add(w));
            let work = honest.expect("small");
            let pools = Pools::divide(&params, budget, work);
            let whole = BigUint::from(budget) << 32_u32;
            for own in operators {
                let fragments = Work { bulk: 0, ..own };
                let entitled = BigUint::from(pools.entitlement(fragments)) + 2_u32;
                prop_assert!(entitled * work.total().max(1) >= &whole * own.fragment);
            }
            Ok(())
        },
    );
}

#[test]
fn g8_invented_clients_leave_other_fragments_their_plain_share() {
    fn work(source: &mut Source) -> u128 {
        match source.weighted(&[1, 4]) {
            0 => source.one(&[0, 1, 1 << 60]),
            _ => draw::magnitude(source, 1 << 60),
        }
    }
    let inputs = |source: &mut Source| {
        (
            draw::params(source),
            draw::magnitude(source, (1 << 96) - 1),
            work(source),
            work(source),
            work(source),
            work(source),
        )
    };
    property(
        "g8_invented_clients_leave_other_fragments_their_plain_share",
        inputs,
        |(params, budget, others, own, bulk, spread)| {
            let spread = spread.min(bulk);
            let work = Work {
                fragment: others + own + spread,
                bulk: bulk - spread,
            };
            let pools = Pools::divide(&params, budget, work);
            let entitled = pools.entitlement(Work {
                fragment: others,
                bulk: 0,
            });
            let whole = BigUint::from(budget) << 32_u32;
            // entitlement + 2 >= X * others / (F + B)
            prop_assert!(
                BigUint::from(entitled + 2) * work.total().max(1) >= whole * others,
                "others keep their plain share"
            );
            Ok(())
        },
    );
}
