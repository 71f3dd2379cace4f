//! The reserve of a design over a run, by the contract's own ledger.

use plimsoll_mechanism::ledger::Ledger;
use plimsoll_mechanism::Epoch;

/// What a design can still pay, in base units.
///
/// As in the contract, what enters the reserve in an epoch counts from the budget of the
/// next one. An epoch is settled, raised and booked within the epoch after it, so what
/// epoch `e` leaves over counts from the budget of `e + 2`.
#[derive(Clone, Copy, Debug)]
pub struct Reserve {
    ledger: Ledger,
}

impl Reserve {
    /// A reserve funded with `amount` base units before the first epoch.
    #[must_use]
    pub fn funded(amount: u128) -> Self {
        let mut ledger = Ledger::default();
        ledger
            .receive(amount)
            .and_then(|()| ledger.enter(amount, None))
            .expect("an empty ledger takes any amount");
        Self { ledger }
    }

    /// What stood in the reserve at the start of `epoch`, in base units, when every
    /// earlier epoch is settled.
    #[must_use]
    pub fn at_start(&self, epoch: Epoch) -> u128 {
        let entered = self.ledger.entered_before(epoch, epoch);
        // An epoch is always known in itself, and every budget is a part of what had
        // entered before it.
        entered.unwrap_or(0).saturating_sub(self.ledger.emitted)
    }

    /// Settles `epoch`: `budget` leaves the reserve, and `returned` of it comes back
    /// while the next epoch runs. Both in base units.
    ///
    /// # Panics
    /// If the budget is more than the reserve has, or more returns than was ever paid
    /// out of it: a fault of the design.
    pub fn settle(&mut self, epoch: Epoch, budget: u128, returned: u128) {
        self.ledger
            .emit(budget)
            .and_then(|()| self.ledger.leftover(returned, epoch + 1))
            .expect("a design pays out of its budget and returns only what it had");
    }

    /// Everything that left the reserve and did not return: paid, held or dust. Base units.
    #[must_use]
    pub fn out(&self) -> u128 {
        self.ledger.pots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_epoch_leaves_over_counts_two_epochs_later() {
        let mut reserve = Reserve::funded(1_000);
        assert_eq!(reserve.at_start(0), 1_000);
        reserve.settle(0, 100, 40);
        assert_eq!(reserve.at_start(1), 900);
        reserve.settle(1, 90, 0);
        // 1,000 - 100 - 90, and the 40 of epoch 0.
        assert_eq!(reserve.at_start(2), 850);
        assert_eq!(reserve.out(), 150);
    }

    #[test]
    #[should_panic(expected = "pays out of its budget")]
    fn a_design_that_returns_more_than_it_had_is_caught() {
        Reserve::funded(10).settle(0, 5, 6);
    }
}
