use super::*;
use crate::testing::{providers, rsa_key, signer};
use crate::{CryptoProvider, DigestAlgorithm, KeyType, PrivateKey, RsaOaep};
use proptest::prelude::*;

const PLAINTEXT: &[u8] = b"sixteen octets..and sixteen more";

/// 0, 1, 2, ... as long as the cipher's key.
fn key(cipher: BlockCipher) -> Vec<u8> {
    (0..32).take(cipher.key_len()).collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16).unwrap() as u8;
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
        .collect()
}

/// Whether a provider has a cipher at all.
fn offers(provider: &CryptoProvider, cipher: BlockCipher) -> bool {
    provider.name != "aws-lc" || cipher != BlockCipher::TripleDesCbc || cfg!(feature = "triple-des")
}

#[test]
fn identifiers_read_back() {
    for cipher in BlockCipher::ALL {
        assert_eq!(BlockCipher::from_uri(cipher.uri()), Some(cipher));
    }
    assert_eq!(BlockCipher::from_uri(""), None);
    assert_eq!(
        BlockCipher::from_uri("http://www.w3.org/2001/04/xmlenc#aes128-gcm"),
        None
    );
}

/// Encrypted by the `openssl` command (3.0), without padding.
#[test]
fn known_answers_of_cbc() {
    let iv = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    for (cipher, iv, ciphertext) in [
        (
            BlockCipher::Aes128Cbc,
            iv,
            "f209d8876d386135d142d3513388ab39b78dddd49c71cb78bb5ed019559149f7",
        ),
        (
            BlockCipher::Aes192Cbc,
            iv,
            "933d5a22c73278f44bce2598dd678d0654324bd6317abb92b4a23c205561a194",
        ),
        (
            BlockCipher::Aes256Cbc,
            iv,
            "1c800ee87c0c4785e48d0b8baa57e0e8b11b3e0375eb4b666f41d60322786636",
        ),
        (
            BlockCipher::TripleDesCbc,
            "f0f1f2f3f4f5f6f7",
            "630a1d85adb4eb1acddce8eb9959cd62206c593a055d3e540e47c11b1d268342",
        ),
    ] {
        let octets = [hex(iv), hex(ciphertext)].concat();
        for provider in providers() {
            let result = provider.ciphers.decrypt(cipher, &key(cipher), &octets);
            if offers(&provider, cipher) {
                assert_eq!(*result.unwrap(), PLAINTEXT, "{cipher} {provider:?}");
            } else {
                assert_eq!(
                    result.unwrap_err().code(),
                    "crypto.unsupported_encryption",
                    "{cipher}"
                );
            }
        }
    }
}

/// Test cases 2, 8 and 14 of McGrew and Viega: one block of zeros.
#[test]
fn known_answers_of_gcm() {
    for (cipher, expected) in [
        (
            BlockCipher::Aes128Gcm,
            "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf",
        ),
        (
            BlockCipher::Aes192Gcm,
            "98e7247c07f0fe411c267e4384b0f6002ff58d80033927ab8ef4d4587514f0fb",
        ),
        (
            BlockCipher::Aes256Gcm,
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        ),
    ] {
        for provider in providers() {
            let key = vec![0; cipher.key_len()];
            let octets = provider
                .ciphers
                .encrypt(cipher, &key, &[0; 12], &[0; 16])
                .unwrap();
            assert_eq!(octets, [vec![0; 12], hex(expected)].concat());
        }
    }
}

#[test]
fn cbc_never_encrypts() {
    for provider in providers() {
        for cipher in BlockCipher::ALL {
            if !cipher.is_authenticated() {
                let iv = vec![0; cipher.iv_len()];
                assert_eq!(
                    provider
                        .ciphers
                        .encrypt(cipher, &key(cipher), &iv, PLAINTEXT),
                    Err(CryptoError::UnsupportedEncryption {
                        provider: provider.name,
                        algorithm: cipher.uri(),
                    })
                );
            }
        }
    }
}

/// Keys, vectors and ciphertexts of other lengths than the cipher's: one error, no panic.
#[test]
fn a173_wrong_lengths() {
    for provider in providers() {
        for cipher in BlockCipher::ALL {
            if !offers(&provider, cipher) {
                continue;
            }
            let refused = |key: &[u8], octets: &[u8]| {
                assert_eq!(
                    provider.ciphers.decrypt(cipher, key, octets).unwrap_err(),
                    CryptoError::DecryptionFailed,
                );
            };
            for len in 0..80 {
                // As GCM sees it, nobody made any of these; CBC takes whole blocks.
                let octets = vec![7; len];
                let whole =
                    len > cipher.iv_len() && (len - cipher.iv_len()) % cipher.block_len() == 0;
                if cipher.is_authenticated() || !whole {
                    refused(&key(cipher), &octets);
                } else {
                    let padded = provider.ciphers.decrypt(cipher, &key(cipher), &octets);
                    assert_eq!(padded.unwrap().len(), len - cipher.iv_len());
                }
                if len != cipher.key_len() {
                    refused(&vec![1; len], &[7; 64]);
                }
            }
            if cipher.is_authenticated() {
                for (key_len, iv_len) in [(0, 12), (15, 12), (33, 12), (cipher.key_len(), 16)] {
                    assert_eq!(
                        provider
                            .ciphers
                            .encrypt(cipher, &vec![1; key_len], &vec![1; iv_len], b""),
                        Err(CryptoError::EncryptionFailed)
                    );
                }
            }
        }
    }
}

/// All pairs of digests, from every provider that has them to every other.
#[test]
fn content_keys_reach_their_recipient() {
    let content_key = [9; 32];
    for sender in providers() {
        for digest in DigestAlgorithm::ALL {
            for mgf1 in DigestAlgorithm::ALL {
                let oaep = RsaOaep { digest, mgf1 };
                let recipient = signer(&sender, 0).public_key().clone();
                let encrypted = sender
                    .key_transport
                    .encrypt_key(&recipient, oaep, &content_key);
                if sender.name == "aws-lc" && digest != mgf1 {
                    assert_eq!(
                        encrypted.unwrap_err().code(),
                        "crypto.unsupported_encryption"
                    );
                    continue;
                }
                let encrypted = encrypted.unwrap();
                for receiver in providers() {
                    let key = receiver
                        .key_transport
                        .load_decryption_key(rsa_key(0))
                        .unwrap();
                    assert_eq!(key.public_key(), &recipient);
                    let decrypted = key.decrypt_key(oaep, &encrypted);
                    if receiver.name == "aws-lc" && digest != mgf1 {
                        assert_eq!(
                            decrypted.unwrap_err().code(),
                            "crypto.unsupported_encryption"
                        );
                        continue;
                    }
                    assert_eq!(*decrypted.unwrap(), content_key);
                }
            }
        }
    }
}

/// Whatever is wrong with it, the error is one.
#[test]
fn a171_faults_of_a_transported_key_are_indistinguishable() {
    for provider in providers() {
        let recipient = signer(&provider, 0).public_key().clone();
        let transport = provider.key_transport;
        let key = transport.load_decryption_key(rsa_key(0)).unwrap();
        let other = transport.load_decryption_key(rsa_key(1)).unwrap();
        let good = transport
            .encrypt_key(&recipient, RsaOaep::SHA1, &[9; 16])
            .unwrap();
        let refused = |oaep, octets: &[u8]| {
            assert_eq!(
                key.decrypt_key(oaep, octets).unwrap_err(),
                CryptoError::DecryptionFailed
            );
        };
        for at in [0, 1, 100, good.len() - 1] {
            let mut changed = good.clone();
            changed[at] ^= 1;
            refused(RsaOaep::SHA1, &changed);
        }
        refused(RsaOaep::SHA256, &good);
        refused(RsaOaep::SHA1, &[]);
        refused(RsaOaep::SHA1, &good[1..]);
        refused(RsaOaep::SHA1, &[&[0], good.as_slice()].concat());
        refused(RsaOaep::SHA1, &vec![0; good.len()]);
        refused(RsaOaep::SHA1, &vec![0xff; good.len()]);
        assert_eq!(
            other.decrypt_key(RsaOaep::SHA1, &good).unwrap_err(),
            CryptoError::DecryptionFailed
        );
        // Nor does its Debug output tell anything of it.
        assert_eq!(
            format!("{key:?}"),
            "DecryptionKey(PublicKey(RSA, 2048 bits))"
        );
    }
}

#[test]
fn too_much_for_one_key_is_an_error() {
    for provider in providers() {
        let recipient = signer(&provider, 0).public_key().clone();
        for (oaep, most) in [(RsaOaep::SHA1, 214), (RsaOaep::SHA256, 190)] {
            let encrypt = |len: usize| {
                provider
                    .key_transport
                    .encrypt_key(&recipient, oaep, &vec![1; len])
            };
            assert!(encrypt(most).is_ok());
            assert_eq!(encrypt(most + 1), Err(CryptoError::EncryptionFailed));
        }
    }
}

#[cfg(feature = "aws-lc")]
#[test]
fn only_rsa_transports_keys() {
    for (private, algorithm) in crate::testing::other_keys() {
        let aws = crate::aws_lc_provider();
        let signer = aws.keys.load_signing_key(&private, algorithm).unwrap();
        let mismatch = |provider: &CryptoProvider, key: KeyType| CryptoError::UnsupportedKeyType {
            provider: provider.name,
            key,
        };
        for provider in providers() {
            let error = mismatch(&provider, private.key_type());
            let transport = provider.key_transport;
            assert_eq!(transport.load_decryption_key(&private).unwrap_err(), error);
            assert_eq!(
                transport.encrypt_key(signer.public_key(), RsaOaep::SHA1, &[1]),
                Err(error)
            );
        }
    }
}

#[test]
fn a_key_that_is_none_is_refused() {
    for provider in providers() {
        let mut pkcs8 = rsa_key(0).pkcs8_der().to_vec();
        let middle = pkcs8.len() / 2;
        pkcs8[middle] ^= 1;
        if let Ok(key) = PrivateKey::from_pkcs8_der(&pkcs8) {
            let error = provider
                .key_transport
                .load_decryption_key(&key)
                .unwrap_err();
            assert_eq!(error.code(), "crypto.malformed_key", "{provider:?}");
        }
    }
}

proptest! {
    #[test]
    fn what_one_provider_encrypts_every_provider_decrypts(
        plaintext in proptest::collection::vec(any::<u8>(), 0..200),
        key in any::<[u8; 32]>(),
        iv in any::<[u8; 12]>(),
        bit in any::<prop::sample::Index>(),
    ) {
        for cipher in BlockCipher::ALL {
            if !cipher.is_authenticated() {
                continue;
            }
            let key = &key[..cipher.key_len()];
            for sender in providers() {
                let mut octets = sender.ciphers.encrypt(cipher, key, &iv, &plaintext).unwrap();
                prop_assert_eq!(octets.len(), plaintext.len() + 28);
                for receiver in providers() {
                    let again = receiver.ciphers.decrypt(cipher, key, &octets).unwrap();
                    prop_assert_eq!(&*again, &plaintext);
                }
                let bit = bit.index(octets.len() * 8);
                octets[bit / 8] ^= 1 << (bit % 8);
                for receiver in providers() {
                    prop_assert_eq!(
                        receiver.ciphers.decrypt(cipher, key, &octets).unwrap_err(),
                        CryptoError::DecryptionFailed
                    );
                }
            }
        }
    }
}
