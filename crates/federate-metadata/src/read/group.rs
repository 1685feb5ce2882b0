//! Reading groups: what cannot be read in one is skipped, the others stay.

use super::{cache_duration, extensions, id, md_elements, valid_until};
use crate::document::earlier;
use crate::{Diagnostic, EntitiesDescriptor, EntityDescriptor, GroupMember, MAX_GROUP_DEPTH};
use chrono::{DateTime, Utc};
use federate_xml::{Element, FromElement, Name, ReadError};
use std::collections::HashSet;

pub(crate) const GROUP: Name = Name::md("EntitiesDescriptor");

impl FromElement for EntitiesDescriptor {
    const ELEMENT: Name = GROUP;

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let mut group = read(element, None, 0)?;
        let mut seen = HashSet::new();
        let mut duplicates: Vec<Diagnostic> = Vec::new();
        for entity in group.entities() {
            if !seen.insert(&entity.entity_id) {
                let entity_id = entity.entity_id.clone();
                duplicates.push(Diagnostic::DuplicateEntity { entity_id });
            }
        }
        group.diagnostics.extend(duplicates);
        Ok(group)
    }
}

/// Reads a group in `depth` others, the first of which ends then.
fn read(
    element: Element<'_>,
    until: Option<DateTime<Utc>>,
    depth: usize,
) -> Result<EntitiesDescriptor, ReadError> {
    let mut found = Vec::new();
    let mut group = EntitiesDescriptor {
        id: id(element, &mut found),
        name: element.attribute("Name").map(str::to_owned),
        // [SAMLMeta] 2.3.1: nothing in a group outlives it.
        valid_until: earlier(valid_until(element, GROUP)?, until),
        cache_duration: cache_duration(element, &mut found),
        ..EntitiesDescriptor::default()
    };
    let mut number = 0;
    for child in md_elements(element, GROUP)? {
        let member = if child.is(EntityDescriptor::ELEMENT) {
            EntityDescriptor::from_element(child).map(|mut entity| {
                entity.valid_until = earlier(entity.valid_until, group.valid_until);
                GroupMember::Entity(Box::new(entity))
            })
        } else if child.is(GROUP) && depth + 1 < MAX_GROUP_DEPTH {
            read(child, group.valid_until, depth + 1)
                .map(|inner| GroupMember::Group(Box::new(inner)))
        } else {
            if child.is(GROUP) {
                found.push(Diagnostic::GroupTooDeep);
                number += 1;
            } else if child.local_name() == "Extensions" {
                extensions::read(&mut group.extensions, child, &mut found);
            }
            continue;
        };
        match member {
            Ok(member) => group.members.push(member),
            Err(reason) => found.push(Diagnostic::MemberSkipped { number, reason }),
        }
        number += 1;
    }
    group.diagnostics = found;
    Ok(group)
}
