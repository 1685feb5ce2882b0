use crate::{OneTimeKey, StoreError};
use chrono::{DateTime, Utc};
use std::fmt;
use std::future::Future;

/// Which kind of value a [`OneTimeKey`] is: keys of different kinds never meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace(&'static str);

impl Namespace {
    /// Requests that await their response, by request id.
    pub const REQUEST: Self = Self("request");
    /// Assertions that were accepted, by issuer and assertion id.
    pub const ASSERTION: Self = Self("assertion");
    /// Logout messages that were accepted, by issuer and message id.
    pub const LOGOUT_MESSAGE: Self = Self("logout-message");
    /// Verified results that await their browser, by handle.
    pub const HANDLE: Self = Self("handle");
    /// Artifacts and authorization codes.
    pub const CODE: Self = Self("code");

    /// Another kind, by a name of the caller's own.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({})", self.0)
    }
}

/// A value to be stored for one use. `Debug` shows its size alone.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeEntry {
    /// Its kind.
    pub namespace: Namespace,
    /// Its key.
    pub key: OneTimeKey,
    /// The value, which may be empty.
    pub value: Vec<u8>,
    /// When it may be forgotten: for a replay entry, not before the assertion is refused for
    /// its age anyway.
    pub expires: DateTime<Utc>,
}

impl OneTimeEntry {
    /// The largest value accepted, in bytes.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Checks what every store must refuse.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] and [`StoreError::AlreadyExpired`].
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let what = "one-time value";
        if self.value.len() > Self::MAX_BYTES {
            return Err(StoreError::TooLarge { what });
        }
        if self.expires <= now {
            return Err(StoreError::AlreadyExpired { what });
        }
        Ok(())
    }
}

impl fmt::Debug for OneTimeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimeEntry")
            .field("namespace", &self.namespace)
            .field("key", &self.key)
            .field("value", &format_args!("{} bytes", self.value.len()))
            .field("expires", &self.expires)
            .finish()
    }
}

/// What became of a new one-time value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum PutNew {
    /// It was new, and is stored.
    Inserted,
    /// The key is there already: nothing changed. For a replay entry: refuse the message.
    AlreadyPresent,
}

/// What became of a response.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub enum Redemption {
    /// The request is consumed and the assertion recorded: this is a login.
    Redeemed {
        /// What was stored with the request; `None` for an unsolicited response.
        request: Option<Vec<u8>>,
    },
    /// The assertion was accepted before: nothing changed.
    Replayed,
    /// There is no such request, or it was answered or is too old: nothing changed.
    UnknownRequest,
}

impl fmt::Debug for Redemption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redeemed { .. } => "Redeemed",
            Self::Replayed => "Replayed",
            Self::UnknownRequest => "UnknownRequest",
        })
    }
}

/// Where values for one use are kept: requests, replay entries, codes, handles.
pub trait OneTimeStore: Send + Sync {
    /// Stores a value whose key is not there yet; one that has expired is not there.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::TooLarge`], [`StoreError::AlreadyExpired`] and
    /// what the backend reports. Then the message is to be refused.
    fn put_new(
        &self,
        entry: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<PutNew, StoreError>> + Send;

    /// Looks at a value without consuming it; one that has expired is not there.
    ///
    /// What it gives may be consumed by another at the next moment: decide with
    /// [`OneTimeStore::take`] or [`OneTimeStore::redeem`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::UnsupportedFormat`] and
    /// [`StoreError::Unavailable`].
    fn peek(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    /// Takes a value out: of any number of callers, one gets it.
    ///
    /// # Errors
    /// What the backend reports.
    fn take(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    /// Consumes the request that a response answers and records its assertion, as one.
    ///
    /// `[SAMLProf] 4.1.4.5`: an assertion is used once, and a response answers one request.
    /// `request` is `None` for an unsolicited response. Unless the outcome is
    /// [`Redemption::Redeemed`], nothing changed.
    ///
    /// # Errors
    /// Those of [`OneTimeStore::put_new`], about `replay`.
    fn redeem(
        &self,
        request: Option<(Namespace, OneTimeKey)>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Redemption, StoreError>> + Send;
}
