use super::*;

#[test]
fn applications_are_asked_one_at_a_time() {
    let post = participant("zoom", Channels::front(FrontChannel::Post));
    let mut run = Run::asking(&[redirect("slack"), post]);
    let first = run.request("slack");
    assert_eq!((first.position, first.of), (1, 2));
    assert_eq!(first.deadline, at(30_000));
    assert_eq!(run.logout.due(), Some(at(30_000)));
    run.sent(1_000, "slack");
    assert_eq!(run.effects, []);
    assert_eq!(run.outcomes()[0], Outcome::Asking { sent: true });
    run.confirms(2_000, "slack");
    let second = run.request("zoom");
    let post = Channel::Front(FrontChannel::Post);
    assert_eq!((second.position, second.channel), (2, post));
    run.confirms(3_000, "zoom");
    assert_eq!(run.answers(), Some(&Status::success()));
    assert!(run.logout.summary().complete && run.logout.summary().finished);
}

#[test]
fn what_is_not_supported_is_told_and_not_asked() {
    let run = Run::asking(&[participant("slack", Channels::default())]);
    assert_eq!(run.answers(), Some(&partial()));
    assert_eq!(run.outcomes(), [Outcome::NotSupported]);
    assert!(!run.logout.summary().complete && !run.lines()[0].retriable);
}

#[test]
fn a_dead_application_stalls_nothing() {
    let mut run = Run::asking(&[redirect("dead"), redirect("zoom")]);
    run.sent(1_000, "dead");
    run.ignores(29_999, Event::DeadlinePassed);
    run.tell(30_000, Event::DeadlinePassed);
    assert_eq!(run.asks(), ["zoom"]);
    run.confirms(31_000, "zoom");
    assert_eq!(run.answers(), Some(&partial()));
    assert_eq!(run.outcomes(), [TIMED_OUT, Outcome::Confirmed]);
}

#[test]
fn what_never_left_was_not_asked() {
    let run = Run::asking(&[redirect("slack")]);
    let mut timed_out = run.clone();
    timed_out.tell(30_000, Event::DeadlinePassed);
    assert_eq!(timed_out.outcomes(), [NOT_SENT]);
    let mut skipped = run.clone();
    assert_eq!(skipped.skips(1_000, "slack").outcomes(), [NOT_SENT]);
    // Word that it left after all comes late.
    assert_eq!(skipped.sent(1_001, "slack").outcomes(), [TIMED_OUT]);
    let mut failed = run;
    failed.fails(1_000, "slack", SendFailure::NotSent);
    assert_eq!(failed.outcomes(), [NOT_SENT]);
    assert_eq!(failed.answers(), Some(&partial()));
}

#[test]
fn skipping_means_the_one_that_the_user_saw() {
    let mut run = Run::asking(&[redirect("slack"), redirect("zoom")]);
    run.sent(1_000, "slack").skips(2_000, "slack");
    assert_eq!(run.asks(), ["zoom"]);
    let request_id = run.id("slack");
    run.ignores(3_000, Event::Skipped { request_id });
    assert_eq!(run.outcomes()[0], Outcome::Asked(NoAnswer::Skipped));
}

#[test]
fn a206_responses_are_matched_by_id_and_issuer() {
    let mut run = Run::asking(&[redirect("slack"), redirect("zoom")]);
    let unknown = || MessageId::new("unknown").unwrap();
    let response = |name: &str, in_response_to| Event::ResponseReceived {
        entity_id: entity(name),
        in_response_to,
        status: Status::success(),
    };
    let reason = SendFailure::NotSent;
    for event in [
        response("slack", unknown()),
        response("zoom", run.id("slack")),
        response("mallory", run.id("slack")),
        Event::Sent {
            request_id: unknown(),
        },
        Event::SendFailed {
            request_id: unknown(),
            reason,
        },
    ] {
        run.ignores(1_000, event);
    }
}

#[test]
fn a206_only_plain_success_confirms() {
    for status in [
        partial(),
        Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout),
        Status::with_subcode(StatusCode::Requester, StatusCode::UnknownPrincipal),
    ] {
        let mut run = Run::asking(&[redirect("slack")]);
        run.responds(1_000, "slack", status.clone());
        assert_eq!(run.answers(), Some(&partial()));
        assert_eq!(run.outcomes(), [Outcome::Failed(Failure::Status(status))]);
    }
}

#[test]
fn late_and_repeated_responses_are_idempotent() {
    let mut run = Run::asking(&[redirect("slack"), redirect("zoom")]);
    run.sent(1_000, "slack");
    run.tell(30_000, Event::DeadlinePassed);
    run.confirms(31_000, "slack");
    assert_eq!(run.effects, [], "zoom is still being asked");
    assert_eq!(run.outcomes()[0], Outcome::Confirmed, "late, but true");
    run.ignores(32_000, run.response("slack", Status::success()));
    run.ignores(32_000, run.response("slack", partial()));
    run.responds(33_000, "zoom", partial());
    assert_eq!(run.answers(), Some(&partial()));
    // The first answer to a request is the one that counts.
    run.ignores(34_000, run.response("zoom", Status::success()));
}

#[test]
fn a_page_stands_before_every_fourth_hop() {
    let names: Vec<_> = (0..9).map(|n| format!("sp{n}")).collect();
    let mut participants: Vec<_> = names.iter().map(|name| redirect(name)).collect();
    participants[6].channels.front = Some(FrontChannel::Post);
    let mut run = Run::asking(&participants);
    for name in &names {
        run.confirms(1_000, name);
    }
    let pages: Vec<_> = run.requests.iter().map(|r| r.interstitial).collect();
    // A form that posts itself, the seventh, is a page.
    let expected = [false, false, false, true, false, false, false, false, false];
    assert_eq!(pages, expected);
    // The browser that came with a request by redirect has one hop behind it.
    let start = requester("slack", Binding::HttpRedirect);
    let mut run = Run::begin(LogoutStart::by_participant(start, vec![key(1)]));
    run.tell(
        0,
        revoked(1, &[redirect("a"), redirect("b"), redirect("c")]),
    );
    run.confirms(1, "a").confirms(2, "b");
    assert!(!run.request("b").interstitial && run.request("c").interstitial);
    let page = run.effects.clone();
    assert_eq!(run.tell(3, Event::Resumed).effects, page, "the same page");
}

/// A logout with frames, and two applications that are safe for them.
fn framed() -> Run {
    let mut start = LogoutStart::at_the_hub(vec![key(1)]);
    start.policy.frames = true;
    let mut run = Run::begin(start);
    let safe = Channels {
        frames: true,
        ..Channels::front(FrontChannel::Redirect)
    };
    let others = [
        redirect("top"),
        participant("a", safe),
        participant("b", safe),
    ];
    run.tell(0, revoked(1, &others));
    run
}

#[test]
fn frames_are_asked_together_and_the_rest_one_at_a_time() {
    let mut run = framed();
    let [Effect::ShowFrames(frames)] = &run.effects[..] else {
        panic!("frames expected: {:?}", run.effects);
    };
    let names: Vec<_> = frames.iter().map(|r| r.entity_id.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(frames.iter().all(|frame| frame.deadline == at(5_000)));
    let same = run.effects.clone();
    assert_eq!(run.tell(10, Event::Resumed).effects, same);
    run.confirms(100, "a");
    assert_eq!(run.effects, [], "b has time");
    run.tell(5_000, Event::DeadlinePassed);
    assert_eq!(run.asks(), ["top"]);
    run.confirms(6_000, "top");
    assert_eq!(
        run.asks(),
        ["b"],
        "what a frame did not do, the browser does"
    );
    assert_eq!(
        run.request("b").channel,
        Channel::Front(FrontChannel::Redirect)
    );
    run.confirms(7_000, "b");
    assert_eq!(run.answers(), Some(&Status::success()));
}

#[test]
fn a_skipped_frame_stays_skipped() {
    let mut run = framed();
    run.sent(10, "a").skips(20, "a").confirms(30, "b");
    assert_eq!(run.asks(), ["top"]);
    assert_eq!(run.outcomes()[1], Outcome::Asked(NoAnswer::Skipped));
}

#[test]
fn frames_are_off_unless_asked_for() {
    let safe = Channels {
        frames: true,
        ..Channels::front(FrontChannel::Redirect)
    };
    assert_eq!(Run::asking(&[participant("a", safe)]).asks(), ["a"]);
}

#[test]
fn what_failed_is_asked_again_by_hand() {
    let mut run = Run::asking(&[redirect("slack"), redirect("zoom")]);
    let retry = || Event::Retry {
        entity_id: entity("slack"),
    };
    run.ignores(10, retry());
    run.skips(20, "slack");
    run.tell(30, retry());
    assert_eq!(run.outcomes()[0], Outcome::Waiting);
    run.ignores(31, retry());
    run.confirms(40, "zoom");
    assert_eq!(run.asks(), ["slack"], "in its turn, with the others");
    run.sent(50, "slack").skips(60, "slack");
    assert_eq!(run.answers(), Some(&partial()));
    // After the answer, too; the answer stands.
    run.tell(70, Event::Answered).tell(80, retry());
    assert_eq!(run.asks(), ["slack"]);
    assert_eq!(run.logout.due(), Some(at(30_080)));
    run.confirms(90, "slack");
    assert!(run.logout.summary().complete);
    assert_eq!(run.logout.answer(), Some(&partial()));
    run.ignores(100, retry());
}

#[test]
fn a_wish_outlives_the_end_that_nobody_told_before() {
    let mut run = Run::asking(&[redirect("slack"), redirect("zoom")]);
    run.sent(10, "slack").skips(20, "slack");
    let entity_id = entity("slack");
    run.tell(300_000, Event::Retry { entity_id });
    assert_eq!(run.answers(), Some(&partial()));
    assert_eq!(run.asks(), ["slack"]);
    let wanted = Outcome::Asking { sent: false };
    assert_eq!(run.outcomes(), [wanted, NOT_SENT]);
}

#[test]
fn a_back_channel_is_asked_again_by_hand() {
    let mut run = Run::alone(&[soap("box")]);
    run.responds(10, "box", partial());
    let entity_id = entity("box");
    run.tell(20, Event::Retry { entity_id });
    assert_eq!(run.asks(), ["box"]);
    assert_eq!(run.outcomes(), [Outcome::Asking { sent: false }]);
    run.confirms(30, "box");
    assert_eq!(run.outcomes(), [Outcome::Confirmed]);
}
