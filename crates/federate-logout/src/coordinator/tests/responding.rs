use super::*;
use crate::state::later;

#[test]
fn an_unknown_session_is_a_success() {
    let begin = requester("slack", Binding::HttpPost);
    let run = Run::begin(LogoutStart::by_participant(begin.clone(), Vec::new()));
    let [Effect::Answer(answer)] = &run.effects[..] else {
        panic!("the answer expected: {:?}", run.effects);
    };
    assert_eq!(answer.initiator, Initiator::Participant(begin));
    assert_eq!(answer.status, Status::success());
    assert_eq!(answer.issue_instant, origin());
    assert!(run.logout.summary().complete);
}

#[test]
fn an_unknown_principal_is_told_when_the_caller_says_so() {
    let begin = requester("slack", Binding::HttpPost);
    let mut start = LogoutStart::by_participant(begin, Vec::new());
    start.unknown_principal = true;
    let run = Run::begin(start.clone());
    let expected = Status::with_subcode(StatusCode::Requester, StatusCode::UnknownPrincipal);
    assert_eq!(run.answers(), Some(&expected));
    start.sessions = vec![key(1)];
    let mut run = Run::begin(start);
    run.tell(0, revoked(1, &[]));
    assert_eq!(run.answers(), Some(&Status::success()), "there was one");
}

#[test]
fn an_already_ended_session_is_a_success() {
    let mut run = Run::asking(&[]);
    assert_eq!(run.answers(), Some(&Status::success()));
    run.tell(1, Event::Answered);
    assert!(run.logout.is_done() && run.effects.is_empty());
    assert_eq!(run.logout.due(), None);
}

#[test]
fn the_initiator_is_answered_and_not_asked() {
    let begin = requester("slack", Binding::HttpPost);
    let mut run = Run::begin(LogoutStart::by_participant(begin.clone(), vec![key(1)]));
    run.tell(0, revoked(1, &[redirect("slack"), redirect("zoom")]));
    assert_eq!(run.asks(), ["zoom"]);
    run.confirms(1_000, "zoom");
    assert_eq!(run.answers(), Some(&Status::success()));
    assert_eq!(run.logout.initiator(), &Initiator::Participant(begin));
    assert_eq!(run.logout.answer(), Some(&Status::success()));
}

#[test]
fn who_wants_no_response_gets_none() {
    let mut begin = requester("slack", Binding::HttpPost);
    begin.asynchronous = true;
    let mut run = Run::begin(LogoutStart::by_participant(begin, vec![key(1)]));
    run.tell(0, revoked(1, &[]));
    assert_eq!(run.effects, []);
    assert!(run.logout.is_done() && run.logout.summary().complete);
}

#[test]
fn the_answer_is_the_same_however_often_it_is_given() {
    let mut run = Run::asking(&[redirect("slack")]);
    run.confirms(10, "slack");
    let first = run.effects.clone();
    run.tell(60_000, Event::Resumed);
    assert_eq!(run.effects, first, "the same ID, instant and status");
    run.tell(60_001, Event::Answered);
    assert_eq!(run.tell(60_002, Event::Resumed).effects, []);
}

#[test]
fn an_answer_that_nobody_fetches_is_given_up() {
    let mut run = Run::asking(&[]);
    assert_eq!(run.wait(), 300_000);
    assert!(run.logout.is_done());
    assert_eq!(
        run.logout.answer(),
        Some(&Status::success()),
        "for its page"
    );
}

#[test]
fn the_answer_stands_once_it_is_decided() {
    let mut run = Run::asking(&[redirect("slack")]);
    run.sent(1_000, "slack").tell(30_000, Event::DeadlinePassed);
    assert_eq!(run.answers(), Some(&partial()));
    run.confirms(31_000, "slack");
    assert_eq!(run.effects, []);
    assert_eq!(run.logout.answer(), Some(&partial()));
    assert!(
        run.logout.summary().complete,
        "the page tells the good news"
    );
}

#[test]
fn the_time_for_everything_is_bounded() {
    let names: Vec<_> = (0..20).map(|n| redirect(&format!("sp{n}"))).collect();
    let mut run = Run::asking(&names);
    let mut waited = 0;
    while run.answers().is_none() {
        waited = run.wait();
    }
    assert_eq!(waited, 300_000);
    assert_eq!(run.answers(), Some(&partial()));
    let out_of_time = Outcome::Failed(Failure::OutOfTime);
    let outcomes = run.outcomes();
    assert_eq!(outcomes.iter().filter(|o| **o == out_of_time).count(), 10);
}

#[test]
fn a_resumed_logout_asks_for_what_is_outstanding() {
    let mut run = Run::begin(LogoutStart::at_the_hub(vec![key(1), key(2)]));
    run.tell(0, revoked(1, &[redirect("slack")]));
    run.tell(1, Event::Resumed);
    assert_eq!(run.effects, [Effect::RevokeSession { session: key(2) }]);
    run.tell(2, revoked(2, &[]));
    let first = run.effects.clone();
    run.tell(3, Event::Resumed);
    assert_eq!(run.effects, first, "the same request, with the same id");
}

#[test]
fn events_out_of_place_change_nothing() {
    let revoking = Run::begin(LogoutStart::at_the_hub(vec![key(1)]));
    let asking = Run::asking(&[redirect("slack")]);
    let mut responding = asking.clone();
    responding.confirms(1, "slack");
    let mut done = responding.clone();
    done.tell(2, Event::Answered);
    let request_id = asking.id("slack");
    for mut run in [revoking.clone(), asking.clone()] {
        run.ignores(3, Event::Answered);
    }
    for mut run in [revoking, responding.clone(), done.clone()] {
        let request_id = request_id.clone();
        run.ignores(3, Event::Skipped { request_id });
    }
    for mut run in [responding, done] {
        let request_id = request_id.clone();
        let failed = Event::RevocationFailed { session: key(1) };
        for event in [Event::DeadlinePassed, failed, Event::Sent { request_id }] {
            run.ignores(1_000, event);
        }
    }
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    for wait in [TimeDelta::MIN, TimeDelta::zero(), TimeDelta::MAX] {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let mut start = LogoutStart::at_the_hub(vec![key(1)]);
            start.policy.timing.total = wait;
            start.policy.timing.background = wait;
            start.policy.timing.participant = wait;
            start.policy.retries.first = wait;
            let moment = Moment { now, seed: [1; 32] };
            let (logout, _) = Logout::start(start, moment);
            let (logout, _) = step(logout, revoked(1, &[both("slack")]), moment);
            let (logout, _) = step(logout, Event::DeadlinePassed, moment);
            assert!(logout.retain_until() >= later(now, TimeDelta::zero()));
            assert_eq!(Logout::decode(&logout.encode().unwrap()).unwrap(), logout);
        }
    }
}
