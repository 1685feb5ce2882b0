//! Making the file.
//!
//! The engine takes several writes to make a file into a database, and refuses what they leave
//! when a crash comes in between, like any file that is not its own. So the file is made beside
//! its place, and gets its name when it is whole.

use super::{guarded, tables};
use crate::OpenError;
use redb::Builder;
use std::ffi::OsString;
use std::fs::{File, hard_link, remove_file, rename};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Sees to it that there is a database at this path, or something else to be told of.
pub(super) fn ensure(builder: &Builder, path: &Path) -> Result<(), OpenError> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let beside = beside(path);
    match make(builder, &beside) {
        // The engine looked into it, so nobody else has it open: a crash left it half-made.
        Err(OpenError::Foreign | OpenError::Corrupt(_)) => {
            remove_file(&beside).map_err(OpenError::Io)?;
            make(builder, &beside)?;
        }
        made => made?,
    }
    match hard_link(&beside, path) {
        Ok(()) => remove_file(&beside).map_err(OpenError::Io)?,
        // Another process was faster: its file counts.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            remove_file(&beside).map_err(OpenError::Io)?;
        }
        // Not every file system has links.
        Err(_) => rename(&beside, path).map_err(OpenError::Io)?,
    }
    // The name is on the disk, too; where folders cannot be synced, it will be in a moment.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn make(builder: &Builder, path: &Path) -> Result<(), OpenError> {
    guarded(|| {
        let db = builder.create(path)?;
        tables::prepare(&db)
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RedbOptions, RedbStore};
    use federate_session::{SessionCheck, SessionKey, SessionStore as _};

    #[tokio::test]
    async fn what_a_crash_left_half_made_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.redb");
        let whole = folder.path().join("whole.redb");
        drop(RedbStore::open(&whole).unwrap());
        let whole = std::fs::read(whole).unwrap();
        // Nothing yet, no magic number yet, and cut off.
        let mut unmarked = whole.clone();
        unmarked[..9].fill(0);
        for left in [&[][..], &[0; 4096], &unmarked, &whole[..5000], &whole] {
            std::fs::write(beside(&path), left).unwrap();
            let store = RedbStore::open(&path).unwrap();
            let key = SessionKey::new([1; 32]);
            let unknown = store.check(&key, chrono::DateTime::UNIX_EPOCH);
            assert_eq!(unknown.await.unwrap(), SessionCheck::Unknown);
            assert!(!beside(&path).exists());
            drop(store);
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.redb");
        std::fs::write(&path, "a letter").unwrap();
        let opened = RedbStore::open_with(&path, RedbOptions::default());
        assert!(matches!(opened, Err(OpenError::Foreign)));
        assert_eq!(std::fs::read(&path).unwrap(), b"a letter");
        assert!(!beside(&path).exists());
    }

    #[test]
    fn whoever_makes_it_meanwhile_is_told_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.redb");
        let theirs = Builder::new().create(beside(&path)).unwrap();
        assert!(matches!(RedbStore::open(&path), Err(OpenError::Locked)));
        drop(theirs);
        drop(RedbStore::open(&path).unwrap());
    }
}
