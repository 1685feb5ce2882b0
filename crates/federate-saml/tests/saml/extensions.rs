//! What messages say in other vocabularies is kept as it is, signed with the rest, and believed
//! for nothing.

use crate::support::*;
use federate_saml::{
    AuthnRequest, Extension, Extensions, LogoutRequest, Message, Response, SignedPart,
    issue_failure, signed_xml, unsigned_xml,
};
use federate_testkit::keys;
use federate_xml::{
    FromElement, Limits, Name, ReadError, ReadProblem, SignatureError, Unverified, Writer, XmlError,
};
use std::process::Command;

const HINT: Name = Name::new("urn:x", "x", "Hint");

/// Of another vocabulary, with everything that makes its canonical form depend on where it is.
pub(crate) fn some() -> Extensions {
    let typed = b"<Typed xmlns='urn:y' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' \
        xmlns:xs='http://www.w3.org/2001/XMLSchema' xsi:type='xs:string'>a</Typed>";
    let inner = b"<x:Hint  xmlns:x='urn:x' a='&lt;\"'><samlp:Inner \
        xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:unused='urn:u'/>&amp;</x:Hint>";
    let all = [&inner[..], typed].map(|xml| Extension::parse(xml).unwrap());
    all.into_iter().collect()
}

fn verified<T: FromElement>(xml: &[u8]) -> Result<T, XmlError> {
    let message = Unverified::<T>::parse(xml, &Limits::default())?;
    with_context(|c| message.verify(&trusted(), c)).map(federate_xml::Verified::into_inner)
}

/// What is written is what is hashed, and it is read as it was written.
fn survives<T: Message + FromElement + PartialEq + std::fmt::Debug>(message: &T) {
    let signed = signed_xml(message, &signer()).unwrap();
    assert_eq!(&verified::<T>(&signed).unwrap(), message);
    let unsigned = unsigned_xml(message);
    let read = Unverified::<T>::parse(&unsigned, &Limits::default()).unwrap();
    assert_eq!(&read.read_unsigned().unwrap(), message);
}

#[test]
fn every_message_keeps_them() {
    let mut request = crate::requests::full();
    request.extensions = some();
    survives(&request);
    let mut request = crate::logout::request();
    request.extensions = some();
    survives(&request);
    let mut response = crate::logout::response();
    response.extensions = some();
    survives(&response);
    let mut resolve = crate::artifact::resolve();
    resolve.extensions = some();
    survives(&resolve);
    let mut response = crate::artifact::response(None);
    response.extensions = some();
    survives(&response);

    let mut failure = honest(PARTS[0]).response;
    failure.extensions = some();
    let octets = issue_failure(&failure, &signer()).unwrap();
    assert_eq!(verified::<Response>(&octets).unwrap(), failure);
    let mut message = honest(SignedPart::Response);
    message.response.extensions = some();
    let mut w = Writer::new();
    let assertion = assertion_text(&message.assertion).into_bytes();
    message.response.write_around(&mut w, &[assertion]);
    let octets = signer().sign(w, &message.response.id).unwrap();
    accepted(std::str::from_utf8(&octets).unwrap(), &expect());
}

/// Somebody else's canonicalization comes to the same octets.
#[test]
fn xmlsec1_verifies_messages_with_extensions() {
    if Command::new("xmlsec1").arg("--version").output().is_err() {
        return crate::schema::skipped("xmlsec1 is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("certificate.pem");
    std::fs::write(&certificate, keys::certificate().to_pem()).unwrap();
    let good = |xml: &[u8], root: &str| {
        let file = folder.path().join("message.xml");
        std::fs::write(&file, xml).unwrap();
        let output = Command::new("xmlsec1")
            .args(["--verify", "--pubkey-cert-pem"])
            .arg(&certificate)
            .args(["--id-attr:ID", &format!("{}:{root}", federate_xml::SAMLP)])
            .arg(&file)
            .output()
            .unwrap();
        output.status.success()
    };
    let mut request = crate::logout::request();
    request.extensions = some();
    request.set_asynchronous();
    let xml = String::from_utf8(signed_xml(&request, &signer()).unwrap()).unwrap();
    assert!(good(xml.as_bytes(), "LogoutRequest"));
    let changed = swap(&xml, "xs:string", "xs:other");
    assert!(!good(changed.as_bytes(), "LogoutRequest"));
    let inner = String::from_utf8(unsigned_xml(&request)).unwrap();
    let mut response = crate::artifact::response(Some(&inner));
    response.extensions = some();
    let xml = signed_xml(&response, &signer()).unwrap();
    assert!(good(&xml, "ArtifactResponse"));
}

/// Each tells its name and is a document of its own, wherever it stood.
#[test]
fn they_stand_alone() {
    let mut request = crate::logout::request();
    request.extensions = some();
    let xml = String::from_utf8(unsigned_xml(&request)).unwrap();
    // Declared outside, as other software does.
    let xml = swap(&xml, " xmlns:x=\"urn:x\"", "");
    let root = "<samlp:LogoutRequest ";
    let xml = swap(&xml, root, &format!("{root}xmlns:x=\"urn:x\" "));
    let read = Unverified::<LogoutRequest>::parse(xml.as_bytes(), &Limits::default()).unwrap();
    let read = read.read_unsigned().unwrap();
    assert_eq!(read.extensions, some());
    let hint = read.extensions.find(HINT).unwrap();
    assert_eq!((hint.namespace(), hint.local_name()), ("urn:x", "Hint"));
    assert_eq!(Extension::parse(hint.xml()).as_ref(), Ok(hint));
    assert!(
        read.extensions
            .find(Name::new("urn:y", "x", "Hint"))
            .is_none()
    );
    assert_eq!(read.extensions.iter().count(), 2);
    assert!(Extension::parse(b"<a/><b/>").is_err());
    let printed = format!("{:?}", read.extensions);
    assert!(
        printed.contains("Hint") && !printed.contains('&'),
        "{printed}"
    );
}

/// They are signed with the rest, and other places than theirs are none for them.
#[test]
fn a029_changed_and_misplaced_extensions() {
    let mut request = AuthnRequest::new(id("_request"), now(), entity(SP));
    request.extensions = some();
    let signed = String::from_utf8(signed_xml(&request, &signer()).unwrap()).unwrap();
    drop(verified::<AuthnRequest>(signed.as_bytes()).unwrap());
    for (from, to) in [
        ("a=\"&lt;", "a=\"&gt;"),
        (">&amp;<", "><"),
        ("<samlp:Extensions>", "<samlp:Extensions> "),
        ("xs:string", "xs:other"),
    ] {
        let changed = verified::<AuthnRequest>(swap(&signed, from, to).as_bytes());
        let error = SignatureError::DigestMismatch;
        unsigned(changed, error, "signature.digest_mismatch");
    }
    let plain = String::from_utf8(unsigned_xml(&request)).unwrap();
    let read = |xml: &str| {
        let message = Unverified::<AuthnRequest>::parse(xml.as_bytes(), &Limits::default())?;
        message.read_unsigned()
    };
    let unexpected = |problem| XmlError::from(ReadError::new("AuthnRequest", problem));
    let twice = swap(
        &plain,
        "</samlp:Extensions>",
        "</samlp:Extensions><samlp:Extensions></samlp:Extensions>",
    );
    let code = "schema.unexpected_element";
    fails(
        read(&twice),
        unexpected(ReadProblem::UnexpectedElement),
        code,
    );
    let from = plain.find("<samlp:Extensions>").unwrap();
    let end = "</samlp:Extensions>";
    let to = plain.find(end).unwrap() + end.len();
    let (issuer, extensions) = (plain.find("<saml:Issuer").unwrap(), &plain[from..to]);
    let before = format!(
        "{}{extensions}{}{}",
        &plain[..issuer],
        &plain[issuer..from],
        &plain[to..]
    );
    fails(
        read(&before),
        unexpected(ReadProblem::UnexpectedElement),
        code,
    );
    let text = swap(&plain, "<samlp:Extensions>", "<samlp:Extensions>text");
    let problem = ReadError::new("Extensions", ReadProblem::UnexpectedText);
    fails(
        read(&text),
        XmlError::from(problem),
        "schema.unexpected_text",
    );
    let empty = swap(&plain, extensions, "<samlp:Extensions/>");
    assert!(read(&empty).unwrap().extensions.is_empty());
}

/// A namespace that is declared once is written with every element that uses it, as each stands
/// alone: there may not be many of them, at whatever depth.
#[test]
fn a109_extensions_do_not_multiply() {
    let name = format!("urn:{}", "x".repeat(1000));
    let message = |extensions: &str| {
        let xml = String::from_utf8(unsigned_xml(&crate::logout::request())).unwrap();
        let root = "<samlp:LogoutRequest ";
        let xml = swap(&xml, root, &format!("{root}xmlns:p=\"{name}\" "));
        let extensions = format!("<samlp:Extensions>{extensions}</samlp:Extensions>");
        swap(&xml, "<saml:NameID", &format!("{extensions}<saml:NameID"))
    };
    let read = |xml: String| {
        let message = Unverified::<LogoutRequest>::parse(xml.as_bytes(), &Limits::default())?;
        message.read_unsigned()
    };
    let within = |n: usize| format!("<p:a>{}</p:a>", "<p:b/>".repeat(n - 1));
    let most = Extensions::MAX_ELEMENTS;
    for good in ["<p:a/>".repeat(most), within(most)] {
        assert!(read(message(&good)).is_ok());
    }
    let many = "<p:a/>".repeat(40_000);
    for bad in ["<p:a/>".repeat(most + 1), within(most + 1), many] {
        let problem = ReadProblem::InvalidValue {
            what: "Extensions",
            expected: "at most 512 elements",
        };
        let error = XmlError::from(ReadError::new("Extensions", problem));
        fails(read(message(&bad)), error, "schema.invalid_value");
    }
    let alone = |n| Extension::parse(within(n).replace("p:", "").as_bytes());
    assert!(alone(most).is_ok() && alone(most + 1).is_err());
}

/// The sender of a logout request wants no answer.
#[test]
fn logout_without_an_answer() {
    let mut request = crate::logout::request();
    assert!(!request.asynchronous());
    request.extensions = some();
    request.set_asynchronous();
    request.set_asynchronous();
    assert!(request.asynchronous());
    assert_eq!(request.extensions.iter().count(), 3);
    survives(&request);
    let xml = String::from_utf8(unsigned_xml(&request)).unwrap();
    let namespace = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo";
    let other = swap(&xml, namespace, "urn:other");
    for (xml, wanted) in [(&xml, true), (&other, false)] {
        let read = Unverified::<LogoutRequest>::parse(xml.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(read.read_unsigned().unwrap().asynchronous(), wanted);
    }
}
