//! Whole epochs on the chain against the mechanism crate, over random populations.

use plimsoll_interface::mechanism::allocate::{allocate, Allocation};
use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::Params;
use plimsoll_interface::mechanism::pools::Work;
use plimsoll_interface::mechanism::record::Part;
use plimsoll_interface::mechanism::work::Entry;
use plimsoll_interface::OPEN_POOL;
use plimsoll_tests::{entry, Event, Setup, World, PARAMS, SUPPLY};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::cell::RefCell;

/// Operators: more than a page of work, both tiers.
const OPERATORS: u32 = 40;

/// Random populations, unless `PLIMSOLL_EPOCHS` says otherwise.
const EPOCHS: u32 = 24;

/// An epoch and the order in which it is worked.
#[derive(Clone, Debug)]
struct Plan {
    params: Params,
    reserve: u128,
    /// By operator: fragment work, bulk work, fees, bond (0: vetted).
    figures: Vec<(u64, u64, u64, u128)>,
    batches: usize,
    seed: u64,
}

fn magnitude(bits: u32) -> impl Strategy<Value = u64> {
    (0..=bits, any::<u64>()).prop_map(|(bits, value)| match bits {
        0 => 0,
        bits => value >> (64 - bits),
    })
}

fn params() -> impl Strategy<Value = Params> {
    (
        1..=PPM,
        prop_oneof![3 => Just(None), 1 => magnitude(60).prop_map(|c| Some(u128::from(c)))],
        prop_oneof![3 => Just(None), 1 => any::<u32>().prop_map(Some)],
        0..=500_000_u32,
        PPM..=100 * PPM,
        1_000..=PPM,
        0..=PPM,
        prop_oneof![Just(PPM), PPM..=10 * PPM, Just(1_000 * PPM)],
        0..=1_000 * PPM,
        (0..=PPM, 0..=PPM),
    )
        .prop_map(
            |(
                rate,
                unit_ceiling,
                fee_multiple,
                floor,
                premium,
                cap,
                ceiling,
                uplift,
                leverage,
                liquid,
            )| {
                Params {
                    rate,
                    unit_ceiling,
                    fee_multiple,
                    fragment_floor: floor,
                    fragment_premium: premium,
                    operator_cap: cap,
                    open_ceiling: ceiling,
                    uplift,
                    bond_leverage: leverage,
                    liquid_share: liquid.0,
                    liquid_allowance: liquid.1,
                }
            },
        )
}

fn plans() -> impl Strategy<Value = Plan> {
    let figure = || prop_oneof![1 => Just(0), 3 => magnitude(20), 2 => magnitude(40)];
    let bond = prop_oneof![3 => Just(0), 2 => magnitude(50).prop_map(|b| u128::from(b) + 100)];
    (
        params(),
        select(vec![1, 1_000, 1_000_000, 1 << 60, SUPPLY / 2]),
        prop::collection::vec((figure(), figure(), figure(), bond), 1..=OPERATORS as usize),
        1..=4_usize,
        any::<u64>(),
    )
        .prop_map(|(params, reserve, figures, batches, seed)| Plan {
            params,
            reserve,
            figures,
            batches,
            seed,
        })
}

/// A number that depends on `seed` and `k` alone.
fn scramble(seed: u64, k: u64) -> u64 {
    let mut z = seed.wrapping_add((k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn order(seed: u64, count: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by_key(|k| scramble(seed, u64::from(*k)));
    order
}

/// What the mechanism makes of the plan.
fn expected(plan: &Plan, fee_unit: u128) -> Allocation {
    let parts: Vec<Part> = plan
        .figures
        .iter()
        .map(|(fragment, bulk, fees, bond)| Part {
            work: Work {
                fragment: u128::from(*fragment),
                bulk: u128::from(*bulk),
            },
            fees: u128::from(*fees) * fee_unit,
            vetted: *bond == 0,
            raised: false,
            bond: *bond,
        })
        .collect();
    allocate(&plan.params, plan.reserve, &parts).expect("far below 128 bits")
}

/// Works, settles, raises and books the plan on the chain, and compares.
fn play(world: &mut World, plan: &Plan) -> Result<(), TestCaseError> {
    let allocation = expected(plan, world.settings().fee_unit);
    world.fund(plan.reserve);
    let vetted: Vec<u32> = (0..)
        .zip(&plan.figures)
        .filter(|(_, figures)| figures.3 == 0)
        .map(|(operator, _)| operator)
        .collect();
    if !vetted.is_empty() {
        world.vouch(&vetted);
    }
    for (operator, figures) in (0_u32..).zip(&plan.figures) {
        if figures.3 > 0 {
            world.bond(operator, figures.3);
        }
    }
    world
        .queue(&plimsoll_interface::Change::Params(plan.params))
        .done();
    world.go_to_epoch(2);
    // Cut into batches at random, over all lanes.
    for batch in 0..plan.batches {
        let entries: Vec<Entry> = (0_u32..)
            .zip(&plan.figures)
            .filter_map(|(operator, figures)| {
                let k = u64::from(operator);
                let mine = scramble(plan.seed, k) as usize % plan.batches;
                let half = scramble(plan.seed, k + 1_000).is_multiple_of(2);
                let other = (mine + 1) % plan.batches;
                let part = |whole: u64| match (batch == mine, batch == other) {
                    (true, true) => whole,
                    (true, false) => whole - if half { whole / 2 } else { 0 },
                    (false, true) => {
                        if half {
                            whole / 2
                        } else {
                            0
                        }
                    }
                    (false, false) => 0,
                };
                (batch == mine || batch == other)
                    .then(|| entry(operator, part(figures.0), part(figures.1), part(figures.2)))
            })
            .collect();
        if !entries.is_empty() {
            let lane = (batch % 3) as u32;
            let batch = world.batch(2, lane, &entries);
            let credited = world.attest(&batch).done();
            prop_assert_eq!(credited.skipped, 0);
        }
    }
    world.go_to_settlement(2);
    let budget = world.settle().done().budget;
    prop_assert_eq!(budget, allocation.budget());
    let count = plan.figures.len() as u32;
    let mut list = order(plan.seed, count);
    list.insert(plan.seed as usize % list.len(), OPEN_POOL);
    while world.raise(2, &list).done() > 0 {}
    world.go_to_final(2);
    let view = world.epoch(2).expect("worked");
    let (settlement, division) = (
        view.settlement.expect("settled"),
        view.division.expect("settled"),
    );
    let record = allocation.record.settlement.expect("settled");
    prop_assert_eq!(settlement.level, record.level);
    prop_assert_eq!(settlement.open_raised, record.open_raised);
    prop_assert_eq!(division.open_reward, allocation.record.open_reward());
    prop_assert_eq!(division.vetted_weight, allocation.division.vetted_weight);
    prop_assert_eq!(division.open_weight, allocation.division.open_weight);
    for (operator, (reward, part)) in (0..).zip(allocation.rewards.iter().zip(&allocation.parts)) {
        let preview = world.preview(2, operator);
        prop_assert_eq!(preview.raised, part.raised);
        prop_assert_eq!(
            (preview.reward, preview.liquid),
            (reward.amount, reward.liquid)
        );
    }
    let sent = world.book(&[2], &order(plan.seed ^ 1, count));
    for event in &sent.events {
        if let Event::RewardsBooked(booked) = event {
            for (operator, amount, liquid, returned) in &booked.rewards {
                let reward = &allocation.rewards[*operator as usize];
                prop_assert_eq!(
                    (*amount, *liquid, *returned),
                    (reward.amount, reward.liquid, reward.returned)
                );
            }
        }
    }
    let booked = sent.done();
    let sum: u128 = allocation.rewards.iter().map(|r| r.amount).sum();
    prop_assert_eq!(booked.amount, sum);
    let ledger = world.ledger();
    let carried = ledger.reserve + ledger.inflows + ledger.pots;
    prop_assert_eq!(carried, plan.reserve - budget + allocation.carry());
    Ok(())
}

#[test]
fn a_whole_epoch_on_the_chain_equals_the_mechanism_to_the_unit() {
    let mut setup = Setup {
        params: PARAMS,
        ..Setup::default()
    };
    setup.settings.max_vouches = OPERATORS;
    let mut world = World::with(setup);
    world.register_many(OPERATORS);
    let start = world.chain.snapshot();
    let world = RefCell::new(world);
    let cases = std::env::var("PLIMSOLL_EPOCHS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(EPOCHS);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&plans(), |plan| {
        let mut world = world.borrow_mut();
        world.chain.restore(&start);
        play(&mut world, &plan)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
