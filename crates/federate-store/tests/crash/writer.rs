//! The process that is killed.

use super::now;
use super::sessions::{key, participant, record, subject};
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{
    LifetimePolicy, LogoutKey, LogoutStore as _, Namespace, OneTimeEntry, OneTimeKey,
    OneTimeStore as _, Redemption, SessionState, SessionStore as _, Termination,
};
use federate_store::RedbStore;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const TASKS: u32 = 16;

pub(crate) fn logout(n: u32) -> LogoutKey {
    LogoutKey::new(*key(n).as_bytes())
}

pub(crate) fn entry(namespace: Namespace, n: u32) -> OneTimeEntry {
    OneTimeEntry {
        namespace,
        key: OneTimeKey::new(*key(n).as_bytes()),
        value: n.to_be_bytes().to_vec(),
        expires: end(),
    }
}

pub(crate) fn end() -> DateTime<Utc> {
    now() + TimeDelta::days(30)
}

/// One line in one write, so that a kill leaves it whole or away.
fn say(verb: char, n: u32, more: u64) {
    let line = format!("\n#{verb} {n} {more}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Writes from many tasks until it is killed.
pub(crate) async fn run(store: &RedbStore, first: u32) {
    let next = Arc::new(AtomicU32::new(first));
    for _ in 0..TASKS {
        let (store, next) = (store.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                session(&store, n).await;
                one_time(&store, n).await;
                running_logout(&store, n).await;
            }
        });
    }
    std::future::pending::<()>().await;
}

async fn session(store: &RedbStore, n: u32) {
    let (at, policy) = (key(n), LifetimePolicy::default());
    store.create(record(n), now()).await.unwrap();
    say('C', n, 0);
    for app in 0..n % 3 {
        let added = store.add_participant(&at, participant(n, app), now());
        assert!(added.await.unwrap().may_issue());
        say('A', n, app.into());
    }
    for hour in [2, 5] {
        let later = now() + TimeDelta::hours(hour);
        let state = store.touch_if_alive(&at, &policy, later);
        assert!(matches!(state.await.unwrap(), SessionState::Alive(_)));
        say('T', n, hour.unsigned_abs());
    }
    match n % 4 {
        0 => {
            let ended = store.begin_termination(&key(n), logout(n), now()).await;
            assert!(matches!(ended.unwrap(), Termination::Ended(_)));
            say('E', n, 0);
        }
        1 => {
            let revoked = store.revoke_subject(&subject(n), logout(n), now()).await;
            revoked.unwrap();
            say('V', n, 0);
        }
        _ => {}
    }
}

async fn one_time(store: &RedbStore, n: u32) {
    let request = entry(Namespace::REQUEST, n);
    let at = Some((request.namespace, request.key));
    let _inserted = store.put_new(request, now()).await.unwrap();
    say('P', n, 0);
    if !n.is_multiple_of(3) {
        let redeemed = store
            .redeem(at, entry(Namespace::ASSERTION, n), now())
            .await;
        assert!(matches!(redeemed.unwrap(), Redemption::Redeemed { .. }));
        say('R', n, 0);
    }
}

async fn running_logout(store: &RedbStore, n: u32) {
    let value = |version: u64| version.to_be_bytes().to_vec();
    let due = Some(now());
    let mut version = store
        .create_logout(&logout(n), value(1), end(), due, now())
        .await
        .unwrap();
    say('L', n, version);
    for _ in 0..n % 3 {
        let next = value(version + 1);
        version = store
            .compare_and_swap(&logout(n), version, next, due, now())
            .await
            .unwrap();
        say('L', n, version);
    }
}
