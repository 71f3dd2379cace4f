//! Random epochs that reach the edges.

use plimsoll_mechanism::math::PPM;
use plimsoll_mechanism::params::{Param, Params};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::work::WORK_LIMIT;
use proptest::prelude::*;
use proptest::sample::select;

/// The largest reserve drawn.
pub const RESERVE_LIMIT: u128 = 1 << 127;

/// One less than the limit of a work figure in a contract.
pub const WORK_MAX: u128 = WORK_LIMIT as u128 - 1;

/// One epoch before it is settled.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// The parameters at its start.
    pub params: Params,
    /// The reserve at its start, in base units.
    pub reserve: u128,
    /// Everybody's part.
    pub parts: Vec<Part>,
}

/// 0 up to `limit`, every order of magnitude alike, `limit` itself included.
pub fn magnitude(limit: u128) -> impl Strategy<Value = u128> + Clone {
    (0..=128 - limit.leading_zeros(), any::<u128>()).prop_map(move |(bits, value)| {
        if bits == 0 {
            0
        } else {
            (value >> (128 - bits)).min(limit)
        }
    })
}

/// A parameter within its bounds: each bound, any order of magnitude, anything between.
fn parameter(param: Param) -> BoxedStrategy<u32> {
    let (low, high) = param.bounds();
    prop_oneof![
        1 => Just(low),
        1 => Just(high),
        2 => low..=high,
        // A few times the smallest, where premium and uplift just bind.
        2 => low..=high.min(low.saturating_mul(8)),
        3 => magnitude(u128::from(high - low)).prop_map(move |above| {
            low + u32::try_from(above).expect("at most the bound, a u32")
        }),
    ]
    .boxed()
}

/// Parameters within their bounds. In some of them no cap and no ceiling binds, so
/// that the division itself shows.
pub fn params() -> impl Strategy<Value = Params> {
    prop_oneof![3 => any_params(), 1 => ample_params()]
}

fn ample_params() -> impl Strategy<Value = Params> {
    any_params().prop_map(|params| Params {
        rate: PPM,
        unit_ceiling: None,
        fee_multiple: None,
        operator_cap: PPM,
        open_ceiling: PPM,
        bond_leverage: 1_000 * PPM,
        ..params
    })
}

fn any_params() -> impl Strategy<Value = Params> {
    let any_multiple = prop_oneof![
        3 => Just(None),
        1 => select(vec![Some(0), Some(1), Some(PPM), Some(u32::MAX)]),
        2 => magnitude(u128::from(u32::MAX)).prop_map(|m| u32::try_from(m).ok()),
    ];
    let any_ceiling = prop_oneof![
        4 => Just(None),
        1 => select(vec![Some(0), Some(1), Some(u128::MAX)]),
        2 => magnitude(u128::MAX).prop_map(Some),
    ];
    (
        parameter(Param::Rate),
        any_ceiling,
        any_multiple,
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

/// A reserve in base units.
pub fn reserve() -> impl Strategy<Value = u128> {
    prop_oneof![
        1 => select(vec![0, 1, 99, 1_000_000, 1 << 96, RESERVE_LIMIT]),
        4 => magnitude(RESERVE_LIMIT),
        // What makes rounding visible.
        3 => 0_u128..=5_000_000,
    ]
}

/// How work is spread over operators.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Nothing,
    Alike,
    Few,
    Hundred,
    Magnitudes,
    Pareto,
    Edges,
}

fn units(spread: Spread) -> BoxedStrategy<u128> {
    match spread {
        Spread::Nothing => Just(0).boxed(),
        Spread::Alike => prop_oneof![6 => Just(1_000), 1 => Just(0)].boxed(),
        Spread::Few => (0_u128..=4).boxed(),
        Spread::Hundred => (0_u128..=100).boxed(),
        Spread::Magnitudes => magnitude(1 << 47).boxed(),
        // The density of a Pareto tail with exponent 1: the largest of n does half of all.
        Spread::Pareto => any::<u32>()
            .prop_map(|u| (1 << 45) / (u128::from(u) + 1))
            .boxed(),
        Spread::Edges => select(vec![0, 1, 2, 1 << 45, WORK_MAX - 1, WORK_MAX]).boxed(),
    }
}

/// Amounts that set ceilings (fees, bonds): few distinct ones, so that operators
/// are comparable, or any.
fn ceilings() -> BoxedStrategy<BoxedStrategy<u128>> {
    prop_oneof![
        1 => Just(Just(0).boxed()),
        2 => Just(Just(1 << 110).boxed()),
        3 => Just(select(vec![0, 1, 1_000, 1 << 40, 1 << 100]).boxed()),
        3 => Just(magnitude(1 << 110).boxed()),
    ]
    .boxed()
}

/// Parts of `size` operators.
fn parts(size: BoxedStrategy<usize>) -> impl Strategy<Value = Vec<Part>> {
    let spreads = vec![
        Spread::Nothing,
        Spread::Alike,
        Spread::Few,
        Spread::Hundred,
        Spread::Hundred,
        Spread::Magnitudes,
        Spread::Magnitudes,
        Spread::Pareto,
        Spread::Pareto,
        Spread::Edges,
    ];
    // How many in ten are vetted: nobody, few, half, nearly all, all.
    let vetted = select(vec![0_u32, 1, 5, 9, 10, 10]);
    (
        size,
        select(spreads.clone()),
        select(spreads),
        vetted,
        ceilings(),
        ceilings(),
    )
        .prop_flat_map(|(size, fragment, bulk, vetted, fees, bond)| {
            let part = (
                units(fragment),
                units(bulk),
                (0..10_u32).prop_map(move |roll| roll < vetted),
                fees,
                bond,
            )
                .prop_map(|(fragment, bulk, vetted, fees, bond)| Part {
                    work: Work { fragment, bulk },
                    fees,
                    vetted,
                    raised: false,
                    bond,
                });
            prop::collection::vec(part, size)
        })
}

/// An epoch of any size: mostly some dozens of operators, sometimes 2,000.
pub fn epoch() -> impl Strategy<Value = Epoch> {
    sized(
        prop_oneof![
            240 => 0..=6_usize,
            120 => 1..=40_usize,
            60 => 40..=200_usize,
            2 => Just(2_000_usize),
        ]
        .boxed(),
    )
}

/// An epoch of at most 40 operators, where a test computes it many times over.
pub fn small_epoch() -> impl Strategy<Value = Epoch> {
    sized(prop_oneof![3 => 1..=6_usize, 1 => 1..=40_usize].boxed())
}

/// A few operators of like size and nothing that caps them: what one gains or loses
/// by a little more work shows.
pub fn contested_epoch() -> impl Strategy<Value = Epoch> {
    let bulk = prop_oneof![3 => 0..=20_u128, 1 => 0..=1_000_u128];
    let part = (0..=100_u128, bulk, any::<bool>()).prop_map(|(fragment, bulk, vetted)| Part {
        work: Work { fragment, bulk },
        vetted,
        bond: 1 << 110,
        fees: 0,
        raised: false,
    });
    let parts = prop::collection::vec(part, 1..6);
    let premium = PPM..=8 * PPM;
    (
        ample_params(),
        premium,
        any::<bool>(),
        magnitude(RESERVE_LIMIT),
        parts,
    )
        .prop_map(|(mut params, premium, highest_floor, reserve, parts)| {
            params.fragment_premium = premium;
            if highest_floor {
                params.fragment_floor = Param::FragmentFloor.bounds().1;
            }
            Epoch {
                params,
                reserve,
                parts,
            }
        })
}

/// An epoch with works beyond what a contract takes, as the library allows.
pub fn wide_epoch() -> impl Strategy<Value = Epoch> {
    let figure = || prop_oneof![3 => magnitude((1 << 121) - 1), 1 => Just(0)];
    let part = (figure(), figure(), any::<bool>()).prop_map(|(fragment, bulk, vetted)| Part {
        work: Work { fragment, bulk },
        vetted,
        bond: 1 << 100,
        fees: 1 << 100,
        raised: false,
    });
    (params(), reserve(), prop::collection::vec(part, 0..30)).prop_map(
        |(params, reserve, parts)| Epoch {
            params,
            reserve,
            parts,
        },
    )
}

fn sized(size: BoxedStrategy<usize>) -> impl Strategy<Value = Epoch> {
    (params(), reserve(), parts(size)).prop_map(|(params, reserve, parts)| Epoch {
        params,
        reserve,
        parts,
    })
}

/// A number that depends on `seed` and `k` alone, for orders and choices.
pub fn scramble(seed: u64, k: usize) -> u64 {
    // The finalizer of SplitMix64.
    let mut z = seed.wrapping_add((k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The numbers below `count` in an order that depends on `seed`.
pub fn order(seed: u64, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|k| scramble(seed, *k));
    order
}
