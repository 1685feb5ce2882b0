//! ECDSA and Ed25519, across providers.

use super::tests::refuses_everything_else;
use crate::testing::{other_keys, providers, unhex};
use crate::{
    CryptoError, Curve, KeyType, PrivateKey, PublicKey, SignatureAlgorithm, VerifyingKey, der,
};
use proptest::prelude::*;
use std::sync::OnceLock;

const ECDSA: [SignatureAlgorithm; 3] = [
    SignatureAlgorithm::EcdsaSha256,
    SignatureAlgorithm::EcdsaSha384,
    SignatureAlgorithm::EcdsaSha512,
];

/// AWS-LC signs on the two smaller curves only with the digest of their size.
fn signs(provider: &str, key: KeyType, algorithm: SignatureAlgorithm) -> bool {
    algorithm.accepts(key)
        && (provider != "aws-lc" || key == KeyType::Ec(Curve::P521) || algorithm.key_type() == key)
}

#[test]
fn what_one_provider_signs_on_a_curve_every_provider_verifies() {
    for (private, _) in other_keys() {
        let key_type = private.key_type();
        let expected_len = match key_type {
            KeyType::Ec(curve) => 2 * curve.coordinate_len(),
            _ => 64,
        };
        let mut public = None;
        for signing in providers() {
            for algorithm in SignatureAlgorithm::ALL {
                let loaded = signing.keys.load_signing_key(&private, algorithm);
                if !signs(signing.name, key_type, algorithm) {
                    let code = loaded.unwrap_err().code();
                    assert_eq!(
                        code == "crypto.unsupported_algorithm",
                        algorithm.accepts(key_type)
                    );
                    continue;
                }
                let signer = loaded.unwrap();
                assert_eq!(signer.algorithm(), algorithm);
                // Every provider sees the same key.
                assert_eq!(
                    public.get_or_insert_with(|| signer.public_key().clone()),
                    signer.public_key()
                );
                let signature = signer.sign(b"message").unwrap();
                assert_eq!(signature.len(), expected_len);
                for verifying in providers() {
                    let key = VerifyingKey::new(&verifying, signer.public_key().clone()).unwrap();
                    assert_eq!(key.verify(algorithm, b"message", &signature), Ok(()));
                    refuses_everything_else(&key, algorithm, &signature);
                }
            }
        }
    }
}

/// Often enough that some r or s begins with a zero octet.
#[test]
fn short_numbers_are_padded() {
    for (private, algorithm) in other_keys() {
        for signing in providers() {
            let signer = signing.keys.load_signing_key(&private, algorithm).unwrap();
            let prepare = |provider| VerifyingKey::new(provider, signer.public_key().clone());
            let keys: Vec<_> = providers()
                .iter()
                .map(prepare)
                .map(Result::unwrap)
                .collect();
            // With P-521 one number in two begins with a zero octet.
            let p521 = private.key_type() == KeyType::Ec(Curve::P521);
            for round in 0..if p521 { 8 } else { 60_u32 } {
                let message = round.to_be_bytes();
                let signature = signer.sign(&message).unwrap();
                for key in &keys {
                    assert_eq!(key.verify(algorithm, &message, &signature), Ok(()));
                }
            }
        }
    }
}

#[test]
fn a079_key_type_mismatch_of_other_keys() {
    for (private, algorithm) in other_keys() {
        let key_type = private.key_type();
        for provider in providers() {
            let signer = provider.keys.load_signing_key(&private, algorithm).unwrap();
            let key = VerifyingKey::new(&provider, signer.public_key().clone()).unwrap();
            let verifier = provider.keys.verifier(key.public_key()).unwrap();
            for algorithm in SignatureAlgorithm::ALL {
                if algorithm.accepts(key_type) {
                    continue;
                }
                let mismatch = CryptoError::KeyTypeMismatch {
                    algorithm,
                    key: key_type,
                };
                let verified = key.verify(algorithm, b"message", &[1; 64]);
                assert_eq!(verified, Err(mismatch.clone()));
                // The backend itself does not rely on that check.
                let verified = verifier.verify(algorithm, b"message", &[1; 64]);
                assert_eq!(verified, Err(mismatch.clone()));
                let loaded = provider.keys.load_signing_key(&private, algorithm);
                assert_eq!(loaded.unwrap_err(), mismatch);
            }
        }
    }
}

/// The order of the base point ([SP 800-186] 3.2.1).
fn order(curve: Curve) -> Vec<u8> {
    let hex = match curve {
        Curve::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        Curve::P384 => {
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
             581a0db248b0a77aecec196accc52973"
        }
        Curve::P521 => {
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa\
             51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
        }
    };
    unhex(hex)
}

/// `a - b`, or `a + b` where it fits.
fn combined(a: &[u8], b: &[u8], add: bool) -> Option<Vec<u8>> {
    let mut out = vec![0; a.len()];
    let mut carry = 0_i32;
    for at in (0..a.len()).rev() {
        let sign = if add { 1 } else { -1 };
        let value = i32::from(a[at]) + sign * (i32::from(b[at]) + carry);
        out[at] = u8::try_from(value.rem_euclid(256)).unwrap();
        carry = i32::from(!(0..256).contains(&value));
    }
    (carry == 0).then_some(out)
}

/// CVE-2022-21449 ("psychic signatures") and its kin: r and s lie between 1 and n - 1, and
/// stand side by side at their full length.
#[test]
fn a081_ecdsa_numbers_out_of_range_and_other_encodings() {
    for (private, algorithm) in other_keys() {
        let KeyType::Ec(curve) = private.key_type() else {
            continue;
        };
        let signing = providers()[0].keys.load_signing_key(&private, algorithm);
        let signer = signing.unwrap();
        let good = signer.sign(b"message").unwrap();
        let (r, s) = good.split_at(curve.coordinate_len());
        let n = order(curve);
        let zero = vec![0; n.len()];
        let mut one = zero.clone();
        one[n.len() - 1] = 1;
        let all_ones = vec![0xff; n.len()];
        let below_n = combined(&n, &one, false).unwrap();

        let mut wrong: Vec<Vec<u8>> = Vec::new();
        for bad in [&zero, &n, &all_ones, &one, &below_n] {
            wrong.push([r, &bad[..]].concat());
            wrong.push([&bad[..], s].concat());
            for other in [&zero, &n, &all_ones, &one] {
                wrong.push([&bad[..], &other[..]].concat());
            }
        }
        // The same numbers modulo n, where they fit, and the point's other half.
        for (number, first) in [(r, true), (s, false)] {
            if let Some(sum) = combined(&n, number, true) {
                let pair = if first { [&sum[..], s] } else { [r, &sum[..]] };
                wrong.push(pair.concat());
            }
        }
        wrong.push([&combined(&n, r, false).unwrap()[..], s].concat());
        wrong.push([s, r].concat());
        // DER, as certificates have it, and every wrong length.
        let sig_value = der::ecdsa_sig_value(curve, &good).unwrap();
        assert_eq!(curve.raw_signature(&sig_value).unwrap(), good);
        wrong.push(sig_value);
        wrong.extend((0..good.len()).map(|len| good[..len].to_vec()));
        wrong.push([&[0], r, &[0], s].concat());
        wrong.push([&good[..], &good[..]].concat());

        for provider in providers() {
            let key = VerifyingKey::new(&provider, signer.public_key().clone()).unwrap();
            assert_eq!(key.verify(algorithm, b"message", &good), Ok(()));
            for wrong in &wrong {
                for algorithm in ECDSA {
                    assert_eq!(
                        key.verify(algorithm, b"message", wrong),
                        Err(CryptoError::BadSignature),
                        "{} {curve:?} {wrong:x?}",
                        provider.name
                    );
                }
            }
        }
    }
}

/// Of s and n - s both verify, as [FIPS 186-5] 6.4.2 has it; half of what peers send has the
/// larger one. Nothing here names a message by its signature, so nothing is gained by
/// changing one into the other.
#[test]
fn a081_both_halves_of_s_verify() {
    for (private, algorithm) in other_keys() {
        let KeyType::Ec(curve) = private.key_type() else {
            continue;
        };
        let signing = providers()[0].keys.load_signing_key(&private, algorithm);
        let signer = signing.unwrap();
        let good = signer.sign(b"message").unwrap();
        let (r, s) = good.split_at(curve.coordinate_len());
        let other = [r, &combined(&order(curve), s, false).unwrap()].concat();
        for provider in providers() {
            let key = VerifyingKey::new(&provider, signer.public_key().clone()).unwrap();
            assert_eq!(key.verify(algorithm, b"message", &good), Ok(()));
            assert_eq!(key.verify(algorithm, b"message", &other), Ok(()));
        }
    }
}

/// RFC 8032 5.1.7: S below the order of the base point, or signatures could be changed.
#[test]
fn ed25519_signatures_are_not_malleable() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let algorithm = SignatureAlgorithm::Ed25519;
    for provider in providers() {
        let private = provider.keys.generate_ed25519().unwrap();
        let signer = provider.keys.load_signing_key(&private, algorithm).unwrap();
        let good = signer.sign(b"message").unwrap();
        let reversed = |octets: &[u8]| octets.iter().rev().copied().collect::<Vec<_>>();
        let s = combined(&reversed(&good[32..]), &reversed(&ORDER), true).unwrap();
        let changed = [&good[..32], &reversed(&s)].concat();
        for verifying in providers() {
            let key = VerifyingKey::new(&verifying, signer.public_key().clone()).unwrap();
            assert_eq!(key.verify(algorithm, b"message", &good), Ok(()));
            let refused = Err(CryptoError::BadSignature);
            assert_eq!(key.verify(algorithm, b"message", &changed), refused);
            // R and S of the neutral element.
            let mut neutral = [0; 64];
            neutral[0] = 1;
            assert_eq!(key.verify(algorithm, b"message", &neutral), refused);
        }
    }
}

/// RFC 8032 7.1, test 2, and RFC 6979 A.2.5 and A.2.6 ("sample").
#[test]
fn known_signatures_verify() {
    let p256 = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
                7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
    for (key_type, key, algorithm, message, signature) in [
        (
            KeyType::Ed25519,
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            SignatureAlgorithm::Ed25519,
            &[0x72][..],
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            KeyType::Ec(Curve::P256),
            p256,
            SignatureAlgorithm::EcdsaSha256,
            b"sample",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
             f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ),
        (
            KeyType::Ec(Curve::P256),
            p256,
            SignatureAlgorithm::EcdsaSha512,
            b"sample",
            "8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00\
             2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe",
        ),
    ] {
        let public = PublicKey::from_parts(key_type, &unhex(key)).unwrap();
        for provider in providers() {
            let key = VerifyingKey::new(&provider, public.clone()).unwrap();
            assert_eq!(key.verify(algorithm, message, &unhex(signature)), Ok(()));
            assert!(key.verify(algorithm, b"simple", &unhex(signature)).is_err());
        }
    }
}

/// A private key whose public half was exchanged is none.
#[test]
fn halves_of_different_keys_are_refused() {
    for made in other_keys() {
        let (private, algorithm) = made;
        for other in other_keys() {
            let (other, _) = other;
            let (mine, theirs) = (private.pkcs8_der(), other.pkcs8_der());
            let len = match private.key_type() {
                KeyType::Ec(curve) => 2 * curve.coordinate_len(),
                _ => 32,
            };
            // The public half stands last, where it is there at all.
            let holds_public = mine.len() > 32 + 32;
            if private.key_type() != other.key_type()
                || mine.len() != theirs.len()
                || !holds_public
                || mine == theirs
            {
                continue;
            }
            let at = mine.len() - len;
            let mixed = [&mine[..at], &theirs[at..]].concat();
            let mixed = PrivateKey::from_pkcs8_der(&mixed).unwrap();
            for provider in providers() {
                assert_eq!(
                    provider
                        .keys
                        .load_signing_key(&mixed, algorithm)
                        .unwrap_err(),
                    CryptoError::MalformedKey {
                        reason: "the private key was rejected"
                    }
                );
            }
        }
    }
}

fn made_once() -> &'static [(PrivateKey, SignatureAlgorithm)] {
    static MADE: OnceLock<Vec<(PrivateKey, SignatureAlgorithm)>> = OnceLock::new();
    MADE.get_or_init(other_keys)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_signature_panics(
        signature in proptest::collection::vec(any::<u8>(), 0..140),
        algorithm in proptest::sample::select(&SignatureAlgorithm::ALL[..]),
    ) {
        for (private, with) in made_once() {
            for provider in providers() {
                let signer = provider.keys.load_signing_key(private, *with).unwrap();
                let key = VerifyingKey::new(&provider, signer.public_key().clone()).unwrap();
                prop_assert!(key.verify(algorithm, b"message", &signature).is_err());
            }
        }
    }

    #[test]
    fn no_changed_key_panics(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        for (private, algorithm) in made_once() {
            let mut pkcs8 = private.pkcs8_der().to_vec();
            let at = at.index(pkcs8.len());
            pkcs8[at] = octet;
            let Ok(key) = PrivateKey::from_pkcs8_der(&pkcs8) else { continue };
            let mut public = None;
            for provider in providers() {
                let Ok(key) = provider.keys.load_signing_key(&key, *algorithm) else { continue };
                let signature = key.sign(b"message").unwrap();
                // Where both take it, it is the same key.
                prop_assert_eq!(
                    public.get_or_insert_with(|| key.public_key().clone()),
                    key.public_key()
                );
                let key = VerifyingKey::new(&provider, key.public_key().clone()).unwrap();
                prop_assert_eq!(key.verify(*algorithm, b"message", &signature), Ok(()));
            }
        }
    }
}
