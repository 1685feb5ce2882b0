//! The parts that roles have in common, one after the other.

use crate::{
    AttributeAuthorityDescriptor, AuthnAuthorityDescriptor, Endpoint, EntityDescriptor,
    IdpDescriptor, IndexedEndpoint, KeyDescriptor, PdpDescriptor, RoleDetails, SpDescriptor,
};
use chrono::{DateTime, Utc};

/// A role, whichever it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Role<'a> {
    pub(crate) element: &'static str,
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) details: &'a RoleDetails,
    pub(crate) keys: &'a [KeyDescriptor],
}

/// An endpoint, whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Part<'a> {
    pub(crate) role: &'static str,
    pub(crate) service: &'static str,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) index: Option<u16>,
    pub(crate) is_default: Option<bool>,
}

/// The roles that we know, in the order in which they are written.
pub(crate) fn roles(entity: &EntityDescriptor) -> Vec<Role<'_>> {
    let mut found = Vec::new();
    macro_rules! role {
        ($role:expr, $element:expr) => {
            if let Some(role) = $role {
                found.push(Role {
                    element: $element,
                    valid_until: role.valid_until,
                    details: &role.details,
                    keys: &role.keys,
                });
            }
        };
    }
    role!(&entity.idp, IdpDescriptor::ELEMENT);
    role!(&entity.sp, SpDescriptor::ELEMENT);
    role!(&entity.authn_authority, AuthnAuthorityDescriptor::ELEMENT);
    role!(
        &entity.attribute_authority,
        AttributeAuthorityDescriptor::ELEMENT
    );
    role!(&entity.pdp, PdpDescriptor::ELEMENT);
    found
}

/// Every endpoint of the roles that we know.
pub(crate) fn endpoints(entity: &EntityDescriptor) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    if let Some(idp) = &entity.idp {
        let mut of = List::new(&mut found, IdpDescriptor::ELEMENT);
        of.plain("SingleSignOnService", &idp.single_sign_on);
        of.indexed("ArtifactResolutionService", &idp.artifact_resolution);
        of.plain("SingleLogoutService", &idp.single_logout);
        of.plain("ManageNameIDService", &idp.manage_name_id);
        of.plain("NameIDMappingService", &idp.name_id_mapping);
        of.plain("AssertionIDRequestService", &idp.assertion_id_request);
    }
    if let Some(sp) = &entity.sp {
        let mut of = List::new(&mut found, SpDescriptor::ELEMENT);
        of.indexed("AssertionConsumerService", &sp.assertion_consumer);
        of.indexed("ArtifactResolutionService", &sp.artifact_resolution);
        of.plain("SingleLogoutService", &sp.single_logout);
        of.plain("ManageNameIDService", &sp.manage_name_id);
        let extensions = &sp.details.extensions;
        of.indexed("DiscoveryResponse", &extensions.discovery_responses);
        of.plain("RequestInitiator", &extensions.request_initiators);
    }
    if let Some(authority) = &entity.authn_authority {
        let mut of = List::new(&mut found, AuthnAuthorityDescriptor::ELEMENT);
        of.plain("AuthnQueryService", &authority.authn_query_service);
        of.plain("AssertionIDRequestService", &authority.assertion_id_request);
    }
    if let Some(authority) = &entity.attribute_authority {
        let mut of = List::new(&mut found, AttributeAuthorityDescriptor::ELEMENT);
        of.plain("AttributeService", &authority.attribute_service);
        of.plain("AssertionIDRequestService", &authority.assertion_id_request);
    }
    if let Some(pdp) = &entity.pdp {
        let mut of = List::new(&mut found, PdpDescriptor::ELEMENT);
        of.plain("AuthzService", &pdp.authz_service);
        of.plain("AssertionIDRequestService", &pdp.assertion_id_request);
    }
    found
}

/// The endpoints of one role, as they are collected.
struct List<'l, 'a> {
    found: &'l mut Vec<Part<'a>>,
    role: &'static str,
}

impl<'l, 'a> List<'l, 'a> {
    const fn new(found: &'l mut Vec<Part<'a>>, role: &'static str) -> Self {
        Self { found, role }
    }

    fn plain(&mut self, service: &'static str, endpoints: &'a [Endpoint]) {
        let role = self.role;
        self.found.extend(endpoints.iter().map(|endpoint| Part {
            role,
            service,
            endpoint,
            index: None,
            is_default: None,
        }));
    }

    fn indexed(&mut self, service: &'static str, endpoints: &'a [IndexedEndpoint]) {
        let role = self.role;
        self.found.extend(endpoints.iter().map(|indexed| Part {
            role,
            service,
            endpoint: &indexed.endpoint,
            index: Some(indexed.index),
            is_default: indexed.is_default,
        }));
    }
}
