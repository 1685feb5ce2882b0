//! issue -> verify, and each way to be refused.

use crate::support::*;
use serde_json::json;

#[test]
fn what_is_issued_is_accepted_unchanged() {
    let place = Place::with_keys();
    for sign in ["assertion", "response", "both"] {
        for encrypt in [false, true] {
            for form in ["xml", "base64"] {
                let mut options = vec!["--sign", sign, "--form", form];
                if encrypt {
                    options.extend(["--encrypt-cert", "sp.pem"]);
                }
                let text = place.issue("r", &options);
                assert_eq!(
                    text.contains("alice@example.com"),
                    !encrypt && form == "xml"
                );
                let more = ["--request-id", "_request", "--decrypt-key", "sp.key"];
                let ran = place.judge("verify", "r", &more);
                assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
                let json = ran.json();
                let index = json["session_index"].as_str().unwrap();
                assert!(index.len() > 20);
                let expected = json!({
                    "ok": true,
                    "issuer": IDP,
                    "name_id": {"value": "alice@example.com", "format": EMAIL},
                    "attributes": {"groups": ["staff", "admins"], "mail": ["alice@example.com"]},
                    "session_index": index,
                    "authn_instant": AT,
                    "authn_context":
                        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
                    "not_on_or_after": "2026-01-31T12:05:00Z",
                    "session_not_on_or_after": "2026-01-31T20:00:00Z",
                });
                assert_eq!(json, expected);
            }
        }
    }
}

#[test]
fn every_kind_of_key_signs() {
    let place = Place::new();
    for kind in [
        "rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384", "p-521", "ed25519",
    ] {
        for file in ["idp.key", "idp.pem"] {
            let _ = std::fs::remove_file(place.path(file));
        }
        place.keygen("idp", kind);
        place.issue("r", &["--sign", "both"]);
        let ran = place.judge("verify", "r", &[]);
        assert_eq!(ran.code, 0, "{kind}: {ran:?}");
        assert!(
            place
                .read("idp.key")
                .starts_with("-----BEGIN PRIVATE KEY-----")
        );
    }
}

#[test]
fn refusals_have_the_code_of_the_library() {
    let place = Place::with_keys();
    place.issue("r", &[]);
    let judge = |more: &[&str]| place.judge("verify", "r", more);
    let as_other = |cert, sp, acs| place.judge_as("verify", "r", cert, sp, acs, &[]);

    let error = refused(
        &as_other("idp.pem", "https://x.example/", ACS),
        "response.audience_mismatch",
    );
    assert_eq!(error["expected"], "https://x.example/");
    assert_eq!(error["actual"], SP);
    refused(
        &as_other("idp.pem", SP, "https://x.example/acs"),
        "message.destination_mismatch",
    );
    refused(&as_other("other.pem", SP, ACS), "signature.wrong_key");
    refused(&as_other("sp.pem", SP, ACS), "signature.no_usable_key");
    refused(
        &judge(&["--idp-entity-id", "https://x.example/"]),
        "message.issuer_mismatch",
    );
    refused(
        &judge(&["--unsolicited"]),
        "message.in_response_to_mismatch",
    );
    refused(
        &judge(&["--request-id", "_another"]),
        "message.in_response_to_mismatch",
    );
    assert_eq!(judge(&["--request-id", "_request"]).code, 0);
    assert_eq!(judge(&["--at", "2026-01-31T12:06:59Z"]).code, 0);
    refused(
        &judge(&["--at", "2026-01-31T12:07:00Z"]),
        "response.confirmation_expired",
    );
    refused(
        &judge(&["--at", "2026-01-31T12:05:00+00:00", "--skew", "0"]),
        "response.confirmation_expired",
    );
    refused(
        &judge(&["--at", "2026-01-31T11:55:00Z"]),
        "message.issue_instant",
    );
    refused(
        &judge(&["--at", "2026-01-31T13:00:00Z"]),
        "message.issue_instant",
    );
}

#[test]
fn the_recipient_counts_where_the_message_names_no_destination() {
    let place = Place::with_keys();
    let text = place.issue("r", &[]);
    let text = text.replacen(&format!("Destination=\"{ACS}\" "), "", 1);
    place.write("r", text);
    let other = "https://x.example/acs";
    let ran = place.judge_as("verify", "r", "idp.pem", SP, other, &[]);
    refused(&ran, "response.recipient_mismatch");
}

#[test]
fn what_was_changed_is_refused() {
    let place = Place::with_keys();
    for sign in ["assertion", "response", "both"] {
        let text = place.issue("r", &["--sign", sign]);
        place.write("r", text.replace("alice@", "admin@"));
        refused(
            &place.judge("verify", "r", &[]),
            "signature.digest_mismatch",
        );
    }
    let text = place.issue("r", &[]);
    let from = text.find("<ds:Signature").unwrap();
    let to = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    place.write("r", format!("{}{}", &text[..from], &text[to..]));
    refused(&place.judge("verify", "r", &[]), "signature.missing");
    place.write("r", "<!DOCTYPE a><a/>");
    refused(&place.judge("verify", "r", &[]), "xml.doctype_forbidden");
    place.write("r", "<a/>");
    refused(&place.judge("verify", "r", &[]), "schema.unexpected_root");
    place.write("r", "no message");
    refused(&place.judge("verify", "r", &[]), "binding.base64");
}

#[test]
fn decryption_needs_the_key() {
    let place = Place::with_keys();
    place.keygen("another", "rsa-2048");
    place.issue("r", &["--encrypt-cert", "sp.pem"]);
    refused(&place.judge("verify", "r", &[]), "message.encrypted");
    let wrong = place.judge("verify", "r", &["--decrypt-key", "another.key"]);
    refused(&wrong, "encryption.failed");
    let both = ["--decrypt-key", "another.key", "--decrypt-key", "sp.key"];
    assert_eq!(place.judge("verify", "r", &both).code, 0);
}

#[test]
fn without_a_request_the_command_says_what_it_accepts() {
    let place = Place::with_keys();
    place.issue("r", &[]);
    let ran = place.judge("verify", "r", &[]);
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("--request-id"), "{ran:?}");
    let usual = [
        "verify",
        "r",
        "--idp-cert",
        "other.pem",
        "idp.pem",
        "--sp-entity-id",
        SP,
        "--acs",
        ACS,
        "--at",
        AT,
        "--unsolicited",
    ];
    let ran = place.run(&usual);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(
        ran.stdout
            .starts_with("refused: message.in_response_to_mismatch\n")
    );
    assert!(ran.stdout.contains("  advice    "), "{ran:?}");
}

const IDP_METADATA: &str = r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
  entityID="https://idp.example/saml" validUntil="2026-02-01T00:00:00Z"><md:IDPSSODescriptor
  protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo
  xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>CERT</ds:X509Certificate>
  </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService
  Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/sso"/>
  </md:IDPSSODescriptor></md:EntityDescriptor>"#;

const SP_METADATA: &str = r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
  entityID="https://sp.example/saml"><md:SPSSODescriptor
  protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:AssertionConsumerService
  index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
  Location="https://sp.example/saml/acs"/></md:SPSSODescriptor></md:EntityDescriptor>"#;

#[test]
fn metadata_tells_keys_names_and_addresses() {
    let place = Place::with_keys();
    let pem = place.read("idp.pem");
    let base64: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    place.write("idp.xml", IDP_METADATA.replace("CERT", &base64));
    place.write("sp.xml", SP_METADATA);
    let issued = place.run(&[
        "issue",
        "--key",
        "idp.key",
        "--cert",
        "idp.pem",
        "--idp-entity-id",
        IDP,
        "--sp-metadata",
        "sp.xml",
        "--name-id",
        "alice",
        "--at",
        AT,
        "--lifetime",
        "60",
    ]);
    place.write("r", issued.ok());
    let verify = |at| {
        place.run(&[
            "verify",
            "r",
            "--idp-metadata",
            "idp.xml",
            "--sp-entity-id",
            SP,
            "--acs",
            ACS,
            "--unsolicited",
            "--json",
            "--at",
            at,
        ])
    };
    let ran = verify(AT);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["not_on_or_after"], "2026-01-31T12:01:00Z");
    let unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    assert_eq!(ran.json()["name_id"]["format"], unspecified);
    refused(&verify("2026-02-01T00:00:00Z"), "metadata.expired");
}
