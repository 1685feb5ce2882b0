use super::*;
use crate::policy::LogoutPolicy;

fn many(names: usize) -> Vec<RevokedParticipant> {
    (0..names).map(|n| soap(&format!("sp{n}"))).collect()
}

#[test]
fn back_channels_are_asked_in_parallel_and_within_bounds() {
    let mut run = Run::asking(&many(10));
    assert_eq!(run.asks().len(), 8);
    assert_eq!(run.logout.stage(), Stage::BackChannel);
    run.confirms(100, "sp3");
    assert_eq!(run.asks(), ["sp8"], "room for one more");
    run.confirms(100, "sp8");
    assert_eq!(run.asks(), ["sp9"]);
    for n in [0, 1, 2, 4, 5, 6, 7, 9] {
        run.confirms(200, &format!("sp{n}"));
    }
    assert_eq!(run.answers(), Some(&Status::success()));
    assert!(run.logout.summary().complete);
}

#[test]
fn the_browser_goes_after_what_needs_none() {
    let mut run = Run::asking(&[redirect("slack"), soap("box")]);
    assert_eq!(run.asks(), ["box"]);
    run.confirms(100, "box");
    assert_eq!(run.asks(), ["slack"]);
    assert_eq!(run.logout.stage(), Stage::FrontChannel);
}

#[test]
fn a_failure_is_tried_again_with_a_new_id() {
    let mut run = Run::asking(&[soap("box")]);
    let first = run.id("box");
    run.fails(100, "box", SendFailure::NotSent);
    assert_eq!((run.asks().len(), run.answers()), (0, None));
    assert_eq!(run.outcomes(), [Outcome::Waiting]);
    let again = run.wait();
    // Half of 500 ms, and what is drawn of the other half.
    assert!((350..=600).contains(&again), "{again}");
    assert_eq!(run.asks(), ["box"]);
    assert_ne!(run.id("box"), first, "a new message has a new ID");
    // An answer to the first of them counts as well.
    let late = Event::ResponseReceived {
        entity_id: entity("box"),
        in_response_to: first,
        status: Status::success(),
    };
    run.tell(again + 10, late);
    assert_eq!(run.answers(), Some(&Status::success()));
}

#[test]
fn after_enough_failures_the_answer_waits_no_longer() {
    let mut run = Run::asking(&[soap("box")]);
    for _ in 0..2 {
        run.fails(100, "box", SendFailure::Fault);
        run.wait();
    }
    run.fails(5_000, "box", SendFailure::Fault);
    assert_eq!(run.answers(), Some(&partial()));
    assert_eq!(run.outcomes(), [Outcome::Failed(Failure::Fault)]);
    assert_eq!(run.times_asked("box"), 3);
}

#[test]
fn what_hangs_is_given_up_at_the_end_of_the_budget() {
    let mut run = Run::asking(&[soap("dead")]);
    assert_eq!(run.request("dead").deadline, at(5_000));
    run.sent(10, "dead");
    assert_eq!(run.wait(), 5_000);
    let again = run.wait();
    assert_eq!(
        run.request("dead").deadline,
        at(10_000),
        "no longer than the budget"
    );
    assert!(again < 6_000);
    assert_eq!(run.wait(), 10_000);
    assert_eq!(run.answers(), Some(&partial()));
    assert_eq!(run.outcomes(), [TIMED_OUT]);
}

#[test]
fn without_a_browser_there_is_more_time() {
    let run = Run::alone(&[soap("box")]);
    let mut waiting = run.clone();
    let mut waited = 0;
    while waiting.logout.answer().is_none() {
        waited = waiting.wait();
    }
    assert!(waited > 10_000 && waited <= 60_000, "{waited}");
    // A SOAP requester holds its connection open.
    let start = LogoutStart::by_participant(requester("slack", Binding::Soap), vec![key(1)]);
    let mut run = Run::begin(start);
    run.tell(0, revoked(1, &[soap("box")]));
    while run.logout.answer().is_none() {
        waited = run.wait();
    }
    assert!(waited <= 10_000, "{waited}");
}

#[test]
fn a_front_channel_takes_over() {
    let mut run = Run::asking(&[both("box")]);
    run.fails(10, "box", SendFailure::CircuitOpen);
    assert_eq!(run.asks(), ["box"], "an open circuit stays so for longer");
    assert_eq!(
        run.request("box").channel,
        Channel::Front(FrontChannel::Redirect)
    );
    run.confirms(500, "box");
    assert_eq!(run.answers(), Some(&Status::success()));
}

#[test]
fn without_a_browser_a_front_channel_is_told_as_it_is() {
    let mut run = Run::alone(&[redirect("slack"), both("box")]);
    assert_eq!(run.asks(), ["box"]);
    run.fails(10, "box", SendFailure::CircuitOpen);
    let no_browser = Outcome::Failed(Failure::NoBrowser);
    let expected = [no_browser, Outcome::Failed(Failure::CircuitOpen)];
    assert_eq!(run.outcomes(), expected);
    assert!(!run.lines()[0].retriable && run.lines()[1].retriable);
    assert_eq!(run.logout.answer(), Some(&partial()));
    assert!(run.logout.is_done(), "nobody waits for an answer");
}

#[test]
fn a_failed_back_channel_is_retried_in_the_background() {
    let mut run = Run::asking(&[soap("box")]);
    run.fails(10, "box", SendFailure::CircuitOpen);
    assert_eq!(run.answers(), Some(&partial()));
    run.tell(20, Event::Answered);
    assert!(run.lines()[0].retry_at.is_some());
    let first = run.wait();
    assert!((15_000..=31_000).contains(&first), "{first}");
    assert_eq!(run.asks(), ["box"]);
    let circuit_open = Outcome::Failed(Failure::CircuitOpen);
    assert_eq!(run.outcomes(), [circuit_open], "until it is confirmed");
    run.fails(first + 10, "box", SendFailure::TimedOut);
    assert_eq!(run.outcomes(), [TIMED_OUT]);
    let second = run.wait() - first;
    assert!((30_000..=61_000).contains(&second), "{second}");
    run.confirms(first + second + 10, "box");
    assert_eq!(run.outcomes(), [Outcome::Confirmed]);
    assert_eq!(run.logout.answer(), Some(&partial()), "the answer stands");
    assert!(
        run.logout.summary().complete,
        "the page tells the good news"
    );
    assert_eq!(run.logout.due(), None);
}

#[test]
fn the_background_ends() {
    let mut run = Run::alone(&[soap("dead")]);
    let (mut waits, mut last) = (0, 0);
    let mut longest = 0;
    while run.logout.due().is_some() {
        let now = run.wait();
        longest = longest.max(now - last);
        (waits, last) = (waits + 1, now);
    }
    assert!(last < 24 * 3_600_000 && waits < 200, "{waits} until {last}");
    assert!(longest > 1_800_000 && longest <= 3_600_000, "{longest}");
    assert_eq!(run.outcomes(), [NOT_SENT]);
    assert!(run.logout.retain_until() >= at(48 * 3_600_000));
    let remembered: Vec<_> = run.requests.iter().map(|r| &r.request_id).collect();
    let late = |n: usize| Event::ResponseReceived {
        entity_id: entity("dead"),
        in_response_to: remembered[n].clone(),
        status: Status::success(),
    };
    let mut end = run.clone();
    end.ignores(last, late(0));
    end.tell(last, late(remembered.len() - 6));
    assert_eq!(end.outcomes(), [Outcome::Confirmed]);
}

#[test]
fn a_status_is_an_answer_and_is_not_asked_again_by_itself() {
    let mut run = Run::asking(&[both("box")]);
    run.responds(100, "box", partial());
    assert_eq!(run.answers(), Some(&partial()));
    assert_eq!(
        run.outcomes(),
        [Outcome::Failed(Failure::Status(partial()))]
    );
    let line = &run.lines()[0];
    assert!(line.retriable && line.retry_at.is_none());
}

#[test]
fn what_is_in_flight_is_not_asked_twice_when_resumed() {
    let mut run = Run::asking(&[soap("box")]);
    let before = run.logout.clone();
    run.tell(100, Event::Resumed);
    assert_eq!((&run.logout, &run.effects[..]), (&before, &[][..]));
    run.tell(5_000, Event::Resumed);
    assert_eq!(run.outcomes(), [Outcome::Waiting], "its deadline passed");
}

#[test]
fn an_operator_may_leave_applications_alone() {
    let mut start = LogoutStart::new(Initiator::Expiry, vec![key(1)]);
    start.policy = LogoutPolicy {
        tell: false,
        ..LogoutPolicy::default()
    };
    let mut run = Run::begin(start);
    run.tell(0, revoked(1, &[soap("box"), redirect("slack")]));
    assert_eq!(run.effects, []);
    assert_eq!(run.outcomes(), [Outcome::NotAsked, Outcome::NotAsked]);
    assert!(run.logout.is_done() && !run.logout.summary().complete);
}
