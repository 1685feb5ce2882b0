use super::fixtures::*;
use super::races::count;
use super::{Backend, Store};
use federate_session::*;

pub(super) async fn run(backend: &impl Backend) {
    let fresh = || backend.make(Capacity::default());
    values_are_taken_once(fresh().await).await;
    values_expire(fresh().await).await;
    namespaces_do_not_meet(fresh().await).await;
    responses_are_redeemed_once(fresh().await).await;
    failed_redemptions_change_nothing(fresh().await).await;
    bad_values_are_refused(fresh().await).await;
    if backend.sweeps() {
        sweeping_forgets(fresh().await).await;
    }
    replays_are_seen_by_every_instance(backend).await;
    if backend.counts() {
        let few = Capacity {
            one_time: 2,
            ..Capacity::default()
        };
        full_stores_refuse(backend.make(few).await).await;
    }
    one_of_many_redeems_a_response(fresh().await).await;
    one_of_many_answers_a_request(fresh().await).await;
    one_of_many_takes(fresh().await).await;
}

async fn values_are_taken_once<S: Store>(store: S) {
    let entry = one_time(Namespace::HANDLE, 1, b"value");
    let (namespace, at, entry_end) = (entry.namespace, entry.key, entry.expires);
    assert_eq!(store.peek(namespace, &at, start()).await.unwrap(), None);
    assert_eq!(store.take(namespace, &at, start()).await.unwrap(), None);
    assert_eq!(
        store.put_new(entry.clone(), start()).await.unwrap(),
        PutNew::Inserted
    );
    let other = OneTimeEntry {
        value: b"other".to_vec(),
        ..entry
    };
    assert_eq!(
        store.put_new(other, start()).await.unwrap(),
        PutNew::AlreadyPresent
    );
    for read in 0..2 {
        let seen = store.peek(namespace, &at, start()).await.unwrap();
        assert_eq!(seen.as_deref(), Some(&b"value"[..]), "peek {read}");
    }
    let end = store.peek(namespace, &at, entry_end).await.unwrap();
    assert_eq!(end, None, "an expired value is not there");
    let taken = store.take(namespace, &at, start()).await.unwrap();
    assert_eq!(taken.as_deref(), Some(&b"value"[..]));
    assert_eq!(store.peek(namespace, &at, start()).await.unwrap(), None);
    assert_eq!(store.take(namespace, &at, start()).await.unwrap(), None);
}

async fn values_expire<S: Store>(store: S) {
    let entry = one_time(Namespace::REQUEST, 1, b"");
    let (namespace, at, end) = (entry.namespace, entry.key, entry.expires);
    for (now, found) in [(end - ms(1), true), (end, false)] {
        assert_eq!(
            store.put_new(entry.clone(), start()).await.unwrap(),
            PutNew::Inserted
        );
        assert_eq!(
            store.take(namespace, &at, now).await.unwrap().is_some(),
            found
        );
    }
    // One that has expired is not there, and may be stored anew.
    assert_eq!(
        store.put_new(entry.clone(), start()).await.unwrap(),
        PutNew::Inserted
    );
    let again = OneTimeEntry {
        expires: end + days(1),
        ..entry
    };
    assert_eq!(
        store.put_new(again.clone(), end - ms(1)).await.unwrap(),
        PutNew::AlreadyPresent
    );
    assert_eq!(store.put_new(again, end).await.unwrap(), PutNew::Inserted);
    // The sweep of the old one does not take the new one along.
    assert_eq!(store.sweep(end + ms(2000), 10).await.unwrap().removed, 0);
    assert!(store.take(namespace, &at, end).await.unwrap().is_some());
}

async fn namespaces_do_not_meet<S: Store>(store: S) {
    for namespace in [
        Namespace::REQUEST,
        Namespace::ASSERTION,
        Namespace::new("own"),
    ] {
        let value = namespace.as_str().as_bytes();
        let put = store
            .put_new(one_time(namespace, 1, value), start())
            .await
            .unwrap();
        assert_eq!(put, PutNew::Inserted);
    }
    let at = OneTimeKey::new([1; 32]);
    let taken = store
        .take(Namespace::ASSERTION, &at, start())
        .await
        .unwrap();
    assert_eq!(taken.as_deref(), Some(&b"assertion"[..]));
}

async fn responses_are_redeemed_once<S: Store>(store: S) {
    let request = one_time(Namespace::REQUEST, 1, b"request");
    let at = Some((request.namespace, request.key));
    let put = store.put_new(request, start()).await.unwrap();
    assert_eq!(put, PutNew::Inserted);
    let assertion = one_time(Namespace::ASSERTION, 2, b"");
    let redeemed = store.redeem(at, assertion.clone(), start()).await.unwrap();
    let request = Some(b"request".to_vec());
    assert_eq!(redeemed, Redemption::Redeemed { request });
    let again = store.redeem(at, assertion.clone(), start()).await.unwrap();
    assert_eq!(again, Redemption::Replayed);
    let other = one_time(Namespace::ASSERTION, 3, b"");
    let answered = store.redeem(at, other, start()).await.unwrap();
    assert_eq!(answered, Redemption::UnknownRequest);
    // Unsolicited: no request, but still once.
    let replayed = store.redeem(None, assertion, start()).await.unwrap();
    assert_eq!(replayed, Redemption::Replayed);
    let unsolicited = one_time(Namespace::ASSERTION, 4, b"");
    let redeemed = store
        .redeem(None, unsolicited.clone(), start())
        .await
        .unwrap();
    assert_eq!(redeemed, Redemption::Redeemed { request: None });
    let end = unsolicited.expires;
    let unsolicited = OneTimeEntry {
        expires: end + days(1),
        ..unsolicited
    };
    let edge = store.redeem(None, unsolicited, end - ms(1)).await.unwrap();
    assert_eq!(edge, Redemption::Replayed);
}

async fn failed_redemptions_change_nothing<S: Store>(store: S) {
    let request = one_time(Namespace::REQUEST, 1, b"request");
    let at = Some((request.namespace, request.key));
    let end = request.expires;
    assert_eq!(
        store.put_new(request, start()).await.unwrap(),
        PutNew::Inserted
    );
    let assertion = one_time(Namespace::ASSERTION, 2, b"");

    // The wrong request does not use the assertion up.
    let wrong = Some((Namespace::REQUEST, OneTimeKey::new([9; 32])));
    let outcome = store
        .redeem(wrong, assertion.clone(), start())
        .await
        .unwrap();
    assert_eq!(outcome, Redemption::UnknownRequest);
    // A replayed assertion does not use a request up.
    let spent = one_time(Namespace::ASSERTION, 3, b"");
    assert_eq!(
        store.put_new(spent.clone(), start()).await.unwrap(),
        PutNew::Inserted
    );
    let outcome = store.redeem(at, spent, start()).await.unwrap();
    assert_eq!(outcome, Redemption::Replayed);
    // A request that is too old is not there.
    let later = OneTimeEntry {
        expires: end + days(1),
        ..assertion.clone()
    };
    let outcome = store.redeem(at, later, end).await.unwrap();
    assert_eq!(outcome, Redemption::UnknownRequest);

    let outcome = store.redeem(at, assertion, start()).await.unwrap();
    assert!(matches!(outcome, Redemption::Redeemed { request: Some(_) }));
}

async fn bad_values_are_refused<S: Store>(store: S) {
    let entry = one_time(Namespace::ASSERTION, 1, b"");
    let end = entry.expires;
    let put = store.put_new(entry.clone(), end).await.unwrap_err();
    assert_eq!(put.code(), "store.already_expired");
    let redeem = store.redeem(None, entry.clone(), end).await.unwrap_err();
    assert_eq!(redeem.code(), "store.already_expired");
    let large = OneTimeEntry {
        value: vec![0; OneTimeEntry::MAX_BYTES + 1],
        ..entry
    };
    let put = store.put_new(large, start()).await.unwrap_err();
    assert_eq!(put.code(), "store.too_large");
}

async fn replays_are_seen_by_every_instance(backend: &impl Backend) {
    let first = backend.make(Capacity::default()).await;
    let second = backend.again(&first).await;
    let request = one_time(Namespace::REQUEST, 1, b"request");
    let at = (request.namespace, request.key);
    assert_eq!(
        first.put_new(request, start()).await.unwrap(),
        PutNew::Inserted
    );
    let assertion = one_time(Namespace::ASSERTION, 2, b"");
    let redeemed = second
        .redeem(Some(at), assertion.clone(), start())
        .await
        .unwrap();
    assert!(matches!(
        redeemed,
        Redemption::Redeemed { request: Some(_) }
    ));
    for store in [&first, &second] {
        let again = store.redeem(Some(at), assertion.clone(), start()).await;
        assert_eq!(again.unwrap(), Redemption::Replayed);
        let put = store.put_new(assertion.clone(), start()).await.unwrap();
        assert_eq!(put, PutNew::AlreadyPresent);
    }
}

async fn sweeping_forgets<S: Store>(store: S) {
    for n in 0..3 {
        let entry = one_time(Namespace::ASSERTION, n, b"");
        assert_eq!(
            store.put_new(entry, start()).await.unwrap(),
            PutNew::Inserted
        );
    }
    let end = one_time(Namespace::ASSERTION, 0, b"").expires;
    assert_eq!(store.sweep(end - ms(1), 10).await.unwrap().removed, 0);
    let swept = store.sweep(end + ms(1000), 2).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            removed: 2,
            more: true
        }
    );
    let swept = store.sweep(end + ms(1000), 2).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            removed: 1,
            more: false
        }
    );
    let nothing = store.sweep(end + ms(1000), 0).await.unwrap();
    assert_eq!(
        nothing,
        Swept {
            removed: 0,
            more: false
        }
    );
}

async fn full_stores_refuse<S: Store>(store: S) {
    for n in 1..=2 {
        let entry = one_time(Namespace::REQUEST, n, b"");
        assert_eq!(
            store.put_new(entry, start()).await.unwrap(),
            PutNew::Inserted
        );
    }
    let third = one_time(Namespace::ASSERTION, 3, b"");
    let full = store.put_new(third.clone(), start()).await.unwrap_err();
    assert_eq!(full.code(), "store.full", "it refuses rather than forgets");
    let full = store
        .redeem(None, third.clone(), start())
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    // A response to a request that is there finds room: the request's own.
    let request = Some((Namespace::REQUEST, OneTimeKey::new([1; 32])));
    let redeemed = store.redeem(request, third, start()).await.unwrap();
    assert!(matches!(redeemed, Redemption::Redeemed { .. }));
    // Room is made when there is something to forget.
    let later = start() + days(1);
    let entry = OneTimeEntry {
        expires: later + days(1),
        ..one_time(Namespace::REQUEST, 4, b"")
    };
    assert_eq!(store.put_new(entry, later).await.unwrap(), PutNew::Inserted);
}

async fn one_of_many_redeems_a_response<S: Store>(store: S) {
    for round in 0..10 {
        let request = one_time(Namespace::REQUEST, round, b"");
        let at = (request.namespace, request.key);
        assert_eq!(
            store.put_new(request, start()).await.unwrap(),
            PutNew::Inserted
        );
        let tasks = (0..TASKS).map(|n| {
            let store = store.clone();
            // Half of them pretend that it was unsolicited.
            let request = (n % 2 == 0).then_some(at);
            tokio::spawn(async move {
                let assertion = one_time(Namespace::ASSERTION, round, b"");
                let outcome = store.redeem(request, assertion, start()).await.unwrap();
                matches!(outcome, Redemption::Redeemed { .. })
            })
        });
        assert_eq!(count(tasks).await, 1);
    }
}

async fn one_of_many_answers_a_request<S: Store>(store: S) {
    let request = one_time(Namespace::REQUEST, 1, b"");
    let at = (request.namespace, request.key);
    assert_eq!(
        store.put_new(request, start()).await.unwrap(),
        PutNew::Inserted
    );
    let tasks = (0..TASKS).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let assertion = one_time(Namespace::ASSERTION, n, b"");
            let outcome = store.redeem(Some(at), assertion, start()).await.unwrap();
            matches!(outcome, Redemption::Redeemed { .. })
        })
    });
    assert_eq!(count(tasks).await, 1);
}

async fn one_of_many_takes<S: Store>(store: S) {
    let entry = one_time(Namespace::CODE, 1, b"");
    let (namespace, at) = (entry.namespace, entry.key);
    let puts = (0..TASKS).map(|_| {
        let (store, entry) = (store.clone(), entry.clone());
        tokio::spawn(
            async move { store.put_new(entry, start()).await.unwrap() == PutNew::Inserted },
        )
    });
    assert_eq!(count(puts).await, 1);
    let takes = (0..TASKS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.take(namespace, &at, start()).await.unwrap().is_some() })
    });
    assert_eq!(count(takes).await, 1);
}
