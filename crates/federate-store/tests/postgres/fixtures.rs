//! Servers, schemas, sessions and instants.

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_store::{PostgresOptions, PostgresStore};
use federate_testkit::servers::Postgres;
use federate_types::{EntityId, NameId, Provenance, SessionIndex};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use tokio_postgres::{Client, NoTls};

/// The server that the tests which run at one time share.
pub(crate) struct Shared(Arc<Postgres>);

/// The server, which stops with the last test that uses it.
pub(crate) fn server() -> Option<Shared> {
    static SERVER: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut server = SERVER.lock().unwrap_or_else(|failed| failed.into_inner());
    if let Some(running) = server.upgrade() {
        return Some(Shared(running));
    }
    let started = Arc::new(Postgres::start()?);
    *server = Arc::downgrade(&started);
    Some(Shared(started))
}

impl Shared {
    /// For a schema that nobody else uses.
    pub(crate) fn options(&self) -> PostgresOptions {
        options(&self.0)
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::connect(self.options()).await.unwrap()
    }

    /// A connection beside the store's, to its schema.
    pub(crate) async fn client(&self, schema: &str) -> Client {
        client(&self.0, schema).await
    }
}

pub(crate) fn options(server: &Postgres) -> PostgresOptions {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    PostgresOptions {
        schema: format!("test \"{number}\""),
        connections: 8,
        ..PostgresOptions::new(server.url())
    }
}

pub(crate) async fn client(server: &Postgres, schema: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let schema = schema.replace('"', "\"\"");
    let set = format!("SET search_path = \"{schema}\"");
    client.batch_execute(&set).await.unwrap();
    client
}

/// The schema, as `Debug` tells it.
pub(crate) fn schema_of(store: &PostgresStore) -> String {
    let debug = format!("{store:?}");
    let number: String = debug.chars().filter(char::is_ascii_digit).collect();
    format!("test \"{number}\"")
}

/// 2023-11-14, 22:13:20.123456789.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap()
}

pub(crate) fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

pub(crate) fn nanos(nanos: i64) -> TimeDelta {
    TimeDelta::nanoseconds(nanos)
}

fn hash(n: u32) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&n.to_be_bytes());
    hash
}

pub(crate) fn key(n: u32) -> SessionKey {
    SessionKey::new(hash(n))
}

pub(crate) fn logout(n: u32) -> LogoutKey {
    LogoutKey::new(hash(n)).within(LogoutScope::new([1; 8]))
}

pub(crate) fn assertion(n: u32) -> OneTimeEntry {
    OneTimeEntry {
        namespace: Namespace::ASSERTION,
        key: OneTimeKey::new(hash(n)),
        value: vec![7; 100],
        expires: start() + TimeDelta::minutes(10),
    }
}

pub(crate) fn subject(person: &str) -> Subject {
    Subject::new(
        TenantId::new("acme").unwrap(),
        ConnectionId::new("okta").unwrap(),
        EntityId::new("http://okta.example/1").unwrap(),
        person,
    )
    .unwrap()
}

/// A session of its own person, begun at `now` under this policy.
pub(crate) fn session(n: u32, policy: &LifetimePolicy, now: DateTime<Utc>) -> SessionRecord {
    let person = format!("person{n}@example.com");
    let new = NewSession {
        key: key(n),
        id: SessionId::new(format!("ses_{n}")).unwrap(),
        subject: subject(&person),
        user: UserId::new(format!("usr_{n}")).unwrap(),
        persistence: Persistence::Persistent,
        authn_instant: now,
        authn_context: Some("urn:oasis:names:tc:SAML:2.0:ac:classes:Password".into()),
        upstream: Some(UpstreamSession {
            issuer: EntityId::new("http://okta.example/1").unwrap(),
            name_id: NameId::new(&person, None).unwrap(),
            session_index: Some(SessionIndex::new(format!("_upstream_{n}")).unwrap()),
            provenance: Provenance::default(),
        }),
        upstream_cap: None,
    };
    SessionRecord::open(new, policy, now)
}

pub(crate) fn participant(n: u32, sp: &str) -> Participant {
    Participant {
        entity_id: EntityId::new(format!("https://{sp}.example/saml/metadata")).unwrap(),
        name_id: NameId::new(format!("person{n}@example.com"), None).unwrap(),
        session_index: SessionIndex::new(format!("_{sp}_{n}")).unwrap(),
        acs: format!("https://{sp}.example/saml/acs"),
        added_at: start(),
    }
}

pub(crate) fn is_alive(state: &SessionState) -> bool {
    matches!(state, SessionState::Alive(_))
}
