//! A canonical form is XML and its own canonical form, by all six methods, with and without a
//! list of prefixes, of a whole document and of an element in its surroundings; and where the
//! feature `libxml2` is on, it is the one that libxml2 makes.
#![no_main]

use federate_xml::{
    Canonicalization, Document, Element, Limits, canonicalize, canonicalize_document,
};
use libfuzzer_sys::fuzz_target;

const METHODS: [&str; 6] = [
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    "http://www.w3.org/2006/12/xml-c14n11",
    "http://www.w3.org/2006/12/xml-c14n11#WithComments",
];

const PREFIXES: [&[&str]; 2] = [&[], &["#default", "b", "xs"]];

/// What is canonicalized.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Document,
    Root,
    /// The last element of the last element, and so on: one that has surroundings.
    Innermost,
}

const PARTS: [Part; 3] = [Part::Document, Part::Root, Part::Innermost];

fn canonical(document: &Document<'_>, part: Part, method: &Canonicalization) -> Vec<u8> {
    let mut octets = Vec::new();
    match part {
        Part::Document => canonicalize_document(document, None, method, &mut octets),
        Part::Root => canonicalize(document.root(), None, method, &mut octets),
        Part::Innermost => canonicalize(innermost(document), None, method, &mut octets),
    }
    octets
}

fn innermost<'d>(document: &'d Document<'d>) -> Element<'d> {
    let mut element = document.root();
    while let Some(last) = element.child_elements().last() {
        element = last;
    }
    element
}

/// The other implementation.
#[cfg(feature = "libxml2")]
mod judge {
    use super::Part;
    use federate_xml::{Canonicalization, CanonicalizationAlgorithm};
    use libxml::parser::{Parser, ParserOptions};
    use libxml::tree::Document;
    use libxml::tree::c14n::{CanonicalizationMode, CanonicalizationOptions};

    /// What we have read, it must be able to read.
    pub(crate) fn parse(octets: &[u8]) -> Document {
        let options = ParserOptions {
            recover: false,
            no_net: true,
            no_error: true,
            no_warning: true,
            ..ParserOptions::default()
        };
        Parser::default()
            .parse_string_with_options(octets, options)
            .ok()
            .expect("libxml2 refuses what we read")
    }

    pub(crate) fn canonical(
        document: &Document,
        part: Part,
        method: &Canonicalization,
    ) -> Option<String> {
        let mode = match method.algorithm {
            CanonicalizationAlgorithm::Exclusive => CanonicalizationMode::ExclusiveCanonical1_0,
            CanonicalizationAlgorithm::Inclusive10 => CanonicalizationMode::Canonical1_0,
            _ => CanonicalizationMode::Canonical1_1,
        };
        let options = CanonicalizationOptions {
            mode,
            with_comments: method.with_comments,
            inclusive_ns_prefixes: method.inclusive_prefixes.clone(),
        };
        if part == Part::Document {
            return document.canonicalize(options, None).ok();
        }
        let mut node = document.get_root_element().expect("a root");
        let inner = part == Part::Innermost;
        while let Some(last) = node.get_last_element_child().filter(|_| inner) {
            node = last;
        }
        node.canonicalize(options).ok()
    }

    /// Whether the two can be compared. libxml2 refuses names of namespaces with `&`, or writes
    /// it as it is; `all` is a form that has every declaration. The binding breaks characters
    /// that lie across two of its buffers.
    pub(crate) fn comparable(form: &str, all: &str) -> bool {
        let in_name = |declaration: &str| {
            let value = declaration.split('"').nth(1).unwrap_or_default();
            value.contains('&')
        };
        let broken = form.len() > 3_000 && !form.is_ascii();
        !broken && !all.split(" xmlns").skip(1).any(in_name)
    }
}

fn check(octets: &[u8], limits: &Limits) {
    let Ok(document) = Document::parse(octets, limits) else {
        return;
    };
    // Escapes and declarations make it longer and broader than what was read.
    let room = Limits {
        bytes: usize::MAX,
        value_bytes: usize::MAX,
        attributes_per_element: usize::MAX,
        namespaces: usize::MAX,
        ..*limits
    };
    #[cfg(feature = "libxml2")]
    let (judge, all) = {
        let inclusive = Canonicalization::from_uri(METHODS[2]).expect("a known method");
        let all = canonical(&document, Part::Root, &inclusive);
        (judge::parse(octets), String::from_utf8(all).expect("UTF-8"))
    };
    for part in PARTS {
        // The form of an element is a document of its own.
        let again_part = match part {
            Part::Document => Part::Document,
            _ => Part::Root,
        };
        for method in METHODS {
            let plain = Canonicalization::from_uri(method).expect("a known method");
            for prefixes in PREFIXES {
                let method = Canonicalization {
                    inclusive_prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
                    ..plain.clone()
                };
                let once = canonical(&document, part, &method);
                let again = Document::parse(&once, &room).expect("a canonical form is XML");
                assert_eq!(once, canonical(&again, again_part, &method), "not stable");
                #[cfg(feature = "libxml2")]
                {
                    let ours = String::from_utf8(once).expect("UTF-8");
                    // What is joined of xml:base is compared in the tests.
                    let based = part == Part::Innermost && octets.windows(4).any(|w| w == b"base");
                    if !based && judge::comparable(&ours, &all) {
                        let theirs = judge::canonical(&judge, part, &method);
                        assert_eq!(theirs.as_deref(), Some(ours.as_str()), "{method:?}");
                    }
                }
            }
        }
    }
}

fuzz_target!(|octets: &[u8]| {
    let limits = Limits {
        processing_instructions: true,
        ..Limits::default()
    };
    check(octets, &limits);
});
