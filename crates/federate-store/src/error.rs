use redb::{DatabaseError, StorageError};

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another store of this one, has the file open.
    #[error("the database is open elsewhere")]
    Locked,
    /// The file is not a database of Federate's.
    #[error("the file is not a Federate database")]
    Foreign,
    /// The file is a database, and damaged: restore it from a backup.
    #[error("the database is damaged")]
    Corrupt(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// Another version of Federate wrote the file.
    #[error("the database has the unknown format {found}")]
    UnsupportedFormat {
        /// The format that was found.
        found: u64,
    },
    /// The file cannot be read or written.
    #[error("the database file cannot be used")]
    Io(#[source] std::io::Error),
    /// The database engine refused for another reason.
    #[error("the database cannot be used")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked => "store.locked",
            Self::Foreign => "store.foreign_file",
            Self::Corrupt(_) => "store.corrupt_file",
            Self::UnsupportedFormat { .. } => "store.unsupported_file_format",
            Self::Io(_) => "store.io",
            Self::Database(_) => "store.database",
        }
    }

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
