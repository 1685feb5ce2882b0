//! The request to authenticate a person (`[SAMLCore] 3.4.1`).

use crate::authn_context::RequestedAuthnContext;
use crate::extensions::Extensions;
use crate::message::{self, read_head, read_id, write_head, write_id};
use crate::names::{
    AUTHN_REQUEST, CONDITIONS, GET_COMPLETE, IDP_ENTRY, IDP_LIST, NAME_ID_POLICY,
    REQUESTED_AUTHN_CONTEXT, REQUESTER_ID, SCOPING, SUBJECT,
};
use crate::subject::{Subject, write_name_id};
use chrono::{DateTime, Utc};
use federate_types::{Binding, EntityId, MessageId, NameId, NameIdFormat};
use federate_xml::{Element, FromElement, Name, ReadError, ReadProblem, Writer};

/// A service provider asks an identity provider who the person at the browser is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthnRequest {
    /// Its identifier, which the response repeats.
    pub id: MessageId,
    /// When it was made.
    pub issue_instant: DateTime<Utc>,
    /// Where it was sent.
    pub destination: Option<String>,
    /// Who asks.
    pub issuer: Option<EntityId>,
    /// What else it says, in other vocabularies.
    pub extensions: Extensions,
    /// Whether the person must prove who they are anew.
    pub force_authn: bool,
    /// Whether the identity provider must not show anything to the person.
    pub is_passive: bool,
    /// Where the answer shall go, by address.
    pub assertion_consumer_service_url: Option<String>,
    /// Where the answer shall go, by the number in the metadata.
    pub assertion_consumer_service_index: Option<u16>,
    /// How the answer shall travel.
    pub protocol_binding: Option<Binding>,
    /// Which kind of name is wanted.
    pub name_id_policy: Option<NameIdPolicy>,
    /// Which ways of authentication will do.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// A name of the requester for people to read.
    pub provider_name: Option<String>,
    /// Which set of attributes is wanted, by its number in the metadata.
    pub attribute_consuming_service_index: Option<u16>,
    /// Who the person must be; anybody if absent (`[SAMLCore] 3.4.1.4`).
    pub subject: Option<NameId>,
    /// Who may answer.
    pub scoping: Option<Scoping>,
}

/// `[SAMLCore] 3.4.1.1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// The format wanted.
    pub format: Option<NameIdFormat>,
    /// For which service provider, or which affiliation of several, the name shall be; for the
    /// one that asks if absent.
    pub sp_name_qualifier: Option<EntityId>,
    /// Whether a new identifier may be made.
    pub allow_create: bool,
}

/// Which identity providers may answer, and how often the question may be passed on
/// (`[SAMLCore] 3.4.1.2`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scoping {
    /// How many identity providers may pass the question on; any number if absent, none at 0.
    pub proxy_count: Option<u32>,
    /// The identity providers of which one shall answer, by preference; any if there is none.
    pub identity_providers: Vec<EntityId>,
    /// For whom those ask that passed the question on, the first asker first.
    pub requesters: Vec<EntityId>,
}

impl AuthnRequest {
    /// A request that leaves everything to the identity provider and its metadata.
    #[must_use]
    pub const fn new(id: MessageId, issue_instant: DateTime<Utc>, issuer: EntityId) -> Self {
        Self {
            id,
            issue_instant,
            destination: None,
            issuer: Some(issuer),
            extensions: Extensions::new(),
            force_authn: false,
            is_passive: false,
            assertion_consumer_service_url: None,
            assertion_consumer_service_index: None,
            protocol_binding: None,
            name_id_policy: None,
            requested_authn_context: None,
            provider_name: None,
            attribute_consuming_service_index: None,
            subject: None,
            scoping: None,
        }
    }

    /// Writes the request; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        let flag = |flag: bool| flag.then_some("true");
        w.start(AUTHN_REQUEST);
        write_id(w, &self.id, self.issue_instant, self.destination.as_deref());
        w.optional_attribute(Name::local("ForceAuthn"), flag(self.force_authn));
        w.optional_attribute(Name::local("IsPassive"), flag(self.is_passive));
        w.optional_attribute(
            Name::local("AssertionConsumerServiceURL"),
            self.assertion_consumer_service_url.as_deref(),
        );
        if let Some(index) = self.assertion_consumer_service_index {
            let name = Name::local("AssertionConsumerServiceIndex");
            w.attribute(name, &index.to_string());
        }
        w.optional_attribute(
            Name::local("ProtocolBinding"),
            self.protocol_binding.map(Binding::uri),
        );
        if let Some(index) = self.attribute_consuming_service_index {
            let name = Name::local("AttributeConsumingServiceIndex");
            w.attribute(name, &index.to_string());
        }
        w.optional_attribute(Name::local("ProviderName"), self.provider_name.as_deref());
        write_head(w, AUTHN_REQUEST, self.issuer.as_ref(), &self.extensions);
        if let Some(name_id) = &self.subject {
            w.start(SUBJECT);
            write_name_id(w, name_id);
            w.end();
        }
        if let Some(policy) = &self.name_id_policy {
            w.start(NAME_ID_POLICY);
            let format = policy.format.as_ref().map(NameIdFormat::uri);
            w.optional_attribute(Name::local("Format"), format);
            let qualifier = policy.sp_name_qualifier.as_ref().map(EntityId::as_str);
            w.optional_attribute(Name::local("SPNameQualifier"), qualifier);
            w.optional_attribute(Name::local("AllowCreate"), flag(policy.allow_create));
            w.end();
        }
        if let Some(requested) = &self.requested_authn_context {
            requested.write(w);
        }
        if let Some(scoping) = &self.scoping {
            scoping.write(w);
        }
        w.end();
    }
}

impl FromElement for AuthnRequest {
    const ELEMENT: Name = AUTHN_REQUEST;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let of = AUTHN_REQUEST;
        let (id, issue_instant) = read_id(element, of)?;
        let text = |attribute| element.attribute(attribute).map(str::to_owned);
        let mut children = element.children(of)?;
        let (issuer, extensions) = read_head(&mut children)?;
        let subject = children.optional(SUBJECT).map(read_subject).transpose()?;
        let policy = children.optional(NAME_ID_POLICY);
        children.optional(CONDITIONS);
        let requested = children.optional(REQUESTED_AUTHN_CONTEXT);
        let scoping = children.optional(SCOPING).map(Scoping::read).transpose()?;
        children.finish()?;
        Ok(Self {
            id,
            issue_instant,
            destination: text("Destination"),
            issuer,
            extensions,
            force_authn: element.boolean(of, "ForceAuthn")?.unwrap_or(false),
            is_passive: element.boolean(of, "IsPassive")?.unwrap_or(false),
            assertion_consumer_service_url: text("AssertionConsumerServiceURL"),
            assertion_consumer_service_index: index(element, "AssertionConsumerServiceIndex")?,
            protocol_binding: match element.attribute("ProtocolBinding") {
                None => None,
                Some(uri) => Some(
                    Binding::from_uri(uri)
                        .ok_or(invalid("ProtocolBinding", "a binding of SAML 2.0"))?,
                ),
            },
            name_id_policy: policy.map(NameIdPolicy::read).transpose()?,
            requested_authn_context: requested.map(RequestedAuthnContext::read).transpose()?,
            provider_name: text("ProviderName"),
            attribute_consuming_service_index: index(element, "AttributeConsumingServiceIndex")?,
            subject: subject.flatten(),
            scoping,
        })
    }
}

pub(crate) fn invalid(what: &'static str, expected: &'static str) -> ReadError {
    ReadError::new(
        AUTHN_REQUEST.local,
        ReadProblem::InvalidValue { what, expected },
    )
}

/// `[SAMLProf] 4.1.4.1`: a subject without confirmations; encrypted, it was decrypted before.
fn read_subject(element: Element<'_>) -> Result<Option<NameId>, ReadError> {
    let subject = Subject::read(element)?;
    if subject.confirmations.is_empty() {
        return Ok(subject.name_id);
    }
    Err(invalid("Subject", "a name without confirmations"))
}

fn index(element: Element<'_>, name: &'static str) -> Result<Option<u16>, ReadError> {
    element
        .attribute(name)
        .map(|text| text.parse().map_err(|_| invalid(name, "0 to 65535")))
        .transpose()
}

impl NameIdPolicy {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            format: element.attribute("Format").map(NameIdFormat::from_uri),
            sp_name_qualifier: element
                .attribute("SPNameQualifier")
                .map(|id| EntityId::new(id).map_err(message::invalid(NAME_ID_POLICY)))
                .transpose()?,
            allow_create: element
                .boolean(NAME_ID_POLICY, "AllowCreate")?
                .unwrap_or(false),
        })
    }
}

impl Scoping {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let count = element.attribute("ProxyCount").map(str::parse).transpose();
        let mut scoping = Self {
            proxy_count: count.map_err(|_| invalid("ProxyCount", "a number"))?,
            ..Self::default()
        };
        let mut children = element.children(SCOPING)?;
        if let Some(list) = children.optional(IDP_LIST) {
            let mut entries = list.children(IDP_LIST)?;
            while let Some(entry) = entries.optional(IDP_ENTRY) {
                let id = entry.required(IDP_ENTRY, "ProviderID")?;
                let id = EntityId::new(id).map_err(message::invalid(IDP_ENTRY))?;
                scoping.identity_providers.push(id);
            }
            // A further list is at an address, which is not asked ([SAMLCore] 3.4.1.3).
            entries.optional(GET_COMPLETE);
            entries.finish()?;
        }
        while let Some(requester) = children.optional(REQUESTER_ID) {
            let id = EntityId::new(requester.text()?).map_err(message::invalid(REQUESTER_ID))?;
            scoping.requesters.push(id);
        }
        children.finish()?;
        Ok(scoping)
    }

    fn write(&self, w: &mut Writer) {
        w.start(SCOPING);
        if let Some(count) = self.proxy_count {
            w.attribute(Name::local("ProxyCount"), &count.to_string());
        }
        write_idp_list(w, &self.identity_providers);
        for id in &self.requesters {
            w.element(REQUESTER_ID, id.as_str());
        }
        w.end();
    }
}

/// `[SAMLCore] 3.4.1.3`: not there if it is empty.
pub(crate) fn write_idp_list(w: &mut Writer, identity_providers: &[EntityId]) {
    if identity_providers.is_empty() {
        return;
    }
    w.start(IDP_LIST);
    for id in identity_providers {
        w.start(IDP_ENTRY);
        w.attribute(Name::local("ProviderID"), id.as_str());
        w.end();
    }
    w.end();
}
