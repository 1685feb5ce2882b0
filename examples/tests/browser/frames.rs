//! Logout in frames of the hub's page.

use super::logout::walk;
use super::programs::{Browser, ThirdPartyCookies};
use super::world::{Kind, Plan, World};
use crate::{PATIENCE, Walk, is_skipped};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_signed_out_in_frames_without_their_cookies() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser, ThirdPartyCookies::Blocked).await;
    let world = World::start(Plan::of(3, &[]).in_frames()).await;
    world.sign_in(&walk).await;
    world.log_out(&walk).await;
    walk.wait_for_text("Every application confirmed its sign-out.")
        .await;
    for app in &world.applications {
        let asked = app.asked();
        assert!(asked.iter().any(|dest| dest == "iframe"), "{asked:?}");
    }
    world.assert_signed_in_only_at(&walk, &[]).await;
    walk.driver.clone().quit().await.unwrap();
}

/// In frames, with applications that are slow, late, dead, or need their cookie.
async fn in_frames(cookies: ThirdPartyCookies) {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = walk(&browser, cookies).await;
    let (slow, late, by_cookie, dead) = (1, 2, 3, 4);
    let plan = Plan::of(
        5,
        &[
            (slow, Kind::Slow),
            (late, Kind::Late),
            (by_cookie, Kind::ByCookie),
            (dead, Kind::Dead),
        ],
    );
    let world = World::start(plan.in_frames()).await;
    world.sign_in(&walk).await;
    let page = world.log_out(&walk).await;
    // Those that did not confirm in their frames are asked one by one. The dead one is the last.
    walk.wait_for_text("ERR_CONNECTION_REFUSED").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("Waiting for app-04, which has not answered yet")
        .await;
    assert_eq!(walk.driver.current_url().await.unwrap().as_str(), page);
    walk.click("#skip").await;
    let asked = world.applications[by_cookie].asked();
    assert_eq!(asked.first().map(String::as_str), Some("iframe"));
    // Without its cookie it refused, and the frame's silence was no confirmation.
    let again = asked.iter().any(|dest| dest == "document");
    assert_eq!(again, cookies == ThirdPartyCookies::Blocked, "{asked:?}");
    world.assert_all_but_skipped(&walk, dead).await;
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_frames_without_cookies_nothing_is_claimed_that_was_not_confirmed() {
    in_frames(ThirdPartyCookies::Blocked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_frames_with_cookies_nothing_is_claimed_that_was_not_confirmed() {
    in_frames(ThirdPartyCookies::Allowed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_silent_in_its_frame_holds_nobody_up() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let driver = browser.driver_before_frames(ThirdPartyCookies::Blocked);
    let walk = Walk::new(driver.await);
    let held = 1;
    let world = World::start(Plan::of(3, &[(held, Kind::Held)]).in_frames()).await;
    world.sign_in(&walk).await;
    walk.go(&world.hub).await;
    walk.click("#log-out").await;
    // It is asked again, by itself.
    let app = &world.applications[held];
    let begun = Instant::now();
    while !app.asked().iter().any(|dest| dest == "document") {
        assert!(begun.elapsed() < PATIENCE, "{:?}", app.asked());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.asked()[0], "iframe");
    app.let_through(100);
    walk.wait_for_text("Every application confirmed its sign-out.")
        .await;
    world.assert_signed_in_only_at(&walk, &[]).await;
    walk.driver.clone().quit().await.unwrap();
}
