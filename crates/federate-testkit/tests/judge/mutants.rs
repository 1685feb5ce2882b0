//! Signed documents that somebody has changed: octets, pieces, whole elements.

use crate::random::Random;
use federate_testkit::mutation::{Mutation, mutations};
use std::ops::Range;

/// A changed document, and what was done to it.
pub(crate) struct Mutant {
    pub(crate) what: String,
    pub(crate) octets: Vec<u8>,
}

/// Makes changed documents of a signed one; the other one is signed by the same key.
pub(crate) type Source = fn(&str, &str, &mut Random) -> Vec<Mutant>;

/// Every source of changed documents. A further one is plugged in here.
pub(crate) const SOURCES: [Source; 4] = [of_octets, of_pieces, of_elements, attacks];

/// The catalogue of attacks, a tenth of them on few documents: it makes a thousand of each.
fn attacks(text: &str, _: &str, random: &mut Random) -> Vec<Mutant> {
    if !random.once_in(20) {
        return Vec::new();
    }
    let mut all = mutations(text.as_bytes());
    all.retain(|_| random.once_in(10));
    let named = |m: Mutation| Mutant {
        what: format!("{}: {}", m.attack, m.what),
        octets: m.octets,
    };
    all.into_iter().map(named).collect()
}

fn mutant(what: &'static str, octets: impl Into<Vec<u8>>) -> Mutant {
    Mutant {
        what: what.to_owned(),
        octets: octets.into(),
    }
}

fn of_octets(text: &str, _: &str, random: &mut Random) -> Vec<Mutant> {
    let bytes = text.as_bytes();
    let mut changed = Vec::new();
    let mut flipped = bytes.to_vec();
    flipped[random.below(bytes.len())] ^= 1 << random.below(8);
    changed.push(mutant("a bit changed", flipped));

    let mut replaced = bytes.to_vec();
    let interesting = b"<>&\"'=/:# \t\n\r\0\x80\xff];-!?aZ0";
    replaced[random.below(bytes.len())] = interesting[random.below(interesting.len())];
    changed.push(mutant("an octet replaced", replaced));

    let start = random.below(bytes.len());
    let end = (start + 1 + random.below(20)).min(bytes.len());
    changed.push(mutant(
        "a range removed",
        [&bytes[..start], &bytes[end..]].concat(),
    ));
    let doubled = [&bytes[..end], &bytes[start..]].concat();
    changed.push(mutant("a range doubled", doubled));
    changed
}

/// What is put in, and where: anywhere, or only between tags.
const PIECES: [(&str, &str, bool); 22] = [
    ("a comment put in", "<!---->", false),
    ("a comment put in", "<!-- x -->", true),
    ("a processing instruction put in", "<?x y?>", true),
    ("a CDATA section put in", "<![CDATA[x]]>", true),
    ("an empty CDATA section put in", "<![CDATA[]]>", false),
    ("white space put in", "\n ", false),
    ("a carriage return put in", "\r", false),
    ("a character reference put in", "&#120;", false),
    ("an entity reference put in", "&lt;", true),
    ("an unknown entity put in", "&nbsp;", true),
    ("an element put in", "<x/>", true),
    ("an element with an ID put in", "<x ID=\"_x\"/>", true),
    (
        "an element with the same ID put in",
        "<x ID=\"_signed\"/>",
        true,
    ),
    (
        "an element with the same Id put in",
        "<x Id=\"_signed\"/>",
        true,
    ),
    (
        "an element with the same xml:id put in",
        "<x xml:id=\"_signed\"/>",
        true,
    ),
    ("a declaration put in", " xmlns=\"urn:x\"", false),
    ("a declaration put in", " xmlns:a=\"urn:x\"", false),
    ("a relative namespace put in", "<x xmlns=\"x\"/>", true),
    ("an attribute put in", " x0=\"\"", false),
    ("an attribute put in", " Id=\"_x\"", false),
    ("an undeclared prefix put in", "<u:x/>", true),
    ("a document type put in", "<!DOCTYPE x>", true),
];

/// Identifiers that stand in for one another.
const ALGORITHMS: [&str; 20] = [
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
    "http://www.w3.org/2000/09/xmldsig#base64",
    "http://www.w3.org/TR/1999/REC-xslt-19991116",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmlenc#sha512",
    "urn:unknown",
];

fn of_pieces(text: &str, _: &str, random: &mut Random) -> Vec<Mutant> {
    let mut changed = Vec::new();
    for _ in 0..4 {
        let (what, piece, between) = PIECES[random.below(PIECES.len())];
        let at = match between {
            true => between_tags(text, random),
            false => boundary(text, random.below(text.len())),
        };
        changed.push(mutant(
            what,
            format!("{}{piece}{}", &text[..at], &text[at..]),
        ));
    }
    let used: Vec<&str> = ALGORITHMS
        .iter()
        .copied()
        .filter(|a| text.contains(&format!("{a}'")) || text.contains(&format!("{a}\"")))
        .collect();
    let (old, new) = (random.of(&used), random.of(&ALGORITHMS));
    for quote in ["'", "\""] {
        let old = format!("{old}{quote}");
        if text.contains(&old) && !old.starts_with(new) {
            let new = format!("{new}{quote}");
            changed.push(mutant("an algorithm changed", text.replacen(&old, &new, 1)));
        }
    }
    for (what, from, to) in [
        ("the reference to another ID", "#_signed", "#_other"),
        ("the reference to everything", "#_signed", ""),
        (
            "the reference by xpointer",
            "#_signed",
            "#xpointer(id('_signed'))",
        ),
        ("the ID renamed", "_signed", "_other"),
        ("an attribute renamed to Id", "ID=", "Id="),
        ("a quotation mark for an apostrophe", "'", "\""),
        ("a prefix renamed", "saml:", "a:"),
        (
            "another version of XML",
            "version=\"1.0\"",
            "version=\"1.1\"",
        ),
    ] {
        if random.once_in(4) && text.contains(from) {
            changed.push(mutant(what, text.replacen(from, to, 1)));
        }
    }
    changed
}

fn of_elements(text: &str, other: &str, random: &mut Random) -> Vec<Mutant> {
    let spans = spans(text);
    let Some(root) = spans.iter().max_by_key(|s| s.len()).cloned() else {
        return Vec::new();
    };
    let mut changed = Vec::new();
    let chosen = spans[random.below(spans.len())].clone();
    let (before, element, after) = cut(text, &chosen);
    changed.push(mutant("an element removed", format!("{before}{after}")));
    changed.push(mutant(
        "an element doubled",
        format!("{before}{element}{element}{after}"),
    ));
    changed.push(mutant(
        "an element wrapped",
        format!("{before}<w>{element}</w>{after}"),
    ));
    let rest = format!("{before}{after}");
    let at = between_tags(&rest, random);
    changed.push(mutant(
        "an element moved",
        format!("{}{element}{}", &rest[..at], &rest[at..]),
    ));
    if let (Some(ours), Some(theirs)) = (signature(text), signature(other)) {
        let (before, own, after) = cut(text, &ours);
        let foreign = &other[theirs];
        changed.push(mutant(
            "another document's signature",
            format!("{before}{foreign}{after}"),
        ));
        changed.push(mutant(
            "a second signature",
            format!("{before}{own}{foreign}{after}"),
        ));
        changed.push(mutant(
            "the signature doubled",
            format!("{before}{own}{own}{after}"),
        ));
        changed.push(mutant(
            "the signature wrapped",
            format!("{before}<w>{own}</w>{after}"),
        ));
        changed.extend(wrapped(
            text,
            &root,
            own,
            &format!("{before}{after}"),
            random,
        ));
    }
    changed
}

/// The signed document inside a forged one: signature wrapping.
fn wrapped(
    text: &str,
    root: &Range<usize>,
    own: &str,
    stripped: &str,
    random: &mut Random,
) -> Vec<Mutant> {
    let original = &text[root.clone()];
    let evil = |inside: &str, id: &str| {
        format!(
            "<saml:Assertion xmlns:saml=\"{}\" ID=\"{id}\">{inside}</saml:Assertion>",
            federate_xml::SAML
        )
    };
    let root = spans(stripped).into_iter().max_by_key(Range::len);
    let bare = root.map_or("", |root| &stripped[root]);
    let all = [
        (
            "wrapped: the signature over the original, in a forged one",
            evil(&format!("{own}{bare}"), "_evil"),
        ),
        ("wrapped: the original in the forged one's signature", {
            let end = own.rfind("</").unwrap_or(own.len());
            evil(
                &format!(
                    "{}<ds:Object xmlns:ds=\"{}\">{bare}</ds:Object>{}",
                    &own[..end],
                    federate_xml::DS,
                    &own[end..]
                ),
                "_evil",
            )
        }),
        (
            "wrapped: the original in a forged one",
            evil(original, "_evil"),
        ),
        (
            "wrapped: the original in a forged one of the same ID",
            evil(original, "_signed"),
        ),
        (
            "wrapped: original and forged one side by side",
            format!("<w>{original}{}</w>", evil(own, "_evil")),
        ),
        (
            "wrapped: forged one first",
            format!("<w>{}{original}</w>", evil("", "_evil")),
        ),
    ];
    let chosen = random.below(all.len());
    let mut all = all.into_iter().map(|(what, text)| mutant(what, text));
    all.nth(chosen).into_iter().chain(all.next()).collect()
}

fn cut<'t>(text: &'t str, span: &Range<usize>) -> (&'t str, &'t str, &'t str) {
    (&text[..span.start], &text[span.clone()], &text[span.end..])
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A place before a `<` or at the end.
fn between_tags(text: &str, random: &mut Random) -> usize {
    let all: Vec<usize> = text.match_indices('<').map(|(at, _)| at).collect();
    match all.is_empty() {
        true => text.len(),
        false => all[random.below(all.len())],
    }
}

fn signature(text: &str) -> Option<Range<usize>> {
    let is_signature = |s: &Range<usize>| {
        let name = text[s.start + 1..s.end].split([' ', '>', '/']).next();
        name.is_some_and(|n| n == "Signature" || n.ends_with(":Signature"))
    };
    spans(text).into_iter().find(is_signature)
}

/// Where the elements of a well-formed document lie, in the order of their ends.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find('<').map(|next| at + next) {
        let rest = &text[next..];
        let skip = |end: &str| rest.find(end).map_or(rest.len(), |found| found + end.len());
        let length = match rest {
            _ if rest.starts_with("<!--") => skip("-->"),
            _ if rest.starts_with("<![CDATA[") => skip("]]>"),
            _ if rest.starts_with("<?") => skip("?>"),
            _ if rest.starts_with("</") => {
                let length = skip(">");
                found.extend(open.pop().map(|start| start..next + length));
                length
            }
            _ => {
                let length = tag_length(rest);
                if rest[..length].ends_with("/>") {
                    found.push(next..next + length);
                } else {
                    open.push(next);
                }
                length
            }
        };
        at = next + length;
    }
    found
}

fn tag_length(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return at + 1,
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    tag.len()
}
