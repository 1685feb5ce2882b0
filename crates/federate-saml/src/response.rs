//! The response to an AuthnRequest (`[SAMLCore] 3.3.3`).

mod verified;

pub(crate) use verified::verify_covered;
pub use verified::{Coverage, VerifiedResponse, verify_response, verify_simple_sign_response};

use crate::assertion::Assertion;
use crate::extensions::Extensions;
use crate::message::{StatusResponse, write_head, write_id, write_in_response_to, write_status};
use crate::names::{ASSERTION, ENCRYPTED_ASSERTION, RESPONSE};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, MessageId, Status};
use federate_xml::{Children, Element, FromElement, Name, ReadError, ReadProblem, Writer};

/// An identity provider's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its identifier.
    pub id: MessageId,
    /// When it was made.
    pub issue_instant: DateTime<Utc>,
    /// Where it was sent.
    pub destination: Option<String>,
    /// The request that it answers; none if nobody asked.
    pub in_response_to: Option<MessageId>,
    /// Who answers.
    pub issuer: Option<EntityId>,
    /// What else it says, in other vocabularies.
    pub extensions: Extensions,
    /// How it went.
    pub status: Status,
    /// The assertions, those that are encrypted not among them.
    pub assertions: Vec<Assertion>,
}

impl FromElement for Response {
    const ELEMENT: Name = RESPONSE;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let (mut response, mut children) = Self::envelope(element)?;
        while let Some(child) = children.any() {
            if child.is(ASSERTION) {
                response.assertions.push(Assertion::from_element(child)?);
            } else if !child.is(ENCRYPTED_ASSERTION) {
                let problem = ReadProblem::UnexpectedElement;
                return Err(ReadError::new(RESPONSE.local, problem));
            }
        }
        Ok(response)
    }
}

impl Response {
    /// Everything but the assertions, which are left in the cursor.
    fn envelope(element: Element<'_>) -> Result<(Self, Children<'_>), ReadError> {
        let known = [
            "Version",
            "ID",
            "IssueInstant",
            "Destination",
            "InResponseTo",
            "Consent",
        ];
        element.only_attributes(RESPONSE, &known)?;
        let (head, children) = StatusResponse::read(element, RESPONSE)?;
        let response = Self {
            id: head.id,
            issue_instant: head.issue_instant,
            destination: head.destination,
            in_response_to: head.in_response_to,
            issuer: head.issuer,
            extensions: head.extensions,
            status: head.status,
            assertions: Vec::new(),
        };
        Ok((response, children))
    }

    /// Writes the response around assertions that were written (and signed) before; its own
    /// `assertions` are not written.
    pub fn write_around(&self, w: &mut Writer, assertions: &[Vec<u8>]) {
        w.start(RESPONSE);
        write_id(w, &self.id, self.issue_instant, self.destination.as_deref());
        write_in_response_to(w, self.in_response_to.as_ref());
        write_head(w, RESPONSE, self.issuer.as_ref(), &self.extensions);
        write_status(w, &self.status);
        for assertion in assertions {
            w.embed(assertion);
        }
        w.end();
    }
}
