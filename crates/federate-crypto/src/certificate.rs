use crate::{CryptoError, CryptoProvider, Digest, DigestAlgorithm, PublicKey, pem};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::Arc;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// Real certificates have one or two kilobytes.
const MAX_LEN: usize = 64 * 1024;

/// An X.509 certificate (RFC 5280), the usual wrapping of a SAML peer's key.
///
/// Trust comes from where the certificate was found, metadata or configuration, not from its
/// own signature, issuer or extensions: none of these is checked. Equality is that of the
/// DER octets. Cheap to clone.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    public_key: PublicKey,
    subject: String,
    issuer: String,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

impl Certificate {
    /// Reads a DER certificate; nothing may follow it.
    ///
    /// # Errors
    /// [`CryptoError::MalformedCertificate`], and for the key within
    /// [`CryptoError::MalformedKey`] or [`CryptoError::UnsupportedKeySize`].
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        if der.len() > MAX_LEN {
            return Err(malformed("too long"));
        }
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| malformed("not an X.509 certificate"))?;
        if !rest.is_empty() {
            return Err(malformed("octets after the certificate"));
        }
        let validity = certificate.validity();
        Ok(Self(Arc::new(Inner {
            public_key: PublicKey::from_spki_der(certificate.public_key().raw)?,
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_before: instant(validity.not_before)?,
            not_after: instant(validity.not_after)?,
            der: der.to_vec(),
        })))
    }

    /// Reads the first `CERTIFICATE` of a PEM text.
    ///
    /// # Errors
    /// [`CryptoError::MalformedCertificate`] when there is none, or as
    /// [`from_der`](Self::from_der).
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        for block in pem::blocks(text) {
            let block = block.map_err(|_| malformed("malformed PEM"))?;
            if block.label == "CERTIFICATE" {
                return Self::from_der(&block.der);
            }
        }
        Err(malformed("no CERTIFICATE block in the PEM text"))
    }

    /// Reads every `CERTIFICATE` of a PEM text, in order; there may be none.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der), for the first that cannot be read.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, CryptoError> {
        let mut found = Vec::new();
        for block in pem::blocks(text) {
            let block = block.map_err(|_| malformed("malformed PEM"))?;
            if block.label == "CERTIFICATE" {
                found.push(Self::from_der(&block.der)?);
            }
        }
        Ok(found)
    }

    /// Reads the text of a `ds:X509Certificate` (`[XMLDSig] 4.5.4`): Base64, in which
    /// whitespace may stand.
    ///
    /// # Errors
    /// [`CryptoError::MalformedCertificate`], or as [`from_der`](Self::from_der).
    pub fn from_base64(text: &str) -> Result<Self, CryptoError> {
        // Four characters for three octets, and room for line ends and indentation.
        if text.len() > 4 * MAX_LEN {
            return Err(malformed("too long"));
        }
        let der = pem::decode(text).ok_or(malformed("not Base64"))?;
        Self::from_der(&der)
    }

    /// The DER octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        std::mem::take(&mut *pem::encode("CERTIFICATE", &self.0.der))
    }

    /// The certificate as Base64 in one line, as a `ds:X509Certificate` holds it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.0.der)
    }

    /// The key that the certificate is for.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// The subject's name, for people: `CN=...`. Whoever made the certificate wrote it.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The issuer's name, for people. Whoever made the certificate wrote it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The first instant of the validity period.
    #[must_use]
    pub fn not_before(&self) -> DateTime<Utc> {
        self.0.not_before
    }

    /// The last instant of the validity period.
    #[must_use]
    pub fn not_after(&self) -> DateTime<Utc> {
        self.0.not_after
    }

    /// Whether `now` lies within the validity period.
    ///
    /// Metadata often carries expired certificates on purpose (`[MetaIOP] 2.6.1` has them
    /// used as mere keys): whether this matters is the caller's policy.
    #[must_use]
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        // RFC 5280 4.1.2.5: from notBefore through notAfter, inclusive.
        self.0.not_before <= now && now <= self.0.not_after
    }

    /// The SHA-1 digest of the DER octets: a name that peers' consoles show, no proof.
    /// [`Digest::to_fingerprint`] writes it as they do.
    #[must_use]
    pub fn sha1_fingerprint(&self, provider: &CryptoProvider) -> Digest {
        provider.digester.digest(DigestAlgorithm::Sha1, &self.0.der)
    }

    /// The SHA-256 digest of the DER octets.
    #[must_use]
    pub fn sha256_fingerprint(&self, provider: &CryptoProvider) -> Digest {
        provider
            .digester
            .digest(DigestAlgorithm::Sha256, &self.0.der)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.0.subject)
            .field("not_after", &self.0.not_after)
            .field("public_key", &self.0.public_key)
            .finish_non_exhaustive()
    }
}

const fn malformed(reason: &'static str) -> CryptoError {
    CryptoError::MalformedCertificate { reason }
}

fn instant(time: ASN1Time) -> Result<DateTime<Utc>, CryptoError> {
    DateTime::from_timestamp(time.timestamp(), 0).ok_or(malformed("a date out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{openssl, providers, signer};
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn made(provider: &CryptoProvider, number: usize) -> Certificate {
        let key = signer(provider, number);
        crate::self_signed(provider, &*key, "Federate test", at(0), at(1000)).unwrap()
    }

    #[test]
    fn every_form_reads_back() {
        for provider in providers() {
            let certificate = made(&provider, 0);
            let again = [
                Certificate::from_der(certificate.der()).unwrap(),
                Certificate::from_pem(&certificate.to_pem()).unwrap(),
                Certificate::from_base64(&certificate.to_base64()).unwrap(),
            ];
            for again in again {
                assert_eq!(again, certificate);
                assert_eq!(again.public_key(), signer(&provider, 0).public_key());
            }
            assert!(!certificate.to_base64().contains(char::is_whitespace));
            // As metadata has it: lines and indentation.
            let spread: String = certificate
                .to_base64()
                .chars()
                .flat_map(|character| [character, '\n', '\t', ' '])
                .collect();
            assert_eq!(Certificate::from_base64(&spread).unwrap(), certificate);
        }
    }

    #[test]
    fn a_text_may_hold_several() {
        for provider in providers() {
            let first = made(&provider, 0);
            let second = made(&provider, 1);
            let text = format!("first\n{}second\n{}", first.to_pem(), second.to_pem());
            assert_eq!(Certificate::from_pem(&text).unwrap(), first);
            assert_eq!(Certificate::all_from_pem(&text).unwrap(), [first, second]);
            assert_eq!(Certificate::all_from_pem("").unwrap(), []);
            assert!(Certificate::from_pem("").is_err());
            assert!(
                Certificate::all_from_pem(&format!("{text}-----BEGIN CERTIFICATE-----")).is_err()
            );
        }
    }

    #[test]
    fn validity_is_inclusive_at_both_ends() {
        for provider in providers() {
            let certificate = made(&provider, 0);
            assert_eq!(certificate.not_before(), at(0));
            assert_eq!(certificate.not_after(), at(1000));
            assert!(!certificate.is_valid_at(at(-1)));
            assert!(certificate.is_valid_at(at(0)));
            assert!(certificate.is_valid_at(at(1000)));
            assert!(!certificate.is_valid_at(at(1000) + TimeDelta::nanoseconds(1)));
            assert!(!certificate.is_valid_at(DateTime::<Utc>::MAX_UTC));
            assert!(!certificate.is_valid_at(DateTime::<Utc>::MIN_UTC));
        }
    }

    #[test]
    fn refuses_what_surrounds_a_certificate() {
        for provider in providers() {
            let certificate = made(&provider, 0);
            let der = certificate.der();
            assert!(Certificate::from_der(&[der, &[0]].concat()).is_err());
            assert!(Certificate::from_der(&vec![0x30; MAX_LEN + 1]).is_err());
            for len in 0..der.len() {
                assert!(Certificate::from_der(&der[..len]).is_err());
            }
            assert!(Certificate::from_base64("").is_err());
            assert!(Certificate::from_base64(&format!("{}?", certificate.to_base64())).is_err());
            assert!(Certificate::from_base64(&" ".repeat(4 * MAX_LEN + 1)).is_err());
        }
    }

    #[test]
    fn openssl_agrees() {
        for provider in providers() {
            let certificate = made(&provider, 0);
            for (argument, digest) in [
                ("-sha1", certificate.sha1_fingerprint(&provider)),
                ("-sha256", certificate.sha256_fingerprint(&provider)),
            ] {
                let arguments = ["x509", "-noout", "-fingerprint", argument];
                let Some(said) = openssl(&arguments, certificate.to_pem().as_bytes()) else {
                    return;
                };
                let (_, hex) = said.trim().split_once('=').unwrap();
                assert_eq!(hex, digest.to_fingerprint());
            }
            let arguments = ["x509", "-noout", "-dates", "-subject", "-issuer"];
            let said = openssl(&arguments, certificate.to_pem().as_bytes()).unwrap();
            assert!(
                said.contains("notBefore=Nov 14 22:13:20 2023 GMT"),
                "{said}"
            );
            assert!(said.contains("notAfter=Nov 14 22:30:00 2023 GMT"), "{said}");
            assert_eq!(said.matches("Federate test").count(), 2, "{said}");
        }
    }

    #[test]
    fn debug_is_short() {
        for provider in providers() {
            let certificate = made(&provider, 0);
            assert_eq!(
                format!("{certificate:?}"),
                "Certificate { subject: \"CN=Federate test\", not_after: 2023-11-14T22:30:00Z, \
                 public_key: PublicKey(RSA, 2048 bits), .. }"
            );
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(data in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = Certificate::from_der(&data);
            let _ = Certificate::from_base64(&STANDARD.encode(&data));
            let _ = Certificate::all_from_pem(&pem::encode("CERTIFICATE", &data));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = Certificate::from_pem(&text);
            let _ = Certificate::from_base64(&text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn no_changed_certificate_panics(
            changes in proptest::collection::vec(
                (any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            static MADE: std::sync::OnceLock<Vec<Certificate>> = std::sync::OnceLock::new();
            let all = MADE.get_or_init(|| {
                providers().iter().map(|provider| made(provider, 0)).collect()
            });
            for (certificate, provider) in all.iter().zip(providers()) {
                let mut der = certificate.der().to_vec();
                for (at, octet) in &changes {
                    let at = at.index(der.len());
                    der[at] = *octet;
                }
                if let Ok(read) = Certificate::from_der(&der) {
                    let _ = format!("{read:?} {} {}", read.subject(), read.issuer());
                    let _ = read.sha256_fingerprint(&provider);
                    prop_assert_eq!(Certificate::from_pem(&read.to_pem()).unwrap(), read);
                }
            }
        }
    }
}
