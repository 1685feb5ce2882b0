//! metadata rollover: a key changes, and no peer is ever without the right one.

use crate::support::*;

fn rollover(place: &Place, more: &[&str]) -> Ran {
    place.run(&[&["metadata", "rollover", "ring"], more].concat())
}

fn day(number: u32) -> String {
    format!("2026-01-{number:02}T00:00:00Z")
}

#[test]
fn a_key_changes_step_by_step() {
    let place = Place::with_keys();
    place.keygen("next", "p-256");
    place.write(
        "in.xml",
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         entityID=\"https://sp.example\"><md:SPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://sp.example/acs\" index=\"0\"/></md:SPSSODescriptor>\
         </md:EntityDescriptor>",
    );
    let print = |name: &str| {
        let pem = format!("{name}.pem");
        let shown = place.run(&[
            "metadata",
            "rollover",
            &format!("{name}.ring"),
            "--new",
            "--key",
            &format!("{name}.key"),
            "--cert",
            &pem,
            "--json",
        ]);
        shown.json()["publish"][0]["sha256"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (first, second) = (print("idp"), print("next"));
    let at = |day_number, more: &[&str]| {
        let day = day(day_number);
        let usual = ["--at", &day, "--cache-duration", "2d", "--json"];
        let files = ["--metadata", "in.xml", "--out", "out.xml"];
        rollover(&place, &[&usual[..], &files, more].concat())
    };
    /// The keys in the metadata, with their uses.
    fn published(place: &Place) -> Vec<(String, String)> {
        let shown = place.run(&["metadata", "show", "out.xml", "--json"]).json();
        let keys = shown["roles"][0]["keys"].as_array().unwrap().clone();
        let text = |key: &serde_json::Value, name: &str| key[name].as_str().unwrap().to_owned();
        keys.iter()
            .map(|key| (text(key, "use"), text(key, "sha256")))
            .collect()
    }
    let pair = |key_use: &str, print: &str| (key_use.to_owned(), print.to_owned());

    at(1, &["--new", "--key", "idp.key", "--cert", "idp.pem"]).ok();
    assert_eq!(published(&place), [pair("both", &first)]);
    // Nothing is due.
    assert_eq!(at(1, &[]).code, 2);

    let json = at(2, &["--key", "next.key", "--cert", "next.pem"]).json();
    assert_eq!(json["step"], "added the next key");
    assert_eq!(json["next_step"], "make the next key the active one");
    assert_eq!(json["not_before"], day(4));
    assert_eq!(
        published(&place),
        [pair("both", &first), pair("signing", &second)]
    );

    let before = (place.read("ring"), place.read("out.xml"));
    let error = refused(&at(3, &[]), "rollover.too_early");
    assert!(
        error["message"].as_str().unwrap().contains(&day(4)),
        "{error}"
    );
    assert_eq!(before, (place.read("ring"), place.read("out.xml")));
    // No other key is added meanwhile.
    assert_eq!(at(4, &["--generate"]).code, 2);
    assert_eq!(before.0, place.read("ring"));

    let json = at(4, &[]).json();
    assert_eq!(json["step"], "made the next key the active one");
    assert_eq!(json["publish"][1]["standing"], "retires");
    assert_eq!(
        published(&place),
        [pair("both", &second), pair("signing", &first)]
    );
    refused(&at(5, &[]), "rollover.too_early");
    let json = at(6, &[]).json();
    assert_eq!(json["step"], "removed the key that retired");
    assert_eq!(json["next_step"], serde_json::Value::Null);
    assert_eq!(published(&place), [pair("both", &second)]);
    let shown = place.run(&["metadata", "show", "out.xml", "--json"]).json();
    assert_eq!(shown["cache_duration"], 2 * 86_400);
}

#[test]
fn a_ring_is_shown_without_its_secrets() {
    let place = Place::new();
    let made = rollover(&place, &["--new", "--generate", "--type", "p-256"]).ok();
    assert!(
        made.starts_with("step                 made the ring\n"),
        "{made}"
    );
    let ring = place.read("ring");
    assert!(ring.contains("PRIVATE KEY"), "{ring}");
    let shown = rollover(&place, &["--show"]).ok();
    assert!(
        shown.contains("publish              active since "),
        "{shown}"
    );
    assert!(
        shown.contains("next step            none is due\n"),
        "{shown}"
    );
    assert!(!shown.contains("PRIVATE KEY"));
    assert_eq!(ring, place.read("ring"));
    // It is not overwritten by a new one.
    assert_eq!(rollover(&place, &["--new", "--generate"]).code, 2);
    assert_eq!(ring, place.read("ring"));
    // What cannot be read is not told.
    place.write("ring", "{\"active\": {\"private_key\": \"secret\"}}");
    let ran = rollover(&place, &["--show"]);
    assert_eq!(ran.code, 2);
    assert!(!ran.stderr.contains("secret"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_ring_stays_its_owners_alone_and_whole() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    rollover(&place, &["--new", "--generate", "--type", "p-256"]).ok();
    let mode = || {
        std::fs::metadata(place.path("ring"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(), 0o600);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(place.path("ring"), open).unwrap();
    rollover(&place, &["--generate", "--type", "p-256"]).ok();
    assert_eq!(mode(), 0o600);
    // Nothing is left behind.
    let names = std::fs::read_dir(place.path("")).unwrap();
    assert_eq!(names.count(), 1);
}
