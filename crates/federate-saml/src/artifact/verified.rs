//! From an ArtifactResponse as it came to the message inside: a signature of the message itself
//! or of the ArtifactResponse covers what is read of it, and both do if there are both.

use super::message::{ArtifactResponse, embedded};
use crate::encrypted::{Encryptable, read_signed};
use crate::error::SamlError;
use crate::response::{Response, VerifiedResponse, verify_covered, verify_response};
use crate::validate::{ArtifactResponseExpectation, Refusal, Rule, validate_artifact_response};
use federate_xml::dsig::own_signature;
use federate_xml::enc::{CoveredOctets, DecryptionContext};
use federate_xml::{Element, FromElement, TrustedKeys, Unverified, VerificationContext, Verified};

/// Verifies the Response in an ArtifactResponse, after the rules for the latter.
///
/// The login that it makes is subject to [`validate_response`](crate::validate_response), as
/// if it had come by another binding.
///
/// # Errors
/// [`SamlError::Refused`] as [`validate_artifact_response`], and with [`Rule::ArtifactMessage`]
/// when there is no message; [`SamlError::Status`] when the ArtifactResponse or the Response
/// reports a failure; as [`verify_response`], among them a signature missing everywhere.
pub fn verify_artifact_response(
    message: &Unverified<'_, ArtifactResponse>,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
    decryption: Option<&DecryptionContext<'_>>,
    expect: &ArtifactResponseExpectation<'_>,
) -> Result<VerifiedResponse, SamlError> {
    let (inner, covered) = open::<Response>(message, keys, context, expect)?;
    match covered {
        Some(covered) if own_signature(inner.root_hint())?.is_none() => {
            verify_covered(&covered.document()?, &inner, keys, context, decryption)
        }
        _ => verify_response(&inner, keys, context, decryption),
    }
}

/// Verifies any other message in an ArtifactResponse, after the rules for the latter.
///
/// # Errors
/// As [`verify_artifact_response`]; [`SamlError::Xml`] when neither is signed, or the message
/// is not a valid `T`.
pub fn verify_artifact_message<T: Encryptable>(
    message: &Unverified<'_, ArtifactResponse>,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
    decryption: Option<&DecryptionContext<'_>>,
    expect: &ArtifactResponseExpectation<'_>,
) -> Result<Verified<T>, SamlError> {
    let (inner, covered) = open::<T>(message, keys, context, expect)?;
    match covered {
        Some(covered) if own_signature(inner.root_hint())?.is_none() => {
            read_signed(&covered.document()?, decryption)
        }
        _ => {
            let octets = context.verify_enveloped(inner.root_hint(), keys)?;
            read_signed(&octets.document(message.limits())?, decryption)
        }
    }
}

/// The message inside as it came, and, if the ArtifactResponse is signed, as it stands in what
/// was signed.
fn open<'i, T: FromElement>(
    message: &Unverified<'i, ArtifactResponse>,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
    expect: &ArtifactResponseExpectation<'_>,
) -> Result<(Unverified<'i, T>, Option<CoveredOctets>), SamlError> {
    if own_signature(message.root_hint())?.is_none() {
        accept(&message.read_unsigned()?, expect)?;
        return Ok((message.inside(inner)?, None));
    }
    let octets = context.verify_enveloped(message.root_hint(), keys)?;
    let signed = octets.document(message.limits())?;
    accept(&*signed.read::<ArtifactResponse>()?, expect)?;
    let covered = signed.part(inner(signed.root())?, message.limits())?;
    Ok((message.inside(inner)?, Some(covered)))
}

/// The rules, and the status.
fn accept(
    response: &ArtifactResponse,
    expect: &ArtifactResponseExpectation<'_>,
) -> Result<(), SamlError> {
    validate_artifact_response(response, expect)?;
    if !response.status.is_success() {
        return Err(SamlError::Status(Box::new(response.status.clone())));
    }
    Ok(())
}

/// `[SAMLCore] 3.5.3`: an artifact that is not known, or not any more, gives success without a
/// message.
fn inner(response: Element<'_>) -> Result<Element<'_>, SamlError> {
    let nothing = || Refusal::new(Rule::ArtifactMessage, "a message", "none");
    Ok(embedded(response)?.ok_or_else(nothing)?)
}
