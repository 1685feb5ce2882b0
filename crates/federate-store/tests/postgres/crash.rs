//! Servers that are killed in the middle of everything.

use super::fixtures::*;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::*;
use federate_store::PostgresStore;
use federate_testkit::servers::Postgres;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ROUNDS: u32 = 5;
const TASKS: u32 = 8;
const PER_TASK: u32 = 10_000;

/// What the store acknowledged.
#[derive(Default)]
struct Acknowledged {
    created: Vec<u32>,
    ended: Vec<u32>,
    rotated: Vec<(u32, u32)>,
    replays: Vec<u32>,
    redeemed: Vec<u32>,
    touched: Vec<(u32, DateTime<Utc>)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_what_was_acknowledged() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let store = PostgresStore::connect(options(&server)).await.unwrap();
    let policy = LifetimePolicy::default();
    let mut counted = [0; 5];
    for round in 0..ROUNDS {
        let settled = settled_touch(&store, round, &policy).await;
        let known = Arc::new(Mutex::new(Acknowledged::default()));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (store, known) = (store.clone(), Arc::clone(&known));
                let first = (1 + round * TASKS + task) * PER_TASK;
                tokio::spawn(async move { work(&store, &known, first).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1200 + 137 * u64::from(round))).await;
        server.kill9();
        for task in tasks {
            let error = task.await.unwrap().unwrap_err();
            assert_eq!(error.code(), "store.unavailable");
        }
        server.restart();
        let known = std::mem::take(&mut *known.lock().unwrap());
        check(&store, &known).await;
        let state = store.snapshot(&key(settled)).await.unwrap().unwrap();
        let moved = start() + TimeDelta::hours(5);
        assert_eq!(
            state.record.lifetime.last_activity, moved,
            "a touch a second before the crash is there"
        );
        for (count, more) in counted.iter_mut().zip([
            known.created.len(),
            known.ended.len(),
            known.replays.len(),
            known.redeemed.len(),
            known.touched.len(),
        ]) {
            *count += more;
        }
    }
    println!("acknowledged: created, ended, replays, redeemed, touched: {counted:?}");
    assert!(counted.iter().all(|count| *count > 20), "{counted:?}");
}

/// A session that is touched before the load begins, which lasts more than a second.
async fn settled_touch(store: &PostgresStore, round: u32, policy: &LifetimePolicy) -> u32 {
    let n = round; // below every task's numbers
    let record = session(n, policy, start());
    store.create(record, start()).await.unwrap();
    let now = start() + TimeDelta::hours(5);
    let state = store.touch_if_alive(&key(n), policy, now).await.unwrap();
    assert!(is_alive(&state));
    n
}

/// Everything in turn, until the server is gone.
async fn work(
    store: &PostgresStore,
    known: &Mutex<Acknowledged>,
    first: u32,
) -> Result<(), StoreError> {
    let policy = LifetimePolicy::default();
    let tell = |what: &dyn Fn(&mut Acknowledged)| what(&mut known.lock().unwrap());
    for n in (first..first + PER_TASK).step_by(4) {
        store.create(session(n, &policy, start()), start()).await?;
        tell(&|known| known.created.push(n));
        let one = participant(n, "slack");
        assert!(
            store
                .add_participant(&key(n), one, start())
                .await?
                .may_issue()
        );
        let now = start() + TimeDelta::hours(2);
        assert!(is_alive(
            &store.touch_if_alive(&key(n), &policy, now).await?
        ));
        tell(&|known| known.touched.push((n, now)));

        store
            .create(session(n + 1, &policy, start()), start())
            .await?;
        let second = key(n + 1);
        let ended = store.begin_termination(&second, logout(n), start()).await?;
        assert!(matches!(ended, Termination::Ended(_)));
        tell(&|known| known.ended.push(n + 1));

        assert_eq!(
            store.put_new(assertion(n), start()).await?,
            PutNew::Inserted
        );
        tell(&|known| known.replays.push(n));
        let request = OneTimeEntry {
            namespace: Namespace::REQUEST,
            ..assertion(n)
        };
        let at = (request.namespace, request.key);
        assert_eq!(store.put_new(request, start()).await?, PutNew::Inserted);
        let redeemed = store.redeem(Some(at), assertion(n + 1), start()).await?;
        assert!(matches!(redeemed, Redemption::Redeemed { .. }));
        tell(&|known| known.redeemed.push(n + 1));

        let mut next = session(n + 2, &policy, start());
        next.subject = session(n, &policy, start()).subject;
        if n % 3 == 0 {
            let rotated = store.rotate(&key(n), next, start()).await?;
            assert_eq!(rotated, Rotation::Rotated { carried: 1 });
            tell(&|known| known.rotated.push((n, n + 2)));
        }
    }
    panic!("the server was not killed");
}

async fn check(store: &PostgresStore, known: &Acknowledged) {
    let now = start() + TimeDelta::hours(2);
    for n in &known.created {
        let state = store.load(&key(*n), now).await.unwrap();
        assert_ne!(state, SessionState::Unknown, "session {n} is lost");
    }
    for n in &known.ended {
        let state = store.load(&key(*n), now).await.unwrap();
        assert!(matches!(
            state,
            SessionState::Ended(EndReason::LoggedOut { .. })
        ));
    }
    for (old, new) in &known.rotated {
        let state = store.load(&key(*old), now).await.unwrap();
        assert_eq!(state, SessionState::Ended(EndReason::Replaced));
        let new = store.snapshot(&key(*new)).await.unwrap().unwrap();
        assert_eq!(new.participants.len(), 1);
    }
    for n in known.replays.iter().chain(&known.redeemed) {
        let put = store.put_new(assertion(*n), start()).await.unwrap();
        assert_eq!(put, PutNew::AlreadyPresent, "assertion {n} is forgotten");
    }
    for n in &known.redeemed {
        let request = OneTimeKey::new(*assertion(*n - 1).key.as_bytes());
        let request = store.take(Namespace::REQUEST, &request, start()).await;
        assert_eq!(request.unwrap(), None, "request {n} is back");
    }
    for (n, touched) in &known.touched {
        let found = store.snapshot(&key(*n)).await.unwrap().unwrap();
        let lifetime = found.record.lifetime;
        // A touch may be lost, and then as a whole.
        assert!([start(), *touched].contains(&lifetime.last_activity));
        assert_eq!(found.participants.len(), 1);
    }
}
