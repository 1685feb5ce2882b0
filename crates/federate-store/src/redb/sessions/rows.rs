//! How a session is spread over rows, and put together again.

use super::super::error::OrFailed as _;
use super::super::tables::{Hash, Octets};
use super::{Result, WHAT, decode_participant};
use crate::codec::{decode, encode};
use chrono::{DateTime, Utc};
use federate_session::{
    Ended, IndexKey, Lifetime, Participant, Persistence, Revocation, SessionId, SessionKey,
    SessionRecord, SessionSnapshot, StoreError, Subject, UpstreamSession, UserId,
};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The part of a session that changes.
pub(super) struct Life {
    pub(super) key: SessionKey,
    pub(super) number: u64,
    stored: StoredLife,
}

#[derive(Serialize, Deserialize)]
struct StoredLife {
    number: u64,
    lifetime: Lifetime,
    #[serde(with = "federate_session::instant")]
    retain_until: DateTime<Utc>,
    ended: Option<Ended>,
    epoch: u64,
}

impl Life {
    pub(super) fn of(record: &SessionRecord, number: u64) -> Self {
        Self {
            key: record.key,
            number,
            stored: StoredLife {
                number,
                lifetime: record.lifetime,
                retain_until: record.retain_until,
                ended: record.ended,
                epoch: record.epoch,
            },
        }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        encode(&self.stored)
    }

    pub(super) fn give_to(self, record: &mut SessionRecord) {
        record.lifetime = self.stored.lifetime;
        record.retain_until = self.stored.retain_until;
        record.ended = self.stored.ended;
        record.epoch = self.stored.epoch;
    }
}

/// The part of a session that never changes.
#[derive(Deserialize)]
struct Identity {
    key: SessionKey,
    id: SessionId,
    subject: Subject,
    user: UserId,
    persistence: Persistence,
    #[serde(with = "federate_session::instant")]
    authn_instant: DateTime<Utc>,
    authn_context: Option<String>,
    upstream: Option<UpstreamSession>,
}

/// [`Identity`], borrowed: the same fields in the same order.
#[derive(Serialize)]
struct IdentityRef<'a> {
    key: &'a SessionKey,
    id: &'a SessionId,
    subject: &'a Subject,
    user: &'a UserId,
    persistence: Persistence,
    #[serde(with = "federate_session::instant")]
    authn_instant: DateTime<Utc>,
    authn_context: Option<&'a str>,
    upstream: Option<&'a UpstreamSession>,
}

pub(super) fn encode_identity(record: &SessionRecord) -> Result<Vec<u8>> {
    encode(&IdentityRef {
        key: &record.key,
        id: &record.id,
        subject: &record.subject,
        user: &record.user,
        persistence: record.persistence,
        authn_instant: record.authn_instant,
        authn_context: record.authn_context.as_deref(),
        upstream: record.upstream.as_ref(),
    })
}

impl Identity {
    fn with(self, life: Life) -> SessionRecord {
        let StoredLife {
            lifetime,
            retain_until,
            ended,
            epoch,
            ..
        } = life.stored;
        SessionRecord {
            key: self.key,
            id: self.id,
            subject: self.subject,
            user: self.user,
            persistence: self.persistence,
            authn_instant: self.authn_instant,
            authn_context: self.authn_context,
            upstream: self.upstream,
            lifetime,
            retain_until,
            ended,
            epoch,
        }
    }
}

/// The first half of the key's SHA-256: short, and nobody finds two keys with one place. What
/// stands there is a candidate all the same.
pub(super) fn place(index: &IndexKey) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(index.as_bytes()).into();
    let mut place = [0; 16];
    for (to, from) in place.iter_mut().zip(hash) {
        *to = from;
    }
    place
}

/// Under this stands the revocation of a person's sessions, which is believed as it stands:
/// the whole SHA-256.
pub(super) fn subject_hash(subject: &Subject) -> [u8; 32] {
    Sha256::digest(IndexKey::of_subject(subject).as_bytes()).into()
}

/// Takes what cannot be decoded for absent.
pub(super) fn readable<T>(session: Result<Option<T>>) -> Result<Option<T>> {
    match session {
        Err(StoreError::Corrupt { .. } | StoreError::UnsupportedFormat { .. }) => Ok(None),
        other => other,
    }
}

/// The tables that a session is read from, of a reader or of a writer.
pub(super) struct Rows<'a, L, S, R> {
    pub(super) lives: &'a L,
    pub(super) sessions: &'a S,
    pub(super) revocations: &'a R,
}

impl<L, S, R> Rows<'_, L, S, R>
where
    L: ReadableTable<Hash, Octets>,
    S: ReadableTable<(u64, u16), Octets>,
    R: ReadableTable<Hash, Octets>,
{
    pub(super) fn life(&self, key: &SessionKey) -> Result<Option<Life>> {
        let Some(octets) = self.lives.get(key.as_bytes()).or_failed()? else {
            return Ok(None);
        };
        let stored: StoredLife = decode(WHAT, octets.value())?;
        Ok(Some(Life {
            key: *key,
            number: stored.number,
            stored,
        }))
    }

    /// A session without its participants, with what revoked it.
    pub(super) fn bare(&self, key: &SessionKey) -> Result<Option<(u64, SessionSnapshot)>> {
        let Some(life) = self.life(key)? else {
            return Ok(None);
        };
        let number = life.number;
        // Both rows are written and removed together.
        let corrupt = StoreError::Corrupt { what: WHAT };
        let identity = self.identity(number)?.ok_or(corrupt)?;
        let mut session = SessionSnapshot::new(identity.with(life));
        self.revoke(&mut session)?;
        Ok(Some((number, session)))
    }

    pub(super) fn whole(&self, key: &SessionKey) -> Result<Option<(u64, SessionSnapshot)>> {
        let Some((number, mut session)) = self.bare(key)? else {
            return Ok(None);
        };
        session.participants = self.participants(number)?;
        Ok(Some((number, session)))
    }

    /// The session of a number, without its participants.
    pub(super) fn numbered(&self, number: u64) -> Result<Option<SessionSnapshot>> {
        let Some(identity) = self.identity(number)? else {
            return Ok(None);
        };
        let life = self.life(&identity.key)?;
        let Some(life) = life.filter(|life| life.number == number) else {
            return Ok(None);
        };
        let mut session = SessionSnapshot::new(identity.with(life));
        self.revoke(&mut session)?;
        Ok(Some(session))
    }

    /// The session of a number as it is stored, whatever revoked it.
    pub(super) fn numbered_whole(&self, number: u64) -> Result<Option<SessionSnapshot>> {
        let Some(identity) = self.identity(number)? else {
            return Ok(None);
        };
        let life = self.life(&identity.key)?;
        let Some(life) = life.filter(|life| life.number == number) else {
            return Ok(None);
        };
        let mut session = SessionSnapshot::new(identity.with(life));
        session.participants = self.participants(number)?;
        Ok(Some(session))
    }

    pub(super) fn participants(&self, number: u64) -> Result<Vec<Participant>> {
        let range = (number, 1)..=(number, u16::MAX);
        let mut participants = Vec::new();
        for entry in self.sessions.range(range).or_failed()? {
            let (_, octets) = entry.or_failed()?;
            participants.push(decode_participant(octets.value())?);
        }
        Ok(participants)
    }

    pub(super) fn revoke(&self, session: &mut SessionSnapshot) -> Result<()> {
        if !self.revocations.is_empty().or_failed()? {
            let hash = subject_hash(&session.record.subject);
            session.revoke(self.revocation(&hash)?.as_ref());
        }
        Ok(())
    }

    pub(super) fn revocation(&self, subject: &[u8; 32]) -> Result<Option<Revocation>> {
        self.revocations
            .get(subject)
            .or_failed()?
            .map(|octets| decode("revocation", octets.value()))
            .transpose()
    }

    fn identity(&self, number: u64) -> Result<Option<Identity>> {
        self.sessions
            .get((number, 0))
            .or_failed()?
            .map(|octets| decode(WHAT, octets.value()))
            .transpose()
    }
}
