use std::fmt;

/// Why a document was refused by the parser, and where.
///
/// The text of the document is not part of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("XML refused at byte {offset}: {kind}")]
pub struct ParseError {
    /// The octet of the input at which the problem was noticed.
    pub offset: usize,
    /// What the problem is.
    pub kind: ParseErrorKind,
}

impl ParseError {
    pub(crate) const fn new(offset: usize, kind: ParseErrorKind) -> Self {
        Self { offset, kind }
    }

    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        use ParseErrorKind as K;
        match self.kind {
            K::InvalidUtf8 => "xml.invalid_utf8",
            K::UnsupportedEncoding => "xml.unsupported_encoding",
            K::UnsupportedVersion => "xml.unsupported_version",
            K::InvalidCharacter => "xml.invalid_character",
            K::DoctypeForbidden => "xml.doctype_forbidden",
            K::ProcessingInstructionForbidden => "xml.processing_instruction_forbidden",
            K::UnknownEntity => "xml.unknown_entity",
            K::NotWellFormed(_) => "xml.not_well_formed",
            K::UndeclaredPrefix => "xml.undeclared_prefix",
            K::InvalidNamespaceDeclaration => "xml.invalid_namespace_declaration",
            K::RelativeNamespace => "xml.relative_namespace",
            K::DuplicateAttribute => "xml.duplicate_attribute",
            K::DuplicateId => "xml.duplicate_id",
            K::LimitExceeded { .. } => "xml.limit_exceeded",
        }
    }
}

/// The kinds of problem that the parser refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The input is not UTF-8.
    InvalidUtf8,
    /// The XML declaration names an encoding other than UTF-8.
    UnsupportedEncoding,
    /// The XML declaration names a version other than 1.0.
    UnsupportedVersion,
    /// A character that XML 1.0 does not allow (production 2).
    InvalidCharacter,
    /// A document type declaration: entities, external files and two readings of one
    /// document begin there.
    DoctypeForbidden,
    /// A processing instruction where the limits allow none.
    ProcessingInstructionForbidden,
    /// An entity reference other than the five predefined ones.
    UnknownEntity,
    /// A violation of XML 1.0's grammar.
    NotWellFormed(&'static str),
    /// A prefix without declaration (`[XMLNames] 5`).
    UndeclaredPrefix,
    /// A declaration that `[XMLNames] 3` reserves or forbids, or whose name is no URI.
    InvalidNamespaceDeclaration,
    /// A relative namespace name: canonicalization of it is undefined (`[C14N] 1.3`).
    RelativeNamespace,
    /// Two attributes of one element with the same expanded name.
    DuplicateAttribute,
    /// Two elements with the same identifier.
    DuplicateId,
    /// A limit of [`crate::Limits`] was reached.
    LimitExceeded {
        /// Which limit.
        limit: &'static str,
        /// Its value.
        allowed: usize,
    },
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidUtf8 => f.write_str("not UTF-8"),
            Self::UnsupportedEncoding => f.write_str("an encoding other than UTF-8 is declared"),
            Self::UnsupportedVersion => f.write_str("a version other than XML 1.0 is declared"),
            Self::InvalidCharacter => f.write_str("a character that XML 1.0 does not allow"),
            Self::DoctypeForbidden => f.write_str("a document type declaration is not allowed"),
            Self::ProcessingInstructionForbidden => {
                f.write_str("a processing instruction is not allowed here")
            }
            Self::UnknownEntity => f.write_str("an entity other than the five predefined ones"),
            Self::NotWellFormed(what) => write!(f, "not well-formed: {what}"),
            Self::UndeclaredPrefix => f.write_str("a namespace prefix that is not declared"),
            Self::InvalidNamespaceDeclaration => {
                f.write_str("a namespace declaration that is reserved, empty or not a URI")
            }
            Self::RelativeNamespace => f.write_str("a relative namespace name"),
            Self::DuplicateAttribute => f.write_str("an attribute occurs twice"),
            Self::DuplicateId => f.write_str("two elements have the same ID"),
            Self::LimitExceeded { limit, allowed } => {
                write!(f, "more than the {allowed} allowed for {limit}")
            }
        }
    }
}
