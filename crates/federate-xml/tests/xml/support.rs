//! A signed assertion and the means to bend it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{
    CryptoProvider, DigestAlgorithm, SignatureAlgorithm, SigningKey, aws_lc_provider,
};
use federate_testkit::keys;
use federate_types::MessageId;
use federate_xml::dsig::SignatureStructure;
use federate_xml::{
    DS, Document, Element, FromElement, Limits, Name, ReadError, SignatureError, SignaturePolicy,
    SignedOctets, Signer, TrustedKeys, Unverified, VerificationContext, Verified, Writer, XmlError,
};
use std::sync::Arc;

pub(crate) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(crate) const EXCLUSIVE: &str = federate_xml::EXCLUSIVE;

/// The name that the honest signer asserts.
pub(crate) const ALICE: &str = "alice@example.com";

/// What the tests read from an assertion: strict, in order, nothing more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assertion {
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) name_id: String,
}

impl FromElement for Assertion {
    const ELEMENT: Name = Name::saml("Assertion");

    fn from_element(element: Element<'_>) -> Result<Self, ReadError> {
        let mut children = element.children(Self::ELEMENT)?;
        let issuer = children.required(Name::saml("Issuer"))?.text()?;
        children.optional(Name::ds("Signature"));
        let subject = Name::saml("Subject");
        let mut inside = children.required(subject)?.children(subject)?;
        let name_id = inside.required(Name::saml("NameID"))?.text()?;
        inside.finish()?;
        children.finish()?;
        Ok(Self {
            id: element.required(Self::ELEMENT, "ID")?.to_owned(),
            issuer: issuer.into_owned(),
            name_id: name_id.into_owned(),
        })
    }
}

pub(crate) fn provider() -> CryptoProvider {
    aws_lc_provider()
}

pub(crate) fn trusted() -> TrustedKeys {
    keys::verifying_key(&provider()).into()
}

pub(crate) fn signer() -> Signer {
    let provider = provider();
    Signer::new(provider, keys::signing_key(&provider), keys::certificate()).unwrap()
}

pub(crate) fn write_assertion(id: &str, name_id: &str) -> Writer {
    let mut w = Writer::new();
    w.start(Name::saml("Assertion"));
    w.attribute(Name::local("ID"), id);
    w.attribute(Name::local("Version"), "2.0");
    w.element(Name::saml("Issuer"), "https://idp.example");
    w.signature_belongs_here();
    w.start(Name::saml("Subject"));
    w.element(Name::saml("NameID"), name_id);
    w.end();
    w
}

/// An assertion without signature.
pub(crate) fn assertion(id: &str, name_id: &str) -> String {
    String::from_utf8(write_assertion(id, name_id).finish()).unwrap()
}

/// The honest document: about Alice, with the ID `_a`, signed with the trusted key.
pub(crate) fn signed() -> String {
    sign(&signer(), ALICE)
}

pub(crate) fn sign(signer: &Signer, name_id: &str) -> String {
    let id = MessageId::new("_a").unwrap();
    let octets = signer.sign(write_assertion("_a", name_id), &id).unwrap();
    String::from_utf8(octets).unwrap()
}

/// A response around what is given, without signature.
pub(crate) fn response(id: &str, inside: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"{}\" ID=\"{id}\">{inside}</samlp:Response>",
        federate_xml::SAMLP
    )
}

/// Splits a document into what stands before its first element of that name, the element,
/// and the rest.
pub(crate) fn cut<'a>(document: &'a str, qname: &str) -> (&'a str, &'a str, &'a str) {
    let start = document.find(&format!("<{qname}")).unwrap();
    let end = document.find(&format!("</{qname}>")).unwrap() + qname.len() + 3;
    (&document[..start], &document[start..end], &document[end..])
}

/// The `ds:Signature` of a document.
pub(crate) fn signature_of(document: &str) -> &str {
    cut(document, "ds:Signature").1
}

/// The document without its signature.
pub(crate) fn stripped(document: &str) -> String {
    let (before, _, after) = cut(document, "ds:Signature");
    format!("{before}{after}")
}

/// Replaces something that must be there.
pub(crate) fn swap(document: &str, from: &str, to: &str) -> String {
    assert!(document.contains(from), "{from} is not in the document");
    document.replacen(from, to, 1)
}

/// Puts a signature after the Issuer of an assertion.
pub(crate) fn insert(assertion: &str, signature: &str) -> String {
    swap(
        assertion,
        "</saml:Issuer>",
        &format!("</saml:Issuer>{signature}"),
    )
}

/// A SignedInfo to be built otherwise than the crate would.
pub(crate) struct Info {
    pub(crate) canonicalization: String,
    pub(crate) method: String,
    pub(crate) references: Vec<String>,
}

impl Info {
    /// What the crate would have written for the given references.
    pub(crate) fn new(references: impl IntoIterator<Item = String>) -> Self {
        Self {
            canonicalization: algorithm("CanonicalizationMethod", EXCLUSIVE, ""),
            method: algorithm("SignatureMethod", SignatureAlgorithm::RsaSha256.uri(), ""),
            references: references.into_iter().collect(),
        }
    }

    pub(crate) fn inside(&self) -> String {
        [
            self.canonicalization.as_str(),
            &self.method,
            &self.references.concat(),
        ]
        .concat()
    }

    /// The signature with the trusted key.
    pub(crate) fn sign(&self) -> String {
        sign_inside(&*keys::signing_key(&provider()), &self.inside())
    }

    pub(crate) fn sign_with(&self, key: &Arc<dyn SigningKey>) -> String {
        sign_inside(&**key, &self.inside())
    }
}

/// A `ds:Signature` over a SignedInfo with this inside, which must be canonical.
pub(crate) fn sign_inside(key: &dyn SigningKey, inside: &str) -> String {
    let octets = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{inside}</ds:SignedInfo>");
    signature(inside, &key.sign(octets.as_bytes()).unwrap())
}

/// A `ds:Signature` with this inside its SignedInfo and this value.
pub(crate) fn signature(inside: &str, value: &[u8]) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{inside}</ds:SignedInfo>\
         <ds:SignatureValue>{}</ds:SignatureValue></ds:Signature>",
        STANDARD.encode(value)
    )
}

/// An element of SignedInfo that names an algorithm.
pub(crate) fn algorithm(element: &str, uri: &str, inside: &str) -> String {
    format!("<ds:{element} Algorithm=\"{uri}\">{inside}</ds:{element}>")
}

/// A reference to `uri` as the crate would write it, with the digest of `octets`.
pub(crate) fn reference(uri: &str, octets: &str) -> String {
    let transforms = [
        algorithm("Transform", ENVELOPED, ""),
        algorithm("Transform", EXCLUSIVE, ""),
    ];
    reference_with(&format!(" URI=\"{uri}\""), &transforms.concat(), octets)
}

/// A reference with these attributes and transforms, and the SHA-256 digest of `octets`.
pub(crate) fn reference_with(attributes: &str, transforms: &str, octets: &str) -> String {
    let value = digest(DigestAlgorithm::Sha256, octets.as_bytes());
    reference_raw(
        attributes,
        transforms,
        DigestAlgorithm::Sha256.uri(),
        &format!("<ds:DigestValue>{value}</ds:DigestValue>"),
    )
}

pub(crate) fn reference_raw(
    attributes: &str,
    transforms: &str,
    method: &str,
    values: &str,
) -> String {
    format!(
        "<ds:Reference{attributes}><ds:Transforms>{transforms}</ds:Transforms>{}{values}\
         </ds:Reference>",
        algorithm("DigestMethod", method, "")
    )
}

/// The base64 of a digest.
pub(crate) fn digest(algorithm: DigestAlgorithm, octets: &[u8]) -> String {
    STANDARD.encode(provider().digester.digest(algorithm, octets).as_bytes())
}

/// Verifies the root as an assertion by the default policy.
pub(crate) fn verify(document: &str) -> Result<Verified<Assertion>, XmlError> {
    verify_with(document, &trusted(), &SignaturePolicy::default())
}

pub(crate) fn verify_with(
    document: &str,
    keys: &TrustedKeys,
    policy: &SignaturePolicy,
) -> Result<Verified<Assertion>, XmlError> {
    let provider = provider();
    let context = VerificationContext {
        provider: &provider,
        policy,
        now: keys::fixed_now(),
    };
    Unverified::<Assertion>::parse(document.as_bytes(), &Limits::default())?.verify(keys, &context)
}

/// Verifies the element that `choose` finds in the document: the one the attacker wants read.
pub(crate) fn verify_part(
    document: &str,
    choose: impl for<'d> Fn(Element<'d>) -> Element<'d>,
) -> Result<SignedOctets, SignatureError> {
    let provider = provider();
    let context = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default(),
        now: keys::fixed_now(),
    };
    let document = Document::parse(document.as_bytes(), &Limits::default()).unwrap();
    context.verify_enveloped(choose(document.root()), &trusted())
}

/// The first assertion directly inside an element.
pub(crate) fn first_assertion(element: Element<'_>) -> Element<'_> {
    element
        .child_elements()
        .find(|e| e.is(Name::saml("Assertion")))
        .unwrap()
}

/// Asserts exactly this refusal, by variant and by code.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    result: Result<T, impl Into<XmlError>>,
    expected: impl Into<XmlError>,
    code: &str,
) {
    let expected = expected.into();
    assert_eq!(expected.code(), code);
    match result {
        Ok(accepted) => panic!("accepted: {accepted:?}"),
        Err(error) => assert_eq!(error.into(), expected),
    }
}

/// Asserts that the signature's structure is refused, and why.
#[track_caller]
pub(crate) fn malformed<T: std::fmt::Debug>(
    result: Result<T, impl Into<XmlError>>,
    structure: SignatureStructure,
) {
    refused(
        result,
        SignatureError::Malformed(structure),
        "signature.malformed",
    );
}

/// Asserts that an algorithm is refused, and which.
#[track_caller]
pub(crate) fn algorithm_refused<T: std::fmt::Debug>(
    result: Result<T, impl Into<XmlError>>,
    role: &'static str,
    uri: &'static str,
) {
    let expected = SignatureError::AlgorithmRefused { role, uri };
    refused(result, expected, "signature.algorithm_refused");
}

/// Asserts that the parser refuses the document at this offset for this reason.
#[track_caller]
pub(crate) fn not_parsed(document: &[u8], kind: federate_xml::ParseErrorKind, code: &str) {
    match Document::parse(document, &Limits::default()) {
        Ok(_) => panic!("parsed: {}", String::from_utf8_lossy(document)),
        Err(error) => {
            assert_eq!(error.kind, kind, "{}", String::from_utf8_lossy(document));
            assert_eq!(error.code(), code);
        }
    }
}

/// The text of a document that has nothing else.
pub(crate) fn text_of(document: &str) -> String {
    let document = Document::parse(document.as_bytes(), &Limits::default()).unwrap();
    document.root().text().unwrap().into_owned()
}
