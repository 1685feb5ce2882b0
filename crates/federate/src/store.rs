//! What the facade keeps in stores, and how it is written there.

use crate::error::FederateError;
use chrono::{DateTime, Utc};
use federate_crypto::CryptoProvider;
use federate_session::{
    LogoutKey, LogoutStore, OneTimeStore, Rotation, SessionKey, SessionRecord, SessionSnapshot,
    SessionStore, StoreError, Sweep, Termination, UserStore,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A store for everything that service providers and hubs remember.
///
/// Whatever implements the five traits is one: `federate_session::MemoryStore`,
/// `federate_store::RedbStore`, yours.
pub trait Store: SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + 'static {}

impl<T: SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + 'static> Store for T {}

/// Opens a session; the one that the browser had before is replaced by it. Gives the former one
/// if it was somebody else's: it goes on until the caller ends it.
pub(crate) async fn open_session(
    store: &impl Store,
    session: &SessionRecord,
    previous: Option<SessionKey>,
    now: DateTime<Utc>,
) -> Result<Option<SessionKey>, FederateError> {
    if let Some(previous) = previous {
        let rotation = store.rotate(&previous, session.clone(), now).await?;
        if rotation != Rotation::OtherSubject {
            return Ok(None);
        }
    }
    store.create(session.clone(), now).await?;
    Ok(previous)
}

/// Ends a session here; telling others is the caller's part.
pub(crate) async fn end_session(
    store: &impl Store,
    key: &SessionKey,
    provider: &CryptoProvider,
    now: DateTime<Utc>,
) -> Result<Option<Box<SessionSnapshot>>, FederateError> {
    let mut by = [0; 32];
    provider.random.fill(&mut by)?;
    let by = LogoutKey::new(by);
    Ok(match store.begin_termination(key, by, now).await? {
        Termination::Ended(ended) => Some(ended),
        Termination::AlreadyEnded | Termination::Unknown => None,
    })
}

pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, FederateError> {
    postcard::to_allocvec(value)
        .map_err(|_| FederateError::Configuration("a value that cannot be stored"))
}

pub(crate) fn decode<T: DeserializeOwned>(
    octets: &[u8],
    what: &'static str,
) -> Result<T, StoreError> {
    postcard::from_bytes(octets).map_err(|_| StoreError::Corrupt { what })
}
