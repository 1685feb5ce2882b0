//! Whole documents: octets in, an entity out.

use crate::{EntityDescriptor, MetadataError, read};
use chrono::{DateTime, Utc};
use federate_xml::{
    Document, Element, FromElement, Limits, Name, ReadError, ReadProblem, TrustedKeys, Unverified,
    VerificationContext, Verified,
};

const GROUP: Name = Name::md("EntitiesDescriptor");

/// Reads the entity of a document that an operator configured, for example a file.
///
/// The root is an `EntityDescriptor`, or an `EntitiesDescriptor` that holds exactly one
/// (`[SAMLMeta] 2.3`); its `validUntil` then also ends the entity (`[SAMLMeta] 2.3.1`). A
/// signature is not looked at: who configured the document vouches for it. Whatever comes from
/// elsewhere goes through [`verify_entity`]. Processing instructions are allowed whatever the
/// limits say.
///
/// Whether the entity is still valid is not checked here: see
/// [`EntityDescriptor::idp_at`].
///
/// # Errors
/// [`MetadataError::Xml`] when the document cannot be read, [`MetadataError::NotOneEntity`].
pub fn parse_entity(octets: &[u8], limits: &Limits) -> Result<EntityDescriptor, MetadataError> {
    let document = Document::parse(octets, &for_metadata(limits))?;
    let (element, group_until) = only_entity(document.root())?;
    let mut entity = EntityDescriptor::from_element(element)?;
    entity.valid_until = earlier(entity.valid_until, group_until);
    Ok(entity)
}

/// Verifies the signature of an `EntityDescriptor` and reads the entity from the octets that it
/// covers (`[SAMLMeta] 3.1`).
///
/// The keys are those configured for the publisher, never those of the document. Processing
/// instructions are allowed whatever the limits say.
///
/// Whether the entity is still valid is not checked here: see
/// [`EntityDescriptor::idp_at`].
///
/// # Errors
/// [`MetadataError::Xml`] when the document cannot be read, is no `EntityDescriptor`, or has no
/// acceptable signature by one of the keys.
pub fn verify_entity(
    octets: &[u8],
    limits: &Limits,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
) -> Result<Verified<EntityDescriptor>, MetadataError> {
    let document = Unverified::<EntityDescriptor>::parse(octets, &for_metadata(limits))?;
    Ok(document.verify(keys, context)?)
}

fn for_metadata(limits: &Limits) -> Limits {
    Limits {
        processing_instructions: true,
        ..*limits
    }
}

/// The one entity in the document, and when the groups around it end.
fn only_entity(root: Element<'_>) -> Result<(Element<'_>, Option<DateTime<Utc>>), MetadataError> {
    if !root.is(EntityDescriptor::ELEMENT) && !root.is(GROUP) {
        let of = EntityDescriptor::ELEMENT.local;
        return Err(ReadError::new(of, ReadProblem::UnexpectedRoot).into());
    }
    let mut entities = Vec::new();
    let mut pending = vec![(root, None)];
    while let Some((element, until)) = pending.pop() {
        if element.is(EntityDescriptor::ELEMENT) {
            entities.push((element, until));
        } else if element.is(GROUP) {
            let until = earlier(until, read::valid_until(element, GROUP)?);
            pending.extend(read::elements(element, GROUP)?.map(|child| (child, until)));
        }
    }
    match entities.as_slice() {
        [entity] => Ok(*entity),
        several => Err(MetadataError::NotOneEntity {
            found: several.len(),
        }),
    }
}

fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.into_iter().chain(b).min()
}

#[cfg(test)]
mod tests;
