//! Logout in a browser that runs no scripts.

use super::programs::{Browser, Hub, free_ports};
use super::world::{Kind, Plan, World, host, serve};
use crate::{Walk, is_skipped};
use axum::Router;
use axum::response::Html;
use axum::routing::get;

/// The browser, which was seen to run none.
async fn walk(browser: &Browser) -> Walk {
    let walk = Walk::without_scripts(browser.driver_without_scripts().await);
    let (listener, site) = host("probe").await;
    let page = "<!DOCTYPE html><p>plain<script>document.write(' with scripts')</script></p>";
    serve(
        listener,
        Router::new().route("/", get(move || async move { Html(page) })),
    );
    walk.go(&site.url("/")).await;
    assert_eq!(walk.text().await, "plain");
    walk
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_logout_goes_from_an_application_and_back() {
    if is_skipped() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let port = free_ports(3);
    let address = |name: &str, number: u16| format!("http://{name}.localhost:{}/", port + number);
    let (hub, a, b) = (address("hub", 0), address("app-a", 1), address("app-b", 2));
    let program = Hub::start(port, data.path());
    let browser = Browser::start();
    let walk = walk(&browser).await;
    walk.go(&a).await;
    walk.click("#sign-in").await;
    walk.type_into("#user", "alice").await;
    walk.type_into("#password", &program.password("alice"))
        .await;
    walk.click("#sign-in").await;
    walk.send_form_by_hand().await;
    walk.element("#name-id").await;
    walk.go(&b).await;
    walk.click("#sign-in").await;
    walk.send_form_by_hand().await;
    walk.element("#log-out").await;
    walk.click("#log-out").await;
    walk.element("#return").await;
    let result = walk.text_of("#result").await;
    assert!(result.contains("Demo Application A Signed out"), "{result}");
    walk.click("#return").await;
    walk.wait_for_text("Every application that took part confirmed")
        .await;
    let at = walk.driver.current_url().await.unwrap();
    assert!(at.as_str().starts_with(&b), "{at}");
    for address in [&a, &b, &hub] {
        walk.go(address).await;
        walk.wait_for_text("You are not signed in").await;
    }
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_person_skips_one_application_and_tries_another_again() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser).await;
    let (dead, direct) = (1, 2);
    let plan = Plan::of(3, &[(dead, Kind::Dead), (direct, Kind::DirectDead)]);
    let mut world = World::start(plan).await;
    world.applications[direct].let_through(100);
    world.sign_in(&walk).await;
    let page = world.log_out(&walk).await;
    walk.wait_for_text("ERR_CONNECTION_REFUSED").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("Waiting for app-01, which has not answered yet")
        .await;
    walk.click("#skip").await;
    walk.wait_for_text("You are not signed out everywhere")
        .await;
    assert_eq!(world.says(&walk, direct).await, "Failed");
    world.applications[direct].come_up();
    walk.click(&world.retry(direct)).await;
    world
        .look_until_it_says(&walk, &page, direct, "Signed out")
        .await;
    world.assert_all_but_skipped(&walk, dead).await;
    walk.driver.clone().quit().await.unwrap();
}
