//! Whole conversations with other people's SAML software: they and we know each other by
//! metadata, and the test carries the messages, as a browser would.
//!
//! Each peer is driven by a script of ours in its language, under `interop/`. An absent peer is
//! named as skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "interop/browser.rs"]
mod browser;
#[path = "interop/mixed.rs"]
mod mixed;
#[path = "interop/nanoidp.rs"]
mod nanoidp;
#[path = "interop/node_saml.rs"]
mod node_saml;
#[path = "interop/peer.rs"]
mod peer;
#[path = "interop/pysaml2.rs"]
mod pysaml2;
#[path = "interop/saml_idp.rs"]
mod saml_idp;
#[path = "interop/samlify.rs"]
mod samlify;
#[path = "interop/server.rs"]
mod server;
#[path = "interop/simplesamlphp.rs"]
mod simplesamlphp;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use federate::crypto::{Certificate, PrivateKey, SignatureAlgorithm, aws_lc_provider, self_signed};
use federate::hub::{Directory, DirectoryUser, SignOn, hash_password};
use federate::saml::SignedPart;
use federate::saml::binding::PostForm;
use federate::session::{MemoryStore, Persistence, Profile};
use federate::types::{EntityId, NameIdFormat, RelayState};
use federate::xml::Signer;
use federate::{
    Application, Decryption, Hub, IdentityProvider, Incoming, Outgoing, Party, ServiceProvider,
    StartedLogin, Token,
};
use federate_testkit::parties::{HUB_SLO, HUB_SSO, PASSWORD, USER, form_body, query_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Where a login sends the browser.
fn location(started: &StartedLogin) -> &str {
    match &started.outgoing {
        Outgoing::Redirect(location) => location,
        other => panic!("{other:?}"),
    }
}

const HUB: &str = "https://hub.example";
const SP: &str = "https://sp.example";
const EMAIL: &str = "alice@example.com";
/// State that must come back as it is.
const STATE: &str = "/in box?a=b&c=d+e";

/// The attributes of the one user.
const ATTRIBUTES: [(&str, &[&str]); 3] = [
    ("email", &[EMAIL]),
    ("displayName", &["Alice <Liddell> & \"Co\""]),
    ("groups", &["staff", "r\u{e9}daction", "\u{1f511}"]),
];

/// The kinds of name that an application may ask for.
const FORMATS: [NameIdFormat; 3] = [
    NameIdFormat::EmailAddress,
    NameIdFormat::Persistent,
    NameIdFormat::Transient,
];

/// What can be signed, each in the clear and encrypted.
const WAYS: [(SignedPart, bool); 6] = [
    (SignedPart::Assertion, false),
    (SignedPart::Response, false),
    (SignedPart::Both, false),
    (SignedPart::Assertion, true),
    (SignedPart::Response, true),
    (SignedPart::Both, true),
];

/// Our key and certificate, made once. The peers have the testkit's.
static OURS: LazyLock<(PrivateKey, Certificate)> = LazyLock::new(|| {
    let provider = aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let signing = provider
        .keys
        .load_signing_key(&key, SignatureAlgorithm::RsaSha256);
    let (from, to) = (
        Utc::now() - TimeDelta::days(1),
        Utc::now() + TimeDelta::days(1),
    );
    let certificate = self_signed(&provider, &*signing.unwrap(), "ours", from, to).unwrap();
    (key, certificate)
});

/// One of our parties: it signs, decrypts, and looks at the real clock, as the peers do.
fn party(entity_id: &str) -> Party {
    let provider = aws_lc_provider();
    let (key, certificate) = &*OURS;
    let signing = provider
        .keys
        .load_signing_key(key, SignatureAlgorithm::RsaSha256);
    let signer = Signer::new(provider, signing.unwrap(), certificate.clone()).unwrap();
    let mut party = Party::new(EntityId::new(entity_id).unwrap(), signer);
    let decryption = provider.key_transport.load_decryption_key(key).unwrap();
    party.decryption = Some(Decryption::new(decryption, certificate.clone()).unwrap());
    party
}

/// The identity provider of our hub, without applications.
fn identity_provider() -> IdentityProvider {
    IdentityProvider::new(party(HUB), HUB_SSO, HUB_SLO).unwrap()
}

/// The metadata of our hub, as a text.
fn hub_metadata() -> String {
    String::from_utf8(identity_provider().metadata()).unwrap()
}

/// Our service provider, without an identity provider.
fn service_provider() -> ServiceProvider<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    ServiceProvider::new(party(SP), &format!("{SP}/saml/acs"), store)
        .and_then(|sp| sp.with_single_logout(&format!("{SP}/saml/slo")))
        .unwrap()
}

/// A peer's metadata as an application of our hub.
fn application(metadata: &Value) -> Application {
    Application::from_metadata("Peer", metadata.as_str().unwrap().as_bytes()).unwrap()
}

/// People with these names and e-mail addresses, who all have the one password.
fn directory(people: &[(&str, &str)]) -> Directory {
    let provider = aws_lc_provider();
    static HASH: LazyLock<String> =
        LazyLock::new(|| hash_password(&aws_lc_provider(), PASSWORD).unwrap());
    let person = |(name, email): &(&str, &str)| {
        let mut profile = Profile::default();
        for (name, values) in ATTRIBUTES {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            profile.attributes.insert(name.to_owned(), values);
        }
        let email = vec![(*email).to_owned()];
        profile.attributes.insert("email".to_owned(), email);
        let password_hash = HASH.clone();
        let user = DirectoryUser {
            password_hash,
            profile,
        };
        ((*name).to_owned(), user)
    };
    Directory::new(&provider, people.iter().map(person).collect()).unwrap()
}

/// Our hub with one application, and a session of the one user.
async fn hub(application: Application) -> (Hub<MemoryStore>, Token) {
    let directory = directory(&[(USER, EMAIL)]);
    let idp = identity_provider().with_application(application);
    let hub = Hub::new(idp, &[7; 32], Arc::new(MemoryStore::default())).unwrap();
    let user = directory.authenticate(USER, PASSWORD).unwrap();
    let session = hub
        .sign_in(&user, Persistence::Persistent, None)
        .await
        .unwrap()
        .token;
    (hub, session)
}

/// What the hub answers to a peer's AuthnRequest, by a session.
async fn sign_on(hub: &Hub<MemoryStore>, request: &Value, session: &Token) -> Value {
    let request = Carried::of(request);
    let handle = hub.receive_sign_on(request.incoming()).await.unwrap();
    match hub.continue_sign_on(&handle, Some(session)).await.unwrap() {
        SignOn::Respond(outgoing) => carry(&outgoing),
        SignOn::SignIn { application, .. } => panic!("{application} wants a sign-in"),
    }
}

/// A message of ours for a peer.
fn carry(outgoing: &Outgoing) -> Value {
    match outgoing {
        Outgoing::Redirect(location) => json!({ "location": location }),
        other => {
            let (action, fields) = other.form().unwrap();
            let fields: BTreeMap<&str, &str> = fields.into_iter().collect();
            json!({ "action": action, "fields": fields })
        }
    }
}

/// A message of a peer for us.
enum Carried {
    Redirect(String),
    Post(String),
}

impl Carried {
    fn of(message: &Value) -> Self {
        if let Some(location) = message["location"].as_str() {
            return Self::Redirect(query_of(location));
        }
        let fields = message["fields"].as_object().unwrap();
        let mut parameters = ["SAMLRequest", "SAMLResponse"].into_iter();
        let parameter = parameters.find(|name| fields.contains_key(*name)).unwrap();
        let state = fields
            .get("RelayState")
            .map(|state| state.as_str().unwrap());
        Self::Post(form_body(&Outgoing::Post(PostForm {
            action: message["action"].as_str().unwrap().to_owned(),
            parameter,
            value: fields[parameter].as_str().unwrap().to_owned(),
            relay_state: state.map(|state| RelayState::received(state).unwrap()),
        })))
    }

    fn incoming(&self) -> Incoming<'_> {
        match self {
            Self::Redirect(query) => Incoming::Redirect(query),
            Self::Post(body) => Incoming::Post(body),
        }
    }

    /// The body of a form.
    fn body(&self) -> &str {
        match self {
            Self::Redirect(_) => panic!("a redirect, not a form"),
            Self::Post(body) => body,
        }
    }
}

/// The message with something changed that is signed or encrypted: in a redirect the signature,
/// in a form the name of the person, or else the last ciphertext.
fn tampered(message: &Value) -> Value {
    let mut changed = message.clone();
    if let Some(location) = message["location"].as_str() {
        let signature = location.find("&Signature=").unwrap() + "&Signature=".len();
        let octets = location.as_bytes();
        // Not within an escape: those are three octets for one.
        let plain = |at: &usize| {
            octets[*at].is_ascii_alphanumeric() && !octets[at - 2..*at].contains(&b'%')
        };
        let at = (signature..octets.len()).find(plain).unwrap();
        changed["location"] = json!(with_other_character(location, at));
        return changed;
    }
    for (_, value) in changed["fields"].as_object_mut().unwrap() {
        let Ok(xml) = STANDARD.decode(value.as_str().unwrap()) else {
            continue;
        };
        let Ok(xml) = String::from_utf8(xml) else {
            continue;
        };
        let end_of = |name: &str| xml.rfind(name).and_then(|end| xml[..end].rfind('<'));
        let xml = match (end_of("CipherValue>"), end_of("NameID>")) {
            (Some(end), _) => {
                let base64 = |c: char| c.is_ascii_alphanumeric();
                with_other_character(&xml, xml[..end - 20].rfind(base64).unwrap())
            }
            (None, Some(end)) => format!("{}x{}", &xml[..end], &xml[end..]),
            (None, None) => xml
                .replace("InResponseTo=\"", "InResponseTo=\"_")
                .replace("AllowCreate=\"true\"", "AllowCreate=\"false\""),
        };
        *value = json!(STANDARD.encode(xml));
    }
    assert!(*message != changed);
    changed
}

fn with_other_character(text: &str, at: usize) -> String {
    let other = if &text[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}
