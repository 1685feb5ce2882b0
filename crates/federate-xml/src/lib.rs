//! XML security for SAML: a hardened parser, canonicalization, XML signatures and encryption.
//!
//! Octets come in and become a [`Document`] through one strict parser. What a signature
//! covers becomes [`SignedOctets`], and only from those a [`Verified`] value is read: what
//! the program believes is what the signer signed, by construction. What goes out is written
//! by a [`Writer`] in canonical form, so that signing hashes what is written.
//!
//! ```
//! use federate_xml::{Document, Limits};
//! // A document type declaration is refused wherever it stands.
//! let error = Document::parse(b"<!DOCTYPE a><a/>", &Limits::default()).unwrap_err();
//! assert_eq!(error.code(), "xml.doctype_forbidden");
//! ```

mod c14n;
pub mod dsig;
pub mod enc;
mod error;
mod limits;
mod name;
mod parse;
mod read;
pub mod stream;
mod time;
mod tree;
mod verified;
mod write;

pub use c14n::{
    Canonicalization, CanonicalizationAlgorithm, EXCLUSIVE, EXCLUSIVE_WITH_COMMENTS, canonicalize,
    canonicalize_document,
};
pub use dsig::{
    SignatureError, SignaturePolicy, SignedOctets, Signer, TrustedKeys, VerificationContext,
};
pub use enc::{DecryptionContext, DecryptionKeys, DecryptionPolicy, EncryptionError, Encryptor};
pub use error::{ParseError, ParseErrorKind};
pub use limits::Limits;
pub use name::{DS, EC, MD, Name, SAML, SAMLP, XENC, XML, XMLNS, XS, XSI};
pub use read::{Children, FromElement, ReadError, ReadProblem};
pub use stream::{Part, Scope, SignedHead, Stream, StreamError, StreamLimits, Visitor};
pub use time::{format_instant, parse_instant};
pub use tree::{Document, Element};
pub use verified::{SignedBy, Unverified, Verified, XmlError};
pub use write::Writer;
