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
    /// The server does not answer, or refuses the connection.
    #[error("the database server cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server is too old, or set up in a way with which entries could be lost silently.
    #[error("the database server does not suit: expected {expected}, found {found}")]
    Unsuitable {
        /// What is needed.
        expected: &'static str,
        /// What the server says.
        found: String,
    },
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
            Self::Unreachable(_) => "store.unreachable",
            Self::Unsuitable { .. } => "store.unsuitable",
            Self::Database(_) => "store.database",
        }
    }
}
