//! Messages on their way: how they came, how they go.

use crate::error::{Denial, FederateError};
use crate::party::{Party, PeerPolicy};
use chrono::{DateTime, Utc};
use federate_metadata::Endpoint;
use federate_saml::binding::{
    PostForm, PostMessage, RedirectMessage, SimpleSignForm, SimpleSignMessage, redirect_url, soap,
};
use federate_saml::ecp::PaosResponse;
use federate_saml::{
    ArtifactResolve, AuthnRequest, BindingError, LogoutRequest, LogoutResponse, Message,
    MessageHints, MessageKind, Response, SamlError, read_signed, signed_xml, unsigned_xml,
};
use federate_types::{Binding, EntityId, RelayState};
use federate_xml::dsig::own_signature;
use federate_xml::{Limits, TrustedKeys, Unverified, Verified};

/// A message as it came, not read yet.
#[derive(Debug, Clone, Copy)]
pub enum Incoming<'a> {
    /// The browser brought it in the query of an address, without its `?`.
    Redirect(&'a str),
    /// The browser brought it in the body of a form, `application/x-www-form-urlencoded`, signed
    /// as HTTP-POST or HTTP-POST-SimpleSign have it.
    Post(&'a str),
    /// The peer sent it itself: a SOAP envelope, `text/xml`.
    Soap(&'a [u8]),
}

/// A message on its way to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outgoing {
    /// Answer the browser with 303 and this `Location`.
    Redirect(String),
    /// Answer the browser with the page of this form.
    Post(PostForm),
    /// Answer the browser with the page of this form, whose values are signed.
    SimpleSign(SimpleSignForm),
    /// Answer the peer with this envelope, `text/xml`; nothing may keep it
    /// (`[SAMLBind] 3.2.3.2`).
    Soap(Vec<u8>),
}

impl Outgoing {
    /// Where the form goes that the browser is to send, and its fields, if it is one.
    #[must_use]
    pub fn form(&self) -> Option<(&str, Vec<(&str, &str)>)> {
        match self {
            Self::Post(form) => Some((&form.action, form.fields())),
            Self::SimpleSign(form) => Some((&form.form.action, form.fields())),
            Self::Redirect(_) | Self::Soap(_) => None,
        }
    }
}

/// A message that was taken from its binding.
pub(crate) enum Received<'a> {
    Redirect(RedirectMessage<'a>),
    Post(PostMessage),
    SimpleSign(SimpleSignMessage),
    Soap(&'a [u8]),
}

impl<'a> Incoming<'a> {
    /// Who claims to have sent the message, if it tells: a hint that nobody vouches for, by which
    /// metadata can be fetched before the message is handed over. Whoever it is, the message is
    /// refused or verified afterwards as if nobody had asked.
    ///
    /// Artifacts do not tell; neither do responses without an issuer of their own.
    #[must_use]
    pub fn issuer_hint(&self, limits: &Limits) -> Option<EntityId> {
        fn hint<T: Message>(received: &Received<'_>, limits: &Limits) -> Option<EntityId> {
            received.unverified_within::<T>(limits).ok()?.issuer_hint()
        }
        let request = self.take(MessageKind::Request, limits).ok();
        let asked = request.and_then(|received| {
            hint::<AuthnRequest>(&received, limits)
                .or_else(|| hint::<LogoutRequest>(&received, limits))
                .or_else(|| hint::<ArtifactResolve>(&received, limits))
        });
        asked.or_else(|| {
            let received = self.take(MessageKind::Response, limits).ok()?;
            let response = received.response_issuer_hint(limits);
            response.or_else(|| hint::<LogoutResponse>(&received, limits))
        })
    }

    /// Takes the message from its binding.
    pub(crate) fn receive(
        &self,
        kind: MessageKind,
        party: &Party,
    ) -> Result<Received<'a>, BindingError> {
        self.take(kind, &party.limits)
    }

    fn take(&self, kind: MessageKind, limits: &Limits) -> Result<Received<'a>, BindingError> {
        match self {
            Self::Redirect(query) => {
                RedirectMessage::parse(query, kind, limits).map(Received::Redirect)
            }
            Self::Post(body) if is_simple_sign(body) => {
                SimpleSignMessage::parse(body, kind, limits).map(Received::SimpleSign)
            }
            Self::Post(body) => PostMessage::parse(body, kind, limits).map(Received::Post),
            Self::Soap(envelope) => Ok(Received::Soap(envelope)),
        }
    }

    /// Takes a request or a response, whichever it is; in an envelope, peers send requests.
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
            Self::SimpleSign(_) => Binding::HttpPostSimpleSign,
            Self::Soap(_) => Binding::Soap,
        }
    }

    pub(crate) fn relay_state(&self) -> Option<&RelayState> {
        match self {
            Self::Redirect(message) => message.relay_state(),
            Self::Post(message) => message.relay_state(),
            Self::SimpleSign(message) => message.relay_state(),
            Self::Soap(_) => None,
        }
    }

    pub(crate) fn unverified<T: Message>(
        &self,
        party: &Party,
    ) -> Result<Unverified<'_, T>, FederateError> {
        self.unverified_within(&party.limits)
    }

    fn unverified_within<T: Message>(
        &self,
        limits: &Limits,
    ) -> Result<Unverified<'_, T>, FederateError> {
        Ok(match self {
            Self::Redirect(message) => message.unverified()?,
            Self::Post(message) => Unverified::parse(message.xml(), limits)?,
            Self::SimpleSign(message) => message.unverified()?,
            Self::Soap(envelope) => soap::body(envelope, limits)?,
        })
    }

    /// Who claims to have sent a response: responses come by a form or from a client.
    fn response_issuer_hint(&self, limits: &Limits) -> Option<EntityId> {
        match self {
            Self::Redirect(_) => None,
            Self::Post(message) => {
                let response = Unverified::<Response>::parse(message.xml(), limits);
                response.ok()?.issuer_hint()
            }
            Self::SimpleSign(message) => message.unverified::<Response>().ok()?.issuer_hint(),
            Self::Soap(envelope) => {
                let message = PaosResponse::parse(envelope, limits).ok()?;
                message.response().issuer_hint()
            }
        }
    }

    /// Whether there is a signature; what it is worth, only verifying tells.
    pub(crate) fn is_signed<T: Message>(&self, message: &Unverified<'_, T>) -> bool {
        match self {
            Self::Redirect(redirect) => redirect.is_signed(),
            Self::SimpleSign(form) => form.is_signed(),
            // Several signatures are signed too: verifying refuses them.
            Self::Post(_) | Self::Soap(_) => {
                !matches!(own_signature(message.root_hint()), Ok(None))
            }
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
            Self::SimpleSign(form) => {
                form.verify_and_decrypt(keys, &context, decryption.as_ref())?
            }
            Self::Post(_) | Self::Soap(_) => {
                let octets = context
                    .verify_enveloped(message.root_hint(), keys)
                    .map_err(SamlError::from)?;
                let signed = octets.document(message.limits()).map_err(SamlError::from)?;
                read_signed(&signed, decryption.as_ref())?
            }
        })
    }
}

/// Whether a form is signed itself (`[SimpleSign] 2.5`); how, is for its reader to say.
pub(crate) fn is_simple_sign(body: &str) -> bool {
    let names = ["SigAlg=", "Signature="];
    body.split('&')
        .any(|pair| names.iter().any(|name| pair.starts_with(name)))
}

/// Sends a signed message to an endpoint, by the endpoint's binding.
pub(crate) fn send<T: Message>(
    party: &Party,
    binding: Binding,
    location: &str,
    message: &T,
    relay_state: Option<&RelayState>,
) -> Result<Outgoing, FederateError> {
    let signer = &party.signer;
    Ok(match binding {
        Binding::HttpRedirect => {
            let url = redirect_url(location, message, relay_state, Some(signer))?;
            Outgoing::Redirect(url)
        }
        Binding::HttpPost => Outgoing::Post(PostForm::new(
            location,
            T::KIND,
            &signed_xml(message, signer)?,
            relay_state.cloned(),
        )),
        Binding::HttpPostSimpleSign => Outgoing::SimpleSign(SimpleSignForm::new(
            location,
            T::KIND,
            &unsigned_xml(message),
            relay_state.cloned(),
            signer,
        )?),
        Binding::Soap => Outgoing::Soap(soap::envelope(&signed_xml(message, signer)?)),
        _ => return Err(Denial::NoEndpoint.into()),
    })
}

/// The endpoint of a service by which a browser can reach it: Redirect before POST, and
/// SimpleSign where there is nothing else.
pub(crate) fn front_channel(endpoints: &[Endpoint]) -> Option<(Binding, &Endpoint)> {
    [
        Binding::HttpRedirect,
        Binding::HttpPost,
        Binding::HttpPostSimpleSign,
    ]
    .into_iter()
    .find_map(|binding| {
        let endpoint = endpoints.iter().find(|e| e.is_for(binding))?;
        Some((binding, endpoint))
    })
}
