//! Sessions, participants and instants for the checks.

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_types::{EntityId, NameId, NameIdFormat, Provenance, ProxyRestriction, SessionIndex};

/// How many tasks race for one thing.
pub(super) const TASKS: u8 = 32;

pub(super) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap()
}

pub(super) fn ms(milliseconds: i64) -> TimeDelta {
    TimeDelta::milliseconds(milliseconds)
}

pub(super) fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

pub(super) fn key(n: u8) -> SessionKey {
    SessionKey::new([n; 32])
}

/// The hub of all logouts but those of which it is said.
pub(super) const SCOPE: LogoutScope = LogoutScope::new([0x5c; 8]);

pub(super) fn logout(n: u8) -> LogoutKey {
    LogoutKey::new([n; 32]).within(SCOPE)
}

pub(super) fn entity(name: &str) -> EntityId {
    EntityId::new(name).unwrap()
}

pub(super) fn index(name: &str) -> SessionIndex {
    SessionIndex::new(name).unwrap()
}

pub(super) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(super) fn subject(person: &str) -> Subject {
    Subject::new(
        tenant("acme"),
        ConnectionId::new("okta").unwrap(),
        entity("http://okta.example/1"),
        person,
    )
    .unwrap()
}

/// A persistent NameID with both qualifiers, as an assertion carries it.
pub(super) fn full_name(value: &str, sp: &str) -> NameId {
    let mut name = NameId::new(value, Some(NameIdFormat::Persistent)).unwrap();
    name.name_qualifier = Some(entity("https://hub.example"));
    name.sp_name_qualifier = Some(entity(sp));
    name
}

pub(super) fn bare_name(value: &str) -> NameId {
    NameId::new(value, None).unwrap()
}

/// The session of `person` under `key(n)`, begun at `start()` with the default policy.
pub(super) fn session(n: u8, person: &str) -> SessionRecord {
    let new = NewSession {
        key: key(n),
        id: SessionId::new(format!("ses_{n}")).unwrap(),
        subject: subject(person),
        user: UserId::new(format!("usr_{person}")).unwrap(),
        persistence: Persistence::Persistent,
        authn_instant: start(),
        authn_context: Some("urn:oasis:names:tc:SAML:2.0:ac:classes:Password".into()),
        upstream: Some(UpstreamSession {
            issuer: entity("http://okta.example/1"),
            name_id: bare_name(person),
            session_index: Some(index(&format!("up_{n}"))),
            provenance: Provenance {
                authorities: vec!["https://first.example".to_owned()],
                restriction: Some(ProxyRestriction {
                    count: Some(n.into()),
                    audiences: vec!["https://app.example".to_owned()],
                }),
            },
        }),
        upstream_cap: None,
    };
    SessionRecord::open(new, &LifetimePolicy::default(), start())
}

/// `person` at the application `sp`, in the session that it knows as `name`.
pub(super) fn participant(sp: &str, person: &str, name: &str) -> Participant {
    Participant {
        entity_id: entity(sp),
        name_id: full_name(person, sp),
        session_index: index(name),
        acs: format!("https://{sp}.example/acs"),
        added_at: start(),
    }
}

pub(super) fn participant_query(sp: &str, name_id: NameId, indexes: &[&str]) -> ParticipantQuery {
    ParticipantQuery {
        tenant: tenant("acme"),
        issuer: entity(sp),
        name_id,
        session_indexes: indexes.iter().map(|name| index(name)).collect(),
    }
}

pub(super) fn upstream_query(person: &str, indexes: &[&str]) -> UpstreamQuery {
    UpstreamQuery {
        tenant: tenant("acme"),
        connection: ConnectionId::new("okta").unwrap(),
        issuer: entity("http://okta.example/1"),
        name_id: bare_name(person),
        session_indexes: indexes.iter().map(|name| index(name)).collect(),
    }
}

pub(super) fn one_time(namespace: Namespace, n: u8, value: &[u8]) -> OneTimeEntry {
    OneTimeEntry {
        namespace,
        key: OneTimeKey::new([n; 32]),
        value: value.to_vec(),
        expires: start() + TimeDelta::minutes(10),
    }
}

/// The keys of the sessions found, in order.
pub(super) fn keys(mut found: Vec<SessionRecord>) -> Vec<SessionKey> {
    found.sort_by_key(|record| record.key);
    found.into_iter().map(|record| record.key).collect()
}

pub(super) fn is_alive(state: &SessionState) -> bool {
    matches!(state, SessionState::Alive(_))
}
