//! SAML 2.0 metadata: entities, roles, endpoints and keys.
//!
//! Metadata is where trust comes from: which party a message can be from, with which keys it
//! signs, and to which addresses anything may be sent. [`parse_entity`] reads a document that
//! an operator configured, [`verify_entity`] one that a signature vouches for. Before a role
//! is used in a sign-in, [`EntityDescriptor::idp_at`] and [`EntityDescriptor::sp_at`] check
//! that it is still valid. [`parse_entities`] and [`verify_entities`] do the same for groups.
//!
//! Reading is strict where trust depends on it and lenient where real documents differ
//! without harm; what was left out is told in [`EntityDescriptor::diagnostics`].
//!
//! ```
//! use federate_metadata::parse_entity;
//! use federate_types::Binding;
//! use federate_xml::Limits;
//!
//! let octets = br#"
//!   <md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
//!       entityID="https://sp.example/metadata" validUntil="2030-01-01T00:00:00Z">
//!     <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
//!       <md:AssertionConsumerService index="0" Location="https://sp.example/acs"
//!           Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>
//!     </md:SPSSODescriptor>
//!   </md:EntityDescriptor>"#;
//! let entity = parse_entity(octets, &Limits::default())?;
//!
//! let now = "2026-01-01T00:00:00Z".parse()?;
//! let consumer = entity.sp_at(now)?.default_assertion_consumer().ok_or("no consumer")?;
//! assert_eq!(consumer.endpoint.location.as_str(), "https://sp.example/acs");
//! assert_eq!(consumer.endpoint.binding.known(), Some(Binding::HttpPost));
//!
//! let later = "2030-01-01T00:00:00Z".parse()?;
//! assert_eq!(entity.sp_at(later).unwrap_err().code(), "metadata.expired");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod affiliation;
mod aggregate;
mod attribute;
mod authority;
mod diagnostic;
mod diff;
mod document;
mod duration;
mod endpoint;
mod entity;
mod error;
mod extensions;
mod group;
mod key;
mod key_info;
mod key_ring;
mod lint;
mod localized;
mod location;
mod names;
mod opaque;
mod organization;
mod parts;
mod read;
mod role;
mod search;
mod source;
#[cfg(test)]
mod testing;
mod trust;
mod write;

pub use affiliation::AffiliationDescriptor;
pub use aggregate::{Aggregate, AggregateError, AggregatePolicy};
pub use attribute::{Attribute, AttributeConsumingService, RequestedAttribute};
pub use authority::{AttributeAuthorityDescriptor, AuthnAuthorityDescriptor, PdpDescriptor};
pub use diagnostic::Diagnostic;
pub use diff::{Difference, EntityChange, PublishedEndpoint, PublishedKey, diff};
pub use document::{parse_entities, parse_entity, verify_entities, verify_entity};
pub use duration::MAX_CACHE_DURATION;
pub use endpoint::{Endpoint, EndpointBinding, IndexedEndpoint};
pub use entity::EntityDescriptor;
pub use error::MetadataError;
pub use extensions::registration::{Publication, PublicationInfo, RegistrationInfo};
pub use extensions::scope::Scope;
pub use extensions::ui::{DiscoHints, Logo, LogoSource, UiInfo};
pub use extensions::{Extensions, SigningMethod};
pub use group::{EntitiesDescriptor, GroupMember, MAX_GROUP_DEPTH};
pub use key::{EncryptionMethod, KeyDescriptor, KeyUse};
pub use key_ring::{KeyRing, RingKey, RolloverError};
pub use lint::{Finding, LintContext, RULES, Rule, RuleGroup, Severity, lint, lint_group};
pub use localized::Localized;
pub use location::Location;
pub use opaque::OpaqueElement;
pub use organization::{AdditionalMetadataLocation, ContactPerson, ContactType, Organization};
pub use role::{IdpDescriptor, RoleDetails, SpDescriptor};
pub use search::{Hit, SearchIndex};
pub use source::{Entities, EntitySource};
