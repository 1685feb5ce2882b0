use crate::{Endpoint, IndexedEndpoint, KeyDescriptor};
use chrono::{DateTime, Utc};
use federate_types::{Binding, NameIdFormat};

/// What an entity is as an identity provider: `IDPSSODescriptor` (`[SAMLMeta] 2.4.3`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct IdpDescriptor {
    /// When the role's description ends, if before the entity's.
    pub valid_until: Option<DateTime<Utc>>,
    /// `WantAuthnRequestsSigned`; absent means false.
    pub want_authn_requests_signed: bool,
    /// The keys of the role.
    pub keys: Vec<KeyDescriptor>,
    /// Where authentication requests go, in the publisher's order of preference.
    pub single_sign_on: Vec<Endpoint>,
    /// Where logout messages go.
    pub single_logout: Vec<Endpoint>,
    /// The formats of NameIDs that it can give.
    pub name_id_formats: Vec<NameIdFormat>,
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
    /// `AuthnRequestsSigned`: whether it signs its requests; absent means false.
    pub authn_requests_signed: bool,
    /// `WantAssertionsSigned`: whether assertions need a signature of their own; absent means
    /// false.
    pub want_assertions_signed: bool,
    /// The keys of the role.
    pub keys: Vec<KeyDescriptor>,
    /// Where responses go.
    pub assertion_consumer: Vec<IndexedEndpoint>,
    /// Where logout messages go.
    pub single_logout: Vec<Endpoint>,
    /// The formats of NameIDs that it can take.
    pub name_id_formats: Vec<NameIdFormat>,
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

    fn assertion_consumers_for(
        &self,
        binding: Binding,
    ) -> impl Iterator<Item = &IndexedEndpoint> + Clone {
        self.assertion_consumer
            .iter()
            .filter(move |consumer| consumer.endpoint.is_for(binding))
    }
}
