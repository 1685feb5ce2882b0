//! A157, A158: what the identity provider refuses of an AuthnRequest without knowing the
//! service provider's endpoints.

use crate::support::*;
use federate_saml::{
    AuthnRequest, AuthnRequestExpectation, Comparison, NameIdPolicy, RequestedAuthnContext, Rule,
    SamlError, Scoping, signed_xml, unsigned_xml, validate_authn_request,
};
use federate_types::{Binding, ClockSkew, NameId, NameIdFormat};
use federate_xml::{Limits, ReadError, ReadProblem, SignatureError, Unverified, XmlError};

/// A request with everything in it.
pub(crate) fn full() -> AuthnRequest {
    AuthnRequest {
        destination: Some(SSO.to_owned()),
        force_authn: true,
        is_passive: true,
        assertion_consumer_service_url: Some(ACS.to_owned()),
        protocol_binding: Some(Binding::HttpPost),
        name_id_policy: Some(NameIdPolicy {
            format: Some(NameIdFormat::Persistent),
            sp_name_qualifier: Some(entity(SP)),
            allow_create: true,
        }),
        requested_authn_context: Some(RequestedAuthnContext {
            comparison: Comparison::Minimum,
            class_refs: vec![PASSWORD.to_owned()],
            decl_refs: Vec::new(),
        }),
        provider_name: Some("An application".to_owned()),
        attribute_consuming_service_index: Some(1),
        subject: Some(NameId::new(ALICE, Some(NameIdFormat::EmailAddress)).unwrap()),
        scoping: Some(Scoping {
            proxy_count: Some(1),
            identity_providers: vec![entity(IDP)],
            requesters: vec![entity(SP)],
        }),
        ..AuthnRequest::new(id("_request"), now(), entity(SP))
    }
}

fn validate(request: &AuthnRequest, signed: bool, must: bool) -> Result<(), SamlError> {
    validate_by(request, signed, must, Binding::HttpPost)
}

fn validate_by(
    request: &AuthnRequest,
    signed: bool,
    must: bool,
    binding: Binding,
) -> Result<(), SamlError> {
    let expect = AuthnRequestExpectation {
        service_provider: &entity(SP),
        single_sign_on_service: SSO,
        binding,
        signed,
        must_be_signed: must,
        now: now(),
        skew: ClockSkew::ZERO,
    };
    Ok(validate_authn_request(request, &expect)?)
}

#[track_caller]
fn bent(edit: impl Fn(&mut AuthnRequest), rule: Rule, code: &str) {
    for signed in [true, false] {
        let mut request = full();
        validate(&request, signed, false).unwrap();
        edit(&mut request);
        refused(validate(&request, signed, false), rule, code);
    }
}

/// An enhanced client takes the request to whom it will, by SOAP: a Destination may be missing, but
/// not be another's.
#[test]
fn a158_destination_over_soap() {
    for (destination, accepted) in [(None, true), (Some(SSO), true), (Some(SLO), false)] {
        let mut request = full();
        request.destination = destination.map(str::to_owned);
        let result = validate_by(&request, true, true, Binding::Soap);
        if accepted {
            assert_eq!(result, Ok(()));
        } else {
            refused(result, Rule::Destination, "message.destination_mismatch");
        }
    }
}

/// Unsigned although the metadata of either side wants a signature.
#[test]
fn a158_unsigned_request() {
    validate(&full(), true, true).unwrap();
    validate(&full(), false, false).unwrap();
    refused(
        validate(&full(), false, true),
        Rule::Signed,
        "message.unsigned",
    );

    let parse = |xml: &[u8]| -> Result<_, SamlError> {
        let request = Unverified::<AuthnRequest>::parse(xml, &Limits::default())?;
        Ok(with_context(|c| request.verify(&trusted(), c))?)
    };
    assert_eq!(
        *parse(&signed_xml(&full(), &signer()).unwrap()).unwrap(),
        full()
    );
    let result = parse(&unsigned_xml(&full()));
    unsigned(result, SignatureError::Missing, "signature.missing");
    let result = parse(&signed_xml(&full(), &attacker()).unwrap());
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(result, wrong, "signature.wrong_key");
}

/// Too old, from the future, for somebody else, from somebody else.
#[test]
fn a158_expired_or_misdirected_request() {
    for off in [1, -601, -86_400] {
        let edit = |r: &mut AuthnRequest| r.issue_instant = now() + seconds(off);
        bent(edit, Rule::IssueInstant, "message.issue_instant");
    }
    for wrong in [
        "",
        "https://other.example/sso",
        "https://idp.example/saml/sso/",
    ] {
        let edit = |r: &mut AuthnRequest| r.destination = Some(wrong.to_owned());
        bent(edit, Rule::Destination, "message.destination_mismatch");
    }
    for wrong in [None, Some("https://other.example")] {
        let edit = |r: &mut AuthnRequest| r.issuer = wrong.map(entity);
        bent(edit, Rule::Issuer, "message.issuer_mismatch");
    }
    // Many applications send requests without destination; signed, it must be there.
    let mut request = full();
    request.destination = None;
    validate(&request, false, false).unwrap();
    let code = "message.destination_mismatch";
    refused(validate(&request, true, false), Rule::Destination, code);
}

/// Where the answer goes is data for whoever knows the registered addresses: nothing but an
/// index that is none is refused here, and nothing of it is lost.
#[test]
fn a157_acs_choice() {
    // By address or by number, not both.
    let mut both = full();
    both.assertion_consumer_service_index = Some(0);
    let (rule, code) = (Rule::AcsAmbiguous, "request.acs_ambiguous");
    refused(validate(&both, false, false), rule, code);
    let read =
        |xml: &[u8]| Unverified::<AuthnRequest>::parse(xml, &Limits::default())?.read_unsigned();
    for url in ["https://evil.example/acs", "javascript:alert(1)", "*", ""] {
        let mut request = full();
        request.assertion_consumer_service_url = Some(url.to_owned());
        assert_eq!(read(&unsigned_xml(&request)).unwrap(), request);
    }
    let mut request = full();
    request.assertion_consumer_service_url = None;
    request.assertion_consumer_service_index = Some(7);
    let xml = String::from_utf8(unsigned_xml(&request)).unwrap();
    assert_eq!(read(xml.as_bytes()).unwrap(), request);
    for index in ["-1", "65536", "", "0x1", "1.0"] {
        let xml = swap(&xml, "Index=\"7\"", &format!("Index=\"{index}\""));
        let problem = ReadProblem::InvalidValue {
            what: "AssertionConsumerServiceIndex",
            expected: "0 to 65535",
        };
        let error = XmlError::from(ReadError::new("AuthnRequest", problem));
        fails(read(xml.as_bytes()), error, "schema.invalid_value");
    }
}
