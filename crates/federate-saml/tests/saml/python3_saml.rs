//! python3-saml as a real service provider: it accepts what we issue and reads from it what
//! we said; we verify the redirects that it signs.

use crate::schema::skipped;
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SubsecRound as _, Utc};
use federate_saml::binding::RedirectMessage;
use federate_saml::{
    Attribute, AuthnRequest, AuthnRequestExpectation, IssuePolicy, LogoutExpectation,
    LogoutRequest, Message, MessageHints as _, MessageKind, SignedPart, issue_response,
    validate_authn_request, validate_logout_request,
};
use federate_testkit::keys;
use federate_types::{Binding, ClockSkew, NameId, NameIdFormat, SessionIndex};
use federate_xml::{Limits, SignaturePolicy, VerificationContext, Verified};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// python3-saml looks at the clock itself.
fn real_now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn python() -> Command {
    Command::new(std::env::var_os("FEDERATE_PYTHON").unwrap_or_else(|| "python3".into()))
}

/// Whether python3-saml is there; says so if not.
fn installed() -> bool {
    let mut probe = python();
    probe.args(["-c", "import onelogin.saml2.auth"]);
    probe.stderr(Stdio::null()).stdout(Stdio::null());
    let there = probe.status().is_ok_and(|status| status.success());
    if !there {
        skipped("python3-saml is not installed");
    }
    there
}

fn run(task: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../federate/tests/interop/python3-saml/accept.py");
    let mut child = python()
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(task.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "accept.py failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn name_ids() -> [NameId; 3] {
    let email = NameId::new("åse+<&>\"'@example.com", Some(NameIdFormat::EmailAddress)).unwrap();
    let mut persistent = NameId::new("p/7+x=", Some(NameIdFormat::Persistent)).unwrap();
    persistent.name_qualifier = Some(entity(IDP));
    persistent.sp_name_qualifier = Some(entity(SP));
    let transient = NameId::new("_t", Some(NameIdFormat::Transient)).unwrap();
    [email, persistent, transient]
}

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::new("groups", ["staff", "Ärzte & <Pfleger>", "staff"]),
        Attribute::new("urn:oid:2.5.4.42", ["Zoë"]),
        Attribute::new(
            "first name",
            [
                "</saml:AttributeValue><saml:AttributeValue>admin",
                "]]>",
                "中\u{1f511}",
                "&amp;",
            ],
        ),
    ]
}

/// Whichever part is signed, it is accepted, and name, attributes and session are as issued.
/// With a tampered message, another certificate or another request it is not accepted.
#[test]
fn accepts_our_responses() {
    if !installed() {
        return;
    }
    let now = real_now().trunc_subsecs(0);
    let (idp, sp, request) = (entity(IDP), entity(SP), id("_request"));
    let attributes = attributes();
    for part in PARTS {
        for name_id in name_ids() {
            let mut login = login(&idp, &sp, Some(&request));
            login.name_id = name_id.clone();
            login.attributes = &attributes;
            login.authn_instant = now - seconds(60);
            login.session_not_on_or_after = now + seconds(3600);
            let policy = IssuePolicy {
                signed_part: part,
                ..IssuePolicy::default()
            };
            let ids = (id("_response"), id("_assertion"));
            let xml = issue_response(&login, ids.0, ids.1, &policy, &signer(), now).unwrap();
            let task = json!({
                "do": "accept", "idp": IDP, "sp": SP, "acs": ACS,
                "certificate": keys::certificate().to_base64(),
                "response": STANDARD.encode(&xml), "request": "_request",
                "assertion_signed": part != SignedPart::Response,
                "message_signed": part != SignedPart::Assertion,
            });
            let got = run(&task);
            assert_eq!(got["errors"], json!([]), "{part:?}");
            assert_eq!(got["valid"], true);
            assert_eq!(got["name_id"], name_id.value());
            assert_eq!(got["format"], name_id.format_or_unspecified().uri());
            let qualifier = name_id.name_qualifier.as_ref().map(|q| q.as_str());
            assert_eq!(got["name_qualifier"], json!(qualifier));
            let qualifier = name_id.sp_name_qualifier.as_ref().map(|q| q.as_str());
            assert_eq!(got["sp_name_qualifier"], json!(qualifier));
            assert_eq!(got["session_index"], "_session");
            assert_eq!(got["session_expiration"], (now + seconds(3600)).timestamp());
            for attribute in &attributes {
                let values: Vec<_> = attribute.values.iter().map(|v| v.as_text()).collect();
                assert_eq!(got["attributes"][&attribute.name], json!(values));
            }

            let text = String::from_utf8(xml).unwrap();
            let tampered = STANDARD.encode(swap(&text, ">staff<", ">admin<"));
            let other = keys::other_certificate().to_base64();
            for (key, value) in [
                ("response", tampered.as_str()),
                ("certificate", &other),
                ("request", "_other"),
                ("sp", "https://other.example"),
                ("idp", "https://other.example"),
                ("acs", "https://other.example/acs"),
            ] {
                // Each refusal takes a process: one part shows them all.
                if part == SignedPart::Both && name_id.format == Some(NameIdFormat::EmailAddress) {
                    let mut task = task.clone();
                    task[key] = json!(value);
                    assert_eq!(run(&task)["valid"], false, "{key}");
                }
            }
        }
    }
}

/// What python3-saml signs for us, verified over the raw query with its key.
fn verified<T: Message + std::fmt::Debug>(url: &str, location: &str) -> Verified<T> {
    let query = url
        .strip_prefix(location)
        .unwrap()
        .strip_prefix('?')
        .unwrap();
    let limits = Limits::default();
    let message = RedirectMessage::parse(query, MessageKind::Request, &limits).unwrap();
    assert!(message.is_signed());
    assert_eq!(message.relay_state().unwrap().as_str(), STATE);
    let hint = message.unverified::<T>().unwrap().issuer_hint();
    assert_eq!(hint, Some(entity(SP)));
    let provider = provider();
    let context = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: real_now(),
    };
    let tampered = swap(query, "RelayState=", "RelayState=x");
    let changed = RedirectMessage::parse(&tampered, MessageKind::Request, &limits).unwrap();
    let error = changed.verify::<T>(&trusted(), &context).unwrap_err();
    assert_eq!(error.code(), "signature.wrong_key");
    message.verify::<T>(&trusted(), &context).unwrap()
}

const STATE: &str = "https://sp.example/a b?c=d&e=é+f";

fn redirect(what: &str) -> Value {
    run(&json!({
        "do": what, "idp": IDP, "sp": SP, "acs": ACS, "sso": SSO, "slo": SLO,
        "certificate": keys::RSA_CERTIFICATE, "key": keys::RSA_KEY,
        "relay_state": STATE, "name_id": ALICE, "session_index": "_session",
    }))
}

/// Its signed AuthnRequest verifies, and is one that our rules accept.
#[test]
fn its_authn_request_verifies() {
    if !installed() {
        return;
    }
    let made = redirect("login");
    let request = verified::<AuthnRequest>(made["url"].as_str().unwrap(), SSO);
    let expect = AuthnRequestExpectation {
        service_provider: &entity(SP),
        single_sign_on_service: SSO,
        binding: Binding::HttpRedirect,
        signed: true,
        must_be_signed: true,
        now: real_now(),
        skew: ClockSkew::default(),
    };
    validate_authn_request(&request, &expect).unwrap();
    assert_eq!(request.id.as_str(), made["id"]);
    assert_eq!(request.assertion_consumer_service_url.as_deref(), Some(ACS));
    assert!(request.force_authn && !request.is_passive);
    let classes = &request.requested_authn_context.as_ref().unwrap().class_refs;
    assert_eq!(classes, &[PASSWORD]);
}

/// Its signed LogoutRequest verifies, and is one that our rules accept.
#[test]
fn its_logout_request_verifies() {
    if !installed() {
        return;
    }
    let made = redirect("logout");
    let request = verified::<LogoutRequest>(made["url"].as_str().unwrap(), SLO);
    let expect = LogoutExpectation {
        peer: &entity(SP),
        single_logout_service: SLO,
        binding: Binding::HttpRedirect,
        now: real_now(),
        skew: ClockSkew::default(),
    };
    validate_logout_request(&request, &expect).unwrap();
    assert_eq!(request.id.as_str(), made["id"]);
    assert_eq!(request.name_id.value(), ALICE);
    let index = SessionIndex::new("_session").unwrap();
    assert_eq!(request.session_indexes, [index]);
}
