//! Servers that go away, run full, or want an encrypted connection.

use super::fixtures::*;
use federate_session::*;
use federate_store::{OpenError, PostgresOptions, PostgresStore};
use federate_testkit::servers::Postgres;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Far below for ever, and far above what a busy machine takes.
const IN_TIME: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_server_is_told_and_found_again() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let options = PostgresOptions {
        connect_timeout: Duration::from_secs(2),
        ..options(&server)
    };
    let store = PostgresStore::connect(options.clone()).await.unwrap();
    let policy = LifetimePolicy::default();
    let record = session(1, &policy, start());
    store.create(record, start()).await.unwrap();
    server.stop();
    let began = Instant::now();
    for _ in 0..3 {
        let error = store.load(&key(1), start()).await.unwrap_err();
        assert_eq!(error.code(), "store.unavailable");
        let error = store.put_new(assertion(1), start()).await.unwrap_err();
        assert_eq!(error.code(), "store.unavailable");
        assert!(std::error::Error::source(&error).is_some());
    }
    assert!(began.elapsed() < IN_TIME);
    let error = PostgresStore::connect(options).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    server.restart();
    assert!(is_alive(&store.load(&key(1), start()).await.unwrap()));
    assert_eq!(
        store.put_new(assertion(1), start()).await.unwrap(),
        PutNew::Inserted
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_told() {
    let Some(server) = server() else { return };
    let options = PostgresOptions {
        statement_timeout: Duration::from_secs(3),
        lock_timeout: Duration::from_secs(2),
        ..server.options()
    };
    let store = PostgresStore::connect(options).await.unwrap();
    let client = server.client(&schema_of(&store)).await;
    let record = session(1, &LifetimePolicy::default(), start());
    store.create(record, start()).await.unwrap();
    let lock = "BEGIN; LOCK TABLE sessions, one_time";
    client.batch_execute(lock).await.unwrap();
    let began = Instant::now();
    let error = store.load(&key(1), start()).await.unwrap_err();
    assert_eq!(error.code(), "store.unavailable");
    let request = Some((Namespace::REQUEST, OneTimeKey::new([1; 32])));
    let error = store.redeem(request, assertion(1), start()).await;
    assert_eq!(error.unwrap_err().code(), "store.unavailable");
    let (key, by) = (key(1), logout(1));
    let error = store.begin_termination(&key, by, start()).await;
    assert_eq!(error.unwrap_err().code(), "store.unavailable");
    assert!(began.elapsed() < IN_TIME);
    client.batch_execute("COMMIT").await.unwrap();
    assert!(is_alive(&store.load(&key, start()).await.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_whose_caller_went_away_do_no_harm() {
    let Some(server) = server() else { return };
    let store = server.store().await;
    let policy = LifetimePolicy::default();
    for n in 0..200 {
        let wait = Duration::from_micros(u64::from(n) * 20);
        let create = store.create(session(n, &policy, start()), start());
        let _ = tokio::time::timeout(wait, create).await;
        let (old, new) = (key(n), session(1000 + n, &policy, start()));
        let rotate = store.rotate(&old, new, start());
        let _ = tokio::time::timeout(wait, rotate).await;
        let put = store.put_new(assertion(n), start());
        let _ = tokio::time::timeout(wait, put).await;
    }
    // No connection is left in a transaction, none is lost, no key is half there.
    for n in 2000..2020 {
        let record = session(n, &policy, start());
        store.create(record, start()).await.unwrap();
    }
    for n in 0..200 {
        let (old, new) = (key(n), key(1000 + n));
        if let Some(old) = store.snapshot(&old).await.unwrap() {
            let new = store.snapshot(&new).await.unwrap();
            assert!(old.is_open() || new.is_some());
        }
    }
}

/// A file system of 24 MiB, while it lasts.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        std::fs::create_dir(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m,mode=777", "tmpfs"])
            .arg(folder)
            .output();
        mounted
            .is_ok_and(|mounted| mounted.status.success())
            .then_some(Self(folder))
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let folder = server.folder().join("tiny");
    let Some(_tiny) = Tiny::mount(&folder) else {
        eprintln!("skipped: no small file system can be mounted");
        return;
    };
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    let own = Command::new("chown").arg("postgres").arg(&data).status();
    assert!(own.unwrap().success());
    let client = client(&server, "public").await;
    let make = format!("CREATE TABLESPACE tiny LOCATION '{}'", data.display());
    client.batch_execute(&make).await.unwrap();
    let set = "ALTER ROLE federate SET default_tablespace = tiny";
    client.batch_execute(set).await.unwrap();

    let store = PostgresStore::connect(options(&server)).await.unwrap();
    let large = |n| {
        // What does not compress.
        let mut state = n;
        let value = (0..OneTimeEntry::MAX_BYTES).map(|_| {
            state = u32::wrapping_mul(state, 1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        OneTimeEntry {
            value: value.collect(),
            ..assertion(n)
        }
    };
    let mut stored = 0;
    let error = loop {
        match store.put_new(large(stored), start()).await {
            Ok(put) => assert_eq!(put, PutNew::Inserted),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 1000, "it never ran full");
    };
    assert_eq!(error.code(), "store.full", "{error:?}");
    for n in 0..stored {
        let put = store.put_new(assertion(n), start()).await.unwrap();
        assert_eq!(put, PutNew::AlreadyPresent, "nothing is forgotten");
    }
    // What needs no room goes on.
    let first = assertion(0);
    let taken = store.take(first.namespace, &first.key, start()).await;
    assert!(taken.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_connections_are_verified() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let (certificate, private) = (server.folder().join("crt"), server.folder().join("key"));
    let made = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
        ])
        .args(["-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(&certificate)
        .arg("-keyout")
        .arg(&private)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: there is no openssl to make a certificate");
        return;
    }
    // Only its owner may read the key, and the server runs as that of its folder.
    let mut own = Command::new("chown");
    let own = own.arg("--reference").arg(server.folder());
    assert!(
        own.args([&certificate, &private])
            .status()
            .unwrap()
            .success()
    );
    let client = client(&server, "public").await;
    for set in [
        format!(
            "ALTER SYSTEM SET ssl_cert_file = '{}'",
            certificate.display()
        ),
        format!("ALTER SYSTEM SET ssl_key_file = '{}'", private.display()),
        "ALTER SYSTEM SET ssl = on".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        client.batch_execute(&set).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;

    let at = |host| {
        format!(
            "postgresql://federate@{host}:{}/postgres?sslmode=require",
            server.port()
        )
    };
    let trusted = Some(std::fs::read(&certificate).unwrap());
    let options = |host, authorities| PostgresOptions {
        url: at(host),
        authorities,
        ..options(&server)
    };
    let store = PostgresStore::connect(options("localhost", trusted.clone()))
        .await
        .unwrap();
    assert_eq!(
        store.put_new(assertion(1), start()).await.unwrap(),
        PutNew::Inserted
    );
    let encrypted = "SELECT count(*) FROM pg_stat_ssl WHERE ssl";
    let row = client.query_one(encrypted, &[]).await.unwrap();
    assert!(row.get::<_, i64>(0) > 0);
    // Not for this authority, nor for this name.
    for options in [
        options("localhost", None),
        options("127.0.0.1", trusted.clone()),
    ] {
        let error = PostgresStore::connect(options).await.unwrap_err();
        assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
    }
    let mut nonsense = options(
        "localhost",
        Some(b"-----BEGIN CERTIFICATE-----\nx".to_vec()),
    );
    let error = PostgresStore::connect(nonsense.clone()).await.unwrap_err();
    assert_eq!(error.code(), "store.database");
    nonsense.authorities = trusted;
    PostgresStore::connect(nonsense).await.unwrap();
}
