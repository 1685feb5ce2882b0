use super::*;
use crate::message::{FrontChannel, Initiator};
use crate::outcome::ApplicationResult;
use crate::state::Timing;
use chrono::TimeDelta;
use federate_types::{Binding, NameId, RelayState, SessionIndex};

mod invariants;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// `seconds` after the start, with a request id of that number.
fn at(seconds: i64) -> Moment {
    Moment {
        now: start() + TimeDelta::seconds(seconds),
        request_id: request(seconds),
    }
}

fn request(n: i64) -> MessageId {
    MessageId::new(format!("r{n}")).unwrap()
}

fn key(n: u8) -> SessionKey {
    SessionKey::new([n; 32])
}

fn entity(name: &str) -> EntityId {
    EntityId::new(name).unwrap()
}

fn participant(name: &str, single_logout: Option<FrontChannel>) -> RevokedParticipant {
    RevokedParticipant {
        entity_id: entity(name),
        name_id: NameId::new("alice", None).unwrap(),
        session_index: SessionIndex::new("s1").unwrap(),
        single_logout,
    }
}

fn redirect(name: &str) -> RevokedParticipant {
    participant(name, Some(FrontChannel::Redirect))
}

fn initiator(name: &str) -> Initiator {
    Initiator {
        entity_id: entity(name),
        request_id: MessageId::new("from-the-initiator").unwrap(),
        relay_state: Some(RelayState::new("state").unwrap()),
        binding: Binding::HttpRedirect,
    }
}

fn revoked(session: u8, participants: &[RevokedParticipant]) -> Event {
    Event::Revoked {
        session: key(session),
        participants: participants.to_vec(),
    }
}

fn responds(name: &str, to: i64, status: Status) -> Event {
    Event::ResponseReceived {
        entity_id: entity(name),
        in_response_to: request(to),
        status,
    }
}

fn sent(n: i64) -> Event {
    Event::Sent {
        request_id: request(n),
    }
}

fn partial() -> Status {
    Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout)
}

/// A logout of session 1 with these applications; the first is being asked by request 0.
fn asking(participants: &[RevokedParticipant]) -> (Logout, Vec<Effect>) {
    let (logout, _) = Logout::start(LogoutStart::at_the_hub(vec![key(1)]), start());
    step(logout, revoked(1, participants), at(0))
}

/// Who is asked, by which request.
fn asked(effects: &[Effect]) -> (&str, &MessageId) {
    match effects {
        [Effect::SendLogoutRequest(request)] => (request.entity_id.as_str(), &request.request_id),
        other => panic!("one LogoutRequest expected: {other:?}"),
    }
}

fn answer(effects: &[Effect]) -> &Status {
    match effects {
        [Effect::Answer { status, .. }] => status,
        other => panic!("the answer expected: {other:?}"),
    }
}

fn outcomes(logout: &Logout) -> Vec<Outcome> {
    let of = |result: ApplicationResult| result.outcome;
    logout.summary().applications.into_iter().map(of).collect()
}

#[test]
fn an_unknown_session_is_a_success() {
    let begin = LogoutStart::by_participant(initiator("slack"), Vec::new());
    let (logout, effects) = Logout::start(begin, start());
    let expected = Effect::Answer {
        initiator: Some(initiator("slack")),
        status: Status::success(),
    };
    assert_eq!(effects, [expected]);
    assert!(logout.summary().complete);
    assert_eq!(logout.deadline(), None);
}

#[test]
fn an_already_ended_session_is_a_success() {
    let (logout, effects) = asking(&[]);
    assert_eq!(answer(&effects), &Status::success());
    let (logout, effects) = step(logout, Event::Answered, at(1));
    assert!(logout.is_done() && effects.is_empty());
}

#[test]
fn every_session_is_revoked_before_any_message_leaves() {
    let keys = vec![key(2), key(1), key(2)];
    let (logout, effects) = Logout::start(LogoutStart::at_the_hub(keys), start());
    let expected = [1, 2].map(|n| Effect::RevokeSession { session: key(n) });
    assert_eq!(effects, expected, "each once");
    let (logout, effects) = step(logout, revoked(1, &[redirect("slack")]), at(0));
    assert_eq!(effects, [], "session 2 is still alive");
    assert_eq!(logout.summary().hub, HubOutcome::Revoking);
    let (logout, effects) = step(logout, revoked(1, &[redirect("box")]), at(0));
    assert_eq!(effects, [], "told twice");
    let (logout, effects) = step(logout, revoked(3, &[redirect("box")]), at(0));
    assert_eq!(effects, [], "of another logout");
    let (logout, effects) = step(logout, revoked(2, &[redirect("zoom")]), at(1));
    assert_eq!(asked(&effects), ("slack", &request(1)));
    assert_eq!(logout.summary().applications.len(), 2);
    assert_eq!(logout.summary().hub, HubOutcome::Ended);
}

#[test]
fn the_initiator_is_answered_and_not_asked() {
    let begin = LogoutStart::by_participant(initiator("slack"), vec![key(1)]);
    let (logout, _) = Logout::start(begin, start());
    let event = revoked(1, &[redirect("slack"), redirect("zoom")]);
    let (logout, effects) = step(logout, event, at(0));
    assert_eq!(asked(&effects), ("zoom", &request(0)));
    let (logout, effects) = step(logout, responds("zoom", 0, Status::success()), at(1));
    let expected = Effect::Answer {
        initiator: Some(initiator("slack")),
        status: Status::success(),
    };
    assert_eq!(effects, [expected]);
    assert_eq!(logout.initiator(), Some(&initiator("slack")));
    assert_eq!(logout.answer(), Some(&Status::success()));
}

#[test]
fn applications_are_asked_one_at_a_time() {
    let post = participant("zoom", Some(FrontChannel::Post));
    let (logout, effects) = asking(&[redirect("slack"), post]);
    let [Effect::SendLogoutRequest(first)] = &effects[..] else {
        panic!("one LogoutRequest expected");
    };
    assert_eq!((first.position, first.of), (1, 2));
    assert_eq!(first.deadline, at(30).now);
    assert_eq!(logout.deadline(), Some(at(30).now));
    let (logout, effects) = step(logout, sent(0), at(1));
    assert_eq!(effects, []);
    let (logout, effects) = step(logout, responds("slack", 0, Status::success()), at(2));
    let [Effect::SendLogoutRequest(second)] = &effects[..] else {
        panic!("one LogoutRequest expected");
    };
    assert_eq!((second.position, second.channel), (2, FrontChannel::Post));
    let (logout, effects) = step(logout, responds("zoom", 2, Status::success()), at(3));
    assert_eq!(answer(&effects), &Status::success());
    assert!(logout.summary().complete && logout.summary().finished);
}

#[test]
fn one_request_names_all_sessions_of_a_person() {
    let keys = vec![key(1), key(2)];
    let (logout, _) = Logout::start(LogoutStart::at_the_hub(keys), start());
    let (logout, _) = step(logout, revoked(1, &[redirect("slack")]), at(0));
    let mut second = redirect("slack");
    second.session_index = SessionIndex::new("s2").unwrap();
    let mut other_name = redirect("slack");
    other_name.name_id = NameId::new("bob", None).unwrap();
    let participants = [second.clone(), second, other_name];
    let (logout, effects) = step(logout, revoked(2, &participants), at(0));
    let [Effect::SendLogoutRequest(request)] = &effects[..] else {
        panic!("one LogoutRequest expected");
    };
    let indexes: Vec<_> = request
        .session_indexes
        .iter()
        .map(SessionIndex::as_str)
        .collect();
    assert_eq!(indexes, ["s1", "s2"]);
    assert_eq!(
        logout.summary().applications.len(),
        2,
        "one request per name"
    );
}

#[test]
fn what_is_not_supported_is_told_and_not_asked() {
    let (logout, effects) = asking(&[participant("slack", None)]);
    assert_eq!(answer(&effects), &partial());
    assert_eq!(outcomes(&logout), [Outcome::NotSupported]);
    assert!(!logout.summary().complete);
}

#[test]
fn a_dead_application_stalls_nothing() {
    let (logout, _) = asking(&[redirect("dead"), redirect("zoom")]);
    let (logout, _) = step(logout, sent(0), at(1));
    let (logout, effects) = step(logout, Event::DeadlinePassed, at(29));
    assert_eq!(effects, [], "not yet");
    let (logout, effects) = step(logout, Event::DeadlinePassed, at(30));
    assert_eq!(asked(&effects), ("zoom", &request(30)));
    let (logout, effects) = step(logout, responds("zoom", 30, Status::success()), at(31));
    assert_eq!(answer(&effects), &partial());
    let expected = [Outcome::Asked(NoAnswer::TimedOut), Outcome::Confirmed];
    assert_eq!(outcomes(&logout), expected);
}

#[test]
fn what_never_left_was_not_asked() {
    let not_sent = Outcome::Failed(Failure::NotSent);
    let (logout, _) = asking(&[redirect("slack")]);
    let (timed_out, _) = step(logout.clone(), Event::DeadlinePassed, at(30));
    assert_eq!(outcomes(&timed_out), std::slice::from_ref(&not_sent));
    let request_id = request(0);
    let (skipped, _) = step(logout.clone(), Event::Skipped { request_id }, at(1));
    assert_eq!(outcomes(&skipped), std::slice::from_ref(&not_sent));
    let request_id = request(0);
    let (failed, effects) = step(logout, Event::SendFailed { request_id }, at(1));
    assert_eq!(outcomes(&failed), [not_sent]);
    assert_eq!(answer(&effects), &partial());
}

#[test]
fn skipping_means_the_one_that_the_user_saw() {
    let (logout, _) = asking(&[redirect("slack"), redirect("zoom")]);
    let (logout, _) = step(logout, sent(0), at(1));
    let skip = |n| Event::Skipped {
        request_id: request(n),
    };
    let (logout, effects) = step(logout, skip(0), at(2));
    assert_eq!(asked(&effects), ("zoom", &request(2)));
    let (logout, effects) = step(logout, skip(0), at(3));
    assert_eq!(effects, [], "a second press does not skip the next");
    assert_eq!(outcomes(&logout)[0], Outcome::Asked(NoAnswer::Skipped));
}

#[test]
fn a206_responses_are_matched_by_id_and_issuer() {
    let (before, _) = asking(&[redirect("slack"), redirect("zoom")]);
    for event in [
        responds("slack", 7, Status::success()),
        responds("zoom", 0, Status::success()),
        responds("mallory", 0, Status::success()),
        sent(7),
        Event::SendFailed {
            request_id: request(7),
        },
    ] {
        let (after, effects) = step(before.clone(), event, at(1));
        assert_eq!((&after, &effects[..]), (&before, &[][..]));
    }
}

#[test]
fn a206_only_plain_success_confirms() {
    for status in [
        partial(),
        Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout),
        Status::with_subcode(StatusCode::Requester, StatusCode::UnknownPrincipal),
    ] {
        let (logout, _) = asking(&[redirect("slack")]);
        let (logout, effects) = step(logout, responds("slack", 0, status.clone()), at(1));
        assert_eq!(answer(&effects), &partial());
        assert_eq!(
            outcomes(&logout),
            [Outcome::Failed(Failure::Status(status))]
        );
    }
}

#[test]
fn late_and_repeated_responses_are_idempotent() {
    let (logout, _) = asking(&[redirect("slack"), redirect("zoom")]);
    let (logout, _) = step(logout, sent(0), at(1));
    let (logout, _) = step(logout, Event::DeadlinePassed, at(30));
    let late = responds("slack", 0, Status::success());
    let (logout, effects) = step(logout, late.clone(), at(31));
    assert_eq!(effects, [], "zoom is still being asked");
    assert_eq!(outcomes(&logout)[0], Outcome::Confirmed, "late, but true");
    let (again, effects) = step(logout.clone(), late, at(32));
    assert_eq!((&again, &effects[..]), (&logout, &[][..]));
    let failure = responds("slack", 0, partial());
    let (again, effects) = step(logout.clone(), failure, at(32));
    assert_eq!(
        (&again, &effects[..]),
        (&logout, &[][..]),
        "the first answer counts"
    );
    let (logout, effects) = step(logout, responds("zoom", 30, Status::success()), at(33));
    assert_eq!(answer(&effects), &Status::success());

    // After the answer only the result page learns more.
    let (logout, _) = step(logout, Event::Answered, at(34));
    let (again, effects) = step(logout.clone(), responds("zoom", 30, partial()), at(35));
    assert_eq!((&again, &effects[..]), (&logout, &[][..]));
}

#[test]
fn the_answer_stands_once_it_is_decided() {
    let (logout, _) = asking(&[redirect("slack")]);
    let (logout, _) = step(logout, sent(0), at(1));
    let (logout, effects) = step(logout, Event::DeadlinePassed, at(30));
    assert_eq!(answer(&effects), &partial());
    let (logout, effects) = step(logout, responds("slack", 0, Status::success()), at(31));
    assert_eq!(effects, []);
    assert_eq!(logout.answer(), Some(&partial()));
    assert!(logout.summary().complete, "the page may tell the good news");
}

#[test]
fn a_session_that_goes_on_is_never_called_a_success() {
    let failed = Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout);
    let keys = vec![key(1), key(2)];
    let (logout, _) = Logout::start(LogoutStart::at_the_hub(keys), start());
    let (logout, _) = step(logout, Event::RevocationFailed { session: key(2) }, at(0));
    // The other session's applications are asked all the same.
    let (logout, effects) = step(logout, revoked(1, &[redirect("slack")]), at(1));
    assert_eq!(asked(&effects).0, "slack");
    let (logout, effects) = step(logout, responds("slack", 1, Status::success()), at(2));
    assert_eq!(answer(&effects), &failed);
    assert_eq!(logout.summary().hub, HubOutcome::Failed);
    assert!(!logout.summary().complete);
}

#[test]
fn a_slow_revocation_is_given_up_and_still_counts_when_it_comes() {
    let keys = vec![key(1), key(2)];
    let (logout, _) = Logout::start(LogoutStart::at_the_hub(keys), start());
    let (logout, _) = step(logout, revoked(1, &[redirect("slack")]), at(0));
    assert_eq!(logout.deadline(), Some(at(10).now));
    let (logout, effects) = step(logout, Event::DeadlinePassed, at(9));
    assert_eq!(effects, []);
    let (logout, effects) = step(logout, Event::DeadlinePassed, at(10));
    assert_eq!(asked(&effects).0, "slack");
    let (logout, effects) = step(logout, revoked(2, &[redirect("zoom")]), at(11));
    assert_eq!(effects, [], "its turn comes");
    assert_eq!(logout.summary().hub, HubOutcome::Ended);
    let (logout, effects) = step(logout, responds("slack", 10, Status::success()), at(12));
    assert_eq!(asked(&effects).0, "zoom");
    let (_, effects) = step(logout, responds("zoom", 12, Status::success()), at(13));
    assert_eq!(answer(&effects), &Status::success());
}

#[test]
fn a_revocation_after_the_answer_is_shown_as_not_asked() {
    let (logout, _) = Logout::start(LogoutStart::at_the_hub(vec![key(1)]), start());
    let (logout, effects) = step(logout, Event::DeadlinePassed, at(10));
    assert_eq!(answer(&effects).code, StatusCode::Responder);
    let (logout, effects) = step(logout, revoked(1, &[redirect("slack")]), at(11));
    assert_eq!(effects, []);
    assert_eq!(outcomes(&logout), [Outcome::Failed(Failure::OutOfTime)]);
}

#[test]
fn the_time_for_everything_is_bounded() {
    let names: Vec<_> = (0..20).map(|n| redirect(&format!("sp{n}"))).collect();
    let (mut logout, _) = asking(&names);
    let mut answered = None;
    let mut seconds = 0;
    while let Some(deadline) = logout.deadline() {
        seconds = (deadline - start()).num_seconds();
        let (next, effects) = step(logout, Event::DeadlinePassed, at(seconds));
        logout = next;
        if let [Effect::Answer { status, .. }] = &effects[..] {
            answered = Some(status.clone());
        }
    }
    assert_eq!(seconds, Timing::default().total.num_seconds());
    assert_eq!(answered, Some(partial()));
    let out_of_time = Outcome::Failed(Failure::OutOfTime);
    assert_eq!(
        outcomes(&logout)
            .iter()
            .filter(|o| **o == out_of_time)
            .count(),
        10
    );
}

#[test]
fn a_resumed_logout_asks_for_what_is_outstanding() {
    let keys = vec![key(1), key(2)];
    let (logout, _) = Logout::start(LogoutStart::at_the_hub(keys), start());
    let (logout, _) = step(logout, revoked(1, &[redirect("slack")]), at(0));
    let (logout, effects) = step(logout, Event::Resumed, at(1));
    assert_eq!(effects, [Effect::RevokeSession { session: key(2) }]);
    let (logout, first) = step(logout, revoked(2, &[]), at(2));
    let (logout, again) = step(logout, Event::Resumed, at(3));
    assert_eq!(first, again, "the same request, with the same id");
    let (logout, first) = step(logout, responds("slack", 2, Status::success()), at(4));
    let (logout, again) = step(logout, Event::Resumed, at(5));
    assert_eq!(first, again, "the same answer");
    let (logout, _) = step(logout, Event::Answered, at(6));
    let (logout, effects) = step(logout, Event::Resumed, at(7));
    assert_eq!(effects, []);
    assert!(logout.is_done());
}

#[test]
fn too_many_applications_are_counted() {
    let many: Vec<_> = (0..Logout::MAX_APPLICATIONS + 3)
        .map(|n| participant(&format!("sp{n}"), None))
        .collect();
    let (logout, effects) = asking(&many);
    assert_eq!(
        logout.summary().applications.len(),
        Logout::MAX_APPLICATIONS
    );
    assert_eq!(logout.summary().left_out, 3);
    assert_eq!(answer(&effects), &partial());
}

#[test]
fn events_out_of_place_change_nothing() {
    let (revoking, _) = Logout::start(LogoutStart::at_the_hub(vec![key(1)]), start());
    let (asking, _) = asking(&[redirect("slack")]);
    let (responding, _) = step(
        asking.clone(),
        responds("slack", 0, Status::success()),
        at(1),
    );
    let (done, _) = step(responding.clone(), Event::Answered, at(2));
    for state in [&revoking, &asking] {
        let (after, effects) = step(state.clone(), Event::Answered, at(3));
        assert_eq!((&after, &effects[..]), (state, &[][..]));
    }
    for state in [&revoking, &responding, &done] {
        let request_id = request(0);
        let (after, effects) = step(state.clone(), Event::Skipped { request_id }, at(3));
        assert_eq!((&after, &effects[..]), (state, &[][..]));
    }
    for state in [&responding, &done] {
        let failed = Event::RevocationFailed { session: key(1) };
        for event in [Event::DeadlinePassed, failed, sent(0)] {
            let (after, effects) = step(state.clone(), event, at(1000));
            assert_eq!((&after, &effects[..]), (state, &[][..]));
        }
    }
}

#[test]
fn states_read_back_and_damage_is_told() {
    let (logout, _) = asking(&[redirect("slack"), participant("zoom", None)]);
    let (logout, _) = step(logout, responds("slack", 0, partial()), at(1));
    let octets = logout.encode().unwrap();
    assert_eq!(Logout::decode(&octets).unwrap(), logout);
    let code = |octets: &[u8]| Logout::decode(octets).unwrap_err().code();
    assert_eq!(code(&[]), "logout.corrupt");
    assert_eq!(code(&[9]), "logout.unsupported_format");
    assert_eq!(code(&octets[..octets.len() - 1]), "logout.corrupt");
    assert_eq!(code(&[octets, vec![0]].concat()), "logout.corrupt");
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    for timing in [TimeDelta::MIN, TimeDelta::zero(), TimeDelta::MAX] {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let begin = LogoutStart {
                timing: Timing {
                    revocation: timing,
                    participant: timing,
                    total: timing,
                },
                ..LogoutStart::at_the_hub(vec![key(1)])
            };
            let (logout, _) = Logout::start(begin, now);
            let moment = Moment {
                now,
                request_id: request(1),
            };
            let (logout, _) = step(logout, revoked(1, &[redirect("slack")]), moment.clone());
            let (logout, _) = step(logout, Event::DeadlinePassed, moment);
            let _ = logout.retain_until();
        }
    }
}
