//! What can be set for one application or one connection, and what it does.

use crate::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate::hub::{Directory, DirectoryUser, hash_password};
use federate::idp::AttributeRelease;
use federate::metadata::parse_entity;
use federate::saml::binding::redirect_url;
use federate::saml::{
    AuthnRequest, Comparison, IssuePolicy, NameIdPolicy, RequestedAuthnContext, RequiredSignature,
    Response, SamlError, Scoping, SignedPart,
};
use federate::session::{Persistence, Profile};
use federate::types::{Binding, EntityId, MessageId, NameId, NameIdFormat, StatusCode};
use federate::xml::{Limits, Unverified};
use federate::{Application, Clock as _, Connection, FederateError, IdentityProvider};
use federate_testkit::parties::{HUB_SLO, HUB_SSO, post_form};
use std::sync::Arc;

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
            decl_refs: Vec::new(),
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
        let query = query(&started.outgoing);
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
    let other = EntityId::new("https://audience.example").unwrap();
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
        let id = EntityId::new("https://a.example").unwrap();
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

/// What the hub answers to a request of the first application.
async fn answered(parties: &Parties, edit: impl Fn(&mut AuthnRequest)) -> Response {
    let session = sign_in(parties).await;
    let party = parties.applications[0].party();
    let id = MessageId::from_random([7; 20]);
    let mut request = AuthnRequest::new(id, party.clock.now(), party.entity_id.clone());
    request.destination = Some(HUB_SSO.to_owned());
    edit(&mut request);
    let location = redirect_url(HUB_SSO, &request, None, Some(&party.signer)).unwrap();
    let query = query_of(&location);
    let handle = parties
        .hub
        .receive_sign_on(Incoming::Redirect(&query))
        .await
        .unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("signed in")
    };
    let xml = STANDARD.decode(&post_form(&form).value).unwrap();
    let response = Unverified::<Response>::parse(&xml, &Limits::default()).unwrap();
    response.read_unsigned().unwrap()
}

#[tokio::test]
async fn what_a_request_wants_otherwise_is_answered_by_a_status() {
    let us = EntityId::new("https://hub.example").unwrap();
    let other = EntityId::new("https://other.example").unwrap();
    let scoped = |list: &[&EntityId]| {
        let identity_providers = list.iter().map(|id| (*id).clone()).collect();
        move |request: &mut AuthnRequest| {
            request.scoping = Some(Scoping {
                identity_providers: Vec::clone(&identity_providers),
                ..Scoping::default()
            });
        }
    };
    let response = answered(&parties(), scoped(&[&other])).await;
    assert_eq!(response.status.subcode, Some(StatusCode::NoSupportedIdp));
    for list in [&[][..], &[&us], &[&other, &us]] {
        assert!(answered(&parties(), scoped(list)).await.status.is_success());
    }

    let qualified = |qualifier: &EntityId| {
        let sp_name_qualifier = Some(qualifier.clone());
        move |request: &mut AuthnRequest| {
            request.name_id_policy = Some(NameIdPolicy {
                sp_name_qualifier: sp_name_qualifier.clone(),
                ..NameIdPolicy::default()
            });
        }
    };
    let response = answered(&parties(), qualified(&other)).await;
    assert_eq!(
        response.status.subcode,
        Some(StatusCode::InvalidNameIdPolicy)
    );
    let asks = EntityId::new("https://a.example").unwrap();
    assert!(
        answered(&parties(), qualified(&asks))
            .await
            .status
            .is_success()
    );

    // Declarations are nothing that anybody here makes.
    let declared = |request: &mut AuthnRequest| {
        request.requested_authn_context = Some(RequestedAuthnContext {
            decl_refs: vec!["urn:example:declaration".to_owned()],
            ..RequestedAuthnContext::default()
        });
    };
    let response = answered(&parties(), declared).await;
    assert_eq!(response.status.subcode, Some(StatusCode::NoAuthnContext));
}

#[tokio::test]
async fn transient_names_are_new_in_each_session() {
    let parties = parties();
    let transient = |request: &mut AuthnRequest| {
        request.name_id_policy = Some(NameIdPolicy {
            format: Some(NameIdFormat::Transient),
            ..NameIdPolicy::default()
        });
    };
    let mut names = Vec::new();
    for _ in 0..2 {
        let mut response = answered(&parties, transient).await;
        let subject = response.assertions.pop().unwrap().subject.unwrap();
        let name = subject.name_id.unwrap();
        assert_eq!(name.format, Some(NameIdFormat::Transient));
        names.push(name.value().to_owned());
        parties.clock.advance(chrono::TimeDelta::hours(1)); // the request is forgotten
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test]
async fn a158_an_identity_provider_can_require_signed_requests() {
    let parties = parties();
    let asks = &parties.applications[0];
    let limits = Limits::default();
    let mut entity = parse_entity(&asks.metadata(), &limits).unwrap();
    entity.sp.as_mut().unwrap().authn_requests_signed = false;
    let application = Application::from_metadata("A", &entity.to_xml()).unwrap();
    for required in [false, true] {
        let party = parties.hub.identity_provider().party().clone();
        let mut idp = IdentityProvider::new(party, HUB_SSO, HUB_SLO)
            .unwrap()
            .with_application(application.clone());
        if required {
            idp = idp.require_signed_requests();
        }
        let told = parse_entity(&idp.metadata(), &limits).unwrap().idp.unwrap();
        assert_eq!(told.want_authn_requests_signed, required);
        let id = MessageId::from_random([7; 20]);
        let now = parties.clock.now();
        let mut request = AuthnRequest::new(id, now, asks.party().entity_id.clone());
        request.destination = Some(HUB_SSO.to_owned());
        for signer in [None, Some(&asks.party().signer)] {
            let location = redirect_url(HUB_SSO, &request, None, signer).unwrap();
            let query = query_of(&location);
            match idp.receive_sign_on(Incoming::Redirect(&query)) {
                Ok(_) => assert!(!required || signer.is_some()),
                Err(e) => {
                    assert!(required && signer.is_none());
                    assert_eq!(e.code(), "message.unsigned");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_identity_provider_that_takes_forms_only_is_sent_one() {
    let by_post = |connection: &mut Connection| {
        let metadata = Arc::make_mut(&mut connection.metadata);
        let idp = metadata.idp.as_mut().unwrap();
        idp.single_sign_on.retain(|e| e.is_for(Binding::HttpPost));
    };
    let parties = with(|_| {}, by_post);
    let session = sign_in(&parties).await;
    let application = &parties.applications[0];
    let started = start(application).await;
    assert_eq!(post_form(&started.outgoing).action, HUB_SSO);
    let body = form_body(&started.outgoing);
    let handle = parties
        .hub
        .receive_sign_on(Incoming::Post(&body))
        .await
        .unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("signed in")
    };
    let handle = application.receive_login(&form_body(&form)).await.unwrap();
    let done = application.complete_login(&handle, Some(&started.browser), None);
    assert_eq!(
        done.await.unwrap().login.name_id.value(),
        "alice@example.com"
    );
}

#[tokio::test]
async fn a_name_is_the_first_value_that_can_be_one() {
    let parties = with(
        |application| application.name_id_probes = vec!["nick".to_owned(), "email".to_owned()],
        |_| {},
    );
    let mut profile = Profile::default();
    for (name, values) in [
        ("nick", ["", "two\nlines"]),
        ("email", ["", "al@example.com"]),
    ] {
        let values = values.map(str::to_owned).to_vec();
        profile.attributes.insert(name.to_owned(), values);
    }
    let provider = federate::crypto::aws_lc_provider();
    let user = DirectoryUser {
        password_hash: hash_password(&provider, PASSWORD).unwrap(),
        profile,
    };
    let users = [(USER.to_owned(), user)].into();
    let directory = Directory::new(&provider, users).unwrap();
    let user = directory.authenticate(USER, PASSWORD).unwrap();
    let session = parties
        .hub
        .sign_in(&user, Persistence::Persistent, None)
        .await
        .unwrap()
        .token;
    let done = sign_on(&parties, &parties.applications[0], &session).await;
    assert_eq!(done.login.name_id.value(), "al@example.com");
}

#[tokio::test]
async fn a_name_that_is_to_be_encrypted_is_not_told_in_the_clear() {
    let parties = with(
        |application| application.name_id_probes = vec!["email".to_owned()],
        |_| {},
    );
    let options = LoginOptions {
        name_id_format: Some(NameIdFormat::Encrypted),
        ..LoginOptions::default()
    };
    let result = attempt(&parties, options).await;
    status(result, &StatusCode::InvalidNameIdPolicy);
}
