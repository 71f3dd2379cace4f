//! Random epochs that reach the edges.

use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::{Param, Params};
use plimsoll_interface::mechanism::work::{FEES_LIMIT, WORK_LIMIT};
use plimsoll_tests::SUPPLY;
use proptest::prelude::*;
use proptest::sample::select;

/// The most people of an ordinary epoch, and of a large one.
pub const FEW: usize = 24;
pub const MANY: usize = 200;

/// What one operator brings into an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    pub fragment: u64,
    pub bulk: u64,
    /// In fee units.
    pub fees: u64,
    /// What it bonded; nothing if it is vetted.
    pub bond: Option<u128>,
}

/// An epoch and how it is worked.
#[derive(Clone, Debug)]
pub struct Plan {
    pub params: Params,
    /// What is funded before genesis.
    pub reserve: u128,
    pub people: Vec<Person>,
    /// Epochs without work before it.
    pub idle: u32,
    /// Whether there was work in the first epoch, which nobody books.
    pub unbooked: bool,
    /// Decides orders, cuts and choices.
    pub seed: u64,
}

/// 0 up to `2^bits - 1`, every order of magnitude alike.
pub fn magnitude(bits: u32) -> impl Strategy<Value = u128> + Clone {
    (0..=bits, any::<u128>()).prop_map(|(bits, value)| match bits {
        0 => 0,
        bits => value >> (128 - bits),
    })
}

fn figure(bits: u32) -> impl Strategy<Value = u64> + Clone {
    magnitude(bits).prop_map(|value| u64::try_from(value).expect("at most 64 bits"))
}

/// A parameter within its bounds: each bound, anything between, near the smallest.
fn parameter(param: Param) -> BoxedStrategy<u32> {
    let (low, high) = param.bounds();
    prop_oneof![
        1 => Just(low),
        1 => Just(high),
        3 => low..=high,
        2 => low..=high.min(low.saturating_mul(8)),
    ]
    .boxed()
}

fn any_params() -> impl Strategy<Value = Params> {
    let unit_ceiling = prop_oneof![
        5 => Just(None),
        1 => select(vec![Some(0), Some(1), Some(u128::MAX)]),
        2 => magnitude(100).prop_map(Some),
    ];
    let fee_multiple = prop_oneof![
        4 => Just(None),
        1 => select(vec![Some(0), Some(1), Some(PPM), Some(u32::MAX)]),
        3 => any::<u32>().prop_map(Some),
    ];
    (
        parameter(Param::Rate),
        (unit_ceiling, fee_multiple),
        parameter(Param::FragmentFloor),
        parameter(Param::FragmentPremium),
        parameter(Param::OperatorCap),
        parameter(Param::OpenCeiling),
        parameter(Param::Uplift),
        parameter(Param::BondLeverage),
        parameter(Param::LiquidShare),
        parameter(Param::LiquidAllowance),
    )
        .prop_map(
            |(
                rate,
                (unit_ceiling, fee_multiple),
                fragment_floor,
                fragment_premium,
                operator_cap,
                open_ceiling,
                uplift,
                bond_leverage,
                liquid_share,
                liquid_allowance,
            )| Params {
                rate,
                unit_ceiling,
                fee_multiple,
                fragment_floor,
                fragment_premium,
                operator_cap,
                open_ceiling,
                uplift,
                bond_leverage,
                liquid_share,
                liquid_allowance,
            },
        )
}

/// Parameters within their bounds. In some nothing caps anybody, so that the division
/// itself shows; in some everybody meets a cap.
pub fn params() -> impl Strategy<Value = Params> {
    (any_params(), 0..4_u8).prop_map(|(params, kind)| match kind {
        0 => Params {
            rate: PPM,
            unit_ceiling: None,
            fee_multiple: None,
            operator_cap: PPM,
            open_ceiling: PPM,
            bond_leverage: 1_000 * PPM,
            ..params
        },
        1 => Params {
            rate: params.rate.max(1_000),
            unit_ceiling: None,
            operator_cap: 1_000 + params.operator_cap / 20,
            uplift: 1_000 * PPM,
            ..params
        },
        _ => params,
    })
}

/// How work is spread over people.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Nothing,
    One,
    Alike,
    Few,
    Magnitudes,
    Pareto,
    Most,
}

fn units(spread: Spread) -> BoxedStrategy<u64> {
    match spread {
        Spread::Nothing => Just(0).boxed(),
        Spread::One => Just(1).boxed(),
        Spread::Alike => prop_oneof![6 => Just(1_000), 1 => Just(0)].boxed(),
        Spread::Few => (0..=4_u64).boxed(),
        Spread::Magnitudes => figure(45).boxed(),
        // The density of a Pareto tail with exponent 1: the largest of n does half of all.
        Spread::Pareto => any::<u32>()
            .prop_map(|u| (1 << 44) / (u64::from(u) + 1))
            .boxed(),
        Spread::Most => select(vec![0, 1, WORK_LIMIT / 2, WORK_LIMIT - 1]).boxed(),
    }
}

fn people(size: BoxedStrategy<usize>) -> impl Strategy<Value = Vec<Person>> {
    use Spread::*;
    let spreads = vec![
        Nothing, One, Alike, Few, Few, Magnitudes, Magnitudes, Pareto, Pareto, Most,
    ];
    // How many in ten are vetted: nobody, few, half, nearly all, all.
    let vetted = select(vec![0_u32, 2, 5, 5, 9, 10]);
    let fees = select(vec![0_u8, 1, 2, 2]);
    (size, select(spreads.clone()), select(spreads), vetted, fees).prop_flat_map(
        |(size, fragment, bulk, vetted, fees)| {
            let fees = match fees {
                0 => Just(0).boxed(),
                1 => Just(FEES_LIMIT - 1).boxed(),
                _ => prop_oneof![figure(43), select(vec![0, 1, 1_000])].boxed(),
            };
            // Few distinct bonds, so that some are comparable, or any.
            let bond = prop_oneof![
                select(vec![1, 1_000, 1_u128 << 60]),
                magnitude(80).prop_map(|bond| bond + 1),
            ];
            let person = (units(fragment), units(bulk), fees, bond, 0..10_u32).prop_map(
                move |(fragment, bulk, fees, bond, roll)| Person {
                    fragment,
                    bulk,
                    fees,
                    bond: (roll >= vetted).then_some(bond),
                },
            );
            prop::collection::vec(person, size)
        },
    )
}

fn sized(size: BoxedStrategy<usize>) -> impl Strategy<Value = Plan> {
    let reserve = prop_oneof![
        1 => select(vec![0, 1, 99, SUPPLY / 2]),
        3 => magnitude(98),
        // What makes rounding visible.
        2 => 0..=100_000_u128,
    ];
    let idle = prop_oneof![3 => Just(0), 2 => 1..=5_u32, 1 => 100..=40_000_u32];
    (
        params(),
        reserve,
        people(size),
        idle,
        prop::bool::weighted(0.3),
        any::<u64>(),
    )
        .prop_map(|(params, reserve, people, idle, unbooked, seed)| Plan {
            params,
            reserve,
            people,
            idle,
            unbooked,
            seed,
        })
}

/// Epochs of few people, or of one.
pub fn plans() -> impl Strategy<Value = Plan> {
    sized(prop_oneof![1 => Just(1_usize), 6 => 2..=7_usize, 2 => 8..=FEW].boxed())
}

/// [`plans`], and some of many people.
pub fn plans_of_any_size() -> impl Strategy<Value = Plan> {
    prop_oneof![
        60 => plans(),
        1 => sized((FEW + 1..=MANY).boxed()),
    ]
}

/// A number that depends on `seed` and `k` alone.
pub fn scramble(seed: u64, k: usize) -> u64 {
    // The finalizer of SplitMix64.
    let mut z = seed.wrapping_add((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The numbers below `count` in an order that depends on `seed`.
pub fn order(seed: u64, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_by_key(|k| scramble(seed, *k as usize));
    order
}
