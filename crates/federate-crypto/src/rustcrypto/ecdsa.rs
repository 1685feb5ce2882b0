//! ECDSA in pure Rust: the crates `p256`, `p384` and `p521`.

use super::RustCrypto;
use crate::private_key::EcParts;
use crate::{
    CryptoError, Curve, Digester, KeyType, PrivateKey, PublicKey, SignatureAlgorithm, SigningKey,
    Verifier,
};
use p256::ecdsa::signature::SignatureEncoding;
use p256::ecdsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use rand_core::OsRng;
use std::fmt;
use zeroize::Zeroizing;

/// The coordinates of the largest curve.
const MAX_LEN: usize = 66;

/// The digest of a message, as an integer that fits a curve.
struct Prehash {
    octets: [u8; MAX_LEN],
    start: usize,
}

impl Prehash {
    fn of(
        algorithm: SignatureAlgorithm,
        key: KeyType,
        message: &[u8],
    ) -> Result<Self, CryptoError> {
        let (KeyType::Ec(curve), Some(digest), true) =
            (key, algorithm.digest(), algorithm.accepts(key))
        else {
            return Err(CryptoError::KeyTypeMismatch { algorithm, key });
        };
        let digest = RustCrypto.digest(digest, message);
        // [FIPS 186-5] 6.4.1: the leftmost bits of a longer digest, which the curves' crates
        // take; a shorter one is the same integer with zeros before it, which they refuse
        // where it has not half the length (SHA-256 with P-521).
        let mut octets = [0; MAX_LEN];
        for (to, from) in octets.iter_mut().rev().zip(digest.as_bytes().iter().rev()) {
            *to = *from;
        }
        let len = digest.as_bytes().len().max(curve.coordinate_len());
        Ok(Self {
            octets,
            start: MAX_LEN.saturating_sub(len),
        })
    }

    fn as_bytes(&self) -> &[u8] {
        self.octets.get(self.start..).unwrap_or(&self.octets)
    }
}

/// The public key of one curve, parsed and on that curve.
pub(super) enum EcVerifier {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl EcVerifier {
    pub(super) fn new(curve: Curve, point: &[u8]) -> Result<Self, CryptoError> {
        match curve {
            Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P256),
            Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P384),
            Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Self::P521),
        }
        .map_err(|_| CryptoError::MalformedKey {
            reason: "the public key was rejected",
        })
    }

    const fn key_type(&self) -> KeyType {
        KeyType::Ec(match self {
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            Self::P521(_) => Curve::P521,
        })
    }
}

impl Verifier for EcVerifier {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let prehash = Prehash::of(algorithm, self.key_type(), message)?;
        let prehash = prehash.as_bytes();
        match self {
            Self::P256(key) => check::<_, p256::ecdsa::Signature>(key, prehash, signature),
            Self::P384(key) => check::<_, p384::ecdsa::Signature>(key, prehash, signature),
            Self::P521(key) => check::<_, p521::ecdsa::Signature>(key, prehash, signature),
        }
    }
}

fn check<K, S>(key: &K, prehash: &[u8], signature: &[u8]) -> Result<(), CryptoError>
where
    K: PrehashVerifier<S>,
    S: for<'a> TryFrom<&'a [u8]>,
{
    // [XMLDSig] 6.4.3: r || s of a fixed length; [FIPS 186-5] 6.4.2: both from 1 to n - 1.
    let signature = S::try_from(signature).map_err(|_| CryptoError::BadSignature)?;
    key.verify_prehash(prehash, &signature)
        .map_err(|_| CryptoError::BadSignature)
}

/// The private key of one curve; the crates wipe it when it is dropped.
enum Pair {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

impl Pair {
    /// Takes a private number, shorter or longer by zeros at its front.
    fn new(curve: Curve, scalar: &[u8]) -> Option<Self> {
        let scalar = fitted(curve, scalar)?;
        match curve {
            Curve::P256 => p256::ecdsa::SigningKey::from_slice(&scalar).map(Self::P256),
            Curve::P384 => p384::ecdsa::SigningKey::from_slice(&scalar).map(Self::P384),
            Curve::P521 => p521::ecdsa::SigningKey::from_slice(&scalar).map(Self::P521),
        }
        .ok()
    }

    fn random(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::P256(p256::ecdsa::SigningKey::random(&mut OsRng)),
            Curve::P384 => Self::P384(p384::ecdsa::SigningKey::random(&mut OsRng)),
            Curve::P521 => Self::P521(p521::ecdsa::SigningKey::random(&mut OsRng)),
        }
    }

    fn scalar(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::P256(key) => Zeroizing::new(key.to_bytes()).to_vec(),
            Self::P384(key) => Zeroizing::new(key.to_bytes()).to_vec(),
            Self::P521(key) => Zeroizing::new(key.to_bytes()).to_vec(),
        })
    }

    /// The public point, uncompressed.
    fn point(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key
                .verifying_key()
                .to_encoded_point(false)
                .as_bytes()
                .into(),
            Self::P384(key) => key
                .verifying_key()
                .to_encoded_point(false)
                .as_bytes()
                .into(),
            Self::P521(key) => p521::ecdsa::VerifyingKey::from(key)
                .to_encoded_point(false)
                .as_bytes()
                .into(),
        }
    }
}

/// A number as octets of the length of the curve's coordinates.
fn fitted(curve: Curve, number: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let len = curve.coordinate_len();
    let (front, number) = number.split_at(number.len().saturating_sub(len));
    if front.iter().any(|octet| *octet != 0) {
        return None;
    }
    let mut octets = Zeroizing::new(vec![0; len]);
    for (to, from) in octets.iter_mut().rev().zip(number.iter().rev()) {
        *to = *from;
    }
    Some(octets)
}

pub(super) fn generate(curve: Curve) -> Result<PrivateKey, CryptoError> {
    let pair = Pair::random(curve);
    PrivateKey::from_ec(curve, &pair.scalar(), &pair.point())
}

pub(super) struct EcSigningKey {
    pair: Pair,
    public_key: PublicKey,
    algorithm: SignatureAlgorithm,
}

impl EcSigningKey {
    pub(super) fn new(
        key: &PrivateKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<Self, CryptoError> {
        let rejected = CryptoError::MalformedKey {
            reason: "the private key was rejected",
        };
        let EcParts {
            curve,
            scalar,
            point,
        } = key.ec_parts().ok_or(rejected.clone())?;
        let pair = Pair::new(curve, scalar).ok_or(rejected.clone())?;
        let made = pair.point();
        // A public half that belongs to another key would end up in certificates.
        if point.is_some_and(|point| point != made) {
            return Err(rejected);
        }
        Ok(Self {
            pair,
            public_key: PublicKey::from_parts(KeyType::Ec(curve), &made)?,
            algorithm,
        })
    }
}

impl SigningKey for EcSigningKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let prehash = Prehash::of(self.algorithm, self.public_key.key_type(), message)?;
        let prehash = prehash.as_bytes();
        match &self.pair {
            Pair::P256(key) => make::<_, p256::ecdsa::Signature>(key, prehash),
            Pair::P384(key) => make::<_, p384::ecdsa::Signature>(key, prehash),
            Pair::P521(key) => make::<_, p521::ecdsa::Signature>(key, prehash),
        }
    }
}

/// Signs; for P-256 and P-384 the secret number of the signature comes from key, message
/// and randomness together (RFC 6979 3.6), for P-521 from randomness.
fn make<K, S>(key: &K, prehash: &[u8]) -> Result<Vec<u8>, CryptoError>
where
    K: RandomizedPrehashSigner<S>,
    S: SignatureEncoding,
{
    let signature: S = key
        .sign_prehash_with_rng(&mut OsRng, prehash)
        .map_err(|_| CryptoError::SigningFailed)?;
    Ok(signature.to_vec())
}

impl fmt::Debug for EcSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {:?})", self.algorithm, self.public_key)
    }
}
