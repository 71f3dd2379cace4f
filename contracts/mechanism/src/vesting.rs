//! Smooth vesting in constant state.
//!
//! The unclaimed part of the rewards of one *vesting period* (`period_epochs`
//! epochs) vests linearly, a step each epoch, from the period's end. One ring of
//! `vesting_periods + 1` amounts holds any number of rewards.

use crate::math::mul_div_down;
use crate::Epoch;
use alloc::vec::Vec;

/// Number of a vesting period: `epoch / period_epochs`.
pub type Period = u32;

/// The most vesting periods a deployment may choose.
pub const MAX_VESTING_PERIODS: u8 = 12;

/// The schedule fixed at deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Vesting {
    /// Epochs in a vesting period; at least 1.
    pub period_epochs: u32,
    /// Length of the vesting in periods; 1 to [`MAX_VESTING_PERIODS`].
    pub vesting_periods: u8,
}

impl Vesting {
    /// Whether the schedule is within its bounds.
    #[must_use]
    pub fn valid(&self) -> bool {
        self.period_epochs >= 1
            && (1..=MAX_VESTING_PERIODS).contains(&self.vesting_periods)
            && self
                .period_epochs
                .checked_mul(u32::from(self.vesting_periods))
                .is_some()
    }

    /// The vesting period of epoch `epoch`.
    #[must_use]
    pub fn period(&self, epoch: Epoch) -> Period {
        epoch / self.period_epochs
    }

    /// `V`, the length of the vesting in epochs.
    #[must_use]
    pub fn length(&self) -> u64 {
        u64::from(self.vesting_periods) * u64::from(self.period_epochs)
    }

    /// What of `amount`, booked for period `period`, has vested at epoch `now`,
    /// rounded down:
    ///
    /// ```text
    /// end = (p + 1) * period_epochs
    /// vested(amount, t) = amount * clamp(t - end, 0, V) / V
    /// ```
    #[must_use]
    pub fn vested(&self, amount: u128, period: Period, now: Epoch) -> u128 {
        let end = (u64::from(period) + 1) * u64::from(self.period_epochs);
        let length = self.length();
        let passed = u64::from(now).saturating_sub(end).min(length);
        // The quotient is at most `amount`, and V is at least 1.
        mul_div_down(amount, u128::from(passed), u128::from(length)).unwrap_or(0)
    }
}

/// One operator's amounts that still vest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Ring {
    /// The epoch up to which vested amounts were released.
    released_to: Epoch,
    /// The period of `slots[0]`; `slots[k]` belongs to period `newest - k`.
    newest: Period,
    /// Booked amounts by period, the newest first; never more than
    /// `vesting_periods + 1`, and without trailing zeros.
    slots: Vec<u128>,
}

impl Ring {
    /// Releases what has vested up to epoch `now` and returns it.
    ///
    /// Differences telescope: releasing every epoch and releasing once give the
    /// same total.
    pub fn release(&mut self, vesting: &Vesting, now: Epoch) -> u128 {
        if now <= self.released_to {
            return 0;
        }
        let mut released = 0_u128;
        for (slot, period) in self.slots.iter().zip(periods_down_from(self.newest)) {
            let step = vesting.vested(*slot, period, now)
                - vesting.vested(*slot, period, self.released_to);
            released = released.saturating_add(step);
        }
        self.released_to = now;
        self.roll(vesting, now);
        released
    }

    /// Books `amount` for period `period` at epoch `now` and returns what of it
    /// is vested already: arrears of a late booking, and all of it once the
    /// vesting is over. Call [`Ring::release`] first; a later `release` and this
    /// then never pay the same step twice.
    pub fn book(&mut self, vesting: &Vesting, period: Period, amount: u128, now: Epoch) -> u128 {
        debug_assert!(self.released_to >= now || self.slots.is_empty());
        self.released_to = self.released_to.max(now);
        self.roll(vesting, now);
        let Some(age) = self.newest.checked_sub(period) else {
            // Only an epoch that has ended can be booked, so its period has begun.
            return amount;
        };
        if age > u32::from(vesting.vesting_periods) {
            return amount;
        }
        // `age` is at most MAX_VESTING_PERIODS.
        let index = age as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, 0);
        }
        let before = self.slots[index];
        let after = before.saturating_add(amount);
        self.slots[index] = after;
        vesting.vested(after, period, self.released_to)
            - vesting.vested(before, period, self.released_to)
    }

    /// What is booked and not yet released.
    #[must_use]
    pub fn unvested(&self, vesting: &Vesting) -> u128 {
        self.slots
            .iter()
            .zip(periods_down_from(self.newest))
            .fold(0_u128, |sum, (slot, period)| {
                sum.saturating_add(slot - vesting.vested(*slot, period, self.released_to))
            })
    }

    /// Takes up to `wanted` out of what is not vested, the newest slot first, and
    /// returns what was taken. Call [`Ring::release`] first: what has vested is
    /// the operator's and stays.
    ///
    /// A slot is lowered from `A` to the largest `A'` with
    /// `A' - vested(A') = (A - vested(A)) - taken`, so the amount is met to the unit.
    pub fn slash(&mut self, vesting: &Vesting, wanted: u128) -> u128 {
        let mut left = wanted;
        let length = vesting.length();
        for (slot, period) in self.slots.iter_mut().zip(periods_down_from(self.newest)) {
            let unvested = *slot - vesting.vested(*slot, period, self.released_to);
            let taken = left.min(unvested);
            if taken == 0 {
                continue;
            }
            let end = (u64::from(period) + 1) * u64::from(vesting.period_epochs);
            let passed = u64::from(self.released_to).saturating_sub(end).min(length);
            // Something is unvested, so passed < V. A' = floor(u' * V / (V - k)) is the
            // largest amount of which ceil(A' * (V - k) / V) = u' is still to vest; it is
            // at most A, because A is such an amount for u >= u'.
            *slot = mul_div_down(
                unvested - taken,
                u128::from(length),
                u128::from(length - passed),
            )
            .unwrap_or(*slot)
            .min(*slot);
            left -= taken;
        }
        self.trim();
        wanted - left
    }

    /// The amounts still in the ring with their periods, the newest first.
    pub fn slots(&self) -> impl Iterator<Item = (Period, u128)> + '_ {
        periods_down_from(self.newest).zip(self.slots.iter().copied())
    }

    /// The epoch up to which vested amounts were released.
    #[must_use]
    pub fn released_to(&self) -> Epoch {
        self.released_to
    }

    /// Moves the newest slot up to the period of `now`; what falls out at the old
    /// end has vested whole.
    fn roll(&mut self, vesting: &Vesting, now: Epoch) {
        let current = vesting.period(now);
        let steps = current.saturating_sub(self.newest);
        self.newest = self.newest.max(current);
        let capacity = usize::from(vesting.vesting_periods) + 1;
        if self.slots.is_empty() || steps == 0 {
            return;
        }
        let steps = usize::try_from(steps).unwrap_or(usize::MAX).min(capacity);
        self.slots.splice(0..0, core::iter::repeat_n(0, steps));
        self.slots.truncate(capacity);
        self.trim();
    }

    fn trim(&mut self) {
        while self.slots.last() == Some(&0) {
            self.slots.pop();
        }
    }
}

fn periods_down_from(newest: Period) -> impl Iterator<Item = Period> {
    // A ring never has more slots than periods have begun, so 0 is not repeated for a used slot.
    (0..).map(move |k| newest.saturating_sub(k))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VESTING: Vesting = Vesting {
        period_epochs: 2,
        vesting_periods: 3,
    };

    #[test]
    fn nothing_vests_before_the_end_of_the_period() {
        assert_eq!(VESTING.vested(600, 0, 2), 0);
        assert_eq!(VESTING.vested(600, 0, 3), 100);
        assert_eq!(VESTING.vested(600, 0, 8), 600);
        assert_eq!(VESTING.vested(600, 0, 99), 600);
    }

    #[test]
    fn claiming_every_epoch_and_claiming_once_give_the_same() {
        for last in 0..12 {
            let mut often = Ring::default();
            let mut once = Ring::default();
            let mut total_often = often.book(&VESTING, 0, 601, 1);
            let total_once = once.book(&VESTING, 0, 601, 1);
            for now in 1..=last {
                total_often += often.release(&VESTING, now);
            }
            let total_once = total_once + once.release(&VESTING, last);
            assert_eq!(total_often, total_once, "at epoch {last}");
            assert_eq!(601 - total_once, once.unvested(&VESTING));
        }
    }

    #[test]
    fn a_late_booking_releases_its_arrears_at_once() {
        let mut ring = Ring::default();
        assert_eq!(ring.book(&VESTING, 0, 600, 5), 300);
        assert_eq!(ring.unvested(&VESTING), 300);
        let mut old = Ring::default();
        assert_eq!(old.book(&VESTING, 0, 600, 100), 600);
        assert_eq!(old.unvested(&VESTING), 0);
    }

    #[test]
    fn a_slash_takes_the_newest_first_and_leaves_what_has_vested() {
        let mut ring = Ring::default();
        ring.book(&VESTING, 0, 600, 1);
        assert_eq!(ring.release(&VESTING, 4), 200);
        ring.book(&VESTING, 1, 90, 4);
        assert_eq!(ring.unvested(&VESTING), 490);
        assert_eq!(ring.slash(&VESTING, 100), 100);
        assert_eq!(ring.unvested(&VESTING), 390);
        assert_eq!(ring.slash(&VESTING, 1_000), 390);
        assert_eq!(ring.release(&VESTING, 99), 0);
    }
}
