//! Sessions and values for the tests, and the store that they are kept in.

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_store::{RedisOptions, RedisStore};
use federate_testkit::servers::Redis;
use federate_types::{EntityId, NameId, Provenance, SessionIndex};

pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap()
}

pub(crate) async fn connect(server: &Redis) -> RedisStore {
    RedisStore::connect(options(server)).await.unwrap()
}

pub(crate) fn options(server: &Redis) -> RedisOptions {
    RedisOptions {
        prefix: "t".into(),
        ..RedisOptions::new(server.url())
    }
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

fn entity(name: &str) -> EntityId {
    EntityId::new(name).unwrap()
}

pub(crate) fn subject(person: &str) -> Subject {
    Subject::new(
        TenantId::new("acme").unwrap(),
        ConnectionId::new("okta").unwrap(),
        entity("http://okta.example/1"),
        person,
    )
    .unwrap()
}

pub(crate) fn session(n: u32, person: &str, now: DateTime<Utc>) -> SessionRecord {
    let new = NewSession {
        key: key(n),
        id: SessionId::new(format!("ses_{n}")).unwrap(),
        subject: subject(person),
        user: UserId::new(format!("usr_{person}")).unwrap(),
        persistence: Persistence::Persistent,
        authn_instant: now,
        authn_context: Some("urn:oasis:names:tc:SAML:2.0:ac:classes:Password".into()),
        upstream: Some(UpstreamSession {
            issuer: entity("http://okta.example/1"),
            name_id: NameId::new(person, None).unwrap(),
            session_index: SessionIndex::new(format!("up_{n}")).ok(),
            provenance: Provenance::default(),
        }),
        upstream_cap: None,
    };
    SessionRecord::open(new, &LifetimePolicy::default(), now)
}

pub(crate) fn participant(sp: &str, person: &str) -> Participant {
    Participant {
        entity_id: entity(sp),
        name_id: NameId::new(person, None).unwrap(),
        session_index: SessionIndex::new("s1").unwrap(),
        acs: format!("https://{sp}.example/acs"),
        added_at: start(),
    }
}

pub(crate) fn query(sp: &str, person: &str) -> ParticipantQuery {
    ParticipantQuery {
        tenant: TenantId::new("acme").unwrap(),
        issuer: entity(sp),
        name_id: NameId::new(person, None).unwrap(),
        session_indexes: Vec::new(),
    }
}

pub(crate) fn one_time(namespace: Namespace, n: u32, value: &[u8]) -> OneTimeEntry {
    OneTimeEntry {
        namespace,
        key: OneTimeKey::new(hash(n)),
        value: value.to_vec(),
        expires: start() + TimeDelta::minutes(10),
    }
}

pub(crate) async fn is_alive(store: &RedisStore, n: u32) -> bool {
    let state = store.load(&key(n), start()).await.unwrap();
    matches!(state, SessionState::Alive(_))
}
