//! Sign-ins by the bindings that are not HTTP-Redirect and HTTP-POST.

use crate::*;
use chrono::TimeDelta;
use federate::hub::AuthenticatedUser;
use federate::metadata::{AttributeConsumingService, Localized, RequestedAttribute};
use federate::saml::binding::{ArtifactMessage, soap};
use federate::saml::ecp;
use federate::saml::{
    Artifact, ArtifactResolve, ArtifactResponse, AuthnRequest, SamlError, SourceId, signed_xml,
    unsigned_xml,
};
use federate::session::Persistence;
use federate::types::{Binding, EntityId, MessageId, RelayState, StatusCode};
use federate::xml::Limits;
use federate::{
    BackChannel, BackChannelError, Clock as _, FederateError, Hub, IdentityProvider, Outgoing,
};
use federate_testkit::parties::{HUB_ARTIFACTS, HUB_ECP};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type App = ServiceProvider<MemoryStore>;

fn by(binding: Binding) -> LoginOptions {
    LoginOptions {
        response_binding: Some(binding),
        ..LoginOptions::default()
    }
}

pub(crate) fn code<T>(result: Result<T, FederateError>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(error) => Box::leak(error.code().to_owned().into_boxed_str()),
    }
}

/// The hub's answer to a login that has begun, by a new session.
async fn reply(parties: &Parties, started: &StartedLogin) -> Outgoing {
    let session = sign_in(parties).await;
    let query = query(&started.outgoing);
    let handle = parties
        .hub
        .receive_sign_on(Incoming::Redirect(&query))
        .await;
    let handle = handle.unwrap();
    let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
    match step.unwrap() {
        SignOn::Respond(outgoing) => *outgoing,
        SignOn::SignIn { application, .. } => panic!("{application} wants a sign-in"),
    }
}

async fn completed(app: &App, handle: &Token, started: &StartedLogin) -> String {
    let done = app.complete_login(handle, Some(&started.browser), None);
    done.await.unwrap().login.name_id.value().to_owned()
}

// HTTP-POST-SimpleSign

#[tokio::test]
async fn a_response_by_simple_sign_is_a_login() {
    let parties = parties();
    // The second application's assertions are encrypted.
    for app in &parties.applications {
        let started = app
            .start_login(by(Binding::HttpPostSimpleSign))
            .await
            .unwrap();
        let outgoing = reply(&parties, &started).await;
        let Outgoing::SimpleSign(form) = &outgoing else {
            panic!("{outgoing:?}")
        };
        assert_eq!(
            form.fields().len(),
            3,
            "no RelayState, but an algorithm and a signature"
        );
        let handle = app.receive_login(&form_body(&outgoing)).await.unwrap();
        assert_eq!(completed(app, &handle, &started).await, "alice@example.com");
    }
}

#[tokio::test]
async fn a_response_by_simple_sign_is_refused_with_another_signature_or_none() {
    let parties = parties();
    let [app, other] = &parties.applications;
    let started = app
        .start_login(by(Binding::HttpPostSimpleSign))
        .await
        .unwrap();
    let theirs = other
        .start_login(by(Binding::HttpPostSimpleSign))
        .await
        .unwrap();
    let (ours, theirs) = (
        reply(&parties, &started).await,
        reply(&parties, &theirs).await,
    );
    let (Outgoing::SimpleSign(ours), Outgoing::SimpleSign(theirs)) = (ours, theirs) else {
        panic!("not by SimpleSign")
    };
    let mut swapped = ours.clone();
    swapped.signature.clone_from(&theirs.signature);
    let result = app
        .receive_login(&form_body(&Outgoing::SimpleSign(swapped)))
        .await;
    assert_eq!(code(result), "signature.wrong_key");
    let mut stated = ours.clone();
    stated.form.relay_state = Some(RelayState::new("/elsewhere").unwrap());
    let result = app
        .receive_login(&form_body(&Outgoing::SimpleSign(stated)))
        .await;
    assert_eq!(code(result), "signature.wrong_key");
    // The same is good as it was sent: refusals used nothing up.
    let result = app
        .receive_login(&form_body(&Outgoing::SimpleSign(ours)))
        .await;
    assert_eq!(code(result), "accepted");
}

#[tokio::test]
async fn a_failure_by_simple_sign_says_why() {
    let parties = parties();
    let app = &parties.applications[0];
    let options = LoginOptions {
        is_passive: true,
        ..by(Binding::HttpPostSimpleSign)
    };
    let started = app.start_login(options).await.unwrap();
    let query = query(&started.outgoing);
    let handle = parties
        .hub
        .receive_sign_on(Incoming::Redirect(&query))
        .await;
    let step = parties.hub.continue_sign_on(&handle.unwrap(), None).await;
    let SignOn::Respond(outgoing) = step.unwrap() else {
        panic!("nobody has signed in")
    };
    assert!(matches!(*outgoing, Outgoing::SimpleSign(_)));
    let error = app.receive_login(&form_body(&outgoing)).await.unwrap_err();
    let FederateError::Saml(SamlError::Status(status)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(status.subcode, Some(StatusCode::NoPassive));
}

#[tokio::test]
async fn a_request_by_simple_sign_is_taken_and_its_signature_counts() {
    let parties = parties();
    let idp = parties.hub.identity_provider();
    // An identity provider that takes nothing else.
    let metadata = String::from_utf8(idp.metadata()).unwrap();
    let mut only = metadata;
    for binding in ["HTTP-Redirect", "HTTP-POST"] {
        let uri = format!("\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\"");
        only = only.replace(&uri, "\"urn:example:unknown\"");
    }
    let party = parties.applications[0].party().clone();
    let app: App = ServiceProvider::new(party, "https://a.example/saml/acs", Arc::default())
        .unwrap()
        .with_identity_provider(only.as_bytes())
        .unwrap();
    let started = app.start_login(LoginOptions::default()).await.unwrap();
    let Outgoing::SimpleSign(form) = started.outgoing else {
        panic!("{:?}", started.outgoing)
    };
    let mut changed = form.clone();
    changed.signature = changed.signature.replacen(&form.signature[..1], "_", 1);
    let body = form_body(&Outgoing::SimpleSign(changed));
    let result = idp.receive_sign_on(Incoming::Post(&body));
    assert_eq!(code(result), "binding.base64");
    let body = form_body(&Outgoing::SimpleSign(form));
    let demand = idp.receive_sign_on(Incoming::Post(&body)).unwrap();
    assert!(demand.request_is_signed);
}

// HTTP-Artifact

/// Asks the hub without a network, and keeps what was sent.
pub(crate) struct Wire<'a> {
    hub: &'a Hub<MemoryStore>,
    pub(crate) sent: Mutex<Vec<Vec<u8>>>,
}

impl BackChannel for Wire<'_> {
    async fn exchange(
        &self,
        location: &str,
        envelope: Vec<u8>,
        _: Duration,
    ) -> Result<Vec<u8>, BackChannelError> {
        assert_eq!(location, HUB_ARTIFACTS);
        self.sent.lock().unwrap().push(envelope.clone());
        match self.hub.resolve_artifact(&envelope).await {
            Ok(Outgoing::Soap(answer)) => Ok(answer),
            Ok(other) => panic!("{other:?}"),
            Err(_) => Ok(soap::fault(soap::FaultCode::Client, "refused")),
        }
    }
}

pub(crate) fn wire(hub: &Hub<MemoryStore>) -> Wire<'_> {
    let sent = Mutex::default();
    Wire { hub, sent }
}

/// What the browser brings to the application.
async fn artifact(parties: &Parties, started: &StartedLogin) -> String {
    let outgoing = reply(parties, started).await;
    assert!(!query(&outgoing).contains("SAMLResponse"));
    query(&outgoing)
}

#[tokio::test]
async fn a_response_by_artifact_is_a_login() {
    let parties = parties();
    for app in &parties.applications {
        let started = app.start_login(by(Binding::HttpArtifact)).await.unwrap();
        let query = artifact(&parties, &started).await;
        let channel = wire(&parties.hub);
        // By redirect here; a form has the same parameters.
        let handle = app.receive_artifact(Incoming::Post(&query), &channel).await;
        assert_eq!(
            completed(app, &handle.unwrap(), &started).await,
            "alice@example.com"
        );
    }
}

#[tokio::test]
async fn a154_an_artifact_is_resolved_once() {
    let parties = parties();
    let app = &parties.applications[0];
    let started = app.start_login(by(Binding::HttpArtifact)).await.unwrap();
    let query = artifact(&parties, &started).await;
    let channel = wire(&parties.hub);
    let first = app
        .receive_artifact(Incoming::Redirect(&query), &channel)
        .await;
    assert_eq!(code(first), "accepted");
    let second = app
        .receive_artifact(Incoming::Redirect(&query), &channel)
        .await;
    assert_eq!(code(second), "artifact.no_message");
    // The very request again gets the answer for what is not known, too.
    let first = channel.sent.lock().unwrap()[0].clone();
    let Outgoing::Soap(answer) = parties.hub.resolve_artifact(&first).await.unwrap() else {
        panic!("not by SOAP")
    };
    let answer = soap::body::<ArtifactResponse>(&answer, &Limits::default()).unwrap();
    let answer = answer.read_unsigned().unwrap();
    assert!(answer.status.is_success() && answer.message.is_none());
}

#[tokio::test]
async fn a154_an_artifact_is_resolved_by_the_application_for_which_it_was_made() {
    let parties = parties();
    let [app, thief] = &parties.applications;
    let started = app.start_login(by(Binding::HttpArtifact)).await.unwrap();
    let query = artifact(&parties, &started).await;
    let channel = wire(&parties.hub);
    let stolen = thief
        .receive_artifact(Incoming::Redirect(&query), &channel)
        .await;
    assert_eq!(code(stolen), "artifact.no_message");
    let own = app
        .receive_artifact(Incoming::Redirect(&query), &channel)
        .await;
    assert_eq!(code(own), "accepted");
}

#[tokio::test]
async fn a154_an_artifact_is_not_kept_for_long() {
    let parties = parties();
    let app = &parties.applications[0];
    let started = app.start_login(by(Binding::HttpArtifact)).await.unwrap();
    let query = artifact(&parties, &started).await;
    parties.clock.advance(TimeDelta::minutes(3));
    let channel = wire(&parties.hub);
    let late = app
        .receive_artifact(Incoming::Redirect(&query), &channel)
        .await;
    assert_eq!(code(late), "artifact.no_message");
}

#[tokio::test]
async fn a154_whoever_resolves_an_artifact_must_sign() {
    let parties = parties();
    let app = &parties.applications[0];
    let started = app.start_login(by(Binding::HttpArtifact)).await.unwrap();
    let query = artifact(&parties, &started).await;
    let mut request = ArtifactResolve {
        id: MessageId::from_random([9; 20]),
        issue_instant: parties.clock.now(),
        destination: None,
        issuer: Some(app.party().entity_id.clone()),
        artifact: ArtifactMessage::parse(&query).unwrap().artifact().clone(),
        extensions: Default::default(),
    };
    let unsigned = soap::envelope(&unsigned_xml(&request));
    let result = parties.hub.resolve_artifact(&unsigned).await;
    assert_eq!(code(result), "signature.missing");
    // Signed by the other application.
    let signer = &parties.applications[1].party().signer;
    let foreign = soap::envelope(&signed_xml(&request, signer).unwrap());
    let result = parties.hub.resolve_artifact(&foreign).await;
    assert_eq!(code(result), "signature.wrong_key");
    request.destination = Some("https://hub.example/elsewhere".to_owned());
    let signer = &app.party().signer;
    let elsewhere = soap::envelope(&signed_xml(&request, signer).unwrap());
    let result = parties.hub.resolve_artifact(&elsewhere).await;
    assert_eq!(code(result), "message.destination_mismatch");
    let channel = wire(&parties.hub);
    let own = app
        .receive_artifact(Incoming::Redirect(&query), &channel)
        .await;
    assert_eq!(code(own), "accepted");
}

#[tokio::test]
async fn a154_artifacts_of_strangers_are_not_resolved() {
    let parties = parties();
    let app = &parties.applications[0];
    let provider = federate::crypto::aws_lc_provider();
    let stranger = EntityId::new("https://stranger.example").unwrap();
    let hub = EntityId::new("https://hub.example").unwrap();
    let attempt = async |issuer: &EntityId, index| {
        let artifact = Artifact::new(SourceId::of(issuer, &provider), index, [5; 20]);
        let url = federate::saml::binding::artifact_url("https://a.example", &artifact, None);
        let channel = wire(&parties.hub);
        let query = query_of(&url);
        let result = app
            .receive_artifact(Incoming::Redirect(&query), &channel)
            .await;
        (code(result), channel.sent.into_inner().unwrap().len())
    };
    assert_eq!(attempt(&stranger, 0).await, ("denied.unknown_peer", 0));
    // Nor at addresses that the metadata does not have.
    assert_eq!(attempt(&hub, 1).await, ("artifact.unknown_endpoint", 0));
    assert_eq!(attempt(&hub, 0).await, ("artifact.no_message", 1));
}

// ECP

/// What an enhanced client does between the two parties (`[SAMLProf] 4.2.3`): it takes the
/// request out of the application's envelope, and the answer out of the hub's.
pub(crate) async fn enhanced_client(
    parties: &Parties,
    asked: &[u8],
    user: &AuthenticatedUser,
) -> Result<(Vec<u8>, Option<RelayState>), FederateError> {
    let understood = [ecp::PAOS_REQUEST, ecp::ECP_REQUEST, ecp::ECP_RELAY_STATE];
    let limits = Limits::default();
    let envelope = soap::Envelope::parse(asked, &limits, &understood)?;
    let text = |name| {
        let block = envelope.block_hint(name);
        block.map(|block| block.text().unwrap().into_owned())
    };
    let relay_state = text(ecp::ECP_RELAY_STATE).map(|text| RelayState::received(text).unwrap());
    let consumer = envelope.block_hint(ecp::PAOS_REQUEST).unwrap();
    let consumer = consumer
        .attribute("responseConsumerURL")
        .unwrap()
        .to_owned();
    let request = inner(asked, "samlp:AuthnRequest");
    let Outgoing::Soap(answer) = parties
        .hub
        .answer_ecp(&soap::envelope(&request), user)
        .await?
    else {
        panic!("not by SOAP")
    };
    let understood = [ecp::ECP_RESPONSE, ecp::ECP_REQUEST_AUTHENTICATED];
    let envelope = soap::Envelope::parse(&answer, &limits, &understood)?;
    assert!(
        envelope
            .block_hint(ecp::ECP_REQUEST_AUTHENTICATED)
            .is_some()
    );
    let block = envelope.block_hint(ecp::ECP_RESPONSE).unwrap();
    let acs = block.attribute("AssertionConsumerServiceURL").unwrap();
    ecp::validate_consumer(&consumer, acs)?;
    Ok((inner(&answer, "samlp:Response"), relay_state))
}

/// The message in an envelope, octet for octet.
fn inner(envelope: &[u8], element: &str) -> Vec<u8> {
    let text = std::str::from_utf8(envelope).unwrap();
    let start = text.find(&format!("<{element}")).unwrap();
    let end = format!("</{element}>");
    let stop = text.rfind(&end).unwrap() + end.len();
    text.as_bytes()[start..stop].to_vec()
}

/// What the client brings back to the application.
pub(crate) fn brought(response: &[u8], relay_state: Option<&RelayState>) -> Vec<u8> {
    soap::envelope_with(response, |w| {
        if let Some(state) = relay_state {
            w.start(ecp::ECP_RELAY_STATE);
            soap::for_next(w);
            w.text(state.as_str());
            w.end();
        }
    })
}

#[tokio::test]
async fn an_enhanced_client_signs_in() {
    let parties = parties();
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    for app in &parties.applications {
        let asked = app.start_ecp_login(LoginOptions::default()).await.unwrap();
        let (response, state) = enhanced_client(&parties, &asked, &user).await.unwrap();
        let envelope = brought(&response, state.as_ref());
        let done = app.receive_ecp_login(&envelope, None).await.unwrap();
        assert_eq!(done.login.name_id.value(), "alice@example.com");
        assert!(app.session(&done.token).await.unwrap().is_some());
        // A request is answered once.
        let again = app.receive_ecp_login(&envelope, None).await;
        assert_eq!(code(again), "denied.unknown_request");
    }
}

#[tokio::test]
async fn a155_an_enhanced_client_brings_back_what_it_was_given() {
    let parties = parties();
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let app = &parties.applications[0];
    let other = RelayState::new("A".repeat(43)).unwrap();
    for state in [None, Some(&other)] {
        let asked = app.start_ecp_login(LoginOptions::default()).await.unwrap();
        let (response, own) = enhanced_client(&parties, &asked, &user).await.unwrap();
        let result = app
            .receive_ecp_login(&brought(&response, state), None)
            .await;
        assert_eq!(code(result), "denied.other_browser");
        // And it is not too late to do so.
        let envelope = brought(&response, own.as_ref());
        let result = app.receive_ecp_login(&envelope, None).await;
        assert_eq!(code(result), "accepted");
    }
}

#[tokio::test]
async fn a155_an_enhanced_client_gets_no_answer_that_is_for_a_browser() {
    let parties = parties();
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let app = &parties.applications[0];
    // A request for an answer by HTTP-POST does not become one for an answer by PAOS.
    let started = app.start_login(LoginOptions::default()).await.unwrap();
    let message = federate::saml::binding::RedirectMessage::parse(
        &query(&started.outgoing),
        federate::saml::MessageKind::Request,
        &Limits::default(),
    )
    .map(|message| {
        message
            .unverified::<AuthnRequest>()
            .unwrap()
            .read_unsigned()
            .unwrap()
    })
    .unwrap();
    let mut request = message;
    request.destination = Some(HUB_ECP.to_owned());
    let signed = signed_xml(&request, &app.party().signer).unwrap();
    let result = parties
        .hub
        .answer_ecp(&soap::envelope(&signed), &user)
        .await;
    assert_eq!(code(result), "request.acs_not_registered");
}

#[tokio::test]
async fn without_a_service_for_them_enhanced_clients_are_refused() {
    let parties = parties();
    let app = &parties.applications[0];
    let asked = app.start_ecp_login(LoginOptions::default()).await.unwrap();
    let request = soap::envelope(&inner(&asked, "samlp:AuthnRequest"));
    let party = parties.hub.identity_provider().party().clone();
    let idp = IdentityProvider::new(party, "https://hub.example/a", "https://hub.example/b");
    let application = federate::Application::from_metadata("A", &app.metadata()).unwrap();
    let idp = idp.unwrap().with_application(application);
    let result = idp.receive_sign_on(Incoming::Soap(&request));
    assert_eq!(code(result), "denied.no_endpoint");
}

// Which attributes are asked for

fn service(index: u16, names: &[&str]) -> AttributeConsumingService {
    let mut service = AttributeConsumingService::default();
    service.index = index;
    service.service_names = vec![Localized::new("en", "The App".to_owned())];
    service.requested_attributes = names
        .iter()
        .map(|name| RequestedAttribute {
            name: (*name).to_owned(),
            ..RequestedAttribute::default()
        })
        .collect();
    service
}

#[tokio::test]
async fn an_application_is_told_the_attributes_of_the_set_that_it_asks_for() {
    let parties = parties();
    let party = parties.applications[0].party().clone();
    let app: App = ServiceProvider::new(party, "https://a.example/saml/acs", Arc::default())
        .unwrap()
        .with_identity_provider(&parties.hub.identity_provider().metadata())
        .unwrap()
        .with_attribute_consuming_service(service(3, &["groups", "shoe-size"]));
    let idp = parties.hub.identity_provider().clone();
    let application = federate::Application::from_metadata("A", &app.metadata()).unwrap();
    let hub: Hub<MemoryStore> =
        Hub::new(idp.with_application(application), &[7; 32], Arc::default()).unwrap();
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let session = hub
        .sign_in(&user, Persistence::Persistent, None)
        .await
        .unwrap()
        .token;
    let all = ["email", "groups", "name"].as_slice();
    for (index, expected) in [(None, all), (Some(3), &["groups"]), (Some(4), all)] {
        let options = LoginOptions {
            attribute_consuming_service_index: index,
            ..LoginOptions::default()
        };
        let started = app.start_login(options).await.unwrap();
        let query = query(&started.outgoing);
        let handle = hub
            .receive_sign_on(Incoming::Redirect(&query))
            .await
            .unwrap();
        let step = hub.continue_sign_on(&handle, Some(&session)).await.unwrap();
        let SignOn::Respond(outgoing) = step else {
            panic!("signed in")
        };
        let handle = app.receive_login(&form_body(&outgoing)).await.unwrap();
        let done = app.complete_login(&handle, Some(&started.browser), None);
        let attributes = done.await.unwrap().login.attributes.attributes;
        assert_eq!(attributes.keys().collect::<Vec<_>>(), expected);
    }
}
