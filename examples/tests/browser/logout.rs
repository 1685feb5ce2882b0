//! Logout in a real browser: through few applications and through many, of which one is slow
//! and one is dead.

use super::programs::{Browser, ThirdPartyCookies};
use crate::{PATIENCE, Walk, is_skipped};
use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use chrono::{TimeDelta, Utc};
use federate::crypto::{SignatureAlgorithm, aws_lc_provider, self_signed};
use federate::hub::{Directory, DirectoryUser, hash_password};
use federate::logout::LogoutPolicy;
use federate::session::{MemoryStore, Profile};
use federate::types::EntityId;
use federate::xml::Signer;
use federate::{Application, Hub, IdentityProvider, Party, ServiceProvider};
use federate_axum::{HubState, SignedIn, Site, SpState, hub, hub_router, sp, sp_router};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const PASSWORD: &str = "correct horse";

/// How long the slow application takes.
const SLOW: Duration = Duration::from_secs(3);

/// The hub's address and those of its applications, by name.
struct World {
    hub: String,
    applications: Vec<(String, String)>,
    /// For what the browser said that it fetched each logout message.
    asked: Asked,
}

type Asked = Arc<Mutex<Vec<String>>>;

/// Which applications do what, by number, and how the hub asks them.
struct Plan {
    count: usize,
    slow: Option<usize>,
    /// Nobody listens where it takes logout messages.
    dead: Option<usize>,
    frames: bool,
}

/// A host of this machine, and its port.
async fn host(name: &str) -> (TcpListener, Site) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let site = Site::new(&format!("http://{name}.localhost:{port}"), "test", name);
    (listener, site.unwrap())
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn home(person: Option<SignedIn>) -> &'static str {
    match person {
        Some(_) => "signed in here",
        None => "signed out here",
    }
}

/// Notes logout messages, and makes them wait.
async fn on_the_way(wait: Duration, asked: Asked, request: Request, next: Next) -> Response {
    if request.uri().path() == sp::SLO {
        let dest = request.headers().get("sec-fetch-dest");
        let dest = dest.map_or("", |dest| dest.to_str().unwrap());
        asked.lock().unwrap().push(dest.to_owned());
        tokio::time::sleep(wait).await;
    }
    next.run(request).await
}

impl World {
    /// A hub with its applications.
    async fn start(plan: Plan) -> Self {
        let provider = aws_lc_provider();
        let key = provider.keys.generate_rsa(2048).unwrap();
        let party = |site: &Site| {
            let key = provider
                .keys
                .load_signing_key(&key, SignatureAlgorithm::RsaSha256)
                .unwrap();
            let (from, to) = (Utc::now() - TimeDelta::days(1), TimeDelta::days(2));
            let certificate = self_signed(&provider, &*key, "test", from, from + to).unwrap();
            let id = EntityId::new(site.url(sp::METADATA)).unwrap();
            Party::new(id, Signer::new(provider, key, certificate).unwrap())
        };
        let (listener, site) = host("hub").await;
        let hub_party = party(&site);
        let idp = IdentityProvider::new(hub_party, &site.url(hub::SSO), &site.url(hub::SLO));
        let mut idp = idp.unwrap();
        let metadata = idp.metadata();
        let mut applications = Vec::new();
        let asked = Asked::default();
        for number in 0..plan.count {
            let name = format!("app-{number:02}");
            let (listener, site) = host(&name).await;
            let logout = match plan.dead == Some(number) {
                true => host(&name).await.1.url(sp::SLO), // its listener is gone
                false => site.url(sp::SLO),
            };
            let store = Arc::new(MemoryStore::default());
            let sp = ServiceProvider::new(party(&site), &site.url(sp::ACS), store)
                .and_then(|sp| sp.with_single_logout(&logout))
                .and_then(|sp| sp.with_identity_provider(&metadata))
                .unwrap();
            let mut application = Application::from_metadata(&*name, &sp.metadata()).unwrap();
            application.logout_in_frames = plan.frames;
            idp = idp.with_application(application);
            applications.push((name, site.url("/")));
            let state = SpState::new(Arc::new(sp), site);
            let pages = Router::new().route("/", get(home));
            let router = sp_router(state.clone()).merge(pages.with_state(state));
            let slow = plan.slow == Some(number);
            let (wait, asked) = (if slow { SLOW } else { Duration::ZERO }, asked.clone());
            let router = router.layer(from_fn(move |request, next| {
                on_the_way(wait, asked.clone(), request, next)
            }));
            serve(listener, router);
        }
        let mut profile = Profile::default();
        let email = vec!["alice@example.com".to_owned()];
        profile.attributes.insert("email".to_owned(), email);
        let user = DirectoryUser {
            password_hash: hash_password(&provider, PASSWORD).unwrap(),
            profile,
        };
        let users = BTreeMap::from([("alice".to_owned(), user)]);
        let directory = Directory::new(&provider, users).unwrap();
        let hub = Hub::new(idp, &[7; 32], Arc::new(MemoryStore::default())).unwrap();
        let hub = hub.with_logout_policy(LogoutPolicy {
            frames: plan.frames,
            ..LogoutPolicy::default()
        });
        let address = site.url("/");
        let state = HubState::new(Arc::new(hub), directory, site);
        serve(listener, hub_router(state));
        Self {
            hub: address,
            applications,
            asked,
        }
    }

    /// Signs the person in at the hub and at every application.
    async fn sign_in(&self, walk: &Walk) {
        walk.go(&format!("{}sign-in", self.hub)).await;
        walk.type_into("#user", "alice").await;
        walk.type_into("#password", PASSWORD).await;
        walk.click("button").await;
        walk.element("#log-out").await;
        for (_, address) in &self.applications {
            walk.go(&format!("{address}login")).await;
            walk.wait_for_text("signed in here").await;
        }
    }

    /// Begins the logout, and gives the address of its page.
    async fn log_out(&self, walk: &Walk) -> String {
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

    /// What the page says in the end, and whether it is true.
    async fn assert_result(&self, walk: &Walk, dead: usize) {
        walk.wait_for_text("You are not signed out everywhere")
            .await;
        let result = walk.text_of("#result").await;
        for (number, (name, _)) in self.applications.iter().enumerate() {
            let line = match number == dead {
                true => format!("{name} Asked, no answer (skipped)"),
                false => format!("{name} Signed out"),
            };
            assert!(
                result.lines().any(|found| found == line),
                "{line}: {result}"
            );
        }
        for (number, (_, address)) in self.applications.iter().enumerate() {
            walk.go(address).await;
            let state = if number == dead { "in" } else { "out" };
            assert_eq!(
                walk.text().await,
                format!("signed {state} here"),
                "{address}"
            );
        }
        walk.go(&self.hub).await;
        walk.wait_for_text("You are not signed in").await;
    }
}

/// Whether a site gets its cookie in a frame of another one, in this browser.
async fn has_third_party_cookies(walk: &Walk) -> bool {
    let (listener, outer) = host("outer").await;
    let inner = outer.origin().replace("outer", "inner");
    let frame = format!("<!DOCTYPE html><iframe src='{inner}/read'></iframe>");
    let html = [(CONTENT_TYPE, "text/html")];
    let set = [(SET_COOKIE, "probe=1; SameSite=None; Secure")];
    let router = Router::new()
        .route("/outer", get(move || async move { (html, frame) }))
        .route("/set", get(move || async move { (set, "set") }))
        .route(
            "/read",
            get(|headers: HeaderMap| async move {
                let cookie = headers.get(COOKIE).is_some();
                if cookie {
                    "with cookie"
                } else {
                    "without cookie"
                }
            }),
        );
    serve(listener, router);
    walk.go(&format!("{inner}/set")).await;
    walk.go(&format!("{inner}/read")).await;
    assert_eq!(walk.text().await, "with cookie");
    walk.go(&outer.url("/outer")).await;
    walk.element("iframe").await.enter_frame().await.unwrap();
    let text = walk.text().await;
    walk.driver.enter_default_frame().await.unwrap();
    text == "with cookie"
}

/// A browser in which third-party cookies are as wanted.
async fn walk(browser: &Browser, cookies: ThirdPartyCookies) -> Walk {
    let walk = Walk {
        driver: browser.driver(cookies).await,
        screenshots: None,
    };
    let allowed = cookies == ThirdPartyCookies::Allowed;
    assert_eq!(has_third_party_cookies(&walk).await, allowed);
    walk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_leaves_a_dead_application_behind_and_reads_the_truth() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser, ThirdPartyCookies::Allowed).await;
    let dead = 2;
    let plan = Plan {
        count: 3,
        slow: Some(1),
        dead: Some(dead),
        frames: false,
    };
    let world = World::start(plan).await;
    world.sign_in(&walk).await;
    let page = world.log_out(&walk).await;
    // The browser ends where nobody listens, and the way back leads to the page.
    walk.wait_for_text("ERR_CONNECTION_REFUSED").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("Waiting for app-02, which has not answered yet")
        .await;
    assert_eq!(walk.driver.current_url().await.unwrap().as_str(), page);
    // Also in another tab, when this one is gone.
    let second = walk.driver.new_tab().await.unwrap();
    walk.driver.close_window().await.unwrap();
    walk.driver.switch_to_window(second).await.unwrap();
    walk.go(&page).await;
    walk.wait_for_text("Waiting for app-02, which has not answered yet")
        .await;
    walk.click("#skip").await;
    world.assert_result(&walk, dead).await;
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_goes_through_more_applications_than_a_browser_follows_redirects() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser, ThirdPartyCookies::Blocked).await;
    let dead = 24;
    let plan = Plan {
        count: 25,
        slow: Some(20),
        dead: Some(dead),
        frames: false,
    };
    let world = World::start(plan).await;
    world.sign_in(&walk).await;
    let page = world.log_out(&walk).await;
    // The way back in the middle leads to the page, which goes on by itself.
    walk.wait_for_text("app-02 Signed out").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("ERR_CONNECTION_REFUSED").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("Waiting for app-24, which has not answered yet")
        .await;
    assert_eq!(walk.driver.current_url().await.unwrap().as_str(), page);
    walk.click("#skip").await;
    world.assert_result(&walk, dead).await;
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_signed_out_in_frames_without_their_cookies() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser, ThirdPartyCookies::Blocked).await;
    let plan = Plan {
        count: 3,
        slow: None,
        dead: None,
        frames: true,
    };
    let world = World::start(plan).await;
    world.sign_in(&walk).await;
    world.log_out(&walk).await;
    walk.wait_for_text("Every application confirmed its sign-out.")
        .await;
    let asked = world.asked.lock().unwrap().clone();
    println!("asked for {asked:?}");
    assert!(asked.iter().any(|dest| dest == "iframe"), "{asked:?}");
    for (_, address) in &world.applications {
        walk.go(address).await;
        assert_eq!(walk.text().await, "signed out here");
    }
    walk.driver.clone().quit().await.unwrap();
}
