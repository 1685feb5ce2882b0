//! What decryption gives, as types: whether a signature covers it depends on where the
//! ciphertext stood.

use super::decrypt::DecryptionContext;
use super::error::{EncryptionError, EncryptionStructure};
use crate::c14n::{Canonicalization, CanonicalizationAlgorithm, canonicalize_replacing};
use crate::dsig::SignedOctets;
use crate::limits::Limits;
use crate::name::Name;
use crate::read::{FromElement, ReadError, ReadProblem};
use crate::tree::{Document, Element, NO_PREFIX};
use crate::verified::{SignedBy, Unverified, Verified, XmlError};
use std::fmt;

/// The most elements that are decrypted in one document: each costs an operation of an RSA key.
const MAX_ELEMENTS: usize = 64;

/// Octets that were decrypted and that nobody has vouched for.
///
/// They are one well-formed element of the expected name; more is not known of them.
#[must_use]
pub struct DecryptedOctets {
    octets: Vec<u8>,
    limits: Limits,
}

impl DecryptedOctets {
    pub(super) const fn new(octets: Vec<u8>, limits: Limits) -> Self {
        Self { octets, limits }
    }

    /// Parses them; to believe the result, verify its own signature.
    ///
    /// # Errors
    /// [`XmlError::Read`] when they are another element than that of `T`.
    pub fn parse<T: FromElement>(&self) -> Result<Unverified<'_, T>, XmlError> {
        Unverified::parse(&self.octets, &self.limits)
    }

    /// The octets: to look at, never to decide on.
    #[must_use]
    pub fn octets_hint(&self) -> &[u8] {
        &self.octets
    }
}

impl fmt::Debug for DecryptedOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptedOctets({} octets)", self.octets.len())
    }
}

/// A document that a verified signature covers as a whole, opened to decrypt parts of it.
///
/// [`SignedOctets::document`] makes one from the octets that were hashed;
/// [`Verified::document`] from octets whose signature travelled beside them. There is no
/// other way:
///
/// ```compile_fail
/// use federate_xml::{Document, Limits, enc::SignedDocument};
/// let forged = SignedDocument {
///     document: Document::parse(b"<a/>", &Limits::default()).unwrap(),
///     signed_by: todo!(),
/// };
/// ```
pub struct SignedDocument<'s> {
    document: Document<'s>,
    signed_by: SignedBy,
}

impl SignedDocument<'_> {
    /// The root of what was signed, in which to find what is encrypted.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        self.document.root()
    }

    /// Who signed it, and how.
    #[must_use]
    pub const fn signed_by(&self) -> &SignedBy {
        &self.signed_by
    }

    /// Decrypts an element of this document to one element of the expected name.
    ///
    /// The signature covers the ciphertext and its key, and so it covers the result: only its
    /// signer can have chosen it. For the same reason CBC may be decrypted here.
    ///
    /// # Errors
    /// [`EncryptionError::NotCovered`] when `element` is part of another document, and every
    /// other [`EncryptionError`]; nothing of the plaintext is given out then.
    pub fn decrypt(
        &self,
        element: Element<'_>,
        expected: Name,
        context: &DecryptionContext<'_>,
    ) -> Result<CoveredOctets, EncryptionError> {
        if !std::ptr::eq(element.document, &raw const self.document) {
            return Err(EncryptionError::NotCovered);
        }
        Ok(CoveredOctets {
            octets: context.plaintext(element, expected, true)?,
            limits: *context.limits,
            signed_by: self.signed_by.clone(),
        })
    }

    /// Decrypts several elements of this document, each to one of the expected name, and gives
    /// the document with every one replaced by what it was (`[XMLEnc] 4.4`).
    ///
    /// So encrypted names and attributes are read as if they had come in the clear. What was
    /// decrypted means the same in its new place: it takes no namespace from there, and its IDs
    /// must not occur there.
    ///
    /// # Errors
    /// As [`SignedDocument::decrypt`]; [`EncryptionError::Malformed`] for more than 64 elements.
    pub fn decrypt_all(
        &self,
        elements: &[(Element<'_>, Name)],
        context: &DecryptionContext<'_>,
    ) -> Result<CoveredOctets, EncryptionError> {
        if elements.len() > MAX_ELEMENTS {
            let problem = EncryptionStructure::TooManyElements;
            return Err(EncryptionError::Malformed(problem));
        }
        let mut found = Vec::with_capacity(elements.len());
        for (element, expected) in elements {
            let plaintext = self.decrypt(*element, *expected, context)?;
            found.push((element.number, plaintext.without_default_namespace()?));
        }
        found.sort_unstable_by_key(|(number, _)| *number);
        let replacements: Vec<_> = found.iter().map(|(at, o)| (*at, o.as_slice())).collect();
        let mut octets = Vec::with_capacity(self.document.input.len());
        canonicalize_replacing(self.root(), &replacements, &lossless(), &mut octets);
        Ok(CoveredOctets {
            octets,
            limits: *context.limits,
            signed_by: self.signed_by.clone(),
        })
    }

    /// An element of this document as a document of its own: a message inside a message.
    ///
    /// The signature covers it with the rest. It means the same on its own: it takes along the
    /// namespaces in scope and the attributes in the namespace `xml`.
    ///
    /// # Errors
    /// [`EncryptionError::NotCovered`] when `element` is part of another document.
    pub fn part(
        &self,
        element: Element<'_>,
        limits: &Limits,
    ) -> Result<CoveredOctets, EncryptionError> {
        if !std::ptr::eq(element.document, &raw const self.document) {
            return Err(EncryptionError::NotCovered);
        }
        let mut octets = Vec::with_capacity(self.document.input.len());
        canonicalize_replacing(element, &[], &lossless(), &mut octets);
        Ok(CoveredOctets {
            octets,
            limits: *limits,
            signed_by: self.signed_by.clone(),
        })
    }

    /// Reads the value that was signed.
    ///
    /// # Errors
    /// [`XmlError::Read`] when the document is not a valid `T`.
    pub fn read<T: FromElement>(&self) -> Result<Verified<T>, XmlError> {
        let root = self.root();
        if !root.is(T::ELEMENT) {
            return Err(ReadError::new(T::ELEMENT.local, ReadProblem::UnexpectedRoot).into());
        }
        let value = T::from_element(root)?;
        Ok(Verified::new(value, self.signed_by.clone()))
    }
}

/// The canonicalization that leaves out nothing.
const fn lossless() -> Canonicalization {
    Canonicalization {
        algorithm: CanonicalizationAlgorithm::Inclusive10,
        with_comments: true,
        inclusive_prefixes: Vec::new(),
    }
}

impl fmt::Debug for SignedDocument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignedDocument")
            .field(&self.document)
            .finish()
    }
}

/// Octets that a verified signature covers: decrypted from a ciphertext that it covers, or a part
/// of its document.
///
/// Only [`SignedDocument::decrypt`] and its like make them:
///
/// ```compile_fail
/// use federate_xml::{Limits, enc::CoveredOctets};
/// let forged = CoveredOctets {
///     octets: b"<a/>".to_vec(),
///     limits: Limits::default(),
///     signed_by: todo!(),
/// };
/// ```
///
/// and without its proof it gives only what is to be verified:
///
/// ```compile_fail
/// use federate_xml::{FromElement, Limits, Verified, enc::DecryptedOctets};
/// fn believe<T: FromElement>(decrypted: &DecryptedOctets) -> Verified<T> {
///     decrypted.read().unwrap()
/// }
/// ```
#[must_use]
pub struct CoveredOctets {
    octets: Vec<u8>,
    limits: Limits,
    signed_by: SignedBy,
}

impl CoveredOctets {
    /// Who signed what contained them, and how.
    #[must_use]
    pub const fn signed_by(&self) -> &SignedBy {
        &self.signed_by
    }

    /// Reads the value, by the signature around it.
    ///
    /// An element that also has a signature of its own must pass that as well: see
    /// [`CoveredOctets::parse`].
    ///
    /// # Errors
    /// [`XmlError::Read`] when the octets are not a valid `T`.
    pub fn read<T: FromElement>(&self) -> Result<Verified<T>, XmlError> {
        self.document()?.read()
    }

    /// The element with a default namespace of its own, none if need be, so that names without
    /// prefix mean the same wherever it is put.
    fn without_default_namespace(&self) -> Result<Vec<u8>, EncryptionError> {
        let failed = |_| EncryptionError::DecryptionFailed; // it was parsed before
        let document = Document::parse(&self.octets, &self.limits).map_err(failed)?;
        let root = document.root().data();
        let mut declared = document.declarations_of(&root).iter();
        let declaration = match declared.any(|d| d.prefix == NO_PREFIX) {
            true => "",
            false => " xmlns=\"\"",
        };
        // From the root's `<` on: an XML declaration would be out of place.
        let name = root.qname.range();
        let start = document.input.get(name.start.saturating_sub(1)..name.end);
        let rest = document.input.get(name.end..);
        let (start, rest) = (start.unwrap_or_default(), rest.unwrap_or_default());
        Ok([start, declaration, rest].concat().into_bytes())
    }

    /// Parses them, to verify a signature of their own.
    ///
    /// # Errors
    /// [`XmlError::Read`] when they are another element than that of `T`.
    pub fn parse<T: FromElement>(&self) -> Result<Unverified<'_, T>, XmlError> {
        Unverified::parse(&self.octets, &self.limits)
    }

    /// Opens them to decrypt a part in turn: an EncryptedID inside an EncryptedAssertion.
    ///
    /// # Errors
    /// [`XmlError::Parse`]; not to be expected, for they were parsed before.
    pub fn document(&self) -> Result<SignedDocument<'_>, XmlError> {
        Ok(SignedDocument {
            document: Document::parse(&self.octets, &self.limits)?,
            signed_by: self.signed_by.clone(),
        })
    }
}

impl fmt::Debug for CoveredOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CoveredOctets({} octets)", self.octets.len())
    }
}

impl SignedOctets {
    /// Opens the octets that were hashed, to decrypt parts of them.
    ///
    /// # Errors
    /// [`XmlError::Parse`] when they exceed the limits.
    pub fn document(&self, limits: &Limits) -> Result<SignedDocument<'_>, XmlError> {
        Ok(SignedDocument {
            document: Document::parse(self.octets(), limits)?,
            signed_by: self.signed_by().clone(),
        })
    }
}

impl Verified<Vec<u8>> {
    /// Opens a document whose octets were read from what a signature covers, as
    /// [`verify_detached`](crate::VerificationContext::verify_detached) can give them, to
    /// decrypt parts of it.
    ///
    /// # Errors
    /// [`XmlError::Parse`].
    pub fn document(&self, limits: &Limits) -> Result<SignedDocument<'_>, XmlError> {
        Ok(SignedDocument {
            document: Document::parse(self, limits)?,
            signed_by: self.signed_by().clone(),
        })
    }
}
