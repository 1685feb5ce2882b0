use crate::message::{Effect, Event, LogoutRequestToSend};
use crate::moment::Moment;
use crate::outcome::{Failure, NoAnswer, Outcome};
use crate::peer::{Peer, Turn, Why};
use crate::policy::LogoutPolicy;
use crate::start::LogoutStart;
use crate::state::{HubSession, Logout, Phase, Revocation, later};
use crate::stored_status;
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId, Status};

mod advance;
mod ask;
mod peers;

/// Takes a logout from one state to the next.
///
/// Pure and total: an event that does not fit the state (late, repeated, of another message)
/// changes nothing and asks for nothing. The caller stores the new state before it carries
/// out the effects.
#[must_use]
pub fn step(mut state: Logout, event: Event, moment: Moment) -> (Logout, Vec<Effect>) {
    let resumed = matches!(event, Event::Resumed);
    let mut effects = Vec::new();
    if state.apply(event, &moment, &mut effects) {
        state.advance(&moment, &mut effects);
    }
    if resumed {
        let outstanding = state.outstanding();
        effects.retain(|effect| !outstanding.contains(effect));
        effects.extend(outstanding);
    }
    (state, effects)
}

impl Logout {
    /// A new logout and what to do first: revoke every session, or, when there is none,
    /// answer at once (`[SAMLCore] 3.7.3.2`: no session is not an error).
    #[must_use]
    pub fn start(start: LogoutStart, moment: Moment) -> (Self, Vec<Effect>) {
        let policy = LogoutPolicy {
            upstream: start.upstream_policy(),
            ..start.policy.bounded()
        };
        let timing = policy.timing;
        let mut keys = start.sessions;
        keys.sort_unstable();
        keys.dedup();
        let end = later(moment.now, timing.total);
        let initiator = start.initiator.bounded();
        let redirected = initiator
            .requester()
            .is_some_and(|requester| requester.binding == Binding::HttpRedirect);
        let mut logout = Self {
            initiator,
            policy,
            unknown_principal: start.unknown_principal && keys.is_empty(),
            end,
            last: later(moment.now, timing.background).max(end),
            back_end: moment.now,
            sessions_left_out: keys.len().saturating_sub(Self::MAX_SESSIONS),
            sessions: keys
                .into_iter()
                .take(Self::MAX_SESSIONS)
                .map(|key| HubSession {
                    key,
                    state: Revocation::Pending,
                    attempts: 0,
                })
                .collect(),
            peers: Vec::new(),
            left_out: start.untold,
            chosen: None,
            hops: u8::from(redirected),
            drawn: 0,
            phase: Phase::Revoking {
                deadline: later(moment.now, timing.revocation).min(end),
            },
        };
        let mut effects = logout.outstanding();
        logout.advance(&moment, &mut effects);
        (logout, effects)
    }

    /// Says whether the event meant anything.
    fn apply(&mut self, event: Event, moment: &Moment, effects: &mut Vec<Effect>) -> bool {
        match event {
            Event::Revoked {
                session,
                participants,
                upstream,
            } => {
                let revoked = self.settle_session(session, Revocation::Revoked);
                if revoked {
                    for participant in participants {
                        self.add_application(participant, moment);
                    }
                    if let Some(upstream) = upstream {
                        self.add_upstream(upstream, moment);
                    }
                }
                revoked
            }
            Event::RevocationFailed { session } => {
                let failed = self.settle_session(session, Revocation::Failed { retry_at: None });
                if failed {
                    self.plan_revocation(session, moment);
                }
                failed
            }
            Event::Sent { request_id } => self.sent(&request_id),
            Event::SendFailed { request_id, reason } => {
                self.came_to_nothing(&request_id, Why::Send(reason), moment)
            }
            Event::Skipped { request_id } => {
                self.came_to_nothing(&request_id, Why::Skipped, moment)
            }
            Event::ResponseReceived {
                entity_id,
                in_response_to,
                status,
            } => self.response(&entity_id, &in_response_to, status),
            Event::Retry { entity_id } => self.retry(&entity_id, moment, effects),
            Event::UpstreamChosen { ask } => self.upstream_chosen(ask, moment),
            Event::DeadlinePassed | Event::Resumed => true,
            Event::Answered => self.answered(),
            Event::AnswerNow => self.answer_now(moment),
        }
    }

    /// Says whether this changed anything.
    fn settle_session(&mut self, key: SessionKey, to: Revocation) -> bool {
        match self.sessions.iter_mut().find(|session| session.key == key) {
            Some(session)
                if session.state == Revocation::Pending
                    || (session.state != Revocation::Revoked && to == Revocation::Revoked) =>
            {
                session.state = to;
                true
            }
            _ => false,
        }
    }

    fn sent(&mut self, request_id: &MessageId) -> bool {
        let Some(peer) = self
            .peers
            .iter_mut()
            .find(|peer| peer.requests.contains(request_id))
        else {
            return false;
        };
        let before = (peer.turn, peer.asked);
        peer.asked = true;
        if peer.is_open_by(request_id)
            && let Turn::Open { sent, .. } = &mut peer.turn
        {
            *sent = true;
        } else if peer.outcome == Outcome::Failed(Failure::NotSent) {
            peer.outcome = Outcome::Asked(NoAnswer::TimedOut);
        }
        before != (peer.turn, peer.asked)
    }

    fn came_to_nothing(&mut self, request_id: &MessageId, why: Why, moment: &Moment) -> bool {
        let open = self.peers.iter().position(|p| p.is_open_by(request_id));
        if let Some(index) = open {
            self.fail(index, why, moment);
        }
        open.is_some()
    }

    fn response(
        &mut self,
        entity_id: &EntityId,
        in_response_to: &MessageId,
        status: Status,
    ) -> bool {
        // Matched by InResponseTo and the peer's name alone ([SAMLCore] 3.2.2).
        let Some(peer) = self
            .peers
            .iter_mut()
            .find(|peer| peer.entity_id == *entity_id && peer.requests.contains(in_response_to))
        else {
            return false;
        };
        peer.asked = true;
        // Success with PartialLogout below it says that something is still signed in.
        if status.is_success() && status.subcode.is_none() {
            peer.outcome = Outcome::Confirmed;
            peer.turn = Turn::Over;
            peer.requests.clear();
            return true;
        }
        // An answer is no failure of transport: nobody asks again unless somebody wants it.
        // While a later request is on its way, that one's answer counts.
        if !matches!(peer.turn, Turn::Open { .. }) || peer.is_open_by(in_response_to) {
            peer.outcome = Outcome::Failed(Failure::Status(stored_status::bounded(status)));
            peer.turn = Turn::Over;
        }
        // The first answer to a request is the one that counts.
        peer.requests.retain(|request| request != in_response_to);
        true
    }

    /// Whoever wants it is there: by the front channel if there is one, else behind.
    fn retry(&mut self, entity_id: &EntityId, moment: &Moment, effects: &mut Vec<Effect>) -> bool {
        let wanted = |logout: &Self, index: usize| {
            let peer = logout.peers.get(index);
            peer.is_some_and(|peer| peer.entity_id == *entity_id && logout.is_retriable(peer))
        };
        let known = (0..self.peers.len()).any(|index| wanted(self, index));
        if !known || moment.now >= self.last {
            return false;
        }
        // What time took away before does not take the wish with it.
        self.advance(moment, effects);
        let browser = self.initiator.has_browser();
        for index in 0..self.peers.len() {
            if !wanted(self, index) {
                continue;
            }
            let Some(peer) = self.peers.get_mut(index) else {
                continue;
            };
            // What is under way behind is not asked twice at once.
            if !matches!(peer.turn, Turn::Open { .. }) {
                peer.turn = if browser && peer.channels.front.is_some() {
                    Turn::Front
                } else {
                    peer.background = true;
                    Turn::Back { at: moment.now }
                };
            }
            peer.outcome = Outcome::Waiting;
        }
        true
    }

    fn upstream_chosen(&mut self, ask: bool, moment: &Moment) -> bool {
        let choosing = matches!(self.phase, Phase::Choosing { .. });
        if choosing {
            self.hops = 0; // chosen on a page
            self.choose(ask, moment);
        }
        choosing
    }

    fn answered(&mut self) -> bool {
        let Phase::Responding { decision, .. } = &self.phase else {
            return false;
        };
        self.phase = Phase::Done {
            decision: decision.clone(),
        };
        true
    }

    /// What the present phase waits for, but for what is under way by back channel.
    fn outstanding(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Phase::Revoking { .. } = self.phase {
            let pending = |session: &&HubSession| session.state == Revocation::Pending;
            let sessions = self.sessions.iter().filter(pending);
            effects.extend(sessions.map(|session| Effect::RevokeSession {
                session: session.key,
            }));
        }
        let open = |is: fn(&Peer) -> bool| -> Vec<LogoutRequestToSend> {
            let which = (0..self.peers.len()).filter(|n| self.peers.get(*n).is_some_and(is));
            which.filter_map(|index| self.request(index)).collect()
        };
        let frames = open(Peer::is_open_in_frame);
        if !frames.is_empty() {
            effects.push(Effect::ShowFrames(frames));
        }
        let front = open(Peer::is_open_in_front);
        effects.extend(front.into_iter().map(Effect::SendLogoutRequest));
        effects.extend(self.question());
        effects.extend(self.answer_to_give().map(Effect::Answer));
        effects
    }

    /// What the person is asked.
    fn question(&self) -> Option<Effect> {
        let Phase::Choosing { deadline } = self.phase else {
            return None;
        };
        let held = self.peers.iter().filter(|peer| peer.turn == Turn::Held);
        let mut upstreams: Vec<_> = held.map(|peer| peer.entity_id.clone()).collect();
        upstreams.dedup();
        Some(Effect::AskUpstream {
            upstreams,
            deadline,
        })
    }
}

#[cfg(test)]
mod tests;
