//! What a case must come to.

use crate::arbitrary::{OTHER_CLASS, PASSWORD_CLASS, Who};
use crate::world::{HUB, SP, World};
use chrono::{DateTime, Utc};
use federate::Token;
use federate::types::{EntityId, NameId, NameIdFormat, StatusCode};
use federate_testkit::parties::USER;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) enum Expected {
    Login(Box<Said>),
    /// The hub says why not.
    Status(StatusCode),
    /// The application does not take what the hub was told to say.
    Refused(&'static str),
}

/// What the hub says of a person.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) name: Name,
    pub(crate) attributes: BTreeMap<String, Vec<String>>,
    pub(crate) authn_instant: DateTime<Utc>,
    pub(crate) authn_context: String,
    pub(crate) session_end: DateTime<Utc>,
}

#[derive(Debug)]
pub(crate) enum Name {
    Known(NameId),
    /// Made for the two parties.
    Opaque(NameIdFormat),
}

impl Name {
    #[track_caller]
    pub(crate) fn is_that_of(&self, name_id: &NameId) {
        match self {
            Self::Known(known) => assert_eq!(name_id, known),
            Self::Opaque(format) => {
                assert_eq!(name_id.format.as_ref(), Some(format));
                assert_eq!(name_id.name_qualifier, Some(EntityId::new(HUB).unwrap()));
                assert_eq!(name_id.sp_name_qualifier, Some(EntityId::new(SP).unwrap()));
                assert!(!name_id.value().contains(USER) && name_id.value().len() > 20);
            }
        }
    }
}

impl Expected {
    /// By the hub's session, if there is one.
    pub(crate) async fn of(world: &World, session: Option<&Token>) -> Self {
        let case = &world.case;
        if let Some(context) = &case.request.context
            && !context
                .class_refs
                .iter()
                .any(|class| class == PASSWORD_CLASS)
        {
            return Self::Status(StatusCode::NoAuthnContext);
        }
        if case.request.is_passive && (!case.signed_in || case.request.force_authn) {
            return Self::Status(StatusCode::NoPassive);
        }
        let Some(name) = name(world) else {
            return Self::Status(StatusCode::InvalidNameIdPolicy);
        };
        let is_asked_for = match (case.request.subject, &name) {
            (None, _) => true,
            (Some(Who::Nobody), _) | (Some(_), Name::Opaque(_)) => false,
            (Some(Who::Address(with_format)), Name::Known(name)) => {
                let same_format = name.format == Some(NameIdFormat::EmailAddress);
                Some(name.value()) == world.email() && (same_format || !with_format)
            }
        };
        if !is_asked_for {
            return Self::Status(StatusCode::UnknownPrincipal);
        }
        if case.answers.for_another {
            return Self::Refused("response.audience_mismatch");
        }
        let authn_context = case.answers.authn_context.unwrap_or(PASSWORD_CLASS);
        if let Some(context) = &case.request.context
            && !context
                .class_refs
                .iter()
                .any(|class| class == authn_context)
        {
            assert_eq!(authn_context, OTHER_CLASS);
            return Self::Refused("response.authn_context");
        }
        let record = world
            .hub
            .session(session.unwrap())
            .await
            .unwrap()
            .unwrap()
            .record;
        Self::Login(Box::new(Said {
            name,
            attributes: attributes(world),
            authn_instant: record.authn_instant,
            authn_context: authn_context.to_owned(),
            session_end: record.lifetime.not_on_or_after(),
        }))
    }
}

fn name(world: &World) -> Option<Name> {
    let case = &world.case;
    let specific = |format: &&NameIdFormat| **format != NameIdFormat::Unspecified;
    let asked = case.request.name_id_format.as_ref().filter(specific);
    let told = case.metadata.formats.iter().find(specific);
    let format = asked.or(told).unwrap_or(&case.answers.name_id_format);
    let probes = &case.answers.name_id_probes;
    let value = match format {
        NameIdFormat::Persistent | NameIdFormat::Transient => {
            return Some(Name::Opaque(format.clone()));
        }
        NameIdFormat::Other(_) => None,
        _ if !probes.is_empty() => world
            .email()
            .filter(|_| probes.iter().any(|p| p == "email")),
        NameIdFormat::EmailAddress => world.email(),
        NameIdFormat::Unspecified => Some(USER),
        _ => None,
    };
    value.map(|value| Name::Known(NameId::new(value, Some(format.clone())).unwrap()))
}

fn attributes(world: &World) -> BTreeMap<String, Vec<String>> {
    let release = &world.case.release;
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, values) in &world.case.profile {
        let own = vec![name.clone()];
        let names = match release.mappings.get(name) {
            Some(names) => names,
            None if release.pass_unmapped => &own,
            None => continue,
        };
        let values: Vec<_> = values.iter().filter(|v| is_text(v)).cloned().collect();
        let names = names.iter().filter(|name| is_text(name));
        for name in names.filter(|_| !values.is_empty()) {
            told.entry(name.clone()).or_default().extend(values.clone());
        }
    }
    let email = world.case.profile["email"].first();
    if let Some(email) = email.filter(|email| release.create_upn && is_text(email)) {
        let upn = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
        told.insert(upn.to_owned(), vec![email.clone()]);
    }
    told
}

/// Whether XML can carry it, of what the cases have.
fn is_text(text: &str) -> bool {
    !text.contains(['\0', '\u{1}', '\u{b}', '\u{fffe}'])
}
