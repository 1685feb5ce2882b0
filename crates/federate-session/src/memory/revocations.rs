use super::index::Fingerprint;
use super::shards::{Room, Shards};
use crate::{IndexKey, LogoutKey, Revocation, StoreError};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};

/// What revoked all sessions of a person, by the person.
pub(super) struct Revocations {
    shards: Shards<Shard>,
    room: Room,
}

#[derive(Default)]
struct Shard {
    /// Fingerprints are hashes already, but few are alike: each has its list.
    rows: HashMap<Fingerprint, Vec<(IndexKey, Revocation)>>,
    expiry: BTreeSet<(DateTime<Utc>, Fingerprint, IndexKey)>,
}

impl Revocations {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: Shards::default(),
            room: Room::new(capacity),
        }
    }

    /// Whether a person of this fingerprint was ever revoked.
    pub(super) fn may_concern(&self, person: Fingerprint) -> bool {
        !self.room.is_empty() && self.shards.lock(person.shard()).rows.contains_key(&person)
    }

    /// What revoked the person last. `key` is the person's.
    pub(super) fn of(&self, person: Fingerprint, key: &IndexKey) -> Option<Revocation> {
        if self.room.is_empty() {
            return None;
        }
        self.shards.lock(person.shard()).of(person, key)
    }

    pub(super) fn add(
        &self,
        person: Fingerprint,
        key: &IndexKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut shard = self.shards.lock(person.shard());
        let last = shard.of(person, key);
        if last.is_none() && !self.room.take() {
            return Err(StoreError::Full { what: "revocation" });
        }
        let next = Revocation::next(last.as_ref(), by, now);
        if let Some(last) = last {
            shard.forget(person, key);
            let former = (last.retain_until(), person, key.clone());
            shard.expiry.remove(&former);
        }
        let rows = shard.rows.entry(person).or_default();
        rows.push((key.clone(), next));
        shard
            .expiry
            .insert((next.retain_until(), person, key.clone()));
        Ok(())
    }

    /// Forgets up to `limit` that are older than any session.
    pub(super) fn sweep(&self, now: DateTime<Utc>, limit: usize) -> usize {
        if self.room.is_empty() {
            return 0;
        }
        let mut removed = 0;
        for number in 0..=u8::MAX {
            let mut shard = self.shards.lock(number);
            let due = |(at, ..): &(DateTime<Utc>, Fingerprint, IndexKey)| *at <= now;
            while removed < limit && shard.expiry.first().is_some_and(due) {
                if let Some((_, person, key)) = shard.expiry.pop_first() {
                    shard.forget(person, &key);
                    self.room.give_back(1);
                }
                removed += 1;
            }
        }
        removed
    }
}

impl Shard {
    fn of(&self, person: Fingerprint, key: &IndexKey) -> Option<Revocation> {
        let rows = self.rows.get(&person)?;
        let row = rows.iter().find(|(of, _)| of == key);
        row.map(|(_, revocation)| *revocation)
    }

    fn forget(&mut self, person: Fingerprint, key: &IndexKey) {
        if let Some(rows) = self.rows.get_mut(&person) {
            rows.retain(|(of, _)| of != key);
            if rows.is_empty() {
                self.rows.remove(&person);
            }
        }
    }
}
