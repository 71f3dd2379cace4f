//! The keeper's journal: what was taken in, what was sent, what became of it.
//!
//! The model is a validator's slashing protection: everything is recorded before it
//! leaves, each change is one transaction that is on disk when it returns, one process
//! has the file. Killed at any instant, the keeper finds out from here and from the
//! chain where it stood.
//!
//! ```text
//! receipt:  pending -> batched -> counted          batch:  built -> offered -> signed -> submitted -> accepted
//!              ^          |                                  |         |         |           |
//!              +--- late -+ (the batch died)                 +---------+---------+-----------+--> dead
//! ```

pub mod batches;
pub mod database;
pub mod receipts;
mod schema;
pub mod submissions;
pub(crate) mod totals;

pub use batches::{BatchState, Built, Poison, StoredBatch};
pub use database::{Database, JournalError};
pub use receipts::{Added, Counts, Future, Quarantined, Reason, Refusal, MAX_REFUSED};

use crate::hexes;
use plimsoll_interface::H160;
use plimsoll_mechanism::Hash;
use rusqlite::{OptionalExtension as _, Transaction};
use std::path::Path;

/// Which contract a journal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Hash of the chain's block 0.
    pub genesis: Hash,
    /// The emission contract.
    pub contract: H160,
    /// The contract's number of lanes.
    pub lanes: u32,
}

/// The keeper's journal. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    database: Database,
    identity: Identity,
}

impl Journal {
    /// Opens the journal of a deployment, or makes it.
    ///
    /// # Errors
    /// See [`JournalError`]; also if the file belongs to another deployment.
    pub async fn open(path: &Path, identity: Identity) -> Result<Self, JournalError> {
        let database = Database::open(path, schema::MIGRATIONS)?;
        let file = path.to_owned();
        database
            .with(move |t| {
                let facts = [
                    ("chain genesis", hexes::show(identity.genesis)),
                    ("contract", hexes::show(identity.contract)),
                    ("number of lanes", identity.lanes.to_string()),
                ];
                claim_identity(t, &file, &facts)
            })
            .await?;
        Ok(Self { database, identity })
    }

    /// The deployment it is about.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Runs `work` in one transaction: see [`Database::with`].
    ///
    /// # Errors
    /// Those of `work`, and SQLite's.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        self.database.with(work).await
    }

    /// A fact that some part of the keeper remembers, by its name.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn recall(&self, name: &'static str) -> Result<Option<String>, JournalError> {
        self.with(move |t| get_meta(t, name)).await
    }

    /// Remembers a fact.
    ///
    /// # Errors
    /// SQLite's.
    pub async fn remember(&self, name: &'static str, value: String) -> Result<(), JournalError> {
        self.with(move |t| set_meta(t, name, &value)).await
    }
}

/// Writes what a new journal belongs to, and refuses one that belongs to something else.
pub(crate) fn claim_identity(
    t: &Transaction<'_>,
    path: &Path,
    facts: &[(&'static str, String)],
) -> Result<(), JournalError> {
    for (what, here) in facts {
        match get_meta(t, what)? {
            None => set_meta(t, what, here)?,
            Some(found) if found == *here => {}
            Some(found) => {
                return Err(JournalError::OtherDeployment {
                    path: path.to_owned(),
                    what,
                    found,
                    here: here.clone(),
                })
            }
        }
    }
    Ok(())
}

fn get_meta(t: &Transaction<'_>, key: &str) -> Result<Option<String>, JournalError> {
    Ok(
        t.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?,
    )
}

fn set_meta(t: &Transaction<'_>, key: &str, value: &str) -> Result<(), JournalError> {
    t.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        [key, value],
    )?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const IDENTITY: Identity = Identity {
        genesis: [1; 32],
        contract: H160([2; 20]),
        lanes: 2,
    };

    pub(crate) async fn open(folder: &tempfile::TempDir) -> Journal {
        Journal::open(&folder.path().join("journal"), IDENTITY)
            .await
            .expect("opens")
    }

    #[tokio::test]
    async fn a_journal_of_another_deployment_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(open(&folder).await);
        let other = Identity {
            contract: H160([3; 20]),
            ..IDENTITY
        };
        let error = Journal::open(&folder.path().join("journal"), other)
            .await
            .expect_err("another contract");
        assert!(matches!(
            error,
            JournalError::OtherDeployment {
                what: "contract",
                ..
            }
        ));
        drop(open(&folder).await);
    }

    #[tokio::test]
    async fn what_is_remembered_is_recalled() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        assert_eq!(journal.recall("x").await.expect("readable"), None);
        journal.remember("x", "1".into()).await.expect("writable");
        journal.remember("x", "2".into()).await.expect("writable");
        assert_eq!(
            journal.recall("x").await.expect("readable"),
            Some("2".into())
        );
    }

    #[tokio::test]
    async fn a_journal_of_the_version_before_is_brought_forward_with_what_it_holds() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        let database = Database::open(&path, &schema::MIGRATIONS[..2]).expect("new");
        let rows = "
            INSERT INTO batches (number, epoch, lane, seq, root, receipts, entries, digest, state, built_at)
            VALUES (1, 0, 0, 0, x'00', 1, x'01', x'00', 'accepted', 5),
                (2, 0, 0, 1, x'00', 1, x'01', x'00', 'dead', 5);
            INSERT INTO receipts (id, lane, operator, completed_at, body, state, late, batch)
            VALUES (x'01', 0, 0, 5, '{}', 'pending', 1, NULL), (x'02', 0, 0, 5, '{}', 'counted', 0, 1);
            INSERT INTO quarantine (id, source, line, code, reason, body)
            VALUES (x'03', 'journal', NULL, 'refused', 'no', 'a'), (NULL, 'f', 1, 'unreadable', 'no', 'b');
            WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)
            INSERT INTO submissions (number, kind, key, nonce, hash, bytes, anchor, valid_until_block, state)
            SELECT n, 'settle', '1', n, x'00', x'01', 1, 65, iif(n = 300, 'sent', 'included') FROM n;";
        database
            .with(move |t| Ok(t.execute_batch(rows)?))
            .await
            .expect("of that version");
        drop(database);

        let journal = open(&folder).await;
        let counts = journal.counts().await.expect("readable");
        assert_eq!(
            (counts.pending, counts.batched, counts.counted, counts.late),
            (1, 0, 1, 1)
        );
        let quarantined = [("refused", 1), ("unreadable", 1)];
        let quarantined = quarantined.map(|(code, count)| (code.to_owned(), count));
        assert_eq!(counts.quarantined, quarantined.into());
        let mut batches = journal.batch_counts().await.expect("readable");
        batches.retain(|(_, count)| *count > 0);
        assert_eq!(batches, [("accepted".into(), 1), ("dead".into(), 1)]);
        let kept: (u32, u32, u32) = journal
            .with(|t| {
                let count = |what: &str| -> Result<u32, JournalError> {
                    let sql = format!("SELECT count(*) FROM {what}");
                    Ok(t.query_row(&sql, [], |row| row.get(0))?)
                };
                Ok((
                    count("quarantine WHERE taken_in")?,
                    count("batches WHERE entries <> x''")?,
                    count("submissions WHERE bytes <> x''")?,
                ))
            })
            .await
            .expect("readable");
        assert_eq!(kept, (1, 1, 256));
    }
}
