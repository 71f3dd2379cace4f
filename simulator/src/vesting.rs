//! When an operator can sell what it earned: an axis of its own, beside the designs.
//!
//! A reward has a *liquid* part, free at once, and a *rest* that unlocks over time.

use crate::designs::Facts;
use plimsoll_mechanism::math::{mul_div_down, share_down, PPM};
use plimsoll_mechanism::params::Params;
use plimsoll_mechanism::reward;
use plimsoll_mechanism::vesting::Vesting as Periods;

/// A way to vest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vesting {
    /// Everything at once.
    Immediate,
    /// Nothing before a cliff, then linearly.
    ///
    /// ```text
    /// unlocked = rest * clamp(age - cliff, 0, length) / length          rounded down
    /// ```
    ///
    /// Source: what OpenGradient's contributors and investors have, 12 months and then 36
    /// (secondary sources, `data/opg_allocation.csv`), read as linear from the cliff on; by the
    /// other reading, which counts from the start, a quarter is free at the cliff. In 216
    /// protocols the median of the longest cliff of insiders is 12 months. Here every reward
    /// has a cliff of its own, from the epoch it was earned in.
    CliffLinear,
    /// A quarter at once, the rest linearly over 180 days in daily steps.
    ///
    /// ```text
    /// liquid   = amount - amount * 3/4             what is subtracted is rounded down
    /// unlocked = rest * min(days, 180) / 180       days since, and the quotient, rounded down
    /// ```
    ///
    /// Source: FIP-0004, and filecoin-project/builtin-actors `actors/miner/src/monies.rs:40`
    /// (`LOCKED_REWARD_FACTOR`) and `policy.rs:183` (`REWARD_VESTING_SPEC`). That table's steps
    /// fall on half days; here they fall on whole ones.
    Filecoin,
    /// Plimsoll's, computed by the mechanism's own code: see
    /// [`plimsoll_mechanism::reward`] and [`plimsoll_mechanism::vesting`].
    ///
    /// ```text
    /// liquid   = max( amount * liquid_share , vetted ? min( amount , C * liquid_allowance ) : 0 )
    /// unlocked = rest * clamp(t - end of the period, 0, V) / V
    /// ```
    Plimsoll,
}

/// Lengths and shares of the ways to vest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Length of an epoch, in hours; at least 1. Default 24.
    pub epoch_hours: u32,
    /// Months before anything unlocks behind a cliff. Default 12.
    pub cliff_months: u32,
    /// Months of linear release after it; 0: all at the cliff. Default 36.
    pub linear_months: u32,
    /// Share that Filecoin locks, in ppm; at most 1e6. Default 750,000.
    pub filecoin_locked: u32,
    /// Days over which Filecoin releases it; 0: at once. Default 180.
    pub filecoin_days: u32,
    /// Plimsoll's periods; must be [`valid`](Periods::valid). Default 12 of 28 epochs.
    pub plimsoll: Periods,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            epoch_hours: 24,
            cliff_months: 12,
            linear_months: 36,
            filecoin_locked: 750_000,
            filecoin_days: 180,
            plimsoll: Periods {
                period_epochs: 28,
                vesting_periods: 12,
            },
        }
    }
}

/// Half-hours in a month of 365.25 / 12 days: 730.5 hours.
const HALF_HOURS: u64 = 1_461;

impl Vesting {
    /// Every way, in the order of the tables.
    pub const ALL: [Self; 4] = [
        Self::Immediate,
        Self::CliffLinear,
        Self::Filecoin,
        Self::Plimsoll,
    ];

    /// What a reader has to know.
    #[must_use]
    pub fn facts(&self) -> Facts {
        match self {
            Self::Immediate => Facts {
                id: "immediate",
                title: "Immediate",
                formula: "all at once",
                source: "most networks, Livepeer among them",
            },
            Self::CliffLinear => Facts {
                id: "cliff-linear",
                title: "Cliff, then linear",
                formula: "nothing for 12 months, then linear over 36",
                source: "OPG's contributors and investors (secondary), data/opg_allocation.csv",
            },
            Self::Filecoin => Facts {
                id: "filecoin",
                title: "Filecoin's 25/75",
                formula: "25 % at once, 75 % linear over 180 days",
                source: "FIP-0004, builtin-actors monies.rs:40, policy.rs:183",
            },
            Self::Plimsoll => Facts {
                id: "plimsoll",
                title: "Plimsoll",
                formula: "small rewards at once, the rest linear by periods",
                source: "docs/mechanism.md, computed by the contract's own crate",
            },
        }
    }

    /// The part of a reward of `amount` that is free at once, in base units, when the epoch had
    /// `budget` and the operator was `vetted` or not.
    #[must_use]
    pub fn liquid(
        &self,
        params: &Params,
        schedule: &Schedule,
        amount: u128,
        budget: u128,
        vetted: bool,
    ) -> u128 {
        match self {
            Self::Immediate => amount,
            Self::CliffLinear => 0,
            Self::Filecoin => amount - share_down(amount, schedule.filecoin_locked.min(PPM)),
            Self::Plimsoll => plimsoll_liquid(params, amount, budget, vetted),
        }
    }

    /// What of `rest` (what was not liquid, in base units), earned in epoch `earned`, has
    /// unlocked when `age` epochs later begins; rounded down.
    #[must_use]
    pub fn unlocked(&self, schedule: &Schedule, rest: u128, earned: u32, age: u32) -> u128 {
        let hours = u64::from(age) * u64::from(schedule.epoch_hours);
        match self {
            Self::Immediate => rest,
            Self::CliffLinear => {
                let cliff = HALF_HOURS * u64::from(schedule.cliff_months);
                let length = HALF_HOURS * u64::from(schedule.linear_months);
                match (2 * hours).checked_sub(cliff) {
                    Some(passed) => linear(rest, passed, length),
                    None => 0,
                }
            }
            Self::Filecoin => linear(rest, hours / 24, u64::from(schedule.filecoin_days)),
            Self::Plimsoll => {
                let periods = &schedule.plimsoll;
                periods.vested(rest, periods.period(earned), earned.saturating_add(age))
            }
        }
    }

    /// The age in epochs from which on everything is unlocked, whatever the epoch it was
    /// earned in.
    #[must_use]
    pub fn length(&self, schedule: &Schedule) -> u32 {
        let epoch_hours = u64::from(schedule.epoch_hours.max(1));
        let epochs = match self {
            Self::Immediate => 0,
            Self::CliffLinear => {
                let months = u64::from(schedule.cliff_months) + u64::from(schedule.linear_months);
                (HALF_HOURS * months).div_ceil(2 * epoch_hours)
            }
            Self::Filecoin => (24 * u64::from(schedule.filecoin_days)).div_ceil(epoch_hours),
            Self::Plimsoll => {
                u64::from(schedule.plimsoll.period_epochs) + schedule.plimsoll.length()
            }
        };
        u32::try_from(epochs).unwrap_or(u32::MAX)
    }

    /// The share of the rest that has unlocked at every age, from 0 to [`length`](Self::length),
    /// 0 to 1: the mean over the epochs of a vesting period, where the epoch matters.
    #[must_use]
    pub fn fractions(&self, schedule: &Schedule) -> Vec<f64> {
        const WHOLE: u128 = 1 << 53;
        let epochs = match self {
            Self::Plimsoll => schedule.plimsoll.period_epochs,
            _ => 1,
        };
        (0..=self.length(schedule))
            .map(|age| {
                let unlocked =
                    (0..epochs).map(|earned| self.unlocked(schedule, WHOLE, earned, age));
                unlocked.sum::<u128>() as f64 / (WHOLE * u128::from(epochs)) as f64
            })
            .collect()
    }
}

/// `rest * min(passed, length) / length`, rounded down; all of it if `length` is 0.
fn linear(rest: u128, passed: u64, length: u64) -> u128 {
    let passed = passed.min(length);
    // The quotient is at most `rest`; only without a length there is none.
    mul_div_down(rest, u128::from(passed), u128::from(length)).unwrap_or(rest)
}

/// The liquid part by the mechanism's rules.
///
/// The amount may come from another design and then be above the cap of this one, which the
/// mechanism's reward never is: the allowance is then that of the cap.
fn plimsoll_liquid(params: &Params, amount: u128, budget: u128, vetted: bool) -> u128 {
    // What was paid is given; neither fees nor a bond lower it here.
    let params = Params {
        fee_multiple: None,
        bond_leverage: PPM,
        ..*params
    };
    let share = reward::open(&params, amount, 1, 1, amount, 0).liquid;
    if vetted {
        let cap = share_down(budget, params.operator_cap);
        reward::vetted(&params, amount, cap, 0).liquid.max(share)
    } else {
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_mechanism::vesting::Ring;
    use proptest::prelude::*;

    const PARAMS: Params = Params {
        rate: 10_000,
        unit_ceiling: None,
        fee_multiple: Some(0),
        fragment_floor: 400_000,
        fragment_premium: 4_000_000,
        operator_cap: 20_000,
        open_ceiling: 150_000,
        uplift: 4_000_000,
        bond_leverage: 0,
        liquid_share: 250_000,
        liquid_allowance: 100_000,
    };

    fn liquid(vesting: Vesting, amount: u128, budget: u128, vetted: bool) -> u128 {
        vesting.liquid(&PARAMS, &Schedule::default(), amount, budget, vetted)
    }

    fn unlocked(vesting: Vesting, rest: u128, earned: u32, age: u32) -> u128 {
        vesting.unlocked(&Schedule::default(), rest, earned, age)
    }

    #[test]
    fn immediate_holds_nothing_back() {
        assert_eq!(liquid(Vesting::Immediate, 7, 1_000, false), 7);
        assert_eq!(Vesting::Immediate.fractions(&Schedule::default()), [1.0]);
    }

    #[test]
    fn nothing_unlocks_before_the_cliff_and_everything_after_the_months() {
        let vesting = Vesting::CliffLinear;
        assert_eq!(liquid(vesting, 7, 1_000, true), 0);
        // 12 months are 365.25 days, 36 months 1,095.75: day 366 is 0.75 days past the cliff,
        // day 913 547.75 of 1,095.75.
        let rest = 1_095_750;
        assert_eq!(
            [0, 365, 366, 913, 1_460, 1_461, 9_999].map(|age| unlocked(vesting, rest, 3, age)),
            [0, 0, 750, 547_750, 1_094_750, rest, rest]
        );
        assert_eq!(vesting.length(&Schedule::default()), 1_461);
    }

    #[test]
    fn filecoin_pays_a_quarter_at_once_and_the_rest_in_daily_steps() {
        let vesting = Vesting::Filecoin;
        // Of 10, 7.5 are locked, rounded down to 7.
        assert_eq!(liquid(vesting, 10, 0, false), 3);
        assert_eq!(
            [0, 1, 90, 179, 180, 500].map(|age| unlocked(vesting, 1_800, 0, age)),
            [0, 10, 900, 1_790, 1_800, 1_800]
        );
        // Epochs of six hours: a step every fourth.
        let quarter_days = Schedule {
            epoch_hours: 6,
            ..Schedule::default()
        };
        assert_eq!(
            [3, 4, 7, 8, 720].map(|age| vesting.unlocked(&quarter_days, 1_800, 0, age)),
            [0, 10, 10, 20, 1_800]
        );
        assert_eq!(vesting.length(&quarter_days), 720);
    }

    #[test]
    fn plimsoll_pays_small_rewards_at_once() {
        let vesting = Vesting::Plimsoll;
        // Budget 10,000: cap 200, allowance 20. The mechanism's own examples.
        assert_eq!(
            [15, 60, 200].map(|amount| liquid(vesting, amount, 10_000, true)),
            [15, 20, 50]
        );
        // Nobody vouches: a quarter. From another design, above the cap: a quarter of all.
        assert_eq!(liquid(vesting, 60, 10_000, false), 15);
        assert_eq!(liquid(vesting, 1_000, 10_000, true), 250);
    }

    #[test]
    fn plimsoll_vests_from_the_end_of_the_period() {
        // Periods of 28: earned in epoch 30, so from epoch 56 on, over 336 epochs.
        let at = |age| unlocked(Vesting::Plimsoll, 3_360, 30, age);
        assert_eq!(
            [0, 26, 27, 194, 361, 362, 999].map(at),
            [0, 0, 10, 1_680, 3_350, 3_360, 3_360]
        );
        // Earned in the first epoch of a period: all of it waits two epochs longer.
        assert_eq!(unlocked(Vesting::Plimsoll, 3_360, 28, 28), 0);
        assert_eq!(Vesting::Plimsoll.length(&Schedule::default()), 364);
    }

    fn schedule() -> impl Strategy<Value = Schedule> {
        (
            1..200_u32,
            0..24_u32,
            0..60_u32,
            0..400_u32,
            1..40_u32,
            1..=12_u8,
        )
            .prop_map(
                |(
                    epoch_hours,
                    cliff_months,
                    linear_months,
                    filecoin_days,
                    period_epochs,
                    periods,
                )| {
                    Schedule {
                        epoch_hours,
                        cliff_months,
                        linear_months,
                        filecoin_days,
                        plimsoll: Periods {
                            period_epochs,
                            vesting_periods: periods,
                        },
                        ..Schedule::default()
                    }
                },
            )
    }

    fn vesting() -> impl Strategy<Value = Vesting> {
        prop::sample::select(Vesting::ALL.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn it_never_falls_never_exceeds_and_is_complete(
            vesting in vesting(), schedule in schedule(), rest in any::<u128>(),
            earned in 0..1_000_u32, ages in proptest::collection::vec(0..6_000_u32, 1..20)
        ) {
            let length = vesting.length(&schedule);
            let mut ages = ages;
            ages.extend([length, length.saturating_sub(1)]);
            ages.sort_unstable();
            let mut before = 0;
            for age in ages {
                let now = vesting.unlocked(&schedule, rest, earned, age);
                prop_assert!(before <= now && now <= rest);
                if age >= length {
                    prop_assert_eq!(now, rest);
                }
                before = now;
            }
        }

        #[test]
        fn the_liquid_part_is_a_part(
            vesting in vesting(), amount in any::<u128>(), budget in any::<u128>(),
            vetted in any::<bool>()
        ) {
            prop_assert!(liquid(vesting, amount, budget, vetted) <= amount);
        }

        #[test]
        fn plimsoll_liquid_is_that_of_the_mechanism_for_what_the_mechanism_pays(
            budget in 0..u128::MAX >> 32, share in 0..=1_000_000_u32, vetted in any::<bool>()
        ) {
            let cap = share_down(budget, PARAMS.operator_cap);
            let amount = share_down(cap, share);
            let params = Params { fee_multiple: None, bond_leverage: PPM, ..PARAMS };
            let paid = if vetted {
                reward::vetted(&params, amount, cap, 0)
            } else {
                reward::open(&params, 1, 1, amount, amount, 0)
            };
            prop_assert_eq!(paid.amount, amount);
            prop_assert_eq!(liquid(Vesting::Plimsoll, amount, budget, vetted), paid.liquid);
        }

        #[test]
        fn plimsoll_unlocks_what_the_ring_of_the_contract_releases(
            schedule in schedule(), rest in 0..u128::MAX >> 1, earned in 0..500_u32,
            steps in proptest::collection::vec(0..200_u32, 1..10)
        ) {
            let periods = &schedule.plimsoll;
            let mut ring = Ring::default();
            let mut now = earned + 1;
            let mut released = ring.book(periods, periods.period(earned), rest, now);
            for step in steps {
                now += step;
                released += ring.release(periods, now);
                let age = now - earned;
                prop_assert_eq!(
                    released,
                    Vesting::Plimsoll.unlocked(&schedule, rest, earned, age)
                );
            }
        }

        #[test]
        fn fractions_are_the_mean_over_a_period(vesting in vesting(), schedule in schedule()) {
            let fractions = vesting.fractions(&schedule);
            prop_assert_eq!(fractions.len(), vesting.length(&schedule) as usize + 1);
            prop_assert_eq!(fractions.last(), Some(&1.0));
            prop_assert!(fractions.windows(2).all(|pair| pair[0] <= pair[1]));
            let age = fractions.len() / 2;
            let epochs = schedule.plimsoll.period_epochs;
            let mean = (0..epochs)
                .map(|earned| vesting.unlocked(&schedule, 1 << 80, earned, age as u32) as f64)
                .sum::<f64>()
                / f64::from(epochs)
                / (1_u128 << 80) as f64;
            prop_assert!((fractions[age] - mean).abs() < 1e-12);
        }
    }
}
