//! What can be set for one application or one connection, and what it does.

use crate::*;
use federate::idp::AttributeRelease;
use federate::saml::{
    Comparison, IssuePolicy, RequestedAuthnContext, RequiredSignature, SamlError, SignedPart,
};
use federate::types::{NameId, NameIdFormat, StatusCode};
use federate::{Application, Connection, FederateError};

const PASSWORD_CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

fn with(application: impl Fn(&mut Application), connection: impl Fn(&mut Connection)) -> Parties {
    let provider = federate::crypto::aws_lc_provider();
    Parties::with_options(provider, application, connection)
}

/// Signs on to the first application with options of its request.
async fn attempt(
    parties: &Parties,
    options: LoginOptions,
) -> Result<CompletedLogin, FederateError> {
    let session = sign_in(parties).await;
    let application = &parties.applications[0];
    let started = application.start_login(options).await?;
    let body = answer(parties, &started, &session).await;
    let handle = application.receive_login(&body).await?;
    application
        .complete_login(&handle, Some(&started.browser), None)
        .await
}

#[track_caller]
fn status(result: Result<CompletedLogin, FederateError>, expected: &StatusCode) {
    match result {
        Err(FederateError::Saml(SamlError::Status(status))) => {
            assert_eq!(status.subcode.as_ref(), Some(expected));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a146_only_a_sign_in_of_the_class_that_was_asked_for_will_do() {
    let parties = parties();
    let asked = |comparison, class: &str| LoginOptions {
        requested_authn_context: Some(RequestedAuthnContext {
            comparison,
            class_refs: vec![class.to_owned()],
        }),
        ..LoginOptions::default()
    };
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    let mfa = "https://refeds.org/profile/mfa";
    for options in [
        asked(Comparison::Exact, PASSWORD_CLASS),
        asked(Comparison::Minimum, password),
        asked(Comparison::Better, password),
        asked(Comparison::Maximum, mfa),
    ] {
        let done = attempt(&parties, options).await.unwrap();
        assert_eq!(done.login.authn_context.as_deref(), Some(PASSWORD_CLASS));
    }
    for options in [
        asked(Comparison::Exact, mfa),
        asked(Comparison::Minimum, mfa),
        asked(Comparison::Better, PASSWORD_CLASS),
        asked(Comparison::Maximum, password),
    ] {
        // Also without a session: nobody is asked for a password that would not do.
        let started = parties.applications[0]
            .start_login(options.clone())
            .await
            .unwrap();
        let query = query_of(&started.location);
        let handle = parties
            .hub
            .receive_sign_on(Incoming::Redirect(&query))
            .await
            .unwrap();
        let step = parties.hub.continue_sign_on(&handle, None).await.unwrap();
        assert!(matches!(step, SignOn::Respond(_)));
        status(
            attempt(&parties, options).await,
            &StatusCode::NoAuthnContext,
        );
    }
}

#[tokio::test]
async fn a_request_for_a_certain_person_is_answered_for_nobody_else() {
    let parties = parties();
    let asked = |name: &str, format| LoginOptions {
        subject: Some(NameId::new(name, format).unwrap()),
        ..LoginOptions::default()
    };
    let email = Some(NameIdFormat::EmailAddress);
    for format in [None, email.clone(), Some(NameIdFormat::Unspecified)] {
        let done = attempt(&parties, asked("alice@example.com", format)).await;
        assert_eq!(done.unwrap().login.name_id.value(), "alice@example.com");
    }
    for (name, format) in [
        ("bob@example.com", email),
        ("alice@example.com", Some(NameIdFormat::Persistent)),
        ("Alice@example.com", None),
    ] {
        let done = attempt(&parties, asked(name, format)).await;
        status(done, &StatusCode::UnknownPrincipal);
    }
}

#[tokio::test]
async fn a_name_that_there_is_not_is_answered_as_such() {
    let options = || LoginOptions {
        name_id_format: Some(NameIdFormat::Kerberos),
        ..LoginOptions::default()
    };
    status(
        attempt(&parties(), options()).await,
        &StatusCode::InvalidNameIdPolicy,
    );
    let parties = with(
        |a| a.name_id_probes = vec!["none".into(), "name".into()],
        |_| {},
    );
    let done = attempt(&parties, options()).await.unwrap();
    assert_eq!(done.login.name_id.value(), "Alice <Liddell> & \"Co\"");
    assert_eq!(done.login.name_id.format, Some(NameIdFormat::Kerberos));
}

#[tokio::test]
async fn an_application_is_told_what_it_is_to_know_by_its_own_names() {
    let release = AttributeRelease {
        mappings: [
            ("email".to_owned(), vec!["User.Email".to_owned()]),
            ("groups".to_owned(), Vec::new()),
        ]
        .into(),
        ..AttributeRelease::default()
    };
    let options = |application: &mut Application| {
        application.release = release.clone();
        application.authn_context_class_ref = Some("urn:example:class".to_owned());
        application.issue.typed_attributes = true;
    };
    let done = attempt(&with(options, |_| {}), LoginOptions::default())
        .await
        .unwrap();
    let told: Vec<_> = done.login.attributes.attributes.keys().collect();
    assert_eq!(told, ["User.Email", "name"]);
    assert_eq!(
        done.login.authn_context.as_deref(),
        Some("urn:example:class")
    );
}

#[tokio::test]
async fn another_audience_is_refused_by_whom_it_is_not() {
    let other = federate::types::EntityId::new("https://audience.example").unwrap();
    let parties = with(|a| a.audience = Some(other.clone()), |_| {});
    let error = attempt(&parties, LoginOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "response.audience_mismatch");
    let compared = ("https://a.example", "https://audience.example");
    assert_eq!(error.expected_and_actual(), Some(compared));
}

#[tokio::test]
async fn a_connection_can_require_signatures_and_encryption() {
    use RequiredSignature::{Assertion, Both, Either, Response};
    for (signed_part, enough) in [
        (SignedPart::Assertion, [Either, Assertion].as_slice()),
        (SignedPart::Response, &[Either, Response]),
        (SignedPart::Both, &[Either, Assertion, Response, Both]),
    ] {
        for required in [Either, Assertion, Response, Both] {
            let issue = IssuePolicy {
                signed_part,
                ..IssuePolicy::default()
            };
            let parties = with(
                |a| a.issue = issue.clone(),
                |c| c.required_signature = required,
            );
            let done = attempt(&parties, LoginOptions::default()).await;
            match done {
                Ok(_) => assert!(enough.contains(&required), "{signed_part:?} {required:?}"),
                Err(e) => {
                    assert!(!enough.contains(&required), "{signed_part:?} {required:?}");
                    assert_eq!(e.code(), "response.signature_coverage");
                }
            }
        }
    }
    let parties = with(|_| {}, |c| c.require_encryption = true);
    let error = attempt(&parties, LoginOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "response.not_encrypted");
    // The second application is told in encrypted form.
    let session = sign_in(&parties).await;
    sign_on(&parties, &parties.applications[1], &session).await;
}

#[tokio::test]
async fn a136_nobody_may_begin_at_the_identity_provider_unless_it_is_allowed() {
    for allowed in [false, true] {
        let parties = with(|_| {}, |c| c.allow_unsolicited = allowed);
        let session = sign_in(&parties).await;
        let id = federate::types::EntityId::new("https://a.example").unwrap();
        let handle = parties.hub.begin_sign_on(&id).await.unwrap();
        let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
        let SignOn::Respond(form) = step.unwrap() else {
            panic!("signed in")
        };
        let received = parties.applications[0]
            .receive_login(&form_body(&form))
            .await;
        match received {
            Ok(_) => assert!(allowed),
            Err(e) => assert_eq!((e.code(), allowed), ("denied.unsolicited", false)),
        }
    }
}
