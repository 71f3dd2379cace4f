//! Epochs: settle, raise, book.

use crate::context::Context;
use crate::store::{self, Operator, Walk, EPOCHS_PER_PAGE};
use ink::env::emit_event;
use ink::prelude::vec::Vec;
use plimsoll_interface::mechanism::record::{reward_at, Division, Part, Record, Settlement};
use plimsoll_interface::mechanism::reward::Reward;
use plimsoll_interface::mechanism::work::{locate, Figures};
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::{events, Booked, Error, Settled, OPEN_POOL};

/// Pages of the bitmap of worked epochs that one call searches: 131,072 epochs,
/// fifteen years of hours, at about 10 kB of proof each.
const MAX_SEARCH: u32 = 64;

pub fn settle(ctx: &mut Context) -> Result<Settled, Error> {
    let epoch = match next_worked(ctx) {
        Search::Found(epoch) => epoch,
        // Nothing in all that was searched: the next call goes on behind it.
        Search::Unfinished(next) if !ctx.clock.stopped() => {
            ctx.root.settled_to = next;
            emit_event(events::IdleSkipped { to: next });
            return Ok(Settled {
                epoch: next.saturating_sub(1),
                budget: 0,
            });
        }
        Search::None | Search::Unfinished(_) => return Err(Error::NothingToSettle),
    };
    if !ctx.clock.takes_settlement(epoch) {
        return Err(Error::NothingToSettle);
    }
    let mut record = store::record(epoch).ok_or(Error::NothingToSettle)?;
    let budget = record.budget(ctx.root.ledger.emitted);
    let at = ctx.clock.elapsed();
    record.settle(budget, at);
    ctx.root.ledger.emit(budget)?;
    ctx.root.settled_to = epoch.saturating_add(1);
    store::set_record(epoch, &record);
    emit_event(events::EpochSettled {
        epoch,
        budget,
        vetted: record.vetted,
        open: record.open,
        at,
    });
    Ok(Settled { epoch, budget })
}

/// What a search for the next worked epoch came to.
pub enum Search {
    /// This one.
    Found(Epoch),
    /// None up to the current epoch.
    None,
    /// None below this epoch, which is as far as one call searches.
    Unfinished(Epoch),
}

/// The first worked epoch that is not settled, up to the current one.
pub fn next_worked(ctx: &Context) -> Search {
    let first = ctx.root.settled_to;
    let pages = first / EPOCHS_PER_PAGE..=ctx.clock.epoch() / EPOCHS_PER_PAGE;
    let unsearched = pages.clone().nth(MAX_SEARCH as usize);
    let found = pages
        .take(MAX_SEARCH as usize)
        .filter_map(|page| Some((page, store::worked(page)?)))
        .find_map(|(page, bits)| {
            let start = page * EPOCHS_PER_PAGE;
            (0..EPOCHS_PER_PAGE)
                .filter(|place| bits[*place as usize / 8] >> (place % 8) & 1 == 1)
                .map(|place| start + place)
                .find(|epoch| *epoch >= first)
        });
    match (found, unsearched) {
        (Some(epoch), _) => Search::Found(epoch),
        // Never past the previous epoch, which may still take its first batch.
        (None, Some(page)) => {
            let previous = ctx.clock.epoch().saturating_sub(1);
            Search::Unfinished(previous.min(page * EPOCHS_PER_PAGE))
        }
        (None, None) => Search::None,
    }
}

pub fn raise(ctx: &mut Context, epoch: Epoch, operators: &[OperatorIndex]) -> Result<u32, Error> {
    let mut record = store::record(epoch).ok_or(Error::NotSettled)?;
    let settlement = record.settlement.ok_or(Error::NotSettled)?;
    if ctx.clock.is_final(settlement.at) {
        return Err(Error::LevelFinal);
    }
    let mut walk = Walk::new(epoch);
    let mut raised = Vec::new();
    for operator in operators.iter().copied() {
        let done = if operator == OPEN_POOL {
            record.raise_open()
        } else {
            raise_one(&mut record, &mut walk, operator)
        };
        if done {
            raised.push(operator);
        }
    }
    walk.finish();
    let count = raised.len() as u32;
    if count > 0 {
        store::set_record(epoch, &record);
        emit_event(events::Raised {
            epoch,
            operators: raised,
            level: record.settlement.map(|s| s.level).unwrap_or_default(),
        });
    }
    Ok(count)
}

fn raise_one(record: &mut Record, walk: &mut Walk, operator: OperatorIndex) -> bool {
    let (number, place) = locate(operator);
    let figures = walk.page(number).get(place);
    let eligible = figures.vetted && !figures.raised;
    if !eligible || !record.raise(figures.work()) {
        return false;
    }
    let raised = Figures {
        raised: true,
        ..figures
    };
    walk.page_mut(number).set(place, &raised)
}

/// A final epoch while operators are booked for it.
struct Booking {
    epoch: Epoch,
    record: Record,
    division: Division,
    settlement: Settlement,
    changed: bool,
    walk: Walk,
    rewards: Vec<(OperatorIndex, u128, u128, u128)>,
}

pub fn book(
    ctx: &mut Context,
    epochs: &[Epoch],
    operators: &[OperatorIndex],
) -> Result<Booked, Error> {
    let mut bookings = open_bookings(ctx, epochs)?;
    let mut booked = Booked::default();
    for operator in operators.iter().copied() {
        book_operator(ctx, &mut bookings, operator, None, &mut booked)?;
    }
    close_bookings(&mut bookings);
    Ok(booked)
}

/// Books `epochs` for an operator that the caller holds and stores itself.
pub fn book_held(
    ctx: &mut Context,
    epochs: &[Epoch],
    index: OperatorIndex,
    operator: &mut Operator,
) -> Result<(), Error> {
    let mut bookings = open_bookings(ctx, epochs)?;
    let mut booked = Booked::default();
    book_operator(ctx, &mut bookings, index, Some(operator), &mut booked)?;
    close_bookings(&mut bookings);
    Ok(())
}

/// Opens each epoch once, however often it is named: two bookings of one epoch would
/// each see its work as not yet booked.
fn open_bookings(ctx: &mut Context, epochs: &[Epoch]) -> Result<Vec<Booking>, Error> {
    let mut bookings: Vec<Booking> = Vec::with_capacity(epochs.len());
    for epoch in epochs.iter().copied() {
        if bookings.iter().all(|booking| booking.epoch != epoch) {
            bookings.push(open_booking(ctx, epoch)?);
        }
    }
    Ok(bookings)
}

fn open_booking(ctx: &mut Context, epoch: Epoch) -> Result<Booking, Error> {
    let Some(mut record) = store::record(epoch) else {
        let over = ctx.clock.elapsed() >= ctx.clock.attest_end(epoch);
        return Err(if over { Error::NoWork } else { Error::NotFinal });
    };
    let settlement = record.settlement.ok_or(Error::NotFinal)?;
    if !ctx.clock.is_final(settlement.at) {
        return Err(Error::NotFinal);
    }
    if !settlement.closed {
        let leftover = record.close();
        ctx.root.ledger.leftover(leftover, ctx.clock.epoch())?;
        emit_event(events::EpochClosed { epoch, leftover });
    }
    let (division, after) = record.settled().ok_or(Error::NotFinal)?;
    Ok(Booking {
        epoch,
        record,
        division,
        settlement: after,
        changed: !settlement.closed,
        walk: Walk::new(epoch),
        rewards: Vec::new(),
    })
}

/// Books one operator for every epoch in which it has something, reading and
/// writing its own item once.
fn book_operator(
    ctx: &mut Context,
    bookings: &mut [Booking],
    index: OperatorIndex,
    held: Option<&mut Operator>,
    booked: &mut Booked,
) -> Result<(), Error> {
    let (number, place) = locate(index);
    let any = bookings
        .iter_mut()
        .any(|booking| !booking.walk.page(number).get(place).is_empty());
    if !any {
        return Ok(());
    }
    let mut loaded = None;
    let operator = match held {
        Some(operator) => operator,
        None => loaded.insert(ctx.operator(index)?),
    };
    ctx.release(operator)?;
    let vesting = ctx.root.settings.vesting;
    let now = ctx.clock.epoch();
    for booking in bookings.iter_mut() {
        let figures = booking.walk.page(number).get(place);
        if figures.is_empty() {
            continue;
        }
        booking.walk.page_mut(number).clear(place);
        let reward = booking.reward(ctx, index, operator, &figures);
        booking.record.book(&reward)?;
        booking.changed = true;
        let ledger = &mut ctx.root.ledger;
        ledger.book(reward.liquid, reward.vesting())?;
        if reward.returned > 0 {
            ledger.leftover(reward.returned, now)?;
        }
        let arrears = operator.account.book(&vesting, booking.epoch, &reward, now);
        ledger.vest(arrears)?;
        booking
            .rewards
            .push((index, reward.amount, reward.liquid, reward.returned));
        booked.booked = booked.booked.saturating_add(1);
        booked.amount = booked.amount.saturating_add(reward.amount);
    }
    if let Some(operator) = loaded {
        store::set_operator(index, &operator);
    }
    Ok(())
}

impl Booking {
    fn reward(
        &self,
        ctx: &Context,
        index: OperatorIndex,
        operator: &Operator,
        figures: &Figures,
    ) -> Reward {
        // A vetted operator's reward depends on nobody's bond.
        let bond = if figures.vetted {
            0
        } else {
            ctx.bond_at(index, operator, self.epoch)
        };
        let part = Part::new(figures, ctx.root.settings.fee_unit, bond);
        reward_at(&self.record.params, &self.division, &self.settlement, &part)
    }
}

fn close_bookings(bookings: &mut [Booking]) {
    for booking in bookings {
        booking.walk.finish();
        if booking.changed {
            store::set_record(booking.epoch, &booking.record);
        }
        if !booking.rewards.is_empty() {
            emit_event(events::RewardsBooked {
                epoch: booking.epoch,
                rewards: core::mem::take(&mut booking.rewards),
            });
        }
    }
}
