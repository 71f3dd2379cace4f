//! The liquid part of a reward, and how the rest vests: a list of what was booked, added
//! up anew whenever it is asked, where the crate keeps a ring.

use num_bigint::BigUint;
use std::collections::BTreeMap;

/// `liquid = max( r * liquid_share / 1e6 , vetted ? min( r , C * liquid_allowance / 1e6 ) : 0 )`
pub fn liquid(
    reward: &BigUint,
    vetted: bool,
    cap: &BigUint,
    liquid_share: u32,
    liquid_allowance: u32,
) -> BigUint {
    let million = BigUint::from(1_000_000_u32);
    let share = reward * liquid_share / &million;
    if vetted {
        let allowance = cap * liquid_allowance / &million;
        share.max(reward.clone().min(allowance))
    } else {
        share
    }
}

/// One operator's booked amounts that vest.
#[derive(Clone, Debug)]
pub struct Vesting {
    period_epochs: u64,
    length: u64,
    /// All that was ever booked for a period.
    booked: BTreeMap<u64, BigUint>,
}

impl Vesting {
    /// Nothing booked yet, on a schedule of `vesting_periods` periods of `period_epochs`.
    pub fn new(period_epochs: u32, vesting_periods: u8) -> Self {
        let period_epochs = u64::from(period_epochs);
        Self {
            period_epochs,
            length: period_epochs * u64::from(vesting_periods),
            booked: BTreeMap::new(),
        }
    }

    /// Books what vests of a reward of `epoch`.
    pub fn book(&mut self, epoch: u32, amount: u128) {
        let period = u64::from(epoch) / self.period_epochs;
        *self.booked.entry(period).or_default() += amount;
    }

    /// What of all that is booked has vested at epoch `now`:
    /// `amount * clamp(t - end, 0, V) / V` of each period, `end = (p + 1) * period_epochs`.
    pub fn vested(&self, now: u32) -> BigUint {
        self.booked
            .iter()
            .map(|(period, amount)| {
                let end = (period + 1) * self.period_epochs;
                let passed = u64::from(now).saturating_sub(end).min(self.length);
                amount * passed / self.length
            })
            .sum()
    }

    /// All that is booked.
    pub fn all(&self) -> BigUint {
        self.booked.values().sum()
    }
}
