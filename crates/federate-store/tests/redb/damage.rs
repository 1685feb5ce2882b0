//! Files that were changed, cut or forbidden, and clocks that jump.

use super::sessions::{id, key, participant, record, record_at, subject, tenant, with_apps};
use super::{assertion, now};
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{
    LifetimePolicy, LogoutKey, LogoutScope, LogoutStore as _, OneTimeStore as _, PutNew,
    SessionState, SessionStore as _, Sweep as _, UserStore as _,
};
use federate_store::{OpenError, RedbOptions, RedbStore};
use std::path::Path;
use tempfile::TempDir;

const SESSIONS: u32 = 40;

async fn filled(path: &Path) {
    let store = RedbStore::open(path).unwrap();
    for n in 0..SESSIONS {
        with_apps(&store, n, 2).await;
        assert_eq!(
            store.put_new(assertion(n), now()).await.unwrap(),
            PutNew::Inserted
        );
    }
}

fn random(seed: u64) -> impl FnMut() -> usize {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    }
}

/// Everything that was stored is there.
async fn assert_whole(store: &RedbStore, which: &str) {
    for n in 0..SESSIONS {
        let session = store.snapshot(&key(n)).await.unwrap().unwrap();
        assert_eq!(session.record, record(n), "{which}");
        assert_eq!(
            session.participants,
            [0, 1].map(|app| participant(n, app)),
            "{which}"
        );
        let found = store.by_id(&tenant(), &id(n)).await.unwrap();
        assert!(found.is_some(), "{which}");
        let put = store.put_new(assertion(n), now()).await.unwrap();
        assert_eq!(put, PutNew::AlreadyPresent, "{which}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_octets_are_noticed_or_do_not_matter() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    filled(&path).await;
    let whole = std::fs::read(&path).unwrap();
    let damaged = dir.path().join("damaged.redb");
    let mut refused = 0;
    for seed in 0..150 {
        let mut random = random(seed);
        let mut octets = whole.clone();
        for _ in 0..=random() % 4 {
            // Half of them where the file says how it is to be read.
            let end = if seed % 2 == 0 {
                4096.min(octets.len())
            } else {
                octets.len()
            };
            let at = random() % end;
            octets[at] ^= 1 << (random() % 8);
        }
        std::fs::write(&damaged, octets).unwrap();
        match RedbStore::open(&damaged) {
            Ok(store) => assert_whole(&store, &format!("seed {seed}")).await,
            Err(OpenError::Io(error)) => panic!("seed {seed}: {error}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 10, "only {refused} were noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_anywhere_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    filled(&path).await;
    let whole = std::fs::read(&path).unwrap();
    let damaged = dir.path().join("damaged.redb");
    let mut lengths = vec![1, 9, 63, 64, 320, 511, 512, 4095, 4096, 4097, 8192];
    let mut random = random(7);
    lengths.extend((0..30).map(|_| random() % whole.len()));
    lengths.extend([whole.len() - 4096, whole.len() - 1]);
    for length in lengths {
        std::fs::write(&damaged, &whole[..length]).unwrap();
        match RedbStore::open(&damaged) {
            Err(OpenError::Corrupt(_) | OpenError::Foreign) => {}
            Err(other) => panic!("cut at {length}: {other:?}"),
            Ok(store) => assert_whole(&store, &format!("cut at {length}")).await,
        }
    }
}

/// Without the check at the start, damage shows late: as an error, and never as a panic or as
/// a verb that does not end.
#[tokio::test(flavor = "multi_thread")]
async fn damage_that_was_not_looked_for_is_an_error() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    filled(&path).await;
    let whole = std::fs::read(&path).unwrap();
    let damaged = dir.path().join("damaged.redb");
    let options = RedbOptions {
        check_integrity: false,
        cache_bytes: 64 * 1024,
        ..RedbOptions::default()
    };
    let mut noticed = 0;
    for seed in 0..60 {
        let mut random = random(1000 + seed);
        let mut octets = whole.clone();
        for _ in 0..20 {
            let at = random() % octets.len();
            let end = (at + random() % 200).min(octets.len());
            octets[at..end].fill(0x5a);
        }
        std::fs::write(&damaged, octets).unwrap();
        let Ok(store) = RedbStore::open_with(&damaged, options) else {
            noticed += 1;
            continue;
        };
        let mut failed = false;
        for n in 0..SESSIONS {
            failed |= store.snapshot(&key(n)).await.is_err();
            failed |= store.by_subject(&subject(n)).await.is_err();
            let late = now() + TimeDelta::hours(2);
            let policy = LifetimePolicy::default();
            failed |= store.touch_if_alive(&key(n), &policy, late).await.is_err();
            failed |= store.create(record(1000 + n), now()).await.is_err();
            failed |= store.put_new(assertion(n), now()).await.is_err();
        }
        failed |= store
            .sweep(now() + TimeDelta::days(30), 1000)
            .await
            .is_err();
        noticed += u32::from(failed);
    }
    assert!(noticed > 10, "only {noticed} were noticed");
}

#[test]
fn a_file_that_may_not_be_written_is_told() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("hub.redb");
    drop(RedbStore::open(&path).unwrap());
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        return; // the administrator's account, which may write everything
    }
    let error = RedbStore::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Io(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_may_jump() {
    let store = RedbStore::in_memory().unwrap();
    let clocks = [
        now(),
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::UNIX_EPOCH - TimeDelta::days(36_500),
        now() + TimeDelta::days(36_500),
        DateTime::<Utc>::MAX_UTC,
        now(),
    ];
    let policy = LifetimePolicy::default();
    for (n, clock) in (0..).zip(clocks) {
        let created = store.create(record_at(n, clock), clock).await;
        if clock < DateTime::<Utc>::MAX_UTC {
            created.unwrap();
            let state = store.load(&key(n), clock).await.unwrap();
            assert!(matches!(state, SessionState::Alive(_)), "{clock}");
        }
        for earlier in 0..=n {
            let touched = store.touch_if_alive(&key(earlier), &policy, clock).await;
            let _state = touched.unwrap();
        }
        let (person, by) = (subject(100 + n), LogoutKey::new([1; 32]));
        store.revoke_subject(&person, by, clock).await.unwrap();
        let due = store
            .claim_due(LogoutScope::new([1; 8]), clock, TimeDelta::days(1), 10)
            .await
            .unwrap();
        assert_eq!(due, []);
        let user = store.user_by_subject(&subject(n)).await.unwrap();
        assert_eq!(user, None);
    }
    // What is over stays over, and the store goes on.
    let state = store.load(&key(0), now()).await.unwrap();
    assert!(!matches!(state, SessionState::Alive(_)));
    let swept = store.sweep(DateTime::<Utc>::MAX_UTC, 1000).await.unwrap();
    assert!(!swept.more && swept.removed > 0);
    store.create(record(500), now()).await.unwrap();
}
