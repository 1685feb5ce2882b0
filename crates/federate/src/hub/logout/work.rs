//! What a logout asks of its hub: sessions to end, and peers to ask without a browser.

use super::super::Hub;
use super::expiry::watched;
use crate::back_channel::{AnyBackChannel, BackChannel, BackChannelError};
use crate::error::{Denial, FederateError};
use crate::store::Store;
use crate::transport::{Outgoing, Received};
use chrono::{DateTime, TimeDelta, Utc};
use federate_logout::{
    Answer, Channel, CircuitBreaker, Effect, Event, Initiator, Journal, Layer, LogoutRequestToSend,
    Moment, RevokedParticipant, RevokedUpstream, SendFailure,
};
use federate_session::{
    Claimed, EndReason, LogoutKey, Participant, ParticipantQuery, SessionKey, SessionSnapshot,
    StoreError, Termination, UpstreamSession, Versioned,
};
use federate_types::EntityId;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// How long a worker has for the due work that it was given.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// How many logins may overtake the end of one session; beyond, it is tried again later.
const MAX_SUCCESSORS: usize = 4;

/// How much work waits in memory for a worker; beyond, the store gives it out when it is due.
const WAITING: usize = 4096;

/// What waits for a worker of this node, and which peers failed of late.
#[derive(Default)]
pub(crate) struct Backlog {
    breaker: Mutex<CircuitBreaker>,
    waiting: Mutex<VecDeque<LogoutWork>>,
    arrived: Notify,
}

/// What one logout has to do that needs no browser: requests, or what is due.
///
/// Hand it to [`Hub::carry_out`]. When it is lost, nothing else is: the requests' deadlines pass,
/// and they are made anew; what is due is due again.
#[derive(Debug)]
#[must_use]
pub struct LogoutWork {
    key: LogoutKey,
    task: Task,
}

#[derive(Debug)]
enum Task {
    /// Peers to ask.
    Ask(Vec<LogoutRequestToSend>),
    /// A logout to be loaded, and gone on with.
    GoOn,
    /// A session that may have expired, as it was found watched.
    Look(SessionKey, Versioned),
}

/// A peer that was asked directly and did not answer as a peer does.
#[derive(Debug)]
pub struct PeerFailure {
    /// Which one.
    pub peer: EntityId,
    /// Why; for the operator.
    pub error: FederateError,
}

impl LogoutWork {
    pub(super) const fn new(key: LogoutKey, requests: Vec<LogoutRequestToSend>) -> Self {
        let task = Task::Ask(requests);
        Self { key, task }
    }

    fn due(claimed: Claimed) -> Self {
        let Claimed { key, state } = claimed;
        let task = match watched(&state.value) {
            Some(session) => Task::Look(session, state),
            None => Task::GoOn,
        };
        Self { key, task }
    }
}

impl<S: Store> Hub<S> {
    /// Asks applications and identity providers that have a SOAP service for single logout by
    /// this channel, without the browser. Run [`next_work`](Self::next_work) and
    /// [`due_work`](Self::due_work) then; `federate-axum` does.
    #[must_use]
    pub fn with_back_channel(mut self, channel: impl BackChannel + 'static) -> Self {
        self.back_channel = AnyBackChannel::new(channel);
        self
    }

    /// Waits for work of a logout that began or went on at this node.
    pub async fn next_work(&self) -> LogoutWork {
        loop {
            let arrived = self.backlog.arrived.notified();
            if let Some(work) = lock(&self.backlog.waiting).pop_front() {
                return work;
            }
            arrived.await;
        }
    }

    /// Asks everybody that this work names, at once, and goes on with the logout as they
    /// answer. Gives who did not answer as a peer does, for the operator's log.
    ///
    /// # Errors
    /// Failures of the store, when everybody has answered all the same; what was not written is
    /// then found again when it is due.
    pub async fn carry_out(&self, work: LogoutWork) -> Result<Vec<PeerFailure>, FederateError> {
        let key = work.key;
        let requests = match work.task {
            Task::Ask(requests) => requests,
            Task::GoOn => {
                let mut requests = Vec::new();
                // What another node had begun, then what is late.
                for event in [Event::Resumed, Event::DeadlinePassed] {
                    requests.extend(self.go_on(&key, event).await?.1);
                }
                requests
            }
            Task::Look(session, watch) => {
                self.look_at_watched(session, &key, watch).await?;
                return Ok(Vec::new());
            }
        };
        let (mut failures, mut failed) = (Vec::new(), None);
        let mut asking: FuturesUnordered<_> = requests
            .into_iter()
            .map(|request| self.ask(request))
            .collect();
        while let Some(asked) = asking.next().await {
            let Some((event, failure)) = asked else {
                continue;
            };
            failures.extend(failure);
            // The others are under way, and their answers count.
            match self.go_on(&key, event).await {
                Ok((_, more)) => asking.extend(more.into_iter().map(|request| self.ask(request))),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(failures), Err)
    }

    /// Claims up to `limit` logouts that are due: deadlines that passed, retries, and what
    /// another node left when it died. Call it every second or so, and at once when it gave as
    /// many as it was asked for: there may be more. No other node gets them for half a minute.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn due_work(&self, limit: usize) -> Result<Vec<LogoutWork>, FederateError> {
        let (scope, now) = (self.logout_scope(), self.now());
        let claimed = self.store.claim_due(scope, now, LEASE, limit).await?;
        Ok(claimed.into_iter().map(LogoutWork::due).collect())
    }

    /// Claims [`due_work`](Self::due_work) and carries all of it out, for who has no tasks to
    /// spread it over; it takes as long as the slowest peer. Gives what
    /// [`carry_out`](Self::carry_out) does.
    ///
    /// # Errors
    /// Failures of the store. A logout that cannot be carried on does not keep the others.
    pub async fn carry_out_due(&self, limit: usize) -> Result<Vec<PeerFailure>, FederateError> {
        let claimed = self.due_work(limit).await?.into_iter();
        let mut going_on: FuturesUnordered<_> = claimed.map(|work| self.carry_out(work)).collect();
        let (mut failures, mut failed) = (Vec::new(), None);
        while let Some(outcome) = going_on.next().await {
            match outcome {
                Ok(more) => failures.extend(more),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(failures), Err)
    }

    /// Takes a step, and gives what the browser is needed for.
    pub(super) async fn advance(
        &self,
        key: &LogoutKey,
        event: Event,
    ) -> Result<Vec<Effect>, FederateError> {
        let (others, requests) = self.go_on(key, event).await?;
        self.leave_to_workers(key, requests);
        Ok(others)
    }

    /// Takes a step, ends the sessions that it wants ended, and gives what else is to be done:
    /// with the browser, and without.
    pub(super) async fn go_on(
        &self,
        key: &LogoutKey,
        event: Event,
    ) -> Result<(Vec<Effect>, Vec<LogoutRequestToSend>), FederateError> {
        let effects = self.journal().advance(key, event, self.moment()?).await?;
        self.revoke(key, effects).await
    }

    pub(super) fn leave_to_workers(&self, key: &LogoutKey, requests: Vec<LogoutRequestToSend>) {
        if requests.is_empty() {
            return;
        }
        let mut waiting = lock(&self.backlog.waiting);
        if waiting.len() < WAITING {
            waiting.push_back(LogoutWork::new(*key, requests));
            self.backlog.arrived.notify_one();
        }
    }

    /// Ends the sessions that a step wants ended, before any message leaves, and gives what
    /// else is to be done: with the browser, and without.
    pub(super) async fn revoke(
        &self,
        key: &LogoutKey,
        effects: Vec<Effect>,
    ) -> Result<(Vec<Effect>, Vec<LogoutRequestToSend>), FederateError> {
        let mut waiting = VecDeque::from(effects);
        let (mut others, mut requests) = (Vec::new(), Vec::new());
        while let Some(effect) = waiting.pop_front() {
            match effect {
                Effect::RevokeSession { session } => {
                    let event = self.revoke_session(key, session, self.now()).await;
                    waiting.extend(self.journal().advance(key, event, self.moment()?).await?);
                }
                Effect::SendLogoutRequest(request) if is_behind(request.channel) => {
                    requests.push(request);
                }
                other => others.push(other),
            }
        }
        Ok((others, requests))
    }

    async fn revoke_session(
        &self,
        by: &LogoutKey,
        session: SessionKey,
        now: DateTime<Utc>,
    ) -> Event {
        let (participants, upstream) = match self.terminate(session, by, now).await {
            Ok(Some(ended)) => (ended.participants, ended.record.upstream),
            Ok(None) => (Vec::new(), None),
            Err(error) => {
                // The logout goes on, and tries again; its caller is told of no failure.
                let code = error.code();
                tracing::warn!(code, "a session could not be ended yet: {error}");
                return Event::RevocationFailed { session };
            }
        };
        let participants = participants.into_iter().map(|p| self.participant(p));
        Event::Revoked {
            session,
            participants: participants.collect(),
            upstream: upstream.and_then(|upstream| self.revoked_upstream(upstream)),
        }
    }

    /// Ends a session, or the one that has taken its applications over since it was found: who
    /// signs in anew while an application logs out is signed out. There is nothing to end when
    /// another logout has done it.
    async fn terminate(
        &self,
        mut session: SessionKey,
        by: &LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Box<SessionSnapshot>>, StoreError> {
        for _ in 0..MAX_SUCCESSORS {
            match self.store.begin_termination(&session, *by, now).await? {
                Termination::Ended(ended) => return Ok(Some(ended)),
                Termination::Unknown => return Ok(None),
                Termination::AlreadyEnded => match self.successor(&session).await? {
                    Some(next) => session = next,
                    None => return Ok(None),
                },
            }
        }
        Err(StoreError::Conflict)
    }

    /// The session that has replaced this one and goes on, found by an application that it has
    /// taken over.
    async fn successor(&self, session: &SessionKey) -> Result<Option<SessionKey>, StoreError> {
        let Some(SessionSnapshot {
            record,
            participants,
        }) = self.store.snapshot(session).await?
        else {
            return Ok(None);
        };
        let replaced = record.ended.map(|ended| ended.reason) == Some(EndReason::Replaced);
        let Some(last) = participants.into_iter().last().filter(|_| replaced) else {
            return Ok(None);
        };
        let query = ParticipantQuery {
            tenant: record.subject.tenant,
            issuer: last.entity_id,
            name_id: last.name_id,
            session_indexes: vec![last.session_index],
        };
        let found = self.store.by_participant(&query).await?;
        Ok(found.first().map(|record| record.key))
    }

    /// A participant with the ways to reach it that its metadata has.
    fn participant(&self, participant: Participant) -> RevokedParticipant {
        let mut channels = self.idp.logout_channels(&participant.entity_id);
        if !self.back_channel.is_some() {
            channels.back = None;
        }
        RevokedParticipant {
            entity_id: participant.entity_id,
            name_id: participant.name_id,
            session_index: participant.session_index,
            channels,
        }
    }

    fn revoked_upstream(&self, upstream: UpstreamSession) -> Option<RevokedUpstream> {
        let mut channels = self.upstream.as_ref()?.logout_channels(&upstream.issuer);
        if !self.back_channel.is_some() {
            channels.back = None;
        }
        Some(RevokedUpstream {
            entity_id: upstream.issuer,
            name_id: upstream.name_id,
            session_index: upstream.session_index,
            channels,
        })
    }

    /// Asks a peer directly (`[SAMLProf] 4.4.3.3`); `None` when there is nothing to tell of it.
    async fn ask(&self, to_send: LogoutRequestToSend) -> Option<(Event, Option<PeerFailure>)> {
        // It waited here for so long that the logout counts it as lost and makes another: under
        // load each peer would be asked twice, which is more load.
        if self.now() >= to_send.deadline {
            return None;
        }
        let (peer, request_id) = (to_send.entity_id.clone(), to_send.request_id.clone());
        if !lock(&self.backlog.breaker).may_send(&peer, self.now()) {
            let reason = SendFailure::CircuitOpen;
            return Some((Event::SendFailed { request_id, reason }, None));
        }
        let outcome = self.exchange(to_send).await;
        let mut breaker = lock(&self.backlog.breaker);
        Some(match outcome {
            Ok(event) => {
                breaker.succeeded(&peer);
                (event, None)
            }
            Err((reason, error)) => {
                breaker.failed(&peer, self.now());
                let event = Event::SendFailed { request_id, reason };
                (event, Some(PeerFailure { peer, error }))
            }
        })
    }

    async fn exchange(
        &self,
        to_send: LogoutRequestToSend,
    ) -> Result<Event, (SendFailure, FederateError)> {
        let not_sent = |error: FederateError| (SendFailure::NotSent, error);
        let fault = |error: FederateError| (SendFailure::Fault, error);
        let (layer, peer) = (to_send.layer, to_send.entity_id.clone());
        let request_id = to_send.request_id.clone();
        let within = to_send.deadline.signed_duration_since(self.now());
        let within = within.to_std().unwrap_or_default();
        let (location, Outgoing::Soap(envelope)) = self.request(to_send).map_err(not_sent)? else {
            return Err(not_sent(Denial::NoEndpoint.into()));
        };
        let answer = self.back_channel.exchange(&location, envelope, within);
        let answer = answer.await.map_err(|error| {
            let reason = match &error {
                BackChannelError::Unreachable(_) => SendFailure::NotSent,
                BackChannelError::NoAnswer(_) => SendFailure::TimedOut,
                BackChannelError::NoEnvelope(_) => SendFailure::Fault,
            };
            (reason, error.into())
        })?;
        let received = Received::Soap(&answer);
        let response = match layer {
            Layer::Application => self.idp.receive_logout_response(&received),
            Layer::Upstream => {
                let sp = self.service_provider();
                sp.and_then(|sp| sp.receive_logout_response(&received))
            }
        };
        let response = response.map_err(fault)?;
        // The peer that was asked answers what it was asked.
        if response.issuer.as_ref() != Some(&peer)
            || response.in_response_to.as_ref() != Some(&request_id)
        {
            return Err(fault(Denial::UnknownRequest.into()));
        }
        Ok(Event::ResponseReceived {
            entity_id: peer,
            in_response_to: request_id,
            status: response.status,
        })
    }

    /// Where a peer takes a request, and the request.
    pub(super) fn request(
        &self,
        to_send: LogoutRequestToSend,
    ) -> Result<(String, Outgoing), FederateError> {
        match to_send.layer {
            Layer::Application => self.idp.send_logout_request(to_send),
            Layer::Upstream => self.service_provider()?.send_logout_request(to_send),
        }
    }

    /// What goes to whoever asked for the logout, if anything does.
    pub(super) fn answer(&self, answer: &Answer) -> Result<Option<Outgoing>, FederateError> {
        Ok(match &answer.initiator {
            Initiator::Participant(requester) => {
                Some(self.idp.send_logout_response(requester, answer)?)
            }
            Initiator::Upstream(requester) => {
                let sp = self.service_provider()?;
                Some(sp.send_logout_response(requester, answer)?)
            }
            Initiator::HubPage {
                return_to: Some(address),
                ..
            } => Some(Outgoing::Redirect(address.clone())),
            _ => None,
        })
    }

    pub(super) fn moment(&self) -> Result<Moment, FederateError> {
        let mut seed = [0; 32];
        self.provider().random.fill(&mut seed)?;
        Ok(Moment {
            now: self.now(),
            seed,
        })
    }

    pub(super) fn journal(&self) -> Journal<'_, S> {
        Journal::new(&*self.store)
    }
}

const fn is_behind(channel: Channel) -> bool {
    matches!(channel, Channel::Back(_))
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
