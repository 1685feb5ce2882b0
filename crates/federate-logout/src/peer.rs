//! One peer of a logout: an application, or an upstream identity provider.

use crate::message::{Channel, Channels, Layer, SendFailure};
use crate::outcome::{Failure, NoAnswer, Outcome};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, MessageId, NameId, SessionIndex};
use serde::{Deserialize, Serialize};

/// One person at one peer: one LogoutRequest, whatever the number of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) layer: Layer,
    pub(crate) entity_id: EntityId,
    pub(crate) name_id: NameId,
    pub(crate) session_indexes: Vec<SessionIndex>,
    pub(crate) channels: Channels,
    /// The requests that may still be answered, the latest last.
    pub(crate) requests: Vec<MessageId>,
    /// Whether any request is known to have left.
    pub(crate) asked: bool,
    /// Failures by back channel: before the answer, then anew in the background.
    pub(crate) attempts: u32,
    /// Whether nobody waits for its back channel any more.
    pub(crate) background: bool,
    pub(crate) turn: Turn,
    /// What is known when it is not its turn; never `Asking`.
    pub(crate) outcome: Outcome,
}

/// What is next for a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Turn {
    /// Its layer's turn has not come.
    Held,
    /// To be asked by back channel, not before this.
    Back {
        #[serde(with = "federate_session::instant")]
        at: DateTime<Utc>,
    },
    /// To be asked in a frame, with the others.
    Frame,
    /// To be asked by front channel, after the others.
    Front,
    /// Being asked by its latest request.
    Open {
        channel: Channel,
        #[serde(with = "federate_session::instant")]
        deadline: DateTime<Utc>,
        sent: bool,
        interstitial: bool,
    },
    /// Nothing.
    Over,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Deadline,
    Skipped,
    Send(SendFailure),
}

impl Peer {
    /// How many requests are remembered: an answer to one of them counts.
    pub(crate) const MAX_REQUESTS: usize = 6;

    pub(crate) fn remember(&mut self, request: MessageId) {
        if self.requests.len() >= Self::MAX_REQUESTS {
            self.requests.remove(0);
        }
        self.requests.push(request);
    }

    /// Whether it is being asked by this request.
    pub(crate) fn is_open_by(&self, request_id: &MessageId) -> bool {
        matches!(self.turn, Turn::Open { .. }) && self.requests.last() == Some(request_id)
    }

    pub(crate) const fn open_channel(&self) -> Option<Channel> {
        match self.turn {
            Turn::Open { channel, .. } => Some(channel),
            _ => None,
        }
    }

    pub(crate) const fn is_open_in_front(&self) -> bool {
        matches!(self.open_channel(), Some(Channel::Front(_)))
    }

    pub(crate) const fn is_open_in_frame(&self) -> bool {
        matches!(self.open_channel(), Some(Channel::Frame(_)))
    }

    pub(crate) const fn is_open_behind(&self) -> bool {
        matches!(self.open_channel(), Some(Channel::Back(_)))
    }

    /// Whether its back channel is still waited for.
    pub(crate) const fn holds_back_channel(&self) -> bool {
        !self.background
            && matches!(
                self.turn,
                Turn::Back { .. }
                    | Turn::Open {
                        channel: Channel::Back(_),
                        ..
                    }
            )
    }

    /// Whether the answer waits for it.
    pub(crate) const fn holds_answer(&self) -> bool {
        match self.turn {
            Turn::Held | Turn::Over => false,
            Turn::Frame | Turn::Front => true,
            Turn::Back { .. } => !self.background,
            Turn::Open { channel, .. } => !(self.background && matches!(channel, Channel::Back(_))),
        }
    }

    /// The outcome as pages show it. What goes on in the background changes nothing until it
    /// is confirmed, unless somebody wanted it.
    pub(crate) fn shown(&self) -> Outcome {
        let wanted = self.holds_answer() || self.outcome == Outcome::Waiting;
        match self.turn {
            Turn::Open { sent, .. } if wanted => Outcome::Asking { sent },
            Turn::Back { .. } | Turn::Frame | Turn::Front if wanted => Outcome::Waiting,
            _ => self.outcome.clone(),
        }
    }

    /// What it is after a request that came to nothing. Asked is only what was asked, and
    /// stays so.
    pub(crate) const fn failure(&self, why: Why) -> Outcome {
        match why {
            Why::Send(SendFailure::Fault) => Outcome::Failed(Failure::Fault),
            Why::Skipped if self.asked => Outcome::Asked(NoAnswer::Skipped),
            _ if self.asked => Outcome::Asked(NoAnswer::TimedOut),
            Why::Send(SendFailure::CircuitOpen) => Outcome::Failed(Failure::CircuitOpen),
            _ => Outcome::Failed(Failure::NotSent),
        }
    }

    /// What it is when its turn did not come in time.
    pub(crate) const fn out_of_time(&self) -> Outcome {
        if self.asked {
            Outcome::Asked(NoAnswer::TimedOut)
        } else {
            Outcome::Failed(Failure::OutOfTime)
        }
    }

    /// How many octets its names take in the stored state.
    pub(crate) fn weight(&self) -> usize {
        let indexes = self.session_indexes.iter().map(index_weight).sum::<usize>();
        weight(&self.entity_id, &self.name_id).saturating_add(indexes)
    }
}

/// How many octets the names of a peer take in the stored state.
pub(crate) fn weight(entity_id: &EntityId, name_id: &NameId) -> usize {
    let qualifier = |name: &Option<EntityId>| name.as_ref().map_or(0, |name| name.as_str().len());
    let format = name_id.format.as_ref();
    [
        entity_id.as_str().len(),
        name_id.value().len(),
        format.map_or(0, |format| format.uri().len()),
        qualifier(&name_id.name_qualifier),
        qualifier(&name_id.sp_name_qualifier),
    ]
    .iter()
    .sum()
}

/// The same of a session's name, with its length before it.
pub(crate) fn index_weight(index: &SessionIndex) -> usize {
    index.as_str().len().saturating_add(2)
}
