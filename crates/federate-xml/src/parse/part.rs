//! Parts that were taken out of a document, read with what is declared around them.

use super::Parser;
use super::markup::refused;
use super::strip;
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::limits::Limits;
use crate::tree::Document;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::borrow::Cow;

impl<'i> Document<'i> {
    /// Reads an element that stood where these namespaces are declared, outermost first.
    pub(crate) fn parse_where<'s: 'i>(
        input: &'i [u8],
        declared: impl Iterator<Item = (&'s str, &'s str)>,
        limits: &Limits,
    ) -> Result<Self, ParseError> {
        let mut parser = Parser::new(input, limits)?;
        parser.declare_around(declared)?;
        parser.run()
    }

    /// Reads the start tag of such an element, as an element without content.
    pub(crate) fn parse_tag<'s: 'i>(
        tag: &'i str,
        declared: impl Iterator<Item = (&'s str, &'s str)>,
        limits: &Limits,
    ) -> Result<Self, ParseError> {
        let mut parser = Parser::new(tag.as_bytes(), limits)?;
        parser.declare_around(declared)?;
        let mut reader = Reader::from_str(tag);
        let no_tag = ParseError::new(0, Kind::NotWellFormed("markup"));
        let inner = match reader.read_event().map_err(|e| refused(&e, 0))? {
            Event::Start(_) => strip(tag, "<", ">", 0)?,
            Event::Empty(_) => strip(tag, "<", "/>", 0)?,
            _ => return Err(no_tag),
        };
        if usize::try_from(reader.buffer_position()) != Ok(tag.len()) {
            return Err(no_tag);
        }
        parser.start(inner, 1)?;
        parser.end();
        (parser.document.prefixes, parser.document.namespaces) = parser.namespaces.into_names();
        Ok(parser.document)
    }
}

impl<'i> Parser<'i, '_> {
    fn declare_around<'s: 'i>(
        &mut self,
        declared: impl Iterator<Item = (&'s str, &'s str)>,
    ) -> Result<(), ParseError> {
        for (prefix, name) in declared {
            let declaration = self.namespaces.declare(prefix, Cow::Borrowed(name), 0)?;
            self.document.scope.push(declaration);
        }
        // Nearest first, as they are looked up.
        self.document.scope.reverse();
        Ok(())
    }
}
