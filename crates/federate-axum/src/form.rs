//! Forms as they come in.

use crate::cookie::{self, Purpose};
use crate::failure::{Failure, Fault};
use crate::site::Site;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use federate::Token;
use federate::saml::binding::soap;
use federate::saml::ecp;
use std::time::Duration;
use tokio::time::timeout;
use url::form_urlencoded;

/// The largest body that is read: a message of 1 MiB, in base64 and a little more.
pub(crate) const MAX_BODY: usize = 1536 * 1024;

/// How long a browser may take to send it.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The body of a form, as it came.
pub(crate) struct Body(pub(crate) String);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if !is_of_type(&request, FORM) {
            return Err(Failure::new(Fault::NotAForm));
        }
        form(request).await.map(Self)
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// An envelope that a peer sent.
pub(crate) struct Envelope(pub(crate) Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Envelope {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if !soap::is_content_type(content_type(&request)) {
            return Err(Failure::new(Fault::NotAnEnvelope));
        }
        octets(request).await.map(Self)
    }
}

/// What comes to an assertion consumer service.
pub(crate) enum Arrived {
    /// A form, from a browser.
    Form(String),
    /// An envelope, from an enhanced client. No page of another site can make a browser send
    /// one: for this type it asks first, and is not allowed.
    Paos(Vec<u8>),
}

impl<S: Send + Sync> FromRequest<S> for Arrived {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if is_of_type(&request, ecp::CONTENT_TYPE) {
            return octets(request).await.map(Self::Paos);
        }
        if !is_of_type(&request, FORM) {
            return Err(Failure::new(Fault::NotAForm));
        }
        form(request).await.map(Self::Form)
    }
}

/// What comes to a single logout service: from a browser, or from a peer itself. No page of
/// another site can make a browser send an envelope's type without asking first.
pub(crate) enum FormOrEnvelope {
    /// A form, from a browser.
    Form(String),
    /// An envelope, from a peer.
    Envelope(Vec<u8>),
}

impl<S: Send + Sync> FromRequest<S> for FormOrEnvelope {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if soap::is_content_type(content_type(&request)) {
            return octets(request).await.map(Self::Envelope);
        }
        if !is_of_type(&request, FORM) {
            return Err(Failure::new(Fault::NotAForm));
        }
        form(request).await.map(Self::Form)
    }
}

fn content_type(request: &Request) -> &str {
    let kind = request.headers().get(CONTENT_TYPE);
    kind.and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn is_of_type(request: &Request, expected: &str) -> bool {
    let kind = content_type(request).split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case(expected)
}

async fn octets(request: Request) -> Result<Vec<u8>, Failure> {
    let octets = timeout(BODY_TIME, to_bytes(request.into_body(), MAX_BODY))
        .await
        .map_err(|_| Failure::new(Fault::BodyTooSlow))?
        // It is too large, or the connection broke and nobody reads the answer.
        .map_err(|_| Failure::new(Fault::BodyTooLarge))?;
    Ok(octets.into())
}

async fn form(request: Request) -> Result<String, Failure> {
    let octets = octets(request).await?;
    String::from_utf8(octets).map_err(|_| Failure::new(Fault::NotAForm))
}

/// The fields of one of our own forms, or the parameters of one of our own addresses.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Self(pairs.into_owned().collect())
    }

    pub(crate) fn of(uri: &Uri) -> Self {
        Self::parse(uri.query().unwrap_or(""))
    }

    /// The value of a field that occurs once.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }

    /// A field that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.value(name)
            .ok_or_else(|| Failure::new(Fault::Parameter))
    }

    /// A token that must be there.
    pub(crate) fn token(&self, name: &str) -> Result<Token, Failure> {
        token(self.required(name)?)
    }
}

/// The handle in an address such as `/logout/{handle}`.
pub(crate) struct Handle(pub(crate) Token);

impl<S: Send + Sync> FromRequestParts<S> for Handle {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => token(&text).map(Self),
            Err(_) => Err(Failure::new(Fault::Parameter)),
        }
    }
}

pub(crate) fn token(text: &str) -> Result<Token, Failure> {
    Token::parse(text).ok_or_else(|| Failure::new(Fault::Parameter))
}

/// Refuses one of our own forms when the browser says that another origin's page sent it.
pub(crate) fn own_origin(headers: &HeaderMap, site: &Site) -> Result<(), Failure> {
    let own = |value: &axum::http::HeaderValue| value.as_bytes() == site.origin().as_bytes();
    match headers.get_all(ORIGIN).into_iter().all(own) {
        true => Ok(()),
        false => Err(Failure::new(Fault::OtherOrigin)),
    }
}

/// Refuses one of our own forms unless it was shown to this browser: `proof` makes what the
/// form must carry from the browser's cookie.
pub(crate) fn shown_to_browser(
    headers: &HeaderMap,
    site: &Site,
    fields: &Fields,
    proof: impl FnOnce(&Token) -> String,
) -> Result<(), Failure> {
    own_origin(headers, site)?;
    let expected = cookie::read(headers, site, Purpose::Form).map(|browser| proof(&browser));
    match (expected, fields.value("proof")) {
        (Some(expected), Some(actual)) if same(&expected, actual) => Ok(()),
        _ => Err(Failure::new(Fault::NotShown)),
    }
}

/// Compares in a time that does not depend on where they differ.
fn same(a: &str, b: &str) -> bool {
    let differences = a.bytes().zip(b.bytes()).fold(0, |d, (a, b)| d | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_field_counts_if_it_occurs_once() {
        let fields = Fields::parse("a=1&b=2&b=3&c=%C3%A9+x&d");
        assert_eq!(fields.value("a"), Some("1"));
        assert_eq!(fields.value("b"), None);
        assert_eq!(fields.value("c"), Some("\u{e9} x"));
        assert_eq!(fields.value("d"), Some(""));
        assert_eq!(fields.value("e"), None);
    }

    #[test]
    fn only_our_own_origin_may_send_our_forms() {
        let site = Site::new("https://a.example", "a", "A").unwrap();
        let origin = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(ORIGIN, HeaderValue::from_static(value));
            own_origin(&headers, &site).is_ok()
        };
        assert!(own_origin(&HeaderMap::new(), &site).is_ok());
        assert!(origin("https://a.example"));
        for other in ["null", "http://a.example", "https://a.example.evil", ""] {
            assert!(!origin(other));
        }
    }
}
