//! Extensions of messages (`[SAMLCore] 3.2.1`, `3.2.2`): elements of other vocabularies, which are
//! kept as they are for whoever knows them.

use crate::attribute::XS_PREFIX;
use crate::names::EXTENSIONS;
use federate_xml::{
    Canonicalization, Document, Element, Limits, Name, ReadError, ReadProblem, Writer, XmlError,
    canonicalize,
};
use std::fmt;

/// The sender of a LogoutRequest wants no answer (`[AsyncSLO]`).
pub(crate) const ASYNCHRONOUS: Name = Name::new(
    "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo",
    "aslo",
    "Asynchronous",
);

/// The extensions of a message; of most messages, none.
///
/// They say what the message says: what is read of a verified message was signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions(Vec<Extension>);

impl Extensions {
    /// How many elements the extensions of a message may consist of. Each of them, standing alone,
    /// repeats the namespaces that it uses, whose declarations a message has only once.
    pub const MAX_ELEMENTS: usize = 512;

    /// No extensions.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Every extension, in the order of the message.
    pub fn iter(&self) -> std::slice::Iter<'_, Extension> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first extension that is this element.
    #[must_use]
    pub fn find(&self, name: Name) -> Option<&Extension> {
        self.iter().find(|extension| extension.is(name))
    }

    /// Adds one at the end.
    pub fn push(&mut self, extension: Extension) {
        self.0.push(extension);
    }

    /// An empty list is let through, text between the elements is not.
    pub(crate) fn read(element: Option<Element<'_>>) -> Result<Self, ReadError> {
        let mut found = Vec::new();
        if let Some(element) = element {
            limited(element, Self::MAX_ELEMENTS + 1)?;
            let mut children = element.children(EXTENSIONS)?;
            found.extend(std::iter::from_fn(|| children.any()).map(Extension::of));
        }
        Ok(Self(found))
    }

    /// Writes them into a message whose root is `root`.
    pub(crate) fn write(&self, w: &mut Writer, root: Name) {
        if self.is_empty() {
            return;
        }
        let mut own = Writer::new();
        own.start(EXTENSIONS);
        for extension in &self.0 {
            own.embed(&extension.xml);
        }
        let octets = inside(root, &own.finish());
        if declares(&octets, XS_PREFIX) {
            w.values_use(XS_PREFIX);
        }
        w.embed(&octets);
    }
}

/// Whether a prefix is declared anywhere in canonical octets; it may say so in a text too.
pub(crate) fn declares(octets: &[u8], prefix: &str) -> bool {
    let declaration = format!(" xmlns:{prefix}=");
    let declaration = declaration.as_bytes();
    octets.windows(declaration.len()).any(|w| w == declaration)
}

/// An element in canonical form as it is inside of `root`, which declares its own prefix: what the
/// element declares on its own may be declared already.
pub(crate) fn inside(root: Name, element: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.start(root);
    w.embed(element);
    let written = w.finish();
    let Ok(document) = Document::parse(&written, &unlimited()) else {
        // Two have the same ID: nobody will take such a message, however it is written.
        return element.to_vec();
    };
    without_tags(canonical(document.root()))
}

/// What is between the start and the end tag.
fn without_tags(mut octets: Vec<u8>) -> Vec<u8> {
    let end = octets.windows(2).rposition(|tag| tag == b"</");
    octets.truncate(end.unwrap_or_default());
    let start = octets.iter().position(|b| *b == b'>');
    octets.drain(..start.map_or(0, |at| at + 1));
    octets
}

impl FromIterator<Extension> for Extensions {
    fn from_iter<I: IntoIterator<Item = Extension>>(extensions: I) -> Self {
        Self(extensions.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Extensions {
    type Item = &'a Extension;
    type IntoIter = std::slice::Iter<'a, Extension>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One element of [`Extensions`].
#[derive(Clone, PartialEq, Eq)]
pub struct Extension {
    namespace: String,
    local_name: String,
    xml: Vec<u8>,
}

impl Extension {
    /// An extension to be sent. The schema wants an element of a namespace that is not SAML's.
    ///
    /// It is brought into canonical form: comments go, and so do declarations of prefixes that
    /// occur in values only, but for `xs`.
    ///
    /// # Errors
    /// [`XmlError::Parse`] when it is not one acceptable document; [`XmlError::Read`] when it has
    /// more than [`Extensions::MAX_ELEMENTS`].
    ///
    /// ```
    /// use federate_saml::Extension;
    /// let extension = Extension::parse(b"<x:Hint xmlns:x='urn:x' >a</x:Hint>")?;
    /// assert_eq!(extension.xml(), b"<x:Hint xmlns:x=\"urn:x\">a</x:Hint>");
    /// # Ok::<(), federate_xml::XmlError>(())
    /// ```
    pub fn parse(octets: &[u8]) -> Result<Self, XmlError> {
        let document = Document::parse(octets, &Limits::default())?;
        limited(document.root(), Extensions::MAX_ELEMENTS)?;
        Ok(Self::of(document.root()))
    }

    /// An element with nothing in it.
    pub(crate) fn empty(name: Name) -> Self {
        let mut w = Writer::new();
        w.start(name);
        Self {
            namespace: name.namespace.to_owned(),
            local_name: name.local.to_owned(),
            xml: w.finish(),
        }
    }

    fn of(element: Element<'_>) -> Self {
        Self {
            namespace: element.namespace().to_owned(),
            local_name: element.local_name().to_owned(),
            xml: canonical(element),
        }
    }

    /// The element's namespace; empty for none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The element's local name.
    #[must_use]
    pub fn local_name(&self) -> &str {
        &self.local_name
    }

    /// Whether it is this element.
    #[must_use]
    pub fn is(&self, name: Name) -> bool {
        (self.namespace(), self.local_name()) == (name.namespace, name.local)
    }

    /// The element as a document of its own, in exclusive canonical form.
    #[must_use]
    pub fn xml(&self) -> &[u8] {
        &self.xml
    }
}

/// The name only: what is inside may be about a person.
impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extension({{{}}}{})", self.namespace, self.local_name)
    }
}

/// Before anything of it is copied: nobody may have signed it.
fn limited(element: Element<'_>, most: usize) -> Result<(), ReadError> {
    let (mut seen, mut open) = (0, vec![element]);
    while let Some(element) = open.pop() {
        seen += 1;
        open.extend(element.child_elements());
        if seen + open.len() > most {
            let problem = ReadProblem::InvalidValue {
                what: EXTENSIONS.local,
                expected: "at most 512 elements",
            };
            return Err(ReadError::new(EXTENSIONS.local, problem));
        }
    }
    Ok(())
}

/// Exclusive, so that it is the same wherever the element stands, with what `xsi:type` needs.
fn canonical(element: Element<'_>) -> Vec<u8> {
    let method = Canonicalization {
        inclusive_prefixes: vec![XS_PREFIX.to_owned()],
        ..Canonicalization::default()
    };
    let mut octets = Vec::new();
    canonicalize(element, None, &method, &mut octets);
    octets
}

/// For what has been parsed before, under the limits of then.
const fn unlimited() -> Limits {
    Limits {
        bytes: usize::MAX,
        depth: usize::MAX,
        nodes: usize::MAX,
        attributes_per_element: usize::MAX,
        namespaces: usize::MAX,
        value_bytes: usize::MAX,
        processing_instructions: true,
    }
}
