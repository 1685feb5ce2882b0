//! What administrators' programs ask of a hub, and what it does not tell to others.

use crate::attacks::Log;
use crate::browser::Browser;
use crate::world::{HUB, MemoryHub, ToApplications, World, credentials};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, COOKIE,
    HeaderMap, LOCATION, ORIGIN, SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{Method, Request, StatusCode};
use chrono::TimeDelta;
use federate::hub::{Directory, SessionView};
use federate::session::TenantId;
use federate::{Hub, LoginOptions, Token};
use federate_axum::hub::{InvalidManagementToken, carry_out_logouts};
use federate_axum::{HubState, Site, hub_router};
use federate_testkit::parties::{Parties, USER};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos";

const TOKEN: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";

fn managed<S: federate::Store>(state: HubState<S>) -> HubState<S> {
    state.with_management(TOKEN).unwrap()
}

/// A hub with a management API, and applications that it asks directly.
fn world() -> (World, ToApplications) {
    let mut parties = Parties::with_soap_logout(federate::crypto::aws_lc_provider());
    let wires = ToApplications::default();
    parties.hub = parties.hub.with_back_channel(wires.clone());
    let world = World::with_state(parties, LoginOptions::default(), managed);
    *wires.0.lock().unwrap() = world.web.clone();
    (world, wires)
}

/// The same hub for another account, on the same store.
fn another_account(world: &World) -> Router {
    let idp = world.hub.identity_provider().clone();
    let hub: MemoryHub = Hub::new(idp, &[7; 32], Arc::clone(world.hub.store())).unwrap();
    let hub = Arc::new(hub.with_tenant(TenantId::new("other").unwrap()));
    let provider = federate::crypto::aws_lc_provider();
    let directory = Directory::new(&provider, BTreeMap::new()).unwrap();
    let site = Site::new(HUB, "hub", "The Other").unwrap();
    hub_router(managed(HubState::new(hub, directory, site)))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

/// What is answered to this request.
async fn send(router: &Router, request: Request<Body>) -> Answer {
    let answer = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let octets = to_bytes(body, usize::MAX).await.unwrap();
    let headers = parts.headers;
    assert_eq!(headers[CACHE_CONTROL], "no-store");
    assert!(!headers.contains_key(SET_COOKIE));
    assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    let text = String::from_utf8(octets.into()).unwrap();
    assert!(!text.contains(TOKEN));
    Answer {
        status: parts.status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        headers,
    }
}

/// What is answered to whoever has the token.
async fn ask(router: &Router, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(AUTHORIZATION, format!("Bearer {TOKEN}"));
    let answer = send(router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
    answer
}

async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Method::GET, path).await
}

async fn delete(router: &Router, path: &str) -> Answer {
    ask(router, Method::DELETE, path).await
}

async fn session(world: &World, browser: &Browser) -> Option<SessionView> {
    let cookie = browser.cookie("hub.example", "__Host-hub_session").unwrap();
    let token = Token::parse(cookie).unwrap();
    world.hub.session(&token).await.unwrap()
}

/// Where the sessions of a browser's person are, and where the browser's own is.
async fn addresses(world: &World, browser: &Browser) -> (String, String) {
    let record = session(world, browser).await.unwrap().record;
    let (user, id) = (record.user, record.id);
    (
        format!("/api/v2/users/{user}/sessions"),
        format!("/api/v2/sessions/{id}"),
    )
}

/// Looks at the outcome until nobody is being asked any more.
async fn outcome(hub: &Router, begun: &Answer) -> Value {
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.body);
    let place = begun.headers[LOCATION].to_str().unwrap();
    assert_eq!(begun.body["outcome"], place);
    let id = begun.body["id"].as_str().unwrap();
    assert_eq!(place, format!("/api/v2/logouts/{id}"));
    for _ in 0..500 {
        let told = get(hub, place).await;
        assert_eq!(told.status, StatusCode::OK);
        assert_eq!(told.body["hub"], "ended");
        if told.body["done"] == true {
            return told.body;
        }
        assert_eq!(told.body["complete"], false);
        tokio::time::sleep(Duration::from_millis(10)).await; // the worker's turn
    }
    panic!("the logout does not end");
}

#[tokio::test]
async fn a_program_with_the_token_finds_a_person_and_their_sessions() {
    let (world, _wires) = world();
    let hub = &world.web["hub.example"];
    let by_name = format!("/api/v2/users?connection=directory&subject={USER}");
    assert_eq!(get(hub, &by_name).await.body, json!([]));
    let browser = world.signed_in().await;
    let record = session(&world, &browser).await.unwrap().record;
    let found = get(hub, &by_name).await;
    assert_eq!(found.status, StatusCode::OK);
    let person = &found.body[0];
    assert_eq!(person["user_id"], record.user.as_str());
    assert_eq!(person["connection"], "directory");
    assert_eq!(person["email"], "alice@example.com");

    let (all, one) = addresses(&world, &browser).await;
    let listed = get(hub, &all).await.body;
    let expected = json!({
        "id": record.id,
        "user_id": record.user,
        "connection": "directory",
        "created_at": "2026-01-31T12:00:00.000Z",
        "authenticated_at": "2026-01-31T12:00:00.000Z",
        "last_interacted_at": "2026-01-31T12:00:00.000Z",
        "idle_expires_at": "2026-02-03T12:00:00.000Z",
        "expires_at": "2026-02-07T12:00:00.000Z",
        "clients": [{"client_id": "https://a.example"}, {"client_id": "https://b.example"}],
    });
    assert_eq!(listed, json!({"sessions": [expected], "left_out": 0}));
    assert_eq!(get(hub, &one).await.body, expected);
    assert!(session(&world, &browser).await.is_some(), "nothing ended");
    // A session that has expired is not shown, and its applications may still be told.
    world.clock.advance(TimeDelta::days(3));
    assert_eq!(get(hub, &all).await.body["sessions"], json!([]));
    assert_eq!(get(hub, &one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(delete(hub, &one).await.status, StatusCode::ACCEPTED);
    assert_eq!(delete(hub, &one).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_person_from_an_identity_provider_is_found_by_its_name_of_them() {
    let world = World::with_upstream_and_state(|hub| hub, managed);
    let hub = &world.web["hub.example"];
    let mut browser = world.browser();
    let page = browser.go("https://hub.example/upstream/login").await;
    let page = browser.submit(&page, &credentials(&page)).await;
    assert!(page.says("Signed in as"), "{}", page.body);
    let record = session(&world, &browser).await.unwrap().record;
    let upstream = record.upstream.unwrap();
    let pairs = [
        ("connection", upstream.issuer.as_str()),
        ("subject", upstream.name_id.value()),
    ];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(pairs).finish();
    let found = get(hub, &format!("/api/v2/users?{query}")).await.body;
    assert_eq!(found[0]["user_id"], record.user.as_str());
    assert_eq!(found[0]["connection"], upstream.issuer.as_str());
    assert_eq!(found.as_array().unwrap().len(), 1);
    let format = upstream.name_id.format_or_unspecified().uri();
    for (format, expected) in [(format, found), (KERBEROS, json!([]))] {
        let path = format!("/api/v2/users?{query}&format={format}");
        assert_eq!(get(hub, &path).await.body, expected, "{format}");
    }
    let (all, one) = addresses(&world, &browser).await;
    let listed = get(hub, &one).await.body;
    assert_eq!(listed["connection"], upstream.issuer.as_str());
    assert_eq!(get(hub, &all).await.body["sessions"], json!([listed]));
}

#[tokio::test]
async fn a_session_that_an_administrator_ends_is_dead_and_its_applications_are_told() {
    let (world, _wires) = world();
    let hub = &world.web["hub.example"];
    let worker = tokio::spawn(carry_out_logouts(Arc::clone(&world.hub)));
    let (mut first, mut second) = (world.signed_in().await, world.signed_in().await);
    let (_, address) = addresses(&world, &first).await;
    let begun = delete(hub, &address).await;
    // Before anybody is told.
    assert!(session(&world, &first).await.is_none());
    let told = outcome(hub, &begun).await;
    assert_eq!(told["complete"], true);
    let peer = |entity_id: &str, name: &str| json!({"entity_id": entity_id, "name": name, "state": "signed_out"});
    let expected = json!([
        peer("https://a.example", "Application A"),
        peer("https://b.example", "Application B"),
    ]);
    assert_eq!(told["applications"], expected);
    assert_eq!(told["identity_providers"], json!([]));
    for application in [crate::world::A, crate::world::B] {
        assert!(first.go(application).await.says("signed out"));
        assert!(second.go(application).await.says("signed in as"));
    }
    assert!(session(&world, &second).await.is_some());
    assert_eq!(delete(hub, &address).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(hub, &address).await.status, StatusCode::NOT_FOUND);
    worker.abort();
}

#[tokio::test]
async fn all_sessions_of_a_person_end_and_the_outcome_says_who_was_not_reached() {
    let (world, wires) = world();
    let hub = &world.web["hub.example"];
    let mut browsers = [world.signed_in().await, world.signed_in().await];
    wires.0.lock().unwrap().remove("b.example");
    let (all, _) = addresses(&world, &browsers[0]).await;
    let begun = delete(hub, &all).await;
    for browser in &browsers {
        assert!(session(&world, browser).await.is_none());
    }
    assert_eq!(get(hub, &all).await.body["sessions"], json!([]));
    let place = begun.headers[LOCATION].to_str().unwrap();
    let before = get(hub, place).await.body;
    assert_eq!(
        (&before["done"], &before["complete"]),
        (&json!(false), &json!(false))
    );
    let states = before["applications"].as_array().unwrap();
    assert!(
        states.iter().all(|peer| peer["state"] == "asking"),
        "{before}"
    );
    let worker = tokio::spawn(carry_out_logouts(Arc::clone(&world.hub)));
    tokio::time::sleep(Duration::from_millis(100)).await; // the worker's turn
    world.clock.advance(TimeDelta::minutes(3));
    let told = outcome(hub, &begun).await;
    worker.abort();
    assert_eq!(told["complete"], false, "{told}");
    for peer in told["applications"].as_array().unwrap() {
        let expected = match peer["entity_id"].as_str() {
            Some("https://a.example") => (json!("signed_out"), Value::Null),
            _ => (json!("failed"), json!("not_reached")),
        };
        assert_eq!((peer["state"].clone(), peer["reason"].clone()), expected);
    }
    for browser in &mut browsers {
        assert!(browser.go(crate::world::A).await.says("signed out"));
    }
    // Who is signed in to nothing can be logged out all the same.
    let again = delete(hub, &all).await;
    assert_eq!(outcome(hub, &again).await["complete"], true);
}

#[tokio::test]
async fn without_the_token_nothing_is_told_apart() {
    let (world, _wires) = world();
    let hub = &world.web["hub.example"];
    let browser = world.signed_in().await;
    let (all, one) = addresses(&world, &browser).await;
    let cookie = browser.cookie("hub.example", "__Host-hub_session").unwrap();
    let paths = [
        all.as_str(),
        one.as_str(),
        "/api/v2",
        "/api/v2/",
        "/api/v2/nothing",
        "/api/v2/users",
        "/api/v2/users/nobody/sessions",
        "/api/v2/sessions/%ff",
        "/api/v2/logouts/x",
    ];
    let wrong = [
        (AUTHORIZATION, format!("Bearer {TOKEN}0")),
        (AUTHORIZATION, format!("Bearer {}", &TOKEN[1..])),
        (AUTHORIZATION, "Bearer".to_owned()),
        (AUTHORIZATION, format!("Basic {TOKEN}")),
        (AUTHORIZATION, TOKEN.to_owned()),
        (COOKIE, format!("__Host-hub_session={cookie}")),
        (COOKIE, format!("token={TOKEN}; access_token={TOKEN}")),
        (ORIGIN, "https://a.example".to_owned()),
    ];
    let mut first = None;
    for path in paths {
        for method in [Method::GET, Method::DELETE, Method::POST, Method::OPTIONS] {
            let with_query = format!("{path}?access_token={TOKEN}&token={TOKEN}");
            let request = || Request::builder().method(&method);
            let mut requests = vec![request().uri(path), request().uri(&with_query)];
            for (name, value) in &wrong {
                requests.push(request().uri(path).header(name, value));
            }
            for request in requests {
                let answer = send(hub, request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
                assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer");
                let told = (answer.headers, answer.body);
                assert_eq!(*first.get_or_insert(told.clone()), told, "{method} {path}");
            }
        }
    }
    assert!(session(&world, &browser).await.is_some(), "nothing ended");
}

#[tokio::test]
async fn a_token_that_is_presented_twice_is_none() {
    let (world, _wires) = world();
    let bearer = format!("Bearer {TOKEN}");
    let request = Request::get("/api/v2/users/nobody/sessions")
        .header(AUTHORIZATION, &bearer)
        .header(AUTHORIZATION, &bearer);
    let request = request.body(Body::empty()).unwrap();
    let answer = send(&world.web["hub.example"], request).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_to_whoever_has_the_token() {
    let (world, _wires) = world();
    let hub = &world.web["hub.example"];
    let long = format!("/api/v2/users/{}/sessions", "x".repeat(257));
    let (not_found, bad) = (StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST);
    for (path, status, code) in [
        ("/api/v2", not_found, "management.no_such_address"),
        ("/api/v2/nothing", not_found, "management.no_such_address"),
        (
            "/api/v2/users/nobody/sessions",
            not_found,
            "management.no_such_user",
        ),
        (
            "/api/v2/sessions/none",
            not_found,
            "management.no_such_session",
        ),
        (
            "/api/v2/logouts/none",
            not_found,
            "management.no_such_logout",
        ),
        (
            "/api/v2/logouts/%ff",
            not_found,
            "management.no_such_logout",
        ),
        (
            &format!("/api/v2/logouts/{}", "A".repeat(43)),
            not_found,
            "management.no_such_logout",
        ),
        (&long, bad, "value.invalid"),
        ("/api/v2/sessions/a%20b", bad, "value.invalid"),
        ("/api/v2/sessions/a%00b", bad, "value.invalid"),
        ("/api/v2/sessions/%ff", bad, "management.parameter"),
        ("/api/v2/users", bad, "management.parameter"),
        (
            "/api/v2/users?connection=directory",
            bad,
            "management.parameter",
        ),
        (
            "/api/v2/users?connection=directory&subject=a&subject=b",
            bad,
            "management.parameter",
        ),
        (
            "/api/v2/users?connection=directory&subject=",
            bad,
            "value.invalid",
        ),
    ] {
        let answer = get(hub, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.body["errorCode"], code, "{path}");
        assert_eq!(answer.body["statusCode"], status.as_u16());
        assert_eq!(answer.body["error"], status.canonical_reason().unwrap());
        assert!(answer.body["message"].is_string());
    }
    for path in [long.as_str(), "/api/v2/sessions/a%20b"] {
        assert_eq!(delete(hub, path).await.status, bad);
    }
    for path in ["/api/v2/users/nobody/sessions", "/api/v2/sessions/none"] {
        assert_eq!(delete(hub, path).await.status, not_found);
        let answer = ask(hub, Method::POST, path).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.body["errorCode"], "management.no_such_method");
        assert_eq!(answer.headers[ALLOW], "GET,HEAD,DELETE");
    }
}

#[tokio::test]
async fn the_log_tells_whose_sessions_were_ended_and_never_the_token() {
    let (world, _wires) = world();
    let hub = &world.web["hub.example"];
    let browser = world.signed_in().await;
    let record = session(&world, &browser).await.unwrap().record;
    let (all, one) = addresses(&world, &browser).await;
    let log = Log::default();
    let guard = log.listen();
    let begun = [delete(hub, &one).await, delete(hub, &all).await];
    let almost = format!("{}1", &TOKEN[1..]);
    let wrong = Request::delete(&one).header(AUTHORIZATION, format!("Bearer {almost}"));
    send(hub, wrong.body(Body::empty()).unwrap()).await;
    let none = Request::delete(&one).body(Body::empty()).unwrap();
    send(hub, none).await;
    drop(guard);
    let log = log.text();
    let (user, id) = (record.user.as_str(), record.id.as_str());
    let expected = [
        (
            "INFO",
            format!("an administrator ended a session session=\"{id}\" user=\"{user}\""),
        ),
        (
            "INFO",
            format!("an administrator ended all sessions of a user user=\"{user}\""),
        ),
        (
            "WARN",
            "wrong token code=\"management.wrong_token\"".to_owned(),
        ),
    ];
    assert_eq!(log.lines().count(), expected.len(), "{log}");
    for (line, (level, text)) in log.lines().zip(expected) {
        assert!(line.contains(level) && line.contains(&text), "{line}");
    }
    let handles = begun.map(|begun| begun.body["id"].as_str().unwrap().to_owned());
    for secret in handles.iter().map(String::as_str).chain([TOKEN, &almost]) {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn another_accounts_people_sessions_and_logouts_are_not_found() {
    let (world, _wires) = world();
    let (hub, other) = (&world.web["hub.example"], another_account(&world));
    let browser = world.signed_in().await;
    let (all, one) = addresses(&world, &browser).await;
    for path in [&all, &one] {
        assert_eq!(get(&other, path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(delete(&other, path).await.status, StatusCode::NOT_FOUND);
    }
    let by_name = format!("/api/v2/users?connection=directory&subject={USER}");
    assert_eq!(get(&other, &by_name).await.body, json!([]));
    assert!(session(&world, &browser).await.is_some());
    let begun = delete(hub, &one).await;
    let place = begun.headers[LOCATION].to_str().unwrap();
    assert_eq!(get(hub, place).await.status, StatusCode::OK);
    assert_eq!(get(&other, place).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_token_of_its_own_a_hub_has_no_management_api() {
    let world = World::new();
    let hub = &world.web["hub.example"];
    for path in ["/api/v2", "/api/v2/", "/api/v2/users/nobody/sessions"] {
        for token in [TOKEN, ""] {
            let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {token}"));
            let answer = send(hub, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
            assert!(answer.body.as_str().unwrap().contains("Page not found"));
        }
    }
    let parties = Parties::new(federate::crypto::aws_lc_provider());
    let site = Site::new(HUB, "hub", "The Hub").unwrap();
    let state = HubState::new(Arc::new(parties.hub), parties.directory, site);
    let refused = state.with_management("short").err();
    assert_eq!(refused, Some(InvalidManagementToken::TooShort));
}
