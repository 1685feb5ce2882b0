//! The service provider: an application that lets an identity provider say who its users are.

mod artifact;
mod connection;
mod ecp;
mod login;
mod logout;
mod receive;
mod scope;
mod session;

pub use connection::{Connection, SCOPED_ATTRIBUTES};
pub use login::{LoginOptions, StartedLogin};
pub use logout::LogoutReceived;
pub use session::{CompletedLogin, Login};

use crate::error::{Denial, FederateError};
use crate::federation::Federation;
use crate::party::{self, METADATA_CACHE_DURATION, Party};
use crate::store::Store;
use crate::token::{Token, session_key};
use chrono::{DateTime, TimeDelta, Utc};
use federate_metadata::{
    AttributeConsumingService, Endpoint, EntityDescriptor, EntitySource, IndexedEndpoint, Location,
    MetadataError, SpDescriptor,
};
use federate_session::{
    ConnectionId, LifetimePolicy, SessionKey, SessionRecord, SessionState, TenantId, User,
};
use federate_types::{Binding, EntityId};
use federate_xml::TrustedKeys;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An application's side of single sign-on.
///
/// [`start_login`](Self::start_login) sends the browser to the identity provider,
/// [`receive_login`](Self::receive_login) takes what it posts, and
/// [`complete_login`](Self::complete_login) opens the application's session, which lasts as
/// long as its policy and the identity provider allow and ends when either logs out.
pub struct ServiceProvider<S> {
    party: Party,
    assertion_consumer_service: Location,
    /// Without repetition; HTTP-POST is the first.
    response_bindings: Vec<Binding>,
    attribute_consuming_services: Vec<AttributeConsumingService>,
    single_logout_service: Option<Location>,
    soap_logout_service: Option<Location>,
    identity_providers: BTreeMap<EntityId, Connection>,
    published: Option<Arc<dyn EntitySource>>,
    /// The one that counts first is the first.
    federations: Vec<Federation<Connection>>,
    lifetime: LifetimePolicy,
    /// For how much longer than it lives a session is kept.
    kept: TimeDelta,
    tenant: TenantId,
    connection: ConnectionId,
    store: Arc<S>,
}

impl<S: Store> ServiceProvider<S> {
    /// A service provider whose responses arrive at the given address, and which knows no
    /// identity provider yet.
    ///
    /// # Errors
    /// [`FederateError::Value`] when the address is not an absolute `http(s)` URL.
    pub fn new(
        party: Party,
        assertion_consumer_service: &str,
        store: Arc<S>,
    ) -> Result<Self, FederateError> {
        Ok(Self {
            party,
            assertion_consumer_service: Location::new(assertion_consumer_service)?,
            response_bindings: vec![Binding::HttpPost],
            attribute_consuming_services: Vec::new(),
            single_logout_service: None,
            soap_logout_service: None,
            identity_providers: BTreeMap::new(),
            published: None,
            federations: Vec::new(),
            lifetime: LifetimePolicy::default(),
            kept: TimeDelta::zero(),
            tenant: TenantId::new("application")?,
            connection: ConnectionId::new("saml")?,
            store,
        })
    }

    /// Trusts the identity provider that this metadata describes, and its keys, by the usual
    /// rules.
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when it does not describe one identity provider.
    pub fn with_identity_provider(self, metadata: &[u8]) -> Result<Self, FederateError> {
        self.with_connection(Connection::from_metadata(metadata)?)
    }

    /// Trusts an identity provider by rules of its own.
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when its metadata has expired.
    pub fn with_connection(mut self, connection: Connection) -> Result<Self, FederateError> {
        connection.metadata.idp_at(self.party.clock.now())?;
        let id = connection.metadata.entity_id.clone();
        self.identity_providers.insert(id, connection);
        Ok(self)
    }

    /// Trusts every identity provider that this source has when a message comes or goes: it may
    /// be asked, and answer what it was asked. Whoever vouches for the source decides who that
    /// is: whom it no longer has is refused at the next message.
    ///
    /// `rules` says what is different from the usual rules, for each of them: it gets a
    /// connection made of what the source says, with
    /// [`require_scopes`](Connection::require_scopes) set.
    ///
    /// Identity providers that are configured count first, with their own rules and what was
    /// configured of them, then the federations in the order in which they were added.
    ///
    /// ```
    /// # use federate::{ServiceProvider, FederateError, metadata::EntitySource, Store};
    /// # use std::sync::Arc;
    /// # fn join<S: Store>(sp: ServiceProvider<S>, source: Arc<dyn EntitySource>) -> ServiceProvider<S> {
    /// sp.with_federation(source, |connection| connection.require_encryption = true)
    /// # }
    /// ```
    #[must_use]
    pub fn with_federation(
        mut self,
        source: Arc<dyn EntitySource>,
        rules: impl Fn(&mut Connection) + Send + Sync + 'static,
    ) -> Self {
        self.federations.push(Federation::new(source, rules));
        self
    }

    /// Takes what configured identity providers say of themselves from here, message by message,
    /// where it is there; otherwise from their configuration. It makes nobody trusted:
    /// [`with_federation`](Self::with_federation) does.
    #[must_use]
    pub fn with_published_metadata(mut self, source: Arc<dyn EntitySource>) -> Self {
        self.published = Some(source);
        self
    }

    /// Takes responses by another binding, too, at the same address as those by HTTP-POST:
    /// HTTP-POST-SimpleSign, HTTP-Artifact (see [`receive_artifact`](Self::receive_artifact)) or
    /// PAOS (see [`start_ecp_login`](Self::start_ecp_login)).
    ///
    /// # Errors
    /// [`FederateError::Configuration`] for a binding by which no response comes
    /// (`[SAMLProf] 4.1.2`).
    pub fn with_response_binding(mut self, binding: Binding) -> Result<Self, FederateError> {
        if matches!(binding, Binding::HttpRedirect | Binding::Soap) {
            let why = "responses do not come by that binding";
            return Err(FederateError::Configuration(why));
        }
        if !self.response_bindings.contains(&binding) {
            self.response_bindings.push(binding);
        }
        Ok(self)
    }

    /// Tells identity providers which attributes are wanted (`[SAMLMeta] 2.4.4.1`); a login can
    /// ask for one of several such sets.
    #[must_use]
    pub fn with_attribute_consuming_service(mut self, service: AttributeConsumingService) -> Self {
        self.attribute_consuming_services.push(service);
        self
    }

    /// Takes part in single logout: logout messages arrive at the given address.
    ///
    /// # Errors
    /// [`FederateError::Value`] when the address is not an absolute `http(s)` URL.
    pub fn with_single_logout(mut self, location: &str) -> Result<Self, FederateError> {
        self.single_logout_service = Some(Location::new(location)?);
        Ok(self)
    }

    /// Takes LogoutRequests by SOAP, too, at this address (`[SAMLProf] 4.4.3.1`): sessions then
    /// end without the browser.
    ///
    /// # Errors
    /// [`FederateError::Value`] when the address is not an absolute `http(s)` URL.
    pub fn with_soap_logout(mut self, location: &str) -> Result<Self, FederateError> {
        self.soap_logout_service = Some(Location::new(location)?);
        Ok(self)
    }

    /// Sets how long the application's own sessions last; 7 days, 3 days idle by default.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: LifetimePolicy) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Keeps sessions in the store for so much longer than they live.
    pub(crate) const fn keep_ended(mut self, kept: TimeDelta) -> Self {
        self.kept = kept;
        self
    }

    /// Sets the account whose sessions these are, where a store holds those of several; another
    /// account's cookies open nothing here.
    #[must_use]
    pub fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = tenant;
        self
    }

    /// Whether responses can come by this binding.
    #[must_use]
    pub fn takes_responses_by(&self, binding: Binding) -> bool {
        self.response_bindings.contains(&binding)
    }

    /// The identity providers that are configured, in the order of their names.
    pub fn identity_providers(&self) -> impl Iterator<Item = &Connection> {
        self.identity_providers.values()
    }

    /// What it remembers.
    #[must_use]
    pub const fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// Ourselves.
    #[must_use]
    pub const fn party(&self) -> &Party {
        &self.party
    }

    /// The metadata to give to identity providers.
    #[must_use]
    pub fn metadata(&self) -> Vec<u8> {
        let both = [Binding::HttpRedirect, Binding::HttpPost];
        let mut sp = SpDescriptor::default();
        sp.authn_requests_signed = true;
        sp.want_assertions_signed = true;
        sp.keys = self.party.key_descriptors();
        sp.assertion_consumer = (0..)
            .zip(&self.response_bindings)
            .map(|(index, binding)| {
                let acs = self.assertion_consumer_service.clone();
                IndexedEndpoint::new(index, Endpoint::new(*binding, acs))
            })
            .collect();
        sp.attribute_consuming_services
            .clone_from(&self.attribute_consuming_services);
        if let Some(location) = &self.single_logout_service {
            sp.single_logout = both
                .map(|binding| Endpoint::new(binding, location.clone()))
                .to_vec();
        }
        let soap = self.soap_logout_service.iter();
        sp.single_logout
            .extend(soap.map(|location| Endpoint::new(Binding::Soap, location.clone())));
        let mut entity = EntityDescriptor::new(self.party.entity_id.clone());
        entity.cache_duration = Some(METADATA_CACHE_DURATION);
        entity.sp = Some(sp);
        entity.to_xml()
    }

    /// The session of a cookie, with its user, if it lasts; the access counts as activity.
    ///
    /// # Errors
    /// [`FederateError::Store`].
    pub async fn session(
        &self,
        token: &Token,
    ) -> Result<Option<(SessionRecord, User)>, FederateError> {
        let (key, now) = (self.session_key(token), self.now());
        let state = self.store.touch_if_alive(&key, &self.lifetime, now).await?;
        let SessionState::Alive(record) = state else {
            return Ok(None);
        };
        let user = self.store.load_user(&self.tenant, &record.user).await?;
        Ok(user.map(|user| (*record, user)))
    }

    fn now(&self) -> DateTime<Utc> {
        self.party.clock.now()
    }

    fn session_key(&self, token: &Token) -> SessionKey {
        session_key(self.party.provider(), &self.tenant, token)
    }

    /// The connection to an identity provider that is configured, or one of a federation.
    pub(crate) fn connection(
        &self,
        id: Option<&EntityId>,
    ) -> Result<Cow<'_, Connection>, FederateError> {
        let id = id.ok_or(Denial::UnknownPeer)?;
        if let Some(configured) = self.identity_providers.get(id) {
            return Ok(Cow::Borrowed(configured));
        }
        let found = Federation::find(&self.federations, id, self.now())?;
        let (federation, entity) = found.ok_or(Denial::UnknownPeer)?;
        let connection = Connection::of_federation(entity)?;
        Ok(Cow::Owned(federation.by_its_rules(connection)))
    }

    /// What an identity provider says of itself now.
    fn metadata_of(&self, connection: &Connection) -> Result<Arc<EntityDescriptor>, MetadataError> {
        let configured = self.identity_providers.contains_key(connection.entity_id());
        let published = self.published.as_ref().filter(|_| configured);
        party::current(&connection.metadata, published)
    }

    /// The same, with the keys with which it signs, if it holds now.
    fn trusted(
        &self,
        connection: &Connection,
        now: DateTime<Utc>,
    ) -> Result<(Arc<EntityDescriptor>, TrustedKeys), FederateError> {
        let metadata = self.metadata_of(connection)?;
        let keys = metadata.idp_at(now)?.signing_keys(self.party.provider());
        Ok((metadata, keys.ok_or(Denial::NoSigningKey)?))
    }
}
