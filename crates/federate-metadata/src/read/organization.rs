//! Reading who stands behind an entity, and whom to ask.

use super::{SPACE, ignored, md_children, text};
use crate::names::CONTACT_TYPE;
use crate::{
    AdditionalMetadataLocation, ContactPerson, ContactType, Diagnostic, OpaqueElement, Organization,
};
use federate_xml::{Element, ReadProblem};

/// Reads the first organization.
pub(super) fn one(
    organization: &mut Option<Box<Organization>>,
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) {
    const NAME: &str = "OrganizationName";
    const DISPLAY_NAME: &str = "OrganizationDisplayName";
    const URL: &str = "OrganizationURL";
    if organization.is_some() {
        return ignored("Organization", ReadProblem::UnexpectedElement, found);
    }
    let mut read = Organization::default();
    for child in md_children(element) {
        match child.local_name() {
            NAME => read.names.extend(text::localized(child, NAME, found)),
            DISPLAY_NAME => {
                let name = text::localized(child, DISPLAY_NAME, found);
                read.display_names.extend(name);
            }
            URL => read.urls.extend(text::localized_address(child, URL, found)),
            "Extensions" => read.extensions.extend(opaque(child)),
            _ => {}
        }
    }
    *organization = Some(Box::new(read));
}

fn opaque(extensions: Element<'_>) -> impl Iterator<Item = OpaqueElement> {
    extensions.child_elements().map(OpaqueElement::of)
}

/// Reads a contact; one of an unknown type is of type `other`.
pub(super) fn contact(element: Element<'_>, found: &mut Vec<Diagnostic>) -> ContactPerson {
    const COMPANY: &str = "Company";
    const GIVEN_NAME: &str = "GivenName";
    const SUR_NAME: &str = "SurName";
    const EMAIL: &str = "EmailAddress";
    const TELEPHONE: &str = "TelephoneNumber";
    let contact_type = element.attribute("contactType").unwrap_or_default();
    let contact_type = ContactType::from_name(contact_type.trim_matches(SPACE));
    if contact_type.is_none() {
        let reason = ReadProblem::InvalidValue {
            what: "contactType",
            expected: "technical, support, administrative, billing or other",
        };
        ignored("contactType", reason, found);
    }
    let refeds_type = element.attribute_in(CONTACT_TYPE.namespace, CONTACT_TYPE.local);
    let mut contact = ContactPerson {
        contact_type: contact_type.unwrap_or_default(),
        refeds_type: refeds_type.map(|uri| uri.trim_matches(SPACE).to_owned()),
        ..ContactPerson::default()
    };
    for child in md_children(element) {
        match child.local_name() {
            COMPANY => contact.company = text::text(child, COMPANY, found),
            GIVEN_NAME => contact.given_name = text::text(child, GIVEN_NAME, found),
            SUR_NAME => contact.sur_name = text::text(child, SUR_NAME, found),
            EMAIL => contact
                .email_addresses
                .extend(text::text(child, EMAIL, found)),
            TELEPHONE => {
                let number = text::text(child, TELEPHONE, found);
                contact.telephone_numbers.extend(number);
            }
            "Extensions" => contact.extensions.extend(opaque(child)),
            _ => {}
        }
    }
    contact
}

/// Reads where there is more.
pub(super) fn additional_metadata(
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<AdditionalMetadataLocation> {
    const NAME: &str = "AdditionalMetadataLocation";
    Some(AdditionalMetadataLocation {
        namespace: text::attribute(element, NAME, "namespace", found)?,
        location: text::address(element, NAME, found)?,
    })
}
