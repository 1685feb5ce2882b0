use super::MAKE_ROOM;
use crate::{
    AddParticipant, IndexKey, LifetimePolicy, LogoutKey, Participant, Rotation, SessionKey,
    SessionRecord, SessionSnapshot, SessionState, StoreError, Termination,
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};

/// The sessions, with their indexes. A session is in `index` while it is open.
#[derive(Default)]
pub(super) struct Sessions {
    rows: HashMap<SessionKey, SessionSnapshot>,
    index: HashMap<IndexKey, BTreeSet<SessionKey>>,
    expiry: BTreeSet<(DateTime<Utc>, SessionKey)>,
}

impl Sessions {
    pub(super) fn row(&self, key: &SessionKey) -> Option<&SessionSnapshot> {
        self.rows.get(key)
    }

    pub(super) fn create(
        &mut self,
        session: SessionSnapshot,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.check_new(&session.record, capacity, now)?;
        self.insert(session);
        Ok(())
    }

    pub(super) fn touch(
        &mut self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> SessionState {
        let Some(row) = self.rows.get_mut(key) else {
            return SessionState::Unknown;
        };
        row.touch(policy, now);
        row.state(now)
    }

    pub(super) fn rotate(
        &mut self,
        old: &SessionKey,
        new: SessionRecord,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        self.check_new(&new, capacity, now)?;
        let mut session = SessionSnapshot::new(new);
        if let Some(row) = self.rows.get_mut(old).filter(|row| row.is_open()) {
            if row.record.subject != session.record.subject {
                return Ok(Rotation::OtherSubject);
            }
            let keys = IndexKey::all(row);
            session.participants = row.replace(now);
            self.unindex(old, keys);
        }
        let carried = session.participants.len();
        self.insert(session);
        Ok(Rotation::Rotated { carried })
    }

    pub(super) fn add_participant(
        &mut self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        let Some(row) = self.rows.get_mut(key) else {
            return Ok(AddParticipant::Unknown);
        };
        let outcome = row.add_participant(participant, now)?;
        if outcome == AddParticipant::Added {
            for index in IndexKey::all(row) {
                self.index.entry(index).or_default().insert(*key);
            }
        }
        Ok(outcome)
    }

    pub(super) fn terminate(
        &mut self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Termination {
        let Some(row) = self.rows.get_mut(key) else {
            return Termination::Unknown;
        };
        let outcome = row.terminate(by, now);
        let keys = IndexKey::all(row);
        self.unindex(key, keys);
        outcome
    }

    pub(super) fn find(
        &self,
        index: &IndexKey,
        is_meant: impl Fn(&SessionSnapshot) -> bool,
    ) -> Vec<SessionRecord> {
        let keys = self.index.get(index).into_iter().flatten();
        keys.filter_map(|key| self.rows.get(key))
            .filter(|row| is_meant(row))
            .map(|row| row.record.clone())
            .collect()
    }

    pub(super) fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> usize {
        let mut removed = 0;
        while removed < limit && self.expiry.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, key)) = self.expiry.pop_first()
                && let Some(row) = self.rows.remove(&key)
            {
                self.unindex(&key, IndexKey::all(&row));
            }
            removed += 1;
        }
        removed
    }

    fn check_new(
        &mut self,
        record: &SessionRecord,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if record.end_reason(now).is_some() {
            return Err(StoreError::AlreadyExpired { what: "session" });
        }
        let id = IndexKey::of_id(record.tenant(), &record.id);
        if self.rows.contains_key(&record.key) || self.index.contains_key(&id) {
            return Err(StoreError::AlreadyExists { what: "session" });
        }
        if self.rows.len() >= capacity {
            self.sweep(now, MAKE_ROOM);
        }
        if self.rows.len() >= capacity {
            return Err(StoreError::Full { what: "session" });
        }
        Ok(())
    }

    fn insert(&mut self, session: SessionSnapshot) {
        let key = session.record.key;
        for index in IndexKey::all(&session) {
            self.index.entry(index).or_default().insert(key);
        }
        self.expiry.insert((session.record.retain_until, key));
        self.rows.insert(key, session);
    }

    fn unindex(&mut self, key: &SessionKey, keys: Vec<IndexKey>) {
        for index in keys {
            if let Some(under) = self.index.get_mut(&index) {
                under.remove(key);
                if under.is_empty() {
                    self.index.remove(&index);
                }
            }
        }
    }
}
