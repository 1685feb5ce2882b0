//! What the tests share: every enabled provider, and keys made once.

use crate::{CryptoProvider, PrivateKey, SignatureAlgorithm, SigningKey};
use std::sync::{Arc, OnceLock};

pub(crate) const RSA: [SignatureAlgorithm; 6] = [
    SignatureAlgorithm::RsaSha256,
    SignatureAlgorithm::RsaSha384,
    SignatureAlgorithm::RsaSha512,
    SignatureAlgorithm::RsaPssSha256,
    SignatureAlgorithm::RsaPssSha384,
    SignatureAlgorithm::RsaPssSha512,
];

/// Every provider that is compiled in.
pub(crate) fn providers() -> Vec<CryptoProvider> {
    vec![
        #[cfg(feature = "aws-lc")]
        crate::aws_lc_provider(),
        #[cfg(feature = "rustcrypto")]
        crate::rustcrypto_provider(),
    ]
}

/// Two RSA keys of 2048 bits, by number.
pub(crate) fn rsa_key(number: usize) -> &'static PrivateKey {
    static KEYS: [OnceLock<PrivateKey>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[number].get_or_init(|| providers()[0].keys.generate_rsa(2048).unwrap())
}

/// One of the keys, loaded.
pub(crate) fn signer(provider: &CryptoProvider, number: usize) -> Arc<dyn SigningKey> {
    provider
        .keys
        .load_signing_key(rsa_key(number), SignatureAlgorithm::RsaSha256)
        .unwrap()
}

/// PKCS#8 keys of the types that only AWS-LC has, with an algorithm that signs.
#[cfg(feature = "aws-lc")]
pub(crate) fn other_keys() -> Vec<(PrivateKey, SignatureAlgorithm)> {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    };
    let random = SystemRandom::new();
    let ec = |algorithm| {
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        PrivateKey::from_pkcs8_der(der.as_ref()).unwrap()
    };
    let ed25519 = |der: &[u8]| PrivateKey::from_pkcs8_der(der).unwrap();
    vec![
        (
            ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            SignatureAlgorithm::EcdsaSha256,
        ),
        (
            ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            SignatureAlgorithm::EcdsaSha384,
        ),
        (
            ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            SignatureAlgorithm::EcdsaSha512,
        ),
        (
            ed25519(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()),
            SignatureAlgorithm::Ed25519,
        ),
        (
            ed25519(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref()),
            SignatureAlgorithm::Ed25519,
        ),
    ]
}
