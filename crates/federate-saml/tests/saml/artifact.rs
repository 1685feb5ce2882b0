//! A154: what is fetched for an artifact must be signed, and answer what was asked. That an artifact is resolved once is the store's to see to: these
//! functions have no memory.

use crate::encryption::{encryptor, with_decryption};
use crate::redirect::state;
use crate::support::*;
use chrono::{DateTime, Utc};
use federate_saml::binding::{ArtifactMessage, artifact_url, soap};
use federate_saml::{
    Artifact, ArtifactResolve, ArtifactResolveExpectation, ArtifactResponse,
    ArtifactResponseExpectation, Coverage, Extensions, IssuePolicy, LogoutRequest, Rule, SamlError,
    SignedPart, SourceId, VerifiedResponse, issue_response, signed_xml, unsigned_xml,
    validate_artifact_resolve, validate_response, verify_artifact_message,
    verify_artifact_response,
};
use federate_testkit::mutation::some_mutations;
use federate_types::{ClockSkew, Status, StatusCode};
use federate_xml::dsig::SignatureStructure;
use federate_xml::{Limits, ReadError, ReadProblem, SignatureError, Signer, Unverified, XmlError};

const ARS: &str = "https://idp.example/saml/artifact";

pub(crate) fn source(entity_id: &str) -> SourceId {
    SourceId::of(&entity(entity_id), &provider())
}

pub(crate) fn artifact() -> Artifact {
    Artifact::new(source(IDP), 1, std::array::from_fn(|i| i as u8))
}

pub(crate) fn resolve() -> ArtifactResolve {
    ArtifactResolve {
        id: id("_resolve"),
        issue_instant: now(),
        destination: Some(ARS.to_owned()),
        issuer: Some(entity(SP)),
        extensions: Extensions::new(),
        artifact: artifact(),
    }
}

pub(crate) fn response(message: Option<&str>) -> ArtifactResponse {
    ArtifactResponse {
        id: id("_resolved"),
        issue_instant: now(),
        destination: None,
        in_response_to: Some(id("_resolve")),
        issuer: Some(entity(IDP)),
        extensions: Extensions::new(),
        status: Status::success(),
        message: message.map(|m| m.as_bytes().to_vec()),
    }
}

/// The response to the sign-in with nothing signed in it.
fn unsigned_response() -> String {
    let message = honest(SignedPart::Assertion);
    around(&message.response, &[&assertion_text(&message.assertion)])
}

fn signed(message: &ArtifactResponse, signer: &Signer) -> String {
    String::from_utf8(signed_xml(message, signer).unwrap()).unwrap()
}

fn plain(message: &ArtifactResponse) -> String {
    String::from_utf8(unsigned_xml(message)).unwrap()
}

/// As the service provider opens what the identity provider answered.
fn open(xml: &str) -> Result<VerifiedResponse, SamlError> {
    open_at(xml, now())
}

fn open_at(xml: &str, now: DateTime<Utc>) -> Result<VerifiedResponse, SamlError> {
    let message = Unverified::<ArtifactResponse>::parse(xml.as_bytes(), &Limits::default())?;
    let (idp, request) = (entity(IDP), id("_resolve"));
    let expect = expectation(&idp, &request, now);
    with_decryption(|d| {
        with_context(|c| verify_artifact_response(&message, &trusted(), c, Some(d), &expect))
    })
}

fn expectation<'a>(
    idp: &'a federate_types::EntityId,
    request: &'a federate_types::MessageId,
    now: DateTime<Utc>,
) -> ArtifactResponseExpectation<'a> {
    ArtifactResponseExpectation {
        artifact_issuer: idp,
        request,
        destination: ACS,
        now,
        skew: ClockSkew::ZERO,
    }
}

#[track_caller]
fn signs_in(xml: &str, coverage: Coverage) {
    let verified = open(xml).unwrap_or_else(|e| panic!("{e:?}: {xml}"));
    assert_eq!(verified.coverage(), coverage);
    let login = validate_response(verified, &expect().as_expectation()).unwrap();
    assert_eq!(login, signed_in(&honest(SignedPart::Both).xml(), &expect()));
}

pub(crate) fn accept_resolve(request: &ArtifactResolve) -> Result<(), SamlError> {
    let xml = signed_xml(request, &signer()).unwrap();
    let message = Unverified::<ArtifactResolve>::parse(&xml, &Limits::default())?;
    let verified = with_context(|c| message.verify(&trusted(), c))?;
    let sp = entity(SP);
    let expect = ArtifactResolveExpectation {
        requester: &sp,
        source_id: source(IDP),
        artifact_resolution_service: ARS,
        now: now(),
        skew: ClockSkew::ZERO,
    };
    Ok(validate_artifact_resolve(&verified, &expect)?)
}

/// From the browser's artifact to Alice, with nothing taken for granted on the way.
#[test]
fn a_whole_conversation() {
    let url = artifact_url(ACS, &artifact(), Some(&state()));
    let query = url.strip_prefix(&format!("{ACS}?")).unwrap();
    let arrived = ArtifactMessage::parse(query).unwrap();
    assert_eq!(arrived.relay_state(), Some(&state()));
    assert!(arrived.artifact().is_from(&entity(IDP), &provider()));
    let services = [(0, "https://idp.example/other"), (1, ARS)];
    assert_eq!(arrived.artifact().resolution_service(services), Ok(ARS));

    let asked = soap::envelope(&signed_xml(&resolve(), &signer()).unwrap());
    let asked = soap::body::<ArtifactResolve>(&asked, &Limits::default()).unwrap();
    let asked = with_context(|c| asked.verify(&trusted(), c)).unwrap();
    assert_eq!(*asked, resolve());
    accept_resolve(&asked).unwrap();

    let message = honest(SignedPart::Both).xml();
    let answer = soap::envelope(signed(&response(Some(&message)), &signer()).as_bytes());
    let answer = soap::body::<ArtifactResponse>(&answer, &Limits::default()).unwrap();
    let (idp, request) = (entity(IDP), id("_resolve"));
    let expect_answer = expectation(&idp, &request, now());
    let verified =
        with_context(|c| verify_artifact_response(&answer, &trusted(), c, None, &expect_answer));
    let login = validate_response(verified.unwrap(), &expect().as_expectation()).unwrap();
    assert_eq!(login.name_id().value(), ALICE);
}

/// Who asks is known by a signature, and asks us, now.
#[test]
fn a154_artifact_resolve() {
    let bent = |edit: &dyn Fn(&mut ArtifactResolve), rule, code| {
        let mut request = resolve();
        accept_resolve(&request).unwrap();
        edit(&mut request);
        refused(accept_resolve(&request), rule, code);
    };
    let issuer = "message.issuer_mismatch";
    bent(
        &|r| r.issuer = Some(entity("https://evil.example")),
        Rule::Issuer,
        issuer,
    );
    bent(&|r| r.issuer = None, Rule::Issuer, issuer);
    let elsewhere = |r: &mut ArtifactResolve| r.destination = Some(SSO.to_owned());
    bent(
        &elsewhere,
        Rule::Destination,
        "message.destination_mismatch",
    );
    let instant = "message.issue_instant";
    bent(
        &|r| r.issue_instant = now() + seconds(1),
        Rule::IssueInstant,
        instant,
    );
    bent(
        &|r| r.issue_instant = now() - seconds(601),
        Rule::IssueInstant,
        instant,
    );
    let mut without = resolve();
    without.destination = None;
    accept_resolve(&without).unwrap();
    let xml = unsigned_xml(&resolve());
    let message = Unverified::<ArtifactResolve>::parse(&xml, &Limits::default()).unwrap();
    let result = with_context(|c| message.verify(&trusted(), c));
    unsigned(result, SignatureError::Missing, "signature.missing");
}

/// The answer is from the artifact's issuer, to what was asked, now; signed or not.
#[test]
fn a154_artifact_response() {
    let message = honest(SignedPart::Both).xml();
    let bent = |edit: &dyn Fn(&mut ArtifactResponse), rule, code| {
        let mut answer = response(Some(&message));
        drop(open(&signed(&answer, &signer())).unwrap());
        edit(&mut answer);
        refused(open(&signed(&answer, &signer())), rule, code);
        refused(open(&plain(&answer)), rule, code);
    };
    let in_response_to = "message.in_response_to_mismatch";
    bent(
        &|r| r.in_response_to = Some(id("_request")),
        Rule::InResponseTo,
        in_response_to,
    );
    bent(
        &|r| r.in_response_to = None,
        Rule::InResponseTo,
        in_response_to,
    );
    let issuer = "message.issuer_mismatch";
    bent(
        &|r| r.issuer = Some(entity("https://evil.example")),
        Rule::Issuer,
        issuer,
    );
    bent(&|r| r.issuer = None, Rule::Issuer, issuer);
    let destination = "message.destination_mismatch";
    bent(
        &|r| r.destination = Some(SLO.to_owned()),
        Rule::Destination,
        destination,
    );
    let instant = "message.issue_instant";
    bent(
        &|r| r.issue_instant = now() + seconds(1),
        Rule::IssueInstant,
        instant,
    );
    bent(
        &|r| r.issue_instant = now() - seconds(601),
        Rule::IssueInstant,
        instant,
    );
    let none = "artifact.no_message";
    bent(&|r| r.message = None, Rule::ArtifactMessage, none);

    let mut addressed = response(Some(&message));
    addressed.destination = Some(ACS.to_owned());
    drop(open(&signed(&addressed, &signer())).unwrap());
    let mut failed = response(Some(&message));
    failed.status = Status::with_subcode(StatusCode::Requester, StatusCode::RequestDenied);
    let error = SamlError::Status(Box::new(failed.status.clone()));
    fails(open(&signed(&failed, &signer())), error, "response.status");
    let late = open_at(
        &signed(&response(Some(&message)), &signer()),
        now() + seconds(601),
    );
    refused(late, Rule::IssueInstant, instant);
}

/// Something must cover the assertion: its own signature, that of its response, or that of the
/// ArtifactResponse; and whichever there are must hold.
#[test]
fn a154_embedded_response() {
    let [assertion, response_, both] = PARTS.map(|part| honest(part).xml());
    let bare = unsigned_response();
    signs_in(&plain(&response(Some(&assertion))), Coverage::Assertion);
    signs_in(&plain(&response(Some(&response_))), Coverage::Response);
    signs_in(&plain(&response(Some(&both))), Coverage::Both);
    signs_in(
        &signed(&response(Some(&bare)), &signer()),
        Coverage::Response,
    );
    signs_in(
        &signed(&response(Some(&assertion)), &signer()),
        Coverage::Both,
    );
    signs_in(
        &signed(&response(Some(&response_)), &signer()),
        Coverage::Response,
    );
    signs_in(&signed(&response(Some(&both)), &signer()), Coverage::Both);

    let nothing = open(&plain(&response(Some(&bare))));
    unsigned(nothing, SignatureError::Missing, "signature.missing");
    let wrong = || SignatureError::WrongKey { tried: 1 };
    let code = "signature.wrong_key";
    for inner in [&bare, &both] {
        let foreign = signed(&response(Some(inner)), &attacker());
        unsigned(open(&foreign), wrong(), code);
    }
    let message = honest(SignedPart::Assertion);
    let text = assertion_text(&message.assertion);
    let forged = sign_text(&attacker(), &text, &message.assertion.id);
    let forged = around(&message.response, &[&forged]);
    let forged_response = sign_text(&attacker(), &bare, &message.response.id);
    for inner in [&forged, &forged_response] {
        unsigned(
            open(&signed(&response(Some(inner)), &signer())),
            wrong(),
            code,
        );
        unsigned(open(&plain(&response(Some(inner)))), wrong(), code);
    }
    // What was decided about an envelope that is covered: its rules are those of a signed one.
    let mut nowhere = message;
    nowhere.response.destination = None;
    let nowhere = signed(&response(Some(&nowhere.xml())), &signer());
    let result = validate_response(open(&nowhere).unwrap(), &expect().as_expectation());
    refused(result, Rule::Destination, "message.destination_mismatch");
}

/// Names, attributes with types and encryption inside a signed ArtifactResponse.
#[test]
fn encrypted_and_typed_inside() {
    let (idp, sp, asked) = (entity(IDP), entity(SP), id("_request"));
    for part in PARTS {
        for encryption in [None, Some(encryptor())] {
            let policy = IssuePolicy {
                signed_part: part,
                encryption,
                typed_attributes: true,
                ..IssuePolicy::default()
            };
            let login = login(&idp, &sp, Some(&asked));
            let ids = (id("_response"), id("_assertion"));
            let xml = issue_response(&login, ids.0, ids.1, &policy, &signer(), now()).unwrap();
            let xml = String::from_utf8(xml).unwrap();
            for answer in [
                plain(&response(Some(&xml))),
                signed(&response(Some(&xml)), &signer()),
            ] {
                let verified = open(&answer).unwrap_or_else(|e| panic!("{e:?}: {answer}"));
                let login = validate_response(verified, &expect().as_expectation()).unwrap();
                assert_eq!(login, signed_in(&honest(part).xml(), &expect()));
            }
        }
    }
}

/// One message, of the kind that is wanted, in its place.
#[test]
fn a154_wrapping() {
    let both = honest(SignedPart::Both).xml();
    let mut forged = honest(SignedPart::Assertion);
    forged.response.id = id("_forged");
    forged.assertion.id = id("_forged_assertion");
    let subject = forged.assertion.subject.as_mut().unwrap();
    subject.name_id = Some(federate_types::NameId::new("mallory@example.com", None).unwrap());
    let forged = around(&forged.response, &[&assertion_text(&forged.assertion)]);
    let unexpected = || {
        XmlError::from(ReadError::new(
            "ArtifactResponse",
            ReadProblem::UnexpectedElement,
        ))
    };
    for two in [format!("{forged}{both}"), format!("{both}{forged}")] {
        for xml in [
            plain(&response(Some(&two))),
            signed(&response(Some(&two)), &signer()),
        ] {
            fails(open(&xml), unexpected(), "schema.unexpected_element");
        }
    }
    // A signed ArtifactResponse inside the attacker's own, as extension or as message.
    let captured = signed(&response(Some(&both)), &signer());
    let mut outer = response(Some(&forged));
    outer.id = id("_outer");
    let extensions = "<e:Extensions xmlns:e=\"urn:oasis:names:tc:SAML:2.0:protocol\">";
    let outer = swap(
        &plain(&outer),
        "</saml:Issuer>",
        &format!("</saml:Issuer>{extensions}{captured}</e:Extensions>"),
    );
    unsigned(open(&outer), SignatureError::Missing, "signature.missing");
    let mut outer = response(Some(&captured));
    outer.id = id("_outer");
    let root = XmlError::from(ReadError::new("Response", ReadProblem::UnexpectedRoot));
    fails(open(&plain(&outer)), root, "schema.unexpected_root");
    // Its signature, moved out to the attacker's.
    let signature = captured.split_once("<ds:Signature").unwrap().1;
    let signature = signature.split_once("</ds:Signature>").unwrap().0;
    let signature = format!("</saml:Issuer><ds:Signature{signature}</ds:Signature>");
    let mut outer = response(Some(&forged));
    outer.id = id("_outer");
    let outer = plain(&outer).replacen("</saml:Issuer>", &signature, 1);
    let elsewhere = SignatureError::Malformed(SignatureStructure::ReferenceElsewhere);
    unsigned(open(&outer), elsewhere, "signature.malformed");
}

/// Other messages can be fetched so, by the same law.
#[test]
fn a154_other_messages() {
    let asked = crate::logout::request();
    let verify = |xml: &str| {
        let message = Unverified::<ArtifactResponse>::parse(xml.as_bytes(), &Limits::default())?;
        let (idp, request) = (entity(IDP), id("_resolve"));
        let expect = expectation(&idp, &request, now());
        with_context(|c| {
            verify_artifact_message::<LogoutRequest>(&message, &trusted(), c, None, &expect)
        })
        .map(federate_xml::Verified::into_inner)
    };
    let text = |xml| String::from_utf8(xml).unwrap();
    let bare = text(unsigned_xml(&asked));
    let own = text(signed_xml(&asked, &signer()).unwrap());
    for good in [
        signed(&response(Some(&bare)), &signer()),
        signed(&response(Some(&own)), &signer()),
        plain(&response(Some(&own))),
    ] {
        assert_eq!(verify(&good), Ok(asked.clone()));
    }
    let nothing = verify(&plain(&response(Some(&bare))));
    unsigned(nothing, SignatureError::Missing, "signature.missing");
    let foreign = text(signed_xml(&asked, &attacker()).unwrap());
    let wrong = SignatureError::WrongKey { tried: 1 };
    let foreign = signed(&response(Some(&foreign)), &signer());
    unsigned(verify(&foreign), wrong, "signature.wrong_key");
    let other = signed(&response(Some(&unsigned_response())), &signer());
    let root = XmlError::from(ReadError::new("LogoutRequest", ReadProblem::UnexpectedRoot));
    fails(verify(&other), root, "schema.unexpected_root");
}

/// Any changed octet of what only the ArtifactResponse signs is refused or changes nothing.
#[test]
fn a_changed_octet_is_refused_or_changes_nothing() {
    let xml = signed(&response(Some(&unsigned_response())), &signer());
    let expect = expect();
    let honest = validate_response(open(&xml).unwrap(), &expect.as_expectation()).unwrap();
    for at in 0..xml.len() {
        let mut octets = xml.clone().into_bytes();
        octets[at] ^= 1;
        let Ok(text) = String::from_utf8(octets) else {
            continue;
        };
        if let Ok(verified) = open(&text) {
            assert_eq!(verified.coverage(), Coverage::Response);
            let login = validate_response(verified, &expect.as_expectation()).unwrap();
            assert_eq!(login, honest, "{text}");
        }
    }
}

/// Every attack of the testkit's mutation engine on the answers that are accepted, in their
/// envelopes: refused, or the very same login.
#[test]
fn a154_attacks_are_refused_or_change_nothing() {
    let expect = expect();
    let accept = |octets: &[u8]| -> Result<_, SamlError> {
        let answer = soap::body::<ArtifactResponse>(octets, &Limits::default())?;
        let (idp, request) = (entity(IDP), id("_resolve"));
        let expected = expectation(&idp, &request, now());
        let verified =
            with_context(|c| verify_artifact_response(&answer, &trusted(), c, None, &expected))?;
        Ok(validate_response(verified, &expect.as_expectation())?)
    };
    let [assertion, response_, both] = PARTS.map(|part| honest(part).xml());
    let answers = [
        signed(&response(Some(&unsigned_response())), &signer()),
        signed(&response(Some(&assertion)), &signer()),
        signed(&response(Some(&both)), &signer()),
        plain(&response(Some(&response_))),
    ];
    let (mut tried, mut same) = (0, 0);
    for (number, answer) in answers.iter().enumerate() {
        let octets = soap::envelope(answer.as_bytes());
        let honest = accept(&octets).unwrap();
        for mutation in some_mutations(&octets, 20, number) {
            tried += 1;
            if let Ok(login) = accept(&mutation.octets) {
                let text = String::from_utf8_lossy(&mutation.octets);
                assert_eq!(login, honest, "{}: {text}", mutation.attack);
                same += 1;
            }
        }
    }
    assert!(tried > 500 && same < tried / 2, "{tried} {same}");
}
