//! Private keys under a passphrase: PBES2 (RFC 8018 6.2).

use super::MAX_LEN;
use crate::der::Reader;
use crate::{CryptoError, CryptoProvider};
use pkcs8::der::Encode;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::{EncryptedPrivateKeyInfo, pkcs5};
use zeroize::Zeroizing;

/// What OWASP recommends for PBKDF2 with HMAC-SHA-256 (2023): a third of a second.
const PBKDF2_ITERATIONS: u32 = 600_000;

/// A few seconds at the most: the file names the number, and may be hostile.
const MAX_PBKDF2_ITERATIONS: u32 = 5_000_000;

/// `N * r`: 128 MiB of memory.
const MAX_SCRYPT_MEMORY: u64 = 1 << 20;

/// `N * r * p`: a few seconds at the most.
const MAX_SCRYPT_WORK: u64 = 1 << 22;

/// Room for the algorithm identifiers, the salt and the padding.
const MAX_OVERHEAD: usize = 1024;

const fn malformed(reason: &'static str) -> CryptoError {
    CryptoError::MalformedKey { reason }
}

/// The PKCS#8 key within an EncryptedPrivateKeyInfo (RFC 5958 3).
pub(super) fn decrypt(der: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    if der.len() > MAX_LEN + MAX_OVERHEAD {
        return Err(malformed("too long"));
    }
    let info = EncryptedPrivateKeyInfo::try_from(der)
        .map_err(|_| malformed("not encrypted as PBES2 with AES-CBC"))?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(malformed("not encrypted as PBES2 with AES-CBC"));
    };
    check_cost(&parameters.kdf)?;

    let mut octets = Zeroizing::new(info.encrypted_data.to_vec());
    let len = match parameters.decrypt_in_place(passphrase, &mut octets) {
        Ok(decrypted) => decrypted.len(),
        // The crate has the two the wrong way round; either is a wrong padding.
        Err(pkcs5::Error::DecryptFailed | pkcs5::Error::EncryptFailed) => {
            return Err(CryptoError::WrongPassphrase);
        }
        Err(_) => return Err(malformed("unsupported parameters of its encryption")),
    };
    octets.truncate(len);
    // Once in 256 times the padding is right by chance.
    let mut outer = Reader::new(&octets);
    if outer.sequence().is_none() || !outer.is_empty() {
        return Err(CryptoError::WrongPassphrase);
    }
    Ok(octets)
}

fn check_cost(kdf: &Kdf<'_>) -> Result<(), CryptoError> {
    let bounded = match kdf {
        Kdf::Pbkdf2(parameters) => {
            (1..=MAX_PBKDF2_ITERATIONS).contains(&parameters.iteration_count)
        }
        Kdf::Scrypt(parameters) => {
            let memory = parameters
                .cost_parameter
                .saturating_mul(parameters.block_size.into());
            let work = memory.saturating_mul(parameters.parallelization.into());
            // RFC 7914 2: N is a power of two and more than 1, r and p are positive.
            parameters.cost_parameter > 1
                && parameters.cost_parameter.is_power_of_two()
                && memory <= MAX_SCRYPT_MEMORY
                && (1..=MAX_SCRYPT_WORK).contains(&work)
        }
        _ => false,
    };
    bounded
        .then_some(())
        .ok_or(malformed("its passphrase costs too much time or memory"))
}

/// Encrypts with PBKDF2 (HMAC-SHA-256) and AES-256-CBC, which every program reads.
pub(super) fn encrypt(
    provider: &CryptoProvider,
    pkcs8: &[u8],
    passphrase: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    if passphrase.is_empty() {
        return Err(malformed("an empty passphrase protects nothing"));
    }
    let mut salt = [0; 16];
    let mut iv = [0; 16];
    provider.random.fill(&mut salt)?;
    provider.random.fill(&mut iv)?;
    let failed = || malformed("it could not be encrypted");
    let parameters =
        Parameters::pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, &salt, &iv).map_err(|_| failed())?;
    // One block at the most is padding.
    let mut octets = Zeroizing::new(Vec::with_capacity(pkcs8.len() + 16));
    octets.extend_from_slice(pkcs8);
    octets.resize(pkcs8.len() + 16, 0);
    let encrypted_data = parameters
        .encrypt_in_place(passphrase, &mut octets, pkcs8.len())
        .map_err(|_| failed())?;
    EncryptedPrivateKeyInfo {
        encryption_algorithm: parameters.into(),
        encrypted_data,
    }
    .to_der()
    .map_err(|_| failed())
}
