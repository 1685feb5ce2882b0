//! SimpleSAMLphp, as a service provider of our hub and as the identity provider of our service
//! provider.

use crate::browser::{Arrival, Browser};
use crate::peer::{script, skipped, succeeds};
use crate::server::Server;
use crate::*;
use federate::hub::LogoutPhase;
use federate::metadata::{EntityDescriptor, parse_entity};
use federate::saml::RequiredSignature;
use federate::types::Binding;
use federate::{CompletedLogin, Connection, FederateError, LoginOptions, LogoutReceived};
use federate_testkit::keys;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

const PASSWORD_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// Where its program lies.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::var_os("FEDERATE_SIMPLESAMLPHP");
    folder.unwrap_or("/usr/share/simplesamlphp".into()).into()
});

/// Why it cannot be had, if it cannot.
static ABSENT: LazyLock<Option<&str>> = LazyLock::new(|| {
    let extensions = "exit(extension_loaded('dom') && extension_loaded('mbstring') ? 0 : 1);";
    if !succeeds(Command::new("php").args(["-r", extensions])) {
        Some("PHP with its extensions dom and mbstring is not installed")
    } else if !PROGRAM.join("www/module.php").exists() {
        Some("SimpleSAMLphp is not installed in the folder of FEDERATE_SIMPLESAMLPHP")
    } else {
        None
    }
});

/// A running SimpleSAMLphp, which reads what it shall do with every request.
pub(crate) struct SimpleSamlPhp {
    server: Server,
    options: Value,
}

impl SimpleSamlPhp {
    /// Starts it; none where it is not installed.
    fn start(our_metadata: &str) -> Option<Self> {
        Self::start_at("simplesamlphp.test", our_metadata)
    }

    /// The same at another host.
    pub(crate) fn start_at(host: &str, our_metadata: &str) -> Option<Self> {
        if let Some(why) = *ABSENT {
            skipped(why);
            return None;
        }
        let user: BTreeMap<_, _> = ATTRIBUTES.into_iter().collect();
        let server = Server::start(host, |port, _, folder| {
            std::fs::write(folder.join("key.pem"), keys::RSA_KEY).unwrap();
            std::fs::write(folder.join("certificate.pem"), keys::RSA_CERTIFICATE).unwrap();
            let mut php = Command::new("php");
            php.args(["-S", &format!("127.0.0.1:{port}"), "-t"])
                .arg(PROGRAM.join("www"))
                .arg(script("simplesamlphp/pages.php"))
                .env("SIMPLESAMLPHP_CONFIG_DIR", script("simplesamlphp"))
                .env("PEER", folder.join("peer.json"));
            php
        });
        let options = json!({
            "base": server.at(""), "folder": server.folder(), "peer": our_metadata, "user": user,
            "format": NameIdFormat::EmailAddress.uri(),
            "store": "phpsession", "sp": {"idp": HUB}, "idp": {}, "for_sp": {},
        });
        let mut peer = Self { server, options };
        peer.set(|_| ());
        Some(peer)
    }

    /// Changes its options.
    pub(crate) fn set(&mut self, change: impl FnOnce(&mut Value)) {
        change(&mut self.options);
        let file = self.server.folder().join("peer.json");
        std::fs::write(file, self.options.to_string()).unwrap();
    }

    /// The address of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        self.server.at(path)
    }

    pub(crate) fn metadata(&self, path: &str) -> Value {
        json!(Browser::default().open(&self.at(path)).page().text)
    }
}

/// Our metadata with endpoints of one binding only.
fn only(binding: Binding, metadata: &[u8]) -> String {
    let mut entity: EntityDescriptor =
        parse_entity(metadata, &federate::xml::Limits::default()).unwrap();
    if let Some(sp) = &mut entity.sp {
        sp.single_logout.retain(|e| e.is_for(binding));
    }
    if let Some(idp) = &mut entity.idp {
        idp.single_sign_on.retain(|e| e.is_for(binding));
        idp.single_logout.retain(|e| e.is_for(binding));
    }
    String::from_utf8(entity.to_xml()).unwrap()
}

/// It refuses what does not verify: a form then is to it as one without signature.
#[track_caller]
fn refuses_signature(arrival: Arrival, binding: Binding) {
    let because = match binding {
        Binding::HttpRedirect => "Unable to validate signature on query string",
        _ => "Validation of received messages enabled, but no signature found on message",
    };
    refuses(arrival, because);
}

/// It refuses, and says why on its page.
#[track_caller]
fn refuses(arrival: Arrival, because: &str) {
    let text = arrival.page().text;
    let said = text
        .split("Backtrace:")
        .find_map(|part| part.split_once("Caused by: "));
    let said = said.map_or(&*text, |(_, cause)| cause.trim());
    assert!(said.contains(because), "{said}");
}

const BINDINGS: [Binding; 2] = [Binding::HttpRedirect, Binding::HttpPost];

/// SimpleSAMLphp as a service provider, and our hub that knows it.
async fn service_provider_peer(
    binding: Binding,
    change: impl FnOnce(&mut Application),
) -> Option<(SimpleSamlPhp, Hub<MemoryStore>, Token)> {
    let metadata = only(binding, hub_metadata().as_bytes());
    let peer = SimpleSamlPhp::start(&metadata)?;
    let mut application = application(&peer.metadata("/module.php/saml/sp/metadata.php/sp"));
    let sp = Arc::make_mut(&mut application.metadata)
        .sp
        .as_mut()
        .unwrap();
    sp.single_logout.retain(|e| e.is_for(binding));
    change(&mut application);
    let (hub, session) = hub(application).await;
    Some((peer, hub, session))
}

/// Signs on to the protected page of the peer by our hub; gives what the page says.
async fn signed_on(
    peer: &SimpleSamlPhp,
    browser: &mut Browser,
    hub: &Hub<MemoryStore>,
    session: &Token,
) -> Value {
    let request = browser.open(&peer.at("/page")).message();
    let response = sign_on(hub, &request, session).await;
    let page = browser.carry(&response).page();
    assert_eq!(page.address, peer.at("/page"));
    page.json()
}

/// Whatever is signed or encrypted, it reads what we said; and refuses what was changed.
#[tokio::test]
async fn as_a_service_provider_it_accepts_our_responses() {
    for binding in BINDINGS {
        for (part, encrypted) in WAYS {
            let Some((mut peer, hub, session)) = service_provider_peer(binding, |application| {
                application.issue.signed_part = part;
                application.encrypt_assertions = encrypted;
            })
            .await
            else {
                return;
            };
            peer.set(|options| options["sp"]["assertion.encryption"] = json!(encrypted));
            let mut browser = Browser::default();
            let read = signed_on(&peer, &mut browser, &hub, &session).await;
            assert_eq!(read["issuer"], HUB, "{part:?} {encrypted}");
            assert_eq!(read["name_id"], EMAIL);
            assert_eq!(read["format"], NameIdFormat::EmailAddress.uri());
            assert_eq!(read["authn_context"], PASSWORD_CLASS);
            assert!(read["session_index"].is_string());
            let attributes: BTreeMap<_, _> = ATTRIBUTES.into_iter().collect();
            assert_eq!(
                read["attributes"],
                json!(attributes),
                "{part:?} {encrypted}"
            );

            let mut browser = Browser::default();
            let request = browser.open(&peer.at("/page")).message();
            let response = sign_on(&hub, &request, &session).await;
            let because = match (part, encrypted) {
                (_, true) => "Failed to decrypt XML element",
                // A response that does not verify is to it as one without signature.
                (SignedPart::Response, false) => {
                    "Neither the assertion nor the response was signed"
                }
                (_, false) => "Reference validation failed",
            };
            refuses(browser.carry(&tampered(&response)), because);
            browser.open(&peer.at("/page")).message();
        }
    }
}

/// The hub ends what SimpleSAMLphp asks to end, and SimpleSAMLphp takes the answer.
#[tokio::test]
async fn as_a_service_provider_it_logs_out() {
    for binding in BINDINGS {
        let Some((peer, hub, session)) = service_provider_peer(binding, |_| ()).await else {
            return;
        };
        let mut browser = Browser::default();
        signed_on(&peer, &mut browser, &hub, &session).await;
        let request = browser.open(&peer.at("/out")).message();
        assert_eq!(
            request["location"].is_string(),
            binding == Binding::HttpRedirect
        );

        let changed = Carried::of(&tampered(&request));
        let error = hub.receive_logout(changed.incoming()).await.unwrap_err();
        assert!(error.code().starts_with("signature."), "{}", error.code());
        assert!(hub.session(&session).await.unwrap().is_some());

        let handle = hub
            .receive_logout(Carried::of(&request).incoming())
            .await
            .unwrap();
        assert!(hub.session(&session).await.unwrap().is_none());
        let answer = carry(&hub.finish_logout(&handle).await.unwrap().unwrap());
        refuses_signature(browser.carry(&tampered(&answer)), binding);
        let done = browser.carry(&answer).page().json();
        assert_eq!(
            done["status"]["Code"],
            "urn:oasis:names:tc:SAML:2.0:status:Success"
        );
        assert_eq!(done["status"]["SubCode"], Value::Null);
        browser.open(&peer.at("/page")).message();
    }
}

/// SimpleSAMLphp ends its session when the hub says so, and its answer completes the logout.
#[tokio::test]
async fn as_a_service_provider_it_is_logged_out() {
    for binding in BINDINGS {
        let Some((peer, hub, session)) = service_provider_peer(binding, |_| ()).await else {
            return;
        };
        let mut browser = Browser::default();
        signed_on(&peer, &mut browser, &hub, &session).await;
        let handle = hub.log_out(&session).await.unwrap();
        let request = carry(&hub.next_logout(&handle).await.unwrap().unwrap());
        assert_eq!(
            request["location"].is_string(),
            binding == Binding::HttpRedirect
        );

        refuses_signature(browser.carry(&tampered(&request)), binding);
        assert_eq!(
            browser.open(&peer.at("/page")).page().json()["name_id"],
            EMAIL
        );

        let answer = browser.carry(&request).message();
        hub.receive_logout(Carried::of(&answer).incoming())
            .await
            .unwrap();
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Done { complete: true });
        browser.open(&peer.at("/page")).message();
    }
}

/// Our service provider and SimpleSAMLphp as its identity provider.
fn pair(binding: Binding) -> Option<(ServiceProvider<MemoryStore>, SimpleSamlPhp)> {
    let sp = service_provider();
    let peer = SimpleSamlPhp::start(&only(binding, &sp.metadata()))?;
    let mut connection = connection(&peer);
    let idp = Arc::make_mut(&mut connection.metadata)
        .idp
        .as_mut()
        .unwrap();
    idp.single_sign_on.retain(|e| e.is_for(binding));
    idp.single_logout.retain(|e| e.is_for(binding));
    Some((sp.with_connection(connection).unwrap(), peer))
}

fn connection(peer: &SimpleSamlPhp) -> Connection {
    let metadata = peer.metadata("/saml2/idp/metadata.php");
    Connection::from_metadata(metadata.as_str().unwrap().as_bytes()).unwrap()
}

/// Signs in to our service provider at SimpleSAMLphp, where a session may do without a password,
/// with the response as a function changes it.
async fn sign_in(
    sp: &ServiceProvider<MemoryStore>,
    browser: &mut Browser,
    change: impl Fn(&Value) -> Value,
) -> Result<(CompletedLogin, bool), FederateError> {
    let started = sp.start_login(LoginOptions::default()).await?;
    let (response, asked) = match browser.carry(&carry(&started.outgoing)) {
        Arrival::Ours(response) => (response, false),
        Arrival::Page(page) => {
            let form = page.filled(&[("username", USER), ("password", PASSWORD)]);
            (browser.carry(&form).message(), true)
        }
    };
    let body = Carried::of(&change(&response));
    let handle = sp.receive_login(body.body()).await?;
    let done = sp
        .complete_login(&handle, Some(&started.browser), None)
        .await?;
    Ok((done, asked))
}

/// Whatever SimpleSAMLphp signs or encrypts, we read what it said; what was changed we refuse.
#[tokio::test]
async fn as_an_identity_provider_it_is_believed() {
    for binding in BINDINGS {
        let Some((mut sp, mut peer)) = pair(binding) else {
            return;
        };
        for (part, encrypted) in WAYS {
            peer.set(|options| {
                options["for_sp"] = json!({
                    "saml20.sign.assertion": part != SignedPart::Response,
                    "saml20.sign.response": part != SignedPart::Assertion,
                    "assertion.encryption": encrypted,
                });
            });
            let mut connection = connection(&peer);
            connection.require_encryption = encrypted;
            connection.required_signature = match part {
                SignedPart::Assertion => RequiredSignature::Assertion,
                SignedPart::Response => RequiredSignature::Response,
                SignedPart::Both => RequiredSignature::Both,
            };
            let idp = Arc::make_mut(&mut connection.metadata)
                .idp
                .as_mut()
                .unwrap();
            idp.single_sign_on.retain(|e| e.is_for(binding));
            sp = sp.with_connection(connection).unwrap();
            let done = sign_in(&sp, &mut Browser::default(), Value::clone).await;
            // It knows CBC only, which we take under a signature alone.
            if let (SignedPart::Assertion, true) = (part, encrypted) {
                assert_eq!(done.unwrap_err().code(), "encryption.algorithm_refused");
                continue;
            }
            let (done, asked) = done.unwrap_or_else(|e| panic!("{part:?} {encrypted}: {e}"));
            assert!(asked);
            let login = done.login;
            assert_eq!(login.identity_provider.as_str(), peer.at("/idp"));
            assert_eq!(login.name_id.value(), EMAIL);
            assert_eq!(login.name_id.format, Some(NameIdFormat::EmailAddress));
            assert!(login.session_index.is_some() && login.session_not_on_or_after.is_some());
            for (name, values) in ATTRIBUTES {
                let told = login.attributes.attributes.get(name);
                assert_eq!(told.unwrap(), values, "{name} {part:?}");
            }
            let error = sign_in(&sp, &mut Browser::default(), tampered).await;
            assert_eq!(error.unwrap_err().code(), "signature.digest_mismatch");
        }
    }
}

/// SimpleSAMLphp refuses a request of ours that was changed.
#[tokio::test]
async fn as_an_identity_provider_it_wants_signed_requests() {
    for binding in BINDINGS {
        let Some((sp, _peer)) = pair(binding) else {
            return;
        };
        let started = sp.start_login(LoginOptions::default()).await.unwrap();
        let request = tampered(&carry(&started.outgoing));
        refuses_signature(Browser::default().carry(&request), binding);
    }
}

/// SimpleSAMLphp ends its session when our service provider says so, and we take its answer.
#[tokio::test]
async fn as_an_identity_provider_it_is_asked_to_log_out() {
    for binding in BINDINGS {
        let Some((sp, _peer)) = pair(binding) else {
            return;
        };
        let mut browser = Browser::default();
        sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        let (done, asked) = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        assert!(!asked);
        let request = carry(&sp.start_logout(&done.token).await.unwrap().unwrap());
        assert_eq!(
            request["location"].is_string(),
            binding == Binding::HttpRedirect
        );
        refuses_signature(browser.carry(&tampered(&request)), binding);
        let (_, asked) = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        assert!(!asked);

        let answer = browser.carry(&request).message();
        let answer = Carried::of(&answer);
        let LogoutReceived::Finished { status } =
            sp.receive_logout(answer.incoming()).await.unwrap()
        else {
            panic!("a response");
        };
        assert!(status.is_success() && status.subcode.is_none());
        let (_, asked) = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        assert!(asked);
    }
}

/// We end what SimpleSAMLphp asks to end, and it takes our answer.
#[tokio::test]
async fn as_an_identity_provider_it_asks_to_log_out() {
    for binding in BINDINGS {
        let Some((sp, peer)) = pair(binding) else {
            return;
        };
        let mut browser = Browser::default();
        let (done, _) = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        let after = peer.at("/logout.php");
        let out = peer.at(&format!(
            "/saml2/idp/SingleLogoutService.php?ReturnTo={after}"
        ));
        let request = browser.open(&out).message();
        assert_eq!(
            request["location"].is_string(),
            binding == Binding::HttpRedirect
        );

        let changed = Carried::of(&tampered(&request));
        let error = sp.receive_logout(changed.incoming()).await.unwrap_err();
        assert!(error.code().starts_with("signature."), "{}", error.code());
        assert!(sp.session(&done.token).await.unwrap().is_some());

        let carried = Carried::of(&request);
        let LogoutReceived::Answer(answer) = sp.receive_logout(carried.incoming()).await.unwrap()
        else {
            panic!("a request");
        };
        assert!(sp.session(&done.token).await.unwrap().is_none());
        let answer = carry(&answer);
        refuses_signature(browser.carry(&tampered(&answer)), binding);
        assert_eq!(browser.carry(&answer).page().address, after);
        let (_, asked) = sign_in(&sp, &mut browser, Value::clone).await.unwrap();
        assert!(asked);
    }
}
