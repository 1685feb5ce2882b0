//! Reading keys: a bad certificate is skipped, the others stay.

use super::{SPACE, ignored, key_value, text};
use crate::names::{DSIG11, XENC11};
use crate::{Diagnostic, EncryptionMethod, KeyDescriptor, KeyUse};
use federate_crypto::{Certificate, CryptoError, PublicKey};
use federate_xml::{DS, Element, MD, Name, ReadProblem, XENC};

/// Reads a `KeyDescriptor` (`[SAMLMeta] 2.4.1.1`): the keys of its `ds:KeyInfo`.
pub(super) fn descriptor(
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<KeyDescriptor> {
    let key_use = match element
        .attribute("use")
        .map(|text| text.trim_matches(SPACE))
    {
        None => KeyUse::Both,
        Some("signing") => KeyUse::Signing,
        Some("encryption") => KeyUse::Encryption,
        // Not to be taken for "no use": such a key would serve for everything.
        Some(_) => {
            found.push(Diagnostic::UnknownKeyUse);
            return None;
        }
    };
    let mut read = KeyDescriptor::empty(key_use);
    let mut values = Vec::new();
    for child in element.child_elements() {
        match (child.namespace(), child.local_name()) {
            (DS, "KeyInfo") => key_info(&mut read, &mut values, child, found),
            (MD, "EncryptionMethod") => {
                read.encryption_methods
                    .extend(encryption_method(child, found));
            }
            _ => {}
        }
    }
    // [MetaIOP] 2.6.1: beside a certificate, the value is that of the certificate's key.
    if read.certificates.is_empty() {
        for value in values {
            match value {
                Ok(key) => read.key_values.push(key),
                Err(reason) => ignored("KeyValue", reason, found),
            }
        }
    }
    if read.certificates.is_empty() && read.key_values.is_empty() {
        found.push(Diagnostic::KeySkipped);
        return None;
    }
    Some(read)
}

/// Reads the keys of a `ds:KeyInfo`, and the values that count if there is no certificate.
fn key_info(
    read: &mut KeyDescriptor,
    values: &mut Vec<Result<PublicKey, ReadProblem>>,
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for child in element.child_elements() {
        match (child.namespace(), child.local_name()) {
            (DS, "X509Data") => read.certificates.extend(x509_data(child, found)),
            (DS, "KeyName") => read.key_names.extend(text::text(child, "KeyName", found)),
            (DS, "KeyValue") => values.push(key_value::key_value(child)),
            (DSIG11, "DEREncodedKeyValue") => values.push(key_value::der(child)),
            _ => {}
        }
    }
}

/// Reads how to encrypt with the keys: what is not known there is left out.
fn encryption_method(
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<EncryptionMethod> {
    let name = "EncryptionMethod";
    let mut method = EncryptionMethod {
        algorithm: text::attribute(element, name, "Algorithm", found)?,
        ..EncryptionMethod::default()
    };
    for child in element.child_elements() {
        let algorithm = |found: &mut Vec<_>| text::attribute(child, name, "Algorithm", found);
        match (child.namespace(), child.local_name()) {
            (XENC, "KeySize") => {
                let size = text::text(child, "KeySize", found);
                method.key_size = size.and_then(|size| text::positive(&size));
            }
            (XENC, "OAEPparams") => method.oaep_params = text::text(child, "OAEPparams", found),
            (DS, "DigestMethod") => method.digest_method = algorithm(found),
            (XENC11, "MGF") => method.mgf = algorithm(found),
            _ => {}
        }
    }
    Some(method)
}

/// The certificates of one `ds:X509Data` that are the entity's own.
///
/// `[XMLDSig] 4.5.4`: several certificates there are of one key, or a chain that ends with
/// it. The issuers in a chain are not the entity: their keys must not sign for it.
fn x509_data(data: Element<'_>, found: &mut Vec<Diagnostic>) -> Vec<Certificate> {
    let mut certificates = Vec::new();
    for element in children(data, Name::ds("X509Certificate")) {
        match certificate(element) {
            Ok(certificate) => certificates.push(certificate),
            Err(reason) => found.push(Diagnostic::CertificateSkipped { reason }),
        }
    }
    let issuers: Vec<String> = certificates
        .iter()
        .filter(|certificate| certificate.issuer() != certificate.subject())
        .map(|certificate| certificate.issuer().to_owned())
        .collect();
    certificates.retain(|certificate| {
        let own = !issuers.iter().any(|issuer| issuer == certificate.subject());
        if !own {
            found.push(Diagnostic::IssuerCertificateSkipped);
        }
        own
    });
    certificates
}

fn certificate(element: Element<'_>) -> Result<Certificate, CryptoError> {
    let reason = "markup inside";
    let text = element
        .text()
        .map_err(|_| CryptoError::MalformedCertificate { reason })?;
    Certificate::from_base64(&text)
}

fn children(element: Element<'_>, name: Name) -> impl Iterator<Item = Element<'_>> {
    element.child_elements().filter(move |child| child.is(name))
}
