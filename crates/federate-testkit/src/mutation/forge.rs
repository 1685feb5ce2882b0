//! What the attacker wants to be read in the place of what was signed.

use super::names::{SAML, SAMLP};
use super::tree::{Element, Node};

/// Who the attacker wants to be.
pub(super) const MALLORY: &str = "mallory@evil.example";

/// What names a person.
const IDENTITY: [&str; 3] = ["NameID", "AttributeValue", "SessionIndex"];

/// What leads elsewhere, in messages and metadata without a person.
const ADDRESSES: [&str; 7] = [
    "AssertionConsumerServiceURL",
    "Destination",
    "Location",
    "NotOnOrAfter",
    "ResponseLocation",
    "entityID",
    "validUntil",
];

/// The ID of the forged element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    New,
    Same,
}

impl Id {
    pub(super) const BOTH: [Self; 2] = [Self::New, Self::Same];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::New => "a new ID",
            Self::Same => "the same ID",
        }
    }
}

/// A copy that names somebody else, or whatever else there is to be said, without signatures.
pub(super) fn forged(original: &Element, id: Id) -> Element {
    let mut element = without_signatures(original);
    let mut changed = false;
    element.each(&mut |e| {
        let text = e.only_text().is_some_and(|t| !t.trim().is_empty());
        if text && IDENTITY.contains(&e.local()) {
            e.set_text(MALLORY);
            changed = true;
        }
    });
    if !changed {
        element.each(&mut |e| changed |= say_otherwise(e));
    }
    if !changed {
        element.set("forged", "true");
    }
    let top = element.attribute("ID").map(str::to_owned);
    element.each(&mut |e| {
        if let Some(own) = e.attribute("ID").map(str::to_owned) {
            e.set("ID", &format!("_evil{own}"));
        }
    });
    if let (Id::Same, Some(top)) = (id, top) {
        element.set("ID", &top);
    }
    element
}

fn say_otherwise(element: &mut Element) -> bool {
    let mut changed = false;
    if element.only_text().is_some_and(|t| !t.trim().is_empty()) {
        element.set_text("https://evil.example");
        changed = true;
    }
    for name in ADDRESSES {
        if element.attribute(name).is_some() {
            element.set(name, "https://evil.example");
            changed = true;
        }
    }
    changed
}

/// A copy without any signature inside.
pub(super) fn without_signatures(original: &Element) -> Element {
    let mut element = original.clone();
    element.each(&mut |e| {
        e.children
            .retain(|n| !matches!(n, Node::Element(c) if c.local() == "Signature"));
    });
    element
}

/// A copy of an element's tag with other children.
pub(super) fn shell(original: &Element, id: &str, children: Vec<Node>) -> Element {
    let mut element = original.clone();
    element.children = children;
    if element.attribute("ID").is_some() {
        element.set("ID", id);
    }
    element
}

/// An element of the two SAML vocabularies around others.
pub(super) fn around(name: &str, attributes: &str, children: Vec<Node>) -> Element {
    let mut element = Element::parse(&format!(
        "<{name} xmlns:saml=\"{SAML}\" xmlns:samlp=\"{SAMLP}\"{attributes}/>"
    ));
    element.children = children;
    element
}

/// A `ds:Object` around others, in a signature's own prefix.
pub(super) fn object(signature: &Element, children: Vec<Node>) -> Element {
    let mut element = Element::parse("<Object/>");
    element.name = signature.beside("Object");
    element.children = children;
    element
}
