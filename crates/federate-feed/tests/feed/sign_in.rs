//! A sign-in by an identity provider that nobody knows but a query service.

use crate::publisher::*;
use chrono::TimeDelta;
use federate::session::MemoryStore;
use federate::{Clock as _, Incoming, LoginOptions, ServiceProvider, hub::SignOn};
use federate_feed::{Mdq, MdqOptions, Trust};
use federate_metadata::{EntitySource as _, parse_entity};
use federate_testkit::parties::{PASSWORD, Parties, USER, form_body, query};
use federate_xml::Limits;
use std::sync::Arc;

const BASE: &str = "https://mdq.example";
const HUB: &str = "https://mdq.example/entities/https%3A%2F%2Fhub.example";

/// What the hub has the browser post for a login that has begun.
async fn answer(parties: &Parties, request: &str) -> String {
    let hub = &parties.hub;
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let session = hub
        .sign_in(&user, federate::session::Persistence::Persistent, None)
        .await
        .unwrap()
        .token;
    let handle = hub.receive_sign_on(Incoming::Redirect(request)).await;
    let step = hub.continue_sign_on(&handle.unwrap(), Some(&session)).await;
    match step.unwrap() {
        SignOn::Respond(form) => form_body(&form),
        SignOn::SignIn { application, .. } => panic!("{application} wants a sign-in"),
    }
}

#[tokio::test]
async fn an_identity_provider_that_only_a_query_finds_signs_people_in() {
    let parties = Parties::new(provider());
    let metadata = parties.hub.identity_provider().metadata();
    let publisher = Publisher::default();
    publisher.answers(HUB, Answer::Document(metadata.clone()));
    let options = MdqOptions::new(BASE, Trust::Origin);
    let mdq = Mdq::new(options, publisher.clone(), provider());
    let party = parties.applications[0].party().clone();
    let acs = "https://a.example/saml/acs";
    let sp: ServiceProvider<MemoryStore> = ServiceProvider::new(party, acs, Arc::default())
        .unwrap()
        .with_federation(Arc::new(mdq.source()), |_| {});

    let hub = parse_entity(&metadata, &Limits::default()).unwrap();
    let hub = hub.entity_id;
    let options = || LoginOptions {
        identity_provider: Some(hub.clone()),
        ..LoginOptions::default()
    };
    // The source asks nothing itself.
    let early = sp.start_login(options()).await.unwrap_err();
    assert_eq!(early.code(), "denied.unknown_peer");
    assert!(publisher.asked().is_empty());

    let now = || parties.clock.now();
    assert!(mdq.prefetch(&hub, now()).await.unwrap());
    assert_eq!(mdq.source().entity_ids(), std::slice::from_ref(&hub));
    let started = sp.start_login(options()).await.unwrap();
    let body = answer(&parties, &query(&started.outgoing)).await;
    let issuer = Incoming::Post(&body).issuer_hint(&sp.party().limits);
    assert_eq!(issuer.as_ref(), Some(&hub));
    assert!(mdq.prefetch(&issuer.unwrap(), now()).await.unwrap());
    assert_eq!(publisher.asked(), [HUB]);
    let handle = sp.receive_login(&body).await.unwrap();
    let done = sp.complete_login(&handle, Some(&started.browser), None);
    assert_eq!(done.await.unwrap().login.identity_provider, hub);

    // It is taken from the list while somebody signs in.
    parties.clock.advance(TimeDelta::hours(25));
    assert!(mdq.prefetch(&hub, now()).await.unwrap());
    let started = sp.start_login(options()).await.unwrap();
    let body = answer(&parties, &query(&started.outgoing)).await;
    publisher.answers(HUB, Answer::Status(404));
    parties.clock.advance(TimeDelta::minutes(9));
    assert!(mdq.prefetch(&hub, now()).await.unwrap(), "not asked yet");
    parties.clock.advance(TimeDelta::hours(24));
    assert!(!mdq.prefetch(&hub, now()).await.unwrap());
    assert!(mdq.source().is_empty());
    let started = sp.start_login(options()).await.unwrap_err();
    assert_eq!(started.code(), "denied.unknown_peer");
    assert!(sp.receive_login(&body).await.is_err());
}
