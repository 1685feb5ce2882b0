//! The rules for a response, each a function with its citation.

use super::{LoginExpectation, RequiredSignature};
use crate::assertion::{Assertion, AuthnStatement};
use crate::response::{Coverage, Response, VerifiedResponse};
use crate::subject::{BEARER, SubjectConfirmation};
use crate::validate::{Refusal, Rule, destination, in_response_to, issue_instant, issuer};
use chrono::{DateTime, Utc};
use federate_types::{NameId, Provenance};

type Check = fn(&Facts<'_>) -> Result<(), Refusal>;

/// The rules in the order in which they are applied.
pub(super) const RULES: &[(Rule, Check)] = &[
    (Rule::Coverage, coverage),
    (Rule::NotEncrypted, encrypted),
    (Rule::Issuer, message_issuer),
    (Rule::Destination, message_destination),
    (Rule::InResponseTo, message_in_response_to),
    (Rule::IssueInstant, message_issue_instant),
    (Rule::AssertionIssuer, assertion_issuer),
    (Rule::AssertionIssueInstant, assertion_issue_instant),
    (Rule::SubjectConfirmation, subject_confirmation),
    (Rule::NotYetValid, not_before),
    (Rule::Expired, not_on_or_after),
    (Rule::Audience, audience),
    (Rule::UnknownCondition, known_conditions),
    (Rule::AuthnStatementMissing, authn_statement),
    (Rule::SessionExpired, session_not_on_or_after),
    (Rule::AuthnInstant, authn_instant),
    (Rule::AuthnContext, authn_context),
    (Rule::NameIdMissing, name_id),
    (Rule::NameIdQualifier, name_id_qualifier),
];

/// What the rules look at.
pub(super) struct Facts<'a> {
    envelope: &'a Response,
    coverage: Coverage,
    /// Whether the message around the assertion is signed too.
    signed: bool,
    encrypted: bool,
    assertion: &'a Assertion,
    expect: &'a LoginExpectation<'a>,
}

impl<'a> Facts<'a> {
    pub(super) const fn new(
        response: &'a VerifiedResponse,
        expect: &'a LoginExpectation<'a>,
    ) -> Self {
        Self {
            envelope: response.envelope(),
            coverage: response.coverage(),
            signed: response.envelope_is_signed(),
            encrypted: response.was_encrypted(),
            assertion: response.assertion(),
            expect,
        }
    }

    /// `[SAMLProf] 4.1.4.2`, `4.1.4.3`: at least one bearer confirmation for us, now, and for
    /// this request. Gives the instant until which it confirms.
    pub(super) fn confirmed_until(&self) -> Result<DateTime<Utc>, Refusal> {
        let confirmations = self.assertion.subject.iter().flat_map(|s| &s.confirmations);
        let mut first_refusal = None;
        for confirmation in confirmations.filter(|c| c.method == BEARER) {
            match bearer(confirmation, self.expect) {
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

    /// `[SAMLProf] 4.1.4.2`: one statement at least says how the person signed in. Of several,
    /// the first tells how, and the earliest end counts (`[SAMLCore] 2.7.2`).
    pub(super) fn session(&self) -> Result<AuthnStatement, Refusal> {
        let statements = &self.assertion.authn_statements;
        let Some(mut statement) = statements.first().cloned() else {
            let rule = Rule::AuthnStatementMissing;
            return Err(Refusal::new(rule, "an AuthnStatement", "none"));
        };
        let ends = statements.iter().filter_map(|s| s.session_not_on_or_after);
        statement.session_not_on_or_after = ends.min();
        Ok(statement)
    }

    /// Who took part in all statements, each once, and how far all of it may be passed on.
    pub(super) fn provenance(&self) -> Provenance {
        let mut authorities = Vec::<String>::new();
        let statements = self.assertion.authn_statements.iter();
        for authority in statements.flat_map(|s| &s.authenticating_authorities) {
            if !authorities.contains(authority) {
                authorities.push(authority.clone());
            }
        }
        let conditions = self.assertion.conditions.as_ref();
        Provenance {
            authorities,
            restriction: conditions.and_then(|c| c.proxy_restriction.clone()),
        }
    }

    /// `[SAMLProf] 4.1.4.2`: the person is named.
    pub(super) fn name_id(&self) -> Result<&'a NameId, Refusal> {
        let subject = self.assertion.subject.as_ref();
        subject
            .and_then(|s| s.name_id.as_ref())
            .ok_or_else(|| Refusal::new(Rule::NameIdMissing, "a NameID", "none"))
    }
}

/// `[SAMLProf] 4.1.4.5`: what is signed is what this connection requires.
fn coverage(facts: &Facts<'_>) -> Result<(), Refusal> {
    let required = facts.expect.policy.signed;
    if required.is_met_by(facts.coverage) {
        return Ok(());
    }
    let expected = match required {
        RequiredSignature::Either => "a signature",
        RequiredSignature::Assertion => "a signature of the assertion",
        RequiredSignature::Response => "a signature of the response",
        RequiredSignature::Both => "signatures of the response and of the assertion",
    };
    let actual = match facts.coverage {
        Coverage::Response => "one of the response",
        Coverage::Assertion => "one of the assertion",
        Coverage::Both => "both",
    };
    Err(Refusal::new(Rule::Coverage, expected, actual))
}

/// `[SAMLProf] 4.1.4.2`: an assertion may travel encrypted; this connection may require it.
fn encrypted(facts: &Facts<'_>) -> Result<(), Refusal> {
    if facts.encrypted || !facts.expect.policy.encrypted {
        return Ok(());
    }
    let rule = Rule::NotEncrypted;
    Err(Refusal::new(rule, "an encrypted assertion", "a plain one"))
}

/// `[SAMLProf] 4.1.4.2`: the Issuer may be left out of a message only if that is unsigned and the
/// assertion in it is not encrypted.
fn message_issuer(facts: &Facts<'_>) -> Result<(), Refusal> {
    let actual = facts.envelope.issuer.as_ref();
    if !facts.signed && !facts.encrypted && actual.is_none() {
        return Ok(());
    }
    issuer(actual, facts.expect.identity_provider)
}

fn message_destination(facts: &Facts<'_>) -> Result<(), Refusal> {
    let actual = facts.envelope.destination.as_deref();
    let expected = facts.expect.assertion_consumer_service;
    destination(actual, expected, facts.signed)
}

/// `[SAMLCore] 3.2.2`: present if and only if the message answers a request.
fn message_in_response_to(facts: &Facts<'_>) -> Result<(), Refusal> {
    let expected = facts.expect.request.map(|r| &r.id);
    in_response_to(expected, facts.envelope.in_response_to.as_ref())
}

fn message_issue_instant(facts: &Facts<'_>) -> Result<(), Refusal> {
    let (instant, expect) = (facts.envelope.issue_instant, facts.expect);
    issue_instant(Rule::IssueInstant, instant, expect.now, expect.policy.skew)
}

/// `[SAMLProf] 4.1.4.2`: the assertion's issuer is the identity provider that was asked.
fn assertion_issuer(facts: &Facts<'_>) -> Result<(), Refusal> {
    let (configured, actual) = (facts.expect.identity_provider, &facts.assertion.issuer);
    let asked = facts
        .expect
        .request
        .and_then(|r| r.identity_provider.as_ref());
    let expected = asked.filter(|asked| *asked != actual).unwrap_or(configured);
    if actual == expected {
        return Ok(());
    }
    let (expected, actual) = (expected.as_str(), actual.as_str());
    Err(Refusal::new(Rule::AssertionIssuer, expected, actual))
}

fn assertion_issue_instant(facts: &Facts<'_>) -> Result<(), Refusal> {
    let (instant, expect) = (facts.assertion.issue_instant, facts.expect);
    let rule = Rule::AssertionIssueInstant;
    issue_instant(rule, instant, expect.now, expect.policy.skew)
}

fn subject_confirmation(facts: &Facts<'_>) -> Result<(), Refusal> {
    facts.confirmed_until().map(drop)
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
    if expect.policy.skew.is_reached(expect.now, until) {
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

/// `[SAMLCore] 2.5.1.2`: NotBefore <= now.
fn not_before(facts: &Facts<'_>) -> Result<(), Refusal> {
    let now = facts.expect.now;
    let conditions = facts.assertion.conditions.as_ref();
    match conditions.and_then(|c| c.not_before) {
        Some(from) if facts.expect.policy.skew.is_before(now, from) => {
            let expected = format!("a NotBefore not after {now}");
            Err(Refusal::new(Rule::NotYetValid, expected, from.to_string()))
        }
        _ => Ok(()),
    }
}

/// `[SAMLCore] 2.5.1.2`: now < NotOnOrAfter.
fn not_on_or_after(facts: &Facts<'_>) -> Result<(), Refusal> {
    let now = facts.expect.now;
    let conditions = facts.assertion.conditions.as_ref();
    match conditions.and_then(|c| c.not_on_or_after) {
        Some(until) if facts.expect.policy.skew.is_reached(now, until) => {
            let expected = format!("a NotOnOrAfter after {now}");
            Err(Refusal::new(Rule::Expired, expected, until.to_string()))
        }
        _ => Ok(()),
    }
}

/// `[SAMLCore] 2.5.1.4`: every restriction names us; `[SAMLProf] 4.1.4.2`: there is one.
fn audience(facts: &Facts<'_>) -> Result<(), Refusal> {
    let us = facts.expect.service_provider.as_str();
    let Some(conditions) = &facts.assertion.conditions else {
        return Err(Refusal::new(Rule::Audience, us, "no Conditions"));
    };
    let restrictions = &conditions.audience_restrictions;
    let failing = restrictions.iter().find(|r| r.iter().all(|a| a != us));
    match failing {
        None if !restrictions.is_empty() => Ok(()),
        None => Err(Refusal::new(Rule::Audience, us, "no AudienceRestriction")),
        Some(audiences) => Err(Refusal::new(Rule::Audience, us, audiences.join(", "))),
    }
}

/// `[SAMLCore] 2.5.1.1`: a condition that is not understood makes the assertion's validity
/// indeterminate. OneTimeUse is satisfied by the replay check; ProxyRestriction binds who
/// issues assertions on this one's strength, as told by `ValidatedLogin::provenance`.
fn known_conditions(facts: &Facts<'_>) -> Result<(), Refusal> {
    match facts.assertion.conditions.as_ref().map_or(0, |c| c.unknown) {
        0 => Ok(()),
        n => Err(Refusal::new(
            Rule::UnknownCondition,
            "conditions of SAML 2.0",
            format!("{n} unknown"),
        )),
    }
}

fn authn_statement(facts: &Facts<'_>) -> Result<(), Refusal> {
    facts.session().map(drop)
}

/// `[SAMLCore] 2.7.2`: at SessionNotOnOrAfter the session is over.
fn session_not_on_or_after(facts: &Facts<'_>) -> Result<(), Refusal> {
    let now = facts.expect.now;
    match facts.session()?.session_not_on_or_after {
        Some(until) if facts.expect.policy.skew.is_reached(now, until) => {
            let expected = format!("a SessionNotOnOrAfter after {now}");
            let actual = until.to_string();
            Err(Refusal::new(Rule::SessionExpired, expected, actual))
        }
        _ => Ok(()),
    }
}

/// `[SAMLCore] 3.4.1`: in the past, and after the request if it forced a new sign-in.
fn authn_instant(facts: &Facts<'_>) -> Result<(), Refusal> {
    let expect = facts.expect;
    let instant = facts.session()?.authn_instant;
    let refused = |expected| {
        let actual = instant.to_string();
        Err(Refusal::new(Rule::AuthnInstant, expected, actual))
    };
    if expect.policy.skew.is_before(expect.now, instant) {
        return refused(format!("not after {}", expect.now));
    }
    if let Some(request) = expect.request.filter(|r| r.force_authn)
        && expect.policy.skew.is_before(instant, request.issue_instant)
    {
        return refused(format!("a new sign-in after {}", request.issue_instant));
    }
    Ok(())
}

/// `[SAMLCore] 3.3.2.2.1`: as the classes and the comparison of the request have it.
fn authn_context(facts: &Facts<'_>) -> Result<(), Refusal> {
    let requested = facts.expect.request;
    let Some(requested) = requested.and_then(|r| r.requested_authn_context.as_ref()) else {
        return Ok(());
    };
    let statement = facts.session()?;
    let actual = statement.authn_context.as_deref();
    if requested.is_satisfied_by(actual) {
        return Ok(());
    }
    let comparison = requested.comparison.text();
    let expected = format!("{comparison} {}", requested.class_refs.join(" or "));
    let actual = actual.unwrap_or("none");
    Err(Refusal::new(Rule::AuthnContext, expected, actual))
}

fn name_id(facts: &Facts<'_>) -> Result<(), Refusal> {
    facts.name_id().map(drop)
}

/// `[SAMLCore] 2.2.2`, `8.3.7`: a name that is qualified with a service provider is a name for
/// that one only.
fn name_id_qualifier(facts: &Facts<'_>) -> Result<(), Refusal> {
    let us = facts.expect.service_provider;
    match &facts.name_id()?.sp_name_qualifier {
        Some(qualifier) if qualifier != us => {
            let (expected, actual) = (us.as_str(), qualifier.as_str());
            Err(Refusal::new(Rule::NameIdQualifier, expected, actual))
        }
        _ => Ok(()),
    }
}
