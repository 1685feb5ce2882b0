//! What both roles have: a name, keys, a clock; and what is good enough from a peer.

use crate::clock::{Clock, SystemClock};
use crate::error::{Denial, FederateError};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{
    Certificate, CryptoError, CryptoProvider, DecryptionKey, KeyType, PrivateKey,
    SignatureAlgorithm,
};
use federate_logout::{RequestCounter, RequestLimit};
use federate_metadata::{
    EntityDescriptor, EntitySource, KeyDescriptor, KeyRing, KeyUse, MetadataError, RingKey,
};
use federate_types::{ClockSkew, EntityId};
use federate_xml::{
    DecryptionContext, DecryptionKeys, DecryptionPolicy, Limits, SignaturePolicy, Signer,
    VerificationContext,
};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// For how long peers may use our metadata before they fetch it anew: its `cacheDuration`. A
/// [`KeyRing`] whose steps take so long is safe for all who do.
pub const METADATA_CACHE_DURATION: TimeDelta = TimeDelta::days(1);

/// One of our own parties.
#[derive(Clone)]
pub struct Party {
    /// The name by which peers know it.
    pub entity_id: EntityId,
    /// The key with which it signs.
    pub signer: Signer,
    /// Where the present comes from.
    pub clock: Arc<dyn Clock>,
    /// What a message may cost before it is trusted.
    pub limits: Limits,
    /// With what it decrypts; `None` refuses whatever is encrypted.
    pub decryption: Option<Decryption>,
    /// Certificates of keys with which it will sign, or signed before: its metadata has them.
    pub other_signing_certificates: Vec<Certificate>,
    logout_requests: Arc<Mutex<RequestCounter>>,
}

/// What is good enough from one peer. What is weaker than usual has a date at which it ends.
#[derive(Debug, Clone, Default)]
pub struct PeerPolicy {
    /// How far its clock may differ.
    pub skew: ClockSkew,
    /// Which of its signatures are good enough.
    pub signatures: SignaturePolicy,
    /// Which of its ciphers are good enough.
    pub decryption: DecryptionPolicy,
}

/// The keys to which peers encrypt.
#[derive(Debug, Clone)]
pub struct Decryption {
    keys: DecryptionKeys,
    certificate: Certificate,
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
        })
    }

    /// Decrypts also with keys that metadata does not tell yet, or no longer, until peers have
    /// noticed.
    #[must_use]
    pub fn with_others(mut self, keys: impl IntoIterator<Item = Arc<dyn DecryptionKey>>) -> Self {
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
            limits: Limits::default(),
            decryption: None,
            other_signing_certificates: Vec::new(),
            logout_requests: Arc::default(),
        }
    }

    /// A party that signs with a private key and its certificate, each as PEM: by RSA with
    /// SHA-256, ECDSA with the digest of the curve's size, or Ed25519, whichever the key is for.
    ///
    /// # Errors
    /// [`FederateError::Value`] when the name is no entity identifier, and
    /// [`FederateError::Crypto`] when the key or the certificate cannot be read or they do not
    /// belong together.
    pub fn from_pem(
        provider: CryptoProvider,
        entity_id: &str,
        private_key: &str,
        certificate: &str,
    ) -> Result<Self, FederateError> {
        let certificate = Certificate::from_pem(certificate)?;
        let key = PrivateKey::from_pem(private_key)?;
        let signer = signer(provider, &key, certificate)?;
        Ok(Self::new(EntityId::new(entity_id)?, signer))
    }

    /// A party whose keys change: it signs with the active one, decrypts with all that can, and
    /// its metadata has all of them.
    ///
    /// # Errors
    /// [`FederateError::Crypto`] when the provider does not take the active key, or a
    /// certificate is for another key.
    pub fn from_key_ring(
        provider: CryptoProvider,
        entity_id: EntityId,
        ring: &KeyRing,
    ) -> Result<Self, FederateError> {
        let active = ring.active();
        let signer = signer(provider, active.private_key(), active.certificate().clone())?;
        let mut party = Self::new(entity_id, signer);
        let load = |key: &RingKey| {
            provider
                .key_transport
                .load_decryption_key(key.private_key())
        };
        if active.private_key().key_type() == KeyType::Rsa {
            let decryption = Decryption::new(load(active)?, active.certificate().clone())?;
            let others = ring.next().into_iter().chain(ring.retiring());
            let others = others.filter(|key| key.private_key().key_type() == KeyType::Rsa);
            let others = others.map(load).collect::<Result<Vec<_>, _>>()?;
            party.decryption = Some(decryption.with_others(others));
        }
        let others = ring.next().into_iter().chain(ring.retiring());
        party.other_signing_certificates = others.map(|key| key.certificate().clone()).collect();
        Ok(party)
    }

    /// Sets how many LogoutRequests each peer may bring to this node; beyond,
    /// [`Denial::TooManyRequests`] refuses them.
    #[must_use]
    pub fn with_logout_limit(mut self, limit: RequestLimit) -> Self {
        self.logout_requests = Arc::new(Mutex::new(RequestCounter::new(limit)));
        self
    }

    /// Counts a LogoutRequest whose signature was verified, and which was not here before.
    pub(crate) fn admit_logout(
        &self,
        peer: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<(), FederateError> {
        // Nothing panics while it holds this lock.
        let counter = self.logout_requests.lock();
        let mut counter = counter.unwrap_or_else(PoisonError::into_inner);
        match counter.admits(peer, now) {
            true => Ok(()),
            false => Err(Denial::TooManyRequests.into()),
        }
    }

    /// The keys that metadata tells peers.
    pub(crate) fn key_descriptors(&self) -> Vec<KeyDescriptor> {
        let active = std::iter::once(self.signer.certificate());
        let signing = active.chain(&self.other_signing_certificates);
        let signing = signing.map(|c| KeyDescriptor::new(KeyUse::Signing, c.clone()));
        let encryption = self.decryption.iter().map(|decryption| {
            KeyDescriptor::new(KeyUse::Encryption, decryption.certificate.clone())
        });
        signing.chain(encryption).collect()
    }

    pub(crate) const fn provider(&self) -> &CryptoProvider {
        self.signer.provider()
    }

    pub(crate) fn verification<'a>(
        &'a self,
        peer: &'a PeerPolicy,
        now: DateTime<Utc>,
    ) -> VerificationContext<'a> {
        VerificationContext {
            provider: self.provider(),
            policy: &peer.signatures,
            now,
        }
    }

    pub(crate) fn decryption<'a>(
        &'a self,
        peer: &'a PeerPolicy,
        now: DateTime<Utc>,
    ) -> Option<DecryptionContext<'a>> {
        let decryption = self.decryption.as_ref()?;
        Some(DecryptionContext {
            provider: self.provider(),
            keys: &decryption.keys,
            policy: &peer.decryption,
            recipient: Some(self.entity_id.as_str()),
            limits: &self.limits,
            now,
        })
    }
}

/// What a peer says of itself: as it publishes now, or as it is known.
pub(crate) fn current(
    known: &Arc<EntityDescriptor>,
    published: Option<&Arc<dyn EntitySource>>,
) -> Result<Arc<EntityDescriptor>, MetadataError> {
    let found = match published {
        Some(source) => source.entity(&known.entity_id)?,
        None => None,
    };
    Ok(found.unwrap_or_else(|| Arc::clone(known)))
}

fn signer(
    provider: CryptoProvider,
    key: &PrivateKey,
    certificate: Certificate,
) -> Result<Signer, FederateError> {
    let algorithm = SignatureAlgorithm::usual_for(key.key_type());
    let key = provider.keys.load_signing_key(key, algorithm)?;
    Ok(Signer::new(provider, key, certificate)?)
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("entity_id", &self.entity_id)
            .finish_non_exhaustive()
    }
}
