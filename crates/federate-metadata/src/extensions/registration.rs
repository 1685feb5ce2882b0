use crate::{Localized, Location};
use chrono::{DateTime, Utc};

/// Who registered an entity (`[MDRPI]`).
///
/// It is the word of whoever signed the document, which may be somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RegistrationInfo {
    /// The registrar, by its URI.
    pub registration_authority: String,
    /// When the entity was registered.
    pub registration_instant: Option<DateTime<Utc>>,
    /// By what policy.
    pub registration_policies: Vec<Localized<Location>>,
}

/// Who published a document (`[MDRPI]`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PublicationInfo {
    /// The publisher, when, and as what.
    pub publication: Publication,
    /// How the document may be used.
    pub usage_policies: Vec<Localized<Location>>,
}

/// One publication of a document (`[MDRPI]`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Publication {
    /// The publisher, by its URI.
    pub publisher: String,
    /// When the document was made.
    pub creation_instant: Option<DateTime<Utc>>,
    /// What the publisher calls this version.
    pub publication_id: Option<String>,
}
