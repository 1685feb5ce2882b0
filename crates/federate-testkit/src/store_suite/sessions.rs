use super::fixtures::*;
use super::{Backend, Store};
use federate_session::*;

pub(super) async fn run(backend: &impl Backend) {
    let fresh = || backend.make(Capacity::default());
    create_and_load(fresh().await).await;
    keys_and_ids_are_used_once(fresh().await).await;
    loading_is_no_activity(fresh().await).await;
    checking_is_loading_without_the_record(fresh().await).await;
    touches_are_throttled(fresh().await).await;
    touches_never_revive(fresh().await).await;
    shortened_policies_are_stored(fresh().await).await;
    participants_are_kept(fresh().await).await;
    participants_are_bounded(fresh().await).await;
    indexes_find_what_is_meant(fresh().await).await;
    upstream_logouts_find_what_is_meant(fresh().await).await;
    rotation_carries_the_participants(fresh().await).await;
    who_signs_in_every_day_has_room_for_applications(fresh().await).await;
    rotation_keeps_people_apart(fresh().await).await;
    sweeping_never_leads(fresh().await).await;
    if backend.sweeps() {
        sweeping_forgets_what_is_over(fresh().await).await;
    }
    if backend.counts() {
        let few = Capacity {
            sessions: 2,
            ..Capacity::default()
        };
        full_stores_refuse(backend.make(few).await).await;
    }
}

async fn create_and_load<S: Store>(store: S) {
    let record = session(1, "alice");
    assert_eq!(
        store.load(&key(1), start()).await.unwrap(),
        SessionState::Unknown
    );
    store.create(record.clone(), start()).await.unwrap();
    let state = store.load(&key(1), start()).await.unwrap();
    assert_eq!(
        state,
        SessionState::Alive(Box::new(record.clone())),
        "exactly what was stored"
    );
    let snapshot = store.snapshot(&key(1)).await.unwrap().unwrap();
    assert_eq!(snapshot, SessionSnapshot::new(record));
    assert_eq!(store.snapshot(&key(2)).await.unwrap(), None);
}

async fn keys_and_ids_are_used_once<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    let again = store
        .create(session(1, "mallory"), start())
        .await
        .unwrap_err();
    assert_eq!(again.code(), "store.already_exists");
    let mut same_id = session(2, "mallory");
    same_id.id = session(1, "alice").id;
    let again = store.create(same_id, start()).await.unwrap_err();
    assert_eq!(again.code(), "store.already_exists");
    let over = store
        .create(session(3, "bob"), start() + days(3))
        .await
        .unwrap_err();
    assert_eq!(over.code(), "store.already_expired");
    assert_eq!(
        store.load(&key(2), start()).await.unwrap(),
        SessionState::Unknown
    );
}

async fn loading_is_no_activity<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    for day in 0..3 {
        assert!(is_alive(
            &store.load(&key(1), start() + days(day)).await.unwrap()
        ));
    }
    let end = start() + days(3);
    assert!(is_alive(&store.load(&key(1), end - ms(1)).await.unwrap()));
    let over = SessionState::Ended(EndReason::Expired(Limit::Idle));
    assert_eq!(store.load(&key(1), end).await.unwrap(), over);
}

async fn checking_is_loading_without_the_record<S: Store>(store: S) {
    let end = start() + days(3);
    let unknown = store.check(&key(1), start()).await.unwrap();
    assert_eq!(unknown, SessionCheck::Unknown);
    for (n, person) in [(1, "alice"), (2, "bob"), (3, "carol")] {
        let mut record = session(n, person);
        record.lifetime.upstream_cap = (n == 3).then_some(start() + days(1));
        store.create(record, start()).await.unwrap();
    }
    let over = |limit| SessionCheck::Ended(EndReason::Expired(limit));
    for (n, now, expected) in [
        (1, start(), SessionCheck::Alive),
        (1, end - ms(1), SessionCheck::Alive),
        (1, end, over(Limit::Idle)),
        (1, end - ms(1), SessionCheck::Alive), // it left no trace
        (3, start() + days(1) - ms(1), SessionCheck::Alive),
        (3, start() + days(1), over(Limit::Upstream)),
    ] {
        assert_eq!(store.check(&key(n), now).await.unwrap(), expected);
    }
    let ended = store
        .begin_termination(&key(1), logout(1), start())
        .await
        .unwrap();
    assert!(matches!(ended, Termination::Ended(_)));
    store
        .revoke_subject(&subject("bob"), logout(2), start())
        .await
        .unwrap();
    for (n, by) in [(1, logout(1)), (2, logout(2))] {
        let expected = SessionCheck::Ended(EndReason::LoggedOut { by });
        assert_eq!(store.check(&key(n), start()).await.unwrap(), expected);
    }
}

async fn touches_are_throttled<S: Store>(store: S) {
    let policy = LifetimePolicy::default();
    store.create(session(1, "alice"), start()).await.unwrap();
    let soon = start() + policy.touch_granularity() - ms(1);
    assert!(is_alive(
        &store.touch_if_alive(&key(1), &policy, soon).await.unwrap()
    ));
    let stored = store.snapshot(&key(1)).await.unwrap().unwrap().record;
    assert_eq!(stored.lifetime.last_activity, start());
    let later = start() + policy.touch_granularity();
    assert!(is_alive(
        &store.touch_if_alive(&key(1), &policy, later).await.unwrap()
    ));
    let stored = store.snapshot(&key(1)).await.unwrap().unwrap().record;
    assert_eq!(stored.lifetime.last_activity, later);
    assert!(is_alive(
        &store.load(&key(1), later + days(3) - ms(1)).await.unwrap()
    ));
    let unknown = store.touch_if_alive(&key(9), &policy, later).await.unwrap();
    assert_eq!(unknown, SessionState::Unknown);
}

async fn touches_never_revive<S: Store>(store: S) {
    let policy = LifetimePolicy::default();
    store.create(session(1, "alice"), start()).await.unwrap();
    let over = SessionState::Ended(EndReason::Expired(Limit::Idle));
    let end = start() + days(3);
    assert_eq!(
        store.touch_if_alive(&key(1), &policy, end).await.unwrap(),
        over
    );
    // Not even with a clock that went backwards.
    assert_eq!(
        store
            .touch_if_alive(&key(1), &policy, start())
            .await
            .unwrap(),
        over
    );
    assert_eq!(store.load(&key(1), start()).await.unwrap(), over);
}

async fn shortened_policies_are_stored<S: Store>(store: S) {
    let shorter = LifetimePolicy::new(days(1), ms(7_200_000)).unwrap();
    store.create(session(1, "alice"), start()).await.unwrap();
    assert!(is_alive(
        &store
            .touch_if_alive(&key(1), &shorter, start() + ms(1))
            .await
            .unwrap()
    ));
    let over = store.load(&key(1), start() + ms(7_200_001)).await.unwrap();
    assert_eq!(over, SessionState::Ended(EndReason::Expired(Limit::Idle)));
}

async fn participants_are_kept<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    let add = |name: &'static str, now| {
        let store = store.clone();
        async move {
            let participant = participant(name, "alice", "s1");
            store
                .add_participant(&key(1), participant, now)
                .await
                .unwrap()
        }
    };
    assert_eq!(add("slack", start()).await, AddParticipant::Added);
    assert_eq!(add("zoom", start()).await, AddParticipant::Added);
    assert_eq!(add("slack", start()).await, AddParticipant::AlreadyPresent);
    let over = AddParticipant::SessionEnded(EndReason::Expired(Limit::Idle));
    assert_eq!(add("box", start() + days(3)).await, over);
    let stranger = participant("slack", "alice", "s1");
    let unknown = store
        .add_participant(&key(2), stranger, start())
        .await
        .unwrap();
    assert_eq!(unknown, AddParticipant::Unknown);
    assert!(!unknown.may_issue());
    let snapshot = store.snapshot(&key(1)).await.unwrap().unwrap();
    let expected = ["slack", "zoom"].map(|sp| participant(sp, "alice", "s1"));
    assert_eq!(snapshot.participants, expected);
}

async fn participants_are_bounded<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    for n in 0..SessionSnapshot::MAX_PARTICIPANTS {
        let one = participant("slack", "alice", &format!("s{n}"));
        let outcome = store.add_participant(&key(1), one, start()).await.unwrap();
        assert_eq!(outcome, AddParticipant::Added);
    }
    let one = participant("slack", "alice", "one-too-many");
    let full = store
        .add_participant(&key(1), one, start())
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    let query = participant_query("slack", bare_name("alice"), &["one-too-many"]);
    assert_eq!(store.by_participant(&query).await.unwrap(), []);
}

async fn indexes_find_what_is_meant<S: Store>(store: S) {
    for (n, person) in [(1, "alice"), (2, "alice"), (3, "bob")] {
        store.create(session(n, person), start()).await.unwrap();
        for sp in ["slack", "zoom"] {
            let one = participant(sp, person, &format!("{sp}_{n}"));
            let outcome = store.add_participant(&key(n), one, start()).await.unwrap();
            assert!(outcome.may_issue());
        }
    }
    assert_eq!(
        keys(store.by_subject(&subject("alice")).await.unwrap()),
        [key(1), key(2)]
    );
    let id = session(3, "bob").id;
    let by_id = store.by_id(&tenant("acme"), &id).await.unwrap().unwrap();
    assert_eq!(by_id.key, key(3));
    assert_eq!(store.by_id(&tenant("other"), &id).await.unwrap(), None);

    let find = |query: ParticipantQuery| {
        let store = store.clone();
        async move { keys(store.by_participant(&query).await.unwrap()) }
    };
    // No SessionIndex: all of the person's sessions there. A bare NameID will do.
    let all = participant_query("slack", bare_name("alice"), &[]);
    assert_eq!(find(all.clone()).await, [key(1), key(2)]);
    let full = participant_query("slack", full_name("alice", "slack"), &["slack_2"]);
    assert_eq!(find(full).await, [key(2)]);
    let both = participant_query("slack", bare_name("alice"), &["slack_1", "slack_2"]);
    assert_eq!(find(both).await, [key(1), key(2)]);
    // What both state must be equal; another application's index or name means nothing.
    for (name, indexes) in [
        (full_name("alice", "zoom"), &[][..]),
        (bare_name("alice"), &["zoom_1"][..]),
        (bare_name("bob"), &["slack_1"][..]),
        (bare_name("Alice"), &[][..]),
    ] {
        assert_eq!(find(participant_query("slack", name, indexes)).await, []);
    }
    let elsewhere = ParticipantQuery {
        tenant: tenant("other"),
        ..all
    };
    assert_eq!(find(elsewhere).await, []);
    assert_eq!(
        find(participant_query("box", bare_name("alice"), &[])).await,
        []
    );
}

async fn upstream_logouts_find_what_is_meant<S: Store>(store: S) {
    for (n, person) in [(1, "alice"), (2, "alice"), (3, "bob")] {
        store.create(session(n, person), start()).await.unwrap();
    }
    let mut unnamed = session(4, "alice");
    unnamed.upstream.as_mut().unwrap().session_index = None;
    store.create(unnamed, start()).await.unwrap();

    let all = store
        .by_upstream(&upstream_query("alice", &[]))
        .await
        .unwrap();
    assert_eq!(keys(all), [key(1), key(2), key(4)]);
    let named = store
        .by_upstream(&upstream_query("alice", &["up_2"]))
        .await
        .unwrap();
    assert_eq!(
        keys(named),
        [key(2), key(4)],
        "one without an index may be the one named"
    );
    let query = upstream_query("alice", &[]);
    let connection = ConnectionId::new("entra").unwrap();
    let other = UpstreamQuery {
        connection,
        ..query.clone()
    };
    assert_eq!(store.by_upstream(&other).await.unwrap(), []);
    let other = UpstreamQuery {
        issuer: entity("http://okta.example/2"),
        ..query
    };
    assert_eq!(store.by_upstream(&other).await.unwrap(), []);
}

/// Each login gives each application another participation.
async fn who_signs_in_every_day_has_room_for_applications<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    for n in 1..=150_u8 {
        for sp in ["slack", "zoom"] {
            let one = participant(sp, "alice", &format!("s{n}"));
            let outcome = store.add_participant(&key(n), one, start()).await.unwrap();
            assert_eq!(outcome, AddParticipant::Added, "login {n}");
        }
        let next = session(n + 1, "alice");
        let rotated = store.rotate(&key(n), next, start()).await.unwrap();
        let carried = SessionSnapshot::CARRIED.min(n.into()) * 2;
        assert_eq!(rotated, Rotation::Rotated { carried });
    }
    for (index, expected) in [("s1", vec![]), ("s146", vec![]), ("s147", vec![key(151)])] {
        let query = participant_query("zoom", bare_name("alice"), &[index]);
        let found = store.by_participant(&query).await.unwrap();
        assert_eq!(keys(found), expected, "{index}");
    }
}

async fn rotation_carries_the_participants<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    let slack = participant("slack", "alice", "s1");
    let outcome = store
        .add_participant(&key(1), slack.clone(), start())
        .await
        .unwrap();
    assert!(outcome.may_issue());
    let rotated = store
        .rotate(&key(1), session(2, "alice"), start())
        .await
        .unwrap();
    assert_eq!(rotated, Rotation::Rotated { carried: 1 });
    // The old key is dead, whatever is tried.
    let dead = SessionState::Ended(EndReason::Replaced);
    assert_eq!(store.load(&key(1), start()).await.unwrap(), dead);
    let policy = LifetimePolicy::default();
    let touched = store
        .touch_if_alive(&key(1), &policy, start() + days(1))
        .await
        .unwrap();
    assert_eq!(touched, dead);
    let ended = store
        .begin_termination(&key(1), logout(1), start())
        .await
        .unwrap();
    assert_eq!(ended, Termination::AlreadyEnded);
    let again = store
        .rotate(&key(1), session(3, "alice"), start())
        .await
        .unwrap();
    assert_eq!(again, Rotation::Rotated { carried: 0 });
    // The new one has the applications, and is found by them.
    let snapshot = store.snapshot(&key(2)).await.unwrap().unwrap();
    assert_eq!(snapshot.participants, [slack]);
    let query = participant_query("slack", bare_name("alice"), &["s1"]);
    assert_eq!(keys(store.by_participant(&query).await.unwrap()), [key(2)]);
    assert_eq!(
        keys(store.by_subject(&subject("alice")).await.unwrap()),
        [key(2), key(3)]
    );
}

async fn rotation_keeps_people_apart<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    let other = store
        .rotate(&key(1), session(2, "bob"), start())
        .await
        .unwrap();
    assert_eq!(other, Rotation::OtherSubject);
    assert_eq!(
        store.load(&key(2), start()).await.unwrap(),
        SessionState::Unknown
    );
    assert!(
        is_alive(&store.load(&key(1), start()).await.unwrap()),
        "nothing changed"
    );
    let unknown = store
        .rotate(&key(8), session(3, "bob"), start())
        .await
        .unwrap();
    assert_eq!(unknown, Rotation::Rotated { carried: 0 });
    let onto_itself = store
        .rotate(&key(3), session(3, "bob"), start())
        .await
        .unwrap_err();
    assert_eq!(onto_itself.code(), "store.already_exists");
    assert!(
        is_alive(&store.load(&key(3), start()).await.unwrap()),
        "nothing changed"
    );
}

async fn sweeping_never_leads<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    store.create(session(2, "bob"), start()).await.unwrap();
    let ended = store
        .begin_termination(&key(1), logout(1), start())
        .await
        .unwrap();
    assert!(matches!(ended, Termination::Ended(_)));
    let end = start() + days(7);
    let swept = store.sweep(end - ms(1), 10).await.unwrap();
    assert!(!swept.more);
    let reason = EndReason::LoggedOut { by: logout(1) };
    assert_eq!(
        store.load(&key(1), start()).await.unwrap(),
        SessionState::Ended(reason),
        "tombstones last as long as cookies"
    );
    assert!(is_alive(&store.load(&key(2), start()).await.unwrap()));
}

async fn sweeping_forgets_what_is_over<S: Store>(store: S) {
    for n in 1..=3 {
        store.create(session(n, "alice"), start()).await.unwrap();
    }
    let ended = store
        .begin_termination(&key(1), logout(1), start())
        .await
        .unwrap();
    assert!(matches!(ended, Termination::Ended(_)));
    let end = start() + days(7);
    let swept = store.sweep(end - ms(1), 10).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            removed: 0,
            more: false
        },
        "tombstones last as long as cookies"
    );
    // Expiry is kept by the second: sweeping may lag by one, and never leads.
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
    for n in 1..=3 {
        assert_eq!(
            store.load(&key(n), start()).await.unwrap(),
            SessionState::Unknown
        );
    }
    assert_eq!(store.by_subject(&subject("alice")).await.unwrap(), []);
    store.create(session(1, "alice"), start()).await.unwrap();
}

async fn full_stores_refuse<S: Store>(store: S) {
    store.create(session(1, "alice"), start()).await.unwrap();
    store.create(session(2, "bob"), start()).await.unwrap();
    let full = store
        .create(session(3, "carol"), start())
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    let full = store
        .rotate(&key(1), session(3, "alice"), start())
        .await
        .unwrap_err();
    assert_eq!(full.code(), "store.full");
    assert!(
        is_alive(&store.load(&key(1), start()).await.unwrap()),
        "nothing changed"
    );
    // Room is made when there is something to forget.
    let later = start() + days(8);
    let mut late = session(3, "carol");
    late.lifetime = Lifetime::open(&LifetimePolicy::default(), later, None);
    late.retain_until = late.lifetime.absolute_end;
    store.create(late, later).await.unwrap();
}
