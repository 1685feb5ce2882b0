//! Logout without the browser: applications that take LogoutRequests by SOAP.

use crate::*;
use chrono::TimeDelta;
use federate::hub::{
    Directory, DirectoryUser, LogoutPage, LogoutPhase, PeerFailure, hash_password,
};
use federate::logout::{HubOutcome, LogoutPolicy, Outcome};
use federate::saml::binding::soap;
use federate::saml::{Extensions, LogoutRequest, signed_xml};
use federate::session::{Profile, SessionStore as _, TenantId};
use federate::types::{NameId, StatusCode};
use federate::{Denial, FederateError, Hub, LogoutReceived, Outgoing};
use federate_testkit::parties::{HUB_SOAP_SLO, TestClock};
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

const A: &str = "https://a.example/saml/soap";
const B: &str = "https://b.example/saml/soap";

/// A hub and two applications that can be asked without a browser.
pub(crate) struct World {
    pub(crate) clock: TestClock,
    pub(crate) hub: Hub<MemoryStore>,
    pub(crate) directory: federate::hub::Directory,
    pub(crate) a: Arc<ServiceProvider<MemoryStore>>,
    pub(crate) b: Arc<ServiceProvider<MemoryStore>>,
    pub(crate) wire: Wire,
}

pub(crate) fn world() -> World {
    let parties = Parties::with_soap_logout(federate::crypto::aws_lc_provider());
    let [a, b] = parties.applications.map(Arc::new);
    let wire = Wire::default();
    for (location, sp) in [(A, &a), (B, &b)] {
        let sp = Arc::clone(sp);
        wire.connect(location, move |envelope| {
            let sp = Arc::clone(&sp);
            async move {
                let received = sp.receive_logout(Incoming::Soap(&envelope)).await;
                match received.map_err(|e| BackChannelError::NoEnvelope(e.to_string()))? {
                    LogoutReceived::Answer(Outgoing::Soap(answer)) => Ok(answer),
                    other => panic!("{other:?}"),
                }
            }
        });
    }
    World {
        clock: parties.clock,
        hub: parties.hub.with_back_channel(wire.clone()),
        directory: parties.directory,
        a,
        b,
        wire,
    }
}

impl World {
    pub(crate) async fn sign_in(&self) -> Token {
        let user = self.directory.authenticate(USER, PASSWORD).unwrap();
        let signed_in = self.hub.sign_in(&user, Persistence::Persistent, None).await;
        signed_in.unwrap().token
    }

    /// Signs on to an application with the hub's session.
    pub(crate) async fn open(
        &self,
        sp: &ServiceProvider<MemoryStore>,
        session: &Token,
    ) -> CompletedLogin {
        let started = start(sp).await;
        let query = query(&started.outgoing);
        let handle = self.hub.receive_sign_on(Incoming::Redirect(&query)).await;
        let step = self
            .hub
            .continue_sign_on(&handle.unwrap(), Some(session))
            .await;
        let SignOn::Respond(form) = step.unwrap() else {
            panic!("signed in")
        };
        let handle = sp.receive_login(&form_body(&form)).await.unwrap();
        let done = sp.complete_login(&handle, Some(&started.browser), None);
        done.await.unwrap()
    }

    /// What a worker of this node does.
    async fn work(&self) -> Vec<PeerFailure> {
        let work = self.hub.next_work().await;
        self.hub.carry_out(work).await.unwrap()
    }

    /// What a worker does with what is due; tells how many applications were asked.
    async fn due(&self) -> usize {
        let before = self.wire.asked();
        assert!(self.hub.carry_out_due(64).await.unwrap().is_empty());
        // An expired session's logout is new work of this node.
        if let Some(work) = self.hub.next_work().now_or_never() {
            assert!(self.hub.carry_out(work).await.unwrap().is_empty());
        }
        self.wire.asked() - before
    }

    async fn page(&self, handle: &Token) -> LogoutPage {
        self.hub.logout_page(handle).await.unwrap()
    }

    pub(crate) async fn is_signed_in(
        &self,
        sp: &ServiceProvider<MemoryStore>,
        login: &CompletedLogin,
    ) -> bool {
        sp.session(&login.token).await.unwrap().is_some()
    }
}

pub(crate) fn outcomes(page: &LogoutPage) -> Vec<&Outcome> {
    page.applications.iter().map(|peer| &peer.outcome).collect()
}

#[tokio::test]
async fn applications_are_signed_out_without_the_browser() {
    let world = world();
    let session = world.sign_in().await;
    let (at_a, at_b) = (
        world.open(&world.a, &session).await,
        world.open(&world.b, &session).await,
    );
    let handle = world.hub.log_out(&session).await.unwrap();
    let page = world.page(&handle).await;
    assert_eq!(
        (page.hub, &page.phase),
        (HubOutcome::Ended, &LogoutPhase::Working)
    );
    world.work().await;
    let page = world.page(&handle).await;
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    assert_eq!(outcomes(&page), [&Outcome::Confirmed, &Outcome::Confirmed]);
    assert!(!world.is_signed_in(&world.a, &at_a).await);
    assert!(!world.is_signed_in(&world.b, &at_b).await);
}

#[tokio::test]
async fn who_does_not_answer_directly_is_asked_by_the_browser() {
    let world = world();
    let session = world.sign_in().await;
    world.open(&world.a, &session).await;
    let at_b = world.open(&world.b, &session).await;
    world.wire.cut(B);
    let handle = world.hub.log_out(&session).await.unwrap();
    // The operator learns who did not answer, and why.
    let failures = world.work().await;
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].peer.as_str(), "https://b.example");
    assert!(failures[0].error.to_string().contains("nobody answers"));
    // Two more attempts, and then the browser.
    for _ in 0..20 {
        world.clock.advance(TimeDelta::seconds(1));
        world.hub.carry_out_due(10).await.unwrap();
    }
    let page = world.page(&handle).await;
    assert!(matches!(page.phase, LogoutPhase::Asking { .. }), "{page:?}");
    let to_b = world.hub.next_logout(&handle).await.unwrap().unwrap();
    let received = world
        .b
        .receive_logout(Incoming::Redirect(&query(&to_b)))
        .await;
    let answer = crate::logout::answered(received.unwrap());
    let back = world
        .hub
        .receive_logout(Incoming::Redirect(&query(&answer)))
        .await;
    assert_eq!(back.unwrap().expose(), handle.expose());
    let page = world.page(&handle).await;
    assert_eq!(page.phase, LogoutPhase::Done { complete: true });
    assert!(!world.is_signed_in(&world.b, &at_b).await);
}

#[tokio::test]
async fn an_administrator_ends_every_session_of_a_person() {
    let world = world();
    let sessions = [world.sign_in().await, world.sign_in().await];
    let mut logins = Vec::new();
    for session in &sessions {
        logins.push(world.open(&world.a, session).await);
    }
    let other = world.open(&world.b, &sessions[1]).await;
    world.wire.cut(B);
    let view = world.hub.session(&sessions[0]).await.unwrap().unwrap();
    let handle = world
        .hub
        .end_sessions_of(&view.user.id)
        .await
        .unwrap()
        .unwrap();
    for session in &sessions {
        assert!(world.hub.session(session).await.unwrap().is_none());
    }
    world.work().await;
    for login in &logins {
        assert!(!world.is_signed_in(&world.a, login).await);
    }
    // B is dead: it is asked again later, and by nobody's browser.
    assert!(world.is_signed_in(&world.b, &other).await);
    world.clock.advance(TimeDelta::minutes(3));
    world.hub.carry_out_due(10).await.unwrap();
    let page = world.page(&handle).await;
    assert!(matches!(page.phase, LogoutPhase::Done { complete: false }));
    assert!(
        matches!(
            outcomes(&page)[..],
            [Outcome::Confirmed, Outcome::Failed(_)]
        ),
        "{page:?}"
    );
    let sp = Arc::clone(&world.b);
    world.wire.connect(B, move |envelope| {
        let sp = Arc::clone(&sp);
        async move {
            match sp.receive_logout(Incoming::Soap(&envelope)).await {
                Ok(LogoutReceived::Answer(Outgoing::Soap(answer))) => Ok(answer),
                other => panic!("{other:?}"),
            }
        }
    });
    for _ in 0..60 {
        world.clock.advance(TimeDelta::minutes(2));
        world.hub.carry_out_due(10).await.unwrap();
    }
    assert!(!world.is_signed_in(&world.b, &other).await);
    let page = world.page(&handle).await;
    assert_eq!(outcomes(&page), [&Outcome::Confirmed, &Outcome::Confirmed]);
    assert!(
        world
            .hub
            .end_sessions_of(&federate::session::UserId::new("nobody").unwrap())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_administrator_ends_one_session() {
    let world = world();
    let (first, second) = (world.sign_in().await, world.sign_in().await);
    let view = world.hub.session(&first).await.unwrap().unwrap();
    assert!(
        world
            .hub
            .end_session(&view.record.id)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        world
            .hub
            .end_session(&view.record.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(world.hub.session(&first).await.unwrap().is_none());
    assert!(world.hub.session(&second).await.unwrap().is_some());
}

#[tokio::test]
async fn hubs_that_share_a_store_go_on_with_their_own_logouts() {
    let world = world();
    let idp = world.hub.identity_provider().clone();
    let other = Hub::new(idp, &[7; 32], Arc::clone(world.hub.store()));
    let other = other.unwrap().with_back_channel(world.wire.clone());
    let other = other.with_tenant(TenantId::new("another").unwrap());
    let session = world.sign_in().await;
    let at_a = world.open(&world.a, &session).await;
    let handle = world.hub.log_out(&session).await.unwrap();
    // The node that has this work dies.
    drop(world.hub.next_work().await);
    world.clock.advance(TimeDelta::seconds(6));
    assert!(other.carry_out_due(64).await.unwrap().is_empty());
    assert!(other.next_work().now_or_never().is_none());
    assert_eq!(world.wire.asked(), 0);
    assert!(world.is_signed_in(&world.a, &at_a).await);
    // The first attempt was given up; the second is due a moment later.
    assert_eq!(world.due().await, 0);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(world.due().await, 1);
    assert!(!world.is_signed_in(&world.a, &at_a).await);
    assert!(world.page(&handle).await.complete);
}

#[tokio::test]
async fn applications_are_told_of_an_expired_session_if_that_is_wanted() {
    let mut world = world();
    world.hub = world.hub.with_expiry_told();
    let session = world.sign_in().await;
    let at_a = world.open(&world.a, &session).await;
    let hour = TimeDelta::hours(1);
    world.clock.advance(TimeDelta::days(3) - hour);
    assert_eq!(world.due().await, 0);
    // An activity puts the idle end off.
    let at_b = world.open(&world.b, &session).await;
    world.clock.advance(hour);
    assert_eq!(world.due().await, 0, "it has been active since");
    world.clock.advance(TimeDelta::days(3) - hour * 2);
    assert_eq!(world.due().await, 0);
    assert!(world.is_signed_in(&world.b, &at_b).await);
    assert!(world.hub.session(&session).await.unwrap().is_some());
    // Nobody comes to see that it ends.
    world.clock.advance(hour);
    assert_eq!(world.due().await, 2);
    assert!(!world.is_signed_in(&world.b, &at_b).await);
    assert!(!world.is_signed_in(&world.a, &at_a).await);
    assert_eq!(world.due().await, 0, "once");
}

#[tokio::test]
async fn applications_are_told_of_the_absolute_end_too_and_of_no_other() {
    let mut world = world();
    world.hub = world.hub.with_expiry_told();
    let session = world.sign_in().await;
    for _ in 0..4 {
        world.open(&world.a, &session).await;
        world.clock.advance(TimeDelta::hours(40));
        assert_eq!(world.due().await, 0);
    }
    let at_a = world.open(&world.a, &session).await;
    // Nobody is there for a while, and somebody sweeps.
    world
        .clock
        .advance(TimeDelta::hours(8) + TimeDelta::minutes(59));
    assert!(!world.hub.sweep().await.unwrap());
    assert_eq!(world.due().await, 1);
    assert!(!world.is_signed_in(&world.a, &at_a).await);
    // Who logs out has told them.
    let session = world.sign_in().await;
    world.open(&world.a, &session).await;
    world.hub.log_out(&session).await.unwrap();
    world.work().await;
    world.clock.advance(TimeDelta::days(8));
    assert_eq!(world.due().await, 0);
}

/// A LogoutRequest of the first application by SOAP.
pub(crate) fn by_soap(world: &World, login: &CompletedLogin, asynchronous: bool) -> Vec<u8> {
    let party = world.a.party();
    let now = federate::Clock::now(&world.clock);
    let mut request = LogoutRequest {
        id: federate::types::MessageId::from_random([9; 20]),
        issue_instant: now,
        destination: Some(HUB_SOAP_SLO.to_owned()),
        not_on_or_after: Some(now + TimeDelta::minutes(5)),
        reason: None,
        issuer: Some(party.entity_id.clone()),
        extensions: Extensions::default(),
        name_id: login.login.name_id.clone(),
        session_indexes: login.login.session_index.clone().into_iter().collect(),
    };
    if asynchronous {
        request.set_asynchronous();
    }
    soap::envelope(&signed_xml(&request, &party.signer).unwrap())
}

/// Which status the answer tells; who reads it verifies it.
pub(crate) fn status(answer: &Option<Outgoing>) -> (bool, bool) {
    let Some(Outgoing::Soap(envelope)) = answer else {
        panic!("what was asked directly is answered directly")
    };
    let text = String::from_utf8(envelope.clone()).unwrap();
    assert!(text.contains("InResponseTo=") && text.contains("SignatureValue"));
    let tells = |code: StatusCode| text.contains(&format!("Value=\"{}\"", code.uri()));
    (tells(StatusCode::Success), tells(StatusCode::PartialLogout))
}

#[tokio::test]
async fn an_application_logs_out_by_soap_and_is_answered_at_once() {
    let world = world();
    let session = world.sign_in().await;
    let (at_a, at_b) = (
        world.open(&world.a, &session).await,
        world.open(&world.b, &session).await,
    );
    let envelope = by_soap(&world, &at_a, false);
    let answer = world.hub.receive_soap_logout(&envelope).await.unwrap();
    assert_eq!(status(&answer), (true, false));
    assert!(world.hub.session(&session).await.unwrap().is_none());
    assert!(!world.is_signed_in(&world.b, &at_b).await);
    let again = world.hub.receive_soap_logout(&envelope).await.unwrap_err();
    assert!(matches!(again, FederateError::Denied(Denial::Replayed)));
}

#[tokio::test]
async fn a_soap_answer_says_who_could_not_be_told() {
    let world = world();
    let session = world.sign_in().await;
    let at_a = world.open(&world.a, &session).await;
    world.open(&world.b, &session).await;
    world.wire.cut(B);
    let answer = world
        .hub
        .receive_soap_logout(&by_soap(&world, &at_a, false))
        .await;
    assert_eq!(
        status(&answer.unwrap()),
        (true, true),
        "the hub's session is over, B's is not"
    );
}

#[tokio::test]
async fn a_request_that_wants_no_answer_gets_none() {
    let world = world();
    let session = world.sign_in().await;
    let (at_a, at_b) = (
        world.open(&world.a, &session).await,
        world.open(&world.b, &session).await,
    );
    let envelope = by_soap(&world, &at_a, true);
    let nothing = world.hub.receive_soap_logout(&envelope).await;
    assert_eq!(nothing.unwrap(), None);
    assert!(world.hub.session(&session).await.unwrap().is_none());
    assert!(!world.is_signed_in(&world.b, &at_b).await);
}

#[tokio::test]
async fn a207_an_unknown_session_is_answered_with_success() {
    let world = world();
    let session = world.sign_in().await;
    let at_a = world.open(&world.a, &session).await;
    world.hub.log_out(&session).await.unwrap();
    let answer = world
        .hub
        .receive_soap_logout(&by_soap(&world, &at_a, false))
        .await;
    assert_eq!(status(&answer.unwrap()), (true, false));
}

#[tokio::test]
async fn what_waited_too_long_for_a_worker_is_not_asked_and_made_anew() {
    let world = world();
    let session = world.sign_in().await;
    let at_b = world.open(&world.b, &session).await;
    let handle = world.hub.log_out(&session).await.unwrap();
    // The request counts as lost before a worker has time for it.
    world.clock.advance(TimeDelta::seconds(6));
    assert!(world.work().await.is_empty());
    assert!(world.is_signed_in(&world.b, &at_b).await, "nobody asked");
    for _ in 0..3 {
        world.hub.carry_out_due(10).await.unwrap();
        world.clock.advance(TimeDelta::seconds(1));
    }
    assert!(!world.is_signed_in(&world.b, &at_b).await);
    assert_eq!(outcomes(&world.page(&handle).await), [&Outcome::Confirmed]);
}

#[tokio::test]
async fn due_work_is_given_out_once() {
    let world = world();
    for _ in 0..3 {
        let session = world.sign_in().await;
        world.open(&world.a, &session).await;
        world.hub.log_out(&session).await.unwrap();
    }
    world.clock.advance(TimeDelta::seconds(6));
    for expected in [2, 1, 0] {
        assert_eq!(world.hub.due_work(2).await.unwrap().len(), expected);
    }
    // What was claimed and not carried out is due again.
    world.clock.advance(TimeDelta::seconds(31));
    assert_eq!(world.hub.due_work(10).await.unwrap().len(), 3);
}

/// What an application's server answers, changed on the way.
async fn lying(
    world: &World,
    change: impl Fn(String) -> String + Send + Sync + Clone + 'static,
) -> LogoutPage {
    let session = world.sign_in().await;
    world.open(&world.b, &session).await;
    let sp = Arc::clone(&world.b);
    world.wire.connect(B, move |envelope| {
        let (sp, change) = (Arc::clone(&sp), change.clone());
        async move {
            match sp.receive_logout(Incoming::Soap(&envelope)).await {
                Ok(LogoutReceived::Answer(Outgoing::Soap(answer))) => {
                    Ok(change(String::from_utf8(answer).unwrap()).into_bytes())
                }
                other => panic!("{other:?}"),
            }
        }
    });
    let handle = world.hub.log_out(&session).await.unwrap();
    world.work().await;
    world.page(&handle).await
}

#[tokio::test]
async fn a206_only_a_signed_answer_of_the_peer_that_was_asked_confirms() {
    let world = world();
    let page = lying(&world, |answer| answer).await;
    assert_eq!(outcomes(&page), [&Outcome::Confirmed]);
    let page = lying(&world, |answer| {
        answer.replace("status:Success", "status:Responder")
    })
    .await;
    assert_ne!(outcomes(&page), [&Outcome::Confirmed]);
    let page = lying(&world, |_| "<html>no such page</html>".to_owned()).await;
    assert_ne!(outcomes(&page), [&Outcome::Confirmed]);
    let without = |answer: String| {
        let (before, rest) = answer.split_once("<ds:Signature").unwrap();
        let (_, after) = rest.split_once("</ds:Signature>").unwrap();
        format!("{before}{after}")
    };
    let page = lying(&world, without).await;
    assert_ne!(outcomes(&page), [&Outcome::Confirmed]);
}

/// Another peer of the session: the second application knows the person by another name, too.
async fn known_twice(world: &World, session: &Token) {
    let view = world.hub.session(session).await.unwrap().unwrap();
    let b = &world.b.party().entity_id;
    let mut told = view.participants.into_iter();
    let mut participant = told.find(|p| p.entity_id == *b).unwrap();
    participant.name_id = NameId::new("another-name", None).unwrap();
    let now = federate::Clock::now(&world.clock);
    let store = world.hub.store();
    let added = store.add_participant(&view.record.key, participant, now);
    assert!(added.await.unwrap().may_issue());
}

#[tokio::test]
async fn who_asked_directly_is_answered_although_another_worker_has_gone_on() {
    let mut world = world();
    world.hub = world.hub.with_logout_policy(LogoutPolicy {
        in_flight: 1,
        ..LogoutPolicy::default()
    });
    let session = world.sign_in().await;
    let at_a = world.open(&world.a, &session).await;
    let at_b = world.open(&world.b, &session).await;
    known_twice(&world, &session).await;
    let speaks = Arc::new(Semaphore::new(0));
    let (sp, when) = (Arc::clone(&world.b), Arc::clone(&speaks));
    world.wire.connect(B, move |envelope| {
        let (sp, when) = (Arc::clone(&sp), Arc::clone(&when));
        async move {
            when.acquire().await.unwrap().forget();
            let received = sp.receive_logout(Incoming::Soap(&envelope)).await;
            match received.map_err(|e| BackChannelError::NoEnvelope(e.to_string()))? {
                LogoutReceived::Answer(Outgoing::Soap(answer)) => Ok(answer),
                other => panic!("{other:?}"),
            }
        }
    });
    let envelope = by_soap(&world, &at_a, false);
    let mut answering = Box::pin(world.hub.receive_soap_logout(&envelope));
    assert!((&mut answering).now_or_never().is_none());
    assert_eq!(world.wire.asked(), 1);
    assert_eq!(world.wire.waited(), Duration::from_secs(5));
    // The first is late, so a worker gives it up and asks the second.
    world.clock.advance(TimeDelta::seconds(5));
    let mut working = Box::pin(world.hub.carry_out_due(64));
    assert!((&mut working).now_or_never().is_none());
    assert_eq!(world.wire.asked(), 2);
    speaks.add_permits(1);
    let answer = answering.await.unwrap();
    assert_eq!(status(&answer), (true, true), "not all have confirmed");
    speaks.add_permits(1);
    assert!(working.await.unwrap().is_empty());
    assert!(!world.is_signed_in(&world.b, &at_b).await);
}

#[tokio::test]
async fn who_signs_in_where_somebody_else_was_signs_them_out_of_their_applications() {
    let world = world();
    let session = world.sign_in().await;
    let at_a = world.open(&world.a, &session).await;
    let provider = federate::crypto::aws_lc_provider();
    let bob = DirectoryUser {
        password_hash: hash_password(&provider, PASSWORD).unwrap(),
        profile: Profile::default(),
    };
    let others = Directory::new(&provider, BTreeMap::from([("bob".to_owned(), bob)]));
    let bob = others.unwrap().authenticate("bob", PASSWORD).unwrap();
    let persistence = Persistence::Persistent;
    let signed_in = world.hub.sign_in(&bob, persistence, Some(&session)).await;
    assert!(world.hub.session(&session).await.unwrap().is_none());
    let theirs = world.hub.session(&signed_in.unwrap().token).await.unwrap();
    assert!(theirs.unwrap().participants.is_empty());
    let work = world.hub.next_work().now_or_never().expect("work");
    assert!(world.hub.carry_out(work).await.unwrap().is_empty());
    assert!(!world.is_signed_in(&world.a, &at_a).await);
}
