//! SAML 2.0 messages: assertions built and signed, requests, responses, bindings and
//! validation.
//!
//! A message comes in by a [`binding`], becomes [`federate_xml::Unverified`], tells by its
//! [`hints`](MessageHints) whose keys to use, is verified, and is validated by the rules of
//! its profile. What goes out is built by [`issue_response`] or is one of the message types,
//! written in canonical form and signed as it stands.
//!
//! The citations are to the OASIS specifications of SAML V2.0 with Errata 05: `[SAMLCore]`,
//! `[SAMLBind]`, `[SAMLProf]`, `[SAMLMeta]`; to its SimpleSign binding 1.0: `[SimpleSign]`; to
//! its Enhanced Client or Proxy profile 2.0: `[ECP2]`; to its Asynchronous Single Logout extension
//! 1.0: `[AsyncSLO]`; and to SOAP 1.1: `[SOAP]`.

mod advice;
mod artifact;
mod assertion;
mod attribute;
mod authn_context;
mod authn_request;
pub mod binding;
pub mod ecp;
mod encrypted;
mod error;
mod extensions;
mod hint;
mod issue;
mod logout;
mod message;
mod names;
mod response;
mod subject;
mod validate;

pub use advice::advice;
pub use artifact::{
    Artifact, ArtifactResolve, ArtifactResponse, SourceId, verify_artifact_message,
    verify_artifact_response,
};
pub use assertion::{Assertion, AuthnStatement, Conditions};
pub use attribute::{
    Attribute, AttributeValue, NAME_FORMAT_BASIC, NAME_FORMAT_UNSPECIFIED, NAME_FORMAT_URI,
};
pub use authn_context::{CLASSES, Comparison, RequestedAuthnContext};
pub use authn_request::{AuthnRequest, NameIdPolicy, Scoping};
pub use encrypted::{Encryptable, read_signed};
pub use error::{BindingError, SamlError};
pub use extensions::{Extension, Extensions};
pub use hint::MessageHints;
pub use issue::{IssuePolicy, Login, SignedPart, issue_failure, issue_response};
pub use logout::{LogoutRequest, LogoutResponse, REASON_USER};
pub use message::{Message, MessageKind, signed_xml, unsigned_xml};
pub use response::{
    Coverage, Response, VerifiedResponse, verify_response, verify_simple_sign_response,
};
pub use subject::{BEARER, Subject, SubjectConfirmation};
pub use validate::{
    ArtifactResolveExpectation, ArtifactResponseExpectation, AuthnRequestExpectation,
    LoginExpectation, LoginPolicy, LogoutExpectation, MAX_REQUEST_AGE, Refusal, RequiredSignature,
    Rule, SentRequest, ValidatedLogin, examine_response, response_rules, validate_artifact_resolve,
    validate_artifact_response, validate_authn_request, validate_logout_request,
    validate_logout_response, validate_response,
};
