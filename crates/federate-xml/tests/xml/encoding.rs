//! B2 of the catalogue: what surrounds a document: encodings, declarations, other roots.

use crate::support::*;
use federate_xml::ParseErrorKind as Kind;

#[test]
fn a053_other_encodings() {
    let signed = signed();
    for declared in ["ISO-8859-1", "UTF-16", "UTF-7", "us-ascii", "utf8", ""] {
        let document = format!("<?xml version=\"1.0\" encoding=\"{declared}\"?>{signed}");
        not_parsed(
            document.as_bytes(),
            Kind::UnsupportedEncoding,
            "xml.unsupported_encoding",
        );
        // A byte order mark does not help.
        not_parsed(
            format!("\u{feff}{document}").as_bytes(),
            Kind::UnsupportedEncoding,
            "xml.unsupported_encoding",
        );
    }
    let wide = |bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let mark = mark.then_some(0xfeff);
        mark.into_iter()
            .chain("<a/>".encode_utf16())
            .flat_map(bytes)
            .collect()
    };
    for octets in [
        wide(u16::to_be_bytes, true),
        wide(u16::to_le_bytes, true),
        b"<a>\xc0\xbc</a>".to_vec(),
        b"<a>\xe0\x80\xbc</a>".to_vec(),
        b"<a>\xed\xa0\x80</a>".to_vec(),
        b"<a>\xf4\x90\x80\x80</a>".to_vec(),
        b"<a>\xe9</a>".to_vec(),
    ] {
        not_parsed(&octets, Kind::InvalidUtf8, "xml.invalid_utf8");
    }
    for octets in [wide(u16::to_be_bytes, false), wide(u16::to_le_bytes, false)] {
        not_parsed(&octets, Kind::InvalidCharacter, "xml.invalid_character");
    }
    for declaration in [
        "",
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\r\n",
    ] {
        for mark in ["", "\u{feff}"] {
            let document = format!("{mark}{declaration}{signed}");
            assert_eq!(verify(&document).unwrap().name_id, ALICE);
        }
    }
}

#[test]
fn a053_one_byte_order_mark_is_enough() {
    let text = Kind::NotWellFormed("text outside the root element");
    for document in [
        "\u{feff}\u{feff}<a/>",
        "\u{feff}\u{feff}\u{feff}<a/>",
        "\u{feff} \u{feff}<a/>",
        "<a/>\u{feff}",
    ] {
        not_parsed(document.as_bytes(), text, "xml.not_well_formed");
    }
    not_parsed(
        format!("\u{feff}\u{feff}{}", signed()).as_bytes(),
        text,
        "xml.not_well_formed",
    );
    // Inside it is a character like any other.
    assert_eq!(text_of("<a>\u{feff}b</a>"), "\u{feff}b");
}

#[test]
fn a054_xml_1_1_and_its_line_ends() {
    for version in ["1.1", "1.2", "2.0", "1.00", ""] {
        not_parsed(
            format!("<?xml version=\"{version}\"?><a/>").as_bytes(),
            Kind::UnsupportedVersion,
            "xml.unsupported_version",
        );
    }
    // In XML 1.0, NEL and U+2028 are no line ends and no white space.
    assert_eq!(text_of("<a>\u{85}\u{2028}</a>"), "\u{85}\u{2028}");
    for document in ["<a\u{85}b=\"1\"/>", "<a\u{2028}/>"] {
        not_parsed(
            document.as_bytes(),
            Kind::NotWellFormed("an element name"),
            "xml.not_well_formed",
        );
    }
    // Control characters that XML 1.1 would allow as references.
    for document in [
        "<a>&#1;</a>",
        "<a>\u{1}</a>",
        "<a b=\"&#x1f;\"/>",
        "<a>&#xFFFE;</a>",
    ] {
        not_parsed(
            document.as_bytes(),
            Kind::InvalidCharacter,
            "xml.invalid_character",
        );
    }
}

#[test]
fn a054_declarations_out_of_order() {
    for (document, what) in [
        (
            " <?xml version=\"1.0\"?><a/>",
            "the XML declaration is not first",
        ),
        (
            "<a/><?xml version=\"1.0\"?>",
            "the XML declaration is not first",
        ),
        (
            "<a><?xml version=\"1.0\"?></a>",
            "the XML declaration is not first",
        ),
        ("<?xml?><a/>", "the XML declaration"),
        ("<?xml encoding=\"utf-8\"?><a/>", "the XML declaration"),
        (
            "<?xml encoding=\"utf-8\" version=\"1.0\"?><a/>",
            "the XML declaration",
        ),
        (
            "<?xml version=\"1.0\" version=\"1.0\"?><a/>",
            "the XML declaration",
        ),
        (
            "<?xml version=\"1.0\" standalone=\"maybe\"?><a/>",
            "the XML declaration",
        ),
        ("<?xml version=\"1.0\" x=\"y\"?><a/>", "the XML declaration"),
    ] {
        not_parsed(
            document.as_bytes(),
            Kind::NotWellFormed(what),
            "xml.not_well_formed",
        );
    }
}

#[test]
fn a055_several_roots_and_trailing_data() {
    let signed = signed();
    for (document, what) in [
        (format!("{signed}{signed}"), "a second root element"),
        (format!("{signed}<a/>"), "a second root element"),
        (format!("<a/>{signed}"), "a second root element"),
        (format!("{signed}x"), "text outside the root element"),
        (format!("x{signed}"), "text outside the root element"),
        (format!("{signed}&#32;"), "text outside the root element"),
        (
            format!("{signed}<![CDATA[]]>"),
            "text outside the root element",
        ),
        (
            format!("<![CDATA[ ]]>{signed}"),
            "text outside the root element",
        ),
        (format!("{signed}</a>"), "an end tag without its start tag"),
    ] {
        let kind = Kind::NotWellFormed(what);
        not_parsed(document.as_bytes(), kind, "xml.not_well_formed");
    }
    // White space and comments may stand there; they are part of nothing.
    let around = format!("<!-- a -->\n{signed}\r\n<!-- b --> ");
    assert_eq!(verify(&around).unwrap().name_id, ALICE);
}
