//! What only someone with the private key at hand can forge: done with the `rsa` crate.

use crate::testing::{RSA, providers, rsa_key, signer};
use crate::{CryptoError, DigestAlgorithm, Digester, PublicKey, SignatureAlgorithm, VerifyingKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};

fn pair() -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs8_der(rsa_key(0).pkcs8_der()).unwrap()
}

fn padded(number: &BigUint, len: usize) -> Vec<u8> {
    let octets = number.to_bytes_be();
    [vec![0; len - octets.len()], octets].concat()
}

/// The signature whose decryption is the given encoded message.
fn forge(pair: &RsaPrivateKey, encoded: &[u8]) -> Vec<u8> {
    let number = BigUint::from_bytes_be(encoded).modpow(pair.d(), pair.n());
    padded(&number, encoded.len())
}

const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20,
];

fn encoded(padding: usize, info: &[u8], hash: &[u8], garbage: usize) -> Vec<u8> {
    let mut out = vec![0, 1];
    out.extend(vec![0xff; padding]);
    out.push(0);
    out.extend(info);
    out.extend(hash);
    out.extend(vec![0xaa; garbage]);
    out
}

/// Bleichenbacher 2006 and its kin: the padding is checked octet by octet.
#[test]
fn a080_forged_pkcs1_padding_is_refused() {
    let pair = pair();
    for provider in providers() {
        let hash = provider
            .digester
            .digest(DigestAlgorithm::Sha256, b"message");
        let hash = hash.as_bytes();
        let key = VerifyingKey::new(&provider, signer(&provider, 0).public_key().clone()).unwrap();
        let verify = |encoded: &[u8]| {
            assert_eq!(encoded.len(), 256);
            key.verify(
                SignatureAlgorithm::RsaSha256,
                b"message",
                &forge(&pair, encoded),
            )
        };
        let full = 256 - 3 - SHA256_INFO.len() - 32;
        let good = encoded(full, SHA256_INFO, hash, 0);
        assert_eq!(verify(&good), Ok(()));

        // Garbage after the hash, and a shorter padding for it.
        assert!(verify(&encoded(8, SHA256_INFO, hash, full - 8)).is_err());
        assert!(verify(&encoded(full - 1, SHA256_INFO, hash, 1)).is_err());
        // Garbage in place of the padding.
        let mut changed = good.clone();
        changed[20] = 0;
        assert!(verify(&changed).is_err());
        // Another block type.
        let mut changed = good.clone();
        changed[1] = 2;
        assert!(verify(&changed).is_err());
        // Parameters with room for garbage (CVE-2006-4340).
        let mut info = SHA256_INFO.to_vec();
        info[15] = 4;
        assert!(verify(&encoded(full, &info, hash, 0)).is_err());
        // No DigestInfo at all.
        assert!(verify(&encoded(256 - 3 - 32, &[], hash, 0)).is_err());
    }
}

/// RFC 8017 5.2.2: a signature of the modulus or more is out of range.
#[test]
fn the_modulus_cannot_be_added() {
    let pair = pair();
    let limit = BigUint::from(1_u8) << 2048;
    for algorithm in RSA {
        let signing = providers()[0]
            .keys
            .load_signing_key(rsa_key(0), algorithm)
            .unwrap();
        for round in 0..64_u8 {
            let signature = signing.sign(&[round]).unwrap();
            let sum = BigUint::from_bytes_be(&signature) + pair.n();
            if sum >= limit {
                continue;
            }
            for provider in providers() {
                let key = VerifyingKey::new(&provider, signing.public_key().clone()).unwrap();
                assert_eq!(key.verify(algorithm, &[round], &signature), Ok(()));
                assert_eq!(
                    key.verify(algorithm, &[round], &padded(&sum, 256)),
                    Err(CryptoError::BadSignature)
                );
            }
            break;
        }
    }
}

#[test]
fn verifies_sha1_and_1024_bits_but_does_not_sign_with_them() {
    let small = RsaPrivateKey::new(&mut rand_core::OsRng, 1024).unwrap();
    for pair in [&small, &pair()] {
        let spki = pair.to_public_key().to_public_key_der().unwrap();
        let public = PublicKey::from_spki_der(spki.as_bytes()).unwrap();
        for provider in providers() {
            let key = VerifyingKey::new(&provider, public.clone()).unwrap();
            let digester = provider.digester;
            let digest = |algorithm| digester.digest(algorithm, b"message");
            for (algorithm, scheme) in [
                (
                    SignatureAlgorithm::RsaSha1,
                    Pkcs1v15Sign::new::<sha1::Sha1>(),
                ),
                (
                    SignatureAlgorithm::RsaSha256,
                    Pkcs1v15Sign::new::<sha2::Sha256>(),
                ),
                (
                    SignatureAlgorithm::RsaSha512,
                    Pkcs1v15Sign::new::<sha2::Sha512>(),
                ),
            ] {
                let hash = digest(algorithm.digest().unwrap());
                let signature = pair.sign(scheme, hash.as_bytes()).unwrap();
                assert_eq!(key.verify(algorithm, b"message", &signature), Ok(()));
                assert_eq!(
                    key.verify(algorithm, b"massage", &signature),
                    Err(CryptoError::BadSignature)
                );
            }
        }
    }
    // SHA-384 and PSS below 2048 bits: AWS-LC has none, and says so.
    #[cfg(feature = "aws-lc")]
    {
        let provider = crate::aws_lc_provider();
        let spki = small.to_public_key().to_public_key_der().unwrap();
        let public = PublicKey::from_spki_der(spki.as_bytes()).unwrap();
        let key = VerifyingKey::new(&provider, public).unwrap();
        for algorithm in [
            SignatureAlgorithm::RsaSha384,
            SignatureAlgorithm::RsaPssSha256,
        ] {
            assert_eq!(
                key.verify(algorithm, b"message", &[1; 128]).unwrap_err(),
                CryptoError::UnsupportedAlgorithm {
                    provider: provider.name,
                    algorithm
                }
            );
        }
    }
    let der = rsa::pkcs8::EncodePrivateKey::to_pkcs8_der(&small).unwrap();
    let private = crate::PrivateKey::from_pkcs8_der(der.as_bytes()).unwrap();
    for provider in providers() {
        let refused = provider
            .keys
            .load_signing_key(&private, SignatureAlgorithm::RsaSha256)
            .unwrap_err();
        assert_eq!(
            refused,
            CryptoError::UnsupportedKeySize { bits: 1024 },
            "{}",
            provider.name
        );
    }
}

/// MGF1 (RFC 8017 B.2.1).
fn mgf1(digester: &dyn Digester, digest: DigestAlgorithm, seed: &[u8], len: usize) -> Vec<u8> {
    let mut mask = Vec::new();
    for counter in 0_u32.. {
        if mask.len() >= len {
            break;
        }
        let input = [seed, &counter.to_be_bytes()].concat();
        mask.extend(digester.digest(digest, &input).as_bytes());
    }
    mask.truncate(len);
    mask
}

/// The parameters that a PSS encoding can be made with.
struct PssEncoding {
    digest: DigestAlgorithm,
    mask: DigestAlgorithm,
    salt: usize,
    trailer: u8,
}

/// EMSA-PSS (RFC 8017 9.1.1) for 2048 bits, of `message`.
fn pss_encoded(digester: &dyn Digester, parameters: &PssEncoding) -> Vec<u8> {
    let hash = digester.digest(parameters.digest, b"message");
    let salt = vec![9; parameters.salt];
    let input = [&[0; 8], hash.as_bytes(), &salt].concat();
    let h = digester.digest(parameters.digest, &input);
    let h = h.as_bytes();
    let len = 256 - h.len() - 1;
    let mut block = vec![0; len - salt.len() - 1];
    block.push(1);
    block.extend(&salt);
    let mask = mgf1(digester, parameters.mask, h, len);
    let mut encoded: Vec<u8> = block.iter().zip(&mask).map(|(a, b)| a ^ b).collect();
    encoded[0] &= 0x7f;
    encoded.extend(h);
    encoded.push(parameters.trailer);
    encoded
}

/// The identifier fixes every parameter (RFC 9231 2.3.10): the same digest twice, a salt as
/// long as it, and the usual trailer.
#[test]
fn a080_pss_parameter_confusion() {
    let pair = pair();
    for provider in providers() {
        let key = VerifyingKey::new(&provider, signer(&provider, 0).public_key().clone()).unwrap();
        for algorithm in &RSA[3..] {
            let digest = algorithm.digest().unwrap();
            let salt = digest.output_len();
            let verify = |digest, mask, salt, trailer| {
                let parameters = PssEncoding {
                    digest,
                    mask,
                    salt,
                    trailer,
                };
                let encoded = pss_encoded(provider.digester, &parameters);
                key.verify(*algorithm, b"message", &forge(&pair, &encoded))
            };
            assert_eq!(verify(digest, digest, salt, 0xbc), Ok(()));
            let refused = Err(CryptoError::BadSignature);
            for wrong in [0, 20, salt - 1, salt + 1, 256 - salt - 2] {
                assert_eq!(verify(digest, digest, wrong, 0xbc), refused, "salt {wrong}");
            }
            assert_eq!(verify(digest, digest, salt, 0xcc), refused);
            for other in DigestAlgorithm::ALL {
                if other != digest {
                    assert_eq!(verify(digest, other, salt, 0xbc), refused, "MGF1 {other}");
                    assert_eq!(verify(other, digest, salt, 0xbc), refused, "{other}");
                    assert_eq!(verify(other, other, other.output_len(), 0xbc), refused);
                }
            }
        }
    }
}

/// The padding of one scheme under the name of the other.
#[test]
fn a080_pkcs1_and_pss_are_not_exchanged() {
    for signing in providers() {
        for made in RSA {
            let signer = signing.keys.load_signing_key(rsa_key(0), made).unwrap();
            let signature = signer.sign(b"message").unwrap();
            for provider in providers() {
                let key = VerifyingKey::new(&provider, signer.public_key().clone()).unwrap();
                for named in RSA {
                    let verified = key.verify(named, b"message", &signature);
                    assert_eq!(verified.is_ok(), named == made, "{made} as {named}");
                }
            }
        }
    }
}
