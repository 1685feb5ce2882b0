//! What an administrator sees of people and their sessions.

use crate::upstream::{sign_in_upstream, through_upstream};
use crate::*;
use chrono::TimeDelta;
use federate::Hub;
use federate::hub::UserSessions;
use federate::logout::Logout;
use federate::session::{SessionId, SessionRecord, TenantId, UserId};
use federate::types::NameIdFormat;
use federate_testkit::parties::ThreeLayers;

async fn record(hub: &Hub<MemoryStore>, session: &Token) -> SessionRecord {
    hub.session(session).await.unwrap().unwrap().record
}

async fn sessions(hub: &Hub<MemoryStore>, user: &UserId) -> UserSessions {
    hub.sessions_of(user).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_administrator_sees_the_sessions_of_a_person_and_their_applications() {
    let parties = parties();
    let hub = &parties.hub;
    let first = sign_in(&parties).await;
    parties.clock.advance(TimeDelta::hours(2));
    let second = sign_in(&parties).await;
    sign_on(&parties, &parties.applications[1], &second).await;
    let (first, second) = (record(hub, &first).await, record(hub, &second).await);
    let found = sessions(hub, &first.user).await;
    assert_eq!(found.user.id, first.user);
    let ids: Vec<_> = found.sessions.iter().map(|s| &s.record.id).collect();
    assert_eq!(ids, [&second.id, &first.id], "the last used is the first");
    assert_eq!(found.left_out, 0);
    let opened = &found.sessions[0].participants;
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].entity_id.as_str(), "https://b.example");
    let one = hub.session_of_id(&second.id).await.unwrap().unwrap();
    assert_eq!(one, found.sessions[0]);

    // Looking is not activity, and what is over is not shown.
    parties.clock.advance(TimeDelta::hours(71));
    let left = sessions(hub, &first.user).await.sessions;
    assert_eq!(left.len(), 1);
    assert!(hub.session_of_id(&first.id).await.unwrap().is_none());
    hub.end_session(&second.id).await.unwrap().unwrap();
    assert!(sessions(hub, &first.user).await.sessions.is_empty());
    assert!(hub.session_of_id(&second.id).await.unwrap().is_none());
    let nobody = UserId::new("nobody").unwrap();
    assert!(hub.sessions_of(&nobody).await.unwrap().is_none());
    let none = SessionId::new("none").unwrap();
    assert!(hub.session_of_id(&none).await.unwrap().is_none());
}

#[tokio::test]
async fn of_more_sessions_than_are_shown_all_are_ended() {
    let parties = parties();
    let hub = &parties.hub;
    let person = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let mut tokens = Vec::new();
    for _ in 0..Logout::MAX_SESSIONS + 3 {
        let signed_in = hub.sign_in(&person, Persistence::Persistent, None).await;
        tokens.push(signed_in.unwrap().token);
    }
    let user = record(hub, &tokens[0]).await.user;
    let found = sessions(hub, &user).await;
    assert_eq!(found.sessions.len(), Logout::MAX_SESSIONS);
    assert_eq!(found.left_out, 3);
    hub.end_sessions_of(&user).await.unwrap().unwrap();
    let found = sessions(hub, &user).await;
    assert!(found.sessions.is_empty() && found.left_out == 0);
    for token in &tokens {
        assert!(hub.session(token).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_person_is_found_by_the_name_with_which_they_sign_in() {
    let parties = parties();
    let hub = &parties.hub;
    assert!(
        hub.users_named("directory", USER, None)
            .await
            .unwrap()
            .is_empty()
    );
    let session = record(hub, &sign_in(&parties).await).await;
    let found = hub.users_named("directory", USER, None).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, session.user);
    assert_eq!(hub.connection_of(&found[0].subject), "directory");
    for (connection, name) in [
        ("directory", "Alice"),
        ("directory", "alice@example.com"), // never by address
        ("https://upstream.example", USER),
    ] {
        let found = hub.users_named(connection, name, None).await.unwrap();
        assert!(found.is_empty(), "{connection} {name}");
    }
    for (connection, name) in [("directory", ""), ("directory", "a\0"), ("", USER)] {
        let refused = hub.users_named(connection, name, None).await;
        assert_eq!(refused.unwrap_err().code(), "value.invalid");
    }
}

#[tokio::test]
async fn a_person_is_found_by_the_name_that_an_identity_provider_gives() {
    let layers = ThreeLayers::new(federate::crypto::aws_lc_provider());
    let above = sign_in_upstream(&layers).await;
    let came = through_upstream(&layers, None, &above).await;
    let hub = &layers.parties.hub;
    let name = came.login.name_id.value();
    let issuer = came.login.identity_provider.as_str();
    let found = hub.users_named(issuer, name, None).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, came.signed_in.session.user);
    assert_eq!(hub.connection_of(&found[0].subject), issuer);
    let format = came.login.name_id.format_or_unspecified();
    let found = hub.users_named(issuer, name, Some(format)).await.unwrap();
    assert_eq!(found.len(), 1);
    let other = NameIdFormat::Kerberos;
    let found = hub.users_named(issuer, name, Some(&other)).await.unwrap();
    assert!(found.is_empty());
    // Another identity provider's person of that name is another person.
    let found = hub.users_named("https://other.example", name, None).await;
    assert!(found.unwrap().is_empty());
}

#[tokio::test]
async fn an_administrator_of_another_account_finds_nothing_and_ends_nothing() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let hub = &parties.hub;
    let idp = hub.identity_provider().clone();
    let other = Hub::new(idp, &[7; 32], Arc::clone(hub.store())).unwrap();
    let other = other.with_tenant(TenantId::new("other").unwrap());
    let record = record(hub, &session).await;
    assert!(other.sessions_of(&record.user).await.unwrap().is_none());
    assert!(other.session_of_id(&record.id).await.unwrap().is_none());
    let found = other.users_named("directory", USER, None).await.unwrap();
    assert!(found.is_empty());
    assert!(other.end_session(&record.id).await.unwrap().is_none());
    assert!(other.end_sessions_of(&record.user).await.unwrap().is_none());
    assert!(hub.session(&session).await.unwrap().is_some());
}
