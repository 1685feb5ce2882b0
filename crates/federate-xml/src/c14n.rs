//! Canonicalization: the one octet string that a signature is about.
//!
//! Exclusive XML Canonicalization 1.0 (`[EXC-C14N]`), and inclusive Canonical XML 1.0
//! (`[C14N]`) and 1.1 (`[C14N11]`), of an element with everything inside it. One pass over the
//! arena, linear in its size: what each prefix means in the output is looked up by number.

mod base;
mod document;
mod escape;
mod inherit;
mod part;

pub use document::canonicalize_document;
pub(crate) use escape::{escape_attribute, escape_text};
pub(crate) use part::{
    Rendered, canonicalize_between, canonicalize_part, canonicalize_tag, nothing_rendered,
};

use crate::tree::{
    Attribute, Document, Element, ElementData, NO_PREFIX, NamespaceId, NodeKind, PrefixId, Str,
    XML_PREFIX,
};
use escape::replace_one;
use inherit::is_base;
use std::cmp::Ordering;

/// How to canonicalize.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canonicalization {
    /// Which namespaces and attributes of the surroundings are taken along.
    pub algorithm: CanonicalizationAlgorithm,
    /// Whether comments stay. Signatures over comments are refused by default.
    pub with_comments: bool,
    /// `InclusiveNamespaces/@PrefixList` (`[EXC-C14N] 3`): prefixes that are written where
    /// they are in scope even if nothing uses them; `#default` is the empty prefix. Inclusive
    /// canonicalization treats all prefixes so.
    pub inclusive_prefixes: Vec<String>,
}

/// Which namespaces and attributes of its surroundings an element takes along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CanonicalizationAlgorithm {
    /// Namespaces where they are used, no attributes: an element means the same wherever it
    /// is put (`[EXC-C14N]`).
    #[default]
    Exclusive,
    /// All namespaces in scope, and all attributes in the namespace `xml` (`[C14N]`).
    Inclusive10,
    /// All namespaces in scope, `xml:lang`, `xml:space`, and `xml:base` joined, but not
    /// `xml:id` (`[C14N11]`).
    Inclusive11,
}

/// The identifier of exclusive canonicalization without comments.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The identifier of exclusive canonicalization with comments.
pub const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";

impl Canonicalization {
    const ALL: [(&'static str, CanonicalizationAlgorithm, bool); 6] = {
        use CanonicalizationAlgorithm::{Exclusive, Inclusive10, Inclusive11};
        [
            (EXCLUSIVE, Exclusive, false),
            (EXCLUSIVE_WITH_COMMENTS, Exclusive, true),
            (
                "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
                Inclusive10,
                false,
            ),
            (
                "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
                Inclusive10,
                true,
            ),
            ("http://www.w3.org/2006/12/xml-c14n11", Inclusive11, false),
            (
                "http://www.w3.org/2006/12/xml-c14n11#WithComments",
                Inclusive11,
                true,
            ),
        ]
    };

    /// The method that an identifier names, without inclusive prefixes.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let (_, algorithm, with_comments) = Self::ALL.iter().find(|(known, ..)| *known == uri)?;
        Some(Self {
            algorithm: *algorithm,
            with_comments: *with_comments,
            inclusive_prefixes: Vec::new(),
        })
    }

    /// The identifier of the method.
    #[must_use]
    pub fn uri(&self) -> &'static str {
        let this = (self.algorithm, self.with_comments);
        Self::ALL
            .iter()
            .find(|(_, algorithm, comments)| (*algorithm, *comments) == this)
            .map_or(EXCLUSIVE, |(uri, ..)| uri)
    }
}

/// Appends the canonical form of an element and everything inside it, but for `omit`, an
/// element inside it that the enveloped-signature transform takes out.
///
/// ```
/// use federate_xml::{Canonicalization, Document, Limits, canonicalize};
/// let document = Document::parse(b"<a  z='1' b=\"2\" ><c/></a>", &Limits::default())?;
/// let mut octets = Vec::new();
/// canonicalize(document.root(), None, &Canonicalization::default(), &mut octets);
/// assert_eq!(octets, br#"<a b="2" z="1"><c></c></a>"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn canonicalize(
    element: Element<'_>,
    omit: Option<Element<'_>>,
    method: &Canonicalization,
    out: &mut Vec<u8>,
) {
    let omit = omit.map(|omit| (omit.number, b"".as_slice()));
    canonicalize_replacing(element, omit.as_slice(), method, out);
}

/// As [`canonicalize`], with octets in the place of some elements inside it, which are given
/// by number and in document order.
pub(crate) fn canonicalize_replacing(
    element: Element<'_>,
    replacements: &[(u32, &[u8])],
    method: &Canonicalization,
    out: &mut Vec<u8>,
) {
    let rendered = nothing_rendered(element.document);
    Walk::new(element, method, rendered, out).run(replacements);
}

const UNRENDERED: NamespaceId = NamespaceId::MAX;

struct Walk<'d, 'o> {
    document: &'d Document<'d>,
    apex: Element<'d>,
    algorithm: CanonicalizationAlgorithm,
    with_comments: bool,
    inclusive: Vec<PrefixId>,
    /// What each prefix means in the output so far.
    rendered: Vec<NamespaceId>,
    undo: Vec<(PrefixId, NamespaceId)>,
    scratch_namespaces: Vec<(PrefixId, NamespaceId)>,
    scratch_attributes: Vec<Attribute>,
    /// Whether the apex takes along what stands around it: not when that was written before.
    alone: bool,
    /// Where the apex's start tag ends in the output.
    tag: usize,
    /// At how many octets of output to give up.
    most: usize,
    out: &'o mut Vec<u8>,
}

struct Open {
    end: u32,
    qname: Str,
    undo: usize,
}

impl<'d, 'o> Walk<'d, 'o> {
    fn new(
        apex: Element<'d>,
        method: &Canonicalization,
        rendered: Vec<NamespaceId>,
        out: &'o mut Vec<u8>,
    ) -> Self {
        let document = apex.document;
        let number_of = |prefix: &String| {
            let prefix = if prefix == "#default" { "" } else { prefix };
            document.prefixes.iter().position(|p| *p == prefix)
        };
        let inclusive = method.inclusive_prefixes.iter().filter_map(number_of);
        Self {
            document,
            apex,
            algorithm: method.algorithm,
            with_comments: method.with_comments,
            inclusive: inclusive.map(|number| number as PrefixId).collect(),
            rendered,
            undo: Vec::new(),
            scratch_namespaces: Vec::new(),
            scratch_attributes: Vec::new(),
            alone: true,
            tag: 0,
            most: usize::MAX,
            out,
        }
    }

    fn run(&mut self, replacements: &[(u32, &[u8])]) {
        let Some(apex) = self.document.node(self.apex.number) else {
            return;
        };
        let mut replacements = replacements.iter();
        let mut replacement = replacements.next();
        let mut open: Vec<Open> = Vec::with_capacity(16);
        let mut number = self.apex.number;
        while number < apex.end && self.out.len() <= self.most {
            while let Some(last) = open.pop_if(|last| last.end <= number) {
                self.end(&last);
            }
            let Some(node) = self.document.node(number) else {
                break;
            };
            if let Some((replaced, octets)) = replacement
                && *replaced == number
            {
                self.out.extend_from_slice(octets);
                replacement = replacements.next();
                number = node.end;
                continue;
            }
            match node.kind {
                NodeKind::Element(ref data) => {
                    let undo = self.undo.len();
                    let is_apex = number == self.apex.number;
                    self.start(data, self.alone && is_apex);
                    if is_apex {
                        self.tag = self.out.len();
                    }
                    open.push(Open {
                        end: node.end,
                        qname: data.qname,
                        undo,
                    });
                }
                NodeKind::Text(data) => text(self.document, data, self.out),
                NodeKind::Comment(text) if self.with_comments => {
                    comment(self.document, text, self.out);
                }
                NodeKind::Comment(_) => {}
                NodeKind::ProcessingInstruction { target, data } => {
                    processing_instruction(self.document, target, data, self.out);
                }
            }
            number += 1;
        }
        while let Some(last) = open.pop() {
            self.end(&last);
        }
    }

    fn raw(&mut self, text: Str) {
        self.out
            .extend_from_slice(self.document.str(text).as_bytes());
    }

    fn end(&mut self, open: &Open) {
        self.out.extend_from_slice(b"</");
        self.raw(open.qname);
        self.out.push(b'>');
        while self.undo.len() > open.undo {
            if let Some((prefix, before)) = self.undo.pop()
                && let Some(rendered) = self.rendered.get_mut(prefix as usize)
            {
                *rendered = before;
            }
        }
    }

    fn start(&mut self, data: &ElementData, apex: bool) {
        let document = self.document;
        self.out.push(b'<');
        self.raw(data.qname);
        let mut namespaces = std::mem::take(&mut self.scratch_namespaces);
        namespaces.clear();
        let attributes = document.attributes_of(data);
        // [EXC-C14N] 3: the prefixes that the element and its attributes visibly use ...
        if self.algorithm == CanonicalizationAlgorithm::Exclusive {
            self.use_prefix(data.prefix, data.namespace, &mut namespaces);
            for attribute in attributes {
                // An attribute without prefix is in no namespace, whatever the default is.
                if attribute.prefix != NO_PREFIX {
                    self.use_prefix(attribute.prefix, attribute.namespace, &mut namespaces);
                }
            }
        }
        // ... and those of the PrefixList, which inclusive canonicalization makes of all.
        if self.algorithm != CanonicalizationAlgorithm::Exclusive || !self.inclusive.is_empty() {
            if apex {
                for d in self.apex.declarations_in_scope() {
                    self.use_inclusive(d.prefix, d.namespace, &mut namespaces);
                }
            } else {
                for d in document.declarations_of(data) {
                    self.use_inclusive(d.prefix, d.namespace, &mut namespaces);
                }
            }
        }
        if namespaces.len() > 1 {
            namespaces.sort_unstable_by_key(|(prefix, _)| document.prefix(*prefix));
        }
        for (prefix, namespace) in &namespaces {
            self.out.extend_from_slice(b" xmlns");
            if *prefix != NO_PREFIX {
                self.out.push(b':');
                self.out
                    .extend_from_slice(document.prefix(*prefix).as_bytes());
            }
            self.out.extend_from_slice(b"=\"");
            escape_attribute(document.namespace(*namespace).as_bytes(), self.out);
            self.out.push(b'"');
        }
        self.scratch_namespaces = namespaces;
        self.attributes(attributes, apex);
        self.out.push(b'>');
    }

    fn use_inclusive(
        &mut self,
        prefix: PrefixId,
        namespace: NamespaceId,
        namespaces: &mut Vec<(PrefixId, NamespaceId)>,
    ) {
        let all = self.algorithm != CanonicalizationAlgorithm::Exclusive;
        if all || self.inclusive.contains(&prefix) {
            self.use_prefix(prefix, namespace, namespaces);
        }
    }

    /// Notes a namespace for output unless the output already says so here.
    fn use_prefix(
        &mut self,
        prefix: PrefixId,
        namespace: NamespaceId,
        namespaces: &mut Vec<(PrefixId, NamespaceId)>,
    ) {
        if prefix == XML_PREFIX {
            return;
        }
        if let Some(rendered) = self.rendered.get_mut(prefix as usize)
            && *rendered != namespace
        {
            self.undo.push((prefix, *rendered));
            *rendered = namespace;
            namespaces.push((prefix, namespace));
        }
    }

    fn attributes(&mut self, attributes: &[Attribute], apex: bool) {
        let document = self.document;
        let mut sorted = std::mem::take(&mut self.scratch_attributes);
        sorted.clear();
        sorted.extend_from_slice(attributes);
        let base = match apex {
            true => self.inherit(&mut sorted),
            false => None,
        };
        if sorted.len() > 1 {
            // [C14N] 2.2: by namespace name, then by local name; those without come first.
            sorted.sort_unstable_by(|a, b| {
                let namespaces = match a.namespace == b.namespace {
                    true => Ordering::Equal,
                    false => document
                        .namespace(a.namespace)
                        .cmp(document.namespace(b.namespace)),
                };
                namespaces.then_with(|| document.str(a.local).cmp(document.str(b.local)))
            });
        }
        for attribute in &sorted {
            self.out.push(b' ');
            self.raw(attribute.qname);
            self.out.extend_from_slice(b"=\"");
            let value = document.str(attribute.value).as_bytes();
            if let Some(base) = base.as_ref().filter(|_| is_base(document, attribute)) {
                escape_attribute(base.as_bytes(), self.out);
            } else if attribute.value.is_decoded() {
                escape_attribute(value, self.out);
            } else {
                // As it came, of what must be escaped only the quote can be in it.
                replace_one(value, b'"', b"&quot;", self.out);
            }
            self.out.push(b'"');
        }
        self.scratch_attributes = sorted;
    }
}

/// [C14N] 2.3, text nodes.
fn text(document: &Document<'_>, text: Str, out: &mut Vec<u8>) {
    let bytes = document.str(text).as_bytes();
    if text.is_decoded() {
        escape_text(bytes, out);
    } else {
        // As it came, `&`, `<` and carriage returns cannot be in it.
        replace_one(bytes, b'>', b"&gt;", out);
    }
}

/// [C14N] 2.3, comment nodes.
fn comment(document: &Document<'_>, text: Str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<!--");
    out.extend_from_slice(document.str(text).as_bytes());
    out.extend_from_slice(b"-->");
}

/// [C14N] 2.3, processing instruction nodes.
fn processing_instruction(document: &Document<'_>, target: Str, data: Str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<?");
    out.extend_from_slice(document.str(target).as_bytes());
    let data = document.str(data);
    if !data.is_empty() {
        out.push(b' ');
        out.extend_from_slice(data.as_bytes());
    }
    out.extend_from_slice(b"?>");
}
