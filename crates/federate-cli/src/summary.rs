//! What a message says, in a few lines. Nothing of it is verified.

use crate::pretty::REDACTED;
use crate::terminal::visible;
use federate_types::{Status, StatusCode};
use federate_xml::{Document, Element, Name, XSI};

/// Lines of a name and a value.
#[derive(Default)]
pub(crate) struct Lines {
    out: String,
    indent: usize,
}

impl Lines {
    pub(crate) fn line(&mut self, name: &str, value: &str) {
        let indent = self.indent * 2;
        let width = 20_usize.saturating_sub(indent);
        let line = format!("{:indent$}{name:<width$} {}", "", visible(value));
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn optional(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.line(name, value.as_ref());
        }
    }

    fn attributes(&mut self, element: Element<'_>, names: &[&str]) {
        for name in names {
            self.optional(name, element.attribute(name));
        }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }
}

pub(crate) fn child(element: Element<'_>, name: Name) -> Option<Element<'_>> {
    element.child_elements().find(|c| c.is(name))
}

fn children(element: Element<'_>, name: Name) -> impl Iterator<Item = Element<'_>> {
    element.child_elements().filter(move |c| c.is(name))
}

fn text(element: Element<'_>) -> String {
    match element.text() {
        Ok(text) => text.trim().to_owned(),
        Err(_) => "(markup)".to_owned(),
    }
}

/// What the message claims as its status; `None` if it has none.
pub(crate) fn status(root: Element<'_>) -> Option<Status> {
    let status = child(root, Name::samlp("Status"))?;
    let code = child(status, Name::samlp("StatusCode"))?;
    let value = |code: Element<'_>| code.attribute("Value").map(StatusCode::from_uri);
    Some(Status {
        code: value(code)?,
        subcode: child(code, Name::samlp("StatusCode")).and_then(value),
        message: child(status, Name::samlp("StatusMessage")).map(text),
    })
}

/// The summary of a whole message.
pub(crate) fn summary(document: &Document<'_>, show_values: bool, lines: &mut Lines) {
    let root = document.root();
    lines.line("kind", root.local_name());
    if !matches!(root.namespace(), federate_xml::SAMLP | federate_xml::SAML) {
        lines.line("namespace", root.namespace());
    }
    if root.is(Name::saml("Assertion")) {
        assertion(root, show_values, lines);
        return;
    }
    let issuer = child(root, Name::saml("Issuer")).map(text);
    lines.attributes(root, &["ID", "Version", "IssueInstant"]);
    lines.optional("Issuer", issuer);
    lines.attributes(
        root,
        &[
            "Destination",
            "InResponseTo",
            "NotOnOrAfter",
            "Reason",
            "AssertionConsumerServiceURL",
            "AssertionConsumerServiceIndex",
            "ProtocolBinding",
            "ForceAuthn",
            "IsPassive",
        ],
    );
    if let Some(policy) = child(root, Name::samlp("NameIDPolicy")) {
        lines.optional("NameIDPolicy", policy.attribute("Format"));
    }
    if let Some(status) = status(root) {
        lines.line("status", &status.code.uri());
        lines.optional("second status", status.subcode.map(|code| code.uri()));
        lines.optional("status message", status.message);
    }
    signature(root, lines);
    subject(root, show_values, lines);
    for index in children(root, Name::samlp("SessionIndex")) {
        lines.line("SessionIndex", &text(index));
    }
    for element in root.child_elements() {
        if element.is(Name::saml("Assertion")) {
            lines.line("assertion", "in the clear");
            lines.indent += 1;
            assertion(element, show_values, lines);
            lines.indent -= 1;
        } else if element.is(Name::saml("EncryptedAssertion")) {
            lines.line("assertion", "encrypted");
            lines.indent += 1;
            lines.optional("cipher", algorithm_of_data(element));
            lines.indent -= 1;
        }
    }
}

fn algorithm_of_data(element: Element<'_>) -> Option<&str> {
    let xenc = |local| Name::new(federate_xml::XENC, "xenc", local);
    let data = child(element, xenc("EncryptedData"))?;
    child(data, xenc("EncryptionMethod"))?.attribute("Algorithm")
}

fn assertion(assertion: Element<'_>, show_values: bool, lines: &mut Lines) {
    lines.attributes(assertion, &["ID", "IssueInstant"]);
    lines.optional("Issuer", child(assertion, Name::saml("Issuer")).map(text));
    signature(assertion, lines);
    if let Some(element) = child(assertion, Name::saml("Subject")) {
        subject(element, show_values, lines);
        for confirmation in children(element, Name::saml("SubjectConfirmation")) {
            lines.optional("confirmation", confirmation.attribute("Method"));
            let names = ["Recipient", "NotBefore", "NotOnOrAfter", "InResponseTo"];
            if let Some(data) = child(confirmation, Name::saml("SubjectConfirmationData")) {
                lines.indent += 1;
                lines.attributes(data, &names);
                lines.indent -= 1;
            }
        }
    }
    if let Some(conditions) = child(assertion, Name::saml("Conditions")) {
        lines.line("conditions", "");
        lines.indent += 1;
        lines.attributes(conditions, &["NotBefore", "NotOnOrAfter"]);
        for restriction in children(conditions, Name::saml("AudienceRestriction")) {
            for audience in children(restriction, Name::saml("Audience")) {
                lines.line("Audience", &text(audience));
            }
        }
        lines.indent -= 1;
    }
    for statement in children(assertion, Name::saml("AuthnStatement")) {
        lines.line("sign-in", "");
        lines.indent += 1;
        let names = ["AuthnInstant", "SessionIndex", "SessionNotOnOrAfter"];
        lines.attributes(statement, &names);
        let context = child(statement, Name::saml("AuthnContext"));
        let class = context.and_then(|c| child(c, Name::saml("AuthnContextClassRef")));
        lines.optional("context", class.map(text));
        lines.indent -= 1;
    }
    for statement in children(assertion, Name::saml("AttributeStatement")) {
        for attribute in children(statement, Name::saml("Attribute")) {
            lines.line("attribute", &attribute_text(attribute, show_values));
        }
        for _ in children(statement, Name::saml("EncryptedAttribute")) {
            lines.line("attribute", "encrypted");
        }
    }
}

fn attribute_text(attribute: Element<'_>, show_values: bool) -> String {
    let name = attribute.attribute("Name").unwrap_or("without name");
    let values = children(attribute, Name::saml("AttributeValue"));
    let values: Vec<_> = values
        .map(|value| match value.attribute_in(XSI, "nil") {
            _ if !show_values => REDACTED.to_owned(),
            Some("true" | "1") => "nil".to_owned(),
            _ => text(value),
        })
        .collect();
    match values.is_empty() {
        true => format!("{name} (no value)"),
        false => format!("{name} = {}", values.join(", ")),
    }
}

/// The name of the person that stands directly in this element.
fn subject(of: Element<'_>, show_values: bool, lines: &mut Lines) {
    if let Some(subject) = child(of, Name::saml("Subject")) {
        subject_name(subject, show_values, lines);
    } else {
        subject_name(of, show_values, lines);
    }
}

fn subject_name(of: Element<'_>, show_values: bool, lines: &mut Lines) {
    if let Some(name_id) = child(of, Name::saml("NameID")) {
        let value = match show_values {
            true => text(name_id),
            false => REDACTED.to_owned(),
        };
        lines.line("NameID", &value);
        lines.indent += 1;
        lines.attributes(name_id, &["Format", "NameQualifier", "SPNameQualifier"]);
        lines.indent -= 1;
    } else if child(of, Name::saml("EncryptedID")).is_some() {
        lines.line("NameID", "encrypted");
    }
}

/// Whether the element has a signature, and which algorithms that claims.
fn signature(element: Element<'_>, lines: &mut Lines) {
    let mut found = children(element, Name::ds("Signature")).peekable();
    if found.peek().is_none() {
        lines.line("signature", "none");
    }
    for signature in found {
        let info = child(signature, Name::ds("SignedInfo"));
        let method = |name| info.and_then(|i| child(i, name)?.attribute("Algorithm"));
        let reference = info.and_then(|i| child(i, Name::ds("Reference")));
        let digest = reference.and_then(|r| child(r, Name::ds("DigestMethod")));
        let unknown = "of no algorithm";
        lines.line(
            "signature",
            method(Name::ds("SignatureMethod")).unwrap_or(unknown),
        );
        lines.indent += 1;
        lines.optional("digest", digest.and_then(|d| d.attribute("Algorithm")));
        lines.indent -= 1;
    }
}
