//! Reading the roles of sign-ins.

use super::endpoint::{self, Indexed};
use super::{
    Role, SPACE, attribute, cache_duration, extensions, flag, id, key, md_elements, organization,
    text, valid_until,
};
use crate::{
    AttributeConsumingService, Diagnostic, Endpoint, IdpDescriptor, IndexedEndpoint, KeyDescriptor,
    RoleDetails, SpDescriptor,
};
use chrono::{DateTime, Utc};
use federate_types::NameIdFormat;
use federate_xml::{Element, Name, ReadError, SAMLP};

const ARTIFACT: &str = "ArtifactResolutionService";
const CONSUMER: &str = "AssertionConsumerService";
const CONSUMING: &str = "AttributeConsumingService";

impl Role for IdpDescriptor {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let of = Name::md(Self::ELEMENT);
        let mut idp = Self {
            want_authn_requests_signed: flag(element, of, "WantAuthnRequestsSigned")?,
            attributes: attribute::all(element, found),
            ..Self::default()
        };
        let mut role = AnyRole::new(element, of, found)?;
        for child in md_elements(element, of)? {
            match child.local_name() {
                "SingleSignOnService" => {
                    endpoint::push(&mut idp.single_sign_on, child, "SingleSignOnService", found);
                }
                "NameIDMappingService" => {
                    endpoint::push(
                        &mut idp.name_id_mapping,
                        child,
                        "NameIDMappingService",
                        found,
                    );
                }
                ASSERTION_ID => {
                    endpoint::push(&mut idp.assertion_id_request, child, ASSERTION_ID, found);
                }
                PROFILE => idp
                    .attribute_profiles
                    .extend(text::text(child, PROFILE, found)),
                name => role.take(name, child, found),
            }
        }
        idp.artifact_resolution = role.artifact_resolution(found);
        Ok(Self {
            valid_until: role.valid_until,
            details: role.details,
            keys: role.keys,
            single_logout: role.single_logout,
            manage_name_id: role.manage_name_id,
            name_id_formats: role.name_id_formats,
            ..idp
        })
    }
}

impl Role for SpDescriptor {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let of = Name::md(Self::ELEMENT);
        let mut role = AnyRole::new(element, of, found)?;
        let (mut consumers, mut services) = (Vec::new(), Vec::new());
        for child in md_elements(element, of)? {
            match child.local_name() {
                CONSUMER => endpoint::push_indexed(&mut consumers, child, CONSUMER, found),
                CONSUMING => attribute::push_consuming_service(&mut services, child, found),
                name => role.take(name, child, found),
            }
        }
        Ok(Self {
            authn_requests_signed: flag(element, of, "AuthnRequestsSigned")?,
            want_assertions_signed: flag(element, of, "WantAssertionsSigned")?,
            assertion_consumer: endpoint::with_indexes(consumers, CONSUMER, found),
            attribute_consuming_services: endpoint::numbered(
                services,
                CONSUMING,
                found,
                |index, is_default, service| AttributeConsumingService {
                    index,
                    is_default,
                    ..service
                },
            ),
            artifact_resolution: role.artifact_resolution(found),
            valid_until: role.valid_until,
            details: role.details,
            keys: role.keys,
            single_logout: role.single_logout,
            manage_name_id: role.manage_name_id,
            name_id_formats: role.name_id_formats,
        })
    }
}

pub(super) const ASSERTION_ID: &str = "AssertionIDRequestService";
pub(super) const PROFILE: &str = "AttributeProfile";

/// What every role can have (`[SAMLMeta] 2.4.1`), and what those of sign-ins have in common
/// (`[SAMLMeta] 2.4.2`).
pub(super) struct AnyRole {
    pub(super) valid_until: Option<DateTime<Utc>>,
    pub(super) details: RoleDetails,
    pub(super) keys: Vec<KeyDescriptor>,
    artifact_resolution: Vec<Indexed<Endpoint>>,
    single_logout: Vec<Endpoint>,
    manage_name_id: Vec<Endpoint>,
    pub(super) name_id_formats: Vec<NameIdFormat>,
}

impl AnyRole {
    pub(super) fn new(
        element: Element<'_>,
        of: Name,
        found: &mut Vec<Diagnostic>,
    ) -> Result<Self, ReadError> {
        let protocols = element.attribute("protocolSupportEnumeration");
        let other_protocols = protocols
            .into_iter()
            .flat_map(|protocols| protocols.split(SPACE))
            .filter(|protocol| !protocol.is_empty() && *protocol != SAMLP);
        Ok(Self {
            valid_until: valid_until(element, of)?,
            details: RoleDetails {
                id: id(element, found),
                cache_duration: cache_duration(element, found),
                other_protocols: other_protocols.map(str::to_owned).collect(),
                error_url: text::address_attribute(element, "errorURL", found),
                ..RoleDetails::default()
            },
            keys: Vec::new(),
            artifact_resolution: Vec::new(),
            single_logout: Vec::new(),
            manage_name_id: Vec::new(),
            name_id_formats: Vec::new(),
        })
    }

    /// Takes an element that several roles have, if it is one.
    pub(super) fn take(&mut self, name: &str, child: Element<'_>, found: &mut Vec<Diagnostic>) {
        match name {
            "KeyDescriptor" => self.keys.extend(key::descriptor(child, found)),
            "Extensions" => extensions::read(&mut self.details.extensions, child, found),
            "Organization" => organization::one(&mut self.details.organization, child, found),
            "ContactPerson" => {
                let contact = organization::contact(child, found);
                self.details.contacts.push(contact);
            }
            ARTIFACT => {
                endpoint::push_indexed(&mut self.artifact_resolution, child, ARTIFACT, found);
            }
            "SingleLogoutService" => {
                endpoint::push(&mut self.single_logout, child, "SingleLogoutService", found);
            }
            "ManageNameIDService" => {
                endpoint::push(
                    &mut self.manage_name_id,
                    child,
                    "ManageNameIDService",
                    found,
                );
            }
            "NameIDFormat" => match child.trimmed_text() {
                Ok(uri) if !uri.is_empty() => {
                    self.name_id_formats.push(NameIdFormat::from_uri(&uri));
                }
                _ => found.push(Diagnostic::NameIdFormatIgnored),
            },
            _ => {}
        }
    }

    fn artifact_resolution(&mut self, found: &mut Vec<Diagnostic>) -> Vec<IndexedEndpoint> {
        let read = std::mem::take(&mut self.artifact_resolution);
        endpoint::with_indexes(read, ARTIFACT, found)
    }
}
