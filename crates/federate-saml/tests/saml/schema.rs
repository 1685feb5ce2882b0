//! Everything that we write is valid by the OASIS schemas, judged by xmllint.

use crate::support::*;
use federate_saml::binding::soap::Envelope;
use federate_saml::ecp::{ECP_RELAY_STATE, ECP_REQUEST, ECP_RESPONSE, PAOS_REQUEST, PAOS_RESPONSE};
use federate_saml::{
    Attribute, AttributeValue, AuthnRequest, Message, Response, issue_failure, signed_xml,
    unsigned_xml,
};
use federate_types::{NameId, NameIdFormat, ProxyRestriction, Status, StatusCode};
use federate_xml::{Canonicalization, Limits, canonicalize};
use std::path::{Path, PathBuf};
use std::process::Command;

const SCHEMA: &str = "saml-schema-protocol-2.0.xsd";
/// Debian's opensaml-schemas.
const DEBIAN: &str = "/usr/share/xml/opensaml";
/// Debian's xmltooling-schemas: XML Signature and XML Encryption.
const IMPORTED: &str = "/usr/share/xml/xmltooling";

/// Says why a test of another's software did not run; a failure where it must be there.
pub(crate) fn skipped(why: &str) {
    let required = std::env::var_os("FEDERATE_REQUIRE_PEERS").is_some_and(|v| v == "1");
    assert!(!required, "{why}");
    println!("skipped: {why}");
}

struct Judge {
    directory: tempfile::TempDir,
    schema: PathBuf,
}

impl Judge {
    /// The schemas of SimpleSAMLphp among the vectors, which refer to each other by file; or
    /// those of the Debian packages opensaml-schemas and xmltooling-schemas, which refer to
    /// the web, with a catalog that maps the web to files.
    fn new(name: &str) -> Result<Self, String> {
        let xmllint = Command::new("xmllint").arg("--version").output();
        xmllint.map_err(|_| "xmllint is not installed")?;
        let directory = tempfile::tempdir().unwrap();
        let vectors = std::env::var_os("FEDERATE_VECTORS").unwrap_or_default();
        let ours = Path::new(&vectors).join("simplesamlphp-saml2/resources/schemas");
        let mut schema = Path::new(DEBIAN).join(name);
        if ours.join(name).exists() {
            schema = ours.join(name);
        } else if !schema.exists() {
            return Err("opensaml-schemas is not installed".to_owned());
        } else if !Path::new(IMPORTED).exists() {
            return Err("xmltooling-schemas is not installed".to_owned());
        }
        let web = "http://www.w3.org/TR/2002";
        let catalog = format!(
            "<catalog xmlns=\"urn:oasis:names:tc:entity:xmlns:xml:catalog\">\
             <system systemId=\"{web}/REC-xmldsig-core-20020212/xmldsig-core-schema.xsd\" \
             uri=\"file://{IMPORTED}/xmldsig-core-schema.xsd\"/>\
             <system systemId=\"{web}/REC-xmlenc-core-20021210/xenc-schema.xsd\" \
             uri=\"file://{IMPORTED}/xenc-schema.xsd\"/>\
             <system systemId=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             uri=\"file://{IMPORTED}/soap-envelope.xsd\"/></catalog>"
        );
        std::fs::write(directory.path().join("catalog.xml"), catalog).unwrap();
        Ok(Self { directory, schema })
    }

    /// What xmllint says: nothing if the document is valid.
    fn complaint(&self, xml: &[u8]) -> Option<String> {
        let file = self.directory.path().join("message.xml");
        std::fs::write(&file, xml).unwrap();
        let output = Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .arg(&self.schema)
            .arg(&file)
            .env(
                "XML_CATALOG_FILES",
                self.directory.path().join("catalog.xml"),
            )
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (!output.status.success()).then_some(said)
    }

    #[track_caller]
    fn valid(&self, xml: &[u8]) {
        if let Some(said) = self.complaint(xml) {
            panic!("{said}\n{}", String::from_utf8_lossy(xml));
        }
    }

    #[track_caller]
    fn valid_message(&self, message: &impl Message) {
        self.valid(&unsigned_xml(message));
        self.valid(&signed_xml(message, &signer()).unwrap());
    }
}

/// Runs with xmllint and the schemas, or says why not.
fn judged(test: impl FnOnce(&Judge)) {
    judged_by(SCHEMA, test);
}

fn judged_by(schema: &str, test: impl FnOnce(&Judge)) {
    match Judge::new(schema) {
        Ok(judge) => test(&judge),
        Err(why) => skipped(&why),
    }
}

/// The judge refuses what is not valid: it has read the schemas.
#[test]
fn the_judge_judges() {
    judged(|judge| {
        let xml = honest(PARTS[2]).xml();
        judge.valid(xml.as_bytes());
        for (from, to) in [
            (" Version=\"2.0\"", ""),
            ("<ds:SignedInfo>", "<ds:SignedInf>"),
            (
                "</saml:Subject>",
                "</saml:Subject><saml:Subject></saml:Subject>",
            ),
        ] {
            assert!(judge.complaint(swap(&xml, from, to).as_bytes()).is_some());
        }
    });
}

/// Responses with every part signed, with every kind of attribute and of name; failures.
#[test]
fn responses_are_valid() {
    judged(|judge| {
        for part in PARTS {
            let mut message = honest(part);
            judge.valid(message.xml().as_bytes());
            let subject = message.assertion.subject.as_mut().unwrap();
            let mut name_id = NameId::new("é<&>\"'", Some(NameIdFormat::Persistent)).unwrap();
            name_id.name_qualifier = Some(entity(IDP));
            name_id.sp_name_qualifier = Some(entity(SP));
            subject.name_id = Some(name_id.clone());
            let mut structured = Attribute::new("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", [""; 0]);
            structured.values = vec![AttributeValue::NameId(name_id)];
            structured.friendly_name = Some("eduPersonTargetedID".to_owned());
            message.assertion.attributes = vec![
                Attribute::new("empty", [""; 0]),
                Attribute::new("first name", ["", "é", "<b>&amp;</b>", "]]>"]),
                structured,
            ];
            let conditions = message.assertion.conditions.as_mut().unwrap();
            conditions.one_time_use = true;
            conditions.proxy_restriction = Some(ProxyRestriction {
                count: Some(1),
                audiences: vec!["urn:x".to_owned()],
            });
            judge.valid(message.xml().as_bytes());
            let conditions = message.assertion.conditions.as_mut().unwrap();
            conditions.proxy_restriction = Some(ProxyRestriction::default());
            judge.valid(message.xml().as_bytes());
            message.assertion.attributes.clear();
            judge.valid(message.xml().as_bytes());
        }
        let mut status = Status::with_subcode(StatusCode::Responder, StatusCode::NoPassive);
        status.message = Some("é<&>".to_owned());
        let failure = Response {
            status,
            ..honest(PARTS[0]).response
        };
        judge.valid(&issue_failure(&failure, &signer()).unwrap());
    });
}

/// Requests with nothing and with everything in them.
#[test]
fn requests_are_valid() {
    judged(|judge| {
        judge.valid_message(&AuthnRequest::new(id("_request"), now(), entity(SP)));
        let full = crate::requests::full();
        judge.valid_message(&full);
        judge.valid_message(&AuthnRequest {
            assertion_consumer_service_url: None,
            assertion_consumer_service_index: Some(65535),
            protocol_binding: None,
            ..full
        });
    });
}

/// Logout messages, with all that is optional and without.
#[test]
fn logout_messages_are_valid() {
    judged(|judge| {
        let mut request = crate::logout::request();
        judge.valid_message(&request);
        request.session_indexes.clear();
        (request.destination, request.reason) = (None, None);
        (request.not_on_or_after, request.issuer) = (None, None);
        judge.valid_message(&request);
        let mut response = crate::logout::response();
        judge.valid_message(&response);
        response.status = Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout);
        (response.destination, response.in_response_to) = (None, None);
        judge.valid_message(&response);
    });
}

/// The two messages by which an artifact is resolved, with and without a message inside.
#[test]
fn artifact_messages_are_valid() {
    judged(|judge| {
        let mut resolve = crate::artifact::resolve();
        judge.valid_message(&resolve);
        (resolve.destination, resolve.issuer) = (None, None);
        judge.valid_message(&resolve);
        judge.valid_message(&crate::artifact::response(None));
        for part in PARTS {
            let message = honest(part).xml();
            judge.valid_message(&crate::artifact::response(Some(&message)));
        }
    });
}

/// Messages that say something in other vocabularies, too.
#[test]
fn messages_with_extensions_are_valid() {
    judged(|judge| {
        let mut request = crate::requests::full();
        request.extensions = crate::extensions::some();
        judge.valid_message(&request);
        let mut request = crate::logout::request();
        request.set_asynchronous();
        judge.valid_message(&request);
        let mut response = crate::logout::response();
        response.extensions = crate::extensions::some();
        judge.valid_message(&response);
        let mut resolve = crate::artifact::resolve();
        resolve.extensions = crate::extensions::some();
        judge.valid_message(&resolve);
        let message = honest(PARTS[2]).xml();
        let mut response = crate::artifact::response(Some(&message));
        response.extensions = crate::extensions::some();
        judge.valid_message(&response);
        let mut response = honest(PARTS[0]).response;
        response.extensions = crate::extensions::some();
        judge.valid(&issue_failure(&response, &signer()).unwrap());
    });
}

/// The header blocks of the ECP profile, each by itself.
#[test]
fn ecp_header_blocks_are_valid() {
    judged_by("saml-schema-ecp-2.0.xsd", |judge| {
        let response = honest(PARTS[2]).xml();
        let to_client = crate::ecp::to_client(crate::support::ACS, response.as_bytes());
        let brought =
            crate::ecp::from_client(response.as_bytes(), Some("_envelope"), Some("a & b"));
        let mut known = 0;
        for envelope in [crate::ecp::asks(), to_client, brought] {
            let blocks = [ECP_REQUEST, ECP_RELAY_STATE, ECP_RESPONSE];
            let others = [PAOS_REQUEST, PAOS_RESPONSE];
            let understood = [&blocks[..], &others].concat();
            let read = Envelope::parse(&envelope, &Limits::default(), &understood).unwrap();
            for block in blocks.into_iter().filter_map(|name| read.block_hint(name)) {
                let mut octets = Vec::new();
                canonicalize(block, None, &Canonicalization::default(), &mut octets);
                judge.valid(&octets);
                let text = String::from_utf8(octets).unwrap();
                let without = swap(&text, " soap:mustUnderstand=\"1\"", "");
                assert!(judge.complaint(without.as_bytes()).is_some());
                known += 1;
            }
        }
        assert_eq!(known, 4);
    });
}
