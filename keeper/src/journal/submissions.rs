//! Transactions in the journal: recorded with their bytes before they are sent, open
//! until they are in a finalized block or never can be.
//!
//! ```text
//! recorded -> sent -> included | failed | dead
//! ```
//!
//! At most one is open at a time, so the account's nonces never run ahead of the chain.

use super::{Journal, JournalError};
use crate::chain::{Outcome, SignedTx};
use plimsoll_mechanism::Hash;
use rusqlite::{params, OptionalExtension as _, Row, Transaction};

/// Of how many of the newest transactions the bytes are kept once their end is known. They
/// are only looked at, and a batch's are 126 kB.
pub const BYTES_KEPT: i64 = 256;

/// What a transaction is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The message: `attest`, `settle`, `raise`, `book`, `claim_many`.
    pub kind: String,
    /// What it is about, for example epoch, lane and sequence number of a batch.
    pub key: String,
}

impl Purpose {
    /// A purpose.
    #[must_use]
    pub fn new(kind: &str, key: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            key: key.into(),
        }
    }
}

impl std::fmt::Display for Purpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.key)
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It is in a finalized block and did what it was meant to.
    Included(Outcome),
    /// It is in a finalized block and failed there; its fee is paid.
    Failed(Outcome),
    /// It never will be in a block, for this reason.
    Dead(String),
}

impl End {
    fn state(&self) -> &'static str {
        match self {
            Self::Included(_) => "included",
            Self::Failed(_) => "failed",
            Self::Dead(_) => "dead",
        }
    }
}

/// A recorded transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Its number in the journal.
    pub number: i64,
    /// What it is about.
    pub purpose: Purpose,
    /// What is sent.
    pub tx: SignedTx,
}

impl Journal {
    /// Records a signed transaction. When this returns it is on disk, and may be sent.
    ///
    /// # Errors
    /// [`JournalError::Rule`] if another is open; else SQLite's.
    pub async fn record_submission(
        &self,
        purpose: Purpose,
        tx: SignedTx,
    ) -> Result<Submission, JournalError> {
        self.with(move |t| {
            if let Some(open) = open(t)? {
                return Err(JournalError::Rule(format!(
                    "transaction {} ({}) is still open",
                    open.number, open.purpose
                )));
            }
            t.execute(
                "INSERT INTO submissions
                 (kind, key, nonce, hash, bytes, anchor, valid_until_block, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'recorded')",
                params![
                    purpose.kind,
                    purpose.key,
                    int(tx.nonce),
                    tx.hash,
                    tx.bytes,
                    int(tx.anchor),
                    int(tx.last_block),
                ],
            )?;
            Ok(Submission {
                number: t.last_insert_rowid(),
                purpose,
                tx,
            })
        })
        .await
    }

    /// Notes that a node has taken it.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn mark_sent(&self, number: i64) -> Result<(), JournalError> {
        self.with(move |t| {
            t.execute(
                "UPDATE submissions SET state = 'sent' WHERE number = ?1 AND state = 'recorded'",
                [number],
            )?;
            Ok(())
        })
        .await
    }

    /// Closes it. Closing twice with the same end changes nothing.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn close_submission(&self, number: i64, end: End) -> Result<(), JournalError> {
        self.with(move |t| {
            let (block, fee, text) = match &end {
                End::Included(outcome) => (Some(outcome), Some(outcome.fee), "success".to_owned()),
                End::Failed(outcome) => {
                    let why = match &outcome.result {
                        Ok(()) => "failed".to_owned(),
                        Err(failure) => failure.to_string(),
                    };
                    (Some(outcome), Some(outcome.fee), why)
                }
                End::Dead(why) => (None, None, why.clone()),
            };
            t.execute(
                "UPDATE submissions SET state = ?2, block = ?3, fee = ?4, outcome = ?5
                 WHERE number = ?1 AND state IN ('recorded', 'sent')",
                params![
                    number,
                    end.state(),
                    block.map(|outcome| int(outcome.block)),
                    fee.map(|fee| fee.to_string()),
                    text,
                ],
            )?;
            // Numbers have no gaps, so this meets every row once.
            t.execute(
                "UPDATE submissions SET bytes = x''
                 WHERE number = ?1 - ?2 AND state NOT IN ('recorded', 'sent')",
                [number, BYTES_KEPT],
            )?;
            Ok(())
        })
        .await
    }

    /// The open transaction, if there is one.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn open_submission(&self) -> Result<Option<Submission>, JournalError> {
        self.with(open).await
    }

    /// Whether a transaction for this purpose has succeeded in a finalized block.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn has_succeeded(&self, purpose: Purpose) -> Result<bool, JournalError> {
        self.with(move |t| {
            Ok(t.query_row(
                "SELECT 1 FROM submissions WHERE kind = ?1 AND key = ?2 AND state = 'included'",
                [purpose.kind, purpose.key],
                |_| Ok(()),
            )
            .optional()?
            .is_some())
        })
        .await
    }
}

fn open(t: &Transaction<'_>) -> Result<Option<Submission>, JournalError> {
    Ok(t.query_row(
        "SELECT number, kind, key, nonce, hash, bytes, anchor, valid_until_block FROM submissions
         WHERE state IN ('recorded', 'sent') ORDER BY number LIMIT 1",
        [],
        read,
    )
    .optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Submission> {
    Ok(Submission {
        number: row.get(0)?,
        purpose: Purpose {
            kind: row.get(1)?,
            key: row.get(2)?,
        },
        tx: SignedTx {
            nonce: uint(row.get(3)?),
            hash: row.get::<_, Hash>(4)?,
            bytes: row.get(5)?,
            anchor: uint(row.get(6)?),
            last_block: uint(row.get(7)?),
        },
    })
}

/// Nonces and block numbers as SQLite keeps integers: bit for bit.
fn int(number: u64) -> i64 {
    number as i64
}

fn uint(number: i64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::super::tests::open as open_journal;
    use super::*;
    use crate::chain::Failure;

    fn tx(nonce: u64) -> SignedTx {
        SignedTx {
            hash: [nonce as u8; 32],
            bytes: vec![1, 2, 3],
            nonce,
            anchor: 10,
            last_block: 74,
        }
    }

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

    #[tokio::test]
    async fn what_is_recorded_is_read_back_to_the_byte_and_only_one_is_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open_journal(&folder).await;
        let purpose = Purpose::new("settle", "3");
        let recorded = journal
            .record_submission(purpose.clone(), tx(4))
            .await
            .expect("nothing is open");
        assert_eq!(recorded.tx, tx(4));
        assert!(matches!(
            journal.record_submission(purpose.clone(), tx(5)).await,
            Err(JournalError::Rule(_))
        ));
        drop(journal);

        let journal = open_journal(&folder).await;
        assert_eq!(
            journal.open_submission().await.expect("readable"),
            Some(recorded.clone())
        );
        journal.mark_sent(recorded.number).await.expect("writable");
        assert_eq!(
            journal.open_submission().await.expect("readable"),
            Some(recorded.clone())
        );
        journal
            .close_submission(recorded.number, End::Included(outcome(Ok(()))))
            .await
            .expect("writable");
        assert_eq!(journal.open_submission().await.expect("readable"), None);
        assert!(journal.has_succeeded(purpose).await.expect("readable"));
    }

    #[tokio::test]
    async fn bytes_are_dropped_long_after_the_end_is_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open_journal(&folder).await;
        for nonce in 0..BYTES_KEPT as u64 + 2 {
            let recorded = journal
                .record_submission(Purpose::new("settle", "1"), tx(nonce))
                .await
                .expect("nothing is open");
            journal
                .close_submission(recorded.number, End::Included(outcome(Ok(()))))
                .await
                .expect("writable");
        }
        let lengths: Vec<u64> = journal
            .with(|t| {
                let mut rows =
                    t.prepare("SELECT length(bytes) FROM submissions ORDER BY number")?;
                let rows = rows.query_map([], |row| row.get(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
            .expect("readable");
        assert_eq!(lengths[..3], [0, 0, 3]);
        assert!(lengths[2..].iter().all(|length| *length == 3));
    }

    #[tokio::test]
    async fn what_failed_or_died_has_not_succeeded() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open_journal(&folder).await;
        let purpose = Purpose::new("attest", "1/0/0");
        let failed = End::Failed(outcome(Err(Failure::Reverted(vec![]))));
        for (nonce, end) in [(0, failed), (1, End::Dead("era over".into()))] {
            let recorded = journal
                .record_submission(purpose.clone(), tx(nonce))
                .await
                .expect("nothing is open");
            journal
                .close_submission(recorded.number, end)
                .await
                .expect("writable");
        }
        assert!(!journal.has_succeeded(purpose).await.expect("readable"));
    }
}
