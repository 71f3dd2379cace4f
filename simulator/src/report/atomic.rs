//! A file is written whole or not at all.

use std::fs;
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

/// Writes to a temporary file in the same folder, which is made if it is missing, and
/// renames it: a reader sees the old file or the new one, and a crash leaves the old.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path
        .parent()
        .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "not a file's path"))?;
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".plimsoll-").suffix(".part");
    // Readable by all that the umask lets: a report is there to be handed on.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/a.csv");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("a.csv");
        fs::create_dir(&taken).unwrap();
        write(&taken, b"one").unwrap_err();
        assert!(taken.is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_far_as_the_umask_lets_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let path = folder.path().join(name);
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        };
        write(&folder.path().join("a.csv"), b"one").unwrap();
        fs::write(folder.path().join("b.csv"), b"one").unwrap();
        assert_eq!(mode("a.csv"), mode("b.csv"));
    }
}
