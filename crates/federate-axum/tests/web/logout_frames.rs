//! Logout in frames, for applications that are safe for it.

use crate::browser::{Browser, Page};
use crate::logout::{FRAMED, TYPED, assert_signed_out_everywhere, assert_tells, log_out};
use crate::world::World;
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use federate::LoginOptions;
use federate::idp::Application;
use federate::logout::LogoutPolicy;
use federate::types::Binding;
use federate_testkit::parties::Parties;
use std::sync::Arc;
use url::Url;

fn world(change: impl Fn(&mut Application)) -> World {
    let policy = LogoutPolicy {
        frames: true,
        ..LogoutPolicy::default()
    };
    let mut parties = Parties::with_options(
        federate::crypto::aws_lc_provider(),
        |application| {
            application.logout_in_frames = true;
            change(application);
        },
        |_| {},
    );
    parties.hub = parties.hub.with_logout_policy(policy);
    World::of(parties, LoginOptions::default())
}

/// To where a page's frames go on.
fn frames(page: &Page) -> Vec<String> {
    let tags = page.body.split("<iframe ").skip(1);
    let tags = tags.map(|tag| tag.split('>').next().unwrap());
    tags.map(|tag| {
        assert!(tag.contains("title=\""), "{tag}");
        let (_, rest) = tag.split_once("src=\"").unwrap();
        let path = rest.split('"').next().unwrap();
        page.url.join(&format!("{path}/next")).unwrap().into()
    })
    .collect()
}

async fn begun(browser: &mut Browser) -> Page {
    let page = browser.go_as(TYPED, &log_out(&[])).await;
    assert!(page.says("Signing you out"), "{}", page.body);
    assert_tells(&page);
    page
}

#[tokio::test]
async fn applications_are_asked_in_frames_all_at_once() {
    let world = world(|_| {});
    let mut browser = world.signed_in().await;
    let page = begun(&mut browser).await;
    let policy = page.header(CONTENT_SECURITY_POLICY);
    assert!(policy.contains("frame-src 'self' https:"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let (seconds, again) = page.refresh().unwrap();
    assert_eq!((seconds > 0, again.as_str()), (true, page.url.path()));

    let frames = frames(&page);
    assert_eq!(frames.len(), 2);
    // All of them begin before the first ends.
    let mut there = Vec::new();
    for frame in frames {
        let url = Url::parse(&frame).unwrap();
        let leads = browser.send(&Method::GET, &url, None, None).await;
        there.push(leads.headers[LOCATION].to_str().unwrap().to_owned());
    }
    for application in there {
        // There, and back inside the frame: what stands around it looks again.
        let inside = browser.go_as(FRAMED, &application).await;
        assert_eq!(inside.status, StatusCode::NO_CONTENT, "{}", inside.body);
        assert_eq!(inside.url.path(), "/saml/slo");
    }
    let page = browser.follow_link(&page, &again).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("Application A Signed out Application B Signed out"));
    assert!(!page.header(CONTENT_SECURITY_POLICY).contains("frame-src"));
    assert_signed_out_everywhere(&mut browser).await;
}

#[tokio::test]
async fn a_frame_asks_its_own_peer_when_another_has_answered() {
    let world = world(|_| {});
    let mut browser = world.signed_in().await;
    let page = begun(&mut browser).await;
    for frame in frames(&page) {
        let inside = browser.go_as(FRAMED, &frame).await;
        assert_eq!(inside.status, StatusCode::NO_CONTENT, "{}", inside.body);
        assert_eq!(inside.url.path(), "/saml/slo");
        // Once more: it was answered.
        let inside = browser.go_as(FRAMED, &frame).await;
        assert_eq!(inside.url.as_str(), frame);
    }
    let page = browser.go(page.url.as_str()).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert_signed_out_everywhere(&mut browser).await;
}

#[tokio::test]
async fn a_form_for_a_frame_may_be_framed() {
    let world = world(|application| {
        let mut metadata = (*application.metadata).clone();
        let sp = metadata.sp.as_mut().unwrap();
        sp.single_logout
            .retain(|endpoint| endpoint.is_for(Binding::HttpPost));
        assert!(!sp.single_logout.is_empty());
        application.metadata = Arc::new(metadata);
    });
    let mut browser = world.signed_in().await;
    let page = begun(&mut browser).await;
    for frame in frames(&page) {
        let url = Url::parse(&frame).unwrap();
        let form = browser.send(&Method::GET, &url, None, None).await;
        assert_eq!(form.status, StatusCode::OK);
        assert_eq!(form.form(0).action.path(), "/saml/slo");
        let policy = form.header(CONTENT_SECURITY_POLICY);
        assert!(policy.contains("frame-ancestors *"), "{policy}");
        assert!(!policy.contains("frame-ancestors 'none'"), "{policy}");
    }
    // Beyond the last there is nothing.
    let beyond = format!("{}/frame/3/next", page.url);
    let page = browser.go_as(FRAMED, &beyond).await;
    assert_eq!(page.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn who_does_not_answer_in_a_frame_is_asked_by_the_whole_page() {
    let world = world(|_| {});
    let mut browser = world.signed_in().await;
    let page = begun(&mut browser).await;
    let first = &frames(&page)[0];
    browser.go_as(FRAMED, first).await;
    world.clock.advance(TimeDelta::seconds(6));
    let page = browser.go(page.url.as_str()).await;
    assert!(page.says("Application A Signed out"), "{}", page.body);
    assert!(page.says("Now asking Application B"), "{}", page.body);
    assert!(frames(&page).is_empty());
    let page = crate::flow::wait_for_result(&mut browser, page).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert_signed_out_everywhere(&mut browser).await;
}
