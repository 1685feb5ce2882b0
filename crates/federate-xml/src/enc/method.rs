//! `xenc:EncryptionMethod` (`[XMLEnc] 3.2`).

use super::error::{EncryptionError, EncryptionStructure as Structure};
use super::{ENCRYPTION_METHOD, MGF, xenc};
use crate::name::Name;
use crate::read::Children;
use crate::tree::Element;
use federate_crypto::{BlockCipher, DigestAlgorithm, RsaOaep};

/// RSA-OAEP whose MGF1 has SHA-1 (`[XMLEnc] 5.5.2`).
pub(super) const OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// RSA-OAEP that names its mask generation function.
pub(super) const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
/// RSA with the padding of PKCS#1 v1.5: only to say that it is refused.
const RSA_1_5: &str = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
/// How `[XMLEnc] 5.8.4` writes SHA-384; XML signatures write it otherwise.
const XENC_SHA384: &str = "http://www.w3.org/2001/04/xmlenc#sha384";

pub(super) const UNKNOWN: &str = "an unknown algorithm";

const KEY_SIZE: Name = xenc("KeySize");
const OAEP_PARAMS: Name = xenc("OAEPparams");
const DIGEST_METHOD: Name = Name::ds("DigestMethod");

pub(super) const fn malformed(structure: Structure) -> EncryptionError {
    EncryptionError::Malformed(structure)
}

const ELEMENTS: EncryptionError = malformed(Structure::Elements);

pub(super) const fn transport_refused(uri: &'static str) -> EncryptionError {
    EncryptionError::AlgorithmRefused {
        role: "the key transport",
        uri,
    }
}

/// The identifier that a method names, whatever else it says.
pub(super) fn algorithm(method: Element<'_>) -> Result<&str, EncryptionError> {
    method.attribute("Algorithm").ok_or(ELEMENTS)
}

/// What may stand inside a method, each at most once.
#[derive(Default)]
struct Parameters<'d> {
    key_size: Option<Element<'d>>,
    label: Option<Element<'d>>,
    digest: Option<Element<'d>>,
    mgf: Option<Element<'d>>,
}

impl<'d> Parameters<'d> {
    fn of(method: Element<'d>) -> Result<Self, EncryptionError> {
        let mut children = method
            .only_attributes(ENCRYPTION_METHOD, &["Algorithm"])
            .and_then(|()| method.children(ENCRYPTION_METHOD))
            .map_err(|_| ELEMENTS)?;
        let mut found = Self {
            key_size: children.optional(KEY_SIZE),
            label: children.optional(OAEP_PARAMS),
            ..Self::default()
        };
        while let Some(child) = children.any() {
            let slot = if child.is(DIGEST_METHOD) {
                &mut found.digest
            } else if child.is(MGF) {
                &mut found.mgf
            } else {
                return Err(ELEMENTS);
            };
            if slot.replace(child).is_some() {
                return Err(ELEMENTS);
            }
        }
        Ok(found)
    }
}

/// Checks that the method of a block cipher says nothing that contradicts its identifier.
pub(super) fn check_block_cipher(
    method: Element<'_>,
    cipher: BlockCipher,
) -> Result<(), EncryptionError> {
    let parameters = Parameters::of(method)?;
    if parameters.label.is_some() || parameters.digest.is_some() || parameters.mgf.is_some() {
        return Err(ELEMENTS);
    }
    if let Some(size) = parameters.key_size {
        let size = size.trimmed_text().map_err(|_| ELEMENTS)?;
        // [XMLEnc] 3.2: it must not contradict the algorithm. For 3DES, the parity counts.
        if size.parse() != Ok(cipher.key_len() * 8) {
            return Err(ELEMENTS);
        }
    }
    Ok(())
}

/// The parameters of RSA-OAEP, or the refusal of another algorithm.
pub(super) fn key_transport(method: Element<'_>) -> Result<RsaOaep, EncryptionError> {
    let uri = algorithm(method)?;
    let names_mgf = match uri {
        OAEP_MGF1P => false,
        OAEP => true,
        RSA_1_5 => return Err(transport_refused(RSA_1_5)),
        _ => return Err(transport_refused(UNKNOWN)),
    };
    let parameters = Parameters::of(method)?;
    // The size of an RSA key is not for the message to tell.
    if parameters.key_size.is_some() {
        return Err(ELEMENTS);
    }
    if let Some(label) = parameters.label
        && !label.trimmed_text().map_err(|_| ELEMENTS)?.is_empty()
    {
        return Err(EncryptionError::AlgorithmRefused {
            role: "the label of the key transport",
            uri: "one that is not empty",
        });
    }
    // [XMLEnc] 5.5.2: without parameters, both digests are SHA-1.
    let digest = match parameters.digest {
        None => DigestAlgorithm::Sha1,
        Some(digest) => digest_of(digest)?,
    };
    let mgf1 = match parameters.mgf {
        None => DigestAlgorithm::Sha1,
        Some(mgf) => mgf1_of(mgf)?,
    };
    if !names_mgf && mgf1 != DigestAlgorithm::Sha1 {
        return Err(ELEMENTS);
    }
    Ok(RsaOaep { digest, mgf1 })
}

fn empty(element: Element<'_>, name: Name) -> Result<(), EncryptionError> {
    element
        .children(name)
        .and_then(Children::finish)
        .map_err(|_| ELEMENTS)
}

fn digest_of(element: Element<'_>) -> Result<DigestAlgorithm, EncryptionError> {
    empty(element, DIGEST_METHOD)?;
    match algorithm(element)? {
        XENC_SHA384 => Ok(DigestAlgorithm::Sha384),
        uri => DigestAlgorithm::from_uri(uri).ok_or(EncryptionError::AlgorithmRefused {
            role: "the digest of the key transport",
            uri: UNKNOWN,
        }),
    }
}

fn mgf1_of(element: Element<'_>) -> Result<DigestAlgorithm, EncryptionError> {
    empty(element, MGF)?;
    let uri = algorithm(element)?;
    DigestAlgorithm::ALL
        .into_iter()
        .find(|digest| mgf1_uri(*digest) == Some(uri))
        .ok_or(EncryptionError::AlgorithmRefused {
            role: "the mask generation function of the key transport",
            uri: UNKNOWN,
        })
}

/// The identifier of MGF1 with a digest (`[XMLEnc] 5.5.2`).
pub(super) const fn mgf1_uri(digest: DigestAlgorithm) -> Option<&'static str> {
    match digest {
        DigestAlgorithm::Sha1 => Some("http://www.w3.org/2009/xmlenc11#mgf1sha1"),
        DigestAlgorithm::Sha256 => Some("http://www.w3.org/2009/xmlenc11#mgf1sha256"),
        DigestAlgorithm::Sha384 => Some("http://www.w3.org/2009/xmlenc11#mgf1sha384"),
        DigestAlgorithm::Sha512 => Some("http://www.w3.org/2009/xmlenc11#mgf1sha512"),
        _ => None,
    }
}
