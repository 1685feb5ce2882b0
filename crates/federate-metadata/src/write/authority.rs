//! Writing the roles that answer queries, and affiliations.

use super::{attribute, common_attributes, endpoints, keys, name_id_formats, role, texts};
use crate::{
    AffiliationDescriptor, AttributeAuthorityDescriptor, AuthnAuthorityDescriptor, PdpDescriptor,
};
use federate_xml::{Name, Writer};

const ASSERTION_ID: &str = "AssertionIDRequestService";

impl AttributeAuthorityDescriptor {
    /// [SAMLMeta] 2.4.7, after 2.4.1.
    pub(super) fn write(&self, writer: &mut Writer) {
        role::start(writer, Self::ELEMENT, self.valid_until, &self.details);
        self.details.extensions.write(writer);
        keys(writer, &self.keys);
        self.details.write_people(writer);
        endpoints(writer, "AttributeService", &self.attribute_service);
        endpoints(writer, ASSERTION_ID, &self.assertion_id_request);
        name_id_formats(writer, &self.name_id_formats);
        texts(
            writer,
            Name::md("AttributeProfile"),
            &self.attribute_profiles,
        );
        attribute::all(writer, &self.attributes);
        writer.end();
    }
}

impl AuthnAuthorityDescriptor {
    /// [SAMLMeta] 2.4.5, after 2.4.1.
    pub(super) fn write(&self, writer: &mut Writer) {
        role::start(writer, Self::ELEMENT, self.valid_until, &self.details);
        self.details.extensions.write(writer);
        keys(writer, &self.keys);
        self.details.write_people(writer);
        endpoints(writer, "AuthnQueryService", &self.authn_query_service);
        endpoints(writer, ASSERTION_ID, &self.assertion_id_request);
        name_id_formats(writer, &self.name_id_formats);
        writer.end();
    }
}

impl PdpDescriptor {
    /// [SAMLMeta] 2.4.6, after 2.4.1.
    pub(super) fn write(&self, writer: &mut Writer) {
        role::start(writer, Self::ELEMENT, self.valid_until, &self.details);
        self.details.extensions.write(writer);
        keys(writer, &self.keys);
        self.details.write_people(writer);
        endpoints(writer, "AuthzService", &self.authz_service);
        endpoints(writer, ASSERTION_ID, &self.assertion_id_request);
        name_id_formats(writer, &self.name_id_formats);
        writer.end();
    }
}

impl AffiliationDescriptor {
    /// [SAMLMeta] 2.5.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.start(Name::md(Self::ELEMENT));
        writer.attribute(Name::local("affiliationOwnerID"), self.owner.as_str());
        common_attributes(
            writer,
            self.id.as_ref(),
            self.valid_until,
            self.cache_duration,
        );
        self.extensions.write(writer);
        for member in &self.members {
            writer.element(Name::md("AffiliateMember"), member.as_str());
        }
        keys(writer, &self.keys);
        writer.end();
    }
}
