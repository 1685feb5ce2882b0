//! Writing the roles of sign-ins.

use super::{
    attribute, common_attributes, endpoints, flag, indexed_endpoints, keys, name_id_formats, texts,
};
use crate::{IdpDescriptor, Location, RoleDetails, SpDescriptor};
use chrono::{DateTime, Utc};
use federate_xml::{Name, SAMLP, Writer};

impl IdpDescriptor {
    /// [SAMLMeta] 2.4.3, after 2.4.1 and 2.4.2.
    pub(super) fn write(&self, writer: &mut Writer) {
        start(writer, Self::ELEMENT, self.valid_until, &self.details);
        flag(
            writer,
            "WantAuthnRequestsSigned",
            self.want_authn_requests_signed,
        );
        self.details.extensions.write(writer);
        keys(writer, &self.keys);
        self.details.write_people(writer);
        let artifact = Name::md("ArtifactResolutionService");
        indexed_endpoints(writer, artifact, &self.artifact_resolution);
        endpoints(writer, "SingleLogoutService", &self.single_logout);
        endpoints(writer, "ManageNameIDService", &self.manage_name_id);
        name_id_formats(writer, &self.name_id_formats);
        endpoints(writer, "SingleSignOnService", &self.single_sign_on);
        endpoints(writer, "NameIDMappingService", &self.name_id_mapping);
        let by_id = &self.assertion_id_request;
        endpoints(writer, "AssertionIDRequestService", by_id);
        texts(
            writer,
            Name::md("AttributeProfile"),
            &self.attribute_profiles,
        );
        attribute::all(writer, &self.attributes);
        writer.end();
    }
}

impl SpDescriptor {
    /// [SAMLMeta] 2.4.4, after 2.4.1 and 2.4.2.
    pub(super) fn write(&self, writer: &mut Writer) {
        start(writer, Self::ELEMENT, self.valid_until, &self.details);
        flag(writer, "AuthnRequestsSigned", self.authn_requests_signed);
        flag(writer, "WantAssertionsSigned", self.want_assertions_signed);
        self.details.extensions.write(writer);
        keys(writer, &self.keys);
        self.details.write_people(writer);
        let artifact = Name::md("ArtifactResolutionService");
        indexed_endpoints(writer, artifact, &self.artifact_resolution);
        endpoints(writer, "SingleLogoutService", &self.single_logout);
        endpoints(writer, "ManageNameIDService", &self.manage_name_id);
        name_id_formats(writer, &self.name_id_formats);
        let consumer = Name::md("AssertionConsumerService");
        indexed_endpoints(writer, consumer, &self.assertion_consumer);
        for service in &self.attribute_consuming_services {
            attribute::consuming_service(writer, service);
        }
        writer.end();
    }
}

/// Begins a role, with the attributes that every role has (`[SAMLMeta] 2.4.1`).
pub(super) fn start(
    writer: &mut Writer,
    role: &'static str,
    until: Option<DateTime<Utc>>,
    details: &RoleDetails,
) {
    writer.start(Name::md(role));
    let mut protocols = SAMLP.to_owned();
    for protocol in &details.other_protocols {
        protocols.push(' ');
        protocols.push_str(protocol);
    }
    writer.attribute(Name::local("protocolSupportEnumeration"), &protocols);
    common_attributes(writer, details.id.as_ref(), until, details.cache_duration);
    let error_url = details.error_url.as_ref().map(Location::as_str);
    writer.optional_attribute(Name::local("errorURL"), error_url);
}

impl RoleDetails {
    /// Who stands behind the role and whom to ask, after the keys.
    pub(super) fn write_people(&self, writer: &mut Writer) {
        if let Some(organization) = &self.organization {
            organization.write(writer);
        }
        for contact in &self.contacts {
            contact.write(writer);
        }
    }
}
