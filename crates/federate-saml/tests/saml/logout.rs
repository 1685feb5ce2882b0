//! A204 to A206: logout messages are signed, current, for us, and answer what was asked.

use crate::support::*;
use federate_saml::{
    Extensions, LogoutExpectation, LogoutRequest, LogoutResponse, REASON_USER, Rule, SamlError,
    signed_xml, unsigned_xml, validate_logout_request, validate_logout_response,
};
use federate_types::{
    Binding, ClockSkew, EntityId, MessageId, NameId, NameIdFormat, SessionIndex, Status, StatusCode,
};
use federate_xml::{
    FromElement, Limits, ReadError, ReadProblem, SignatureError, Unverified, Verified, XmlError,
};

/// The service provider asks to end Alice's session.
pub(crate) fn request() -> LogoutRequest {
    LogoutRequest {
        id: id("_logout"),
        issue_instant: now(),
        destination: Some(SLO.to_owned()),
        not_on_or_after: Some(now() + seconds(300)),
        reason: Some(REASON_USER.to_owned()),
        issuer: Some(entity(SP)),
        extensions: Extensions::new(),
        name_id: NameId::new(ALICE, Some(NameIdFormat::EmailAddress)).unwrap(),
        session_indexes: vec![SessionIndex::new("_session").unwrap()],
    }
}

pub(crate) fn response() -> LogoutResponse {
    LogoutResponse {
        id: id("_answer"),
        issue_instant: now(),
        destination: Some(SLO.to_owned()),
        in_response_to: Some(id("_logout")),
        issuer: Some(entity(SP)),
        extensions: Extensions::new(),
        status: Status::success(),
    }
}

fn verify<T: FromElement>(xml: &[u8]) -> Result<Verified<T>, SamlError> {
    let message = Unverified::<T>::parse(xml, &Limits::default())?;
    Ok(with_context(|c| message.verify(&trusted(), c))?)
}

fn expectation(peer: &EntityId) -> LogoutExpectation<'_> {
    LogoutExpectation {
        peer,
        single_logout_service: SLO,
        binding: Binding::HttpPost,
        now: now(),
        skew: ClockSkew::ZERO,
    }
}

fn accept_request(request: &LogoutRequest) -> Result<Verified<LogoutRequest>, SamlError> {
    let verified = verify(&signed_xml(request, &signer()).unwrap())?;
    validate_logout_request(&verified, &expectation(&entity(SP)))?;
    Ok(verified)
}

fn accept_response(
    response: &LogoutResponse,
    asked: Option<&MessageId>,
) -> Result<Verified<LogoutResponse>, SamlError> {
    let verified = verify(&signed_xml(response, &signer()).unwrap())?;
    validate_logout_response(&verified, asked, &expectation(&entity(SP)))?;
    Ok(verified)
}

#[track_caller]
fn bent_request(edit: impl Fn(&mut LogoutRequest), rule: Rule, code: &str) {
    let mut message = request();
    assert_eq!(*accept_request(&message).unwrap(), message);
    edit(&mut message);
    refused(accept_request(&message), rule, code);
}

#[track_caller]
fn bent_response(edit: impl Fn(&mut LogoutResponse), rule: Rule, code: &str) {
    let (mut message, asked) = (response(), id("_logout"));
    assert_eq!(*accept_response(&message, Some(&asked)).unwrap(), message);
    edit(&mut message);
    refused(accept_response(&message, Some(&asked)), rule, code);
}

/// Without the peer's own signature a request is nothing: it cannot even be validated.
#[test]
fn a204_unsigned_logout_request() {
    drop(accept_request(&request()).unwrap());
    let plain = unsigned_xml(&request());
    let result = verify::<LogoutRequest>(&plain);
    unsigned(result, SignatureError::Missing, "signature.missing");
    let foreign = signed_xml(&request(), &attacker()).unwrap();
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(
        verify::<LogoutRequest>(&foreign),
        wrong,
        "signature.wrong_key",
    );
    let signed = String::from_utf8(signed_xml(&request(), &signer()).unwrap()).unwrap();
    let code = "signature.digest_mismatch";
    for (from, to) in [
        (ALICE, "bob@example.com"),
        (">_session<", ">_sessio<"),
        (" Reason=", " Consent=\"\" Reason="),
        ("<samlp:SessionIndex>_session</samlp:SessionIndex>", ""),
    ] {
        let result = verify::<LogoutRequest>(swap(&signed, from, to).as_bytes());
        unsigned(result, SignatureError::DigestMismatch, code);
    }
}

/// Expired, too old, from the future, elsewhere, of somebody else.
#[test]
fn a205_logout_request() {
    for until in [now(), now() - seconds(1)] {
        let edit = |m: &mut LogoutRequest| m.not_on_or_after = Some(until);
        bent_request(edit, Rule::LogoutExpired, "logout.expired");
    }
    for off in [1, -601] {
        let edit = |m: &mut LogoutRequest| m.issue_instant = now() + seconds(off);
        bent_request(edit, Rule::IssueInstant, "message.issue_instant");
    }
    for wrong in [
        None,
        Some(""),
        Some("https://idp.example/saml/slo/"),
        Some(SSO),
    ] {
        let edit = |m: &mut LogoutRequest| m.destination = wrong.map(str::to_owned);
        bent_request(edit, Rule::Destination, "message.destination_mismatch");
    }
    for wrong in [None, Some("https://other.example")] {
        let edit = |m: &mut LogoutRequest| m.issuer = wrong.map(entity);
        bent_request(edit, Rule::Issuer, "message.issuer_mismatch");
    }
    let mut message = request();
    message.not_on_or_after = None;
    message.session_indexes.clear();
    message.reason = None;
    drop(accept_request(&message).unwrap());
}

/// Over SOAP nobody but the receiver can be reached, so a Destination may be missing; one that is
/// there must be ours all the same. An answer was sent to no address, and may say so.
#[test]
fn a205_destination_over_soap() {
    let sp = entity(SP);
    let by = |binding| LogoutExpectation {
        binding,
        ..expectation(&sp)
    };
    for (destination, over_soap) in [
        (Some(SLO), true),
        (None, true),
        (Some(""), false),
        (Some(SSO), false),
    ] {
        let mut asks = request();
        asks.destination = destination.map(str::to_owned);
        let asks = verify::<LogoutRequest>(&signed_xml(&asks, &signer()).unwrap()).unwrap();
        let mut answers = response();
        answers.destination = destination.map(str::to_owned);
        let answers = verify::<LogoutResponse>(&signed_xml(&answers, &signer()).unwrap()).unwrap();
        let asked = id("_logout");
        for binding in [
            Binding::Soap,
            Binding::HttpPost,
            Binding::HttpPostSimpleSign,
            Binding::HttpRedirect,
            Binding::HttpArtifact,
        ] {
            let accepted = match binding {
                Binding::Soap => over_soap,
                _ => destination == Some(SLO),
            };
            let of_nowhere = binding == Binding::Soap && destination == Some("");
            for (accepted, result) in [
                (accepted, validate_logout_request(&asks, &by(binding))),
                (
                    accepted || of_nowhere,
                    validate_logout_response(&answers, Some(&asked), &by(binding)),
                ),
            ] {
                if accepted {
                    assert_eq!(result, Ok(()));
                } else {
                    refused(result, Rule::Destination, "message.destination_mismatch");
                }
            }
        }
    }
}

/// A request that names nobody, or whose name nobody here can read, ends nothing.
#[test]
fn a205_no_readable_name() {
    drop(accept_request(&request()).unwrap());
    let encrypted = "<saml:EncryptedID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"></saml:EncryptedID>";
    let plain = String::from_utf8(unsigned_xml(&request())).unwrap();
    let from = plain.find("<saml:NameID").unwrap();
    let end = "</saml:NameID>";
    let to = plain.find(end).unwrap() + end.len();
    for instead in ["", encrypted] {
        let text = format!("{}{instead}{}", &plain[..from], &plain[to..]);
        let signed = sign_text(&signer(), &text, &id("_logout"));
        let problem = ReadProblem::MissingElement("NameID");
        let error = XmlError::from(ReadError::new("LogoutRequest", problem));
        let result = verify::<LogoutRequest>(signed.as_bytes());
        fails(result, error, "schema.missing_element");
    }
}

/// The answer to another request, of another party, elsewhere, too late.
#[test]
fn a206_logout_response() {
    let (rule, code) = (Rule::InResponseTo, "message.in_response_to_mismatch");
    for wrong in [None, Some(id("_other"))] {
        bent_response(|m| m.in_response_to = wrong.clone(), rule, code);
    }
    refused(accept_response(&response(), None), rule, code);
    for wrong in [None, Some("https://other.example")] {
        let edit = |m: &mut LogoutResponse| m.issuer = wrong.map(entity);
        bent_response(edit, Rule::Issuer, "message.issuer_mismatch");
    }
    for wrong in [None, Some("https://evil.example")] {
        let edit = |m: &mut LogoutResponse| m.destination = wrong.map(str::to_owned);
        bent_response(edit, Rule::Destination, "message.destination_mismatch");
    }
    for off in [1, -601] {
        let edit = |m: &mut LogoutResponse| m.issue_instant = now() + seconds(off);
        bent_response(edit, Rule::IssueInstant, "message.issue_instant");
    }
    let plain = unsigned_xml(&response());
    let result = verify::<LogoutResponse>(&plain);
    unsigned(result, SignatureError::Missing, "signature.missing");
}

/// A failed or partial logout is an acceptable message that tells what happened.
#[test]
fn a206_the_status_is_told_as_it_is() {
    for status in [
        Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout),
        Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout),
        Status::with_subcode(StatusCode::Requester, StatusCode::UnknownPrincipal),
    ] {
        let mut message = response();
        message.status = status.clone();
        let asked = id("_logout");
        let verified = accept_response(&message, Some(&asked)).unwrap();
        assert_eq!(verified.status, status);
    }
}

/// A request is not taken for a response, nor the other way round.
#[test]
fn a197_request_and_response_are_not_confused() {
    let request = signed_xml(&request(), &signer()).unwrap();
    let response = signed_xml(&response(), &signer()).unwrap();
    drop(verify::<LogoutRequest>(&request).unwrap());
    drop(verify::<LogoutResponse>(&response).unwrap());
    let root = |of| XmlError::from(ReadError::new(of, ReadProblem::UnexpectedRoot));
    let code = "schema.unexpected_root";
    fails(
        verify::<LogoutRequest>(&response),
        root("LogoutRequest"),
        code,
    );
    fails(
        verify::<LogoutResponse>(&request),
        root("LogoutResponse"),
        code,
    );
}
