//! Who sent an artifact: its SourceID is the digest of a name (`[SAMLBind] 3.6.4.2`).

use super::ServiceProvider;
use crate::error::{Denial, FederateError};
use crate::store::{Store, decode, encode};
use crate::token::hash;
use chrono::{DateTime, Utc};
use federate_saml::{Artifact, MAX_REQUEST_AGE, SourceId};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew};
use federate_types::EntityId;

/// Identity providers of federations that were asked to answer by artifact, by SourceID.
const ARTIFACT_SENDER: Namespace = Namespace::new("artifact-sender");

impl<S: Store> ServiceProvider<S> {
    /// Remembers the name of an identity provider that is asked to answer by artifact, if it is
    /// not configured: a federation has too many to try each.
    pub(super) async fn expect_artifacts_of(
        &self,
        id: &EntityId,
        now: DateTime<Utc>,
    ) -> Result<(), FederateError> {
        if self.identity_providers.contains_key(id) {
            return Ok(());
        }
        let source_id = SourceId::of(id, self.party.provider());
        let entry = OneTimeEntry {
            namespace: ARTIFACT_SENDER,
            key: self.sender_key(source_id, period(now)),
            value: encode(id)?,
            expires: now + MAX_REQUEST_AGE * 2,
        };
        // It is as good if it was there already.
        let (PutNew::Inserted | PutNew::AlreadyPresent) = self.store.put_new(entry, now).await?;
        Ok(())
    }

    /// The name of who sent an artifact.
    pub(super) async fn sender_of(
        &self,
        artifact: &Artifact,
        now: DateTime<Utc>,
    ) -> Result<EntityId, FederateError> {
        let provider = self.party.provider();
        let mut configured = self.identity_providers.keys();
        if let Some(id) = configured.find(|id| artifact.is_from(id, provider)) {
            return Ok(id.clone());
        }
        // A request of this period or the one before may still be answered.
        for period in [period(now), period(now) - 1] {
            let key = self.sender_key(artifact.source_id(), period);
            if let Some(octets) = self.store.peek(ARTIFACT_SENDER, &key, now).await? {
                return Ok(decode(&octets, "artifact's sender")?);
            }
        }
        Err(Denial::UnknownPeer.into())
    }

    fn sender_key(&self, source_id: SourceId, period: i64) -> OneTimeKey {
        let parts = [&source_id.as_bytes()[..], &period.to_be_bytes()];
        OneTimeKey::new(hash(self.party.provider(), "artifact-sender", &parts))
    }
}

/// Time in steps of the age to which requests are answered.
fn period(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(MAX_REQUEST_AGE.num_seconds())
}
