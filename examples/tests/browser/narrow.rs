//! How the pages of a logout look: on a small telephone, in the dark, and to a screen reader.

use super::accessibility::assert_accessible;
use super::programs::{Browser, ThirdPartyCookies};
use super::world::{Kind, Plan, World};
use crate::{Walk, is_skipped};
use serde_json::json;

/// The lowest contrast between a text and what is behind it, and the text.
const LOWEST_CONTRAST: &str = "
    const rgb = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => {
        const [r, g, b] = rgb(color).map(c => c / 255)
            .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = getComputedStyle(element).backgroundColor;
            if (rgb(color)[3] !== 0) return color;
        }
        return 'rgb(255, 255, 255)';
    };
    let lowest = [21, ''];
    for (const element of document.body.querySelectorAll('*')) {
        const own = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!own) continue;
        const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => a - b);
        const contrast = (pair[1] + .05) / (pair[0] + .05);
        if (contrast < lowest[0]) lowest = [contrast, element.textContent];
    }
    return lowest;";

/// What is wider than the window, by its name.
const TOO_WIDE: &str = "
    const width = document.documentElement.clientWidth;
    const scrolls = document.documentElement.scrollWidth > width ? ['the page'] : [];
    const wide = [...document.querySelectorAll('body *')]
        .filter(e => e.getBoundingClientRect().right > width + .5);
    return scrolls.concat(wide.map(e => e.tagName + ' ' + e.textContent));";

/// Whether people prefer a dark page.
async fn set_dark(walk: &Walk, dark: bool) {
    let scheme = if dark { "dark" } else { "light" };
    let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    let cdp = walk.driver.cdp();
    cdp.send_raw("Emulation.setEmulatedMedia", media)
        .await
        .unwrap();
}

/// How wide the window is; `None` is as it was.
async fn set_width(walk: &Walk, width: Option<u32>) {
    let cdp = walk.driver.cdp();
    let outcome = match width {
        Some(width) => {
            let screen =
                json!({ "width": width, "height": 640, "deviceScaleFactor": 1, "mobile": false });
            cdp.send_raw("Emulation.setDeviceMetricsOverride", screen)
                .await
        }
        None => {
            cdp.send_raw("Emulation.clearDeviceMetricsOverride", json!({}))
                .await
        }
    };
    outcome.unwrap();
}

/// The page can be read, and needs no scrolling to the side, in every light and at any width.
pub(super) async fn assert_legible(walk: &Walk, name: &str) {
    for dark in [false, true] {
        set_dark(walk, dark).await;
        for width in [Some(320), None] {
            set_width(walk, width).await;
            let seen = walk.driver.execute("return innerWidth", vec![]).await;
            let seen: u32 = seen.unwrap().convert().unwrap();
            assert!(width.is_none_or(|width| width == seen), "{seen}");
            let wide = walk.driver.execute(TOO_WIDE, vec![]).await.unwrap();
            let wide: Vec<String> = wide.convert().unwrap();
            let scheme = if dark { "dark" } else { "light" };
            walk.shoot(&format!("{name}-{scheme}-{seen}")).await;
            assert!(wide.is_empty(), "{name}, {seen}: {wide:?}");
            let lowest = walk.driver.execute(LOWEST_CONTRAST, vec![]).await.unwrap();
            let (contrast, text): (f64, String) = lowest.convert().unwrap();
            // [WCAG21] 1.4.3
            assert!(contrast >= 4.5, "{name}, {scheme}: {contrast} of {text:?}");
        }
    }
    set_dark(walk, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_a_logout_are_for_everybody() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let walk = Walk::new(browser.driver(ThirdPartyCookies::Blocked).await);
    let (dead, direct) = (0, 7);
    let plan = Plan::of(25, &[(dead, Kind::Dead), (direct, Kind::DirectDead)]);
    let world = World::start(plan).await;
    world.sign_in(&walk).await;
    world.log_out(&walk).await;
    walk.wait_for_text("ERR_CONNECTION_REFUSED").await;
    walk.driver.back().await.unwrap();
    walk.wait_for_text("Waiting for app-00, which has not answered yet")
        .await;
    assert_accessible(&walk).await;
    assert_legible(&walk, "40-progress").await;
    walk.click("#skip").await;
    walk.wait_for_text("You are not signed out everywhere")
        .await;
    assert_accessible(&walk).await;
    assert_legible(&walk, "41-result").await;
    world.assert_signed_in_only_at(&walk, &[dead, direct]).await;
    walk.driver.clone().quit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_with_frames_is_for_everybody() {
    if is_skipped() {
        return;
    }
    let browser = Browser::start();
    let driver = browser.driver_before_frames(ThirdPartyCookies::Blocked);
    let walk = Walk::new(driver.await);
    let held = 1;
    let world = World::start(Plan::of(2, &[(held, Kind::Held)]).in_frames()).await;
    world.sign_in(&walk).await;
    // The page is not complete before the application answers in its frame.
    walk.go(&world.hub).await;
    walk.click("#log-out").await;
    walk.element("iframe").await;
    assert_accessible(&walk).await;
    world.applications[held].let_through(100);
    walk.wait_for_text("Every application confirmed its sign-out.")
        .await;
    assert_accessible(&walk).await;
    world.assert_signed_in_only_at(&walk, &[]).await;
    walk.driver.clone().quit().await.unwrap();
}
