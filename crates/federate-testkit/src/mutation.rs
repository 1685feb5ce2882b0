//! Attacks on a signed document, made from the document itself.
//!
//! [`mutations`] takes any document and gives many changed ones, each named after the row of the
//! catalogue of attacks to which it belongs (`docs/threats.md` has the same numbers). Whoever
//! verifies a changed document must refuse it, or read from it exactly what the signer signed.
//! [`semantic_mutations`] changes what a response says; these are signed again with
//! [`sign_again`], because their question is what validation makes of a good signature.
//!
//! The engine reads documents into a tree of its own, which keeps their spelling, and has its
//! own canonicalization and cryptography: it shares no code with what it attacks.
//!
//! ```
//! use federate_testkit::mutation::mutations;
//! let attacks = mutations(b"<a ID=\"x\"><b>text</b></a>");
//! assert!(attacks.iter().any(|m| m.attack == "A045"));
//! ```
//!
//! # Panics
//! Whatever cannot be made of a document that could be read is a failed test.

// The engine handles its own tree, and is for tests only.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::string_slice
)]

mod algorithms;
mod attacker;
mod canonical;
mod context;
mod document;
mod encryption;
mod forge;
mod generic;
mod keys;
mod message;
mod names;
mod semantics;
mod signature;
mod tree;
mod values;
mod wrapping;

#[cfg(test)]
mod tests;

use names::DS;
use std::collections::BTreeMap;
use tree::{Found, Path, Tree};

/// What must become of a mutated document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It must be refused.
    Refused,
    /// It must be refused, or tell the same as the original.
    RefusedOrSame,
}

/// A document with an attack in it.
#[derive(Debug, Clone)]
pub struct Mutation {
    /// The row of the catalogue, such as `A001`; [`GENERIC`] for changes without a name.
    pub attack: &'static str,
    /// What was done.
    pub what: String,
    /// The mutated document.
    pub octets: Vec<u8>,
    /// What must become of it.
    pub expect: Expect,
}

/// The name of what is in no row: pieces taken out, doubled, moved or changed.
pub const GENERIC: &str = "generic";

/// The rows that [`mutations`] applies to a document with a signed element in a signed one.
pub const ATTACKS: &[&str] = &[
    "A001", "A002", "A003", "A004", "A005", "A006", "A007", "A008", "A009", "A010", "A011", "A012",
    "A013", "A014", "A015", "A016", "A017", "A018", "A019", "A020", "A021", "A022", "A023", "A024",
    "A025", "A026", "A027", "A028", "A029", "A030", "A040", "A041", "A042", "A043", "A044", "A045",
    "A046", "A047", "A048", "A049", "A050", "A051", "A052", "A053", "A054", "A055", "A056", "A057",
    "A058", "A059", "A070", "A071", "A072", "A073", "A074", "A075", "A076", "A077", "A078", "A079",
    "A080", "A081", "A082", "A083", "A100", "A101", "A102", "A103", "A104", "A105", "A106", "A107",
    "A108", "A109", "A114", GENERIC,
];

/// The rows that [`mutations`] applies to an encrypted assertion, signed or not.
pub const ENCRYPTION_ATTACKS: &[&str] = &["A013", "A171", "A172", "A173", "A175", "A176", "A177"];

/// The rows that [`semantic_mutations`] applies to a response with one assertion.
pub const SEMANTIC_ATTACKS: &[&str] = &[
    "A130", "A131", "A132", "A133", "A134", "A135", "A136", "A138", "A139", "A140", "A141", "A142",
    "A143", "A144", "A145", "A147", "A149",
];

/// Every attack on a document with any number of signatures.
///
/// None, when the octets are not text that has a tree: there is nothing to be mutated then.
#[must_use]
pub fn mutations(document: &[u8]) -> Vec<Mutation> {
    some_mutations(document, usize::MAX, 0)
}

/// At most so many mutations of each attack, chosen evenly; another number to begin `from`
/// chooses other ones.
#[must_use]
pub fn some_mutations(document: &[u8], of_one_attack: usize, from: usize) -> Vec<Mutation> {
    let Some(mut engine) = Engine::new(document) else {
        return Vec::new();
    };
    if of_one_attack < usize::MAX {
        engine.choice = Choice::None;
        engine.apply();
        let stride = |(attack, number): (_, usize)| (attack, number.div_ceil(of_one_attack));
        let numbers = std::mem::take(&mut engine.numbers);
        engine.choice = Choice::Every(numbers.into_iter().map(stride).collect(), from);
    }
    engine.apply();
    engine.found
}

/// Every change to what a response says; its signatures are stale until [`sign_again`].
#[must_use]
pub fn semantic_mutations(document: &[u8]) -> Vec<Mutation> {
    let Some(mut engine) = Engine::new(document) else {
        return Vec::new();
    };
    semantics::apply(&mut engine);
    engine.found
}

/// Replaces every signature of a document by a new one, which `sign` makes by RSA-SHA256: of
/// the same parent, where the old one stood, the innermost first.
///
/// `None` when the octets have no tree, or no signature.
pub fn sign_again(document: &[u8], mut sign: impl FnMut(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let engine = Engine::new(document)?;
    let mut tree = engine.tree;
    let mut signatures = engine.signatures;
    signatures.sort_by_key(|s| std::cmp::Reverse(s.at.len()));
    for s in &signatures {
        attacker::sign_again(&mut tree, &s.parent, &s.at, "", &mut sign);
    }
    (!signatures.is_empty()).then(|| tree.render().into_bytes())
}

/// A signature of the document and what it is about.
#[derive(Debug, Clone)]
struct Signed {
    at: Path,
    parent: Path,
    /// The element to which it refers, or else its parent.
    target: Path,
    id: String,
}

/// Which mutations are made.
enum Choice {
    All,
    /// They are counted only.
    None,
    /// Of each attack every so many, beginning with another one for each document.
    Every(BTreeMap<&'static str, usize>, usize),
}

struct Engine {
    tree: Tree,
    original: String,
    elements: Vec<Found>,
    signatures: Vec<Signed>,
    found: Vec<Mutation>,
    choice: Choice,
    /// How many of each attack there were so far.
    numbers: BTreeMap<&'static str, usize>,
}

impl Engine {
    fn new(document: &[u8]) -> Option<Self> {
        let original = std::str::from_utf8(document).ok()?.to_owned();
        let tree = Tree::parse(&original)?;
        let elements = tree.elements();
        let signatures = elements
            .iter()
            .filter(|e| e.is(DS, "Signature") && e.path.len() > 1);
        let signatures = signatures
            .map(|e| signed(&tree, &elements, &e.path))
            .collect();
        Some(Self {
            tree,
            original,
            elements,
            signatures,
            found: Vec::new(),
            choice: Choice::All,
            numbers: BTreeMap::new(),
        })
    }

    fn apply(&mut self) {
        wrapping::apply(self);
        message::apply(self);
        signature::apply(self);
        values::apply(self);
        document::apply(self);
        context::apply(self);
        algorithms::apply(self);
        keys::apply(self);
        encryption::apply(self);
        generic::apply(self);
    }

    /// Counts a mutation, and tells whether it shall be made.
    fn is_chosen(&mut self, attack: &'static str) -> bool {
        let number = self.numbers.entry(attack).or_default();
        *number += 1;
        match &self.choice {
            Choice::All => true,
            Choice::None => false,
            Choice::Every(strides, from) => {
                let stride = strides.get(attack).copied().unwrap_or(1);
                (*number + from).is_multiple_of(stride)
            }
        }
    }

    /// Adds a mutation by changing a copy of the tree; what changes nothing is dropped.
    fn edit(
        &mut self,
        attack: &'static str,
        what: impl Into<String>,
        change: impl FnOnce(&mut Tree),
    ) {
        if self.is_chosen(attack) {
            let mut tree = self.tree.clone();
            change(&mut tree);
            self.keep(attack, what.into(), tree.render().into_bytes());
        }
    }

    /// Adds a mutation that is written already.
    fn octets(&mut self, attack: &'static str, what: impl Into<String>, octets: Vec<u8>) {
        if self.is_chosen(attack) {
            self.keep(attack, what.into(), octets);
        }
    }

    fn keep(&mut self, attack: &'static str, what: String, octets: Vec<u8>) {
        if octets != self.original.as_bytes() {
            self.found.push(Mutation {
                attack,
                what,
                octets,
                expect: Expect::RefusedOrSame,
            });
        }
    }

    /// The elements inside another, itself included, of this name.
    fn inside(&self, path: &[usize], namespace: &str, local: &str) -> Vec<Path> {
        let within = self.elements.iter().filter(|e| e.path.starts_with(path));
        let named = within.filter(|e| e.is(namespace, local));
        named.map(|e| e.path.clone()).collect()
    }

    /// The first element of this name inside another.
    fn first(&self, path: &[usize], namespace: &str, local: &str) -> Option<Path> {
        self.inside(path, namespace, local).into_iter().next()
    }
}

fn signed(tree: &Tree, elements: &[Found], at: &[usize]) -> Signed {
    let parent = at[..at.len() - 1].to_vec();
    let reference = elements
        .iter()
        .find(|e| e.path.starts_with(at) && e.is(DS, "Reference"));
    let uri = reference.and_then(|r| tree.element(&r.path).attribute("URI"));
    let id = uri.and_then(|u| u.strip_prefix('#')).unwrap_or_default();
    let has_it = |path: &[usize]| {
        let element = tree.element(path);
        let mut ids = element.attributes.iter();
        !id.is_empty() && ids.any(|a| a.name.eq_ignore_ascii_case("id") && a.value == id)
    };
    let target = match has_it(&parent) {
        true => parent.clone(),
        false => {
            let other = elements.iter().find(|e| has_it(&e.path));
            other.map_or(parent.clone(), |e| e.path.clone())
        }
    };
    Signed {
        at: at.to_vec(),
        parent,
        id: id.to_owned(),
        target,
    }
}
