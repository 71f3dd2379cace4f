//! Registration, payee, tier and bond.

use super::{At, Due, Index, Operator};
use crate::finding::{Finding, Kind};
use plimsoll_interface::events;
use plimsoll_interface::mechanism::account::Account;
use plimsoll_interface::mechanism::clock::Clock;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::MAX_OPERATORS;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};

impl Index {
    pub(super) fn registered(&mut self, at: &At, e: &events::Registered) -> Result<(), Finding> {
        // There are fewer than 2^24 of them.
        at.same("operator", &(self.operators.len() as u32), &e.operator)?;
        at.in_turn(e.operator < MAX_OPERATORS, "an index below 2^24")?;
        let new = !e.payee.is_zero() && self.addresses.insert(e.address, e.operator).is_none();
        at.in_turn(new, "an address that is no operator's, and a payee")?;
        self.operators.push(Operator {
            address: e.address,
            payee: e.payee,
            pending: None,
            only_self: false,
            status: Vec::new(),
            account: Account::default(),
            archive: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn payee_announced(
        &mut self,
        at: &At,
        e: &events::PayeeAnnounced,
    ) -> Result<(), Finding> {
        let from = at.now.saturating_add(self.settings.payee_delay);
        at.same("from", &from, &e.from)?;
        at.in_turn(!e.payee.is_zero(), "a payee")?;
        let operator = self.operator(at, e.operator)?;
        operator.payee = operator.payee_at(at.now);
        operator.pending = Some((e.payee, e.from));
        Ok(())
    }

    pub(super) fn payee_cancelled(
        &mut self,
        at: &At,
        e: &events::PayeeCancelled,
    ) -> Result<(), Finding> {
        let operator = self.operator(at, e.operator)?;
        let waits = operator.pending.is_some() && operator.payee_at(at.now) == operator.payee;
        at.in_turn(waits, "a payee that was announced and does not count yet")?;
        operator.pending = None;
        Ok(())
    }

    /// Sets what an operator that is not vetted counts as.
    pub(super) fn refresh(
        &mut self,
        at: &At,
        operator: OperatorIndex,
        from: Epoch,
    ) -> Result<(), Finding> {
        let least = self.settings.min_open_bond;
        let operator = self.operator(at, operator)?;
        if operator.status(from) != Status::Vetted {
            let open = operator.account.bond.bonded() >= least;
            let status = if open { Status::Open } else { Status::Inactive };
            operator.set_status(status, from);
        }
        Ok(())
    }

    pub(super) fn vouched(&mut self, at: &At, e: &events::Vouched) -> Result<(), Finding> {
        let (epoch, next) = (at.epoch(), at.clock.next_epoch());
        at.same("from", &next, &e.from)?;
        let seen = if self.vouches.0 == epoch {
            self.vouches.1
        } else {
            0
        };
        let most = self.settings.max_vouches;
        at.in_turn(seen < most, &format!("at most {most} vouches an epoch"))?;
        self.vouches = (epoch, seen + 1);
        let operator = self.operator(at, e.operator)?;
        at.in_turn(
            operator.status(next) != Status::Vetted,
            "an operator that is not vetted",
        )?;
        let mut bond = operator.account.bond.clone();
        let left = bond.retire(at.clock.started(), epoch, next).amount;
        let expected = "Unbonding of all that can leave before it";
        if left > 0 {
            return Err(at.finding(Kind::OutOfTurn, expected, format!("a bond of {left}")));
        }
        operator.set_status(Status::Vetted, next);
        Ok(())
    }

    pub(super) fn revoked(&mut self, at: &At, e: &events::Revoked) -> Result<(), Finding> {
        let next = at.clock.next_epoch();
        at.same("from", &next, &e.from)?;
        let operator = self.operator(at, e.operator)?;
        at.in_turn(operator.status(next) == Status::Vetted, "a vetted operator")?;
        operator.set_status(Status::Inactive, next);
        self.refresh(at, e.operator, next)
    }

    pub(super) fn bonded(&mut self, at: &At, e: &events::Bonded) -> Result<(), Finding> {
        let next = at.clock.next_epoch();
        at.same("from", &next, &e.from)?;
        at.in_turn(e.amount > 0, "an amount")?;
        self.in_ledger(at, |ledger| ledger.bond(e.amount))?;
        let operator = self.operator(at, e.operator)?;
        let bond = &mut operator.account.bond;
        let kept = bond
            .deposit(e.amount, next)
            .map_err(|error| at.ledger(&error))?;
        operator.archive(kept);
        self.refresh(at, e.operator, next)
    }

    pub(super) fn unbonding(&mut self, at: &At, e: &events::Unbonding) -> Result<(), Finding> {
        let (epoch, next) = (at.epoch(), at.clock.next_epoch());
        at.same("epoch", &epoch, &e.epoch)?;
        at.in_turn(e.amount > 0, "an amount")?;
        let operator = self.operator(at, e.operator)?;
        let bond = &mut operator.account.bond;
        let withdrawal = bond
            .withdraw(e.amount, at.clock.started(), epoch, next)
            .map_err(|error| at.ledger(&error))?;
        at.same("free", &withdrawal.free, &e.free)?;
        operator.archive(withdrawal.archive);
        if e.free > 0 {
            self.due = Some(Due::Free(e.operator, e.free));
        }
        self.refresh(at, e.operator, next)
    }

    pub(super) fn bond_paid(
        &mut self,
        at: &At,
        e: &events::BondPaid,
        free_at_once: Option<u128>,
    ) -> Result<(), Finding> {
        let amount = match free_at_once {
            Some(amount) => amount,
            None => {
                let free = self.free_withdrawals(at, e.operator)?;
                let bond = &mut self.operator(at, e.operator)?.account.bond;
                bond.release(|epoch| free.contains(&epoch))
            }
        };
        at.same("amount", &amount, &e.amount)?;
        at.in_turn(amount > 0, "a bond that has left")?;
        let payee = self.operator(at, e.operator)?.payee_at(at.now);
        at.same("payee", &payee, &e.payee)?;
        self.in_ledger(at, |ledger| ledger.unbond(amount))
    }

    pub(super) fn bond_freed(
        &mut self,
        at: &At,
        e: &events::BondFreed,
        free_at_once: Option<u128>,
    ) -> Result<(), Finding> {
        at.in_turn(free_at_once.is_some(), "Unbonding just before it")?;
        let amount = free_at_once.unwrap_or_default();
        at.same("amount", &amount, &e.amount)?;
        self.operator(at, e.operator)?.account.add_claimable(amount);
        self.due = Some(Due::Vouch(e.operator));
        self.in_ledger(at, |ledger| ledger.free_bond(amount))
    }

    /// Whether a bond withdrawn in `epoch` has left.
    fn is_free(&self, clock: &Clock, epoch: Epoch) -> bool {
        let settled_at = match self.epochs.get(&epoch) {
            Some(worked) => worked.record.settlement.map(|s| s.at),
            None => Some(clock.review_end(epoch)),
        };
        let epochs = u64::from(self.settings.unbonding_epochs);
        let wait = epochs.saturating_mul(self.settings.times.epoch);
        settled_at.is_some_and(|at| clock.elapsed() >= clock.final_at(at).saturating_add(wait))
    }

    /// Epochs of an operator's withdrawals that have left.
    pub(super) fn free_withdrawals(
        &mut self,
        at: &At,
        operator: OperatorIndex,
    ) -> Result<Vec<Epoch>, Finding> {
        let bond = &self.operator(at, operator)?.account.bond;
        let epochs: Vec<Epoch> = bond.withdrawals().iter().map(|w| w.epoch).collect();
        let free = |epoch: &Epoch| self.is_free(&at.clock, *epoch);
        Ok(epochs.into_iter().filter(free).collect())
    }
}
