//! Settling epochs, raising whoever is eligible, and booking rewards.

use super::error::StepError;
use super::level::{asked, raises, Candidate};
use super::{Engine, Moment};
use crate::chain::{At, Tx};
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

impl Engine {
    /// Settles every epoch whose windows are over, in order.
    pub(super) async fn settle(&mut self, moment: &Moment) -> Result<Vec<Settled>, StepError> {
        let mut settled = Vec::new();
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
        Ok(settled)
    }

    /// Raises whoever is eligible in epochs whose level window is open.
    pub(super) async fn raise(&mut self, moment: &Moment) -> Result<u32, StepError> {
        let mut raised = 0;
        for (epoch, view) in self.unbooked(moment).await? {
            if view.is_final || view.settlement.is_none() {
                continue;
            }
            raised += self.raise_in(epoch, &view).await?;
        }
        Ok(raised)
    }

    async fn raise_in(&mut self, epoch: Epoch, view: &EpochView) -> Result<u32, StepError> {
        let level = view.settlement.map(|settlement| settlement.level);
        if level.is_some() && self.level_checked.get(&epoch) == level.as_ref() {
            return Ok(0);
        }
        let candidates = self.candidates(epoch, view).await?;
        let list = raises(view, &candidates);
        if list.is_empty() {
            self.level_checked.extend(level.map(|level| (epoch, level)));
            return Ok(0);
        }
        let mut raised = 0_u32;
        let this = &*self;
        let result = this
            .submit_pieces(
                list,
                RAISE_AT_ONCE,
                |piece| async move {
                    let tx = this.emission.message(calls::raise(epoch, &piece));
                    Ok(Some((Purpose::new("raise", keyed(&[epoch], &piece)), tx)))
                },
                |_, submitted| {
                    raised += calls::answer::<u32>(&submitted.output).unwrap_or(0);
                },
            )
            .await;
        steps::reached(steps::EPOCH_RAISED).await;
        match result {
            // The window closed while we were at it: nothing is lost but the raise.
            Err(StepError::Submit(SubmitError::Refused(Refusal::LevelFinal))) => {
                tracing::warn!(epoch, "the level became final before everybody was raised");
                Ok(raised)
            }
            other => other.map(|()| raised),
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
    pub(super) async fn book(&mut self, moment: &Moment) -> Result<Booked, StepError> {
        let mut sum = Booked::default();
        let ready: Vec<(Epoch, EpochView)> = self
            .unbooked(moment)
            .await?
            .into_iter()
            .filter(|(_, view)| view.is_final)
            .collect();
        if ready.len() < self.config.book_epochs.max(1) as usize {
            return Ok(sum);
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
            self.book_pieces(&epochs, operators.into_iter().collect(), &mut sum)
                .await?;
            self.close(&epochs).await?;
            for epoch in &epochs {
                self.level_checked.remove(epoch);
            }
            self.booked.extend(epochs);
        }
        self.remember_booked().await?;
        Ok(sum)
    }

    async fn book_pieces(
        &self,
        epochs: &[Epoch],
        operators: Vec<OperatorIndex>,
        sum: &mut Booked,
    ) -> Result<(), StepError> {
        let mut booked = Vec::new();
        self.submit_pieces(
            operators,
            BOOK_AT_ONCE,
            |piece| async move {
                let tx = self.emission.message(calls::book(epochs, &piece));
                // Whoever was booked before is skipped: if that is everybody, nothing is sent.
                match self.would_book(&tx).await? {
                    0 => Ok(None),
                    _ => Ok(Some((Purpose::new("book", keyed(epochs, &piece)), tx))),
                }
            },
            |_, submitted| booked.extend(calls::answer::<Booked>(&submitted.output)),
        )
        .await?;
        for more in booked {
            sum.booked += more.booked;
            sum.amount += more.amount;
        }
        steps::reached(steps::EPOCH_BOOKED).await;
        Ok(())
    }

    /// How many a booking would book.
    async fn would_book(&self, tx: &Tx) -> Result<u32, StepError> {
        let run = self.emission.chain().dry_run(tx).await?;
        let output = run.result.map_err(crate::chain::ChainError::from)?;
        Ok(calls::answer::<Booked>(&output).map_or(0, |booked| booked.booked))
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

    /// Settled epochs that are not known to be booked, with their state.
    async fn unbooked(&mut self, moment: &Moment) -> Result<Vec<(Epoch, EpochView)>, StepError> {
        if self.booked_below.is_none() {
            let remembered = self.journal.recall(BOOKED_BELOW).await?;
            self.booked_below = Some(remembered.and_then(|text| text.parse().ok()).unwrap_or(0));
        }
        let from = self.booked_below.unwrap_or(0);
        let mut unbooked = Vec::new();
        let mut idle = Vec::new();
        // A settlement of this tick is not in the clock as it was read.
        let to = self
            .emission
            .clock()
            .await?
            .settled_to
            .max(moment.clock.settled_to);
        for epoch in from..to {
            if self.booked.contains(&epoch) {
                continue;
            }
            match self.emission.epoch(epoch).await? {
                Some(view) => unbooked.push((epoch, view)),
                // Below `settled_to`, an epoch without a batch never gets one.
                None => idle.push(epoch),
            }
        }
        if !idle.is_empty() {
            self.booked.extend(idle);
            self.remember_booked().await?;
        }
        Ok(unbooked)
    }

    /// Moves the remembered bound up over all epochs that are booked.
    async fn remember_booked(&mut self) -> Result<(), StepError> {
        let before = self.booked_below.unwrap_or(0);
        let mut below = before;
        while self.booked.remove(&below) {
            below += 1;
        }
        if below != before {
            self.journal
                .remember(BOOKED_BELOW, below.to_string())
                .await?;
        }
        self.booked_below = Some(below);
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
fn keyed(epochs: &[Epoch], piece: &[OperatorIndex]) -> String {
    let ends = |list: &[u32]| match (list.first(), list.last()) {
        (Some(first), Some(last)) => format!("{first}..{last}"),
        _ => "none".to_owned(),
    };
    format!("{}/{} ({})", ends(epochs), ends(piece), piece.len())
}
