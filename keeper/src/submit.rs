//! Sending transactions: one task owns the account's nonce, one transaction is on its
//! way at a time.
//!
//! ```text
//! dry-run --> refused: told to whoever asked, nothing is sent
//!    |
//!  sign (limits from the dry-run, the chain's next nonce)
//!    |
//! journal the bytes --> send --> look for them in finalized blocks --> close the row
//!                         ^                     |
//!                         +---- not yet: the same bytes again, until their era is over
//! ```
//!
//! A transaction whose end is unknown (the process was killed, the node went away) stays
//! open in the journal. Nothing else is sent before it is found or dead: [`reconcile`]
//! is a pure function of what the chain says.
//!
//! One at a time is slower than a queue of nonces, and the nonce can never drift: the
//! local count is the chain's, plus nothing. A batch holds thousands of operators, so
//! throughput comes from its size.

use crate::chain::{Chain, ChainError, Class, Failure, Found, Limits, Outcome, SignedTx, Tx};
use crate::contract::refusal;
use crate::journal::submissions::{End, Purpose, Submission};
use crate::journal::{Journal, JournalError};
use crate::steps;
use plimsoll_interface::Error as Refusal;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How often a transaction is tried anew after it failed in its block or died. Each try
/// costs a fee; what failed three times with fresh estimates is not bad luck.
const ATTEMPTS: u32 = 3;

/// How often the same bytes are handed to the pool again while they are in no block.
/// A node that restarted has forgotten them; one that has them does not mind.
const RESEND_EVERY: Duration = Duration::from_secs(12);

/// How long to look for one transaction before its caller is told that its end is not
/// known yet. Finality takes half a minute on a public chain; an era is over after some
/// seven minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// How many requests wait for the task. They wait for each other anyway.
const QUEUE: usize = 16;

/// Why a transaction did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The contract refused, in a dry-run: nothing was sent.
    #[error("the contract refused: {0:?}")]
    Refused(Refusal),
    /// The chain refused or cannot be reached. Nothing of it is on its way.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It is not known yet whether the transaction got in.
    #[error("transaction {purpose} was sent and is not final yet; it is looked for again")]
    Unresolved {
        /// What it is about.
        purpose: Purpose,
    },
    /// It failed as often as it is tried.
    #[error("transaction {purpose} failed {ATTEMPTS} times, last: {reason}")]
    GaveUp {
        /// What it is about.
        purpose: Purpose,
        /// What happened last.
        reason: String,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The task is gone.
    #[error("the submitting task has ended")]
    Closed,
}

impl SubmitError {
    /// What to do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Chain(error) => error.class(),
            Self::Unresolved { .. } | Self::GaveUp { .. } => Class::Retry,
            Self::Refused(_) => Class::Permanent,
            Self::Journal(_) | Self::Closed => Class::OperatorAction,
        }
    }
}

/// A transaction that did what was asked, in a finalized block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// How it ended.
    pub outcome: Outcome,
    /// What the dry-run said it would return. State may have moved since.
    pub output: Vec<u8>,
}

/// Submits a transaction without a journal and waits until it is in a finalized block:
/// for what a person starts and watches, and for accounts that send nothing else.
///
/// # Errors
/// See [`SubmitError`].
pub async fn submit_once(chain: &Chain, what: &str, tx: &Tx) -> Result<Submitted, SubmitError> {
    let (signed, output) = prepare(chain, tx).await?;
    let started = Instant::now();
    let purpose = || Purpose::new("once", what);
    match chain.send(&signed).await {
        Err(error) if refused(&error) == Refused::Drop => return Err(error.into()),
        _ => {}
    }
    let mut from = signed.anchor + 1;
    loop {
        match chain.find(&signed, from).await.map(reconcile) {
            Ok(Decision::Close(End::Included(outcome))) => {
                return Ok(Submitted { outcome, output })
            }
            Ok(Decision::Close(End::Failed(outcome))) => {
                return Err(match outcome.result {
                    Err(failure) => ChainError::from(failure).into(),
                    Ok(()) => SubmitError::GaveUp {
                        purpose: purpose(),
                        reason: "it failed in its block".into(),
                    },
                })
            }
            Ok(Decision::Close(End::Dead(reason))) => {
                return Err(SubmitError::GaveUp {
                    purpose: purpose(),
                    reason,
                })
            }
            Ok(Decision::Resend { next }) => from = next,
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error.into()),
        }
        if started.elapsed() >= PATIENCE {
            return Err(SubmitError::Unresolved { purpose: purpose() });
        }
        tokio::time::sleep(chain.poll_interval()).await;
    }
}

/// Dry-runs a transaction, and signs it with the limits it needs and the next nonce.
async fn prepare(chain: &Chain, tx: &Tx) -> Result<(SignedTx, Vec<u8>), SubmitError> {
    let run = chain.dry_run(tx).await?;
    let output = run.result.map_err(|failure| match refusal(&failure) {
        Some(error) => SubmitError::Refused(error),
        None => SubmitError::Chain(failure.into()),
    })?;
    let limits = Limits::with_margin(run.weight, run.deposit);
    let nonce = chain.next_nonce().await?;
    Ok((chain.sign(tx, limits, nonce).await?, output))
}

struct Request {
    purpose: Purpose,
    tx: Tx,
    answer: oneshot::Sender<Result<Submitted, SubmitError>>,
}

/// A handle to the task that submits. Clones share it.
#[derive(Clone)]
pub struct Submitter {
    requests: mpsc::Sender<Request>,
}

impl Submitter {
    /// Starts the task. The first thing it does is to find out what became of a
    /// transaction that an earlier process left open.
    #[must_use]
    pub fn start(chain: Chain, journal: Journal) -> Self {
        Self::start_patient(chain, journal, PATIENCE)
    }

    /// As [`Submitter::start`]; whoever waits is told after `patience` that the end of a
    /// transaction is not known yet.
    #[must_use]
    pub fn start_patient(chain: Chain, journal: Journal, patience: Duration) -> Self {
        let (requests, queue) = mpsc::channel(QUEUE);
        let task = Task {
            chain,
            journal,
            patience,
        };
        tokio::spawn(task.run(queue));
        Self { requests }
    }

    /// Submits a transaction and waits until it is in a finalized block. Whoever stops
    /// waiting stops nothing.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit(&self, purpose: Purpose, tx: Tx) -> Result<Submitted, SubmitError> {
        let (answer, answered) = oneshot::channel();
        let request = Request {
            purpose,
            tx,
            answer,
        };
        self.requests
            .send(request)
            .await
            .map_err(|_| SubmitError::Closed)?;
        answered.await.map_err(|_| SubmitError::Closed)?
    }
}

struct Task {
    chain: Chain,
    journal: Journal,
    patience: Duration,
}

/// What to do with an open transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Close its row with this end.
    Close(End),
    /// Hand the same bytes to the pool again and go on looking from this block.
    Resend {
        /// The first block not searched.
        next: u64,
    },
}

/// What to do with an open transaction of which the chain says `found`.
#[must_use]
pub fn reconcile(found: Found) -> Decision {
    match found {
        Found::Included(outcome) if outcome.result.is_ok() => {
            Decision::Close(End::Included(outcome))
        }
        Found::Included(outcome) => Decision::Close(End::Failed(outcome)),
        Found::Dead => Decision::Close(End::Dead(
            "its era is over, or another transaction took its nonce".into(),
        )),
        Found::Pending { next } => Decision::Resend { next },
    }
}

/// What to do after the pool's refusal of a transaction that was never sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// It may be in a block or a pool all the same: look for it.
    Look,
    /// It is in no pool: close it, and say so.
    Drop,
}

/// A refusal for the nonce may be the echo of the transaction's own success, and one that
/// has no name here may be anything. The others are a verdict on the bytes by the only
/// node that was asked, and no node has them.
fn refused(error: &ChainError) -> Refused {
    match error {
        ChainError::Pool { name, .. } => match name.as_str() {
            "BadFormat"
            | "BadProof"
            | "BadSigner"
            | "Call"
            | "CannotLookup"
            | "NoTags"
            | "NoUnsignedValidator"
            | "Unactionable"
            | "AncientBirthBlock"
            | "Future"
            | "Payment"
            | "ExhaustsResources"
            | "TooLarge"
            | "ImmediatelyDropped"
            | "Rejected" => Refused::Drop,
            _ => Refused::Look,
        },
        // Somebody gave no answer: the bytes may have arrived.
        _ => Refused::Look,
    }
}

impl Task {
    async fn run(self, mut queue: mpsc::Receiver<Request>) {
        // Also without a request: whoever reads the journal wants to know.
        if let Err(error) = self.resolve().await {
            tracing::warn!(%error, "a transaction of an earlier run is not resolved yet");
        }
        while let Some(request) = queue.recv().await {
            let Request {
                purpose,
                tx,
                answer,
            } = request;
            let result = self.submit(purpose, tx).await;
            // Whoever asked may have stopped waiting.
            let _ = answer.send(result);
        }
    }

    /// Finds out what became of an open transaction, if there is one.
    async fn resolve(&self) -> Result<(), SubmitError> {
        if let Some(open) = self.journal.open_submission().await? {
            tracing::info!(purpose = %open.purpose, nonce = open.tx.nonce, "looking for an open transaction");
            self.follow(&open, false).await?;
        }
        Ok(())
    }

    async fn submit(&self, purpose: Purpose, tx: Tx) -> Result<Submitted, SubmitError> {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            self.resolve().await?;
            let (recorded, output) = self.prepare(&purpose, &tx).await?;
            match self.first_send(&recorded).await? {
                End::Included(outcome) => return Ok(Submitted { outcome, output }),
                End::Failed(outcome) => {
                    let failure = outcome.result.err();
                    last = failure
                        .as_ref()
                        .map_or_else(String::new, Failure::to_string);
                    // What is too large for a block stays too large; everything else is
                    // estimated anew, which also tells why a contract reverted.
                    if let Some(failure) = failure {
                        if failure.class() == Class::OperatorAction {
                            return Err(ChainError::from(failure).into());
                        }
                    }
                }
                End::Dead(why) => last = why,
            }
            tracing::warn!(%purpose, reason = last, "a transaction did not get through");
        }
        Err(SubmitError::GaveUp {
            purpose,
            reason: last,
        })
    }

    /// Dry-runs, signs and records.
    async fn prepare(
        &self,
        purpose: &Purpose,
        tx: &Tx,
    ) -> Result<(Submission, Vec<u8>), SubmitError> {
        let (signed, output) = prepare(&self.chain, tx).await?;
        let recorded = self
            .journal
            .record_submission(purpose.clone(), signed)
            .await?;
        steps::reached(steps::SUBMISSION_RECORDED).await;
        Ok((recorded, output))
    }

    async fn first_send(&self, recorded: &Submission) -> Result<End, SubmitError> {
        if let Err(error) = self.chain.send(&recorded.tx).await {
            if refused(&error) == Refused::Drop {
                let end = End::Dead(error.to_string());
                self.journal.close_submission(recorded.number, end).await?;
                return Err(error.into());
            }
            tracing::warn!(%error, purpose = %recorded.purpose, "sent with an uncertain answer");
        } else {
            self.journal.mark_sent(recorded.number).await?;
        }
        steps::reached(steps::SUBMISSION_SENT).await;
        self.follow(recorded, true).await
    }

    /// Looks for a transaction until its end is known, handing the same bytes to the
    /// pool again from time to time, and closes its row.
    async fn follow(&self, open: &Submission, just_sent: bool) -> Result<End, SubmitError> {
        let started = Instant::now();
        let mut sent = just_sent.then_some(started);
        let mut from = open.tx.anchor + 1;
        let mut told = None;
        loop {
            match self.chain.find(&open.tx, from).await.map(reconcile) {
                Ok(Decision::Close(end)) => {
                    steps::reached(steps::SUBMISSION_FOUND).await;
                    self.journal
                        .close_submission(open.number, end.clone())
                        .await?;
                    return Ok(end);
                }
                Ok(Decision::Resend { next }) => {
                    from = next;
                    if sent.is_none_or(|at| at.elapsed() >= RESEND_EVERY) {
                        sent = Some(Instant::now());
                        match self.chain.send(&open.tx).await {
                            Ok(()) => self.journal.mark_sent(open.number).await?,
                            Err(error) => {
                                tracing::debug!(%error, purpose = %open.purpose, "not taken again");
                            }
                        }
                    }
                }
                Err(error) if error.is_transient() => {
                    // Once for each cause: it is looked for every second.
                    if told.as_ref() != Some(&error) {
                        tracing::warn!(%error, purpose = %open.purpose, "cannot look for it now");
                        told = Some(error);
                    }
                }
                Err(error) => return Err(error.into()),
            }
            if started.elapsed() >= self.patience {
                return Err(SubmitError::Unresolved {
                    purpose: open.purpose.clone(),
                });
            }
            tokio::time::sleep(self.chain.poll_interval()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(result: Result<(), Failure>) -> Outcome {
        Outcome {
            block: 12,
            block_hash: [9; 32],
            fee: 5,
            result,
            events: vec![],
            instantiated: None,
        }
    }

    #[test]
    fn what_is_in_a_block_is_closed_with_what_it_did_there() {
        let good = outcome(Ok(()));
        assert_eq!(
            reconcile(Found::Included(good.clone())),
            Decision::Close(End::Included(good))
        );
        let bad = outcome(Err(Failure::Runtime("Revive::OutOfGas".into())));
        assert_eq!(
            reconcile(Found::Included(bad.clone())),
            Decision::Close(End::Failed(bad))
        );
    }

    #[test]
    fn what_can_still_get_in_is_sent_again_to_the_byte() {
        assert_eq!(
            reconcile(Found::Pending { next: 7 }),
            Decision::Resend { next: 7 }
        );
    }

    #[test]
    fn only_what_can_never_get_in_is_given_up() {
        assert!(matches!(
            reconcile(Found::Dead),
            Decision::Close(End::Dead(_))
        ));
    }

    fn pool(name: &str) -> ChainError {
        ChainError::Pool {
            name: name.into(),
            detail: String::new(),
        }
    }

    #[test]
    fn a_refusal_for_the_nonce_may_be_the_echo_of_success() {
        for name in ["Stale", "TooLowPriority", "Invalid", "SomethingNew"] {
            assert_eq!(refused(&pool(name)), Refused::Look, "{name}");
        }
        let unsure = ChainError::Unsure {
            name: "AncientBirthBlock".into(),
            detail: String::new(),
        };
        assert_eq!(refused(&unsure), Refused::Look);
        let lost = ChainError::Connection {
            url: "ws://node".into(),
            reason: "gone".into(),
        };
        assert_eq!(refused(&lost), Refused::Look);
    }

    #[test]
    fn a_verdict_on_the_bytes_ends_them() {
        for name in [
            "Payment",
            "BadProof",
            "ExhaustsResources",
            "AncientBirthBlock",
            "Future",
        ] {
            assert_eq!(refused(&pool(name)), Refused::Drop, "{name}");
        }
    }
}
