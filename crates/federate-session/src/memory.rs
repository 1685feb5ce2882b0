mod logouts;
mod one_time;
mod sessions;
mod users;

use crate::{
    AddParticipant, Capacity, Claimed, FoundOrCreated, IndexKey, LifetimePolicy, LogoutKey,
    LogoutStore, Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, Participant, ParticipantQuery,
    Profile, PutNew, Redemption, Rotation, SessionId, SessionKey, SessionRecord, SessionSnapshot,
    SessionState, SessionStore, StoreError, Subject, Sweep, Swept, TenantId, Termination,
    UpstreamQuery, User, UserId, UserStore, Versioned,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All stores in memory: for tests, and for a single process that may forget.
///
/// Clones share their content. Bounded by its [`Capacity`]: when one kind is full even after
/// a few expired entries were removed, new ones are refused.
#[derive(Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    capacity: Capacity,
    sessions: Mutex<sessions::Sessions>,
    one_time: Mutex<one_time::OneTime>,
    logouts: Mutex<logouts::Logouts>,
    users: Mutex<users::Users>,
}

/// How many expired entries a full store removes to make room for a new one.
const MAKE_ROOM: usize = 64;

impl MemoryStore {
    /// An empty store with these bounds.
    #[must_use]
    pub fn with_capacity(capacity: Capacity) -> Self {
        Self {
            inner: Arc::new(Inner {
                capacity,
                ..Inner::default()
            }),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, sessions::Sessions> {
        lock(&self.inner.sessions)
    }

    fn one_time(&self) -> MutexGuard<'_, one_time::OneTime> {
        lock(&self.inner.one_time)
    }

    fn logouts(&self) -> MutexGuard<'_, logouts::Logouts> {
        lock(&self.inner.logouts)
    }

    fn users(&self) -> MutexGuard<'_, users::Users> {
        lock(&self.inner.users)
    }
}

/// No verb panics while it holds a lock, so what a poisoned one guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let capacity = self.inner.capacity.sessions;
        self.sessions()
            .create(SessionSnapshot::new(record), capacity, now)
    }

    async fn load(&self, key: &SessionKey, now: DateTime<Utc>) -> Result<SessionState, StoreError> {
        let session = self.sessions().load(key);
        Ok(session.map_or(SessionState::Unknown, |session| session.state(now)))
    }

    async fn snapshot(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        Ok(self.sessions().load(key))
    }

    async fn touch_if_alive(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        Ok(self.sessions().touch(key, policy, now))
    }

    async fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        let capacity = self.inner.capacity.sessions;
        self.sessions().rotate(old, new, capacity, now)
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
        Ok(self.sessions().terminate(key, by, now))
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let found = self.sessions().find(&IndexKey::of_id(tenant, id), |_| true);
        Ok(found.into_iter().next())
    }

    async fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let capacity = self.inner.capacity.sessions;
        self.sessions().revoke_subject(subject, by, capacity, now)
    }

    async fn by_subject(&self, subject: &Subject) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_subject(subject);
        Ok(self.sessions().find(&index, |_| true))
    }

    async fn by_participant(
        &self,
        query: &ParticipantQuery,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_participant(query);
        Ok(self.sessions().find(&index, |row| row.is_meant_by(query)))
    }

    async fn by_upstream(&self, query: &UpstreamQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_upstream(query);
        Ok(self
            .sessions()
            .find(&index, |row| query.matches(&row.record)))
    }
}

impl OneTimeStore for MemoryStore {
    async fn put_new(&self, entry: OneTimeEntry, now: DateTime<Utc>) -> Result<PutNew, StoreError> {
        let capacity = self.inner.capacity.one_time;
        self.one_time().put_new(entry, capacity, now)
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
        let capacity = self.inner.capacity.one_time;
        self.one_time().redeem(request, replay, capacity, now)
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
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        Ok(self.logouts().claim_due(now, lease, limit))
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
        let capacity = self.inner.capacity.users;
        let user = User::new(candidate, subject.clone(), profile, now);
        self.users().find_or_create(user, capacity)
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
        let removed = [
            self.sessions().sweep(now, limit),
            self.one_time().sweep(now, limit),
            self.logouts().sweep(now, limit),
        ];
        Ok(Swept {
            removed: removed.iter().sum(),
            more: limit > 0 && removed.contains(&limit),
        })
    }
}
