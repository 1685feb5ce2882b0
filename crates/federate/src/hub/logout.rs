//! Single logout: the coordinator's effects carried out, and its pages described.

use super::Hub;
use crate::error::{Denial, FederateError};
use crate::store::{Store, decode, encode};
use crate::token::{Token, message_id};
use crate::transport::{Incoming, Outgoing, Received, front_channel};
use chrono::{DateTime, Utc};
use federate_logout::{
    Effect, Event, FrontChannel, HubOutcome, Initiator, Journal, LogoutRequestToSend, LogoutStart,
    Moment, Outcome, RevokedParticipant,
};
use federate_saml::{MAX_REQUEST_AGE, MessageKind};
use federate_session::{
    LogoutKey, Namespace, OneTimeEntry, OneTimeKey, Participant, ParticipantQuery, PutNew,
    SessionKey, StoreError, Termination,
};
use federate_types::{ClockSkew, EntityId, MessageId, Status};
use std::collections::VecDeque;

/// A logout as its page shows it.
#[derive(Debug)]
pub struct LogoutPage {
    /// What became of the hub's own session.
    pub hub: HubOutcome,
    /// The application that asked, if one did.
    pub initiator: Option<String>,
    /// What became of each application but the one that asked.
    pub applications: Vec<NamedOutcome>,
    /// Whether nothing more will be asked and everything was signed out, confirmed by each
    /// application.
    pub complete: bool,
    /// What comes next.
    pub phase: LogoutPhase,
}

/// One application of a logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedOutcome {
    /// The application's name for people.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a logout waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutPhase {
    /// An application is to be asked: take the browser to [`Hub::next_logout`].
    Asking,
    /// The application that asked is to be answered: take the browser there with
    /// [`Hub::finish_logout`].
    Answering,
    /// Nothing. Whether everything was signed out, confirmed by each application.
    Done {
        /// Whether it was.
        complete: bool,
    },
}

impl<S: Store> Hub<S> {
    /// Takes a logout message of an application: a request, which begins a logout, or the
    /// answer to one of ours. Gives the handle of the logout's page, to which the browser
    /// goes with 303.
    ///
    /// # Errors
    /// [`FederateError::Saml`] with the reason, [`Denial::UnknownPeer`],
    /// [`Denial::Replayed`], [`Denial::UnknownRequest`], failures of the store.
    pub async fn receive_logout(&self, incoming: Incoming<'_>) -> Result<Token, FederateError> {
        if matches!(incoming, Incoming::Soap(_)) {
            return Err(Denial::NoEndpoint.into()); // the logout's page needs a browser
        }
        match incoming.receive_either(self.idp.party())? {
            (MessageKind::Request, received) => self.logout_request(&received).await,
            (MessageKind::Response, received) => self.logout_response(&received).await,
        }
    }

    /// Ends the session of a cookie, everywhere. Gives the handle of the logout's page.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn log_out(&self, session: &Token) -> Result<Token, FederateError> {
        let sessions = vec![self.session_key(session)];
        self.begin(LogoutStart::at_the_hub(sessions)).await
    }

    /// The state of a logout, for its page; time that went by counts.
    ///
    /// # Errors
    /// [`FederateError::Logout`] when the handle is unknown or too old, failures of the store.
    pub async fn logout_page(&self, handle: &Token) -> Result<LogoutPage, FederateError> {
        let key = self.logout_key(handle);
        self.advance(&key, Event::DeadlinePassed).await?;
        let logout = self.journal().load(&key, self.now()).await?;
        let summary = logout.summary();
        let phase = match (logout.answer(), logout.initiator()) {
            (None, _) => LogoutPhase::Asking,
            (Some(_), Some(_)) if !logout.is_done() => LogoutPhase::Answering,
            (Some(_), _) => LogoutPhase::Done {
                complete: summary.complete,
            },
        };
        Ok(LogoutPage {
            hub: summary.hub,
            initiator: logout.initiator().map(|i| self.name_of(&i.entity_id)),
            applications: summary
                .applications
                .into_iter()
                .map(|application| NamedOutcome {
                    name: self.name_of(&application.entity_id),
                    outcome: application.outcome,
                })
                .collect(),
            complete: summary.complete,
            phase,
        })
    }

    /// The LogoutRequest that takes the browser to the application whose turn it is; `None`
    /// when no application is to be asked: go to the page.
    ///
    /// # Errors
    /// As [`Hub::logout_page`], failures of the key.
    pub async fn next_logout(&self, handle: &Token) -> Result<Option<Outgoing>, FederateError> {
        let key = self.logout_key(handle);
        for effect in self.advance(&key, Event::Resumed).await? {
            if let Effect::SendLogoutRequest(to_send) = effect {
                return self.send_request(handle, &key, to_send).await;
            }
        }
        Ok(None)
    }

    /// Stops waiting for the application whose turn it is.
    ///
    /// # Errors
    /// As [`Hub::logout_page`].
    pub async fn skip_logout(&self, handle: &Token) -> Result<(), FederateError> {
        let key = self.logout_key(handle);
        for effect in self.advance(&key, Event::Resumed).await? {
            if let Effect::SendLogoutRequest(to_send) = effect {
                let request_id = to_send.request_id;
                self.advance(&key, Event::Skipped { request_id }).await?;
            }
        }
        Ok(())
    }

    /// The answer that takes the browser back to the application that asked; `None` when it
    /// has been given, or nobody asked: go to the page.
    ///
    /// # Errors
    /// As [`Hub::logout_page`], failures of the key.
    pub async fn finish_logout(&self, handle: &Token) -> Result<Option<Outgoing>, FederateError> {
        let key = self.logout_key(handle);
        for effect in self.advance(&key, Event::Resumed).await? {
            if let Effect::Answer { initiator, status } = effect {
                let answer = self.answer(initiator.as_ref(), status)?;
                self.advance(&key, Event::Answered).await?;
                return Ok(answer);
            }
        }
        Ok(None)
    }

    async fn logout_request(&self, received: &Received<'_>) -> Result<Token, FederateError> {
        let now = self.now();
        let demand = self.idp.receive_logout_request(received)?;
        let issuer = demand.initiator.entity_id.clone();
        let entry = OneTimeEntry {
            namespace: Namespace::LOGOUT_MESSAGE,
            key: self.message_key(&issuer, &demand.initiator.request_id),
            value: Vec::new(),
            expires: now + MAX_REQUEST_AGE + ClockSkew::MAX * 2,
        };
        if self.store.put_new(entry, now).await? == PutNew::AlreadyPresent {
            return Err(Denial::Replayed.into());
        }
        // The sessions are found by what the message says, never by the cookie.
        let query = ParticipantQuery {
            tenant: self.tenant.clone(),
            issuer,
            name_id: demand.name_id,
            session_indexes: demand.session_indexes,
        };
        let sessions = self.store.by_participant(&query).await?;
        let sessions = sessions.into_iter().map(|record| record.key).collect();
        let start = LogoutStart::by_participant(demand.initiator, sessions);
        self.begin(start).await
    }

    async fn logout_response(&self, received: &Received<'_>) -> Result<Token, FederateError> {
        let now = self.now();
        let response = self.idp.receive_logout_response(received)?;
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

    async fn begin(&self, start: LogoutStart) -> Result<Token, FederateError> {
        let handle = Token::random(self.provider())?;
        let key = self.logout_key(&handle);
        let effects = self.journal().begin(&key, start, self.now()).await?;
        self.revoke(&key, effects).await?;
        Ok(handle)
    }

    async fn end_session(&self, by: &LogoutKey, session: SessionKey, now: DateTime<Utc>) -> Event {
        let participants = match self.store.begin_termination(&session, *by, now).await {
            Ok(Termination::Ended(ended)) => ended.participants,
            Ok(_) => Vec::new(),
            Err(_) => return Event::RevocationFailed { session },
        };
        let participants = participants.into_iter().map(|p| self.revoked(p)).collect();
        Event::Revoked {
            session,
            participants,
        }
    }

    /// A participant with the way to reach it, if its metadata has one.
    fn revoked(&self, participant: Participant) -> RevokedParticipant {
        let application = self.idp.application(Some(&participant.entity_id)).ok();
        let metadata = application.and_then(|a| self.idp.metadata_of(&a).ok());
        let sp = metadata.as_ref().and_then(|metadata| metadata.sp.as_ref());
        let channel = sp.and_then(|sp| front_channel(&sp.single_logout));
        RevokedParticipant {
            entity_id: participant.entity_id,
            name_id: participant.name_id,
            session_index: participant.session_index,
            single_logout: channel.and_then(|(binding, _)| FrontChannel::from_binding(binding)),
        }
    }

    async fn send_request(
        &self,
        handle: &Token,
        key: &LogoutKey,
        to_send: LogoutRequestToSend,
    ) -> Result<Option<Outgoing>, FederateError> {
        let now = self.now();
        let request_id = to_send.request_id.clone();
        let sent = self.sent_key(&to_send.entity_id, &request_id);
        let Ok(outgoing) = self.idp.send_logout_request(to_send) else {
            self.advance(key, Event::SendFailed { request_id }).await?;
            return Ok(None);
        };
        let expires = now + MAX_REQUEST_AGE;
        let value = encode(&handle.expose())?;
        let created = self.store.create_logout(&sent, value, expires, None, now);
        match created.await {
            // Sent once more after a reload: the answer finds the same logout.
            Ok(_) | Err(StoreError::AlreadyExists { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        self.advance(key, Event::Sent { request_id }).await?;
        Ok(Some(outgoing))
    }

    fn answer(
        &self,
        initiator: Option<&Initiator>,
        status: Status,
    ) -> Result<Option<Outgoing>, FederateError> {
        initiator
            .map(|initiator| self.idp.send_logout_response(initiator, status))
            .transpose()
    }

    async fn advance(&self, key: &LogoutKey, event: Event) -> Result<Vec<Effect>, FederateError> {
        let effects = self.journal().advance(key, event, self.moment()?).await?;
        self.revoke(key, effects).await
    }

    /// Ends the sessions that a step wants ended, before any message leaves, and gives what
    /// else is to be done.
    async fn revoke(
        &self,
        key: &LogoutKey,
        effects: Vec<Effect>,
    ) -> Result<Vec<Effect>, FederateError> {
        let mut waiting = VecDeque::from(effects);
        let mut others = Vec::new();
        while let Some(effect) = waiting.pop_front() {
            match effect {
                Effect::RevokeSession { session } => {
                    let event = self.end_session(key, session, self.now()).await;
                    waiting.extend(self.journal().advance(key, event, self.moment()?).await?);
                }
                other => others.push(other),
            }
        }
        Ok(others)
    }

    fn moment(&self) -> Result<Moment, FederateError> {
        Ok(Moment {
            now: self.now(),
            request_id: message_id(self.provider())?,
        })
    }

    fn journal(&self) -> Journal<'_, S> {
        Journal::new(&*self.store)
    }

    fn message_key(&self, issuer: &EntityId, id: &MessageId) -> OneTimeKey {
        OneTimeKey::new(self.hash("logout-message", &format!("{issuer} {id}")))
    }

    /// Where the handle of the logout is found by one of its requests.
    fn sent_key(&self, peer: &EntityId, id: &MessageId) -> LogoutKey {
        LogoutKey::new(self.hash("logout-request", &format!("{peer} {id}")))
    }

    fn name_of(&self, entity_id: &EntityId) -> String {
        let application = self.idp.application(Some(entity_id));
        application.map_or_else(|_| entity_id.to_string(), |a| a.name.clone())
    }
}
