use crate::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use federate::session::Persistence;
use federate::types::NameIdFormat;
use federate::{Denial, FederateError, saml::SamlError};
use federate_testkit::parties::post_form;

#[tokio::test]
async fn one_sign_in_opens_two_applications_on_both_providers() {
    for provider in providers() {
        let parties = Parties::new(provider);
        let [a, b] = &parties.applications;

        // The application sends the browser to the hub, which has no session yet.
        let started = start(a).await;
        let query = query(&started.outgoing);
        let handle = parties
            .hub
            .receive_sign_on(Incoming::Redirect(&query))
            .await
            .unwrap();
        let step = parties.hub.continue_sign_on(&handle, None).await.unwrap();
        assert!(
            matches!(step, SignOn::SignIn { application, .. } if application == "Application A")
        );

        // After the sign-in the same demand is answered.
        let session = sign_in(&parties).await;
        let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
        let SignOn::Respond(form) = step.unwrap() else {
            panic!("signed in")
        };
        assert_eq!(post_form(&form).action, "https://a.example/saml/acs");
        let handle = a.receive_login(&form_body(&form)).await.unwrap();
        let done = a
            .complete_login(&handle, Some(&started.browser), None)
            .await
            .unwrap();
        assert_eq!(done.return_to.as_deref(), Some("/inbox"));
        assert_eq!(done.login.name_id.value(), "alice@example.com");
        let attributes = &done.login.attributes.attributes;
        assert_eq!(attributes["groups"], ["staff", "r\u{e9}daction"]);
        assert_eq!(attributes["name"], ["Alice <Liddell> & \"Co\""]);
        let (record, _) = a.session(&done.token).await.unwrap().unwrap();
        assert_eq!(record.user, done.user.id);

        // The second application opens without a prompt.
        sign_on(&parties, b, &session).await;
        let view = parties.hub.session(&session).await.unwrap().unwrap();
        let names: Vec<_> = view
            .participants
            .iter()
            .map(|p| p.entity_id.as_str())
            .collect();
        assert_eq!(names, ["https://a.example", "https://b.example"]);
    }
}

#[tokio::test]
async fn an_application_that_wants_it_so_is_told_in_encrypted_form() {
    let parties = parties();
    let session = sign_in(&parties).await;
    for (application, encrypted) in parties.applications.iter().zip([false, true]) {
        let started = start(application).await;
        let query = query(&started.outgoing);
        let handle = parties
            .hub
            .receive_sign_on(Incoming::Redirect(&query))
            .await;
        let step = parties
            .hub
            .continue_sign_on(&handle.unwrap(), Some(&session))
            .await;
        let SignOn::Respond(form) = step.unwrap() else {
            panic!("signed in")
        };
        let xml = STANDARD.decode(&post_form(&form).value).unwrap();
        let xml = String::from_utf8(xml).unwrap();
        assert_eq!(xml.contains("alice@example.com"), !encrypted);
        assert_eq!(xml.contains("saml:EncryptedAssertion"), encrypted);
        let handle = application.receive_login(&form_body(&form)).await.unwrap();
        let done = application.complete_login(&handle, Some(&started.browser), None);
        assert_eq!(
            done.await.unwrap().login.name_id.value(),
            "alice@example.com"
        );
    }
}

#[tokio::test]
async fn a_sign_on_can_begin_at_the_hub() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let id = federate::types::EntityId::new("https://a.example").unwrap();
    let handle = parties.hub.begin_sign_on(&id).await.unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("signed in")
    };
    let handle = a.receive_login(&form_body(&form)).await.unwrap();
    let done = a.complete_login(&handle, None, None).await.unwrap();
    assert_eq!(done.login.name_id.value(), "alice@example.com");
}

#[tokio::test]
async fn the_same_person_is_the_same_user_and_persistent_names_cannot_be_linked() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let mut names = Vec::new();
    for application in &parties.applications {
        let mut users = Vec::new();
        for _ in 0..2 {
            let options = LoginOptions {
                name_id_format: Some(NameIdFormat::Persistent),
                ..LoginOptions::default()
            };
            let started = application.start_login(options).await.unwrap();
            let body = answer(&parties, &started, &session).await;
            let handle = application.receive_login(&body).await.unwrap();
            let browser = Some(&started.browser);
            let done = application.complete_login(&handle, browser, None);
            let done = done.await.unwrap();
            users.push(done.user.id);
            names.push(done.login.name_id);
        }
        assert_eq!(users[0], users[1]);
    }
    assert_eq!(names[0], names[1]);
    assert_eq!(names[2], names[3]);
    assert_ne!(names[0].value(), names[2].value());
}

#[tokio::test]
async fn a_passive_request_without_session_is_answered_no_passive() {
    let parties = parties();
    let [a, _] = &parties.applications;
    let options = LoginOptions {
        is_passive: true,
        ..LoginOptions::default()
    };
    let started = a.start_login(options).await.unwrap();
    let query = query(&started.outgoing);
    let received = parties.hub.receive_sign_on(Incoming::Redirect(&query));
    let handle = received.await.unwrap();
    let step = parties.hub.continue_sign_on(&handle, None).await.unwrap();
    let SignOn::Respond(form) = step else {
        panic!("nothing may be shown")
    };
    let error = a.receive_login(&form_body(&form)).await.unwrap_err();
    let FederateError::Saml(SamlError::Status(status)) = error else {
        panic!("{error}")
    };
    assert_eq!(status.subcode, Some(federate::types::StatusCode::NoPassive));
}

#[tokio::test]
async fn a_forced_request_needs_a_new_sign_in() {
    let parties = parties();
    let session = sign_in(&parties).await;
    parties.clock.advance(TimeDelta::hours(1));
    let [a, _] = &parties.applications;
    let options = LoginOptions {
        force_authn: true,
        ..LoginOptions::default()
    };
    let started = a.start_login(options).await.unwrap();
    let query = query(&started.outgoing);
    let received = parties.hub.receive_sign_on(Incoming::Redirect(&query));
    let handle = received.await.unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    assert!(matches!(step.unwrap(), SignOn::SignIn { .. }));
    parties.clock.advance(TimeDelta::seconds(5));
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let again = parties
        .hub
        .sign_in(&user, Persistence::Persistent, Some(&session))
        .await
        .unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&again.token));
    let SignOn::Respond(form) = step.await.unwrap() else {
        panic!("signed in anew")
    };
    a.receive_login(&form_body(&form)).await.unwrap();
    let old = parties.hub.session(&session).await.unwrap();
    assert!(old.is_none(), "a new login has a new session");
}

#[tokio::test]
async fn the_hubs_session_ends_after_3_idle_days_and_after_7_days() {
    let parties = parties();
    let idle = sign_in(&parties).await;
    parties
        .clock
        .advance(TimeDelta::days(3) - TimeDelta::milliseconds(1));
    assert!(parties.hub.session(&idle).await.unwrap().is_some());
    parties.clock.advance(TimeDelta::milliseconds(1));
    assert!(parties.hub.session(&idle).await.unwrap().is_none());

    let active = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    for _ in 0..6 {
        parties.clock.advance(TimeDelta::days(1));
        sign_on(&parties, a, &active).await;
    }
    parties
        .clock
        .advance(TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert!(parties.hub.session(&active).await.unwrap().is_some());
    parties.clock.advance(TimeDelta::milliseconds(1));
    assert!(parties.hub.session(&active).await.unwrap().is_none());
}

#[tokio::test]
async fn the_applications_session_ends_with_the_hubs() {
    let parties = parties();
    let session = sign_in(&parties).await;
    parties.clock.advance(TimeDelta::days(2));
    let [a, _] = &parties.applications;
    let done = sign_on(&parties, a, &session).await;
    // The hub's session began two days ago, so five are left.
    for _ in 0..4 {
        parties.clock.advance(TimeDelta::days(1));
        assert!(a.session(&done.token).await.unwrap().is_some());
    }
    parties.clock.advance(TimeDelta::days(1));
    assert!(a.session(&done.token).await.unwrap().is_none());
}

#[tokio::test]
async fn wrong_credentials_tell_nothing() {
    let parties = parties();
    for (name, password) in [(USER, "wrong"), ("nobody", PASSWORD), ("", "")] {
        let denied = parties.directory.authenticate(name, password).unwrap_err();
        assert_eq!(denied, Denial::WrongCredentials);
    }
}
