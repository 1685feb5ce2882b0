//! One session in the place of another, which may lie on another node.
//!
//! The new session is written first, with the old one's applications and the remark that it
//! replaces the old one; so it does not count yet. That it does is decided by one swap, which
//! closes the old one and names the new one. So at no moment do both count, and none that
//! were there are lost or given twice, wherever this stops. At last the remark is removed.

use super::index::Prepared;
use super::keys::{SESSION_MARGIN, time_to_live};
use super::server::{Care, Result, Retry, Server, Write};
use super::sessions::{Row, Stored, WHAT};
use chrono::{DateTime, Utc};
use federate_session::{Rotation, SessionKey, SessionRecord, SessionSnapshot, StoreError};
use futures_util::future::join;

const CAREFUL: (&str, Care) = (WHAT, Care::New);

impl Server {
    pub(crate) async fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation> {
        if *old == new.key {
            self.create(new, now).await?;
            return Ok(Rotation::Rotated { carried: 0 });
        }
        if new.end_reason(now).is_some() {
            return Err(StoreError::AlreadyExpired { what: WHAT });
        }
        let mut session = SessionSnapshot::new(new);
        // The epoch is from before the old session is looked at: if a revocation comes in
        // between, it ends the new one rather than neither.
        let prepared = self.prepare(&session, now).await?;
        session.record.epoch = prepared.epoch;
        self.take_over(old, session, &prepared, now).await
    }

    async fn take_over(
        &self,
        old: &SessionKey,
        mut new: SessionSnapshot,
        prepared: &Prepared,
        now: DateTime<Utc>,
    ) -> Result<Rotation> {
        let mut written: Option<Write> = None;
        let mut retry = Retry::new();
        loop {
            let former = match self.session(old).await {
                Ok(former) => former.filter(|(_, session)| session.is_open()),
                Err(error) => return self.give_up(prepared, error).await,
            };
            let Some((row, mut former)) = former else {
                new.participants.clear();
                let put = self.put(written, &Stored::new(new), now).await;
                return match put {
                    Ok(_) => Ok(Rotation::Rotated { carried: 0 }),
                    Err(error) => self.give_up(prepared, error).await,
                };
            };
            if former.record.subject != new.record.subject {
                self.give_back(prepared).await;
                return Ok(Rotation::OtherSubject);
            }
            new.participants = former.replace(now);
            let pending = Stored {
                replaces: Some(*old),
                ..Stored::new(new.clone())
            };
            let write = match self.put_pending(written, &pending, now).await {
                Ok(write) => write,
                Err(error) => return self.give_up(prepared, error).await,
            };
            written = Some(write);
            match self.close_for(&row, &former, &new, now).await {
                Ok(true) => return Ok(self.finish_rotation(write, former, new, now).await),
                Ok(false) => retry.again(self.new_write()).await?,
                Err(error) => return self.give_up(prepared, error).await,
            }
        }
    }

    /// Nothing changed, or nobody knows: then the id stays with the new session.
    async fn give_up(&self, prepared: &Prepared, error: StoreError) -> Result<Rotation> {
        if !matches!(error, StoreError::Unavailable(_)) {
            self.give_back(prepared).await;
        }
        Err(error)
    }

    async fn put_pending(
        &self,
        written: Option<Write>,
        pending: &Stored,
        now: DateTime<Utc>,
    ) -> Result<Write> {
        if !pending.session.participants.is_empty() {
            self.register(&pending.session, now).await?;
        }
        self.put(written, pending, now).await
    }

    /// Writes the new session, or writes it anew.
    async fn put(
        &self,
        written: Option<Write>,
        stored: &Stored,
        now: DateTime<Utc>,
    ) -> Result<Write> {
        if written.is_none() {
            return self.put_session(stored, now).await;
        }
        let key = self.keys.session(&stored.session.record.key);
        // Nobody else writes a session that does not count.
        self.swap(CAREFUL, &key, written, stored, None)
            .await?
            .ok_or(StoreError::AlreadyExists { what: WHAT })
    }

    /// Closes the old session, and with it makes the new one count; unless it was changed.
    async fn close_for(
        &self,
        row: &Row,
        former: &SessionSnapshot,
        new: &SessionSnapshot,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let key = self.keys.session(&former.record.key);
        let closed = Stored {
            replaced_by: Some(new.record.key),
            ..Stored::new(former.clone())
        };
        // The new one may have to look at it as long as there is the new one.
        let end = former.record.retain_until.max(new.record.retain_until);
        let ttl = time_to_live(end, now, SESSION_MARGIN + SESSION_MARGIN);
        let closed = self
            .swap(CAREFUL, &key, Some(row.write), &closed, Some(ttl))
            .await?;
        Ok(closed.is_some())
    }

    /// Removes the remark and the index entries. What of this fails does no harm.
    async fn finish_rotation(
        &self,
        write: Write,
        former: SessionSnapshot,
        new: SessionSnapshot,
        now: DateTime<Utc>,
    ) -> Rotation {
        let carried = new.participants.len();
        let counts = Stored::new(new);
        let (_, ()) = join(self.put(Some(write), &counts, now), self.unindex(&former)).await;
        Rotation::Rotated { carried }
    }
}
