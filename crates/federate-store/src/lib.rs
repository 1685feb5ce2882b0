//! Federate's store traits on redb, the embedded database.
//!
//! [`RedbStore`] keeps sessions, one-time values, running logouts and users in one file that
//! survives crashes; `open` and `in_memory` are the same code on two backends.
//!
//! With the feature `postgres`, `PostgresStore` keeps them in a PostgreSQL database that many
//! nodes share.
//!
//! ```
//! use chrono::{TimeDelta, TimeZone as _, Utc};
//! use federate_session::{Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, PutNew};
//! use federate_store::RedbStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedbStore::in_memory()?; // or RedbStore::open("hub.redb")?
//! let now = Utc.with_ymd_and_hms(2026, 1, 1, 8, 0, 0).unwrap();
//! let assertion = OneTimeEntry {
//!     namespace: Namespace::ASSERTION,
//!     key: OneTimeKey::new([7; 32]), // the hash of issuer and assertion id
//!     value: Vec::new(),
//!     expires: now + TimeDelta::minutes(10),
//! };
//! assert_eq!(store.put_new(assertion.clone(), now).await?, PutNew::Inserted);
//! assert_eq!(store.put_new(assertion, now).await?, PutNew::AlreadyPresent);
//! # Ok(())
//! # }
//! ```

mod codec;
mod error;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "postgres")]
pub use self::postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "redb")]
pub use self::redb::{RedbOptions, RedbStore};
#[cfg(feature = "redis")]
pub use self::redis::{NotReplicated, RedisOptions, RedisStore, Wait};
pub use error::OpenError;
