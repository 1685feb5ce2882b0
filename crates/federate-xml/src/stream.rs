//! Documents that are too large to hold, read part by part in one pass.
//!
//! A [`Stream`] opens the root and the elements that are named to it, such as groups of entities,
//! and hands whatever else lies in them to a [`Visitor`], each as one [`Part`]. It reads by the
//! rules of [`Document::parse`], with the same parser, and needs memory for the largest part, not
//! for the document.
//!
//! A signed document is written to a sink as it was signed: the sink gets the canonical octets
//! while they are hashed, and what the visitor sees is read from them. It becomes
//! [`Verified`] when the digest was compared, at the end.

mod canonical;
mod head;
mod plain;
mod source;

pub use head::SignedHead;

use crate::dsig::{SignatureError, SignatureStructure, VerificationContext};
use crate::error::ParseError;
use crate::limits::Limits;
use crate::name::Name;
use crate::parse::window::{Pieces, Progress};
use crate::read::{ReadError, ReadProblem};
use crate::tree::{Document, Element};
use crate::verified::{Verified, XmlError};
use source::Source;
use std::fmt;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

/// What reading a [`Stream`] may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Octets of the document; 1 GiB.
    pub bytes: u64,
    /// Octets that are read at once; 256 KiB.
    pub window: usize,
    /// What one part may cost: 4 MiB, 200,000 nodes. The largest entity known to us has 0.5 MB.
    pub part: Limits,
    /// Element IDs in the document; 500,000. Each needs some 16 octets of memory.
    pub ids: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            bytes: 1024 * 1024 * 1024,
            window: 256 * 1024,
            part: Limits {
                bytes: 4 * 1024 * 1024,
                nodes: 200_000,
                attributes_per_element: 256,
                namespaces: 1024,
                processing_instructions: true,
                ..Limits::default()
            },
            ids: 500_000,
        }
    }
}

/// Why a stream was not read to its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The octets could not be read.
    #[error("the document cannot be read: {0}")]
    Input(io::ErrorKind),
    /// The canonical octets could not be written.
    #[error("the document cannot be stored: {0}")]
    Output(io::ErrorKind),
    /// The document is refused.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

impl StreamError {
    /// The stable machine code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Input(_) => "stream.input",
            Self::Output(_) => "stream.output",
            Self::Xml(error) => error.code(),
        }
    }
}

impl From<ParseError> for StreamError {
    fn from(error: ParseError) -> Self {
        Self::Xml(error.into())
    }
}

impl From<SignatureError> for StreamError {
    fn from(error: SignatureError) -> Self {
        Self::Xml(error.into())
    }
}

impl From<ReadError> for StreamError {
    fn from(error: ReadError) -> Self {
        Self::Xml(error.into())
    }
}

/// What is told of a document while it is read.
pub trait Visitor {
    /// Why reading stops.
    type Error: From<StreamError>;

    /// A container begins: the root, or an element that the stream opens. There is only its start
    /// tag.
    ///
    /// # Errors
    /// Whatever ends the reading.
    fn open(&mut self, tag: &Part<'_>) -> Result<(), Self::Error>;

    /// An element in the innermost container.
    ///
    /// # Errors
    /// Whatever ends the reading.
    fn part(&mut self, part: &Part<'_>) -> Result<(), Self::Error>;

    /// The innermost container ends, before this octet. What stood in it that is neither an
    /// element nor a comment nor white space is told as by [`Element::children`].
    ///
    /// # Errors
    /// Whatever ends the reading.
    fn close(&mut self, end: u64, unexpected: Option<ReadProblem>) -> Result<(), Self::Error>;
}

/// The namespaces that are declared around a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope(Arc<[(Box<str>, Box<str>)]>);

impl Scope {
    fn declared(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(prefix, name)| (&**prefix, &**name))
    }

    /// This one, with what an element inside declares.
    fn with<'a>(&self, declared: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = self.0.to_vec();
        for (prefix, name) in declared {
            all.retain(|(known, _)| **known != *prefix);
            all.push((prefix.into(), name.into()));
        }
        // An element that declares nothing has the scope around it, not a copy.
        match all == *self.0 {
            true => self.clone(),
            false => Self(all.into()),
        }
    }

    /// Parses an element that lay in this scope: the octets of a [`Part`].
    ///
    /// # Errors
    /// [`ParseError`], as [`Document::parse`] refuses.
    pub fn parse<'s>(
        &'s self,
        octets: &'s [u8],
        limits: &Limits,
    ) -> Result<Document<'s>, ParseError> {
        Document::parse_where(octets, self.declared(), limits)
    }

    /// Whether it is the very same, not only an equal one.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// An element of a document that is read in parts.
///
/// Of a document that is verified these are canonical octets, and the offsets are in what the sink
/// gets; otherwise they are octets as they came.
pub struct Part<'a> {
    octets: &'a str,
    /// The length of the start tag.
    tag: usize,
    start: u64,
    scope: &'a Scope,
    limits: &'a Limits,
}

impl Part<'_> {
    /// The octets of the element.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.as_bytes()
    }

    /// Where they lie.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.start..self.start + self.octets.len() as u64
    }

    /// What is declared around the element.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        self.scope
    }

    /// The element by its start tag alone: name and attributes, and nothing inside.
    ///
    /// # Errors
    /// [`ParseError`]; not to be expected, for it was parsed before.
    pub fn tag(&self) -> Result<Document<'_>, ParseError> {
        let tag = self.octets.get(..self.tag).unwrap_or_default();
        // There are many parts, and in a large scope a tag uses little of it.
        let may_be_used = |prefix: &str| {
            let mut found = memchr::memmem::find_iter(tag.as_bytes(), prefix);
            prefix.is_empty()
                || found.any(|at| tag.as_bytes().get(at + prefix.len()) == Some(&b':'))
        };
        let declared = self.scope.declared().filter(|(p, _)| may_be_used(p));
        Document::parse_tag(tag, declared, self.limits)
    }

    /// The whole element.
    ///
    /// # Errors
    /// [`ParseError`]; not to be expected, for it was parsed before.
    pub fn document(&self) -> Result<Document<'_>, ParseError> {
        self.scope.parse(self.octets(), self.limits)
    }
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({:?})", self.range())
    }
}

/// A document that is read part by part.
///
/// ```
/// use federate_xml::{Name, Part, ReadProblem, Stream, StreamError, StreamLimits, Visitor};
///
/// #[derive(Default)]
/// struct Names(Vec<String>);
///
/// impl Visitor for Names {
///     type Error = StreamError;
///     fn open(&mut self, _tag: &Part<'_>) -> Result<(), StreamError> {
///         Ok(())
///     }
///     fn part(&mut self, part: &Part<'_>) -> Result<(), StreamError> {
///         self.0.push(part.tag()?.root().local_name().to_owned());
///         Ok(())
///     }
///     fn close(&mut self, _end: u64, _unexpected: Option<ReadProblem>) -> Result<(), StreamError> {
///         Ok(())
///     }
/// }
///
/// let octets = b"<list><a/><list><b>...</b></list></list>";
/// let containers = [Name::local("list")];
/// let stream = Stream::new(&octets[..], &containers, StreamLimits::default());
/// assert_eq!(stream.read_unsigned(Names::default())?.0, ["a", "b"]);
/// # Ok::<(), StreamError>(())
/// ```
pub struct Stream<'n, R> {
    source: Source<R>,
    containers: &'n [Name],
    limits: StreamLimits,
}

impl<R> fmt::Debug for Stream<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("containers", &self.containers)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl<'n, R: Read> Stream<'n, R> {
    /// A stream that opens the root, and inside it the elements of these names.
    pub fn new(input: R, containers: &'n [Name], limits: StreamLimits) -> Self {
        Self {
            source: Source::new(input, &limits),
            containers,
            limits,
        }
    }

    /// Reads the document although nobody signed it, or although nobody looked.
    ///
    /// # Errors
    /// [`StreamError`] as the visitor's error, or whatever the visitor refuses.
    pub fn read_unsigned<V: Visitor>(mut self, visitor: V) -> Result<V, V::Error> {
        let limits = self.limits;
        let mut plain = plain::Plain::new(visitor, self.containers, &limits, None);
        drive(&mut self.source, &limits, &mut plain)?;
        Ok(plain.into_visitor())
    }

    /// The beginning of a signed document: the root's start tag, the signature, which must be the
    /// first element in the root (`[SAMLMeta] 2.3.1`), and the root's end tag. Nothing is taken
    /// from the stream.
    ///
    /// Nobody has verified it yet: [`VerificationContext::verify_head`] does.
    ///
    /// # Errors
    /// [`StreamError::Xml`] with [`SignatureError::Missing`] when the first element in the root is
    /// no signature, and when the octets so far are refused.
    pub fn head(&mut self) -> Result<Vec<u8>, StreamError> {
        let mut finder = head::Finder::default();
        loop {
            let mut progress = Progress::new(&self.limits.part, self.limits.ids);
            let (text, last) = self.source.window()?;
            progress.advance(text, last, &mut finder)?;
            if let Some(head) = finder.take() {
                return Ok(head?);
            }
            if last {
                return Err(SignatureError::Missing.into());
            }
            self.source.grow()?;
        }
    }

    /// Reads the document that this head begins, and writes it to the sink as it was signed,
    /// without the signature.
    ///
    /// # Errors
    /// [`StreamError`] as the visitor's error, above all [`SignatureError::DigestMismatch`] when
    /// it is not what was signed; or whatever the visitor refuses. What the sink got is worth
    /// nothing then.
    pub fn verify<V: Visitor, W: Write>(
        mut self,
        head: &SignedHead,
        context: &VerificationContext<'_>,
        visitor: V,
        sink: W,
    ) -> Result<Verified<V>, V::Error> {
        let limits = self.limits;
        let mut canonical =
            canonical::Canonical::new(visitor, self.containers, &limits, head, context, sink);
        drive(&mut self.source, &limits, &mut canonical)?;
        canonical.finish()
    }

    /// Reads the document that [`verify`](Self::verify) wrote to its sink: its octets as they are
    /// must be what was signed.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_again<V: Visitor>(
        mut self,
        head: &SignedHead,
        context: &VerificationContext<'_>,
        visitor: V,
    ) -> Result<Verified<V>, V::Error> {
        let limits = self.limits;
        let algorithm = head.reference().digest_algorithm;
        self.source
            .digest(context.provider.digester.start(algorithm));
        let id = head.reference().id.as_deref();
        let mut plain = plain::Plain::new(visitor, self.containers, &limits, id);
        drive(&mut self.source, &limits, &mut plain)?;
        let digest = self.source.finish_digest();
        head.check(digest.as_ref()).map_err(StreamError::from)?;
        Ok(Verified::new(
            plain.into_visitor(),
            head.signed_by().clone(),
        ))
    }
}

/// Moves the window over the document.
fn drive<R: Read, P: Pieces<Error: From<StreamError>>>(
    source: &mut Source<R>,
    limits: &StreamLimits,
    pieces: &mut P,
) -> Result<(), P::Error> {
    let mut progress = Progress::new(&limits.part, limits.ids);
    loop {
        let (text, last) = source.window()?;
        let consumed = progress.advance(text, last, pieces)?;
        if last {
            return Ok(());
        }
        source.consume(consumed);
        if consumed == 0 {
            source.grow()?;
        }
    }
}

fn is_one_of(element: Element<'_>, names: &[Name]) -> bool {
    names.iter().any(|name| element.is(*name))
}

/// [SAMLCore] 5.4.2: the element is that to which the signature refers.
fn check_id(element: Element<'_>, id: Option<&str>) -> Result<(), SignatureError> {
    let Some(id) = id else {
        return Ok(()); // the whole document is the root
    };
    match crate::dsig::own_id(element)? == id {
        true => Ok(()),
        false => Err(SignatureError::Malformed(
            SignatureStructure::ReferenceElsewhere,
        )),
    }
}
