use super::content;
use super::covered::DecryptedOctets;
use super::encrypted::{Encrypted, TransportedKey};
use super::error::EncryptionError;
use super::keys::DecryptionKeys;
use super::method::{self, transport_refused};
use super::padding;
use super::policy::DecryptionPolicy;
use crate::limits::Limits;
use crate::name::Name;
use crate::tree::Element;
use chrono::{DateTime, Utc};
use federate_crypto::{BlockCipher, CryptoError, CryptoProvider, DecryptionKey};
use subtle::Choice;
use zeroize::Zeroizing;

/// With what, by which rules and when something is decrypted.
///
/// # Time
///
/// Every ciphertext takes the same steps, whatever is wrong with it. When no key decrypts, a
/// random one takes its place; a padding that is none is parsed with the content; only then
/// comes the verdict. What remains is the time of the parser, which stops where the content
/// is no XML, and that of the provider: AWS-LC works in constant time, the pure-Rust one
/// blinds.
#[derive(Debug, Clone, Copy)]
pub struct DecryptionContext<'a> {
    /// The cryptography.
    pub provider: &'a CryptoProvider,
    /// Our own keys.
    pub keys: &'a DecryptionKeys,
    /// What is good enough from the peer in question.
    pub policy: &'a DecryptionPolicy,
    /// Our own entity identifier: encrypted keys that name it as their recipient are tried
    /// first.
    pub recipient: Option<&'a str>,
    /// What the plaintext may cost: that of the document around it.
    pub limits: &'a Limits,
    /// The present: legacy exceptions of the policy end at a date.
    pub now: DateTime<Utc>,
}

impl DecryptionContext<'_> {
    /// Decrypts an `xenc:EncryptedData`, or the `saml:EncryptedAssertion`, `saml:EncryptedID`
    /// or `saml:EncryptedAttribute` around it, to one element of the expected name.
    ///
    /// Nobody has vouched for the result, nor does its being encrypted: anybody can encrypt
    /// to us. Where a verified signature covers the element, use
    /// [`SignedDocument::decrypt`](super::SignedDocument::decrypt) instead.
    ///
    /// # Errors
    /// [`EncryptionError`]; nothing of the plaintext is given out then.
    pub fn decrypt(
        &self,
        element: Element<'_>,
        expected: Name,
    ) -> Result<DecryptedOctets, EncryptionError> {
        let octets = self.plaintext(element, expected, false)?;
        Ok(DecryptedOctets::new(octets, *self.limits))
    }

    pub(super) fn plaintext(
        &self,
        element: Element<'_>,
        expected: Name,
        covered: bool,
    ) -> Result<Vec<u8>, EncryptionError> {
        // First what depends on public data only.
        let encrypted = Encrypted::of(element)?;
        let uri = method::algorithm(encrypted.method)?;
        let cipher = self.policy.block_cipher(uri, covered, self.now)?;
        method::check_block_cipher(encrypted.method, cipher)?;
        let transported = encrypted.keys(self.recipient)?;
        let own = self.own_keys()?;

        let key = self.content_key(cipher, &transported, &own)?;
        let mut plaintext = self
            .provider
            .ciphers
            .decrypt(cipher, &key, &encrypted.octets)
            .map_err(|error| match error {
                CryptoError::UnsupportedEncryption { .. } => EncryptionError::AlgorithmRefused {
                    role: "the block cipher",
                    uri: cipher.uri(),
                },
                _ => EncryptionError::DecryptionFailed,
            })?;
        let padded_well = if cipher.is_authenticated() {
            Choice::from(1)
        } else {
            padding::cut(cipher.block_len(), &mut plaintext)
        };
        let octets = content::standalone(plaintext, encrypted.element, expected, self.limits);
        match octets {
            Some(octets) if padded_well.into() => Ok(octets),
            _ => Err(EncryptionError::DecryptionFailed),
        }
    }

    fn own_keys(&self) -> Result<Vec<&dyn DecryptionKey>, EncryptionError> {
        let all = self.keys.as_slice();
        let own: Vec<_> = all
            .iter()
            .map(AsRef::as_ref)
            .filter(|key| self.policy.accepts_key(key.public_key(), self.now))
            .collect();
        match own.len() {
            0 => Err(EncryptionError::NoUsableKey { tried: all.len() }),
            _ => Ok(own),
        }
    }

    /// The content key: the first that one of our keys decrypts and that has the cipher's
    /// length. If there is none, a random one, under which everything else fails as it would
    /// under a wrong one.
    fn content_key(
        &self,
        cipher: BlockCipher,
        transported: &[TransportedKey],
        own: &[&dyn DecryptionKey],
    ) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
        let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
        self.provider
            .random
            .fill(&mut key)
            .map_err(EncryptionError::Provider)?;
        let mut offered = false;
        for sent in transported {
            for ours in own {
                match ours.decrypt_key(sent.oaep, &sent.octets) {
                    Ok(found) if found.len() == key.len() => return Ok(found),
                    Err(CryptoError::UnsupportedEncryption { .. }) => {}
                    _ => offered = true,
                }
            }
        }
        if offered {
            Ok(key)
        } else {
            // Which parameters a provider has does not depend on the ciphertext.
            Err(transport_refused(
                "RSA-OAEP with digests that the provider does not combine",
            ))
        }
    }
}
