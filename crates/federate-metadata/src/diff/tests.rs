use super::*;
use crate::testing::*;
use crate::{Endpoint, IndexedEndpoint, KeyDescriptor, Scope};
use federate_types::Binding;
use proptest::prelude::*;

/// What a change to an entity with everything is told as.
#[track_caller]
fn told(change: impl FnOnce(&mut EntityDescriptor)) -> Vec<Difference> {
    let before = everything();
    let mut after = everything();
    change(&mut after);
    let changes = diff([&before], [&after], &provider());
    let [EntityChange::Changed { differences, .. }] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    differences.clone()
}

fn codes(differences: &[Difference]) -> Vec<&'static str> {
    differences.iter().map(Difference::code).collect()
}

fn named(id: &str) -> EntityDescriptor {
    EntityDescriptor::new(EntityId::new(id).unwrap())
}

#[test]
fn entities_come_and_go() {
    let before = [named("a"), named("b"), named("c")];
    let mut changed = named("c");
    changed.valid_until = Some(at("2026-01-01T00:00:00Z"));
    let after = [named("d"), changed, named("a"), named("d")];
    let changes = diff(&before, &after, &provider());
    let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "d was added",
            "c changed: EntityDescriptor: validUntil was none and is 2026-01-01T00:00:00Z",
            "b was removed",
        ]
    );
    let codes: Vec<_> = changes.iter().map(EntityChange::code).collect();
    assert_eq!(
        codes,
        [
            "diff.entity_added",
            "diff.entity_changed",
            "diff.entity_removed"
        ]
    );
    assert_eq!(changes[2].entity_id().as_str(), "b");
}

#[test]
fn keys_are_told_by_fingerprint_and_use() {
    let differences = told(|entity| {
        let keys = &mut entity.idp.as_mut().unwrap().keys;
        keys[0] = KeyDescriptor::new(KeyUse::Signing, certificate(2));
    });
    assert_eq!(codes(&differences), ["diff.key_added", "diff.key_removed"]);
    let print = |number| certificate(number).sha256_fingerprint(&provider());
    let Difference::KeyAdded { role, key } = &differences[0] else {
        panic!()
    };
    assert_eq!((*role, key.key_use), ("IDPSSODescriptor", KeyUse::Signing));
    assert_eq!(key.fingerprint, print(2));
    assert_eq!(key.not_after, Some(certificate(2).not_after()));
    assert_eq!(
        differences[1].to_string(),
        format!(
            "IDPSSODescriptor: key removed: signing, SHA-256 {}",
            print(0).to_fingerprint()
        )
    );
    // Another use of the same key.
    let differences = told(|entity| {
        entity.idp.as_mut().unwrap().keys[0].key_use = KeyUse::Both;
    });
    assert_eq!(codes(&differences), ["diff.key_added", "diff.key_removed"]);
}

#[test]
fn what_is_published_is_listed_by_role() {
    let entity = everything();
    let keys = entity.published_keys(&provider());
    // Five keys in each of three roles, one of them without a certificate.
    assert_eq!(keys.len(), 15);
    assert_eq!(
        keys.iter().filter(|key| key.certificate.is_none()).count(),
        3
    );
    assert_eq!(
        (keys[0].role, keys[5].role),
        ("IDPSSODescriptor", "SPSSODescriptor")
    );
    let endpoints = entity.published_endpoints();
    let consumers: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| endpoint.service == "AssertionConsumerService")
        .map(|endpoint| endpoint.index)
        .collect();
    assert_eq!(consumers, [Some(0), Some(1), Some(65535)]);
}

#[test]
fn endpoints_move() {
    let differences = told(|entity| {
        let sp = entity.sp.as_mut().unwrap();
        sp.assertion_consumer[1].endpoint.location = location("https://elsewhere.example/acs");
        sp.artifact_resolution.clear();
        sp.single_logout.push(Endpoint::new(
            Binding::HttpRedirect,
            location("https://hub.example/r"),
        ));
        entity.idp.as_mut().unwrap().artifact_resolution[0].index = 4;
    });
    let lines: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "IDPSSODescriptor: ArtifactResolutionService SOAP 3 https://hub.example/soap became \
             ArtifactResolutionService SOAP 4 https://hub.example/soap",
            "SPSSODescriptor: moved AssertionConsumerService HTTP-POST 1 (default) \
             https://hub.example/acs to https://elsewhere.example/acs",
            "SPSSODescriptor: added SingleLogoutService HTTP-Redirect https://hub.example/r",
            "SPSSODescriptor: removed ArtifactResolutionService SOAP 0 https://hub.example/soap",
        ]
    );
}

#[test]
fn the_order_of_endpoints_is_a_preference() {
    let differences = told(|entity| entity.sp.as_mut().unwrap().assertion_consumer.reverse());
    let what = "order of endpoints";
    let of = "EntityDescriptor";
    assert_eq!(differences, [Difference::OtherChanged { of, what }]);
}

#[test]
fn what_ends_later_is_routine() {
    let until = |until: Option<&str>| {
        let before = everything();
        let mut after = everything();
        after.valid_until = until.map(at);
        after.cache_duration = None;
        let changes = diff([&before], [&after], &provider());
        let [change] = changes.as_slice() else {
            panic!()
        };
        change.is_routine()
    };
    assert!(until(Some("2027-01-01T00:00:00Z")));
    assert!(!until(Some("2025-01-01T00:00:00Z")));
    assert!(!until(None));
    let added = diff([], [&everything()], &provider());
    assert!(!added[0].is_routine());
}

#[test]
fn the_rest_is_named() {
    let differences = told(|entity| {
        let idp = entity.idp.as_mut().unwrap();
        idp.want_authn_requests_signed = false;
        idp.details.extensions.scopes.push(Scope::new("b.example"));
        idp.name_id_formats.clear();
        idp.keys[1].key_names.clear();
        entity.contacts.clear();
        entity.pdp = None;
        entity
            .sp
            .as_mut()
            .unwrap()
            .attribute_consuming_services
            .clear();
    });
    let lines: Vec<_> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "PDPDescriptor was removed",
            "PDPDescriptor: removed AuthzService SOAP https://hub.example/authz",
            "IDPSSODescriptor: WantAuthnRequestsSigned is false now",
            "EntityDescriptor: contacts changed",
            "IDPSSODescriptor: scopes changed",
            "IDPSSODescriptor: key names and encryption methods changed",
            "IDPSSODescriptor: NameID formats changed",
            "SPSSODescriptor: attributes that are asked for changed",
        ]
    );
}

#[test]
fn identifiers_and_diagnostics_do_not_count() {
    let before = everything();
    let mut after = everything();
    after.id = None;
    after.diagnostics.push(crate::Diagnostic::KeySkipped);
    assert_eq!(diff([&before], [&after], &provider()), []);
}

#[test]
fn text_of_the_document_is_escaped() {
    let mut after = named("a\u{202e}b");
    assert_eq!(
        diff([], [&after], &provider())[0].to_string(),
        "a\\u{202e}b was added"
    );
    let before = after.clone();
    let mut consumer = IndexedEndpoint::new(
        0,
        Endpoint::new(Binding::HttpPost, location("https://a.example")),
    );
    consumer.endpoint.binding = crate::EndpointBinding::from_uri("urn:\u{1b}[2J");
    after.sp = Some(crate::SpDescriptor {
        assertion_consumer: vec![consumer],
        ..crate::SpDescriptor::default()
    });
    let line = diff([&before], [&after], &provider())[0].to_string();
    assert!(!line.contains('\u{1b}'), "{line}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_difference_is_told_and_nothing_else(a in any_entity(), b in any_entity()) {
        let provider = provider();
        prop_assert_eq!(diff([&a], [&a], &provider), []);
        let mut b = b;
        b.entity_id = a.entity_id.clone();
        let strip = |entity: &EntityDescriptor| {
            let mut entity = entity.clone();
            entity.id = None;
            entity.diagnostics.clear();
            entity
        };
        let changes = diff([&a], [&b], &provider);
        prop_assert_eq!(changes.is_empty(), strip(&a) == strip(&b));
        for change in changes {
            prop_assert!(!change.to_string().contains(char::is_control));
        }
    }
}
