//! Who asks for a logout once more: what is remembered of the one that is there already.

use super::super::Hub;
use crate::error::FederateError;
use crate::store::{Store, decode, encode};
use crate::token::Token;
use chrono::{DateTime, TimeDelta, Utc};
use federate_logout::{LogoutError, Outcome};
use federate_session::{
    LogoutKey, Namespace, OneTimeEntry, OneTimeKey, PutNew, SessionKey, StoreError,
};
use federate_types::{EntityId, NameId};

/// For how long it is remembered at least which logout a peer asked for last.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// Running logouts that began at the hub's own page, by the session that they ended.
const LOGOUT_OF: Namespace = Namespace::new("logout-of");

/// A peer and a person about whom it asks.
pub(super) struct About(String);

impl About {
    pub(super) fn new(peer: &EntityId, name_id: &NameId) -> Self {
        Self(format!("{peer} {}", name_id.value()))
    }
}

impl<S: Store> Hub<S> {
    /// How many peers the last logout that was asked for there has left signed in.
    pub(super) async fn left_signed_in(&self, about: &About) -> Result<usize, FederateError> {
        let now = self.now();
        let Some(last) = self.last_asked_for(about, now).await? else {
            return Ok(0);
        };
        let summary = match self.journal().load(&last, now).await {
            Ok(logout) => logout.summary(),
            Err(LogoutError::Unknown) => return Ok(0), // it is long ago
            Err(other) => return Err(other.into()),
        };
        let peers = summary.applications.iter().chain(&summary.upstreams);
        let signed_in = peers
            .filter(|peer| peer.outcome != Outcome::Confirmed && peer.outcome != Outcome::NotAsked);
        let signed_in = signed_in.count().saturating_add(summary.left_out);
        Ok(if summary.complete {
            0
        } else {
            signed_in.max(1)
        })
    }

    async fn last_asked_for(
        &self,
        about: &About,
        now: DateTime<Utc>,
    ) -> Result<Option<LogoutKey>, FederateError> {
        for at in [now, now - REMEMBERED] {
            let key = self.about_key(about, at);
            if let Some(last) = self.store.load_logout(&key, now).await? {
                return Ok(Some(LogoutKey::new(decode(&last.value, "logout")?)));
            }
        }
        Ok(None)
    }

    /// Remembers which logout was asked for last.
    pub(super) async fn asked_for(
        &self,
        about: &About,
        key: &LogoutKey,
    ) -> Result<(), FederateError> {
        let (store, now) = (&self.store, self.now());
        let about = self.about_key(about, now);
        let value = encode(key.as_bytes())?;
        let expires = now + REMEMBERED * 2;
        let created = store.create_logout(&about, value.clone(), expires, None, now);
        match created.await {
            Ok(_) => return Ok(()),
            Err(StoreError::AlreadyExists { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        let Some(before) = store.load_logout(&about, now).await? else {
            return Ok(());
        };
        match store
            .compare_and_swap(&about, before.version, value, None, now)
            .await
        {
            // Of two at the same time, either is the last.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Where it is remembered. A row keeps its end when it is written again, so there is one for
    /// each day.
    fn about_key(&self, About(about): &About, at: DateTime<Utc>) -> LogoutKey {
        let day = at.timestamp().div_euclid(REMEMBERED.num_seconds());
        LogoutKey::new(self.hash("logout-asked", &format!("{day} {about}")))
    }

    /// Remembers the page of the logout of a session, as long as its initiator is waited for.
    pub(super) async fn logout_of(
        &self,
        session: &SessionKey,
        handle: &Token,
    ) -> Result<(), FederateError> {
        let now = self.now();
        let entry = OneTimeEntry {
            namespace: LOGOUT_OF,
            key: OneTimeKey::new(*session.as_bytes()),
            value: encode(&handle.expose())?,
            expires: now + self.logout_policy.bounded().timing.total,
        };
        // No session has two logouts.
        let _: PutNew = self.store.put_new(entry, now).await?;
        Ok(())
    }

    /// The page of the logout that has ended the session of this browser, if it goes on.
    pub(super) async fn running_logout_of(
        &self,
        session: &SessionKey,
    ) -> Result<Option<Token>, FederateError> {
        let of = OneTimeKey::new(*session.as_bytes());
        let stored = self.store.peek(LOGOUT_OF, &of, self.now()).await?;
        let Some(octets) = stored else {
            return Ok(None);
        };
        let handle: String = decode(&octets, "logout")?;
        let Some(handle) = Token::parse(&handle) else {
            return Ok(None);
        };
        let key = self.logout_key(&handle);
        Ok(match self.journal().load(&key, self.now()).await {
            Ok(logout) if !logout.is_done() => Some(handle),
            Ok(_) | Err(LogoutError::Unknown) => None,
            Err(other) => return Err(other.into()),
        })
    }
}
