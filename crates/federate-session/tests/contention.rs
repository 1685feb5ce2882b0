//! What the store in memory promises while threads meet in it: its parts have locks of their
//! own, and yet every verb happens as a whole.

// A test: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_types::{EntityId, NameId, SessionIndex};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

/// The store in memory waits for nobody but its locks.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a verb waited"),
    }
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn key(n: u64) -> SessionKey {
    let mut octets = [0; 32];
    for (place, octet) in octets.iter_mut().enumerate() {
        *octet = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (place % 8 * 8)) as u8;
    }
    SessionKey::new(octets)
}

fn session(n: u64, id: &str) -> SessionRecord {
    let new = NewSession {
        key: key(n),
        id: SessionId::new(id).unwrap(),
        subject: Subject::new(
            TenantId::new("acme").unwrap(),
            ConnectionId::new("okta").unwrap(),
            EntityId::new("http://okta.example/1").unwrap(),
            "alice",
        )
        .unwrap(),
        user: UserId::new("usr_alice").unwrap(),
        persistence: Persistence::Persistent,
        authn_instant: start(),
        authn_context: None,
        upstream: None,
        upstream_cap: None,
    };
    SessionRecord::open(new, &LifetimePolicy::default(), start())
}

fn at_slack() -> Participant {
    Participant {
        entity_id: EntityId::new("slack").unwrap(),
        name_id: NameId::new("alice", None).unwrap(),
        session_index: SessionIndex::new("s").unwrap(),
        acs: "https://slack.example/acs".into(),
        added_at: start(),
    }
}

fn by_slack() -> ParticipantQuery {
    ParticipantQuery {
        tenant: TenantId::new("acme").unwrap(),
        issuer: EntityId::new("slack").unwrap(),
        name_id: NameId::new("alice", None).unwrap(),
        session_indexes: Vec::new(),
    }
}

/// However often a person signs in anew: whoever looks finds exactly one session, the old one
/// or the new one.
#[test]
fn a_session_that_is_rotated_is_always_found() {
    let store = MemoryStore::default();
    let subject = session(0, "ses_0").subject;
    now_or_never(store.create(session(0, "ses_0"), start())).unwrap();
    let added = now_or_never(store.add_participant(&key(0), at_slack(), start()));
    assert_eq!(added.unwrap(), AddParticipant::Added);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let found = now_or_never(store.by_participant(&by_slack())).unwrap();
                    assert!(!found.is_empty(), "by the application");
                    let found = now_or_never(store.by_subject(&subject)).unwrap();
                    assert!(!found.is_empty(), "by the person");
                }
            });
        }
        for n in 1..5_000 {
            let new = session(n, &format!("ses_{n}"));
            let rotated = now_or_never(store.rotate(&key(n - 1), new, start()));
            assert_eq!(rotated.unwrap(), Rotation::Rotated { carried: 1 });
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let found = now_or_never(store.by_participant(&by_slack())).unwrap();
    assert_eq!(found.len(), 1);
}

/// Of many sessions with one id, whatever their keys, one is let in; of more sessions than
/// there is room for, as many as there is room for.
#[test]
fn ids_and_places_are_given_once() {
    let few = Capacity {
        sessions: 500,
        ..Capacity::default()
    };
    let store = MemoryStore::with_capacity(few);
    let created = [(); 501].map(|()| AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, created) = (&store, &created);
            scope.spawn(move || {
                for n in 0..501_u64 {
                    let record = session(thread << 32 | n, &format!("ses_{n}"));
                    match now_or_never(store.create(record, start())) {
                        Ok(()) => created[n as usize].fetch_add(1, Ordering::Relaxed),
                        Err(StoreError::AlreadyExists { .. } | StoreError::Full { .. }) => 0,
                        Err(other) => panic!("{other}"),
                    };
                }
            });
        }
    });
    let created = created.map(AtomicUsize::into_inner);
    assert!(created.iter().all(|count| *count <= 1));
    assert_eq!(created.iter().sum::<usize>(), 500);
}

/// Many sessions of one person come and go, while others are swept: what is left is right.
#[test]
fn crowds_come_and_go() {
    let store = MemoryStore::default();
    let subject = session(0, "ses_0").subject;
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..300 {
                    let n = thread * 1000 + n;
                    let created = store.create(session(n, &format!("ses_{n}")), start());
                    now_or_never(created).unwrap();
                    if n % 3 != 0 {
                        let by = LogoutKey::new([1; 32]);
                        let key = key(n);
                        let ended = store.begin_termination(&key, by, start());
                        let ended = now_or_never(ended).unwrap();
                        assert!(matches!(ended, Termination::Ended(_)));
                    }
                }
            });
        }
    });
    let found = now_or_never(store.by_subject(&subject)).unwrap();
    assert_eq!(found.len(), 4 * 100);
    let later = start() + TimeDelta::days(8);
    let mut removed = 0;
    loop {
        let swept = now_or_never(store.sweep(later, 50)).unwrap();
        removed += swept.removed;
        if !swept.more {
            break;
        }
    }
    assert_eq!(removed, 4 * 300);
    assert_eq!(now_or_never(store.by_subject(&subject)).unwrap(), []);
}
