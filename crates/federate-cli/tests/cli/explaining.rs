//! explain: every check, and why one was not reached.

use crate::support::*;
use serde_json::Value;

/// The result of a check by its name.
#[track_caller]
fn check<'j>(json: &'j Value, name: &str) -> &'j Value {
    let checks = json["checks"].as_array().unwrap();
    let found = checks.iter().find(|c| c["check"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {json:#}"))
}

fn results(json: &Value, result: &str) -> Vec<String> {
    let checks = json["checks"].as_array().unwrap().iter();
    let of = checks.filter(|c| c["result"] == result);
    of.map(|c| c["check"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_honest_response_passes_every_check() {
    let place = Place::with_keys();
    for sign in ["assertion", "response", "both"] {
        for encrypt in [false, true] {
            let mut options = vec!["--sign", sign];
            if encrypt {
                options.extend(["--encrypt-cert", "sp.pem"]);
            }
            place.issue("r", &options);
            let more = ["--request-id", "_request", "--decrypt-key", "sp.key"];
            let ran = place.judge("explain", "r", &more);
            assert_eq!(ran.code, 0, "{ran:?}");
            let json = ran.json();
            assert_eq!(
                (&json["ok"], &json["error"]),
                (&Value::Bool(true), &Value::Null)
            );
            assert!(results(&json, "failed").is_empty());
            assert!(results(&json, "not_reached").is_empty(), "{json:#}");
            let signatures = if sign == "both" { 2 } else { 1 };
            let tried = json["certificates"].as_array().unwrap();
            assert_eq!(tried.len(), signatures);
            for tried in tried {
                assert_eq!(tried["result"], "made this signature");
                assert_eq!(tried["key"], "EC P-256");
                assert_eq!(tried["sha256"].as_str().unwrap().len(), 95);
            }
            assert_eq!(
                check(&json, "rule: Audience")["citation"],
                "[SAMLCore] 2.5.1.4"
            );
            assert_eq!(json.get("canonical"), None);
        }
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let place = Place::with_keys();
    place.issue("r", &[]);
    let more = ["--at", "2026-02-01T00:00:00Z", "--unsolicited"];
    let other = "https://x.example/acs";
    let ran = place.judge_as(
        "explain",
        "r",
        "idp.pem",
        "https://x.example/",
        other,
        &more,
    );
    refused(&ran, "message.destination_mismatch");
    let json = ran.json();
    assert_eq!(
        results(&json, "failed"),
        [
            "rule: Destination",
            "rule: InResponseTo of the response",
            "rule: IssueInstant of the response",
            "rule: IssueInstant of the assertion",
            "rule: SubjectConfirmation",
            "rule: NotOnOrAfter",
            "rule: Audience",
            "rule: SessionNotOnOrAfter",
        ]
    );
    let audience = check(&json, "rule: Audience");
    assert_eq!(audience["code"], "response.audience_mismatch");
    assert_eq!(audience["expected"], "https://x.example/");
    assert_eq!(audience["actual"], SP);
    assert!(audience["advice"].as_str().unwrap().contains("audience"));
    // The narrower rule that was broken.
    let confirmation = check(&json, "rule: SubjectConfirmation");
    assert_eq!(confirmation["code"], "response.recipient_mismatch");
}

#[test]
fn rules_judge_only_what_was_signed() {
    let place = Place::with_keys();
    let text = place.issue("r", &[]);
    place.write("changed", text.replace("alice@", "admin@"));
    let ran = place.judge("explain", "changed", &["--canonical"]);
    refused(&ran, "signature.digest_mismatch");
    let json = ran.json();
    assert_eq!(results(&json, "failed"), ["Assertion signature: digest"]);
    let digest = check(&json, "Assertion signature: digest");
    assert!(
        digest["expected"]
            .as_str()
            .unwrap()
            .starts_with("the digest ")
    );
    assert_ne!(digest["expected"], digest["actual"]);
    let rule = check(&json, "rule: Audience");
    assert_eq!(rule["result"], "not_reached");
    assert!(
        rule["reason"]
            .as_str()
            .unwrap()
            .contains("no assertion was verified")
    );
    let tried = &json["certificates"][0];
    assert_eq!(tried["result"], "made this signature, of other content");
    let octets = json["canonical"][0]["octets"].as_str().unwrap();
    assert!(
        octets.starts_with("<saml:Assertion xmlns:saml="),
        "{octets}"
    );
    assert!(octets.contains("admin@") && !octets.contains("<ds:Signature"));

    let ran = place.judge_as("explain", "r", "other.pem", SP, ACS, &[]);
    refused(&ran, "signature.wrong_key");
    let json = ran.json();
    let reached = check(&json, "Assertion signature: digest");
    assert_eq!(reached["result"], "not_reached");
    let tried = json["certificates"].as_array().unwrap();
    assert_eq!(tried[0]["result"], "did not make this signature");
    assert_eq!(
        tried[1]["result"],
        "named in the message; not trusted, not tried"
    );
}

#[test]
fn steps_that_were_not_reached_say_why() {
    let place = Place::with_keys();
    for (input, step, code) in [
        ("?", "encoding", "binding.base64"),
        ("<a>", "XML", "xml.not_well_formed"),
        ("<a/>", "schema", "schema.unexpected_root"),
    ] {
        place.write("r", input);
        let ran = place.judge("explain", "r", &[]);
        refused(&ran, code);
        let json = ran.json();
        assert_eq!(results(&json, "failed"), [step]);
        let rule = check(&json, "rule: Audience");
        assert_eq!(rule["result"], "not_reached");
        assert!(rule["reason"].is_string());
    }
    place.issue("r", &["--encrypt-cert", "sp.pem"]);
    let ran = place.judge("explain", "r", &[]);
    refused(&ran, "message.encrypted");
    assert_eq!(results(&ran.json(), "failed"), ["decryption"]);
    place.keygen("another", "rsa-2048");
    let ran = place.judge("explain", "r", &["--decrypt-key", "another.key"]);
    refused(&ran, "encryption.failed");
    assert_eq!(results(&ran.json(), "failed"), ["decryption"]);
}

#[test]
fn a_refused_status_is_told_with_its_codes() {
    let place = Place::with_keys();
    place.write(
        "r",
        r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1" Version="2.0"
        IssueInstant="2026-01-31T12:00:00Z"><samlp:Status><samlp:StatusCode
        Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode
        Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode>
        <samlp:StatusMessage>no</samlp:StatusMessage></samlp:Status></samlp:Response>"#,
    );
    let error = refused(&place.judge("verify", "r", &[]), "response.status");
    let actual = "urn:oasis:names:tc:SAML:2.0:status:Responder / \
                  urn:oasis:names:tc:SAML:2.0:status:AuthnFailed: no";
    assert_eq!(error["actual"], actual);
    let json = place.judge("explain", "r", &[]).json();
    assert_eq!(check(&json, "status")["actual"], actual);
    assert_eq!(results(&json, "failed"), ["status"]);
}

#[test]
fn the_table_tells_a_reason_once() {
    let place = Place::with_keys();
    place.write("r", "<a/>");
    let ran = place.run(&[
        "explain",
        "r",
        "--idp-cert",
        "idp.pem",
        "--sp-entity-id",
        SP,
        "--acs",
        ACS,
    ]);
    assert_eq!(
        ran.stdout.matches("the message is no Response").count(),
        1,
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("\nnot reached  rule: Audience "),
        "{ran:?}"
    );
}

#[test]
fn the_table_is_for_people() {
    let place = Place::with_keys();
    place.issue("r", &[]);
    let ran = place.run(&[
        "explain",
        "r",
        "--idp-cert",
        "idp.pem",
        "--sp-entity-id",
        "https://x.example/",
        "--acs",
        ACS,
        "--at",
        AT,
        "--canonical",
    ]);
    assert_eq!(ran.code, 1);
    for part in [
        "passed       encoding\n               XML\n",
        "passed       rule: Destination                   [SAMLBind] 3.5.5.2\n",
        "FAILED       rule: Audience                      [SAMLCore] 2.5.1.4\n",
        "               code      response.audience_mismatch\n",
        "               expected  https://x.example/\n",
        "  Assertion: made this signature\n    subject  CN=federate\n    SHA-256  ",
        "canonical octets of Assertion, ",
        "\nrefused: response.audience_mismatch\n",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} in {}", ran.stdout);
    }
}
