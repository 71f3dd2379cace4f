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

/// The most characters of a refused text that are kept to look at.
const MAX_BODY: usize = 4_096;

/// The most texts that are kept of one reason, of those that were never taken in: a
/// gateway with a wrong key must not fill the disk. The oldest goes first, and is counted
/// all the same.
pub const MAX_REFUSED: u64 = 10_000;

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
    /// It comes to no work unit and no fee unit, not even with the rest of its epoch.
    Worthless,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Unreadable,
        Self::Impossible,
        Self::DuplicateId,
        Self::Unsigned,
        Self::UnknownSigner,
        Self::UnknownOperator,
        Self::WrongTime,
        Self::Refused,
        Self::Worthless,
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
            Self::Worthless => "worthless",
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
    /// Quarantined, by reason; also those whose text is not kept any more.
    pub quarantined: BTreeMap<String, u64>,
}

/// By whose clocks a receipt is in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Future {
    /// This machine's time, in ms since 1970.
    pub machine: u64,
    /// How far clocks may be apart, in ms.
    pub max_ahead: u64,
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
            let from = match receipts.is_empty() {
                true => None,
                false => Some(source_number(t, &source)?),
            };
            for (line, receipt) in &receipts {
                match add_one(t, receipt, lanes, (from, *line))? {
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

    /// Quarantines waiting receipts that the chain's state rules out. Gives how many.
    ///
    /// * From before genesis.
    /// * More than `future.max_ahead` ahead of the chain's clock *and* of this machine's: a
    ///   chain that stands makes no receipt wrong.
    /// * Of operators that are not registered (`operators` is how many are), once the
    ///   chain's clock is past the receipt's completion by as much: until then the block
    ///   that registers the operator may not be final.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn screen(
        &self,
        time: ChainTime,
        operators: u32,
        future: Future,
    ) -> Result<u64, JournalError> {
        self.with(move |t| {
            let newest = time.now.max(future.machine);
            let latest = bounded(newest.saturating_add(future.max_ahead));
            let registered = bounded(time.now.saturating_sub(future.max_ahead));
            let mut poison = t.prepare_cached(
                "SELECT id, operator, completed_at FROM receipts WHERE state = 'pending'
                 AND (completed_at < ?2 OR completed_at > ?3 OR (operator >= ?1 AND completed_at <= ?4))
                 ORDER BY id",
            )?;
            let genesis = bounded(time.times.genesis);
            let rows = poison
                .query_map(params![operators, genesis, latest, registered], |row| {
                    Ok((row.get::<_, Hash>(0)?, row.get::<_, u32>(1)?, row.get::<_, u64>(2)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            for (id, operator, at) in &rows {
                let in_time = (genesis..=latest).contains(at);
                let (code, reason) = if in_time {
                    let reason = format!("operator {operator}, where {operators} are registered");
                    (Reason::UnknownOperator, reason)
                } else {
                    let reason = format!(
                        "completed at {at} ms, where the epochs began at {genesis} ms, the chain's time is {} ms and this machine's {} ms",
                        time.now, future.machine
                    );
                    (Reason::WrongTime, reason)
                };
                eject(t, id, code, &reason)?;
            }
            Ok(rows.len() as u64)
        })
        .await
    }

    /// For each epoch that takes work and each lane: how many receipts of the first
    /// `operators` operators wait, and when the first of them was completed (ms).
    ///
    /// # Errors
    /// SQLite's.
    pub async fn waiting(
        &self,
        time: ChainTime,
        operators: u32,
    ) -> Result<BTreeMap<(Epoch, u32), (u64, u64)>, JournalError> {
        self.with(move |t| {
            let mut query = t.prepare_cached(
                "SELECT lane, completed_at FROM receipts
                 WHERE state = 'pending' AND completed_at <= ?1 AND operator < ?2",
            )?;
            let mut rows = query.query(params![bounded(time.now), operators])?;
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
                t.prepare_cached("SELECT kind, name, count FROM counts WHERE count > 0")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let (kind, name, count): (String, String, u64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                match (kind.as_str(), name.as_str()) {
                    ("receipt", "pending") => counts.pending = count,
                    ("receipt", "batched") => counts.batched = count,
                    ("receipt", "counted") => counts.counted = count,
                    ("receipt", "late") => counts.late = count,
                    ("refused" | "ejected" | "dropped", _) => {
                        *counts.quarantined.entry(name).or_default() += count;
                    }
                    _ => {}
                }
            }
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

/// A time as SQLite can have it.
pub(super) fn bounded(ms: u64) -> u64 {
    ms.min(i64::MAX as u64)
}

/// Where a receipt completed at `at` is counted, if that epoch takes work now.
pub(super) fn open_target(time: &ChainTime, at: u64) -> Option<Target> {
    time.target(at)
        .filter(|target| time.clock().takes_work(target.epoch))
}

enum Insert {
    New,
    Known,
    Conflict,
}

fn source_number(t: &Transaction<'_>, name: &str) -> Result<i64, JournalError> {
    t.prepare_cached("INSERT INTO sources (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?
        .execute([name])?;
    Ok(
        t.prepare_cached("SELECT number FROM sources WHERE name = ?1")?
            .query_row([name], |row| row.get(0))?,
    )
}

/// Takes one in that came from a source and line.
fn add_one(
    t: &Transaction<'_>,
    receipt: &Receipt,
    lanes: u32,
    (source, line): (Option<i64>, Option<u64>),
) -> Result<Insert, JournalError> {
    let body = to_json(receipt)?;
    let inserted = t
        .prepare_cached(
            "INSERT INTO receipts (id, lane, operator, completed_at, body, state, source, line)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            receipt.id,
            lane_of(&receipt.id, lanes),
            receipt.operator,
            receipt.completed_at,
            body,
            source,
            line
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
    type Ejected = (String, Option<i64>, Option<u64>);
    let ejected: Option<Ejected> = t
        .prepare_cached(
            "DELETE FROM receipts WHERE id = ?1 AND state = 'pending' RETURNING body, source, line",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((body, source, line)) = ejected else {
        return Ok(());
    };
    let source: Option<String> = t
        .prepare_cached("SELECT name FROM sources WHERE number = ?1")?
        .query_row([source], |row| row.get(0))
        .optional()?;
    // It is the only copy of what was taken in: whole, and for good.
    t.prepare_cached(
        "INSERT INTO quarantine (id, source, line, code, reason, body, taken_in)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1) ON CONFLICT (code, body) DO NOTHING",
    )?
    .execute(params![
        id,
        source.as_deref().unwrap_or("journal"),
        line,
        code.name(),
        reason,
        body
    ])?;
    Ok(())
}

/// Quarantines what was never taken in.
fn quarantine(t: &Transaction<'_>, source: &str, refusal: &Refusal) -> Result<(), JournalError> {
    let body: String = refusal.body.chars().take(MAX_BODY).collect();
    let code = refusal.code.name();
    let added = t
        .prepare_cached(
            "INSERT INTO quarantine (id, source, line, code, reason, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (code, body) DO NOTHING",
        )?
        .execute(params![
            refusal.id,
            source,
            refusal.line,
            code,
            refusal.reason,
            body
        ])?;
    let kept: u64 = t
        .prepare_cached("SELECT count FROM counts WHERE kind = 'refused' AND name = ?1")?
        .query_row([code], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    if added == 1 && kept > MAX_REFUSED {
        t.prepare_cached(
            "DELETE FROM quarantine WHERE number =
             (SELECT min(number) FROM quarantine WHERE code = ?1 AND taken_in = 0)",
        )?
        .execute([code])?;
        t.prepare_cached(
            "INSERT INTO counts (kind, name, count) VALUES ('dropped', ?1, 1)
             ON CONFLICT (kind, name) DO UPDATE SET count = count + 1",
        )?
        .execute([code])?;
    }
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
        assert_eq!(screened(&journal, 1_100, 7).await, 3);
        assert_eq!(screened(&journal, 1_100, 7).await, 0);
        let counts = journal.counts().await.expect("readable");
        assert_eq!(counts.pending, 1);
        assert_eq!(counts.quarantined["wrong_time"], 2);
        assert_eq!(counts.quarantined["unknown_operator"], 1);
        let shown = journal.quarantined(10).await.expect("readable");
        assert!(shown
            .iter()
            .any(|q| q.reason.contains("operator 7, where 7 are registered")));
        assert!(
            shown
                .iter()
                .all(|q| (q.source.as_str(), q.line) == ("file", Some(1))),
            "{shown:?}"
        );

        journal
            .add("again".into(), lines(vec![unknown]), vec![])
            .await
            .expect("writable");
        assert_eq!(screened(&journal, 1_100, 8).await, 0);
        let counts = journal.counts().await.expect("readable");
        assert_eq!(counts.pending, 2);
        assert!(!counts.quarantined.contains_key("unknown_operator"));
    }

    /// Screens with clocks that may be 10 ms apart and agree.
    async fn screened(journal: &Journal, now: u64, operators: u32) -> u64 {
        let future = Future {
            machine: now,
            max_ahead: 10,
        };
        journal
            .screen(at(now), operators, future)
            .await
            .expect("writable")
    }

    #[tokio::test]
    async fn a_chain_that_stands_or_lags_makes_no_receipt_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let mut new = receipt(0, 1, 7);
        new.completed_at = 1_140;
        let mut far = receipt(0, 2, 3);
        far.completed_at = 1_211;
        journal
            .add("file".into(), lines(vec![new, far]), vec![])
            .await
            .expect("writable");
        // The chain stands at 1,100, and the block that registers operator 7 is not final.
        for (machine, ejected) in [(1_201, 0), (1_200, 1)] {
            let future = Future {
                machine,
                max_ahead: 10,
            };
            let screened = journal.screen(at(1_100), 7, future).await;
            assert_eq!(screened.expect("writable"), ejected, "{machine}");
            let waiting = journal.waiting(at(1_100), 7).await.expect("readable");
            assert!(waiting.is_empty(), "{waiting:?}");
        }
        let counts = journal.counts().await.expect("readable");
        assert_eq!(
            counts.quarantined,
            BTreeMap::from([("wrong_time".into(), 1)])
        );
        // It goes on: the operator is there, or is not when it must be.
        let waiting = journal.waiting(at(1_145), 8).await.expect("readable");
        assert_eq!(waiting, BTreeMap::from([((1, 0), (1, 1_140))]));
        assert!(journal
            .waiting(at(1_145), 7)
            .await
            .expect("readable")
            .is_empty());
        assert_eq!(screened(&journal, 1_149, 7).await, 0);
        assert_eq!(screened(&journal, 1_150, 7).await, 1);
    }

    #[tokio::test]
    async fn of_what_was_never_taken_in_only_the_newest_are_kept_and_all_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let refusal = |number: u64| Refusal {
            id: None,
            line: Some(number),
            code: Reason::Unreadable,
            reason: "no receipt".into(),
            body: format!("line {number}"),
        };
        let ejected = receipt(0, 1, 7);
        journal
            .add("file".into(), lines(vec![ejected.clone()]), vec![])
            .await
            .expect("writable");
        assert_eq!(screened(&journal, 1_100, 7).await, 1);
        let refusals = (0..MAX_REFUSED + 2).map(refusal).collect();
        journal
            .add("file".into(), vec![], refusals)
            .await
            .expect("writable");
        let counts = journal.counts().await.expect("readable");
        assert_eq!(counts.quarantined["unreadable"], MAX_REFUSED + 2);
        let shown = journal.quarantined(u32::MAX).await.expect("readable");
        assert_eq!(shown.len() as u64, MAX_REFUSED + 1);
        let lines: Vec<_> = shown.iter().filter_map(|q| q.line).collect();
        assert_eq!(lines.first(), Some(&(MAX_REFUSED + 1)), "the newest first");
        assert!(!lines.contains(&0), "the oldest is gone");
        let state = journal.state_of(ejected.id).await.expect("readable");
        assert_eq!(state.as_deref(), Some("quarantined"));
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
        let waiting = journal.waiting(at(1_110), 100).await.expect("readable");
        assert_eq!(
            waiting,
            BTreeMap::from([((0, 0), (1, 1_010)), ((0, 1), (1, 1_090))])
        );
        // Epoch 0 is closed: its receipts are carried into epoch 1.
        let waiting = journal.waiting(at(1_160), 100).await.expect("readable");
        assert_eq!(
            waiting,
            BTreeMap::from([((1, 0), (2, 1_010)), ((1, 1), (1, 1_090))])
        );
    }
}
