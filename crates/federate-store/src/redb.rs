mod error;
mod logouts;
mod one_time;
mod sessions;
mod tables;
mod users;
mod writer;

use self::writer::{Done, Writer};
use crate::OpenError;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{
    AddParticipant, Capacity, Claimed, FoundOrCreated, IndexKey, LifetimePolicy, LogoutKey,
    LogoutStore, Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, Participant, ParticipantQuery,
    Profile, PutNew, Redemption, Rotation, SessionId, SessionKey, SessionRecord, SessionSnapshot,
    SessionState, SessionStore, StoreError, Subject, Sweep, Swept, TenantId, Termination,
    UpstreamQuery, User, UserId, UserStore, Versioned,
};
use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// How a [`RedbStore`] is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedbOptions {
    /// How much it may hold.
    pub capacity: Capacity,
    /// How many bytes of the file it may keep in memory; 64 MiB by default.
    pub cache_bytes: usize,
    /// Whether every page is checked when the file is opened, not only after a crash. True
    /// by default; it reads the whole file. Without it a damaged file may be noticed late.
    pub check_integrity: bool,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            capacity: Capacity::default(),
            cache_bytes: 64 * 1024 * 1024,
            check_integrity: true,
        }
    }
}

/// All stores in one embedded database.
///
/// Clones share it. Every verb that writes is one entry in the queue of a writer thread, which
/// commits all that wait at once; a verb has happened, durably, when its future is ready.
/// Reads run on tokio's blocking threads, or in place outside of a runtime. When the last
/// clone is dropped the queue is worked off and the file is closed.
#[derive(Clone)]
pub struct RedbStore {
    inner: Arc<Inner>,
}

struct Inner {
    // Dropped first: the thread ends before the file is closed.
    writer: Writer,
    db: Arc<Database>,
    capacity: Capacity,
}

impl RedbStore {
    /// Opens the database at this path, or makes it.
    ///
    /// # Errors
    /// [`OpenError`]: open elsewhere, not ours, damaged, of an unknown format, unreadable.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, RedbOptions::default())
    }

    /// Opens the database at this path, or makes it, with these options.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn open_with(path: impl AsRef<Path>, options: RedbOptions) -> Result<Self, OpenError> {
        Self::start(options, |builder| builder.create(path))
    }

    /// A new database in memory, the same but for the file.
    ///
    /// # Errors
    /// [`OpenError::Database`] when the engine refuses.
    pub fn in_memory() -> Result<Self, OpenError> {
        Self::in_memory_with(RedbOptions::default())
    }

    /// A new database in memory, with these options.
    ///
    /// # Errors
    /// As [`RedbStore::in_memory`].
    pub fn in_memory_with(options: RedbOptions) -> Result<Self, OpenError> {
        Self::start(options, |builder| {
            builder.create_with_backend(redb::backends::InMemoryBackend::new())
        })
    }

    fn start(
        options: RedbOptions,
        open: impl FnOnce(&Builder) -> Result<Database, DatabaseError>,
    ) -> Result<Self, OpenError> {
        let mut builder = Builder::new();
        builder
            .set_cache_size(options.cache_bytes)
            .set_check_integrity_on_open(options.check_integrity);
        // The engine may panic on a damaged file rather than report it.
        let db = catch_unwind(AssertUnwindSafe(|| {
            let db = open(&builder)?;
            tables::prepare(&db)?;
            Ok::<_, OpenError>(db)
        }))
        .map_err(|_| OpenError::Corrupt(None))??;
        let db = Arc::new(db);
        Ok(Self {
            inner: Arc::new(Inner {
                writer: Writer::start(Arc::clone(&db)).map_err(OpenError::Io)?,
                db,
                capacity: options.capacity,
            }),
        })
    }

    /// Runs a read where blocking is allowed.
    async fn read<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let db = Arc::clone(&self.inner.db);
        let run = move || {
            let txn = db.begin_read().map_err(StoreError::unavailable)?;
            verb(&txn)
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => runtime
                .spawn_blocking(run)
                .await
                .map_err(|_| StoreError::Unavailable(None))?,
            Err(_) => {
                catch_unwind(AssertUnwindSafe(run)).map_err(|_| StoreError::Unavailable(None))?
            }
        }
    }
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore")
            .field("capacity", &self.inner.capacity)
            .finish_non_exhaustive()
    }
}

impl SessionStore for RedbStore {
    async fn create(&self, record: SessionRecord, now: DateTime<Utc>) -> Result<(), StoreError> {
        let capacity = self.inner.capacity.sessions;
        self.inner
            .writer
            .run(move |txn| sessions::create(txn, record, capacity, now))
            .await
    }

    async fn load(&self, key: &SessionKey, now: DateTime<Utc>) -> Result<SessionState, StoreError> {
        Ok(self
            .snapshot(key)
            .await?
            .map_or(SessionState::Unknown, |session| session.state(now)))
    }

    async fn snapshot(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        let key = *key;
        self.read(move |txn| sessions::load(txn, &key)).await
    }

    async fn touch_if_alive(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        // Most touches write nothing: they need no place in the writer's queue.
        let Some(mut session) = self.snapshot(key).await? else {
            return Ok(SessionState::Unknown);
        };
        if !session.touch(policy, now) {
            return Ok(session.state(now));
        }
        let (key, policy) = (*key, *policy);
        self.inner
            .writer
            .run(move |txn| sessions::touch(txn, &key, &policy, now))
            .await
    }

    async fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        let (old, capacity) = (*old, self.inner.capacity.sessions);
        self.inner
            .writer
            .run(move |txn| sessions::rotate(txn, &old, new, capacity, now))
            .await
    }

    async fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        let key = *key;
        self.inner
            .writer
            .run(move |txn| sessions::add_participant(txn, &key, participant, now))
            .await
    }

    async fn begin_termination(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Termination, StoreError> {
        let key = *key;
        self.inner
            .writer
            .run(move |txn| sessions::terminate(txn, &key, by, now))
            .await
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let index = IndexKey::of_id(tenant, id);
        let found = self
            .read(move |txn| sessions::find(txn, &index, |_| true))
            .await?;
        Ok(found.into_iter().next())
    }

    async fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (index, capacity) = (IndexKey::of_subject(subject), self.inner.capacity.sessions);
        self.inner
            .writer
            .run(move |txn| sessions::revoke_subject(txn, &index, by, capacity, now))
            .await
    }

    async fn by_subject(&self, subject: &Subject) -> Result<Vec<SessionRecord>, StoreError> {
        let index = IndexKey::of_subject(subject);
        self.read(move |txn| sessions::find(txn, &index, |_| true))
            .await
    }

    async fn by_participant(
        &self,
        query: &ParticipantQuery,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let query = query.clone();
        self.read(move |txn| {
            let index = IndexKey::of_participant(&query);
            sessions::find(txn, &index, |session| session.is_meant_by(&query))
        })
        .await
    }

    async fn by_upstream(&self, query: &UpstreamQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let query = query.clone();
        self.read(move |txn| {
            let index = IndexKey::of_upstream(&query);
            sessions::find(txn, &index, |session| query.matches(&session.record))
        })
        .await
    }
}

impl OneTimeStore for RedbStore {
    async fn put_new(&self, entry: OneTimeEntry, now: DateTime<Utc>) -> Result<PutNew, StoreError> {
        let capacity = self.inner.capacity.one_time;
        self.inner
            .writer
            .run(move |txn| one_time::put_new(txn, entry, capacity, now))
            .await
    }

    async fn peek(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = (namespace, *key);
        self.read(move |txn| one_time::peek(txn, key, now)).await
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = (namespace, *key);
        self.inner
            .writer
            .run(move |txn| one_time::take(txn, key, now))
            .await
    }

    async fn redeem(
        &self,
        request: Option<(Namespace, OneTimeKey)>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption, StoreError> {
        let capacity = self.inner.capacity.one_time;
        self.inner
            .writer
            .run(move |txn| one_time::redeem(txn, request, replay, capacity, now))
            .await
    }
}

impl LogoutStore for RedbStore {
    async fn create_logout(
        &self,
        key: &LogoutKey,
        value: Vec<u8>,
        expires: DateTime<Utc>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let (key, capacity) = (*key, self.inner.capacity.logouts);
        let state = Versioned {
            version: 1,
            value,
            expires,
            due,
        };
        self.inner
            .writer
            .run(move |txn| logouts::create(txn, &key, state, capacity, now))
            .await
    }

    async fn load_logout(
        &self,
        key: &LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Versioned>, StoreError> {
        let key = *key;
        self.read(move |txn| logouts::load(txn, &key, now)).await
    }

    async fn compare_and_swap(
        &self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let key = *key;
        self.inner
            .writer
            .run(move |txn| logouts::compare_and_swap(txn, &key, version, value, due, now))
            .await
    }

    async fn claim_due(
        &self,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        // Mostly nothing is due: asking needs no place in the writer's queue.
        if !self.read(move |txn| logouts::is_any_due(txn, now)).await? {
            return Ok(Vec::new());
        }
        self.inner
            .writer
            .run(move |txn| logouts::claim_due(txn, now, lease, limit))
            .await
    }
}

impl UserStore for RedbStore {
    async fn find_or_create(
        &self,
        subject: &Subject,
        candidate: UserId,
        profile: Profile,
        now: DateTime<Utc>,
    ) -> Result<FoundOrCreated, StoreError> {
        let capacity = self.inner.capacity.users;
        let user = User::new(candidate, subject.clone(), profile, now);
        self.inner
            .writer
            .run(move |txn| users::find_or_create(txn, user, capacity))
            .await
    }

    async fn load_user(&self, tenant: &TenantId, id: &UserId) -> Result<Option<User>, StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |txn| users::load(txn, &tenant, &id)).await
    }

    async fn user_by_subject(&self, subject: &Subject) -> Result<Option<User>, StoreError> {
        let subject = subject.clone();
        self.read(move |txn| users::by_subject(txn, &subject)).await
    }
}

impl Sweep for RedbStore {
    async fn sweep(&self, now: DateTime<Utc>, limit: usize) -> Result<Swept, StoreError> {
        self.inner
            .writer
            .run(move |txn| {
                let removed = [
                    sessions::sweep(txn, now, limit)?,
                    one_time::sweep(txn, now, limit)?,
                    logouts::sweep(txn, now, limit)?,
                ];
                let swept = Swept {
                    removed: removed.iter().sum(),
                    more: limit > 0 && removed.contains(&limit),
                };
                Ok(match swept.removed {
                    0 => Done::Unchanged(swept),
                    _ => Done::Changed(swept),
                })
            })
            .await
    }
}
