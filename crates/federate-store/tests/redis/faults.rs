//! Servers that do not suit, that are full, that hang or are gone, and what others wrote.

use crate::fixtures::*;
use chrono::TimeDelta;
use federate_session::*;
use federate_store::{NotReplicated, OpenError, RedisOptions, RedisStore, Wait};
use federate_testkit::servers::{Redis, RedisCluster};
use std::error::Error as _;
use std::time::{Duration, Instant};

/// Far below for ever, and far above what a busy machine takes.
const IN_TIME: Duration = Duration::from_secs(60);

async fn refusal(options: RedisOptions) -> OpenError {
    RedisStore::connect(options).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_is_refused() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    drop(connect(&server).await);
    drop(connect(&server).await); // ours is ours again
    for (value, code) in [
        ("federate-store 9", "store.unsupported_file_format"),
        ("9", "store.foreign_file"),
        ("", "store.foreign_file"),
    ] {
        assert_eq!(server.ask(&["SET", "t:format", value]), "OK");
        assert_eq!(refusal(options(&server)).await.code(), code, "{value:?}");
    }
    assert_eq!(server.ask(&["DEL", "t:format"]), "1");
    assert_eq!(server.ask(&["LPUSH", "t:format", "x"]), "1");
    assert!(matches!(
        refusal(options(&server)).await,
        OpenError::Foreign
    ));
    for prefix in ["{t}", "t:o"] {
        let ambiguous = RedisOptions {
            prefix: prefix.into(),
            ..options(&server)
        };
        assert_eq!(refusal(ambiguous).await.code(), "store.unsuitable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_forget_are_refused() {
    let evicting = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = Redis::start(&evicting) else {
        return;
    };
    let OpenError::Unsuitable { found, .. } = refusal(options(&server)).await else {
        panic!("another refusal");
    };
    assert_eq!(found, "allkeys-lru");
    let anyway = RedisOptions {
        dangerous_allow_eviction: true,
        ..options(&server)
    };
    RedisStore::connect(anyway).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_not_there_are_unreachable() {
    let Some(mut server) = Redis::start(&[]) else {
        return;
    };
    let two = RedisOptions {
        urls: vec![server.url(), server.url()],
        ..options(&server)
    };
    assert_eq!(refusal(two).await.code(), "store.unsuitable");
    server.kill9();
    let began = Instant::now();
    assert_eq!(refusal(options(&server)).await.code(), "store.unreachable");
    let nonsense = RedisOptions::new("no address");
    assert_eq!(refusal(nonsense).await.code(), "store.unreachable");
    assert!(began.elapsed() < IN_TIME);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_wait_for_replicas() {
    let Some(server) = Redis::start(&["--repl-diskless-sync-delay", "0"]) else {
        return;
    };
    let of = ["--replicaof", "127.0.0.1", &server.port().to_string()];
    let replica = Redis::start(&of).unwrap();
    while !server
        .ask(&["INFO", "replication"])
        .contains("state=online")
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let found = refusal(options(&replica)).await;
    assert!(matches!(
        found,
        OpenError::Unsuitable {
            expected: "a primary",
            ..
        }
    ));

    let waiting = |replicas, timeout| RedisOptions {
        wait: Some(Wait { replicas, timeout }),
        ..options(&server)
    };
    // The replica answers, however busy the machine is.
    let long = Duration::from_secs(60);
    let store = RedisStore::connect(waiting(1, long)).await.unwrap();
    for n in 1..=20 {
        store
            .create(session(n, "alice", start()), start())
            .await
            .unwrap();
        let there = replica.ask(&["KEYS", "t:s:*"]);
        assert_eq!(there.lines().count(), n as usize);
        let entry = one_time(Namespace::ASSERTION, n, b"");
        assert_eq!(
            store.put_new(entry, start()).await.unwrap(),
            PutNew::Inserted
        );
        let ended = store.begin_termination(&key(n), logout(1), start()).await;
        assert!(matches!(ended.unwrap(), Termination::Ended(_)));
    }
    // There is no second one to wait for.
    let short = Duration::from_secs(3);
    let store = RedisStore::connect(waiting(2, short)).await.unwrap();
    let entry = one_time(Namespace::ASSERTION, 99, b"");
    let error = store.put_new(entry.clone(), start()).await.unwrap_err();
    assert_eq!(error.code(), "store.unavailable");
    let source = error.source().unwrap().downcast_ref::<NotReplicated>();
    let expected = NotReplicated {
        wanted: 2,
        acknowledged: 1,
    };
    assert_eq!(source, Some(&expected));
    let peeked = store.peek(entry.namespace, &entry.key, start()).await;
    assert!(peeked.unwrap().is_some(), "it may have happened");
}

/// Writes a value over the only key of this kind.
fn damage(server: &Redis, kind: &str, how: &str) {
    let key = server.ask(&["KEYS", &format!("t:{kind}:*")]);
    assert_eq!(key.lines().count(), 1, "{key}");
    server.ask(&["DEL", &key]);
    match how {
        "list" => server.ask(&["LPUSH", &key, "x"]),
        "short" => server.ask(&["SET", &key, "x"]),
        _ => server.ask(&[
            "EVAL",
            "return redis.call('SET', KEYS[1], string.rep('w', ARGV[1]) .. '\\9x')",
            "1",
            &key,
            how,
        ]),
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_values_are_told() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let expected = [
        ("list", "store.corrupt"),
        ("short", "store.corrupt"),
        ("8", "store.unsupported_format"),
    ];
    for (how, code) in expected {
        server.ask(&["FLUSHALL"]);
        let store = connect(&server).await;
        store
            .create(session(1, "alice", start()), start())
            .await
            .unwrap();
        damage(&server, "s", how);
        let policy = LifetimePolicy::default();
        let errors = [
            store.load(&key(1), start()).await.unwrap_err(),
            store
                .touch_if_alive(&key(1), &policy, start())
                .await
                .unwrap_err(),
            store
                .begin_termination(&key(1), logout(1), start())
                .await
                .unwrap_err(),
            store
                .rotate(&key(1), session(2, "alice", start()), start())
                .await
                .unwrap_err(),
            store.by_subject(&subject("alice")).await.unwrap_err(),
        ];
        assert_eq!(
            errors.map(|error| error.code()),
            [code; 5],
            "session: {how}"
        );
        let again = store.create(session(1, "bob", start()), start()).await;
        assert!(again.is_err(), "nothing is written over it");

        let end = start() + TimeDelta::days(1);
        store
            .create_logout(&logout(1), vec![1], end, Some(start()), start())
            .await
            .unwrap();
        damage(&server, "l", how);
        let error = store.load_logout(&logout(1), start()).await.unwrap_err();
        assert_eq!(error.code(), code, "logout: {how}");
        let lease = TimeDelta::seconds(1);
        assert!(
            store
                .claim_due(LogoutScope::new([1; 8]), start(), lease, 1)
                .await
                .is_err()
        );

        let id = UserId::new("usr_1").unwrap();
        let alice = subject("alice");
        let found = store.find_or_create(&alice, id.clone(), Profile::default(), start());
        assert!(matches!(found.await.unwrap(), FoundOrCreated::Created(_)));
        damage(&server, "u", how);
        let error = store.user_by_subject(&alice).await.unwrap_err();
        assert_eq!(error.code(), code, "user: {how}");
        let found = store.find_or_create(&alice, id, Profile::default(), start());
        assert_eq!(found.await.unwrap_err().code(), code, "user: {how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_one_time_values_let_nobody_in() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let entry = one_time(Namespace::REQUEST, 1, b"value");
    let at = (entry.namespace, entry.key);
    for (how, code) in [("list", "store.corrupt"), ("short", "store.corrupt")] {
        server.ask(&["FLUSHALL"]);
        let store = connect(&server).await;
        assert_eq!(
            store.put_new(entry.clone(), start()).await.unwrap(),
            PutNew::Inserted
        );
        damage(&server, "o", how);
        let put = store.put_new(entry.clone(), start()).await.unwrap_err();
        assert_eq!(put.code(), code, "put_new: {how}");
        let peek = store.peek(at.0, &at.1, start()).await.unwrap_err();
        assert_eq!(peek.code(), code, "peek: {how}");
        let assertion = one_time(Namespace::ASSERTION, 2, b"");
        let redeem = store
            .redeem(Some(at), assertion.clone(), start())
            .await
            .unwrap_err();
        assert_eq!(redeem.code(), code, "redeem: {how}");
        let replay = store.put_new(assertion, start()).await.unwrap();
        assert_eq!(replay, PutNew::Inserted, "nothing changed");
        let take = store.take(at.0, &at.1, start()).await.unwrap_err();
        assert_eq!(take.code(), code, "take: {how}");
    }
    // An unknown format of a value that has not expired is there, but cannot be read.
    server.ask(&["FLUSHALL"]);
    let store = connect(&server).await;
    assert_eq!(
        store.put_new(entry.clone(), start()).await.unwrap(),
        PutNew::Inserted
    );
    damage(&server, "o", "20");
    let put = store.put_new(entry, start()).await.unwrap();
    assert_eq!(put, PutNew::AlreadyPresent);
    let taken = store.take(at.0, &at.1, start()).await.unwrap_err();
    assert_eq!(taken.code(), "store.unsupported_format");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_memory_refuses_and_keeps_what_is_there() {
    let Some(server) = Redis::start(&["--maxmemory", "4mb"]) else {
        return;
    };
    let store = connect(&server).await;
    store
        .create(session(1, "alice", start()), start())
        .await
        .unwrap();
    store
        .create(session(2, "bob", start()), start())
        .await
        .unwrap();
    let now = start();
    let end = now + TimeDelta::days(1);
    store
        .create_logout(&logout(1), vec![1], end, None, now)
        .await
        .unwrap();
    let request = one_time(Namespace::REQUEST, 1, b"request");
    let at = (request.namespace, request.key);
    assert_eq!(store.put_new(request, now).await.unwrap(), PutNew::Inserted);
    let mut filled = 0;
    for size in [100_000, 1000, 10] {
        let full = loop {
            filled += 1;
            let entry = one_time(Namespace::HANDLE, filled, &vec![0; size]);
            match store.put_new(entry, now).await {
                Ok(put) => assert_eq!(put, PutNew::Inserted),
                Err(error) => break error,
            }
            assert!(filled < 100_000, "the server does not fill up");
        };
        assert_eq!(full.code(), "store.full");
    }
    let full = store
        .create(session(3, "carol", now), now)
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    let full = store
        .rotate(&key(1), session(4, "alice", now), now)
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    let zoom = participant("zoom", "alice");
    let full = store.add_participant(&key(1), zoom, now).await.unwrap_err();
    assert_eq!(full.code(), "store.full");
    let replay = one_time(Namespace::ASSERTION, 9, b"");
    let full = store.redeem(None, replay.clone(), now).await.unwrap_err();
    assert_eq!(full.code(), "store.full");
    let (alice, id) = (subject("alice"), UserId::new("usr_1").unwrap());
    let full = store.find_or_create(&alice, id, Profile::default(), now);
    assert_eq!(full.await.unwrap_err().code(), "store.full");
    // Nothing of all that is there.
    for n in [3, 4] {
        assert_eq!(
            store.load(&key(n), now).await.unwrap(),
            SessionState::Unknown
        );
        let id = SessionId::new(format!("ses_{n}")).unwrap();
        let tenant = TenantId::new("acme").unwrap();
        assert_eq!(store.by_id(&tenant, &id).await.unwrap(), None);
    }
    assert!(is_alive(&store, 1).await);
    let stored = store.snapshot(&key(1)).await.unwrap().unwrap();
    assert_eq!(stored.participants, []);
    assert_eq!(
        store.by_participant(&query("zoom", "alice")).await.unwrap(),
        []
    );
    // What is there goes on, and what ends something finds room.
    let later = now + TimeDelta::hours(2);
    let policy = LifetimePolicy::default();
    let touched = store.touch_if_alive(&key(1), &policy, later).await.unwrap();
    assert!(matches!(touched, SessionState::Alive(_)));
    let redeemed = store.redeem(Some(at), replay, now).await.unwrap();
    assert!(matches!(
        redeemed,
        Redemption::Redeemed { request: Some(_) }
    ));
    let ended = store
        .begin_termination(&key(1), logout(1), now)
        .await
        .unwrap();
    assert!(matches!(ended, Termination::Ended(_)));
    store
        .revoke_subject(&subject("bob"), logout(1), now)
        .await
        .unwrap();
    assert!(!is_alive(&store, 1).await && !is_alive(&store, 2).await);
    let next = store
        .compare_and_swap(&logout(1), 1, vec![2], Some(now), now)
        .await;
    assert_eq!(next.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_told_at_once_and_made_anew() {
    let Some(mut server) = Redis::start(&["--appendonly", "yes"]) else {
        return;
    };
    let store = connect(&server).await;
    store
        .create(session(1, "alice", start()), start())
        .await
        .unwrap();
    for round in 0..2 {
        server.kill9();
        let began = Instant::now();
        let tasks: Vec<_> = (0..16)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let loaded = store.load(&key(1), start()).await.unwrap_err();
                    let entry = one_time(Namespace::ASSERTION, n, b"");
                    let put = store.put_new(entry, start()).await.unwrap_err();
                    (loaded.code(), put.code())
                })
            })
            .collect();
        for task in tasks {
            let codes = task.await.unwrap();
            assert_eq!(codes, ("store.unavailable", "store.unavailable"));
        }
        let told = began.elapsed();
        assert!(told < IN_TIME, "told after {told:?}");
        server.restart();
        let began = Instant::now();
        while store.load(&key(1), start()).await.is_err() {
            assert!(began.elapsed() < IN_TIME);
        }
        // The server has lost the functions, too.
        let entry = one_time(Namespace::ASSERTION, 100 + round, b"");
        assert_eq!(
            store.put_new(entry, start()).await.unwrap(),
            PutNew::Inserted
        );
        println!("told after {told:?}, back after {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_node_of_a_cluster_is_told_in_time_and_comes_back() {
    let Some(mut cluster) = RedisCluster::start() else {
        return;
    };
    let store = RedisStore::connect(RedisOptions {
        urls: cluster.urls(),
        connect_timeout: Duration::from_secs(3),
        response_timeout: Duration::from_secs(3),
        ..RedisOptions::new("")
    })
    .await
    .unwrap();
    let put = |n| {
        let store = store.clone();
        async move {
            let entry = one_time(Namespace::ASSERTION, n, b"");
            store.put_new(entry, start()).await
        }
    };
    for n in 0..16 {
        assert_eq!(put(n).await.unwrap(), PutNew::Inserted);
    }
    cluster.nodes_mut()[0].kill9();
    let began = Instant::now();
    let tasks: Vec<_> = (100..132).map(|n| tokio::spawn(put(n))).collect();
    let (mut put_new, mut unavailable) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => put_new += 1,
            Err(error) => {
                assert_eq!(error.code(), "store.unavailable");
                unavailable += 1;
            }
        }
    }
    let told = began.elapsed();
    println!("{put_new} put, {unavailable} unavailable, all told after {told:?}");
    assert!(unavailable > 0 && told < IN_TIME);
    cluster.nodes_mut()[0].restart();
    let began = Instant::now();
    for n in 200..232 {
        while put(n).await.is_err() {
            assert!(began.elapsed() < IN_TIME, "it does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    println!("back after {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_unavailable_in_time() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let store = RedisStore::connect(RedisOptions {
        response_timeout: Duration::from_secs(3),
        ..options(&server)
    })
    .await
    .unwrap();
    store
        .create(session(1, "alice", start()), start())
        .await
        .unwrap();
    server.freeze();
    let began = Instant::now();
    let error = store.load(&key(1), start()).await.unwrap_err();
    assert_eq!(error.code(), "store.unavailable");
    assert!(began.elapsed() < IN_TIME);
    server.thaw();
    let began = Instant::now();
    while store.load(&key(1), start()).await.is_err() {
        assert!(began.elapsed() < IN_TIME);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_clock_decides_wherever_it_jumps() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let store = connect(&server).await;
    let years = |n: i64| start() + TimeDelta::days(365 * n);
    for (n, now) in [(1, years(0)), (2, years(-40)), (3, years(200))] {
        store.create(session(n, "alice", now), now).await.unwrap();
        for (at, alive) in [
            (now - TimeDelta::days(400), true),
            (now + TimeDelta::days(3) - TimeDelta::milliseconds(1), true),
            (now + TimeDelta::days(3), false),
            (now + TimeDelta::days(4000), false),
            (now, true),
        ] {
            let state = store.load(&key(n), at).await.unwrap();
            assert_eq!(
                matches!(state, SessionState::Alive(_)),
                alive,
                "{n} at {at}"
            );
        }
        let entry = OneTimeEntry {
            expires: now + TimeDelta::nanoseconds(1),
            ..one_time(Namespace::ASSERTION, n, b"")
        };
        let later = OneTimeEntry {
            expires: now + TimeDelta::minutes(1),
            ..entry.clone()
        };
        assert_eq!(store.put_new(entry, now).await.unwrap(), PutNew::Inserted);
        let put = store.put_new(later.clone(), now).await.unwrap();
        assert_eq!(put, PutNew::AlreadyPresent, "for a nanosecond more");
        let now = now + TimeDelta::nanoseconds(1);
        assert_eq!(store.put_new(later, now).await.unwrap(), PutNew::Inserted);
    }
    assert_eq!(store.by_subject(&subject("alice")).await.unwrap().len(), 3);
}
