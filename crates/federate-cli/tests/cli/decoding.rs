//! decode: every encoding, and what it does not show.

use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateEncoder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::io::Read as _;

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn deflated(xml: &str) -> String {
    let mut octets = Vec::new();
    DeflateEncoder::new(xml.as_bytes(), Compression::default())
        .read_to_end(&mut octets)
        .unwrap();
    STANDARD.encode(octets)
}

#[test]
fn every_encoding_is_found() {
    let place = Place::with_keys();
    let xml = place.issue("r", &[]);
    let (plain, deflated) = (STANDARD.encode(&xml), deflated(&xml));
    let lines = plain
        .as_bytes()
        .chunks(64)
        .map(|l| String::from_utf8_lossy(l));
    let lines = lines.collect::<Vec<_>>().join("\r\n");
    let query = format!("RelayState=a%2Fb&SAMLResponse={}", escaped(&deflated));
    for (input, came) in [
        (xml.clone(), "XML"),
        (format!("\u{feff}{xml}"), "XML"),
        (plain.clone(), "XML in base64"),
        (lines, "XML in base64"),
        (escaped(&plain), "XML in base64"),
        (deflated.clone(), "deflated XML in base64"),
        (escaped(&deflated), "deflated XML in base64"),
        (query.clone(), "deflated XML in base64"),
        (
            format!("https://sp.example/acs?{query}#top"),
            "deflated XML in base64",
        ),
        (
            format!("SAMLResponse={}&RelayState=a%2Fb", escaped(&plain)),
            "XML in base64",
        ),
        (format!("{plain}\n"), "XML in base64"),
    ] {
        let text = place.run_with(&["decode"], input.as_bytes()).ok();
        assert!(
            text.contains(&format!("came as              {came}\n")),
            "{text}"
        );
        assert!(text.contains("\n  <saml:Assertion "), "{text}");
        assert_eq!(
            text.contains("RelayState           a/b\n"),
            input.contains("RelayState")
        );
        place.write("file", &input);
        assert_eq!(place.run(&["decode", "file"]).ok(), text);
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let place = Place::new();
    for (input, code) in [
        ("", "binding.deflate"),
        ("!", "binding.base64"),
        ("AAAA", "binding.deflate"),
        (
            "SAMLRequest=AA&SAMLResponse=AA",
            "binding.ambiguous_parameter",
        ),
        (
            "SAMLResponse=AA&SAMLResponse=AA",
            "binding.ambiguous_parameter",
        ),
        ("<a>", "xml.not_well_formed"),
        ("<!DOCTYPE a><a/>", "xml.doctype_forbidden"),
    ] {
        let ran = place.run_with(&["decode", "-"], input.as_bytes());
        assert_eq!(ran.code, 1, "{input}: {ran:?}");
        assert!(
            ran.stderr.starts_with(&format!("refused: {code}\n")),
            "{input}: {ran:?}"
        );
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn values_are_shown_on_demand_only() {
    let place = Place::with_keys();
    place.issue("r", &[]);
    let hidden = place.run(&["decode", "r"]).ok();
    for value in ["alice", "staff", "admins"] {
        assert!(!hidden.contains(value), "{hidden}");
    }
    for line in [
        "kind                 Response\n",
        "Issuer               https://idp.example/saml\n",
        "Destination          https://sp.example/saml/acs\n",
        "InResponseTo         _request\n",
        "status               urn:oasis:names:tc:SAML:2.0:status:Success\n",
        "signature            none\n",
        "  signature          http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\n",
        "NameID             [redacted]\n",
        "Audience         https://sp.example/saml\n",
        "attribute          groups = [redacted], [redacted]\n",
        "Nothing of this was verified.\n",
    ] {
        assert!(hidden.contains(line), "{line:?} in {hidden}");
    }
    let shown = place.run(&["decode", "r", "--show-values"]).ok();
    assert!(
        shown.contains("attribute          groups = staff, admins\n"),
        "{shown}"
    );
    assert!(
        shown.contains(">alice@example.com</saml:NameID>"),
        "{shown}"
    );
}

#[test]
fn requests_are_told_too() {
    let place = Place::new();
    let request = r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"
        Version="2.0" IssueInstant="2026-01-31T12:00:00Z"><saml:Issuer
        xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://sp.example/</saml:Issuer><saml:NameID
        xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">alice</saml:NameID></samlp:LogoutRequest>"#;
    let url = format!(
        "https://idp.example/slo?SAMLRequest={}&SigAlg=urn%3Ax&Signature=AAAA",
        escaped(&deflated(request))
    );
    let text = place.run_with(&["decode"], url.as_bytes()).ok();
    assert_eq!(place.run(&["decode", &url]).ok(), text);
    assert!(
        text.contains("kind                 LogoutRequest\n"),
        "{text}"
    );
    assert!(text.contains("SigAlg               urn:x\n"), "{text}");
    assert!(!text.contains("alice"), "{text}");
}
