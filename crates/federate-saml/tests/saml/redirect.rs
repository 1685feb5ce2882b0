//! A190 to A198 and A202 for HTTP-Redirect: the signature is over the octets that came, and
//! from those octets alone the message is read.

use crate::logout::request;
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::SignatureAlgorithm;
use federate_saml::binding::{RedirectMessage, redirect_url};
use federate_saml::{
    BindingError, LogoutRequest, LogoutResponse, MessageKind, SamlError, signed_xml, unsigned_xml,
};
use federate_types::{InvalidValue, RelayState};
use federate_xml::{
    Limits, ReadError, ReadProblem, SignatureError, SignaturePolicy, VerificationContext, XmlError,
};
use flate2::Compression;
use flate2::read::DeflateEncoder;
use std::io::Read as _;

const STATE: &str = "a b+c/d=é";

pub(crate) fn state() -> RelayState {
    RelayState::new(STATE).unwrap()
}

/// A signed query of ours.
fn query() -> String {
    let url = redirect_url(SLO, &request(), Some(&state()), Some(&signer())).unwrap();
    url.strip_prefix(&format!("{SLO}?")).unwrap().to_owned()
}

fn verify(query: &str) -> Result<(LogoutRequest, Option<String>), SamlError> {
    let message = RedirectMessage::parse(query, MessageKind::Request, &Limits::default())?;
    let verified = with_context(|c| message.verify::<LogoutRequest>(&trusted(), c))?;
    let relay_state = message.relay_state().map(|s| s.as_str().to_owned());
    Ok((verified.into_inner(), relay_state))
}

#[track_caller]
fn good(query: &str) {
    let (message, relay_state) = verify(query).unwrap_or_else(|e| panic!("{e:?}: {query}"));
    assert_eq!(message, request());
    assert_eq!(relay_state.as_deref(), Some(STATE));
}

#[track_caller]
fn binding(query: &str, error: BindingError, code: &str) {
    fails(verify(query), error, code);
}

#[track_caller]
fn wrong_key(query: &str) {
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(verify(query), wrong, "signature.wrong_key");
}

/// The raw value of a parameter.
fn raw<'q>(query: &'q str, name: &str) -> &'q str {
    let value = |pair: &'q str| pair.strip_prefix(name)?.strip_prefix('=');
    query.split('&').find_map(value).unwrap()
}

/// RFC 3986, every octet that may be escaped, in upper or lower case.
pub(crate) fn escape(text: &str, lower: bool) -> String {
    let one = |b: u8| match b {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b if lower => format!("%{b:02x}"),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

pub(crate) fn deflate(xml: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = DeflateEncoder::new(xml, Compression::default());
    encoder.read_to_end(&mut out).unwrap();
    out
}

/// A sender that escapes in its own way, and signs what it sends.
fn sender(escape: impl Fn(&str) -> String, relay_state: Option<&str>) -> String {
    let message = STANDARD.encode(deflate(&unsigned_xml(&request())));
    let mut query = format!("SAMLRequest={}", escape(&message));
    if let Some(state) = relay_state {
        query += &format!("&RelayState={}", escape(state));
    }
    query += &format!("&SigAlg={}", escape(SignatureAlgorithm::RsaSha256.uri()));
    let signature = STANDARD.encode(signer().sign_octets(query.as_bytes()).unwrap());
    format!("{query}&Signature={}", escape(&signature))
}

/// A parameter of the binding occurs once: equal or different, first or last.
#[test]
fn a190_duplicate_parameters() {
    let query = query();
    good(&query);
    for name in ["SAMLRequest", "RelayState", "SigAlg", "Signature"] {
        for value in [raw(&query, name), "x", ""] {
            let error = BindingError::Ambiguous(name);
            let code = "binding.ambiguous_parameter";
            binding(&format!("{query}&{name}={value}"), error.clone(), code);
            binding(&format!("{name}={value}&{query}"), error, code);
        }
    }
}

/// Never a request and a response at once; never the one in place of the other.
#[test]
fn a191_request_and_response_together() {
    let query = query();
    good(&query);
    let error = BindingError::Ambiguous("SAMLRequest");
    let code = "binding.ambiguous_parameter";
    binding(&format!("{query}&SAMLResponse=x"), error.clone(), code);
    binding(&format!("SAMLResponse=&{query}"), error, code);
    let renamed = swap(&query, "SAMLRequest=", "SAMLResponse=");
    let error = BindingError::Missing("SAMLRequest");
    binding(&renamed, error, "binding.missing_parameter");
    // Signed as a request, it does not verify as a response either.
    let limits = Limits::default();
    let message = RedirectMessage::parse(&renamed, MessageKind::Response, &limits).unwrap();
    let result = with_context(|c| message.verify::<LogoutResponse>(&trusted(), c));
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(result, wrong, "signature.wrong_key");
}

/// What is not covered by the signature is not read; what is read was covered.
#[test]
fn a192_outside_the_signature() {
    let query = query();
    good(&query);
    // Parameters that the binding does not define are nobody's business.
    good(&format!("{query}&extra=1&saml=SAMLRequest"));
    good(&format!("x=1&&{query}&"));
    let mut other = request();
    other.id = id("_other");
    let other = escape(&STANDARD.encode(deflate(&unsigned_xml(&other))), false);
    wrong_key(&swap(&query, raw(&query, "SAMLRequest"), &other));
    wrong_key(&swap(&query, raw(&query, "RelayState"), "other"));
    wrong_key(&swap(&query, "&RelayState=", "&Ignored="));
    // A relay state that swallows the rest of the signed string.
    wrong_key(&swap(&query, "&SigAlg=", "%26SigAlg%3Dx&SigAlg="));
    // The part of SigAlg moved into the relay state and a new one after it.
    let moved = query.replace("&SigAlg=", "%26SigAlg=");
    let error = BindingError::HalfSignature;
    binding(&moved, error, "binding.half_signature");
}

/// Each sender's own escapes are verified as they came; a query that somebody wrote anew,
/// with the same meaning, is not.
#[test]
fn a193_raw_octets() {
    let upper = |t: &str| escape(t, false);
    let lower = |t: &str| escape(t, true);
    let plus = |t: &str| escape(t, false).replace("%20", "+");
    let bare = |t: &str| {
        t.replace(' ', "+")
            .replace('+', "%2b")
            .replace("%2bb", "+b")
    };
    let queries = [
        query(),
        sender(upper, Some(STATE)),
        sender(lower, Some(STATE)),
        sender(plus, Some(STATE)),
        sender(|t| lower(t).replace("%20", "+"), Some(STATE)),
        sender(|t| bare(t).replace("b%2bc", "b%2Bc"), Some(STATE)),
    ];
    for query in &queries {
        good(query);
    }
    let again = |part: &str| {
        let (name, value) = part.split_once('=').unwrap();
        let spaced = value.replace('+', " ");
        let text = percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .unwrap();
        (name.to_owned(), text.into_owned())
    };
    for query in &queries {
        for rewrite in [&upper as &dyn Fn(&str) -> String, &lower, &plus] {
            let rewritten: Vec<_> = query
                .split('&')
                .map(again)
                .map(|(name, value)| format!("{name}={}", rewrite(&value)))
                .collect();
            let rewritten = rewritten.join("&");
            let signed = |q: &str| q.split("&Signature=").next().unwrap().to_owned();
            if signed(&rewritten) == signed(query) {
                good(&rewritten);
            } else {
                wrong_key(&rewritten);
            }
        }
    }
}

/// The signed string has its own order, whatever the order in the query; an empty relay state
/// is one, a missing one is none.
#[test]
fn a194_order_and_relay_state() {
    let query = query();
    let mut parts: Vec<_> = query.split('&').collect();
    for _ in 0..parts.len() {
        parts.rotate_left(1);
        good(&parts.join("&"));
    }
    parts.reverse();
    good(&parts.join("&"));

    let upper = |t: &str| escape(t, false);
    let (empty, missing) = (sender(upper, Some("")), sender(upper, None));
    assert_eq!(verify(&empty).unwrap(), (request(), Some(String::new())));
    assert_eq!(verify(&missing).unwrap(), (request(), None));
    wrong_key(&swap(&empty, "&RelayState=", ""));
    wrong_key(&swap(&missing, "&SigAlg=", "&RelayState=&SigAlg="));
    wrong_key(&format!("{missing}&RelayState=evil"));
}

/// Names are compared as they came; separators are `&` and `=` only.
#[test]
fn a195_names_and_separators() {
    let query = query();
    good(&query);
    let code = "binding.escaped_name";
    for (name, escaped) in [
        ("SAMLRequest=", "%53AMLRequest="),
        ("RelayState=", "Relay%53tate="),
        ("SigAlg=", "SigAl%67="),
        ("Signature=", "Signatur%65="),
    ] {
        binding(
            &swap(&query, name, escaped),
            BindingError::EscapedName,
            code,
        );
        let both = format!("{query}&{escaped}x");
        binding(&both, BindingError::EscapedName, code);
    }
    let missing = BindingError::Missing("SAMLRequest");
    for name in [
        "SAMLRequest[]=",
        "samlrequest=",
        "SAMLRequest%00=",
        "+SAMLRequest=",
        "SAMLRequest;=",
    ] {
        let code = "binding.missing_parameter";
        binding(&swap(&query, "SAMLRequest=", name), missing.clone(), code);
    }
    binding("", missing.clone(), "binding.missing_parameter");
    binding("#SAMLRequest=x", missing, "binding.missing_parameter");
    for separator in [";", "#", "%26"] {
        let joined = query.replacen("&RelayState=", &format!("{separator}RelayState="), 1);
        binding(&joined, BindingError::Base64, "binding.base64");
    }
}

/// The algorithm is part of what is signed, and only a good one is tried at all.
#[test]
fn a196_sig_alg() {
    let query = query();
    good(&query);
    let swapped = |uri: &str| swap(&query, raw(&query, "SigAlg"), &escape(uri, false));
    wrong_key(&swapped(SignatureAlgorithm::RsaSha512.uri()));
    wrong_key(&swapped(SignatureAlgorithm::RsaPssSha256.uri()));
    let unusable = SignatureError::NoUsableKey { tried: 1 };
    let code = "signature.no_usable_key";
    let ecdsa = swapped(SignatureAlgorithm::EcdsaSha256.uri());
    unsigned(verify(&ecdsa), unusable, code);
    let unknown = "an unknown algorithm";
    for (uri, told) in [
        ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", unknown),
        (
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
            unknown,
        ),
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-md5", unknown),
        ("http://www.w3.org/2000/09/xmldsig#dsa-sha1", unknown),
        ("none", unknown),
        ("", unknown),
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
        let pair = format!("&{name}={}", raw(&query, name));
        let half = swap(&query, &pair, "");
        binding(&half, BindingError::HalfSignature, "binding.half_signature");
    }
    let cut = query.split("&SigAlg=").next().unwrap();
    unsigned(verify(cut), SignatureError::Missing, "signature.missing");
    let empty = swap(&query, raw(&query, "Signature"), "");
    wrong_key(&empty);
    // SHA-1, once allowed, is the real thing and not a free pass.
    let sha1 = swapped(SignatureAlgorithm::RsaSha1.uri());
    let message = RedirectMessage::parse(&sha1, MessageKind::Request, &Limits::default()).unwrap();
    let provider = provider();
    let context = VerificationContext {
        provider: &provider,
        policy: &SignaturePolicy::default().dangerous_allow_sha1(now() + seconds(1)),
        now: now(),
    };
    let result = message.verify::<LogoutRequest>(&trusted(), &context);
    let wrong = SignatureError::WrongKey { tried: 1 };
    unsigned(result, wrong, "signature.wrong_key");
}

/// What came by redirect is deflated and has no signature inside.
#[test]
fn a197_binding_confusion() {
    let good_query = query();
    good(&good_query);
    let with = |octets: &[u8]| format!("SAMLRequest={}", escape(&STANDARD.encode(octets), false));
    let inside = signed_xml(&request(), &signer()).unwrap();
    let error = BindingError::EmbeddedSignature;
    let signed_inside = with(&deflate(&inside));
    let limits = Limits::default();
    let message = RedirectMessage::parse(&signed_inside, MessageKind::Request, &limits).unwrap();
    let result = message.unverified::<LogoutRequest>();
    fails(result, error.clone(), "binding.embedded_signature");
    // Even beside a good signature of the query.
    let to_sign = format!(
        "{signed_inside}&SigAlg={}",
        escape(SignatureAlgorithm::RsaSha256.uri(), false)
    );
    let signature = STANDARD.encode(signer().sign_octets(to_sign.as_bytes()).unwrap());
    let both = format!("{to_sign}&Signature={}", escape(&signature, false));
    binding(&both, error, "binding.embedded_signature");

    let plain = unsigned_xml(&request());
    let deflated = deflate(&plain);
    let deflate_error = || BindingError::Deflate;
    binding(&with(&plain), deflate_error(), "binding.deflate");
    binding(
        &with(&[deflated.as_slice(), b"x"].concat()),
        deflate_error(),
        "binding.deflate",
    );
    binding(
        &with(&deflated[..deflated.len() - 1]),
        deflate_error(),
        "binding.deflate",
    );
    let mut zlib = vec![0x78, 0x9c];
    zlib.extend_from_slice(&deflated);
    binding(&with(&zlib), deflate_error(), "binding.deflate");

    let encoding = |uri: &str| format!("{good_query}&SAMLEncoding={}", escape(uri, false));
    good(&encoding(
        "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE",
    ));
    let error = BindingError::UnknownEncoding;
    binding(&encoding("urn:x"), error, "binding.unknown_encoding");

    let response = with(&deflate(&unsigned_xml(&crate::logout::response())));
    let message = RedirectMessage::parse(&response, MessageKind::Request, &limits).unwrap();
    let root = XmlError::from(ReadError::new("LogoutRequest", ReadProblem::UnexpectedRoot));
    let result = message.unverified::<LogoutRequest>();
    fails(result, root, "schema.unexpected_root");
}

/// Only base64 with padding, in the standard alphabet; white space is let through.
#[test]
fn a198_base64() {
    let plain = STANDARD.encode(deflate(&unsigned_xml(&request())));
    let parse = |value: &str| {
        let query = format!("SAMLRequest={value}");
        RedirectMessage::parse(&query, MessageKind::Request, &Limits::default()).map(|_| ())
    };
    assert_eq!(parse(&escape(&plain, false)), Ok(()));
    let wrapped = format!(
        "{}%0D%0A{}",
        &escape(&plain[..8], false),
        &escape(&plain[8..], false)
    );
    assert_eq!(parse(&wrapped), Ok(()));
    let base64 = BindingError::Base64;
    for bad in [
        format!("{}%00", escape(&plain, false)),
        format!("{}====", escape(&plain, false)),
        escape(&format!("-{}", &plain[1..]), false),
        escape(&format!("{}_", &plain[..3]), false),
        escape(&plain[..plain.len() - 1], false),
        "%C3%A9".to_owned(),
    ] {
        fails(parse(&bad), base64.clone(), "binding.base64");
    }
    let twice = STANDARD.encode(&plain);
    fails(
        parse(&escape(&twice, false)),
        BindingError::Deflate,
        "binding.deflate",
    );
    for bad in ["%", "%4", "%zz", "abc%"] {
        let error = BindingError::Escaping("SAMLRequest");
        fails(parse(bad), error, "binding.escaping");
    }
}

/// A111, A110: a small message that inflates to a large one, and a large one as it is.
#[test]
fn a111_deflate_bomb() {
    let limits = Limits {
        bytes: 4096,
        ..Limits::default()
    };
    let parse = |octets: &[u8]| {
        let query = format!("SAMLRequest={}", escape(&STANDARD.encode(octets), false));
        RedirectMessage::parse(&query, MessageKind::Request, &limits).map(|_| ())
    };
    assert_eq!(parse(&deflate(&[b' '; 4096])), Ok(()));
    let error = BindingError::TooLarge { allowed: 4096 };
    let code = "binding.too_large";
    fails(parse(&deflate(&[b' '; 4097])), error.clone(), code);
    fails(parse(&deflate(&vec![b' '; 64 << 20])), error.clone(), code);
    fails(parse(&[0; 64 << 10]), error, code);
    // No limit is a limit too, as the fuzzer found.
    let limits = Limits {
        bytes: usize::MAX,
        ..Limits::default()
    };
    assert!(RedirectMessage::parse(&query(), MessageKind::Request, &limits).is_ok());
}

/// Relay state is not too long and without control characters, signed or not.
#[test]
fn a202_relay_state() {
    let upper = |t: &str| escape(t, false);
    let longest = "x".repeat(2048);
    assert_eq!(
        verify(&sender(upper, Some(&longest))).unwrap().1,
        Some(longest)
    );
    let long = "x".repeat(2049);
    for bad in [
        long.as_str(),
        "a\r\nSet-Cookie: b=c",
        "\0",
        "\u{7f}",
        "\u{85}",
    ] {
        let value = InvalidValue::new(
            "RelayState",
            "at most 2048 bytes without control characters",
        );
        let error = BindingError::from(value);
        binding(&sender(upper, Some(bad)), error, "value.invalid");
    }
    for bad in ["%FF", "%"] {
        let query = format!("{}&RelayState={bad}", sender(upper, None));
        let error = BindingError::Escaping("RelayState");
        binding(&query, error, "binding.escaping");
    }
}
