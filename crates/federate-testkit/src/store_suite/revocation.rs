//! All sessions of a person ended at once.

use super::fixtures::*;
use super::races::count;
use super::{Backend, Store};
use federate_session::*;

pub(super) async fn run(backend: &impl Backend) {
    let fresh = || backend.make(Capacity::default());
    all_sessions_of_a_person_end(fresh().await).await;
    applications_are_still_told(fresh().await).await;
    later_sessions_are_not_meant(fresh().await).await;
    a_revoked_session_gives_a_new_login_nothing(fresh().await).await;
    revoking_against_everything_else(fresh().await).await;
    if backend.sweeps() {
        revocations_outlive_every_session(fresh().await).await;
    }
}

fn by(n: u8) -> EndReason {
    EndReason::LoggedOut { by: logout(n) }
}

async fn all_sessions_of_a_person_end<S: Store>(store: S) {
    for (n, person) in [(1, "alice"), (2, "alice"), (3, "bob")] {
        store.create(session(n, person), start()).await.unwrap();
    }
    let now = start() + ms(1);
    store
        .revoke_subject(&subject("alice"), logout(1), now)
        .await
        .unwrap();
    for n in [1, 2] {
        let state = store.load(&key(n), now).await.unwrap();
        assert_eq!(state, SessionState::Ended(by(1)));
        let policy = LifetimePolicy::default();
        let state = store
            .touch_if_alive(&key(n), &policy, now + days(1))
            .await
            .unwrap();
        assert_eq!(state, SessionState::Ended(by(1)), "no touch revives");
        let one = participant("slack", "alice", "s1");
        let added = store.add_participant(&key(n), one, now).await.unwrap();
        assert_eq!(added, AddParticipant::SessionEnded(by(1)));
        let stored = store.snapshot(&key(n)).await.unwrap().unwrap();
        let ended = Ended {
            reason: by(1),
            at: now,
        };
        assert_eq!(stored.record.ended, Some(ended));
    }
    assert!(is_alive(&store.load(&key(3), now).await.unwrap()));
}

async fn applications_are_still_told<S: Store>(store: S) {
    let slack = participant("slack", "alice", "s1");
    store.create(session(1, "alice"), start()).await.unwrap();
    let added = store
        .add_participant(&key(1), slack.clone(), start())
        .await
        .unwrap();
    assert!(added.may_issue());
    store
        .revoke_subject(&subject("alice"), logout(1), start())
        .await
        .unwrap();
    // Another logout finds the session ended, and leaves the applications to the first.
    let other = store
        .begin_termination(&key(1), logout(2), start())
        .await
        .unwrap();
    assert_eq!(other, Termination::AlreadyEnded);
    let found = store.by_subject(&subject("alice")).await.unwrap();
    assert_eq!(found.len(), 1);
    for _ in 0..2 {
        let Termination::Ended(ended) = store
            .begin_termination(&key(1), logout(1), start())
            .await
            .unwrap()
        else {
            panic!("the logout that revoked it takes its applications");
        };
        assert_eq!(ended.participants, std::slice::from_ref(&slack));
    }
    assert_eq!(store.by_subject(&subject("alice")).await.unwrap(), []);
}

async fn later_sessions_are_not_meant<S: Store>(store: S) {
    let alice = subject("alice");
    // A person without sessions can be revoked, and again.
    for n in [1, 2] {
        store
            .revoke_subject(&alice, logout(n), start())
            .await
            .unwrap();
    }
    let record = session(1, "alice");
    store.create(record.clone(), start()).await.unwrap();
    assert!(is_alive(&store.load(&key(1), start()).await.unwrap()));
    let rotated = store
        .rotate(&key(1), session(2, "alice"), start())
        .await
        .unwrap();
    assert_eq!(rotated, Rotation::Rotated { carried: 0 });
    assert!(is_alive(&store.load(&key(2), start()).await.unwrap()));
    store
        .revoke_subject(&alice, logout(3), start())
        .await
        .unwrap();
    let state = store.load(&key(2), start()).await.unwrap();
    assert_eq!(state, SessionState::Ended(by(3)));
    let state = store.load(&key(1), start()).await.unwrap();
    assert_eq!(state, SessionState::Ended(EndReason::Replaced));
}

async fn a_revoked_session_gives_a_new_login_nothing<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    let slack = participant("slack", "alice", "s1");
    let added = store
        .add_participant(&key(1), slack, start())
        .await
        .unwrap();
    assert!(added.may_issue());
    store
        .revoke_subject(&subject("alice"), logout(1), start())
        .await
        .unwrap();
    let rotated = store
        .rotate(&key(1), session(2, "alice"), start())
        .await
        .unwrap();
    assert_eq!(rotated, Rotation::Rotated { carried: 0 });
    assert!(is_alive(&store.load(&key(2), start()).await.unwrap()));
    let Termination::Ended(ended) = store
        .begin_termination(&key(1), logout(1), start())
        .await
        .unwrap()
    else {
        panic!("the applications are the logout's to tell");
    };
    assert_eq!(ended.participants.len(), 1);
}

async fn revoking_against_everything_else<S: Store>(store: S) {
    let policy = LifetimePolicy::default();
    store.create(session(0, "alice"), start()).await.unwrap();
    let add = |n: u8| {
        let store = store.clone();
        tokio::spawn(async move {
            let one = participant("slack", "alice", &format!("s{n}"));
            let now = start() + days(1);
            let touched = store.touch_if_alive(&key(0), &policy, now).await;
            let created = store.create(session(100 + n, "alice"), start()).await;
            assert!(touched.is_ok() && created.is_ok());
            let outcome = store.add_participant(&key(0), one, start()).await;
            outcome.unwrap() == AddParticipant::Added
        })
    };
    let before: Vec<_> = (0..TASKS / 2).map(add).collect();
    let revoked = {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .revoke_subject(&subject("alice"), logout(1), start())
                .await
                .is_ok()
        })
    };
    let after: Vec<_> = (TASKS / 2..TASKS).map(add).collect();
    assert_eq!(count(std::iter::once(revoked)).await, 1);
    let state = store.load(&key(0), start()).await.unwrap();
    assert_eq!(state, SessionState::Ended(by(1)));
    let added = count(before.into_iter().chain(after)).await;
    let Termination::Ended(ended) = store
        .begin_termination(&key(0), logout(1), start())
        .await
        .unwrap()
    else {
        panic!("the only logout takes the applications");
    };
    assert_eq!(ended.participants.len(), added, "none is lost");
}

async fn revocations_outlive_every_session<S: Store>(store: S) {
    store
        .revoke_subject(&subject("alice"), logout(1), start())
        .await
        .unwrap();
    let end = start() + LifetimePolicy::MAX;
    assert_eq!(store.sweep(end - ms(1), 10).await.unwrap().removed, 0);
    assert_eq!(store.sweep(end + ms(1000), 10).await.unwrap().removed, 1);
}
