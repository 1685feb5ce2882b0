//! What is fetched for artifacts, as other people's software makes it.

use crate::support::*;
use chrono::{DateTime, Utc};
use federate_crypto::{Certificate, PrivateKey, VerifyingKey, rustcrypto_provider};
use federate_saml::binding::soap;
use federate_saml::{
    Artifact, ArtifactResolve, ArtifactResponse, ArtifactResponseExpectation, AuthnRequest,
    Coverage, Rule, SamlError, VerifiedResponse, verify_artifact_message, verify_artifact_response,
};
use federate_types::{ClockSkew, EntityId, MessageId};
use federate_xml::enc::{DecryptionContext, DecryptionKeys, DecryptionPolicy};
use federate_xml::{
    Limits, SignatureError, SignaturePolicy, TrustedKeys, Unverified, VerificationContext,
};
use std::path::PathBuf;

/// A file among the vectors, or why not.
pub(crate) fn vector(path: &str) -> Option<String> {
    let folder = PathBuf::from(std::env::var_os("FEDERATE_VECTORS").unwrap_or_default());
    let text = std::fs::read_to_string(folder.join(path)).ok();
    if text.is_none() {
        crate::schema::skipped(&format!("FEDERATE_VECTORS has no {path}"));
    }
    text
}

const SHIBBOLETH: &str = "https://samltest.id/saml/idp";
const ASKED: &str = "id-218eb155248f7db7c85fe4e2709a3f17a70d09c7";

fn made() -> DateTime<Utc> {
    "2021-08-17T10:27:21Z".parse().unwrap()
}

/// The certificate of the identity provider, which its metadata would tell.
fn trusted_in(xml: &str) -> TrustedKeys {
    let text = xml.split_once("<ds:X509Certificate>").unwrap().1;
    let text = text.split_once("</ds:X509Certificate>").unwrap().0;
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    let key = Certificate::from_pem(&pem).unwrap().public_key().clone();
    VerifyingKey::new(&rustcrypto_provider(), key)
        .unwrap()
        .into()
}

fn open(
    xml: &str,
    trusted: &TrustedKeys,
    asked: &str,
    key: &str,
) -> Result<VerifiedResponse, SamlError> {
    let (provider, limits) = (rustcrypto_provider(), Limits::default());
    let private = PrivateKey::from_pem(key).unwrap();
    let key = provider
        .key_transport
        .load_decryption_key(&private)
        .unwrap();
    let until = made() + seconds(1);
    let decryption = DecryptionContext {
        provider: &provider,
        keys: &DecryptionKeys::from(key),
        policy: &DecryptionPolicy::default().dangerous_allow_rsa_1024_until(until),
        recipient: None,
        limits: &limits,
        now: made(),
    };
    let context = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: made(),
    };
    let message = soap::body::<ArtifactResponse>(xml.as_bytes(), &limits)?;
    let expect = ArtifactResponseExpectation {
        artifact_issuer: &EntityId::new(SHIBBOLETH).unwrap(),
        request: &MessageId::new(asked).unwrap(),
        destination: "http://localhost:8000/saml/acs",
        now: made(),
        skew: ClockSkew::ZERO,
    };
    verify_artifact_response(&message, trusted, &context, Some(&decryption), &expect)
}

/// A Shibboleth identity provider's answer over SOAP: the ArtifactResponse and the Response are
/// both signed, and so is the assertion, which is encrypted.
#[test]
fn a154_shibboleth_over_soap() {
    let Some(xml) = vector("crewjam-saml/testdata/TestParseXMLArtifactResponse_response") else {
        return;
    };
    let Some(key) = vector("crewjam-saml/testdata/sp_key.pem") else {
        return;
    };
    let keys = trusted_in(&xml);
    let verified = open(&xml, &keys, ASKED, &key).unwrap();
    assert_eq!(verified.coverage(), Coverage::Both);
    assert!(verified.was_encrypted());
    let assertion = verified.assertion();
    assert_eq!(assertion.id, id("_03f4bc22f17328b5f4851c46587f1957"));
    assert_eq!(assertion.issuer, entity(SHIBBOLETH));
    let index = assertion.authn_statements[0].session_index.clone().unwrap();
    assert_eq!(index.as_str(), "_4638b693d6e85350fff04b4dafa56ff9");

    let other = open(&xml, &keys, "id-other", &key);
    refused(other, Rule::InResponseTo, "message.in_response_to_mismatch");
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(
        open(&xml, &trusted(), ASKED, &key),
        wrong,
        "signature.wrong_key",
    );
    let renamed = xml.replacen(ASKED, "id-other", 1);
    let digest = SignatureError::DigestMismatch;
    unsigned(
        open(&renamed, &keys, ASKED, &key),
        digest,
        "signature.digest_mismatch",
    );
    // Without the outer signature that of the response is enough.
    let (start, rest) = xml.split_once("<ds:Signature ").unwrap();
    let (_, rest) = rest.split_once("</ds:Signature>").unwrap();
    let inner_only = format!("{start}{rest}");
    assert_eq!(
        open(&inner_only, &keys, ASKED, &key).unwrap().coverage(),
        Coverage::Both
    );
    // Without either, the assertion's own would be; but the ciphertext is CBC, which only a
    // signature around it makes acceptable.
    let (start, rest) = inner_only.split_once("<ds:Signature ").unwrap();
    let (_, rest) = rest.split_once("</ds:Signature>").unwrap();
    let none = open(&format!("{start}{rest}"), &keys, ASKED, &key).unwrap_err();
    assert_eq!(none.code(), "encryption.algorithm_refused");
}

/// Examples of SimpleSAMLphp, as in the specification's style.
#[test]
fn simplesamlphp() {
    let folder = "simplesamlphp-saml2/tests/resources/xml";
    let Some(xml) = vector(&format!("{folder}/samlp_ArtifactResolve.xml")) else {
        return;
    };
    let message = Unverified::<ArtifactResolve>::parse(xml.as_bytes(), &Limits::default());
    let resolve = message.unwrap().read_unsigned().unwrap();
    let text = "AAQAADWNEw5VT47wcO4zX/iEzMmFQvGknDfws2ZtqSGdkNSbsW1cmVR0bzU=";
    assert_eq!(resolve.artifact, Artifact::parse(text).unwrap());
    assert_eq!(
        (resolve.artifact.endpoint_index(), resolve.destination),
        (0, None)
    );

    let Some(xml) = vector(&format!("{folder}/samlp_ArtifactResponse.xml")) else {
        return;
    };
    let message =
        Unverified::<ArtifactResponse>::parse(xml.as_bytes(), &Limits::default()).unwrap();
    let read = message.read_unsigned().unwrap();
    let inner = read.message.unwrap();
    let inner = Unverified::<AuthnRequest>::parse(&inner, &Limits::default()).unwrap();
    let inner = inner.read_unsigned().unwrap();
    assert_eq!(inner.id, id("_306f8ec5b618f361c70b6ffb1480eade"));
    // Nobody signed it.
    let expect = ArtifactResponseExpectation {
        artifact_issuer: &read.issuer.unwrap(),
        request: &read.in_response_to.unwrap(),
        destination: ACS,
        now: read.issue_instant,
        skew: ClockSkew::ZERO,
    };
    let result = with_context(|c| {
        verify_artifact_message::<AuthnRequest>(&message, &trusted(), c, None, &expect)
    });
    unsigned(result, SignatureError::Missing, "signature.missing");
}
