//! Those among whom the attacker works.

use crate::world::PPM;
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::record::Part;

/// What a client pays for a work unit, in base units.
pub const FEE: u128 = 100;

/// One operator and the clients it serves.
#[derive(Clone, Debug)]
pub struct Member {
    /// Vetted, or open.
    pub vetted: bool,
    /// The work of each of its clients in an epoch, in units.
    pub clients: Vec<u64>,
    /// Its bond, in base units.
    pub bond: u128,
}

/// A network in an ordinary epoch.
#[derive(Clone, Debug)]
pub struct Population {
    /// How it is called in the record.
    pub name: &'static str,
    /// Its parameters.
    pub params: Params,
    /// The reserve at the start of the epoch.
    pub reserve: u128,
    /// `fragment_threshold`.
    pub threshold: u64,
    /// Everybody.
    pub members: Vec<Member>,
}

impl Population {
    /// The work of clients at one operator.
    pub fn work(&self, clients: &[u64]) -> Work {
        clients.iter().fold(Work::default(), |sum, units| {
            let client = Work::of_client(u128::from(*units), u128::from(self.threshold));
            sum.checked_add(&client)
                .expect("work of a population is small")
        })
    }

    /// Everybody's part when all are honest, with the fees that clients paid.
    pub fn parts(&self) -> Vec<Part> {
        self.members
            .iter()
            .map(|member| {
                let work = self.work(&member.clients);
                Part {
                    work,
                    fees: work.total() * FEE,
                    vetted: member.vetted,
                    raised: false,
                    bond: member.bond,
                }
            })
            .collect()
    }

    /// The places of those for whom `choose` holds and who have work.
    pub fn places(&self, choose: impl Fn(&Member) -> bool) -> Vec<usize> {
        (0..self.members.len())
            .filter(|k| choose(&self.members[*k]) && !self.members[*k].clients.is_empty())
            .collect()
    }
}

/// A cap that six can reach, a small open pool, and a floor of two fifths.
const PARAMS: Params = Params {
    rate: 10_000,
    unit_ceiling: None,
    fee_multiple: None,
    fragment_floor: 400_000,
    fragment_premium: 4 * PPM,
    operator_cap: 150_000,
    open_ceiling: 150_000,
    uplift: 4 * PPM,
    bond_leverage: 10_000,
    liquid_share: 250_000,
    liquid_allowance: 100_000,
};

/// A budget of 10^9 base units, and some more.
const RESERVE: u128 = 100_000_012_345;

const THRESHOLD: u64 = 100;

/// A bond that allows a tenth of the budget.
const AMPLE: u128 = 10_000_000_000;

fn member(vetted: bool, small: u64, large: &[u64], bond: u128) -> Member {
    // Small clients are below the threshold, each another one.
    let clients = (0..small).map(|k| 20 + k * 7 % 60);
    Member {
        vetted,
        clients: clients.chain(large.iter().copied()).collect(),
        bond,
    }
}

fn vetted(small: u64, large: &[u64]) -> Member {
    member(true, small, large, 0)
}

fn open(small: u64, large: &[u64]) -> Member {
    member(false, small, large, AMPLE)
}

fn population(name: &'static str, members: Vec<Member>) -> Population {
    Population {
        name,
        params: PARAMS,
        reserve: RESERVE,
        threshold: THRESHOLD,
        members,
    }
}

fn many(count: usize, member: impl Fn(u64) -> Member) -> Vec<Member> {
    (0..count as u64).map(member).collect()
}

/// All of them.
pub fn all() -> Vec<Population> {
    let few_large = || {
        [
            vec![
                vetted(2, &[40_000, 20_000]),
                vetted(0, &[30_000]),
                vetted(5, &[15_000, 900]),
            ],
            many(6, |k| vetted(6 + k, &[300 + 40 * k])),
            many(3, |k| open(4 + k, &[200])),
        ]
        .concat()
    };
    let pareto = [
        many(40, |k| vetted(3 + k % 4, &[60_000 / (k + 1)])),
        many(12, |k| open(2 + k % 3, &[9_000 / (k + 1)])),
    ]
    .concat();
    let equal = [
        many(14, |_| vetted(10, &[1_000])),
        many(4, |_| open(10, &[1_000])),
    ]
    .concat();
    let tiny = [
        many(90, |k| vetted(1 + k % 3, &[])),
        many(20, |k| open(1 + k % 2, &[])),
        vec![vetted(5, &[20_000])],
    ]
    .concat();
    let nobody_vetted = many(16, |k| open(1 + k, &[500 * (k + 1)]));
    let capped = [
        many(8, |k| vetted(20, &[20_000 + k])),
        many(3, |k| open(10, &[8_000 + k])),
    ]
    .concat();
    let no_bulk = [
        many(12, |k| vetted(1 + 5 * k, &[])),
        many(5, |k| open(2 + 3 * k, &[])),
    ]
    .concat();
    let two = vec![vetted(30, &[4_000]), vetted(10, &[900, 2_000])];
    let floor = [
        vec![vetted(60, &[]), vetted(20, &[500])],
        many(6, |k| vetted(1, &[6_000 + 900 * k])),
        vec![open(25, &[]), open(1, &[4_000])],
    ]
    .concat();
    let premium = [
        vec![vetted(3, &[]), vetted(1, &[2_000])],
        many(7, |k| vetted(0, &[30_000 + 9_000 * k])),
        vec![open(2, &[]), open(0, &[9_000])],
    ]
    .concat();
    let house = [
        vec![vetted(80, &[])],
        many(5, |k| vetted(6 + k, &[1_400 + 100 * k])),
        many(2, |_| open(6, &[900])),
    ]
    .concat();
    let mismatched = [
        many(6, |k| vetted(8, &[1_500 + 100 * k])),
        vec![
            member(false, 2, &[50], 40 * AMPLE),
            member(false, 20, &[5_000], AMPLE / 40),
            member(false, 9, &[900], AMPLE / 4),
            member(false, 9, &[900], 101),
        ],
    ]
    .concat();
    let of = |params: Params, population: Population| Population {
        params,
        ..population
    };
    vec![
        population("few large", few_large()),
        population("pareto tail", pareto),
        population("all equal", equal),
        population("many tiny", tiny),
        of(
            Params {
                open_ceiling: PPM,
                ..PARAMS
            },
            population("nobody vetted", nobody_vetted),
        ),
        of(
            Params {
                operator_cap: 80_000,
                ..PARAMS
            },
            population("everybody capped", capped),
        ),
        population("no bulk", no_bulk),
        Population {
            threshold: 0,
            ..population("no fragments", few_large())
        },
        of(
            Params {
                operator_cap: PPM,
                open_ceiling: PPM,
                ..PARAMS
            },
            population("nobody capped", few_large()),
        ),
        of(
            Params {
                operator_cap: 500_000,
                ..PARAMS
            },
            population("two alone", two),
        ),
        population("floor binds", floor),
        population("premium binds", premium),
        of(
            Params {
                operator_cap: 600_000,
                ..PARAMS
            },
            population("one small-job house", house),
        ),
        population("bonds and work mismatched", mismatched),
        of(
            Params {
                // Fees of an average unit allow about what it is entitled to.
                fee_multiple: Some(100 * PPM),
                ..PARAMS
            },
            population("fees bind", few_large()),
        ),
        of(
            Params {
                unit_ceiling: Some(1_000_000_000),
                ..PARAMS
            },
            population("quiet epoch", few_large()),
        ),
    ]
}
