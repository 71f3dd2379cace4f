//! Settling, raising, closing and booking.

use super::{At, Index};
use crate::finding::{Finding, Kind};
use plimsoll_interface::events;
use plimsoll_interface::mechanism::record::{reward_at, Part};
use plimsoll_interface::mechanism::reward::Reward;
use plimsoll_interface::mechanism::{Epoch, OperatorIndex};
use plimsoll_interface::OPEN_POOL;

/// Epochs in a page of the contract's bitmap of worked epochs, and the pages that one call
/// of `settle` searches.
const EPOCHS_PER_PAGE: u32 = 2_048;
const MAX_SEARCH: u32 = 64;

/// What the contract's search for the next worked epoch comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// This one.
    Found(Epoch),
    /// None up to the current epoch.
    None,
    /// None below this epoch, which is as far as one call searches.
    Unfinished(Epoch),
}

impl Index {
    /// The first worked epoch that is not settled, as far as the contract searches when the
    /// current epoch is `now`.
    pub(crate) fn next_worked(&self, now: Epoch) -> Search {
        let first = self.settled_to / EPOCHS_PER_PAGE;
        let last = now / EPOCHS_PER_PAGE;
        let unsearched = first.saturating_add(MAX_SEARCH);
        let end = u64::from(last.saturating_add(1).min(unsearched)) * u64::from(EPOCHS_PER_PAGE);
        let next = self.epochs.range(self.settled_to..).next();
        let found = next.map(|(epoch, _)| *epoch);
        match found.filter(|epoch| u64::from(*epoch) < end) {
            Some(epoch) => Search::Found(epoch),
            None if unsearched <= last => {
                let previous = now.saturating_sub(1);
                Search::Unfinished(previous.min(unsearched.saturating_mul(EPOCHS_PER_PAGE)))
            }
            None => Search::None,
        }
    }

    pub(super) fn epoch_settled(
        &mut self,
        at: &At,
        e: &events::EpochSettled,
    ) -> Result<(), Finding> {
        let next = self.next_worked(at.epoch());
        let is_next = next == Search::Found(e.epoch);
        at.in_turn(is_next, "the next worked epoch that is not settled")?;
        let over = at.clock.takes_settlement(e.epoch);
        at.in_turn(over, "a settlement behind the review window")?;
        let emitted = self.ledger.emitted;
        let record = &mut self.worked(at, e.epoch)?.record;
        let budget = record.budget(emitted);
        at.same("budget", &budget, &e.budget)?;
        at.same("vetted", &record.vetted, &e.vetted)?;
        at.same("open", &record.open, &e.open)?;
        at.same("at", &at.clock.elapsed(), &e.at)?;
        record.settle(budget, e.at);
        self.settled_to = e.epoch.saturating_add(1);
        self.in_ledger(at, |ledger| ledger.emit(budget))
    }

    pub(super) fn idle_skipped(&mut self, at: &At, e: &events::IdleSkipped) -> Result<(), Finding> {
        at.in_turn(!at.clock.stopped(), "a clock that runs")?;
        match self.next_worked(at.epoch()) {
            Search::Unfinished(next) => at.same("to", &next, &e.to)?,
            other => {
                let expected = "more idle epochs than one call searches";
                return Err(at.finding(Kind::OutOfTurn, expected, format!("{other:?}")));
            }
        }
        self.settled_to = e.to;
        Ok(())
    }

    pub(super) fn raised(&mut self, at: &At, e: &events::Raised) -> Result<(), Finding> {
        let worked = self.worked(at, e.epoch)?;
        let settled_at = worked.record.settlement.map(|s| s.at);
        let open = settled_at.is_some_and(|settled| !at.clock.is_final(settled));
        at.in_turn(open, "a settled epoch whose level is not final")?;
        at.in_turn(!e.operators.is_empty(), "somebody who is raised")?;
        for operator in &e.operators {
            let raised = if *operator == OPEN_POOL {
                worked.record.raise_open()
            } else {
                match worked.figures.get_mut(operator) {
                    Some(figures) if figures.vetted && !figures.raised => {
                        figures.raised = worked.record.raise(figures.work());
                        figures.raised
                    }
                    _ => false,
                }
            };
            if !raised {
                let mut finding = at.finding(
                    Kind::Figure,
                    "somebody who may be raised at this level",
                    "somebody who may not",
                );
                finding.place.operator = Some(*operator);
                return Err(finding.field("operators"));
            }
        }
        let level = worked.record.settlement.map(|s| s.level);
        at.same("level", &level, &Some(e.level))
    }

    pub(super) fn epoch_closed(&mut self, at: &At, e: &events::EpochClosed) -> Result<(), Finding> {
        let worked = self.worked(at, e.epoch)?;
        let settlement = worked.record.settlement;
        let open = settlement.is_some_and(|s| !s.closed && at.clock.is_final(s.at));
        at.in_turn(open, "a settled epoch that is final and not closed")?;
        let leftover = worked.record.close();
        at.same("leftover", &leftover, &e.leftover)?;
        let now = at.epoch();
        self.in_ledger(at, |ledger| ledger.leftover(leftover, now))
    }

    pub(super) fn rewards_booked(
        &mut self,
        at: &At,
        e: &events::RewardsBooked,
    ) -> Result<(), Finding> {
        let settlement = self.worked(at, e.epoch)?.record.settlement;
        let closed = settlement.is_some_and(|s| s.closed);
        at.in_turn(closed, "an epoch that is closed")?;
        at.in_turn(!e.rewards.is_empty(), "rewards")?;
        for (operator, amount, liquid, returned) in e.rewards.iter().copied() {
            let claimed = Reward {
                amount,
                liquid,
                returned,
            };
            let at = At {
                now: at.now,
                clock: at.clock,
                place: at.place.clone().operator(operator),
            };
            self.book(&at, e.epoch, operator, &claimed)?;
        }
        Ok(())
    }

    fn book(
        &mut self,
        at: &At,
        epoch: Epoch,
        operator: OperatorIndex,
        claimed: &Reward,
    ) -> Result<(), Finding> {
        let (fee_unit, vesting) = (self.settings.fee_unit, self.settings.vesting);
        let bond = self.operator(at, operator)?.bond_at(epoch);
        let worked = self.worked(at, epoch)?;
        let figures = worked.figures.remove(&operator).unwrap_or_default();
        at.in_turn(!figures.is_empty(), "work that is not booked")?;
        worked.done.insert(operator);
        // A vetted operator's reward depends on nobody's bond.
        let bond = if figures.vetted { 0 } else { bond };
        let part = Part::new(&figures, fee_unit, bond);
        let settled = worked.record.settled();
        let reward = settled.map_or_else(Reward::default, |(division, settlement)| {
            reward_at(&worked.record.params, &division, &settlement, &part)
        });
        at.same("reward", &reward, claimed)?;
        let booked = worked.record.book(&reward);
        booked.map_err(|error| at.ledger(&error))?;
        self.release(at, operator)?;
        let now = at.epoch();
        let account = &mut self.operator(at, operator)?.account;
        let arrears = account.book(&vesting, epoch, &reward, now);
        self.in_ledger(at, |ledger| {
            ledger.book(reward.liquid, reward.vesting())?;
            ledger.vest(arrears)?;
            ledger.leftover(reward.returned, now)
        })
    }
}
