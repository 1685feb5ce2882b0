//! Writing attributes, and the sets of them that service providers ask for.

use super::{flag, index, localized};
use crate::{Attribute, AttributeConsumingService, RequestedAttribute};
use federate_xml::{Name, Writer};

/// [SAMLCore] 2.7.3.1.
pub(super) fn all(writer: &mut Writer, attributes: &[Attribute]) {
    for attribute in attributes {
        writer.start(Name::saml("Attribute"));
        names(
            writer,
            &attribute.name,
            attribute.name_format.as_deref(),
            attribute.friendly_name.as_deref(),
        );
        values(writer, &attribute.values);
        writer.end();
    }
}

/// [SAMLMeta] 2.4.4.1.
pub(super) fn consuming_service(writer: &mut Writer, service: &AttributeConsumingService) {
    writer.start(Name::md("AttributeConsumingService"));
    index(writer, service.index, service.is_default);
    localized(writer, Name::md("ServiceName"), &service.service_names);
    let descriptions = &service.service_descriptions;
    localized(writer, Name::md("ServiceDescription"), descriptions);
    for attribute in &service.requested_attributes {
        requested(writer, attribute);
    }
    writer.end();
}

/// [SAMLMeta] 2.4.4.2.
fn requested(writer: &mut Writer, attribute: &RequestedAttribute) {
    writer.start(Name::md("RequestedAttribute"));
    names(
        writer,
        &attribute.name,
        attribute.name_format.as_deref(),
        attribute.friendly_name.as_deref(),
    );
    if attribute.is_required {
        flag(writer, "isRequired", true);
    }
    values(writer, &attribute.values);
    writer.end();
}

fn names(writer: &mut Writer, name: &str, format: Option<&str>, friendly_name: Option<&str>) {
    writer.attribute(Name::local("Name"), name);
    writer.optional_attribute(Name::local("NameFormat"), format);
    writer.optional_attribute(Name::local("FriendlyName"), friendly_name);
}

fn values(writer: &mut Writer, values: &[String]) {
    for value in values {
        writer.element(Name::saml("AttributeValue"), value);
    }
}
