//! Which entities of a source are taken.

use federate_crypto::KeyType;
use federate_metadata::{Endpoint, EntityDescriptor, KeyDescriptor};
use std::collections::BTreeSet;

/// A role of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An identity provider.
    IdentityProvider,
    /// A service provider.
    ServiceProvider,
}

/// A condition that an entity of a source must meet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// One of these registered it (`mdrpi:RegistrationInfo`): so a federation speaks for its own
    /// members only.
    RegisteredBy(BTreeSet<String>),
    /// It has this role.
    Role(Role),
    /// It is of this entity category. What it says of itself counts only as far as whoever
    /// signed the document lets it: combine this with [`Filter::RegisteredBy`].
    EntityCategory(String),
    /// All its endpoints are reached by `https:`.
    HttpsEndpoints,
    /// Its RSA keys have at least this many bits.
    RsaKeysOf(u32),
}

impl Filter {
    /// Whether the entity meets the condition.
    #[must_use]
    pub fn accepts(&self, entity: &EntityDescriptor) -> bool {
        match self {
            Self::RegisteredBy(authorities) => {
                let registration = entity.extensions.registration_info.as_ref();
                registration.is_some_and(|r| authorities.contains(&r.registration_authority))
            }
            Self::Role(Role::IdentityProvider) => entity.idp.is_some(),
            Self::Role(Role::ServiceProvider) => entity.sp.is_some(),
            Self::EntityCategory(category) => {
                entity.entity_categories().any(|found| found == category)
            }
            Self::HttpsEndpoints => endpoints(entity).all(|endpoint| {
                let response = endpoint.response_location_or_location();
                [&endpoint.location, response]
                    .iter()
                    .all(|location| location.as_str().starts_with("https:"))
            }),
            Self::RsaKeysOf(bits) => keys(entity).all(|key| {
                key.certificates.iter().all(|certificate| {
                    let key = certificate.public_key();
                    key.key_type() != KeyType::Rsa || key.bits() >= *bits
                })
            }),
        }
    }
}

/// Where messages of a sign-in or a logout go.
fn endpoints(entity: &EntityDescriptor) -> impl Iterator<Item = &Endpoint> {
    let idp = entity.idp.iter().flat_map(|idp| {
        let resolution = idp.artifact_resolution.iter().map(|e| &e.endpoint);
        idp.single_sign_on
            .iter()
            .chain(&idp.single_logout)
            .chain(resolution)
    });
    let sp = entity.sp.iter().flat_map(|sp| {
        let indexed = sp.assertion_consumer.iter().chain(&sp.artifact_resolution);
        sp.single_logout.iter().chain(indexed.map(|e| &e.endpoint))
    });
    idp.chain(sp)
}

fn keys(entity: &EntityDescriptor) -> impl Iterator<Item = &KeyDescriptor> {
    let idp = entity.idp.iter().flat_map(|idp| &idp.keys);
    idp.chain(entity.sp.iter().flat_map(|sp| &sp.keys))
}

#[cfg(test)]
mod tests {
    use super::*;
    use federate_metadata::parse_entity;
    use federate_testkit::keys;
    use federate_xml::Limits;

    const CATEGORY: &str = "http://refeds.org/category/research-and-scholarship";

    fn entity(acs: &str, certificate: &str) -> EntityDescriptor {
        let text = format!(
            r#"<md:EntityDescriptor entityID="https://sp.example"
                 xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
                 xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi"
                 xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"
                 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
                 xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
               <md:Extensions>
                 <mdrpi:RegistrationInfo registrationAuthority="https://registrar.example"/>
                 <mdattr:EntityAttributes>
                   <saml:Attribute Name="http://macedir.org/entity-category"
                       NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">
                     <saml:AttributeValue>{CATEGORY}</saml:AttributeValue>
                   </saml:Attribute>
                 </mdattr:EntityAttributes>
               </md:Extensions>
               <md:SPSSODescriptor
                   protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
                 <md:KeyDescriptor><ds:KeyInfo><ds:X509Data>
                   <ds:X509Certificate>{certificate}</ds:X509Certificate>
                 </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
                 <md:AssertionConsumerService index="0" Location="{acs}"
                     Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"/>
               </md:SPSSODescriptor>
             </md:EntityDescriptor>"#
        );
        parse_entity(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn each_filter_takes_what_it_says() {
        let good = entity("https://sp.example/acs", &keys::certificate().to_base64());
        let plain = entity("http://sp.example/acs", &keys::certificate().to_base64());
        let weak = entity(
            "https://sp.example/acs",
            &keys::weak_certificate().to_base64(),
        );
        let registered = |by: &str| Filter::RegisteredBy([by.to_owned()].into());
        let category = |name: &str| Filter::EntityCategory(name.to_owned());
        for (filter, entity, expected) in [
            (registered("https://registrar.example"), &good, true),
            (registered("https://registrar.example/"), &good, false),
            (Filter::Role(Role::ServiceProvider), &good, true),
            (Filter::Role(Role::IdentityProvider), &good, false),
            (category(CATEGORY), &good, true),
            (category("https://refeds.org/sirtfi"), &good, false),
            (Filter::HttpsEndpoints, &good, true),
            (Filter::HttpsEndpoints, &plain, false),
            (Filter::RsaKeysOf(2048), &good, true),
            (Filter::RsaKeysOf(2048), &weak, false),
            (Filter::RsaKeysOf(1024), &weak, true),
        ] {
            assert_eq!(filter.accepts(entity), expected, "{filter:?}");
        }
        // Who was registered by nobody is taken by no authority's filter.
        let nobody = EntityDescriptor::new(good.entity_id);
        assert!(!registered("https://registrar.example").accepts(&nobody));
    }
}
