use crate::testing::*;
use crate::{
    Diagnostic, EntitiesDescriptor, GroupMember, MAX_GROUP_DEPTH, parse_entities, parse_entity,
    verify_entities,
};
use federate_crypto::VerifyingKey;
use federate_types::{EntityId, MessageId};
use federate_xml::dsig::SignatureStructure;
use federate_xml::{
    Limits, SignatureError, SignaturePolicy, TrustedKeys, VerificationContext, Verified, XmlError,
};
use proptest::prelude::*;

fn entity(id: &str, attributes: &str) -> String {
    entity_xml("").replace(
        " entityID=\"https://a.example\"",
        &format!(" {attributes} entityID=\"{id}\""),
    )
}

fn group(attributes: &str, inside: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>\
         {inside}</md:EntitiesDescriptor>"
    )
}

fn read(document: &str) -> EntitiesDescriptor {
    parse_entities(document.as_bytes(), &Limits::default()).unwrap()
}

fn ids(group: &EntitiesDescriptor) -> Vec<&str> {
    group
        .entities()
        .map(|entity| entity.entity_id.as_str())
        .collect()
}

fn codes(group: &EntitiesDescriptor) -> Vec<&'static str> {
    group.diagnostics.iter().map(Diagnostic::code).collect()
}

#[test]
fn entities_are_read_in_the_order_of_the_document() {
    let inner = group("", &(entity("b", "") + &entity("c", "")));
    let found = read(&group(
        "Name=\"urn:x\" ID=\"_1\" cacheDuration=\"PT1H\"",
        &(entity("a", "") + "<!-- --><md:Unknown/>" + &inner + &group("", "") + &entity("d", "")),
    ));
    assert_eq!(found.name.as_deref(), Some("urn:x"));
    assert_eq!(found.id, Some(MessageId::new("_1").unwrap()));
    assert!(found.cache_duration.is_some());
    assert_eq!(ids(&found), ["a", "b", "c", "d"]);
    assert_eq!(found.diagnostics, []);
    let c = EntityId::new("c").unwrap();
    assert_eq!(found.entity(&c).unwrap().entity_id, c);
    assert_eq!(found.entity(&EntityId::new("e").unwrap()), None);
    let expected: Vec<_> = found.entities().cloned().collect();
    assert_eq!(found.into_entities(), expected);
}

#[test]
fn one_entity_is_a_group_of_one() {
    let found = read(&entity("a", ""));
    assert_eq!(ids(&found), ["a"]);
    let error = parse_entities(b"<md/>", &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "schema.unexpected_root");
}

#[test]
fn a232_nothing_in_a_group_outlives_it() {
    let until = |month| format!("validUntil=\"2026-{month}-01T00:00:00Z\"");
    let entities = entity("a", "") + &entity("b", &until("03")) + &entity("c", &until("09"));
    let found = read(&group(
        &until("06"),
        &(group(&until("05"), &entities) + &group(&until("12"), &entity("d", ""))),
    ));
    let ends: Vec<_> = found
        .entities()
        .map(|entity| entity.valid_until.unwrap().format("%m").to_string())
        .collect();
    assert_eq!(ends, ["05", "03", "05", "06"]);
    assert!(found.is_valid_at(at("2026-05-31T00:00:00Z")));
    assert!(!found.is_valid_at(at("2026-06-01T00:00:00Z")));
    // That the end cannot be read is no reason to believe that there is none.
    for outer in [true, false] {
        let bad = group("validUntil=\"soon\"", &entity("a", ""));
        if outer {
            let error = parse_entities(bad.as_bytes(), &Limits::default()).unwrap_err();
            assert_eq!(error.code(), "schema.invalid_value");
        } else {
            let found = read(&group(
                "",
                &(bad + &entity("b", "validUntil=\"soon\"") + &entity("c", "")),
            ));
            assert_eq!(ids(&found), ["c"]);
            assert_eq!(codes(&found), ["metadata.member_skipped"; 2]);
        }
    }
}

#[test]
fn a235_an_entity_that_is_there_twice_is_reported() {
    let first = entity("a", "cacheDuration=\"PT1H\"");
    let found = read(&group(
        "",
        &(first + &entity("A", "") + &group("", &entity("a", "")) + &entity("a", "")),
    ));
    let a = EntityId::new("a").unwrap();
    let duplicate = Diagnostic::DuplicateEntity {
        entity_id: a.clone(),
    };
    assert_eq!(found.diagnostics, [duplicate.clone(), duplicate]);
    assert!(found.entity(&a).unwrap().cache_duration.is_some());
    assert_eq!(found.entities().count(), 4);
}

#[test]
fn a238_a_bad_entity_does_not_stop_the_others() {
    let bad = entity_xml("").replace(" entityID", " EntityId");
    let text = entity_xml("text");
    let role = entity_xml("<md:SPSSODescriptor/>");
    let found = read(&group(
        "",
        &(bad + &entity("a", "") + &text + &role + &entity("b", "")),
    ));
    assert_eq!(ids(&found), ["a", "b"]);
    let skipped: Vec<_> = found
        .diagnostics
        .iter()
        .map(|diagnostic| match diagnostic {
            Diagnostic::MemberSkipped { number, reason } => (*number, reason.code()),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(
        skipped,
        [
            (0, "schema.missing_attribute"),
            (2, "schema.unexpected_text"),
            (3, "schema.missing_attribute")
        ]
    );
}

#[test]
fn a243_groups_lie_in_few_others() {
    let nested = |depth: usize| {
        (1..depth).fold(group("", &entity("deep", "")), |inside, _| {
            group("", &inside)
        })
    };
    let found = read(&nested(MAX_GROUP_DEPTH));
    assert_eq!(ids(&found), ["deep"]);
    let mut found = &read(&group("", &(nested(MAX_GROUP_DEPTH) + &entity("a", ""))));
    assert_eq!(ids(found), ["a"]);
    while let Some(GroupMember::Group(inner)) = found.members.first() {
        found = inner;
    }
    assert_eq!(codes(found), ["metadata.group_too_deep"]);
    // However deep, neither reading nor dropping needs more stack.
    let limits = Limits {
        depth: 100_000,
        ..Limits::for_aggregate()
    };
    let deep = nested(20_000);
    let found = parse_entities(deep.as_bytes(), &limits).unwrap();
    assert_eq!(found.entities().count(), 0);
    let error = parse_entities(deep.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "xml.limit_exceeded");
}

fn verify(
    octets: &[u8],
    number: usize,
) -> Result<Verified<EntitiesDescriptor>, crate::MetadataError> {
    let key = certificate(number).public_key().clone();
    let keys = TrustedKeys::from(VerifyingKey::new(&provider(), key).unwrap());
    let context = VerificationContext {
        provider: &provider(),
        policy: &SignaturePolicy::default(),
        now: at("2026-06-01T00:00:00Z"),
    };
    verify_entities(octets, &Limits::default(), &keys, &context)
}

#[test]
fn a230_only_configured_keys_vouch_for_a_group() {
    let mut written = read(&group("", &entity("a", "")));
    written
        .members
        .push(GroupMember::Entity(Box::new(everything())));
    let id = MessageId::new("_signed").unwrap();
    let signed = written.to_signed_xml(&signer(0), &id).unwrap();
    let verified = verify(&signed, 0).unwrap();
    assert_eq!(ids(&verified), ["a", "https://hub.example/<metadata>"]);
    written.id = Some(id);
    assert_eq!(verified.into_inner(), written);
    assert_eq!(
        verify(&signed, 1).unwrap_err().code(),
        "signature.wrong_key"
    );
    assert_eq!(
        verify(&written.to_xml(), 0).unwrap_err().code(),
        "signature.missing"
    );
    let edited = String::from_utf8(signed).unwrap().replace("\"a\"", "\"b\"");
    assert_eq!(
        verify(edited.as_bytes(), 0).unwrap_err().code(),
        "signature.digest_mismatch"
    );
    // The signature of an entity vouches for no group around it.
    let id = MessageId::new("_entity").unwrap();
    let one = everything().to_signed_xml(&signer(0), &id).unwrap();
    let around = group("", &String::from_utf8(one.clone()).unwrap());
    let error = verify(around.as_bytes(), 0).unwrap_err();
    assert_eq!(error.code(), "signature.missing");
    let error = verify(&one, 0).unwrap_err();
    assert!(matches!(
        error,
        crate::MetadataError::Xml(XmlError::Read(_))
    ));
}

#[test]
fn a028_a_signed_entity_vouches_for_nothing_beside_it() {
    let id = MessageId::new("_entity").unwrap();
    let signed = everything().to_signed_xml(&signer(0), &id).unwrap();
    let signed = String::from_utf8(signed).unwrap();
    let forged = entity("https://victim.example", "");
    for inside in [forged.clone() + &signed, signed.clone() + &forged] {
        for attributes in ["", "ID=\"_group\"", "ID=\"https://hub.example\""] {
            let document = group(attributes, &inside);
            let error = verify(document.as_bytes(), 0).unwrap_err();
            assert_eq!(error.code(), "signature.missing");
        }
    }
    // Not even with the entity's signature in the place of the group's.
    let start = signed.find("<ds:Signature").unwrap();
    let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = signed.get(start..end).unwrap();
    for inside in [
        signature.to_owned() + &forged,
        signature.to_owned() + &forged + &signed,
    ] {
        let document = group("ID=\"_group\"", &inside);
        let error = verify(document.as_bytes(), 0).unwrap_err();
        assert_eq!(error.code(), "signature.malformed");
        let elsewhere = SignatureError::Malformed(SignatureStructure::ReferenceElsewhere);
        assert_eq!(error, XmlError::from(elsewhere).into());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_written_group_parses_back_to_itself(group in any_group()) {
        let octets = group.to_xml();
        let read = parse_entities(&octets, &Limits::default()).unwrap();
        prop_assert_eq!(read, group);
    }

    #[test]
    fn whatever_is_written_can_be_signed(entity in any_entity()) {
        let id = MessageId::new("_signed-document").unwrap();
        let group = EntitiesDescriptor {
            members: vec![GroupMember::Entity(Box::new(entity.clone()))],
            ..EntitiesDescriptor::default()
        };
        let verified = verify(&group.to_signed_xml(&signer(0), &id).unwrap(), 0).unwrap();
        prop_assert_eq!(verified.into_inner().into_entities(), [entity.clone()]);
        let signed = entity.to_signed_xml(&signer(0), &id).unwrap();
        let read = parse_entity(&signed, &Limits::default()).unwrap();
        prop_assert_eq!(read.idp, entity.idp);
    }
}
