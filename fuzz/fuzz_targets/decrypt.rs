//! Whatever is encrypted, and whatever it decrypts to: no panic, one error that says nothing,
//! and refusals that depend on public data only.
#![no_main]

use federate_crypto::{
    BlockCipher, Certificate, CryptoError, CryptoProvider, DecryptionKey, PublicKey, RsaOaep,
    aws_lc_provider,
};
use federate_xml::{
    DecryptionContext, DecryptionKeys, DecryptionPolicy, Document, Element, EncryptionError,
    Limits, Name,
};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

const CERTIFICATE: &str = include_str!("../seeds/certificate.pem");

/// The content key that [`Open`] finds in everything, cut to the length it is told.
const KEY: [u8; 32] = [7; 32];

/// "Decrypts" a key by taking the last octet for its length: so the fuzzer gets past RSA.
#[derive(Debug)]
struct Open(PublicKey);

/// Decrypts nothing.
#[derive(Debug)]
struct Shut(PublicKey);

impl DecryptionKey for Open {
    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn decrypt_key(&self, _: RsaOaep, octets: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let len = usize::from(octets.last().copied().unwrap_or_default());
        let key = KEY.get(..len).ok_or(CryptoError::DecryptionFailed)?;
        Ok(Zeroizing::new(key.to_vec()))
    }
}

impl DecryptionKey for Shut {
    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn decrypt_key(&self, _: RsaOaep, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        Err(CryptoError::DecryptionFailed)
    }
}

struct Fixed {
    provider: CryptoProvider,
    open: DecryptionKeys,
    shut: DecryptionKeys,
}

fn fixed() -> &'static Fixed {
    static FIXED: OnceLock<Fixed> = OnceLock::new();
    FIXED.get_or_init(|| {
        let certificate = Certificate::from_pem(CERTIFICATE).expect("our certificate");
        let key = || certificate.public_key().clone();
        Fixed {
            provider: aws_lc_provider(),
            open: DecryptionKeys::from(Arc::new(Open(key())) as Arc<dyn DecryptionKey>),
            shut: DecryptionKeys::from(Arc::new(Shut(key())) as Arc<dyn DecryptionKey>),
        }
    })
}

fn walk<'d>(element: Element<'d>, visit: &mut dyn FnMut(Element<'d>)) {
    visit(element);
    for child in element.child_elements() {
        walk(child, visit);
    }
}

/// What an element decrypts to with either key.
fn decrypt(element: Element<'_>, fixed: &Fixed) -> Option<Vec<u8>> {
    let expected = Name::saml("Assertion");
    let policy = DecryptionPolicy::default()
        .dangerous_allow_cbc_until(chrono::DateTime::<chrono::Utc>::MAX_UTC);
    let limits = Limits::default();
    let context = |keys| DecryptionContext {
        provider: &fixed.provider,
        keys,
        policy: &policy,
        recipient: Some("https://sp.example"),
        limits: &limits,
        now: chrono::DateTime::UNIX_EPOCH,
    };
    let opened = context(&fixed.open).decrypt(element, expected);
    let shut = context(&fixed.shut).decrypt(element, expected);
    let shut = shut.expect_err("decrypted without a key");
    match opened {
        Ok(decrypted) => {
            assert_eq!(shut, EncryptionError::DecryptionFailed);
            let octets = decrypted.octets_hint().to_vec();
            // Namespaces of the surroundings may have been added.
            let room = Limits {
                bytes: usize::MAX,
                value_bytes: usize::MAX,
                ..limits
            };
            let document = Document::parse(&octets, &room).expect("parsed before");
            assert!(document.root().is(expected));
            Some(octets)
        }
        Err(error) => {
            assert_eq!(error, shut, "an error that depends on the key");
            assert!(matches!(
                error.code(),
                "encryption.failed" | "encryption.malformed" | "encryption.algorithm_refused"
            ));
            None
        }
    }
}

/// The octets as a plaintext: encrypted with GCM, between elements that declare namespaces.
fn as_plaintext(octets: &[u8], fixed: &Fixed) {
    use base64::Engine as _;
    let cipher = BlockCipher::Aes256Gcm;
    let sealed = fixed
        .provider
        .ciphers
        .encrypt(cipher, &KEY, &[0; 12], octets)
        .expect("encrypts");
    let encode = |octets: &[u8]| base64::engine::general_purpose::STANDARD.encode(octets);
    let document = format!(
        "<saml:EncryptedAssertion xmlns:saml=\"{}\" xmlns=\"urn:d\" xmlns:b=\"urn:b\">\
         <x:EncryptedData xmlns:x=\"{}\"><x:EncryptionMethod Algorithm=\"{}\"/>\
         <d:KeyInfo xmlns:d=\"{}\"><x:EncryptedKey><x:EncryptionMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/><x:CipherData>\
         <x:CipherValue>{}</x:CipherValue></x:CipherData></x:EncryptedKey></d:KeyInfo>\
         <x:CipherData><x:CipherValue>{}</x:CipherValue></x:CipherData></x:EncryptedData>\
         </saml:EncryptedAssertion>",
        federate_xml::SAML,
        federate_xml::XENC,
        cipher.uri(),
        federate_xml::DS,
        encode(&[32]),
        encode(&sealed),
    );
    let limits = Limits::default();
    let document = Document::parse(document.as_bytes(), &limits).expect("well-formed");
    let alone = Document::parse(octets, &limits);
    let is_assertion = |d: &Document<'_>| d.root().is(Name::saml("Assertion"));
    match decrypt(document.root(), fixed) {
        // What stands on its own comes out as it went in.
        Some(decrypted) if alone.as_ref().is_ok_and(is_assertion) => assert_eq!(decrypted, octets),
        // What leans on the namespaces around it has them now.
        Some(decrypted) => assert_ne!(decrypted, octets),
        None => assert!(!alone.as_ref().is_ok_and(is_assertion)),
    }
}

fuzz_target!(|octets: &[u8]| {
    let fixed = fixed();
    as_plaintext(octets, fixed);
    if let Ok(document) = Document::parse(octets, &Limits::default()) {
        let mut tries = 0;
        walk(document.root(), &mut |element| {
            // Most elements have nothing encrypted inside.
            let data = |e: Element<'_>| e.local_name() == "EncryptedData";
            if (data(element) || element.child_elements().any(data)) && tries < 8 {
                tries += 1;
                let _ = decrypt(element, fixed);
            }
        });
    }
});
