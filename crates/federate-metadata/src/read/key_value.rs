//! Reading keys that come without a certificate (`[XMLDSig] 4.5.2`).

use super::children_in;
use crate::key_info;
use crate::names::DSIG11;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::PublicKey;
use federate_xml::{DS, Element, ReadProblem};

/// The longest Base64 of a number that is read: twice that of an RSA key of 8192 bits.
const MAX_LEN: usize = 4096;

const INVALID: ReadProblem = ReadProblem::InvalidValue {
    what: "KeyValue",
    expected: "an RSA or EC key of a supported size",
};

/// Reads a `ds:KeyValue`, or the value that it holds.
pub(super) fn key_value(element: Element<'_>) -> Result<PublicKey, ReadProblem> {
    if let Some(rsa) = one(element, DS, "RSAKeyValue") {
        let number = |name| octets(one(rsa, DS, name)?);
        let (modulus, exponent) = number("Modulus").zip(number("Exponent")).ok_or(INVALID)?;
        return key_info::rsa_key(&modulus, &exponent).ok_or(INVALID);
    }
    let ec = one(element, DSIG11, "ECKeyValue").ok_or(INVALID)?;
    let curve = one(ec, DSIG11, "NamedCurve").and_then(|curve| curve.attribute("URI"));
    let point = one(ec, DSIG11, "PublicKey").and_then(octets);
    let (curve, point) = curve.zip(point).ok_or(INVALID)?;
    key_info::ec_key(curve, &point).ok_or(INVALID)
}

/// Reads a `dsig11:DEREncodedKeyValue`.
pub(super) fn der(element: Element<'_>) -> Result<PublicKey, ReadProblem> {
    let der = octets(element).ok_or(INVALID)?;
    PublicKey::from_spki_der(&der).map_err(|_| INVALID)
}

fn one<'d>(element: Element<'d>, namespace: &'static str, name: &str) -> Option<Element<'d>> {
    children_in(element, namespace).find(|child| child.local_name() == name)
}

fn octets(element: Element<'_>) -> Option<Vec<u8>> {
    let text = element.text().ok().filter(|text| text.len() <= MAX_LEN)?;
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}
