//! Signing out: at the application, or because the identity provider says so.

use super::{Connection, Login, ServiceProvider};
use crate::error::{Denial, FederateError};
use crate::store::{Store, decode, encode, end_session};
use crate::token::{Token, hash, message_id};
use crate::transport::{Incoming, Outgoing, Received, front_channel, send};
use chrono::{DateTime, TimeDelta, Utc};
use federate_saml::{
    Extensions, LogoutExpectation, LogoutRequest, LogoutResponse, MAX_REQUEST_AGE, MessageHints,
    MessageKind, REASON_USER, validate_logout_request, validate_logout_response,
};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew, UpstreamQuery, names_agree};
use federate_types::{Binding, ClockSkew, EntityId, NameId, SessionIndex, Status};

/// What a logout message came to.
#[derive(Debug)]
#[must_use]
pub enum LogoutReceived {
    /// The identity provider asked: the sessions are over, and this is the answer to it.
    Answer(Outgoing),
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
    /// `None` means that there is nobody to ask: the session is over here.
    ///
    /// # Errors
    /// Failures of store and key. The session is over as soon as the store has said so,
    /// whatever fails after that.
    pub async fn start_logout(&self, token: &Token) -> Result<Option<Outgoing>, FederateError> {
        let now = self.now();
        let key = self.session_key(token);
        let provider = self.party.provider();
        let Some(ended) = end_session(&*self.store, &key, provider, now).await? else {
            return Ok(None);
        };
        let Some(upstream) = ended.record.upstream else {
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
        let unverified = received.unverified::<LogoutRequest>(&self.party)?;
        let issuer = unverified.issuer_hint();
        let connection = self.connection(issuer.as_ref())?;
        let (metadata, keys) = self.trusted(&connection, now)?;
        let policy = &connection.policy;
        let request = received.verify(&unverified, &keys, &self.party, policy, now)?;
        validate_logout_request(
            &request,
            &self.logout_expectation(&connection, received, now)?,
        )?;
        let idp_id = connection.entity_id();
        self.once(idp_id, request.id.as_str(), now).await?;
        self.remember_logout(idp_id, &request, now).await?;
        let query = UpstreamQuery {
            tenant: self.tenant.clone(),
            connection: self.connection.clone(),
            issuer: idp_id.clone(),
            name_id: request.name_id.clone(),
            session_indexes: request.session_indexes.clone(),
        };
        for session in self.store.by_upstream(&query).await? {
            end_session(&*self.store, &session.key, self.party.provider(), now).await?;
        }
        // What was asked directly is answered directly ([SAMLProf] 4.4.3.4).
        let (binding, location) = match received.binding() {
            Binding::Soap => (Binding::Soap, None),
            _ => {
                let (binding, endpoint) = front_channel(&metadata.idp_at(now)?.single_logout)
                    .ok_or(Denial::NoEndpoint)?;
                let location = endpoint.response_location_or_location();
                (binding, Some(location.as_str()))
            }
        };
        let response = LogoutResponse {
            id: message_id(self.party.provider())?,
            issue_instant: now,
            destination: location.map(str::to_owned),
            in_response_to: Some(request.id.clone()),
            issuer: Some(self.party.entity_id.clone()),
            extensions: Extensions::default(),
            status: Status::success(),
        };
        let relay_state = received.relay_state();
        let location = location.unwrap_or_default();
        let answer = send(&self.party, binding, location, &response, relay_state)?;
        Ok(LogoutReceived::Answer(answer))
    }

    async fn logout_response(
        &self,
        received: &Received<'_>,
    ) -> Result<LogoutReceived, FederateError> {
        let now = self.now();
        let unverified = received.unverified::<LogoutResponse>(&self.party)?;
        let issuer = unverified.issuer_hint();
        let connection = self.connection(issuer.as_ref())?;
        let (_, keys) = self.trusted(&connection, now)?;
        let policy = &connection.policy;
        let response = received.verify(&unverified, &keys, &self.party, policy, now)?;
        // The request is looked up by what was verified, and consumed.
        let id = response
            .in_response_to
            .clone()
            .ok_or(Denial::UnknownRequest)?;
        let expectation = self.logout_expectation(&connection, received, now)?;
        validate_logout_response(&response, Some(&id), &expectation)?;
        let key = self.logout_request_key(connection.entity_id(), id.as_str());
        let taken = self.store.take(SENT_LOGOUT, &key, now).await?;
        taken.ok_or(Denial::UnknownRequest)?;
        Ok(LogoutReceived::Finished {
            status: response.status.clone(),
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
            let entry = OneTimeEntry {
                namespace: LOGGED_OUT,
                key: self.logged_out_key(idp, request.name_id.value(), index),
                value: encode(&(&request.name_id, request.issue_instant.timestamp_millis()))?,
                expires,
            };
            if self.store.put_new(entry.clone(), now).await? == PutNew::AlreadyPresent {
                // This one covers whatever the earlier one does. A login that sees neither has
                // its session already, which is found below.
                self.store.take(LOGGED_OUT, &entry.key, now).await?;
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
        let parts = [idp.as_str().as_bytes(), name.as_bytes(), index];
        OneTimeKey::new(hash(self.party.provider(), "logged-out", &parts))
    }

    fn logout_expectation<'a>(
        &'a self,
        connection: &'a Connection,
        received: &Received<'_>,
        now: DateTime<Utc>,
    ) -> Result<LogoutExpectation<'a>, FederateError> {
        let service = self.single_logout_service.as_ref();
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
        let parts = [peer.as_str().as_bytes(), id.as_bytes()];
        OneTimeKey::new(hash(self.party.provider(), "logout", &parts))
    }
}

/// Sessions that the identity provider has ended, by its name of them.
const LOGGED_OUT: Namespace = Namespace::new("logged-out");

/// LogoutRequests that we sent, until they are answered.
const SENT_LOGOUT: Namespace = Namespace::new("sent-logout");
