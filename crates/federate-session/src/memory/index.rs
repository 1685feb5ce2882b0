use super::shards::Shards;
use crate::IndexKey;
use hashbrown::HashTable;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

/// Where a session lies: its shard in the upper octet, its slot in the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u32);

impl Place {
    /// How many slots a shard may have.
    pub(super) const SLOTS: u32 = 1 << 24;

    pub(super) fn new(shard: u8, slot: u32) -> Self {
        Self(u32::from(shard) << 24 | slot & (Self::SLOTS - 1))
    }

    pub(super) const fn shard(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    pub(super) const fn slot(self) -> u32 {
        self.0 & (Self::SLOTS - 1)
    }
}

/// What an index key is known by: 32 bits of a keyed hash. Different keys may have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Fingerprint(pub(super) u32);

impl Fingerprint {
    /// The shard that it chooses.
    pub(super) const fn shard(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// Its hash in a table: tables want bits at both ends.
    pub(super) const fn spread(self) -> u64 {
        (self.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Where the open sessions lie that a key may mean: candidates, for the record to confirm.
#[derive(Default)]
pub(super) struct Index {
    shards: Shards<Shard>,
    hasher: RandomState,
}

#[derive(Default)]
struct Shard {
    entries: HashTable<(Fingerprint, Place)>,
    /// The places of fingerprints that have more than [`FEW`].
    crowds: HashMap<Fingerprint, BTreeSet<Place>>,
}

/// How many places of one fingerprint lie in the table. The table searches entries of one
/// fingerprint one by one, and whoever signs in often enough may have any number.
const FEW: usize = 8;

impl Index {
    pub(super) fn fingerprint(&self, key: &IndexKey) -> Fingerprint {
        let [a, b, c, d, ..] = self.hasher.hash_one(key).to_be_bytes();
        Fingerprint(u32::from_be_bytes([a, b, c, d]))
    }

    pub(super) fn insert(&self, fingerprint: Fingerprint, place: Place) {
        let mut shard = self.shards.lock(fingerprint.shard());
        shard.insert(fingerprint, place);
    }

    pub(super) fn remove(&self, fingerprint: Fingerprint, place: Place) {
        let mut shard = self.shards.lock(fingerprint.shard());
        shard.remove(fingerprint, place);
    }

    /// The candidates, each once.
    pub(super) fn find(&self, fingerprint: Fingerprint) -> Vec<Place> {
        self.shards.lock(fingerprint.shard()).find(fingerprint)
    }
}

impl Shard {
    fn insert(&mut self, fingerprint: Fingerprint, place: Place) {
        if let Some(crowd) = self.crowds.get_mut(&fingerprint) {
            crowd.insert(place);
            return;
        }
        let mut found = self.find(fingerprint);
        if found.contains(&place) {
            return;
        }
        if found.len() < FEW {
            let spread = fingerprint.spread();
            self.entries
                .insert_unique(spread, (fingerprint, place), |(f, _)| f.spread());
            return;
        }
        for place in &found {
            self.remove_entry(fingerprint, *place);
        }
        found.push(place);
        self.crowds.insert(fingerprint, found.into_iter().collect());
    }

    fn remove(&mut self, fingerprint: Fingerprint, place: Place) {
        if let Some(crowd) = self.crowds.get_mut(&fingerprint) {
            crowd.remove(&place);
            if crowd.is_empty() {
                self.crowds.remove(&fingerprint);
            }
            return;
        }
        self.remove_entry(fingerprint, place);
    }

    fn remove_entry(&mut self, fingerprint: Fingerprint, place: Place) {
        let is_it = |entry: &(Fingerprint, Place)| *entry == (fingerprint, place);
        if let Ok(entry) = self.entries.find_entry(fingerprint.spread(), is_it) {
            entry.remove();
        }
    }

    fn find(&self, fingerprint: Fingerprint) -> Vec<Place> {
        if let Some(crowd) = self.crowds.get(&fingerprint) {
            return crowd.iter().copied().collect();
        }
        let entries = self.entries.iter_hash(fingerprint.spread());
        let of_it = entries.filter(|(f, _)| *f == fingerprint);
        of_it.map(|(_, place)| *place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_hold_shard_and_slot() {
        let place = Place::new(255, Place::SLOTS - 1);
        assert_eq!((place.shard(), place.slot()), (255, Place::SLOTS - 1));
        let place = Place::new(1, 2);
        assert_eq!((place.shard(), place.slot()), (1, 2));
    }

    #[test]
    fn few_and_many_behave_alike() {
        let mut shard = Shard::default();
        let (one, other) = (Fingerprint(7), Fingerprint(8));
        shard.insert(other, Place::new(9, 9));
        for most in [FEW, FEW + 1, 3 * FEW] {
            let places: Vec<_> = (0..most).map(|n| Place::new(1, n as u32)).collect();
            for place in places.iter().chain(&places) {
                shard.insert(one, *place);
            }
            let mut found = shard.find(one);
            found.sort_unstable();
            assert_eq!(found, places);
            for place in &places {
                shard.remove(one, *place);
            }
            shard.remove(one, Place::new(1, 1));
            assert_eq!(shard.find(one), []);
        }
        assert_eq!(shard.find(other), [Place::new(9, 9)]);
        assert!(shard.crowds.is_empty());
    }
}
