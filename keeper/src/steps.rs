//! The boundaries between the keeper's steps, by name.
//!
//! With `PLIMSOLL_HOLD_AT=<step>` the process says `holding at <step>` on standard
//! error when it gets there and waits for ever, so that a test can kill it at exactly
//! that point. Every kind of transaction passes the boundaries of a submission:
//! `<step>:<kind>` holds at that of one kind only.

use std::sync::OnceLock;

/// The environment variable that names the step to hold at.
pub const HOLD_AT: &str = "PLIMSOLL_HOLD_AT";

/// Every step, in the order in which a receipt meets them.
pub const ALL: &[&str] = &[
    INGEST_READ,
    INGEST_STORED,
    BATCH_BUILT,
    BATCH_OFFERED,
    BATCH_SIGNED,
    SUBMISSION_RECORDED,
    SUBMISSION_SENT,
    SUBMISSION_FOUND,
    BATCH_ACCEPTED,
    EPOCH_SETTLED,
    EPOCH_RAISED,
    EPOCH_BOOKED,
    REWARDS_CLAIMED,
];

/// The boundaries that every transaction passes.
pub const OF_SUBMISSIONS: &[&str] = &[SUBMISSION_RECORDED, SUBMISSION_SENT, SUBMISSION_FOUND];

/// The kinds of transactions that the keeper sends.
pub const KINDS: &[&str] = &["attest", "settle", "raise", "book", "close", "claim_many"];

/// A file of the spool is read, nothing of it is stored.
pub const INGEST_READ: &str = "ingest-read";
/// A file's receipts are stored, the file is still in the spool.
pub const INGEST_STORED: &str = "ingest-stored";
/// A batch is recorded; no attester has seen it.
pub const BATCH_BUILT: &str = "batch-built";
/// It is recorded that attesters may sign the batch; no signature is recorded.
pub const BATCH_OFFERED: &str = "batch-offered";
/// The signatures are recorded, nothing is sent.
pub const BATCH_SIGNED: &str = "batch-signed";
/// A transaction's bytes are recorded, it is not sent.
pub const SUBMISSION_RECORDED: &str = "submission-recorded";
/// A transaction is sent, its outcome is unknown.
pub const SUBMISSION_SENT: &str = "submission-sent";
/// A transaction is in a finalized block, its row is still open.
pub const SUBMISSION_FOUND: &str = "submission-found";
/// The contract has the batch, its receipts are not recorded as counted.
pub const BATCH_ACCEPTED: &str = "batch-accepted";
/// An epoch is settled on the chain.
pub const EPOCH_SETTLED: &str = "epoch-settled";
/// Whoever was eligible is raised.
pub const EPOCH_RAISED: &str = "epoch-raised";
/// Rewards are booked.
pub const EPOCH_BOOKED: &str = "epoch-booked";
/// Rewards are claimed.
pub const REWARDS_CLAIMED: &str = "rewards-claimed";

/// Marks that `step` is reached. Returns at once unless the process is told to hold
/// there.
pub async fn reached(step: &'static str) {
    hold_if(step, |wanted| wanted == step).await;
}

/// Marks that `step` is reached by a transaction of this kind.
pub async fn reached_by(step: &'static str, kind: &str) {
    hold_if(step, |wanted| {
        wanted == step || wanted.split_once(':') == Some((step, kind))
    })
    .await;
}

async fn hold_if(step: &'static str, here: impl FnOnce(&str) -> bool) {
    debug_assert!(ALL.contains(&step), "{step} is not listed");
    static HOLD: OnceLock<Option<String>> = OnceLock::new();
    let hold = HOLD.get_or_init(|| std::env::var(HOLD_AT).ok());
    if let Some(wanted) = hold.as_deref().filter(|wanted| here(wanted)) {
        eprintln!("holding at {wanted}");
        std::future::pending::<()>().await;
    }
}

/// The step named by the environment, if it names one that does not exist.
#[must_use]
pub fn unknown_hold() -> Option<String> {
    std::env::var(HOLD_AT).ok().filter(|step| !exists(step))
}

fn exists(step: &str) -> bool {
    match step.split_once(':') {
        None => ALL.contains(&step),
        Some((step, kind)) => OF_SUBMISSIONS.contains(&step) && KINDS.contains(&kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_at_least_twelve_steps_and_each_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = ALL.iter().collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.len() >= 12);
    }

    #[test]
    fn a_step_may_name_the_kind_of_a_transaction_where_it_passes_one() {
        for step in [
            "batch-built",
            "submission-sent",
            "submission-sent:claim_many",
        ] {
            assert!(exists(step), "{step}");
        }
        for step in [
            "nowhere",
            "batch-built:attest",
            "submission-sent:fund",
            "x:attest",
        ] {
            assert!(!exists(step), "{step}");
        }
    }

    #[tokio::test]
    async fn without_the_variable_nothing_holds() {
        for step in ALL {
            reached(step).await;
            reached_by(step, "attest").await;
        }
    }
}
