use super::error::EncryptionError;
use chrono::{DateTime, Utc};
use federate_crypto::{BlockCipher, KeyType, PublicKey};

/// Which ciphers and keys are good enough for one peer.
///
/// By default: AES-GCM, by keys that were encrypted with RSA-OAEP to an RSA key of at least
/// 2048 bits. CBC (with AES or Triple DES) decrypts where a verified signature covers the
/// ciphertext. What is weaker is allowed only to one peer, by a `dangerous_` method, until a
/// date. RSA with PKCS#1 v1.5 padding never.
#[derive(Debug, Clone, Default)]
pub struct DecryptionPolicy {
    cbc_until: Option<DateTime<Utc>>,
    rsa_1024_until: Option<DateTime<Utc>>,
}

impl DecryptionPolicy {
    /// The fewest bits of our own RSA modulus used by default.
    pub const MIN_RSA_BITS: u32 = 2048;

    /// Decrypts CBC of this peer although no signature covers the ciphertext, until the given
    /// instant.
    ///
    /// Some peers sign the assertion, encrypt it with CBC and leave the response unsigned.
    /// Anybody can then send changed ciphertexts; from what the receiver does with them the
    /// plaintext can be read, octet by octet, also one that was encrypted with GCM under the
    /// same key (Jager and Somorovsky, CCS 2011; Jager, Paterson and Somorovsky, NDSS 2013).
    /// Every failure is the same error and takes much the same steps here, but parsing is not
    /// a constant-time thing: limit how many failures a peer or address may cause.
    #[must_use]
    pub fn dangerous_allow_cbc_until(mut self, until: DateTime<Utc>) -> Self {
        self.cbc_until = Some(until);
        self
    }

    /// Decrypts with our own RSA keys of 1024 bits and more, until the given instant.
    ///
    /// Such keys can be broken with the means of a large organization; not every provider
    /// loads them.
    #[must_use]
    pub fn dangerous_allow_rsa_1024_until(mut self, until: DateTime<Utc>) -> Self {
        self.rsa_1024_until = Some(until);
        self
    }

    /// The cipher of an identifier, if it may be used for a ciphertext that is covered by a
    /// verified signature or is not.
    pub(super) fn block_cipher(
        &self,
        uri: &str,
        covered: bool,
        now: DateTime<Utc>,
    ) -> Result<BlockCipher, EncryptionError> {
        let refused = |uri| EncryptionError::AlgorithmRefused {
            role: "the block cipher",
            uri,
        };
        let cipher = BlockCipher::from_uri(uri).ok_or(refused("an unknown algorithm"))?;
        // Somebody who can change the ciphertext can also name CBC for what was encrypted
        // with GCM: not even the key is decrypted then.
        let cbc_allowed = covered || self.cbc_until.is_some_and(|until| now < until);
        if cipher.is_authenticated() || cbc_allowed {
            Ok(cipher)
        } else {
            Err(refused(cipher.uri()))
        }
    }

    /// Whether one of our own keys is strong enough.
    pub(super) fn accepts_key(&self, key: &PublicKey, now: DateTime<Utc>) -> bool {
        let legacy = self.rsa_1024_until.is_some_and(|until| now < until);
        let least = if legacy { 1024 } else { Self::MIN_RSA_BITS };
        key.key_type() == KeyType::Rsa && key.bits() >= least
    }
}
