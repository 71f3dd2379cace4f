//! What one operator has: claimable rewards, vesting rewards and bond.

use crate::bond::Bond;
use crate::reward::Reward;
use crate::vesting::{Ring, Vesting};
use crate::Epoch;

/// One operator's account, in base units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Account {
    /// What the next claim pays.
    pub claimable: u128,
    /// What still vests.
    pub ring: Ring,
    /// Its bond.
    pub bond: Bond,
}

/// What a slash took, in base units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slashed {
    /// Out of the bond and what is on its way out of it.
    pub bond: u128,
    /// Out of the unvested rewards.
    pub unvested: u128,
}

impl Account {
    /// Moves what has vested up to epoch `now` to claimable and returns it.
    pub fn release(&mut self, vesting: &Vesting, now: Epoch) -> u128 {
        let released = self.ring.release(vesting, now);
        self.claimable = self.claimable.saturating_add(released);
        released
    }

    /// Books the reward of `epoch` at epoch `now`. Returns what of its vesting
    /// part became claimable at once (arrears of a late booking); call
    /// [`Account::release`] first.
    pub fn book(&mut self, vesting: &Vesting, epoch: Epoch, reward: &Reward, now: Epoch) -> u128 {
        let arrears = self
            .ring
            .book(vesting, vesting.period(epoch), reward.vesting(), now);
        self.claimable = self
            .claimable
            .saturating_add(reward.liquid)
            .saturating_add(arrears);
        arrears
    }

    /// Takes all that is claimable; what is put back by [`Account::add_claimable`] if
    /// the payment fails.
    pub fn claim(&mut self) -> u128 {
        core::mem::take(&mut self.claimable)
    }

    /// Adds to what is claimable: a claim whose payment failed, or a bond that never
    /// backed anything.
    pub fn add_claimable(&mut self, amount: u128) {
        self.claimable = self.claimable.saturating_add(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VESTING: Vesting = Vesting {
        period_epochs: 2,
        vesting_periods: 3,
    };

    #[test]
    fn the_liquid_part_is_claimable_at_once_and_the_rest_vests() {
        let mut account = Account::default();
        let reward = Reward {
            amount: 1_000,
            liquid: 400,
            returned: 0,
        };
        assert_eq!(account.book(&VESTING, 0, &reward, 1), 0);
        assert_eq!(account.claim(), 400);
        assert_eq!(account.release(&VESTING, 5), 300);
        assert_eq!(account.claim(), 300);
        account.add_claimable(300);
        assert_eq!(account.release(&VESTING, 8), 300);
        assert_eq!(account.claim(), 600);
    }
}
