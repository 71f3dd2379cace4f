//! OpenGradient, as published.

use super::portion::divide;
use super::{Design, Epoch, Facts, Pay, Payer};
use crate::random::Rng;
use plimsoll_mechanism::math::mul_div_down;
use plimsoll_mechanism::params::Params;

/// A pool of tokens, released linearly over so many months, divided by stake.
///
/// ```text
/// E_t = pool * (t + 1) / T  -  pool * t / T        T: epochs in the months, each rounded down
/// r_i = E_t * S_i / S                              rounded down, never above the reserve
/// ```
///
/// Source: public posts about OPG, all secondary (the shares are in
/// `data/opg_allocation.csv`): "staking rewards", 10 % of the supply over 96 months, about
/// 34.2 thousand tokens a day. A month is 365.25 / 12 days.
///
/// The posts name stakers and nobody else, and no work, so this is paid to every stake, whether
/// its owner's node is switched on or not, and in epochs without work, too. Jobs reach
/// operators by channels and insiders' tokens unlock at a cliff; those are properties of the
/// world and of vesting, not of this rule.
///
/// **Splitting**: gains nothing. Capital that does no work earns as much as capital that does.
#[derive(Clone, Copy, Debug)]
pub struct Opg {
    /// The pool, in base units.
    pub pool: u128,
    /// Months of its release; at least 1.
    pub months: u32,
    /// Length of an epoch, in hours; at least 1.
    pub epoch_hours: u32,
}

/// Half-hours in a month of 365.25 / 12 days: 730.5 hours.
const HALF_HOURS: u128 = 1_461;

impl Opg {
    /// What is released before epoch `epoch` begins, in base units.
    fn released(&self, epoch: u64) -> u128 {
        let all = u128::from(self.months.max(1)) * HALF_HOURS;
        let passed = 2 * u128::from(epoch) * u128::from(self.epoch_hours);
        mul_div_down(self.pool, passed.min(all), all).unwrap_or(self.pool)
    }
}

impl Design for Opg {
    fn facts(&self) -> Facts {
        Facts {
            id: "opg",
            title: "OpenGradient as published",
            formula: "r = (pool / 96 months) * stake / all stake, work or not",
            source: "posts on OPG's allocation (secondary), data/opg_allocation.csv",
        }
    }

    fn start(&self, _operators: usize) -> Box<dyn Payer> {
        Box::new(*self)
    }

    fn budget(&self, _params: &Params, reserve: u128, epoch: u32, _units: u64) -> u128 {
        let epoch = u64::from(epoch);
        reserve.min(self.released(epoch + 1) - self.released(epoch))
    }
}

impl Payer for Opg {
    fn pay(&mut self, epoch: &Epoch<'_>, _luck: &mut Rng, out: &mut [Pay]) -> u128 {
        let stake = |index: usize| epoch.operators[index].stake;
        let total = (0..out.len()).map(stake).sum();
        divide(epoch.budget, total, out, stake)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, PARAMS};
    use super::super::Settings;
    use super::*;

    fn published() -> Opg {
        let settings = Settings::default();
        Opg {
            pool: settings.opg_pool,
            months: settings.opg_months,
            epoch_hours: settings.epoch_hours,
        }
    }

    #[test]
    fn the_pool_is_released_linearly_and_to_the_last_unit() {
        let opg = published();
        // 96 months of 30.4375 days are 2,922 days; 1e17 / 2,922 = 34,223,134,839,151.3.
        let daily = |epoch| opg.budget(&PARAMS, u128::MAX, epoch, 0);
        assert_eq!(daily(0), 34_223_134_839_151);
        assert_eq!((0..2_922).map(daily).sum::<u128>(), opg.pool);
        assert_eq!(daily(2_922), 0);
        assert_eq!(opg.budget(&PARAMS, 5, 0, 0), 5, "never above the reserve");
    }

    #[test]
    fn stake_is_paid_with_and_without_work() {
        let mut case = Case::new(100, &[7, 0]);
        case.stakes(&[1, 3]);
        case.active[1] = false;
        assert_eq!(case.pay(&published()), (vec![25, 75], 0));
        case.stakes(&[0, 0]);
        assert_eq!(case.pay(&published()), (vec![0, 0], 100), "nobody staked");
    }
}
