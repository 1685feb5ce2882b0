//! What the tests share: every enabled provider, and keys made once.

use crate::{CryptoProvider, KeyType, PrivateKey, SignatureAlgorithm, SigningKey};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

pub(crate) const RSA: [SignatureAlgorithm; 6] = [
    SignatureAlgorithm::RsaSha256,
    SignatureAlgorithm::RsaSha384,
    SignatureAlgorithm::RsaSha512,
    SignatureAlgorithm::RsaPssSha256,
    SignatureAlgorithm::RsaPssSha384,
    SignatureAlgorithm::RsaPssSha512,
];

/// Every provider that is compiled in.
pub(crate) fn providers() -> Vec<CryptoProvider> {
    vec![
        #[cfg(feature = "aws-lc")]
        crate::aws_lc_provider(),
        #[cfg(feature = "rustcrypto")]
        crate::rustcrypto_provider(),
    ]
}

/// Two RSA keys of 2048 bits, by number.
pub(crate) fn rsa_key(number: usize) -> &'static PrivateKey {
    static KEYS: [OnceLock<PrivateKey>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[number].get_or_init(|| providers()[0].keys.generate_rsa(2048).unwrap())
}

/// One of the keys, loaded.
pub(crate) fn signer(provider: &CryptoProvider, number: usize) -> Arc<dyn SigningKey> {
    provider
        .keys
        .load_signing_key(rsa_key(number), SignatureAlgorithm::RsaSha256)
        .unwrap()
}

/// Keys of every type but RSA, made by every provider, with the algorithm of their size.
pub(crate) fn other_keys() -> Vec<(PrivateKey, SignatureAlgorithm)> {
    let mut made = Vec::new();
    for provider in providers() {
        for algorithm in [
            SignatureAlgorithm::EcdsaSha256,
            SignatureAlgorithm::EcdsaSha384,
            SignatureAlgorithm::EcdsaSha512,
            SignatureAlgorithm::Ed25519,
        ] {
            let key = match algorithm.key_type() {
                KeyType::Ec(curve) => provider.keys.generate_ec(curve),
                _ => provider.keys.generate_ed25519(),
            };
            made.push((key.unwrap(), algorithm));
        }
    }
    // PKCS#8 of version 2, which holds the public half too.
    #[cfg(feature = "aws-lc")]
    {
        use aws_lc_rs::{rand::SystemRandom, signature::Ed25519KeyPair};
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = PrivateKey::from_pkcs8_der(der.as_ref()).unwrap();
        made.push((key, SignatureAlgorithm::Ed25519));
    }
    made
}

/// What the installed openssl answers to some input; it must succeed. `None` when it is not
/// there, which the environment variable `FEDERATE_REQUIRE_PEERS` makes a failure, as in CI.
pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> Option<String> {
    let spawned = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        println!("skipped: openssl is not installed");
        let required = std::env::var("FEDERATE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
        assert!(!required, "openssl is not installed");
        return None;
    };
    // It may answer before it has read everything: write from another thread.
    let mut stdin = child.stdin.take()?;
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join(); // it need not read to the end
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The octets that hexadecimal digits stand for.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
