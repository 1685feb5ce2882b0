//! How the state is stored.

use crate::LogoutError;
use crate::message::{Channel, Layer};
use crate::outcome::{Failure, Outcome};
use crate::peer::{Peer, Turn};
use crate::start::Initiator;
use crate::state::{Logout, Phase};
use crate::stored_status;

impl Logout {
    const FORMAT: u8 = 2;

    /// The state as octets, behind a format version. They are fewer than 1 MiB, whatever
    /// peers say and however many there are.
    ///
    /// # Errors
    /// [`LogoutError::Corrupt`] when the state cannot be written, which no state cannot.
    pub fn encode(&self) -> Result<Vec<u8>, LogoutError> {
        postcard::to_extend(self, vec![Self::FORMAT]).map_err(|_| LogoutError::Corrupt)
    }

    /// Reads what [`Logout::encode`] wrote, and checks that it is a state that can be.
    ///
    /// # Errors
    /// [`LogoutError::UnsupportedFormat`] and [`LogoutError::Corrupt`].
    pub fn decode(octets: &[u8]) -> Result<Self, LogoutError> {
        match octets.split_first() {
            Some((&Self::FORMAT, rest)) => match postcard::take_from_bytes::<Self>(rest) {
                Ok((state, [])) if state.is_sound() => Ok(state),
                _ => Err(LogoutError::Corrupt),
            },
            Some((&found, _)) => Err(LogoutError::UnsupportedFormat { found }),
            None => Err(LogoutError::Corrupt),
        }
    }

    /// Whether [`crate::step`] can have made it.
    fn is_sound(&self) -> bool {
        let in_front = self.peers.iter().filter(|peer| peer.is_open_in_front());
        let in_frames = self.peers.iter().filter(|peer| peer.is_open_in_frame());
        let return_to = match &self.initiator {
            Initiator::HubPage { return_to, .. } => return_to.as_deref().unwrap_or_default(),
            _ => "",
        };
        let decided = match &self.phase {
            Phase::Responding { decision, .. } | Phase::Done { decision } => {
                stored_status::is_bounded(&decision.status)
            }
            _ => true,
        };
        decided
            && self.policy == self.policy.bounded()
            && self.sessions.len() <= Self::MAX_SESSIONS
            && self.peers.len() <= Self::MAX_APPLICATIONS
            && self.name_bytes() <= Self::MAX_NAME_BYTES
            && return_to.len() <= Initiator::MAX_RETURN_TO
            && in_front.count() <= 1
            && in_frames.count() <= Self::MAX_FRAMES
            && self.peers.iter().all(|peer| self.is_sound_peer(peer))
    }

    fn is_sound_peer(&self, peer: &Peer) -> bool {
        let turn = match peer.turn {
            Turn::Over => true,
            Turn::Held => match self.phase {
                Phase::Revoking { .. } => true,
                Phase::Telling {
                    layer: Layer::Application,
                }
                | Phase::Choosing { .. } => peer.layer == Layer::Upstream,
                _ => false,
            },
            Turn::Back { .. } => peer.channels.back.is_some(),
            Turn::Frame | Turn::Front => peer.channels.front.is_some(),
            Turn::Open { channel, .. } => {
                let known = match channel {
                    Channel::Back(back) => peer.channels.back == Some(back),
                    Channel::Frame(front) | Channel::Front(front) => {
                        peer.channels.front == Some(front)
                    }
                };
                known && !peer.requests.is_empty()
            }
        };
        let outcome = match &peer.outcome {
            Outcome::Asking { .. } => false,
            Outcome::Waiting => peer.turn != Turn::Over,
            Outcome::Failed(Failure::Status(status)) => stored_status::is_bounded(status),
            _ => true,
        };
        let revoking = matches!(self.phase, Phase::Revoking { .. });
        turn && outcome
            && (!revoking || peer.turn == Turn::Held)
            && (peer.outcome != Outcome::Confirmed || peer.turn == Turn::Over)
            && peer.requests.len() <= Peer::MAX_REQUESTS
    }

    /// How many octets the names of all peers take.
    pub(crate) fn name_bytes(&self) -> usize {
        self.peers.iter().map(Peer::weight).sum()
    }
}
