//! Whole documents: octets in, an entity out.

use crate::read::{GROUP, md_elements, valid_until};
use crate::{EntitiesDescriptor, EntityDescriptor, GroupMember, MetadataError};
use chrono::{DateTime, Utc};
use federate_xml::{
    Document, Element, FromElement, Limits, ReadError, ReadProblem, TrustedKeys, Unverified,
    VerificationContext, Verified,
};

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

/// Reads the group of entities of a document that an operator configured.
///
/// The root is an `EntitiesDescriptor` (`[SAMLMeta] 2.3.1`), or one `EntityDescriptor`, which
/// is then alone in a group. Of each description `valid_until` is the earliest of its own and
/// those of the groups around it. What cannot be read is skipped, and told in the
/// `diagnostics` of the group that it is in; so is what lies in more than
/// [`MAX_GROUP_DEPTH`](crate::MAX_GROUP_DEPTH) groups. Signatures are not looked at, as in
/// [`parse_entity`].
///
/// The whole document is held in memory: [`Limits::for_aggregate`] allows large ones.
///
/// # Errors
/// [`MetadataError::Xml`] when the document cannot be read.
pub fn parse_entities(octets: &[u8], limits: &Limits) -> Result<EntitiesDescriptor, MetadataError> {
    let document = Document::parse(octets, &for_metadata(limits))?;
    let root = document.root();
    if root.is(GROUP) {
        return Ok(EntitiesDescriptor::from_element(root)?);
    }
    if !root.is(EntityDescriptor::ELEMENT) {
        return Err(ReadError::new(GROUP.local, ReadProblem::UnexpectedRoot).into());
    }
    let entity = EntityDescriptor::from_element(root)?;
    Ok(EntitiesDescriptor {
        members: vec![GroupMember::Entity(Box::new(entity))],
        ..EntitiesDescriptor::default()
    })
}

/// Verifies the signature of an `EntitiesDescriptor` and reads the group from the octets that
/// it covers (`[SAMLMeta] 3.1`), as [`parse_entities`] does.
///
/// The keys are those configured for the publisher, never those of the document. Signatures of
/// the entities within are not looked at: the group's vouches for them.
///
/// # Errors
/// [`MetadataError::Xml`] when the document cannot be read, is no `EntitiesDescriptor`, or has
/// no acceptable signature by one of the keys.
pub fn verify_entities(
    octets: &[u8],
    limits: &Limits,
    keys: &TrustedKeys,
    context: &VerificationContext<'_>,
) -> Result<Verified<EntitiesDescriptor>, MetadataError> {
    let document = Unverified::<EntitiesDescriptor>::parse(octets, &for_metadata(limits))?;
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
            let until = earlier(until, valid_until(element, GROUP)?);
            pending.extend(md_elements(element, GROUP)?.map(|child| (child, until)));
        }
    }
    match entities.as_slice() {
        [entity] => Ok(*entity),
        several => Err(MetadataError::NotOneEntity {
            found: several.len(),
        }),
    }
}

pub(crate) fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.into_iter().chain(b).min()
}

#[cfg(test)]
mod tests;
