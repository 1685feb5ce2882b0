//! The verbs of one session: read it, apply the rule, put it back if it is still the same.

use super::keys::{SESSION_MARGIN, time_to_live};
use super::server::{Care, Result, Retry, Server, Write};
use chrono::{DateTime, Utc};
use federate_session::{
    AddParticipant, IndexKey, LifetimePolicy, LogoutKey, Participant, Revocation, SessionKey,
    SessionRecord, SessionSnapshot, SessionState, StoreError, Subject, Termination,
};
use serde::{Deserialize, Serialize};

pub(crate) const WHAT: &str = "session";
const CAREFUL: (&str, Care) = (WHAT, Care::New);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) session: SessionSnapshot,
    /// The session in whose place this one is to come: until that one says so, this one does
    /// not count.
    pub(crate) replaces: Option<SessionKey>,
    /// The session that came in the place of this one.
    pub(crate) replaced_by: Option<SessionKey>,
}

impl Stored {
    pub(crate) const fn new(session: SessionSnapshot) -> Self {
        Self {
            session,
            replaces: None,
            replaced_by: None,
        }
    }
}

/// A session as it is stored, and by which write.
pub(crate) struct Row {
    pub(crate) write: Write,
    pub(crate) stored: Stored,
}

impl Server {
    /// A session as it is stored, if it counts.
    async fn stored(&self, key: &SessionKey) -> Result<Option<Row>> {
        let Some((write, stored)) = self.row::<Stored>(WHAT, &self.keys.session(key)).await? else {
            return Ok(None);
        };
        if let Some(old) = &stored.replaces {
            let old: Option<(_, Stored)> = self.row(WHAT, &self.keys.session(old)).await?;
            if old.and_then(|(_, old)| old.replaced_by) != Some(*key) {
                return Ok(None);
            }
        }
        Ok(Some(Row { write, stored }))
    }

    /// A session as it is stored and as it stands, with what revoked it.
    ///
    /// The revocation is read after the session, whose count of revocations never changes
    /// while the person's only grows: whatever was revoked before this began is seen.
    pub(crate) async fn session(&self, key: &SessionKey) -> Result<Option<(Row, SessionSnapshot)>> {
        let Some(row) = self.stored(key).await? else {
            return Ok(None);
        };
        let mut session = row.stored.session.clone();
        let subject = IndexKey::of_subject(&session.record.subject);
        session.revoke(
            self.revocation(&subject)
                .await?
                .map(|(_, last)| last)
                .as_ref(),
        );
        Ok(Some((row, session)))
    }

    async fn revocation(&self, subject: &IndexKey) -> Result<Option<(Write, Revocation)>> {
        self.row("revocation", &self.keys.revocation(subject)).await
    }

    /// Puts a changed session in the place of the one that was read, unless another was first.
    pub(crate) async fn replace(
        &self,
        care: Care,
        row: &Row,
        session: &SessionSnapshot,
    ) -> Result<bool> {
        let key = self.keys.session(&session.record.key);
        // That it counts was seen when it was read, and needs no looking at the old one again.
        let stored = Stored {
            session: session.clone(),
            replaces: None,
            replaced_by: row.stored.replaced_by,
        };
        let swapped = self
            .swap((WHAT, care), &key, Some(row.write), &stored, None)
            .await?;
        Ok(swapped.is_some())
    }

    pub(crate) async fn create(&self, record: SessionRecord, now: DateTime<Utc>) -> Result<()> {
        if record.end_reason(now).is_some() {
            return Err(StoreError::AlreadyExpired { what: WHAT });
        }
        let mut session = SessionSnapshot::new(record);
        let prepared = self.prepare(&session, now).await?;
        session.record.epoch = prepared.epoch;
        let created = self.put_session(&Stored::new(session), now).await;
        if !matches!(created, Ok(_) | Err(StoreError::Unavailable(_))) {
            self.give_back(&prepared).await;
        }
        created.map(drop)
    }

    /// Writes a session whose key is not there yet, and gives its write.
    pub(crate) async fn put_session(&self, stored: &Stored, now: DateTime<Utc>) -> Result<Write> {
        let record = &stored.session.record;
        let ttl = time_to_live(record.retain_until, now, SESSION_MARGIN);
        let key = self.keys.session(&record.key);
        self.swap(CAREFUL, &key, None, stored, Some(ttl))
            .await?
            .ok_or(StoreError::AlreadyExists { what: WHAT })
    }

    pub(crate) async fn touch(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState> {
        let mut retry = Retry::new();
        loop {
            let Some((row, mut session)) = self.session(key).await? else {
                return Ok(SessionState::Unknown);
            };
            if !session.touch(policy, now) || self.replace(Care::Light, &row, &session).await? {
                return Ok(session.state(now));
            }
            retry.again(self.new_write()).await?;
        }
    }

    pub(crate) async fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant> {
        let mut retry = Retry::new();
        loop {
            let Some((row, mut session)) = self.session(key).await? else {
                return Ok(AddParticipant::Unknown);
            };
            let outcome = session.add_participant(participant.clone(), now)?;
            if outcome != AddParticipant::Added {
                return Ok(outcome);
            }
            self.register_last(&session, now).await?;
            if self.replace(Care::New, &row, &session).await? {
                return Ok(outcome);
            }
            retry.again(self.new_write()).await?;
        }
    }

    pub(crate) async fn terminate(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Termination> {
        let mut retry = Retry::new();
        loop {
            let Some((row, mut session)) = self.session(key).await? else {
                return Ok(Termination::Unknown);
            };
            let outcome = session.terminate(by, now);
            let Termination::Ended(ended) = &outcome else {
                return Ok(outcome);
            };
            // A logout that asks again writes again: so replicas are known to have it.
            if self.replace(Care::Ending, &row, ended).await? {
                self.unindex(ended).await;
                return Ok(outcome);
            }
            retry.again(self.new_write()).await?;
        }
    }

    pub(crate) async fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let subject = IndexKey::of_subject(subject);
        let key = self.keys.revocation(&subject);
        let mut retry = Retry::new();
        loop {
            let last = self.revocation(&subject).await?;
            let next = Revocation::next(last.as_ref().map(|(_, last)| last), by, now);
            let ttl = time_to_live(next.retain_until(), now, SESSION_MARGIN);
            let former = last.map(|(write, _)| write);
            let what = ("revocation", Care::Ending);
            if self
                .swap(what, &key, former, &next, Some(ttl))
                .await?
                .is_some()
            {
                return Ok(());
            }
            retry.again(self.new_write()).await?;
        }
    }
}
