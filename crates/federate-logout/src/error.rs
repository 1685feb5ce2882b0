use federate_session::StoreError;

/// Why a logout could not be carried on. Its state is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogoutError {
    /// There is no such logout, or it was over so long ago that it is forgotten.
    #[error("there is no such logout")]
    Unknown,
    /// Other writers were first, again and again.
    #[error("too many writers at the same logout")]
    Contended,
    /// The stored state cannot be read.
    #[error("the stored logout is damaged")]
    Corrupt,
    /// The stored state has a format that this version does not know.
    #[error("the stored logout has the unknown format {found}")]
    UnsupportedFormat {
        /// The format that was found.
        found: u8,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LogoutError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "logout.unknown",
            Self::Contended => "logout.contended",
            Self::Corrupt => "logout.corrupt",
            Self::UnsupportedFormat { .. } => "logout.unsupported_format",
            Self::Store(error) => error.code(),
        }
    }
}
