//! Requests to end sessions, and the answers (`[SAMLCore] 3.7`).

use crate::message::{
    invalid, read_head, read_id, read_message_id, read_status, write_id, write_issuer, write_status,
};
use crate::names::{LOGOUT_REQUEST, LOGOUT_RESPONSE, NAME_ID, SESSION_INDEX, STATUS};
use crate::subject::{read_name_id, write_name_id};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, MessageId, NameId, SessionIndex, Status};
use federate_xml::{Element, FromElement, Name, ReadError, Writer};

/// The person logs out from the application by their own will (`[SAMLCore] 3.7.3`).
pub const REASON_USER: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";

/// One party asks another to end a person's sessions.
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
    /// Whose sessions.
    pub name_id: NameId,
    /// Which sessions; all of that person if there is none.
    pub session_indexes: Vec<SessionIndex>,
}

/// The answer to a [`LogoutRequest`].
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
    /// How it went.
    pub status: Status,
}

impl FromElement for LogoutRequest {
    const ELEMENT: Name = LOGOUT_REQUEST;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let of = LOGOUT_REQUEST;
        let (id, issue_instant) = read_id(element, of)?;
        let mut children = element.children(of)?;
        let issuer = read_head(&mut children)?;
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
            name_id,
            session_indexes,
        })
    }
}

impl LogoutRequest {
    /// Writes the request; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        w.start(LOGOUT_REQUEST);
        write_id(w, &self.id, self.issue_instant);
        w.optional_attribute(Name::local("Destination"), self.destination.as_deref());
        if let Some(instant) = self.not_on_or_after {
            w.instant(Name::local("NotOnOrAfter"), instant);
        }
        w.optional_attribute(Name::local("Reason"), self.reason.as_deref());
        if let Some(issuer) = &self.issuer {
            write_issuer(w, issuer);
        }
        w.signature_belongs_here();
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
        let of = LOGOUT_RESPONSE;
        let (id, issue_instant) = read_id(element, of)?;
        let mut children = element.children(of)?;
        let issuer = read_head(&mut children)?;
        let status = read_status(children.required(STATUS)?)?;
        children.finish()?;
        Ok(Self {
            id,
            issue_instant,
            destination: element.attribute("Destination").map(str::to_owned),
            in_response_to: read_message_id(element, of, "InResponseTo")?,
            issuer,
            status,
        })
    }
}

impl LogoutResponse {
    /// Writes the response; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        w.start(LOGOUT_RESPONSE);
        write_id(w, &self.id, self.issue_instant);
        w.optional_attribute(Name::local("Destination"), self.destination.as_deref());
        let in_response_to = self.in_response_to.as_ref().map(MessageId::as_str);
        w.optional_attribute(Name::local("InResponseTo"), in_response_to);
        if let Some(issuer) = &self.issuer {
            write_issuer(w, issuer);
        }
        w.signature_belongs_here();
        write_status(w, &self.status);
        w.end();
    }
}
