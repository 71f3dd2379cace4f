//! Funding and claims.

use crate::context::Context;
use crate::host;
use crate::store::{self, Operator};
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
    let amount = release_and_take(ctx, &mut content)?;
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
    let token = ctx.root.settings.token;
    let before = ctx.balance()?;
    let mut claimed = Claimed::default();
    for operator in operators.iter().copied() {
        let Some(mut content) = store::operator(operator) else {
            claimed.skipped = claimed.skipped.saturating_add(1);
            continue;
        };
        let allowed = !content.only_self || ctx.caller == content.address;
        let amount = if allowed {
            release_and_take(ctx, &mut content)?
        } else {
            0
        };
        if amount == 0 {
            claimed.skipped = claimed.skipped.saturating_add(1);
            continue;
        }
        let payee = content.payee_at(ctx.now);
        // A transfer to oneself moves nothing: it would spoil the comparison for all.
        if payee != ctx.contract && host::token_transfer(&token, &payee, amount) {
            ctx.root.ledger.claim(amount)?;
            claimed.paid = claimed.paid.saturating_add(1);
            claimed.amount = claimed.amount.saturating_add(amount);
            emit_event(events::Paid {
                operator,
                payee,
                amount,
            });
        } else {
            content.account.refund(amount);
            claimed.skipped = claimed.skipped.saturating_add(1);
            emit_event(events::PaymentFailed {
                operator,
                payee,
                amount,
            });
        }
        store::set_operator(operator, &content);
    }
    if before.checked_sub(ctx.balance()?) != Some(claimed.amount.into()) {
        return Err(Error::TokenTaxes);
    }
    Ok(claimed)
}

fn release_and_take(ctx: &mut Context, content: &mut Operator) -> Result<u128, Error> {
    let vesting = ctx.root.settings.vesting;
    let released = content.account.release(&vesting, ctx.clock.epoch());
    ctx.root.ledger.vest(released)?;
    Ok(content.account.claim())
}
