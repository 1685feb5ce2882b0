//! Logout through three layers, and where the browser goes afterwards.

use crate::logout::{answered, finished};
use crate::upstream::{sign_in_upstream, through_upstream};
use crate::*;
use federate::hub::{LogoutOptions, LogoutPhase, ReturnToList};
use federate::logout::{LogoutPolicy, Outcome, UpstreamPolicy};
use federate::types::StatusCode;
use federate::{Denial, FederateError, Outgoing};
use federate_testkit::parties::ThreeLayers;

fn layers(upstream: UpstreamPolicy) -> ThreeLayers {
    let mut layers = ThreeLayers::new(federate::crypto::aws_lc_provider());
    let policy = LogoutPolicy {
        upstream,
        ..LogoutPolicy::default()
    };
    layers.parties.hub = layers.parties.hub.with_logout_policy(policy);
    layers
}

/// The hub asks the identity provider upstream, which ends its session and answers.
async fn ask_upstream(layers: &ThreeLayers, handle: &Token) {
    let hub = &layers.parties.hub;
    let request = hub.next_logout(handle).await.unwrap().unwrap();
    let above = &layers.upstream;
    let asked = above
        .receive_logout(Incoming::Redirect(&query(&request)))
        .await;
    let answer = above.finish_logout(&asked.unwrap()).await.unwrap().unwrap();
    let back = hub
        .receive_upstream_logout(Incoming::Redirect(&query(&answer)))
        .await;
    assert_eq!(back.unwrap().expose(), handle.expose());
}

#[tokio::test]
async fn a_logout_at_the_hub_can_end_the_session_upstream() {
    let layers = layers(UpstreamPolicy::Always);
    let above = sign_in_upstream(&layers).await;
    let hub = &layers.parties.hub;
    let session = through_upstream(&layers, None, &above)
        .await
        .signed_in
        .token;
    let handle = hub.log_out(&session).await.unwrap();
    assert!(layers.upstream.session(&above).await.unwrap().is_some());
    ask_upstream(&layers, &handle).await;
    assert!(layers.upstream.session(&above).await.unwrap().is_none());
    let page = hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    assert_eq!(page.upstreams[0].outcome, Outcome::Confirmed);
}

#[tokio::test]
async fn federated_asks_upstream_whatever_the_policy_is() {
    let layers = layers(UpstreamPolicy::Never);
    let hub = &layers.parties.hub;
    for federated in [false, true] {
        let above = sign_in_upstream(&layers).await;
        let session = through_upstream(&layers, None, &above)
            .await
            .signed_in
            .token;
        let options = LogoutOptions {
            federated,
            ..LogoutOptions::default()
        };
        let handle = hub.log_out_with(&session, &options).await.unwrap();
        if federated {
            ask_upstream(&layers, &handle).await;
        }
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(
            page.phase,
            LogoutPhase::Done { complete: true },
            "{federated}"
        );
        let alive = layers.upstream.session(&above).await.unwrap().is_some();
        assert_eq!(alive, !federated);
    }
}

#[tokio::test]
async fn the_person_chooses_whether_the_session_upstream_ends() {
    let layers = layers(UpstreamPolicy::Ask);
    let hub = &layers.parties.hub;
    for end in [true, false] {
        let above = sign_in_upstream(&layers).await;
        let session = through_upstream(&layers, None, &above)
            .await
            .signed_in
            .token;
        let handle = hub.log_out(&session).await.unwrap();
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Choosing);
        hub.choose_upstream(&handle, end).await.unwrap();
        if end {
            ask_upstream(&layers, &handle).await;
        }
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Done { complete: true });
        let alive = layers.upstream.session(&above).await.unwrap().is_some();
        assert_eq!(alive, !end);
    }
}

#[tokio::test]
async fn a_logout_upstream_ends_the_hub_and_every_application() {
    let layers = layers(UpstreamPolicy::Always);
    let hub = &layers.parties.hub;
    let above = sign_in_upstream(&layers).await;
    let session = through_upstream(&layers, None, &above)
        .await
        .signed_in
        .token;
    let [a, _] = &layers.parties.applications;
    let at_a = sign_on(&layers.parties, a, &session).await;

    let upstream_logout = layers.upstream.log_out(&above).await.unwrap();
    let request = layers.upstream.next_logout(&upstream_logout).await;
    let request = request.unwrap().unwrap();
    let handle = hub
        .receive_upstream_logout(Incoming::Redirect(&query(&request)))
        .await;
    let handle = handle.unwrap();
    assert!(hub.session(&session).await.unwrap().is_none());
    let to_a = hub.next_logout(&handle).await.unwrap().unwrap();
    let from_a = a.receive_logout(Incoming::Redirect(&query(&to_a))).await;
    let from_a = answered(from_a.unwrap());
    hub.receive_logout(Incoming::Redirect(&query(&from_a)))
        .await
        .unwrap();
    assert!(a.session(&at_a.token).await.unwrap().is_none());
    // Upstream asked: it is answered, and not asked.
    let page = hub.logout_page(&handle).await.unwrap();
    assert!(
        matches!(&page.phase, LogoutPhase::Answering { to } if to == "https://upstream.example")
    );
    let answer = hub.finish_logout(&handle).await.unwrap().unwrap();
    let query = query(&answer);
    layers
        .upstream
        .receive_logout(Incoming::Redirect(&query))
        .await
        .unwrap();
    let page = layers.upstream.logout_page(&upstream_logout).await.unwrap();
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    // The same request again.
    let again = hub
        .receive_upstream_logout(Incoming::Redirect(&crate::query(&request)))
        .await;
    assert!(matches!(
        again,
        Err(FederateError::Denied(Denial::Replayed))
    ));
}

#[tokio::test]
async fn a_login_that_comes_after_its_logout_upstream_opens_nothing() {
    let layers = layers(UpstreamPolicy::Never);
    let above = sign_in_upstream(&layers).await;
    let hub = &layers.parties.hub;
    // The hub is a participant, and another login of the same session is on its way.
    through_upstream(&layers, None, &above).await;
    let (late, browser) = crate::upstream::received(&layers, None, &above).await;
    let upstream_logout = layers.upstream.log_out(&above).await.unwrap();
    let request = layers.upstream.next_logout(&upstream_logout).await;
    let query = query(&request.unwrap().unwrap());
    hub.receive_upstream_logout(Incoming::Redirect(&query))
        .await
        .unwrap();
    let error = hub
        .complete_upstream_login(&late, Some(&browser), None)
        .await;
    assert!(matches!(
        error,
        Err(FederateError::Denied(Denial::SessionEnded))
    ));
}

#[tokio::test]
async fn a_login_that_comes_after_its_logout_upstream_replaces_no_session_that_goes_on() {
    let layers = layers(UpstreamPolicy::Never);
    let hub = &layers.parties.hub;
    let goes_on = sign_in_upstream(&layers).await;
    let session = through_upstream(&layers, None, &goes_on).await.signed_in;
    let [a, _] = &layers.parties.applications;
    sign_on(&layers.parties, a, &session.token).await;
    // In the same browser, a login of another session upstream, which is over before it arrives.
    let above = sign_in_upstream(&layers).await;
    let (late, browser) = crate::upstream::received(&layers, None, &above).await;
    let upstream_logout = layers.upstream.log_out(&above).await.unwrap();
    let request = layers.upstream.next_logout(&upstream_logout).await;
    let query = query(&request.unwrap().unwrap());
    let asked = hub.receive_upstream_logout(Incoming::Redirect(&query));
    asked.await.unwrap();
    let previous = Some(&session.token);
    let error = hub
        .complete_upstream_login(&late, Some(&browser), previous)
        .await;
    assert!(matches!(
        error,
        Err(FederateError::Denied(Denial::SessionEnded))
    ));
    let view = hub.session(&session.token).await.unwrap().unwrap();
    assert_eq!(view.participants.len(), 1);
}

#[tokio::test]
async fn the_browser_returns_only_to_where_it_may() {
    let provider = federate::crypto::aws_lc_provider();
    let mut parties = Parties::with_options(
        provider,
        |application| {
            if application.name == "Application A" {
                application.return_to = ReturnToList::new(["https://a.example/bye"]).unwrap();
            }
        },
        |_| {},
    );
    let tenant = ReturnToList::new(["https://*.acme.org/"]).unwrap();
    parties.hub = parties.hub.with_return_to(tenant);
    let hub = &parties.hub;
    let id =
        |name| Some(federate::types::EntityId::new(format!("https://{name}.example")).unwrap());
    for (client, to, allowed) in [
        (None, "https://www.acme.org/?from=hub", true),
        (None, "https://a.example/bye", false),
        (id("a"), "https://a.example/bye?x#y", true),
        (id("a"), "https://www.acme.org/", false),
        (id("b"), "https://a.example/bye", false),
    ] {
        let session = sign_in(&parties).await;
        let options = LogoutOptions {
            return_to: Some(to.to_owned()),
            client,
            federated: false,
        };
        let begun = hub.log_out_with(&session, &options).await;
        let alive = hub.session(&session).await.unwrap().is_some();
        assert_eq!(alive, !allowed, "{to}: what is refused ends nothing");
        let Ok(handle) = begun else {
            assert!(matches!(
                begun,
                Err(FederateError::Denied(Denial::ReturnTo))
            ));
            continue;
        };
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Answering { to: to.to_owned() });
        let outgoing = hub.finish_logout(&handle).await.unwrap();
        assert_eq!(outgoing, Some(Outgoing::Redirect(to.to_owned())));
        assert!(hub.finish_logout(&handle).await.unwrap().is_none());
    }
    let unknown = LogoutOptions {
        return_to: Some("https://a.example/bye".to_owned()),
        client: id("stranger"),
        federated: false,
    };
    let error = hub.return_address(&unknown);
    assert!(matches!(
        error,
        Err(FederateError::Denied(Denial::UnknownPeer))
    ));
}

#[tokio::test]
async fn who_failed_can_be_asked_once_more() {
    let parties = parties();
    let [a, b] = &parties.applications;
    let session = sign_in(&parties).await;
    let at_a = sign_on(&parties, a, &session).await;
    sign_on(&parties, b, &session).await;
    let request = a.start_logout(&at_a.token).await.unwrap().unwrap();
    let hub = &parties.hub;
    let handle = hub
        .receive_logout(Incoming::Redirect(&query(&request)))
        .await
        .unwrap();
    let _ = hub.next_logout(&handle).await.unwrap().unwrap();
    hub.skip_logout(&handle).await.unwrap();
    let to_a = hub.finish_logout(&handle).await.unwrap().unwrap();
    let status = finished(
        a.receive_logout(Incoming::Redirect(&query(&to_a)))
            .await
            .unwrap(),
    );
    assert_eq!(status.subcode, Some(StatusCode::PartialLogout));

    let page = hub.logout_page(&handle).await.unwrap();
    let peer = &page.applications[0];
    assert!(peer.retriable);
    hub.retry_logout(&handle, peer.entity_id.clone())
        .await
        .unwrap();
    let to_b = hub.next_logout(&handle).await.unwrap().unwrap();
    let from_b = answered(
        b.receive_logout(Incoming::Redirect(&query(&to_b)))
            .await
            .unwrap(),
    );
    hub.receive_logout(Incoming::Redirect(&query(&from_b)))
        .await
        .unwrap();
    let page = hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.applications[0].outcome, Outcome::Confirmed);
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    assert!(
        hub.finish_logout(&handle).await.unwrap().is_none(),
        "answered once"
    );
}
