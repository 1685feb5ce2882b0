//! The hub between applications and an identity provider upstream: what may be passed on.

use crate::upstream::{sign_in_upstream, through_upstream};
use crate::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use federate::hub::UpstreamSignedIn;
use federate::idp::{Assurance, SignOnDemand};
use federate::saml::{Response, Rule, SamlError, Scoping};
use federate::types::{
    EntityId, NameId, NameIdFormat, Provenance, ProxyRestriction, SessionIndex, StatusCode,
};
use federate::xml::{Limits, Unverified};
use federate::{Clock as _, Connection, Denial, FederateError};
use federate_testkit::parties::{ThreeLayers, party, post_form};

const HUB: &str = "https://hub.example";
const HUB_UPSTREAM: &str = "https://hub.example/upstream";
const ABOVE: &str = "https://upstream.example";
const FIRST: &str = "https://first.example";
const A: &str = "https://a.example";
const B: &str = "https://b.example";

type App = ServiceProvider<MemoryStore>;

fn layers() -> ThreeLayers {
    ThreeLayers::new(federate::crypto::aws_lc_provider())
}

fn ids(names: &[&str]) -> Vec<EntityId> {
    names.iter().map(|id| EntityId::new(*id).unwrap()).collect()
}

/// A request of an application, with the handle of its demand.
async fn asked(layers: &ThreeLayers, app: &App, scoping: Scoping) -> (StartedLogin, Token) {
    let options = LoginOptions {
        scoping: Some(scoping),
        ..LoginOptions::default()
    };
    let started = app.start_login(options).await.unwrap();
    let query = query(&started.outgoing);
    let handle = layers
        .parties
        .hub
        .receive_sign_on(Incoming::Redirect(&query));
    let handle = handle.await.unwrap();
    (started, handle)
}

fn count(proxy_count: u32) -> Scoping {
    Scoping {
        proxy_count: Some(proxy_count),
        ..Scoping::default()
    }
}

/// What the browser can do about a demand: at the hub itself, and at how many others.
async fn ways(layers: &ThreeLayers, demand: &Token, session: Option<&Token>) -> (bool, usize) {
    let step = layers.parties.hub.continue_sign_on(demand, session).await;
    match step.unwrap() {
        SignOn::SignIn { ways, .. } => (ways.here, ways.upstream.len()),
        SignOn::Respond(_) => panic!("answered"),
    }
}

/// The answer to a demand.
async fn answered(layers: &ThreeLayers, demand: &Token, session: Option<&Token>) -> String {
    let step = layers.parties.hub.continue_sign_on(demand, session).await;
    match step.unwrap() {
        SignOn::Respond(form) => form_body(&form),
        SignOn::SignIn { application, .. } => panic!("{application} wants a sign-in"),
    }
}

/// The status of the answer to a demand.
async fn refused(layers: &ThreeLayers, demand: &Token, session: Option<&Token>) -> StatusCode {
    let step = layers.parties.hub.continue_sign_on(demand, session).await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("wants a sign-in")
    };
    let xml = STANDARD.decode(&post_form(&form).value).unwrap();
    let response = Unverified::<Response>::parse(&xml, &Limits::default()).unwrap();
    let status = response.read_unsigned().unwrap().status;
    assert_eq!(status.code, StatusCode::Responder);
    status.subcode.expect("a failure")
}

/// The request that goes upstream for a demand.
async fn passed_on(layers: &ThreeLayers, demand: &Token) -> Result<Scoping, FederateError> {
    let hub = &layers.parties.hub;
    let started = hub.start_upstream_login(None, Some(demand), None).await?;
    let query = query(&started.outgoing);
    let received = layers
        .upstream
        .identity_provider()
        .receive_sign_on(Incoming::Redirect(&query));
    let SignOnDemand {
        proxy_count,
        identity_providers,
        requesters,
        ..
    } = received.unwrap();
    Ok(Scoping {
        proxy_count,
        identity_providers,
        requesters,
    })
}

/// A login at the hub in which the identity provider says where its word comes from.
async fn vouched(
    layers: &ThreeLayers,
    provenance: Provenance,
) -> Result<UpstreamSignedIn, FederateError> {
    let hub = &layers.parties.hub;
    let started = hub.start_upstream_login(None, None, None).await.unwrap();
    let query = query(&started.outgoing);
    let above = layers.upstream.identity_provider();
    let demand = above.receive_sign_on(Incoming::Redirect(&query)).unwrap();
    let now = layers.parties.clock.now();
    let assurance = Assurance {
        name_id: NameId::new("alice@example.com", Some(NameIdFormat::EmailAddress)).unwrap(),
        attributes: Vec::new(),
        authn_instant: now,
        authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password".to_owned(),
        session_index: SessionIndex::new("s").unwrap(),
        session_not_on_or_after: now + chrono::TimeDelta::days(1),
        provenance,
    };
    let answer = above.answer_sign_on(&demand, assurance).unwrap();
    let body = form_body(&answer.ready().unwrap());
    let handle = hub.receive_upstream_login(&body).await.unwrap();
    hub.complete_upstream_login(&handle, Some(&started.browser), None)
        .await
}

fn through(authorities: &[&str]) -> Provenance {
    Provenance {
        authorities: authorities.iter().map(|id| (*id).to_owned()).collect(),
        restriction: None,
    }
}

fn restricted(count: Option<u32>, audiences: &[&str]) -> Provenance {
    Provenance {
        authorities: Vec::new(),
        restriction: Some(ProxyRestriction {
            count,
            audiences: audiences.iter().map(|id| (*id).to_owned()).collect(),
        }),
    }
}

/// A session at the hub that rests on this.
async fn session(layers: &ThreeLayers, provenance: Provenance) -> Token {
    vouched(layers, provenance).await.unwrap().signed_in.token
}

#[tokio::test]
async fn a153_a_request_is_passed_on_as_often_as_it_allows() {
    let layers = layers();
    let [a, _] = &layers.parties.applications;
    let unlimited = Scoping::default();
    let (_, demand) = asked(&layers, a, unlimited).await;
    assert_eq!(ways(&layers, &demand, None).await, (true, 1));
    // Some identity providers refuse requests that have any.
    let scoping = passed_on(&layers, &demand).await.unwrap();
    assert_eq!(scoping, Scoping::default());

    let (_, demand) = asked(&layers, a, count(2)).await;
    let scoping = passed_on(&layers, &demand).await.unwrap();
    assert_eq!(scoping.proxy_count, Some(1));
    assert_eq!(scoping.requesters, ids(&[A]));

    let (_, demand) = asked(&layers, a, count(0)).await;
    assert_eq!(ways(&layers, &demand, None).await, (true, 0));
    let error = passed_on(&layers, &demand).await.unwrap_err();
    assert!(matches!(
        error,
        FederateError::Denied(Denial::MayNotBePassedOn)
    ));
    assert_eq!(error.code(), "denied.may_not_be_passed_on");
    // Nor is what was asked upstream before an answer.
    let above = sign_in_upstream(&layers).await;
    let from_above = through_upstream(&layers, None, &above)
        .await
        .signed_in
        .token;
    let once = Some(&from_above);
    assert_eq!(ways(&layers, &demand, once).await, (true, 0));
    let here = sign_in(&layers.parties).await;
    let body = answered(&layers, &demand, Some(&here)).await;
    a.receive_login(&body).await.unwrap();
}

#[tokio::test]
async fn a153_a_session_that_was_asked_for_too_often_is_no_answer() {
    let layers = layers();
    let [a, _] = &layers.parties.applications;
    let session = session(&layers, through(&[FIRST])).await;
    let (_, demand) = asked(&layers, a, count(1)).await;
    assert_eq!(ways(&layers, &demand, Some(&session)).await, (true, 1));
    let (_, demand) = asked(&layers, a, count(2)).await;
    answered(&layers, &demand, Some(&session)).await;
}

#[tokio::test]
async fn a153_where_nobody_has_a_password_a_request_that_stays_is_refused() {
    let mut layers = layers();
    layers.parties.hub = layers.parties.hub.without_passwords();
    let [a, _] = &layers.parties.applications;
    let (_, demand) = asked(&layers, a, Scoping::default()).await;
    assert_eq!(ways(&layers, &demand, None).await, (false, 1));
    let (_, demand) = asked(&layers, a, count(0)).await;
    let status = refused(&layers, &demand, None).await;
    assert_eq!(status, StatusCode::ProxyCountExceeded);
}

#[tokio::test]
async fn a153_a_request_that_came_through_the_hub_is_not_passed_on_again() {
    let layers = layers();
    let [a, _] = &layers.parties.applications;
    for us in [HUB, HUB_UPSTREAM] {
        let requesters = ids(&[FIRST, us]);
        let scoping = Scoping {
            requesters,
            ..Scoping::default()
        };
        let (_, demand) = asked(&layers, a, scoping).await;
        assert_eq!(ways(&layers, &demand, None).await, (true, 0));
        let error = passed_on(&layers, &demand).await.unwrap_err();
        assert_eq!(error.code(), "denied.may_not_be_passed_on");
    }
    // Somebody else's stay who they are, in order.
    let scoping = Scoping {
        requesters: ids(&[FIRST, B]),
        ..Scoping::default()
    };
    let (_, demand) = asked(&layers, a, scoping).await;
    let scoping = passed_on(&layers, &demand).await.unwrap();
    assert_eq!(scoping.requesters, ids(&[FIRST, B, A]));
}

#[tokio::test]
async fn a_request_goes_to_whom_it_names() {
    let layers = layers();
    let [a, _] = &layers.parties.applications;
    let named = |names: &[&str]| Scoping {
        identity_providers: ids(names),
        ..Scoping::default()
    };
    // One upstream: then a password is no answer.
    let (_, demand) = asked(&layers, a, named(&[FIRST, ABOVE])).await;
    let here = sign_in(&layers.parties).await;
    assert_eq!(ways(&layers, &demand, Some(&here)).await, (false, 1));
    let scoping = passed_on(&layers, &demand).await.unwrap();
    assert_eq!(scoping.identity_providers, ids(&[FIRST, ABOVE]));
    let above = session(&layers, Provenance::default()).await;
    answered(&layers, &demand, Some(&above)).await;
    // The hub: then it is the hub's matter whom it asks.
    let (_, demand) = asked(&layers, a, named(&[FIRST, HUB])).await;
    assert_eq!(ways(&layers, &demand, None).await, (true, 1));
    let scoping = passed_on(&layers, &demand).await.unwrap();
    assert_eq!(scoping.identity_providers, []);
    answered(&layers, &demand, Some(&above)).await;
    // Nobody who is known here.
    let (_, demand) = asked(&layers, a, named(&[FIRST])).await;
    let status = refused(&layers, &demand, Some(&above)).await;
    assert_eq!(status, StatusCode::NoSupportedIdp);
}

#[tokio::test]
async fn a153_a_word_that_rests_on_the_hubs_own_opens_no_session() {
    let layers = layers();
    let many: Vec<String> = (0..17).map(|n| format!("https://{n}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for authorities in [&[HUB][..], &[FIRST, HUB_UPSTREAM], &many] {
        let error = vouched(&layers, through(authorities)).await.unwrap_err();
        assert!(matches!(error, FederateError::Denied(Denial::OwnWord)));
        assert_eq!(error.code(), "denied.own_word");
    }
    vouched(&layers, through(&many[1..])).await.unwrap();
}

#[tokio::test]
async fn a153_an_application_is_told_who_took_part() {
    let layers = layers();
    let [a, _] = &layers.parties.applications;
    let mut provenance = through(&[FIRST]);
    provenance.restriction = restricted(Some(2), &[A, B]).restriction;
    let session = session(&layers, provenance).await;
    let told = sign_on(&layers.parties, a, &session).await.login.provenance;
    assert_eq!(told.authorities, [FIRST, ABOVE]);
    assert_eq!(told.restriction, restricted(Some(1), &[A, B]).restriction);
    // Whoever signs in here is the hub's own word.
    let own = sign_in(&layers.parties).await;
    let told = sign_on(&layers.parties, a, &own).await.login.provenance;
    assert_eq!(told, Provenance::default());
}

#[tokio::test]
async fn a153_a_word_that_may_not_be_passed_on_is_kept() {
    let layers = layers();
    let [a, b] = &layers.parties.applications;
    let never = session(&layers, restricted(Some(0), &[])).await;
    let for_b = session(&layers, restricted(None, &[B])).await;
    for session in [&never, &for_b] {
        let (_, demand) = asked(&layers, a, Scoping::default()).await;
        let status = refused(&layers, &demand, Some(session)).await;
        assert_eq!(status, StatusCode::RequestDenied);
        // No logout has to tell it of a session that it never had.
        let view = layers.parties.hub.session(session).await.unwrap();
        assert_eq!(view.unwrap().participants, []);
    }
    sign_on(&layers.parties, b, &for_b).await;
}

#[tokio::test]
async fn a153_nobody_is_told_his_own_word() {
    let layers = layers();
    let [a, b] = &layers.parties.applications;
    let session = session(&layers, through(&[A])).await;
    let (_, demand) = asked(&layers, a, Scoping::default()).await;
    assert_eq!(ways(&layers, &demand, Some(&session)).await, (true, 1));
    sign_on(&layers.parties, b, &session).await;
}

/// An application that trusts the same identity provider is not deceived by what that one said
/// to the hub.
#[tokio::test]
async fn a153_what_is_said_to_the_hub_is_for_the_hub() {
    let layers = layers();
    let clock = &layers.parties.clock;
    let provider = federate::crypto::aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let above = layers.upstream.identity_provider();
    let mut connection = Connection::from_metadata(&above.metadata()).unwrap();
    connection.allow_unsolicited = true;
    let app = ServiceProvider::new(
        party(provider, A, &key, clock),
        "https://a.example/saml/acs",
        std::sync::Arc::new(MemoryStore::default()),
    );
    let app = app.unwrap().with_connection(connection).unwrap();
    let hub = EntityId::new(HUB_UPSTREAM).unwrap();
    let demand = above.unsolicited_sign_on(&hub).unwrap();
    let now = clock.now();
    let assurance = Assurance {
        name_id: NameId::new("alice@example.com", None).unwrap(),
        attributes: Vec::new(),
        authn_instant: now,
        authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:Password".to_owned(),
        session_index: SessionIndex::new("s").unwrap(),
        session_not_on_or_after: now + chrono::TimeDelta::days(1),
        provenance: Provenance::default(),
    };
    let answer = above.answer_sign_on(&demand, assurance).unwrap();
    let body = form_body(&answer.ready().unwrap());
    match app.receive_login(&body).await.unwrap_err() {
        FederateError::Saml(SamlError::Refused(refusal)) => {
            assert_eq!(refusal.rule, Rule::Destination);
        }
        other => panic!("{other}"),
    }
}
