//! What a world begins with: who takes part, how they behave, and who asks.

use crate::random::Random;
use chrono::TimeDelta;
use federate_logout::{
    BackChannel, Channels, FrontChannel, Initiator, LogoutPolicy, LogoutStart, Requester,
    UpstreamPolicy,
};
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId};

/// How a peer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Good,
    /// It answers when the attempt is over.
    Slow,
    /// It answers when the logout is over.
    Late,
    Dead,
    Refuses,
    Faults,
    /// It answers with PartialLogout.
    Partial,
    /// It answers requests that nobody sent, and in the name of others.
    Liar,
    /// It answers twice, not always the same.
    Twice,
    /// Another manner each time.
    Flaky,
    /// It is dead for a while, then good.
    Recovers {
        at: i64,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) entity_id: EntityId,
    pub(crate) upstream: bool,
    pub(crate) channels: Channels,
    pub(crate) manner: Manner,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    /// Peers by their number.
    pub(crate) participants: Vec<usize>,
    pub(crate) upstream: Option<usize>,
    /// Its revocation fails until then.
    pub(crate) sound_from: i64,
}

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;

pub(crate) fn entity(name: &str) -> EntityId {
    EntityId::new(name).unwrap()
}

fn channels(random: &mut Random) -> Channels {
    let back = random.chance(45).then_some(BackChannel::Soap);
    let token = back.is_some() && random.chance(20);
    let front = random
        .chance(65)
        .then(|| random.pick(&[FrontChannel::Redirect, FrontChannel::Post]));
    Channels {
        back: if token {
            Some(BackChannel::LogoutToken)
        } else {
            back
        },
        front,
        frames: random.chance(40),
    }
}

fn manner(random: &mut Random) -> Manner {
    match random.index(16) {
        0 => Manner::Slow,
        1 => Manner::Late,
        2 => Manner::Dead,
        3 => Manner::Refuses,
        4 => Manner::Faults,
        5 => Manner::Partial,
        6 => Manner::Liar,
        7 => Manner::Twice,
        8 => Manner::Flaky,
        9 => Manner::Recovers {
            at: random.between(SECOND, 3 * HOUR),
        },
        _ => Manner::Good,
    }
}

pub(crate) fn peers(random: &mut Random) -> Vec<Peer> {
    let (applications, upstreams) = (random.index(7), 2);
    (0..applications + upstreams)
        .map(|n| {
            let upstream = n >= applications;
            let name = match upstream {
                false => format!("sp{n}"),
                true => format!("idp{}", n - applications),
            };
            Peer {
                entity_id: entity(&name),
                upstream,
                channels: channels(random),
                manner: manner(random),
            }
        })
        .collect()
}

pub(crate) fn sessions(random: &mut Random, peers: &[Peer]) -> Vec<Session> {
    let count = random.pick(&[0_u8, 1, 1, 1, 1, 2, 3]);
    (0..count)
        .map(|n| {
            let mut participants = Vec::new();
            let mut upstreams = Vec::new();
            for (index, peer) in peers.iter().enumerate() {
                match peer.upstream {
                    true => upstreams.push(index),
                    false if count == 1 || random.chance(60) => participants.push(index),
                    false => {}
                }
            }
            Session {
                key: SessionKey::new([n; 32]),
                participants,
                upstream: random.chance(60).then(|| random.pick(&upstreams)),
                sound_from: match random.index(12) {
                    0 => random.between(0, MINUTE),
                    1 => random.between(0, 2 * HOUR),
                    _ => 0,
                },
            }
        })
        .collect()
}

fn requester(random: &mut Random, entity_id: EntityId) -> Requester {
    Requester {
        entity_id,
        request_id: MessageId::new("theirs").unwrap(),
        relay_state: None,
        binding: random.pick(&[Binding::HttpRedirect, Binding::HttpPost, Binding::Soap]),
        asynchronous: random.chance(15),
    }
}

pub(crate) fn start(random: &mut Random, sessions: &[Session]) -> LogoutStart {
    let initiator = match random.index(8) {
        0..3 => Initiator::Participant(requester(random, entity("sp0"))),
        3 => Initiator::Upstream(requester(random, entity("idp0"))),
        4..6 => Initiator::HubPage {
            return_to: random.chance(50).then(|| "https://here.example".to_owned()),
            federated: random.chance(30),
        },
        6 => Initiator::Administrator,
        _ => Initiator::Expiry,
    };
    let mut policy = LogoutPolicy {
        in_flight: random.pick(&[1, 2, 8]),
        upstream: random.pick(&[
            UpstreamPolicy::Never,
            UpstreamPolicy::Ask,
            UpstreamPolicy::Always,
        ]),
        frames: random.chance(30),
        tell: initiator != Initiator::Expiry || random.chance(50),
        ..LogoutPolicy::default()
    };
    policy.timing.background = match random.index(20) {
        0 => TimeDelta::hours(24),
        1..4 => TimeDelta::minutes(10),
        _ => TimeDelta::milliseconds(random.between(0, 2 * MINUTE)),
    };
    if random.chance(25) {
        policy.timing.total = TimeDelta::milliseconds(random.between(1, 30 * SECOND));
    }
    if random.chance(20) {
        policy.timing.participant = TimeDelta::milliseconds(random.between(1, 10 * SECOND));
    }
    policy.retries.attempts = random.pick(&[1, 3, 5]);
    LogoutStart {
        policy,
        unknown_principal: random.chance(20),
        untold: if random.chance(5) { random.index(3) } else { 0 },
        ..LogoutStart::new(initiator, sessions.iter().map(|s| s.key).collect())
    }
}
