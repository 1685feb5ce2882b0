//! Whose turn it is, and the requests that ask them.

use crate::message::{Channel, Effect, FrontChannel, LogoutRequestToSend};
use crate::moment::Moment;
use crate::peer::{Peer, Turn};
use crate::state::{Logout, Phase, later};
use chrono::{DateTime, TimeDelta, Utc};

/// How many peers in a row the browser is redirected to before it must see a page: two
/// redirects each, and browsers stop after 20 (the fetch standard's number).
const STRAIGHT_HOPS: u8 = 3;

impl Logout {
    /// Asks whoever can be asked now.
    pub(super) fn ask(&mut self, moment: &Moment, effects: &mut Vec<Effect>) {
        // Nothing leaves before the hub's own sessions are over, or given up.
        if matches!(self.phase, Phase::Revoking { .. }) {
            return;
        }
        self.ask_behind(moment, effects);
        // The browser waits while something may still be done without it, and while the
        // person is asked something.
        let choosing = matches!(self.phase, Phase::Choosing { .. });
        if choosing || self.peers.iter().any(Peer::holds_back_channel) {
            return;
        }
        self.ask_in_frames(moment, effects);
        self.ask_in_front(moment, effects);
    }

    /// As many as there is room for, those first that the answer waits for.
    fn ask_behind(&mut self, moment: &Moment, effects: &mut Vec<Effect>) {
        let mut room = self.room_behind();
        for background in [false, true] {
            for index in 0..self.peers.len() {
                let Some(peer) = self.peers.get(index) else {
                    continue;
                };
                let due = matches!(peer.turn, Turn::Back { at } if at <= moment.now);
                let Some(back) = peer.channels.back else {
                    continue;
                };
                if room == 0 || !due || peer.background != background {
                    continue;
                }
                room = room.saturating_sub(1);
                let end = if background { self.last } else { self.back_end };
                let deadline = later(moment.now, self.policy.timing.attempt).min(end);
                self.open(index, Channel::Back(back), deadline, false, moment);
                effects.extend(self.request(index).map(Effect::SendLogoutRequest));
            }
        }
    }

    /// Those that are safe for it together; those beyond the most of one page by themselves.
    fn ask_in_frames(&mut self, moment: &Moment, effects: &mut Vec<Effect>) {
        if self.peers.iter().any(Peer::is_open_in_frame) {
            return;
        }
        let waits = |peer: &Peer| peer.turn == Turn::Frame;
        let indexes = (0..self.peers.len()).filter(|n| self.peers.get(*n).is_some_and(waits));
        let indexes: Vec<_> = indexes.collect();
        let deadline = self.browser_deadline(self.policy.timing.frames, moment);
        let mut shown = Vec::new();
        for index in indexes {
            let front = self.peers.get(index).and_then(|peer| peer.channels.front);
            match front {
                Some(front) if shown.len() < Self::MAX_FRAMES => {
                    self.open(index, Channel::Frame(front), deadline, false, moment);
                    shown.extend(self.request(index));
                }
                _ => self.set_turn(index, Turn::Front),
            }
        }
        if !shown.is_empty() {
            self.hops = 0; // a page
            effects.push(Effect::ShowFrames(shown));
        }
    }

    /// `[SAMLProf] 4.4.3.3`: one at a time, for there is one browser.
    fn ask_in_front(&mut self, moment: &Moment, effects: &mut Vec<Effect>) {
        let busy = |peer: &Peer| peer.is_open_in_front() || peer.is_open_in_frame();
        if self.peers.iter().any(busy) {
            return;
        }
        let waits = |peer: &Peer| peer.turn == Turn::Front;
        let Some(index) = self.peers.iter().position(waits) else {
            return;
        };
        let Some(front) = self.peers.get(index).and_then(|peer| peer.channels.front) else {
            return;
        };
        let interstitial = self.hop(front);
        let deadline = self.browser_deadline(self.policy.timing.participant, moment);
        self.open(index, Channel::Front(front), deadline, interstitial, moment);
        effects.extend(self.request(index).map(Effect::SendLogoutRequest));
    }

    fn browser_deadline(&self, wait: TimeDelta, moment: &Moment) -> DateTime<Utc> {
        let end = if self.is_decided() {
            self.last
        } else {
            self.end
        };
        later(moment.now, wait).min(end)
    }

    /// Counts a hop, and says whether a page must come before it. A form that posts itself
    /// is a page.
    const fn hop(&mut self, front: FrontChannel) -> bool {
        let posted = matches!(front, FrontChannel::Post);
        let interstitial = self.hops >= STRAIGHT_HOPS && !posted;
        self.hops = if interstitial || posted {
            1
        } else {
            self.hops.saturating_add(1)
        };
        interstitial
    }

    fn open(
        &mut self,
        index: usize,
        channel: Channel,
        deadline: DateTime<Utc>,
        interstitial: bool,
        moment: &Moment,
    ) {
        // [SAMLCore] 1.3.4: a new message has a new ID. A peer that remembers the IDs it saw
        // takes the second attempt for what it is.
        let request_id = moment.id(self.draw());
        if let Some(peer) = self.peers.get_mut(index) {
            peer.remember(request_id);
            peer.turn = Turn::Open {
                channel,
                deadline,
                sent: false,
                interstitial,
            };
        }
    }

    /// `[SAMLProf] 4.4.3.3`: what a peer is asked, if it is being asked.
    pub(super) fn request(&self, index: usize) -> Option<LogoutRequestToSend> {
        let peer = self.peers.get(index)?;
        let Turn::Open {
            channel,
            deadline,
            interstitial,
            ..
        } = peer.turn
        else {
            return None;
        };
        let of_layer = |other: &&Peer| other.layer == peer.layer;
        let before = self.peers.iter().take(index).filter(of_layer).count();
        Some(LogoutRequestToSend {
            request_id: peer.requests.last()?.clone(),
            entity_id: peer.entity_id.clone(),
            layer: peer.layer,
            channel,
            name_id: peer.name_id.clone(),
            session_indexes: peer.session_indexes.clone(),
            position: before.saturating_add(1),
            of: self.peers.iter().filter(of_layer).count(),
            deadline,
            interstitial,
        })
    }
}
