//! The beginning of a signed document, which says all that is needed to verify the rest.

use super::StreamError;
use crate::dsig::{Reference, SignatureError, TrustedKeys, VerificationContext};
use crate::error::ParseError;
use crate::limits::Limits;
use crate::name::Name;
use crate::parse::window::{Piece, Pieces};
use crate::tree::{Document, Element};
use crate::verified::{SignedBy, XmlError};
use federate_crypto::Digest;
use std::fmt;

pub(super) const SIGNATURE: Name = Name::ds("Signature");

/// The root and the signature of a document, whose SignedInfo was verified; of the content nothing
/// is known yet but its digest.
///
/// Only [`VerificationContext::verify_head`] makes it.
#[must_use]
pub struct SignedHead {
    octets: Vec<u8>,
    reference: Reference,
}

impl SignedHead {
    /// The octets from which it was read. With them, what [`Stream::verify`] wrote can be verified
    /// again.
    ///
    /// [`Stream::verify`]: super::Stream::verify
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Who signed it, and how.
    #[must_use]
    pub const fn signed_by(&self) -> &SignedBy {
        &self.reference.signed_by
    }

    pub(super) const fn reference(&self) -> &Reference {
        &self.reference
    }

    pub(super) fn check(&self, digest: Option<&Digest>) -> Result<(), SignatureError> {
        let digest = digest.ok_or(SignatureError::DigestMismatch)?;
        self.reference.check(digest)
    }
}

impl fmt::Debug for SignedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedHead({} octets)", self.octets.len())
    }
}

impl VerificationContext<'_> {
    /// Verifies the signature in the beginning of a document, which [`Stream::head`] gives: by the
    /// rules of [`verify_enveloped`](Self::verify_enveloped), but for the digest of the content.
    ///
    /// So a document that none of the keys signed is refused before it is read.
    ///
    /// # Errors
    /// [`XmlError::Parse`], [`XmlError::Signature`].
    ///
    /// [`Stream::head`]: super::Stream::head
    pub fn verify_head(
        &self,
        octets: Vec<u8>,
        limits: &Limits,
        keys: &TrustedKeys,
    ) -> Result<SignedHead, XmlError> {
        let document = Document::parse(&octets, limits)?;
        let (_, reference) = self.signature_of(document.root(), keys)?;
        drop(document);
        Ok(SignedHead { octets, reference })
    }
}

/// Looks for the head.
#[derive(Default)]
pub(super) struct Finder {
    tag: String,
    name: String,
    found: Option<Result<Vec<u8>, SignatureError>>,
}

impl Finder {
    pub(super) fn take(&mut self) -> Option<Result<Vec<u8>, SignatureError>> {
        self.found.take()
    }
}

impl Pieces for Finder {
    type Error = StreamError;

    fn refuse(error: ParseError) -> StreamError {
        error.into()
    }

    fn window(&mut self, _document: &Document<'_>) {}

    fn opens(&self, _element: Element<'_>) -> bool {
        false
    }

    fn open(&mut self, piece: &Piece<'_, '_>) -> Result<(), StreamError> {
        let root = piece.document.root();
        self.tag = piece.raw.to_owned();
        self.name = piece.document.str(root.data().qname).to_owned();
        Ok(())
    }

    fn part(&mut self, piece: &Piece<'_, '_>) -> Result<(), StreamError> {
        let head = [&self.tag, piece.raw, "</", &self.name, ">"];
        self.found = Some(match piece.document.root().is(SIGNATURE) {
            true => Ok(head.concat().into_bytes()),
            false => Err(SignatureError::Missing),
        });
        Ok(())
    }

    fn between(&mut self, _document: &Document<'_>) -> Result<(), StreamError> {
        Ok(())
    }

    fn close(&mut self, _name: &str, _end: u64) -> Result<(), StreamError> {
        self.found = Some(Err(SignatureError::Missing));
        Ok(())
    }

    fn done(&self) -> bool {
        self.found.is_some()
    }
}
