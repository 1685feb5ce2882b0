use crate::message::{Answer, Layer};
use crate::outcome::{HubOutcome, Outcome, PeerResult, Stage, Summary};
use crate::peer::{Peer, Turn};
use crate::policy::{LogoutPolicy, UpstreamPolicy};
use crate::start::Initiator;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::SessionKey;
use federate_types::{MessageId, Status};
use serde::{Deserialize, Serialize};

/// The state of one single logout: what [`crate::step`] takes and gives.
///
/// `Revoking -> BackChannel -> FrontChannel -> Upstream -> Responding -> Done`; what has
/// nothing to do is passed over, and what failed by back channel is retried after `Done`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logout {
    pub(crate) initiator: Initiator,
    /// The policy, within its bounds, with what the initiator changes of it.
    pub(crate) policy: LogoutPolicy,
    pub(crate) unknown_principal: bool,
    /// When all that is not decided is given up.
    #[serde(with = "federate_session::instant")]
    pub(crate) end: DateTime<Utc>,
    /// When retries in the background end.
    #[serde(with = "federate_session::instant")]
    pub(crate) last: DateTime<Utc>,
    /// When back channels are no longer waited for, in the present layer.
    #[serde(with = "federate_session::instant")]
    pub(crate) back_end: DateTime<Utc>,
    pub(crate) sessions: Vec<HubSession>,
    /// Sessions beyond [`Logout::MAX_SESSIONS`]; they go on.
    pub(crate) sessions_left_out: usize,
    pub(crate) peers: Vec<Peer>,
    /// Peers that are not asked here, and not known to be signed out.
    pub(crate) left_out: usize,
    /// What the person chose about the upstream session.
    pub(crate) chosen: Option<bool>,
    /// Redirects to peers since the browser last saw a page.
    pub(crate) hops: u8,
    /// How much randomness was drawn.
    pub(crate) drawn: u64,
    pub(crate) phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// The hub's sessions are being revoked; nothing has left yet.
    Revoking {
        #[serde(with = "federate_session::instant")]
        deadline: DateTime<Utc>,
    },
    /// The peers of a layer are being asked.
    Telling { layer: Layer },
    /// The person is being asked about the upstream session.
    Choosing {
        #[serde(with = "federate_session::instant")]
        deadline: DateTime<Utc>,
    },
    /// The answer is decided and on its way.
    Responding {
        decision: Decision,
        #[serde(with = "federate_session::instant")]
        deadline: DateTime<Utc>,
    },
    /// The answer left, or nobody waits for it.
    Done { decision: Decision },
}

/// What makes the answer the same however often it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) response_id: MessageId,
    #[serde(with = "federate_session::instant")]
    pub(crate) at: DateTime<Utc>,
    #[serde(with = "crate::stored_status")]
    pub(crate) status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HubSession {
    pub(crate) key: SessionKey,
    pub(crate) state: Revocation,
    pub(crate) attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Revocation {
    Pending,
    Revoked,
    Failed {
        /// When to try again.
        #[serde(with = "federate_session::instant::option")]
        retry_at: Option<DateTime<Utc>>,
    },
}

impl Logout {
    /// The most applications and upstreams of one logout; more are counted and not asked.
    pub const MAX_APPLICATIONS: usize = 500;

    /// The most hub sessions of one logout; more would go on, and the answer says so.
    pub const MAX_SESSIONS: usize = 256;

    /// The most frames of one page; what is beyond is asked one at a time.
    pub const MAX_FRAMES: usize = 32;

    /// The most octets that the names of all peers take; a peer beyond is not asked.
    pub const MAX_NAME_BYTES: usize = 448 * 1024;

    /// When to tell [`crate::Event::DeadlinePassed`], if nothing else happens before; `None`
    /// once nothing is left to do. A store may index it, so that any node finds the work.
    #[must_use]
    pub fn due(&self) -> Option<DateTime<Utc>> {
        let phase = match self.phase {
            Phase::Revoking { deadline } | Phase::Choosing { deadline } => Some(deadline),
            Phase::Telling { .. } => Some(self.end),
            Phase::Responding { deadline, .. } => Some(deadline),
            Phase::Done { .. } => None,
        };
        let room = self.room_behind() > 0;
        let peers = self.peers.iter().filter_map(|peer| match peer.turn {
            Turn::Open { deadline, .. } => Some(deadline),
            // Without room, an open one's deadline comes first; with the phase, its end.
            Turn::Back { at } if room => Some(at),
            Turn::Back { .. } if peer.holds_back_channel() => Some(self.back_end),
            _ => None,
        });
        let sessions = self
            .sessions
            .iter()
            .filter_map(|session| match session.state {
                Revocation::Failed { retry_at } => retry_at,
                Revocation::Pending | Revocation::Revoked => None,
            });
        phase.into_iter().chain(peers).chain(sessions).min()
    }

    /// When a store may forget it: a day after its last retry.
    #[must_use]
    pub fn retain_until(&self) -> DateTime<Utc> {
        later(self.last, TimeDelta::days(1))
    }

    /// Who asked for the logout.
    #[must_use]
    pub const fn initiator(&self) -> &Initiator {
        &self.initiator
    }

    /// The sessions that it ends.
    pub fn sessions(&self) -> impl Iterator<Item = &SessionKey> {
        self.sessions.iter().map(|session| &session.key)
    }

    /// What the logout came to, once that is decided; it is what the initiator is told, and
    /// does not change any more.
    #[must_use]
    pub const fn answer(&self) -> Option<&Status> {
        match &self.phase {
            Phase::Responding { decision, .. } | Phase::Done { decision } => Some(&decision.status),
            Phase::Revoking { .. } | Phase::Telling { .. } | Phase::Choosing { .. } => None,
        }
    }

    /// When that was decided.
    #[must_use]
    pub const fn decided_at(&self) -> Option<DateTime<Utc>> {
        match &self.phase {
            Phase::Responding { decision, .. } | Phase::Done { decision } => Some(decision.at),
            Phase::Revoking { .. } | Phase::Telling { .. } | Phase::Choosing { .. } => None,
        }
    }

    /// Whether the answer left, or nobody waits for it.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done { .. })
    }

    /// Where the logout is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.phase {
            Phase::Revoking { .. } => Stage::Revoking,
            Phase::Telling {
                layer: Layer::Upstream,
            }
            | Phase::Choosing { .. } => Stage::Upstream,
            Phase::Telling { .. } if self.peers.iter().any(Peer::holds_back_channel) => {
                Stage::BackChannel
            }
            Phase::Telling { .. } => Stage::FrontChannel,
            Phase::Responding { .. } => Stage::Responding,
            Phase::Done { .. } => Stage::Done,
        }
    }

    /// What happened so far, peer by peer.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let hub = self.hub_outcome();
        let finished = self.answer().is_some();
        Summary {
            hub,
            applications: self.results(Layer::Application),
            upstreams: self.results(Layer::Upstream),
            left_out: self.left_out,
            finished,
            complete: finished && hub == HubOutcome::Ended && self.all_confirmed(),
        }
    }

    fn results(&self, layer: Layer) -> Vec<PeerResult> {
        let of_layer = self.peers.iter().filter(|peer| peer.layer == layer);
        of_layer
            .map(|peer| PeerResult {
                entity_id: peer.entity_id.clone(),
                outcome: peer.shown(),
                retriable: self.is_retriable(peer),
                retry_at: match peer.turn {
                    Turn::Back { at } if peer.background => Some(at),
                    _ => None,
                },
            })
            .collect()
    }

    /// Whether somebody may want it asked once more.
    pub(crate) fn is_retriable(&self, peer: &Peer) -> bool {
        let reachable = peer.channels.back.is_some()
            || (peer.channels.front.is_some() && self.initiator.has_browser());
        reachable && matches!(peer.shown(), Outcome::Asked(_) | Outcome::Failed(_))
    }

    pub(crate) fn hub_outcome(&self) -> HubOutcome {
        let mut outcome = HubOutcome::Ended;
        for session in &self.sessions {
            match session.state {
                Revocation::Pending => return HubOutcome::Revoking,
                Revocation::Failed { .. } => outcome = HubOutcome::Failed,
                Revocation::Revoked => {}
            }
        }
        if self.sessions_left_out > 0 {
            outcome = HubOutcome::Failed;
        }
        outcome
    }

    /// An upstream session that was left alone on purpose counts as none.
    pub(crate) fn all_confirmed(&self) -> bool {
        self.left_out == 0
            && self.peers.iter().all(|peer| {
                peer.outcome == Outcome::Confirmed
                    || (peer.layer == Layer::Upstream && peer.outcome == Outcome::NotAsked)
            })
    }

    pub(crate) const fn is_decided(&self) -> bool {
        matches!(self.phase, Phase::Responding { .. } | Phase::Done { .. })
    }

    /// Whether peers may be asked, and the answer waits for them.
    pub(crate) fn is_open(&self, now: DateTime<Utc>) -> bool {
        !self.is_decided() && now < self.end
    }

    /// Whether upstream sessions are to end.
    pub(crate) fn wants_upstream(&self) -> bool {
        match self.policy.upstream {
            UpstreamPolicy::Never => false,
            UpstreamPolicy::Always => true,
            UpstreamPolicy::Ask => self.chosen == Some(true),
        }
    }

    /// How many more requests may be under way by back channel.
    pub(crate) fn room_behind(&self) -> usize {
        let open = self.peers.iter().filter(|peer| peer.is_open_behind());
        usize::from(self.policy.in_flight).saturating_sub(open.count())
    }

    /// The answer, while it is on its way.
    pub(crate) fn answer_to_give(&self) -> Option<Answer> {
        let Phase::Responding { decision, .. } = &self.phase else {
            return None;
        };
        Some(Answer {
            response_id: decision.response_id.clone(),
            issue_instant: decision.at,
            initiator: self.initiator.clone(),
            status: decision.status.clone(),
        })
    }
}

/// Addition that stops at the end of the calendar.
pub(crate) fn later(instant: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    instant
        .checked_add_signed(by)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
