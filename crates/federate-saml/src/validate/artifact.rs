//! The rules for resolving artifacts (`[SAMLCore] 3.5`, `[SAMLProf] 5`).

use super::{Refusal, Rule, destination, in_response_to, issue_instant, issuer};
use crate::artifact::{ArtifactResolve, ArtifactResponse, SourceId};
use chrono::{DateTime, Utc};
use federate_types::{ClockSkew, EntityId, MessageId};
use federate_xml::Verified;

/// What an ArtifactResolve must agree with.
#[derive(Debug, Clone, Copy)]
pub struct ArtifactResolveExpectation<'a> {
    /// Whose keys verified the request.
    pub requester: &'a EntityId,
    /// Who we are, as artifacts of ours say.
    pub source_id: SourceId,
    /// The address at which the request arrived, as configured.
    pub artifact_resolution_service: &'a str,
    /// The present.
    pub now: DateTime<Utc>,
    /// How far the clocks may differ.
    pub skew: ClockSkew,
}

/// Applies every rule for an ArtifactResolve but two, which are the store's: an artifact is
/// resolved once, and only by the party for which it was issued (`[SAMLCore] 3.5.3`). Who asks
/// for another's artifact gets the answer for one that is not known.
///
/// It takes a verified request only: `[SAMLProf] 5.3.1` wants the requester authenticated.
///
/// # Errors
/// [`Refusal`] of the first rule that is broken.
pub fn validate_artifact_resolve(
    request: &Verified<ArtifactResolve>,
    expect: &ArtifactResolveExpectation<'_>,
) -> Result<(), Refusal> {
    issuer(request.issuer.as_ref(), expect.requester)?;
    // The SOAP binding does not require a Destination; one that is there counts.
    let actual = request.destination.as_deref();
    destination(actual, expect.artifact_resolution_service, false)?;
    let instant = request.issue_instant;
    issue_instant(Rule::IssueInstant, instant, expect.now, expect.skew)?;
    if request.artifact.source_id() != expect.source_id {
        return Err(Refusal::new(
            Rule::ArtifactSource,
            "our own source ID",
            "another",
        ));
    }
    Ok(())
}

/// What an ArtifactResponse must agree with.
#[derive(Debug, Clone, Copy)]
pub struct ArtifactResponseExpectation<'a> {
    /// Who issued the artifact, and so was asked.
    pub artifact_issuer: &'a EntityId,
    /// The ArtifactResolve that was sent.
    pub request: &'a MessageId,
    /// The address at which the artifact had arrived: what a Destination must name.
    pub destination: &'a str,
    /// The present.
    pub now: DateTime<Utc>,
    /// How far the clocks may differ.
    pub skew: ClockSkew,
}

/// Applies every rule for the ArtifactResponse itself; its status, and the message inside, are
/// for [`verify_artifact_response`](crate::verify_artifact_response), which calls this.
///
/// An unsigned one must keep them too, though it proves nothing.
///
/// # Errors
/// [`Refusal`] of the first rule that is broken.
pub fn validate_artifact_response(
    response: &ArtifactResponse,
    expect: &ArtifactResponseExpectation<'_>,
) -> Result<(), Refusal> {
    issuer(response.issuer.as_ref(), expect.artifact_issuer)?;
    let actual = response.destination.as_deref();
    destination(actual, expect.destination, false)?;
    in_response_to(Some(expect.request), response.in_response_to.as_ref())?;
    let instant = response.issue_instant;
    issue_instant(Rule::IssueInstant, instant, expect.now, expect.skew)
}
