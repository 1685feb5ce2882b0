use crate::endpoint::default_by;
use crate::{
    Attribute, AttributeConsumingService, ContactPerson, Endpoint, Extensions, IndexedEndpoint,
    KeyDescriptor, Location, Organization,
};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{Binding, MessageId, NameIdFormat};

/// What every role can have beside its end and its keys (`[SAMLMeta] 2.4.1`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RoleDetails {
    /// The identifier of the element.
    pub id: Option<MessageId>,
    /// After how long the description should be fetched again.
    pub cache_duration: Option<TimeDelta>,
    /// The protocols that the role speaks beside SAML 2.0, by URI.
    pub other_protocols: Vec<String>,
    /// Where people are sent when something went wrong.
    pub error_url: Option<Location>,
    /// What others added.
    pub extensions: Extensions,
    /// Who stands behind the role, if somebody else than behind the entity.
    pub organization: Option<Box<Organization>>,
    /// Whom to ask about the role.
    pub contacts: Vec<ContactPerson>,
}

/// What an entity is as an identity provider: `IDPSSODescriptor` (`[SAMLMeta] 2.4.3`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IdpDescriptor {
    /// When the role's description ends, if before the entity's.
    pub valid_until: Option<DateTime<Utc>>,
    /// What every role can have.
    pub details: RoleDetails,
    /// `WantAuthnRequestsSigned`; absent means false.
    pub want_authn_requests_signed: bool,
    /// The keys of the role.
    pub keys: Vec<KeyDescriptor>,
    /// Where authentication requests go, in the publisher's order of preference.
    pub single_sign_on: Vec<Endpoint>,
    /// Where the artifacts that it sends are resolved.
    pub artifact_resolution: Vec<IndexedEndpoint>,
    /// Where logout messages go.
    pub single_logout: Vec<Endpoint>,
    /// Where changes of a person's name go.
    pub manage_name_id: Vec<Endpoint>,
    /// Where another name of a person is asked for.
    pub name_id_mapping: Vec<Endpoint>,
    /// Where an assertion is fetched by its identifier.
    pub assertion_id_request: Vec<Endpoint>,
    /// The formats of NameIDs that it can give.
    pub name_id_formats: Vec<NameIdFormat>,
    /// The profiles of attributes that it follows, by URI.
    pub attribute_profiles: Vec<String>,
    /// The attributes that it can give.
    pub attributes: Vec<Attribute>,
}

impl IdpDescriptor {
    /// The element of this role.
    pub(crate) const ELEMENT: &'static str = "IDPSSODescriptor";

    /// Where authentication requests go by this binding: the first that is published.
    #[must_use]
    pub fn single_sign_on_for(&self, binding: Binding) -> Option<&Endpoint> {
        Endpoint::first_for(&self.single_sign_on, binding)
    }

    /// Where logout messages go by this binding: the first that is published.
    #[must_use]
    pub fn single_logout_for(&self, binding: Binding) -> Option<&Endpoint> {
        Endpoint::first_for(&self.single_logout, binding)
    }
}

/// What an entity is as a service provider: `SPSSODescriptor` (`[SAMLMeta] 2.4.4`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SpDescriptor {
    /// When the role's description ends, if before the entity's.
    pub valid_until: Option<DateTime<Utc>>,
    /// What every role can have.
    pub details: RoleDetails,
    /// `AuthnRequestsSigned`: whether it signs its requests; absent means false.
    pub authn_requests_signed: bool,
    /// `WantAssertionsSigned`: whether assertions need a signature of their own; absent means
    /// false.
    pub want_assertions_signed: bool,
    /// The keys of the role.
    pub keys: Vec<KeyDescriptor>,
    /// Where responses go.
    pub assertion_consumer: Vec<IndexedEndpoint>,
    /// Where the artifacts that it sends are resolved.
    pub artifact_resolution: Vec<IndexedEndpoint>,
    /// Where logout messages go.
    pub single_logout: Vec<Endpoint>,
    /// Where changes of a person's name go.
    pub manage_name_id: Vec<Endpoint>,
    /// The formats of NameIDs that it can take.
    pub name_id_formats: Vec<NameIdFormat>,
    /// The sets of attributes that it asks for.
    pub attribute_consuming_services: Vec<AttributeConsumingService>,
}

impl SpDescriptor {
    /// The element of this role.
    pub(crate) const ELEMENT: &'static str = "SPSSODescriptor";

    /// The first assertion consumer at exactly this address.
    #[must_use]
    pub fn assertion_consumer_by_url(&self, url: &str) -> Option<&IndexedEndpoint> {
        self.assertion_consumer
            .iter()
            .find(|consumer| consumer.endpoint.location.as_str() == url)
    }

    /// The assertion consumer at exactly this address that takes this binding: a request may
    /// name both (`[SAMLCore] 3.4.1`).
    #[must_use]
    pub fn assertion_consumer_by_url_for(
        &self,
        url: &str,
        binding: Binding,
    ) -> Option<&IndexedEndpoint> {
        self.assertion_consumers_for(binding)
            .find(|consumer| consumer.endpoint.location.as_str() == url)
    }

    /// The first assertion consumer with this index.
    #[must_use]
    pub fn assertion_consumer_by_index(&self, index: u16) -> Option<&IndexedEndpoint> {
        self.assertion_consumer
            .iter()
            .find(|consumer| consumer.index == index)
    }

    /// The assertion consumer for requests that name none (`[SAMLMeta] 2.2.3`): the first with
    /// `isDefault` true; else the first that has no `isDefault`; else the first.
    #[must_use]
    pub fn default_assertion_consumer(&self) -> Option<&IndexedEndpoint> {
        IndexedEndpoint::default_of(self.assertion_consumer.iter())
    }

    /// The default among the assertion consumers of this binding, by the rule of
    /// [`default_assertion_consumer`](Self::default_assertion_consumer).
    #[must_use]
    pub fn default_assertion_consumer_for(&self, binding: Binding) -> Option<&IndexedEndpoint> {
        IndexedEndpoint::default_of(self.assertion_consumers_for(binding))
    }

    /// Where logout messages go by this binding: the first that is published.
    #[must_use]
    pub fn single_logout_for(&self, binding: Binding) -> Option<&Endpoint> {
        Endpoint::first_for(&self.single_logout, binding)
    }

    /// The first set of attributes with this index (`[SAMLCore] 3.4.1`).
    #[must_use]
    pub fn attribute_consuming_service_by_index(
        &self,
        index: u16,
    ) -> Option<&AttributeConsumingService> {
        self.attribute_consuming_services
            .iter()
            .find(|service| service.index == index)
    }

    /// The set of attributes for requests that name none (`[SAMLMeta] 2.4.4.1`): the first with
    /// `isDefault` true; else the first that has no `isDefault`; else the first.
    #[must_use]
    pub fn default_attribute_consuming_service(&self) -> Option<&AttributeConsumingService> {
        default_by(self.attribute_consuming_services.iter(), |service| {
            service.is_default
        })
    }

    fn assertion_consumers_for(
        &self,
        binding: Binding,
    ) -> impl Iterator<Item = &IndexedEndpoint> + Clone {
        self.assertion_consumer
            .iter()
            .filter(move |consumer| consumer.endpoint.is_for(binding))
    }
}
