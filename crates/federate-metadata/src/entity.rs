use crate::{
    AdditionalMetadataLocation, AffiliationDescriptor, AttributeAuthorityDescriptor,
    AuthnAuthorityDescriptor, ContactPerson, Diagnostic, Extensions, IdpDescriptor, OpaqueElement,
    Organization, PdpDescriptor, Scope, SpDescriptor,
};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{EntityId, MessageId};

/// How the names of entity attributes are to be understood.
const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";

/// One party with its roles: `EntityDescriptor` (`[SAMLMeta] 2.3.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityDescriptor {
    /// Who it is.
    pub entity_id: EntityId,
    /// The identifier of the element, by which a signature refers to it.
    pub id: Option<MessageId>,
    /// When the description ends: at this instant it is over.
    pub valid_until: Option<DateTime<Utc>>,
    /// After how long it should be fetched again; 0 to
    /// [`MAX_CACHE_DURATION`](crate::MAX_CACHE_DURATION) when it was read.
    pub cache_duration: Option<TimeDelta>,
    /// What others added.
    pub extensions: Extensions,
    /// What it is as a SAML 2.0 identity provider, if it is one.
    pub idp: Option<IdpDescriptor>,
    /// What it is as a SAML 2.0 service provider, if it is one.
    pub sp: Option<SpDescriptor>,
    /// What it is as an authority on sign-ins, if it is one.
    pub authn_authority: Option<Box<AuthnAuthorityDescriptor>>,
    /// What it is as an attribute authority, if it is one.
    pub attribute_authority: Option<Box<AttributeAuthorityDescriptor>>,
    /// What it is as a point where decisions are made, if it is one.
    pub pdp: Option<Box<PdpDescriptor>>,
    /// Roles of other kinds: `RoleDescriptor`, kept as they are.
    pub other_roles: Vec<OpaqueElement>,
    /// What it is as an affiliation; then it has no roles.
    pub affiliation: Option<Box<AffiliationDescriptor>>,
    /// Who stands behind it.
    pub organization: Option<Box<Organization>>,
    /// Whom to ask about it.
    pub contacts: Vec<ContactPerson>,
    /// Where there is more about it.
    pub additional_metadata: Vec<AdditionalMetadataLocation>,
    /// What was left out or read leniently; empty unless it was read.
    pub diagnostics: Vec<Diagnostic>,
}

impl EntityDescriptor {
    /// The attribute that holds the categories of an entity.
    pub const ENTITY_CATEGORY: &'static str = "http://macedir.org/entity-category";
    /// The attribute that holds the categories of service providers that an identity provider
    /// serves.
    pub const ENTITY_CATEGORY_SUPPORT: &'static str = "http://macedir.org/entity-category-support";
    /// The attribute that holds what an entity was found to comply with.
    pub const ASSURANCE_CERTIFICATION: &'static str =
        "urn:oasis:names:tc:SAML:attribute:assurance-certification";

    /// An entity without roles.
    #[must_use]
    pub fn new(entity_id: EntityId) -> Self {
        Self {
            entity_id,
            id: None,
            valid_until: None,
            cache_duration: None,
            extensions: Extensions::default(),
            idp: None,
            sp: None,
            authn_authority: None,
            attribute_authority: None,
            pdp: None,
            other_roles: Vec::new(),
            affiliation: None,
            organization: None,
            contacts: Vec::new(),
            additional_metadata: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// The categories of the entity, such as
    /// `http://refeds.org/category/research-and-scholarship`.
    ///
    /// They are the word of whoever vouched for the document. In a document that the entity
    /// itself published they are its own claim and prove nothing; a registrar checks them
    /// before it signs. Only the extensions of the entity count: what stands in a role, or in
    /// an assertion beside them, does not.
    pub fn entity_categories(&self) -> impl Iterator<Item = &str> {
        self.entity_attribute(Self::ENTITY_CATEGORY)
    }

    /// The categories that the entity, an identity provider, serves: its own claim.
    pub fn entity_category_support(&self) -> impl Iterator<Item = &str> {
        self.entity_attribute(Self::ENTITY_CATEGORY_SUPPORT)
    }

    /// What the entity complies with, such as `https://refeds.org/sirtfi`: whose word that is,
    /// see [`entity_categories`](Self::entity_categories).
    pub fn assurance_certifications(&self) -> impl Iterator<Item = &str> {
        self.entity_attribute(Self::ASSURANCE_CERTIFICATION)
    }

    /// The values of an entity attribute whose name is a URI (`[MDAttr]`).
    pub fn entity_attribute(&self, name: &str) -> impl Iterator<Item = &str> {
        self.extensions
            .entity_attributes
            .iter()
            .filter(move |attribute| {
                attribute.name == name && attribute.name_format.as_deref() == Some(URI)
            })
            .flat_map(|attribute| &attribute.values)
            .map(|value| value.trim())
    }

    /// The scopes for which the entity may speak as an identity provider: those of the role
    /// and those of the entity.
    pub fn idp_scopes(&self) -> impl Iterator<Item = &Scope> {
        let role = self
            .idp
            .iter()
            .flat_map(|idp| &idp.details.extensions.scopes);
        role.chain(&self.extensions.scopes)
    }
}
