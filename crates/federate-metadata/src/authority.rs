use crate::{Attribute, Endpoint, KeyDescriptor, RoleDetails};
use chrono::{DateTime, Utc};
use federate_types::NameIdFormat;

/// What an entity is as an attribute authority: `AttributeAuthorityDescriptor`
/// (`[SAMLMeta] 2.4.7`).
///
/// Its keys sign answers to attribute queries and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AttributeAuthorityDescriptor {
    /// When the role's description ends, if before the entity's.
    pub valid_until: Option<DateTime<Utc>>,
    /// What every role can have.
    pub details: RoleDetails,
    /// The keys of the role.
    pub keys: Vec<KeyDescriptor>,
    /// Where attribute queries go.
    pub attribute_service: Vec<Endpoint>,
    /// Where an assertion is fetched by its identifier.
    pub assertion_id_request: Vec<Endpoint>,
    /// The formats of NameIDs that it knows.
    pub name_id_formats: Vec<NameIdFormat>,
    /// The profiles of attributes that it follows, by URI.
    pub attribute_profiles: Vec<String>,
    /// The attributes that it can give.
    pub attributes: Vec<Attribute>,
}

impl AttributeAuthorityDescriptor {
    /// The element of this role.
    pub(crate) const ELEMENT: &'static str = "AttributeAuthorityDescriptor";
}

/// What an entity is as an authority on sign-ins: `AuthnAuthorityDescriptor`
/// (`[SAMLMeta] 2.4.5`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AuthnAuthorityDescriptor {
    /// When the role's description ends, if before the entity's.
    pub valid_until: Option<DateTime<Utc>>,
    /// What every role can have.
    pub details: RoleDetails,
    /// The keys of the role.
    pub keys: Vec<KeyDescriptor>,
    /// Where queries about sign-ins go.
    pub authn_query_service: Vec<Endpoint>,
    /// Where an assertion is fetched by its identifier.
    pub assertion_id_request: Vec<Endpoint>,
    /// The formats of NameIDs that it knows.
    pub name_id_formats: Vec<NameIdFormat>,
}

impl AuthnAuthorityDescriptor {
    /// The element of this role.
    pub(crate) const ELEMENT: &'static str = "AuthnAuthorityDescriptor";
}

/// What an entity is as a point where decisions are made: `PDPDescriptor` (`[SAMLMeta] 2.4.6`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PdpDescriptor {
    /// When the role's description ends, if before the entity's.
    pub valid_until: Option<DateTime<Utc>>,
    /// What every role can have.
    pub details: RoleDetails,
    /// The keys of the role.
    pub keys: Vec<KeyDescriptor>,
    /// Where queries for decisions go.
    pub authz_service: Vec<Endpoint>,
    /// Where an assertion is fetched by its identifier.
    pub assertion_id_request: Vec<Endpoint>,
    /// The formats of NameIDs that it knows.
    pub name_id_formats: Vec<NameIdFormat>,
}

impl PdpDescriptor {
    /// The element of this role.
    pub(crate) const ELEMENT: &'static str = "PDPDescriptor";
}
