//! Entities and groups made at random.

use crate::*;
use federate_types::{EntityId, MessageId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

mod extensions;
mod role;
mod value;

use extensions::*;
use role::*;
use value::*;

/// Any group of entities, with groups in it.
pub(crate) fn any_group() -> impl Strategy<Value = EntitiesDescriptor> {
    let member = || any_small_entity().prop_map(|entity| GroupMember::Entity(Box::new(entity)));
    let leaf = (
        any_id(),
        option::of(any_text()),
        any_cache(),
        vec(member(), 0..3),
    );
    let leaf = leaf.prop_map(|(id, name, cache_duration, members)| EntitiesDescriptor {
        id,
        name,
        cache_duration,
        members,
        ..EntitiesDescriptor::default()
    });
    let groups = leaf.prop_recursive(3, 8, 3, |inner| {
        (inner.clone(), vec(inner, 0..3), any_extensions()).prop_map(
            |(mut group, inner, extensions)| {
                let inner = inner
                    .into_iter()
                    .map(|group| GroupMember::Group(Box::new(group)));
                group.members.extend(inner);
                group.extensions = extensions;
                group
            },
        )
    });
    groups.prop_map(distinct)
}

/// The group with every entity and every element once.
fn distinct(mut group: EntitiesDescriptor) -> EntitiesDescriptor {
    fn walk(group: &mut EntitiesDescriptor, number: &mut usize) {
        group.id = None;
        for member in &mut group.members {
            *number += 1;
            match member {
                GroupMember::Entity(entity) => {
                    let id = format!("{}#{number}", entity.entity_id);
                    entity.entity_id = EntityId::new(id).unwrap();
                    entity.id = Some(MessageId::new(format!("_{number}")).unwrap());
                }
                GroupMember::Group(group) => walk(group, number),
            }
        }
    }
    let id = group.id.take();
    walk(&mut group, &mut 0);
    EntitiesDescriptor { id, ..group }
}

fn any_small_entity() -> BoxedStrategy<EntityDescriptor> {
    (any_entity_id(), option::of(any_idp()), any_extensions())
        .prop_map(|(entity_id, idp, extensions)| EntityDescriptor {
            idp: idp.map(|mut idp| {
                idp.details.id = None;
                idp
            }),
            extensions,
            ..EntityDescriptor::new(entity_id)
        })
        .boxed()
}

/// Any entity that says nothing contradictory.
pub(crate) fn any_entity() -> BoxedStrategy<EntityDescriptor> {
    let people = (
        option::of(any_organization()),
        vec(any_contact(), 0..3),
        vec(any_additional_metadata(), 0..3),
    );
    let authorities = (
        option::of(any_attribute_authority()),
        option::of(any_details()),
        option::of(any_details()),
        option::of(any_affiliation()),
    );
    (
        any_entity_id(),
        (any_id(), any_instant(), any_cache()),
        any_extensions(),
        option::of(any_idp()),
        option::of(any_sp()),
        authorities,
        people,
    )
        .prop_map(
            |(entity_id, (id, until, cache), extensions, idp, sp, others, people)| {
                let (attribute_authority, authn, pdp, affiliation) = others;
                let mut entity = EntityDescriptor {
                    id,
                    valid_until: until,
                    cache_duration: cache,
                    extensions,
                    idp,
                    sp,
                    authn_authority: authn.map(|details| {
                        let authority = AuthnAuthorityDescriptor::default();
                        Box::new(AuthnAuthorityDescriptor {
                            details,
                            ..authority
                        })
                    }),
                    attribute_authority: attribute_authority.map(Box::new),
                    pdp: pdp.map(|details| {
                        let pdp = PdpDescriptor::default();
                        Box::new(PdpDescriptor { details, ..pdp })
                    }),
                    affiliation: affiliation.map(Box::new),
                    organization: people.0.map(Box::new),
                    contacts: people.1,
                    additional_metadata: people.2,
                    ..EntityDescriptor::new(entity_id)
                };
                number_ids(&mut entity);
                entity
            },
        )
        .boxed()
}

/// An identifier stands once in a document.
fn number_ids(entity: &mut EntityDescriptor) {
    let authn = entity
        .authn_authority
        .as_mut()
        .map(|role| &mut role.details.id);
    let attribute = entity
        .attribute_authority
        .as_mut()
        .map(|role| &mut role.details.id);
    let ids = [
        entity.idp.as_mut().map(|role| &mut role.details.id),
        entity.sp.as_mut().map(|role| &mut role.details.id),
        authn,
        attribute,
        entity.pdp.as_mut().map(|role| &mut role.details.id),
        entity.affiliation.as_mut().map(|role| &mut role.id),
    ];
    for (number, id) in ids.into_iter().enumerate() {
        if let Some(Some(id)) = id {
            *id = MessageId::new(format!("{id}.{number}")).unwrap();
        }
    }
}
