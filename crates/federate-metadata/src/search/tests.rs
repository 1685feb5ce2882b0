use super::*;
use crate::testing::any_entity;
use crate::{Attribute, DiscoHints, IdpDescriptor, Organization, Scope, UiInfo};
use proptest::prelude::*;

const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";

fn idp(id: &str, names: &[(&str, &str)], scopes: &[&str]) -> EntityDescriptor {
    let mut entity = EntityDescriptor::new(EntityId::new(id).unwrap());
    let mut idp = IdpDescriptor::default();
    idp.details.extensions.ui_info = Some(Box::new(UiInfo {
        display_names: names
            .iter()
            .map(|(lang, name)| Localized::new(*lang, *name))
            .collect(),
        ..UiInfo::default()
    }));
    idp.details.extensions.scopes = scopes.iter().map(|scope| Scope::new(*scope)).collect();
    entity.idp = Some(idp);
    entity
}

fn some() -> Vec<EntityDescriptor> {
    let mut vienna = idp(
        "https://idp.univie.example/saml",
        &[("de", "Universität Wien"), ("en", "University of Vienna")],
        &["univie.example", "ac.univie.example"],
    );
    let extensions = &mut vienna.idp.as_mut().unwrap().details.extensions;
    extensions.ui_info.as_mut().unwrap().keywords = vec![Localized::new(
        "de",
        ["Alma+Mater".to_owned(), "Rudolphina".to_owned()],
    )];
    extensions.disco_hints = Some(Box::new(DiscoHints {
        domain_hints: vec!["Vienna.Example".into()],
        ..DiscoHints::default()
    }));
    let zurich = idp(
        "https://aai.uzh.example",
        &[("en", "University of Zurich"), ("de", "Universität Zürich")],
        &["uzh.example"],
    );
    let hospital = idp(
        "https://usz.example",
        &[("en", "University Hospital Zurich")],
        &["usz.example"],
    );
    let tokyo = idp(
        "https://idp.u-tokyo.example",
        &[("ja", "国立大学法人東京大学")],
        &[],
    );
    let mut nameless = idp("https://nameless.example", &[], &[]);
    nameless.organization = Some(Box::new(Organization {
        display_names: vec![Localized::new("en", "Institute of Ähnliches")],
        ..Organization::default()
    }));
    vec![vienna, hospital, zurich, tokyo, nameless]
}

#[track_caller]
fn found(query: &str) -> Vec<String> {
    let entities = some();
    let index = SearchIndex::new(&entities);
    let hits = index.search(query, 10);
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    let host = |hit: &Hit<'_>| {
        let id = hit.entity_id.as_str().trim_start_matches("https://");
        id.split('/').next().unwrap().to_owned()
    };
    hits.iter().map(host).collect()
}

#[test]
fn beginnings_of_words_are_found() {
    assert_eq!(found("vien"), ["idp.univie.example"]);
    assert_eq!(found("WIEN"), ["idp.univie.example"]);
    assert_eq!(found("zürich")[0], "aai.uzh.example");
    assert_eq!(found("zurich univ hosp"), ["usz.example"]);
    assert_eq!(found("of univ zu"), ["aai.uzh.example"]);
    assert_eq!(found("rudol"), ["idp.univie.example"]);
    assert_eq!(found("mater alma"), ["idp.univie.example"]);
    assert_eq!(found("ahnl"), ["nameless.example"]);
    assert_eq!(found("東京"), ["idp.u-tokyo.example"]);
    assert_eq!(found(""), [""; 0]);
    assert_eq!(found("@ . -"), [""; 0]);
}

#[test]
fn one_error_is_forgiven_after_all_that_fits() {
    assert_eq!(found("viena"), ["idp.univie.example"]);
    assert_eq!(found("uinversitat wien"), ["idp.univie.example"]);
    assert_eq!(found("zirich"), ["aai.uzh.example", "usz.example"]);
}

#[test]
fn short_words_are_taken_at_their_word() {
    assert_eq!(found("wei"), [""; 0]);
    assert_eq!(found("usx"), [""; 0]);
}

#[test]
fn whole_domains_come_first() {
    assert_eq!(found("uzh.example")[0], "aai.uzh.example");
    assert_eq!(found("alice@UZH.example")[0], "aai.uzh.example");
    assert_eq!(found("students.uzh.example")[0], "aai.uzh.example");
    assert_eq!(found("vienna.example")[0], "idp.univie.example");
    assert_eq!(found("u-tokyo")[0], "idp.u-tokyo.example");
}

#[test]
fn scopes_come_before_hints() {
    let mut other = idp("https://short.example", &[("en", "A")], &[]);
    let extensions = &mut other.idp.as_mut().unwrap().details.extensions;
    extensions.disco_hints = Some(Box::new(DiscoHints {
        domain_hints: vec!["uzh.example".into()],
        ..DiscoHints::default()
    }));
    let mut entities = some();
    entities.push(other);
    let index = SearchIndex::new(&entities);
    let hits = index.search("alice@uzh.example", 10);
    let ids: Vec<_> = hits.iter().map(|hit| hit.entity_id.as_str()).collect();
    assert_eq!(ids, ["https://aai.uzh.example", "https://short.example"]);
}

#[test]
fn whole_words_come_before_beginnings_and_short_names_before_long_ones() {
    let entities = [
        idp("https://a.example", &[("en", "Bonnington College")], &[]),
        idp(
            "https://b.example",
            &[("en", "The University of Bonn")],
            &[],
        ),
        idp("https://c.example", &[("en", "Bonn University")], &[]),
    ];
    let index = SearchIndex::new(&entities);
    let names: Vec<_> = index
        .search("bonn", 10)
        .iter()
        .map(|hit| hit.display_name)
        .collect();
    assert_eq!(
        names,
        [
            "Bonn University",
            "The University of Bonn",
            "Bonnington College"
        ]
    );
    assert_eq!(index.search("bonn", 1).len(), 1);
    assert_eq!(index.search("bonn", 0), []);
}

#[test]
fn when_not_all_words_are_found_some_will_do() {
    assert_eq!(
        found("university of vienna austria")[0],
        "idp.univie.example"
    );
    assert_eq!(found("gibberish"), [""; 0]);
}

#[test]
fn what_is_not_to_be_offered_is_not() {
    let mut hidden = idp("https://a.example", &[("en", "Test")], &[]);
    hidden.extensions.entity_attributes.push(Attribute {
        name: EntityDescriptor::ENTITY_CATEGORY.into(),
        name_format: Some(URI.into()),
        values: vec![HIDDEN.into()],
        ..Attribute::default()
    });
    let sp = EntityDescriptor::new(EntityId::new("https://b.example").unwrap());
    let twice = [hidden, sp, some().remove(0), some().remove(0)];
    assert_eq!(SearchIndex::new(&twice).len(), 1);
    assert!(SearchIndex::new(&twice[..2]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_beginning_of_every_word_finds_its_entity(
        names in prop::collection::vec("\\PC{0,20}|[A-Za-zäéß東 .'-]{1,20}", 1..6),
    ) {
        let entities: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| idp(&format!("urn:x:{n}"), &[("en", name)], &[]))
            .collect();
        let index = SearchIndex::new(&entities);
        for (entity, name) in entities.iter().zip(&names) {
            for word in fold::words(name) {
                for (at, c) in word.char_indices() {
                    let prefix = word.get(..at + c.len_utf8()).unwrap();
                    // What folding makes of a letter need not be folded itself.
                    if fold::words(prefix) != [prefix] {
                        continue;
                    }
                    let hits = index.search(prefix, 100);
                    let finds = hits.iter().any(|hit| *hit.entity_id == entity.entity_id);
                    prop_assert!(finds, "{prefix:?} of {name:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_panics(entity in any_entity(), query in "\\PC{0,40}|.{0,300}", limit in 0usize..4) {
        let index = SearchIndex::new([&entity]);
        prop_assert!(index.search(&query, limit).len() <= limit);
    }
}
