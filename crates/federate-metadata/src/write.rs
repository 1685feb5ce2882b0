//! Writing entities in the order of the schema: strict consumers refuse any other.

use crate::duration::format_duration;
use crate::{
    Endpoint, EntityDescriptor, IdpDescriptor, IndexedEndpoint, KeyDescriptor, MetadataError,
    SpDescriptor,
};
use chrono::{DateTime, Utc};
use federate_types::{MessageId, NameIdFormat};
use federate_xml::{FromElement, Name, SAMLP, Signer, Writer};

impl EntityDescriptor {
    /// Writes the entity into what is being written, in the order of the schema
    /// (`[SAMLMeta] 2.3.2`).
    ///
    /// Instants and durations are written in whole seconds, earlier rather than later. The
    /// schema wants at least one role, and at least one endpoint where responses
    /// (`assertion_consumer`) or requests (`single_sign_on`) go; this is not checked.
    pub fn write(&self, writer: &mut Writer) {
        self.start(writer, self.id.as_ref());
        self.write_roles(writer);
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
        self.write_roles(&mut writer);
        writer.end();
        Ok(signer.sign(writer, id)?)
    }

    fn start(&self, writer: &mut Writer, id: Option<&MessageId>) {
        writer.start(Self::ELEMENT);
        writer.attribute(Name::local("entityID"), self.entity_id.as_str());
        writer.optional_attribute(Name::local("ID"), id.map(MessageId::as_str));
        valid_until(writer, self.valid_until);
        let duration = self.cache_duration.map(format_duration);
        writer.optional_attribute(Name::local("cacheDuration"), duration.as_deref());
    }

    fn write_roles(&self, writer: &mut Writer) {
        if let Some(idp) = &self.idp {
            idp.write(writer);
        }
        if let Some(sp) = &self.sp {
            sp.write(writer);
        }
    }
}

impl IdpDescriptor {
    /// [SAMLMeta] 2.4.3, after 2.4.1 and 2.4.2.
    fn write(&self, writer: &mut Writer) {
        start_role(writer, Self::ELEMENT, self.valid_until);
        flag(
            writer,
            "WantAuthnRequestsSigned",
            self.want_authn_requests_signed,
        );
        write_sso(
            writer,
            &self.keys,
            &self.single_logout,
            &self.name_id_formats,
        );
        for endpoint in &self.single_sign_on {
            write_endpoint(writer, "SingleSignOnService", endpoint);
        }
        writer.end();
    }
}

impl SpDescriptor {
    /// [SAMLMeta] 2.4.4, after 2.4.1 and 2.4.2.
    fn write(&self, writer: &mut Writer) {
        start_role(writer, Self::ELEMENT, self.valid_until);
        flag(writer, "AuthnRequestsSigned", self.authn_requests_signed);
        flag(writer, "WantAssertionsSigned", self.want_assertions_signed);
        write_sso(
            writer,
            &self.keys,
            &self.single_logout,
            &self.name_id_formats,
        );
        for endpoint in &self.assertion_consumer {
            write_indexed(writer, "AssertionConsumerService", endpoint);
        }
        writer.end();
    }
}

fn start_role(writer: &mut Writer, role: &'static str, until: Option<DateTime<Utc>>) {
    writer.start(Name::md(role));
    writer.attribute(Name::local("protocolSupportEnumeration"), SAMLP);
    valid_until(writer, until);
}

fn valid_until(writer: &mut Writer, until: Option<DateTime<Utc>>) {
    if let Some(until) = until {
        writer.instant(Name::local("validUntil"), until);
    }
}

/// False is the default, and written all the same: people read these documents.
fn flag(writer: &mut Writer, name: &'static str, value: bool) {
    writer.attribute(Name::local(name), if value { "true" } else { "false" });
}

/// The elements that both roles have, in their order.
fn write_sso(
    writer: &mut Writer,
    keys: &[KeyDescriptor],
    single_logout: &[Endpoint],
    name_id_formats: &[NameIdFormat],
) {
    for key in keys.iter().filter(|key| !key.certificates.is_empty()) {
        write_key(writer, key);
    }
    for endpoint in single_logout {
        write_endpoint(writer, "SingleLogoutService", endpoint);
    }
    for format in name_id_formats {
        writer.element(Name::md("NameIDFormat"), format.uri());
    }
}

fn write_key(writer: &mut Writer, key: &KeyDescriptor) {
    writer.start(Name::md("KeyDescriptor"));
    writer.optional_attribute(Name::local("use"), key.key_use.attribute());
    writer.start(Name::ds("KeyInfo"));
    // Each in an X509Data of its own: together they would be a chain.
    for certificate in &key.certificates {
        writer.start(Name::ds("X509Data"));
        writer.element(Name::ds("X509Certificate"), &certificate.to_base64());
        writer.end();
    }
    writer.end();
    writer.end();
}

fn write_endpoint(writer: &mut Writer, service: &'static str, endpoint: &Endpoint) {
    writer.start(Name::md(service));
    endpoint_attributes(writer, endpoint);
    writer.end();
}

fn write_indexed(writer: &mut Writer, service: &'static str, endpoint: &IndexedEndpoint) {
    writer.start(Name::md(service));
    endpoint_attributes(writer, &endpoint.endpoint);
    writer.attribute(Name::local("index"), &endpoint.index.to_string());
    if let Some(is_default) = endpoint.is_default {
        flag(writer, "isDefault", is_default);
    }
    writer.end();
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

#[cfg(test)]
mod tests;
