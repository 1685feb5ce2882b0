//! The request to authenticate a person (`[SAMLCore] 3.4.1`).

use crate::message::{read_head, read_id, write_id, write_issuer};
use crate::names::{
    AUTHN_CONTEXT_CLASS_REF, AUTHN_REQUEST, CONDITIONS, NAME_ID_POLICY, REQUESTED_AUTHN_CONTEXT,
    SCOPING, SUBJECT,
};
use chrono::{DateTime, Utc};
use federate_types::{Binding, EntityId, MessageId, NameIdFormat};
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
}

/// `[SAMLCore] 3.4.1.1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// The format wanted.
    pub format: Option<NameIdFormat>,
    /// Whether a new identifier may be made.
    pub allow_create: bool,
}

/// `[SAMLCore] 3.3.2.2.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAuthnContext {
    /// How the classes are compared with what happened.
    pub comparison: Comparison,
    /// The classes that will do.
    pub class_refs: Vec<String>,
}

/// How an authentication is compared with the classes requested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Comparison {
    /// It must be one of them.
    #[default]
    Exact,
    /// It must be at least as strong as one of them.
    Minimum,
    /// It must be as strong as possible without exceeding one of them.
    Maximum,
    /// It must be stronger than any of them.
    Better,
}

impl Comparison {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Exact, "exact"),
        (Self::Minimum, "minimum"),
        (Self::Maximum, "maximum"),
        (Self::Better, "better"),
    ];

    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, t)| *t == text).map(|(c, _)| *c)
    }

    fn text(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(c, _)| *c == self)
            .map_or("exact", |(_, t)| t)
    }
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
            force_authn: false,
            is_passive: false,
            assertion_consumer_service_url: None,
            assertion_consumer_service_index: None,
            protocol_binding: None,
            name_id_policy: None,
            requested_authn_context: None,
            provider_name: None,
        }
    }

    /// Writes the request; its signature belongs right after the Issuer.
    pub fn write(&self, w: &mut Writer) {
        let flag = |flag: bool| flag.then_some("true");
        w.start(AUTHN_REQUEST);
        write_id(w, &self.id, self.issue_instant);
        w.optional_attribute(Name::local("Destination"), self.destination.as_deref());
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
        w.optional_attribute(Name::local("ProviderName"), self.provider_name.as_deref());
        if let Some(issuer) = &self.issuer {
            write_issuer(w, issuer);
        }
        w.signature_belongs_here();
        if let Some(policy) = &self.name_id_policy {
            w.start(NAME_ID_POLICY);
            let format = policy.format.as_ref().map(NameIdFormat::uri);
            w.optional_attribute(Name::local("Format"), format);
            w.optional_attribute(Name::local("AllowCreate"), flag(policy.allow_create));
            w.end();
        }
        if let Some(requested) = &self.requested_authn_context {
            w.start(REQUESTED_AUTHN_CONTEXT);
            w.attribute(Name::local("Comparison"), requested.comparison.text());
            for class in &requested.class_refs {
                w.element(AUTHN_CONTEXT_CLASS_REF, class);
            }
            w.end();
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
        let issuer = read_head(&mut children)?;
        children.optional(SUBJECT);
        let policy = children.optional(NAME_ID_POLICY);
        children.optional(CONDITIONS);
        let requested = children.optional(REQUESTED_AUTHN_CONTEXT);
        children.optional(SCOPING);
        children.finish()?;
        Ok(Self {
            id,
            issue_instant,
            destination: text("Destination"),
            issuer,
            force_authn: element.boolean(of, "ForceAuthn")?.unwrap_or(false),
            is_passive: element.boolean(of, "IsPassive")?.unwrap_or(false),
            assertion_consumer_service_url: text("AssertionConsumerServiceURL"),
            assertion_consumer_service_index: index(element)?,
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
        })
    }
}

fn invalid(what: &'static str, expected: &'static str) -> ReadError {
    ReadError::new(
        AUTHN_REQUEST.local,
        ReadProblem::InvalidValue { what, expected },
    )
}

fn index(element: Element<'_>) -> Result<Option<u16>, ReadError> {
    let name = "AssertionConsumerServiceIndex";
    element
        .attribute(name)
        .map(|text| text.parse().map_err(|_| invalid(name, "0 to 65535")))
        .transpose()
}

impl NameIdPolicy {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        Ok(Self {
            format: element.attribute("Format").map(NameIdFormat::from_uri),
            allow_create: element
                .boolean(NAME_ID_POLICY, "AllowCreate")?
                .unwrap_or(false),
        })
    }
}

impl RequestedAuthnContext {
    fn read(element: Element<'_>) -> Result<Self, ReadError> {
        let comparison = match element.attribute("Comparison") {
            None => Comparison::Exact,
            Some(text) => Comparison::from_text(text)
                .ok_or(invalid("Comparison", "exact, minimum, maximum or better"))?,
        };
        let mut class_refs = Vec::new();
        let mut children = element.children(REQUESTED_AUTHN_CONTEXT)?;
        while let Some(class) = children.optional(AUTHN_CONTEXT_CLASS_REF) {
            class_refs.push(class.trimmed_text()?.into_owned());
        }
        Ok(Self {
            comparison,
            class_refs,
        })
    }
}
