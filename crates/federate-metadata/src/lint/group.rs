//! What the members of a group have in common and should not.

use super::Report;
use super::rules::*;
use crate::parts::roles;
use crate::{Diagnostic, EntitiesDescriptor, EntityDescriptor, KeyDescriptor};
use federate_crypto::Certificate;
use federate_types::EntityId;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

pub(super) fn check(group: &EntitiesDescriptor, report: &mut Report<'_>) {
    read(group, report);
    let mut ids = HashSet::new();
    for entity in group.entities() {
        if !ids.insert(&entity.entity_id) {
            report.add(&DUPLICATE_ENTITY, Some(&entity.entity_id), String::new());
        }
    }
    let mut keys = Owners::default();
    for entity in group.entities() {
        let all = roles(entity).into_iter().flat_map(|role| role.keys);
        let signing = all.filter(|key| key.key_use.signs());
        let own: HashSet<&[u8]> = signing
            .flat_map(KeyDescriptor::public_keys)
            .map(federate_crypto::PublicKey::spki_der)
            .collect();
        if let Some(other) = keys.first_other(own, entity) {
            let subject = format!("as {other}");
            report.add(&KEY_SHARED, Some(&entity.entity_id), subject);
        }
    }
    if report.context.adfs {
        of_adfs(group, report);
    }
}

fn read(group: &EntitiesDescriptor, report: &mut Report<'_>) {
    let told = |diagnostic: &&Diagnostic| !matches!(diagnostic, Diagnostic::DuplicateEntity { .. });
    for diagnostic in group.diagnostics.iter().filter(told) {
        report.add(&READ_LENIENTLY, None, diagnostic.to_string());
    }
}

fn of_adfs(group: &EntitiesDescriptor, report: &mut Report<'_>) {
    let (mut ids, mut certificates) = (Owners::default(), Owners::default());
    for entity in group.entities() {
        let lower = entity.entity_id.as_str().to_lowercase();
        if let Some(other) = ids.first_other([lower], entity) {
            let subject = format!("as {other}");
            report.add(&ADFS_ENTITY_ID_CASE, Some(&entity.entity_id), subject);
        }
        let keys = entity.idp.iter().flat_map(|idp| &idp.keys);
        let signing = keys.filter(|key| key.key_use.signs());
        let own: HashSet<&[u8]> = signing
            .flat_map(|key| &key.certificates)
            .map(Certificate::der)
            .collect();
        if let Some(other) = certificates.first_other(own, entity) {
            let subject = format!("as {other}");
            report.add(&ADFS_CERTIFICATE_SHARED, Some(&entity.entity_id), subject);
        }
    }
}

/// Which entity had something first.
struct Owners<'a, K>(HashMap<K, &'a EntityId>);

impl<K> Default for Owners<'_, K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<'a, K: Hash + Eq> Owners<'a, K> {
    /// Another entity that had one of these before, if there is one.
    fn first_other(
        &mut self,
        own: impl IntoIterator<Item = K>,
        entity: &'a EntityDescriptor,
    ) -> Option<&'a EntityId> {
        let mut found = None;
        for key in own {
            match self.0.entry(key) {
                Entry::Vacant(place) => drop(place.insert(&entity.entity_id)),
                Entry::Occupied(owner) if **owner.get() != entity.entity_id => {
                    let owner = *owner.get();
                    found = Some(found.map_or(owner, |known: &EntityId| known.min(owner)));
                }
                Entry::Occupied(_) => {}
            }
        }
        found
    }
}
