//! What all sources together say.

use crate::filter::Filter;
use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use federate_metadata::{EntityDescriptor, EntitySource, MetadataError};
use federate_types::EntityId;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The entities of several sources. Readers never wait, also not while a source is replaced.
///
/// The order of the sources is their priority: an entity that an earlier source has is never
/// taken from a later one, so that a federation of little trust cannot take the place of a
/// configured partner.
#[derive(Debug, Default)]
pub struct Registry {
    slots: ArcSwap<Vec<Slot>>,
}

/// What one source has at the moment.
#[derive(Debug, Clone)]
struct Slot {
    name: Arc<str>,
    filters: Arc<[Filter]>,
    entities: Option<Arc<dyn EntitySource>>,
}

type Found = (Arc<dyn EntitySource>, Arc<EntityDescriptor>);

impl Registry {
    /// Sources that have nothing yet, the one of highest priority first.
    pub(crate) fn new(sources: impl IntoIterator<Item = (Arc<str>, Arc<[Filter]>)>) -> Self {
        let slots = sources.into_iter().map(|(name, filters)| Slot {
            name,
            filters,
            entities: None,
        });
        Self {
            slots: ArcSwap::from_pointee(slots.collect()),
        }
    }

    /// The entity of this identifier, from the first source that has it, if it may be used now.
    ///
    /// # Errors
    /// [`MetadataError::Expired`] when it or its source has ended; as
    /// [`EntitySource::entity`].
    pub fn entity(
        &self,
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<EntityDescriptor>>, MetadataError> {
        match self.find(entity_id)? {
            Some((source, entity)) => {
                let lasts = source.valid_until().is_none_or(|until| now < until);
                match lasts && entity.is_valid_at(now) {
                    true => Ok(Some(entity)),
                    false => Err(MetadataError::Expired),
                }
            }
            None => Ok(None),
        }
    }

    /// An entity that its source's filters accept, from the first source that has one.
    fn find(&self, entity_id: &EntityId) -> Result<Option<Found>, MetadataError> {
        for slot in self.slots.load().iter() {
            let Some(source) = &slot.entities else {
                continue;
            };
            if let Some(entity) = source.entity(entity_id)?
                && slot.filters.iter().all(|filter| filter.accepts(&entity))
            {
                return Ok(Some((Arc::clone(source), entity)));
            }
        }
        Ok(None)
    }

    /// From which sources an entity could be taken, the one that counts first. More than one
    /// is worth a look.
    #[must_use]
    pub fn sources_of(&self, entity_id: &EntityId) -> Vec<Arc<str>> {
        let slots = self.slots.load();
        let having = slots.iter().filter(|slot| {
            let entity = slot.entities.as_ref().map(|s| s.entity(entity_id));
            let entity = entity.and_then(Result::ok).flatten();
            entity.is_some_and(|e| slot.filters.iter().all(|filter| filter.accepts(&e)))
        });
        having.map(|slot| Arc::clone(&slot.name)).collect()
    }

    /// What a source has.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<Arc<dyn EntitySource>> {
        let slots = self.slots.load();
        let slot = slots.iter().find(|slot| &*slot.name == name)?;
        slot.entities.clone()
    }

    /// Replaces what a source has.
    pub(crate) fn publish(&self, name: &str, entities: Option<&Arc<dyn EntitySource>>) {
        self.slots.rcu(|slots| {
            let mut slots = Vec::clone(slots);
            for slot in slots.iter_mut().filter(|slot| &*slot.name == name) {
                slot.entities = entities.cloned();
            }
            slots
        });
    }
}

/// Whether an entity may be used now, it says itself: no description in a document ends later
/// than the document.
impl EntitySource for Registry {
    fn entity(&self, entity_id: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, MetadataError> {
        Ok(self.find(entity_id)?.map(|(_, entity)| entity))
    }

    fn entity_ids(&self) -> Vec<EntityId> {
        let slots = self.slots.load();
        let sources = slots.iter().filter_map(|slot| slot.entities.as_ref());
        let ids: BTreeSet<EntityId> = sources.flat_map(|source| source.entity_ids()).collect();
        ids.into_iter().collect()
    }

    fn valid_until(&self) -> Option<DateTime<Utc>> {
        None
    }
}
