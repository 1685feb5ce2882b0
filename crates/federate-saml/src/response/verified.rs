//! From a response as it came to one whose assertion somebody trusted has signed.

use super::Response;
use crate::assertion::Assertion;
use crate::binding::SimpleSignMessage;
use crate::encrypted::{needed, read_signed};
use crate::error::SamlError;
use crate::names::{ASSERTION, ENCRYPTED_ASSERTION, RESPONSE};
use crate::validate::{Refusal, Rule};
use federate_xml::dsig::own_signature;
use federate_xml::enc::{DecryptionContext, SignedDocument};
use federate_xml::{
    Children, Element, ReadError, ReadProblem, SignedBy, TrustedKeys, Unverified,
    VerificationContext, Verified,
};

/// Which signatures a response carries; every one of them was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// The response is signed, by itself or by the form or ArtifactResponse in which it came, and
    /// so is everything in it.
    Response,
    /// Only the assertion is signed; the response around it is unsigned.
    Assertion,
    /// Both are signed.
    Both,
}

/// A response with exactly one assertion, read from octets that a trusted key signed.
///
/// Only [`verify_response`], [`verify_simple_sign_response`] and
/// [`verify_artifact_response`](crate::verify_artifact_response) make one. The assertion is always covered by a signature; the
/// response's own fields are when [`VerifiedResponse::coverage`] says so, and otherwise they
/// can only make a refusal, never an acceptance.
#[derive(Debug)]
#[must_use]
pub struct VerifiedResponse {
    envelope: Response,
    assertion: Assertion,
    coverage: Coverage,
    encrypted: bool,
    signed_by: SignedBy,
}

impl VerifiedResponse {
    /// The message around the assertion; its list of assertions is empty.
    pub const fn envelope(&self) -> &Response {
        &self.envelope
    }

    /// The assertion.
    pub const fn assertion(&self) -> &Assertion {
        &self.assertion
    }

    /// Which signatures it carries.
    pub const fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// Whether the assertion came encrypted.
    #[must_use]
    pub const fn was_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Who signed the assertion, or the response that contains it.
    pub const fn signed_by(&self) -> &SignedBy {
        &self.signed_by
    }

    /// Whether the message around the assertion is signed too.
    #[must_use]
    pub const fn envelope_is_signed(&self) -> bool {
        !matches!(self.coverage, Coverage::Assertion)
    }

    pub(crate) fn into_assertion(self) -> Assertion {
        self.assertion
    }
}

/// Verifies the signatures of a response: that of the response, that of its assertion, or
/// both if there are two (`[SAMLCore] 5.1`, `5.2`); one at least there must be
/// (`[SAMLProf] 4.1.4.5`).
///
/// An encrypted assertion is decrypted: after its response was verified, if that is signed;
/// otherwise its own signature, inside, is the one that counts.
///
/// # Errors
/// [`SamlError::Status`] when the response reports a failure; [`SamlError::Refused`] with
/// [`Rule::AssertionCount`] when it does not contain exactly one assertion, and with
/// [`Rule::Encrypted`] when something is encrypted and `decryption` is `None`;
/// [`SamlError::Xml`] when a signature is missing or wrong, or something does not decrypt.
pub fn verify_response(
    response: &Unverified<'_, Response>,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
    decryption: Option<&DecryptionContext<'_>>,
) -> Result<VerifiedResponse, SamlError> {
    let root = response.root_hint();
    let (claimed, rest) = Response::envelope(root)?;
    if !claimed.status.is_success() {
        // Whoever wrote this, the outcome is the same: nobody is signed in.
        return Err(SamlError::Status(Box::new(claimed.status)));
    }
    let element = only_assertion(rest)?;
    let encrypted = element.is(ENCRYPTED_ASSERTION);
    let limits = response.limits();
    let verified = |assertion: Element<'_>| -> Result<Verified<Assertion>, SamlError> {
        let octets = context.verify_enveloped(assertion, keys)?;
        read_signed(&octets.document(limits)?, decryption)
    };

    if own_signature(root)?.is_none() {
        let assertion = if encrypted {
            let decrypted = needed(decryption)?.decrypt(element, ASSERTION)?;
            verified(decrypted.parse::<Assertion>()?.root_hint())?
        } else {
            verified(element)?
        };
        return Ok(VerifiedResponse {
            envelope: claimed,
            coverage: Coverage::Assertion,
            encrypted,
            signed_by: assertion.signed_by().clone(),
            assertion: assertion.into_inner(),
        });
    }
    let octets = context.verify_enveloped(root, keys)?;
    verify_covered(
        &octets.document(limits)?,
        response,
        keys,
        context,
        decryption,
    )
}

/// Verifies a response that was signed by SimpleSign: everything in it is covered then, and an
/// assertion with a signature of its own must pass that too.
///
/// A form without signature is refused here; a response whose assertion is signed can come in
/// one, and is for [`SimpleSignMessage::unverified`] and [`verify_response`].
///
/// # Errors
/// As [`verify_response`] and [`SimpleSignMessage::verify_and_decrypt`].
pub fn verify_simple_sign_response(
    message: &SimpleSignMessage,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
    decryption: Option<&DecryptionContext<'_>>,
) -> Result<VerifiedResponse, SamlError> {
    let response = message.unverified::<Response>()?;
    let xml = message.verify_octets(keys, context)?;
    let signed = xml.document(message.limits())?;
    verify_covered(&signed, &response, keys, context, decryption)
}

/// Reads a response that a signature covers as a whole from what that signature covers:
/// `[SAMLCore] 5.3`, an assertion without one of its own is signed by it.
///
/// `response` is the same as it came: an assertion's own signature may need namespaces that the
/// canonical form of the whole has left out.
pub(crate) fn verify_covered(
    signed: &SignedDocument<'_>,
    response: &Unverified<'_, Response>,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
    decryption: Option<&DecryptionContext<'_>>,
) -> Result<VerifiedResponse, SamlError> {
    let (envelope, rest) = Response::envelope(signed.root())?;
    if !envelope.status.is_success() {
        return Err(SamlError::Status(Box::new(envelope.status)));
    }
    let element = only_assertion(Response::envelope(response.root_hint())?.1)?;
    let encrypted = element.is(ENCRYPTED_ASSERTION);
    let verified = |assertion: Element<'_>| -> Result<Verified<Assertion>, SamlError> {
        let octets = context.verify_enveloped(assertion, keys)?;
        read_signed(&octets.document(response.limits())?, decryption)
    };
    let accepted = |envelope, assertion: Verified<Assertion>, coverage| VerifiedResponse {
        envelope,
        coverage,
        encrypted,
        signed_by: assertion.signed_by().clone(),
        assertion: assertion.into_inner(),
    };
    if encrypted {
        let element = only_assertion(rest)?;
        let decrypted = signed.decrypt(element, ASSERTION, needed(decryption)?)?;
        let document = decrypted.document()?;
        return Ok(if own_signature(document.root())?.is_none() {
            let assertion = read_signed(&document, decryption)?;
            accepted(envelope, assertion, Coverage::Response)
        } else {
            accepted(envelope, verified(document.root())?, Coverage::Both)
        });
    }
    if own_signature(element)?.is_some() {
        return Ok(accepted(envelope, verified(element)?, Coverage::Both));
    }
    let signed_by = signed.signed_by().clone();
    let mut envelope = read_signed::<Response>(signed, decryption)?.into_inner();
    let assertion = envelope.assertions.pop().ok_or_else(|| count(0))?;
    Ok(VerifiedResponse {
        envelope,
        assertion,
        coverage: Coverage::Response,
        encrypted,
        signed_by,
    })
}

fn count(actual: usize) -> Refusal {
    Refusal::new(
        Rule::AssertionCount,
        "exactly one assertion",
        actual.to_string(),
    )
}

/// Exactly one assertion and nothing else, encrypted or not: a second one is how signatures
/// are wrapped.
fn only_assertion(mut rest: Children<'_>) -> Result<Element<'_>, SamlError> {
    let mut found = Vec::new();
    while let Some(child) = rest.any() {
        if !child.is(ASSERTION) && !child.is(ENCRYPTED_ASSERTION) {
            return Err(ReadError::new(RESPONSE.local, ReadProblem::UnexpectedElement).into());
        }
        found.push(child);
    }
    match found.as_slice() {
        [only] => Ok(*only),
        several => Err(count(several.len()).into()),
    }
}
