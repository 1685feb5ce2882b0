//! Reading keys: a bad certificate is skipped, the others stay.

use super::SPACE;
use crate::{Diagnostic, KeyDescriptor, KeyUse};
use federate_crypto::{Certificate, CryptoError};
use federate_xml::{Element, Name};

/// Reads a `KeyDescriptor` (`[SAMLMeta] 2.4.1.1`): the certificates of its `ds:KeyInfo`.
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
    let mut certificates = Vec::new();
    for key_info in children(element, Name::ds("KeyInfo")) {
        for data in children(key_info, Name::ds("X509Data")) {
            certificates.extend(x509_data(data, found));
        }
    }
    if certificates.is_empty() {
        found.push(Diagnostic::KeySkipped);
        return None;
    }
    Some(KeyDescriptor {
        key_use,
        certificates,
    })
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
