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

const NAMESPACE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ENVELOPE: Name = soap("Envelope");
const HEADER: Name = soap("Header");
const BODY: Name = soap("Body");
const FAULT: Name = soap("Fault");
const FAULT_CODE: Name = Name::local("faultcode");
const FAULT_STRING: Name = Name::local("faultstring");

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
#[must_use]
pub fn envelope(message: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.start(ENVELOPE);
    w.start(BODY);
    w.embed(message);
    w.finish()
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
/// verified by its own signature.
///
/// # Errors
/// [`BindingError::MustUnderstand`] and [`BindingError::SoapFault`]; [`SamlError::Xml`] when the
/// envelope is not one of SOAP 1.1, and when its body does not hold exactly one element, that of
/// `T`.
pub fn body<'i, T: FromElement>(
    octets: &'i [u8],
    limits: &Limits,
) -> Result<Unverified<'i, T>, SamlError> {
    Unverified::<Envelope>::parse(octets, limits)?.inside(message)
}

/// The one element in the body.
fn message(root: Element<'_>) -> Result<Element<'_>, SamlError> {
    let mut parts = root.children(ENVELOPE)?;
    if let Some(header) = parts.optional(HEADER) {
        understood(header)?;
    }
    let body = parts.required(BODY)?;
    parts.finish()?;
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

/// What is around the message; nothing of it is read.
struct Envelope;

impl FromElement for Envelope {
    const ELEMENT: Name = ENVELOPE;

    fn from_element(_: Element<'_>) -> Result<Self, ReadError> {
        Ok(Self)
    }
}

/// `[SOAP] 4.2.3`: no header block has a meaning for us, so none may insist on having one.
fn understood(header: Element<'_>) -> Result<(), SamlError> {
    let mut blocks = header.children(HEADER)?;
    while let Some(block) = blocks.any() {
        let insists = block.attribute_in(NAMESPACE, "mustUnderstand");
        if insists.is_some_and(|flag| flag.trim() != "0") {
            return Err(BindingError::MustUnderstand.into());
        }
    }
    Ok(())
}
