//! A document that is read through a window: its root and other containers are opened, and what
//! lies in them comes out as one tree after the other.
//!
//! The window holds whole tokens and whole parts. A part that does not end in it is read again,
//! from its beginning, when the window has been moved or has grown.

use super::markup::refused;
use super::{Open, Parser, strip};
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::limits::Limits;
use crate::tree::{Document, Element};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// What the limit of octets means here.
pub(crate) const LARGEST: &str = "octets of a part";

/// A piece of the document that is whole.
pub(crate) struct Piece<'p, 'w> {
    /// Its tree, with the namespaces that are in scope; of a container, the start tag alone.
    pub document: &'p Document<'w>,
    /// It as it was written.
    pub raw: &'w str,
    /// How long its start tag is.
    pub tag: usize,
    /// Where it begins, in octets of the document.
    pub at: u64,
}

/// Who takes the pieces, in the order of the document.
pub(crate) trait Pieces {
    type Error;

    /// The error for what the parser refuses.
    fn refuse(error: ParseError) -> Self::Error;

    /// Another window begins; the document has the names of what is open.
    fn window(&mut self, document: &Document<'_>);
    /// Whether an element inside a container is one, too.
    fn opens(&self, element: Element<'_>) -> bool;
    fn open(&mut self, piece: &Piece<'_, '_>) -> Result<(), Self::Error>;
    fn part(&mut self, piece: &Piece<'_, '_>) -> Result<(), Self::Error>;
    /// Text, comments and processing instructions, inside a container or outside the root.
    fn between(&mut self, document: &Document<'_>) -> Result<(), Self::Error>;
    /// The end tag of a container ends here, in octets of the document.
    fn close(&mut self, name: &str, end: u64) -> Result<(), Self::Error>;
    /// Whether nothing more is wanted.
    fn done(&self) -> bool {
        false
    }
}

/// A container that is open.
struct Container {
    qname: String,
    /// What it declares itself.
    declared: Vec<(String, String)>,
}

/// Every ID so far, by two keyed hashes of 64 bits: who does not know the keys cannot make two
/// with the same, and by chance it does not happen.
struct Ids {
    seen: HashSet<(u64, u64)>,
    keys: [RandomState; 2],
    allowed: usize,
}

impl Ids {
    fn take<'i>(
        &mut self,
        ids: impl Iterator<Item = Cow<'i, str>>,
        at: usize,
    ) -> Result<(), ParseError> {
        for id in ids {
            let [a, b] = &self.keys;
            if !self.seen.insert((a.hash_one(&id), b.hash_one(&id))) {
                return Err(ParseError::new(at, Kind::DuplicateId));
            }
            if self.seen.len() > self.allowed {
                let (limit, allowed) = ("element IDs", self.allowed);
                return Err(ParseError::new(at, Kind::LimitExceeded { limit, allowed }));
            }
        }
        Ok(())
    }
}

/// How far the document was read.
pub(crate) struct Progress<'l> {
    limits: &'l Limits,
    containers: Vec<Arc<Container>>,
    ids: Ids,
    has_root: bool,
    /// Octets before the window.
    at: u64,
    /// Whether nothing but a byte order mark is before it.
    first: bool,
}

impl<'l> Progress<'l> {
    pub(crate) fn new(limits: &'l Limits, ids: usize) -> Self {
        Self {
            limits,
            containers: Vec::new(),
            ids: Ids {
                seen: HashSet::new(),
                keys: [RandomState::new(), RandomState::new()],
                allowed: ids,
            },
            has_root: false,
            at: 0,
            first: true,
        }
    }

    /// Reads what is whole in the window, and tells how many octets that is. Nothing comes after
    /// the last window.
    pub(crate) fn advance<P: Pieces>(
        &mut self,
        text: &str,
        last: bool,
        pieces: &mut P,
    ) -> Result<usize, P::Error> {
        let mark = match text.strip_prefix('\u{feff}') {
            Some(_) if self.first && self.at == 0 => 3,
            _ => 0,
        };
        let text = text.get(mark..).unwrap_or_default();
        self.at += mark as u64;
        let base = usize::try_from(self.at).unwrap_or(usize::MAX);
        let containers = self.containers.clone();
        let window = Window::new(self, text, base, &containers).map_err(P::refuse)?;
        let consumed = window.run(last, pieces)?;
        if consumed == 0 {
            self.at -= mark as u64; // read again, with its byte order mark
            return Ok(0);
        }
        self.first = false;
        self.at += consumed as u64;
        Ok(mark + consumed)
    }
}

/// Where a part begins in the window and where its start tag ends.
struct Part {
    start: usize,
    tag: usize,
}

struct Window<'w, 'p, 'l> {
    progress: &'p mut Progress<'l>,
    parser: Parser<'w, 'l>,
    text: &'w str,
    part: Option<Part>,
    /// The end of the last piece that is whole.
    consumed: usize,
}

impl<'w, 'p, 'l> Window<'w, 'p, 'l> {
    fn new(
        progress: &'p mut Progress<'l>,
        text: &'w str,
        base: usize,
        containers: &'w [Arc<Container>],
    ) -> Result<Self, ParseError> {
        let mut parser = Parser::over(text, base, progress.limits, text.len().min(64 * 1024))?;
        for container in containers {
            let bindings = parser.namespaces.mark();
            for (prefix, name) in &container.declared {
                parser
                    .namespaces
                    .declare(prefix, Cow::Borrowed(name.as_str()), base)?;
            }
            parser.open.push(Open { node: 0, bindings });
        }
        parser.root = progress.has_root.then_some(0);
        Ok(Self {
            progress,
            parser,
            text,
            part: None,
            consumed: 0,
        })
    }

    fn run<P: Pieces>(mut self, last: bool, pieces: &mut P) -> Result<usize, P::Error> {
        self.look(|document| pieces.window(document));
        let skipped = self.marks().map_err(P::refuse)?;
        let mut reader = Reader::from_str(self.text.get(skipped..).unwrap_or_default());
        reader.config_mut().check_comments = true;
        // The start tags of what is open stood in other windows: `close` compares the names.
        reader.config_mut().allow_unmatched_ends = true;
        let mut start = skipped;
        loop {
            let event = reader.read_event();
            let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let end = position.saturating_add(skipped);
            match event {
                Ok(Event::Eof) => break,
                Ok(Event::Text(_)) if !last && end >= self.text.len() => break,
                Ok(event) => self.token(&event, start, end, pieces)?,
                Err(error) if !last && may_go_on(&error) => break,
                Err(error) => return Err(P::refuse(self.based(refused(&error, start)))),
            }
            if pieces.done() {
                return Ok(self.consumed);
            }
            start = end;
        }
        if last {
            self.finish(pieces)?;
        }
        Ok(self.consumed)
    }

    fn based(&self, error: ParseError) -> ParseError {
        ParseError::new(error.offset.saturating_add(self.parser.base), error.kind)
    }

    fn malformed(&self, what: &'static str, at: usize) -> ParseError {
        self.based(ParseError::new(at, Kind::NotWellFormed(what)))
    }

    fn end_text(&mut self) -> Result<(), ParseError> {
        let ended = self.parser.end_text();
        ended.map_err(|e| self.based(e))
    }

    /// Lends the tree with its names.
    fn look<T>(&mut self, look: impl FnOnce(&Document<'w>) -> T) -> T {
        let Parser {
            document,
            namespaces,
            ..
        } = &mut self.parser;
        namespaces.swap_names(&mut document.prefixes, &mut document.namespaces);
        let result = look(document);
        namespaces.swap_names(&mut document.prefixes, &mut document.namespaces);
        result
    }

    /// Byte order marks with which the window begins are characters here; quick-xml would drop
    /// the first without counting it in its positions.
    fn marks(&mut self) -> Result<usize, ParseError> {
        let rest = self.text.trim_start_matches('\u{feff}');
        let skipped = self.text.len() - rest.len();
        for at in (0..skipped).step_by('\u{feff}'.len_utf8()) {
            let taken = self.parser.only_inside(at, false);
            let taken = taken.and_then(|()| self.parser.append(at, |out| out.push('\u{feff}')));
            taken.map_err(|e| self.based(e))?;
        }
        Ok(skipped)
    }

    fn token<P: Pieces>(
        &mut self,
        event: &Event<'_>,
        start: usize,
        end: usize,
        pieces: &mut P,
    ) -> Result<(), P::Error> {
        let raw = self.text.get(start..end).unwrap_or_default();
        let is_text = matches!(
            event,
            Event::Text(_) | Event::GeneralRef(_) | Event::CData(_)
        );
        if self.part.is_none() && !is_text {
            self.end_text().map_err(P::refuse)?;
            self.between(pieces)?;
            self.consumed = start;
            match event {
                Event::End(_) => return self.close(raw, start, end, pieces),
                Event::Decl(_) if !self.progress.first || start != 0 => {
                    let what = "the XML declaration is not first";
                    return Err(P::refuse(self.malformed(what, start)));
                }
                _ => {}
            }
        }
        let token = self.parser.token(event, raw, start);
        token.map_err(|e| P::refuse(self.based(e)))?;
        if self.part.is_some() {
            if self.parser.open.len() == self.progress.containers.len() {
                self.end_part(end, pieces)?;
            }
        } else if matches!(event, Event::Start(_) | Event::Empty(_)) {
            let empty = matches!(event, Event::Empty(_));
            self.element(raw, start, end, empty, pieces)?;
        } else if self.parser.text.is_none() {
            self.between(pieces)?;
            self.consumed = end;
        }
        Ok(())
    }

    /// Gives out the nodes between parts.
    fn between<P: Pieces>(&mut self, pieces: &mut P) -> Result<(), P::Error> {
        if self.parser.document.nodes.is_empty() {
            return Ok(());
        }
        self.look(|document| pieces.between(document))?;
        self.clear();
        Ok(())
    }

    /// An element begins between parts: a container, or a part.
    fn element<P: Pieces>(
        &mut self,
        raw: &'w str,
        start: usize,
        end: usize,
        empty: bool,
        pieces: &mut P,
    ) -> Result<(), P::Error> {
        let is_root = !self.progress.has_root;
        if !is_root && !self.look(|document| pieces.opens(document.root())) {
            let tag = end - start;
            self.part = Some(Part { start, tag });
            return match empty {
                true => self.end_part(end, pieces),
                false => Ok(()),
            };
        }
        self.take_ids(start).map_err(P::refuse)?;
        let at = self.progress.at + start as u64;
        let container = self.look(|document| {
            let tag = raw.len();
            pieces.open(&Piece {
                document,
                raw,
                tag,
                at,
            })?;
            Ok::<_, P::Error>(Container::of(document.root()))
        })?;
        self.progress.has_root = true;
        if empty {
            pieces.close(&container.qname, self.progress.at + end as u64)?;
        } else {
            self.progress.containers.push(Arc::new(container));
        }
        self.clear();
        self.consumed = end;
        Ok(())
    }

    fn end_part<P: Pieces>(&mut self, end: usize, pieces: &mut P) -> Result<(), P::Error> {
        let Some(Part { start, tag }) = self.part.take() else {
            return Ok(());
        };
        let allowed = self.progress.limits.bytes;
        if end - start > allowed {
            let limit = LARGEST;
            let kind = Kind::LimitExceeded { limit, allowed };
            return Err(P::refuse(self.based(ParseError::new(start, kind))));
        }
        self.take_ids(start).map_err(P::refuse)?;
        let raw = self.text.get(start..end).unwrap_or_default();
        let at = self.progress.at + start as u64;
        self.look(|document| {
            pieces.part(&Piece {
                document,
                raw,
                tag,
                at,
            })
        })?;
        self.clear();
        self.consumed = end;
        Ok(())
    }

    fn close<P: Pieces>(
        &mut self,
        raw: &str,
        start: usize,
        end: usize,
        pieces: &mut P,
    ) -> Result<(), P::Error> {
        let name = strip(raw, "</", ">", start).map_err(|e| P::refuse(self.based(e)))?;
        let name = name.trim_end_matches([' ', '\t', '\n', '\r']);
        match self.progress.containers.pop() {
            Some(container) if container.qname == name => {}
            _ => {
                let what = "an end tag without its start tag";
                return Err(P::refuse(self.malformed(what, start)));
            }
        }
        self.parser.end();
        self.consumed = end;
        pieces.close(name, self.progress.at + end as u64)
    }

    fn finish<P: Pieces>(&mut self, pieces: &mut P) -> Result<(), P::Error> {
        let end = self.text.len();
        if self.part.is_some() || !self.progress.containers.is_empty() {
            return Err(P::refuse(self.malformed("an element is not closed", end)));
        }
        if !self.progress.has_root {
            return Err(P::refuse(self.malformed("there is no element", end)));
        }
        self.end_text().map_err(P::refuse)?;
        self.between(pieces)?;
        self.consumed = end;
        Ok(())
    }

    fn take_ids(&mut self, at: usize) -> Result<(), ParseError> {
        let ids = self.parser.ids.drain();
        let taken = self.progress.ids.take(ids, at);
        taken.map_err(|e| self.based(e))
    }

    fn clear(&mut self) {
        let document = &mut self.parser.document;
        document.nodes.clear();
        document.attributes.clear();
        document.declarations.clear();
        document.decoded.clear();
    }
}

impl Container {
    fn of(element: Element<'_>) -> Self {
        let (document, data) = (element.document, element.data());
        let declared = document.declarations_of(&data).iter().map(|d| {
            let (prefix, name) = (document.prefix(d.prefix), document.namespace(d.namespace));
            (prefix.to_owned(), name.to_owned())
        });
        Self {
            qname: document.str(data.qname).to_owned(),
            declared: declared.collect(),
        }
    }
}

/// Whether more octets may make it right: the token does not end in the window.
fn may_go_on(error: &quick_xml::Error) -> bool {
    use quick_xml::Error as E;
    use quick_xml::errors::{IllFormedError as I, SyntaxError};
    match error {
        E::Syntax(syntax) => *syntax != SyntaxError::UnclosedDoctype,
        E::IllFormed(error) => *error == I::UnclosedReference,
        _ => false,
    }
}
