//! Public keys as the numbers that XML Signature writes (`[XMLDSig] 4.5.2`), and as the DER of
//! a `SubjectPublicKeyInfo`.

use federate_crypto::{Curve, KeyType, PublicKey};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// `rsaEncryption` without parameters, in its `SEQUENCE`.
const RSA: &[u8] = &[
    SEQUENCE, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0,
];
/// `id-ecPublicKey`.
const EC: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// The curves, with their names in XML and their object identifiers in DER.
const CURVES: [(Curve, &str, &[u8]); 3] = [
    (
        Curve::P256,
        "urn:oid:1.2.840.10045.3.1.7",
        &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    ),
    (
        Curve::P384,
        "urn:oid:1.3.132.0.34",
        &[0x06, 5, 0x2b, 0x81, 4, 0, 34],
    ),
    (
        Curve::P521,
        "urn:oid:1.3.132.0.35",
        &[0x06, 5, 0x2b, 0x81, 4, 0, 35],
    ),
];

/// The key of a modulus and an exponent, big-endian numbers.
pub(crate) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<PublicKey> {
    let numbers = [unsigned(modulus), unsigned(exponent)].concat();
    public_key(RSA, &value(SEQUENCE, &numbers))
}

/// The key of a point of a curve, which is named as XML does.
pub(crate) fn ec_key(curve: &str, point: &[u8]) -> Option<PublicKey> {
    let (_, _, oid) = CURVES.iter().find(|(_, name, _)| *name == curve)?;
    public_key(&value(SEQUENCE, &[EC, oid].concat()), point)
}

fn public_key(algorithm: &[u8], key: &[u8]) -> Option<PublicKey> {
    let bits = value(BIT_STRING, &[&[0], key].concat());
    PublicKey::from_spki_der(&value(SEQUENCE, &[algorithm, &bits].concat())).ok()
}

/// What XML Signature writes of a key.
pub(crate) enum KeyNumbers<'k> {
    /// The modulus and the exponent.
    Rsa(&'k [u8], &'k [u8]),
    /// The name of the curve and the point.
    Ec(&'static str, &'k [u8]),
    /// Nothing else but the DER.
    Der(&'k [u8]),
}

impl<'k> KeyNumbers<'k> {
    /// The numbers of a key.
    pub(crate) fn of(key: &'k PublicKey) -> Self {
        let der = key.spki_der();
        let known = match key.key_type() {
            KeyType::Rsa => {
                rsa_numbers(der).map(|(modulus, exponent)| Self::Rsa(modulus, exponent))
            }
            KeyType::Ec(curve) => {
                let name = CURVES.iter().find(|(known, ..)| *known == curve);
                name.zip(key_bits(der))
                    .map(|((_, name, _), point)| Self::Ec(name, point))
            }
            _ => None,
        };
        known.unwrap_or(Self::Der(der))
    }
}

fn rsa_numbers(spki: &[u8]) -> Option<(&[u8], &[u8])> {
    let (numbers, _) = split(key_bits(spki)?, SEQUENCE)?;
    let (modulus, rest) = split(numbers, INTEGER)?;
    let (exponent, _) = split(rest, INTEGER)?;
    Some((without_zeros(modulus), without_zeros(exponent)))
}

/// The key proper in a `SubjectPublicKeyInfo`.
fn key_bits(spki: &[u8]) -> Option<&[u8]> {
    let (inside, _) = split(spki, SEQUENCE)?;
    let (_, rest) = split(inside, SEQUENCE)?;
    let (bits, _) = split(rest, BIT_STRING)?;
    bits.strip_prefix(&[0])
}

/// The contents of the value of this tag that stands first, and what follows it.
fn split(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (len, rest) = match *rest {
        [0x82, high, low, ref rest @ ..] => (usize::from(high) << 8 | usize::from(low), rest),
        [0x81, len, ref rest @ ..] => (usize::from(len), rest),
        [len, ref rest @ ..] if len < 0x80 => (usize::from(len), rest),
        _ => return None,
    };
    rest.split_at_checked(len)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// A positive `INTEGER`.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let number = without_zeros(number);
    let zero: &[u8] = match number.first() {
        Some(..0x80) => &[],
        _ => &[0],
    };
    value(INTEGER, &[zero, number].concat())
}

fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let len = contents.len();
    let mut der = vec![tag];
    match len {
        0..0x80 => der.push(len as u8),
        0x80..0x100 => der.extend([0x81, len as u8]),
        // Nothing that is read here reaches 64 kB.
        _ => der.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    der.extend_from_slice(contents);
    der
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::certificate;

    #[test]
    fn numbers_make_the_key_again() {
        let key = certificate(0).public_key().clone();
        let KeyNumbers::Rsa(modulus, exponent) = KeyNumbers::of(&key) else {
            panic!("no RSA key");
        };
        assert_eq!((modulus.len(), exponent), (256, &[1, 0, 1][..]));
        assert_eq!(rsa_key(modulus, exponent), Some(key.clone()));
        // Some write the zero that DER needs.
        let padded = [&[0], modulus].concat();
        assert_eq!(rsa_key(&padded, exponent), Some(key));
    }

    #[test]
    fn points_make_the_key_again() {
        for (curve, name, _) in CURVES {
            let mut point = vec![1; 1 + 2 * (curve.bits() as usize).div_ceil(8)];
            point[0] = 4;
            let key = ec_key(name, &point).unwrap();
            assert_eq!(key.key_type(), KeyType::Ec(curve));
            let KeyNumbers::Ec(found, bits) = KeyNumbers::of(&key) else {
                panic!("no EC key");
            };
            assert_eq!((found, bits), (name, &point[..]));
            assert_eq!(ec_key(name, &point[1..]), None);
        }
        assert_eq!(ec_key("urn:oid:1.2.3", &[4]), None);
    }

    #[test]
    fn other_numbers_make_no_key() {
        for number in [&[][..], &[0], &[3], &[0xff; 64]] {
            assert_eq!(rsa_key(number, &[1, 0, 1]), None);
        }
    }
}
