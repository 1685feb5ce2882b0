use super::MAKE_ROOM;
use super::index::{Fingerprint, Index, Place};
use super::packed::Packed;
use super::revocations::Revocations;
use super::shards::{Room, Shards, Two};
use super::slab::Slab;
use super::words::Words;
use crate::{
    AddParticipant, IndexKey, LifetimePolicy, LogoutKey, Participant, ParticipantQuery, Revocation,
    Rotation, SessionCheck, SessionKey, SessionRecord, SessionSnapshot, SessionState, StoreError,
    Subject, Termination,
};
use chrono::{DateTime, Utc};
use federate_types::NameId;

/// The sessions, with their indexes. An open session is in `index` under all of its keys.
///
/// Locks are taken in this order: `ids`; a shard of sessions, or two, the lower first; then,
/// one at a time, a shard of the index or of the revocations. Whoever changes what the index
/// says of a session holds the session's lock, so a candidate is confirmed after the change
/// or not found before it.
pub(super) struct Sessions {
    shards: Shards<Slab>,
    /// By the fingerprint of a public id: of two new sessions with one id, one is first.
    ids: Shards<()>,
    index: Index,
    revocations: Revocations,
    words: Words,
    room: Room,
}

const WHAT: &str = "session";

impl Sessions {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: Shards::default(),
            ids: Shards::default(),
            index: Index::default(),
            revocations: Revocations::new(capacity),
            words: Words::default(),
            room: Room::new(capacity),
        }
    }

    /// What a session is worth, without its record.
    pub(super) fn check(
        &self,
        key: &SessionKey,
        now: DateTime<Utc>,
    ) -> Result<SessionCheck, StoreError> {
        let slab = self.shards.lock(shard(key));
        let Some((_, packed)) = slab.find(key).and_then(|slot| slab.at(slot)) else {
            return Ok(SessionCheck::Unknown);
        };
        let reason = match self.revocations.may_concern(packed.person) {
            true => self.whole(key, packed)?.record.end_reason(now),
            false => packed.end_reason(now).ok_or_else(damaged)?,
        };
        Ok(reason.map_or(SessionCheck::Alive, SessionCheck::Ended))
    }

    pub(super) fn load(
        &self,
        key: &SessionKey,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        let slab = self.shards.lock(shard(key));
        let Some((_, packed)) = slab.find(key).and_then(|slot| slab.at(slot)) else {
            return Ok(SessionState::Unknown);
        };
        self.state(key, packed, now)
    }

    /// A session as it stands, with what revoked it.
    pub(super) fn snapshot(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        let slab = self.shards.lock(shard(key));
        let found = slab.find(key).and_then(|slot| slab.at(slot));
        found.map(|(_, packed)| self.whole(key, packed)).transpose()
    }

    pub(super) fn touch(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        let mut slab = self.shards.lock(shard(key));
        let Some(slot) = slab.find(key) else {
            return Ok(SessionState::Unknown);
        };
        let Some(packed) = slab.at_mut(slot) else {
            return Ok(SessionState::Unknown);
        };
        if !packed.is_ended() && !self.revocations.may_concern(packed.person) {
            let lifetime = packed.lifetime().ok_or_else(damaged)?;
            if packed.write(&lifetime.touch(policy, now)) {
                return self.state(key, packed, now);
            }
        }
        let mut session = self.whole(key, packed)?;
        if session.touch(policy, now) {
            *packed = Packed::new(&session, packed.person, &self.words);
        }
        Ok(session.state(now))
    }

    pub(super) fn create(
        &self,
        record: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.admit(None, record, now).map(|_| ())
    }

    pub(super) fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        self.admit(Some(old), new, now)
    }

    /// Lets a new session in, in the place of an old one if there is one.
    fn admit(
        &self,
        old: Option<&SessionKey>,
        record: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        if record.end_reason(now).is_some() {
            return Err(StoreError::AlreadyExpired { what: WHAT });
        }
        if let Some(upstream) = &record.upstream {
            check_name(&upstream.name_id)?;
        }
        check_subject(&record.subject)?;
        let id = IndexKey::of_id(record.tenant(), &record.id);
        let fingerprint = self.index.fingerprint(&id);
        let _first = self.ids.lock(fingerprint.shard());
        let is_it = |row: &SessionSnapshot| {
            row.record.tenant() == record.tenant() && row.record.id == record.id
        };
        if !self.find(&id, is_it)?.is_empty() {
            return Err(StoreError::AlreadyExists { what: WHAT });
        }
        if let Some(rotation) = self.try_admit(old, &record, now)? {
            return Ok(rotation);
        }
        self.sweep(now, MAKE_ROOM);
        self.try_admit(old, &record, now)?
            .ok_or(StoreError::Full { what: WHAT })
    }

    /// Lets a new session in whose id is free; `None` when there is no room.
    fn try_admit(
        &self,
        old: Option<&SessionKey>,
        record: &SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Option<Rotation>, StoreError> {
        let key = record.key;
        let old = old.unwrap_or(&key);
        let mut slabs = self.shards.lock_two(shard(old), shard(&key));
        let slab = slabs.part(shard(&key));
        if slab.find(&key).is_some() {
            return Err(StoreError::AlreadyExists { what: WHAT });
        }
        let Some(slot) = slab.next_slot().filter(|_| !self.room.is_full()) else {
            return Ok(None);
        };
        let mut session = SessionSnapshot::new(record.clone());
        let person = IndexKey::of_subject(&record.subject);
        let fingerprint = self.index.fingerprint(&person);
        // Read once: old and new are on the same side of a revocation.
        let revocation = self.revocations.of(fingerprint, &person);
        session.record.epoch = Revocation::epoch(revocation.as_ref());

        let mut former = self.former(&mut slabs, old)?;
        if let Some((_, former)) = &mut former {
            if former.record.subject == record.subject {
                former.revoke(revocation.as_ref());
            } else {
                self.revoke(former);
            }
        }
        let mut former = former.filter(|(_, former)| former.is_open());
        if let Some((_, former)) = &mut former {
            if former.record.subject != record.subject {
                return Ok(Some(Rotation::OtherSubject));
            }
            session.participants = former.replace(now);
        }
        if !self.room.take() {
            return Ok(None);
        }
        // The new one is in the index before the old one leaves: one of them is always found.
        let place = Place::new(shard(&key), slot);
        for index in IndexKey::all(&session) {
            self.index.insert(self.index.fingerprint(&index), place);
        }
        let packed = Packed::new(&session, fingerprint, &self.words);
        let slab = slabs.part(shard(&key));
        slab.insert(key, packed, record.retain_until);
        if let Some((slot, former)) = former {
            self.close(slabs.part(shard(old)), slot, &former);
        }
        let carried = session.participants.len();
        Ok(Some(Rotation::Rotated { carried }))
    }

    /// The session that a new one replaces, as it is stored.
    fn former(
        &self,
        slabs: &mut Two<'_, Slab>,
        old: &SessionKey,
    ) -> Result<Option<(u32, SessionSnapshot)>, StoreError> {
        let slab = slabs.part(shard(old));
        let Some(slot) = slab.find(old) else {
            return Ok(None);
        };
        let Some((_, packed)) = slab.at(slot) else {
            return Ok(None);
        };
        Ok(Some((slot, self.stored(old, packed)?)))
    }

    pub(super) fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        check_name(&participant.name_id)?;
        let mut slab = self.shards.lock(shard(key));
        let Some(slot) = slab.find(key) else {
            return Ok(AddParticipant::Unknown);
        };
        let Some(packed) = slab.at_mut(slot) else {
            return Ok(AddParticipant::Unknown);
        };
        let mut session = self.whole(key, packed)?;
        let index = IndexKey::of_participant(&ParticipantQuery {
            tenant: session.record.tenant().clone(),
            issuer: participant.entity_id.clone(),
            name_id: participant.name_id.clone(),
            session_indexes: Vec::new(),
        });
        let outcome = session.add_participant(participant, now)?;
        if outcome == AddParticipant::Added {
            let place = Place::new(shard(key), slot);
            self.index.insert(self.index.fingerprint(&index), place);
            *packed = Packed::new(&session, packed.person, &self.words);
        }
        Ok(outcome)
    }

    pub(super) fn terminate(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Termination, StoreError> {
        let mut slab = self.shards.lock(shard(key));
        let Some(slot) = slab.find(key) else {
            return Ok(Termination::Unknown);
        };
        let Some((_, packed)) = slab.at(slot) else {
            return Ok(Termination::Unknown);
        };
        let mut session = self.whole(key, packed)?;
        let outcome = session.terminate(by, now);
        if let Termination::Ended(ended) = &outcome {
            self.close(&mut slab, slot, ended);
        }
        Ok(outcome)
    }

    pub(super) fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let key = IndexKey::of_subject(subject);
        let person = self.index.fingerprint(&key);
        self.revocations.add(person, &key, by, now)
    }

    /// The sessions under a key that are meant, in the order of their own keys.
    pub(super) fn find(
        &self,
        index: &IndexKey,
        is_meant: impl Fn(&SessionSnapshot) -> bool,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let fingerprint = self.index.fingerprint(index);
        loop {
            let mut found = Vec::new();
            let mut others = Vec::new();
            for place in self.index.find(fingerprint) {
                let slab = self.shards.lock(place.shard());
                let stored = slab.at(place.slot());
                let stored = stored.map(|(key, packed)| self.stored(key, packed));
                let open = stored.transpose()?.filter(SessionSnapshot::is_open);
                let meant = open.and_then(|mut session| {
                    self.revoke(&mut session);
                    is_meant(&session).then_some(session.record)
                });
                match meant {
                    Some(record) => found.push(record),
                    None => others.push(place),
                }
            }
            // One that left the index since may have left it for a successor.
            let is_settled = others.is_empty() || {
                let still = self.index.find(fingerprint);
                others.iter().all(|place| still.contains(place))
            };
            if is_settled {
                found.sort_unstable_by_key(|record| record.key);
                return Ok(found);
            }
        }
    }

    /// Forgets up to `limit` sessions.
    fn sweep(&self, now: DateTime<Utc>, limit: usize) {
        let mut removed = 0;
        for shard in 0..=u8::MAX {
            removed += self.sweep_shard(shard, now, limit - removed);
        }
    }

    /// Forgets up to `limit` sessions of one shard, and says how many.
    pub(super) fn sweep_shard(&self, shard: u8, now: DateTime<Utc>, limit: usize) -> usize {
        let mut slab = self.shards.lock(shard);
        let mut removed = 0;
        while removed < limit
            && let Some(slot) = slab.pop_due(now)
        {
            if let Some((key, packed)) = slab.at(slot)
                && let Some(session) = packed.snapshot(*key, &self.words)
                && session.is_open()
            {
                self.unindex(Place::new(shard, slot), &session);
            }
            slab.remove(slot);
            removed += 1;
        }
        self.room.give_back(removed);
        removed
    }

    /// Forgets up to `limit` revocations that no session needs any more.
    pub(super) fn sweep_revocations(&self, now: DateTime<Utc>, limit: usize) -> usize {
        self.revocations.sweep(now, limit)
    }

    /// Stores a session that just ended, and lets nothing find it any more but its key.
    fn close(&self, slab: &mut Slab, slot: u32, session: &SessionSnapshot) {
        self.unindex(Place::new(shard(&session.record.key), slot), session);
        if let Some(packed) = slab.at_mut(slot) {
            *packed = Packed::new(session, packed.person, &self.words);
        }
    }

    fn unindex(&self, place: Place, session: &SessionSnapshot) {
        for index in IndexKey::all(session) {
            self.index.remove(self.index.fingerprint(&index), place);
        }
    }

    /// What a session is worth at `now`.
    fn state(
        &self,
        key: &SessionKey,
        packed: &Packed,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        if self.revocations.may_concern(packed.person) {
            return Ok(self.whole(key, packed)?.state(now));
        }
        Ok(match packed.end_reason(now).ok_or_else(damaged)? {
            Some(reason) => SessionState::Ended(reason),
            None => {
                let record = packed.record(*key, &self.words);
                SessionState::Alive(Box::new(record.ok_or_else(damaged)?))
            }
        })
    }

    /// A session with what revoked it.
    fn whole(&self, key: &SessionKey, packed: &Packed) -> Result<SessionSnapshot, StoreError> {
        let mut session = self.stored(key, packed)?;
        if self.revocations.may_concern(packed.person) {
            self.revoke(&mut session);
        }
        Ok(session)
    }

    fn stored(&self, key: &SessionKey, packed: &Packed) -> Result<SessionSnapshot, StoreError> {
        packed.snapshot(*key, &self.words).ok_or_else(damaged)
    }

    fn revoke(&self, session: &mut SessionSnapshot) {
        let person = IndexKey::of_subject(&session.record.subject);
        let fingerprint: Fingerprint = self.index.fingerprint(&person);
        session.revoke(self.revocations.of(fingerprint, &person).as_ref());
    }
}

/// The shard of a session.
const fn shard(key: &SessionKey) -> u8 {
    key.as_bytes()[0]
}

const fn damaged() -> StoreError {
    StoreError::Corrupt { what: WHAT }
}

/// What came in by way of serde may be what no constructor lets through; packed, it would not
/// come out again.
fn check_name(name: &NameId) -> Result<(), StoreError> {
    let made = NameId::new(name.value(), None);
    made.map(|_| ()).map_err(|_| damaged())
}

/// As [`check_name`].
fn check_subject(subject: &Subject) -> Result<(), StoreError> {
    let made = Subject::new(
        subject.tenant.clone(),
        subject.connection.clone(),
        subject.issuer.clone(),
        subject.subject(),
    );
    made.map(|_| ()).map_err(|_| damaged())
}
