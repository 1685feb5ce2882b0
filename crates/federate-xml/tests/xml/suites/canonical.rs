//! Canonical forms that the suites give as octets.

use federate_xml::{
    Canonicalization, Document, Element, Name, canonicalize, canonicalize_document,
};
use std::collections::BTreeSet;
use std::path::Path;

use super::reference::limits;
use super::signature::Judgement;
use crate::vectors::{elements, folder};

const C14N: &str = "santuario-java/src/test/resources/org/apache/xml/security/c14n";
const C14N_10: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const C14N_10_COMMENTS: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
const C14N_11: &str = "http://www.w3.org/2006/12/xml-c14n11";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const EXCLUSIVE_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";

/// Input, method, the element's local name or nothing for the document, expected form.
const FORMS: &[(&str, &str, &str, &str)] = &[
    ("in/32_input.xml", C14N_10, "", "in/32_c14n.xml"),
    ("in/32_input.xml", C14N_10_COMMENTS, "", "in/32_c14n.xml"),
    ("in/32_input.xml", C14N_11, "", "in/32_c14n.xml"),
    (
        "in/default_ns_redefinition_input.xml",
        C14N_10,
        "Object",
        "in/default_ns_redefinition_c14n.xml",
    ),
    (
        "inExcl/example2_2_1.xml",
        C14N_10,
        "elem2",
        "inExcl/example2_2_1_c14nized.xml",
    ),
    (
        "inExcl/example2_2_2.xml",
        C14N_10,
        "elem2",
        "inExcl/example2_2_2_c14nized.xml",
    ),
    (
        "inExcl/example2_2_1.xml",
        EXCLUSIVE,
        "elem2",
        "inExcl/example2_2_c14nized_exclusive.xml",
    ),
    (
        "inExcl/example2_2_2.xml",
        EXCLUSIVE,
        "elem2",
        "inExcl/example2_2_c14nized_exclusive.xml",
    ),
    (
        "inExcl/example2_2_3.xml",
        EXCLUSIVE_COMMENTS,
        "p",
        "inExcl/example2_2_3_c14nized_exclusive.xml",
    ),
    (
        "inExcl/example2_4.xml",
        EXCLUSIVE,
        "elem2",
        "inExcl/example2_4_c14nized.xml",
    ),
    (
        "inExcl/plain-soap-1.1.xml",
        EXCLUSIVE,
        "Body",
        "inExcl/plain-soap-c14nized.xml",
    ),
];

/// Inputs with expected forms that are out of scope, and the parser's code for them.
const REFUSED: &[(&str, &str)] = &[
    ("in/31_input.xml", "xml.doctype_forbidden"),
    ("in/33_input.xml", "xml.doctype_forbidden"),
    ("in/34_input.xml", "xml.doctype_forbidden"),
    ("in/34_input_validatingParser.xml", "xml.doctype_forbidden"),
    ("in/35_input.xml", "xml.doctype_forbidden"),
    ("in/36_input.xml", "xml.unsupported_encoding"),
    ("in/37_input.xml", "xml.doctype_forbidden"),
    ("in/38_input.xml", "xml.doctype_forbidden"),
    ("in/relative-ns-behaviour.xml", "xml.relative_namespace"),
];

/// What lies there beside inputs and forms.
const OTHER: &[&str] = &[
    "in/doc.dtd",
    "in/foo.xml",
    "in/md5sum.txt",
    "in/testTranslationFromUTF16toUTF8.xml",
    "in/world.txt",
    "in/34_validatingParser.txt",
];

fn canonical(text: &[u8], local: &str, method: &str) -> Vec<u8> {
    let document = Document::parse(text, &limits()).unwrap();
    let method = Canonicalization::from_uri(method).unwrap();
    let mut octets = Vec::new();
    if local.is_empty() {
        canonicalize_document(&document, None, &method, &mut octets);
    } else {
        let all = elements(&document);
        let mut named = all
            .iter()
            .filter(|e: &&Element<'_>| e.local_name() == local);
        canonicalize(*named.next().unwrap(), None, &method, &mut octets);
    }
    octets
}

#[test]
fn the_forms_of_santuario_are_ours() {
    let Some(folder) = folder() else { return };
    let folder = folder.join(C14N);
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut known: BTreeSet<&str> = OTHER.iter().copied().collect();
    for (input, method, local, expected) in FORMS {
        let ours = String::from_utf8(canonical(&read(input), local, method)).unwrap();
        let theirs = String::from_utf8(read(expected)).unwrap();
        assert_eq!(ours, theirs, "{input} {method}");
        known.extend([*input, *expected]);
    }
    for (input, code) in REFUSED {
        let octets = read(input);
        let error = Document::parse(&octets, &limits()).map(drop).unwrap_err();
        assert_eq!(error.code(), *code, "{input}");
        known.insert(input);
    }
    let mut paths = Vec::new();
    federate_testkit::vectors::files(&folder, &mut paths);
    for path in &paths {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap();
        let form_of_refused = REFUSED.iter().any(|(input, _)| {
            let number = input.split(['_', '-']).next().unwrap();
            name.starts_with(number) && name.contains("_c14n")
        });
        assert!(
            known.contains(name) || form_of_refused,
            "not listed: {name}"
        );
    }
}

/// `[C14N11]` appendix A: what becomes of the segments of a path. An empty reference takes the
/// path of the base.
#[test]
fn the_paths_of_appendix_a_are_ours() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("santuario-java/src/test/resources/org/w3c/www/interop/c14n11");
    let read = |name: &str| std::fs::read_to_string(folder.join("appendixa").join(name)).unwrap();
    let (inputs, outputs) = (read("inputs.txt"), read("outputs.txt"));
    assert_eq!(inputs.lines().count(), outputs.lines().count());
    let mut problems = Vec::new();
    for (input, output) in inputs.lines().zip(outputs.lines()) {
        if input.starts_with("//") {
            continue; // in an address, what follows is no path but an authority
        }
        let text = format!("<a xml:base='{input}'><b xml:base=''/></a>");
        let ours = String::from_utf8(canonical(text.as_bytes(), "b", C14N_11)).unwrap();
        let expected = match output {
            "" => "<b></b>".to_owned(),
            path => format!("<b xml:base=\"{path}\"></b>"),
        };
        if ours != expected {
            problems.push((input, ours, expected));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Signatures beside forms that are not theirs: the name, and why.
const OTHER_FORMS: &[(&str, &str)] = &[
    ("merlin-xmldsig-fifteen/signature-enveloped-dsa.xml", BROKEN),
    (
        "merlin-xmldsig-fifteen/signature-enveloping-b64-dsa.xml",
        BROKEN,
    ),
    (
        "merlin-xmldsig-fifteen/signature-enveloping-dsa.xml",
        BROKEN,
    ),
    ("merlin-xmldsig-filter2-one/sign-xfdl.xml", NO_SIGNED_INFO),
    ("merlin-xmldsig-filter2-one/signature.xml", NO_SIGNED_INFO),
    ("merlin-xpath-filter2-three/sign-xfdl.xml", NO_SIGNED_INFO),
    (
        "Y4/signatureStripped.xml",
        "the forms are those of signature.xml",
    ),
];
const BROKEN: &str = "the files of the forms have lost octets, and no longer begin as XML";
const NO_SIGNED_INFO: &str = "there is no form of SignedInfo";

/// The forms beside a signature: `c14n-N.txt`, with the signature's name in front or without.
fn forms_beside(signature: &Path) -> Vec<Vec<u8>> {
    let name = signature.file_stem().unwrap().to_str().unwrap();
    let read = |prefix: &str| -> Vec<Vec<u8>> {
        let file = |n: usize| signature.with_file_name(format!("{prefix}c14n-{n}.txt"));
        (0..).map_while(|n| std::fs::read(file(n)).ok()).collect()
    };
    let own = read(&format!("{name}-"));
    if own.is_empty() { read("") } else { own }
}

/// What we digest, and the SignedInfo whose signature we verify, are among the canonical forms
/// that lie beside a signature. Here it matters that SignedInfo is, too, where its signature is
/// of a kind that we do not have.
#[test]
fn the_forms_beside_signatures_are_ours() {
    let Some(folder) = folder() else { return };
    let (mut problems, mut used, mut found) = (Vec::new(), BTreeSet::new(), 0);
    for path in super::paths(&folder) {
        let file = folder.join(&path);
        let forms = match path.ends_with(".xml") {
            true => forms_beside(&file),
            false => Vec::new(),
        };
        let octets = std::fs::read(&file).unwrap();
        let Ok(document) = Document::parse(&octets, &limits()) else {
            continue; // those are on the other list
        };
        for signature in elements(&document) {
            if forms.is_empty() || !signature.is(Name::ds("Signature")) {
                continue;
            }
            let at = file.parent().unwrap();
            let judgement = Judgement::of(signature, &document, at, &[]);
            let ours = judgement.references.iter().flatten();
            let ours: Vec<_> = ours.chain(&judgement.signed_info).collect();
            let same = ours.iter().filter(|o| forms.contains(o)).count();
            found += same;
            if same < ours.len() {
                let other = OTHER_FORMS.iter().find(|(name, _)| path.ends_with(name));
                used.extend(other.map(|(name, _)| *name));
                problems.extend(other.is_none().then(|| path.clone()));
            }
        }
    }
    println!("{found} forms beside signatures are ours");
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(used.len(), OTHER_FORMS.len(), "{used:?}");
    assert!(found > 50, "the suites are not all there");
}
