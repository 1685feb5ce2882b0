//! B1 and A144 at the level of responses and requests: what is signed is what is read.

use crate::support::*;
use federate_saml::{
    Coverage, LogoutRequest, Response, Rule, SamlError, SignedPart, signed_xml, unsigned_xml,
    verify_response,
};
use federate_types::NameId;
use federate_xml::dsig::SignatureStructure;
use federate_xml::{
    Limits, ReadError, ReadProblem, SignatureError, TrustedKeys, Unverified, XmlError,
};

const COUNT: &str = "response.assertion_count";

/// Two assertions: the honest one, and one about Mallory that is not signed.
fn two() -> (Honest, String, String) {
    let message = honest(SignedPart::Assertion);
    accepted(&message.xml(), &expect());
    let mut forged = message.assertion.clone();
    forged.id = id("_forged");
    rename(&mut forged);
    let good = signed_assertion(&message.assertion);
    (message, good, assertion_text(&forged))
}

fn rename(assertion: &mut federate_saml::Assertion) {
    let subject = assertion.subject.as_mut().unwrap();
    subject.name_id = Some(NameId::new("mallory@example.com", None).unwrap());
}

const ENCRYPTED: &str = "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
     <x:EncryptedData xmlns:x=\"http://www.w3.org/2001/04/xmlenc#\"></x:EncryptedData>\
     </saml:EncryptedAssertion>";

/// An unsigned assertion before the signed one: refused by their number.
#[test]
fn a009_unsigned_assertion_first() {
    let (message, good, forged) = two();
    let xml = around(&message.response, &[&forged, &good]);
    refused(accept(&xml, &expect()), Rule::AssertionCount, COUNT);
}

/// The signed assertion first, an unsigned one behind it: refused by their number.
#[test]
fn a010_unsigned_assertion_second() {
    let (message, good, forged) = two();
    let xml = around(&message.response, &[&good, &forged]);
    refused(accept(&xml, &expect()), Rule::AssertionCount, COUNT);
}

/// An encrypted assertion beside a signed one, in either order, and alone.
#[test]
fn a013_encrypted_beside_signed() {
    let (message, good, _) = two();
    for pair in [[ENCRYPTED, &good], [&good, ENCRYPTED]] {
        let xml = around(&message.response, &pair);
        refused(accept(&xml, &expect()), Rule::AssertionCount, COUNT);
    }
    let alone = around(&message.response, &[ENCRYPTED]);
    let code = "message.encrypted";
    refused(accept(&alone, &expect()), Rule::Encrypted, code);
}

/// A captured signed assertion inside the attacker's own request signs nothing of it.
#[test]
fn a026_captured_assertion_in_a_request() {
    let (_, captured, _) = two();
    let request = crate::logout::request();
    let honest_xml = signed_xml(&request, &signer()).unwrap();
    let parse = |xml: &str| -> Result<_, SamlError> {
        let request = Unverified::<LogoutRequest>::parse(xml.as_bytes(), &Limits::default())?;
        Ok(with_context(|c| request.verify(&trusted(), c))?)
    };
    drop(parse(std::str::from_utf8(&honest_xml).unwrap()).unwrap());

    let plain = String::from_utf8(unsigned_xml(&request)).unwrap();
    let end = "</saml:Issuer>";
    let extensions = format!("{end}<samlp:Extensions>{captured}</samlp:Extensions>");
    let missing = SignatureError::Missing;
    let xml = swap(&plain, end, &extensions);
    unsigned(parse(&xml), missing, "signature.missing");
    // Its signature moved to where the request's own would be refers to the assertion still.
    let from = captured.find("<ds:Signature").unwrap();
    let to = captured.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let moved = &captured[from..to];
    let xml = swap(&plain, end, &format!("{end}{moved}"));
    let elsewhere = SignatureError::Malformed(SignatureStructure::ReferenceElsewhere);
    unsigned(parse(&xml), elsewhere, "signature.malformed");
    // And an assertion is no request, whoever signed it.
    let root = XmlError::from(ReadError::new("LogoutRequest", ReadProblem::UnexpectedRoot));
    fails(parse(&captured), root, "schema.unexpected_root");
}

/// The response is signed, its assertion is not; another assertion in its place is noticed.
#[test]
fn a027_assertion_swapped_in_a_signed_response() {
    let message = honest(SignedPart::Response);
    let xml = message.xml();
    accepted(&xml, &expect());
    let mut forged = message.assertion.clone();
    rename(&mut forged);
    let swapped = swap(
        &xml,
        &assertion_text(&message.assertion),
        &assertion_text(&forged),
    );
    let mismatch = SignatureError::DigestMismatch;
    let code = "signature.digest_mismatch";
    unsigned(accept(&swapped, &expect()), mismatch, code);
}

/// With two signatures both must hold: a stale one inside a good one, or around one.
#[test]
fn a030_one_of_two_signatures_is_stale() {
    let message = honest(SignedPart::Both);
    let xml = message.xml();
    accepted(&xml, &expect());
    let code = "signature.digest_mismatch";
    // The assertion is changed after it was signed, then the response is signed around it.
    let mut forged = message.assertion.clone();
    rename(&mut forged);
    let stale = swap(
        &signed_assertion(&message.assertion),
        ALICE,
        "mallory@example.com",
    );
    let response = around(&message.response, &[&stale]);
    let signed = sign_text(&signer(), &response, &message.response.id);
    let mismatch = SignatureError::DigestMismatch;
    unsigned(accept(&signed, &expect()), mismatch.clone(), code);
    // The assertion is exchanged for another one of the same signer: the response notices.
    let other = swap(
        &xml,
        &signed_assertion(&message.assertion),
        &signed_assertion(&forged),
    );
    unsigned(accept(&other, &expect()), mismatch, code);
    // The assertion is signed by somebody else.
    let foreign = assertion_text(&message.assertion);
    let foreign = sign_text(&attacker(), &foreign, &message.assertion.id);
    let response = around(&message.response, &[&foreign]);
    let signed = sign_text(&signer(), &response, &message.response.id);
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(accept(&signed, &expect()), wrong, "signature.wrong_key");
}

/// Without any signature, or with an attacker's, nothing is verified.
#[test]
fn a070_a071_no_signature_or_the_attackers() {
    for part in PARTS {
        let message = honest(part);
        accepted(&message.xml(), &expect());
        let plain = around(&message.response, &[&assertion_text(&message.assertion)]);
        unsigned(
            accept(&plain, &expect()),
            SignatureError::Missing,
            "signature.missing",
        );
        let signed = sign_text(&attacker(), &plain, &message.response.id);
        let wrong = SignatureError::WrongKey { tried: 1 };
        unsigned(accept(&signed, &expect()), wrong, "signature.wrong_key");
    }
}

/// A signed assertion where an assertion has no business: extensions, advice, inside another.
#[test]
fn a004_a007_a012_assertions_in_other_places() {
    let (message, good, forged) = two();
    let end = "</saml:Issuer>";
    // In the extensions of a response with a forged assertion.
    let xml = around(&message.response, &[&forged]);
    let hidden = format!("{end}<samlp:Extensions>{good}</samlp:Extensions>");
    let xml = swap(&xml, end, &hidden);
    unsigned(
        accept(&xml, &expect()),
        SignatureError::Missing,
        "signature.missing",
    );
    // As advice of the forged assertion.
    let end = "</saml:Conditions>";
    let advised = swap(
        &forged,
        end,
        &format!("{end}<saml:Advice>{good}</saml:Advice>"),
    );
    let xml = around(&message.response, &[&advised]);
    unsigned(
        accept(&xml, &expect()),
        SignatureError::Missing,
        "signature.missing",
    );
    // As a child of the forged assertion.
    let end = "</saml:AttributeStatement>";
    let nested = swap(&forged, end, &format!("{end}{good}"));
    let xml = around(&message.response, &[&nested]);
    unsigned(
        accept(&xml, &expect()),
        SignatureError::Missing,
        "signature.missing",
    );
    // Anywhere in the status.
    let xml = around(&message.response, &[&forged]);
    let end = "</samlp:StatusCode>";
    let detail = format!("{end}<samlp:StatusDetail>{good}</samlp:StatusDetail>");
    let xml = swap(&xml, end, &detail);
    unsigned(
        accept(&xml, &expect()),
        SignatureError::Missing,
        "signature.missing",
    );
}

/// Signed advice of a signed assertion is allowed, and never taken for the assertion.
#[test]
fn a012_advice_is_never_the_assertion() {
    let (message, _, forged) = two();
    let xml = message.xml_edited(
        |a| {
            let end = "</saml:Conditions>";
            // Declared by the assertion around it, the namespace must not be written again.
            let inside = swap(
                &forged,
                " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
                "",
            );
            swap(a, end, &format!("{end}<saml:Advice>{inside}</saml:Advice>"))
        },
        str::to_owned,
    );
    accepted(&xml, &expect());
}

/// One assertion: not none, not two, even if all are signed.
#[test]
fn a144_none_or_several_assertions() {
    for part in PARTS {
        let message = honest(part);
        accepted(&message.xml(), &expect());
        let mut second = message.assertion.clone();
        second.id = id("_second");
        let (first, second) = (
            signed_assertion(&message.assertion),
            signed_assertion(&second),
        );
        for assertions in [Vec::new(), vec![first.as_str(), second.as_str()]] {
            let xml = around(&message.response, &assertions);
            let xml = sign_text(&signer(), &xml, &message.response.id);
            refused(accept(&xml, &expect()), Rule::AssertionCount, COUNT);
        }
    }
}

/// Coverage tells which signatures were there; the keys are the caller's alone.
#[test]
fn coverage_and_signer_are_told() {
    let expected = [Coverage::Assertion, Coverage::Response, Coverage::Both];
    for (part, coverage) in PARTS.into_iter().zip(expected) {
        let xml = honest(part).xml();
        let response = Unverified::<Response>::parse(xml.as_bytes(), &Limits::default()).unwrap();
        let verified = with_context(|c| verify_response(&response, &trusted(), c, None)).unwrap();
        assert_eq!(verified.coverage(), coverage);
        assert_eq!(
            &verified.signed_by().key,
            signer().certificate().public_key()
        );
        assert_eq!(verified.envelope().assertions, []);
        let key = federate_testkit::keys::prepare(
            &provider(),
            &federate_testkit::keys::other_certificate(),
        );
        let others = TrustedKeys::from(key);
        let result = with_context(|c| verify_response(&response, &others, c, None));
        let wrong = SignatureError::WrongKey { tried: 1 };
        unsigned(result, wrong, "signature.wrong_key");
    }
}
