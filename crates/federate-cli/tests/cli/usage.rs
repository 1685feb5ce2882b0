//! Wrong usage and unreadable files.

use crate::support::*;

#[track_caller]
fn unusable(ran: &Ran, names: &str) {
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains(names), "{ran:?}");
}

#[test]
fn usage_errors_end_with_2() {
    let place = Place::with_keys();
    place.issue("r", &[]);
    let sp = ["--sp-entity-id", SP, "--acs", ACS];
    let run = |args: &[&str]| place.run(args);
    unusable(&run(&[]), "Usage");
    unusable(&run(&["no-such-command"]), "no-such-command");
    unusable(&run(&[&["verify", "r"], &sp[..]].concat()), "--idp-cert");
    unusable(
        &run(&["verify", "r", "--idp-cert", "idp.pem"]),
        "--sp-entity-id",
    );
    for (more, names) in [
        (["--at", "yesterday"], "--at"),
        (["--skew", "601"], "--skew"),
        (["--skew", "-1"], "-1"),
        (["--request-id", "1 2"], "--request-id"),
        (["--idp-entity-id", ""], "--idp-entity-id"),
        (["--decrypt-key", "idp.pem"], "idp.pem"),
        (["--decrypt-key", "none.key"], "none.key"),
        (["--idp-metadata", "r"], "--idp-metadata"),
    ] {
        let args = [&["verify", "r", "--idp-cert", "idp.pem"], &sp[..], &more].concat();
        unusable(&run(&args), names);
    }
    let both = ["--request-id", "_a", "--unsolicited"];
    let args = [&["verify", "r", "--idp-cert", "idp.pem"], &sp[..], &both].concat();
    unusable(&run(&args), "--unsolicited");
    for cert in ["none.pem", "r", "idp.key"] {
        unusable(&place.judge_as("explain", "r", cert, SP, ACS, &[]), cert);
    }
    unusable(&place.judge("verify", "none.xml", &[]), "none.xml");
    unusable(&run(&["decode", "none.xml"]), "none.xml");
    unusable(&run(&["xml", "c14n", "r", "--method", "urn:x"]), "--method");
    let issue = [
        "issue",
        "--key",
        "idp.key",
        "--cert",
        "other.pem",
        "--idp-entity-id",
        IDP,
    ];
    let args = [&issue[..], &sp, &["--name-id", "a"]].concat();
    unusable(&run(&args), "--cert");
    let args = [&issue[..], &sp, &["--name-id", "a", "--attr", "novalue"]].concat();
    unusable(&run(&args), "NAME=VALUE");
}

#[test]
fn keygen_overwrites_nothing() {
    let place = Place::with_keys();
    let (key, cert) = (place.read("idp.key"), place.read("idp.pem"));
    for (k, c) in [("idp.key", "new.pem"), ("new.key", "idp.pem")] {
        unusable(&place.run(&["keygen", "--key", k, "--cert", c]), "exists");
    }
    assert_eq!((key, cert), (place.read("idp.key"), place.read("idp.pem")));
    assert!(!place.path("new.key").exists() && !place.path("new.pem").exists());
}

#[cfg(unix)]
#[test]
fn a_private_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::with_keys();
    let mode = std::fs::metadata(place.path("sp.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
