//! An entity as the command tells it.

use crate::summary::Lines;
use federate_crypto::{CryptoProvider, KeyType};
use federate_metadata::{
    ContactPerson, EntityDescriptor, KeyUse, Localized, PublishedEndpoint, PublishedKey,
    RoleDetails,
};
use federate_types::NameIdFormat;
use federate_xml::format_instant;
use serde::Serialize;

/// Everything that an operator asks of an entity.
#[derive(Debug, Serialize)]
pub(super) struct Description {
    entity_id: String,
    valid_until: Option<String>,
    /// In seconds.
    cache_duration: Option<i64>,
    registration_authority: Option<String>,
    categories: Vec<String>,
    category_support: Vec<String>,
    certifications: Vec<String>,
    organization: Vec<Text>,
    contacts: Vec<Contact>,
    roles: Vec<Role>,
    diagnostics: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Role {
    role: &'static str,
    valid_until: Option<String>,
    names: Vec<Text>,
    /// What is signed, by attribute.
    signing: Vec<(&'static str, bool)>,
    scopes: Vec<Scope>,
    domain_hints: Vec<String>,
    name_id_formats: Vec<String>,
    keys: Vec<Key>,
    endpoints: Vec<Place>,
}

#[derive(Debug, Serialize)]
struct Text {
    lang: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct Scope {
    value: String,
    regexp: bool,
}

#[derive(Debug, Serialize)]
struct Contact {
    kind: &'static str,
    security: bool,
    name: String,
    addresses: Vec<String>,
}

/// A key with the certificate around it, if there is one.
#[derive(Debug, Serialize)]
pub(super) struct Key {
    #[serde(rename = "use")]
    key_use: &'static str,
    kind: String,
    bits: u32,
    pub(super) sha256: String,
    subject: Option<String>,
    not_after: Option<String>,
}

#[derive(Debug, Serialize)]
struct Place {
    service: &'static str,
    binding: String,
    location: String,
    response_location: Option<String>,
    index: Option<u16>,
    is_default: Option<bool>,
}

/// Something that the library told.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Key {
    pub(super) fn of(key: &PublishedKey) -> Self {
        let certificate = key.certificate.as_ref();
        Self {
            key_use: match key.key_use {
                KeyUse::Signing => "signing",
                KeyUse::Encryption => "encryption",
                KeyUse::Both => "both",
            },
            kind: key.key.key_type().to_string(),
            bits: key.key.bits(),
            sha256: key.fingerprint.to_fingerprint(),
            subject: certificate.map(|certificate| certificate.subject().to_owned()),
            not_after: key.not_after.map(format_instant),
        }
    }

    /// One line without the fingerprint.
    pub(super) fn to_text(&self) -> String {
        let bits = match self.kind == KeyType::Rsa.to_string() {
            true => format!(" {}", self.bits),
            false => String::new(),
        };
        let key_use = match self.key_use {
            "both" => "signing and encryption",
            other => other,
        };
        let until = match &self.not_after {
            Some(until) => format!("certificate until {until}"),
            None => "no certificate".to_owned(),
        };
        format!("{key_use}, {}{bits}, {until}", self.kind)
    }
}

impl Place {
    fn of(endpoint: &PublishedEndpoint) -> Self {
        let responses = endpoint.endpoint.response_location.as_ref();
        Self {
            service: endpoint.service,
            binding: endpoint.endpoint.binding.uri().to_owned(),
            location: endpoint.endpoint.location.to_string(),
            response_location: responses.map(ToString::to_string),
            index: endpoint.index,
            is_default: endpoint.is_default,
        }
    }
}

fn texts(values: &[Localized]) -> Vec<Text> {
    let text = |one: &Localized| Text {
        lang: one.lang.clone(),
        value: one.value.clone(),
    };
    values.iter().map(text).collect()
}

fn contact(contact: &ContactPerson) -> Contact {
    let names = [&contact.company, &contact.given_name, &contact.sur_name];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    Contact {
        kind: contact.contact_type.name(),
        security: contact.is_for_security(),
        name: names.join(" "),
        addresses: contact.email_addresses.clone(),
    }
}

impl Description {
    pub(super) fn of(entity: &EntityDescriptor, provider: &CryptoProvider) -> Self {
        let owned = |values: &mut dyn Iterator<Item = &str>| values.map(str::to_owned).collect();
        let info = entity.extensions.registration_info.as_ref();
        let organization = entity.organization.as_ref();
        let told = entity.diagnostics.iter().map(|diagnostic| Told {
            code: diagnostic.code(),
            message: diagnostic.to_string(),
        });
        Self {
            entity_id: entity.entity_id.to_string(),
            valid_until: entity.valid_until.map(format_instant),
            cache_duration: entity.cache_duration.map(|cache| cache.num_seconds()),
            registration_authority: info.map(|info| info.registration_authority.clone()),
            categories: owned(&mut entity.entity_categories()),
            category_support: owned(&mut entity.entity_category_support()),
            certifications: owned(&mut entity.assurance_certifications()),
            organization: organization.map_or_else(Vec::new, |o| texts(&o.display_names)),
            contacts: entity.contacts.iter().map(contact).collect(),
            roles: roles(entity, provider),
            diagnostics: told.collect(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        let mut lines = Lines::default();
        lines.line("entity", &self.entity_id);
        optional(&mut lines, "valid until", self.valid_until.as_deref());
        let cache = self.cache_duration.map(|seconds| format!("{seconds} s"));
        optional(&mut lines, "cache duration", cache.as_deref());
        let registrar = self.registration_authority.as_deref();
        optional(&mut lines, "registered by", registrar);
        all(&mut lines, "category", &self.categories);
        all(&mut lines, "supports category", &self.category_support);
        all(&mut lines, "certification", &self.certifications);
        localized(&mut lines, "organization", &self.organization);
        for contact in &self.contacts {
            let kind = if contact.security {
                "security"
            } else {
                contact.kind
            };
            let addresses = contact.addresses.join(" ");
            lines.line("contact", &format!("{kind}: {} {addresses}", contact.name));
        }
        for role in &self.roles {
            role.to_lines(&mut lines);
        }
        for told in &self.diagnostics {
            lines.line("left out", &format!("{}: {}", told.code, told.message));
        }
        lines.finish()
    }
}

impl Role {
    fn to_lines(&self, lines: &mut Lines) {
        lines.line("role", self.role);
        optional(lines, "  valid until", self.valid_until.as_deref());
        localized(lines, "  name", &self.names);
        for (attribute, value) in &self.signing {
            lines.line("  signing", &format!("{attribute} {value}"));
        }
        for scope in &self.scopes {
            let kind = if scope.regexp {
                " (regular expression)"
            } else {
                ""
            };
            lines.line("  scope", &format!("{}{kind}", scope.value));
        }
        all(lines, "  domain hint", &self.domain_hints);
        all(lines, "  NameID format", &self.name_id_formats);
        for key in &self.keys {
            lines.line("  key", &key.to_text());
            optional(lines, "    subject", key.subject.as_deref());
            lines.line("    SHA-256", &key.sha256);
        }
        for place in &self.endpoints {
            let index = place.index.map(|index| format!(" {index}"));
            let default = match place.is_default {
                Some(true) => " (default)",
                _ => "",
            };
            let index = index.unwrap_or_default();
            lines.line("  endpoint", &format!("{}{index}{default}", place.service));
            lines.line("    binding", &place.binding);
            lines.line("    location", &place.location);
            let responses = place.response_location.as_deref();
            optional(lines, "    responses", responses);
        }
    }
}

fn optional(lines: &mut Lines, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        lines.line(name, value);
    }
}

fn all(lines: &mut Lines, name: &str, values: &[String]) {
    for value in values {
        lines.line(name, value);
    }
}

fn localized(lines: &mut Lines, name: &str, values: &[Text]) {
    for text in values {
        lines.line(name, &format!("{} ({})", text.value, text.lang));
    }
}

/// The roles that can be told in full; others are only named by their keys and endpoints.
fn roles(entity: &EntityDescriptor, provider: &CryptoProvider) -> Vec<Role> {
    let (keys, places) = (
        entity.published_keys(provider),
        entity.published_endpoints(),
    );
    let formats = |formats: &[NameIdFormat]| formats.iter().map(|f| f.uri().to_owned()).collect();
    let role = |role: &'static str, valid_until, details: &RoleDetails| {
        let extensions = &details.extensions;
        let ui = extensions.ui_info.as_ref();
        let hints = extensions.disco_hints.as_ref();
        let scope = |scope: &federate_metadata::Scope| Scope {
            value: scope.value.clone(),
            regexp: scope.regexp,
        };
        let own = keys.iter().filter(|key| key.role == role);
        let here = places.iter().filter(|place| place.role == role);
        Role {
            role,
            valid_until: Option::map(valid_until, format_instant),
            names: ui.map_or_else(Vec::new, |ui| texts(&ui.display_names)),
            signing: Vec::new(),
            scopes: extensions.scopes.iter().map(scope).collect(),
            domain_hints: hints.map_or_else(Vec::new, |hints| hints.domain_hints.clone()),
            name_id_formats: Vec::new(),
            keys: own.map(Key::of).collect(),
            endpoints: here.map(Place::of).collect(),
        }
    };
    let mut found = Vec::new();
    if let Some(idp) = &entity.idp {
        let wants = idp.want_authn_requests_signed;
        found.push(Role {
            signing: vec![("WantAuthnRequestsSigned", wants)],
            name_id_formats: formats(&idp.name_id_formats),
            ..role("IDPSSODescriptor", idp.valid_until, &idp.details)
        });
    }
    if let Some(sp) = &entity.sp {
        found.push(Role {
            signing: vec![
                ("AuthnRequestsSigned", sp.authn_requests_signed),
                ("WantAssertionsSigned", sp.want_assertions_signed),
            ],
            name_id_formats: formats(&sp.name_id_formats),
            ..role("SPSSODescriptor", sp.valid_until, &sp.details)
        });
    }
    if let Some(authority) = &entity.authn_authority {
        let name = "AuthnAuthorityDescriptor";
        found.push(role(name, authority.valid_until, &authority.details));
    }
    if let Some(authority) = &entity.attribute_authority {
        let name = "AttributeAuthorityDescriptor";
        found.push(role(name, authority.valid_until, &authority.details));
    }
    if let Some(pdp) = &entity.pdp {
        found.push(role("PDPDescriptor", pdp.valid_until, &pdp.details));
    }
    found
}
