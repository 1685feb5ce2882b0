//! Messages that leave by the browser.

use crate::failure::{Failure, Fault};
use crate::page::Page;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION};
use axum::response::{IntoResponse, Response};
use federate::crypto::CryptoProvider;
use federate::saml::binding::PostForm;
use federate::{Outgoing, Token};
use maud::html;
use url::Url;

/// Sends the browser on with a GET, whatever brought it here.
pub(crate) fn see_other(location: &str) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(location).map_err(|_| Failure::new(Fault::Internal))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

/// Sends the browser away with a message: a redirect, or a page whose form goes on by itself.
///
/// # Errors
/// When the message's address is none, or the random source fails.
pub fn deliver(outgoing: Outgoing, provider: &CryptoProvider) -> Result<Response, Failure> {
    match outgoing {
        Outgoing::Redirect(location) => see_other(&location),
        Outgoing::Post(form) => submit(&form, provider),
    }
}

/// As [`deliver`], in answer to a form of a page of ours. Chromium applies the page's
/// `form-action` to every redirect that follows, so a page comes in between that goes on at
/// once: the form's own page needs no more than `'self'`.
pub(crate) fn deliver_after_form(
    outgoing: Outgoing,
    provider: &CryptoProvider,
) -> Result<Response, Failure> {
    match outgoing {
        Outgoing::Redirect(location) => {
            let body = html! {
                h1 { "One moment" }
                p { a href=(location) { "Continue" } }
            };
            let page = Page::new("One moment", body).narrow();
            Ok(page.going_on_after(0, location).into_response())
        }
        Outgoing::Post(form) => submit(&form, provider),
    }
}

/// The page that submits a form by itself, and may do nothing else.
pub(crate) fn submit(form: &PostForm, provider: &CryptoProvider) -> Result<Response, Failure> {
    let nonce = Token::random(provider)?;
    let nonce = nonce.expose();
    let to = Url::parse(&form.action).map_err(|_| Failure::new(Fault::Internal))?;
    // Chromium applies form-action to redirects too, and applications redirect from their
    // assertion consumer service to other hosts of theirs: those must be allowed with it.
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; form-action {} https:; base-uri 'none'; \
         frame-ancestors 'none'",
        to.origin().ascii_serialization(),
    );
    let policy = HeaderValue::from_str(&policy).map_err(|_| Failure::new(Fault::Internal))?;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [(CONTENT_TYPE, html), (CONTENT_SECURITY_POLICY, policy)];
    Ok((headers, form.to_html(nonce)).into_response())
}
