//! Announced changes, slashes, ownership, the pause.

use super::{At, Index};
use crate::finding::{Finding, Kind};
use plimsoll_interface::{events, Announced, Attesters, Change, MAX_ATTESTERS};

/// Whether attesters are within their bounds.
pub(super) fn valid(attesters: &Attesters) -> bool {
    let members = &attesters.members;
    let threshold = usize::from(attesters.threshold);
    let first = members.first();
    (1..=MAX_ATTESTERS).contains(&members.len())
        && first.is_some_and(|first| !first.is_zero())
        && members.windows(2).all(|pair| pair[0] < pair[1])
        && threshold <= members.len()
        && threshold * 2 > members.len()
}

/// Position of a change's kind among the newest ones; a slash has none.
fn position(change: &Change) -> Option<usize> {
    match change {
        Change::Params(_) => Some(0),
        Change::Registrar(_) => Some(1),
        Change::Guardian(_) => Some(2),
        Change::Attesters(_) => Some(3),
        Change::Slash { .. } => None,
    }
}

impl Index {
    pub(super) fn change_announced(
        &mut self,
        at: &At,
        e: &events::ChangeAnnounced,
    ) -> Result<(), Finding> {
        at.same("id", &self.next_change, &e.id)?;
        let from = at.clock.epoch_after(self.settings.timelock);
        at.same("from", &from, &e.from)?;
        let now = at.epoch();
        if let Some(position) = position(&e.change) {
            // One that is in force goes silently, one that waits was cancelled before.
            if let Some(old) = self.announced[position].replace(e.id) {
                let waits = self.changes.remove(&old).is_some_and(|old| old.from > now);
                at.in_turn(!waits, "ChangeCancelled of the one that waits before it")?;
            }
        }
        let bounds = "a change within its bounds";
        match e.change.clone() {
            Change::Params(params) => {
                at.in_turn(params.check().is_ok(), bounds)?;
                self.params.announce(params, from, now);
            }
            Change::Registrar(who) => {
                at.in_turn(!who.is_zero(), bounds)?;
                self.registrar.announce(who, from, now);
            }
            Change::Guardian(who) => {
                at.in_turn(!who.is_zero(), bounds)?;
                self.guardian.announce(who, from, now);
            }
            Change::Attesters(who) => {
                at.in_turn(valid(&who), bounds)?;
                self.attesters.announce(who, from, now);
            }
            Change::Slash {
                operator, amount, ..
            } => {
                self.operator(at, operator)?;
                at.in_turn(amount > 0, bounds)?;
            }
        }
        let change = e.change.clone();
        self.changes.insert(e.id, Announced { change, from });
        self.next_change = e.id.saturating_add(1);
        Ok(())
    }

    pub(super) fn change_cancelled(
        &mut self,
        at: &At,
        e: &events::ChangeCancelled,
    ) -> Result<(), Finding> {
        let now = at.epoch();
        let cancelled = self.changes.remove(&e.id);
        let position = cancelled.as_ref().and_then(|c| position(&c.change));
        let waits = cancelled.is_some_and(|c| position.is_none() || c.from > now);
        at.in_turn(waits, "a change that was announced and is not in force")?;
        if let Some(position) = position {
            self.announced[position] = None;
            match position {
                0 => self.params.withdraw(now),
                1 => self.registrar.withdraw(now),
                2 => self.guardian.withdraw(now),
                _ => self.attesters.withdraw(now),
            };
        }
        Ok(())
    }

    pub(super) fn slash_executed(
        &mut self,
        at: &At,
        e: &events::SlashExecuted,
    ) -> Result<(), Finding> {
        let announced = self.changes.remove(&e.id);
        let Some(Announced {
            change: Change::Slash {
                operator, amount, ..
            },
            from,
        }) = announced
        else {
            return Err(at.finding(Kind::OutOfTurn, "a slash that was announced", "none"));
        };
        at.same("operator", &operator, &e.operator)?;
        let due = at.clock.started() && at.epoch() >= from;
        at.in_turn(due, &format!("a slash from epoch {from} on"))?;
        self.release(at, operator)?;
        let next = at.clock.next_epoch();
        let free = self.free_withdrawals(at, operator)?;
        let vesting = self.settings.vesting;
        let content = self.operator(at, operator)?;
        let bond = &mut content.account.bond;
        let (bond, kept) = bond.slash(amount, next, |epoch| free.contains(&epoch));
        content.archive(kept);
        let unvested = content.account.ring.slash(&vesting, amount - bond);
        at.same("bond", &bond, &e.bond)?;
        at.same("unvested", &unvested, &e.unvested)?;
        self.refresh(at, operator, next)?;
        let running = at.running();
        self.in_ledger(at, |ledger| ledger.slash(bond, unvested, running))
    }

    pub(super) fn owner_proposed(
        &mut self,
        at: &At,
        e: &events::OwnerProposed,
    ) -> Result<(), Finding> {
        let from = at.clock.epoch_after(self.settings.timelock);
        at.same("from", &from, &e.from)?;
        self.proposed = Some((e.owner, from));
        Ok(())
    }

    pub(super) fn owner_changed(
        &mut self,
        at: &At,
        e: &events::OwnerChanged,
    ) -> Result<(), Finding> {
        let Some((owner, from)) = self.proposed.take() else {
            return Err(at.finding(Kind::OutOfTurn, "an owner who was proposed", "nobody was"));
        };
        at.same("owner", &owner, &e.owner)?;
        let due = at.clock.started() && at.epoch() >= from;
        at.in_turn(due, &format!("an owner who accepts from epoch {from} on"))?;
        self.owner = owner;
        Ok(())
    }

    pub(super) fn clock_paused(&mut self, at: &At, e: &events::ClockPaused) -> Result<(), Finding> {
        at.same("at", &at.now, &e.at)?;
        let times = self.settings.times;
        at.same("until", &at.now.saturating_add(times.max_pause), &e.until)?;
        let paused = self.pauses.pause(&times, at.now);
        paused.map_err(|error| self.no_pause(at, &error))
    }

    pub(super) fn clock_resumed(
        &mut self,
        at: &At,
        e: &events::ClockResumed,
    ) -> Result<(), Finding> {
        at.same("at", &at.now, &e.at)?;
        let resumed = self.pauses.unpause(at.now);
        resumed.map_err(|error| self.no_pause(at, &error))
    }

    fn no_pause(&self, at: &At, error: &impl std::fmt::Debug) -> Finding {
        let found = format!("{error:?} after {:?}", self.pauses.newest);
        at.finding(Kind::OutOfTurn, "a pause that is allowed", found)
    }
}
