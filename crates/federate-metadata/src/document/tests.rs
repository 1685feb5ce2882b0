use super::*;
use crate::testing::*;
use crate::{Diagnostic, Location};
use federate_crypto::{KeyType, VerifyingKey};
use federate_types::MessageId;
use federate_xml::SignaturePolicy;
use proptest::prelude::*;

const METADATA: &str = "xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"";

fn keys(number: usize) -> TrustedKeys {
    let key = certificate(number).public_key().clone();
    VerifyingKey::new(&provider(), key).unwrap().into()
}

fn verify(octets: &[u8], number: usize) -> Result<Verified<EntityDescriptor>, MetadataError> {
    let context = VerificationContext {
        provider: &provider(),
        policy: &SignaturePolicy::default(),
        now: at("2026-06-01T00:00:00Z"),
    };
    verify_entity(octets, &Limits::default(), &keys(number), &context)
}

fn signed() -> Vec<u8> {
    let id = MessageId::new("_signed").unwrap();
    everything().to_signed_xml(&signer(0), &id).unwrap()
}

fn group(attributes: &str, inside: &str) -> String {
    format!("<md:EntitiesDescriptor {METADATA} {attributes}>{inside}</md:EntitiesDescriptor>")
}

#[test]
fn what_was_signed_is_read() {
    let verified = verify(&signed(), 0).unwrap();
    assert_eq!(verified.signed_by().key.key_type(), KeyType::Rsa);
    let mut expected = everything();
    expected.id = Some(MessageId::new("_signed").unwrap());
    assert_eq!(verified.into_inner(), expected);
    // Without looking at the signature it reads the same.
    let read = parse_entity(&signed(), &Limits::default()).unwrap();
    assert_eq!(read, expected);
}

#[test]
fn a230_only_configured_keys_vouch_for_a_document() {
    // The document carries the certificate of the key that signed it.
    assert_eq!(
        verify(&signed(), 1).unwrap_err().code(),
        "signature.wrong_key"
    );
    let unsigned = everything().to_xml();
    assert_eq!(
        verify(&unsigned, 0).unwrap_err().code(),
        "signature.missing"
    );
    let wrapped = String::from_utf8(signed()).unwrap();
    let wrapped = group("", &wrapped);
    assert_eq!(
        verify(wrapped.as_bytes(), 0).unwrap_err().code(),
        "schema.unexpected_root"
    );
}

#[test]
fn a231_an_edited_valid_until_is_refused() {
    let text = String::from_utf8(signed()).unwrap();
    let edited = text.replace("2026-12-31T00:00:00Z", "2027-12-31T00:00:00Z");
    assert_ne!(text, edited);
    let error = verify(edited.as_bytes(), 0).unwrap_err();
    assert_eq!(error.code(), "signature.digest_mismatch");
}

#[test]
fn a232_a_group_ends_the_entity_within() {
    let entity =
        entity_xml("").replace(" entityID", " validUntil=\"2026-06-01T00:00:00Z\" entityID");
    for (outer, inner, expected) in [
        ("", "", "2026-06-01T00:00:00Z"),
        (
            "validUntil=\"2026-05-01T00:00:00Z\"",
            "",
            "2026-05-01T00:00:00Z",
        ),
        (
            "",
            "validUntil=\"2026-04-01T00:00:00Z\"",
            "2026-04-01T00:00:00Z",
        ),
        (
            "validUntil=\"2027-01-01T00:00:00Z\"",
            "",
            "2026-06-01T00:00:00Z",
        ),
    ] {
        let document = group(outer, &group(inner, &entity));
        assert_eq!(parse(&document).valid_until, Some(at(expected)));
        let forever = group(outer, &group(inner, &entity_xml("")));
        let until = parse(&forever).valid_until;
        assert_eq!(until.is_some(), !(outer.is_empty() && inner.is_empty()));
    }
    let document = group("validUntil=\"soon\"", &entity);
    let error = parse_entity(document.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "schema.invalid_value");
}

#[test]
fn a235_several_entities_are_not_guessed_among() {
    for (inside, found) in [
        (String::new(), 0),
        (group("", ""), 0),
        (entity_xml("").repeat(2), 2),
        (entity_xml("") + &group("", &entity_xml("")), 2),
    ] {
        let document = group("", &inside);
        let error = parse_entity(document.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(error, MetadataError::NotOneEntity { found });
        assert_eq!(error.code(), "metadata.not_one_entity");
    }
}

#[test]
fn a243_nested_groups_are_bounded() {
    let mut document = entity_xml("");
    for _ in 0..64 {
        document = group("", &document);
    }
    let error = parse_entity(document.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "xml.limit_exceeded");
    // Nor does a deeper limit end in a crash.
    for _ in 0..20_000 {
        document = group("", &document);
    }
    let limits = Limits {
        depth: 100_000,
        bytes: 1 << 30,
        ..Limits::for_aggregate()
    };
    assert!(parse_entity(document.as_bytes(), &limits).is_ok());
}

#[test]
fn documents_may_be_decorated() {
    let text = format!(
        "<?xml version=\"1.0\"?><?xml-stylesheet href=\"a\"?>{}<?end?>",
        entity_xml("<?a?>")
    );
    assert_eq!(parse(&text).entity_id.as_str(), "https://a.example");
    let doctype = format!("<!DOCTYPE a>{}", entity_xml(""));
    let error = parse_entity(doctype.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "xml.doctype_forbidden");
}

#[test]
fn no_message_tells_text_of_the_document() {
    let role = role_xml(
        "SPSSODescriptor",
        &(acs_xml("Location=\"javascript:ATTACK\" index=\"ATTACK\" isDefault=\"ATTACK\"")
            + &key_xml("use=\"ATTACK\"", &["ATTACK"])
            + &key_xml("", &["ATTACK"])
            + "<md:NameIDFormat>A<ATTACK/></md:NameIDFormat>"),
    );
    let entity = parse(&entity_xml(&role).replace(
        " entityID",
        " ID=\"AT TACK\" cacheDuration=\"ATTACK\" entityID",
    ));
    assert!(entity.diagnostics.len() >= 5);
    for diagnostic in &entity.diagnostics {
        assert!(!diagnostic.to_string().contains("ATTACK"));
        assert!(diagnostic.code().starts_with("metadata."));
    }
    let invalid = Location::new("javascript:ATTACK").unwrap_err();
    assert!(!invalid.to_string().contains("ATTACK"));
    let seen = [Diagnostic::IdIgnored, Diagnostic::CacheDurationIgnored];
    assert!(
        seen.iter()
            .all(|diagnostic| entity.diagnostics.contains(diagnostic))
    );
}

proptest! {
    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_entity(&octets, &Limits::default());
    }

    #[test]
    fn no_changed_document_panics_or_changes_when_written(
        at in any::<prop::sample::Index>(),
        len in 0..20usize,
        put in "[ -~é<>/&\"=]{0,10}",
    ) {
        let mut document = everything().to_xml();
        let at = at.index(document.len());
        let end = document.len().min(at + len);
        document.splice(at..end, put.bytes());
        if let Ok(mut entity) = parse_entity(&document, &Limits::default()) {
            // Whatever could be read reads the same when it is written.
            let mut again = parse_entity(&entity.to_xml(), &Limits::default()).unwrap();
            entity.diagnostics.clear();
            again.diagnostics.clear();
            prop_assert_eq!(again, entity);
        }
    }

    #[test]
    fn a230_no_changed_octet_verifies(at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut document = signed();
        let at = at.index(document.len());
        prop_assume!(document[at] != octet);
        document[at] = octet;
        if let Ok(verified) = verify(&document, 0) {
            // Only what is no part of the entity (KeyInfo, white space in tags) can differ.
            let mut expected = everything();
            expected.id = Some(MessageId::new("_signed").unwrap());
            prop_assert_eq!(verified.into_inner(), expected);
        }
    }

    #[test]
    fn no_structure_panics(parts in proptest::collection::vec(any_part(), 0..12)) {
        let document = entity_xml(&parts.concat());
        if let Ok(entity) = parse_entity(document.as_bytes(), &Limits::default()) {
            let again = parse_entity(&entity.to_xml(), &Limits::default()).unwrap();
            prop_assert_eq!((again.idp, again.sp), (entity.idp, entity.sp));
        }
    }
}

fn any_part() -> impl Strategy<Value = String> {
    let value = "[ -%'-;=?-~]{0,12}|https://a\\.example/[a-z]{0,3}|[0-9]{1,6}|true|signing"
        .prop_map(|value| value.replace('"', ""));
    let inside = (value.clone(), value.clone(), value.clone(), value)
        .prop_map(|(a, b, c, d)| {
            format!(
                "<md:AssertionConsumerService Binding=\"{a}\" Location=\"{b}\" index=\"{c}\" isDefault=\"{d}\"/>\
                 <md:SingleSignOnService Binding=\"{a}\" Location=\"{b}\" ResponseLocation=\"{c}\"/>\
                 <md:NameIDFormat>{d}</md:NameIDFormat>{}",
                key_xml(&format!("use=\"{d}\""), &[&c])
            )
        });
    let role = prop_oneof![Just("IDPSSODescriptor"), Just("SPSSODescriptor")];
    (role, inside).prop_map(|(role, inside)| role_xml(role, &inside))
}
