//! Which entities of one aggregate are not as in another.

use super::Aggregate;
use federate_types::EntityId;
use std::collections::{BTreeSet, HashMap};

impl Aggregate {
    /// The entities that only one of the two has, or whose octets differ; in their order. It reads
    /// nothing: of two documents of a federation, which differ in a few entities, only those have
    /// to be read. Of aggregates that were not verified, every entity counts as different.
    #[must_use]
    pub fn differing(&self, before: &Self) -> Vec<EntityId> {
        let (now, then) = (self.digests(), before.digests());
        let differs = |id: &&EntityId| match (now.get(id), then.get(id)) {
            (Some(Some(now)), Some(Some(then))) => now != then,
            _ => true,
        };
        let all: BTreeSet<&EntityId> = now.keys().chain(then.keys()).copied().collect();
        all.into_iter().filter(differs).cloned().collect()
    }

    /// Of several descriptions of one entity the first counts.
    fn digests(&self) -> HashMap<&EntityId, Option<[u8; 32]>> {
        let mut digests = HashMap::new();
        for entry in &self.index.entries {
            digests.entry(&entry.entity_id).or_insert(entry.digest);
        }
        digests
    }
}
