//! A person says which organization can tell who they are.

use crate::world::{World, credentials};
use axum::http::StatusCode;
use federate::types::EntityId;
use federate_axum::{Choice, Site, SpState, sp_router};
use std::sync::Arc;

fn world() -> World {
    let mut world = World::new();
    let site = Site::new("https://a.example", "app", "A").unwrap();
    let state = SpState::new(Arc::clone(&world.applications[0]), site).with_choice(|typed| {
        let hub = Choice {
            entity_id: EntityId::new("https://hub.example").unwrap(),
            name: "The <Hub> & Co".to_owned(),
        };
        match typed {
            "hub" => vec![hub],
            _ => Vec::new(),
        }
    });
    world.web.insert("a.example".to_owned(), sp_router(state));
    world
}

#[tokio::test]
async fn a_login_begins_with_a_choice() {
    let world = world();
    let mut browser = world.browser();
    let page = browser.go("https://a.example/login?return_to=/inbox").await;
    assert_eq!(
        page.url.as_str(),
        "https://a.example/login/choose?return_to=%2Finbox"
    );
    assert!(page.says("Find your organization"));
    let page = browser
        .go("https://a.example/login/choose?return_to=/inbox&q=elsewhere")
        .await;
    assert!(page.says("Nothing of that name was found."));
    let page = browser
        .go("https://a.example/login/choose?return_to=/inbox&q=%20hub")
        .await;
    assert!(page.says("The <Hub> & Co"), "{}", page.body);
    let link = "/login?idp=https%3A%2F%2Fhub.example&amp;return_to=%2Finbox";
    assert!(page.body.contains(link), "{}", page.body);
    let page = browser
        .follow_link(&page, &link.replace("&amp;", "&"))
        .await;
    assert!(
        page.url
            .as_str()
            .starts_with("https://hub.example/sign-in?handle=")
    );
    let page = browser.submit(&page, &credentials(&page)).await;
    assert_eq!(page.url.as_str(), "https://a.example/inbox");
}

#[tokio::test]
async fn a201_the_choice_leads_to_nobody_else() {
    let world = world();
    let mut browser = world.browser();
    for idp in ["https://stranger.example", "", "javascript:alert(1)"] {
        let page = browser
            .go(&format!("https://a.example/login?idp={idp}"))
            .await;
        assert!(page.status.is_client_error(), "{idp}");
        assert_ne!(page.status, StatusCode::NOT_FOUND);
    }
    let hostile = "https://a.example/login/choose?return_to=//evil.example&q=%3Cscript%3E";
    let page = browser.go(hostile).await;
    assert!(!page.body.contains("<script") && !page.body.contains("evil.example"));
}
