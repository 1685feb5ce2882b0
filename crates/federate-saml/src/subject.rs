//! The subject of an assertion (`[SAMLCore] 2.4`).

use crate::message::{invalid, read_message_id};
use crate::names::{NAME_ID, SUBJECT, SUBJECT_CONFIRMATION, SUBJECT_CONFIRMATION_DATA};
use chrono::{DateTime, Utc};
use federate_types::{EntityId, MessageId, NameId, NameIdFormat};
use federate_xml::{Element, Name, ReadError, Writer};

/// Whoever bears the assertion is its subject (`[SAMLProf] 3.3`).
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// Whom an assertion is about, and who may present it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The person's name between the two parties.
    pub name_id: Option<NameId>,
    /// Who may present the assertion.
    pub confirmations: Vec<SubjectConfirmation>,
}

/// `[SAMLCore] 2.4.1.1` with its data, `2.4.1.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectConfirmation {
    /// How the presenter is confirmed, such as [`BEARER`].
    pub method: String,
    /// The first instant at which it may be presented.
    pub not_before: Option<DateTime<Utc>>,
    /// The first instant at which it may no longer be presented.
    pub not_on_or_after: Option<DateTime<Utc>>,
    /// The address at which it may be presented.
    pub recipient: Option<String>,
    /// The request that it answers.
    pub in_response_to: Option<MessageId>,
}

impl Subject {
    pub(crate) fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let mut children = element.children(SUBJECT)?;
        let name_id = children.optional(NAME_ID).map(read_name_id).transpose()?;
        let mut confirmations = Vec::new();
        while let Some(confirmation) = children.optional(SUBJECT_CONFIRMATION) {
            confirmations.push(SubjectConfirmation::read(confirmation)?);
        }
        children.finish()?;
        Ok(Self {
            name_id,
            confirmations,
        })
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.start(SUBJECT);
        if let Some(name_id) = &self.name_id {
            write_name_id(w, name_id);
        }
        for confirmation in &self.confirmations {
            confirmation.write(w);
        }
        w.end();
    }
}

impl SubjectConfirmation {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let of = SUBJECT_CONFIRMATION_DATA;
        let mut children = element.children(SUBJECT_CONFIRMATION)?;
        children.optional(NAME_ID); // of the presenter: bearer has none
        let data = children.optional(of);
        children.finish()?;
        let method = element.required(SUBJECT_CONFIRMATION, "Method")?.to_owned();
        let Some(data) = data else {
            return Ok(Self {
                method,
                not_before: None,
                not_on_or_after: None,
                recipient: None,
                in_response_to: None,
            });
        };
        Ok(Self {
            method,
            not_before: data.instant(of, "NotBefore")?,
            not_on_or_after: data.instant(of, "NotOnOrAfter")?,
            recipient: data.attribute("Recipient").map(str::to_owned),
            in_response_to: read_message_id(data, of, "InResponseTo")?,
        })
    }

    fn write(&self, w: &mut Writer) {
        w.start(SUBJECT_CONFIRMATION);
        w.attribute(Name::local("Method"), &self.method);
        w.start(SUBJECT_CONFIRMATION_DATA);
        if let Some(instant) = self.not_before {
            w.instant(Name::local("NotBefore"), instant);
        }
        if let Some(instant) = self.not_on_or_after {
            w.instant(Name::local("NotOnOrAfter"), instant);
        }
        w.optional_attribute(Name::local("Recipient"), self.recipient.as_deref());
        let in_response_to = self.in_response_to.as_ref().map(MessageId::as_str);
        w.optional_attribute(Name::local("InResponseTo"), in_response_to);
        w.end();
        w.end();
    }
}

/// `[SAMLCore] 2.2.3`. The text is the name, byte for byte.
pub(crate) fn read_name_id(element: Element<'_>) -> Result<NameId, ReadError> {
    let format = element.attribute("Format").map(NameIdFormat::from_uri);
    let qualifier = |attribute| {
        element
            .attribute(attribute)
            .filter(|q| !q.is_empty())
            .map(|q| EntityId::new(q).map_err(invalid(NAME_ID)))
            .transpose()
    };
    let mut name_id = NameId::new(element.text()?, format).map_err(invalid(NAME_ID))?;
    name_id.name_qualifier = qualifier("NameQualifier")?;
    name_id.sp_name_qualifier = qualifier("SPNameQualifier")?;
    Ok(name_id)
}

/// `[SAMLCore] 2.2.3`.
pub(crate) fn write_name_id(w: &mut Writer, name_id: &NameId) {
    w.start(NAME_ID);
    let entity = |id: &Option<EntityId>| id.as_ref().map(|id| id.as_str().to_owned());
    let format = name_id.format.as_ref().map(NameIdFormat::uri);
    w.optional_attribute(Name::local("Format"), format);
    let qualifier = entity(&name_id.name_qualifier);
    w.optional_attribute(Name::local("NameQualifier"), qualifier.as_deref());
    let qualifier = entity(&name_id.sp_name_qualifier);
    w.optional_attribute(Name::local("SPNameQualifier"), qualifier.as_deref());
    w.text(name_id.value());
    w.end();
}
