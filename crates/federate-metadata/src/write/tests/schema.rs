//! What we write is valid by the schema of `[SAMLMeta]`, as xmllint sees it.

use crate::testing::*;
use crate::{Endpoint, EntityDescriptor, IdpDescriptor, IndexedEndpoint, SpDescriptor};
use federate_types::{Binding, EntityId, MessageId};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const SCHEMA: &str = "saml-schema-metadata-2.0.xsd";

/// A schema that xmllint can load without the network, and the catalog it needs.
struct Schema {
    path: PathBuf,
    catalog: Option<tempfile::NamedTempFile>,
}

/// The schemas of SimpleSAMLphp among the vectors, which refer to each other by file; or those
/// of the Debian packages opensaml-schemas and xmltooling-schemas, which refer to the web, and
/// whose own catalogs are for another parser.
fn schema() -> Option<Schema> {
    if let Some(vectors) = std::env::var_os("FEDERATE_VECTORS") {
        let folder = Path::new(&vectors).join("simplesamlphp-saml2/resources/schemas");
        let path = folder.join(SCHEMA);
        if path.exists() {
            return Some(Schema {
                path,
                catalog: None,
            });
        }
    }
    let path = Path::new("/usr/share/xml/opensaml").join(SCHEMA);
    let imports = Path::new("/usr/share/xml/xmltooling");
    if !path.exists() || !imports.exists() {
        return None;
    }
    let mut catalog = tempfile::NamedTempFile::new().unwrap();
    writeln!(
        catalog,
        "<catalog xmlns=\"urn:oasis:names:tc:entity:xmlns:xml:catalog\">"
    )
    .unwrap();
    for (uri, file) in [
        (
            "http://www.w3.org/TR/2002/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd",
            "xmldsig-core-schema.xsd",
        ),
        (
            "http://www.w3.org/TR/2002/REC-xmlenc-core-20021210/xenc-schema.xsd",
            "xenc-schema.xsd",
        ),
        ("http://www.w3.org/2001/xml.xsd", "xml.xsd"),
    ] {
        let file = imports.join(file);
        writeln!(
            catalog,
            "<system systemId=\"{uri}\" uri=\"{}\"/>",
            file.display()
        )
        .unwrap();
    }
    writeln!(catalog, "</catalog>").unwrap();
    catalog.flush().unwrap();
    Some(Schema {
        path,
        catalog: Some(catalog),
    })
}

impl Schema {
    /// What xmllint has to say against the document.
    fn complaints(&self, octets: &[u8]) -> String {
        let mut document = tempfile::NamedTempFile::new().unwrap();
        document.write_all(octets).unwrap();
        document.flush().unwrap();
        let mut xmllint = Command::new("xmllint");
        if let Some(catalog) = &self.catalog {
            xmllint.env("XML_CATALOG_FILES", catalog.path());
        }
        let output = xmllint
            .args(["--nonet", "--noout", "--schema"])
            .args([&self.path, &document.path().to_owned()])
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
