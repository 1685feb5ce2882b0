//! The keys of the suites: those inside `ds:KeyInfo` and those in files beside it.
//!
//! The library reads neither; these documents have no metadata to vouch for their keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{Certificate, Curve, PublicKey};
use federate_xml::Element;
use std::path::Path;

use federate_testkit::vectors::files;

/// Base64 with white space in it.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

/// The elements below, at any depth, in document order.
pub(super) fn descendants(element: Element<'_>) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    for child in element.child_elements() {
        found.push(child);
        found.extend(descendants(child));
    }
    found
}

/// The base64 of the first element of this name below.
fn octets(element: Element<'_>, local: &str) -> Option<Vec<u8>> {
    let found = descendants(element);
    let found = found.iter().find(|e| e.local_name() == local)?;
    decoded(&found.text().ok()?)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut out = vec![tag];
    match len {
        0..=0x7f => out.push(len as u8),
        0x80..=0xff => out.extend([0x81, len as u8]),
        _ => out.extend([0x82, (len >> 8) as u8, len as u8]),
    }
    out.extend(content);
    out
}

/// A positive INTEGER.
fn integer(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|b| **b == 0).count();
    let octets = &octets[zeros..];
    let sign: &[u8] = if octets.first().is_some_and(|b| b & 0x80 != 0) {
        &[0]
    } else {
        &[]
    };
    der(0x02, &[sign, octets].concat())
}

fn rsa(value: Element<'_>) -> Option<PublicKey> {
    let (modulus, exponent) = (octets(value, "Modulus")?, octets(value, "Exponent")?);
    let key = der(0x30, &[integer(&modulus), integer(&exponent)].concat());
    let pem = format!(
        "-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n",
        STANDARD.encode(key)
    );
    PublicKey::from_pem(&pem).ok()
}

/// A decimal number as big-endian octets, as RFC 4050 writes coordinates.
fn decimal(text: &str, len: usize) -> Option<Vec<u8>> {
    let mut octets = vec![0u8; len];
    for digit in text.bytes() {
        let mut carry = u32::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
        for octet in octets.iter_mut().rev() {
            carry += u32::from(*octet) * 10;
            *octet = carry as u8;
            carry >>= 8;
        }
    }
    Some(octets)
}

fn ec(value: Element<'_>) -> Option<PublicKey> {
    let below = descendants(value);
    let named = |local: &str| below.iter().find(|e| e.local_name() == local);
    let curve = named("NamedCurve")?;
    let curve = curve.attribute("URI").or_else(|| curve.attribute("URN"))?;
    let (curve, id): (_, &[u8]) = match curve.strip_prefix("urn:oid:")? {
        "1.2.840.10045.3.1.7" => (Curve::P256, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
        "1.3.132.0.34" => (Curve::P384, &[0x2b, 0x81, 4, 0, 0x22]),
        "1.3.132.0.35" => (Curve::P521, &[0x2b, 0x81, 4, 0, 0x23]),
        _ => return None,
    };
    let point = match octets(value, "PublicKey") {
        Some(point) => point,
        None => {
            let coordinate =
                |local: &str| decimal(named(local)?.attribute("Value")?, curve.coordinate_len());
            [vec![4], coordinate("X")?, coordinate("Y")?].concat()
        }
    };
    let ec_public_key = [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    let algorithm = [der(0x06, &ec_public_key), der(0x06, id)].concat();
    let bits = [vec![0], point].concat();
    let spki = [der(0x30, &algorithm), der(0x03, &bits)].concat();
    PublicKey::from_spki_der(&der(0x30, &spki)).ok()
}

fn certificate(octets: &[u8]) -> Option<PublicKey> {
    let certificate = Certificate::from_der(octets).ok()?;
    Some(certificate.public_key().clone())
}

/// The public keys anywhere below an element: values and certificates.
pub(super) fn below(element: Element<'_>) -> Vec<PublicKey> {
    let read = |e: Element<'_>| match e.local_name() {
        "RSAKeyValue" => rsa(e),
        "ECKeyValue" | "ECDSAKeyValue" => ec(e),
        "DEREncodedKeyValue" => PublicKey::from_spki_der(&decoded(&e.text().ok()?)?).ok(),
        "X509Certificate" => certificate(&decoded(&e.text().ok()?)?),
        _ => None,
    };
    descendants(element).into_iter().filter_map(read).collect()
}

/// The public keys in the files of a folder: certificates and keys, in DER and PEM.
pub(super) fn beside(folder: &Path) -> Vec<PublicKey> {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let mut keys: Vec<PublicKey> = Vec::new();
    for path in paths {
        let extension = path.extension().unwrap_or_default();
        if !["crt", "cer", "der", "pem", "key"]
            .iter()
            .any(|e| extension == *e)
        {
            continue;
        }
        let octets = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&octets);
        let from_pem = || Some(Certificate::from_pem(&text).ok()?.public_key().clone());
        let found = certificate(&octets)
            .or_else(|| PublicKey::from_spki_der(&octets).ok())
            .or_else(|| PublicKey::from_pem(&text).ok())
            .or_else(from_pem);
        keys.extend(found.filter(|key| !keys.contains(key)));
    }
    keys
}
