use crate::{Extensions, KeyDescriptor};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{EntityId, MessageId};

/// A group of entities that share names of people (`[SAMLMeta] 2.5`).
///
/// Being named here makes nobody a member: each says so in its own metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AffiliationDescriptor {
    /// Who answers for the affiliation.
    pub owner: EntityId,
    /// The identifier of the element.
    pub id: Option<MessageId>,
    /// When the description ends, if before the entity's.
    pub valid_until: Option<DateTime<Utc>>,
    /// After how long it should be fetched again.
    pub cache_duration: Option<TimeDelta>,
    /// What others added.
    pub extensions: Extensions,
    /// The members.
    pub members: Vec<EntityId>,
    /// Keys of the affiliation as a whole.
    pub keys: Vec<KeyDescriptor>,
}

impl AffiliationDescriptor {
    /// The element.
    pub(crate) const ELEMENT: &'static str = "AffiliationDescriptor";

    /// An affiliation without members.
    #[must_use]
    pub fn new(owner: EntityId) -> Self {
        Self {
            owner,
            id: None,
            valid_until: None,
            cache_duration: None,
            extensions: Extensions::default(),
            members: Vec::new(),
            keys: Vec::new(),
        }
    }
}
