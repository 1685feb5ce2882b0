//! What every SAML message has: reading and writing it once.

use crate::encrypted::Encryptable;
use crate::extensions::Extensions;
use crate::names::{
    EXTENSIONS, ISSUER, SIGNATURE, STATUS, STATUS_CODE, STATUS_DETAIL, STATUS_MESSAGE,
};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, InvalidValue, MessageId, Status, StatusCode};
use federate_xml::{Children, Element, Name, ReadError, ReadProblem, Writer};

const ENTITY_FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";

/// Turns the refusal of a value's type into one of the element that holds it.
pub(crate) fn invalid(of: Name) -> impl FnOnce(InvalidValue) -> ReadError {
    move |e| {
        let problem = ReadProblem::InvalidValue {
            what: e.what,
            expected: e.expected,
        };
        ReadError::new(of.local, problem)
    }
}

/// `[SAMLCore] 3.2.1` and `2.3.3`: version 2.0, an ID and an instant.
pub(crate) fn read_id(
    element: Element<'_>,
    of: Name,
) -> Result<(MessageId, DateTime<Utc>), ReadError> {
    if element.required(of, "Version")? != "2.0" {
        let problem = ReadProblem::InvalidValue {
            what: "Version",
            expected: "2.0",
        };
        return Err(ReadError::new(of.local, problem));
    }
    let id = MessageId::new(element.required(of, "ID")?).map_err(invalid(of))?;
    let missing = ReadError::new(of.local, ReadProblem::MissingAttribute("IssueInstant"));
    Ok((id, element.instant(of, "IssueInstant")?.ok_or(missing)?))
}

/// An attribute that holds a message identifier.
pub(crate) fn read_message_id(
    element: Element<'_>,
    of: Name,
    attribute: &str,
) -> Result<Option<MessageId>, ReadError> {
    element
        .attribute(attribute)
        .map(|id| MessageId::new(id).map_err(invalid(of)))
        .transpose()
}

/// `[SAMLCore] 2.2.5`: an entity identifier, in no other format.
pub(crate) fn read_issuer(issuer: Element<'_>) -> Result<EntityId, ReadError> {
    if issuer
        .attribute("Format")
        .is_some_and(|f| f != ENTITY_FORMAT)
    {
        let problem = ReadProblem::InvalidValue {
            what: "Issuer/@Format",
            expected: ENTITY_FORMAT,
        };
        return Err(ReadError::new(ISSUER.local, problem));
    }
    EntityId::new(issuer.text()?).map_err(invalid(ISSUER))
}

/// The elements that begin every message: Issuer, Signature, Extensions (`[SAMLCore] 3.2`).
/// The signature was verified before or does not count.
pub(crate) fn read_head(
    children: &mut Children<'_>,
) -> Result<(Option<EntityId>, Extensions), ReadError> {
    let issuer = children.optional(ISSUER).map(read_issuer).transpose()?;
    children.optional(SIGNATURE);
    let extensions = Extensions::read(children.optional(EXTENSIONS))?;
    Ok((issuer, extensions))
}

/// Writes the elements that begin a message whose root is `root`.
pub(crate) fn write_head(
    w: &mut Writer,
    root: Name,
    issuer: Option<&EntityId>,
    extensions: &Extensions,
) {
    if let Some(issuer) = issuer {
        write_issuer(w, issuer);
    }
    w.signature_belongs_here();
    extensions.write(w, root);
}

/// Writes version, ID, instant and destination.
pub(crate) fn write_id(
    w: &mut Writer,
    id: &MessageId,
    issue_instant: DateTime<Utc>,
    destination: Option<&str>,
) {
    w.attribute(Name::local("ID"), id.as_str());
    w.attribute(Name::local("Version"), "2.0");
    w.instant(Name::local("IssueInstant"), issue_instant);
    w.optional_attribute(Name::local("Destination"), destination);
}

/// Writes which request is answered.
pub(crate) fn write_in_response_to(w: &mut Writer, request: Option<&MessageId>) {
    w.optional_attribute(Name::local("InResponseTo"), request.map(MessageId::as_str));
}

pub(crate) fn write_issuer(w: &mut Writer, issuer: &EntityId) {
    w.element(ISSUER, issuer.as_str());
}

/// What every answer begins with (`[SAMLCore] 3.2.2`).
pub(crate) struct StatusResponse {
    pub(crate) id: MessageId,
    pub(crate) issue_instant: DateTime<Utc>,
    pub(crate) destination: Option<String>,
    pub(crate) in_response_to: Option<MessageId>,
    pub(crate) issuer: Option<EntityId>,
    pub(crate) extensions: Extensions,
    pub(crate) status: Status,
}

impl StatusResponse {
    /// Reads it, and leaves what follows in the cursor.
    pub(crate) fn read(element: Element<'_>, of: Name) -> Result<(Self, Children<'_>), ReadError> {
        let (id, issue_instant) = read_id(element, of)?;
        let mut children = element.children(of)?;
        let (issuer, extensions) = read_head(&mut children)?;
        let response = Self {
            id,
            issue_instant,
            destination: element.attribute("Destination").map(str::to_owned),
            in_response_to: read_message_id(element, of, "InResponseTo")?,
            issuer,
            extensions,
            status: read_status(children.required(STATUS)?)?,
        };
        Ok((response, children))
    }
}

/// `[SAMLCore] 3.2.2.1`.
pub(crate) fn read_status(status: Element<'_>) -> Result<Status, ReadError> {
    let mut children = status.children(STATUS)?;
    let code = children.required(STATUS_CODE)?;
    let mut inside = code.children(STATUS_CODE)?;
    let sub = inside.optional(STATUS_CODE);
    inside.finish()?;
    let value = |code: Element<'_>| {
        code.required(STATUS_CODE, "Value")
            .map(StatusCode::from_uri)
    };
    let message = children.optional(STATUS_MESSAGE);
    children.optional(STATUS_DETAIL);
    children.finish()?;
    Ok(Status {
        code: value(code)?,
        subcode: sub.map(value).transpose()?,
        message: message.map(|m| m.text()).transpose()?.map(Into::into),
    })
}

/// `[SAMLCore] 3.2.2.1`.
pub(crate) fn write_status(w: &mut Writer, status: &Status) {
    w.start(STATUS);
    w.start(STATUS_CODE);
    w.attribute(Name::local("Value"), &status.code.uri());
    if let Some(sub) = &status.subcode {
        w.start(STATUS_CODE);
        w.attribute(Name::local("Value"), &sub.uri());
        w.end();
    }
    w.end();
    if let Some(message) = &status.message {
        w.element(STATUS_MESSAGE, message);
    }
    w.end();
}

/// A message of the protocol: what the bindings need to know of it.
pub trait Message: Encryptable {
    /// Whether it travels as `SAMLRequest` or as `SAMLResponse`.
    const KIND: MessageKind;

    /// Its identifier.
    fn id(&self) -> &MessageId;

    /// Writes it, with a place for its signature.
    fn write(&self, w: &mut Writer);
}

/// Whether a message asks or answers: the parameter it travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl MessageKind {
    /// The name of the parameter (`[SAMLBind] 3.4.4.1`, `3.5.4`).
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

macro_rules! message {
    ($type:ty, $kind:ident) => {
        impl Message for $type {
            const KIND: MessageKind = MessageKind::$kind;

            fn id(&self) -> &MessageId {
                &self.id
            }

            fn write(&self, w: &mut Writer) {
                <$type>::write(self, w);
            }
        }
    };
}

message!(crate::AuthnRequest, Request);
message!(crate::LogoutRequest, Request);
message!(crate::LogoutResponse, Response);
message!(crate::ArtifactResolve, Request);
message!(crate::ArtifactResponse, Response);

/// The message without a signature inside: for the HTTP-Redirect binding.
#[must_use]
pub fn unsigned_xml(message: &impl Message) -> Vec<u8> {
    let mut w = Writer::new();
    message.write(&mut w);
    w.finish()
}

/// The message with an enveloped signature (`[SAMLCore] 5.2`).
///
/// # Errors
/// [`federate_crypto::CryptoError`] when the key refuses.
pub fn signed_xml(
    message: &impl Message,
    signer: &federate_xml::Signer,
) -> Result<Vec<u8>, federate_crypto::CryptoError> {
    let mut w = Writer::new();
    message.write(&mut w);
    signer.sign(w, message.id())
}
