//! The little of DER (`[X.690]`) that keys need: lengths are definite and minimal.

use crate::Curve;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed.
pub(crate) const CONTEXT_1: u8 = 0xa1;
/// `[1]`, primitive.
pub(crate) const CONTEXT_1_PRIMITIVE: u8 = 0x81;
/// `[2]`, constructed.
pub(crate) const CONTEXT_2: u8 = 0xa2;

/// Object identifiers, as the octets of their contents.
pub(crate) mod oid {
    pub(crate) const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    pub(crate) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

    pub(crate) const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    pub(crate) const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    pub(crate) const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    pub(crate) const SHA384_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
    pub(crate) const SHA512_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
    pub(crate) const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    pub(crate) const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    pub(crate) const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
    pub(crate) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    pub(crate) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
    pub(crate) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];

    pub(crate) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
    pub(crate) const PKCS7_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    pub(crate) const PKCS7_SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
}

/// Reads one value after the other; `None` is always "malformed".
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next value.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The contents of the next value, which must have that tag.
    pub(crate) fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        if found != tag {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let len = octets
                    .iter()
                    .fold(0, |len, octet| len << 8 | usize::from(*octet));
                // [X.690] 10.1: the shortest form that holds the length.
                if len < 0x80 || octets.first() == Some(&0) {
                    return None;
                }
                (len, rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(contents)
    }

    /// A reader within the next SEQUENCE.
    pub(crate) fn sequence(&mut self) -> Option<Reader<'a>> {
        self.read(SEQUENCE).map(Reader)
    }

    /// The magnitude of the next INTEGER, without leading zeros; negative ones are refused.
    pub(crate) fn unsigned(&mut self) -> Option<&'a [u8]> {
        match self.read(INTEGER)? {
            [0, rest @ ..] => match rest {
                [] => Some(rest),
                [first, ..] if first & 0x80 != 0 => Some(rest),
                _ => None,
            },
            contents @ [first, ..] if first & 0x80 == 0 => Some(contents),
            _ => None,
        }
    }

    /// The next BIT STRING, which must consist of whole octets.
    pub(crate) fn bit_octets(&mut self) -> Option<&'a [u8]> {
        match self.read(BIT_STRING)? {
            [0, octets @ ..] => Some(octets),
            _ => None,
        }
    }
}

/// A value with its tag and length; allocated once, so a secret leaves no copy behind.
pub(crate) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let octets = len.to_be_bytes();
    let significant = octets
        .iter()
        .position(|octet| *octet != 0)
        .and_then(|start| octets.get(start..))
        .unwrap_or(&[]);
    let mut out = Vec::with_capacity(len + significant.len() + 2);
    out.push(tag);
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            out.extend(u8::try_from(significant.len()).map(|count| 0x80 | count));
            out.extend_from_slice(significant);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An INTEGER from its magnitude.
pub(crate) fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let start = magnitude
        .iter()
        .position(|octet| *octet != 0)
        .unwrap_or(magnitude.len());
    let magnitude = magnitude.get(start..).unwrap_or(&[]);
    match magnitude.first() {
        Some(first) if first & 0x80 == 0 => value(INTEGER, &[magnitude]),
        _ => value(INTEGER, &[&[0], magnitude]),
    }
}

/// `r || s` as an `Ecdsa-Sig-Value` (RFC 3279 2.2.3).
pub(crate) fn ecdsa_sig_value(curve: Curve, raw: &[u8]) -> Option<Vec<u8>> {
    // [XMLDSig] 6.4.3: two integers of the length of the base point's order, concatenated.
    let (r, s) = raw.split_at_checked(curve.coordinate_len())?;
    (s.len() == r.len()).then(|| value(SEQUENCE, &[&unsigned(r), &unsigned(s)]))
}

/// An `Ecdsa-Sig-Value` as `r || s`.
pub(crate) fn ecdsa_raw(curve: Curve, sig_value: &[u8]) -> Option<Vec<u8>> {
    let mut outer = Reader::new(sig_value);
    let mut inner = outer.sequence()?;
    let (r, s) = (inner.unsigned()?, inner.unsigned()?);
    if !inner.is_empty() || !outer.is_empty() {
        return None;
    }
    let mut raw = Vec::with_capacity(2 * curve.coordinate_len());
    for number in [r, s] {
        let zeros = curve.coordinate_len().checked_sub(number.len())?;
        raw.resize(raw.len() + zeros, 0);
        raw.extend_from_slice(number);
    }
    Some(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_der() {
        for bad in [
            &[][..],
            &[0x30],
            &[0x30, 0x80, 0, 0],       // indefinite
            &[0x30, 0x81, 0x01, 0],    // not minimal
            &[0x30, 0x82, 0, 0x80, 0], // not minimal
            &[0x30, 0x02, 0],          // too short
            &[0x30, 0x84, 1, 0, 0, 0, 0],
            &[0x31, 0x00],
        ] {
            assert!(Reader::new(bad).read(SEQUENCE).is_none(), "{bad:?}");
        }
        for bad in [&[2, 0][..], &[2, 1, 0x80], &[2, 2, 0, 1]] {
            assert!(Reader::new(bad).unsigned().is_none(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(data in proptest::collection::vec(any::<u8>(), 0..70_000)) {
            let der = value(OCTET_STRING, &[&data]);
            let mut reader = Reader::new(&der);
            prop_assert_eq!(reader.read(OCTET_STRING), Some(&data[..]));
            prop_assert!(reader.is_empty());
        }
    }

    proptest! {
        #[test]
        fn ecdsa_signatures_read_back(data in proptest::collection::vec(any::<u8>(), 0..140)) {
            for curve in Curve::ALL {
                let sig_value = ecdsa_sig_value(curve, &data);
                prop_assert_eq!(sig_value.is_some(), data.len() == 2 * curve.coordinate_len());
                if let Some(sig_value) = sig_value {
                    prop_assert_eq!(ecdsa_raw(curve, &sig_value), Some(data.clone()));
                }
                let _ = ecdsa_raw(curve, &data);
            }
        }

        #[test]
        fn integers_read_back(data in proptest::collection::vec(any::<u8>(), 0..70)) {
            let der = unsigned(&data);
            let start = data.iter().position(|octet| *octet != 0).unwrap_or(data.len());
            prop_assert_eq!(Reader::new(&der).unsigned(), Some(&data[start..]));
        }
    }
}
