//! Federate's stores in Redis or Valkey.
//!
//! How and why: `docs/design/0013-how-redis-keeps-sessions.md`.

mod functions;
mod index;
mod keys;
mod logouts;
mod one_time;
mod open;
mod rotation;
mod server;
mod sessions;
mod users;

use self::server::Server;
use crate::OpenError;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{
    AddParticipant, Claimed, FoundOrCreated, IndexKey, LifetimePolicy, LogoutKey, LogoutScope,
    LogoutStore, Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, Participant, ParticipantQuery,
    Profile, PutNew, Redemption, Rotation, SessionId, SessionKey, SessionRecord, SessionSnapshot,
    SessionState, SessionStore, StoreError, Subject, Sweep, Swept, TenantId, Termination,
    UpstreamQuery, User, UserId, UserStore, Versioned,
};
use std::sync::Arc;
use std::time::Duration;

/// How a [`RedisStore`] is reached. `Debug` shows no address, for it may hold a password.
#[derive(Clone)]
pub struct RedisOptions {
    /// Where the server is, as `redis://user:password@host:port/database`; `rediss://` over
    /// TLS, with the feature `redis-tls`. Of a cluster one node or more; they name the others.
    pub urls: Vec<String>,
    /// What the names of all keys begin with, without braces and colons; `federate` by
    /// default. Stores with different prefixes do not meet.
    pub prefix: String,
    /// How long a connection may take to be made; 2 s by default.
    pub connect_timeout: Duration,
    /// How long an answer may take; 2 s by default.
    pub response_timeout: Duration,
    /// Whether writes are acknowledged only when replicas have them; not by default.
    pub wait: Option<Wait>,
    /// The certificates, in PEM, that vouch for `rediss://` servers instead of the system's.
    #[cfg(feature = "redis-tls")]
    pub certificate_authorities: Option<Vec<u8>>,
    /// Accepts a server that may evict keys when its memory is full: then replay entries,
    /// tombstones and sessions vanish without a word.
    pub dangerous_allow_eviction: bool,
}

impl RedisOptions {
    /// The server at this address, with the defaults.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            prefix: "federate".into(),
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(2),
            wait: None,
            #[cfg(feature = "redis-tls")]
            certificate_authorities: None,
            dangerous_allow_eviction: false,
        }
    }
}

impl std::fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisOptions")
            .field("urls", &self.urls.len())
            .field("prefix", &self.prefix)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("wait", &self.wait)
            .field("dangerous_allow_eviction", &self.dangerous_allow_eviction)
            .finish()
    }
}

/// What a write must have reached before it is acknowledged: everything that somebody will
/// rely on, so neither activities nor leases.
///
/// It makes the loss of an acknowledged write unlikely, not impossible: a replica that lacks
/// it may still be promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// So many replicas must have the write.
    pub replicas: u32,
    /// How long they may take. After that the answer is [`StoreError::Unavailable`] with
    /// [`NotReplicated`] as its source, and the write may have happened.
    pub timeout: Duration,
}

/// Fewer replicas than [`Wait`] asks for had a write in time. It may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{acknowledged} of {wanted} replicas had the write in time")]
pub struct NotReplicated {
    /// How many were to have it.
    pub wanted: u32,
    /// How many had it.
    pub acknowledged: u32,
}

/// All stores in one Redis or Valkey server, or in a cluster of them.
///
/// Clones share the connections, which are made anew whenever they break; until then verbs
/// answer [`StoreError::Unavailable`]. A verb that did may still have happened. Belongs to the
/// tokio runtime in which it was connected.
///
/// Every key but those of users lives for a limited time, which only cleans up: whether
/// something is over is decided by the `now` of each verb. When the server's memory is full,
/// verbs that need more of it answer [`StoreError::Full`].
///
/// ```no_run
/// use federate_store::{RedisOptions, RedisStore, Wait};
/// use std::time::Duration;
///
/// # async fn open() -> Result<(), federate_store::OpenError> {
/// let store = RedisStore::connect(RedisOptions {
///     prefix: "hub".into(),
///     wait: Some(Wait { replicas: 1, timeout: Duration::from_millis(500) }),
///     ..RedisOptions::new("redis://10.0.0.5:6379")
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    server: Arc<Server>,
}

impl RedisStore {
    /// Connects to the server, or to the cluster that it says it belongs to.
    ///
    /// # Errors
    /// [`OpenError::Unreachable`]; [`OpenError::Unsuitable`] for a server older than 7.0, one
    /// that may evict keys, a replica, or several addresses that are no cluster's;
    /// [`OpenError::Foreign`] and [`OpenError::UnsupportedFormat`] when others wrote under
    /// this prefix.
    pub async fn connect(options: RedisOptions) -> Result<Self, OpenError> {
        let server = Arc::new(open::connect(options).await?);
        Ok(Self { server })
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore")
            .field("keys", &self.server.keys)
            .field("is_cluster", &self.server.is_cluster())
            .field("wait", &self.server.wait())
            .finish_non_exhaustive()
    }
}

impl SessionStore for RedisStore {
    async fn create(&self, record: SessionRecord, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.server.create(record, now).await
    }

    async fn load(&self, key: &SessionKey, now: DateTime<Utc>) -> Result<SessionState, StoreError> {
        Ok(self
            .snapshot(key)
            .await?
            .map_or(SessionState::Unknown, |session| session.state(now)))
    }

    async fn snapshot(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        Ok(self.server.session(key).await?.map(|(_, session)| session))
    }

    async fn touch_if_alive(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        self.server.touch(key, policy, now).await
    }

    async fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        self.server.rotate(old, new, now).await
    }

    async fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        self.server.add_participant(key, participant, now).await
    }

    async fn begin_termination(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Termination, StoreError> {
        self.server.terminate(key, by, now).await
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        self.server.by_id(tenant, id).await
    }

    async fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.server.revoke_subject(subject, by, now).await
    }

    async fn by_subject(&self, subject: &Subject) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_subject(subject);
        self.server
            .find(&index, |session| session.record.subject == *subject)
            .await
    }

    async fn by_participant(
        &self,
        query: &ParticipantQuery,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_participant(query);
        self.server
            .find(&index, |session| session.is_meant_by(query))
            .await
    }

    async fn by_upstream(&self, query: &UpstreamQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_upstream(query);
        self.server
            .find(&index, |session| query.matches(&session.record))
            .await
    }
}

impl OneTimeStore for RedisStore {
    async fn put_new(&self, entry: OneTimeEntry, now: DateTime<Utc>) -> Result<PutNew, StoreError> {
        self.server.put_new(entry, now).await
    }

    async fn peek(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.server.peek((namespace, *key), now).await
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.server.take((namespace, *key), now).await
    }

    async fn redeem(
        &self,
        request: Option<(Namespace, OneTimeKey)>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption, StoreError> {
        self.server.redeem(request, replay, now).await
    }
}

impl LogoutStore for RedisStore {
    async fn create_logout(
        &self,
        key: &LogoutKey,
        value: Vec<u8>,
        expires: DateTime<Utc>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let state = Versioned {
            version: 1,
            value,
            expires,
            due,
        };
        self.server.create_logout(key, state, now).await
    }

    async fn load_logout(
        &self,
        key: &LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Versioned>, StoreError> {
        self.server.load_logout(key, now).await
    }

    async fn compare_and_swap(
        &self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.server.swap_logout(key, version, value, due, now).await
    }

    async fn claim_due(
        &self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.server.claim_due(scope, now, lease, limit).await
    }
}

impl UserStore for RedisStore {
    async fn find_or_create(
        &self,
        subject: &Subject,
        candidate: UserId,
        profile: Profile,
        now: DateTime<Utc>,
    ) -> Result<FoundOrCreated, StoreError> {
        let user = User::new(candidate, subject.clone(), profile, now);
        self.server.find_or_create(user).await
    }

    async fn load_user(&self, tenant: &TenantId, id: &UserId) -> Result<Option<User>, StoreError> {
        self.server.load_user(tenant, id).await
    }

    async fn user_by_subject(&self, subject: &Subject) -> Result<Option<User>, StoreError> {
        self.server.user_by_subject(subject).await
    }
}

impl Sweep for RedisStore {
    /// Does nothing: the server forgets by itself.
    async fn sweep(&self, _: DateTime<Utc>, _: usize) -> Result<Swept, StoreError> {
        Ok(Swept {
            removed: 0,
            more: false,
        })
    }
}
