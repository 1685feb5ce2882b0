//! B5 for the message around the assertion, and for what the assertion is limited to.

use crate::support::*;
use federate_saml::{Rule, SamlError, SignedPart};
use federate_types::{Status, StatusCode};
use federate_xml::dsig::{SignatureError, SignatureStructure};
use federate_xml::{ReadError, ReadProblem, XmlError};

const AUDIENCE: &str = "response.audience_mismatch";
const DESTINATION: &str = "message.destination_mismatch";
const SIGNED: [SignedPart; 2] = [SignedPart::Response, SignedPart::Both];

/// Every restriction must name us, byte for byte; without one the assertion is for anybody.
#[test]
fn a130_audience() {
    let slash = format!("{SP}/");
    let spaced = format!(" {SP}");
    let upper = SP.to_uppercase();
    let other = "https://other.example/saml";
    let cases: [&[&[&str]]; 10] = [
        &[],
        &[&[]],
        &[&[""]],
        &[&[other]],
        &[&[slash.as_str()]],
        &[&[spaced.as_str()]],
        &[&[upper.as_str()]],
        &[&["https://sp.example/sam"]],
        &[&[SP], &[other]],
        &[&[other], &[SP]],
    ];
    for restrictions in cases {
        let edit = |m: &mut Honest| {
            m.assertion
                .conditions
                .as_mut()
                .unwrap()
                .audience_restrictions = restrictions
                .iter()
                .map(|r| r.iter().map(|a| (*a).to_owned()).collect())
                .collect();
        };
        bent(edit, Rule::Audience, AUDIENCE);
    }
    bent(|m| m.assertion.conditions = None, Rule::Audience, AUDIENCE);
    expected_otherwise(|e| e.sp = entity(other), Rule::Audience, AUDIENCE);
    // One of several audiences is enough, and several restrictions may all name us.
    let mut message = honest(SignedPart::Both);
    let both = vec![other.to_owned(), SP.to_owned()];
    let conditions = message.assertion.conditions.as_mut().unwrap();
    conditions.audience_restrictions = vec![both.clone(), both];
    accepted(&message.xml(), &expect());
}

/// The destination is compared byte for byte; a signed message must have one.
#[test]
fn a132_destination() {
    for wrong in [
        "",
        "https://other.example/saml/acs",
        "https://sp.example/saml/acs.evil",
        "https://sp.example/saml/acs/",
        "https://sp.example/saml/ac",
        "https://sp.example/saml/ACS",
        "http://sp.example/saml/acs",
        "https://sp.example:443/saml/acs",
        "https://SP.example/saml/acs",
        "https://sp.example/saml/acs?x",
    ] {
        let edit = |m: &mut Honest| m.response.destination = Some(wrong.to_owned());
        bent(edit, Rule::Destination, DESTINATION);
    }
    let edit = |m: &mut Honest| m.response.destination = None;
    bent_for(&SIGNED, edit, Rule::Destination, DESTINATION);
    // Nobody signed the message around a signed assertion: leaving it out adds nothing.
    let mut message = honest(SignedPart::Assertion);
    message.response.destination = None;
    accepted(&message.xml(), &expect());
}

/// The answer is to the request that was sent, on both levels.
#[test]
fn a133_in_response_to() {
    let (rule, code) = (Rule::InResponseTo, "message.in_response_to_mismatch");
    bent(
        |m| m.response.in_response_to = Some(id("_other")),
        rule,
        code,
    );
    bent(|m| m.response.in_response_to = None, rule, code);
    expected_otherwise(|e| e.request.as_mut().unwrap().id = id("_mine"), rule, code);
}

/// What the unsigned message claims to answer does not help an assertion that does not say so.
#[test]
fn a134_in_response_to_only_outside_the_assertion() {
    for wrong in [None, Some(id("_other"))] {
        let edit = |m: &mut Honest| {
            let subject = m.assertion.subject.as_mut().unwrap();
            subject.confirmations[0].in_response_to = wrong.clone();
        };
        let code = "response.in_response_to_mismatch";
        bent(edit, Rule::AssertionInResponseTo, code);
    }
}

/// Another identity provider, even a trusted one, does not answer for the one that was asked.
#[test]
fn a135_identity_provider_mix_up() {
    let code = "message.issuer_mismatch";
    let other = || entity("https://other-idp.example");
    expected_otherwise(|e| e.idp = other(), Rule::Issuer, code);
    // An unsigned message need not name its issuer, so there the assertion decides.
    let code = "response.issuer_mismatch";
    let mut message = honest(SignedPart::Assertion);
    message.response.issuer = None;
    accepted(&message.xml(), &expect());
    let mut expect = expect();
    expect.idp = other();
    refused(accept(&message.xml(), &expect), Rule::AssertionIssuer, code);
}

/// Whoever asked for nothing takes only what answers nothing, and the other way round.
#[test]
fn a136_unsolicited() {
    let code = "message.in_response_to_mismatch";
    expected_otherwise(|e| e.request = None, Rule::InResponseTo, code);
    for part in PARTS {
        let mut message = honest(part);
        let mut unasked = expect();
        unasked.request = None;
        message.response.in_response_to = None;
        // The assertion still names a request: it was stolen from an answer.
        let code = "response.in_response_to_mismatch";
        let rule = Rule::AssertionInResponseTo;
        refused(accept(&message.xml(), &unasked), rule, code);
        let subject = message.assertion.subject.as_mut().unwrap();
        subject.confirmations[0].in_response_to = None;
        assert_eq!(signed_in(&message.xml(), &unasked).in_response_to(), None);
        // And what nobody asked for is no answer.
        let code = "message.in_response_to_mismatch";
        refused(accept(&message.xml(), &expect()), Rule::InResponseTo, code);
    }
}

/// The store refuses a replay; what it needs for that is told: the identifier, and an instant
/// at which the assertion itself is refused.
#[test]
fn a137_replay_is_remembered_long_enough() {
    for part in PARTS {
        let xml = honest(part).xml();
        let mut later = expect();
        later.policy.skew = federate_types::ClockSkew::default();
        let login = signed_in(&xml, &later);
        assert_eq!(login.assertion_id(), &id("_assertion"));
        assert_eq!(login.in_response_to(), Some(&id("_request")));
        later.now = login.replay_until();
        let code = "response.confirmation_expired";
        refused(accept(&xml, &later), Rule::ConfirmationExpired, code);
        later.now -= seconds(1);
        accepted(&xml, &later);
    }
}

/// Half-open windows: NotBefore itself is in, NotOnOrAfter itself is out.
#[test]
fn a138_conditions_window() {
    let edge = |from: i64, until: i64| {
        move |m: &mut Honest| {
            let conditions = m.assertion.conditions.as_mut().unwrap();
            conditions.not_before = Some(now() + seconds(from));
            conditions.not_on_or_after = Some(now() + seconds(until));
        }
    };
    bent(edge(1, 2), Rule::NotYetValid, "response.not_yet_valid");
    bent(edge(-9, 0), Rule::Expired, "response.expired");
    bent(edge(-9, -5), Rule::Expired, "response.expired");
    for part in PARTS {
        let mut message = honest(part);
        edge(0, 1)(&mut message);
        accepted(&message.xml(), &expect());
        // The profile does not ask for the window in Conditions: the confirmation has one.
        let conditions = message.assertion.conditions.as_mut().unwrap();
        (conditions.not_before, conditions.not_on_or_after) = (None, None);
        accepted(&message.xml(), &expect());
    }
}

/// The message and the assertion are from the identity provider, byte for byte.
#[test]
fn a141_issuer() {
    for other in [
        "https://other.example",
        "https://idp.example/saml/",
        "HTTPS://idp.example/saml",
    ] {
        let edit = |m: &mut Honest| m.response.issuer = Some(entity(other));
        bent(edit, Rule::Issuer, "message.issuer_mismatch");
        let edit = |m: &mut Honest| m.assertion.issuer = entity(other);
        bent(edit, Rule::AssertionIssuer, "response.issuer_mismatch");
    }
    let edit = |m: &mut Honest| m.response.issuer = None;
    bent_for(&SIGNED, edit, Rule::Issuer, "message.issuer_mismatch");
    // White space, another format, none at all: not an issuer.
    let issuer = format!(">{IDP}</saml:Issuer>");
    let invalid =
        |what, expected| ReadError::new("Issuer", ReadProblem::InvalidValue { what, expected });
    let entity_id = invalid("entityID", "1 to 1024 characters without whitespace");
    let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    let persistent = " Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\"";
    for (to, error) in [
        (format!("> {IDP}</saml:Issuer>"), entity_id.clone()),
        ("></saml:Issuer>".to_owned(), entity_id),
        (
            format!("{persistent}{issuer}"),
            invalid("Issuer/@Format", format),
        ),
    ] {
        for part in PARTS {
            let message = honest(part);
            accepted(&message.xml(), &expect());
            let edit = |text: &str| swap(text, &issuer, &to);
            let error = || XmlError::from(error.clone());
            let xml = message.xml_edited(edit, str::to_owned);
            fails(accept(&xml, &expect()), error(), "schema.invalid_value");
            let xml = message.xml_edited(str::to_owned, edit);
            fails(accept(&xml, &expect()), error(), "schema.invalid_value");
        }
    }
    // The entity format is the default, and may be written.
    let spelled = |text: &str| swap(text, &issuer, &format!(" Format=\"{format}\"{issuer}"));
    accepted(
        &honest(SignedPart::Both).xml_edited(spelled, spelled),
        &expect(),
    );
}

/// Version 2.0, an ID that is an NCName, an instant of the present: of both elements.
#[test]
fn a142_version_id_instant() {
    type Case = (&'static str, &'static str, ReadProblem, &'static str);
    let value = |what, expected| ReadProblem::InvalidValue { what, expected };
    let version = || value("Version", "2.0");
    let date = || value("IssueInstant", "a dateTime such as 2026-01-31T12:00:00Z");
    let instant = "IssueInstant=\"2026-01-31T12:00:00Z\"";
    let cases: [Case; 8] = [
        (
            " Version=\"2.0\"",
            " Version=\"1.1\"",
            version(),
            "schema.invalid_value",
        ),
        (
            " Version=\"2.0\"",
            " Version=\"2.00\"",
            version(),
            "schema.invalid_value",
        ),
        (
            " Version=\"2.0\"",
            "",
            ReadProblem::MissingAttribute("Version"),
            "schema.missing_attribute",
        ),
        (
            instant,
            "IssueInstant=\"2026-01-31\"",
            date(),
            "schema.invalid_value",
        ),
        (
            instant,
            "IssueInstant=\"1769860800\"",
            date(),
            "schema.invalid_value",
        ),
        (instant, "IssueInstant=\"\"", date(), "schema.invalid_value"),
        (
            instant,
            "IssueInstant=\"31.01.2026 12:00\"",
            date(),
            "schema.invalid_value",
        ),
        (
            instant,
            "",
            ReadProblem::MissingAttribute("IssueInstant"),
            "schema.missing_attribute",
        ),
    ];
    for (from, to, problem, code) in cases {
        for part in PARTS {
            let message = honest(part);
            accepted(&message.xml(), &expect());
            let edit = |text: &str| swap(text, from, to).replace(" >", ">").replace("  ", " ");
            let error = |element| XmlError::from(ReadError::new(element, problem.clone()));
            let xml = message.xml_edited(edit, str::to_owned);
            fails(accept(&xml, &expect()), error("Assertion"), code);
            let xml = message.xml_edited(str::to_owned, edit);
            fails(accept(&xml, &expect()), error("Response"), code);
        }
    }
    let milliseconds =
        |text: &str| swap(text, instant, "IssueInstant=\"2026-01-31T11:59:59.999Z\"");
    for part in PARTS {
        accepted(
            &honest(part).xml_edited(milliseconds, milliseconds),
            &expect(),
        );
    }
    for off in [1, -601, -86_400, 86_400] {
        let instant = now() + seconds(off);
        let edit = |m: &mut Honest| m.assertion.issue_instant = instant;
        bent(edit, Rule::AssertionIssueInstant, "response.issue_instant");
        let edit = |m: &mut Honest| m.response.issue_instant = instant;
        bent(edit, Rule::IssueInstant, "message.issue_instant");
    }
}

/// An ID that is no NCName is none, in a response and in an assertion.
#[test]
fn a142_id() {
    for part in PARTS {
        let message = honest(part);
        accepted(&message.xml(), &expect());
        for bad in ["", "1a", "a b", "a:b", "'x'"] {
            let xml = swap(
                &message.xml(),
                "ID=\"_assertion\"",
                &format!("ID=\"{bad}\""),
            );
            let error = match part {
                SignedPart::Assertion => SignatureError::Malformed(SignatureStructure::NoId),
                SignedPart::Response | SignedPart::Both => SignatureError::DigestMismatch,
            };
            let code = error.code();
            fails(accept(&xml, &expect()), XmlError::from(error), code);
        }
    }
}

/// Nothing but success signs anybody in, whatever comes with it; success comes with an
/// assertion.
#[test]
fn a143_status() {
    let failure = Status::with_subcode(StatusCode::Responder, StatusCode::AuthnFailed);
    let nested = Status::with_subcode(StatusCode::Requester, StatusCode::Success);
    let upper = Status {
        code: StatusCode::from_uri("urn:oasis:names:tc:SAML:2.0:status:SUCCESS"),
        ..Status::success()
    };
    let named = Status {
        code: StatusCode::from_uri("Success"),
        ..Status::success()
    };
    for status in [failure, nested, upper, named] {
        for part in PARTS {
            let mut message = honest(part);
            accepted(&message.xml(), &expect());
            message.response.status = status.clone();
            let error = SamlError::Status(Box::new(status.clone()));
            fails(accept(&message.xml(), &expect()), error, "response.status");
        }
    }
    // A second-level code does not turn success into anything else.
    let mut message = honest(SignedPart::Both);
    message.response.status = Status::with_subcode(StatusCode::Success, StatusCode::NoPassive);
    accepted(&message.xml(), &expect());
    for (from, to, element, problem, code) in [
        (
            "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>",
            "",
            "Status",
            ReadProblem::MissingElement("StatusCode"),
            "schema.missing_element",
        ),
        (
            " Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"",
            "",
            "StatusCode",
            ReadProblem::MissingAttribute("Value"),
            "schema.missing_attribute",
        ),
    ] {
        for part in PARTS {
            let message = honest(part);
            let xml = message.xml_edited(str::to_owned, |r| swap(r, from, to));
            let error = XmlError::from(ReadError::new(element, problem.clone()));
            fails(accept(&xml, &expect()), error, code);
        }
    }
}
