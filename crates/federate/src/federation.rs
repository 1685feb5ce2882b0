//! Peers that nobody configured one by one: those of a source of metadata.

use chrono::{DateTime, Utc};
use federate_metadata::{EntityDescriptor, EntitySource, MetadataError};
use federate_types::EntityId;
use std::fmt;
use std::sync::Arc;

/// A source of peers, and what is different for them from the usual rules.
pub(crate) struct Federation<P> {
    source: Arc<dyn EntitySource>,
    rules: Arc<dyn Fn(&mut P) + Send + Sync>,
}

impl<P> Federation<P> {
    pub(crate) fn new(
        source: Arc<dyn EntitySource>,
        rules: impl Fn(&mut P) + Send + Sync + 'static,
    ) -> Self {
        Self {
            source,
            rules: Arc::new(rules),
        }
    }

    /// A peer of this federation by its rules.
    pub(crate) fn by_its_rules(&self, mut peer: P) -> P {
        (self.rules)(&mut peer);
        peer
    }

    /// An entity as it is described now, with the federation that describes it: the first that
    /// has it. One that has ended there is not looked for in the others.
    pub(crate) fn find<'a>(
        federations: &'a [Self],
        entity_id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<Option<(&'a Self, Arc<EntityDescriptor>)>, MetadataError> {
        for federation in federations {
            let entity = federation.source.entity(entity_id)?;
            // Under another name it is another entity, whatever the source took it for.
            if let Some(entity) = entity.filter(|entity| entity.entity_id == *entity_id) {
                let until = federation.source.valid_until();
                let lasts = until.is_none_or(|until| now < until) && entity.is_valid_at(now);
                return match lasts {
                    true => Ok(Some((federation, entity))),
                    false => Err(MetadataError::Expired),
                };
            }
        }
        Ok(None)
    }
}

impl<P> Clone for Federation<P> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            rules: Arc::clone(&self.rules),
        }
    }
}

impl<P> fmt::Debug for Federation<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Federation")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that has one entity under every name.
    #[derive(Debug)]
    struct Always(Arc<EntityDescriptor>);

    impl EntitySource for Always {
        fn entity(&self, _: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, MetadataError> {
            Ok(Some(Arc::clone(&self.0)))
        }

        fn entity_ids(&self) -> Vec<EntityId> {
            vec![self.0.entity_id.clone()]
        }

        fn valid_until(&self) -> Option<DateTime<Utc>> {
            None
        }
    }

    #[test]
    fn an_entity_is_found_by_its_own_name_only() {
        let id = |name: &str| EntityId::new(name).unwrap();
        let one = Arc::new(EntityDescriptor::new(id("https://one.example")));
        let federations = [Federation::<()>::new(Arc::new(Always(one)), |()| {})];
        let has = |name| {
            let found = Federation::find(&federations, &id(name), DateTime::UNIX_EPOCH);
            found.unwrap().is_some()
        };
        assert!(has("https://one.example"));
        assert!(!has("https://two.example"));
    }
}
