//! Inclusive canonicalization: what an element takes along from its surroundings, and which
//! signatures may use it.

use crate::support::*;
use federate_testkit::keys;
use federate_xml::dsig::SignatureStructure;
use federate_xml::{
    Canonicalization, Document, Limits, SignatureError, SignaturePolicy, SignedOctets,
    VerificationContext, canonicalize,
};

fn inner(text: &str, uri: &str) -> String {
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let mut element = document.root();
    while let Some(child) = element.child_elements().next() {
        element = child;
    }
    let mut octets = Vec::new();
    let method = Canonicalization::from_uri(uri).unwrap();
    assert_eq!(method.uri(), uri);
    canonicalize(element, None, &method, &mut octets);
    String::from_utf8(octets).unwrap()
}

const C14N_10: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const C14N_11: &str = "http://www.w3.org/2006/12/xml-c14n11";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// [C14N] 2.3, [C14N11] 2.4: all namespaces in scope come along, and of the attributes in the
/// namespace xml all, or those that 1.1 lets inherit.
#[test]
fn a059_an_element_takes_its_surroundings_along() {
    let text = "<p:a xmlns:p='urn:p' xmlns='urn:d' xml:lang='de' xml:id='i' xml:base='http://h/x/'>\
                <b xml:base='y/z' xml:lang='fr'><c xmlns:q='urn:q' r='1'/></b></p:a>";
    assert_eq!(
        inner(text, C14N_10),
        "<c xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" r=\"1\" xml:base=\"y/z\" \
         xml:id=\"i\" xml:lang=\"fr\"></c>"
    );
    assert_eq!(
        inner(text, C14N_11),
        "<c xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" r=\"1\" \
         xml:base=\"http://h/x/y/z\" xml:lang=\"fr\"></c>"
    );
    assert_eq!(inner(text, EXCLUSIVE), "<c xmlns=\"urn:d\" r=\"1\"></c>");
}

/// A default namespace that was undeclared again is not written.
#[test]
fn an_undeclared_default_namespace_stays_away() {
    let text = "<a xmlns='urn:d'><b xmlns=''><c/></b></a>";
    for uri in [C14N_10, C14N_11, EXCLUSIVE] {
        assert_eq!(inner(text, uri), "<c></c>", "{uri}");
    }
}

/// An assertion inside a response that declares a namespace of its own, signed in a form
/// that takes it along.
fn signed_inclusively(transform: Option<&'static str>) -> String {
    let around = |inside: &str| {
        let response = response("_r", inside);
        swap(&response, " ID=", " xmlns:around=\"urn:around\" ID=")
    };
    let assertion = assertion("_a", ALICE);
    let canonical = inner_assertion(&around(&assertion), transform.unwrap_or(C14N_10));
    let transforms = [
        algorithm("Transform", ENVELOPED, ""),
        transform.map_or_else(String::new, |uri| algorithm("Transform", uri, "")),
    ];
    let reference = reference_with(" URI=\"#_a\"", &transforms.concat(), &canonical);
    around(&insert(&assertion, &Info::new([reference]).sign()))
}

fn inner_assertion(text: &str, uri: &str) -> String {
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let method = Canonicalization::from_uri(uri).unwrap();
    let mut octets = Vec::new();
    let element = first_assertion(document.root());
    canonicalize(element, None, &method, &mut octets);
    String::from_utf8(octets).unwrap()
}

fn verify_by(text: &str, policy: &SignaturePolicy) -> Result<SignedOctets, SignatureError> {
    let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
    let context = VerificationContext {
        provider: &provider(),
        policy,
        now: keys::fixed_now(),
    };
    context.verify_enveloped(first_assertion(document.root()), &trusted())
}

/// Signatures over inclusive canonical forms are refused by default and accepted from a peer
/// that may use them, with and without a transform that names the form. In other
/// surroundings the same signature covers other octets.
#[test]
fn a051_inclusive_canonicalization_only_where_the_peer_may_use_it() {
    for transform in [Some(C14N_10), Some(C14N_11), None] {
        let text = signed_inclusively(transform);
        let refused = verify_by(&text, &SignaturePolicy::default());
        match transform {
            Some(uri) => algorithm_refused(refused, "the canonicalization", uri),
            None => malformed(refused, SignatureStructure::Transforms),
        }
        let policy = SignaturePolicy::default().allow_inclusive_canonicalization();
        let signed = verify_by(&text, &policy).unwrap();
        let canonical = std::str::from_utf8(signed.octets()).unwrap();
        assert!(canonical.contains("xmlns:around=\"urn:around\""));

        let moved = swap(&text, "urn:around", "urn:elsewhere");
        let error = verify_by(&moved, &policy).unwrap_err();
        assert_eq!(error, SignatureError::DigestMismatch);
    }
}
