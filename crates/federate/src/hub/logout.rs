//! Single logout: every way in.
//!
//! However a logout begins, the hub's session is over before anything leaves, and any node can
//! carry on from the store. What needs the browser goes on from the logout's page
//! ([`browser`]); what does not is done by whoever runs [`Hub::due_work`] ([`work`]).

mod again;
mod apart;
mod browser;
mod expiry;
mod work;

pub use browser::{LogoutPage, LogoutPhase, NamedOutcome};
pub(super) use work::Backlog;
pub use work::{LogoutWork, PeerFailure};

use self::again::About;
use super::Hub;
use crate::error::{Denial, FederateError};
use crate::logout_message::LogoutDemand;
use crate::store::{Store, decode, end_session};
use crate::token::Token;
use crate::transport::{Incoming, Outgoing, Received};
use federate_logout::{
    Effect, Event, Initiator, LogoutPolicy, LogoutRequestToSend, LogoutStart, Requester,
    UpstreamPolicy,
};
use federate_saml::{LogoutResponse, MAX_REQUEST_AGE, MessageKind};
use federate_session::{
    EndReason, LogoutKey, Namespace, OneTimeEntry, OneTimeKey, ParticipantQuery, PutNew, SessionId,
    SessionKey, SessionRecord, SessionState, UserId,
};
use federate_types::{ClockSkew, EntityId, MessageId};

/// What a person wants of a logout at the hub's own address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogoutOptions {
    /// Where the browser is to go in the end.
    pub return_to: Option<String>,
    /// The application whose list of addresses counts; otherwise the hub's own does.
    pub client: Option<EntityId>,
    /// Whether the session at the identity provider upstream is to end, too, whatever the
    /// hub's policy is.
    pub federated: bool,
}

/// What a LogoutRequest begins.
struct Asked {
    start: LogoutStart,
    /// Where it is remembered which logout this peer asked for last, about this person.
    about: About,
}

impl<S: Store> Hub<S> {
    /// Sets how logouts are carried out: times, retries, and whether identity providers
    /// upstream are asked.
    #[must_use]
    pub fn with_logout_policy(mut self, policy: LogoutPolicy) -> Self {
        self.logout_policy = policy;
        self
    }

    /// Takes a logout message that a browser brings from an application: a request, which
    /// begins a logout, or the answer to one of ours. Gives the handle of the logout's page, to
    /// which the browser goes with 303.
    ///
    /// The application can bring either itself, and the page tells which others the person uses.
    /// So go there with a request only in a browser of the person
    /// ([`is_logout_of`](Self::is_logout_of), else
    /// [`name_logout_apart`](Self::name_logout_apart)), and with an answer only in the browser in
    /// which the logout began.
    ///
    /// # Errors
    /// [`FederateError::Saml`] with the reason, [`Denial::UnknownPeer`],
    /// [`Denial::Replayed`], [`Denial::UnknownRequest`], failures of the store.
    pub async fn receive_logout(&self, incoming: Incoming<'_>) -> Result<Token, FederateError> {
        if matches!(incoming, Incoming::Soap(_)) {
            return Err(Denial::NoEndpoint.into()); // the logout's page needs a browser
        }
        match incoming.receive_either(self.idp.party())? {
            (MessageKind::Request, received) => {
                let asked = self.asked_by_application(&received).await?;
                self.begin(asked.start, Some(&asked.about)).await
            }
            (MessageKind::Response, received) => {
                let response = self.idp.receive_logout_response(&received)?;
                self.answered_by(response).await
            }
        }
    }

    /// Takes a LogoutRequest that an application sends itself, and answers it
    /// (`[SAMLProf] 4.4.3.1`): other applications are asked without a browser, those that can be
    /// asked by one alone are not, and the answer says so. `None` when no answer is wanted
    /// (`aslo:Asynchronous`).
    ///
    /// # Errors
    /// As [`receive_logout`](Self::receive_logout). Answer these with a SOAP fault that tells
    /// nothing.
    pub async fn receive_soap_logout(
        &self,
        envelope: &[u8],
    ) -> Result<Option<Outgoing>, FederateError> {
        let received = Received::Soap(envelope);
        let asked = self.asked_by_application(&received).await?;
        self.answer_at_once(asked).await
    }

    /// As [`receive_logout`](Self::receive_logout), for what an identity provider upstream has
    /// the browser bring.
    ///
    /// # Errors
    /// As [`receive_logout`](Self::receive_logout).
    pub async fn receive_upstream_logout(
        &self,
        incoming: Incoming<'_>,
    ) -> Result<Token, FederateError> {
        if matches!(incoming, Incoming::Soap(_)) {
            return Err(Denial::NoEndpoint.into());
        }
        let sp = self.service_provider()?;
        match incoming.receive_either(sp.party())? {
            (MessageKind::Request, received) => {
                let asked = self.asked_by_upstream(&received).await?;
                self.begin(asked.start, Some(&asked.about)).await
            }
            (MessageKind::Response, received) => {
                let response = sp.receive_logout_response(&received)?;
                self.answered_by(response).await
            }
        }
    }

    /// As [`receive_soap_logout`](Self::receive_soap_logout), for identity providers upstream.
    ///
    /// # Errors
    /// As [`receive_soap_logout`](Self::receive_soap_logout).
    pub async fn receive_upstream_soap_logout(
        &self,
        envelope: &[u8],
    ) -> Result<Option<Outgoing>, FederateError> {
        let asked = self.asked_by_upstream(&Received::Soap(envelope)).await?;
        self.answer_at_once(asked).await
    }

    /// Ends the session of a cookie, everywhere. Gives the handle of the logout's page.
    ///
    /// # Errors
    /// [`Denial::NoSession`] when there is nothing to end, failures of the store.
    pub async fn log_out(&self, session: &Token) -> Result<Token, FederateError> {
        self.log_out_with(session, &LogoutOptions::default()).await
    }

    /// As [`log_out`](Self::log_out), with options. Where there is no session, nothing is
    /// stored, so that nobody fills the store by asking: send the browser to
    /// [`return_address`](Self::return_address) then.
    ///
    /// A session that has expired is worth a logout: applications may still know the person. One
    /// whose logout began here and goes on has its page already.
    ///
    /// # Errors
    /// [`Denial::NoSession`]; those of [`return_address`](Self::return_address); failures of
    /// the store.
    pub async fn log_out_with(
        &self,
        session: &Token,
        options: &LogoutOptions,
    ) -> Result<Token, FederateError> {
        let return_to = self.return_address(options)?;
        let key = self.session_key(session);
        match self.store.load(&key, self.now()).await? {
            SessionState::Alive(_) | SessionState::Ended(EndReason::Expired(_)) => {}
            SessionState::Ended(EndReason::LoggedOut { .. }) => {
                // The button was pressed twice.
                let running = self.running_logout_of(&key).await?;
                return running.ok_or_else(|| Denial::NoSession.into());
            }
            SessionState::Ended(_) | SessionState::Unknown => return Err(Denial::NoSession.into()),
        }
        let initiator = Initiator::HubPage {
            return_to,
            federated: options.federated,
        };
        self.begin(self.start(initiator, vec![key]), None).await
    }

    /// Ends one session, by its public id: for administrators. Applications that can be told
    /// without a browser are; `None` when there is no such session.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn end_session(&self, id: &SessionId) -> Result<Option<Token>, FederateError> {
        let Some(record) = self.store.by_id(&self.tenant, id).await? else {
            return Ok(None);
        };
        let start = self.start(Initiator::Administrator, vec![record.key]);
        self.begin(start, None).await.map(Some)
    }

    /// Ends all sessions of a user, in one write however many they are, and tells applications
    /// as [`end_session`](Self::end_session) does; `None` when there is no such user.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn end_sessions_of(&self, user: &UserId) -> Result<Option<Token>, FederateError> {
        let Some(user) = self.store.load_user(&self.tenant, user).await? else {
            return Ok(None);
        };
        let handle = Token::random(self.provider())?;
        let key = self.logout_key(&handle);
        let sessions = self.store.by_subject(&user.subject).await?;
        let sessions = sessions.into_iter().map(|record| record.key).collect();
        let start = self.start(Initiator::Administrator, sessions);
        // What is to be done is stored first: when this node dies, another one does it.
        let effects = self.journal().begin(&key, start, self.moment()?).await?;
        let now = self.now();
        self.store.revoke_subject(&user.subject, key, now).await?;
        let (_, requests) = self.revoke(&key, effects).await?;
        self.leave_to_workers(&key, requests);
        Ok(Some(handle))
    }

    /// Ends the session of somebody else in a browser in which a person has just signed in, and
    /// tells applications as [`end_session`](Self::end_session) does.
    pub(super) async fn end_other(&self, other: Option<SessionKey>) -> Result<(), FederateError> {
        let Some(other) = other else {
            return Ok(());
        };
        let start = self.start(Initiator::Administrator, vec![other]);
        if self.tolerate(self.begin(start, None).await).is_none() {
            end_session(&*self.store, &other, self.provider(), self.now()).await?;
        }
        Ok(())
    }

    /// Where the browser goes after a logout with these options, if anywhere.
    ///
    /// # Errors
    /// [`Denial::ReturnTo`] for an address that is on no list, [`Denial::UnknownPeer`] for an
    /// application that is not known.
    pub fn return_address(&self, options: &LogoutOptions) -> Result<Option<String>, FederateError> {
        let Some(address) = &options.return_to else {
            return Ok(None);
        };
        let allowed = match &options.client {
            Some(id) => {
                let application = self.idp.application(Some(id))?;
                application.return_to.allow(address)
            }
            None => self.return_to.allow(address),
        };
        Ok(Some(allowed.ok_or(Denial::ReturnTo)?))
    }

    fn start(&self, initiator: Initiator, sessions: Vec<SessionKey>) -> LogoutStart {
        LogoutStart {
            policy: self.logout_policy,
            ..LogoutStart::new(initiator, sessions)
        }
    }

    async fn asked_by_application(&self, received: &Received<'_>) -> Result<Asked, FederateError> {
        let demand = self.idp.receive_logout_request(received)?;
        self.first_time_asked(&demand).await?;
        let peer = &demand.requester.entity_id;
        self.idp.party().admit_logout(peer, self.now())?;
        // The sessions are found by what the message says, never by the cookie.
        let query = ParticipantQuery {
            tenant: self.tenant.clone(),
            issuer: demand.requester.entity_id.clone(),
            name_id: demand.name_id,
            session_indexes: demand.session_indexes,
        };
        let sessions = self.store.by_participant(&query).await?;
        let about = About::new(&query.issuer, &query.name_id);
        self.asked(Initiator::Participant(demand.requester), sessions, about)
            .await
    }

    async fn asked_by_upstream(&self, received: &Received<'_>) -> Result<Asked, FederateError> {
        let sp = self.service_provider()?;
        let demand = sp.receive_logout_request(received).await?;
        let sessions = sp.logged_out_by(&demand).await?;
        let about = About::new(&demand.requester.entity_id, &demand.name_id);
        self.asked(Initiator::Upstream(demand.requester), sessions, about)
            .await
    }

    /// Who asks again when nothing is left to end is not told more than the first time.
    async fn asked(
        &self,
        initiator: Initiator,
        sessions: Vec<SessionRecord>,
        about: About,
    ) -> Result<Asked, FederateError> {
        let sessions: Vec<_> = sessions.into_iter().map(|record| record.key).collect();
        let mut start = self.start(initiator, sessions);
        if start.sessions.is_empty() {
            start.untold = self.left_signed_in(&about).await?;
        }
        Ok(Asked { start, about })
    }

    /// A logout message counts once.
    async fn first_time_asked(&self, demand: &LogoutDemand) -> Result<(), FederateError> {
        let now = self.now();
        let Requester {
            entity_id,
            request_id,
            ..
        } = &demand.requester;
        let entry = OneTimeEntry {
            namespace: Namespace::LOGOUT_MESSAGE,
            key: self.message_key(entity_id, request_id),
            value: Vec::new(),
            expires: now + MAX_REQUEST_AGE + ClockSkew::MAX * 2,
        };
        match self.store.put_new(entry, now).await? {
            PutNew::Inserted => Ok(()),
            PutNew::AlreadyPresent => Err(Denial::Replayed.into()),
        }
    }

    /// Finds the logout to which an answer belongs, and gives the handle of its page.
    async fn answered_by(&self, response: LogoutResponse) -> Result<Token, FederateError> {
        let now = self.now();
        let (Some(id), Some(entity_id)) = (response.in_response_to, response.issuer) else {
            return Err(Denial::UnknownRequest.into());
        };
        let sent = self.sent_key(&entity_id, &id);
        let stored = self.store.load_logout(&sent, now).await?;
        let stored = stored.ok_or(Denial::UnknownRequest)?;
        let handle: String = decode(&stored.value, "logout request")?;
        let handle = Token::parse(&handle).ok_or(Denial::UnknownRequest)?;
        let event = Event::ResponseReceived {
            entity_id,
            in_response_to: id,
            status: response.status,
        };
        self.advance(&self.logout_key(&handle), event).await?;
        Ok(handle)
    }

    async fn begin(
        &self,
        start: LogoutStart,
        about: Option<&About>,
    ) -> Result<Token, FederateError> {
        let (handle, key, requests) = self.open(start, about).await?;
        self.leave_to_workers(&key, requests);
        Ok(handle)
    }

    /// Stores a new logout and ends its sessions; gives what is to be asked without a browser.
    ///
    /// Once it is stored, whoever asked gets its handle: its page and the workers go on with it,
    /// whatever fails here.
    async fn open(
        &self,
        start: LogoutStart,
        about: Option<&About>,
    ) -> Result<(Token, LogoutKey, Vec<LogoutRequestToSend>), FederateError> {
        let handle = Token::random(self.provider())?;
        let key = self.logout_key(&handle);
        let about = about.filter(|_| !start.sessions.is_empty());
        let at_the_hub = matches!(start.initiator, Initiator::HubPage { .. });
        let session = start.sessions.first().copied().filter(|_| at_the_hub);
        let effects = self.journal().begin(&key, start, self.moment()?).await?;
        // Who asks again while sessions end, or after this node died, is to find this logout.
        if let Some(about) = about {
            self.tolerate(self.asked_for(about, &key).await);
        }
        if let Some(session) = session {
            self.tolerate(self.logout_of(&session, &handle).await);
        }
        let revoked = self.tolerate(self.revoke(&key, effects).await);
        let requests = revoked.map_or_else(Vec::new, |(_, requests)| requests);
        Ok((handle, key, requests))
    }

    /// Leaves a failure to the operator's log: the logout goes on without this.
    fn tolerate<T>(&self, outcome: Result<T, FederateError>) -> Option<T> {
        outcome
            .inspect_err(|error| {
                let code = error.code();
                tracing::warn!(code, "a logout goes on, though something failed: {error}");
            })
            .ok()
    }

    /// Carries out a logout whose initiator waits for a direct answer: every back channel is
    /// tried once, and what failed is tried again in the background.
    async fn answer_at_once(&self, asked: Asked) -> Result<Option<Outgoing>, FederateError> {
        let Asked { mut start, about } = asked;
        let waits = start.initiator.is_answered();
        start.policy.retries.attempts = 1;
        if start.policy.upstream == UpstreamPolicy::Ask {
            start.policy.upstream = UpstreamPolicy::Never;
        }
        let (_, key, mut requests) = self.open(start, Some(&about)).await?;
        loop {
            let work = LogoutWork::new(key, requests);
            self.tolerate(self.carry_out(work).await);
            let (mut effects, more) = self.go_on(&key, Event::Resumed).await?;
            if waits && more.is_empty() && effects.is_empty() {
                // Another worker has taken over what was late, and this connection does not
                // wait for it.
                effects = self.advance(&key, Event::AnswerNow).await?;
            }
            for effect in effects {
                if let Effect::Answer(answer) = effect {
                    let outgoing = self.answer(&answer)?;
                    self.tolerate(self.advance(&key, Event::Answered).await);
                    return Ok(outgoing);
                }
            }
            if more.is_empty() {
                return Ok(None);
            }
            requests = more;
        }
    }

    fn message_key(&self, issuer: &EntityId, id: &MessageId) -> OneTimeKey {
        OneTimeKey::new(self.hash("logout-message", &format!("{issuer} {id}")))
    }

    /// Where the handle of the logout is found by one of its requests.
    fn sent_key(&self, peer: &EntityId, id: &MessageId) -> LogoutKey {
        LogoutKey::new(self.hash("logout-request", &format!("{peer} {id}")))
    }
}
