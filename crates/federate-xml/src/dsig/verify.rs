use super::ENVELOPED;
use super::error::{SignatureError, SignatureStructure as Structure};
use super::keys::TrustedKeys;
use super::policy::SignaturePolicy;
use super::signed_info::{SignatureElements, SignedInfo};
use crate::c14n::{Canonicalization, canonicalize};
use crate::limits::Limits;
use crate::name::Name;
use crate::tree::{Document, Element, NodeKind};
use crate::verified::SignedBy;
use chrono::{DateTime, Utc};
use federate_crypto::{CryptoProvider, Digest, DigestAlgorithm, SignatureAlgorithm};
use federate_types::MessageId;

const SIGNATURE: Name = Name::ds("Signature");

/// With what, by which rules and when signatures are verified.
#[derive(Debug, Clone, Copy)]
pub struct VerificationContext<'a> {
    /// The cryptography.
    pub provider: &'a CryptoProvider,
    /// What is good enough for the peer in question.
    pub policy: &'a SignaturePolicy,
    /// The present: legacy exceptions of the policy end at a date.
    pub now: DateTime<Utc>,
}

/// The canonical octets of an element whose signature was verified: what the signer saw.
///
/// Only [`VerificationContext::verify_enveloped`] makes them, and
/// [`SignedOctets::read`] makes a [`crate::Verified`] value of them.
#[derive(Debug)]
#[must_use]
pub struct SignedOctets {
    octets: Vec<u8>,
    signed_by: SignedBy,
}

impl SignedOctets {
    /// The octets that were hashed.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Who signed them, and how.
    #[must_use]
    pub fn signed_by(&self) -> &SignedBy {
        &self.signed_by
    }
}

/// What a verified SignedInfo says of the element it is in.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The ID of the element; none if it is the whole document.
    pub id: Option<String>,
    pub canonicalization: Canonicalization,
    pub digest_algorithm: DigestAlgorithm,
    digest: Vec<u8>,
    pub signed_by: SignedBy,
}

impl Reference {
    pub(crate) fn check(&self, digest: &Digest) -> Result<(), SignatureError> {
        if digest.algorithm() == self.digest_algorithm && digest.matches(&self.digest) {
            Ok(())
        } else {
            Err(SignatureError::DigestMismatch)
        }
    }
}

/// Whether the element has a signature of its own; what it is worth, only verifying tells.
///
/// # Errors
/// [`SignatureError::Malformed`] when it has several.
pub fn own_signature(element: Element<'_>) -> Result<Option<Element<'_>>, SignatureError> {
    let mut own = element.child_elements().filter(|c| c.is(SIGNATURE));
    let first = own.next();
    match own.next() {
        None => Ok(first),
        Some(_) => Err(SignatureError::Malformed(Structure::SeveralSignatures)),
    }
}

impl VerificationContext<'_> {
    /// Verifies the enveloped signature of this very element (`[SAMLCore] 5.4`).
    ///
    /// The signature must be a child of the element, with one reference, to the element's
    /// own ID; the transforms are enveloped signature and exclusive canonicalization. The
    /// KeyInfo of the message is not looked at.
    ///
    /// # Errors
    /// [`SignatureError`]; nothing of the element is given out then.
    pub fn verify_enveloped(
        &self,
        element: Element<'_>,
        keys: &TrustedKeys,
    ) -> Result<SignedOctets, SignatureError> {
        let (signature, reference) = self.signature_of(element, keys)?;
        let mut octets = Vec::with_capacity(8 * 1024);
        let method = &reference.canonicalization;
        canonicalize(element, Some(signature), method, &mut octets);
        if octets.first() != Some(&b'<') {
            return Err(SignatureError::Malformed(Structure::EmptyDigestInput));
        }
        let digester = self.provider.digester;
        reference.check(&digester.digest(reference.digest_algorithm, &octets))?;
        let signed_by = reference.signed_by;
        Ok(SignedOctets { octets, signed_by })
    }

    /// Verifies SignedInfo, and gives the element's signature and what it says of the content.
    pub(crate) fn signature_of<'d>(
        &self,
        element: Element<'d>,
        keys: &TrustedKeys,
    ) -> Result<(Element<'d>, Reference), SignatureError> {
        let signature = own_signature(element)?.ok_or(SignatureError::Missing)?;
        let whole = self.policy.whole_document_allowed(self.now) && is_whole_document(element);
        let id = match own_id(element) {
            Err(_) if whole => None,
            id => Some(id?),
        };
        let parts = SignatureElements::of(signature)?;
        // Nobody has vouched for SignedInfo yet: only one of the expected shape, which is small,
        // is canonicalized at all.
        let methods = SignedInfo::of(parts.signed_info)?.methods;
        let algorithm = self
            .policy
            .signature_algorithm(methods.signature, self.now)?;
        let mut octets = Vec::with_capacity(1024);
        let canonicalization = self.policy.canonicalization(&methods.canonicalization)?;
        canonicalize(parts.signed_info, None, &canonicalization, &mut octets);
        let signed_by = self.verify_octets(algorithm, &octets, &parts.value, keys)?;

        // From here on SignedInfo is read from the octets that the signature covered.
        let limits = Limits::default();
        let elements = SignatureError::Malformed(Structure::Elements);
        let document = Document::parse(&octets, &limits).map_err(|_| elements)?;
        let info = SignedInfo::of(document.root())?;
        if info.methods.signature != methods.signature {
            return Err(SignatureError::Malformed(Structure::Elements));
        }
        // [XMLDSig] 4.4.3.2: the empty URI is the document, without comments.
        let id = match info.uri {
            Some("") if whole => None,
            Some(uri) if id.is_some() && uri.strip_prefix('#') == id => id,
            _ => return Err(SignatureError::Malformed(Structure::ReferenceElsewhere)),
        };
        Ok((signature, self.reference(id, info, signed_by)?))
    }

    /// `[SAMLCore] 5.4.3`, `5.4.4`: two transforms at most, and the digest of what they leave.
    fn reference(
        &self,
        id: Option<&str>,
        info: SignedInfo<'_>,
        signed_by: SignedBy,
    ) -> Result<Reference, SignatureError> {
        let canonicalization = match info.transforms.as_slice() {
            [(ENVELOPED, prefixes), canonicalization] if prefixes.is_empty() => match id {
                Some(_) => self.policy.canonicalization(canonicalization)?,
                None => self
                    .policy
                    .canonicalization_without_comments(canonicalization)?,
            },
            [(ENVELOPED, prefixes)] if prefixes.is_empty() => self
                .policy
                .implied_canonicalization()
                .ok_or(SignatureError::Malformed(Structure::Transforms))?,
            _ => return Err(SignatureError::Malformed(Structure::Transforms)),
        };
        Ok(Reference {
            id: id.map(str::to_owned),
            canonicalization,
            digest_algorithm: self.policy.digest_algorithm(info.digest_method, self.now)?,
            digest: info.digest,
            signed_by,
        })
    }

    /// Verifies a signature over octets with whichever of the keys made it.
    pub(super) fn verify_octets(
        &self,
        algorithm: SignatureAlgorithm,
        octets: &[u8],
        signature: &[u8],
        keys: &TrustedKeys,
    ) -> Result<SignedBy, SignatureError> {
        let all = keys.as_slice();
        let mut tried = 0;
        for key in all {
            if !self
                .policy
                .accepts_key(key.public_key(), algorithm, self.now)
            {
                continue;
            }
            tried += 1;
            if key.verify(algorithm, octets, signature).is_ok() {
                return Ok(SignedBy {
                    key: key.public_key().clone(),
                    algorithm,
                });
            }
        }
        Err(match tried {
            0 => SignatureError::NoUsableKey { tried: all.len() },
            tried => SignatureError::WrongKey { tried },
        })
    }
}

/// Whether an element is all there is in its document, but for comments and white space.
fn is_whole_document(element: Element<'_>) -> bool {
    let document = element.document;
    let root = document.root as usize;
    let end = document
        .node(document.root)
        .map_or(root, |n| n.end as usize);
    let around = document.nodes.iter().enumerate();
    let mut around = around.filter(|(number, _)| *number < root || *number >= end);
    element.number == document.root
        && !around.any(|(_, n)| matches!(n.kind, NodeKind::ProcessingInstruction { .. }))
}

/// The element's ID, by which its signature refers to it: the unprefixed `ID`
/// (`[SAMLCore] 5.4.2`), and nothing else that could pass for one.
pub(crate) fn own_id(element: Element<'_>) -> Result<&str, SignatureError> {
    let id = element
        .attribute("ID")
        .filter(|id| MessageId::new(*id).is_ok())
        .ok_or(SignatureError::Malformed(Structure::NoId))?;
    let like_id = |local: &str| local.eq_ignore_ascii_case("id");
    if element.attributes().filter(|a| like_id(a.1)).count() > 1 {
        return Err(SignatureError::Malformed(Structure::CompetingIds));
    }
    Ok(id)
}
