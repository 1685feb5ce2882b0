//! Metadata that other projects wrote or test with, read where `FEDERATE_VECTORS` says it lies.
#![allow(clippy::unwrap_used, clippy::panic)]

use federate_crypto::{Certificate, VerifyingKey, aws_lc_provider};
use federate_metadata::{MetadataError, parse_entity, verify_entity};
use federate_xml::{
    Document, Limits, Name, SignaturePolicy, TrustedKeys, VerificationContext, Verified,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The projects whose every metadata document is read.
const PROJECTS: [&str; 12] = [
    "ruby-saml",
    "python3-saml",
    "samlify",
    "itfoxtec",
    "crewjam-saml",
    "node-saml",
    "instructure-saml2",
    "lightsaml",
    "pysaml2",
    "simplesamlphp-saml2",
    "spring-security",
    "sustainsys",
];

/// Documents that are refused, with the code, and why that is right.
const REFUSED: [(&str, &str, &str); 15] = [
    (
        "instructure-saml2/spec/fixtures/algsupport_metadata.xml",
        "xml.not_well_formed",
        "OrganizationName is ended as OrganizationDisplayName; xmllint says so too",
    ),
    (
        "instructure-saml2/spec/fixtures/identity_provider.xml",
        "xml.not_well_formed",
        "a start tag is not finished; xmllint says so too",
    ),
    (
        "instructure-saml2/spec/fixtures/service_provider.xml",
        "xml.not_well_formed",
        "OrganizationName is ended as OrganizationDisplayName; xmllint says so too",
    ),
    (
        "python3-saml/tests/data/metadata/noentity_metadata_settings1.xml",
        "schema.unexpected_root",
        "made to have no EntityDescriptor",
    ),
    (
        "python3-saml/tests/data/metadata/unparsed_metadata.xml",
        "xml.not_well_formed",
        "made not to be well-formed",
    ),
    (
        "samlify/test/misc/multiple_entitydescriptor.xml",
        "xml.not_well_formed",
        "two roots",
    ),
    (
        "samlify/test/misc/sp_metadata_98.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "samlify/test/misc/spmeta.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "samlify/test/misc/spmeta_noassertsign.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "samlify/test/misc/spmeta_noauthnsign.xml",
        "schema.unexpected_root",
        "its elements are in no namespace",
    ),
    (
        "simplesamlphp-saml2/resources/schemas/saml-schema-metadata-2.0.xsd",
        "schema.unexpected_root",
        "the schema itself",
    ),
    (
        "simplesamlphp-saml2/tests/resources/xml/metadata/corrupted-metadata-selfsigned.xml",
        "xml.undeclared_prefix",
        "corrupted on purpose",
    ),
    (
        "sustainsys/src/foss/Tests/Sustainsys.Saml2.Tests/Serialization/SamlXmlReaderTests/\
         ReadEntityDescriptor_ValidatesNamespace.xml",
        "schema.unexpected_root",
        "made to be in another namespace",
    ),
    (
        "pysaml2/tests/metadata.aaitest.xml",
        "xml.limit_exceeded",
        "an aggregate larger than the limits of one entity",
    ),
    (
        "pysaml2/tests/remote_data/metadata.aaitest.xml",
        "xml.limit_exceeded",
        "an aggregate larger than the limits of one entity",
    ),
];

/// What is left out of documents that are read, by the beginning of their path, and why that is
/// right.
const DIAGNOSED: [(&str, &str, &str); 12] = [
    (
        "crewjam-saml/samlsp/testdata/expected_middleware_metadata.xml",
        "metadata.name_id_format_ignored",
        "an empty NameIDFormat",
    ),
    (
        "crewjam-saml/testdata/TestCanProduceMetadata",
        "metadata.endpoint_dropped",
        "a Location that is empty",
    ),
    (
        "crewjam-saml/testdata/TestCanProduceMetadataEntityID_metadata",
        "metadata.name_id_format_ignored",
        "an empty NameIDFormat",
    ),
    (
        "crewjam-saml/testdata/TestSPCanProduceMetadata",
        "metadata.name_id_format_ignored",
        "an empty NameIDFormat",
    ),
    (
        "crewjam-saml/testdata/TestMetadataValidatesUrlScheme",
        "metadata.endpoint_dropped",
        "javascript: as an assertion consumer, CVE-2023-45683",
    ),
    (
        "pysaml2/tests/sp_0.metadata",
        "metadata.endpoint_dropped",
        "a Location that is no URL",
    ),
    (
        "ruby-saml/test/metadata/",
        "metadata.certificate_skipped",
        "a PEM text, in Base64 once more",
    ),
    (
        "ruby-saml/test/metadata/",
        "metadata.key_skipped",
        "of these certificates",
    ),
    (
        "ruby-saml/test/metadata/idp_descriptor_",
        "metadata.cache_duration_ignored",
        "P1DT: a T without a time is not allowed",
    ),
    (
        "samlify/test/misc/idpmeta",
        "metadata.key_skipped",
        "KeyInfo is in the namespace of metadata, where it means nothing",
    ),
    (
        "spring-security/saml2/saml2-service-provider/src/test/resources/test-metadata.xml",
        "metadata.certificate_skipped",
        "a key of an unknown algorithm; openssl does not know it either",
    ),
    (
        "spring-security/saml2/saml2-service-provider/src/test/resources/test-metadata.xml",
        "metadata.key_skipped",
        "of this certificate",
    ),
];

fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("FEDERATE_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: FEDERATE_VECTORS is not set");
    }
    folder
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every document that mentions an entity, by its path below the vectors.
fn documents(vectors: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = Vec::new();
    for project in PROJECTS {
        files(&vectors.join(project), &mut found);
    }
    let documents = found.into_iter().filter_map(|path| {
        let octets = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&octets);
        let is_metadata = text.contains("EntityDescriptor") && text.contains("entityID");
        let name = path.strip_prefix(vectors).unwrap().to_str().unwrap();
        is_metadata.then(|| (name.replace('\\', "/"), octets))
    });
    documents.collect()
}

#[test]
fn every_single_entity_is_read_or_refused_for_a_reason() {
    let Some(vectors) = vectors() else { return };
    let (mut read, mut several, mut refused, mut wrong) = (0, 0, 0, Vec::new());
    for (name, octets) in documents(&vectors) {
        let expected = REFUSED.iter().find(|(path, ..)| *path == name);
        match (parse_entity(&octets, &Limits::default()), expected) {
            (Ok(entity), None) => {
                read += 1;
                for diagnostic in &entity.diagnostics {
                    let known = DIAGNOSED.iter().any(|(path, code, _)| {
                        name.starts_with(path) && *code == diagnostic.code()
                    });
                    if !known {
                        wrong.push(format!("{name}: {diagnostic}"));
                    }
                }
                let mut expected = entity;
                expected.diagnostics.clear();
                let again = parse_entity(&expected.to_xml(), &Limits::default()).unwrap();
                assert_eq!(again, expected, "{name}");
            }
            (Err(MetadataError::NotOneEntity { found }), None) if found > 1 => several += 1,
            (Err(error), Some((_, code, _))) if error.code() == *code => refused += 1,
            (Ok(_), Some(_)) => wrong.push(format!("{name}: read, but listed as refused")),
            (Err(error), _) => wrong.push(format!("{name}: {} {error}", error.code())),
        }
    }
    println!("{read} read, {several} of several entities, {refused} refused as listed");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(refused, REFUSED.len());
}

/// The certificate in the document's own signature: for these tests the configured one.
fn own_certificate(octets: &[u8]) -> Certificate {
    let document = Document::parse(octets, &Limits::default()).unwrap();
    let path = ["Signature", "KeyInfo", "X509Data", "X509Certificate"];
    let element = path.iter().fold(document.root(), |element, local| {
        let mut inside = element.child_elements();
        inside.find(|child| child.is(Name::ds(local))).unwrap()
    });
    Certificate::from_base64(&element.text().unwrap()).unwrap()
}

fn verify(
    octets: &[u8],
    certificate: &Certificate,
    policy: &SignaturePolicy,
) -> Result<Verified<federate_metadata::EntityDescriptor>, MetadataError> {
    let provider = aws_lc_provider();
    let key = VerifyingKey::new(&provider, certificate.public_key().clone()).unwrap();
    let context = VerificationContext {
        provider: &provider,
        policy,
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    verify_entity(
        octets,
        &Limits::default(),
        &TrustedKeys::from(key),
        &context,
    )
}

#[test]
fn a230_signed_metadata_verifies_and_other_does_not() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("simplesamlphp-saml2/tests/resources/xml/metadata");
    let document = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let until = "2027-01-01T00:00:00Z".parse().unwrap();
    let legacy = SignaturePolicy::default()
        .dangerous_allow_sha1(until)
        .dangerous_allow_rsa_1024(until);
    let mut certificates = Vec::new();
    for name in [
        "valid-metadata-selfsigned.xml",
        "valid-metadata-ca-signed.xml",
    ] {
        let octets = document(name);
        let certificate = own_certificate(&octets);
        let entity = verify(&octets, &certificate, &legacy).unwrap();
        assert!(entity.idp.is_some(), "{name}");
        // All of these are signed with SHA-1.
        let error = verify(&octets, &certificate, &SignaturePolicy::default()).unwrap_err();
        assert_eq!(error.code(), "signature.algorithm_refused");
        certificates.push((octets, certificate));
    }
    let [(first, one), (second, other)] = &certificates[..] else {
        panic!("two documents");
    };
    for (octets, wrong) in [(first, other), (second, one)] {
        let error = verify(octets, wrong, &legacy).unwrap_err();
        assert!(error.code().starts_with("signature."), "{}", error.code());
    }
    let unsigned = verify(&document("unsigned-metadata.xml"), one, &legacy).unwrap_err();
    assert_eq!(unsigned.code(), "signature.missing");

    let expired = document("expired-metadata.xml");
    let expired = parse_entity(&expired, &Limits::default()).unwrap();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(expired.idp_at(now).unwrap_err().code(), "metadata.expired");
}
