use super::Store;
use super::fixtures::*;
use super::races::count;
use federate_session::*;

pub(super) async fn run<S: Store>(make: &impl Fn(Capacity) -> S) {
    let fresh = || make(Capacity::default());
    versions_decide(fresh()).await;
    states_expire(fresh()).await;
    full_stores_refuse(make(Capacity {
        logouts: 1,
        ..Capacity::default()
    }))
    .await;
    no_write_is_lost(fresh()).await;
}

async fn versions_decide<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    assert_eq!(store.load_logout(&logout(1), now).await.unwrap(), None);
    let first = store
        .create_logout(&logout(1), b"one".to_vec(), end, now)
        .await
        .unwrap();
    let again = store
        .create_logout(&logout(1), b"x".to_vec(), end, now)
        .await
        .unwrap_err();
    assert_eq!(again.code(), "store.already_exists");
    let second = store
        .compare_and_swap(&logout(1), first, b"two".to_vec(), now)
        .await
        .unwrap();
    assert!(second > first);
    for version in [0, first, second + 1] {
        let stale = store
            .compare_and_swap(&logout(1), version, b"x".to_vec(), now)
            .await;
        assert_eq!(stale.unwrap_err().code(), "store.conflict");
    }
    let gone = store
        .compare_and_swap(&logout(2), 1, b"x".to_vec(), now)
        .await
        .unwrap_err();
    assert_eq!(gone.code(), "store.conflict");
    let large = vec![0; Versioned::MAX_BYTES + 1];
    let large = store
        .compare_and_swap(&logout(1), second, large, now)
        .await
        .unwrap_err();
    assert_eq!(large.code(), "store.too_large");
    let stored = store.load_logout(&logout(1), now).await.unwrap().unwrap();
    let expected = Versioned {
        version: second,
        value: b"two".to_vec(),
        expires: end,
    };
    assert_eq!(stored, expected);
}

async fn states_expire<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    let over = store
        .create_logout(&logout(1), Vec::new(), now, now)
        .await
        .unwrap_err();
    assert_eq!(over.code(), "store.already_expired");
    let version = store
        .create_logout(&logout(1), Vec::new(), end, now)
        .await
        .unwrap();
    assert!(
        store
            .load_logout(&logout(1), end - ms(1))
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(store.load_logout(&logout(1), end).await.unwrap(), None);
    let over = store
        .compare_and_swap(&logout(1), version, Vec::new(), end)
        .await
        .unwrap_err();
    assert_eq!(over.code(), "store.conflict");
    assert_eq!(store.sweep(end - ms(1), 10).await.unwrap().removed, 0);
    let swept = store.sweep(end + ms(1000), 10).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            removed: 1,
            more: false
        }
    );
    assert_eq!(store.load_logout(&logout(1), now).await.unwrap(), None);
}

async fn full_stores_refuse<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    store
        .create_logout(&logout(1), Vec::new(), end, now)
        .await
        .unwrap();
    let full = store
        .create_logout(&logout(2), Vec::new(), end, now)
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    let (now, end) = (start() + days(2), start() + days(3));
    store
        .create_logout(&logout(2), Vec::new(), end, now)
        .await
        .unwrap();
}

async fn no_write_is_lost<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    store
        .create_logout(&logout(1), vec![0], end, now)
        .await
        .unwrap();
    let tasks = (0..TASKS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                let stored = store.load_logout(&logout(1), now).await.unwrap().unwrap();
                let next = vec![stored.value[0] + 1];
                match store
                    .compare_and_swap(&logout(1), stored.version, next, now)
                    .await
                {
                    Ok(_) => return true,
                    Err(StoreError::Conflict) => tokio::task::yield_now().await,
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    assert_eq!(count(tasks).await, usize::from(TASKS));
    let stored = store.load_logout(&logout(1), now).await.unwrap().unwrap();
    assert_eq!(stored.value, [TASKS], "each of the writers counted once");
}
