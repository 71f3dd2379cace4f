//! Bonds of open operators: what stood when, and what is on its way out.
//!
//! A deposit counts from the next epoch. A withdrawal counts from the next epoch
//! too, so the bond backs the epoch it is withdrawn in; it leaves
//! `unbonding_epochs` after that epoch is final and can be slashed until then.
//! A reward booked years later is still bounded by the bond of its own epoch, so
//! every change keeps what stood before.

use crate::Epoch;
use alloc::vec::Vec;

/// The most withdrawals of one operator that can be on their way at once. It
/// keeps an operator's state within one storage item.
pub const MAX_UNBONDING: usize = 3;

/// What counts from an epoch on, until the next checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Checkpoint {
    /// The first epoch for which `amount` counts.
    pub from: Epoch,
    /// The bond in base units.
    pub amount: u128,
}

/// A withdrawal on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Unbonding {
    /// The epoch it was withdrawn in, the last one it backs.
    pub epoch: Epoch,
    /// Base units.
    pub amount: u128,
}

/// One operator's bond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Bond {
    newest: Checkpoint,
    previous: Option<Checkpoint>,
    /// Number of older checkpoints, kept elsewhere under the indices `0..archived`.
    archived: u32,
    unbonding: Vec<Unbonding>,
}

/// What [`Bond::at`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The bond of that epoch.
    Known(u128),
    /// The epoch is older than what is at hand: look it up in the archive of so many checkpoints.
    Archived(u32),
}

/// Why a withdrawal was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BondError {
    /// There is not as much.
    TooMuch,
    /// [`MAX_UNBONDING`] withdrawals are on their way already.
    TooManyWithdrawals,
}

/// What a withdrawal does at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Withdrawal {
    /// All that was withdrawn, in base units.
    pub amount: u128,
    /// Deposits that did not count yet, free at once, in base units.
    pub free: u128,
    /// A checkpoint to be kept in the archive, with its index there.
    pub archive: Option<(u32, Checkpoint)>,
}

impl Bond {
    /// What is bonded now, deposits that do not count yet included, in base units.
    #[must_use]
    pub fn bonded(&self) -> u128 {
        self.newest.amount
    }

    /// What is on its way out, in base units.
    #[must_use]
    pub fn unbonding(&self) -> u128 {
        self.unbonding
            .iter()
            .fold(0_u128, |sum, u| sum.saturating_add(u.amount))
    }

    /// The withdrawals on their way out.
    #[must_use]
    pub fn withdrawals(&self) -> &[Unbonding] {
        &self.unbonding
    }

    /// Everything this operator has in the contract as bond, in base units.
    #[must_use]
    pub fn total(&self) -> u128 {
        self.bonded().saturating_add(self.unbonding())
    }

    /// The bond that counts in `epoch`.
    #[must_use]
    pub fn at(&self, epoch: Epoch) -> Lookup {
        if epoch >= self.newest.from {
            return Lookup::Known(self.newest.amount);
        }
        match self.previous {
            Some(previous) if epoch >= previous.from => Lookup::Known(previous.amount),
            _ if self.archived == 0 => Lookup::Known(0),
            _ => Lookup::Archived(self.archived),
        }
    }

    /// Adds a deposit that counts from epoch `from` (the next one). Returns a
    /// checkpoint to be archived, if any; `None` inside the result if none.
    ///
    /// # Errors
    /// [`BondError::TooMuch`] if the sum does not fit in 128 bits.
    pub fn deposit(
        &mut self,
        amount: u128,
        from: Epoch,
    ) -> Result<Option<(u32, Checkpoint)>, BondError> {
        let sum = self
            .total()
            .checked_add(amount)
            .and(self.newest.amount.checked_add(amount))
            .ok_or(BondError::TooMuch)?;
        Ok(self.change(from, sum))
    }

    /// Withdraws `amount` in epoch `now`, counting from epoch `from` (the next
    /// one). Deposits that do not count yet are taken first and are free at once;
    /// before genesis (`started` is false) that is all of them.
    ///
    /// # Errors
    /// See [`BondError`].
    pub fn withdraw(
        &mut self,
        amount: u128,
        started: bool,
        now: Epoch,
        from: Epoch,
    ) -> Result<Withdrawal, BondError> {
        let rest = self
            .newest
            .amount
            .checked_sub(amount)
            .ok_or(BondError::TooMuch)?;
        let counted = if started { self.backing(now) } else { 0 };
        let free = amount.min(self.newest.amount.saturating_sub(counted));
        self.leave(amount - free, now)?;
        Ok(Withdrawal {
            amount,
            free,
            archive: self.change(from, rest),
        })
    }

    /// Withdraws all it can, as a promotion to vetted does. If [`MAX_UNBONDING`]
    /// withdrawals are on their way already, that is only what is free at once: the
    /// rest stays bonded until its owner withdraws it, and no other withdrawal waits
    /// longer for it.
    pub fn retire(&mut self, started: bool, now: Epoch, from: Epoch) -> Withdrawal {
        let everything = self.newest.amount;
        let counted = if started { self.backing(now) } else { 0 };
        [everything, everything.saturating_sub(counted)]
            .into_iter()
            .filter(|amount| *amount > 0)
            .find_map(|amount| self.withdraw(amount, started, now, from).ok())
            .unwrap_or_default()
    }

    /// What of the bond that stood at the start of the current epoch `now` was not
    /// withdrawn in it. After a slash in that epoch it may be more than is left, so a
    /// deposit behind it waits like the bond that was slashed.
    fn backing(&self, now: Epoch) -> u128 {
        let counted = match self.at(now) {
            Lookup::Known(counted) => counted,
            // The newest checkpoint is at most one epoch ahead, so the one before it
            // covers the current epoch and the archive is never needed.
            Lookup::Archived(_) => self.newest.amount,
        };
        let left = self.unbonding.iter().find(|u| u.epoch == now);
        counted.saturating_sub(left.map_or(0, |u| u.amount))
    }

    /// Takes every withdrawal for which `free(epoch)` holds and returns their sum.
    pub fn release(&mut self, free: impl Fn(Epoch) -> bool) -> u128 {
        let before = self.unbonding();
        self.unbonding.retain(|u| !free(u.epoch));
        before - self.unbonding()
    }

    /// Takes up to `wanted`, the bond first, counting from epoch `from`, then the
    /// newest withdrawals. Those for which `free(epoch)` holds have left, collected or
    /// not. Returns what was taken and a checkpoint to be archived.
    pub fn slash(
        &mut self,
        wanted: u128,
        from: Epoch,
        free: impl Fn(Epoch) -> bool,
    ) -> (u128, Option<(u32, Checkpoint)>) {
        let from_bond = wanted.min(self.newest.amount);
        let archive = if from_bond == 0 {
            None
        } else {
            self.change(from, self.newest.amount - from_bond)
        };
        let mut left = wanted - from_bond;
        let waiting = self.unbonding.iter_mut().rev();
        for unbonding in waiting.filter(|u| !free(u.epoch)) {
            let taken = left.min(unbonding.amount);
            unbonding.amount -= taken;
            left -= taken;
        }
        self.unbonding.retain(|u| u.amount > 0);
        (wanted - left, archive)
    }

    fn leave(&mut self, amount: u128, now: Epoch) -> Result<(), BondError> {
        if amount == 0 {
            return Ok(());
        }
        if let Some(same) = self.unbonding.iter_mut().find(|u| u.epoch == now) {
            same.amount = same.amount.saturating_add(amount);
            return Ok(());
        }
        if self.unbonding.len() >= MAX_UNBONDING {
            return Err(BondError::TooManyWithdrawals);
        }
        self.unbonding.push(Unbonding { epoch: now, amount });
        Ok(())
    }

    fn change(&mut self, from: Epoch, amount: u128) -> Option<(u32, Checkpoint)> {
        if from <= self.newest.from {
            self.newest.amount = amount;
            return None;
        }
        let archive = self.previous.map(|old| {
            let index = self.archived;
            self.archived += 1;
            (index, old)
        });
        self.previous = Some(self.newest);
        self.newest = Checkpoint { from, amount };
        archive
    }
}

/// The bond of `epoch` among `count` archived checkpoints read by `read`, by
/// bisection; 0 before the first one.
pub fn archived_at(epoch: Epoch, count: u32, read: impl Fn(u32) -> Option<Checkpoint>) -> u128 {
    let (mut low, mut high) = (0, count);
    let mut amount = 0;
    while low < high {
        let middle = low + (high - low) / 2;
        let Some(checkpoint) = read(middle) else {
            return 0;
        };
        if checkpoint.from <= epoch {
            amount = checkpoint.amount;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    amount
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stood_at_the_start_of_an_epoch_counts_for_all_of_it_forever() {
        let mut bond = Bond::default();
        let mut archive = Vec::new();
        for epoch in 0..6_u32 {
            let kept = bond.deposit(10, epoch + 1).expect("small");
            archive.extend(kept.map(|(index, checkpoint)| {
                assert_eq!(index as usize, archive.len());
                checkpoint
            }));
        }
        for epoch in 0..9_u32 {
            let amount = match bond.at(epoch) {
                Lookup::Known(amount) => amount,
                Lookup::Archived(count) => {
                    archived_at(epoch, count, |k| archive.get(k as usize).copied())
                }
            };
            assert_eq!(amount, u128::from(epoch.min(6)) * 10, "epoch {epoch}");
        }
    }

    #[test]
    fn a_withdrawal_takes_deposits_that_do_not_count_yet_first() {
        let mut bond = Bond::default();
        bond.deposit(100, 1).expect("small");
        bond.deposit(30, 6).expect("small");
        let withdrawal = bond.withdraw(50, true, 5, 6).expect("enough");
        assert_eq!(withdrawal.free, 30);
        assert_eq!((bond.bonded(), bond.unbonding()), (80, 20));
        assert_eq!(bond.at(5), Lookup::Known(100));
        assert_eq!(bond.at(6), Lookup::Known(80));
        assert_eq!(bond.release(|epoch| epoch <= 4), 0);
        assert_eq!(bond.release(|epoch| epoch <= 5), 20);
    }

    #[test]
    fn too_much_and_too_many_withdrawals_are_refused() {
        let mut bond = Bond::default();
        bond.deposit(100, 1).expect("small");
        assert_eq!(bond.withdraw(101, true, 1, 2), Err(BondError::TooMuch));
        for epoch in 1..=3 {
            bond.withdraw(1, true, epoch, epoch + 1).expect("room");
        }
        assert_eq!(
            bond.withdraw(1, true, 4, 5),
            Err(BondError::TooManyWithdrawals)
        );
        assert_eq!(bond.total(), 100);
    }

    #[test]
    fn what_was_withdrawn_in_an_epoch_lets_no_new_deposit_back_it() {
        let mut bond = Bond::default();
        bond.deposit(100, 1).expect("small");
        assert_eq!(bond.withdraw(100, true, 5, 6).expect("enough").free, 0);
        bond.deposit(100, 6).expect("small");
        assert_eq!(bond.withdraw(100, true, 5, 6).expect("enough").free, 100);
        assert_eq!((bond.bonded(), bond.unbonding()), (0, 100));
    }

    #[test]
    fn a_withdrawal_never_moves_one_that_is_on_its_way() {
        let mut bond = Bond::default();
        bond.deposit(100, 1).expect("small");
        for epoch in 1..=3 {
            bond.withdraw(10, true, epoch, epoch + 1).expect("room");
        }
        let before = bond.clone();
        assert_eq!(
            bond.withdraw(70, true, 9, 10),
            Err(BondError::TooManyWithdrawals)
        );
        assert_eq!(bond, before);
        assert_eq!(bond.release(|epoch| epoch <= 3), 30);
        assert_eq!(bond.withdraw(70, true, 9, 10).expect("room").free, 0);
    }

    #[test]
    fn a_promotion_frees_all_of_the_bond_that_it_can() {
        let mut bond = Bond::default();
        bond.deposit(100, 1).expect("small");
        bond.deposit(7, 6).expect("small");
        let all = bond.clone().retire(true, 5, 6);
        assert_eq!((all.amount, all.free), (107, 7));
        let early = bond.clone().retire(false, 0, 0);
        assert_eq!((early.amount, early.free), (107, 107));
        // With three on their way, what never counted leaves and the rest stays.
        for epoch in 1..=3 {
            bond.leave(10, epoch).expect("room");
        }
        let waiting = bond.unbonding();
        let free = bond.retire(true, 5, 6);
        assert_eq!((free.amount, free.free), (7, 7));
        assert_eq!((bond.bonded(), bond.unbonding()), (100, waiting));
        assert_eq!(bond.retire(true, 5, 6).amount, 0);
    }

    #[test]
    fn a_slash_reaches_what_is_on_its_way_out() {
        let mut bond = Bond::default();
        bond.deposit(100, 1).expect("small");
        bond.withdraw(60, true, 1, 2).expect("enough");
        assert_eq!(bond.slash(70, 3, |_| false).0, 70);
        assert_eq!((bond.bonded(), bond.unbonding()), (0, 30));
        assert_eq!(bond.slash(70, 3, |_| false).0, 30);
        assert_eq!(bond.total(), 0);
    }

    #[test]
    fn a_slash_does_not_reach_a_withdrawal_that_is_free() {
        let mut bond = Bond::default();
        bond.deposit(100, 1).expect("small");
        bond.withdraw(40, true, 1, 2).expect("enough");
        bond.withdraw(50, true, 2, 3).expect("enough");
        assert_eq!(bond.slash(u128::MAX, 9, |epoch| epoch <= 1).0, 60);
        assert_eq!(bond.release(|epoch| epoch <= 1), 40);
    }
}
