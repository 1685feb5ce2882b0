//! Whatever the parser takes has a canonical form, which it takes again and which is its own
//! canonical form; without comments and processing instructions nothing else is lost.
#![no_main]

use federate_xml::{Canonicalization, Document, Limits, canonicalize};
use libfuzzer_sys::fuzz_target;

fn canonical(document: &Document<'_>, method: &Canonicalization) -> Vec<u8> {
    let mut octets = Vec::new();
    canonicalize(document.root(), None, method, &mut octets);
    octets
}

fuzz_target!(|octets: &[u8]| {
    for processing_instructions in [false, true] {
        let limits = Limits {
            processing_instructions,
            ..Limits::default()
        };
        let Ok(document) = Document::parse(octets, &limits) else {
            continue;
        };
        for with_comments in [false, true] {
            for inclusive_prefixes in [vec![], vec!["#default".to_owned(), "b".to_owned()]] {
                let method = Canonicalization {
                    with_comments,
                    inclusive_prefixes,
                    ..Canonicalization::default()
                };
                let once = canonical(&document, &method);
                // Escapes and declarations make it longer than what was read.
                let room = Limits {
                    bytes: usize::MAX,
                    value_bytes: usize::MAX,
                    ..limits
                };
                let again = Document::parse(&once, &room).expect("a canonical form is XML");
                assert_eq!(once, canonical(&again, &method));
            }
        }
        let _ = document.root().text();
    }
});
