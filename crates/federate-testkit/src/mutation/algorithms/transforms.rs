//! Canonicalizations with comments and transforms that SAML does not know: A050, A103 to A105.

use super::Parts;
use crate::mutation::attacker;
use crate::mutation::canonical::canonical;
use crate::mutation::names::{DS, ENVELOPED, EXCLUSIVE, EXCLUSIVE_WITH_COMMENTS, INCLUSIVE};
use crate::mutation::tree::{Element, Node, Path};
use crate::mutation::{Engine, Signed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) fn apply(engine: &mut Engine, s: &Signed, p: &Parts) {
    let every = engine.inside(&s.at, DS, "Transform");
    let list = engine.first(&s.at, DS, "Transforms");
    for path in [&p.canonicalization].into_iter().chain(&every) {
        for uri in [
            EXCLUSIVE_WITH_COMMENTS,
            &format!("{INCLUSIVE}#WithComments"),
        ] {
            engine.edit("A050", uri.to_owned(), |t| {
                t.element_mut(path).set("Algorithm", uri);
            });
            if let Some(first) = inside(s) {
                engine.edit("A050", format!("{uri} and a comment"), |t| {
                    t.element_mut(path).set("Algorithm", uri);
                    t.insert(&first, Node::Markup("<!-- c -->".to_owned()));
                });
            }
        }
    }
    let Some(list) = list else { return };
    let xslt = "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">\
         <xsl:template match=\"/\">x</xsl:template></xsl:stylesheet>";
    let xpath = "<XPath xmlns=\"http://www.w3.org/2000/09/xmldsig#\">not(self::*)</XPath>";
    let filter = "<XPath xmlns=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">\
         //*</XPath>";
    for (attack, uri, inside) in [
        ("A103", "http://www.w3.org/TR/1999/REC-xslt-19991116", xslt),
        (
            "A104",
            "http://www.w3.org/TR/1999/REC-xpath-19991116",
            xpath,
        ),
        ("A104", "http://www.w3.org/2002/06/xmldsig-filter2", filter),
        ("A104", "http://www.w3.org/2000/09/xmldsig#base64", "<x/>"),
        (
            "A104",
            "http://www.w3.org/2001/04/xmldsig-more#xptr",
            "<x/>",
        ),
        ("A104", "http://www.w3.org/2002/07/decrypt#XML", "<x/>"),
        ("A104", ENVELOPED, "<x/>"),
        ("A104", EXCLUSIVE, "<x/>"),
    ] {
        let mut other = Element::parse("<x/>");
        other.name = engine.tree.element(&list).beside("Transform");
        other.set("Algorithm", uri);
        other.children.push(Element::parse(inside).into());
        for (place, at) in [("first", 0), ("last", usize::MAX)] {
            let here = [&list[..], &[at][..]].concat();
            engine.edit(attack, format!("{uri} {place}"), |t| {
                t.insert(&here, other.clone())
            });
        }
        engine.edit(attack, format!("{uri} alone"), |t| {
            t.element_mut(&list).children = vec![other.into()];
        });
    }
    engine.edit("A105", "1,000 transforms", |t| {
        let mut one = Element::parse("<x/>");
        one.name = t.element(&list).beside("Transform");
        one.set("Algorithm", EXCLUSIVE);
        let all = std::iter::repeat_n(Node::from(one), 1_000);
        t.element_mut(&list).children.extend(all);
    });
    engine.edit("A104", "no transforms", |t| drop(t.remove(&list)));
    engine.edit("A104", "an empty list of transforms", |t| {
        t.element_mut(&list).children.clear();
    });
    for path in &every {
        engine.edit("A104", "a transform less", |t| drop(t.remove(path)));
        engine.edit("A104", "a transform twice", |t| {
            let own = t.element(path).clone();
            t.insert(path, own);
        });
        engine.edit("A104", "transforms in another order", |t| {
            let own = t.remove(path);
            t.insert(&[&list[..], &[0][..]].concat(), own);
        });
    }
    // The signature by the attacker's key, all else as it was.
    engine.edit("A080", "SignatureValue by another key", |t| {
        let octets = canonical(t, &p.info, None);
        let value = STANDARD.encode(attacker::sign(octets.as_bytes()));
        t.element_mut(&p.value).set_text(&value);
    });
}

/// A place inside the signed element for something that canonicalization may drop.
fn inside(s: &Signed) -> Option<Path> {
    let at = s.at.last()?;
    (s.parent == s.target).then(|| [&s.target[..], &[at + 1][..]].concat())
}
