//! The address to which applications send browsers to log out, and the pages that follow.

use crate::browser::{Browser, Page};
use crate::flow::wait_for_result;
use crate::world::{A, B, HUB, World, credentials, log_out_form};
use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use federate::hub::ReturnToList;
use federate::idp::Application;
use federate::saml::binding::RedirectMessage;
use federate::saml::{LogoutResponse, MessageKind};
use federate::types::{Binding, StatusCode as Code};
use federate::xml::Limits;
use federate::{Connection, Incoming, LoginOptions, LogoutReceived, Outgoing, Token};
use federate_testkit::parties::{Parties, query};
use std::sync::Arc;
use url::Url;

/// What browsers say of a navigation (Fetch Metadata).
pub(crate) type Said = &'static [(&'static str, &'static str)];

/// The address was typed in, or is a bookmark.
pub(crate) const TYPED: Said = &[
    ("sec-fetch-site", "none"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-user", "?1"),
];

/// A person clicked on a link of another site.
const CLICKED: Said = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-user", "?1"),
];

/// A script of another site went there.
const SCRIPTED: Said = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];

/// A picture of another site.
const PICTURE: Said = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "no-cors"),
    ("sec-fetch-dest", "image"),
];

/// A frame of another site.
pub(crate) const FRAMED: Said = &[
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "iframe"),
];

const LOG_OUT: &str = "https://hub.example/v2/logout";

/// The address that logs out with these parameters.
pub(crate) fn log_out(parameters: &[(&str, &str)]) -> String {
    Url::parse_with_params(LOG_OUT, parameters).unwrap().into()
}

/// Where a browser keeps the hub's session.
fn session_cookie() -> (String, String) {
    ("hub.example".to_owned(), "__Host-hub_session".to_owned())
}

/// Whether the browser's session at the hub lives.
async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.go(HUB).await.says("Signed in as Alice")
}

pub(crate) async fn assert_signed_out_everywhere(browser: &mut Browser) {
    let cookie = browser.cookie("hub.example", "__Host-hub_session");
    assert!(cookie.is_none());
    assert!(!is_signed_in(browser).await);
    for application in [A, B] {
        assert!(browser.go(application).await.says("signed out"));
    }
}

/// What everybody can read, also by ear and without scripts.
pub(crate) fn assert_plain(page: &Page) {
    let count = |text: &str| page.body.matches(text).count();
    assert_eq!(count("<h1>"), 1, "{}", page.body);
    assert!(page.body.contains("<html lang=\"en\">") && !page.body.contains("<script"));
    assert!(!page.header(CONTENT_SECURITY_POLICY).contains("script-src"));
    assert_eq!(count("<table"), count("<thead>"));
    if count("<table") > 0 {
        assert_eq!(count("<th scope=\"col\">"), 2);
        assert_eq!(count("<th scope=\"row\">"), count("<tr>") - 1);
    }
}

/// The pages of a logout, which also tell how far it is.
pub(crate) fn assert_tells(page: &Page) {
    assert_plain(page);
    assert_eq!(
        page.body.matches("role=\"status\"").count(),
        1,
        "{}",
        page.body
    );
    // Who does not want to be moved, or is not, has the same as a link.
    if let Some((seconds, to)) = page.refresh()
        && !to.ends_with(page.url.path())
    {
        assert!(seconds > 0, "{}", page.body);
        assert!(
            page.body.contains(&format!("href=\"{to}\"")),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn who_comes_there_is_logged_out_at_once() {
    for said in [TYPED, CLICKED] {
        let world = World::new();
        let mut browser = world.signed_in().await;
        let page = browser.go_as(said, LOG_OUT).await;
        assert!(page.says("Now asking Application A"), "{}", page.body);
        assert!(page.says("Application B Waiting"));
        // Chromium would show a page of status 200 again as it was, after the way back to it.
        assert_eq!(page.status, StatusCode::ACCEPTED);
        assert_tells(&page);
        let page = wait_for_result(&mut browser, page).await;
        assert!(page.says("You are signed out Your session at the hub has ended."));
        assert!(page.says("Every application confirmed its sign-out."));
        assert!(page.says("Application A Signed out Application B Signed out"));
        assert!(page.refresh().is_none(), "there is nowhere to return to");
        assert_tells(&page);
        assert_signed_out_everywhere(&mut browser).await;
    }
}

#[tokio::test]
async fn who_is_led_there_by_another_site_is_asked_first() {
    for said in [SCRIPTED, PICTURE, FRAMED, &[]] {
        let list = ReturnToList::new([B]).unwrap();
        let world = World::with_hub(|hub| hub.with_return_to(list));
        let mut browser = world.signed_in().await;
        let to = format!("{B}?\"<b>");
        let address = log_out(&[("returnTo", &to), ("federated", "")]);
        let page = browser.go_as(said, &address).await;
        assert!(page.says("Do you want to log out?"), "{}", page.body);
        assert_plain(&page);
        assert!(is_signed_in(&mut browser).await, "{said:?}");

        // The form does what the address said.
        let form = page.form(0);
        let fields: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(fields, ["proof", "returnTo", "federated"]);
        let page = browser.submit(&page, &form).await;
        assert!(page.says("Now asking Application A"), "{}", page.body);
        let page = wait_for_result(&mut browser, page).await;
        let page = browser.follow_link(&page, &page.refresh().unwrap().1).await;
        assert_eq!(page.url, Url::parse(&to).unwrap());
        assert_signed_out_everywhere(&mut browser).await;
    }
}

#[tokio::test]
async fn the_question_is_answered_only_by_who_was_asked() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let page = browser.go(LOG_OUT).await;
    let form = page.form(0);
    // Without the proof, with one of another browser, and by the form of another site.
    let without = crate::browser::Form {
        fields: Vec::new(),
        ..form.clone()
    };
    let mut other = world.signed_in().await;
    let stolen = other.go(LOG_OUT).await.form(0);
    for form in [without, stolen] {
        let refused = browser.submit(&page, &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    let evil = Page {
        url: Url::parse("https://evil.example/").unwrap(),
        ..page.clone()
    };
    let body = Some(crate::browser::encode(&form.fields));
    let refused = browser
        .send(&Method::POST, &form.action, body, Some(&evil))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(is_signed_in(&mut browser).await);
    let page = browser.submit(&page, &form).await;
    wait_for_result(&mut browser, page).await;
    assert_signed_out_everywhere(&mut browser).await;
}

/// A hub that lets browsers return to one address, and to another for Application A.
fn returning() -> World {
    let mut parties = Parties::with_options(
        federate::crypto::aws_lc_provider(),
        |application| {
            if application.name == "Application A" {
                application.return_to = ReturnToList::new([A]).unwrap();
            }
        },
        |_| {},
    );
    let list = ReturnToList::new([B]).unwrap();
    parties.hub = parties.hub.with_return_to(list);
    World::of(parties, LoginOptions::default())
}

#[tokio::test]
async fn the_browser_returns_to_where_it_may() {
    let world = returning();
    for (client, to) in [
        (None, "https://b.example/?from=hub&x=<\"'>"),
        (Some("https://a.example"), "https://a.example/?from=hub"),
    ] {
        let mut parameters = vec![("returnTo", to)];
        parameters.extend(client.map(|client| ("client_id", client)));
        let address = log_out(&parameters);
        let mut browser = world.signed_in().await;
        let page = browser.go_as(TYPED, &address).await;
        let page = wait_for_result(&mut browser, page).await;
        assert!(page.says("You are signed out"), "{}", page.body);
        assert_tells(&page);
        let (seconds, finish) = page.refresh().unwrap();
        assert_eq!(seconds, 5);
        let page = browser.follow_link(&page, &finish).await;
        assert_eq!(page.url, Url::parse(to).unwrap());
        assert_signed_out_everywhere(&mut browser).await;
        // Who has no session has nothing to wait for.
        for said in [TYPED, SCRIPTED, &[]] {
            let page = world.browser().go_as(said, &address).await;
            assert_eq!(page.url, Url::parse(to).unwrap());
        }
        // Nor has who pressed the button too late.
        let mut browser = world.signed_in().await;
        let page = browser.go(&address).await;
        browser.cookies.remove(&session_cookie());
        let page = browser.submit(&page, &page.form(0)).await;
        assert_eq!(page.url, Url::parse(to).unwrap());
        world.clock.advance(TimeDelta::seconds(1));
    }
}

#[tokio::test]
async fn an_address_that_is_on_no_list_is_refused_before_anything_ends() {
    let world = returning();
    let mut browser = world.signed_in().await;
    for (client, to) in [
        ("", "https://a.example/"),
        ("https://a.example", "https://b.example/"),
        ("https://b.example", "https://b.example/"),
        ("https://stranger.example", "https://b.example/"),
        ("", "https://evil.example/"),
        ("", "https://b.example@evil.example/"),
        ("", "https://b.example/other"),
        ("", "//b.example/"),
        ("", "javascript:alert(1)"),
    ] {
        for said in [TYPED, &[]] {
            let address = log_out(&[("client_id", client), ("returnTo", to)]);
            let page = browser.go_as(said, &address).await;
            assert!(page.status.is_client_error(), "{to}: {}", page.body);
            assert!(page.says("The request was refused"));
            assert!(!page.body.contains("evil") && page.refresh().is_none());
            assert!(page.headers.get(SET_COOKIE).is_none());
            assert!(is_signed_in(&mut browser).await, "{to}");
        }
    }
    // Nor does the form that asks first take other addresses than it was given.
    let page = browser.go(&log_out(&[("returnTo", B)])).await;
    let form = page.form(0).with("returnTo", "https://evil.example/");
    let page = browser.submit(&page, &form).await;
    assert!(page.status.is_client_error());
    assert!(is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_ask() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let key = session_cookie();
    let cookie = browser.cookies[&key].clone();
    let page = browser.go_as(TYPED, LOG_OUT).await;
    wait_for_result(&mut browser, page).await;
    // A cookie that opens nothing any more, and none, whoever leads there.
    for cookie in [Some(cookie), None] {
        browser
            .cookies
            .extend(cookie.map(|cookie| (key.clone(), cookie)));
        let page = browser.go_as(SCRIPTED, LOG_OUT).await;
        assert!(page.says("You are signed out"), "{}", page.body);
        assert!(page.says("There was no session at the hub to end."));
        assert_plain(&page);
        assert!(!browser.cookies.contains_key(&key));
    }
}

#[tokio::test]
async fn who_did_not_answer_can_be_asked_once_more() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let down = Router::new().fallback(|| async { (StatusCode::BAD_GATEWAY, "down") });
    let down = federate_axum::with_safe_headers(down);
    let up = browser.web.insert("b.example".to_owned(), down).unwrap();

    let page = browser.go_as(TYPED, LOG_OUT).await;
    let progress = page.url.clone();
    let page = wait_for_result(&mut browser, page).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    // Who comes back to the page reads the truth.
    let page = browser.go(progress.as_str()).await;
    assert!(
        page.says("Waiting for Application B , which has not answered yet"),
        "{}",
        page.body
    );
    assert_tells(&page);
    let page = browser.submit(&page, &page.form(0)).await;
    assert!(page.says("You are not signed out everywhere"));
    assert!(page.says("Application A Signed out"));
    assert!(page.says("Application B Asked, no answer (skipped)"));
    assert_tells(&page);

    // It is down still: this time nobody waits.
    let page = browser.submit(&page, &page.form(0)).await;
    assert!(page.says("Now asking Application B"), "{}", page.body);
    assert_tells(&page);
    wait_for_result(&mut browser, page).await;
    world.clock.advance(TimeDelta::seconds(31));
    let page = browser.go(progress.as_str()).await;
    assert!(page.says("Application B Asked, no answer"), "{}", page.body);

    browser.web.insert("b.example".to_owned(), up);
    assert!(browser.go(B).await.says("signed in as"));
    let form = page.form(0);
    assert!(page.says("Try Application B again"));
    let evil = Page {
        url: Url::parse("https://evil.example/").unwrap(),
        ..page.clone()
    };
    let body = Some(crate::browser::encode(&form.fields));
    let refused = browser
        .send(&Method::POST, &form.action, body, Some(&evil))
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let page = browser.submit(&page, &form).await;
    let page = wait_for_result(&mut browser, page).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("Application B Signed out"));
    assert!(!page.body.contains("<form"));
    assert_signed_out_everywhere(&mut browser).await;
}

#[tokio::test]
async fn a_peer_that_took_no_part_is_not_asked_by_the_retry_form() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let page = browser.go_as(TYPED, LOG_OUT).await;
    let page = wait_for_result(&mut browser, page).await;
    let action = page
        .url
        .join(&format!("{}/retry", page.url.path()))
        .unwrap();
    for peer in ["https://evil.example", "https://a.example", ""] {
        let fields = vec![("peer".to_owned(), peer.to_owned())];
        let form = crate::browser::Form {
            action: action.clone(),
            fields,
        };
        let again = browser.submit(&page, &form).await;
        match peer {
            "" => assert_eq!(again.status, StatusCode::BAD_REQUEST),
            _ => assert_eq!(again.body, page.body, "it is as it was"),
        }
    }
    // Nor is there a logout for who guesses.
    for path in ["", "/next", "/finish", "/frame/0"] {
        let guess = format!("https://hub.example/logout/{}{path}", "A".repeat(43));
        assert_eq!(browser.go(&guess).await.status, StatusCode::NOT_FOUND);
    }
}

/// What the first application answers to the request that is its turn, as an address.
async fn answer_of_a(world: &World, handle: &Token) -> String {
    let request = world.hub.next_logout(handle).await.unwrap().unwrap();
    let asked = Incoming::Redirect(&query(&request));
    match world.applications[0].receive_logout(asked).await.unwrap() {
        LogoutReceived::Answer(Outgoing::Redirect(address)) => address,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_brings_an_answer_itself_does_not_come_to_the_page() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let page = browser.go_as(TYPED, LOG_OUT).await;
    let handle = page.url.path().rsplit('/').next().unwrap().to_owned();
    let answer = answer_of_a(&world, &Token::parse(&handle).unwrap()).await;
    // Not the person's browser, but the application's server.
    let mut server = world.browser();
    let got = server.go(&answer).await;
    assert_eq!(got.url.path(), "/logout/back");
    assert!(got.says("It goes on in the browser in which it began."));
    for secret in [handle.as_str(), "Application B", "https://b.example"] {
        let told = got.body.contains(secret) || got.url.as_str().contains(secret);
        assert!(!told, "{secret}: {}", got.body);
    }
    assert!(server.cookies.is_empty());
    // The answer counts, and the browser goes on.
    let page = browser.go(page.url.as_str()).await;
    let page = wait_for_result(&mut browser, page).await;
    assert!(page.says("Every application confirmed its sign-out."));
    assert_signed_out_everywhere(&mut browser).await;
}

#[tokio::test]
async fn two_logouts_in_one_browser_go_on_each_by_itself() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let page = browser.go_as(TYPED, LOG_OUT).await;
    let handle = page.url.path().rsplit('/').next().unwrap().to_owned();
    let answer = answer_of_a(&world, &Token::parse(&handle).unwrap()).await;
    // Meanwhile another one, of a session that was opened since.
    let again = browser.go("https://b.example/login").await;
    let again = browser.submit(&again, &credentials(&again)).await;
    assert!(
        again.says("signed in as alice@example.com"),
        "{}",
        again.body
    );
    let other = browser.go_as(TYPED, LOG_OUT).await;
    assert_ne!(other.url, page.url);
    let page = browser.go(&answer).await;
    assert_eq!(page.url.host_str(), Some("hub.example"));
    assert!(page.url.path().ends_with(&handle), "{}", page.url);
}

#[tokio::test]
async fn a_browser_that_an_application_sends_back_by_a_form_goes_on() {
    let by_post = |application: &mut Application| {
        let mut metadata = (*application.metadata).clone();
        let services = &mut metadata.sp.as_mut().unwrap().single_logout;
        services.retain(|endpoint| endpoint.is_for(Binding::HttpPost));
        application.metadata = Arc::new(metadata);
    };
    let provider = federate::crypto::aws_lc_provider();
    let parties = Parties::with_options(provider, by_post, |_| {});
    let world = World::of(parties, LoginOptions::default());
    let mut browser = world.signed_in().await;
    let page = browser.go_as(TYPED, LOG_OUT).await;
    let address = page.url.clone();
    let page = wait_for_result(&mut browser, page).await;
    assert_eq!(page.url, address);
    assert!(page.says("Every application confirmed its sign-out."));
    assert_signed_out_everywhere(&mut browser).await;
}

/// An application's own server brings the LogoutRequest: it is told what came of it, and nothing
/// of the person's other applications.
#[tokio::test]
async fn who_brings_a_request_itself_learns_of_no_other_application() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    assert!(browser.go(B).await.says("signed in as"));
    let (page, form) = log_out_form(A);
    let leads = browser
        .send(
            &Method::POST,
            &form.action,
            Some(String::new()),
            Some(&page),
        )
        .await;
    let (_, to) = leads.refresh().unwrap();
    let mut to = page.url.join(&to).unwrap();

    let mut server = world.browser();
    let mut way = Vec::new();
    while to.host_str() == Some("hub.example") {
        let got = server.send(&Method::GET, &to, None, None).await;
        for secret in ["Application B", "//b.example"] {
            let told = got.body.contains(secret) || got.url.as_str().contains(secret);
            assert!(!told, "{secret}: {}", got.body);
        }
        way.push(got.url.path().to_owned());
        to = got.url.join(got.header(LOCATION)).unwrap();
    }
    assert_eq!(way, ["/saml/slo", "/logout/apart"]);
    assert_eq!(to.host_str(), Some("a.example"));
    assert!(server.cookies.is_empty());
    let (_, query) = to.as_str().split_once('?').unwrap();
    let limits = Limits::default();
    let message = RedirectMessage::parse(query, MessageKind::Response, &limits).unwrap();
    let response = message.unverified::<LogoutResponse>().unwrap();
    let status = response.read_unsigned().unwrap().status;
    assert_eq!(status.subcode, Some(Code::PartialLogout));

    // The session is over, and nobody claims that B knows.
    assert!(browser.go(HUB).await.says("Sign in"));
    assert!(browser.go(B).await.says("signed in as"));
}

#[tokio::test]
async fn a_request_by_a_form_goes_on_in_the_persons_browser() {
    let by_post = |connection: &mut Connection| {
        let mut metadata = (*connection.metadata).clone();
        let services = &mut metadata.idp.as_mut().unwrap().single_logout;
        services.retain(|endpoint| endpoint.is_for(Binding::HttpPost));
        connection.metadata = Arc::new(metadata);
    };
    let provider = federate::crypto::aws_lc_provider();
    let parties = Parties::with_options(provider, |_| {}, by_post);
    let world = World::of(parties, LoginOptions::default());
    let mut browser = world.signed_in().await;
    assert!(browser.go(B).await.says("signed in as"));
    let (page, form) = log_out_form(A);
    let page = browser.submit(&page, &form).await;
    assert!(page.says("Now asking Application B"), "{}", page.body);
    let page = wait_for_result(&mut browser, page).await;
    assert!(page.says("Every other application confirmed its sign-out."));
    assert!(browser.go(HUB).await.says("Sign in"));
    for address in [A, B] {
        assert!(!browser.go(address).await.says("signed in as"), "{address}");
    }
}
