//! Canonical octets against those of libxml2: every element, every method, every prefix list.

use crate::documents::{Maker, Taste};
use crate::random::Random;
use crate::support::*;
use federate_testkit::judge::ForeignDocument;
use federate_xml::{Canonicalization, Document, Element, canonicalize};

const DOCUMENTS: usize = 3_000;

const METHODS: [&str; 6] = [
    EXCLUSIVE,
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    C14N_10,
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    C14N_11,
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
];

const LISTS: [&[&str]; 5] = [
    &[],
    &["a"],
    &["#default"],
    &["#default", "saml", "b", "a", "unknown"],
    &["\u{e9}", "xs", "xml"],
];

pub(crate) fn ours(
    element: Element<'_>,
    omit: Option<Element<'_>>,
    uri: &str,
    prefixes: &[&str],
) -> String {
    let method = Canonicalization {
        inclusive_prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
        ..Canonicalization::from_uri(uri).unwrap()
    };
    let mut octets = Vec::new();
    canonicalize(element, omit, &method, &mut octets);
    String::from_utf8(octets).unwrap()
}

/// Compares all forms of one element; the number of forms that were compared.
fn compare(
    text: &str,
    foreign: &ForeignDocument,
    number: usize,
    element: Element<'_>,
    problems: &mut Vec<String>,
) -> usize {
    let mut compared = 0;
    for uri in METHODS {
        for prefixes in LISTS {
            if !prefixes.is_empty() && !uri.starts_with(EXCLUSIVE) {
                continue;
            }
            compared += 1;
            let ours = ours(element, None, uri, prefixes);
            let theirs = foreign.canonicalize(number, None, uri, prefixes);
            if theirs.as_deref() != Ok(ours.as_str()) {
                problems.push(format!(
                    "{uri} {prefixes:?} of element {number} in\n{text}\nours:   {ours:?}\ntheirs: {theirs:?}\n"
                ));
            }
        }
    }
    compared
}

#[test]
fn every_form_of_every_element_is_libxml2s() {
    apart("canonical::every_form_of_every_element_is_libxml2s", || {
        let (mut compared, mut problems) = (0, Vec::new());
        for seed in (first_seed()..).take(DOCUMENTS) {
            let mut random = Random::new(seed);
            let taste = Taste {
                instructions: true,
                base: seed % 4 == 0,
                saml: true,
            };
            let text = Maker::new(&mut random, taste).document();
            let limits = limits(true);
            let document = Document::parse(text.as_bytes(), &limits);
            let document = document.unwrap_or_else(|e| panic!("{seed}: {e}\n{text}"));
            let foreign = ForeignDocument::parse(text.as_bytes());
            let foreign = foreign.unwrap_or_else(|e| panic!("{seed}: {e}\n{text}"));
            assert!(
                foreign.complaints().is_empty(),
                "{seed}: {:?}\n{text}",
                foreign.complaints()
            );
            let all = elements(&document);
            assert_eq!(all.len(), foreign.element_count(), "{text}");
            // The root, and two of the others.
            let chosen = [0, random.below(all.len()), random.below(all.len())];
            for number in chosen {
                compared += compare(&text, &foreign, number, all[number], &mut problems);
            }
        }
        println!("{compared} canonical forms of {DOCUMENTS} documents compared");
        let shown: Vec<&String> = problems.iter().take(3).collect();
        assert!(
            problems.is_empty(),
            "{} differ\n{}",
            problems.len(),
            shown
                .iter()
                .map(|s| s.as_str())
                .collect::<Vec<_>>()
                .join("\n")
        );
    });
}

/// What the binding does to long text, so that nobody takes it for a difference.
#[test]
fn the_binding_damages_long_text() {
    let text = format!("<a>{}\u{e9}</a>", "a".repeat(15_999));
    let foreign = ForeignDocument::parse(text.as_bytes()).unwrap();
    let theirs = foreign.canonicalize(0, None, EXCLUSIVE, &[]).unwrap();
    assert_eq!(theirs, text.replace('\u{e9}', "\u{fffd}\u{fffd}"));
}
