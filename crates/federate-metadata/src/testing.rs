//! What the tests share: keys made once, documents, and entities made at random.

use crate::{EntityDescriptor, Location, parse_entity};
use chrono::{DateTime, Utc};
use federate_crypto::{
    Certificate, CryptoProvider, PrivateKey, SignatureAlgorithm, SigningKey, aws_lc_provider,
    self_signed,
};
use federate_types::Binding;
use federate_xml::{Limits, Signer};
use std::sync::{Arc, OnceLock};

mod any;
mod everything;

pub(crate) use any::{any_entity, any_group};
pub(crate) use everything::everything;

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
