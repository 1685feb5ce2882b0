//! What the facade keeps in stores, and how it is written there.

use crate::error::FederateError;
use federate_session::{LogoutStore, OneTimeStore, SessionStore, StoreError, Sweep, UserStore};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A store for everything that service providers and hubs remember.
///
/// Whatever implements the five traits is one: `federate_session::MemoryStore`,
/// `federate_store::RedbStore`, yours.
pub trait Store: SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + 'static {}

impl<T: SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + 'static> Store for T {}

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
