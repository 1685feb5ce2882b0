//! Logout messages between the identity provider and its applications.

use super::{Application, IdentityProvider};
use crate::error::{Denial, FederateError};
use crate::token::message_id;
use crate::transport::{Outgoing, Received, front_channel, send};
use chrono::{DateTime, Utc};
use federate_logout::{Initiator, LogoutRequestToSend};
use federate_saml::{
    Extensions, LogoutExpectation, LogoutRequest, LogoutResponse, Message, MessageHints,
    validate_logout_request, validate_logout_response,
};
use federate_types::{NameId, RelayState, SessionIndex, Status};
use federate_xml::Verified;
use std::borrow::Cow;

/// A verified and validated LogoutRequest of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogoutDemand {
    /// Who asked, and how to answer.
    pub(crate) initiator: Initiator,
    /// Whose sessions.
    pub(crate) name_id: NameId,
    /// Which; all of that person at that application if there is none.
    pub(crate) session_indexes: Vec<SessionIndex>,
}

/// A verified message, the application that sent it, and when it came.
type FromApplication<'a, T> = (Verified<T>, Cow<'a, Application>, DateTime<Utc>);

impl IdentityProvider {
    pub(crate) fn receive_logout_request(
        &self,
        received: &Received<'_>,
    ) -> Result<LogoutDemand, FederateError> {
        let (request, application, now) = self.verify_logout::<LogoutRequest>(received)?;
        validate_logout_request(
            &request,
            &self.logout_expectation(&application, received, now),
        )?;
        let request = request.into_inner();
        Ok(LogoutDemand {
            initiator: Initiator {
                entity_id: application.entity_id().clone(),
                request_id: request.id,
                relay_state: received.relay_state().cloned(),
                binding: received.binding(),
            },
            name_id: request.name_id,
            session_indexes: request.session_indexes,
        })
    }

    pub(crate) fn receive_logout_response(
        &self,
        received: &Received<'_>,
    ) -> Result<LogoutResponse, FederateError> {
        let (response, application, now) = self.verify_logout::<LogoutResponse>(received)?;
        let id = response.in_response_to.as_ref();
        let id = id.ok_or(Denial::UnknownRequest)?;
        let expect = self.logout_expectation(&application, received, now);
        validate_logout_response(&response, Some(id), &expect)?;
        Ok(response.into_inner())
    }

    /// Verifies a logout message with the keys of the application that it claims to be from.
    /// There is no unsigned logout (`[SAMLProf] 4.4.3.1`, `4.4.3.4`).
    fn verify_logout<T: Message>(
        &self,
        received: &Received<'_>,
    ) -> Result<FromApplication<'_, T>, FederateError> {
        let now = self.now();
        let unverified = received.unverified::<T>(&self.party)?;
        let application = self.application(unverified.issuer_hint().as_ref())?;
        let metadata = self.metadata_of(&application)?;
        let sp = metadata.sp_at(now)?;
        let keys = self.keys(sp).ok_or(Denial::NoSigningKey)?;
        let policy = &application.policy;
        let message = received.verify(&unverified, &keys, &self.party, policy, now)?;
        Ok((message, application, now))
    }

    fn logout_expectation<'a>(
        &'a self,
        application: &'a Application,
        received: &Received<'_>,
        now: DateTime<Utc>,
    ) -> LogoutExpectation<'a> {
        LogoutExpectation {
            peer: application.entity_id(),
            single_logout_service: self.single_logout_service.as_str(),
            binding: received.binding(),
            now,
            skew: application.policy.skew,
        }
    }

    /// Asks an application to end a person's sessions.
    pub(crate) fn send_logout_request(
        &self,
        to_send: LogoutRequestToSend,
    ) -> Result<Outgoing, FederateError> {
        let now = self.now();
        let application = self.application(Some(&to_send.entity_id))?;
        let metadata = self.metadata_of(&application)?;
        let sp = metadata.sp_at(now)?;
        let binding = to_send.channel.binding();
        let endpoint = sp.single_logout_for(binding).ok_or(Denial::NoEndpoint)?;
        let location = endpoint.location.as_str();
        let request = LogoutRequest {
            id: to_send.request_id,
            issue_instant: now,
            destination: Some(location.to_owned()),
            not_on_or_after: Some(to_send.deadline),
            reason: None,
            issuer: Some(self.party.entity_id.clone()),
            extensions: Extensions::default(),
            name_id: to_send.name_id,
            session_indexes: to_send.session_indexes,
        };
        send(&self.party, binding, location, &request, None)
    }

    /// Answers the application that asked for a logout, by the binding it used if its
    /// metadata has it, else by one that it has.
    pub(crate) fn send_logout_response(
        &self,
        initiator: &Initiator,
        status: Status,
    ) -> Result<Outgoing, FederateError> {
        let now = self.now();
        let application = self.application(Some(&initiator.entity_id))?;
        let metadata = self.metadata_of(&application)?;
        let sp = metadata.sp_at(now)?;
        let (binding, endpoint) = sp
            .single_logout_for(initiator.binding)
            .map(|endpoint| (initiator.binding, endpoint))
            .or_else(|| front_channel(&sp.single_logout))
            .ok_or(Denial::NoEndpoint)?;
        let location = endpoint.response_location_or_location().as_str();
        let response = LogoutResponse {
            id: message_id(self.party.provider())?,
            issue_instant: now,
            destination: Some(location.to_owned()),
            in_response_to: Some(initiator.request_id.clone()),
            issuer: Some(self.party.entity_id.clone()),
            extensions: Extensions::default(),
            status,
        };
        let relay_state: Option<&RelayState> = initiator.relay_state.as_ref();
        send(&self.party, binding, location, &response, relay_state)
    }
}
