//! Reading typed values from elements: order, number and content as a schema says.

use crate::name::{Name, XSI};
use crate::tree::{Document, Element, NodeKind};
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::fmt;

/// A value that can be read from an element.
pub trait FromElement: Sized {
    /// The element that holds the value.
    const ELEMENT: Name;

    /// Reads the value, strictly: what the schema does not allow is an error.
    ///
    /// # Errors
    /// [`ReadError`] naming the element and what is wrong with it.
    fn from_element(element: Element<'_>) -> Result<Self, ReadError>;
}

/// An element that is not as its schema says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{element}: {problem}")]
pub struct ReadError {
    /// The element in question, by the name of our vocabulary.
    pub element: &'static str,
    /// What is wrong.
    pub problem: ReadProblem,
}

impl ReadError {
    /// A problem of the named element.
    #[must_use]
    pub const fn new(element: &'static str, problem: ReadProblem) -> Self {
        Self { element, problem }
    }

    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.problem {
            ReadProblem::UnexpectedRoot => "schema.unexpected_root",
            ReadProblem::MissingElement(_) => "schema.missing_element",
            ReadProblem::UnexpectedElement => "schema.unexpected_element",
            ReadProblem::UnexpectedText => "schema.unexpected_text",
            ReadProblem::UnexpectedMarkup => "schema.unexpected_markup",
            ReadProblem::MissingAttribute(_) => "schema.missing_attribute",
            ReadProblem::UnexpectedAttribute => "schema.unexpected_attribute",
            ReadProblem::InvalidValue { .. } => "schema.invalid_value",
        }
    }
}

/// What is wrong with an element.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadProblem {
    /// The document's root is another element.
    UnexpectedRoot,
    /// A required element is absent, or stands where it must not.
    MissingElement(&'static str),
    /// An element that the schema does not allow here, or not once more.
    UnexpectedElement,
    /// Text between elements.
    UnexpectedText,
    /// Markup inside text: an element, comment or processing instruction.
    UnexpectedMarkup,
    /// A required attribute is absent.
    MissingAttribute(&'static str),
    /// An attribute that the schema does not allow.
    UnexpectedAttribute,
    /// A value that is not of its type.
    InvalidValue {
        /// The attribute or element that holds it.
        what: &'static str,
        /// What would have been accepted.
        expected: &'static str,
    },
}

impl fmt::Display for ReadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedRoot => f.write_str("the document is another element"),
            Self::MissingElement(name) => write!(f, "{name} is missing or misplaced"),
            Self::UnexpectedElement => f.write_str("an element that is not allowed here"),
            Self::UnexpectedText => f.write_str("text between elements"),
            Self::UnexpectedMarkup => f.write_str("markup inside text"),
            Self::MissingAttribute(name) => write!(f, "the attribute {name} is missing"),
            Self::UnexpectedAttribute => f.write_str("an attribute that is not allowed here"),
            Self::InvalidValue { what, expected } => write!(f, "{what}: expected {expected}"),
        }
    }
}

impl<'d> Element<'d> {
    /// The text of an element that holds nothing but text.
    ///
    /// Comments inside the text are skipped and the text on both sides is kept, so no
    /// comment can shorten a value.
    ///
    /// # Errors
    /// [`ReadProblem::UnexpectedMarkup`] when an element or processing instruction occurs.
    pub fn text(&self) -> Result<Cow<'d, str>, ReadError> {
        let document: &'d Document<'d> = self.document;
        let mut text = Cow::Borrowed("");
        for (_, node) in self.child_nodes() {
            match node.kind {
                NodeKind::Text(part) if text.is_empty() => {
                    text = Cow::Borrowed(document.str(part));
                }
                NodeKind::Text(part) => text.to_mut().push_str(document.str(part)),
                NodeKind::Comment(_) => {}
                NodeKind::Element(_) | NodeKind::ProcessingInstruction { .. } => {
                    let problem = ReadProblem::UnexpectedMarkup;
                    return Err(ReadError::new("a text element", problem));
                }
            }
        }
        Ok(text)
    }

    /// The text of an element that holds nothing but text, without white space at its ends:
    /// for values whose XML type collapses it (URIs, dates, numbers, base64).
    ///
    /// # Errors
    /// As [`Element::text`].
    pub fn trimmed_text(&self) -> Result<Cow<'d, str>, ReadError> {
        const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
        Ok(match self.text()? {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(SPACE)),
            Cow::Owned(text) => Cow::Owned(text.trim_matches(SPACE).to_owned()),
        })
    }

    /// The value of a required attribute.
    ///
    /// # Errors
    /// [`ReadProblem::MissingAttribute`].
    pub fn required(&self, of: Name, attribute: &'static str) -> Result<&'d str, ReadError> {
        self.attribute(attribute).ok_or(ReadError::new(
            of.local,
            ReadProblem::MissingAttribute(attribute),
        ))
    }

    /// The value of an attribute of type `xs:dateTime`, if present.
    ///
    /// # Errors
    /// [`ReadProblem::InvalidValue`].
    pub fn instant(
        &self,
        of: Name,
        attribute: &'static str,
    ) -> Result<Option<DateTime<Utc>>, ReadError> {
        let Some(text) = self.attribute(attribute) else {
            return Ok(None);
        };
        let invalid = ReadProblem::InvalidValue {
            what: attribute,
            expected: "a dateTime such as 2026-01-31T12:00:00Z",
        };
        crate::time::parse_instant(text)
            .map(Some)
            .ok_or(ReadError::new(of.local, invalid))
    }

    /// The value of an attribute of type `xs:boolean`, if present.
    ///
    /// # Errors
    /// [`ReadProblem::InvalidValue`].
    pub fn boolean(&self, of: Name, attribute: &'static str) -> Result<Option<bool>, ReadError> {
        match self.attribute(attribute).map(str::trim) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(ReadError::new(
                of.local,
                ReadProblem::InvalidValue {
                    what: attribute,
                    expected: "true or false",
                },
            )),
        }
    }

    /// Refuses attributes other than the named ones; those of XML Schema instances and of
    /// the namespace `xml` are always allowed.
    ///
    /// # Errors
    /// [`ReadProblem::UnexpectedAttribute`].
    pub fn only_attributes(&self, of: Name, allowed: &[&str]) -> Result<(), ReadError> {
        let known = |namespace: &str, local: &str| match namespace {
            "" => allowed.contains(&local),
            other => other == XSI || other == crate::name::XML,
        };
        if self.attributes().all(|(ns, local, _)| known(ns, local)) {
            Ok(())
        } else {
            Err(ReadError::new(of.local, ReadProblem::UnexpectedAttribute))
        }
    }

    /// The elements inside this one, to be read in the order of its schema.
    ///
    /// # Errors
    /// [`ReadProblem::UnexpectedText`] when there is other text than white space, and
    /// [`ReadProblem::UnexpectedMarkup`] for a processing instruction.
    pub fn children(&self, of: Name) -> Result<Children<'d>, ReadError> {
        for (_, node) in self.child_nodes() {
            let problem = match node.kind {
                NodeKind::Element(_) | NodeKind::Comment(_) => continue,
                NodeKind::Text(text) => {
                    let text = self.document.str(text);
                    if text.bytes().all(crate::parse::chars::is_space) {
                        continue;
                    }
                    ReadProblem::UnexpectedText
                }
                NodeKind::ProcessingInstruction { .. } => ReadProblem::UnexpectedMarkup,
            };
            return Err(ReadError::new(of.local, problem));
        }
        let end = self.document.node(self.number).map_or(0, |n| n.end);
        let mut children = Children {
            document: self.document,
            of: of.local,
            next: self.number + 1,
            end,
        };
        children.skip_to_element();
        Ok(children)
    }
}

/// A cursor over the elements inside an element.
#[derive(Clone)]
pub struct Children<'d> {
    document: &'d Document<'d>,
    of: &'static str,
    next: u32,
    end: u32,
}

impl<'d> Children<'d> {
    fn skip_to_element(&mut self) {
        while self.next < self.end {
            match self.document.node(self.next) {
                Some(node) if !matches!(node.kind, NodeKind::Element(_)) => self.next = node.end,
                _ => return,
            }
        }
    }

    /// The element that would be taken next.
    #[must_use]
    pub fn peek(&self) -> Option<Element<'d>> {
        (self.next < self.end).then_some(Element {
            document: self.document,
            number: self.next,
        })
    }

    /// Takes the next element, whatever it is.
    pub fn any(&mut self) -> Option<Element<'d>> {
        let element = self.peek()?;
        self.next = self.document.node(self.next).map_or(self.end, |n| n.end);
        self.skip_to_element();
        Some(element)
    }

    /// Takes the next element if it has this name; call it in a loop for `maxOccurs`.
    pub fn optional(&mut self, name: Name) -> Option<Element<'d>> {
        if self.peek()?.is(name) {
            self.any()
        } else {
            None
        }
    }

    /// Takes the next element, which must have this name.
    ///
    /// # Errors
    /// [`ReadProblem::MissingElement`].
    pub fn required(&mut self, name: Name) -> Result<Element<'d>, ReadError> {
        self.optional(name).ok_or(ReadError::new(
            self.of,
            ReadProblem::MissingElement(name.local),
        ))
    }

    /// Ends the reading: nothing may be left.
    ///
    /// # Errors
    /// [`ReadProblem::UnexpectedElement`].
    pub fn finish(self) -> Result<(), ReadError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(ReadError::new(self.of, ReadProblem::UnexpectedElement)),
        }
    }
}
