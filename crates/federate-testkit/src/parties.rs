//! A hub and service providers in memory, with a clock that stands until it is moved.
//!
//! # Panics
//! Whatever cannot be set up is a failed test.

#![allow(clippy::expect_used, clippy::panic, clippy::missing_panics_doc)] // for tests only

use crate::keys;
use chrono::{DateTime, TimeDelta, Utc};
use federate::hub::{Directory, DirectoryUser, hash_password};
use federate::session::{MemoryStore, Profile};
use federate::types::{Binding, EntityId};
use federate::xml::Signer;
use federate::{
    Application, Clock, Connection, Decryption, Hub, IdentityProvider, Outgoing, Party,
    ServiceProvider,
};
use federate_crypto::{CryptoProvider, PrivateKey, SignatureAlgorithm};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

/// A clock that stands still until a test moves it.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// A clock at [`keys::fixed_now`].
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(
            keys::fixed_now().timestamp_millis(),
        )))
    }

    /// Moves the clock, backwards too.
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

/// Where the hub takes AuthnRequests.
pub const HUB_SSO: &str = "https://hub.example/saml/sso";
/// Where the hub takes logout messages.
pub const HUB_SLO: &str = "https://hub.example/saml/slo";
/// Where it takes them by SOAP, if it does.
pub const HUB_SOAP_SLO: &str = "https://hub.example/saml/slo/soap";
/// Where the hub resolves artifacts.
pub const HUB_ARTIFACTS: &str = "https://hub.example/saml/artifact";
/// Where the hub takes the requests of enhanced clients.
pub const HUB_ECP: &str = "https://hub.example/saml/ecp";
/// The name of the one user.
pub const USER: &str = "alice";
/// Her password.
pub const PASSWORD: &str = "correct horse";

/// A hub with two applications that know each other only by metadata.
pub struct Parties {
    /// The one clock of all.
    pub clock: TestClock,
    /// The hub.
    pub hub: Hub<MemoryStore>,
    /// Its users.
    pub directory: Directory,
    /// The applications, `https://a.example` and `https://b.example`; what the second is told
    /// is encrypted.
    pub applications: [ServiceProvider<MemoryStore>; 2],
}

/// A party with a key of its own and the given clock.
pub fn party(
    provider: CryptoProvider,
    entity_id: &str,
    key: &PrivateKey,
    clock: &TestClock,
) -> Party {
    let key = provider
        .keys
        .load_signing_key(key, SignatureAlgorithm::RsaSha256)
        .expect("the key is an RSA key");
    let now = keys::fixed_now();
    let certificate = federate_crypto::self_signed(
        &provider,
        &*key,
        "test",
        now - TimeDelta::days(1),
        now + TimeDelta::days(3650),
    )
    .expect("a certificate can be made");
    let signer = Signer::new(provider, key, certificate).expect("they belong together");
    let mut party = Party::new(EntityId::new(entity_id).expect("a name"), signer);
    party.clock = Arc::new(clock.clone());
    party
}

/// Four keys, made once per test program and provider: for the hub, the applications and the
/// identity provider upstream.
fn generated(provider: &CryptoProvider) -> &'static [PrivateKey; 4] {
    static KEYS: LazyLock<std::sync::Mutex<BTreeMap<&'static str, &'static [PrivateKey; 4]>>> =
        LazyLock::new(Default::default);
    let mut keys = KEYS.lock().expect("no test panics while it makes keys");
    keys.entry(provider.name).or_insert_with(|| {
        let make = || provider.keys.generate_rsa(2048).expect("randomness");
        Box::leak(Box::new([make(), make(), make(), make()]))
    })
}

impl Parties {
    /// A hub and two applications.
    #[must_use]
    pub fn new(provider: CryptoProvider) -> Self {
        Self::with_options(provider, |_| {}, |_| {})
    }

    /// As [`Parties::new`], where everybody also takes LogoutRequests by SOAP: the hub at
    /// [`HUB_SOAP_SLO`], the applications at `/saml/soap`.
    #[must_use]
    pub fn with_soap_logout(provider: CryptoProvider) -> Self {
        Self::with_hub_party(provider, |party, _| party)
    }

    /// As [`Parties::with_soap_logout`], with another party as the hub: its key is given, too.
    #[must_use]
    pub fn with_hub_party(
        provider: CryptoProvider,
        change: impl FnOnce(Party, &PrivateKey) -> Party,
    ) -> Self {
        Self::build(provider, |_| {}, |_| {}, true, change)
    }

    /// As [`Parties::new`], with other options of the hub for each application, and of each
    /// application for the hub.
    #[must_use]
    pub fn with_options(
        provider: CryptoProvider,
        application_options: impl Fn(&mut Application),
        connection_options: impl Fn(&mut Connection),
    ) -> Self {
        let usual = |party, _: &PrivateKey| party;
        Self::build(
            provider,
            application_options,
            connection_options,
            false,
            usual,
        )
    }

    fn build(
        provider: CryptoProvider,
        application_options: impl Fn(&mut Application),
        connection_options: impl Fn(&mut Connection),
        soap_logout: bool,
        hub_party: impl FnOnce(Party, &PrivateKey) -> Party,
    ) -> Self {
        let clock = TestClock::new();
        let [hub_key, a_key, b_key, _] = generated(&provider);
        let usual = party(provider, "https://hub.example", hub_key, &clock);
        let hub_party = hub_party(usual, hub_key);
        let idp = IdentityProvider::new(hub_party, HUB_SSO, HUB_SLO)
            .and_then(|idp| idp.with_artifact_resolution(HUB_ARTIFACTS))
            .and_then(|idp| idp.with_ecp(HUB_ECP))
            .and_then(|idp| match soap_logout {
                true => idp.with_soap_logout(HUB_SOAP_SLO),
                false => Ok(idp),
            })
            .expect("addresses");
        let hub_metadata = idp.metadata();
        let [a, b] = [("a", a_key), ("b", b_key)].map(|(name, key)| {
            let base = format!("https://{name}.example");
            let mut party = party(provider, &base, key, &clock);
            if name == "b" {
                let key = provider.key_transport.load_decryption_key(key);
                let certificate = party.signer.certificate().clone();
                let decryption = Decryption::new(key.expect("an RSA key"), certificate);
                party.decryption = Some(decryption.expect("they belong together"));
            }
            ServiceProvider::new(
                party,
                &format!("{base}/saml/acs"),
                Arc::new(MemoryStore::default()),
            )
            .and_then(|sp| {
                let mut connection = Connection::from_metadata(&hub_metadata)?;
                connection.allow_unsolicited = true;
                connection_options(&mut connection);
                sp.with_connection(connection)
            })
            .and_then(|sp| sp.with_single_logout(&format!("{base}/saml/slo")))
            .and_then(|sp| match soap_logout {
                true => sp.with_soap_logout(&format!("{base}/saml/soap")),
                false => Ok(sp),
            })
            .and_then(|sp| sp.with_response_binding(Binding::HttpPostSimpleSign))
            .and_then(|sp| sp.with_response_binding(Binding::HttpArtifact))
            .and_then(|sp| sp.with_response_binding(Binding::Paos))
            .expect("addresses and metadata")
        });
        let application = |name: &str, sp: &ServiceProvider<MemoryStore>| {
            let mut application =
                Application::from_metadata(name, &sp.metadata()).expect("metadata");
            application.encrypt_assertions = sp.party().decryption.is_some();
            application_options(&mut application);
            application
        };
        let idp = idp
            .with_application(application("Application A", &a))
            .with_application(application("Application B", &b));
        let store = Arc::new(MemoryStore::default());
        Self {
            hub: Hub::new(idp, &[7; 32], store).expect("a long secret"),
            directory: directory(provider),
            clock,
            applications: [a, b],
        }
    }
}

/// A directory of the one user.
fn directory(provider: CryptoProvider) -> Directory {
    let mut profile = Profile::default();
    for (name, values) in [
        ("email", vec!["alice@example.com"]),
        ("name", vec!["Alice <Liddell> & \"Co\""]),
        ("groups", vec!["staff", "r\u{e9}daction"]),
    ] {
        let values = values.into_iter().map(str::to_owned).collect();
        profile.attributes.insert(name.to_owned(), values);
    }
    let user = DirectoryUser {
        password_hash: hash_password(&provider, PASSWORD).expect("randomness"),
        profile,
    };
    let users = BTreeMap::from([(USER.to_owned(), user)]);
    Directory::new(&provider, users).expect("a PHC hash")
}

/// A hub as in [`Parties`] whose people sign in at an identity provider upstream.
pub struct ThreeLayers {
    /// The hub, the applications, and the clock of all.
    pub parties: Parties,
    /// The identity provider upstream, `https://upstream.example`, which knows the same person.
    pub upstream: Hub<MemoryStore>,
    /// Its users.
    pub upstream_directory: Directory,
}

impl ThreeLayers {
    /// All three layers, which know each other only by metadata.
    #[must_use]
    pub fn new(provider: CryptoProvider) -> Self {
        Self::with_options(provider, |_| {})
    }

    /// As [`ThreeLayers::new`], with other options of the hub for each application.
    #[must_use]
    pub fn with_options(
        provider: CryptoProvider,
        application_options: impl Fn(&mut Application),
    ) -> Self {
        let mut parties = Parties::with_options(provider, application_options, |_| {});
        let [hub_key, _, _, upstream_key] = generated(&provider);
        let clock = &parties.clock;
        let above = party(provider, "https://upstream.example", upstream_key, clock);
        let above = IdentityProvider::new(
            above,
            "https://upstream.example/saml/sso",
            "https://upstream.example/saml/slo",
        )
        .expect("addresses");
        let below = party(provider, "https://hub.example/upstream", hub_key, clock);
        let store = Arc::clone(parties.hub.store());
        let mut connection = Connection::from_metadata(&above.metadata()).expect("metadata");
        connection.email_domains = vec!["example.com".to_owned()];
        let below = ServiceProvider::new(below, "https://hub.example/upstream/acs", store)
            .and_then(|sp| sp.with_connection(connection))
            .and_then(|sp| sp.with_single_logout("https://hub.example/upstream/slo"))
            .expect("addresses and metadata");
        let application = Application::from_metadata("The hub", &below.metadata());
        let above = above.with_application(application.expect("metadata"));
        let upstream = Hub::new(above, &[8; 32], Arc::new(MemoryStore::default()));
        parties.hub = parties.hub.with_upstream(below).expect("one store");
        Self {
            parties,
            upstream: upstream.expect("a long secret"),
            upstream_directory: directory(provider),
        }
    }
}

/// The query of a redirect, as the server at its address would see it.
#[must_use]
pub fn query(outgoing: &Outgoing) -> String {
    match outgoing {
        Outgoing::Redirect(location) => query_of(location),
        other => panic!("{other:?}, not a redirect"),
    }
}

/// The query of an address.
#[must_use]
pub fn query_of(location: &str) -> String {
    location.split_once('?').map_or("", |(_, q)| q).to_owned()
}

/// The form of a message that travels by HTTP-POST.
#[must_use]
pub fn post_form(outgoing: &Outgoing) -> &federate::saml::binding::PostForm {
    match outgoing {
        Outgoing::Post(form) => form,
        other => panic!("{other:?}, not by HTTP-POST"),
    }
}

/// The body that a browser posts for a form.
#[must_use]
pub fn form_body(outgoing: &Outgoing) -> String {
    let escape = |text: &str| {
        let keep = |b: u8| b.is_ascii_alphanumeric();
        text.bytes()
            .map(|b| match keep(b) {
                true => char::from(b).to_string(),
                false => format!("%{b:02X}"),
            })
            .collect::<String>()
    };
    let (_, fields) = outgoing.form().expect("a form");
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}
