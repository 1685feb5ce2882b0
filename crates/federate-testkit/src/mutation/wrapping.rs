//! Signature wrapping, A001 to A015 and A027 to A029: the forged element is where the reader
//! looks, the signed one where the verifier does.

use super::forge::{Id, around, forged, object, shell, without_signatures};
use super::names::{MD, SAML, XENC};
use super::tree::{Element, Node, Path, Tree};
use super::{Engine, Signed};

/// The pieces of which wrapped documents are made.
struct Pieces {
    /// The signed element with its signature.
    original: Element,
    /// The same without.
    bare: Element,
    signature: Element,
    forged: Element,
    /// Where the forged element has a signature, if it has one.
    place: usize,
    target: Path,
}

impl Pieces {
    fn of(tree: &Tree, s: &Signed, id: Id) -> Self {
        let original = tree.detached(&s.target);
        let mut bare = original.clone();
        let mut place = 0;
        if s.parent == s.target {
            place = *s.at.last().expect("a path");
            bare.children.remove(place);
        }
        let forged = forged(&original, id);
        Self {
            place: place.min(forged.children.len()),
            original,
            bare,
            signature: tree.detached(&s.at),
            forged,
            target: s.target.clone(),
        }
    }

    /// The forged element with something where its signature belongs.
    fn holding(&self, node: impl Into<Node>) -> Element {
        let mut element = self.forged.clone();
        element.children.insert(self.place, node.into());
        element
    }

    /// The signature with the original inside, at this place.
    fn signature_around(&self, node: Element, last: bool) -> Element {
        let mut signature = self.signature.clone();
        let at = if last { signature.children.len() } else { 0 };
        signature.children.insert(at, node.into());
        signature
    }

    fn is_root(&self) -> bool {
        self.target.len() == 1
    }
}

pub(super) fn apply(engine: &mut Engine) {
    for s in engine.signatures.clone() {
        for id in Id::BOTH {
            let pieces = Pieces::of(&engine.tree, &s, id);
            in_place(engine, &pieces, id);
            beside(engine, &pieces, id);
            in_slots(engine, &pieces, id);
            swapped(engine, &s, &pieces, id);
        }
        moved(engine, &s);
    }
    unsigned_assertions(engine);
}

/// The forged element in the place of the signed one, which is kept somewhere inside.
fn in_place(engine: &mut Engine, p: &Pieces, id: Id) {
    let mut put = |attack: &'static str, what: &str, element: Element| {
        let what = format!("{what}, {}", id.word());
        engine.edit(attack, what, |t| t.replace(&p.target, element));
    };
    for last in [true, false] {
        let end = if last { "at the end" } else { "at the start" };
        let signature = p.signature_around(p.bare.clone(), last);
        put(
            "A001",
            &format!("original in its signature {end}"),
            p.holding(signature),
        );
        let signature = p.signature_around(p.original.clone(), last);
        put(
            "A001",
            &format!("signed original in a signature {end}"),
            p.holding(signature),
        );
        let mut nested = p.forged.clone();
        let at = if last { nested.children.len() } else { 0 };
        nested.children.insert(at, p.original.clone().into());
        put(
            "A004",
            &format!("signed original in the forged one {end}"),
            nested,
        );
        let mut nested = p.holding(p.signature.clone());
        let at = if last { nested.children.len() } else { 0 };
        nested.children.insert(at, p.bare.clone().into());
        put(
            "A002",
            &format!("original beside its moved signature {end}"),
            nested,
        );
    }
    let mut before = p.holding(p.signature.clone());
    before.children.insert(p.place, p.bare.clone().into());
    put("A002", "original right before its moved signature", before);
    for inside in [p.bare.clone(), p.original.clone()] {
        let held = object(&p.signature, vec![inside.into()]);
        put(
            "A008",
            "original in an Object",
            p.holding(p.signature_around(held, true)),
        );
    }
    let extensions = around("samlp:Extensions", "", vec![p.original.clone().into()]);
    put(
        "A007",
        "signed original in the extensions of the forged one",
        p.holding(extensions),
    );
    put(
        "A027",
        "forged under the original's signature",
        p.holding(p.signature.clone()),
    );
}

/// The forged element before or behind the signed one.
fn beside(engine: &mut Engine, p: &Pieces, id: Id) {
    let target = &p.target;
    let last: Path = [&target[..target.len() - 1], &[usize::MAX][..]].concat();
    let first: Path = [&target[..target.len() - 1], &[0][..]].concat();
    let word = id.word();
    let mut edit = |attack, what: &str, change: &dyn Fn(&mut Tree)| {
        engine.edit(attack, format!("{what}, {word}"), |t| change(t));
    };
    let forged = || p.forged.clone();
    edit("A003", "forged first in the parent", &|t| {
        t.insert(&first, forged())
    });
    edit("A009", "unsigned before signed", &|t| {
        t.insert(target, forged())
    });
    edit("A010", "signed before unsigned", &|t| {
        t.insert_after(target, forged())
    });
    edit("A010", "unsigned at the end", &|t| {
        t.insert(&last, forged())
    });
    let signed = || p.holding(p.signature.clone());
    edit(
        "A005",
        "forged with the signature, original at the end",
        &|t| {
            t.replace(target, signed());
            t.insert(&last, p.bare.clone());
        },
    );
    edit("A005", "forged with the signature, original before", &|t| {
        t.replace(target, signed());
        t.insert(target, p.bare.clone());
    });
    edit(
        "A006",
        "original in the forged one's signature, again at the end",
        &|t| {
            t.replace(target, p.holding(p.signature_around(p.bare.clone(), false)));
            t.insert(&last, p.bare.clone());
        },
    );
    edit(
        "A006",
        "original in the KeyInfo of the forged one's signature",
        &|t| {
            let mut info = Element::parse("<KeyInfo/>");
            info.name = p.signature.beside("KeyInfo");
            info.children.push(p.bare.clone().into());
            let mut signature = p.signature.clone();
            signature
                .children
                .retain(|n| !matches!(n, Node::Element(e) if e.local() == "KeyInfo"));
            signature.children.push(info.into());
            t.replace(target, p.holding(signature));
        },
    );
    edit("A007", "forged in extensions before", &|t| {
        t.insert(
            target,
            around("samlp:Extensions", "", vec![forged().into()]),
        );
    });
    edit("A028", "a group with the forged one first", &|t| {
        let group = "md:EntitiesDescriptor";
        let xmlns = format!(" xmlns:md=\"{MD}\"");
        let root = t.root();
        let all = vec![forged().into(), t.detached(&root).into()];
        t.replace(&root, around(group, &xmlns, all));
    });
    edit("A028", "a group with the forged one last", &|t| {
        let root = t.root();
        let all = vec![t.detached(&root).into(), forged().into()];
        let group = around("md:EntitiesDescriptor", &format!(" xmlns:md=\"{MD}\""), all);
        t.replace(&root, group);
    });
    if p.is_root() {
        for (attack, forged_first) in [("A003", true), ("A009", true), ("A010", false)] {
            edit(attack, "both in another of the same name", &|t| {
                let mut both: Vec<Node> = vec![forged().into(), p.original.clone().into()];
                if !forged_first {
                    both.reverse();
                }
                t.replace(target, shell(&forged(), "_wrapper", both));
            });
        }
    }
}

/// Places in which the schemas allow any element.
fn in_slots(engine: &mut Engine, p: &Pieces, id: Id) {
    for slot in [
        "saml:Advice",
        "samlp:StatusDetail",
        "saml:AttributeValue",
        "saml:SubjectConfirmationData",
        "saml:Evidence",
        "samlp:Extensions",
    ] {
        let held = around(slot, "", vec![p.original.clone().into()]);
        let mut element = p.forged.clone();
        element.children.push(held.into());
        let what = format!("signed original in {slot}, {}", id.word());
        engine.edit("A012", what, |t| t.replace(&p.target, element));
        let held = around(slot, "", vec![p.forged.clone().into()]);
        let what = format!("forged in {slot} before the original, {}", id.word());
        let first: Path = match p.is_root() {
            true => [&p.target[..], &[0][..]].concat(),
            false => p.target.clone(),
        };
        engine.edit("A012", what, |t| t.insert(&first, held));
    }
    let xmlns = format!(" xmlns:xenc=\"{XENC}\"");
    let own = p.original.attribute("ID").unwrap_or("_x");
    for (attack, attributes) in [
        ("A013", String::new()),
        ("A014", format!(" Id=\"{own}\"")),
        ("A014", format!(" ID=\"{own}\"")),
    ] {
        let inside = p.forged.render();
        let encrypted = format!(
            "<xenc:EncryptedData{xmlns}{attributes}><xenc:CipherData><xenc:CipherValue>AAAA\
             </xenc:CipherValue></xenc:CipherData>{inside}</xenc:EncryptedData>"
        );
        let data = vec![Element::parse(&encrypted).into()];
        let held = around("saml:EncryptedAssertion", "", data);
        let here = match p.is_root() {
            true => [&p.target[..], &[0][..]].concat(),
            false => p.target.clone(),
        };
        let what = format!("encrypted before signed, {}", id.word());
        engine.edit(attack, what, |t| t.insert(&here, held.clone()));
        let what = format!("encrypted behind signed, {}", id.word());
        engine.edit(attack, what, |t| t.insert_after(&here, held));
    }
}

/// What the signature covers is exchanged under it, in whole or in part.
fn swapped(engine: &mut Engine, s: &Signed, p: &Pieces, id: Id) {
    for assertion in engine.inside(&s.target, SAML, "Assertion") {
        let inner = forged(&engine.tree.detached(&assertion), id);
        let what = format!("another assertion in its place, {}", id.word());
        engine.edit("A027", what, |t| t.replace(&assertion, inner));
    }
    // The signature is about the original; its parent is the forged one.
    let what = |w: &str| format!("{w}, {}", id.word());
    let detached = s.target.clone();
    engine.edit(
        "A015",
        what("original, its signature, forged, side by side"),
        |t| {
            t.replace(&detached, p.bare.clone());
            t.insert_after(&detached, p.forged.clone());
            t.insert_after(&detached, p.signature.clone());
        },
    );
    engine.edit(
        "A015",
        what("forged, signature, original, side by side"),
        |t| {
            t.replace(&detached, p.bare.clone());
            t.insert(&detached, p.signature.clone());
            t.insert(&detached, p.forged.clone());
        },
    );
}

/// The signature is taken elsewhere; nothing is forged yet.
fn moved(engine: &mut Engine, s: &Signed) {
    let signature = engine.tree.detached(&s.at);
    let in_target = |at: usize| [&s.parent[..], &[at][..]].concat();
    let mut places: Vec<(&'static str, &str, Path)> = vec![
        ("A029", "first in its parent", in_target(0)),
        ("A029", "last in its parent", in_target(usize::MAX)),
        ("A015", "before its parent", s.parent.clone()),
        ("A015", "last in the root", vec![s.parent[0], usize::MAX]),
        ("A015", "first in the root", vec![s.parent[0], 0]),
    ];
    let next = |path: &[usize]| {
        let up = &path[..path.len() - 1];
        [up, &[path[path.len() - 1] + 1][..]].concat()
    };
    places.push(("A015", "behind its parent", next(&s.parent)));
    let tree = engine.tree.clone();
    for (child, _) in tree.element(&s.parent).child_elements() {
        let path = in_target(child);
        if path != s.at {
            places.push(("A029", "in a sibling", [&path[..], &[0][..]].concat()));
        }
    }
    for (attack, what, to) in places {
        engine.edit(attack, format!("signature {what}"), |t| {
            drop(t.take(&s.at));
            t.insert(&to, signature.clone());
        });
    }
}

/// Assertions that only the signature around them covers.
fn unsigned_assertions(engine: &mut Engine) {
    for path in engine.inside(&[], SAML, "Assertion") {
        if engine.signatures.iter().any(|s| s.target == path) {
            continue;
        }
        let original = engine.tree.detached(&path);
        for id in Id::BOTH {
            let forged = forged(&original, id);
            let word = id.word();
            let mut nested = forged.clone();
            nested.children.push(without_signatures(&original).into());
            let what = |w: &str| format!("{w} in a signed message, {word}");
            engine.edit("A004", what("assertion in assertion"), |t| {
                t.replace(&path, nested)
            });
            engine.edit("A009", what("forged before honest"), |t| {
                t.insert(&path, forged.clone())
            });
            engine.edit("A010", what("honest before forged"), |t| {
                t.insert_after(&path, forged)
            });
        }
    }
}
