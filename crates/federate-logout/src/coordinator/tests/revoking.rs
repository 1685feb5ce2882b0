use super::*;

#[test]
fn every_session_is_revoked_before_any_message_leaves() {
    let keys = vec![key(2), key(1), key(2)];
    let mut run = Run::begin(LogoutStart::at_the_hub(keys));
    let expected = [1, 2].map(|n| Effect::RevokeSession { session: key(n) });
    assert_eq!(run.effects, expected, "each once");
    run.tell(0, revoked(1, &[redirect("slack"), soap("box")]));
    assert_eq!(run.effects, [], "session 2 is still alive");
    assert_eq!(run.logout.summary().hub, HubOutcome::Revoking);
    assert_eq!(run.logout.stage(), Stage::Revoking);
    run.ignores(0, revoked(1, &[redirect("told-twice")]));
    run.ignores(0, revoked(3, &[redirect("of-another-logout")]));
    run.tell(1_000, revoked(2, &[redirect("zoom")]));
    assert_eq!(run.asks(), ["box"]);
    assert_eq!(run.outcomes().len(), 3);
    assert_eq!(run.logout.summary().hub, HubOutcome::Ended);
}

#[test]
fn one_request_names_all_sessions_of_a_person() {
    let mut run = Run::begin(LogoutStart::at_the_hub(vec![key(1), key(2)]));
    run.tell(0, revoked(1, &[redirect("slack")]));
    let mut second = redirect("slack");
    second.session_index = SessionIndex::new("s2").unwrap();
    let mut other_name = redirect("slack");
    other_name.name_id = NameId::new("bob", None).unwrap();
    run.tell(0, revoked(2, &[second.clone(), second, other_name]));
    let request = run.request("slack");
    let indexes = request.session_indexes.iter().map(SessionIndex::as_str);
    assert_eq!(indexes.collect::<Vec<_>>(), ["s1", "s2"]);
    assert_eq!((request.position, request.of), (1, 2), "one per name");
}

#[test]
fn a_session_that_goes_on_is_never_called_a_success() {
    let failed = Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout);
    let mut run = Run::begin(LogoutStart::at_the_hub(vec![key(1), key(2)]));
    run.tell(0, Event::RevocationFailed { session: key(2) });
    // The other session's applications are asked all the same.
    run.tell(0, revoked(1, &[redirect("slack")]));
    assert_eq!(run.asks(), ["slack"]);
    run.confirms(2_000, "slack");
    assert_eq!(run.answers(), Some(&failed));
    assert_eq!(run.logout.summary().hub, HubOutcome::Failed);
    assert!(!run.logout.summary().complete);
}

#[test]
fn a_slow_revocation_is_given_up_and_still_counts_when_it_comes() {
    let mut run = Run::begin(LogoutStart::at_the_hub(vec![key(1), key(2)]));
    run.tell(0, revoked(1, &[redirect("slack")]));
    assert_eq!(run.logout.due(), Some(at(10_000)));
    run.ignores(9_999, Event::DeadlinePassed);
    run.tell(10_000, Event::DeadlinePassed);
    assert_eq!(run.asks(), ["slack"]);
    run.tell(11_000, revoked(2, &[redirect("zoom")]));
    assert_eq!(run.effects, [], "its turn comes");
    assert_eq!(run.logout.summary().hub, HubOutcome::Ended);
    run.confirms(12_000, "slack");
    assert_eq!(run.asks(), ["zoom"]);
    run.confirms(13_000, "zoom");
    assert_eq!(run.answers(), Some(&Status::success()));
}

#[test]
fn who_answered_for_one_session_is_asked_for_another_that_ends_later() {
    for status in [Status::success(), partial()] {
        let mut run = Run::begin(LogoutStart::at_the_hub(vec![key(1), key(2)]));
        run.tell(0, revoked(1, &[soap("box")]));
        run.tell(10_000, Event::DeadlinePassed);
        assert_eq!(run.asks(), ["box"]);
        run.responds(11_000, "box", status.clone());
        let mut second = soap("box");
        second.session_index = SessionIndex::new("s2").unwrap();
        run.tell(12_000, revoked(2, &[second]));
        assert_eq!(run.asks(), ["box"], "after {status:?}");
        let indexes = run.request("box").session_indexes.iter();
        let indexes: Vec<_> = indexes.map(SessionIndex::as_str).collect();
        assert_eq!(indexes, ["s2"]);
        run.confirms(13_000, "box");
        assert_eq!(run.outcomes().last(), Some(&Outcome::Confirmed));
    }
}

#[test]
fn a_session_that_could_not_be_revoked_is_tried_until_it_is() {
    let mut run = Run::begin(LogoutStart::at_the_hub(vec![key(1)]));
    run.tell(0, Event::RevocationFailed { session: key(1) });
    assert_eq!(run.answers().map(|s| &s.code), Some(&StatusCode::Responder));
    run.tell(1, Event::Answered);
    let again = [Effect::RevokeSession { session: key(1) }];
    let first = run.wait();
    assert!((15_000..=30_000).contains(&first), "{first}");
    assert_eq!(run.effects, again);
    let second = run.wait() - first;
    assert!((30_000..=60_000).contains(&second), "{second}");
    assert_eq!(run.effects, again);
    // Its applications are told in the background, those with a back channel at once.
    run.tell(100_000, revoked(1, &[soap("box"), redirect("slack")]));
    assert_eq!(run.asks(), ["box"]);
    let out_of_time = Outcome::Failed(Failure::OutOfTime);
    assert_eq!(run.outcomes(), [out_of_time.clone(), out_of_time]);
    assert!(run.lines().iter().all(|line| line.retriable));
    run.confirms(100_100, "box");
    assert_eq!(run.outcomes()[0], Outcome::Confirmed);
    assert_eq!(run.logout.due(), None);
}

#[test]
fn too_many_applications_are_counted() {
    let many: Vec<_> = (0..Logout::MAX_APPLICATIONS + 3)
        .map(|n| participant(&format!("sp{n}"), Channels::default()))
        .collect();
    let run = Run::asking(&many);
    let summary = run.logout.summary();
    assert_eq!(summary.applications.len(), Logout::MAX_APPLICATIONS);
    assert_eq!(summary.left_out, 3);
    assert_eq!(run.answers(), Some(&partial()));
}

#[test]
fn too_many_sessions_are_not_called_a_success() {
    let key = |n: usize| SessionKey::new([u8::try_from(n % 256).unwrap(); 32]);
    let mut keys: Vec<_> = (0..256).map(key).collect();
    keys.push(SessionKey::new(std::array::from_fn(|n| u8::from(n == 0))));
    let mut run = Run::begin(LogoutStart::at_the_hub(keys.clone()));
    assert_eq!(run.effects.len(), Logout::MAX_SESSIONS);
    for session in keys {
        let (participants, upstream) = (Vec::new(), None);
        let event = Event::Revoked {
            session,
            participants,
            upstream,
        };
        let moment = Moment {
            now: at(0),
            seed: [1; 32],
        };
        run.logout = step(run.logout, event, moment).0;
    }
    let answer = run.logout.answer().map(|status| &status.code);
    assert_eq!(answer, Some(&StatusCode::Responder));
}
