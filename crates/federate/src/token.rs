//! Secrets that a browser carries, and the hashes by which stores know them.

use crate::error::FederateError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use federate_crypto::{CryptoProvider, DigestAlgorithm};
use federate_session::{SessionKey, TenantId};
use federate_types::MessageId;
use std::fmt;

/// 256 random bits for a cookie or an address that opens something. `Debug` hides them.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The length of a token's text.
    const CHARS: usize = 43;

    /// A fresh token.
    ///
    /// # Errors
    /// [`FederateError::Crypto`] when the random source fails.
    pub fn random(provider: &CryptoProvider) -> Result<Self, FederateError> {
        let mut octets = [0; 32];
        provider.random.fill(&mut octets)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(octets)))
    }

    /// Takes a token from a cookie or an address; `None` for what cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == Self::CHARS
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        valid.then(|| Self(text.to_owned()))
    }

    /// The text, for the cookie or the address.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

/// SHA-256 over a purpose and parts, each with its length, so that no two lists of parts
/// give the same octets.
pub(crate) fn hash(provider: &CryptoProvider, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut octets = Vec::with_capacity(256);
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        octets.extend_from_slice(&(part.len() as u64).to_be_bytes());
        octets.extend_from_slice(part);
    }
    let digest = provider.digester.digest(DigestAlgorithm::Sha256, &octets);
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    hash
}

/// Where the session of a cookie is stored. The cookie of one account opens nothing in another.
pub(crate) fn session_key(
    provider: &CryptoProvider,
    tenant: &TenantId,
    token: &Token,
) -> SessionKey {
    let parts = [tenant.as_str().as_bytes(), token.expose().as_bytes()];
    SessionKey::new(hash(provider, "session", &parts))
}

/// The first 128 bits of a hash as text: for names that must be opaque, not secret.
pub(crate) fn short_name(hash: [u8; 32]) -> String {
    use fmt::Write as _;
    let mut name = String::with_capacity(33);
    name.push('_');
    for byte in hash.iter().take(16) {
        let _ = write!(name, "{byte:02x}"); // writing to a String does not fail
    }
    name
}

/// A fresh identifier of 160 random bits.
pub(crate) fn message_id(provider: &CryptoProvider) -> Result<MessageId, FederateError> {
    let mut octets = [0; 20];
    provider.random.fill(&mut octets)?;
    Ok(MessageId::from_random(octets))
}
