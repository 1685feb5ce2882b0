//! Queries, forms, relay states, artifacts and envelopes, whatever arrives in them: no panic,
//! nothing beyond the limits, what was sent comes out as it was sent, what is written is
//! canonical, and no message is verified but those that the seeds' signer signed.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate_crypto::{Certificate, CryptoProvider, VerifyingKey, aws_lc_provider};
use federate_saml::binding::soap::Envelope;
use federate_saml::binding::{
    ArtifactMessage, PostForm, PostMessage, RedirectMessage, SimpleSignMessage, artifact_url,
    redirect_url, soap,
};
use federate_saml::ecp::{
    ECP_RELAY_STATE, ECP_REQUEST, ECP_REQUEST_AUTHENTICATED, ECP_RESPONSE, PaosResponse,
    ResponseHeaders, accepts_paos, response_envelope,
};
use federate_saml::{
    ArtifactResolve, ArtifactResponse, AuthnRequest, BindingError, Extension, LogoutRequest,
    LogoutResponse, Message, MessageHints, MessageKind, unsigned_xml, verify_response,
};
use federate_types::RelayState;
use federate_xml::{
    Canonicalization, Document, Limits, SignaturePolicy, TrustedKeys, Unverified,
    VerificationContext, canonicalize,
};
use libfuzzer_sys::fuzz_target;
use std::io::Read as _;
use std::sync::OnceLock;

/// A query that really is signed: mutations of it are near acceptance.
const SIGNED: &str = include_str!("../seeds/bindings/signed");

const CERTIFICATE: &str = include_str!("../seeds/certificate.pem");

/// An algorithm and a signature, but not of a form.
const SIG_ALG: &str = "SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256\
    &Signature=AAAA";

const KINDS: [MessageKind; 2] = [MessageKind::Request, MessageKind::Response];

struct Fixed {
    provider: CryptoProvider,
    keys: TrustedKeys,
    policy: SignaturePolicy,
}

impl Fixed {
    fn context(&self) -> VerificationContext<'_> {
        VerificationContext {
            provider: &self.provider,
            policy: &self.policy,
            now: chrono::DateTime::UNIX_EPOCH,
        }
    }
}

fn fixed() -> &'static (Fixed, LogoutRequest) {
    static FIXED: OnceLock<(Fixed, LogoutRequest)> = OnceLock::new();
    FIXED.get_or_init(|| {
        let provider = aws_lc_provider();
        let certificate = Certificate::from_pem(CERTIFICATE).expect("our certificate");
        let key = VerifyingKey::new(&provider, certificate.public_key().clone());
        let fixed = Fixed {
            keys: TrustedKeys::from(key.expect("our key")),
            policy: SignaturePolicy::default(),
            provider,
        };
        let limits = Limits::default();
        let seed = RedirectMessage::parse(SIGNED, MessageKind::Request, &limits).expect("a query");
        let signed = seed.verify::<LogoutRequest>(&fixed.keys, &fixed.context());
        let signed = signed.expect("the seed verifies").into_inner();
        (fixed, signed)
    })
}

/// Base64, escaped for a query or form.
fn escaped(octets: &[u8]) -> String {
    let text = STANDARD.encode(octets);
    text.replace('+', "%2B")
        .replace('/', "%2f")
        .replace('=', "%3D")
}

fn deflated(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::DeflateEncoder::new(octets, flate2::Compression::fast())
        .read_to_end(&mut out)
        .expect("reads from memory");
    out
}

fn state(state: Option<&RelayState>) {
    if let Some(state) = state {
        let text = state.as_str();
        let short = text.len() <= RelayState::MAX_RECEIVED_BYTES;
        assert!(short && !text.contains(char::is_control));
    }
}

/// What we write is what a verifier hashes, extensions of others included.
fn canonical(xml: &[u8]) {
    let limits = Limits {
        bytes: usize::MAX,
        depth: usize::MAX,
        nodes: usize::MAX,
        namespaces: usize::MAX,
        attributes_per_element: usize::MAX,
        value_bytes: usize::MAX,
        ..Limits::default()
    };
    let document = Document::parse(xml, &limits).expect("our own message");
    let method = Canonicalization {
        inclusive_prefixes: vec!["xs".to_owned()],
        ..Canonicalization::default()
    };
    let mut octets = Vec::new();
    canonicalize(document.root(), None, &method, &mut octets);
    assert_eq!(octets, xml);
}

/// What was read is sent again and read again the same.
fn resend<T: Message>(message: &Unverified<'_, T>, relay_state: Option<&RelayState>) {
    let _ = (message.issuer_hint(), message.in_response_to_hint());
    let Ok(read) = message.read_unsigned() else {
        return;
    };
    canonical(&unsigned_xml(&read));
    let url = redirect_url("https://sp.example/?a", &read, relay_state, None);
    let url = url.expect("nothing signs");
    let (_, query) = url.split_once("?a&").expect("the query follows");
    let limits = Limits {
        bytes: usize::MAX,
        value_bytes: usize::MAX,
        ..Limits::default()
    };
    let again = RedirectMessage::parse(query, T::KIND, &limits).expect("our own query");
    assert_eq!(again.relay_state(), relay_state);
    let again = again.unverified::<T>().expect("our own message");
    let again = again.read_unsigned().expect("our own message");
    // Instants are written to the second.
    assert_eq!(unsigned_xml(&again), unsigned_xml(&read));
}

fn query(text: &str, limits: &Limits) {
    let (fixed, signed) = fixed();
    for kind in KINDS {
        let Ok(message) = RedirectMessage::parse(text, kind, limits) else {
            continue;
        };
        state(message.relay_state());
        if let Ok(unverified) = message.unverified::<AuthnRequest>() {
            resend(&unverified, message.relay_state());
        }
        if let Ok(unverified) = message.unverified::<LogoutResponse>() {
            resend(&unverified, message.relay_state());
        }
        let verified = message.verify::<LogoutRequest>(&fixed.keys, &fixed.context());
        match verified {
            Ok(verified) => {
                assert!(message.is_signed());
                assert_eq!(&*verified, signed, "accepted what nobody signed");
            }
            Err(error) => assert!(message.is_signed() || error.code() == "signature.missing"),
        }
    }
}

fn form(text: &str, limits: &Limits) {
    for kind in KINDS {
        let Ok(message) = PostMessage::parse(text, kind, limits) else {
            continue;
        };
        state(message.relay_state());
        assert!(message.xml().len() <= limits.bytes);
        let relay_state = message.relay_state().cloned();
        let page = PostForm::new(text, kind, message.xml(), relay_state).to_html(text);
        assert_eq!(page.matches('<').count(), page.matches('>').count());
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(
            page.matches("<input").count(),
            1 + usize::from(message.relay_state().is_some())
        );
    }
}

fn simple_sign(text: &str, limits: &Limits) {
    let (fixed, _) = fixed();
    for kind in KINDS {
        let Ok(message) = SimpleSignMessage::parse(text, kind, limits) else {
            continue;
        };
        state(message.relay_state());
        let _ = message.unverified::<LogoutRequest>();
        let verified = message.verify::<LogoutRequest>(&fixed.keys, &fixed.context());
        // The seed's signature is one over a query, which is no form.
        assert!(verified.is_err(), "accepted what nobody signed");
    }
}

fn artifact(text: &str) {
    let Ok(message) = ArtifactMessage::parse(text) else {
        return;
    };
    state(message.relay_state());
    let url = artifact_url(
        "https://sp.example/?a",
        message.artifact(),
        message.relay_state(),
    );
    let (_, query) = url.split_once("?a&").expect("the query follows");
    assert_eq!(
        ArtifactMessage::parse(query).expect("our own query"),
        message
    );
}

/// An envelope, and the message that is found in it.
fn envelope(octets: &[u8], limits: &Limits) {
    let (fixed, _) = fixed();
    if let Ok(message) = soap::body::<LogoutRequest>(octets, limits) {
        resend(&message, None);
        assert!(message.verify(&fixed.keys, &fixed.context()).is_err());
    }
    if let Ok(message) = soap::body::<ArtifactResolve>(octets, limits) {
        resend(&message, None);
    }
    if let Ok(message) = soap::body::<AuthnRequest>(octets, limits) {
        resend(&message, None);
    }
    if let Ok(message) = soap::body::<ArtifactResponse>(octets, limits)
        && let Ok(read) = message.read_unsigned()
        && let Some(inner) = read.message
    {
        // It stands on its own, unless it is near the limits.
        let _ = Unverified::<LogoutRequest>::parse(&inner, limits).map(|m| resend(&m, None));
    }
}

/// What an enhanced client brings, and the header blocks that it takes off.
fn paos(octets: &[u8], limits: &Limits) {
    let (fixed, _) = fixed();
    if let Ok(message) = PaosResponse::parse(octets, limits) {
        state(message.relay_state());
        let _ = message.answers(message.ref_to_message_id_hint());
        let context = fixed.context();
        let verified = verify_response(message.response(), &fixed.keys, &context, None);
        assert!(verified.is_err(), "accepted what nobody signed");
    }
    let known = [ECP_REQUEST, ECP_RESPONSE, ECP_RELAY_STATE];
    if let Ok(envelope) = Envelope::parse(octets, limits, &known) {
        for name in known {
            if let Some(block) = envelope.block_hint(name) {
                assert!(block.is(name));
                let _ = block.text();
            }
        }
        let _ = envelope.body::<AuthnRequest>().map(|m| resend(&m, None));
    }
    // Taken into an envelope, a message stays the message.
    let headers = ResponseHeaders {
        assertion_consumer_service: "https://sp.example/?a&b",
        request_authenticated: true,
    };
    let known = [ECP_RESPONSE, ECP_REQUEST_AUTHENTICATED];
    let sent = response_envelope(&headers, octets);
    if Unverified::<LogoutRequest>::parse(octets, limits).is_ok()
        && let Ok(envelope) = Envelope::parse(&sent, limits, &known)
    {
        assert!(envelope.block_hint(ECP_RESPONSE).is_some());
        assert!(envelope.body::<LogoutRequest>().is_ok());
    }
}

/// A client's headers, and an extension, whatever they are.
fn others(octets: &[u8], text: &str) {
    let _ = accepts_paos(text, text);
    let _ = accepts_paos("application/vnd.paos+xml", text);
    let Ok(extension) = Extension::parse(octets) else {
        return;
    };
    canonical(extension.xml());
    assert_eq!(Extension::parse(extension.xml()).as_ref(), Ok(&extension));
    let (_, signed) = fixed();
    let mut request = signed.clone();
    request.extensions.push(extension);
    let xml = unsigned_xml(&request);
    let limits = Limits {
        depth: 128,
        ..Limits::default()
    };
    // Refused if it has the message's ID too, or is too large with it.
    if let Ok(message) = Unverified::<LogoutRequest>::parse(&xml, &limits) {
        canonical(&xml);
        let read = message.read_unsigned().expect("our own message");
        assert_eq!(read.extensions, request.extensions);
    }
}

/// The octets as a message: they arrive as they were sent.
fn sent(octets: &[u8], limits: &Limits) {
    let plain = escaped(octets);
    let packed = escaped(&deflated(octets));
    for kind in KINDS {
        let name = kind.parameter();
        let text = format!("{name}={plain}&RelayState=a+b");
        match PostMessage::parse(&text, kind, limits) {
            Ok(message) => {
                assert_eq!(message.xml(), octets);
                assert_eq!(message.relay_state().map(RelayState::as_str), Some("a b"));
            }
            Err(error) => assert_eq!(error, BindingError::Deflated),
        }
        let text = format!("a=b&{name}={packed}&");
        assert!(RedirectMessage::parse(&text, kind, limits).is_ok());
        query(&text, limits);
        simple_sign(&format!("{name}={plain}&RelayState=a&{SIG_ALG}"), limits);
    }
    artifact(&format!("SAMLart={plain}"));
    envelope(octets, limits);
    envelope(&soap::envelope(octets), limits);
    paos(octets, limits);
    paos(&soap::envelope(octets), limits);
}

fuzz_target!(|octets: &[u8]| {
    let limits = Limits::default();
    sent(octets, &limits);
    let text = String::from_utf8_lossy(octets);
    query(&text, &limits);
    form(&text, &limits);
    simple_sign(&text, &limits);
    artifact(&text);
    others(octets, &text);
    state(RelayState::received(text.clone()).ok().as_ref());
    let own = RelayState::new(text.clone()).ok();
    assert!(own.is_none_or(|own| own.as_str().len() <= RelayState::MAX_BYTES));
    // As the value of each parameter, beside a good message.
    for name in ["RelayState", "SigAlg", "Signature", "SAMLEncoding"] {
        let text = format!("{SIGNED}&{name}={text}");
        query(&text, &limits);
        form(&text, &limits);
    }
    let (message, _) = SIGNED.split_once('&').unwrap_or((SIGNED, ""));
    query(&format!("{message}&RelayState={text}"), &limits);
});
