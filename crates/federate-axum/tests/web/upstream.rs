//! People sign in at their identity provider, and use the applications of the hub.

use crate::world::{HUB, World, credentials};
use axum::http::StatusCode;

#[tokio::test]
async fn a_sign_in_goes_through_three_layers() {
    let world = World::with_upstream();
    let mut browser = world.browser();
    let page = browser.go("https://a.example/inbox").await;
    assert!(page.url.as_str().starts_with("https://hub.example/sign-in"));
    assert!(page.says("Continue with https://upstream.example"));
    let link = page
        .between("href=\"/upstream/login", "\"")
        .replace("&amp;", "&");
    let page = browser
        .follow_link(&page, &format!("/upstream/login{link}"))
        .await;
    assert!(
        page.url
            .as_str()
            .starts_with("https://upstream.example/sign-in")
    );
    let page = browser.submit(&page, &credentials(&page)).await;
    assert_eq!(page.url.as_str(), "https://a.example/inbox");
    assert!(page.says("inbox of alice@example.com"), "{}", page.body);
    // The second application opens without a prompt.
    let page = browser.go("https://b.example/inbox").await;
    assert_eq!(page.url.as_str(), "https://b.example/inbox");
    let page = browser.go(HUB).await;
    assert!(page.says("Signed in as"), "{}", page.body);
}

#[tokio::test]
async fn a_sign_in_at_the_hub_itself_goes_through_upstream_too() {
    let world = World::with_upstream();
    let mut browser = world.browser();
    let page = browser.go("https://hub.example/sign-in").await;
    let link = page
        .between("href=\"/upstream/login", "\"")
        .replace("&amp;", "&");
    let page = browser
        .follow_link(&page, &format!("/upstream/login{link}"))
        .await;
    let page = browser.submit(&page, &credentials(&page)).await;
    assert_eq!(page.url.as_str(), HUB);
    assert!(page.says("Signed in as"), "{}", page.body);
}

#[tokio::test]
async fn nobody_is_sent_to_an_identity_provider_that_is_not_known() {
    let world = World::with_upstream();
    let mut browser = world.browser();
    let page = browser
        .go("https://hub.example/upstream/login?idp=https://evil.example")
        .await;
    assert!(page.status.is_client_error());
    let without = World::new();
    let mut browser = without.browser();
    for address in ["/upstream/login", "/upstream/metadata"] {
        let page = browser.go(&format!("https://hub.example{address}")).await;
        assert!(page.status.is_client_error(), "{address}");
    }
    let mut browser = world.browser();
    let page = browser.go("https://hub.example/upstream/metadata").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("https://hub.example/upstream/acs"));
}
