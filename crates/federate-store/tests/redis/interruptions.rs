//! Verbs that stop at any point, as a crash of their process would stop them.

use crate::fixtures::*;
use federate_session::*;
use federate_store::{RedisOptions, RedisStore};
use federate_testkit::servers::{Redis, RedisCluster};
use std::time::Duration;

/// Lets a verb run for a moment that grows with `n`, and drops it.
async fn for_a_moment<T>(n: u32, verb: impl Future<Output = T>) -> Option<T> {
    let moment = Duration::from_micros(u64::from(n).pow(2) * 2);
    // The timer of the runtime is too coarse for this.
    let began = std::time::Instant::now();
    let mut verb = std::pin::pin!(verb);
    loop {
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(verb.as_mut().poll(cx))).await;
        match poll {
            std::task::Poll::Ready(done) => return Some(done),
            std::task::Poll::Pending if began.elapsed() > moment => return None,
            std::task::Poll::Pending => tokio::task::yield_now().await,
        }
    }
}

/// What was sent may still happen.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(3)).await;
}

async fn rotations(store: RedisStore, rounds: u32) {
    let (mut old_left, mut new_there) = (0, 0);
    for n in 0..rounds {
        let (old, new, person) = (2 * n, 2 * n + 1, format!("p{n}"));
        store
            .create(session(old, &person, start()), start())
            .await
            .unwrap();
        let slack = participant("slack", &person);
        let added = store
            .add_participant(&key(old), slack, start())
            .await
            .unwrap();
        assert!(added.may_issue());
        let record = session(new, &person, start());
        let old_key = key(old);
        let rotated = for_a_moment(n % 100, store.rotate(&old_key, record, start())).await;
        settle().await;
        let alive = (is_alive(&store, old).await, is_alive(&store, new).await);
        assert!(alive.0 != alive.1, "one of the two, after {n}: {alive:?}");
        assert!(
            rotated.is_none() || alive.1,
            "what was acknowledged is there"
        );
        old_left += u32::from(alive.0);
        new_there += u32::from(alive.1);
        let found = store
            .by_participant(&query("slack", &person))
            .await
            .unwrap();
        let found: Vec<_> = found.into_iter().map(|record| record.key).collect();
        assert_eq!(found, [key(if alive.0 { old } else { new })]);
        let mut told = 0;
        for n in [old, new] {
            let ended = store.begin_termination(&key(n), logout(1), start()).await;
            if let Termination::Ended(session) = ended.unwrap() {
                told += session.participants.len();
            }
        }
        assert_eq!(told, 1, "the application is told once");
    }
    println!("of {rounds} rotations {old_left} had not happened, {new_there} had");
    assert!(old_left > 0 && new_there > 0, "{old_left} {new_there}");
}

async fn creations(store: &RedisStore) {
    for n in 1000..1060 {
        let person = format!("p{n}");
        let record = session(n, &person, start());
        let created = for_a_moment(n - 1000, store.create(record, start())).await;
        settle().await;
        let there = is_alive(store, n).await;
        assert!(there || created.is_none());
        let found = store.by_subject(&subject(&person)).await.unwrap();
        assert_eq!(
            found.len(),
            usize::from(there),
            "whatever is there is found"
        );
    }
}

async fn redemptions(store: &RedisStore) {
    for n in 0..60 {
        let request = one_time(Namespace::REQUEST, n, b"request");
        let at = Some((request.namespace, request.key));
        assert_eq!(
            store.put_new(request, start()).await.unwrap(),
            PutNew::Inserted
        );
        let assertion = one_time(Namespace::ASSERTION, n, b"");
        let redeemed = for_a_moment(n, store.redeem(at, assertion.clone(), start())).await;
        settle().await;
        let again = store.redeem(at, assertion, start()).await.unwrap();
        let again = matches!(again, Redemption::Redeemed { .. });
        assert!(!(again && redeemed.is_some()), "once at most");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_stop_halfway_leave_one_session() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let store = connect(&server).await;
    creations(&store).await;
    redemptions(&store).await;
    rotations(store, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_stop_halfway_leave_one_session_in_a_cluster() {
    let Some(cluster) = RedisCluster::start() else {
        return;
    };
    let options = RedisOptions {
        urls: cluster.urls(),
        ..RedisOptions::new("")
    };
    let store = RedisStore::connect(options).await.unwrap();
    creations(&store).await;
    redemptions(&store).await;
    rotations(store, 300).await;
}
