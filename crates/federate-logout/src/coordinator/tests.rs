use super::*;
use crate::message::*;
use crate::outcome::{HubOutcome, PeerResult, Stage};
use crate::policy::UpstreamPolicy;
use crate::start::{Initiator, Requester};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{NameId, RelayState, SessionIndex, StatusCode};

mod back_channel;
mod front_channel;
mod responding;
mod revoking;
mod stored;
mod upstream;

fn origin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// `millis` after the start.
fn at(millis: i64) -> DateTime<Utc> {
    origin() + TimeDelta::milliseconds(millis)
}

fn key(n: u8) -> SessionKey {
    SessionKey::new([n; 32])
}

fn entity(name: &str) -> EntityId {
    EntityId::new(name).unwrap()
}

fn participant(name: &str, channels: Channels) -> RevokedParticipant {
    RevokedParticipant {
        entity_id: entity(name),
        name_id: NameId::new("alice", None).unwrap(),
        session_index: SessionIndex::new("s1").unwrap(),
        channels,
    }
}

fn redirect(name: &str) -> RevokedParticipant {
    participant(name, Channels::front(FrontChannel::Redirect))
}

fn soap(name: &str) -> RevokedParticipant {
    participant(name, Channels::back(BackChannel::Soap))
}

/// With both channels.
fn both(name: &str) -> RevokedParticipant {
    let channels = Channels {
        back: Some(BackChannel::Soap),
        ..Channels::front(FrontChannel::Redirect)
    };
    participant(name, channels)
}

fn upstream(name: &str, channels: Channels) -> RevokedUpstream {
    RevokedUpstream {
        entity_id: entity(name),
        name_id: NameId::new("alice", None).unwrap(),
        session_index: None,
        channels,
    }
}

fn requester(name: &str, binding: Binding) -> Requester {
    Requester {
        entity_id: entity(name),
        request_id: MessageId::new("from-the-initiator").unwrap(),
        relay_state: Some(RelayState::new("state").unwrap()),
        binding,
        asynchronous: false,
    }
}

fn revoked(session: u8, participants: &[RevokedParticipant]) -> Event {
    Event::Revoked {
        session: key(session),
        participants: participants.to_vec(),
        upstream: None,
    }
}

fn partial() -> Status {
    Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout)
}

/// A logout, told one thing after the other.
#[derive(Debug, Clone)]
struct Run {
    logout: Logout,
    /// What the last step asked for.
    effects: Vec<Effect>,
    requests: Vec<LogoutRequestToSend>,
    steps: u8,
}

impl Run {
    fn begin(start: LogoutStart) -> Self {
        let moment = Moment {
            now: origin(),
            seed: [0; 32],
        };
        let (logout, effects) = Logout::start(start, moment);
        let mut run = Self {
            logout,
            effects: Vec::new(),
            requests: Vec::new(),
            steps: 0,
        };
        run.see(effects);
        run
    }

    /// A logout of session 1 at the hub's page, with these applications.
    fn asking(participants: &[RevokedParticipant]) -> Self {
        let mut run = Self::begin(LogoutStart::at_the_hub(vec![key(1)]));
        run.tell(0, revoked(1, participants));
        run
    }

    /// The same by an administrator: without a browser.
    fn alone(participants: &[RevokedParticipant]) -> Self {
        let start = LogoutStart::new(Initiator::Administrator, vec![key(1)]);
        let mut run = Self::begin(start);
        run.tell(0, revoked(1, participants));
        run
    }

    fn see(&mut self, effects: Vec<Effect>) {
        for effect in &effects {
            match effect {
                Effect::SendLogoutRequest(request) => self.requests.push(request.clone()),
                Effect::ShowFrames(requests) => self.requests.extend(requests.iter().cloned()),
                _ => {}
            }
        }
        self.effects = effects;
    }

    fn tell(&mut self, millis: i64, event: Event) -> &mut Self {
        self.steps += 1;
        let moment = Moment {
            now: at(millis),
            seed: [self.steps; 32],
        };
        let (logout, effects) = step(self.logout.clone(), event, moment);
        self.logout = logout;
        self.see(effects);
        self
    }

    /// Told something that means nothing now.
    fn ignores(&mut self, millis: i64, event: Event) {
        let before = self.logout.clone();
        self.tell(millis, event);
        assert_eq!(
            (&self.logout, &self.effects[..]),
            (&before, &[][..]),
            "changed"
        );
    }

    /// Time goes by until something is due.
    fn wait(&mut self) -> i64 {
        let due = self.logout.due().expect("something is due");
        let millis = (due - origin()).num_milliseconds();
        self.tell(millis, Event::DeadlinePassed);
        millis
    }

    /// The latest request to a peer.
    fn request(&self, name: &str) -> &LogoutRequestToSend {
        let to = |request: &&LogoutRequestToSend| request.entity_id.as_str() == name;
        self.requests.iter().rev().find(to).expect("was asked")
    }

    fn id(&self, name: &str) -> MessageId {
        self.request(name).request_id.clone()
    }

    fn times_asked(&self, name: &str) -> usize {
        let to = |request: &&LogoutRequestToSend| request.entity_id.as_str() == name;
        self.requests.iter().filter(to).count()
    }

    fn sent(&mut self, millis: i64, name: &str) -> &mut Self {
        let request_id = self.id(name);
        self.tell(millis, Event::Sent { request_id })
    }

    fn fails(&mut self, millis: i64, name: &str, reason: SendFailure) -> &mut Self {
        let request_id = self.id(name);
        self.tell(millis, Event::SendFailed { request_id, reason })
    }

    fn skips(&mut self, millis: i64, name: &str) -> &mut Self {
        let request_id = self.id(name);
        self.tell(millis, Event::Skipped { request_id })
    }

    fn response(&self, name: &str, status: Status) -> Event {
        Event::ResponseReceived {
            entity_id: entity(name),
            in_response_to: self.id(name),
            status,
        }
    }

    fn responds(&mut self, millis: i64, name: &str, status: Status) -> &mut Self {
        let response = self.response(name, status);
        self.tell(millis, response)
    }

    fn confirms(&mut self, millis: i64, name: &str) -> &mut Self {
        self.responds(millis, name, Status::success())
    }

    /// Whom the last step asks.
    fn asks(&self) -> Vec<&str> {
        let sent = self.effects.iter().filter_map(|effect| match effect {
            Effect::SendLogoutRequest(request) => Some(request.entity_id.as_str()),
            _ => None,
        });
        sent.collect()
    }

    /// What the last step answers.
    fn answers(&self) -> Option<&Status> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Answer(answer) => Some(&answer.status),
            _ => None,
        })
    }

    fn lines(&self) -> Vec<PeerResult> {
        let summary = self.logout.summary();
        [summary.applications, summary.upstreams].concat()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.lines().into_iter().map(|line| line.outcome).collect()
    }
}

const TIMED_OUT: Outcome = Outcome::Asked(NoAnswer::TimedOut);
const NOT_SENT: Outcome = Outcome::Failed(Failure::NotSent);
