//! How peers come in, and what is next for one that was not reached.

use crate::message::{Channel, Channels, Layer, RevokedParticipant, RevokedUpstream, SendFailure};
use crate::moment::Moment;
use crate::outcome::{Failure, Outcome};
use crate::peer::{Peer, Turn, Why, index_weight, weight};
use crate::policy::Timing;
use crate::start::Initiator;
use crate::state::{Logout, Phase, later};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{EntityId, SessionIndex};

impl Logout {
    pub(super) fn add_application(&mut self, participant: RevokedParticipant, moment: &Moment) {
        let held = Peer {
            layer: Layer::Application,
            entity_id: participant.entity_id,
            name_id: participant.name_id,
            session_indexes: Vec::new(),
            channels: participant.channels,
            requests: Vec::new(),
            asked: false,
            attempts: 0,
            background: false,
            turn: Turn::Held,
            outcome: Outcome::Waiting,
        };
        self.add(held, Some(participant.session_index), moment);
    }

    pub(super) fn add_upstream(&mut self, upstream: RevokedUpstream, moment: &Moment) {
        let held = Peer {
            layer: Layer::Upstream,
            entity_id: upstream.entity_id,
            name_id: upstream.name_id,
            session_indexes: Vec::new(),
            channels: upstream.channels,
            requests: Vec::new(),
            asked: false,
            attempts: 0,
            background: false,
            turn: Turn::Held,
            outcome: Outcome::Waiting,
        };
        self.add(held, upstream.session_index, moment);
    }

    /// A revocation that comes after its deadline still brings its peers in.
    fn add(&mut self, mut peer: Peer, session_index: Option<SessionIndex>, moment: &Moment) {
        // [SAMLCore] 3.7.3.2, [SAMLProf] 4.4.3.2: every session participant "other than the
        // original requester", and every session authority but that one.
        if self.asked_for_it(peer.layer, &peer.entity_id) {
            return;
        }
        let room = Self::MAX_NAME_BYTES.saturating_sub(self.name_bytes());
        // Only one that was not asked yet: what it answered, if only of its first session, it did
        // not answer of this one. An answer leaves it without a request.
        let same = self.peers.iter_mut().find(|known| {
            known.layer == peer.layer
                && known.entity_id == peer.entity_id
                && known.name_id == peer.name_id
                && known.requests.is_empty()
                && !known.asked
        });
        let index_bytes = session_index.as_ref().map_or(0, index_weight);
        if let Some(same) = same {
            let new = session_index.filter(|index| !same.session_indexes.contains(index));
            match new {
                Some(_) if index_bytes > room => self.left_out = self.left_out.saturating_add(1),
                new => same.session_indexes.extend(new),
            }
            return;
        }
        let bytes = weight(&peer.entity_id, &peer.name_id).saturating_add(index_bytes);
        if self.peers.len() >= Self::MAX_APPLICATIONS || bytes > room {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        peer.session_indexes.extend(session_index);
        let layer = peer.layer;
        self.peers.push(peer);
        let held = match self.phase {
            Phase::Revoking { .. } => true,
            Phase::Telling {
                layer: Layer::Application,
            }
            | Phase::Choosing { .. } => layer == Layer::Upstream,
            _ => false,
        };
        if !held {
            self.assign(self.peers.len().saturating_sub(1), moment);
        }
    }

    fn asked_for_it(&self, layer: Layer, entity_id: &EntityId) -> bool {
        let requester = match (&self.initiator, layer) {
            (Initiator::Participant(requester), Layer::Application)
            | (Initiator::Upstream(requester), Layer::Upstream) => requester,
            _ => return false,
        };
        requester.entity_id == *entity_id
    }

    /// What is first for a peer whose layer's turn has come: the back channel, else the
    /// browser; what comes too late for the answer is asked in the background alone.
    pub(super) fn assign(&mut self, index: usize, moment: &Moment) {
        let now = moment.now;
        let open = self.is_open(now);
        let browser = self.initiator.has_browser();
        let in_frame = self.policy.frames;
        let in_time = open && now < self.back_end;
        let (tell, wants_upstream, last) = (self.policy.tell, self.wants_upstream(), self.last);
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let Channels {
            back,
            front,
            frames,
        } = peer.channels;
        let wanted = match peer.layer {
            Layer::Application => tell,
            Layer::Upstream => wants_upstream,
        };
        let failed = |why| (Turn::Over, Outcome::Failed(why));
        (peer.turn, peer.outcome) = if !wanted {
            (Turn::Over, Outcome::NotAsked)
        } else if back.is_none() && front.is_none() {
            (Turn::Over, Outcome::NotSupported)
        } else if back.is_some() && in_time {
            (Turn::Back { at: now }, Outcome::Waiting)
        } else if front.is_some() && browser && open {
            let turn = if in_frame && frames {
                Turn::Frame
            } else {
                Turn::Front
            };
            (turn, Outcome::Waiting)
        } else if back.is_some() && now < last {
            peer.background = true;
            (Turn::Back { at: now }, Outcome::Failed(Failure::OutOfTime))
        } else if back.is_some() || browser {
            failed(Failure::OutOfTime)
        } else {
            failed(Failure::NoBrowser)
        };
    }

    /// What is next for the peer that is being asked, when that came to nothing.
    pub(super) fn fail(&mut self, index: usize, why: Why, moment: &Moment) {
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let Turn::Open { channel, .. } = peer.turn else {
            return;
        };
        if let Why::Send(SendFailure::TimedOut | SendFailure::Fault) = why {
            peer.asked = true;
        }
        peer.outcome = peer.failure(why);
        peer.turn = Turn::Over;
        let foreground = !peer.background;
        let skipped = why == Why::Skipped;
        match channel {
            Channel::Back(_) if foreground && !skipped => {
                // An open circuit stays so for longer than anybody waits here.
                let hopeless = why == Why::Send(SendFailure::CircuitOpen);
                if hopeless || !self.try_again(index, moment) {
                    self.fall_back(index, moment);
                }
            }
            Channel::Frame(_) if !skipped && self.is_open(moment.now) => {
                self.set_turn(index, Turn::Front);
            }
            _ => self.put_off(index, moment),
        }
    }

    /// Puts the back channel back in the queue, if there is time before the answer.
    fn try_again(&mut self, index: usize, moment: &Moment) -> bool {
        let retries = self.policy.retries;
        let Some(peer) = self.peers.get_mut(index) else {
            return false;
        };
        let failures = peer.attempts;
        peer.attempts = failures.saturating_add(1);
        if peer.attempts >= u32::from(retries.attempts) {
            return false;
        }
        let wait = self.backoff(retries.first, Timing::MAX, failures, moment);
        let at = later(moment.now, wait);
        let in_time = at < self.back_end;
        if in_time {
            self.set_turn(index, Turn::Back { at });
        }
        in_time
    }

    /// The back channel is given up for now: the browser, if there is one, else later.
    pub(super) fn fall_back(&mut self, index: usize, moment: &Moment) {
        let open = self.is_open(moment.now) && self.initiator.has_browser();
        let in_frame = self.policy.frames;
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        match peer.channels.front {
            Some(_) if open && in_frame && peer.channels.frames => peer.turn = Turn::Frame,
            Some(_) if open => peer.turn = Turn::Front,
            _ => self.put_off(index, moment),
        }
    }

    /// Nobody waits for it any more: it is asked again in the background, if it can be.
    pub(super) fn put_off(&mut self, index: usize, moment: &Moment) {
        let retries = self.policy.retries;
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        peer.turn = Turn::Over;
        if peer.outcome == Outcome::Waiting {
            peer.outcome = peer.out_of_time();
        }
        if peer.channels.back.is_none() {
            return;
        }
        if !peer.background {
            peer.background = true;
            peer.attempts = 0;
        }
        let failures = peer.attempts;
        peer.attempts = failures.saturating_add(1);
        let (first, most) = (retries.background_first, retries.background_most);
        let at = later(moment.now, self.backoff(first, most, failures, moment));
        if at < self.last {
            self.set_turn(index, Turn::Back { at });
        }
    }

    /// When a session that could not be revoked is tried again, after so many failures.
    pub(super) fn next_revocation(
        &mut self,
        failures: u32,
        moment: &Moment,
    ) -> Option<DateTime<Utc>> {
        let retries = self.policy.retries;
        let (first, most) = (retries.background_first, retries.background_most);
        let at = later(moment.now, self.backoff(first, most, failures, moment));
        (at < self.last).then_some(at)
    }

    /// `first * 2^failures`, at most `most`, of which the latter half is drawn.
    fn backoff(
        &mut self,
        first: TimeDelta,
        most: TimeDelta,
        failures: u32,
        moment: &Moment,
    ) -> TimeDelta {
        let first = first.num_milliseconds().max(1);
        let doubled = first.saturating_mul(1 << failures.min(32));
        let full = doubled.min(most.num_milliseconds().max(1));
        let half = full / 2;
        let bound = u64::try_from(full.saturating_sub(half)).unwrap_or(1);
        let drawn = moment.below(bound, self.draw());
        let wait = half.saturating_add(1).saturating_add_unsigned(drawn);
        TimeDelta::try_milliseconds(wait).unwrap_or(most)
    }

    /// A number for each use of the moment's seed, so that no two are the same.
    pub(super) const fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        self.drawn
    }

    pub(super) fn set_turn(&mut self, index: usize, turn: Turn) {
        if let Some(peer) = self.peers.get_mut(index) {
            peer.turn = turn;
        }
    }
}
