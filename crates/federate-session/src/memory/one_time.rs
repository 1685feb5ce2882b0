use super::MAKE_ROOM;
use super::shards::{Room, Shards};
use crate::{Namespace, OneTimeEntry, OneTimeKey, PutNew, Redemption, StoreError};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

pub(super) type Key = (Namespace, OneTimeKey);

/// The values for one use.
pub(super) struct OneTime {
    shards: Shards<Shard>,
    /// Chooses the shard: keys are hashes, but of what outsiders choose.
    hasher: RandomState,
    room: Room,
}

#[derive(Default)]
struct Shard {
    rows: HashMap<Key, (DateTime<Utc>, Vec<u8>)>,
    expiry: BTreeSet<(DateTime<Utc>, Key)>,
}

impl OneTime {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: Shards::default(),
            hasher: RandomState::new(),
            room: Room::new(capacity),
        }
    }

    pub(super) fn put_new(
        &self,
        entry: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<PutNew, StoreError> {
        match self.redeem(None, entry, now)? {
            Redemption::Redeemed { .. } => Ok(PutNew::Inserted),
            _ => Ok(PutNew::AlreadyPresent),
        }
    }

    pub(super) fn peek(&self, key: Key, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let shard = self.shards.lock(self.shard(&key));
        let (expires, value) = shard.rows.get(&key)?;
        (now < *expires).then(|| value.clone())
    }

    pub(super) fn take(&self, key: Key, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let (expires, value) = self.shards.lock(self.shard(&key)).remove(key)?;
        self.room.give_back(1);
        (now < expires).then_some(value)
    }

    pub(super) fn redeem(
        &self,
        request: Option<Key>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption, StoreError> {
        replay.check(now)?;
        if let Some(outcome) = self.try_redeem(request, &replay, now) {
            return Ok(outcome);
        }
        let mut removed = 0;
        for shard in 0..=u8::MAX {
            removed += self.sweep_shard(shard, now, MAKE_ROOM - removed);
        }
        let what = "one-time value";
        self.try_redeem(request, &replay, now)
            .ok_or(StoreError::Full { what })
    }

    /// Redeems; `None` when there is no room.
    fn try_redeem(
        &self,
        request: Option<Key>,
        replay: &OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Option<Redemption> {
        let key = (replay.namespace, replay.key);
        let place = self.shard(&key);
        let request = request.map(|key| (self.shard(&key), key));
        let mut shards = self
            .shards
            .lock_two(place, request.map_or(place, |(at, _)| at));
        if shards.part(place).is_present(key, now) {
            return Some(Redemption::Replayed);
        }
        let mut places = 1; // that the new entry needs
        let mut value = None;
        if let Some((at, request)) = request {
            let shard = shards.part(at);
            if !shard.is_present(request, now) {
                return Some(Redemption::UnknownRequest);
            }
            value = shard.remove(request).map(|(_, value)| value);
            places -= 1; // the request's own is free
        }
        let shard = shards.part(place);
        if shard.remove(key).is_some() {
            match places {
                0 => self.room.give_back(1),
                _ => places -= 1, // an expired one with the same key
            }
        }
        if places > 0 && !self.room.take() {
            return None; // no request was consumed: it would have given its place
        }
        shard.insert(key, replay);
        Some(Redemption::Redeemed { request: value })
    }

    /// Forgets up to `limit` values of one shard, and says how many.
    pub(super) fn sweep_shard(&self, shard: u8, now: DateTime<Utc>, limit: usize) -> usize {
        let removed = self.shards.lock(shard).sweep(now, limit);
        self.room.give_back(removed);
        removed
    }

    fn shard(&self, key: &Key) -> u8 {
        let [shard, ..] = self.hasher.hash_one(key).to_be_bytes();
        shard
    }
}

impl Shard {
    fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> usize {
        let mut removed = 0;
        while removed < limit && self.expiry.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = self.expiry.pop_first() {
                self.rows.remove(&key);
            }
            removed += 1;
        }
        removed
    }

    fn is_present(&self, key: Key, now: DateTime<Utc>) -> bool {
        self.rows
            .get(&key)
            .is_some_and(|(expires, _)| now < *expires)
    }

    fn insert(&mut self, key: Key, entry: &OneTimeEntry) {
        self.expiry.insert((entry.expires, key));
        self.rows.insert(key, (entry.expires, entry.value.clone()));
    }

    fn remove(&mut self, key: Key) -> Option<(DateTime<Utc>, Vec<u8>)> {
        let row = self.rows.remove(&key)?;
        self.expiry.remove(&(row.0, key));
        Some(row)
    }
}
