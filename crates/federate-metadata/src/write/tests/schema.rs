//! What we write is valid by the schema of `[SAMLMeta]`, as xmllint sees it.

use crate::testing::*;
use crate::{
    AffiliationDescriptor, Endpoint, EntitiesDescriptor, EntityDescriptor, GroupMember,
    IdpDescriptor, IndexedEndpoint, SpDescriptor,
};
use federate_types::{Binding, EntityId, MessageId};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// The schemas of metadata and of what extends it, by file.
const SCHEMAS: [(&str, &str); 8] = [
    (
        "urn:oasis:names:tc:SAML:2.0:metadata",
        "saml-schema-metadata-2.0.xsd",
    ),
    (
        "urn:oasis:names:tc:SAML:metadata:ui",
        "sstc-saml-metadata-ui-v1.0.xsd",
    ),
    (
        "urn:oasis:names:tc:SAML:metadata:rpi",
        "saml-metadata-rpi-v1.0.xsd",
    ),
    (
        "urn:oasis:names:tc:SAML:metadata:attribute",
        "sstc-metadata-attr.xsd",
    ),
    (
        "urn:oasis:names:tc:SAML:metadata:algsupport",
        "sstc-saml-metadata-algsupport-v1.0.xsd",
    ),
    (
        "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol",
        "sstc-saml-idp-discovery.xsd",
    ),
    (
        "urn:oasis:names:tc:SAML:profiles:SSO:request-init",
        "sstc-request-initiation.xsd",
    ),
    (
        "urn:mace:shibboleth:metadata:1.0",
        "sstc-saml-metadata-shibmd-v1.0.xsd",
    ),
];

/// What those schemas ask of documents, but do not declare: a role of a kind of its own.
const ROLES: &str = "<complexType name=\"RoleType\"><complexContent>\
     <extension base=\"md:RoleDescriptorType\"/></complexContent></complexType>";
/// And what XML Encryption 1.1 added.
const MGF: &str = "<element name=\"MGF\"><complexType>\
     <attribute name=\"Algorithm\" type=\"anyURI\" use=\"required\"/></complexType></element>";

/// The addresses of schemas that the Debian packages refer to, and the files.
const ON_THE_WEB: [(&str, &str); 3] = [
    (
        "http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd",
        "xmldsig-core-schema.xsd",
    ),
    (
        "http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd",
        "xenc-schema.xsd",
    ),
    ("http://www.w3.org/2001/xml.xsd", "xml.xsd"),
];

/// A schema that xmllint can load without the network.
struct Schema {
    folder: tempfile::TempDir,
}

/// The schemas of SimpleSAMLphp among the vectors, which refer to each other by file; or those
/// of the Debian packages opensaml-schemas and xmltooling-schemas, which refer to the web, and
/// whose own catalogs are for another parser.
fn schema() -> Option<Schema> {
    let vectors = std::env::var_os("FEDERATE_VECTORS");
    let vectors =
        vectors.map(|path| Path::new(&path).join("simplesamlphp-saml2/resources/schemas"));
    let debian = Path::new("/usr/share/xml/opensaml").to_owned();
    let [(_, metadata), ..] = SCHEMAS;
    let path = vectors
        .into_iter()
        .chain([debian])
        .find(|path| path.join(metadata).exists())?;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let start = "<schema xmlns=\"http://www.w3.org/2001/XMLSchema\"";
    let import = |namespace: &str, file: &Path| {
        format!(
            "<import namespace=\"{namespace}\" schemaLocation=\"{}\"/>",
            file.display()
        )
    };
    let known = SCHEMAS
        .iter()
        .map(|(namespace, file)| (namespace, path.join(file)))
        .filter(|(_, file)| file.exists());
    let mut imports: String = known
        .map(|(namespace, file)| import(namespace, &file))
        .collect();
    let xenc11 = "http://www.w3.org/2009/xmlenc11#";
    imports += &import("urn:x:roles", Path::new("roles.xsd"));
    imports += &import(xenc11, Path::new("xenc11.xsd"));
    write("all.xsd", &format!("{start}>{imports}</schema>"));
    let (md, file) = (SCHEMAS[0].0, path.join(metadata));
    let roles = import(md, &file) + ROLES;
    let start_roles = format!("{start} xmlns:md=\"{md}\" targetNamespace=\"urn:x:roles\"");
    write("roles.xsd", &format!("{start_roles}>{roles}</schema>"));
    let start_mgf = format!("{start} targetNamespace=\"{xenc11}\"");
    write("xenc11.xsd", &format!("{start_mgf}>{MGF}</schema>"));
    let system = |(uri, file)| {
        let file = Path::new("/usr/share/xml/xmltooling").join::<&str>(file);
        format!("<system systemId=\"{uri}\" uri=\"{}\"/>", file.display())
    };
    let files: String = ON_THE_WEB.map(system).concat();
    let catalog = "<catalog xmlns=\"urn:oasis:names:tc:entity:xmlns:xml:catalog\">";
    write("catalog.xml", &format!("{catalog}{files}</catalog>"));
    Some(Schema { folder })
}

impl Schema {
    /// What xmllint has to say against the document.
    fn complaints(&self, octets: &[u8]) -> String {
        let mut document = tempfile::NamedTempFile::new().unwrap();
        document.write_all(octets).unwrap();
        document.flush().unwrap();
        let folder = self.folder.path();
        let output = Command::new("xmllint")
            .env("XML_CATALOG_FILES", folder.join("catalog.xml"))
            .args(["--nonet", "--noout", "--schema"])
            .args([&folder.join("all.xsd"), &document.path().to_owned()])
            .output()
            .unwrap();
        match output.status.success() {
            true => String::new(),
            false => String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

#[test]
fn what_is_written_is_valid_by_the_schema() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("skipped: xmllint is not installed");
        return;
    }
    let Some(schema) = schema() else {
        println!("skipped: no schema; set FEDERATE_VECTORS or install xmltooling-schemas");
        return;
    };
    let id = MessageId::new("_signed").unwrap();
    for octets in [
        everything().to_xml(),
        everything().to_signed_xml(&signer(0), &id).unwrap(),
        smallest().to_xml(),
        affiliation().to_xml(),
        group().to_xml(),
        group().to_signed_xml(&signer(0), &id).unwrap(),
    ] {
        assert_eq!(schema.complaints(&octets), "");
    }
    // And xmllint does look: an SP without a consumer is invalid.
    let mut bad = smallest();
    bad.sp = Some(SpDescriptor::default());
    assert!(
        schema
            .complaints(&bad.to_xml())
            .contains("AssertionConsumerService")
    );
    // And it knows the extensions: no picture is nothing high.
    let mut bad = everything();
    let extensions = &mut bad.idp.as_mut().unwrap().details.extensions;
    extensions.ui_info.as_mut().unwrap().logos[0].height = 0;
    assert!(schema.complaints(&bad.to_xml()).contains("height"));
}

fn affiliation() -> EntityDescriptor {
    let id = |id: &str| EntityId::new(id).unwrap();
    let mut affiliation = AffiliationDescriptor::new(id("https://a.example"));
    affiliation.members = vec![id("https://b.example"), id("https://c.example")];
    affiliation.keys = everything().idp.unwrap().keys;
    affiliation.extensions = everything().extensions;
    affiliation.valid_until = Some(at("2026-12-31T00:00:00Z"));
    EntityDescriptor {
        affiliation: Some(Box::new(affiliation)),
        ..EntityDescriptor::new(id("https://a.example/group"))
    }
}

fn group() -> EntitiesDescriptor {
    let inner = EntitiesDescriptor {
        members: vec![GroupMember::Entity(Box::new(smallest()))],
        ..EntitiesDescriptor::default()
    };
    EntitiesDescriptor {
        id: Some(MessageId::new("_group").unwrap()),
        name: Some("urn:x:group".into()),
        valid_until: Some(at("2026-12-31T00:00:00Z")),
        cache_duration: Some(chrono::TimeDelta::hours(6)),
        extensions: everything().idp.unwrap().details.extensions,
        members: vec![
            GroupMember::Entity(Box::new(everything())),
            GroupMember::Group(Box::new(inner)),
        ],
        ..EntitiesDescriptor::default()
    }
}

fn smallest() -> EntityDescriptor {
    let post = Endpoint::new(Binding::HttpPost, location("https://a.example/"));
    EntityDescriptor {
        idp: Some(IdpDescriptor {
            single_sign_on: vec![post.clone()],
            ..IdpDescriptor::default()
        }),
        sp: Some(SpDescriptor {
            assertion_consumer: vec![IndexedEndpoint::new(0, post)],
            ..SpDescriptor::default()
        }),
        ..EntityDescriptor::new(EntityId::new("https://a.example").unwrap())
    }
}
