//! A service provider that may ask, and how it is answered.

use super::AttributeRelease;
use crate::error::FederateError;
use crate::hub::ReturnToList;
use crate::party::PeerPolicy;
use federate_metadata::{EntityDescriptor, Localized, MetadataError, parse_entity};
use federate_saml::IssuePolicy;
use federate_types::{EntityId, NameIdFormat};
use federate_xml::Signer;
use std::sync::Arc;

/// A service provider that may ask, and how it is answered.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its name for people.
    pub name: String,
    /// What it says of itself.
    pub metadata: Arc<EntityDescriptor>,
    /// How far its clock may differ, and which of its signatures and ciphers are good enough.
    pub policy: PeerPolicy,
    /// The kind of name it is given, unless its request or metadata asks for another.
    pub name_id_format: NameIdFormat,
    /// The kinds of name that it can be given beside that one, whatever it asks for; any if there
    /// is none.
    pub name_id_formats: Vec<NameIdFormat>,
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
    /// Whether a session of the hub is enough for it. Otherwise the person is sent to where they
    /// sign in each time: to their identity provider, which may know them still, or to the hub's
    /// own page.
    pub use_hub_session: bool,
    /// The origins of its pages that may ask whether somebody is signed in, such as
    /// `https://app.example`.
    pub web_origins: Vec<String>,
    /// Where a person's browser may go after a logout that began at this application's link.
    pub return_to: ReturnToList,
    /// Whether its sign-out is known to work in a frame of the hub's page; used when the hub's
    /// policy has frames at all.
    pub logout_in_frames: bool,
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
        metadata: impl Into<Arc<EntityDescriptor>>,
    ) -> Result<Self, FederateError> {
        let metadata = metadata.into();
        if metadata.sp.is_none() {
            return Err(MetadataError::NoSpRole.into());
        }
        Ok(Self {
            name: name.into(),
            metadata,
            policy: PeerPolicy::default(),
            name_id_format: NameIdFormat::EmailAddress,
            name_id_formats: Vec::new(),
            issue: IssuePolicy::default(),
            encrypt_assertions: false,
            release: AttributeRelease::default(),
            name_id_probes: Vec::new(),
            audience: None,
            authn_context_class_ref: None,
            use_hub_session: true,
            web_origins: Vec::new(),
            return_to: ReturnToList::default(),
            logout_in_frames: false,
            signer: None,
        })
    }

    /// An application that nobody configured, from what a federation says of it. It is called
    /// what it calls itself in English, if it does; it is given transient names, or persistent
    /// ones if it asks for them, which no two applications can compare; and it is told only
    /// attributes for which its metadata asks ([`AttributeRelease::only_requested`]).
    ///
    /// # Errors
    /// [`FederateError::Metadata`] when it is no service provider.
    pub fn of_federation(
        metadata: impl Into<Arc<EntityDescriptor>>,
    ) -> Result<Self, FederateError> {
        let metadata = metadata.into();
        let name = Self::display_name(&metadata, &["en"]);
        let name = name.unwrap_or(metadata.entity_id.as_str()).to_owned();
        let mut application = Self::from_entity(name, metadata)?;
        application.name_id_format = NameIdFormat::Transient;
        application.name_id_formats = vec![NameIdFormat::Transient, NameIdFormat::Persistent];
        application.release.only_requested = true;
        Ok(application)
    }

    /// What a service provider calls itself (`[MDUI] 2.1.2`), for people who read these
    /// languages, in order of preference. It is the text of somebody else.
    #[must_use]
    pub fn display_name<'a>(metadata: &'a EntityDescriptor, languages: &[&str]) -> Option<&'a str> {
        let ui_info = metadata.sp.as_ref()?.details.extensions.ui_info.as_ref()?;
        let name = Localized::best_of(&ui_info.display_names, languages)?.trim();
        (!name.is_empty()).then_some(name)
    }

    /// Whether it can be given a name of this kind.
    #[must_use]
    pub fn takes_name_id_format(&self, format: &NameIdFormat) -> bool {
        self.name_id_formats.is_empty()
            || self.name_id_formats.contains(format)
            || self.name_id_format == *format
    }

    /// By which name it is known.
    #[must_use]
    pub fn entity_id(&self) -> &EntityId {
        &self.metadata.entity_id
    }
}
