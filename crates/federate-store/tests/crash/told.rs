//! What a killed writer had acknowledged, and whether it is there.

use super::now;
use super::sessions::{id, key, participant, record, subject, tenant};
use super::writer::{entry, logout};
use chrono::TimeDelta;
use federate_session::{
    EndReason, LogoutStore as _, Namespace, OneTimeStore as _, ParticipantQuery, SessionRecord,
    SessionSnapshot, SessionState, SessionStore as _, UpstreamQuery,
};
use federate_store::RedbStore;
use redb::{
    ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Default)]
pub(crate) struct Told(BTreeMap<u32, Chain>);

/// What was said of one number, in the order in which its task did it.
#[derive(Default, Debug)]
struct Chain {
    said: usize,
    created: bool,
    participants: u32,
    touched: i64,
    terminated: bool,
    revoked: bool,
    put: bool,
    redeemed: bool,
    version: u64,
}

impl Told {
    /// Takes a line in, and says whether it was the writer's.
    pub(crate) fn hear(&mut self, line: &str) -> bool {
        let Some(line) = line.trim_end().strip_prefix('#') else {
            return false; // the test harness talks too
        };
        let words: Vec<_> = line.split(' ').collect();
        let more: u64 = words[2].parse().unwrap();
        let chain = self.0.entry(words[1].parse().unwrap()).or_default();
        chain.said += 1;
        match words[0] {
            "C" => chain.created = true,
            "A" => chain.participants += 1,
            "T" => chain.touched = more.cast_signed(),
            "E" => chain.terminated = true,
            "V" => chain.revoked = true,
            "P" => chain.put = true,
            "R" => chain.redeemed = true,
            "L" => chain.version = more,
            other => panic!("the writer said {other}"),
        }
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.0.values().map(|chain| chain.said).sum()
    }

    pub(crate) async fn verify(&self, store: &RedbStore) {
        for (n, chain) in &self.0 {
            if chain.created {
                session(store, *n, chain).await;
            }
            if chain.put {
                one_time(store, *n, chain).await;
            }
            if chain.version > 0 {
                let state = store
                    .load_logout(&logout(*n), now())
                    .await
                    .unwrap()
                    .unwrap();
                // The next write may have happened without its word.
                let next = chain.version..=chain.version + 1;
                assert!(next.contains(&state.version), "{n}: {chain:?}, {state:?}");
                assert_eq!(state.value, state.version.to_be_bytes(), "{n}");
            }
        }
    }
}

async fn session(store: &RedbStore, n: u32, chain: &Chain) {
    let session = store.snapshot(&key(n)).await.unwrap().unwrap();
    let count = u32::try_from(session.participants.len()).unwrap();
    let expected: Vec<_> = (0..count).map(|app| participant(n, app)).collect();
    assert_eq!(session.participants, expected, "{n}");
    assert!(
        (chain.participants..=chain.participants + 1).contains(&count),
        "{n}: {chain:?}"
    );
    let touched = now() + TimeDelta::hours(chain.touched);
    assert!(
        session.record.lifetime.last_activity >= touched,
        "{n}: {chain:?}"
    );
    let told = record(n);
    let same = SessionRecord {
        lifetime: session.record.lifetime,
        ended: session.record.ended,
        ..told
    };
    assert_eq!(session.record, same, "{n}");

    let state = store.load(&key(n), now()).await.unwrap();
    let by = EndReason::LoggedOut { by: logout(n) };
    if chain.terminated || chain.revoked {
        assert_eq!(state, SessionState::Ended(by), "{n}: {chain:?}");
    } else {
        let is_right = matches!(state, SessionState::Alive(_)) || state == SessionState::Ended(by);
        assert!(is_right, "{n}: {chain:?}, {state:?}");
    }
    // A revoked session is found until its logout takes the applications; number n % 4 == 0
    // is the only one that is terminated.
    let is_open = n % 4 == 1 || matches!(state, SessionState::Alive(_));
    found(store, n, &session, is_open).await;
}

/// Every index leads to an open session, and none to another.
async fn found(store: &RedbStore, n: u32, session: &SessionSnapshot, is_open: bool) {
    let holds = |found: Vec<SessionRecord>| found.iter().any(|record| record.key == key(n));
    let by_id = store.by_id(&tenant(), &id(n)).await.unwrap();
    assert_eq!(by_id.is_some(), is_open, "{n} by id");
    let by_subject = store.by_subject(&subject(n)).await.unwrap();
    assert_eq!(holds(by_subject), is_open, "{n} by subject");
    let upstream = session.record.upstream.clone().unwrap();
    let query = UpstreamQuery {
        tenant: tenant(),
        connection: session.record.subject.connection.clone(),
        issuer: upstream.issuer,
        name_id: upstream.name_id,
        session_indexes: Vec::new(),
    };
    assert_eq!(
        holds(store.by_upstream(&query).await.unwrap()),
        is_open,
        "{n} by upstream"
    );
    for participant in &session.participants {
        let query = ParticipantQuery {
            tenant: tenant(),
            issuer: participant.entity_id.clone(),
            name_id: participant.name_id.clone(),
            session_indexes: Vec::new(),
        };
        let found = store.by_participant(&query).await.unwrap();
        assert_eq!(holds(found), is_open, "{n} by participant");
    }
}

async fn one_time(store: &RedbStore, n: u32, chain: &Chain) {
    let mut present = [Namespace::REQUEST, Namespace::ASSERTION].map(|_| false);
    for (there, namespace) in present
        .iter_mut()
        .zip([Namespace::REQUEST, Namespace::ASSERTION])
    {
        let key = entry(namespace, n).key;
        *there = store.peek(namespace, &key, now()).await.unwrap().is_some();
    }
    let [request, assertion] = present;
    assert_ne!(
        request, assertion,
        "{n}: one took the place of the other, as one"
    );
    assert!(assertion || !chain.redeemed, "{n}: {chain:?}");
}

/// Looks at the rows beneath the store: each stands for another.
pub(crate) fn rows_agree(path: &Path) {
    let lives = TableDefinition::<&[u8; 32], &[u8]>::new("session_lives");
    let sessions = TableDefinition::<(u64, u16), &[u8]>::new("sessions");
    let index = TableDefinition::<(&[u8; 16], u64), ()>::new("session_index");
    let expiry = TableDefinition::<(i64, u64), ()>::new("session_expiry");
    let db = redb::Database::open(path).unwrap();
    let txn = db.begin_read().unwrap();
    let lives = txn.open_table(lives).unwrap().len().unwrap();
    let mut numbers = BTreeSet::new();
    for row in txn.open_table(sessions).unwrap().iter().unwrap() {
        let (number, participant) = row.unwrap().0.value();
        match participant {
            0 => assert!(numbers.insert(number)),
            _ => assert!(numbers.contains(&number), "a participant of nothing"),
        }
    }
    assert_eq!(numbers.len() as u64, lives);
    for row in txn.open_table(index).unwrap().iter().unwrap() {
        let row = row.unwrap();
        assert!(numbers.contains(&row.0.value().1), "an index leads nowhere");
    }
    for row in txn.open_table(expiry).unwrap().iter().unwrap() {
        let (_, number) = row.unwrap().0.value();
        assert!(numbers.remove(&number), "swept twice");
    }
    assert!(numbers.is_empty(), "never swept: {numbers:?}");
}
