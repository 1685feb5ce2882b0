use crate::{Diagnostic, EntityDescriptor, Extensions};
use chrono::{DateTime, TimeDelta, Utc};
use federate_types::{EntityId, MessageId};

/// How deep groups may lie in groups.
pub const MAX_GROUP_DEPTH: usize = 16;

/// A group of entities and other groups: `EntitiesDescriptor` (`[SAMLMeta] 2.3.1`).
///
/// When it was read, no description in it ends later than the groups around it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct EntitiesDescriptor {
    /// The identifier of the element, by which a signature refers to it.
    pub id: Option<MessageId>,
    /// What the publisher calls the group.
    pub name: Option<String>,
    /// When the description ends: at this instant it is over.
    pub valid_until: Option<DateTime<Utc>>,
    /// After how long it should be fetched again; 0 to
    /// [`MAX_CACHE_DURATION`](crate::MAX_CACHE_DURATION) when it was read.
    pub cache_duration: Option<TimeDelta>,
    /// What others added.
    pub extensions: Extensions,
    /// What is in it, in the order of the document.
    pub members: Vec<GroupMember>,
    /// What was left out or read leniently of the group itself; of the outermost group also
    /// which entities it describes twice. Empty unless it was read.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a group holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupMember {
    /// An entity.
    Entity(Box<EntityDescriptor>),
    /// A group.
    Group(Box<EntitiesDescriptor>),
}

impl EntitiesDescriptor {
    /// Every entity in the group and the groups within, in the order of the document.
    pub fn entities(&self) -> impl Iterator<Item = &EntityDescriptor> {
        let mut pending = vec![self.members.iter()];
        std::iter::from_fn(move || {
            loop {
                match pending.last_mut()?.next() {
                    None => drop(pending.pop()),
                    Some(GroupMember::Entity(entity)) => return Some(&**entity),
                    Some(GroupMember::Group(group)) => pending.push(group.members.iter()),
                }
            }
        })
    }

    /// The first entity of this identifier. To look up many, make a map.
    #[must_use]
    pub fn entity(&self, entity_id: &EntityId) -> Option<&EntityDescriptor> {
        self.entities()
            .find(|entity| entity.entity_id == *entity_id)
    }

    /// Every entity, without the groups.
    #[must_use]
    pub fn into_entities(self) -> Vec<EntityDescriptor> {
        let mut entities = Vec::new();
        let mut pending = vec![self.members.into_iter()];
        while let Some(members) = pending.last_mut() {
            match members.next() {
                None => drop(pending.pop()),
                Some(GroupMember::Entity(entity)) => entities.push(*entity),
                Some(GroupMember::Group(group)) => pending.push(group.members.into_iter()),
            }
        }
        entities
    }

    /// Whether the description may be used at this instant (`[SAMLMeta] 2.3.1`): before
    /// `valid_until`; without one, always.
    #[must_use]
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests;
