use crate::{
    BlockCiphers, CryptoError, Curve, Digest, DigestAlgorithm, KeyTransport, PrivateKey, PublicKey,
    SignatureAlgorithm,
};
use std::fmt;
use std::sync::Arc;

/// One source of cryptography: digests, key operations and randomness, as data.
///
/// It is passed explicitly to whatever needs it; parts may be exchanged, for example the
/// randomness in a test.
#[derive(Clone, Copy)]
pub struct CryptoProvider {
    /// The provider's name, for messages.
    pub name: &'static str,
    /// Digests.
    pub digester: &'static dyn Digester,
    /// Keys and what is done with them.
    pub keys: &'static dyn KeyBackend,
    /// Encryption and decryption of content.
    pub ciphers: &'static dyn BlockCiphers,
    /// Transport of the keys of encrypted content.
    pub key_transport: &'static dyn KeyTransport,
    /// Randomness for keys, identifiers and handles.
    pub random: &'static dyn SecureRandom,
}

impl fmt::Debug for CryptoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CryptoProvider").field(&self.name).finish()
    }
}

/// Computes digests.
pub trait Digester: Send + Sync {
    /// The digest of octets that lie in one piece.
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Digest;

    /// Begins the digest of octets that come in pieces.
    fn start(&self, algorithm: DigestAlgorithm) -> Box<dyn DigestContext>;
}

/// A digest under way.
pub trait DigestContext: Send {
    /// Takes in the next octets.
    fn update(&mut self, data: &[u8]);

    /// The digest of everything taken in.
    fn finish(self: Box<Self>) -> Digest;
}

/// Gives random octets fit for keys.
pub trait SecureRandom: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`CryptoError::Random`] when the source fails; the buffer must not be used then.
    fn fill(&self, buf: &mut [u8]) -> Result<(), CryptoError>;
}

/// Reads, makes and loads keys.
pub trait KeyBackend: Send + Sync {
    /// Prepares a public key for verifying; all parsing happens here, once.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedKeyType`] or [`CryptoError::MalformedKey`].
    fn verifier(&self, key: &PublicKey) -> Result<Box<dyn Verifier>, CryptoError>;

    /// Prepares a private key for signing with one algorithm; all parsing happens here, once.
    ///
    /// # Errors
    /// [`CryptoError::KeyTypeMismatch`] when the key is of another type than the algorithm,
    /// [`CryptoError::UnsupportedAlgorithm`] (always for SHA-1),
    /// [`CryptoError::UnsupportedKeySize`] for RSA below 2048 bits, and
    /// [`CryptoError::MalformedKey`].
    fn load_signing_key(
        &self,
        key: &PrivateKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<Arc<dyn SigningKey>, CryptoError>;

    /// Makes an RSA key of 2048, 3072 or 4096 bits with the public exponent 65537.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedKeySize`] for other sizes, [`CryptoError::Random`] when no
    /// key could be made.
    fn generate_rsa(&self, bits: u32) -> Result<PrivateKey, CryptoError>;

    /// Makes a key on a curve, for ECDSA.
    ///
    /// # Errors
    /// [`CryptoError::Random`] when no key could be made.
    fn generate_ec(&self, curve: Curve) -> Result<PrivateKey, CryptoError>;

    /// Makes an Ed25519 key.
    ///
    /// # Errors
    /// [`CryptoError::Random`] when no key could be made.
    fn generate_ed25519(&self) -> Result<PrivateKey, CryptoError>;
}

/// A public key ready for verifying.
///
/// [`VerifyingKey`](crate::VerifyingKey) is the way to one: it also checks the key type.
pub trait Verifier: Send + Sync {
    /// Checks a signature over a message.
    ///
    /// # Errors
    /// [`CryptoError::BadSignature`] without details, [`CryptoError::KeyTypeMismatch`] or
    /// [`CryptoError::UnsupportedAlgorithm`].
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;
}

/// A private key ready for signing with one algorithm.
///
/// The key itself may live elsewhere: a hardware module or a key management service can
/// implement this trait. `Debug` must not show key material.
pub trait SigningKey: Send + Sync + fmt::Debug {
    /// The algorithm of the signatures.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// The key that verifies them.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message (not its digest).
    ///
    /// # Errors
    /// [`CryptoError::SigningFailed`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
}

#[cfg(test)]
mod curve_tests;
#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod forgery_tests;
#[cfg(test)]
mod tests;
