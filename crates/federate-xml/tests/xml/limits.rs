//! What hostile shapes cost: every one ends at a limit, by its name.

use crate::support::*;
use federate_xml::dsig::SignatureStructure as Structure;
use federate_xml::{Canonicalization, Document, Limits, ParseErrorKind as Kind, canonicalize};

#[track_caller]
fn limited(document: &str, limits: &Limits, limit: &'static str, allowed: usize) {
    let error = Document::parse(document.as_bytes(), limits).unwrap_err();
    assert_eq!(error.kind, Kind::LimitExceeded { limit, allowed });
    assert_eq!(error.code(), "xml.limit_exceeded");
}

/// The default limits with as many octets as a test needs.
fn large() -> Limits {
    Limits {
        bytes: 512 * 1024 * 1024,
        ..Limits::default()
    }
}

#[test]
fn a108_deep_nesting() {
    let open = "<a>".repeat(100_000);
    let document = open.clone() + &"</a>".repeat(100_000);
    limited(&document, &large(), "depth", 64);
    // Not closed at all, it is the depth that is noticed first.
    limited(&open, &large(), "depth", 64);
    let fits = "<a>".repeat(64) + &"</a>".repeat(64);
    assert!(Document::parse(fits.as_bytes(), &Limits::default()).is_ok());
    let empty = "<a>".repeat(64) + "<a/>" + &"</a>".repeat(64);
    limited(&empty, &Limits::default(), "depth", 64);
}

#[test]
fn a109_a_hundred_thousand_attributes() {
    use std::fmt::Write as _;
    let mut tag = "<a".to_owned();
    for n in 0..100_000 {
        write!(tag, " a{n}=\"\"").unwrap();
    }
    tag += "/>";
    limited(&tag, &large(), "attributes of an element", 64);
    // Even where so many are allowed, they are read in a moment.
    let limits = Limits {
        attributes_per_element: 100_000,
        ..large()
    };
    let document = Document::parse(tag.as_bytes(), &limits).unwrap();
    assert_eq!(document.root().attributes().count(), 100_000);
    let mut octets = Vec::new();
    canonicalize(
        document.root(),
        None,
        &Canonicalization::default(),
        &mut octets,
    );
    assert!(octets.starts_with(b"<a a0=\"\" a1=\"\" a10=\"\""));
    // And one of them that occurs twice is found.
    let twice = tag.replace(" a99999=", " a7=");
    let error = Document::parse(twice.as_bytes(), &limits).unwrap_err();
    assert_eq!(error.kind, Kind::DuplicateAttribute);
}

#[test]
fn a109_declarations_on_nested_elements() {
    use std::fmt::Write as _;
    // Prefixes: 300 of them on elements inside one another.
    let mut document = String::new();
    for n in 0..300 {
        write!(document, "<a xmlns:p{n}=\"urn:x\">").unwrap();
    }
    let deep = Limits {
        depth: 100_000,
        nodes: 1_000_000,
        ..large()
    };
    limited(&document, &deep, "namespaces", 256);
    // Names.
    let mut document = String::new();
    for n in 0..10_000 {
        write!(document, "<a xmlns=\"urn:{n}\">").unwrap();
    }
    limited(&document, &deep, "namespaces", 256);
    limited(&document, &large(), "depth", 64);
    // On one element.
    let mut tag = "<a".to_owned();
    for n in 0..10_000 {
        write!(tag, " xmlns:p{n}=\"urn:x\"").unwrap();
    }
    tag += "/>";
    limited(&tag, &large(), "attributes of an element", 64);
    // The same declaration on 10,000 nested elements is in scope everywhere and written once.
    let repeated = "<p:a xmlns:p=\"urn:x\">".repeat(10_000) + &"</p:a>".repeat(10_000);
    let document = Document::parse(repeated.as_bytes(), &deep).unwrap();
    let mut octets = Vec::new();
    let method = Canonicalization {
        inclusive_prefixes: vec!["p".to_owned()],
        ..Canonicalization::default()
    };
    canonicalize(document.root(), None, &method, &mut octets);
    assert_eq!(octets.windows(5).filter(|w| w == b"xmlns").count(), 1);
}

#[test]
fn a109_a_long_namespace_name_does_not_multiply() {
    // Exclusive canonicalization writes a name on every sibling that uses it: 500 kB, times
    // as many siblings as fit, before any signature was looked at.
    let name = format!("urn:{}", "x".repeat(2_000));
    let document = format!("<a xmlns:p=\"{name}\"/>");
    limited(&document, &large(), "octets of a namespace name", 1024);
    let document = format!("<a xmlns=\"{name}\"/>");
    limited(
        &document,
        &Limits::for_aggregate(),
        "octets of a namespace name",
        1024,
    );
    let longest = format!("<a xmlns=\"{}\"/>", &name[..1024]);
    assert!(Document::parse(longest.as_bytes(), &Limits::default()).is_ok());
    // SignedInfo has the shape that it must have before it is canonicalized for a signature
    // that an attacker may have made up.
    let bare = assertion("_a", ALICE);
    let siblings = "<p:x></p:x>".repeat(20_000);
    let name = format!("urn:{}", "x".repeat(1_000));
    let own = reference("#_a", &bare);
    for (info, structure) in [
        (
            Info::new([own.clone(), siblings.clone()]),
            Structure::References,
        ),
        (
            Info::new([swap(
                &own,
                "</ds:DigestMethod>",
                &format!("{siblings}</ds:DigestMethod>"),
            )]),
            Structure::Elements,
        ),
        (
            Info::new([swap(
                &own,
                "</ds:Transform>",
                &format!(
                    "<ec:InclusiveNamespaces xmlns:ec=\"{}\">{siblings}</ec:InclusiveNamespaces>\
                     </ds:Transform>",
                    federate_xml::EC
                ),
            )]),
            Structure::Transforms,
        ),
    ] {
        let document = insert(&bare, &signature(&info.inside(), &[1; 256]));
        let document = swap(&document, " ID=", &format!(" xmlns:p=\"{name}\" ID="));
        malformed(verify(&document), structure);
    }
}

#[test]
fn a110_giant_documents_and_values() {
    let limits = Limits::default();
    let document = format!("<a>{}</a>", "x".repeat(limits.bytes));
    limited(&document, &limits, "bytes", limits.bytes);
    let allowed = limits.value_bytes;
    let giant = "x".repeat(allowed + 1);
    for document in [
        format!("<a>{giant}</a>"),
        format!("<a>&lt;{giant}</a>"),
        format!("<a><![CDATA[{giant}]]></a>"),
        format!("<a b=\"{giant}\"/>"),
        format!("<a>{}</a>", "x&lt;".repeat(allowed / 2 + 1)),
    ] {
        let limits = Limits {
            nodes: usize::MAX,
            ..large()
        };
        limited(&document, &limits, "octets of a value", allowed);
    }
}

#[test]
fn a110_many_nodes() {
    let limits = large();
    for node in ["<a/>", "<a></a>", "<!---->", "x<!---->"] {
        let document = format!("<r>{}</r>", node.repeat(60_000));
        limited(&document, &limits, "nodes", limits.nodes);
    }
    // Text in pieces is one node.
    let document = format!("<r>{}</r>", "a&lt;<![CDATA[b]]>".repeat(20_000));
    let document = Document::parse(document.as_bytes(), &limits).unwrap();
    assert_eq!(document.root().text().unwrap(), "a<b".repeat(20_000));
}

#[test]
fn a111_compressed_data_is_not_a_document() {
    // Inflating belongs to the binding; here a deflated or gzipped message is no text.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";
    not_parsed(gzip, Kind::InvalidUtf8, "xml.invalid_utf8");
}

#[test]
fn limits_hold_for_what_is_read_from_a_signature() {
    // The canonical octets are read under the limits of the document, not under larger ones.
    let limits = Limits::default();
    let octets = verify_part(&signed(), |root| root).unwrap();
    let small = Limits {
        bytes: 10,
        ..limits
    };
    let error = octets.read::<Assertion>(&small).unwrap_err();
    assert_eq!(error.code(), "xml.limit_exceeded");
}
