mod connection;
mod error;
mod instant;
mod logouts;
mod one_time;
mod partitions;
mod revocations;
mod rows;
mod schema;
mod sessions;
mod sweep;
mod tls;
mod users;

use self::connection::{Connections, Limits};
use self::partitions::Partitions;
use crate::OpenError;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{
    AddParticipant, Claimed, FoundOrCreated, IndexKey, LifetimePolicy, LogoutKey, LogoutScope,
    LogoutStore, Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, Participant, ParticipantQuery,
    Profile, PutNew, Redemption, Rotation, SessionId, SessionKey, SessionRecord, SessionSnapshot,
    SessionState, SessionStore, StoreError, Subject, Sweep, Swept, TenantId, Termination,
    UpstreamQuery, User, UserId, UserStore, Versioned,
};
use std::fmt;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where a [`PostgresStore`] finds its database, and how long it waits for it.
///
/// `Debug` shows no URL, for it may contain a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// `postgresql://user:password@host:5432/database`, or `host=.. user=..`.
    ///
    /// Of several hosts, the one that accepts writes is used. With `sslmode=require` the
    /// connection is encrypted; by default it is if the server offers to; with
    /// `sslmode=disable` it is not. The certificate of an encrypted connection is always
    /// verified.
    pub url: String,
    /// The authorities, as PEM, that the server's certificate must lead to. By default those
    /// that browsers trust.
    pub authorities: Option<Vec<u8>>,
    /// The schema that the tables stand in: by default `federate`. It is made if it is not
    /// there.
    pub schema: String,
    /// The most connections at a time; 16 by default.
    pub connections: usize,
    /// The longest wait for a connection; 5 s by default.
    pub connect_timeout: Duration,
    /// The longest that a statement runs; 5 s by default. The store itself waits 1 s longer.
    pub statement_timeout: Duration,
    /// The longest that a statement waits for another one; 2 s by default.
    pub lock_timeout: Duration,
}

impl PostgresOptions {
    /// The defaults, for the database at this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authorities: None,
            schema: "federate".to_owned(),
            connections: 16,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(2),
        }
    }

    fn config(&self) -> Result<Config, OpenError> {
        let mut config: Config = self
            .url
            .parse()
            .map_err(|error| OpenError::Database(Box::new(error)))?;
        config
            .connect_timeout(self.connect_timeout)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("federate");
        }
        Ok(config)
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .finish_non_exhaustive()
    }
}

/// All stores in one PostgreSQL database, version 13 or later, which many nodes share.
///
/// Clones share their connections. It needs a tokio runtime with time and I/O, and connections
/// of its own: a proxy that hands one connection to several clients loses its prepared
/// statements.
///
/// A verb has happened, durably, when its future is ready, but for one: a touch that moves the
/// last activity and nothing else is written within about 0.6 s, and a crash of the database
/// server before that loses it. The session then ends earlier, never later. When the
/// connection is lost while a verb waits, it may have happened all the same.
///
/// The database has no bound of its own for entries: [`StoreError::Full`] means that its disk
/// is. Sweeping drops whole days of sessions, at once and by the day, so it removes them up to
/// a day late (more when they lasted longer than two weeks), and counts them roughly. What
/// expires is kept exact to the nanosecond from 1677 to 2262.
#[derive(Clone)]
pub struct PostgresStore {
    connections: Connections,
    partitions: Partitions,
    schema: String,
}

impl PostgresStore {
    /// Connects, and makes or migrates the tables.
    ///
    /// # Errors
    /// [`OpenError::Unreachable`]; [`OpenError::Unsuitable`] when the server is too old or
    /// does not write to disk; [`OpenError::Foreign`] when the schema has tables of somebody
    /// else; [`OpenError::UnsupportedFormat`] when a newer version of Federate made them;
    /// [`OpenError::Database`] when the options make no sense or the server refuses.
    pub async fn connect(options: PostgresOptions) -> Result<Self, OpenError> {
        let config = options.config()?;
        let tls = tls::connector(options.authorities.as_deref())?;
        prepare(&config, &tls, &options).await?;
        let limits = Limits {
            connections: options.connections,
            connect: options.connect_timeout,
            statement: options.statement_timeout,
            lock: options.lock_timeout,
        };
        Ok(Self {
            connections: Connections::new(config, tls, &options.schema, limits)?,
            partitions: Partitions::default(),
            schema: options.schema,
        })
    }

    async fn session(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        let found = sessions::load(&self.connections, key).await?;
        Ok(found.map(|session| session.snapshot))
    }
}

/// Does what comes before the first verb, on a connection of its own.
async fn prepare(
    config: &Config,
    tls: &MakeRustlsConnect,
    options: &PostgresOptions,
) -> Result<(), OpenError> {
    let (mut client, connection) =
        tokio::time::timeout(options.connect_timeout, config.connect(tls.clone()))
            .await
            .map_err(|late| OpenError::Unreachable(Box::new(late)))?
            .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    let connection = tokio::spawn(connection);
    let prepared = schema::prepare(&mut client, &options.schema).await;
    connection.abort();
    prepared
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// What no store takes.
fn check_new(record: &SessionRecord, now: DateTime<Utc>) -> Result<(), StoreError> {
    match record.end_reason(now) {
        Some(_) => Err(StoreError::AlreadyExpired { what: rows::WHAT }),
        None => Ok(()),
    }
}

impl SessionStore for PostgresStore {
    async fn create(&self, record: SessionRecord, now: DateTime<Utc>) -> Result<(), StoreError> {
        check_new(&record, now)?;
        let session = SessionSnapshot::new(record);
        sessions::create(&self.connections, &self.partitions, &session, now).await
    }

    async fn load(&self, key: &SessionKey, now: DateTime<Utc>) -> Result<SessionState, StoreError> {
        Ok(self
            .session(key)
            .await?
            .map_or(SessionState::Unknown, |session| session.state(now)))
    }

    async fn snapshot(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        self.session(key).await
    }

    async fn touch_if_alive(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        sessions::touch(&self.connections, key, policy, now).await
    }

    async fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        check_new(&new, now)?;
        sessions::rotate(&self.connections, &self.partitions, old, new, now).await
    }

    async fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        sessions::add_participant(&self.connections, key, &participant, now).await
    }

    async fn begin_termination(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Termination, StoreError> {
        sessions::terminate(&self.connections, key, by, now).await
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let index = IndexKey::of_id(tenant, id);
        let is_meant = |session: &SessionSnapshot| {
            session.record.tenant() == tenant && session.record.id == *id
        };
        let found = sessions::find(&self.connections, &index, is_meant).await?;
        Ok(found.into_iter().next())
    }

    async fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        revocations::revoke(&self.connections, subject, by, now).await
    }

    async fn by_subject(&self, subject: &Subject) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_subject(subject);
        let is_meant = |session: &SessionSnapshot| session.record.subject == *subject;
        sessions::find(&self.connections, &index, is_meant).await
    }

    async fn by_participant(
        &self,
        query: &ParticipantQuery,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_participant(query);
        let is_meant = |session: &SessionSnapshot| session.is_meant_by(query);
        sessions::find(&self.connections, &index, is_meant).await
    }

    async fn by_upstream(&self, query: &UpstreamQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_upstream(query);
        let is_meant = |session: &SessionSnapshot| query.matches(&session.record);
        sessions::find(&self.connections, &index, is_meant).await
    }
}

impl OneTimeStore for PostgresStore {
    async fn put_new(&self, entry: OneTimeEntry, now: DateTime<Utc>) -> Result<PutNew, StoreError> {
        one_time::put_new(&self.connections, &entry, now).await
    }

    async fn peek(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        one_time::peek(&self.connections, (namespace, *key), now).await
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        one_time::take(&self.connections, (namespace, *key), now).await
    }

    async fn redeem(
        &self,
        request: Option<(Namespace, OneTimeKey)>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption, StoreError> {
        one_time::redeem(&self.connections, request, &replay, now).await
    }
}

impl LogoutStore for PostgresStore {
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
        logouts::create(&self.connections, key, &state, now).await
    }

    async fn load_logout(
        &self,
        key: &LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Versioned>, StoreError> {
        logouts::load(&self.connections, key, now).await
    }

    async fn compare_and_swap(
        &self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        logouts::compare_and_swap(&self.connections, key, version, &value, due, now).await
    }

    async fn claim_due(
        &self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        logouts::claim_due(&self.connections, scope, now, lease, limit).await
    }
}

impl UserStore for PostgresStore {
    async fn find_or_create(
        &self,
        subject: &Subject,
        candidate: UserId,
        profile: Profile,
        now: DateTime<Utc>,
    ) -> Result<FoundOrCreated, StoreError> {
        let user = User::new(candidate, subject.clone(), profile, now);
        users::find_or_create(&self.connections, user).await
    }

    async fn load_user(&self, tenant: &TenantId, id: &UserId) -> Result<Option<User>, StoreError> {
        users::load(&self.connections, tenant, id).await
    }

    async fn user_by_subject(&self, subject: &Subject) -> Result<Option<User>, StoreError> {
        users::by_subject(&self.connections, subject).await
    }
}

impl Sweep for PostgresStore {
    async fn sweep(&self, now: DateTime<Utc>, limit: usize) -> Result<Swept, StoreError> {
        sweep::sweep(&self.connections, &self.partitions, now, limit).await
    }
}
