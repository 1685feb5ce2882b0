//! Logout messages between the identity provider and its applications.

use super::{Application, IdentityProvider};
use crate::error::{Denial, FederateError};
use crate::logout_message::{LogoutDemand, answer_logout, binding_of, channels, logout_request};
use crate::transport::{Outgoing, Received, send};
use chrono::{DateTime, Utc};
use federate_logout::{Answer, Channels, LogoutRequestToSend, Requester};
use federate_saml::{
    LogoutExpectation, LogoutRequest, LogoutResponse, Message, MessageHints,
    validate_logout_request, validate_logout_response,
};
use federate_types::{Binding, EntityId};
use federate_xml::Verified;
use std::borrow::Cow;

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
        let id = application.entity_id();
        Ok(LogoutDemand::new(request.into_inner(), id, received))
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
        let soap = self.soap_logout_service.as_ref();
        let soap = soap.filter(|_| received.binding() == Binding::Soap);
        let service = soap.unwrap_or(&self.single_logout_service);
        LogoutExpectation {
            peer: application.entity_id(),
            single_logout_service: service.as_str(),
            binding: received.binding(),
            now,
            skew: application.policy.skew,
        }
    }

    /// The ways to tell an application that a session is over.
    pub(crate) fn logout_channels(&self, entity_id: &EntityId) -> Channels {
        let application = self.application(Some(entity_id)).ok();
        let metadata = application
            .as_ref()
            .and_then(|application| self.metadata_of(application).ok());
        let Some(sp) = metadata.as_ref().and_then(|metadata| metadata.sp.as_ref()) else {
            return Channels::default();
        };
        Channels {
            frames: application.is_some_and(|application| application.logout_in_frames),
            ..channels(&sp.single_logout)
        }
    }

    /// Asks an application to end a person's sessions, and says where.
    pub(crate) fn send_logout_request(
        &self,
        to_send: LogoutRequestToSend,
    ) -> Result<(String, Outgoing), FederateError> {
        let now = self.now();
        let application = self.application(Some(&to_send.entity_id))?;
        let metadata = self.metadata_of(&application)?;
        let sp = metadata.sp_at(now)?;
        let binding = binding_of(to_send.channel).ok_or(Denial::NoEndpoint)?;
        let endpoint = sp.single_logout_for(binding).ok_or(Denial::NoEndpoint)?;
        let location = endpoint.location.as_str();
        let request = logout_request(&self.party, to_send, location, now);
        let outgoing = send(&self.party, binding, location, &request, None)?;
        Ok((location.to_owned(), outgoing))
    }

    /// Answers the application that asked for a logout, by the binding it used if its
    /// metadata has it, else by one that it has.
    pub(crate) fn send_logout_response(
        &self,
        requester: &Requester,
        answer: &Answer,
    ) -> Result<Outgoing, FederateError> {
        let application = self.application(Some(&requester.entity_id))?;
        let metadata = self.metadata_of(&application)?;
        let endpoints = &metadata.sp_at(self.now())?.single_logout;
        answer_logout(&self.party, endpoints, requester, answer)
    }
}
