//! Keys and their certificates.

use super::OfEntity;
use super::rules::*;
use crate::parts::{Role, roles};
use crate::{EntityDescriptor, IdpDescriptor, KeyDescriptor, SpDescriptor};
use federate_crypto::{Certificate, KeyType, PublicKey};
use federate_xml::format_instant;
use std::collections::HashSet;

/// Of NIST SP 800-57: shorter moduli are not to be used any more.
const MIN_RSA_BITS: u32 = 2048;

pub(super) fn check(entity: &EntityDescriptor, report: &mut OfEntity<'_, '_>) {
    for role in roles(entity) {
        let certificates = role.keys.iter().flat_map(|key| &key.certificates);
        // The same certificate often stands there for each use.
        let mut seen = HashSet::new();
        for certificate in certificates {
            if seen.insert(certificate.der()) {
                of_certificate(role, certificate, report);
            }
        }
        let keys = role.keys.iter().flat_map(KeyDescriptor::public_keys);
        let is_weak =
            |key: &&PublicKey| key.key_type() == KeyType::Rsa && key.bits() < MIN_RSA_BITS;
        for key in keys.filter(is_weak) {
            if seen.insert(key.spki_der()) {
                let subject = format!("{}, {} bits", role.element, key.bits());
                report.add(&WEAK_KEY, subject);
            }
        }
    }
    let signs = |role: Role<'_>| role.keys.iter().any(|key| key.key_use.signs());
    let encrypts = |role: Role<'_>| role.keys.iter().any(|key| key.key_use.encrypts());
    for role in roles(entity) {
        if needs_signing_key(entity, role.element) && !signs(role) {
            report.add(&NO_SIGNING_KEY, role.element);
        }
        if role.element == SpDescriptor::ELEMENT && !encrypts(role) {
            report.add(&NO_ENCRYPTION_KEY, role.element);
        }
    }
}

/// An identity provider signs responses (`[SAMLProf] 4.1.4.5`); a service provider its requests
/// if it says so, and logout messages (`[SAMLProf] 4.4.3.1`).
fn needs_signing_key(entity: &EntityDescriptor, role: &str) -> bool {
    let sp = |sp: &SpDescriptor| sp.authn_requests_signed || !sp.single_logout.is_empty();
    role == IdpDescriptor::ELEMENT
        || (role == SpDescriptor::ELEMENT && entity.sp.as_ref().is_some_and(sp))
}

fn of_certificate(role: Role<'_>, certificate: &Certificate, report: &mut OfEntity<'_, '_>) {
    let now = report.context.now;
    let (from, to) = (certificate.not_before(), certificate.not_after());
    let subject = |instant| {
        let name = certificate.subject();
        format!("{}, {name}, {}", role.element, format_instant(instant))
    };
    if to < now {
        report.add(&CERTIFICATE_EXPIRED, subject(to));
    } else if to - now < report.context.expiring_within {
        report.add(&CERTIFICATE_EXPIRING, subject(to));
    }
    if now < from {
        report.add(&CERTIFICATE_NOT_YET, subject(from));
    }
    if signed_with_old_digest(certificate.der()) {
        report.add(&CERTIFICATE_SHA1, subject(to));
    }
}

/// The contents of the identifiers of MD5 and SHA-1 with RSA, SHA-1 with DSA and with ECDSA.
const OLD: [&[u8]; 4] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
    &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
];

/// RFC 5280 4.1: a sequence of what is signed, the algorithm and the signature.
fn signed_with_old_digest(der: &[u8]) -> bool {
    let algorithm = || {
        let (certificate, _) = value(der)?;
        let (_, rest) = value(certificate)?;
        let (algorithm, _) = value(rest)?;
        let (identifier, _) = value(algorithm)?;
        Some(identifier)
    };
    algorithm().is_some_and(|identifier| OLD.contains(&identifier))
}

/// The contents of the first value of some DER, and what follows it.
fn value(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..0x80 => (short, rest),
        long => {
            let (octets, rest) = rest.split_at_checked(long & 0x7f)?;
            let length = octets.iter().try_fold(0usize, |length, octet| {
                length.checked_mul(256)?.checked_add(usize::from(*octet))
            });
            (length?, rest)
        }
    };
    rest.split_at_checked(length)
}
