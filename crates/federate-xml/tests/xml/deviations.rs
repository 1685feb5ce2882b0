//! Where our verdict on a signature is not that of the people a document comes from, and why.

/// Documents that upstream accepts and we refuse: path, code, reason.
pub(crate) const REFUSED: &[(&str, &str, &str)] = &[
    (
        "clever-saml2/test/data/good_assertion.xml",
        "signature.malformed",
        "Reference URI=\"\" on an element with an ID: [SAMLCore] 5.4.2 wants the ID",
    ),
    (
        "clever-saml2/test/data/good_assertion_commented_out_digest.xml",
        "signature.malformed",
        "Reference URI=\"\" on an element with an ID: [SAMLCore] 5.4.2 wants the ID",
    ),
    (
        "node-saml/test/static/signatures/valid/response.root-signed.assertion-signed.2advice-signed.xml",
        "signature.malformed",
        "the assertion's signature has two references; the response's own signature is accepted",
    ),
    (
        "python3-saml/tests/data/metadata/signed_metadata_settings2.xml",
        "signature.malformed",
        "a role descriptor is signed, without ID or Reference URI; the entity is what we verify",
    ),
    (
        "python3-saml/tests/data/responses/response_without_assertion_reference_uri.xml.base64",
        "signature.malformed",
        "Reference URI=\"\" inside a response means the response, not the assertion",
    ),
    (
        "python3-saml/tests/data/responses/response_without_reference_uri.xml.base64",
        "signature.malformed",
        "Reference URI=\"\" on an element with an ID: [SAMLCore] 5.4.2 wants the ID",
    ),
    (
        "ruby-saml/test/responses/starfield_response.xml.base64",
        "signature.algorithm_refused",
        "inclusive canonicalization, which the policy does not allow by default",
    ),
    (
        "samlify/test/misc/response_signed.xml",
        "signature.malformed",
        "detached: the response's signature is about the assertion inside it",
    ),
    (
        "samlify/test/misc/signed_request_sha1.xml",
        "signature.malformed",
        "the reference is to an ID that the upstream test renames; no element has it",
    ),
    (
        "xml-crypto/test/static/valid_signature wsu.xml",
        "xml.relative_namespace",
        RELATIVE,
    ),
    (
        "xml-crypto/test/static/valid_signature.xml",
        "xml.relative_namespace",
        RELATIVE,
    ),
    (
        "xml-crypto/test/static/valid_signature_with_lowercase_id_attribute.xml",
        "xml.relative_namespace",
        RELATIVE,
    ),
    (
        "xml-crypto/test/static/valid_signature_with_reference_keyInfo.xml",
        "xml.relative_namespace",
        RELATIVE,
    ),
    (
        "xml-crypto/test/static/valid_signature_with_root_level_sig_namespace.xml",
        "xml.relative_namespace",
        RELATIVE,
    ),
    (
        "xml-crypto/test/static/valid_signature_with_whitespace_in_digestvalue.xml",
        "xml.relative_namespace",
        RELATIVE,
    ),
];

const RELATIVE: &str = "not SAML; a relative namespace name has no canonical form ([C14N] 1.3)";

/// Documents to be refused in which some element's signature is good all the same: path,
/// element, reason.
pub(crate) const GENUINE_PART: &[(&str, &str, &str)] = &[
    (
        "auth0-passport-wsfed/test/samples/plain/samlresponse_saml20_invalid_cert.txt",
        "Assertion",
        "only the certificate in KeyInfo is broken, which nobody reads; the pinned key verifies",
    ),
    (
        "node-saml/test/static/response.root-signed.message-signed-empty-subjectconfirmation.xml",
        "Response",
        "the response is signed; the assertion's signature is stale and refused",
    ),
    (
        "node-saml/test/static/signatures/invalid/response.root-signed.assertion-invalidly-signed-encrypted.xml",
        "Response",
        "the response is signed; what is wrong is inside the ciphertext",
    ),
    (
        "ruby-saml/test/responses/invalids/invalid_signature_position.xml.base64",
        "Response",
        "the signature is good, it only does not stand after the Issuer",
    ),
    (
        "ruby-saml/test/responses/response_assertion_wrapped.xml.base64",
        "Assertion",
        "the original inside the wrapper; the forged assertion around it has no good signature",
    ),
    (
        "xml-crypto/test/static/invalid_saml_no_signed_info.xml",
        "Assertion",
        "the response's signature is broken and refused; the assertion's own is good",
    ),
    (
        "xml-crypto/test/static/valid_saml_withcomments.xml",
        "Assertion",
        "the response's signature is broken and refused; the assertion's own is good",
    ),
];
