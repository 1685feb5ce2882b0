//! Reading the roles that answer queries.

use super::role::{ASSERTION_ID, AnyRole, PROFILE};
use super::{Role, attribute, endpoint, md_elements, text};
use crate::{
    AttributeAuthorityDescriptor, AuthnAuthorityDescriptor, Diagnostic, Endpoint, PdpDescriptor,
};
use federate_xml::{Element, Name, ReadError};

impl Role for AttributeAuthorityDescriptor {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let mut profiles = Vec::new();
        let read = read(
            element,
            Self::ELEMENT,
            "AttributeService",
            &mut profiles,
            found,
        )?;
        Ok(Self {
            valid_until: read.role.valid_until,
            details: read.role.details,
            keys: read.role.keys,
            attribute_service: read.service,
            assertion_id_request: read.assertion_id_request,
            name_id_formats: read.role.name_id_formats,
            attribute_profiles: profiles,
            attributes: attribute::all(element, found),
        })
    }
}

impl Role for AuthnAuthorityDescriptor {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let service = "AuthnQueryService";
        let read = read(element, Self::ELEMENT, service, &mut Vec::new(), found)?;
        Ok(Self {
            valid_until: read.role.valid_until,
            details: read.role.details,
            keys: read.role.keys,
            authn_query_service: read.service,
            assertion_id_request: read.assertion_id_request,
            name_id_formats: read.role.name_id_formats,
        })
    }
}

impl Role for PdpDescriptor {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let service = "AuthzService";
        let read = read(element, Self::ELEMENT, service, &mut Vec::new(), found)?;
        Ok(Self {
            valid_until: read.role.valid_until,
            details: read.role.details,
            keys: read.role.keys,
            authz_service: read.service,
            assertion_id_request: read.assertion_id_request,
            name_id_formats: read.role.name_id_formats,
        })
    }
}

/// What the three have in common.
struct Authority {
    role: AnyRole,
    service: Vec<Endpoint>,
    assertion_id_request: Vec<Endpoint>,
}

fn read(
    element: Element<'_>,
    of: &'static str,
    service: &'static str,
    profiles: &mut Vec<String>,
    found: &mut Vec<Diagnostic>,
) -> Result<Authority, ReadError> {
    let of = Name::md(of);
    let mut read = Authority {
        role: AnyRole::new(element, of, found)?,
        service: Vec::new(),
        assertion_id_request: Vec::new(),
    };
    for child in md_elements(element, of)? {
        match child.local_name() {
            name if name == service => {
                endpoint::push(&mut read.service, child, service, found);
            }
            ASSERTION_ID => {
                endpoint::push(&mut read.assertion_id_request, child, ASSERTION_ID, found);
            }
            PROFILE => profiles.extend(text::text(child, PROFILE, found)),
            name => read.role.take(name, child, found),
        }
    }
    Ok(read)
}
