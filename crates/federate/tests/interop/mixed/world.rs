//! A hub and its applications, each a server on this machine, and what they say of a browser.

use super::told::rows;
use crate::browser::{Browser, Page, post};
use crate::node_saml::{self, node};
use crate::peer::{script, skipped, succeeds};
use crate::pysaml2::{self, python};
use crate::server::Server;
use crate::simplesamlphp::SimpleSamlPhp;
use crate::*;
use federate::hub::{LogoutPage, LogoutPhase};
use federate::logout::{LogoutPolicy, UpstreamPolicy};
use federate::metadata::Endpoint;
use federate::saml::binding::soap;
use federate::types::Binding;
use federate::{BackChannel, BackChannelError, Connection};
use federate_axum::hub::{SLO, SSO, UPSTREAM_ACS, UPSTREAM_SLO};
use federate_axum::{HubState, Site, hub_router};
use federate_testkit::keys;
use std::net::TcpListener;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::interval;

pub(crate) const SIMPLESAMLPHP: &str = "SimpleSAMLphp";
pub(crate) const PYSAML2: &str = "pysaml2";
pub(crate) const PYTHON3_SAML: &str = "python3-saml";
pub(crate) const NODE_SAML: &str = "node-saml";

pub(crate) const KINDS: [&str; 4] = [SIMPLESAMLPHP, PYSAML2, PYTHON3_SAML, NODE_SAML];

/// An application on the web. Its pages: `/page` for people who are signed in, `/who` says who
/// is, `/out` signs out, and `/leave` signs out there alone.
pub(crate) enum Peer {
    Php(SimpleSamlPhp),
    Server(Server),
}

impl Peer {
    pub(crate) fn at(&self, path: &str) -> String {
        match self {
            Self::Php(php) => php.at(path),
            Self::Server(server) => server.at(path),
        }
    }

    fn metadata(&self) -> Value {
        let path = match self {
            Self::Php(_) => "/module.php/saml/sp/metadata.php/sp",
            Self::Server(_) => "/metadata",
        };
        json!(Browser::default().open(&self.at(path)).page().text)
    }
}

/// What is different from the usual.
pub(crate) struct Options {
    /// Those whose metadata offers logout by SOAP.
    pub(crate) soap: &'static [&'static str],
    /// Whether the hub takes them, too.
    pub(crate) soap_to_hub: bool,
    /// Where SimpleSAMLphp keeps its sessions.
    pub(crate) store: &'static str,
    /// Whether pysaml2 knows by which prefixes the hub writes namespaces.
    pub(crate) knows_prefixes: bool,
    /// Which names pysaml2 asks for.
    pub(crate) names_at_pysaml2: NameIdFormat,
    /// Whether people sign in at a SimpleSAMLphp above the hub, and what the hub asks of it when
    /// they log out.
    pub(crate) upstream: Option<UpstreamPolicy>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            soap: &[PYSAML2],
            soap_to_hub: false,
            store: "FileStore",
            knows_prefixes: true,
            names_at_pysaml2: NameIdFormat::EmailAddress,
            upstream: None,
        }
    }
}

impl Options {
    fn prefixes(&self) -> Value {
        match self.knows_prefixes {
            true => json!({
                "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
                "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
                "ds": "http://www.w3.org/2000/09/xmldsig#",
            }),
            false => json!({}),
        }
    }
}

/// The hub and its applications.
pub(crate) struct World {
    pub(crate) hub: Arc<Hub<MemoryStore>>,
    pub(crate) base: String,
    pub(crate) peers: BTreeMap<&'static str, Peer>,
    /// The identity provider above the hub, if there is one.
    pub(crate) upstream: Option<SimpleSamlPhp>,
    pub(crate) direct: Direct,
    pub(crate) failures: Failures,
}

/// Who was asked directly and did not answer as a peer does, and the code of the reason.
#[derive(Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<Vec<(String, String)>>>);

impl Failures {
    pub(crate) fn all(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }
}

/// What a worker of a node does; the failures are kept that it would tell the operator.
async fn work(hub: Arc<Hub<MemoryStore>>, failures: Failures) {
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        let failed = tokio::select! {
            work = hub.next_work() => hub.carry_out(work).await.unwrap(),
            _ = ticks.tick() => hub.carry_out_due(64).await.unwrap(),
        };
        let failed = failed.into_iter().map(|failure| {
            let name = failure.peer.as_str().to_owned();
            (name, failure.error.code().to_owned())
        });
        failures.0.lock().unwrap().extend(failed);
    }
}

/// Asks peers by SOAP, and remembers where it did.
#[derive(Clone, Default)]
pub(crate) struct Direct(Arc<Mutex<Vec<String>>>);

impl Direct {
    /// How often a host was asked.
    pub(crate) fn asked(&self, host: &str) -> usize {
        let locations = self.0.lock().unwrap();
        let asked = locations.iter().filter(|location| location.contains(host));
        asked.count()
    }
}

impl BackChannel for Direct {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        _: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        self.0.lock().unwrap().push(location.to_owned());
        let location = location.to_owned();
        let asking = spawn_blocking(move || {
            let head = format!(
                "Content-Type: {}\r\nSOAPAction: \"{}\"\r\n",
                soap::CONTENT_TYPE,
                soap::ACTION
            );
            post(&location, &head, &String::from_utf8(envelope).unwrap())
        });
        let answer = asking.await.unwrap();
        let answer = answer.map_err(|error| BackChannelError::Unreachable(error.to_string()))?;
        match (answer.status(), answer.header("content-type")) {
            (200 | 500, Some(kind)) if soap::is_content_type(kind) => Ok(answer.text.into_bytes()),
            (status, kind) => Err(BackChannelError::NoEnvelope(format!("{status} {kind:?}"))),
        }
    }
}

/// Why not all of them can be had, if so.
fn absent() -> Option<&'static str> {
    if let Some(why) = *pysaml2::ABSENT {
        return Some(why);
    }
    if !succeeds(python().args(["-c", "import onelogin.saml2"])) {
        return Some("python3-saml is not installed for FEDERATE_PYTHON");
    }
    if !*node_saml::INSTALLED {
        return Some("node-saml is not installed in the folder of FEDERATE_NODE_MODULES");
    }
    None
}

/// A program of ours that is an application, with what it is told beside its address.
fn application_at(host: &str, command: impl Fn() -> Command, task: &Value) -> Peer {
    let server = Server::start(host, |port, base, folder| {
        let mut task = task.clone();
        task["port"] = json!(port);
        task["base"] = json!(base);
        let file = folder.join("task.json");
        std::fs::write(&file, task.to_string()).unwrap();
        let mut command = command();
        command.arg(file);
        command
    });
    Peer::Server(server)
}

impl World {
    pub(crate) async fn new() -> Option<Self> {
        Self::with(Options::default()).await
    }

    /// Starts everybody; none where somebody is not installed.
    pub(crate) async fn with(options: Options) -> Option<Self> {
        if let Some(why) = absent() {
            skipped(why);
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!(
            "http://hub.localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let (sso, slo) = (format!("{base}{SSO}"), format!("{base}{SLO}"));
        let mut idp = IdentityProvider::new(party(HUB), &sso, &slo).unwrap();
        if options.soap_to_hub {
            idp = idp.with_soap_logout(&slo).unwrap();
        }
        let metadata = String::from_utf8(idp.metadata()).unwrap();
        let peers = start_peers(&options, &metadata, &sso, &slo)?;
        for (name, peer) in &peers {
            let mut application = application(&peer.metadata());
            application.name = (*name).to_owned();
            if *name == SIMPLESAMLPHP && options.soap.contains(name) {
                // It takes SOAP, but its metadata says so only where its store is an SQL database.
                let sp = Arc::make_mut(&mut application.metadata)
                    .sp
                    .as_mut()
                    .unwrap();
                let location = sp.single_logout[0].location.clone();
                sp.single_logout
                    .push(Endpoint::new(Binding::Soap, location));
            }
            // python3-saml takes signed LogoutRequests alone only if it is to take signed
            // responses alone, too.
            application.issue.signed_part = SignedPart::Both;
            idp = idp.with_application(application);
        }
        let direct = Direct::default();
        let store = Arc::new(MemoryStore::default());
        let hub = Hub::new(idp, &[7; 32], Arc::clone(&store)).unwrap();
        let mut hub = hub.with_logout_policy(policy(options.upstream));
        let mut upstream = None;
        if options.upstream.is_some() {
            let (php, below) = start_upstream(&base, store)?;
            hub = hub.with_upstream(below).unwrap();
            upstream = Some(php);
        }
        let hub = Arc::new(hub.with_back_channel(direct.clone()));
        let site = Site::new(&base, "hub", "The hub").unwrap();
        let directory = directory(&[(USER, EMAIL), ("bob", "bob@example.com")]);
        let routes = hub_router(HubState::new(Arc::clone(&hub), directory, site));
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let failures = Failures::default();
        tokio::spawn(work(Arc::clone(&hub), failures.clone()));
        Some(Self {
            hub,
            base,
            peers,
            upstream,
            direct,
            failures,
        })
    }

    pub(crate) fn at(&self, peer: &str, path: &str) -> String {
        self.peers[peer].at(path)
    }

    /// Signs in to all: once with a password, and then with the hub's session.
    pub(crate) fn sign_in(&self, browser: &mut Browser, user: &str) {
        assert_eq!(self.passwords(browser, user), 1, "single sign-on");
    }

    /// Signs in to all, and says how often a password was asked for.
    pub(crate) fn passwords(&self, browser: &mut Browser, user: &str) -> usize {
        let mut asked = 0;
        for name in KINDS {
            let address = self.at(name, "/page");
            let mut page = browser.open(&address).page();
            if self.upstream.is_some() && page.address.starts_with(&self.base) {
                page = browser.open(&page.link_to("/upstream/login")).page();
            }
            if page.address != address {
                asked += 1;
                let user = [("user", user), ("username", user), ("password", PASSWORD)];
                // The hub's form, or SimpleSAMLphp's.
                let form = page
                    .form()
                    .unwrap_or_else(|| panic!("{}: {}", page.address, page.text));
                let fields = form["fields"].as_object().unwrap();
                let known = user
                    .into_iter()
                    .filter(|(name, _)| fields.contains_key(*name));
                let form = page.filled(&known.collect::<Vec<_>>());
                page = browser.carry(&form).page();
            }
            assert_eq!(page.address, address, "{}", page.text);
        }
        asked
    }

    /// Those that still run, in order.
    pub(crate) fn running(&self) -> Vec<&'static str> {
        let running = KINDS.into_iter();
        running
            .filter(|name| self.peers.contains_key(name))
            .collect()
    }

    /// Those that say somebody is signed in with this browser.
    pub(crate) fn signed_in(&self, browser: &mut Browser) -> Vec<&'static str> {
        let mut running = self.running();
        running.retain(|name| {
            let who = browser.open(&self.at(name, "/who")).page().json();
            who["name"].is_string()
        });
        running
    }

    /// Makes SimpleSAMLphp, as an application, believe in another key of the hub, or again in the
    /// right one: it refuses what the hub signed, and its session goes on.
    pub(crate) fn mislead_simplesamlphp(&mut self, misled: bool) {
        let right = OURS.1.to_base64();
        let wrong: String = keys::RSA_CERTIFICATE
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let (from, to) = if misled {
            (right, wrong)
        } else {
            (wrong, right)
        };
        let Some(Peer::Php(php)) = self.peers.get_mut(SIMPLESAMLPHP) else {
            panic!("SimpleSAMLphp runs")
        };
        php.set(|set| {
            let metadata = set["peer"].as_str().unwrap();
            assert!(metadata.contains(&from));
            set["peer"] = json!(metadata.replace(&from, &to));
        });
    }

    /// The session of the hub that a browser had.
    pub(crate) fn session(&self, browser: &Browser) -> Token {
        let cookie = browser.cookie("hub.localhost", "hub_session");
        Token::parse(cookie.expect("a session")).unwrap()
    }

    pub(crate) async fn is_alive(&self, session: &Token) -> bool {
        self.hub.session(session).await.unwrap().is_some()
    }

    /// A logout that goes on by itself, once nothing more can be done at once.
    pub(crate) async fn settled(&self, handle: &Token) -> LogoutPage {
        let begun = Instant::now();
        loop {
            let page = self.hub.logout_page(handle).await.unwrap();
            if page.phase != LogoutPhase::Working {
                return page;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{page:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Presses the button of the hub's page that ends the session.
    pub(crate) fn log_out(&self, browser: &mut Browser) -> Page {
        let home = browser.open(&format!("{}/", self.base)).page();
        browser.carry(&home.form_to("/logout")).page()
    }

    /// Goes back from where nobody answers to the hub's page, and on without the one that is
    /// down.
    pub(crate) fn skip(&self, browser: &mut Browser) -> Page {
        let pages = format!("{}/logout/", self.base);
        let mut shown = browser.shown.iter().rev();
        let page = shown.find(|page| page.address.starts_with(&pages));
        let form = page.expect("a page of the logout").form_to("/skip");
        browser.carry(&form).page()
    }

    /// What the hub's last page of a logout said of each application.
    pub(crate) fn result(&self, browser: &Browser) -> BTreeMap<String, String> {
        let pages = format!("{}/logout/", self.base);
        let mut shown = browser.shown.iter().rev();
        let rows = shown.find_map(|page| {
            let is_of_logout = page.address.starts_with(&pages);
            is_of_logout
                .then(|| rows(page))
                .filter(|rows| !rows.is_empty())
        });
        rows.expect("a page of the logout")
    }
}

/// A slow machine is no failure, and what failed is tried again at once.
fn policy(upstream: Option<UpstreamPolicy>) -> LogoutPolicy {
    let mut policy = LogoutPolicy::default();
    policy.timing.attempt = TimeDelta::minutes(1);
    policy.timing.back_channel = TimeDelta::minutes(2);
    policy.timing.participant = TimeDelta::minutes(2);
    policy.retries.first = TimeDelta::milliseconds(1);
    policy.upstream = upstream.unwrap_or(policy.upstream);
    policy
}

/// The applications, which know the hub by its metadata or by its addresses.
fn start_peers(
    options: &Options,
    metadata: &str,
    sso: &str,
    slo: &str,
) -> Option<BTreeMap<&'static str, Peer>> {
    let mut php = SimpleSamlPhp::start_at("simplesamlphp.test", metadata)?;
    php.set(|set| set["store"] = json!(options.store));
    let task = json!({
        "key": keys::RSA_KEY, "certificate": keys::RSA_CERTIFICATE,
        "idp_certificate": OURS.1.to_base64(), "peer": metadata,
        "idp": HUB, "idp_sso": sso, "idp_slo": slo, "sso": sso, "slo": slo,
        "soap": options.soap.contains(&PYSAML2), "prefixes": options.prefixes(), "format": NameIdFormat::EmailAddress.uri(),
        "want_assertions_signed": true, "want_response_signed": true,
    });
    let of = |program: fn() -> Command, file: &'static str| {
        move || {
            let mut command = program();
            command.arg(script(file));
            command
        }
    };
    let mut of_pysaml2 = task.clone();
    of_pysaml2["format"] = json!(options.names_at_pysaml2.uri());
    let pysaml2 = of(python, "pysaml2/peer.py");
    let python3_saml = of(python, "python3-saml/accept.py");
    let node_saml = of(node, "node-saml/peer.js");
    Some(BTreeMap::from([
        (SIMPLESAMLPHP, Peer::Php(php)),
        (
            PYSAML2,
            application_at("pysaml2.test", pysaml2, &of_pysaml2),
        ),
        (
            PYTHON3_SAML,
            application_at("python3-saml.test", python3_saml, &task),
        ),
        (
            NODE_SAML,
            application_at("node-saml.test", node_saml, &task),
        ),
    ]))
}

/// SimpleSAMLphp as an identity provider above the hub, and what the hub is towards it.
fn start_upstream(
    base: &str,
    store: Arc<MemoryStore>,
) -> Option<(SimpleSamlPhp, ServiceProvider<MemoryStore>)> {
    let below = ServiceProvider::new(
        party(&format!("{HUB}/upstream")),
        &format!("{base}{UPSTREAM_ACS}"),
        store,
    );
    let below = below.unwrap();
    let below = below.with_single_logout(&format!("{base}{UPSTREAM_SLO}"));
    let below = below.unwrap();
    let metadata = String::from_utf8(below.metadata()).unwrap();
    let mut php = SimpleSamlPhp::start_at("upstream.test", &metadata)?;
    let format = NameIdFormat::EmailAddress;
    let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    php.set(|set| {
        // Without TLS it says that the transport was not protected, which python3-saml wants.
        set["idp"]["authproc"] = json!([
            {"class": "saml:AttributeNameID", "attribute": "email", "Format": format.uri()},
            {"class": "saml:AuthnContextClassRef", "AuthnContextClassRef": class},
        ]);
    });
    let metadata = php.metadata("/saml2/idp/metadata.php");
    let mut connection = Connection::from_metadata(metadata.as_str().unwrap().as_bytes()).unwrap();
    connection.email_domains = vec!["example.com".to_owned()];
    Some((php, below.with_connection(connection).unwrap()))
}
