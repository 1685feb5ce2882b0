//! Every check, in the order in which the library makes them.
//!
//! The verdict is the library's own. What stands before the rules is looked at again here, step
//! by step, to tell an operator which step it was.

use super::report::Report;
use super::signature;
use crate::failure::Failure;
use crate::input::Message;
use crate::setting::Setting;
use crate::summary::status;
use crate::verify::judge;
use federate_saml::{
    Assertion, BindingError, Coverage, Encryptable, Response, Rule, SamlError, examine_response,
    response_rules, verify_response,
};
use federate_xml::dsig::own_signature;
use federate_xml::{Document, Element, Name, SignatureError, SignedOctets, Unverified, XmlError};

const ASSERTION: Name = Name::saml("Assertion");
const ENCRYPTED_ASSERTION: Name = Name::saml("EncryptedAssertion");

/// The steps before the rules, but for signatures and decryption, of which there may be none.
const STEPS: [&str; 6] = [
    "trusted keys",
    "encoding",
    "XML",
    "schema",
    "status",
    "number of assertions",
];
const SIGNATURES: &str = "signatures";
/// Why a step was not reached after a status that is none of success.
const FAILURE: &str = "the response reports a failure, and signs nobody in";
const DECRYPTED: &str = "to an assertion";

/// Makes every check.
pub(super) fn examine(setting: &Setting, message: Result<Message, BindingError>) -> Report {
    let mut report = Report::default();
    let [keys, encoding, ..] = STEPS;
    match setting.peer.expired {
        true => report.failed(keys, Failure::metadata_expired()),
        false => report.passed(keys, setting.peer.source),
    }
    match message {
        Err(error) => {
            let failure = Failure::from(SamlError::from(error));
            report.error = Some(failure.clone());
            report.failed(encoding, failure);
            rest(&mut report, 2, "the message could not be decoded");
        }
        Ok(message) => {
            report.passed(encoding, message.encoding);
            parsed(setting, &message.xml, &mut report);
            report.error = judge(setting, &message.xml).err();
            report.ok = report.error.is_none();
        }
    }
    // Whatever was looked at above: the reason for which the library refuses is in the table.
    if let Some(failure) = report.error.clone()
        && !report.tells(failure.code)
    {
        report.failed("verification by the library", failure);
    }
    report
}

/// The steps from this one on, and the rules, were not reached.
fn rest(report: &mut Report, from: usize, reason: &str) {
    for step in STEPS.into_iter().skip(from).chain([SIGNATURES]) {
        report.not_reached(step, reason);
    }
    rules_not_reached(report, reason);
}

fn rules_not_reached(report: &mut Report, reason: &str) {
    for rule in response_rules() {
        report.not_reached(name(rule), reason);
        report.cited(rule.citation());
    }
}

fn parsed(setting: &Setting, xml: &[u8], report: &mut Report) {
    let [_, _, parsing, schema, ..] = STEPS;
    let document = match Document::parse(xml, &setting.limits) {
        Ok(document) => document,
        Err(e) => {
            report.failed(parsing, SamlError::from(e));
            return rest(report, 3, "the message is not acceptable XML");
        }
    };
    let size = format!(
        "{} octets, by a parser without DTDs and entities",
        xml.len()
    );
    report.passed(parsing, size);
    drop(document);
    let response = match Unverified::<Response>::parse(xml, &setting.limits) {
        Ok(response) => response,
        Err(e) => {
            report.failed(schema, SamlError::from(e));
            return rest(report, 4, "the message is no Response");
        }
    };
    envelope(&response, report);
    verified(setting, &response, report);
}

/// What the message says of itself, before any signature.
fn envelope(response: &Unverified<'_, Response>, report: &mut Report) {
    let [.., schema, status_step, count_step] = STEPS;
    let root = response.root_hint();
    if Response::encrypted_parts(root).is_empty() {
        match response.read_unsigned() {
            Ok(_) => report.passed(schema, ""),
            Err(e) => report.failed(schema, SamlError::from(e)),
        }
    } else {
        report.not_reached(
            schema,
            "parts are encrypted; it is applied to what they become",
        );
    }
    match status(root) {
        Some(status) if status.is_success() => report.passed(status_step, status.code.uri()),
        Some(status) => report.failed(status_step, SamlError::Status(Box::new(status))),
        None => report.not_reached(status_step, "there is no status"),
    }
    if reports_failure(root) {
        return report.not_reached(count_step, FAILURE);
    }
    match assertions(root).count() {
        1 => report.passed(count_step, "one"),
        count => report.failed(
            count_step,
            Failure {
                code: Rule::AssertionCount.code(),
                message: Rule::AssertionCount.sentence().to_owned(),
                expected: Some("exactly one assertion".to_owned()),
                actual: Some(count.to_string()),
            },
        ),
    }
}

/// Whether the message says itself that it signs nobody in; then nothing else counts.
fn reports_failure(root: Element<'_>) -> bool {
    status(root).is_some_and(|status| !status.is_success())
}

fn assertions(root: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    let is = |e: &Element<'_>| e.is(ASSERTION) || e.is(ENCRYPTED_ASSERTION);
    root.child_elements().filter(is)
}

fn verified(setting: &Setting, response: &Unverified<'_, Response>, report: &mut Report) {
    signatures(setting, response.root_hint(), report);
    let (context, decryption) = (setting.verification(), setting.decryption());
    let keys = &setting.peer.keys;
    match verify_response(response, keys, &context, decryption.as_ref()) {
        Err(e) => {
            let failure = Failure::from(e);
            if !report.tells(failure.code) {
                report.failed("what was signed", failure);
            }
            let reason = "no assertion was verified, and the rules judge nothing else";
            rules_not_reached(report, reason);
        }
        Ok(verified) => {
            let covered = match verified.coverage() {
                Coverage::Response => "the response, and all that is in it",
                Coverage::Assertion => "the assertion; the response around it is unsigned",
                Coverage::Both => "the response and the assertion, each by itself",
            };
            report.passed("what was signed", covered);
            let expectation = setting.expectation(&verified);
            for (rule, result) in examine_response(&verified, &expectation.as_ref()) {
                match result {
                    Ok(()) => report.passed(name(rule), ""),
                    Err(refusal) if depends(rule, refusal.rule) => {
                        report.not_reached(name(rule), refusal.rule.sentence());
                    }
                    Err(refusal) => report.failed(name(rule), SamlError::from(refusal)),
                }
                report.cited(rule.citation());
            }
        }
    }
}

/// Whether a rule could not be applied because another one is broken.
fn depends(rule: Rule, broken: Rule) -> bool {
    rule != broken && matches!(broken, Rule::AuthnStatementMissing | Rule::NameIdMissing)
}

fn signatures(setting: &Setting, root: Element<'_>, report: &mut Report) {
    let has = |element: Element<'_>| !matches!(own_signature(element), Ok(None));
    let outer = has(root).then(|| signature::examine(setting, "Response", root, report));
    let mut inner = false;
    for element in assertions(root) {
        if element.is(ENCRYPTED_ASSERTION) {
            inner |= encrypted(setting, element, outer.as_ref().map(Option::as_ref), report);
        } else if has(element) {
            inner = true;
            signature::examine(setting, "Assertion", element, report);
        }
    }
    match outer.is_none() && !inner {
        true if reports_failure(root) => report.not_reached(SIGNATURES, FAILURE),
        true => report.failed(SIGNATURES, SignatureError::Missing),
        false => {}
    }
}

/// Decrypts an assertion and examines its signature; tells whether there is one, or could be.
fn encrypted(
    setting: &Setting,
    element: Element<'_>,
    outer: Option<Option<&SignedOctets>>,
    report: &mut Report,
) -> bool {
    let step = "decryption";
    let Some(context) = setting.decryption() else {
        report.failed(
            step,
            Failure {
                code: Rule::Encrypted.code(),
                message: Rule::Encrypted.sentence().to_owned(),
                expected: Some("--decrypt-key".to_owned()),
                actual: Some("an encrypted assertion".to_owned()),
            },
        );
        return true;
    };
    let Some(signed) = outer else {
        // Nothing around it is signed: its own signature is the one that counts.
        return match context.decrypt(element, ASSERTION) {
            Ok(decrypted) => {
                report.passed(step, DECRYPTED);
                signed_inside(setting, decrypted.parse(), report)
            }
            Err(e) => {
                report.failed(step, SamlError::from(e));
                true
            }
        };
    };
    let document = signed.and_then(|signed| signed.document(&setting.limits).ok());
    let Some(document) = document else {
        let reason = "the signature around it is not good: nothing is decrypted under it";
        report.not_reached(step, reason);
        return true;
    };
    for element in assertions(document.root()) {
        match document.decrypt(element, ASSERTION, &context) {
            Ok(covered) => {
                report.passed(step, DECRYPTED);
                signed_inside(setting, covered.parse(), report);
            }
            Err(e) => report.failed(step, SamlError::from(e)),
        }
    }
    true
}

/// Examines the signature of a decrypted assertion, if it has one.
fn signed_inside(
    setting: &Setting,
    decrypted: Result<Unverified<'_, Assertion>, XmlError>,
    report: &mut Report,
) -> bool {
    let Ok(assertion) = decrypted else {
        return false;
    };
    let root = assertion.root_hint();
    if matches!(own_signature(root), Ok(None)) {
        return false;
    }
    signature::examine(setting, "Assertion (decrypted)", root, report);
    true
}

/// What a rule looks at, by the specification's nouns.
fn name(rule: Rule) -> String {
    let looks_at = match rule {
        Rule::Coverage => "what must be signed",
        Rule::NotEncrypted => "what must be encrypted",
        Rule::Issuer => "Issuer of the response",
        Rule::Destination => "Destination",
        Rule::InResponseTo => "InResponseTo of the response",
        Rule::IssueInstant => "IssueInstant of the response",
        Rule::AssertionIssuer => "Issuer of the assertion",
        Rule::AssertionIssueInstant => "IssueInstant of the assertion",
        Rule::SubjectConfirmation => "SubjectConfirmation",
        Rule::NotYetValid => "NotBefore",
        Rule::Expired => "NotOnOrAfter",
        Rule::Audience => "Audience",
        Rule::UnknownCondition => "Conditions",
        Rule::AuthnStatementMissing => "AuthnStatement",
        Rule::SessionExpired => "SessionNotOnOrAfter",
        Rule::AuthnInstant => "AuthnInstant",
        Rule::AuthnContext => "AuthnContext",
        Rule::NameIdMissing => "NameID",
        Rule::NameIdQualifier => "SPNameQualifier",
        // A rule that was added after this list: its code says which.
        other => other.code(),
    };
    format!("rule: {looks_at}")
}
