//! The inside of a tag: names and attributes, strictly as XML 1.0 productions 40 to 44 say.

use super::chars::{White, is_space, leading_qname};
use crate::error::{ParseError, ParseErrorKind};

/// An attribute as it was written.
pub(super) struct RawAttribute<'i> {
    pub qname: &'i str,
    /// Where the local part begins in the name; 0 without prefix.
    pub local: usize,
    /// Offset of the name in the input.
    pub name_at: usize,
    pub value: &'i str,
    /// Offset of the value in the input.
    pub value_at: usize,
    /// Whether the value holds a reference or white space that has to be normalized.
    pub normalize: bool,
}

/// Reads the attributes of one tag, one after the other.
pub(super) struct Attributes<'i> {
    /// The tag from after its name to before its end.
    text: &'i str,
    /// Offset of `text` in the input.
    base: usize,
    white: White,
    position: usize,
}

impl<'i> Attributes<'i> {
    pub(super) const fn new(text: &'i str, base: usize, white: White) -> Self {
        Self {
            text,
            base,
            white,
            position: 0,
        }
    }

    fn byte(&self, position: usize) -> Option<u8> {
        self.text.as_bytes().get(position).copied()
    }

    fn refuse<T>(&self, what: &'static str) -> Result<T, ParseError> {
        Err(ParseError::new(
            self.base + self.position,
            ParseErrorKind::NotWellFormed(what),
        ))
    }

    fn skip_space(&mut self) -> bool {
        let start = self.position;
        while self.byte(self.position).is_some_and(is_space) {
            self.position += 1;
        }
        self.position > start
    }

    /// The next attribute, or `None` at the end of the tag.
    pub(super) fn next(&mut self) -> Result<Option<RawAttribute<'i>>, ParseError> {
        let spaced = self.skip_space();
        if self.position >= self.text.len() {
            return Ok(None);
        }
        if !spaced {
            return self.refuse("an attribute needs white space before it");
        }
        let name_start = self.position;
        let rest = self.text.get(name_start..).unwrap_or_default();
        let Some((len, local)) = leading_qname(rest) else {
            return self.refuse("an attribute name");
        };
        self.position += len;
        let name_end = self.position;
        self.skip_space();
        if self.byte(self.position) != Some(b'=') {
            return self.refuse("an attribute needs a value");
        }
        self.position += 1;
        self.skip_space();
        let quote = match self.byte(self.position) {
            Some(quote @ (b'"' | b'\'')) => quote,
            _ => return self.refuse("an attribute value needs quotes"),
        };
        self.position += 1;
        let value_start = self.position;
        let rest = self.text.get(value_start..).unwrap_or_default();
        let bytes = rest.as_bytes();
        let first = memchr::memchr3(quote, b'&', b'<', bytes);
        let reference = first.and_then(|at| bytes.get(at)) == Some(&b'&');
        let end = if reference {
            memchr::memchr2(quote, b'<', bytes)
        } else {
            first
        };
        let len = match end.and_then(|at| Some((at, *bytes.get(at)?))) {
            None => return self.refuse("an attribute value is not closed"),
            Some((at, b'<')) => {
                self.position += at;
                return self.refuse("'<' in an attribute value");
            }
            Some((at, _)) => at,
        };
        let value = rest.get(..len).unwrap_or_default();
        let white = |b: u8| matches!(b, b'\t' | b'\n' | b'\r');
        let normalize = reference || (self.white.any() && value.bytes().any(white));
        self.position += len + 1;
        Ok(Some(RawAttribute {
            // Both ends lie beside ASCII bytes, hence at character boundaries.
            qname: self.text.get(name_start..name_end).unwrap_or_default(),
            local,
            name_at: self.base + name_start,
            value,
            value_at: self.base + value_start,
            normalize,
        }))
    }
}
