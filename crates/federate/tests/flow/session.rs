//! How long sessions last, for whom they count, and what may be asked about them.

use crate::*;
use chrono::TimeDelta;
use federate::hub::SsoStatus;
use federate::saml::SamlError;
use federate::session::{LifetimePolicy, TenantId};
use federate::types::StatusCode;
use federate::{Denial, FederateError, Hub, IdentityProvider};
use federate_testkit::parties::{HUB_SLO, HUB_SSO, party};
use std::sync::Arc;

/// Parties of which the first application's pages may ask.
fn with_origins() -> Parties {
    let provider = federate::crypto::aws_lc_provider();
    let options = |application: &mut federate::Application| {
        let name = application.name.trim_start_matches("Application ");
        application.web_origins = vec![format!("https://{}.example", name.to_lowercase())];
    };
    Parties::with_options(provider, options, |_| {})
}

async fn status(parties: &Parties, origin: &str, session: Option<&Token>) -> Option<SsoStatus> {
    parties.hub.sso_status(origin, session).await.unwrap()
}

#[tokio::test]
async fn any_application_of_the_account_keeps_the_session_alive() {
    let parties = parties();
    let [a, b] = &parties.applications;
    let session = sign_in(&parties).await;
    sign_on(&parties, a, &session).await;
    parties.clock.advance(TimeDelta::days(2));
    sign_on(&parties, b, &session).await;
    parties.clock.advance(TimeDelta::days(2));
    sign_on(&parties, b, &session).await;
    // Four days in; three without activity end it.
    parties
        .clock
        .advance(TimeDelta::days(3) - TimeDelta::milliseconds(1));
    assert!(parties.hub.session(&session).await.unwrap().is_some());
    parties.clock.advance(TimeDelta::milliseconds(1));
    assert!(parties.hub.session(&session).await.unwrap().is_none());
}

#[tokio::test]
async fn asking_for_the_status_is_no_activity() {
    let parties = with_origins();
    let session = sign_in(&parties).await;
    for _ in 0..72 {
        let asked = status(&parties, "https://a.example", Some(&session)).await;
        assert!(asked.unwrap().sso);
        parties.clock.advance(TimeDelta::hours(1));
    }
    let asked = status(&parties, "https://a.example", Some(&session)).await;
    assert_eq!(asked, Some(SsoStatus::default()));
}

#[tokio::test]
async fn a_page_learns_of_its_own_applications_alone() {
    let parties = with_origins();
    let [a, b] = &parties.applications;
    assert_eq!(
        status(&parties, "https://a.example", None).await,
        Some(SsoStatus::default())
    );
    let session = sign_in(&parties).await;
    sign_on(&parties, a, &session).await;
    sign_on(&parties, b, &session).await;
    for name in ["a", "b"] {
        let origin = format!("https://{name}.example");
        let asked = status(&parties, &origin, Some(&session)).await.unwrap();
        let clients: Vec<_> = asked.session_clients.iter().map(|id| id.as_str()).collect();
        assert_eq!(clients, [origin.as_str()]);
        assert_eq!(asked.last_used_connection.unwrap().strategy, "database");
    }
    for other in [
        "https://evil.example",
        "http://a.example",
        "https://a.example:8443",
        "null",
        "",
    ] {
        let asked = status(&parties, other, Some(&session)).await;
        assert_eq!(asked, None, "{other}");
    }
}

/// The same hub for another account, on the same store.
fn another_account(parties: Parties) -> (Hub<MemoryStore>, Hub<MemoryStore>) {
    let provider = federate::crypto::aws_lc_provider();
    let key = provider.keys.generate_rsa(2048).unwrap();
    let same = party(provider, "https://hub.example", &key, &parties.clock);
    let idp = IdentityProvider::new(same, HUB_SSO, HUB_SLO).unwrap();
    let other = Hub::new(idp, &[7; 32], Arc::clone(parties.hub.store())).unwrap();
    let other = other.with_tenant(TenantId::new("other").unwrap());
    (parties.hub, other)
}

#[tokio::test]
async fn a_session_counts_in_its_own_account_alone() {
    let parties = parties();
    let clock = parties.clock.clone();
    let session = sign_in(&parties).await;
    let (hub, other) = another_account(parties);
    assert!(hub.session(&session).await.unwrap().is_some());
    assert!(other.session(&session).await.unwrap().is_none());
    // What happens in the other account is no activity here.
    clock.advance(TimeDelta::days(3) - TimeDelta::hours(1));
    assert!(other.session(&session).await.unwrap().is_none());
    clock.advance(TimeDelta::hours(1));
    assert!(hub.session(&session).await.unwrap().is_none());
}

#[tokio::test]
async fn sessions_that_end_with_the_browser_have_limits_of_their_own() {
    let hours = TimeDelta::hours;
    let mut parties = parties();
    let policy = LifetimePolicy::default()
        .with_ephemeral(hours(10), hours(2))
        .unwrap();
    parties.hub = parties.hub.with_lifetime(policy);
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let (hub, kind) = (&parties.hub, Persistence::Ephemeral);
    let short = hub.sign_in(&user, kind, None).await.unwrap();
    let usual = sign_in(&parties).await;
    let [a, _] = &parties.applications;
    let end = short.session.lifetime.not_on_or_after();
    assert_eq!(end - short.session.lifetime.created, hours(10));
    // Active every hour: it ends after ten all the same, and the usual one goes on.
    for _ in 0..9 {
        parties.clock.advance(hours(1));
        sign_on(&parties, a, &short.token).await;
    }
    parties.clock.advance(hours(1));
    assert!(hub.session(&short.token).await.unwrap().is_none());
    assert!(hub.session(&usual).await.unwrap().is_some());
    let short = hub.sign_in(&user, kind, None).await.unwrap();
    parties.clock.advance(hours(2));
    assert!(hub.session(&short.token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_changed_policy_reaches_old_sessions_only_where_it_is_shorter() {
    let (days, mut parties) = (TimeDelta::days, parties());
    let session = sign_in(&parties).await;
    let longer = LifetimePolicy::new(days(30), days(20)).unwrap();
    parties.hub = parties.hub.with_lifetime(longer);
    parties.clock.advance(days(2));
    sign_on(&parties, &parties.applications[0], &session).await;
    parties.clock.advance(days(3));
    let view = parties.hub.session(&session).await.unwrap();
    assert!(view.is_none(), "idle for three days, as it began");

    let session = sign_in(&parties).await;
    let shorter = LifetimePolicy::new(days(2), days(1)).unwrap();
    parties.hub = parties.hub.with_lifetime(shorter);
    parties.clock.advance(days(1) - TimeDelta::hours(1));
    sign_on(&parties, &parties.applications[0], &session).await;
    let view = parties.hub.session(&session).await.unwrap().unwrap();
    let life = view.record.lifetime;
    assert_eq!(life.not_on_or_after() - life.created, days(2));
    assert_eq!(life.expires() - life.last_activity, days(1));
}

/// What a passive request is answered by.
async fn passive(parties: &Parties, session: Option<&Token>) -> Result<(), Option<StatusCode>> {
    let [a, _] = &parties.applications;
    let options = LoginOptions {
        is_passive: true,
        ..LoginOptions::default()
    };
    let started = a.start_login(options).await.unwrap();
    let query = query(&started.outgoing);
    let handle = parties.hub.receive_sign_on(Incoming::Redirect(&query));
    let handle = handle.await.unwrap();
    let step = parties
        .hub
        .continue_sign_on(&handle, session)
        .await
        .unwrap();
    let SignOn::Respond(form) = step else {
        panic!("nothing may be shown")
    };
    match a.receive_login(&form_body(&form)).await {
        Ok(_) => Ok(()),
        Err(FederateError::Saml(SamlError::Status(status))) => Err(status.subcode),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_silent_check_of_any_application_shows_nothing() {
    let parties = parties();
    assert_eq!(
        passive(&parties, None).await,
        Err(Some(StatusCode::NoPassive))
    );
    let session = sign_in(&parties).await;
    assert_eq!(passive(&parties, Some(&session)).await, Ok(()));
    parties.clock.advance(TimeDelta::days(3));
    let after = passive(&parties, Some(&session)).await;
    assert_eq!(after, Err(Some(StatusCode::NoPassive)));
}

#[tokio::test]
async fn a_clock_that_goes_back_extends_nothing() {
    let parties = parties();
    let session = sign_in(&parties).await;
    parties.clock.advance(TimeDelta::days(2));
    sign_on(&parties, &parties.applications[0], &session).await;
    let before = parties.hub.session(&session).await.unwrap().unwrap();
    parties.clock.advance(TimeDelta::minutes(-10));
    sign_on(&parties, &parties.applications[0], &session).await;
    let after = parties.hub.session(&session).await.unwrap().unwrap();
    assert_eq!(after.record.lifetime, before.record.lifetime);
}

#[tokio::test]
async fn handles_of_one_account_mean_nothing_in_another() {
    let parties = parties();
    let session = sign_in(&parties).await;
    let query = query(&start(&parties.applications[0]).await.outgoing);
    let handle = parties
        .hub
        .receive_sign_on(Incoming::Redirect(&query))
        .await;
    let (_, other) = another_account(parties);
    let error = other
        .continue_sign_on(&handle.unwrap(), Some(&session))
        .await;
    assert!(matches!(
        error,
        Err(FederateError::Denied(Denial::UnknownHandle))
    ));
}
