//! What the tests share: keys made once, documents, and entities made at random.

use crate::{
    Endpoint, EndpointBinding, EntityDescriptor, IdpDescriptor, IndexedEndpoint, KeyDescriptor,
    KeyUse, Location, MAX_CACHE_DURATION, SpDescriptor, parse_entity,
};
use chrono::{DateTime, TimeDelta, Utc};
use federate_crypto::{
    Certificate, CryptoProvider, PrivateKey, SignatureAlgorithm, SigningKey, aws_lc_provider,
    self_signed,
};
use federate_types::{Binding, EntityId, MessageId, NameIdFormat};
use federate_xml::{Limits, Signer};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::sync::{Arc, OnceLock};

pub(crate) fn provider() -> CryptoProvider {
    aws_lc_provider()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn signing_key(number: usize) -> Arc<dyn SigningKey> {
    static KEYS: [OnceLock<PrivateKey>; 3] = [const { OnceLock::new() }; 3];
    let key = KEYS[number].get_or_init(|| provider().keys.generate_rsa(2048).unwrap());
    provider()
        .keys
        .load_signing_key(key, SignatureAlgorithm::RsaSha256)
        .unwrap()
}

/// A certificate of one of three keys, the same whenever it is asked for.
pub(crate) fn certificate(number: usize) -> Certificate {
    static MADE: [OnceLock<Certificate>; 3] = [const { OnceLock::new() }; 3];
    let made = MADE[number].get_or_init(|| {
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2036-01-01T00:00:00Z"));
        self_signed(&provider(), &*signing_key(number), "Test", from, to).unwrap()
    });
    made.clone()
}

pub(crate) fn signer(number: usize) -> Signer {
    Signer::new(provider(), signing_key(number), certificate(number)).unwrap()
}

pub(crate) fn parse(text: &str) -> EntityDescriptor {
    parse_entity(text.as_bytes(), &Limits::default()).unwrap()
}

/// A document of an entity with this inside.
pub(crate) fn entity_xml(inside: &str) -> String {
    format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"https://a.example\">\
         {inside}</md:EntityDescriptor>"
    )
}

/// A service provider with this inside its role.
pub(crate) fn sp(inside: &str) -> EntityDescriptor {
    parse(&entity_xml(&role_xml("SPSSODescriptor", inside)))
}

/// An identity provider with this inside its role.
pub(crate) fn idp(inside: &str) -> EntityDescriptor {
    parse(&entity_xml(&role_xml("IDPSSODescriptor", inside)))
}

pub(crate) fn role_xml(role: &str, inside: &str) -> String {
    format!(
        "<md:{role} protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         {inside}</md:{role}>"
    )
}

pub(crate) fn key_xml(attributes: &str, certificates: &[&str]) -> String {
    let data: String = certificates
        .iter()
        .map(|text| {
            format!("<ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>")
        })
        .collect();
    format!("<md:KeyDescriptor {attributes}><ds:KeyInfo>{data}</ds:KeyInfo></md:KeyDescriptor>")
}

pub(crate) fn acs_xml(attributes: &str) -> String {
    format!(
        "<md:AssertionConsumerService Binding=\"{}\" {attributes}/>",
        Binding::HttpPost.uri()
    )
}

pub(crate) fn location(text: &str) -> Location {
    Location::new(text).unwrap()
}

/// An entity with everything that we can write.
pub(crate) fn everything() -> EntityDescriptor {
    let keys = || {
        vec![
            KeyDescriptor::new(KeyUse::Signing, certificate(0)),
            KeyDescriptor::new(KeyUse::Encryption, certificate(1)),
            KeyDescriptor {
                key_use: KeyUse::Both,
                certificates: vec![certificate(1), certificate(2)],
            },
        ]
    };
    let slo = |path| {
        let mut post = Endpoint::new(Binding::HttpPost, location("https://hub.example/slo"));
        post.response_location = Some(location(path));
        vec![
            post,
            Endpoint::new(Binding::Soap, location("https://hub.example/soap")),
        ]
    };
    let sso = location("https://hub.example/sso?tenant=a&b");
    let acs = |index, is_default| IndexedEndpoint {
        index,
        is_default,
        endpoint: Endpoint::new(Binding::HttpPost, location("https://hub.example/acs")),
    };
    EntityDescriptor {
        id: Some(MessageId::new("_metadata").unwrap()),
        valid_until: Some(at("2026-12-31T00:00:00Z")),
        cache_duration: Some(TimeDelta::hours(1)),
        idp: Some(IdpDescriptor {
            valid_until: Some(at("2026-11-30T00:00:00Z")),
            want_authn_requests_signed: true,
            keys: keys(),
            single_sign_on: vec![Endpoint::new(Binding::HttpRedirect, sso)],
            single_logout: slo("https://hub.example/slo/answer"),
            name_id_formats: vec![NameIdFormat::Persistent, NameIdFormat::EmailAddress],
        }),
        sp: Some(SpDescriptor {
            valid_until: None,
            authn_requests_signed: true,
            want_assertions_signed: false,
            keys: keys(),
            assertion_consumer: vec![acs(0, None), acs(1, Some(true)), acs(65535, Some(false))],
            single_logout: slo("https://hub.example/slo/other"),
            name_id_formats: vec![NameIdFormat::Other("urn:x&y".into())],
        }),
        ..EntityDescriptor::new(EntityId::new("https://hub.example/<metadata>").unwrap())
    }
}

/// Any entity that says nothing contradictory.
pub(crate) fn any_entity() -> impl Strategy<Value = EntityDescriptor> {
    let id = option::of("[A-Za-z_][A-Za-z0-9_.-]{0,40}");
    let cache = option::of(0..=MAX_CACHE_DURATION.num_seconds());
    (
        "[!-~é-ÿ]{1,60}",
        id,
        any_instant(),
        cache,
        option::of(any_idp()),
        option::of(any_sp()),
    )
        .prop_map(
            |(entity_id, id, valid_until, cache, idp, sp)| EntityDescriptor {
                id: id.map(|id| MessageId::new(id).unwrap()),
                valid_until,
                cache_duration: cache.map(TimeDelta::seconds),
                idp,
                sp,
                ..EntityDescriptor::new(EntityId::new(entity_id).unwrap())
            },
        )
}

fn any_instant() -> impl Strategy<Value = Option<DateTime<Utc>>> {
    option::of((0..4_000_000_000i64).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap()))
}

fn any_idp() -> impl Strategy<Value = IdpDescriptor> {
    (
        any_instant(),
        any::<bool>(),
        any_keys(),
        vec(any_endpoint(), 0..4),
        vec(any_endpoint(), 0..4),
        vec(any_format(), 0..4),
    )
        .prop_map(
            |(valid_until, signed, keys, sso, slo, formats)| IdpDescriptor {
                valid_until,
                want_authn_requests_signed: signed,
                keys,
                single_sign_on: sso,
                single_logout: slo,
                name_id_formats: formats,
            },
        )
}

fn any_sp() -> impl Strategy<Value = SpDescriptor> {
    (
        any_instant(),
        any::<(bool, bool)>(),
        any_keys(),
        any_consumers(),
        vec(any_endpoint(), 0..4),
        vec(any_format(), 0..4),
    )
        .prop_map(
            |(valid_until, signed, keys, acs, slo, formats)| SpDescriptor {
                valid_until,
                authn_requests_signed: signed.0,
                want_assertions_signed: signed.1,
                keys,
                assertion_consumer: acs,
                single_logout: slo,
                name_id_formats: formats,
            },
        )
}

/// Endpoints with different indexes, at most one of which is the default.
fn any_consumers() -> impl Strategy<Value = Vec<IndexedEndpoint>> {
    let one = (any::<u16>(), option::of(Just(false)), any_endpoint());
    (vec(one, 0..4), option::of(0..4usize)).prop_map(|(found, default)| {
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
}

fn any_keys() -> impl Strategy<Value = Vec<KeyDescriptor>> {
    let key_use = prop_oneof![
        Just(KeyUse::Signing),
        Just(KeyUse::Encryption),
        Just(KeyUse::Both)
    ];
    let key = (key_use, vec(0..3usize, 1..3)).prop_map(|(key_use, numbers)| KeyDescriptor {
        key_use,
        certificates: numbers.into_iter().map(certificate).collect(),
    });
    vec(key, 0..3)
}

fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let binding = prop_oneof![
        Just(EndpointBinding::Known(Binding::HttpPost)),
        Just(EndpointBinding::Known(Binding::Soap)),
        "urn:x:[!-~]{0,20}".prop_map(EndpointBinding::Other),
    ];
    let location = || {
        "https?://[a-z]{1,10}\\.example(:[1-9][0-9]{0,3})?/[a-z&'=;?#%]{0,20}"
            .prop_map(|text| location(&text))
    };
    (binding, location(), option::of(location())).prop_map(|(binding, location, response)| {
        Endpoint {
            binding,
            location,
            response_location: response,
        }
    })
}

fn any_format() -> impl Strategy<Value = NameIdFormat> {
    prop_oneof![
        Just(NameIdFormat::Persistent),
        "[!-~][ -~]{0,20}[!-~]".prop_map(|uri| NameIdFormat::from_uri(&uri)),
    ]
}
