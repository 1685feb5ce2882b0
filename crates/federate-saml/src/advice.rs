//! What to do about a refusal: for operators, by its stable code.

/// What an operator can do about an error of this code, in a sentence or two; `None` for a
/// code that neither verifying nor validating a message gives.
///
/// It is for the operator's log and tools, never for a peer or a browser.
///
/// ```
/// use federate_saml::{Rule, advice};
/// assert!(advice(Rule::Audience.code()).is_some());
/// assert!(advice("no.such_code").is_none());
/// ```
#[must_use]
pub fn advice(code: &str) -> Option<&'static str> {
    let found = ADVICE.iter().find(|(known, _)| *known == code);
    found.map(|(_, advice)| *advice)
}

macro_rules! advice {
    ($($code:literal: $advice:literal;)*) => {
        const ADVICE: &[(&str, &str)] = &[$(($code, $advice),)*];
    };
}

advice! {
    // The rules of the profiles.
    "message.issuer_mismatch": "Compare the identity provider's entity ID in your configuration with the Issuer of the message, byte for byte: a slash at the end counts. If the peer has changed it, load its metadata again.";
    "message.destination_mismatch": "The peer sends to another address than the one configured here. Compare scheme, host, port and path; behind a proxy, configure the public address.";
    "message.issue_instant": "Compare the clocks of both machines (NTP). If they agree, the message is old: it was kept, or sent a second time.";
    "message.in_response_to_mismatch": "The sign-in was begun elsewhere, in another tab, or too long ago; begin it anew. If it begins at the identity provider, unsolicited responses must be allowed for this connection.";
    "message.unsigned": "Let the peer sign its messages, and check that its metadata has the signing certificate.";
    "message.encrypted": "Configure the private key for the certificate that the peer encrypts to, or let the peer send without encryption.";
    "response.assertion_count": "Let the identity provider send exactly one assertion in a response. A second one may be an attack: keep the message.";
    "response.signature_coverage": "This connection requires another signature than the one that came. Let the identity provider sign the response, the assertion, or both, as required; or change what the connection requires.";
    "response.not_encrypted": "This connection requires encrypted assertions. Give the identity provider your encryption certificate, and let it encrypt.";
    "response.issuer_mismatch": "The assertion names another identity provider than the one that was asked. Compare the entity ID in your configuration with the Issuer of the assertion, byte for byte.";
    "response.issue_instant": "Compare the clocks of both machines (NTP). If they agree, the assertion is old: it was kept, or sent a second time.";
    "response.subject_confirmation": "Let the identity provider confirm the subject by the bearer method, with Recipient and NotOnOrAfter.";
    "response.recipient_mismatch": "At the identity provider, set the assertion consumer service (reply URL, recipient) to the expected address, byte for byte; or correct the address configured here.";
    "response.confirmation_expired": "The response was on its way for too long, or the clocks differ. Compare them (NTP), and begin the sign-in anew.";
    "response.confirmation_not_before": "Let the identity provider leave out NotBefore in SubjectConfirmationData: the profile forbids it for bearers.";
    "response.in_response_to_mismatch": "The assertion answers another request than the one of this browser; begin the sign-in anew. If it happens always, the identity provider does not copy the ID of the request.";
    "response.not_yet_valid": "The clock here is behind that of the identity provider. Compare them (NTP), or allow a larger skew for this connection.";
    "response.expired": "The clock here is ahead, the response is old, or the identity provider gives it too short a life. Compare the clocks (NTP), then begin the sign-in anew.";
    "response.audience_mismatch": "At the identity provider, set the audience (entity ID of the service provider) to the expected value, byte for byte; or correct the entity ID configured here.";
    "response.unknown_condition": "Let the identity provider leave out conditions that are not of SAML 2.0: what is not understood cannot be held to.";
    "response.name_id_missing": "Let the identity provider send a NameID in the subject; often the attribute that it takes it from is empty for this person.";
    "response.name_id_qualifier": "The name was made for another service provider. Let the identity provider set SPNameQualifier to the expected entity ID, or leave it out.";
    "response.authn_statement_missing": "Let the identity provider send an AuthnStatement: without one the assertion tells about a person but does not sign them in.";
    "response.session_expired": "The session at the identity provider is over. Let the person sign in there anew; if it happens always, compare the clocks.";
    "response.authn_instant": "The sign-in lies in the future, or before a request that demanded a new one. Compare the clocks; check that the identity provider obeys ForceAuthn.";
    "response.authn_context": "The person signed in in another way than was asked for. Let the identity provider demand it, or ask for what it offers.";
    "request.acs_ambiguous": "Let the service provider name the address, or its number in the metadata, but not both.";
    "request.acs_not_registered": "Register the address in the service provider's metadata, or let it ask for one that is registered.";
    "artifact.source_mismatch": "The peer asks here for an artifact of another party. Compare the addresses of the artifact resolution services in the peer's copy of the metadata.";
    "artifact.unknown_endpoint": "The artifact names an artifact resolution service that the metadata of its issuer does not have. Load that metadata again.";
    "artifact.no_message": "The artifact was used before, is too old, or was issued for somebody else. Begin the sign-in anew; if it happens often, look for pages that are loaded twice.";
    "ecp.response_consumer_mismatch": "The identity provider has another address for this service provider. Load the service provider's metadata there again; if it is right, somebody stands between the two and wants the response.";
    "logout.expired": "The logout request was on its way for too long, or the clocks differ. Compare them (NTP).";
    "response.status": "The identity provider refused the sign-in. Its log tells why; the status codes and message give a first hint.";
    // Signatures.
    "signature.missing": "Let the peer sign the response, the assertion, or both. Check also that nothing on the way took the signature out.";
    "signature.malformed": "The signature is not built as SAML demands: one reference, to the signed element's own ID, with enveloped-signature and exclusive canonicalization. Keep the message: this is what attacks look like too.";
    "signature.algorithm_refused": "Let the peer sign with SHA-256 or better and exclusive canonicalization. Only if it cannot, allow the old algorithm for this one peer, until a date.";
    "signature.no_usable_key": "The trusted certificates have keys of another kind, or RSA keys that are too short. Load the peer's current metadata; let it use an RSA key of 2048 bits or more, or ECDSA.";
    "signature.wrong_key": "The peer signs with a key that is not trusted here, often a new one. Load its current metadata or certificate; never take the certificate from the message itself. If the key is right, the message was changed.";
    "signature.digest_mismatch": "The content was changed after it was signed: by an attack, by a program that writes XML anew (spaces, line ends), or by copying it. Compare the canonical octets of both sides.";
    // Encryption.
    "encryption.failed": "It does not decrypt with the keys configured here. Check that the peer encrypts to the certificate that your metadata has now.";
    "encryption.algorithm_refused": "Let the peer encrypt with AES-GCM and RSA-OAEP. CBC needs a signed response around it, or a permission for this one peer until a date; RSA 1.5 is never accepted.";
    "encryption.malformed": "The encrypted element is not built as XML Encryption says, or leads elsewhere for its key. Report it to the maker of the peer's software.";
    "encryption.no_usable_key": "The decryption key configured here is too short or not an RSA key. Make an RSA key of 2048 bits or more and publish its certificate.";
    "encryption.not_covered": "A program passed an element of another document; this is a fault of the program, not of the message.";
    // The parser.
    "xml.invalid_utf8": "The message is not UTF-8. If it came from a file, check that it was saved as it came; otherwise let the peer send UTF-8.";
    "xml.unsupported_encoding": "Let the peer send UTF-8, and declare it or nothing.";
    "xml.unsupported_version": "Let the peer send XML 1.0.";
    "xml.invalid_character": "The message contains a character that XML forbids, often in an attribute value. Find the entry in the peer's directory.";
    "xml.doctype_forbidden": "SAML messages have no document type declaration. No honest peer sends one: keep the message and look where it came from.";
    "xml.processing_instruction_forbidden": "SAML messages have no processing instructions. Look what writes them on the way.";
    "xml.unknown_entity": "Let the peer write characters themselves, not entities: only the five of XML are known.";
    "xml.not_well_formed": "The message is cut off, was changed on the way, or is not XML at all. Check how it was copied and decoded.";
    "xml.undeclared_prefix": "A namespace declaration is missing; often a part of a message was cut out without those around it. Take the whole message.";
    "xml.invalid_namespace_declaration": "A namespace declaration is reserved, empty or no URI. Report it to the maker of the peer's software.";
    "xml.relative_namespace": "A namespace name is a relative URI, of which no signature is defined. Report it to the maker of the peer's software.";
    "xml.duplicate_attribute": "An element has an attribute twice, which no XML writer does. Keep the message and look where it came from.";
    "xml.duplicate_id": "Two elements have the same ID, so that a signature could be about either. Keep the message: this is what attacks look like.";
    "xml.limit_exceeded": "The message is larger or deeper than allowed. If the peer sends so much for a reason (many groups), let it send less, or raise the limit.";
    // The schema.
    "schema.unexpected_root": "This is another message than the one expected here. Check that it is sent to the right address, and that it is SAML 2.0.";
    "schema.missing_element": "The message lacks an element that its schema demands. Report it to the maker of the peer's software.";
    "schema.unexpected_element": "The message has an element where its schema has none, or in another order. Report it to the maker of the peer's software.";
    "schema.unexpected_text": "There is text between elements where there must be none. Check how the message was copied.";
    "schema.unexpected_markup": "There is markup inside a value that is text. Keep the message: this is what attacks look like too.";
    "schema.missing_attribute": "The message lacks an XML attribute that its schema demands. Report it to the maker of the peer's software.";
    "schema.unexpected_attribute": "The message has an XML attribute that its schema does not know. Report it to the maker of the peer's software.";
    "schema.invalid_value": "A value is not of its type: an instant, an ID, a URI. The message names it; find where the peer takes it from.";
    // The bindings.
    "binding.missing_parameter": "The request has no SAMLRequest or SAMLResponse, or the other of the two. Check the address, and that the peer uses this binding.";
    "binding.ambiguous_parameter": "A parameter occurs twice. Look what adds to the address or form on the way.";
    "binding.escaped_name": "A parameter's name was escaped, which no peer needs to do. Look where the request came from.";
    "binding.escaping": "A parameter is not properly escaped for a URL. Check how it was copied; otherwise report it to the maker of the peer's software.";
    "binding.base64": "The message is not base64. Check how it was copied: a `+` that became a space, or a cut-off end.";
    "binding.deflate": "The message is not a DEFLATE stream as HTTP-Redirect has it. Check that the peer uses this binding, and how the message was copied.";
    "binding.deflated_post": "The message was deflated as for HTTP-Redirect and then posted. Let the peer post the XML in base64 as it is, or send it by HTTP-Redirect.";
    "binding.too_large": "The message is larger than allowed. If the peer sends so much for a reason (many groups), let it send less, or raise the limit.";
    "binding.unknown_encoding": "Let the peer use the DEFLATE encoding, the only one that SAML defines.";
    "binding.half_signature": "SigAlg and Signature come together or not at all. Look what takes parameters away on the way.";
    "binding.embedded_signature": "In HTTP-Redirect the signature stands in the query, in SimpleSign in the form, and not in the message. Let the peer sign so, or use HTTP-POST.";
    "binding.boundary": "The message contains `&RelayState=` or the signed values were put together anew, which honest software does not do. Keep the form and look where it came from.";
    "binding.soap_must_understand": "The SOAP envelope has a header block that must be understood. Let the peer send SAML messages without such extensions.";
    "binding.soap_fault": "The peer's SOAP layer refused the message. Look at the peer's log, and at the address to which it was sent.";
    "value.invalid": "A value is empty, too long, or has characters that its type forbids. The message names it; find where the peer takes it from.";
    // What the facade and the command refuse before a message is looked at.
    "metadata.expired": "The time of the identity provider's metadata is over. Load it again from its publisher.";
    "crypto.random": "The operating system gave no randomness. Look at the machine, not at the message.";
}

#[cfg(test)]
mod tests;
