//! One behavioural suite for all stores: each verb, each edge of time, and concurrency.
//!
//! A backend says how its stores are made ([`Backend`]); every check makes stores of its own.
//! Call the functions from a test with a multi-threaded tokio runtime:
//!
//! ```
//! use federate_session::{Capacity, MemoryStore};
//! use federate_testkit::store_suite::{self, Backend};
//!
//! struct InMemory;
//!
//! impl Backend for InMemory {
//!     type Store = MemoryStore;
//!
//!     async fn make(&self, capacity: Capacity) -> MemoryStore {
//!         MemoryStore::with_capacity(capacity)
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() {
//! store_suite::one_time(&InMemory).await;
//! # }
//! ```
//!
//! # Panics
//! Every function panics when the store misbehaves: they are assertions.

// A suite of assertions: what would be a bug in library code is a verdict here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc
)]

mod fixtures;
mod logouts;
mod model;
mod one_time;
mod races;
mod revocation;
mod sessions;
mod termination;
mod users;

use federate_session::{Capacity, LogoutStore, OneTimeStore, SessionStore, Sweep, UserStore};
use std::future::Future;

/// Everything that a store of the hub can do.
pub trait Store:
    SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + Clone + 'static
{
}

impl<S> Store for S where
    S: SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + Clone + 'static
{
}

/// How the suite comes by stores.
pub trait Backend {
    /// The store.
    type Store: Store;

    /// An empty store that keeps to this capacity, if it [`Backend::counts`].
    fn make(&self, capacity: Capacity) -> impl Future<Output = Self::Store>;

    /// Another instance on the same data, as another process would open it; by default a
    /// clone.
    fn again(&self, store: &Self::Store) -> impl Future<Output = Self::Store> {
        std::future::ready(store.clone())
    }

    /// Whether the store counts its entries and refuses those beyond its capacity. One behind
    /// which a database has a bound of its own may say no.
    fn counts(&self) -> bool {
        true
    }

    /// Whether a sweep removes every expired entry, one by one. One that forgets by other
    /// means, such as the expiry of the database's own keys, may say no.
    fn sweeps(&self) -> bool {
        true
    }
}

/// Checks the verbs of `SessionStore`.
pub async fn sessions(backend: &impl Backend) {
    sessions::run(backend).await;
    termination::run(backend).await;
    revocation::run(backend).await;
    races::run(backend).await;
}

/// Checks the verbs of `OneTimeStore`.
pub async fn one_time(backend: &impl Backend) {
    one_time::run(backend).await;
}

/// Checks the verbs of `LogoutStore`.
pub async fn logouts(backend: &impl Backend) {
    logouts::run(backend).await;
}

/// Checks the verbs of `UserStore`.
pub async fn users(backend: &impl Backend) {
    users::run(backend).await;
}

/// Plays `cases` random sequences of all verbs against a plain model of the rules.
///
/// `PROPTEST_CASES` and `PROPTEST_RNG_SEED` in the environment ask for other sequences.
pub async fn model(backend: &impl Backend, cases: u32) {
    model::run(backend, cases).await;
}
