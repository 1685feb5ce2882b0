//! A hub and two applications on the web of these tests.

use crate::browser::{Browser, Form, Page};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use federate::saml::binding::soap;
use federate::session::MemoryStore;
use federate::{BackChannel, BackChannelError, Hub, LoginOptions, ServiceProvider};
use federate_axum::{HubState, SignedIn, Site, SpState, hub_router, sp_router};
use federate_testkit::parties::{PASSWORD, Parties, TestClock, ThreeLayers, USER};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt as _;

pub(crate) const HUB: &str = "https://hub.example/";
pub(crate) const UPSTREAM: &str = "https://upstream.example/";
pub(crate) const A: &str = "https://a.example/";
pub(crate) const B: &str = "https://b.example/";

pub(crate) type MemoryHub = Hub<MemoryStore>;

/// Who is there.
pub(crate) struct World {
    pub(crate) clock: TestClock,
    pub(crate) hub: Arc<Hub<MemoryStore>>,
    pub(crate) applications: [Arc<ServiceProvider<MemoryStore>>; 2],
    pub(crate) web: BTreeMap<String, Router>,
}

async fn home(person: Option<SignedIn>) -> String {
    match person {
        Some(person) => {
            let name = person.name_id().map_or("nobody", |name| name.value());
            format!("signed in as {name} session {}", person.record.id)
        }
        None => "signed out".to_owned(),
    }
}

async fn inbox(person: SignedIn) -> String {
    format!(
        "inbox of {}",
        person.user.profile.first("email").unwrap_or("")
    )
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_login_options(LoginOptions::default())
    }

    /// A world whose applications' logins ask for this.
    pub(crate) fn with_login_options(login: LoginOptions) -> Self {
        Self::of(Parties::new(federate::crypto::aws_lc_provider()), login)
    }

    /// A world whose people can also sign in at an identity provider upstream.
    pub(crate) fn with_upstream() -> Self {
        Self::with_upstream_and(|hub| hub)
    }

    /// The same with another hub in the middle.
    pub(crate) fn with_upstream_and(change: impl FnOnce(MemoryHub) -> MemoryHub) -> Self {
        Self::with_upstream_and_state(change, |state| state)
    }

    /// The same where the hub's routes have more to share.
    pub(crate) fn with_upstream_and_state(
        change: impl FnOnce(MemoryHub) -> MemoryHub,
        change_state: impl FnOnce(HubState<MemoryStore>) -> HubState<MemoryStore>,
    ) -> Self {
        let mut layers = ThreeLayers::new(federate::crypto::aws_lc_provider());
        layers.parties.hub = change(layers.parties.hub);
        let site = Site::new(UPSTREAM, "idp", "Upstream").unwrap();
        let directory = layers.upstream_directory;
        let state = HubState::new(Arc::new(layers.upstream), directory, site);
        let login = LoginOptions::default();
        let mut world = Self::with_state(layers.parties, login, change_state);
        let host = "upstream.example".to_owned();
        world.web.insert(host, hub_router(state));
        world
    }

    /// A world with another hub.
    pub(crate) fn with_hub(change: impl FnOnce(MemoryHub) -> MemoryHub) -> Self {
        let mut parties = Parties::new(federate::crypto::aws_lc_provider());
        parties.hub = change(parties.hub);
        Self::of(parties, LoginOptions::default())
    }

    pub(crate) fn of(parties: Parties, login: LoginOptions) -> Self {
        Self::with_state(parties, login, |state| state)
    }

    /// The same where the hub's routes have more to share.
    pub(crate) fn with_state(
        parties: Parties,
        login: LoginOptions,
        change: impl FnOnce(HubState<MemoryStore>) -> HubState<MemoryStore>,
    ) -> Self {
        let hub = Arc::new(parties.hub);
        let site = Site::new(HUB, "hub", "The Hub").unwrap();
        let state = change(HubState::new(Arc::clone(&hub), parties.directory, site));
        let mut web = BTreeMap::from([("hub.example".to_owned(), hub_router(state))]);
        let applications = parties.applications.map(Arc::new);
        for (sp, host) in applications.iter().zip(["a.example", "b.example"]) {
            let site = Site::new(&format!("https://{host}"), "app", host).unwrap();
            let state = SpState::new(Arc::clone(sp), site)
                .with_login_options(login.clone())
                .with_back_channel(Wire(web["hub.example"].clone()));
            let pages = Router::new()
                .route("/", get(home))
                .route("/inbox", get(inbox));
            let pages = federate_axum::with_safe_headers(pages).with_state(state.clone());
            web.insert(host.to_owned(), sp_router(state).merge(pages));
        }
        Self {
            clock: parties.clock,
            hub,
            applications,
            web,
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.web.clone())
    }

    /// A browser that is signed in at the hub and both applications.
    pub(crate) async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let page = browser.go("https://a.example/login").await;
        let page = browser.submit(&page, &credentials(&page)).await;
        assert!(page.says("signed in as alice@example.com"), "{}", page.body);
        let page = browser.go("https://b.example/login").await;
        assert!(page.says("signed in as alice@example.com"), "{}", page.body);
        browser
    }
}

/// The wires of a hub to its applications, which come after it.
#[derive(Clone, Default)]
pub(crate) struct ToApplications(pub(crate) Arc<Mutex<BTreeMap<String, Router>>>);

impl BackChannel for ToApplications {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        _: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        let url = url::Url::parse(location).unwrap();
        let router = self.0.lock().unwrap().get(url.host_str().unwrap()).cloned();
        let router =
            router.ok_or_else(|| BackChannelError::Unreachable("nobody answers".to_owned()))?;
        let request = Request::post(federate_axum::sp::SLO)
            .header(CONTENT_TYPE, soap::CONTENT_TYPE)
            .body(Body::from(envelope));
        let answer = router.oneshot(request.unwrap()).await.unwrap();
        let octets = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        Ok(octets.into())
    }
}

/// Asks the hub as a peer does, without a socket.
struct Wire(Router);

impl BackChannel for Wire {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        _: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        let path = location.strip_prefix("https://hub.example").unwrap();
        let request = Request::post(path)
            .header(CONTENT_TYPE, soap::CONTENT_TYPE)
            .body(Body::from(envelope));
        let answer = self.0.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.headers()[CONTENT_TYPE], soap::CONTENT_TYPE);
        let octets = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        Ok(octets.into())
    }
}

/// The sign-in form of a page, filled in.
pub(crate) fn credentials(page: &Page) -> Form {
    page.form(0).with("user", USER).with("password", PASSWORD)
}

/// The button that posts to an application's `/logout`.
pub(crate) fn log_out_form(application: &str) -> (Page, Form) {
    use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, REFERRER_POLICY};
    let url = url::Url::parse(application).unwrap();
    let own = HeaderValue::from_static("form-action 'self'");
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_SECURITY_POLICY, own);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let form = Form {
        action: url.join("/logout").unwrap(),
        fields: Vec::new(),
    };
    let page = Page {
        url,
        status: axum::http::StatusCode::OK,
        headers,
        body: String::new(),
    };
    (page, form)
}
