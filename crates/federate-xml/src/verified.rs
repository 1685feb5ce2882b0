//! The one law as types: what is read before a signature was verified is a hint, what is
//! read after it comes from the octets that the signature covered.

use crate::dsig::{SignatureError, SignedOctets, TrustedKeys, VerificationContext};
use crate::enc::EncryptionError;
use crate::error::ParseError;
use crate::limits::Limits;
use crate::name::Name;
use crate::read::{FromElement, ReadError, ReadProblem};
use crate::tree::{Document, Element};
use federate_crypto::{PublicKey, SignatureAlgorithm};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// Any refusal of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// The octets are not an acceptable XML document.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// An element is not as its schema says.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The signature is absent, wrong, or not acceptable.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Something encrypted was not decrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
}

impl XmlError {
    /// The stable machine code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Parse(e) => e.code(),
            Self::Read(e) => e.code(),
            Self::Signature(e) => e.code(),
            Self::Encryption(e) => e.code(),
        }
    }
}

/// A document, or an element of one, that should be a `T` and of which nothing is to be believed
/// yet.
///
/// It tells hints, enough to choose the keys with which to verify it.
pub struct Unverified<'i, T> {
    document: Arc<Document<'i>>,
    /// The number of the element.
    number: u32,
    limits: Limits,
    becomes: PhantomData<fn() -> T>,
}

impl<'i, T: FromElement> Unverified<'i, T> {
    /// Parses the octets, whose root must be the element of `T`.
    ///
    /// # Errors
    /// [`XmlError::Parse`], or [`XmlError::Read`] when the root is another element.
    pub fn parse(octets: &'i [u8], limits: &Limits) -> Result<Self, XmlError> {
        let document = Document::parse(octets, limits)?;
        if !document.root().is(T::ELEMENT) {
            return Err(ReadError::new(T::ELEMENT.local, ReadProblem::UnexpectedRoot).into());
        }
        Ok(Self {
            number: document.root,
            document: Arc::new(document),
            limits: *limits,
            becomes: PhantomData,
        })
    }

    /// What should be a `U` inside this: a message in an envelope.
    ///
    /// It stays where it is, so that its signature is verified with the namespaces that are in
    /// scope there. `find` gets this root and gives the element in question.
    ///
    /// # Errors
    /// Whatever `find` refuses, and [`XmlError::Read`] when it gives an element that is not
    /// that of `U`.
    pub fn inside<U: FromElement, E: From<XmlError>>(
        &self,
        find: impl for<'d> FnOnce(Element<'d>) -> Result<Element<'d>, E>,
    ) -> Result<Unverified<'i, U>, E> {
        let element = find(self.root_hint())?;
        if !std::ptr::eq(element.document, &raw const *self.document) || !element.is(U::ELEMENT) {
            let problem = ReadProblem::UnexpectedRoot;
            return Err(XmlError::from(ReadError::new(U::ELEMENT.local, problem)).into());
        }
        Ok(Unverified {
            document: Arc::clone(&self.document),
            number: element.number,
            limits: self.limits,
            becomes: PhantomData,
        })
    }

    /// The root element as it came, which is the document's or the one found inside: to choose
    /// keys and to find what to verify, never to decide on.
    #[must_use]
    pub fn root_hint(&self) -> Element<'_> {
        Element {
            document: &self.document,
            number: self.number,
        }
    }

    /// What an attribute of the root claims.
    #[must_use]
    pub fn attribute_hint(&self, local: &str) -> Option<&str> {
        self.root_hint().attribute(local)
    }

    /// What the text of the root's first child element of this name claims.
    #[must_use]
    pub fn child_text_hint(&self, name: Name) -> Option<String> {
        let child = self.root_hint().child_elements().find(|c| c.is(name))?;
        Some(child.trimmed_text().ok()?.into_owned())
    }

    /// The limits under which the document was read; they hold for what is read from it.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Verifies the root's own enveloped signature and reads the value from the octets that
    /// it covers.
    ///
    /// # Errors
    /// [`XmlError::Signature`] when there is no acceptable signature by one of the keys;
    /// [`XmlError::Read`] when what was signed is not a valid `T`.
    pub fn verify(
        &self,
        keys: &TrustedKeys,
        context: &VerificationContext<'_>,
    ) -> Result<Verified<T>, XmlError> {
        context
            .verify_enveloped(self.root_hint(), keys)?
            .read(&self.limits)
    }

    /// Reads the value although nobody signed it.
    ///
    /// For messages that their profile lets travel unsigned (an AuthnRequest whose answer
    /// goes to a registered address anyway). The result is plain data, not [`Verified`].
    ///
    /// # Errors
    /// [`XmlError::Read`] when it is not a valid `T`.
    pub fn read_unsigned(&self) -> Result<T, XmlError> {
        Ok(T::from_element(self.root_hint())?)
    }
}

impl<T> std::fmt::Debug for Unverified<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Unverified").field(&self.document).finish()
    }
}

/// Who signed a [`Verified`] value, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// The trusted key that verified the signature.
    pub key: PublicKey,
    /// The algorithm it was used with.
    pub algorithm: SignatureAlgorithm,
}

/// A value read from exactly the octets that a verified signature covered.
///
/// Only the functions that verify signatures can make one:
///
/// ```compile_fail,E0451
/// use federate_xml::Verified;
/// let forged: Verified<u32> = Verified { value: 1, signed_by: todo!() };
/// ```
///
/// and it cannot be copied, so that a proof is used where it was given:
///
/// ```compile_fail
/// fn copy(proof: &federate_xml::Verified<u32>) -> federate_xml::Verified<u32> {
///     proof.clone()
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Verified<T> {
    value: T,
    signed_by: SignedBy,
}

impl<T> Verified<T> {
    /// Only for the functions of [`crate::dsig`] that have just verified a signature.
    pub(crate) const fn new(value: T, signed_by: SignedBy) -> Self {
        Self { value, signed_by }
    }

    /// Who signed it, and how.
    pub const fn signed_by(&self) -> &SignedBy {
        &self.signed_by
    }

    /// Gives the value, no longer with its proof.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl SignedOctets {
    /// Reads the value from the octets that were hashed, with the same parser.
    ///
    /// # Errors
    /// [`XmlError::Read`] when they are not a valid `T`.
    pub fn read<T: FromElement>(&self, limits: &Limits) -> Result<Verified<T>, XmlError> {
        self.document(limits)?.read()
    }
}
