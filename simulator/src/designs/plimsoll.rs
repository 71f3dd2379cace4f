//! Plimsoll, by the contract's own code.

use super::portion::Portion;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::level::Level;
use plimsoll_mechanism::math::{mul_div_down, PPM};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::pools::{Work, FRACTION_BITS};
use plimsoll_mechanism::record::Division;
use plimsoll_mechanism::reward;

/// Pools, caps and the water level of `plimsoll_mechanism`; see `docs/mechanism.md`.
///
/// It takes the steps of [`plimsoll_mechanism::allocate::allocate`] with what is the
/// same for all operators of an epoch computed once, and ends at the same integers
/// (tested on random epochs, and against the contract on whole histories).
#[derive(Clone, Copy, Debug)]
pub struct Plimsoll {
    /// The parameters that governance decides about.
    pub params: Params,
}

impl Design for Plimsoll {
    fn facts(&self) -> Facts {
        Facts {
            id: "plimsoll",
            title: "Plimsoll",
            formula: "r = min(cap, s * level), small jobs pooled, excess to the small",
            source: "docs/mechanism.md, computed by the contract's own crate",
        }
    }

    fn start(&self, operators: usize) -> Box<dyn Payer> {
        Box::new(State {
            params: Params {
                // How much of a reward is liquid is a matter of vesting.
                liquid_share: 0,
                liquid_allowance: 0,
                ..self.params
            },
            weights: vec![0; operators],
            raised: vec![false; operators],
            candidates: Vec::new(),
        })
    }
}

struct State {
    params: Params,
    /// Entitlement of each operator, in units of 2^-32.
    weights: Vec<u128>,
    /// Who was raised to the cap.
    raised: Vec<bool>,
    /// Who may be raised, the heaviest first.
    candidates: Vec<usize>,
}

impl Payer for State {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let params = &{ self.params };
        let mut vetted = Work::default();
        let mut open = Work::default();
        for (index, operator) in epoch.operators.iter().enumerate() {
            let total = if operator.vetted {
                &mut vetted
            } else {
                &mut open
            };
            total.fragment += u128::from(epoch.load.fragment[index]);
            total.bulk += u128::from(epoch.load.bulk[index]);
        }
        let division = Division::new(params, epoch.budget, vetted, open);
        let cap = division.operator_cap;
        self.weigh(epoch, &division);
        let mut level = division.level(epoch.budget);
        let open_raised = self.raise(&division, &mut level);

        // The rest of the epoch's figures, the same for everybody.
        let used = level.used(params.uplift);
        let unused = level.numerator - used;
        let by_level = Portion::new(used, level.denominator);
        let (pool_aside, pool) = if open_raised {
            (division.open_ceiling, division.open_ceiling)
        } else if division.open_ceiling == 0 {
            (0, 0)
        } else {
            let aside = by_level.of(division.open_weight);
            (aside, aside.min(division.open_ceiling))
        };
        let by_pool = Portion::new(pool, division.open_weight);
        let mut returned = unused + (pool_aside - pool);
        for (index, (operator, pay)) in epoch.operators.iter().zip(out.iter_mut()).enumerate() {
            let weight = self.weights[index];
            let fees = if params.fee_multiple.is_some() {
                let units = u128::from(epoch.load.units(index));
                mul_div_down(units, epoch.market_price, u128::from(PPM)).unwrap_or(u128::MAX)
            } else {
                0
            };
            let reward = if operator.vetted {
                let aside = if self.raised[index] {
                    cap
                } else if cap == 0 {
                    0
                } else {
                    by_level.of(weight)
                };
                reward::vetted(params, aside, cap, fees)
            } else {
                // The pool's quotient is taken already: of a pool of one it is the whole.
                reward::open(params, by_pool.of(weight), 1, 1, operator.bond, fees)
            };
            returned += reward.returned;
            *pay = Pay::sure(reward.amount);
        }
        returned
    }
}

impl State {
    /// Entitlements of all, and whoever the uplift lets reach the cap, the heaviest first.
    fn weigh(&mut self, epoch: &Epoch<'_>, division: &Division) {
        self.candidates.clear();
        // w * uplift >= c * 1e6 * 2^32 does not depend on the level: few are that large.
        let cap = division.operator_cap;
        let least = mul_div_down(
            cap,
            u128::from(PPM) << FRACTION_BITS,
            u128::from(self.params.uplift),
        )
        .unwrap_or(u128::MAX);
        let pools = &division.pools;
        let by_fragment = Portion::new(pools.fragment, pools.work.fragment);
        let by_bulk = Portion::new(pools.bulk, pools.work.bulk);
        for (index, operator) in epoch.operators.iter().enumerate() {
            // The two quotients of `Pools::entitlement`; together at most E * 2^32 < 2^128.
            let weight = by_fragment.of(u128::from(epoch.load.fragment[index]))
                + by_bulk.of(u128::from(epoch.load.bulk[index]));
            self.weights[index] = weight;
            self.raised[index] = false;
            if operator.vetted && weight > 0 && cap > 0 && weight >= least {
                self.candidates.push(index);
            }
        }
        let weights = &self.weights;
        self.candidates
            .sort_unstable_by_key(|&index| (core::cmp::Reverse(weights[index]), index));
    }

    /// Raises everybody who is eligible, until nobody is; whether the open pool was.
    fn raise(&mut self, division: &Division, level: &mut Level) -> bool {
        let uplift = self.params.uplift;
        let mut waiting = self.candidates.iter().copied().peekable();
        let mut open_raised = false;
        loop {
            let next = waiting
                .next_if(|&index| level.raise(self.weights[index], division.operator_cap, uplift));
            if let Some(index) = next {
                self.raised[index] = true;
            } else if open_raised
                || !level.raise(division.open_weight, division.open_ceiling, uplift)
            {
                return open_raised;
            } else {
                open_raised = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::properties::{any_operator, magnitude, units};
    use super::super::testing::{Case, PARAMS};
    use super::*;
    use crate::world::Load;
    use plimsoll_mechanism::allocate::allocate;
    use plimsoll_mechanism::params::Param;
    use plimsoll_mechanism::record::Part;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// A parameter within its bounds: each bound, near the lower one, or any.
    fn parameter(param: Param) -> impl Strategy<Value = u32> {
        let (low, high) = param.bounds();
        prop_oneof![
            Just(low),
            Just(high),
            low..=high.min(low.saturating_mul(8)),
            low..=high,
        ]
    }

    fn params() -> impl Strategy<Value = Params> {
        (
            (
                prop_oneof![
                    Just(None),
                    units(32).prop_map(|multiple| Some(multiple as u32))
                ],
                parameter(Param::FragmentFloor),
                parameter(Param::FragmentPremium),
                parameter(Param::OperatorCap),
            ),
            (
                parameter(Param::OpenCeiling),
                parameter(Param::Uplift),
                parameter(Param::BondLeverage),
                parameter(Param::LiquidShare),
                parameter(Param::LiquidAllowance),
            ),
        )
            .prop_map(|(pools, rest)| Params {
                // All of the reserve, so that the budget can be chosen.
                rate: PPM,
                unit_ceiling: None,
                fee_multiple: pools.0,
                fragment_floor: pools.1,
                fragment_premium: pools.2,
                operator_cap: pools.3,
                open_ceiling: rest.0,
                uplift: rest.1,
                bond_leverage: rest.2,
                liquid_share: rest.3,
                liquid_allowance: rest.4,
            })
    }

    /// Work of an operator: none, alike, a few units, any order of magnitude, or a heavy tail.
    fn work(operators: usize) -> impl Strategy<Value = Vec<u64>> {
        prop_oneof![
            Just(vec![0; operators]),
            Just(vec![1_000; operators]),
            vec(0..5_u64, operators),
            vec(units(46), operators),
            vec(
                any::<u32>().prop_map(|u| (1 << 40) / (u64::from(u) + 1)),
                operators
            ),
        ]
    }

    fn case() -> impl Strategy<Value = Case> {
        (1..=60_usize).prop_flat_map(|operators| {
            (
                prop_oneof![magnitude(96), magnitude(46), 0..100_000_u128],
                vec(any_operator(), operators),
                prop_oneof![Just(0), Just(2), Just(10)],
                (work(operators), work(operators)),
                magnitude(60),
            )
                .prop_map(|(budget, mut operators, open, work, market_price)| {
                    for (index, operator) in operators.iter_mut().enumerate() {
                        // Nobody, everybody, or whoever was drawn is open.
                        operator.vetted = match open {
                            0 => true,
                            2 => operator.vetted,
                            _ => false,
                        };
                        // Some have no bond, some have plenty.
                        if index % 3 == 1 {
                            operator.bond = 1 << 110;
                        }
                    }
                    let count = operators.len();
                    let mut case = Case::new(budget, &vec![0; count]);
                    case.operators = operators;
                    case.load = Load {
                        jobs: vec![1; count],
                        fragment: work.0,
                        bulk: work.1,
                    };
                    case.market_price = market_price;
                    case
                })
        })
    }

    /// What the mechanism's own allocation pays and returns, budget checked on the way.
    fn by_the_mechanism(params: &Params, case: &Case) -> (Vec<u128>, u128) {
        let parts: Vec<_> = case
            .operators
            .iter()
            .enumerate()
            .map(|(index, operator)| Part {
                work: Work {
                    fragment: case.load.fragment[index].into(),
                    bulk: case.load.bulk[index].into(),
                },
                fees: u128::from(case.load.units(index)) * case.market_price / 1_000_000,
                vetted: operator.vetted,
                raised: false,
                bond: operator.bond,
            })
            .collect();
        let allocation = allocate(params, case.budget, &parts).expect("small");
        let design = Plimsoll { params: *params };
        let units = case.load.total();
        assert_eq!(
            design.budget(params, case.budget, 0, units),
            allocation.budget()
        );
        // `allocate` has closed the record: what closing returned has left the pot.
        let pot = allocation.record.settlement.expect("settled").pot;
        let closed = allocation.budget() - pot;
        let rewards = &allocation.rewards;
        (
            rewards.iter().map(|reward| reward.amount).collect(),
            closed + rewards.iter().map(|reward| reward.returned).sum::<u128>(),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn it_pays_and_returns_what_the_mechanism_does(params in params(), mut case in case()) {
            prop_assert_eq!(params.check(), Ok(()));
            // Without work there is no budget.
            if case.load.total() == 0 {
                case.budget = 0;
            }
            case.budget = case.budget.min((1 << 96) - 1);
            let expected = by_the_mechanism(&params, &case);
            prop_assert_eq!(case.pay(&Plimsoll { params }), expected);
        }
    }

    #[test]
    fn an_operator_at_its_cap_leaves_the_rest_to_the_small() {
        // Budget 1,000, cap 500: entitled to 800 and 200, the large one gets 500, and with an
        // uplift of 2 the small one 400; 100 return.
        let params = Params {
            operator_cap: 500_000,
            uplift: 2_000_000,
            ..PARAMS
        };
        let mut case = Case::new(1_000, &[8, 2]);
        assert_eq!(case.pay(&Plimsoll { params }), (vec![500, 400], 100));
    }

    #[test]
    fn a_payer_keeps_nothing_from_one_epoch_to_the_next() {
        let params = Params {
            operator_cap: 500_000,
            ..PARAMS
        };
        let design = Plimsoll { params };
        let mut payer = design.start(3);
        for units in [[8, 2, 0], [0, 0, 0], [1, 1, 1], [0, 9, 1]] {
            let mut case = Case::new(1_000, &units);
            assert_eq!(case.pay_by(&mut *payer), case.pay(&design));
        }
    }
}
