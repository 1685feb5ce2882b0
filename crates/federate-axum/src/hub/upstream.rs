//! Signing in at an identity provider of others: there, and back again.

use super::HubState;
use super::sign_on::to_where_it_was;
use crate::cookie::{self, LOGIN_TIME, Purpose};
use crate::deliver::{address, deliver, see_other};
use crate::failure::Failure;
use crate::form::{Body, Fields, token};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use federate::types::EntityId;
use federate::{Denial, FederateError, Store};

/// Where a sign-in at an identity provider begins.
pub(super) const LOGIN: &str = "/upstream/login";

/// Where the browser goes on after one, with its cookies.
pub(super) const COMPLETE: &str = "/upstream/complete";

/// The address that begins a sign-in there, for the demand of this handle if there is one.
pub(super) fn login(identity_provider: &EntityId, handle: &str) -> String {
    let handle = Some(handle).filter(|handle| !handle.is_empty());
    let idp = Some(identity_provider.as_str());
    address(LOGIN, &[("idp", idp), ("handle", handle)])
}

pub(super) async fn begin<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let fields = Fields::of(&uri);
    let identity_provider = fields.value("idp").map(EntityId::new).transpose()?;
    let demand = fields.value("handle").map(token).transpose()?;
    let browser = cookie::read(&headers, state.site(), Purpose::Login);
    let hub = state.hub();
    let started = hub
        .start_upstream_login(identity_provider, demand.as_ref(), browser)
        .await?;
    let mut response = deliver(started.outgoing, state.provider())?;
    let (site, browser) = (state.site(), &started.browser);
    cookie::set(
        &mut response,
        site,
        Purpose::Login,
        browser,
        Some(LOGIN_TIME),
    );
    Ok(response)
}

/// The response comes from another site and without cookies: it is verified and set aside, and
/// the GET that follows shows which browser it is.
pub(super) async fn receive<S: Store>(
    State(state): State<HubState<S>>,
    Body(body): Body,
) -> Result<Response, Failure> {
    let handle = state.hub().receive_upstream_login(&body).await?;
    see_other(&address(COMPLETE, &[("handle", Some(handle.expose()))]))
}

pub(super) async fn complete<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let handle = Fields::of(&uri).token("handle")?;
    let browser = cookie::read(&headers, state.site(), Purpose::Login);
    let previous = state.session_cookie(&headers);
    let hub = state.hub();
    let done = hub
        .complete_upstream_login(&handle, browser.as_ref(), previous.as_ref())
        .await?;
    to_where_it_was(&state, &done.signed_in, done.demand.as_ref())
}

pub(super) async fn metadata<S: Store>(
    State(state): State<HubState<S>>,
) -> Result<Response, Failure> {
    let sp = state.hub().upstream();
    let sp = sp.ok_or_else(|| FederateError::from(Denial::UnknownPeer))?;
    let kind = [(CONTENT_TYPE, "application/samlmetadata+xml")];
    Ok((kind, sp.metadata()).into_response())
}
