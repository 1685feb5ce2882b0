use crate::der::{self, Reader, oid};
use crate::{
    CryptoError, CryptoProvider, Curve, Digest, DigestAlgorithm, KeyType, SignatureAlgorithm,
    Verifier,
};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Larger keys only serve to slow a verifier down.
const MAX_RSA_BITS: u32 = 8192;

/// Smaller keys are broken by anyone; whether 1024 bits are enough is the policy's question.
const MIN_RSA_BITS: u32 = 1024;

/// The largest exponent that both providers take: 33 bits.
const MAX_RSA_EXPONENT: u64 = (1 << 33) - 1;

/// An SPKI of 8192 bits has about 1,060 octets.
const MAX_SPKI_LEN: usize = 4096;

/// A public key, as a `SubjectPublicKeyInfo` (RFC 5280 4.1.2.7).
///
/// Equality and hash are those of the DER octets. To verify with it, make a
/// [`VerifyingKey`].
#[derive(Clone)]
pub struct PublicKey {
    spki: Arc<[u8]>,
    key_type: KeyType,
    bits: u32,
}

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo`: RSA of 1024 to 8192 bits, an uncompressed point
    /// of P-256, P-384 or P-521, or Ed25519.
    ///
    /// # Errors
    /// [`CryptoError::MalformedKey`], [`CryptoError::UnsupportedKeySize`].
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, CryptoError> {
        if spki.len() > MAX_SPKI_LEN {
            return Err(malformed("too long"));
        }
        let (key_type, key) =
            split_spki(spki).ok_or(malformed("not the SubjectPublicKeyInfo of a known key"))?;
        let bits = match key_type {
            KeyType::Rsa => check_rsa(key)?,
            KeyType::Ec(curve) => {
                // [SEC 1] 2.3.3: 4 || x || y. That the point is on the curve is for the backend.
                if key.first() != Some(&4) || key.len() != 1 + 2 * curve.coordinate_len() {
                    return Err(malformed("not an uncompressed point of the curve"));
                }
                curve.bits()
            }
            KeyType::Ed25519 if key.len() == 32 => 255,
            KeyType::Ed25519 => return Err(malformed("Ed25519 keys have 32 octets")),
        };
        Ok(Self {
            spki: spki.into(),
            key_type,
            bits,
        })
    }

    /// Wraps the key proper (RSAPublicKey, point, 32 octets) into a `SubjectPublicKeyInfo`.
    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
    pub(crate) fn from_parts(key_type: KeyType, key: &[u8]) -> Result<Self, CryptoError> {
        let id = match key_type {
            KeyType::Rsa => [
                der::value(der::OID, &[oid::RSA_ENCRYPTION]),
                der::value(der::NULL, &[]),
            ]
            .concat(),
            KeyType::Ec(curve) => [
                der::value(der::OID, &[oid::EC_PUBLIC_KEY]),
                der::value(der::OID, &[curve_oid(curve)]),
            ]
            .concat(),
            KeyType::Ed25519 => der::value(der::OID, &[oid::ED25519]),
        };
        let spki = der::value(
            der::SEQUENCE,
            &[
                &der::value(der::SEQUENCE, &[&id]),
                &der::value(der::BIT_STRING, &[&[0], key]),
            ],
        );
        Self::from_spki_der(&spki)
    }

    /// The DER octets of the `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// What kind of key it is.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Its size in bits: the modulus of RSA, the field of a curve (255 for Ed25519).
    #[must_use]
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// The key proper: an RSAPublicKey, a point, or 32 octets.
    pub(crate) fn key_octets(&self) -> &[u8] {
        split_spki(&self.spki).map_or(&[], |(_, key)| key)
    }

    /// Modulus and exponent of an RSA key, without leading zeros.
    #[cfg(feature = "rustcrypto")]
    pub(crate) fn rsa_components(&self) -> Option<(&[u8], &[u8])> {
        match self.key_type {
            KeyType::Rsa => rsa_components(self.key_octets()),
            _ => None,
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spki.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {} bits)", self.key_type, self.bits)
    }
}

const fn malformed(reason: &'static str) -> CryptoError {
    CryptoError::MalformedKey { reason }
}

fn split_spki(spki: &[u8]) -> Option<(KeyType, &[u8])> {
    let mut outer = Reader::new(spki);
    let mut inner = outer.sequence()?;
    let key_type = key_type_of(inner.sequence()?)?;
    let key = inner.bit_octets()?;
    (outer.is_empty() && inner.is_empty()).then_some((key_type, key))
}

/// The key type that an AlgorithmIdentifier names.
pub(crate) fn key_type_of(mut id: Reader<'_>) -> Option<KeyType> {
    let algorithm = id.read(der::OID)?;
    let key_type = match algorithm {
        oid::RSA_ENCRYPTION => {
            // RFC 3279 2.3.1: the parameters are NULL; some encoders leave them out.
            if !id.is_empty() && !id.read(der::NULL)?.is_empty() {
                return None;
            }
            KeyType::Rsa
        }
        oid::EC_PUBLIC_KEY => {
            let named = id.read(der::OID)?;
            KeyType::Ec(
                Curve::ALL
                    .into_iter()
                    .find(|curve| curve_oid(*curve) == named)?,
            )
        }
        oid::ED25519 => KeyType::Ed25519,
        _ => return None,
    };
    id.is_empty().then_some(key_type)
}

const fn curve_oid(curve: Curve) -> &'static [u8] {
    match curve {
        Curve::P256 => oid::P256,
        Curve::P384 => oid::P384,
        Curve::P521 => oid::P521,
    }
}

fn rsa_components(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = Reader::new(key);
    let mut inner = outer.sequence()?;
    let modulus = inner.unsigned()?;
    let exponent = inner.unsigned()?;
    (outer.is_empty() && inner.is_empty()).then_some((modulus, exponent))
}

/// The size of an RSA key that is fit for use.
fn check_rsa(key: &[u8]) -> Result<u32, CryptoError> {
    let (modulus, exponent) = rsa_components(key).ok_or(malformed("not an RSAPublicKey"))?;
    let bits = bit_len(modulus);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(CryptoError::UnsupportedKeySize { bits });
    }
    // A product of two odd primes is odd.
    if modulus.last().is_none_or(|last| last & 1 == 0) {
        return Err(malformed("the modulus is even"));
    }
    let exponent = match exponent.len() {
        0..=8 => exponent
            .iter()
            .fold(0, |value, octet| value << 8 | u64::from(*octet)),
        _ => u64::MAX,
    };
    // [RFC 8017] 3.1: 3 <= e, and coprime with an even number, hence odd.
    if exponent < 3 || exponent & 1 == 0 || exponent > MAX_RSA_EXPONENT {
        return Err(malformed(
            "the public exponent is even, too small or too large",
        ));
    }
    Ok(bits)
}

fn bit_len(magnitude: &[u8]) -> u32 {
    let octets = u32::try_from(magnitude.len()).unwrap_or(u32::MAX / 8);
    let unused = magnitude.first().map_or(0, |first| first.leading_zeros());
    (octets * 8).saturating_sub(unused)
}

/// A public key that is ready to verify: parsed once, cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Prepared>);

struct Prepared {
    public_key: PublicKey,
    fingerprint: Digest,
    verifier: Box<dyn Verifier>,
}

impl VerifyingKey {
    /// Prepares a key with a provider.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedKeyType`], [`CryptoError::MalformedKey`].
    pub fn new(provider: &CryptoProvider, public_key: PublicKey) -> Result<Self, CryptoError> {
        let verifier = provider.keys.verifier(&public_key)?;
        let fingerprint = provider
            .digester
            .digest(DigestAlgorithm::Sha256, public_key.spki_der());
        Ok(Self(Arc::new(Prepared {
            public_key,
            fingerprint,
            verifier,
        })))
    }

    /// The key that verifies.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// The SHA-256 digest of the `SubjectPublicKeyInfo`, to name the key in logs.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.0.fingerprint
    }

    /// Checks a signature over a message.
    ///
    /// # Errors
    /// [`CryptoError::KeyTypeMismatch`] when the algorithm is for other keys, before anything
    /// is computed; [`CryptoError::UnsupportedAlgorithm`]; [`CryptoError::BadSignature`].
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let key = self.0.public_key.key_type();
        // The document names the algorithm, trust gives the key: they must belong together.
        if !algorithm.accepts(key) {
            return Err(CryptoError::KeyTypeMismatch { algorithm, key });
        }
        self.0.verifier.verify(algorithm, message, signature)
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.public_key == other.0.public_key
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.0.public_key;
        write!(
            f,
            "VerifyingKey({}, {} bits, SHA-256 {})",
            key.key_type(),
            key.bits(),
            self.0.fingerprint.to_hex()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{providers, signer};
    use proptest::prelude::*;

    fn spki(id: &[&[u8]], key: &[u8]) -> Vec<u8> {
        der::value(
            der::SEQUENCE,
            &[
                &der::value(der::SEQUENCE, id),
                &der::value(der::BIT_STRING, &[&[0], key]),
            ],
        )
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, CryptoError> {
        let key = der::value(
            der::SEQUENCE,
            &[&der::unsigned(modulus), &der::unsigned(exponent)],
        );
        let id = der::value(der::OID, &[oid::RSA_ENCRYPTION]);
        PublicKey::from_spki_der(&spki(&[&id, &[der::NULL, 0]], &key))
    }

    #[test]
    fn reads_back() {
        for provider in providers() {
            let key = signer(&provider, 0).public_key().clone();
            let again = PublicKey::from_spki_der(key.spki_der()).unwrap();
            assert_eq!(again, key);
            assert_eq!((again.key_type(), again.bits()), (KeyType::Rsa, 2048));
            assert_ne!(&key, signer(&provider, 1).public_key());
            let mut longer = key.spki_der().to_vec();
            longer.push(0);
            assert!(PublicKey::from_spki_der(&longer).is_err());
            for len in 0..key.spki_der().len() {
                assert!(PublicKey::from_spki_der(&key.spki_der()[..len]).is_err());
            }
        }
    }

    #[test]
    fn rsa_sizes_and_exponents_are_bounded() {
        let odd = |octets: usize| vec![0xff; octets];
        assert_eq!(rsa(&odd(128), &[1, 0, 1]).unwrap().bits(), 1024);
        assert_eq!(rsa(&odd(1024), &[3]).unwrap().bits(), 8192);
        for (modulus, bits) in [
            (odd(127), 1016),
            (odd(1025), 8200),
            (odd(64), 512),
            ([vec![0x7f], odd(127)].concat(), 1023),
            (vec![], 0),
        ] {
            assert_eq!(
                rsa(&modulus, &[1, 0, 1]).unwrap_err(),
                CryptoError::UnsupportedKeySize { bits }
            );
        }
        for exponent in [
            &[][..],
            &[1],
            &[2],
            &[4],
            &[1, 0, 0],
            &[2, 0, 0, 0, 1],
            &[1, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            assert_eq!(
                rsa(&odd(256), exponent).unwrap_err().code(),
                "crypto.malformed_key"
            );
        }
        let mut even = odd(256);
        even[255] = 0xfe;
        assert!(rsa(&even, &[1, 0, 1]).is_err());
    }

    #[test]
    fn both_providers_take_the_extremes() {
        for provider in providers() {
            for (octets, exponent) in [(128, &[3][..]), (1024, &[1, 0xff, 0xff, 0xff, 0xff])] {
                let key = rsa(&vec![0xff; octets], exponent).unwrap();
                let key = VerifyingKey::new(&provider, key).unwrap();
                assert_eq!(
                    key.verify(SignatureAlgorithm::RsaSha256, b"", &vec![1; octets]),
                    Err(CryptoError::BadSignature)
                );
            }
        }
    }

    #[test]
    fn refuses_points_and_algorithms_it_does_not_know() {
        let ec = der::value(der::OID, &[oid::EC_PUBLIC_KEY]);
        let p256 = der::value(der::OID, &[oid::P256]);
        let point = [&[4][..], &[1; 64]].concat();
        assert!(PublicKey::from_spki_der(&spki(&[&ec, &p256], &point)).is_ok());
        assert!(PublicKey::from_spki_der(&spki(&[&ec, &p256], &point[1..])).is_err());
        assert!(PublicKey::from_spki_der(&spki(&[&ec, &p256], &[2; 33])).is_err());
        assert!(PublicKey::from_spki_der(&spki(&[&ec], &point)).is_err());
        // Curves by explicit parameters (CVE-2020-0601) and unknown curves.
        let explicit = der::value(der::SEQUENCE, &[&[2, 1, 1]]);
        assert!(PublicKey::from_spki_der(&spki(&[&ec, &explicit], &point)).is_err());
        let unknown = der::value(der::OID, &[&[0x2b, 0x81, 0x04, 0x00, 0x0a]]);
        assert!(PublicKey::from_spki_der(&spki(&[&ec, &unknown], &point)).is_err());
        let ed = der::value(der::OID, &[oid::ED25519]);
        assert!(PublicKey::from_spki_der(&spki(&[&ed], &[1; 32])).is_ok());
        assert!(PublicKey::from_spki_der(&spki(&[&ed], &[1; 31])).is_err());
        // A point that is not on its curve is the backend's to refuse.
        let key = PublicKey::from_spki_der(&spki(&[&ec, &p256], &point)).unwrap();
        for provider in providers() {
            assert!(VerifyingKey::new(&provider, key.clone()).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = PublicKey::from_spki_der(&data);
        }

        #[test]
        fn no_changed_key_panics(
            at in any::<prop::sample::Index>(),
            octet in any::<u8>(),
            signature in proptest::collection::vec(any::<u8>(), 256),
        ) {
            for provider in providers() {
                let mut spki = signer(&provider, 0).public_key().spki_der().to_vec();
                let at = at.index(spki.len());
                spki[at] = octet;
                if let Ok(key) = PublicKey::from_spki_der(&spki)
                    && let Ok(key) = VerifyingKey::new(&provider, key)
                {
                    let _ = key.verify(SignatureAlgorithm::RsaSha256, b"message", &signature);
                }
            }
        }
    }
}
