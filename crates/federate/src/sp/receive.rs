//! What the identity provider answers: verified, validated and redeemed, however it came.

use super::login::Pending;
use super::{Connection, Login, ServiceProvider, scope};
use crate::back_channel::BackChannel;
use crate::error::{Denial, FederateError};
use crate::store::{Store, decode, encode};
use crate::token::{Token, hash, message_id};
use crate::transport::{Incoming, is_simple_sign};
use chrono::{DateTime, TimeDelta, Utc};
use federate_metadata::EntityDescriptor;
use federate_saml::binding::{ArtifactMessage, PostMessage, SimpleSignMessage, soap};
use federate_saml::{
    ArtifactResolve, ArtifactResponse, ArtifactResponseExpectation, Extensions, LoginExpectation,
    MessageHints, MessageKind, Response, SamlError, ValidatedLogin, VerifiedResponse, signed_xml,
    validate_response, verify_artifact_response, verify_response, verify_simple_sign_response,
};
use federate_session::{Namespace, OneTimeEntry, OneTimeKey, PutNew, Redemption};
use federate_types::{Binding, MessageId};
use federate_xml::{DecryptionContext, TrustedKeys, Unverified, VerificationContext};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a verified login waits for the browser's next request.
const PARKED: TimeDelta = TimeDelta::minutes(2);

/// How long an identity provider may take to resolve an artifact: the browser waits.
const RESOLVED: Duration = Duration::from_secs(30);

/// A redeemed login that waits for the browser.
#[derive(Serialize, Deserialize)]
pub(super) struct Parked {
    pub(super) login: Login,
    /// None if nobody asked: then no browser began it.
    pub(super) browser: Option<[u8; 32]>,
    pub(super) return_to: Option<String>,
}

impl<S: Store> ServiceProvider<S> {
    /// Takes what the identity provider had the browser post, by HTTP-POST or
    /// HTTP-POST-SimpleSign: verifies, validates, redeems.
    ///
    /// The request comes from another site and so without cookies. Answer it with 303 to an
    /// address of yours with the handle that this gives; that request has them.
    ///
    /// # Errors
    /// [`FederateError::Saml`] with the reason, [`Denial::UnknownRequest`],
    /// [`Denial::Unsolicited`], [`Denial::Replayed`], failures of the store. Nothing has
    /// happened then: the request can still be answered by a proper response.
    pub async fn receive_login(&self, form: &str) -> Result<Token, FederateError> {
        let limits = &self.party.limits;
        let kind = MessageKind::Response;
        let parked = if is_simple_sign(form) {
            let message = SimpleSignMessage::parse(form, kind, limits)?;
            let response = message.unverified::<Response>()?;
            self.accept(&response, |keys, context, decryption| {
                verify_simple_sign_response(&message, keys, context, decryption)
            })
            .await?
        } else {
            let posted = PostMessage::parse(form, kind, limits)?;
            let response = Unverified::<Response>::parse(posted.xml(), limits)?;
            self.accept(&response, |keys, context, decryption| {
                verify_response(&response, keys, context, decryption)
            })
            .await?
        };
        self.park(parked).await
    }

    /// Takes an artifact that the identity provider had the browser bring, fetches the response
    /// for which it stands, and goes on as [`receive_login`](Self::receive_login)
    /// (`[SAMLBind] 3.6`).
    ///
    /// # Errors
    /// As [`receive_login`](Self::receive_login); [`Denial::UnknownPeer`] when the artifact is
    /// neither from an identity provider that is configured nor from one of a federation that
    /// was asked for one in the last minutes; [`FederateError::BackChannel`].
    pub async fn receive_artifact(
        &self,
        incoming: Incoming<'_>,
        channel: &impl BackChannel,
    ) -> Result<Token, FederateError> {
        let (Incoming::Redirect(text) | Incoming::Post(text)) = incoming else {
            return Err(Denial::NoEndpoint.into());
        };
        let message = ArtifactMessage::parse(text)?;
        let artifact = message.artifact();
        let (provider, now) = (self.party.provider(), self.now());
        let sender = self.sender_of(artifact, now).await?;
        let connection = self.connection(Some(&sender))?;
        let (metadata, keys) = self.trusted(&connection, now)?;
        let services = metadata.idp_at(now)?.artifact_resolution.iter();
        let location = artifact.resolution_service(
            services
                .filter(|service| service.endpoint.is_for(Binding::Soap))
                .map(|service| (service.index, service.endpoint.location.as_str())),
        )?;
        let request = ArtifactResolve {
            id: message_id(provider)?,
            issue_instant: now,
            destination: Some(location.to_owned()),
            issuer: Some(self.party.entity_id.clone()),
            extensions: Extensions::default(),
            artifact: artifact.clone(),
        };
        let envelope = soap::envelope(&signed_xml(&request, &self.party.signer)?);
        let answer = channel.exchange(location, envelope, RESOLVED).await?;
        let now = self.now(); // asking took its time
        let verified = verify_artifact_response(
            &soap::body::<ArtifactResponse>(&answer, &self.party.limits)?,
            &keys,
            &self.party.verification(&connection.policy, now),
            self.party.decryption(&connection.policy, now).as_ref(),
            &ArtifactResponseExpectation {
                artifact_issuer: connection.entity_id(),
                request: &request.id,
                destination: self.assertion_consumer_service.as_str(),
                now,
                skew: connection.policy.skew,
            },
        )?;
        let asked = verified.envelope().in_response_to.clone();
        let pending = self.pending(asked.as_ref(), now).await?;
        let parked = self
            .finish((&connection, &metadata), pending, verified, now)
            .await?;
        self.park(parked).await
    }

    /// Verifies, validates and redeems a response; how it is verified, its binding says.
    pub(super) async fn accept(
        &self,
        response: &Unverified<'_, Response>,
        verify: impl FnOnce(
            &TrustedKeys,
            &VerificationContext<'_>,
            Option<&DecryptionContext<'_>>,
        ) -> Result<VerifiedResponse, SamlError>,
    ) -> Result<Parked, FederateError> {
        let now = self.now();
        let asked = response.in_response_to_hint();
        let pending = self.pending(asked.as_ref(), now).await?;
        // Whoever was asked must answer; otherwise the claimed issuer must be trusted.
        let asked = pending
            .as_ref()
            .and_then(|p| p.sent.identity_provider.clone());
        let answerer = asked.or_else(|| response.issuer_hint());
        let connection = self.connection(answerer.as_ref())?;
        if pending.is_none() && !connection.allow_unsolicited {
            return Err(Denial::Unsolicited.into());
        }
        let (metadata, keys) = self.trusted(&connection, now)?;
        let verification = self.party.verification(&connection.policy, now);
        let decryption = self.party.decryption(&connection.policy, now);
        let verified = verify(&keys, &verification, decryption.as_ref())?;
        self.finish((&connection, &metadata), pending, verified, now)
            .await
    }

    /// Validates and redeems a verified response.
    async fn finish(
        &self,
        (connection, metadata): (&Connection, &EntityDescriptor),
        pending: Option<Pending>,
        verified: VerifiedResponse,
        now: DateTime<Utc>,
    ) -> Result<Parked, FederateError> {
        if pending.is_none() && !connection.allow_unsolicited {
            return Err(Denial::Unsolicited.into());
        }
        let login = validate_response(
            verified,
            &LoginExpectation {
                service_provider: &self.party.entity_id,
                assertion_consumer_service: self.assertion_consumer_service.as_str(),
                identity_provider: connection.entity_id(),
                request: pending.as_ref().map(|p| &p.sent),
                now,
                policy: &connection.login_policy(),
            },
        )?;
        self.redeem(&login, now).await?;
        let (browser, return_to) = match pending {
            Some(pending) => (Some(pending.browser), pending.return_to),
            None => (None, None),
        };
        let (attributes, dropped) = scope::checked(&login, connection, metadata);
        Ok(Parked {
            login: Login::new(&login, attributes, dropped),
            browser,
            return_to,
        })
    }

    /// The request that is answered, if one is; it must be waiting.
    pub(super) async fn pending(
        &self,
        id: Option<&MessageId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Pending>, FederateError> {
        let Some(id) = id else {
            return Ok(None);
        };
        let key = self.request_key(id.as_str());
        let octets = self.store.peek(Namespace::REQUEST, &key, now).await?;
        Ok(Some(decode(
            &octets.ok_or(Denial::UnknownRequest)?,
            "request",
        )?))
    }

    /// Consumes the request and remembers the assertion, in one step of the store.
    async fn redeem(
        &self,
        login: &ValidatedLogin,
        now: DateTime<Utc>,
    ) -> Result<(), FederateError> {
        let issuer = login.issuer().as_str().as_bytes();
        let id = login.assertion_id().as_str().as_bytes();
        let request = login
            .in_response_to()
            .map(|id| (Namespace::REQUEST, self.request_key(id.as_str())));
        let replay = OneTimeEntry {
            namespace: Namespace::ASSERTION,
            key: OneTimeKey::new(hash(self.party.provider(), "assertion", &[issuer, id])),
            value: Vec::new(),
            expires: login.replay_until(),
        };
        match self.store.redeem(request, replay, now).await? {
            Redemption::Redeemed { .. } => Ok(()),
            Redemption::Replayed => Err(Denial::Replayed.into()),
            Redemption::UnknownRequest => Err(Denial::UnknownRequest.into()),
        }
    }

    async fn park(&self, parked: Parked) -> Result<Token, FederateError> {
        let now = self.now();
        let handle = Token::random(self.party.provider())?;
        let entry = OneTimeEntry {
            namespace: Namespace::HANDLE,
            key: self.handle_key(&handle),
            value: encode(&parked)?,
            expires: now + PARKED,
        };
        match self.store.put_new(entry, now).await? {
            PutNew::Inserted => Ok(handle),
            PutNew::AlreadyPresent => Err(Denial::Replayed.into()),
        }
    }

    pub(super) fn handle_key(&self, handle: &Token) -> OneTimeKey {
        let octets = handle.expose().as_bytes();
        OneTimeKey::new(hash(self.party.provider(), "handle", &[octets]))
    }
}
