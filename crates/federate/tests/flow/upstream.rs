//! Three layers: an identity provider upstream, the hub, and its applications.

use crate::*;
use chrono::TimeDelta;
use federate::hub::{SsoStatus, UpstreamSignedIn};
use federate::session::{EndReason, Limit, SessionState, SessionStore as _};
use federate::{Denial, FederateError};
use federate_testkit::parties::ThreeLayers;

fn layers() -> ThreeLayers {
    ThreeLayers::new(federate::crypto::aws_lc_provider())
}

/// A session at the identity provider upstream.
pub(crate) async fn sign_in_upstream(layers: &ThreeLayers) -> Token {
    let user = layers.parties.directory.authenticate(USER, PASSWORD);
    let persistence = Persistence::Persistent;
    let signed_in = layers
        .upstream
        .sign_in(&user.unwrap(), persistence, None)
        .await;
    signed_in.unwrap().token
}

/// What the hub has received from upstream, and the browser that began it.
pub(crate) async fn received(
    layers: &ThreeLayers,
    demand: Option<&Token>,
    session: &Token,
) -> (Token, Token) {
    let hub = &layers.parties.hub;
    let started = hub.start_upstream_login(None, demand, None).await.unwrap();
    let query = query(&started.outgoing);
    let above = &layers.upstream;
    let handle = above.receive_sign_on(Incoming::Redirect(&query)).await;
    let step = above
        .continue_sign_on(&handle.unwrap(), Some(session))
        .await;
    let SignOn::Respond(form) = step.unwrap() else {
        panic!("signed in upstream")
    };
    let handle = hub.receive_upstream_login(&form_body(&form)).await;
    (handle.unwrap(), started.browser)
}

/// The way of a browser through the identity provider upstream and back to the hub.
pub(crate) async fn through_upstream(
    layers: &ThreeLayers,
    demand: Option<&Token>,
    session: &Token,
) -> UpstreamSignedIn {
    let (handle, browser) = received(layers, demand, session).await;
    let hub = &layers.parties.hub;
    let came = hub.complete_upstream_login(&handle, Some(&browser), None);
    came.await.unwrap()
}

#[tokio::test]
async fn a_sign_in_upstream_is_of_the_browser_that_began_it() {
    let layers = layers();
    let above = sign_in_upstream(&layers).await;
    let (handle, _) = received(&layers, None, &above).await;
    let (_, other) = received(&layers, None, &above).await;
    let hub = &layers.parties.hub;
    let error = hub
        .complete_upstream_login(&handle, Some(&other), None)
        .await
        .unwrap_err();
    assert!(matches!(error, FederateError::Denied(Denial::OtherBrowser)));
}

#[tokio::test]
async fn a_person_of_an_identity_provider_uses_the_applications_of_the_hub() {
    let layers = layers();
    let [a, b] = &layers.parties.applications;
    let hub = &layers.parties.hub;
    let above = sign_in_upstream(&layers).await;

    let started = start(a).await;
    let query = query(&started.outgoing);
    let demand = hub.receive_sign_on(Incoming::Redirect(&query)).await;
    let demand = demand.unwrap();
    let step = hub.continue_sign_on(&demand, None).await.unwrap();
    assert!(matches!(step, SignOn::SignIn { .. }));
    let choices = hub.upstream_choices();
    assert_eq!(choices.len(), 1);
    assert_eq!(choices[0].entity_id.as_str(), "https://upstream.example");

    let came = through_upstream(&layers, Some(&demand), &above).await;
    let demand = came.demand.expect("the demand is remembered");
    let session = came.signed_in.token;
    let step = hub.continue_sign_on(&demand, Some(&session)).await.unwrap();
    let SignOn::Respond(form) = step else {
        panic!("signed in")
    };
    let handle = a.receive_login(&form_body(&form)).await.unwrap();
    let done = a
        .complete_login(&handle, Some(&started.browser), None)
        .await
        .unwrap();
    assert_eq!(done.login.name_id.value(), "alice@example.com");

    // The second application opens without a prompt, and the person is one user.
    sign_on(&layers.parties, b, &session).await;
    let again = through_upstream(&layers, None, &above).await;
    assert_eq!(again.signed_in.session.user, came.signed_in.session.user);
    assert_ne!(again.signed_in.session.id, came.signed_in.session.id);
}

#[tokio::test]
async fn the_hub_session_ends_when_that_upstream_must() {
    let layers = layers();
    let above = sign_in_upstream(&layers).await;
    // Upstream the person has been signed in for six of seven days.
    for _ in 0..6 {
        layers.parties.clock.advance(TimeDelta::days(1));
        layers.upstream.session(&above).await.unwrap().unwrap();
        through_upstream(&layers, None, &above).await;
    }
    let came = through_upstream(&layers, None, &above).await;
    let session = came.signed_in.session;
    let end = session.lifetime.not_on_or_after();
    let day = TimeDelta::days(1);
    assert_eq!(end - session.lifetime.created, day, "not seven days");
    layers
        .parties
        .clock
        .advance(day - TimeDelta::milliseconds(1));
    let (hub, token) = (&layers.parties.hub, &came.signed_in.token);
    assert!(hub.session(token).await.unwrap().is_some());
    layers.parties.clock.advance(TimeDelta::milliseconds(1));
    assert!(hub.session(token).await.unwrap().is_none());
    let state = hub.store().load(&session.key, end).await.unwrap();
    let reason = EndReason::Expired(Limit::Upstream);
    assert_eq!(state, SessionState::Ended(reason));
}

#[tokio::test]
async fn an_application_can_have_the_identity_provider_asked_each_time() {
    let provider = federate::crypto::aws_lc_provider();
    let layers = ThreeLayers::with_options(provider, |application| {
        application.use_hub_session = application.name != "Application A";
    });
    let [a, b] = &layers.parties.applications;
    let hub = &layers.parties.hub;
    let above = sign_in_upstream(&layers).await;
    let session = through_upstream(&layers, None, &above)
        .await
        .signed_in
        .token;
    // B takes the session of the hub, A does not.
    sign_on(&layers.parties, b, &session).await;
    for _ in 0..2 {
        layers.parties.clock.advance(TimeDelta::minutes(1));
        let query = query(&start(a).await.outgoing);
        let demand = hub.receive_sign_on(Incoming::Redirect(&query)).await;
        let demand = demand.unwrap();
        let step = hub.continue_sign_on(&demand, Some(&session)).await.unwrap();
        assert!(matches!(step, SignOn::SignIn { .. }));
        // The identity provider is asked, and need not show anything.
        let came = through_upstream(&layers, Some(&demand), &above).await;
        let session = came.signed_in.token;
        let step = hub.continue_sign_on(&demand, Some(&session)).await.unwrap();
        assert!(matches!(step, SignOn::Respond(_)));
    }
}

#[tokio::test]
async fn the_status_says_where_the_person_signed_in() {
    let layers = ThreeLayers::with_options(federate::crypto::aws_lc_provider(), |application| {
        application.web_origins = vec!["https://a.example".to_owned()];
    });
    let hub = &layers.parties.hub;
    let above = sign_in_upstream(&layers).await;
    let session = through_upstream(&layers, None, &above)
        .await
        .signed_in
        .token;
    let status = hub.sso_status("https://a.example", Some(&session)).await;
    let SsoStatus {
        sso,
        last_used_connection: Some(last),
        ..
    } = status.unwrap().unwrap()
    else {
        panic!("signed in")
    };
    assert!(sso);
    assert_eq!(
        (last.name.as_str(), last.strategy),
        ("https://upstream.example", "samlp")
    );
}

#[tokio::test]
async fn a_service_provider_of_another_store_is_no_part_of_the_hub() {
    let layers = layers();
    let other = layers.parties.applications.into_iter().next().unwrap();
    let error = layers.parties.hub.with_upstream(other).err().unwrap();
    assert!(matches!(error, FederateError::Configuration(_)));
}
