//! Pages of applications ask whether somebody is signed in.

use crate::browser::{Browser, Page};
use crate::world::World;
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, COOKIE, ORIGIN, VARY,
};
use axum::http::{HeaderValue, Request};
use federate::LoginOptions;
use federate_testkit::parties::Parties;

fn world() -> World {
    let provider = federate::crypto::aws_lc_provider();
    let options = |application: &mut federate::Application| {
        if application.name == "Application A" {
            application.web_origins = vec!["https://a.example".to_owned()];
        }
    };
    let parties = Parties::with_options(provider, options, |_| {});
    World::of(parties, LoginOptions::default())
}

/// What a script of this origin would be answered, if its browser sends the cookie.
async fn ask(browser: &mut Browser, origin: Option<&str>) -> Page {
    let url = url::Url::parse("https://hub.example/sso/status").unwrap();
    let cookie = browser.cookie("hub.example", "__Host-hub_session");
    let cookie = format!("__Host-hub_session={}", cookie.unwrap_or("none"));
    let mut request = Request::get("/sso/status").header(COOKIE, cookie);
    if let Some(origin) = origin {
        request = request.header(ORIGIN, origin);
    }
    let request = request.body(Body::empty()).unwrap();
    browser.answer(&url, request).await
}

#[tokio::test]
async fn an_applications_own_page_learns_whether_somebody_is_signed_in() {
    let world = world();
    let mut browser = world.browser();
    let page = ask(&mut browser, Some("https://a.example")).await;
    assert_eq!(page.body, r#"{"sso":false}"#);
    let mut browser = world.signed_in().await;
    let page = ask(&mut browser, Some("https://a.example")).await;
    let said: serde_json::Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!(said["sso"], true);
    assert_eq!(
        said["sessionClients"],
        serde_json::json!(["https://a.example"])
    );
    assert_eq!(said["lastUsedConnection"]["strategy"], "database");
    let allowed = HeaderValue::from_static("https://a.example");
    assert_eq!(page.headers[ACCESS_CONTROL_ALLOW_ORIGIN], allowed);
    assert_eq!(page.headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    assert_eq!(page.headers[VARY], "Origin, Cookie");
}

#[tokio::test]
async fn other_origins_learn_nothing() {
    let world = world();
    let mut browser = world.signed_in().await;
    for origin in [
        None,
        Some("https://b.example"),
        Some("https://evil.example"),
        Some("http://a.example"),
        Some("null"),
        Some("https://a.example, https://evil.example"),
    ] {
        let page = ask(&mut browser, origin).await;
        assert_eq!(page.body, r#"{"sso":false}"#, "{origin:?}");
        assert!(!page.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
