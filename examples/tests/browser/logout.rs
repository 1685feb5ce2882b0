//! Logout in a real browser: through few applications and through many, of which one is slow
//! and one is dead.

use super::programs::{Browser, ThirdPartyCookies};
use super::world::{Kind, Plan, World, host, serve};
use crate::{Walk, is_skipped};
use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::routing::get;

/// Whether a site gets its cookie in a frame of another one, in this browser.
async fn has_third_party_cookies(walk: &Walk) -> bool {
    let (listener, outer) = host("outer").await;
    let inner = outer.origin().replace("outer", "inner");
    let frame = format!("<!DOCTYPE html><iframe src='{inner}/read'></iframe>");
    let html = [(CONTENT_TYPE, "text/html")];
    let set = [(SET_COOKIE, "probe=1; SameSite=None; Secure")];
    let router = Router::new()
        .route("/outer", get(move || async move { (html, frame) }))
        .route("/set", get(move || async move { (set, "set") }))
        .route(
            "/read",
            get(|headers: HeaderMap| async move {
                let cookie = headers.get(COOKIE).is_some();
                if cookie {
                    "with cookie"
                } else {
                    "without cookie"
                }
            }),
        );
    serve(listener, router);
    walk.go(&format!("{inner}/set")).await;
    walk.go(&format!("{inner}/read")).await;
    assert_eq!(walk.text().await, "with cookie");
    walk.go(&outer.url("/outer")).await;
    walk.element("iframe").await.enter_frame().await.unwrap();
    let text = walk.text().await;
    walk.driver.enter_default_frame().await.unwrap();
    text == "with cookie"
}

/// A browser in which third-party cookies are as wanted.
pub(super) async fn walk(browser: &Browser, cookies: ThirdPartyCookies) -> Walk {
    let walk = Walk::new(browser.driver(cookies).await);
    let allowed = cookies == ThirdPartyCookies::Allowed;
    assert_eq!(has_third_party_cookies(&walk).await, allowed);
    walk
}

/// Closes the tab, and opens the page in another one.
async fn resume_in_another_tab(walk: &Walk, page: &str) {
    let second = walk.driver.new_tab().await.unwrap();
    walk.driver.close_window().await.unwrap();
    walk.driver.switch_to_window(second).await.unwrap();
    walk.go(page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_leaves_a_dead_application_behind_and_reads_the_truth() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser, ThirdPartyCookies::Allowed).await;
    let (slow, dead) = (1, 2);
    let plan = Plan::of(3, &[(slow, Kind::Slow), (dead, Kind::Dead)]);
    let world = World::start(plan).await;
    world.sign_in(&walk).await;
    let page = world.log_out(&walk).await;
    // The browser ends where nobody listens, and the way back leads to the page.
    walk.wait_for_text("ERR_CONNECTION_REFUSED").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("Waiting for app-02, which has not answered yet")
        .await;
    assert_eq!(walk.driver.current_url().await.unwrap().as_str(), page);
    resume_in_another_tab(&walk, &page).await;
    walk.wait_for_text("Waiting for app-02, which has not answered yet")
        .await;
    walk.click("#skip").await;
    world.assert_all_but_skipped(&walk, dead).await;
    walk.driver.clone().quit().await.unwrap();
}

/// More applications than a browser follows redirects; the person goes back in the middle,
/// closes the tab, and is left at one that is dead.
async fn through_many(cookies: ThirdPartyCookies) {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser, cookies).await;
    let (slow, dead) = (20, 24);
    let plan = Plan::of(25, &[(slow, Kind::Slow), (dead, Kind::Dead)]);
    let world = World::start(plan).await;
    world.sign_in(&walk).await;
    let page = world.log_out(&walk).await;
    // The way back in the middle leads to the page, which goes on by itself.
    walk.wait_for_text("app-02 Signed out").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("app-06 Signed out").await;
    // So does its address in another tab.
    resume_in_another_tab(&walk, &page).await;
    walk.wait_for_text("ERR_CONNECTION_REFUSED").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("Waiting for app-24, which has not answered yet")
        .await;
    assert_eq!(walk.driver.current_url().await.unwrap().as_str(), page);
    resume_in_another_tab(&walk, &page).await;
    walk.click("#skip").await;
    world.assert_all_but_skipped(&walk, dead).await;
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_goes_through_more_applications_than_a_browser_follows_redirects() {
    through_many(ThirdPartyCookies::Blocked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn third_party_cookies_change_nothing_about_a_logout_through_many() {
    through_many(ThirdPartyCookies::Allowed).await;
}
