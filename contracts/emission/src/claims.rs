//! Funding and claims.

use crate::context::Context;
use crate::host;
use crate::store::{self, OperatorItem};
use ink::env::emit_event;
use plimsoll_interface::mechanism::OperatorIndex;
use plimsoll_interface::{events, Claimed, Error};

pub fn fund(ctx: &mut Context, amount: u128) -> Result<(), Error> {
    ctx.take(amount)?;
    let epoch = ctx.running_epoch();
    let ledger = &mut ctx.root.ledger;
    ledger.receive(amount)?;
    ledger.enter(amount, epoch)?;
    emit_event(events::Funded {
        from: ctx.caller,
        amount,
    });
    Ok(())
}

pub fn claim(ctx: &mut Context, operator: OperatorIndex) -> Result<u128, Error> {
    let mut content = ctx.operator(operator)?;
    if content.only_self && ctx.caller != content.address {
        return Err(Error::OnlySelf);
    }
    ctx.release(&mut content)?;
    let amount = content.account.claim();
    if amount == 0 {
        return Err(Error::NothingDue);
    }
    ctx.root.ledger.claim(amount)?;
    store::set_operator(operator, &content);
    let payee = content.payee_at(ctx.now);
    ctx.pay(&payee, amount)?;
    emit_event(events::Paid {
        operator,
        payee,
        amount,
    });
    Ok(amount)
}

/// Pays many and compares the balance once, around all of them.
pub fn claim_many(ctx: &mut Context, operators: &[OperatorIndex]) -> Result<Claimed, Error> {
    let before = ctx.balance()?;
    let mut claimed = Claimed::default();
    for operator in operators.iter().copied() {
        match pay_one(ctx, operator)? {
            Some(amount) => {
                claimed.paid = claimed.paid.saturating_add(1);
                claimed.amount = claimed.amount.saturating_add(amount);
            }
            None => claimed.skipped = claimed.skipped.saturating_add(1),
        }
    }
    if before.checked_sub(ctx.balance()?) != Some(claimed.amount.into()) {
        return Err(Error::TokenTaxes);
    }
    Ok(claimed)
}

/// Pays one of many and returns the amount; `None` if it cannot be paid.
fn pay_one(ctx: &mut Context, operator: OperatorIndex) -> Result<Option<u128>, Error> {
    let Some(mut item) = store::operator_item(operator) else {
        return Ok(None);
    };
    if item.only_self() && ctx.caller != item.address() {
        return Ok(None);
    }
    let released = item.released_to() < ctx.clock.epoch();
    if released {
        let mut content = item.read();
        ctx.release(&mut content)?;
        item = OperatorItem::from(&content);
    }
    let amount = item.claimable();
    if amount == 0 {
        return Ok(None);
    }
    let payee = item.payee_at(ctx.now);
    let token = ctx.root.settings.token;
    // A transfer to oneself moves nothing: it would spoil the comparison for all.
    let paid = payee != ctx.contract && host::token_transfer(&token, &payee, amount);
    if paid {
        ctx.root.ledger.claim(amount)?;
        item.set_claimable(0);
        host::emit_paid(&events::Paid {
            operator,
            payee,
            amount,
        });
    } else {
        emit_event(events::PaymentFailed {
            operator,
            payee,
            amount,
        });
    }
    if paid || released {
        store::set_operator_item(operator, &item);
    }
    Ok(paid.then_some(amount))
}
