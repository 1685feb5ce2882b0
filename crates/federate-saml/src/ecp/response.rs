use super::{ECP_RELAY_STATE, ECP_REQUEST_AUTHENTICATED, ECP_RESPONSE, PAOS_RESPONSE};
use crate::binding::soap::{self, Envelope};
use crate::error::{BindingError, SamlError};
use crate::message::read_message_id;
use crate::response::Response;
use crate::validate::{Refusal, Rule, in_response_to};
use federate_types::{MessageId, RelayState};
use federate_xml::{Limits, Name, Unverified, Writer};

/// What the identity provider tells an enhanced client beside its Response.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHeaders<'a> {
    /// Where the Response goes: its Destination, chosen from the AuthnRequest and the service
    /// provider's metadata and never from what the client says.
    pub assertion_consumer_service: &'a str,
    /// Whether a signature of the AuthnRequest was verified, for clients that want to know.
    pub request_authenticated: bool,
}

/// The identity provider's answer to an enhanced client: a Response that was written (and signed)
/// before, in an envelope with header blocks for the client (`[SAMLProf] 4.2.3.6`).
#[must_use]
pub fn response_envelope(headers: &ResponseHeaders<'_>, response: &[u8]) -> Vec<u8> {
    soap::envelope_with(response, |w| headers.write(w))
}

impl ResponseHeaders<'_> {
    fn write(&self, w: &mut Writer) {
        // [SAMLProf] 4.2.4.4.
        w.start(ECP_RESPONSE);
        soap::for_next(w);
        let url = self.assertion_consumer_service;
        w.attribute(Name::local("AssertionConsumerServiceURL"), url);
        w.end();
        if self.request_authenticated {
            // Older clients do not know it, and need not.
            w.start(ECP_REQUEST_AUTHENTICATED);
            soap::addressed_to_next(w);
            w.end();
        }
    }
}

/// The client's rule: the identity provider must answer to the very address that the service
/// provider named (`[SAMLProf] 4.2.4.4`). Otherwise the client sends the service provider a
/// [`fault`](soap::fault) in place of the Response, which it keeps to itself.
///
/// Compared byte for byte: a relative `responseConsumerURL` is to be resolved before.
///
/// # Errors
/// [`Refusal`] by [`Rule::ResponseConsumer`].
pub fn validate_consumer(
    response_consumer_url: &str,
    assertion_consumer_service_url: &str,
) -> Result<(), Refusal> {
    if response_consumer_url == assertion_consumer_service_url {
        return Ok(());
    }
    Err(Refusal::new(
        Rule::ResponseConsumer,
        response_consumer_url,
        assertion_consumer_service_url,
    ))
}

/// What an enhanced client brings to the service provider (`[SAMLProf] 4.2.3.7`).
#[derive(Debug)]
pub struct PaosResponse<'i> {
    relay_state: Option<RelayState>,
    ref_to_message_id: Option<MessageId>,
    response: Unverified<'i, Response>,
}

impl<'i> PaosResponse<'i> {
    /// Opens the envelope.
    ///
    /// # Errors
    /// [`BindingError::SoapFault`] when the client reports that something went wrong;
    /// [`BindingError::Value`] for a relay state that is too long; else as
    /// [`Envelope::parse`] and [`Envelope::body`]. A header block of the identity provider that
    /// the client should have taken off is refused as one that is not understood.
    pub fn parse(octets: &'i [u8], limits: &Limits) -> Result<Self, SamlError> {
        let envelope = Envelope::parse(octets, limits, &[PAOS_RESPONSE, ECP_RELAY_STATE])?;
        let response = envelope.body()?;
        let paos = envelope.block_hint(PAOS_RESPONSE);
        let ref_to_message_id = match paos {
            Some(block) => read_message_id(block, PAOS_RESPONSE, "refToMessageID")?,
            None => None,
        };
        let relay_state = match envelope.block_hint(ECP_RELAY_STATE) {
            Some(block) => Some(RelayState::received(block.text()?).map_err(BindingError::from)?),
            None => None,
        };
        Ok(Self {
            relay_state,
            ref_to_message_id,
            response,
        })
    }

    /// The state that the client returns. No signature covers it.
    #[must_use]
    pub const fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// Which envelope of ours the client says that it answers.
    #[must_use]
    pub const fn ref_to_message_id_hint(&self) -> Option<&MessageId> {
        self.ref_to_message_id.as_ref()
    }

    /// The Response, to be verified by its own signature.
    #[must_use]
    pub const fn response(&self) -> &Unverified<'i, Response> {
        &self.response
    }

    /// `[SAMLProf] 4.2.4.5`: the client refers to our [`message_id`](super::RequestHeaders::message_id) if there was
    /// one. It says so itself, so this only finds mistakes: that the Response answers our
    /// request is for [`validate_response`](crate::validate_response) to see.
    ///
    /// # Errors
    /// [`Refusal`] by [`Rule::InResponseTo`].
    pub fn answers(&self, message_id: Option<&MessageId>) -> Result<(), Refusal> {
        in_response_to(message_id, self.ref_to_message_id.as_ref())
    }
}
