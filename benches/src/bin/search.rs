//! How long a search for an identity provider takes per keystroke: of eduGAIN where
//! `FEDERATE_VECTORS` says that it lies, and of 10,000 identity providers that are made up.

use federate::metadata::{
    EntityDescriptor, IdpDescriptor, Localized, Scope, SearchIndex, UiInfo, parse_entities,
};
use federate::types::EntityId;
use federate::xml::Limits;
use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

/// Where the large federation lies in the folder of other people's documents.
const EDUGAIN: &str = "federation/edugain/edugain-trustinfo-2.0.xml.gz";
/// How many names are typed, letter by letter.
const NAMES: usize = 200;
/// How many hits are shown.
const SHOWN: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "| index over | identity providers | built in ms | keystrokes | mean µs | 99% µs | worst µs |"
    );
    println!("|---|---|---|---|---|---|---|");
    if let Some(folder) = std::env::var_os("FEDERATE_VECTORS") {
        let file = File::open(Path::new(&folder).join(EDUGAIN))?;
        let mut octets = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut octets)?;
        let group = parse_entities(&octets, &Limits::for_aggregate())?;
        let entities: Vec<_> = group.entities().collect();
        measure("eduGAIN", &entities);
    }
    let made_up = made_up(10_000)?;
    measure("made up", &made_up.iter().collect::<Vec<_>>());
    Ok(())
}

fn measure(name: &str, entities: &[&EntityDescriptor]) {
    let start = Instant::now();
    let index = SearchIndex::new(entities.iter().copied());
    let built = start.elapsed();
    let mut typed = Vec::new();
    let names = names(entities);
    for name in &names {
        let ends: Vec<usize> = name
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .collect();
        typed.extend(ends.iter().filter_map(|end| name.get(..*end)));
    }
    let mut times: Vec<f64> = typed
        .iter()
        .map(|text| {
            // The better of two: what else the machine does is not ours.
            let once = || {
                let start = Instant::now();
                black_box(index.search(black_box(text), SHOWN));
                start.elapsed().as_secs_f64() * 1e6
            };
            once().min(once())
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
    let at = |part: usize| times.get(times.len() * part / 100).or(times.last());
    println!(
        "| {name} | {} | {:.0} | {} | {mean:.0} | {:.0} | {:.0} |",
        index.len(),
        built.as_secs_f64() * 1e3,
        typed.len(),
        at(99).copied().unwrap_or_default(),
        at(100).copied().unwrap_or_default(),
    );
}

/// Names of some of them, every second one with its third letter left out.
fn names(entities: &[&EntityDescriptor]) -> Vec<String> {
    let all = entities.iter().filter_map(|entity| {
        let ui = entity.idp.as_ref()?.details.extensions.ui_info.as_ref()?;
        Some(ui.display_names.first()?.value.clone())
    });
    let all: Vec<String> = all.collect();
    let some = all.iter().step_by((all.len() / NAMES).max(1));
    some.enumerate()
        .map(|(number, name)| {
            let wrong = number % 2 == 1;
            let letters = name.chars().enumerate();
            letters
                .filter(|(at, _)| !wrong || *at != 2)
                .map(|(_, c)| c)
                .collect()
        })
        .collect()
}

/// Universities of places that do not exist.
fn made_up(number: usize) -> Result<Vec<EntityDescriptor>, Box<dyn Error>> {
    let syllables = [
        "ba", "ker", "lin", "mo", "ster", "dam", "vil", "ta", "gor", "ne", "hei", "zü", "rich",
        "wal", "den", "o", "sa", "ka", "bru", "xel",
    ];
    let kinds = [
        "University of",
        "Institute of Technology of",
        "College of",
        "Universität",
    ];
    let mut state = 1u64;
    let mut any = move |most: usize| {
        // An ordinary linear congruence: the names are the same at every run.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % most
    };
    let mut found = Vec::with_capacity(number);
    for count in 0..number {
        let mut place = String::new();
        for _ in 0..2 + any(3) {
            place.push_str(syllables.get(any(syllables.len())).unwrap_or(&"a"));
        }
        let kind = kinds.get(any(kinds.len())).unwrap_or(&"University of");
        let mut ui = UiInfo::default();
        ui.display_names = vec![Localized::new("en", format!("{kind} {place} {count}"))];
        let mut idp = IdpDescriptor::default();
        idp.details.extensions.ui_info = Some(Box::new(ui));
        idp.details.extensions.scopes = vec![Scope::new(format!("{place}{count}.example"))];
        let id = format!("https://idp.{place}{count}.example/saml");
        let mut entity = EntityDescriptor::new(EntityId::new(id)?);
        entity.idp = Some(idp);
        found.push(entity);
    }
    Ok(found)
}
