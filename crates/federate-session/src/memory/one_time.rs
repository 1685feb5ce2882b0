use super::MAKE_ROOM;
use crate::{Namespace, OneTimeEntry, OneTimeKey, PutNew, Redemption, StoreError};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};

type Key = (Namespace, OneTimeKey);

/// The values for one use.
#[derive(Default)]
pub(super) struct OneTime {
    rows: HashMap<Key, (DateTime<Utc>, Vec<u8>)>,
    expiry: BTreeSet<(DateTime<Utc>, Key)>,
}

impl OneTime {
    pub(super) fn put_new(
        &mut self,
        entry: OneTimeEntry,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<PutNew, StoreError> {
        entry.check(now)?;
        if self.is_present((entry.namespace, entry.key), now) {
            return Ok(PutNew::AlreadyPresent);
        }
        self.make_room(capacity, now)?;
        self.insert(entry);
        Ok(PutNew::Inserted)
    }

    pub(super) fn peek(&self, key: Key, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let (expires, value) = self.rows.get(&key)?;
        (now < *expires).then(|| value.clone())
    }

    pub(super) fn take(&mut self, key: Key, now: DateTime<Utc>) -> Option<Vec<u8>> {
        let (expires, value) = self.remove(key)?;
        (now < expires).then_some(value)
    }

    pub(super) fn redeem(
        &mut self,
        request: Option<Key>,
        replay: OneTimeEntry,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Redemption, StoreError> {
        replay.check(now)?;
        if self.is_present((replay.namespace, replay.key), now) {
            return Ok(Redemption::Replayed);
        }
        if request.is_some_and(|key| !self.is_present(key, now)) {
            return Ok(Redemption::UnknownRequest);
        }
        if request.is_none() {
            self.make_room(capacity, now)?; // otherwise the request's own place is free
        }
        let request = request.and_then(|key| self.take(key, now));
        self.insert(replay);
        Ok(Redemption::Redeemed { request })
    }

    pub(super) fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> usize {
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

    fn make_room(&mut self, capacity: usize, now: DateTime<Utc>) -> Result<(), StoreError> {
        if self.rows.len() >= capacity {
            self.sweep(now, MAKE_ROOM);
        }
        if self.rows.len() >= capacity {
            return Err(StoreError::Full {
                what: "one-time value",
            });
        }
        Ok(())
    }

    fn insert(&mut self, entry: OneTimeEntry) {
        let key = (entry.namespace, entry.key);
        self.remove(key); // an expired one with the same key
        self.expiry.insert((entry.expires, key));
        self.rows.insert(key, (entry.expires, entry.value));
    }

    fn remove(&mut self, key: Key) -> Option<(DateTime<Utc>, Vec<u8>)> {
        let row = self.rows.remove(&key)?;
        self.expiry.remove(&(row.0, key));
        Some(row)
    }
}
