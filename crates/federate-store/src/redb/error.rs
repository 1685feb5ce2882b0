//! What the engine's errors mean to whoever opens a file, and to the callers of verbs.

use crate::OpenError;
use federate_session::StoreError;
use redb::{DatabaseError, StorageError};

/// What a full disk has no room for.
const CHANGE: &str = "change on its disk";

/// The engine failed in a verb.
pub(crate) trait OrFailed<T> {
    /// # Errors
    /// [`full_disk`] or [`StoreError::Unavailable`].
    fn or_failed(self) -> Result<T, StoreError>;
}

impl<T, E: Into<redb::Error>> OrFailed<T> for Result<T, E> {
    fn or_failed(self) -> Result<T, StoreError> {
        self.map_err(|error| match error.into() {
            redb::Error::Io(error) if is_full(&error) => full_disk(),
            error => StoreError::unavailable(error),
        })
    }
}

pub(crate) const fn full_disk() -> StoreError {
    StoreError::Full { what: CHANGE }
}

/// Whether the engine failed, and not the caller's wish: nothing of the transaction may stay.
pub(crate) fn is_failure(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable(_) | StoreError::Full { what: CHANGE }
    )
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Why a store answers nothing any more.
#[derive(Debug, thiserror::Error)]
#[error("the database failed before: open it again")]
pub(crate) struct FailedBefore;

impl OpenError {
    pub(crate) fn from_storage(error: StorageError) -> Self {
        match error {
            StorageError::Io(error) => Self::from_io(error),
            error @ StorageError::Corrupted(_) => Self::Corrupt(Some(Box::new(error))),
            error => Self::Database(Box::new(error)),
        }
    }

    pub(crate) fn from_io(error: std::io::Error) -> Self {
        match error.kind() {
            // What redb says of a file that does not begin as a database does.
            std::io::ErrorKind::InvalidData => Self::Foreign,
            // A file that ends before its own header says so.
            std::io::ErrorKind::UnexpectedEof => Self::Corrupt(Some(Box::new(error))),
            _ => Self::Io(error),
        }
    }

    /// For the errors that appear while the tables of an opened database are looked at.
    pub(crate) fn from_redb(error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::Io(error) => Self::from_io(error),
            error @ redb::Error::Corrupted(_) => Self::Corrupt(Some(Box::new(error))),
            redb::Error::TableIsMultimap(_)
            | redb::Error::TableIsNotMultimap(_)
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. } => Self::Foreign,
            error => Self::Database(Box::new(error)),
        }
    }
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Self::Locked,
            DatabaseError::UpgradeRequired(found) => Self::UnsupportedFormat {
                found: found.into(),
            },
            DatabaseError::Storage(error) => Self::from_storage(error),
            error => Self::Database(Box::new(error)),
        }
    }
}
