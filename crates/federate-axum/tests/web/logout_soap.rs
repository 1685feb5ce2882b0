//! Logout messages that travel without the browser.

use crate::browser::{Browser, Page};
use crate::logout::{FRAMED, TYPED, assert_signed_out_everywhere, assert_tells, log_out};
use crate::world::{A, B, ToApplications, World, log_out_form};
use axum::body::{Body, to_bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{Method, Request, StatusCode};
use federate::hub::{SessionView, SignOn};
use federate::logout::RequestLimit;
use federate::saml::binding::soap;
use federate::saml::{Extensions, LogoutRequest, signed_xml, unsigned_xml};
use federate::session::Persistence;
use federate::types::{MessageId, StatusCode as Status};
use federate::{LoginOptions, Token};
use federate_axum::hub::{SLO, UPSTREAM_SLO, carry_out_logouts};
use federate_testkit::keys;
use federate_testkit::parties::{HUB_SOAP_SLO, PASSWORD, Parties, USER};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

/// A world whose hub and applications ask each other directly.
fn world() -> (World, ToApplications) {
    let mut parties = Parties::with_soap_logout(federate::crypto::aws_lc_provider());
    let wires = ToApplications::default();
    parties.hub = parties.hub.with_back_channel(wires.clone());
    let world = World::of(parties, LoginOptions::default());
    *wires.0.lock().unwrap() = world.web.clone();
    (world, wires)
}

async fn session(world: &World, browser: &Browser) -> Option<SessionView> {
    let cookie = browser.cookie("hub.example", "__Host-hub_session").unwrap();
    let token = Token::parse(cookie).unwrap();
    world.hub.session(&token).await.unwrap()
}

/// A LogoutRequest of the first application for what the hub told it.
async fn request(world: &World, browser: &Browser, number: u8) -> LogoutRequest {
    let session = session(world, browser).await.unwrap();
    let party = world.applications[0].party();
    let mut told = session.participants.into_iter();
    let told = told.find(|p| p.entity_id == party.entity_id).unwrap();
    LogoutRequest {
        id: MessageId::from_random([number; 20]),
        issue_instant: keys::fixed_now(),
        destination: Some(HUB_SOAP_SLO.to_owned()),
        not_on_or_after: Some(keys::fixed_now() + chrono::TimeDelta::minutes(5)),
        reason: None,
        issuer: Some(party.entity_id.clone()),
        extensions: Extensions::default(),
        name_id: told.name_id,
        session_indexes: vec![told.session_index],
    }
}

fn signed(world: &World, request: &LogoutRequest) -> Vec<u8> {
    let signer = &world.applications[0].party().signer;
    soap::envelope(&signed_xml(request, signer).unwrap())
}

/// What the hub answers to this body.
async fn post(world: &World, path: &str, kind: &str, body: Vec<u8>) -> (StatusCode, String) {
    let request = Request::post(path).header(CONTENT_TYPE, kind);
    let request = request.body(Body::from(body)).unwrap();
    let router = world.web["hub.example"].clone();
    let answer = router.oneshot(request).await.unwrap();
    let status = answer.status();
    if matches!(status, StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR) {
        assert_eq!(answer.headers()[CONTENT_TYPE], soap::CONTENT_TYPE);
        let cached = answer.headers()[CACHE_CONTROL].to_str().unwrap();
        assert!(cached.contains("no-cache") && cached.contains("no-store"));
    }
    let octets = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(octets.into()).unwrap())
}

#[tokio::test]
async fn an_application_logs_out_by_soap_at_the_address_of_single_logout() {
    let (world, wires) = world();
    for reaches_b in [true, false] {
        let mut browser = world.signed_in().await;
        if !reaches_b {
            wires.0.lock().unwrap().remove("b.example");
        }
        let request = request(&world, &browser, u8::from(reaches_b)).await;
        let envelope = signed(&world, &request);
        let (status, answer) = post(&world, SLO, "text/xml; charset=utf-8", envelope).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let tells = |code: Status| answer.contains(&format!("Value=\"{}\"", code.uri()));
        assert!(answer.contains("LogoutResponse") && tells(Status::Success));
        assert_eq!(tells(Status::PartialLogout), !reaches_b);
        assert!(session(&world, &browser).await.is_none());
        let b = browser.go(crate::world::B).await;
        assert_eq!(b.says("signed out"), reaches_b);
        world.clock.advance(chrono::TimeDelta::seconds(1));
    }
}

#[tokio::test]
async fn what_is_refused_by_soap_ends_nothing_and_is_told_nothing() {
    let (world, _wires) = world();
    let browser = world.signed_in().await;
    let right = request(&world, &browser, 7).await;
    let unsigned = soap::envelope(&unsigned_xml(&right));
    let wrong = &world.applications[1].party().signer;
    let forged = soap::envelope(&signed_xml(&right, wrong).unwrap());
    let elsewhere = LogoutRequest {
        destination: Some("https://other.example/slo".to_owned()),
        ..right.clone()
    };
    let elsewhere = signed(&world, &elsewhere);
    let hostile = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>";
    for path in [SLO, UPSTREAM_SLO] {
        for body in [
            Vec::new(),
            b"<a/>".to_vec(),
            b"\xff\xfe\x00".to_vec(),
            hostile.as_bytes().to_vec(),
            unsigned.clone(),
            forged.clone(),
            elsewhere.clone(),
        ] {
            let (status, answer) = post(&world, path, "text/xml", body).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");
            let (before, rest) = answer.split_once("Reference: ").unwrap();
            assert!(before.ends_with("The request failed. "), "{answer}");
            let end = "</faultstring></soap:Fault></soap:Body></soap:Envelope>";
            assert_eq!(&rest[16..], end, "nothing but the reference");
        }
        // A page of another site can make a browser send this, but not as text/xml.
        let (status, _) = post(&world, path, "text/plain", signed(&world, &right)).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert!(session(&world, &browser).await.is_some());
    // The honest one counts, once.
    for expected in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
        let (status, answer) = post(&world, SLO, "text/xml", signed(&world, &right)).await;
        assert_eq!(status, expected, "{answer}");
    }
    assert!(session(&world, &browser).await.is_none());
}

#[tokio::test]
async fn a_request_that_wants_no_answer_gets_none() {
    let (world, _wires) = world();
    let browser = world.signed_in().await;
    let mut request = request(&world, &browser, 8).await;
    request.set_asynchronous();
    let (status, answer) = post(&world, SLO, "text/xml", signed(&world, &request)).await;
    assert_eq!((status, answer.as_str()), (StatusCode::NO_CONTENT, ""));
    assert!(session(&world, &browser).await.is_none());
}

/// Looks again as the page does by itself, until it stays.
async fn looked_again(browser: &mut Browser, mut page: Page) -> Page {
    for _ in 0..500 {
        assert_tells(&page);
        let Some((_, to)) = page.refresh() else {
            return page;
        };
        assert!(page.says("Signing you out"), "{}", page.body);
        tokio::time::sleep(Duration::from_millis(10)).await; // the worker's turn
        page = browser.follow_link(&page, &to).await;
    }
    panic!("the logout does not end: {}", page.body);
}

#[tokio::test]
async fn the_worker_asks_applications_while_the_page_looks_again() {
    let (world, wires) = world();
    let worker = tokio::spawn(carry_out_logouts(Arc::clone(&world.hub)));
    let mut browser = world.signed_in().await;
    let page = browser.go_as(TYPED, &log_out(&[])).await;
    let page = looked_again(&mut browser, page).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("Application A Signed out Application B Signed out"));
    assert_signed_out_everywhere(&mut browser).await;

    // Who cannot be reached directly is asked by the browser.
    world.clock.advance(chrono::TimeDelta::seconds(1));
    let mut browser = world.signed_in().await;
    wires.0.lock().unwrap().remove("b.example");
    let page = browser.go_as(TYPED, &log_out(&[])).await;
    world.clock.advance(chrono::TimeDelta::seconds(11));
    let page = looked_again(&mut browser, page).await;
    assert!(page.says("You are signed out"), "{}", page.body);
    assert!(page.says("Application B Signed out"));
    assert_signed_out_everywhere(&mut browser).await;
    worker.abort();
}

#[tokio::test]
async fn a_request_in_a_frame_is_answered_there_when_others_have_been_asked_directly() {
    let (world, _wires) = world();
    let mut browser = world.signed_in().await;
    let (page, form) = log_out_form(A);
    let asked = browser.send(&Method::POST, &form.action, None, Some(&page));
    let (_, request) = asked.await.refresh().unwrap();
    assert!(request.starts_with("https://hub.example/saml/slo?"));
    // Somebody's page frames it: nothing is there to press, and it looks again.
    let inside = browser.go_as(FRAMED, &request).await;
    assert_eq!(inside.status, StatusCode::OK);
    let policy = inside.header(CONTENT_SECURITY_POLICY);
    assert!(policy.contains("frame-ancestors *"), "{policy}");
    let (seconds, to) = inside.refresh().unwrap();
    assert!(seconds > 0 && to.starts_with("/logout/"));
    let to = inside.url.join(&to).unwrap();
    let again = browser.go_as(FRAMED, to.as_str()).await;
    assert_eq!(again.refresh().unwrap().0, seconds);
    // The same address is no frame's for a person who opens it.
    let page = browser.go(to.as_str()).await;
    assert!(
        page.header(CONTENT_SECURITY_POLICY)
            .contains("frame-ancestors 'none'")
    );
    let work = world.hub.next_work().await;
    assert!(world.hub.carry_out(work).await.unwrap().is_empty());
    let answered = browser.go_as(FRAMED, to.as_str()).await;
    assert_eq!(answered.url.host_str(), Some("a.example"));
    assert!(answered.says("Every application that took part confirmed its sign-out."));
    assert!(session(&world, &browser).await.is_none());
    assert!(browser.go(B).await.says("signed out"));
    // A refresh that comes late finds nothing to do.
    let late = browser.go_as(FRAMED, to.as_str()).await;
    assert_eq!(late.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a209_a_peer_cannot_bring_more_requests_than_it_may() {
    let limit = RequestLimit {
        per_second: 1,
        burst: 2,
    };
    let provider = federate::crypto::aws_lc_provider();
    let parties = Parties::with_hub_party(provider, |hub, _| hub.with_logout_limit(limit));
    let world = World::of(parties, LoginOptions::default());
    let bring = async |number| {
        let browser = world.signed_in().await;
        let request = request(&world, &browser, number).await;
        let envelope = signed(&world, &request);
        let (status, _) = post(&world, SLO, "text/xml", envelope.clone()).await;
        // Nor does what somebody repeats who has seen it.
        for _ in 0..3 {
            let (again, _) = post(&world, SLO, "text/xml", envelope.clone()).await;
            assert_eq!(again, StatusCode::INTERNAL_SERVER_ERROR);
        }
        (status, session(&world, &browser).await.is_some())
    };
    let (ended, refused) = (
        (StatusCode::OK, false),
        (StatusCode::INTERNAL_SERVER_ERROR, true),
    );
    assert_eq!(bring(1).await, ended);
    assert_eq!(bring(2).await, ended);
    assert_eq!(bring(3).await, refused, "nothing ends that is refused");
    // What nobody signed does not count against anybody.
    for _ in 0..3 {
        let (status, _) = post(&world, SLO, "text/xml", b"<a/>".to_vec()).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    }
    world.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(bring(4).await, ended);
    assert_eq!(bring(5).await, refused);
}

#[tokio::test(start_paused = true)]
async fn the_worker_takes_all_that_a_crash_left_without_waiting() {
    let parties = Parties::with_soap_logout(federate::crypto::aws_lc_provider());
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let hub = Arc::new(parties.hub.with_back_channel(ToApplications::default()));
    for _ in 0..200 {
        let session = hub.sign_in(&user, Persistence::Persistent, None).await;
        let session = session.unwrap().token;
        let application = &parties.applications[0].party().entity_id;
        let handle = hub.begin_sign_on(application).await.unwrap();
        let step = hub.continue_sign_on(&handle, Some(&session)).await;
        assert!(matches!(step, Ok(SignOn::Respond(_))));
        hub.log_out(&session).await.unwrap();
    }
    parties.clock.advance(chrono::TimeDelta::seconds(6));
    let worker = tokio::spawn(carry_out_logouts(Arc::clone(&hub)));
    tokio::time::sleep(Duration::from_millis(900)).await; // before its next tick
    assert!(hub.due_work(1000).await.unwrap().is_empty());
    worker.abort();
}
