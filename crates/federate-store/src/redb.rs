mod create;
mod error;
mod logouts;
mod one_time;
mod sessions;
mod tables;
mod users;
mod writer;

use self::error::is_failure;
use self::sessions::Meant;
use self::tables::{Tables, View};
use self::writer::{Done, Writer};
use crate::OpenError;
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::{
    AddParticipant, Capacity, Claimed, FoundOrCreated, IndexKey, LifetimePolicy, LogoutKey,
    LogoutScope, LogoutStore, Namespace, OneTimeEntry, OneTimeKey, OneTimeStore, Participant,
    ParticipantQuery, Profile, PutNew, Redemption, Rotation, SessionId, SessionKey, SessionRecord,
    SessionSnapshot, SessionState, SessionStore, StoreError, Subject, Sweep, Swept, TenantId,
    Termination, Touch, UpstreamQuery, User, UserId, UserStore, Versioned,
};
use redb::{Builder, Database};
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

/// All stores in one embedded database: one file, one process. Clones share it.
///
/// **Durability.** A verb that writes is one entry in the queue of a writer thread, which
/// commits all that wait at once. When its future is ready it is on disk: neither a kill nor a
/// loss of power takes it back. A verb whose future was dropped, or that failed together with
/// the database, may have happened. Dropping the last clone blocks until the queue is worked
/// off and the file is closed.
///
/// **Reads** run in place and wait for no writer; what is not cached is read from the file. Keep
/// it on a local disk.
///
/// **One process.** An open file is locked; another process, or a second `open`, gets
/// [`OpenError::Locked`].
///
/// **Failures.** When the disk is full, the verbs of that moment fail with [`StoreError::Full`];
/// when it fails otherwise, with [`StoreError::Unavailable`]. From then on every verb says
/// `Unavailable` at once, for what was written last is in doubt: make room, drop all clones and
/// open the file again. Nothing that was acknowledged is lost. A crash needs no repair but the
/// next `open`, which then reads the whole file.
///
/// **Backups.** Copy the file while no process has it open, or take a snapshot of the whole
/// file system, which is to the store as a loss of power. A copy of an open file is no backup.
/// When `open` says [`OpenError::Corrupt`], move the file away and begin anew: everybody signs
/// in again, and nobody is told of sessions that ended meanwhile. A restored backup instead
/// brings back what was logged out since, and forgets which assertions were accepted since.
#[derive(Clone)]
pub struct RedbStore {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    capacity: Capacity,
}

impl RedbStore {
    /// Opens the database at this path, or makes it. Blocks for as long as reading the whole
    /// file takes.
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
        let path = path.as_ref();
        Self::start(options, |builder| {
            create::ensure(builder, path)?;
            Ok(builder.create(path)?)
        })
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
            let memory = redb::backends::InMemoryBackend::new();
            Ok(builder.create_with_backend(memory)?)
        })
    }

    /// Gives back to the file system what the file at this path no longer needs, and says
    /// whether that was anything. The file must not be open; this reads and writes all of it.
    ///
    /// A store uses the room of what it swept again by itself: this is for a file that has
    /// become much smaller for good.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn compact(path: impl AsRef<Path>) -> Result<bool, OpenError> {
        guarded(|| {
            let mut db = Database::open(path)?;
            tables::check(&db)?;
            db.compact().map_err(OpenError::from_redb)
        })
    }

    fn start(
        options: RedbOptions,
        open: impl FnOnce(&Builder) -> Result<Database, OpenError>,
    ) -> Result<Self, OpenError> {
        let mut builder = Builder::new();
        builder
            .set_cache_size(options.cache_bytes)
            .set_check_integrity_on_open(options.check_integrity);
        let (db, view) = guarded(|| {
            let db = open(&builder)?;
            tables::prepare(&db)?;
            let view = View::open(&db).map_err(OpenError::from_redb)?;
            Ok((db, view))
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                writer: Writer::start(db, view).map_err(OpenError::Io)?,
                capacity: options.capacity,
            }),
        })
    }

    /// Reads what the last transaction left, in place: most often from the cache, and else a
    /// few pages of the file. It waits for no writer.
    fn read<T>(&self, verb: impl FnOnce(&View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let shared = self.inner.writer.shared();
        let view = shared.view()?;
        // The engine may panic on a damaged file rather than report it.
        let outcome = catch_unwind(AssertUnwindSafe(|| verb(&view)));
        let outcome = outcome.unwrap_or(Err(StoreError::Unavailable(None)));
        if outcome.as_ref().is_err_and(is_failure) {
            shared.fail();
        }
        outcome
    }

    /// Runs a verb in the writer's next transaction.
    async fn write<T: Send + 'static>(
        &self,
        verb: impl FnOnce(&mut Tables<'_>) -> Result<Done<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(verb).await
    }

    fn find(&self, index: &IndexKey, meant: &Meant<'_>) -> Result<Vec<SessionRecord>, StoreError> {
        self.read(|view| sessions::find(view, index, meant))
    }
}

/// The engine may panic on a damaged file rather than report it.
fn guarded<T>(open: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(open)).unwrap_or(Err(OpenError::Corrupt(None)))
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
        self.write(move |tables| tables.sessions()?.create(record, capacity, now))
            .await
    }

    async fn load(&self, key: &SessionKey, now: DateTime<Utc>) -> Result<SessionState, StoreError> {
        Ok(match self.read(|view| sessions::record(view, key))? {
            Some((_, session)) => state(session, now),
            None => SessionState::Unknown,
        })
    }

    async fn snapshot(&self, key: &SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        self.read(|view| sessions::snapshot(view, key))
    }

    async fn touch_if_alive(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> Result<SessionState, StoreError> {
        let Some((number, session)) = self.read(|view| sessions::record(view, key))? else {
            return Ok(SessionState::Unknown);
        };
        // Most touches write nothing: they need no place in the writer's queue.
        let recent = matches!(session.record.lifetime.touch(policy, now), Touch::Recent);
        if recent || session.record.ended.is_some() {
            return Ok(state(session, now));
        }
        let policy = *policy;
        self.write(move |tables| tables.sessions()?.touch(number, session, &policy, now))
            .await
    }

    async fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> Result<Rotation, StoreError> {
        let (old, capacity) = (*old, self.inner.capacity.sessions);
        self.write(move |tables| tables.sessions()?.rotate(&old, new, capacity, now))
            .await
    }

    async fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        let key = *key;
        self.write(move |tables| tables.sessions()?.add_participant(&key, participant, now))
            .await
    }

    async fn begin_termination(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Termination, StoreError> {
        let key = *key;
        self.write(move |tables| tables.sessions()?.terminate(&key, by, now))
            .await
    }

    async fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<SessionRecord>, StoreError> {
        let is_meant = |record: &SessionRecord| record.tenant() == tenant && record.id == *id;
        let found = self.find(&IndexKey::of_id(tenant, id), &Meant::Record(&is_meant))?;
        Ok(found.into_iter().next())
    }

    async fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (subject, capacity) = (subject.clone(), self.inner.capacity.sessions);
        self.write(move |tables| {
            tables
                .sessions()?
                .revoke_subject(&subject, by, capacity, now)
        })
        .await
    }

    async fn by_subject(&self, subject: &Subject) -> Result<Vec<SessionRecord>, StoreError> {
        let is_meant = |record: &SessionRecord| record.subject == *subject;
        self.find(&IndexKey::of_subject(subject), &Meant::Record(&is_meant))
    }

    async fn by_participant(
        &self,
        query: &ParticipantQuery,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let is_meant = |session: &SessionSnapshot| session.is_meant_by(query);
        self.find(&IndexKey::of_participant(query), &Meant::Whole(&is_meant))
    }

    async fn by_upstream(&self, query: &UpstreamQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let is_meant = |record: &SessionRecord| query.matches(record);
        self.find(&IndexKey::of_upstream(query), &Meant::Record(&is_meant))
    }
}

impl OneTimeStore for RedbStore {
    async fn put_new(&self, entry: OneTimeEntry, now: DateTime<Utc>) -> Result<PutNew, StoreError> {
        let capacity = self.inner.capacity.one_time;
        self.write(move |tables| tables.one_time()?.put_new(entry, capacity, now))
            .await
    }

    async fn peek(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|view| one_time::peek(view, (namespace, *key), now))
    }

    async fn take(
        &self,
        namespace: Namespace,
        key: &OneTimeKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let key = (namespace, *key);
        self.write(move |tables| tables.one_time()?.take(key, now))
            .await
    }

    async fn redeem(
        &self,
        request: Option<(Namespace, OneTimeKey)>,
        replay: OneTimeEntry,
        now: DateTime<Utc>,
    ) -> Result<Redemption, StoreError> {
        let capacity = self.inner.capacity.one_time;
        self.write(move |tables| tables.one_time()?.redeem(request, replay, capacity, now))
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
        self.write(move |tables| tables.logouts()?.create(&key, state, capacity, now))
            .await
    }

    async fn load_logout(
        &self,
        key: &LogoutKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Versioned>, StoreError> {
        self.read(|view| logouts::load(view, key, now))
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
        self.write(move |tables| {
            tables
                .logouts()?
                .compare_and_swap(&key, version, value, due, now)
        })
        .await
    }

    async fn claim_due(
        &self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        // Mostly nothing is due: asking needs no place in the writer's queue.
        if !self.read(|view| logouts::is_any_due(view, scope, now))? {
            return Ok(Vec::new());
        }
        self.write(move |tables| tables.logouts()?.claim_due(scope, now, lease, limit))
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
        self.write(move |tables| tables.users()?.find_or_create(user, capacity))
            .await
    }

    async fn load_user(&self, tenant: &TenantId, id: &UserId) -> Result<Option<User>, StoreError> {
        self.read(|view| users::load(view, tenant, id))
    }

    async fn user_by_subject(&self, subject: &Subject) -> Result<Option<User>, StoreError> {
        self.read(|view| users::by_subject(view, subject))
    }
}

impl Sweep for RedbStore {
    /// In steps of their own transactions, so that other verbs get their turn between them.
    async fn sweep(&self, now: DateTime<Utc>, limit: usize) -> Result<Swept, StoreError> {
        let mut removed = [0; 3];
        let mut going = limit > 0;
        while going {
            let steps = removed.map(|removed: usize| (limit - removed).min(SWEEP_STEP));
            let swept = self.write(move |tables| sweep_step(tables, now, steps));
            let swept = swept.await?;
            going = false;
            for ((total, step), swept) in removed.iter_mut().zip(steps).zip(swept) {
                *total += swept;
                going |= swept == step && *total < limit;
            }
        }
        Ok(Swept {
            removed: removed.iter().sum(),
            more: limit > 0 && removed.contains(&limit),
        })
    }
}

/// The most entries of each kind that one transaction sweeps.
const SWEEP_STEP: usize = 128;

fn sweep_step(
    tables: &mut Tables<'_>,
    now: DateTime<Utc>,
    [sessions, one_time, logouts]: [usize; 3],
) -> Result<Done<[usize; 3]>, StoreError> {
    let removed = [
        tables.sessions()?.sweep(now, sessions)?,
        tables.one_time()?.sweep(now, one_time)?,
        tables.logouts()?.sweep(now, logouts)?,
    ];
    Ok(match removed {
        [0, 0, 0] => Done::Unchanged(removed),
        _ => Done::Changed(removed),
    })
}

/// [`SessionSnapshot::state`], without a copy.
fn state(session: SessionSnapshot, now: DateTime<Utc>) -> SessionState {
    match session.record.end_reason(now) {
        Some(reason) => SessionState::Ended(reason),
        None => SessionState::Alive(Box::new(session.record)),
    }
}

#[cfg(test)]
mod tests;
