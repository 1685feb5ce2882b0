//! Attacks on what decryption tells and on what it is taken for.

use super::*;
use federate_crypto::{BlockCiphers, CryptoError};
use federate_xml::{SignatureError, SignaturePolicy, VerificationContext};
use std::sync::atomic::{AtomicUsize, Ordering};
use zeroize::Zeroizing;

const BLOCK: &str = "the block cipher";
const TRANSPORT: &str = "the key transport";

#[test]
fn what_is_encrypted_decrypts() {
    for sender in providers() {
        let encryptor = Encryptor::new(sender, testkit::certificate()).unwrap();
        for cipher in BlockCipher::ALL {
            if cipher.is_authenticated() {
                let encryptor = encryptor.clone().with_cipher(cipher).unwrap();
                let document = encrypt_with(&encryptor, &plaintext());
                for receiver in providers() {
                    let receiver = Receiver::with(receiver);
                    assert_eq!(receiver.decrypt(&document).unwrap(), plaintext());
                }
            } else {
                let error = encryptor.clone().with_cipher(cipher).unwrap_err();
                assert_eq!(error.code(), "crypto.unsupported_encryption");
            }
        }
    }
}

/// Every value of the octet that decides about the padding, and every octet of the last
/// block: either it decrypts or it fails, and failing has one form.
#[test]
fn a170_cbc_padding_oracle() {
    let cipher = BlockCipher::Aes128Cbc;
    let good = sealed(cipher, &KEY[..16], &padded(&plaintext()));
    let key = encrypted_key("", RsaOaep::SHA1, &KEY[..16]);
    let document = |octets: &[u8]| {
        wrap(
            "EncryptedAssertion",
            &data(&cipher_method(cipher), &key, octets),
        )
    };
    for provider in providers() {
        let receiver = Receiver::lenient(provider);
        assert_eq!(receiver.decrypt(&document(&good)).unwrap(), plaintext());
        let mut failures = 0;
        for value in 0..=u8::MAX {
            let mut octets = good.clone();
            let at = octets.len() - 17;
            octets[at] = value;
            // A padding of another length cuts the content elsewhere: it is no element then.
            match receiver.decrypt(&document(&octets)) {
                Ok(content) => assert_eq!(content, plaintext()),
                Err(error) => {
                    failures += 1;
                    assert_eq!(error, EncryptionError::DecryptionFailed);
                }
            }
        }
        assert_eq!(failures, 255);
        for at in good.len() - 16..good.len() {
            let mut octets = good.clone();
            octets[at] ^= 0x80;
            receiver.fails(&document(&octets));
        }
        // By default none of this is decrypted at all.
        Receiver::with(provider).refuses(&document(&good), BLOCK, cipher.uri());
    }
}

/// The exception for a peer ends at its date.
#[test]
fn a170_cbc_is_allowed_until_a_date() {
    let document = made(BlockCipher::Aes256Cbc, &padded(&plaintext()));
    for (seconds, allowed) in [(1, true), (0, false), (-1, false)] {
        let mut receiver = Receiver::new();
        let until = testkit::fixed_now() + chrono::TimeDelta::seconds(seconds);
        receiver.policy = DecryptionPolicy::default().dangerous_allow_cbc_until(until);
        assert_eq!(receiver.decrypt(&document).is_ok(), allowed);
    }
}

/// Counts what is asked of AWS-LC.
struct Counting;

static DECRYPTIONS: AtomicUsize = AtomicUsize::new(0);

impl BlockCiphers for Counting {
    fn encrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        iv: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        provider().ciphers.encrypt(cipher, key, iv, plaintext)
    }

    fn decrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        octets: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        assert_eq!(key.len(), cipher.key_len());
        DECRYPTIONS.fetch_add(1, Ordering::Relaxed);
        provider().ciphers.decrypt(cipher, key, octets)
    }
}

/// A key that does not decrypt is replaced by a random one, so that the content is decrypted
/// all the same: as often, by the same steps, to the same error.
#[test]
fn a171_a_bad_key_takes_the_same_steps_as_a_good_one() {
    let counting = CryptoProvider {
        ciphers: &Counting,
        ..provider()
    };
    let receiver = Receiver::lenient(counting);
    for cipher in [BlockCipher::Aes256Gcm, BlockCipher::Aes256Cbc] {
        let octets = sealed(cipher, &KEY, &padded(&plaintext()));
        let good = STANDARD
            .decode(text_between(
                &encrypted_key("", RsaOaep::SHA1, &KEY),
                "<xenc:CipherValue>",
                "</",
            ))
            .unwrap();
        let with_key = |key: &str| {
            wrap(
                "EncryptedAssertion",
                &data(&cipher_method(cipher), key, &octets),
            )
        };
        let oaep = method("rsa-oaep-mgf1p", "");
        let changed: Vec<u8> = good.iter().map(|octet| octet ^ 1).collect();
        let another_digest = provider()
            .key_transport
            .encrypt_key(testkit::certificate().public_key(), RsaOaep::SHA256, &KEY)
            .unwrap();
        for key in [
            raw_key("", &oaep, &changed),
            raw_key("", &oaep, &vec![0; 256]),
            raw_key("", &oaep, &vec![0xff; 256]),
            raw_key("", &oaep, &[1]),
            raw_key("", &oaep, &another_digest),
            // Keys that decrypt well, but have another length than the cipher's.
            encrypted_key("", RsaOaep::SHA1, &KEY[..16]),
            encrypted_key("", RsaOaep::SHA1, b""),
            encrypted_key("", RsaOaep::SHA1, &[7; 33]),
        ] {
            let before = DECRYPTIONS.load(Ordering::Relaxed);
            receiver.fails(&with_key(&key));
            assert_eq!(DECRYPTIONS.load(Ordering::Relaxed), before + 1);
        }
    }
}

fn text_between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let from = text.find(start).unwrap() + start.len();
    let to = text[from..].find(end).unwrap() + from;
    &text[from..to]
}

/// PKCS#1 v1.5 is not decrypted, whoever asks.
#[test]
fn a171_rsa_1_5_is_refused() {
    let rsa_1_5 = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    let document = encrypt(&plaintext());
    let old = swap(&document, "#rsa-oaep-mgf1p", "#rsa-1_5");
    for provider in providers() {
        Receiver::with(provider).refuses(&old, TRANSPORT, rsa_1_5);
        Receiver::lenient(provider).refuses(&old, TRANSPORT, rsa_1_5);
    }
    let unknown = swap(&document, "#rsa-oaep-mgf1p", "#kw-aes128");
    Receiver::new().refuses(&unknown, TRANSPORT, "an unknown algorithm");
}

/// "One Bad Apple": what was encrypted with GCM is presented as CBC, to be read through the
/// padding.
#[test]
fn a172_a_gcm_key_used_with_cbc() {
    let gcm = encryptor().with_cipher(BlockCipher::Aes128Gcm).unwrap();
    for len in 0..16 {
        // CBC takes whole blocks: some of these ciphertexts are.
        let content = plaintext() + &" ".repeat(len);
        let document = encrypt_with(&gcm, &content);
        let cbc = swap(
            &document,
            BlockCipher::Aes128Gcm.uri(),
            BlockCipher::Aes128Cbc.uri(),
        );
        Receiver::new().refuses(&cbc, BLOCK, BlockCipher::Aes128Cbc.uri());
        Receiver::lenient(provider()).fails(&cbc);
    }
}

/// Tags cut short, vectors of another length, nothing at all.
#[test]
fn a173_gcm_malformed() {
    let good = sealed(BlockCipher::Aes256Gcm, &KEY, plaintext().as_bytes());
    let key = encrypted_key("", RsaOaep::SHA1, &KEY);
    let document = |octets: &[u8]| {
        let method = cipher_method(BlockCipher::Aes256Gcm);
        wrap("EncryptedAssertion", &data(&method, &key, octets))
    };
    for provider in providers() {
        let receiver = Receiver::with(provider);
        assert!(receiver.decrypt(&document(&good)).is_ok());
        for cut in 1..=16 {
            receiver.fails(&document(&good[..good.len() - cut]));
        }
        for cut in 1..=12 {
            receiver.fails(&document(&good[cut..]));
        }
        // A vector of 128 bits, or none.
        receiver.fails(&document(&[&[0; 4], good.as_slice()].concat()));
        receiver.fails(&document(&good[12..]));
        for len in 1..30 {
            receiver.fails(&document(&good[..len]));
        }
        receiver.malformed(&document(b""), EncryptionStructure::Base64);
    }
}

/// Anybody can encrypt to us: what comes out is to be verified like anything else.
#[test]
fn a174_encryption_is_not_authentication() {
    let provider = provider();
    let verification = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: testkit::fixed_now(),
    };
    let receiver = Receiver::new();
    let unsigned = encrypt(&assertion("_a", "mallory@example.com"));
    let decrypted = receiver.decrypt_as(&unsigned, ASSERTION).unwrap();
    refused(
        decrypted
            .parse::<Assertion>()
            .unwrap()
            .verify(&trusted(), &verification),
        SignatureError::Missing,
        "signature.missing",
    );
    // With a signature of its own it counts, whatever else the response says.
    let decrypted = receiver
        .decrypt_as(&encrypt(&plaintext()), ASSERTION)
        .unwrap();
    let verified = decrypted
        .parse::<Assertion>()
        .unwrap()
        .verify(&trusted(), &verification)
        .unwrap();
    assert_eq!(verified.name_id, ALICE);
}

#[test]
fn a175_plaintext_that_is_not_one_assertion() {
    let good = assertion("_a", ALICE);
    let receiver = Receiver::new();
    let nested = encrypt(&good);
    for content in [
        "",
        " ",
        "text",
        "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">a</saml:NameID>",
        "<Assertion/>",
        "<Assertion xmlns=\"urn:oasis:names:tc:SAML:1.0:assertion\"/>",
        &format!("{good}{good}"),
        &format!("text{good}"),
        &format!("{good}text"),
        &format!("<!DOCTYPE a>{good}"),
        &format!("<?xml version=\"1.1\"?>{good}"),
        &format!("<x>{good}</x>"),
        // Out of the element in which the plaintext is parsed for its namespaces.
        &format!("<p:a/></context><context>{good}"),
        &format!("</context>{good}<context>"),
        &format!("{good}<p:a/>"),
        &swap(&good, "<saml:Issuer>", "<p:Issuer>"),
        // A second decryption is nobody's business here.
        &nested,
        text_between(&nested, &format!("xmlns:saml=\"{SAML}\">"), "</saml:"),
    ] {
        receiver.fails(&encrypt(content));
        let padded = made(BlockCipher::Aes128Cbc, &padded(content));
        Receiver::lenient(provider()).fails(&padded);
    }
    receiver.fails(&made(BlockCipher::Aes128Gcm, b"<a>\xff</a>"));
}

/// A peer that encrypts what it cut out of a document with the namespaces declared around it.
#[test]
fn a175_plaintext_that_leans_on_the_namespaces_around_it() {
    let content = "<saml:Assertion ID=\"_a\"><!-- x --><saml:Issuer>i</saml:Issuer><q:x/>\
                   </saml:Assertion>";
    let document = encrypt(content);
    Receiver::new().fails(&document);
    let around = swap(
        &document,
        "<saml:EncryptedAssertion",
        "<saml:EncryptedAssertion xmlns:q=\"urn:q?a&amp;b\" xmlns=\"urn:d\"",
    );
    assert_eq!(
        Receiver::new().decrypt(&around).unwrap(),
        format!(
            "<saml:Assertion xmlns=\"urn:d\" xmlns:q=\"urn:q?a&amp;b\" xmlns:saml=\"{SAML}\" \
             ID=\"_a\"><!-- x --><saml:Issuer>i</saml:Issuer><q:x></q:x></saml:Assertion>"
        )
    );
    // The default namespace, too.
    let document = encrypt("<Assertion ID=\"_a\"/>");
    let around = format!("<r xmlns=\"{SAML}\">{document}</r>").replace("<r ", "<Response ");
    let around = around.replace("</r>", "</Response>");
    assert_eq!(
        Receiver::new().decrypt(&around).unwrap(),
        format!("<Assertion xmlns=\"{SAML}\" xmlns:saml=\"{SAML}\" ID=\"_a\"></Assertion>")
    );
}

/// Nothing is fetched and nothing is transformed.
#[test]
fn a176_cipher_reference_and_transforms() {
    let document = encrypt(&plaintext());
    let value = cut(&document, "xenc:CipherValue").1;
    let key_reference = swap(
        &document,
        value,
        "<xenc:CipherReference URI=\"http://169.254.169.254/\"/>",
    );
    Receiver::new().malformed(&key_reference, EncryptionStructure::CipherReference);
    let (before, rest) = document.split_at(document.rfind("<xenc:CipherValue").unwrap());
    let value = cut(rest, "xenc:CipherValue").1;
    for reference in [
        "<xenc:CipherReference URI=\"#_a\"/>",
        "<xenc:CipherReference URI=\"file:///etc/passwd\"><xenc:Transforms/></xenc:CipherReference>",
    ] {
        let document = format!("{before}{}", swap(rest, value, reference));
        Receiver::new().malformed(&document, EncryptionStructure::CipherReference);
    }
}
