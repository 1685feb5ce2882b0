//! What may be believed of a description: until when, and which keys for what.

use crate::{EntityDescriptor, IdpDescriptor, KeyDescriptor, MetadataError, SpDescriptor};
use chrono::{DateTime, Utc};
use federate_crypto::{Certificate, CryptoProvider, PublicKey, VerifyingKey};
use federate_xml::TrustedKeys;

impl EntityDescriptor {
    /// Whether the description may be used at this instant (`[SAMLMeta] 2.3.2`): before
    /// `valid_until`; without one, always. Roles can end earlier: see
    /// [`idp_at`](Self::idp_at) and [`sp_at`](Self::sp_at).
    #[must_use]
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        is_before(now, self.valid_until)
    }

    /// The role as an identity provider, if it may be used at this instant.
    ///
    /// To be called at every sign-in: that metadata was valid when it was loaded says nothing
    /// about now.
    ///
    /// # Errors
    /// [`MetadataError::Expired`] when the entity's or the role's time is over,
    /// [`MetadataError::NoIdpRole`].
    pub fn idp_at(&self, now: DateTime<Utc>) -> Result<&IdpDescriptor, MetadataError> {
        let idp = self.idp.as_ref().ok_or(MetadataError::NoIdpRole)?;
        self.check_valid_at(now, idp.valid_until)?;
        Ok(idp)
    }

    /// The role as a service provider, if it may be used at this instant.
    ///
    /// To be called at every sign-in, as [`idp_at`](Self::idp_at).
    ///
    /// # Errors
    /// [`MetadataError::Expired`] when the entity's or the role's time is over,
    /// [`MetadataError::NoSpRole`].
    pub fn sp_at(&self, now: DateTime<Utc>) -> Result<&SpDescriptor, MetadataError> {
        let sp = self.sp.as_ref().ok_or(MetadataError::NoSpRole)?;
        self.check_valid_at(now, sp.valid_until)?;
        Ok(sp)
    }

    fn check_valid_at(
        &self,
        now: DateTime<Utc>,
        role_until: Option<DateTime<Utc>>,
    ) -> Result<(), MetadataError> {
        if self.is_valid_at(now) && is_before(now, role_until) {
            Ok(())
        } else {
            Err(MetadataError::Expired)
        }
    }
}

/// [SAMLMeta] 2.3.2, 2.4.1: validUntil is the expiration instant; at it, it is over.
fn is_before(now: DateTime<Utc>, valid_until: Option<DateTime<Utc>>) -> bool {
    valid_until.is_none_or(|until| now < until)
}

impl IdpDescriptor {
    /// The keys that verify what this identity provider signs: those for signing and those
    /// without `use` (`[SAMLMeta] 2.4.1.1`). Keys that the provider cannot use are skipped;
    /// `None` when none is left, and then no signature can be accepted.
    #[must_use]
    pub fn signing_keys(&self, provider: &CryptoProvider) -> Option<TrustedKeys> {
        signing_keys(&self.keys, provider)
    }

    /// The certificates to encrypt for this identity provider with: those for encryption and
    /// those without `use` (`[SAMLMeta] 2.4.1.1`), in the order of the document.
    pub fn encryption_certificates(&self) -> impl Iterator<Item = &Certificate> {
        encryption_certificates(&self.keys)
    }

    /// The keys to encrypt for this identity provider with: those of
    /// [`encryption_certificates`](Self::encryption_certificates) and those without a
    /// certificate.
    pub fn encryption_keys(&self) -> impl Iterator<Item = &PublicKey> {
        encryption_keys(&self.keys)
    }
}

impl SpDescriptor {
    /// The keys that verify what this service provider signs: as
    /// [`IdpDescriptor::signing_keys`].
    #[must_use]
    pub fn signing_keys(&self, provider: &CryptoProvider) -> Option<TrustedKeys> {
        signing_keys(&self.keys, provider)
    }

    /// The certificates to encrypt for this service provider with: as
    /// [`IdpDescriptor::encryption_certificates`].
    pub fn encryption_certificates(&self) -> impl Iterator<Item = &Certificate> {
        encryption_certificates(&self.keys)
    }

    /// The keys to encrypt for this service provider with: as
    /// [`IdpDescriptor::encryption_keys`].
    pub fn encryption_keys(&self) -> impl Iterator<Item = &PublicKey> {
        encryption_keys(&self.keys)
    }
}

fn signing_keys(keys: &[KeyDescriptor], provider: &CryptoProvider) -> Option<TrustedKeys> {
    let mut found: Vec<VerifyingKey> = Vec::new();
    let signing = keys.iter().filter(|key| key.key_use.signs());
    for key in signing.flat_map(KeyDescriptor::public_keys) {
        if found.iter().any(|known| known.public_key() == key) {
            continue;
        }
        if let Ok(key) = VerifyingKey::new(provider, key.clone()) {
            found.push(key);
        }
    }
    TrustedKeys::new(found)
}

/// The keys to encrypt with, with a certificate or without.
fn encryption_keys(keys: &[KeyDescriptor]) -> impl Iterator<Item = &PublicKey> {
    keys.iter()
        .filter(|key| key.key_use.encrypts())
        .flat_map(KeyDescriptor::public_keys)
}

fn encryption_certificates(keys: &[KeyDescriptor]) -> impl Iterator<Item = &Certificate> {
    keys.iter()
        .filter(|key| key.key_use.encrypts())
        .flat_map(|key| &key.certificates)
}

#[cfg(test)]
mod tests;
