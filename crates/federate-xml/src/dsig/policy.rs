use super::error::SignatureError;
use crate::c14n::{Canonicalization, CanonicalizationAlgorithm};
use chrono::{DateTime, Utc};
use federate_crypto::{DigestAlgorithm, KeyType, PublicKey, SignatureAlgorithm};

/// Which algorithms and keys are good enough for one peer.
///
/// By default: RSA (PKCS#1 v1.5 and PSS) of at least 2048 bits, ECDSA and Ed25519, with
/// SHA-256, SHA-384 or SHA-512. HMAC never. What is weaker is allowed only to one peer, by a
/// `dangerous_` method, until a date.
#[derive(Debug, Clone, Default)]
pub struct SignaturePolicy {
    sha1_until: Option<DateTime<Utc>>,
    rsa_1024_until: Option<DateTime<Utc>>,
    whole_document_until: Option<DateTime<Utc>>,
    inclusive_canonicalization: bool,
}

impl SignaturePolicy {
    /// The fewest bits of an RSA modulus accepted by default.
    pub const MIN_RSA_BITS: u32 = 2048;

    /// Accepts SHA-1 in digests and RSA signatures of this peer, until the given instant.
    ///
    /// Collisions of SHA-1 can be made: a peer that signs text which somebody else chose
    /// can be made to sign two texts at once.
    #[must_use]
    pub fn dangerous_allow_sha1(mut self, until: DateTime<Utc>) -> Self {
        self.sha1_until = Some(until);
        self
    }

    /// Accepts RSA keys of 1024 bits and more of this peer, until the given instant.
    ///
    /// Such keys can be broken with the means of a large organization.
    #[must_use]
    pub fn dangerous_allow_rsa_1024(mut self, until: DateTime<Utc>) -> Self {
        self.rsa_1024_until = Some(until);
        self
    }

    /// Accepts references to "the whole document" (`URI=""`) instead of to the element's ID, until
    /// the given instant: of root elements with no processing instruction around them, for which
    /// both mean the same octets.
    ///
    /// `[SAMLCore] 5.4.2` and `[SAMLMeta] 3.1` want the ID. A signature that does not say what it is
    /// about is good for whatever document somebody puts around it.
    #[must_use]
    pub fn dangerous_allow_whole_document(mut self, until: DateTime<Utc>) -> Self {
        self.whole_document_until = Some(until);
        self
    }

    /// Accepts inclusive canonicalization (Canonical XML 1.0 and 1.1) of this peer, and
    /// signatures that name no canonicalization for the content, which means 1.0.
    ///
    /// SAML recommends against it (`[SAMLCore] 5.4.3`), because a signature then depends on
    /// the surroundings of what it signs; a few products do it all the same. It weakens
    /// nothing here: the value is read from the canonical octets in any case.
    #[must_use]
    pub const fn allow_inclusive_canonicalization(mut self) -> Self {
        self.inclusive_canonicalization = true;
        self
    }

    fn sha1_allowed(&self, now: DateTime<Utc>) -> bool {
        self.sha1_until.is_some_and(|until| now < until)
    }

    pub(super) fn whole_document_allowed(&self, now: DateTime<Utc>) -> bool {
        self.whole_document_until.is_some_and(|until| now < until)
    }

    pub(super) fn signature_algorithm(
        &self,
        uri: &str,
        now: DateTime<Utc>,
    ) -> Result<SignatureAlgorithm, SignatureError> {
        let refused = |uri| SignatureError::AlgorithmRefused {
            role: "the signature algorithm",
            uri,
        };
        let algorithm =
            SignatureAlgorithm::from_uri(uri).ok_or_else(|| refused("an unknown algorithm"))?;
        match algorithm {
            SignatureAlgorithm::RsaSha1 if !self.sha1_allowed(now) => Err(refused(algorithm.uri())),
            _ => Ok(algorithm),
        }
    }

    pub(super) fn digest_algorithm(
        &self,
        uri: &str,
        now: DateTime<Utc>,
    ) -> Result<DigestAlgorithm, SignatureError> {
        let refused = |uri| SignatureError::AlgorithmRefused {
            role: "the digest algorithm",
            uri,
        };
        let algorithm =
            DigestAlgorithm::from_uri(uri).ok_or_else(|| refused("an unknown algorithm"))?;
        match algorithm {
            DigestAlgorithm::Sha1 if !self.sha1_allowed(now) => Err(refused(algorithm.uri())),
            _ => Ok(algorithm),
        }
    }

    /// `[SAMLCore] 5.4.3`: exclusive canonicalization, or inclusive where the peer may use
    /// it; comments are no part of the meaning and so must not be part of what is signed.
    pub(super) fn canonicalization(
        &self,
        (uri, prefixes): &(&str, Vec<String>),
    ) -> Result<Canonicalization, SignatureError> {
        let refused = |uri| SignatureError::AlgorithmRefused {
            role: "the canonicalization",
            uri,
        };
        let method =
            Canonicalization::from_uri(uri).ok_or_else(|| refused("an unknown algorithm"))?;
        let inclusive = method.algorithm != CanonicalizationAlgorithm::Exclusive;
        if method.with_comments || (inclusive && !self.inclusive_canonicalization) {
            return Err(refused(method.uri()));
        }
        Ok(Canonicalization {
            inclusive_prefixes: prefixes.clone(),
            ..method
        })
    }

    /// The same for the whole document, whose comments are no part of what is referred to
    /// (`[XMLDSig] 4.4.3.3`): with or without them is the same.
    pub(super) fn canonicalization_without_comments(
        &self,
        (uri, prefixes): &(&str, Vec<String>),
    ) -> Result<Canonicalization, SignatureError> {
        let without = Canonicalization::from_uri(uri).map(|method| Canonicalization {
            with_comments: false,
            ..method
        });
        let uri = without.map_or(*uri, |method| method.uri());
        self.canonicalization(&(uri, prefixes.clone()))
    }

    /// What canonicalizes the content when the transforms name nothing for it
    /// (`[XMLDSig] 4.4.3.2`): Canonical XML 1.0, where the peer may use that.
    pub(super) fn implied_canonicalization(&self) -> Option<Canonicalization> {
        self.inclusive_canonicalization.then(|| Canonicalization {
            algorithm: CanonicalizationAlgorithm::Inclusive10,
            ..Canonicalization::default()
        })
    }

    /// Whether the key fits the algorithm and is strong enough.
    pub(super) fn accepts_key(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
        now: DateTime<Utc>,
    ) -> bool {
        let strong = match key.key_type() {
            KeyType::Rsa => {
                key.bits() >= Self::MIN_RSA_BITS
                    || (key.bits() >= 1024 && self.rsa_1024_until.is_some_and(|until| now < until))
            }
            _ => true,
        };
        strong && algorithm.accepts(key.key_type())
    }
}
