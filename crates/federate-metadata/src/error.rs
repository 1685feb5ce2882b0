use federate_crypto::CryptoError;
use federate_xml::{ParseError, ReadError, XmlError};

/// Why metadata was refused.
///
/// No message contains text of the document: it may come from an attacker.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The document cannot be read, or its signature is not acceptable.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The document describes no entity, or several, where one was asked for.
    #[error("the document describes {found} entities, expected one")]
    NotOneEntity {
        /// How many it describes.
        found: usize,
    },
    /// The time for which the metadata was published is over (`[SAMLMeta] 2.3.2`).
    #[error("the metadata is no longer valid")]
    Expired,
    /// The entity is no SAML 2.0 identity provider.
    #[error("the entity is no SAML 2.0 identity provider")]
    NoIdpRole,
    /// The entity is no SAML 2.0 service provider.
    #[error("the entity is no SAML 2.0 service provider")]
    NoSpRole,
    /// What is kept of the metadata cannot be read, or is not what was kept.
    #[error("the kept metadata cannot be read: {0}")]
    Kept(std::io::ErrorKind),
    /// Signing failed.
    #[error(transparent)]
    Signing(#[from] CryptoError),
}

impl MetadataError {
    /// The stable machine code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Xml(error) => error.code(),
            Self::NotOneEntity { .. } => "metadata.not_one_entity",
            Self::Expired => "metadata.expired",
            Self::NoIdpRole => "metadata.no_idp_role",
            Self::NoSpRole => "metadata.no_sp_role",
            Self::Kept(_) => "metadata.kept",
            Self::Signing(error) => error.code(),
        }
    }
}

impl From<ParseError> for MetadataError {
    fn from(error: ParseError) -> Self {
        Self::Xml(error.into())
    }
}

impl From<ReadError> for MetadataError {
    fn from(error: ReadError) -> Self {
        Self::Xml(error.into())
    }
}
