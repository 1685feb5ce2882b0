//! Two descriptions of one entity, side by side.

use super::{Difference, PublishedEndpoint, PublishedKey};
use crate::parts::{Part, Role, endpoints, roles};
use crate::{EntityDescriptor, Extensions, IdpDescriptor, KeyUse, SpDescriptor};
use federate_crypto::{Certificate, CryptoProvider, DigestAlgorithm, PublicKey};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

const ENTITY: &str = "EntityDescriptor";

/// In what the description after differs from that before.
pub(super) fn differences(
    before: &EntityDescriptor,
    after: &EntityDescriptor,
    provider: &CryptoProvider,
) -> Vec<Difference> {
    let mut found = Vec::new();
    if before == after {
        return found;
    }
    instants(before, after, &mut found);
    roles_of(before, after, &mut found);
    keys(before, after, provider, &mut found);
    places(before, after, &mut found);
    signing(before, after, &mut found);
    of_entity(before, after, &mut found);
    of_idp(before, after, &mut found);
    of_sp(before, after, &mut found);
    of_others(before, after, &mut found);
    found
}

fn instants(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    let mut one = |of, before: (_, _), after: (_, _)| {
        if before.0 != after.0 {
            found.push(Difference::ValidUntilChanged {
                of,
                before: before.0,
                after: after.0,
            });
        }
        if before.1 != after.1 {
            found.push(Difference::CacheDurationChanged {
                of,
                before: before.1,
                after: after.1,
            });
        }
    };
    one(
        ENTITY,
        (before.valid_until, before.cache_duration),
        (after.valid_until, after.cache_duration),
    );
    for (before, after) in in_both(before, after) {
        one(
            after.element,
            (before.valid_until, before.details.cache_duration),
            (after.valid_until, after.details.cache_duration),
        );
    }
}

/// The roles that an entity has kept.
fn in_both<'a>(
    before: &'a EntityDescriptor,
    after: &'a EntityDescriptor,
) -> Vec<(Role<'a>, Role<'a>)> {
    let before = roles(before);
    let same = |role: &Role<'_>| before.iter().find(|old| old.element == role.element);
    let after = roles(after).into_iter();
    after
        .filter_map(|role| same(&role).map(|old| (*old, role)))
        .collect()
}

fn roles_of(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    let (before, after) = (roles(before), roles(after));
    let has = |all: &[Role<'_>], role: &Role<'_>| all.iter().any(|r| r.element == role.element);
    for role in after.iter().filter(|role| !has(&before, role)) {
        found.push(Difference::RoleAdded { role: role.element });
    }
    for role in before.iter().filter(|role| !has(&after, role)) {
        found.push(Difference::RoleRemoved { role: role.element });
    }
}

/// A key of a role. Its octets are those of the certificate, or of the key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    role: &'static str,
    key_use: KeyUse,
    certificate: Option<&'a Certificate>,
    key: &'a PublicKey,
}

impl<'a> Key<'a> {
    fn identity(self) -> (&'static str, KeyUse, &'a [u8]) {
        let octets = self.certificate.map(Certificate::der);
        let octets = octets.unwrap_or_else(|| self.key.spki_der());
        (self.role, self.key_use, octets)
    }

    pub(super) fn published(self, provider: &CryptoProvider) -> PublishedKey {
        let (_, key_use, octets) = self.identity();
        PublishedKey {
            role: self.role,
            key_use,
            key: self.key.clone(),
            certificate: self.certificate.cloned(),
            fingerprint: provider.digester.digest(DigestAlgorithm::Sha256, octets),
            not_after: self.certificate.map(Certificate::not_after),
        }
    }
}

pub(super) fn keys_of(entity: &EntityDescriptor) -> Vec<Key<'_>> {
    let mut found = Vec::new();
    for role in roles(entity) {
        for descriptor in role.keys {
            let one = |certificate, key| Key {
                role: role.element,
                key_use: descriptor.key_use,
                certificate,
                key,
            };
            let certified = descriptor.certificates.iter();
            found.extend(certified.map(|c| one(Some(c), c.public_key())));
            found.extend(descriptor.key_values.iter().map(|key| one(None, key)));
        }
    }
    found
}

fn keys(
    before: &EntityDescriptor,
    after: &EntityDescriptor,
    provider: &CryptoProvider,
    found: &mut Vec<Difference>,
) {
    let (before, after) = (keys_of(before), keys_of(after));
    let (gone, new, moved) = sets(&before, &after, |key| key.identity());
    found.extend(new.into_iter().map(|key| Difference::KeyAdded {
        role: key.role,
        key: key.published(provider),
    }));
    found.extend(gone.into_iter().map(|key| Difference::KeyRemoved {
        role: key.role,
        key: key.published(provider),
    }));
    if moved {
        found.push(other(ENTITY, "order of keys"));
    }
}

/// What is only before, what is only after, and whether the rest stands in another order.
fn sets<T: Copy, K: Hash + Eq>(
    before: &[T],
    after: &[T],
    identity: impl Fn(T) -> K,
) -> (Vec<T>, Vec<T>, bool) {
    let old: HashSet<K> = before.iter().map(|one| identity(*one)).collect();
    let new: HashSet<K> = after.iter().map(|one| identity(*one)).collect();
    let without = |all: &[T], other: &HashSet<K>| -> Vec<T> {
        let all = all.iter().copied();
        all.filter(|one| !other.contains(&identity(*one))).collect()
    };
    let within = |all: &[T], other: &HashSet<K>| -> Vec<K> {
        let all = all.iter().map(|one| identity(*one));
        all.filter(|one| other.contains(one)).collect()
    };
    let moved = within(before, &new) != within(after, &old);
    (without(before, &new), without(after, &old), moved)
}

fn places(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    let (before, after) = (endpoints(before), endpoints(after));
    let (mut gone, mut new, moved) = sets(&before, &after, |part| part);
    let of = |part: &Part<'_>| (part.role, part.service);
    let changed = pairs(&mut gone, &mut new, |part| {
        (of(part), &part.endpoint.binding, &part.endpoint.location)
    });
    found.extend(
        changed
            .into_iter()
            .map(|(before, after)| Difference::EndpointChanged {
                before: published(before),
                after: published(after),
            }),
    );
    let elsewhere = pairs(&mut gone, &mut new, |part| {
        (of(part), &part.endpoint.binding, part.index)
    });
    found.extend(
        elsewhere
            .into_iter()
            .map(|(before, after)| Difference::EndpointMoved {
                before: published(before),
                after: published(after),
            }),
    );
    found.extend(new.into_iter().map(|part| Difference::EndpointAdded {
        endpoint: published(part),
    }));
    found.extend(gone.into_iter().map(|part| Difference::EndpointRemoved {
        endpoint: published(part),
    }));
    if moved {
        found.push(other(ENTITY, "order of endpoints"));
    }
}

/// Takes out those that are the only ones of their kind, before and after.
fn pairs<'a, K: Hash + Eq>(
    gone: &mut Vec<Part<'a>>,
    new: &mut Vec<Part<'a>>,
    kind: impl Fn(&Part<'a>) -> K,
) -> Vec<(Part<'a>, Part<'a>)> {
    let alone = |parts: &[Part<'a>]| {
        let mut by_kind: HashMap<K, Option<Part<'a>>> = HashMap::new();
        for part in parts {
            by_kind
                .entry(kind(part))
                .and_modify(|one| *one = None)
                .or_insert(Some(*part));
        }
        by_kind
    };
    let (old, fresh) = (alone(gone), alone(new));
    let pair = |part: &Part<'a>| {
        let kind = kind(part);
        Some((*old.get(&kind)?.as_ref()?, *fresh.get(&kind)?.as_ref()?))
    };
    let found = gone.iter().filter_map(pair).collect();
    gone.retain(|part| pair(part).is_none());
    new.retain(|part| pair(part).is_none());
    found
}

pub(super) fn published(part: Part<'_>) -> PublishedEndpoint {
    PublishedEndpoint {
        role: part.role,
        service: part.service,
        endpoint: part.endpoint.clone(),
        index: part.index,
        is_default: part.is_default,
    }
}

fn signing(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    let mut one = |role, attribute, before: bool, after: bool| {
        if before != after {
            found.push(Difference::SigningChanged {
                role,
                attribute,
                after,
            });
        }
    };
    if let (Some(before), Some(after)) = (&before.idp, &after.idp) {
        let wants = |idp: &IdpDescriptor| idp.want_authn_requests_signed;
        let role = IdpDescriptor::ELEMENT;
        one(role, "WantAuthnRequestsSigned", wants(before), wants(after));
    }
    if let (Some(before), Some(after)) = (&before.sp, &after.sp) {
        let role = SpDescriptor::ELEMENT;
        let signs = |sp: &SpDescriptor| sp.authn_requests_signed;
        one(role, "AuthnRequestsSigned", signs(before), signs(after));
        let wants = |sp: &SpDescriptor| sp.want_assertions_signed;
        one(role, "WantAssertionsSigned", wants(before), wants(after));
    }
}

const fn other(of: &'static str, what: &'static str) -> Difference {
    Difference::OtherChanged { of, what }
}

/// Adds each field by its name, if it differs.
macro_rules! fields {
    ($found:ident, $of:expr, $before:expr, $after:expr, $($field:ident: $what:literal),* $(,)?) => {
        $(if $before.$field != $after.$field {
            $found.push(other($of, $what));
        })*
    };
}

fn extensions(
    of: &'static str,
    before: &Extensions,
    after: &Extensions,
    found: &mut Vec<Difference>,
) {
    // Discovery responses and request initiators are endpoints.
    fields!(found, of, before, after,
        registration_info: "registration",
        publication_info: "publication",
        publication_path: "publication path",
        entity_attributes: "entity attributes",
        entity_assertions: "assertions about the entity",
        ui_info: "names and descriptions",
        disco_hints: "discovery hints",
        scopes: "scopes",
        digest_methods: "digest methods",
        signing_methods: "signing methods",
        other: "other extensions",
    );
}

fn of_entity(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    extensions(ENTITY, &before.extensions, &after.extensions, found);
    fields!(found, ENTITY, before, after,
        other_roles: "roles of other kinds",
        affiliation: "affiliation",
        organization: "organization",
        contacts: "contacts",
        additional_metadata: "additional metadata",
    );
    for (before, after) in in_both(before, after) {
        let of = after.element;
        fields!(found, of, before.details, after.details,
            other_protocols: "other protocols",
            error_url: "errorURL",
            organization: "organization",
            contacts: "contacts",
        );
        let (before_ext, after_ext) = (&before.details.extensions, &after.details.extensions);
        extensions(of, before_ext, after_ext, found);
        let methods = |role: Role<'_>| -> Vec<_> {
            let keys = role.keys.iter();
            keys.map(|key| (key.encryption_methods.clone(), key.key_names.clone()))
                .collect()
        };
        let same_number = before.keys.len() == after.keys.len();
        if same_number && methods(before) != methods(after) {
            found.push(other(of, "key names and encryption methods"));
        }
    }
}

fn of_idp(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    if let (Some(before), Some(after)) = (&before.idp, &after.idp) {
        fields!(found, IdpDescriptor::ELEMENT, before, after,
            name_id_formats: "NameID formats",
            attribute_profiles: "attribute profiles",
            attributes: "attributes",
        );
    }
}

fn of_sp(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    if let (Some(before), Some(after)) = (&before.sp, &after.sp) {
        fields!(found, SpDescriptor::ELEMENT, before, after,
            name_id_formats: "NameID formats",
            attribute_consuming_services: "attributes that are asked for",
        );
    }
}

fn of_others(before: &EntityDescriptor, after: &EntityDescriptor, found: &mut Vec<Difference>) {
    if let (Some(before), Some(after)) = (&before.authn_authority, &after.authn_authority) {
        fields!(found, crate::AuthnAuthorityDescriptor::ELEMENT, before, after,
            name_id_formats: "NameID formats",
        );
    }
    if let (Some(before), Some(after)) = (&before.attribute_authority, &after.attribute_authority) {
        fields!(found, crate::AttributeAuthorityDescriptor::ELEMENT, before, after,
            name_id_formats: "NameID formats",
            attribute_profiles: "attribute profiles",
            attributes: "attributes",
        );
    }
    if let (Some(before), Some(after)) = (&before.pdp, &after.pdp) {
        fields!(found, crate::PdpDescriptor::ELEMENT, before, after,
            name_id_formats: "NameID formats",
        );
    }
}
