//! What happens in a history, drawn at random.

use plimsoll_interface::mechanism::math::PPM;
use plimsoll_interface::mechanism::params::{Param, Params};
use plimsoll_simulator::random::{generator, Purpose, Rng};
use plimsoll_tests::{param_mut, PARAMS};
use rand::Rng as _;

/// Draws of one history.
pub struct Draw(Rng);

/// Work of one operator in one epoch, in work units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    pub fragment: u64,
    pub bulk: u64,
}

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(generator(seed, 0, Purpose::Demand))
    }

    /// Whether something happens that happens once in `times`.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.0.random_ratio(1, times)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// Of `count` things, one.
    pub fn one_of(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// Below `2^bits`, every order of magnitude alike.
    pub fn magnitude(&mut self, bits: u32) -> u64 {
        match self.0.random_range(0..=bits) {
            0 => 0,
            some => self.0.random::<u64>() >> (64 - some),
        }
    }

    /// What an operator does in an epoch: usually something, of any size.
    pub fn work(&mut self) -> Work {
        if self.once_in(4) {
            return Work::default();
        }
        Work {
            fragment: self.magnitude(34),
            bulk: if self.once_in(2) {
                self.magnitude(38)
            } else {
                0
            },
        }
    }

    /// Parameters like those that governance would choose, some at a bound.
    pub fn params(&mut self) -> Params {
        let mut params = PARAMS;
        for param in Param::ALL {
            let (low, high) = param.bounds();
            let usual = param.of(&PARAMS);
            let value = match self.one_of(8) {
                0 => low,
                1 => high,
                _ => self.between(
                    u64::from(low.max(usual / 4)),
                    u64::from(high.min(usual.saturating_mul(3))),
                ) as u32,
            };
            *param_mut(&mut params, param) = value;
        }
        // A history has many budgets: not all of the reserve in one of them.
        params.rate = params.rate.min(PPM / 4);
        if self.once_in(3) {
            params.unit_ceiling = Some(self.magnitude(40).into());
        }
        if self.once_in(3) {
            params.fee_multiple = Some(self.between(0, 4 * u64::from(PPM)) as u32);
        }
        params
    }
}
