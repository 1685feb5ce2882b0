//! Encrypted documents that nobody in this project wrote.

use super::*;
use crate::vectors::{elements, folder, rows};
use federate_testkit::vectors::{decryption_keys, files};
use federate_xml::Element;
use std::collections::BTreeMap;

/// The sources whose encrypted documents are decrypted here, each with the keys in it.
const SOURCES: [&str; 10] = [
    "auth0-passport-wsfed",
    "auth0-xml-encryption",
    "clever-saml2",
    "crewjam-saml",
    "instructure-saml2",
    "node-saml",
    "pysaml2",
    "python3-saml",
    "ruby-saml",
    "xmlseclibs",
];

/// What stands encrypted inside an element. By local name: node-saml has an EncryptedID
/// without namespace.
fn expected(element: Element<'_>) -> Option<&'static [Name]> {
    const ID: &[Name] = &[Name::saml("NameID")];
    const ATTRIBUTE: &[Name] = &[Name::saml("Attribute")];
    match element.local_name() {
        "EncryptedAssertion" => Some(&[ASSERTION]),
        "EncryptedID" => Some(ID),
        "EncryptedAttribute" => Some(ATTRIBUTE),
        _ => None,
    }
}

/// What is encrypted in a document, and what it may be.
fn encrypted<'d>(document: &'d Document<'d>) -> Vec<(Element<'d>, &'static [Name])> {
    const ENVELOPE: &str = "urn:envelope";
    const OTHER: &[Name] = &[
        ASSERTION,
        Name::new(ENVELOPE, "", "Root"),
        Name::new(ENVELOPE, "", "Value"),
    ];
    let mut found = Vec::new();
    for element in elements(document) {
        let inside = element.parent().and_then(expected).is_some();
        if let Some(names) = expected(element) {
            found.push((element, names));
        } else if element.is(Name::new(XENC, "xenc", "EncryptedData")) && !inside {
            found.push((element, OTHER));
        }
    }
    found
}

/// What does not decrypt, by path, with the error and the reason. Documents with RSA 1.5 are
/// not listed: each of them must be refused for it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "auth0-xml-encryption/test/test-okta-enc-response.xml",
        "encryption.malformed",
        "all prefixes are cut off: its elements are in no namespace",
    ),
    (
        "auth0-xml-encryption/test/test-cbc256-padding.xml",
        "encryption.failed",
        "the plaintext is text, not an element",
    ),
    (
        "auth0-xml-encryption/test/test-padding-length.xml",
        "encryption.failed",
        "the plaintext is text, not an element",
    ),
    (
        "crewjam-saml/xmlenc/testdata/ciphertext_gcm.xml",
        "encryption.failed",
        "its tag is not that of its ciphertext (OpenSSL says so too)",
    ),
    (
        "crewjam-saml/xmlenc/testdata/encrypt-data-aes128-cbc.xml",
        "encryption.malformed",
        "the key is a shared one, named but not sent",
    ),
    (
        "crewjam-saml/xmlenc/corpus/",
        "",
        "Merlin's and Phaos' cases of XML encryption, whose keys are not in this source: \
         key wrapping, key agreement, shared keys, references",
    ),
    (
        "pysaml2/tests/enc_tmpl.xml",
        "encryption.malformed",
        "a template without ciphertext",
    ),
    (
        "pysaml2/tests/pre_enc.xml",
        "encryption.malformed",
        "a template without ciphertext",
    ),
    (
        "python3-saml/tests/data/responses/invalids/encrypted_attrs.xml.base64",
        "encryption.failed",
        "encrypted to a key that is not in the source (upstream refuses it as well)",
    ),
    (
        "python3-saml/tests/data/responses/invalids/response_encrypted_attrs.xml.base64",
        "encryption.failed",
        "encrypted to a key that is not in the source (upstream refuses it as well)",
    ),
    (
        "python3-saml/tests/data/responses/invalids/encrypted_nameID_without_EncMethod.xml.base64",
        "encryption.malformed",
        "no EncryptionMethod on the key (upstream refuses it as well)",
    ),
    (
        "python3-saml/tests/data/responses/invalids/encrypted_nameID_without_keyinfo.xml.base64",
        "encryption.malformed",
        "no KeyInfo, no key (upstream refuses it as well)",
    ),
    (
        "xmlseclibs/tests/aes128-gcm-res.xml",
        "encryption.failed",
        "the key has 256 bits; xmlsec1 cuts off what is too much, we refuse",
    ),
    (
        "xmlseclibs/tests/aes192-gcm-res.xml",
        "encryption.failed",
        "the key has 256 bits; xmlsec1 cuts off what is too much, we refuse",
    ),
    (
        "xmlseclibs/tests/retrievalmethod-findkey.xml",
        "encryption.failed",
        "the plaintext is text, not an element",
    ),
    (
        "xmlseclibs/tests/oaep_sha1",
        "encryption.malformed",
        "KeyInfo behind CipherData, against the schema (xmlsec1 refuses it as well)",
    ),
];

const RSA_1_5: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";

/// The result for one encrypted element must be as listed, or be a decryption.
fn judge(path: &str, text: &str, results: &[Result<DecryptedOctets, EncryptionError>]) -> bool {
    let listed = REFUSED.iter().find(|(prefix, ..)| path.starts_with(prefix));
    let decrypted = results.iter().any(Result::is_ok);
    let code = results
        .last()
        .unwrap()
        .as_ref()
        .map_err(EncryptionError::code);
    match listed {
        Some((_, expected, reason)) => {
            assert!(!decrypted, "{path} decrypts, although: {reason}");
            if !expected.is_empty() {
                assert_eq!(code.unwrap_err(), *expected, "{path}: {reason}");
            }
        }
        None if text.contains(RSA_1_5) => {
            let refused = EncryptionError::AlgorithmRefused {
                role: "the key transport",
                uri: RSA_1_5,
            };
            for result in results {
                assert_eq!(result.as_ref().unwrap_err(), &refused, "{path}");
            }
        }
        None => assert!(decrypted, "{path}: {code:?}"),
    }
    decrypted
}

/// As a peer of old that signs inside and encrypts with CBC to a small key.
fn legacy(keys: DecryptionKeys) -> Receiver {
    let tomorrow = testkit::fixed_now() + chrono::TimeDelta::days(1);
    Receiver {
        keys,
        policy: DecryptionPolicy::default()
            .dangerous_allow_cbc_until(tomorrow)
            .dangerous_allow_rsa_1024_until(tomorrow),
        ..Receiver::with(rustcrypto_provider())
    }
}

#[test]
fn documents_of_others_decrypt() {
    let Some(folder) = folder() else {
        return;
    };
    let limits = Limits::default();
    let rows = rows(&folder);
    let mut decrypted: BTreeMap<&str, usize> = BTreeMap::new();
    for source in SOURCES {
        let keys = decryption_keys(&rustcrypto_provider(), &folder.join(source));
        let receiver = legacy(DecryptionKeys::new(keys).unwrap());
        for row in rows.iter().filter(|row| row.source() == source) {
            let Some(octets) = row.octets(&folder) else {
                continue;
            };
            let Ok(document) = Document::parse(&octets, &limits) else {
                continue;
            };
            for (element, names) in encrypted(&document) {
                let results: Vec<_> = names
                    .iter()
                    .map(|name| receiver.context(&limits).decrypt(element, *name))
                    .collect();
                let text = String::from_utf8_lossy(&octets);
                *decrypted.entry(source).or_default() +=
                    usize::from(judge(&row.path, &text, &results));
            }
        }
    }
    let expected = [
        ("auth0-passport-wsfed", 2),
        ("auth0-xml-encryption", 1),
        ("clever-saml2", 9),
        ("crewjam-saml", 10),
        // All four with RSA 1.5.
        ("instructure-saml2", 0),
        ("node-saml", 4),
        ("pysaml2", 1),
        ("python3-saml", 4),
        ("ruby-saml", 13),
        ("xmlseclibs", 6),
    ];
    assert_eq!(decrypted, BTreeMap::from(expected));
}

/// Phaos' cases with RSA-OAEP: SHA-1, and SHA-256 and SHA-512 beside MGF1 with SHA-1.
#[test]
fn phaos_decrypts() {
    let Some(folder) = folder() else {
        return;
    };
    let folder = folder.join("santuario-java/src/test/resources/com/phaos/phaos-xmlenc-3");
    let private =
        PrivateKey::from_pkcs8_der(&std::fs::read(folder.join("rsa-priv-key.der")).unwrap());
    let key = rustcrypto_provider()
        .key_transport
        .load_decryption_key(&private.unwrap())
        .unwrap();
    let receiver = legacy(key.into());
    let card = Name::new("http://example.org/paymentv2", "", "CreditCard");
    let limits = Limits::default();
    for (file, decrypts) in [
        ("enc-element-3des-kt-rsa_oaep_sha1.xml", true),
        ("enc-element-3des-kt-rsa_oaep_sha256.xml", true),
        ("enc-element-3des-kt-rsa_oaep_sha512.xml", true),
        ("enc-element-aes128-kt-rsa_oaep_sha1.xml", true),
        ("enc-element-aes192-kt-rsa_oaep_sha1.xml", true),
        // The plaintext is text.
        ("enc-text-aes256-kt-rsa_oaep_sha1.xml", false),
        // RSA 1.5.
        ("enc-element-3des-kt-rsa1_5.xml", false),
        ("enc-element-aes128-kt-rsa1_5.xml", false),
    ] {
        let octets = std::fs::read(folder.join(file)).unwrap();
        let document = Document::parse(&octets, &limits).unwrap();
        let (element, _) = encrypted(&document)[0];
        let result = receiver.context(&limits).decrypt(element, card);
        assert_eq!(result.is_ok(), decrypts, "{file}: {result:?}");
        if let Ok(decrypted) = result {
            let text = String::from_utf8_lossy(decrypted.octets_hint());
            assert!(text.contains("4019 2445 0277 5567"), "{file}: {text}");
        }
    }
}

/// NIST's cases of AES-GCM with a vector of 96 bits, a tag of 128 and nothing else: where
/// there is no plaintext, the case must fail.
#[test]
fn a173_nist_aes_gcm() {
    let Some(folder) = folder() else {
        return;
    };
    let folder = folder.join("xmlsec1/tests/nist-aesgcm");
    let (mut good, mut bad) = (0, 0);
    for (bits, cipher) in [
        (128, BlockCipher::Aes128Gcm),
        (192, BlockCipher::Aes192Gcm),
        (256, BlockCipher::Aes256Gcm),
    ] {
        let keys = std::fs::read_to_string(folder.join(format!("keys-aes{bits}-gcm.xml"))).unwrap();
        let mut paths = Vec::new();
        files(&folder.join(format!("aes{bits}")), &mut paths);
        for path in paths
            .iter()
            .filter(|p| p.extension().is_some_and(|e| e == "xml"))
        {
            let text = std::fs::read_to_string(path).unwrap();
            let name = between(&text, "<KeyName>", "<");
            let key = keys.split(&format!(">{name}<")).nth(1).unwrap();
            let key = decoded(between(key, "2002\">", "<"));
            let octets = decoded(between(&text, "<CipherValue>", "<"));
            let plaintext = std::fs::read_to_string(path.with_extension("data"));
            for provider in providers() {
                let result = provider.ciphers.decrypt(cipher, &key, &octets);
                match &plaintext {
                    // The plaintext itself is base64, as in NIST's files.
                    Ok(expected) => {
                        assert_eq!(*result.unwrap(), decoded(expected), "{path:?}");
                        good += 1;
                    }
                    Err(_) => {
                        assert_eq!(result.unwrap_err().code(), "crypto.decryption_failed");
                        bad += 1;
                    }
                }
            }
        }
    }
    assert_eq!(good + bad, 2 * 180);
    assert!(good > 100 && bad > 100, "{good} {bad}");
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let rest = text.split(start).nth(1).unwrap();
    rest.split(end).next().unwrap()
}

fn decoded(base64: &str) -> Vec<u8> {
    let compact: String = base64.split_ascii_whitespace().collect();
    STANDARD.decode(compact).unwrap()
}
