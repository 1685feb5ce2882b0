//! The hub's own page: the session, its applications, and what can be done.

use super::HubState;
use super::sign_on::answer;
use crate::failure::Failure;
use crate::form::{Body, Fields, shown_to_browser};
use crate::page::{Page, instant};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use federate::hub::SessionView;
use federate::types::EntityId;
use federate::{Denial, FederateError, Store, Token};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Names the form that opens an application.
const OPEN: &str = "open";

/// Names the form that ends the session.
pub(super) const LOG_OUT: &str = "log-out";

pub(super) async fn home<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let view = match state.session_cookie(&headers) {
        Some(token) => state.hub().session(&token).await?,
        None => None,
    };
    match view {
        Some(view) => state.with_forms(&headers, |browser| signed_in(&state, &view, browser)),
        None => Ok(signed_out(&state).into_response()),
    }
}

pub(super) async fn open<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    let fields = Fields::parse(&body);
    let proof = |browser: &Token| state.hub().form_proof(browser, OPEN);
    shown_to_browser(&headers, state.site(), &fields, proof)?;
    let application = EntityId::new(fields.required("application")?);
    let application = application.map_err(|_| FederateError::from(Denial::UnknownPeer))?;
    let handle = state.hub().begin_sign_on(&application).await?;
    answer(&state, &headers, &handle).await
}

fn signed_out<S: Store>(state: &HubState<S>) -> Page {
    let body = html! {
        h1 { "You are not signed in" }
        p { "Sign in once, and use every application that is connected to this hub." }
        p.actions-row { a.button href="/sign-in" { "Sign in" } }
    };
    state.page("Signed out", body).narrow()
}

fn signed_in<S: Store>(state: &HubState<S>, view: &SessionView, browser: &Token) -> Page {
    let name = view.user.subject.subject();
    let shown = view.user.profile.first("name").unwrap_or(name);
    let body = html! {
        h1 { "Signed in as " (shown) }
        h2 id="session" { "Your session" }
        (session(view))
        h2 id="applications" { "Applications" }
        (applications(state, view, browser))
        form.actions-row method="post" action="/logout" {
            input type="hidden" name="proof" value=(state.hub().form_proof(browser, LOG_OUT));
            button id="log-out" { "Log out everywhere" }
        }
    };
    state.page("Your session", body)
}

fn session(view: &SessionView) -> Markup {
    let lifetime = &view.record.lifetime;
    html! {
        table.facts aria-labelledby="session" {
            tr { th scope="row" { "User name" } td { (view.user.subject.subject()) } }
            @if let Some(email) = view.user.profile.first("email") {
                tr { th scope="row" { "E-mail address" } td { (email) } }
            }
            tr { th scope="row" { "Signed in" } td { (instant(lifetime.created)) } }
            tr { th scope="row" { "Ends if not used by" } td { (instant(lifetime.expires())) } }
            tr { th scope="row" { "Ends at the latest" } td { (instant(lifetime.not_on_or_after())) } }
        }
    }
}

/// Every application: those that are configured can be opened, those that took part in the
/// session say since when.
fn applications<S: Store>(state: &HubState<S>, view: &SessionView, browser: &Token) -> Markup {
    let mut first: BTreeMap<&EntityId, DateTime<Utc>> = BTreeMap::new();
    for participant in &view.participants {
        let at = first
            .entry(&participant.entity_id)
            .or_insert(participant.added_at);
        *at = participant.added_at.min(*at);
    }
    let configured = state.hub().identity_provider().applications();
    let former = first.iter().filter(|(id, _)| !configured.contains_key(id));
    let proof = state.hub().form_proof(browser, OPEN);
    html! {
        @if configured.is_empty() && first.is_empty() {
            p.note { "No application is connected to this hub yet." }
        } @else {
            table.actions aria-labelledby="applications" {
                thead { tr {
                    th scope="col" { "Application" }
                    th scope="col" { "First sign-on in this session" }
                    th scope="col" { "Action" }
                } }
                tbody {
                    @for (id, application) in configured {
                        tr {
                            th.middle scope="row" { (application.name) }
                            td.middle {
                                @match first.get(id) {
                                    Some(at) => { (instant(*at)) }
                                    None => { "Not yet" }
                                }
                            }
                            td { (open_form(id, &application.name, &proof)) }
                        }
                    }
                    @for (id, at) in former {
                        tr {
                            th scope="row" { (id) }
                            td { (instant(*at)) }
                            td { "No longer connected" }
                        }
                    }
                }
            }
        }
    }
}

fn open_form(id: &EntityId, name: &str, proof: &str) -> Markup {
    html! {
        form method="post" action="/open" {
            input type="hidden" name="proof" value=(proof);
            input type="hidden" name="application" value=(id);
            button.second aria-label=(format!("Open {name}")) { "Open" }
        }
    }
}
