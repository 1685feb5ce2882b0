//! The Web Browser SSO profile's rules for a response (`[SAMLProf] 4.1.4.2`, `4.1.4.3`).

mod rules;

use super::{Refusal, Rule};
use crate::assertion::AuthnStatement;
use crate::attribute::Attribute;
use crate::authn_context::RequestedAuthnContext;
use crate::response::{Coverage, VerifiedResponse};
use chrono::{DateTime, Utc};
use federate_types::{ClockSkew, EntityId, MessageId, NameId, Provenance, SessionIndex};
use rules::{Facts, RULES};
use serde::{Deserialize, Serialize};

/// What a service provider remembers of an AuthnRequest that it sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRequest {
    /// The request's identifier.
    pub id: MessageId,
    /// The identity provider that was asked: no other may answer. None if the person's own
    /// program chose one that is configured ([`ecp`](crate::ecp)).
    pub identity_provider: Option<EntityId>,
    /// When it was sent.
    pub issue_instant: DateTime<Utc>,
    /// Whether the person was to prove who they are anew.
    pub force_authn: bool,
    /// Which ways of authentication were asked for; any will do if there is none.
    pub requested_authn_context: Option<RequestedAuthnContext>,
}

/// What is required of the responses of one identity provider, beyond what the profile requires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoginPolicy {
    /// How far the clocks may differ.
    pub skew: ClockSkew,
    /// What must be signed.
    pub signed: RequiredSignature,
    /// Whether the assertion must be encrypted.
    pub encrypted: bool,
}

/// What must be signed of a response. The assertion is covered in any case: by its own signature
/// or by that of the response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequiredSignature {
    /// The response or the assertion.
    #[default]
    Either,
    /// The assertion itself, whether the response is signed or not.
    Assertion,
    /// The response.
    Response,
    /// Both.
    Both,
}

impl RequiredSignature {
    /// Whether these signatures are enough.
    #[must_use]
    pub const fn is_met_by(self, coverage: Coverage) -> bool {
        matches!(
            (self, coverage),
            (Self::Either, _)
                | (_, Coverage::Both)
                | (Self::Assertion, Coverage::Assertion)
                | (Self::Response, Coverage::Response)
        )
    }
}

/// What a response must agree with.
#[derive(Debug, Clone, Copy)]
pub struct LoginExpectation<'a> {
    /// Who we are: the audience.
    pub service_provider: &'a EntityId,
    /// The address at which the response arrived, as configured.
    pub assertion_consumer_service: &'a str,
    /// Who must have answered.
    pub identity_provider: &'a EntityId,
    /// The request that was sent; `None` accepts only a response that nobody asked for.
    pub request: Option<&'a SentRequest>,
    /// The present.
    pub now: DateTime<Utc>,
    /// What is required of this identity provider.
    pub policy: &'a LoginPolicy,
}

/// A login that satisfies every rule: it still has to be redeemed, once, in the store.
///
/// Only [`validate_response`] makes one:
///
/// ```compile_fail,E0451
/// let forged = federate_saml::ValidatedLogin { ..todo!() };
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct ValidatedLogin {
    issuer: EntityId,
    name_id: NameId,
    attributes: Vec<Attribute>,
    statement: AuthnStatement,
    provenance: Provenance,
    assertion_id: MessageId,
    replay_until: DateTime<Utc>,
    in_response_to: Option<MessageId>,
}

impl ValidatedLogin {
    /// The identity provider that vouches for it.
    pub const fn issuer(&self) -> &EntityId {
        &self.issuer
    }

    /// The person's name between the two parties.
    pub const fn name_id(&self) -> &NameId {
        &self.name_id
    }

    /// What else is known of the person.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// When the person signed in at the identity provider.
    #[must_use]
    pub const fn authn_instant(&self) -> DateTime<Utc> {
        self.statement.authn_instant
    }

    /// How they signed in.
    #[must_use]
    pub fn authn_context(&self) -> Option<&str> {
        self.statement.authn_context.as_deref()
    }

    /// The identity provider's name for the session.
    #[must_use]
    pub const fn session_index(&self) -> Option<&SessionIndex> {
        self.statement.session_index.as_ref()
    }

    /// The first instant at which the session must be over.
    #[must_use]
    pub const fn session_not_on_or_after(&self) -> Option<DateTime<Utc>> {
        self.statement.session_not_on_or_after
    }

    /// What the identity provider's word rests on, and which assertions may be based on it.
    #[must_use]
    pub const fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The assertion's identifier, which must be redeemed once only ...
    #[must_use]
    pub const fn assertion_id(&self) -> &MessageId {
        &self.assertion_id
    }

    /// ... and remembered until then.
    #[must_use]
    pub const fn replay_until(&self) -> DateTime<Utc> {
        self.replay_until
    }

    /// The request that it answers, which is consumed with it.
    #[must_use]
    pub const fn in_response_to(&self) -> Option<&MessageId> {
        self.in_response_to.as_ref()
    }
}

/// Applies every rule of the profile.
///
/// # Errors
/// [`Refusal`] of the first rule that is broken.
pub fn validate_response(
    response: VerifiedResponse,
    expect: &LoginExpectation<'_>,
) -> Result<ValidatedLogin, Refusal> {
    let facts = Facts::new(&response, expect);
    for (_, rule) in RULES {
        rule(&facts)?;
    }
    let confirmed_until = facts.confirmed_until()?;
    let statement = facts.session()?;
    let name_id = facts.name_id()?.clone();
    let provenance = facts.provenance();
    let assertion = response.into_assertion();
    let replay_until = confirmed_until
        .checked_add_signed(expect.policy.skew.as_delta())
        .unwrap_or(DateTime::<Utc>::MAX_UTC);
    Ok(ValidatedLogin {
        issuer: assertion.issuer,
        name_id,
        attributes: assertion.attributes,
        statement,
        provenance,
        assertion_id: assertion.id,
        replay_until,
        in_response_to: expect.request.map(|r| r.id.clone()),
    })
}

/// The rules of a response, in the order in which [`validate_response`] applies them: to tell an
/// operator which ones were not reached.
///
/// ```
/// let rules: Vec<_> = federate_saml::response_rules().collect();
/// assert!(rules.contains(&federate_saml::Rule::Audience));
/// ```
pub fn response_rules() -> impl Iterator<Item = Rule> {
    RULES.iter().map(|(rule, _)| *rule)
}

/// Applies every rule of the profile, also after one was broken: to tell an operator all that
/// is wrong. Nobody is signed in by this.
///
/// Each rule comes with its result; the refusal may name a narrower one, as that of
/// [`Rule::SubjectConfirmation`] names the [`Rule::Recipient`].
#[must_use]
pub fn examine_response(
    response: &VerifiedResponse,
    expect: &LoginExpectation<'_>,
) -> Vec<(Rule, Result<(), Refusal>)> {
    let facts = Facts::new(response, expect);
    RULES
        .iter()
        .map(|(rule, apply)| (*rule, apply(&facts)))
        .collect()
}
