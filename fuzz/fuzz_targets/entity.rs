//! What is read of an entity, or of a group, is what is read of it when it was written.
#![no_main]

use federate_metadata::{EntityDescriptor, parse_entities, parse_entity};
use federate_xml::Limits;
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;

/// What an entity says, without what was diagnosed.
fn said(mut entity: EntityDescriptor) -> EntityDescriptor {
    entity.diagnostics.clear();
    entity
}

/// Both are the same, but for namespaces that elements of other vocabularies are given when they
/// are read again: the prefixes that our documents declare, where their text seems to use one.
fn assert_same(again: &impl Debug, said: &impl Debug) {
    let (again, said) = (format!("{again:?}"), format!("{said:?}"));
    if again == said {
        return;
    }
    let (bare_again, declared_again) = without_declarations(&again);
    let (bare, declared) = without_declarations(&said);
    assert_eq!(bare_again, bare);
    assert!(declared_again > declared, "{again}\n{said}");
}

/// The text without declarations of prefixes, and how many there were.
fn without_declarations(text: &str) -> (String, usize) {
    const BEGIN: &str = " xmlns:";
    let mut parts = text.split(BEGIN);
    let mut bare = parts.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for part in parts {
        // As `Debug` writes it: prefix=\"name\"
        let value = part
            .split_once("=\\\"")
            .filter(|(prefix, _)| !prefix.contains(' '));
        match value.and_then(|(_, rest)| rest.split_once("\\\"")) {
            Some((_, rest)) => {
                count += 1;
                bare.push_str(rest);
            }
            None => {
                bare.push_str(BEGIN);
                bare.push_str(part);
            }
        }
    }
    (bare, count)
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
        assert_same(&said(again), &said(entity));
    }
    if let Ok(group) = parse_entities(octets, &limits) {
        let again = parse_entities(&group.to_xml(), &room).expect("what we write can be read");
        let again: Vec<_> = again.into_entities().into_iter().map(said).collect();
        let all: Vec<_> = group.into_entities().into_iter().map(said).collect();
        assert_same(&again, &all);
    }
});
