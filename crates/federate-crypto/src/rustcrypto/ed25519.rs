//! Ed25519 in pure Rust: the crate `ed25519-dalek`.

use crate::private_key::Ed25519Parts;
use crate::{
    CryptoError, KeyType, PrivateKey, PublicKey, SignatureAlgorithm, SigningKey, Verifier,
};
use ed25519_dalek::{Signature, Signer};
use rand_core::{OsRng, RngCore};
use std::fmt;
use zeroize::Zeroizing;

pub(super) struct Ed25519Verifier(ed25519_dalek::VerifyingKey);

impl Ed25519Verifier {
    pub(super) fn new(key: &[u8]) -> Result<Self, CryptoError> {
        key.try_into()
            .ok()
            .and_then(|octets| ed25519_dalek::VerifyingKey::from_bytes(octets).ok())
            .map(Self)
            .ok_or(CryptoError::MalformedKey {
                reason: "the public key was rejected",
            })
    }
}

impl Verifier for Ed25519Verifier {
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        if algorithm != SignatureAlgorithm::Ed25519 {
            return Err(CryptoError::KeyTypeMismatch {
                algorithm,
                key: KeyType::Ed25519,
            });
        }
        let signature = Signature::from_slice(signature).map_err(|_| CryptoError::BadSignature)?;
        self.0
            .verify_strict(message, &signature)
            .map_err(|_| CryptoError::BadSignature)
    }
}

pub(super) fn generate() -> Result<PrivateKey, CryptoError> {
    let mut seed = Zeroizing::new([0; 32]);
    OsRng
        .try_fill_bytes(&mut *seed)
        .map_err(|_| CryptoError::Random)?;
    PrivateKey::from_ed25519(&seed)
}

pub(super) struct Ed25519SigningKey {
    // Wiped by the crate when dropped.
    pair: ed25519_dalek::SigningKey,
    public_key: PublicKey,
}

impl Ed25519SigningKey {
    pub(super) fn new(key: &PrivateKey) -> Result<Self, CryptoError> {
        let rejected = CryptoError::MalformedKey {
            reason: "the private key was rejected",
        };
        let Ed25519Parts { seed, public } = key.ed25519_parts().ok_or(rejected.clone())?;
        let pair = ed25519_dalek::SigningKey::from_bytes(seed);
        let made = pair.verifying_key().to_bytes();
        if public.is_some_and(|public| public != made) {
            return Err(rejected);
        }
        Ok(Self {
            pair,
            public_key: PublicKey::from_parts(KeyType::Ed25519, &made)?,
        })
    }
}

impl SigningKey for Ed25519SigningKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ed25519
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.pair
            .try_sign(message)
            .map(|signature| signature.to_bytes().to_vec())
            .map_err(|_| CryptoError::SigningFailed)
    }
}

impl fmt::Debug for Ed25519SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(Ed25519, {:?})", self.public_key)
    }
}
