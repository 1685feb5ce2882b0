//! Documents that are read part by part: the same as when they are held as a whole.

use crate::support::*;
use federate_xml::{
    Canonicalization, CanonicalizationAlgorithm, Document, Limits, Name, Part, ReadProblem,
    SignaturePolicy, Stream, StreamError, StreamLimits, VerificationContext, Visitor, canonicalize,
};
use proptest::prelude::*;
use std::io::Read;
use std::ops::Range;

#[path = "stream/build.rs"]
mod build;

use build::build;

const GROUPS: [Name; 2] = [Name::local("g"), Name::new("urn:x", "", "g")];

/// Gives its octets in pieces of these lengths, again and again.
struct Pieces<'a> {
    octets: &'a [u8],
    lengths: Vec<usize>,
    next: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.lengths[self.next % self.lengths.len()];
        self.next += 1;
        let count = length.min(into.len()).min(self.octets.len());
        into[..count].copy_from_slice(&self.octets[..count]);
        self.octets = &self.octets[count..];
        Ok(count)
    }
}

/// Everything that a visitor is told; each part as an independent document.
#[derive(Debug, Default, PartialEq)]
struct Told {
    parts: Vec<(Range<u64>, Vec<u8>)>,
    tags: Vec<String>,
    closed: Vec<(u64, Option<ReadProblem>)>,
}

/// The form in which two documents are compared whatever stood around them.
fn alone(document: &Document<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    let method = Canonicalization::default();
    canonicalize(document.root(), None, &method, &mut octets);
    octets
}

fn tag_of(tag: &Document<'_>) -> String {
    let root = tag.root();
    assert_eq!(root.child_elements().count(), 0);
    let attributes: Vec<_> = root.attributes().collect();
    format!("{}|{}|{attributes:?}", root.namespace(), root.local_name())
}

impl Visitor for Told {
    type Error = StreamError;

    fn open(&mut self, tag: &Part<'_>) -> Result<(), StreamError> {
        self.tags.push(tag_of(&tag.tag()?));
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>) -> Result<(), StreamError> {
        self.tags.push(tag_of(&part.tag()?));
        let document = part.document()?;
        assert_eq!(
            part.range().end - part.range().start,
            part.octets().len() as u64
        );
        self.parts.push((part.range(), alone(&document)));
        Ok(())
    }

    fn close(&mut self, end: u64, unexpected: Option<ReadProblem>) -> Result<(), StreamError> {
        self.closed.push((end, unexpected));
        Ok(())
    }
}

fn context(policy: &SignaturePolicy) -> VerificationContext<'_> {
    VerificationContext {
        provider: Box::leak(Box::new(provider())),
        policy,
        now: federate_testkit::keys::fixed_now(),
    }
}

fn policy() -> SignaturePolicy {
    SignaturePolicy::default().allow_inclusive_canonicalization()
}

fn read(octets: &[u8], lengths: &[usize]) -> Result<Told, StreamError> {
    read_in(octets, lengths, StreamLimits::default())
}

fn read_in(octets: &[u8], lengths: &[usize], limits: StreamLimits) -> Result<Told, StreamError> {
    let input = Pieces {
        octets,
        lengths: lengths.to_vec(),
        next: 0,
    };
    Stream::new(input, &GROUPS, limits).read_unsigned(Told::default())
}

/// Limits under which a small document does not fit into a window.
fn window(window: usize) -> StreamLimits {
    StreamLimits {
        window,
        ..StreamLimits::default()
    }
}

fn verify(
    octets: &[u8],
    lengths: &[usize],
    limits: StreamLimits,
) -> Result<(Told, Vec<u8>, Vec<u8>), StreamError> {
    let policy = policy();
    let context = context(&policy);
    let input = Pieces {
        octets,
        lengths: lengths.to_vec(),
        next: 0,
    };
    let mut stream = Stream::new(input, &GROUPS, limits);
    let head = stream.head()?;
    let head = context.verify_head(head, &limits.part, &trusted())?;
    let mut sink = Vec::new();
    let told = stream.verify(&head, &context, Told::default(), &mut sink)?;
    let again = Stream::new(&sink[..], &GROUPS, limits);
    let again = again.verify_again(&head, &context, Told::default())?;
    let told = told.into_inner();
    assert_eq!(again.into_inner(), told, "what was kept reads the same");
    for (range, part) in &told.parts {
        assert!(part.starts_with(b"<"));
        assert_eq!(sink[range.start as usize], b'<');
        assert_eq!(sink[range.end as usize - 1], b'>');
    }
    Ok((told, sink, head.octets().to_vec()))
}

/// Where the start tag of the root ends.
fn after_root_tag(document: &str) -> usize {
    let start = document.find("<g").unwrap();
    let mut quote = None;
    for (at, c) in document[start..].char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '>') => return start + at + 1,
            _ => {}
        }
    }
    panic!("no root");
}

fn method(number: usize) -> (Canonicalization, String) {
    let (algorithm, prefixes): (_, &[&str]) = match number % 4 {
        0 => (CanonicalizationAlgorithm::Exclusive, &[]),
        1 => (
            CanonicalizationAlgorithm::Exclusive,
            &["p", "#default", "q"],
        ),
        2 => (CanonicalizationAlgorithm::Inclusive10, &[]),
        _ => (CanonicalizationAlgorithm::Inclusive11, &[]),
    };
    let method = Canonicalization {
        algorithm,
        with_comments: false,
        inclusive_prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
    };
    let list = match prefixes {
        [] => String::new(),
        _ => format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\">\
             </ec:InclusiveNamespaces>",
            prefixes.join(" ")
        ),
    };
    let transform = algorithm_of(&method, &list);
    (method, transform)
}

fn algorithm_of(method: &Canonicalization, list: &str) -> String {
    crate::support::algorithm("Transform", ENVELOPED, "")
        + &crate::support::algorithm("Transform", method.uri(), list)
}

fn whole(document: &str, method: &Canonicalization) -> Vec<u8> {
    let parsed = Document::parse(document.as_bytes(), &Limits::for_aggregate()).unwrap();
    let mut octets = Vec::new();
    canonicalize(parsed.root(), None, method, &mut octets);
    octets
}

/// Signs a document whose root is `g` with the ID `_r`, with one of four methods.
fn sign_group(document: &str, number: usize) -> (String, Vec<u8>) {
    let (method, transforms) = method(number);
    let octets = whole(document, &method);
    let text = String::from_utf8(octets.clone()).unwrap();
    let signature = Info::new([reference_with(" URI=\"#_r\"", &transforms, &text)]).sign();
    let (before, after) = document.split_at(after_root_tag(document));
    (format!("{before}{signature}{after}"), octets)
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..64, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_canonical_form_is_that_of_the_whole_document(
        octets in octets(), number in 0_usize..4, lengths in lengths(), size in 0_usize..300
    ) {
        let document = build(&octets);
        let (signed, expected) = sign_group(&document, number);
        let (told, sink, _) = verify(signed.as_bytes(), &lengths, window(size)).unwrap();
        prop_assert_eq!(
            String::from_utf8(sink.clone()).unwrap(),
            String::from_utf8(expected).unwrap()
        );
        // What is told lies where it is said to lie.
        let kept = read(&sink, &[1000]).unwrap();
        prop_assert_eq!(kept, told);
    }

    #[test]
    fn chunks_make_no_difference(
        octets in octets(), lengths in lengths(), size in 0_usize..300
    ) {
        let document = build(&octets);
        let at_once = read(document.as_bytes(), &[usize::MAX]).unwrap();
        let in_windows = read_in(document.as_bytes(), &lengths, window(size)).unwrap();
        prop_assert_eq!(&in_windows, &at_once);
        let parsed = Document::parse(document.as_bytes(), &Limits::for_aggregate()).unwrap();
        let mut parts = Vec::new();
        collect(parsed.root(), &mut parts);
        let told: Vec<_> = at_once.parts.into_iter().map(|(_, part)| part).collect();
        prop_assert_eq!(told, parts);
    }

    #[test]
    fn what_is_refused_is_refused_in_parts(
        octets in octets(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        size in 0_usize..300
    ) {
        let mut document = build(&octets).into_bytes();
        let at = at.index(document.len());
        document[at] = byte;
        let limits = Limits { bytes: usize::MAX, ..Limits::for_aggregate() };
        let whole = Document::parse(&document, &limits).map(drop);
        let parts = read(&document, &[usize::MAX]).map(drop);
        prop_assert_eq!(whole.is_ok(), parts.is_ok(), "{:?} {:?}", whole, parts);
        let in_windows = read_in(&document, &[3], window(size)).map(drop);
        prop_assert_eq!(in_windows.is_ok(), parts.is_ok(), "{:?} {:?}", in_windows, parts);
    }
}

/// The parts of a document, in order.
fn collect(group: federate_xml::Element<'_>, parts: &mut Vec<Vec<u8>>) {
    for child in group.child_elements() {
        if GROUPS.iter().any(|name| child.is(*name)) {
            collect(child, parts);
        } else {
            let mut octets = Vec::new();
            canonicalize(child, None, &Canonicalization::default(), &mut octets);
            parts.push(octets);
        }
    }
}

fn code(document: &str) -> &'static str {
    read(document.as_bytes(), &[7]).unwrap_err().code()
}

#[test]
fn refusals_are_those_of_the_parser() {
    for (document, expected) in [
        ("<g><a/></h>", "xml.not_well_formed"),
        ("<g><a></g></a>", "xml.not_well_formed"),
        ("<g/><g/>", "xml.not_well_formed"),
        ("<g>", "xml.not_well_formed"),
        ("<g><a>", "xml.not_well_formed"),
        ("", "xml.not_well_formed"),
        ("<g/>x", "xml.not_well_formed"),
        ("\u{feff}\u{feff}<g/>", "xml.not_well_formed"),
        ("<g>]]></g>", "xml.not_well_formed"),
        ("<g><a/><?xml version='1.0'?></g>", "xml.not_well_formed"),
        ("<!DOCTYPE g><g/>", "xml.doctype_forbidden"),
        ("<g><!DOCTYPE g></g>", "xml.doctype_forbidden"),
        ("<g><x:a/></g>", "xml.undeclared_prefix"),
        ("<g><a xmlns:x='urn:x'/><x:a/></g>", "xml.undeclared_prefix"),
        ("<g ID='a'><a><b ID='a'/></a></g>", "xml.duplicate_id"),
        (
            "<g><a Id='a'/><g><b xml:id='a'/></g></g>",
            "xml.duplicate_id",
        ),
        ("<g><a b='' b=''/></g>", "xml.duplicate_attribute"),
        ("<g>&nbsp;</g>", "xml.unknown_entity"),
        ("<g>&#0;</g>", "xml.invalid_character"),
        ("<g>\u{1}</g>", "xml.invalid_character"),
    ] {
        assert_eq!(code(document), expected, "{document}");
    }
    let error = read(b"<g>\xff</g>", &[1]).unwrap_err();
    assert_eq!(error.code(), "xml.invalid_utf8");
    let error = read(b"<g>\xc3", &[1]).unwrap_err();
    assert_eq!(error.code(), "xml.invalid_utf8");
}

#[test]
fn a243_a249_every_cost_is_bounded() {
    let part = Limits {
        bytes: 300_000,
        ..StreamLimits::default().part
    };
    let limits = StreamLimits {
        bytes: 1_000_000,
        window: 1_000,
        part,
        ids: 3,
    };
    let refused = |document: &str| {
        let stream = Stream::new(document.as_bytes(), &GROUPS, limits);
        stream
            .read_unsigned(Told::default())
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let limit = |what: &'static str| move |error: String| assert!(error.contains(what), "{error}");
    let fits = format!("<g><a>{}</a></g>", "x".repeat(299_900));
    assert_eq!(refused(&fits), Ok(()));
    // A part, a text between parts and a tag that need more memory than a part may.
    for inside in [
        format!("<a>{}</a>", "<b/>".repeat(100_000)),
        " ".repeat(600_000),
        format!("<!--{}-->", "x".repeat(600_000)),
        format!("<a b='{}'/>", "x".repeat(600_000)),
        format!("<a>{}", "<b/>".repeat(100_000)),
    ] {
        limit("octets of a part")(refused(&format!("<g>{inside}</g>")).unwrap_err());
    }
    limit("bytes")(refused(&format!("<g>{}</g>", "<a/>".repeat(300_000))).unwrap_err());
    limit("element IDs")(refused("<g ID='a'><b ID='b'/><c ID='c'/><d ID='d'/></g>").unwrap_err());
    let deep = |depth| format!("{}{}", "<g>".repeat(depth), "</g>".repeat(depth));
    assert_eq!(refused(&deep(64)), Ok(()));
    limit("depth")(refused(&deep(65)).unwrap_err());
    limit("depth")(refused(&format!("<g>{}</g>", deep(64).replace('g', "a"))).unwrap_err());
}

#[test]
fn a249_a_long_canonical_form_is_not_made() {
    // Each of the inner elements declares the namespace in canonical form.
    let name = "x".repeat(1000);
    let inside = "<p:b/>".repeat(5_000);
    let document = format!("<g ID='_r'><a xmlns:p='urn:{name}'>{inside}</a></g>");
    let (signed, _) = sign_group(&document, 0);
    let error = verify(signed.as_bytes(), &[4096], StreamLimits::default()).unwrap_err();
    assert_eq!(error.code(), "xml.limit_exceeded");
}

#[test]
fn a_part_lies_across_windows() {
    // Longer than a window in all, longer than one in itself, and with characters, tags and
    // references at every boundary.
    let part = |n: usize| {
        let text = "\u{e9}&amp;<p:c d='\u{10ffff}'/>\r\n".repeat(n);
        format!("<a xmlns:q='urn:y'><q:b/>{text}</a>\n")
    };
    let inside: String = (0..300).map(|n| part(n % 97)).collect();
    let large = part(12_000);
    let document = format!(
        "\u{feff}<g ID='_r' xmlns='urn:x' xmlns:p='urn:p'>{inside}<g xmlns:q='urn:z'>{large}{inside}</g></g>"
    );
    for number in 0..4 {
        let (signed, expected) = sign_group(&document, number);
        for lengths in [&[usize::MAX][..], &[1021, 3]] {
            let (told, sink, _) =
                verify(signed.as_bytes(), lengths, StreamLimits::default()).unwrap();
            assert_eq!(sink, expected);
            assert_eq!(told.parts.len(), 601);
        }
    }
}

#[test]
fn a001_nothing_changed_passes() {
    let document = "<g ID='_r' xmlns='urn:x'><a b='1'>text</a><g c='2'><d/></g></g>";
    let (signed, _) = sign_group(document, 0);
    let check = |signed: &str| verify(signed.as_bytes(), &[5], StreamLimits::default());
    assert!(check(&signed).is_ok());
    for (from, to) in [
        ("b='1'", "b='2'"),
        ("text", "Text"),
        ("<d/>", ""),
        ("<d/>", "<d/><d/>"),
        ("c='2'", ""),
        ("</g></g>", "</g> </g>"),
    ] {
        let error = check(&swap(&signed, from, to)).unwrap_err();
        assert_eq!(error.code(), "signature.digest_mismatch", "{from}");
    }
    // Another signature, the same one elsewhere, none, and one about another element.
    let (_, signature, _) = cut(&signed, "ds:Signature");
    let bare = stripped(&signed);
    let several = swap(&signed, "<a b", &format!("{signature}<a b"));
    assert_eq!(check(&several).unwrap_err().code(), "signature.malformed");
    let last = swap(&bare, "</g></g>", &format!("</g>{signature}</g>"));
    for unsigned in [&bare, &last, "<g ID='_r'/>", "<g ID='_r'>text</g>"] {
        assert_eq!(check(unsigned).unwrap_err().code(), "signature.missing");
    }
    let other = swap(&signed, "ID='_r'", "ID='_s'");
    assert_eq!(check(&other).unwrap_err().code(), "signature.malformed");
}

#[test]
fn what_is_kept_is_verified_again() {
    let (signed, _) = sign_group("<g ID='_r'><a/><b>text</b></g>", 0);
    let (_, kept, head) = verify(signed.as_bytes(), &[99], StreamLimits::default()).unwrap();
    let policy = policy();
    let context = context(&policy);
    let again = |kept: &[u8]| {
        let limits = StreamLimits::default();
        let head = context
            .verify_head(head.clone(), &limits.part, &trusted())
            .unwrap();
        let stream = Stream::new(kept, &GROUPS, limits);
        stream
            .verify_again(&head, &context, Told::default())
            .map(drop)
    };
    assert_eq!(again(&kept), Ok(()));
    let text = String::from_utf8(kept).unwrap();
    for changed in [
        text.replace("text", "next"),
        text.clone() + " ",
        text.replace("<b>", "<b >"),
        format!("\u{feff}{text}"),
    ] {
        let error = again(changed.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "signature.digest_mismatch");
    }
    let error = again(text.replace("_r", "_s").as_bytes()).unwrap_err();
    assert_eq!(error.code(), "signature.malformed");
    let error = again(&text.as_bytes()[..text.len() - 4]).unwrap_err();
    assert_eq!(error.code(), "xml.not_well_formed");
}
