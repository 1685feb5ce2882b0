//! What Microsoft Entra refuses.

use super::OfEntity;
use super::adfs::{lacks_certificate, other_key_types};
use super::endpoints::has_acs_post;
use super::rules::*;
use crate::parts::roles;
use crate::{EntityDescriptor, Location, SpDescriptor};
use federate_types::{Binding, NameIdFormat};
use url::Url;

/// The longest reply URL.
const MAX_REPLY_URL: usize = 256;

pub(super) fn check(entity: &EntityDescriptor, report: &mut OfEntity<'_, '_>) {
    for role in roles(entity) {
        for key in other_key_types(role) {
            report.add(&ENTRA_KEY_TYPE, format!("{}, {key}", role.element));
        }
        if lacks_certificate(role) {
            report.add(&ENTRA_CERTIFICATE_MISSING, role.element);
        }
    }
    if let Some(sp) = &entity.sp {
        of_sp(sp, report);
    }
    if !has_acs_post(entity) {
        report.add(&ENTRA_NO_ACS_POST, "");
    }
}

fn of_sp(sp: &SpDescriptor, report: &mut OfEntity<'_, '_>) {
    for consumer in &sp.assertion_consumer {
        let location = &consumer.endpoint.location;
        if !location.is_https() && !is_localhost(location) {
            report.add(&ENTRA_REPLY_URL_HTTP, location);
        }
        if location.as_str().contains('*') {
            report.add(&ENTRA_REPLY_URL_WILDCARD, location);
        }
        if location.as_str().len() > MAX_REPLY_URL {
            report.add(&ENTRA_REPLY_URL_LONG, location);
        }
    }
    let formats = &sp.name_id_formats;
    if !formats.is_empty() && !formats.iter().any(is_given) {
        report.add(&ENTRA_NAME_ID_FORMAT, "");
    }
    if !sp.single_logout.is_empty() && sp.single_logout_for(Binding::HttpRedirect).is_none() {
        report.add(&ENTRA_LOGOUT_BINDING, "");
    }
}

fn is_localhost(location: &Location) -> bool {
    Url::parse(location.as_str()).is_ok_and(|url| url.host_str() == Some("localhost"))
}

const fn is_given(format: &NameIdFormat) -> bool {
    matches!(
        format,
        NameIdFormat::Unspecified
            | NameIdFormat::EmailAddress
            | NameIdFormat::Persistent
            | NameIdFormat::Transient
    )
}
