//! What lies beside the documents of others.
//!
//! # Panics
//! What cannot be read is a failed test.

#![allow(clippy::expect_used, clippy::missing_panics_doc)] // for tests only

use federate_crypto::{CryptoProvider, DecryptionKey, PrivateKey};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Adds every file under a folder, in order.
pub fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut entries: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every private key in a file: PEM, or bare base64 inside JSON.
fn private_keys(text: &str) -> Vec<PrivateKey> {
    let mut found: Vec<_> = PrivateKey::from_pem(text).into_iter().collect();
    for rest in text.split("\"privateKey\": \"").skip(1) {
        let base64 = rest.split('"').next().unwrap_or_default();
        let label = "RSA PRIVATE KEY";
        let pem = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
        found.extend(PrivateKey::from_pem(&pem));
    }
    found
}

/// The keys in the files under a folder with which a provider can decrypt, each once.
#[must_use]
pub fn decryption_keys(provider: &CryptoProvider, folder: &Path) -> Vec<Arc<dyn DecryptionKey>> {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let mut keys: Vec<Arc<dyn DecryptionKey>> = Vec::new();
    for text in paths.iter().filter_map(|p| std::fs::read_to_string(p).ok()) {
        for private in private_keys(&text) {
            if let Ok(key) = provider.key_transport.load_decryption_key(&private)
                && !keys.iter().any(|k| k.public_key() == key.public_key())
            {
                keys.push(key);
            }
        }
    }
    keys
}
