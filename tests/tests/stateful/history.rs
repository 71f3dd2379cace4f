//! Values by epoch, all of them kept.

use plimsoll_interface::mechanism::Epoch;

/// A value with every version it had.
#[derive(Clone, Debug)]
pub struct History<T>(Vec<(Epoch, T)>);

impl<T: Clone> History<T> {
    /// A value that counts from the first epoch on.
    pub fn new(value: T) -> Self {
        Self(vec![(0, value)])
    }

    /// What counts in `epoch`.
    pub fn at(&self, epoch: Epoch) -> T {
        let (_, value) = self
            .0
            .iter()
            .rev()
            .find(|(from, _)| *from <= epoch)
            .expect("the first version counts from epoch 0");
        value.clone()
    }

    /// What counts in the end.
    pub fn last(&self) -> T {
        self.at(Epoch::MAX)
    }

    /// Lets `value` count from epoch `from` on, instead of whatever was to count then.
    pub fn set(&mut self, from: Epoch, value: T) {
        self.0.retain(|(since, _)| *since < from);
        self.0.push((from, value));
    }

    /// Forgets what is to count after `now`.
    pub fn forget_after(&mut self, now: Epoch) {
        self.0.retain(|(since, _)| *since <= now);
    }
}
