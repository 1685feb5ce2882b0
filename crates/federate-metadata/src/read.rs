//! Reading entities from elements.
//!
//! The order of elements does not matter here: several producers write their own, and it has
//! no meaning. Elements that we do not know are skipped, but for extensions, which are kept.

use crate::duration::parse_duration;
use crate::{
    AffiliationDescriptor, AttributeAuthorityDescriptor, AuthnAuthorityDescriptor, Diagnostic,
    EntityDescriptor, IdpDescriptor, OpaqueElement, PdpDescriptor, SpDescriptor,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use federate_types::{EntityId, MessageId};
use federate_xml::{Element, FromElement, MD, Name, ReadError, ReadProblem, SAMLP};

mod affiliation;
mod attribute;
mod authority;
mod endpoint;
mod extensions;
mod group;
mod key;
mod key_value;
mod organization;
mod role;
mod text;
mod ui;

pub(crate) use group::GROUP;

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

impl FromElement for EntityDescriptor {
    const ELEMENT: Name = Name::md("EntityDescriptor");

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let of = Self::ELEMENT;
        let mut entity = Self::new(entity_id(element, of, "entityID")?);
        let mut found = Vec::new();
        entity.valid_until = valid_until(element, of)?;
        entity.cache_duration = cache_duration(element, &mut found);
        entity.id = id(element, &mut found);
        for child in md_elements(element, of)? {
            take(&mut entity, child, &mut found)?;
        }
        entity.diagnostics = found;
        Ok(entity)
    }
}

/// Takes one element of an entity.
fn take(
    entity: &mut EntityDescriptor,
    child: Element<'_>,
    found: &mut Vec<Diagnostic>,
) -> Result<(), ReadError> {
    match child.local_name() {
        IdpDescriptor::ELEMENT => one_role(&mut entity.idp, child, IdpDescriptor::ELEMENT, found)?,
        SpDescriptor::ELEMENT => one_role(&mut entity.sp, child, SpDescriptor::ELEMENT, found)?,
        AttributeAuthorityDescriptor::ELEMENT => {
            let name = AttributeAuthorityDescriptor::ELEMENT;
            one_authority(&mut entity.attribute_authority, child, name, found);
        }
        AuthnAuthorityDescriptor::ELEMENT => {
            let name = AuthnAuthorityDescriptor::ELEMENT;
            one_authority(&mut entity.authn_authority, child, name, found);
        }
        PdpDescriptor::ELEMENT => {
            one_authority(&mut entity.pdp, child, PdpDescriptor::ELEMENT, found);
        }
        "RoleDescriptor" => entity.other_roles.push(OpaqueElement::of(child)),
        AffiliationDescriptor::ELEMENT => {
            one_authority(
                &mut entity.affiliation,
                child,
                AffiliationDescriptor::ELEMENT,
                found,
            );
        }
        "Extensions" => extensions::read(&mut entity.extensions, child, found),
        "Organization" => organization::one(&mut entity.organization, child, found),
        "ContactPerson" => entity.contacts.push(organization::contact(child, found)),
        "AdditionalMetadataLocation" => {
            let more = organization::additional_metadata(child, found);
            entity.additional_metadata.extend(more);
        }
        _ => {}
    }
    Ok(())
}

/// A role that can be read, with what was left out of it.
trait Role: Sized {
    /// Whether it says which protocols it speaks.
    const HAS_PROTOCOLS: bool = true;

    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError>;
}

impl<R: Role> Role for Box<R> {
    const HAS_PROTOCOLS: bool = R::HAS_PROTOCOLS;

    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        R::read(element, found).map(Self::new)
    }
}

/// Reads the first descriptor of a role that speaks SAML 2.0 (`[SAMLMeta] 2.4.1`): keys and
/// endpoints of another protocol's role say nothing about this one.
fn one_role<R: Role>(
    role: &mut Option<R>,
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Result<(), ReadError> {
    if R::HAS_PROTOCOLS {
        let protocols = element.required(Name::md(name), "protocolSupportEnumeration")?;
        if !protocols.split(SPACE).any(|protocol| protocol == SAMLP) {
            found.push(Diagnostic::ProtocolNotSupported { role: name });
            return Ok(());
        }
    }
    if role.is_some() {
        found.push(Diagnostic::RepeatedRole { role: name });
    } else {
        *role = Some(R::read(element, found)?);
    }
    Ok(())
}

/// As [`one_role`], for a role without which sign-ins go on: one that cannot be read is
/// skipped.
fn one_authority<R: Role>(
    role: &mut Option<R>,
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) {
    if let Err(error) = one_role(role, element, name, found) {
        let reason = error.problem;
        found.push(Diagnostic::RoleSkipped { role: name, reason });
    }
}

/// The elements of metadata inside an element that holds nothing else but other elements,
/// comments and processing instructions.
pub(crate) fn md_elements<'d>(
    element: Element<'d>,
    of: Name,
) -> Result<impl Iterator<Item = Element<'d>>, ReadError> {
    match element.children(of) {
        // Metadata is decorated with processing instructions; between elements they are
        // harmless.
        Err(error) if error.problem != ReadProblem::UnexpectedMarkup => Err(error),
        _ => Ok(md_children(element)),
    }
}

/// The elements of metadata inside an element, whatever else is there.
fn md_children(element: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    children_in(element, MD)
}

fn children_in<'d>(
    element: Element<'d>,
    namespace: &'static str,
) -> impl Iterator<Item = Element<'d>> {
    element
        .child_elements()
        .filter(move |child| child.namespace() == namespace)
}

/// `validUntil`, which ends trust and so must be readable; in whole seconds, as we write it.
pub(crate) fn valid_until(
    element: Element<'_>,
    of: Name,
) -> Result<Option<DateTime<Utc>>, ReadError> {
    let instant = element.instant(of, "validUntil")?;
    Ok(instant.map(|instant| instant.trunc_subsecs(0)))
}

/// `cacheDuration`, which is only a hint.
fn cache_duration(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<TimeDelta> {
    let duration = parse_duration(element.attribute("cacheDuration")?);
    if duration.is_none() {
        found.push(Diagnostic::CacheDurationIgnored);
    }
    duration
}

/// `ID`, which only a signature refers to.
fn id(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Option<MessageId> {
    let id = MessageId::new(element.attribute("ID")?).ok();
    if id.is_none() {
        found.push(Diagnostic::IdIgnored);
    }
    id
}

fn entity_id(
    element: Element<'_>,
    of: Name,
    attribute: &'static str,
) -> Result<EntityId, ReadError> {
    EntityId::new(element.required(of, attribute)?)
        .map_err(|invalid| invalid_value(of, invalid.what, invalid.expected))
}

fn flag(element: Element<'_>, of: Name, attribute: &'static str) -> Result<bool, ReadError> {
    Ok(element.boolean(of, attribute)?.unwrap_or(false))
}

const fn invalid_value(of: Name, what: &'static str, expected: &'static str) -> ReadError {
    ReadError::new(of.local, ReadProblem::InvalidValue { what, expected })
}

/// Tells that something was left out.
fn ignored(element: &'static str, reason: ReadProblem, found: &mut Vec<Diagnostic>) {
    found.push(Diagnostic::ElementIgnored { element, reason });
}

#[cfg(test)]
mod tests;
