use super::MAKE_ROOM;
use crate::{Claimed, LogoutKey, LogoutScope, StoreError, Versioned};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeSet, HashMap};

/// The states of running logouts.
#[derive(Default)]
pub(super) struct Logouts {
    rows: HashMap<LogoutKey, Versioned>,
    expiry: BTreeSet<(DateTime<Utc>, LogoutKey)>,
    due: BTreeSet<(DateTime<Utc>, LogoutKey)>,
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
        self.due.extend(state.due.map(|due| (due, *key)));
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
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let state = self.rows.get_mut(key).ok_or(StoreError::Conflict)?;
        let next = state.next(version, value, due, now)?;
        if let Some(former) = state.due {
            self.due.remove(&(former, *key));
        }
        self.due.extend(due.map(|due| (due, *key)));
        *state = next;
        Ok(state.version)
    }

    pub(super) fn claim_due(
        &mut self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Vec<Claimed> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        let due = due.filter(|(_, key)| key.is_within(scope));
        let due: Vec<_> = due.copied().take(limit).collect();
        let mut claimed = Vec::with_capacity(due.len());
        for (at, key) in due {
            self.due.remove(&(at, key));
            if let Some(state) = self.rows.get_mut(&key).filter(|row| now < row.expires) {
                state.due = now.checked_add_signed(lease);
                self.due.extend(state.due.map(|due| (due, key)));
                let state = state.clone();
                claimed.push(Claimed { key, state });
            }
        }
        claimed
    }

    pub(super) fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> usize {
        let mut removed = 0;
        while removed < limit && self.expiry.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = self.expiry.pop_first() {
                let row = self.rows.remove(&key);
                if let Some(due) = row.and_then(|row| row.due) {
                    self.due.remove(&(due, key));
                }
            }
            removed += 1;
        }
        removed
    }
}
