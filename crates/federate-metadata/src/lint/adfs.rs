//! What AD FS refuses.

use super::OfEntity;
use super::endpoints::{has_acs_post, identity, named, same_index};
use super::rules::*;
use crate::parts::{Role, endpoints, roles};
use crate::{EntityDescriptor, KeyDescriptor};
use federate_crypto::{Certificate, KeyType};
use federate_types::Binding;
use std::collections::HashSet;

pub(super) fn check(entity: &EntityDescriptor, report: &mut OfEntity<'_, '_>) {
    let parts = endpoints(entity);
    let mut seen = HashSet::new();
    for part in &parts {
        if !part.endpoint.location.is_https() {
            report.add(&ADFS_ENDPOINT_HTTP, named(part));
        }
        let known = part.endpoint.binding.known();
        if !known.is_some_and(is_known) {
            report.add(&ADFS_BINDING_SKIPPED, named(part));
        }
        if !seen.insert(identity(part)) {
            report.add(&ADFS_DUPLICATE_ENDPOINT, named(part));
        }
    }
    for part in same_index(&parts) {
        report.add(&ADFS_DUPLICATE_INDEX, named(part));
    }
    if !has_acs_post(entity) {
        report.add(&ADFS_NO_ACS_POST, "");
    }
    for role in roles(entity) {
        for key in other_key_types(role) {
            report.add(&ADFS_KEY_TYPE, format!("{}, {key}", role.element));
        }
        if lacks_certificate(role) {
            report.add(&ADFS_CERTIFICATE_MISSING, role.element);
        }
        let encrypts = role.keys.iter().filter(|key| key.key_use.encrypts());
        let certificates = encrypts.flat_map(|key| &key.certificates);
        let different: HashSet<&[u8]> = certificates.map(Certificate::der).collect();
        if different.len() > 1 {
            report.add(&ADFS_ENCRYPTION_CERTIFICATES, role.element);
        }
    }
}

const fn is_known(binding: Binding) -> bool {
    matches!(
        binding,
        Binding::HttpRedirect | Binding::HttpPost | Binding::HttpArtifact | Binding::Soap
    )
}

/// The kinds of keys of a role that are not RSA.
pub(super) fn other_key_types(role: Role<'_>) -> Vec<KeyType> {
    let mut found = Vec::new();
    for key in role.keys.iter().flat_map(KeyDescriptor::public_keys) {
        let kind = key.key_type();
        if kind != KeyType::Rsa && !found.contains(&kind) {
            found.push(kind);
        }
    }
    found
}

/// Whether a key of the role comes without a certificate.
pub(super) fn lacks_certificate(role: Role<'_>) -> bool {
    let mut keys = role.keys.iter();
    keys.any(|key| key.certificates.is_empty() && !key.key_values.is_empty())
}
