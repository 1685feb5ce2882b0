//! The rules for logout messages (`[SAMLProf] 4.4.3`, `4.4.4`). They take verified messages
//! only: an unsigned one is refused before.

use super::{
    Refusal, Rule, destination, in_response_to, issue_instant, issuer, requires_destination,
};
use crate::logout::{LogoutRequest, LogoutResponse};
use chrono::{DateTime, Utc};
use federate_types::{Binding, ClockSkew, EntityId, MessageId};
use federate_xml::Verified;

/// What a logout message must agree with.
#[derive(Debug, Clone, Copy)]
pub struct LogoutExpectation<'a> {
    /// Whose keys verified the message.
    pub peer: &'a EntityId,
    /// The address at which it arrived, as configured.
    pub single_logout_service: &'a str,
    /// How the message arrived: SOAP does not want a Destination, the browser's bindings do.
    pub binding: Binding,
    /// The present.
    pub now: DateTime<Utc>,
    /// How far the clocks may differ.
    pub skew: ClockSkew,
}

/// Applies every rule for a LogoutRequest.
///
/// # Errors
/// [`Refusal`] of the first rule that is broken.
pub fn validate_logout_request(
    request: &Verified<LogoutRequest>,
    expect: &LogoutExpectation<'_>,
) -> Result<(), Refusal> {
    issuer(request.issuer.as_ref(), expect.peer)?;
    let actual = request.destination.as_deref();
    let required = requires_destination(expect.binding);
    destination(actual, expect.single_logout_service, required)?;
    let instant = request.issue_instant;
    issue_instant(Rule::IssueInstant, instant, expect.now, expect.skew)?;
    // [SAMLCore] 3.7.1: at NotOnOrAfter the request no longer counts.
    if let Some(until) = request.not_on_or_after
        && expect.skew.is_reached(expect.now, until)
    {
        let expected = format!("a NotOnOrAfter after {}", expect.now);
        return Err(Refusal::new(
            Rule::LogoutExpired,
            expected,
            until.to_string(),
        ));
    }
    Ok(())
}

/// Applies every rule for a LogoutResponse to the given request.
///
/// # Errors
/// [`Refusal`] of the first rule that is broken.
pub fn validate_logout_response(
    response: &Verified<LogoutResponse>,
    request: Option<&MessageId>,
    expect: &LogoutExpectation<'_>,
) -> Result<(), Refusal> {
    issuer(response.issuer.as_ref(), expect.peer)?;
    let actual = response.destination.as_deref();
    // By SOAP it came back on the connection of the request and was sent to no address: pysaml2
    // says so with an empty one.
    let actual = actual.filter(|actual| expect.binding != Binding::Soap || !actual.is_empty());
    let required = requires_destination(expect.binding);
    destination(actual, expect.single_logout_service, required)?;
    in_response_to(request, response.in_response_to.as_ref())?;
    let instant = response.issue_instant;
    issue_instant(Rule::IssueInstant, instant, expect.now, expect.skew)
}
