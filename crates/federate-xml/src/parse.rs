//! The one parser: octets -> tree. What it refuses, nothing else ever sees.
//!
//! quick-xml finds the tokens; namespaces, references, limits and every rule that quick-xml
//! leaves to its user are checked here.

pub(crate) mod chars;
mod decode;
mod markup;
mod namespaces;
mod part;
mod scan;
mod uri;
pub(crate) mod window;

use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::limits::Limits;
use crate::tree::{
    Attribute, Document, ElementData, NO_NAMESPACE, Node, NodeKind, Str, XML_NAMESPACE,
};
use markup::{declaration, refused};
use namespaces::Namespaces;
use quick_xml::Reader;
use quick_xml::events::Event;
use scan::Attributes;
use std::borrow::Cow;
use std::collections::HashSet;

impl<'i> Document<'i> {
    /// Reads a document.
    ///
    /// UTF-8 (with or without byte order mark), XML 1.0 with namespaces, no document type
    /// declaration. Nothing is fetched, nothing but the five predefined entities and
    /// character references is expanded, and no element ID occurs twice.
    ///
    /// # Errors
    /// [`ParseError`] with the offset of the octet in question.
    ///
    /// ```
    /// use federate_xml::{Document, Limits};
    /// let document = Document::parse(b"<a xmlns='urn:x'>1 &lt; 2</a>", &Limits::default())?;
    /// assert_eq!(document.root().namespace(), "urn:x");
    /// assert_eq!(document.root().text()?, "1 < 2");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(input: &'i [u8], limits: &Limits) -> Result<Self, ParseError> {
        Parser::new(input, limits)?.run()
    }
}

struct Open {
    node: u32,
    /// How many namespace bindings to take back at the end tag.
    bindings: usize,
}

struct Parser<'i, 'l> {
    limits: &'l Limits,
    /// Octets before the text: the byte order mark.
    base: usize,
    white: chars::White,
    document: Document<'i>,
    namespaces: Namespaces<'i>,
    open: Vec<Open>,
    /// Text that goes on: references, CDATA sections and plain text make one node.
    text: Option<Str>,
    ids: HashSet<Cow<'i, str>>,
    root: Option<u32>,
}

impl<'i, 'l> Parser<'i, 'l> {
    fn new(input: &'i [u8], limits: &'l Limits) -> Result<Self, ParseError> {
        let allowed = limits.bytes.min(i32::MAX as usize);
        if input.len() > allowed {
            let limit = "bytes";
            return Err(ParseError::new(
                allowed,
                Kind::LimitExceeded { limit, allowed },
            ));
        }
        let text = simdutf8::compat::from_utf8(input)
            .map_err(|e| ParseError::new(e.valid_up_to(), Kind::InvalidUtf8))?;
        let (text, base) = match text.strip_prefix('\u{feff}') {
            Some(text) => (text, 3),
            None => (text, 0),
        };
        // A second one is a character, and text before the root. It must not come as far as
        // quick-xml, which would drop it without counting it in its positions.
        if text.starts_with('\u{feff}') {
            let what = Kind::NotWellFormed("text outside the root element");
            return Err(ParseError::new(base, what));
        }
        Self::over(text, base, limits, text.len())
    }

    /// A parser of a text before which others may stand; about so many octets of it are to
    /// become one tree.
    fn over(
        text: &'i str,
        base: usize,
        limits: &'l Limits,
        tree: usize,
    ) -> Result<Self, ParseError> {
        let white =
            chars::check_characters(text).map_err(|e| ParseError::new(e.offset + base, e.kind))?;
        Ok(Self {
            limits,
            base,
            white,
            document: Document {
                input: text,
                decoded: String::new(),
                nodes: Vec::with_capacity(tree / 48 + 8),
                attributes: Vec::with_capacity(tree / 96 + 8),
                declarations: Vec::with_capacity(16),
                scope: Vec::new(),
                prefixes: Vec::new(),
                namespaces: Vec::new(),
                root: 0,
            },
            namespaces: Namespaces::new(limits.namespaces),
            open: Vec::with_capacity(16),
            text: None,
            ids: HashSet::new(),
            root: None,
        })
    }

    fn run(mut self) -> Result<Document<'i>, ParseError> {
        let text = self.document.input;
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        let mut start = 0;
        loop {
            let event = reader.read_event();
            let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let result = match event {
                Ok(Event::Eof) => break,
                // quick-xml's positions are those of the tokens' ends: the slice between two
                // of them is the token as it was written.
                Ok(event) => self.token(&event, text.get(start..end).unwrap_or_default(), start),
                Err(error) => Err(refused(&error, start)),
            };
            result.map_err(|e| ParseError::new(e.offset + self.base, e.kind))?;
            start = end;
        }
        let end = text.len() + self.base;
        if !self.open.is_empty() {
            let what = Kind::NotWellFormed("an element is not closed");
            return Err(ParseError::new(end, what));
        }
        let no_root = ParseError::new(end, Kind::NotWellFormed("there is no element"));
        self.document.root = self.root.ok_or(no_root)?;
        (self.document.prefixes, self.document.namespaces) = self.namespaces.into_names();
        Ok(self.document)
    }

    fn token(&mut self, event: &Event<'_>, raw: &'i str, at: usize) -> Result<(), ParseError> {
        match event {
            Event::Text(_) => return self.characters(raw, at),
            Event::GeneralRef(_) => {
                let name = raw.strip_prefix('&').and_then(|r| r.strip_suffix(';'));
                let c = decode::reference(name.unwrap_or_default(), at)?;
                self.only_inside(at, false)?;
                return self.append(at, |out| out.push(c));
            }
            Event::CData(_) => {
                let inner = strip(raw, "<![CDATA[", "]]>", at)?;
                self.only_inside(at, false)?;
                return self.append(at, |out| decode::push_text(out, inner));
            }
            _ => self.end_text()?,
        }
        match event {
            Event::Start(_) => self.start(strip(raw, "<", ">", at)?, at + 1),
            Event::Empty(_) => {
                self.start(strip(raw, "<", "/>", at)?, at + 1)?;
                self.end();
                Ok(())
            }
            // quick-xml has compared the name with that of the start tag.
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Comment(_) => {
                let inner = strip(raw, "<!--", "-->", at)?;
                let text = self.plain(inner, at + 4);
                self.push(NodeKind::Comment(text), at).map(drop)
            }
            Event::PI(_) => self.processing_instruction(strip(raw, "<?", "?>", at)?, at),
            Event::Decl(_) => declaration(strip(raw, "<?xml", "?>", at)?, at),
            _ => Err(ParseError::new(at, Kind::DoctypeForbidden)),
        }
    }

    /// Only white space may stand outside the root element (`[XML] 2.1`).
    fn only_inside(&self, at: usize, blank: bool) -> Result<(), ParseError> {
        if self.open.is_empty() && !blank {
            let what = Kind::NotWellFormed("text outside the root element");
            return Err(ParseError::new(at, what));
        }
        Ok(())
    }

    fn characters(&mut self, raw: &'i str, at: usize) -> Result<(), ParseError> {
        if raw.is_empty() {
            return Ok(());
        }
        if self.open.is_empty() {
            return self.only_inside(at, raw.bytes().all(chars::is_space));
        }
        // [XML] 2.4: "]]>" must not stand in text.
        let bytes = raw.as_bytes();
        if memchr::memchr_iter(b'>', bytes)
            .any(|i| bytes.get(..i).is_some_and(|b| b.ends_with(b"]]")))
        {
            return Err(ParseError::new(at, Kind::NotWellFormed("']]>' in text")));
        }
        let as_written = !self.white.carriage_return || memchr::memchr(b'\r', bytes).is_none();
        if self.text.is_none() && as_written {
            self.text = Some(Str::input(at as u32, raw.len() as u32));
            return self.check_value(raw.len(), at);
        }
        self.append(at, |out| decode::push_text(out, raw))
    }

    /// Adds to the current text node, in the decoded text.
    fn append(&mut self, at: usize, push: impl FnOnce(&mut String)) -> Result<(), ParseError> {
        let start = match self.text {
            Some(text) if text.is_decoded() => {
                let len = self.document.str(text).len();
                self.document.decoded.len() - len
            }
            before => {
                let start = self.document.decoded.len();
                if let Some(text) = before {
                    let text = self.document.str(text).to_owned();
                    self.document.decoded.push_str(&text);
                }
                start
            }
        };
        push(&mut self.document.decoded);
        let len = self.document.decoded.len() - start;
        self.text = Some(Str::decoded(start as u32, len as u32));
        self.check_value(len, at)
    }

    fn check_value(&self, len: usize, at: usize) -> Result<(), ParseError> {
        let allowed = self.limits.value_bytes;
        if len > allowed {
            let limit = "octets of a value";
            return Err(ParseError::new(at, Kind::LimitExceeded { limit, allowed }));
        }
        Ok(())
    }

    fn end_text(&mut self) -> Result<(), ParseError> {
        match self.text.take() {
            Some(text) if !self.document.str(text).is_empty() => {
                self.push(NodeKind::Text(text), 0).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Text without references: only its line ends may have to be normalized.
    fn plain(&mut self, text: &str, at: usize) -> Str {
        if self.white.carriage_return && text.contains('\r') {
            let start = self.document.decoded.len();
            decode::push_text(&mut self.document.decoded, text);
            Str::decoded(start as u32, (self.document.decoded.len() - start) as u32)
        } else {
            Str::input(at as u32, text.len() as u32)
        }
    }

    fn push(&mut self, kind: NodeKind, at: usize) -> Result<u32, ParseError> {
        let allowed = self.limits.nodes;
        let number = self.document.nodes.len();
        if number >= allowed {
            let limit = "nodes";
            return Err(ParseError::new(at, Kind::LimitExceeded { limit, allowed }));
        }
        let number = number as u32;
        self.document.nodes.push(Node {
            kind,
            parent: self.open.last().map_or(number, |open| open.node),
            end: number + 1,
        });
        Ok(number)
    }

    fn start(&mut self, tag: &'i str, at: usize) -> Result<(), ParseError> {
        let allowed = self.limits.depth;
        if self.open.len() >= allowed {
            let limit = "depth";
            return Err(ParseError::new(at, Kind::LimitExceeded { limit, allowed }));
        }
        if self.open.is_empty() && self.root.is_some() {
            let what = Kind::NotWellFormed("a second root element");
            return Err(ParseError::new(at, what));
        }
        let what = Kind::NotWellFormed("an element name");
        let (name_end, local) = chars::leading_qname(tag).ok_or(ParseError::new(at, what))?;
        let (qname, rest) = tag.split_at_checked(name_end).unwrap_or_default();
        if rest.bytes().next().is_some_and(|b| !chars::is_space(b)) {
            return Err(ParseError::new(at, what));
        }
        let prefix = qname.get(..local.saturating_sub(1)).unwrap_or_default();
        let bindings = self.namespaces.mark();
        let declarations_start = self.document.declarations.len() as u32;
        let attributes_start = self.document.attributes.len();
        self.attributes(rest, at + name_end)?;
        let (prefix_id, namespace) = self.namespaces.resolve(prefix, at)?;
        self.resolve_attributes(attributes_start, at)?;
        let number = self.push(
            NodeKind::Element(ElementData {
                prefix: prefix_id,
                namespace,
                qname: Str::input(at as u32, qname.len() as u32),
                local: Str::input((at + local) as u32, (qname.len() - local) as u32),
                attributes: (
                    attributes_start as u32,
                    self.document.attributes.len() as u32,
                ),
                declarations: (declarations_start, self.document.declarations.len() as u32),
            }),
            at,
        )?;
        if self.open.is_empty() {
            self.root = Some(number);
        }
        self.open.push(Open {
            node: number,
            bindings,
        });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(open) = self.open.pop() {
            self.namespaces.restore(open.bindings);
            let end = self.document.nodes.len() as u32;
            if let Some(node) = self.document.nodes.get_mut(open.node as usize) {
                node.end = end;
            }
        }
    }

    /// Reads the attributes of a tag; their prefixes are resolved afterwards, when all
    /// declarations of the tag are known.
    fn attributes(&mut self, text: &'i str, at: usize) -> Result<(), ParseError> {
        let mut attributes = Attributes::new(text, at, self.white);
        let declarations_start = self.document.declarations.len();
        let mut count = 0;
        while let Some(raw) = attributes.next()? {
            count += 1;
            let allowed = self.limits.attributes_per_element;
            if count > allowed {
                let limit = "attributes of an element";
                let kind = Kind::LimitExceeded { limit, allowed };
                return Err(ParseError::new(raw.name_at, kind));
            }
            let prefix = raw.qname.get(..raw.local.saturating_sub(1));
            let prefix = prefix.unwrap_or_default();
            let value = if raw.normalize {
                let start = self.document.decoded.len();
                decode::push_attribute(&mut self.document.decoded, raw.value, raw.value_at)?;
                let len = self.document.decoded.len() - start;
                Str::decoded(start as u32, len as u32)
            } else {
                Str::input(raw.value_at as u32, raw.value.len() as u32)
            };
            self.check_value(raw.value.len(), raw.value_at)?;
            if raw.qname == "xmlns" || prefix == "xmlns" {
                let declared = match prefix {
                    "" => "",
                    _ => raw.qname.get(raw.local..).unwrap_or_default(),
                };
                let uri = self.document.cow(value);
                let declaration = self.namespaces.declare(declared, uri, raw.name_at)?;
                let earlier = self.document.declarations.iter().skip(declarations_start);
                if earlier.into_iter().any(|d| d.prefix == declaration.prefix) {
                    return Err(ParseError::new(raw.name_at, Kind::DuplicateAttribute));
                }
                self.document.declarations.push(declaration);
                continue;
            }
            let prefix = self.namespaces.prefix(prefix, raw.name_at)?;
            let local_at = raw.name_at + raw.local;
            self.document.attributes.push(Attribute {
                prefix,
                namespace: NO_NAMESPACE,
                qname: Str::input(raw.name_at as u32, raw.qname.len() as u32),
                local: Str::input(local_at as u32, (raw.qname.len() - raw.local) as u32),
                value,
            });
        }
        Ok(())
    }

    fn resolve_attributes(&mut self, start: usize, at: usize) -> Result<(), ParseError> {
        let document = &mut self.document;
        if document.attributes.len() == start {
            return Ok(());
        }
        for attribute in document.attributes.iter_mut().skip(start) {
            attribute.namespace = self.namespaces.of_attribute(attribute.prefix, at)?;
        }
        let new = document.attributes.get(start..).unwrap_or_default();
        let same = |a: &Attribute, b: &Attribute| {
            a.namespace == b.namespace && document.str(a.local) == document.str(b.local)
        };
        let duplicate = if new.len() <= 8 {
            new.iter()
                .enumerate()
                .any(|(i, a)| new.iter().skip(i + 1).any(|b| same(a, b)))
        } else {
            let mut sorted: Vec<&Attribute> = new.iter().collect();
            sorted.sort_unstable_by_key(|a| (a.namespace, document.str(a.local)));
            sorted
                .windows(2)
                .any(|pair| matches!(pair, [a, b] if same(a, b)))
        };
        if duplicate {
            return Err(ParseError::new(at, Kind::DuplicateAttribute));
        }
        for attribute in new {
            // SAML writes `ID`, XML Signature and Encryption `Id`, others `xml:id`: they
            // share one space, so that no reference can ever mean two elements.
            let is_id = match document.str(attribute.local) {
                "ID" | "Id" => attribute.namespace == NO_NAMESPACE,
                "id" => attribute.namespace == XML_NAMESPACE,
                _ => false,
            };
            if is_id && !self.ids.insert(document.cow(attribute.value)) {
                return Err(ParseError::new(at, Kind::DuplicateId));
            }
        }
        Ok(())
    }

    fn processing_instruction(&mut self, inner: &str, at: usize) -> Result<(), ParseError> {
        if !self.limits.processing_instructions {
            return Err(ParseError::new(at, Kind::ProcessingInstructionForbidden));
        }
        let target_end = inner.bytes().position(chars::is_space);
        let target_end = target_end.unwrap_or(inner.len());
        let (target, rest) = inner.split_at_checked(target_end).unwrap_or_default();
        if !chars::is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            let what = Kind::NotWellFormed("the target of a processing instruction");
            return Err(ParseError::new(at, what));
        }
        let data = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let data_at = at + 2 + inner.len() - data.len();
        let data = self.plain(data, data_at);
        let target = Str::input(at as u32 + 2, target.len() as u32);
        let kind = NodeKind::ProcessingInstruction { target, data };
        self.push(kind, at).map(drop)
    }
}

/// What stands between the ends of a token.
#[inline(always)] // both ends are literals
fn strip<'a>(raw: &'a str, start: &str, end: &str, at: usize) -> Result<&'a str, ParseError> {
    raw.strip_prefix(start)
        .and_then(|r| r.strip_suffix(end))
        .ok_or(ParseError::new(at, Kind::NotWellFormed("markup")))
}
