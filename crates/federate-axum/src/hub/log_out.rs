//! Single logout: messages of applications, and the page that tells how far it is.

use super::HubState;
use super::home::LOG_OUT;
use crate::cookie::{self, Purpose};
use crate::deliver::{deliver, see_other};
use crate::failure::Failure;
use crate::form::{Body, Fields, Handle, own_origin, shown_to_browser};
use crate::page::Page;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use federate::hub::{LogoutPage, LogoutPhase};
use federate::logout::{HubOutcome, NoAnswer, Outcome};
use federate::{Incoming, Outgoing, Store, Token};
use maud::{Markup, html};

/// How long the page is shown before the browser goes to the next application.
const NEXT: u8 = 1;

/// How long the page waits before it looks again at an application that was asked.
const AGAIN: u8 = 5;

/// How long the result is shown before the browser returns to the application that asked.
const RETURN: u8 = 5;

pub(super) async fn redirected<S: Store>(
    State(state): State<HubState<S>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let message = Incoming::Redirect(query.as_deref().unwrap_or(""));
    let handle = state.hub().receive_logout(message).await?;
    see_other(&address(&handle))
}

pub(super) async fn posted<S: Store>(
    State(state): State<HubState<S>>,
    Body(body): Body,
) -> Result<Response, Failure> {
    let handle = state.hub().receive_logout(Incoming::Post(&body)).await?;
    see_other(&address(&handle))
}

/// The button of the hub's own page.
pub(super) async fn log_out<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let proof = |browser: &Token| state.hub().form_proof(browser, LOG_OUT);
    shown_to_browser(&headers, state.site(), &Fields::parse(&body), proof)?;
    let Some(session) = state.session_cookie(&headers) else {
        return see_other("/");
    };
    let handle = state.hub().log_out(&session).await?;
    let mut response = see_other(&address(&handle))?;
    cookie::clear(&mut response, state.site(), Purpose::Session);
    Ok(response)
}

pub(super) async fn progress<S: Store>(
    State(state): State<HubState<S>>,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    let logout = state.hub().logout_page(&handle).await?;
    Ok(page(&state, &handle, &logout).into_response())
}

pub(super) async fn next<S: Store>(
    State(state): State<HubState<S>>,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    let outgoing = state.hub().next_logout(&handle).await?;
    go(&state, &handle, outgoing)
}

pub(super) async fn skip<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    own_origin(&headers, state.site())?;
    state.hub().skip_logout(&handle).await?;
    see_other(&address(&handle))
}

pub(super) async fn finish<S: Store>(
    State(state): State<HubState<S>>,
    Handle(handle): Handle,
) -> Result<Response, Failure> {
    let outgoing = state.hub().finish_logout(&handle).await?;
    go(&state, &handle, outgoing)
}

fn go<S: Store>(
    state: &HubState<S>,
    handle: &Token,
    outgoing: Option<Outgoing>,
) -> Result<Response, Failure> {
    match outgoing {
        Some(outgoing) => deliver(outgoing, state.provider()),
        None => see_other(&address(handle)),
    }
}

fn address(handle: &Token) -> String {
    format!("/logout/{}", handle.expose())
}

fn page<S: Store>(state: &HubState<S>, handle: &Token, logout: &LogoutPage) -> Page {
    let base = address(handle);
    match logout.phase {
        LogoutPhase::Asking => asking(state, &base, logout),
        LogoutPhase::Answering => {
            let to = format!("{base}/finish");
            let back = logout.initiator.as_deref().unwrap_or("the application");
            let body = html! {
                (result(logout))
                p.note { "You return to " (back) " in a few seconds." }
                p.actions-row { a.button id="return" href=(to) { "Return to " (back) } }
            };
            state.page("Signed out", body).going_on_after(RETURN, to)
        }
        LogoutPhase::Done { .. } => {
            let body = html! {
                (result(logout))
                p.actions-row { a.button.second href="/" { "Go to the hub's page" } }
            };
            state.page("Signed out", body)
        }
    }
}

/// The page while applications are still to be asked.
fn asking<S: Store>(state: &HubState<S>, base: &str, logout: &LogoutPage) -> Page {
    let current = logout.applications.iter().find_map(|application| {
        let Outcome::Asking { sent } = application.outcome else {
            return None;
        };
        Some((application.name.as_str(), sent))
    });
    let next = format!("{base}/next");
    // An application that was asked and did not send the browser back is not asked again by
    // itself: the page looks again until the time for it is over.
    let waits = current.is_some_and(|(_, sent)| sent);
    let (seconds, to) = match waits {
        true => (AGAIN, base.to_owned()),
        false => (NEXT, next.clone()),
    };
    let body = html! {
        h1 { "Signing you out" }
        p role="status" {
            (hub_text(logout.hub))
            @match current {
                Some((name, false)) => { " Now asking " strong { (name) } "." }
                Some((name, true)) => { " Waiting for " strong { (name) } ", which has not answered yet." }
                None => {}
            }
        }
        (table(logout))
        div.actions-row {
            a.button id="continue" href=(next) {
                @if waits { "Ask again" } @else { "Continue" }
            }
            form method="post" action={ (base) "/skip" } {
                button.second id="skip" {
                    "Skip" @if let Some((name, _)) = current { " " (name) }
                }
            }
        }
    };
    let page = state.page("Signing out", body).with_forms_to("'self'");
    page.going_on_after(seconds, to)
}

fn result(logout: &LogoutPage) -> Markup {
    html! {
        h1 { @if logout.complete { "You are signed out" } @else { "You are not signed out everywhere" } }
        @if logout.complete {
            p.message.good role="status" {
                (hub_text(logout.hub))
                @if logout.applications.is_empty() {
                } @else if logout.initiator.is_some() {
                    " Every other application confirmed its sign-out."
                } @else {
                    " Every application confirmed its sign-out."
                }
            }
        } @else {
            p.message.warn role="status" {
                (hub_text(logout.hub))
                " Not every application confirmed that you are signed out there. Where it says so \
                 below, sign out in the application itself, or close the browser."
            }
        }
        (table(logout))
    }
}

const fn hub_text(hub: HubOutcome) -> &'static str {
    match hub {
        HubOutcome::Ended => "Your session at the hub has ended.",
        HubOutcome::Revoking => "Your session at the hub is being ended.",
        HubOutcome::Failed => "Your session at the hub could not be ended.",
    }
}

fn table(logout: &LogoutPage) -> Markup {
    html! {
        @if logout.initiator.is_none() && logout.applications.is_empty() {
            p { "You were not signed in to any application." }
        } @else {
            table id="result" {
                thead { tr { th scope="col" { "Application" } th scope="col" { "Sign-out" } } }
                tbody {
                    @if let Some(name) = &logout.initiator {
                        tr {
                            th scope="row" { (name) }
                            td { span.state { "Asked for this sign-out" } }
                        }
                    }
                    @for application in &logout.applications {
                        @let (class, text) = outcome(&application.outcome);
                        tr {
                            th scope="row" { (application.name) }
                            td { span class={ "state " (class) } { (text) } }
                        }
                    }
                }
            }
        }
    }
}

/// Words for what became of an application, and the colour that underlines them.
const fn outcome(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Waiting => ("", "Waiting"),
        Outcome::Asking { .. } => ("", "Asking"),
        Outcome::Confirmed => ("good", "Signed out"),
        Outcome::Asked(NoAnswer::TimedOut) => ("warn", "Asked, no answer"),
        Outcome::Asked(NoAnswer::Skipped) => ("warn", "Asked, no answer (skipped)"),
        Outcome::NotSupported => ("warn", "Not supported"),
        _ => ("bad", "Failed"),
    }
}
