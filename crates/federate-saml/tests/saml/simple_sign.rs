//! A190 to A198 and A202 for HTTP-POST-SimpleSign: the signature is over the values in a row,
//! and there is one way to take them apart.

use crate::encryption::{encryptor, with_decryption};
use crate::logout::request;
use crate::redirect::{deflate, escape, state};
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::SignatureAlgorithm;
use federate_saml::binding::{RedirectMessage, SimpleSignForm, SimpleSignMessage, redirect_url};
use federate_saml::{
    BindingError, Coverage, IssuePolicy, LogoutRequest, LogoutResponse, MessageKind, Response,
    Rule, SamlError, SignedPart, VerifiedResponse, issue_response, signed_xml, unsigned_xml,
    validate_response, verify_response, verify_simple_sign_response,
};
use federate_types::{InvalidValue, RelayState, StatusCode};
use federate_xml::{Limits, SignatureError, Unverified};

const ALGORITHM: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// The body that the browser sends for a form.
fn body(fields: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", escape(value, false));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn form(kind: MessageKind, xml: &[u8], state: Option<RelayState>) -> SimpleSignForm {
    SimpleSignForm::new(SLO, kind, xml, state, &signer()).unwrap()
}

/// A signed form of ours, with relay state.
fn sent() -> String {
    let xml = unsigned_xml(&request());
    body(&form(MessageKind::Request, &xml, Some(state())).fields())
}

/// A form with any values, signed or not by the string that is given.
fn made(xml: &[u8], state: Option<&str>, algorithm: &str, signed: &[u8]) -> String {
    let (xml, signature) = (STANDARD.encode(xml), signer().sign_octets(signed).unwrap());
    let signature = STANDARD.encode(signature);
    let mut fields = vec![("SAMLRequest", xml.as_str())];
    fields.extend(state.map(|s| ("RelayState", s)));
    fields.extend([("SigAlg", algorithm), ("Signature", &signature)]);
    body(&fields)
}

fn parse(body: &str) -> Result<SimpleSignMessage, BindingError> {
    SimpleSignMessage::parse(body, MessageKind::Request, &Limits::default())
}

fn verify(body: &str) -> Result<(LogoutRequest, Option<String>), SamlError> {
    let message = parse(body)?;
    let verified = with_context(|c| message.verify::<LogoutRequest>(&trusted(), c))?;
    let relay_state = message.relay_state().map(|s| s.as_str().to_owned());
    Ok((verified.into_inner(), relay_state))
}

#[track_caller]
fn good(body: &str) {
    let (message, relay_state) = verify(body).unwrap_or_else(|e| panic!("{e:?}: {body}"));
    assert_eq!(message, request());
    assert_eq!(relay_state.as_deref(), Some(state().as_str()));
}

#[track_caller]
fn wrong_key(body: &str) {
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(verify(body), wrong, "signature.wrong_key");
}

#[track_caller]
fn boundary(body: &str) {
    fails(verify(body), BindingError::Boundary, "binding.boundary");
}

/// The raw value of a parameter.
fn raw<'q>(body: &'q str, name: &str) -> &'q str {
    let value = |pair: &'q str| pair.strip_prefix(name)?.strip_prefix('=');
    body.split('&').find_map(value).unwrap()
}

/// What the form sends, the other side reads; a hint at the key counts for nothing.
#[test]
fn form_and_message_agree() {
    let body = sent();
    good(&body);
    good(&format!("{body}&KeyInfo=PGRzOktleUluZm8vPg%3D%3D&x=1"));
    let message = parse(&body).unwrap();
    assert!(message.is_signed());
    let unverified = message.unverified::<LogoutRequest>().unwrap();
    assert_eq!(unverified.read_unsigned().unwrap(), request());
    let form = form(MessageKind::Request, b"<a/>", Some(state()));
    let page = form.to_html("nonce");
    for (name, value) in form.fields() {
        assert!(
            page.contains(&format!("name=\"{name}\" value=\"{value}\"")),
            "{page}"
        );
    }
    assert_eq!(form.sig_alg, ALGORITHM);
}

/// One message, each parameter once, names as they are.
#[test]
fn a190_a191_a195_parameters() {
    let body = sent();
    good(&body);
    let code = "binding.ambiguous_parameter";
    for name in ["SAMLRequest", "RelayState", "SigAlg", "Signature"] {
        let twice = format!("{body}&{name}={}", raw(&body, name));
        fails(verify(&twice), BindingError::Ambiguous(name), code);
        let escaped = format!("{body}&%{:02x}{}=x", name.as_bytes()[0], &name[1..]);
        let error = BindingError::EscapedName;
        fails(verify(&escaped), error, "binding.escaped_name");
    }
    for other in ["SAMLResponse", "SAMLart"] {
        let both = format!("{body}&{other}=x");
        fails(verify(&both), BindingError::Ambiguous("SAMLRequest"), code);
    }
    let renamed = swap(&body, "SAMLRequest=", "SAMLResponse=");
    let missing = BindingError::Missing("SAMLRequest");
    fails(verify(&renamed), missing, "binding.missing_parameter");
    // Signed as a request, it does not verify as a response either.
    let limits = Limits::default();
    let message = SimpleSignMessage::parse(&renamed, MessageKind::Response, &limits).unwrap();
    let result = with_context(|c| message.verify::<LogoutResponse>(&trusted(), c));
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(result, wrong, "signature.wrong_key");
}

/// What is not covered by the signature is not read, and every value is covered.
#[test]
fn a192_outside_the_signature() {
    let body = sent();
    good(&body);
    let mut other = request();
    other.id = id("_other");
    let other = escape(&STANDARD.encode(unsigned_xml(&other)), false);
    wrong_key(&swap(&body, raw(&body, "SAMLRequest"), &other));
    wrong_key(&swap(&body, raw(&body, "RelayState"), "other"));
    wrong_key(&swap(&body, "&RelayState=", "&Ignored="));
    let xml = unsigned_xml(&request());
    let plain = super::simple_sign::body(&form(MessageKind::Request, &xml, None).fields());
    assert_eq!(verify(&plain).unwrap(), (request(), None));
    wrong_key(&format!("{plain}&RelayState="));
    wrong_key(&format!("{plain}&RelayState=evil"));
    let signer = attacker();
    let foreign = SimpleSignForm::new(SLO, MessageKind::Request, &xml, None, &signer).unwrap();
    wrong_key(&super::simple_sign::body(&foreign.fields()));
}

/// The signed string is the same, the values end elsewhere: whoever had a part of it signed by
/// the victim cannot make another value of it. Each of these would verify by its octets.
#[test]
fn a192_boundaries_are_not_shifted() {
    let xml = String::from_utf8(unsigned_xml(&request())).unwrap();
    let signed = |state: &str| format!("SAMLRequest={xml}{state}&SigAlg={ALGORITHM}");
    let honest = signed("&RelayState=a");
    let form =
        |xml: &str, state, algorithm| made(xml.as_bytes(), state, algorithm, honest.as_bytes());
    assert_eq!(
        verify(&form(&xml, Some("a"), ALGORITHM)).unwrap(),
        (request(), Some("a".to_owned()))
    );
    // The relay state moves into the message, and disappears.
    boundary(&form(&format!("{xml}&RelayState=a"), None, ALGORITHM));

    // The end of the message moves into the relay state.
    let (start, end) = ("<!-- ", "&RelayState=evil -->");
    let commented = format!("{xml}{start}{end}");
    let octets = format!("SAMLRequest={commented}&SigAlg={ALGORITHM}");
    let cut = format!("{xml}{start}");
    let shifted = made(
        cut.as_bytes(),
        Some("evil -->"),
        ALGORITHM,
        octets.as_bytes(),
    );
    let error = verify(&shifted).unwrap_err();
    assert_eq!(error.code(), "xml.not_well_formed"); // as no `&` stands between two elements
    // And the message as its signer meant it: refused, rather than read in two ways.
    let meant = made(commented.as_bytes(), None, ALGORITHM, octets.as_bytes());
    boundary(&meant);
    let octets = format!("SAMLRequest={commented}&RelayState=a&SigAlg={ALGORITHM}");
    boundary(&made(
        commented.as_bytes(),
        Some("a"),
        ALGORITHM,
        octets.as_bytes(),
    ));

    // A relay state with the separators inside is what its signer says it is, and no other.
    for inside in ["a&SigAlg=b", "a&RelayState=b", "&SigAlg=&RelayState="] {
        let octets = signed(&format!("&RelayState={inside}"));
        let of = |state, algorithm| made(xml.as_bytes(), state, algorithm, octets.as_bytes());
        let (message, relay_state) = verify(&of(Some(inside), ALGORITHM)).unwrap();
        assert_eq!((message, relay_state.as_deref()), (request(), Some(inside)));
        if let Some((state, rest)) = inside.split_once("&SigAlg=") {
            let algorithm = format!("{rest}&SigAlg={ALGORITHM}");
            let refused = SignatureError::AlgorithmRefused {
                role: "the signature algorithm",
                uri: "an unknown algorithm",
            };
            let result = verify(&of(Some(state), &algorithm));
            unsigned(result, refused, "signature.algorithm_refused");
        }
    }
    // The algorithm moves into the relay state, a new one behind it.
    let moved = format!("a&SigAlg={ALGORITHM}");
    wrong_key(&form(&xml, Some(&moved), ALGORITHM));
}

/// The values are signed before they are encoded, so how they are encoded does not matter; what
/// the XML itself says in other words does.
#[test]
fn a193_encodings_of_the_values() {
    let body = sent();
    let lower: Vec<_> = body
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            let text = percent_encoding::percent_decode_str(value);
            let text = text.decode_utf8().unwrap().into_owned();
            format!("{name}={}", escape(&text, true).replace("%20", "+"))
        })
        .collect();
    good(&lower.join("&"));
    let wrapped = raw(&body, "SAMLRequest");
    let wrapped = format!("{}%0D%0A{}", &wrapped[..8], &wrapped[8..]);
    good(&swap(&body, raw(&body, "SAMLRequest"), &wrapped));
    let xml = String::from_utf8(unsigned_xml(&request())).unwrap();
    let other_words = escape(&STANDARD.encode(swap(&xml, "\"2.0\"", "'2.0'")), false);
    wrong_key(&swap(&body, raw(&body, "SAMLRequest"), &other_words));
}

/// The signed string has its own order, whatever the order in the form; an empty relay state is
/// one, a missing one is none.
#[test]
fn a194_order_and_relay_state() {
    let sent = sent();
    let mut parts: Vec<_> = sent.split('&').collect();
    for _ in 0..parts.len() {
        parts.rotate_left(1);
        good(&parts.join("&"));
    }
    let xml = unsigned_xml(&request());
    let empty = form(
        MessageKind::Request,
        &xml,
        Some(RelayState::new("").unwrap()),
    );
    let empty = body(&empty.fields());
    assert_eq!(verify(&empty).unwrap(), (request(), Some(String::new())));
    wrong_key(&swap(&empty, "&RelayState=", ""));
}

/// The algorithm is part of what is signed, and only a good one is tried at all.
#[test]
fn a196_sig_alg() {
    let body = sent();
    good(&body);
    let swapped = |uri: &str| swap(&body, raw(&body, "SigAlg"), &escape(uri, false));
    wrong_key(&swapped(SignatureAlgorithm::RsaSha512.uri()));
    let unusable = SignatureError::NoUsableKey { tried: 1 };
    let ecdsa = swapped(SignatureAlgorithm::EcdsaSha256.uri());
    unsigned(verify(&ecdsa), unusable, "signature.no_usable_key");
    for (uri, told) in [
        (
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "an unknown algorithm",
        ),
        ("", "an unknown algorithm"),
        (
            SignatureAlgorithm::RsaSha1.uri(),
            SignatureAlgorithm::RsaSha1.uri(),
        ),
    ] {
        let error = SignatureError::AlgorithmRefused {
            role: "the signature algorithm",
            uri: told,
        };
        unsigned(verify(&swapped(uri)), error, "signature.algorithm_refused");
    }
    for name in ["SigAlg", "Signature"] {
        let half = swap(&body, &format!("&{name}={}", raw(&body, name)), "");
        fails(
            verify(&half),
            BindingError::HalfSignature,
            "binding.half_signature",
        );
    }
    let cut = body.split("&SigAlg=").next().unwrap();
    assert!(!parse(cut).unwrap().is_signed());
    unsigned(verify(cut), SignatureError::Missing, "signature.missing");
    wrong_key(&swap(&body, raw(&body, "Signature"), ""));
}

/// A signature by one binding is none by another, and a message is signed once.
#[test]
fn a197_binding_confusion() {
    let (sent, limits) = (sent(), Limits::default());
    good(&sent);
    // By Redirect: the message is not deflated.
    let message = RedirectMessage::parse(&sent, MessageKind::Request, &limits);
    fails(message.map(drop), BindingError::Deflate, "binding.deflate");
    let url = redirect_url(SLO, &request(), Some(&state()), Some(&signer())).unwrap();
    wrong_key(url.split_once('?').unwrap().1);
    // The signed query as the message of a form: no XML.
    let query = url
        .split_once('?')
        .unwrap()
        .1
        .split("&Signature=")
        .next()
        .unwrap();
    let message = raw(query, "SAMLRequest");
    let (relay, algorithm) = (raw(query, "RelayState"), raw(query, "SigAlg"));
    let result = verify(&made(
        message.as_bytes(),
        Some(relay),
        algorithm,
        query.as_bytes(),
    ));
    let refused = SignatureError::AlgorithmRefused {
        role: "the signature algorithm",
        uri: "an unknown algorithm",
    };
    unsigned(result, refused, "signature.algorithm_refused"); // for it is escaped

    let inside = signed_xml(&request(), &signer()).unwrap();
    let both = body(&form(MessageKind::Request, &inside, None).fields());
    let error = BindingError::EmbeddedSignature;
    let code = "binding.embedded_signature";
    fails(verify(&both), error.clone(), code);
    let message = parse(&both).unwrap();
    fails(message.unverified::<LogoutRequest>(), error, code);
    let deflated = deflate(&unsigned_xml(&request()));
    let deflated = body(&form(MessageKind::Request, &deflated, None).fields());
    let code = verify(&deflated).unwrap_err().code();
    assert_eq!(code, "xml.invalid_utf8");
    let other = unsigned_xml(&crate::logout::response());
    let other = body(&form(MessageKind::Request, &other, None).fields());
    assert_eq!(verify(&other).unwrap_err().code(), "schema.unexpected_root");
}

/// Only base64 with padding, in the standard alphabet; and not more than allowed.
#[test]
fn a198_a110_base64_and_size() {
    let sent = sent();
    let value = raw(&sent, "SAMLRequest");
    let signature = raw(&sent, "Signature");
    for bad in [
        format!("{value}%00"),
        format!("{value}="),
        format!("-{}", &value[1..]),
    ] {
        let result = parse(&swap(&sent, value, &bad));
        fails(result, BindingError::Base64, "binding.base64");
    }
    let bad = swap(&sent, signature, &format!("{signature}%00"));
    fails(parse(&bad), BindingError::Base64, "binding.base64");
    let limits = Limits {
        bytes: 4096,
        ..Limits::default()
    };
    for size in [4096, 4097, 16 << 10] {
        let form = body(&form(MessageKind::Request, &vec![b'a'; size], None).fields());
        let result = SimpleSignMessage::parse(&form, MessageKind::Request, &limits);
        match size {
            4096 => drop(result.unwrap()),
            _ => fails(
                result,
                BindingError::TooLarge { allowed: 4096 },
                "binding.too_large",
            ),
        }
    }
}

/// Relay state is not too long and without control characters, signed or not.
#[test]
fn a202_relay_state() {
    let xml = unsigned_xml(&request());
    for bad in ["x".repeat(2049), "a\r\nb".to_owned(), "\0".to_owned()] {
        let value = InvalidValue::new(
            "RelayState",
            "at most 2048 bytes without control characters",
        );
        let result = parse(&made(&xml, Some(&bad), ALGORITHM, b"x"));
        fails(result, BindingError::from(value), "value.invalid");
    }
}

/// Any changed octet of the message is refused by the signature.
#[test]
fn a_changed_octet_is_refused() {
    let (xml, sent) = (unsigned_xml(&request()), sent());
    for at in 0..xml.len() {
        let mut xml = xml.clone();
        xml[at] ^= 1;
        let value = escape(&STANDARD.encode(xml), false);
        wrong_key(&swap(&sent, raw(&sent, "SAMLRequest"), &value));
    }
}

fn sign_response(xml: &str) -> String {
    let form = form(MessageKind::Response, xml.as_bytes(), Some(state()));
    body(&form.fields())
}

fn response(body: &str) -> Result<VerifiedResponse, SamlError> {
    let message = SimpleSignMessage::parse(body, MessageKind::Response, &Limits::default())?;
    with_decryption(|d| {
        with_context(|c| verify_simple_sign_response(&message, &trusted(), c, Some(d)))
    })
}

#[track_caller]
fn signs_in(xml: &str, coverage: Coverage) {
    let verified = response(&sign_response(xml)).unwrap_or_else(|e| panic!("{e:?}: {xml}"));
    assert_eq!(verified.coverage(), coverage);
    let login = validate_response(verified, &expect().as_expectation()).unwrap();
    assert_eq!(login, signed_in(&honest(SignedPart::Both).xml(), &expect()));
}

/// The form's signature covers the whole response; an assertion's own must hold as well.
#[test]
fn a192_responses() {
    let message = honest(SignedPart::Assertion);
    signs_in(&message.xml(), Coverage::Both);
    let unsigned_xml = around(&message.response, &[&assertion_text(&message.assertion)]);
    signs_in(&unsigned_xml, Coverage::Response);
    let (idp, sp, asked) = (entity(IDP), entity(SP), id("_request"));
    let policy = IssuePolicy {
        encryption: Some(encryptor()),
        ..IssuePolicy::default()
    };
    let login = login(&idp, &sp, Some(&asked));
    let ids = (id("_response"), id("_assertion"));
    let encrypted = issue_response(&login, ids.0, ids.1, &policy, &signer(), now()).unwrap();
    signs_in(std::str::from_utf8(&encrypted).unwrap(), Coverage::Both);

    // The signature taken away: what is left is judged by what is in it.
    let body = sign_response(&unsigned_xml);
    let bare = body.split("&SigAlg=").next().unwrap();
    unsigned(response(bare), SignatureError::Missing, "signature.missing");
    let bare = SimpleSignMessage::parse(bare, MessageKind::Response, &Limits::default()).unwrap();
    let bare = bare.unverified::<Response>().unwrap();
    let result = with_context(|c| verify_response(&bare, &trusted(), c, None));
    unsigned(result, SignatureError::Missing, "signature.missing");

    // An assertion whose own signature is wrong, in a response that is signed well.
    let forged = sign_text(
        &attacker(),
        &assertion_text(&message.assertion),
        &id("_assertion"),
    );
    let result = response(&sign_response(&around(&message.response, &[&forged])));
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(result, wrong, "signature.wrong_key");
    let two = assertion_text(&message.assertion);
    let second = two.replace("_assertion", "_second");
    let result = response(&sign_response(&around(&message.response, &[&two, &second])));
    refused(result, Rule::AssertionCount, "response.assertion_count");
    // A signature of the message itself beside that of the form.
    let error = BindingError::EmbeddedSignature;
    let result = response(&sign_response(&honest(SignedPart::Response).xml()));
    fails(result, error, "binding.embedded_signature");
    // The envelope is covered: its rules are those for a signed message.
    let mut failed = message.clone();
    failed.response.status.code = StatusCode::Responder;
    let code = response(&sign_response(&failed.xml())).unwrap_err();
    assert_eq!(code.code(), "response.status");
    let mut nowhere = message;
    nowhere.response.destination = None;
    let verified = response(&sign_response(&nowhere.xml())).unwrap();
    let result = validate_response(verified, &expect().as_expectation());
    refused(result, Rule::Destination, "message.destination_mismatch");
    let plain = Unverified::<Response>::parse(unsigned_xml.as_bytes(), &Limits::default());
    assert!(with_context(|c| verify_response(&plain.unwrap(), &trusted(), c, None)).is_err());
}
