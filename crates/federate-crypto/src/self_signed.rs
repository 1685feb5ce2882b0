use crate::der::{self, oid};
use crate::{
    Certificate, CryptoError, CryptoProvider, DigestAlgorithm, KeyType, SignatureAlgorithm,
    SigningKey, VerifyingKey,
};
use chrono::{DateTime, Datelike, Utc};

/// Makes a self-signed certificate for any key that signs, with the key's own algorithm.
///
/// SAML peers take certificates as containers of keys; this one has a random serial number
/// of 128 bits, the common name as subject and issuer, and no extensions. Many peers read
/// only certificates with RSA-SHA256.
///
/// The signature is verified before the certificate is given out: a key service may make
/// mistakes.
///
/// # Errors
/// [`CryptoError::UnsupportedAlgorithm`] for SHA-1; [`CryptoError::MalformedCertificate`]
/// when the name has not 1 to 64 printable characters, or the dates are not in order or not
/// of the years 1950 to 9999; [`CryptoError::Random`]; [`CryptoError::SigningFailed`] when
/// the signature does not verify; and what the key's `sign` returns.
pub fn self_signed(
    provider: &CryptoProvider,
    key: &dyn SigningKey,
    common_name: &str,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
) -> Result<Certificate, CryptoError> {
    let algorithm = key.algorithm();
    let id = identifier(algorithm).ok_or(CryptoError::UnsupportedAlgorithm {
        provider: provider.name,
        algorithm,
    })?;
    // RFC 5280 appendix A: ub-common-name is 64.
    if !(1..=64).contains(&common_name.chars().count()) || common_name.chars().any(char::is_control)
    {
        return Err(malformed(
            "the common name has 1 to 64 printable characters",
        ));
    }
    if not_after < not_before {
        return Err(malformed("notAfter lies before notBefore"));
    }
    let validity = der::value(der::SEQUENCE, &[&date(not_before)?, &date(not_after)?]);

    let mut serial = [0; 16];
    provider.random.fill(&mut serial)?;
    // RFC 5280 4.1.2.2: positive; with the second bit set it also has a fixed length.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }

    let name = name(common_name);
    let version = der::value(der::INTEGER, &[&[2]]); // v3
    let to_be_signed = der::value(
        der::SEQUENCE,
        &[
            &der::value(der::CONTEXT_0, &[&version]),
            &der::unsigned(&serial),
            &id,
            &name,
            &validity,
            &name,
            key.public_key().spki_der(),
        ],
    );
    let raw = key.sign(&to_be_signed)?;
    VerifyingKey::new(provider, key.public_key().clone())?
        .verify(algorithm, &to_be_signed, &raw)
        .map_err(|_| CryptoError::SigningFailed)?;
    let signature = match key.public_key().key_type() {
        // RFC 3279 2.2.3: not r || s, as XML has it, but an Ecdsa-Sig-Value.
        KeyType::Ec(curve) => {
            der::ecdsa_sig_value(curve, &raw).ok_or(CryptoError::SigningFailed)?
        }
        KeyType::Rsa | KeyType::Ed25519 => raw,
    };
    Certificate::from_der(&der::value(
        der::SEQUENCE,
        &[
            &to_be_signed,
            &id,
            &der::value(der::BIT_STRING, &[&[0], &signature]),
        ],
    ))
}

const fn malformed(reason: &'static str) -> CryptoError {
    CryptoError::MalformedCertificate { reason }
}

/// A Name of one attribute, the common name (RFC 5280 4.1.2.4).
fn name(common_name: &str) -> Vec<u8> {
    let attribute = der::value(
        der::SEQUENCE,
        &[
            &der::value(der::OID, &[oid::COMMON_NAME]),
            &der::value(der::UTF8_STRING, &[common_name.as_bytes()]),
        ],
    );
    der::value(der::SEQUENCE, &[&der::value(der::SET, &[&attribute])])
}

/// RFC 5280 4.1.2.5: UTCTime through the year 2049, GeneralizedTime from 2050.
fn date(instant: DateTime<Utc>) -> Result<Vec<u8>, CryptoError> {
    // UTCTime begins in 1950, GeneralizedTime has four digits of year.
    if !(1950..=9999).contains(&instant.year()) {
        return Err(malformed("a date not of the years 1950 to 9999"));
    }
    // Without fractions, and without a 61st second.
    let instant =
        DateTime::from_timestamp(instant.timestamp(), 0).ok_or(malformed("a date out of range"))?;
    let (tag, format) = match instant.year() {
        ..2050 => (der::UTC_TIME, "%y%m%d%H%M%SZ"),
        _ => (der::GENERALIZED_TIME, "%Y%m%d%H%M%SZ"),
    };
    let text = instant.format(format).to_string();
    Ok(der::value(tag, &[text.as_bytes()]))
}

/// The AlgorithmIdentifier of a signature algorithm; SHA-1 signs nothing.
fn identifier(algorithm: SignatureAlgorithm) -> Option<Vec<u8>> {
    use SignatureAlgorithm as A;
    let null = || der::value(der::NULL, &[]);
    let (oid, parameters) = match algorithm {
        // RFC 4055 5: the parameters are NULL.
        A::RsaSha256 => (oid::SHA256_WITH_RSA, null()),
        A::RsaSha384 => (oid::SHA384_WITH_RSA, null()),
        A::RsaSha512 => (oid::SHA512_WITH_RSA, null()),
        A::RsaPssSha256 | A::RsaPssSha384 | A::RsaPssSha512 => {
            (oid::RSASSA_PSS, pss_parameters(algorithm.digest()?)?)
        }
        // RFC 5758 3.2 and RFC 8410 3: there are none.
        A::EcdsaSha256 => (oid::ECDSA_WITH_SHA256, Vec::new()),
        A::EcdsaSha384 => (oid::ECDSA_WITH_SHA384, Vec::new()),
        A::EcdsaSha512 => (oid::ECDSA_WITH_SHA512, Vec::new()),
        A::Ed25519 => (oid::ED25519, Vec::new()),
        A::RsaSha1 => return None,
    };
    let oid = der::value(der::OID, &[oid]);
    Some(der::value(der::SEQUENCE, &[&oid, &parameters]))
}

/// RFC 4055 3.1: digest, MGF1 with the same digest, and a salt as long as it.
fn pss_parameters(digest: DigestAlgorithm) -> Option<Vec<u8>> {
    let oid = match digest {
        DigestAlgorithm::Sha256 => oid::SHA256,
        DigestAlgorithm::Sha384 => oid::SHA384,
        DigestAlgorithm::Sha512 => oid::SHA512,
        DigestAlgorithm::Sha1 => return None,
    };
    let hash = der::value(
        der::SEQUENCE,
        &[&der::value(der::OID, &[oid]), &der::value(der::NULL, &[])],
    );
    let mgf = der::value(der::SEQUENCE, &[&der::value(der::OID, &[oid::MGF1]), &hash]);
    let salt = der::value(der::INTEGER, &[&[u8::try_from(digest.output_len()).ok()?]]);
    Some(der::value(
        der::SEQUENCE,
        &[
            &der::value(der::CONTEXT_0, &[&hash]),
            &der::value(der::CONTEXT_1, &[&mgf]),
            &der::value(der::CONTEXT_2, &[&salt]),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PublicKey;
    use crate::testing::{RSA, openssl, other_keys, providers, rsa_key, signer};
    use std::sync::Arc;
    use x509_parser::prelude::{FromDer, X509Certificate};

    fn date(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn reads_back_and_its_signature_verifies() {
        for provider in providers() {
            let key = signer(&provider, 0);
            for (from, to) in [
                ("2026-01-02T03:04:05Z", "2036-01-01T00:00:00Z"),
                ("1950-01-01T00:00:00Z", "2049-12-31T23:59:59Z"),
                ("2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
            ] {
                let made =
                    self_signed(&provider, &*key, "Hüb \u{1F511}", date(from), date(to)).unwrap();
                assert_eq!(made.public_key(), key.public_key());
                assert_eq!(made.subject(), "CN=Hüb \u{1F511}");
                assert_eq!(made.issuer(), made.subject());
                assert_eq!(made.not_before(), date(from));
                assert_eq!(made.not_after(), date(to));

                let (_, read) = X509Certificate::from_der(made.der()).unwrap();
                let octets = read.tbs_certificate.as_ref();
                let signature = &read.signature_value.data;
                let key = VerifyingKey::new(&provider, made.public_key().clone()).unwrap();
                assert_eq!(
                    key.verify(SignatureAlgorithm::RsaSha256, octets, signature),
                    Ok(())
                );
                assert_eq!(read.raw_serial().len(), 16);
                assert!(read.raw_serial()[0] < 0x80);
            }
        }
    }

    #[test]
    fn serial_numbers_differ() {
        for provider in providers() {
            let key = signer(&provider, 0);
            let now = date("2026-01-01T00:00:00Z");
            let make = || self_signed(&provider, &*key, "x", now, now).unwrap();
            assert_ne!(make(), make());
        }
    }

    #[test]
    fn fractions_of_a_second_are_left_out() {
        for provider in providers() {
            let key = signer(&provider, 0);
            let now = date("2026-01-01T00:00:00.75Z");
            let made = self_signed(&provider, &*key, "x", now, now).unwrap();
            assert_eq!(made.not_before(), date("2026-01-01T00:00:00Z"));
        }
    }

    #[test]
    fn refuses_names_and_dates_that_do_not_fit() {
        for provider in providers() {
            let key = signer(&provider, 0);
            let now = date("2026-01-01T00:00:00Z");
            for name in ["", &"x".repeat(65), "a\nb", "a\0"] {
                assert!(self_signed(&provider, &*key, name, now, now).is_err());
            }
            for (from, to) in [
                (now, date("2025-12-31T23:59:59Z")),
                (date("1949-12-31T23:59:59Z"), now),
                (DateTime::<Utc>::MIN_UTC, now),
                (now, DateTime::<Utc>::MAX_UTC),
            ] {
                assert_eq!(
                    self_signed(&provider, &*key, "x", from, to)
                        .unwrap_err()
                        .code(),
                    "crypto.malformed_certificate"
                );
            }
        }
    }

    /// Every kind of key that signs, and what openssl says of its certificate.
    #[test]
    fn every_key_has_a_certificate() {
        for provider in providers() {
            let mut keys: Vec<Arc<dyn SigningKey>> = RSA
                .iter()
                .map(|algorithm| provider.keys.load_signing_key(rsa_key(0), *algorithm))
                .map(Result::unwrap)
                .collect();
            for (key, _) in other_keys() {
                for algorithm in SignatureAlgorithm::ALL {
                    // AWS-LC does not sign with every digest on every curve.
                    keys.extend(provider.keys.load_signing_key(&key, algorithm));
                }
            }
            assert!(keys.len() >= RSA.len() + 4);
            for key in keys {
                let now = date("2026-01-01T00:00:00Z");
                let made = self_signed(&provider, &*key, "x", now, date("2126-01-01T00:00:00Z"));
                let made = made.unwrap();
                assert_eq!(made.public_key(), key.public_key());
                // It verifies its own signature, and so sees the algorithm's identifier.
                let file = std::env::temp_dir().join(format!(
                    "federate-crypto-{}-{}.pem",
                    std::process::id(),
                    made.sha256_fingerprint(&provider).to_hex()
                ));
                std::fs::write(&file, made.to_pem()).unwrap();
                let path = file.to_str().unwrap();
                let said = openssl(&["verify", "-check_ss_sig", "-CAfile", path, path], &[]);
                std::fs::remove_file(&file).unwrap();
                if let Some(said) = said {
                    assert!(said.contains("OK"), "{key:?}: {said}");
                }
            }
        }
    }

    /// A key service that makes mistakes.
    #[derive(Debug)]
    struct Remote {
        key: Arc<dyn SigningKey>,
        algorithm: SignatureAlgorithm,
        signature: Vec<u8>,
    }

    impl SigningKey for Remote {
        fn algorithm(&self) -> SignatureAlgorithm {
            self.algorithm
        }

        fn public_key(&self) -> &PublicKey {
            self.key.public_key()
        }

        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CryptoError> {
            Ok(self.signature.clone())
        }
    }

    #[test]
    fn no_certificate_with_a_wrong_signature_or_with_sha1() {
        for provider in providers() {
            let now = date("2026-01-01T00:00:00Z");
            let mut remote = Remote {
                key: signer(&provider, 0),
                algorithm: SignatureAlgorithm::RsaSha256,
                signature: vec![1; 256],
            };
            assert_eq!(
                self_signed(&provider, &remote, "x", now, now).unwrap_err(),
                CryptoError::SigningFailed
            );
            remote.algorithm = SignatureAlgorithm::RsaSha1;
            assert_eq!(
                self_signed(&provider, &remote, "x", now, now).unwrap_err(),
                CryptoError::UnsupportedAlgorithm {
                    provider: provider.name,
                    algorithm: remote.algorithm
                }
            );
        }
    }
}
