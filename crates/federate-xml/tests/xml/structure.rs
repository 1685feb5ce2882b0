//! B4 of the catalogue: transforms, references, and shapes of a signature that it must not have.

use crate::support::*;
use federate_xml::dsig::SignatureStructure as Structure;
use federate_xml::{EXCLUSIVE_WITH_COMMENTS, ParseErrorKind as Kind};

const CANONICALIZATION: &str = "the canonicalization";
const UNKNOWN: &str = "an unknown algorithm";
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

/// The honest assertion with a reference that has these transforms, really signed.
fn with_transforms(transforms: &[&str]) -> String {
    let bare = assertion("_a", ALICE);
    let reference = reference_with(" URI=\"#_a\"", &transforms.concat(), &bare);
    insert(&bare, &Info::new([reference]).sign())
}

fn transform(uri: &str) -> String {
    algorithm("Transform", uri, "")
}

fn prefixes(list: &str) -> String {
    format!(
        "<ec:InclusiveNamespaces xmlns:ec=\"{}\" PrefixList=\"{list}\"></ec:InclusiveNamespaces>",
        federate_xml::EC
    )
}

#[test]
fn a050_canonicalization_with_comments() {
    // Comments are no part of the meaning, so they must be no part of what is signed.
    let document = with_transforms(&[&transform(ENVELOPED), &transform(EXCLUSIVE_WITH_COMMENTS)]);
    algorithm_refused(verify(&document), CANONICALIZATION, EXCLUSIVE_WITH_COMMENTS);
    let bare = assertion("_a", ALICE);
    let mut info = Info::new([reference("#_a", &bare)]);
    info.canonicalization = algorithm("CanonicalizationMethod", EXCLUSIVE_WITH_COMMENTS, "");
    let document = insert(&bare, &info.sign());
    algorithm_refused(verify(&document), CANONICALIZATION, EXCLUSIVE_WITH_COMMENTS);
}

#[test]
fn a051_other_canonicalizations_are_refused_by_default() {
    let with_comments = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
    for (uri, named) in [
        (INCLUSIVE, INCLUSIVE),
        (with_comments, with_comments),
        (
            "http://www.w3.org/2006/12/xml-c14n11",
            "http://www.w3.org/2006/12/xml-c14n11",
        ),
        ("urn:x", UNKNOWN),
        ("", UNKNOWN),
    ] {
        let document = with_transforms(&[&transform(ENVELOPED), &transform(uri)]);
        algorithm_refused(verify(&document), CANONICALIZATION, named);
        let bare = assertion("_a", ALICE);
        let mut info = Info::new([reference("#_a", &bare)]);
        info.canonicalization = algorithm("CanonicalizationMethod", uri, "");
        algorithm_refused(
            verify(&insert(&bare, &info.sign())),
            CANONICALIZATION,
            named,
        );
    }
}

#[test]
fn a052_prefix_lists() {
    let listed = |list: &str| algorithm("Transform", EXCLUSIVE, &prefixes(list));
    // Prefixes that are not in scope, doubled, or used anyway change nothing.
    for list in [
        "",
        "saml",
        "saml saml",
        "nowhere",
        "#default",
        "xml xmlns",
        " a\t b \n",
    ] {
        let list = list.replace('\t', "&#x9;").replace('\n', "&#xA;");
        let document = with_transforms(&[&transform(ENVELOPED), &listed(&list)]);
        assert_eq!(verify(&document).unwrap().name_id, ALICE);
    }
    // One that is in scope but unused is signed because it is listed, and only then.
    let bare = swap(
        &assertion("_a", ALICE),
        " ID=",
        " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" ID=",
    );
    let transforms = transform(ENVELOPED) + &listed("xs");
    let reference = reference_with(" URI=\"#_a\"", &transforms, &bare);
    let document = insert(&bare, &Info::new([reference]).sign());
    assert_eq!(verify(&document).unwrap().name_id, ALICE);
    for changed in [
        swap(
            &document,
            " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"",
            "",
        ),
        swap(&document, "2001/XMLSchema\"", "2001/XMLSchemb\""),
    ] {
        refused(
            verify(&changed),
            federate_xml::SignatureError::DigestMismatch,
            "signature.digest_mismatch",
        );
    }
    // A list is bounded; elsewhere than on canonicalization it is not known.
    let long: Vec<String> = (0..65).map(|n| format!("p{n}")).collect();
    let document = with_transforms(&[&transform(ENVELOPED), &listed(&long.join(" "))]);
    malformed(verify(&document), Structure::Transforms);
    let document = with_transforms(&[&transform(ENVELOPED), &listed(&long[1..].join(" "))]);
    assert_eq!(verify(&document).unwrap().name_id, ALICE);
    let enveloped = algorithm("Transform", ENVELOPED, &prefixes("saml"));
    malformed(
        verify(&with_transforms(&[&enveloped, &transform(EXCLUSIVE)])),
        Structure::Transforms,
    );
}

#[test]
fn a052_prefix_list_of_the_canonicalization_method() {
    let bare = assertion("_a", ALICE);
    let mut info = Info::new([reference("#_a", &bare)]);
    info.canonicalization = algorithm("CanonicalizationMethod", EXCLUSIVE, &prefixes("saml"));
    // SignedInfo inherits the namespace of the assertion and must render it.
    let inside = info.inside();
    let octets = format!(
        "<ds:SignedInfo xmlns:ds=\"{}\" xmlns:saml=\"{}\">{inside}</ds:SignedInfo>",
        federate_xml::DS,
        federate_xml::SAML
    );
    let key = federate_testkit::keys::signing_key(&provider());
    let value = key.sign(octets.as_bytes()).unwrap();
    let document = insert(&bare, &signature(&inside, &value));
    assert_eq!(verify(&document).unwrap().name_id, ALICE);
}

#[test]
fn a103_a104_transforms_that_compute() {
    for uri in [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/TR/2001/WD-xptr-20010108",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "urn:x",
    ] {
        let computing = transform(uri);
        // In the place of the canonicalization it is none that is known ...
        let document = with_transforms(&[&transform(ENVELOPED), &computing]);
        algorithm_refused(verify(&document), CANONICALIZATION, UNKNOWN);
        // ... anywhere else the transforms are not the two that they must be.
        for transforms in [
            vec![computing.as_str()],
            vec![&computing, &computing],
            vec![computing.as_str(), &transform(EXCLUSIVE)],
        ] {
            malformed(verify(&with_transforms(&transforms)), Structure::Transforms);
        }
        // With a program inside it is not even read.
        let program = algorithm(
            "Transform",
            uri,
            "<ds:XPath>not(self::saml:NameID)</ds:XPath>",
        );
        let document = with_transforms(&[&transform(ENVELOPED), &program]);
        malformed(verify(&document), Structure::Transforms);
    }
}

#[test]
fn a105_too_many_or_too_few_transforms() {
    let enveloped = transform(ENVELOPED);
    let exclusive = transform(EXCLUSIVE);
    let thousand = vec![exclusive.as_str(); 1000];
    for transforms in [
        vec![],
        vec![enveloped.as_str()],
        vec![exclusive.as_str()],
        vec![exclusive.as_str(), &enveloped],
        vec![enveloped.as_str(), &exclusive, &exclusive],
        vec![enveloped.as_str(), &enveloped, &exclusive],
        thousand,
    ] {
        malformed(verify(&with_transforms(&transforms)), Structure::Transforms);
    }
    // Without the second transform the canonicalization would be the inclusive one.
    let twice = with_transforms(&[&enveloped, &enveloped]);
    algorithm_refused(verify(&twice), CANONICALIZATION, UNKNOWN);
    // No Transforms element at all.
    let document = with_transforms(&[&enveloped, &exclusive]);
    let (before, _, after) = cut(&document, "ds:Transforms");
    let info = format!("{before}{after}");
    let (_, info, _) = cut(&info, "ds:SignedInfo");
    let inside = info
        .strip_prefix("<ds:SignedInfo>")
        .and_then(|i| i.strip_suffix("</ds:SignedInfo>"))
        .unwrap();
    let key = federate_testkit::keys::signing_key(&provider());
    let document = insert(&assertion("_a", ALICE), &sign_inside(&*key, inside));
    malformed(verify(&document), Structure::Transforms);
}

#[test]
fn a106_external_references() {
    let bare = assertion("_a", ALICE);
    for uri in [
        "http://192.0.2.1/a",
        "https://idp.example/a#_a",
        "file:///etc/passwd",
        "cid:_a",
        "data:,x",
    ] {
        let document = insert(&bare, &Info::new([reference(uri, &bare)]).sign());
        malformed(verify(&document), Structure::ReferenceElsewhere);
    }
}

#[test]
fn a107_manifests_and_many_references() {
    let bare = assertion("_a", ALICE);
    let many = vec![reference("#_a", &bare); 1_000];
    let document = insert(&bare, &Info::new(many).sign());
    malformed(verify(&document), Structure::References);
    // A manifest lies in an Object, which a SAML signature has not.
    let document = insert(&bare, &Info::new([reference("#_a", &bare)]).sign());
    let manifest = "<ds:Object><ds:Manifest/></ds:Object></ds:Signature>";
    malformed(
        verify(&swap(&document, "</ds:Signature>", manifest)),
        Structure::Elements,
    );
    // Ten thousand signatures are several.
    let one = signature_of(&document).to_owned();
    let empty = format!("<ds:Signature xmlns:ds=\"{}\"/>", federate_xml::DS).repeat(10_000);
    malformed(
        verify(&insert(&document, &empty)),
        Structure::SeveralSignatures,
    );
    malformed(
        verify(&insert(&document, &one)),
        Structure::SeveralSignatures,
    );
}

#[test]
fn a114_missing_and_empty_elements() {
    let signed = signed();
    for (name, structure) in [
        ("ds:SignedInfo", Structure::Elements),
        ("ds:SignatureValue", Structure::Elements),
        ("ds:CanonicalizationMethod", Structure::Elements),
        ("ds:SignatureMethod", Structure::Elements),
    ] {
        let (before, _, after) = cut(&signed, name);
        malformed(verify(&format!("{before}{after}")), structure);
        malformed(
            verify(&format!("{before}<{name}/>{after}")),
            match name {
                "ds:SignatureValue" => Structure::Base64,
                _ => structure,
            },
        );
    }
    let (before, _, after) = cut(&signed, "ds:Signature");
    for empty in [
        "<ds:Signature xmlns:ds=\"DS\"/>",
        "<ds:Signature xmlns:ds=\"DS\">x</ds:Signature>",
    ] {
        let empty = empty.replace("DS", federate_xml::DS);
        malformed(
            verify(&format!("{before}{empty}{after}")),
            Structure::Elements,
        );
    }
    // These have to be missing from what was signed, or the signature would not hold.
    let bare = assertion("_a", ALICE);
    for name in ["ds:DigestMethod", "ds:DigestValue"] {
        let own = reference("#_a", &bare);
        let (before, _, after) = cut(&own, name);
        for inside in [String::new(), format!("<{name}></{name}>")] {
            let reference = format!("{before}{inside}{after}");
            let document = insert(&bare, &Info::new([reference]).sign());
            let structure = match (name, inside.as_str()) {
                ("ds:DigestValue", inside) if !inside.is_empty() => Structure::Base64,
                _ => Structure::Elements,
            };
            malformed(verify(&document), structure);
        }
    }
}

#[test]
fn a100_a102_external_entities_and_inclusion() {
    let entity = "<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let parameter = "<!DOCTYPE r [<!ENTITY % x SYSTEM \"http://192.0.2.1/\">%x;]>";
    let external = "<!DOCTYPE r SYSTEM \"http://192.0.2.1/r.dtd\">";
    let public = "<!DOCTYPE r PUBLIC \"-//X\" \"http://192.0.2.1/r.dtd\">";
    for doctype in [entity, parameter, external, public] {
        let document = format!("{doctype}{}", swap(&signed(), ALICE, "&x;"));
        not_parsed(
            document.as_bytes(),
            Kind::DoctypeForbidden,
            "xml.doctype_forbidden",
        );
    }
    // XInclude is an element like any other: it includes nothing, and is signed by nobody.
    let include = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"/etc/passwd\"/>";
    refused(
        verify(&swap(&signed(), ALICE, include)),
        federate_xml::SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
}

#[test]
fn a101_billion_laughs() {
    let mut document = "<!DOCTYPE r [<!ENTITY a0 \"ha\">".to_owned();
    for n in 1..10 {
        let before = format!("&a{};", n - 1).repeat(10);
        document += &format!("<!ENTITY a{n} \"{before}\">");
    }
    document += "]><r>&a9;</r>";
    not_parsed(
        document.as_bytes(),
        Kind::DoctypeForbidden,
        "xml.doctype_forbidden",
    );
}
