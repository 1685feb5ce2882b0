//! SOAP (`[SAMLBind] 3.2`): the parties talk to each other, without a browser between them.
//!
//! A message inside an envelope keeps its own signature; the envelope vouches for nothing.

use crate::error::BindingError;
use crate::error::SamlError;
use federate_xml::{
    Element, FromElement, Limits, Name, ReadError, ReadProblem, Unverified, Writer,
};

/// The media type of an envelope (`[SOAP] 6`).
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";
/// The value of the `SOAPAction` header of requests (`[SAMLBind] 3.2.3`).
pub const ACTION: &str = "http://www.oasis-open.org/committees/security";

/// Whether a `Content-Type` is an envelope's: what SOAP 1.1 calls it, or what SOAP 1.2 does, by
/// which pysaml2 sends and answers. No page of another site can make a browser send either
/// without asking first.
///
/// ```
/// use federate_saml::binding::soap::{CONTENT_TYPE, is_content_type};
/// assert!(is_content_type(CONTENT_TYPE) && is_content_type("application/soap+xml"));
/// assert!(!is_content_type("text/html") && !is_content_type("text/plain; text/xml"));
/// ```
#[must_use]
pub fn is_content_type(value: &str) -> bool {
    let kind = value.split(';').next().unwrap_or("").trim();
    let known = ["text/xml", "application/soap+xml"];
    known.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

const NAMESPACE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ENVELOPE: Name = soap("Envelope");
const HEADER: Name = soap("Header");
const BODY: Name = soap("Body");
const FAULT: Name = soap("Fault");
const FAULT_CODE: Name = Name::local("faultcode");
const FAULT_STRING: Name = Name::local("faultstring");
const MUST_UNDERSTAND: &str = "mustUnderstand";
const ACTOR: &str = "actor";
/// The actor that is whoever reads next (`[SOAP] 4.2.2`).
pub const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

const fn soap(local: &'static str) -> Name {
    Name::new(NAMESPACE, "soap", local)
}

/// Whose fault it is (`[SOAP] 4.4.1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultCode {
    /// The envelope is of another version.
    VersionMismatch,
    /// A header block had to be understood and was not.
    MustUnderstand,
    /// The sender's.
    Client,
    /// The receiver's.
    Server,
    /// Something else, of the peer's own.
    Other,
}

impl FaultCode {
    const ALL: [(Self, &'static str); 4] = [
        (Self::VersionMismatch, "VersionMismatch"),
        (Self::MustUnderstand, "MustUnderstand"),
        (Self::Client, "Client"),
        (Self::Server, "Server"),
    ];

    /// `[SOAP] 4.4.1`: a code may be refined after a point.
    fn from_text(text: &str) -> Self {
        let local = text.split_once(':').map_or(text, |(_, local)| local);
        let general = local.split('.').next();
        let known = Self::ALL.iter().find(|(_, name)| Some(*name) == general);
        known.map_or(Self::Other, |(code, _)| *code)
    }

    fn text(self) -> &'static str {
        let known = Self::ALL.iter().find(|(code, _)| *code == self);
        known.map_or("Server", |(_, name)| name)
    }
}

/// Puts a message that was written (and signed) before into an envelope.
///
/// A byte order mark and an XML declaration are left out: they stand only before a document.
#[must_use]
pub fn envelope(message: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.start(ENVELOPE);
    body_of(w, message)
}

/// As [`envelope`], with header blocks: `headers` writes them, one after another, each begun and
/// ended. Blocks for the next reader are marked by [`for_next`].
///
/// ```
/// use federate_saml::binding::soap;
/// use federate_xml::Name;
/// let octets = soap::envelope_with(b"<a></a>", |w| {
///     w.start(Name::new("urn:x", "x", "Block"));
///     soap::for_next(w);
///     w.end();
/// });
/// assert!(String::from_utf8(octets)?.contains("<soap:Header><x:Block "));
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[must_use]
pub fn envelope_with(message: &[u8], headers: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    w.start(ENVELOPE);
    w.start(HEADER);
    headers(&mut w);
    w.end();
    body_of(w, message)
}

/// Marks the header block that was just begun as one for the next reader, which must understand
/// it (`[SOAP] 4.2.2`, `4.2.3`).
pub fn for_next(w: &mut Writer) {
    w.attribute(soap(MUST_UNDERSTAND), "1");
    addressed_to_next(w);
}

/// As [`for_next`], for a block that need not be understood.
pub fn addressed_to_next(w: &mut Writer) {
    w.attribute(soap(ACTOR), NEXT);
}

/// Ends the envelope with its body.
fn body_of(mut w: Writer, message: &[u8]) -> Vec<u8> {
    w.start(BODY);
    w.embed(without_prolog(message));
    w.finish()
}

/// The message without what may only begin a document: a byte order mark and an XML declaration
/// (`[XML] 2.8`; `[SOAP] 3` has neither inside an envelope).
fn without_prolog(message: &[u8]) -> &[u8] {
    let message = message
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(message);
    let declaration = message.strip_prefix(b"<?xml").filter(|rest| {
        // Not an instruction whose name begins so, as xml-stylesheet.
        rest.first().is_some_and(u8::is_ascii_whitespace)
    });
    let end = declaration.and_then(|rest| rest.windows(2).position(|two| two == b"?>"));
    match (declaration, end) {
        (Some(rest), Some(end)) => rest.get(end + 2..).unwrap_or_default(),
        _ => message,
    }
}

/// An envelope that says that no SAML message could be answered; every other failure is told
/// by the status of one (`[SAMLBind] 3.2.3.3`).
#[must_use]
pub fn fault(code: FaultCode, text: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.start(ENVELOPE);
    w.start(BODY);
    w.start(FAULT);
    w.element(FAULT_CODE, &format!("soap:{}", code.text()));
    w.element(FAULT_STRING, text);
    w.finish()
}

/// Takes the message out of an envelope, to find out who claims to have sent it, and to be
/// verified by its own signature. No header block has a meaning here.
///
/// # Errors
/// As [`Envelope::parse`] and [`Envelope::body`].
pub fn body<'i, T: FromElement>(
    octets: &'i [u8],
    limits: &Limits,
) -> Result<Unverified<'i, T>, SamlError> {
    Envelope::parse(octets, limits, &[])?.body()
}

/// An envelope as it came: header blocks that nothing vouches for, and a message.
#[derive(Debug)]
pub struct Envelope<'i>(Unverified<'i, Root>);

impl<'i> Envelope<'i> {
    /// Opens an envelope for a reader who understands the header blocks of these names.
    ///
    /// # Errors
    /// [`BindingError::MustUnderstand`] for another block that is addressed to us and must be
    /// understood; [`SamlError::Xml`] when the envelope is not one of SOAP 1.1, and when a block
    /// that is understood occurs twice.
    pub fn parse(
        octets: &'i [u8],
        limits: &Limits,
        understood: &[Name],
    ) -> Result<Self, SamlError> {
        let root = Unverified::<Root>::parse(octets, limits)?;
        let (blocks, _) = parts(root.root_hint())?;
        let mut seen = Vec::new();
        for block in blocks.into_iter().filter(is_for_us) {
            let Some(known) = understood.iter().find(|name| block.is(**name)) else {
                insists_not(block)?;
                continue;
            };
            // Two readers could take one each.
            if seen.contains(known) {
                return Err(ReadError::new(HEADER.local, ReadProblem::UnexpectedElement).into());
            }
            seen.push(*known);
        }
        Ok(Self(root))
    }

    /// The header block of this name that is addressed to us, if there is one. No signature
    /// covers it.
    #[must_use]
    pub fn block_hint(&self, name: Name) -> Option<Element<'_>> {
        let (blocks, _) = parts(self.0.root_hint()).ok()?;
        blocks
            .into_iter()
            .find(|block| block.is(name) && is_for_us(block))
    }

    /// The message, to be verified by its own signature.
    ///
    /// # Errors
    /// [`BindingError::SoapFault`]; [`SamlError::Xml`] when the body does not hold exactly one
    /// element, that of `T`.
    pub fn body<T: FromElement>(&self) -> Result<Unverified<'i, T>, SamlError> {
        self.0.inside(message)
    }
}

/// What is around the message; nothing of it is read.
#[derive(Debug)]
struct Root;

impl FromElement for Root {
    const ELEMENT: Name = ENVELOPE;

    fn from_element(_: Element<'_>) -> Result<Self, ReadError> {
        Ok(Self)
    }
}

/// The header blocks, and the body.
fn parts(root: Element<'_>) -> Result<(Vec<Element<'_>>, Element<'_>), ReadError> {
    let mut parts = root.children(ENVELOPE)?;
    let mut blocks = Vec::new();
    if let Some(header) = parts.optional(HEADER) {
        let mut inside = header.children(HEADER)?;
        blocks.extend(std::iter::from_fn(|| inside.any()));
    }
    let body = parts.required(BODY)?;
    parts.finish()?;
    Ok((blocks, body))
}

/// The one element in the body.
fn message(root: Element<'_>) -> Result<Element<'_>, SamlError> {
    let (_, body) = parts(root)?;
    // [SAMLBind] 3.2.2.1: one message, and nothing beside it.
    let mut inside = body.children(BODY)?;
    let missing = ReadError::new(BODY.local, ReadProblem::MissingElement("a message"));
    let message = inside.any().ok_or(missing)?;
    inside.finish()?;
    if message.is(FAULT) {
        let mut parts = message.children(FAULT)?;
        let code = parts.required(FAULT_CODE)?.trimmed_text()?;
        return Err(BindingError::SoapFault(FaultCode::from_text(&code)).into());
    }
    Ok(message)
}

/// `[SOAP] 4.2.2`: for the next reader, or, without an actor, for the last one; we are both.
fn is_for_us(block: &Element<'_>) -> bool {
    let actor = block.attribute_in(NAMESPACE, ACTOR).map(str::trim);
    actor.is_none_or(|actor| actor.is_empty() || actor == NEXT)
}

/// `[SOAP] 4.2.3`: a block that is not understood must not insist on being so.
fn insists_not(block: Element<'_>) -> Result<(), BindingError> {
    let insists = block.attribute_in(NAMESPACE, MUST_UNDERSTAND);
    if insists.is_some_and(|flag| flag.trim() != "0") {
        return Err(BindingError::MustUnderstand);
    }
    Ok(())
}
