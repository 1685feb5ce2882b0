use super::*;
use proptest::prelude::*;

#[test]
fn states_read_back_and_damage_is_told() {
    let mut run = Run::asking(&[redirect("slack"), soap("box")]);
    run.responds(1_000, "box", partial());
    let octets = run.logout.encode().unwrap();
    assert_eq!(Logout::decode(&octets).unwrap(), run.logout);
    let code = |octets: &[u8]| Logout::decode(octets).unwrap_err().code();
    assert_eq!(code(&[]), "logout.corrupt");
    assert_eq!(code(&[1]), "logout.unsupported_format");
    assert_eq!(code(&octets[..octets.len() - 1]), "logout.corrupt");
    assert_eq!(code(&[octets, vec![0]].concat()), "logout.corrupt");
}

#[test]
fn a_state_that_cannot_be_is_refused() {
    let run = Run::asking(&[both("slack"), soap("box")]);
    let refused = |change: fn(&mut Logout)| {
        let mut logout = run.logout.clone();
        change(&mut logout);
        let read = Logout::decode(&logout.encode().unwrap());
        assert_eq!(read.unwrap_err().code(), "logout.corrupt");
    };
    refused(|logout| logout.peers[0].requests.clear());
    refused(|logout| logout.peers[0].turn = Turn::Held);
    refused(|logout| logout.peers[1].turn = Turn::Front);
    refused(|logout| logout.peers[0].outcome = Outcome::Asking { sent: true });
    refused(|logout| logout.peers[0].outcome = Outcome::Confirmed);
    refused(|logout| logout.policy.in_flight = 0);
    refused(|logout| logout.policy.timing.total = TimeDelta::zero());
    refused(|logout| {
        let id = logout.peers[0].requests[0].clone();
        logout.peers[0].requests = vec![id; 7];
    });
    refused(|logout| {
        let peer = logout.peers[0].clone();
        logout.peers = vec![peer; Logout::MAX_APPLICATIONS + 1];
    });
    refused(|logout| {
        let long = "x".repeat(Initiator::MAX_RETURN_TO + 1);
        logout.initiator = Initiator::HubPage {
            return_to: Some(long),
            federated: false,
        };
    });
}

#[test]
fn the_state_fits_into_a_store_whatever_peers_say() {
    let mut participants = Vec::new();
    for n in 0..Logout::MAX_APPLICATIONS {
        let name = format!("{n:_>800}");
        let mut talkative = soap(&name);
        talkative.session_index = SessionIndex::new("x".repeat(200)).unwrap();
        participants.push(talkative);
    }
    let mut run = Run::alone(&participants);
    let known = run.logout.summary().applications.len();
    assert_eq!(
        known + run.logout.summary().left_out,
        Logout::MAX_APPLICATIONS
    );
    let long = Status {
        code: StatusCode::Other("x".repeat(10_000)),
        subcode: Some(StatusCode::Other("x".repeat(10_000))),
        message: Some("x".repeat(10_000)),
    };
    while let Some(request) = run.requests.pop() {
        let event = Event::ResponseReceived {
            entity_id: request.entity_id,
            in_response_to: request.request_id,
            status: long.clone(),
        };
        let moment = Moment {
            now: at(10),
            seed: [run.requests.len() as u8; 32],
        };
        let (logout, effects) = step(run.logout.clone(), event, moment);
        run.logout = logout;
        run.see(effects);
    }
    let octets = run.logout.encode().unwrap();
    assert!(octets.len() < 1024 * 1024, "{}", octets.len());
    assert_eq!(Logout::decode(&octets).unwrap(), run.logout);
    assert!(known > 300, "{known}");
}

#[test]
fn a_long_address_to_return_to_is_dropped() {
    let mut start = LogoutStart::at_the_hub(Vec::new());
    start.initiator = Initiator::HubPage {
        return_to: Some("x".repeat(Initiator::MAX_RETURN_TO + 1)),
        federated: false,
    };
    let run = Run::begin(start);
    let expected = LogoutStart::at_the_hub(Vec::new()).initiator;
    assert_eq!(run.logout.initiator(), &expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Octets from anywhere are refused or are a state; they never panic.
    #[test]
    fn decoding_is_total(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        damage in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4),
    ) {
        let run = Run::asking(&[both("slack"), soap("box"), redirect("zoom")]);
        let mut damaged = run.logout.encode().unwrap();
        for (at, octet) in damage {
            let at = at % damaged.len();
            damaged[at] = octet;
        }
        for octets in [[&[2], &octets[..]].concat(), damaged] {
            let Ok(logout) = Logout::decode(&octets) else {
                continue;
            };
            for event in [Event::Resumed, Event::DeadlinePassed, Event::Answered] {
                let moment = Moment { now: at(0), seed: [1; 32] };
                let (next, _) = step(logout.clone(), event, moment);
                prop_assert_eq!(Logout::decode(&next.encode().unwrap()).unwrap(), next);
            }
            let _ = (logout.summary(), logout.due(), logout.stage());
        }
    }
}
