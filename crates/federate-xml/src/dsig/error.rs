use std::fmt;

/// Why a signature was not accepted.
///
/// The variants are for the operator; a peer is told none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature where one is required.
    #[error("there is no signature on the element")]
    Missing,
    /// The signature is not built as `[SAMLCore] 5.4` says.
    #[error("the signature is malformed: {0}")]
    Malformed(SignatureStructure),
    /// An algorithm that the policy does not allow.
    #[error("{role} is not allowed: {uri}")]
    AlgorithmRefused {
        /// What the algorithm is for.
        role: &'static str,
        /// The identifier of a known algorithm, or `an unknown algorithm`.
        uri: &'static str,
    },
    /// No trusted key fits the signature's algorithm, or those that do are too weak.
    #[error("none of {tried} trusted keys is of the kind and strength the signature needs")]
    NoUsableKey {
        /// How many keys are trusted.
        tried: usize,
    },
    /// None of the trusted keys made this signature.
    #[error("none of {tried} trusted keys made this signature")]
    WrongKey {
        /// How many keys were tried.
        tried: usize,
    },
    /// The signature is good, but the content is not what was signed.
    #[error("the content is not what was signed")]
    DigestMismatch,
}

impl SignatureError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "signature.missing",
            Self::Malformed(_) => "signature.malformed",
            Self::AlgorithmRefused { .. } => "signature.algorithm_refused",
            Self::NoUsableKey { .. } => "signature.no_usable_key",
            Self::WrongKey { .. } => "signature.wrong_key",
            Self::DigestMismatch => "signature.digest_mismatch",
        }
    }
}

/// What is wrong with the structure of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureStructure {
    /// More than one signature on one element.
    SeveralSignatures,
    /// Elements of the signature are missing, doubled, unknown or out of order.
    Elements,
    /// Base64 that is none.
    Base64,
    /// The signed element has no ID, or one that is not an NCName.
    NoId,
    /// The signed element has a second attribute that could pass for its ID.
    CompetingIds,
    /// Not exactly one reference.
    References,
    /// The reference is to something other than the signature's parent.
    ReferenceElsewhere,
    /// Transforms other than enveloped signature followed by a canonicalization.
    Transforms,
    /// The digest would be over nothing, or over another element.
    EmptyDigestInput,
}

impl fmt::Display for SignatureStructure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SeveralSignatures => "more than one signature on one element",
            Self::Elements => "its elements are missing, doubled, unknown or out of order",
            Self::Base64 => "a value is not base64",
            Self::NoId => "the signed element has no usable ID",
            Self::CompetingIds => "the signed element has two attributes that could be its ID",
            Self::References => "there is not exactly one reference",
            Self::ReferenceElsewhere => "the reference is not to the signature's parent",
            Self::Transforms => "the transforms are not enveloped signature and canonicalization",
            Self::EmptyDigestInput => "the digest would not be over the signed element",
        })
    }
}
