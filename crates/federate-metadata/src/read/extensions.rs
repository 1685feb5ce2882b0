//! Reading extensions: what is not known is kept as it is.

use super::{SPACE, attribute, children_in, endpoint, ignored, text, ui};
use crate::names::{ALG, IDPDISC, INIT, MDATTR, MDRPI, MDUI, SHIBMD};
use crate::{
    Diagnostic, Extensions, OpaqueElement, Publication, PublicationInfo, RegistrationInfo, Scope,
    SigningMethod,
};
use federate_xml::{Element, ReadProblem, SAML};

const DISCOVERY: &str = "DiscoveryResponse";

/// Adds what one `md:Extensions` holds.
pub(super) fn read(extensions: &mut Extensions, element: Element<'_>, found: &mut Vec<Diagnostic>) {
    let mut discovery = Vec::new();
    for child in element.child_elements() {
        match (child.namespace(), child.local_name()) {
            (IDPDISC, DISCOVERY) => {
                endpoint::push_indexed(&mut discovery, child, DISCOVERY, found);
            }
            (namespace, name) => take(extensions, namespace, name, child, found),
        }
    }
    if !discovery.is_empty() {
        let responses = endpoint::with_indexes(discovery, DISCOVERY, found);
        extensions.discovery_responses.extend(responses);
    }
}

fn take(
    extensions: &mut Extensions,
    namespace: &str,
    name: &str,
    child: Element<'_>,
    found: &mut Vec<Diagnostic>,
) {
    match (namespace, name) {
        (MDRPI, "RegistrationInfo") => {
            let info = registration_info(child, found);
            first(
                &mut extensions.registration_info,
                info,
                "RegistrationInfo",
                found,
            );
        }
        (MDRPI, "PublicationInfo") => {
            let info = publication_info(child, found);
            first(
                &mut extensions.publication_info,
                info,
                "PublicationInfo",
                found,
            );
        }
        (MDRPI, "PublicationPath") => {
            for child in children_in(child, MDRPI).filter(|c| c.local_name() == "Publication") {
                let publication = publication(child, "Publication", found);
                extensions.publication_path.extend(publication);
            }
        }
        (MDATTR, "EntityAttributes") => entity_attributes(extensions, child, found),
        (MDUI, "UIInfo") => {
            let info = Some(ui::info(child, found));
            first(&mut extensions.ui_info, info, "UIInfo", found);
        }
        (MDUI, "DiscoHints") => {
            let hints = Some(ui::hints(child, found));
            first(&mut extensions.disco_hints, hints, "DiscoHints", found);
        }
        (SHIBMD, "Scope") => extensions.scopes.extend(scope(child, found)),
        (ALG, "DigestMethod") => {
            let method = text::attribute(child, "DigestMethod", "Algorithm", found);
            extensions.digest_methods.extend(method);
        }
        (ALG, "SigningMethod") => extensions
            .signing_methods
            .extend(signing_method(child, found)),
        (INIT, "RequestInitiator") => {
            let initiators = &mut extensions.request_initiators;
            endpoint::push(initiators, child, "RequestInitiator", found);
        }
        _ => extensions.other.push(OpaqueElement::of(child)),
    }
}

/// Keeps the first of what there should be one of.
fn first<T>(
    slot: &mut Option<Box<T>>,
    value: Option<T>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) {
    match value {
        Some(_) if slot.is_some() => ignored(name, ReadProblem::UnexpectedElement, found),
        Some(value) => *slot = Some(Box::new(value)),
        None => {}
    }
}

fn registration_info(
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) -> Option<RegistrationInfo> {
    let (name, attribute) = ("RegistrationInfo", "registrationAuthority");
    Some(RegistrationInfo {
        registration_authority: text::attribute(element, name, attribute, found)?,
        registration_instant: text::instant(element, "registrationInstant", found),
        registration_policies: policies(element, "RegistrationPolicy", found),
    })
}

fn publication_info(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<PublicationInfo> {
    Some(PublicationInfo {
        publication: publication(element, "PublicationInfo", found)?,
        usage_policies: policies(element, "UsagePolicy", found),
    })
}

fn publication(
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Option<Publication> {
    let publication_id = element.attribute("publicationId");
    Some(Publication {
        publisher: text::attribute(element, name, "publisher", found)?,
        creation_instant: text::instant(element, "creationInstant", found),
        publication_id: publication_id.map(str::to_owned),
    })
}

fn policies(
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Vec<crate::Localized<crate::Location>> {
    children_in(element, MDRPI)
        .filter(|child| child.local_name() == name)
        .filter_map(|child| text::localized_address(child, name, found))
        .collect()
}

/// Attributes of the entity, and assertions about it (`[MDAttr]`).
fn entity_attributes(
    extensions: &mut Extensions,
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) {
    for child in children_in(element, SAML) {
        match child.local_name() {
            "Attribute" => {
                let attribute = attribute::attribute(child, found);
                extensions.entity_attributes.extend(attribute);
            }
            "Assertion" => extensions.entity_assertions.push(OpaqueElement::of(child)),
            _ => {}
        }
    }
}

fn scope(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<Scope> {
    let regexp = match element
        .attribute("regexp")
        .map(|text| text.trim_matches(SPACE))
    {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(_) => {
            let reason = ReadProblem::InvalidValue {
                what: "regexp",
                expected: "true or false",
            };
            ignored("Scope", reason, found);
            return None;
        }
    };
    let value = text::text(element, "Scope", found)?;
    let scope = Scope { value, regexp };
    if !scope.is_supported() {
        found.push(Diagnostic::ScopeNotSupported);
    }
    Some(scope)
}

fn signing_method(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<SigningMethod> {
    Some(SigningMethod {
        algorithm: text::attribute(element, "SigningMethod", "Algorithm", found)?,
        min_key_size: text::number(element, "MinKeySize", found),
        max_key_size: text::number(element, "MaxKeySize", found),
    })
}
