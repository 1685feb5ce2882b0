use super::*;
use crate::testing::{openssl, providers, signer};
use proptest::prelude::*;

fn spki(id: &[&[u8]], key: &[u8]) -> Vec<u8> {
    der::value(
        der::SEQUENCE,
        &[
            &der::value(der::SEQUENCE, id),
            &der::value(der::BIT_STRING, &[&[0], key]),
        ],
    )
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, CryptoError> {
    let key = der::value(
        der::SEQUENCE,
        &[&der::unsigned(modulus), &der::unsigned(exponent)],
    );
    let id = der::value(der::OID, &[oid::RSA_ENCRYPTION]);
    PublicKey::from_spki_der(&spki(&[&id, &[der::NULL, 0]], &key))
}

#[test]
fn reads_back() {
    for provider in providers() {
        let key = signer(&provider, 0).public_key().clone();
        let again = PublicKey::from_spki_der(key.spki_der()).unwrap();
        assert_eq!(again, key);
        assert_eq!((again.key_type(), again.bits()), (KeyType::Rsa, 2048));
        assert_ne!(&key, signer(&provider, 1).public_key());
        let mut longer = key.spki_der().to_vec();
        longer.push(0);
        assert!(PublicKey::from_spki_der(&longer).is_err());
        for len in 0..key.spki_der().len() {
            assert!(PublicKey::from_spki_der(&key.spki_der()[..len]).is_err());
        }
    }
}

#[test]
fn rsa_sizes_and_exponents_are_bounded() {
    let odd = |octets: usize| vec![0xff; octets];
    assert_eq!(rsa(&odd(128), &[1, 0, 1]).unwrap().bits(), 1024);
    assert_eq!(rsa(&odd(1024), &[3]).unwrap().bits(), 8192);
    for (modulus, bits) in [
        (odd(127), 1016),
        (odd(1025), 8200),
        (odd(64), 512),
        ([vec![0x7f], odd(127)].concat(), 1023),
        (vec![], 0),
    ] {
        assert_eq!(
            rsa(&modulus, &[1, 0, 1]).unwrap_err(),
            CryptoError::UnsupportedKeySize { bits }
        );
    }
    for exponent in [
        &[][..],
        &[1],
        &[2],
        &[4],
        &[1, 0, 0],
        &[2, 0, 0, 0, 1],
        &[1, 0, 0, 0, 0, 0, 0, 0, 1],
    ] {
        assert_eq!(
            rsa(&odd(256), exponent).unwrap_err().code(),
            "crypto.malformed_key"
        );
    }
    let mut even = odd(256);
    even[255] = 0xfe;
    assert!(rsa(&even, &[1, 0, 1]).is_err());
}

#[test]
fn both_providers_take_the_extremes() {
    for provider in providers() {
        for (octets, exponent) in [(128, &[3][..]), (1024, &[1, 0xff, 0xff, 0xff, 0xff])] {
            let key = rsa(&vec![0xff; octets], exponent).unwrap();
            let key = VerifyingKey::new(&provider, key).unwrap();
            assert_eq!(
                key.verify(SignatureAlgorithm::RsaSha256, b"", &vec![1; octets]),
                Err(CryptoError::BadSignature)
            );
        }
    }
}

#[test]
fn refuses_points_and_algorithms_it_does_not_know() {
    let ec = der::value(der::OID, &[oid::EC_PUBLIC_KEY]);
    let p256 = der::value(der::OID, &[oid::P256]);
    let point = [&[4][..], &[1; 64]].concat();
    assert!(PublicKey::from_spki_der(&spki(&[&ec, &p256], &point)).is_ok());
    assert!(PublicKey::from_spki_der(&spki(&[&ec, &p256], &point[1..])).is_err());
    assert!(PublicKey::from_spki_der(&spki(&[&ec, &p256], &[2; 33])).is_err());
    assert!(PublicKey::from_spki_der(&spki(&[&ec], &point)).is_err());
    // Curves by explicit parameters (CVE-2020-0601) and unknown curves.
    let explicit = der::value(der::SEQUENCE, &[&[2, 1, 1]]);
    assert!(PublicKey::from_spki_der(&spki(&[&ec, &explicit], &point)).is_err());
    let unknown = der::value(der::OID, &[&[0x2b, 0x81, 0x04, 0x00, 0x0a]]);
    assert!(PublicKey::from_spki_der(&spki(&[&ec, &unknown], &point)).is_err());
    let ed = der::value(der::OID, &[oid::ED25519]);
    assert!(PublicKey::from_spki_der(&spki(&[&ed], &[1; 32])).is_ok());
    assert!(PublicKey::from_spki_der(&spki(&[&ed], &[1; 31])).is_err());
    assert!(PublicKey::from_spki_der(&spki(&[&ed], &[1; 33])).is_err());
    // A point that is not on its curve is the backend's to refuse.
    let key = PublicKey::from_spki_der(&spki(&[&ec, &p256], &point)).unwrap();
    for provider in providers() {
        assert!(VerifyingKey::new(&provider, key.clone()).is_err());
    }
}

#[test]
fn pem_reads_back() {
    for provider in providers() {
        let key = signer(&provider, 0).public_key().clone();
        let text = key.to_pem();
        assert!(text.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        assert_eq!(PublicKey::from_pem(&text).unwrap(), key);
        let (_, pkcs1) = split_spki(key.spki_der()).unwrap();
        let text = pem::encode("RSA PUBLIC KEY", pkcs1);
        assert_eq!(PublicKey::from_pem(&text).unwrap(), key);
        if let Some(said) = openssl(
            &["pkey", "-pubin", "-pubout"],
            format!("a key:\n{}", key.to_pem()).as_bytes(),
        ) {
            assert_eq!(PublicKey::from_pem(&said).unwrap(), key);
        }
    }
    for text in [
        "",
        "-----BEGIN PUBLIC KEY-----",
        &*pem::encode("PUBLIC KEY", &[1, 2, 3]),
        &*pem::encode("RSA PUBLIC KEY", &[1, 2, 3]),
        &*pem::encode("CERTIFICATE", &[1, 2, 3]),
    ] {
        assert_eq!(
            PublicKey::from_pem(text).unwrap_err().code(),
            "crypto.malformed_key"
        );
    }
}

/// With such a key anyone signs anything.
#[test]
fn ed25519_points_of_small_order_are_refused() {
    let ed = der::value(der::OID, &[oid::ED25519]);
    for y in SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = y;
            point[31] |= sign;
            assert_eq!(
                PublicKey::from_spki_der(&spki(&[&ed], &point)).unwrap_err(),
                CryptoError::MalformedKey {
                    reason: "a point of small order"
                }
            );
            // The list is right: another library finds them weak.
            #[cfg(feature = "rustcrypto")]
            if let Ok(key) = ed25519_dalek::VerifyingKey::from_bytes(&point) {
                assert!(key.is_weak(), "{point:x?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_octets_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = PublicKey::from_spki_der(&data);
        let _ = PublicKey::from_pem(&pem::encode("PUBLIC KEY", &data));
        let _ = PublicKey::from_pem(&pem::encode("RSA PUBLIC KEY", &data));
    }

    #[test]
    fn no_changed_key_panics(
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
        signature in proptest::collection::vec(any::<u8>(), 256),
    ) {
        for provider in providers() {
            let mut spki = signer(&provider, 0).public_key().spki_der().to_vec();
            let at = at.index(spki.len());
            spki[at] = octet;
            if let Ok(key) = PublicKey::from_spki_der(&spki)
                && let Ok(key) = VerifyingKey::new(&provider, key)
            {
                let _ = key.verify(SignatureAlgorithm::RsaSha256, b"message", &signature);
            }
        }
    }
}
