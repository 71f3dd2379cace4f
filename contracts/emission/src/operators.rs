//! Operators: registration, payee, tier, bond.

use crate::context::Context;
use crate::store::{self, Operator};
use ink::env::emit_event;
use plimsoll_interface::mechanism::account::Account;
use plimsoll_interface::mechanism::status::Status;
use plimsoll_interface::mechanism::work::MAX_OPERATORS;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{events, Error, H160};

pub fn register(ctx: &mut Context, payee: H160) -> Result<OperatorIndex, Error> {
    if payee.is_zero() {
        return Err(Error::ZeroAddress);
    }
    let address = ctx.caller;
    let operator = ctx.root.operators;
    if operator >= MAX_OPERATORS || store::index(&address).is_some() {
        return Err(Error::CannotRegister);
    }
    ctx.root.operators = operator.saturating_add(1);
    store::set_index(&address, operator);
    store::set_operator(
        operator,
        &Operator {
            address,
            payee,
            pending_payee: None,
            only_self: false,
            account: Account::default(),
        },
    );
    emit_event(events::Registered {
        operator,
        address,
        payee,
    });
    Ok(operator)
}

pub fn set_payee(ctx: &mut Context, operator: OperatorIndex, payee: H160) -> Result<(), Error> {
    if payee.is_zero() {
        return Err(Error::ZeroAddress);
    }
    let mut own = ctx.own(operator)?;
    own.payee = own.payee_at(ctx.now);
    let from = ctx.now.saturating_add(ctx.root.settings.payee_delay);
    own.pending_payee = Some((payee, from));
    store::set_operator(operator, &own);
    emit_event(events::PayeeAnnounced {
        operator,
        payee,
        from,
    });
    Ok(())
}

pub fn cancel_payee(ctx: &mut Context, operator: OperatorIndex) -> Result<(), Error> {
    let mut own = ctx.operator(operator)?;
    let payee = own.payee_at(ctx.now);
    if ctx.caller != own.address && ctx.caller != payee {
        return Err(Error::NotAllowed);
    }
    if own.pending_payee.is_none() || payee != own.payee {
        return Err(Error::NoPendingPayee);
    }
    own.pending_payee = None;
    store::set_operator(operator, &own);
    emit_event(events::PayeeCancelled { operator });
    Ok(())
}

pub fn set_only_self(
    ctx: &mut Context,
    operator: OperatorIndex,
    only_self: bool,
) -> Result<(), Error> {
    let mut own = ctx.own(operator)?;
    own.only_self = only_self;
    store::set_operator(operator, &own);
    emit_event(events::OnlySelfSet {
        operator,
        only_self,
    });
    Ok(())
}

pub fn bond(ctx: &mut Context, operator: OperatorIndex, amount: u128) -> Result<(), Error> {
    let mut content = ctx.operator(operator)?;
    ctx.take(amount)?;
    let from = ctx.clock.next_epoch();
    ctx.root.ledger.bond(amount)?;
    let archive = content
        .account
        .bond
        .deposit(amount, from)
        .map_err(|_| Error::Overflow)?;
    store::archive_bond(operator, archive);
    ctx.refresh_status(operator, content.account.bond.bonded());
    store::set_operator(operator, &content);
    emit_event(events::Bonded {
        operator,
        amount,
        from,
    });
    Ok(())
}

pub fn unbond(ctx: &mut Context, operator: OperatorIndex, amount: u128) -> Result<u128, Error> {
    if amount == 0 {
        return Err(Error::ZeroAmount);
    }
    let mut own = ctx.own(operator)?;
    let epoch = ctx.clock.epoch();
    let withdrawal =
        own.account
            .bond
            .withdraw(amount, ctx.clock.started(), epoch, ctx.clock.next_epoch())?;
    store::archive_bond(operator, withdrawal.archive);
    ctx.refresh_status(operator, own.account.bond.bonded());
    store::set_operator(operator, &own);
    emit_event(events::Unbonding {
        operator,
        amount,
        free: withdrawal.free,
        epoch,
    });
    if withdrawal.free > 0 {
        pay_bond(ctx, operator, &own, withdrawal.free)?;
    }
    Ok(withdrawal.free)
}

pub fn withdraw_bond(ctx: &mut Context, operator: OperatorIndex) -> Result<u128, Error> {
    let mut content = ctx.operator(operator)?;
    let amount = content.account.bond.release(|epoch| is_free(ctx, epoch));
    if amount == 0 {
        return Err(Error::NothingDue);
    }
    store::set_operator(operator, &content);
    pay_bond(ctx, operator, &content, amount)?;
    Ok(amount)
}

/// Whether a bond withdrawn in `epoch` is free: `unbonding_epochs` after that epoch
/// is final. An epoch without work is final with its windows.
pub fn is_free(ctx: &Context, epoch: Epoch) -> bool {
    let settled_at = match store::record(epoch) {
        Some(record) => record.settlement.map(|settlement| settlement.at),
        None => Some(ctx.clock.review_end(epoch)),
    };
    let times = &ctx.root.settings.times;
    let wait = u64::from(ctx.root.settings.unbonding_epochs).saturating_mul(times.epoch);
    settled_at.is_some_and(|at| ctx.clock.elapsed() >= ctx.clock.final_at(at).saturating_add(wait))
}

fn pay_bond(
    ctx: &mut Context,
    operator: OperatorIndex,
    content: &Operator,
    amount: u128,
) -> Result<(), Error> {
    let payee = content.payee_at(ctx.now);
    ctx.root.ledger.unbond(amount)?;
    ctx.pay(&payee, amount)?;
    emit_event(events::BondPaid {
        operator,
        payee,
        amount,
    });
    Ok(())
}

pub fn vouch(ctx: &mut Context, operators: &[OperatorIndex]) -> Result<(), Error> {
    let mut governance = store::governance();
    let epoch = ctx.clock.epoch();
    ctx.only(*governance.registrar.at(epoch))?;
    let seen = if governance.vouches.0 == epoch {
        governance.vouches.1
    } else {
        0
    };
    let count = u32::try_from(operators.len())
        .ok()
        .and_then(|count| seen.checked_add(count))
        .filter(|count| *count <= ctx.root.settings.max_vouches)
        .ok_or(Error::TooManyVouches)?;
    governance.vouches = (epoch, count);
    store::set_governance(&governance);

    let from = ctx.clock.next_epoch();
    for operator in operators.iter().copied() {
        let mut content = ctx.operator(operator)?;
        if ctx.status(operator, from) == Status::Vetted {
            return Err(Error::Tier);
        }
        free_bond(ctx, operator, &mut content)?;
        ctx.set_status(operator, Status::Vetted);
        emit_event(events::Vouched { operator, from });
    }
    Ok(())
}

/// Lets a bond leave, as if its operator withdrew it now. What never backed
/// anything becomes claimable instead of being paid at once: no token that fails may
/// stand in the way of a vouch.
fn free_bond(
    ctx: &mut Context,
    operator: OperatorIndex,
    content: &mut Operator,
) -> Result<(), Error> {
    let epoch = ctx.clock.epoch();
    let withdrawal =
        content
            .account
            .bond
            .retire(ctx.clock.started(), epoch, ctx.clock.next_epoch());
    if withdrawal.amount == 0 {
        return Ok(());
    }
    content.account.add_claimable(withdrawal.free);
    ctx.root.ledger.free_bond(withdrawal.free)?;
    store::archive_bond(operator, withdrawal.archive);
    store::set_operator(operator, content);
    emit_event(events::Unbonding {
        operator,
        amount: withdrawal.amount,
        free: withdrawal.free,
        epoch,
    });
    if withdrawal.free > 0 {
        emit_event(events::BondFreed {
            operator,
            amount: withdrawal.free,
        });
    }
    Ok(())
}

pub fn revoke(ctx: &mut Context, operator: OperatorIndex) -> Result<(), Error> {
    let governance = store::governance();
    ctx.only(*governance.registrar.at(ctx.clock.epoch()))?;
    let content = ctx.operator(operator)?;
    let from = ctx.clock.next_epoch();
    if ctx.status(operator, from) != Status::Vetted {
        return Err(Error::Tier);
    }
    ctx.set_status(operator, ctx.open_status(content.account.bond.bonded()));
    emit_event(events::Revoked { operator, from });
    Ok(())
}
