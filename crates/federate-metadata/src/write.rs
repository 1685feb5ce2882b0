//! Writing entities in the order of the schema: strict consumers refuse any other.

use crate::duration::format_duration;
use crate::names::LANG;
use crate::{Endpoint, EntityDescriptor, IndexedEndpoint, KeyDescriptor, Localized, MetadataError};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{MessageId, NameIdFormat};
use federate_xml::{FromElement, MD, Name, Signer, Writer};

mod attribute;
mod authority;
mod extensions;
mod group;
mod key;
mod organization;
mod role;
mod ui;

/// What is declared around the extensions of an entity or a role.
const AROUND: [(&str, &str); 1] = [("md", MD)];

impl EntityDescriptor {
    /// Writes the entity into what is being written, in the order of the schema
    /// (`[SAMLMeta] 2.3.2`).
    ///
    /// Instants and durations are written in whole seconds, earlier rather than later. The
    /// schema wants at least one role, and at least one endpoint where responses
    /// (`assertion_consumer`) or requests (`single_sign_on`) go; this is not checked.
    pub fn write(&self, writer: &mut Writer) {
        self.start(writer, self.id.as_ref());
        self.write_inside(writer);
        writer.end();
    }

    /// The entity as a document.
    #[must_use]
    pub fn to_xml(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// The entity as a document with a signature over all of it (`[SAMLMeta] 3.1`).
    ///
    /// The element gets the given identifier instead of its own, and the signature stands
    /// first in it, where the schema puts it.
    ///
    /// # Errors
    /// [`MetadataError::Signing`] when the key refuses.
    pub fn to_signed_xml(&self, signer: &Signer, id: &MessageId) -> Result<Vec<u8>, MetadataError> {
        let mut writer = Writer::new();
        self.start(&mut writer, Some(id));
        writer.signature_belongs_here();
        self.write_inside(&mut writer);
        writer.end();
        Ok(signer.sign(writer, id)?)
    }

    fn start(&self, writer: &mut Writer, id: Option<&MessageId>) {
        writer.start(Self::ELEMENT);
        writer.attribute(Name::local("entityID"), self.entity_id.as_str());
        common_attributes(writer, id, self.valid_until, self.cache_duration);
    }

    fn write_inside(&self, writer: &mut Writer) {
        self.extensions.write(writer);
        if let Some(idp) = &self.idp {
            idp.write(writer);
        }
        if let Some(sp) = &self.sp {
            sp.write(writer);
        }
        if let Some(authority) = &self.authn_authority {
            authority.write(writer);
        }
        if let Some(authority) = &self.attribute_authority {
            authority.write(writer);
        }
        if let Some(pdp) = &self.pdp {
            pdp.write(writer);
        }
        for role in &self.other_roles {
            role.write(writer, &AROUND);
        }
        if let Some(affiliation) = &self.affiliation {
            affiliation.write(writer);
        }
        if let Some(organization) = &self.organization {
            organization.write(writer);
        }
        for contact in &self.contacts {
            contact.write(writer);
        }
        for more in &self.additional_metadata {
            writer.start(Name::md("AdditionalMetadataLocation"));
            writer.attribute(Name::local("namespace"), &more.namespace);
            writer.text(more.location.as_str());
            writer.end();
        }
    }
}

fn common_attributes(
    writer: &mut Writer,
    id: Option<&MessageId>,
    until: Option<DateTime<Utc>>,
    cache_duration: Option<TimeDelta>,
) {
    writer.optional_attribute(Name::local("ID"), id.map(MessageId::as_str));
    instant(writer, "validUntil", until);
    let duration = cache_duration.map(format_duration);
    writer.optional_attribute(Name::local("cacheDuration"), duration.as_deref());
}

fn instant(writer: &mut Writer, attribute: &'static str, instant: Option<DateTime<Utc>>) {
    if let Some(instant) = instant {
        writer.instant(Name::local(attribute), instant);
    }
}

/// False is the default, and written all the same: people read these documents.
fn flag(writer: &mut Writer, name: &'static str, value: bool) {
    writer.attribute(Name::local(name), if value { "true" } else { "false" });
}

fn number(writer: &mut Writer, name: &'static str, value: Option<u32>) {
    let value = value.map(|value| value.to_string());
    writer.optional_attribute(Name::local(name), value.as_deref());
}

fn endpoints(writer: &mut Writer, service: &'static str, endpoints: &[Endpoint]) {
    for one in endpoints {
        endpoint(writer, Name::md(service), one);
    }
}

fn endpoint(writer: &mut Writer, name: Name, endpoint: &Endpoint) {
    writer.start(name);
    endpoint_attributes(writer, endpoint);
    writer.end();
}

fn indexed_endpoints(writer: &mut Writer, name: Name, endpoints: &[IndexedEndpoint]) {
    for indexed in endpoints {
        writer.start(name);
        endpoint_attributes(writer, &indexed.endpoint);
        index(writer, indexed.index, indexed.is_default);
        writer.end();
    }
}

fn index(writer: &mut Writer, index: u16, is_default: Option<bool>) {
    writer.attribute(Name::local("index"), &index.to_string());
    if let Some(is_default) = is_default {
        flag(writer, "isDefault", is_default);
    }
}

fn endpoint_attributes(writer: &mut Writer, endpoint: &Endpoint) {
    writer.attribute(Name::local("Binding"), endpoint.binding.uri());
    writer.attribute(Name::local("Location"), endpoint.location.as_str());
    let responses = endpoint.response_location.as_ref();
    writer.optional_attribute(
        Name::local("ResponseLocation"),
        responses.map(AsRef::as_ref),
    );
}

fn name_id_formats(writer: &mut Writer, formats: &[NameIdFormat]) {
    for format in formats {
        writer.element(Name::md("NameIDFormat"), format.uri());
    }
}

fn keys(writer: &mut Writer, keys: &[KeyDescriptor]) {
    for one in keys {
        key::write(writer, one);
    }
}

fn texts(writer: &mut Writer, name: Name, texts: &[String]) {
    for text in texts {
        writer.element(name, text);
    }
}

fn localized<T: AsRef<str>>(writer: &mut Writer, name: Name, values: &[Localized<T>]) {
    for one in values {
        localized_text(writer, name, &one.lang, one.value.as_ref());
    }
}

fn localized_text(writer: &mut Writer, name: Name, lang: &str, text: &str) {
    writer.start(name);
    writer.attribute(LANG, lang);
    writer.text(text);
    writer.end();
}

#[cfg(test)]
mod tests;
