//! A real federation, judged, compared and searched, where `FEDERATE_VECTORS` says it lies.
#![allow(clippy::unwrap_used)]

use federate_crypto::aws_lc_provider;
use federate_metadata::{
    EntitiesDescriptor, LintContext, RULES, SearchIndex, diff, lint_group, parse_entities,
};
use federate_xml::Limits;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// InCommon, if it is there.
fn incommon() -> Option<EntitiesDescriptor> {
    let Some(vectors) = std::env::var_os("FEDERATE_VECTORS") else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return None;
    };
    let file = "federation/incommon/InCommon-metadata-export.xml.gz";
    let packed = std::fs::read(Path::new(&vectors).join(file)).unwrap();
    let mut octets = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(&packed[..]);
    reader.read_to_end(&mut octets).unwrap();
    Some(parse_entities(&octets, &Limits::for_aggregate()).unwrap())
}

#[test]
fn what_a_registrar_checks_is_not_found_wrong() {
    let Some(group) = incommon() else { return };
    let mut context = LintContext::new("2026-01-01T00:00:00Z".parse().unwrap());
    context.adfs = true;
    context.entra = true;
    let mut counts = BTreeMap::new();
    for finding in lint_group(&group, &context) {
        *counts.entry(finding.code()).or_insert(0) += 1;
    }
    println!("{counts:#?}");
    assert!(
        counts
            .keys()
            .all(|code| RULES.iter().any(|rule| rule.code == *code))
    );
    for code in [
        "lint.weak_key",
        "lint.duplicate_index",
        "lint.duplicate_entity",
        "lint.scope_wildcard",
        "lint.category_self_asserted",
        "lint.no_sso",
        "lint.no_acs_post",
    ] {
        assert_eq!(counts.get(code), None, "{code}");
    }
}

#[test]
fn a_federation_does_not_differ_from_itself() {
    let Some(group) = incommon() else { return };
    let provider = aws_lc_provider();
    assert_eq!(diff(group.entities(), group.entities(), &provider), []);
    let without = group.entities().skip(1);
    let changes = diff(without, group.entities(), &provider);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].code(), "diff.entity_added");
}

#[test]
fn every_identity_provider_is_found_by_its_name() {
    let Some(group) = incommon() else { return };
    let index = SearchIndex::new(group.entities());
    assert!(index.len() > 400);
    let mut names = 0;
    for entity in group.entities() {
        let ui = entity
            .idp
            .iter()
            .filter_map(|idp| idp.details.extensions.ui_info.as_ref());
        for name in ui.flat_map(|ui| &ui.display_names) {
            let hits = index.search(&name.value, 20);
            let hidden = "http://refeds.org/category/hide-from-discovery";
            let found = hits.iter().any(|hit| *hit.entity_id == entity.entity_id)
                || entity
                    .entity_categories()
                    .any(|category| category == hidden);
            assert!(found, "{} of {}", name.value, entity.entity_id);
            names += 1;
        }
    }
    println!("{names} names of {} identity providers", index.len());
}
