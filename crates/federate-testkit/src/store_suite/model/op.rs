//! The operations of a sequence: what they ask, over so few names that they meet.

use super::super::fixtures::{entity, index, tenant};
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_types::{NameId, NameIdFormat, Provenance};
use proptest::prelude::*;

/// One step. The numbers choose from small pools; instants are relative, in milliseconds.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Clock {
        ms: i64,
    },
    Sweep {
        limit: usize,
    },
    Create {
        new: New,
    },
    Load {
        key: u8,
    },
    Snapshot {
        key: u8,
    },
    Touch {
        key: u8,
        policy: u8,
    },
    Rotate {
        old: u8,
        new: New,
    },
    Add {
        key: u8,
        app: App,
    },
    Terminate {
        key: u8,
        by: u8,
    },
    Revoke {
        person: u8,
        by: u8,
    },
    ById {
        account: u8,
        id: u8,
    },
    BySubject {
        person: u8,
    },
    ByParticipant {
        account: u8,
        app: App,
        indexes: Vec<u8>,
    },
    ByUpstream {
        account: u8,
        up: Up,
        indexes: Vec<u8>,
    },
    Put {
        entry: Entry,
    },
    Peek {
        at: (bool, u8),
    },
    Take {
        at: (bool, u8),
    },
    Redeem {
        request: Option<(bool, u8)>,
        replay: Entry,
    },
    CreateLogout {
        key: u8,
        lasts: i64,
        due: Option<i64>,
    },
    LoadLogout {
        key: u8,
    },
    Swap {
        key: u8,
        ahead: i8,
        due: Option<i64>,
    },
    Claim {
        hub: u8,
        lease: i64,
        limit: usize,
    },
    FindOrCreate {
        person: u8,
        id: u8,
        mail: u8,
    },
    LoadUser {
        account: u8,
        id: u8,
    },
    UserBySubject {
        person: u8,
    },
}

/// A new session.
#[derive(Debug, Clone)]
pub(super) struct New {
    key: u8,
    id: u8,
    person: u8,
    policy: u8,
    /// How long ago it began.
    age: i64,
    cap: Option<i64>,
    up: Option<(Up, Option<u8>)>,
}

/// An application, how it is told the person's name, and the session's.
#[derive(Debug, Clone)]
pub(super) struct App {
    app: u8,
    name: u8,
    form: u8,
    index: u8,
}

/// A name of an upstream identity provider.
#[derive(Debug, Clone)]
pub(super) struct Up {
    issuer: u8,
    name: u8,
    form: u8,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    at: (bool, u8),
    value: u8,
    lasts: i64,
}

const SECOND: i64 = 1000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

pub(super) fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 20..100)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![4 => clock(), 12 => session_op(), 5 => search_op(), 7 => value_op(), 5 => logout_op(), 3 => user_op()]
}

fn clock() -> impl Strategy<Value = Op> {
    let ms = prop_oneof![
        3 => 1..SECOND,
        3 => SECOND..HOUR,
        3 => HOUR..DAY,
        2 => DAY..4 * DAY,
        1 => -2 * HOUR..0,
        1 => -3 * DAY..0,
        1 => Just(4000 * DAY),
    ];
    prop_oneof![
        5 => ms.prop_map(|ms| Op::Clock { ms }),
        1 => (0..4_usize).prop_map(|limit| Op::Sweep { limit }),
    ]
}

fn session_op() -> impl Strategy<Value = Op> {
    let key = 0..5_u8;
    prop_oneof![
        5 => new().prop_map(|new| Op::Create { new }),
        2 => key.clone().prop_map(|key| Op::Load { key }),
        1 => key.clone().prop_map(|key| Op::Snapshot { key }),
        4 => (key.clone(), 0..5_u8).prop_map(|(key, policy)| Op::Touch { key, policy }),
        2 => (key.clone(), new()).prop_map(|(old, new)| Op::Rotate { old, new }),
        4 => (key.clone(), app()).prop_map(|(key, app)| Op::Add { key, app }),
        2 => (key, 0..3_u8).prop_map(|(key, by)| Op::Terminate { key, by }),
        1 => (0..3_u8, 0..3_u8).prop_map(|(person, by)| Op::Revoke { person, by }),
    ]
}

fn search_op() -> impl Strategy<Value = Op> {
    let indexes = || prop::collection::vec(0..3_u8, 0..3);
    prop_oneof![
        1 => (0..2_u8, 0..4_u8).prop_map(|(account, id)| Op::ById { account, id }),
        1 => (0..3_u8).prop_map(|person| Op::BySubject { person }),
        2 => (account(), app(), indexes()).prop_map(|(account, app, indexes)| {
            Op::ByParticipant { account, app, indexes }
        }),
        2 => (account(), up(), indexes())
            .prop_map(|(account, up, indexes)| Op::ByUpstream { account, up, indexes }),
    ]
}

/// Mostly the account of two of the three people.
fn account() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0_u8), 1 => Just(1)]
}

fn new() -> impl Strategy<Value = New> {
    let age = prop_oneof![4 => Just(0), 1 => 0..HOUR, 1 => 0..5 * DAY];
    let cap = prop::option::weighted(0.3, SECOND..8 * DAY);
    let up = prop::option::weighted(0.8, (up(), prop::option::of(0..3_u8)));
    (0..5_u8, 0..4_u8, 0..3_u8, 0..5_u8, age, cap, up).prop_map(
        |(key, id, person, policy, age, cap, up)| New {
            key,
            id,
            person,
            policy,
            age,
            cap,
            up,
        },
    )
}

fn app() -> impl Strategy<Value = App> {
    (0..2_u8, 0..2_u8, 0..5_u8, 0..3_u8).prop_map(|(app, name, form, index)| App {
        app,
        name,
        form,
        index,
    })
}

fn up() -> impl Strategy<Value = Up> {
    (0..2_u8, 0..2_u8, 0..5_u8).prop_map(|(issuer, name, form)| Up { issuer, name, form })
}

fn value_op() -> impl Strategy<Value = Op> {
    let at = || (any::<bool>(), 0..3_u8);
    let entry = || {
        let lasts = prop_oneof![8 => 1..HOUR, 2 => 1..2 * DAY, 1 => -SECOND..=0];
        (at(), any::<u8>(), lasts).prop_map(|(at, value, lasts)| Entry { at, value, lasts })
    };
    prop_oneof![
        3 => entry().prop_map(|entry| Op::Put { entry }),
        1 => at().prop_map(|at| Op::Peek { at }),
        2 => at().prop_map(|at| Op::Take { at }),
        3 => (prop::option::of(at()), entry())
            .prop_map(|(request, replay)| Op::Redeem { request, replay }),
    ]
}

fn logout_op() -> impl Strategy<Value = Op> {
    let due = || prop::option::of(prop_oneof![-SECOND..SECOND, -DAY..DAY]);
    let lasts = prop_oneof![4 => 1..HOUR, 4 => 1..3 * DAY, 1 => -SECOND..=0];
    let ahead = prop_oneof![8 => Just(0_i8), 1 => -1..=1_i8];
    prop_oneof![
        3 => (0..3_u8, lasts, due())
            .prop_map(|(key, lasts, due)| Op::CreateLogout { key, lasts, due }),
        1 => (0..3_u8).prop_map(|key| Op::LoadLogout { key }),
        3 => (0..3_u8, ahead, due()).prop_map(|(key, ahead, due)| Op::Swap { key, ahead, due }),
        3 => (0..2_u8, 0..HOUR, 0..4_usize)
            .prop_map(|(hub, lease, limit)| Op::Claim { hub, lease, limit }),
    ]
}

fn user_op() -> impl Strategy<Value = Op> {
    let id = || 0..3_u8;
    prop_oneof![
        3 => (0..3_u8, id(), any::<u8>())
            .prop_map(|(person, id, mail)| Op::FindOrCreate { person, id, mail }),
        1 => (0..2_u8, id()).prop_map(|(account, id)| Op::LoadUser { account, id }),
        1 => (0..3_u8).prop_map(|person| Op::UserBySubject { person }),
    ]
}

pub(super) fn after(now: DateTime<Utc>, ms: i64) -> DateTime<Utc> {
    now + TimeDelta::milliseconds(ms)
}

pub(super) fn account_of(n: u8) -> TenantId {
    tenant(["acme", "other"][usize::from(n)])
}

/// Two people of one account, and one of another with the first one's name.
pub(super) fn person(n: u8) -> Subject {
    let (account, name) = [(0, "alice"), (0, "bob"), (1, "alice")][usize::from(n)];
    let connection = ConnectionId::new("okta").unwrap();
    Subject::new(account_of(account), connection, issuer(0), name).unwrap()
}

fn issuer(n: u8) -> federate_types::EntityId {
    entity(["https://up.example/0", "https://up.example/1"][usize::from(n)])
}

pub(super) fn id(n: u8) -> SessionId {
    SessionId::new(format!("ses_{n}")).unwrap()
}

pub(super) fn user_id(n: u8) -> UserId {
    UserId::new(format!("usr_{n}")).unwrap()
}

pub(super) fn policy(n: u8) -> LifetimePolicy {
    let hours = TimeDelta::hours;
    let made = match n {
        0 => Ok(LifetimePolicy::default()),
        1 => LifetimePolicy::new(hours(8), hours(1)),
        2 => LifetimePolicy::new(hours(48), hours(48))
            .and_then(|policy| policy.with_touch_granularity(TimeDelta::zero())),
        3 => LifetimePolicy::new(hours(720), hours(240))
            .and_then(|policy| policy.with_touch_granularity(hours(24))),
        _ => LifetimePolicy::new(TimeDelta::minutes(2), TimeDelta::seconds(90)),
    };
    made.unwrap()
}

/// One name in five forms: what is stated of it differs.
fn name(n: u8, form: u8) -> NameId {
    let formats = [
        None,
        Some(NameIdFormat::Unspecified),
        Some(NameIdFormat::Persistent),
        Some(NameIdFormat::EmailAddress),
        Some(NameIdFormat::Persistent),
    ];
    let form = usize::from(form);
    let mut name = NameId::new(["alice", "a1"][usize::from(n)], formats[form].clone()).unwrap();
    if form == 4 {
        name.name_qualifier = Some(entity("https://hub.example"));
        name.sp_name_qualifier = Some(entity("https://app.example/0"));
    }
    name
}

impl New {
    pub(super) fn record(&self, now: DateTime<Utc>) -> SessionRecord {
        let upstream = self.up.as_ref().map(|(up, at)| UpstreamSession {
            issuer: issuer(up.issuer),
            name_id: name(up.name, up.form),
            session_index: at.map(|n| index(&n.to_string())),
            provenance: Provenance::default(),
        });
        let new = NewSession {
            key: SessionKey::new([self.key; 32]),
            id: id(self.id),
            subject: person(self.person),
            user: user_id(self.person),
            persistence: Persistence::Ephemeral,
            authn_instant: after(now, -self.age),
            authn_context: None,
            upstream,
            upstream_cap: self.cap.map(|ms| after(now, ms)),
        };
        SessionRecord::open(new, &policy(self.policy), after(now, -self.age))
    }
}

impl App {
    pub(super) fn participant(&self, now: DateTime<Utc>) -> Participant {
        Participant {
            entity_id: entity(&format!("https://app.example/{}", self.app)),
            name_id: name(self.name, self.form),
            session_index: index(&self.index.to_string()),
            acs: "https://app.example/acs".to_owned(),
            added_at: now,
        }
    }

    pub(super) fn query(&self, account: u8, indexes: &[u8]) -> ParticipantQuery {
        ParticipantQuery {
            tenant: account_of(account),
            issuer: entity(&format!("https://app.example/{}", self.app)),
            name_id: name(self.name, self.form),
            session_indexes: indexes.iter().map(|n| index(&n.to_string())).collect(),
        }
    }
}

impl Up {
    pub(super) fn query(&self, account: u8, indexes: &[u8]) -> UpstreamQuery {
        UpstreamQuery {
            tenant: account_of(account),
            connection: ConnectionId::new("okta").unwrap(),
            issuer: issuer(self.issuer),
            name_id: name(self.name, self.form),
            session_indexes: indexes.iter().map(|n| index(&n.to_string())).collect(),
        }
    }
}

pub(super) fn place((is_request, n): (bool, u8)) -> (Namespace, OneTimeKey) {
    let namespace = if is_request {
        Namespace::REQUEST
    } else {
        Namespace::ASSERTION
    };
    (namespace, OneTimeKey::new([n; 32]))
}

impl Entry {
    pub(super) fn entry(&self, now: DateTime<Utc>) -> OneTimeEntry {
        let (namespace, key) = place(self.at);
        OneTimeEntry {
            namespace,
            key,
            value: vec![self.value; usize::from(self.value % 3)],
            expires: after(now, self.lasts),
        }
    }
}
