//! Logouts while the store fails: each of its calls in turn, once.

use crate::logout_back_channel::{World, by_soap, outcomes, status, world};
use crate::*;
use chrono::{DateTime, TimeDelta, Utc};
use federate::Hub;
use federate::hub::LogoutPhase;
use federate::logout::Outcome;
use federate::session::*;
use std::sync::atomic::AtomicI64;

/// A store of which one call fails, before it has done anything.
#[derive(Clone, Default)]
struct Faulty {
    store: MemoryStore,
    /// How many calls are left until the one that fails.
    left: Arc<AtomicI64>,
    /// A login that comes just before a session is ended, in its place.
    login: Arc<Mutex<Option<SessionRecord>>>,
}

impl Faulty {
    fn call(&self) -> Result<&MemoryStore, StoreError> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(StoreError::Full { what: "disk" }),
            _ => Ok(&self.store),
        }
    }

    /// Lets the call after so many fail.
    fn fail_after(&self, calls: i64) {
        self.left.store(calls, Ordering::SeqCst);
    }

    /// Whether it has failed.
    fn failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

macro_rules! faulty {
    ($($method:ident($($argument:ident: $of:ty),*) -> $to:ty;)*) => {
        $(async fn $method(&self, $($argument: $of),*) -> Result<$to, StoreError> {
            self.call()?.$method($($argument),*).await
        })*
    };
}

type Instant = DateTime<Utc>;

impl SessionStore for Faulty {
    faulty! {
        create(record: SessionRecord, now: Instant) -> ();
        load(key: &SessionKey, now: Instant) -> SessionState;
        snapshot(key: &SessionKey) -> Option<SessionSnapshot>;
        touch_if_alive(key: &SessionKey, policy: &LifetimePolicy, now: Instant) -> SessionState;
        rotate(old: &SessionKey, new: SessionRecord, now: Instant) -> Rotation;
        add_participant(key: &SessionKey, participant: Participant, now: Instant) -> AddParticipant;
        by_id(tenant: &TenantId, id: &SessionId) -> Option<SessionRecord>;
        revoke_subject(subject: &Subject, by: LogoutKey, now: Instant) -> ();
        by_subject(subject: &Subject) -> Vec<SessionRecord>;
        by_participant(query: &ParticipantQuery) -> Vec<SessionRecord>;
        by_upstream(query: &UpstreamQuery) -> Vec<SessionRecord>;
    }

    async fn begin_termination(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: Instant,
    ) -> Result<Termination, StoreError> {
        let login = self.login.lock().unwrap().take();
        if let Some(login) = login {
            let rotation = self.store.rotate(key, login, now).await?;
            assert!(matches!(rotation, Rotation::Rotated { .. }), "{rotation:?}");
        }
        self.call()?.begin_termination(key, by, now).await
    }
}

impl OneTimeStore for Faulty {
    faulty! {
        put_new(entry: OneTimeEntry, now: Instant) -> PutNew;
        peek(namespace: Namespace, key: &OneTimeKey, now: Instant) -> Option<Vec<u8>>;
        take(namespace: Namespace, key: &OneTimeKey, now: Instant) -> Option<Vec<u8>>;
        redeem(request: Option<(Namespace, OneTimeKey)>, replay: OneTimeEntry, now: Instant)
            -> Redemption;
    }
}

impl LogoutStore for Faulty {
    faulty! {
        create_logout(key: &LogoutKey, value: Vec<u8>, expires: Instant, due: Option<Instant>,
            now: Instant) -> u64;
        load_logout(key: &LogoutKey, now: Instant) -> Option<Versioned>;
        compare_and_swap(key: &LogoutKey, version: u64, value: Vec<u8>, due: Option<Instant>,
            now: Instant) -> u64;
        claim_due(scope: LogoutScope, now: Instant, lease: TimeDelta, limit: usize) -> Vec<Claimed>;
    }
}

impl UserStore for Faulty {
    faulty! {
        find_or_create(subject: &Subject, candidate: UserId, profile: Profile, now: Instant)
            -> FoundOrCreated;
        load_user(tenant: &TenantId, id: &UserId) -> Option<User>;
        user_by_subject(subject: &Subject) -> Option<User>;
    }
}

impl Sweep for Faulty {
    faulty! { sweep(now: Instant, limit: usize) -> Swept; }
}

/// The hub of this world on such a store, which has the hub's sessions.
fn on_faulty(world: &World) -> (Hub<Faulty>, Faulty) {
    let store = Faulty {
        store: MemoryStore::clone(world.hub.store()),
        left: Arc::new(AtomicI64::new(i64::MAX)),
        login: Arc::default(),
    };
    let idp = world.hub.identity_provider().clone();
    let hub = Hub::new(idp, &[7; 32], Arc::new(store.clone())).unwrap();
    (hub.with_back_channel(world.wire.clone()), store)
}

/// A world with a person at both applications.
async fn signed_in() -> (World, Token, [CompletedLogin; 2]) {
    let world = world();
    let session = world.sign_in().await;
    let logins = [
        world.open(&world.a, &session).await,
        world.open(&world.b, &session).await,
    ];
    (world, session, logins)
}

/// What workers do for a while; what fails is found again.
async fn work_on(world: &World, hub: &Hub<Faulty>) {
    for _ in 0..120 {
        let _ = hub.carry_out_due(64).await;
        world.clock.advance(TimeDelta::seconds(1));
    }
}

#[tokio::test]
async fn a_logout_whose_session_is_over_has_a_page_whatever_call_fails() {
    for calls in 0.. {
        let (world, session, [_, at_b]) = signed_in().await;
        let (hub, store) = on_faulty(&world);
        store.fail_after(calls);
        let begun = hub.log_out(&session).await;
        if !store.failed() {
            assert!(calls > 5, "{calls}");
            break;
        }
        let alive = world.hub.session(&session).await.unwrap().is_some();
        let handle = match begun {
            Ok(handle) => handle,
            Err(error) => {
                assert!(alive, "call {calls}: nobody can go on with it: {error}");
                continue;
            }
        };
        work_on(&world, &hub).await;
        let page = hub.logout_page(&handle).await.unwrap();
        assert_eq!(page.phase, LogoutPhase::Done { complete: true }, "{calls}");
        assert!(!world.is_signed_in(&world.b, &at_b).await);
    }
}

#[tokio::test]
async fn who_asked_directly_is_answered_or_told_later_whatever_call_fails() {
    for calls in 0.. {
        let (world, session, [at_a, at_b]) = signed_in().await;
        let (hub, store) = on_faulty(&world);
        store.fail_after(calls);
        let answer = hub
            .receive_soap_logout(&by_soap(&world, &at_a, false))
            .await;
        if !store.failed() {
            assert!(calls > 10, "{calls}");
            break;
        }
        if let Ok(answer) = answer {
            let (success, partial) = status(&answer);
            let signed_in = world.is_signed_in(&world.b, &at_b).await;
            assert!(
                !success || partial || !signed_in,
                "{calls}: a false success"
            );
            let alive = world.hub.session(&session).await.unwrap().is_some();
            assert!(!success || !alive, "{calls}: a false success");
        }
        work_on(&world, &hub).await;
        let alive = world.hub.session(&session).await.unwrap().is_some();
        let signed_in = world.is_signed_in(&world.b, &at_b).await;
        assert_eq!(alive, signed_in, "{calls}: half a logout");
    }
}

#[tokio::test]
async fn the_answers_of_others_count_when_one_cannot_be_written() {
    for calls in 0..2 {
        let (world, session, _) = signed_in().await;
        let (hub, store) = on_faulty(&world);
        let handle = hub.log_out(&session).await.unwrap();
        let work = hub.next_work().await;
        store.fail_after(calls);
        assert!(hub.carry_out(work).await.is_err());
        assert_eq!(world.wire.asked(), 2, "both were asked");
        let page = hub.logout_page(&handle).await.unwrap();
        let confirmed = outcomes(&page).into_iter();
        let confirmed = confirmed.filter(|outcome| **outcome == Outcome::Confirmed);
        assert_eq!(confirmed.count(), 1, "{calls}");
    }
}

#[tokio::test]
async fn who_signs_in_anew_while_an_application_logs_out_is_signed_out() {
    let (world, session, [at_a, at_b]) = signed_in().await;
    let (hub, store) = on_faulty(&world);
    let before = world.hub.session(&session).await.unwrap().unwrap().record;
    let anew = SessionRecord {
        key: SessionKey::new([9; 32]),
        id: SessionId::new("anew").unwrap(),
        ..before
    };
    *store.login.lock().unwrap() = Some(anew.clone());
    let request = by_soap(&world, &at_a, false);
    let answer = hub.receive_soap_logout(&request).await.unwrap();
    assert_eq!(status(&answer), (true, false));
    let state = store.load(&anew.key, federate::Clock::now(&world.clock));
    let state = state.await.unwrap();
    assert!(
        matches!(state, SessionState::Ended(EndReason::LoggedOut { .. })),
        "{state:?}"
    );
    assert!(!world.is_signed_in(&world.b, &at_b).await);
}
