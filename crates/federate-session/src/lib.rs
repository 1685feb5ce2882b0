//! The single sign-on session: lifetime policy, record, store traits and the in-memory store.
//!
//! A session begins with a login, lasts at most 7 days and at most 3 days without activity
//! ([`LifetimePolicy`]), and remembers every application that received an assertion in it
//! ([`Participant`]), for they will be told when it ends. Everything but [`MemoryStore`] is a
//! value or a pure function; `now` always comes from the caller. The cookie's token never
//! comes here: stores are asked by its hash ([`SessionKey`]).
//!
//! ```
//! use chrono::{TimeDelta, TimeZone as _, Utc};
//! use federate_session::*;
//! use federate_types::EntityId;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Utc.with_ymd_and_hms(2026, 1, 1, 8, 0, 0).unwrap();
//! let policy = LifetimePolicy::default();
//! let store = MemoryStore::default();
//! let key = SessionKey::new([7; 32]); // the hash of the cookie's token
//!
//! let login = NewSession {
//!     key,
//!     id: SessionId::new("ses_1")?,
//!     subject: Subject::new(
//!         TenantId::new("acme")?,
//!         ConnectionId::new("okta")?,
//!         EntityId::new("http://www.okta.com/exk1")?,
//!         "00u1",
//!     )?,
//!     user: UserId::new("usr_1")?,
//!     persistence: Persistence::Persistent,
//!     authn_instant: now,
//!     authn_context: None,
//!     upstream: None,
//!     upstream_cap: None,
//! };
//! store.create(SessionRecord::open(login, &policy, now), now).await?;
//!
//! // Two days later the user opens a second application.
//! let later = now + TimeDelta::days(2);
//! let state = store.touch_if_alive(&key, &policy, later).await?;
//! assert!(matches!(state, SessionState::Alive(_)));
//!
//! // Three idle days after that, nobody is signed in.
//! let state = store.load(&key, later + TimeDelta::days(3)).await?;
//! assert_eq!(state, SessionState::Ended(EndReason::Expired(Limit::Idle)));
//! # Ok(())
//! # }
//! ```

mod error;
mod id;
mod index;
pub mod instant;
mod memory;
mod one_time;
mod policy;
mod record;
mod revocation;
mod snapshot;
mod store;
mod subject;
mod user;

pub use error::{EndReason, InvalidPolicy, Limit, StoreError};
pub use id::{
    ConnectionId, LogoutKey, LogoutScope, OneTimeKey, SessionId, SessionKey, TenantId, UserId,
};
pub use index::IndexKey;
pub use memory::MemoryStore;
pub use one_time::{Namespace, OneTimeEntry, OneTimeStore, PutNew, Redemption};
pub use policy::{Lifetime, LifetimePolicy, Touch};
pub use record::{
    Ended, NewSession, Participant, ParticipantQuery, Persistence, SessionRecord, UpstreamQuery,
    UpstreamSession, names_agree,
};
pub use revocation::Revocation;
pub use snapshot::SessionSnapshot;
pub use store::{
    AddParticipant, Capacity, Claimed, FoundOrCreated, LogoutStore, Rotation, SessionCheck,
    SessionState, SessionStore, Sweep, Swept, Termination, UserStore, Versioned,
};
pub use subject::Subject;
pub use user::{Profile, User};
