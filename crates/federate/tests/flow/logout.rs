use crate::*;
use chrono::TimeDelta;
use federate::hub::{LogoutPhase, NamedOutcome};
use federate::logout::{NoAnswer, Outcome};
use federate::saml::binding::redirect_url;
use federate::saml::{Extensions, LogoutRequest};
use federate::types::{MessageId, StatusCode};
use federate::{Denial, FederateError, LogoutReceived, Outgoing};
use federate_testkit::parties::query;

pub(crate) fn finished(received: LogoutReceived) -> federate::types::Status {
    match received {
        LogoutReceived::Finished { status } => status,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn answered(received: LogoutReceived) -> Outgoing {
    match received {
        LogoutReceived::Answer(outgoing) => outgoing,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn logging_out_at_one_application_logs_out_everywhere_on_both_providers() {
    for provider in providers() {
        let parties = Parties::new(provider);
        let session = sign_in(&parties).await;
        let [a, b] = &parties.applications;
        let at_a = sign_on(&parties, a, &session).await;
        let at_b = sign_on(&parties, b, &session).await;

        let request = a.start_logout(&at_a.token).await.unwrap().unwrap();
        assert!(a.session(&at_a.token).await.unwrap().is_none());
        let hub = &parties.hub;
        let query_a = query(&request);
        let handle = hub.receive_logout(Incoming::Redirect(&query_a)).await;
        let handle = handle.unwrap();
        // The hub's session is dead before any message leaves.
        assert!(hub.session(&session).await.unwrap().is_none());
        let page = hub.logout_page(&handle).await.unwrap();
        assert!(matches!(
            page.phase,
            LogoutPhase::Asking { sent: false, .. }
        ));
        assert_eq!(page.initiator.as_deref(), Some("Application A"));

        let to_b = hub.next_logout(&handle).await.unwrap().unwrap();
        let received = b.receive_logout(Incoming::Redirect(&query(&to_b))).await;
        let from_b = answered(received.unwrap());
        assert!(b.session(&at_b.token).await.unwrap().is_none());

        let query_b = query(&from_b);
        let again = hub.receive_logout(Incoming::Redirect(&query_b)).await;
        assert_eq!(again.unwrap().expose(), handle.expose());
        let page = hub.logout_page(&handle).await.unwrap();
        let to = "Application A".to_owned();
        assert_eq!(page.phase, LogoutPhase::Answering { to });
        let [at_b] = &page.applications[..] else {
            panic!("one other application")
        };
        assert_eq!(at_b.name, "Application B");
        assert_eq!(
            (&at_b.outcome, at_b.retriable),
            (&Outcome::Confirmed, false)
        );

        let to_a = hub.finish_logout(&handle).await.unwrap().unwrap();
        let received = a.receive_logout(Incoming::Redirect(&query(&to_a))).await;
        let status = finished(received.unwrap());
        assert!(status.is_success());
        assert_eq!(status.subcode, None);
        assert!(hub.finish_logout(&handle).await.unwrap().is_none());
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    }
}

#[tokio::test]
async fn an_application_that_does_not_answer_makes_the_logout_partial() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, b] = &parties.applications;
    let at_a = sign_on(&parties, a, &session).await;
    sign_on(&parties, b, &session).await;
    let request = a.start_logout(&at_a.token).await.unwrap().unwrap();
    let hub = &parties.hub;
    let handle = hub
        .receive_logout(Incoming::Redirect(&query(&request)))
        .await
        .unwrap();
    let to_b = hub.next_logout(&handle).await.unwrap().unwrap();
    parties.clock.advance(TimeDelta::seconds(31));
    let page = hub.logout_page(&handle).await.unwrap();
    assert_eq!(
        page.applications[0].outcome,
        Outcome::Asked(NoAnswer::TimedOut)
    );
    let to_a = hub.finish_logout(&handle).await.unwrap().unwrap();
    let received = a.receive_logout(Incoming::Redirect(&query(&to_a))).await;
    let status = finished(received.unwrap());
    assert!(status.is_success(), "the hub's session is over");
    assert_eq!(status.subcode, Some(StatusCode::PartialLogout));

    // The late answer changes the page, and answers nobody twice.
    let received = b.receive_logout(Incoming::Redirect(&query(&to_b))).await;
    let late = query(&answered(received.unwrap()));
    hub.receive_logout(Incoming::Redirect(&late)).await.unwrap();
    assert!(hub.finish_logout(&handle).await.unwrap().is_none());
}

#[tokio::test]
async fn skipping_goes_on_at_once() {
    let parties = parties();
    let session = sign_in(&parties).await;
    for application in &parties.applications {
        sign_on(&parties, application, &session).await;
    }
    let hub = &parties.hub;
    let handle = hub.log_out(&session).await.unwrap();
    for _ in 0..2 {
        assert!(hub.next_logout(&handle).await.unwrap().is_some());
        hub.skip_logout(&handle).await.unwrap();
    }
    assert!(hub.next_logout(&handle).await.unwrap().is_none());
    let page = hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.phase, LogoutPhase::Done { complete: false });
    let skipped = |a: &NamedOutcome| a.outcome == Outcome::Asked(NoAnswer::Skipped);
    assert!(page.applications.iter().all(skipped));
}

#[tokio::test]
async fn a207_a_logout_without_cookie_ends_the_session_it_names() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let at_a = sign_on(&parties, a, &session).await;
    let request = a.start_logout(&at_a.token).await.unwrap().unwrap();
    // `receive_logout` does not even take a cookie.
    let query_a = query(&request);
    let received = parties.hub.receive_logout(Incoming::Redirect(&query_a));
    received.await.unwrap();
    assert!(parties.hub.session(&session).await.unwrap().is_none());
}

#[tokio::test]
async fn a_logout_of_a_session_that_is_over_is_a_success() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let at_a = sign_on(&parties, a, &session).await;
    parties.hub.log_out(&session).await.unwrap();
    let request = a.start_logout(&at_a.token).await.unwrap().unwrap();
    let query_a = query(&request);
    let received = parties.hub.receive_logout(Incoming::Redirect(&query_a));
    let handle = received.await.unwrap();
    let answer = parties.hub.finish_logout(&handle).await.unwrap().unwrap();
    let received = a.receive_logout(Incoming::Redirect(&query(&answer))).await;
    let status = finished(received.unwrap());
    assert!(status.is_success());
    assert_eq!(status.subcode, None);
}

/// A LogoutRequest of the hub to an application, about the session of the hub alone.
async fn from_the_hub(parties: &Parties, session: &Token) -> String {
    let hub = &parties.hub;
    let handle = hub.log_out(session).await.unwrap();
    query(&hub.next_logout(&handle).await.unwrap().unwrap())
}

#[tokio::test]
async fn an_assertion_that_comes_after_its_logout_opens_nothing() {
    let parties = parties();
    let [a, _] = &parties.applications;
    let session = sign_in(&parties).await;
    let started = start(a).await;
    let body = answer(&parties, &started, &session).await;
    let late = a.receive_login(&body).await.unwrap();
    parties.clock.advance(TimeDelta::seconds(1));
    let request = from_the_hub(&parties, &session).await;
    let received = a.receive_logout(Incoming::Redirect(&request)).await;
    let _ = answered(received.unwrap());

    let browser = Some(&started.browser);
    let error = a.complete_login(&late, browser, None).await.unwrap_err();
    assert!(matches!(error, FederateError::Denied(Denial::SessionEnded)));
    // Who signs in again is let in.
    parties.clock.advance(TimeDelta::seconds(1));
    let session = sign_in(&parties).await;
    let done = sign_on(&parties, a, &session).await;
    assert!(a.session(&done.token).await.unwrap().is_some());
}

/// Two LogoutRequests overtake each other: the one that was sent later counts.
#[tokio::test]
async fn of_two_logouts_in_the_wrong_order_the_later_one_counts() {
    let parties = parties();
    let [a, _] = &parties.applications;
    let session = sign_in(&parties).await;
    let started = start(a).await;
    let body = answer(&parties, &started, &session).await;
    let late = a.receive_login(&body).await.unwrap();
    let known = sign_on(&parties, a, &session).await.login;
    parties.clock.advance(TimeDelta::seconds(2));
    let hub = parties.hub.identity_provider().party();
    for (number, after) in [(1, 1), (2, -1)] {
        let request = LogoutRequest {
            id: MessageId::from_random([number; 20]),
            issue_instant: known.authn_instant + TimeDelta::seconds(after),
            destination: Some("https://a.example/saml/slo".to_owned()),
            not_on_or_after: None,
            reason: None,
            issuer: Some(hub.entity_id.clone()),
            extensions: Extensions::default(),
            name_id: known.name_id.clone(),
            session_indexes: known.session_index.iter().cloned().collect(),
        };
        let to = "https://a.example/saml/slo";
        let location = redirect_url(to, &request, None, Some(&hub.signer)).unwrap();
        let request = query_of(&location);
        let received = a.receive_logout(Incoming::Redirect(&request)).await;
        let _ = answered(received.unwrap());
    }
    let browser = Some(&started.browser);
    let error = a.complete_login(&late, browser, None).await.unwrap_err();
    assert!(matches!(error, FederateError::Denied(Denial::SessionEnded)));
}

#[tokio::test]
async fn a_logout_of_one_session_leaves_an_assertion_of_another() {
    let parties = parties();
    let [a, _] = &parties.applications;
    let (first, second) = (sign_in(&parties).await, sign_in(&parties).await);
    sign_on(&parties, a, &first).await;
    let started = start(a).await;
    let body = answer(&parties, &started, &second).await;
    let waiting = a.receive_login(&body).await.unwrap();
    let request = from_the_hub(&parties, &first).await;
    let received = a.receive_logout(Incoming::Redirect(&request)).await;
    let _ = answered(received.unwrap());
    let done = a
        .complete_login(&waiting, Some(&started.browser), None)
        .await;
    assert!(a.session(&done.unwrap().token).await.unwrap().is_some());
}

#[tokio::test]
async fn who_presses_the_button_twice_comes_to_the_same_page() {
    let parties = parties();
    let session = sign_in(&parties).await;
    sign_on(&parties, &parties.applications[0], &session).await;
    let hub = &parties.hub;
    let first = hub.log_out(&session).await.unwrap();
    let second = hub.log_out(&session).await.unwrap();
    assert_eq!(first.expose(), second.expose());
    // Later it is no news that there is no session.
    parties.clock.advance(TimeDelta::minutes(5));
    let error = hub.log_out(&session).await.unwrap_err();
    assert!(matches!(error, FederateError::Denied(Denial::NoSession)));
}

#[tokio::test]
async fn who_presses_an_applications_button_twice_is_signed_out_everywhere() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let at_a = sign_on(&parties, a, &session).await;
    // The browser does not follow the first answer.
    assert!(a.start_logout(&at_a.token).await.unwrap().is_some());
    let request = a.start_logout(&at_a.token).await.unwrap().unwrap();
    let query_a = query(&request);
    let received = parties.hub.receive_logout(Incoming::Redirect(&query_a));
    let handle = received.await.unwrap();
    assert!(parties.hub.session(&session).await.unwrap().is_none());
    let answer = parties.hub.finish_logout(&handle).await.unwrap().unwrap();
    let received = a.receive_logout(Incoming::Redirect(&query(&answer))).await;
    assert!(finished(received.unwrap()).is_success());
    // Later it is no news that there is no session.
    parties.clock.advance(TimeDelta::minutes(1));
    assert!(a.start_logout(&at_a.token).await.unwrap().is_none());
}
