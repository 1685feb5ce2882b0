//! Applications that the hub's worker tells of a logout by SOAP, while a browser looks on.

use super::programs::{Browser, ThirdPartyCookies};
use super::world::{Kind, Plan, World};
use crate::{Walk, is_skipped};

/// As many messages as there can be.
const ALL: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_how_applications_are_told_without_the_browser() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = Walk::new(browser.driver(ThirdPartyCookies::Blocked).await);
    let (plain, direct) = (0, 1);
    let world = World::start(Plan::of(2, &[(direct, Kind::Direct)])).await;
    world.sign_in(&walk).await;
    world.log_out(&walk).await;
    // The application holds the hub's message, and the page says so.
    walk.wait_for_text("Now asking").await;
    assert_eq!(world.says(&walk, plain).await, "Waiting");
    assert_eq!(world.says(&walk, direct).await, "Asking");
    walk.shoot("20-soap-under-way").await;
    world.applications[direct].let_through(ALL);
    walk.wait_for_text("Every application confirmed its sign-out.")
        .await;
    // Nothing of it went through the browser, which says what it fetches everything for.
    let asked = world.applications[direct].asked();
    assert!(!asked.is_empty() && asked.iter().all(String::is_empty));
    assert_eq!(world.applications[plain].asked(), ["document"]);
    world.assert_signed_in_only_at(&walk, &[]).await;
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_was_down_is_told_when_the_person_tries_again() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = Walk::new(browser.driver(ThirdPartyCookies::Blocked).await);
    let (direct, dead) = (1, 2);
    let plan = Plan::of(3, &[(direct, Kind::Direct), (dead, Kind::DirectDead)]);
    let mut world = World::start(plan).await;
    world.applications[direct].let_through(ALL);
    world.applications[dead].let_through(ALL);
    world.sign_in(&walk).await;
    let page = world.log_out(&walk).await;
    walk.wait_for_text("You are not signed out everywhere")
        .await;
    assert_eq!(world.says(&walk, direct).await, "Signed out");
    assert_eq!(world.says(&walk, dead).await, "Failed");
    walk.shoot("21-soap-failed").await;
    world.assert_signed_in_only_at(&walk, &[dead]).await;
    // It is still down.
    walk.go(&page).await;
    walk.click(&world.retry(dead)).await;
    // The page looks again by itself.
    walk.wait_for_text("You are not signed out everywhere")
        .await;
    assert_eq!(world.says(&walk, dead).await, "Failed");
    world.applications[dead].come_up();
    walk.click(&world.retry(dead)).await;
    walk.wait_for_text("Every application confirmed its sign-out.")
        .await;
    world.assert_signed_in_only_at(&walk, &[]).await;
    walk.driver.clone().quit().await.unwrap();
}
