//! An identity provider speaks for its own scopes, and for no other's.

use crate::federation::{HUB, Register, federated, id};
use crate::*;
use federate::idp::Assurance;
use federate::metadata::{EntityDescriptor, Scope, parse_entity};
use federate::saml::Attribute;
use federate::types::{NameId, Provenance, SessionIndex};
use federate::xml::Limits;
use federate::{Clock as _, Connection, Login, ServiceProvider};
use std::sync::Arc;

type App = ServiceProvider<MemoryStore>;

const PRINCIPAL: &str = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6";
const AFFILIATION: &str = "urn:oid:1.3.6.1.4.1.5923.1.1.1.9";
const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
const MAIL: &str = "urn:oid:0.9.2342.19200300.100.1.3";

fn scoped(entity: &mut EntityDescriptor, scopes: &[&str]) {
    let idp = entity.idp.as_mut().unwrap();
    idp.details.extensions.scopes = scopes.iter().map(|s| Scope::new(*s)).collect();
}

/// A login in which the identity provider says what it likes.
async fn said(parties: &Parties, app: &App, attributes: &[(&str, &[&str])]) -> Login {
    let options = LoginOptions {
        identity_provider: Some(id(HUB)),
        ..LoginOptions::default()
    };
    let started = app.start_login(options).await.unwrap();
    let request = query(&started.outgoing);
    let idp = parties.hub.identity_provider();
    let demand = idp.receive_sign_on(Incoming::Redirect(&request)).unwrap();
    let now = parties.clock.now();
    let assurance = Assurance {
        name_id: NameId::new("alice", None).unwrap(),
        attributes: attributes
            .iter()
            .map(|(name, values)| Attribute::new(*name, values.iter().copied()))
            .collect(),
        authn_instant: now,
        authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password".to_owned(),
        session_index: SessionIndex::new("s").unwrap(),
        session_not_on_or_after: now + chrono::TimeDelta::days(1),
        provenance: Provenance::default(),
    };
    let answer = idp.answer_sign_on(&demand, assurance).unwrap();
    let body = form_body(&answer.ready().unwrap());
    let handle = app.receive_login(&body).await.unwrap();
    let done = app.complete_login(&handle, Some(&started.browser), None);
    let done = done.await.unwrap();
    // The user is who was believed.
    assert_eq!(done.user.profile, done.login.attributes);
    done.login
}

const CLAIMS: [(&str, &[&str]); 4] = [
    (PRINCIPAL, &["alice@own.example", "root@other.example"]),
    (AFFILIATION, &["staff@other.example", "staff"]),
    (SUBJECT_ID, &["a1@lib.own.example"]),
    (MAIL, &["alice@other.example"]),
];

fn values(values: &[&str]) -> Vec<String> {
    values.iter().map(|v| (*v).to_owned()).collect()
}

#[tokio::test]
async fn a151_what_is_said_in_the_scope_of_another_is_dropped() {
    let (parties, register) = federated(|_| {}, |_| {});
    let app = &parties.applications[0];
    register.change(HUB, |hub| {
        scoped(hub, &["own.example"]);
        // Those of the entity count, too; what is below a domain must be said.
        let mut below = Scope::new(r"^.+\.own\.example$");
        below.regexp = true;
        hub.extensions.scopes = vec![below];
    });
    let login = said(&parties, app, &CLAIMS).await;
    let kept = &login.attributes.attributes;
    assert_eq!(kept[PRINCIPAL], values(&["alice@own.example"]));
    assert_eq!(kept[SUBJECT_ID], values(&["a1@lib.own.example"]));
    assert_eq!(kept[MAIL], values(&["alice@other.example"]));
    assert_eq!(kept.len(), 3);
    let dropped = &login.dropped.attributes;
    assert_eq!(dropped[PRINCIPAL], values(&["root@other.example"]));
    let affiliations = values(&["staff@other.example", "staff"]);
    assert_eq!(dropped[AFFILIATION], affiliations);
    assert_eq!(dropped.len(), 2);
    // Nothing of it is printed.
    assert!(!format!("{login:?}").contains("root@"));

    // An expression that is not understood is a scope that matches nothing.
    register.change(HUB, |hub| {
        scoped(hub, &[]);
        let mut all = Scope::new(".*");
        all.regexp = true;
        hub.extensions.scopes = vec![all];
    });
    let login = said(&parties, app, &CLAIMS).await;
    assert_eq!(login.attributes.attributes.len(), 1);
}

#[tokio::test]
async fn a151_without_scopes_in_metadata_strangers_say_nothing_scoped() {
    let (parties, _) = federated(|_| {}, |_| {});
    let app = &parties.applications[0];
    let login = said(&parties, app, &CLAIMS).await;
    assert_eq!(login.attributes.attributes.len(), 1);
    assert_eq!(login.dropped.attributes.len(), 3);

    // One that was configured is believed, unless its connection says otherwise.
    let metadata = parties.hub.identity_provider().metadata();
    let sp = |change: fn(&mut Connection), scopes: &[&str]| -> App {
        let mut entity = parse_entity(&metadata, &Limits::default()).unwrap();
        scoped(&mut entity, scopes);
        let mut connection = Connection::from_entity(entity).unwrap();
        change(&mut connection);
        let acs = "https://a.example/saml/acs";
        ServiceProvider::new(app.party().clone(), acs, Arc::default())
            .and_then(|sp| sp.with_connection(connection))
            .unwrap()
    };
    let counts = async |sp: App| {
        let login = said(&parties, &sp, &CLAIMS).await;
        let count =
            |profile: &federate::session::Profile| profile.attributes.values().flatten().count();
        (count(&login.attributes), count(&login.dropped))
    };
    assert_eq!(counts(sp(|_| {}, &[])).await, (6, 0));
    assert_eq!(counts(sp(|c| c.require_scopes = true, &[])).await, (1, 5));
    assert_eq!(counts(sp(|_| {}, &["own.example"])).await, (2, 4));
    let names = |c: &mut Connection| c.scoped_attributes = vec![MAIL.to_owned()];
    assert_eq!(counts(sp(names, &["own.example"])).await, (5, 1));
    let none = |c: &mut Connection| c.scoped_attributes.clear();
    assert_eq!(counts(sp(none, &["own.example"])).await, (6, 0));
}

#[tokio::test]
async fn a151_the_scopes_are_those_that_are_published_now() {
    let (parties, register) = federated(|_| {}, |_| {});
    let metadata = parties.hub.identity_provider().metadata();
    let published: Arc<Register> = Arc::default();
    let mut entity = parse_entity(&metadata, &Limits::default()).unwrap();
    scoped(&mut entity, &["other.example"]);
    published.add(entity);
    let acs = "https://a.example/saml/acs";
    let party = parties.applications[0].party().clone();
    let sp: App = ServiceProvider::new(party, acs, Arc::default())
        .and_then(|sp| sp.with_identity_provider(&metadata))
        .unwrap()
        .with_published_metadata(published)
        .with_federation(register, |_| {});
    let login = said(&parties, &sp, &CLAIMS).await;
    let kept = &login.attributes.attributes;
    assert_eq!(kept[PRINCIPAL], values(&["root@other.example"]));
}
