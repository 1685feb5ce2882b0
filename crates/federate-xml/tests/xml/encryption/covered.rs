//! What a signature around the ciphertext is worth, and where it ends.

use super::*;
use federate_types::MessageId;
use federate_xml::enc::{CoveredOctets, SignedDocument};
use federate_xml::{
    Element, SignatureError, SignaturePolicy, SignedOctets, VerificationContext, Writer, XmlError,
};

/// A response with this inside, signed by the trusted party.
fn signed_response(inside: &str) -> String {
    let mut w = Writer::new();
    w.start(Name::samlp("Response"));
    w.attribute(Name::local("ID"), "_r");
    // Some of what is made here declares namespaces twice.
    w.embed(canonical(inside).as_bytes());
    w.end();
    let id = MessageId::new("_r").unwrap();
    String::from_utf8(signer().sign(w, &id).unwrap()).unwrap()
}

fn verified(document: &str) -> Result<SignedOctets, SignatureError> {
    verify_part(document, |root| root)
}

fn first(document: &SignedDocument<'_>, local: &str) -> usize {
    let is = |e: &Element<'_>| e.local_name() == local;
    document
        .root()
        .child_elements()
        .position(|e| is(&e))
        .unwrap()
}

fn decrypt_first(
    octets: &SignedOctets,
    receiver: &Receiver,
    local: &str,
    expected: Name,
) -> Result<CoveredOctets, EncryptionError> {
    let limits = Limits::default();
    let document = octets.document(&limits).unwrap();
    let element = document
        .root()
        .child_elements()
        .nth(first(&document, local))
        .unwrap();
    document.decrypt(element, expected, &receiver.context(&limits))
}

/// A signature over the ciphertext makes a value of its content, also of CBC's, which is
/// refused without one.
#[test]
fn a174_a_signature_around_covers_what_is_inside() {
    let content = assertion("_a", ALICE);
    for inside in [
        encrypt(&content),
        made(BlockCipher::Aes128Cbc, &padded(&content)),
        made(BlockCipher::Aes256Cbc, &padded(&content)),
    ] {
        let document = signed_response(&inside);
        let octets = verified(&document).unwrap();
        let receiver = Receiver::new();
        let covered = decrypt_first(&octets, &receiver, "EncryptedAssertion", ASSERTION).unwrap();
        let value = covered.read::<Assertion>().unwrap();
        assert_eq!(value.name_id, ALICE);
        assert_eq!(value.signed_by(), octets.signed_by());
        assert_eq!(covered.signed_by(), octets.signed_by());

        // One octet of the ciphertext changed: the signature says so, before any decryption.
        let at = document.find("</xenc:CipherValue>").unwrap() - 20;
        let mut changed = document.into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let error = verified(std::str::from_utf8(&changed).unwrap()).unwrap_err();
        assert_eq!(error, SignatureError::DigestMismatch);
    }
}

/// Where both are signed, both must verify: the parts for that are there.
#[test]
fn a_signature_inside_can_be_verified_besides() {
    let provider = provider();
    let verification = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: testkit::fixed_now(),
    };
    for (content, good) in [
        (plaintext(), true),
        (swap(&plaintext(), ALICE, "mallory@example.com"), false),
    ] {
        let octets = verified(&signed_response(&encrypt(&content))).unwrap();
        let covered =
            decrypt_first(&octets, &Receiver::new(), "EncryptedAssertion", ASSERTION).unwrap();
        let inner = covered.parse::<Assertion>().unwrap();
        assert_eq!(inner.verify(&trusted(), &verification).is_ok(), good);
    }
}

/// A signed document vouches for its own elements only.
#[test]
fn a174_elements_of_other_documents_are_not_covered() {
    let limits = Limits::default();
    let receiver = Receiver::new();
    let octets = verified(&signed_response(&encrypt(&plaintext()))).unwrap();
    let signed = octets.document(&limits).unwrap();
    let forged = signed_response(&encrypt(&assertion("_a", "mallory@example.com")));
    let forged = Document::parse(forged.as_bytes(), &limits).unwrap();
    let twin = octets.document(&limits).unwrap();
    for root in [forged.root(), twin.root()] {
        let element = root.child_elements().next().unwrap();
        not_decrypted(
            signed.decrypt(element, ASSERTION, &receiver.context(&limits)),
            EncryptionError::NotCovered,
            "encryption.not_covered",
        );
        let part = signed.part(element, &limits).map(drop);
        assert_eq!(part, Err(EncryptionError::NotCovered));
    }
    let own = signed.root().child_elements().next().unwrap();
    drop(signed.part(own, &limits).unwrap());
}

/// A key outside of what is signed is not found: the covered octets are all there is.
#[test]
fn a177_a_key_outside_of_what_is_signed_is_not_found() {
    let cipher = BlockCipher::Aes256Cbc;
    let octets = sealed(cipher, &KEY, &padded(&plaintext()));
    let reference = "<ds:RetrievalMethod URI=\"#_k\"/>";
    let inside = wrap(
        "EncryptedAssertion",
        &data(&cipher_method(cipher), reference, &octets),
    );
    let signed = signed_response(&inside);
    let key = encrypted_key(" Id=\"_k\"", RsaOaep::SHA1, &KEY);
    let around = format!("<r>{key}{signed}</r>");
    let octets = verify_part(&around, |root| root.child_elements().nth(1).unwrap()).unwrap();
    not_decrypted(
        decrypt_first(&octets, &Receiver::new(), "EncryptedAssertion", ASSERTION),
        EncryptionError::Malformed(EncryptionStructure::KeyElsewhere),
        "encryption.malformed",
    );
}

/// An encrypted identifier inside an encrypted assertion, one explicit step each.
#[test]
fn a179_an_encrypted_id_inside_an_encrypted_assertion() {
    let limits = Limits::default();
    let receiver = Receiver::new();
    let name_id = format!("<saml:NameID xmlns:saml=\"{SAML}\">{ALICE}</saml:NameID>");
    let encrypted_id = encrypt(&name_id).replace("EncryptedAssertion", "EncryptedID");
    let content = assertion("_a", ALICE);
    let name = cut(&content, "saml:NameID").1;
    let content = swap(&content, name, &encrypted_id);
    let octets = verified(&signed_response(&encrypt(&content))).unwrap();
    let covered = decrypt_first(&octets, &receiver, "EncryptedAssertion", ASSERTION).unwrap();
    let document = covered.document().unwrap();
    let subject = document
        .root()
        .child_elements()
        .find(|e| e.is(Name::saml("Subject")))
        .unwrap();
    let element = subject.child_elements().next().unwrap();
    let inner = document
        .decrypt(element, Name::saml("NameID"), &receiver.context(&limits))
        .unwrap();
    assert!(format!("{inner:?}").starts_with("CoveredOctets("));
    assert!(!format!("{inner:?}").contains("alice"));
    assert_eq!(
        inner.read::<Assertion>().unwrap_err().code(),
        "schema.unexpected_root"
    );
}

/// A signature beside the octets (the redirect binding) covers as well.
#[test]
fn a_detached_signature_covers_what_was_read_from_its_octets() {
    let provider = provider();
    let verification = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: testkit::fixed_now(),
    };
    let message = made(BlockCipher::Aes128Cbc, &padded(&assertion("_a", ALICE)));
    let signature = signer().sign_octets(message.as_bytes()).unwrap();
    let octets = verification
        .verify_detached(
            signer().algorithm().uri(),
            message.as_bytes(),
            &signature,
            &trusted(),
            |octets| Ok::<_, XmlError>(octets.to_vec()),
        )
        .unwrap();
    let limits = Limits::default();
    let document = octets.document(&limits).unwrap();
    let receiver = Receiver::new();
    let covered = document
        .decrypt(document.root(), ASSERTION, &receiver.context(&limits))
        .unwrap();
    let value = covered.read::<Assertion>().unwrap();
    assert_eq!(value.name_id, ALICE);
    assert_eq!(document.signed_by(), value.signed_by());
}
