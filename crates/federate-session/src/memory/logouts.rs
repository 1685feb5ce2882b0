use super::MAKE_ROOM;
use crate::{LogoutKey, StoreError, Versioned};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};

/// The states of running logouts.
#[derive(Default)]
pub(super) struct Logouts {
    rows: HashMap<LogoutKey, Versioned>,
    expiry: BTreeSet<(DateTime<Utc>, LogoutKey)>,
}

impl Logouts {
    pub(super) fn create(
        &mut self,
        key: &LogoutKey,
        state: Versioned,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let what = "logout";
        state.check(now)?;
        if self.rows.contains_key(key) {
            return Err(StoreError::AlreadyExists { what });
        }
        if self.rows.len() >= capacity {
            self.sweep(now, MAKE_ROOM);
        }
        if self.rows.len() >= capacity {
            return Err(StoreError::Full { what });
        }
        let version = state.version;
        self.expiry.insert((state.expires, *key));
        self.rows.insert(*key, state);
        Ok(version)
    }

    pub(super) fn load(&self, key: &LogoutKey, now: DateTime<Utc>) -> Option<Versioned> {
        self.rows
            .get(key)
            .filter(|state| now < state.expires)
            .cloned()
    }

    pub(super) fn compare_and_swap(
        &mut self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let state = self.rows.get_mut(key).ok_or(StoreError::Conflict)?;
        let next = state.next(version, value, now)?;
        *state = next;
        Ok(state.version)
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
}
