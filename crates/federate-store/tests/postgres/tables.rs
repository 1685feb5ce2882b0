//! What the tables promise: cheap touches, and forgetting by the day or one by one.

use super::fixtures::*;
use chrono::TimeDelta;
use federate_session::*;
use federate_store::PostgresStore;
use federate_testkit::servers::Postgres;

async fn number(client: &tokio_postgres::Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn touches_stay_on_their_page() {
    // A server of its own: what others do there keeps old rows from being cleared away.
    let Some(server) = Postgres::start() else {
        return;
    };
    let options = options(&server);
    let store = PostgresStore::connect(options.clone()).await.unwrap();
    let client = client(&server, &options.schema).await;
    let policy = LifetimePolicy::default();
    for n in 0..100 {
        let record = session(n, &policy, start());
        store.create(record, start()).await.unwrap();
        for sp in ["slack", "zoom"] {
            let one = participant(n, sp);
            let added = store.add_participant(&key(n), one, start()).await.unwrap();
            assert!(added.may_issue());
        }
    }
    let sums = "SELECT coalesce(sum(n_tup_upd), 0)::bigint, coalesce(sum(n_tup_hot_upd), 0)::bigint
                FROM pg_stat_user_tables
                WHERE schemaname = current_schema() AND relname LIKE 'sessions\\_%'";
    // The server counts what a connection did when it ends.
    drop(store);
    let before = settled(&client, sums, 200).await;
    let store = PostgresStore::connect(options).await.unwrap();
    for hour in 1..=30 {
        for n in 0..100 {
            let now = start() + TimeDelta::hours(hour);
            let state = store.touch_if_alive(&key(n), &policy, now).await.unwrap();
            assert!(is_alive(&state));
        }
    }
    drop(store);
    let after = settled(&client, sums, before.0 + 3000).await;
    let (touches, hot) = (after.0 - before.0, after.1 - before.1);
    assert_eq!(touches, 3000, "each is one update");
    assert!(hot * 10 > touches * 9, "{hot} of {touches} were HOT");
}

/// The two sums, once the first is this high.
async fn settled(client: &tokio_postgres::Client, sums: &str, least: i64) -> (i64, i64) {
    for _ in 0..200 {
        let row = client.query_one(sums, &[]).await.unwrap();
        let found: (i64, i64) = (row.get(0), row.get(1));
        if found.0 >= least {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the server did not count");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_partitions_are_dropped_and_nothing_else() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let client = server.client(&schema_of(&store)).await;
    let of = |length| LifetimePolicy::new(days(length), days(length)).unwrap();
    // Ends of 1 to 9 days, of a month and of ten years.
    let lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 30, 3660];
    for (n, length) in (0..).zip(lengths) {
        let record = session(n, &of(length), start());
        store.create(record, start()).await.unwrap();
    }
    let there = async || {
        let mut there = Vec::new();
        for (n, length) in (0..).zip(lengths) {
            let snapshot = store.snapshot(&key(n)).await.unwrap();
            let person = subject(&format!("person{n}@example.com"));
            let found = store.by_subject(&person).await.unwrap();
            assert_eq!(found.len(), usize::from(snapshot.is_some()));
            if snapshot.is_some() {
                there.push(length);
            }
        }
        there
    };
    // One instant before the day after the third session's last one, nothing of it goes.
    let midnight = |day: i64| {
        let first = start().timestamp().div_euclid(86_400);
        chrono::DateTime::from_timestamp((first + day) * 86_400, 0).unwrap()
    };
    store.sweep(midnight(4) - nanos(1), 10).await.unwrap();
    assert_eq!(there().await, lengths[2..]);
    store.sweep(midnight(4), 0).await.unwrap();
    assert_eq!(there().await, lengths[2..], "a sweep of nothing");
    store.sweep(midnight(4), 10).await.unwrap();
    assert_eq!(there().await, lengths[3..]);
    store.sweep(midnight(200), 10).await.unwrap();
    assert_eq!(there().await, [3660]);
    let partitions = "SELECT count(*) FROM partitions";
    let tables = "SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relkind = 'r' AND n.nspname = current_schema()";
    let left = number(&client, partitions).await;
    assert_eq!(number(&client, tables).await, 2 * left);
    // What was dropped is made again for whoever comes with an old clock.
    let record = session(100, &of(1), start());
    store.create(record, start()).await.unwrap();
    assert!(is_alive(&store.load(&key(100), start()).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_dropped_by_another_node_are_made_again() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let mut options = server.options();
    options.schema = schema_of(&store);
    let other = PostgresStore::connect(options).await.unwrap();
    let policy = LifetimePolicy::default();
    for n in 0..3 {
        let record = session(n, &policy, start());
        store.create(record, start()).await.unwrap();
        other.sweep(start() + days(20), 10).await.unwrap();
        assert_eq!(store.snapshot(&key(n)).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_gives_way_to_whoever_reads_for_long() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let client = server.client(&schema_of(&store)).await;
    let policy = LifetimePolicy::default();
    store
        .create(session(1, &policy, start()), start())
        .await
        .unwrap();
    // As a backup does: it holds a lock on all tables.
    client
        .batch_execute("BEGIN; SELECT count(*) FROM sessions")
        .await
        .unwrap();
    let entry = assertion(1);
    assert_eq!(
        store.put_new(entry, start()).await.unwrap(),
        PutNew::Inserted
    );
    let sweeping = {
        let store = store.clone();
        tokio::spawn(async move { store.sweep(start() + days(9), 10).await })
    };
    let now = start() + TimeDelta::hours(2);
    while !sweeping.is_finished() {
        // They may wait behind the sweep, but they do not fail.
        let state = store.touch_if_alive(&key(1), &policy, now).await.unwrap();
        assert!(is_alive(&state));
        assert!(is_alive(&store.load(&key(1), now).await.unwrap()));
    }
    let swept = sweeping.await.unwrap().unwrap();
    assert_eq!(swept.removed, 1, "the value for one use, not the session");
    client.batch_execute("COMMIT").await.unwrap();
    store.sweep(start() + days(9), 10).await.unwrap();
    assert_eq!(store.snapshot(&key(1)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_but_sessions_is_swept_one_by_one() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let end = assertion(0).expires;
    for n in 0..3 {
        assert_eq!(
            store.put_new(assertion(n), start()).await.unwrap(),
            PutNew::Inserted
        );
        store
            .create_logout(&logout(n), vec![1], end, Some(start()), start())
            .await
            .unwrap();
    }
    let sweep = async |now, limit| {
        let swept = store.sweep(now, limit).await.unwrap();
        (swept.removed, swept.more)
    };
    assert_eq!(sweep(end - nanos(1), 10).await, (0, false));
    assert_eq!(sweep(end, 0).await, (0, false));
    assert_eq!(sweep(end, 2).await, (4, true));
    assert_eq!(sweep(end, 2).await, (2, false));
    let lease = TimeDelta::seconds(1);
    assert_eq!(
        store
            .claim_due(LogoutScope::new([1; 8]), start(), lease, 10)
            .await
            .unwrap(),
        []
    );

    store
        .revoke_subject(&subject("alice"), logout(1), start())
        .await
        .unwrap();
    let end = start() + LifetimePolicy::MAX;
    assert_eq!(sweep(end - nanos(1), 10).await, (0, false));
    assert_eq!(sweep(end, 10).await, (1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn instants_beyond_the_columns_are_kept() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let mut record = session(1, &LifetimePolicy::default(), start());
    record.retain_until = chrono::DateTime::<chrono::Utc>::MAX_UTC;
    store.create(record.clone(), start()).await.unwrap();
    let stored = store.snapshot(&key(1)).await.unwrap().unwrap();
    assert_eq!(stored.record, record);
    let entry = OneTimeEntry {
        expires: chrono::DateTime::<chrono::Utc>::MAX_UTC,
        ..assertion(1)
    };
    assert_eq!(
        store.put_new(entry, start()).await.unwrap(),
        PutNew::Inserted
    );
    assert_eq!(
        store.sweep(start() + days(3660), 9).await.unwrap().removed,
        0
    );
}
