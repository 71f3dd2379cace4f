//! Random epochs that reach the edges.

use super::source::Source;
use plimsoll_mechanism::math::PPM;
use plimsoll_mechanism::params::{Param, Params};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;
use plimsoll_mechanism::work::WORK_LIMIT;

/// The largest reserve drawn.
pub const RESERVE_LIMIT: u128 = 1 << 127;

/// One less than the limit of a work figure in a contract.
pub const WORK_MAX: u128 = WORK_LIMIT as u128 - 1;

/// As many operators as an epoch has at most here.
pub const CROWD: usize = 10_000;

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
pub fn magnitude(source: &mut Source, limit: u128) -> u128 {
    let bits = source.small(0..=128 - limit.leading_zeros());
    if bits == 0 {
        return 0;
    }
    let value = if bits <= 64 {
        u128::from(source.word() >> (64 - bits))
    } else {
        source.wide() >> (128 - bits)
    };
    value.min(limit)
}

/// [`magnitude`] of 64 bits.
pub fn magnitude64(source: &mut Source, limit: u64) -> u64 {
    magnitude(source, u128::from(limit)) as u64
}

/// A parameter within its bounds: each bound, any order of magnitude, anything between.
fn parameter(source: &mut Source, param: Param) -> u32 {
    let (low, high) = param.bounds();
    match source.weighted(&[1, 1, 2, 2, 3]) {
        0 => low,
        1 => high,
        2 => source.small(low..=high),
        // A few times the smallest, where premium and uplift just bind.
        3 => source.small(low..=high.min(low.saturating_mul(8))),
        _ => low + magnitude64(source, u64::from(high - low)) as u32,
    }
}

/// Parameters within their bounds. In some of them no cap and no ceiling binds, so
/// that the division itself shows; in some every share is as small, or as large, as it
/// can be.
pub fn params(source: &mut Source) -> Params {
    match source.weighted(&[28, 10, 1, 1]) {
        0 => any_params(source),
        1 => ample_params(source),
        2 => bound_params(any_params(source), false),
        _ => bound_params(any_params(source), true),
    }
}

fn ample_params(source: &mut Source) -> Params {
    Params {
        rate: PPM,
        unit_ceiling: None,
        fee_multiple: None,
        operator_cap: PPM,
        open_ceiling: PPM,
        bond_leverage: 1_000 * PPM,
        ..any_params(source)
    }
}

/// Every share at its smallest, or at its largest: 0 and one whole where the bounds
/// allow it.
fn bound_params(params: Params, largest: bool) -> Params {
    let bound = |param: Param| {
        let (low, high) = param.bounds();
        if largest {
            high
        } else {
            low
        }
    };
    Params {
        rate: bound(Param::Rate),
        fragment_floor: bound(Param::FragmentFloor),
        operator_cap: bound(Param::OperatorCap),
        open_ceiling: bound(Param::OpenCeiling),
        liquid_share: bound(Param::LiquidShare),
        liquid_allowance: bound(Param::LiquidAllowance),
        ..params
    }
}

fn any_params(source: &mut Source) -> Params {
    Params {
        rate: parameter(source, Param::Rate),
        unit_ceiling: match source.weighted(&[4, 1, 2]) {
            0 => None,
            1 => Some(source.one(&[0, 1, u128::MAX])),
            _ => Some(magnitude(source, u128::MAX)),
        },
        fee_multiple: match source.weighted(&[3, 1, 2]) {
            0 => None,
            1 => Some(source.one(&[0, 1, PPM, u32::MAX])),
            _ => Some(magnitude64(source, u64::from(u32::MAX)) as u32),
        },
        fragment_floor: parameter(source, Param::FragmentFloor),
        fragment_premium: parameter(source, Param::FragmentPremium),
        operator_cap: parameter(source, Param::OperatorCap),
        open_ceiling: parameter(source, Param::OpenCeiling),
        uplift: parameter(source, Param::Uplift),
        bond_leverage: parameter(source, Param::BondLeverage),
        liquid_share: parameter(source, Param::LiquidShare),
        liquid_allowance: parameter(source, Param::LiquidAllowance),
    }
}

/// A reserve in base units.
pub fn reserve(source: &mut Source) -> u128 {
    match source.weighted(&[1, 4, 3]) {
        0 => source.one(&[0, 1, 99, 1_000_000, 1 << 96, RESERVE_LIMIT]),
        1 => magnitude(source, RESERVE_LIMIT),
        // What makes rounding visible.
        _ => u128::from(source.within(0..=5_000_000)),
    }
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

const SPREADS: [Spread; 10] = [
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

fn units(source: &mut Source, spread: Spread) -> u128 {
    match spread {
        Spread::Nothing => 0,
        Spread::Alike => source.one(&[1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 0]),
        Spread::Few => u128::from(source.within(0..=4)),
        Spread::Hundred => u128::from(source.within(0..=100)),
        Spread::Magnitudes => magnitude(source, 1 << 47),
        // The density of a Pareto tail with exponent 1: the largest of n does half of all.
        Spread::Pareto => (1 << 45) / (u128::from(source.word() >> 32) + 1),
        Spread::Edges => source.one(&[0, 1, 2, 1 << 45, WORK_MAX - 1, WORK_MAX]),
    }
}

/// Amounts that set ceilings (fees, bonds): few distinct ones, so that operators
/// are comparable, or any.
#[derive(Clone, Copy, Debug)]
enum Ceilings {
    Nothing,
    Ample,
    Some,
    Magnitudes,
}

const CEILINGS: [Ceilings; 9] = [
    Ceilings::Ample,
    Ceilings::Ample,
    Ceilings::Nothing,
    Ceilings::Some,
    Ceilings::Some,
    Ceilings::Some,
    Ceilings::Magnitudes,
    Ceilings::Magnitudes,
    Ceilings::Magnitudes,
];

fn ceiling(source: &mut Source, ceilings: Ceilings) -> u128 {
    match ceilings {
        Ceilings::Nothing => 0,
        Ceilings::Ample => 1 << 110,
        Ceilings::Some => source.one(&[0, 1, 1_000, 1 << 40, 1 << 100]),
        Ceilings::Magnitudes => magnitude(source, 1 << 110),
    }
}

/// Parts of `size` operators.
fn parts(source: &mut Source, size: usize) -> Vec<Part> {
    let (fragment, bulk) = (source.one(&SPREADS), source.one(&SPREADS));
    // How many in ten are vetted: nobody, few, half, nearly all, all.
    let vetted = source.one(&[10, 0, 1, 5, 9, 10]);
    let (fees, bond) = (source.one(&CEILINGS), source.one(&CEILINGS));
    source.list(size, |source| Part {
        work: Work {
            fragment: units(source, fragment),
            bulk: units(source, bulk),
        },
        vetted: source.below(10) < vetted,
        fees: ceiling(source, fees),
        bond: ceiling(source, bond),
        raised: false,
    })
}

/// An epoch of any size: mostly a few operators or some dozens, rarely ten thousand.
pub fn epoch(source: &mut Source) -> Epoch {
    let size = match source.weighted(&[3_200, 1_440, 360, 6, 1]) {
        0 => source.count(0..=6),
        1 => source.count(1..=40),
        2 => source.count(40..=200),
        3 => source.count(1_000..=2_000),
        _ => CROWD,
    };
    sized(source, size)
}

/// An epoch of at most 40 operators, where a test computes it many times over.
pub fn small_epoch(source: &mut Source) -> Epoch {
    let size = match source.weighted(&[3, 1]) {
        0 => source.count(1..=6),
        _ => source.count(1..=40),
    };
    sized(source, size)
}

/// A few operators of like size and nothing that caps them: what one gains or loses
/// by a little more work shows.
pub fn contested_epoch(source: &mut Source) -> Epoch {
    let mut params = ample_params(source);
    params.fragment_premium = source.small(PPM..=8 * PPM);
    if source.below(2) == 1 {
        params.fragment_floor = Param::FragmentFloor.bounds().1;
    }
    let reserve = magnitude(source, RESERVE_LIMIT);
    let size = source.count(1..=5);
    let parts = source.list(size, |source| Part {
        work: Work {
            fragment: u128::from(source.within(0..=100)),
            bulk: u128::from(match source.weighted(&[3, 1]) {
                0 => source.within(0..=20),
                _ => source.within(0..=1_000),
            }),
        },
        vetted: source.below(2) == 1,
        bond: 1 << 110,
        fees: 0,
        raised: false,
    });
    Epoch {
        params,
        reserve,
        parts,
    }
}

/// An epoch with works beyond what a contract takes, as the library allows.
pub fn wide_epoch(source: &mut Source) -> Epoch {
    fn figure(source: &mut Source) -> u128 {
        match source.weighted(&[1, 3]) {
            0 => 0,
            _ => magnitude(source, (1 << 121) - 1),
        }
    }
    let (params, reserve) = (params(source), reserve(source));
    let size = source.count(0..=29);
    let parts = source.list(size, |source| Part {
        work: Work {
            fragment: figure(source),
            bulk: figure(source),
        },
        vetted: source.below(2) == 1,
        bond: 1 << 100,
        fees: 1 << 100,
        raised: false,
    });
    Epoch {
        params,
        reserve,
        parts,
    }
}

fn sized(source: &mut Source, size: usize) -> Epoch {
    Epoch {
        params: params(source),
        reserve: reserve(source),
        parts: parts(source, size),
    }
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
