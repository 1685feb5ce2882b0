//! xml, completions, man and help.

use crate::support::*;

#[test]
fn c14n_prints_exactly_the_canonical_octets() {
    let place = Place::new();
    place.write(
        "a.xml",
        "<?xml version=\"1.0\"?>\n<a z='1' xmlns:u='urn:u' b=\"2\" ><u:c/><!-- n --></a>\n",
    );
    let run = |more: &[&str]| place.run(&[&["xml", "c14n", "a.xml"], more].concat()).ok();
    assert_eq!(
        run(&[]),
        "<a b=\"2\" z=\"1\"><u:c xmlns:u=\"urn:u\"></u:c></a>"
    );
    assert_eq!(
        run(&["--prefix-list", "u"]),
        "<a xmlns:u=\"urn:u\" b=\"2\" z=\"1\"><u:c></u:c></a>"
    );
    assert_eq!(
        run(&[
            "--method",
            "http://www.w3.org/2006/12/xml-c14n11#WithComments"
        ]),
        "<a xmlns:u=\"urn:u\" b=\"2\" z=\"1\"><u:c></u:c><!-- n --></a>"
    );
    place.write("a.xml", "<a>");
    let ran = place.run(&["xml", "c14n", "a.xml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("xml.not_well_formed"), "{ran:?}");
}

#[test]
fn xml_verify_tells_what_each_signature_covers() {
    let place = Place::with_keys();
    let verify = |cert| place.run(&["xml", "verify", "r", "--cert", cert]);
    for (sign, parts) in [
        ("assertion", &[("Assertion", "a part of the document")][..]),
        ("response", &[("Response", "the whole document")]),
        (
            "both",
            &[
                ("Response", "the whole document"),
                ("Assertion", "a part of the document"),
            ],
        ),
    ] {
        let text = place.issue("r", &["--sign", sign]);
        let ran = verify("idp.pem");
        assert_eq!(ran.code, 0, "{ran:?}");
        let lines: Vec<_> = ran.stdout.lines().collect();
        assert_eq!(lines.len(), parts.len());
        for (line, (name, extent)) in lines.iter().zip(parts) {
            assert!(line.starts_with(&format!("good: {name} _")), "{line}");
            assert!(line.contains(extent), "{line}");
        }
        assert_eq!(verify("other.pem").code, 1);
        place.write("r", text.replace("alice@", "admin@"));
        let ran = verify("idp.pem");
        assert_eq!(ran.code, 1);
        assert!(ran.stdout.contains("signature.digest_mismatch"), "{ran:?}");
    }
    place.write("r", "<a/>");
    let ran = verify("idp.pem");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("signature.missing"), "{ran:?}");
}

#[test]
fn completions_and_manual_pages_are_there() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(
            place
                .run(&["completions", shell])
                .ok()
                .contains("idp-metadata")
        );
    }
    assert!(place.run(&["man"]).ok().contains(".TH federate"));
    place.run(&["man", "pages"]).ok();
    let pages = std::fs::read_dir(place.path("pages")).unwrap();
    let mut names: Vec<_> = pages
        .map(|p| p.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.contains("help"))
        .collect();
    names.sort();
    let expected = [
        "federate-completions.1",
        "federate-decode.1",
        "federate-explain.1",
        "federate-issue.1",
        "federate-keygen.1",
        "federate-man.1",
        "federate-metadata-diff.1",
        "federate-metadata-expiring.1",
        "federate-metadata-fetch.1",
        "federate-metadata-lint.1",
        "federate-metadata-query.1",
        "federate-metadata-rollover.1",
        "federate-metadata-show.1",
        "federate-metadata-sign.1",
        "federate-metadata-verify.1",
        "federate-metadata.1",
        "federate-verify.1",
        "federate-xml-c14n.1",
        "federate-xml-verify.1",
        "federate-xml.1",
        "federate.1",
    ];
    assert_eq!(names, expected);
    assert!(
        place
            .read("pages/federate-verify.1")
            .contains("SAMLResponse")
    );
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    for command in [
        &["decode"][..],
        &["verify"],
        &["explain"],
        &["issue"],
        &["keygen"],
        &["xml", "c14n"],
        &["xml", "verify"],
        &["metadata", "show"],
        &["metadata", "query"],
        &["metadata", "verify"],
        &["metadata", "lint"],
        &["metadata", "diff"],
        &["metadata", "sign"],
        &["metadata", "fetch"],
        &["metadata", "expiring"],
        &["metadata", "rollover"],
        &["completions"],
        &["man"],
    ] {
        let help = place.run(&[command, &["--help"]].concat()).ok();
        assert!(help.contains("Example"), "{help}");
        let example = format!("  federate {}", command.join(" "));
        assert!(
            help.contains(&example) || help.contains("| federate decode"),
            "{help}"
        );
    }
}
