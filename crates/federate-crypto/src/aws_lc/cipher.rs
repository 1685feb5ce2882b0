//! Ciphers and key transport of AWS-LC.

use super::{AwsLc, NAME};
use crate::cipher::{split_cbc, split_gcm};
use crate::{
    BlockCipher, BlockCiphers, CryptoError, DecryptionKey, DigestAlgorithm, KeyTransport, KeyType,
    PrivateKey, PublicKey, RsaOaep,
};
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    self, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const fn unsupported(algorithm: &'static str) -> CryptoError {
    CryptoError::UnsupportedEncryption {
        provider: NAME,
        algorithm,
    }
}

impl BlockCiphers for AwsLc {
    fn encrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        iv: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let algorithm = gcm(cipher).ok_or(unsupported(cipher.uri()))?;
        let failed = |_| CryptoError::EncryptionFailed;
        let nonce = Nonce::try_assume_unique_for_key(iv).map_err(failed)?;
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).map_err(failed)?);
        let room = iv.len() + plaintext.len() + BlockCipher::GCM_TAG_LEN;
        let mut octets = Vec::with_capacity(room);
        octets.extend_from_slice(iv);
        octets.extend_from_slice(plaintext);
        let content = octets.get_mut(iv.len()..).unwrap_or_default();
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::empty(), content)
            .map_err(failed)?;
        octets.extend_from_slice(tag.as_ref());
        Ok(octets)
    }

    fn decrypt(
        &self,
        cipher: BlockCipher,
        key: &[u8],
        octets: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let failed = |_| CryptoError::DecryptionFailed;
        let Some(algorithm) = gcm(cipher) else {
            return decrypt_cbc(cipher, key, octets);
        };
        let (iv, sealed) = split_gcm(cipher, octets)?;
        let nonce = Nonce::try_assume_unique_for_key(iv).map_err(failed)?;
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).map_err(failed)?);
        let mut content = Zeroizing::new(sealed.to_vec());
        let len = key
            .open_in_place(nonce, Aad::empty(), &mut content)
            .map_err(failed)?
            .len();
        content.truncate(len);
        Ok(content)
    }
}

fn decrypt_cbc(
    cipher: BlockCipher,
    key: &[u8],
    octets: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let algorithm = cbc(cipher).ok_or(unsupported(cipher.uri()))?;
    let failed = |_| CryptoError::DecryptionFailed;
    let (iv, blocks) = split_cbc(cipher, octets)?;
    let context = context(iv).ok_or(CryptoError::DecryptionFailed)?;
    let key = UnboundCipherKey::new(algorithm, key).map_err(failed)?;
    let key = DecryptingKey::cbc(key).map_err(failed)?;
    let mut content = Zeroizing::new(blocks.to_vec());
    key.decrypt(&mut content, context).map_err(failed)?;
    Ok(content)
}

fn context(iv: &[u8]) -> Option<DecryptionContext> {
    #[cfg(feature = "triple-des")]
    if let Ok(iv) = <[u8; 8]>::try_from(iv) {
        return Some(DecryptionContext::Iv64(FixedLength::from(iv)));
    }
    let iv = <[u8; 16]>::try_from(iv).ok()?;
    Some(DecryptionContext::Iv128(FixedLength::from(iv)))
}

fn gcm(cipher: BlockCipher) -> Option<&'static aead::Algorithm> {
    match cipher {
        BlockCipher::Aes128Gcm => Some(&aead::AES_128_GCM),
        BlockCipher::Aes192Gcm => Some(&aead::AES_192_GCM),
        BlockCipher::Aes256Gcm => Some(&aead::AES_256_GCM),
        _ => None,
    }
}

fn cbc(cipher: BlockCipher) -> Option<&'static cipher::Algorithm> {
    match cipher {
        BlockCipher::Aes128Cbc => Some(&cipher::AES_128),
        BlockCipher::Aes192Cbc => Some(&cipher::AES_192),
        BlockCipher::Aes256Cbc => Some(&cipher::AES_256),
        #[cfg(feature = "triple-des")]
        #[allow(deprecated)] // it is: that is why the feature has to be asked for
        BlockCipher::TripleDesCbc => Some(&cipher::DES_EDE3_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

/// AWS-LC's Rust binding has one digest for both.
fn oaep_algorithm(oaep: RsaOaep) -> Result<&'static OaepAlgorithm, CryptoError> {
    if oaep.digest != oaep.mgf1 {
        return Err(unsupported("RSA-OAEP with two different digests"));
    }
    Ok(match oaep.digest {
        DigestAlgorithm::Sha1 => &rsa::OAEP_SHA1_MGF1SHA1,
        DigestAlgorithm::Sha256 => &rsa::OAEP_SHA256_MGF1SHA256,
        DigestAlgorithm::Sha384 => &rsa::OAEP_SHA384_MGF1SHA384,
        DigestAlgorithm::Sha512 => &rsa::OAEP_SHA512_MGF1SHA512,
    })
}

/// What AWS-LC encrypts and decrypts with: RSA of 2048 to 8192 bits.
const fn check_key(key_type: KeyType) -> Result<(), CryptoError> {
    match key_type {
        KeyType::Rsa => Ok(()),
        key => Err(CryptoError::UnsupportedKeyType {
            provider: NAME,
            key,
        }),
    }
}

impl KeyTransport for AwsLc {
    fn load_decryption_key(&self, key: &PrivateKey) -> Result<Arc<dyn DecryptionKey>, CryptoError> {
        check_key(key.key_type())?;
        let rejected = CryptoError::MalformedKey {
            reason: "the private key was rejected, or has less than 2048 bits",
        };
        let pair =
            PrivateDecryptingKey::from_pkcs8(key.pkcs8_der()).map_err(|_| rejected.clone())?;
        let spki: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| rejected.clone())?;
        let public_key = PublicKey::from_spki_der(spki.as_ref())?;
        let pair = OaepPrivateDecryptingKey::new(pair).map_err(|_| rejected)?;
        Ok(Arc::new(AwsDecryptionKey { pair, public_key }))
    }

    fn encrypt_key(
        &self,
        recipient: &PublicKey,
        oaep: RsaOaep,
        key: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        check_key(recipient.key_type())?;
        let algorithm = oaep_algorithm(oaep)?;
        let bits = recipient.bits();
        let recipient = PublicEncryptingKey::from_der(recipient.spki_der())
            .map_err(|_| CryptoError::UnsupportedKeySize { bits })?;
        let failed = |_| CryptoError::EncryptionFailed;
        let recipient = OaepPublicEncryptingKey::new(recipient).map_err(failed)?;
        let mut octets = vec![0; recipient.ciphertext_size()];
        let len = recipient
            .encrypt(algorithm, key, &mut octets, None)
            .map_err(failed)?
            .len();
        octets.truncate(len);
        Ok(octets)
    }
}

struct AwsDecryptionKey {
    pair: OaepPrivateDecryptingKey,
    public_key: PublicKey,
}

impl DecryptionKey for AwsDecryptionKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn decrypt_key(
        &self,
        oaep: RsaOaep,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let algorithm = oaep_algorithm(oaep)?;
        let mut key = Zeroizing::new(vec![0; self.pair.min_output_size()]);
        let len = self
            .pair
            .decrypt(algorithm, encrypted, &mut key, None)
            .map_err(|_| CryptoError::DecryptionFailed)?
            .len();
        key.truncate(len);
        Ok(key)
    }
}

impl fmt::Debug for AwsDecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecryptionKey({:?})", self.public_key)
    }
}
