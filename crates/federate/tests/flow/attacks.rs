//! Attacks on whole conversations: each first shows that the honest one works.

use crate::*;
use chrono::TimeDelta;

fn code<T>(result: Result<T, federate::FederateError>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn a137_replay_is_refused() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let started = start(a).await;
    let body = answer(&parties, &started, &session).await;
    assert_eq!(code(a.receive_login(&body).await), "accepted");
    assert_eq!(code(a.receive_login(&body).await), "denied.unknown_request");

    // An unsolicited one has no request to be consumed: the assertion is remembered.
    let id = federate::types::EntityId::new("https://a.example").unwrap();
    let handle = parties.hub.begin_sign_on(&id).await.unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("signed in")
    };
    let body = form_body(&form);
    assert_eq!(code(a.receive_login(&body).await), "accepted");
    assert_eq!(code(a.receive_login(&body).await), "denied.replayed");
}

#[tokio::test]
async fn a133_in_response_to_of_nobody_is_refused() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let started = start(a).await;
    let body = answer(&parties, &started, &session).await;
    parties.clock.advance(TimeDelta::minutes(11));
    // The request was forgotten after ten minutes.
    assert_eq!(code(a.receive_login(&body).await), "denied.unknown_request");
}

#[tokio::test]
async fn a130_a_response_for_one_application_is_refused_by_another() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, b] = &parties.applications;
    let id = federate::types::EntityId::new("https://a.example").unwrap();
    let handle = parties.hub.begin_sign_on(&id).await.unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("signed in")
    };
    let body = form_body(&form);
    assert_eq!(
        code(b.receive_login(&body).await),
        "message.destination_mismatch"
    );
    assert_eq!(code(a.receive_login(&body).await), "accepted");
}

#[tokio::test]
async fn a203_login_csrf_another_browser_is_refused() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let (mine, other) = (start(a).await, start(a).await);
    for browser in [None, Some(&other.browser)] {
        let started = start(a).await;
        let body = answer(&parties, &started, &session).await;
        let handle = a.receive_login(&body).await.unwrap();
        let completed = a.complete_login(&handle, browser, None).await;
        assert_eq!(code(completed), "denied.other_browser");
        // The handle is used up.
        let again = a.complete_login(&handle, Some(&started.browser), None);
        assert_eq!(code(again.await), "denied.unknown_handle");
    }
    let body = answer(&parties, &mine, &session).await;
    let handle = a.receive_login(&body).await.unwrap();
    let completed = a.complete_login(&handle, Some(&mine.browser), None).await;
    assert_eq!(code(completed), "accepted");
}

#[tokio::test]
async fn a158_requests_must_be_signed_fresh_and_new() {
    let parties = parties();
    let [a, _] = &parties.applications;
    let honest = query(&start(a).await.outgoing);
    let hub = &parties.hub;
    let received = hub.receive_sign_on(Incoming::Redirect(&honest)).await;
    assert_eq!(code(received), "accepted");
    let received = hub.receive_sign_on(Incoming::Redirect(&honest)).await;
    assert_eq!(code(received), "denied.replayed");

    let query = query(&start(a).await.outgoing);
    let unsigned = query.split("&SigAlg").next().unwrap();
    let received = hub.receive_sign_on(Incoming::Redirect(unsigned)).await;
    assert_eq!(code(received), "message.unsigned");

    parties.clock.advance(TimeDelta::minutes(13));
    let received = hub.receive_sign_on(Incoming::Redirect(&query)).await;
    assert_eq!(code(received), "message.issue_instant");
}

#[tokio::test]
async fn a204_unsigned_and_foreign_logout_requests_are_refused() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, b] = &parties.applications;
    let done = sign_on(&parties, a, &session).await;
    sign_on(&parties, b, &session).await;
    let outgoing = a.start_logout(&done.token).await.unwrap().unwrap();
    let signed = query(&outgoing);
    let unsigned = signed.split("&SigAlg").next().unwrap();
    let hub = &parties.hub;
    let received = hub.receive_logout(Incoming::Redirect(unsigned)).await;
    assert_eq!(code(received), "signature.missing");
    assert!(hub.session(&session).await.unwrap().is_some());

    // A205: one that is too old ends nothing either.
    parties.clock.advance(TimeDelta::minutes(8));
    let received = hub.receive_logout(Incoming::Redirect(&signed)).await;
    assert_eq!(code(received), "logout.expired");
    parties.clock.advance(TimeDelta::minutes(-8));
    assert!(hub.session(&session).await.unwrap().is_some());

    let received = hub.receive_logout(Incoming::Redirect(&signed)).await;
    assert_eq!(code(received), "accepted");
    let received = hub.receive_logout(Incoming::Redirect(&signed)).await;
    assert_eq!(code(received), "denied.replayed");
}

#[tokio::test]
async fn a089_an_application_that_is_not_configured_is_refused() {
    let parties = parties();
    // One that knows the hub, signs properly, and is unknown there.
    let provider = federate::crypto::aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let party =
        federate_testkit::parties::party(provider, "https://c.example", &key, &parties.clock);
    let hub = &parties.hub;
    let metadata = hub.identity_provider().metadata();
    let store = std::sync::Arc::new(MemoryStore::default());
    let stranger = ServiceProvider::new(party, "https://c.example/saml/acs", store)
        .and_then(|sp| sp.with_identity_provider(&metadata))
        .unwrap();
    let query = query(&start(&stranger).await.outgoing);
    let received = hub.receive_sign_on(Incoming::Redirect(&query)).await;
    assert_eq!(code(received), "denied.unknown_peer");
}

#[tokio::test]
async fn messages_that_are_none_are_refused() {
    let parties = parties();
    let hub = &parties.hub;
    let zeros = hub
        .receive_logout(Incoming::Post("SAMLResponse=AAAA"))
        .await;
    assert_eq!(code(zeros), "xml.invalid_character");
    let nothing = hub.receive_logout(Incoming::Redirect("a=b")).await;
    assert_eq!(code(nothing), "binding.missing_parameter");
}
