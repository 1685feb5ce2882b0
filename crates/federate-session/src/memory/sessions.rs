use super::MAKE_ROOM;
use crate::{
    AddParticipant, IndexKey, LifetimePolicy, LogoutKey, Participant, Revocation, Rotation,
    SessionKey, SessionRecord, SessionSnapshot, SessionState, StoreError, Subject, Termination,
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};

/// The sessions, with their indexes. A session is in `index` while it is open.
#[derive(Default)]
pub(super) struct Sessions {
    rows: HashMap<SessionKey, SessionSnapshot>,
    index: HashMap<IndexKey, BTreeSet<SessionKey>>,
    expiry: BTreeSet<(DateTime<Utc>, SessionKey)>,
    /// By the person, as in `index`.
    revocations: HashMap<IndexKey, Revocation>,
    revocation_expiry: BTreeSet<(DateTime<Utc>, IndexKey)>,
}

impl Sessions {
    /// A session as it stands, with what revoked it.
    pub(super) fn load(&self, key: &SessionKey) -> Option<SessionSnapshot> {
        let mut session = self.rows.get(key)?.clone();
        session.revoke(self.revocation(&session.record.subject));
        Some(session)
    }

    pub(super) fn revoke_subject(
        &mut self,
        subject: &Subject,
        by: LogoutKey,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let key = IndexKey::of_subject(subject);
        let last = self.revocations.get(&key);
        if last.is_none() && self.revocations.len() >= capacity {
            return Err(StoreError::Full { what: "revocation" });
        }
        let next = Revocation::next(last, by, now);
        if let Some(last) = self.revocations.insert(key.clone(), next) {
            let former = (last.retain_until(), key.clone());
            self.revocation_expiry.remove(&former);
        }
        self.revocation_expiry.insert((next.retain_until(), key));
        Ok(())
    }

    fn revocation(&self, subject: &Subject) -> Option<&Revocation> {
        if self.revocations.is_empty() {
            return None;
        }
        self.revocations.get(&IndexKey::of_subject(subject))
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
        let Some(mut session) = self.load(key) else {
            return SessionState::Unknown;
        };
        if session.touch(policy, now) {
            self.rows.insert(*key, session.clone());
        }
        session.state(now)
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
        if let Some(mut former) = self.load(old).filter(SessionSnapshot::is_open) {
            if former.record.subject != session.record.subject {
                return Ok(Rotation::OtherSubject);
            }
            session.participants = former.replace(now);
            self.close(former);
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
        let Some(mut session) = self.load(key) else {
            return Ok(AddParticipant::Unknown);
        };
        let outcome = session.add_participant(participant, now)?;
        if outcome == AddParticipant::Added {
            for index in IndexKey::all(&session) {
                self.index.entry(index).or_default().insert(*key);
            }
            self.rows.insert(*key, session);
        }
        Ok(outcome)
    }

    pub(super) fn terminate(
        &mut self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Termination {
        let Some(mut session) = self.load(key) else {
            return Termination::Unknown;
        };
        let outcome = session.terminate(by, now);
        if let Termination::Ended(ended) = &outcome {
            self.close((**ended).clone());
        }
        outcome
    }

    pub(super) fn find(
        &self,
        index: &IndexKey,
        is_meant: impl Fn(&SessionSnapshot) -> bool,
    ) -> Vec<SessionRecord> {
        let keys = self.index.get(index).into_iter().flatten();
        keys.filter_map(|key| self.load(key))
            .filter(|session| is_meant(session))
            .map(|session| session.record)
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
        let due = |(at, _): &(DateTime<Utc>, IndexKey)| *at <= now;
        while removed < limit && self.revocation_expiry.first().is_some_and(due) {
            if let Some((_, key)) = self.revocation_expiry.pop_first() {
                self.revocations.remove(&key);
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

    fn insert(&mut self, mut session: SessionSnapshot) {
        let revocation = self.revocation(&session.record.subject);
        session.record.epoch = Revocation::epoch(revocation);
        let key = session.record.key;
        for index in IndexKey::all(&session) {
            self.index.entry(index).or_default().insert(key);
        }
        self.expiry.insert((session.record.retain_until, key));
        self.rows.insert(key, session);
    }

    /// Stores a session that just ended, and lets nothing find it any more but its key.
    fn close(&mut self, session: SessionSnapshot) {
        let key = session.record.key;
        self.unindex(&key, IndexKey::all(&session));
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
