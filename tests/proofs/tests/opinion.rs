//! The mechanism against a second opinion: `plimsoll_proofs::opinion`, in exact fractions.
//!
//! By how much the crate may differ, in base units unless it says otherwise. `n` is the
//! number of operators.
//!
//! | figure | the crate has |
//! |---|---|
//! | `E`, `C`, `P`, the liquid part of a given reward, what has vested | the same |
//! | `E_F`, in units of 2^-32 | the exact one, rounded down |
//! | `s_i`, in units of 2^-32 | less than 3 below to less than 1 above |
//! | vetted `r_i`, and `Q` | less than 2 below, never above |
//! | open `r_i` | less than 3 below, never above |
//! | everybody's `r_i` together | less than `n + 2` below, never above |
//!
//! Where it says *never above* there is a grain: `6 (n + 3) * uplift / 1e6` units of 2^-32.
//! What bulk work is entitled to is what fragments leave, so it is rounded up by up to one
//! unit of 2^-32, and `D` is a difference of up to `n + 1` roundings; the level carries
//! that on by up to the uplift. It is below a hundredth of a base unit for any uplift and
//! 2,000 operators. It shows only where the exact figure is within a grain of the next
//! whole unit, which then is what the crate pays; never does it pay the budget's `E + 1`st.

use num_bigint::BigUint;
use plimsoll_evidence::{number, say, Suite};
use plimsoll_mechanism::allocate::{allocate, Allocation};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::reward;
use plimsoll_mechanism::vesting::{Ring, Vesting};
use plimsoll_proofs::opinion::epoch::{Epoch, Operator, Opinion};
use plimsoll_proofs::opinion::number::{Fraction, Whole};
use plimsoll_proofs::opinion::vesting;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

const SUITE: Suite = Suite {
    name: "opinion",
    cases: 2_000,
    package: env!("CARGO_MANIFEST_DIR"),
};

/// Shares of a reward are on one million.
const PPM: u32 = 1_000_000;

/// How a reward is split; no part of the opinion's epoch.
#[derive(Clone, Copy, Debug)]
struct Liquid {
    share: u32,
    allowance: u32,
}

/// The same numbers in the crate's words.
fn params(epoch: &Epoch, liquid: Liquid) -> Params {
    Params {
        rate: epoch.rate,
        unit_ceiling: epoch.unit_ceiling,
        fee_multiple: epoch.fee_multiple,
        fragment_floor: epoch.fragment_floor,
        fragment_premium: epoch.fragment_premium,
        operator_cap: epoch.operator_cap,
        open_ceiling: epoch.open_ceiling,
        uplift: epoch.uplift,
        bond_leverage: epoch.bond_leverage,
        liquid_share: liquid.share,
        liquid_allowance: liquid.allowance,
    }
}

/// The same operator in the crate's words.
fn part(operator: &Operator) -> Part {
    Part {
        work: Work {
            fragment: operator.fragment,
            bulk: operator.bulk,
        },
        fees: operator.fees,
        vetted: operator.vetted,
        raised: false,
        bond: operator.bond,
    }
}

fn allocated(epoch: &Epoch, liquid: Liquid) -> Allocation {
    let parts: Vec<Part> = epoch.operators.iter().map(part).collect();
    let params = params(epoch, liquid);
    params
        .check()
        .expect("parameters are drawn within their bounds");
    allocate(&params, epoch.reserve, &parts).expect("work is drawn so that the sum fits")
}

/// A grain, see the head of this file: `6 (n + 3) * uplift / 1e6` units of 2^-32.
fn grain<W: Whole>(epoch: &Epoch) -> Fraction<W> {
    let n = epoch.operators.len() as u128;
    let uplift = Fraction::new(W::of(u128::from(epoch.uplift)), W::of(u128::from(PPM))).reduced();
    Fraction::new(
        uplift.top.times(&W::of(6 * (n + 3))),
        uplift.bottom.times(&W::of(1 << 32)),
    )
}

/// Whether `paid` is above `exact - below` and at most `exact`, with a grain on each side.
fn close_below<W: Whole>(
    paid: u128,
    exact: &Fraction<W>,
    below: u128,
    grain: &Fraction<W>,
) -> Result<(), String> {
    // In units of 1 / exact.bottom.
    let paid = W::of(paid).times(&exact.bottom);
    let within = if paid > exact.top {
        let above = paid.minus(&exact.top);
        above.times(&grain.bottom) <= grain.top.times(&exact.bottom)
    } else {
        let missing = exact.top.minus(&paid);
        let allowed = W::of(below).times(&exact.bottom);
        missing < allowed
            || missing.minus(&allowed).times(&grain.bottom) < grain.top.times(&exact.bottom)
    };
    if within {
        Ok(())
    } else {
        Err(format!(
            "{paid:?} is not {:?} over {:?}",
            exact.top, exact.bottom
        ))
    }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(what())
    }
}

/// Compares every figure of an epoch.
fn compare<W: Whole>(
    epoch: &Epoch,
    liquid: Liquid,
    opinion: &Opinion<W>,
    allocation: &Allocation,
) -> Result<(), String> {
    let division = &allocation.division;
    let budget = allocation.budget();
    ensure(W::of(budget) == opinion.budget, || format!("E = {budget}"))?;
    ensure(budget <= epoch.reserve && budget < 1 << 96, || {
        "G2: E <= R".into()
    })?;
    ensure(W::of(division.operator_cap) == opinion.cap, || {
        format!("C = {}", division.operator_cap)
    })?;
    ensure(W::of(division.open_ceiling) == opinion.ceiling, || {
        format!("P = {}", division.open_ceiling)
    })?;

    let fixed = |exact: &Fraction<W>| exact.times(&W::of(1 << 32));
    let fragments = fixed(&opinion.fragments).floor();
    ensure(W::of(division.pools.fragment) == fragments, || {
        format!("E_F = {} for {fragments:?}", division.pools.fragment)
    })?;
    for (operator, exact) in epoch.operators.iter().zip(&opinion.entitlements) {
        let entitled = W::of(division.pools.entitlement(part(operator).work));
        let exact = fixed(exact);
        let (entitled, one) = (entitled.times(&exact.bottom), &exact.bottom);
        let above = entitled < exact.top.plus(one);
        let below = entitled.plus(&one.times(&W::of(3))) > exact.top;
        ensure(above && below, || format!("s of {operator:?}"))?;
    }

    let grain = grain(epoch);
    let (mut paid, mut open_paid) = (0_u128, 0_u128);
    let both = epoch.operators.iter().zip(&opinion.rewards);
    for (reward, (operator, exact)) in allocation.rewards.iter().zip(both) {
        let below = if operator.vetted { 2 } else { 3 };
        close_below(reward.amount, exact, below, &grain)
            .map_err(|error| format!("r of {operator:?}: {error}"))?;
        paid += reward.amount;
        if operator.vetted {
            ensure(reward.amount <= division.operator_cap, || {
                format!("G3: {operator:?} gets {}", reward.amount)
            })?;
        } else {
            open_paid += reward.amount;
        }
        let expected = vesting::liquid(
            &BigUint::from(reward.amount),
            operator.vetted,
            &BigUint::from(division.operator_cap),
            liquid.share,
            liquid.allowance,
        );
        ensure(BigUint::from(reward.liquid) == expected, || {
            format!(
                "{} of {} is liquid, not {expected}",
                reward.liquid, reward.amount
            )
        })?;
    }
    ensure(paid <= budget, || format!("G2: {paid} paid of {budget}"))?;
    ensure(open_paid <= division.open_ceiling, || {
        format!("G4: {open_paid} paid to the open pool")
    })?;
    close_below(
        allocation.record.open_reward(),
        &opinion.open_pool,
        2,
        &grain,
    )
    .map_err(|error| format!("Q: {error}"))
}

/// What follows from the rewards of one epoch: G5, G6 and G9.
fn orderly(epoch: &Epoch, allocation: &Allocation) -> Result<(), String> {
    let division = &allocation.division;
    let record = &allocation.record;
    let params = &record.params;
    let rewards = &allocation.rewards;
    let entitled: Vec<u128> = allocation
        .parts
        .iter()
        .map(|part| division.pools.entitlement(part.work))
        .collect();
    for (i, a) in epoch.operators.iter().enumerate() {
        if a.vetted {
            // Rounded down as every division, less one.
            let plain = (entitled[i] >> 32).saturating_sub(1);
            let least = plain
                .min(division.operator_cap)
                .min(reward::fee_ceiling(params, a.fees));
            ensure(rewards[i].amount >= least, || {
                format!("G6: {a:?} below {least}")
            })?;
        }
        for (j, b) in epoch.operators.iter().enumerate() {
            let alike = a.vetted == b.vetted
                && (a.vetted || a.bond == b.bond)
                && (params.fee_multiple.is_none() || a.fees == b.fees);
            if alike && entitled[i] >= entitled[j] {
                ensure(rewards[i].amount >= rewards[j].amount, || {
                    format!("G5: {a:?} is entitled to no less than {b:?}")
                })?;
            }
            if i < j && !a.vetted && !b.vetted {
                // Two that could be one: the pool as a whole is the same.
                let one = Part {
                    work: Work {
                        fragment: a.fragment + b.fragment,
                        bulk: a.bulk + b.bulk,
                    },
                    fees: a.fees + b.fees,
                    bond: a.bond + b.bond,
                    ..Part::default()
                };
                let unsplit = record.reward(&one).amount;
                let split = rewards[i].amount + rewards[j].amount;
                ensure(split <= unsplit, || {
                    format!("G9: {a:?} and {b:?} get {split}, as one {unsplit}")
                })?;
            }
        }
    }
    Ok(())
}

/// What all get together, and what goes back to the reserve.
fn compare_totals(
    epoch: &Epoch,
    opinion: &Opinion<BigUint>,
    allocation: &Allocation,
) -> Result<(), String> {
    let exact = opinion
        .rewards
        .iter()
        .fold(Fraction::whole(BigUint::from(0_u32)), |sum, reward| {
            sum.plus(reward).reduced()
        });
    let paid = allocation.budget() - allocation.carry();
    // A rounding for everybody, for the open pool, and for the level.
    let below = epoch.operators.len() as u128 + 2;
    close_below(paid, &exact, below, &grain(epoch)).map_err(|error| format!("all: {error}"))?;

    // All of it comes back but for dust: with the closing, and as each is booked.
    let mut record = allocation.record.clone();
    for reward in &allocation.rewards {
        record
            .book(reward)
            .map_err(|error| format!("the pot has every reward: {error:?}"))?;
    }
    let dust = record.settlement.map_or(0, |settlement| settlement.pot);
    ensure(dust < below, || format!("{dust} stay in the pot"))
}

/// 0 to `limit`, every order of magnitude alike.
fn magnitude(limit: u128) -> BoxedStrategy<u128> {
    (0..=128 - limit.leading_zeros(), any::<u128>())
        .prop_map(move |(bits, value)| {
            if bits == 0 {
                0
            } else {
                (value >> (128 - bits)).min(limit)
            }
        })
        .boxed()
}

/// A share from `low` to `high`: the ends, just above the low one, or any.
fn share(low: u32, high: u32) -> BoxedStrategy<u32> {
    prop_oneof![
        1 => Just(low),
        1 => Just(high),
        2 => low..=high,
        2 => low..=high.min(low.saturating_mul(8).max(1)),
        2 => magnitude(u128::from(high - low)).prop_map(move |above| low + above as u32),
    ]
    .boxed()
}

/// What one operator's figure may be; the whole population draws in the same way.
fn units() -> BoxedStrategy<BoxedStrategy<u128>> {
    prop_oneof![
        1 => Just(Just(0).boxed()),
        1 => Just(Just(1).boxed()),
        2 => Just((0..=4_u128).boxed()),
        2 => Just((0..=100_u128).boxed()),
        1 => Just(Just(1_000_u128).boxed()),
        // A Pareto tail: the largest does half of all.
        2 => Just((1..=u128::from(u32::MAX)).prop_map(|u| (1 << 45) / u).boxed()),
        2 => Just(magnitude((1 << 46) - 1)),
        // More than a contract takes, as the library allows.
        1 => Just(magnitude((1 << 118) - 1)),
    ]
    .boxed()
}

fn amounts() -> BoxedStrategy<BoxedStrategy<u128>> {
    prop_oneof![
        1 => Just(Just(0).boxed()),
        2 => Just(Just(1 << 110).boxed()),
        2 => Just(select(vec![0, 1, 1_000, 1 << 40, 1 << 100]).boxed()),
        3 => Just(magnitude(1 << 110)),
    ]
    .boxed()
}

fn operators() -> BoxedStrategy<Vec<Operator>> {
    let size = prop_oneof![
        60 => 0..=6_usize,
        30 => 1..=40_usize,
        5 => 40..=300_usize,
    ];
    // How many in ten are vetted.
    let vetted = select(vec![0_u32, 1, 5, 9, 10, 10]);
    (size, units(), units(), vetted, amounts(), amounts())
        .prop_flat_map(|(size, fragment, bulk, vetted, bond, fees)| {
            let operator = (fragment, bulk, 0..10_u32, bond, fees).prop_map(
                move |(fragment, bulk, roll, bond, fees)| Operator {
                    vetted: roll < vetted,
                    fragment,
                    bulk,
                    bond,
                    fees,
                },
            );
            prop::collection::vec(operator, size)
        })
        .boxed()
}

fn liquids() -> impl Strategy<Value = Liquid> {
    (share(0, PPM), share(0, PPM)).prop_map(|(share, allowance)| Liquid { share, allowance })
}

fn epochs() -> impl Strategy<Value = Epoch> {
    let reserve = prop_oneof![
        2 => select(vec![0, 1, 99, 1_000_000, (1 << 96) - 1, 1 << 96, 1 << 127]),
        3 => 0..=5_000_000_u128,
        4 => magnitude(1 << 127),
    ];
    let optional = |limit: u128| {
        prop_oneof![
            4 => Just(None),
            1 => select(vec![Some(0), Some(1), Some(limit)]),
            2 => magnitude(limit).prop_map(Some),
        ]
    };
    let shares = (
        share(0, PPM),
        share(0, 500_000),
        share(PPM, 100 * PPM),
        share(1_000, PPM),
        share(0, PPM),
        share(PPM, 1_000 * PPM),
        share(0, 1_000 * PPM),
    );
    // Nothing but the division itself binds in a part of the epochs.
    let ample = prop_oneof![3 => Just(false), 1 => Just(true)];
    (
        reserve,
        optional(u128::MAX),
        optional(u128::from(u32::MAX)),
        shares,
        ample,
        operators(),
    )
        .prop_map(
            |(reserve, unit_ceiling, fee_multiple, shares, ample, operators)| {
                let (
                    rate,
                    fragment_floor,
                    fragment_premium,
                    operator_cap,
                    open_ceiling,
                    uplift,
                    bond_leverage,
                ) = shares;
                let epoch = Epoch {
                    reserve,
                    rate,
                    unit_ceiling,
                    fragment_floor,
                    fragment_premium,
                    operator_cap,
                    open_ceiling,
                    uplift,
                    bond_leverage,
                    fee_multiple: fee_multiple.map(|multiple| multiple as u32),
                    operators,
                };
                if ample {
                    return Epoch {
                        rate: PPM,
                        unit_ceiling: None,
                        fee_multiple: None,
                        bond_leverage: 1_000 * PPM,
                        ..epoch
                    };
                }
                epoch
            },
        )
}

fn outcome(result: Result<(), String>) -> Result<(), TestCaseError> {
    result.map_err(TestCaseError::fail)
}

#[test]
fn g2_g3_g4_g5_g6_g7_g9_g13_an_epoch_is_divided_as_the_text_says() {
    SUITE.property(
        "g2_g3_g4_g5_g6_g7_g9_g13_an_epoch_is_divided_as_the_text_says",
        (epochs(), liquids()),
        |(epoch, liquid)| {
            let opinion = epoch.opinion::<BigUint>();
            let allocation = allocated(&epoch, liquid);
            outcome(compare(&epoch, liquid, &opinion, &allocation))?;
            outcome(orderly(&epoch, &allocation))?;
            outcome(compare_totals(&epoch, &opinion, &allocation))
        },
    );
}

/// The opinion's own level is not believed either.
#[test]
fn g13_the_second_opinion_proves_that_its_level_is_max_min_fair() {
    SUITE.property(
        "g13_the_second_opinion_proves_that_its_level_is_max_min_fair",
        epochs(),
        |epoch| {
            let opinion = epoch.opinion::<BigUint>();
            let (level, participants, uplift) = &opinion.level;
            let proof = level.certify(&opinion.budget, participants, uplift);
            outcome(proof.map_err(ToString::to_string))
        },
    );
}

/// The bounds at the head of this file are reached: three operators or four, of which a
/// large one is raised, an uplift that leaves 3.99 units, and each rounding at its worst.
#[test]
fn the_bounds_on_rounding_are_not_wider_than_rounding() {
    let bulk = |vetted, bulk| Operator {
        vetted,
        bulk,
        bond: 1_000,
        ..Operator::default()
    };
    let epoch = |operators: &[Operator]| Epoch {
        reserve: 100,
        rate: PPM,
        fragment_premium: PPM,
        operator_cap: 500_000,
        open_ceiling: 500_000,
        uplift: 1_330_000,
        bond_leverage: PPM,
        operators: operators.to_vec(),
        ..Epoch::default()
    };
    let liquid = Liquid {
        share: 0,
        allowance: 0,
    };
    // Nearly all of 3.99 rounded to 3, and nearly all of 3 rounded to 2.
    let one = epoch(&[bulk(true, 9_700), bulk(true, 297), bulk(true, 3)]);
    let exact = one.opinion::<u128>().rewards[1].clone();
    assert!(exact > Fraction::new(39, 10));
    assert_eq!(allocated(&one, liquid).rewards[1].amount, 2);
    // The same for the open pool, and nearly all of its 2 rounded to 1.
    let open = [bulk(false, 294), bulk(false, 3)];
    let one = epoch(&[bulk(true, 9_700), open[0], open[1], bulk(true, 3)]);
    let exact = one.opinion::<u128>().rewards[1].clone();
    assert!(exact > Fraction::new(39, 10));
    assert_eq!(allocated(&one, liquid).rewards[1].amount, 1);
}

/// A certificate that accepts anything proves nothing.
#[test]
fn a_level_that_is_not_fair_is_not_certified() {
    let epoch = Epoch {
        reserve: 1_000,
        rate: PPM,
        fragment_floor: 200_000,
        fragment_premium: 2 * PPM,
        operator_cap: 400_000,
        open_ceiling: 150_000,
        uplift: 2 * PPM,
        bond_leverage: PPM,
        operators: [(true, 80), (true, 15), (true, 5), (false, 10)]
            .map(|(vetted, bulk)| Operator {
                vetted,
                bulk,
                bond: 1_000,
                ..Operator::default()
            })
            .to_vec(),
        ..Epoch::default()
    };
    let opinion = epoch.opinion::<u128>();
    let (level, participants, uplift) = &opinion.level;
    assert_eq!(level.certify(&opinion.budget, participants, uplift), Ok(()));
    for (up, down) in [(9, 10), (11, 10), (2, 1), (0, 1)] {
        let mut wrong = level.clone();
        wrong.rate.top *= up;
        wrong.rate.bottom *= down;
        assert!(
            wrong
                .certify(&opinion.budget, participants, uplift)
                .is_err(),
            "{up} / {down} of the level"
        );
    }
}

#[test]
fn the_second_opinion_shares_nothing_with_the_mechanism() {
    for (file, text) in [
        ("mod", include_str!("../src/opinion/mod.rs")),
        ("epoch", include_str!("../src/opinion/epoch.rs")),
        ("level", include_str!("../src/opinion/level.rs")),
        ("number", include_str!("../src/opinion/number.rs")),
        ("vesting", include_str!("../src/opinion/vesting.rs")),
    ] {
        assert!(!text.contains("plimsoll"), "{file} uses the project's code");
        for line in text
            .lines()
            .filter(|line| line.trim_start().starts_with("use "))
        {
            let path = line.trim_start().trim_start_matches("use ");
            assert!(
                ["std::", "super::", "num_bigint::", "num_integer::"]
                    .iter()
                    .any(|allowed| path.starts_with(allowed)),
                "{file}: {line}"
            );
        }
    }
}

// How a reward is paid.

/// A reward that is booked for an epoch, so many epochs after that has ended.
#[derive(Clone, Copy, Debug)]
struct Booking {
    epoch: u32,
    late: u32,
    amount: u128,
}

/// Books all of `bookings` and claims at the epochs for which `claims` holds; after each
/// claim everything that has vested by the text was paid, and never is more.
fn vests_as_the_text_says(
    schedule: Vesting,
    bookings: &[Booking],
    last: u32,
    claims: impl Fn(u32) -> bool,
) -> Result<(), String> {
    let mut model = vesting::Vesting::new(schedule.period_epochs, schedule.vesting_periods);
    let mut ring = Ring::default();
    let mut paid = 0_u128;
    for now in 0..=last {
        for booking in bookings.iter().filter(|b| b.epoch + 1 + b.late == now) {
            let period = schedule.period(booking.epoch);
            paid += ring.release(&schedule, now);
            paid += ring.book(&schedule, period, booking.amount, now);
            model.book(booking.epoch, booking.amount);
        }
        let claimed = claims(now);
        if claimed {
            paid += ring.release(&schedule, now);
        }
        let vested = model.vested(now);
        let exact = BigUint::from(paid);
        ensure(exact <= vested && (!claimed || exact == vested), || {
            format!("{paid} of {vested} at {now}: {schedule:?} {bookings:?}")
        })?;
        ensure(exact + ring.unvested(&schedule) == model.all(), || {
            format!("nothing is lost at {now}: {schedule:?} {bookings:?}")
        })?;
    }
    ensure(BigUint::from(paid) == model.all(), || {
        format!("{paid} in the end: {schedule:?} {bookings:?}")
    })
}

/// By then everything that `bookings` book has vested.
fn end_of(schedule: Vesting, bookings: &[Booking]) -> u32 {
    let booked = bookings.iter().map(|b| b.epoch + 1 + b.late).max();
    booked.unwrap_or(0) + schedule.period_epochs * (u32::from(schedule.vesting_periods) + 1)
}

#[test]
fn g14_rewards_vest_as_the_text_says() {
    let booking = (
        0..60_u32,
        prop_oneof![Just(0_u32), 0..=9_u32, 0..=300_u32],
        amounts(),
    )
        .prop_flat_map(|(epoch, late, amounts)| {
            amounts.prop_map(move |amount| Booking {
                epoch,
                late,
                // The contract's budgets are below 2^96.
                amount: amount >> 14,
            })
        });
    let inputs = (
        1..=30_u32,
        1..=12_u8,
        prop::collection::vec(booking, 0..20),
        any::<u64>(),
    );
    SUITE.property(
        "g14_rewards_vest_as_the_text_says",
        inputs,
        |(period_epochs, vesting_periods, bookings, mask)| {
            let schedule = Vesting {
                period_epochs,
                vesting_periods,
            };
            let last = end_of(schedule, &bookings);
            outcome(vests_as_the_text_says(schedule, &bookings, last, |now| {
                now == last || mask >> (now % 64) & 1 == 1
            }))
        },
    );
}

/// All schedules of up to three periods of up to three epochs, up to two bookings of a few
/// units, at all epochs of two periods and as late as a year after, and claims at every
/// choice of epochs of a pattern of four.
#[test]
fn g14_every_small_vesting_goes_as_the_text_says() {
    let begun = Instant::now();
    let mut cases = 0_u64;
    for period_epochs in 1..=3_u32 {
        for vesting_periods in 1..=3_u8 {
            let schedule = Vesting {
                period_epochs,
                vesting_periods,
            };
            let mut all = Vec::new();
            for epoch in 0..2 * period_epochs {
                for late in [0, 1, 2, 5, 9, 13] {
                    for amount in [1, 2, 7, 12] {
                        all.push(Booking {
                            epoch,
                            late,
                            amount,
                        });
                    }
                }
            }
            for (k, one) in all.iter().enumerate() {
                for other in &all[k..] {
                    for pattern in [0_u32, 1, 6, 11, 15] {
                        let bookings = [*one, *other];
                        let last = end_of(schedule, &bookings);
                        vests_as_the_text_says(schedule, &bookings, last, |now| {
                            now == last || pattern >> (now % 4) & 1 == 1
                        })
                        .unwrap_or_else(|error| panic!("{error}, claims {pattern:b}"));
                        cases += 1;
                    }
                }
            }
        }
    }
    SUITE.record(
        "g14_every_small_vesting_goes_as_the_text_says",
        cases,
        begun,
    );
}

/// Every reward up to a cap, for all caps up to 60 and 21 values of each of the two shares,
/// in both tiers.
#[test]
fn every_small_reward_is_split_as_the_text_says() {
    let begun = Instant::now();
    let mut cases = 0_u64;
    let shares = || (0..=20_u32).map(|twentieth| twentieth * PPM / 20);
    for share in shares() {
        for allowance in shares() {
            let liquid = Liquid { share, allowance };
            let epoch = Epoch {
                bond_leverage: PPM,
                uplift: PPM,
                operator_cap: PPM,
                fragment_premium: PPM,
                ..Epoch::default()
            };
            let params = params(&epoch, liquid);
            for cap in 0..=60_u128 {
                for amount in 0..=cap {
                    let vetted = reward::vetted(&params, amount, cap, 0);
                    let open = reward::open(&params, 1, 1, amount, amount, 0);
                    for (reward, tier) in [(vetted, true), (open, false)] {
                        let (exact, cap) = (BigUint::from(amount), BigUint::from(cap));
                        let expected = vesting::liquid(&exact, tier, &cap, share, allowance);
                        assert_eq!(reward.amount, amount);
                        assert_eq!(
                            BigUint::from(reward.liquid),
                            expected,
                            "{amount} of {cap:?}, {liquid:?}, vetted: {tier}"
                        );
                        cases += 1;
                    }
                }
            }
        }
    }
    SUITE.record("every_small_reward_is_split_as_the_text_says", cases, begun);
}

// Every small epoch.

/// Work figures, bonds and shares of the small epochs, three of each. They are chosen so
/// that each rule binds in some and not in others.
const FRAGMENTS: [u128; 3] = [0, 1, 20];
const BULKS: [u128; 3] = [0, 3, 500];
const BONDS: [u128; 3] = [0, 7, 1_000];
const FLOORS: [u32; 3] = [0, 200_000, 500_000];
const PREMIUMS: [u32; 3] = [PPM, 3 * PPM, 100 * PPM];
const CAPS: [u32; 3] = [1_000, 250_000, PPM];
const CEILINGS: [u32; 3] = [0, 150_000, PPM];
const UPLIFTS: [u32; 3] = [PPM, 5 * PPM / 2, 1_000 * PPM];
const LEVERAGES: [u32; 3] = [0, 300_000, 1_000 * PPM];
const SHARES: usize = 729;

/// Budgets, taken in turn: at the small ones rounding is all there is.
const BUDGETS: [u128; 5] = [1, 12, 997, 1_000_003, 100_000_000_003];

/// Fee multiples, taken in turn.
const MULTIPLES: [Option<u32>; 3] = [None, Some(2 * PPM), None];

/// Every operator that the grids allow.
fn kinds() -> Vec<Operator> {
    let mut kinds = Vec::new();
    for vetted in [true, false] {
        for fragment in FRAGMENTS {
            for bulk in BULKS {
                for bond in BONDS {
                    kinds.push(Operator {
                        vetted,
                        fragment,
                        bulk,
                        bond,
                        fees: fragment + 3 * bulk,
                    });
                }
            }
        }
    }
    kinds
}

/// Every multiset of up to `most` of `kinds` kinds.
fn populations(kinds: usize, most: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    let mut begun = 0;
    for _ in 0..most {
        let end = all.len();
        for k in begun..end {
            let last = all[k].last().copied().unwrap_or(0);
            for kind in last..kinds {
                let mut next = all[k].clone();
                next.push(kind);
                all.push(next);
            }
        }
        begun = end;
    }
    all
}

/// The epoch number `turn` of a population with the shares number `shares`.
fn small_epoch(operators: Vec<Operator>, mut shares: usize, turn: usize) -> Epoch {
    let mut next = |grid: [u32; 3]| {
        let share = grid[shares % 3];
        shares /= 3;
        share
    };
    Epoch {
        // One more than twice the budget, at a rate of one half.
        reserve: 2 * BUDGETS[turn % BUDGETS.len()] + 1,
        rate: PPM / 2,
        unit_ceiling: None,
        fragment_floor: next(FLOORS),
        fragment_premium: next(PREMIUMS),
        operator_cap: next(CAPS),
        open_ceiling: next(CEILINGS),
        uplift: next(UPLIFTS),
        bond_leverage: next(LEVERAGES),
        fee_multiple: MULTIPLES[turn / BUDGETS.len() % MULTIPLES.len()],
        operators,
    }
}

/// Every population of up to `PLIMSOLL_EXHAUSTIVE` operators of the grids, under every
/// combination of the shares; budgets and fee multiples are taken in turn. The bond of a
/// vetted operator must not matter (G19) and is varied all the same.
#[test]
fn g2_g3_g4_g5_g6_g7_g9_g13_g19_every_small_population_is_divided_as_the_text_says() {
    let name = "g2_g3_g4_g5_g6_g7_g9_g13_g19_every_small_population_is_divided_as_the_text_says";
    let most = usize::try_from(number("PLIMSOLL_EXHAUSTIVE", 2, 1)).expect("few operators");
    let begun = Instant::now();
    let kinds = kinds();
    let populations = populations(kinds.len(), most);
    let liquid = Liquid {
        share: 250_000,
        allowance: 100_000,
    };
    let (next, done, failed) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicUsize::new(0));
    let tenth = populations.len().div_ceil(10);
    let check = || loop {
        let k = next.fetch_add(1, Ordering::Relaxed);
        let Some(population) = populations.get(k) else {
            return;
        };
        if failed.load(Ordering::Relaxed) > 0 {
            return;
        }
        if k > 0 && k.is_multiple_of(tenth) {
            say(&format!(
                "small populations: {k} of {}, {} s",
                populations.len(),
                begun.elapsed().as_secs()
            ));
        }
        let operators: Vec<Operator> = population.iter().map(|kind| kinds[*kind]).collect();
        for shares in 0..SHARES {
            let epoch = small_epoch(operators.clone(), shares, k + shares);
            let opinion = epoch.opinion::<u128>();
            let allocation = allocated(&epoch, liquid);
            let verdict = compare(&epoch, liquid, &opinion, &allocation)
                .and_then(|()| orderly(&epoch, &allocation));
            if let Err(error) = verdict {
                failed.fetch_add(1, Ordering::Relaxed);
                panic!(
                    "{error}\nin {epoch:#?}\nallocated as {:#?}",
                    allocation.rewards
                );
            }
        }
        done.fetch_add(SHARES as u64, Ordering::Relaxed);
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(check);
        }
    });
    let done = done.into_inner();
    assert_eq!(done, (populations.len() * SHARES) as u64, "all of them");
    SUITE.record(name, done, begun);
}
