//! Signing on: requests of applications, and the sign-in page.

use super::{HubState, upstream};
use crate::cookie::{self, Purpose, until};
use crate::deliver::{deliver, see_other};
use crate::failure::{Failure, Fault};
use crate::form::{Body, Fields, shown_to_browser, token};
use crate::page::Page;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use federate::hub::{AuthenticatedUser, SignInWays, SignOn, SignedIn};
use federate::session::Persistence;
use federate::{Denial, FederateError, Incoming, Store, Token};
use maud::{Markup, html};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a person waits for others' passwords to be checked.
const CHECK_TIME: Duration = Duration::from_secs(10);

/// An AuthnRequest by HTTP-Redirect: a top-level GET has the Lax cookie, so it goes on at once.
pub(super) async fn redirected<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let message = Incoming::Redirect(query.as_deref().unwrap_or(""));
    let handle = state.hub().receive_sign_on(message).await?;
    answer(&state, &headers, &handle).await
}

/// An AuthnRequest by HTTP-POST: it came without the Lax cookie; the GET that follows has it.
pub(super) async fn posted<S: Store>(
    State(state): State<HubState<S>>,
    Body(body): Body,
) -> Result<Response, Failure> {
    let handle = state.hub().receive_sign_on(Incoming::Post(&body)).await?;
    see_other(&format!("/saml/sso/continue?handle={}", handle.expose()))
}

pub(super) async fn go_on<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let handle = Fields::of(&uri).token("handle")?;
    answer(&state, &headers, &handle).await
}

/// Answers a demand by the browser's session, or has the person sign in.
pub(super) async fn answer<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    handle: &Token,
) -> Result<Response, Failure> {
    let session = state.session_cookie(headers);
    match state
        .hub()
        .continue_sign_on(handle, session.as_ref())
        .await?
    {
        SignOn::Respond(outgoing) => deliver(*outgoing, state.provider()),
        SignOn::SignIn { .. } => see_other(&format!("/sign-in?handle={}", handle.expose())),
    }
}

pub(super) async fn sign_in_page<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let session = state.session_cookie(&headers);
    let Some(handle) = Fields::of(&uri).value("handle").map(token).transpose()? else {
        let alive = match &session {
            Some(session) => state.hub().session(session).await?.is_some(),
            None => false,
        };
        if alive {
            return see_other("/");
        }
        let prompt = Prompt::with(state.hub().sign_in_ways());
        return state.with_forms(&headers, |browser| prompt.page(&state, browser));
    };
    match state
        .hub()
        .continue_sign_on(&handle, session.as_ref())
        .await?
    {
        SignOn::Respond(outgoing) => deliver(*outgoing, state.provider()),
        SignOn::SignIn { application, ways } => {
            let prompt = Prompt {
                handle: handle.expose(),
                application: Some(application),
                ..Prompt::with(ways)
            };
            state.with_forms(&headers, |browser| prompt.page(&state, browser))
        }
    }
}

pub(super) async fn sign_in<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let fields = Fields::parse(&body);
    let handle = fields.value("handle").unwrap_or("");
    let proof = |browser: &Token| state.hub().form_proof(browser, &form_name(handle));
    shown_to_browser(&headers, state.site(), &fields, proof)?;
    let name = fields.required("user")?.trim();
    let password = fields.required("password")?;
    let handle = match handle {
        "" => None,
        text => Some(token(text)?),
    };
    let user = match check_password(&state, name, password).await? {
        Ok(user) => user,
        Err(denial) => {
            tracing::warn!(code = denial.code(), "a sign-in was refused");
            return try_again(&state, &headers, handle.as_ref(), name).await;
        }
    };
    let previous = state.session_cookie(&headers);
    let persistence = match fields.has("keep") {
        true => Persistence::Persistent,
        false => Persistence::Ephemeral,
    };
    let hub = state.hub();
    let signed_in = hub.sign_in(&user, persistence, previous.as_ref()).await?;
    to_where_it_was(&state, &signed_in, handle.as_ref())
}

/// Gives the session's cookie, and goes on with the demand that waits for it.
pub(super) fn to_where_it_was<S: Store>(
    state: &HubState<S>,
    signed_in: &SignedIn,
    demand: Option<&Token>,
) -> Result<Response, Failure> {
    let session = &signed_in.session;
    tracing::info!(session = %session.id, "signed in");
    let mut response = match demand {
        Some(handle) => see_other(&format!("/saml/sso/continue?handle={}", handle.expose()))?,
        None => see_other("/")?,
    };
    let lasts = match session.persistence {
        Persistence::Persistent => Some(until(session.lifetime.not_on_or_after(), state.now())),
        Persistence::Ephemeral => None,
    };
    let token = &signed_in.token;
    cookie::set(&mut response, state.site(), Purpose::Session, token, lasts);
    Ok(response)
}

/// The proof of a sign-in form holds for the demand for which it was shown.
fn form_name(handle: &str) -> String {
    format!("sign-in {handle}")
}

/// Checks a password where blocking is allowed, a few at a time.
pub(super) async fn check_password<S: Store>(
    state: &HubState<S>,
    name: &str,
    password: &str,
) -> Result<Result<AuthenticatedUser, Denial>, Failure> {
    let permit = timeout(CHECK_TIME, state.inner.password_checks.acquire());
    let Ok(Ok(_permit)) = permit.await else {
        return Err(Failure::new(Fault::Busy));
    };
    let (state, name, password) = (state.clone(), name.to_owned(), password.to_owned());
    spawn_blocking(move || state.inner.directory.authenticate(&name, &password))
        .await
        .map_err(|_| Failure::new(Fault::Internal))
}

/// The same page once more, with the name that was typed.
async fn try_again<S: Store>(
    state: &HubState<S>,
    headers: &HeaderMap,
    handle: Option<&Token>,
    name: &str,
) -> Result<Response, Failure> {
    let (application, ways) = match handle {
        // Without a session: whoever typed a wrong password is not let in by another one's.
        Some(handle) => match state.hub().continue_sign_on(handle, None).await? {
            SignOn::SignIn { application, ways } => (Some(application), ways),
            SignOn::Respond(_) => return Err(FederateError::from(Denial::UnknownHandle).into()),
        },
        None => (None, state.hub().sign_in_ways()),
    };
    let prompt = Prompt {
        handle: handle.map_or("", Token::expose),
        application,
        ways,
        name,
        refused: true,
    };
    state.with_forms(headers, |browser| {
        prompt
            .page(state, browser)
            .with_status(StatusCode::UNAUTHORIZED)
    })
}

/// What the sign-in page says.
struct Prompt<'a> {
    handle: &'a str,
    application: Option<String>,
    ways: SignInWays,
    name: &'a str,
    refused: bool,
}

impl Prompt<'_> {
    const fn with(ways: SignInWays) -> Self {
        Self {
            handle: "",
            application: None,
            ways,
            name: "",
            refused: false,
        }
    }

    fn page<S: Store>(&self, state: &HubState<S>, browser: &Token) -> Page {
        let proof = state.hub().form_proof(browser, &form_name(self.handle));
        let body = html! {
            h1 { "Sign in" }
            @match &self.application {
                Some(application) => { p { "to continue to " strong { (application) } } }
                None => { p { "to see your session and your applications" } }
            }
            @if self.refused {
                p.message.bad role="alert" { "The user name or the password is wrong." }
            }
            @if self.ways.here && !state.inner.directory.is_empty() { (self.form(&proof)) }
            (self.choices())
        };
        state.page("Sign in", body).narrow()
    }

    fn form(&self, proof: &str) -> Markup {
        let again = !self.name.is_empty();
        html! {
            form method="post" action="/sign-in" {
                input type="hidden" name="proof" value=(proof);
                input type="hidden" name="handle" value=(self.handle);
                label for="user" { "User name" }
                input id="user" name="user" type="text" value=(self.name) required
                    autocomplete="username" autocapitalize="none" spellcheck="false"
                    autofocus[!again];
                label for="password" { "Password" }
                input id="password" name="password" type="password" required
                    autocomplete="current-password" autofocus[again];
                label.check for="keep" {
                    input id="keep" name="keep" type="checkbox" value="yes" checked;
                    " Keep me signed in on this device"
                }
                button id="sign-in" { "Sign in" }
            }
        }
    }

    /// The identity providers at which people can sign in instead.
    fn choices(&self) -> Markup {
        html! {
            @for choice in &self.ways.upstream {
                p.actions-row {
                    a.button.second href=(upstream::login(&choice.entity_id, self.handle)) {
                        "Continue with " (choice.name)
                    }
                }
            }
        }
    }
}
