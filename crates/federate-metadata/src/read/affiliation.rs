//! Reading affiliations.

use super::{
    Role, cache_duration, entity_id, extensions, id, ignored, key, md_elements, valid_until,
};
use crate::{AffiliationDescriptor, Diagnostic};
use federate_types::EntityId;
use federate_xml::{Element, Name, ReadError, ReadProblem};

impl Role for AffiliationDescriptor {
    const HAS_PROTOCOLS: bool = false;

    fn read(element: Element<'_>, found: &mut Vec<Diagnostic>) -> Result<Self, ReadError> {
        let of = Name::md(Self::ELEMENT);
        let mut affiliation = Self::new(entity_id(element, of, "affiliationOwnerID")?);
        affiliation.valid_until = valid_until(element, of)?;
        affiliation.cache_duration = cache_duration(element, found);
        affiliation.id = id(element, found);
        for child in md_elements(element, of)? {
            match child.local_name() {
                "Extensions" => extensions::read(&mut affiliation.extensions, child, found),
                "KeyDescriptor" => affiliation.keys.extend(key::descriptor(child, found)),
                "AffiliateMember" => match member(child) {
                    Ok(member) => affiliation.members.push(member),
                    Err(reason) => ignored("AffiliateMember", reason, found),
                },
                _ => {}
            }
        }
        Ok(affiliation)
    }
}

fn member(element: Element<'_>) -> Result<EntityId, ReadProblem> {
    let text = element.trimmed_text().map_err(|error| error.problem)?;
    EntityId::new(text).map_err(|invalid| ReadProblem::InvalidValue {
        what: "AffiliateMember",
        expected: invalid.expected,
    })
}
