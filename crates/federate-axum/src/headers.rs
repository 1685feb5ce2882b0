//! Headers that every answer carries, and the answers where there is nothing.

use crate::failure::{Failure, Fault};
use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::map_response;
use axum::response::Response;

/// Sets the headers that every answer of these routes must carry, unless it carries its own:
/// nothing is cached, sniffed, framed, loaded or referred to.
pub fn with_safe_headers<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(map_response(|mut response: Response| async move {
        let headers = response.headers_mut();
        default(headers, CACHE_CONTROL, "no-store");
        default(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
        default(headers, REFERRER_POLICY, "no-referrer");
        let nothing = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
        default(headers, CONTENT_SECURITY_POLICY, nothing);
        response
    }))
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert_with(|| HeaderValue::from_static(value));
}

/// The answer where there is no page.
pub async fn no_such_page() -> Failure {
    Failure::new(Fault::NoSuchPage)
}

/// The answer to a method that a page does not have.
pub async fn no_such_method() -> Failure {
    Failure::new(Fault::NoSuchMethod)
}
