//! A190 to A202 for HTTP-POST: one message, in base64, and a form that nothing breaks.

use crate::redirect::{deflate, escape, state};
use crate::support::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_saml::binding::{PostForm, PostMessage};
use federate_saml::{BindingError, MessageKind, Response, SignedPart};
use federate_types::{InvalidValue, RelayState};
use federate_xml::{Limits, Unverified};

fn body(xml: &[u8]) -> String {
    format!("SAMLResponse={}", escape(&STANDARD.encode(xml), false))
}

fn parse(body: &str) -> Result<PostMessage, BindingError> {
    PostMessage::parse(body, MessageKind::Response, &Limits::default())
}

/// What the form sends, the other side reads: the message and the state.
#[test]
fn form_and_message_agree() {
    let xml = honest(SignedPart::Both).xml();
    let form = PostForm::new(ACS, MessageKind::Response, xml.as_bytes(), Some(state()));
    assert_eq!(form.parameter, "SAMLResponse");
    let sent = format!(
        "{}={}&RelayState={}",
        form.parameter,
        escape(&form.value, true),
        escape(state().as_str(), true)
    );
    let message = parse(&sent).unwrap();
    assert_eq!(message.xml(), xml.as_bytes());
    assert_eq!(message.relay_state(), Some(&state()));
    accepted(std::str::from_utf8(message.xml()).unwrap(), &expect());
}

/// One message, each parameter once, names as they are.
#[test]
fn a190_a191_a195_parameters() {
    let good = body(honest(SignedPart::Both).xml().as_bytes());
    parse(&format!("x=1&{good}&RelayState=a&y=2")).unwrap();
    let code = "binding.ambiguous_parameter";
    let twice = BindingError::Ambiguous("SAMLResponse");
    fails(parse(&format!("{good}&{good}")), twice.clone(), code);
    fails(parse(&format!("{good}&SAMLRequest=x")), twice, code);
    let states = format!("{good}&RelayState=a&RelayState=a");
    fails(parse(&states), BindingError::Ambiguous("RelayState"), code);
    let escaped = good.replace("SAMLResponse", "SAMLR%65sponse");
    fails(
        parse(&escaped),
        BindingError::EscapedName,
        "binding.escaped_name",
    );
    let missing = BindingError::Missing("SAMLResponse");
    for other in [
        String::new(),
        good.replace("SAMLResponse", "SAMLResponse[]"),
        good.replace("SAMLResponse", "SAMLRequest"),
    ] {
        fails(parse(&other), missing.clone(), "binding.missing_parameter");
    }
}

/// A deflated message is not one of this binding.
#[test]
fn a197_deflated_post() {
    let xml = honest(SignedPart::Both).xml();
    for xml in [
        xml.clone(),
        format!("\n \u{feff}{xml}"),
        format!("<?xml version=\"1.0\"?>{xml}"),
    ] {
        let result = parse(&body(&deflate(xml.as_bytes())));
        fails(result, BindingError::Deflated, "binding.deflated_post");
    }
    // What is neither is for the parser to refuse.
    for neither in [deflate(b"not XML"), b"not XML".to_vec(), Vec::new()] {
        let message = parse(&body(&neither)).unwrap();
        assert!(Unverified::<Response>::parse(message.xml(), &Limits::default()).is_err());
    }
    // The hint costs no more than a look at the beginning.
    let mut bomb = vec![b' '; 64 << 20];
    bomb.push(b'<');
    assert!(parse(&body(&deflate(&bomb))).is_ok());
}

/// Only base64 with padding, in the standard alphabet; white space is let through.
#[test]
fn a198_base64() {
    let xml = honest(SignedPart::Both).xml();
    let plain = STANDARD.encode(&xml);
    let wrapped: Vec<_> = plain
        .as_bytes()
        .chunks(76)
        .map(|c| std::str::from_utf8(c).unwrap())
        .collect();
    let good = format!("SAMLResponse={}", escape(&wrapped.join("\r\n"), false));
    assert_eq!(parse(&good).unwrap().xml(), xml.as_bytes());
    for bad in [
        format!("{plain}\0"),
        format!("{plain}===="),
        format!("_-{}", &plain[2..]),
        format!("{}=", &plain[..plain.len() - 2]),
        format!("{plain}é"),
    ] {
        let bad = format!("SAMLResponse={}", escape(&bad, false));
        fails(parse(&bad), BindingError::Base64, "binding.base64");
    }
    let twice = parse(&body(plain.as_bytes())).unwrap();
    let error = Unverified::<Response>::parse(twice.xml(), &Limits::default()).unwrap_err();
    assert_eq!(error.code(), "xml.not_well_formed");
}

/// A plus sign that nobody escaped is a space: base64 damaged so is refused, not repaired.
#[test]
fn a193_unescaped_plus() {
    let text = format!(
        "{}<!--{}-->",
        honest(SignedPart::Both).xml(),
        "\u{3eb}".repeat(9)
    );
    let plain = STANDARD.encode(text);
    assert!(plain.contains('+'));
    let result = parse(&format!("SAMLResponse={plain}"));
    fails(result, BindingError::Base64, "binding.base64");
}

/// Larger than allowed, escaped or decoded.
#[test]
fn a110_size() {
    let limits = Limits {
        bytes: 4096,
        ..Limits::default()
    };
    let parse = |size: usize| {
        let body = format!("SAMLResponse={}", STANDARD.encode(vec![b'a'; size]));
        PostMessage::parse(&body, MessageKind::Response, &limits).map(|_| ())
    };
    assert_eq!(parse(4096), Ok(()));
    for size in [4097, 8192, 64 << 10, 16 << 20] {
        let error = BindingError::TooLarge { allowed: 4096 };
        fails(parse(size), error, "binding.too_large");
    }
}

/// No value breaks out of its attribute, and the page has one script: ours.
#[test]
fn a200_values_cannot_break_out_of_the_form() {
    for hostile in [
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "\" onfocus=\"alert(1)\" autofocus=\"",
        "</form><form action=\"https://evil.example\">",
        "&quot;><b>",
        "javascript:alert(1)",
    ] {
        let state = RelayState::new(hostile).unwrap();
        let form = PostForm::new(
            hostile,
            MessageKind::Request,
            hostile.as_bytes(),
            Some(state),
        );
        let plain = PostForm::new(
            "x",
            MessageKind::Request,
            b"x",
            Some(RelayState::new("x").unwrap()),
        );
        let (html, plain) = (form.to_html("nonce"), plain.to_html("nonce"));
        for (markup, count) in [("<", '<'), (">", '>'), ("\"", '"'), ("'", '\'')] {
            let of = |page: &str| page.matches(count).count();
            assert_eq!(of(&html), of(&plain), "{markup} in {html}");
        }
    }
}

/// Relay state is not too long and without control characters.
#[test]
fn a202_relay_state() {
    let good = body(b"x");
    for bad in ["x".repeat(2049), "a%0D%0Ab".to_owned(), "%00".to_owned()] {
        let value = InvalidValue::new(
            "RelayState",
            "at most 2048 bytes without control characters",
        );
        let result = parse(&format!("{good}&RelayState={bad}"));
        fails(result, BindingError::from(value), "value.invalid");
    }
    let message = parse(&format!("{good}&RelayState=")).unwrap();
    assert_eq!(message.relay_state().map(RelayState::as_str), Some(""));
}
