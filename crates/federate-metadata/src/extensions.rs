use crate::{Attribute, Endpoint, IndexedEndpoint, OpaqueElement};

pub(crate) mod registration;
pub(crate) mod scope;
pub(crate) mod ui;

use registration::{Publication, PublicationInfo, RegistrationInfo};
use scope::Scope;
use ui::{DiscoHints, UiInfo};

/// What others added to metadata: `md:Extensions` of an entity, a group or a role
/// (`[SAMLMeta] 2.3.1`, `2.3.2`, `2.4.1`).
///
/// Whatever is not known is kept in `other`. Nothing here says which keys or addresses to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Extensions {
    /// Who registered the entity (`[MDRPI]`).
    pub registration_info: Option<Box<RegistrationInfo>>,
    /// Who published the document (`[MDRPI]`).
    pub publication_info: Option<Box<PublicationInfo>>,
    /// Through whose hands it went (`[MDRPI]`).
    pub publication_path: Vec<Publication>,
    /// What is said of the entity (`[MDAttr]`); see
    /// [`EntityDescriptor::entity_categories`](crate::EntityDescriptor::entity_categories) for
    /// whose word that is.
    pub entity_attributes: Vec<Attribute>,
    /// Assertions about the entity (`[MDAttr]`), kept as they are: nobody verified them.
    pub entity_assertions: Vec<OpaqueElement>,
    /// How to show the role to people (`[MDUI] 2.1`).
    pub ui_info: Option<Box<UiInfo>>,
    /// For whom the role is likely meant (`[MDUI] 2.2`).
    pub disco_hints: Option<Box<DiscoHints>>,
    /// The scopes for which an identity provider may speak.
    pub scopes: Vec<Scope>,
    /// The digest algorithms that are supported, by URI, in order of preference
    /// (`[AlgSupport]`).
    pub digest_methods: Vec<String>,
    /// The signature algorithms that are supported, in order of preference
    /// (`[AlgSupport]`).
    pub signing_methods: Vec<SigningMethod>,
    /// Where a discovery service may send people back to (`[IdPDisco]`).
    pub discovery_responses: Vec<IndexedEndpoint>,
    /// Where a sign-in at a service provider is begun (`[ReqInit]`).
    pub request_initiators: Vec<Endpoint>,
    /// Extensions that are not known.
    pub other: Vec<OpaqueElement>,
}

impl Extensions {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A signature algorithm that is supported (`[AlgSupport]`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SigningMethod {
    /// The algorithm, by URI.
    pub algorithm: String,
    /// The smallest key that is supported with it, in bits.
    pub min_key_size: Option<u32>,
    /// The largest key that is supported with it, in bits.
    pub max_key_size: Option<u32>,
}
