//! What of a reward's rest has unlocked when, looked up instead of computed.

use crate::scenario::Settings;
use crate::vesting::{Schedule, Vesting};
use plimsoll_mechanism::params::Params;

/// One, as the amount whose parts are looked up: exact in an `f64`.
const WHOLE: u128 = 1 << 53;

/// All ways to vest, over a run.
#[derive(Clone, Debug)]
pub struct Unlocking {
    schedule: Schedule,
    ways: Vec<Way>,
}

/// Shares that have unlocked.
#[derive(Clone, Debug)]
enum Way {
    /// By age.
    ByAge(Vec<f64>),
    /// By vesting period and epoch, from the period's first epoch on.
    ByPeriod { epochs: u32, shares: Vec<Vec<f64>> },
}

impl Unlocking {
    /// The ways to vest of a scenario.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let schedule = Schedule {
            // Whole hours, by the scenario's bounds.
            epoch_hours: settings.run.epoch_hours.round().max(1.0) as u32,
            plimsoll: settings.vesting,
            ..Schedule::default()
        };
        let epochs = settings.run.epochs;
        let share = |vesting: &Vesting, earned: u32, age: u32| {
            vesting.unlocked(&schedule, WHOLE, earned, age) as f64 / WHOLE as f64
        };
        let ways = Vesting::ALL
            .iter()
            .map(|vesting| match vesting {
                Vesting::Plimsoll => {
                    let period = settings.vesting.period_epochs;
                    Way::ByPeriod {
                        epochs: period,
                        shares: (0..=epochs / period)
                            .map(|number| {
                                let first = number * period;
                                (0..=epochs.saturating_sub(first))
                                    .map(|age| share(vesting, first, age))
                                    .collect()
                            })
                            .collect(),
                    }
                }
                _ => Way::ByAge((0..=epochs).map(|age| share(vesting, 0, age)).collect()),
            })
            .collect();
        Self { schedule, ways }
    }

    /// What has unlocked when epoch `at` begins of the rest of a reward earned in epoch
    /// `earned`, not after it, with the `way`-th way to vest: 0 to 1.
    #[must_use]
    pub fn share(&self, way: usize, earned: u32, at: u32) -> f64 {
        match &self.ways[way] {
            Way::ByAge(shares) => shares[(at - earned) as usize],
            Way::ByPeriod { epochs, shares } => {
                let period = earned / epochs;
                shares[period as usize][(at - period * epochs) as usize]
            }
        }
    }

    /// The part of a reward that is free at once, in base units; see [`Vesting::liquid`].
    #[must_use]
    pub fn liquid(
        &self,
        way: usize,
        params: &Params,
        amount: u128,
        budget: u128,
        vetted: bool,
    ) -> u128 {
        Vesting::ALL[way].liquid(params, &self.schedule, amount, budget, vetted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn what_is_looked_up_is_what_vesting_says() {
        let scenario = Scenario::shipped();
        let settings = scenario.settings();
        let unlocking = Unlocking::new(settings);
        let end = settings.run.epochs;
        for (way, vesting) in Vesting::ALL.iter().enumerate() {
            for earned in (0..end).step_by(13) {
                for at in (earned..=end).step_by(7) {
                    let said =
                        vesting.unlocked(&unlocking.schedule, WHOLE, earned, at - earned) as f64;
                    assert_eq!(unlocking.share(way, earned, at), said / WHOLE as f64);
                }
            }
        }
    }
}
