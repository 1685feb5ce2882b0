//! Logout between the hub and the identity provider upstream.

use crate::browser::{Browser, Form, Page, encode};
use crate::logout::{FRAMED, TYPED, assert_signed_out_everywhere, assert_tells, log_out};
use crate::world::{A, B, HUB, UPSTREAM, World, credentials};
use axum::http::header::LOCATION;
use axum::http::{Method, StatusCode};
use federate::logout::{LogoutPolicy, UpstreamPolicy};
use url::Url;

fn world(upstream: UpstreamPolicy) -> World {
    let policy = LogoutPolicy {
        upstream,
        ..LogoutPolicy::default()
    };
    World::with_upstream_and(|hub| hub.with_logout_policy(policy))
}

/// A browser that is signed in upstream, at the hub, and at both applications.
async fn signed_in(world: &World) -> Browser {
    let mut browser = world.browser();
    let page = browser.go("https://a.example/inbox").await;
    let link = page.between("href=\"/upstream/login", "\"");
    let link = format!("/upstream/login{}", link.replace("&amp;", "&"));
    let page = browser.follow_link(&page, &link).await;
    let page = browser.submit(&page, &credentials(&page)).await;
    assert_eq!(page.url.as_str(), "https://a.example/inbox");
    let page = browser.go("https://b.example/inbox").await;
    assert_eq!(page.url.as_str(), "https://b.example/inbox");
    browser
}

async fn is_signed_in_upstream(browser: &mut Browser) -> bool {
    browser.go(UPSTREAM).await.says("Signed in as Alice")
}

/// Goes on as the pages do by themselves, wherever they lead, until one stays.
async fn to_the_end(browser: &mut Browser, mut page: Page) -> Page {
    for _ in 0..20 {
        assert_tells(&page);
        let Some((_, to)) = page.refresh() else {
            return page;
        };
        page = browser.follow_link(&page, &to).await;
    }
    panic!("the logout does not end: {}", page.body);
}

#[tokio::test]
async fn federated_leads_upstream_and_back() {
    let world = world(UpstreamPolicy::Never);
    let mut browser = signed_in(&world).await;
    let page = browser.go_as(TYPED, &log_out(&[("federated", "")])).await;
    assert!(
        page.says("https://upstream.example Waiting"),
        "{}",
        page.body
    );
    let page = to_the_end(&mut browser, page).await;
    assert_eq!(page.url.host_str(), Some("hub.example"));
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("https://upstream.example Signed out"));
    assert!(!is_signed_in_upstream(&mut browser).await);
    assert_signed_out_everywhere(&mut browser).await;
}

#[tokio::test]
async fn otherwise_the_session_upstream_goes_on_and_the_page_says_so() {
    let world = world(UpstreamPolicy::Never);
    let mut browser = signed_in(&world).await;
    let page = browser.go_as(TYPED, &log_out(&[])).await;
    let page = to_the_end(&mut browser, page).await;
    assert!(page.says("https://upstream.example Not asked"));
    assert!(is_signed_in_upstream(&mut browser).await);
    assert_signed_out_everywhere(&mut browser).await;
}

#[tokio::test]
async fn the_person_chooses_by_a_page_whether_the_session_upstream_ends() {
    for (choice, ends) in [("end", true), ("keep", false)] {
        let world = world(UpstreamPolicy::Ask);
        let mut browser = signed_in(&world).await;
        let page = browser.go_as(TYPED, &log_out(&[])).await;
        let mut page = page;
        while let Some((_, to)) = page.refresh() {
            page = browser.follow_link(&page, &to).await;
        }
        assert!(page.says("Sign out there, too?"), "{}", page.body);
        assert!(page.says("You signed in through https://upstream.example"));
        for button in ["end", "keep"] {
            let button = format!("name=\"upstream\" value=\"{button}\"");
            assert!(page.body.contains(&button), "{}", page.body);
        }
        assert_tells(&page);

        let form = Form {
            fields: vec![("upstream".to_owned(), choice.to_owned())],
            ..page.form(0)
        };
        let evil = Page {
            url: Url::parse("https://evil.example/").unwrap(),
            ..page.clone()
        };
        let body = Some(encode(&form.fields));
        let refused = browser
            .send(&Method::POST, &form.action, body, Some(&evil))
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);

        let page = browser.submit(&page, &form).await;
        let page = to_the_end(&mut browser, page).await;
        let state = if ends { "Signed out" } else { "Not asked" };
        assert!(
            page.says(&format!("https://upstream.example {state}")),
            "{}",
            page.body
        );
        assert_eq!(is_signed_in_upstream(&mut browser).await, !ends);
        assert_signed_out_everywhere(&mut browser).await;
    }
}

#[tokio::test]
async fn a_logout_upstream_ends_the_hub_and_its_applications_and_is_answered() {
    let world = world(UpstreamPolicy::Always);
    let mut browser = signed_in(&world).await;
    let page = browser.go(UPSTREAM).await;
    let page = browser.submit(&page, &page.form(1)).await;
    assert!(page.says("Now asking The hub"), "{}", page.body);
    let page = to_the_end(&mut browser, page).await;
    // It began there, and ends there.
    assert_eq!(page.url.host_str(), Some("upstream.example"));
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("The hub Signed out"));
    assert!(browser.go(HUB).await.says("You are not signed in"));
    for application in [A, B] {
        assert!(browser.go(application).await.says("signed out"));
    }
    assert!(!is_signed_in_upstream(&mut browser).await);
}

#[tokio::test]
async fn a_logout_that_upstream_frames_is_answered_without_pages() {
    let world = world(UpstreamPolicy::Always);
    let mut browser = signed_in(&world).await;
    let page = browser.go(UPSTREAM).await;
    let page = browser.submit(&page, &page.form(1)).await;
    let next = page.url.join(&page.refresh().unwrap().1).unwrap();
    let request = browser.send(&Method::GET, &next, None, None).await;
    let request = request.headers[LOCATION].to_str().unwrap().to_owned();
    assert!(request.starts_with("https://hub.example/upstream/slo?"));
    browser.go_as(FRAMED, &request).await;
    assert!(browser.go(HUB).await.says("You are not signed in"));
    // It has the answer, which does not say more than is true.
    let page = browser.go(page.url.as_str()).await;
    let page = to_the_end(&mut browser, page).await;
    assert!(page.says("You are not signed out everywhere"));
    assert!(page.says("The hub Failed"), "{}", page.body);
    assert!(browser.go(B).await.says("signed in"));
}

#[tokio::test]
async fn a_logout_at_an_application_comes_back_through_all_layers() {
    let world = world(UpstreamPolicy::Always);
    let mut browser = signed_in(&world).await;
    let (page, form) = crate::world::log_out_form(A);
    let page = browser.submit(&page, &form).await;
    let page = to_the_end(&mut browser, page).await;
    assert_eq!(page.url.host_str(), Some("a.example"));
    assert!(page.says("Every application that took part confirmed its sign-out."));
    assert!(browser.go(B).await.says("signed out"));
    assert!(browser.go(HUB).await.says("You are not signed in"));
    assert!(!is_signed_in_upstream(&mut browser).await);
}
