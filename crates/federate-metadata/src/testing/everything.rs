use super::{at, certificate, location};
use crate::{
    AdditionalMetadataLocation, Attribute, AttributeAuthorityDescriptor, AttributeConsumingService,
    AuthnAuthorityDescriptor, ContactPerson, ContactType, DiscoHints, EncryptionMethod, Endpoint,
    EndpointBinding, EntityDescriptor, Extensions, IdpDescriptor, IndexedEndpoint, KeyDescriptor,
    KeyUse, Localized, Logo, LogoSource, OpaqueElement, Organization, PdpDescriptor, Publication,
    PublicationInfo, RegistrationInfo, RequestedAttribute, RoleDetails, Scope, SigningMethod,
    SpDescriptor, UiInfo,
};
use chrono::TimeDelta;
use federate_types::{Binding, EntityId, MessageId, NameIdFormat};
use federate_xml::Limits;

const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";

/// An entity with everything that we can write, but for an affiliation.
pub(crate) fn everything() -> EntityDescriptor {
    let query = |path| vec![Endpoint::new(Binding::Soap, location(path))];
    EntityDescriptor {
        id: Some(MessageId::new("_metadata").unwrap()),
        valid_until: Some(at("2026-12-31T00:00:00Z")),
        cache_duration: Some(TimeDelta::hours(1)),
        extensions: of_the_entity(),
        idp: Some(idp()),
        sp: Some(sp()),
        authn_authority: Some(Box::new(AuthnAuthorityDescriptor {
            authn_query_service: query("https://hub.example/authn"),
            assertion_id_request: query("https://hub.example/id"),
            name_id_formats: vec![NameIdFormat::Transient],
            ..AuthnAuthorityDescriptor::default()
        })),
        attribute_authority: Some(Box::new(AttributeAuthorityDescriptor {
            valid_until: Some(at("2026-10-31T00:00:00Z")),
            keys: keys(),
            attribute_service: query("https://hub.example/attributes"),
            assertion_id_request: query("https://hub.example/id"),
            name_id_formats: vec![NameIdFormat::Persistent],
            attribute_profiles: vec!["urn:x:profile".into()],
            attributes: vec![attribute("urn:x:name", &["a"])],
            ..AttributeAuthorityDescriptor::default()
        })),
        pdp: Some(Box::new(PdpDescriptor {
            authz_service: query("https://hub.example/authz"),
            ..PdpDescriptor::default()
        })),
        other_roles: vec![opaque(
            "<md:RoleDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xmlns:roles=\"urn:x:roles\" protocolSupportEnumeration=\"urn:x\" \
             xsi:type=\"roles:RoleType\"/>",
        )],
        affiliation: None,
        organization: Some(Box::new(organization())),
        contacts: contacts(),
        additional_metadata: vec![AdditionalMetadataLocation {
            namespace: "urn:x:more".into(),
            location: location("https://hub.example/more"),
        }],
        ..EntityDescriptor::new(EntityId::new("https://hub.example/<metadata>").unwrap())
    }
}

fn keys() -> Vec<KeyDescriptor> {
    let mut encryption = KeyDescriptor::new(KeyUse::Encryption, certificate(1));
    encryption.key_names = vec!["hub & co".into()];
    encryption.encryption_methods = vec![
        EncryptionMethod {
            algorithm: "http://www.w3.org/2009/xmlenc11#aes128-gcm".into(),
            key_size: Some(128),
            ..EncryptionMethod::default()
        },
        EncryptionMethod {
            algorithm: "http://www.w3.org/2009/xmlenc11#rsa-oaep".into(),
            oaep_params: Some("AAAA".into()),
            digest_method: Some("http://www.w3.org/2001/04/xmlenc#sha256".into()),
            mgf: Some("http://www.w3.org/2009/xmlenc11#mgf1sha256".into()),
            ..EncryptionMethod::default()
        },
    ];
    let mut both = KeyDescriptor::new(KeyUse::Both, certificate(1));
    both.certificates.push(certificate(2));
    let value = certificate(2).public_key().clone();
    vec![
        KeyDescriptor::new(KeyUse::Signing, certificate(0)),
        encryption,
        both,
        KeyDescriptor::from_key(KeyUse::Signing, value),
    ]
}

fn slo(path: &str) -> Vec<Endpoint> {
    let mut post = Endpoint::new(Binding::HttpPost, location("https://hub.example/slo"));
    post.response_location = Some(location(path));
    vec![
        post,
        Endpoint::new(Binding::Soap, location("https://hub.example/soap")),
    ]
}

fn idp() -> IdpDescriptor {
    let sso = location("https://hub.example/sso?tenant=a&b");
    let soap = Endpoint::new(Binding::Soap, location("https://hub.example/soap"));
    IdpDescriptor {
        valid_until: Some(at("2026-11-30T00:00:00Z")),
        details: details(),
        want_authn_requests_signed: true,
        keys: keys(),
        single_sign_on: vec![Endpoint::new(Binding::HttpRedirect, sso)],
        artifact_resolution: vec![IndexedEndpoint::new(3, soap.clone())],
        single_logout: slo("https://hub.example/slo/answer"),
        manage_name_id: slo("https://hub.example/names"),
        name_id_mapping: vec![soap.clone()],
        assertion_id_request: vec![soap],
        name_id_formats: vec![NameIdFormat::Persistent, NameIdFormat::EmailAddress],
        attribute_profiles: vec!["urn:x:profile".into()],
        attributes: vec![
            attribute("urn:x:name", &[]),
            attribute("urn:x:other", &["", " b"]),
        ],
    }
}

fn sp() -> SpDescriptor {
    let acs = |index, is_default| IndexedEndpoint {
        index,
        is_default,
        endpoint: Endpoint::new(Binding::HttpPost, location("https://hub.example/acs")),
    };
    let soap = Endpoint::new(Binding::Soap, location("https://hub.example/soap"));
    let consuming = AttributeConsumingService {
        index: 1,
        is_default: Some(true),
        service_names: vec![Localized::new("en", "A service")],
        service_descriptions: vec![Localized::new("sv", "En tjänst")],
        requested_attributes: vec![
            RequestedAttribute {
                name: "urn:oid:0.9.2342.19200300.100.1.3".into(),
                name_format: Some(URI.into()),
                friendly_name: Some("mail".into()),
                is_required: true,
                values: Vec::new(),
            },
            RequestedAttribute {
                name: "urn:x:name".into(),
                values: vec!["a & b".into()],
                ..RequestedAttribute::default()
            },
        ],
    };
    SpDescriptor {
        authn_requests_signed: true,
        want_assertions_signed: false,
        keys: keys(),
        assertion_consumer: vec![acs(0, None), acs(1, Some(true)), acs(65535, Some(false))],
        artifact_resolution: vec![IndexedEndpoint::new(0, soap)],
        single_logout: slo("https://hub.example/slo/other"),
        name_id_formats: vec![NameIdFormat::Other("urn:x&y".into())],
        attribute_consuming_services: vec![consuming],
        details: RoleDetails {
            extensions: Extensions {
                discovery_responses: vec![IndexedEndpoint::new(
                    1,
                    Endpoint::new(discovery(), location("https://hub.example/found")),
                )],
                request_initiators: vec![Endpoint::new(
                    EndpointBinding::from_uri("urn:oasis:names:tc:SAML:profiles:SSO:request-init"),
                    location("https://hub.example/start"),
                )],
                ..Extensions::default()
            },
            ..RoleDetails::default()
        },
        ..SpDescriptor::default()
    }
}

fn discovery() -> EndpointBinding {
    EndpointBinding::from_uri("urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol")
}

fn details() -> RoleDetails {
    let value = |lang, text: &str| Localized::<String>::new(lang, text);
    let url = |path| Localized::new("en", location(path));
    RoleDetails {
        id: Some(MessageId::new("_role").unwrap()),
        cache_duration: Some(TimeDelta::days(1)),
        other_protocols: vec![
            "urn:oasis:names:tc:SAML:1.1:protocol".into(),
            "urn:x".into(),
        ],
        error_url: Some(location("https://hub.example/error?code=ERRORURL_CODE")),
        extensions: Extensions {
            ui_info: Some(Box::new(UiInfo {
                display_names: vec![value("en", "Hub <b>"), value("pt-BR", "Cubo")],
                descriptions: vec![value("en", "A hub.")],
                keywords: vec![Localized::new(
                    "en",
                    ["single+sign-on".into(), "hub".into()],
                )],
                logos: vec![
                    Logo::new(logo("https://hub.example/logo.png"), 16, 80),
                    Logo {
                        lang: Some("sv".into()),
                        ..Logo::new(logo("data:image/png;base64,AAAA"), 1, 1)
                    },
                ],
                information_urls: vec![url("https://hub.example/about")],
                privacy_statement_urls: vec![url("https://hub.example/privacy")],
                other: vec![unknown()],
            })),
            disco_hints: Some(Box::new(DiscoHints {
                ip_hints: vec!["192.0.2.0/24".into(), "2001:db8::/32".into()],
                domain_hints: vec!["hub.example".into()],
                geolocation_hints: vec!["geo:57.7,12.0".into()],
                other: vec![unknown()],
            })),
            scopes: vec![
                Scope::new("hub.example"),
                Scope {
                    regexp: true,
                    ..Scope::new(r"^.+\.hub\.example$")
                },
            ],
            other: vec![unknown()],
            ..Extensions::default()
        },
        organization: Some(Box::new(organization())),
        contacts: contacts(),
    }
}

fn of_the_entity() -> Extensions {
    let policy = |text: &str| vec![Localized::new("en", location(text))];
    let publication = Publication {
        publisher: "https://publisher.example".into(),
        creation_instant: Some(at("2026-02-01T00:00:00Z")),
        publication_id: Some("7".into()),
    };
    Extensions {
        registration_info: Some(Box::new(RegistrationInfo {
            registration_authority: "https://registrar.example".into(),
            registration_instant: Some(at("2026-01-01T00:00:00Z")),
            registration_policies: policy("https://registrar.example/policy"),
        })),
        publication_info: Some(Box::new(PublicationInfo {
            publication: publication.clone(),
            usage_policies: policy("https://publisher.example/policy"),
        })),
        publication_path: vec![publication],
        entity_attributes: vec![
            attribute(EntityDescriptor::ENTITY_CATEGORY, &["urn:x:category"]),
            attribute(
                EntityDescriptor::ASSURANCE_CERTIFICATION,
                &["https://refeds.org/sirtfi"],
            ),
        ],
        entity_assertions: vec![opaque(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\" \
             IssueInstant=\"2026-01-01T00:00:00Z\" Version=\"2.0\">\
             <saml:Issuer>https://registrar.example</saml:Issuer></saml:Assertion>",
        )],
        digest_methods: vec!["http://www.w3.org/2001/04/xmlenc#sha256".into()],
        signing_methods: vec![SigningMethod {
            algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256".into(),
            min_key_size: Some(2048),
            max_key_size: Some(4096),
        }],
        other: vec![unknown(), opaque("<a xmlns=\"urn:a\" b=\"urn:c\">d</a>")],
        ..Extensions::default()
    }
}

fn organization() -> Organization {
    Organization {
        extensions: vec![unknown()],
        names: vec![Localized::new("en", "hub.example")],
        display_names: vec![
            Localized::new("en", "Hub & Co."),
            Localized::new("sv", "Nav"),
        ],
        urls: vec![Localized::new("en", location("https://hub.example/"))],
    }
}

fn contacts() -> Vec<ContactPerson> {
    vec![
        ContactPerson {
            contact_type: ContactType::Technical,
            company: Some("Hub".into()),
            given_name: Some("Jo".into()),
            sur_name: Some("Ø".into()),
            email_addresses: vec![
                "mailto:jo@hub.example".into(),
                "mailto:o@hub.example".into(),
            ],
            telephone_numbers: vec!["+1 555 0100".into()],
            ..ContactPerson::default()
        },
        ContactPerson {
            refeds_type: Some(ContactPerson::SECURITY.into()),
            extensions: vec![unknown()],
            given_name: Some("Security".into()),
            ..ContactPerson::default()
        },
    ]
}

fn attribute(name: &str, values: &[&str]) -> Attribute {
    Attribute {
        name: name.into(),
        name_format: Some(URI.into()),
        friendly_name: None,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

fn logo(text: &str) -> LogoSource {
    LogoSource::new(text).unwrap()
}

fn opaque(text: &str) -> OpaqueElement {
    OpaqueElement::parse(text.as_bytes(), &Limits::default()).unwrap()
}

/// An extension that uses every kind of namespace: its own, ours by our prefix and by others,
/// ours for something else, and one in values only.
fn unknown() -> OpaqueElement {
    opaque(
        "<x:unknown xmlns:x=\"urn:x\" xmlns:y=\"urn:y\" xmlns:unused=\"urn:z\" a=\"y:b\" c=\"&lt;\">\
         <md:in xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"/>\
         <mdui:in xmlns:mdui=\"urn:oasis:names:tc:SAML:metadata:ui\"/>\
         <md:other xmlns:md=\"urn:other\"><md:in xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"/>\
         </md:other><remd:in xmlns:remd=\"http://refeds.org/metadata\"/>\
         <in xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" x:a=\"\">text &amp; <none xmlns=\"\"/></in>\
         </x:unknown>",
    )
}
