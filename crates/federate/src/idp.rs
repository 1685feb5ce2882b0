//! The identity provider: what applications ask, and how they are answered in SAML 2.0.
//!
//! It knows nothing of sessions and users: the [`crate::Hub`] does, or your own service.

mod answer;
mod artifact;
mod logout;
mod release;
mod sign_on;

pub use answer::{Assurance, KeptResponse, Reply};
pub use release::AttributeRelease;
pub use sign_on::SignOnDemand;

use crate::error::{Denial, FederateError};
use crate::party::{Party, PeerMetadata, PeerPolicy};
use chrono::{DateTime, Utc};
use federate_metadata::{
    Endpoint, EntityDescriptor, EntitySource, IdpDescriptor, IndexedEndpoint, Location,
    MetadataError, SpDescriptor, parse_entity,
};
use federate_saml::IssuePolicy;
use federate_types::{Binding, EntityId, NameIdFormat};
use federate_xml::{Signer, TrustedKeys};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A service provider that may ask, and how it is answered.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its name for people.
    pub name: String,
    /// What it says of itself.
    pub metadata: EntityDescriptor,
    /// How far its clock may differ, and which of its signatures and ciphers are good enough.
    pub policy: PeerPolicy,
    /// The kind of name it is given, unless its request or metadata asks for another.
    pub name_id_format: NameIdFormat,
    /// How its responses are signed and how long they hold.
    pub issue: IssuePolicy,
    /// Whether its assertions are encrypted to a key of its metadata, unless `issue` names
    /// another.
    pub encrypt_assertions: bool,
    /// Which attributes of the profile it is told.
    pub release: AttributeRelease,
    /// Where the name is looked for that is not made for it: the first of these attributes of
    /// the profile that has a value. Without any, the e-mail address or the name of the account.
    pub name_id_probes: Vec<String>,
    /// The audience of its assertions, where it is not its entity identifier.
    pub audience: Option<EntityId>,
    /// What it is told of how the person signed in, where it insists on a class.
    pub authn_context_class_ref: Option<String>,
    /// Who signs for it, where another key or algorithm is needed.
    pub signer: Option<Signer>,
}

impl Application {
    /// An application with the usual options, from its metadata.
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when it does not describe one service provider.
    pub fn from_metadata(name: impl Into<String>, metadata: &[u8]) -> Result<Self, FederateError> {
        let metadata = parse_entity(metadata, &federate_xml::Limits::default())?;
        Self::from_entity(name, metadata)
    }

    /// An application with the usual options, from its metadata, which was read before.
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when it is no service provider.
    pub fn from_entity(
        name: impl Into<String>,
        metadata: EntityDescriptor,
    ) -> Result<Self, FederateError> {
        if metadata.sp.is_none() {
            return Err(federate_metadata::MetadataError::NoSpRole.into());
        }
        Ok(Self {
            name: name.into(),
            metadata,
            policy: PeerPolicy::default(),
            name_id_format: NameIdFormat::EmailAddress,
            issue: IssuePolicy::default(),
            encrypt_assertions: false,
            release: AttributeRelease::default(),
            name_id_probes: Vec::new(),
            audience: None,
            authn_context_class_ref: None,
            signer: None,
        })
    }

    /// By which name it is known.
    #[must_use]
    pub const fn entity_id(&self) -> &EntityId {
        &self.metadata.entity_id
    }
}

/// The SAML 2.0 identity provider towards a set of applications.
#[derive(Debug, Clone)]
pub struct IdentityProvider {
    party: Party,
    single_sign_on_service: Location,
    single_logout_service: Location,
    /// Where enhanced clients ask, if they can.
    ecp_service: Option<Location>,
    /// Where artifacts are resolved, if answers may travel as such.
    artifact_resolution_service: Option<Location>,
    requires_signed_requests: bool,
    applications: BTreeMap<EntityId, Application>,
    published: Option<Arc<dyn EntitySource>>,
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
            ecp_service: None,
            artifact_resolution_service: None,
            requires_signed_requests: false,
            applications: BTreeMap::new(),
            published: None,
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

    /// Takes what applications say of themselves from here, message by message, where it is
    /// there; otherwise from their configuration. Only applications that are configured may ask.
    #[must_use]
    pub fn with_published_metadata(mut self, source: Arc<dyn EntitySource>) -> Self {
        self.published = Some(source);
        self
    }

    /// The applications, by entity identifier.
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
        entity.idp = Some(idp);
        entity.to_xml()
    }

    /// The application of this name.
    ///
    /// # Errors
    /// [`Denial::UnknownPeer`].
    pub fn application(&self, id: Option<&EntityId>) -> Result<&Application, FederateError> {
        let application = id.and_then(|id| self.applications.get(id));
        Ok(application.ok_or(Denial::UnknownPeer)?)
    }

    /// What an application says of itself now.
    pub(crate) fn metadata_of<'a>(
        &self,
        application: &'a Application,
    ) -> Result<PeerMetadata<'a>, MetadataError> {
        PeerMetadata::current(&application.metadata, self.published.as_ref())
    }

    fn now(&self) -> DateTime<Utc> {
        self.party.clock.now()
    }

    fn keys(&self, sp: &SpDescriptor) -> Option<TrustedKeys> {
        sp.signing_keys(self.party.provider())
    }
}
