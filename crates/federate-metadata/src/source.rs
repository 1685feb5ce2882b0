//! Where entities are looked up.

use crate::{Aggregate, AggregateError, EntitiesDescriptor, EntityDescriptor, MetadataError};
use chrono::{DateTime, Utc};
use federate_types::EntityId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;

/// Entities that can be looked up by their identifier.
pub trait EntitySource: fmt::Debug + Send + Sync {
    /// The entity of this identifier, if there is one; identifiers are compared octet for octet
    /// (`[SAMLCore] 8.3.6`). Whether it is valid at an instant, it says itself.
    ///
    /// # Errors
    /// [`MetadataError`] when there is one that cannot be read.
    fn entity(&self, entity_id: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, MetadataError>;

    /// The identifiers of all entities.
    fn entity_ids(&self) -> Vec<EntityId>;

    /// How many entities there are.
    fn len(&self) -> usize {
        self.entity_ids().len()
    }

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the whole of it ends.
    fn valid_until(&self) -> Option<DateTime<Utc>>;
}

/// Entities in memory.
#[derive(Debug, Default)]
pub struct Entities {
    by_id: HashMap<EntityId, Arc<EntityDescriptor>>,
    valid_until: Option<DateTime<Utc>>,
}

impl Entities {
    /// These entities. Of several with one identifier the first counts.
    #[must_use]
    pub fn new(entities: impl IntoIterator<Item = EntityDescriptor>) -> Self {
        let mut by_id = HashMap::new();
        for entity in entities {
            if let Entry::Vacant(place) = by_id.entry(entity.entity_id.clone()) {
                place.insert(Arc::new(entity));
            }
        }
        let valid_until = None;
        Self { by_id, valid_until }
    }

    /// The entities of a group and the groups within.
    #[must_use]
    pub fn of_group(group: EntitiesDescriptor) -> Self {
        let valid_until = group.valid_until;
        Self {
            valid_until,
            ..Self::new(group.into_entities())
        }
    }
}

impl EntitySource for Entities {
    fn entity(&self, entity_id: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, MetadataError> {
        Ok(self.by_id.get(entity_id).cloned())
    }

    fn entity_ids(&self) -> Vec<EntityId> {
        self.by_id.keys().cloned().collect()
    }

    fn len(&self) -> usize {
        self.by_id.len()
    }

    fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.valid_until
    }
}

impl EntitySource for Aggregate {
    fn entity(&self, entity_id: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, MetadataError> {
        Aggregate::entity(self, entity_id).map_err(|error| match error {
            AggregateError::Metadata(error) => error,
            AggregateError::Store(kind) => MetadataError::Kept(kind),
            _ => MetadataError::Kept(ErrorKind::InvalidData),
        })
    }

    fn entity_ids(&self) -> Vec<EntityId> {
        Aggregate::entity_ids(self).cloned().collect()
    }

    fn len(&self) -> usize {
        Aggregate::len(self)
    }

    fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.document().valid_until
    }
}
