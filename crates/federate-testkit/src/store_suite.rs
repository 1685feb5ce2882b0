//! One behavioural suite for all stores: each verb, each edge of time, and concurrency.
//!
//! Every check makes a store of its own by `make`, which is told the capacity to keep to.
//! Call the four functions from a test with a multi-threaded tokio runtime:
//!
//! ```
//! use federate_session::MemoryStore;
//! use federate_testkit::store_suite;
//!
//! # #[tokio::main]
//! # async fn main() {
//! store_suite::one_time(&MemoryStore::with_capacity).await;
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
mod one_time;
mod races;
mod sessions;
mod termination;
mod users;

use federate_session::{Capacity, LogoutStore, OneTimeStore, SessionStore, Sweep, UserStore};

/// Everything that a store of the hub can do.
pub trait Store:
    SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + Clone + 'static
{
}

impl<S> Store for S where
    S: SessionStore + OneTimeStore + LogoutStore + UserStore + Sweep + Clone + 'static
{
}

/// Checks the verbs of `SessionStore`.
pub async fn sessions<S: Store>(make: &impl Fn(Capacity) -> S) {
    sessions::run(make).await;
    termination::run(make).await;
    races::run(make).await;
}

/// Checks the verbs of `OneTimeStore`.
pub async fn one_time<S: Store>(make: &impl Fn(Capacity) -> S) {
    one_time::run(make).await;
}

/// Checks the verbs of `LogoutStore`.
pub async fn logouts<S: Store>(make: &impl Fn(Capacity) -> S) {
    logouts::run(make).await;
}

/// Checks the verbs of `UserStore`.
pub async fn users<S: Store>(make: &impl Fn(Capacity) -> S) {
    users::run(make).await;
}
