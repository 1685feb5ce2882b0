use crate::{KeyType, SignatureAlgorithm};

/// What a cryptographic operation refused.
///
/// No message contains text from a document: it may come from an attacker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The signature does not verify. Why is not told: it would help only a forger.
    #[error("the signature does not verify")]
    BadSignature,
    /// The algorithm does not belong to the type of the key.
    #[error("{algorithm} cannot be used with a key of type {key}")]
    KeyTypeMismatch {
        /// The algorithm that was asked for.
        algorithm: SignatureAlgorithm,
        /// The type of the key at hand.
        key: KeyType,
    },
    /// The provider does not have the algorithm, or not for this key, or not for signing.
    #[error("{provider} does not offer {algorithm} here")]
    UnsupportedAlgorithm {
        /// The provider's name.
        provider: &'static str,
        /// The algorithm that was asked for.
        algorithm: SignatureAlgorithm,
    },
    /// The provider does not have keys of this type.
    #[error("{provider} does not offer keys of type {key}")]
    UnsupportedKeyType {
        /// The provider's name.
        provider: &'static str,
        /// The type of the key.
        key: KeyType,
    },
    /// A key of this size is not used: RSA verifies with 1024 to 8192 bits, signs with 2048
    /// or more.
    #[error("a key of {bits} bits is not supported here")]
    UnsupportedKeySize {
        /// The size of the key; 0 when unknown.
        bits: u32,
    },
    /// A key that cannot be read.
    #[error("malformed key: {reason}")]
    MalformedKey {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A private key is encrypted, and no passphrase was given.
    #[error("the key is encrypted: a passphrase is needed")]
    PassphraseNeeded,
    /// A passphrase does not open a private key (or the key was damaged).
    #[error("the passphrase does not open the key")]
    WrongPassphrase,
    /// A certificate that cannot be read, or cannot be made as asked.
    #[error("malformed certificate: {reason}")]
    MalformedCertificate {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A certificate that belongs to another key.
    #[error("the certificate is for another key")]
    CertificateMismatch,
    /// Making a signature failed, for example because a key service did not answer.
    #[error("signing failed")]
    SigningFailed,
    /// The provider does not have the cipher, or the parameters of key transport.
    #[error("{provider} does not offer {algorithm} here")]
    UnsupportedEncryption {
        /// The provider's name.
        provider: &'static str,
        /// What was asked for.
        algorithm: &'static str,
    },
    /// Encrypting failed: a key or initialization vector of the wrong length, or too much to
    /// encrypt.
    #[error("encryption failed")]
    EncryptionFailed,
    /// The octets do not decrypt. Why is not told: it would help only an attacker.
    #[error("decryption failed")]
    DecryptionFailed,
    /// No randomness was to be had.
    #[error("no randomness available")]
    Random,
}

impl CryptoError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadSignature => "crypto.bad_signature",
            Self::KeyTypeMismatch { .. } => "crypto.key_type_mismatch",
            Self::UnsupportedAlgorithm { .. } => "crypto.unsupported_algorithm",
            Self::UnsupportedKeyType { .. } => "crypto.unsupported_key_type",
            Self::UnsupportedKeySize { .. } => "crypto.unsupported_key_size",
            Self::MalformedKey { .. } => "crypto.malformed_key",
            Self::PassphraseNeeded => "crypto.passphrase_needed",
            Self::WrongPassphrase => "crypto.wrong_passphrase",
            Self::MalformedCertificate { .. } => "crypto.malformed_certificate",
            Self::CertificateMismatch => "crypto.certificate_mismatch",
            Self::SigningFailed => "crypto.signing_failed",
            Self::UnsupportedEncryption { .. } => "crypto.unsupported_encryption",
            Self::EncryptionFailed => "crypto.encryption_failed",
            Self::DecryptionFailed => "crypto.decryption_failed",
            Self::Random => "crypto.random",
        }
    }
}
