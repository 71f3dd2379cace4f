//! Values that change at the start of an epoch.

use crate::Epoch;
use alloc::vec::Vec;

/// A value with the versions that may still be asked for: a batch of the
/// previous epoch needs what stood then, and one change may be announced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Schedule<T> {
    /// The version in force the longest ago that is still needed.
    first: T,
    /// Later versions with the epoch from which each counts, in order.
    later: Vec<(Epoch, T)>,
}

impl<T> Schedule<T> {
    /// A value that counts from the first epoch on.
    pub fn new(value: T) -> Self {
        Self {
            first: value,
            later: Vec::new(),
        }
    }

    /// What counts in `epoch`; exact for the previous epoch, the current one and
    /// all later ones.
    pub fn at(&self, epoch: Epoch) -> &T {
        self.later
            .iter()
            .rev()
            .find(|(from, _)| *from <= epoch)
            .map_or(&self.first, |(_, value)| value)
    }

    /// The change announced for an epoch after `now`, with that epoch.
    pub fn announced(&self, now: Epoch) -> Option<&(Epoch, T)> {
        self.later.last().filter(|(from, _)| *from > now)
    }

    /// Announces `value` for epoch `from`, in epoch `now` (< `from`, or equal to
    /// it before genesis). A change announced before and not yet in force is
    /// replaced. What is older than the previous epoch is forgotten.
    pub fn announce(&mut self, value: T, from: Epoch, now: Epoch) {
        self.withdraw(now);
        while self
            .later
            .first()
            .is_some_and(|(since, _)| since.saturating_add(1) <= now)
        {
            self.first = self.later.remove(0).1;
        }
        self.later.retain(|(since, _)| *since != from);
        self.later.push((from, value));
    }

    /// Takes back a change that is not in force yet; `false` if there is none.
    pub fn withdraw(&mut self, now: Epoch) -> bool {
        if self.announced(now).is_none() {
            return false;
        }
        self.later.pop();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_epoch_keeps_what_stood_in_it() {
        let mut schedule = Schedule::new(0);
        schedule.announce(1, 5, 3);
        assert_eq!(schedule.at(4), &0);
        assert_eq!(schedule.at(5), &1);
        // In force since this very epoch: the one before still had the old value.
        schedule.announce(2, 6, 5);
        assert_eq!([4, 5, 6].map(|e| *schedule.at(e)), [0, 1, 2]);
        schedule.announce(3, 8, 7);
        assert_eq!([6, 7, 8].map(|e| *schedule.at(e)), [2, 2, 3]);
        assert!(schedule.later.len() <= 2);
    }

    #[test]
    fn a_change_that_is_not_in_force_is_replaced_or_withdrawn() {
        let mut schedule = Schedule::new(0);
        schedule.announce(1, 9, 3);
        schedule.announce(2, 10, 4);
        assert_eq!(schedule.at(9), &0);
        assert_eq!(schedule.announced(4), Some(&(10, 2)));
        assert!(schedule.withdraw(9));
        assert!(!schedule.withdraw(9));
        assert_eq!(schedule.at(10), &0);
    }
}
