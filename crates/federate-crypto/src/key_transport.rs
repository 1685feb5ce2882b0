//! Transport of content keys to the owner of an RSA key (`[XMLEnc] 5.5.2`).

use crate::{CryptoError, DigestAlgorithm, PrivateKey, PublicKey};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// RSA-OAEP (RFC 8017 7.1) with its parameters; the label is empty.
///
/// RSA with PKCS#1 v1.5 padding is offered nowhere: to decrypt it without becoming an oracle
/// is a thing that most who tried have failed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RsaOaep {
    /// The digest of the label.
    pub digest: DigestAlgorithm,
    /// The digest inside the mask generation function MGF1.
    pub mgf1: DigestAlgorithm,
}

impl RsaOaep {
    /// SHA-1 twice, which every peer has. Nothing here rests on collisions being hard.
    pub const SHA1: Self = Self::both(DigestAlgorithm::Sha1);
    /// SHA-256 twice.
    pub const SHA256: Self = Self::both(DigestAlgorithm::Sha256);

    /// The same digest for both.
    #[must_use]
    pub const fn both(digest: DigestAlgorithm) -> Self {
        Self {
            digest,
            mgf1: digest,
        }
    }
}

impl fmt::Display for RsaOaep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RSA-OAEP with {} and MGF1 {}", self.digest, self.mgf1)
    }
}

/// Encrypts content keys, and loads the keys that decrypt them.
pub trait KeyTransport: Send + Sync {
    /// Prepares a private key for decrypting; all parsing happens here, once.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedKeyType`] unless it is an RSA key,
    /// [`CryptoError::UnsupportedKeySize`] and [`CryptoError::MalformedKey`].
    fn load_decryption_key(&self, key: &PrivateKey) -> Result<Arc<dyn DecryptionKey>, CryptoError>;

    /// Encrypts a content key so that the owner of `recipient` can decrypt it.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedKeyType`] unless the recipient's is an RSA key,
    /// [`CryptoError::UnsupportedKeySize`], [`CryptoError::UnsupportedEncryption`] when the
    /// provider does not have these parameters, and [`CryptoError::EncryptionFailed`], for
    /// example when the content key is too long.
    fn encrypt_key(
        &self,
        recipient: &PublicKey,
        oaep: RsaOaep,
        key: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;
}

/// A private key ready for decrypting content keys.
///
/// The key itself may live elsewhere: a hardware module or a key management service can
/// implement this trait. `Debug` must not show key material.
pub trait DecryptionKey: Send + Sync + fmt::Debug {
    /// The key with which peers encrypt.
    fn public_key(&self) -> &PublicKey;

    /// Decrypts a content key.
    ///
    /// An implementation must take the same time whatever is wrong with the padding: who can
    /// tell one fault from another decrypts with the key (Manger, CRYPTO 2001).
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncryption`] when these parameters are not offered, which
    /// must not depend on `encrypted`; [`CryptoError::DecryptionFailed`] for everything else.
    fn decrypt_key(
        &self,
        oaep: RsaOaep,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError>;
}
