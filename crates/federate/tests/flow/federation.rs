//! Peers that nobody configured: those of a federation.

use crate::bindings::{brought, code, enhanced_client, wire};
use crate::*;
use chrono::{DateTime, TimeDelta, Utc};
use federate::hub::LogoutPhase;
use federate::metadata::{
    AttributeConsumingService, EntityDescriptor, EntitySource, Localized, MetadataError,
    RequestedAttribute, UiInfo, parse_entity,
};
use federate::saml::SamlError;
use federate::types::{Binding, EntityId, NameIdFormat, StatusCode};
use federate::xml::Limits;
use federate::{Application, Connection, FederateError, Hub, IdentityProvider, LogoutReceived};
use federate_testkit::keys::fixed_now;
use federate_testkit::parties::{HUB_ARTIFACTS, HUB_ECP, HUB_SLO, HUB_SSO};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

type App = ServiceProvider<MemoryStore>;

pub(crate) const HUB: &str = "https://hub.example";
pub(crate) const A: &str = "https://a.example";

/// A source that changes.
#[derive(Debug, Default)]
pub(crate) struct Register {
    entities: Mutex<BTreeMap<EntityId, Arc<EntityDescriptor>>>,
    until: Mutex<Option<DateTime<Utc>>>,
}

impl Register {
    pub(crate) fn add(&self, entity: EntityDescriptor) {
        let id = entity.entity_id.clone();
        self.entities.lock().unwrap().insert(id, Arc::new(entity));
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut EntityDescriptor)) {
        let mut entities = self.entities.lock().unwrap();
        change(Arc::make_mut(entities.get_mut(&id(name)).unwrap()));
    }

    fn remove(&self, name: &str) -> EntityDescriptor {
        let removed = self.entities.lock().unwrap().remove(&id(name));
        EntityDescriptor::clone(&removed.unwrap())
    }
}

impl EntitySource for Register {
    fn entity(&self, entity_id: &EntityId) -> Result<Option<Arc<EntityDescriptor>>, MetadataError> {
        Ok(self.entities.lock().unwrap().get(entity_id).cloned())
    }

    fn entity_ids(&self) -> Vec<EntityId> {
        self.entities.lock().unwrap().keys().cloned().collect()
    }

    fn valid_until(&self) -> Option<DateTime<Utc>> {
        *self.until.lock().unwrap()
    }
}

pub(crate) fn id(name: &str) -> EntityId {
    EntityId::new(name).unwrap()
}

fn entity(metadata: &[u8]) -> EntityDescriptor {
    parse_entity(metadata, &Limits::default()).unwrap()
}

/// The hub and the applications, which know each other only by a register.
pub(crate) fn federated(
    application: impl Fn(&mut Application) + Send + Sync + 'static,
    connection: impl Fn(&mut Connection) + Clone + Send + Sync + 'static,
) -> (Parties, Arc<Register>) {
    let mut parties = parties();
    let register = Arc::new(Register::default());
    let party = parties.hub.identity_provider().party().clone();
    let idp = IdentityProvider::new(party, HUB_SSO, HUB_SLO)
        .and_then(|idp| idp.with_artifact_resolution(HUB_ARTIFACTS))
        .and_then(|idp| idp.with_ecp(HUB_ECP))
        .unwrap()
        .with_federation(register.clone(), application);
    register.add(entity(&idp.metadata()));
    parties.applications = parties.applications.map(|app| {
        let base = app.party().entity_id.to_string();
        let sp = ServiceProvider::new(
            app.party().clone(),
            &format!("{base}/saml/acs"),
            Arc::default(),
        )
        .and_then(|sp| sp.with_single_logout(&format!("{base}/saml/slo")))
        .and_then(|sp| sp.with_response_binding(Binding::HttpArtifact))
        .and_then(|sp| sp.with_response_binding(Binding::Paos))
        .unwrap()
        .with_federation(register.clone(), connection.clone());
        register.add(entity(&sp.metadata()));
        sp
    });
    parties.hub = Hub::new(idp, &[7; 32], Arc::default()).unwrap();
    (parties, register)
}

fn usual() -> (Parties, Arc<Register>) {
    federated(|_| {}, |_| {})
}

fn asking() -> LoginOptions {
    LoginOptions {
        identity_provider: Some(id(HUB)),
        ..LoginOptions::default()
    }
}

async fn begun(app: &App) -> StartedLogin {
    app.start_login(asking()).await.unwrap()
}

async fn done(parties: &Parties, app: &App, session: &Token) -> CompletedLogin {
    let started = begun(app).await;
    let body = answer(parties, &started, session).await;
    let handle = app.receive_login(&body).await.unwrap();
    let completed = app.complete_login(&handle, Some(&started.browser), None);
    completed.await.unwrap()
}

pub(crate) async fn asked(
    parties: &Parties,
    started: &StartedLogin,
) -> Result<Token, FederateError> {
    let query = query(&started.outgoing);
    let hub = &parties.hub;
    hub.receive_sign_on(Incoming::Redirect(&query)).await
}

/// What an application says of itself for people, and what it asks for.
fn describe(entity: &mut EntityDescriptor) {
    let sp = entity.sp.as_mut().unwrap();
    let mut ui_info = UiInfo::default();
    ui_info.display_names = vec![
        Localized::new("de", "Anwendung"),
        Localized::new("en", " Library "),
    ];
    sp.details.extensions.ui_info = Some(Box::new(ui_info));
    let wanted = |name: &str, values: &[&str]| RequestedAttribute {
        name: name.to_owned(),
        values: values.iter().map(|v| (*v).to_owned()).collect(),
        ..RequestedAttribute::default()
    };
    let mut service = AttributeConsumingService::default();
    service.index = 1;
    service.requested_attributes = vec![wanted("email", &[]), wanted("groups", &["staff"])];
    sp.attribute_consuming_services = vec![service];
}

#[tokio::test]
async fn peers_of_a_federation_sign_in_and_out() {
    let (parties, register) = usual();
    register.change(A, describe);
    let [a, b] = &parties.applications;
    let handle = asked(&parties, &begun(a).await).await.unwrap();
    let step = parties.hub.continue_sign_on(&handle, None).await.unwrap();
    assert!(matches!(step, SignOn::SignIn { application, .. } if application == "Library"));

    let session = sign_in(&parties).await;
    let at_a = done(&parties, a, &session).await;
    let at_b = done(&parties, b, &session).await;
    // What was asked for, and nothing else; who asks for nothing is told nothing.
    let told = |name: &str| at_a.login.attributes.attributes.get(name).cloned();
    assert_eq!(told("email").unwrap(), ["alice@example.com"]);
    assert_eq!(told("groups").unwrap(), ["staff"]);
    assert_eq!(told("name"), None);
    assert!(at_b.login.attributes.attributes.is_empty());
    for login in [&at_a.login, &at_b.login] {
        assert_eq!(login.name_id.format, Some(NameIdFormat::Transient));
    }
    assert_ne!(at_a.login.name_id.value(), at_b.login.name_id.value());

    let hub = &parties.hub;
    let request = query(&a.start_logout(&at_a.token).await.unwrap().unwrap());
    let handle = hub.receive_logout(Incoming::Redirect(&request)).await;
    let handle = handle.unwrap();
    let page = hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.initiator.as_deref(), Some("Library"));
    assert_eq!(page.applications[0].name, "https://b.example");
    let to_b = query(&hub.next_logout(&handle).await.unwrap().unwrap());
    let received = b.receive_logout(Incoming::Redirect(&to_b)).await.unwrap();
    let LogoutReceived::Answer(from_b) = received else {
        panic!("a response")
    };
    assert!(b.session(&at_b.token).await.unwrap().is_none());
    let from_b = query(&from_b);
    let again = hub.receive_logout(Incoming::Redirect(&from_b)).await;
    assert_eq!(again.unwrap().expose(), handle.expose());
    let to_a = query(&hub.finish_logout(&handle).await.unwrap().unwrap());
    let received = a.receive_logout(Incoming::Redirect(&to_a)).await.unwrap();
    assert!(matches!(received, LogoutReceived::Finished { status } if status.is_success()));
    let page = hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
}

#[tokio::test]
async fn peers_of_a_federation_answer_by_artifact_and_to_enhanced_clients() {
    let (parties, register) = usual();
    let [a, b] = &parties.applications;
    let by_artifact = LoginOptions {
        response_binding: Some(Binding::HttpArtifact),
        ..asking()
    };
    let session = sign_in(&parties).await;
    // As late as can be.
    for minutes in [0, 4, 9] {
        let started = a.start_login(by_artifact.clone()).await.unwrap();
        let handle = asked(&parties, &started).await.unwrap();
        parties.clock.advance(TimeDelta::minutes(minutes));
        let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
        let SignOn::Respond(outgoing) = step.unwrap() else {
            panic!("signed in")
        };
        let (artifact, channel) = (query(&outgoing), wire(&parties.hub));
        // The other application did not ask for one, and does not look for whose it is.
        let other = b.receive_artifact(Incoming::Redirect(&artifact), &channel);
        assert_eq!(code(other.await), "denied.unknown_peer");
        let handle = a.receive_artifact(Incoming::Redirect(&artifact), &channel);
        let handle = handle.await.unwrap();
        let done = a.complete_login(&handle, Some(&started.browser), None);
        assert_eq!(done.await.unwrap().login.identity_provider, id(HUB));
    }

    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    for options in [asking(), LoginOptions::default()] {
        let envelope = a.start_ecp_login(options).await.unwrap();
        let (answer, state) = enhanced_client(&parties, &envelope, &user).await.unwrap();
        let answer = brought(&answer, state.as_ref());
        let done = a.receive_ecp_login(&answer, None).await.unwrap();
        assert_eq!(done.login.identity_provider, id(HUB));
    }
    let envelope = a.start_ecp_login(LoginOptions::default()).await.unwrap();
    let (answer, state) = enhanced_client(&parties, &envelope, &user).await.unwrap();
    let answer = brought(&answer, state.as_ref());
    register.remove(HUB);
    let refused = a.receive_ecp_login(&answer, None).await;
    assert_eq!(code(refused), "denied.unknown_peer");
}

#[tokio::test]
async fn a232_what_a_federation_says_ends() {
    // Of the entity, of its role, and of the whole.
    type End = fn(&Register, DateTime<Utc>);
    let ends: [End; 3] = [
        |register, until| {
            register.change(HUB, |hub| hub.valid_until = Some(until));
            register.change(A, |a| a.valid_until = Some(until));
        },
        |register, until| {
            register.change(HUB, |hub| {
                hub.idp.as_mut().unwrap().valid_until = Some(until);
            });
            register.change(A, |a| a.sp.as_mut().unwrap().valid_until = Some(until));
        },
        |register, until| *register.until.lock().unwrap() = Some(until),
    ];
    for end in ends {
        let (parties, register) = usual();
        let a = &parties.applications[0];
        let session = sign_in(&parties).await;
        end(&register, fixed_now() + TimeDelta::minutes(5));
        parties.clock.advance(TimeDelta::seconds(299));
        done(&parties, a, &session).await;
        let started = begun(a).await;
        let body = answer(&parties, &started, &session).await;
        let late = begun(a).await;
        parties.clock.advance(TimeDelta::seconds(1));
        assert_eq!(code(a.start_login(asking()).await), "metadata.expired");
        assert_eq!(code(a.receive_login(&body).await), "metadata.expired");
        assert_eq!(code(asked(&parties, &late).await), "metadata.expired");
    }
}

#[tokio::test]
async fn an_entity_without_the_role_is_refused() {
    let (parties, register) = usual();
    let a = &parties.applications[0];
    let session = sign_in(&parties).await;
    let body = answer(&parties, &begun(a).await, &session).await;
    let started = begun(a).await;
    register.change(HUB, |hub| hub.idp = None);
    register.change(A, |a| a.sp = None);
    assert_eq!(code(a.start_login(asking()).await), "metadata.no_idp_role");
    assert_eq!(code(a.receive_login(&body).await), "metadata.no_idp_role");
    assert_eq!(code(asked(&parties, &started).await), "metadata.no_sp_role");
}

#[tokio::test]
async fn whom_the_source_no_longer_has_is_refused_at_the_next_message() {
    let (parties, register) = usual();
    let a = &parties.applications[0];
    let session = sign_in(&parties).await;
    let at_a = done(&parties, a, &session).await;
    let body = answer(&parties, &begun(a).await, &session).await;
    let hub = register.remove(HUB);
    assert_eq!(code(a.receive_login(&body).await), "denied.unknown_peer");
    let started = a.start_login(asking()).await;
    assert_eq!(code(started), "denied.unknown_peer");
    let nobody = a.start_login(LoginOptions::default()).await;
    assert_eq!(code(nobody), "denied.unknown_peer");
    // Its sessions last, and end here alone.
    assert!(a.session(&at_a.token).await.unwrap().is_some());
    assert!(a.start_logout(&at_a.token).await.unwrap().is_none());
    assert!(a.session(&at_a.token).await.unwrap().is_none());
    // It is back, and what was refused used nothing up.
    register.add(hub);
    assert_eq!(code(a.receive_login(&body).await), "accepted");

    let (started, waiting) = (begun(a).await, begun(a).await);
    let handle = asked(&parties, &waiting).await.unwrap();
    register.remove(A);
    assert_eq!(code(asked(&parties, &started).await), "denied.unknown_peer");
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    assert_eq!(code(step), "denied.unknown_peer");
    // A logout knows that it cannot be asked.
    let handle = parties.hub.log_out(&session).await.unwrap();
    assert!(parties.hub.next_logout(&handle).await.unwrap().is_none());
    let page = parties.hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.applications[0].name, A);
    assert_eq!(page.phase, LogoutPhase::Done { complete: false });
}

#[tokio::test]
async fn a236_a_configured_peer_counts_more_than_one_of_a_federation() {
    let (parties, register) = usual();
    let [a, b] = &parties.applications;
    let session = sign_in(&parties).await;
    let (hub_metadata, a_metadata) = {
        let hub = parties.hub.identity_provider();
        (hub.metadata(), a.metadata())
    };
    let (body, started) = (
        answer(&parties, &begun(a).await, &session).await,
        begun(a).await,
    );
    // Somebody registers their own keys under the names of both.
    let theirs = entity(&b.metadata()).sp.unwrap().keys;
    register.change(HUB, |hub| hub.idp.as_mut().unwrap().keys = theirs.clone());
    register.change(A, |a| a.sp.as_mut().unwrap().keys = theirs);
    assert_eq!(code(a.receive_login(&body).await), "signature.wrong_key");
    assert_eq!(code(asked(&parties, &started).await), "signature.wrong_key");

    let source: Arc<dyn EntitySource> = register.clone();
    let sp: App = ServiceProvider::new(a.party().clone(), &format!("{A}/saml/acs"), Arc::default())
        .and_then(|sp| sp.with_identity_provider(&hub_metadata))
        .unwrap()
        .with_federation(source.clone(), |_| {});
    let idp = parties.hub.identity_provider().clone();
    let application = Application::from_metadata("A", &a_metadata).unwrap();
    let idp = idp.with_application(application);
    assert_eq!(idp.applications().len(), 1);
    let hub = Hub::new(idp, &[7; 32], Arc::new(MemoryStore::default())).unwrap();
    let parties = Parties { hub, ..parties };
    let session = sign_in(&parties).await;
    // The only one that is configured need not be named.
    let started = start(&sp).await;
    let body = answer(&parties, &started, &session).await;
    sp.receive_login(&body).await.unwrap();
    // Of two federations the first counts, also when it says less.
    let first = Arc::new(Register::default());
    first.add(entity(&hub_metadata));
    let sp = |first: Arc<Register>, second: Arc<Register>| {
        let acs = format!("{A}/saml/acs");
        App::new(
            parties.applications[0].party().clone(),
            &acs,
            Arc::default(),
        )
        .unwrap()
        .with_federation(first, |_| {})
        .with_federation(second, |_| {})
    };
    for (one, other, expected) in [
        (first.clone(), register.clone(), "accepted"),
        (register, first.clone(), "signature.wrong_key"),
    ] {
        let sp = sp(one, other);
        let body = answer(&parties, &begun(&sp).await, &session).await;
        assert_eq!(code(sp.receive_login(&body).await), expected);
    }
    first.change(HUB, |hub| hub.valid_until = Some(fixed_now()));
    let other = Arc::new(Register::default());
    other.add(entity(&hub_metadata));
    let ended = sp(first, other).start_login(asking()).await;
    assert_eq!(code(ended), "metadata.expired");
}

#[tokio::test]
async fn the_rules_of_a_federation_hold_for_each_of_its_peers() {
    let (parties, _) = federated(
        |application| {
            let metadata = &application.metadata;
            application.name = format!("<{}>", metadata.entity_id);
            application.name_id_format = NameIdFormat::Persistent;
            let keys = metadata.sp.as_ref().map(|sp| sp.encryption_certificates());
            application.encrypt_assertions = keys.is_some_and(|mut keys| keys.next().is_some());
        },
        |connection| connection.require_encryption = true,
    );
    let session = sign_in(&parties).await;
    for app in &parties.applications {
        let handle = asked(&parties, &begun(app).await).await.unwrap();
        let step = parties.hub.continue_sign_on(&handle, None).await.unwrap();
        let name = format!("<{}>", app.party().entity_id);
        assert!(matches!(step, SignOn::SignIn { application, .. } if application == name));
    }
    let [a, b] = &parties.applications;
    let login = done(&parties, b, &session).await.login;
    assert_eq!(login.name_id.format, Some(NameIdFormat::Persistent));
    // Only the second has a key to which could be encrypted.
    let body = answer(&parties, &begun(a).await, &session).await;
    assert_eq!(code(a.receive_login(&body).await), "response.not_encrypted");
}

#[tokio::test]
async fn peers_of_a_federation_answer_only_what_they_were_asked() {
    let (parties, _) = usual();
    let session = sign_in(&parties).await;
    let a = &parties.applications[0];
    let attempt = async |hub: &Hub<MemoryStore>| {
        let handle = hub.begin_sign_on(&id(A)).await.unwrap();
        let step = hub.continue_sign_on(&handle, Some(&session)).await;
        let SignOn::Respond(form) = step.unwrap() else {
            panic!("signed in")
        };
        code(a.receive_login(&form_body(&form)).await)
    };
    assert_eq!(attempt(&parties.hub).await, "denied.unsolicited");
}

#[tokio::test]
async fn strangers_are_given_no_names_that_others_know() {
    let (parties, register) = usual();
    // Neither when the request asks for one nor when the metadata does.
    register.change(A, |a| {
        let formats = vec![NameIdFormat::EmailAddress, NameIdFormat::Persistent];
        a.sp.as_mut().unwrap().name_id_formats = formats;
    });
    let session = sign_in(&parties).await;
    let a = &parties.applications[0];
    let login = done(&parties, a, &session).await.login;
    assert_eq!(login.name_id.format, Some(NameIdFormat::Persistent));
    let options = LoginOptions {
        name_id_format: Some(NameIdFormat::EmailAddress),
        ..asking()
    };
    let started = a.start_login(options).await.unwrap();
    let body = answer(&parties, &started, &session).await;
    match a.receive_login(&body).await {
        Err(FederateError::Saml(SamlError::Status(status))) => {
            assert_eq!(status.subcode, Some(StatusCode::InvalidNameIdPolicy));
        }
        other => panic!("{other:?}"),
    }
}
