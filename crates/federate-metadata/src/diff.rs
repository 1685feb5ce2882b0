//! What has changed between two versions of metadata.

use crate::{Endpoint, EntityDescriptor, KeyUse};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{Certificate, CryptoProvider, Digest, PublicKey};
use federate_types::EntityId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

mod compare;
mod tell;

/// What became of an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntityChange {
    /// It was not there before.
    Added {
        /// The entity.
        entity_id: EntityId,
    },
    /// It is there no more.
    Removed {
        /// The entity.
        entity_id: EntityId,
    },
    /// It is described otherwise than before.
    Changed {
        /// The entity.
        entity_id: EntityId,
        /// In what: at least one.
        differences: Vec<Difference>,
    },
}

/// One thing in which two descriptions of an entity differ.
///
/// Roles are named by their elements; `EntityDescriptor` stands for the entity itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The entity has a role that it had not.
    RoleAdded {
        /// The role.
        role: &'static str,
    },
    /// The entity has lost a role.
    RoleRemoved {
        /// The role.
        role: &'static str,
    },
    /// A key was added.
    KeyAdded {
        /// Whose it is.
        role: &'static str,
        /// The key.
        key: PublishedKey,
    },
    /// A key was removed. A key that has another use was removed and added.
    KeyRemoved {
        /// Whose it was.
        role: &'static str,
        /// The key.
        key: PublishedKey,
    },
    /// An endpoint was added.
    EndpointAdded {
        /// The endpoint.
        endpoint: PublishedEndpoint,
    },
    /// An endpoint was removed.
    EndpointRemoved {
        /// The endpoint.
        endpoint: PublishedEndpoint,
    },
    /// An endpoint has another address.
    EndpointMoved {
        /// The endpoint as it was.
        before: PublishedEndpoint,
        /// The endpoint as it is.
        after: PublishedEndpoint,
    },
    /// An endpoint at the same address has another index, default or `ResponseLocation`.
    EndpointChanged {
        /// The endpoint as it was.
        before: PublishedEndpoint,
        /// The endpoint as it is.
        after: PublishedEndpoint,
    },
    /// The description ends at another instant.
    ValidUntilChanged {
        /// The role, or the entity.
        of: &'static str,
        /// When it ended.
        before: Option<DateTime<Utc>>,
        /// When it ends.
        after: Option<DateTime<Utc>>,
    },
    /// The description is to be fetched again after another time.
    CacheDurationChanged {
        /// The role, or the entity.
        of: &'static str,
        /// After how long it was to be.
        before: Option<TimeDelta>,
        /// After how long it is to be.
        after: Option<TimeDelta>,
    },
    /// What is to be signed has changed.
    SigningChanged {
        /// The role.
        role: &'static str,
        /// The attribute, such as `WantAssertionsSigned`.
        attribute: &'static str,
        /// What it says now.
        after: bool,
    },
    /// Something else has changed.
    OtherChanged {
        /// The role, or the entity.
        of: &'static str,
        /// What: `scopes`, `contacts` and so on.
        what: &'static str,
    },
}

/// A key as metadata has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishedKey {
    /// The role, by its element.
    pub role: &'static str,
    /// What it may be used for.
    pub key_use: KeyUse,
    /// The key itself.
    pub key: PublicKey,
    /// The certificate, if there is one.
    pub certificate: Option<Certificate>,
    /// The SHA-256 digest of the certificate; of the `SubjectPublicKeyInfo` where there is none.
    pub fingerprint: Digest,
    /// Until when the certificate says that it holds, if there is one.
    pub not_after: Option<DateTime<Utc>>,
}

/// An endpoint as metadata has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PublishedEndpoint {
    /// The role, by its element.
    pub role: &'static str,
    /// The service, by its element.
    pub service: &'static str,
    /// The endpoint itself.
    pub endpoint: Endpoint,
    /// Its index, if the service has such.
    pub index: Option<u16>,
    /// Whether it claims to be the default.
    pub is_default: Option<bool>,
}

/// What has changed from one version of metadata to another.
///
/// First come the entities that were added or changed, in the order of the version after; then
/// those that were removed. Of several entities with one identifier the first counts. The
/// identifiers of elements and the diagnostics are not compared: they differ at every
/// publication. So may `validUntil`: see [`EntityChange::is_routine`].
///
/// ```
/// # use federate_metadata::{EntityDescriptor, diff};
/// # use federate_types::EntityId;
/// # let provider = federate_crypto::aws_lc_provider();
/// let before = [EntityDescriptor::new(EntityId::new("https://a.example")?)];
/// let after = [EntityDescriptor::new(EntityId::new("https://b.example")?)];
/// let changes = diff(&before, &after, &provider);
/// assert_eq!(changes[0].to_string(), "https://b.example was added");
/// assert_eq!(changes[1].code(), "diff.entity_removed");
/// # Ok::<(), federate_types::InvalidValue>(())
/// ```
pub fn diff<'b, 'a>(
    before: impl IntoIterator<Item = &'b EntityDescriptor>,
    after: impl IntoIterator<Item = &'a EntityDescriptor>,
    provider: &CryptoProvider,
) -> Vec<EntityChange> {
    let mut old = HashMap::new();
    let mut order = Vec::new();
    for entity in before {
        if let Entry::Vacant(place) = old.entry(&entity.entity_id) {
            place.insert((entity, false));
            order.push(&entity.entity_id);
        }
    }
    let mut changes = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for entity in after {
        if !seen.insert(&entity.entity_id) {
            continue;
        }
        let entity_id = entity.entity_id.clone();
        let Some((known, kept)) = old.get_mut(&entity.entity_id) else {
            changes.push(EntityChange::Added { entity_id });
            continue;
        };
        *kept = true;
        let differences = compare::differences(known, entity, provider);
        if !differences.is_empty() {
            changes.push(EntityChange::Changed {
                entity_id,
                differences,
            });
        }
    }
    let gone = order
        .into_iter()
        .filter(|id| old.get(*id).is_some_and(|(_, kept)| !kept));
    changes.extend(gone.map(|entity_id| EntityChange::Removed {
        entity_id: entity_id.clone(),
    }));
    changes
}

impl EntityDescriptor {
    /// Every key of the roles, in the order in which they stand.
    #[must_use]
    pub fn published_keys(&self, provider: &CryptoProvider) -> Vec<PublishedKey> {
        let keys = compare::keys_of(self).into_iter();
        keys.map(|key| key.published(provider)).collect()
    }

    /// Every endpoint of the roles, by service, in the order in which they stand.
    #[must_use]
    pub fn published_endpoints(&self) -> Vec<PublishedEndpoint> {
        let parts = crate::parts::endpoints(self).into_iter();
        parts.map(compare::published).collect()
    }
}

impl EntityChange {
    /// The entity.
    #[must_use]
    pub const fn entity_id(&self) -> &EntityId {
        match self {
            Self::Added { entity_id }
            | Self::Removed { entity_id }
            | Self::Changed { entity_id, .. } => entity_id,
        }
    }

    /// In what it changed; nothing when it was added or removed.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        match self {
            Self::Changed { differences, .. } => differences,
            Self::Added { .. } | Self::Removed { .. } => &[],
        }
    }

    /// The stable machine code of this change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Added { .. } => "diff.entity_added",
            Self::Removed { .. } => "diff.entity_removed",
            Self::Changed { .. } => "diff.entity_changed",
        }
    }

    /// Whether only those things changed that change at every publication: when the
    /// description ends, or that and when it is to be fetched again. That it ends earlier, or
    /// not at all any more, is not routine.
    #[must_use]
    pub fn is_routine(&self) -> bool {
        let differences = self.differences();
        !differences.is_empty() && differences.iter().all(Difference::is_routine)
    }
}

impl Difference {
    /// The stable machine code of this difference.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::RoleAdded { .. } => "diff.role_added",
            Self::RoleRemoved { .. } => "diff.role_removed",
            Self::KeyAdded { .. } => "diff.key_added",
            Self::KeyRemoved { .. } => "diff.key_removed",
            Self::EndpointAdded { .. } => "diff.endpoint_added",
            Self::EndpointRemoved { .. } => "diff.endpoint_removed",
            Self::EndpointMoved { .. } => "diff.endpoint_moved",
            Self::EndpointChanged { .. } => "diff.endpoint_changed",
            Self::ValidUntilChanged { .. } => "diff.valid_until",
            Self::CacheDurationChanged { .. } => "diff.cache_duration",
            Self::SigningChanged { .. } => "diff.signing",
            Self::OtherChanged { .. } => "diff.other",
        }
    }

    fn is_routine(&self) -> bool {
        match self {
            Self::ValidUntilChanged { before, after, .. } => {
                matches!((before, after), (Some(before), Some(after)) if before < after)
            }
            Self::CacheDurationChanged { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
