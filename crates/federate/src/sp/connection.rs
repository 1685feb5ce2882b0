//! What a service provider knows and requires of one identity provider.

use crate::error::FederateError;
use crate::party::PeerPolicy;
use federate_metadata::{EntityDescriptor, MetadataError, parse_entity};
use federate_saml::{LoginPolicy, RequiredSignature};
use federate_types::EntityId;
use federate_xml::Limits;
use std::sync::Arc;

/// An identity provider, and the rules for it alone.
///
/// ```
/// # use federate::sp::Connection;
/// # use federate::saml::RequiredSignature;
/// # fn connect(metadata: &[u8]) -> Result<Connection, federate::FederateError> {
/// let mut connection = Connection::from_metadata(metadata)?;
/// connection.required_signature = RequiredSignature::Both;
/// connection.require_encryption = true;
/// # Ok(connection)
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Connection {
    /// What it says of itself, its keys among it.
    pub metadata: Arc<EntityDescriptor>,
    /// How far its clock may differ, and which of its signatures and ciphers are good enough.
    pub policy: PeerPolicy,
    /// What must be signed of its responses.
    pub required_signature: RequiredSignature,
    /// Whether its assertions must be encrypted.
    pub require_encryption: bool,
    /// Whether it may send responses that nobody asked for: sign-in that begins there. Nothing
    /// then ties the response to the browser (`[SAMLProf] 4.1.5`).
    pub allow_unsolicited: bool,
    /// The attributes whose values end in `@` and a scope, by name: those of
    /// [`SCOPED_ATTRIBUTES`] unless told.
    ///
    /// What the identity provider says of a person in a scope for which its metadata does not
    /// let it speak is not in [`Login::attributes`](super::Login::attributes), but in
    /// [`Login::dropped`](super::Login::dropped). Scopes are compared byte for byte, and a value
    /// without a scope, or with more than one `@`, is in none.
    pub scoped_attributes: Vec<String>,
    /// Whether such values are dropped, too, when the metadata has no scopes at all; otherwise
    /// they are then not checked.
    pub require_scopes: bool,
    /// At a hub: the domains in which it may vouch for e-mail addresses, in lower case; `*` for
    /// any. None unless told.
    ///
    /// Applications take e-mail addresses for people: whoever may name any address may be
    /// anybody there. What it says in other domains is not in the person's profile.
    pub email_domains: Vec<String>,
}

/// The scoped attributes that are known, by name: those of eduPerson and the subject identifiers
/// of OASIS.
pub const SCOPED_ATTRIBUTES: [&str; 13] = [
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
    "urn:oid:1.3.6.1.4.1.5923.1.1.1.13",
    "urn:mace:dir:attribute-def:eduPersonPrincipalName",
    "urn:mace:dir:attribute-def:eduPersonScopedAffiliation",
    "urn:mace:dir:attribute-def:eduPersonUniqueId",
    "eduPersonPrincipalName",
    "eduPersonScopedAffiliation",
    "eduPersonUniqueId",
    "urn:oasis:names:tc:SAML:attribute:subject-id",
    "urn:oasis:names:tc:SAML:attribute:pairwise-id",
    "subject-id",
    "pairwise-id",
];

impl Connection {
    /// The identity provider that this metadata describes, by the usual rules: what it sends is
    /// signed and answers a request.
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when it does not describe one identity provider.
    pub fn from_metadata(metadata: &[u8]) -> Result<Self, FederateError> {
        Self::from_entity(parse_entity(metadata, &Limits::default())?)
    }

    /// The identity provider of this metadata, which was read before, by the usual rules.
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when it is no identity provider.
    pub fn from_entity(metadata: impl Into<Arc<EntityDescriptor>>) -> Result<Self, FederateError> {
        let metadata = metadata.into();
        if metadata.idp.is_none() {
            return Err(MetadataError::NoIdpRole.into());
        }
        Ok(Self {
            metadata,
            policy: PeerPolicy::default(),
            required_signature: RequiredSignature::default(),
            require_encryption: false,
            allow_unsolicited: false,
            scoped_attributes: SCOPED_ATTRIBUTES.map(str::to_owned).to_vec(),
            require_scopes: false,
            email_domains: Vec::new(),
        })
    }

    /// One that nobody configured: what it may say of whom, its metadata must tell.
    pub(super) fn of_federation(metadata: Arc<EntityDescriptor>) -> Result<Self, FederateError> {
        let mut connection = Self::from_entity(metadata)?;
        connection.require_scopes = true;
        Ok(connection)
    }

    /// By which name it is known.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.metadata.entity_id
    }

    /// What its responses must be like.
    pub(super) const fn login_policy(&self) -> LoginPolicy {
        LoginPolicy {
            skew: self.policy.skew,
            signed: self.required_signature,
            encrypted: self.require_encryption,
        }
    }
}
