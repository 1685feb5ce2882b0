//! What people see, and whom they ask.

use super::OfEntity;
use super::rules::*;
use crate::parts::{Role, roles};
use crate::{
    ContactPerson, ContactType, Diagnostic, EntityDescriptor, IdpDescriptor, SpDescriptor,
};
use url::Url;

/// The framework for incidents, as certifications name it.
const SIRTFI: &str = "https://refeds.org/sirtfi";

pub(super) fn check(entity: &EntityDescriptor, report: &mut OfEntity<'_, '_>) {
    if !has_usual_form(entity.entity_id.as_str()) {
        report.add(&ENTITY_ID_FORM, "");
    }
    let roles = roles(entity);
    if roles.is_empty() && entity.affiliation.is_none() {
        report.add(&NO_ROLE, "");
    }
    for role in &roles {
        let shown = [IdpDescriptor::ELEMENT, SpDescriptor::ELEMENT].contains(&role.element);
        if shown && !has_display_name(role) {
            report.add(&NO_DISPLAY_NAME, role.element);
        }
    }
    let of_roles = roles.iter().flat_map(|role| &role.details.contacts);
    let contacts: Vec<&ContactPerson> = entity.contacts.iter().chain(of_roles).collect();
    let helps = |contact: &&ContactPerson| {
        let kind = contact.contact_type;
        matches!(kind, ContactType::Technical | ContactType::Support)
    };
    if !contacts.iter().any(helps) {
        report.add(&NO_CONTACT, "");
    }
    let sirtfi = entity.assurance_certifications().any(|uri| uri == SIRTFI);
    if sirtfi && !contacts.iter().any(|contact| contact.is_for_security()) {
        report.add(&NO_SECURITY_CONTACT, "");
    }
    let organized = roles.iter().any(|role| role.details.organization.is_some());
    if entity.organization.is_none() && !organized {
        report.add(&NO_ORGANIZATION, "");
    }
    for diagnostic in entity.diagnostics.iter().filter(|d| !has_own_rule(d)) {
        report.add(&READ_LENIENTLY, diagnostic);
    }
}

/// `[SAMLCore] 8.3.6`: a URI; at best one that others cannot choose, too.
fn has_usual_form(id: &str) -> bool {
    let urn = id
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    urn || Url::parse(id).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn has_display_name(role: &Role<'_>) -> bool {
    let ui = role.details.extensions.ui_info.as_ref();
    ui.is_some_and(|ui| {
        let names = &ui.display_names;
        names.iter().any(|name| !name.value.trim().is_empty())
    })
}

/// Whether another rule says it better.
const fn has_own_rule(diagnostic: &Diagnostic) -> bool {
    matches!(
        diagnostic,
        Diagnostic::DuplicateIndex { .. }
            | Diagnostic::SeveralDefaults { .. }
            | Diagnostic::ScopeNotSupported
    )
}
