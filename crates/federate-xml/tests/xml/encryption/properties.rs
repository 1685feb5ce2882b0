//! What holds for every plaintext.

use super::*;
use proptest::prelude::*;

/// The octets of every CipherValue, the key's first.
fn values(document: &str) -> Vec<Vec<u8>> {
    document
        .split("<xenc:CipherValue>")
        .skip(1)
        .map(|rest| STANDARD.decode(rest.split('<').next().unwrap()).unwrap())
        .collect()
}

/// Puts other octets into the CipherValue of that number.
fn with_value(document: &str, number: usize, octets: &[u8]) -> String {
    let old = STANDARD.encode(&values(document)[number]);
    swap(document, &old, &STANDARD.encode(octets))
}

#[test]
fn a180_keys_and_vectors_are_fresh() {
    for provider in providers() {
        let encryptor = Encryptor::new(provider, testkit::certificate()).unwrap();
        let ours = decryption_key(&provider, testkit::RSA_KEY);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..40 {
            let values = values(&encrypt_with(&encryptor, "<a/>"));
            let key = ours.decrypt_key(RsaOaep::SHA1, &values[0]).unwrap();
            assert_eq!(key.len(), 32);
            assert!(seen.insert(key.to_vec()), "a key came twice");
            assert!(seen.insert(values[1][..12].to_vec()), "a vector came twice");
        }
    }
}

/// Without randomness nothing is encrypted, and nothing is decrypted either.
#[test]
fn a180_without_randomness_nothing_is_encrypted() {
    struct Empty;
    impl federate_crypto::SecureRandom for Empty {
        fn fill(&self, _: &mut [u8]) -> Result<(), federate_crypto::CryptoError> {
            Err(federate_crypto::CryptoError::Random)
        }
    }
    let empty = CryptoProvider {
        random: &Empty,
        ..provider()
    };
    let encryptor = Encryptor::new(empty, testkit::certificate()).unwrap();
    let error = encryptor.encrypt(b"<a/>").unwrap_err();
    assert_eq!(error, federate_crypto::CryptoError::Random);
    let error = Receiver::with(empty).decrypt(&encrypt(&plaintext()));
    assert_eq!(error.unwrap_err().code(), "crypto.random");
}

/// What is written for embedding is canonical, also with everything that is optional.
#[test]
fn encrypted_data_is_canonical() {
    let plain = Encryptor::to_key(provider(), testkit::certificate().public_key().clone()).unwrap();
    let full = encryptor()
        .with_recipient("https://sp.example/?a&b=\"c\"")
        .with_key_transport(RsaOaep::SHA256);
    for encryptor in [plain, full] {
        let octets = encryptor.encrypt(plaintext().as_bytes()).unwrap();
        let written = String::from_utf8(octets).unwrap();
        assert_eq!(canonical(&written), written);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn encrypt_then_decrypt_is_identity(name in "\\PC{0,40}", number in 0..3_usize, sha1: bool) {
        let oaep = if sha1 { RsaOaep::SHA1 } else { RsaOaep::SHA256 };
        let content = assertion("_a", &name);
        for sender in providers() {
            let encryptor = Encryptor::new(sender, testkit::certificate())
                .unwrap()
                .with_cipher(BlockCipher::ALL[number])
                .unwrap()
                .with_key_transport(oaep);
            let document = encrypt_with(&encryptor, &content);
            for receiver in providers() {
                let receiver = Receiver::with(receiver);
                prop_assert_eq!(&receiver.decrypt(&document).unwrap(), &content);
            }
        }
    }

    #[test]
    fn one_changed_bit_of_the_ciphertext_fails(
        number in 0..2_usize,
        bit in any::<prop::sample::Index>(),
    ) {
        let document = encrypt(&assertion("_a", ALICE));
        let mut octets = values(&document)[number].clone();
        let bit = bit.index(octets.len() * 8);
        octets[bit / 8] ^= 1 << (bit % 8);
        let document = with_value(&document, number, &octets);
        for provider in providers() {
            for receiver in [Receiver::with(provider), Receiver::lenient(provider)] {
                prop_assert_eq!(
                    receiver.decrypt(&document).unwrap_err(),
                    EncryptionError::DecryptionFailed
                );
            }
        }
    }

    /// Whatever is changed in CBC, the plaintext comes out or the one error.
    #[test]
    fn a170_changes_of_cbc_have_one_failure(
        bit in any::<prop::sample::Index>(),
        more in 0..40_usize,
    ) {
        let content = assertion("_a", &"x".repeat(more));
        let document = made(BlockCipher::Aes128Cbc, &padded(&content));
        let mut octets = values(&document)[1].clone();
        let bit = bit.index(octets.len() * 8);
        octets[bit / 8] ^= 1 << (bit % 8);
        let result = Receiver::lenient(provider()).decrypt(&with_value(&document, 1, &octets));
        prop_assert!(matches!(result, Ok(_) | Err(EncryptionError::DecryptionFailed)));
    }

    #[test]
    fn no_plaintext_panics(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let cipher = BlockCipher::Aes256Gcm;
        let result = Receiver::new().decrypt(&made(cipher, &octets));
        prop_assert_eq!(result.unwrap_err(), EncryptionError::DecryptionFailed);
    }
}
