//! Metadata that other projects wrote or test with, read where `FEDERATE_VECTORS` says it lies.
#![allow(clippy::unwrap_used, clippy::panic)]

use federate_crypto::{Certificate, VerifyingKey, aws_lc_provider};
use federate_metadata::{
    EntitiesDescriptor, MetadataError, parse_entities, parse_entity, verify_entity,
};
use federate_xml::{
    Document, Limits, Name, SignaturePolicy, TrustedKeys, VerificationContext, Verified,
};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

#[path = "vectors/lists.rs"]
mod lists;

use lists::{DIAGNOSED, PROJECTS, REFUSED};

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

/// Every document that mentions an entity, by its path below the vectors; not those that only
/// describe how documents look or change.
fn documents(vectors: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = Vec::new();
    for project in PROJECTS {
        files(&vectors.join(project), &mut found);
    }
    let documents = found.into_iter().filter_map(|path| {
        let octets = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&octets);
        let other = [".xsl", ".xsd"]
            .iter()
            .any(|end| path.to_string_lossy().ends_with(end));
        let is_metadata = !other && text.contains("EntityDescriptor") && text.contains("entityID");
        let name = path.strip_prefix(vectors).unwrap().to_str().unwrap();
        is_metadata.then(|| (name.replace('\\', "/"), octets))
    });
    documents.collect()
}

/// What is wrong with what was read of a document.
fn judge(name: &str, read: &EntitiesDescriptor, used: &mut HashSet<usize>) -> Vec<String> {
    let mut wrong = Vec::new();
    let entities = read.entities().flat_map(|entity| &entity.diagnostics);
    for diagnostic in read.diagnostics.iter().chain(entities) {
        let known = DIAGNOSED
            .iter()
            .position(|(path, code, _)| name.starts_with(path) && *code == diagnostic.code());
        match known {
            Some(number) => drop(used.insert(number)),
            None => wrong.push(format!("{name}: {} {diagnostic}", diagnostic.code())),
        }
    }
    for entity in read.entities() {
        let again = parse_entity(&entity.to_xml(), &Limits::default()).unwrap();
        let (mut again, mut entity) = (again, entity.clone());
        again.diagnostics.clear();
        entity.diagnostics.clear();
        if again != entity {
            wrong.push(format!("{name}: reads differently when it is written"));
        }
    }
    wrong
}

#[test]
fn every_document_is_read_or_refused_for_a_reason() {
    let Some(vectors) = vectors() else { return };
    let (mut one, mut several, mut inside, mut wrong) = (0, 0, 0, Vec::new());
    let (mut refused, mut diagnosed) = (BTreeMap::new(), HashSet::new());
    for (name, octets) in documents(&vectors) {
        let expected = REFUSED.iter().find(|(path, ..)| name.starts_with(path));
        match (parse_entity(&octets, &Limits::default()), expected) {
            (Ok(_), Some(_)) => wrong.push(format!("{name}: read, but listed as refused")),
            (Ok(_), None) => one += 1,
            (Err(MetadataError::NotOneEntity { found }), None) if found > 1 => several += 1,
            (Err(error), Some((path, code, _))) if error.code() == *code => {
                *refused.entry(path).or_insert(0) += 1;
            }
            (Err(error), _) => wrong.push(format!("{name}: {} {error}", error.code())),
        }
        match parse_entities(&octets, &Limits::for_aggregate()) {
            Ok(group) => {
                inside += group.entities().count();
                wrong.extend(judge(&name, &group, &mut diagnosed));
            }
            Err(_) if expected.is_some() => {}
            Err(error) => wrong.push(format!("{name}: as a group: {error}")),
        }
    }
    let listed: usize = refused.values().sum();
    println!("{one} documents of one entity, {several} of several, {listed} refused as listed");
    println!("{inside} entities");
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Nothing is listed in vain.
    assert_eq!(refused.len(), REFUSED.len());
    let unused: Vec<_> = (0..)
        .zip(DIAGNOSED)
        .filter(|(n, _)| !diagnosed.contains(n))
        .collect();
    assert!(unused.is_empty(), "{unused:#?}");
}

/// Elements of extensions by their file, and whether we know them.
const EXTENSIONS: [(&str, bool); 13] = [
    ("alg_DigestMethod", true),
    ("alg_SigningMethod", true),
    ("emd_RepublishRequest", false),
    ("idpdisc_DiscoveryResponse", true),
    ("init_RequestInitiator", true),
    ("mdattr_EntityAttributes", true),
    ("mdrpi_PublicationInfo", true),
    ("mdrpi_PublicationPath", true),
    ("mdrpi_RegistrationInfo", true),
    ("mdui_DiscoHints", true),
    ("mdui_UIInfo", true),
    ("shibmd_KeyAuthority", false),
    ("shibmd_Scope", true),
];

#[test]
fn every_kind_of_element_is_read_and_written() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("simplesamlphp-saml2/tests/resources/xml");
    let text = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name).with_extension("xml")).unwrap();
        match text.split_once("?>") {
            Some((_, element)) => element.to_owned(),
            None => text,
        }
    };
    let entity = |inside: &str| {
        let document = format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             entityID=\"a\">{inside}</md:EntityDescriptor>"
        );
        parse_entity(document.as_bytes(), &Limits::default()).unwrap()
    };
    let mut read = Vec::new();
    for (name, known) in EXTENSIONS {
        let entity = entity(&format!("<md:Extensions>{}</md:Extensions>", text(name)));
        assert!(!entity.extensions.is_empty(), "{name}");
        assert_eq!(entity.extensions.other.is_empty(), known, "{name}");
        read.push((name, entity));
    }
    for name in [
        "md_AdditionalMetadataLocation",
        "md_AffiliationDescriptor",
        "md_AttributeAuthorityDescriptor",
        "md_AuthnAuthorityDescriptor",
        "md_ContactPerson",
        "md_IDPSSODescriptor",
        "md_Organization",
        "md_PDPDescriptor",
        "md_RoleDescriptor",
        "md_SPSSODescriptor",
    ] {
        let found = entity(&text(name));
        assert_ne!(found, entity(""), "{name}");
        read.push((name, found));
    }
    for (name, mut entity) in read {
        let again = parse_entity(&entity.to_xml(), &Limits::default()).unwrap();
        for diagnostic in &entity.diagnostics {
            println!("{name}: {diagnostic}");
        }
        entity.diagnostics.clear();
        assert_eq!(again, entity, "{name}");
    }
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
