//! Where messages go.

use super::OfEntity;
use super::rules::*;
use crate::parts::{Part, endpoints};
use crate::{EntityDescriptor, Location};
use federate_types::Binding;
use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Domains that are nobody's in the public DNS (RFC 2606, 6761, 6762, and `internal`).
const LOCAL: [&str; 6] = [
    "localhost",
    "local",
    "internal",
    "test",
    "invalid",
    "home.arpa",
];

pub(super) fn check(entity: &EntityDescriptor, report: &mut OfEntity<'_, '_>) {
    let parts = endpoints(entity);
    let mut seen = HashSet::new();
    for part in &parts {
        let subject = named(part);
        let endpoint = part.endpoint;
        for location in [
            Some(&endpoint.location),
            endpoint.response_location.as_ref(),
        ] {
            let Some(location) = location else { continue };
            if !location.is_https() {
                report.add(&ENDPOINT_HTTP, &subject);
            }
            if !is_public(location) {
                report.add(&ENDPOINT_UNREACHABLE, &subject);
            }
        }
        if !is_used(part) {
            report.add(&BINDING_UNSUPPORTED, &subject);
        }
        if !seen.insert(identity(part)) {
            report.add(&ENDPOINT_DUPLICATE, &subject);
        }
    }
    for part in same_index(&parts) {
        report.add(&DUPLICATE_INDEX, named(part));
    }
    let mut defaults = HashSet::new();
    for part in parts.iter().filter(|part| part.is_default == Some(true)) {
        if !defaults.insert((part.role, part.service)) {
            report.add(&SEVERAL_DEFAULTS, named(part));
        }
    }
    if let Some(sp) = &entity.sp {
        let consumers = &sp.assertion_consumer;
        if consumers.len() > 1 && consumers.iter().all(|acs| acs.is_default != Some(true)) {
            report.add(&NO_DEFAULT_ACS, "");
        }
        if !has_acs_post(entity) {
            report.add(&NO_ACS_POST, "");
        }
    }
    if let Some(idp) = &entity.idp {
        let usual = [Binding::HttpRedirect, Binding::HttpPost];
        if !usual.iter().any(|b| idp.single_sign_on_for(*b).is_some()) {
            report.add(&NO_SSO, "");
        }
    }
}

/// The service and the address.
pub(super) fn named(part: &Part<'_>) -> String {
    format!("{} {}", part.service, part.endpoint.location)
}

/// What makes an endpoint the same as another.
pub(super) fn identity<'a>(part: &Part<'a>) -> (&'static str, &'static str, &'a str, &'a str) {
    let endpoint = part.endpoint;
    let (binding, location) = (endpoint.binding.uri(), endpoint.location.as_str());
    (part.role, part.service, binding, location)
}

/// Those whose index another one of the service has before them (`[SAMLMeta] 2.2.3`).
pub(super) fn same_index<'p, 'a>(parts: &'p [Part<'a>]) -> Vec<&'p Part<'a>> {
    let mut seen = HashSet::new();
    let again = parts.iter().filter(|part| {
        part.index
            .is_some_and(|index| !seen.insert((part.role, part.service, index)))
    });
    again.collect()
}

/// Whether responses can be posted to the service provider.
pub(super) fn has_acs_post(entity: &EntityDescriptor) -> bool {
    let sp = entity.sp.as_ref();
    sp.is_none_or(|sp| {
        sp.default_assertion_consumer_for(Binding::HttpPost)
            .is_some()
    })
}

/// Whether a profile uses the service by this binding.
fn is_used(part: &Part<'_>) -> bool {
    let Some(binding) = part.endpoint.binding.known() else {
        // Their bindings are the protocols themselves.
        return matches!(part.service, "DiscoveryResponse" | "RequestInitiator");
    };
    match part.service {
        // [SAMLProf] 4.1.2: HTTP-Redirect must not be used for the response.
        "AssertionConsumerService" => !matches!(binding, Binding::HttpRedirect | Binding::Soap),
        "SingleSignOnService" => binding != Binding::Paos,
        "ArtifactResolutionService" => binding == Binding::Soap,
        _ => true,
    }
}

fn is_public(location: &Location) -> bool {
    match Url::parse(location.as_str())
        .ok()
        .as_ref()
        .and_then(Url::host)
    {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(address)) => is_public_v4(address),
        Some(Host::Ipv6(address)) => is_public_v6(address),
        None => false,
    }
}

fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let below = |domain: &&str| name.strip_suffix(*domain).is_some_and(|n| n.ends_with('.'));
    name.contains('.') && !LOCAL.iter().any(below)
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified())
}

const fn is_public_v6(address: Ipv6Addr) -> bool {
    !(address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local())
}
