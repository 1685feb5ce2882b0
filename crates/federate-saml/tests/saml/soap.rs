//! SOAP: one message in the body, nothing that must be understood, and nothing of the envelope
//! counts.

use crate::logout::request;
use crate::support::*;
use federate_saml::binding::soap::{self, Envelope, FaultCode};
use federate_saml::{BindingError, LogoutRequest, SamlError, signed_xml, unsigned_xml};
use federate_xml::{Limits, Name, ReadError, ReadProblem, SignatureError, Unverified, XmlError};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

fn open(envelope: &[u8]) -> Result<Unverified<'_, LogoutRequest>, SamlError> {
    soap::body(envelope, &Limits::default())
}

fn verify(envelope: &str) -> Result<LogoutRequest, SamlError> {
    let message = open(envelope.as_bytes())?;
    Ok(with_context(|c| message.verify(&trusted(), c))?.into_inner())
}

fn sent() -> String {
    let message = signed_xml(&request(), &signer()).unwrap();
    String::from_utf8(soap::envelope(&message)).unwrap()
}

fn schema(element: &'static str, problem: ReadProblem) -> XmlError {
    ReadError::new(element, problem).into()
}

/// With a header block of these attributes.
fn header(attributes: &str) -> String {
    let block = format!("<soap:Header><h:Block xmlns:h=\"urn:h\" {attributes}/></soap:Header>");
    swap(&sent(), "<soap:Body>", &format!("{block}<soap:Body>"))
}

/// What is put into an envelope comes out of it, and its signature holds there.
#[test]
fn envelope_and_message_agree() {
    assert_eq!(verify(&sent()).unwrap(), request());
    let unsigned = soap::envelope(&unsigned_xml(&request()));
    assert_eq!(open(&unsigned).unwrap().read_unsigned().unwrap(), request());
}

/// Peers declare namespaces where they like, and use other prefixes, comments and white space
/// around the message; its signature holds wherever it stands.
#[test]
fn envelopes_of_other_forms() {
    let sent = sent();
    let message = sent.split_once("<soap:Body>").unwrap().1;
    let message = message.split_once("</soap:Body>").unwrap().0;
    let declared = "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns=\"urn:x\" \
                    xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xml:lang=\"en\"";
    let envelope = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a --><S:Envelope xmlns:S=\"{SOAP}\" \
         {declared}>\n <S:Header/>\n <S:Body> <!-- b --> {message}\n</S:Body>\n</S:Envelope>\n"
    );
    assert_eq!(verify(&envelope).unwrap(), request());
    // Without the declaration that the envelope has already.
    let declaration = "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"";
    let within = swap(&envelope, declaration, "<samlp:LogoutRequest");
    assert_eq!(verify(&within).unwrap(), request());
}

/// What only a document begins with does not come into the envelope with the message.
#[test]
fn a_document_becomes_a_body() {
    let message = String::from_utf8(signed_xml(&request(), &signer()).unwrap()).unwrap();
    for prolog in [
        "\u{feff}",
        "<?xml version=\"1.0\"?>",
        "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n",
    ] {
        let document = format!("{prolog}{message}");
        let sent = String::from_utf8(soap::envelope(document.as_bytes())).unwrap();
        assert_eq!(verify(&sent).unwrap(), request(), "{prolog:?}");
    }
    // What is no document stays what it is, and is refused.
    for odd in ["<?xml", "<?xml version='1.0'", "<?xmlish?>", "\u{feff}"] {
        let sent = soap::envelope(odd.as_bytes());
        assert!(
            String::from_utf8(sent.clone())
                .unwrap()
                .contains(odd.trim_start_matches('\u{feff}'))
        );
        assert!(open(&sent).is_err(), "{odd:?}");
    }
}

/// The envelope is not part of what was signed, and cannot become it.
#[test]
fn a197_the_message_is_the_only_one_in_the_body() {
    let sent = sent();
    let mut forged = request();
    forged.id = id("_forged");
    let forged = String::from_utf8(unsigned_xml(&forged)).unwrap();
    let code = "schema.unexpected_element";
    let several = || schema("Body", ReadProblem::UnexpectedElement);
    let body = "<soap:Body>";
    let end = "</soap:Body>";
    for two in [
        swap(&sent, body, &format!("{body}{forged}")),
        swap(&sent, end, &format!("{forged}{end}")),
    ] {
        fails(verify(&two), several(), code);
    }
    // A second body, and an element behind the only one.
    let behind = |what: &str| swap(&sent, end, &format!("{end}{what}"));
    let unexpected = || schema("Envelope", ReadProblem::UnexpectedElement);
    for what in [&format!("<soap:Body>{forged}</soap:Body>"), &forged] {
        fails(verify(&behind(what)), unexpected(), code);
    }
    // The signed message in the header, an unsigned one in the body.
    let message = sent.split_once(body).unwrap().1.split_once(end).unwrap().0;
    let wrapped = format!(
        "<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Header>{message}</soap:Header>\
         <soap:Body>{forged}</soap:Body></soap:Envelope>"
    );
    unsigned(
        verify(&wrapped),
        SignatureError::Missing,
        "signature.missing",
    );
    // And the signature of the one in the other.
    let signature = message.split_once("<ds:Signature").unwrap().1;
    let signature = signature.split_once("</ds:Signature>").unwrap().0;
    let signature = format!("</saml:Issuer><ds:Signature{signature}</ds:Signature>");
    let moved = swap(
        &wrapped,
        &forged,
        &swap(&forged, "</saml:Issuer>", &signature),
    );
    assert_eq!(verify(&moved).unwrap_err().code(), "signature.malformed");

    let empty = swap(&sent, message, "");
    let missing = schema("Body", ReadProblem::MissingElement("a message"));
    fails(verify(&empty), missing, "schema.missing_element");
    let text = swap(&sent, body, "<soap:Body>text");
    let problem = schema("Body", ReadProblem::UnexpectedText);
    fails(verify(&text), problem, "schema.unexpected_text");
    let none = format!("<soap:Envelope xmlns:soap=\"{SOAP}\"></soap:Envelope>");
    let missing = schema("Envelope", ReadProblem::MissingElement("Body"));
    fails(verify(&none), missing, "schema.missing_element");
    // A message without envelope, and an envelope of SOAP 1.2.
    let root = schema("Envelope", ReadProblem::UnexpectedRoot);
    fails(verify(message), root, "schema.unexpected_root");
    let other = sent.replace(SOAP, "http://www.w3.org/2003/05/soap-envelope");
    let root = schema("Envelope", ReadProblem::UnexpectedRoot);
    fails(verify(&other), root, "schema.unexpected_root");
    let response = unsigned_xml(&crate::logout::response());
    let root = schema("LogoutRequest", ReadProblem::UnexpectedRoot);
    let response = soap::envelope(&response);
    fails(open(&response), root, "schema.unexpected_root");
}

/// What must be understood is not; what need not be is left alone.
#[test]
fn headers_that_insist_are_refused() {
    for fine in [
        "",
        "soap:mustUnderstand=\"0\"",
        "mustUnderstand=\"1\"",
        "soap:actor=\"urn:x\"",
        "soap:actor=\"urn:x\" soap:mustUnderstand=\"1\"",
    ] {
        assert_eq!(verify(&header(fine)).unwrap(), request());
    }
    for insists in ["1", "true", "", "x", " 1"] {
        let attribute = format!("soap:mustUnderstand=\"{insists}\"");
        let code = "binding.soap_must_understand";
        fails(
            verify(&header(&attribute)),
            BindingError::MustUnderstand,
            code,
        );
    }
}

/// A block without an actor, and one for whoever reads next, is for us.
#[test]
fn actors() {
    let block = Name::new("urn:h", "h", "Block");
    let read = |envelope: &str, understood: &[Name]| {
        let envelope = Envelope::parse(envelope.as_bytes(), &Limits::default(), understood)?;
        let found = envelope.block_hint(block).is_some();
        let message = envelope.body::<LogoutRequest>()?;
        drop(with_context(|c| message.verify(&trusted(), c))?);
        Ok::<bool, SamlError>(found)
    };
    let next = format!("soap:actor=\"{}\"", soap::NEXT);
    for actor in ["", "soap:actor=\"\"", &next, &format!("{next} x=\"\"")] {
        assert_eq!(read(&header(actor), &[]), Ok(true));
        let insists = header(&format!("{actor} soap:mustUnderstand=\"1\""));
        assert_eq!(read(&insists, &[block]), Ok(true));
        let code = "binding.soap_must_understand";
        for unknown in [&[][..], &[Name::new("urn:other", "h", "Block")]] {
            fails(read(&insists, unknown), BindingError::MustUnderstand, code);
        }
    }
    for insists in ["0", "1"] {
        let other = format!("soap:actor=\"urn:x\" soap:mustUnderstand=\"{insists}\"");
        assert_eq!(read(&header(&other), &[block]), Ok(false));
    }
}

/// A block that we write says for whom it is, and the message beside it keeps its signature.
#[test]
fn header_blocks_agree() {
    let block = Name::new("urn:h", "h", "Block");
    let message = signed_xml(&request(), &signer()).unwrap();
    let envelope = soap::envelope_with(&message, |w| {
        w.start(block);
        soap::for_next(w);
        w.text("a < b");
        w.end();
    });
    let text = std::str::from_utf8(&envelope).unwrap();
    fails(
        verify(text),
        BindingError::MustUnderstand,
        "binding.soap_must_understand",
    );
    let read = Envelope::parse(&envelope, &Limits::default(), &[block]).unwrap();
    let text = read.block_hint(block).unwrap().text().unwrap();
    assert_eq!(text, "a < b");
    let message = read.body::<LogoutRequest>().unwrap();
    drop(with_context(|c| message.verify(&trusted(), c)).unwrap());
}

/// A fault is told by its code; the peer's words are not.
#[test]
fn faults() {
    for code in [
        FaultCode::VersionMismatch,
        FaultCode::MustUnderstand,
        FaultCode::Client,
        FaultCode::Server,
    ] {
        let fault = soap::fault(code, "</faultstring> <&>");
        let result = open(&fault);
        fails(result, BindingError::SoapFault(code), "binding.soap_fault");
    }
    let with = |code: &str| {
        let fault = String::from_utf8(soap::fault(FaultCode::Client, "")).unwrap();
        open(swap(&fault, "soap:Client", code).as_bytes()).map(drop)
    };
    let expected = |code| BindingError::SoapFault(code);
    fails(
        with("Client.Authentication"),
        expected(FaultCode::Client),
        "binding.soap_fault",
    );
    fails(
        with(" x:Server "),
        expected(FaultCode::Server),
        "binding.soap_fault",
    );
    fails(
        with("x:Evil"),
        expected(FaultCode::Other),
        "binding.soap_fault",
    );
}

/// A110, A112: an envelope has the limits of any document.
#[test]
fn a110_size() {
    let sent = sent();
    let limits = |bytes| Limits {
        bytes,
        ..Limits::default()
    };
    let open = |bytes| soap::body::<LogoutRequest>(sent.as_bytes(), &limits(bytes));
    drop(open(sent.len()).unwrap());
    let error = open(sent.len() - 1).unwrap_err();
    assert_eq!(error.code(), "xml.limit_exceeded");
    let doctype = format!("<!DOCTYPE x>{sent}");
    assert_eq!(
        verify(&doctype).unwrap_err().code(),
        "xml.doctype_forbidden"
    );
}

/// Any changed octet is refused or changes nothing that is read.
#[test]
fn a_changed_octet_is_refused_or_changes_nothing() {
    let sent = sent();
    let mut same = 0;
    for at in 0..sent.len() {
        let mut octets = sent.clone().into_bytes();
        octets[at] ^= 1;
        let Ok(text) = String::from_utf8(octets) else {
            continue;
        };
        if let Ok(message) = verify(&text) {
            assert_eq!(message, request(), "{text}");
            same += 1;
        }
    }
    // The certificate, for the most part: nobody reads it.
    assert!(same < 1200, "{same}");
}
