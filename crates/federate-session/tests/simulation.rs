//! A week and a day in the life of many people, with a virtual clock.
//!
//! Beside each session stands what it should be by the rules alone ([`model::Model`]): its
//! exact last activity and the limits in force. After every activity the store is asked about
//! both sides of each limit. `FEDERATE_USERS` says how many people there are, `FEDERATE_SEED`
//! which week it is.

// A test: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "simulation/model.rs"]
mod model;
#[path = "simulation/people.rs"]
mod people;

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_types::{EntityId, NameId, SessionIndex};
use model::{Model, Verdict};
use people::{Act, Habit, Random};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

const MS: TimeDelta = TimeDelta::milliseconds(1);
/// How long the simulation is: the longest session, and a day to see it end.
const DAYS: i64 = 8;

/// The most that the clock is behind.
const BEHIND: TimeDelta = TimeDelta::seconds(30);

/// A Wednesday, so that the weekend lies in the middle.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_006_400, 0).unwrap()
}

/// The limits of a tenant at some time: one keeps the defaults, one shortens and then
/// lengthens them, one has short sessions.
fn policy(tenant: usize, now: DateTime<Utc>) -> LifetimePolicy {
    let limits = |absolute, idle| LifetimePolicy::new(absolute, idle).unwrap();
    let (days, hours) = (TimeDelta::days, TimeDelta::hours);
    match (tenant, (now - start()).num_hours()) {
        (1, 60..120) => limits(days(4), days(1)),
        (1, 120..) => limits(days(30), days(20)),
        (2, ..100) => limits(hours(12), TimeDelta::minutes(90)),
        (2, _) => limits(hours(9), TimeDelta::minutes(30)),
        _ => LifetimePolicy::default(),
    }
}

/// How often the limits of a tenant change.
const CHANGES: i64 = 2;

#[derive(Default, Debug)]
struct Counts {
    sessions: u64,
    forced_logins: u64,
    activities: u64,
    polls: u64,
    written: u64,
    logouts: u64,
    revocations: u64,
    over: [u64; 3],
    steps_back: u64,
    swept: usize,
}

struct World {
    store: MemoryStore,
    random: Random,
    people: Vec<Person>,
    counts: Counts,
    /// How far the clock is behind.
    behind: TimeDelta,
}

struct Person {
    habit: Habit,
    tenant: usize,
    session: Option<Model>,
    /// How many sessions there have been.
    generation: u32,
}

#[tokio::test]
async fn a_week_and_a_day() {
    let from_env = |name, default| std::env::var(name).map_or(default, |n| n.parse().unwrap());
    let users = usize::try_from(from_env("FEDERATE_USERS", 2_000_u64)).unwrap();
    let seed = from_env("FEDERATE_SEED", 20_261_121);
    println!("{users} people, seed {seed}");
    let began = Instant::now();
    let mut world = World::new(users, seed);
    let end = start() + TimeDelta::days(DAYS);
    let mut queue = BinaryHeap::new();
    for person in 0..users {
        let first = world.people[person].habit.first(&mut world.random);
        queue.push(Reverse((start() + first, person)));
    }
    let mut hour = 0;
    while let Some(Reverse((at, person))) = queue.pop().filter(|Reverse((at, _))| *at < end) {
        if (at - start()).num_hours() > hour {
            hour = (at - start()).num_hours();
            world.an_hour_passes(at).await;
        }
        world.act(person, at - world.behind).await;
        let habit = world.people[person].habit;
        queue.push(Reverse((at + habit.pause(at, &mut world.random), person)));
    }
    world.everything_ends(end).await;
    let took = began.elapsed().as_secs_f64();
    println!("{:#?}\n{took:.1} s", world.counts);
    let counts = &world.counts;
    assert!(
        counts.over.iter().all(|over| *over > 0),
        "every limit is met"
    );
    assert!(counts.written < counts.activities, "touches are throttled");
}

impl World {
    fn new(users: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let person = |n| Person {
            habit: Habit::of(&mut random),
            tenant: n % 3,
            session: None,
            generation: 0,
        };
        let people = (0..users).map(person).collect();
        Self {
            store: MemoryStore::with_capacity(Capacity {
                sessions: users * 100,
                ..Capacity::default()
            }),
            random,
            people,
            counts: Counts::default(),
            behind: TimeDelta::zero(),
        }
    }

    /// The clock is set, back or forth; what is long over is forgotten.
    async fn an_hour_passes(&mut self, at: DateTime<Utc>) {
        let behind = TimeDelta::milliseconds(self.random.below(BEHIND.num_milliseconds()));
        self.counts.steps_back += u64::from(behind > self.behind);
        self.behind = behind;
        while {
            let swept = self.store.sweep(at - behind, 1000).await.unwrap();
            self.counts.swept += swept.removed;
            swept.more
        } {}
    }

    async fn act(&mut self, person: usize, now: DateTime<Utc>) {
        let act = self.people[person].habit.act(&mut self.random);
        if self.people[person].session.is_none() {
            if act != Act::Poll {
                self.sign_in(person, now).await;
            }
            return;
        }
        match act {
            Act::Poll => self.poll(person, now).await,
            Act::Open => self.open_application(person, now).await,
            Act::SignInAgain => self.sign_in(person, now).await,
            Act::SignOut | Act::SignOutEverywhere => {
                self.sign_out(person, now, act == Act::SignOut).await;
            }
        }
    }

    /// A new session; if there is one, it takes over its applications.
    async fn sign_in(&mut self, person: usize, now: DateTime<Utc>) {
        let cap = match self.random.below(10) {
            0 => Some(now + TimeDelta::hours(8)),
            1 => Some(now + TimeDelta::seconds(1 + self.random.below(800_000))),
            _ => None,
        };
        let Person {
            tenant, generation, ..
        } = self.people[person];
        let policy = policy(tenant, now);
        let record = record(person, generation, tenant, &policy, now, cap);
        let mut model = Model::new(&record, &policy, now);
        if let Some(former) = self.people[person].session.take() {
            let rotated = self.store.rotate(&former.key, record, now).await.unwrap();
            let check = self.store.check(&former.key, now).await.unwrap();
            if check == SessionCheck::Unknown {
                assert!(former.is_forgotten(now, BEHIND));
                assert_eq!(rotated, Rotation::Rotated { carried: 0 });
            } else {
                // One that is over gives its applications, too.
                let carried = former.applications.len();
                assert_eq!(rotated, Rotation::Rotated { carried });
                assert_eq!(check, SessionCheck::Ended(EndReason::Replaced));
                model.applications = former.applications;
            }
            self.counts.forced_logins += 1;
        } else {
            self.store.create(record, now).await.unwrap();
        }
        self.counts.sessions += 1;
        self.people[person].generation += 1;
        self.look_around(&model).await;
        self.people[person].session = Some(model);
    }

    /// An application's page asks whether the person is signed in: that is no activity.
    async fn poll(&mut self, person: usize, now: DateTime<Utc>) {
        let Some(model) = self.people[person].session.take() else {
            return;
        };
        self.counts.polls += 1;
        let check = self.store.check(&model.key, now).await.unwrap();
        let state = self.store.load(&model.key, now).await.unwrap();
        match (&state, check) {
            (SessionState::Alive(_), SessionCheck::Alive) => model.may_be(None, now),
            (SessionState::Ended(one), SessionCheck::Ended(other)) => {
                assert_eq!(*one, other);
                model.may_be(Some(other), now);
            }
            (SessionState::Unknown, SessionCheck::Unknown) => {
                assert!(model.is_forgotten(now, BEHIND));
                return;
            }
            other => panic!("{other:?}"),
        }
        self.look_around(&model).await;
        self.people[person].session = Some(model);
    }

    /// An authorization for one of the tenant's applications: activity, whichever it is.
    async fn open_application(&mut self, person: usize, now: DateTime<Utc>) {
        let Some(mut model) = self.people[person].session.take() else {
            return;
        };
        self.counts.activities += 1;
        let policy = policy(self.people[person].tenant, now);
        let before = self.store.snapshot(&model.key).await.unwrap();
        let state = self.store.touch_if_alive(&model.key, &policy, now).await;
        match state.unwrap() {
            SessionState::Alive(record) => {
                model.activity(&policy, now);
                model.may_be(None, now);
                if before.is_some_and(|before| before.record.lifetime != record.lifetime) {
                    model.written += 1;
                    self.counts.written += 1;
                }
                model.expires = record.lifetime.expires();
            }
            SessionState::Ended(reason) => {
                model.in_force(&policy);
                model.may_be(Some(reason), now);
                let EndReason::Expired(limit) = reason else {
                    panic!("{reason:?}");
                };
                self.counts.over[limit as usize] += 1;
                model.check_writes(CHANGES);
                // Signing in again is what a person would do, some other time.
                return;
            }
            SessionState::Unknown => {
                assert!(model.is_forgotten(now, BEHIND));
                return;
            }
        }
        let application = self.random.below(20);
        let outcome = self
            .store
            .add_participant(&model.key, participant(person, application, now), now)
            .await
            .unwrap();
        let is_new = model.applications.insert(application);
        let expected = match is_new {
            true => AddParticipant::Added,
            false => AddParticipant::AlreadyPresent,
        };
        assert_eq!(outcome, expected);
        self.look_around(&model).await;
        self.people[person].session = Some(model);
    }

    async fn sign_out(&mut self, person: usize, now: DateTime<Utc>, only_here: bool) {
        let Some(model) = self.people[person].session.take() else {
            return;
        };
        if model.is_forgotten(now, BEHIND) {
            return;
        }
        let by = LogoutKey::new(*model.key.as_bytes());
        if !only_here {
            self.counts.revocations += 1;
            let subject = subject(person, self.people[person].tenant);
            self.store.revoke_subject(&subject, by, now).await.unwrap();
            let check = self.store.check(&model.key, now).await.unwrap();
            assert_eq!(check, SessionCheck::Ended(EndReason::LoggedOut { by }));
        }
        self.counts.logouts += 1;
        let outcome = self.store.begin_termination(&model.key, by, now).await;
        let Termination::Ended(ended) = outcome.unwrap() else {
            panic!("nobody else ended it");
        };
        assert_eq!(ended.participants.len(), model.applications.len());
        for at in [now, now - TimeDelta::seconds(20), model.expires] {
            let check = self.store.check(&model.key, at).await.unwrap();
            assert_eq!(check, SessionCheck::Ended(EndReason::LoggedOut { by }));
        }
        model.check_writes(CHANGES);
    }

    /// Both sides of each limit, by the exact last activity and by the record.
    async fn look_around(&self, model: &Model) {
        for (at, expected) in model.edges() {
            let check = self.store.check(&model.key, at).await.unwrap();
            let is_alive = check == SessionCheck::Alive;
            assert_eq!(is_alive, expected == Verdict::Alive, "at {at}: {model:?}");
        }
    }

    /// After the last activity of all: every session ends, and in the end is forgotten.
    async fn everything_ends(&mut self, end: DateTime<Utc>) {
        for person in 0..self.people.len() {
            if let Some(model) = self.people[person].session.take() {
                model.check_writes(CHANGES);
                if !model.is_forgotten(end, BEHIND) {
                    self.look_around(&model).await;
                }
            }
        }
        let later = end + TimeDelta::days(31);
        while {
            let swept = self.store.sweep(later, 1000).await.unwrap();
            self.counts.swept += swept.removed;
            swept.more
        } {}
        assert_eq!(self.counts.swept as u64, self.counts.sessions);
    }
}

fn subject(person: usize, tenant: usize) -> Subject {
    Subject::new(
        TenantId::new(format!("tenant-{tenant}")).unwrap(),
        ConnectionId::new("okta").unwrap(),
        EntityId::new("http://www.okta.com/exk1").unwrap(),
        format!("person-{person}"),
    )
    .unwrap()
}

fn record(
    person: usize,
    generation: u32,
    tenant: usize,
    policy: &LifetimePolicy,
    now: DateTime<Utc>,
    upstream_cap: Option<DateTime<Utc>>,
) -> SessionRecord {
    let mut mixed = Random((person as u64) << 32 | u64::from(generation));
    let octets: Vec<u8> = (0..4).flat_map(|_| mixed.next().to_le_bytes()).collect();
    let new = NewSession {
        key: SessionKey::new(octets.try_into().unwrap()),
        id: SessionId::new(format!("ses_{person}_{generation}")).unwrap(),
        subject: subject(person, tenant),
        user: UserId::new(format!("usr_{person}")).unwrap(),
        persistence: Persistence::Persistent,
        authn_instant: now,
        authn_context: None,
        upstream: None,
        upstream_cap,
    };
    SessionRecord::open(new, policy, now)
}

fn participant(person: usize, application: i64, now: DateTime<Utc>) -> Participant {
    Participant {
        entity_id: EntityId::new(format!("https://app-{application}.example")).unwrap(),
        name_id: NameId::new(format!("person-{person}"), None).unwrap(),
        session_index: SessionIndex::new(format!("s-{person}")).unwrap(),
        acs: format!("https://app-{application}.example/acs"),
        added_at: now,
    }
}
