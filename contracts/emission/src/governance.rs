//! Governance: announced changes, slashes, ownership, the pause.

use crate::context::Context;
use crate::epochs;
use crate::operators;
use crate::store::{self, Governance};
use ink::env::emit_event;
use plimsoll_interface::mechanism::account::Slashed;
use plimsoll_interface::mechanism::Epoch;
use plimsoll_interface::{events, Announced, Attesters, Change, Error, H160, MAX_ATTESTERS};

/// Refuses attesters out of bounds: 1 to 16 strictly ascending addresses, with a
/// threshold above half of them.
pub fn check_attesters(attesters: &Attesters) -> Result<(), Error> {
    let members = &attesters.members;
    let threshold = usize::from(attesters.threshold);
    let ascending = members.windows(2).all(|pair| pair[0] < pair[1]);
    // Ascending, so only the first one can be zero, which no signature recovers to.
    let valid = (1..=MAX_ATTESTERS).contains(&members.len())
        && !members[0].is_zero()
        && ascending
        && threshold <= members.len()
        && threshold * 2 > members.len();
    if valid {
        Ok(())
    } else {
        Err(Error::Attesters)
    }
}

pub fn queue(ctx: &mut Context, change: Change) -> Result<u32, Error> {
    let mut governance = store::governance();
    ctx.only(governance.owner)?;
    let id = governance.next_change;
    let now = ctx.clock.epoch();
    let from = ctx.clock.epoch_after(ctx.root.settings.timelock);
    if let Some(kind) = kind(&change) {
        supersede(ctx, &mut governance, kind);
        governance.announced[kind] = Some(id);
    }
    match &change {
        Change::Params(params) => {
            params.check().map_err(Error::Params)?;
            let mut schedule = store::params();
            schedule.announce(*params, from, now);
            store::set_params(&schedule);
        }
        Change::Registrar(address) | Change::Guardian(address) if address.is_zero() => {
            return Err(Error::ZeroAddress);
        }
        Change::Registrar(registrar) => {
            governance.registrar.announce(*registrar, from, now);
        }
        Change::Guardian(guardian) => {
            governance.guardian.announce(*guardian, from, now);
        }
        Change::Attesters(attesters) => {
            check_attesters(attesters)?;
            // Versions are numbered by the change that announced them; the first is 0.
            let version = id.checked_add(1).ok_or(Error::Overflow)?;
            store::set_attesters(version, attesters);
            ctx.root.attesters.announce(version, from, now);
        }
        Change::Slash {
            operator, amount, ..
        } => {
            ctx.operator(*operator)?;
            if *amount == 0 {
                return Err(Error::ZeroAmount);
            }
        }
    }
    governance.next_change = id.checked_add(1).ok_or(Error::Overflow)?;
    store::set_governance(&governance);
    let announced = Announced { change, from };
    store::set_change(id, &announced);
    emit_event(events::ChangeAnnounced {
        id,
        change: announced.change,
        from,
    });
    Ok(id)
}

/// Position of a change of the attesters in [`Governance::announced`].
const ATTESTERS: usize = 3;

/// Position of a change's kind in [`Governance::announced`]; a slash has none,
/// any number of them can be announced.
fn kind(change: &Change) -> Option<usize> {
    match change {
        Change::Params(_) => Some(0),
        Change::Registrar(_) => Some(1),
        Change::Guardian(_) => Some(2),
        Change::Attesters(_) => Some(ATTESTERS),
        Change::Slash { .. } => None,
    }
}

/// Removes the attesters of a change that will never be in force.
fn forget_attesters(kind: usize, id: u32) {
    if kind == ATTESTERS {
        store::clear_attesters(id.saturating_add(1));
    }
}

/// Forgets the announced change of a kind: it is in force, or a new one replaces it.
fn supersede(ctx: &Context, governance: &mut Governance, kind: usize) {
    let Some(id) = governance.announced[kind].take() else {
        return;
    };
    let waiting = store::change(id).is_some_and(|old| old.from > ctx.clock.epoch());
    store::clear_change(id);
    if waiting {
        forget_attesters(kind, id);
        emit_event(events::ChangeCancelled { id });
    }
}

pub fn cancel(ctx: &mut Context, id: u32) -> Result<(), Error> {
    let mut governance = store::governance();
    ctx.only(governance.owner)?;
    let announced = store::change(id).ok_or(Error::UnknownChange)?;
    let now = ctx.clock.epoch();
    if let Some(kind) = kind(&announced.change) {
        if announced.from <= now {
            return Err(Error::InForce);
        }
        match kind {
            0 => {
                let mut schedule = store::params();
                schedule.withdraw(now);
                store::set_params(&schedule);
            }
            1 => {
                governance.registrar.withdraw(now);
            }
            2 => {
                governance.guardian.withdraw(now);
            }
            _ => {
                ctx.root.attesters.withdraw(now);
            }
        }
        forget_attesters(kind, id);
        governance.announced[kind] = None;
        store::set_governance(&governance);
    }
    store::clear_change(id);
    emit_event(events::ChangeCancelled { id });
    Ok(())
}

/// By the owner only: whoever executes chooses what is booked first, and what is
/// not booked is out of the slash's reach.
pub fn execute_slash(ctx: &mut Context, id: u32, book: &[Epoch]) -> Result<u128, Error> {
    ctx.only(store::governance().owner)?;
    let announced = store::change(id).ok_or(Error::UnknownChange)?;
    let Change::Slash {
        operator: index,
        amount,
        ..
    } = announced.change
    else {
        return Err(Error::UnknownChange);
    };
    let now = ctx.clock.epoch();
    if !ctx.clock.started() || now < announced.from {
        return Err(Error::Timelocked);
    }
    let mut operator = ctx.operator(index)?;
    epochs::book_held(ctx, book, index, &mut operator)?;

    ctx.release(&mut operator)?;
    let vesting = ctx.root.settings.vesting;
    let account = &mut operator.account;
    let from = ctx.clock.next_epoch();
    let (bond, archive) = account
        .bond
        .slash(amount, from, |epoch| operators::is_free(ctx, epoch));
    let slashed = Slashed {
        bond,
        unvested: account.ring.slash(&vesting, amount - bond),
    };
    store::archive_bond(index, archive);
    let bonded = account.bond.bonded();
    ctx.refresh_status(index, bonded);
    let epoch = ctx.running_epoch();
    ctx.root
        .ledger
        .slash(slashed.bond, slashed.unvested, epoch)?;
    store::set_operator(index, &operator);
    store::clear_change(id);
    emit_event(events::SlashExecuted {
        id,
        operator: index,
        bond: slashed.bond,
        unvested: slashed.unvested,
    });
    Ok(slashed.bond.saturating_add(slashed.unvested))
}

pub fn propose_owner(ctx: &mut Context, owner: H160) -> Result<(), Error> {
    let mut governance = store::governance();
    ctx.only(governance.owner)?;
    let from = ctx.clock.epoch_after(ctx.root.settings.timelock);
    governance.proposed = Some((owner, from));
    store::set_governance(&governance);
    emit_event(events::OwnerProposed { owner, from });
    Ok(())
}

pub fn accept_owner(ctx: &mut Context) -> Result<(), Error> {
    let mut governance = store::governance();
    let (owner, from) = governance.proposed.ok_or(Error::NotAllowed)?;
    ctx.only(owner)?;
    if !ctx.clock.started() || ctx.clock.epoch() < from {
        return Err(Error::Timelocked);
    }
    governance.owner = owner;
    governance.proposed = None;
    store::set_governance(&governance);
    emit_event(events::OwnerChanged { owner });
    Ok(())
}

pub fn pause(ctx: &mut Context) -> Result<(), Error> {
    let governance = store::governance();
    ctx.only(*governance.guardian.at(ctx.clock.epoch()))?;
    let times = ctx.root.settings.times;
    ctx.root.pauses.pause(&times, ctx.now)?;
    emit_event(events::ClockPaused {
        at: ctx.now,
        until: ctx.now.saturating_add(times.max_pause),
    });
    Ok(())
}

pub fn unpause(ctx: &mut Context) -> Result<(), Error> {
    let governance = store::governance();
    ctx.only(*governance.guardian.at(ctx.clock.epoch()))?;
    ctx.root.pauses.unpause(ctx.now)?;
    emit_event(events::ClockResumed { at: ctx.now });
    Ok(())
}
