//! Encrypted assertions, names and attributes: what is accepted, and by whose signature.

use crate::redirect::{deflate, escape};
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{BlockCipher, PrivateKey};
use federate_saml::binding::RedirectMessage;
use federate_saml::{
    Coverage, IssuePolicy, LogoutRequest, MessageKind, Response, Rule, SamlError, SignedPart,
    VerifiedResponse, issue_response, read_signed, unsigned_xml, validate_response,
    verify_response,
};
use federate_testkit::keys;
use federate_xml::enc::{DecryptionContext, DecryptionKeys, DecryptionPolicy, EncryptionError};
use federate_xml::{
    Encryptor, Limits, Name, ParseErrorKind, SignatureError, Unverified, Writer, XmlError,
};

/// Encrypts to the service provider.
pub(crate) fn encryptor() -> Encryptor {
    Encryptor::new(provider(), keys::certificate()).unwrap()
}

/// Calls with what decrypts what [`encryptor`] has encrypted.
pub(crate) fn with_decryption<T>(call: impl FnOnce(&DecryptionContext<'_>) -> T) -> T {
    let provider = provider();
    let private = PrivateKey::from_pem(keys::RSA_KEY).unwrap();
    let key = provider.key_transport.load_decryption_key(&private);
    call(&DecryptionContext {
        provider: &provider,
        keys: &DecryptionKeys::from(key.unwrap()),
        policy: &DecryptionPolicy::default(),
        recipient: Some(SP),
        limits: &Limits::default(),
        now: now(),
    })
}

/// Verifies and, where something is encrypted, decrypts.
pub(crate) fn verify(xml: &str) -> Result<VerifiedResponse, SamlError> {
    let response = Unverified::<Response>::parse(xml.as_bytes(), &Limits::default())?;
    with_decryption(|d| with_context(|c| verify_response(&response, &trusted(), c, Some(d))))
}

/// Asserts that it is accepted as what [`honest`] says, and gives its coverage.
#[track_caller]
fn accepted_as_honest(xml: &str) -> Coverage {
    let expect = expect();
    let verified = verify(xml).unwrap_or_else(|e| panic!("{e:?}: {xml}"));
    let coverage = verified.coverage();
    let login = validate_response(verified, &expect.as_expectation()).unwrap();
    let plain = signed_in(&honest(SignedPart::Assertion).xml(), &expect);
    assert_eq!(login, plain);
    coverage
}

/// Encrypts the assertion of a message and signs the rest as its part says.
fn with_encrypted(message: &Honest, assertion: impl Fn(&str) -> String) -> String {
    let mut text = assertion(&assertion_text(&message.assertion));
    if message.part != SignedPart::Response {
        text = sign_text(&signer(), &text, &message.assertion.id);
    }
    let text = around(
        &message.response,
        &[&encrypted("EncryptedAssertion", &text)],
    );
    match message.part {
        SignedPart::Assertion => text,
        _ => sign_text(&signer(), &text, &message.response.id),
    }
}

/// `saml:EncryptedAssertion`, `EncryptedID` or `EncryptedAttribute` with the text in it.
fn encrypted(element: &'static str, plaintext: &str) -> String {
    let mut w = Writer::new();
    w.start(Name::saml(element));
    w.embed(&encryptor().encrypt(plaintext.as_bytes()).unwrap());
    String::from_utf8(w.finish()).unwrap()
}

/// As [`encrypted`], as it is written inside an assertion or a logout request.
fn encrypted_inside(element: &'static str, plaintext: &str) -> String {
    let declared = format!(" xmlns:saml=\"{}\"", federate_xml::SAML);
    swap(&encrypted(element, plaintext), &declared, "")
}

/// The first element of this name.
fn element<'t>(text: &'t str, qname: &str) -> &'t str {
    let starts = [format!("<{qname} "), format!("<{qname}>")];
    let from = starts.iter().filter_map(|start| text.find(start)).min();
    let end = format!("</{qname}>");
    let to = text.find(&end).unwrap() + end.len();
    &text[from.unwrap()..to]
}

/// The element as it would be written on its own.
fn alone(text: &str, qname: &str) -> String {
    let element = element(text, qname);
    let declared = format!("<{qname} xmlns:saml=\"{}\"", federate_xml::SAML);
    swap(element, &format!("<{qname}"), &declared)
}

#[test]
fn encrypted_assertions_are_accepted_whatever_is_signed() {
    let (idp, sp, request) = (entity(IDP), entity(SP), id("_request"));
    for (part, coverage) in [
        (SignedPart::Assertion, Coverage::Assertion),
        (SignedPart::Response, Coverage::Response),
        (SignedPart::Both, Coverage::Both),
    ] {
        for typed_attributes in [false, true] {
            let policy = IssuePolicy {
                signed_part: part,
                encryption: Some(encryptor()),
                typed_attributes,
                ..IssuePolicy::default()
            };
            let login = login(&idp, &sp, Some(&request));
            let ids = (id("_response"), id("_assertion"));
            let xml = issue_response(&login, ids.0, ids.1, &policy, &signer(), now()).unwrap();
            let xml = String::from_utf8(xml).unwrap();
            assert!(!xml.contains(ALICE) && !xml.contains("staff"), "{xml}");
            assert_eq!(accepted_as_honest(&xml), coverage);
            assert!(verify(&xml).unwrap().was_encrypted());
            refused(
                accept(&xml, &expect()),
                Rule::Encrypted,
                "message.encrypted",
            );
        }
    }
}

#[test]
fn encrypted_names_and_attributes_are_read_as_if_they_were_not() {
    for part in PARTS {
        let inside = |assertion: &str| {
            let name = encrypted_inside("EncryptedID", &alone(assertion, "saml:NameID"));
            let attribute =
                encrypted_inside("EncryptedAttribute", &alone(assertion, "saml:Attribute"));
            let assertion = swap(assertion, element(assertion, "saml:NameID"), &name);
            swap(
                &assertion,
                element(&assertion, "saml:Attribute"),
                &attribute,
            )
        };
        let plain_outside = honest(part).xml_edited(inside, str::to_owned);
        accepted_as_honest(&plain_outside);
        refused(
            accept(&plain_outside, &expect()),
            Rule::Encrypted,
            "message.encrypted",
        );
        accepted_as_honest(&with_encrypted(&honest(part), inside));
    }
}

/// What was decrypted means in its place what it meant alone: a name without prefix does not
/// fall into a namespace of the assertion around it.
#[test]
fn what_was_encrypted_takes_no_namespace_from_its_place() {
    let message = honest(SignedPart::Assertion);
    let inside = |assertion: &str| {
        let attribute = alone(assertion, "saml:Attribute");
        let attribute = swap(&attribute, ">staff<", "><NameID>mallory</NameID><");
        let attribute = encrypted_inside("EncryptedAttribute", &attribute);
        let assertion = swap(assertion, element(assertion, "saml:Attribute"), &attribute);
        // The default namespace is that of saml:NameID, and canonical because it is used.
        let default = format!("<AttributeStatement xmlns=\"{}\">", federate_xml::SAML);
        let assertion = swap(&assertion, "<saml:AttributeStatement>", &default);
        swap(
            &assertion,
            "</saml:AttributeStatement>",
            "</AttributeStatement>",
        )
    };
    let verified = verify(&message.xml_edited(inside, str::to_owned)).unwrap();
    let values = &verified.assertion().attributes[0].values;
    assert_eq!(values[0], federate_saml::AttributeValue::Structured);
}

/// One ID outside and inside of what was encrypted.
#[test]
fn a014_one_id_outside_and_inside_of_what_was_encrypted() {
    let message = honest(SignedPart::Assertion);
    accepted_as_honest(&with_encrypted(&message, str::to_owned));
    // An assertion with the response's ID: two documents, each with its own IDs.
    let mut same = message.clone();
    same.assertion.id = same.response.id.clone();
    let verified = verify(&with_encrypted(&same, str::to_owned)).unwrap();
    assert_eq!(verified.coverage(), Coverage::Assertion);

    // Of a part that comes back to where it was encrypted, the ID must be another one.
    let inside = |assertion: &str| {
        let value = "<saml:AttributeValue ID=\"_assertion\">";
        let attribute = alone(assertion, "saml:Attribute");
        let attribute = swap(&attribute, "<saml:AttributeValue>", value);
        let attribute = encrypted_inside("EncryptedAttribute", &attribute);
        swap(assertion, element(assertion, "saml:Attribute"), &attribute)
    };
    let error = verify(&message.xml_edited(inside, str::to_owned)).unwrap_err();
    match error {
        SamlError::Xml(XmlError::Parse(e)) => assert_eq!(e.kind, ParseErrorKind::DuplicateId),
        other => panic!("{other:?}"),
    }
}

/// Whoever has the certificate can encrypt: that is no signature.
#[test]
fn a174_an_attackers_encrypted_assertion() {
    let message = honest(SignedPart::Assertion);
    accepted_as_honest(&with_encrypted(&message, str::to_owned));
    let text = assertion_text(&message.assertion);
    for (assertion, error, code) in [
        (text.clone(), SignatureError::Missing, "signature.missing"),
        (
            sign_text(&attacker(), &text, &message.assertion.id),
            SignatureError::WrongKey { tried: 1 },
            "signature.wrong_key",
        ),
    ] {
        let encrypted = encrypted("EncryptedAssertion", &assertion);
        unsigned(
            verify(&around(&message.response, &[&encrypted])),
            error,
            code,
        );
    }
    // Nor does it help beside something that was signed.
    let good = signed_assertion(&message.assertion);
    let forged = encrypted("EncryptedAssertion", &text);
    for pair in [[&good, &forged], [&forged, &good]] {
        let pair = pair.map(String::as_str);
        let code = "response.assertion_count";
        refused(
            verify(&around(&message.response, &pair)),
            Rule::AssertionCount,
            code,
        );
    }
}

/// The plaintext is something else than an assertion, or comes from somebody else.
#[test]
fn a175_what_was_encrypted_is_not_an_assertion() {
    let message = honest(SignedPart::Response);
    for plaintext in [
        alone(&assertion_text(&message.assertion), "saml:NameID"),
        message.xml(),
        "alice".to_owned(),
    ] {
        let text = around(
            &message.response,
            &[&encrypted("EncryptedAssertion", &plaintext)],
        );
        let signed = sign_text(&signer(), &text, &message.response.id);
        let error = XmlError::from(EncryptionError::DecryptionFailed);
        fails(verify(&signed), error, "encryption.failed");
    }
}

/// CBC decrypts where a verified signature covers the ciphertext, and nowhere else.
#[test]
fn a172_cbc_needs_a_signature_around_it() {
    let refused = EncryptionError::AlgorithmRefused {
        role: "the block cipher",
        uri: BlockCipher::Aes256Cbc.uri(),
    };
    let cbc = |xml: &str| {
        swap(
            xml,
            BlockCipher::Aes256Gcm.uri(),
            BlockCipher::Aes256Cbc.uri(),
        )
    };
    let unsigned = with_encrypted(&honest(SignedPart::Assertion), str::to_owned);
    let error = XmlError::from(refused);
    fails(
        verify(&cbc(&unsigned)),
        error,
        "encryption.algorithm_refused",
    );
    // Named inside what is signed, it is tried (and fails: the octets are those of GCM).
    let message = honest(SignedPart::Response);
    let element = encrypted("EncryptedAssertion", &assertion_text(&message.assertion));
    let text = around(&message.response, &[&cbc(&element)]);
    let signed = sign_text(&signer(), &text, &message.response.id);
    let error = XmlError::from(EncryptionError::DecryptionFailed);
    fails(verify(&signed), error, "encryption.failed");
}

#[test]
fn too_many_encrypted_parts_are_refused_before_any_is_decrypted() {
    let message = honest(SignedPart::Assertion);
    let inside = |assertion: &str| {
        let attribute = encrypted_inside("EncryptedAttribute", &alone(assertion, "saml:Attribute"));
        swap(
            assertion,
            element(assertion, "saml:Attribute"),
            &attribute.repeat(65),
        )
    };
    let problem = federate_xml::enc::EncryptionStructure::TooManyElements;
    let error = XmlError::from(EncryptionError::Malformed(problem));
    let result = verify(&message.xml_edited(inside, str::to_owned));
    fails(result, error, "encryption.malformed");
}

#[test]
fn typed_attributes_are_signed_with_their_prefix() {
    let (idp, sp, request) = (entity(IDP), entity(SP), id("_request"));
    for signed_part in PARTS {
        let policy = IssuePolicy {
            signed_part,
            typed_attributes: true,
            ..IssuePolicy::default()
        };
        let login = login(&idp, &sp, Some(&request));
        let ids = (id("_response"), id("_assertion"));
        let xml = issue_response(&login, ids.0, ids.1, &policy, &signer(), now()).unwrap();
        let xml = String::from_utf8(xml).unwrap();
        assert!(xml.contains(" PrefixList=\"xs\""), "{xml}");
        accepted_as_honest(&xml);
        // The prefix is signed, too.
        let changed = swap(
            &xml,
            &format!("xmlns:xs=\"{}\"", federate_xml::XS),
            "xmlns:xs=\"urn:x\"",
        );
        unsigned(
            verify(&changed),
            SignatureError::DigestMismatch,
            "signature.digest_mismatch",
        );
    }
}

/// A logout request that names the person in encrypted form, by both bindings.
#[test]
fn logout_requests_with_encrypted_names() {
    let request = LogoutRequest {
        id: id("_logout"),
        issue_instant: now(),
        destination: Some(SLO.to_owned()),
        not_on_or_after: None,
        reason: None,
        issuer: Some(entity(SP)),
        extensions: federate_saml::Extensions::new(),
        name_id: federate_types::NameId::new(ALICE, None).unwrap(),
        session_indexes: Vec::new(),
    };
    let plain = String::from_utf8(unsigned_xml(&request)).unwrap();
    let name = encrypted("EncryptedID", element(&plain, "saml:NameID"));
    let text = swap(&plain, element(&plain, "saml:NameID"), &name);

    let posted = sign_text(&signer(), &text, &request.id);
    let unverified = Unverified::<LogoutRequest>::parse(posted.as_bytes(), &Limits::default());
    let octets = with_context(|c| c.verify_enveloped(unverified.unwrap().root_hint(), &trusted()));
    let octets = octets.unwrap();
    let signed = octets.document(&Limits::default()).unwrap();
    let read = with_decryption(|d| read_signed::<LogoutRequest>(&signed, Some(d)));
    assert_eq!(read.unwrap().into_inner(), request);
    let none = read_signed::<LogoutRequest>(&signed, None);
    refused(none, Rule::Encrypted, "message.encrypted");

    let packed = STANDARD.encode(deflate(text.as_bytes()));
    let method = escape(signer().algorithm().uri(), false);
    let query = format!("SAMLRequest={}&SigAlg={method}", escape(&packed, false));
    let signature = STANDARD.encode(signer().sign_octets(query.as_bytes()).unwrap());
    let query = format!("{query}&Signature={}", escape(&signature, false));
    let limits = Limits::default();
    let message = RedirectMessage::parse(&query, MessageKind::Request, &limits).unwrap();
    let read = with_decryption(|d| {
        with_context(|c| message.verify_and_decrypt::<LogoutRequest>(&trusted(), c, Some(d)))
    });
    assert_eq!(read.unwrap().into_inner(), request);
    let none = with_context(|c| message.verify::<LogoutRequest>(&trusted(), c));
    refused(none, Rule::Encrypted, "message.encrypted");
}
