//! Keys and certificates in every form: whatever is read is written and read again the same,
//! loads or is refused by both providers, and signs what its own public half verifies.
#![no_main]

use federate_crypto::{
    Certificate, CryptoProvider, Curve, KeyType, PrivateKey, PublicKey, SignatureAlgorithm,
    VerifyingKey, aws_lc_provider, rustcrypto_provider,
};
use libfuzzer_sys::fuzz_target;

fn providers() -> [CryptoProvider; 2] {
    [aws_lc_provider(), rustcrypto_provider()]
}

fn public(key: &PublicKey) {
    assert_eq!(PublicKey::from_spki_der(key.spki_der()).as_ref(), Ok(key));
    assert_eq!(PublicKey::from_pem(&key.to_pem()).as_ref(), Ok(key));
    for provider in providers() {
        if let Ok(key) = VerifyingKey::new(&provider, key.clone()) {
            for algorithm in SignatureAlgorithm::ALL {
                assert!(key.verify(algorithm, b"message", &[1; 64]).is_err());
            }
        }
    }
}

fn private(key: &PrivateKey) {
    let again = PrivateKey::from_pem(&key.to_pem()).expect("what is written can be read");
    assert_eq!(again.pkcs8_der(), key.pkcs8_der());
    let again = PrivateKey::from_der(key.pkcs8_der()).expect("PKCS#8 is read as PKCS#8");
    assert_eq!(again.pkcs8_der(), key.pkcs8_der());
    let algorithm = match key.key_type() {
        KeyType::Rsa => SignatureAlgorithm::RsaSha256,
        KeyType::Ec(Curve::P256) => SignatureAlgorithm::EcdsaSha256,
        KeyType::Ec(Curve::P384) => SignatureAlgorithm::EcdsaSha384,
        KeyType::Ec(_) => SignatureAlgorithm::EcdsaSha512,
        _ => SignatureAlgorithm::Ed25519,
    };
    let mut seen: Option<PublicKey> = None;
    for provider in providers() {
        let Ok(signer) = provider.keys.load_signing_key(key, algorithm) else {
            continue;
        };
        // One private key, one public key.
        assert_eq!(
            seen.get_or_insert(signer.public_key().clone()),
            signer.public_key()
        );
        // RSA whose numbers do not belong together may fail, but never signs wrongly.
        let Ok(signature) = signer.sign(b"message") else {
            continue;
        };
        let verifier = VerifyingKey::new(&provider, signer.public_key().clone());
        let verified = verifier
            .expect("its own key")
            .verify(algorithm, b"message", &signature);
        assert_eq!(verified, Ok(()));
    }
}

fn certificate(certificate: &Certificate) {
    let again = Certificate::from_pem(&certificate.to_pem());
    assert_eq!(again.as_ref(), Ok(certificate));
    let again = Certificate::from_base64(&certificate.to_base64());
    assert_eq!(again.as_ref(), Ok(certificate));
    let _ = (certificate.subject(), certificate.issuer());
    assert!(!certificate.is_valid_at(chrono::DateTime::<chrono::Utc>::MAX_UTC));
    let _ = format!("{certificate:?}");
    let _ = certificate
        .sha256_fingerprint(&aws_lc_provider())
        .to_fingerprint();
    assert!(!Certificate::to_pkcs7_der(std::slice::from_ref(certificate)).is_empty());
    public(certificate.public_key());
}

/// Whether deriving a key from the passphrase might take long: numbers of three and more
/// octets. The bounds proper have their own tests.
fn may_take_long(der: &[u8]) -> bool {
    der.windows(2).any(|pair| matches!(pair, [2, 3..=8]))
}

fuzz_target!(|octets: &[u8]| {
    if let Ok(key) = PrivateKey::from_der(octets) {
        private(&key);
    }
    if !may_take_long(octets)
        && let Ok(key) = PrivateKey::from_encrypted_pkcs8_der(octets, b"passphrase")
    {
        private(&key);
    }
    if let Ok(key) = PublicKey::from_spki_der(octets) {
        public(&key);
    }
    if let Ok(read) = Certificate::from_der(octets) {
        certificate(&read);
    }
    for curve in Curve::ALL {
        let _ = curve.raw_signature(octets);
    }
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    // Encrypted keys are reached by their DER, above, where their cost is known.
    if let Ok(key) = PrivateKey::from_pem(text) {
        private(&key);
    }
    if let Ok(key) = PublicKey::from_pem(text) {
        public(&key);
    }
    if let Ok(read) = Certificate::from_base64(text) {
        certificate(&read);
    }
    for read in Certificate::all_from_pem(text).unwrap_or_default() {
        certificate(&read);
    }
});
