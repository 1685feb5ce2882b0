//! HTTP-Redirect (`[SAMLBind] 3.4`): the message travels deflated in the query.

use super::parameters::{Parameters, decode, encode};
use crate::encrypted::read_signed;
use crate::error::{BindingError, SamlError};
use crate::message::{Message, MessageKind, unsigned_xml};
use crate::names::SIGNATURE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::CryptoError;
use federate_types::RelayState;
use federate_xml::enc::DecryptionContext;
use federate_xml::{
    Element, Limits, Signer, TrustedKeys, Unverified, VerificationContext, Verified,
};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use std::io::Read as _;

/// The address to which the browser is redirected with the message.
///
/// With a signer the query is signed (`[SAMLBind] 3.4.4.1`): over
/// `SAMLRequest=value&RelayState=value&SigAlg=value`, in exactly the octets sent.
///
/// # Errors
/// [`CryptoError`] when the key refuses.
pub fn redirect_url<T: Message>(
    location: &str,
    message: &T,
    relay_state: Option<&RelayState>,
    signer: Option<&Signer>,
) -> Result<String, CryptoError> {
    let xml = unsigned_xml(message);
    let mut deflated = Vec::with_capacity(xml.len());
    // Reading from memory into memory: it cannot fail.
    let _ = DeflateEncoder::new(xml.as_slice(), Compression::default()).read_to_end(&mut deflated);
    let parameter = T::KIND.parameter();
    let mut query = format!("{parameter}={}", encode(&STANDARD.encode(deflated)));
    if let Some(state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&encode(state.as_str()));
    }
    if let Some(signer) = signer {
        query.push_str("&SigAlg=");
        query.push_str(&encode(signer.algorithm().uri()));
        let signature = signer.sign_octets(query.as_bytes())?;
        query.push_str("&Signature=");
        query.push_str(&encode(&STANDARD.encode(signature)));
    }
    let separator = if location.contains('?') { '&' } else { '?' };
    Ok(format!("{location}{separator}{query}"))
}

/// A message as it came in a query, in its raw octets.
#[derive(Debug)]
pub struct RedirectMessage<'q> {
    kind: MessageKind,
    raw: &'q str,
    raw_relay_state: Option<&'q str>,
    /// The raw algorithm and signature.
    signature: Option<(&'q str, &'q str)>,
    relay_state: Option<RelayState>,
    xml: Vec<u8>,
    limits: Limits,
}

impl<'q> RedirectMessage<'q> {
    /// Takes the message from a query (without its `?`).
    ///
    /// # Errors
    /// [`BindingError`]: exactly one message, each parameter at most once, deflated and
    /// within the limits.
    pub fn parse(query: &'q str, kind: MessageKind, limits: &Limits) -> Result<Self, BindingError> {
        let parameters = Parameters::split(query)?;
        let name = kind.parameter();
        let raw = one_message(&parameters, kind)?;
        if let Some(encoding) = parameters.value("SAMLEncoding")?
            && encoding != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
        {
            return Err(BindingError::UnknownEncoding);
        }
        let signature = match (parameters.raw("SigAlg"), parameters.raw("Signature")) {
            (Some(algorithm), Some(signature)) => Some((algorithm, signature)),
            (None, None) => None,
            _ => return Err(BindingError::HalfSignature),
        };
        let relay_state = parameters.value("RelayState")?;
        Ok(Self {
            kind,
            raw,
            raw_relay_state: parameters.raw("RelayState"),
            signature,
            relay_state: relay_state.map(RelayState::received).transpose()?,
            xml: inflate(raw, name, limits)?,
            limits: *limits,
        })
    }

    /// The message, to find out who claims to have sent it.
    ///
    /// # Errors
    /// [`SamlError::Xml`]; [`BindingError::EmbeddedSignature`] for a signature inside.
    pub fn unverified<T: Message>(&self) -> Result<Unverified<'_, T>, SamlError> {
        let message = Unverified::<T>::parse(&self.xml, &self.limits)?;
        without_signature(message.root_hint())?;
        Ok(message)
    }

    /// The state that travels beside the message; covered by its signature, if it has one.
    #[must_use]
    pub const fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// Whether the query carries a signature; what it is worth, only verifying tells.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// Verifies the query's signature over its raw octets, and reads the message from them
    /// (`[SAMLBind] 3.4.4.1`); one of which a part is encrypted is refused.
    ///
    /// # Errors
    /// [`SamlError::Xml`] when the signature is missing or wrong, or the message is not a
    /// valid `T`.
    pub fn verify<T: Message>(
        &self,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
    ) -> Result<Verified<T>, SamlError> {
        self.verify_and_decrypt(keys, context, None)
    }

    /// As [`verify`](Self::verify), decrypting what is encrypted in the message.
    ///
    /// # Errors
    /// As [`verify`](Self::verify) and [`read_signed`].
    pub fn verify_and_decrypt<T: Message>(
        &self,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
        decryption: Option<&DecryptionContext<'_>>,
    ) -> Result<Verified<T>, SamlError> {
        let Some((raw_algorithm, raw_signature)) = self.signature else {
            return Err(federate_xml::SignatureError::Missing.into());
        };
        let algorithm = decode(raw_algorithm, "SigAlg")?;
        let signature = base64(&decode(raw_signature, "Signature")?)?;
        let name = self.kind.parameter();
        let mut signed = format!("{name}={}", self.raw);
        if let Some(state) = self.raw_relay_state {
            signed.push_str("&RelayState=");
            signed.push_str(state);
        }
        signed.push_str("&SigAlg=");
        signed.push_str(raw_algorithm);
        let read = |octets: &[u8]| -> Result<Vec<u8>, SamlError> {
            let query = std::str::from_utf8(octets).map_err(|_| BindingError::Escaping(name))?;
            let raw = one_message(&Parameters::split(query)?, self.kind)?;
            Ok(inflate(raw, name, &self.limits)?)
        };
        let xml = context.verify_detached(&algorithm, signed.as_bytes(), &signature, keys, read)?;
        let document = xml.document(&self.limits)?;
        without_signature(document.root())?;
        read_signed(&document, decryption)
    }
}

/// `[SAMLBind] 3.4.4.1`: a signature inside the message must have been removed.
pub(super) fn without_signature(root: Element<'_>) -> Result<(), BindingError> {
    if root.child_elements().any(|c| c.is(SIGNATURE)) {
        return Err(BindingError::EmbeddedSignature);
    }
    Ok(())
}

/// The one message of the expected kind, and none of the other.
pub(super) fn one_message<'q>(
    parameters: &Parameters<'q>,
    kind: MessageKind,
) -> Result<&'q str, BindingError> {
    let other = match kind {
        MessageKind::Request => MessageKind::Response,
        MessageKind::Response => MessageKind::Request,
    };
    // [SAMLBind] 3.6: an artifact stands for a message; there is none beside it.
    if [other.parameter(), "SAMLart"]
        .iter()
        .any(|name| parameters.raw(name).is_some())
    {
        return Err(match parameters.raw(kind.parameter()) {
            Some(_) => BindingError::Ambiguous(kind.parameter()),
            None => BindingError::Missing(kind.parameter()),
        });
    }
    parameters
        .raw(kind.parameter())
        .ok_or(BindingError::Missing(kind.parameter()))
}

pub(super) fn base64(text: &str) -> Result<Vec<u8>, BindingError> {
    let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).map_err(|_| BindingError::Base64)
}

fn inflate(raw: &str, name: &'static str, limits: &Limits) -> Result<Vec<u8>, BindingError> {
    let allowed = limits.bytes;
    // Encoded in base64 and then escaped, a message grows at most fourfold.
    if raw.len() / 4 > allowed {
        return Err(BindingError::TooLarge { allowed });
    }
    let deflated = base64(&decode(raw, name)?)?;
    let mut decoder = DeflateDecoder::new(deflated.as_slice());
    let mut xml = Vec::new();
    let result = (&mut decoder)
        .take((allowed as u64).saturating_add(1))
        .read_to_end(&mut xml);
    if xml.len() > allowed {
        return Err(BindingError::TooLarge { allowed });
    }
    if result.is_err() || decoder.total_in() != deflated.len() as u64 {
        return Err(BindingError::Deflate);
    }
    Ok(xml)
}
