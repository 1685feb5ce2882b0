//! What the engine's errors mean to whoever opens a file.

use crate::OpenError;
use redb::{DatabaseError, StorageError};

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
