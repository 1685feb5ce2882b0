//! B5 for the subject: who may present the assertion, where and until when.

use crate::support::*;
use federate_saml::{BEARER, Rule, SubjectConfirmation};
use federate_types::{NameId, NameIdFormat};

fn confirmations(m: &mut Honest) -> &mut Vec<SubjectConfirmation> {
    &mut m.assertion.subject.as_mut().unwrap().confirmations
}

/// The recipient is our address, byte for byte, and it must be there.
#[test]
fn a131_recipient() {
    for wrong in [
        None,
        Some(""),
        Some("https://other.example/saml/acs"),
        Some("https://sp.example/saml/acs.evil"),
        Some("https://sp.example/saml/acs "),
        Some("HTTPS://sp.example/saml/acs"),
    ] {
        let edit = |m: &mut Honest| confirmations(m)[0].recipient = wrong.map(str::to_owned);
        bent(edit, Rule::Recipient, "response.recipient_mismatch");
    }
}

/// The bearer's window: it must end, it must not have ended, and it must not have a start.
#[test]
fn a139_confirmation_window() {
    let (rule, code) = (Rule::ConfirmationExpired, "response.confirmation_expired");
    for until in [None, Some(now()), Some(now() - seconds(1))] {
        bent(|m| confirmations(m)[0].not_on_or_after = until, rule, code);
    }
    let edit = |m: &mut Honest| confirmations(m)[0].not_before = Some(now() - seconds(60));
    let code = "response.confirmation_not_before";
    bent(edit, Rule::ConfirmationNotBefore, code);
    for part in PARTS {
        let mut message = honest(part);
        confirmations(&mut message)[0].not_on_or_after = Some(now() + seconds(1));
        accepted(&message.xml(), &expect());
    }
}

/// One confirmation must be a bearer's, whole and for us; others do no harm.
#[test]
fn a140_subject_confirmation() {
    let (rule, code) = (Rule::SubjectConfirmation, "response.subject_confirmation");
    bent(|m| m.assertion.subject = None, rule, code);
    bent(|m| confirmations(m).clear(), rule, code);
    for method in [
        "",
        "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches",
        "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key",
        "urn:oasis:names:tc:SAML:1.0:cm:bearer",
        "urn:oasis:names:tc:SAML:2.0:cm:Bearer",
    ] {
        bent(
            |m| confirmations(m)[0].method = method.to_owned(),
            rule,
            code,
        );
    }
    let empty = SubjectConfirmation {
        method: BEARER.to_owned(),
        not_before: None,
        not_on_or_after: None,
        recipient: None,
        in_response_to: None,
    };
    let edit = |m: &mut Honest| *confirmations(m) = vec![empty.clone()];
    bent(edit, Rule::Recipient, "response.recipient_mismatch");
    for part in PARTS {
        for at in [0, 1] {
            let mut message = honest(part);
            confirmations(&mut message).insert(at, empty.clone());
            accepted(&message.xml(), &expect());
        }
    }
    // Two half confirmations do not make a whole one.
    let halves = |m: &mut Honest| {
        let mut second = confirmations(m)[0].clone();
        second.recipient = Some("https://other.example".to_owned());
        confirmations(m)[0].not_on_or_after = Some(now());
        confirmations(m).push(second);
    };
    bent(
        halves,
        Rule::ConfirmationExpired,
        "response.confirmation_expired",
    );
}

/// A bearer confirmation without SubjectConfirmationData confirms nothing.
#[test]
fn a140_confirmation_without_data() {
    for part in PARTS {
        let message = honest(part);
        accepted(&message.xml(), &expect());
        let cut = |a: &str| {
            let from = a.find("<saml:SubjectConfirmationData").unwrap();
            let end = "</saml:SubjectConfirmationData>";
            let to = a.find(end).unwrap() + end.len();
            format!("{}{}", &a[..from], &a[to..])
        };
        let xml = message.xml_edited(cut, str::to_owned);
        let code = "response.recipient_mismatch";
        refused(accept(&xml, &expect()), Rule::Recipient, code);
    }
}

/// Somebody must be named.
#[test]
fn a149_name_id_missing() {
    let edit = |m: &mut Honest| m.assertion.subject.as_mut().unwrap().name_id = None;
    bent(edit, Rule::NameIdMissing, "response.name_id_missing");
}

/// A name made for another service provider is not a name for us.
#[test]
fn a149_name_id_for_another_service_provider() {
    let qualified = |text: &'static str| {
        move |m: &mut Honest| {
            let subject = m.assertion.subject.as_mut().unwrap();
            subject.name_id.as_mut().unwrap().sp_name_qualifier = Some(entity(text));
        }
    };
    let code = "response.name_id_qualifier";
    for other in ["https://other.example/saml", "https://sp.example/saml/"] {
        bent(qualified(other), Rule::NameIdQualifier, code);
    }
    for part in PARTS {
        let mut message = honest(part);
        qualified(SP)(&mut message);
        let login = signed_in(&message.xml(), &expect());
        assert_eq!(login.name_id().sp_name_qualifier, Some(entity(SP)));
    }
}

/// A148, A149: format, qualifier and every octet of the value make another name.
#[test]
fn a149_names_that_look_alike_are_different_names() {
    let base = NameId::new(ALICE, Some(NameIdFormat::EmailAddress)).unwrap();
    let value = |v: &str| NameId::new(v, Some(NameIdFormat::EmailAddress)).unwrap();
    let mut qualified = base.clone();
    qualified.name_qualifier = Some(entity("https://other-idp.example"));
    let others = [
        NameId::new(ALICE, Some(NameIdFormat::Persistent)).unwrap(),
        NameId::new(ALICE, None).unwrap(),
        qualified,
        value("alice@example.com "),
        value(" alice@example.com"),
        value("Alice@example.com"),
        value("alice@example.com\u{a0}"),
        value("alice\u{200b}@example.com"),
        value("\u{feff}alice@example.com"),
        value("\u{202e}alice@example.com"),
        value("alic\u{ff45}@example.com"),
        value("al\u{131}ce@example.com"),
    ];
    let login = signed_in(&honest(PARTS[0]).xml(), &expect());
    assert_eq!(login.name_id(), &base);
    for other in others {
        for part in PARTS {
            let mut message = honest(part);
            message.assertion.subject.as_mut().unwrap().name_id = Some(other.clone());
            let login = accept(&message.xml(), &expect()).unwrap();
            assert_eq!(login.name_id(), &other);
            assert_ne!(login.name_id(), &base);
        }
    }
}
