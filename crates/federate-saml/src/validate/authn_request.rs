//! The identity provider's rules for an AuthnRequest (`[SAMLProf] 4.1.4.1`).

use super::{Refusal, Rule, destination, issue_instant, issuer, requires_destination};
use crate::authn_request::AuthnRequest;
use chrono::{DateTime, Utc};
use federate_types::{Binding, ClockSkew, EntityId};

/// What an AuthnRequest must agree with.
#[derive(Debug, Clone, Copy)]
pub struct AuthnRequestExpectation<'a> {
    /// The service provider whose metadata was chosen by the request's issuer.
    pub service_provider: &'a EntityId,
    /// The address at which the request arrived, as configured.
    pub single_sign_on_service: &'a str,
    /// How the message arrived: SOAP does not want a Destination, the browser's bindings do.
    pub binding: Binding,
    /// Whether a signature of the service provider was verified.
    pub signed: bool,
    /// Whether one is required.
    pub must_be_signed: bool,
    /// The present.
    pub now: DateTime<Utc>,
    /// How far the clocks may differ.
    pub skew: ClockSkew,
}

/// Applies every rule that does not need the metadata's endpoints: those are looked up by
/// whoever answers.
///
/// # Errors
/// [`Refusal`] of the first rule that is broken.
pub fn validate_authn_request(
    request: &AuthnRequest,
    expect: &AuthnRequestExpectation<'_>,
) -> Result<(), Refusal> {
    issuer(request.issuer.as_ref(), expect.service_provider)?;
    // [SAMLMeta] 2.4.3, 2.4.4: as the metadata of either side says.
    if expect.must_be_signed && !expect.signed {
        return Err(Refusal::new(Rule::Signed, "a signature", "none"));
    }
    // [SAMLCore] 3.4.1: the address and its number exclude each other.
    let index = request.assertion_consumer_service_index;
    if let (Some(url), Some(index)) = (&request.assertion_consumer_service_url, index) {
        let actual = format!("{url} and index {index}");
        return Err(Refusal::new(Rule::AcsAmbiguous, "one of the two", actual));
    }
    let actual = request.destination.as_deref();
    let required = expect.signed && requires_destination(expect.binding);
    destination(actual, expect.single_sign_on_service, required)?;
    issue_instant(
        Rule::IssueInstant,
        request.issue_instant,
        expect.now,
        expect.skew,
    )
}
