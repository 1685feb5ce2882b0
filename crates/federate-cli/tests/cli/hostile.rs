//! A message must not write the operator's screen.

use crate::support::*;

/// No character that a terminal acts on, but line ends.
#[track_caller]
fn harmless(text: &str) {
    let acts = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!text.contains(acts), "{text:?}");
}

#[test]
fn control_characters_are_escaped_wherever_they_stand() {
    let place = Place::with_keys();
    // XML carries C1 controls and bidirectional overrides; C0 only as white space.
    let hostile = "x\u{9b}2J\u{202e}y\u{85}z";
    let issued = place.run(&[
        "issue",
        "--key",
        "idp.key",
        "--cert",
        "idp.pem",
        "--idp-entity-id",
        IDP,
        "--sp-entity-id",
        SP,
        "--acs",
        ACS,
        "--name-id",
        "alice\u{202e}",
        "--at",
        AT,
        "--attr",
        &format!("{hostile}={hostile}"),
        "--sign",
        "response",
    ]);
    place.write("r", issued.ok());
    let shown = place.run(&["decode", "r", "--show-values"]).ok();
    harmless(&shown);
    assert!(shown.contains("x\\u{9b}2J\\u{202e}y\\u{85}z"), "{shown}");
    harmless(&place.run(&["decode", "r"]).ok());
    let options = [
        "--idp-cert",
        "idp.pem",
        "--sp-entity-id",
        SP,
        "--acs",
        ACS,
        "--at",
        AT,
    ];
    for json in [&[][..], &["--json"]] {
        let ran = place.run(&[&["verify", "r"], &options[..], json].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        harmless(&ran.stdout);
        let ran = place.run(&[&["explain", "r", "--canonical"], &options[..], json].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        harmless(&ran.stdout);
    }
    let ran = place.judge("verify", "r", &[]);
    assert_eq!(ran.json()["attributes"][hostile][0], hostile);
}

#[test]
fn refusals_escape_what_came() {
    let place = Place::with_keys();
    place.write(
        "r",
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_1\" \
         Version=\"2.0\" IssueInstant=\"2026-01-31T12:00:00Z\"><samlp:Status><samlp:StatusCode \
         Value=\"urn:\u{9b}31m&#10;refused: nothing\"/></samlp:Status></samlp:Response>",
    );
    let options = ["--idp-cert", "idp.pem", "--sp-entity-id", SP, "--acs", ACS];
    for command in ["verify", "explain"] {
        let ran = place.run(&[&[command, "r"], &options[..]].concat());
        assert_eq!(ran.code, 1);
        harmless(&ran.stdout);
        assert!(
            ran.stdout.contains("urn:\\u{9b}31m\\u{a}refused"),
            "{ran:?}"
        );
    }
    let ran = place.run(&["decode", "no\u{9b}file"]);
    assert_eq!(ran.code, 2);
    harmless(&ran.stderr);
    let bomb = "SAMLResponse=%1B[2J";
    let ran = place.run_with(&["decode"], bomb.as_bytes());
    assert_eq!(ran.code, 1);
    harmless(&ran.stderr);
}
