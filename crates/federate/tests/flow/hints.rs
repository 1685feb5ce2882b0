//! What a message tells before anybody has verified it.

use crate::bindings::{brought, enhanced_client, wire};
use crate::federation::{A, HUB, asked, id};
use crate::*;
use federate::types::Binding;
use federate::xml::Limits;

#[tokio::test]
async fn messages_tell_who_claims_to_have_sent_them() {
    let parties = parties();
    let limits = Limits::default();
    let hint = |incoming: Incoming<'_>| incoming.issuer_hint(&limits);
    let session = sign_in(&parties).await;
    let a = &parties.applications[0];
    let started = start(a).await;
    let request = query(&started.outgoing);
    assert_eq!(hint(Incoming::Redirect(&request)), Some(id(A)));
    let body = answer(&parties, &started, &session).await;
    assert_eq!(hint(Incoming::Post(&body)), Some(id(HUB)));
    for binding in [Binding::HttpPostSimpleSign, Binding::HttpArtifact] {
        let by = LoginOptions {
            response_binding: Some(binding),
            ..LoginOptions::default()
        };
        let started = a.start_login(by).await.unwrap();
        let handle = asked(&parties, &started).await.unwrap();
        let step = parties.hub.continue_sign_on(&handle, Some(&session)).await;
        let SignOn::Respond(outgoing) = step.unwrap() else {
            panic!("signed in")
        };
        if binding == Binding::HttpPostSimpleSign {
            assert_eq!(hint(Incoming::Post(&form_body(&outgoing))), Some(id(HUB)));
            continue;
        }
        let artifact = query(&outgoing);
        assert_eq!(hint(Incoming::Redirect(&artifact)), None);
        let channel = wire(&parties.hub);
        let handle = a.receive_artifact(Incoming::Redirect(&artifact), &channel);
        handle.await.unwrap();
        let resolve = channel.sent.into_inner().unwrap().remove(0);
        assert_eq!(hint(Incoming::Soap(&resolve)), Some(id(A)));
    }
    let user = parties.directory.authenticate(USER, PASSWORD).unwrap();
    let envelope = a.start_ecp_login(LoginOptions::default()).await.unwrap();
    let (answer, state) = enhanced_client(&parties, &envelope, &user).await.unwrap();
    let answer = brought(&answer, state.as_ref());
    assert_eq!(hint(Incoming::Soap(&answer)), Some(id(HUB)));

    let done = sign_on(&parties, a, &session).await;
    let request = query(&a.start_logout(&done.token).await.unwrap().unwrap());
    assert_eq!(hint(Incoming::Redirect(&request)), Some(id(A)));
    let handle = parties
        .hub
        .receive_logout(Incoming::Redirect(&request))
        .await;
    let response = parties.hub.finish_logout(&handle.unwrap()).await.unwrap();
    let response = query(&response.unwrap());
    assert_eq!(hint(Incoming::Redirect(&response)), Some(id(HUB)));

    for nothing in ["", "SAMLResponse=AAAA", "SAMLRequest=%", "a=b"] {
        assert_eq!(hint(Incoming::Redirect(nothing)), None);
        assert_eq!(hint(Incoming::Post(nothing)), None);
        assert_eq!(hint(Incoming::Soap(nothing.as_bytes())), None);
    }
}
