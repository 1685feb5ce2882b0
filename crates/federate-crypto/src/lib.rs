//! Keys, certificates, algorithms and the CryptoProvider of Federate.
//!
//! A [`CryptoProvider`] is data: digests, key operations and randomness behind `&'static dyn`
//! traits, passed explicitly to whoever needs them. There is no process-wide default.
//!
//! | provider | feature | RSA PKCS#1 v1.5, PSS | ECDSA, Ed25519 | AES-GCM, AES-CBC | 3DES | RSA-OAEP |
//! |---|---|---|---|---|---|---|
//! | [`aws_lc_provider`] | `aws-lc` (default) | yes | yes | yes | feature `triple-des` | one digest for both uses |
//! | [`rustcrypto_provider`] | `rustcrypto` | yes | yes | yes | yes | yes |
//!
//! CBC and 3DES only decrypt. A provider is a struct whose parts may be exchanged: whoever
//! needs RSA-OAEP with two digests beside AWS-LC takes `key_transport` from the other one.
//!
//! The policy lives above: which algorithms and which key sizes a peer may use is decided
//! where signatures are judged. This crate refuses only what no policy could want, and it
//! never signs with SHA-1.
#![cfg_attr(
    any(feature = "aws-lc", feature = "rustcrypto"),
    doc = r#"
```
use federate_crypto::{SignatureAlgorithm, VerifyingKey};
# #[cfg(feature = "aws-lc")]
# let provider = federate_crypto::aws_lc_provider();
# #[cfg(not(feature = "aws-lc"))]
# let provider = federate_crypto::rustcrypto_provider();

let private = provider.keys.generate_rsa(2048)?;
let signer = provider.keys.load_signing_key(&private, SignatureAlgorithm::RsaSha256)?;
let signature = signer.sign(b"message")?;

let key = VerifyingKey::new(&provider, signer.public_key().clone())?;
key.verify(SignatureAlgorithm::RsaSha256, b"message", &signature)?;
assert!(key.verify(SignatureAlgorithm::RsaSha256, b"another", &signature).is_err());
# Ok::<(), federate_crypto::CryptoError>(())
```
"#
)]

mod algorithm;
#[cfg(feature = "aws-lc")]
mod aws_lc;
mod certificate;
mod cipher;
mod der;
mod digest;
mod error;
mod key_transport;
mod pem;
mod pkcs7;
mod private_key;
mod provider;
mod public_key;
#[cfg(feature = "rustcrypto")]
mod rustcrypto;
mod self_signed;
#[cfg(test)]
mod testing;

pub use algorithm::{Curve, DigestAlgorithm, KeyType, SignatureAlgorithm};
#[cfg(feature = "aws-lc")]
pub use aws_lc::aws_lc_provider;
pub use certificate::Certificate;
pub use cipher::{BlockCipher, BlockCiphers};
pub use digest::Digest;
pub use error::CryptoError;
pub use key_transport::{DecryptionKey, KeyTransport, RsaOaep};
pub use private_key::PrivateKey;
pub use provider::{
    CryptoProvider, DigestContext, Digester, KeyBackend, SecureRandom, SigningKey, Verifier,
};
pub use public_key::{PublicKey, VerifyingKey};
#[cfg(feature = "rustcrypto")]
pub use rustcrypto::rustcrypto_provider;
pub use self_signed::self_signed;
