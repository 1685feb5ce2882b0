//! The rules of the profiles: each a small function with its citation.
//!
//! A rule compares what a verified message says with what is expected at this moment, and
//! refuses with both.

mod artifact;
mod authn_request;
mod logout;
mod response;

pub use artifact::{
    ArtifactResolveExpectation, ArtifactResponseExpectation, validate_artifact_resolve,
    validate_artifact_response,
};
pub use authn_request::{AuthnRequestExpectation, validate_authn_request};
pub use logout::{LogoutExpectation, validate_logout_request, validate_logout_response};
pub use response::{
    LoginExpectation, LoginPolicy, RequiredSignature, SentRequest, ValidatedLogin,
    examine_response, response_rules, validate_response,
};

use chrono::{DateTime, Utc};
use federate_types::{Binding, ClockSkew, EntityId, MessageId};
use std::fmt;

/// A rule was broken: which, what was expected, and what came.
///
/// `Display` tells the rule and what was expected; what came is in its field, because an
/// attacker may have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// What would have been accepted.
    pub expected: String,
    /// What came.
    pub actual: String,
}

impl Refusal {
    pub(crate) fn new(rule: Rule, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self {
            rule,
            expected: expected.into(),
            actual: actual.into(),
        }
    }

    /// The stable machine code of this refusal.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.rule.code()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.rule.sentence(), self.expected)
    }
}

impl std::error::Error for Refusal {}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident, $code:literal, $sentence:literal, $citation:literal;)*) => {
        /// The rules that a message can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!($sentence, " (`", $citation, "`).")] $name,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable machine code of a refusal by this rule.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What went wrong, in a sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }

            /// Where the rule stands.
            #[must_use]
            pub const fn citation(self) -> &'static str {
                match self { $(Self::$name => $citation,)* }
            }
        }
    };
}

rules! {
    Issuer, "message.issuer_mismatch", "the message is from another party", "[SAMLCore] 3.2";
    Destination, "message.destination_mismatch", "the message was sent to another address", "[SAMLBind] 3.5.5.2";
    IssueInstant, "message.issue_instant", "the message was not made at a believable time", "[SAMLCore] 3.2.1";
    InResponseTo, "message.in_response_to_mismatch", "the message does not answer this request", "[SAMLCore] 3.2.2";
    Signed, "message.unsigned", "the message must be signed", "[SAMLProf] 4.4.3.1";
    Encrypted, "message.encrypted", "the message is encrypted, and there is no key to decrypt it with", "[SAMLCore] 2.2.4";
    AssertionCount, "response.assertion_count", "the response must contain one assertion", "[SAMLProf] 4.1.4.2";
    Coverage, "response.signature_coverage", "the response is not signed as this connection requires", "[SAMLProf] 4.1.4.5";
    NotEncrypted, "response.not_encrypted", "the assertion is not encrypted, as this connection requires", "[SAMLProf] 4.1.4.2";
    AssertionIssuer, "response.issuer_mismatch", "the assertion is from another identity provider", "[SAMLProf] 4.1.4.2";
    AssertionIssueInstant, "response.issue_instant", "the assertion was not made at a believable time", "[SAMLCore] 2.3.3";
    SubjectConfirmation, "response.subject_confirmation", "the assertion is not confirmed for its bearer", "[SAMLProf] 4.1.4.2";
    Recipient, "response.recipient_mismatch", "the assertion is for another address", "[SAMLProf] 4.1.4.2";
    ConfirmationExpired, "response.confirmation_expired", "the assertion came too late", "[SAMLProf] 4.1.4.2";
    ConfirmationNotBefore, "response.confirmation_not_before", "a bearer confirmation must not have NotBefore", "[SAMLProf] 4.1.4.2";
    AssertionInResponseTo, "response.in_response_to_mismatch", "the assertion does not answer the request", "[SAMLProf] 4.1.4.3";
    NotYetValid, "response.not_yet_valid", "the assertion does not hold yet", "[SAMLCore] 2.5.1.2";
    Expired, "response.expired", "the assertion no longer holds", "[SAMLCore] 2.5.1.2";
    Audience, "response.audience_mismatch", "the assertion is for another audience", "[SAMLCore] 2.5.1.4";
    UnknownCondition, "response.unknown_condition", "the assertion has a condition that is not understood", "[SAMLCore] 2.5.1.1";
    NameIdMissing, "response.name_id_missing", "the assertion does not name its subject", "[SAMLProf] 4.1.4.2";
    NameIdQualifier, "response.name_id_qualifier", "the name is one for another service provider", "[SAMLCore] 8.3.7";
    AuthnStatementMissing, "response.authn_statement_missing", "the assertion does not say how the person signed in", "[SAMLProf] 4.1.4.2";
    SessionExpired, "response.session_expired", "the session at the identity provider is over", "[SAMLCore] 2.7.2";
    AuthnInstant, "response.authn_instant", "the person signed in at a time that does not fit", "[SAMLCore] 3.4.1";
    AuthnContext, "response.authn_context", "the person signed in in a way that was not asked for", "[SAMLCore] 3.3.2.2.1";
    AcsAmbiguous, "request.acs_ambiguous", "the request says twice where the answer shall go", "[SAMLCore] 3.4.1";
    AcsNotRegistered, "request.acs_not_registered", "the answer shall go to an address that is not registered", "[SAMLProf] 4.1.4.1";
    ArtifactSource, "artifact.source_mismatch", "the artifact was issued by another party", "[SAMLBind] 3.6.4.2";
    ArtifactEndpoint, "artifact.unknown_endpoint", "the artifact names an endpoint that its issuer does not have", "[SAMLBind] 3.6.4";
    ArtifactMessage, "artifact.no_message", "the artifact stands for no message", "[SAMLCore] 3.5.3";
    ResponseConsumer, "ecp.response_consumer_mismatch", "the identity provider answers to another address than the service provider named", "[SAMLProf] 4.2.4.4";
    LogoutExpired, "logout.expired", "the logout request came too late", "[SAMLCore] 3.7.1";
}

/// `[SAMLCore] 3.2`: the message names the party that it must be from.
pub(crate) fn issuer(actual: Option<&EntityId>, expected: &EntityId) -> Result<(), Refusal> {
    if actual == Some(expected) {
        return Ok(());
    }
    let actual = actual.map_or("no Issuer", EntityId::as_str);
    Err(Refusal::new(Rule::Issuer, expected.as_str(), actual))
}

/// The address at which a message arrived is the one it names; it may leave that out where none
/// is required. Compared byte for byte.
pub(crate) fn destination(
    actual: Option<&str>,
    expected: &str,
    required: bool,
) -> Result<(), Refusal> {
    match actual {
        Some(actual) if actual == expected => Ok(()),
        None if !required => Ok(()),
        actual => {
            let actual = actual.unwrap_or("no Destination");
            Err(Refusal::new(Rule::Destination, expected, actual))
        }
    }
}

/// `[SAMLBind] 3.4.5.2`, `3.5.5.2`: a signed message that a browser carries must name where it
/// goes. One that comes by SOAP, straight or reverse (`[SAMLBind] 3.2`, `3.3`), need not.
pub(crate) const fn requires_destination(binding: Binding) -> bool {
    !matches!(binding, Binding::Soap | Binding::Paos)
}

/// `[SAMLCore] 3.2.2`: the message answers this request, or none if none was sent.
pub(crate) fn in_response_to(
    expected: Option<&MessageId>,
    actual: Option<&MessageId>,
) -> Result<(), Refusal> {
    if actual == expected {
        return Ok(());
    }
    let text = |id: Option<&MessageId>| id.map_or("no InResponseTo", MessageId::as_str).to_owned();
    Err(Refusal::new(
        Rule::InResponseTo,
        text(expected),
        text(actual),
    ))
}

/// How old a request may be when it arrives; the person may have waited in front of a page.
pub const MAX_REQUEST_AGE: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// `[SAMLCore] 3.2.1`: made in the past, and not long ago.
pub(crate) fn issue_instant(
    rule: Rule,
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
    skew: ClockSkew,
) -> Result<(), Refusal> {
    let oldest = now.checked_sub_signed(MAX_REQUEST_AGE);
    let too_old = oldest.is_some_and(|oldest| skew.is_reached(oldest, instant));
    if skew.is_before(now, instant) || too_old {
        let expected = format!("within 10 minutes before {now}");
        return Err(Refusal::new(rule, expected, instant.to_string()));
    }
    Ok(())
}
