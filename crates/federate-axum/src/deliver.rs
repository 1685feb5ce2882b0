//! Messages that leave by the browser.

use crate::failure::{Failure, Fault};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION};
use axum::response::{IntoResponse, Response};
use federate::crypto::CryptoProvider;
use federate::saml::binding::PostForm;
use federate::{Outgoing, Token};
use url::Url;

/// Sends the browser on with a GET, whatever brought it here.
pub(crate) fn see_other(location: &str) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(location).map_err(|_| Failure::new(Fault::Internal))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

/// Sends the browser away with a message.
pub(crate) fn deliver(
    outgoing: Outgoing,
    provider: &CryptoProvider,
) -> Result<Response, Failure> {
    match outgoing {
        Outgoing::Redirect(location) => see_other(&location),
        Outgoing::Post(form) => submit(&form, provider),
    }
}

/// The page that submits a form by itself, and may do nothing else.
pub(crate) fn submit(form: &PostForm, provider: &CryptoProvider) -> Result<Response, Failure> {
    let nonce = Token::random(provider)?;
    let nonce = nonce.expose();
    let to = Url::parse(&form.action).map_err(|_| Failure::new(Fault::Internal))?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; form-action {}; base-uri 'none'; \
         frame-ancestors 'none'",
        to.origin().ascii_serialization(),
    );
    let policy = HeaderValue::from_str(&policy).map_err(|_| Failure::new(Fault::Internal))?;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [(CONTENT_TYPE, html), (CONTENT_SECURITY_POLICY, policy)];
    Ok((headers, form.to_html(nonce)).into_response())
}
