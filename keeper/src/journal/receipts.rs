//! Receipts in the journal: taken in once, waiting, batched, counted; or quarantined.

use super::{Journal, JournalError};
use crate::clock::{ChainTime, Target};
use crate::hexes;
use crate::receipt::Receipt;
use plimsoll_mechanism::batch::lane_of;
use plimsoll_mechanism::{Epoch, Hash};
use rusqlite::{params, OptionalExtension as _, Transaction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most bytes of a refused text that are kept to look at.
const MAX_BODY: usize = 4_096;

/// Why a receipt cannot be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The text is no receipt.
    Unreadable,
    /// Numbers that cannot be.
    Impossible,
    /// Another receipt with this id was taken in, with other content.
    DuplicateId,
    /// No signature where one is needed.
    Unsigned,
    /// A signature of somebody who is not known to sign receipts, or of nobody: any
    /// change to a receipt changes whose signature it seems to be.
    UnknownSigner,
    /// No such operator is registered.
    UnknownOperator,
    /// Completed before genesis, or in the future.
    WrongTime,
    /// Attesters or the contract refused it.
    Refused,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::Unreadable,
        Self::Impossible,
        Self::DuplicateId,
        Self::Unsigned,
        Self::UnknownSigner,
        Self::UnknownOperator,
        Self::WrongTime,
        Self::Refused,
    ];

    /// Its name, as it is stored and shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Impossible => "impossible",
            Self::DuplicateId => "duplicate_id",
            Self::Unsigned => "unsigned",
            Self::UnknownSigner => "unknown_signer",
            Self::UnknownOperator => "unknown_operator",
            Self::WrongTime => "wrong_time",
            Self::Refused => "refused",
        }
    }
}

/// A text or receipt that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The receipt's id, if it could be read.
    pub id: Option<Hash>,
    /// The line it came from, if it came from a file.
    pub line: Option<u64>,
    /// Why, in short.
    pub code: Reason,
    /// Why, in words.
    pub reason: String,
    /// The text as it came.
    pub body: String,
}

/// What is in quarantine, as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The receipt's id, if it could be read.
    pub id: Option<String>,
    /// Where it came from.
    pub source: String,
    /// The line there.
    pub line: Option<u64>,
    /// Why, in short.
    pub code: String,
    /// Why, in words.
    pub reason: String,
}

/// What became of a file's receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Taken in.
    pub added: u64,
    /// There already, to the letter: a file that was read twice.
    pub known: u64,
    /// Quarantined.
    pub quarantined: u64,
}

/// How many receipts are where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Waiting for a batch.
    pub pending: u64,
    /// In a batch that the contract does not have yet.
    pub batched: u64,
    /// Counted by the contract.
    pub counted: u64,
    /// Of all these, carried into a later epoch than their own.
    pub late: u64,
    /// In quarantine, by reason.
    pub quarantined: BTreeMap<String, u64>,
}

impl Journal {
    /// Takes receipts in and quarantines what is refused, all in one transaction.
    /// `source` says where they came from. A receipt that is known to the letter is
    /// passed over; one with a known id and other content is quarantined.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn add(
        &self,
        source: String,
        receipts: Vec<(Option<u64>, Receipt)>,
        refusals: Vec<Refusal>,
    ) -> Result<Added, JournalError> {
        let lanes = self.identity().lanes;
        self.with(move |t| {
            let mut added = Added::default();
            for (line, receipt) in &receipts {
                match add_one(t, receipt, lanes)? {
                    Insert::New => added.added += 1,
                    Insert::Known => added.known += 1,
                    Insert::Conflict => {
                        let refusal = Refusal {
                            id: Some(receipt.id),
                            line: *line,
                            code: Reason::DuplicateId,
                            reason:
                                "another receipt with this id and other content was taken in before"
                                    .into(),
                            body: to_json(receipt)?,
                        };
                        quarantine(t, &source, &refusal)?;
                        added.quarantined += 1;
                    }
                }
            }
            for refusal in &refusals {
                quarantine(t, &source, refusal)?;
                added.quarantined += 1;
            }
            Ok(added)
        })
        .await
    }

    /// Quarantines waiting receipts that the chain's state rules out: of operators that
    /// are not registered (`operators` is how many are), from before genesis, or from
    /// more than `max_ahead` ms in the future. Gives how many.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn screen(
        &self,
        time: ChainTime,
        operators: u32,
        max_ahead: u64,
    ) -> Result<u64, JournalError> {
        self.with(move |t| {
            let latest = time.now.saturating_add(max_ahead).min(i64::MAX as u64);
            let mut poison = t.prepare_cached(
                "SELECT id, operator, completed_at FROM receipts WHERE state = 'pending'
                 AND (operator >= ?1 OR completed_at < ?2 OR completed_at > ?3) ORDER BY id",
            )?;
            let genesis = time.times.genesis.min(i64::MAX as u64);
            let rows = poison
                .query_map(params![operators, genesis, latest], |row| {
                    Ok((row.get::<_, Hash>(0)?, row.get::<_, u32>(1)?, row.get::<_, u64>(2)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            for (id, operator, at) in &rows {
                let (code, reason) = if *operator >= operators {
                    let reason = format!("operator {operator}, where {operators} are registered");
                    (Reason::UnknownOperator, reason)
                } else {
                    let reason = format!(
                        "completed at {at} ms, where the epochs began at {genesis} ms and the chain's time is {} ms",
                        time.now
                    );
                    (Reason::WrongTime, reason)
                };
                eject(t, id, code, &reason)?;
            }
            Ok(rows.len() as u64)
        })
        .await
    }

    /// For each epoch that takes work and each lane: how many receipts wait, and when
    /// the first of them was completed (ms).
    ///
    /// # Errors
    /// SQLite's.
    pub async fn waiting(
        &self,
        time: ChainTime,
    ) -> Result<BTreeMap<(Epoch, u32), (u64, u64)>, JournalError> {
        self.with(move |t| {
            let mut query = t.prepare_cached(
                "SELECT lane, completed_at FROM receipts WHERE state = 'pending' AND completed_at <= ?1",
            )?;
            let mut rows = query.query([time.now.min(i64::MAX as u64)])?;
            let mut waiting = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (lane, at): (u32, u64) = (row.get(0)?, row.get(1)?);
                if let Some(Target { epoch, .. }) = open_target(&time, at) {
                    let (count, first) = waiting.entry((epoch, lane)).or_insert((0, at));
                    *count += 1;
                    *first = at.min(*first);
                }
            }
            Ok(waiting)
        })
        .await
    }

    /// How many receipts are where.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn counts(&self) -> Result<Counts, JournalError> {
        self.with(|t| {
            let mut counts = Counts::default();
            let mut query =
                t.prepare_cached("SELECT state, count(*), sum(late) FROM receipts GROUP BY state")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let (state, count, late): (String, u64, u64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                match state.as_str() {
                    "pending" => counts.pending = count,
                    "batched" => counts.batched = count,
                    _ => counts.counted = count,
                }
                counts.late += late;
            }
            let mut query =
                t.prepare_cached("SELECT code, count(*) FROM quarantine GROUP BY code")?;
            counts.quarantined = query
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok(counts)
        })
        .await
    }

    /// The newest `most` quarantined texts, the newest first.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn quarantined(&self, most: u32) -> Result<Vec<Quarantined>, JournalError> {
        self.with(move |t| {
            let mut query = t.prepare_cached(
                "SELECT id, source, line, code, reason FROM quarantine ORDER BY number DESC LIMIT ?1",
            )?;
            let rows = query.query_map([most], |row| {
                Ok(Quarantined {
                    id: row.get::<_, Option<Hash>>(0)?.map(hexes::show),
                    source: row.get(1)?,
                    line: row.get(2)?,
                    code: row.get(3)?,
                    reason: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Where a receipt is: its state (`pending`, `batched`, `counted`), or `quarantined`.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn state_of(&self, id: Hash) -> Result<Option<String>, JournalError> {
        self.with(move |t| {
            let state = t
                .query_row("SELECT state FROM receipts WHERE id = ?1", [id], |row| {
                    row.get(0)
                })
                .optional()?;
            let quarantined = || {
                t.query_row(
                    "SELECT 'quarantined' FROM quarantine WHERE id = ?1",
                    [id],
                    |row| row.get(0),
                )
                .optional()
            };
            Ok(match state {
                Some(state) => Some(state),
                None => quarantined()?,
            })
        })
        .await
    }
}

/// Where a receipt completed at `at` is counted, if that epoch takes work now.
pub(super) fn open_target(time: &ChainTime, at: u64) -> Option<Target> {
    time.target(at)
        .filter(|target| time.clock().takes_work(target.epoch))
}

pub(super) enum Insert {
    New,
    Known,
    Conflict,
}

pub(super) fn add_one(
    t: &Transaction<'_>,
    receipt: &Receipt,
    lanes: u32,
) -> Result<Insert, JournalError> {
    let body = to_json(receipt)?;
    let inserted = t
        .prepare_cached(
            "INSERT INTO receipts (id, lane, operator, completed_at, body, state)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending') ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            receipt.id,
            lane_of(&receipt.id, lanes),
            receipt.operator,
            receipt.completed_at,
            body
        ])?;
    if inserted == 1 {
        // What is taken in after all is out of quarantine.
        t.prepare_cached("DELETE FROM quarantine WHERE id = ?1 AND code <> 'duplicate_id'")?
            .execute([receipt.id])?;
        return Ok(Insert::New);
    }
    let known: String = t
        .prepare_cached("SELECT body FROM receipts WHERE id = ?1")?
        .query_row([receipt.id], |row| row.get(0))?;
    Ok(if known == body {
        Insert::Known
    } else {
        Insert::Conflict
    })
}

/// Moves a receipt from the waiting ones to quarantine.
pub(super) fn eject(
    t: &Transaction<'_>,
    id: &Hash,
    code: Reason,
    reason: &str,
) -> Result<(), JournalError> {
    let body: Option<String> = t
        .query_row(
            "DELETE FROM receipts WHERE id = ?1 AND state = 'pending' RETURNING body",
            [id],
            |row| row.get(0),
        )
        .optional()?;
    let Some(body) = body else {
        return Ok(());
    };
    let refusal = Refusal {
        id: Some(*id),
        line: None,
        code,
        reason: reason.into(),
        body,
    };
    quarantine(t, "journal", &refusal)
}

pub(super) fn quarantine(
    t: &Transaction<'_>,
    source: &str,
    refusal: &Refusal,
) -> Result<(), JournalError> {
    let body: String = refusal.body.chars().take(MAX_BODY).collect();
    t.prepare_cached(
        "INSERT INTO quarantine (id, source, line, code, reason, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (code, body) DO NOTHING",
    )?
    .execute(params![
        refusal.id,
        source,
        refusal.line,
        refusal.code.name(),
        refusal.reason,
        body
    ])?;
    Ok(())
}

pub(crate) fn to_json(receipt: &Receipt) -> Result<String, JournalError> {
    serde_json::to_string(receipt).map_err(|error| JournalError::Rule(error.to_string()))
}

pub(crate) fn from_json(body: &str) -> Result<Receipt, JournalError> {
    serde_json::from_str(body)
        .map_err(|error| JournalError::Corrupt(format!("a receipt ({error})")))
}

#[cfg(test)]
mod tests {
    use super::super::tests::open;
    use super::*;
    use crate::clock::tests::at;
    use crate::receipt::tests::receipt;

    fn lines(receipts: Vec<Receipt>) -> Vec<(Option<u64>, Receipt)> {
        receipts
            .into_iter()
            .map(|receipt| (Some(1), receipt))
            .collect()
    }

    #[tokio::test]
    async fn a_receipt_is_taken_in_once_and_a_forged_twin_is_quarantined() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let job = receipt(0, 1, 3);
        let mut twin = job.clone();
        twin.fee += 1;
        let added = journal
            .add("file".into(), lines(vec![job.clone(), job, twin]), vec![])
            .await
            .expect("writable");
        assert_eq!(
            added,
            Added {
                added: 1,
                known: 1,
                quarantined: 1
            }
        );
        let counts = journal.counts().await.expect("readable");
        assert_eq!(counts.pending, 1);
        assert_eq!(counts.quarantined["duplicate_id"], 1);
    }

    #[tokio::test]
    async fn what_the_chain_rules_out_is_quarantined_and_can_come_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let unknown = receipt(0, 1, 7);
        let mut early = receipt(0, 2, 3);
        early.completed_at = 999;
        let mut ahead = receipt(0, 3, 3);
        ahead.completed_at = 1_111;
        let fine = receipt(0, 4, 3);
        let all = lines(vec![unknown.clone(), early, ahead, fine]);
        journal
            .add("file".into(), all, vec![])
            .await
            .expect("writable");
        assert_eq!(journal.screen(at(1_100), 7, 10).await.expect("writable"), 3);
        assert_eq!(journal.screen(at(1_100), 7, 10).await.expect("writable"), 0);
        let counts = journal.counts().await.expect("readable");
        assert_eq!(counts.pending, 1);
        assert_eq!(counts.quarantined["wrong_time"], 2);
        assert_eq!(counts.quarantined["unknown_operator"], 1);
        let shown = journal.quarantined(10).await.expect("readable");
        assert!(shown
            .iter()
            .any(|q| q.reason.contains("operator 7, where 7 are registered")));

        journal
            .add("again".into(), lines(vec![unknown]), vec![])
            .await
            .expect("writable");
        assert_eq!(journal.screen(at(1_100), 8, 10).await.expect("writable"), 0);
        let counts = journal.counts().await.expect("readable");
        assert_eq!(counts.pending, 2);
        assert!(!counts.quarantined.contains_key("unknown_operator"));
    }

    #[tokio::test]
    async fn receipts_wait_for_the_epoch_they_belong_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let times = [(0, 1_010), (1, 1_090), (0, 1_150), (0, 1_300)];
        let all = times
            .iter()
            .enumerate()
            .map(|(k, (lane, at))| {
                let mut job = receipt(*lane, k as u64, 3);
                job.completed_at = *at;
                job
            })
            .collect();
        journal
            .add("file".into(), lines(all), vec![])
            .await
            .expect("writable");
        // In the attest window of epoch 0.
        let waiting = journal.waiting(at(1_110)).await.expect("readable");
        assert_eq!(
            waiting,
            BTreeMap::from([((0, 0), (1, 1_010)), ((0, 1), (1, 1_090))])
        );
        // Epoch 0 is closed: its receipts are carried into epoch 1.
        let waiting = journal.waiting(at(1_160)).await.expect("readable");
        assert_eq!(
            waiting,
            BTreeMap::from([((1, 0), (2, 1_010)), ((1, 1), (1, 1_090))])
        );
    }
}
