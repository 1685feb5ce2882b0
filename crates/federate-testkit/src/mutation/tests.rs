//! The engine itself: it reads and writes without change, and it makes what it says.

use super::attacker;
use super::canonical::canonical;
use super::names::{DS, SAML, SAMLP};
use super::tree::Tree;
use super::{
    ATTACKS, Expect, SEMANTIC_ATTACKS, mutations, semantic_mutations, sign_again, some_mutations,
};
use std::collections::BTreeSet;

/// A signed response around a signed assertion; the signatures are no good.
fn document() -> String {
    let signature = |id: &str| {
        format!(
            "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod \
             Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><ds:SignatureMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform \
             Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><ds:Transform \
             Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
             <ds:DigestValue>YWFhYQ==</ds:DigestValue></ds:Reference></ds:SignedInfo>\
             <ds:SignatureValue>YWFhYQ==</ds:SignatureValue></ds:Signature>"
        )
    };
    format!(
        "<?xml version='1.0'?>\n<samlp:Response xmlns:samlp=\"{SAMLP}\" ID='_r' \
         InResponseTo=\"_q\" Version=\"2.0\" IssueInstant=\"2026-01-31T12:00:00Z\">\
         <saml:Issuer xmlns:saml=\"{SAML}\">https://idp.example</saml:Issuer>{}<samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>\
         <saml:Assertion xmlns:saml=\"{SAML}\" ID=\"_a\" Version=\"2.0\" \
         IssueInstant=\"2026-01-31T12:00:00Z\"><saml:Issuer>https://idp.example</saml:Issuer>{}\
         <saml:Subject><saml:NameID>alice</saml:NameID><saml:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         Recipient=\"https://sp.example\" InResponseTo=\"_q\"/></saml:SubjectConfirmation>\
         </saml:Subject><saml:Conditions><saml:AudienceRestriction><saml:Audience>\
         https://sp.example</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         <saml:AuthnStatement AuthnInstant=\"2026-01-31T12:00:00Z\"/></saml:Assertion>\
         </samlp:Response>",
        signature("_r"),
        signature("_a"),
    )
}

#[test]
fn what_is_read_is_written_as_it_was() {
    for text in [
        document().as_str(),
        "\u{feff}<a/>",
        "<a  b = 'c\"'\n d=\"&lt;'\" ></a\t>",
        "<?xml version=\"1.0\"?><!-- x --><a:b xmlns:a='urn:a'>t&amp;&#10;<![CDATA[<]]><?p q?></a:b>\r\n",
        "<a><b/><c></c><d >  </d ></a><!--end-->",
    ] {
        assert_eq!(Tree::parse(text).unwrap().render(), text);
    }
    for text in ["", "text", "<a>", "</a>", "<a b>", "<a b=c/>"] {
        assert!(Tree::parse(text).is_none(), "{text}");
    }
    assert!(mutations(b"\xff").is_empty() && mutations(b"text").is_empty());
}

#[test]
fn canonical_forms_are_those_of_the_recommendation() {
    let text = "<r xmlns='urn:d' xmlns:u='urn:u' xmlns:p='urn:p'><p:a z='1' p:b='&#9;&lt;&gt;\"'\
         a=\"'\" xmlns:q='urn:q'><!-- c --><b>&gt;&#13;<![CDATA[&]]></b><c xmlns=''/></p:a></r>";
    let tree = Tree::parse(text).unwrap();
    assert_eq!(
        canonical(&tree, &[0, 0], None),
        "<p:a xmlns:p=\"urn:p\" a=\"'\" z=\"1\" p:b=\"&#x9;&lt;>&quot;\"><b xmlns=\"urn:d\">&gt;\
         &#xD;&amp;</b><c></c></p:a>"
    );
    assert_eq!(
        canonical(&tree, &[0, 0], Some(&[0, 0, 1])),
        "<p:a xmlns:p=\"urn:p\" a=\"'\" z=\"1\" p:b=\"&#x9;&lt;>&quot;\"><c></c></p:a>"
    );
}

#[test]
fn hmac_is_that_of_rfc_4231() {
    let value = attacker::hmac(false, b"Jefe", b"what do ya want for nothing?");
    let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hex,
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[test]
fn every_attack_is_applied_and_changes_the_document() {
    let document = document();
    let all = mutations(document.as_bytes());
    let applied: BTreeSet<_> = all.iter().map(|m| m.attack).collect();
    assert_eq!(applied, ATTACKS.iter().copied().collect());
    assert!(
        all.iter()
            .all(|m| m.octets != document.as_bytes() && !m.what.is_empty())
    );
    let all = semantic_mutations(document.as_bytes());
    let applied: BTreeSet<_> = all.iter().map(|m| m.attack).collect();
    assert_eq!(applied, SEMANTIC_ATTACKS.iter().copied().collect());
    assert!(all.iter().any(|m| m.expect == Expect::Refused));
    assert!(semantic_mutations(b"<a/>").is_empty());
}

#[test]
fn some_mutations_are_of_every_attack() {
    let document = document();
    let every: BTreeSet<_> = ATTACKS.iter().copied().collect();
    let mut octets = BTreeSet::new();
    for from in 0..3 {
        let some = some_mutations(document.as_bytes(), 5, from);
        let applied: BTreeSet<_> = some.iter().map(|m| m.attack).collect();
        assert_eq!(applied, every);
        for attack in &every {
            assert!(some.iter().filter(|m| m.attack == *attack).count() <= 5);
        }
        octets.extend(some.into_iter().map(|m| m.octets));
    }
    // Other ones each time.
    assert!(octets.len() > ATTACKS.len() * 5);
}

#[test]
fn every_signature_is_made_again() {
    let document = document();
    let mut signed = Vec::new();
    let sign = |octets: &[u8]| {
        signed.push(String::from_utf8_lossy(octets).into_owned());
        b"signature".to_vec()
    };
    let again = sign_again(document.as_bytes(), sign).unwrap();
    let again = String::from_utf8(again).unwrap();
    assert_eq!(again.matches("c2lnbmF0dXJl</ds:SignatureValue>").count(), 2);
    assert!(signed[0].contains("URI=\"#_a\"") && signed[1].contains("URI=\"#_r\""));
    assert!(sign_again(b"<a/>", |_| Vec::new()).is_none());
}

/// Other people's documents, when they are here: read, written and mutated without a panic.
#[test]
fn other_peoples_documents_are_read_and_written_as_they_were() {
    let Some(folder) = std::env::var_os("FEDERATE_VECTORS").map(std::path::PathBuf::from) else {
        println!("skipped: FEDERATE_VECTORS is not set");
        return;
    };
    let (mut folders, mut files) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let list = if path.is_dir() {
                &mut folders
            } else {
                &mut files
            };
            list.push(path);
        }
    }
    files.sort();
    let (mut read, mut made) = (0, 0);
    for octets in files.iter().filter_map(|f| std::fs::read(f).ok()) {
        let Ok(text) = std::str::from_utf8(&octets) else {
            continue;
        };
        let Some(tree) = Tree::parse(text) else {
            continue;
        };
        assert!(tree.render() == text);
        read += 1;
        // Some of them, so that this takes seconds and not minutes.
        if read % 40 == 0 && octets.len() < 20_000 {
            made += mutations(&octets).len() + semantic_mutations(&octets).len();
        }
    }
    println!("{read} documents read, {made} mutations made");
    assert!(read > 1_000);
}
