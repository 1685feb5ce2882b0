//! Encryption: what it must give, and what it must not tell.

#[path = "encryption/attacks.rs"]
mod attacks;
#[path = "encryption/covered.rs"]
mod covered;
#[path = "encryption/keys.rs"]
mod keys;
#[path = "encryption/peers.rs"]
mod peers;
#[path = "encryption/properties.rs"]
mod properties;
#[path = "encryption/vectors.rs"]
mod vectors;

use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::{BlockEncryptMut, KeyIvInit, block_padding::NoPadding};
use federate_crypto::{
    BlockCipher, CryptoProvider, DecryptionKey, PrivateKey, RsaOaep, rustcrypto_provider,
};
use federate_testkit::keys as testkit;
use federate_xml::enc::{
    DecryptedOctets, DecryptionContext, DecryptionKeys, DecryptionPolicy, EncryptionError,
    EncryptionStructure, Encryptor,
};
use federate_xml::{Canonicalization, Document, Limits, Name, SAML, XENC, canonicalize};
use std::sync::Arc;

const ASSERTION: Name = Name::saml("Assertion");

fn providers() -> [CryptoProvider; 2] {
    [provider(), rustcrypto_provider()]
}

fn decryption_key(provider: &CryptoProvider, pem: &str) -> Arc<dyn DecryptionKey> {
    let private = PrivateKey::from_pem(pem).unwrap();
    provider
        .key_transport
        .load_decryption_key(&private)
        .unwrap()
}

/// Decrypts with the key of the trusted party.
struct Receiver {
    provider: CryptoProvider,
    keys: DecryptionKeys,
    policy: DecryptionPolicy,
    recipient: Option<&'static str>,
}

impl Receiver {
    fn new() -> Self {
        Self::with(provider())
    }

    fn with(provider: CryptoProvider) -> Self {
        Self {
            keys: decryption_key(&provider, testkit::RSA_KEY).into(),
            policy: DecryptionPolicy::default(),
            recipient: None,
            provider,
        }
    }

    /// One that decrypts CBC of a peer that does not sign its ciphertexts.
    fn lenient(provider: CryptoProvider) -> Self {
        let tomorrow = testkit::fixed_now() + chrono::TimeDelta::days(1);
        Self {
            policy: DecryptionPolicy::default().dangerous_allow_cbc_until(tomorrow),
            ..Self::with(provider)
        }
    }

    fn context<'a>(&'a self, limits: &'a Limits) -> DecryptionContext<'a> {
        DecryptionContext {
            provider: &self.provider,
            keys: &self.keys,
            policy: &self.policy,
            recipient: self.recipient,
            limits,
            now: testkit::fixed_now(),
        }
    }

    fn decrypt_as(
        &self,
        document: &str,
        expected: Name,
    ) -> Result<DecryptedOctets, EncryptionError> {
        let limits = Limits::default();
        let document = Document::parse(document.as_bytes(), &limits).unwrap();
        let mut element = document.root();
        if element.local_name() == "Response" {
            element = element.child_elements().next().unwrap();
        }
        self.context(&limits).decrypt(element, expected)
    }

    /// Decrypts the root, or the first element of a response, to an assertion.
    fn decrypt(&self, document: &str) -> Result<String, EncryptionError> {
        let decrypted = self.decrypt_as(document, ASSERTION)?;
        Ok(String::from_utf8(decrypted.octets_hint().to_vec()).unwrap())
    }

    /// Asserts that it does not decrypt, and that nothing more is to be learnt.
    #[track_caller]
    fn fails(&self, document: &str) {
        not_decrypted(
            self.decrypt(document),
            EncryptionError::DecryptionFailed,
            "encryption.failed",
        );
    }

    #[track_caller]
    fn malformed(&self, document: &str, structure: EncryptionStructure) {
        not_decrypted(
            self.decrypt(document),
            EncryptionError::Malformed(structure),
            "encryption.malformed",
        );
    }

    #[track_caller]
    fn refuses(&self, document: &str, role: &'static str, uri: &'static str) {
        not_decrypted(
            self.decrypt(document),
            EncryptionError::AlgorithmRefused { role, uri },
            "encryption.algorithm_refused",
        );
    }
}

#[track_caller]
fn not_decrypted<T: std::fmt::Debug>(
    result: Result<T, EncryptionError>,
    expected: EncryptionError,
    code: &str,
) {
    assert_eq!(result.unwrap_err(), expected);
    assert_eq!(expected.code(), code);
}

fn encryptor() -> Encryptor {
    Encryptor::new(provider(), testkit::certificate()).unwrap()
}

/// The element of type `saml:EncryptedElementType` around what is given.
fn wrap(name: &str, inside: &str) -> String {
    format!("<saml:{name} xmlns:saml=\"{SAML}\">{inside}</saml:{name}>")
}

/// What the crate makes of an element: a `saml:EncryptedAssertion`.
fn encrypt(plaintext: &str) -> String {
    encrypt_with(&encryptor(), plaintext)
}

fn encrypt_with(encryptor: &Encryptor, plaintext: &str) -> String {
    let octets = encryptor.encrypt(plaintext.as_bytes()).unwrap();
    wrap("EncryptedAssertion", &String::from_utf8(octets).unwrap())
}

/// The canonical form of a document.
fn canonical(document: &str) -> String {
    let document = Document::parse(document.as_bytes(), &Limits::default()).unwrap();
    let mut octets = Vec::new();
    canonicalize(
        document.root(),
        None,
        &Canonicalization::default(),
        &mut octets,
    );
    String::from_utf8(octets).unwrap()
}

/// A signed assertion.
fn plaintext() -> String {
    signed()
}

/// An `xenc:EncryptedKey` to the trusted party, with these attributes.
fn encrypted_key(attributes: &str, oaep: RsaOaep, key: &[u8]) -> String {
    let provider = rustcrypto_provider();
    let certificate = testkit::certificate();
    let octets = provider
        .key_transport
        .encrypt_key(certificate.public_key(), oaep, key)
        .unwrap();
    raw_key(attributes, &method("rsa-oaep-mgf1p", ""), &octets)
}

/// An `xenc:EncryptionMethod` of XML encryption 1.0.
fn method(name: &str, inside: &str) -> String {
    format!("<xenc:EncryptionMethod Algorithm=\"{XENC}{name}\">{inside}</xenc:EncryptionMethod>")
}

/// A method with the identifier of a block cipher.
fn cipher_method(cipher: BlockCipher) -> String {
    format!("<xenc:EncryptionMethod Algorithm=\"{}\"/>", cipher.uri())
}

fn raw_key(attributes: &str, method: &str, octets: &[u8]) -> String {
    format!(
        "<xenc:EncryptedKey xmlns:xenc=\"{XENC}\"{attributes}>{method}<xenc:CipherData>\
         <xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>",
        STANDARD.encode(octets)
    )
}

/// An `xenc:EncryptedData` with this inside its KeyInfo.
fn data(method: &str, key_info: &str, octets: &[u8]) -> String {
    format!(
        "<xenc:EncryptedData xmlns:xenc=\"{XENC}\" Type=\"{XENC}Element\">{method}\
         <ds:KeyInfo xmlns:ds=\"{}\">{key_info}</ds:KeyInfo><xenc:CipherData>\
         <xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>",
        federate_xml::DS,
        STANDARD.encode(octets)
    )
}

/// Encrypts as a peer might, to the trusted party: any cipher, the padding as given.
fn sealed(cipher: BlockCipher, key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let iv = vec![0x5a; cipher.iv_len()];
    if cipher.is_authenticated() {
        let provider = provider();
        return provider
            .ciphers
            .encrypt(cipher, key, &iv, plaintext)
            .unwrap();
    }
    let mut blocks = plaintext.to_vec();
    let len = blocks.len();
    match cipher {
        BlockCipher::Aes128Cbc => cbc::Encryptor::<aes::Aes128>::new_from_slices(key, &iv)
            .unwrap()
            .encrypt_padded_mut::<NoPadding>(&mut blocks, len),
        BlockCipher::Aes256Cbc => cbc::Encryptor::<aes::Aes256>::new_from_slices(key, &iv)
            .unwrap()
            .encrypt_padded_mut::<NoPadding>(&mut blocks, len),
        other => panic!("not made here: {other}"),
    }
    .unwrap();
    [iv, blocks].concat()
}

/// The padding of CBC (`[XMLEnc] 5.2.1`): arbitrary octets and their number.
fn padded(plaintext: &str) -> Vec<u8> {
    let mut octets = plaintext.as_bytes().to_vec();
    let pad = 16 - octets.len() % 16;
    octets.resize(octets.len() + pad - 1, 0xd5);
    octets.push(pad as u8);
    octets
}

const KEY: [u8; 32] = [7; 32];

/// A `saml:EncryptedAssertion` as a peer might make it, key inside KeyInfo.
fn made(cipher: BlockCipher, plaintext: &[u8]) -> String {
    let key = &KEY[..cipher.key_len()];
    let octets = sealed(cipher, key, plaintext);
    let transported = encrypted_key("", RsaOaep::SHA1, key);
    wrap(
        "EncryptedAssertion",
        &data(&cipher_method(cipher), &transported, &octets),
    )
}
