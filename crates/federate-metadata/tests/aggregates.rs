//! Real federations, read part by part: what is read of each entity is what is read of it when the
//! whole document is held. They lie where `FEDERATE_VECTORS` says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use federate_crypto::{Certificate, CryptoProvider, VerifyingKey, aws_lc_provider};
use federate_metadata::{
    Aggregate, AggregateError, AggregatePolicy, EntityDescriptor, parse_entities, verify_entities,
};
use federate_types::EntityId;
use federate_xml::{
    Canonicalization, Document, Limits, Name, SignaturePolicy, TrustedKeys, VerificationContext,
    canonicalize,
};
use std::collections::HashMap;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};

const FEDERATIONS: [&str; 5] = [
    "federation/edugain/edugain-trustinfo-2.0.xml.gz",
    "federation/edugain/wayf-edugain-metadata.xml",
    "federation/incommon/InCommon-metadata-export.xml.gz",
    "federation/renater/renater-metadata.xml",
    "federation/swamid-legacy/swamid-1.0.xml",
];

/// The one that is signed as `[SAMLMeta] 3.1` says.
const SIGNED: &str = "federation/edugain/wayf-edugain-metadata.xml";

/// Signatures that refer to "the whole document", and not to the root by its ID; the second was
/// edited after it was signed.
const SIGNED_OTHERWISE: [&str; 4] = [
    "federation/renater/renater-metadata.xml",
    "opensaml-java/opensaml-saml-impl/src/test/resources/org/opensaml/saml/saml2/metadata/\
     InCommon-metadata.xml",
    "opensaml-java/opensaml-xmlsec-impl/src/test/resources/org/opensaml/xmlsec/signature/\
     support/InCommon-metadata.xml",
    "pysaml2/tests/swamid-1.0.xml",
];

fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("FEDERATE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: FEDERATE_VECTORS is not set");
    }
    folder
}

fn read(file: &Path) -> Vec<u8> {
    let octets = std::fs::read(file).unwrap();
    if file.extension().is_none_or(|extension| extension != "gz") {
        return octets;
    }
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(&octets[..]);
    reader.read_to_end(&mut unpacked).unwrap();
    unpacked
}

fn any_time() -> AggregatePolicy {
    AggregatePolicy {
        require_valid_until: false,
        max_validity: None,
        ..AggregatePolicy::default()
    }
}

fn assert_same<'e>(
    name: &str,
    aggregate: &Aggregate,
    entities: impl Iterator<Item = &'e EntityDescriptor>,
) {
    let mut first: HashMap<&EntityId, &EntityDescriptor> = HashMap::new();
    let mut ids = Vec::new();
    for entity in entities {
        ids.push(&entity.entity_id);
        first.entry(&entity.entity_id).or_insert(entity);
    }
    assert_eq!(aggregate.entity_ids().collect::<Vec<_>>(), ids, "{name}");
    for (id, expected) in first {
        let found = aggregate.entity(id).unwrap().unwrap();
        assert_eq!(&*found, expected, "{name}: {id}");
    }
}

#[test]
fn every_entity_reads_as_in_the_whole_document() {
    let Some(vectors) = vectors() else { return };
    let now = "2011-01-01T00:00:00Z".parse().unwrap();
    for file in FEDERATIONS {
        let octets = read(&vectors.join(file));
        let group = parse_entities(&octets, &Limits::for_aggregate()).unwrap();
        let aggregate = Aggregate::parse(Cursor::new(octets), &any_time(), now).unwrap();
        assert_same(file, &aggregate, group.entities());
        assert_eq!(aggregate.diagnostics(), group.diagnostics);
        assert_eq!(aggregate.document().extensions, group.extensions);
        assert_eq!(aggregate.document().name, group.name);
    }
}

/// The key of the certificate in the document's own signature: for this test the configured one.
fn own_key(octets: &[u8], provider: &CryptoProvider) -> TrustedKeys {
    let document = Document::parse(octets, &Limits::for_aggregate()).unwrap();
    let path = ["Signature", "KeyInfo", "X509Data", "X509Certificate"];
    let element = path.iter().fold(document.root(), |element, local| {
        let mut inside = element.child_elements();
        inside.find(|child| child.is(Name::ds(local))).unwrap()
    });
    let certificate = Certificate::from_base64(&element.text().unwrap()).unwrap();
    TrustedKeys::from(VerifyingKey::new(provider, certificate.public_key().clone()).unwrap())
}

fn verify(
    octets: &[u8],
    store: &Path,
    keys: &TrustedKeys,
    policy: &AggregatePolicy,
) -> Result<Aggregate, AggregateError> {
    let signatures = SignaturePolicy::default();
    let context = VerificationContext {
        provider: &aws_lc_provider(),
        policy: &signatures,
        now: "2019-07-20T00:00:00Z".parse().unwrap(),
    };
    Aggregate::fetch(octets, store, None, keys, &context, policy)
}

#[test]
fn a230_a231_a_signed_federation_verifies_unless_it_was_edited() {
    let Some(vectors) = vectors() else { return };
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("kept");
    let provider = aws_lc_provider();
    let octets = read(&vectors.join(SIGNED));
    let keys = own_key(&octets, &provider);
    let policy = AggregatePolicy::default();
    let aggregate = verify(&octets, &store, &keys, &policy).unwrap();

    // As when the whole document is held: the entities, and the octets that were hashed.
    let context = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: "2019-07-20T00:00:00Z".parse().unwrap(),
    };
    let whole = verify_entities(&octets, &Limits::for_aggregate(), &keys, &context).unwrap();
    assert_same(SIGNED, &aggregate, whole.entities());
    let document = Document::parse(&octets, &Limits::for_aggregate()).unwrap();
    let signature = document.root().child_elements().next();
    let mut canonical = Vec::new();
    let method = Canonicalization::default();
    canonicalize(document.root(), signature, &method, &mut canonical);
    assert!(std::fs::read(&store).unwrap().ends_with(&canonical));
    let again = Aggregate::open(&store, &keys, &context, &policy).unwrap();
    assert_same(SIGNED, &again, whole.entities());

    let text = String::from_utf8(octets.clone()).unwrap();
    for (from, to) in [
        ("validUntil=\"2019", "validUntil=\"2029"),
        ("entityID=\"https", "entityID=\"http"),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(text, edited);
        let error = verify(edited.as_bytes(), &store, &keys, &policy).unwrap_err();
        assert_eq!(error.code(), "signature.digest_mismatch");
    }
    for file in SIGNED_OTHERWISE {
        let octets = read(&vectors.join(file));
        let error = verify(&octets, &store, &own_key(&octets, &provider), &policy).unwrap_err();
        assert_eq!(error.code(), "signature.malformed", "{file}");
    }
}

#[test]
fn a_signature_over_the_whole_document_counts_where_it_may() {
    let Some(vectors) = vectors() else { return };
    let provider = aws_lc_provider();
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("renater");
    let octets = read(&vectors.join("federation/renater/renater-metadata.xml"));
    let keys = own_key(&octets, &provider);
    let now: chrono::DateTime<chrono::Utc> = "2011-05-20T00:00:00Z".parse().unwrap();
    let until = now + chrono::TimeDelta::days(1);
    let sha1 = SignaturePolicy::default().dangerous_allow_sha1(until);
    let both = sha1.clone().dangerous_allow_whole_document(until);
    let fetch = |octets: &[u8], policy: &SignaturePolicy, now| {
        let context = VerificationContext {
            provider: &provider,
            policy,
            now,
        };
        let usual = AggregatePolicy::default();
        let fetched = Aggregate::fetch(octets, &store, None, &keys, &context, &usual);
        let whole = verify_entities(octets, &Limits::for_aggregate(), &keys, &context);
        let code = fetched.as_ref().err().map(AggregateError::code);
        assert_eq!(code, whole.as_ref().err().map(|error| error.code()));
        fetched.map(|aggregate| {
            assert_same("renater", &aggregate, whole.unwrap().entities());
            let again = Aggregate::open(&store, &keys, &context, &usual).unwrap();
            assert_eq!(again.len(), aggregate.len());
        })
    };
    let refused = |octets: &[u8], policy: &SignaturePolicy, now| {
        fetch(octets, policy, now).unwrap_err().code()
    };
    fetch(&octets, &both, now).unwrap();
    assert_eq!(refused(&octets, &sha1, now), "signature.malformed");
    let whole = SignaturePolicy::default().dangerous_allow_whole_document(until);
    assert_eq!(refused(&octets, &whole, now), "signature.algorithm_refused");
    assert_eq!(refused(&octets, &both, until), "signature.malformed");
    // What stands around the root would be signed, too.
    let around = [&octets[..], b"<?x y?>"].concat();
    assert_eq!(refused(&around, &both, now), "signature.malformed");
    let text = String::from_utf8(octets).unwrap();
    let edited = text.replacen("entityID=\"https", "entityID=\"http", 1);
    assert_eq!(
        refused(edited.as_bytes(), &both, now),
        "signature.digest_mismatch"
    );
}

#[test]
fn a232_a_signed_federation_without_end_counts_only_where_none_is_required() {
    let Some(vectors) = vectors() else { return };
    let provider = aws_lc_provider();
    let octets = read(&vectors.join("federation/swamid-legacy/swamid-1.0.xml"));
    let keys = own_key(&octets, &provider);
    let now: chrono::DateTime<chrono::Utc> = "2011-01-01T00:00:00Z".parse().unwrap();
    let until = now + chrono::TimeDelta::days(1);
    let policy = SignaturePolicy::default()
        .dangerous_allow_sha1(until)
        .dangerous_allow_whole_document(until)
        .allow_inclusive_canonicalization();
    let context = VerificationContext {
        provider: &provider,
        policy: &policy,
        now,
    };
    let verify = |octets: &[u8], policy: &AggregatePolicy| {
        let store = Cursor::new(Vec::new());
        let verified = Aggregate::verify(octets, store, &keys, &context, policy);
        verified
            .map(|aggregate| aggregate.len())
            .map_err(|error| error.code())
    };
    assert_eq!(verify(&octets, &any_time()), Ok(175));
    let usual = AggregatePolicy::default();
    assert_eq!(verify(&octets, &usual), Err("metadata.no_valid_until"));
    let text = String::from_utf8(octets).unwrap();
    let edited = text.replacen("entityID=\"https", "entityID=\"http", 1);
    let refused = Err("signature.digest_mismatch");
    assert_eq!(verify(edited.as_bytes(), &any_time()), refused);
}

#[test]
fn a232_an_aggregate_without_end_is_refused() {
    let Some(vectors) = vectors() else { return };
    let file = "federation/swamid-legacy/swamid-1.0.xml";
    let now = "2011-01-01T00:00:00Z".parse().unwrap();
    let parse = |file: &str, policy: &AggregatePolicy| {
        let octets = read(&vectors.join(file));
        Aggregate::parse(Cursor::new(octets), policy, now).map_err(|error| error.code())
    };
    let policy = AggregatePolicy::default();
    assert_eq!(parse(file, &policy).unwrap_err(), "metadata.no_valid_until");
    assert!(parse(file, &any_time()).is_ok());
    // One whose end was edited to lie far away, and one that ends the same year.
    let far = "federation/incommon/InCommon-metadata-export.xml.gz";
    assert_eq!(parse(far, &policy).unwrap_err(), "metadata.valid_too_long");
    let other = "federation/renater/renater-metadata.xml";
    assert_eq!(
        parse(other, &policy).unwrap_err(),
        "metadata.valid_too_long"
    );
}
