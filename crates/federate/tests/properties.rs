//! Properties of whole conversations: whatever the identity provider can say to a service
//! provider that it knows by metadata, that one reads as it was said; and what was changed on
//! the way is refused, or says the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "properties/arbitrary.rs"]
mod arbitrary;
#[path = "properties/expected.rs"]
mod expected;
#[path = "properties/world.rs"]
mod world;

use arbitrary::{Case, Change, case, change, session};
use expected::Expected;
use federate::hub::LogoutPhase;
use federate::saml::SamlError;
use federate::{CompletedLogin, Denial, FederateError, LogoutReceived, Outgoing, Token};
use proptest::prelude::*;
use world::{World, incoming};

/// A response on its way, as the body that the browser posts, and the browser's cookie.
struct OnItsWay {
    response: Outgoing,
    browser: Token,
    session: Option<Token>,
}

/// The hub takes a request; where it insists on signatures, none that was changed on the way,
/// unless it says the same.
async fn received(world: &World, request: &Outgoing, change: &Change) -> Token {
    let changed = incoming(&change.made(request));
    if world.insists()
        && let Ok(handle) = world.hub.receive_sign_on(changed.get()).await
    {
        return handle;
    }
    let proper = incoming(request);
    world.hub.receive_sign_on(proper.get()).await.unwrap()
}

/// The conversation up to the response.
async fn answered(world: &World, change: &Change) -> OnItsWay {
    let case = &world.case;
    let mut session = None;
    if case.signed_in {
        session = Some(world.sign_in().await);
        world.pass(case.before);
    }
    let started = world.sp.start_login(world.login_options()).await.unwrap();
    let request = world.worded(&started.outgoing);
    let handle = received(world, &request, change).await;
    if let Some(application) = world.wants_sign_in(&handle, session.as_ref()).await {
        assert_eq!(application, "The Application");
        world.pass(case.signing_in);
        session = Some(world.sign_in().await);
    }
    let response = world.respond(&handle, session.as_ref()).await;
    OnItsWay {
        response,
        browser: started.browser,
        session,
    }
}

/// Receives a response and opens a session for it.
async fn complete(
    world: &World,
    body: &str,
    browser: &Token,
) -> Result<CompletedLogin, FederateError> {
    let handle = world.sp.receive_login(body).await?;
    world.sp.complete_login(&handle, Some(browser), None).await
}

async fn signs_on(case: Case, change: Change) {
    let world = World::of(case);
    let way = answered(&world, &change).await;
    let (action, fields) = way.response.form().unwrap();
    assert_eq!(action, world::ACS);
    let state = fields.iter().find(|(name, _)| *name == "RelayState");
    let sent = world.case.relay_state.as_ref().map(|state| state.as_str());
    assert_eq!(state.map(|(_, value)| *value), sent);
    world.pass(world.case.on_its_way);

    let expected = Expected::of(&world, way.session.as_ref()).await;
    let changed = complete(&world, &change.applied(&way.response), &way.browser).await;
    let proper = incoming(&way.response);
    let done = match changed {
        Ok(done) => {
            let again = complete(&world, proper.body(), &way.browser).await;
            let code = again.unwrap_err().code();
            assert!(
                [Denial::UnknownRequest, Denial::Replayed]
                    .map(Denial::code)
                    .contains(&code),
                "{code}"
            );
            Ok(done)
        }
        // Nothing has happened then.
        Err(_) => complete(&world, proper.body(), &way.browser).await,
    };
    match (expected, done) {
        (Expected::Login(expected), Ok(done)) => {
            let (login, session) = (&done.login, &done.session);
            assert_eq!(login.identity_provider.as_str(), world::HUB);
            expected.name.is_that_of(&login.name_id);
            assert_eq!(login.attributes.attributes, expected.attributes);
            assert_eq!(login.authn_instant, expected.authn_instant);
            assert_eq!(login.authn_context, Some(expected.authn_context));
            assert!(login.session_index.is_some());
            assert_eq!(login.session_not_on_or_after, Some(expected.session_end));
            assert_eq!(session.lifetime.upstream_cap, Some(expected.session_end));
            assert_eq!(done.return_to, world.case.return_to);
            assert_eq!(done.user.profile.attributes, expected.attributes);
        }
        (Expected::Status(code), Err(FederateError::Saml(SamlError::Status(status)))) => {
            assert_eq!(status.subcode, Some(code));
        }
        (Expected::Refused(code), Err(error)) => assert_eq!(error.code(), code),
        (expected, Ok(done)) => panic!("not {expected:?}: {:?}", done.login),
        (expected, Err(error)) => panic!("not {expected:?}: {error}"),
    }
}

/// A person is signed in at both ends; none when the case does not come to that.
async fn signed_on(case: Case, change: &Change) -> Option<(World, Token, Token)> {
    let world = World::of(case);
    let way = answered(&world, change).await;
    let done = complete(&world, incoming(&way.response).body(), &way.browser).await;
    done.ok()
        .map(|done| (world, way.session.unwrap(), done.token))
}

/// The application asks the hub to end the session, and so it does, once.
async fn the_application_logs_out(case: Case, change: Change) {
    let Some((world, hub_session, sp_session)) = signed_on(case, &change).await else {
        return;
    };
    let request = world.sp.start_logout(&sp_session).await.unwrap().unwrap();
    assert!(world.sp.session(&sp_session).await.unwrap().is_none());
    let changed = incoming(&change.made(&request));
    let handle = match world.hub.receive_logout(changed.get()).await {
        Ok(handle) => handle,
        Err(_) => {
            assert!(world.hub.session(&hub_session).await.unwrap().is_some());
            let proper = incoming(&request);
            world.hub.receive_logout(proper.get()).await.unwrap()
        }
    };
    assert!(world.hub.session(&hub_session).await.unwrap().is_none());
    let answer = world.hub.finish_logout(&handle).await.unwrap().unwrap();
    let proper = incoming(&answer);
    let finished = match world
        .sp
        .receive_logout(incoming(&change.made(&answer)).get())
        .await
    {
        Ok(finished) => finished,
        Err(_) => world.sp.receive_logout(proper.get()).await.unwrap(),
    };
    let LogoutReceived::Finished { status } = finished else {
        panic!("{finished:?}");
    };
    assert!(status.is_success() && status.subcode.is_none());
    let again = world.sp.receive_logout(proper.get()).await.unwrap_err();
    assert_eq!(again.code(), Denial::UnknownRequest.code());
}

/// The hub asks the application to end the session, and so it does, once.
async fn the_hub_logs_out(case: Case, change: Change) {
    let Some((world, hub_session, sp_session)) = signed_on(case, &change).await else {
        return;
    };
    let handle = world.hub.log_out(&hub_session).await.unwrap();
    assert!(world.hub.session(&hub_session).await.unwrap().is_none());
    let request = world.hub.next_logout(&handle).await.unwrap().unwrap();
    let proper = incoming(&request);
    let received = match world
        .sp
        .receive_logout(incoming(&change.made(&request)).get())
        .await
    {
        Ok(received) => received,
        Err(_) => {
            assert!(world.sp.session(&sp_session).await.unwrap().is_some());
            world.sp.receive_logout(proper.get()).await.unwrap()
        }
    };
    let LogoutReceived::Answer(answer) = received else {
        panic!("{received:?}");
    };
    assert!(world.sp.session(&sp_session).await.unwrap().is_none());
    let again = world.sp.receive_logout(proper.get()).await.unwrap_err();
    assert_eq!(again.code(), Denial::Replayed.code());
    if world
        .hub
        .receive_logout(incoming(&change.made(&answer)).get())
        .await
        .is_err()
    {
        let proper = incoming(&answer);
        world.hub.receive_logout(proper.get()).await.unwrap();
    }
    let page = world.hub.logout_page(&handle).await.unwrap();
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
}

fn run(conversation: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(conversation);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Every answer is understood as it was meant, and no other.
    #[test]
    fn what_is_said_is_understood(case in case(), change in change()) {
        run(signs_on(case, change));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_application_ends_the_session_everywhere(case in session(), change in change()) {
        run(the_application_logs_out(case, change));
    }

    #[test]
    fn a_hub_ends_the_session_everywhere(case in session(), change in change()) {
        run(the_hub_logs_out(case, change));
    }
}
