//! The store on a disk that fails.

mod disk;

use self::disk::Disk;
use super::*;
use federate_session::Versioned;
use std::time::Duration;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn entry(n: u32) -> OneTimeEntry {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&n.to_be_bytes());
    OneTimeEntry {
        namespace: Namespace::ASSERTION,
        key: OneTimeKey::new(key),
        value: vec![7; 300],
        expires: now() + TimeDelta::hours(1),
    }
}

fn open(disk: &Disk) -> Result<RedbStore, OpenError> {
    let disk = disk.clone();
    RedbStore::start(RedbOptions::default(), |builder| {
        Ok(builder.create_with_backend(disk)?)
    })
}

/// Stores entries until that fails; gives how many it acknowledged.
async fn fill(store: &RedbStore, first: u32) -> (u32, StoreError) {
    let mut n = first;
    loop {
        match store.put_new(entry(n), now()).await {
            Ok(put) => assert_eq!(put, PutNew::Inserted, "{n}"),
            Err(error) => return (n, error),
        }
        n += 1;
    }
}

async fn holds(store: &RedbStore, n: u32) -> bool {
    let entry = entry(n);
    let value = store
        .peek(entry.namespace, &entry.key, now())
        .await
        .unwrap();
    assert!(value.as_ref().is_none_or(|value| *value == entry.value));
    value.is_some()
}

/// Every verb says so at once.
async fn assert_unavailable(store: &RedbStore) {
    let all = async {
        let put = store.put_new(entry(0), now()).await.unwrap_err();
        let key = SessionKey::new([1; 32]);
        let load = store.load(&key, now()).await.unwrap_err();
        let swept = store.sweep(now(), 10).await.unwrap_err();
        let due = store
            .claim_due(LogoutScope::new([0; 8]), now(), TimeDelta::zero(), 1)
            .await
            .unwrap_err();
        [put, load, swept, due].map(|error| error.code())
    };
    let codes = tokio::time::timeout(Duration::from_secs(10), all).await;
    assert_eq!(codes.unwrap(), ["store.unavailable"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_nothing_is_lost() {
    for blocks in (0..60).step_by(3) {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        disk.full_after(blocks);
        let (acknowledged, error) = fill(&store, 0).await;
        assert_eq!(error.code(), "store.full", "{error}");
        assert_unavailable(&store).await;
        drop(store);
        // Opening may need to write. Either way it says why.
        if let Err(error) = open(&disk) {
            assert_eq!(error.code(), "store.io", "{error:?}");
        }
        // Room is made, and the store opened again.
        disk.works();
        let store = open(&disk).unwrap();
        for n in 0..acknowledged {
            assert!(holds(&store, n).await, "{n} of {acknowledged}");
        }
        // The one that failed is in doubt: it is there or not, and never in part. Those that
        // were asked for after it are not.
        let _in_doubt = holds(&store, acknowledged).await;
        let next = acknowledged + 1;
        assert!(!holds(&store, next).await);
        let put = store.put_new(entry(next), now()).await.unwrap();
        assert_eq!(put, PutNew::Inserted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_told() {
    for failure in [Disk::fail_sync, Disk::fail_writes] {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        assert_eq!(
            store.put_new(entry(0), now()).await.unwrap(),
            PutNew::Inserted
        );
        failure(&disk);
        let (acknowledged, error) = fill(&store, 1).await;
        assert_eq!((acknowledged, error.code()), (1, "store.unavailable"));
        assert_unavailable(&store).await;
        // It stays so, also when the disk has recovered: what it wrote last is not known.
        disk.works();
        assert_unavailable(&store).await;
        drop(store);
        let store = open(&disk).unwrap();
        assert!(holds(&store, 0).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_disk_is_told() {
    let disk = Disk::default();
    let store = open(&disk).unwrap();
    for n in 0..200 {
        assert_eq!(
            store.put_new(entry(n), now()).await.unwrap(),
            PutNew::Inserted
        );
    }
    drop(store);
    let store = open(&disk).unwrap();
    let small = RedbOptions {
        cache_bytes: 0,
        ..RedbOptions::default()
    };
    drop(store);
    let theirs = disk.clone();
    let store =
        RedbStore::start(small, |builder| Ok(builder.create_with_backend(theirs)?)).unwrap();
    disk.fail_reads();
    let entry = entry(100);
    let peek = store.peek(entry.namespace, &entry.key, now()).await;
    assert_eq!(peek.unwrap_err().code(), "store.unavailable");
    assert_unavailable(&store).await;
}

/// What was not synced may be lost in any part: the disk dies at some write, and of the writes
/// since the last sync some are there, some not, some in part.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_loss_of_power() {
    for seed in 0..60 {
        let disk = Disk::default();
        let store = open(&disk).unwrap();
        let key = LogoutKey::new([1; 32]);
        let end = now() + TimeDelta::hours(1);
        let mut version = store
            .create_logout(&key, vec![0], end, None, now())
            .await
            .unwrap();
        disk.dies_after(10 + seed * 7 % 293);
        let mut n = 0;
        let died = loop {
            match store.put_new(entry(n), now()).await {
                Ok(_) => n += 1,
                Err(error) => break error,
            }
            let value = vec![1; 500];
            match store
                .compare_and_swap(&key, version, value, None, now())
                .await
            {
                Ok(next) => version = next,
                Err(error) => break error,
            }
        };
        assert_eq!(died.code(), "store.unavailable");
        drop(store);
        for part in 0..4 {
            let store = open(&disk.after_power_loss(seed * 4 + part)).unwrap();
            for n in 0..n {
                assert!(holds(&store, n).await, "seed {seed}.{part}: {n} is lost");
            }
            let state: Versioned = store.load_logout(&key, now()).await.unwrap().unwrap();
            let next = version..=version + 1;
            assert!(
                next.contains(&state.version),
                "seed {seed}.{part}: {state:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_panics_leaves_nobody_waiting() {
    let disk = Disk::default();
    let store = open(&disk).unwrap();
    assert_eq!(
        store.put_new(entry(0), now()).await.unwrap(),
        PutNew::Inserted
    );
    let puts: Vec<_> = (1..200)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.put_new(entry(n), now()).await.is_ok() })
        })
        .collect();
    let panics = store.write(|_| -> Result<Done<()>, StoreError> { panic!("a test's panic") });
    assert_eq!(panics.await.unwrap_err().code(), "store.unavailable");
    let mut acknowledged = Vec::new();
    for (n, put) in (1..).zip(puts) {
        let put = tokio::time::timeout(Duration::from_secs(10), put).await;
        if put.unwrap().unwrap() {
            acknowledged.push(n);
        }
    }
    assert_unavailable(&store).await;
    drop(store);
    let store = open(&disk).unwrap();
    for n in acknowledged {
        assert!(holds(&store, n).await, "{n}");
    }
}
