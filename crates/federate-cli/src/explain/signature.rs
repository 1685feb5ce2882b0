//! One signature, step by step.

use super::report::{CanonicalOctets, Report, TriedCertificate};
use crate::failure::Failure;
use crate::setting::Setting;
use crate::summary::child;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{Certificate, DigestAlgorithm, VerifyingKey};
use federate_xml::dsig::own_signature;
use federate_xml::{
    Canonicalization, EC, Element, Name, SignatureError, SignedOctets, TrustedKeys, canonicalize,
    format_instant,
};

const STEPS: [&str; 4] = ["structure", "algorithms", "key", "digest"];

/// Examines the signature of an element that has one; gives the octets that it covers, if it
/// is good.
pub(super) fn examine(
    setting: &Setting,
    label: &str,
    element: Element<'_>,
    report: &mut Report,
) -> Option<SignedOctets> {
    let result = setting
        .verification()
        .verify_enveloped(element, &setting.peer.keys);
    certificates(setting, label, element, report);
    let hashed = match &result {
        Ok(signed) => Some(signed.octets().to_vec()),
        Err(_) => claimed_octets(element),
    };
    let failed_at = result.as_ref().err().map(step);
    for (at, step) in STEPS.into_iter().enumerate() {
        let name = format!("{label} signature: {step}");
        match (&result, failed_at) {
            (Err(error), Some(failed)) if at == failed => {
                let mut failure = Failure::from(error.clone());
                if *error == SignatureError::DigestMismatch
                    && let Some((stated, actual)) = digests(setting, element, hashed.as_deref())
                {
                    failure = failure.expecting(stated, actual);
                }
                report.failed(name, failure);
            }
            (Err(_), Some(failed)) if at > failed => {
                report.not_reached(name, "an earlier step of this signature failed");
            }
            _ => report.passed(name, detail(step, element, result.as_ref().ok())),
        }
    }
    if let Some(octets) = hashed {
        report.canonical.push(CanonicalOctets {
            element: label.to_owned(),
            octets: String::from_utf8_lossy(&octets).into_owned(),
        });
    }
    result.ok()
}

/// At which of the [`STEPS`] an error arises.
const fn step(error: &SignatureError) -> usize {
    match error {
        SignatureError::AlgorithmRefused { .. } => 1,
        SignatureError::NoUsableKey { .. } | SignatureError::WrongKey { .. } => 2,
        SignatureError::DigestMismatch => 3,
        _ => 0,
    }
}

fn detail(step: &str, element: Element<'_>, signed: Option<&SignedOctets>) -> String {
    match (step, signed) {
        ("algorithms", _) => claimed_method(element).unwrap_or_default().to_owned(),
        ("key", Some(signed)) => {
            let key = &signed.signed_by().key;
            format!("{}, {} bits", key.key_type(), key.bits())
        }
        ("digest", Some(signed)) => format!("over {} octets", signed.octets().len()),
        _ => String::new(),
    }
}

fn signed_info(element: Element<'_>) -> Option<Element<'_>> {
    child(own_signature(element).ok()??, Name::ds("SignedInfo"))
}

fn claimed_method(element: Element<'_>) -> Option<&str> {
    child(signed_info(element)?, Name::ds("SignatureMethod"))?.attribute("Algorithm")
}

/// What the signer claims to have hashed, by the transforms that it names: to look at only.
fn claimed_octets(element: Element<'_>) -> Option<Vec<u8>> {
    let signature = own_signature(element).ok()??;
    let reference = child(signed_info(element)?, Name::ds("Reference"))?;
    let transforms = child(reference, Name::ds("Transforms"))?;
    let mut named = transforms.child_elements().filter_map(|transform| {
        let method = Canonicalization::from_uri(transform.attribute("Algorithm")?)?;
        let list = child(transform, Name::new(EC, "ec", "InclusiveNamespaces"));
        let list = list
            .and_then(|l| l.attribute("PrefixList"))
            .unwrap_or_default();
        Some(Canonicalization {
            inclusive_prefixes: list.split_ascii_whitespace().map(str::to_owned).collect(),
            ..method
        })
    });
    let mut octets = Vec::new();
    canonicalize(element, Some(signature), &named.next()?, &mut octets);
    Some(octets)
}

/// The digest that the signature states, and that of the octets.
fn digests(
    setting: &Setting,
    element: Element<'_>,
    octets: Option<&[u8]>,
) -> Option<(String, String)> {
    let reference = child(signed_info(element)?, Name::ds("Reference"))?;
    let method = child(reference, Name::ds("DigestMethod"))?.attribute("Algorithm")?;
    let stated = child(reference, Name::ds("DigestValue"))?
        .trimmed_text()
        .ok()?;
    let algorithm = DigestAlgorithm::from_uri(method)?;
    let digest = setting.provider.digester.digest(algorithm, octets?);
    Some((
        format!("the digest {stated}"),
        format!("the digest {}", STANDARD.encode(digest.as_bytes())),
    ))
}

/// Tries each trusted certificate by itself, and tells of the one that the message names.
fn certificates(setting: &Setting, label: &str, element: Element<'_>, report: &mut Report) {
    for certificate in &setting.peer.certificates {
        let result = tried(setting, certificate, element);
        report
            .certificates
            .push(row(setting, label, certificate, result));
    }
    let named = named_certificate(element);
    let trusted = &setting.peer.certificates;
    if let Some(named) = named.filter(|named| !trusted.contains(named)) {
        let same_key = trusted.iter().any(|c| c.public_key() == named.public_key());
        let result = match same_key {
            true => "named in the message; another certificate for a trusted key",
            false => "named in the message; not trusted, not tried",
        };
        report
            .certificates
            .push(row(setting, label, &named, result.to_owned()));
    }
}

fn tried(setting: &Setting, certificate: &Certificate, element: Element<'_>) -> String {
    let Ok(key) = VerifyingKey::new(&setting.provider, certificate.public_key().clone()) else {
        return "its key cannot be used here".to_owned();
    };
    let keys = TrustedKeys::from(key);
    match setting.verification().verify_enveloped(element, &keys) {
        Ok(_) => "made this signature".to_owned(),
        Err(SignatureError::DigestMismatch) => "made this signature, of other content".to_owned(),
        Err(SignatureError::WrongKey { .. }) => "did not make this signature".to_owned(),
        Err(SignatureError::NoUsableKey { .. }) => {
            "not tried: not of the kind and strength that the signature needs".to_owned()
        }
        Err(e) => format!("not decided: {e}"),
    }
}

fn named_certificate(element: Element<'_>) -> Option<Certificate> {
    let info = child(own_signature(element).ok()??, Name::ds("KeyInfo"))?;
    let data = child(info, Name::ds("X509Data"))?;
    let text = child(data, Name::ds("X509Certificate"))?.text().ok()?;
    Certificate::from_base64(&text).ok()
}

fn row(
    setting: &Setting,
    label: &str,
    certificate: &Certificate,
    result: String,
) -> TriedCertificate {
    let key = certificate.public_key();
    TriedCertificate {
        signature: label.to_owned(),
        subject: certificate.subject().to_owned(),
        sha256: certificate
            .sha256_fingerprint(&setting.provider)
            .to_fingerprint(),
        key: key.key_type().to_string(),
        bits: key.bits(),
        not_before: format_instant(certificate.not_before()),
        not_after: format_instant(certificate.not_after()),
        valid: certificate.is_valid_at(setting.now),
        result,
    }
}
