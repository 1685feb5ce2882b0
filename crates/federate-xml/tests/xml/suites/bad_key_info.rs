//! The KeyInfo elements that have crashed other software, and everything else that lies there:
//! seventy broken keys, references and certificates of xmltooling-cpp.
//!
//! The `ds:KeyInfo` of a signature is not read here, so that none of them can do anything: what
//! is signed by a trusted key is accepted and what is not is refused, as if they were good.
//! Encryption looks for keys in KeyInfo, and finds none in these.

use federate_crypto::{Certificate, PrivateKey, PublicKey, VerifyingKey};
use federate_testkit::keys as testkit;
use federate_xml::dsig::own_signature;
use federate_xml::enc::EncryptionStructure;
use federate_xml::{
    Canonicalization, DS, DecryptionContext, DecryptionKeys, DecryptionPolicy, Document, Element,
    EncryptionError, Encryptor, Limits, Name, SAML, SignaturePolicy, TrustedKeys, XENC,
    canonicalize_document,
};
use std::path::Path;

use super::key_info::{below, decoded};
use super::reference::limits;
use crate::support::*;
use crate::vectors::{elements, folder};
use federate_testkit::vectors::files;

const FOLDER: &str = "xmltooling-cpp/xmltoolingtest/data";

fn decrypt(element: Element<'_>) -> Result<Vec<u8>, EncryptionError> {
    let provider = provider();
    let key = PrivateKey::from_pem(testkit::RSA_KEY).unwrap();
    let key = provider.key_transport.load_decryption_key(&key).unwrap();
    let tomorrow = testkit::fixed_now() + chrono::TimeDelta::days(1);
    let context = DecryptionContext {
        provider: &provider,
        keys: &DecryptionKeys::from(key),
        policy: &DecryptionPolicy::default().dangerous_allow_cbc_until(tomorrow),
        recipient: None,
        limits: &Limits::default(),
        now: testkit::fixed_now(),
    };
    let decrypted = context.decrypt(element, Name::saml("Assertion"))?;
    Ok(decrypted.octets_hint().to_vec())
}

/// Reads an element in every way that the library has.
fn every_way(element: Element<'_>) {
    let _ = own_signature(element);
    let keys = below(element);
    let provider = provider();
    let keys = keys
        .into_iter()
        .filter_map(|key| VerifyingKey::new(&provider, key).ok())
        .chain([testkit::verifying_key(&provider)]);
    let context = federate_xml::VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: testkit::fixed_now(),
    };
    let result = context.verify_enveloped(element, &TrustedKeys::new(keys).unwrap());
    assert!(result.is_err(), "accepted: {result:?}");
    assert!(decrypt(element).is_err());
    let Ok(text) = element.text() else { return };
    as_key(text.as_bytes(), &text);
    if let Some(octets) = decoded(&text) {
        as_key(&octets, "");
    }
}

/// Octets and text as keys and certificates of every form.
fn as_key(octets: &[u8], text: &str) {
    let _ = PublicKey::from_spki_der(octets);
    let _ = PublicKey::from_pem(text);
    let _ = PrivateKey::from_der(octets);
    let _ = PrivateKey::from_pem(text);
    let _ = Certificate::from_der(octets);
    let _ = Certificate::from_pem(text);
    let _ = Certificate::from_base64(text);
    let _ = Certificate::all_from_pem(text);
}

fn paths(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    paths
}

#[test]
fn a113_nothing_of_xmltooling_makes_a_panic() {
    let Some(folder) = folder() else { return };
    let (mut read, mut refused) = (0, 0);
    for path in paths(&folder.join(FOLDER)) {
        let octets = std::fs::read(&path).unwrap();
        as_key(&octets, &String::from_utf8_lossy(&octets));
        for limits in [Limits::default(), limits(), Limits::for_aggregate()] {
            let Ok(document) = Document::parse(&octets, &limits) else {
                refused += 1;
                continue;
            };
            read += 1;
            for uri in METHODS {
                let method = Canonicalization::from_uri(uri).unwrap();
                canonicalize_document(&document, None, &method, &mut Vec::new());
            }
            elements(&document).into_iter().for_each(every_way);
        }
    }
    println!("{read} times read, {refused} times refused");
    assert!(read > 250, "the documents are not all there");
}

const METHODS: [&str; 6] = [
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
];

/// The broken KeyInfo elements, without declaration.
fn broken(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in paths(&folder.join(FOLDER).join("BadKeyInfo")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let at = text
            .find("<ds:KeyInfo")
            .filter(|_| !text.contains("<xenc:EncryptedData"));
        let at = at.or_else(|| text.find("<xenc:EncryptedData"));
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        found.extend(at.map(|at| (name, text[at..].trim_end().to_owned())));
    }
    assert_eq!(found.len(), 69, "all but the configuration of a resolver");
    found
}

/// A document with another KeyInfo than its own.
fn with_key_info(document: &str, key_info: &str) -> String {
    let (before, _, after) = cut(document, "ds:KeyInfo");
    format!("{before}{key_info}{after}")
}

/// In a signature they change nothing: neither for a good one, nor for one of somebody else.
#[test]
fn a113_broken_key_info_in_a_signature_changes_nothing() {
    let Some(folder) = folder() else { return };
    let provider = provider();
    let honest = verify(&signed()).unwrap().into_inner();
    let strangers: TrustedKeys = testkit::prepare(&provider, &testkit::other_certificate()).into();
    for (name, key_info) in broken(&folder) {
        // Six are no KeyInfo but something encrypted with one inside.
        let whole = key_info.starts_with("<ds:KeyInfo");
        let key_info = match whole {
            true => key_info,
            false => format!("<ds:KeyInfo>{key_info}</ds:KeyInfo>"),
        };
        let document = with_key_info(&signed(), &key_info);
        let verified = verify(&document);
        assert_eq!(verified.unwrap().into_inner(), honest, "{name}");
        refused(
            verify_with(&document, &strangers, &SignaturePolicy::default()),
            federate_xml::SignatureError::WrongKey { tried: 1 },
            "signature.wrong_key",
        );
    }
}

/// Around something encrypted they hold no key, and hide none that lies beside it.
#[test]
fn a113_broken_key_info_of_encryption_holds_no_key() {
    let Some(folder) = folder() else { return };
    let plaintext = assertion("_a", ALICE);
    let certificate = testkit::certificate();
    let encryptor = Encryptor::to_key(provider(), certificate.public_key().clone()).unwrap();
    let data = String::from_utf8(encryptor.encrypt(plaintext.as_bytes()).unwrap()).unwrap();
    let (_, key, _) = cut(&data, "xenc:EncryptedKey");
    let namespaces = format!("<xenc:EncryptedKey xmlns:xenc=\"{XENC}\" xmlns:ds=\"{DS}\"");
    let key = swap(key, "<xenc:EncryptedKey", &namespaces);
    for (name, key_info) in broken(&folder) {
        if !key_info.starts_with("<ds:KeyInfo") {
            continue;
        }
        let data = with_key_info(&data, &key_info);
        let decrypted = |beside: &str| {
            let document = format!(
                "<saml:EncryptedAssertion xmlns:saml=\"{SAML}\">{data}{beside}</saml:EncryptedAssertion>"
            );
            let document = Document::parse(document.as_bytes(), &Limits::default()).unwrap();
            decrypt(document.root())
        };
        let error = decrypted("").unwrap_err();
        let no_key = EncryptionError::Malformed(EncryptionStructure::NoKey);
        assert_eq!(error, no_key, "{name}");
        assert_eq!(error.code(), "encryption.malformed");
        assert_eq!(decrypted(&key).unwrap(), plaintext.as_bytes(), "{name}");
    }
}
