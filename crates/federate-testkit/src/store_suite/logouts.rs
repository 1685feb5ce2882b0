use super::fixtures::*;
use super::races::count;
use super::{Backend, Store};
use federate_session::*;

pub(super) async fn run(backend: &impl Backend) {
    let fresh = || backend.make(Capacity::default());
    versions_decide(fresh().await).await;
    states_expire(fresh().await).await;
    if backend.sweeps() {
        sweeping_forgets(fresh().await).await;
    }
    due_states_are_given_once(fresh().await).await;
    one_of_many_claims(fresh().await).await;
    each_hub_is_given_its_own(fresh().await).await;
    if backend.counts() {
        let few = Capacity {
            logouts: 1,
            ..Capacity::default()
        };
        full_stores_refuse(backend.make(few).await).await;
    }
    no_write_is_lost(fresh().await).await;
}

async fn versions_decide<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    assert_eq!(store.load_logout(&logout(1), now).await.unwrap(), None);
    let first = store
        .create_logout(&logout(1), b"one".to_vec(), end, None, now)
        .await
        .unwrap();
    let again = store
        .create_logout(&logout(1), b"x".to_vec(), end, None, now)
        .await
        .unwrap_err();
    assert_eq!(again.code(), "store.already_exists");
    let second = store
        .compare_and_swap(&logout(1), first, b"two".to_vec(), None, now)
        .await
        .unwrap();
    assert!(second > first);
    for version in [0, first, second + 1] {
        let stale = store
            .compare_and_swap(&logout(1), version, b"x".to_vec(), None, now)
            .await;
        assert_eq!(stale.unwrap_err().code(), "store.conflict");
    }
    let gone = store
        .compare_and_swap(&logout(2), 1, b"x".to_vec(), None, now)
        .await
        .unwrap_err();
    assert_eq!(gone.code(), "store.conflict");
    let large = vec![0; Versioned::MAX_BYTES + 1];
    let large = store
        .compare_and_swap(&logout(1), second, large, None, now)
        .await
        .unwrap_err();
    assert_eq!(large.code(), "store.too_large");
    let stored = store.load_logout(&logout(1), now).await.unwrap().unwrap();
    let expected = Versioned {
        version: second,
        value: b"two".to_vec(),
        expires: end,
        due: None,
    };
    assert_eq!(stored, expected);
}

async fn states_expire<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    let over = store
        .create_logout(&logout(1), Vec::new(), now, None, now)
        .await
        .unwrap_err();
    assert_eq!(over.code(), "store.already_expired");
    let version = store
        .create_logout(&logout(1), Vec::new(), end, None, now)
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
        .compare_and_swap(&logout(1), version, Vec::new(), None, end)
        .await
        .unwrap_err();
    assert_eq!(over.code(), "store.conflict");
}

async fn sweeping_forgets<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    store
        .create_logout(&logout(1), Vec::new(), end, Some(now), now)
        .await
        .unwrap();
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
    let claimed = store.claim_due(SCOPE, now, ms(1000), 10).await.unwrap();
    assert_eq!(claimed, []);
}

async fn due_states_are_given_once<S: Store>(store: S) {
    let (now, end, lease) = (start(), start() + days(1), ms(30_000));
    let due = [Some(now + ms(2)), Some(now + ms(1)), None];
    for (n, due) in (1..).zip(due) {
        store
            .create_logout(&logout(n), vec![n], end, due, now)
            .await
            .unwrap();
    }
    let claim = async |at, limit| {
        let claimed = store.claim_due(SCOPE, at, lease, limit).await.unwrap();
        let keys: Vec<_> = claimed.iter().map(|claimed| claimed.key).collect();
        (keys, claimed)
    };
    assert_eq!(claim(now, 10).await.0, [], "nothing is due yet");
    let (keys, claimed) = claim(now + ms(2), 1).await;
    assert_eq!(keys, [logout(2)], "the longest due first");
    let state = &claimed[0].state;
    assert_eq!((state.version, &state.value[..]), (1, &[2][..]));
    assert_eq!(state.due, Some(now + ms(2) + lease));
    assert_eq!(claim(now + ms(2), 10).await.0, [logout(1)]);
    assert_eq!(claim(now + ms(2), 10).await.0, [], "both are leased");
    // The worker of the first one goes on, that of the second one died.
    store
        .compare_and_swap(&logout(2), 1, vec![9], None, now + ms(3))
        .await
        .unwrap();
    assert_eq!(claim(now + ms(1) + lease, 10).await.0, []);
    assert_eq!(claim(now + ms(2) + lease, 10).await.0, [logout(1)]);
    // What has expired is nobody's work.
    assert_eq!(claim(end + ms(1), 10).await.0, []);
}

/// Also behind many that are due longer, of another hub.
async fn each_hub_is_given_its_own<S: Store>(store: S) {
    let (now, end, lease) = (start(), start() + days(1), ms(30_000));
    let (ours, theirs) = (LogoutScope::new([1; 8]), LogoutScope::new([2; 8]));
    let key = |n: u16, scope| {
        let mut hash = [0; 32];
        hash[8..10].copy_from_slice(&n.to_be_bytes());
        LogoutKey::new(hash).within(scope)
    };
    for n in 0..300 {
        let due = Some(now - ms(1));
        store
            .create_logout(&key(n, theirs), Vec::new(), end, due, now)
            .await
            .unwrap();
    }
    for n in 0..3 {
        let ours = key(n, ours);
        store
            .create_logout(&ours, Vec::new(), end, Some(now), now)
            .await
            .unwrap();
    }
    let claim = async |scope, limit| {
        let claimed = store.claim_due(scope, now, lease, limit).await.unwrap();
        claimed
            .iter()
            .map(|claimed| claimed.key)
            .collect::<Vec<_>>()
    };
    assert_eq!(claim(LogoutScope::new([3; 8]), 10).await, []);
    assert_eq!(claim(ours, 1).await.len(), 1);
    let rest = claim(ours, 10).await;
    assert_eq!(rest.len(), 2);
    assert!(rest.iter().all(|key| key.is_within(ours)));
    assert_eq!(claim(ours, 10).await, []);
    let others = claim(theirs, 1_000).await;
    assert_eq!(others.len(), 300);
    assert!(others.iter().all(|key| key.is_within(theirs)));
}

async fn one_of_many_claims<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    for n in 0..TASKS {
        store
            .create_logout(&logout(n), vec![n], end, Some(now), now)
            .await
            .unwrap();
    }
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.claim_due(SCOPE, now, ms(1000), 4).await.unwrap() })
        })
        .collect();
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap().into_iter().map(|claimed| claimed.key));
    }
    let given = claimed.len();
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!(claimed.len(), given, "none is given twice");
    // A store may let a worker go empty-handed while others ask; nothing is lost by that.
    loop {
        let rest = store.claim_due(SCOPE, now, ms(1000), 4).await.unwrap();
        if rest.is_empty() {
            break;
        }
        claimed.extend(rest.into_iter().map(|claimed| claimed.key));
    }
    claimed.sort_unstable();
    claimed.dedup();
    assert_eq!(claimed.len(), usize::from(TASKS), "every one is given");
}

async fn full_stores_refuse<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    store
        .create_logout(&logout(1), Vec::new(), end, None, now)
        .await
        .unwrap();
    let full = store
        .create_logout(&logout(2), Vec::new(), end, None, now)
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    let (now, end) = (start() + days(2), start() + days(3));
    store
        .create_logout(&logout(2), Vec::new(), end, None, now)
        .await
        .unwrap();
}

async fn no_write_is_lost<S: Store>(store: S) {
    let (now, end) = (start(), start() + days(1));
    store
        .create_logout(&logout(1), vec![0], end, None, now)
        .await
        .unwrap();
    let tasks = (0..TASKS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                let stored = store.load_logout(&logout(1), now).await.unwrap().unwrap();
                let next = vec![stored.value[0] + 1];
                match store
                    .compare_and_swap(&logout(1), stored.version, next, None, now)
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
