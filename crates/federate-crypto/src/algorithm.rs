use crate::der;
use std::fmt;

/// A digest algorithm of XML signatures (`[XMLDSig] 6.2`, RFC 9231).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// SHA-1: collisions are practical; only for reading old peers, by explicit opt-in.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The identifier that documents use.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    /// The algorithm that an identifier names, compared byte for byte.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.uri() == uri)
    }

    /// How many octets a digest has.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// A signature algorithm of XML signatures (`[XMLDSig] 6.4`, RFC 9231).
///
/// Signature values have the form that XML signatures give them: RSA as one integer of the
/// modulus' length, ECDSA as `r || s` (IEEE P1363), Ed25519 as its 64 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-1: verified only by explicit opt-in, never made.
    RsaSha1,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaSha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaSha512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, a salt of 32 octets.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, a salt of 48 octets.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512, a salt of 64 octets.
    RsaPssSha512,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
    /// Ed25519 (RFC 8032).
    Ed25519,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 11] = [
        Self::RsaSha1,
        Self::RsaSha256,
        Self::RsaSha384,
        Self::RsaSha512,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::Ed25519,
    ];

    /// The one with which a key of this type signs unless something else is asked for: RSA with
    /// SHA-256, ECDSA with the digest of the curve's size, or Ed25519.
    #[must_use]
    pub const fn usual_for(key: KeyType) -> Self {
        match key {
            KeyType::Rsa => Self::RsaSha256,
            KeyType::Ec(Curve::P256) => Self::EcdsaSha256,
            KeyType::Ec(Curve::P384) => Self::EcdsaSha384,
            KeyType::Ec(Curve::P521) => Self::EcdsaSha512,
            KeyType::Ed25519 => Self::Ed25519,
        }
    }

    /// The identifier that documents use.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::RsaSha1 => "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::RsaPssSha256 => "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
            Self::RsaPssSha384 => "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
            Self::RsaPssSha512 => "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
            Self::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Self::EcdsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
            Self::Ed25519 => "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        }
    }

    /// The algorithm that an identifier names, compared byte for byte.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.uri() == uri)
    }

    /// The type of key the algorithm is used with; for ECDSA, the curve that matches the
    /// digest (others work too: see [`accepts`](Self::accepts)).
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::RsaSha1
            | Self::RsaSha256
            | Self::RsaSha384
            | Self::RsaSha512
            | Self::RsaPssSha256
            | Self::RsaPssSha384
            | Self::RsaPssSha512 => KeyType::Rsa,
            Self::EcdsaSha256 => KeyType::Ec(Curve::P256),
            Self::EcdsaSha384 => KeyType::Ec(Curve::P384),
            Self::EcdsaSha512 => KeyType::Ec(Curve::P521),
            Self::Ed25519 => KeyType::Ed25519,
        }
    }

    /// Whether a key of that type can be used; ECDSA takes any curve.
    #[must_use]
    pub const fn accepts(self, key: KeyType) -> bool {
        matches!(
            (self.key_type(), key),
            (KeyType::Rsa, KeyType::Rsa)
                | (KeyType::Ec(_), KeyType::Ec(_))
                | (KeyType::Ed25519, KeyType::Ed25519)
        )
    }

    /// The digest of the message, where it is a parameter (Ed25519 has its own within).
    #[must_use]
    pub const fn digest(self) -> Option<DigestAlgorithm> {
        match self {
            Self::RsaSha1 => Some(DigestAlgorithm::Sha1),
            Self::RsaSha256 | Self::RsaPssSha256 | Self::EcdsaSha256 => {
                Some(DigestAlgorithm::Sha256)
            }
            Self::RsaSha384 | Self::RsaPssSha384 | Self::EcdsaSha384 => {
                Some(DigestAlgorithm::Sha384)
            }
            Self::RsaSha512 | Self::RsaPssSha512 | Self::EcdsaSha512 => {
                Some(DigestAlgorithm::Sha512)
            }
            Self::Ed25519 => None,
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RsaSha1 => "RSA-SHA1",
            Self::RsaSha256 => "RSA-SHA256",
            Self::RsaSha384 => "RSA-SHA384",
            Self::RsaSha512 => "RSA-SHA512",
            Self::RsaPssSha256 => "RSA-PSS-SHA256",
            Self::RsaPssSha384 => "RSA-PSS-SHA384",
            Self::RsaPssSha512 => "RSA-PSS-SHA512",
            Self::EcdsaSha256 => "ECDSA-SHA256",
            Self::EcdsaSha384 => "ECDSA-SHA384",
            Self::EcdsaSha512 => "ECDSA-SHA512",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// What kind of key a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA.
    Rsa,
    /// An elliptic curve over a prime field.
    Ec(Curve),
    /// Edwards curve 25519.
    Ed25519,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::Ec(Curve::P256) => "EC P-256",
            Self::Ec(Curve::P384) => "EC P-384",
            Self::Ec(Curve::P521) => "EC P-521",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// A curve of `[FIPS 186-5]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Curve {
    /// P-256, secp256r1.
    P256,
    /// P-384, secp384r1.
    P384,
    /// P-521, secp521r1.
    P521,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The size of the field in bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// How many octets one coordinate has, and each half of a raw signature.
    #[must_use]
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// A signature as key services and hardware modules give it, the DER of an
    /// `Ecdsa-Sig-Value` (RFC 3279 2.2.3), in the form that XML signatures have: `r || s`.
    ///
    /// `None` when it is no such value, or too large for the curve.
    #[must_use]
    pub fn raw_signature(self, der: &[u8]) -> Option<Vec<u8>> {
        der::ecdsa_raw(self, der)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_back() {
        for algorithm in DigestAlgorithm::ALL {
            assert_eq!(DigestAlgorithm::from_uri(algorithm.uri()), Some(algorithm));
        }
        for algorithm in SignatureAlgorithm::ALL {
            assert_eq!(
                SignatureAlgorithm::from_uri(algorithm.uri()),
                Some(algorithm)
            );
        }
        assert_eq!(DigestAlgorithm::from_uri("urn:x"), None);
        assert_eq!(SignatureAlgorithm::from_uri(""), None);
        // Byte-exact: no case folding, no trimming.
        let upper = DigestAlgorithm::Sha256.uri().to_uppercase();
        assert_eq!(DigestAlgorithm::from_uri(&upper), None);
    }

    #[test]
    fn hmac_is_no_signature_algorithm() {
        // A public key must never serve as a shared secret.
        for uri in [
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        ] {
            assert_eq!(SignatureAlgorithm::from_uri(uri), None);
        }
    }

    #[test]
    fn every_algorithm_accepts_its_own_key_type_only() {
        for algorithm in SignatureAlgorithm::ALL {
            assert!(algorithm.accepts(algorithm.key_type()));
            assert_eq!(
                algorithm.accepts(KeyType::Rsa),
                algorithm.key_type() == KeyType::Rsa
            );
            for curve in Curve::ALL {
                assert_eq!(
                    algorithm.accepts(KeyType::Ec(curve)),
                    matches!(algorithm.key_type(), KeyType::Ec(_))
                );
            }
        }
    }
}
