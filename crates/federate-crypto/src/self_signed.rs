use crate::{Certificate, CryptoError, CryptoProvider, SignatureAlgorithm, SigningKey};
use chrono::{DateTime, Datelike, Utc};
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256, SerialNumber};
use time::OffsetDateTime;

/// Makes a self-signed certificate for an RSA key, signed with RSA-SHA256.
///
/// SAML peers take certificates as containers of keys; this one has a random serial number
/// of 128 bits, the common name as subject and issuer, and no extensions.
///
/// # Errors
/// [`CryptoError::UnsupportedAlgorithm`] when the key signs with something else than
/// RSA-SHA256; [`CryptoError::MalformedCertificate`] when the name has not 1 to 64 printable
/// characters, or the dates are not in order or not of the years 1950 to 9999;
/// [`CryptoError::Random`]; and what the key's `sign` returns.
pub fn self_signed(
    provider: &CryptoProvider,
    key: &dyn SigningKey,
    common_name: &str,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
) -> Result<Certificate, CryptoError> {
    if key.algorithm() != SignatureAlgorithm::RsaSha256 {
        return Err(CryptoError::UnsupportedAlgorithm {
            provider: provider.name,
            algorithm: key.algorithm(),
        });
    }
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

    let mut serial = [0; 16];
    provider.random.fill(&mut serial)?;
    // RFC 5280 4.1.2.2: positive; with the second bit set it also has a fixed length.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }

    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = date(not_before)?;
    params.not_after = date(not_after)?;
    let made = params
        .self_signed(&Signer(key))
        .map_err(|error| match error {
            rcgen::Error::RemoteKeyError => CryptoError::SigningFailed,
            _ => malformed("it cannot be encoded"),
        })?;
    Certificate::from_der(made.der())
}

const fn malformed(reason: &'static str) -> CryptoError {
    CryptoError::MalformedCertificate { reason }
}

fn date(instant: DateTime<Utc>) -> Result<OffsetDateTime, CryptoError> {
    // RFC 5280 4.1.2.5: UTCTime begins in 1950, GeneralizedTime has four digits of year.
    if !(1950..=9999).contains(&instant.year()) {
        return Err(malformed("a date not of the years 1950 to 9999"));
    }
    OffsetDateTime::from_unix_timestamp(instant.timestamp())
        .map_err(|_| malformed("a date out of range"))
}

/// Our key as rcgen wants it.
struct Signer<'a>(&'a dyn SigningKey);

impl rcgen::PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().key_octets()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0
            .sign(message)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VerifyingKey;
    use crate::testing::{providers, rsa_key, signer};
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

    #[test]
    fn signs_with_rsa_sha256_only() {
        for provider in providers() {
            let algorithm = SignatureAlgorithm::RsaPssSha256;
            let key = provider
                .keys
                .load_signing_key(rsa_key(0), algorithm)
                .unwrap();
            let now = date("2026-01-01T00:00:00Z");
            assert_eq!(
                self_signed(&provider, &*key, "x", now, now).unwrap_err(),
                CryptoError::UnsupportedAlgorithm {
                    provider: provider.name,
                    algorithm
                }
            );
        }
    }
}
