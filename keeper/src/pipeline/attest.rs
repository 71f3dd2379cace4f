//! Batches, from waiting receipts to the contract's word that it has them.
//!
//! ```text
//! wait -> built -> offered -> signed -> submitted -> accepted
//!           |         |          |          |
//!           +---------+----------+----------+--> dead: the epoch closed, or its number
//!                                                is taken; the receipts wait again
//! ```
//!
//! Before a batch is offered it may be withdrawn; once an attester may have signed it,
//! no other batch takes its number while its epoch is open. So what can be checked is
//! checked before: a dry-run without signatures must fail for want of signatures, and
//! for nothing else.

use super::error::StepError;
use super::{Engine, Moment};
use crate::chain::{ChainError, ChainInfo, Class};
use crate::contract::refusal;
use crate::journal::submissions::Purpose;
use crate::journal::{BatchState, Built, Poison, Reason, StoredBatch};
use crate::submit::SubmitError;
use crate::{batch, hexes, steps};
use plimsoll_interface::{calls, Credited, Error as Refusal};
use plimsoll_mechanism::work::ENTRY_BYTES;
use plimsoll_mechanism::{Epoch, OperatorIndex};

/// Proof that one storage item costs a transaction, in bytes: measured at 10.4 kB,
/// whatever the item's size.
const ITEM_PROOF: u64 = 10_500;

/// Execution time of crediting one entry, in ps: measured below 38 us.
const ENTRY_TIME: u64 = 45_000_000;

/// What a batch costs whatever is in it: the contract's code and root, and checking up
/// to sixteen signatures.
const FIXED_PROOF: u64 = 200_000;

/// As above, in ps.
const FIXED_TIME: u64 = 5_000_000_000;

/// The part of a transaction's room that batches are planned for, in percent. The rest
/// is for the margin of the limits and for what the figures above do not foresee.
const PLANNED_PERCENT: u64 = 75;

/// Where the journal remembers that batches must be smaller than configured.
const SMALLER: &str = "the chain refused batches above (entries, items)";

/// The configured limits of a batch, lowered to what one transaction of this chain
/// holds.
#[must_use]
pub fn fitting(policy: &batch::Policy, chain: &ChainInfo) -> batch::Policy {
    let room = |most: u64, fixed: u64, each: u64| {
        let planned = most / 100 * PLANNED_PERCENT;
        u32::try_from(planned.saturating_sub(fixed) / each).unwrap_or(u32::MAX)
    };
    let by_length = room(chain.max_length, 0, ENTRY_BYTES as u64);
    let by_time = room(chain.max_weight.ref_time, FIXED_TIME, ENTRY_TIME);
    let items = room(chain.max_weight.proof_size, FIXED_PROOF, ITEM_PROOF);
    batch::Policy {
        max_entries: policy.max_entries.min(by_length).min(by_time).max(1),
        max_items: policy.max_items.min(items).max(2),
        ..*policy
    }
}

impl Engine {
    /// Builds every batch that is due.
    pub(super) async fn build(&mut self, moment: &Moment) -> Result<u32, StepError> {
        let operators = self.emission.operators().await?;
        let screened = self
            .journal
            .screen(moment.time, operators, self.config.max_ahead_ms)
            .await?;
        if screened > 0 {
            tracing::warn!(screened, "receipts were quarantined; see `plimsoll status`");
        }
        let mut built = 0;
        let mut failed = None;
        for ((epoch, lane), (count, first)) in self.journal.waiting(moment.time).await? {
            let last = self
                .last_built
                .get(&(epoch, lane))
                .copied()
                .unwrap_or(first);
            let since = moment.time.now.saturating_sub(last);
            if !self.policy.due(count, since, moment.time.left(epoch)) {
                continue;
            }
            let batch = match self.build_one(epoch, lane, moment).await {
                Ok(Some(batch)) => batch,
                Ok(None) => continue,
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            let seq = batch.batch.header.seq;
            tracing::info!(
                epoch,
                lane,
                seq,
                receipts = batch.batch.header.receipts,
                entries = batch.batch.entries.len() / ENTRY_BYTES,
                "built a batch"
            );
            self.last_built.insert((epoch, lane), moment.time.now);
            built += 1;
            steps::reached(steps::BATCH_BUILT).await;
        }
        self.last_built
            .retain(|(epoch, _), _| !moment.time.closed(*epoch));
        failed.map_or(Ok(built), Err)
    }

    async fn build_one(
        &self,
        epoch: Epoch,
        lane: u32,
        moment: &Moment,
    ) -> Result<Option<Built>, StepError> {
        self.import_missing(epoch, moment).await?;
        let seq = self.emission.next_seq(epoch, lane).await?;
        let at = (epoch, lane, seq);
        let (rules, domain, policy) = (&self.rules, &self.domain, &self.policy);
        Ok(self
            .journal
            .build(at, rules, domain, policy, moment.time)
            .await?)
    }

    /// Gathers signatures for every batch that lacks them.
    pub(super) async fn sign(&mut self, moment: &Moment) -> Result<u32, StepError> {
        let mut signed = 0;
        let mut failed = None;
        for batch in self.journal.living().await? {
            if !matches!(batch.state, BatchState::Built | BatchState::Offered) {
                continue;
            }
            if self.bury_if_closed(&batch, moment).await? {
                continue;
            }
            if moment.clock.stopped {
                continue;
            }
            // A batch that nobody signs must not keep others waiting.
            match self.sign_one(&batch).await {
                Ok(true) => signed += 1,
                Ok(false) => {}
                Err(error) => {
                    self.journal.note(batch.number, error.to_string()).await?;
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(signed), Err)
    }

    /// Whether it is signed now.
    async fn sign_one(&mut self, batch: &StoredBatch) -> Result<bool, StepError> {
        let asked = self.asked(batch).await?;
        if batch.state == BatchState::Built {
            if !self.fit_to_offer(batch).await? || !self.would_be_signed(batch, &asked).await? {
                return Ok(false);
            }
            self.journal.offered(batch.number).await?;
            steps::reached(steps::BATCH_OFFERED).await;
        }
        self.gather(batch, &asked).await?;
        steps::reached(steps::BATCH_SIGNED).await;
        Ok(true)
    }

    /// Whether a batch that nobody has signed can be offered. One that cannot is
    /// withdrawn.
    async fn fit_to_offer(&mut self, batch: &StoredBatch) -> Result<bool, StepError> {
        let tx = self
            .emission
            .message(calls::attest(&batch.header, &batch.entries, &[]));
        let run = self.emission.chain().dry_run(&tx).await?;
        let failure = match run.result {
            Ok(_) => return Ok(true),
            Err(failure) => failure,
        };
        match refusal(&failure) {
            // All is well but the signatures.
            Some(Refusal::SignatureCount) => Ok(true),
            // Another keeper was faster, or the epoch closed: built anew from what is then.
            Some(why @ (Refusal::WrongSeq(_) | Refusal::EpochClosed)) => {
                self.withdraw(batch, Vec::new(), &format!("{why:?}"))
                    .await?;
                Ok(false)
            }
            Some(why) => {
                let poison = match culprit(why) {
                    Some(operator) => self.receipts_of(batch, operator, why).await?,
                    None => Vec::new(),
                };
                self.withdraw(batch, poison, &format!("{why:?}")).await?;
                Ok(false)
            }
            None if failure.class() == Class::Split => {
                self.withdraw(batch, Vec::new(), &failure.to_string())
                    .await?;
                self.make_smaller(batch).await?;
                Ok(false)
            }
            None => Err(ChainError::from(failure).into()),
        }
    }

    pub(super) async fn withdraw(
        &self,
        batch: &StoredBatch,
        poison: Vec<Poison>,
        why: &str,
    ) -> Result<(), StepError> {
        tracing::warn!(batch = batch.number, why, "a batch was withdrawn");
        Ok(self
            .journal
            .withdraw(batch.number, poison, why.to_owned())
            .await?)
    }

    /// Brings every signed batch to the contract.
    pub(super) async fn attest(&mut self, moment: &Moment) -> Result<u32, StepError> {
        let mut accepted = 0;
        let mut failed = None;
        for batch in self.journal.living().await? {
            if !matches!(batch.state, BatchState::Signed | BatchState::Submitted) {
                continue;
            }
            // A batch that the contract refuses must not keep others waiting.
            match self.attest_one(&batch, moment).await {
                Ok(true) => accepted += 1,
                Ok(false) => {}
                Err(error) => {
                    let note = format!("{} {error}", refused_note(&error));
                    self.journal
                        .note(batch.number, note.trim().to_owned())
                        .await?;
                    tracing::warn!(batch = batch.number, %error, "a batch was not accepted");
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(accepted), Err)
    }

    async fn attest_one(
        &mut self,
        batch: &StoredBatch,
        moment: &Moment,
    ) -> Result<bool, StepError> {
        let header = batch.header;
        let purpose = purpose(batch);
        // Is this still needed? Asked at the finalized state.
        if self.emission.next_seq(header.epoch, header.lane).await? > header.seq {
            return self.was_it_ours(batch, purpose).await;
        }
        if self.bury_if_closed(batch, moment).await? || moment.clock.stopped {
            return Ok(false);
        }
        self.journal.submitted(batch.number).await?;
        let data = calls::attest(&header, &batch.entries, &batch.packed_signatures());
        let submitted = match self
            .submitter
            .submit(purpose, self.emission.message(data))
            .await
        {
            Ok(submitted) => submitted,
            // Another keeper was faster at the best block, or the epoch is about to close:
            // the finalized state will tell.
            Err(SubmitError::Refused(Refusal::WrongSeq(next))) if next > header.seq => {
                return Ok(false)
            }
            Err(SubmitError::Refused(Refusal::EpochClosed)) => return Ok(false),
            Err(error) => {
                if error.class() == Class::Split {
                    self.make_smaller(batch).await?;
                }
                return Err(error.into());
            }
        };
        steps::reached(steps::BATCH_ACCEPTED).await;
        self.journal.accepted(batch.number, &self.rules).await?;
        let credited = calls::answer::<Credited>(&submitted.output).ok();
        tracing::info!(
            epoch = header.epoch,
            lane = header.lane,
            seq = header.seq,
            credited = credited.map_or(0, |c| c.credited),
            skipped = credited.map_or(0, |c| c.skipped),
            block = submitted.outcome.block,
            "the contract has a batch"
        );
        Ok(true)
    }

    /// The contract has a batch of this number: ours if a transaction of ours with it is
    /// in a finalized block, else another keeper's.
    async fn was_it_ours(&self, batch: &StoredBatch, purpose: Purpose) -> Result<bool, StepError> {
        if self.open_for(&purpose).await? {
            // It is being looked for.
            return Ok(false);
        }
        if self.journal.has_succeeded(purpose).await? {
            self.journal.accepted(batch.number, &self.rules).await?;
            return Ok(true);
        }
        let why = "another keeper's batch has this number";
        tracing::warn!(batch = batch.number, why, "a batch is dead");
        self.journal.bury(batch.number, why.to_owned()).await?;
        Ok(false)
    }

    /// Buries a batch whose epoch takes no more work. Its receipts wait again, marked
    /// late; those of an operator for whom the contract refused it are quarantined.
    async fn bury_if_closed(
        &self,
        batch: &StoredBatch,
        moment: &Moment,
    ) -> Result<bool, StepError> {
        if !moment.time.closed(batch.header.epoch) {
            return Ok(false);
        }
        if self.open_for(&purpose(batch)).await? {
            return Ok(false);
        }
        let poison = match batch.note.as_deref().and_then(noted_culprit) {
            Some(operator) => {
                self.receipts_of(batch, operator, Refusal::EntryOverflow(operator))
                    .await?
            }
            None => Vec::new(),
        };
        let why = "its epoch closed before the contract had it";
        tracing::warn!(
            batch = batch.number,
            epoch = batch.header.epoch,
            why,
            "a batch is dead"
        );
        self.journal.bury(batch.number, why.to_owned()).await?;
        self.journal.quarantine(poison).await?;
        Ok(true)
    }

    async fn open_for(&self, purpose: &Purpose) -> Result<bool, StepError> {
        let open = self.journal.open_submission().await?;
        Ok(open.is_some_and(|open| open.purpose == *purpose))
    }

    /// The receipts of one operator in a batch, as poison.
    async fn receipts_of(
        &self,
        batch: &StoredBatch,
        operator: OperatorIndex,
        why: Refusal,
    ) -> Result<Vec<Poison>, StepError> {
        let receipts = self.journal.receipts_of(batch.number).await?;
        Ok(receipts
            .into_iter()
            .filter(|receipt| receipt.operator == operator)
            .map(|receipt| Poison {
                id: receipt.id,
                code: Reason::Refused,
                reason: format!("the contract refused the operator's work: {why:?}"),
            })
            .collect())
    }

    /// Batches after this one are at most half as large, also after a restart.
    async fn make_smaller(&mut self, batch: &StoredBatch) -> Result<(), StepError> {
        let entries = (batch.entries.len() / ENTRY_BYTES) as u32;
        let mut footprint = batch::Footprint::default();
        for entry in plimsoll_mechanism::work::unpack(&batch.entries).unwrap_or_default() {
            footprint.admit(entry.operator, &self.policy);
        }
        self.policy = self.policy.halved(entries, footprint.items());
        let limits = format!("{} {}", self.policy.max_entries, self.policy.max_items);
        tracing::warn!(
            limits,
            "the chain refused a batch's size; batches get smaller"
        );
        Ok(self.journal.remember(SMALLER, limits).await?)
    }

    /// The configured policy, as far as this chain has allowed it.
    pub(super) async fn learned_policy(&mut self) -> Result<(), StepError> {
        let learned = self.journal.recall(SMALLER).await?;
        let learned = learned.as_deref().and_then(|text| text.split_once(' '));
        if let Some((entries, items)) = learned {
            if let (Ok(entries), Ok(items)) = (entries.parse(), items.parse()) {
                self.policy.max_entries = self.policy.max_entries.min(entries);
                self.policy.max_items = self.policy.max_items.min(items);
            }
        }
        Ok(())
    }
}

/// What a transaction that carries the batch is about.
fn purpose(batch: &StoredBatch) -> Purpose {
    let header = batch.header;
    Purpose::new(
        "attest",
        format!(
            "{}/{}/{} {}",
            header.epoch,
            header.lane,
            header.seq,
            hexes::show(batch.digest)
        ),
    )
}

/// Whose entry makes the contract refuse a batch.
fn culprit(refusal: Refusal) -> Option<OperatorIndex> {
    match refusal {
        Refusal::EntryOverflow(operator) | Refusal::EntryOrder(operator) => Some(operator),
        _ => None,
    }
}

/// How a culprit is written into a batch's note, where burying it finds it again.
const CULPRIT: &str = "[operator ";

fn refused_note(error: &StepError) -> String {
    match error {
        StepError::Submit(SubmitError::Refused(refusal)) => {
            culprit(*refusal).map_or_else(String::new, |operator| format!("{CULPRIT}{operator}]"))
        }
        _ => String::new(),
    }
}

fn noted_culprit(note: &str) -> Option<OperatorIndex> {
    note.strip_prefix(CULPRIT)?.split_once(']')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Weight, H160};

    fn chain(ref_time: u64, proof_size: u64, max_length: u64) -> ChainInfo {
        ChainInfo {
            genesis: [0; 32],
            chain_id: [0; 32],
            spec_name: "test".into(),
            spec_version: 1,
            account: [0; 32],
            address: H160::zero(),
            max_weight: Weight {
                ref_time,
                proof_size,
            },
            max_length,
        }
    }

    #[test]
    fn on_an_ordinary_chain_the_configured_limits_hold() {
        // Three quarters of a block of two seconds and 10 MiB.
        let chain = chain(1_500_000_000_000, 7_864_320, 3_932_160);
        let policy = batch::Policy::default();
        assert_eq!(fitting(&policy, &chain), policy);
    }

    #[test]
    fn on_a_smaller_chain_batches_are_smaller() {
        let policy = batch::Policy::default();
        let proof = fitting(&policy, &chain(1_500_000_000_000, 2_000_000, 3_932_160));
        assert_eq!((proof.max_entries, proof.max_items), (6_000, 123));
        let time = fitting(&policy, &chain(100_000_000_000, 7_864_320, 3_932_160));
        assert_eq!((time.max_entries, time.max_items), (1_555, 350));
        let nothing = fitting(&policy, &chain(0, 0, 0));
        assert_eq!((nothing.max_entries, nothing.max_items), (1, 2));
    }

    #[test]
    fn whose_entry_was_refused_is_found_in_the_note_again() {
        let error = StepError::Submit(SubmitError::Refused(Refusal::EntryOverflow(17)));
        let note = format!("{} {error}", refused_note(&error));
        assert_eq!(noted_culprit(&note), Some(17));
        let other = StepError::Submit(SubmitError::Refused(Refusal::SignatureCount));
        assert_eq!(
            noted_culprit(&format!("{} {other}", refused_note(&other))),
            None
        );
    }
}
