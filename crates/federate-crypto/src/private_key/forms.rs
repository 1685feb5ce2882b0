//! The forms that private keys are stored in: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 A.1.2) and
//! SEC 1 (RFC 5915). Every buffer with a secret is allocated once and wiped.

use crate::der::{self, CONTEXT_0, CONTEXT_1, CONTEXT_1_PRIMITIVE, Reader, oid};
use crate::public_key::{curve_oid, key_type_of};
use crate::{Curve, KeyType};
use zeroize::Zeroizing;

/// What an RSA, EC or Ed25519 key is stored as.
pub(super) enum Form {
    Pkcs8,
    Pkcs1,
    Sec1,
}

impl Form {
    /// Tells the forms apart by the value after the version.
    pub(super) fn of(key: &[u8]) -> Option<Self> {
        let mut inner = Reader::new(key).sequence()?;
        inner.read(der::INTEGER)?;
        match inner.peek()? {
            der::SEQUENCE => Some(Self::Pkcs8),
            der::INTEGER => Some(Self::Pkcs1),
            der::OCTET_STRING => Some(Self::Sec1),
            _ => None,
        }
    }
}

/// The parts of a PKCS#8 key (RFC 5958 2).
#[cfg_attr(
    not(feature = "rustcrypto"),
    expect(dead_code, reason = "AWS-LC reads the numbers itself")
)]
struct Parts<'a> {
    key_type: KeyType,
    private: &'a [u8],
    public: Option<&'a [u8]>,
}

fn split(pkcs8: &[u8]) -> Option<Parts<'_>> {
    let mut outer = Reader::new(pkcs8);
    let mut inner = outer.sequence()?;
    // Version 0, or 1 when the public key follows.
    if !matches!(inner.read(der::INTEGER)?, [0 | 1]) {
        return None;
    }
    let key_type = key_type_of(inner.sequence()?)?;
    let private = inner.read(der::OCTET_STRING)?;
    if inner.peek() == Some(CONTEXT_0) {
        inner.read(CONTEXT_0)?; // attributes
    }
    let public = match inner.peek() {
        Some(CONTEXT_1_PRIMITIVE) => match inner.read(CONTEXT_1_PRIMITIVE)? {
            [0, octets @ ..] => Some(octets),
            _ => return None,
        },
        // Not what the standard says, but what the crate `ring` writes.
        Some(CONTEXT_1) => Some(Reader::new(inner.read(CONTEXT_1)?).bit_octets()?),
        _ => None,
    };
    (inner.is_empty() && outer.is_empty()).then_some(Parts {
        key_type,
        private,
        public,
    })
}

pub(super) fn key_type(pkcs8: &[u8]) -> Option<KeyType> {
    split(pkcs8).map(|parts| parts.key_type)
}

/// Modulus and public exponent of an RSA key.
#[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
pub(super) fn rsa_public_half(pkcs8: &[u8]) -> Option<(&[u8], &[u8])> {
    // RFC 8017 A.1.2: version, modulus, publicExponent, and the secrets.
    let mut key = Reader::new(split(pkcs8)?.private).sequence()?;
    key.read(der::INTEGER)?;
    Some((key.unsigned()?, key.unsigned()?))
}

/// What makes an EC key; the numbers are not looked at.
#[cfg(feature = "rustcrypto")]
pub(crate) struct EcParts<'a> {
    pub(crate) curve: Curve,
    pub(crate) scalar: &'a [u8],
    pub(crate) point: Option<&'a [u8]>,
}

#[cfg(feature = "rustcrypto")]
pub(super) fn ec_parts(pkcs8: &[u8]) -> Option<EcParts<'_>> {
    let parts = split(pkcs8)?;
    let KeyType::Ec(curve) = parts.key_type else {
        return None;
    };
    let key = Sec1::read(parts.private)?;
    // One key is on one curve, and has one public half.
    if key.curve.is_some_and(|named| named != curve_oid(curve))
        || (parts.public.is_some() && key.point.is_some() && parts.public != key.point)
    {
        return None;
    }
    Some(EcParts {
        curve,
        scalar: key.scalar,
        point: key.point.or(parts.public),
    })
}

/// What makes an Ed25519 key (RFC 8410 7).
#[cfg(feature = "rustcrypto")]
pub(crate) struct Ed25519Parts<'a> {
    pub(crate) seed: &'a [u8; 32],
    pub(crate) public: Option<&'a [u8]>,
}

#[cfg(feature = "rustcrypto")]
pub(super) fn ed25519_parts(pkcs8: &[u8]) -> Option<Ed25519Parts<'_>> {
    let parts = split(pkcs8)?;
    if parts.key_type != KeyType::Ed25519 {
        return None;
    }
    let mut inner = Reader::new(parts.private);
    let seed = inner.read(der::OCTET_STRING)?.try_into().ok()?;
    inner.is_empty().then_some(Ed25519Parts {
        seed,
        public: parts.public,
    })
}

/// An ECPrivateKey (RFC 5915 3).
#[cfg_attr(
    not(feature = "rustcrypto"),
    expect(dead_code, reason = "AWS-LC reads the numbers itself")
)]
struct Sec1<'a> {
    scalar: &'a [u8],
    curve: Option<&'a [u8]>,
    point: Option<&'a [u8]>,
}

impl<'a> Sec1<'a> {
    fn read(sec1: &'a [u8]) -> Option<Self> {
        let mut outer = Reader::new(sec1);
        let mut inner = outer.sequence()?;
        if inner.read(der::INTEGER)? != [1] {
            return None;
        }
        let scalar = inner.read(der::OCTET_STRING)?;
        let mut curve = None;
        if inner.peek() == Some(CONTEXT_0) {
            let mut parameters = Reader::new(inner.read(CONTEXT_0)?);
            curve = Some(parameters.read(der::OID)?);
            if !parameters.is_empty() {
                return None;
            }
        }
        let mut point = None;
        if inner.peek() == Some(CONTEXT_1) {
            let mut public = Reader::new(inner.read(CONTEXT_1)?);
            point = Some(public.bit_octets()?);
            if !public.is_empty() {
                return None;
            }
        }
        (inner.is_empty() && outer.is_empty()).then_some(Self {
            scalar,
            curve,
            point,
        })
    }
}

/// Wraps an RSAPrivateKey.
pub(super) fn from_pkcs1(pkcs1: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut outer = Reader::new(pkcs1);
    outer.sequence()?;
    let id = [
        der::value(der::OID, &[oid::RSA_ENCRYPTION]),
        der::value(der::NULL, &[]),
    ]
    .concat();
    outer.is_empty().then(|| wrap(&id, pkcs1))
}

/// Wraps an ECPrivateKey that names its curve.
pub(super) fn from_sec1(sec1: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let named = Sec1::read(sec1)?.curve?;
    let curve = Curve::ALL
        .into_iter()
        .find(|curve| curve_oid(*curve) == named)?;
    Some(wrap(&ec_id(curve), sec1))
}

/// The PKCS#8 of an EC key that was just made.
#[cfg(feature = "rustcrypto")]
pub(super) fn from_ec(curve: Curve, scalar: &[u8], point: &[u8]) -> Zeroizing<Vec<u8>> {
    let scalar = Zeroizing::new(der::value(der::OCTET_STRING, &[scalar]));
    let public = der::value(der::BIT_STRING, &[&[0], point]);
    let key = Zeroizing::new(der::value(
        der::SEQUENCE,
        &[
            &der::value(der::INTEGER, &[&[1]]),
            &scalar,
            &der::value(CONTEXT_1, &[&public]),
        ],
    ));
    wrap(&ec_id(curve), &key)
}

/// The PKCS#8 of an Ed25519 key, without its public half: older programs read only that.
#[cfg(feature = "rustcrypto")]
pub(super) fn from_ed25519(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let key = Zeroizing::new(der::value(der::OCTET_STRING, &[seed]));
    wrap(&der::value(der::OID, &[oid::ED25519]), &key)
}

fn ec_id(curve: Curve) -> Vec<u8> {
    [
        der::value(der::OID, &[oid::EC_PUBLIC_KEY]),
        der::value(der::OID, &[curve_oid(curve)]),
    ]
    .concat()
}

fn wrap(id: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let id = der::value(der::SEQUENCE, &[id]);
    let key = Zeroizing::new(der::value(der::OCTET_STRING, &[key]));
    Zeroizing::new(der::value(
        der::SEQUENCE,
        &[&der::value(der::INTEGER, &[&[0]]), &id, &key],
    ))
}
