//! What an identity provider says about a person who has signed in.

use crate::assertion::{Assertion, AuthnStatement, Conditions};
use crate::attribute::{Attribute, XS_PREFIX};
use crate::extensions::Extensions;
use crate::names::ENCRYPTED_ASSERTION;
use crate::response::Response;
use crate::subject::{BEARER, Subject, SubjectConfirmation};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::CryptoError;
use federate_types::{ClockSkew, EntityId, MessageId, NameId, Provenance, SessionIndex, Status};
use federate_xml::{Encryptor, Signer, Writer};

/// What is signed of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignedPart {
    /// The assertion (`[SAMLCore] 5.1`): what nearly every service provider expects.
    #[default]
    Assertion,
    /// The response, and with it all that it contains (`[SAMLCore] 5.2`, `5.3`).
    Response,
    /// Each by itself.
    Both,
}

/// How long an assertion may be presented, what of the response is signed, and what encrypted.
#[derive(Debug, Clone)]
pub struct IssuePolicy {
    /// How long the assertion holds from now; 5 minutes.
    pub lifetime: TimeDelta,
    /// How far its beginning is set back, for peers whose clock is behind.
    pub skew: ClockSkew,
    /// What is signed.
    pub signed_part: SignedPart,
    /// Encrypts the assertion, after it was signed, to the service provider.
    pub encryption: Option<Encryptor>,
    /// Whether attribute values tell their type, `xsi:type="xs:string"`, as a few service
    /// providers want it.
    pub typed_attributes: bool,
}

impl Default for IssuePolicy {
    fn default() -> Self {
        Self {
            lifetime: TimeDelta::minutes(5),
            skew: ClockSkew::default(),
            signed_part: SignedPart::default(),
            encryption: None,
            typed_attributes: false,
        }
    }
}

/// A person who has signed in, and the service provider that is to be told.
#[derive(Debug, Clone)]
pub struct Login<'a> {
    /// Who tells.
    pub identity_provider: &'a EntityId,
    /// Who is told: the audience.
    pub service_provider: &'a EntityId,
    /// Where the response goes: a registered assertion consumer service.
    pub assertion_consumer_service: &'a str,
    /// The request that is answered; `None` if the person came from the identity provider.
    pub in_response_to: Option<&'a MessageId>,
    /// The person's name between the two parties.
    pub name_id: NameId,
    /// What else is told of the person.
    pub attributes: &'a [Attribute],
    /// When the person signed in.
    pub authn_instant: DateTime<Utc>,
    /// How.
    pub authn_context: &'a str,
    /// Our name for the session, for this service provider.
    pub session_index: SessionIndex,
    /// The first instant at which the session must be over.
    pub session_not_on_or_after: DateTime<Utc>,
    /// What it rests on besides our own word.
    pub provenance: &'a Provenance,
}

/// Builds, signs and writes the response of the Web Browser SSO profile
/// (`[SAMLProf] 4.1.4.2`). The identifiers are fresh random ones.
///
/// # Errors
/// [`CryptoError`] when the key refuses.
pub fn issue_response(
    login: &Login<'_>,
    response_id: MessageId,
    assertion_id: MessageId,
    policy: &IssuePolicy,
    signer: &Signer,
    now: DateTime<Utc>,
) -> Result<Vec<u8>, CryptoError> {
    let assertion = assertion(login, assertion_id, policy, now);
    let typed = policy.typed_attributes;
    let mut w = Writer::new();
    assertion.write_with(login.attributes, typed, &mut w);
    let mut octets = match policy.signed_part {
        SignedPart::Response => w.finish(),
        SignedPart::Assertion | SignedPart::Both => signer.sign(w, &assertion.id)?,
    };
    if let Some(encryptor) = &policy.encryption {
        octets = encrypted(encryptor, &octets)?;
    }
    let response = Response {
        id: response_id,
        issue_instant: now,
        destination: Some(login.assertion_consumer_service.to_owned()),
        in_response_to: login.in_response_to.cloned(),
        issuer: Some(login.identity_provider.clone()),
        extensions: Extensions::default(),
        status: Status::success(),
        assertions: Vec::new(),
    };
    let mut w = Writer::new();
    if typed && !login.attributes.is_empty() {
        w.values_use(XS_PREFIX);
    }
    response.write_around(&mut w, &[octets]);
    match policy.signed_part {
        SignedPart::Assertion => Ok(w.finish()),
        SignedPart::Response | SignedPart::Both => signer.sign(w, &response.id),
    }
}

/// `[SAMLCore] 2.3.4`.
fn encrypted(encryptor: &Encryptor, assertion: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut w = Writer::new();
    w.start(ENCRYPTED_ASSERTION);
    w.embed(&encryptor.encrypt(assertion)?);
    Ok(w.finish())
}

/// Writes a signed response that reports a failure (`[SAMLCore] 3.2.2.2`).
///
/// # Errors
/// [`CryptoError`] when the key refuses.
pub fn issue_failure(response: &Response, signer: &Signer) -> Result<Vec<u8>, CryptoError> {
    let mut w = Writer::new();
    response.write_around(&mut w, &[]);
    signer.sign(w, &response.id)
}

fn assertion(
    login: &Login<'_>,
    id: MessageId,
    policy: &IssuePolicy,
    now: DateTime<Utc>,
) -> Assertion {
    let until = now + policy.lifetime;
    Assertion {
        id,
        issue_instant: now,
        issuer: login.identity_provider.clone(),
        subject: Some(Subject {
            name_id: Some(login.name_id.clone()),
            confirmations: vec![SubjectConfirmation {
                method: BEARER.to_owned(),
                not_before: None,
                not_on_or_after: Some(until),
                recipient: Some(login.assertion_consumer_service.to_owned()),
                in_response_to: login.in_response_to.cloned(),
            }],
        }),
        conditions: Some(Conditions {
            not_before: Some(now - policy.skew.as_delta()),
            not_on_or_after: Some(until),
            audience_restrictions: vec![vec![login.service_provider.as_str().to_owned()]],
            proxy_restriction: login.provenance.restriction.clone(),
            ..Conditions::default()
        }),
        authn_statements: vec![AuthnStatement {
            authn_instant: login.authn_instant,
            session_index: Some(login.session_index.clone()),
            session_not_on_or_after: Some(login.session_not_on_or_after),
            authn_context: Some(login.authn_context.to_owned()),
            authenticating_authorities: login.provenance.authorities.clone(),
        }],
        attributes: Vec::new(), // written from the login
    }
}
