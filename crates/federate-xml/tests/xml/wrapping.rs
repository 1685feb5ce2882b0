//! B1 of the catalogue: the signature covers one element, the attacker wants another read.
//! Each test verifies the element that the attacker needs believed.

use crate::support::*;
use federate_testkit::keys;
use federate_xml::dsig::SignatureStructure as Structure;
use federate_xml::{
    Document, Element, Limits, ParseErrorKind, ReadError, ReadProblem, SignatureError,
    SignaturePolicy, VerificationContext, XmlError,
};

const EVIL: &str = "mallory@example.com";

/// Inside `ds:Signature`, an Object with this content.
fn with_object(signature: &str, content: &str) -> String {
    swap(
        signature,
        "</ds:Signature>",
        &format!("<ds:Object>{content}</ds:Object></ds:Signature>"),
    )
}

/// A response that is signed itself, with an assertion about Alice in it: the response, its
/// signature, and the response without it.
fn signed_response() -> (String, String, String) {
    let bare = response("_r", &assertion("_a", ALICE));
    let signature = Info::new([reference("#_r", &bare)]).sign();
    let (start, inside) = bare.split_at(bare.find("<saml:Assertion").unwrap());
    (format!("{start}{signature}{inside}"), signature, bare)
}

#[test]
fn a000_the_honest_documents_are_accepted() {
    // Without this the refusals below would prove nothing.
    let verified = verify(&signed()).unwrap();
    assert_eq!(verified.name_id, ALICE);
    assert_eq!(
        verified.signed_by().key,
        *trusted().as_slice()[0].public_key()
    );
    let (response, ..) = signed_response();
    let octets = verify_part(&response, |root| root).unwrap();
    assert_eq!(octets.octets(), stripped(&response).as_bytes());
    // A hand-made signature is as good as the Signer's: the tests below bend these.
    let bare = assertion("_a", ALICE);
    let by_hand = insert(&bare, &Info::new([reference("#_a", &bare)]).sign());
    assert_eq!(verify(&by_hand).unwrap().name_id, ALICE);
}

#[test]
fn a001_xsw1_original_response_inside_the_moved_signature() {
    let (_, signature, bare) = signed_response();
    let forged = response(
        "_evil",
        &format!(
            "{}{}",
            with_object(&signature, &bare),
            assertion("_x", EVIL)
        ),
    );
    malformed(verify_part(&forged, |root| root), Structure::Elements);
}

#[test]
fn a002_xsw2_original_response_beside_the_moved_signature() {
    let (_, signature, bare) = signed_response();
    let forged = response(
        "_evil",
        &format!("{bare}{signature}{}", assertion("_x", EVIL)),
    );
    malformed(
        verify_part(&forged, |root| root),
        Structure::ReferenceElsewhere,
    );
}

#[test]
fn a003_xsw3_forged_assertion_before_the_signed_one() {
    let forged = response("_r", &(assertion("_x", EVIL) + &signed()));
    refused(
        verify_part(&forged, first_assertion),
        SignatureError::Missing,
        "signature.missing",
    );
}

#[test]
fn a004_xsw4_signed_assertion_inside_the_forged_one() {
    let inner = signed();
    let forged = swap(
        &assertion("_x", EVIL),
        "</saml:Assertion>",
        &format!("{inner}</saml:Assertion>"),
    );
    refused(
        verify(&forged),
        SignatureError::Missing,
        "signature.missing",
    );
}

#[test]
fn a005_xsw5_forged_assertion_carries_the_signature_of_the_original() {
    let signed = signed();
    let forged = insert(&assertion("_x", EVIL), signature_of(&signed));
    let document = response("_r", &(forged + &stripped(&signed)));
    malformed(
        verify_part(&document, first_assertion),
        Structure::ReferenceElsewhere,
    );
}

#[test]
fn a006_xsw6_original_inside_the_stolen_signature() {
    let signed = signed();
    // Not in an Object, but right after SignatureValue and KeyInfo.
    let signature = swap(
        signature_of(&signed),
        "</ds:Signature>",
        &format!("{}</ds:Signature>", stripped(&signed)),
    );
    let document = insert(&assertion("_x", EVIL), &signature);
    malformed(verify(&document), Structure::Elements);
}

#[test]
fn a007_xsw7_forged_assertion_in_extensions() {
    let extensions = format!(
        "<samlp:Extensions>{}</samlp:Extensions>",
        assertion("_x", EVIL)
    );
    let document = response("_r", &(extensions + &signed()));
    refused(
        verify_part(&document, |root| {
            first_assertion(root.child_elements().next().unwrap())
        }),
        SignatureError::Missing,
        "signature.missing",
    );
}

#[test]
fn a008_xsw8_original_in_an_object_of_the_stolen_signature() {
    let signed = signed();
    let signature = with_object(signature_of(&signed), &stripped(&signed));
    let document = insert(&assertion("_x", EVIL), &signature);
    malformed(verify(&document), Structure::Elements);
}

#[test]
fn a009_only_the_verified_element_is_read_whatever_the_order() {
    // Whoever verifies the signed assertion gets Alice; the other one cannot be had.
    for inside in [
        assertion("_x", EVIL) + &signed(),
        signed() + &assertion("_x", EVIL),
    ] {
        let document = response("_r", &inside);
        let octets = verify_part(&document, |root| {
            let mut all = root.child_elements();
            all.find(|e| e.attribute("ID") == Some("_a")).unwrap()
        })
        .unwrap();
        let read = octets.read::<Assertion>(&Limits::default()).unwrap();
        assert_eq!(read.name_id, ALICE);
        assert_eq!(octets.octets(), assertion("_a", ALICE).as_bytes());
    }
}

#[test]
fn a011_digest_smuggled_elsewhere_is_not_looked_at() {
    // CVE-2024-45409: a matching DigestValue stands where `//ds:DigestValue` finds it first.
    let forged = swap(&signed(), ALICE, EVIL);
    let smuggled = digest(
        federate_crypto::DigestAlgorithm::Sha256,
        stripped(&forged).as_bytes(),
    );
    let detail = format!(
        "<samlp:StatusDetail><ds:DigestValue xmlns:ds=\"{}\">{smuggled}</ds:DigestValue>\
         </samlp:StatusDetail>",
        federate_xml::DS
    );
    let document = response("_r", &(detail + &forged));
    refused(
        verify_part(&document, first_assertion),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
}

#[test]
fn a015_detached_signature_beside_the_assertion() {
    let signed = signed();
    let document = response(
        "_r",
        &(signature_of(&signed).to_owned() + &stripped(&signed)),
    );
    // The assertion has no signature of its own ...
    refused(
        verify_part(&document, first_assertion),
        SignatureError::Missing,
        "signature.missing",
    );
    // ... and that of the response is not about the response.
    malformed(
        verify_part(&document, |root| root),
        Structure::ReferenceElsewhere,
    );
}

#[test]
fn a016_two_references() {
    let bare = assertion("_a", ALICE);
    let own = reference("#_a", &bare);
    let other = reference("#_other", "<other/>");
    for references in [
        [own.clone(), other.clone()],
        [other, own.clone()],
        [own.clone(), own],
    ] {
        let document = insert(&bare, &Info::new(references).sign());
        malformed(verify(&document), Structure::References);
    }
}

#[test]
fn a017_no_reference() {
    let document = insert(&assertion("_a", EVIL), &Info::new([]).sign());
    malformed(verify(&document), Structure::References);
}

#[test]
fn a018_two_signed_infos() {
    let signed = signed();
    let (before, own, after) = cut(&signed, "ds:SignedInfo");
    let forged = Info::new([reference("#_a", &assertion("_a", EVIL))]).inside();
    let forged = format!("<ds:SignedInfo>{forged}</ds:SignedInfo>");
    for pair in [format!("{own}{forged}"), format!("{forged}{own}")] {
        let document = swap(&format!("{before}{pair}{after}"), ALICE, EVIL);
        malformed(verify(&document), Structure::Elements);
    }
}

#[test]
fn a019_parts_of_the_signature_moved() {
    let signed = signed();
    let (before, info, after) = cut(&signed, "ds:SignedInfo");
    let (_, value, _) = cut(&signed, "ds:SignatureValue");
    // SignedInfo wrapped in an Object.
    let wrapped = format!("{before}<ds:Object>{info}</ds:Object>{after}");
    malformed(verify(&wrapped), Structure::Elements);
    // SignedInfo after SignatureValue.
    let late = swap(
        &format!("{before}{after}"),
        value,
        &format!("{value}{info}"),
    );
    malformed(verify(&late), Structure::Elements);
    // SignatureValue inside KeyInfo.
    let moved = swap(&signed, value, "");
    let moved = swap(&moved, "<ds:KeyInfo>", &format!("<ds:KeyInfo>{value}"));
    malformed(verify(&moved), Structure::Elements);
    // Two of them.
    let twice = swap(&signed, value, &format!("{value}{value}"));
    malformed(verify(&twice), Structure::Elements);
}

#[test]
fn a020_comment_in_the_digest_value() {
    // CVE-2025-29775. Canonicalization drops the comment, so SignedInfo still verifies; what
    // counts as the digest is the whole text, read from the octets that were verified.
    let signed = signed();
    let (_, value, _) = cut(&signed, "ds:DigestValue");
    let evil = digest(
        federate_crypto::DigestAlgorithm::Sha256,
        assertion("_a", EVIL).as_bytes(),
    );
    let commented = swap(
        value,
        "<ds:DigestValue>",
        &format!("<ds:DigestValue><!--{evil}-->"),
    );
    let honest = swap(&signed, value, &commented);
    assert_eq!(verify(&honest).unwrap().name_id, ALICE);
    refused(
        verify(&swap(&honest, ALICE, EVIL)),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
    // More text beside the comment makes a SignedInfo that nobody signed.
    let longer = swap(value, "<ds:DigestValue>", "<ds:DigestValue>AAAA<!-- -->");
    refused(
        verify(&swap(&signed, value, &longer)),
        SignatureError::WrongKey { tried: 1 },
        "signature.wrong_key",
    );
}

#[test]
fn a021_two_digest_values() {
    let bare = assertion("_a", ALICE);
    let own = reference("#_a", &bare);
    let (before, value, after) = cut(&own, "ds:DigestValue");
    let twice = format!("{before}{value}{value}{after}");
    let document = insert(&bare, &Info::new([twice]).sign());
    malformed(verify(&document), Structure::Elements);
}

#[test]
fn a022_reference_absent_empty_or_elsewhere() {
    let bare = assertion("_a", ALICE);
    let transforms = algorithm("Transform", ENVELOPED, "") + &algorithm("Transform", EXCLUSIVE, "");
    for attributes in [
        "",
        " URI=\"\"",
        " URI=\"#\"",
        " URI=\"_a\"",
        " URI=\"#_other\"",
        " URI=\"#_A\"",
        " URI=\"#_a \"",
        " URI=\"##_a\"",
        " URI=\"#%5Fa\"",
        " URI=\"#xpointer(/)\"",
        " URI=\"#xpointer(id('_a'))\"",
    ] {
        let reference = reference_with(attributes, &transforms, &bare);
        let document = insert(&bare, &Info::new([reference]).sign());
        malformed(verify(&document), Structure::ReferenceElsewhere);
    }
}

#[test]
fn a022_the_signed_element_needs_an_id() {
    let bare = swap(&assertion("_a", ALICE), " ID=\"_a\"", "");
    for attributes in ["", " URI=\"\"", " URI=\"#\""] {
        let transforms =
            algorithm("Transform", ENVELOPED, "") + &algorithm("Transform", EXCLUSIVE, "");
        let reference = reference_with(attributes, &transforms, &bare);
        let document = insert(&bare, &Info::new([reference]).sign());
        malformed(verify(&document), Structure::NoId);
    }
    // An empty one is none, even if the reference says the same nothing.
    let bare = assertion("", ALICE);
    let document = insert(&bare, &Info::new([reference("#", &bare)]).sign());
    malformed(verify(&document), Structure::NoId);
}

#[test]
fn a022_the_whole_document_is_the_root_where_a_peer_may_say_so() {
    let now = keys::fixed_now();
    let until = |until| SignaturePolicy::default().dangerous_allow_whole_document(until);
    let allowed = until(now + chrono::TimeDelta::days(1));
    let check = |document: &str, policy: &SignaturePolicy, inner: bool| {
        let provider = provider();
        let context = VerificationContext {
            provider: &provider,
            policy,
            now,
        };
        let limits = Limits {
            processing_instructions: true,
            ..Limits::default()
        };
        let document = Document::parse(document.as_bytes(), &limits).unwrap();
        let root = document.root();
        let element = match inner {
            true => root.child_elements().next().unwrap(),
            false => root,
        };
        context.verify_enveloped(element, &trusted()).map(drop)
    };
    let transforms = algorithm("Transform", ENVELOPED, "") + &algorithm("Transform", EXCLUSIVE, "");
    for bare in [
        assertion("_a", ALICE),
        swap(&assertion("_a", ALICE), " ID=\"_a\"", ""),
    ] {
        let whole = reference_with(" URI=\"\"", &transforms, &bare);
        let document = insert(&bare, &Info::new([whole]).sign());
        check(&document, &allowed, false).unwrap();
        check(
            &format!("<!-- a -->{document}<!-- b -->\n"),
            &allowed,
            false,
        )
        .unwrap();
        // Until a date.
        assert!(check(&document, &until(now), false).is_err());
        // What stands around would be signed, too.
        for around in [format!("<?x y?>{document}"), format!("{document}<?x y?>")] {
            assert!(check(&around, &allowed, false).is_err());
        }
        // Inside another element, that one would be meant.
        let inside = format!("<wrapper>{document}</wrapper>");
        assert!(check(&inside, &allowed, true).is_err());
        // And no other way of saying it is allowed.
        for uri in ["#_other", "#", "#xpointer(/)"] {
            let other = reference_with(&format!(" URI=\"{uri}\""), &transforms, &bare);
            let document = insert(&bare, &Info::new([other]).sign());
            assert!(check(&document, &allowed, false).is_err(), "{uri}");
        }
    }
}

#[test]
fn a023_duplicate_ids() {
    let signed = signed();
    let forged = assertion("_a", EVIL);
    for id in ["ID=\"_a\"", "Id=\"_a\"", "xml:id=\"_a\"", "ID=\"&#x5f;a\""] {
        let forged = swap(&forged, "ID=\"_a\"", id);
        for inside in [format!("{forged}{signed}"), format!("{signed}{forged}")] {
            let document = response("_r", &inside);
            not_parsed(
                document.as_bytes(),
                ParseErrorKind::DuplicateId,
                "xml.duplicate_id",
            );
        }
    }
}

#[test]
fn a024_attribute_pollution() {
    let root = |attributes: &str| {
        let xmlns = format!(" xmlns:samlp=\"{}\"", federate_xml::SAMLP);
        swap(&signed(), " ID=\"_a\"", &format!("{xmlns}{attributes}"))
    };
    for attributes in [" ID=\"_a\" samlp:ID=\"_b\"", " samlp:ID=\"_b\" ID=\"_a\""] {
        malformed(verify(&root(attributes)), Structure::CompetingIds);
    }
    for competing in ["Id=\"_b\"", "id=\"_b\"", "iD=\"_b\"", "xml:id=\"_b\""] {
        for attributes in [
            format!(" ID=\"_a\" {competing}"),
            format!(" {competing} ID=\"_a\""),
        ] {
            let document = swap(&signed(), " ID=\"_a\"", &attributes);
            malformed(verify(&document), Structure::CompetingIds);
        }
    }
    // Only the unprefixed ID is one.
    for other in ["Id", "id", "xml:id", "saml:ID"] {
        let document = swap(&signed(), " ID=", &format!(" {other}="));
        malformed(verify(&document), Structure::NoId);
    }
}

#[test]
fn a025_injected_ids() {
    for id in [
        "x'] | //*['",
        "_a&quot; or &quot;1&quot;=&quot;1",
        "`id`",
        "_a b",
        "1a",
        "a:b",
        "_a&#10;",
    ] {
        let bare = assertion("_a", ALICE);
        let bare = swap(&bare, "ID=\"_a\"", &format!("ID=\"{id}\""));
        let document = insert(
            &bare,
            &Info::new([reference(&format!("#{id}"), &bare)]).sign(),
        );
        malformed(verify(&document), Structure::NoId);
    }
    // One that is an NCName but long serves only to fill stores.
    let id = "a".repeat(257);
    let bare = assertion(&id, ALICE);
    let document = insert(
        &bare,
        &Info::new([reference(&format!("#{id}"), &bare)]).sign(),
    );
    malformed(verify(&document), Structure::NoId);
}

#[test]
fn a029_moving_the_signature_changes_nothing_that_is_read() {
    // The enveloped transform takes it out wherever it stands, as long as it is a child.
    let signed = signed();
    let signature = signature_of(&signed);
    let last = swap(
        &stripped(&signed),
        "</saml:Assertion>",
        &format!("{signature}</saml:Assertion>"),
    );
    assert_eq!(verify(&last).unwrap().name_id, ALICE);
    // Deeper it is not the assertion's signature any more.
    let deeper = swap(
        &stripped(&signed),
        "<saml:NameID>",
        &format!("{signature}<saml:NameID>"),
    );
    refused(
        verify(&deeper),
        SignatureError::Missing,
        "signature.missing",
    );
}

#[test]
fn a030_a_stale_inner_signature_stays_stale() {
    // The response is signed as it is; the assertion in it was changed after its signing.
    let stale = swap(&signed(), ALICE, EVIL);
    let bare = response("_r", &stale);
    let signature = Info::new([reference("#_r", &bare)]).sign();
    let document = swap(
        &bare,
        "<saml:Assertion",
        &format!("{signature}<saml:Assertion"),
    );
    let octets = verify_part(&document, |root| root).unwrap();
    // Whoever goes on to the assertion within finds its own signature wrong.
    let text = std::str::from_utf8(octets.octets()).unwrap();
    refused(
        verify_part(text, first_assertion),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
}

#[test]
fn a030_two_signatures_on_one_element() {
    let signed = signed();
    let signature = signature_of(&signed);
    let document = insert(&signed, signature);
    malformed(verify(&document), Structure::SeveralSignatures);
}

#[test]
fn a058_prefix_bound_to_another_namespace() {
    // The same letters in another vocabulary are another element.
    let forged = swap(&signed(), federate_xml::SAML, "urn:evil");
    refused(
        verify(&forged),
        ReadError::new("Assertion", ReadProblem::UnexpectedRoot),
        "schema.unexpected_root",
    );
    // A wrapper that rebinds the prefix changes nothing: the assertion declares its own.
    let wrapper = format!(
        "<w xmlns:saml=\"urn:evil\" xmlns:ds=\"urn:evil\">{}</w>",
        signed()
    );
    let octets = verify_part(&wrapper, first_assertion).unwrap();
    assert_eq!(octets.octets(), assertion("_a", ALICE).as_bytes());
    // Where the declaration is taken from the wrapper, another wrapper is another content.
    let inner = swap(
        &signed(),
        &format!(" xmlns:saml=\"{}\"", federate_xml::SAML),
        "",
    );
    let inner = swap(&inner, "ID=\"_a\"", "ID=\"_a\" ");
    let honest = format!("<w xmlns:saml=\"{}\">{inner}</w>", federate_xml::SAML);
    let octets = verify_part(&honest, first_assertion).unwrap();
    assert_eq!(octets.octets(), assertion("_a", ALICE).as_bytes());
    let evil = format!("<w xmlns:saml=\"urn:evil\">{inner}</w>");
    let only_child = |root: Element<'_>| root.child_elements().next().is_some();
    assert!(only_child(
        Document::parse(evil.as_bytes(), &Limits::default())
            .unwrap()
            .root()
    ));
    refused(
        verify_part(&evil, |root| root.child_elements().next().unwrap()),
        SignatureError::DigestMismatch,
        "signature.digest_mismatch",
    );
}

#[test]
fn a070_signature_stripped() {
    refused(
        verify(&stripped(&signed())),
        SignatureError::Missing,
        "signature.missing",
    );
    // A signature in another namespace is none.
    let other = signed().replace(federate_xml::DS, "urn:evil");
    refused(verify(&other), SignatureError::Missing, "signature.missing");
}

#[test]
fn a043_an_element_inside_a_value() {
    let name_id = |inside: &str| {
        let bare = assertion("_a", "NAME");
        let bare = swap(&bare, "NAME", inside);
        insert(&bare, &Info::new([reference("#_a", &bare)]).sign())
    };
    let error = ReadError::new("a text element", ReadProblem::UnexpectedMarkup);
    refused::<_>(
        verify(&name_id("a<b>c</b>")),
        XmlError::from(error),
        "schema.unexpected_markup",
    );
}
