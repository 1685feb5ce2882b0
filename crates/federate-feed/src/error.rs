use federate_http::HttpError;
use federate_metadata::{AggregateError, MetadataError};
use std::io;
use std::path::PathBuf;

/// Why a source was not refreshed. It is for the operator; what the source had stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// It could not be fetched.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A file could not be read, or a copy not be kept.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It is no metadata, or not signed by its publisher.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A large document could not be read or kept.
    #[error(transparent)]
    Aggregate(AggregateError),
    /// It does not say when it ends, where it must.
    #[error("the document has no validUntil, which is required of this source")]
    NoValidUntil,
    /// It says that it holds for longer than such a document may.
    #[error("the document's validUntil is further away than is allowed for this source")]
    ValidUntilTooFar,
    /// It has ended already.
    #[error("the document is no longer valid")]
    Expired,
    /// It is older than the one that is there.
    #[error("the document is older than the one before it")]
    Rollback,
    /// The answer to a query is another entity than the one that was asked for.
    #[error("the answer describes another entity than the one that was asked for")]
    WrongEntity,
}

impl FeedError {
    /// The stable machine code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(error) => error.code(),
            Self::File { .. } => "feed.file",
            Self::Metadata(error) => error.code(),
            Self::Aggregate(error) => error.code(),
            Self::NoValidUntil => "feed.no_valid_until",
            Self::ValidUntilTooFar => "feed.valid_until_too_far",
            Self::Expired => "feed.expired",
            Self::Rollback => "feed.rollback",
            Self::WrongEntity => "feed.wrong_entity",
        }
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }
}
