//! What time and the phases bring.

use crate::message::{Effect, Layer};
use crate::moment::Moment;
use crate::outcome::HubOutcome;
use crate::peer::{Peer, Turn, Why};
use crate::policy::UpstreamPolicy;
use crate::state::{Decision, HubSession, Logout, Phase, Revocation, later};
use federate_session::SessionKey;
use federate_types::{Binding, Status, StatusCode};

impl Logout {
    /// Goes as far as one can go now. Doing it twice is doing it once.
    pub(super) fn advance(&mut self, moment: &Moment, effects: &mut Vec<Effect>) {
        self.expire_phase(moment);
        self.expire_peers(moment);
        self.retry_revocations(moment, effects);
        while self.next_phase(moment, effects) {}
        self.ask(moment, effects);
    }

    fn expire_phase(&mut self, moment: &Moment) {
        let now = moment.now;
        match &self.phase {
            Phase::Revoking { deadline } if now >= *deadline => self.give_up_revocations(moment),
            Phase::Choosing { deadline } if now >= *deadline => self.choose(false, moment),
            // Nobody fetched it: a page still shows it.
            Phase::Responding { decision, deadline } if now >= *deadline => {
                self.phase = Phase::Done {
                    decision: decision.clone(),
                };
            }
            _ => {}
        }
    }

    /// Sessions whose end nobody has told of count as not revoked.
    fn give_up_revocations(&mut self, moment: &Moment) {
        let pending = |session: &&HubSession| session.state == Revocation::Pending;
        let pending = self.sessions.iter().filter(pending);
        let keys: Vec<_> = pending.map(|session| session.key).collect();
        for key in keys {
            self.plan_revocation(key, moment);
        }
    }

    /// The time is over before its end. Says whether that changed anything.
    pub(super) fn answer_now(&mut self, moment: &Moment) -> bool {
        if self.is_decided() {
            return false;
        }
        self.end = self.end.min(moment.now);
        self.back_end = self.back_end.min(moment.now);
        match self.phase {
            Phase::Revoking { .. } => self.give_up_revocations(moment),
            Phase::Choosing { .. } => self.choose(false, moment),
            _ => {}
        }
        for index in 0..self.peers.len() {
            let Some(peer) = self.peers.get_mut(index) else {
                continue;
            };
            if peer.is_open_in_front() || peer.is_open_in_frame() {
                self.fail(index, Why::Deadline, moment);
            } else if peer.is_open_behind() && !peer.background {
                peer.outcome = peer.failure(Why::Deadline);
                peer.background = true;
                peer.attempts = 0;
            }
        }
        true
    }

    fn expire_peers(&mut self, moment: &Moment) {
        let now = moment.now;
        let undecided_end = !self.is_decided() && now >= self.end;
        for index in 0..self.peers.len() {
            let Some(peer) = self.peers.get(index) else {
                continue;
            };
            match peer.turn {
                Turn::Open { deadline, .. } if now >= deadline => {
                    self.fail(index, Why::Deadline, moment);
                }
                Turn::Back { .. } if !peer.background && now >= self.back_end => {
                    self.fall_back(index, moment);
                }
                Turn::Back { .. } if now >= self.last => self.put_off(index, moment),
                _ => {}
            }
            // What fell back a moment ago has no time left either.
            let waits = self.peers.get(index).map(|peer| peer.turn);
            if let Some(Turn::Front | Turn::Frame) = waits
                && (undecided_end || now >= self.last)
            {
                self.put_off(index, moment);
            }
        }
    }

    /// The hub's own sessions are tried until they are over.
    fn retry_revocations(&mut self, moment: &Moment, effects: &mut Vec<Effect>) {
        let due = |session: &&HubSession| match session.state {
            Revocation::Failed { retry_at } => retry_at.is_some_and(|at| at <= moment.now),
            Revocation::Pending | Revocation::Revoked => false,
        };
        let due = self.sessions.iter().filter(due);
        let keys: Vec<_> = due.map(|session| session.key).collect();
        for key in keys {
            self.plan_revocation(key, moment);
            if moment.now < self.last {
                effects.push(Effect::RevokeSession { session: key });
            }
        }
    }

    /// A session counts as not revoked, and is tried again after a while.
    pub(super) fn plan_revocation(&mut self, key: SessionKey, moment: &Moment) {
        let known = self.sessions.iter().position(|session| session.key == key);
        let failures = known
            .and_then(|index| self.sessions.get(index))
            .map_or(0, |session| session.attempts);
        let retry_at = self.next_revocation(failures, moment);
        if let Some(session) = known.and_then(|index| self.sessions.get_mut(index)) {
            session.attempts = failures.saturating_add(1);
            session.state = Revocation::Failed { retry_at };
        }
    }

    /// Goes from one phase to the next, if this one has nothing left to do.
    fn next_phase(&mut self, moment: &Moment, effects: &mut Vec<Effect>) -> bool {
        let layer = match self.phase {
            Phase::Revoking { .. } => {
                let revoked = self.hub_outcome() != HubOutcome::Revoking;
                if revoked {
                    self.begin(Layer::Application, moment);
                }
                return revoked;
            }
            Phase::Telling { layer } => layer,
            Phase::Choosing { .. } | Phase::Responding { .. } | Phase::Done { .. } => return false,
        };
        if self.peers.iter().any(Peer::holds_answer) {
            return false;
        }
        let held = self.peers.iter().any(|peer| peer.turn == Turn::Held);
        let choose = self.policy.upstream == UpstreamPolicy::Ask && self.is_open(moment.now);
        match layer {
            Layer::Application if held && choose => {
                let wait = self.policy.timing.choice;
                self.phase = Phase::Choosing {
                    deadline: later(moment.now, wait).min(self.end),
                };
                effects.extend(self.question());
                false
            }
            Layer::Application => {
                self.begin(Layer::Upstream, moment);
                true
            }
            Layer::Upstream => {
                self.respond(moment, effects);
                true
            }
        }
    }

    /// A layer's turn comes.
    fn begin(&mut self, layer: Layer, moment: &Moment) {
        let timing = self.policy.timing;
        // A SOAP requester holds its connection open.
        let waits = self.initiator.has_browser()
            || (self.initiator.is_answered()
                && self
                    .initiator
                    .requester()
                    .is_some_and(|requester| requester.binding == Binding::Soap));
        let budget = if waits {
            timing.back_channel
        } else {
            timing.back_channel_unwatched
        };
        self.back_end = later(moment.now, budget).min(self.end);
        self.phase = Phase::Telling { layer };
        for index in 0..self.peers.len() {
            let held = |peer: &&Peer| peer.turn == Turn::Held && peer.layer == layer;
            if self.peers.get(index).filter(held).is_some() {
                self.assign(index, moment);
            }
        }
    }

    pub(super) fn choose(&mut self, ask: bool, moment: &Moment) {
        self.chosen = Some(ask);
        self.begin(Layer::Upstream, moment);
    }

    /// `[SAMLProf] 4.4.3.5`: whoever asked is answered, with what came of it.
    fn respond(&mut self, moment: &Moment, effects: &mut Vec<Effect>) {
        let decision = Decision {
            response_id: moment.id(self.draw()),
            at: moment.now,
            status: self.status(),
        };
        if self.initiator.is_answered() {
            let deadline = later(moment.now, self.policy.timing.answer);
            self.phase = Phase::Responding { decision, deadline };
        } else {
            self.phase = Phase::Done { decision };
        }
        effects.extend(self.answer_to_give().map(Effect::Answer));
    }

    /// [SAMLCore] 3.7.3.2: PartialLogout is a second-level code ([SAMLCore] 3.2.2.2). It
    /// stands below Success, or below Responder when the hub's own session goes on.
    fn status(&self) -> Status {
        if self.unknown_principal {
            Status::with_subcode(StatusCode::Requester, StatusCode::UnknownPrincipal)
        } else if self.hub_outcome() != HubOutcome::Ended {
            Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout)
        } else if self.all_confirmed() {
            Status::success()
        } else {
            Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout)
        }
    }
}
