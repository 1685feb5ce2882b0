//! The hub's program with applications of this test's own, which are slow, dead or particular.

use super::programs::{Hub, free_ports};
use crate::{PATIENCE, Walk};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::{TimeDelta, Utc};
use federate::crypto::{
    CryptoProvider, PrivateKey, SignatureAlgorithm, aws_lc_provider, self_signed,
};
use federate::hub::hash_password;
use federate::session::MemoryStore;
use federate::types::EntityId;
use federate::xml::Signer;
use federate::{Party, ServiceProvider};
use federate_axum::{SignedIn, Site, SpState, sp, sp_router};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;

pub(super) const PASSWORD: &str = "correct horse";

/// How long the slow application takes.
const SLOW: Duration = Duration::from_secs(3);

/// What an application is like, as far as its logout goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// It takes its time before it looks at a message.
    Slow,
    /// It does what a message says, and takes its time before it answers.
    Late,
    /// Nobody listens where it takes messages.
    Dead,
    /// It knows a session by its cookie alone, and refuses a message that comes without one.
    ByCookie,
    /// It takes messages by SOAP alone, and waits for [`App::let_through`].
    Direct,
    /// As [`Kind::Direct`], and nobody listens there yet.
    DirectDead,
    /// It waits for [`App::let_through`] with every message that a browser brings.
    Held,
}

/// What there is, and how the hub is configured.
pub(super) struct Plan {
    pub(super) kinds: Vec<Kind>,
    pub(super) frames: bool,
}

impl Plan {
    /// So many applications, of which some are not plain.
    pub(super) fn of(count: usize, others: &[(usize, Kind)]) -> Self {
        let mut kinds = vec![Kind::Plain; count];
        for (number, kind) in others {
            kinds[*number] = *kind;
        }
        Self {
            kinds,
            frames: false,
        }
    }

    /// The applications are asked in frames.
    pub(super) fn in_frames(self) -> Self {
        Self {
            frames: true,
            ..self
        }
    }
}

/// An application: it has one page, which tells whether somebody is signed in.
pub(super) struct App {
    pub(super) name: String,
    pub(super) address: String,
    /// For what the browser said that it fetched each logout message; nothing for SOAP.
    asked: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
    /// Where it takes logout messages, if that is another port than its pages'.
    door: Option<TcpSocket>,
    router: Router,
}

impl App {
    /// For what each logout message was fetched, so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Lets this many messages through.
    pub(super) fn let_through(&self, count: usize) {
        self.gate.add_permits(count);
    }

    /// From now on somebody listens where it takes logout messages.
    pub(super) fn come_up(&mut self) {
        let listener = self.door.take().unwrap().listen(128).unwrap();
        serve(listener, self.router.clone());
    }
}

/// The hub and its applications.
pub(super) struct World {
    pub(super) hub: String,
    pub(super) applications: Vec<App>,
    _program: Hub,
    _folder: TempDir,
}

/// A host of this machine, and its port.
pub(super) async fn host(name: &str) -> (TcpListener, Site) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let site = Site::new(&format!("http://{name}.localhost:{port}"), "test", name);
    (listener, site.unwrap())
}

pub(super) fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

/// A port at which nobody listens, and which nobody else gets.
fn closed_door() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

/// The document at an address of a program.
pub(super) fn fetch(address: &str) -> Vec<u8> {
    let mut url = url::Url::parse(address).unwrap();
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    // Not every resolver knows the names that browsers do.
    url.set_host(Some("127.0.0.1")).unwrap();
    let answer = ureq::get(url.as_str()).header("host", host).call();
    answer.unwrap().body_mut().read_to_vec().unwrap()
}

async fn home(person: Option<SignedIn>) -> &'static str {
    match person {
        Some(_) => "signed in here",
        None => "signed out here",
    }
}

/// Notes logout messages, and does with them what is particular to the application.
async fn on_the_way(
    kind: Kind,
    asked: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
    request: Request,
    next: Next,
) -> Response {
    let is_message = request.uri().path() == sp::SLO;
    if is_message {
        let dest = request.headers().get("sec-fetch-dest");
        let dest = dest.map_or("", |dest| dest.to_str().unwrap());
        asked.lock().unwrap().push(dest.to_owned());
    }
    match kind {
        Kind::Slow if is_message => tokio::time::sleep(SLOW).await,
        Kind::Direct | Kind::DirectDead | Kind::Held if is_message => {
            gate.acquire().await.unwrap().forget()
        }
        Kind::ByCookie if is_message && !is_with_session(request.headers()) => {
            return (StatusCode::FORBIDDEN, "no session here").into_response();
        }
        _ => {}
    }
    let mut response = next.run(request).await;
    if kind == Kind::Late && is_message {
        tokio::time::sleep(SLOW).await;
    }
    if kind == Kind::ByCookie {
        in_frames_too(response.headers_mut());
    }
    response
}

fn is_with_session(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(COOKIE).iter();
    let mut cookies = cookies.filter_map(|value| value.to_str().ok());
    cookies.any(|cookies| cookies.contains("test_session="))
}

/// Its cookies are sent from frames, too, if the browser lets them.
fn in_frames_too(headers: &mut HeaderMap) {
    let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        let cookie = cookie.to_str().unwrap();
        let cookie = cookie.replace("SameSite=Lax", "SameSite=None; Secure");
        headers.append(SET_COOKIE, HeaderValue::from_str(&cookie).unwrap());
    }
}

/// An application that does not know the hub yet.
struct Draft {
    kind: Kind,
    listener: TcpListener,
    site: Site,
    door: Option<TcpSocket>,
    sp: ServiceProvider<MemoryStore>,
}

impl Draft {
    async fn new(number: usize, kind: Kind, provider: &CryptoProvider, key: &PrivateKey) -> Self {
        let (listener, site) = host(&format!("app-{number:02}")).await;
        let key = provider
            .keys
            .load_signing_key(key, SignatureAlgorithm::RsaSha256)
            .unwrap();
        let (from, to) = (Utc::now() - TimeDelta::days(1), TimeDelta::days(2));
        let certificate = self_signed(provider, &*key, "test", from, from + to).unwrap();
        let id = EntityId::new(site.url(sp::METADATA)).unwrap();
        let party = Party::new(id, Signer::new(*provider, key, certificate).unwrap());
        let store = Arc::new(MemoryStore::default());
        let sp = ServiceProvider::new(party, &site.url(sp::ACS), store).unwrap();
        let (door, sp) = match kind {
            Kind::Dead => {
                let (door, port) = closed_door();
                let at = format!("http://{}.localhost:{port}{}", site.title(), sp::SLO);
                (Some(door), sp.with_single_logout(&at))
            }
            Kind::Direct | Kind::DirectDead => {
                // The hub asks there itself, whose resolver need not know the name.
                let (door, port) = closed_door();
                let at = format!("http://127.0.0.1:{port}{}", sp::SLO);
                (Some(door), sp.with_soap_logout(&at))
            }
            _ => (None, sp.with_single_logout(&site.url(sp::SLO))),
        };
        let sp = sp.unwrap();
        Self {
            kind,
            listener,
            site,
            door,
            sp,
        }
    }

    /// Learns the hub's metadata, and is served.
    fn serve(self, hub: &[u8]) -> App {
        let sp = self.sp.with_identity_provider(hub).unwrap();
        let state = SpState::new(Arc::new(sp), self.site.clone());
        let pages = Router::new().route("/", get(home));
        let router = sp_router(state.clone()).merge(pages.with_state(state));
        let asked = Arc::default();
        let gate = Arc::new(Semaphore::new(0));
        let (noted, opened, kind) = (Arc::clone(&asked), Arc::clone(&gate), self.kind);
        let router = router.layer(from_fn(move |request, next| {
            on_the_way(kind, Arc::clone(&noted), Arc::clone(&opened), request, next)
        }));
        serve(self.listener, router.clone());
        let mut app = App {
            name: self.site.title().to_owned(),
            address: self.site.url("/"),
            asked,
            gate,
            door: self.door,
            router,
        };
        if kind == Kind::Direct {
            app.come_up();
        }
        app
    }
}

/// The hub's configuration: these applications, and one user.
fn configure(folder: &Path, plan: &Plan, drafts: &[Draft], provider: &CryptoProvider) -> String {
    let mut text = format!(
        "[logout]\nframes = {}\nprivate_addresses = true\n",
        plan.frames
    );
    for draft in drafts {
        let name = draft.site.title();
        std::fs::write(folder.join(format!("{name}.xml")), draft.sp.metadata()).unwrap();
        let entry = format!(
            "[[application]]\nname = \"{name}\"\nmetadata = \"{name}.xml\"\n\
             logout_in_frames = {}\n",
            plan.frames
        );
        text.push_str(&entry);
    }
    let hash = hash_password(provider, PASSWORD).unwrap();
    write!(
        text,
        "[[user]]\nname = \"alice\"\npassword_hash = \"{hash}\"\nemail = \"alice@example.com\"\n"
    )
    .unwrap();
    let file = folder.join("hub.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

impl World {
    pub(super) async fn start(plan: Plan) -> Self {
        let provider = aws_lc_provider();
        let key = provider.keys.generate_rsa(2048).unwrap();
        let mut drafts = Vec::new();
        for (number, kind) in plan.kinds.iter().enumerate() {
            drafts.push(Draft::new(number, *kind, &provider, &key).await);
        }
        let folder = tempfile::tempdir().unwrap();
        let config = configure(folder.path(), &plan, &drafts, &provider);
        let port = free_ports(1);
        let data = folder.path().join("data");
        let program = Hub::start_with(port, &data, &["--no-demo", "--config", &config]);
        let hub = format!("http://hub.localhost:{port}/");
        let metadata = fetch(&format!("{hub}saml/metadata"));
        Self {
            hub,
            applications: drafts.into_iter().map(|d| d.serve(&metadata)).collect(),
            _program: program,
            _folder: folder,
        }
    }

    /// Signs the person in at the hub and at every application.
    pub(super) async fn sign_in(&self, walk: &Walk) {
        walk.go(&format!("{}sign-in", self.hub)).await;
        walk.type_into("#user", "alice").await;
        walk.type_into("#password", PASSWORD).await;
        walk.click("#sign-in").await;
        walk.element("#log-out").await;
        for app in &self.applications {
            walk.go(&format!("{}login", app.address)).await;
            walk.send_form_by_hand().await;
            walk.wait_for_text("signed in here").await;
        }
    }

    /// Begins the logout, and gives the address of its page.
    pub(super) async fn log_out(&self, walk: &Walk) -> String {
        walk.go(&self.hub).await;
        walk.click("#log-out").await;
        let begun = Instant::now();
        loop {
            let at = walk.driver.current_url().await.unwrap();
            if at.path().starts_with("/logout/") {
                return at.to_string();
            }
            assert!(begun.elapsed() < PATIENCE, "{at}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the result page says of an application.
    pub(super) async fn says(&self, walk: &Walk, number: usize) -> String {
        let result = walk.text_of("#result").await;
        let name = format!("{} ", self.applications[number].name);
        let line = result.lines().find_map(|line| line.strip_prefix(&name));
        let said = line.unwrap_or_else(|| panic!("{name}: {result}"));
        // The button behind it is another matter.
        said.split(" Try ").next().unwrap_or(said).to_owned()
    }

    /// The button of the result page that asks an application once more.
    pub(super) fn retry(&self, number: usize) -> String {
        let address = &self.applications[number].address;
        format!("input[value='{address}saml/metadata'] + button")
    }

    /// Opens the page again and again until it says this of an application.
    pub(super) async fn look_until_it_says(
        &self,
        walk: &Walk,
        page: &str,
        number: usize,
        expected: &str,
    ) {
        let begun = Instant::now();
        loop {
            walk.go(page).await;
            let said = self.says(walk, number).await;
            if said == expected {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{said}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Asks the applications and the hub themselves: of all of them, somebody is signed in at
    /// these applications alone.
    pub(super) async fn assert_signed_in_only_at(&self, walk: &Walk, numbers: &[usize]) {
        for (number, app) in self.applications.iter().enumerate() {
            walk.go(&app.address).await;
            let state = if numbers.contains(&number) {
                "in"
            } else {
                "out"
            };
            let expected = format!("signed {state} here");
            assert_eq!(walk.text().await, expected, "{}", app.name);
        }
        walk.go(&self.hub).await;
        walk.wait_for_text("You are not signed in").await;
    }

    /// The result page says that all are signed out but this one, which was skipped, and so
    /// say they themselves.
    pub(super) async fn assert_all_but_skipped(&self, walk: &Walk, dead: usize) {
        walk.wait_for_text("You are not signed out everywhere")
            .await;
        for number in 0..self.applications.len() {
            let expected = match number == dead {
                true => "Asked, no answer (skipped)",
                false => "Signed out",
            };
            assert_eq!(self.says(walk, number).await, expected, "{number}");
        }
        self.assert_signed_in_only_at(walk, &[dead]).await;
    }
}
