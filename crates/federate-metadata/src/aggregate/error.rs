use crate::MetadataError;
use federate_xml::{ParseError, ReadError, StreamError, XmlError};
use std::io::ErrorKind;

/// Why an aggregate, or an entity of one, was refused.
///
/// No message contains text of the document: it may come from an attacker.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// The document cannot be read, its signature is not acceptable, or its time is over.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The octets did not come, as far as they should.
    #[error("the aggregate cannot be read: {0}")]
    Input(ErrorKind),
    /// What is kept cannot be written or read.
    #[error("the kept aggregate cannot be written or read: {0}")]
    Store(ErrorKind),
    /// What is kept is no aggregate that was kept by this version of this library.
    #[error("the file is no aggregate that was kept")]
    NotKept,
    /// The octets of an entity are no longer those that were verified.
    #[error("the kept aggregate was changed after it was verified")]
    Changed,
    /// The publisher did not say until when it is valid.
    #[error("the aggregate does not say until when it is valid")]
    NoValidUntil,
    /// It would be valid for longer than the policy allows.
    #[error("the aggregate is valid for more than the {days} days allowed")]
    ValidTooLong {
        /// Whole days that are allowed.
        days: i64,
    },
    /// It is older than the one before, or does not say when it was made although that did.
    #[error("the aggregate is older than the one that is in use")]
    Older,
    /// It holds too much.
    #[error("the aggregate holds more than {allowed} entities and groups")]
    TooManyEntities {
        /// How many are allowed.
        allowed: usize,
    },
}

impl AggregateError {
    /// The stable machine code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Metadata(error) => error.code(),
            Self::Input(_) => "metadata.input",
            Self::Store(_) => "metadata.store",
            Self::NotKept => "metadata.not_kept",
            Self::Changed => "metadata.changed",
            Self::NoValidUntil => "metadata.no_valid_until",
            Self::ValidTooLong { .. } => "metadata.valid_too_long",
            Self::Older => "metadata.older",
            Self::TooManyEntities { .. } => "metadata.too_many_entities",
        }
    }

    pub(super) fn store(error: std::io::Error) -> Self {
        Self::Store(error.kind())
    }
}

impl From<StreamError> for AggregateError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Input(kind) => Self::Input(kind),
            StreamError::Output(kind) => Self::Store(kind),
            StreamError::Xml(error) => Self::Metadata(error.into()),
            // `StreamError` may get further kinds.
            _ => Self::Input(ErrorKind::Other),
        }
    }
}

impl From<ParseError> for AggregateError {
    fn from(error: ParseError) -> Self {
        Self::Metadata(error.into())
    }
}

impl From<ReadError> for AggregateError {
    fn from(error: ReadError) -> Self {
        Self::Metadata(error.into())
    }
}

impl From<XmlError> for AggregateError {
    fn from(error: XmlError) -> Self {
        Self::Metadata(error.into())
    }
}
