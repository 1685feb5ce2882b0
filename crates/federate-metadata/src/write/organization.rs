//! Writing who stands behind an entity, and whom to ask.

use super::{AROUND, localized, texts};
use crate::names::{CONTACT_TYPE, REMD};
use crate::{ContactPerson, OpaqueElement, Organization};
use federate_xml::{MD, Name, Writer};

impl Organization {
    /// [SAMLMeta] 2.3.2.1.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.start(Name::md("Organization"));
        extensions(writer, &self.extensions, &AROUND);
        localized(writer, Name::md("OrganizationName"), &self.names);
        let display_names = &self.display_names;
        localized(writer, Name::md("OrganizationDisplayName"), display_names);
        localized(writer, Name::md("OrganizationURL"), &self.urls);
        writer.end();
    }
}

impl ContactPerson {
    /// [SAMLMeta] 2.3.2.2.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.start(Name::md("ContactPerson"));
        writer.attribute(Name::local("contactType"), self.contact_type.name());
        let refeds_type = self.refeds_type.as_deref();
        writer.optional_attribute(CONTACT_TYPE, refeds_type);
        let around = [("md", MD), (CONTACT_TYPE.prefix, REMD)];
        let around = if refeds_type.is_some() {
            &around[..]
        } else {
            &AROUND
        };
        extensions(writer, &self.extensions, around);
        texts(writer, Name::md("Company"), self.company.as_slice());
        texts(writer, Name::md("GivenName"), self.given_name.as_slice());
        texts(writer, Name::md("SurName"), self.sur_name.as_slice());
        texts(writer, Name::md("EmailAddress"), &self.email_addresses);
        texts(writer, Name::md("TelephoneNumber"), &self.telephone_numbers);
        writer.end();
    }
}

fn extensions(writer: &mut Writer, extensions: &[OpaqueElement], around: &[(&str, &str)]) {
    if extensions.is_empty() {
        return;
    }
    writer.start(Name::md("Extensions"));
    for extension in extensions {
        extension.write(writer, around);
    }
    writer.end();
}
