use super::*;
use crate::der::{self, Reader};
use crate::testing::{openssl, other_keys, providers, rsa_key};
use crate::{Curve, PublicKey, SignatureAlgorithm};
use pkcs8::EncryptedPrivateKeyInfo;
use pkcs8::der::Encode;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf, ScryptParams};
use proptest::prelude::*;

/// The RSAPrivateKey within a PKCS#8 key.
fn pkcs1(key: &PrivateKey) -> &[u8] {
    let mut inner = Reader::new(key.pkcs8_der()).sequence().unwrap();
    inner.read(der::INTEGER).unwrap();
    inner.sequence().unwrap();
    inner.read(der::OCTET_STRING).unwrap()
}

#[test]
fn both_kinds_of_pem_read_back() {
    if providers().is_empty() {
        return;
    }
    let key = rsa_key(0);
    let text = key.to_pem();
    assert!(text.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let again = PrivateKey::from_pem(&text).unwrap();
    assert_eq!(again.pkcs8_der(), key.pkcs8_der());

    let text = pem::encode("RSA PRIVATE KEY", pkcs1(key));
    let again = PrivateKey::from_pem(&text).unwrap();
    assert_eq!(again.key_type(), KeyType::Rsa);
    assert_eq!(pkcs1(&again), pkcs1(key));
    for provider in providers() {
        for key in [key, &again] {
            provider
                .keys
                .load_signing_key(key, SignatureAlgorithm::RsaSha256)
                .unwrap();
        }
    }
}

#[test]
fn the_key_may_follow_its_certificate() {
    if providers().is_empty() {
        return;
    }
    let text = format!(
        "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n{}",
        *rsa_key(0).to_pem()
    );
    assert!(PrivateKey::from_pem(&text).is_ok());
}

#[test]
fn says_what_it_cannot_read() {
    for (label, reason) in [
        ("EC PRIVATE KEY", "not an ECPrivateKey on a known curve"),
        ("PRIVATE KEY", "not the PKCS#8 of a known key"),
        ("RSA PRIVATE KEY", "not an RSAPrivateKey"),
        ("PUBLIC KEY", "no PRIVATE KEY block in the PEM text"),
    ] {
        let text = pem::encode(label, &[1, 2, 3]);
        let refused = CryptoError::MalformedKey { reason };
        assert_eq!(PrivateKey::from_pem(&text).unwrap_err(), refused);
        assert_eq!(
            PrivateKey::from_encrypted_pem(&text, b"x").unwrap_err(),
            refused
        );
    }
    let text = pem::encode("ENCRYPTED PRIVATE KEY", &[1, 2, 3]);
    assert_eq!(
        PrivateKey::from_pem(&text).unwrap_err(),
        CryptoError::PassphraseNeeded
    );
    assert_eq!(
        PrivateKey::from_encrypted_pem(&text, b"x")
            .unwrap_err()
            .code(),
        "crypto.malformed_key"
    );
    assert!(PrivateKey::from_pem("").is_err());
    assert!(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----").is_err());
    assert!(PrivateKey::from_der(&[]).is_err());
    assert!(PrivateKey::from_der(&[0x30, 5, 2, 1, 0, 5, 0]).is_err());
}

/// The ECPrivateKey within a PKCS#8 key, with its curve named inside.
fn sec1(key: &PrivateKey) -> Vec<u8> {
    let KeyType::Ec(curve) = key.key_type() else {
        panic!("not a key on a curve");
    };
    let mut inner = Reader::new(pkcs1(key)).sequence().unwrap();
    let version = inner.read(der::INTEGER).unwrap();
    let scalar = inner.read(der::OCTET_STRING).unwrap();
    let oid = der::value(der::OID, &[crate::public_key::curve_oid(curve)]);
    der::value(
        der::SEQUENCE,
        &[
            &der::value(der::INTEGER, &[version]),
            &der::value(der::OCTET_STRING, &[scalar]),
            &der::value(der::CONTEXT_0, &[&oid]),
        ],
    )
}

fn all_keys() -> Vec<(PrivateKey, SignatureAlgorithm)> {
    let mut keys = other_keys();
    if !providers().is_empty() {
        let rsa = PrivateKey::from_pkcs8_der(rsa_key(0).pkcs8_der()).unwrap();
        keys.push((rsa, SignatureAlgorithm::RsaSha256));
    }
    keys
}

/// Every provider loads both, and finds the same public half.
fn assert_same(key: &PrivateKey, other: &PrivateKey, algorithm: SignatureAlgorithm) {
    assert_eq!(key.key_type(), other.key_type());
    for provider in providers() {
        let load = |key| provider.keys.load_signing_key(key, algorithm).unwrap();
        assert_eq!(load(key).public_key(), load(other).public_key());
    }
}

#[test]
fn der_of_every_form_reads_back() {
    for (key, algorithm) in all_keys() {
        assert_same(
            &key,
            &PrivateKey::from_der(key.pkcs8_der()).unwrap(),
            algorithm,
        );
        let (label, der) = match key.key_type() {
            KeyType::Rsa => ("RSA PRIVATE KEY", pkcs1(&key).to_vec()),
            KeyType::Ec(_) => ("EC PRIVATE KEY", sec1(&key)),
            KeyType::Ed25519 => continue,
        };
        assert_same(&key, &PrivateKey::from_der(&der).unwrap(), algorithm);
        // As `openssl ecparam -genkey` writes it: the curve first, in a block of its own.
        let text = format!(
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{}",
            *pem::encode(label, &der)
        );
        assert_same(&key, &PrivateKey::from_pem(&text).unwrap(), algorithm);
        for len in 0..der.len() {
            assert!(PrivateKey::from_der(&der[..len]).is_err());
        }
        assert!(PrivateKey::from_der(&[&der[..], &[0]].concat()).is_err());
    }
}

#[test]
fn a_sec1_key_without_its_curve_is_refused() {
    let key = der::value(
        der::SEQUENCE,
        &[&[2, 1, 1], &der::value(der::OCTET_STRING, &[&[1; 32]])],
    );
    assert_eq!(
        PrivateKey::from_der(&key).unwrap_err(),
        CryptoError::MalformedKey {
            reason: "not an ECPrivateKey on a known curve"
        }
    );
}

#[test]
fn scalars_out_of_range_are_no_keys() {
    for (curve, algorithm) in [
        (Curve::P256, SignatureAlgorithm::EcdsaSha256),
        (Curve::P384, SignatureAlgorithm::EcdsaSha384),
        (Curve::P521, SignatureAlgorithm::EcdsaSha512),
    ] {
        let oid = der::value(der::OID, &[crate::public_key::curve_oid(curve)]);
        let len = curve.coordinate_len();
        let made = |scalar: &[u8]| {
            let der = der::value(
                der::SEQUENCE,
                &[
                    &[2, 1, 1],
                    &der::value(der::OCTET_STRING, &[scalar]),
                    &der::value(der::CONTEXT_0, &[&oid]),
                ],
            );
            PrivateKey::from_der(&der).unwrap()
        };
        for provider in providers() {
            let load = |key: &PrivateKey| provider.keys.load_signing_key(key, algorithm);
            for scalar in [vec![0; len], vec![0xff; len], vec![1; len + 1], vec![]] {
                assert_eq!(
                    load(&made(&scalar)).unwrap_err().code(),
                    "crypto.malformed_key"
                );
            }
            // Some encoders drop zeros at the front, some add one.
            let mut scalar = vec![7; len];
            scalar[..2].fill(0);
            let key = load(&made(&scalar)).unwrap();
            for other in [&scalar[2..], &[&[0], &scalar[..]].concat()] {
                assert_eq!(load(&made(other)).unwrap().public_key(), key.public_key());
            }
        }
    }
}

#[test]
fn a_passphrase_opens_what_it_closed() {
    for provider in providers() {
        let (key, algorithm) = (rsa_key(0), SignatureAlgorithm::RsaSha256);
        let text = key.to_encrypted_pem(&provider, b"correct horse").unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        let again = PrivateKey::from_encrypted_pem(&text, b"correct horse").unwrap();
        assert_eq!(again.pkcs8_der(), key.pkcs8_der());
        assert_same(&again, key, algorithm);
        for wrong in [&b"correct horsE"[..], b"", b"correct horse "] {
            assert_eq!(
                PrivateKey::from_encrypted_pem(&text, wrong).unwrap_err(),
                CryptoError::WrongPassphrase
            );
        }
        // Salt and initialization vector differ each time.
        assert_ne!(
            key.to_encrypted_pem(&provider, b"correct horse").unwrap(),
            text
        );
        assert!(key.to_encrypted_pem(&provider, b"").is_err());
        // A key that is not encrypted needs none.
        assert!(PrivateKey::from_encrypted_pem(&key.to_pem(), b"x").is_ok());
    }
}

/// An EncryptedPrivateKeyInfo whose parameters may be anything.
fn encrypted(kdf: Kdf<'_>, ciphertext: &[u8]) -> Vec<u8> {
    let parameters = Parameters {
        kdf,
        encryption: pkcs8::pkcs5::pbes2::EncryptionScheme::Aes256Cbc { iv: &[7; 16] },
    };
    EncryptedPrivateKeyInfo {
        encryption_algorithm: parameters.into(),
        encrypted_data: ciphertext,
    }
    .to_der()
    .unwrap()
}

fn scrypt(cost_parameter: u64, block_size: u16, parallelization: u16) -> Kdf<'static> {
    Kdf::Scrypt(ScryptParams {
        salt: b"salt",
        cost_parameter,
        block_size,
        parallelization,
        key_length: None,
    })
}

fn pbkdf2(prf: Pbkdf2Prf, iteration_count: u32) -> Kdf<'static> {
    Kdf::Pbkdf2(Pbkdf2Params {
        salt: b"salt",
        iteration_count,
        key_length: None,
        prf,
    })
}

#[test]
fn every_derivation_of_pbes2_is_read() {
    for (key, algorithm) in all_keys() {
        for kdf in [
            scrypt(16, 8, 1),
            scrypt(1024, 1, 2),
            pbkdf2(Pbkdf2Prf::HmacWithSha1, 10),
            pbkdf2(Pbkdf2Prf::HmacWithSha256, 2048),
            pbkdf2(Pbkdf2Prf::HmacWithSha384, 1),
            pbkdf2(Pbkdf2Prf::HmacWithSha512, 100),
        ] {
            let ciphertext = Parameters {
                kdf: kdf.clone(),
                encryption: pkcs8::pkcs5::pbes2::EncryptionScheme::Aes256Cbc { iv: &[7; 16] },
            }
            .encrypt(b"passphrase", key.pkcs8_der())
            .unwrap();
            let der = encrypted(kdf, &ciphertext);
            let again = PrivateKey::from_encrypted_pkcs8_der(&der, b"passphrase").unwrap();
            assert_same(&again, &key, algorithm);
            assert_eq!(
                PrivateKey::from_encrypted_pkcs8_der(&der, b"other").unwrap_err(),
                CryptoError::WrongPassphrase
            );
        }
    }
}

/// The file names the work: a hostile one would cost minutes, gigabytes, or an overflow.
#[test]
fn hostile_costs_are_refused_at_once() {
    let start = std::time::Instant::now();
    for kdf in [
        pbkdf2(Pbkdf2Prf::HmacWithSha256, 0),
        pbkdf2(Pbkdf2Prf::HmacWithSha256, 5_000_001),
        pbkdf2(Pbkdf2Prf::HmacWithSha512, 100_000_000),
        scrypt(0, 8, 1),
        scrypt(1, 8, 1),
        scrypt(1000, 8, 1),
        scrypt(1024, 0, 1),
        scrypt(1024, 1, 0),
        scrypt(1 << 40, 8, 1),
        scrypt(1 << 18, 8, 1),
        scrypt(1 << 63, u16::MAX, u16::MAX),
        scrypt(2, u16::MAX, u16::MAX),
    ] {
        let der = encrypted(kdf.clone(), &[1; 64]);
        let refused = PrivateKey::from_encrypted_pkcs8_der(&der, b"x").unwrap_err();
        assert_eq!(refused.code(), "crypto.malformed_key", "{kdf:?}");
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn openssl_reads_what_we_write() {
    for provider in providers() {
        for (key, algorithm) in all_keys() {
            if key.pkcs8_der()[4] != 0 {
                continue; // PKCS#8 of version 2 is unknown to it; we do not make such keys
            }
            let Some(said) = openssl(&["pkey"], key.to_pem().as_bytes()) else {
                return;
            };
            assert_same(&PrivateKey::from_pem(&said).unwrap(), &key, algorithm);
            let text = key.to_encrypted_pem(&provider, b"correct horse").unwrap();
            let said = openssl(&["pkey", "-passin", "pass:correct horse"], text.as_bytes());
            let again = PrivateKey::from_pem(&said.unwrap()).unwrap();
            assert_same(&again, &key, algorithm);
            // The public half that openssl computes is the one we compute.
            let said = openssl(&["pkey", "-pubout"], key.to_pem().as_bytes()).unwrap();
            let signer = provider.keys.load_signing_key(&key, algorithm).unwrap();
            assert_eq!(&PublicKey::from_pem(&said).unwrap(), signer.public_key());
        }
    }
}

#[test]
fn we_read_what_openssl_writes() {
    for (kind, option, algorithm) in [
        ("RSA", "rsa_keygen_bits:2048", SignatureAlgorithm::RsaSha256),
        (
            "EC",
            "ec_paramgen_curve:P-256",
            SignatureAlgorithm::EcdsaSha256,
        ),
        (
            "EC",
            "ec_paramgen_curve:P-384",
            SignatureAlgorithm::EcdsaSha384,
        ),
        (
            "EC",
            "ec_paramgen_curve:P-521",
            SignatureAlgorithm::EcdsaSha512,
        ),
        ("ED25519", "", SignatureAlgorithm::Ed25519),
    ] {
        let mut arguments = vec!["genpkey", "-algorithm", kind];
        if !option.is_empty() {
            arguments.extend(["-pkeyopt", option]);
        }
        let Some(text) = openssl(&arguments, b"") else {
            return;
        };
        let key = PrivateKey::from_pem(&text).unwrap();
        let written = |arguments: &[&str]| openssl(arguments, text.as_bytes()).unwrap();
        if kind != "ED25519" {
            let old = written(&["pkey", "-traditional"]);
            assert!(old.contains(&format!("BEGIN {kind} PRIVATE KEY")), "{old}");
            assert_same(&PrivateKey::from_pem(&old).unwrap(), &key, algorithm);
        }
        let topk8 = ["pkcs8", "-topk8", "-passout", "pass:x"];
        for more in [
            &["-v2", "aes-256-cbc"][..],
            &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"],
            &[
                "-v2",
                "aes-192-cbc",
                "-v2prf",
                "hmacWithSHA1",
                "-iter",
                "10000",
            ],
            &["-scrypt"],
        ] {
            let text = written(&[&topk8[..], more].concat());
            let again = PrivateKey::from_encrypted_pem(&text, b"x").unwrap();
            assert_same(&again, &key, algorithm);
            assert_eq!(
                PrivateKey::from_encrypted_pem(&text, b"y").unwrap_err(),
                CryptoError::WrongPassphrase
            );
        }
        // Broken long ago: said, not read.
        let text = written(&[&topk8[..], &["-v2", "des3"]].concat());
        let refused = PrivateKey::from_encrypted_pem(&text, b"x").unwrap_err();
        assert_eq!(refused.code(), "crypto.malformed_key");
    }
}

#[test]
fn debug_shows_nothing_of_it() {
    if providers().is_empty() {
        return;
    }
    let key = rsa_key(0);
    let shown = format!("{key:?} {:#?}", Some(key));
    assert_eq!(
        shown,
        "PrivateKey(RSA, redacted) Some(\n    PrivateKey(RSA, redacted),\n)"
    );
    for (key, algorithm) in other_keys() {
        let shown = format!("PrivateKey({}, redacted)", key.key_type());
        assert_eq!(format!("{key:?}"), shown);
        for provider in providers() {
            let signer = provider.keys.load_signing_key(&key, algorithm).unwrap();
            let shown = format!("SigningKey({algorithm}, {:?})", signer.public_key());
            assert_eq!(format!("{signer:?}"), shown);
        }
    }
}

proptest! {
    #[test]
    fn no_octets_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = PrivateKey::from_pkcs8_der(&data);
        let _ = PrivateKey::from_pem(&pem::encode("PRIVATE KEY", &data));
        let _ = PrivateKey::from_pem(&pem::encode("RSA PRIVATE KEY", &data));
        let _ = PrivateKey::from_pem(&pem::encode("EC PRIVATE KEY", &data));
        let _ = PrivateKey::from_encrypted_pkcs8_der(&data, b"x");
        let _ = PrivateKey::from_der(&data);
    }

    #[test]
    fn no_changed_encrypted_key_panics(
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
        with_scrypt in any::<bool>(),
    ) {
        let kdf = if with_scrypt {
            scrypt(16, 1, 1)
        } else {
            pbkdf2(Pbkdf2Prf::HmacWithSha256, 1)
        };
        let mut der = encrypted(kdf, &[1; 64]);
        let at = at.index(der.len());
        der[at] = octet;
        prop_assert!(PrivateKey::from_encrypted_pkcs8_der(&der, b"x").is_err());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = PrivateKey::from_pem(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_changed_key_panics(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        for provider in providers() {
            let mut pkcs8 = rsa_key(0).pkcs8_der().to_vec();
            let at = at.index(pkcs8.len());
            pkcs8[at] = octet;
            if let Ok(key) = PrivateKey::from_pkcs8_der(&pkcs8)
                && let Ok(key) = provider
                    .keys
                    .load_signing_key(&key, SignatureAlgorithm::RsaSha256)
            {
                let _ = key.sign(b"message");
            }
        }
    }
}
