//! B5 for what the assertion states and on which conditions.

use crate::support::*;
use federate_saml::{Attribute, AttributeValue, RequestedAuthnContext, Rule, SamlError};
use federate_types::SessionIndex;
use federate_xml::{ReadError, ReadProblem, XmlError};

/// The assertion says how the person signed in, and the session is not over.
#[test]
fn a145_authn_statement() {
    let (rule, code) = (
        Rule::AuthnStatementMissing,
        "response.authn_statement_missing",
    );
    bent(|m| m.assertion.authn_statements.clear(), rule, code);
    for off in [0, -1] {
        let over = Some(now() + seconds(off));
        let edit = |m: &mut Honest| m.assertion.authn_statements[0].session_not_on_or_after = over;
        bent(edit, Rule::SessionExpired, "response.session_expired");
    }
    for part in PARTS {
        let mut message = honest(part);
        let login = signed_in(&message.xml(), &expect());
        assert_eq!(
            login.session_index(),
            Some(&SessionIndex::new("_session").unwrap())
        );
        let statement = &mut message.assertion.authn_statements[0];
        statement.session_not_on_or_after = Some(now() + seconds(1));
        statement.session_index = None;
        let login = signed_in(&message.xml(), &expect());
        assert_eq!(login.session_index(), None);
        assert_eq!(login.session_not_on_or_after(), Some(now() + seconds(1)));
    }
}

/// What was asked for must have happened: a class of those named, a new sign-in, and not in
/// the future.
#[test]
fn a146_authn_context_and_forced_authn() {
    let (rule, code) = (Rule::AuthnContext, "response.authn_context");
    let mfa = "https://refeds.org/profile/mfa";
    let asked = |e: &mut Expect, classes: &[&str]| {
        let classes = classes.iter().copied();
        e.request.as_mut().unwrap().requested_authn_context =
            Some(RequestedAuthnContext::exact(classes));
    };
    expected_otherwise(|e| asked(e, &[mfa]), rule, code);
    for part in PARTS {
        let mut expect = expect();
        asked(&mut expect, &[mfa, PASSWORD]);
        let mut message = honest(part);
        accepted(&message.xml(), &expect);
        message.assertion.authn_statements[0].authn_context = None;
        message.assertion.authn_statements[0].authenticating_authorities =
            vec![PASSWORD.to_owned()];
        refused(accept(&message.xml(), &expect), rule, code);
    }
    let (rule, code) = (Rule::AuthnInstant, "response.authn_instant");
    let edit = |m: &mut Honest| m.assertion.authn_statements[0].authn_instant = now() + seconds(1);
    bent(edit, rule, code);
    for part in PARTS {
        let mut expect = expect();
        expect.request.as_mut().unwrap().force_authn = true;
        let mut message = honest(part);
        accepted(&message.xml(), &expect);
        let sent = expect.request.as_ref().unwrap().issue_instant;
        message.assertion.authn_statements[0].authn_instant = sent;
        accepted(&message.xml(), &expect);
        message.assertion.authn_statements[0].authn_instant = sent - seconds(1);
        refused(accept(&message.xml(), &expect), rule, code);
    }
}

/// A condition that nobody here understands makes the assertion worthless; the two other ones
/// of the specification are understood.
#[test]
fn a147_conditions() {
    let end = "</saml:Conditions>";
    let (rule, code) = (Rule::UnknownCondition, "response.unknown_condition");
    for unknown in [
        "<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"T\"></saml:Condition>",
        "<x:Condition xmlns:x=\"urn:x\"></x:Condition>",
        "<x:OneTimeUse xmlns:x=\"urn:x\"></x:OneTimeUse>",
    ] {
        rewritten(end, &format!("{unknown}{end}"), rule, code);
    }
    for known in [
        "<saml:OneTimeUse></saml:OneTimeUse>",
        "<saml:ProxyRestriction Count=\"0\"></saml:ProxyRestriction>",
        "<saml:ProxyRestriction></saml:ProxyRestriction>",
    ] {
        for part in PARTS {
            let edit = |a: &str| swap(a, end, &format!("{known}{end}"));
            accepted(&honest(part).xml_edited(edit, str::to_owned), &expect());
        }
    }
    // One that is no restriction, or one beside another, is not taken for none.
    let invalid = |what, expected| ReadProblem::InvalidValue { what, expected };
    let negative = "<saml:ProxyRestriction Count=\"-1\"></saml:ProxyRestriction>";
    let number = ("ProxyRestriction", invalid("Count", "a number"));
    let one = "<saml:ProxyRestriction Count=\"1\"></saml:ProxyRestriction>";
    let two = ("Conditions", ReadProblem::UnexpectedElement);
    for (odd, (element, problem)) in [(negative.to_owned(), number), (one.repeat(2), two)] {
        for part in PARTS {
            let edit = |a: &str| swap(a, end, &format!("{odd}{end}"));
            let xml = honest(part).xml_edited(edit, str::to_owned);
            let error = accept(&xml, &expect()).unwrap_err();
            assert_eq!(
                error,
                SamlError::from(XmlError::from(ReadError::new(element, problem.clone())))
            );
        }
    }
}

/// Attributes the schema does not know, elements out of order: not an assertion.
#[test]
fn a029_schema_shape() {
    type Case = (
        &'static str,
        &'static str,
        &'static str,
        ReadProblem,
        &'static str,
    );
    let cases: [Case; 4] = [
        (
            " IssueInstant=",
            " IsAdmin=\"1\" IssueInstant=",
            "Assertion",
            ReadProblem::UnexpectedAttribute,
            "schema.unexpected_attribute",
        ),
        (
            "<saml:Subject>",
            "x<saml:Subject>",
            "Assertion",
            ReadProblem::UnexpectedText,
            "schema.unexpected_text",
        ),
        (
            "<saml:Subject>",
            "<saml:Advice></saml:Advice><saml:Subject>",
            "Assertion",
            ReadProblem::UnexpectedElement,
            "schema.unexpected_element",
        ),
        (
            "</saml:NameID>",
            "<saml:b></saml:b></saml:NameID>",
            "a text element",
            ReadProblem::UnexpectedMarkup,
            "schema.unexpected_markup",
        ),
    ];
    for (from, to, element, problem, code) in cases {
        for part in PARTS {
            let message = honest(part);
            accepted(&message.xml(), &expect());
            let xml = message.xml_edited(|a| swap(a, from, to), str::to_owned);
            let error = XmlError::from(ReadError::new(element, problem.clone()));
            fails(accept(&xml, &expect()), error, code);
        }
    }
}

/// Markup in values stays text: no value makes an attribute, an element or a statement.
#[test]
fn a211_markup_in_values_stays_text() {
    let hostile = [
        "</saml:AttributeValue><saml:AttributeValue>admin",
        "</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"admin\">",
        "\" Name=\"admin",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&lt;script&gt;",
        "&#60;",
        "\r\n\t",
    ];
    for part in PARTS {
        for text in hostile {
            let mut message = honest(part);
            let mut attribute = Attribute::new(text, [text, "x"]);
            attribute.friendly_name = Some(text.to_owned());
            attribute.name_format = Some(text.to_owned());
            message.assertion.attributes = vec![attribute];
            let login = signed_in(&message.xml(), &expect());
            assert_eq!(login.attributes(), message.assertion.attributes);
        }
    }
}

/// A210: what an attacker writes is not in the message that is shown or logged by default.
#[test]
fn a210_attackers_text_is_not_displayed() {
    let hostile = "<script>alert(1)</script>\r\nforged line";
    for part in PARTS {
        let mut message = honest(part);
        message.response.destination = Some(hostile.to_owned());
        let error = accept(&message.xml(), &expect()).unwrap_err();
        assert_eq!(error.code(), "message.destination_mismatch");
        let shown = error.to_string();
        assert!(
            !shown.contains("script") && !shown.contains('\n'),
            "{shown}"
        );

        let mut message = honest(part);
        message.response.status.code = federate_types::StatusCode::from_uri(hostile);
        message.response.status.message = Some(hostile.to_owned());
        let error = accept(&message.xml(), &expect()).unwrap_err();
        assert_eq!(error.code(), "response.status");
        let shown = error.to_string();
        assert!(
            !shown.contains("script") && !shown.contains('\n'),
            "{shown}"
        );
    }
}

/// Debug output does not tell who the person is.
#[test]
fn debug_hides_the_person() {
    let mut message = honest(PARTS[2]);
    message.assertion.attributes = vec![Attribute {
        values: vec![AttributeValue::Text("secret".to_owned())],
        ..Attribute::new("a", [""; 0])
    }];
    let shown = format!("{:?}", signed_in(&message.xml(), &expect()));
    assert!(
        !shown.contains("alice") && !shown.contains("secret"),
        "{shown}"
    );
}

/// Attributes of one name and several statements are all the signer's: attributes come one by
/// one, in order, and none replaces another. The first AuthnStatement tells how the person
/// signed in, and the session ends when the first of them says so.
#[test]
fn a150_attributes_of_one_name_and_several_statements() {
    let groups = |values: &[&str]| Attribute::new("groups", values.iter().copied());
    let other = Attribute::new("mail", [ALICE]);
    for part in PARTS {
        let mut message = honest(part);
        let attributes = vec![
            groups(&["staff"]),
            other.clone(),
            groups(&["admins", "staff"]),
        ];
        message.assertion.attributes = attributes.clone();
        let mut second = message.assertion.authn_statements[0].clone();
        second.authn_context = Some("urn:other".to_owned());
        second.session_index = Some(SessionIndex::new("_second").unwrap());
        second.session_not_on_or_after = Some(now() + seconds(60));
        message.assertion.authn_statements.push(second);
        let login = signed_in(&message.xml(), &expect());
        assert_eq!(login.attributes(), attributes);
        assert_eq!(login.authn_context(), Some(PASSWORD));
        assert_eq!(
            login.session_index(),
            Some(&SessionIndex::new("_session").unwrap())
        );
        assert_eq!(login.session_not_on_or_after(), Some(now() + seconds(60)));

        // The same in two statements of attributes.
        let (end, start) = (
            "</saml:AttributeStatement>",
            "<saml:AttributeStatement><saml:Attribute Name=\"mail\"",
        );
        let split = |a: &str| swap(a, "<saml:Attribute Name=\"mail\"", &format!("{end}{start}"));
        let xml = message.xml_edited(split, str::to_owned);
        assert_eq!(signed_in(&xml, &expect()).attributes(), attributes);
    }
}
