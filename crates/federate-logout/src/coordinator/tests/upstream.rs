use super::*;

const SOAP: Channels = Channels::back(BackChannel::Soap);
const REDIRECT: Channels = Channels::front(FrontChannel::Redirect);

fn run(start: LogoutStart, policy: UpstreamPolicy, channels: Channels) -> Run {
    let mut start = start;
    start.policy.upstream = policy;
    let mut run = Run::begin(start);
    let event = Event::Revoked {
        session: key(1),
        participants: vec![redirect("slack")],
        upstream: Some(upstream("okta", channels)),
    };
    run.tell(0, event);
    run
}

fn at_the_hub() -> LogoutStart {
    LogoutStart::at_the_hub(vec![key(1)])
}

#[test]
fn never_leaves_it_alone_and_is_complete() {
    let mut run = run(at_the_hub(), UpstreamPolicy::Never, REDIRECT);
    run.confirms(10, "slack");
    assert_eq!(run.answers(), Some(&Status::success()));
    let summary = run.logout.summary();
    assert_eq!(summary.upstreams[0].outcome, Outcome::NotAsked);
    assert!(summary.complete);
}

#[test]
fn always_asks_after_the_applications() {
    let mut run = run(at_the_hub(), UpstreamPolicy::Always, REDIRECT);
    assert_eq!(run.asks(), ["slack"]);
    run.confirms(10, "slack");
    assert_eq!(run.asks(), ["okta"]);
    assert_eq!(run.logout.stage(), Stage::Upstream);
    let request = run.request("okta");
    assert_eq!(request.layer, Layer::Upstream);
    assert_eq!((request.position, request.of), (1, 1));
    run.responds(20, "okta", partial());
    assert_eq!(run.answers(), Some(&partial()));
}

#[test]
fn its_back_channel_comes_first() {
    let mut run = run(at_the_hub(), UpstreamPolicy::Always, SOAP);
    assert_eq!(run.asks(), ["slack"], "the applications come before it");
    run.confirms(10, "slack");
    assert_eq!(
        run.request("okta").channel,
        Channel::Back(BackChannel::Soap)
    );
    run.confirms(20, "okta");
    assert_eq!(run.answers(), Some(&Status::success()));
}

#[test]
fn the_person_chooses() {
    let mut run = run(at_the_hub(), UpstreamPolicy::Ask, REDIRECT);
    run.ignores(5, Event::UpstreamChosen { ask: true });
    run.confirms(10, "slack");
    let question = Effect::AskUpstream {
        upstreams: vec![entity("okta")],
        deadline: at(60_010),
    };
    assert_eq!(run.effects, [question]);
    let same = run.effects.clone();
    assert_eq!(run.tell(20, Event::Resumed).effects, same);
    let mut no = run.clone();
    no.tell(30, Event::UpstreamChosen { ask: false });
    assert_eq!(no.answers(), Some(&Status::success()));
    assert_eq!(no.outcomes()[1], Outcome::NotAsked);
    let mut silent = run.clone();
    assert_eq!(silent.wait(), 60_010);
    assert_eq!(silent.answers(), Some(&Status::success()));
    run.tell(30, Event::UpstreamChosen { ask: true });
    assert_eq!(run.asks(), ["okta"]);
    run.ignores(40, Event::UpstreamChosen { ask: false });
    run.confirms(50, "okta");
    assert!(run.logout.summary().complete);
}

#[test]
fn without_a_browser_nobody_chooses() {
    let start = LogoutStart::new(Initiator::Administrator, vec![key(1)]);
    let run = run(start, UpstreamPolicy::Ask, SOAP);
    assert_eq!(run.asks().len(), 0);
    assert_eq!(run.outcomes()[1], Outcome::NotAsked);
}

#[test]
fn federated_means_the_upstream_too() {
    let mut start = at_the_hub();
    start.initiator = Initiator::HubPage {
        return_to: Some("https://here.example".to_owned()),
        federated: true,
    };
    let mut run = run(start, UpstreamPolicy::Never, REDIRECT);
    assert_eq!(run.confirms(10, "slack").asks(), ["okta"]);
}

#[test]
fn the_one_that_asked_is_answered_and_not_asked() {
    let begin = requester("okta", Binding::HttpRedirect);
    let start = LogoutStart::by_upstream(begin.clone(), vec![key(1), key(2)]);
    let mut run = run(start, UpstreamPolicy::Always, REDIRECT);
    // Another session stands on another upstream.
    let event = Event::Revoked {
        session: key(2),
        participants: Vec::new(),
        upstream: Some(upstream("entra", REDIRECT)),
    };
    run.tell(1, event).confirms(10, "slack");
    assert_eq!(run.asks(), ["entra"]);
    run.confirms(20, "entra");
    let [Effect::Answer(answer)] = &run.effects[..] else {
        panic!("the answer expected: {:?}", run.effects);
    };
    assert_eq!(answer.initiator, Initiator::Upstream(begin));
    assert_eq!(answer.status, Status::success());
    assert_eq!(run.logout.summary().upstreams.len(), 1);
}

#[test]
fn its_failure_goes_on_in_the_background() {
    let mut run = run(at_the_hub(), UpstreamPolicy::Always, SOAP);
    run.confirms(10, "slack");
    run.fails(20, "okta", SendFailure::CircuitOpen);
    assert_eq!(run.answers(), Some(&partial()));
    run.tell(21, Event::Answered).wait();
    assert_eq!(run.asks(), ["okta"]);
    run.confirms(60_000, "okta");
    assert!(run.logout.summary().complete);
}
