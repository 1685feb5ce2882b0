//! A logout is told anything, in any order: it does not panic, hears what it is told twice
//! once, stays small, and is read back as it was stored. Octets that are no state are refused,
//! or are a state that can be told anything too.
#![no_main]

use chrono::{DateTime, TimeDelta, Utc};
use federate_logout::*;
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId, NameId, SessionIndex, Status, StatusCode};
use libfuzzer_sys::fuzz_target;

/// What is left of the input.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.octet()? & 1 == 1)
    }

    /// From nothing to about two days, mostly short.
    fn millis(&mut self) -> Option<i64> {
        let (exponent, rest) = (self.octet()?, self.octet()?);
        Some((i64::from(rest) + 1) << (exponent % 20))
    }
}

fn entity(n: u8) -> EntityId {
    EntityId::new(format!("sp{}", n % 8)).unwrap()
}

fn channels(n: u8) -> Channels {
    Channels {
        back: match n & 3 {
            0 | 1 => None,
            2 => Some(BackChannel::Soap),
            _ => Some(BackChannel::LogoutToken),
        },
        front: match n >> 2 & 3 {
            0 => None,
            1 => Some(FrontChannel::Post),
            _ => Some(FrontChannel::Redirect),
        },
        frames: n & 16 != 0,
    }
}

fn name(n: u8) -> NameId {
    NameId::new(["alice", "bob"][usize::from(n & 1)], None).unwrap()
}

fn index(n: u8) -> SessionIndex {
    SessionIndex::new(format!("s{}", n % 4)).unwrap()
}

fn start(input: &mut Input) -> Option<LogoutStart> {
    let requester = |n: u8| Requester {
        entity_id: entity(n),
        request_id: MessageId::new("theirs").unwrap(),
        relay_state: None,
        binding: [Binding::HttpRedirect, Binding::HttpPost, Binding::Soap][usize::from(n % 3)],
        asynchronous: n & 64 != 0,
    };
    let who = input.octet()?;
    let initiator = match input.octet()? % 5 {
        0 => Initiator::Participant(requester(who)),
        1 => Initiator::Upstream(requester(who)),
        2 => Initiator::HubPage {
            return_to: Some("/".repeat(usize::from(who) * 20)),
            federated: who & 1 == 1,
        },
        3 => Initiator::Administrator,
        _ => Initiator::Expiry,
    };
    let count = input.octet()? % 4;
    let sessions = (0..count).map(|n| SessionKey::new([n; 32])).collect();
    let mut start = LogoutStart::new(initiator, sessions);
    let flags = input.octet()?;
    let policy = &mut start.policy;
    policy.frames = flags & 1 != 0;
    policy.tell = flags & 2 == 0;
    start.unknown_principal = flags & 4 != 0;
    start.untold = usize::from(flags >> 6);
    policy.upstream = match flags >> 3 & 3 {
        0 => UpstreamPolicy::Never,
        1 => UpstreamPolicy::Ask,
        _ => UpstreamPolicy::Always,
    };
    policy.in_flight = input.octet()?;
    policy.retries.attempts = input.octet()?;
    if flags & 32 != 0 {
        let mut millis = || Some(TimeDelta::milliseconds(input.millis()? - 1));
        policy.timing = Timing {
            revocation: millis()?,
            attempt: millis()?,
            back_channel: millis()?,
            back_channel_unwatched: millis()?,
            frames: millis()?,
            participant: millis()?,
            choice: millis()?,
            total: millis()?,
            answer: millis()?,
            background: millis()?,
        };
        policy.retries.first = millis()?;
    }
    Some(start)
}

fn event(input: &mut Input, requests: &[(EntityId, MessageId)]) -> Option<Event> {
    let kind = input.octet()?;
    let n = input.octet()?;
    let session = SessionKey::new([n % 4; 32]);
    let (entity_id, request_id) = match requests.len() {
        0 => (entity(n), MessageId::new("none").unwrap()),
        some => requests[some - 1 - usize::from(n) % some].clone(),
    };
    Some(match kind % 17 {
        0 | 1 => {
            let mut participants = Vec::new();
            for _ in 0..n % 5 {
                let who = input.octet()?;
                participants.push(RevokedParticipant {
                    entity_id: entity(who),
                    name_id: name(who >> 3),
                    session_index: index(who >> 4),
                    channels: channels(input.octet()?),
                });
            }
            let upstream = match input.flag()? {
                true => Some(RevokedUpstream {
                    entity_id: entity(n),
                    name_id: name(n),
                    session_index: input.flag()?.then(|| index(n)),
                    channels: channels(input.octet()?),
                }),
                false => None,
            };
            Event::Revoked {
                session,
                participants,
                upstream,
            }
        }
        2 => Event::RevocationFailed { session },
        3 | 4 => Event::Sent { request_id },
        5 | 6 => Event::SendFailed {
            request_id,
            reason: [
                SendFailure::NotSent,
                SendFailure::TimedOut,
                SendFailure::Fault,
                SendFailure::CircuitOpen,
            ][usize::from(kind >> 4 & 3)],
        },
        7 | 8 => Event::ResponseReceived {
            entity_id,
            in_response_to: request_id,
            status: match kind >> 4 & 3 {
                0 => Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout),
                1 => Status {
                    code: StatusCode::Other("\u{e9}".repeat(n.into())),
                    subcode: None,
                    message: Some("no".repeat(n.into())),
                },
                _ => Status::success(),
            },
        },
        9 => Event::ResponseReceived {
            entity_id: entity(n),
            in_response_to: request_id,
            status: Status::success(),
        },
        10 => Event::Skipped { request_id },
        11 => Event::Retry { entity_id },
        12 => Event::UpstreamChosen { ask: n & 1 == 1 },
        13 => Event::DeadlinePassed,
        14 => Event::Resumed,
        15 => Event::Answered,
        _ => Event::AnswerNow,
    })
}

fn tell(first: Logout, mut now: DateTime<Utc>, input: &mut Input, ours: bool) -> Option<()> {
    let mut logout = first;
    let mut requests = Vec::new();
    let mut answer = None;
    let mut n = 0_u64;
    loop {
        let event = event(input, &requests)?;
        let wait = input.octet()?;
        now = match wait {
            0..160 => now,
            160..200 => logout.due().map_or(now, |due| due.max(now)),
            _ => now + TimeDelta::milliseconds(input.millis()?),
        };
        let mut moment = || {
            n += 1;
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&n.to_le_bytes());
            Moment { now, seed }
        };
        let resumed = event == Event::Resumed;
        let timed = resumed || event == Event::DeadlinePassed;
        let (next, effects) = step(logout, event.clone(), moment());
        for effect in &effects {
            match effect {
                Effect::SendLogoutRequest(request) => {
                    requests.push((request.entity_id.clone(), request.request_id.clone()));
                }
                Effect::ShowFrames(frames) => requests.extend(
                    frames
                        .iter()
                        .map(|request| (request.entity_id.clone(), request.request_id.clone())),
                ),
                Effect::Answer(given) if ours => {
                    assert_eq!(answer.get_or_insert_with(|| given.clone()), given);
                }
                _ => {}
            }
        }
        requests.drain(..requests.len().saturating_sub(64));
        let stored = next.encode().expect("every state can be stored");
        assert!(stored.len() < 1024 * 1024);
        assert_eq!(Logout::decode(&stored).expect("and is read back"), next);
        if ours {
            let (again, effects) = step(next.clone(), event, moment());
            assert_eq!(again, next, "twice is once");
            assert!(resumed || effects.is_empty(), "twice is once");
            assert!(!timed || next.due().is_none_or(|due| due > now));
            assert!(next.due().is_some() || next.is_done());
        }
        let _ = next.summary();
        logout = next;
    }
}

fuzz_target!(|octets: &[u8]| {
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let mut input = Input(octets);
    if input.octet() == Some(0) {
        // The first octet says how many are the state; events follow.
        let length = usize::from(input.octet().unwrap_or(0)) * 4;
        let (state, rest) = input.0.split_at(length.min(input.0.len()));
        let state = [&[2], state].concat();
        if let Ok(logout) = Logout::decode(&state) {
            tell(logout, now, &mut Input(rest), false);
        }
    } else if let Some(start) = start(&mut input) {
        let seed = [255; 32];
        let (logout, _) = Logout::start(start, Moment { now, seed });
        tell(logout, now, &mut input, true);
    }
});
