//! Reading entities and roles from elements.
//!
//! The order of elements does not matter here: several producers write their own, and it has
//! no meaning. Elements that we do not know are skipped.

use crate::duration::parse_duration;
use crate::{
    Diagnostic, Endpoint, EntityDescriptor, IdpDescriptor, IndexedEndpoint, KeyDescriptor,
    SpDescriptor,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use federate_types::{EntityId, MessageId, NameIdFormat};
use federate_xml::{Element, FromElement, Name, ReadError, ReadProblem, SAMLP};

mod endpoint;
mod key;

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

impl FromElement for EntityDescriptor {
    const ELEMENT: Name = Name::md("EntityDescriptor");

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let of = Self::ELEMENT;
        let entity_id = EntityId::new(element.required(of, "entityID")?)
            .map_err(|invalid| invalid_value(of, invalid.what, invalid.expected))?;
        let mut entity = Self::new(entity_id);
        let mut found = Vec::new();
        entity.valid_until = valid_until(element, of)?;
        entity.cache_duration = cache_duration(element, &mut found);
        if let Some(id) = element.attribute("ID") {
            match MessageId::new(id) {
                Ok(id) => entity.id = Some(id),
                Err(_) => found.push(Diagnostic::IdIgnored),
            }
        }
        for child in elements(element, of)? {
            if child.is(Name::md(IdpDescriptor::ELEMENT)) {
                one_role(&mut entity.idp, child, IdpDescriptor::ELEMENT, &mut found)?;
            } else if child.is(Name::md(SpDescriptor::ELEMENT)) {
                one_role(&mut entity.sp, child, SpDescriptor::ELEMENT, &mut found)?;
            }
        }
        entity.diagnostics = found;
        Ok(entity)
    }
}

/// A role that can be read, with what was left out of it.
trait Role: Sized {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError>;
}

/// Reads the first descriptor of a role that speaks SAML 2.0 (`[SAMLMeta] 2.4.1`): keys and
/// endpoints of another protocol's role say nothing about this one.
fn one_role<R: Role>(
    role: &mut Option<R>,
    element: Element<'_>,
    name: &'static str,
    found: &mut Vec<Diagnostic>,
) -> Result<(), ReadError> {
    let protocols = element.required(Name::md(name), "protocolSupportEnumeration")?;
    if !protocols.split(SPACE).any(|protocol| protocol == SAMLP) {
        found.push(Diagnostic::ProtocolNotSupported { role: name });
    } else if role.is_some() {
        found.push(Diagnostic::RepeatedRole { role: name });
    } else {
        *role = Some(R::read(element, found)?);
    }
    Ok(())
}

impl Role for IdpDescriptor {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let of = Name::md(Self::ELEMENT);
        let common = SsoDescriptor::read(element, of, found)?;
        Ok(Self {
            valid_until: common.valid_until,
            want_authn_requests_signed: flag(element, of, "WantAuthnRequestsSigned")?,
            keys: common.keys,
            single_sign_on: endpoint::all(element, "SingleSignOnService", found),
            single_logout: common.single_logout,
            name_id_formats: common.name_id_formats,
        })
    }
}

impl Role for SpDescriptor {
    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let of = Name::md(Self::ELEMENT);
        let common = SsoDescriptor::read(element, of, found)?;
        let consumers: Vec<IndexedEndpoint> =
            endpoint::all_indexed(element, "AssertionConsumerService", found);
        Ok(Self {
            valid_until: common.valid_until,
            authn_requests_signed: flag(element, of, "AuthnRequestsSigned")?,
            want_assertions_signed: flag(element, of, "WantAssertionsSigned")?,
            keys: common.keys,
            assertion_consumer: consumers,
            single_logout: common.single_logout,
            name_id_formats: common.name_id_formats,
        })
    }
}

/// What both roles have (`[SAMLMeta] 2.4.1`, `2.4.2`).
struct SsoDescriptor {
    valid_until: Option<DateTime<Utc>>,
    keys: Vec<KeyDescriptor>,
    single_logout: Vec<Endpoint>,
    name_id_formats: Vec<NameIdFormat>,
}

impl SsoDescriptor {
    fn read(
        element: Element<'_>,
        of: Name,
        found: &mut Vec<Diagnostic>,
    ) -> Result<Self, ReadError> {
        let mut keys = Vec::new();
        let mut name_id_formats = Vec::new();
        for child in elements(element, of)? {
            if child.is(Name::md("KeyDescriptor")) {
                keys.extend(key::descriptor(child, found));
            } else if child.is(Name::md("NameIDFormat")) {
                match child.trimmed_text() {
                    Ok(uri) if !uri.is_empty() => {
                        name_id_formats.push(NameIdFormat::from_uri(&uri));
                    }
                    _ => found.push(Diagnostic::NameIdFormatIgnored),
                }
            }
        }
        Ok(Self {
            valid_until: valid_until(element, of)?,
            keys,
            single_logout: endpoint::all(element, "SingleLogoutService", found),
            name_id_formats,
        })
    }
}

/// The elements inside an element that holds nothing else but comments and processing
/// instructions.
pub(crate) fn elements<'d>(
    element: Element<'d>,
    of: Name,
) -> Result<impl Iterator<Item = Element<'d>>, ReadError> {
    match element.children(of) {
        // Metadata is decorated with processing instructions; between elements they are
        // harmless.
        Err(error) if error.problem != ReadProblem::UnexpectedMarkup => Err(error),
        _ => Ok(element.child_elements()),
    }
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

fn flag(element: Element<'_>, of: Name, attribute: &'static str) -> Result<bool, ReadError> {
    Ok(element.boolean(of, attribute)?.unwrap_or(false))
}

const fn invalid_value(of: Name, what: &'static str, expected: &'static str) -> ReadError {
    ReadError::new(of.local, ReadProblem::InvalidValue { what, expected })
}

#[cfg(test)]
mod tests;
