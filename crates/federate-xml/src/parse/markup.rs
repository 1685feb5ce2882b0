//! The XML declaration, and what quick-xml refuses in our words.

use super::chars;
use super::scan::Attributes;
use crate::error::{ParseError, ParseErrorKind as Kind};

/// The XML declaration (`[XML] 2.8`): first in the document, version 1.0, UTF-8.
pub(super) fn declaration(inner: &str, at: usize) -> Result<(), ParseError> {
    let refused = |what| Err(ParseError::new(at, Kind::NotWellFormed(what)));
    if at != 0 {
        return refused("the XML declaration is not first");
    }
    let mut attributes = Attributes::new(inner, at + 5, chars::White::default());
    let mut expected = ["version", "encoding", "standalone"].iter();
    let mut version = false;
    while let Some(raw) = attributes.next()? {
        // In this order, each at most once, the version always.
        if !expected.any(|name| *name == raw.qname) || (raw.qname != "version" && !version) {
            return refused("the XML declaration");
        }
        match raw.qname {
            "version" if raw.value == "1.0" => version = true,
            "version" => return Err(ParseError::new(at, Kind::UnsupportedVersion)),
            "encoding" if raw.value.eq_ignore_ascii_case("utf-8") => {}
            "encoding" => return Err(ParseError::new(at, Kind::UnsupportedEncoding)),
            _ if matches!(raw.value, "yes" | "no") => {}
            _ => return refused("the XML declaration"),
        }
    }
    if version {
        Ok(())
    } else {
        refused("the XML declaration")
    }
}

pub(super) fn refused(error: &quick_xml::Error, at: usize) -> ParseError {
    use quick_xml::Error as E;
    use quick_xml::errors::IllFormedError as I;
    let kind = match error {
        E::Syntax(quick_xml::errors::SyntaxError::UnclosedDoctype) => Kind::DoctypeForbidden,
        E::IllFormed(I::MissingDoctypeName) => Kind::DoctypeForbidden,
        E::Syntax(_) => Kind::NotWellFormed("markup is not closed"),
        E::IllFormed(I::MismatchedEndTag { .. } | I::UnmatchedEndTag(_)) => {
            Kind::NotWellFormed("an end tag without its start tag")
        }
        E::IllFormed(I::DoubleHyphenInComment) => Kind::NotWellFormed("'--' in a comment"),
        E::IllFormed(I::UnclosedReference) => Kind::NotWellFormed("a reference is not closed"),
        E::Encoding(_) => Kind::InvalidUtf8,
        _ => Kind::NotWellFormed("markup"),
    };
    ParseError::new(at, kind)
}
