//! Block encryption of content (`[XMLEnc] 5.2`).

use crate::CryptoError;
use std::fmt;
use zeroize::Zeroizing;

/// A block encryption algorithm of XML encryption (`[XMLEnc] 5.2`).
///
/// GCM encrypts and decrypts. CBC is unauthenticated: whoever sees how a receiver treats
/// changed ciphertexts can read the plaintext, so it only decrypts, and whether it may is a
/// question for the policy above this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BlockCipher {
    /// AES-128 in Galois/Counter Mode.
    Aes128Gcm,
    /// AES-192 in Galois/Counter Mode.
    Aes192Gcm,
    /// AES-256 in Galois/Counter Mode.
    Aes256Gcm,
    /// AES-128 in Cipher Block Chaining mode: decryption only.
    Aes128Cbc,
    /// AES-192 in Cipher Block Chaining mode: decryption only.
    Aes192Cbc,
    /// AES-256 in Cipher Block Chaining mode: decryption only.
    Aes256Cbc,
    /// Triple DES in Cipher Block Chaining mode: decryption only.
    TripleDesCbc,
}

impl BlockCipher {
    /// Every algorithm.
    pub const ALL: [Self; 7] = [
        Self::Aes128Gcm,
        Self::Aes192Gcm,
        Self::Aes256Gcm,
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
        Self::TripleDesCbc,
    ];

    /// How many octets the tag of GCM has (`[XMLEnc] 5.2.4`).
    pub const GCM_TAG_LEN: usize = 16;

    /// The identifier that documents use.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Self::Aes192Gcm => "http://www.w3.org/2009/xmlenc11#aes192-gcm",
            Self::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            Self::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            Self::Aes192Cbc => "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
            Self::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            Self::TripleDesCbc => "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
        }
    }

    /// The algorithm that an identifier names, compared byte for byte.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.uri() == uri)
    }

    /// Whether a changed ciphertext is noticed.
    #[must_use]
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }

    /// How many octets a key has.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
            Self::Aes192Gcm | Self::Aes192Cbc | Self::TripleDesCbc => 24,
            Self::Aes256Gcm | Self::Aes256Cbc => 32,
        }
    }

    /// How many octets the initialization vector has that precedes the ciphertext.
    #[must_use]
    pub const fn iv_len(self) -> usize {
        match self {
            // [XMLEnc] 5.2.4: 96 bits.
            Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm => 12,
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc => 16,
            Self::TripleDesCbc => 8,
        }
    }

    /// How many octets a block has.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::TripleDesCbc => 8,
            _ => 16,
        }
    }
}

impl fmt::Display for BlockCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes192Gcm => "AES-192-GCM",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Aes128Cbc => "AES-128-CBC",
            Self::Aes192Cbc => "AES-192-CBC",
            Self::Aes256Cbc => "AES-256-CBC",
            Self::TripleDesCbc => "3DES-CBC",
        })
    }
}

/// Encrypts and decrypts content with keys that are used once.
pub trait BlockCiphers: Send + Sync {
    /// Encrypts with an authenticated cipher: gives `iv || ciphertext || tag`
    /// (`[XMLEnc] 5.2.4`).
    ///
    /// The same initialization vector must never be used twice with one key.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncryption`] for a cipher that is not authenticated or that
    /// the provider does not have; [`CryptoError::EncryptionFailed`] when `key` or `iv` has
    /// another length than the cipher's.
    fn encrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        iv: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;

    /// Decrypts `iv || ciphertext || tag` of GCM, or `iv || ciphertext` of CBC.
    ///
    /// What CBC gives still has its padding at the end (`[XMLEnc] 5.2.1`): to judge it, and
    /// to tell nobody what the judgement was, is for the caller.
    ///
    /// # Errors
    /// [`CryptoError::UnsupportedEncryption`] when the provider does not have the cipher;
    /// [`CryptoError::DecryptionFailed`] for everything else.
    fn decrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        octets: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError>;
}

/// Separates the initialization vector of CBC from its blocks, of which there is at least one.
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
pub(crate) fn split_cbc(cipher: BlockCipher, octets: &[u8]) -> Result<(&[u8], &[u8]), CryptoError> {
    octets
        .split_at_checked(cipher.iv_len())
        .filter(|(_, blocks)| !blocks.is_empty() && blocks.len() % cipher.block_len() == 0)
        .ok_or(CryptoError::DecryptionFailed)
}

/// Separates the initialization vector of GCM from ciphertext and tag.
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
pub(crate) fn split_gcm(cipher: BlockCipher, octets: &[u8]) -> Result<(&[u8], &[u8]), CryptoError> {
    octets
        .split_at_checked(cipher.iv_len())
        .filter(|(_, rest)| rest.len() >= BlockCipher::GCM_TAG_LEN)
        .ok_or(CryptoError::DecryptionFailed)
}

#[cfg(test)]
mod tests;
