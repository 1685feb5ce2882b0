//! Everything compared, and a reason for every difference.

use crate::bases;
use crate::compare::{Keys, Tally};
use crate::mutants::SOURCES;
use crate::page;
use crate::random::Random;
use crate::shapes;
use crate::signing::honest;
use crate::support::*;
use crate::vectors;

const DOCUMENTS: usize = 800;

/// Why we refuse what libxmlsec1 accepts, by our code. What is not here fails the run: so
/// `signature.wrong_key` and `signature.digest_mismatch` must never be here.
pub(crate) const REASONS: &[(&str, &str)] = &[
    (
        "signature.algorithm_refused: the canonicalization",
        "comments are no part of what SAML means, so no signature may cover them",
    ),
    (
        "signature.algorithm_refused: the digest algorithm",
        "not in `SignaturePolicy`, which nobody has missed",
    ),
    (
        "signature.algorithm_refused: the signature algorithm",
        "not in `SignaturePolicy`, which nobody has missed",
    ),
    (
        "signature.malformed: a value is not base64",
        "bits left over in the last character are not zero; libxmlsec1 overlooks them",
    ),
    (
        "signature.malformed: its elements are missing, doubled, unknown or out of order",
        "an element in `ds:Signature` where none belongs, such as one inside `ds:SignatureValue` or \
         a `ds:Object`; libxmlsec1 passes over it",
    ),
    (
        "signature.malformed: the reference is not to the signature's parent",
        "`[SAMLCore] 5.4.2`; libxmlsec1 finds the ID anywhere, which is signature wrapping",
    ),
    (
        "signature.malformed: the signed element has no usable ID",
        "`[SAMLCore] 5.4.2` wants an ID, which is an NCName; libxmlsec1 takes any text for one, and \
         `URI=\"\"` for the whole document",
    ),
    (
        "signature.malformed: the transforms are not enveloped signature and canonicalization",
        "`[SAMLCore] 5.4.4`: these two, once each; others decide what is signed, even nothing",
    ),
    (
        "signature.malformed: there is not exactly one reference",
        "`[SAMLCore] 5.4.2`: one signature, one element",
    ),
    (
        "xml.doctype_forbidden",
        "no document type, ever: entities and second readings begin there",
    ),
    (
        "xml.duplicate_id",
        "the same `xml:id` twice, of which libxml2 only complains; the same `ID` twice, neither takes",
    ),
    (
        "xml.invalid_character",
        "octets after a zero octet, where libxml2 stops reading",
    ),
    (
        "xml.invalid_namespace_declaration",
        "`[XMLNames] 3`: an undeclared prefix, a reserved name, or what is no URI; libxml2 complains \
         and goes on",
    ),
    (
        "xml.invalid_utf8",
        "UTF-8 is the only encoding here; libxml2 recognizes UTF-16",
    ),
    (
        "xml.limit_exceeded: attributes of an element",
        "a limit of ours, which the caller can raise",
    ),
    (
        "xml.limit_exceeded: depth",
        "a limit of ours, which the caller can raise; that of libxml2 is 256",
    ),
    (
        "xml.not_well_formed: an attribute name",
        "a colon too many (`[XMLNames] 4`); libxml2 complains and goes on",
    ),
    (
        "xml.not_well_formed: an element name",
        "a colon too many (`[XMLNames] 4`); libxml2 complains and goes on",
    ),
    (
        "xml.processing_instruction_forbidden",
        "none in SAML messages, unless the caller's limits allow them",
    ),
    (
        "xml.undeclared_prefix",
        "`[XMLNames] 5`; libxml2 complains and goes on, without a namespace",
    ),
    (
        "xml.unsupported_encoding",
        "UTF-8 is the only encoding here; libxml2 converts others",
    ),
    (
        "xml.unsupported_version",
        "XML 1.0 only: 1.1 allows other characters; libxml2 reads 1.1 by the rules of 1.0",
    ),
];

/// Signed documents and what chance makes of them.
fn generated() -> Tally {
    let keys = Keys::of_testkit();
    let mut tally = Tally::default();
    let mut other = honest(0);
    for seed in (first_seed()..).take(DOCUMENTS) {
        let signed = honest(seed);
        let limits = limits(signed.instructions);
        let accepted = tally.both_accept;
        let name = format!("document {seed}");
        tally.document(&name, signed.text.as_bytes(), &keys, &limits);
        if tally.both_accept != accepted + 1 {
            let what = format!("signed by {}, but {}", signed.signed_by, tally.last_code);
            tally.problem(&name, signed.text.as_bytes(), &what);
        }
        let mut random = Random::new(seed ^ 0x5eed);
        // An ECDSA signature is another one in every run, and so would be what chance makes of it.
        let repeatable = !signed.text.contains("#ecdsa");
        for source in SOURCES.iter().filter(|_| repeatable) {
            for mutant in source(&signed.text, &other.text, &mut random) {
                let name = format!("{} in document {seed}", mutant.what);
                tally.document(&name, &mutant.octets, &keys, &limits);
            }
        }
        if repeatable {
            other = signed;
        }
    }
    tally
}

/// Good signatures that SAML has no use for: libxmlsec1 accepts every one.
fn other_shapes() -> Tally {
    let keys = Keys::of_testkit();
    let mut tally = Tally {
        examples: usize::MAX,
        ..Tally::default()
    };
    for (name, text) in shapes::all() {
        tally.document(name, text.as_bytes(), &keys, &limits(false));
    }
    assert_eq!((tally.both_accept, tally.both_refuse), (0, 0));
    tally
}

fn check(tally: &Tally) {
    println!(
        "{} documents, {} signatures accepted by both, {} refused by both, {} documents parsed by neither",
        tally.documents, tally.both_accept, tally.both_refuse, tally.both_unparsed
    );
    let shown: Vec<&String> = tally.problems.iter().take(20).collect();
    assert!(
        shown.is_empty(),
        "{} problems: {shown:#?}",
        tally.problems.len()
    );
    let known = |code: &str| REASONS.iter().any(|(known, _)| *known == code);
    let all = tally.differences.iter();
    let without: Vec<_> = all.filter(|((code, _), _)| !known(code)).collect();
    assert!(without.is_empty(), "no reason for {without:#?}");
}

#[test]
fn every_difference_has_a_reason() {
    apart("differences::every_difference_has_a_reason", || {
        let mut sections = vec![bases::section()];
        let tally = generated();
        check(&tally);
        sections.push(page::section(page::GENERATED, &tally));
        let tally = other_shapes();
        check(&tally);
        sections.push(page::section(page::SHAPES, &tally));
        if let Some(tally) = vectors::compared() {
            check(&tally);
            sections.push(page::section(page::VECTORS, &tally));
        }
        if first_seed() == 0 {
            page::compare(&sections);
        }
    });
}
