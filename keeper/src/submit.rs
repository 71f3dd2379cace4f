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
//! is a pure function of what the chain says. What was to be sent next was worked out
//! before that: whoever asks looks first ([`Submitter::look`]), and works it out then.
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
    /// Another transaction was open until now, so what this one does was worked out before
    /// it was known what that one did. Nothing of it is on its way.
    #[error("transaction {purpose} was open until now; what to send is worked out anew")]
    Outdated {
        /// What the other one was about.
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
            Self::Unresolved { .. } | Self::Outdated { .. } | Self::GaveUp { .. } => Class::Retry,
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
    /// What the dry-run said it would return; state may have moved since. Empty if it was
    /// sent before it was asked for: by an earlier process, say.
    pub output: Vec<u8>,
}

/// Submits a transaction without a journal and waits until it is in a finalized block:
/// for what a person starts and watches, and for accounts that send nothing else.
///
/// # Errors
/// See [`SubmitError`].
pub async fn submit_once(chain: &Chain, what: &str, tx: &Tx) -> Result<Submitted, SubmitError> {
    let purpose = || Purpose::new("once", what);
    let (limits, output) = estimate(chain, tx).await?;
    let signed = sign(chain, tx, limits).await?;
    let started = Instant::now();
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

/// Dry-runs a transaction: the limits it needs, and what it would return.
async fn estimate(chain: &Chain, tx: &Tx) -> Result<(Limits, Vec<u8>), SubmitError> {
    let run = chain.dry_run(tx).await?;
    let output = run.result.map_err(|failure| match refusal(&failure) {
        Some(error) => SubmitError::Refused(error),
        None => SubmitError::Chain(failure.into()),
    })?;
    Ok((Limits::with_margin(run.weight, run.deposit), output))
}

/// Signs a transaction with the next nonce.
async fn sign(chain: &Chain, tx: &Tx, limits: Limits) -> Result<SignedTx, SubmitError> {
    let nonce = chain.next_nonce().await?;
    Ok(chain.sign(tx, limits, nonce).await?)
}

/// Whether a transaction that would return this does anything.
pub type Useful = fn(&[u8]) -> bool;

enum Request {
    /// Look for the open transaction.
    Look(oneshot::Sender<Result<Option<Purpose>, SubmitError>>),
    /// Send this one.
    Send {
        purpose: Purpose,
        tx: Tx,
        useful: Useful,
        answer: oneshot::Sender<Result<Option<Submitted>, SubmitError>>,
    },
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
            looking: None,
        };
        tokio::spawn(task.run(queue));
        Self { requests }
    }

    /// Looks once for a transaction that is open; gives what it is about if it still is.
    /// After `None` the chain's finalized state has what every transaction did.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn look(&self) -> Result<Option<Purpose>, SubmitError> {
        self.ask(Request::Look).await
    }

    /// Submits a transaction and waits until it is in a finalized block. Whoever stops
    /// waiting stops nothing.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit(&self, purpose: Purpose, tx: Tx) -> Result<Submitted, SubmitError> {
        let submitted = self.submit_if(purpose, tx, |_| true).await?;
        Ok(submitted.expect("what is always useful is always sent"))
    }

    /// As [`Submitter::submit`]; sends nothing and gives `None` if the dry-run says that
    /// the transaction would do nothing.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit_if(
        &self,
        purpose: Purpose,
        tx: Tx,
        useful: Useful,
    ) -> Result<Option<Submitted>, SubmitError> {
        self.ask(|answer| Request::Send {
            purpose,
            tx,
            useful,
            answer,
        })
        .await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, SubmitError>>) -> Request,
    ) -> Result<T, SubmitError> {
        let (answer, answered) = oneshot::channel();
        self.requests
            .send(request(answer))
            .await
            .map_err(|_| SubmitError::Closed)?;
        answered.await.map_err(|_| SubmitError::Closed)?
    }
}

struct Task {
    chain: Chain,
    journal: Journal,
    patience: Duration,
    looking: Option<Looking>,
}

/// How far the search for an open transaction has come.
struct Looking {
    /// Which one.
    number: i64,
    /// The first block not searched.
    from: u64,
    /// When it was last handed to the pool.
    sent: Option<Instant>,
    /// Why it could not be looked for, as was told last.
    told: Option<ChainError>,
}

impl Looking {
    fn new(open: &Submission) -> Self {
        Self {
            number: open.number,
            from: open.tx.anchor + 1,
            sent: None,
            told: None,
        }
    }
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
    async fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        // Also without a request: whoever reads the journal wants to know.
        if let Err(error) = self.resolve(Duration::ZERO).await {
            tracing::warn!(%error, "a transaction of an earlier run is not resolved yet");
        }
        while let Some(request) = queue.recv().await {
            // Whoever asked may have stopped waiting for the answer.
            match request {
                Request::Look(answer) => {
                    let _ = answer.send(self.look().await);
                }
                Request::Send {
                    purpose,
                    tx,
                    useful,
                    answer,
                } => {
                    let _ = answer.send(self.submit(purpose, tx, useful).await);
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Option<Purpose>, SubmitError> {
        match self.resolve(Duration::ZERO).await {
            Ok(_) => Ok(None),
            Err(SubmitError::Unresolved { purpose }) => Ok(Some(purpose)),
            Err(error) => Err(error),
        }
    }

    /// Finds out what became of an open transaction, if there is one: what it was about
    /// and how it ended.
    async fn resolve(&mut self, patience: Duration) -> Result<Option<(Purpose, End)>, SubmitError> {
        let Some(open) = self.journal.open_submission().await? else {
            return Ok(None);
        };
        tracing::info!(purpose = %open.purpose, nonce = open.tx.nonce, "looking for an open transaction");
        let end = self.follow(&open, patience).await?;
        Ok(Some((open.purpose, end)))
    }

    async fn submit(
        &mut self,
        purpose: Purpose,
        tx: Tx,
        useful: Useful,
    ) -> Result<Option<Submitted>, SubmitError> {
        match self.resolve(self.patience).await? {
            None => {}
            Some((before, End::Included(outcome))) if before == purpose => {
                return Ok(Some(Submitted {
                    outcome,
                    output: Vec::new(),
                }))
            }
            Some((purpose, _)) => return Err(SubmitError::Outdated { purpose }),
        }
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let (limits, output) = estimate(&self.chain, &tx).await?;
            if !useful(&output) {
                return Ok(None);
            }
            let signed = sign(&self.chain, &tx, limits).await?;
            let recorded = self
                .journal
                .record_submission(purpose.clone(), signed)
                .await?;
            steps::reached_by(steps::SUBMISSION_RECORDED, &purpose.kind).await;
            match self.first_send(&recorded).await? {
                End::Included(outcome) => return Ok(Some(Submitted { outcome, output })),
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

    async fn first_send(&mut self, recorded: &Submission) -> Result<End, SubmitError> {
        self.looking = Some(Looking {
            sent: Some(Instant::now()),
            ..Looking::new(recorded)
        });
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
        steps::reached_by(steps::SUBMISSION_SENT, &recorded.purpose.kind).await;
        self.follow(recorded, self.patience).await
    }

    /// Looks for a transaction until its end is known, handing the same bytes to the
    /// pool again from time to time, and closes its row. It looks once at least.
    async fn follow(&mut self, open: &Submission, patience: Duration) -> Result<End, SubmitError> {
        let started = Instant::now();
        let known = self.looking.take();
        let mut looking = known
            .filter(|known| known.number == open.number)
            .unwrap_or_else(|| Looking::new(open));
        let end = self.search(open, &mut looking, started, patience).await;
        self.looking = Some(looking);
        end
    }

    async fn search(
        &self,
        open: &Submission,
        looking: &mut Looking,
        started: Instant,
        patience: Duration,
    ) -> Result<End, SubmitError> {
        loop {
            match self.chain.find(&open.tx, looking.from).await.map(reconcile) {
                Ok(Decision::Close(end)) => {
                    steps::reached_by(steps::SUBMISSION_FOUND, &open.purpose.kind).await;
                    self.journal
                        .close_submission(open.number, end.clone())
                        .await?;
                    return Ok(end);
                }
                Ok(Decision::Resend { next }) => {
                    looking.from = next;
                    if looking.sent.is_none_or(|at| at.elapsed() >= RESEND_EVERY) {
                        looking.sent = Some(Instant::now());
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
                    if looking.told.as_ref() != Some(&error) {
                        tracing::warn!(%error, purpose = %open.purpose, "cannot look for it now");
                        looking.told = Some(error);
                    }
                }
                Err(error) => return Err(error.into()),
            }
            if started.elapsed() >= patience {
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
    use crate::journal::tests::open;
    use crate::pipeline::fake::Fake;
    use plimsoll_interface::{calls, Claimed};

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

    fn claim(operators: &[u32]) -> Tx {
        Tx::Call {
            to: crate::chain::H160::zero(),
            value: 0,
            data: calls::claim_many(operators),
        }
    }

    /// A journal in which a transaction is open that is in a block already.
    async fn left_open(folder: &tempfile::TempDir, fake: &Fake) -> (Journal, Purpose) {
        let journal = open(folder).await;
        let purpose = Purpose::new("claim_many", "0/1..1 (1)");
        let chain = fake.chain();
        let limits = Limits::default();
        let signed = chain.sign(&claim(&[1]), limits, 0).await.expect("signs");
        journal
            .record_submission(purpose.clone(), signed.clone())
            .await
            .expect("nothing is open");
        chain.send(&signed).await.expect("taken");
        (journal, purpose)
    }

    #[tokio::test]
    async fn after_an_open_transaction_what_was_worked_out_before_its_end_is_not_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let fake = Fake::new();
        let (journal, _) = left_open(&folder, &fake).await;
        // Not through the task's queue, which looks for it first.
        let mut task = Task {
            chain: fake.chain(),
            journal: journal.clone(),
            patience: Duration::from_secs(1),
            looking: None,
        };
        let other = Purpose::new("claim_many", "0/2..2 (1)");
        let error = task
            .submit(other.clone(), claim(&[2]), |_| true)
            .await
            .expect_err("worked out before");
        assert!(matches!(error, SubmitError::Outdated { .. }), "{error}");
        assert_eq!(journal.open_submission().await.expect("readable"), None);
        assert_eq!(fake.contract().included.len(), 1);
        let sent = task.submit(other, claim(&[2]), |_| true).await;
        assert!(sent.expect("nothing is open").is_some());
        assert_eq!(fake.contract().included.len(), 2);
    }

    #[tokio::test]
    async fn the_same_transaction_is_not_sent_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let fake = Fake::new();
        let (journal, purpose) = left_open(&folder, &fake).await;
        let mut task = Task {
            chain: fake.chain(),
            journal,
            patience: Duration::from_secs(1),
            looking: None,
        };
        let again = task.submit(purpose, claim(&[1]), |_| true).await;
        let again = again.expect("it is in a block").expect("it did something");
        assert_eq!((again.outcome.block, again.output.len()), (2, 0));
        assert_eq!(fake.contract().included.len(), 1);
    }

    #[tokio::test]
    async fn what_would_do_nothing_is_not_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        let fake = Fake::new();
        let submitter = Submitter::start(fake.chain(), open(&folder).await);
        let useful = |output: &[u8]| calls::answer::<Claimed>(output).is_ok_and(|c| c.paid > 0);
        let purpose = || Purpose::new("claim_many", "0/1..1 (1)");
        let sent = submitter.submit_if(purpose(), claim(&[1]), useful).await;
        assert_eq!(sent.expect("a dry-run"), None);
        assert!(fake.contract().included.is_empty());
        fake.contract().claimable.insert(1, 5);
        let sent = submitter.submit_if(purpose(), claim(&[1]), useful).await;
        assert!(sent.expect("sent").is_some());
        assert_eq!(fake.contract().included, ["claim_many"]);
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
