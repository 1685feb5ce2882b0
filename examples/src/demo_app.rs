//! A demo application: a service provider with one page.

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use federate::types::NameId;
use federate_axum::{
    Page, Sessions, SignedIn, SpState, instant, no_such_method, no_such_page, sp_router,
    with_safe_headers,
};
use federate_store::RedbStore;
use maud::{Markup, html};

/// What its page needs.
#[derive(Clone)]
pub(crate) struct DemoApp {
    pub(crate) sp: SpState<RedbStore>,
    /// The other application: its name, and where one is signed in to it.
    pub(crate) other: (String, String),
    /// The hub's page.
    pub(crate) hub: String,
}

impl FromRef<DemoApp> for Sessions {
    fn from_ref(app: &DemoApp) -> Self {
        Self::of(&app.sp)
    }
}

/// All routes of the application.
pub(crate) fn router(app: DemoApp) -> Router {
    let pages = Router::new()
        .route("/", get(home))
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_method);
    let sp = sp_router(app.sp.clone());
    with_safe_headers(pages).with_state(app).merge(sp)
}

async fn home(State(app): State<DemoApp>, person: Option<SignedIn>) -> Response {
    match person {
        Some(person) => signed_in(&app, &person).into_response(),
        None => signed_out(&app).into_response(),
    }
}

fn signed_out(app: &DemoApp) -> Page {
    let body = html! {
        h1 { "You are not signed in" }
        p { "This application leaves signing in to the hub: it learns who you are, never your password." }
        p.actions-row { a.button id="sign-in" href="/login" { "Sign in" } }
        (links(app))
    };
    app.sp.page("Signed out", body)
}

fn signed_in(app: &DemoApp, person: &SignedIn) -> Page {
    let lifetime = &person.record.lifetime;
    let profile = &person.user.profile;
    let body = html! {
        h1 { "Signed in" @if let Some(name) = profile.first("name") { " as " (name) } }
        p { "This is what the hub told this application." }
        h2 id="subject" { "Name" }
        @if let Some(name_id) = person.name_id() { (subject(name_id)) }
        h2 id="attributes" { "Attributes" }
        table.facts aria-labelledby="attributes" {
            @for (name, values) in &profile.attributes {
                tr { th scope="row" { (name) } td { (values.join(", ")) } }
            }
        }
        h2 id="session" { "Session" }
        table.facts aria-labelledby="session" {
            tr { th scope="row" { "Signed in at the hub" } td { (instant(person.record.authn_instant)) } }
            tr { th scope="row" { "Opened here" } td { (instant(lifetime.created)) } }
            tr { th scope="row" { "Ends if not used by" } td { (instant(lifetime.expires())) } }
            tr { th scope="row" { "Ends at the latest" } td { (instant(lifetime.not_on_or_after())) } }
        }
        form.actions-row method="post" action="/logout" {
            button id="log-out" { "Log out everywhere" }
        }
        (links(app))
    };
    app.sp.page("Signed in", body).with_forms_to("'self'")
}

fn subject(name_id: &NameId) -> Markup {
    html! {
        table.facts aria-labelledby="subject" {
            tr { th scope="row" { "NameID" } td id="name-id" { (name_id.value()) } }
            tr {
                th scope="row" { "Format" }
                td { code id="name-id-format" { (name_id.format_or_unspecified().uri()) } }
            }
        }
    }
}

fn links(app: &DemoApp) -> Markup {
    let (name, address) = &app.other;
    html! {
        p.note {
            a id="other" href=(address) { "Open " (name) }
            " or go to "
            a id="hub" href=(app.hub) { "the hub's page" }
            "."
        }
    }
}
