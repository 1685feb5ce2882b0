//! Names and attributes that came encrypted (`[SAMLCore] 2.2.4`, `2.7.3.2`): they are decrypted
//! where they stand in what was signed, and then read as if they had come in the clear.

use crate::artifact::{ArtifactResolve, ArtifactResponse};
use crate::assertion::Assertion;
use crate::authn_request::AuthnRequest;
use crate::error::SamlError;
use crate::logout::{LogoutRequest, LogoutResponse};
use crate::names::{
    ASSERTION, ATTRIBUTE, ATTRIBUTE_STATEMENT, ENCRYPTED_ATTRIBUTE, ENCRYPTED_ID, NAME_ID, SUBJECT,
};
use crate::response::Response;
use crate::validate::{Refusal, Rule};
use federate_xml::enc::{DecryptionContext, SignedDocument};
use federate_xml::{Element, FromElement, Name, Verified};

/// An element with what it has to be when it is decrypted.
type Part<'d> = (Element<'d>, Name);

/// Something of which parts may be encrypted.
pub trait Encryptable: FromElement {
    /// The encrypted parts, in the places that the schema has for them.
    fn encrypted_parts(_root: Element<'_>) -> Vec<(Element<'_>, Name)> {
        Vec::new()
    }
}

impl Encryptable for AuthnRequest {
    fn encrypted_parts(root: Element<'_>) -> Vec<Part<'_>> {
        let subjects = root.child_elements().filter(|c| c.is(SUBJECT));
        subjects
            .flat_map(|s| parts(s, ENCRYPTED_ID, NAME_ID))
            .collect()
    }
}

impl Encryptable for ArtifactResolve {}
/// The message inside is read on its own.
impl Encryptable for ArtifactResponse {}
impl Encryptable for LogoutResponse {}

impl Encryptable for LogoutRequest {
    fn encrypted_parts(root: Element<'_>) -> Vec<Part<'_>> {
        parts(root, ENCRYPTED_ID, NAME_ID).collect()
    }
}

impl Encryptable for Response {
    fn encrypted_parts(root: Element<'_>) -> Vec<Part<'_>> {
        let assertions = root.child_elements().filter(|c| c.is(ASSERTION));
        assertions.flat_map(Assertion::encrypted_parts).collect()
    }
}

impl Encryptable for Assertion {
    fn encrypted_parts(root: Element<'_>) -> Vec<Part<'_>> {
        let mut found = Vec::new();
        for child in root.child_elements() {
            if child.is(SUBJECT) {
                found.extend(parts(child, ENCRYPTED_ID, NAME_ID));
            } else if child.is(ATTRIBUTE_STATEMENT) {
                found.extend(parts(child, ENCRYPTED_ATTRIBUTE, ATTRIBUTE));
            }
        }
        found
    }
}

fn parts(of: Element<'_>, encrypted: Name, becomes: Name) -> impl Iterator<Item = Part<'_>> {
    of.child_elements()
        .filter(move |c| c.is(encrypted))
        .map(move |c| (c, becomes))
}

/// Reads a message or assertion from what was signed, with its encrypted parts decrypted.
///
/// # Errors
/// [`SamlError::Refused`] with [`Rule::Encrypted`] when something is encrypted and there is
/// nothing to decrypt it with; [`SamlError::Xml`] when it does not decrypt or is not a valid `T`.
pub fn read_signed<T: Encryptable>(
    signed: &SignedDocument<'_>,
    decryption: Option<&DecryptionContext<'_>>,
) -> Result<Verified<T>, SamlError> {
    let encrypted = T::encrypted_parts(signed.root());
    if encrypted.is_empty() {
        return Ok(signed.read()?);
    }
    let decrypted = signed.decrypt_all(&encrypted, needed(decryption)?)?;
    Ok(decrypted.read()?)
}

/// What decrypts, where something is encrypted.
pub(crate) fn needed<'a, 'k>(
    decryption: Option<&'a DecryptionContext<'k>>,
) -> Result<&'a DecryptionContext<'k>, Refusal> {
    decryption.ok_or_else(|| {
        Refusal::new(
            Rule::Encrypted,
            "nothing encrypted, for want of a key",
            "something encrypted",
        )
    })
}
