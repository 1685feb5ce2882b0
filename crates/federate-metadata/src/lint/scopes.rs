//! For whom an entity speaks, and who says what it is.

use super::OfEntity;
use super::rules::*;
use crate::parts::endpoints;
use crate::{EntityDescriptor, IdpDescriptor, Scope};
use std::collections::BTreeSet;
use url::Url;

/// How many hosts of one entity are compared with its scopes; honest ones have two or three.
const MAX_HOSTS: usize = 64;

pub(super) fn check(entity: &EntityDescriptor, report: &mut OfEntity<'_, '_>) {
    let scopes: Vec<&Scope> = entity.idp_scopes().collect();
    for scope in &scopes {
        if !scope.regexp && !is_domain(&scope.value) {
            report.add(&SCOPE_WILDCARD, &scope.value);
        } else if scope.regexp && !scope.is_supported() {
            report.add(&SCOPE_UNSUPPORTED, &scope.value);
        } else if scope.regexp {
            report.add(&SCOPE_REGEXP, &scope.value);
        }
    }
    if !scopes.is_empty() {
        for host in hosts(entity).into_iter().take(MAX_HOSTS) {
            if !scopes.iter().any(|scope| covers(scope, &host)) {
                report.add(&HOST_OUTSIDE_SCOPES, host);
            }
        }
    }
    let claims = entity.entity_categories().next().is_some()
        || entity.assurance_certifications().next().is_some();
    if claims && !is_registered(entity, &report.context.registrars) {
        report.add(&CATEGORY_SELF_ASSERTED, "");
    }
}

/// Whether a literal scope is a domain below a top-level one.
fn is_domain(scope: &str) -> bool {
    scope.contains('.') && scope.split('.').all(|label| !label.is_empty()) && !scope.contains('*')
}

/// The hosts at which the identity provider takes messages.
fn hosts(entity: &EntityDescriptor) -> BTreeSet<String> {
    let parts = endpoints(entity).into_iter();
    let parts = parts.filter(|part| part.role == IdpDescriptor::ELEMENT);
    let host = |text: &str| Some(Url::parse(text).ok()?.host_str()?.to_owned());
    parts
        .filter_map(|part| host(part.endpoint.location.as_str()))
        .collect()
}

/// Whether a host is the domain of a scope or lies below it.
fn covers(scope: &Scope, host: &str) -> bool {
    if scope.regexp {
        return scope.matches(host);
    }
    let domain = scope.value.to_ascii_lowercase();
    host.strip_suffix(domain.as_str())
        .is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// Whether a registrar that counts registered the entity.
fn is_registered(entity: &EntityDescriptor, registrars: &[String]) -> bool {
    let info = entity.extensions.registration_info.as_ref();
    info.is_some_and(|info| {
        registrars.is_empty() || registrars.contains(&info.registration_authority)
    })
}
