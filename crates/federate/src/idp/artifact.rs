//! Answers that travel as artifacts: kept here until their application asks for them
//! (`[SAMLBind] 3.6`, `[SAMLProf] 5`).

use super::answer::KeptResponse;
use super::{IdentityProvider, Reply};
use crate::error::{Denial, FederateError};
use crate::store::{decode, encode};
use crate::token::{hash, message_id};
use crate::transport::{Incoming, Outgoing, send};
use chrono::TimeDelta;
use federate_saml::binding::artifact_url;
use federate_saml::{
    Artifact, ArtifactResolve, ArtifactResolveExpectation, ArtifactResponse, Extensions,
    MessageHints, MessageKind, SourceId, validate_artifact_resolve,
};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, PutNew};
use federate_types::{Binding, EntityId, Status};
use serde::{Deserialize, Serialize};

/// How long an application may take to ask: the browser goes there at once.
const KEPT: TimeDelta = TimeDelta::minutes(3);

/// The number of our artifact resolution service in our metadata.
pub(super) const RESOLUTION_INDEX: u16 = 0;

/// A response in the store.
#[derive(Serialize, Deserialize)]
struct Kept {
    application: EntityId,
    xml: Vec<u8>,
}

impl IdentityProvider {
    /// Makes an answer ready to go: one that travels as an artifact is put into the store.
    ///
    /// # Errors
    /// [`FederateError::Store`] and [`FederateError::Crypto`].
    pub async fn keep(
        &self,
        reply: Reply,
        store: &impl OneTimeStore,
    ) -> Result<Outgoing, FederateError> {
        let KeptResponse {
            application,
            assertion_consumer_service,
            relay_state,
            xml,
        } = match reply {
            Reply::Ready(outgoing) => return Ok(outgoing),
            Reply::Artifact(kept) => kept,
        };
        let provider = self.party.provider();
        let mut handle = [0; 20];
        provider.random.fill(&mut handle)?;
        let source_id = SourceId::of(&self.party.entity_id, provider);
        let artifact = Artifact::new(source_id, RESOLUTION_INDEX, handle);
        let now = self.now();
        let entry = OneTimeEntry {
            namespace: Namespace::CODE,
            key: self.artifact_key(&artifact),
            value: encode(&Kept { application, xml })?,
            expires: now + KEPT,
        };
        if store.put_new(entry, now).await? == PutNew::AlreadyPresent {
            return Err(Denial::Replayed.into()); // 160 random bits twice: a broken source
        }
        let location = &assertion_consumer_service;
        let url = artifact_url(location, &artifact, relay_state.as_ref());
        Ok(Outgoing::Redirect(url))
    }

    /// Answers an application that asks for the response of an artifact, once
    /// (`[SAMLProf] 5.3`). What is not there any more, or is another application's, is answered
    /// alike: with success, and without a message (`[SAMLCore] 3.5.3`).
    ///
    /// # Errors
    /// [`FederateError::Saml`] with the reason: the application must sign its request;
    /// [`Denial::UnknownPeer`], [`Denial::NoSigningKey`], failures of store and key. Answer
    /// these with a SOAP fault that tells nothing.
    pub async fn resolve_artifact(
        &self,
        envelope: &[u8],
        store: &impl OneTimeStore,
    ) -> Result<Outgoing, FederateError> {
        let now = self.now();
        let service = self.artifact_resolution_service.as_ref();
        let service = service.ok_or(Denial::NoEndpoint)?;
        let received = Incoming::Soap(envelope).receive(MessageKind::Request, &self.party)?;
        let unverified = received.unverified::<ArtifactResolve>(&self.party)?;
        let application = self.application(unverified.issuer_hint().as_ref())?;
        let metadata = self.metadata_of(&application)?;
        let sp = metadata.sp_at(now)?;
        let keys = self.keys(sp).ok_or(Denial::NoSigningKey)?;
        let request = received.verify(&unverified, &keys, &self.party, &application.policy, now)?;
        validate_artifact_resolve(
            &request,
            &ArtifactResolveExpectation {
                requester: application.entity_id(),
                source_id: SourceId::of(&self.party.entity_id, self.party.provider()),
                artifact_resolution_service: service.as_str(),
                now,
                skew: application.policy.skew,
            },
        )?;
        let key = self.artifact_key(&request.artifact);
        let kept = store.peek(Namespace::CODE, &key, now).await?;
        let kept = kept.map(|octets| decode::<Kept>(&octets, "artifact"));
        let kept = kept.transpose()?.filter(|kept| {
            // [SAMLCore] 3.5.3: only the party for which it was made gets it.
            kept.application == *application.entity_id()
        });
        let message = match kept {
            // Of several that ask at once, one takes it.
            Some(kept) => {
                let taken = store.take(Namespace::CODE, &key, now).await?;
                taken.map(|_| kept.xml)
            }
            None => None,
        };
        let response = ArtifactResponse {
            id: message_id(self.party.provider())?,
            issue_instant: now,
            destination: None,
            in_response_to: Some(request.id.clone()),
            issuer: Some(self.party.entity_id.clone()),
            extensions: Extensions::default(),
            status: Status::success(),
            message,
        };
        send(&self.party, Binding::Soap, "", &response, None)
    }

    fn artifact_key(&self, artifact: &Artifact) -> OneTimeKey {
        let handle = &artifact.handle()[..];
        OneTimeKey::new(hash(self.party.provider(), "artifact", &[handle]))
    }
}
