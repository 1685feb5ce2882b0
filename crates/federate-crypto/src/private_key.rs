mod encrypted;
mod forms;

#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
use crate::PublicKey;
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
use crate::der;
use crate::{CryptoError, CryptoProvider, KeyType, pem};
use forms::Form;
#[cfg(feature = "rustcrypto")]
pub(crate) use forms::{EcParts, Ed25519Parts};
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
///
/// | PEM label | form | read by |
/// |---|---|---|
/// | `PRIVATE KEY` | PKCS#8 (RFC 5958) | [`from_pem`](Self::from_pem) |
/// | `RSA PRIVATE KEY` | PKCS#1 (RFC 8017 A.1.2) | [`from_pem`](Self::from_pem) |
/// | `EC PRIVATE KEY` | SEC 1 (RFC 5915) with a named curve | [`from_pem`](Self::from_pem) |
/// | `ENCRYPTED PRIVATE KEY` | PBES2 (RFC 8018) | [`from_encrypted_pem`](Self::from_encrypted_pem) |
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    key_type: KeyType,
}

impl PrivateKey {
    /// Reads the first private key of a PEM text: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY`
    /// (PKCS#1) or `EC PRIVATE KEY` (SEC 1), not encrypted.
    ///
    /// # Errors
    /// [`CryptoError::PassphraseNeeded`] for `ENCRYPTED PRIVATE KEY`,
    /// [`CryptoError::MalformedKey`].
    pub fn from_pem(text: &str) -> Result<Self, CryptoError> {
        Self::first_of(text, None)
    }

    /// Reads the first private key of a PEM text, which may be under a passphrase:
    /// `ENCRYPTED PRIVATE KEY` (PBES2 with PBKDF2 or scrypt, and AES-CBC); the passphrase is
    /// not used for a key that is not encrypted.
    ///
    /// The text says how much work its passphrase costs. More than 5,000,000 iterations of
    /// PBKDF2 (a few seconds), more than 128 MiB or as much time of scrypt are refused.
    ///
    /// # Errors
    /// [`CryptoError::WrongPassphrase`], [`CryptoError::MalformedKey`].
    pub fn from_encrypted_pem(text: &str, passphrase: &[u8]) -> Result<Self, CryptoError> {
        Self::first_of(text, Some(passphrase))
    }

    fn first_of(text: &str, passphrase: Option<&[u8]>) -> Result<Self, CryptoError> {
        for block in pem::blocks(text) {
            let block = block.map_err(|_| malformed("malformed PEM"))?;
            match (block.label, passphrase) {
                ("PRIVATE KEY", _) => return Self::from_pkcs8(block.der),
                ("RSA PRIVATE KEY", _) => return Self::from_pkcs1(&block.der),
                ("EC PRIVATE KEY", _) => return Self::from_sec1(&block.der),
                ("ENCRYPTED PRIVATE KEY", Some(passphrase)) => {
                    return Self::from_encrypted_pkcs8_der(&block.der, passphrase);
                }
                ("ENCRYPTED PRIVATE KEY", None) => return Err(CryptoError::PassphraseNeeded),
                _ => {}
            }
        }
        Err(malformed("no PRIVATE KEY block in the PEM text"))
    }

    /// Reads a DER key, not encrypted, in any of the three forms: PKCS#8, PKCS#1 or SEC 1.
    ///
    /// # Errors
    /// [`CryptoError::MalformedKey`].
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        match Form::of(der) {
            Some(Form::Pkcs8) => Self::from_pkcs8_der(der),
            Some(Form::Pkcs1) => Self::from_pkcs1(der),
            Some(Form::Sec1) => Self::from_sec1(der),
            None => Err(malformed("not a private key in DER")),
        }
    }

    /// Reads a DER PKCS#8 key (RFC 5958), not encrypted.
    ///
    /// # Errors
    /// [`CryptoError::MalformedKey`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, CryptoError> {
        Self::from_pkcs8(Zeroizing::new(pkcs8.to_vec()))
    }

    /// Reads a DER `EncryptedPrivateKeyInfo` (RFC 5958 3), within the bounds of
    /// [`from_encrypted_pem`](Self::from_encrypted_pem).
    ///
    /// # Errors
    /// [`CryptoError::WrongPassphrase`], [`CryptoError::MalformedKey`].
    pub fn from_encrypted_pkcs8_der(der: &[u8], passphrase: &[u8]) -> Result<Self, CryptoError> {
        Self::from_pkcs8(encrypted::decrypt(der, passphrase)?)
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, CryptoError> {
        if pkcs8.len() > MAX_LEN {
            return Err(malformed("too long"));
        }
        let key_type = forms::key_type(&pkcs8).ok_or(malformed("not the PKCS#8 of a known key"))?;
        Ok(Self { pkcs8, key_type })
    }

    fn from_pkcs1(pkcs1: &[u8]) -> Result<Self, CryptoError> {
        Self::from_pkcs8(forms::from_pkcs1(pkcs1).ok_or(malformed("not an RSAPrivateKey"))?)
    }

    fn from_sec1(sec1: &[u8]) -> Result<Self, CryptoError> {
        let pkcs8 =
            forms::from_sec1(sec1).ok_or(malformed("not an ECPrivateKey on a known curve"))?;
        Self::from_pkcs8(pkcs8)
    }

    /// A key that was just made.
    #[cfg(feature = "rustcrypto")]
    pub(crate) fn from_ec(
        curve: crate::Curve,
        scalar: &[u8],
        point: &[u8],
    ) -> Result<Self, CryptoError> {
        Self::from_pkcs8(forms::from_ec(curve, scalar, point))
    }

    /// A key that was just made.
    #[cfg(feature = "rustcrypto")]
    pub(crate) fn from_ed25519(seed: &[u8; 32]) -> Result<Self, CryptoError> {
        Self::from_pkcs8(forms::from_ed25519(seed))
    }

    /// Writes the key as PEM, `PRIVATE KEY` (PKCS#8). The text is a secret.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::encode("PRIVATE KEY", &self.pkcs8)
    }

    /// Writes the key as PEM under a passphrase, `ENCRYPTED PRIVATE KEY`: PBES2 with 600,000
    /// iterations of PBKDF2-HMAC-SHA-256, and AES-256-CBC. It takes a third of a second.
    ///
    /// ```
    /// # #[cfg(feature = "aws-lc")] {
    /// let provider = federate_crypto::aws_lc_provider();
    /// let key = provider.keys.generate_ec(federate_crypto::Curve::P256)?;
    /// let text = key.to_encrypted_pem(&provider, b"correct horse")?;
    /// let again = federate_crypto::PrivateKey::from_encrypted_pem(&text, b"correct horse")?;
    /// assert_eq!(again.pkcs8_der(), key.pkcs8_der());
    /// # }
    /// # Ok::<(), federate_crypto::CryptoError>(())
    /// ```
    ///
    /// # Errors
    /// [`CryptoError::Random`]; [`CryptoError::MalformedKey`] for an empty passphrase.
    pub fn to_encrypted_pem(
        &self,
        provider: &CryptoProvider,
        passphrase: &[u8],
    ) -> Result<String, CryptoError> {
        let der = encrypted::encrypt(provider, &self.pkcs8, passphrase)?;
        Ok(std::mem::take(&mut *pem::encode(
            "ENCRYPTED PRIVATE KEY",
            &der,
        )))
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

    #[cfg(feature = "rustcrypto")]
    pub(crate) fn ec_parts(&self) -> Option<EcParts<'_>> {
        forms::ec_parts(&self.pkcs8)
    }

    #[cfg(feature = "rustcrypto")]
    pub(crate) fn ed25519_parts(&self) -> Option<Ed25519Parts<'_>> {
        forms::ed25519_parts(&self.pkcs8)
    }

    /// The public half of an RSA key that is large enough to sign.
    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
    pub(crate) fn rsa_signing_public_key(&self) -> Result<PublicKey, CryptoError> {
        let (modulus, exponent) =
            forms::rsa_public_half(&self.pkcs8).ok_or(malformed("not an RSAPrivateKey"))?;
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

#[cfg(test)]
mod tests;
