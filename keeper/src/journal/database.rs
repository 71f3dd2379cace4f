//! One SQLite file, one connection, one thread that owns it.

use std::path::{Path, PathBuf};
use std::sync::{mpsc, Arc};
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

/// Why a journal did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be made or opened.
    #[error("journal {}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("journal {} is in use by another process; stop that one first", .0.display())]
    InUse(PathBuf),
    /// It was written for another contract or chain.
    #[error("journal {} belongs to another deployment: its {what} is {found}, here it is {here}; use a new journal file for a new deployment", .path.display())]
    OtherDeployment {
        /// Which file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the journal has.
        found: String,
        /// What was expected.
        here: String,
    },
    /// It was written by a newer version.
    #[error("journal {} has version {found}, this program knows up to {known}; use a newer program", .path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// SQLite refused.
    #[error("journal: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What was read cannot be what was written.
    #[error("journal: {0} cannot be read back; restore the file from a copy")]
    Corrupt(String),
    /// A change that the journal's rules forbid.
    #[error("journal: {0}")]
    Rule(String),
    /// The journal's thread is gone.
    #[error("the journal is closed")]
    Closed,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A database that one thread owns. Clones share it; dropping the last one waits for
/// what is under way and closes the file.
#[derive(Clone, Debug)]
pub struct Database {
    owner: Arc<Owner>,
    path: PathBuf,
}

#[derive(Debug)]
struct Owner {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Without a sender the thread ends after the last job.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Database {
    /// Opens or makes the file, readable by its owner only, locks it against other
    /// processes, and brings it to the newest of `migrations` (each one a script).
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn open(path: &Path, migrations: &'static [&'static str]) -> Result<Self, JournalError> {
        make_private(path)?;
        let mut connection = Connection::open(path)?;
        prepare(&mut connection, path, migrations)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                for job in queue {
                    job(&mut connection);
                }
            })
            .map_err(|source| JournalError::File {
                path: path.to_owned(),
                source,
            })?;
        Ok(Self {
            owner: Arc::new(Owner {
                jobs: Some(jobs),
                thread: Some(thread),
            }),
            path: path.to_owned(),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` in one transaction: all of it is kept if it succeeds, and nothing
    /// otherwise. When this returns, what was kept is on disk.
    ///
    /// # Errors
    /// Those of `work`, and SQLite's.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = transact(connection, work);
            // Whoever asked may have given up; the change stands all the same.
            let _ = answer.send(result);
        });
        let jobs = self.owner.jobs.as_ref().ok_or(JournalError::Closed)?;
        jobs.send(job).map_err(|_| JournalError::Closed)?;
        answered.await.map_err(|_| JournalError::Closed)?
    }
}

fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn make_private(path: &Path) -> Result<(), JournalError> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = |source| JournalError::File {
        path: path.to_owned(),
        source,
    };
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(file)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(file)
}

fn prepare(
    connection: &mut Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(), JournalError> {
    let locked = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            JournalError::InUse(path.to_owned())
        }
        _ => error.into(),
    };
    connection.busy_timeout(std::time::Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .map_err(locked)?;
    // A commit that the machine's power survives: what is recorded is sent afterwards.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;

    let known = migrations.len() as u32;
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(locked)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for script in &migrations[found as usize..] {
        transaction.execute_batch(script)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &[&str] = &["CREATE TABLE t (x INTEGER PRIMARY KEY) STRICT;"];
    const SECOND: &[&str] = &[FIRST[0], "ALTER TABLE t ADD COLUMN y INTEGER;"];

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    async fn count(database: &Database) -> u32 {
        database
            .with(|t| Ok(t.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?))
            .await
            .expect("readable")
    }

    #[tokio::test]
    async fn a_failed_change_leaves_nothing_behind() {
        let folder = folder();
        let database = Database::open(&folder.path().join("j"), FIRST).expect("new");
        let failed = database
            .with(|t| {
                t.execute("INSERT INTO t (x) VALUES (1)", [])?;
                Err::<(), _>(JournalError::Rule("no".into()))
            })
            .await;
        assert!(failed.is_err());
        assert_eq!(count(&database).await, 0);
    }

    #[tokio::test]
    async fn the_file_is_private_and_locked_against_a_second_user() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder();
        let path = folder.path().join("j");
        let database = Database::open(&path, FIRST).expect("new");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(
            Database::open(&path, FIRST),
            Err(JournalError::InUse(_))
        ));
        assert_eq!(count(&database).await, 0);
    }

    #[tokio::test]
    async fn an_old_file_is_brought_forward_and_a_newer_one_refused() {
        let folder = folder();
        let path = folder.path().join("j");
        drop(Database::open(&path, FIRST).expect("new"));
        let database = Database::open(&path, SECOND).expect("closed before");
        database
            .with(|t| Ok(t.execute("INSERT INTO t (x, y) VALUES (1, 2)", [])?))
            .await
            .expect("the new column");
        drop(database);
        let error = Database::open(&path, FIRST).expect_err("newer");
        assert!(matches!(
            error,
            JournalError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ));
    }
}
