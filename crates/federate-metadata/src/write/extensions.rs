//! Writing extensions.

use super::{AROUND, attribute, endpoint, indexed_endpoints, instant, localized, number};
use crate::names::{
    DISCOVERY_RESPONSE, ENTITY_ATTRIBUTES, MDATTR, REQUEST_INITIATOR, SCOPE, alg, mdrpi,
};
use crate::{Extensions, Publication, PublicationInfo, RegistrationInfo, Scope, SigningMethod};
use federate_xml::{Name, Writer};

impl Extensions {
    /// Writes them if there are any. Their order has no meaning.
    pub(super) fn write(&self, writer: &mut Writer) {
        if self.is_empty() {
            return;
        }
        writer.start(Name::md("Extensions"));
        if let Some(info) = &self.registration_info {
            registration_info(writer, info);
        }
        if let Some(info) = &self.publication_info {
            publication_info(writer, info);
        }
        if !self.publication_path.is_empty() {
            writer.start(mdrpi("PublicationPath"));
            for publication in &self.publication_path {
                writer.start(mdrpi("Publication"));
                publication_attributes(writer, publication);
                writer.end();
            }
            writer.end();
        }
        self.write_entity_attributes(writer);
        if let Some(info) = &self.ui_info {
            info.write(writer);
        }
        if let Some(hints) = &self.disco_hints {
            hints.write(writer);
        }
        self.write_technical(writer);
        for extension in &self.other {
            extension.write(writer, &AROUND);
        }
        writer.end();
    }

    /// [MDAttr].
    fn write_entity_attributes(&self, writer: &mut Writer) {
        if self.entity_attributes.is_empty() && self.entity_assertions.is_empty() {
            return;
        }
        writer.start(ENTITY_ATTRIBUTES);
        attribute::all(writer, &self.entity_attributes);
        for assertion in &self.entity_assertions {
            let around = [AROUND[0], (ENTITY_ATTRIBUTES.prefix, MDATTR)];
            assertion.write(writer, &around);
        }
        writer.end();
    }

    fn write_technical(&self, writer: &mut Writer) {
        for one in &self.scopes {
            scope(writer, one);
        }
        for algorithm in &self.digest_methods {
            writer.start(alg("DigestMethod"));
            writer.attribute(Name::local("Algorithm"), algorithm);
            writer.end();
        }
        for method in &self.signing_methods {
            signing_method(writer, method);
        }
        indexed_endpoints(writer, DISCOVERY_RESPONSE, &self.discovery_responses);
        for initiator in &self.request_initiators {
            endpoint(writer, REQUEST_INITIATOR, initiator);
        }
    }
}

/// [MDRPI].
fn registration_info(writer: &mut Writer, info: &RegistrationInfo) {
    writer.start(mdrpi("RegistrationInfo"));
    let authority = &info.registration_authority;
    writer.attribute(Name::local("registrationAuthority"), authority);
    instant(writer, "registrationInstant", info.registration_instant);
    localized(
        writer,
        mdrpi("RegistrationPolicy"),
        &info.registration_policies,
    );
    writer.end();
}

/// [MDRPI].
fn publication_info(writer: &mut Writer, info: &PublicationInfo) {
    writer.start(mdrpi("PublicationInfo"));
    publication_attributes(writer, &info.publication);
    localized(writer, mdrpi("UsagePolicy"), &info.usage_policies);
    writer.end();
}

fn publication_attributes(writer: &mut Writer, publication: &Publication) {
    writer.attribute(Name::local("publisher"), &publication.publisher);
    instant(writer, "creationInstant", publication.creation_instant);
    let id = publication.publication_id.as_deref();
    writer.optional_attribute(Name::local("publicationId"), id);
}

fn scope(writer: &mut Writer, scope: &Scope) {
    writer.start(SCOPE);
    super::flag(writer, "regexp", scope.regexp);
    writer.text(&scope.value);
    writer.end();
}

/// [AlgSupport].
fn signing_method(writer: &mut Writer, method: &SigningMethod) {
    writer.start(alg("SigningMethod"));
    writer.attribute(Name::local("Algorithm"), &method.algorithm);
    number(writer, "MinKeySize", method.min_key_size);
    number(writer, "MaxKeySize", method.max_key_size);
    writer.end();
}
