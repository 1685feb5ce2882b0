//! Roles, keys and endpoints.

use super::extensions::*;
use super::value::*;
use crate::testing::certificate;
use crate::*;
use federate_types::{Binding, NameIdFormat};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(super) fn any_details() -> BoxedStrategy<RoleDetails> {
    (
        any_id(),
        any_cache(),
        vec("urn:[a-z]{1,5}", 0..3),
        option::of(any_location()),
        any_extensions(),
        option::of(any_organization()),
        vec(any_contact(), 0..2),
    )
        .prop_map(
            |(id, cache_duration, others, error_url, extensions, organization, contacts)| {
                RoleDetails {
                    id,
                    cache_duration,
                    other_protocols: others,
                    error_url,
                    extensions,
                    organization: organization.map(Box::new),
                    contacts,
                }
            },
        )
        .boxed()
}

pub(super) fn any_idp() -> BoxedStrategy<IdpDescriptor> {
    let endpoints = || vec(any_endpoint(), 0..3);
    (
        (any_instant(), any_details(), any::<bool>(), any_keys()),
        (
            endpoints(),
            endpoints(),
            endpoints(),
            endpoints(),
            endpoints(),
        ),
        any_indexed(),
        vec(any_format(), 0..4),
        vec(any_text(), 0..2),
        any_attributes(),
    )
        .prop_map(
            |(role, endpoints, artifact, formats, profiles, attributes)| IdpDescriptor {
                valid_until: role.0,
                details: role.1,
                want_authn_requests_signed: role.2,
                keys: role.3,
                single_sign_on: endpoints.0,
                artifact_resolution: artifact,
                single_logout: endpoints.1,
                manage_name_id: endpoints.2,
                name_id_mapping: endpoints.3,
                assertion_id_request: endpoints.4,
                name_id_formats: formats,
                attribute_profiles: profiles,
                attributes,
            },
        )
        .boxed()
}

pub(super) fn any_sp() -> BoxedStrategy<SpDescriptor> {
    (
        (
            any_instant(),
            any_details(),
            any::<(bool, bool)>(),
            any_keys(),
        ),
        any_indexed(),
        any_indexed(),
        vec(any_endpoint(), 0..3),
        vec(any_endpoint(), 0..3),
        vec(any_format(), 0..4),
        any_consuming(),
    )
        .prop_map(
            |(role, consumers, artifact, slo, names, formats, consuming)| SpDescriptor {
                valid_until: role.0,
                details: role.1,
                authn_requests_signed: role.2.0,
                want_assertions_signed: role.2.1,
                keys: role.3,
                assertion_consumer: consumers,
                artifact_resolution: artifact,
                single_logout: slo,
                manage_name_id: names,
                name_id_formats: formats,
                attribute_consuming_services: consuming,
            },
        )
        .boxed()
}

pub(super) fn any_consuming() -> BoxedStrategy<Vec<AttributeConsumingService>> {
    let requested = (any_attributes(), any::<bool>()).prop_map(|(attributes, is_required)| {
        let requested = attributes.into_iter().map(|attribute| RequestedAttribute {
            name: attribute.name,
            name_format: attribute.name_format,
            friendly_name: attribute.friendly_name,
            is_required,
            values: attribute.values,
        });
        requested.collect::<Vec<_>>()
    });
    let is_default = option::of(any::<bool>());
    let service = (
        any::<u16>(),
        is_default,
        any_texts(),
        any_texts(),
        requested,
    );
    option::of(service)
        .prop_map(|service| {
            let (index, is_default, service_names, service_descriptions, requested_attributes) =
                service?;
            Some(AttributeConsumingService {
                index,
                is_default,
                service_names,
                service_descriptions,
                requested_attributes,
            })
        })
        .prop_map(|service| service.into_iter().collect())
        .boxed()
}

pub(super) fn any_attribute_authority() -> BoxedStrategy<AttributeAuthorityDescriptor> {
    (
        (any_instant(), any_details(), any_keys()),
        vec(any_endpoint(), 0..3),
        vec(any_endpoint(), 0..3),
        vec(any_format(), 0..2),
        any_attributes(),
    )
        .prop_map(
            |(role, service, by_id, formats, attributes)| AttributeAuthorityDescriptor {
                valid_until: role.0,
                details: role.1,
                keys: role.2,
                attribute_service: service,
                assertion_id_request: by_id,
                name_id_formats: formats,
                attribute_profiles: Vec::new(),
                attributes,
            },
        )
        .boxed()
}

pub(super) fn any_affiliation() -> BoxedStrategy<AffiliationDescriptor> {
    (
        any_entity_id(),
        (any_id(), any_instant(), any_cache()),
        any_extensions(),
        vec(any_entity_id(), 0..3),
        any_keys(),
    )
        .prop_map(
            |(owner, (id, valid_until, cache_duration), extensions, members, keys)| {
                AffiliationDescriptor {
                    id,
                    valid_until,
                    cache_duration,
                    extensions,
                    members,
                    keys,
                    ..AffiliationDescriptor::new(owner)
                }
            },
        )
        .boxed()
}

/// Endpoints with different indexes, at most one of which is the default.
pub(super) fn any_indexed() -> BoxedStrategy<Vec<IndexedEndpoint>> {
    let one = (any::<u16>(), option::of(Just(false)), any_endpoint());
    (vec(one, 0..4), option::of(0..4usize))
        .prop_map(|(found, default)| {
            let mut consumers: Vec<IndexedEndpoint> = Vec::new();
            for (number, (index, is_default, endpoint)) in found.into_iter().enumerate() {
                if consumers.iter().all(|known| known.index != index) {
                    consumers.push(IndexedEndpoint {
                        index,
                        is_default: if default == Some(number) {
                            Some(true)
                        } else {
                            is_default
                        },
                        endpoint,
                    });
                }
            }
            consumers
        })
        .boxed()
}

pub(super) fn any_keys() -> BoxedStrategy<Vec<KeyDescriptor>> {
    let key_use = prop_oneof![
        Just(KeyUse::Signing),
        Just(KeyUse::Encryption),
        Just(KeyUse::Both)
    ];
    let keys = (vec(0..3usize, 1..3), any::<bool>());
    let method = (
        any_uri(),
        option::of(1..512u32),
        option::of("[A-Za-z]{4}"),
        option::of(any_uri()),
    );
    let method = method.prop_map(|(algorithm, key_size, oaep_params, uri)| EncryptionMethod {
        algorithm,
        key_size,
        oaep_params,
        digest_method: uri.clone(),
        mgf: uri,
    });
    let key = (key_use, vec(any_text(), 0..2), keys, vec(method, 0..3)).prop_map(
        |(key_use, key_names, (numbers, certified), encryption_methods)| {
            let certificates: Vec<_> = numbers.into_iter().map(certificate).collect();
            let values = certificates
                .iter()
                .map(|one| one.public_key().clone())
                .collect();
            let (certificates, key_values) = match certified {
                true => (certificates, Vec::new()),
                false => (Vec::new(), values),
            };
            KeyDescriptor {
                key_names,
                certificates,
                key_values,
                encryption_methods,
                ..KeyDescriptor::empty(key_use)
            }
        },
    );
    vec(key, 0..3).boxed()
}

pub(super) fn any_endpoint() -> BoxedStrategy<Endpoint> {
    let binding = prop_oneof![
        Just(EndpointBinding::Known(Binding::HttpPost)),
        Just(EndpointBinding::Known(Binding::Soap)),
        "urn:x:[!-~]{0,20}".prop_map(EndpointBinding::Other),
    ];
    (binding, any_location(), option::of(any_location()))
        .prop_map(|(binding, location, response)| Endpoint {
            binding,
            location,
            response_location: response,
        })
        .boxed()
}

pub(super) fn any_format() -> impl Strategy<Value = NameIdFormat> {
    prop_oneof![
        Just(NameIdFormat::Persistent),
        "[!-~][ -~]{0,20}[!-~]".prop_map(|uri| NameIdFormat::from_uri(&uri)),
    ]
}
