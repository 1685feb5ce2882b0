//! Whether somebody is signed in, for pages of applications.

use super::HubState;
use crate::failure::{Failure, Fault};
use axum::extract::State;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use federate::Store;
use federate::hub::SsoStatus;

/// Answers pages of applications alone, each about itself (`Origin` and CORS). Whoever asks
/// without an origin of theirs is told `{"sso":false}`, signed in or not.
///
/// The session's cookie is SameSite=Lax: only pages of the hub's own site bring it. Others ask
/// by a passive AuthnRequest (`[SAMLCore] 3.4.1`), as a top-level navigation.
pub(super) async fn status<S: Store>(
    State(state): State<HubState<S>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let origin = headers
        .get(ORIGIN)
        .filter(|_| headers.get_all(ORIGIN).iter().count() == 1);
    let asked = match origin.and_then(|origin| origin.to_str().ok()) {
        Some(origin) => {
            let session = state.session_cookie(&headers);
            state.hub().sso_status(origin, session.as_ref()).await?
        }
        None => None,
    };
    let known = asked.is_some();
    let status = serde_json::to_string(&asked.unwrap_or_else(SsoStatus::default));
    let status = status.map_err(|_| Failure::new(Fault::Internal))?;
    let mut response = ([(CONTENT_TYPE, "application/json")], status).into_response();
    let to = response.headers_mut();
    to.insert(VARY, HeaderValue::from_static("Origin, Cookie"));
    if let Some(origin) = origin.filter(|_| known) {
        to.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let yes = HeaderValue::from_static("true");
        to.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
    Ok(response)
}
