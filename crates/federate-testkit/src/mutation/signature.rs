//! A016 to A022, A105 to A107 and A114: the inside of `ds:Signature` otherwise than it should be.

use super::attacker::digest;
use super::canonical::canonical;
use super::forge::{Id, forged, object};
use super::names::{DS, SHA256};
use super::tree::{Element, Node, Path};
use super::{Engine, Signed};

pub(super) fn apply(engine: &mut Engine) {
    for s in engine.signatures.clone() {
        let part = |local| engine.first(&s.at, DS, local);
        let (info, value) = (part("SignedInfo"), part("SignatureValue"));
        let (reference, digest) = (part("Reference"), part("DigestValue"));
        let (Some(info), Some(value)) = (info, value) else {
            continue;
        };
        let Some(reference) = reference else { continue };
        let Some(digest) = digest else { continue };
        let parts = Parts {
            info,
            value,
            reference,
            digest,
        };
        references(engine, &s, &parts);
        signed_infos(engine, &s, &parts);
        digests(engine, &parts);
        addresses(engine, &s, &parts);
        many(engine, &s, &parts);
    }
}

struct Parts {
    info: Path,
    value: Path,
    reference: Path,
    digest: Path,
}

/// The digest of a forged element with the same ID, as the attacker would make it.
fn forged_digest(engine: &Engine, s: &Signed) -> (Element, String) {
    let forged = forged(&engine.tree.element(&s.target).clone(), Id::Same);
    let mut tree = engine.tree.clone();
    tree.replace(&s.target, forged.clone());
    let octets = canonical(&tree, &s.target, None);
    (forged, digest(SHA256, octets.as_bytes()))
}

/// The reference or SignedInfo of the document with another digest inside.
fn with_digest(original: &Element, value: &str) -> Element {
    let mut element = original.clone();
    element.each(&mut |e| match e.local() {
        "DigestValue" => e.set_text(value),
        "DigestMethod" => e.set("Algorithm", SHA256),
        _ => {}
    });
    element
}

fn references(engine: &mut Engine, s: &Signed, p: &Parts) {
    let own = engine.tree.element(&p.reference).clone();
    let (_, value) = forged_digest(engine, s);
    let mut second = with_digest(&own, &value);
    for uri in [format!("#{}", s.id), "#_evil".to_owned(), String::new()] {
        second.set("URI", &uri);
        for before in [true, false] {
            let what = format!("second reference to {uri:?}, before: {before}");
            engine.edit("A016", what, |t| match before {
                true => t.insert(&p.reference, second.clone()),
                false => t.insert_after(&p.reference, second.clone()),
            });
        }
    }
    engine.edit("A016", "the reference twice", |t| {
        t.insert_after(&p.reference, own.clone())
    });
    engine.edit("A017", "no reference", |t| drop(t.remove(&p.reference)));
    engine.edit("A017", "no reference, content forged", |t| {
        drop(t.take(&p.reference));
        forge_under(t, s);
    });
    engine.edit("A017", "a manifest instead of the reference", |t| {
        let reference = t.element(&p.reference).clone();
        let mut manifest = reference.clone();
        manifest.name = reference.beside("Manifest");
        manifest.children = vec![reference.into()];
        t.replace(&p.reference, manifest);
    });
}

/// The content of the signed element is forged around its signature.
fn forge_under(tree: &mut super::tree::Tree, s: &Signed) {
    let mut forged = forged(&tree.element(&s.target).clone(), Id::Same);
    if s.parent == s.target {
        let signature = tree.element(&s.at).clone();
        let at = s.at[s.at.len() - 1].min(forged.children.len());
        forged.children.insert(at, signature.into());
    }
    tree.replace(&s.target, forged);
}

fn signed_infos(engine: &mut Engine, s: &Signed, p: &Parts) {
    let own = engine.tree.element(&p.info).clone();
    let (_, value) = forged_digest(engine, s);
    let evil = with_digest(&own, &value);
    for before in [true, false] {
        let what = format!("second SignedInfo, before: {before}");
        engine.edit("A018", what, |t| match before {
            true => t.insert(&p.info, evil.clone()),
            false => t.insert_after(&p.info, evil.clone()),
        });
        let what = format!("second SignedInfo, before: {before}, content forged");
        engine.edit("A018", what, |t| {
            match before {
                true => t.insert(&p.info, evil.clone()),
                false => t.insert_after(&p.info, evil.clone()),
            }
            forge_under(t, s);
        });
    }
    engine.edit("A018", "SignedInfo of the attacker in SignedInfo", |t| {
        t.element_mut(&p.info).children.push(evil.clone().into());
    });
    engine.edit("A018", "SignedInfo in that of the attacker", |t| {
        let mut outer = evil.clone();
        outer.children.push(own.clone().into());
        t.replace(&p.info, outer);
    });
    let signature = engine.tree.element(&s.at).clone();
    engine.edit("A019", "SignedInfo in an Object", |t| {
        t.replace(&p.info, object(&signature, vec![own.clone().into()]));
    });
    engine.edit(
        "A019",
        "SignedInfo in an Object, another one in its place",
        |t| {
            t.element_mut(&s.at)
                .children
                .push(object(&signature, vec![own.clone().into()]).into());
            t.replace(&p.info, evil.clone());
        },
    );
    engine.edit("A019", "SignatureValue first", |t| {
        let value = t.take(&p.value);
        t.insert(&p.info, value);
    });
    engine.edit("A019", "SignedInfo last", |t| {
        let own = t.take(&p.info);
        t.element_mut(&s.at).children.push(own);
    });
    engine.edit("A019", "SignatureValue in SignedInfo", |t| {
        let value = t.take(&p.value);
        t.element_mut(&p.info).children.push(value);
    });
    engine.edit("A019", "a second SignatureValue", |t| {
        let value = t.element(&p.value).clone();
        t.insert(&p.value, value);
    });
    engine.edit("A019", "something unknown in front", |t| {
        t.insert(&p.info, Element::parse("<x/>"));
    });
    for (what, path) in [("SignedInfo", &p.info), ("SignatureValue", &p.value)] {
        engine.edit("A114", format!("no {what}"), |t| drop(t.remove(path)));
        engine.edit("A114", format!("{what} is empty"), |t| {
            t.element_mut(path).children.clear()
        });
    }
    engine.edit("A114", "the signature is empty", |t| {
        t.element_mut(&s.at).children.clear()
    });
    engine.edit("A114", "KeyInfo is empty", |t| {
        let signature = t.element_mut(&s.at);
        let name = signature.beside("KeyInfo");
        signature
            .children
            .retain(|n| !matches!(n, Node::Element(e) if e.name == name));
        let mut info = Element::parse("<KeyInfo/>");
        info.name = name;
        signature.children.push(info.into());
    });
}

fn digests(engine: &mut Engine, p: &Parts) {
    let own = engine.tree.element(&p.digest).clone();
    let text = own.only_text().unwrap_or_default().trim().to_owned();
    let evil = digest(SHA256, b"evil");
    let (start, end) = text.split_at_checked(text.len() / 2).unwrap_or((&text, ""));
    for inside in [
        format!("{text}<!---->{evil}"),
        format!("<!--{evil}-->{text}"),
        format!("{text}<!--{evil}-->"),
        format!("{start}<!---->{end}"),
        format!("{evil}<!--{text}-->"),
    ] {
        engine.edit("A020", format!("DigestValue {inside}"), |t| {
            t.element_mut(&p.digest).set_inside(&inside);
        });
    }
    let mut second = own;
    second.set_text(&evil);
    for before in [true, false] {
        engine.edit(
            "A021",
            format!("two digests, wrong one before: {before}"),
            |t| match before {
                true => t.insert(&p.digest, second.clone()),
                false => t.insert_after(&p.digest, second.clone()),
            },
        );
    }
    engine.edit("A021", "no digest", |t| drop(t.remove(&p.digest)));
    engine.edit("A021", "a digest in the digest", |t| {
        t.element_mut(&p.digest).children.push(second.into());
    });
}

fn addresses(engine: &mut Engine, s: &Signed, p: &Parts) {
    let id = s.id.clone();
    let uris = [
        String::new(),
        "#".to_owned(),
        id.clone(),
        "#_other".to_owned(),
        format!("#{id}x"),
        format!("##{id}"),
        format!("#{id}#{id}"),
        format!("#xpointer(id('{id}'))"),
        "#xpointer(/)".to_owned(),
        format!("?#{id}"),
        format!(" #{id}"),
        format!("#{id} "),
        format!("#{}", id.to_uppercase()),
    ];
    for uri in uris {
        engine.edit("A022", format!("URI {uri:?}"), |t| {
            t.element_mut(&p.reference).set("URI", &uri);
        });
    }
    engine.edit("A022", "no URI", |t| {
        t.element_mut(&p.reference).unset("URI")
    });
    engine.edit("A022", "the element has no ID", |t| {
        t.element_mut(&s.target).unset("ID")
    });
    engine.edit("A022", "the element has another ID", |t| {
        t.element_mut(&s.target).set("ID", "_other");
    });
    for uri in [
        "http://evil.example/x",
        "file:///etc/passwd",
        "//evil.example/",
        "x.xml",
        "data:,x",
    ] {
        for uri in [uri.to_owned(), format!("{uri}#{id}")] {
            engine.edit("A106", format!("reference to {uri}"), |t| {
                t.element_mut(&p.reference).set("URI", &uri);
            });
        }
    }
}

fn many(engine: &mut Engine, s: &Signed, p: &Parts) {
    engine.edit("A107", "300 references", |t| {
        let own = t.element(&p.reference).clone();
        let all = std::iter::repeat_n(Node::from(own), 300);
        t.element_mut(&p.info).children.extend(all);
    });
    engine.edit("A107", "300 signatures", |t| {
        let own = t.element(&s.at).clone();
        let all = std::iter::repeat_n(Node::from(own), 300);
        t.element_mut(&s.parent).children.extend(all);
    });
    engine.edit("A107", "20 signatures in signatures", |t| {
        let mut at = s.at.clone();
        let own = t.element(&at).clone();
        for _ in 0..20 {
            let nested = object(&own, vec![own.clone().into()]);
            t.element_mut(&at).children.insert(0, nested.into());
            at.extend([0, 0]);
        }
    });
}
