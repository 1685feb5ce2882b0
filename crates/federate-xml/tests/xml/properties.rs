//! Properties: what holds for every document.

use crate::support::*;
use federate_xml::{
    Canonicalization, Document, Element, Limits, Name, ReadProblem, SignatureError, Unverified,
    Writer, canonicalize, canonicalize_document,
};
use proptest::prelude::*;

fn canonical(element: Element<'_>, method: &Canonicalization) -> Vec<u8> {
    let mut octets = Vec::new();
    canonicalize(element, None, method, &mut octets);
    octets
}

/// An element to be written, and to be found again.
#[derive(Debug, Clone)]
struct Tree {
    name: usize,
    attributes: Vec<(usize, String)>,
    text: String,
    children: Vec<Tree>,
}

const ELEMENTS: [Name; 5] = [
    Name::saml("Assertion"),
    Name::samlp("Response"),
    Name::local("plain"),
    Name::new("urn:default", "", "defaulted"),
    Name::new("urn:&'()?x=~%C3%A9#y", "odd", "\u{e9}l\u{e9}ment"),
];

const ATTRIBUTES: [Name; 5] = [
    Name::local("a"),
    Name::local("Z"),
    Name::new(federate_xml::XSI, "xsi", "type"),
    Name::new(federate_xml::XML, "xml", "lang"),
    Name::new("urn:b", "b", "a"),
];

/// Text with everything that is written specially.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "&",
        "<",
        ">",
        "\"",
        "'",
        "\r",
        "\n",
        "\t",
        "]]>",
        "--",
        "<!--",
        " ",
        "\u{85}",
        "\u{feff}",
        "\u{2028}",
        "\u{fffd}",
        "\u{10ffff}",
        "&amp;",
        "&#13;",
        "a",
    ]);
    let part = prop_oneof![special.prop_map(str::to_owned), "\\PC{0,4}"];
    // U+FFFE and U+FFFF are no characters of XML; the writer replaces them.
    prop::collection::vec(part, 0..6)
        .prop_map(|parts| parts.concat().replace(['\u{fffe}', '\u{ffff}'], ""))
}

fn tree() -> impl Strategy<Value = Tree> {
    let attributes = prop::collection::btree_map(0..ATTRIBUTES.len(), text(), 0..4);
    let leaf = (0..ELEMENTS.len(), attributes, text()).prop_map(|(name, attributes, text)| Tree {
        name,
        attributes: attributes.into_iter().collect(),
        text,
        children: Vec::new(),
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        (inner.clone(), prop::collection::vec(inner, 0..4))
            .prop_map(|(tree, children)| Tree { children, ..tree })
    })
}

fn write(tree: &Tree, writer: &mut Writer) {
    writer.start(ELEMENTS[tree.name]);
    // In reverse, so that sorting is the writer's work.
    for (name, value) in tree.attributes.iter().rev() {
        writer.attribute(ATTRIBUTES[*name], value);
    }
    writer.text(&tree.text);
    for child in &tree.children {
        write(child, writer);
    }
    writer.end();
}

fn same(tree: &Tree, element: Element<'_>) {
    assert!(element.is(ELEMENTS[tree.name]));
    for (name, value) in &tree.attributes {
        let name = ATTRIBUTES[*name];
        assert_eq!(
            element.attribute_in(name.namespace, name.local),
            Some(value.as_str())
        );
    }
    assert_eq!(element.attributes().count(), tree.attributes.len());
    if tree.children.is_empty() {
        assert_eq!(element.text().unwrap(), tree.text);
    } else {
        assert_eq!(
            element.text().unwrap_err().problem,
            ReadProblem::UnexpectedMarkup
        );
    }
    assert_eq!(element.child_elements().count(), tree.children.len());
    for (tree, element) in tree.children.iter().zip(element.child_elements()) {
        same(tree, element);
    }
}

/// Pieces from which documents and nearly documents are made.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<a>",
        "</a>",
        "<a/>",
        "<b:c xmlns:b='urn:b' b:d=\"e\">",
        "</b:c>",
        "<a xmlns='urn:a'>",
        "<a xmlns=''>",
        "<a b='1\r\n2' c=\"&lt;&#10;\">",
        "text",
        "&amp;",
        "&#x41;",
        "&x;",
        "\r",
        "\r\n",
        "\u{feff}",
        "\u{e9}",
        "<!-- c -->",
        "<!---->",
        "<!-->",
        "<![CDATA[",
        "]]>",
        "<![CDATA[<]]>",
        "<?pi data?>",
        "<?xml version='1.0'?>",
        "<!DOCTYPE a>",
        "<",
        ">",
        "/",
        "\"",
        "'",
        "=",
        " ",
        "<a ID='x'/>",
        "<a xml:id='x'/>",
        "xmlns:",
        "--",
        "]]",
        "?>",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Whatever is parsed has a canonical form, which is parsed to the same canonical form.
fn stable(octets: &[u8]) {
    let limits = Limits {
        processing_instructions: true,
        ..Limits::default()
    };
    let Ok(document) = Document::parse(octets, &limits) else {
        return;
    };
    for uri in METHODS {
        for prefixes in [&[][..], &["#default", "b"]] {
            let method = Canonicalization {
                inclusive_prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
                ..Canonicalization::from_uri(uri).unwrap()
            };
            let once = canonical(document.root(), &method);
            let again = Document::parse(&once, &limits).unwrap();
            assert_eq!(
                String::from_utf8_lossy(&canonical(again.root(), &method)),
                String::from_utf8_lossy(&once)
            );
            let whole = |document: &Document<'_>| {
                let mut octets = Vec::new();
                canonicalize_document(document, None, &method, &mut octets);
                octets
            };
            let once = whole(&document);
            let again = Document::parse(&once, &limits).unwrap();
            assert_eq!(whole(&again), once, "{uri}");
        }
    }
}

/// All that there are.
const METHODS: [&str; 6] = [
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_is_read_again_and_is_canonical(tree in tree()) {
        let mut writer = Writer::new();
        write(&tree, &mut writer);
        let octets = writer.finish();
        let document = Document::parse(&octets, &Limits::default()).unwrap();
        same(&tree, document.root());
        let canonical = canonical(document.root(), &Canonicalization::default());
        prop_assert_eq!(String::from_utf8(octets).unwrap(), String::from_utf8(canonical).unwrap());
    }

    #[test]
    fn canonical_forms_are_their_own_canonical_forms(soup in soup()) {
        stable(soup.as_bytes());
        stable(format!("<a>{soup}</a>").as_bytes());
        stable(format!("<a b='{soup}'/>").as_bytes());
    }

    #[test]
    fn no_octets_make_the_parser_panic(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        stable(&octets);
        stable(&[b"<a>", octets.as_slice(), b"</a>"].concat());
    }

    #[test]
    fn no_changed_document_makes_the_parser_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut octets = signed().into_bytes();
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        stable(&octets);
        if let Ok(unverified) = Unverified::<Assertion>::parse(&octets, &Limits::default()) {
            let _ = unverified.read_unsigned();
        }
        stable(&octets[..cut.index(octets.len())]);
    }

    /// One octet of what is signed, made another one that also means something: the digest is
    /// wrong; one of SignedInfo: the signature is.
    #[test]
    fn one_changed_signed_octet_is_refused(
        name in "[a-zA-Z0-9@. ]{1,40}",
        at in any::<prop::sample::Index>(),
        to in "[a-zA-Z0-9]",
    ) {
        let document = sign(&signer(), &name);
        prop_assert_eq!(verify(&document).unwrap().into_inner().name_id, name.clone());
        for (element, expected) in [
            ("saml:NameID", SignatureError::DigestMismatch),
            ("saml:Issuer", SignatureError::DigestMismatch),
            ("ds:DigestValue", SignatureError::WrongKey { tried: 1 }),
        ] {
            let (before, inside, after) = cut(&document, element);
            // (The last character of the base64 has bits that must be nothing.)
            let end = if element == "ds:DigestValue" { 5 } else { 3 };
            let text = element.len() + 2..inside.len() - element.len() - end;
            let at = text.start + at.index(text.len());
            let mut changed = inside.to_owned();
            changed.replace_range(at..=at, &to);
            if changed != inside {
                let result = verify(&format!("{before}{changed}{after}"));
                let code = expected.code();
                refused(result, expected, code);
            }
        }
    }

    #[test]
    fn pieces_in_a_signed_document_never_change_what_is_read(
        soup in soup(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut document = signed();
        document.insert_str(at.index(document.len()), &soup);
        if let Ok(verified) = verify(&document) {
            prop_assert_eq!(verified.into_inner(), honest());
        }
    }
}

fn honest() -> Assertion {
    Assertion {
        id: "_a".to_owned(),
        issuer: "https://idp.example".to_owned(),
        name_id: ALICE.to_owned(),
    }
}

#[test]
fn any_one_changed_octet_is_refused_or_changes_nothing() {
    // Every position of a signed document, with neighbours and with what means something.
    let document = signed().into_bytes();
    let expected = assertion("_a", ALICE);
    let mut accepted = 0;
    for at in 0..document.len() {
        let was = document[at];
        for octet in [
            was ^ 1,
            was ^ 0x20,
            was.wrapping_add(1),
            0,
            b'<',
            b'&',
            b'"',
            b' ',
            b'>',
            b'\r',
            0xff,
        ] {
            if octet == was {
                continue;
            }
            let mut changed = document.clone();
            changed[at] = octet;
            let Ok(text) = String::from_utf8(changed) else {
                continue;
            };
            if Document::parse(text.as_bytes(), &Limits::default()).is_err() {
                continue;
            }
            if let Ok(octets) = verify_part(&text, |root| root) {
                assert_eq!(octets.octets(), expected.as_bytes(), "{text}");
                accepted += 1;
            }
        }
    }
    // White space in tags, the text of KeyInfo: what no signature covers and nobody reads.
    assert!(accepted > 0);
}
