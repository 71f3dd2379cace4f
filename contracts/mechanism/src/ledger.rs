//! What the contract holds and to whom it belongs (guarantee G1).
//!
//! ```text
//! reserve + inflows to come + pots + unvested + claimable + bonds
//!     = everything received through messages - everything paid out
//! ```

use crate::Epoch;

/// The terms of the conservation law, in base units.
///
/// The reserve is kept as two totals, what ever entered it and what was ever
/// emitted from it, with what entered in the current and in the previous epoch
/// beside them. So the reserve at the start of an epoch can be read off when the
/// epoch's first batch arrives, and the moment of settling changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "scale",
    derive(parity_scale_codec::Encode, parity_scale_codec::Decode)
)]
#[cfg_attr(feature = "info", derive(scale_info::TypeInfo))]
pub struct Ledger {
    /// Everything received through messages.
    pub received: u128,
    /// Everything paid out.
    pub paid: u128,
    /// Everything that ever entered the reserve: funding, slashes, leftovers.
    pub entered: u128,
    /// The sum of all budgets.
    pub emitted: u128,
    /// The epoch of the two following figures.
    epoch: Epoch,
    /// What entered during that epoch.
    entered_now: u128,
    /// What entered during the epoch before it.
    entered_before: u128,
    /// Settled and not yet booked (rounding dust included).
    pub pots: u128,
    /// Booked and not yet vested, as of each operator's last release.
    pub unvested: u128,
    /// Vested, liquid, or bond freed by a promotion, and not yet claimed.
    pub claimable: u128,
    /// Bonds, those on their way out included.
    pub bonds: u128,
}

/// Why the ledger refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// A sum would leave its range: more than 2^128 units were received in all.
    Overflow,
    /// A term does not have as much.
    Short,
}

impl Ledger {
    /// The reserve without what entered in the current epoch `now`: the `R` of
    /// the current epoch, before budgets that are not settled yet.
    #[must_use]
    pub fn reserve(&self, now: Epoch) -> u128 {
        self.balance().saturating_sub(self.inflows(now))
    }

    /// What entered the reserve in epoch `now` and counts from the next budget on.
    #[must_use]
    pub fn inflows(&self, now: Epoch) -> u128 {
        if self.epoch == now {
            self.entered_now
        } else {
            0
        }
    }

    /// Everything in the reserve.
    #[must_use]
    pub fn balance(&self) -> u128 {
        // Every budget is a part of what entered before it.
        self.entered - self.emitted
    }

    /// Everything owed or kept: the left side of the conservation law.
    #[must_use]
    pub fn owed(&self) -> u128 {
        [
            self.balance(),
            self.pots,
            self.unvested,
            self.claimable,
            self.bonds,
        ]
        .into_iter()
        .fold(0_u128, u128::saturating_add)
    }

    /// Whether the conservation law holds, to the unit.
    #[must_use]
    pub fn conserves(&self) -> bool {
        self.paid.checked_add(self.owed()) == Some(self.received)
    }

    /// Everything that had entered before `epoch` began, seen in epoch `now`;
    /// `None` unless `epoch` is the next, the current or the previous one.
    #[must_use]
    pub fn entered_before(&self, epoch: Epoch, now: Epoch) -> Option<u128> {
        let mut rolled = *self;
        rolled.roll(now);
        let current = rolled.entered - rolled.entered_now;
        if epoch == now {
            Some(current)
        } else if now.checked_sub(1) == Some(epoch) {
            Some(current - rolled.entered_before)
        } else if now.checked_add(1) == Some(epoch) {
            Some(rolled.entered)
        } else {
            None
        }
    }

    /// Takes `amount` from outside.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn receive(&mut self, amount: u128) -> Result<(), LedgerError> {
        self.received = self
            .received
            .checked_add(amount)
            .ok_or(LedgerError::Overflow)?;
        Ok(())
    }

    /// Notes that `amount` went out.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn pay(&mut self, amount: u128) -> Result<(), LedgerError> {
        self.paid = self.paid.checked_add(amount).ok_or(LedgerError::Overflow)?;
        Ok(())
    }

    /// Lets `amount` enter the reserve in epoch `now`, to count from the next one;
    /// `None` before genesis, to count from epoch 0.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn enter(&mut self, amount: u128, now: Option<Epoch>) -> Result<(), LedgerError> {
        self.entered = self
            .entered
            .checked_add(amount)
            .ok_or(LedgerError::Overflow)?;
        if let Some(now) = now {
            self.roll(now);
            self.entered_now = self
                .entered_now
                .checked_add(amount)
                .ok_or(LedgerError::Overflow)?;
        }
        Ok(())
    }

    /// Moves a budget from the reserve to a pot.
    ///
    /// # Errors
    /// [`LedgerError::Short`] if the reserve does not have it.
    pub fn emit(&mut self, budget: u128) -> Result<(), LedgerError> {
        let emitted = self
            .emitted
            .checked_add(budget)
            .ok_or(LedgerError::Overflow)?;
        if emitted > self.entered {
            return Err(LedgerError::Short);
        }
        self.emitted = emitted;
        add(&mut self.pots, budget)
    }

    /// Returns `amount` of a pot to the reserve in epoch `now`.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn leftover(&mut self, amount: u128, now: Epoch) -> Result<(), LedgerError> {
        sub(&mut self.pots, amount)?;
        self.enter(amount, Some(now))
    }

    /// Moves a reward out of a pot: `vesting` to unvested, `liquid` to claimable.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn book(&mut self, liquid: u128, vesting: u128) -> Result<(), LedgerError> {
        sub(&mut self.pots, liquid)?;
        sub(&mut self.pots, vesting)?;
        add(&mut self.claimable, liquid)?;
        add(&mut self.unvested, vesting)
    }

    /// Moves what has vested to claimable.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn vest(&mut self, amount: u128) -> Result<(), LedgerError> {
        sub(&mut self.unvested, amount)?;
        add(&mut self.claimable, amount)
    }

    /// Pays a claim out.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn claim(&mut self, amount: u128) -> Result<(), LedgerError> {
        sub(&mut self.claimable, amount)?;
        self.pay(amount)
    }

    /// Takes a bond in.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn bond(&mut self, amount: u128) -> Result<(), LedgerError> {
        self.receive(amount)?;
        add(&mut self.bonds, amount)
    }

    /// Pays a bond back.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn unbond(&mut self, amount: u128) -> Result<(), LedgerError> {
        sub(&mut self.bonds, amount)?;
        self.pay(amount)
    }

    /// Moves a bond that never backed anything to claimable.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn free_bond(&mut self, amount: u128) -> Result<(), LedgerError> {
        sub(&mut self.bonds, amount)?;
        add(&mut self.claimable, amount)
    }

    /// Moves what a slash took to the reserve in epoch `now`.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn slash(
        &mut self,
        bond: u128,
        unvested: u128,
        now: Option<Epoch>,
    ) -> Result<(), LedgerError> {
        sub(&mut self.bonds, bond)?;
        sub(&mut self.unvested, unvested)?;
        self.enter(
            bond.checked_add(unvested).ok_or(LedgerError::Overflow)?,
            now,
        )
    }

    fn roll(&mut self, now: Epoch) {
        if now <= self.epoch {
            return;
        }
        self.entered_before = if now - self.epoch == 1 {
            self.entered_now
        } else {
            0
        };
        self.entered_now = 0;
        self.epoch = now;
    }
}

fn add(term: &mut u128, amount: u128) -> Result<(), LedgerError> {
    *term = term.checked_add(amount).ok_or(LedgerError::Overflow)?;
    Ok(())
}

fn sub(term: &mut u128, amount: u128) -> Result<(), LedgerError> {
    *term = term.checked_sub(amount).ok_or(LedgerError::Short)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_enters_in_an_epoch_counts_from_the_next() {
        let mut ledger = Ledger::default();
        for (epoch, amount) in [(0, 100), (1, 20), (2, 3)] {
            ledger.receive(amount).expect("small");
            ledger.enter(amount, Some(epoch)).expect("small");
        }
        assert_eq!(ledger.entered_before(1, 2), Some(100));
        assert_eq!(ledger.entered_before(2, 2), Some(120));
        assert_eq!(ledger.entered_before(3, 2), Some(123));
        assert_eq!(ledger.entered_before(0, 2), None);
        assert_eq!(ledger.entered_before(7, 8), Some(123));
        assert_eq!((ledger.reserve(2), ledger.inflows(2)), (120, 3));
        assert_eq!((ledger.reserve(3), ledger.inflows(3)), (123, 0));
        assert!(ledger.conserves());
    }

    #[test]
    fn every_unit_is_somewhere() {
        let mut ledger = Ledger::default();
        let run = |ledger: &mut Ledger| -> Result<(), LedgerError> {
            ledger.receive(1_000)?;
            ledger.enter(1_000, None)?;
            ledger.bond(50)?;
            ledger.emit(100)?;
            ledger.leftover(10, 2)?;
            ledger.book(30, 60)?;
            ledger.vest(20)?;
            ledger.claim(50)?;
            ledger.slash(5, 40, Some(3))?;
            ledger.unbond(35)?;
            ledger.free_bond(10)
        };
        run(&mut ledger).expect("every term stays in range");
        assert!(ledger.conserves());
        assert_eq!((ledger.owed(), ledger.claimable), (965, 10));
        assert_eq!(ledger.emit(1_000), Err(LedgerError::Short));
    }
}
