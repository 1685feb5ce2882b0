//! Messages on their way: how they came, how they go.

use crate::error::{Denial, FederateError};
use crate::party::{Party, PeerPolicy};
use chrono::{DateTime, Utc};
use federate_metadata::Endpoint;
use federate_saml::binding::{PostForm, PostMessage, RedirectMessage, redirect_url};
use federate_saml::{BindingError, Message, MessageKind, SamlError, read_signed, signed_xml};
use federate_types::{Binding, RelayState};
use federate_xml::dsig::own_signature;
use federate_xml::{TrustedKeys, Unverified, Verified};

/// A message as the browser brought it, not read yet.
#[derive(Debug, Clone, Copy)]
pub enum Incoming<'a> {
    /// The query of an address, without its `?`.
    Redirect(&'a str),
    /// The body of a form, `application/x-www-form-urlencoded`.
    Post(&'a str),
}

/// A message that the browser is to take somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outgoing {
    /// Answer with 303 and this `Location`.
    Redirect(String),
    /// Answer with the page of this form.
    Post(PostForm),
}

/// A message that was taken from its binding.
pub(crate) enum Received<'a> {
    Redirect(RedirectMessage<'a>),
    Post(PostMessage),
}

impl<'a> Incoming<'a> {
    /// Takes the message from its binding.
    pub(crate) fn receive(
        &self,
        kind: MessageKind,
        party: &Party,
    ) -> Result<Received<'a>, BindingError> {
        match self {
            Self::Redirect(query) => {
                RedirectMessage::parse(query, kind, &party.limits).map(Received::Redirect)
            }
            Self::Post(body) => PostMessage::parse(body, kind, &party.limits).map(Received::Post),
        }
    }

    /// Takes a request or a response, whichever it is.
    pub(crate) fn receive_either(
        &self,
        party: &Party,
    ) -> Result<(MessageKind, Received<'a>), BindingError> {
        match self.receive(MessageKind::Request, party) {
            Err(BindingError::Missing(_)) => {
                let kind = MessageKind::Response;
                self.receive(kind, party).map(|received| (kind, received))
            }
            request => request.map(|received| (MessageKind::Request, received)),
        }
    }
}

impl Received<'_> {
    pub(crate) fn binding(&self) -> Binding {
        match self {
            Self::Redirect(_) => Binding::HttpRedirect,
            Self::Post(_) => Binding::HttpPost,
        }
    }

    pub(crate) fn relay_state(&self) -> Option<&RelayState> {
        match self {
            Self::Redirect(message) => message.relay_state(),
            Self::Post(message) => message.relay_state(),
        }
    }

    pub(crate) fn unverified<T: Message>(
        &self,
        party: &Party,
    ) -> Result<Unverified<'_, T>, FederateError> {
        Ok(match self {
            Self::Redirect(message) => message.unverified()?,
            Self::Post(message) => Unverified::parse(message.xml(), &party.limits)?,
        })
    }

    /// Whether there is a signature; what it is worth, only verifying tells.
    pub(crate) fn is_signed<T: Message>(&self, message: &Unverified<'_, T>) -> bool {
        match self {
            Self::Redirect(redirect) => redirect.is_signed(),
            // Several signatures are signed too: verifying refuses them.
            Self::Post(_) => !matches!(own_signature(message.root_hint()), Ok(None)),
        }
    }

    /// Verifies the message as its binding says, and decrypts what is encrypted in it.
    pub(crate) fn verify<T: Message>(
        &self,
        message: &Unverified<'_, T>,
        keys: &TrustedKeys,
        party: &Party,
        peer: &PeerPolicy,
        now: DateTime<Utc>,
    ) -> Result<Verified<T>, FederateError> {
        let context = party.verification(peer, now);
        let decryption = party.decryption(peer, now);
        Ok(match self {
            Self::Redirect(redirect) => {
                redirect.verify_and_decrypt(keys, &context, decryption.as_ref())?
            }
            Self::Post(_) => {
                let octets = context
                    .verify_enveloped(message.root_hint(), keys)
                    .map_err(SamlError::from)?;
                let signed = octets.document(message.limits()).map_err(SamlError::from)?;
                read_signed(&signed, decryption.as_ref())?
            }
        })
    }
}

/// Sends a signed message to an endpoint, by the endpoint's binding.
pub(crate) fn send<T: Message>(
    party: &Party,
    binding: Binding,
    location: &str,
    message: &T,
    relay_state: Option<&RelayState>,
) -> Result<Outgoing, FederateError> {
    Ok(match binding {
        Binding::HttpRedirect => {
            let signer = Some(&party.signer);
            Outgoing::Redirect(redirect_url(location, message, relay_state, signer)?)
        }
        Binding::HttpPost => Outgoing::Post(PostForm::new(
            location,
            T::KIND,
            &signed_xml(message, &party.signer)?,
            relay_state.cloned(),
        )),
        _ => return Err(Denial::NoEndpoint.into()),
    })
}

/// The endpoint of a service by which a browser can reach it: Redirect before POST.
pub(crate) fn front_channel(endpoints: &[Endpoint]) -> Option<(Binding, &Endpoint)> {
    [Binding::HttpRedirect, Binding::HttpPost]
        .into_iter()
        .find_map(|binding| {
            let endpoint = endpoints.iter().find(|e| e.is_for(binding))?;
            Some((binding, endpoint))
        })
}
