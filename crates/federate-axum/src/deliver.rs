//! Messages that leave by the browser.

use crate::failure::{Failure, Fault};
use crate::page::Page;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, PRAGMA,
};
use axum::response::{IntoResponse, Response};
use federate::crypto::CryptoProvider;
use federate::saml::binding::soap;
use federate::{Outgoing, Token};
use maud::html;
use url::Url;
use url::form_urlencoded;

/// Sends the browser on with a GET, whatever brought it here.
pub(crate) fn see_other(location: &str) -> Result<Response, Failure> {
    let location = HeaderValue::from_str(location).map_err(|_| Failure::new(Fault::Internal))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}

/// The address of a page with these parameters.
pub(crate) fn address(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("{path}?{}", query.finish())
}

/// Sends the browser away with a message, by a redirect or a page whose form goes on by itself;
/// or answers a peer that has asked by SOAP.
///
/// # Errors
/// When the message's address is none, or the random source fails.
pub fn deliver(outgoing: Outgoing, provider: &CryptoProvider) -> Result<Response, Failure> {
    match outgoing {
        Outgoing::Redirect(location) => see_other(&location),
        Outgoing::Post(form) => submit(&form.action, |nonce| form.to_html(nonce), provider),
        Outgoing::SimpleSign(form) => {
            submit(&form.form.action, |nonce| form.to_html(nonce), provider)
        }
        Outgoing::Soap(envelope) => Ok(soap_answer(StatusCode::OK, envelope)),
    }
}

/// `[SAMLBind] 3.2.3.2`: nothing on the way keeps it.
fn soap_answer(status: StatusCode, envelope: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, soap::CONTENT_TYPE),
        (
            CACHE_CONTROL,
            "no-cache, no-store, must-revalidate, private",
        ),
        (PRAGMA, "no-cache"),
    ];
    (status, headers, envelope).into_response()
}

/// Answers a peer whose message was refused; the reason is in the log (`[SAMLBind] 3.2.3.3`).
pub(crate) fn soap_fault(failure: &Failure) -> Response {
    let code = match failure.status().is_server_error() {
        true => soap::FaultCode::Server,
        false => soap::FaultCode::Client,
    };
    let text = format!("The request failed. Reference: {}", failure.correlation());
    soap_answer(StatusCode::INTERNAL_SERVER_ERROR, soap::fault(code, &text))
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
        other => deliver(other, provider),
    }
}

/// The page that submits a form by itself, and may do nothing else.
fn submit(
    action: &str,
    to_html: impl FnOnce(&str) -> String,
    provider: &CryptoProvider,
) -> Result<Response, Failure> {
    let nonce = Token::random(provider)?;
    let nonce = nonce.expose();
    let to = Url::parse(action).map_err(|_| Failure::new(Fault::Internal))?;
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
    Ok((headers, to_html(nonce)).into_response())
}

/// Lets pages frame this answer: ours, and those of others in which ours are frames. Nothing may
/// be in it that a person could be made to press.
pub(crate) fn frameable(response: &mut Response) {
    const NOBODY: &str = "frame-ancestors 'none'";
    let policy = response.headers().get(CONTENT_SECURITY_POLICY);
    let policy = policy.and_then(|policy| policy.to_str().ok());
    let policy = policy.map(|policy| policy.replace(NOBODY, "frame-ancestors *"));
    if let Some(Ok(policy)) = policy.map(|policy| HeaderValue::from_str(&policy)) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
}
