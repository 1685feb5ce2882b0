//! Which documents are not treated as upstream treats them, and why.

const NO_INSTANT: &str = "the response has no IssueInstant, which [SAMLCore] 3.2.2 requires";
const SIGNATURE_LAST: &str =
    "the signature is the last child; the schema wants it after the Issuer ([SAMLCore] 2.3.3)";
const NAME_ID: &str =
    "the NameID ends with a line break, which is part of it (xs:string, [SAMLCore] 2.2.2)";
const TWO_ISSUERS: &str =
    "message and assertion are from different parties, whom upstream does not compare";
const TWO: &str = "two assertions, one of them unsigned";
const EMPTY_URI: &str =
    "Reference URI=\"\" on an element with an ID: [SAMLCore] 5.4.2 wants the ID";
const DESTINATION: &str = "its Recipient is the word \"recipient\", its Destination an address: \
     no service provider is both";

const NODE: &str = "node-saml/test/static/signatures/valid/response.";

/// A document that upstream accepts and we refuse.
pub(crate) struct Refused {
    pub(crate) path: &'static str,
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
}

const fn refused(path: &'static str, code: &'static str, reason: &'static str) -> Refused {
    Refused { path, code, reason }
}

pub(crate) const REFUSED: &[Refused] = &[
    refused(
        "clever-saml2/test/data/good_response_twice_signed.xml",
        "schema.missing_attribute",
        NO_INSTANT,
    ),
    refused(
        "clever-saml2/test/data/good_response_twice_signed_dsig_ns_at_top.xml",
        "schema.missing_attribute",
        NO_INSTANT,
    ),
    refused(
        "clever-saml2/test/data/response_external_signed_assertion.xml",
        "schema.missing_attribute",
        NO_INSTANT,
    ),
    refused(
        "instructure-saml2/spec/fixtures/response_assertion_signed_reffed_from_response.xml",
        "schema.invalid_value",
        "white space around the Issuer; besides, the signature is not the assertion's child",
    ),
    refused(
        "instructure-saml2/spec/fixtures/response_without_keyinfo.xml",
        "signature.wrong_key",
        "its key is not among the vectors",
    ),
    refused(
        "python3-saml/tests/data/responses/response4.xml.base64",
        "response.assertion_count",
        TWO,
    ),
    refused(
        "python3-saml/tests/data/responses/response_with_ampersands.xml.base64",
        "response.assertion_count",
        TWO,
    ),
    refused(
        "python3-saml/tests/data/responses/response_without_assertion_reference_uri.xml.base64",
        "signature.malformed",
        EMPTY_URI,
    ),
    refused(
        "python3-saml/tests/data/responses/response_without_reference_uri.xml.base64",
        "signature.malformed",
        EMPTY_URI,
    ),
    refused(
        "python3-saml/tests/data/responses/valid_response_without_inresponseto.xml.base64",
        "response.in_response_to_mismatch",
        "the message answers nothing, its assertion answers a request",
    ),
    refused(
        "ruby-saml/test/responses/inclusive_namespaces.xml",
        "message.issuer_mismatch",
        TWO_ISSUERS,
    ),
    refused(
        "ruby-saml/test/responses/response_with_ampersands.xml.base64",
        "response.assertion_count",
        TWO,
    ),
    refused(
        "ruby-saml/test/responses/response_with_signed_assertion_3.xml",
        "message.issuer_mismatch",
        TWO_ISSUERS,
    ),
    refused(
        "ruby-saml/test/responses/response_with_signed_message_and_assertion.xml",
        "message.issuer_mismatch",
        TWO_ISSUERS,
    ),
    refused(
        "ruby-saml/test/responses/signed_response_with_undefined_recipient.xml.base64",
        "message.issuer_mismatch",
        "the message is signed and has no Issuer, which [SAMLProf] 4.1.4.2 requires then",
    ),
    refused(
        "ruby-saml/test/responses/starfield_response.xml.base64",
        "schema.invalid_value",
        "line breaks around the Issuer; besides, inclusive canonicalization",
    ),
    refused(
        "ruby-saml/test/responses/valid_response.xml.base64",
        "message.destination_mismatch",
        DESTINATION,
    ),
    refused(
        "ruby-saml/test/responses/valid_response_with_formatted_x509certificate.xml.base64",
        "message.destination_mismatch",
        DESTINATION,
    ),
    refused(
        "samlify/test/misc/response_signed.xml",
        "schema.unexpected_element",
        "the response's signature is about the assertion and stands after it",
    ),
    refused(
        "simplesamlphp-saml2/tests/resources/xml/response/signedresponse_with_signedassertion.xml",
        "message.issuer_mismatch",
        TWO_ISSUERS,
    ),
    refused(
        "simplesamlphp-saml2/tests/resources/xml/response/signedresponse_with_unsignedassertion.xml",
        "message.issuer_mismatch",
        TWO_ISSUERS,
    ),
    refused(
        "simplesamlphp-saml2/tests/resources/xml/response/unsignedresponse_with_signedassertion.xml",
        "message.issuer_mismatch",
        TWO_ISSUERS,
    ),
];

/// The documents of node-saml's grid, by what follows [`NODE`]; most have a NameID that ends
/// with a line break, and none has an audience.
const GRID: &[(&str, &str, &str)] = &[
    (
        "root-signed.assertion-signed.1advice-signed.xml",
        "schema.unexpected_element",
        SIGNATURE_LAST,
    ),
    (
        "root-signed.assertion-signed.2advice-signed.xml",
        "schema.unexpected_element",
        SIGNATURE_LAST,
    ),
    (
        "root-unsigned.assertion-signed.1advice-signed.xml",
        "schema.unexpected_element",
        SIGNATURE_LAST,
    ),
];

/// The entry of a document, if it is one to be refused.
pub(crate) fn entry(path: &str) -> Option<Refused> {
    if let Some(listed) = REFUSED.iter().find(|r| r.path == path) {
        return Some(refused(listed.path, listed.code, listed.reason));
    }
    let name = path.strip_prefix(NODE)?;
    let shape = GRID.iter().find(|g| g.0 == name);
    let (name, code, reason) = shape.unwrap_or(&("", "schema.invalid_value", NAME_ID));
    Some(refused(name, code, reason))
}

/// Documents that upstream rejects and we accept in the context in which they were issued:
/// path, reason.
pub(crate) const ACCEPTED: &[(&str, &str)] = &[
    (
        "auth0-passport-wsfed/test/samples/encoded/samlresponse_extraspace.txt",
        "DigestValue ends with a line break, which xs:base64Binary allows; the digest is right",
    ),
    (
        "instructure-saml2/spec/fixtures/response_tampered_certificate.xml",
        "only the certificate in KeyInfo is changed, which nobody reads; the pinned key verifies",
    ),
    (
        "python3-saml/tests/data/responses/invalids/duplicated_attributes.xml.base64",
        "two attributes of one name, which nothing forbids; both are told",
    ),
    (
        "ruby-saml/test/responses/invalids/duplicated_attributes.xml.base64",
        "two attributes of one name, which nothing forbids; both are told",
    ),
    (
        "python3-saml/tests/data/responses/invalids/no_issuer_response.xml.base64",
        "only the assertion is signed: the message may leave its Issuer out ([SAMLProf] 4.1.4.2)",
    ),
    (
        "ruby-saml/test/responses/invalids/no_issuer_response.xml.base64",
        "only the assertion is signed: the message may leave its Issuer out ([SAMLProf] 4.1.4.2)",
    ),
];
