//! People with sessions, as a hub sees them. Everything follows from a number.

use crate::Failure;
use chrono::{DateTime, TimeDelta, Utc};
use federate::session::{
    ConnectionId, LifetimePolicy, NewSession, Participant, ParticipantQuery, Persistence,
    SessionId, SessionKey, SessionRecord, SessionStore, Subject, TenantId, UpstreamSession, UserId,
};
use federate::types::{EntityId, MessageId, NameId, NameIdFormat, Provenance, SessionIndex};

const CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// How many connections there are, in a tenth as many tenants.
const CONNECTIONS: u64 = 200;

/// A number that has nothing to do with this one.
pub(crate) fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The key of a session, as good as a hash.
pub(crate) fn key(n: u64) -> SessionKey {
    let mut octets = [0; 32];
    for (part, chunk) in (0..).zip(octets.chunks_exact_mut(8)) {
        chunk.copy_from_slice(&mix(mix(n) ^ part).to_le_bytes());
    }
    SessionKey::new(octets)
}

/// An identifier as the hub makes them: 160 bits.
fn identifier(kind: u64, n: u64) -> String {
    let mut octets = [0; 20];
    for (part, octet) in (0..).zip(&mut octets) {
        *octet = mix(mix(n) ^ (kind << 8 | part)) as u8;
    }
    MessageId::from_random(octets).as_str().to_owned()
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default()
}

/// When all sessions have begun and none is over.
pub(crate) fn noon() -> DateTime<Utc> {
    start() + TimeDelta::days(2)
}

/// When all sessions may be forgotten.
pub(crate) fn long_after() -> DateTime<Utc> {
    start() + TimeDelta::days(10)
}

fn subject(n: u64) -> Result<Subject, Failure> {
    let connection = mix(n) % CONNECTIONS;
    Ok(Subject::new(
        TenantId::new(format!("tenant-{}", connection / 10))?,
        ConnectionId::new(format!("okta-connection-{connection}"))?,
        issuer(connection)?,
        format!("person.{n:013}"),
    )?)
}

fn issuer(connection: u64) -> Result<EntityId, Failure> {
    Ok(EntityId::new(format!(
        "http://www.okta.com/exk{connection:017}"
    ))?)
}

/// One of `all` sessions, and when it begins.
pub(crate) fn session(n: u64, all: u64) -> (SessionRecord, DateTime<Utc>) {
    let share = TimeDelta::days(2).num_microseconds().unwrap_or_default() as f64 / all as f64;
    let nanos = TimeDelta::nanoseconds((mix(n) % 1000) as i64);
    let now = start() + TimeDelta::microseconds((share * n as f64) as i64) + nanos;
    match new_session(n, now) {
        Ok(new) => (
            SessionRecord::open(new, &LifetimePolicy::default(), now),
            now,
        ),
        Err(why) => unreachable!("people are made well: {why}"),
    }
}

fn new_session(n: u64, now: DateTime<Utc>) -> Result<NewSession, Failure> {
    let subject = subject(n)?;
    let name = format!("00u{:021}", mix(n));
    // The upstream's clock tells milliseconds, and its login was a moment ago.
    let milliseconds = now.timestamp_millis() - 900 - (mix(n) % 2000) as i64;
    Ok(NewSession {
        key: key(n),
        id: SessionId::new(identifier(1, n))?,
        user: UserId::new(identifier(2, n))?,
        persistence: Persistence::Persistent,
        authn_instant: DateTime::from_timestamp_millis(milliseconds).unwrap_or(now),
        authn_context: Some(CONTEXT.to_owned()),
        upstream: Some(UpstreamSession {
            issuer: subject.issuer.clone(),
            name_id: NameId::new(name, Some(NameIdFormat::Persistent))?,
            session_index: Some(SessionIndex::new(format!(
                "id{:016}.{:015}",
                mix(n) >> 12,
                mix(mix(n)) >> 16
            ))?),
            provenance: Provenance::default(),
        }),
        upstream_cap: None,
        subject,
    })
}

/// One of a few hundred applications.
fn application(n: u64) -> Result<EntityId, Failure> {
    let number = mix(n) % 300;
    Ok(EntityId::new(format!(
        "https://app-{number}.example.com/saml"
    ))?)
}

fn name_at(application: &EntityId, n: u64) -> Result<NameId, Failure> {
    let value = identifier(3, n).replacen('_', "G-", 1);
    let mut name = NameId::new(
        value.chars().take(24).collect::<String>(),
        Some(NameIdFormat::Persistent),
    )?;
    name.name_qualifier = Some(EntityId::new("https://hub.example.com/saml")?);
    name.sp_name_qualifier = Some(application.clone());
    Ok(name)
}

/// Signs a person on to so many applications.
pub(crate) async fn sign_on<S: SessionStore>(store: &S, n: u64, count: u64) -> Result<(), Failure> {
    for which in 0..count {
        let entity_id = application(n * 7 + which)?;
        let index: String = identifier(4 + which, n).chars().take(33).collect();
        let participant = Participant {
            name_id: name_at(&entity_id, n)?,
            session_index: SessionIndex::new(index)?,
            acs: format!("{entity_id}/acs"),
            added_at: noon() - TimeDelta::nanoseconds((mix(n) % 1_000_000_000) as i64),
            entity_id,
        };
        // The login was long before, but not so long that the session is over.
        let added = store.add_participant(&key(n), participant, noon()).await?;
        if !added.may_issue() {
            return Err("a session is over".into());
        }
    }
    Ok(())
}

/// What an application asks about a person whom [`sign_on`] took there.
pub(crate) fn query(n: u64) -> ParticipantQuery {
    let made = || -> Result<ParticipantQuery, Failure> {
        let issuer = application(n * 7)?;
        let index: String = identifier(4, n).chars().take(33).collect();
        Ok(ParticipantQuery {
            tenant: subject(n)?.tenant,
            name_id: name_at(&issuer, n)?,
            session_indexes: vec![SessionIndex::new(index)?],
            issuer,
        })
    };
    match made() {
        Ok(query) => query,
        Err(why) => unreachable!("people are made well: {why}"),
    }
}
