use super::*;
use crate::testing::*;
use crate::{GroupMember, MetadataError, parse_entities, verify_entities};
use chrono::TimeDelta;
use federate_crypto::VerifyingKey;
use federate_types::MessageId;
use federate_xml::{
    Limits, SignaturePolicy, StreamLimits, TrustedKeys, VerificationContext, Writer,
};
use proptest::prelude::*;
use std::io::Cursor;

mod kept;

const NOW: &str = "2026-06-01T00:00:00Z";

/// Asks nothing of the end of an aggregate.
fn any_time() -> AggregatePolicy {
    AggregatePolicy {
        require_valid_until: false,
        max_validity: None,
        ..AggregatePolicy::default()
    }
}

fn id(text: &str) -> EntityId {
    EntityId::new(text).unwrap()
}

fn entity(id: &str, inside: &str) -> String {
    entity_xml(inside).replace("https://a.example", id)
}

fn group(attributes: &str, inside: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>\
         {inside}</md:EntitiesDescriptor>"
    )
}

/// Says when it was made.
fn published(instant: &str) -> String {
    format!(
        "<md:Extensions><r:PublicationInfo xmlns:r=\"urn:oasis:names:tc:SAML:metadata:rpi\" \
         publisher=\"urn:p\" creationInstant=\"{instant}\"/></md:Extensions>"
    )
}

fn parse_with(document: &str, policy: &AggregatePolicy) -> Result<Aggregate, AggregateError> {
    let store = Cursor::new(document.to_owned().into_bytes());
    Aggregate::parse(store, policy, at(NOW))
}

fn parse(document: &str) -> Aggregate {
    parse_with(document, &any_time()).unwrap()
}

/// Signs what this is, as it is written; the signature comes first in the root.
fn sign(document: &str, number: usize) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.embed(&canonical(document));
    let signed = signer(number).sign(writer, &MessageId::new("_r").unwrap());
    let signed = String::from_utf8(signed.unwrap()).unwrap();
    let start = signed.rfind("<ds:Signature ").unwrap();
    let end = signed.rfind("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let root = document.find('>').unwrap() + 1;
    [&document[..root], &signed[start..end], &document[root..]]
        .concat()
        .into_bytes()
}

fn canonical(document: &str) -> Vec<u8> {
    let document = federate_xml::Document::parse(document.as_bytes(), &Limits::for_aggregate());
    let document = document.unwrap();
    let mut octets = Vec::new();
    let method = federate_xml::Canonicalization::default();
    federate_xml::canonicalize(document.root(), None, &method, &mut octets);
    octets
}

fn keys(number: usize) -> TrustedKeys {
    let key = certificate(number).public_key().clone();
    TrustedKeys::from(VerifyingKey::new(&provider(), key).unwrap())
}

fn with_context<T>(now: &str, run: impl FnOnce(&VerificationContext<'_>) -> T) -> T {
    run(&VerificationContext {
        provider: &provider(),
        policy: &SignaturePolicy::default(),
        now: at(now),
    })
}

fn verify_with(signed: &[u8], policy: &AggregatePolicy) -> Result<Aggregate, AggregateError> {
    with_context(NOW, |context| {
        let store = Cursor::new(Vec::new());
        Aggregate::verify(signed, store, &keys(0), context, policy)
    })
}

fn verify(signed: &[u8]) -> Result<Aggregate, AggregateError> {
    verify_with(signed, &any_time())
}

fn code<T: std::fmt::Debug>(result: Result<T, AggregateError>) -> &'static str {
    result.unwrap_err().code()
}

fn ids(aggregate: &Aggregate) -> Vec<&str> {
    aggregate.entity_ids().map(EntityId::as_str).collect()
}

fn codes(aggregate: &Aggregate) -> Vec<&'static str> {
    aggregate
        .diagnostics()
        .iter()
        .map(Diagnostic::code)
        .collect()
}

/// Compares with the group that is read as a whole.
fn assert_same(aggregate: &Aggregate, group: &EntitiesDescriptor) {
    let all: Vec<_> = group.entities().map(|entity| &entity.entity_id).collect();
    assert_eq!(aggregate.entity_ids().collect::<Vec<_>>(), all);
    for entity_id in all {
        let entity = aggregate.entity(entity_id).unwrap().unwrap();
        assert_eq!(Some(&*entity), group.entity(entity_id));
        let again = aggregate.entity(entity_id).unwrap().unwrap();
        assert_eq!(entity, again);
    }
    let document = aggregate.document();
    assert_eq!(document.id, group.id);
    assert_eq!(document.name, group.name);
    assert_eq!(document.valid_until, group.valid_until);
    assert_eq!(document.cache_duration, group.cache_duration);
    assert_eq!(document.extensions, group.extensions);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn entities_are_those_of_the_group(group in any_group(), window in 0_usize..5_000) {
        let policy = AggregatePolicy {
            limits: StreamLimits { window, ..StreamLimits::default() },
            ..any_time()
        };
        let octets = group.to_xml();
        let read = parse_entities(&octets, &Limits::default()).unwrap();
        let aggregate = Aggregate::parse(Cursor::new(octets), &policy, at(NOW)).unwrap();
        assert_same(&aggregate, &read);

        let signed = group.to_signed_xml(&signer(0), &MessageId::new("_r").unwrap()).unwrap();
        let aggregate = verify_with(&signed, &policy).unwrap();
        let whole = with_context(NOW, |context| {
            verify_entities(&signed, &Limits::default(), &keys(0), context).unwrap().into_inner()
        });
        assert_same(&aggregate, &whole);
    }
}

#[test]
fn groups_are_read_as_when_they_are_held() {
    let inner = |attributes: &str, inside: &str| group(attributes, inside);
    let bad = entity("", "");
    let document = group(
        "Name=\"urn:n\" ID=\"_r\" cacheDuration=\"PT1H\" validUntil=\"2026-06-10T00:00:00Z\"",
        &[
            published("2026-05-30T00:00:00Z"),
            entity("a", &role_xml("SPSSODescriptor", "")),
            bad.clone(),
            inner("validUntil=\"2026-06-05T00:00:00Z\"", &entity("b", "")),
            inner("validUntil=\"soon\"", &entity("c", "")),
            inner("", &(entity("d", "") + "text" + &bad)),
            inner("", &(entity("e", "") + "<?p i?>text")),
            inner("", ""),
            "<md:Unknown/><!-- -->\n".to_owned(),
            entity("f", "")
                .replace("<md:", "<m:")
                .replace("</md:", "</m:")
                .replace(":md=", ":m="),
        ]
        .concat(),
    );
    let whole = parse_entities(document.as_bytes(), &Limits::default()).unwrap();
    let aggregate = parse(&document);
    assert_same(&aggregate, &whole);
    assert_eq!(ids(&aggregate), ["a", "b", "e", "f"]);
    assert_eq!(aggregate.created(), Some(at("2026-05-30T00:00:00Z")));
    assert_eq!(aggregate.diagnostics(), whole.diagnostics);
    assert_eq!(codes(&aggregate), ["metadata.member_skipped"; 3]);
    assert_same(&verify(&sign(&document, 0)).unwrap(), &whole);
}

#[test]
fn an_aggregate_is_a_group() {
    for document in [entity("a", ""), "<md/>".to_owned()] {
        assert_eq!(
            code(parse_with(&document, &any_time())),
            "schema.unexpected_root"
        );
    }
    for (document, expected) in [
        (group("validUntil=\"soon\"", ""), "schema.invalid_value"),
        (group("", "text"), "schema.unexpected_text"),
        (group("", "<a>"), "xml.not_well_formed"),
        (String::new(), "xml.not_well_formed"),
    ] {
        assert_eq!(code(parse_with(&document, &any_time())), expected);
    }
    let empty = parse(&group("", ""));
    assert!(empty.is_empty());
    assert_eq!(empty.entity(&id("a")), Ok(None));
    assert_eq!(empty.signed_by(), None);
}

#[test]
fn a230_only_configured_keys_vouch_for_an_aggregate() {
    let document = group("ID=\"_r\"", &entity("a", ""));
    let signed = sign(&document, 0);
    let aggregate = verify(&signed).unwrap();
    assert_eq!(ids(&aggregate), ["a"]);
    let signed_by = aggregate.signed_by().unwrap();
    assert_eq!(&signed_by.key, certificate(0).public_key());
    // Unsigned; by a key that only the document names; and by an entity's own signature.
    assert_eq!(code(verify(document.as_bytes())), "signature.missing");
    assert_eq!(code(verify(&sign(&document, 1))), "signature.wrong_key");
    let one = everything().to_signed_xml(&signer(0), &MessageId::new("_e").unwrap());
    let around = group("ID=\"_r\"", &String::from_utf8(one.unwrap()).unwrap());
    assert_eq!(code(verify(around.as_bytes())), "signature.missing");
    // A signature at another place than the schema's is not looked for.
    let text = String::from_utf8(signed).unwrap();
    let start = text.find("<ds:Signature ").unwrap();
    let end = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = text[start..end].to_owned();
    let last = text.replace(&signature, "").replace(
        "</md:EntitiesDescriptor>",
        &format!("{signature}</md:EntitiesDescriptor>"),
    );
    assert_eq!(code(verify(last.as_bytes())), "signature.missing");
    // Whoever signed nothing of it is refused before the rest is read.
    let endless = [&sign(&document, 1)[..], &[b' '; 100_000]].concat();
    let mut input = endless.as_slice();
    let result = with_context(NOW, |context| {
        let policy = AggregatePolicy {
            limits: StreamLimits {
                window: 4096,
                ..StreamLimits::default()
            },
            ..any_time()
        };
        Aggregate::verify(
            &mut input,
            Cursor::new(Vec::new()),
            &keys(0),
            context,
            &policy,
        )
    });
    assert_eq!(code(result), "signature.wrong_key");
    assert!(input.len() > 90_000);
}

#[test]
fn a231_whatever_is_edited_is_refused() {
    let until = "validUntil=\"2026-06-10T00:00:00Z\"";
    let inside = entity("a", "") + &group(until, &entity("b", ""));
    let signed = sign(&group(&format!("ID=\"_r\" {until}"), &inside), 0);
    assert!(verify(&signed).is_ok());
    let text = String::from_utf8(signed).unwrap();
    for (from, to) in [
        ("validUntil=\"2026-06-10", "validUntil=\"2026-06-11"),
        ("\"a\"", "\"b\""),
        ("\"b\"", "\"a\""),
        ("</md:EntityDescriptor>", " </md:EntityDescriptor>"),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text);
        assert_eq!(code(verify(edited.as_bytes())), "signature.digest_mismatch");
        let at = text.rfind(from).unwrap();
        let last = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
        assert_eq!(code(verify(last.as_bytes())), "signature.digest_mismatch");
    }
    let entity = entity("c", "");
    let more = text.replacen(
        "<md:EntityDescriptor",
        &format!("{entity}<md:EntityDescriptor"),
        1,
    );
    assert_eq!(code(verify(more.as_bytes())), "signature.digest_mismatch");
}

#[test]
fn a232_an_end_must_be_near() {
    let policy = AggregatePolicy::default();
    let until = |instant: &str| {
        group(
            &format!("ID=\"_r\" validUntil=\"{instant}\""),
            &entity("a", ""),
        )
    };
    for (document, expected) in [
        (
            group("ID=\"_r\"", &entity("a", "")),
            "metadata.no_valid_until",
        ),
        (until("2026-05-31T23:59:59Z"), "metadata.expired"),
        (until(NOW), "metadata.expired"),
        (until("2026-07-01T00:00:01Z"), "metadata.valid_too_long"),
        (until("9999-01-01T00:00:00Z"), "metadata.valid_too_long"),
    ] {
        assert_eq!(code(parse_with(&document, &policy)), expected);
        assert_eq!(code(verify_with(&sign(&document, 0), &policy)), expected);
    }
    let good = until("2026-07-01T00:00:00Z");
    assert!(verify_with(&sign(&good, 0), &policy).is_ok());
    let long = AggregatePolicy {
        max_validity: Some(TimeDelta::days(3000)),
        ..policy
    };
    assert!(parse_with(&until("2030-01-01T00:00:00Z"), &long).is_ok());
}

#[test]
fn a232_nothing_in_an_aggregate_outlives_it() {
    let until = |day| format!("validUntil=\"2026-06-{day}T00:00:00Z\"");
    let ended =
        |id: &str, day| entity(id, "").replace("entityID", &format!("{} entityID", until(day)));
    let inner = group(
        &until("05"),
        &(ended("b", "03") + &ended("c", "09") + &entity("d", "")),
    );
    let inner = inner + &group(&until("20"), &entity("e", ""));
    let document = group(
        &until("10"),
        &(ended("a", "01") + &inner + &ended("f", "30")),
    );
    let aggregate = parse(&document);
    let ends: Vec<_> = aggregate
        .entity_ids()
        .map(|id| aggregate.entity(id).unwrap().unwrap().valid_until.unwrap())
        .map(|until| until.format("%d").to_string())
        .collect();
    assert_eq!(ends, ["01", "03", "05", "05", "10", "10"]);
    // An entity whose own time is over is there, and is not to be used.
    let a = aggregate.entity(&id("a")).unwrap().unwrap();
    assert!(!a.is_valid_at(at(NOW)));
    assert!(aggregate.is_valid_at(at("2026-06-09T23:59:59Z")));
    assert!(!aggregate.is_valid_at(at("2026-06-10T00:00:00Z")));
}

#[test]
fn a233_an_older_aggregate_does_not_replace_a_newer() {
    let made = |instant: &str| parse(&group("", &published(instant)));
    let until = |instant: &str| parse(&group(&format!("validUntil=\"{instant}\""), ""));
    let (first, second) = (made("2026-05-01T00:00:00Z"), made("2026-05-02T00:00:00Z"));
    assert_eq!(second.supersedes(&first), Ok(()));
    assert_eq!(second.supersedes(&second), Ok(()));
    assert_eq!(code(first.supersedes(&second)), "metadata.older");
    let (early, late) = (until("2026-06-10T00:00:00Z"), until("2026-06-11T00:00:00Z"));
    assert_eq!(late.supersedes(&early), Ok(()));
    assert_eq!(code(early.supersedes(&late)), "metadata.older");
    // Of the one before something is known, of this one nothing; or the other way about.
    let undated = parse(&group("", ""));
    assert_eq!(code(undated.supersedes(&first)), "metadata.older");
    assert_eq!(code(undated.supersedes(&early)), "metadata.older");
    assert_eq!(code(late.supersedes(&first)), "metadata.older");
    assert_eq!(first.supersedes(&undated), Ok(()));
    assert_eq!(undated.supersedes(&undated), Ok(()));
}

#[test]
fn a235_the_first_of_several_descriptions_counts() {
    let marked = |id: &str, hours| {
        entity(id, "").replace(
            "entityID",
            &format!("cacheDuration=\"PT{hours}H\" entityID"),
        )
    };
    let inner = group("", &marked("a", 2));
    let unreadable = entity("b", "<md:SPSSODescriptor/>");
    let inside = marked("a", 1) + &marked("A", 9) + &inner + &marked("a", 3) + &unreadable;
    let document = group("ID=\"_r\"", &(inside + &marked("b", 4)));
    let whole = parse_entities(document.as_bytes(), &Limits::default()).unwrap();
    for aggregate in [parse(&document), verify(&sign(&document, 0)).unwrap()] {
        let a = aggregate.entity(&id("a")).unwrap().unwrap();
        assert_eq!(a.cache_duration, Some(TimeDelta::hours(1)));
        // The first that makes sense, as in a group that is held.
        let b = aggregate.entity(&id("b")).unwrap().unwrap();
        assert_eq!(b.cache_duration, Some(TimeDelta::hours(4)));
        assert_eq!(whole.entity(&id("b")), Some(&*b));
        assert_eq!(codes(&aggregate), ["metadata.duplicate_entity"; 3]);
    }
}

#[test]
fn a238_a_bad_entity_does_not_stop_the_others() {
    let bad = entity("bad", "<md:SPSSODescriptor/>");
    let aggregate = parse(&group("", &(entity("", "") + &bad + &entity("a", ""))));
    assert_eq!(ids(&aggregate), ["bad", "a"]);
    assert_eq!(codes(&aggregate), ["metadata.member_skipped"]);
    let error = aggregate.entity(&id("bad"));
    assert_eq!(code(error), "schema.missing_attribute");
    assert!(aggregate.entity(&id("a")).unwrap().is_some());
}

#[test]
fn a243_groups_lie_in_few_others() {
    let nested = |depth: usize| {
        (1..depth).fold(group("", &entity("deep", "")), |inside, _| {
            group("", &inside)
        })
    };
    let aggregate = parse(&nested(crate::MAX_GROUP_DEPTH));
    assert_eq!(ids(&aggregate), ["deep"]);
    let one_more = group("", &(nested(crate::MAX_GROUP_DEPTH) + &entity("a", "")));
    let aggregate = parse(&one_more);
    assert_eq!(ids(&aggregate), ["a"]);
    assert_eq!(codes(&aggregate), ["metadata.group_too_deep"]);
    let error = parse_with(&nested(20_000), &any_time());
    assert_eq!(code(error), "xml.limit_exceeded");
}

#[test]
fn a249_what_is_held_does_not_grow_with_what_is_in_it() {
    let policy = AggregatePolicy {
        limits: StreamLimits {
            bytes: 1_000_000,
            part: Limits {
                bytes: 20_000,
                ..StreamLimits::default().part
            },
            ids: 100,
            ..StreamLimits::default()
        },
        entities: 50,
        ..any_time()
    };
    let refused = |inside: &str| {
        let document = group("ID=\"_r\"", inside);
        let unsigned = parse_with(&document, &policy).map(drop);
        unsigned.map_err(|error| error.to_string())
    };
    let many = |count| {
        (0..count)
            .map(|n| entity(&format!("e{n}"), ""))
            .collect::<String>()
    };
    assert_eq!(refused(&many(49)), Ok(()));
    for (inside, limit) in [
        (many(50), "50 entities and groups"),
        (group("", "").repeat(50), "50 entities and groups"),
        (entity("a", &"<md:x/>".repeat(3_000)), "octets of a part"),
        (" ".repeat(1_000_001), "octets of a part"),
        (format!("<md:x/>{}", " ".repeat(19_000)).repeat(60), "bytes"),
        (
            (0..100).map(|n| format!("<md:x ID=\"_{n}\"/>")).collect(),
            "element IDs",
        ),
    ] {
        let error = refused(&inside).unwrap_err();
        assert!(error.contains(limit), "{error}, expected {limit}");
    }
    // Nor with how much is wrong with it.
    let aggregate = parse(&group("", &entity("", "").repeat(2_500)));
    assert_eq!(aggregate.diagnostics().len(), 1_000);
    assert_eq!(aggregate.further_diagnostics(), 1_500);
}

#[test]
fn errors_tell_nothing_of_the_document() {
    let group_of = |member: EntityDescriptor| EntitiesDescriptor {
        members: vec![GroupMember::Entity(Box::new(member))],
        ..EntitiesDescriptor::default()
    };
    let signed = group_of(everything()).to_signed_xml(&signer(1), &MessageId::new("_r").unwrap());
    let error = verify(&signed.unwrap()).unwrap_err();
    assert!(matches!(
        error,
        AggregateError::Metadata(MetadataError::Xml(_))
    ));
    assert_eq!(
        error.to_string(),
        "none of 1 trusted keys made this signature"
    );
}
