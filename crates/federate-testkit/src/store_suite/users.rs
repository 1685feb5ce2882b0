use super::fixtures::*;
use super::{Backend, Store};
use federate_session::*;
use std::collections::BTreeMap;

pub(super) async fn run(backend: &impl Backend) {
    let fresh = || backend.make(Capacity::default());
    found_or_created(fresh().await).await;
    identities_are_kept_apart(fresh().await).await;
    ids_are_used_once(fresh().await).await;
    if backend.counts() {
        let few = Capacity {
            users: 1,
            ..Capacity::default()
        };
        full_stores_refuse(backend.make(few).await).await;
    }
    concurrent_first_logins_make_one_user(fresh().await).await;
}

fn id(n: impl std::fmt::Display) -> UserId {
    UserId::new(format!("usr_{n}")).unwrap()
}

fn profile(mail: &str) -> Profile {
    let attributes = BTreeMap::from([("email".to_owned(), vec![mail.to_owned()])]);
    Profile { attributes }
}

async fn found_or_created<S: Store>(store: S) {
    let alice = subject("alice");
    assert_eq!(store.user_by_subject(&alice).await.unwrap(), None);
    let outcome = store
        .find_or_create(&alice, id(1), profile("a@x"), start())
        .await
        .unwrap();
    let expected = User::new(id(1), alice.clone(), profile("a@x"), start());
    assert_eq!(outcome, FoundOrCreated::Created(expected));

    let later = start() + days(1);
    let outcome = store
        .find_or_create(&alice, id(2), profile("b@x"), later)
        .await
        .unwrap();
    let FoundOrCreated::Found(user) = outcome else {
        panic!("the user is there");
    };
    assert_eq!(
        (user.id.clone(), user.created, user.last_login),
        (id(1), start(), later)
    );
    assert_eq!(user.profile.first("email"), Some("b@x"));
    assert_eq!(
        store.user_by_subject(&alice).await.unwrap().as_ref(),
        Some(&user)
    );
    let tenant = tenant("acme");
    assert_eq!(store.load_user(&tenant, &id(1)).await.unwrap(), Some(user));
    assert_eq!(store.load_user(&tenant, &id(2)).await.unwrap(), None);
}

async fn identities_are_kept_apart<S: Store>(store: S) {
    let alice = subject("alice");
    let mut others = vec![
        subject("Alice"),
        subject("alice "),
        alice.clone(),
        alice.clone(),
    ];
    let mut elsewhere = alice.clone();
    elsewhere.tenant = tenant("other");
    others.push(elsewhere);
    others[2].connection = ConnectionId::new("entra").unwrap();
    others[3].issuer = entity("http://okta.example/2");
    others.push(alice);
    for (n, other) in others.iter().enumerate() {
        // The same address every time: it binds nobody.
        let mail = profile("alice@example.com");
        let outcome = store
            .find_or_create(other, id(n), mail, start())
            .await
            .unwrap();
        assert!(matches!(outcome, FoundOrCreated::Created(_)), "{other:?}");
    }
    for (n, other) in others.iter().enumerate() {
        let user = store.user_by_subject(other).await.unwrap().unwrap();
        assert_eq!(user.id, id(n));
    }
    assert_eq!(
        store.load_user(&tenant("acme"), &id(4)).await.unwrap(),
        None,
        "of another tenant"
    );
    assert!(
        store
            .load_user(&tenant("other"), &id(4))
            .await
            .unwrap()
            .is_some()
    );
}

async fn ids_are_used_once<S: Store>(store: S) {
    let created = store
        .find_or_create(&subject("alice"), id(1), Profile::default(), start())
        .await
        .unwrap();
    assert_eq!(created.into_user().id, id(1));
    let taken = store
        .find_or_create(&subject("bob"), id(1), Profile::default(), start())
        .await
        .unwrap_err();
    assert_eq!(taken.code(), "store.already_exists");
    assert_eq!(store.user_by_subject(&subject("bob")).await.unwrap(), None);
}

async fn full_stores_refuse<S: Store>(store: S) {
    for n in 1..=2 {
        // The second time the user is found, for which there is always room.
        let outcome = store
            .find_or_create(&subject("alice"), id(n), Profile::default(), start())
            .await
            .unwrap();
        assert_eq!(outcome.into_user().id, id(1));
    }
    let full = store
        .find_or_create(&subject("bob"), id(3), Profile::default(), start())
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
}

async fn concurrent_first_logins_make_one_user<S: Store>(store: S) {
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .find_or_create(&subject("alice"), id(n), Profile::default(), start())
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut created = 0;
    let mut ids = Vec::new();
    for task in tasks {
        let outcome = task.await.unwrap();
        created += usize::from(matches!(outcome, FoundOrCreated::Created(_)));
        ids.push(outcome.into_user().id);
    }
    ids.dedup();
    assert_eq!((created, ids.len()), (1, 1));
}
