use super::fixtures::*;
use super::{Backend, Store};
use federate_session::*;

pub(super) async fn run(backend: &impl Backend) {
    let fresh = || backend.make(Capacity::default());
    ends_once_and_for_all(fresh().await).await;
    the_same_logout_sees_the_same(fresh().await).await;
    nothing_finds_what_was_ended(fresh().await).await;
    expired_sessions_still_tell_their_applications(fresh().await).await;
}

async fn ends_once_and_for_all<S: Store>(store: S) {
    let policy = LifetimePolicy::default();
    store.create(session(1, "alice"), start()).await.unwrap();
    let slack = participant("slack", "alice", "s1");
    let added = store
        .add_participant(&key(1), slack.clone(), start())
        .await
        .unwrap();
    assert_eq!(added, AddParticipant::Added);

    let now = start() + days(1);
    let Termination::Ended(snapshot) = store
        .begin_termination(&key(1), logout(1), now)
        .await
        .unwrap()
    else {
        panic!("the first logout ends the session");
    };
    assert_eq!(snapshot.participants, std::slice::from_ref(&slack));
    let reason = EndReason::LoggedOut { by: logout(1) };
    assert_eq!(snapshot.record.ended, Some(Ended { reason, at: now }));

    let second = store
        .begin_termination(&key(1), logout(2), now)
        .await
        .unwrap();
    assert_eq!(second, Termination::AlreadyEnded);
    let unknown = store
        .begin_termination(&key(2), logout(2), now)
        .await
        .unwrap();
    assert_eq!(unknown, Termination::Unknown);

    // Nothing brings it back: the tombstone answers.
    let ended = SessionState::Ended(reason);
    assert_eq!(store.load(&key(1), now).await.unwrap(), ended);
    assert_eq!(
        store.touch_if_alive(&key(1), &policy, now).await.unwrap(),
        ended
    );
    let late = participant("zoom", "alice", "s1");
    for late in [late, slack] {
        let outcome = store.add_participant(&key(1), late, now).await.unwrap();
        assert_eq!(outcome, AddParticipant::SessionEnded(reason));
    }
    let again = store
        .create(session(1, "alice"), start())
        .await
        .unwrap_err();
    assert_eq!(again.code(), "store.already_exists");
    let rotated = store
        .rotate(&key(1), session(2, "alice"), now)
        .await
        .unwrap();
    assert_eq!(rotated, Rotation::Rotated { carried: 0 });
}

async fn the_same_logout_sees_the_same<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    let slack = participant("slack", "alice", "s1");
    let added = store
        .add_participant(&key(1), slack, start())
        .await
        .unwrap();
    assert!(added.may_issue());
    let first = store
        .begin_termination(&key(1), logout(1), start())
        .await
        .unwrap();
    let resumed = store
        .begin_termination(&key(1), logout(1), start() + ms(5))
        .await
        .unwrap();
    assert!(matches!(first, Termination::Ended(_)));
    assert_eq!(first, resumed, "a crash loses no application");
}

async fn nothing_finds_what_was_ended<S: Store>(store: S) {
    for n in [1, 2] {
        store.create(session(n, "alice"), start()).await.unwrap();
        let slack = participant("slack", "alice", &format!("s{n}"));
        let added = store
            .add_participant(&key(n), slack, start())
            .await
            .unwrap();
        assert!(added.may_issue());
    }
    let ended = store
        .begin_termination(&key(1), logout(1), start())
        .await
        .unwrap();
    assert!(matches!(ended, Termination::Ended(_)));
    assert_eq!(
        keys(store.by_subject(&subject("alice")).await.unwrap()),
        [key(2)]
    );
    let query = participant_query("slack", bare_name("alice"), &[]);
    assert_eq!(keys(store.by_participant(&query).await.unwrap()), [key(2)]);
    let query = upstream_query("alice", &[]);
    assert_eq!(keys(store.by_upstream(&query).await.unwrap()), [key(2)]);
    let by_id = store
        .by_id(&tenant("acme"), &session(1, "alice").id)
        .await
        .unwrap();
    assert_eq!(by_id, None);
}

async fn expired_sessions_still_tell_their_applications<S: Store>(store: S) {
    let policy = LifetimePolicy::default();
    store.create(session(1, "alice"), start()).await.unwrap();
    let slack = participant("slack", "alice", "s1");
    let added = store
        .add_participant(&key(1), slack.clone(), start())
        .await
        .unwrap();
    assert!(added.may_issue());
    let late = start() + days(4);
    let over = store.touch_if_alive(&key(1), &policy, late).await.unwrap();
    assert!(!is_alive(&over));
    let query = participant_query("slack", bare_name("alice"), &["s1"]);
    assert_eq!(keys(store.by_participant(&query).await.unwrap()), [key(1)]);
    let ended = store
        .begin_termination(&key(1), logout(1), late)
        .await
        .unwrap();
    assert!(matches!(ended, Termination::Ended(session) if session.participants == [slack]));
}
