//! B2 of the catalogue: octets that two readers understand differently.

use crate::support::*;
use federate_xml::dsig::SignatureStructure as Structure;
use federate_xml::{
    Canonicalization, Document, Limits, Name, ParseErrorKind as Kind, ReadError, ReadProblem,
    SignatureError, canonicalize,
};

/// Signs this assertion as it stands; it must be canonical.
fn signed_as_is(bare: &str) -> String {
    insert(bare, &Info::new([reference("#_a", bare)]).sign())
}

#[test]
fn a040_comment_in_text_gives_the_full_text() {
    // CVE-2017-11427 and its family: the signature does not see the comment; the value must
    // not end there.
    let honest = "admin@example.com.evil.com";
    let document = sign(&signer(), honest);
    for split in [
        "admin@example.com<!---->.evil.com",
        "<!--x-->admin@example.com.evil.com",
        "admin@<!-- a --><!-- b -->example.com<!---->.evil.com<!-- c -->",
    ] {
        let verified = verify(&swap(&document, honest, split)).unwrap();
        assert_eq!(verified.name_id, honest);
    }
    let issuer = swap(&signed(), "//idp.example", "//idp<!--x-->.example");
    assert_eq!(verify(&issuer).unwrap().issuer, "https://idp.example");
}

#[test]
fn a041_processing_instruction_in_text() {
    for pi in ["<?x?>", "<?x y?>", "<?xml-stylesheet href='a'?>"] {
        let document = swap(&signed(), "alice", &format!("al{pi}ice"));
        not_parsed(
            document.as_bytes(),
            Kind::ProcessingInstructionForbidden,
            "xml.processing_instruction_forbidden",
        );
    }
    // Where metadata may hold them, a value still may not.
    let limits = Limits::for_aggregate();
    let document = Document::parse(b"<a>b<?x?>c</a>", &limits).unwrap();
    let error = document.root().text().unwrap_err();
    assert_eq!(error.problem, ReadProblem::UnexpectedMarkup);
    assert_eq!(error.code(), "schema.unexpected_markup");
}

#[test]
fn a042_cdata_is_text() {
    // Its canonical form is that of the same text, so the signature holds; the value is whole.
    for split in [
        "al<![CDATA[ice]]>@example.com",
        "<![CDATA[alice@example.com]]>",
        "alice<![CDATA[]]>@example<![CDATA[.]]>com",
    ] {
        let verified = verify(&swap(&signed(), ALICE, split)).unwrap();
        assert_eq!(verified.name_id, ALICE);
    }
    assert_eq!(text_of("<a>x<![CDATA[<&]]]]><![CDATA[>]]>y</a>"), "x<&]]>y");
    // What is not text without CDATA is not with it.
    let markup = swap(&signed(), ALICE, "<![CDATA[<b/>]]>");
    refused(
        verify(&markup),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
}

#[test]
fn a044_names_and_directives_that_change_when_written_again() {
    for (document, what) in [
        ("<x ::attr=\"1\"/>", "an attribute name"),
        ("<x :attr=\"1\"/>", "an attribute name"),
        ("<x a:=\"1\"/>", "an attribute name"),
        ("<::x/>", "an element name"),
        ("<:x/>", "an element name"),
        ("<x:/>", "an element name"),
        ("<a:b:c/>", "an element name"),
        ("<x/ >", "an element name"),
        ("<x/y>", "an element name"),
        ("< x/>", "an element name"),
        ("<>", "an element name"),
        ("<x></x y>", "an end tag without its start tag"),
        ("<x></ x>", "an end tag without its start tag"),
        ("<x></X>", "an end tag without its start tag"),
        ("<x></>", "an end tag without its start tag"),
        ("</x>", "an end tag without its start tag"),
        ("<x a=1/>", "an attribute value needs quotes"),
        ("<x a/>", "an attribute needs a value"),
        (
            "<x a=\"1\"b=\"2\"/>",
            "an attribute needs white space before it",
        ),
        ("<x a=\"<\"/>", "'<' in an attribute value"),
        ("<x>]]></x>", "']]>' in text"),
        ("<x><!-- -- --></x>", "'--' in a comment"),
        ("<x><!-- ---></x>", "'--' in a comment"),
        ("<x>&amp</x>", "a reference is not closed"),
        ("<x>&#;</x>", "a character reference"),
        ("<x>&#x;</x>", "a character reference"),
        ("<x>&#X41;</x>", "a character reference"),
        ("<x>&#-1;</x>", "a character reference"),
        ("<x><![CDATA[</x>", "markup is not closed"),
        ("<x><![cdata[a]]></x>", "markup is not closed"),
        ("<x><!></x>", "markup is not closed"),
        ("<x><!--></x>", "markup is not closed"),
        ("<x><!---></x>", "markup is not closed"),
        ("<x", "markup is not closed"),
        ("<x>", "an element is not closed"),
        ("", "there is no element"),
        (" ", "there is no element"),
        ("<!-- -->", "there is no element"),
    ] {
        not_parsed(
            document.as_bytes(),
            Kind::NotWellFormed(what),
            "xml.not_well_formed",
        );
    }
}

#[test]
fn a045_doctype_in_every_guise() {
    for doctype in [
        "<!DOCTYPE a>",
        "<!doctype a>",
        "<!DOCTYPE>",
        "<!DOCTYPE a [ <!ENTITY b \"]><a/>\"> ]>",
        "<!DOCTYPE a SYSTEM \"]>\" [<!-- ' -->]>",
        "<!DOCTYPE",
        "<!DOCTYPE a [",
    ] {
        for document in [
            format!("{doctype}<a/>"),
            format!("<?xml version=\"1.0\"?>\n<!-- -->{doctype}{}", signed()),
            format!("<a>{doctype}</a>"),
            format!("<a/>{doctype}"),
        ] {
            not_parsed(
                document.as_bytes(),
                Kind::DoctypeForbidden,
                "xml.doctype_forbidden",
            );
        }
    }
}

#[test]
fn a046_namespace_games() {
    let invalid = [
        "<a xmlns:xml=\"urn:evil\"/>",
        "<a xmlns:xmlns=\"urn:evil\"/>",
        "<a xmlns:xmlns=\"http://www.w3.org/2000/xmlns/\"/>",
        "<a xmlns:b=\"http://www.w3.org/2000/xmlns/\"/>",
        "<a xmlns=\"http://www.w3.org/2000/xmlns/\"/>",
        "<a xmlns:b=\"http://www.w3.org/XML/1998/namespace\"/>",
        "<a xmlns=\"http://www.w3.org/XML/1998/namespace\"/>",
        "<a xmlns:b=\"urn:b\"><c xmlns:b=\"\"/></a>",
        // No URIs; libxml2's canonical form of these is empty.
        "<a xmlns=\"urn:\u{e9}\"/>",
        "<a xmlns=\"urn:a b\"/>",
        "<a xmlns=\"urn:a&#10;\"/>",
        "<a xmlns=\"urn:&lt;\"/>",
        "<a xmlns:b='urn:\"'/>",
        "<a xmlns:b=\"urn:{x}\"/>",
        "<a xmlns=\"http://a/09%/b\"/>",
        "<a xmlns=\"urn:a#b#c\"/>",
        "<a xmlns=\"urn:[a]\"/>",
        "<a xmlns=\"http://a:b/\"/>",
    ];
    for document in invalid {
        not_parsed(
            document.as_bytes(),
            Kind::InvalidNamespaceDeclaration,
            "xml.invalid_namespace_declaration",
        );
    }
    let undeclared = [
        "<b:a/>",
        "<a b:c=\"1\"/>",
        "<a><b xmlns:c=\"urn:c\"/><c:d/></a>",
        "<a><b xmlns:c=\"urn:c\"/><d c:e=\"1\"/></a>",
        "<xmlns:a/>",
    ];
    for document in undeclared {
        not_parsed(
            document.as_bytes(),
            Kind::UndeclaredPrefix,
            "xml.undeclared_prefix",
        );
    }
    let duplicate = [
        "<a b=\"1\" b=\"2\"/>",
        "<a xmlns=\"urn:a\" xmlns=\"urn:b\"/>",
        "<a xmlns:b=\"urn:a\" xmlns:b=\"urn:a\"/>",
        "<a xmlns:b=\"urn:a\" xmlns:c=\"urn:a\" b:d=\"1\" c:d=\"2\"/>",
        "<a xmlns:b=\"urn:a\" xmlns:c=\"&#117;rn:a\" b:d=\"1\" c:d=\"2\"/>",
        "<a xml:id=\"1\" xmlns:xml=\"http://www.w3.org/XML/1998/namespace\" xml:id=\"2\"/>",
    ];
    for document in duplicate {
        not_parsed(
            document.as_bytes(),
            Kind::DuplicateAttribute,
            "xml.duplicate_attribute",
        );
    }
    // The default namespace is no attribute's namespace.
    let text = b"<a xmlns=\"urn:a\" xmlns:b=\"urn:a\" c=\"1\" b:c=\"2\"/>";
    let document = Document::parse(text, &Limits::default()).unwrap();
    assert_eq!(document.root().attribute("c"), Some("1"));
    assert_eq!(document.root().attribute_in("urn:a", "c"), Some("2"));
}

#[test]
fn a047_void_canonicalization() {
    // CVE-2025-66475: a relative namespace name makes libxml2's canonical form empty.
    for name in [
        "1", "x", "/x", "../x", "//x", "#x", "?x", "1:x", " urn:x", ":x",
    ] {
        let document = swap(&signed(), " ID=", &format!(" xmlns:example=\"{name}\" ID="));
        not_parsed(
            document.as_bytes(),
            Kind::RelativeNamespace,
            "xml.relative_namespace",
        );
    }
}

#[test]
fn a048_digest_of_nothing() {
    use federate_crypto::DigestAlgorithm;
    let bare = assertion("_a", "mallory@example.com");
    let transforms = algorithm("Transform", ENVELOPED, "") + &algorithm("Transform", EXCLUSIVE, "");
    for method in [
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ] {
        let value = format!("<ds:DigestValue>{}</ds:DigestValue>", digest(method, b""));
        let reference = reference_raw(" URI=\"#_a\"", &transforms, method.uri(), &value);
        refused(
            verify(&insert(&bare, &Info::new([reference]).sign())),
            SignatureError::DigestMismatch,
            "signature.digest_mismatch",
        );
    }
    // SHA-1 does not even come to it.
    let value = "<ds:DigestValue>2jmj7l5rSw0yVb/vlWAYkK/YBwk=</ds:DigestValue>";
    let sha1 = DigestAlgorithm::Sha1.uri();
    let reference = reference_raw(" URI=\"#_a\"", &transforms, sha1, value);
    algorithm_refused(
        verify(&insert(&bare, &Info::new([reference]).sign())),
        "the digest algorithm",
        sha1,
    );
}

#[test]
fn a049_entities_in_the_tree() {
    for name in ["nbsp", "x", "Amp", "AMP", "#amp", ""] {
        let kind = if name.starts_with('#') {
            Kind::NotWellFormed("a character reference")
        } else {
            Kind::UnknownEntity
        };
        let code = if name.starts_with('#') {
            "xml.not_well_formed"
        } else {
            "xml.unknown_entity"
        };
        not_parsed(format!("<a>&{name};</a>").as_bytes(), kind, code);
        not_parsed(format!("<a b=\"&{name};\"/>").as_bytes(), kind, code);
    }
    assert_eq!(
        text_of("<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x42;</a>"),
        "<>&'\"AB"
    );
}

#[test]
fn a056_white_space_in_base64() {
    let document = signed();
    let (_, value, _) = cut(&document, "ds:SignatureValue");
    let (_, certificate, _) = cut(&document, "ds:X509Certificate");
    for space in [
        "&#13;",
        "&#xD;\n",
        "\n",
        " ",
        "\t",
        "&#xd;&#xa;&#9;&#32;",
        "<!-- -->",
    ] {
        let spread = |element: &str| {
            let (tag, text) = element.split_at(element.find('>').unwrap() + 1);
            let (first, rest) = text.split_at(7);
            format!("{tag}{space}{first}{space}{rest}").replace("</", &format!("{space}</"))
        };
        let spaced = swap(&document, value, &spread(value));
        let spaced = swap(&spaced, certificate, &spread(certificate));
        assert_eq!(verify(&spaced).unwrap().name_id, ALICE);
    }
    // White space in DigestValue has to be signed as such.
    let bare = assertion("_a", ALICE);
    for space in ["&#xD;\n", "\n", " ", "\t"] {
        let spaced = swap(
            &reference("#_a", &bare),
            "<ds:DigestValue>",
            &format!("<ds:DigestValue>{space}"),
        );
        let document = insert(&bare, &Info::new([spaced]).sign());
        assert_eq!(verify(&document).unwrap().name_id, ALICE);
    }
    // Nothing else may stand there: no other space, no other alphabet, no other padding.
    for junk in ["\u{a0}", "\u{2003}", "-", "_", "=", "*", "\u{c}A"] {
        let spoiled = swap(value, "=", &format!("{junk}="));
        let document = swap(&document, value, &spoiled);
        if junk.contains('\u{c}') {
            let kind = Kind::InvalidCharacter;
            not_parsed(document.as_bytes(), kind, "xml.invalid_character");
        } else {
            malformed(verify(&document), Structure::Base64);
        }
    }
    for empty in ["", " ", "<!-- -->"] {
        let emptied = format!("<ds:SignatureValue>{empty}</ds:SignatureValue>");
        malformed(verify(&swap(&document, value, &emptied)), Structure::Base64);
    }
    let nested = "<ds:SignatureValue><ds:X/></ds:SignatureValue>";
    malformed(verify(&swap(&document, value, nested)), Structure::Elements);
}

#[test]
fn a057_attribute_values_are_normalized() {
    // [XML] 3.3.3: a literal line end or tab is a space, before anything is compared.
    for (written, read) in [
        ("a\tb", "a b"),
        ("a\nb", "a b"),
        ("a\r\nb", "a b"),
        ("a\rb", "a b"),
        ("a&#9;b", "a\tb"),
        ("a&#xA;b", "a\nb"),
        ("a&#13;b", "a\rb"),
        ("  a  ", "  a  "),
    ] {
        let text = format!("<x y='{written}'/>");
        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(document.root().attribute("y"), Some(read));
        let mut octets = Vec::new();
        canonicalize(
            document.root(),
            None,
            &Canonicalization::default(),
            &mut octets,
        );
        let again = Document::parse(&octets, &Limits::default()).unwrap();
        assert_eq!(again.root().attribute("y"), Some(read));
    }
    // So a peer that signed a space verifies when a line was wrapped there, ...
    let bare = swap(&assertion("_a", ALICE), " ID=", " D=\"a b\" ID=");
    let document = signed_as_is(&bare);
    assert_eq!(
        verify(&swap(&document, "a b", "a\nb")).unwrap().name_id,
        ALICE
    );
    // ... but a reference to the same character is another value.
    refused(
        verify(&swap(&document, "a b", "a&#xA;b")),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
    // An ID is compared as it is after that: written otherwise it is the same.
    let document = swap(&signed(), "ID=\"_a\"", "ID=\"&#x5f;a\"");
    assert_eq!(verify(&document).unwrap().id, "_a");
    let document = swap(&signed(), "ID=\"_a\"", "ID=\"_a&#xA;\"");
    malformed(verify(&document), Structure::NoId);
}

#[test]
fn a057_line_ends_in_text_are_one_line_end() {
    assert_eq!(text_of("<a>b\r\nc\rd\n</a>"), "b\nc\nd\n");
    assert_eq!(
        text_of("<a><![CDATA[b\r\nc]]>\r\n&#13;\r</a>"),
        "b\nc\n\r\n"
    );
    let document = sign(&signer(), "a\nb");
    for written in ["a\r\nb", "a\rb", "a&#xA;b"] {
        assert_eq!(
            verify(&swap(&document, "a\nb", written)).unwrap().name_id,
            "a\nb"
        );
    }
    let carriage_return = sign(&signer(), "a\r\nb");
    assert_eq!(verify(&carriage_return).unwrap().name_id, "a\r\nb");
    refused(
        verify(&swap(&carriage_return, "&#xD;\n", "\r\n")),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
}

#[test]
fn values_keep_the_white_space_around_them() {
    // I22: identities are byte-exact; trimming is for types that collapse white space.
    let document = sign(&signer(), " alice ");
    assert_eq!(verify(&document).unwrap().name_id, " alice ");
    let text = Document::parse(b"<a> b\n</a>", &Limits::default()).unwrap();
    assert_eq!(text.root().trimmed_text().unwrap(), "b");
}

#[test]
fn unknown_and_misplaced_elements_are_not_read_over() {
    // I7: what the schema does not allow is an error, even when it was signed.
    let bare = swap(
        &assertion("_a", ALICE),
        "<saml:Subject>",
        "<saml:Evil></saml:Evil><saml:Subject>",
    );
    refused(
        verify(&signed_as_is(&bare)),
        ReadError::new("Assertion", ReadProblem::MissingElement("Subject")),
        "schema.missing_element",
    );
    let bare = swap(&assertion("_a", ALICE), "<saml:Subject>", "x<saml:Subject>");
    refused(
        verify(&signed_as_is(&bare)),
        ReadError::new(Name::saml("Assertion").local, ReadProblem::UnexpectedText),
        "schema.unexpected_text",
    );
}
