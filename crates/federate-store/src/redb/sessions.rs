//! The session verbs, within one transaction.
//!
//! A session has a number. Under its key stands its life, the small part that changes; under
//! its number the part that never changes, and each of its participants. So an activity
//! rewrites some tens of bytes, and indexes hold numbers.

mod rows;

use self::rows::{Life, Rows, place, subject_hash};
use super::error::OrFailed as _;
use super::tables::{
    Hash, LIVES, Octets, Place, REVOCATION_EXPIRY, REVOCATIONS, SESSION_EXPIRY, SESSION_INDEX,
    SESSIONS, View, sweep_second,
};
use super::writer::Done;
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{
    AddParticipant, IndexKey, LifetimePolicy, LogoutKey, Participant, ParticipantQuery, Revocation,
    Rotation, SessionKey, SessionRecord, SessionSnapshot, SessionState, StoreError, Subject,
    Termination,
};
use redb::{
    ReadOnlyTable, ReadableTable as _, ReadableTableMetadata as _, Table, WriteTransaction,
};

const WHAT: &str = "session";

/// How many expired entries a full store removes to make room for a new one.
pub(crate) const MAKE_ROOM: usize = 64;

type Result<T> = std::result::Result<T, StoreError>;

/// A session without its participants, as it stands, and its number.
pub(crate) fn record(view: &View, key: &SessionKey) -> Result<Option<(u64, SessionSnapshot)>> {
    rows(view).bare(key)
}

pub(crate) fn snapshot(view: &View, key: &SessionKey) -> Result<Option<SessionSnapshot>> {
    let session = rows(view).whole(key)?;
    Ok(session.map(|(_, session)| session))
}

type Lives<'txn> = Table<'txn, Hash, Octets>;
type SessionRows<'txn> = Table<'txn, (u64, u16), Octets>;
type ReadLives = ReadOnlyTable<Hash, Octets>;
type ReadSessions = ReadOnlyTable<(u64, u16), Octets>;

/// What the candidates under an index key must be to be meant.
pub(crate) enum Meant<'a> {
    /// By record alone.
    Record(&'a dyn Fn(&SessionRecord) -> bool),
    /// By record and participants.
    Whole(&'a dyn Fn(&SessionSnapshot) -> bool),
}

/// The open sessions under an index key that are meant.
pub(crate) fn find(view: &View, index: &IndexKey, meant: &Meant<'_>) -> Result<Vec<SessionRecord>> {
    let rows = rows(view);
    let mut found = Vec::new();
    for entry in view.index.range(under(&place(index))).or_failed()? {
        let (entry, _) = entry.or_failed()?;
        let (_, number) = entry.value();
        let Some(mut session) = rows.numbered(number)? else {
            continue; // it leads nowhere
        };
        let is_meant = match meant {
            Meant::Record(is_meant) => is_meant(&session.record),
            Meant::Whole(is_meant) => {
                session.participants = rows.participants(number)?;
                is_meant(&session)
            }
        };
        if is_meant {
            found.push(session.record);
        }
    }
    Ok(found)
}

fn rows(view: &View) -> Rows<'_, ReadLives, ReadSessions, ReadLives> {
    Rows {
        lives: &view.lives,
        sessions: &view.sessions,
        revocations: &view.revocations,
    }
}

fn under(place: &[u8; 16]) -> std::ops::RangeInclusive<(&[u8; 16], u64)> {
    (place, 0)..=(place, u64::MAX)
}

/// The tables of sessions. A session is in `index` while it is open.
pub(crate) struct Sessions<'txn> {
    lives: Table<'txn, Hash, Octets>,
    sessions: Table<'txn, (u64, u16), Octets>,
    index: Table<'txn, (Place, u64), ()>,
    expiry: Table<'txn, (i64, u64), ()>,
    revocations: Table<'txn, Hash, Octets>,
    revocation_expiry: Table<'txn, (i64, Hash), ()>,
}

impl<'txn> Sessions<'txn> {
    pub(crate) fn open(txn: &'txn WriteTransaction) -> std::result::Result<Self, redb::TableError> {
        Ok(Self {
            lives: txn.open_table(LIVES)?,
            sessions: txn.open_table(SESSIONS)?,
            index: txn.open_table(SESSION_INDEX)?,
            expiry: txn.open_table(SESSION_EXPIRY)?,
            revocations: txn.open_table(REVOCATIONS)?,
            revocation_expiry: txn.open_table(REVOCATION_EXPIRY)?,
        })
    }

    fn rows(&self) -> Rows<'_, Lives<'txn>, SessionRows<'txn>, Lives<'txn>> {
        Rows {
            lives: &self.lives,
            sessions: &self.sessions,
            revocations: &self.revocations,
        }
    }

    pub(crate) fn create(
        &mut self,
        record: SessionRecord,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Done<()>> {
        self.check_new(&record, capacity, now)?;
        self.insert(SessionSnapshot::new(record))?;
        Ok(Done::Changed(()))
    }

    /// Applies an activity to the session that the caller has read, of which another writer may
    /// have changed the life since.
    pub(crate) fn touch(
        &mut self,
        number: u64,
        mut session: SessionSnapshot,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<Done<SessionState>> {
        let key = session.record.key;
        let life = self.rows().life(&key)?;
        let Some(life) = life.filter(|life| life.number == number) else {
            // It was swept, and its key may be another's.
            return Ok(Done::Unchanged(SessionState::Unknown));
        };
        life.give_to(&mut session.record);
        self.rows().revoke(&mut session)?;
        let changed = session.touch(policy, now);
        if changed {
            self.put_life(&Life::of(&session.record, number))?;
        }
        let state = match session.record.end_reason(now) {
            Some(reason) => SessionState::Ended(reason),
            None => SessionState::Alive(Box::new(session.record)),
        };
        Ok(match changed {
            true => Done::Changed(state),
            false => Done::Unchanged(state),
        })
    }

    pub(crate) fn rotate(
        &mut self,
        old: &SessionKey,
        new: SessionRecord,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Done<Rotation>> {
        self.check_new(&new, capacity, now)?;
        let mut session = SessionSnapshot::new(new);
        let former = self.rows().whole(old)?;
        if let Some((number, mut former)) = former.filter(|(_, session)| session.is_open()) {
            if former.record.subject != session.record.subject {
                return Ok(Done::Unchanged(Rotation::OtherSubject));
            }
            session.participants = former.replace(now);
            self.close(number, &former)?;
        }
        let carried = session.participants.len();
        self.insert(session)?;
        Ok(Done::Changed(Rotation::Rotated { carried }))
    }

    pub(crate) fn add_participant(
        &mut self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<Done<AddParticipant>> {
        let Some((number, mut session)) = self.rows().whole(key)? else {
            return Ok(Done::Unchanged(AddParticipant::Unknown));
        };
        let outcome = session.add_participant(participant, now)?;
        if let (AddParticipant::Added, Some(added)) = (outcome, session.participants.last()) {
            let index = IndexKey::of_participant(&ParticipantQuery {
                tenant: session.record.subject.tenant,
                issuer: added.entity_id.clone(),
                name_id: added.name_id.clone(),
                session_indexes: Vec::new(),
            });
            self.put_participant(number, session.participants.len(), added)?;
            self.index
                .insert((&place(&index), number), ())
                .or_failed()?;
            return Ok(Done::Changed(outcome));
        }
        Ok(Done::Unchanged(outcome))
    }

    pub(crate) fn terminate(
        &mut self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Done<Termination>> {
        let Some((number, mut session)) = self.rows().whole(key)? else {
            return Ok(Done::Unchanged(Termination::Unknown));
        };
        let outcome = session.terminate(by, now);
        let Termination::Ended(ended) = &outcome else {
            return Ok(Done::Unchanged(outcome));
        };
        self.close(number, ended)?;
        Ok(Done::Changed(outcome))
    }

    pub(crate) fn revoke_subject(
        &mut self,
        subject: &Subject,
        by: LogoutKey,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<Done<()>> {
        let hash = subject_hash(subject);
        let last = self.rows().revocation(&hash)?;
        if last.is_none() && self.revocations.len().or_failed()? >= capacity as u64 {
            return Err(StoreError::Full { what: "revocation" });
        }
        let next = Revocation::next(last.as_ref(), by, now);
        let octets = encode(&next)?;
        self.revocations
            .insert(&hash, octets.as_slice())
            .or_failed()?;
        if let Some(last) = last {
            let second = sweep_second(last.retain_until());
            self.revocation_expiry.remove((second, &hash)).or_failed()?;
        }
        let second = sweep_second(next.retain_until());
        self.revocation_expiry
            .insert((second, &hash), ())
            .or_failed()?;
        Ok(Done::Changed(()))
    }

    /// Sweeps sessions and revocations.
    pub(crate) fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let swept = self.sweep_sessions(now, limit)?;
        Ok(swept + self.sweep_revocations(now, limit - swept)?)
    }

    fn check_new(
        &mut self,
        record: &SessionRecord,
        capacity: usize,
        now: DateTime<Utc>,
    ) -> Result<()> {
        if record.end_reason(now).is_some() {
            return Err(StoreError::AlreadyExpired { what: WHAT });
        }
        let is_key_in_use = self.lives.get(record.key.as_bytes()).or_failed()?.is_some();
        if is_key_in_use || self.is_id_in_use(record)? {
            return Err(StoreError::AlreadyExists { what: WHAT });
        }
        if self.is_full(capacity)? {
            self.sweep_sessions(now, MAKE_ROOM)?;
        }
        if self.is_full(capacity)? {
            return Err(StoreError::Full { what: WHAT });
        }
        Ok(())
    }

    fn is_id_in_use(&self, new: &SessionRecord) -> Result<bool> {
        let place = place(&IndexKey::of_id(new.tenant(), &new.id));
        for entry in self.index.range(under(&place)).or_failed()? {
            let (entry, _) = entry.or_failed()?;
            let session = self.rows().numbered(entry.value().1)?;
            if session.is_some_and(|session| {
                session.record.tenant() == new.tenant() && session.record.id == new.id
            }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_full(&self, capacity: usize) -> Result<bool> {
        Ok(self.lives.len().or_failed()? >= capacity as u64)
    }

    /// A number that no session has, by the first octets of its key. Keys are hashes, so rows
    /// are spread evenly and pages fill better than if all were appended.
    fn free_number(&self, key: &SessionKey) -> Result<u64> {
        let [a, b, c, d, e, f, g, h, ..] = *key.as_bytes();
        let mut number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        while self.sessions.get((number, 0)).or_failed()?.is_some() {
            number = number.wrapping_add(1);
        }
        Ok(number)
    }

    /// Stores a new session under a number of its own.
    fn insert(&mut self, mut session: SessionSnapshot) -> Result<()> {
        let hash = subject_hash(&session.record.subject);
        let last = self.rows().revocation(&hash)?;
        session.record.epoch = Revocation::epoch(last.as_ref());
        let number = self.free_number(&session.record.key)?;
        let octets = rows::encode_identity(&session.record)?;
        self.sessions
            .insert((number, 0), octets.as_slice())
            .or_failed()?;
        for (n, participant) in (1..).zip(&session.participants) {
            self.put_participant(number, n, participant)?;
        }
        self.put_life(&Life::of(&session.record, number))?;
        for index in IndexKey::all(&session) {
            self.index
                .insert((&place(&index), number), ())
                .or_failed()?;
        }
        let second = sweep_second(session.record.retain_until);
        self.expiry.insert((second, number), ()).or_failed()?;
        Ok(())
    }

    /// Stores participant `n`, counted from 1.
    fn put_participant(&mut self, number: u64, n: usize, participant: &Participant) -> Result<()> {
        let full = |_| StoreError::Full {
            what: "participant of this session",
        };
        let n = u16::try_from(n).map_err(full)?;
        let octets = encode(participant)?;
        self.sessions
            .insert((number, n), octets.as_slice())
            .or_failed()?;
        Ok(())
    }

    fn put_life(&mut self, life: &Life) -> Result<()> {
        let octets = life.encode()?;
        self.lives
            .insert(life.key.as_bytes(), octets.as_slice())
            .or_failed()?;
        Ok(())
    }

    /// Stores a session that just ended, and lets nothing find it any more but its key.
    fn close(&mut self, number: u64, session: &SessionSnapshot) -> Result<()> {
        self.put_life(&Life::of(&session.record, number))?;
        self.unindex(number, session)
    }

    fn unindex(&mut self, number: u64, session: &SessionSnapshot) -> Result<()> {
        for index in IndexKey::all(session) {
            self.index.remove((&place(&index), number)).or_failed()?;
        }
        Ok(())
    }

    fn sweep_sessions(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), 0);
        for entry in self
            .expiry
            .range::<(i64, u64)>(..end)
            .or_failed()?
            .take(limit)
        {
            due.push(entry.or_failed()?.0.value());
        }
        for (second, number) in &due {
            self.forget(*number)?;
            self.expiry.remove((*second, *number)).or_failed()?;
        }
        Ok(due.len())
    }

    /// Removes a session, also one that cannot be read: what is left of that leads nowhere.
    fn forget(&mut self, number: u64) -> Result<()> {
        if let Some(session) = rows::readable(self.rows().numbered_whole(number))? {
            self.lives
                .remove(session.record.key.as_bytes())
                .or_failed()?;
            if session.is_open() {
                self.unindex(number, &session)?;
            }
        }
        let range = (number, 0)..=(number, u16::MAX);
        self.sessions.retain_in(range, |_, _| false).or_failed()
    }

    fn sweep_revocations(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), &[0; 32]);
        for entry in self
            .revocation_expiry
            .range::<(i64, Hash)>(..end)
            .or_failed()?
            .take(limit)
        {
            let (entry, _) = entry.or_failed()?;
            let (second, subject) = entry.value();
            due.push((second, *subject));
        }
        for (second, subject) in &due {
            self.revocations.remove(subject).or_failed()?;
            self.revocation_expiry
                .remove((*second, subject))
                .or_failed()?;
        }
        Ok(due.len())
    }
}

fn decode_participant(octets: &[u8]) -> Result<Participant> {
    decode("participant", octets)
}
