//! Realistic sessions.

use chrono::{DateTime, Utc};
use federate_session::{
    ConnectionId, LifetimePolicy, NewSession, Participant, Persistence, SessionId, SessionKey,
    SessionRecord, SessionStore as _, Subject, TenantId, UpstreamSession, UserId,
};
use federate_store::RedbStore;
use federate_types::{EntityId, NameId, NameIdFormat, Provenance, SessionIndex};

/// Spread over all keys, as hashes are.
pub(crate) fn key(n: u32) -> SessionKey {
    let mut octets = [0; 32];
    let mut state = u64::from(n).wrapping_add(1);
    for chunk in octets.chunks_mut(8) {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
        chunk.copy_from_slice(&state.to_be_bytes());
    }
    SessionKey::new(octets)
}

pub(crate) fn id(n: u32) -> SessionId {
    SessionId::new(format!("ses_{n:026}")).unwrap()
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn subject(n: u32) -> Subject {
    let issuer = EntityId::new("http://www.okta.com/exk1a2b3c4d5e6f7g8h9").unwrap();
    let connection = ConnectionId::new("okta-production").unwrap();
    Subject::new(tenant(), connection, issuer, format!("00u{n:017}")).unwrap()
}

pub(crate) fn record(n: u32) -> SessionRecord {
    record_at(n, super::now())
}

pub(crate) fn record_at(n: u32, now: DateTime<Utc>) -> SessionRecord {
    let subject = subject(n);
    let name_id = NameId::new(
        format!("person.{n}@example.com"),
        Some(NameIdFormat::EmailAddress),
    );
    let new = NewSession {
        key: key(n),
        id: id(n),
        user: UserId::new(format!("usr_{n:026}")).unwrap(),
        persistence: Persistence::Persistent,
        authn_instant: now,
        authn_context: Some(
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport".to_owned(),
        ),
        upstream: Some(UpstreamSession {
            issuer: subject.issuer.clone(),
            name_id: name_id.unwrap(),
            session_index: Some(SessionIndex::new(format!("id{n:020}.1234567890")).unwrap()),
            provenance: Provenance::default(),
        }),
        upstream_cap: None,
        subject,
    };
    SessionRecord::open(new, &LifetimePolicy::default(), now)
}

pub(crate) fn participant(n: u32, app: u32) -> Participant {
    let name = NameId::new(
        format!("person.{n}@example.com"),
        Some(NameIdFormat::EmailAddress),
    );
    Participant {
        entity_id: EntityId::new(format!(
            "https://application-{app}.example.com/saml/metadata"
        ))
        .unwrap(),
        name_id: name.unwrap(),
        session_index: SessionIndex::new(format!("_{n:032x}")).unwrap(),
        acs: format!("https://application-{app}.example.com/saml/acs"),
        added_at: super::now(),
    }
}

/// Stores session `n` with so many applications.
pub(crate) async fn with_apps(store: &RedbStore, n: u32, apps: u32) {
    store.create(record(n), super::now()).await.unwrap();
    for app in 0..apps {
        let one = participant(n, app);
        let added = store.add_participant(&key(n), one, super::now()).await;
        assert!(added.unwrap().may_issue());
    }
}
