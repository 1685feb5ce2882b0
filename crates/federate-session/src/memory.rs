mod expiry;
mod index;
mod logouts;
mod one_time;
mod packed;
mod revocations;
mod sessions;
mod shards;
mod slab;
mod users;
mod words;

use crate::{
    AddParticipant, Capacity, Claimed, FoundOrCreated, IndexKey, LifetimePolicy, LogoutKey,
    LogoutScope, LogoutStore, Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, Participant,
    ParticipantQuery, Profile, PutNew, Redemption, Rotation, SessionCheck, SessionId, SessionKey,
    SessionRecord, SessionSnapshot, SessionState, SessionStore, StoreError, Subject, Sweep, Swept,
    TenantId, Termination, UpstreamQuery, User, UserId, UserStore, Versioned,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

/// All stores in memory: for tests, and for a single process that may forget.
///
/// Clones share their content. Bounded by its [`Capacity`]: when one kind is full even after
/// a few expired entries were removed, new ones are refused.
///
/// A session takes some 300 bytes in all, and its verbs wait only for those of sessions in
/// the same 256th of the store. An empty store takes a few hundred kilobytes.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

struct Inner {
    capacity: Capacity,
    sessions: sessions::Sessions,
    one_time: one_time::OneTime,
    logouts: Mutex<logouts::Logouts>,
    users: users::Users,
}

/// How many expired entries a full store removes to make room for a new one.
const MAKE_ROOM: usize = 64;

/// How many entries a sweep removes before it lets go of what it locked, and of the thread.
const STEP: usize = 128;

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(Capacity::default())
    }
}

impl MemoryStore {
    /// An empty store with these bounds.
    #[must_use]
    pub fn with_capacity(capacity: Capacity) -> Self {
        Self {
            inner: Arc::new(Inner {
                capacity,
                sessions: sessions::Sessions::new(capacity.sessions),
                one_time: one_time::OneTime::new(capacity.one_time),
                logouts: Mutex::default(),
                users: users::Users::new(capacity.users),
            }),
        }
    }

    fn sessions(&self) -> &sessions::Sessions {
        &self.inner.sessions
    }

    fn one_time(&self) -> &one_time::OneTime {
        &self.inner.one_time
    }

    fn logouts(&self) -> MutexGuard<'_, logouts::Logouts> {
        shards::lock(&self.inner.logouts)
    }

    fn users(&self) -> &users::Users {
        &self.inner.users
    }
}

/// Sweeps all shards in steps, up to `limit` entries. `sweep` does a step in one shard and
/// says how many entries it removed.
async fn in_steps(limit: usize, sweep: impl Fn(u8, usize) -> usize + Send) -> usize {
    let (mut removed, mut in_a_row) = (0, 0);
    for shard in 0..=u8::MAX {
        loop {
            let step = STEP.min(limit - removed);
            let done = sweep(shard, step);
            removed += done;
            if removed == limit {
                return removed;
            }
            in_a_row += done;
            if in_a_row >= STEP {
                in_a_row = 0;
                let_others_run().await;
            }
            if done < step {
                break;
            }
        }
    }
    removed
}

/// Gives the thread to other tasks, and goes on after them.
async fn let_others_run() {
    let mut is_first = true;
    std::future::poll_fn(|context| {
        if !std::mem::take(&mut is_first) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("capacity", &self.inner.capacity)
            .finish_non_exhaustive()
    }
}

impl SessionStore for MemoryStore {
    async fn create(&self, record: SessionRecord, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.sessions().create(record, now)
    }

    async fn load(&self, key: &SessionKey, now: DateTime<Utc>) -> Result<SessionState, StoreError> {
        self.sessions().load(key, now)
    }

    async fn check(
        &self,
        key: &SessionKey,
        now: DateTime<Utc>,
    ) -> Result<SessionCheck, StoreError> {
        self.sessions().check(key, now)
    }

    async fn snapshot(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        self.sessions().snapshot(key)
    }

    async fn touch_if_alive(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        self.sessions().touch(key, policy, now)
    }

    async fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        self.sessions().rotate(old, new, now)
    }

    async fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        self.sessions().add_participant(key, participant, now)
    }

    async fn begin_termination(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Termination, StoreError> {
        self.sessions().terminate(key, by, now)
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let found = self.sessions().find(&IndexKey::of_id(tenant, id), |row| {
            row.record.tenant() == tenant && row.record.id == *id
        });
        Ok(found?.into_iter().next())
    }

    async fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.sessions().revoke_subject(subject, by, now)
    }

    async fn by_subject(&self, subject: &Subject) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_subject(subject);
        let is_theirs = |row: &SessionSnapshot| row.record.subject == *subject;
        self.sessions().find(&index, is_theirs)
    }

    async fn by_participant(
        &self,
        query: &ParticipantQuery,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_participant(query);
        self.sessions().find(&index, |row| row.is_meant_by(query))
    }

    async fn by_upstream(&self, query: &UpstreamQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_upstream(query);
        self.sessions()
            .find(&index, |row| query.matches(&row.record))
    }
}

impl OneTimeStore for MemoryStore {
    async fn put_new(&self, entry: OneTimeEntry, now: DateTime<Utc>) -> Result<PutNew, StoreError> {
        self.one_time().put_new(entry, now)
    }

    async fn peek(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.one_time().peek((namespace, *key), now))
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.one_time().take((namespace, *key), now))
    }

    async fn redeem(
        &self,
        request: Option<(Namespace, OneTimeKey)>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption, StoreError> {
        self.one_time().redeem(request, replay, now)
    }
}

impl LogoutStore for MemoryStore {
    async fn create_logout(
        &self,
        key: &LogoutKey,
        value: Vec<u8>,
        expires: DateTime<Utc>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let capacity = self.inner.capacity.logouts;
        let state = Versioned {
            version: 1,
            value,
            expires,
            due,
        };
        self.logouts().create(key, state, capacity, now)
    }

    async fn load_logout(
        &self,
        key: &LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Versioned>, StoreError> {
        Ok(self.logouts().load(key, now))
    }

    async fn compare_and_swap(
        &self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.logouts()
            .compare_and_swap(key, version, value, due, now)
    }

    async fn claim_due(
        &self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        Ok(self.logouts().claim_due(scope, now, lease, limit))
    }
}

impl UserStore for MemoryStore {
    async fn find_or_create(
        &self,
        subject: &Subject,
        candidate: UserId,
        profile: Profile,
        now: DateTime<Utc>,
    ) -> Result<FoundOrCreated, StoreError> {
        let user = User::new(candidate, subject.clone(), profile, now);
        self.users().find_or_create(user)
    }

    async fn load_user(&self, tenant: &TenantId, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.users().load(tenant, id))
    }

    async fn user_by_subject(&self, subject: &Subject) -> Result<Option<User>, StoreError> {
        Ok(self.users().by_subject(subject))
    }
}

impl Sweep for MemoryStore {
    async fn sweep(&self, now: DateTime<Utc>, limit: usize) -> Result<Swept, StoreError> {
        let sessions = self.sessions();
        let swept = in_steps(limit, |shard, step| sessions.sweep_shard(shard, now, step)).await;
        let swept = swept + sessions.sweep_revocations(now, limit - swept);
        let one_time = self.one_time();
        let removed = [
            swept,
            in_steps(limit, |shard, step| one_time.sweep_shard(shard, now, step)).await,
            self.logouts().sweep(now, limit),
        ];
        Ok(Swept {
            removed: removed.iter().sum(),
            more: limit > 0 && removed.contains(&limit),
        })
    }
}
