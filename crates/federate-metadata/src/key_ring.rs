//! A party's own keys while they change: what is published, what signs, what decrypts.

use crate::{KeyDescriptor, KeyUse};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{Certificate, CryptoError, CryptoProvider, PrivateKey, SignatureAlgorithm};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

/// A key of a [`KeyRing`]. `Debug` does not show the private part.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Stored")]
pub struct RingKey {
    since: DateTime<Utc>,
    private_key: PrivateKey,
    certificate: Certificate,
}

impl RingKey {
    /// Since when it stands where it stands.
    #[must_use]
    pub const fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// The private key.
    #[must_use]
    pub const fn private_key(&self) -> &PrivateKey {
        &self.private_key
    }

    /// The certificate, by which peers know the key.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// The keys of one party: one that is active, perhaps one that is next, and those that retire.
///
/// Peers fetch metadata anew within its `cacheDuration` at the latest. So a key is published for
/// that long before it signs, and after it has stopped signing; then no such peer ever meets a
/// signature, or sends an encrypted message, whose key the other side does not have. The steps
/// refuse to be taken earlier.
///
/// ```
/// # use federate_metadata::KeyRing;
/// # use chrono::TimeDelta;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let provider = federate_crypto::aws_lc_provider();
/// # let now: chrono::DateTime<chrono::Utc> = "2026-11-21T00:00:00Z".parse()?;
/// # let made = || -> Result<_, federate_crypto::CryptoError> {
/// #     let key = provider.keys.generate_rsa(2048)?;
/// #     let algorithm = federate_crypto::SignatureAlgorithm::RsaSha256;
/// #     let signer = provider.keys.load_signing_key(&key, algorithm)?;
/// #     let end = now + TimeDelta::days(365);
/// #     let certificate = federate_crypto::self_signed(&provider, &*signer, "sp", now, end)?;
/// #     Ok((key, certificate))
/// # };
/// # let ((first, its_certificate), (second, its_own)) = (made()?, made()?);
/// let day = TimeDelta::days(1); // the metadata's cacheDuration
/// let mut ring = KeyRing::new(first, its_certificate, &provider, now)?;
/// ring.add_next(second, its_own, &provider, now)?; // publish the metadata
/// assert!(ring.activate_next(now, day).is_err(), "some peer may not know it yet");
/// ring.activate_next(now + day, day)?; // publish again; sign with ring.active()
/// ring.remove_retiring(now + day * 2, day)?; // publish again
/// assert!(ring.retiring().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRing {
    /// Signs; and peers encrypt to it.
    active: RingKey,
    /// Published, so that peers know it before it is used.
    next: Option<RingKey>,
    /// Still published, for what was signed with them; and they still decrypt.
    retiring: Vec<RingKey>,
}

/// Why a step of a rollover is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RolloverError {
    /// Some peer may not have fetched the metadata anew.
    #[error("peers may not know the last change before {}", .until.format("%Y-%m-%dT%H:%M:%SZ"))]
    TooEarly {
        /// From when on they do.
        until: DateTime<Utc>,
    },
    /// There is no next key.
    #[error("there is no next key")]
    NoNextKey,
    /// There is a next key already.
    #[error("there is a next key already")]
    NextKeyExists,
    /// No key retires.
    #[error("no key retires")]
    NothingRetires,
    /// The certificate is for another key, or either cannot be read.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl RolloverError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooEarly { .. } => "rollover.too_early",
            Self::NoNextKey => "rollover.no_next_key",
            Self::NextKeyExists => "rollover.next_key_exists",
            Self::NothingRetires => "rollover.nothing_retires",
            Self::Crypto(_) => "rollover.key",
        }
    }
}

impl KeyRing {
    /// A ring of one key, which is active.
    ///
    /// # Errors
    /// [`RolloverError::Crypto`] when the certificate is for another key, or the provider does
    /// not take the key.
    pub fn new(
        private_key: PrivateKey,
        certificate: Certificate,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<Self, RolloverError> {
        Ok(Self {
            active: ring_key(private_key, certificate, provider, now)?,
            next: None,
            retiring: Vec::new(),
        })
    }

    /// The key that signs, and to which peers encrypt.
    #[must_use]
    pub const fn active(&self) -> &RingKey {
        &self.active
    }

    /// The key that will sign, if there is one.
    #[must_use]
    pub const fn next(&self) -> Option<&RingKey> {
        self.next.as_ref()
    }

    /// The keys that signed before, and still decrypt.
    #[must_use]
    pub fn retiring(&self) -> &[RingKey] {
        &self.retiring
    }

    /// What metadata says of the keys (`[SAMLMeta] 2.4.1.1`): all of them verify what the party
    /// signs, and the active one is to encrypt to.
    #[must_use]
    pub fn descriptors(&self) -> Vec<KeyDescriptor> {
        let descriptor =
            |key_use, key: &RingKey| KeyDescriptor::new(key_use, key.certificate.clone());
        let others = self.next.iter().chain(&self.retiring);
        std::iter::once(descriptor(KeyUse::Both, &self.active))
            .chain(others.map(|key| descriptor(KeyUse::Signing, key)))
            .collect()
    }

    /// Adds the key that will sign. Publish the metadata at once.
    ///
    /// # Errors
    /// [`RolloverError::NextKeyExists`]; [`RolloverError::Crypto`] as [`KeyRing::new`].
    pub fn add_next(
        &mut self,
        private_key: PrivateKey,
        certificate: Certificate,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Result<(), RolloverError> {
        if self.next.is_some() {
            return Err(RolloverError::NextKeyExists);
        }
        self.next = Some(ring_key(private_key, certificate, provider, now)?);
        Ok(())
    }

    /// Makes the next key the active one; the active one retires. Publish the metadata at once.
    ///
    /// # Errors
    /// [`RolloverError::NoNextKey`]; [`RolloverError::TooEarly`] until the next key has been
    /// published for the metadata's `cacheDuration`.
    pub fn activate_next(
        &mut self,
        now: DateTime<Utc>,
        cache_duration: TimeDelta,
    ) -> Result<(), RolloverError> {
        let next = self.next.as_ref().ok_or(RolloverError::NoNextKey)?;
        known_by_all(next.since, now, cache_duration)?;
        if let Some(next) = self.next.take() {
            let mut before = std::mem::replace(&mut self.active, next);
            before.since = now;
            self.active.since = now;
            self.retiring.push(before);
        }
        Ok(())
    }

    /// Removes the keys that retire, and gives how many they were. Publish the metadata.
    ///
    /// # Errors
    /// [`RolloverError::NothingRetires`]; [`RolloverError::TooEarly`] until all of them have
    /// retired for the metadata's `cacheDuration`: so long may a peer encrypt to one.
    pub fn remove_retiring(
        &mut self,
        now: DateTime<Utc>,
        cache_duration: TimeDelta,
    ) -> Result<usize, RolloverError> {
        let last = self.retiring.iter().map(|key| key.since).max();
        let last = last.ok_or(RolloverError::NothingRetires)?;
        known_by_all(last, now, cache_duration)?;
        Ok(self.retiring.drain(..).count())
    }
}

/// Whether every peer has fetched since then what was published then. A clock that was set back
/// only makes it later.
fn known_by_all(
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    cache_duration: TimeDelta,
) -> Result<(), RolloverError> {
    let until = since.checked_add_signed(cache_duration);
    let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
    match now < until {
        true => Err(RolloverError::TooEarly { until }),
        false => Ok(()),
    }
}

fn ring_key(
    private_key: PrivateKey,
    certificate: Certificate,
    provider: &CryptoProvider,
    since: DateTime<Utc>,
) -> Result<RingKey, RolloverError> {
    let algorithm = SignatureAlgorithm::usual_for(private_key.key_type());
    let signer = provider.keys.load_signing_key(&private_key, algorithm)?;
    if signer.public_key() != certificate.public_key() {
        return Err(CryptoError::CertificateMismatch.into());
    }
    Ok(RingKey {
        since,
        private_key,
        certificate,
    })
}

/// A key as it is kept, in PEM. It is a secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    since: DateTime<Utc>,
    private_key: Zeroizing<String>,
    certificate: String,
}

impl Serialize for RingKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            since: self.since,
            private_key: self.private_key.to_pem(),
            certificate: self.certificate.to_pem(),
        };
        stored.serialize(serializer)
    }
}

impl TryFrom<Stored> for RingKey {
    type Error = CryptoError;

    /// Whether the two belong together, whoever signs with them finds out.
    fn try_from(stored: Stored) -> Result<Self, CryptoError> {
        Ok(Self {
            since: stored.since,
            private_key: PrivateKey::from_pem(&stored.private_key)?,
            certificate: Certificate::from_pem(&stored.certificate)?,
        })
    }
}

#[cfg(test)]
mod tests;
