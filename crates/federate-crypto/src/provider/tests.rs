use crate::testing::{RSA, providers, rsa_key, signer};
use crate::{
    CryptoError, DigestAlgorithm, KeyType, PublicKey, SignatureAlgorithm, SigningKey, VerifyingKey,
};
use proptest::prelude::*;

#[test]
fn what_one_provider_signs_every_provider_verifies() {
    for signing in providers() {
        for algorithm in RSA {
            let key = signing
                .keys
                .load_signing_key(rsa_key(0), algorithm)
                .unwrap();
            assert_eq!(key.algorithm(), algorithm);
            let signature = key.sign(b"message").unwrap();
            assert_eq!(signature.len(), 256);
            for verifying in providers() {
                let key = VerifyingKey::new(&verifying, key.public_key().clone()).unwrap();
                assert_eq!(key.verify(algorithm, b"message", &signature), Ok(()));
                refuses_everything_else(&key, algorithm, &signature);
            }
        }
    }
}

/// A good signature for `message`, and nothing that is nearly it.
pub(super) fn refuses_everything_else(
    key: &VerifyingKey,
    algorithm: SignatureAlgorithm,
    good: &[u8],
) {
    let refused = |algorithm, message: &[u8], signature: &[u8]| {
        assert_eq!(
            key.verify(algorithm, message, signature),
            Err(CryptoError::BadSignature)
        );
    };
    refused(algorithm, b"massage", good);
    refused(algorithm, b"", good);
    refused(algorithm, b"message", &[]);
    refused(algorithm, b"message", &good[1..]);
    refused(algorithm, b"message", &good[..good.len() - 1]);
    refused(algorithm, b"message", &[good, &[0]].concat());
    refused(algorithm, b"message", &[&[0], good].concat());
    refused(algorithm, b"message", &vec![0; good.len()]);
    refused(algorithm, b"message", &vec![0xff; good.len()]);
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut changed = good.to_vec();
        changed[at] ^= 1;
        refused(algorithm, b"message", &changed);
    }
    // The same key under another algorithm.
    for other in SignatureAlgorithm::ALL {
        if other != algorithm && other.accepts(key.public_key().key_type()) {
            refused(other, b"message", good);
        }
    }
}

#[test]
fn a_signature_of_another_key_is_refused() {
    for provider in providers() {
        let signature = signer(&provider, 1).sign(b"message").unwrap();
        let key = VerifyingKey::new(&provider, signer(&provider, 0).public_key().clone()).unwrap();
        assert_eq!(
            key.verify(SignatureAlgorithm::RsaSha256, b"message", &signature),
            Err(CryptoError::BadSignature)
        );
    }
}

/// The document names an algorithm that does not belong to the trusted key.
#[test]
fn a079_key_type_mismatch() {
    for provider in providers() {
        let key = VerifyingKey::new(&provider, signer(&provider, 0).public_key().clone()).unwrap();
        for algorithm in SignatureAlgorithm::ALL {
            if algorithm.key_type() == KeyType::Rsa {
                continue;
            }
            let mismatch = CryptoError::KeyTypeMismatch {
                algorithm,
                key: KeyType::Rsa,
            };
            assert_eq!(
                key.verify(algorithm, b"message", &[1; 64]).unwrap_err(),
                mismatch
            );
            // The backend itself does not rely on that check.
            let verifier = provider.keys.verifier(key.public_key()).unwrap();
            assert_eq!(
                verifier
                    .verify(algorithm, b"message", &[1; 64])
                    .unwrap_err(),
                mismatch
            );
            assert_eq!(
                provider
                    .keys
                    .load_signing_key(rsa_key(0), algorithm)
                    .unwrap_err(),
                mismatch
            );
        }
    }
}

#[test]
fn nobody_signs_with_sha1() {
    for provider in providers() {
        assert_eq!(
            provider
                .keys
                .load_signing_key(rsa_key(0), SignatureAlgorithm::RsaSha1)
                .unwrap_err(),
            CryptoError::UnsupportedAlgorithm {
                provider: provider.name,
                algorithm: SignatureAlgorithm::RsaSha1
            }
        );
    }
}

#[test]
fn keys_are_made_in_three_sizes_only() {
    for provider in providers() {
        for bits in [0, 512, 1024, 2047, 8192, u32::MAX] {
            assert_eq!(
                provider.keys.generate_rsa(bits).unwrap_err(),
                CryptoError::UnsupportedKeySize { bits }
            );
        }
        let made = provider.keys.generate_rsa(2048).unwrap();
        let loaded = provider
            .keys
            .load_signing_key(&made, SignatureAlgorithm::RsaSha512)
            .unwrap();
        assert_eq!(loaded.public_key().bits(), 2048);
        // Both providers see the same key.
        for other in providers() {
            let again = other
                .keys
                .load_signing_key(&made, SignatureAlgorithm::RsaSha512)
                .unwrap();
            assert_eq!(again.public_key(), loaded.public_key());
        }
    }
}

#[test]
fn randomness_differs() {
    for provider in providers() {
        let mut first = [0; 32];
        let mut second = [0; 32];
        provider.random.fill(&mut first).unwrap();
        provider.random.fill(&mut second).unwrap();
        assert_ne!(first, second);
        provider.random.fill(&mut []).unwrap();
    }
}

/// FIPS 180-4 examples: the digests of "abc".
#[test]
fn digests_are_the_standards() {
    let known = [
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
         8086072ba1e7cc2358baeca134c825a7",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ];
    for provider in providers() {
        for (algorithm, hex) in DigestAlgorithm::ALL.into_iter().zip(known) {
            let digest = provider.digester.digest(algorithm, b"abc");
            assert_eq!(digest.to_hex(), hex);
            assert_eq!(digest.algorithm(), algorithm);
        }
    }
}

proptest! {
    #[test]
    fn digests_in_pieces_and_at_once_agree(
        data in proptest::collection::vec(any::<u8>(), 0..500),
        cut in any::<prop::sample::Index>(),
    ) {
        let (head, tail) = data.split_at(cut.index(data.len() + 1));
        for algorithm in DigestAlgorithm::ALL {
            let mut seen = None;
            for provider in providers() {
                let mut context = provider.digester.start(algorithm);
                context.update(head);
                context.update(tail);
                let digest = context.finish();
                prop_assert_eq!(digest, provider.digester.digest(algorithm, &data));
                prop_assert_eq!(*seen.get_or_insert(digest), digest);
            }
        }
    }

    #[test]
    fn no_signature_panics(
        signature in proptest::collection::vec(any::<u8>(), 0..300),
        algorithm in proptest::sample::select(&SignatureAlgorithm::ALL[..]),
    ) {
        for provider in providers() {
            let key =
                VerifyingKey::new(&provider, signer(&provider, 0).public_key().clone()).unwrap();
            prop_assert!(key.verify(algorithm, b"message", &signature).is_err());
        }
    }
}

#[test]
fn debug_names_keys_without_showing_them() {
    for provider in providers() {
        let signer = signer(&provider, 0);
        let key = VerifyingKey::new(&provider, signer.public_key().clone()).unwrap();
        let hex = key.fingerprint().to_hex();
        let name = provider.name;
        assert_eq!(format!("{provider:?}"), format!("CryptoProvider({name:?})"));
        assert_eq!(
            format!("{signer:?}"),
            "SigningKey(RSA-SHA256, PublicKey(RSA, 2048 bits))"
        );
        assert_eq!(
            format!("{key:?}"),
            format!("VerifyingKey(RSA, 2048 bits, SHA-256 {hex})")
        );
        assert_eq!(format!("{:?}", rsa_key(0)), "PrivateKey(RSA, redacted)");
    }
}

/// A key from a key service: only the trait is needed.
#[derive(Debug)]
struct Remote(PublicKey);

impl SigningKey for Remote {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaSha256
    }

    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Err(CryptoError::SigningFailed)
    }
}

#[test]
fn a_remote_key_may_fail() {
    for provider in providers() {
        let remote = Remote(signer(&provider, 0).public_key().clone());
        let date = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert_eq!(
            crate::self_signed(&provider, &remote, "remote", date, date).unwrap_err(),
            CryptoError::SigningFailed
        );
    }
}
