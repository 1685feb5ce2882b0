//! The hub on the web.

mod ecp;
mod home;
mod log_out;
mod management;
mod sign_on;
mod status;
mod upstream;
mod v2_logout;
mod worker;

pub use management::{InvalidManagementToken, MANAGEMENT};
pub use worker::carry_out_logouts;

use self::management::ManagementToken;

use crate::cookie::{self, Purpose};
use crate::deliver::{deliver, soap_fault};
use crate::failure::Failure;
use crate::form::Envelope;
use crate::headers::{no_such_method, no_such_page, with_safe_headers};
use crate::page::Page;
use crate::site::Site;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use federate::crypto::CryptoProvider;
use federate::hub::Directory;
use federate::{Hub, Store, Token};
use maud::Markup;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where a hub takes AuthnRequests: the single sign-on service of its metadata.
pub const SSO: &str = "/saml/sso";

/// Where a hub takes logout messages: the single logout service of its metadata.
pub const SLO: &str = "/saml/slo";

/// Where a hub resolves artifacts, if its identity provider does.
pub const ARTIFACTS: &str = "/saml/artifact";

/// Where a hub takes the requests of enhanced clients, if its identity provider does.
pub const ECP: &str = "/saml/ecp";

/// Where identity providers of others post their responses to a hub: the assertion consumer
/// service of the service provider that it is towards them.
pub const UPSTREAM_ACS: &str = "/upstream/acs";

/// Where they take logout messages to.
pub const UPSTREAM_SLO: &str = "/upstream/slo";

/// Where the metadata is found that is for them.
pub const UPSTREAM_METADATA: &str = "/upstream/metadata";

/// Where applications send browsers to log out: `returnTo`, `client_id` and `federated` say how.
pub const LOGOUT: &str = "/v2/logout";

/// Where pages of applications ask whether somebody is signed in.
pub const STATUS: &str = "/sso/status";

/// Where a hub's metadata is found.
pub const METADATA: &str = "/saml/metadata";

/// How many passwords are checked at once: each check fills a core and 19 MiB.
const PASSWORD_CHECKS: usize = 4;

/// What the routes of [`hub_router`] share.
pub struct HubState<S> {
    inner: Arc<Inner<S>>,
    /// Who may use the management API; without it there is none.
    management: Option<ManagementToken>,
}

struct Inner<S> {
    hub: Arc<Hub<S>>,
    directory: Directory,
    site: Site,
    password_checks: Semaphore,
}

impl<S> Clone for HubState<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            management: self.management.clone(),
        }
    }
}

impl<S: Store> HubState<S> {
    /// A hub, its users, and where it lives. The hub's addresses must be [`SSO`] and [`SLO`]
    /// at that site, and those of its upstream service provider [`UPSTREAM_ACS`] and
    /// [`UPSTREAM_SLO`].
    #[must_use]
    pub fn new(hub: Arc<Hub<S>>, directory: Directory, site: Site) -> Self {
        Self {
            inner: Arc::new(Inner {
                hub,
                directory,
                site,
                password_checks: Semaphore::new(PASSWORD_CHECKS),
            }),
            management: None,
        }
    }

    /// Adds the management API, at [`MANAGEMENT`]: administrators' programs list people's
    /// sessions, end them, and read what came of it. By default there is none.
    ///
    /// Whoever brings this token (`Authorization: Bearer ...`) may end everybody's sessions. Make
    /// it of random characters; only its digest is kept.
    ///
    /// # Errors
    /// [`InvalidManagementToken`].
    pub fn with_management(mut self, token: &str) -> Result<Self, InvalidManagementToken> {
        self.management = Some(ManagementToken::new(self.provider(), token)?);
        Ok(self)
    }

    fn hub(&self) -> &Hub<S> {
        &self.inner.hub
    }

    fn site(&self) -> &Site {
        &self.inner.site
    }

    fn provider(&self) -> &CryptoProvider {
        self.hub().identity_provider().party().signer.provider()
    }

    fn now(&self) -> DateTime<Utc> {
        self.hub().identity_provider().party().clock.now()
    }

    fn session_cookie(&self, headers: &HeaderMap) -> Option<Token> {
        cookie::read(headers, self.site(), Purpose::Session)
    }

    fn page(&self, title: &str, body: Markup) -> Page {
        Page::new(title, body).with_header(self.site().title())
    }

    /// A page with forms of our own: they carry a proof made from the browser's cookie, which
    /// is set if the browser has none.
    fn with_forms(
        &self,
        headers: &HeaderMap,
        page: impl FnOnce(&Token) -> Page,
    ) -> Result<Response, Failure> {
        let found = cookie::read(headers, self.site(), Purpose::Form);
        let (browser, fresh) = match found {
            Some(browser) => (browser, false),
            None => (self.hub().browser_token()?, true),
        };
        let mut response = page(&browser).with_forms_to("'self'").into_response();
        if fresh {
            cookie::set(&mut response, self.site(), Purpose::Form, &browser, None);
        }
        Ok(response)
    }
}

/// The routes of a hub: its own page, sign-in, the SAML endpoints, single logout, and the
/// management API if there is one.
pub fn hub_router<S: Store>(state: HubState<S>) -> Router {
    let mut routes = Router::new()
        .route("/", get(home::home::<S>))
        .route("/open", post(home::open::<S>))
        .route(
            "/sign-in",
            get(sign_on::sign_in_page::<S>).post(sign_on::sign_in::<S>),
        )
        .route(METADATA, get(metadata::<S>))
        .route("/pem", get(certificate_pem::<S>))
        .route("/cer", get(certificate_der::<S>))
        .route(
            SSO,
            get(sign_on::redirected::<S>).post(sign_on::posted::<S>),
        )
        .route(ARTIFACTS, post(resolve_artifact::<S>))
        .route(ECP, post(ecp::ecp::<S>))
        .route("/saml/sso/continue", get(sign_on::go_on::<S>))
        .route(
            SLO,
            get(log_out::redirected::<S>).post(log_out::posted::<S>),
        )
        .route(upstream::LOGIN, get(upstream::begin::<S>))
        .route(UPSTREAM_ACS, post(upstream::receive::<S>))
        .route(upstream::COMPLETE, get(upstream::complete::<S>))
        .route(UPSTREAM_METADATA, get(upstream::metadata::<S>))
        .route(STATUS, get(status::status::<S>))
        .route(
            UPSTREAM_SLO,
            get(log_out::upstream_redirected::<S>).post(log_out::upstream_posted::<S>),
        )
        .route(LOGOUT, get(v2_logout::log_out::<S>))
        .route("/logout", post(log_out::log_out::<S>))
        .route(log_out::BACK, get(log_out::come_back::<S>))
        .route(log_out::APART, get(log_out::apart::<S>))
        .route("/logout/{handle}", get(log_out::progress::<S>))
        .route("/logout/{handle}/next", get(log_out::next::<S>))
        .route("/logout/{handle}/skip", post(log_out::skip::<S>))
        .route("/logout/{handle}/retry", post(log_out::retry::<S>))
        .route("/logout/{handle}/upstream", post(log_out::choose::<S>))
        .route("/logout/{handle}/frame/{number}", get(log_out::frame::<S>))
        .route(
            "/logout/{handle}/frame/{number}/next",
            get(log_out::frame_next::<S>),
        )
        .route("/logout/{handle}/finish", get(log_out::finish::<S>))
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_method);
    if state.management.is_some() {
        routes = routes.nest_service(MANAGEMENT, management::routes(&state));
    }
    with_safe_headers(routes).with_state(state)
}

/// An application fetches the answer of which it was brought the artifact.
async fn resolve_artifact<S: Store>(
    State(state): State<HubState<S>>,
    Envelope(envelope): Envelope,
) -> Response {
    let resolved = state.hub().resolve_artifact(&envelope).await;
    resolved
        .map_err(Failure::from)
        .and_then(|outgoing| deliver(outgoing, state.provider()))
        .unwrap_or_else(|failure| soap_fault(&failure))
}

async fn metadata<S: Store>(State(state): State<HubState<S>>) -> Response {
    let xml = state.hub().identity_provider().metadata();
    ([(CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response()
}

async fn certificate_pem<S: Store>(State(state): State<HubState<S>>) -> Response {
    let party = state.hub().identity_provider().party();
    let headers = [
        (CONTENT_TYPE, "application/x-pem-file"),
        (CONTENT_DISPOSITION, "attachment; filename=\"hub.pem\""),
    ];
    (headers, party.signer.certificate().to_pem()).into_response()
}

async fn certificate_der<S: Store>(State(state): State<HubState<S>>) -> Response {
    let party = state.hub().identity_provider().party();
    let headers = [
        (CONTENT_TYPE, "application/pkix-cert"),
        (CONTENT_DISPOSITION, "attachment; filename=\"hub.cer\""),
    ];
    (headers, party.signer.certificate().der().to_vec()).into_response()
}
