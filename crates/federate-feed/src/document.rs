//! Documents of a source: small ones are held in memory, signed groups in a file.

use crate::error::FeedError;
use crate::source::{Source, cache_duration, created, ends};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::CryptoProvider;
use federate_metadata::{
    Aggregate, Entities, EntitiesDescriptor, EntityChange, EntityDescriptor, EntitySource, diff,
};
use federate_types::EntityId;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a source has.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) entities: Arc<dyn EntitySource>,
    /// The same, if it is held in a file.
    pub(crate) aggregate: Option<Arc<Aggregate>>,
    pub(crate) created: Option<DateTime<Utc>>,
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) cache_duration: Option<TimeDelta>,
}

impl Document {
    /// One that is held in memory.
    pub(crate) fn of_group(group: EntitiesDescriptor) -> Self {
        Self {
            created: created(&group),
            valid_until: ends(&group),
            cache_duration: cache_duration(&group),
            entities: Arc::new(Entities::of_group(group)),
            aggregate: None,
        }
    }

    /// One that is held in a file.
    pub(crate) fn of_aggregate(aggregate: Aggregate) -> Self {
        let aggregate = Arc::new(aggregate);
        Self {
            created: aggregate.created(),
            valid_until: aggregate.document().valid_until,
            cache_duration: aggregate.document().cache_duration,
            entities: Arc::clone(&aggregate) as Arc<dyn EntitySource>,
            aggregate: Some(aggregate),
        }
    }

    /// Whether it is older than another, which it must not replace.
    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        match (self.created, other.created) {
            (Some(this), Some(other)) => this < other,
            // Without a time of creation, the one that ends earlier is the older one.
            _ => match (self.valid_until, other.valid_until) {
                (Some(this), Some(other)) => this < other,
                _ => false,
            },
        }
    }

    /// What is different from the one before. Of two that are held in files, only what differs is
    /// read.
    pub(crate) fn changes(
        &self,
        before: Option<&Self>,
        provider: &CryptoProvider,
    ) -> Vec<EntityChange> {
        let Some(before) = before else {
            let ids: BTreeSet<EntityId> = self.entities.entity_ids().into_iter().collect();
            let added = ids.into_iter();
            return added
                .map(|entity_id| EntityChange::Added { entity_id })
                .collect();
        };
        let ids = match (&self.aggregate, &before.aggregate) {
            (Some(this), Some(before)) => this.differing(before),
            _ => {
                let ids = self.entities.entity_ids().into_iter();
                let ids: BTreeSet<EntityId> = ids.chain(before.entities.entity_ids()).collect();
                ids.into_iter().collect()
            }
        };
        let after = read(&*self.entities, &ids);
        let before = read(&*before.entities, &ids);
        let mut changes = diff(
            before.iter().map(|entity| &**entity),
            after.iter().map(|entity| &**entity),
            provider,
        );
        changes.retain(|change| !change.is_routine());
        changes
    }
}

/// Those of the entities that can be read.
fn read(source: &dyn EntitySource, ids: &[EntityId]) -> Vec<Arc<EntityDescriptor>> {
    let read = ids.iter().filter_map(|id| source.entity(id).ok().flatten());
    read.collect()
}

impl Source {
    /// Refuses a document that must not take the place of the one before. Who vouches for its
    /// place may put an older one there.
    pub(crate) fn in_order(
        &self,
        document: Document,
        before: Option<&Document>,
    ) -> Result<Document, FeedError> {
        match before {
            Some(before) if self.trust.is_signed() && document.is_older_than(before) => {
                Err(FeedError::Rollback)
            }
            _ => Ok(document),
        }
    }
}
