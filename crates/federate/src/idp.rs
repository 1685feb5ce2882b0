//! The identity provider: what applications ask, and how they are answered in SAML 2.0.
//!
//! It knows nothing of sessions and users: the [`crate::Hub`] does, or your own service.

mod answer;
mod application;
mod artifact;
mod logout;
mod release;
mod sign_on;

pub use answer::{Assurance, KeptResponse, Reply};
pub use application::Application;
pub use release::AttributeRelease;
pub use sign_on::SignOnDemand;

use crate::error::{Denial, FederateError};
use crate::federation::Federation;
use crate::party::{self, METADATA_CACHE_DURATION, Party};
use chrono::{DateTime, Utc};
use federate_metadata::{
    Endpoint, EntityDescriptor, EntitySource, IdpDescriptor, IndexedEndpoint, Location,
    MetadataError, SpDescriptor,
};
use federate_types::{Binding, EntityId, NameIdFormat};
use federate_xml::TrustedKeys;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The SAML 2.0 identity provider towards a set of applications.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    party: Party,
    single_sign_on_service: Location,
    single_logout_service: Location,
    soap_logout_service: Option<Location>,
    /// Where enhanced clients ask, if they can.
    ecp_service: Option<Location>,
    /// Where artifacts are resolved, if answers may travel as such.
    artifact_resolution_service: Option<Location>,
    requires_signed_requests: bool,
    applications: BTreeMap<EntityId, Application>,
    published: Option<Arc<dyn EntitySource>>,
    /// The one that counts first is the first.
    federations: Vec<Federation<Application>>,
}

impl IdentityProvider {
    /// An identity provider whose messages arrive at these addresses.
    ///
    /// # Errors
    /// [`FederateError::Value`] when an address is not an absolute `http(s)` URL.
    pub fn new(
        party: Party,
        single_sign_on_service: &str,
        single_logout_service: &str,
    ) -> Result<Self, FederateError> {
        Ok(Self {
            party,
            single_sign_on_service: Location::new(single_sign_on_service)?,
            single_logout_service: Location::new(single_logout_service)?,
            soap_logout_service: None,
            ecp_service: None,
            artifact_resolution_service: None,
            requires_signed_requests: false,
            applications: BTreeMap::new(),
            published: None,
            federations: Vec::new(),
        })
    }

    /// Takes signed requests only, and says so in its metadata (`[SAMLMeta] 2.4.3`). Without
    /// this, requests of an application must be signed when that application's metadata says
    /// that they are.
    #[must_use]
    pub const fn require_signed_requests(mut self) -> Self {
        self.requires_signed_requests = true;
        self
    }

    /// Lets answers travel as artifacts, which applications resolve at this address: what comes
    /// there is for [`resolve_artifact`](Self::resolve_artifact).
    ///
    /// # Errors
    /// [`FederateError::Value`] when the address is not an absolute `http(s)` URL.
    pub fn with_artifact_resolution(mut self, location: &str) -> Result<Self, FederateError> {
        self.artifact_resolution_service = Some(Location::new(location)?);
        Ok(self)
    }

    /// Takes LogoutRequests by SOAP, too, at this address (`[SAMLProf] 4.4.3.1`).
    ///
    /// # Errors
    /// [`FederateError::Value`] when the address is not an absolute `http(s)` URL.
    pub fn with_soap_logout(mut self, location: &str) -> Result<Self, FederateError> {
        self.soap_logout_service = Some(Location::new(location)?);
        Ok(self)
    }

    /// Lets enhanced clients ask for themselves, by SOAP at this address (`[SAMLProf] 4.2`).
    ///
    /// # Errors
    /// [`FederateError::Value`] when the address is not an absolute `http(s)` URL.
    pub fn with_ecp(mut self, location: &str) -> Result<Self, FederateError> {
        self.ecp_service = Some(Location::new(location)?);
        Ok(self)
    }

    /// Where enhanced clients ask, if they can.
    #[must_use]
    pub const fn ecp_service(&self) -> Option<&Location> {
        self.ecp_service.as_ref()
    }

    /// Adds an application; one of the same entity identifier is replaced.
    #[must_use]
    pub fn with_application(mut self, application: Application) -> Self {
        self.applications
            .insert(application.entity_id().clone(), application);
        self
    }

    /// Lets every service provider ask that this source has when its message comes: whom it no
    /// longer has is refused at the next one.
    ///
    /// `rules` says what is different from the usual rules, for each of them: it gets the
    /// application of [`Application::of_federation`], which is told little.
    ///
    /// Applications that are configured count first, with their own options and what was
    /// configured of them, then the federations in the order in which they were added.
    ///
    /// ```
    /// # use federate::{IdentityProvider, metadata::EntitySource};
    /// # use std::sync::Arc;
    /// # fn join(idp: IdentityProvider, source: Arc<dyn EntitySource>) -> IdentityProvider {
    /// idp.with_federation(source, |application| {
    ///     let mail = "urn:oid:0.9.2342.19200300.100.1.3".to_owned();
    ///     application.release.mappings.insert("email".to_owned(), vec![mail]);
    ///     // What is told is encrypted to whom has a key for it.
    ///     let sp = application.metadata.sp.as_ref();
    ///     let key = sp.and_then(|sp| sp.encryption_certificates().next());
    ///     application.encrypt_assertions = key.is_some();
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn with_federation(
        mut self,
        source: Arc<dyn EntitySource>,
        rules: impl Fn(&mut Application) + Send + Sync + 'static,
    ) -> Self {
        self.federations.push(Federation::new(source, rules));
        self
    }

    /// Takes what configured applications say of themselves from here, message by message, where
    /// it is there; otherwise from their configuration. It lets nobody ask:
    /// [`with_federation`](Self::with_federation) does.
    #[must_use]
    pub fn with_published_metadata(mut self, source: Arc<dyn EntitySource>) -> Self {
        self.published = Some(source);
        self
    }

    /// The applications that are configured, by entity identifier.
    #[must_use]
    pub const fn applications(&self) -> &BTreeMap<EntityId, Application> {
        &self.applications
    }

    /// Ourselves.
    #[must_use]
    pub const fn party(&self) -> &Party {
        &self.party
    }

    /// The metadata to give to applications.
    #[must_use]
    pub fn metadata(&self) -> Vec<u8> {
        let browser = [
            Binding::HttpRedirect,
            Binding::HttpPost,
            Binding::HttpPostSimpleSign,
        ];
        let endpoints = |location: &Location| {
            browser
                .map(|binding| Endpoint::new(binding, location.clone()))
                .to_vec()
        };
        let mut idp = IdpDescriptor::default();
        idp.keys = self.party.key_descriptors();
        idp.want_authn_requests_signed = self.requires_signed_requests;
        idp.single_sign_on = endpoints(&self.single_sign_on_service);
        let ecp = self.ecp_service.iter();
        idp.single_sign_on
            .extend(ecp.map(|location| Endpoint::new(Binding::Soap, location.clone())));
        idp.single_logout = endpoints(&self.single_logout_service);
        let soap = self.soap_logout_service.iter();
        idp.single_logout
            .extend(soap.map(|location| Endpoint::new(Binding::Soap, location.clone())));
        let resolution = self.artifact_resolution_service.iter();
        idp.artifact_resolution = resolution
            .map(|location| {
                let endpoint = Endpoint::new(Binding::Soap, location.clone());
                IndexedEndpoint::new(artifact::RESOLUTION_INDEX, endpoint)
            })
            .collect();
        idp.name_id_formats = vec![
            NameIdFormat::EmailAddress,
            NameIdFormat::Persistent,
            NameIdFormat::Transient,
            NameIdFormat::Unspecified,
        ];
        let mut entity = EntityDescriptor::new(self.party.entity_id.clone());
        entity.cache_duration = Some(METADATA_CACHE_DURATION);
        entity.idp = Some(idp);
        entity.to_xml()
    }

    /// The application of this name that is configured, or the one of a federation.
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`]; [`FederateError::Metadata`] when what the federation says has
    /// ended or is not of a service provider.
    pub fn application(
        &self,
        id: Option<&EntityId>,
    ) -> Result<Cow<'_, Application>, FederateError> {
        let id = id.ok_or(Denial::UnknownPeer)?;
        if let Some(configured) = self.applications.get(id) {
            return Ok(Cow::Borrowed(configured));
        }
        let found = Federation::find(&self.federations, id, self.now())?;
        let (federation, entity) = found.ok_or(Denial::UnknownPeer)?;
        let application = Application::of_federation(entity)?;
        Ok(Cow::Owned(federation.by_its_rules(application)))
    }

    /// What an application says of itself now.
    pub(crate) fn metadata_of(
        &self,
        application: &Application,
    ) -> Result<Arc<EntityDescriptor>, MetadataError> {
        let configured = self.applications.contains_key(application.entity_id());
        let published = self.published.as_ref().filter(|_| configured);
        party::current(&application.metadata, published)
    }

    fn now(&self) -> DateTime<Utc> {
        self.party.clock.now()
    }

    fn keys(&self, sp: &SpDescriptor) -> Option<TrustedKeys> {
        sp.signing_keys(self.party.provider())
    }
}
