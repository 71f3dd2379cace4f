//! Funding and payments.

use super::{At, Index};
use crate::finding::Finding;
use plimsoll_interface::events;

impl Index {
    pub(super) fn funded(&mut self, at: &At, e: &events::Funded) -> Result<(), Finding> {
        at.in_turn(e.amount > 0, "an amount")?;
        let running = at.running();
        self.in_ledger(at, |ledger| {
            ledger.receive(e.amount)?;
            ledger.enter(e.amount, running)
        })
    }

    pub(super) fn paid(&mut self, at: &At, e: &events::Paid) -> Result<(), Finding> {
        self.release(at, e.operator)?;
        let operator = self.operator(at, e.operator)?;
        let (payee, amount) = (operator.payee_at(at.now), operator.account.claim());
        at.same("payee", &payee, &e.payee)?;
        at.same("amount", &amount, &e.amount)?;
        at.in_turn(amount > 0, "something to claim")?;
        self.in_ledger(at, |ledger| ledger.claim(amount))
    }

    pub(super) fn payment_failed(
        &mut self,
        at: &At,
        e: &events::PaymentFailed,
    ) -> Result<(), Finding> {
        self.release(at, e.operator)?;
        let operator = self.operator(at, e.operator)?;
        let (payee, amount) = (operator.payee_at(at.now), operator.account.claimable);
        at.same("payee", &payee, &e.payee)?;
        at.same("amount", &amount, &e.amount)?;
        at.in_turn(amount > 0, "something to claim")
    }
}
