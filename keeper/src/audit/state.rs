//! The file in which an audit is kept. It is replaced as a whole: whoever is killed while
//! writing leaves the one before.

use super::AuditError;
use plimsoll_index::{Checkpoint, Identity};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// What is kept, if there is a file.
pub(super) fn load(path: &Path, identity: &Identity) -> Result<Option<Checkpoint>, AuditError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(AuditError::StateFile {
                path: path.to_owned(),
                source,
            })
        }
    };
    let checkpoint = Checkpoint::from_bytes(&bytes, identity);
    checkpoint.map(Some).map_err(|reason| AuditError::State {
        path: path.to_owned(),
        reason,
    })
}

/// Keeps an audit instead of the one before.
pub(super) fn save(path: &Path, checkpoint: &Checkpoint) -> Result<(), AuditError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&checkpoint.to_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| AuditError::StateFile {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_index::{Auditor, Origin};
    use plimsoll_interface::H160;

    fn checkpoint(block: u64) -> Checkpoint {
        let identity = Identity {
            genesis: [1; 32],
            contract: H160([2; 20]),
            code_hash: [3; 32],
            from: 4,
        };
        Checkpoint {
            identity,
            block,
            hash: [5; 32],
            auditor: Auditor::new(Origin {
                contract: identity.contract,
                chain_id: [6; 32],
            }),
        }
    }

    #[test]
    fn the_newest_audit_is_kept_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.state");
        let identity = checkpoint(0).identity;
        assert!(load(&path, &identity).expect("no file").is_none());
        for block in [7, 8] {
            save(&path, &checkpoint(block)).expect("writable");
            let kept = load(&path, &identity).expect("as written");
            assert_eq!(kept, Some(checkpoint(block)));
        }
        let files = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(files, 1);
    }

    #[test]
    fn what_cannot_be_gone_on_with_is_told_with_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.state");
        std::fs::write(&path, "something else").expect("writable");
        let error = load(&path, &checkpoint(0).identity).expect_err("no state");
        assert!(error.to_string().contains("audit.state"), "{error}");
        let nowhere = folder.path().join("nowhere").join("audit.state");
        let error = save(&nowhere, &checkpoint(0)).expect_err("no folder");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}
