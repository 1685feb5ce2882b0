//! The session verbs, within one transaction.

use super::tables::{
    Hash, REVOCATION_EXPIRY, REVOCATIONS, SESSION_EXPIRY, SESSION_INDEX, SESSIONS, sweep_second,
};
use super::writer::Done;
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{
    AddParticipant, IndexKey, LifetimePolicy, LogoutKey, Participant, Revocation, Rotation,
    SessionKey, SessionRecord, SessionSnapshot, SessionState, StoreError, Termination,
};
use redb::{
    MultimapTable, ReadTransaction, ReadableMultimapTable as _, ReadableTable,
    ReadableTableMetadata as _, Table, WriteTransaction,
};

const WHAT: &str = "session";

/// How many expired entries a full store removes to make room for a new one.
pub(crate) const MAKE_ROOM: usize = 64;

type Result<T> = std::result::Result<T, StoreError>;

pub(crate) fn load(txn: &ReadTransaction, key: &SessionKey) -> Result<Option<SessionSnapshot>> {
    let rows = txn.open_table(SESSIONS).map_err(StoreError::unavailable)?;
    let revocations = txn
        .open_table(REVOCATIONS)
        .map_err(StoreError::unavailable)?;
    row(&rows, &revocations, key)
}

/// The open sessions under an index key that are meant.
pub(crate) fn find(
    txn: &ReadTransaction,
    index: &IndexKey,
    is_meant: impl Fn(&SessionSnapshot) -> bool,
) -> Result<Vec<SessionRecord>> {
    let rows = txn.open_table(SESSIONS).map_err(StoreError::unavailable)?;
    let table = txn
        .open_multimap_table(SESSION_INDEX)
        .map_err(StoreError::unavailable)?;
    let revocations = txn
        .open_table(REVOCATIONS)
        .map_err(StoreError::unavailable)?;
    let mut found = Vec::new();
    for key in table
        .get(index.as_bytes())
        .map_err(StoreError::unavailable)?
    {
        let key = key.map_err(StoreError::unavailable)?;
        if let Some(session) = row(&rows, &revocations, &SessionKey::new(*key.value()))?
            && is_meant(&session)
        {
            found.push(session.record);
        }
    }
    Ok(found)
}

/// A session as it stands, with what revoked it.
fn row(
    rows: &impl ReadableTable<Hash, &'static [u8]>,
    revocations: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &SessionKey,
) -> Result<Option<SessionSnapshot>> {
    let Some(octets) = rows.get(key.as_bytes()).map_err(StoreError::unavailable)? else {
        return Ok(None);
    };
    let mut session: SessionSnapshot = decode(WHAT, octets.value())?;
    let index = IndexKey::of_subject(&session.record.subject);
    session.revoke(revocation(revocations, &index)?.as_ref());
    Ok(Some(session))
}

fn revocation(
    revocations: &impl ReadableTable<&'static [u8], &'static [u8]>,
    subject: &IndexKey,
) -> Result<Option<Revocation>> {
    revocations
        .get(subject.as_bytes())
        .map_err(StoreError::unavailable)?
        .map(|octets| decode("revocation", octets.value()))
        .transpose()
}

pub(crate) fn create(
    txn: &WriteTransaction,
    record: SessionRecord,
    capacity: usize,
    now: DateTime<Utc>,
) -> Result<Done<()>> {
    let mut tables = Sessions::open(txn)?;
    tables.check_new(&record, capacity, now)?;
    tables.insert(SessionSnapshot::new(record))?;
    Ok(Done::Changed(()))
}

pub(crate) fn touch(
    txn: &WriteTransaction,
    key: &SessionKey,
    policy: &LifetimePolicy,
    now: DateTime<Utc>,
) -> Result<Done<SessionState>> {
    let mut tables = Sessions::open(txn)?;
    let Some(mut session) = tables.row(key)? else {
        return Ok(Done::Unchanged(SessionState::Unknown));
    };
    if !session.touch(policy, now) {
        return Ok(Done::Unchanged(session.state(now)));
    }
    tables.put(&session)?;
    Ok(Done::Changed(session.state(now)))
}

pub(crate) fn rotate(
    txn: &WriteTransaction,
    old: &SessionKey,
    new: SessionRecord,
    capacity: usize,
    now: DateTime<Utc>,
) -> Result<Done<Rotation>> {
    let mut tables = Sessions::open(txn)?;
    tables.check_new(&new, capacity, now)?;
    let mut session = SessionSnapshot::new(new);
    if let Some(mut old) = tables.row(old)?.filter(SessionSnapshot::is_open) {
        if old.record.subject != session.record.subject {
            return Ok(Done::Unchanged(Rotation::OtherSubject));
        }
        session.participants = old.replace(now);
        tables.close(&old)?;
    }
    let carried = session.participants.len();
    tables.insert(session)?;
    Ok(Done::Changed(Rotation::Rotated { carried }))
}

pub(crate) fn add_participant(
    txn: &WriteTransaction,
    key: &SessionKey,
    participant: Participant,
    now: DateTime<Utc>,
) -> Result<Done<AddParticipant>> {
    let mut tables = Sessions::open(txn)?;
    let Some(mut session) = tables.row(key)? else {
        return Ok(Done::Unchanged(AddParticipant::Unknown));
    };
    let outcome = session.add_participant(participant, now)?;
    if outcome != AddParticipant::Added {
        return Ok(Done::Unchanged(outcome));
    }
    tables.put(&session)?;
    tables.index(&session)?;
    Ok(Done::Changed(outcome))
}

pub(crate) fn terminate(
    txn: &WriteTransaction,
    key: &SessionKey,
    by: LogoutKey,
    now: DateTime<Utc>,
) -> Result<Done<Termination>> {
    let mut tables = Sessions::open(txn)?;
    let Some(mut session) = tables.row(key)? else {
        return Ok(Done::Unchanged(Termination::Unknown));
    };
    let outcome = session.terminate(by, now);
    if let Termination::Ended(ended) = &outcome {
        tables.close(ended)?;
    }
    Ok(Done::Changed(outcome))
}

pub(crate) fn revoke_subject(
    txn: &WriteTransaction,
    subject: &IndexKey,
    by: LogoutKey,
    capacity: usize,
    now: DateTime<Utc>,
) -> Result<Done<()>> {
    let mut tables = Sessions::open(txn)?;
    let last = revocation(&tables.revocations, subject)?;
    let held = tables.revocations.len().map_err(StoreError::unavailable)?;
    if last.is_none() && held >= capacity as u64 {
        return Err(StoreError::Full { what: "revocation" });
    }
    let next = Revocation::next(last.as_ref(), by, now);
    tables.revoke(subject, last, next)?;
    Ok(Done::Changed(()))
}

pub(crate) fn sweep(txn: &WriteTransaction, now: DateTime<Utc>, limit: usize) -> Result<usize> {
    let mut tables = Sessions::open(txn)?;
    let swept = tables.sweep(now, limit)?;
    Ok(swept + tables.sweep_revocations(now, limit - swept)?)
}

/// The tables of sessions. A session is in `index` while it is open.
struct Sessions<'txn> {
    rows: Table<'txn, Hash, &'static [u8]>,
    index: MultimapTable<'txn, &'static [u8], Hash>,
    expiry: Table<'txn, (i64, Hash), ()>,
    revocations: Table<'txn, &'static [u8], &'static [u8]>,
    revocation_expiry: Table<'txn, (i64, &'static [u8]), ()>,
}

impl<'txn> Sessions<'txn> {
    fn open(txn: &'txn WriteTransaction) -> Result<Self> {
        Ok(Self {
            rows: txn.open_table(SESSIONS).map_err(StoreError::unavailable)?,
            index: txn
                .open_multimap_table(SESSION_INDEX)
                .map_err(StoreError::unavailable)?,
            expiry: txn
                .open_table(SESSION_EXPIRY)
                .map_err(StoreError::unavailable)?,
            revocations: txn
                .open_table(REVOCATIONS)
                .map_err(StoreError::unavailable)?,
            revocation_expiry: txn
                .open_table(REVOCATION_EXPIRY)
                .map_err(StoreError::unavailable)?,
        })
    }

    fn row(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>> {
        row(&self.rows, &self.revocations, key)
    }

    fn revoke(
        &mut self,
        subject: &IndexKey,
        last: Option<Revocation>,
        next: Revocation,
    ) -> Result<()> {
        let octets = encode(&next)?;
        self.revocations
            .insert(subject.as_bytes(), octets.as_slice())
            .map_err(StoreError::unavailable)?;
        if let Some(last) = last {
            let second = sweep_second(last.retain_until());
            self.revocation_expiry
                .remove((second, subject.as_bytes()))
                .map_err(StoreError::unavailable)?;
        }
        let second = sweep_second(next.retain_until());
        self.revocation_expiry
            .insert((second, subject.as_bytes()), ())
            .map_err(StoreError::unavailable)?;
        Ok(())
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
        let id = IndexKey::of_id(record.tenant(), &record.id);
        let key_in_use = self
            .rows
            .get(record.key.as_bytes())
            .map_err(StoreError::unavailable)?
            .is_some();
        let id_in_use = !self
            .index
            .get(id.as_bytes())
            .map_err(StoreError::unavailable)?
            .is_empty();
        if key_in_use || id_in_use {
            return Err(StoreError::AlreadyExists { what: WHAT });
        }
        if self.is_full(capacity)? {
            self.sweep(now, MAKE_ROOM)?;
        }
        if self.is_full(capacity)? {
            return Err(StoreError::Full { what: WHAT });
        }
        Ok(())
    }

    fn is_full(&self, capacity: usize) -> Result<bool> {
        let len = self.rows.len().map_err(StoreError::unavailable)?;
        Ok(len >= capacity as u64)
    }

    fn insert(&mut self, mut session: SessionSnapshot) -> Result<()> {
        let subject = IndexKey::of_subject(&session.record.subject);
        let last = revocation(&self.revocations, &subject)?;
        session.record.epoch = Revocation::epoch(last.as_ref());
        self.put(&session)?;
        self.index(&session)?;
        let second = sweep_second(session.record.retain_until);
        self.expiry
            .insert((second, session.record.key.as_bytes()), ())
            .map_err(StoreError::unavailable)?;
        Ok(())
    }

    fn put(&mut self, session: &SessionSnapshot) -> Result<()> {
        let octets = encode(session)?;
        self.rows
            .insert(session.record.key.as_bytes(), octets.as_slice())
            .map_err(StoreError::unavailable)?;
        Ok(())
    }

    fn index(&mut self, session: &SessionSnapshot) -> Result<()> {
        for index in IndexKey::all(session) {
            self.index
                .insert(index.as_bytes(), session.record.key.as_bytes())
                .map_err(StoreError::unavailable)?;
        }
        Ok(())
    }

    fn unindex(&mut self, session: &SessionSnapshot) -> Result<()> {
        for index in IndexKey::all(session) {
            self.index
                .remove(index.as_bytes(), session.record.key.as_bytes())
                .map_err(StoreError::unavailable)?;
        }
        Ok(())
    }

    /// Stores a session that just ended, and lets nothing find it any more but its key.
    fn close(&mut self, session: &SessionSnapshot) -> Result<()> {
        self.put(session)?;
        self.unindex(session)
    }

    fn sweep(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), &[0; 32]);
        for entry in self
            .expiry
            .range::<(i64, Hash)>(..end)
            .map_err(StoreError::unavailable)?
            .take(limit)
        {
            let (entry, _) = entry.map_err(StoreError::unavailable)?;
            let (second, key) = entry.value();
            due.push((second, *key));
        }
        for (second, key) in &due {
            // A row that cannot be read is removed like any other; its index entries lead
            // nowhere then.
            let session: Option<SessionSnapshot> = self
                .rows
                .remove(key)
                .map_err(StoreError::unavailable)?
                .and_then(|octets| decode(WHAT, octets.value()).ok());
            if let Some(session) = session {
                self.unindex(&session)?;
            }
            self.expiry
                .remove((*second, key))
                .map_err(StoreError::unavailable)?;
        }
        Ok(due.len())
    }
    fn sweep_revocations(&mut self, now: DateTime<Utc>, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        let end = (now.timestamp().saturating_add(1), [].as_slice());
        for entry in self
            .revocation_expiry
            .range::<(i64, &[u8])>(..end)
            .map_err(StoreError::unavailable)?
            .take(limit)
        {
            let (entry, _) = entry.map_err(StoreError::unavailable)?;
            let (second, subject) = entry.value();
            due.push((second, subject.to_vec()));
        }
        for (second, subject) in &due {
            self.revocations
                .remove(subject.as_slice())
                .map_err(StoreError::unavailable)?;
            self.revocation_expiry
                .remove((*second, subject.as_slice()))
                .map_err(StoreError::unavailable)?;
        }
        Ok(due.len())
    }
}
