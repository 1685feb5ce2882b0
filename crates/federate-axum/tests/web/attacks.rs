//! Attacks on what the browser carries; each first shows that the honest way works.

use crate::browser::Page;
use crate::world::{A, HUB, World, credentials, log_out_form};
use axum::body::Body;
use axum::http::header::{HOST, LOCATION, ORIGIN};
use axum::http::{Method, Request, StatusCode};
use federate::saml::AuthnRequest;
use federate::saml::binding::redirect_url;
use federate::types::MessageId;
use federate_testkit::keys;
use std::io::Write;
use std::sync::{Arc, Mutex};
use url::Url;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[tokio::test]
async fn a201_open_redirect_by_return_to() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let page = browser
        .go("https://a.example/login?return_to=%2Finbox")
        .await;
    assert_eq!(page.url.as_str(), "https://a.example/inbox");
    for hostile in [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "\t//evil.example",
        "/\t/evil.example",
        "https://a.example@evil.example/",
        "javascript:alert(1)",
        "/\r\nSet-Cookie: a=b",
    ] {
        let mut address = url("https://a.example/login");
        address.query_pairs_mut().append_pair("return_to", hostile);
        let page = browser.go(address.as_str()).await;
        assert_eq!(page.url.as_str(), A, "{hostile:?}");
    }
}

#[tokio::test]
async fn a203_login_csrf_a_response_completed_in_another_browser() {
    let world = World::new();
    let mut attacker = world.signed_in().await;
    let begin = attacker
        .send(&Method::GET, &url("https://a.example/login"), None, None)
        .await;
    let sso = url(begin.headers[LOCATION].to_str().unwrap());
    let form_page = attacker.send(&Method::GET, &sso, None, None).await;
    let form = form_page.form(0);

    // The victim's browser is made to post the attacker's response.
    let mut victim = world.browser();
    let page = victim.submit(&form_page, &form).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(victim.go(A).await.says("signed out"));
    assert!(victim.cookie("a.example", "__Host-app_session").is_none());

    // The victim's own login in progress does not help it.
    let _own = victim.go("https://a.example/login").await;
    let begin = attacker
        .send(&Method::GET, &url("https://a.example/login"), None, None)
        .await;
    let sso = url(begin.headers[LOCATION].to_str().unwrap());
    let form_page = attacker.send(&Method::GET, &sso, None, None).await;
    let page = victim.submit(&form_page, &form_page.form(0)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(victim.go(A).await.says("signed out"));
}

#[tokio::test]
async fn a208_a_login_makes_a_new_session() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let before = browser
        .cookie("a.example", "__Host-app_session")
        .unwrap()
        .to_owned();
    let session = browser.go(A).await.body;
    browser.go("https://a.example/login").await;
    let after = browser
        .cookie("a.example", "__Host-app_session")
        .unwrap()
        .to_owned();
    assert_ne!(before, after);
    assert_ne!(session, browser.go(A).await.body);
    // The former cookie opens nothing any more.
    let key = ("a.example".to_owned(), "__Host-app_session".to_owned());
    browser.cookies.insert(key, before);
    assert!(browser.go(A).await.says("signed out"));

    // So at the hub: a cookie that was there before the sign-in is not the session's.
    let mut browser = world.browser();
    let planted = "B".repeat(43);
    let key = ("hub.example".to_owned(), "__Host-hub_session".to_owned());
    browser.cookies.insert(key.clone(), planted.clone());
    let page = browser.go("https://hub.example/sign-in").await;
    let page = browser.submit(&page, &credentials(&page)).await;
    assert!(page.says("Signed in as"));
    assert_ne!(browser.cookies[&key], planted);
}

#[tokio::test]
async fn csrf_own_forms_are_sent_only_by_who_was_shown_them() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let home = browser.go(HUB).await;
    let evil = Page {
        url: url("https://evil.example/"),
        ..home.clone()
    };
    for index in 0..3 {
        let form = home.form(index);
        let body = crate::browser::encode(&form.fields);
        // Another site: no cookies, another origin.
        let page = browser
            .send(&Method::POST, &form.action, Some(body.clone()), Some(&evil))
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        // Another origin of the same site, which has the cookies.
        for origin in ["https://evil.hub.example", "null", "http://hub.example"] {
            let request = Request::post(form.action.path())
                .header(HOST, "hub.example")
                .header(ORIGIN, origin)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("cookie", cookies(&browser))
                .body(Body::from(body.clone()))
                .unwrap();
            let page = browser.answer(&form.action, request).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{origin}");
        }
        // A form that was shown to another browser.
        let mut other = world.signed_in().await;
        let stolen = other.go(HUB).await.form(index);
        let page = browser.submit(&home, &stolen).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    let (_, form) = log_out_form(A);
    let page = browser
        .send(&Method::POST, &form.action, None, Some(&evil))
        .await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(browser.go(A).await.says("signed in as alice@example.com"));
    assert!(browser.go(HUB).await.says("Signed in as Alice"));
    // The honest one works.
    let page = browser.submit(&home, &home.form(2)).await;
    assert!(page.says("Signing you out"), "{}", page.body);
}

#[tokio::test]
async fn csrf_a_sign_in_form_of_the_attacker_is_refused() {
    let world = World::new();
    let mut attacker = world.browser();
    let page = attacker.go("https://hub.example/sign-in").await;
    let form = credentials(&page);
    let mut victim = world.browser();
    let _own = victim.go("https://hub.example/sign-in").await;
    let refused = victim.submit(&page, &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(victim.go(HUB).await.says("You are not signed in"));
    // A proof for one request is none for another.
    let first = victim.go("https://a.example/login").await;
    let second = victim.go("https://b.example/login").await;
    let handle = second
        .form(0)
        .fields
        .into_iter()
        .find(|(name, _)| name == "handle");
    let mixed = credentials(&first).with("handle", &handle.unwrap().1);
    let refused = victim.submit(&first, &mixed).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

fn cookies(browser: &crate::browser::Browser) -> String {
    let own = browser
        .cookies
        .iter()
        .filter(|((host, _), _)| host == "hub.example");
    let pairs: Vec<String> = own
        .map(|((_, name), value)| format!("{name}={value}"))
        .collect();
    pairs.join("; ")
}

/// What was written to the log.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens to this thread until the guard is dropped.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a210_a_message_cannot_forge_lines_of_the_log() {
    let world = World::new();
    let hostile = format!(
        "https://x/\r\n2026 WARN forged\u{1b}[31m<script>{}",
        "x".repeat(500)
    );
    let party = world.applications[0].party();
    let id = MessageId::from_random([1; 20]);
    let mut request = AuthnRequest::new(id, keys::fixed_now(), party.entity_id.clone());
    request.destination = Some(hostile);
    let location = "https://hub.example/saml/sso";
    let address = redirect_url(location, &request, None, Some(&party.signer)).unwrap();

    let log = Log::default();
    let guard = log.listen();
    let page = world.browser().go(&address).await;
    drop(guard);

    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(!page.body.contains("forged"));
    let log = log.text();
    assert_eq!(log.lines().count(), 1, "{log}");
    let correlation = page.between("id=\"correlation\">", "</code>");
    for expected in [
        correlation,
        "code=\"message.destination_mismatch\"",
        "expected=\"https://hub.example/saml/sso\"",
        "WARN forged",
        "xxx...",
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
    assert!(!log.contains('\u{1b}') && !log.contains('\r'));
    assert!(log.len() < 700, "{log}");
}

#[tokio::test]
async fn a212_the_host_header_changes_nothing() {
    let world = World::new();
    let mut browser = world.browser();
    for (path, own) in [
        ("https://a.example/login", "https://hub.example/saml/sso?"),
        ("https://a.example/saml/metadata", ""),
        ("https://hub.example/", ""),
    ] {
        let address = url(path);
        let request = |host: &str| {
            Request::get(address.path())
                .header(HOST, host)
                .header("x-forwarded-host", host)
                .header("forwarded", format!("host={host}"))
                .body(Body::empty())
                .unwrap()
        };
        let evil = browser.answer(&address, request("evil.example")).await;
        let honest = browser
            .answer(&address, request(address.host_str().unwrap()))
            .await;
        assert_eq!(evil.status, honest.status);
        assert_eq!(evil.body, honest.body);
        assert!(!format!("{:?}", evil.headers).contains("evil"));
        if let Some(location) = evil.headers.get(LOCATION) {
            assert!(location.to_str().unwrap().starts_with(own));
        }
    }
}
