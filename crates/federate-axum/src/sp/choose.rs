//! "Find your organization": the page on which a person says who can tell who they are.

use super::SpState;
use crate::deliver::address;
use crate::form::Fields;
use crate::return_to::local_path;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use federate::Store;
use federate::types::EntityId;
use maud::html;

/// Where the page is.
pub(super) const CHOOSE: &str = "/login/choose";

/// The longest text that is searched for, in characters.
const LONGEST: usize = 100;

/// An identity provider that a person can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Who it is.
    pub entity_id: EntityId,
    /// What people call it.
    pub name: String,
}

/// Gives the identity providers for what a person has typed, the best first.
pub(super) type Search = dyn Fn(&str) -> Vec<Choice> + Send + Sync;

pub(super) async fn choose<S: Store>(State(state): State<SpState<S>>, uri: Uri) -> Response {
    let fields = Fields::of(&uri);
    let return_to = fields.value("return_to").and_then(local_path);
    let typed: String = fields
        .value("q")
        .unwrap_or("")
        .chars()
        .take(LONGEST)
        .collect();
    let typed = typed.trim();
    let search = state.inner.search.as_ref().filter(|_| !typed.is_empty());
    let found = search.map_or_else(Vec::new, |search| search(typed));
    let body = html! {
        h1 { "Find your organization" }
        form method="get" action=(CHOOSE) {
            @if let Some(path) = return_to {
                input type="hidden" name="return_to" value=(path);
            }
            label for="q" { "Name or domain of your organization" }
            input id="q" name="q" type="search" value=(typed) required autofocus
                maxlength=(LONGEST) autocomplete="organization";
            button { "Search" }
        }
        @if !found.is_empty() {
            ul #found {
                @for choice in &found {
                    @let idp = Some(choice.entity_id.as_str());
                    @let parameters = [("idp", idp), ("return_to", return_to)];
                    li { a href=(address("/login", &parameters)) { (choice.name) } }
                }
            }
        } @else if !typed.is_empty() {
            p.message.warn role="status" { "Nothing of that name was found." }
        }
    };
    state
        .page("Find your organization", body)
        .narrow()
        .with_forms_to("'self'")
        .into_response()
}
