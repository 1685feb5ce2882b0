//! Requests to end sessions, and the answers (`[SAMLCore] 3.7`).

use crate::extensions::{ASYNCHRONOUS, Extension, Extensions};
use crate::message::{
    StatusResponse, invalid, read_head, read_id, write_head, write_id, write_in_response_to,
    write_status,
};
use crate::names::{LOGOUT_REQUEST, LOGOUT_RESPONSE, NAME_ID, SESSION_INDEX};
use crate::subject::{read_name_id, write_name_id};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, MessageId, NameId, SessionIndex, Status};
use federate_xml::{Element, FromElement, Name, ReadError, Writer};

/// The person logs out from the application by their own will (`[SAMLCore] 3.7.3`).
pub const REASON_USER: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";

/// One party asks another to end a person's sessions (`[SAMLCore] 3.7.1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Its identifier, which the response repeats.
    pub id: MessageId,
    /// When it was made.
    pub issue_instant: DateTime<Utc>,
    /// Where it was sent.
    pub destination: Option<String>,
    /// The first instant at which it no longer counts.
    pub not_on_or_after: Option<DateTime<Utc>>,
    /// Why, by one of the specification's URIs.
    pub reason: Option<String>,
    /// Who asks.
    pub issuer: Option<EntityId>,
    /// What else it says, in other vocabularies.
    pub extensions: Extensions,
    /// Whose sessions.
    pub name_id: NameId,
    /// Which sessions; all of that person if there is none.
    pub session_indexes: Vec<SessionIndex>,
}

/// The answer to a [`LogoutRequest`] (`[SAMLCore] 3.7.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutResponse {
    /// Its identifier.
    pub id: MessageId,
    /// When it was made.
    pub issue_instant: DateTime<Utc>,
    /// Where it was sent.
    pub destination: Option<String>,
    /// The request that it answers.
    pub in_response_to: Option<MessageId>,
    /// Who answers.
    pub issuer: Option<EntityId>,
    /// What else it says, in other vocabularies.
    pub extensions: Extensions,
    /// How it went.
    pub status: Status,
}

impl FromElement for LogoutRequest {
    const ELEMENT: Name = LOGOUT_REQUEST;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let of = LOGOUT_REQUEST;
        let (id, issue_instant) = read_id(element, of)?;
        let mut children = element.children(of)?;
        let (issuer, extensions) = read_head(&mut children)?;
        let name_id = read_name_id(children.required(NAME_ID)?)?;
        let mut session_indexes = Vec::new();
        while let Some(index) = children.optional(SESSION_INDEX) {
            session_indexes.push(SessionIndex::new(index.text()?).map_err(invalid(of))?);
        }
        children.finish()?;
        Ok(Self {
            id,
            issue_instant,
            destination: element.attribute("Destination").map(str::to_owned),
            not_on_or_after: element.instant(of, "NotOnOrAfter")?,
            reason: element.attribute("Reason").map(str::to_owned),
            issuer,
            extensions,
            name_id,
            session_indexes,
        })
    }
}

impl LogoutRequest {
    /// Whether the sender wants no answer (`[AsyncSLO]`).
    #[must_use]
    pub fn asynchronous(&self) -> bool {
        self.extensions.find(ASYNCHRONOUS).is_some()
    }

    /// Asks for no answer (`[AsyncSLO]`): for peers whose metadata says that they understand it,
    /// as others answer all the same.
    pub fn set_asynchronous(&mut self) {
        if !self.asynchronous() {
            self.extensions.push(Extension::empty(ASYNCHRONOUS));
        }
    }

    /// Writes the request; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        w.start(LOGOUT_REQUEST);
        write_id(w, &self.id, self.issue_instant, self.destination.as_deref());
        if let Some(instant) = self.not_on_or_after {
            w.instant(Name::local("NotOnOrAfter"), instant);
        }
        w.optional_attribute(Name::local("Reason"), self.reason.as_deref());
        write_head(w, LOGOUT_REQUEST, self.issuer.as_ref(), &self.extensions);
        write_name_id(w, &self.name_id);
        for index in &self.session_indexes {
            w.element(SESSION_INDEX, index.as_str());
        }
        w.end();
    }
}

impl FromElement for LogoutResponse {
    const ELEMENT: Name = LOGOUT_RESPONSE;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let (head, children) = StatusResponse::read(element, LOGOUT_RESPONSE)?;
        children.finish()?;
        Ok(Self {
            id: head.id,
            issue_instant: head.issue_instant,
            destination: head.destination,
            in_response_to: head.in_response_to,
            issuer: head.issuer,
            extensions: head.extensions,
            status: head.status,
        })
    }
}

impl LogoutResponse {
    /// Writes the response; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        w.start(LOGOUT_RESPONSE);
        write_id(w, &self.id, self.issue_instant, self.destination.as_deref());
        write_in_response_to(w, self.in_response_to.as_ref());
        write_head(w, LOGOUT_RESPONSE, self.issuer.as_ref(), &self.extensions);
        write_status(w, &self.status);
        w.end();
    }
}
