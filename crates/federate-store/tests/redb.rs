//! The store suite on redb, in memory and in a file, and what only a file can show.

// A test program: what would be a bug in library code is a verdict here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "redb/damage.rs"]
mod damage;
#[path = "redb/sessions.rs"]
mod sessions;

use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{
    Capacity, LogoutKey, LogoutStore as _, Namespace, OneTimeEntry, OneTimeKey, OneTimeStore as _,
    PutNew, SessionKey, SessionStore as _, Sweep as _, Swept,
};
use federate_store::{OpenError, RedbOptions, RedbStore};
use federate_testkit::store_suite::{self, Backend};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tempfile::TempDir;

struct InMemory;

impl Backend for InMemory {
    type Store = RedbStore;

    async fn make(&self, capacity: Capacity) -> RedbStore {
        RedbStore::in_memory_with(RedbOptions {
            capacity,
            ..RedbOptions::default()
        })
        .unwrap()
    }
}

/// Every store is a file of its own.
struct InFiles {
    dir: TempDir,
    made: AtomicUsize,
}

impl Backend for InFiles {
    type Store = RedbStore;

    async fn make(&self, capacity: Capacity) -> RedbStore {
        let name = self.made.fetch_add(1, Ordering::Relaxed).to_string();
        let options = RedbOptions {
            capacity,
            ..RedbOptions::default()
        };
        RedbStore::open_with(self.dir.path().join(name), options).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    store_suite::sessions(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_time() {
    store_suite::one_time(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logouts() {
    store_suite::logouts(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users() {
    store_suite::users(&InMemory).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model() {
    store_suite::model(&InMemory, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_files() {
    let files = InFiles {
        dir: TempDir::new().unwrap(),
        made: AtomicUsize::new(0),
    };
    store_suite::sessions(&files).await;
    store_suite::one_time(&files).await;
    store_suite::logouts(&files).await;
    store_suite::users(&files).await;
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn assertion(n: u32) -> OneTimeEntry {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&n.to_be_bytes());
    OneTimeEntry {
        namespace: Namespace::ASSERTION,
        key: OneTimeKey::new(key),
        value: vec![7; 100],
        expires: now() + TimeDelta::hours(1),
    }
}

async fn filled(path: &Path) {
    let store = RedbStore::open(path).unwrap();
    for n in 0..500 {
        let put = store.put_new(assertion(n), now()).await.unwrap();
        assert_eq!(put, PutNew::Inserted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_keeps_what_was_acknowledged() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    filled(&path).await;
    let store = RedbStore::open(&path).unwrap();
    for n in 0..500 {
        let put = store.put_new(assertion(n), now()).await.unwrap();
        assert_eq!(put, PutNew::AlreadyPresent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_whose_caller_went_away_do_no_harm() {
    let store = RedbStore::in_memory().unwrap();
    for n in 0..100 {
        let mut put = Box::pin(store.put_new(assertion(n), now()));
        let _ = tokio::time::timeout(std::time::Duration::ZERO, &mut put).await;
    }
    assert_eq!(
        store.put_new(assertion(1000), now()).await.unwrap(),
        PutNew::Inserted
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_sweep_lets_others_have_their_turn() {
    let store = RedbStore::in_memory().unwrap();
    let puts: Vec<_> = (0..3000)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.put_new(assertion(n), now()).await.unwrap() })
        })
        .collect();
    for put in puts {
        assert_eq!(put.await.unwrap(), PutNew::Inserted);
    }
    let late = now() + TimeDelta::days(1);
    let fresh = OneTimeEntry {
        expires: late + TimeDelta::days(1),
        ..assertion(5000)
    };
    let sweep = async { (store.sweep(late, 2900).await.unwrap(), Instant::now()) };
    let put = async { (store.put_new(fresh, late).await.unwrap(), Instant::now()) };
    let ((swept, sweep_ended), (put, put_ended)) = tokio::join!(sweep, put);
    let expected = Swept {
        removed: 2900,
        more: true,
    };
    assert_eq!((swept, put), (expected, PutNew::Inserted));
    assert!(put_ended < sweep_ended, "the verb waited for the sweep");
    let rest = store.sweep(late, 2900).await.unwrap();
    assert_eq!((rest.removed, rest.more), (100, false));
}

/// Rows are placed by the first octets of the key, which may be those of another session.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_begin_alike_are_kept_apart() {
    let store = RedbStore::in_memory().unwrap();
    let like = |n: u32| {
        let mut octets = [0xff; 32];
        octets[28..].copy_from_slice(&n.to_be_bytes());
        SessionKey::new(octets)
    };
    for n in 0..10 {
        let mut record = sessions::record(n);
        record.key = like(n);
        store.create(record, now()).await.unwrap();
        let one = sessions::participant(n, 0);
        let added = store.add_participant(&like(n), one, now()).await.unwrap();
        assert!(added.may_issue());
    }
    for n in 0..10 {
        let session = store.snapshot(&like(n)).await.unwrap().unwrap();
        assert_eq!(session.record.id, sessions::id(n));
        assert_eq!(session.participants, [sessions::participant(n, 0)]);
        let found = store.by_subject(&sessions::subject(n)).await.unwrap();
        assert_eq!(found, [session.record]);
    }
    let late = now() + TimeDelta::days(8);
    assert_eq!(store.sweep(late, 100).await.unwrap().removed, 10);
    for n in 0..10 {
        assert_eq!(store.snapshot(&like(n)).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_file_is_compacted() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    filled(&path).await;
    let store = RedbStore::open(&path).unwrap();
    assert!(matches!(RedbStore::compact(&path), Err(OpenError::Locked)));
    store.sweep(now() + TimeDelta::days(1), 490).await.unwrap();
    drop(store);
    let before = std::fs::metadata(&path).unwrap().len();
    assert!(RedbStore::compact(&path).unwrap());
    assert!(std::fs::metadata(&path).unwrap().len() < before);
    let store = RedbStore::open(&path).unwrap();
    let put = store.put_new(assertion(499), now()).await.unwrap();
    assert_eq!(put, PutNew::AlreadyPresent);
    let missing = RedbStore::compact(dir.path().join("none")).unwrap_err();
    assert_eq!(missing.code(), "store.io");
    let text = dir.path().join("text");
    std::fs::write(&text, "not a database").unwrap();
    let foreign = RedbStore::compact(&text).unwrap_err();
    assert_eq!(foreign.code(), "store.foreign_file");
}

#[test]
fn works_outside_of_a_runtime() {
    // A waker-less executor: redb's threads do the work, the loop only asks.
    fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        loop {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            std::thread::yield_now();
        }
    }
    let store = RedbStore::in_memory().unwrap();
    let key = LogoutKey::new([1; 32]);
    let end = now() + TimeDelta::hours(1);
    block_on(store.create_logout(&key, vec![1], end, None, now())).unwrap();
    let stored = block_on(store.load_logout(&key, now())).unwrap().unwrap();
    assert_eq!(stored.value, [1]);
}

#[test]
fn a_locked_file_is_told() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    let store = RedbStore::open(&path).unwrap();
    let clone = store.clone();
    drop(store);
    let locked = RedbStore::open(&path).unwrap_err();
    assert!(matches!(locked, OpenError::Locked), "{locked:?}");
    assert_eq!(locked.code(), "store.locked");
    drop(clone);
    RedbStore::open(&path).unwrap();
}

#[test]
fn a_foreign_file_is_told_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let text = dir.path().join("text");
    for content in ["x".repeat(10), "not a database ".repeat(1000)] {
        std::fs::write(&text, &content).unwrap();
        let foreign = RedbStore::open(&text).unwrap_err();
        assert!(matches!(foreign, OpenError::Foreign), "{foreign:?}");
        assert_eq!(std::fs::read_to_string(&text).unwrap(), content);
    }

    let other = dir.path().join("other.redb");
    let table = redb::TableDefinition::<&str, u64>::new("somebody-elses");
    let db = redb::Database::create(&other).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(table).unwrap().insert("n", 1).unwrap();
    txn.commit().unwrap();
    drop(db);
    let foreign = RedbStore::open(&other).unwrap_err();
    assert!(matches!(foreign, OpenError::Foreign), "{foreign:?}");
}

#[test]
fn an_unknown_format_is_told() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    drop(RedbStore::open(&path).unwrap());
    let table = redb::TableDefinition::<&str, u64>::new("federate");
    let db = redb::Database::open(&path).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(table).unwrap().insert("format", 99).unwrap();
    txn.commit().unwrap();
    drop(db);
    let newer = RedbStore::open(&path).unwrap_err();
    assert!(
        matches!(newer, OpenError::UnsupportedFormat { found: 99 }),
        "{newer:?}"
    );
}

#[test]
fn a_missing_directory_is_told() {
    let dir = TempDir::new().unwrap();
    let error = RedbStore::open(dir.path().join("no/such/hub.redb")).unwrap_err();
    assert!(matches!(error, OpenError::Io(_)), "{error:?}");
    let error = RedbStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Io(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_told_or_whole() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    filled(&path).await;
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for part in 1..60_usize {
        let damaged = dir.path().join("damaged.redb");
        let mut octets = whole.clone();
        if part % 3 == 0 {
            octets.truncate(whole.len() * part / 60);
        } else {
            let at = whole.len() * part / 60;
            let end = (at + 64).min(octets.len());
            octets[at..end].fill(0xa5);
        }
        std::fs::write(&damaged, octets).unwrap();
        match RedbStore::open(&damaged) {
            // The damage was in a page that nothing uses: all is there.
            Ok(store) => {
                for n in 0..500 {
                    let put = store.put_new(assertion(n), now()).await.unwrap();
                    assert_eq!(put, PutNew::AlreadyPresent, "damage {part} lost a row");
                }
            }
            Err(OpenError::Corrupt(_) | OpenError::Foreign) => refused += 1,
            Err(other) => panic!("damage {part}: {other:?}"),
        }
    }
    assert!(refused > 10, "only {refused} were noticed");
}
