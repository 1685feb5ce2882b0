//! Entities that were asked for lately.

use crate::EntityDescriptor;
use federate_types::EntityId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What an entity costs at least, in octets of its description.
const LEAST: usize = 2048;

/// Holds descriptions of so many octets in all. What was not asked for since it was last looked
/// at makes room for others.
pub(super) struct Cache {
    allowed: usize,
    entries: RwLock<Entries>,
}

#[derive(Default)]
struct Entries {
    found: HashMap<EntityId, Entry>,
    /// In the order in which they are looked at.
    order: VecDeque<EntityId>,
    octets: usize,
}

struct Entry {
    entity: Arc<EntityDescriptor>,
    octets: usize,
    used: AtomicBool,
}

impl Cache {
    pub(super) fn new(allowed: usize) -> Self {
        Self {
            allowed,
            entries: RwLock::default(),
        }
    }

    pub(super) fn get(&self, id: &EntityId) -> Option<Arc<EntityDescriptor>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.found.get(id)?;
        entry.used.store(true, Ordering::Relaxed);
        Some(Arc::clone(&entry.entity))
    }

    pub(super) fn put(&self, entity: &Arc<EntityDescriptor>, octets: usize) {
        let octets = octets.max(LEAST);
        if octets > self.allowed {
            return;
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.found.contains_key(&entity.entity_id) {
            return;
        }
        while entries.octets + octets > self.allowed {
            entries.make_room();
        }
        entries.octets += octets;
        entries.order.push_back(entity.entity_id.clone());
        let entry = Entry {
            entity: Arc::clone(entity),
            octets,
            used: AtomicBool::new(false),
        };
        entries.found.insert(entity.entity_id.clone(), entry);
    }
}

impl Entries {
    /// Looks at the next one, which goes unless it was used.
    fn make_room(&mut self) {
        let Some(id) = self.order.pop_front() else {
            self.octets = 0;
            return;
        };
        match self.found.get(&id) {
            Some(entry) if entry.used.swap(false, Ordering::Relaxed) => self.order.push_back(id),
            _ => {
                let octets = self.found.remove(&id).map_or(0, |entry| entry.octets);
                self.octets = self.octets.saturating_sub(octets);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(number: usize) -> Arc<EntityDescriptor> {
        let id = EntityId::new(format!("urn:{number}")).unwrap();
        Arc::new(EntityDescriptor::new(id))
    }

    #[test]
    fn what_is_used_stays_and_no_more_than_allowed() {
        let cache = Cache::new(10 * LEAST);
        let first = entity(0);
        for number in 0..1000 {
            cache.put(&entity(number), 1);
            assert!(cache.get(&first.entity_id).is_some());
        }
        let entries = cache.entries.read().unwrap();
        assert_eq!(entries.found.len(), 10);
        assert_eq!(entries.order.len(), 10);
        assert_eq!(entries.octets, 10 * LEAST);
        drop(entries);
        assert!(cache.get(&entity(999).entity_id).is_some());
        assert!(cache.get(&entity(500).entity_id).is_none());
        // One that would need all the room is not held.
        let large = entity(2000);
        cache.put(&large, 10 * LEAST + 1);
        assert!(cache.get(&large.entity_id).is_none());
        cache.put(&large, 10 * LEAST);
        assert!(cache.get(&large.entity_id).is_some());
        assert_eq!(cache.entries.read().unwrap().found.len(), 1);
    }
}
