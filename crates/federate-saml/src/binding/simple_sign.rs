//! HTTP-POST-SimpleSign (`[SimpleSign]`): as HTTP-POST, with a signature over the form's
//! values instead of one inside the message.

use super::parameters::{Parameters, decode};
use super::post::{PostForm, auto_submit};
use super::redirect::{base64, one_message, without_signature};
use crate::encrypted::{Encryptable, read_signed};
use crate::error::{BindingError, SamlError};
use crate::message::MessageKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::CryptoError;
use federate_types::RelayState;
use federate_xml::enc::DecryptionContext;
use federate_xml::{FromElement, Limits, Signer};
use federate_xml::{TrustedKeys, Unverified, VerificationContext, Verified};

const RELAY_STATE: &[u8] = b"&RelayState=";
const SIG_ALG: &[u8] = b"&SigAlg=";

/// A form that takes a message to its destination, with a signature over its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleSignForm {
    /// The message and the state.
    pub form: PostForm,
    /// `SigAlg`: the identifier of the signature's algorithm.
    pub sig_alg: &'static str,
    /// `Signature`, in base64.
    pub signature: String,
}

impl SimpleSignForm {
    /// A form for a message that was written before, without a signature of its own; an
    /// assertion inside it may have one.
    ///
    /// What is signed are the values before they are encoded: the octets of the XML, not their
    /// base64, whose line breaks a browser may change.
    ///
    /// # Errors
    /// [`CryptoError`] when the key refuses.
    pub fn new(
        action: impl Into<String>,
        kind: MessageKind,
        xml: &[u8],
        relay_state: Option<RelayState>,
        signer: &Signer,
    ) -> Result<Self, CryptoError> {
        let sig_alg = signer.algorithm().uri();
        let octets = signed_octets(kind, xml, relay_state.as_ref(), sig_alg);
        Ok(Self {
            signature: STANDARD.encode(signer.sign_octets(&octets)?),
            form: PostForm::new(action, kind, xml, relay_state),
            sig_alg,
        })
    }

    /// The form's fields, in the order in which they are sent.
    #[must_use]
    pub fn fields(&self) -> Vec<(&str, &str)> {
        let mut fields = self.form.fields();
        fields.extend([("SigAlg", self.sig_alg), ("Signature", &self.signature)]);
        fields
    }

    /// A page that submits the form, as [`PostForm::to_html`].
    #[must_use]
    pub fn to_html(&self, nonce: &str) -> String {
        auto_submit(&self.form.action, &self.fields(), nonce)
    }
}

/// A message as it came in a form that may be signed.
#[derive(Debug)]
pub struct SimpleSignMessage {
    kind: MessageKind,
    xml: Vec<u8>,
    relay_state: Option<RelayState>,
    /// The algorithm's identifier and the signature.
    signature: Option<(String, Vec<u8>)>,
    limits: Limits,
}

impl SimpleSignMessage {
    /// Takes the message from the body of a form, `application/x-www-form-urlencoded`.
    ///
    /// A `KeyInfo` is left alone: a message does not say whom to trust.
    ///
    /// # Errors
    /// [`BindingError`]: exactly one message, each parameter at most once, base64 (white
    /// space allowed), within the limits; algorithm and signature both or neither.
    pub fn parse(body: &str, kind: MessageKind, limits: &Limits) -> Result<Self, BindingError> {
        let parameters = Parameters::split(body)?;
        let raw = one_message(&parameters, kind)?;
        let allowed = limits.bytes;
        if raw.len() / 4 > allowed {
            return Err(BindingError::TooLarge { allowed });
        }
        let xml = base64(&decode(raw, kind.parameter())?)?;
        if xml.len() > allowed {
            return Err(BindingError::TooLarge { allowed });
        }
        let algorithm = parameters.value("SigAlg")?;
        let signature = match (algorithm, parameters.value("Signature")?) {
            (Some(algorithm), Some(signature)) => Some((algorithm, base64(&signature)?)),
            (None, None) => None,
            _ => return Err(BindingError::HalfSignature),
        };
        let relay_state = parameters.value("RelayState")?;
        Ok(Self {
            kind,
            xml,
            relay_state: relay_state.map(RelayState::received).transpose()?,
            signature,
            limits: *limits,
        })
    }

    /// The message, to find out who claims to have sent it.
    ///
    /// # Errors
    /// [`SamlError::Xml`]; [`BindingError::EmbeddedSignature`] for a signature of the message
    /// itself, as one message is not signed twice.
    pub fn unverified<T: FromElement>(&self) -> Result<Unverified<'_, T>, SamlError> {
        let message = Unverified::<T>::parse(&self.xml, &self.limits)?;
        without_signature(message.root_hint())?;
        Ok(message)
    }

    /// The state that travels beside the message; covered by its signature, if it has one.
    #[must_use]
    pub const fn relay_state(&self) -> Option<&RelayState> {
        self.relay_state.as_ref()
    }

    /// Whether the form carries a signature; what it is worth, only verifying tells.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// The limits under which the message was read; they hold for what is read from it.
    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Verifies the form's signature and reads the message from the octets that it covers; one
    /// of which a part is encrypted is refused.
    ///
    /// # Errors
    /// As [`verify_and_decrypt`](Self::verify_and_decrypt).
    pub fn verify<T: Encryptable>(
        &self,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
    ) -> Result<Verified<T>, SamlError> {
        self.verify_and_decrypt(keys, context, None)
    }

    /// As [`verify`](Self::verify), decrypting what is encrypted in the message.
    ///
    /// # Errors
    /// [`SamlError::Xml`] when the signature is missing or wrong, or the message is not a
    /// valid `T`; [`BindingError::Boundary`] when the signed octets can be taken apart in
    /// another way than the form does; and as [`read_signed`].
    pub fn verify_and_decrypt<T: Encryptable>(
        &self,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
        decryption: Option<&DecryptionContext<'_>>,
    ) -> Result<Verified<T>, SamlError> {
        let xml = self.verify_octets(keys, context)?;
        let document = xml.document(&self.limits)?;
        without_signature(document.root())?;
        read_signed(&document, decryption)
    }

    /// Verifies the form's signature and gives the octets of the message from what it covers.
    pub(crate) fn verify_octets(
        &self,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
    ) -> Result<Verified<Vec<u8>>, SamlError> {
        let Some((algorithm, signature)) = &self.signature else {
            return Err(federate_xml::SignatureError::Missing.into());
        };
        let relay_state = self.relay_state.as_ref();
        let octets = signed_octets(self.kind, &self.xml, relay_state, algorithm);
        context.verify_detached(algorithm, &octets, signature, keys, |octets| {
            self.message_in(octets)
        })
    }

    /// The message in the signed octets.
    ///
    /// These are values in a row that were not escaped, so the same octets could come from
    /// other forms: with what follows `&RelayState=` inside a comment of the message as relay
    /// state, or with a piece of the relay state as algorithm. Therefore they are taken apart
    /// in one way that depends on nothing but themselves: the algorithm follows the last
    /// `&SigAlg=`, as no identifier of one contains that, and the message ends at the first
    /// `&RelayState=`. A form that says otherwise is refused, so that of all forms with one
    /// signed string at most one is accepted. What we write escapes every `&` and always is.
    fn message_in(&self, octets: &[u8]) -> Result<Vec<u8>, SamlError> {
        let boundary = || SamlError::from(BindingError::Boundary);
        let values = octets
            .strip_prefix(self.kind.parameter().as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
            .ok_or_else(boundary)?;
        let mut at_sig_alg = values.windows(SIG_ALG.len());
        let end = at_sig_alg.rposition(|w| w == SIG_ALG);
        let values = end.and_then(|end| values.get(..end)).ok_or_else(boundary)?;
        let mut at_relay_state = values.windows(RELAY_STATE.len());
        let (xml, relay_state) = match at_relay_state.position(|w| w == RELAY_STATE) {
            None => (values, None),
            Some(at) => {
                let (xml, rest) = values.split_at_checked(at).ok_or_else(boundary)?;
                (xml, rest.get(RELAY_STATE.len()..))
            }
        };
        let said = self.relay_state.as_ref().map(|s| s.as_str().as_bytes());
        if xml != self.xml || relay_state != said {
            return Err(boundary());
        }
        Ok(xml.to_vec())
    }
}

/// The values in a row, as they are before any encoding.
fn signed_octets(
    kind: MessageKind,
    xml: &[u8],
    relay_state: Option<&RelayState>,
    sig_alg: &str,
) -> Vec<u8> {
    let mut octets = [kind.parameter().as_bytes(), b"=", xml].concat();
    if let Some(state) = relay_state {
        octets.extend_from_slice(RELAY_STATE);
        octets.extend_from_slice(state.as_str().as_bytes());
    }
    octets.extend_from_slice(SIG_ALG);
    octets.extend_from_slice(sig_alg.as_bytes());
    octets
}
