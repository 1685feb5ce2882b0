//! XML encryption, as SAML uses it (`[SAMLCore] 6`, `[XMLEnc]`): one element, a key that was
//! made for it, and that key encrypted to its recipient.
//!
//! Encryption is not authentication: whoever knows a certificate can encrypt to its owner. So
//! what decryption gives is worth what the ciphertext was worth:
//!
//! - [`DecryptionContext::decrypt`] takes an element of any document and gives
//!   [`DecryptedOctets`], which nobody has vouched for; a signature inside must be verified.
//! - [`SignedDocument::decrypt`] takes an element of a document that a signature covers and
//!   gives [`CoveredOctets`], which are covered as well.
//!
//! Nothing here decrypts twice: an encrypted part of what was decrypted stays encrypted until
//! the caller asks for it.
//!
//! Every fault of a key, a padding, a tag or a plaintext is the one error
//! [`EncryptionError::DecryptionFailed`]. The other errors depend on public data only.

mod content;
mod covered;
mod decrypt;
mod encrypt;
mod encrypted;
mod error;
mod keys;
mod method;
mod padding;
mod policy;

pub use covered::{CoveredOctets, DecryptedOctets, SignedDocument};
pub use decrypt::DecryptionContext;
pub use encrypt::Encryptor;
pub use error::{EncryptionError, EncryptionStructure};
pub use keys::DecryptionKeys;
pub use policy::DecryptionPolicy;

use crate::name::{Name, XENC};

/// XML encryption 1.1, for what it adds.
pub(crate) const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// What stands in `Type` when an element was encrypted (`[XMLEnc] 3.1`).
pub(crate) const TYPE_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
/// What stands in `Type` when the content of an element was encrypted.
pub(crate) const TYPE_CONTENT: &str = "http://www.w3.org/2001/04/xmlenc#Content";
/// What stands in the `Type` of a `ds:RetrievalMethod` that leads to a key (`[XMLEnc] 3.5.1`).
pub(crate) const TYPE_ENCRYPTED_KEY: &str = "http://www.w3.org/2001/04/xmlenc#EncryptedKey";

pub(crate) const ENCRYPTED_DATA: Name = xenc("EncryptedData");
pub(crate) const ENCRYPTED_KEY: Name = xenc("EncryptedKey");
pub(crate) const ENCRYPTION_METHOD: Name = xenc("EncryptionMethod");
pub(crate) const CIPHER_DATA: Name = xenc("CipherData");
pub(crate) const CIPHER_VALUE: Name = xenc("CipherValue");
pub(crate) const MGF: Name = Name::new(XENC11, "xenc11", "MGF");

pub(crate) const fn xenc(local: &'static str) -> Name {
    Name::new(XENC, "xenc", local)
}
