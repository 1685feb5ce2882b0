use crate::{Diagnostic, IdpDescriptor, SpDescriptor};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{EntityId, MessageId};

/// One party with its roles: `EntityDescriptor` (`[SAMLMeta] 2.3.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityDescriptor {
    /// Who it is.
    pub entity_id: EntityId,
    /// The identifier of the element, by which a signature refers to it.
    pub id: Option<MessageId>,
    /// When the description ends: at this instant it is over.
    pub valid_until: Option<DateTime<Utc>>,
    /// After how long it should be fetched again; 0 to
    /// [`MAX_CACHE_DURATION`](crate::MAX_CACHE_DURATION) when it was read.
    pub cache_duration: Option<TimeDelta>,
    /// What it is as a SAML 2.0 identity provider, if it is one.
    pub idp: Option<IdpDescriptor>,
    /// What it is as a SAML 2.0 service provider, if it is one.
    pub sp: Option<SpDescriptor>,
    /// What was left out or read leniently; empty unless it was read.
    pub diagnostics: Vec<Diagnostic>,
}

impl EntityDescriptor {
    /// An entity without roles.
    #[must_use]
    pub const fn new(entity_id: EntityId) -> Self {
        Self {
            entity_id,
            id: None,
            valid_until: None,
            cache_duration: None,
            idp: None,
            sp: None,
            diagnostics: Vec::new(),
        }
    }
}
