//! From a response as it came to one whose assertion somebody trusted has signed.

use super::Response;
use crate::assertion::Assertion;
use crate::error::SamlError;
use crate::names::{ASSERTION, ENCRYPTED_ASSERTION, RESPONSE};
use crate::validate::{Refusal, Rule};
use federate_xml::dsig::own_signature;
use federate_xml::{
    Children, Element, ReadError, ReadProblem, SignatureError, SignedBy, TrustedKeys, Unverified,
    VerificationContext,
};

/// Which signatures a response carries; every one of them was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// The response is signed, and so is everything in it.
    Response,
    /// Only the assertion is signed; the response around it is unsigned.
    Assertion,
    /// Both are signed.
    Both,
}

/// A response with exactly one assertion, read from octets that a trusted key signed.
///
/// Only [`verify_response`] makes one. The assertion is always covered by a signature; the
/// response's own fields are when [`VerifiedResponse::coverage`] says so, and otherwise they
/// can only make a refusal, never an acceptance.
#[derive(Debug)]
#[must_use]
pub struct VerifiedResponse {
    envelope: Response,
    assertion: Assertion,
    coverage: Coverage,
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
/// both if there are two; one at least there must be (`[SAMLProf] 4.1.4.5`).
///
/// # Errors
/// [`SamlError::Status`] when the response reports a failure; [`SamlError::Refused`] with
/// [`Rule::AssertionCount`] when it does not contain exactly one assertion;
/// [`SamlError::Xml`] when a signature is missing or wrong.
pub fn verify_response(
    response: &Unverified<'_, Response>,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
) -> Result<VerifiedResponse, SamlError> {
    let root = response.root_hint();
    let (claimed, rest) = Response::envelope(root)?;
    if !claimed.status.is_success() {
        // Whoever wrote this, the outcome is the same: nobody is signed in.
        return Err(SamlError::Status(Box::new(claimed.status)));
    }
    let assertion_element = only_assertion(rest)?;
    let response_signed = own_signature(root)?.is_some();
    let assertion_signed = own_signature(assertion_element)?.is_some();
    let coverage = match (response_signed, assertion_signed) {
        (true, true) => Coverage::Both,
        (true, false) => Coverage::Response,
        (false, true) => Coverage::Assertion,
        (false, false) => return Err(SignatureError::Missing.into()),
    };
    let outer = if response_signed {
        Some(response.verify(keys, context)?)
    } else {
        None
    };
    let inner = if assertion_signed {
        let octets = context.verify_enveloped(assertion_element, keys)?;
        Some(octets.read::<Assertion>(response.limits())?)
    } else {
        None
    };
    // From here on `claimed` counts only where the response itself is not signed.
    let outer_signed_by = outer.as_ref().map(|o| o.signed_by().clone());
    let mut envelope = outer.map_or(claimed, federate_xml::Verified::into_inner);
    let from_outer = envelope.assertions.pop();
    let (assertion, signed_by) = match (inner, outer_signed_by) {
        (Some(inner), _) => {
            let signed_by = inner.signed_by().clone();
            (inner.into_inner(), signed_by)
        }
        (None, Some(signed_by)) => (from_outer.ok_or_else(|| count(0))?, signed_by),
        (None, None) => return Err(SignatureError::Missing.into()),
    };
    Ok(VerifiedResponse {
        envelope,
        assertion,
        coverage,
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

/// Exactly one assertion and nothing else: a second one is how signatures are wrapped.
fn only_assertion(mut rest: Children<'_>) -> Result<Element<'_>, SamlError> {
    let mut found = Vec::new();
    while let Some(child) = rest.any() {
        if !child.is(ASSERTION) && !child.is(ENCRYPTED_ASSERTION) {
            return Err(ReadError::new(RESPONSE.local, ReadProblem::UnexpectedElement).into());
        }
        found.push(child);
    }
    match found.as_slice() {
        [only] if only.is(ASSERTION) => Ok(*only),
        [_] => Err(Refusal::new(
            Rule::AssertionEncrypted,
            "an assertion that is not encrypted",
            "an encrypted one",
        )
        .into()),
        several => Err(count(several.len()).into()),
    }
}
