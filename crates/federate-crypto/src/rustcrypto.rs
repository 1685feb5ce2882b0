//! The pure-Rust provider: `rsa`, `p256` and friends.

mod cipher;
mod ecdsa;
mod ed25519;

use crate::{
    CryptoError, CryptoProvider, Curve, Digest, DigestAlgorithm, DigestContext, Digester,
    KeyBackend, KeyType, PrivateKey, PublicKey, SecureRandom, SignatureAlgorithm, SigningKey,
    Verifier,
};
use ecdsa::{EcSigningKey, EcVerifier};
use ed25519::{Ed25519SigningKey, Ed25519Verifier};
use rand_core::{OsRng, RngCore};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha384, Sha512};
use std::fmt;
use std::sync::Arc;

const NAME: &str = "rustcrypto";

/// The pure-Rust provider: needs no C compiler. It has every algorithm of this crate, in every
/// combination.
///
/// The crate `rsa` is not in constant time (RUSTSEC-2023-0071). Signing blinds its input,
/// which hides most of what timing could tell; where an attacker can measure many signatures
/// precisely, take `aws_lc_provider` (feature `aws-lc`) instead.
#[must_use]
pub fn rustcrypto_provider() -> CryptoProvider {
    CryptoProvider {
        name: NAME,
        digester: &RustCrypto,
        keys: &RustCrypto,
        ciphers: &RustCrypto,
        key_transport: &RustCrypto,
        random: &RustCrypto,
    }
}

struct RustCrypto;

impl Digester for RustCrypto {
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Digest {
        use sha2::Digest as _;
        match algorithm {
            DigestAlgorithm::Sha1 => Digest::from_provider(algorithm, &Sha1::digest(data)),
            DigestAlgorithm::Sha256 => Digest::from_provider(algorithm, &Sha256::digest(data)),
            DigestAlgorithm::Sha384 => Digest::from_provider(algorithm, &Sha384::digest(data)),
            DigestAlgorithm::Sha512 => Digest::from_provider(algorithm, &Sha512::digest(data)),
        }
    }

    fn start(&self, algorithm: DigestAlgorithm) -> Box<dyn DigestContext> {
        let inner: Box<dyn DynDigest + Send> = match algorithm {
            DigestAlgorithm::Sha1 => Box::new(Sha1::default()),
            DigestAlgorithm::Sha256 => Box::new(Sha256::default()),
            DigestAlgorithm::Sha384 => Box::new(Sha384::default()),
            DigestAlgorithm::Sha512 => Box::new(Sha512::default()),
        };
        Box::new(Context { algorithm, inner })
    }
}

struct Context {
    algorithm: DigestAlgorithm,
    inner: Box<dyn DynDigest + Send>,
}

impl DigestContext for Context {
    fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    fn finish(self: Box<Self>) -> Digest {
        Digest::from_provider(self.algorithm, &self.inner.finalize())
    }
}

impl SecureRandom for RustCrypto {
    fn fill(&self, buf: &mut [u8]) -> Result<(), CryptoError> {
        OsRng.try_fill_bytes(buf).map_err(|_| CryptoError::Random)
    }
}

impl KeyBackend for RustCrypto {
    fn verifier(&self, key: &PublicKey) -> Result<Box<dyn Verifier>, CryptoError> {
        match key.key_type() {
            KeyType::Rsa => {}
            KeyType::Ec(curve) => {
                return Ok(Box::new(EcVerifier::new(curve, key.key_octets())?));
            }
            KeyType::Ed25519 => return Ok(Box::new(Ed25519Verifier::new(key.key_octets())?)),
        }
        let (modulus, exponent) = key.rsa_components().ok_or(CryptoError::MalformedKey {
            reason: "not an RSAPublicKey",
        })?;
        let key = RsaPublicKey::new_with_max_size(
            BigUint::from_bytes_be(modulus),
            BigUint::from_bytes_be(exponent),
            8192,
        )
        .map_err(|_| CryptoError::MalformedKey {
            reason: "the public key was rejected",
        })?;
        Ok(Box::new(RsaVerifier(key)))
    }

    fn load_signing_key(
        &self,
        key: &PrivateKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        let key_type = key.key_type();
        if !algorithm.accepts(key_type) {
            return Err(CryptoError::KeyTypeMismatch {
                algorithm,
                key: key_type,
            });
        }
        match key_type {
            KeyType::Rsa if algorithm == SignatureAlgorithm::RsaSha1 => {
                return Err(unsupported(algorithm));
            }
            KeyType::Rsa => {}
            KeyType::Ec(_) => return Ok(Arc::new(EcSigningKey::new(key, algorithm)?)),
            KeyType::Ed25519 => return Ok(Arc::new(Ed25519SigningKey::new(key)?)),
        }
        let public_key = key.rsa_signing_public_key()?;
        let pair = RsaPrivateKey::from_pkcs8_der(key.pkcs8_der()).map_err(|_| {
            CryptoError::MalformedKey {
                reason: "the private key was rejected",
            }
        })?;
        Ok(Arc::new(RsaSigningKey {
            pair,
            public_key,
            algorithm,
        }))
    }

    fn generate_rsa(&self, bits: u32) -> Result<PrivateKey, CryptoError> {
        let size = match bits {
            2048 | 3072 | 4096 => bits as usize,
            _ => return Err(CryptoError::UnsupportedKeySize { bits }),
        };
        let pair = RsaPrivateKey::new(&mut OsRng, size).map_err(|_| CryptoError::Random)?;
        let pkcs8 = pair.to_pkcs8_der().map_err(|_| CryptoError::Random)?;
        PrivateKey::from_pkcs8_der(pkcs8.as_bytes())
    }

    fn generate_ec(&self, curve: Curve) -> Result<PrivateKey, CryptoError> {
        ecdsa::generate(curve)
    }

    fn generate_ed25519(&self) -> Result<PrivateKey, CryptoError> {
        ed25519::generate()
    }
}

const fn unsupported(algorithm: SignatureAlgorithm) -> CryptoError {
    CryptoError::UnsupportedAlgorithm {
        provider: NAME,
        algorithm,
    }
}

enum Scheme {
    Pkcs1(Pkcs1v15Sign),
    Pss(Pss),
}

impl Scheme {
    /// The padding of an RSA algorithm; when signing, PSS blinds as PKCS#1 v1.5 always does.
    fn of(algorithm: SignatureAlgorithm) -> Option<(Self, DigestAlgorithm)> {
        let digest = algorithm.digest()?;
        let scheme = match algorithm {
            SignatureAlgorithm::RsaSha1 => Self::Pkcs1(Pkcs1v15Sign::new::<Sha1>()),
            SignatureAlgorithm::RsaSha256 => Self::Pkcs1(Pkcs1v15Sign::new::<Sha256>()),
            SignatureAlgorithm::RsaSha384 => Self::Pkcs1(Pkcs1v15Sign::new::<Sha384>()),
            SignatureAlgorithm::RsaSha512 => Self::Pkcs1(Pkcs1v15Sign::new::<Sha512>()),
            SignatureAlgorithm::RsaPssSha256 => Self::Pss(Pss::new_blinded::<Sha256>()),
            SignatureAlgorithm::RsaPssSha384 => Self::Pss(Pss::new_blinded::<Sha384>()),
            SignatureAlgorithm::RsaPssSha512 => Self::Pss(Pss::new_blinded::<Sha512>()),
            _ => return None,
        };
        Some((scheme, digest))
    }
}

struct RsaVerifier(RsaPublicKey);

impl Verifier for RsaVerifier {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let (scheme, digest) = Scheme::of(algorithm).ok_or(CryptoError::KeyTypeMismatch {
            algorithm,
            key: KeyType::Rsa,
        })?;
        // RFC 8017 8.1.2 and 8.2.2: of the modulus' length, and (5.2.2) below the modulus.
        if signature.len() != self.0.size() || BigUint::from_bytes_be(signature) >= *self.0.n() {
            return Err(CryptoError::BadSignature);
        }
        let hashed = RustCrypto.digest(digest, message);
        match scheme {
            Scheme::Pkcs1(scheme) => self.0.verify(scheme, hashed.as_bytes(), signature),
            Scheme::Pss(scheme) => self.0.verify(scheme, hashed.as_bytes(), signature),
        }
        .map_err(|_| CryptoError::BadSignature)
    }
}

struct RsaSigningKey {
    pair: RsaPrivateKey,
    public_key: PublicKey,
    algorithm: SignatureAlgorithm,
}

impl SigningKey for RsaSigningKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (scheme, digest) = Scheme::of(self.algorithm).ok_or(unsupported(self.algorithm))?;
        let hashed = RustCrypto.digest(digest, message);
        match scheme {
            // With a source of randomness it blinds.
            Scheme::Pkcs1(scheme) => self
                .pair
                .sign_with_rng(&mut OsRng, scheme, hashed.as_bytes()),
            Scheme::Pss(scheme) => self
                .pair
                .sign_with_rng(&mut OsRng, scheme, hashed.as_bytes()),
        }
        .map_err(|_| CryptoError::SigningFailed)
    }
}

impl fmt::Debug for RsaSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {:?})", self.algorithm, self.public_key)
    }
}
