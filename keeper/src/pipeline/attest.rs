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
//! checked before: its receipts must still come to its entries, and a dry-run without
//! signatures must fail for want of signatures, for nothing else, and with so little
//! weight that there is room for checking them.

use super::error::StepError;
use super::gather::not_shown;
use super::{Engine, Moment};
use crate::attester::protocol::BatchKey;
use crate::chain::{ChainError, ChainInfo, Class, Limits, Weight};
use crate::clock::machine_time;
use crate::contract::refusal;
use crate::journal::submissions::Purpose;
use crate::journal::{BatchState, Built, Future, Poison, Reason, StoredBatch};
use crate::submit::SubmitError;
use crate::{batch, hexes, steps};
use plimsoll_interface::{calls, Credited, Error as Refusal};
use plimsoll_mechanism::batch::{BatchHeader, SIGNATURE_BYTES};
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

/// Execution time of checking one signature, in ps: the `ecrecover` precompile of
/// pallet-revive 0.20.2, measured at 0.107 ms in the development runtime.
const SIGNATURE_TIME: u64 = 107_000_000;

/// Proof that checking one signature costs, in bytes: measured with it, 1.8 kB.
const SIGNATURE_PROOF: u64 = 1_800;

/// What a transaction costs beside what the contract executes, in ps: its signature, fee
/// and dispatch, measured below half of it.
const ENVELOPE_TIME: u64 = 1_000_000_000;

/// As above, in bytes of proof.
const ENVELOPE_PROOF: u64 = 20_000;

/// What a transaction's bytes hold beside the message, at most.
const ENVELOPE_BYTES: u64 = 300;

/// The part of a transaction's room that batches are planned for, in percent. The rest
/// is for the margin of the limits and for what the figures above do not foresee.
const PLANNED_PERCENT: u64 = 75;

/// Where the journal remembers that batches must be smaller than configured, and for which
/// version of the runtime.
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

/// Whether a batch still fits into one transaction with its signatures, after a dry-run
/// without any took `used` for a message of `length` bytes.
///
/// # Errors
/// What is short.
fn room_to_sign(
    used: Weight,
    length: u64,
    signatures: u64,
    chain: &ChainInfo,
) -> Result<(), ChainError> {
    let checked = Weight {
        ref_time: used
            .ref_time
            .saturating_add(signatures.saturating_mul(SIGNATURE_TIME)),
        proof_size: used
            .proof_size
            .saturating_add(signatures.saturating_mul(SIGNATURE_PROOF)),
    };
    let limit = Limits::with_margin(checked, 0).weight;
    let length = length
        .saturating_add(signatures.saturating_mul(SIGNATURE_BYTES as u64))
        .saturating_add(ENVELOPE_BYTES);
    let time = limit.ref_time.saturating_add(ENVELOPE_TIME);
    // A transaction's length counts as proof, too.
    let proof = limit
        .proof_size
        .saturating_add(ENVELOPE_PROOF)
        .saturating_add(length);
    let most = chain.max_weight;
    for (unit, needed, most) in [
        ("bytes of length", length, chain.max_length),
        ("ps of execution", time, most.ref_time),
        ("bytes of proof", proof, most.proof_size),
    ] {
        if needed > most {
            return Err(ChainError::TooLarge { unit, needed, most });
        }
    }
    Ok(())
}

impl Engine {
    /// Builds every batch that is due.
    pub(super) async fn build(
        &mut self,
        moment: &Moment,
        built: &mut u32,
    ) -> Result<(), StepError> {
        self.renew_policy().await?;
        let operators = self.emission.operators().await?;
        let future = Future {
            machine: machine_time(),
            max_ahead: self.config.max_ahead_ms,
        };
        let screened = self.journal.screen(moment.time, operators, future).await?;
        if screened > 0 {
            tracing::warn!(screened, "receipts were quarantined; see `plimsoll status`");
        }
        let mut failed = None;
        let waiting = self.journal.waiting(moment.time, operators).await?;
        for ((epoch, lane), (count, first)) in waiting {
            let last = self
                .last_built
                .get(&(epoch, lane))
                .copied()
                .unwrap_or(first);
            let since = moment.time.now.saturating_sub(last);
            if !self.policy.due(count, since, moment.time.left(epoch)) {
                continue;
            }
            let batch = match self.build_one((epoch, lane), moment, operators).await {
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
            *built += 1;
            steps::reached(steps::BATCH_BUILT).await;
        }
        self.last_built
            .retain(|(epoch, _), _| !moment.time.closed(*epoch));
        failed.map_or(Ok(()), Err)
    }

    async fn build_one(
        &self,
        (epoch, lane): (Epoch, u32),
        moment: &Moment,
        operators: u32,
    ) -> Result<Option<Built>, StepError> {
        self.import_missing(epoch, moment).await?;
        let seq = self.emission.next_seq(epoch, lane).await?;
        let at = (epoch, lane, seq);
        let (rules, domain, policy) = (&self.rules, &self.domain, &self.policy);
        Ok(self
            .journal
            .build(at, rules, domain, policy, (moment.time, operators))
            .await?)
    }

    /// Gathers signatures for every batch that lacks them.
    pub(super) async fn sign(
        &mut self,
        moment: &Moment,
        signed: &mut u32,
    ) -> Result<(), StepError> {
        let mut failed = None;
        for batch in self.journal.living().await? {
            if !matches!(batch.state, BatchState::Built | BatchState::Offered) {
                continue;
            }
            // A batch that nobody signs must not keep others waiting.
            match self.sign_one(&batch, moment).await {
                Ok(true) => *signed += 1,
                Ok(false) => {}
                Err(error) => {
                    self.journal.note(batch.number, error.to_string()).await?;
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Whether it is signed now.
    async fn sign_one(&mut self, batch: &StoredBatch, moment: &Moment) -> Result<bool, StepError> {
        if self.bury_if_closed(batch, moment).await? || moment.clock.stopped {
            return Ok(false);
        }
        let built = batch.state == BatchState::Built;
        if built {
            if !self.still_stands(batch, moment).await? {
                return Ok(false);
            }
        } else {
            let BatchHeader {
                epoch, lane, seq, ..
            } = batch.header;
            if self.emission.next_seq(epoch, lane).await? > seq {
                // Its number is taken: nobody signs it any more.
                self.was_it_this(batch, moment).await?;
                return Ok(false);
            }
        }
        let asked = self.asked(batch).await?;
        if built {
            if !self.fit_to_offer(batch, asked.threshold()).await?
                || !self.would_be_signed(batch, &asked).await?
            {
                return Ok(false);
            }
            self.journal.offered(batch.number).await?;
            steps::reached(steps::BATCH_OFFERED).await;
        }
        self.gather(batch, &asked).await?;
        steps::reached(steps::BATCH_SIGNED).await;
        Ok(true)
    }

    /// Whether a batch that nobody has signed is still what its receipts come to. If the
    /// contract took another one meanwhile with an operator of it, it is not: no attester
    /// would sign it, and no other batch would be built in its place.
    async fn still_stands(&self, batch: &StoredBatch, moment: &Moment) -> Result<bool, StepError> {
        self.import_missing(batch.header.epoch, moment).await?;
        // What was imported may have its number.
        let now = self.journal.batch(batch.number).await?;
        if now.map(|batch| batch.state) != Some(BatchState::Built) {
            return Ok(false);
        }
        if self.journal.still_fits(batch.number, &self.rules).await? {
            return Ok(true);
        }
        let why = "a batch with one of its operators was accepted after it was built";
        self.withdraw(batch, Vec::new(), why).await?;
        Ok(false)
    }

    /// Whether a batch that nobody has signed can be offered. One that cannot is
    /// withdrawn.
    async fn fit_to_offer(
        &mut self,
        batch: &StoredBatch,
        signatures: u64,
    ) -> Result<bool, StepError> {
        let data = calls::attest(&batch.header, &batch.entries, &[]);
        let length = data.len() as u64;
        let tx = self.emission.message(data);
        let run = self.emission.chain().dry_run(&tx).await?;
        if let Err(failure) = run.result {
            match refusal(&failure) {
                // All is well but the signatures.
                Some(Refusal::SignatureCount) => {}
                // Another keeper was faster, or the epoch closed: built anew from what is then.
                Some(why @ (Refusal::WrongSeq(_) | Refusal::EpochClosed)) => {
                    self.withdraw(batch, Vec::new(), &format!("{why:?}"))
                        .await?;
                    return Ok(false);
                }
                Some(why) => {
                    let poison = match culprit(why) {
                        Some(operator) => self.receipts_of(batch, operator, why).await?,
                        None => Vec::new(),
                    };
                    self.withdraw(batch, poison, &format!("{why:?}")).await?;
                    return Ok(false);
                }
                None if failure.class() == Class::Split => {
                    self.split(batch, &failure).await?;
                    return Ok(false);
                }
                None => return Err(ChainError::from(failure).into()),
            }
        }
        let info = self.emission.chain().info().await?;
        match room_to_sign(run.weight, length, signatures, &info) {
            Ok(()) => Ok(true),
            Err(error) => {
                self.split(batch, &error).await?;
                Ok(false)
            }
        }
    }

    /// Withdraws a batch that nobody has signed and that is too large, and makes those
    /// after it smaller.
    async fn split(
        &mut self,
        batch: &StoredBatch,
        why: &impl std::fmt::Display,
    ) -> Result<(), StepError> {
        if batch.entries.len() <= ENTRY_BYTES {
            let reason = format!("it cannot take the work of one operator in one batch: {why}");
            return Err(ChainError::Unsupported(reason).into());
        }
        self.withdraw(batch, Vec::new(), &why.to_string()).await?;
        self.make_smaller(batch).await
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
    pub(super) async fn attest(
        &mut self,
        moment: &Moment,
        accepted: &mut u32,
    ) -> Result<(), StepError> {
        let mut failed = None;
        for batch in self.journal.living().await? {
            if !matches!(batch.state, BatchState::Signed | BatchState::Submitted) {
                continue;
            }
            // A batch that the contract refuses must not keep others waiting.
            match self.attest_one(&batch, moment).await {
                Ok(true) => *accepted += 1,
                Ok(false) => {}
                Err(error) => {
                    let waits = matches!(error, StepError::Submit(SubmitError::Unresolved { .. }));
                    let note = format!("{} {error}", refused_note(&error));
                    self.journal
                        .note(batch.number, note.trim().to_owned())
                        .await?;
                    tracing::warn!(batch = batch.number, %error, "a batch was not accepted");
                    failed = Some(error);
                    // Nothing else is sent before the end of this one is known.
                    if waits {
                        break;
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
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
            return self.was_it_this(batch, moment).await;
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

    /// The contract has a batch of this number: this one, whoever sent it, or another
    /// keeper's. Gives whether it is this one. Another's is taken in, and the receipts of
    /// this one wait again.
    async fn was_it_this(&self, batch: &StoredBatch, moment: &Moment) -> Result<bool, StepError> {
        let purpose = purpose(batch);
        if self.open_for(&purpose).await? {
            // It is being looked for.
            return Ok(false);
        }
        if self.journal.has_succeeded(purpose).await? {
            self.journal.accepted(batch.number, &self.rules).await?;
            return Ok(true);
        }
        // Attesters show what they signed to whoever asks, so somebody else may have sent it.
        let BatchHeader {
            epoch, lane, seq, ..
        } = batch.header;
        let key = BatchKey { epoch, lane, seq };
        let quorum = self.emission.attesters(epoch).await?;
        if let Some((theirs, signatures)) = self.shown(key, &quorum).await {
            let same = theirs.digest(&self.domain) == batch.digest;
            if !same {
                let why = "another keeper's batch has this number";
                tracing::warn!(batch = batch.number, why, "a batch is dead");
            }
            self.journal
                .import(theirs, signatures, &self.rules, &self.domain, moment.time)
                .await?;
            return Ok(same);
        }
        if !moment.time.closed(epoch) {
            return Err(not_shown(key));
        }
        // An attester signs one digest for a number, and more than half must sign: if a
        // quorum signed this one, none signed another.
        let signed = matches!(batch.state, BatchState::Signed | BatchState::Submitted);
        if signed {
            self.journal.accepted(batch.number, &self.rules).await?;
        } else {
            let why = "another batch has this number";
            tracing::warn!(batch = batch.number, why, "a batch is dead");
            self.journal.bury(batch.number, why.to_owned()).await?;
        }
        Ok(signed)
    }

    /// Buries a batch whose epoch takes no more work, unless the contract has it. Its
    /// receipts wait again, marked late; those of an operator for whom the contract refused
    /// it are quarantined. Gives whether nothing is left to do for it.
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
        let BatchHeader {
            epoch, lane, seq, ..
        } = batch.header;
        if self.emission.next_seq(epoch, lane).await? > seq {
            self.was_it_this(batch, moment).await?;
            return Ok(true);
        }
        let poison = match batch.note.as_deref().and_then(noted_culprit) {
            Some(operator) => {
                self.receipts_of(batch, operator, Refusal::EntryOverflow(operator))
                    .await?
            }
            None => Vec::new(),
        };
        let why = "its epoch closed before the contract had it";
        tracing::warn!(batch = batch.number, epoch, why, "a batch is dead");
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
        let runtime = self.policy_for.unwrap_or(0);
        Ok(self
            .journal
            .remember(SMALLER, format!("{limits} {runtime}"))
            .await?)
    }

    /// The configured policy as far as this chain allows it. What its runtime has refused
    /// before holds until there is a new one.
    pub(super) async fn renew_policy(&mut self) -> Result<(), StepError> {
        let info = self.emission.chain().info().await?;
        if self.policy_for == Some(info.spec_version) {
            return Ok(());
        }
        let mut policy = fitting(&self.config.policy, &info);
        let remembered = self.journal.recall(SMALLER).await?;
        let learned = remembered
            .as_deref()
            .and_then(|text| learned(text, info.spec_version));
        if let Some((entries, items)) = learned {
            policy.max_entries = policy.max_entries.min(entries);
            policy.max_items = policy.max_items.min(items);
        }
        self.policy = policy;
        self.policy_for = Some(info.spec_version);
        Ok(())
    }
}

/// The most entries and items that a runtime of this version was found to take.
fn learned(remembered: &str, runtime: u32) -> Option<(u32, u32)> {
    let mut numbers = remembered.split(' ').map(str::parse);
    let mut next = || numbers.next()?.ok();
    let (entries, items, version) = (next()?, next()?, next()?);
    (version == runtime).then_some((entries, items))
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
    fn what_a_runtime_refused_is_forgotten_with_the_runtime() {
        assert_eq!(learned("300 20 7", 7), Some((300, 20)));
        assert_eq!(learned("300 20 7", 8), None);
        assert_eq!(learned("300 20", 7), None, "of a version that is not known");
        assert_eq!(learned("many", 7), None);
    }

    #[test]
    fn a_batch_must_leave_room_for_its_signatures() {
        let chain = chain(100_000_000_000, 5_000_000, 200_000);
        let used = |ref_time, proof_size| Weight {
            ref_time,
            proof_size,
        };
        let fits = |used, length| room_to_sign(used, length, 3, &chain);
        assert_eq!(fits(used(80_000_000_000, 4_000_000), 126_000), Ok(()));
        let unit = |result: Result<(), ChainError>| match result {
            Err(ChainError::TooLarge { unit, .. }) => unit,
            other => panic!("{other:?}"),
        };
        // A tenth more, and 3 x 0.107 ms.
        assert_eq!(fits(used(89_679_000_000, 0), 0), Ok(()));
        assert_eq!(unit(fits(used(89_680_000_000, 0), 0)), "ps of execution");
        assert_eq!(unit(fits(used(0, 4_500_000), 126_000)), "bytes of proof");
        assert_eq!(unit(fits(used(0, 0), 199_800)), "bytes of length");
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
