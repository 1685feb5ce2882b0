//! Real federations, read where `FEDERATE_VECTORS` says they lie: every entity of them is read
//! or skipped for a reason, and reads the same when it is written.
#![allow(clippy::unwrap_used, clippy::panic)]

use federate_crypto::{Certificate, CryptoProvider, VerifyingKey, aws_lc_provider};
use federate_metadata::{
    EntitiesDescriptor, EntityDescriptor, parse_entities, parse_entity, verify_entities,
};
use federate_xml::{Document, Limits, Name, SignaturePolicy, TrustedKeys, VerificationContext};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

/// An aggregate and what is in it.
struct Federation {
    file: &'static str,
    entities: usize,
    idps: usize,
    sps: usize,
    /// How often something was left out or read leniently, by code.
    diagnosed: &'static [(&'static str, usize)],
}

const FEDERATIONS: [Federation; 5] = [
    Federation {
        file: "edugain/edugain-trustinfo-2.0.xml.gz",
        entities: 9509,
        idps: 5403,
        sps: 4125,
        diagnosed: &[
            // Two entities number their consumers and artifact services from 1 for each
            // binding; requests that name a number get the first.
            ("metadata.duplicate_index", 9),
            // OrganizationURL without a scheme (8), and with three slashes (2); PrivacyStatementURL with letters that are no ASCII (6); and a second
            // RegistrationInfo. All of them are for people.
            ("metadata.element_ignored", 17),
            // Attribute authorities of SAML 1.1 (958) and one such service provider.
            ("metadata.protocol_not_supported", 959),
            // "One label of letters and digits, then the domain", and "up to two labels": three
            // of the seven regular expressions among 12,561 scopes.
            ("metadata.scope_not_supported", 3),
            // Two service providers mark two consumers as the default.
            ("metadata.several_defaults", 2),
        ],
    },
    Federation {
        file: "edugain/wayf-edugain-metadata.xml",
        entities: 77,
        idps: 61,
        sps: 16,
        diagnosed: &[],
    },
    Federation {
        file: "incommon/InCommon-metadata-export.xml.gz",
        entities: 1484,
        idps: 512,
        sps: 972,
        // Attribute authorities of SAML 1.1.
        diagnosed: &[("metadata.protocol_not_supported", 107)],
    },
    Federation {
        file: "renater/renater-metadata.xml",
        entities: 286,
        idps: 111,
        sps: 140,
        diagnosed: &[
            // Two service providers number two consumers alike.
            ("metadata.duplicate_index", 2),
            // Chains with the certificate of the authority that issued the entity's own.
            ("metadata.issuer_certificate_skipped", 22),
            // Roles of SAML 1.1: those of 2011.
            ("metadata.protocol_not_supported", 86),
        ],
    },
    Federation {
        file: "swamid-legacy/swamid-1.0.xml",
        entities: 175,
        idps: 36,
        sps: 108,
        diagnosed: &[
            // Keys of 512 bits, which anybody can break; each was alone in its descriptor.
            ("metadata.certificate_skipped", 2),
            ("metadata.key_skipped", 2),
            // Addresses for discovery services that are all numbered 1.
            ("metadata.duplicate_index", 19),
            // Such an address that is none.
            ("metadata.endpoint_dropped", 1),
            // Roles of SAML 1.1.
            ("metadata.protocol_not_supported", 33),
        ],
    },
];

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

fn diagnosed(group: &EntitiesDescriptor) -> BTreeMap<&'static str, usize> {
    let entities = group.entities().flat_map(|entity| &entity.diagnostics);
    let mut codes = BTreeMap::new();
    for diagnostic in group.diagnostics.iter().chain(entities) {
        *codes.entry(diagnostic.code()).or_insert(0) += 1;
    }
    codes
}

/// What an entity says, without what was diagnosed.
fn said(entity: &EntityDescriptor) -> EntityDescriptor {
    let mut said = entity.clone();
    said.diagnostics.clear();
    said
}

#[test]
fn every_entity_of_federations_is_read() {
    let Some(vectors) = std::env::var_os("FEDERATE_VECTORS") else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    for federation in FEDERATIONS {
        let octets = read(&Path::new(&vectors).join("federation").join(federation.file));
        let start = Instant::now();
        let group = parse_entities(&octets, &Limits::for_aggregate()).unwrap();
        let parsed = start.elapsed();
        let count = |is: fn(&EntityDescriptor) -> bool| {
            group.entities().filter(|entity| is(entity)).count()
        };
        let found = (
            count(|_| true),
            count(|entity| entity.idp.is_some()),
            count(|entity| entity.sp.is_some()),
        );
        let start = Instant::now();
        for entity in group.entities() {
            let again = parse_entity(&entity.to_xml(), &Limits::default()).unwrap();
            assert_eq!(said(&again), said(entity), "{}", entity.entity_id);
        }
        println!(
            "{}: {} octets, {} entities: read in {parsed:?}, written and read again in {:?}",
            federation.file,
            octets.len(),
            found.0,
            start.elapsed()
        );
        let expected = (federation.entities, federation.idps, federation.sps);
        assert_eq!(found, expected, "{}", federation.file);
        let expected = federation.diagnosed.iter().copied().collect();
        assert_eq!(diagnosed(&group), expected, "{}", federation.file);
    }
}

/// A signed aggregate.
const SIGNED: &str = "federation/edugain/wayf-edugain-metadata.xml";

/// Aggregates whose signatures refer to "the whole document": of before 2012. [SAMLMeta] 3.1
/// wants them to refer to the element that is signed by its ID, and these have none.
const SIGNED_OTHERWISE: [&str; 3] = [
    "federation/renater/renater-metadata.xml",
    "federation/swamid-legacy/swamid-1.0.xml",
    "opensaml-java/opensaml-xmlsec-impl/src/test/resources/org/opensaml/xmlsec/signature/\
     support/InCommon-metadata.xml",
];

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

#[test]
fn a230_a231_a_signed_federation_verifies_unless_it_was_edited() {
    let Some(vectors) = std::env::var_os("FEDERATE_VECTORS") else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let provider = aws_lc_provider();
    let document = |file: &str| read(&Path::new(&vectors).join(file));
    let octets = document(SIGNED);
    let keys = own_key(&octets, &provider);
    let verify = |octets: &[u8]| {
        let context = VerificationContext {
            provider: &provider,
            policy: &SignaturePolicy::default(),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        verify_entities(octets, &Limits::for_aggregate(), &keys, &context)
    };
    let group = verify(&octets).unwrap().into_inner();
    let read = parse_entities(&octets, &Limits::for_aggregate()).unwrap();
    assert_eq!(group, read);
    assert!(!group.is_valid_at("2026-01-01T00:00:00Z".parse().unwrap()));
    let text = String::from_utf8(octets).unwrap();
    for (from, to) in [
        ("validUntil=\"2019", "validUntil=\"2029"),
        ("entityID=\"https", "entityID=\"http"),
    ] {
        let edited = text.replacen(from, to, 1);
        assert_ne!(text, edited);
        let error = verify(edited.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "signature.digest_mismatch");
    }
    for file in SIGNED_OTHERWISE {
        let error = verify(&document(file)).unwrap_err();
        assert_eq!(error.code(), "signature.malformed", "{file}");
    }
}
