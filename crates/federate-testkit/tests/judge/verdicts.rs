//! The judge itself: it says no where it should.

use crate::signing::honest;
use crate::support::*;
use federate_testkit::judge::{ForeignDocument, JudgeKey, Verdict};
use federate_testkit::keys;

/// The verdict on the first signature of a document.
fn verdict(text: &str, key: &JudgeKey) -> Verdict {
    let foreign = ForeignDocument::parse(text.as_bytes()).unwrap();
    let element = foreign.signed_elements()[0];
    foreign.verify(foreign.signatures_of(element)[0], key)
}

#[test]
fn each_verdict_is_reached() {
    apart("verdicts::each_verdict_is_reached", || {
        let key = JudgeKey::from_certificate(&keys::certificate()).unwrap();
        let other = JudgeKey::from_certificate(&keys::other_certificate()).unwrap();
        let ec = JudgeKey::from_certificate(&keys::ec_certificate()).unwrap();
        let ours = (0..).map(honest).find(|h| h.signed_by == "our signer");
        let text = ours.unwrap().text;
        let error = |what: &str| Verdict::Error(what.to_owned());

        assert_eq!(verdict(&text, &key), Verdict::Good);
        assert_eq!(verdict(&text, &other), Verdict::Bad);
        let changed = text.replacen("idp.example", "idp.evil", 1);
        assert_eq!(verdict(&changed, &key), Verdict::Bad);
        let failed = error("Verification process failed");
        assert_eq!(verdict(&text, &ec), failed);
        let elsewhere = text.replacen("#_signed", "#_nothing", 1);
        assert_eq!(verdict(&elsewhere, &key), failed);
        let twice = text.replacen("</saml:Assertion>", "<x ID='_signed'/></saml:Assertion>", 1);
        let doubled = error("Error: duplicate ID attribute: _signed");
        assert_eq!(verdict(&twice, &key), doubled);
        let outside = text.replacen("#_signed", "file:///etc/hostname", 1);
        let refused = error("a reference to outside the document");
        assert_eq!(verdict(&outside, &key), refused);
    });
}

#[test]
fn a_good_signature_may_be_about_something_else() {
    apart(
        "verdicts::a_good_signature_may_be_about_something_else",
        || {
            let key = JudgeKey::from_certificate(&keys::certificate()).unwrap();
            let ours = (0..).map(honest).find(|h| h.signed_by == "our signer");
            let text = ours.unwrap().text;
            let at = (
                text.find("<ds:Signature ").unwrap(),
                text.find("</ds:Signature>").unwrap() + 15,
            );
            let (signature, stripped) =
                (&text[at.0..at.1], [&text[..at.0], &text[at.1..]].concat());
            let forged = format!("<forged ID='_forged'>{signature}{stripped}</forged>");
            let foreign = ForeignDocument::parse(forged.as_bytes()).unwrap();
            let [signature] = foreign.signatures_of(0)[..] else {
                panic!("one signature");
            };
            assert_eq!(foreign.verify(signature, &key), Verdict::Good);
            assert!(!foreign.covers(signature, 0));
        },
    );
}
