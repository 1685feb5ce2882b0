//! The Web Browser SSO profile's rules for a response (`[SAMLProf] 4.1.4.2`, `4.1.4.3`).

use super::{Refusal, Rule, destination, in_response_to, issue_instant, issuer};
use crate::assertion::{Assertion, AuthnStatement, Conditions};
use crate::attribute::Attribute;
use crate::response::{Response, VerifiedResponse};
use crate::subject::{BEARER, SubjectConfirmation};
use chrono::{DateTime, Utc};
use federate_types::{ClockSkew, EntityId, MessageId, NameId, SessionIndex};
use serde::{Deserialize, Serialize};

/// What a service provider remembers of an AuthnRequest that it sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRequest {
    /// The request's identifier.
    pub id: MessageId,
    /// The identity provider that was asked: no other may answer.
    pub identity_provider: EntityId,
    /// When it was sent.
    pub issue_instant: DateTime<Utc>,
    /// Whether the person was to prove who they are anew.
    pub force_authn: bool,
    /// Which classes of authentication were asked for; any will do if there is none.
    pub authn_context_class_refs: Vec<String>,
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
    /// How far the clocks may differ.
    pub skew: ClockSkew,
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
    let signed = response.envelope_is_signed();
    message(response.envelope(), expect, signed)?;
    let assertion = response.assertion();
    assertion_issuer(assertion, expect)?;
    issue_instant(
        Rule::AssertionIssueInstant,
        assertion.issue_instant,
        expect.now,
        expect.skew,
    )?;
    let confirmed_until = subject_confirmation(assertion, expect)?;
    let conditions = assertion.conditions.as_ref();
    let conditions = conditions.ok_or_else(|| {
        Refusal::new(
            Rule::Audience,
            expect.service_provider.as_str(),
            "no Conditions",
        )
    })?;
    validity_window(conditions, expect)?;
    audience(conditions, expect)?;
    known_conditions(conditions)?;
    let statement = authn_statement(assertion, expect)?;
    let name_id = name_id(assertion, expect)?.clone();
    let assertion = response.into_assertion();
    let replay_until = confirmed_until
        .checked_add_signed(expect.skew.as_delta())
        .unwrap_or(DateTime::<Utc>::MAX_UTC);
    Ok(ValidatedLogin {
        issuer: assertion.issuer,
        name_id,
        attributes: assertion.attributes,
        statement,
        assertion_id: assertion.id,
        replay_until,
        in_response_to: expect.request.map(|r| r.id.clone()),
    })
}

/// The rules for the message around the assertion.
fn message(
    envelope: &Response,
    expect: &LoginExpectation<'_>,
    signed: bool,
) -> Result<(), Refusal> {
    // [SAMLProf] 4.1.4.2: the Issuer may be left out of an unsigned message only.
    if signed || envelope.issuer.is_some() {
        issuer(envelope.issuer.as_ref(), expect.identity_provider)?;
    }
    destination(
        envelope.destination.as_deref(),
        expect.assertion_consumer_service,
        signed,
    )?;
    // [SAMLCore] 3.2.2: present if and only if the message answers a request.
    let expected = expect.request.map(|r| &r.id);
    in_response_to(expected, envelope.in_response_to.as_ref())?;
    issue_instant(
        Rule::IssueInstant,
        envelope.issue_instant,
        expect.now,
        expect.skew,
    )
}

/// `[SAMLProf] 4.1.4.2`: the assertion's issuer is the identity provider that was asked.
fn assertion_issuer(assertion: &Assertion, expect: &LoginExpectation<'_>) -> Result<(), Refusal> {
    if assertion.issuer == *expect.identity_provider {
        return Ok(());
    }
    Err(Refusal::new(
        Rule::AssertionIssuer,
        expect.identity_provider.as_str(),
        assertion.issuer.as_str(),
    ))
}

/// `[SAMLProf] 4.1.4.2`, `4.1.4.3`: at least one bearer confirmation for us, now, and for
/// this request. Gives the instant until which it confirms.
fn subject_confirmation(
    assertion: &Assertion,
    expect: &LoginExpectation<'_>,
) -> Result<DateTime<Utc>, Refusal> {
    let confirmations = assertion.subject.iter().flat_map(|s| &s.confirmations);
    let mut first_refusal = None;
    for confirmation in confirmations.filter(|c| c.method == BEARER) {
        match bearer(confirmation, expect) {
            Ok(until) => return Ok(until),
            Err(refusal) => first_refusal = first_refusal.or(Some(refusal)),
        }
    }
    Err(first_refusal.unwrap_or_else(|| {
        Refusal::new(
            Rule::SubjectConfirmation,
            "a bearer confirmation",
            "none of that method",
        )
    }))
}

fn bearer(
    confirmation: &SubjectConfirmation,
    expect: &LoginExpectation<'_>,
) -> Result<DateTime<Utc>, Refusal> {
    // [SAMLProf] 4.1.4.2: Recipient is the address of the assertion consumer service.
    let recipient = confirmation.recipient.as_deref();
    if recipient != Some(expect.assertion_consumer_service) {
        let actual = recipient.unwrap_or("no Recipient");
        let expected = expect.assertion_consumer_service;
        return Err(Refusal::new(Rule::Recipient, expected, actual));
    }
    if let Some(not_before) = confirmation.not_before {
        let actual = not_before.to_string();
        return Err(Refusal::new(Rule::ConfirmationNotBefore, "none", actual));
    }
    let expected = || format!("a NotOnOrAfter after {}", expect.now);
    let Some(until) = confirmation.not_on_or_after else {
        return Err(Refusal::new(Rule::ConfirmationExpired, expected(), "none"));
    };
    if expect.skew.is_reached(expect.now, until) {
        let actual = until.to_string();
        return Err(Refusal::new(Rule::ConfirmationExpired, expected(), actual));
    }
    // [SAMLProf] 4.1.4.3: the confirmation itself, which is signed, names the request.
    let request = expect.request.map(|r| &r.id);
    in_response_to(request, confirmation.in_response_to.as_ref()).map_err(|refusal| Refusal {
        rule: Rule::AssertionInResponseTo,
        ..refusal
    })?;
    Ok(until)
}

/// `[SAMLCore] 2.5.1.2`: NotBefore <= now < NotOnOrAfter.
fn validity_window(conditions: &Conditions, expect: &LoginExpectation<'_>) -> Result<(), Refusal> {
    let now = expect.now;
    if let Some(from) = conditions.not_before
        && expect.skew.is_before(now, from)
    {
        let expected = format!("a NotBefore not after {now}");
        return Err(Refusal::new(Rule::NotYetValid, expected, from.to_string()));
    }
    if let Some(until) = conditions.not_on_or_after
        && expect.skew.is_reached(now, until)
    {
        let expected = format!("a NotOnOrAfter after {now}");
        return Err(Refusal::new(Rule::Expired, expected, until.to_string()));
    }
    Ok(())
}

/// `[SAMLCore] 2.5.1.4`: every restriction names us; `[SAMLProf] 4.1.4.2`: there is one.
fn audience(conditions: &Conditions, expect: &LoginExpectation<'_>) -> Result<(), Refusal> {
    let us = expect.service_provider.as_str();
    let restrictions = &conditions.audience_restrictions;
    let failing = restrictions.iter().find(|r| r.iter().all(|a| a != us));
    match failing {
        None if !restrictions.is_empty() => Ok(()),
        None => Err(Refusal::new(Rule::Audience, us, "no AudienceRestriction")),
        Some(audiences) => Err(Refusal::new(Rule::Audience, us, audiences.join(", "))),
    }
}

/// `[SAMLCore] 2.5.1.1`: a condition that is not understood makes the assertion's validity
/// indeterminate. OneTimeUse is satisfied by the replay check, ProxyRestriction by issuing
/// no assertion on this one's strength.
fn known_conditions(conditions: &Conditions) -> Result<(), Refusal> {
    match conditions.unknown {
        0 => Ok(()),
        n => Err(Refusal::new(
            Rule::UnknownCondition,
            "conditions of SAML 2.0",
            format!("{n} unknown"),
        )),
    }
}

/// `[SAMLProf] 4.1.4.2`: the person is named. `[SAMLCore] 2.2.2`, `8.3.7`: a name that is
/// qualified with a service provider is a name for that one only.
fn name_id<'a>(
    assertion: &'a Assertion,
    expect: &LoginExpectation<'_>,
) -> Result<&'a NameId, Refusal> {
    let name_id = assertion.subject.as_ref().and_then(|s| s.name_id.as_ref());
    let name_id = name_id.ok_or_else(|| Refusal::new(Rule::NameIdMissing, "a NameID", "none"))?;
    match &name_id.sp_name_qualifier {
        Some(qualifier) if qualifier != expect.service_provider => Err(Refusal::new(
            Rule::NameIdQualifier,
            expect.service_provider.as_str(),
            qualifier.as_str(),
        )),
        _ => Ok(name_id),
    }
}

/// `[SAMLProf] 4.1.4.2`: one statement at least says how the person signed in; it fits what
/// was asked for, and its session lasts.
fn authn_statement(
    assertion: &Assertion,
    expect: &LoginExpectation<'_>,
) -> Result<AuthnStatement, Refusal> {
    let statements = &assertion.authn_statements;
    let Some(mut statement) = statements.first().cloned() else {
        let rule = Rule::AuthnStatementMissing;
        return Err(Refusal::new(rule, "an AuthnStatement", "none"));
    };
    // [SAMLCore] 2.7.2: at SessionNotOnOrAfter the session is over; of several, the earliest.
    let ends = statements.iter().filter_map(|s| s.session_not_on_or_after);
    statement.session_not_on_or_after = ends.min();
    if let Some(until) = statement.session_not_on_or_after
        && expect.skew.is_reached(expect.now, until)
    {
        let expected = format!("a SessionNotOnOrAfter after {}", expect.now);
        return Err(Refusal::new(
            Rule::SessionExpired,
            expected,
            until.to_string(),
        ));
    }
    authn_instant(&statement, expect)?;
    authn_context(&statement, expect)?;
    Ok(statement)
}

/// `[SAMLCore] 3.4.1`: in the past, and after the request if it forced a new sign-in.
fn authn_instant(statement: &AuthnStatement, expect: &LoginExpectation<'_>) -> Result<(), Refusal> {
    let instant = statement.authn_instant;
    if expect.skew.is_before(expect.now, instant) {
        let expected = format!("not after {}", expect.now);
        return Err(Refusal::new(
            Rule::AuthnInstant,
            expected,
            instant.to_string(),
        ));
    }
    if let Some(request) = expect.request.filter(|r| r.force_authn)
        && expect.skew.is_before(instant, request.issue_instant)
    {
        let expected = format!("a new sign-in after {}", request.issue_instant);
        return Err(Refusal::new(
            Rule::AuthnInstant,
            expected,
            instant.to_string(),
        ));
    }
    Ok(())
}

/// `[SAMLCore] 3.3.2.2.1`, comparison `exact`: one of the classes that were asked for.
fn authn_context(statement: &AuthnStatement, expect: &LoginExpectation<'_>) -> Result<(), Refusal> {
    let Some(wanted) = expect.request.map(|r| &r.authn_context_class_refs) else {
        return Ok(());
    };
    let actual = statement.authn_context.as_deref();
    if wanted.is_empty() || wanted.iter().any(|w| Some(w.as_str()) == actual) {
        return Ok(());
    }
    Err(Refusal::new(
        Rule::AuthnContext,
        wanted.join(" or "),
        actual.unwrap_or("none"),
    ))
}
