//! How long libxmlsec1 and we take to verify one response, in one run.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)] // a bench may stop

use federate_crypto::aws_lc_provider;
use federate_testkit::keys;
use federate_types::MessageId;
use federate_xml::{Document, Limits, Name, Signer, TrustedKeys, VerificationContext, Writer};
use libxml::parser::Parser;
use std::time::{Duration, Instant};
use xmlsec::{XmlSecDocumentExt as _, XmlSecKey, XmlSecKeyFormat, XmlSecSignatureContext};

/// A signed response of about 10 kB.
fn response() -> Vec<u8> {
    let provider = aws_lc_provider();
    let mut writer = Writer::new();
    writer.start(Name::samlp("Response"));
    writer.attribute(Name::local("ID"), "_response");
    writer.element(Name::saml("Issuer"), "https://idp.example");
    writer.signature_belongs_here();
    writer.start(Name::saml("Assertion"));
    writer.start(Name::saml("AttributeStatement"));
    for number in 0..36 {
        writer.start(Name::saml("Attribute"));
        writer.attribute(Name::local("Name"), &format!("urn:attribute:{number}"));
        for value in ["staff", "member", "employee"] {
            writer.element(Name::saml("AttributeValue"), value);
        }
        writer.end();
    }
    writer.end();
    writer.end();
    writer.end();
    let signer = Signer::new(provider, keys::signing_key(&provider), keys::certificate());
    let id = MessageId::new("_response").unwrap();
    signer.unwrap().sign(writer, &id).unwrap()
}

/// The best of several rounds, for one verification.
fn best(mut verify: impl FnMut()) -> Duration {
    const TIMES: u32 = 500;
    let round = |_| {
        let start = Instant::now();
        for _ in 0..TIMES {
            verify();
        }
        start.elapsed() / TIMES
    };
    (0..8).map(round).min().unwrap()
}

fn main() {
    let octets = response();
    let provider = aws_lc_provider();
    let trusted: TrustedKeys = keys::verifying_key(&provider).into();
    let context = VerificationContext {
        provider: &provider,
        policy: &federate_xml::SignaturePolicy::default(),
        now: keys::fixed_now(),
    };
    let ours = best(|| {
        let document = Document::parse(&octets, &Limits::default()).unwrap();
        let signed = context.verify_enveloped(document.root(), &trusted);
        assert!(!signed.unwrap().octets().is_empty());
    });

    // Through the binding, at its best: no list of elements, the key loaded once.
    let pem = keys::RSA_CERTIFICATE.as_bytes();
    let key = XmlSecKey::from_memory(pem, XmlSecKeyFormat::CertPem, None).unwrap();
    let theirs = best(|| {
        let Ok(document) = Parser::default().parse_string(&octets) else {
            panic!("libxml2 does not parse it");
        };
        document.specify_idattr("/*", "ID", None).unwrap();
        let mut context = XmlSecSignatureContext::new();
        drop(context.insert_key(key.clone()));
        assert!(context.verify_document(&document).unwrap());
    });
    println!(
        "{} octets: ours {ours:?}, libxmlsec1 {theirs:?}, ratio {:.1}",
        octets.len(),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}
