use federate_crypto::CryptoError;
use federate_types::EntityId;
use federate_xml::{ReadError, ReadProblem};
use std::fmt;

/// Something of an entity that was left out or read leniently: the operator should know, the
/// rest of the entity is usable.
///
/// No message contains text of the document: it may come from an attacker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Diagnostic {
    /// A certificate that cannot be used was skipped.
    CertificateSkipped {
        /// What is wrong with it.
        reason: CryptoError,
    },
    /// A certificate was skipped because it only issued another one beside it: a chain must
    /// not make its issuers' keys keys of the entity (`[XMLDSig] 4.5.4`).
    IssuerCertificateSkipped,
    /// A `KeyDescriptor` without a usable certificate was skipped.
    KeySkipped,
    /// A `KeyDescriptor` with an unknown `use` was skipped (`[SAMLMeta] 2.4.1.1`).
    UnknownKeyUse,
    /// An endpoint was dropped, for example because its address is no web address.
    EndpointDropped {
        /// The endpoint's element.
        service: &'static str,
        /// What is wrong with it.
        reason: ReadProblem,
    },
    /// Two endpoints of one service have the same index: the first is found by it
    /// (`[SAMLMeta] 2.2.3`).
    DuplicateIndex {
        /// The endpoints' element.
        service: &'static str,
        /// The index.
        index: u16,
    },
    /// Several endpoints claim to be the default: the first of them is
    /// (`[SAMLMeta] 2.2.3`).
    SeveralDefaults {
        /// The endpoints' element.
        service: &'static str,
    },
    /// An endpoint had no index and was given the lowest free one.
    MissingIndex {
        /// The endpoint's element.
        service: &'static str,
    },
    /// A role that does not speak SAML 2.0 was skipped (`[SAMLMeta] 2.4.1`).
    ProtocolNotSupported {
        /// The role's element.
        role: &'static str,
    },
    /// A second descriptor of the same role was skipped.
    RepeatedRole {
        /// The role's element.
        role: &'static str,
    },
    /// A `cacheDuration` that cannot be read was ignored.
    CacheDurationIgnored,
    /// An `ID` that is none was ignored.
    IdIgnored,
    /// A `NameIDFormat` without a name was ignored.
    NameIdFormatIgnored,
    /// A role that is not needed for sign-ins was skipped because it cannot be read.
    RoleSkipped {
        /// The role's element.
        role: &'static str,
        /// What is wrong with it.
        reason: ReadProblem,
    },
    /// An entity or a group inside a group was skipped because it cannot be read.
    MemberSkipped {
        /// Its place in the group, from 0.
        number: usize,
        /// What is wrong with it.
        reason: ReadError,
    },
    /// A group was skipped because it lies in more than
    /// [`MAX_GROUP_DEPTH`](crate::MAX_GROUP_DEPTH) others.
    GroupTooDeep,
    /// Several descriptions of one entity: lookups find the first.
    DuplicateEntity {
        /// The entity.
        entity_id: EntityId,
    },
    /// A scope that matches nothing, as it is a regular expression that is not understood.
    ScopeNotSupported,
    /// Something that is only told to people, or is otherwise no matter of trust, was ignored
    /// because it cannot be read.
    ElementIgnored {
        /// The element or attribute.
        element: &'static str,
        /// What is wrong with it.
        reason: ReadProblem,
    },
}

impl Diagnostic {
    /// The stable machine code of this diagnostic.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CertificateSkipped { .. } => "metadata.certificate_skipped",
            Self::IssuerCertificateSkipped => "metadata.issuer_certificate_skipped",
            Self::KeySkipped => "metadata.key_skipped",
            Self::UnknownKeyUse => "metadata.unknown_key_use",
            Self::EndpointDropped { .. } => "metadata.endpoint_dropped",
            Self::DuplicateIndex { .. } => "metadata.duplicate_index",
            Self::SeveralDefaults { .. } => "metadata.several_defaults",
            Self::MissingIndex { .. } => "metadata.missing_index",
            Self::ProtocolNotSupported { .. } => "metadata.protocol_not_supported",
            Self::RepeatedRole { .. } => "metadata.repeated_role",
            Self::CacheDurationIgnored => "metadata.cache_duration_ignored",
            Self::IdIgnored => "metadata.id_ignored",
            Self::NameIdFormatIgnored => "metadata.name_id_format_ignored",
            Self::RoleSkipped { .. } => "metadata.role_skipped",
            Self::MemberSkipped { .. } => "metadata.member_skipped",
            Self::GroupTooDeep => "metadata.group_too_deep",
            Self::DuplicateEntity { .. } => "metadata.duplicate_entity",
            Self::ScopeNotSupported => "metadata.scope_not_supported",
            Self::ElementIgnored { .. } => "metadata.element_ignored",
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CertificateSkipped { reason } => {
                write!(f, "a certificate was skipped: {reason}")
            }
            Self::IssuerCertificateSkipped => {
                f.write_str("the certificate of an issuer was skipped: it is not the entity's key")
            }
            Self::KeySkipped => f.write_str("a KeyDescriptor without usable certificate"),
            Self::UnknownKeyUse => f.write_str("a KeyDescriptor with an unknown use was skipped"),
            Self::EndpointDropped { service, reason } => {
                write!(f, "a {service} was dropped: {reason}")
            }
            Self::DuplicateIndex { service, index } => {
                write!(
                    f,
                    "several {service} have the index {index}; the first counts"
                )
            }
            Self::SeveralDefaults { service } => {
                write!(f, "several {service} are the default; the first counts")
            }
            Self::MissingIndex { service } => {
                write!(f, "a {service} has no index; the lowest free one was taken")
            }
            Self::ProtocolNotSupported { role } => {
                write!(f, "the {role} does not support SAML 2.0 and was skipped")
            }
            Self::RepeatedRole { role } => write!(f, "another {role} was skipped"),
            Self::CacheDurationIgnored => f.write_str("a cacheDuration cannot be read"),
            Self::IdIgnored => f.write_str("an ID is none and was ignored"),
            Self::NameIdFormatIgnored => f.write_str("an empty NameIDFormat was ignored"),
            Self::RoleSkipped { role, reason } => write!(f, "the {role} was skipped: {reason}"),
            Self::MemberSkipped { number, reason } => {
                write!(f, "the member {number} of the group was skipped: {reason}")
            }
            Self::GroupTooDeep => f.write_str("a group was skipped: it lies too deep in others"),
            Self::DuplicateEntity { .. } => {
                f.write_str("an entity is described several times; the first counts")
            }
            Self::ScopeNotSupported => {
                f.write_str("a scope is a regular expression that is not supported")
            }
            Self::ElementIgnored { element, reason } => {
                write!(f, "the {element} was ignored: {reason}")
            }
        }
    }
}
