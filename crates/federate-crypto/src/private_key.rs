#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
use crate::PublicKey;
use crate::der::{self, Reader, oid};
use crate::public_key::key_type_of;
use crate::{CryptoError, KeyType, pem};
use std::fmt;
use zeroize::Zeroizing;

/// A PKCS#8 RSA key of 16,384 bits has about 9,500 octets.
const MAX_LEN: usize = 16 * 1024;

/// [SP 800-131A] 3: no signature is made with less.
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
const MIN_RSA_SIGNING_BITS: u32 = 2048;

/// A private key, as PKCS#8; wiped from memory when dropped, never printed.
///
/// To sign with it, load it:
/// [`KeyBackend::load_signing_key`](crate::KeyBackend::load_signing_key). Whether the numbers
/// in it make a key is seen then.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    key_type: KeyType,
}

impl PrivateKey {
    /// Reads the first private key of a PEM text: `PRIVATE KEY` (PKCS#8) or
    /// `RSA PRIVATE KEY` (PKCS#1), not encrypted.
    ///
    /// # Errors
    /// [`CryptoError::MalformedKey`].
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        for block in pem::blocks(text) {
            let block = block.map_err(|_| malformed("malformed PEM"))?;
            match block.label {
                "PRIVATE KEY" => return Self::from_pkcs8(block.der),
                "RSA PRIVATE KEY" => return Self::from_pkcs1(&block.der),
                "ENCRYPTED PRIVATE KEY" => return Err(malformed("the key is encrypted")),
                "EC PRIVATE KEY" => return Err(malformed("EC keys are read as PKCS#8 only")),
                _ => {}
            }
        }
        Err(malformed("no PRIVATE KEY block in the PEM text"))
    }

    /// Reads a DER PKCS#8 key (RFC 5958), not encrypted.
    ///
    /// # Errors
    /// [`CryptoError::MalformedKey`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, CryptoError> {
        Self::from_pkcs8(Zeroizing::new(pkcs8.to_vec()))
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, CryptoError> {
        if pkcs8.len() > MAX_LEN {
            return Err(malformed("too long"));
        }
        let key_type = pkcs8_key_type(&pkcs8).ok_or(malformed("not the PKCS#8 of a known key"))?;
        Ok(Self { pkcs8, key_type })
    }

    /// Wraps an RSAPrivateKey (RFC 8017 A.1.2).
    fn from_pkcs1(pkcs1: &[u8]) -> Result<Self, CryptoError> {
        let mut outer = Reader::new(pkcs1);
        if outer.sequence().is_none() || !outer.is_empty() {
            return Err(malformed("not an RSAPrivateKey"));
        }
        let id = [
            der::value(der::OID, &[oid::RSA_ENCRYPTION]),
            der::value(der::NULL, &[]),
        ]
        .concat();
        let id = der::value(der::SEQUENCE, &[&id]);
        let key = Zeroizing::new(der::value(der::OCTET_STRING, &[pkcs1]));
        Self::from_pkcs8(Zeroizing::new(der::value(
            der::SEQUENCE,
            &[&der::value(der::INTEGER, &[&[0]]), &id, &key],
        )))
    }

    /// Writes the key as PEM, `PRIVATE KEY` (PKCS#8). The text is a secret.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::encode("PRIVATE KEY", &self.pkcs8)
    }

    /// The DER octets, for a [`KeyBackend`](crate::KeyBackend) to load. They are a secret.
    #[must_use]
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// What kind of key it is.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The public half of an RSA key that is large enough to sign.
    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
    pub(crate) fn rsa_signing_public_key(&self) -> Result<PublicKey, CryptoError> {
        let (modulus, exponent) =
            rsa_public_half(&self.pkcs8).ok_or(malformed("not an RSAPrivateKey"))?;
        let key = der::value(
            der::SEQUENCE,
            &[&der::unsigned(modulus), &der::unsigned(exponent)],
        );
        let key = PublicKey::from_parts(KeyType::Rsa, &key)?;
        if key.bits() < MIN_RSA_SIGNING_BITS {
            return Err(CryptoError::UnsupportedKeySize { bits: key.bits() });
        }
        Ok(key)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.key_type)
    }
}

const fn malformed(reason: &'static str) -> CryptoError {
    CryptoError::MalformedKey { reason }
}

#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
fn rsa_public_half(pkcs8: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut info = Reader::new(pkcs8).sequence()?;
    info.read(der::INTEGER)?;
    info.read(der::SEQUENCE)?;
    // RFC 8017 A.1.2: version, modulus, publicExponent, and the secrets.
    let mut key = Reader::new(info.read(der::OCTET_STRING)?).sequence()?;
    key.read(der::INTEGER)?;
    Some((key.unsigned()?, key.unsigned()?))
}

fn pkcs8_key_type(pkcs8: &[u8]) -> Option<KeyType> {
    let mut outer = Reader::new(pkcs8);
    let mut inner = outer.sequence()?;
    // RFC 5958 2: version 0, or 1 when the public key follows. Attributes may follow too.
    if !matches!(inner.read(der::INTEGER)?, [0 | 1]) {
        return None;
    }
    let key_type = key_type_of(inner.sequence()?)?;
    inner.read(der::OCTET_STRING)?;
    outer.is_empty().then_some(key_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SignatureAlgorithm;
    use crate::testing::{providers, rsa_key};
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
            ("ENCRYPTED PRIVATE KEY", "the key is encrypted"),
            ("EC PRIVATE KEY", "EC keys are read as PKCS#8 only"),
            ("PRIVATE KEY", "not the PKCS#8 of a known key"),
            ("RSA PRIVATE KEY", "not an RSAPrivateKey"),
            ("PUBLIC KEY", "no PRIVATE KEY block in the PEM text"),
        ] {
            assert_eq!(
                PrivateKey::from_pem(&pem::encode(label, &[1, 2, 3])).unwrap_err(),
                CryptoError::MalformedKey { reason }
            );
        }
        assert!(PrivateKey::from_pem("").is_err());
        assert!(PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----").is_err());
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
    }

    proptest! {
        #[test]
        fn no_octets_panic(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = PrivateKey::from_pkcs8_der(&data);
            let _ = PrivateKey::from_pem(&pem::encode("PRIVATE KEY", &data));
            let _ = PrivateKey::from_pem(&pem::encode("RSA PRIVATE KEY", &data));
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
}
