//! Sessions that expire while nobody looks.
//!
//! Beside the running logouts stands a watch for each session whose expiry applications are to
//! be told of. It is due when the session ends, and is given out like any other due work; what
//! has been active since is watched on.

use super::super::Hub;
use crate::error::FederateError;
use crate::store::Store;
use crate::token::hash;
use chrono::TimeDelta;
use federate_logout::Initiator;
use federate_session::{
    EndReason, LogoutKey, SessionKey, SessionRecord, SessionState, StoreError, Versioned,
};

/// How long an expired session is kept so that applications can be told: for so long nobody may
/// be there to do it.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// What a watch begins with, and no running logout.
const WATCH: u8 = 0xff;

/// The session that is watched, if this is a watch.
pub(super) fn watched(value: &[u8]) -> Option<SessionKey> {
    let key = value.strip_prefix(&[WATCH])?;
    Some(SessionKey::new(key.try_into().ok()?))
}

impl<S: Store> Hub<S> {
    /// For how much longer than it lives a session is kept.
    pub(in crate::hub) fn kept(&self) -> TimeDelta {
        match self.tell_expiry {
            true => KEPT,
            false => TimeDelta::zero(),
        }
    }

    /// Has applications told when a new session expires, if they are to be.
    pub(in crate::hub) async fn watch(&self, session: &SessionRecord) -> Result<(), FederateError> {
        if !self.tell_expiry {
            return Ok(());
        }
        let parts = [self.tenant.as_str().as_bytes(), session.key.as_bytes()];
        let key = LogoutKey::new(hash(self.provider(), "expiry", &parts));
        let key = key.within(self.logout_scope());
        let mut value = vec![WATCH];
        value.extend(session.key.as_bytes());
        let (expires, due) = (session.retain_until, session.lifetime.expires());
        self.store
            .create_logout(&key, value, expires, Some(due), self.now())
            .await?;
        Ok(())
    }

    /// A watch is due: the session has expired, or has been active since, or is over.
    pub(super) async fn look_at_watched(
        &self,
        session: SessionKey,
        key: &LogoutKey,
        watch: Versioned,
    ) -> Result<(), FederateError> {
        let now = self.now();
        let due = match self.store.load(&session, now).await? {
            SessionState::Alive(record) => Some(record.lifetime.expires()),
            SessionState::Ended(EndReason::Expired(_)) => {
                self.begin(self.start(Initiator::Expiry, vec![session]), None)
                    .await?;
                None
            }
            SessionState::Ended(_) | SessionState::Unknown => None,
        };
        let Versioned { version, value, .. } = watch;
        let next = self.store.compare_and_swap(key, version, value, due, now);
        match next.await {
            // Another node was faster.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }
}
