//! Whose browser it is that an application's LogoutRequest came by.
//!
//! Sessions are found by what the request says, so that it ends them wherever it comes from. But
//! whoever carries the logout on learns which applications the person uses, and by which names:
//! that must be a browser of the person, not the application's own server.

use crate::error::{Denial, FederateError};
use crate::hub::Hub;
use crate::store::{Store, decode, encode};
use crate::token::Token;
use chrono::TimeDelta;
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew};

/// How many sessions of a logout are looked at: an application's request names one person.
const LOOKED_AT: usize = 8;

/// How long a logout can be found by another name: longer than anybody waits for its answer.
const KNOWN_APART: TimeDelta = TimeDelta::minutes(15);

impl<S: Store> Hub<S> {
    /// Whether this cookie is of a session of the person whom the logout of this handle is about:
    /// then the browser is theirs. It need not be a session that ends: some applications name
    /// another one of the person than the browser's.
    ///
    /// # Errors
    /// As [`Hub::logout_page`].
    pub async fn is_logout_of(
        &self,
        handle: &Token,
        session: &Token,
    ) -> Result<bool, FederateError> {
        let (key, own) = (self.logout_key(handle), self.session_key(session));
        let logout = self.journal().load(&key, self.now()).await?;
        let Some(own) = self.store.snapshot(&own).await? else {
            return Ok(false);
        };
        for session in logout.sessions().take(LOOKED_AT) {
            let ended = self.store.snapshot(session).await?;
            if ended.is_some_and(|ended| ended.record.subject == own.record.subject) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Another name for a logout, for whoever brings an application's request without showing
    /// that the browser is the person's. Wait with it for the answer, and show nothing.
    ///
    /// # Errors
    /// Failures of the store and of the random source.
    pub async fn name_logout_apart(&self, handle: &Token) -> Result<Token, FederateError> {
        let (name, now) = (Token::random(self.provider())?, self.now());
        let entry = OneTimeEntry {
            namespace: Namespace::HANDLE,
            key: self.apart_key(&name),
            value: encode(&handle.expose())?,
            expires: now + KNOWN_APART,
        };
        match self.store.put_new(entry, now).await? {
            PutNew::Inserted => Ok(name),
            PutNew::AlreadyPresent => Err(Denial::Replayed.into()), // a broken random source
        }
    }

    /// The handle of a logout that was [named](Self::name_logout_apart).
    ///
    /// # Errors
    /// [`Denial::UnknownHandle`], failures of the store.
    pub async fn logout_apart(&self, name: &Token) -> Result<Token, FederateError> {
        let (key, now) = (self.apart_key(name), self.now());
        let octets = self.store.peek(Namespace::HANDLE, &key, now).await?;
        let handle: String = decode(&octets.ok_or(Denial::UnknownHandle)?, "logout")?;
        Ok(Token::parse(&handle).ok_or(Denial::UnknownHandle)?)
    }

    fn apart_key(&self, name: &Token) -> OneTimeKey {
        OneTimeKey::new(self.hash("logout-apart", name.expose()))
    }
}
