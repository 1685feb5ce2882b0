//! What is read of an entity, or of a group, is what is read of it when it was written.
#![no_main]

use federate_metadata::{EntityDescriptor, parse_entities, parse_entity};
use federate_xml::Limits;
use libfuzzer_sys::fuzz_target;

/// What an entity says, without what was diagnosed.
fn said(mut entity: EntityDescriptor) -> EntityDescriptor {
    entity.diagnostics.clear();
    entity
}

fuzz_target!(|octets: &[u8]| {
    let limits = Limits::default();
    // Escapes and declarations make it longer than what was read.
    let room = Limits {
        bytes: 1 << 30,
        value_bytes: 1 << 30,
        nodes: 1 << 30,
        ..Limits::for_aggregate()
    };
    if let Ok(entity) = parse_entity(octets, &limits) {
        let again = parse_entity(&entity.to_xml(), &room).expect("what we write can be read");
        assert_eq!(said(again), said(entity));
    }
    if let Ok(group) = parse_entities(octets, &limits) {
        let again = parse_entities(&group.to_xml(), &room).expect("what we write can be read");
        let again: Vec<_> = again.into_entities().into_iter().map(said).collect();
        let all: Vec<_> = group.into_entities().into_iter().map(said).collect();
        assert_eq!(again, all);
    }
});
