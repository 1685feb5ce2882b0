//! Documents made by chance: namespaces, attributes and text in every way of writing them.

use crate::random::Random;
use std::fmt::Write as _;

const PREFIXES: [&str; 7] = ["", "a", "b", "saml", "xs", "ds", "\u{e9}"];
const NAMESPACES: [&str; 7] = [
    "urn:a",
    "urn:b",
    "urn:a:b",
    "http://example.org/x?y#z",
    "urn:oasis:names:tc:SAML:2.0:assertion",
    "http://www.w3.org/2001/XMLSchema",
    "URN:A",
];
const NAMES: [&str; 9] = [
    "Attribute",
    "a",
    "b",
    "A",
    "Value-1",
    "x.y",
    "_",
    "\u{fc}ber",
    "\u{1d51e}",
];
const ATTRIBUTES: [&str; 8] = ["x", "y", "X", "Name", "Format", "x1", "\u{e9}", "_z"];
const TEXTS: [&str; 24] = [
    "a",
    "Z",
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    "\r",
    "&lt;",
    "&gt;",
    ">",
    "&amp;",
    "&quot;",
    "&apos;",
    "&#9;",
    "&#xA;",
    "&#13;",
    "&#x1F511;",
    "&#65;",
    "\u{e9}",
    "\u{1f511}",
    "\u{2028}",
    "\u{85}",
    "]]",
];
/// Without those that libxml2 joins in another way: see `bases`.
const BASES: [&str; 10] = [
    "http://h/a/",
    "b/c",
    "../d",
    "/e",
    "http://i/f?g",
    "j/",
    "../../k/",
    "?m",
    "//p",
    "http://q",
];

/// What may occur in a document.
#[derive(Clone, Copy)]
pub(crate) struct Taste {
    /// Processing instructions, which the parser forbids by default.
    pub(crate) instructions: bool,
    /// `xml:base`, which Canonical XML 1.1 joins.
    pub(crate) base: bool,
    /// Prefix `saml`, which must be free where a writer has declared it.
    pub(crate) saml: bool,
}

pub(crate) struct Maker<'r> {
    random: &'r mut Random,
    taste: Taste,
    out: String,
    /// What is declared, innermost last.
    scope: Vec<(&'static str, &'static str)>,
    ids: usize,
    /// Elements that may still be made.
    left: usize,
}

/// An element with its namespaces in place, in which a signature has a place too.
pub(crate) struct Made {
    pub(crate) text: String,
    /// Where a signature may be put, directly inside the element that has the ID.
    pub(crate) signature_at: usize,
}

/// The ID of the element that is to be signed.
pub(crate) const ID: &str = "_signed";

impl<'r> Maker<'r> {
    pub(crate) fn new(random: &'r mut Random, taste: Taste) -> Self {
        let left = 3 + random.below(12);
        Self {
            random,
            taste,
            out: String::new(),
            scope: Vec::new(),
            ids: 0,
            left,
        }
    }

    /// A document of any kind.
    pub(crate) fn document(mut self) -> String {
        self.prolog();
        self.element(0);
        self.misc();
        self.out
    }

    /// One element without surroundings.
    pub(crate) fn fragment(mut self) -> String {
        self.element(1);
        self.out
    }

    /// An assertion with an ID, alone or inside a response.
    pub(crate) fn assertion(mut self) -> Made {
        self.prolog();
        let wrapped = self.random.once_in(2);
        if wrapped {
            self.start("samlp:Response", "xmlns:samlp", federate_xml::SAMLP, None);
            self.content(2);
        }
        self.start("saml:Assertion", "xmlns:saml", federate_xml::SAML, Some(ID));
        if self.random.once_in(2) {
            self.content(2);
        }
        let signature_at = self.out.len();
        self.content(2);
        self.out.push_str("</saml:Assertion>");
        self.scope.clear(); // what follows uses no prefix of it
        if wrapped {
            self.text();
            self.out.push_str("</samlp:Response>");
        }
        self.misc();
        Made {
            text: self.out,
            signature_at,
        }
    }

    fn prolog(&mut self) {
        let declaration = [
            "",
            "<?xml version=\"1.0\"?>",
            "<?xml version='1.0' encoding='utf-8' ?>\n",
        ];
        let declaration = self.random.of(&declaration);
        self.out.push_str(declaration);
        self.misc();
    }

    /// What may stand outside the root element.
    fn misc(&mut self) {
        for _ in 0..self.random.below(3) {
            let choices = ["\n", " ", "<!-- outside -->"];
            let chosen = self.random.of(&choices);
            self.out.push_str(chosen);
            if self.taste.instructions && self.random.once_in(3) {
                self.out.push_str("<?outside all?>");
            }
        }
    }

    /// A start tag of a given name, with declarations and attributes by chance.
    fn start(&mut self, qname: &str, declare: &str, namespace: &'static str, id: Option<&str>) {
        let prefix = qname.split(':').next().unwrap_or_default();
        let prefix = if prefix == "saml" { "saml" } else { "samlp" };
        let mut parts = vec![(declare.to_owned(), namespace.to_owned())];
        self.declarations(&mut parts, Some(prefix));
        self.scope.push((prefix, namespace));
        self.attributes(&mut parts);
        if let Some(id) = id {
            parts.retain(|(name, _)| name != "xml:id"); // a second ID is refused
            parts.push(("ID".to_owned(), id.to_owned()));
        }
        self.tag(qname, parts);
        self.out.push('>');
    }

    /// Declares prefixes by chance, but not the one that is taken.
    fn declarations(&mut self, parts: &mut Vec<(String, String)>, taken: Option<&str>) {
        for prefix in PREFIXES {
            let free = taken != Some(prefix) && (self.taste.saml || prefix != "saml");
            if !free || !self.random.once_in(4) {
                continue;
            }
            let namespace = match prefix {
                "" if self.random.once_in(3) => "",
                _ => self.random.of(&NAMESPACES),
            };
            let name = match prefix {
                "" => "xmlns".to_owned(),
                _ => format!("xmlns:{prefix}"),
            };
            parts.push((name, namespace.to_owned()));
            self.scope.push((prefix, namespace));
        }
        if self.random.once_in(40) {
            let xml = "http://www.w3.org/XML/1998/namespace";
            parts.push(("xmlns:xml".to_owned(), xml.to_owned()));
        }
    }

    fn meaning(&self, prefix: &str) -> Option<&'static str> {
        let declared = self.scope.iter().rev().find(|(p, _)| *p == prefix);
        declared.map(|(_, namespace)| *namespace)
    }

    /// The prefixes in scope, but for the empty one.
    fn usable(&self) -> Vec<&'static str> {
        let mut found: Vec<&str> = self.scope.iter().map(|(prefix, _)| *prefix).collect();
        found.retain(|prefix| !prefix.is_empty());
        found.sort_unstable();
        found.dedup();
        found
    }

    fn attributes(&mut self, parts: &mut Vec<(String, String)>) {
        let prefixes = self.usable();
        let mut expanded: Vec<(&str, &str)> = Vec::new();
        for _ in 0..self.random.below(5) {
            let local = self.random.of(&ATTRIBUTES);
            let prefix = match self.random.once_in(2) && !prefixes.is_empty() {
                true => self.random.of(&prefixes),
                false => "",
            };
            let namespace = match prefix {
                "" => "",
                _ => self.meaning(prefix).unwrap_or_default(),
            };
            if expanded.contains(&(namespace, local)) {
                continue;
            }
            expanded.push((namespace, local));
            let value = self.value();
            parts.push((join(prefix, local), value));
        }
        for (name, values) in [
            ("xml:lang", ["de", "en-GB", ""].as_slice()),
            ("xml:space", &["preserve", "default"]),
            ("xml:base", &BASES),
        ] {
            if self.random.once_in(6) && (name != "xml:base" || self.taste.base) {
                let value = self.random.of(values);
                parts.push((name.to_owned(), value.to_owned()));
            }
        }
        if self.random.once_in(12) {
            self.ids += 1;
            parts.push(("xml:id".to_owned(), format!("i{}", self.ids)));
        }
    }

    fn value(&mut self) -> String {
        let mut value = String::new();
        for _ in 0..self.random.below(5) {
            value.push_str(self.random.of(&TEXTS));
        }
        value
    }

    /// A start tag without its end, its parts in any order and any quotes.
    fn tag(&mut self, qname: &str, mut parts: Vec<(String, String)>) {
        self.random.shuffle(&mut parts);
        let _ = write!(self.out, "<{qname}");
        for (name, value) in parts {
            let space = self.random.of(&[" ", " ", " ", "\n  ", "\t", "\r\n"]);
            let equals = self.random.of(&["=", "=", "=", " = ", "\n="]);
            let quote = self.random.of(&["\"", "'"]);
            let _ = write!(self.out, "{space}{name}{equals}{quote}{value}{quote}");
        }
        if self.random.once_in(5) {
            self.out.push(' ');
        }
    }

    fn element(&mut self, depth: usize) {
        self.left = self.left.saturating_sub(1);
        let outside = self.scope.len();
        let mut parts = Vec::new();
        self.declarations(&mut parts, None);
        let prefixes = self.usable();
        let prefix = match self.random.once_in(3) || prefixes.is_empty() {
            true => "",
            false => self.random.of(&prefixes),
        };
        let local = self.random.of(&NAMES);
        let qname = join(prefix, local);
        self.attributes(&mut parts);
        self.tag(&qname, parts);
        if depth > 0 && self.random.once_in(4) {
            self.out.push_str("/>");
        } else {
            self.out.push('>');
            self.content(depth + 1);
            let end = self.random.of(&["", "", "", " ", "\n"]);
            let _ = write!(self.out, "</{qname}{end}>");
        }
        self.scope.truncate(outside);
    }

    fn content(&mut self, depth: usize) {
        let few = if depth < 3 { 3 } else { 0 };
        for _ in 0..few + self.random.below(4) {
            match self.random.below(8) {
                0..=2 if self.left > 0 && depth < 8 => self.element(depth),
                3 => self.out.push_str("<!-- - a & b < c -->"),
                4 => {
                    let inside = ["", "<&>", "a", "]]", "\r\n", "\u{e9}"];
                    let inside = self.random.of(&inside);
                    let _ = write!(self.out, "<![CDATA[{inside}]]>");
                }
                5 if self.taste.instructions => {
                    let inside = ["p", "p  a ", "p a?b", "p\r\nx"];
                    let inside = self.random.of(&inside);
                    let _ = write!(self.out, "<?{inside}?>");
                }
                _ => self.text(),
            }
        }
    }

    fn text(&mut self) {
        for _ in 0..self.random.below(6) {
            let piece = self.random.of(&TEXTS);
            // "]]>" must not come about.
            if !(piece == ">" && self.out.ends_with("]]")) {
                self.out.push_str(piece);
            }
        }
    }
}

fn join(prefix: &str, local: &str) -> String {
    match prefix {
        "" => local.to_owned(),
        _ => format!("{prefix}:{local}"),
    }
}
