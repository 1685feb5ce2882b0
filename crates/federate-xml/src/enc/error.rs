use federate_crypto::CryptoError;
use std::fmt;

/// Why something encrypted was not decrypted.
///
/// The variants are for the operator; a peer is told none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptionError {
    /// It does not decrypt to an element of the expected name with any of our keys. Whether
    /// key, padding, tag or content is at fault is not told, here or in a log: who can tell
    /// them apart can decrypt.
    #[error("it does not decrypt to what was expected")]
    DecryptionFailed,
    /// An algorithm that the policy does not allow or the provider does not have.
    #[error("{role} is not allowed: {uri}")]
    AlgorithmRefused {
        /// What the algorithm is for.
        role: &'static str,
        /// The identifier of a known algorithm, or `an unknown algorithm`.
        uri: &'static str,
    },
    /// The elements are not built as `[XMLEnc] 3` says, or in a way that we refuse.
    #[error("the encrypted element is malformed: {0}")]
    Malformed(EncryptionStructure),
    /// None of our own keys is strong enough for the policy.
    #[error("none of our {tried} decryption keys may be used")]
    NoUsableKey {
        /// How many keys there are.
        tried: usize,
    },
    /// The caller's mistake: the element is not part of the signed document.
    #[error("the element is not part of the signed document")]
    NotCovered,
    /// The provider failed, for want of randomness.
    #[error(transparent)]
    Provider(CryptoError),
}

impl EncryptionError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DecryptionFailed => "encryption.failed",
            Self::AlgorithmRefused { .. } => "encryption.algorithm_refused",
            Self::Malformed(_) => "encryption.malformed",
            Self::NoUsableKey { .. } => "encryption.no_usable_key",
            Self::NotCovered => "encryption.not_covered",
            Self::Provider(e) => e.code(),
        }
    }
}

/// What is wrong with the structure of something encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptionStructure {
    /// Elements or attributes are missing, doubled, unknown or out of order.
    Elements,
    /// Base64 that is none.
    Base64,
    /// The ciphertext is elsewhere: it would have to be fetched or found.
    CipherReference,
    /// The key would have to be transformed before use.
    Transforms,
    /// What was encrypted is neither an element nor the content of one.
    Type,
    /// There is no encrypted key.
    NoKey,
    /// More encrypted keys than are tried.
    TooManyKeys,
    /// More encrypted elements in one document than are decrypted.
    TooManyElements,
    /// A reference to the key that does not lead to one in the same document.
    KeyElsewhere,
}

impl fmt::Display for EncryptionStructure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elements => "its elements are missing, doubled, unknown or out of order",
            Self::Base64 => "a value is not base64",
            Self::CipherReference => "the ciphertext is elsewhere",
            Self::Transforms => "the key would have to be transformed",
            Self::Type => "what was encrypted is not an element",
            Self::NoKey => "there is no encrypted key",
            Self::TooManyKeys => "there are too many encrypted keys",
            Self::TooManyElements => "there are too many encrypted elements",
            Self::KeyElsewhere => "the key's reference does not lead to one in the document",
        })
    }
}
