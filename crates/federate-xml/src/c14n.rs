//! Canonicalization: the one octet string that a signature is about.
//!
//! Exclusive XML Canonicalization 1.0 (`[EXC-C14N]`), in one pass over the arena, linear in
//! its size: what each prefix means in the output is looked up by number.

use crate::tree::{
    Attribute, Document, Element, ElementData, NO_NAMESPACE, NO_PREFIX, NamespaceId, NodeKind,
    PrefixId, Str, XML_PREFIX,
};
use std::cmp::Ordering;

/// How to canonicalize.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canonicalization {
    /// Whether comments stay. Signatures over comments are refused by default.
    pub with_comments: bool,
    /// `InclusiveNamespaces/@PrefixList` (`[EXC-C14N] 3`): prefixes that are written where
    /// they are in scope even if nothing uses them; `#default` is the empty prefix.
    pub inclusive_prefixes: Vec<String>,
}

/// The identifier of exclusive canonicalization without comments.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The identifier of exclusive canonicalization with comments.
pub const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";

impl Canonicalization {
    /// The method that an identifier names, without inclusive prefixes.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        match uri {
            EXCLUSIVE => Some(Self::default()),
            EXCLUSIVE_WITH_COMMENTS => Some(Self {
                with_comments: true,
                ..Self::default()
            }),
            _ => None,
        }
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
    let document = element.document;
    let number_of = |prefix: &str| {
        let prefix = if prefix == "#default" { "" } else { prefix };
        document.prefixes.iter().position(|p| *p == prefix)
    };
    let inclusive = method.inclusive_prefixes.iter();
    let mut rendered = vec![UNRENDERED; document.prefixes.len()];
    if let Some(default) = rendered.get_mut(NO_PREFIX as usize) {
        *default = NO_NAMESPACE;
    }
    Walk {
        document,
        apex: element,
        with_comments: method.with_comments,
        inclusive: inclusive
            .filter_map(|p| number_of(p))
            .map(|number| number as PrefixId)
            .collect(),
        rendered,
        undo: Vec::new(),
        scratch_namespaces: Vec::new(),
        scratch_attributes: Vec::new(),
        out,
    }
    .run(omit.map(|e| e.number));
}

const UNRENDERED: NamespaceId = NamespaceId::MAX;

struct Walk<'d, 'o> {
    document: &'d Document<'d>,
    apex: Element<'d>,
    with_comments: bool,
    inclusive: Vec<PrefixId>,
    /// What each prefix means in the output so far.
    rendered: Vec<NamespaceId>,
    undo: Vec<(PrefixId, NamespaceId)>,
    scratch_namespaces: Vec<(PrefixId, NamespaceId)>,
    scratch_attributes: Vec<Attribute>,
    out: &'o mut Vec<u8>,
}

struct Open {
    end: u32,
    qname: Str,
    undo: usize,
}

impl Walk<'_, '_> {
    fn run(mut self, omit: Option<u32>) {
        let Some(apex) = self.document.node(self.apex.number) else {
            return;
        };
        let mut open: Vec<Open> = Vec::with_capacity(16);
        let mut number = self.apex.number;
        while number < apex.end {
            while let Some(last) = open.pop_if(|last| last.end <= number) {
                self.end(&last);
            }
            let Some(node) = self.document.node(number) else {
                break;
            };
            if omit == Some(number) {
                number = node.end;
                continue;
            }
            match node.kind {
                NodeKind::Element(ref data) => {
                    let undo = self.undo.len();
                    self.start(data, number == self.apex.number);
                    open.push(Open {
                        end: node.end,
                        qname: data.qname,
                        undo,
                    });
                }
                NodeKind::Text(text) => self.text(text),
                NodeKind::Comment(text) if self.with_comments => {
                    self.out.extend_from_slice(b"<!--");
                    self.raw(text);
                    self.out.extend_from_slice(b"-->");
                }
                NodeKind::Comment(_) => {}
                NodeKind::ProcessingInstruction { target, data } => {
                    self.out.extend_from_slice(b"<?");
                    self.raw(target);
                    if !self.document.str(data).is_empty() {
                        self.out.push(b' ');
                        self.raw(data);
                    }
                    self.out.extend_from_slice(b"?>");
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

    fn text(&mut self, text: Str) {
        let bytes = self.document.str(text).as_bytes();
        if text.is_decoded() {
            escape_text(bytes, self.out);
        } else {
            // As it came, `&`, `<` and carriage returns cannot be in it.
            replace_one(bytes, b'>', b"&gt;", self.out);
        }
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

        // [EXC-C14N] 3: the prefixes that the element and its attributes visibly use ...
        let mut namespaces = std::mem::take(&mut self.scratch_namespaces);
        namespaces.clear();
        self.use_prefix(data.prefix, data.namespace, &mut namespaces);
        let attributes = document.attributes_of(data);
        for attribute in attributes {
            // An attribute without prefix is in no namespace, whatever the default is.
            if attribute.prefix != NO_PREFIX {
                self.use_prefix(attribute.prefix, attribute.namespace, &mut namespaces);
            }
        }
        // ... and those of the PrefixList, as inclusive canonicalization treats them.
        if !self.inclusive.is_empty() {
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
        self.attributes(attributes);
        self.out.push(b'>');
    }

    fn use_inclusive(
        &mut self,
        prefix: PrefixId,
        namespace: NamespaceId,
        namespaces: &mut Vec<(PrefixId, NamespaceId)>,
    ) {
        if self.inclusive.contains(&prefix) {
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

    fn attributes(&mut self, attributes: &[Attribute]) {
        let document = self.document;
        let mut sorted = std::mem::take(&mut self.scratch_attributes);
        sorted.clear();
        sorted.extend_from_slice(attributes);
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
            if attribute.value.is_decoded() {
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

fn replace_one(bytes: &[u8], byte: u8, with: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some((before, after)) =
        memchr::memchr(byte, rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(before);
        out.extend_from_slice(with);
        rest = after.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// [C14N] 2.3, text nodes.
pub(crate) fn escape_text(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out, |byte| match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

/// [C14N] 2.3, attribute and namespace nodes.
pub(crate) fn escape_attribute(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out, |byte| match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'"' => Some(b"&quot;"),
        b'\t' => Some(b"&#x9;"),
        b'\n' => Some(b"&#xA;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    });
}

fn escape(bytes: &[u8], out: &mut Vec<u8>, special: impl Fn(u8) -> Option<&'static [u8]>) {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| special(*b).is_some()) {
        let Some((before, after)) = rest.split_at_checked(at) else {
            break;
        };
        out.extend_from_slice(before);
        if let Some((byte, after)) = after.split_first() {
            out.extend_from_slice(special(*byte).unwrap_or_default());
            rest = after;
        }
    }
    out.extend_from_slice(rest);
}
