//! What must hold at every step, and in the end, as seen from outside.

use crate::deal::{HOUR, Manner, Peer, Session};
use crate::random::Random;
use crate::world::instant;
use chrono::{DateTime, TimeDelta, Utc};
use federate_logout::*;
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId, Status, StatusCode};

/// Who remembers what happened.
pub(crate) struct Witness {
    start: LogoutStart,
    end: DateTime<Utc>,
    last: DateTime<Utc>,
    revocation: DateTime<Utc>,
    /// Sessions of which the machine was told something.
    settled: Vec<SessionKey>,
    revoked: Vec<SessionKey>,
    requests: Vec<(EntityId, MessageId)>,
    /// Peers that said plain success, by the request they answered.
    confirming: Vec<(EntityId, MessageId)>,
    /// Of those, the ones of which the machine was told.
    confirmed: Vec<EntityId>,
    /// Peers for which a request is known to have left.
    left: Vec<EntityId>,
    answer: Option<Answer>,
    hops: u32,
    /// The latest that any clock has shown.
    latest: DateTime<Utc>,
    /// Whether time goes by as it should: then it can be said what there was time for.
    clocks_agree: bool,
    /// What the pages showed last.
    shown: Option<Summary>,
}

impl Witness {
    pub(crate) fn new(start: &LogoutStart) -> Self {
        let timing = start.policy.bounded().timing;
        let end = instant(0) + timing.total;
        let binding = start
            .initiator
            .requester()
            .map(|requester| requester.binding);
        Self {
            start: start.clone(),
            end,
            last: (instant(0) + timing.background).max(end),
            revocation: (instant(0) + timing.revocation).min(end),
            settled: Vec::new(),
            revoked: Vec::new(),
            requests: Vec::new(),
            confirming: Vec::new(),
            confirmed: Vec::new(),
            left: Vec::new(),
            answer: None,
            hops: u32::from(binding == Some(Binding::HttpRedirect)),
            latest: instant(0),
            clocks_agree: true,
            shown: None,
        }
    }

    /// What depends on how much time there was is not judged.
    pub(crate) fn clocks_differ(&mut self) {
        self.clocks_agree = false;
    }

    pub(crate) fn began(&mut self, state: &Logout, effects: &[Effect]) {
        for effect in effects {
            self.effect(effect, state, instant(0));
        }
        self.shown = Some(self.state(state));
    }

    pub(crate) fn any_request(&self, random: &mut Random, or: MessageId) -> MessageId {
        match self.requests.len() {
            0 => or,
            some => self.requests[random.index(some)].1.clone(),
        }
    }

    /// A peer says plain success.
    pub(crate) fn confirms(&mut self, entity_id: &EntityId, request_id: &MessageId) {
        self.confirming
            .push((entity_id.clone(), request_id.clone()));
    }

    /// The answer is given: always the same.
    pub(crate) fn given(&mut self, answer: &Answer) {
        assert!(self.start.initiator.is_answered(), "nobody wants an answer");
        let first = self.answer.get_or_insert_with(|| answer.clone());
        assert_eq!(first, answer, "answered once, as far as content goes");
    }

    pub(crate) fn stepped(
        &mut self,
        before: &Logout,
        after: &Logout,
        event: &Event,
        effects: &[Effect],
        now: DateTime<Utc>,
    ) -> Vec<&'static str> {
        let mut seen = Vec::new();
        self.latest = self.latest.max(now);
        self.hear(event, before, now, &mut seen);
        for effect in effects {
            seen.extend(self.effect(effect, after, now));
        }
        let was = self.shown.take().unwrap();
        let is = self.state(after);
        match (before.answer(), after.answer()) {
            (None, Some(decided)) => self.decided(decided, &is),
            (was, is) => assert_eq!(was, is, "the answer stands"),
        }
        for (was, is) in was.applications.iter().zip(&is.applications) {
            assert_eq!(was.entity_id, is.entity_id);
            if was.outcome == Outcome::Confirmed {
                assert_eq!(is.outcome, Outcome::Confirmed, "a tick stays");
            } else if is.outcome == Outcome::Confirmed && before.is_done() {
                seen.push("confirmed in the background");
            }
        }
        self.shown = Some(is);
        if let Event::DeadlinePassed | Event::Resumed = event {
            assert!(
                after.due().is_none_or(|due| due > now),
                "what was due is done"
            );
            assert!(
                now < self.end || after.answer().is_some(),
                "beyond its time"
            );
            let idle = after.due().is_none() || after.stage() == Stage::Responding;
            assert!(now < self.last || idle, "beyond the last retry");
        }
        if after.due().is_none() {
            assert!(after.is_done(), "nothing would ever happen");
        }
        seen
    }

    fn hear(
        &mut self,
        event: &Event,
        before: &Logout,
        now: DateTime<Utc>,
        seen: &mut Vec<&'static str>,
    ) {
        let owner = |id: &MessageId| {
            let found = self.requests.iter().find(|(_, known)| known == id);
            found.map(|(entity_id, _)| entity_id.clone())
        };
        match event {
            Event::Revoked { session, .. } => {
                if now >= self.revocation && !self.revoked.contains(session) {
                    seen.push("late revocation");
                }
                self.settled.push(*session);
                self.revoked.push(*session);
            }
            // The time for whatever is under way is over.
            Event::AnswerNow if !before.is_done() => self.revocation = self.revocation.min(now),
            Event::UpstreamChosen { .. } if before.stage() == Stage::Upstream => self.hops = 0,
            Event::RevocationFailed { session } => self.settled.push(*session),
            Event::Sent { request_id }
            | Event::SendFailed {
                request_id,
                reason: SendFailure::TimedOut | SendFailure::Fault,
            } => self.left.extend(owner(request_id)),
            Event::ResponseReceived {
                entity_id,
                in_response_to,
                status,
            } => {
                self.left.extend(owner(in_response_to));
                let said = (entity_id.clone(), in_response_to.clone());
                if *status == Status::success() && self.confirming.contains(&said) {
                    self.confirmed.push(entity_id.clone());
                }
            }
            Event::Retry { entity_id } => {
                let shown = self.shown.iter();
                let mut lines = shown.flat_map(|s| s.applications.iter().chain(&s.upstreams));
                if lines.any(|line| line.entity_id == *entity_id && line.retriable) {
                    seen.push("retry by hand");
                }
            }
            _ => {}
        }
    }

    fn effect(
        &mut self,
        effect: &Effect,
        state: &Logout,
        now: DateTime<Utc>,
    ) -> Option<&'static str> {
        match effect {
            Effect::RevokeSession { session } => {
                assert!(!self.revoked.contains(session), "revoked already");
                assert!(self.start.sessions.contains(session));
                None
            }
            Effect::SendLogoutRequest(request) => self.request(request, now),
            Effect::ShowFrames(requests) => {
                assert!(self.start.policy.frames, "frames that nobody wanted");
                for request in requests {
                    assert!(matches!(request.channel, Channel::Frame(_)));
                    self.request(request, now);
                }
                self.hops = 0;
                Some("frames")
            }
            Effect::AskUpstream { upstreams, .. } => {
                assert!(!upstreams.is_empty());
                assert_eq!(self.start.policy.upstream, UpstreamPolicy::Ask);
                assert!(self.start.initiator.has_browser());
                None
            }
            Effect::Answer(answer) => {
                assert_eq!(Some(&answer.status), state.answer());
                self.given(answer);
                None
            }
            _ => None,
        }
    }

    fn request(
        &mut self,
        request: &LogoutRequestToSend,
        now: DateTime<Utc>,
    ) -> Option<&'static str> {
        // Nothing leaves before the hub's own sessions are over, or given up.
        let settled = |key: &SessionKey| self.settled.contains(key);
        let over = self.start.sessions.iter().all(settled);
        assert!(
            over || self.latest >= self.revocation,
            "a message leaves too early"
        );
        assert!(request.deadline > now, "no time to answer");
        assert!(now < self.last, "beyond the last retry");
        let initiator = match (&self.start.initiator, request.layer) {
            (Initiator::Participant(requester), Layer::Application)
            | (Initiator::Upstream(requester), Layer::Upstream) => Some(&requester.entity_id),
            _ => None,
        };
        assert_ne!(
            initiator,
            Some(&request.entity_id),
            "the initiator is not asked"
        );
        let known = (request.entity_id.clone(), request.request_id.clone());
        let again = self.requests.contains(&known);
        let behind = matches!(request.channel, Channel::Back(_));
        assert!(!(behind && again), "an ID is used twice");
        assert!(
            behind || self.start.initiator.has_browser(),
            "there is no browser"
        );
        if again {
            return None;
        }
        let earlier = self.requests.iter().any(|(peer, _)| *peer == known.0);
        self.requests.push(known);
        match request.channel {
            Channel::Front(FrontChannel::Redirect) if !request.interstitial => self.hops += 1,
            Channel::Front(_) => self.hops = 1,
            Channel::Back(_) | Channel::Frame(_) => {}
        }
        assert!(self.hops < 4, "too many redirects in a row");
        match (request.layer, behind) {
            (Layer::Upstream, _) => Some("upstream asked"),
            _ if request.interstitial => Some("interstitial"),
            (_, true) if self.answer.is_some() => Some("retry after the answer"),
            (_, true) => Some("back channel"),
            (_, false) if earlier => Some("fallback"),
            (_, false) => None,
        }
    }

    /// What the pages show is true.
    fn state(&self, state: &Logout) -> Summary {
        let summary = state.summary();
        assert_eq!(summary.finished, state.answer().is_some());
        let wanted = self.start.initiator.is_answered();
        assert_eq!(
            summary.finished && wanted,
            self.answer.is_some(),
            "an answer always comes"
        );
        let lines = || summary.applications.iter().chain(&summary.upstreams);
        for line in lines() {
            let has = |list: &[EntityId]| list.contains(&line.entity_id);
            match &line.outcome {
                Outcome::Confirmed => assert!(has(&self.confirmed), "a tick without a yes"),
                Outcome::Asked(_) | Outcome::Asking { sent: true } => {
                    assert!(has(&self.left), "asked is what was asked");
                }
                Outcome::Failed(Failure::NotSent | Failure::CircuitOpen) => {
                    assert!(line.retriable);
                }
                _ => {}
            }
        }
        let (all_revoked, all) = self.truth(&summary);
        assert_eq!(summary.complete, summary.finished && all_revoked && all);
        summary
    }

    /// Whether every session is over, and everybody who was to be asked is signed out.
    fn truth(&self, summary: &Summary) -> (bool, bool) {
        let mut sessions = self.start.sessions.iter();
        let confirmed = |line: &PeerResult| line.outcome == Outcome::Confirmed;
        let not_asked = |line: &PeerResult| line.outcome == Outcome::NotAsked;
        let above = |line: &PeerResult| confirmed(line) || not_asked(line);
        (
            sessions.all(|session| self.revoked.contains(session)),
            self.start.untold == 0
                && summary.applications.iter().all(confirmed)
                && summary.upstreams.iter().all(above),
        )
    }

    /// The answer says what is so when it is decided.
    fn decided(&self, status: &Status, summary: &Summary) {
        let unknown = self.start.unknown_principal && self.start.sessions.is_empty();
        let expected = match self.truth(summary) {
            _ if unknown => {
                Status::with_subcode(StatusCode::Requester, StatusCode::UnknownPrincipal)
            }
            (false, _) => Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout),
            (true, false) => Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout),
            (true, true) => Status::success(),
        };
        assert_eq!(*status, expected, "the answer is not what is so");
    }

    /// What must have come of it, and what it had in it.
    pub(crate) fn ended(
        &self,
        state: &Logout,
        peers: &[Peer],
        sessions: &[Session],
    ) -> Vec<&'static str> {
        assert!(state.is_done() && state.due().is_none());
        let mut seen = Vec::new();
        let summary = state.summary();
        for session in sessions.iter().filter(|s| self.revoked.contains(&s.key)) {
            for n in session.participants.iter().chain(&session.upstream) {
                self.was_told(&peers[*n], &summary);
            }
        }
        let status = state.answer().unwrap();
        if !self.start.initiator.is_answered() {
            assert_eq!(self.answer, None);
            seen.push("no answer wanted");
        }
        seen.push(match (&status.code, &status.subcode) {
            (StatusCode::Success, None) => "success",
            (StatusCode::Success, Some(StatusCode::PartialLogout)) => "partial",
            (StatusCode::Responder, Some(StatusCode::PartialLogout)) => "the hub's session goes on",
            (StatusCode::Requester, Some(StatusCode::UnknownPrincipal)) => "unknown principal",
            other => panic!("an unknown answer: {other:?}"),
        });
        let not_asked = |line: &PeerResult| line.outcome == Outcome::NotAsked;
        if summary.upstreams.iter().any(not_asked) {
            seen.push("upstream left alone");
        }
        // Whoever comes back in time is told in the end.
        if self.clocks_agree && self.last >= instant(24 * HOUR) {
            assert_eq!(summary.hub, HubOutcome::Ended, "the hub's sessions end");
        }
        seen
    }

    /// Every peer that can be reached was told, or its line says why not.
    fn was_told(&self, peer: &Peer, summary: &Summary) {
        let mut lines = match peer.upstream {
            true => summary.upstreams.iter(),
            false => summary.applications.iter(),
        };
        let requester = match (&self.start.initiator, peer.upstream) {
            (Initiator::Participant(requester), false) | (Initiator::Upstream(requester), true) => {
                Some(&requester.entity_id)
            }
            _ => None,
        };
        if requester == Some(&peer.entity_id) {
            assert!(lines.all(|line| line.entity_id != peer.entity_id));
            return;
        }
        let mut found = false;
        for line in lines.filter(|line| line.entity_id == peer.entity_id) {
            found = true;
            let asked = self.requests.iter().any(|(who, _)| *who == peer.entity_id);
            let channels = peer.channels;
            let browser = self.start.initiator.has_browser();
            match &line.outcome {
                Outcome::Waiting | Outcome::Asking { .. } => panic!("still {:?}", line.outcome),
                Outcome::NotSupported => {
                    assert!(channels.back.is_none() && channels.front.is_none())
                }
                Outcome::NotAsked => assert!(peer.upstream || !self.start.policy.tell),
                Outcome::Failed(Failure::NoBrowser) => {
                    assert!(channels.back.is_none() && !browser);
                }
                Outcome::Failed(Failure::OutOfTime) => {}
                _ => assert!(asked, "{line:?} was not asked"),
            }
            // A day is enough to reach who comes back.
            let recovers = matches!(peer.manner, Manner::Recovers { .. });
            let reachable = channels.back.is_some() && !matches!(line.outcome, Outcome::NotAsked);
            if self.clocks_agree
                && recovers
                && reachable
                && self.last >= instant(0) + TimeDelta::hours(24)
            {
                assert_eq!(line.outcome, Outcome::Confirmed, "told in the end");
            }
        }
        assert!(found, "{peer:?} is not in the summary");
    }
}
