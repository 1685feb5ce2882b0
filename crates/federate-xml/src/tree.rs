//! The tree: an arena of nodes in document order that borrows from the input.

use crate::name::Name;
use std::borrow::Cow;
use std::fmt;

/// Text of the document: a range of the input, or of the decoded text beside it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Str {
    start: u32,
    len: u32,
}

impl Str {
    /// Marks a range of the decoded text; inputs are limited to 2 GiB by it.
    const DECODED: u32 = 1 << 31;

    pub(crate) const fn input(start: u32, len: u32) -> Self {
        Self { start, len }
    }

    pub(crate) const fn decoded(start: u32, len: u32) -> Self {
        Self {
            start: start | Self::DECODED,
            len,
        }
    }

    /// Where a range of the input lies.
    pub(crate) const fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + self.len as usize
    }

    /// Decoded text can hold characters that are written as references; input text holds
    /// none of `&`, `<` and carriage return.
    pub(crate) const fn is_decoded(self) -> bool {
        self.start & Self::DECODED != 0
    }
}

/// A prefix of the document, by its number; the number 0 is the empty prefix.
pub(crate) type PrefixId = u32;
/// A namespace name of the document, by its number; the number 0 is "no namespace".
pub(crate) type NamespaceId = u32;

pub(crate) const NO_PREFIX: PrefixId = 0;
pub(crate) const XML_PREFIX: PrefixId = 1;
pub(crate) const NO_NAMESPACE: NamespaceId = 0;
pub(crate) const XML_NAMESPACE: NamespaceId = 1;

#[derive(Clone, Copy)]
pub(crate) struct ElementData {
    pub prefix: PrefixId,
    pub namespace: NamespaceId,
    /// The name as it was written, prefix included.
    pub qname: Str,
    pub local: Str,
    pub attributes: (u32, u32),
    pub declarations: (u32, u32),
}

#[derive(Clone, Copy)]
pub(crate) enum NodeKind {
    Element(ElementData),
    Text(Str),
    Comment(Str),
    ProcessingInstruction { target: Str, data: Str },
}

#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub kind: NodeKind,
    /// The number of the parent; the root's is its own.
    pub parent: u32,
    /// The number after the last descendant: the next sibling, if the parent goes on.
    pub end: u32,
}

#[derive(Clone, Copy)]
pub(crate) struct Attribute {
    pub prefix: PrefixId,
    pub namespace: NamespaceId,
    pub qname: Str,
    pub local: Str,
    pub value: Str,
}

#[derive(Clone, Copy)]
pub(crate) struct Declaration {
    pub prefix: PrefixId,
    pub namespace: NamespaceId,
}

/// A parsed document.
///
/// It is immutable, its nodes lie in document order in one arena, and its text is borrowed
/// from the input wherever no reference or line end had to be decoded.
pub struct Document<'i> {
    pub(crate) input: &'i str,
    pub(crate) decoded: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) declarations: Vec<Declaration>,
    /// What is declared around the root: of a part that is read on its own.
    pub(crate) scope: Vec<Declaration>,
    pub(crate) prefixes: Vec<&'i str>,
    pub(crate) namespaces: Vec<Cow<'i, str>>,
    pub(crate) root: u32,
}

impl<'i> Document<'i> {
    /// Text with the lifetime of the input where it was not decoded.
    pub(crate) fn cow(&self, s: Str) -> Cow<'i, str> {
        if s.is_decoded() {
            return Cow::Owned(self.str(s).to_owned());
        }
        let (start, len) = (s.start as usize, s.len as usize);
        Cow::Borrowed(self.input.get(start..start + len).unwrap_or_default())
    }
}

impl Document<'_> {
    /// The document's one element that contains all others.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element {
            document: self,
            number: self.root,
        }
    }

    pub(crate) fn str(&self, s: Str) -> &str {
        let start = (s.start & !Str::DECODED) as usize;
        let text = if s.is_decoded() {
            self.decoded.as_str()
        } else {
            self.input
        };
        // The ranges are made by the parser at character boundaries of these very texts.
        text.get(start..start + s.len as usize).unwrap_or_default()
    }

    pub(crate) fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.get(number as usize)
    }

    pub(crate) fn prefix(&self, id: PrefixId) -> &str {
        self.prefixes.get(id as usize).copied().unwrap_or_default()
    }

    pub(crate) fn namespace(&self, id: NamespaceId) -> &str {
        self.namespaces
            .get(id as usize)
            .map(AsRef::as_ref)
            .unwrap_or_default()
    }

    pub(crate) fn attributes_of(&self, element: &ElementData) -> &[Attribute] {
        let (start, end) = element.attributes;
        self.attributes
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    pub(crate) fn declarations_of(&self, element: &ElementData) -> &[Declaration] {
        let (start, end) = element.declarations;
        self.declarations
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("bytes", &self.input.len())
            .field("nodes", &self.nodes.len())
            .finish()
    }
}

/// An element of a [`Document`].
#[derive(Clone, Copy)]
pub struct Element<'d> {
    pub(crate) document: &'d Document<'d>,
    pub(crate) number: u32,
}

impl<'d> Element<'d> {
    pub(crate) fn data(&self) -> ElementData {
        match self.document.node(self.number).map(|n| n.kind) {
            Some(NodeKind::Element(data)) => data,
            // An `Element` is only ever made for the number of an element node.
            _ => ElementData {
                prefix: NO_PREFIX,
                namespace: NO_NAMESPACE,
                qname: Str::default(),
                local: Str::default(),
                attributes: (0, 0),
                declarations: (0, 0),
            },
        }
    }

    /// The namespace name; empty for none.
    #[must_use]
    pub fn namespace(&self) -> &'d str {
        self.document.namespace(self.data().namespace)
    }

    /// The local name.
    #[must_use]
    pub fn local_name(&self) -> &'d str {
        self.document.str(self.data().local)
    }

    /// Whether namespace and local name are those of `name`; the prefix does not matter.
    #[must_use]
    pub fn is(&self, name: Name) -> bool {
        let data = self.data();
        self.document.str(data.local) == name.local
            && self.document.namespace(data.namespace) == name.namespace
    }

    /// The value of the attribute without namespace that has this name.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&'d str> {
        self.attribute_in("", local)
    }

    /// The value of the attribute with this namespace and name.
    #[must_use]
    pub fn attribute_in(&self, namespace: &str, local: &str) -> Option<&'d str> {
        let document = self.document;
        document
            .attributes_of(&self.data())
            .iter()
            .find(|a| {
                document.str(a.local) == local && document.namespace(a.namespace) == namespace
            })
            .map(|a| document.str(a.value))
    }

    /// Every attribute as namespace, local name and value, in document order.
    pub fn attributes(&self) -> impl Iterator<Item = (&'d str, &'d str, &'d str)> + use<'d> {
        let document = self.document;
        document.attributes_of(&self.data()).iter().map(move |a| {
            (
                document.namespace(a.namespace),
                document.str(a.local),
                document.str(a.value),
            )
        })
    }

    /// The namespace declarations in scope here, as prefix and name, nearest first; a prefix
    /// occurs once.
    pub(crate) fn declarations_in_scope(&self) -> Vec<Declaration> {
        let mut found: Vec<Declaration> = Vec::new();
        let mut take = |declarations: &[Declaration]| {
            for declaration in declarations {
                if !found.iter().any(|d| d.prefix == declaration.prefix) {
                    found.push(*declaration);
                }
            }
        };
        let mut current = Some(*self);
        while let Some(element) = current {
            take(self.document.declarations_of(&element.data()));
            current = element.parent();
        }
        take(&self.document.scope);
        found
    }

    /// The element that contains this one, if any.
    #[must_use]
    pub fn parent(&self) -> Option<Element<'d>> {
        let parent = self.document.node(self.number)?.parent;
        (parent != self.number).then_some(Element {
            document: self.document,
            number: parent,
        })
    }

    /// The nodes directly inside this element.
    pub(crate) fn child_nodes(&self) -> ChildNodes<'d> {
        let end = self.document.node(self.number).map_or(0, |n| n.end);
        ChildNodes {
            document: self.document,
            next: self.number + 1,
            end,
        }
    }

    /// The elements directly inside this element, in document order.
    pub fn child_elements(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        let document = self.document;
        self.child_nodes()
            .filter(|(_, node)| matches!(node.kind, NodeKind::Element(_)))
            .map(move |(number, _)| Element { document, number })
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.number == other.number
    }
}

impl Eq for Element<'_> {}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.document.str(self.data().qname))
    }
}

pub(crate) struct ChildNodes<'d> {
    document: &'d Document<'d>,
    next: u32,
    end: u32,
}

impl<'d> Iterator for ChildNodes<'d> {
    type Item = (u32, &'d Node);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let number = self.next;
        let node = self.document.node(number)?;
        self.next = node.end;
        Some((number, node))
    }
}
