//! Encrypted responses that other people's software made.

use crate::support::*;
use crate::vectors::{Row, context, legacy, pinned, rows};
use chrono::{DateTime, Utc};
use federate_crypto::rustcrypto_provider;
use federate_saml::{
    Coverage, Response, SamlError, VerifiedResponse, validate_response, verify_response,
};
use federate_testkit::vectors::decryption_keys;
use federate_xml::enc::{DecryptionContext, DecryptionKeys, DecryptionPolicy};
use federate_xml::{Limits, TrustedKeys, Unverified, VerificationContext};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// As a service provider with the oldest peers would: weak signatures, small keys, and CBC
/// without a signature around it.
fn verify(
    octets: &[u8],
    trusted: &TrustedKeys,
    keys: &DecryptionKeys,
    now: DateTime<Utc>,
) -> Result<VerifiedResponse, SamlError> {
    let limits = Limits::default();
    let response = Unverified::<Response>::parse(octets, &limits)?;
    let provider = rustcrypto_provider();
    let until = now + seconds(1);
    let context = VerificationContext {
        provider: &provider,
        policy: &legacy(now),
        now,
    };
    let decryption = DecryptionContext {
        provider: &provider,
        keys,
        policy: &DecryptionPolicy::default()
            .dangerous_allow_cbc_until(until)
            .dangerous_allow_rsa_1024_until(until),
        recipient: None,
        limits: &limits,
        now,
    };
    verify_response(&response, trusted, &context, Some(&decryption))
}

const NAME: &str = "25ddd7d34a7d79db69167625cda56a320adf2876";
const OTHER: &str = "98e2bb61075e951b37d6b3be6954a54b340d86c7";
const THIRD: &str = "_ce3d2948b4cf20146dee0a0b3dd6f69b6cf86f62d7";
const RSA_1_5: &str = "the key was encrypted with RSA 1.5";
const NO_INSTANT: &str = "the response has no IssueInstant";
const UNSIGNED: &str = "nobody signed it, inside or outside";

/// What is signed and the name in it, or the code and the reason of the refusal.
pub(crate) type Outcome = Result<(Coverage, &'static str), (&'static str, &'static str)>;

/// What becomes of each, by the beginning of its path.
pub(crate) const OUTCOMES: &[(&str, Outcome)] = &[
    (
        "auth0-passport-wsfed/test/samples/encoded/samlresponse_encrypted_and_signed.txt",
        Ok((
            Coverage::Both,
            "_8d0124a412f5b8243ce89ae76958c29fc903a22a8b",
        )),
    ),
    (
        "auth0-passport-wsfed/test/samples/encoded/samlresponse_utf8.txt",
        Ok((
            Coverage::Both,
            "_98f3625b1c12bdbda1842b868eee10cdb61385b270",
        )),
    ),
    (
        "clever-saml2/test/data/",
        Err(("schema.missing_attribute", NO_INSTANT)),
    ),
    (
        "instructure-saml2/spec/fixtures/response_with_encrypted_assertion.xml",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "instructure-saml2/spec/fixtures/response_with_encrypted_assertion_followed_by_signed_assertion.xml",
        Err(("response.assertion_count", "two assertions")),
    ),
    (
        "instructure-saml2/spec/fixtures/response_with_signed_assertion_and_encrypted_subject.xml",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "instructure-saml2/spec/fixtures/response_with_signed_assertion_followed_by_encrypted_assertion.xml",
        Err(("response.assertion_count", "two assertions")),
    ),
    (
        "node-saml/test/static/signatures/invalid/",
        Err(("signature.malformed", "the outer signature is no base64")),
    ),
    (
        "node-saml/test/static/signatures/valid/",
        Err((
            "schema.invalid_value",
            "the NameID, once decrypted, ends with a line break",
        )),
    ),
    (
        "node-saml/test/static/testshib encrypted response.xml",
        Err(("signature.wrong_key", "its key is not among the vectors")),
    ),
    (
        "python3-saml/tests/data/responses/double_signed_encrypted_assertion.xml.base64",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "python3-saml/tests/data/responses/double_signed_encrypted_assertion2.xml.base64",
        Ok((Coverage::Both, NAME)),
    ),
    (
        "python3-saml/tests/data/responses/invalids/encrypted_attrs.xml.base64",
        Err(("signature.missing", UNSIGNED)),
    ),
    (
        "python3-saml/tests/data/responses/invalids/encrypted_nameID_without_",
        Err(("signature.digest_mismatch", "changed after it was signed")),
    ),
    (
        "python3-saml/tests/data/responses/invalids/response_encrypted_attrs.xml.base64",
        Err(("signature.missing", UNSIGNED)),
    ),
    (
        "python3-saml/tests/data/responses/response_encrypted_nameid.xml.base64",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "python3-saml/tests/data/responses/signed_encrypted_assertion.xml.base64",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "python3-saml/tests/data/responses/signed_encrypted_assertion2.xml.base64",
        Ok((Coverage::Assertion, NAME)),
    ),
    (
        "python3-saml/tests/data/responses/signed_message_encrypted_assertion.xml.base64",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "python3-saml/tests/data/responses/signed_message_encrypted_assertion2.xml.base64",
        Ok((Coverage::Response, NAME)),
    ),
    (
        "python3-saml/tests/data/responses/signed_message_response2.xml.base64",
        Ok((Coverage::Response, NAME)),
    ),
    (
        "python3-saml/tests/data/responses/valid_encrypted_assertion",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "ruby-saml/test/responses/invalids/encrypted_new_attack.xml.base64",
        Err(("signature.wrong_key", "an attack: the attacker's key")),
    ),
    (
        "ruby-saml/test/responses/response_encrypted_",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "ruby-saml/test/responses/response_no_cert_and_encrypted_attrs.xml",
        Err(("signature.wrong_key", "its key is not among the vectors")),
    ),
    (
        "ruby-saml/test/responses/response_with_retrieval_method.xml",
        Ok((Coverage::Both, "user1")),
    ),
    (
        "ruby-saml/test/responses/signed_message_encrypted_signed_assertion.xml.base64",
        Ok((Coverage::Both, OTHER)),
    ),
    (
        "ruby-saml/test/responses/signed_message_encrypted_unsigned_assertion.xml.base64",
        Ok((Coverage::Response, OTHER)),
    ),
    (
        "ruby-saml/test/responses/unsigned_encrypted_adfs.xml",
        Err(("signature.missing", UNSIGNED)),
    ),
    (
        "ruby-saml/test/responses/unsigned_message_aes",
        Ok((Coverage::Assertion, THIRD)),
    ),
    (
        "ruby-saml/test/responses/unsigned_message_des192_encrypted_signed_assertion.xml.base64",
        Err(("encryption.algorithm_refused", RSA_1_5)),
    ),
    (
        "ruby-saml/test/responses/unsigned_message_encrypted_assertion_without_saml_namespace.xml.base64",
        Ok((Coverage::Assertion, THIRD)),
    ),
    (
        "ruby-saml/test/responses/unsigned_message_encrypted_signed_assertion.xml.base64",
        Ok((Coverage::Assertion, OTHER)),
    ),
    (
        "ruby-saml/test/responses/unsigned_message_encrypted_unsigned_assertion.xml.base64",
        Err(("signature.missing", UNSIGNED)),
    ),
];

fn outcome(
    row: &Row,
    octets: &[u8],
    trusted: &TrustedKeys,
    keys: &DecryptionKeys,
) -> Result<(Coverage, String), SamlError> {
    let verified = verify(octets, trusted, keys, now())?;
    let coverage = verified.coverage();
    // In the context in which it was sent.
    let mut response = verified.envelope().clone();
    response.assertions.push(verified.assertion().clone());
    let expect = context(row, &response);
    let login = validate_response(verified, &expect.as_expectation())?;
    Ok((coverage, login.name_id().value().to_owned()))
}

#[test]
fn other_peoples_encrypted_responses() {
    let Some(folder) = std::env::var_os("FEDERATE_VECTORS").map(PathBuf::from) else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let rows = rows(&folder);
    let trusted = pinned(&folder, &rows);
    let mut used = BTreeSet::new();
    let encrypted = |row: &&Row| !row.encryption.is_empty() && row.root.ends_with("}Response");
    for row in rows.iter().filter(encrypted) {
        let octets = row.octets(&folder).unwrap();
        let keys = decryption_keys(&rustcrypto_provider(), &folder.join(row.source()));
        let keys = DecryptionKeys::new(keys).unwrap();
        let outcome = outcome(row, &octets, &trusted[row.source()], &keys);
        let listed = OUTCOMES.iter().find(|(path, _)| row.path.starts_with(path));
        let (path, expected) = listed.unwrap_or_else(|| panic!("{}: {outcome:?}", row.path));
        used.insert(*path);
        match (outcome, expected) {
            (Ok((coverage, name)), Ok(expected)) => {
                assert_eq!((coverage, name.as_str()), *expected, "{}", row.path);
            }
            (Err(error), Err((code, _))) => assert_eq!(error.code(), *code, "{}", row.path),
            (outcome, expected) => panic!("{}: {outcome:?}, not {expected:?}", row.path),
        }
    }
    assert_eq!(used.len(), OUTCOMES.len());
}
