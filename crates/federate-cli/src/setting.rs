//! What `verify` and `explain` judge a response by.

use crate::options::ResponseArgs;
use crate::problem::Problem;
use crate::trust::{self, Peer};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{CryptoProvider, aws_lc_provider};
use federate_saml::{LoginExpectation, LoginPolicy, SentRequest, VerifiedResponse};
use federate_types::{ClockSkew, EntityId, MessageId};
use federate_xml::{
    DecryptionContext, DecryptionKeys, DecryptionPolicy, Limits, SignaturePolicy,
    VerificationContext,
};

/// Which request a response must answer.
#[derive(Debug)]
enum Request {
    This(MessageId),
    None,
    /// Whichever it names.
    Any,
}

/// The service provider that the options describe.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) provider: CryptoProvider,
    pub(crate) peer: Peer,
    pub(crate) now: DateTime<Utc>,
    pub(crate) limits: Limits,
    service_provider: EntityId,
    assertion_consumer_service: String,
    request: Request,
    pub(crate) policy: LoginPolicy,
    signatures: SignaturePolicy,
    decryption: Option<(DecryptionKeys, DecryptionPolicy)>,
}

impl Setting {
    /// Reads the files that the options name.
    pub(crate) fn load(args: &ResponseArgs) -> Result<Self, Problem> {
        let provider = aws_lc_provider();
        let now = args.at.unwrap_or_else(trust::now);
        let peer = match &args.idp_metadata {
            Some(path) => Peer::of_metadata(&provider, path, now)?,
            None => {
                let id = args.idp_entity_id.as_ref();
                let id = id.map(|id| entity_id("--idp-entity-id", id)).transpose()?;
                Peer::of_certificates(&provider, &args.idp_cert, id)?
            }
        };
        let request = match (&args.request_id, args.unsolicited) {
            (Some(id), _) => {
                Request::This(MessageId::new(id).map_err(|e| Problem::of("--request-id", e))?)
            }
            (None, true) => Request::None,
            (None, false) => Request::Any,
        };
        let skew = ClockSkew::new(TimeDelta::seconds(i64::from(args.skew)))
            .map_err(|e| Problem::of("--skew", e))?;
        let mut keys = Vec::new();
        for path in &args.decrypt_key {
            keys.push(trust::decryption_key(&provider, path)?);
        }
        let mut policy = DecryptionPolicy::default();
        if args.dangerous_allow_cbc {
            policy = policy.dangerous_allow_cbc_until(DateTime::<Utc>::MAX_UTC);
        }
        Ok(Self {
            provider,
            peer,
            now,
            limits: Limits::default(),
            service_provider: entity_id("--sp-entity-id", &args.sp_entity_id)?,
            assertion_consumer_service: args.acs.clone(),
            request,
            policy: LoginPolicy {
                skew,
                ..LoginPolicy::default()
            },
            signatures: trust::signature_policy(&args.algorithms),
            decryption: DecryptionKeys::new(keys).map(|keys| (keys, policy)),
        })
    }

    /// With what signatures are verified.
    pub(crate) const fn verification(&self) -> VerificationContext<'_> {
        VerificationContext {
            provider: &self.provider,
            policy: &self.signatures,
            now: self.now,
        }
    }

    /// With what is decrypted, if a key was given.
    pub(crate) fn decryption(&self) -> Option<DecryptionContext<'_>> {
        let (keys, policy) = self.decryption.as_ref()?;
        Some(DecryptionContext {
            provider: &self.provider,
            keys,
            policy,
            recipient: Some(self.service_provider.as_str()),
            limits: &self.limits,
            now: self.now,
        })
    }

    /// What this response must agree with.
    pub(crate) fn expectation<'s>(&'s self, response: &VerifiedResponse) -> Expectation<'s> {
        let issuer = response.assertion().issuer.clone();
        let identity_provider = self.peer.entity_id.clone().unwrap_or(issuer);
        let id = match &self.request {
            Request::This(id) => Some(id.clone()),
            Request::None => None,
            Request::Any => response.envelope().in_response_to.clone(),
        };
        let request = id.map(|id| SentRequest {
            id,
            identity_provider: Some(identity_provider.clone()),
            issue_instant: self.now,
            force_authn: false,
            requested_authn_context: None,
        });
        Expectation {
            setting: self,
            identity_provider,
            request,
        }
    }

    /// What an operator must know of the answer to a question that was left open.
    pub(crate) const fn remark(&self) -> &'static str {
        match self.request {
            Request::Any => {
                "federate: neither --request-id nor --unsolicited was given: whichever \
                 InResponseTo the response has is accepted\n"
            }
            _ => "",
        }
    }
}

/// A [`Setting`] with what it takes from the response.
#[derive(Debug)]
pub(crate) struct Expectation<'s> {
    setting: &'s Setting,
    identity_provider: EntityId,
    request: Option<SentRequest>,
}

impl Expectation<'_> {
    pub(crate) fn as_ref(&self) -> LoginExpectation<'_> {
        LoginExpectation {
            service_provider: &self.setting.service_provider,
            assertion_consumer_service: &self.setting.assertion_consumer_service,
            identity_provider: &self.identity_provider,
            request: self.request.as_ref(),
            now: self.setting.now,
            policy: &self.setting.policy,
        }
    }
}

/// An entity identifier of an option.
pub(crate) fn entity_id(option: &str, id: &str) -> Result<EntityId, Problem> {
    EntityId::new(id).map_err(|e| Problem::of(option, e))
}
