//! Logout messages as both roles write and read them.

use crate::error::{Denial, FederateError};
use crate::party::Party;
use crate::transport::{Outgoing, Received, front_channel, send};
use chrono::{DateTime, Utc};
use federate_logout::{
    Answer, BackChannel, Channel, Channels, FrontChannel, LogoutRequestToSend, Requester,
};
use federate_metadata::Endpoint;
use federate_saml::{Extensions, LogoutRequest, LogoutResponse};
use federate_types::{Binding, EntityId, NameId, RelayState, SessionIndex};

/// A verified and validated LogoutRequest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogoutDemand {
    /// Who asked, and how to answer.
    pub(crate) requester: Requester,
    /// Whose sessions.
    pub(crate) name_id: NameId,
    /// Which; all of that person at that application if there is none.
    pub(crate) session_indexes: Vec<SessionIndex>,
}

impl LogoutDemand {
    pub(crate) fn new(request: LogoutRequest, from: &EntityId, received: &Received<'_>) -> Self {
        Self {
            requester: Requester {
                entity_id: from.clone(),
                asynchronous: request.asynchronous(),
                request_id: request.id,
                relay_state: received.relay_state().cloned(),
                binding: received.binding(),
            },
            name_id: request.name_id,
            session_indexes: request.session_indexes,
        }
    }
}

/// The ways to a peer with these single logout services.
pub(crate) fn channels(endpoints: &[Endpoint]) -> Channels {
    let soap = endpoints.iter().find(|e| e.is_for(Binding::Soap));
    let front = front_channel(endpoints);
    Channels {
        back: soap.map(|_| BackChannel::Soap),
        front: front.and_then(|(binding, _)| FrontChannel::from_binding(binding)),
        frames: false,
    }
}

/// The binding of a way; logout tokens are not of SAML.
pub(crate) const fn binding_of(channel: Channel) -> Option<Binding> {
    match channel {
        Channel::Back(BackChannel::Soap) => Some(Binding::Soap),
        Channel::Back(BackChannel::LogoutToken) => None,
        Channel::Frame(front) | Channel::Front(front) => Some(front.binding()),
    }
}

pub(crate) fn logout_request(
    party: &Party,
    to_send: LogoutRequestToSend,
    location: &str,
    now: DateTime<Utc>,
) -> LogoutRequest {
    LogoutRequest {
        id: to_send.request_id,
        issue_instant: now,
        destination: Some(location.to_owned()),
        not_on_or_after: Some(to_send.deadline),
        reason: None,
        issuer: Some(party.entity_id.clone()),
        extensions: Extensions::default(),
        name_id: to_send.name_id,
        session_indexes: to_send.session_indexes,
    }
}

/// Answers whoever asked for a logout: by the binding it used if its metadata has it, else by
/// one that it has; what was asked directly is answered directly (`[SAMLProf] 4.4.3.4`).
pub(crate) fn answer_logout(
    party: &Party,
    endpoints: &[Endpoint],
    requester: &Requester,
    answer: &Answer,
) -> Result<Outgoing, FederateError> {
    let (binding, location) = match requester.binding {
        Binding::Soap => (Binding::Soap, None),
        asked_by => {
            let (binding, endpoint) = endpoints
                .iter()
                .find(|e| e.is_for(asked_by))
                .map(|endpoint| (asked_by, endpoint))
                .or_else(|| front_channel(endpoints))
                .ok_or(Denial::NoEndpoint)?;
            (
                binding,
                Some(endpoint.response_location_or_location().as_str()),
            )
        }
    };
    let response = LogoutResponse {
        id: answer.response_id.clone(),
        issue_instant: answer.issue_instant,
        destination: location.map(str::to_owned),
        in_response_to: Some(requester.request_id.clone()),
        issuer: Some(party.entity_id.clone()),
        extensions: Extensions::default(),
        status: answer.status.clone(),
    };
    let relay_state: Option<&RelayState> = requester.relay_state.as_ref();
    send(
        party,
        binding,
        location.unwrap_or_default(),
        &response,
        relay_state,
    )
}
