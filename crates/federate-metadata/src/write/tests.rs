use crate::testing::*;
use crate::{EntityDescriptor, KeyUse, parse_entity};
use federate_types::{EntityId, MessageId};
use federate_xml::{Limits, Writer};
use proptest::prelude::*;

mod schema;

fn text(octets: Vec<u8>) -> String {
    String::from_utf8(octets).unwrap()
}

#[test]
fn everything_reads_back() {
    let entity = everything();
    assert_eq!(
        parse_entity(&entity.to_xml(), &Limits::default()).unwrap(),
        entity
    );
}

#[test]
fn elements_stand_in_the_order_of_the_schema() {
    let id = MessageId::new("_signed").unwrap();
    let written = text(everything().to_signed_xml(&signer(0), &id).unwrap());
    let mut rest = written.as_str();
    for element in [
        "md:EntityDescriptor ",
        "ds:Signature ",
        "md:IDPSSODescriptor ",
        "md:KeyDescriptor ",
        "md:SingleLogoutService ",
        "md:NameIDFormat>",
        "md:SingleSignOnService ",
        "md:SPSSODescriptor ",
        "md:KeyDescriptor ",
        "md:SingleLogoutService ",
        "md:NameIDFormat>",
        "md:AssertionConsumerService ",
    ] {
        let start = format!("<{element}");
        rest = rest.split_once(&start).expect(element).1;
    }
    assert!(written.contains(" ID=\"_signed\""));
    assert!(!written.contains("_metadata"));
}

#[test]
fn keys_without_certificates_are_not_written() {
    let mut entity = everything();
    let idp = entity.idp.as_mut().unwrap();
    idp.keys.retain(|key| key.key_use == KeyUse::Signing);
    idp.keys.truncate(1);
    idp.keys[0].certificates.clear();
    let read = parse_entity(&entity.to_xml(), &Limits::default()).unwrap();
    assert!(read.idp.unwrap().keys.is_empty());
    assert_eq!(read.diagnostics, []);
}

#[test]
fn a211_values_cannot_inject_markup() {
    let id = "\"></md:EntityDescriptor><md:EntityDescriptor/entityID=\"https://evil.example";
    let entity = EntityDescriptor::new(EntityId::new(id).unwrap());
    assert_eq!(
        parse_entity(&entity.to_xml(), &Limits::default()).unwrap(),
        entity
    );
}

#[test]
fn fractions_of_a_second_end_trust_earlier() {
    let document = entity_xml("").replace(
        " entityID",
        " validUntil=\"2026-06-01T00:00:00.9Z\" entityID",
    );
    let entity = parse(&document);
    assert_eq!(entity.valid_until, Some(at("2026-06-01T00:00:00Z")));
    assert_eq!(parse(&text(entity.to_xml())), entity);
}

proptest! {
    #[test]
    fn a_written_entity_parses_back_to_itself(entity in any_entity()) {
        let octets = entity.to_xml();
        prop_assert_eq!(parse_entity(&octets, &Limits::default()).unwrap(), entity.clone());
        // It is the same inside something else.
        let mut writer = Writer::new();
        writer.start(federate_xml::Name::md("EntitiesDescriptor"));
        entity.write(&mut writer);
        let octets = writer.finish();
        prop_assert_eq!(parse_entity(&octets, &Limits::default()).unwrap(), entity);
    }
}
