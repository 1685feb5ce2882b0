//! What an application's LogoutRequest means, and that it is always answered.

use crate::logout::{answered, finished};
use crate::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federate::hub::LogoutPhase;
use federate::metadata::Location;
use federate::saml::{Extensions, LogoutRequest, signed_xml, unsigned_xml};
use federate::session::{Participant, TenantId};
use federate::types::{Binding, MessageId, SessionIndex, StatusCode};
use federate::xml::Encryptor;
use federate::{Application, Decryption, Denial, FederateError, IdentityProvider, Outgoing};
use federate_testkit::keys;
use federate_testkit::parties::{HUB_SLO, HUB_SSO, party, post_form};
use std::io::Read as _;

/// What the hub told the first application in a session.
async fn told(parties: &Parties, session: &Token) -> Participant {
    let view = parties.hub.session(session).await.unwrap().unwrap();
    let a = &parties.applications[0].party().entity_id;
    let mut told = view.participants.into_iter();
    told.find(|participant| participant.entity_id == *a)
        .unwrap()
}

/// A LogoutRequest of the first application about these sessions of a person.
fn request(
    parties: &Parties,
    number: u8,
    person: &Participant,
    session_indexes: Vec<SessionIndex>,
) -> LogoutRequest {
    LogoutRequest {
        id: MessageId::from_random([number; 20]),
        issue_instant: keys::fixed_now(),
        destination: Some(HUB_SLO.to_owned()),
        not_on_or_after: Some(keys::fixed_now() + chrono::TimeDelta::minutes(5)),
        reason: None,
        issuer: Some(parties.applications[0].party().entity_id.clone()),
        extensions: Extensions::default(),
        name_id: person.name_id.clone(),
        session_indexes,
    }
}

/// The same, as the hub takes it by HTTP-POST.
async fn receive(
    parties: &Parties,
    number: u8,
    person: &Participant,
    session_indexes: Vec<SessionIndex>,
) -> Token {
    let party = parties.applications[0].party();
    let request = request(parties, number, person, session_indexes);
    let xml = signed_xml(&request, &party.signer).unwrap();
    let body = format!("SAMLRequest={}", escape(&STANDARD.encode(xml)));
    let received = parties.hub.receive_logout(Incoming::Post(&body)).await;
    received.unwrap()
}

fn escape(text: &str) -> String {
    let escaped = |c: char| match c {
        '+' => "%2b".to_owned(),
        '/' => "%2f".to_owned(),
        '=' => "%3d".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// The status that the hub gives the first application in the end.
async fn status(parties: &Parties, handle: &Token) -> federate::types::Status {
    let answer = parties.hub.finish_logout(handle).await.unwrap().unwrap();
    let a = &parties.applications[0];
    finished(
        a.receive_logout(Incoming::Redirect(&query(&answer)))
            .await
            .unwrap(),
    )
}

#[tokio::test]
async fn without_a_session_index_every_session_of_the_person_there_ends() {
    for named in [0_usize, 1, 2] {
        let parties = parties();
        let [a, b] = &parties.applications;
        let mut sessions = Vec::new();
        let mut indexes = Vec::new();
        for _ in 0..3 {
            let session = sign_in(&parties).await;
            sign_on(&parties, a, &session).await;
            indexes.push(told(&parties, &session).await.session_index);
            sessions.push(session);
        }
        let elsewhere = sign_in(&parties).await;
        sign_on(&parties, b, &elsewhere).await;
        let person = told(&parties, &sessions[0]).await;
        indexes.truncate(named);
        receive(&parties, 1, &person, indexes).await;
        for (place, session) in sessions.iter().enumerate() {
            let alive = parties.hub.session(session).await.unwrap().is_some();
            assert_eq!(alive, named > 0 && place >= named, "{named} named: {place}");
        }
        // It took no part in this one.
        assert!(parties.hub.session(&elsewhere).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_redirect_with_lower_case_escapes_verifies_as_it_was_sent() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let done = sign_on(&parties, a, &session).await;
    let request = query(&a.start_logout(&done.token).await.unwrap().unwrap());
    let (signed, _) = request.split_once("&Signature=").unwrap();
    let mut lower = String::new();
    for (place, part) in signed.split('%').enumerate() {
        match place {
            0 => lower.push_str(part),
            _ => lower += &format!("%{}{}", part[..2].to_lowercase(), &part[2..]),
        }
    }
    assert_ne!(lower, signed);
    let signature = a.party().signer.sign_octets(lower.as_bytes()).unwrap();
    let lower = format!("{lower}&Signature={}", escape(&STANDARD.encode(signature)));
    let received = parties.hub.receive_logout(Incoming::Redirect(&lower)).await;
    assert!(status(&parties, &received.unwrap()).await.is_success());
    assert!(parties.hub.session(&session).await.unwrap().is_none());
}

#[tokio::test]
async fn a204_an_application_whose_metadata_has_no_key_ends_nothing() {
    let parties = Parties::with_options(
        federate::crypto::aws_lc_provider(),
        |application| {
            let mut metadata = (*application.metadata).clone();
            metadata.sp.as_mut().unwrap().keys.clear();
            application.metadata = Arc::new(metadata);
            application.encrypt_assertions = false;
        },
        |_| {},
    );
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    // It cannot ask for this sign-on either.
    let handle = parties.hub.begin_sign_on(&a.party().entity_id).await;
    let step = parties
        .hub
        .continue_sign_on(&handle.unwrap(), Some(&session))
        .await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("signed in")
    };
    let handle = a.receive_login(&form_body(&form)).await.unwrap();
    let done = a.complete_login(&handle, None, None).await.unwrap();
    let signed = query(&a.start_logout(&done.token).await.unwrap().unwrap());
    let unsigned = signed.split("&SigAlg").next().unwrap();
    for request in [&*signed, unsigned] {
        let received = parties
            .hub
            .receive_logout(Incoming::Redirect(request))
            .await;
        let denied = FederateError::Denied(Denial::NoSigningKey);
        assert_eq!(received.unwrap_err().to_string(), denied.to_string());
    }
    assert!(parties.hub.session(&session).await.unwrap().is_some());
}

#[tokio::test]
async fn logouts_at_the_same_time_are_not_confused() {
    let parties = parties();
    let hub = &parties.hub;
    let [a, b] = &parties.applications;
    let mut running = Vec::new();
    for _ in 0..3 {
        let session = sign_in(&parties).await;
        let at_a = sign_on(&parties, a, &session).await;
        let at_b = sign_on(&parties, b, &session).await;
        let request = a.start_logout(&at_a.token).await.unwrap().unwrap();
        running.push((session, at_b, query(&request)));
    }
    // Each step is taken for all of them before the next.
    let mut handles = Vec::new();
    for (_, _, request) in &running {
        handles.push(
            hub.receive_logout(Incoming::Redirect(request))
                .await
                .unwrap(),
        );
    }
    let mut to_b = Vec::new();
    for handle in &handles {
        to_b.push(query(&hub.next_logout(handle).await.unwrap().unwrap()));
    }
    // The second never comes to B.
    for place in [2, 0] {
        let received = b.receive_logout(Incoming::Redirect(&to_b[place])).await;
        let from_b = query(&answered(received.unwrap()));
        let again = hub.receive_logout(Incoming::Redirect(&from_b)).await;
        assert_eq!(again.unwrap().expose(), handles[place].expose());
    }
    hub.skip_logout(&handles[1]).await.unwrap();
    for (place, (session, at_b, _)) in running.iter().enumerate() {
        let alive = b.session(&at_b.token).await.unwrap().is_some();
        assert_eq!(alive, place == 1, "{place}");
        assert!(hub.session(session).await.unwrap().is_none(), "{place}");
    }
    for place in [1, 2, 0] {
        // A takes an answer only to its own request, so each is for the right one.
        let status = status(&parties, &handles[place]).await;
        assert!(status.is_success());
        let partial = (place == 1).then_some(StatusCode::PartialLogout);
        assert_eq!(status.subcode, partial, "{place}");
    }
}

#[tokio::test]
async fn a207_a_request_about_nobody_is_answered_and_ends_nothing() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    sign_on(&parties, a, &session).await;
    let mut person = told(&parties, &session).await;
    // An index of nobody, and then a name of nobody.
    let unknown = SessionIndex::new("nobody's").unwrap();
    for number in [1, 2] {
        let handle = receive(&parties, number, &person, vec![unknown.clone()]).await;
        let answer = parties.hub.finish_logout(&handle).await.unwrap().unwrap();
        let form = post_form(&answer);
        let xml = STANDARD.decode(&form.value).unwrap();
        let xml = String::from_utf8(xml).unwrap();
        let success = format!("StatusCode Value=\"{}\"", StatusCode::Success.uri());
        assert!(
            xml.contains(&success) && xml.contains("LogoutResponse"),
            "{xml}"
        );
        assert!(!xml.contains("PartialLogout"));
        let id = MessageId::from_random([number; 20]);
        assert!(xml.contains(&format!("InResponseTo=\"{id}\"")), "{xml}");
        assert!(parties.hub.session(&session).await.unwrap().is_some());
        person.name_id = federate::types::NameId::new("nobody", None).unwrap();
    }
}

/// Metadata whose single logout service of this binding takes responses elsewhere.
fn answered_elsewhere(application: &mut Application, binding: Binding) {
    let mut metadata = (*application.metadata).clone();
    for endpoint in &mut metadata.sp.as_mut().unwrap().single_logout {
        let there = format!("{}/answers", endpoint.location.as_str());
        endpoint.response_location = Some(Location::new(&there).unwrap());
    }
    let offered = &mut metadata.sp.as_mut().unwrap().single_logout;
    offered.retain(|endpoint| endpoint.is_for(binding));
    application.metadata = Arc::new(metadata);
}

/// The initiator is answered by its binding, at its ResponseLocation, with its relay state.
#[tokio::test]
async fn the_answer_goes_where_and_how_its_initiator_wants_it() {
    for binding in [Binding::HttpRedirect, Binding::HttpPost] {
        let parties = Parties::with_options(
            federate::crypto::aws_lc_provider(),
            |application| answered_elsewhere(application, binding),
            |_| {},
        );
        let session = sign_in(&parties).await;
        let [a, _] = &parties.applications;
        sign_on(&parties, a, &session).await;
        let person = told(&parties, &session).await;
        let party = a.party();
        let request = request(&parties, 1, &person, vec![person.session_index.clone()]);
        let state = "what it wants to know again";
        let handle = match binding {
            Binding::HttpPost => {
                let xml = STANDARD.encode(signed_xml(&request, &party.signer).unwrap());
                let body = format!("SAMLRequest={}&RelayState={}", escape(&xml), plus(state));
                parties.hub.receive_logout(Incoming::Post(&body)).await
            }
            _ => {
                let xml = unsigned_xml(&request);
                let query = redirected(&xml, Some(state), party);
                parties.hub.receive_logout(Incoming::Redirect(&query)).await
            }
        };
        let answer = parties.hub.finish_logout(&handle.unwrap()).await;
        match (binding, answer.unwrap().unwrap()) {
            (Binding::HttpPost, Outgoing::Post(form)) => {
                assert_eq!(form.action, "https://a.example/saml/slo/answers");
                let told = form.relay_state.as_ref().map(|state| state.as_str());
                assert_eq!(told, Some(state));
                assert_eq!(form.parameter, "SAMLResponse");
            }
            (Binding::HttpRedirect, Outgoing::Redirect(to)) => {
                let (address, query) = to.split_once('?').unwrap();
                assert_eq!(address, "https://a.example/saml/slo/answers");
                assert!(query.starts_with("SAMLResponse="), "{query}");
                assert!(query.replace("%20", "+").contains(&plus(state)), "{query}");
            }
            (binding, other) => panic!("{binding:?} is answered by {other:?}"),
        }
    }
}

fn plus(text: &str) -> String {
    text.replace(' ', "+")
}

/// A message as a redirect of this party brings it.
fn redirected(xml: &[u8], relay_state: Option<&str>, party: &federate::Party) -> String {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::DeflateEncoder::new(xml, flate2::Compression::default());
    encoder.read_to_end(&mut packed).unwrap();
    let mut query = format!("SAMLRequest={}", escape(&STANDARD.encode(packed)));
    if let Some(state) = relay_state {
        query += &format!("&RelayState={}", plus(state));
    }
    let algorithm = party.signer.algorithm().uri().replace(':', "%3a");
    query += &format!("&SigAlg={}", algorithm.replace('#', "%23"));
    let signature = party.signer.sign_octets(query.as_bytes()).unwrap();
    format!("{query}&Signature={}", escape(&STANDARD.encode(signature)))
}

#[tokio::test]
async fn an_encrypted_name_means_the_person_whom_it_names() {
    let provider = federate::crypto::aws_lc_provider();
    let parties = Parties::with_hub_party(provider, |mut hub, key| {
        let key = provider.key_transport.load_decryption_key(key).unwrap();
        let certificate = hub.signer.certificate().clone();
        hub.decryption = Some(Decryption::new(key, certificate).unwrap());
        hub
    });
    let session = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    sign_on(&parties, a, &session).await;
    let person = told(&parties, &session).await;
    let hub = parties.hub.identity_provider().party();
    let to_hub = Encryptor::new(provider, hub.signer.certificate().clone()).unwrap();
    let of_nobody = Participant {
        name_id: federate::types::NameId::new("nobody", None).unwrap(),
        ..person.clone()
    };
    for (number, person, alive) in [(1, &of_nobody, true), (2, &person, false)] {
        let request = request(&parties, number, person, Vec::new());
        let plain = String::from_utf8(unsigned_xml(&request)).unwrap();
        let (from, to) = (plain.find("<saml:NameID").unwrap(), "</saml:NameID>");
        let end = plain.find(to).unwrap() + to.len();
        let name = &plain[from..end];
        assert!(name.contains("xmlns:saml="), "it stands for itself: {name}");
        let data = String::from_utf8(to_hub.encrypt(name.as_bytes()).unwrap()).unwrap();
        let declared = format!("xmlns:saml=\"{}\"", federate::xml::SAML);
        let encrypted = format!("<saml:EncryptedID {declared}>{data}</saml:EncryptedID>");
        let xml = plain.replace(name, &encrypted);
        assert!(!xml.contains("NameID"), "{xml}");
        let query = redirected(xml.as_bytes(), None, a.party());
        let handle = parties.hub.receive_logout(Incoming::Redirect(&query)).await;
        parties.hub.finish_logout(&handle.unwrap()).await.unwrap();
        let is_alive = parties.hub.session(&session).await.unwrap().is_some();
        assert_eq!(is_alive, alive);
    }
}

/// What the answer to a posted request says.
async fn answer_of(parties: &Parties, handle: &Token) -> String {
    let answer = parties.hub.finish_logout(handle).await.unwrap().unwrap();
    String::from_utf8(STANDARD.decode(&post_form(&answer).value).unwrap()).unwrap()
}

#[tokio::test]
async fn who_asks_again_is_not_told_more_than_is_so() {
    let parties = parties();
    let hub = &parties.hub;
    let [a, b] = &parties.applications;
    let session = sign_in(&parties).await;
    sign_on(&parties, a, &session).await;
    sign_on(&parties, b, &session).await;
    let person = told(&parties, &session).await;
    let first = receive(&parties, 1, &person, Vec::new()).await;
    let to_b = query(&hub.next_logout(&first).await.unwrap().unwrap());
    // While B is being asked, and when it was given up.
    let second = receive(&parties, 2, &person, Vec::new()).await;
    assert!(answer_of(&parties, &second).await.contains("PartialLogout"));
    hub.skip_logout(&first).await.unwrap();
    assert!(answer_of(&parties, &first).await.contains("PartialLogout"));
    let third = receive(&parties, 3, &person, vec![person.session_index.clone()]).await;
    let page = hub.logout_page(&third).await.unwrap();
    assert_eq!((page.left_out, page.complete), (1, false));
    assert!(answer_of(&parties, &third).await.contains("PartialLogout"));
    // When it has confirmed, it is so.
    let received = b.receive_logout(Incoming::Redirect(&to_b)).await;
    let late = query(&answered(received.unwrap()));
    hub.receive_logout(Incoming::Redirect(&late)).await.unwrap();
    let fourth = receive(&parties, 4, &person, Vec::new()).await;
    let xml = answer_of(&parties, &fourth).await;
    assert!(!xml.contains("PartialLogout") && xml.contains(&StatusCode::Success.uri()));
    // The next session has a logout of its own.
    let session = sign_in(&parties).await;
    sign_on(&parties, a, &session).await;
    let person = told(&parties, &session).await;
    let fifth = receive(&parties, 5, &person, Vec::new()).await;
    assert!(!answer_of(&parties, &fifth).await.contains("PartialLogout"));
    assert!(hub.session(&session).await.unwrap().is_none());
}

#[tokio::test]
async fn it_is_remembered_for_a_day_after_each_request_what_it_came_to() {
    let parties = parties();
    let hub = &parties.hub;
    let [a, b] = &parties.applications;
    let hours = chrono::TimeDelta::hours;
    // The first logout is complete, the second, almost a day later, is not.
    let session = sign_in(&parties).await;
    sign_on(&parties, a, &session).await;
    let person = told(&parties, &session).await;
    let first = ask(&parties, 1, &person).await;
    assert!(!answer_of(&parties, &first).await.contains("PartialLogout"));
    parties.clock.advance(hours(23));
    let session = sign_in(&parties).await;
    sign_on(&parties, a, &session).await;
    sign_on(&parties, b, &session).await;
    let person = told(&parties, &session).await;
    let second = ask(&parties, 2, &person).await;
    hub.skip_logout(&second).await.unwrap();
    assert!(answer_of(&parties, &second).await.contains("PartialLogout"));
    for (number, later) in [(3, 2), (4, 21)] {
        parties.clock.advance(hours(later));
        let again = ask(&parties, number, &person).await;
        let xml = answer_of(&parties, &again).await;
        assert!(xml.contains("PartialLogout"), "{later} h later");
    }
}

/// A LogoutRequest of the first application about all sessions of a person, made just now.
async fn ask(parties: &Parties, number: u8, person: &Participant) -> Token {
    let mut request = request(parties, number, person, Vec::new());
    request.issue_instant = federate::Clock::now(&parties.clock);
    request.not_on_or_after = None;
    let party = parties.applications[0].party();
    let xml = signed_xml(&request, &party.signer).unwrap();
    let body = format!("SAMLRequest={}", escape(&STANDARD.encode(xml)));
    let received = parties.hub.receive_logout(Incoming::Post(&body)).await;
    received.unwrap()
}

#[tokio::test]
async fn who_takes_no_answers_leaves_the_person_with_the_page() {
    let parties = Parties::with_options(
        federate::crypto::aws_lc_provider(),
        |application| {
            let mut metadata = (*application.metadata).clone();
            metadata.sp.as_mut().unwrap().single_logout.clear();
            application.metadata = Arc::new(metadata);
        },
        |_| {},
    );
    let session = sign_in(&parties).await;
    sign_on(&parties, &parties.applications[0], &session).await;
    let person = told(&parties, &session).await;
    let handle = receive(&parties, 1, &person, Vec::new()).await;
    assert!(parties.hub.session(&session).await.unwrap().is_none());
    assert!(parties.hub.finish_logout(&handle).await.unwrap().is_none());
    let page = parties.hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
}

/// Another account on the store of an application, with an identity provider of its own that has
/// the name of the hub, and what that one says there.
async fn said_in_another_account(parties: &Parties, about: &Participant) {
    let provider = federate::crypto::aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let theirs = party(provider, "https://hub.example", &key, &parties.clock);
    let idp = IdentityProvider::new(theirs.clone(), HUB_SSO, HUB_SLO).unwrap();
    let a = &parties.applications[0];
    let acs = "https://a.example/saml/acs";
    let sp = ServiceProvider::new(a.party().clone(), acs, Arc::clone(a.store()))
        .and_then(|sp| sp.with_identity_provider(&idp.metadata()))
        .and_then(|sp| sp.with_single_logout("https://a.example/saml/slo"))
        .unwrap()
        .with_tenant(TenantId::new("another").unwrap());
    let mut request = request(parties, 9, about, Vec::new());
    request.issuer = Some(theirs.entity_id.clone());
    request.destination = Some("https://a.example/saml/slo".to_owned());
    let query = redirected(&unsigned_xml(&request), None, &theirs);
    let received = sp.receive_logout(Incoming::Redirect(&query)).await;
    let _ = answered(received.unwrap());
}

#[tokio::test]
async fn a_logout_in_one_account_keeps_nobody_of_another_from_signing_in() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let a = &parties.applications[0];
    let at_a = sign_on(&parties, a, &session).await;
    let person = told(&parties, &session).await;
    said_in_another_account(&parties, &person).await;
    assert!(a.session(&at_a.token).await.unwrap().is_some());
    let again = sign_on(&parties, a, &session).await;
    assert!(a.session(&again.token).await.unwrap().is_some());
}
