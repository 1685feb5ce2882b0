//! Extensions and people.

use super::role::*;
use super::value::*;
use crate::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(super) fn any_ui() -> BoxedStrategy<UiInfo> {
    let logo = prop_oneof![
        any_location().prop_map(String::from),
        "data:image/png;base64,[A-Za-z0-9+/]{0,20}"
    ];
    let lang = option::of("[a-z]{2}");
    let logo =
        (logo, 1..1000u32, 1..1000u32, lang).prop_map(|(source, height, width, lang)| Logo {
            lang,
            ..Logo::new(LogoSource::new(source).unwrap(), height, width)
        });
    let keywords = ("[a-z]{2}", vec("[!-~]{1,5}", 1..3));
    let keywords = keywords.prop_map(|(lang, words)| Localized::new(lang, words));
    let texts = (any_texts(), any_texts());
    (
        texts,
        vec(keywords, 0..2),
        vec(logo, 0..2),
        any_addresses(),
        any_addresses(),
        any_opaque(),
    )
        .prop_map(
            |(texts, keywords, logos, information, privacy, other)| UiInfo {
                display_names: texts.0,
                descriptions: texts.1,
                keywords,
                logos,
                information_urls: information,
                privacy_statement_urls: privacy,
                other,
            },
        )
        .boxed()
}

pub(super) fn any_hints() -> BoxedStrategy<DiscoHints> {
    (
        vec(any_text(), 0..2),
        vec(any_text(), 0..2),
        vec(any_text(), 0..2),
        any_opaque(),
    )
        .prop_map(
            |(ip_hints, domain_hints, geolocation_hints, other)| DiscoHints {
                ip_hints,
                domain_hints,
                geolocation_hints,
                other,
            },
        )
        .boxed()
}

pub(super) fn any_publication() -> impl Strategy<Value = Publication> {
    (any_text(), any_instant(), option::of(any_text())).prop_map(|(publisher, instant, id)| {
        Publication {
            publisher,
            creation_instant: instant,
            publication_id: id,
        }
    })
}

pub(super) fn any_extensions() -> BoxedStrategy<Extensions> {
    let registration = (any_text(), any_instant(), any_addresses());
    let registration = registration.prop_map(|(authority, instant, policies)| RegistrationInfo {
        registration_authority: authority,
        registration_instant: instant,
        registration_policies: policies,
    });
    let publication = (any_publication(), any_addresses());
    let publication = publication.prop_map(|(publication, policies)| PublicationInfo {
        publication,
        usage_policies: policies,
    });
    let bits = || option::of(1..10_000u32);
    let method = (any_uri(), bits(), bits()).prop_map(|(algorithm, min, max)| SigningMethod {
        algorithm,
        min_key_size: min,
        max_key_size: max,
    });
    let people = (option::of(any_ui()), option::of(any_hints()));
    let published = (
        option::of(registration),
        option::of(publication),
        vec(any_publication(), 0..2),
    );
    let technical = (
        vec(any_text(), 0..2),
        vec(any_uri(), 0..2),
        vec(method, 0..2),
        any_indexed(),
        vec(any_endpoint(), 0..2),
    );
    let some = (published, any_attributes(), people, technical, any_opaque()).prop_map(
        |(published, entity_attributes, people, technical, other)| Extensions {
            registration_info: published.0.map(Box::new),
            publication_info: published.1.map(Box::new),
            publication_path: published.2,
            entity_attributes,
            entity_assertions: Vec::new(),
            ui_info: people.0.map(Box::new),
            disco_hints: people.1.map(Box::new),
            scopes: technical.0.into_iter().map(Scope::new).collect(),
            digest_methods: technical.1,
            signing_methods: technical.2,
            discovery_responses: technical.3,
            request_initiators: technical.4,
            other,
        },
    );
    prop_oneof![Just(Extensions::default()), some].boxed()
}

pub(super) fn any_organization() -> BoxedStrategy<Organization> {
    (any_opaque(), any_texts(), any_texts(), any_addresses())
        .prop_map(|(extensions, names, display_names, urls)| Organization {
            extensions,
            names,
            display_names,
            urls,
        })
        .boxed()
}

pub(super) fn any_contact() -> BoxedStrategy<ContactPerson> {
    let contact_type = prop_oneof![Just(ContactType::Billing), Just(ContactType::Other)];
    let text = || option::of(any_text());
    let reached = (vec(any_text(), 0..3), vec(any_text(), 0..3));
    (
        contact_type,
        option::of(any_uri()),
        any_opaque(),
        text(),
        text(),
        text(),
        reached,
    )
        .prop_map(
            |(contact_type, refeds_type, extensions, company, given_name, sur_name, reached)| {
                ContactPerson {
                    contact_type,
                    refeds_type,
                    extensions,
                    company,
                    given_name,
                    sur_name,
                    email_addresses: reached.0,
                    telephone_numbers: reached.1,
                }
            },
        )
        .boxed()
}

pub(super) fn any_additional_metadata() -> impl Strategy<Value = AdditionalMetadataLocation> {
    (any_uri(), any_location()).prop_map(|(namespace, location)| AdditionalMetadataLocation {
        namespace,
        location,
    })
}
