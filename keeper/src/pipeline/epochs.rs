//! Settling epochs, raising whoever is eligible, and booking rewards.

use super::chunks::Sending;
use super::error::StepError;
use super::level::{asked, raises, Candidate};
use super::{Engine, Moment};
use crate::chain::At;
use crate::journal::submissions::Purpose;
use crate::steps;
use crate::submit::SubmitError;
use futures::{StreamExt as _, TryStreamExt as _};
use plimsoll_interface::calls;
use plimsoll_interface::{Booked, EpochView, Error as Refusal, Settled, OPEN_POOL};
use plimsoll_mechanism::pools::Work;
use plimsoll_mechanism::{Epoch, OperatorIndex};
use std::collections::BTreeSet;

/// How many views are asked at once. A node answers one in a few milliseconds, most of
/// which is the way there and back.
pub(super) const VIEWS_AT_ONCE: usize = 16;

/// How many operators are booked in one transaction at first. A thousand neighbours are
/// about as many cold storage items, 10.4 kB of proof each; the chain's refusal halves it.
const BOOK_AT_ONCE: usize = 600;

/// How many epochs are booked in one transaction: an operator's own item is touched once
/// for all of them.
const EPOCHS_AT_ONCE: usize = 20;

/// How many are raised in one transaction at first. Each is in an item of its own.
const RAISE_AT_ONCE: usize = 300;

/// Where the journal remembers below which epoch everything is booked.
const BOOKED_BELOW: &str = "everything is booked below epoch";

/// Epochs that are done with: all below a bound, and some above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    below: Epoch,
    above: BTreeSet<Epoch>,
}

impl Done {
    /// All epochs below `below`.
    fn all_below(below: Epoch) -> Self {
        Self {
            below,
            above: BTreeSet::new(),
        }
    }

    /// The bound.
    pub fn below(&self) -> Epoch {
        self.below
    }

    fn has(&self, epoch: Epoch) -> bool {
        epoch < self.below || self.above.contains(&epoch)
    }

    /// Adds epochs; whether the bound has moved.
    fn add(&mut self, epochs: impl IntoIterator<Item = Epoch>) -> bool {
        let before = self.below;
        self.above.extend(epochs);
        while self.above.remove(&self.below) {
            self.below += 1;
        }
        self.below != before
    }
}

impl Engine {
    /// Settles every epoch whose windows are over, in order.
    pub(super) async fn settle(
        &mut self,
        moment: &Moment,
        settled: &mut Vec<Settled>,
    ) -> Result<(), StepError> {
        let mut next = moment.clock.next_worked;
        while let Some(epoch) = next {
            if !moment.time.clock().takes_settlement(epoch) {
                break;
            }
            let tx = self.emission.message(calls::settle());
            let purpose = Purpose::new("settle", epoch.to_string());
            match self.submitter.submit(purpose, tx).await {
                Ok(submitted) => {
                    steps::reached(steps::EPOCH_SETTLED).await;
                    settled.extend(calls::answer::<Settled>(&submitted.output));
                }
                // The clock has stopped, or somebody else was faster.
                Err(SubmitError::Refused(Refusal::NothingToSettle)) => break,
                Err(error) => return Err(error.into()),
            }
            next = self.emission.clock().await?.next_worked;
        }
        Ok(())
    }

    /// Raises whoever is eligible in epochs whose level window is open.
    pub(super) async fn raise(
        &mut self,
        moment: &Moment,
        raised: &mut u32,
    ) -> Result<(), StepError> {
        for (epoch, view) in self.unbooked(moment).await? {
            if view.is_final || view.settlement.is_none() {
                continue;
            }
            self.raise_in(epoch, &view, raised).await?;
        }
        Ok(())
    }

    async fn raise_in(
        &mut self,
        epoch: Epoch,
        view: &EpochView,
        raised: &mut u32,
    ) -> Result<(), StepError> {
        let level = view.settlement.map(|settlement| settlement.level);
        if level.is_some() && self.level_checked.get(&epoch) == level.as_ref() {
            return Ok(());
        }
        let candidates = self.candidates(epoch, view).await?;
        let list = raises(view, &candidates);
        if list.is_empty() {
            self.level_checked.extend(level.map(|level| (epoch, level)));
            return Ok(());
        }
        let sending = Sending {
            length: RAISE_AT_ONCE,
            message: |piece: &[OperatorIndex]| {
                let purpose = Purpose::new("raise", keyed(&[epoch], piece));
                (purpose, calls::raise(epoch, piece))
            },
            useful: |output| calls::answer::<u32>(output).is_ok_and(|raised| raised > 0),
            spoilt: |_| false,
        };
        let result = self
            .submit_pieces(list, sending, |submitted| {
                *raised += calls::answer::<u32>(&submitted.output).unwrap_or(0);
            })
            .await;
        steps::reached(steps::EPOCH_RAISED).await;
        match result {
            // The window closed while we were at it: nothing is lost but the raise.
            Err(StepError::Submit(SubmitError::Refused(Refusal::LevelFinal))) => {
                tracing::warn!(epoch, "the level became final before everybody was raised");
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// The vetted operators who may be eligible, with their work as the contract has it.
    async fn candidates(
        &self,
        epoch: Epoch,
        view: &EpochView,
    ) -> Result<Vec<Candidate>, StepError> {
        // The journal does not know tiers, nor who was raised: that is asked.
        let (operators, heaviest_first) = match self.known_work(epoch).await? {
            Some(known) => (asked(view, &known), true),
            None => (self.everybody().await?, false),
        };
        let mut candidates = Vec::new();
        for some in operators.chunks(VIEWS_AT_ONCE) {
            let more: Vec<Candidate> = futures::stream::iter(some.iter().copied())
                .map(|operator| async move {
                    let preview = self.emission.preview(epoch, operator).await?;
                    let waits = preview.vetted && !preview.raised && preview.work.total() > 0;
                    Ok::<_, StepError>(waits.then_some(Candidate {
                        operator,
                        work: preview.work,
                    }))
                })
                .buffered(VIEWS_AT_ONCE)
                .try_filter_map(|candidate| async move { Ok(candidate) })
                .try_collect()
                .await?;
            candidates.extend(more);
            let eligible = raises(view, &candidates)
                .into_iter()
                .filter(|operator| *operator != OPEN_POOL)
                .count();
            if heaviest_first && eligible < candidates.len() {
                // Whoever follows is lighter than one who is not eligible.
                break;
            }
        }
        Ok(candidates)
    }

    /// Books everybody with work in every final epoch, several epochs at once.
    pub(super) async fn book(
        &mut self,
        moment: &Moment,
        sum: &mut Booked,
    ) -> Result<(), StepError> {
        let ready: Vec<(Epoch, EpochView)> = self
            .unbooked(moment)
            .await?
            .into_iter()
            .filter(|(_, view)| view.is_final)
            .collect();
        if ready.len() < self.config.book_epochs.max(1) as usize {
            return Ok(());
        }
        for some in ready.chunks(EPOCHS_AT_ONCE) {
            let epochs: Vec<Epoch> = some.iter().map(|(epoch, _)| *epoch).collect();
            let mut operators = BTreeSet::new();
            for epoch in &epochs {
                match self.known_work(*epoch).await? {
                    Some(known) => {
                        operators.extend(known.into_iter().map(|(operator, _)| operator))
                    }
                    None => operators.extend(self.everybody().await?),
                }
            }
            self.book_pieces(&epochs, operators.into_iter().collect(), sum)
                .await?;
            self.close(&epochs).await?;
            for epoch in &epochs {
                self.level_checked.remove(epoch);
            }
            let final_ones = self.closed_for_good(epochs).await?;
            self.mark_booked(final_ones).await?;
        }
        Ok(())
    }

    /// Those of `epochs` whose booking is final: somebody else's may still be undone.
    async fn closed_for_good(&self, epochs: Vec<Epoch>) -> Result<Vec<Epoch>, StepError> {
        let finalized = self.emission.at(At::Finalized);
        let mut closed = Vec::new();
        for epoch in epochs {
            let view = finalized.epoch(epoch).await?;
            if view.and_then(|v| v.settlement).is_some_and(|s| s.closed) {
                closed.push(epoch);
            }
        }
        Ok(closed)
    }

    async fn book_pieces(
        &self,
        epochs: &[Epoch],
        operators: Vec<OperatorIndex>,
        sum: &mut Booked,
    ) -> Result<(), StepError> {
        let sending = Sending {
            length: BOOK_AT_ONCE,
            message: |piece: &[OperatorIndex]| {
                let purpose = Purpose::new("book", keyed(epochs, piece));
                (purpose, calls::book(epochs, piece))
            },
            // Whoever was booked before is skipped: if that is everybody, nothing is sent.
            useful: |output| calls::answer::<Booked>(output).is_ok_and(|booked| booked.booked > 0),
            spoilt: |_| false,
        };
        self.submit_pieces(operators, sending, |submitted| {
            if let Ok(more) = calls::answer::<Booked>(&submitted.output) {
                sum.booked += more.booked;
                sum.amount += more.amount;
            }
        })
        .await?;
        steps::reached(steps::EPOCH_BOOKED).await;
        Ok(())
    }

    /// Returns to the reserve what nobody is entitled to, in epochs where nobody was left
    /// to book.
    async fn close(&self, epochs: &[Epoch]) -> Result<(), StepError> {
        let now = self.emission.at(At::Best);
        for epoch in epochs {
            let view = now.epoch(*epoch).await?;
            let open = view
                .and_then(|view| view.settlement)
                .is_some_and(|s| !s.closed);
            if open {
                let tx = self.emission.message(calls::book(&[*epoch], &[]));
                let purpose = Purpose::new("close", epoch.to_string());
                self.submitter.submit(purpose, tx).await?;
            }
        }
        Ok(())
    }

    /// Settled epochs in which something may be left to do, with their state: those that
    /// are not known to be booked or, if we do not book, whose level was not final yet.
    async fn unbooked(&mut self, moment: &Moment) -> Result<Vec<(Epoch, EpochView)>, StepError> {
        let booked_below = self.booked().await?.below();
        let from = self.level_final.below();
        self.level_final.add(from..booked_below);
        let from = self.level_final.below();
        // A settlement of this tick is not in the clock as it was read.
        let to = self
            .emission
            .clock()
            .await?
            .settled_to
            .max(moment.clock.settled_to);
        let (mut unbooked, mut idle) = (Vec::new(), Vec::new());
        for epoch in from..to {
            if self.booked().await?.has(epoch) || self.level_final.has(epoch) {
                continue;
            }
            match self.emission.epoch(epoch).await? {
                Some(view) => unbooked.push((epoch, view)),
                // Below `settled_to`, an epoch without a batch never gets one.
                None => idle.push(epoch),
            }
        }
        if !idle.is_empty() {
            self.level_final.add(idle.iter().copied());
            self.mark_booked(idle).await?;
        }
        if !self.config.book {
            // Others book: what is final needs nothing of us.
            let (done, left): (Vec<_>, Vec<_>) =
                unbooked.into_iter().partition(|(_, view)| view.is_final);
            unbooked = left;
            for (epoch, _) in &done {
                self.level_checked.remove(epoch);
            }
            self.level_final
                .add(done.into_iter().map(|(epoch, _)| epoch));
        }
        Ok(unbooked)
    }

    /// The epochs that are known to be booked.
    pub(super) async fn booked(&mut self) -> Result<&mut Done, StepError> {
        if self.booked.is_none() {
            let remembered = self.journal.recall(BOOKED_BELOW).await?;
            let below = remembered.and_then(|text| text.parse().ok()).unwrap_or(0);
            self.booked = Some(Done::all_below(below));
        }
        Ok(self.booked.get_or_insert_default())
    }

    /// Adds to the epochs that are booked, and remembers the bound below which all are.
    async fn mark_booked(&mut self, epochs: Vec<Epoch>) -> Result<(), StepError> {
        let booked = self.booked().await?;
        if booked.add(epochs) {
            let below = booked.below();
            self.journal
                .remember(BOOKED_BELOW, below.to_string())
                .await?;
        }
        Ok(())
    }

    /// The work of an epoch, by operator, if the journal knows every batch of it; none if
    /// the contract has batches of other keepers that we have not seen.
    async fn known_work(
        &self,
        epoch: Epoch,
    ) -> Result<Option<Vec<(OperatorIndex, Work)>>, StepError> {
        if !self.missing_batches(epoch).await?.is_empty() {
            return Ok(None);
        }
        let totals = self.journal.totals(epoch).await?;
        Ok(Some(
            totals
                .into_iter()
                .map(|(operator, total)| {
                    let work = Work {
                        fragment: total.fragment.into(),
                        bulk: total.bulk.into(),
                    };
                    (operator, work)
                })
                .collect(),
        ))
    }

    /// Batches of an epoch that the contract has and the journal does not.
    pub(super) async fn missing_batches(&self, epoch: Epoch) -> Result<Vec<(u32, u64)>, StepError> {
        let mut next = Vec::new();
        for lane in 0..self.settings.lanes {
            next.push((lane, self.emission.next_seq(epoch, lane).await?));
        }
        Ok(self.journal.missing(epoch, next).await?)
    }

    pub(super) async fn everybody(&self) -> Result<Vec<OperatorIndex>, StepError> {
        Ok((0..self.emission.operators().await?).collect())
    }
}

/// What a piece of a list is about: its epochs, its ends and its length.
pub(super) fn keyed(epochs: &[Epoch], piece: &[OperatorIndex]) -> String {
    let ends = |list: &[u32]| match (list.first(), list.last()) {
        (Some(first), Some(last)) => format!("{first}..{last}"),
        _ => "none".to_owned(),
    };
    format!("{}/{} ({})", ends(epochs), ends(piece), piece.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_moves_over_epochs_that_are_done_in_any_order() {
        let mut done = Done::all_below(3);
        assert!(!done.add([5, 4, 7]));
        assert!(done.has(2) && !done.has(3) && done.has(5) && !done.has(6));
        assert!(done.add([3]));
        assert_eq!((done.below(), done.has(7)), (6, true));
    }
}
