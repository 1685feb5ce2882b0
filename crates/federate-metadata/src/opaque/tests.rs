use super::*;
use crate::testing::entity_xml;
use crate::{EntityDescriptor, parse_entity};
use federate_xml::XMLNS;

fn parse(text: &str) -> OpaqueElement {
    OpaqueElement::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn text(element: &OpaqueElement) -> &str {
    std::str::from_utf8(element.as_bytes()).unwrap()
}

/// An entity with this extension, as a document that declares the prefixes far away.
fn extended(extension: &str) -> EntityDescriptor {
    let document = entity_xml(&format!("<md:Extensions>{extension}</md:Extensions>")).replace(
        " entityID",
        " xmlns:x=\"urn:x\" xmlns:q=\"urn:q\" xmlns:unused=\"urn:u\" entityID",
    );
    parse_entity(document.as_bytes(), &Limits::default()).unwrap()
}

#[test]
fn namespaces_go_along_where_they_are_meant() {
    let entity = extended("<x:a b='q:name'><!-- c --><x:d>q:name</x:d></x:a>");
    let [extension] = &entity.extensions.other[..] else {
        panic!("one extension")
    };
    assert_eq!(
        text(extension),
        "<x:a xmlns:q=\"urn:q\" xmlns:x=\"urn:x\" b=\"q:name\"><x:d>q:name</x:d></x:a>"
    );
    assert_eq!(extension.value_prefixes, ["q"]);
    // It stands alone, and is the same when it is read from that.
    assert_eq!(parse(text(extension)), *extension);
    assert!(!text(extension).contains(XMLNS));
}

#[test]
fn what_only_looks_like_a_prefix_is_none() {
    for value in [
        "https://a.example",
        "urn:a:b",
        "nobody:a",
        ":",
        "::",
        "é:",
        "q",
        "a q",
    ] {
        let entity = extended(&format!("<x:a b=\"{value}\">{value}</x:a>"));
        let [extension] = &entity.extensions.other[..] else {
            panic!("one extension")
        };
        assert_eq!(extension.value_prefixes, [""; 0], "{value}");
        assert!(!text(extension).contains("urn:q\""), "{value}");
    }
}

#[test]
fn it_is_canonical_wherever_it_is_put() {
    let md = "urn:oasis:names:tc:SAML:2.0:metadata";
    for (element, inside) in [
        (
            "<x:a xmlns:x=\"urn:x\"/>".to_owned(),
            "<x:a xmlns:x=\"urn:x\"></x:a>".to_owned(),
        ),
        (
            format!("<md:a xmlns:md=\"{md}\"/>"),
            "<md:a></md:a>".to_owned(),
        ),
        (
            "<md:a xmlns:md=\"urn:other\"/>".to_owned(),
            "<md:a xmlns:md=\"urn:other\"></md:a>".to_owned(),
        ),
        (
            format!("<md:a xmlns:md=\"urn:other\"><md:b xmlns:md=\"{md}\"><md:c/></md:b></md:a>"),
            format!(
                "<md:a xmlns:md=\"urn:other\"><md:b xmlns:md=\"{md}\"><md:c></md:c></md:b></md:a>"
            ),
        ),
        (
            format!("<a xmlns=\"{md}\" b=\" xmlns:md=&quot;\"/>"),
            format!("<a xmlns=\"{md}\" b=\" xmlns:md=&quot;\"></a>"),
        ),
    ] {
        let mut writer = Writer::new();
        writer.start(federate_xml::Name::md("Extensions"));
        parse(&element).write(&mut writer, &[("md", md)]);
        let written = String::from_utf8(writer.finish()).unwrap();
        let expected = format!("<md:Extensions xmlns:md=\"{md}\">{inside}</md:Extensions>");
        assert_eq!(written, expected);
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for text in ["", "a", "<a>", "<a/><b/>", "<!DOCTYPE a><a/>", "<x:a/>"] {
        let error = OpaqueElement::parse(text.as_bytes(), &Limits::default()).unwrap_err();
        assert!(error.code().starts_with("xml."), "{text}");
    }
}

#[test]
fn many_words_that_look_like_prefixes_take_no_time() {
    let words: String = (0..50_000).map(|number| format!("a{number}:")).collect();
    let document = format!("<x:a xmlns:x=\"urn:x\" b=\"{words}\">{words}</x:a>");
    let element = parse(&document);
    assert_eq!(element.value_prefixes, [""; 0]);
    let tags = "<b xmlns:c=\"urn:c\" c:d=\"\"/>".repeat(10_000);
    let mut writer = Writer::new();
    writer.start(federate_xml::Name::md("Extensions"));
    parse(&format!("<a>{tags}</a>")).write(&mut writer, &[("c", "urn:c")]);
    assert!(writer.finish().len() > tags.len() / 2);
}
