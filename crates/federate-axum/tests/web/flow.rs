//! The main job.

use crate::browser::{Browser, Page};
use crate::world::{A, B, HUB, World, credentials, log_out_form};
use axum::http::StatusCode;
use chrono::TimeDelta;

/// Goes on as the progress page does by itself, until it says how it ended.
pub(crate) async fn wait_for_result(browser: &mut Browser, mut page: Page) -> Page {
    for _ in 0..20 {
        match page.refresh() {
            Some((_, to)) if to.ends_with("/next") => page = browser.follow_link(&page, &to).await,
            _ => return page,
        }
    }
    panic!("the logout does not end: {}", page.body);
}

#[tokio::test]
async fn one_sign_in_opens_both_applications() {
    let world = World::new();
    let mut browser = world.browser();
    let page = browser.go("https://a.example/inbox").await;
    assert!(
        page.url
            .as_str()
            .starts_with("https://hub.example/sign-in?handle=")
    );
    assert!(page.says("to continue to Application A"));

    let wrong = page.form(0).with("user", "<alice>").with("password", "x");
    let page = browser.submit(&page, &wrong).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.says("The user name or the password is wrong."));
    assert!(page.body.contains("value=\"&lt;alice&gt;\""));

    // Back where the person wanted to go, in the application's own session.
    let page = browser.submit(&page, &credentials(&page)).await;
    assert_eq!(page.url.as_str(), "https://a.example/inbox");
    assert!(page.says("inbox of alice@example.com"));

    // The second application opens without a prompt.
    let page = browser.go("https://b.example/inbox").await;
    assert_eq!(page.url.as_str(), "https://b.example/inbox");

    let page = browser.go(HUB).await;
    assert!(
        page.says("Signed in as Alice <Liddell> & \"Co\""),
        "{}",
        page.body
    );
    for text in ["Application A", "Application B", "Ends at the latest"] {
        assert!(page.says(text), "{text}");
    }
    assert!(!page.says("Not yet"));
}

#[tokio::test]
async fn the_hub_opens_applications_by_itself() {
    let world = World::new();
    let mut browser = world.browser();
    let page = browser.go("https://hub.example/sign-in").await;
    let page = browser.submit(&page, &credentials(&page)).await;
    assert_eq!(page.url.as_str(), HUB);
    assert!(page.says("Application A Not yet"));
    let page = browser.submit(&page, &page.form(0)).await;
    assert_eq!(page.url.as_str(), A);
    assert!(page.says("signed in as alice@example.com"));
    // Who is signed in needs no sign-in page.
    let page = browser.go("https://hub.example/sign-in").await;
    assert_eq!(page.url.as_str(), HUB);
    assert!(!page.says("Application A Not yet"));
}

#[tokio::test]
async fn logging_out_at_one_application_ends_everything() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let (page, form) = log_out_form(A);
    let page = browser.submit(&page, &form).await;
    assert!(page.says("Now asking Application B"), "{}", page.body);
    assert!(page.says("Application A Asked for this sign-out"));
    // Chromium's history has no place for pages that go on sooner.
    assert_eq!(page.refresh().unwrap().0, 2);

    let page = wait_for_result(&mut browser, page).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("Every other application confirmed its sign-out."));
    assert!(page.says("Application B Signed out"));
    assert!(page.says("Return to Application A"));
    let (seconds, to) = page.refresh().unwrap();
    assert_eq!(seconds, 5);

    let page = browser.follow_link(&page, &to).await;
    assert_eq!(page.url.host_str(), Some("a.example"));
    assert!(page.says("Every application that took part confirmed its sign-out."));
    for application in [A, B] {
        assert!(browser.go(application).await.says("signed out"));
    }
    assert!(browser.go(HUB).await.says("You are not signed in"));
    let page = browser.go("https://b.example/login").await;
    assert!(page.says("to continue to Application B"), "{}", page.body);
}

#[tokio::test]
async fn logging_out_at_the_hub_ends_everything() {
    let world = World::new();
    let mut browser = world.signed_in().await;
    let page = browser.go(HUB).await;
    let page = browser.submit(&page, &page.form(2)).await;
    assert!(
        browser
            .cookie("hub.example", "__Host-hub_session")
            .is_none()
    );
    let page = wait_for_result(&mut browser, page).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("Every application confirmed its sign-out."));
    assert!(page.says("Application A Signed out"));
    assert!(page.says("Application B Signed out"));
    assert!(page.refresh().is_none());
    for application in [A, B] {
        assert!(browser.go(application).await.says("signed out"));
    }
}

#[tokio::test]
async fn an_application_that_does_not_answer_is_never_called_signed_out() {
    let world = World::new();
    for skips in [true, false] {
        let mut browser = world.signed_in().await;
        let (page, form) = log_out_form(A);
        let page = browser.submit(&page, &form).await;
        let progress = page.url.clone();
        // The request leaves, and the browser never comes back from there.
        let next = progress.join(&page.refresh().unwrap().1).unwrap();
        let left = browser
            .send(&axum::http::Method::GET, &next, None, None)
            .await;
        assert_eq!(left.status, StatusCode::SEE_OTHER);

        let page = browser.go(progress.as_str()).await;
        assert!(page.says("Waiting for Application B"), "{}", page.body);
        // It is not asked again by itself, only by the button.
        assert_eq!(page.refresh().unwrap(), (5, progress.path().to_owned()));
        let page = match skips {
            true => browser.submit(&page, &page.form(0)).await,
            false => {
                world.clock.advance(TimeDelta::seconds(31));
                browser.go(progress.as_str()).await
            }
        };
        assert!(
            page.says("You are not signed out everywhere"),
            "{}",
            page.body
        );
        assert!(page.says("Application B Asked, no answer"));
        assert!(!page.says("confirmed its sign-out"));
        let page = browser.follow_link(&page, &page.refresh().unwrap().1).await;
        assert!(
            page.says("Not every application confirmed"),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn without_a_session_there_is_nothing_to_end() {
    let world = World::new();
    let mut browser = world.browser();
    let (page, form) = log_out_form(A);
    let page = browser.submit(&page, &form).await;
    assert!(page.says("You are signed out here"));
}

#[tokio::test]
async fn two_tabs_can_sign_in_at_once() {
    let world = World::new();
    let mut browser = world.browser();
    let first = browser.go("https://a.example/login?return_to=/inbox").await;
    let second = browser.go("https://a.example/login").await;
    let page = browser.submit(&first, &credentials(&first)).await;
    assert_eq!(
        page.url.as_str(),
        "https://a.example/inbox",
        "{}",
        page.body
    );
    let page = browser.submit(&second, &credentials(&second)).await;
    assert_eq!(page.url.as_str(), A, "{}", page.body);
}

#[tokio::test]
async fn metadata_and_certificates_are_there() {
    let world = World::new();
    let mut browser = world.browser();
    let hub = browser.go("https://hub.example/saml/metadata").await;
    assert!(hub.body.contains("IDPSSODescriptor"));
    let application = browser.go("https://a.example/saml/metadata").await;
    assert!(application.body.contains("SPSSODescriptor"));
    assert!(
        browser
            .go("https://hub.example/pem")
            .await
            .body
            .starts_with("-----BEGIN CERT")
    );
    assert_eq!(
        browser.go("https://hub.example/cer").await.status,
        StatusCode::OK
    );
}
