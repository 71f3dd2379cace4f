//! The spool: a folder into which gateways put files, and from which the daemon takes
//! them.
//!
//! A file is written under a name that begins with a dot or ends in `.part` and renamed
//! when it is complete. What is taken in moves to the subfolder `done`, what is no file
//! of receipts to `refused`.

use super::{ingest, read, IngestError, Intake};
use crate::journal::{Added, Journal};
use crate::steps;
use std::path::{Path, PathBuf};

/// What was taken from the spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Files taken in.
    pub files: u64,
    /// Files refused.
    pub refused: u64,
    /// Their receipts.
    pub receipts: Added,
}

/// Takes in every file that is complete, in the order of their names. `taken` grows by
/// what was taken in, also when there is an error. A file that cannot be read stays where
/// it is, and keeps no other from being taken in.
///
/// # Errors
/// The journal's, which ends it; else the first file's or folder's that failed. Files that
/// are no receipts are refused one by one.
pub async fn take(
    journal: &Journal,
    intake: &Intake,
    folder: &Path,
    taken: &mut Taken,
) -> Result<(), IngestError> {
    let mut first = Ok(());
    for path in complete(folder)? {
        match take_one(journal, intake, folder, &path, taken).await {
            Ok(()) => {}
            Err(error @ IngestError::Journal(_)) => return Err(error),
            Err(error) => {
                tracing::error!(%error, "a file stays in the spool");
                first = first.and(Err(error));
            }
        }
    }
    first
}

async fn take_one(
    journal: &Journal,
    intake: &Intake,
    folder: &Path,
    path: &Path,
    taken: &mut Taken,
) -> Result<(), IngestError> {
    let result = match read(path, None) {
        Ok(lines) => ingest(journal, intake, path, lines, |_| {}).await,
        Err(error) => Err(error),
    };
    let place = match result {
        Ok(added) => {
            taken.files += 1;
            taken.receipts.added += added.added;
            taken.receipts.known += added.known;
            taken.receipts.quarantined += added.quarantined;
            tracing::info!(file = %path.display(), added = added.added, known = added.known, quarantined = added.quarantined, "took receipts in");
            "done"
        }
        Err(error @ (IngestError::Journal(_) | IngestError::File { .. })) => return Err(error),
        Err(error) => {
            taken.refused += 1;
            tracing::error!(%error, "a file in the spool is refused");
            "refused"
        }
    };
    steps::reached(steps::INGEST_STORED).await;
    put_away(folder, place, path)
}

fn complete(folder: &Path) -> Result<Vec<PathBuf>, IngestError> {
    let failed = |source| IngestError::File {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let partial = name.starts_with('.') || name.ends_with(".part");
        if !partial && entry.file_type().map_err(failed)?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Moves a file to a subfolder, under a name that is not taken there.
fn put_away(folder: &Path, place: &str, path: &Path) -> Result<(), IngestError> {
    let failed = |source| IngestError::File {
        path: path.to_owned(),
        source,
    };
    let place = folder.join(place);
    std::fs::create_dir_all(&place).map_err(failed)?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut target = place.join(&name);
    let mut number = 1_u64;
    while target.exists() {
        target = place.join(format!("{name}.{number}"));
        number += 1;
    }
    std::fs::rename(path, target).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::Flaw;
    use super::*;
    use crate::config::ReceiptsConfig;
    use crate::journal::tests::open;
    use crate::meter::Meters;
    use crate::receipt::tests::receipt;

    fn intake() -> Intake {
        let receipts = ReceiptsConfig {
            network: "test".into(),
            allow_unsigned: true,
            ..ReceiptsConfig::default()
        };
        Intake::new(&receipts, &Meters::default())
    }

    async fn taking(journal: &Journal, spool: &Path) -> Result<Taken, IngestError> {
        let mut taken = Taken::default();
        take(journal, &intake(), spool, &mut taken).await?;
        Ok(taken)
    }

    #[tokio::test]
    async fn a_file_that_fails_stays_and_keeps_no_other_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let spool = folder.path().join("spool");
        std::fs::create_dir(&spool).expect("a folder");
        let text = |number| serde_json::to_string(&receipt(0, number, 3)).expect("plain data");
        // What is refused cannot be put away: a file is where its folder should be.
        std::fs::write(spool.join("a.csv"), "no,columns\n").expect("writable");
        std::fs::write(spool.join("b.jsonl"), text(1)).expect("writable");
        std::fs::write(spool.join(".refused"), "").expect("writable");
        std::os::unix::fs::symlink(".refused", spool.join("refused")).expect("a link");
        let mut taken = Taken::default();
        let error = take(&journal, &intake(), &spool, &mut taken)
            .await
            .expect_err("the first file");
        assert!(error.to_string().contains("a.csv"), "{error}");
        assert_eq!((taken.files, taken.receipts.added), (1, 1));
        assert!(spool.join("a.csv").exists());
        assert!(spool.join("done/b.jsonl").exists());
    }

    #[tokio::test]
    async fn what_cannot_be_read_to_its_end_is_not_taken_for_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let broken = Flaw {
            line: Some(2),
            reason: "the disk fails".into(),
            body: String::new(),
            broken: true,
        };
        let lines = vec![Ok((1, receipt(0, 1, 3))), Err(broken)];
        let path = Path::new("a.jsonl");
        let error = ingest(
            &journal,
            &intake(),
            path,
            Box::new(lines.into_iter()),
            |_| {},
        )
        .await
        .expect_err("not to its end")
        .to_string();
        assert!(
            error.contains("a.jsonl") && error.contains("the disk fails"),
            "{error}"
        );
        let counts = journal.counts().await.expect("readable");
        assert_eq!(counts.pending, 1, "what was read stays");
        assert!(counts.quarantined.is_empty());
    }

    #[tokio::test]
    async fn files_are_taken_once_and_put_away_and_unfinished_ones_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let spool = folder.path().join("spool");
        std::fs::create_dir(&spool).expect("a folder");
        let text = |number| serde_json::to_string(&receipt(0, number, 3)).expect("plain data");
        std::fs::write(spool.join("a.jsonl"), text(1)).expect("writable");
        std::fs::write(spool.join("b.jsonl.part"), text(2)).expect("writable");
        std::fs::write(spool.join("c.csv"), "no,columns\n").expect("writable");

        let taken = taking(&journal, &spool).await.expect("works");
        assert_eq!(
            (taken.files, taken.refused, taken.receipts.added),
            (1, 1, 1)
        );
        assert!(spool.join("done/a.jsonl").exists());
        assert!(spool.join("refused/c.csv").exists());
        assert!(spool.join("b.jsonl.part").exists());

        std::fs::write(spool.join("a.jsonl"), text(1)).expect("writable");
        let taken = taking(&journal, &spool).await.expect("works");
        assert_eq!((taken.receipts.added, taken.receipts.known), (0, 1));
        assert!(spool.join("done/a.jsonl.1").exists());
    }

    #[tokio::test]
    async fn poison_is_quarantined_with_its_line_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = open(&folder).await;
        let spool = folder.path().join("spool");
        std::fs::create_dir(&spool).expect("a folder");
        let mut impossible = receipt(0, 1, 3);
        impossible.cached_input_tokens = 1_000;
        let mut forged = receipt(0, 2, 3);
        forged.signature = Some([1; 65]);
        let fine = receipt(0, 3, 3);
        let lines: Vec<_> = [impossible, forged, fine]
            .iter()
            .map(|r| serde_json::to_string(r).expect("plain data"))
            .collect();
        std::fs::write(spool.join("a.jsonl"), lines.join("\n") + "\nnot json\n").expect("writable");
        let taken = taking(&journal, &spool).await.expect("works");
        assert_eq!((taken.receipts.added, taken.receipts.quarantined), (1, 3));
        let shown = journal.quarantined(10).await.expect("readable");
        let codes: Vec<_> = shown.iter().map(|q| (q.line, q.code.as_str())).collect();
        assert!(codes.contains(&(Some(1), "impossible")), "{codes:?}");
        assert!(codes.contains(&(Some(2), "unknown_signer")), "{codes:?}");
        assert!(codes.contains(&(Some(4), "unreadable")), "{codes:?}");
    }
}
