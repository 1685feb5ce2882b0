//! Good signatures that are not built as SAML builds them: signed by libxmlsec1, which verifies
//! them again.

use crate::documents::ID;
use crate::support::*;
use federate_testkit::judge::{ForeignDocument, JudgeKey};
use federate_testkit::keys;
use federate_xml::{DS, SAML};

const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA224: &str = "http://www.w3.org/2001/04/xmldsig-more#sha224";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const RSA_SHA224: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224";
const COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";

fn transform(uri: &str) -> String {
    format!("<ds:Transform Algorithm=\"{uri}\"/>")
}

fn reference(uri: &str, transforms: &str, digest: &str) -> String {
    format!(
        "<ds:Reference{uri}><ds:Transforms>{transforms}</ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{digest}\"/><ds:DigestValue/></ds:Reference>"
    )
}

/// An assertion with a template in it, signed.
fn signed(form: &str, method: &str, references: &str, behind: &str) -> String {
    let template = format!(
        "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{ID}\"><!-- c --><saml:Issuer>i</saml:Issuer>\
         <ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"{form}\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/>{references}</ds:SignedInfo>\
         <ds:SignatureValue/>{behind}</ds:Signature><a ID=\"_inside\">a</a></saml:Assertion>"
    );
    let foreign = ForeignDocument::parse(template.as_bytes()).unwrap();
    let signature = foreign.signatures_of(0)[0];
    let key = JudgeKey::from_private_pem(keys::RSA_KEY).unwrap();
    let done = foreign.sign(signature, &key);
    done.unwrap_or_else(|e| panic!("{e}: {template}"));
    foreign.text()
}

/// Each shape with its name.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    let own = format!(" URI=\"#{ID}\"");
    let usual = transform(ENVELOPED) + &transform(EXCLUSIVE);
    let reference_to = |uri: &str| reference(uri, &usual, SHA256);
    let plain = |references: &str| signed(EXCLUSIVE, RSA_SHA256, references, "");
    let with = |transforms: &str| plain(&reference(&own, transforms, SHA256));
    let xpath = format!(
        "<ds:Transform Algorithm=\"{XPATH}\"><ds:XPath>not(ancestor-or-self::ds:Signature)\
         </ds:XPath></ds:Transform>"
    );
    let nothing =
        format!("<ds:Transform Algorithm=\"{XPATH}\"><ds:XPath>false()</ds:XPath></ds:Transform>");
    let object = "<ds:Object Id=\"_object\">o</ds:Object>";
    let in_object = reference(" URI=\"#_object\"", &transform(EXCLUSIVE), SHA256);
    vec![
        (
            "comments signed",
            with(&(transform(ENVELOPED) + &transform(COMMENTS))),
        ),
        (
            "SignedInfo signed with its comments",
            signed(COMMENTS, RSA_SHA256, &reference_to(&own), ""),
        ),
        ("SHA-224 as digest", plain(&reference(&own, &usual, SHA224))),
        (
            "RSA-SHA224",
            signed(EXCLUSIVE, RSA_SHA224, &reference_to(&own), ""),
        ),
        (
            "an XPath transform instead of the enveloped one",
            with(&(xpath.clone() + &transform(EXCLUSIVE))),
        ),
        (
            "an XPath transform that leaves nothing",
            with(&(nothing + &transform(EXCLUSIVE))),
        ),
        (
            "an XPath transform besides",
            with(&(transform(ENVELOPED) + &xpath + &transform(EXCLUSIVE))),
        ),
        (
            "the enveloped transform twice",
            with(&(transform(ENVELOPED) + &usual)),
        ),
        (
            "canonicalized twice",
            with(&(usual.clone() + &transform(EXCLUSIVE))),
        ),
        ("URI=\"\"", plain(&reference_to(" URI=\"\""))),
        (
            "a reference by xpointer to the ID",
            plain(&reference_to(&format!(" URI=\"#xpointer(id('{ID}'))\""))),
        ),
        (
            "a reference by xpointer to everything",
            plain(&reference_to(" URI=\"#xpointer(/)\"")),
        ),
        (
            "a reference to an element inside",
            plain(&reference(
                " URI=\"#_inside\"",
                &transform(EXCLUSIVE),
                SHA256,
            )),
        ),
        (
            "two references",
            plain(
                &(reference_to(&own)
                    + &reference(" URI=\"#_inside\"", &transform(EXCLUSIVE), SHA256)),
            ),
        ),
        (
            "an object beside",
            signed(EXCLUSIVE, RSA_SHA256, &reference_to(&own), object),
        ),
        (
            "an object signed instead",
            signed(EXCLUSIVE, RSA_SHA256, &in_object, object),
        ),
    ]
}
