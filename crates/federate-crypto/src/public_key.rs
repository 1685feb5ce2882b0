use crate::der::{self, Reader, oid};
use crate::{
    CryptoError, CryptoProvider, Curve, Digest, DigestAlgorithm, KeyType, SignatureAlgorithm,
    Verifier, pem,
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
            KeyType::Ed25519 => check_ed25519(key)?,
        };
        Ok(Self {
            spki: spki.into(),
            key_type,
            bits,
        })
    }

    /// Reads the first public key of a PEM text: `PUBLIC KEY` (`SubjectPublicKeyInfo`) or
    /// `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    /// As [`from_spki_der`](Self::from_spki_der).
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        for block in pem::blocks(text) {
            let block = block.map_err(|_| malformed("malformed PEM"))?;
            match block.label {
                "PUBLIC KEY" => return Self::from_spki_der(&block.der),
                "RSA PUBLIC KEY" => return Self::from_parts(KeyType::Rsa, &block.der),
                _ => {}
            }
        }
        Err(malformed("no PUBLIC KEY block in the PEM text"))
    }

    /// Writes the key as PEM, `PUBLIC KEY`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        std::mem::take(&mut *pem::encode("PUBLIC KEY", &self.spki))
    }

    /// Wraps the key proper (RSAPublicKey, point, 32 octets) into a `SubjectPublicKeyInfo`.
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
    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
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

pub(crate) const fn curve_oid(curve: Curve) -> &'static [u8] {
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

/// The y coordinates of the points of small order, as they can be written.
const SMALL_ORDER: [[u8; 32]; 7] = [
    small_order(0, 0, 0),
    small_order(1, 0, 0),
    small_order(0xec, 0xff, 0x7f), // -1
    small_order(0xed, 0xff, 0x7f), // 0, not reduced
    small_order(0xee, 0xff, 0x7f), // 1, not reduced
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn small_order(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let m = middle;
    [
        first, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m, m,
        m, m, last,
    ]
}

/// Refuses the keys with which a signature can be made that fits any message: AWS-LC takes
/// them.
fn check_ed25519(key: &[u8]) -> Result<u32, CryptoError> {
    let mut y: [u8; 32] = key
        .try_into()
        .map_err(|_| malformed("Ed25519 keys have 32 octets"))?;
    // [RFC 8032] 5.1.2: the highest bit is the sign of x.
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    if SMALL_ORDER.contains(&y) {
        return Err(malformed("a point of small order"));
    }
    Ok(255)
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
mod tests;
