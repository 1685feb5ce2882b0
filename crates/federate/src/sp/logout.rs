//! Signing out: at the application, or because the identity provider says so.

use super::{Connection, Login, ServiceProvider};
use crate::error::{Denial, FederateError};
use crate::logout_message::{LogoutDemand, answer_logout, binding_of, channels, logout_request};
use crate::store::{Store, decode, encode, end_session};
use crate::token::{Token, hash, message_id};
use crate::transport::{Incoming, Outgoing, Received, front_channel, send};
use chrono::{DateTime, TimeDelta, Utc};
use federate_logout::{Answer, Channels, Initiator, LogoutRequestToSend, Requester};
use federate_saml::{
    Extensions, LogoutExpectation, LogoutRequest, LogoutResponse, MAX_REQUEST_AGE, MessageHints,
    MessageKind, REASON_USER, validate_logout_request, validate_logout_response,
};
use federate_session::{
    EndReason, Namespace, OneTimeEntry, OneTimeKey, PutNew, SessionRecord, SessionSnapshot,
    UpstreamQuery, names_agree,
};
use federate_types::{Binding, ClockSkew, EntityId, NameId, SessionIndex, Status};

/// What a logout message came to.
#[derive(Debug)]
#[must_use]
pub enum LogoutReceived {
    /// The identity provider asked: the sessions are over, and this is the answer to it.
    Answer(Outgoing),
    /// The identity provider asked and wants no answer (`aslo:Asynchronous`): the sessions are
    /// over.
    Ended,
    /// The identity provider answered our request.
    Finished {
        /// What it reports. Success with the second-level code PartialLogout means that some
        /// application did not confirm.
        status: Status,
    },
}

impl<S: Store> ServiceProvider<S> {
    /// Ends the session of a cookie, and then asks its identity provider to end it
    /// everywhere (`[SAMLProf] 4.4.3.1`).
    ///
    /// `None` means that there is nobody to ask: the session is over here. Of a session that was
    /// logged out a moment ago, its identity provider is asked once more: the button was pressed
    /// twice, and the browser follows the second answer alone.
    ///
    /// # Errors
    /// Failures of store and key. The session is over as soon as the store has said so,
    /// whatever fails after that.
    pub async fn start_logout(&self, token: &Token) -> Result<Option<Outgoing>, FederateError> {
        let now = self.now();
        let key = self.session_key(token);
        let provider = self.party.provider();
        let ended = match end_session(&*self.store, &key, provider, now).await? {
            Some(ended) => Some(*ended),
            None => self.store.snapshot(&key).await?,
        };
        let lately = |session: &SessionSnapshot| was_logged_out_lately(&session.record, now);
        let Some(upstream) = ended.filter(lately).and_then(|ended| ended.record.upstream) else {
            return Ok(None);
        };
        let connection = self.connection(Some(&upstream.issuer)).ok();
        let metadata = connection.and_then(|c| self.metadata_of(&c).ok());
        let Some(idp) = metadata.as_ref().and_then(|m| m.idp_at(now).ok()) else {
            return Ok(None);
        };
        let Some((binding, endpoint)) = front_channel(&idp.single_logout) else {
            return Ok(None);
        };
        let location = endpoint.location.as_str();
        let request = LogoutRequest {
            id: message_id(self.party.provider())?,
            issue_instant: now,
            destination: Some(location.to_owned()),
            not_on_or_after: Some(now + TimeDelta::minutes(5)),
            reason: Some(REASON_USER.to_owned()),
            issuer: Some(self.party.entity_id.clone()),
            extensions: Extensions::default(),
            name_id: upstream.name_id,
            session_indexes: upstream.session_index.into_iter().collect(),
        };
        let entry = OneTimeEntry {
            namespace: SENT_LOGOUT,
            key: self.logout_request_key(&upstream.issuer, request.id.as_str()),
            value: Vec::new(),
            expires: now + MAX_REQUEST_AGE,
        };
        if self.store.put_new(entry, now).await? == PutNew::AlreadyPresent {
            return Err(Denial::Replayed.into());
        }
        send(&self.party, binding, location, &request, None).map(Some)
    }

    /// Takes a logout message: a request of the identity provider to end its sessions here,
    /// or its answer to ours.
    ///
    /// # Errors
    /// [`FederateError::Saml`] with the reason, [`Denial::UnknownPeer`],
    /// [`Denial::Replayed`], [`Denial::UnknownRequest`], failures of store and key.
    pub async fn receive_logout(
        &self,
        incoming: Incoming<'_>,
    ) -> Result<LogoutReceived, FederateError> {
        match incoming.receive_either(&self.party)? {
            (MessageKind::Request, received) => self.logout_request(&received).await,
            (MessageKind::Response, received) => self.logout_response(&received).await,
        }
    }

    async fn logout_request(
        &self,
        received: &Received<'_>,
    ) -> Result<LogoutReceived, FederateError> {
        let now = self.now();
        let demand = self.receive_logout_request(received).await?;
        for session in self.logged_out_by(&demand).await? {
            end_session(&*self.store, &session.key, self.party.provider(), now).await?;
        }
        if demand.requester.asynchronous {
            return Ok(LogoutReceived::Ended);
        }
        let answer = Answer {
            response_id: message_id(self.party.provider())?,
            issue_instant: now,
            status: Status::success(),
            initiator: Initiator::Upstream(demand.requester.clone()),
        };
        let answer = self.send_logout_response(&demand.requester, &answer)?;
        Ok(LogoutReceived::Answer(answer))
    }

    /// Verifies and validates a LogoutRequest of an identity provider, remembers it, and
    /// refuses it when it came before.
    pub(crate) async fn receive_logout_request(
        &self,
        received: &Received<'_>,
    ) -> Result<LogoutDemand, FederateError> {
        let now = self.now();
        let unverified = received.unverified::<LogoutRequest>(&self.party)?;
        let issuer = unverified.issuer_hint();
        let connection = self.connection(issuer.as_ref())?;
        let (_, keys) = self.trusted(&connection, now)?;
        let policy = &connection.policy;
        let request = received.verify(&unverified, &keys, &self.party, policy, now)?;
        validate_logout_request(
            &request,
            &self.logout_expectation(&connection, received, now)?,
        )?;
        let idp = connection.entity_id();
        self.once(idp, request.id.as_str(), now).await?;
        self.party.admit_logout(idp, now)?;
        self.remember_logout(idp, &request, now).await?;
        Ok(LogoutDemand::new(request.into_inner(), idp, received))
    }

    /// The sessions that a LogoutRequest of an identity provider means.
    pub(crate) async fn logged_out_by(
        &self,
        demand: &LogoutDemand,
    ) -> Result<Vec<SessionRecord>, FederateError> {
        let query = UpstreamQuery {
            tenant: self.tenant.clone(),
            connection: self.connection.clone(),
            issuer: demand.requester.entity_id.clone(),
            name_id: demand.name_id.clone(),
            session_indexes: demand.session_indexes.clone(),
        };
        Ok(self.store.by_upstream(&query).await?)
    }

    /// Answers the identity provider that asked for a logout.
    pub(crate) fn send_logout_response(
        &self,
        requester: &Requester,
        answer: &Answer,
    ) -> Result<Outgoing, FederateError> {
        let connection = self.connection(Some(&requester.entity_id))?;
        let metadata = self.metadata_of(&connection)?;
        let endpoints = &metadata.idp_at(self.now())?.single_logout;
        answer_logout(&self.party, endpoints, requester, answer)
    }

    /// The ways to tell an identity provider that a session is over.
    pub(crate) fn logout_channels(&self, entity_id: &EntityId) -> Channels {
        let metadata = self
            .connection(Some(entity_id))
            .ok()
            .and_then(|connection| self.metadata_of(&connection).ok());
        let idp = metadata.as_ref().and_then(|metadata| metadata.idp.as_ref());
        idp.map_or_else(Channels::default, |idp| channels(&idp.single_logout))
    }

    /// Where an identity provider takes requests of this kind, and the request for it.
    pub(crate) fn send_logout_request(
        &self,
        to_send: LogoutRequestToSend,
    ) -> Result<(String, Outgoing), FederateError> {
        let now = self.now();
        let connection = self.connection(Some(&to_send.entity_id))?;
        let metadata = self.metadata_of(&connection)?;
        let binding = binding_of(to_send.channel).ok_or(Denial::NoEndpoint)?;
        let endpoints = &metadata.idp_at(now)?.single_logout;
        let endpoint = endpoints.iter().find(|e| e.is_for(binding));
        let location = endpoint.ok_or(Denial::NoEndpoint)?.location.as_str();
        let request = logout_request(&self.party, to_send, location, now);
        let outgoing = send(&self.party, binding, location, &request, None)?;
        Ok((location.to_owned(), outgoing))
    }

    /// A verified and validated LogoutResponse of an identity provider, whichever request it
    /// answers.
    pub(crate) fn receive_logout_response(
        &self,
        received: &Received<'_>,
    ) -> Result<LogoutResponse, FederateError> {
        let now = self.now();
        let unverified = received.unverified::<LogoutResponse>(&self.party)?;
        let issuer = unverified.issuer_hint();
        let connection = self.connection(issuer.as_ref())?;
        let (_, keys) = self.trusted(&connection, now)?;
        let policy = &connection.policy;
        let response = received.verify(&unverified, &keys, &self.party, policy, now)?;
        let id = response.in_response_to.clone();
        let id = id.ok_or(Denial::UnknownRequest)?;
        let expectation = self.logout_expectation(&connection, received, now)?;
        validate_logout_response(&response, Some(&id), &expectation)?;
        Ok(response.into_inner())
    }

    async fn logout_response(
        &self,
        received: &Received<'_>,
    ) -> Result<LogoutReceived, FederateError> {
        let response = self.receive_logout_response(received)?;
        // The request is looked up by what was verified, and consumed.
        let (Some(id), Some(idp)) = (response.in_response_to, response.issuer) else {
            return Err(Denial::UnknownRequest.into());
        };
        let key = self.logout_request_key(&idp, id.as_str());
        let taken = self.store.take(SENT_LOGOUT, &key, self.now()).await?;
        taken.ok_or(Denial::UnknownRequest)?;
        Ok(LogoutReceived::Finished {
            status: response.status,
        })
    }

    /// `[SAMLCore] 3.7.3.1`: a LogoutRequest is also about the assertions that arrive after it,
    /// as long as it holds. It is remembered before the sessions are looked for, and a login
    /// looks for it after its session is there: whichever is first, no session is left.
    async fn remember_logout(
        &self,
        idp: &EntityId,
        request: &LogoutRequest,
        now: DateTime<Utc>,
    ) -> Result<(), FederateError> {
        let last = request.issue_instant + MAX_REQUEST_AGE;
        let expires = request.not_on_or_after.map_or(last, |end| end.min(last));
        let expires = expires + ClockSkew::MAX;
        if expires <= now {
            return Ok(());
        }
        let of_index = request.session_indexes.iter().map(Some);
        let of_all = std::iter::once(None).filter(|_| request.session_indexes.is_empty());
        for index in of_index.chain(of_all) {
            let sent = request.issue_instant.timestamp_millis();
            let mut entry = OneTimeEntry {
                namespace: LOGGED_OUT,
                key: self.logged_out_key(idp, request.name_id.value(), index),
                value: encode(&(&request.name_id, sent))?,
                expires,
            };
            if self.store.put_new(entry.clone(), now).await? == PutNew::AlreadyPresent {
                // The one that was sent later covers whatever the other does. A login that sees
                // neither has its session already, which is found below.
                let before = self.store.take(LOGGED_OUT, &entry.key, now).await?;
                let before = before.map(|octets| decode::<(NameId, i64)>(&octets, "logout"));
                if let Some((name_id, later)) = before.transpose()?
                    && names_agree(&name_id, &request.name_id)
                    && later > sent
                {
                    entry.value = encode(&(&name_id, later))?;
                    entry.expires = now + MAX_REQUEST_AGE + ClockSkew::MAX;
                }
                let _: PutNew = self.store.put_new(entry, now).await?;
            }
        }
        Ok(())
    }

    /// Whether a LogoutRequest that came before is about this login: of the same person, of its
    /// session or of all, and sent after they had signed in.
    pub(super) async fn was_logged_out(
        &self,
        login: &Login,
        now: DateTime<Utc>,
    ) -> Result<bool, FederateError> {
        let (idp, name_id) = (&login.identity_provider, &login.name_id);
        for index in [login.session_index.as_ref(), None] {
            let key = self.logged_out_key(idp, name_id.value(), index);
            let Some(octets) = self.store.peek(LOGGED_OUT, &key, now).await? else {
                continue;
            };
            let (asked, sent): (NameId, i64) = decode(&octets, "logout")?;
            if names_agree(&asked, name_id) && login.authn_instant.timestamp_millis() <= sent {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn logged_out_key(
        &self,
        idp: &EntityId,
        name: &str,
        index: Option<&SessionIndex>,
    ) -> OneTimeKey {
        let index = index.map_or("", SessionIndex::as_str).as_bytes();
        self.logout_key(
            "logged-out",
            &[idp.as_str().as_bytes(), name.as_bytes(), index],
        )
    }

    fn logout_expectation<'a>(
        &'a self,
        connection: &'a Connection,
        received: &Received<'_>,
        now: DateTime<Utc>,
    ) -> Result<LogoutExpectation<'a>, FederateError> {
        let soap = self.soap_logout_service.as_ref();
        let soap = soap.filter(|_| received.binding() == Binding::Soap);
        let service = soap.or(self.single_logout_service.as_ref());
        Ok(LogoutExpectation {
            peer: connection.entity_id(),
            single_logout_service: service.ok_or(Denial::NoEndpoint)?.as_str(),
            binding: received.binding(),
            now,
            skew: connection.policy.skew,
        })
    }

    /// A logout message counts once.
    async fn once(
        &self,
        issuer: &EntityId,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), FederateError> {
        let entry = OneTimeEntry {
            namespace: Namespace::LOGOUT_MESSAGE,
            key: self.logout_request_key(issuer, id),
            value: Vec::new(),
            expires: now + MAX_REQUEST_AGE + ClockSkew::MAX * 2,
        };
        match self.store.put_new(entry, now).await? {
            PutNew::Inserted => Ok(()),
            PutNew::AlreadyPresent => Err(Denial::Replayed.into()),
        }
    }

    fn logout_request_key(&self, peer: &EntityId, id: &str) -> OneTimeKey {
        self.logout_key("logout", &[peer.as_str().as_bytes(), id.as_bytes()])
    }

    /// What is remembered of logouts counts in its own account, as the sessions do: another one
    /// may know somebody else by the same name.
    fn logout_key(&self, purpose: &str, of: &[&[u8]]) -> OneTimeKey {
        let (tenant, connection) = (self.tenant.as_str(), self.connection.as_str());
        let mut parts = vec![tenant.as_bytes(), connection.as_bytes()];
        parts.extend(of);
        OneTimeKey::new(hash(self.party.provider(), purpose, &parts))
    }
}

/// Whether a logout ended this session, not longer ago than a person presses a button twice.
fn was_logged_out_lately(session: &SessionRecord, now: DateTime<Utc>) -> bool {
    session.ended.is_some_and(|ended| {
        let logged_out = matches!(ended.reason, EndReason::LoggedOut { .. });
        logged_out && now.signed_duration_since(ended.at) < TimeDelta::minutes(1)
    })
}

/// Sessions that the identity provider has ended, by its name of them.
const LOGGED_OUT: Namespace = Namespace::new("logged-out");

/// LogoutRequests that we sent, until they are answered.
const SENT_LOGOUT: Namespace = Namespace::new("sent-logout");
