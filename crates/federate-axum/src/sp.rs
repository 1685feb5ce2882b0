//! A service provider on the web.

mod signed_in;

pub use signed_in::{NotSignedIn, Sessions, SignedIn};

use crate::cookie::{self, Purpose, until};
use crate::deliver::{deliver, deliver_after_form, see_other};
use crate::failure::Failure;
use crate::form::{Body, Fields, own_origin};
use crate::headers::with_safe_headers;
use crate::page::Page;
use crate::return_to::local_path;
use crate::site::Site;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::TimeDelta;
use federate::types::{Status, StatusCode};
use federate::{Incoming, LoginOptions, LogoutReceived, ServiceProvider, Store};
use maud::{Markup, html};
use std::sync::Arc;

/// Where a service provider takes responses: the assertion consumer service of its metadata.
pub const ACS: &str = "/saml/acs";

/// Where a service provider takes logout messages.
pub const SLO: &str = "/saml/slo";

/// Where a service provider's metadata is found.
pub const METADATA: &str = "/saml/metadata";

/// How long a browser may take from the beginning of a login to its end: as long as the
/// request may be answered, and a little more.
const LOGIN_TIME: TimeDelta = TimeDelta::minutes(15);

/// What the routes of [`sp_router`] share.
pub struct SpState<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    sp: Arc<ServiceProvider<S>>,
    site: Site,
}

impl<S> Clone for SpState<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S: Store> SpState<S> {
    /// A service provider, and where it lives. Its addresses must be [`ACS`] and [`SLO`] at
    /// that site.
    #[must_use]
    pub fn new(sp: Arc<ServiceProvider<S>>, site: Site) -> Self {
        Self {
            inner: Arc::new(Inner { sp, site }),
        }
    }

    /// The service provider.
    #[must_use]
    pub fn service_provider(&self) -> &ServiceProvider<S> {
        &self.inner.sp
    }

    /// Where it lives.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.inner.site
    }

    /// The signed-in person of these request headers, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signed_in(&self, headers: &HeaderMap) -> Result<Option<SignedIn>, Failure> {
        let Some(token) = cookie::read(headers, self.site(), Purpose::Session) else {
            return Ok(None);
        };
        let session = self.service_provider().session(&token).await?;
        Ok(session.map(|(record, user)| SignedIn { record, user }))
    }

    /// A page of this application.
    pub fn page(&self, title: &str, body: Markup) -> Page {
        Page::new(title, body).with_header(self.site().title())
    }
}

/// The routes of a service provider: `/login`, `/login/complete`, `/logout`, [`ACS`], [`SLO`]
/// and [`METADATA`]. Merge them with the application's own.
///
/// `/login?return_to=/a/path` begins a login that ends at a path of the application; a form
/// that posts to `/logout` ends the session here and at the identity provider.
pub fn sp_router<S: Store>(state: SpState<S>) -> Router {
    let routes = Router::new()
        .route("/login", get(login::<S>))
        .route(ACS, post(receive::<S>))
        .route("/login/complete", get(complete::<S>))
        .route("/logout", post(log_out::<S>))
        .route(SLO, get(logout_redirected::<S>).post(logout_posted::<S>))
        .route(METADATA, get(metadata::<S>));
    with_safe_headers(routes).with_state(state)
}

async fn login<S: Store>(
    State(state): State<SpState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let fields = Fields::of(&uri);
    let options = LoginOptions {
        return_to: fields
            .value("return_to")
            .and_then(local_path)
            .map(str::to_owned),
        ..LoginOptions::default()
    };
    // Several tabs may be on their way to the identity provider: they share the cookie.
    let browser = cookie::read(&headers, state.site(), Purpose::Login);
    let sp = state.service_provider();
    let started = sp.start_login_in(browser, options).await?;
    let mut response = deliver(started.outgoing, sp.party().signer.provider())?;
    cookie::set(
        &mut response,
        state.site(),
        Purpose::Login,
        &started.browser,
        Some(LOGIN_TIME),
    );
    Ok(response)
}

/// The response comes from another site and without cookies: it is verified and set aside, and
/// the GET that follows shows which browser it is.
async fn receive<S: Store>(
    State(state): State<SpState<S>>,
    Body(body): Body,
) -> Result<Response, Failure> {
    let handle = state.service_provider().receive_login(&body).await?;
    see_other(&format!("/login/complete?handle={}", handle.expose()))
}

async fn complete<S: Store>(
    State(state): State<SpState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let handle = Fields::of(&uri).token("handle")?;
    let (site, sp) = (state.site(), state.service_provider());
    let browser = cookie::read(&headers, site, Purpose::Login);
    let previous = cookie::read(&headers, site, Purpose::Session);
    let completed = sp
        .complete_login(&handle, browser.as_ref(), previous.as_ref())
        .await?;
    tracing::info!(session = %completed.session.id, "signed in");
    let to = completed.return_to.as_deref().and_then(local_path);
    let mut response = see_other(to.unwrap_or("/"))?;
    let now = sp.party().clock.now();
    let lasts = until(completed.session.lifetime.not_on_or_after(), now);
    let token = &completed.token;
    cookie::set(&mut response, site, Purpose::Session, token, Some(lasts));
    Ok(response)
}

async fn log_out<S: Store>(
    State(state): State<SpState<S>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (site, sp) = (state.site(), state.service_provider());
    own_origin(&headers, site)?;
    let outgoing = match cookie::read(&headers, site, Purpose::Session) {
        Some(token) => sp.start_logout(&token).await?,
        None => None,
    };
    let mut response = match outgoing {
        Some(outgoing) => deliver_after_form(outgoing, sp.party().signer.provider())?,
        None => signed_out_here(&state),
    };
    cookie::clear(&mut response, site, Purpose::Session);
    Ok(response)
}

async fn logout_redirected<S: Store>(
    State(state): State<SpState<S>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    logout_message(&state, Incoming::Redirect(query.as_deref().unwrap_or(""))).await
}

async fn logout_posted<S: Store>(
    State(state): State<SpState<S>>,
    Body(body): Body,
) -> Result<Response, Failure> {
    logout_message(&state, Incoming::Post(&body)).await
}

async fn logout_message<S: Store>(
    state: &SpState<S>,
    incoming: Incoming<'_>,
) -> Result<Response, Failure> {
    let sp = state.service_provider();
    match sp.receive_logout(incoming).await? {
        LogoutReceived::Answer(outgoing) => deliver(outgoing, sp.party().signer.provider()),
        LogoutReceived::Finished { status } => Ok(finished(state, &status)),
    }
}

async fn metadata<S: Store>(State(state): State<SpState<S>>) -> Response {
    let xml = state.service_provider().metadata();
    ([(CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response()
}

/// What the identity provider says of the logout that began here.
fn finished<S: Store>(state: &SpState<S>, status: &Status) -> Response {
    let partial = status.subcode == Some(StatusCode::PartialLogout);
    let everywhere = status.is_success() && !partial;
    let body = html! {
        h1 { "You are signed out" }
        @if everywhere {
            p.message.good role="status" {
                "Your session here has ended, and so has your single sign-on session. Every \
                 application that took part confirmed its sign-out."
            }
        } @else if status.is_success() {
            p.message.warn role="status" {
                "Your session here has ended, and so has your single sign-on session. Not every \
                 application confirmed its sign-out."
            }
        } @else {
            p.message.warn role="status" {
                "Your session here has ended. Your identity provider could not sign you out \
                 everywhere: close the browser to be sure."
            }
        }
        p.actions-row { a.button href="/" { "Go to the start page" } }
    };
    state.page("Signed out", body).into_response()
}

/// There was nobody to ask.
fn signed_out_here<S: Store>(state: &SpState<S>) -> Response {
    let body = html! {
        h1 { "You are signed out here" }
        p role="status" { "You have no session in this application." }
        p.actions-row { a.button href="/" { "Go to the start page" } }
    };
    state.page("Signed out", body).into_response()
}
