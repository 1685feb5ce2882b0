//! metadata: what is shown, found, verified, judged, compared and fetched.

use crate::support::*;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

const MD: &str = "xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
    xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\" \
    xmlns:shibmd=\"urn:mace:shibboleth:metadata:1.0\" \
    xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";

fn binding(name: &str) -> String {
    format!("urn:oasis:names:tc:SAML:2.0:bindings:{name}")
}

/// What stands in the certificate file between the lines around it.
fn certificate(place: &Place, name: &str) -> String {
    let pem = place.read(&format!("{name}.pem"));
    pem.lines().filter(|l| !l.starts_with("-----")).collect()
}

/// An entity with both roles.
fn entity(place: &Place, id: &str, name: &str, key: &str) -> String {
    let certificate = certificate(place, key);
    let keys = format!(
        "<md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    );
    let extensions = format!(
        "<md:Extensions><shibmd:Scope regexp=\"false\">example.org</shibmd:Scope><mdui:UIInfo>\
         <mdui:DisplayName xml:lang=\"en\">{name}</mdui:DisplayName></mdui:UIInfo></md:Extensions>"
    );
    let role = "protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"";
    let (redirect, post) = (binding("HTTP-Redirect"), binding("HTTP-POST"));
    format!(
        "<md:EntityDescriptor {MD} entityID=\"{id}\"><md:IDPSSODescriptor {role}>{extensions}{keys}\
         <md:SingleSignOnService Binding=\"{redirect}\" Location=\"https://login.example.org/sso\"/>\
         </md:IDPSSODescriptor><md:SPSSODescriptor {role}>{keys}<md:AssertionConsumerService \
         Binding=\"{post}\" Location=\"https://sp.example.org/acs\" index=\"0\" \
         isDefault=\"true\"/></md:SPSSODescriptor></md:EntityDescriptor>"
    )
}

/// A place with an entity `e.xml` and a group of two, `g.xml`.
fn with_metadata() -> Place {
    let place = Place::with_keys();
    let one = entity(
        &place,
        "https://a.example.org/",
        "Universität Zürich",
        "idp",
    );
    let other = entity(&place, "https://b.example.org/", "Vienna", "other");
    place.write("e.xml", &one);
    let group =
        format!("<md:EntitiesDescriptor {MD} Name=\"urn:g\">{one}{other}</md:EntitiesDescriptor>");
    place.write("g.xml", group);
    place
}

fn metadata(place: &Place, args: &[&str]) -> Ran {
    place.run(&[&["metadata"], args].concat())
}

#[test]
fn an_entity_is_shown_in_full() {
    let place = with_metadata();
    let text = metadata(&place, &["show", "e.xml"]).ok();
    for line in [
        "entity               https://a.example.org/\n",
        "role                 IDPSSODescriptor\n",
        "  name               Universität Zürich (en)\n",
        "  scope              example.org\n",
        "  key                signing and encryption, EC P-256, certificate until ",
        "    subject          CN=federate\n",
        "  endpoint           AssertionConsumerService 0 (default)\n",
        "    location         https://sp.example.org/acs\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    let json = metadata(&place, &["show", "e.xml", "--json"]).json();
    assert_eq!(json["roles"][1]["endpoints"][0]["is_default"], true);
    assert_eq!(json["roles"][0]["keys"][0]["use"], "both");
    assert_eq!(
        json["roles"][0]["keys"][0]["sha256"]
            .as_str()
            .unwrap()
            .len(),
        95
    );
}

#[test]
fn a_group_is_shown_in_numbers() {
    let place = with_metadata();
    let text = metadata(&place, &["show", "g.xml"]).ok();
    assert!(text.starts_with("group                urn:g\n"), "{text}");
    assert!(text.contains("identity providers   2\n"), "{text}");
    let json = metadata(&place, &["show", "g.xml", "--json"]).json();
    assert_eq!(json["entities"], 2);
    // Packed, it is the same.
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(place.read("g.xml").as_bytes()).unwrap();
    place.write("g.xml.gz", packer.finish().unwrap());
    assert_eq!(metadata(&place, &["show", "g.xml.gz"]).ok(), text);
}

#[test]
fn entities_are_found() {
    let place = with_metadata();
    let text = metadata(&place, &["query", "g.xml", "https://b.example.org/"]).ok();
    assert!(
        text.contains("  name               Vienna (en)\n"),
        "{text}"
    );
    let ran = metadata(&place, &["query", "g.xml", "https://b.example.org"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    let json = ["query", "g.xml", "https://b.example.org", "--json"];
    refused(&metadata(&place, &json), "metadata.no_such_entity");
    let text = metadata(&place, &["query", "g.xml", "--search", "zurich"]).ok();
    assert_eq!(text, "Universität Zürich\n  https://a.example.org/\n");
    let ran = metadata(&place, &["query", "g.xml", "--search", "vieena", "--json"]);
    assert_eq!(ran.json()[0]["entity_id"], "https://b.example.org/");
    assert_eq!(
        metadata(&place, &["query", "g.xml", "--search", "xyz"]).code,
        1
    );
    let both = ["query", "g.xml", "https://b.example.org/", "--search", "x"];
    assert_eq!(metadata(&place, &both).code, 2);
    assert_eq!(metadata(&place, &["query", "g.xml"]).code, 2);
}

#[test]
fn what_is_signed_is_verified_until_it_ends() {
    let place = with_metadata();
    for file in ["e.xml", "g.xml"] {
        let key = ["--key", "idp.key", "--cert", "idp.pem", "--at", AT];
        let holds = ["--valid-for", "10d", "--cache-duration", "6h", "--id", "_m"];
        let sign = [&["sign", file], &key[..], &holds, &["--out", "s.xml"]].concat();
        assert_eq!(metadata(&place, &sign).ok(), "");
        let verify = |at: &str, more: &[&str]| {
            let usual = ["verify", "s.xml", "--cert", "idp.pem", "--json", "--at", at];
            metadata(&place, &[&usual, more].concat())
        };
        let json = verify(AT, &["--max-validity", "10d"]).json();
        assert_eq!(json["valid_until"], "2026-02-10T12:00:00Z", "{json}");
        assert_eq!(json["entities"], if file == "e.xml" { 1 } else { 2 });
        refused(&verify("2026-02-10T12:00:00Z", &[]), "metadata.expired");
        let far = verify(AT, &["--max-validity", "9d"]);
        refused(&far, "metadata.valid_too_long");
        let other = ["verify", "s.xml", "--cert", "other.pem", "--json"];
        refused(&metadata(&place, &other), "signature.wrong_key");
        // Signed again it holds for longer, with all that is in it.
        place.write("again.xml", place.read("s.xml"));
        let later = [
            "--key",
            "idp.key",
            "--cert",
            "idp.pem",
            "--at",
            "2026-03-01T00:00:00Z",
        ];
        let sign = [
            &["sign", "again.xml", "--valid-for", "1d", "--out", "s.xml"],
            &later[..],
        ];
        metadata(&place, &sign.concat()).ok();
        let json = metadata(&place, &["show", "s.xml", "--json"]).json();
        assert_eq!(json["valid_until"], "2026-03-02T00:00:00Z");
        assert_eq!(json["cache_duration"], 6 * 3600);
        let query = ["query", "s.xml", "https://a.example.org/", "--json"];
        let json = metadata(&place, &query).json();
        assert_eq!(json["valid_until"], "2026-03-02T00:00:00Z");
    }
    // A group of one stays a group.
    place.write(
        "one.xml",
        format!(
            "<md:EntitiesDescriptor {MD}>{}</md:EntitiesDescriptor>",
            place.read("e.xml")
        ),
    );
    let sign = ["sign", "one.xml", "--key", "idp.key", "--cert", "idp.pem"];
    assert!(
        metadata(&place, &sign)
            .ok()
            .starts_with("<md:EntitiesDescriptor ")
    );
    refused(
        &metadata(&place, &["verify", "g.xml", "--cert", "idp.pem", "--json"]),
        "signature.missing",
    );
    let unending = [
        "sign", "e.xml", "--key", "idp.key", "--cert", "idp.pem", "--out", "u.xml",
    ];
    metadata(&place, &unending).ok();
    let verify = ["verify", "u.xml", "--cert", "idp.pem", "--json"];
    assert_eq!(
        metadata(&place, &verify).json()["valid_until"],
        serde_json::Value::Null
    );
    let strict = [&verify[..], &["--require-valid-until"]].concat();
    refused(&metadata(&place, &strict), "metadata.no_valid_until");
}

#[test]
fn large_groups_are_judged_like_small_ones() {
    let place = Place::with_keys();
    let id = |number: usize| format!("https://{number}.example.org/");
    let long = "x".repeat(450_000);
    let entities: String = (0..11)
        .map(|number| entity(&place, &id(number), &format!("{long}{number}"), "idp"))
        .collect();
    place.write(
        "l.xml",
        format!("<md:EntitiesDescriptor {MD}>{entities}</md:EntitiesDescriptor>"),
    );
    let key = ["--key", "idp.key", "--cert", "idp.pem", "--at", AT];
    let sign = [
        &["sign", "l.xml", "--valid-for", "10d", "--out", "s.xml"],
        &key[..],
    ]
    .concat();
    metadata(&place, &sign).ok();
    let verify = |cert: &str, at: &str, more: &[&str]| {
        let usual = ["verify", "s.xml", "--cert", cert, "--json", "--at", at];
        metadata(&place, &[&usual, more].concat())
    };
    let json = verify("idp.pem", AT, &[]).json();
    assert_eq!(json["entities"], 11, "{json}");
    assert_eq!(json["valid_until"], "2026-02-10T12:00:00Z");
    assert_eq!(json["sha256"].as_str().unwrap().len(), 95);
    refused(&verify("other.pem", AT, &[]), "signature.wrong_key");
    refused(
        &verify("idp.pem", "2026-02-10T12:00:00Z", &[]),
        "metadata.expired",
    );
    let far = verify("idp.pem", AT, &["--max-validity", "9d"]);
    refused(&far, "metadata.valid_too_long");
    let query = |id: &str| metadata(&place, &["query", "s.xml", id, "--json"]);
    let json = query(&id(7)).json();
    assert_eq!(json["roles"][0]["names"][0]["value"], format!("{long}7"));
    assert_eq!(json["valid_until"], "2026-02-10T12:00:00Z");
    refused(&query(&id(11)), "metadata.no_such_entity");
    place.write(
        "s.xml",
        place.read("s.xml").replace("https://7.", "https://8."),
    );
    refused(&verify("idp.pem", AT, &[]), "signature.digest_mismatch");
}

#[test]
fn what_is_wrong_is_told_with_what_to_change() {
    let place = with_metadata();
    let ran = metadata(&place, &["lint", "e.xml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout
            .starts_with("https://a.example.org/\n  warning  lint."),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .contains("lint.no_display_name\n           SPSSODescriptor: people")
    );
    assert!(ran.stdout.contains("Add an mdui:UIInfo"), "{ran:?}");
    let ran = metadata(&place, &["lint", "e.xml", "--group", "adfs", "--json"]);
    assert_eq!(ran.code, 1);
    let json = ran.json();
    assert_eq!(json["ok"], false);
    assert_eq!(json["findings"][0]["code"], "lint.adfs.key_type");
    assert_eq!(json["counts"]["lint.adfs.key_type"], json["errors"]);
    let place = with_metadata();
    place.write(
        "g.xml",
        place.read("g.xml").replace("https://sp", "http://sp"),
    );
    let ran = metadata(&place, &["lint", "g.xml", "--summary"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("     2 error    lint.endpoint_http\n"),
        "{ran:?}"
    );
    let group = ["lint", "e.xml", "--group", "pingfederate"];
    assert_eq!(metadata(&place, &group).code, 2);
}

#[test]
fn changes_are_told() {
    let place = with_metadata();
    let diff = |more: &[&str]| metadata(&place, &[&["diff", "g.xml", "new.xml"], more].concat());
    place.write("new.xml", place.read("g.xml"));
    assert_eq!(diff(&[]).ok(), "0 entities were only published anew\n");
    let changed = place
        .read("g.xml")
        .replace("b.example.org/\"", "c.example.org/\"");
    place.write("new.xml", changed.replace("/sso\"", "/signin\""));
    let ran = diff(&[]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stdout,
        "~ https://a.example.org/\n    IDPSSODescriptor: moved SingleSignOnService HTTP-Redirect \
         https://login.example.org/sso to https://login.example.org/signin\n\
         + https://c.example.org/\n- https://b.example.org/\n\
         0 entities were only published anew\n"
    );
    let json = diff(&["--json"]).json();
    assert_eq!(
        json["changes"][0]["differences"][0]["code"],
        "diff.endpoint_moved"
    );
    // What only ends later is no news.
    let until = |until: &str| {
        let name = "Name=\"urn:g\"";
        place
            .read("g.xml")
            .replace(name, &format!("{name} validUntil=\"{until}\""))
    };
    let (old, new) = (until("2026-01-01T00:00:00Z"), until("2026-01-02T00:00:00Z"));
    place.write("old.xml", old);
    place.write("new.xml", new);
    let run = |args: &[&str]| metadata(&place, args).ok();
    assert_eq!(
        run(&["diff", "old.xml", "new.xml"]),
        "2 entities were only published anew\n"
    );
    assert!(run(&["diff", "old.xml", "new.xml", "--all"]).contains("validUntil was 2026-01-01"));
    assert_eq!(metadata(&place, &["diff", "new.xml", "old.xml"]).code, 1);
}

#[test]
fn what_ends_soon_is_told() {
    let place = with_metadata();
    assert_eq!(
        metadata(&place, &["expiring", "e.xml", "g.xml"]).ok(),
        "nothing ends soon\n"
    );
    let ran = metadata(
        &place,
        &["expiring", "e.xml", "g.xml", "--within", "5000d", "--json"],
    );
    assert_eq!(ran.code, 1);
    let json = ran.json();
    // One entity alone and two in a group, with a certificate in each of two roles.
    assert_eq!(json.as_array().unwrap().len(), 6, "{json:#}");
    assert_eq!(json[0]["expired"], false);
    let name = "Name=\"urn:g\"";
    let dated = format!("{name} validUntil=\"2026-01-01T00:00:00Z\"");
    place.write("g.xml", place.read("g.xml").replace(name, &dated));
    let ran = metadata(&place, &["expiring", "g.xml"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        ran.stdout,
        "2026-01-01T00:00:00Z ended g.xml\n  validUntil of the group\n"
    );
}

/// Answers one request with these octets.
fn serve(octets: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let length = octets.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(&[head.as_bytes(), &octets].concat());
    });
    format!("http://{address}/metadata")
}

#[test]
fn what_is_fetched_is_verified_before_it_is_written() {
    let place = with_metadata();
    let sign = [
        "sign",
        "g.xml",
        "--key",
        "idp.key",
        "--cert",
        "idp.pem",
        "--valid-for",
        "7d",
    ];
    let signed = metadata(&place, &sign).ok();
    let fetch = |octets: &str, more: &[&str]| {
        let url = serve(octets.as_bytes().to_vec());
        let usual = [
            "fetch",
            &url,
            "--allow-http",
            "--allow-private",
            "--timeout",
            "20s",
        ];
        metadata(&place, &[&usual, more].concat())
    };
    let ran = fetch(&signed, &["--cert", "idp.pem", "--out", "f.xml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stderr.contains("entities             2\n"), "{ran:?}");
    assert_eq!(place.read("f.xml"), signed);
    let ran = fetch(&signed, &["--cert", "other.pem", "--out", "n.xml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("signature.wrong_key"), "{ran:?}");
    assert!(!place.path("n.xml").exists());
    let ran = fetch("<x/>", &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "<x/>"), "{ran:?}");
    assert!(ran.stderr.contains("nothing was verified"));
    // Nothing is asked that lies within the own network, or in the clear, without saying so.
    for (url, code) in [
        ("https://127.0.0.1:1/", "http.address_refused"),
        ("http://mds.example/", "http.scheme"),
    ] {
        let ran = metadata(&place, &["fetch", url]);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains(code), "{ran:?}");
    }
}

#[test]
fn text_of_metadata_does_not_write_the_screen() {
    let place = with_metadata();
    let hostile = "x\u{9b}2J\u{202e}y";
    for file in ["e.xml", "g.xml"] {
        let text = place.read(file);
        let text = text.replace("Universität Zürich", hostile);
        place.write(
            file,
            text.replace("example.org</shibmd", &format!("*{hostile}</shibmd")),
        );
    }
    place.write(
        "new.xml",
        place.read("g.xml").replace("a.example", "\u{202e}.example"),
    );
    for args in [
        &["show", "e.xml"][..],
        &["show", "e.xml", "--json"],
        &["query", "g.xml", "--search", "2j"],
        &["lint", "e.xml"],
        &["lint", "g.xml", "--json"],
        &["diff", "g.xml", "new.xml"],
        &["diff", "g.xml", "new.xml", "--json"],
        &["query", "new.xml", "https://\u{202e}.example.org/"],
    ] {
        let ran = metadata(&place, args);
        assert!(ran.code < 2, "{ran:?}");
        let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!ran.stdout.contains(acts), "{args:?}: {ran:?}");
        assert!(!ran.stderr.contains(acts), "{args:?}: {ran:?}");
    }
}

#[test]
fn what_is_no_metadata_is_refused() {
    let place = with_metadata();
    for (text, code) in [
        ("<a>", "xml.not_well_formed"),
        ("<a/>", "schema.unexpected_root"),
        ("<!DOCTYPE a><a/>", "xml.doctype_forbidden"),
    ] {
        place.write("bad", text);
        for args in [
            &["show", "bad"][..],
            &["query", "bad", "a"],
            &["lint", "bad"],
            &["diff", "e.xml", "bad"],
            &["expiring", "bad"],
            &["verify", "bad", "--cert", "idp.pem"],
            &["sign", "bad", "--key", "idp.key", "--cert", "idp.pem"],
        ] {
            let ran = metadata(&place, args);
            assert_eq!(ran.code, 1, "{args:?}: {ran:?}");
            assert!(
                ran.stderr.starts_with(&format!("bad: refused: {code}\n")),
                "{args:?}: {ran:?}"
            );
            assert_eq!(ran.stdout, "");
        }
    }
    assert_eq!(metadata(&place, &["show", "none.xml"]).code, 2);
    assert_eq!(
        metadata(&place, &["lint", "e.xml", "--max-validity", "1y"]).code,
        2
    );
}
