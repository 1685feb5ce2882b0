//! By what sessions are found.
//!
//! An entry is written before its session: a crash in between leaves an entry that leads
//! nowhere, never a session that cannot be found. What is found is a candidate; the session
//! itself says whether it is meant. An entry without a session is left to its time to live,
//! for the session may be just about to be written.

use super::keys::{SESSION_MARGIN, time_to_live};
use super::server::{Call, Care, Result, Server, unseal};
use super::sessions::WHAT;
use chrono::{DateTime, Utc};
use federate_session::{
    IndexKey, Revocation, SessionId, SessionKey, SessionRecord, SessionSnapshot, StoreError,
    TenantId,
};
use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt as _};

/// How many candidates are looked at at the same time.
const AT_ONCE: usize = 64;

/// What was done before a session is written.
pub(crate) struct Prepared {
    /// The count of the person's revocations, from before the session was there.
    pub(crate) epoch: u64,
    /// The name of the key that holds the session's id, and what it holds.
    id: (String, Vec<u8>),
}

impl Server {
    /// Reserves the id of a new session, writes its index entries and reads the epoch.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when the id is in use.
    pub(crate) async fn prepare(
        &self,
        session: &SessionSnapshot,
        now: DateTime<Utc>,
    ) -> Result<Prepared> {
        let record = &session.record;
        let id = self.keys.id(&IndexKey::of_id(record.tenant(), &record.id));
        // By its own write, a reservation differs from another one for the same key.
        let mut held = record.key.as_bytes().to_vec();
        held.extend_from_slice(&self.new_write());
        let (reserved, revocation) = join(
            self.reserve(&id, &held, session, now),
            self.register(session, now),
        )
        .await;
        let prepared = Prepared {
            epoch: Revocation::epoch(revocation.as_ref().ok().and_then(Option::as_ref)),
            id: (id, held),
        };
        match (reserved, revocation) {
            (Ok(true), Ok(_)) => Ok(prepared),
            (Ok(false), _) => Err(StoreError::AlreadyExists { what: WHAT }),
            (Err(error), _) | (_, Err(error)) => {
                self.give_back(&prepared).await;
                Err(error)
            }
        }
    }

    /// Gives back the id of a session that was not written after all.
    ///
    /// The index entries stay: another session with this key may rely on them.
    pub(crate) async fn give_back(&self, prepared: &Prepared) {
        let (id, held) = &prepared.id;
        // If this fails, nobody gets this id until the reservation ends by itself.
        let _ = self.release(WHAT, id, held).await;
    }

    async fn reserve(
        &self,
        id: &str,
        held: &[u8],
        session: &SessionSnapshot,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let ttl = time_to_live(session.record.retain_until, now, SESSION_MARGIN);
        let mut set = redis::cmd("SET");
        set.arg(id)
            .arg(held)
            .arg("NX")
            .arg("GET")
            .arg("PX")
            .arg(ttl);
        let before: Option<Vec<u8>> = self.write((WHAT, Care::New), id, &set).await?;
        Ok(before.is_none_or(|before| before == held))
    }

    /// Writes a session's index entries, all but its id. Gives the last revocation of the
    /// person's sessions.
    pub(crate) async fn register(
        &self,
        session: &SessionSnapshot,
        now: DateTime<Utc>,
    ) -> Result<Option<Revocation>> {
        let record = &session.record;
        let ttl = time_to_live(record.retain_until, now, SESSION_MARGIN);
        let subject = IndexKey::of_subject(&record.subject);
        let id = IndexKey::of_id(record.tenant(), &record.id);
        let entries = IndexKey::all(session).into_iter().filter(|key| *key != id);
        let entries = entries.map(|index| {
            let mut keys = vec![self.keys.index(&index)];
            if index == subject {
                keys.push(self.keys.revocation(&index));
            }
            self.enter(keys, &record.key, ttl)
        });
        let mut revocation = None;
        for entered in join_all(entries).await {
            if let Some(row) = entered? {
                revocation = Some(unseal("revocation", &row)?.1);
            }
        }
        Ok(revocation)
    }

    /// Writes the index entry of a session's newest application.
    pub(crate) async fn register_last(
        &self,
        session: &SessionSnapshot,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let record = &session.record;
        let ttl = time_to_live(record.retain_until, now, SESSION_MARGIN);
        let before = SessionSnapshot {
            record: record.clone(),
            participants: Vec::new(),
        };
        let with = SessionSnapshot {
            record: record.clone(),
            participants: session.participants.last().cloned().into_iter().collect(),
        };
        let known = IndexKey::all(&before);
        let new = IndexKey::all(&with);
        for index in new.iter().filter(|index| !known.contains(index)) {
            self.enter(vec![self.keys.index(index)], &record.key, ttl)
                .await?;
        }
        Ok(())
    }

    async fn enter(
        &self,
        keys: Vec<String>,
        member: &SessionKey,
        ttl: i64,
    ) -> Result<Option<Vec<u8>>> {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let register = Call::new(&self.functions.register, &keys)
            .arg(member.as_bytes())
            .arg(ttl);
        self.call(WHAT, Care::New, register).await
    }

    /// Removes the index entries of a session that is over.
    ///
    /// It is over all the same when this fails: what is left leads to a closed session, and
    /// goes when it is seen or when its time has come.
    pub(crate) async fn unindex(&self, session: &SessionSnapshot) {
        let record = &session.record;
        let id = IndexKey::of_id(record.tenant(), &record.id);
        let entries = IndexKey::all(session);
        join_all(entries.iter().map(async |index| {
            let _ = if *index == id {
                let id = self.keys.id(index);
                self.release(WHAT, &id, record.key.as_bytes()).await
            } else {
                self.remove(index, &[record.key]).await
            };
        }))
        .await;
    }

    async fn remove(&self, index: &IndexKey, members: &[SessionKey]) -> Result<()> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(self.keys.index(index));
        for member in members {
            remove.arg(member.as_bytes());
        }
        self.query(WHAT, &remove).await
    }

    /// The open sessions under an index key that are meant.
    pub(crate) async fn find(
        &self,
        index: &IndexKey,
        is_meant: impl Fn(&SessionSnapshot) -> bool,
    ) -> Result<Vec<SessionRecord>> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(self.keys.index(index)).arg(0).arg(-1);
        let members: Vec<Vec<u8>> = self.query(WHAT, &range).await?;
        let mut candidates = Vec::with_capacity(members.len());
        for member in members {
            let key: [u8; 32] = member
                .try_into()
                .map_err(|_| StoreError::Corrupt { what: WHAT })?;
            candidates.push(SessionKey::new(key));
        }
        let looks = candidates.into_iter().map(async |key| {
            let session = self.session(&key).await;
            session.map(|session| (key, session))
        });
        let mut looks = stream::iter(looks).buffered(AT_ONCE);
        let (mut found, mut closed) = (Vec::new(), Vec::new());
        while let Some(look) = looks.next().await {
            match look? {
                (key, Some((row, _))) if !row.stored.session.is_open() => closed.push(key),
                (_, Some((_, session))) if is_meant(&session) => found.push(session.record),
                _ => {}
            }
        }
        if !closed.is_empty() {
            let _ = self.remove(index, &closed).await; // they do no harm
        }
        Ok(found)
    }

    pub(crate) async fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<SessionRecord>> {
        let name = self.keys.id(&IndexKey::of_id(tenant, id));
        let held: Option<Vec<u8>> = self.query(WHAT, redis::cmd("GET").arg(name)).await?;
        let Some(held) = held else {
            return Ok(None);
        };
        let key = held
            .first_chunk::<32>()
            .ok_or(StoreError::Corrupt { what: WHAT })?;
        let session = self.session(&SessionKey::new(*key)).await?;
        Ok(session
            .filter(|(row, _)| row.stored.session.is_open())
            .map(|(_, session)| session.record)
            .filter(|record| record.tenant() == tenant && record.id == *id))
    }
}
