//! What a service provider knows and requires of one identity provider.

use crate::error::FederateError;
use crate::party::PeerPolicy;
use federate_metadata::{EntityDescriptor, MetadataError, parse_entity};
use federate_saml::{LoginPolicy, RequiredSignature};
use federate_types::EntityId;
use federate_xml::Limits;

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
    pub metadata: EntityDescriptor,
    /// How far its clock may differ, and which of its signatures and ciphers are good enough.
    pub policy: PeerPolicy,
    /// What must be signed of its responses.
    pub required_signature: RequiredSignature,
    /// Whether its assertions must be encrypted.
    pub require_encryption: bool,
    /// Whether it may send responses that nobody asked for: sign-in that begins there. Nothing
    /// then ties the response to the browser (`[SAMLProf] 4.1.5`).
    pub allow_unsolicited: bool,
}

impl Connection {
    /// The identity provider that this metadata describes, by the usual rules: what it sends is
    /// signed and answers a request.
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when it does not describe one identity provider.
    pub fn from_metadata(metadata: &[u8]) -> Result<Self, FederateError> {
        let metadata = parse_entity(metadata, &Limits::default())?;
        if metadata.idp.is_none() {
            return Err(MetadataError::NoIdpRole.into());
        }
        Ok(Self {
            metadata,
            policy: PeerPolicy::default(),
            required_signature: RequiredSignature::default(),
            require_encryption: false,
            allow_unsolicited: false,
        })
    }

    /// By which name it is known.
    #[must_use]
    pub const fn entity_id(&self) -> &EntityId {
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
