//! Ciphers and key transport in pure Rust.

use super::{NAME, RustCrypto};
use crate::cipher::{split_cbc, split_gcm};
use crate::{
    BlockCipher, BlockCiphers, CryptoError, DecryptionKey, DigestAlgorithm, KeyTransport, KeyType,
    PrivateKey, PublicKey, RsaOaep, der,
};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::KeyInit;
use aes_gcm::aead::consts::U12;
use aes_gcm::{AeadInPlace, AesGcm, Nonce};
use cbc::Decryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockDecryptMut, KeyIvInit};
use des::TdesEde3;
use rand_core::OsRng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Oaep, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha384, Sha512};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const fn unsupported(algorithm: &'static str) -> CryptoError {
    CryptoError::UnsupportedEncryption {
        provider: NAME,
        algorithm,
    }
}

impl BlockCiphers for RustCrypto {
    fn encrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        iv: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        match cipher {
            BlockCipher::Aes128Gcm => seal::<AesGcm<Aes128, U12>>(key, iv, plaintext),
            BlockCipher::Aes192Gcm => seal::<AesGcm<Aes192, U12>>(key, iv, plaintext),
            BlockCipher::Aes256Gcm => seal::<AesGcm<Aes256, U12>>(key, iv, plaintext),
            _ => Err(unsupported(cipher.uri())),
        }
    }

    fn decrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        octets: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if cipher.is_authenticated() {
            let (iv, sealed) = split_gcm(cipher, octets)?;
            return match cipher {
                BlockCipher::Aes128Gcm => open::<AesGcm<Aes128, U12>>(key, iv, sealed),
                BlockCipher::Aes192Gcm => open::<AesGcm<Aes192, U12>>(key, iv, sealed),
                _ => open::<AesGcm<Aes256, U12>>(key, iv, sealed),
            };
        }
        let (iv, blocks) = split_cbc(cipher, octets)?;
        match cipher {
            BlockCipher::Aes128Cbc => unchain::<Decryptor<Aes128>>(key, iv, blocks),
            BlockCipher::Aes192Cbc => unchain::<Decryptor<Aes192>>(key, iv, blocks),
            BlockCipher::Aes256Cbc => unchain::<Decryptor<Aes256>>(key, iv, blocks),
            _ => unchain::<Decryptor<TdesEde3>>(key, iv, blocks),
        }
    }
}

fn seal<C>(key: &[u8], iv: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError>
where
    C: KeyInit + AeadInPlace<NonceSize = U12>,
{
    let failed = CryptoError::EncryptionFailed;
    let cipher = C::new_from_slice(key).map_err(|_| failed.clone())?;
    let nonce = <[u8; 12]>::try_from(iv).map_err(|_| failed.clone())?;
    let mut octets = Vec::with_capacity(iv.len() + plaintext.len() + BlockCipher::GCM_TAG_LEN);
    octets.extend_from_slice(iv);
    octets.extend_from_slice(plaintext);
    let content = octets.get_mut(iv.len()..).unwrap_or_default();
    let tag = cipher
        .encrypt_in_place_detached(&Nonce::from(nonce), &[], content)
        .map_err(|_| failed)?;
    octets.extend_from_slice(&tag);
    Ok(octets)
}

fn open<C>(key: &[u8], iv: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError>
where
    C: KeyInit + AeadInPlace<NonceSize = U12>,
{
    let failed = CryptoError::DecryptionFailed;
    let cipher = C::new_from_slice(key).map_err(|_| failed.clone())?;
    let nonce = <[u8; 12]>::try_from(iv).map_err(|_| failed.clone())?;
    let mut content = Zeroizing::new(sealed.to_vec());
    cipher
        .decrypt_in_place(&Nonce::from(nonce), &[], &mut *content)
        .map_err(|_| failed)?;
    Ok(content)
}

fn unchain<C>(key: &[u8], iv: &[u8], blocks: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError>
where
    C: KeyIvInit + BlockDecryptMut,
{
    let failed = CryptoError::DecryptionFailed;
    let cipher = C::new_from_slices(key, iv).map_err(|_| failed.clone())?;
    let mut content = Zeroizing::new(blocks.to_vec());
    cipher
        .decrypt_padded_mut::<NoPadding>(&mut content)
        .map_err(|_| failed)?;
    Ok(content)
}

fn hasher(digest: DigestAlgorithm) -> Box<dyn DynDigest + Send + Sync> {
    match digest {
        DigestAlgorithm::Sha1 => Box::new(Sha1::default()),
        DigestAlgorithm::Sha256 => Box::new(Sha256::default()),
        DigestAlgorithm::Sha384 => Box::new(Sha384::default()),
        DigestAlgorithm::Sha512 => Box::new(Sha512::default()),
    }
}

fn padding(oaep: RsaOaep) -> Oaep {
    Oaep {
        digest: hasher(oaep.digest),
        mgf_digest: hasher(oaep.mgf1),
        label: None,
    }
}

const fn check_key(key_type: KeyType) -> Result<(), CryptoError> {
    match key_type {
        KeyType::Rsa => Ok(()),
        key => Err(CryptoError::UnsupportedKeyType {
            provider: NAME,
            key,
        }),
    }
}

impl KeyTransport for RustCrypto {
    fn load_decryption_key(&self, key: &PrivateKey) -> Result<Arc<dyn DecryptionKey>, CryptoError> {
        check_key(key.key_type())?;
        let pair = RsaPrivateKey::from_pkcs8_der(key.pkcs8_der()).map_err(|_| {
            CryptoError::MalformedKey {
                reason: "the private key was rejected",
            }
        })?;
        let parts = [pair.n(), pair.e()].map(|part| der::unsigned(&part.to_bytes_be()));
        let [modulus, exponent] = &parts;
        let public = der::value(der::SEQUENCE, &[modulus, exponent]);
        let public_key = PublicKey::from_parts(KeyType::Rsa, &public)?;
        Ok(Arc::new(RsaDecryptionKey { pair, public_key }))
    }

    fn encrypt_key(
        &self,
        recipient: &PublicKey,
        oaep: RsaOaep,
        key: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        check_key(recipient.key_type())?;
        let bits = recipient.bits();
        let too_large = CryptoError::UnsupportedKeySize { bits };
        let (modulus, exponent) = recipient.rsa_components().ok_or(too_large.clone())?;
        let modulus = BigUint::from_bytes_be(modulus);
        let exponent = BigUint::from_bytes_be(exponent);
        let recipient =
            RsaPublicKey::new_with_max_size(modulus, exponent, 8192).map_err(|_| too_large)?;
        recipient
            .encrypt(&mut OsRng, padding(oaep), key)
            .map_err(|_| CryptoError::EncryptionFailed)
    }
}

struct RsaDecryptionKey {
    pair: RsaPrivateKey,
    public_key: PublicKey,
}

impl DecryptionKey for RsaDecryptionKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn decrypt_key(
        &self,
        oaep: RsaOaep,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        // With a source of randomness it blinds.
        self.pair
            .decrypt_blinded(&mut OsRng, padding(oaep), encrypted)
            .map(Zeroizing::new)
            .map_err(|_| CryptoError::DecryptionFailed)
    }
}

impl fmt::Debug for RsaDecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({:?})", self.public_key)
    }
}
