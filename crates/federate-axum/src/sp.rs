//! A service provider on the web.

mod choose;
mod signed_in;

pub use choose::Choice;
pub use signed_in::{NotSignedIn, Sessions, SignedIn};

use crate::cookie::{self, LOGIN_TIME, Purpose, until};
use crate::deliver::{address, deliver, deliver_after_form, see_other, soap_fault};
use crate::failure::Failure;
use crate::form::{Arrived, Fields, FormOrEnvelope, own_origin};
use crate::headers::with_safe_headers;
use crate::page::Page;
use crate::return_to::local_path;
use crate::site::Site;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use choose::{CHOOSE, Search};
use federate::AnyBackChannel;
use federate::saml::ecp;
use federate::types::{Binding, EntityId, Status, StatusCode};
use federate::{
    BackChannel, CompletedLogin, Incoming, LoginOptions, LogoutReceived, ServiceProvider, Store,
    Token,
};
use maud::{Markup, html};
use std::sync::Arc;

/// Where a service provider takes responses: the assertion consumer service of its metadata.
pub const ACS: &str = "/saml/acs";

/// Where a service provider takes logout messages.
pub const SLO: &str = "/saml/slo";

/// Where a service provider's metadata is found.
pub const METADATA: &str = "/saml/metadata";

/// What the routes of [`sp_router`] share.
pub struct SpState<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    sp: Arc<ServiceProvider<S>>,
    site: Site,
    channel: AnyBackChannel,
    login: LoginOptions,
    /// Finds identity providers by what a person types.
    search: Option<Arc<Search>>,
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
            inner: Arc::new(Inner {
                sp,
                site,
                channel: AnyBackChannel::default(),
                login: LoginOptions::default(),
                search: None,
            }),
        }
    }

    /// What every login asks for. Where it goes, and whom it asks, its address may say.
    #[must_use]
    pub fn with_login_options(self, login: LoginOptions) -> Self {
        self.with(|inner| inner.login = login)
    }

    /// Fetches responses of which artifacts come by this channel; without one, artifacts are
    /// refused.
    #[must_use]
    pub fn with_back_channel(self, channel: impl BackChannel + 'static) -> Self {
        self.with(|inner| inner.channel = AnyBackChannel::new(channel))
    }

    /// Lets people choose their identity provider on a page: this gives those that fit what a
    /// person has typed, the best first. A
    /// [`SearchIndex`](federate::metadata::SearchIndex) over a federation finds them.
    #[must_use]
    pub fn with_choice(self, search: impl Fn(&str) -> Vec<Choice> + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.search = Some(Arc::new(search)))
    }

    fn with(self, change: impl FnOnce(&mut Inner<S>)) -> Self {
        let mut inner = Inner {
            sp: Arc::clone(&self.inner.sp),
            site: self.inner.site.clone(),
            channel: self.inner.channel.clone(),
            login: self.inner.login.clone(),
            search: self.inner.search.clone(),
        };
        change(&mut inner);
        Self {
            inner: Arc::new(inner),
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
/// `/login?return_to=/a/path` begins a login that ends at a path of the application, and
/// `/login?idp=...` one at an identity provider of that entity identifier; a form that posts to
/// `/logout` ends the session here and at the identity provider.
pub fn sp_router<S: Store>(state: SpState<S>) -> Router {
    let routes = Router::new()
        .route("/login", get(login::<S>))
        .route(CHOOSE, get(choose::choose::<S>))
        .route(ACS, get(receive_redirected::<S>).post(receive_posted::<S>))
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
    let return_to = fields.value("return_to").and_then(local_path);
    let mut options = LoginOptions {
        return_to: return_to.map(str::to_owned),
        ..state.inner.login.clone()
    };
    if let Some(idp) = fields.value("idp") {
        options.identity_provider = Some(EntityId::new(idp)?);
    }
    let sp = state.service_provider();
    if sp.takes_responses_by(Binding::Paos) && is_enhanced_client(&headers) {
        let envelope = sp.start_ecp_login(options).await?;
        return Ok(([(CONTENT_TYPE, ecp::CONTENT_TYPE)], envelope).into_response());
    }
    if options.identity_provider.is_none() && state.inner.search.is_some() {
        return see_other(&address(CHOOSE, &[("return_to", return_to)]));
    }
    // Several tabs may be on their way to the identity provider: they share the cookie.
    let browser = cookie::read(&headers, state.site(), Purpose::Login);
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

/// Whether the request is of a program that would ask the identity provider itself
/// (`[SAMLProf] 4.2.3.1`).
fn is_enhanced_client(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    text(ACCEPT.as_str())
        .zip(text("PAOS"))
        .is_some_and(|(accept, paos)| ecp::accepts_paos(accept, paos))
}

/// An artifact: the response itself is fetched from the identity provider.
async fn receive_redirected<S: Store>(
    State(state): State<SpState<S>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let incoming = Incoming::Redirect(query.as_deref().unwrap_or(""));
    receive_artifact(&state, incoming).await
}

async fn receive_artifact<S: Store>(
    state: &SpState<S>,
    incoming: Incoming<'_>,
) -> Result<Response, Failure> {
    let sp = state.service_provider();
    let handle = sp.receive_artifact(incoming, &state.inner.channel).await?;
    go_on(&handle)
}

/// The response comes from another site and without cookies: it is verified and set aside, and
/// the GET that follows shows which browser it is. That of an enhanced client is its last word.
async fn receive_posted<S: Store>(
    State(state): State<SpState<S>>,
    headers: HeaderMap,
    arrived: Arrived,
) -> Result<Response, Failure> {
    let sp = state.service_provider();
    match arrived {
        Arrived::Form(body) if Fields::parse(&body).has("SAMLart") => {
            receive_artifact(&state, Incoming::Post(&body)).await
        }
        Arrived::Form(body) => go_on(&sp.receive_login(&body).await?),
        Arrived::Paos(envelope) => {
            let previous = cookie::read(&headers, state.site(), Purpose::Session);
            let completed = sp.receive_ecp_login(&envelope, previous.as_ref()).await?;
            signed_in(&state, &completed)
        }
    }
}

fn go_on(handle: &Token) -> Result<Response, Failure> {
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
    signed_in(&state, &completed)
}

/// Gives the session's cookie, and goes where the person wanted to be.
fn signed_in<S: Store>(
    state: &SpState<S>,
    completed: &CompletedLogin,
) -> Result<Response, Failure> {
    let (site, sp) = (state.site(), state.service_provider());
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
    arrived: FormOrEnvelope,
) -> Response {
    match arrived {
        FormOrEnvelope::Form(body) => {
            let answer = logout_message(&state, Incoming::Post(&body)).await;
            answer.into_response()
        }
        FormOrEnvelope::Envelope(envelope) => {
            let answer = logout_message(&state, Incoming::Soap(&envelope)).await;
            answer.unwrap_or_else(|failure| soap_fault(&failure))
        }
    }
}

async fn logout_message<S: Store>(
    state: &SpState<S>,
    incoming: Incoming<'_>,
) -> Result<Response, Failure> {
    let sp = state.service_provider();
    match sp.receive_logout(incoming).await? {
        // [AsyncSLO]: nothing goes back.
        LogoutReceived::Ended => Ok(axum::http::StatusCode::NO_CONTENT.into_response()),
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
