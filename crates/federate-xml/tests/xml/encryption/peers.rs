//! xmlsec1 as the judge: it decrypts what we encrypt, we decrypt what it encrypts.

use super::*;
use crate::peers::{Folder, installed, xmlsec1};
use std::ffi::OsStr;

#[test]
fn xmlsec1_decrypts_what_we_encrypt() {
    if !installed("xmlsec1") {
        return;
    }
    let folder = Folder::new("encrypted-by-us");
    let key = folder.file("key.pem", testkit::RSA_KEY);
    let content = plaintext();
    for sender in providers() {
        let encryptor = Encryptor::new(sender, testkit::certificate())
            .unwrap()
            .with_recipient("https://sp.example");
        for cipher in BlockCipher::ALL
            .into_iter()
            .filter(|c| c.is_authenticated())
        {
            let document = encrypt_with(&encryptor.clone().with_cipher(cipher).unwrap(), &content);
            let judge = |document: &str| {
                let file = folder.file("encrypted.xml", document);
                xmlsec1(&[
                    OsStr::new("--decrypt"),
                    OsStr::new("--privkey-pem"),
                    key.as_os_str(),
                    file.as_os_str(),
                ])
            };
            let output = judge(&document);
            assert!(output.status.success(), "{output:?}");
            let decrypted = String::from_utf8(output.stdout).unwrap();
            assert!(
                decrypted.contains(cut(&content, "ds:SignatureValue").1),
                "{decrypted}"
            );
            // And it is no yes-sayer.
            let at = document.rfind("</xenc:CipherValue>").unwrap() - 30;
            let changed = if &document[at..=at] == "A" { "B" } else { "A" };
            let document = format!("{}{changed}{}", &document[..at], &document[at + 1..]);
            assert!(!judge(&document).status.success());
            Receiver::new().fails(&document);
        }
    }
}

#[test]
fn we_decrypt_what_xmlsec1_encrypts() {
    if !installed("xmlsec1") {
        return;
    }
    let folder = Folder::new("encrypted-by-xmlsec1");
    let certificate = folder.file("certificate.pem", testkit::RSA_CERTIFICATE);
    let content = plaintext();
    let file = folder.file("assertion.xml", &content);
    for (cipher, session_key) in [
        (BlockCipher::Aes128Gcm, "aes-128"),
        (BlockCipher::Aes192Gcm, "aes-192"),
        (BlockCipher::Aes256Gcm, "aes-256"),
        (BlockCipher::Aes128Cbc, "aes-128"),
        (BlockCipher::Aes192Cbc, "aes-192"),
        (BlockCipher::Aes256Cbc, "aes-256"),
        (BlockCipher::TripleDesCbc, "des-192"),
    ] {
        let key = raw_key("", &method("rsa-oaep-mgf1p", ""), b"");
        let template = data(&cipher_method(cipher), &key, b"");
        let template = folder.file("template.xml", &template);
        let encrypted = folder.0.join("encrypted.xml");
        let output = xmlsec1(&[
            OsStr::new("--encrypt"),
            OsStr::new("--pubkey-cert-pem"),
            certificate.as_os_str(),
            OsStr::new("--session-key"),
            OsStr::new(session_key),
            OsStr::new("--xml-data"),
            file.as_os_str(),
            OsStr::new("--output"),
            encrypted.as_os_str(),
            template.as_os_str(),
        ]);
        assert!(output.status.success(), "{cipher}: {output:?}");
        let document = std::fs::read_to_string(&encrypted).unwrap();
        for provider in providers() {
            let receiver = Receiver::lenient(provider);
            if cipher == BlockCipher::TripleDesCbc && provider.name == "aws-lc" {
                receiver.refuses(&document, "the block cipher", cipher.uri());
                continue;
            }
            let decrypted = receiver.decrypt(&document).unwrap();
            assert_eq!(canonical(&decrypted), content, "{cipher}");
            if !cipher.is_authenticated() {
                Receiver::with(provider).refuses(&document, "the block cipher", cipher.uri());
            }
        }
    }
}
