//! Reading attributes, and the sets of them that service providers ask for.

use super::endpoint::{Indexed, indexed};
use super::{children_in, ignored, md_children, text};
use crate::{Attribute, AttributeConsumingService, Diagnostic, RequestedAttribute};
use federate_xml::{Element, Name, ReadProblem, SAML};

/// The attributes inside an element.
pub(super) fn all(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Vec<Attribute> {
    children_in(element, SAML)
        .filter(|child| child.local_name() == "Attribute")
        .filter_map(|child| attribute(child, found))
        .collect()
}

/// Reads an attribute (`[SAMLCore] 2.7.3.1`); one without a name is none.
pub(super) fn attribute(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<Attribute> {
    let Some(name) = element.attribute("Name").filter(|name| !name.is_empty()) else {
        let reason = ReadProblem::MissingAttribute("Name");
        ignored("Attribute", reason, found);
        return None;
    };
    let text = |attribute| element.attribute(attribute).map(str::to_owned);
    Some(Attribute {
        name: name.to_owned(),
        name_format: text("NameFormat"),
        friendly_name: text("FriendlyName"),
        values: values(element, found),
    })
}

fn values(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Vec<String> {
    let mut values = Vec::new();
    for value in children_in(element, SAML).filter(|child| child.local_name() == "AttributeValue") {
        match value.text() {
            Ok(text) => values.push(text.into_owned()),
            Err(error) => ignored("AttributeValue", error.problem, found),
        }
    }
    values
}

/// Reads an attribute that is asked for (`[SAMLMeta] 2.4.4.2`).
fn requested(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<RequestedAttribute> {
    let is_required = element.boolean(Name::md("RequestedAttribute"), "isRequired");
    // What is asked for is asked for; how urgently is for people.
    let is_required = is_required.unwrap_or_else(|error| {
        ignored("isRequired", error.problem, found);
        None
    });
    let attribute = attribute(element, found)?;
    Some(RequestedAttribute {
        name: attribute.name,
        name_format: attribute.name_format,
        friendly_name: attribute.friendly_name,
        is_required: is_required.unwrap_or(false),
        values: attribute.values,
    })
}

/// Adds a set of attributes that are asked for (`[SAMLMeta] 2.4.4.1`).
pub(super) fn push_consuming_service(
    services: &mut Vec<Indexed<AttributeConsumingService>>,
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) {
    match indexed(element, |element| Ok(consuming_service(element, found))) {
        Ok(service) => services.push(service),
        Err(reason) => ignored("AttributeConsumingService", reason, found),
    }
}

fn consuming_service(
    element: Element<'_>,
    found: &mut Vec<Diagnostic>,
) -> AttributeConsumingService {
    const NAME: &str = "ServiceName";
    const DESCRIPTION: &str = "ServiceDescription";
    let mut service = AttributeConsumingService::default();
    for child in md_children(element) {
        match child.local_name() {
            NAME => service
                .service_names
                .extend(text::localized(child, NAME, found)),
            DESCRIPTION => {
                let text = text::localized(child, DESCRIPTION, found);
                service.service_descriptions.extend(text);
            }
            "RequestedAttribute" => service.requested_attributes.extend(requested(child, found)),
            _ => {}
        }
    }
    service
}
