//! What both roles have: a name, keys, a clock, and rules for the peers.

use crate::clock::{Clock, SystemClock};
use chrono::{DateTime, Utc};
use federate_crypto::{Certificate, CryptoError, CryptoProvider, DecryptionKey};
use federate_metadata::{KeyDescriptor, KeyUse};
use federate_types::{ClockSkew, EntityId};
use federate_xml::{
    DecryptionContext, DecryptionKeys, DecryptionPolicy, Limits, SignaturePolicy, Signer,
    VerificationContext,
};
use std::fmt;
use std::sync::Arc;

/// One of our own parties.
#[derive(Clone)]
pub struct Party {
    /// The name by which peers know it.
    pub entity_id: EntityId,
    /// The key with which it signs.
    pub signer: Signer,
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// How far peers' clocks may differ.
    pub skew: ClockSkew,
    /// What a message may cost before it is trusted.
    pub limits: Limits,
    /// Which signatures of peers are good enough.
    pub signatures: SignaturePolicy,
    /// With what it decrypts; `None` refuses whatever is encrypted.
    pub decryption: Option<Decryption>,
}

/// The keys to which peers encrypt, and which ciphers of theirs are good enough.
#[derive(Debug, Clone)]
pub struct Decryption {
    keys: DecryptionKeys,
    certificate: Certificate,
    /// Which ciphers are good enough.
    pub policy: DecryptionPolicy,
}

impl Decryption {
    /// Decrypts with this key; metadata tells peers the certificate.
    ///
    /// # Errors
    /// [`CryptoError::CertificateMismatch`] when the certificate is for another key.
    pub fn new(key: Arc<dyn DecryptionKey>, certificate: Certificate) -> Result<Self, CryptoError> {
        if certificate.public_key() != key.public_key() {
            return Err(CryptoError::CertificateMismatch);
        }
        Ok(Self {
            keys: key.into(),
            certificate,
            policy: DecryptionPolicy::default(),
        })
    }

    /// Decrypts also with keys that metadata no longer tells, until peers have noticed.
    #[must_use]
    pub fn with_retiring(mut self, keys: impl IntoIterator<Item = Arc<dyn DecryptionKey>>) -> Self {
        let all = self.keys.as_slice().iter().cloned().chain(keys);
        if let Some(keys) = DecryptionKeys::new(all) {
            self.keys = keys;
        }
        self
    }
}

impl Party {
    /// A party with the usual rules and the system's clock.
    #[must_use]
    pub fn new(entity_id: EntityId, signer: Signer) -> Self {
        Self {
            entity_id,
            signer,
            clock: Arc::new(SystemClock),
            skew: ClockSkew::default(),
            limits: Limits::default(),
            signatures: SignaturePolicy::default(),
            decryption: None,
        }
    }

    /// The keys that metadata tells peers.
    pub(crate) fn key_descriptors(&self) -> Vec<KeyDescriptor> {
        let signing = KeyDescriptor::new(KeyUse::Signing, self.signer.certificate().clone());
        let encryption = self.decryption.iter().map(|decryption| {
            KeyDescriptor::new(KeyUse::Encryption, decryption.certificate.clone())
        });
        std::iter::once(signing).chain(encryption).collect()
    }

    pub(crate) const fn provider(&self) -> &CryptoProvider {
        self.signer.provider()
    }

    pub(crate) fn verification(&self, now: DateTime<Utc>) -> VerificationContext<'_> {
        VerificationContext {
            provider: self.provider(),
            policy: &self.signatures,
            now,
        }
    }

    pub(crate) fn decryption(&self, now: DateTime<Utc>) -> Option<DecryptionContext<'_>> {
        let decryption = self.decryption.as_ref()?;
        Some(DecryptionContext {
            provider: self.provider(),
            keys: &decryption.keys,
            policy: &decryption.policy,
            recipient: Some(self.entity_id.as_str()),
            limits: &self.limits,
            now,
        })
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("entity_id", &self.entity_id)
            .field("skew", &self.skew)
            .finish_non_exhaustive()
    }
}
