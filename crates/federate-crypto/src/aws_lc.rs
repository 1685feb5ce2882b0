//! The default provider: AWS-LC by `aws-lc-rs`.

mod cipher;

use crate::{
    CryptoError, CryptoProvider, Curve, Digest, DigestAlgorithm, DigestContext, Digester,
    KeyBackend, KeyType, PrivateKey, PublicKey, SecureRandom, SignatureAlgorithm, SigningKey,
    Verifier, der,
};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, ParsedPublicKey,
    RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};
use aws_lc_rs::{digest, rand};
use std::fmt;
use std::sync::{Arc, OnceLock};

const NAME: &str = "aws-lc";

/// The default provider: AWS-LC, in constant time and several times as fast as pure Rust.
///
/// It has every algorithm of this crate, but not every combination: RSA keys below 2048 bits
/// verify only PKCS#1 v1.5 with SHA-1, SHA-256 and SHA-512, and P-256 and P-384 sign only
/// with the digest of their size.
#[must_use]
pub fn aws_lc_provider() -> CryptoProvider {
    CryptoProvider {
        name: NAME,
        digester: &AwsLc,
        keys: &AwsLc,
        ciphers: &AwsLc,
        key_transport: &AwsLc,
        random: &AwsLc,
    }
}

struct AwsLc;

impl Digester for AwsLc {
    fn digest(&self, algorithm: DigestAlgorithm, data: &[u8]) -> Digest {
        let digest = digest::digest(digest_algorithm(algorithm), data);
        Digest::from_provider(algorithm, digest.as_ref())
    }

    fn start(&self, algorithm: DigestAlgorithm) -> Box<dyn DigestContext> {
        Box::new(Context {
            algorithm,
            inner: digest::Context::new(digest_algorithm(algorithm)),
        })
    }
}

struct Context {
    algorithm: DigestAlgorithm,
    inner: digest::Context,
}

impl DigestContext for Context {
    fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    fn finish(self: Box<Self>) -> Digest {
        Digest::from_provider(self.algorithm, self.inner.finish().as_ref())
    }
}

fn digest_algorithm(algorithm: DigestAlgorithm) -> &'static digest::Algorithm {
    match algorithm {
        DigestAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
    }
}

impl SecureRandom for AwsLc {
    fn fill(&self, buf: &mut [u8]) -> Result<(), CryptoError> {
        rand::fill(buf).map_err(|_| CryptoError::Random)
    }
}

impl KeyBackend for AwsLc {
    fn verifier(&self, key: &PublicKey) -> Result<Box<dyn Verifier>, CryptoError> {
        let verifier = AwsVerifier {
            key: key.clone(),
            parsed: Default::default(),
        };
        // The usual algorithm at once, which also shows a key that is none.
        verifier.parsed(first_algorithm(key.key_type()))?;
        Ok(Box::new(verifier))
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
        let rejected = |_| CryptoError::MalformedKey {
            reason: "the private key was rejected",
        };
        let pkcs8 = key.pkcs8_der();
        let (pair, public_key) = match key_type {
            KeyType::Rsa => {
                let encoding = rsa_encoding(algorithm).ok_or(unsupported(algorithm))?;
                let public_key = key.rsa_signing_public_key()?;
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
                (Pair::Rsa(pair, encoding), public_key)
            }
            KeyType::Ec(curve) => {
                let signing = ecdsa_signing(curve, algorithm).ok_or(unsupported(algorithm))?;
                let pair = EcdsaKeyPair::from_pkcs8(signing, pkcs8).map_err(rejected)?;
                let public_key = PublicKey::from_parts(key_type, pair.public_key().as_ref())?;
                (Pair::Ecdsa(pair), public_key)
            }
            KeyType::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(rejected)?;
                let public_key = PublicKey::from_parts(key_type, pair.public_key().as_ref())?;
                (Pair::Ed25519(pair), public_key)
            }
        };
        Ok(Arc::new(AwsSigningKey {
            pair,
            public_key,
            algorithm,
        }))
    }

    fn generate_rsa(&self, bits: u32) -> Result<PrivateKey, CryptoError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            _ => return Err(CryptoError::UnsupportedKeySize { bits }),
        };
        let pair = RsaKeyPair::generate(size).map_err(|_| CryptoError::Random)?;
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| CryptoError::Random)?;
        PrivateKey::from_pkcs8_der(pkcs8.as_ref())
    }

    fn generate_ec(&self, curve: Curve) -> Result<PrivateKey, CryptoError> {
        let signing = match curve {
            Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(signing, &SystemRandom::new())
            .map_err(|_| CryptoError::Random)?;
        PrivateKey::from_pkcs8_der(pkcs8.as_ref())
    }

    fn generate_ed25519(&self) -> Result<PrivateKey, CryptoError> {
        // Version 1, without the public half: older programs read only that.
        let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
            .map_err(|_| CryptoError::Random)?;
        PrivateKey::from_pkcs8_der(pkcs8.as_ref())
    }
}

const fn unsupported(algorithm: SignatureAlgorithm) -> CryptoError {
    CryptoError::UnsupportedAlgorithm {
        provider: NAME,
        algorithm,
    }
}

/// A public key, parsed at most once per algorithm: AWS-LC binds the two together.
struct AwsVerifier {
    key: PublicKey,
    parsed: [OnceLock<ParsedPublicKey>; SignatureAlgorithm::ALL.len()],
}

impl AwsVerifier {
    fn parsed(&self, algorithm: SignatureAlgorithm) -> Result<&ParsedPublicKey, CryptoError> {
        let verification =
            verification_algorithm(algorithm, &self.key).ok_or(unsupported(algorithm))?;
        let slot = self
            .parsed
            .get(algorithm as usize)
            .ok_or(unsupported(algorithm))?;
        if let Some(parsed) = slot.get() {
            return Ok(parsed);
        }
        let parsed = ParsedPublicKey::new(verification, self.key.key_octets()).map_err(|_| {
            CryptoError::MalformedKey {
                reason: "the public key was rejected",
            }
        })?;
        Ok(slot.get_or_init(|| parsed))
    }
}

impl Verifier for AwsVerifier {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let key = self.key.key_type();
        if !algorithm.accepts(key) {
            return Err(CryptoError::KeyTypeMismatch { algorithm, key });
        }
        let parsed = self.parsed(algorithm)?;
        match key {
            KeyType::Ec(curve) => {
                // AWS-LC has this form for every pair of curve and digest.
                let signature =
                    der::ecdsa_sig_value(curve, signature).ok_or(CryptoError::BadSignature)?;
                parsed.verify_sig(message, &signature)
            }
            KeyType::Rsa | KeyType::Ed25519 => parsed.verify_sig(message, signature),
        }
        .map_err(|_| CryptoError::BadSignature)
    }
}

/// An algorithm that every key of the type can be tried with.
const fn first_algorithm(key: KeyType) -> SignatureAlgorithm {
    match key {
        KeyType::Rsa => SignatureAlgorithm::RsaSha256,
        KeyType::Ec(_) => SignatureAlgorithm::EcdsaSha256,
        KeyType::Ed25519 => SignatureAlgorithm::Ed25519,
    }
}

fn verification_algorithm(
    algorithm: SignatureAlgorithm,
    key: &PublicKey,
) -> Option<&'static dyn VerificationAlgorithm> {
    use SignatureAlgorithm as A;
    // AWS-LC offers keys below 2048 bits for PKCS#1 v1.5 with three digests only.
    let small = key.bits() < 2048;
    Some(match (algorithm, key.key_type()) {
        (A::RsaSha1, _) => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (A::RsaSha256, _) => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (A::RsaSha384, _) if !small => &signature::RSA_PKCS1_2048_8192_SHA384,
        (A::RsaSha512, _) => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (A::RsaPssSha256, _) if !small => &signature::RSA_PSS_2048_8192_SHA256,
        (A::RsaPssSha384, _) if !small => &signature::RSA_PSS_2048_8192_SHA384,
        (A::RsaPssSha512, _) if !small => &signature::RSA_PSS_2048_8192_SHA512,
        (A::EcdsaSha256, KeyType::Ec(Curve::P256)) => &signature::ECDSA_P256_SHA256_ASN1,
        (A::EcdsaSha384, KeyType::Ec(Curve::P256)) => &signature::ECDSA_P256_SHA384_ASN1,
        (A::EcdsaSha512, KeyType::Ec(Curve::P256)) => &signature::ECDSA_P256_SHA512_ASN1,
        (A::EcdsaSha256, KeyType::Ec(Curve::P384)) => &signature::ECDSA_P384_SHA256_ASN1,
        (A::EcdsaSha384, KeyType::Ec(Curve::P384)) => &signature::ECDSA_P384_SHA384_ASN1,
        (A::EcdsaSha512, KeyType::Ec(Curve::P384)) => &signature::ECDSA_P384_SHA512_ASN1,
        (A::EcdsaSha256, KeyType::Ec(Curve::P521)) => &signature::ECDSA_P521_SHA256_ASN1,
        (A::EcdsaSha384, KeyType::Ec(Curve::P521)) => &signature::ECDSA_P521_SHA384_ASN1,
        (A::EcdsaSha512, KeyType::Ec(Curve::P521)) => &signature::ECDSA_P521_SHA512_ASN1,
        (A::Ed25519, _) => &signature::ED25519,
        _ => return None,
    })
}

/// The padding that signs; SHA-1 has none.
fn rsa_encoding(algorithm: SignatureAlgorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        SignatureAlgorithm::RsaSha256 => &signature::RSA_PKCS1_SHA256,
        SignatureAlgorithm::RsaSha384 => &signature::RSA_PKCS1_SHA384,
        SignatureAlgorithm::RsaSha512 => &signature::RSA_PKCS1_SHA512,
        SignatureAlgorithm::RsaPssSha256 => &signature::RSA_PSS_SHA256,
        SignatureAlgorithm::RsaPssSha384 => &signature::RSA_PSS_SHA384,
        SignatureAlgorithm::RsaPssSha512 => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}

fn ecdsa_signing(
    curve: Curve,
    algorithm: SignatureAlgorithm,
) -> Option<&'static EcdsaSigningAlgorithm> {
    use SignatureAlgorithm as A;
    Some(match (curve, algorithm) {
        (Curve::P256, A::EcdsaSha256) => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        (Curve::P384, A::EcdsaSha384) => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        (Curve::P521, A::EcdsaSha256) => &signature::ECDSA_P521_SHA256_FIXED_SIGNING,
        (Curve::P521, A::EcdsaSha384) => &signature::ECDSA_P521_SHA384_FIXED_SIGNING,
        (Curve::P521, A::EcdsaSha512) => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        _ => return None,
    })
}

struct AwsSigningKey {
    pair: Pair,
    public_key: PublicKey,
    algorithm: SignatureAlgorithm,
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey for AwsSigningKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .map(|()| signature)
            }
            Pair::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
            Pair::Ed25519(pair) => pair
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec()),
        }
        .map_err(|_| CryptoError::SigningFailed)
    }
}

impl fmt::Debug for AwsSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {:?})", self.algorithm, self.public_key)
    }
}
