use super::fixtures::*;
use super::{Backend, Store};
use federate_session::*;

/// Each race is run this often.
const ROUNDS: u8 = 20;

pub(super) async fn run(backend: &impl Backend) {
    let fresh = || backend.make(Capacity::default());
    one_of_many_creates_a_key(fresh().await).await;
    one_of_many_logouts_ends_a_session(fresh().await).await;
    touch_against_terminate(fresh().await).await;
    add_participant_against_terminate(fresh().await).await;
    rotate_against_terminate(fresh().await).await;
}

async fn one_of_many_creates_a_key<S: Store>(store: S) {
    let tasks = (0..TASKS).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut record = session(n, "alice");
            record.key = key(200);
            store.create(record, start()).await.is_ok()
        })
    });
    assert_eq!(count(tasks).await, 1);
}

async fn one_of_many_logouts_ends_a_session<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    let tasks = (0..TASKS).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let outcome = store
                .begin_termination(&key(1), logout(n), start())
                .await
                .unwrap();
            matches!(outcome, Termination::Ended(_))
        })
    });
    assert_eq!(count(tasks).await, 1);
}

async fn touch_against_terminate<S: Store>(store: S) {
    for round in 0..ROUNDS {
        store
            .create(session(round, "alice"), start())
            .await
            .unwrap();
        let tasks = (1..TASKS).map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let policy = LifetimePolicy::default();
                let now = start() + ms(3_600_000 * i64::from(n));
                let state = store
                    .touch_if_alive(&key(round), &policy, now)
                    .await
                    .unwrap();
                is_alive(&state)
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let ended = store
            .begin_termination(&key(round), logout(1), start())
            .await
            .unwrap();
        assert!(matches!(ended, Termination::Ended(_)));
        let after = store.load(&key(round), start()).await.unwrap();
        assert!(
            !is_alive(&after),
            "dead as soon as the termination is acknowledged"
        );
        count(tasks.into_iter()).await;
        let after = store.load(&key(round), start()).await.unwrap();
        let reason = EndReason::LoggedOut { by: logout(1) };
        assert_eq!(after, SessionState::Ended(reason), "no touch revives");
    }
}

async fn add_participant_against_terminate<S: Store>(store: S) {
    for round in 0..ROUNDS {
        store
            .create(session(round, "alice"), start())
            .await
            .unwrap();
        let add = |n: u8| {
            let store = store.clone();
            tokio::spawn(async move {
                let one = participant("slack", "alice", &format!("s{n}"));
                let outcome = store
                    .add_participant(&key(round), one, start())
                    .await
                    .unwrap();
                outcome == AddParticipant::Added
            })
        };
        let before: Vec<_> = (0..TASKS / 2).map(add).collect();
        let end = {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .begin_termination(&key(round), logout(1), start())
                    .await
                    .unwrap()
            })
        };
        let after: Vec<_> = (TASKS / 2..TASKS).map(add).collect();
        let added = count(before.into_iter().chain(after)).await;
        let Termination::Ended(snapshot) = end.await.unwrap() else {
            panic!("the only logout ends the session");
        };
        assert_eq!(
            snapshot.participants.len(),
            added,
            "none lost, none added late"
        );
        let stored = store.snapshot(&key(round)).await.unwrap().unwrap();
        assert_eq!(stored.participants, snapshot.participants);
    }
}

async fn rotate_against_terminate<S: Store>(store: S) {
    for round in 0..ROUNDS {
        let (old, new) = (key(round), key(100 + round));
        store
            .create(session(round, "alice"), start())
            .await
            .unwrap();
        let one = participant("slack", "alice", &format!("s{round}"));
        let added = store.add_participant(&old, one, start()).await.unwrap();
        assert!(added.may_issue());
        let rotating = {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .rotate(&old, session(100 + round, "alice"), start())
                    .await
                    .unwrap()
            })
        };
        let ended = store
            .begin_termination(&old, logout(1), start())
            .await
            .unwrap();
        let rotated = rotating.await.unwrap();
        // The application is told by exactly one of the two.
        match ended {
            Termination::Ended(_) => assert_eq!(rotated, Rotation::Rotated { carried: 0 }),
            Termination::AlreadyEnded => assert_eq!(rotated, Rotation::Rotated { carried: 1 }),
            Termination::Unknown => panic!("the session was there"),
        }
        assert!(!is_alive(&store.load(&old, start()).await.unwrap()));
        assert!(is_alive(&store.load(&new, start()).await.unwrap()));
    }
}

/// How many of the tasks say yes.
pub(super) async fn count(tasks: impl Iterator<Item = tokio::task::JoinHandle<bool>>) -> usize {
    let tasks: Vec<_> = tasks.collect(); // all are running before the first is awaited
    let mut yes = 0;
    for task in tasks {
        yes += usize::from(task.await.unwrap());
    }
    yes
}
