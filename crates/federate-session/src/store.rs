//! The store traits, split by what each must promise.
//!
//! Every verb is atomic: it happens as a whole or not at all, and of two at the same time one
//! is first. The future may be dropped at any point; the verb may then still happen.
//! `now` is the caller's clock.

use crate::{
    EndReason, LifetimePolicy, LogoutKey, LogoutScope, Participant, ParticipantQuery, Profile,
    SessionId, SessionKey, SessionRecord, SessionSnapshot, StoreError, Subject, TenantId,
    UpstreamQuery, User, UserId,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::future::Future;

/// What a session is worth at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum SessionState {
    /// The user is signed in.
    Alive(Box<SessionRecord>),
    /// The session is over.
    Ended(EndReason),
    /// There is no such session, or it was over so long ago that it is forgotten.
    Unknown,
}

/// What a session is worth at one instant, without its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SessionCheck {
    /// The user is signed in.
    Alive,
    /// The session is over.
    Ended(EndReason),
    /// There is no such session, or it was over so long ago that it is forgotten.
    Unknown,
}

/// What became of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Rotation {
    /// The new session is there, with the applications of the old one.
    Rotated {
        /// How many applications it took over.
        carried: usize,
    },
    /// The old session is another person's: nothing changed. Log it out, then create.
    OtherSubject,
}

/// What became of a new participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AddParticipant {
    /// It will be told of the session's end: the assertion may leave.
    Added,
    /// It was there already: the assertion may leave.
    AlreadyPresent,
    /// The session is over: no assertion may leave.
    SessionEnded(EndReason),
    /// There is no such session: no assertion may leave.
    Unknown,
}

impl AddParticipant {
    /// Whether the assertion may leave.
    #[must_use]
    pub const fn may_issue(self) -> bool {
        matches!(self, Self::Added | Self::AlreadyPresent)
    }
}

/// What became of a termination.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Termination {
    /// This logout ended the session; these are the applications to tell. Asking again for
    /// the same logout gives the same answer, so a crash loses no application.
    Ended(Box<SessionSnapshot>),
    /// Another logout, or a new login of the same user, ended it: nothing is left to do.
    AlreadyEnded,
    /// There is no such session.
    Unknown,
}

/// Where sessions are kept.
///
/// A session that ended stays as a tombstone until `retain_until`, so nothing brings it back.
pub trait SessionStore: Send + Sync {
    /// Stores a new session.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when its key is in use, even by a session that is over,
    /// or its id; [`StoreError::AlreadyExpired`] when it is over at `now`;
    /// [`StoreError::Full`] and what the backend reports.
    fn create(
        &self,
        record: SessionRecord,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Looks at a session without counting as activity.
    ///
    /// # Errors
    /// What the backend reports.
    fn load(
        &self,
        key: &SessionKey,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<SessionState, StoreError>> + Send;

    /// Looks at a session as [`SessionStore::load`] does, and gives no record: for whoever
    /// asks often, and only whether the user is signed in.
    ///
    /// # Errors
    /// What the backend reports.
    fn check(
        &self,
        key: &SessionKey,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<SessionCheck, StoreError>> + Send {
        async move {
            Ok(match self.load(key, now).await? {
                SessionState::Alive(_) => SessionCheck::Alive,
                SessionState::Ended(reason) => SessionCheck::Ended(reason),
                SessionState::Unknown => SessionCheck::Unknown,
            })
        }
    }

    /// A session with its applications, be it alive or over.
    ///
    /// # Errors
    /// What the backend reports.
    fn snapshot(
        &self,
        key: &SessionKey,
    ) -> impl Future<Output = Result<Option<SessionSnapshot>, StoreError>> + Send;

    /// Records an activity, if the session is alive; it never revives one.
    ///
    /// Written only when the policy's granularity asks for it.
    ///
    /// # Errors
    /// What the backend reports.
    fn touch_if_alive(
        &self,
        key: &SessionKey,
        policy: &LifetimePolicy,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<SessionState, StoreError>> + Send;

    /// Puts a new login's session in the place of the same user's old one.
    ///
    /// The old key never works again (session fixation); the new session takes over the
    /// applications, for they are still signed in: of each its last few participations
    /// ([`SessionSnapshot::CARRIED`]). An old session that a logout ended, or
    /// that is unknown, gives none.
    ///
    /// # Errors
    /// Those of [`SessionStore::create`].
    fn rotate(
        &self,
        old: &SessionKey,
        new: SessionRecord,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Rotation, StoreError>> + Send;

    /// Records that an application is about to receive an assertion in this session.
    ///
    /// Fails once termination began: an assertion leaves only after this succeeded.
    ///
    /// # Errors
    /// [`StoreError::Full`] beyond [`SessionSnapshot::MAX_PARTICIPANTS`], and what the
    /// backend reports.
    fn add_participant(
        &self,
        key: &SessionKey,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<AddParticipant, StoreError>> + Send;

    /// Ends a session for a logout, and gives the applications to tell.
    ///
    /// # Errors
    /// What the backend reports.
    fn begin_termination(
        &self,
        key: &SessionKey,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Termination, StoreError>> + Send;

    /// The session of a public id, within one account, of which no logout has taken the
    /// applications.
    ///
    /// # Errors
    /// What the backend reports.
    fn by_id(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> impl Future<Output = Result<Option<SessionRecord>, StoreError>> + Send;

    /// Ends all sessions that a person has at this moment, in one step however many they are.
    ///
    /// From then on none of them is alive. Their applications are still to be told: call
    /// [`SessionStore::begin_termination`], by the same logout, for each session that
    /// [`SessionStore::by_subject`] gives as ended. A session that is created at the same time
    /// may already be over.
    ///
    /// # Errors
    /// [`StoreError::Full`] and what the backend reports.
    fn revoke_subject(
        &self,
        subject: &Subject,
        by: LogoutKey,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All sessions of a person of which no logout has taken the applications; some may have
    /// expired or been revoked.
    ///
    /// # Errors
    /// What the backend reports.
    fn by_subject(
        &self,
        subject: &Subject,
    ) -> impl Future<Output = Result<Vec<SessionRecord>, StoreError>> + Send;

    /// The sessions that an application's LogoutRequest means and of which no logout has taken
    /// the applications.
    ///
    /// # Errors
    /// What the backend reports.
    fn by_participant(
        &self,
        query: &ParticipantQuery,
    ) -> impl Future<Output = Result<Vec<SessionRecord>, StoreError>> + Send;

    /// The sessions that an upstream LogoutRequest means and of which no logout has taken the
    /// applications.
    ///
    /// # Errors
    /// What the backend reports.
    fn by_upstream(
        &self,
        query: &UpstreamQuery,
    ) -> impl Future<Output = Result<Vec<SessionRecord>, StoreError>> + Send;
}

/// A stored state, with the version that the next writer must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// Counts the writes, from 1.
    pub version: u64,
    /// The state, in the words of whoever stored it.
    pub value: Vec<u8>,
    /// When it may be forgotten.
    pub expires: DateTime<Utc>,
    /// When somebody must go on with it, if nothing else happens before.
    pub due: Option<DateTime<Utc>>,
}

/// A running logout that a worker has been given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which one.
    pub key: LogoutKey,
    /// Its state; `due` is the end of the lease.
    pub state: Versioned,
}

impl Versioned {
    /// The largest state accepted, in bytes.
    pub const MAX_BYTES: usize = 1024 * 1024;

    /// Checks what every store must refuse.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] and [`StoreError::AlreadyExpired`].
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let what = "logout";
        if self.value.len() > Self::MAX_BYTES {
            return Err(StoreError::TooLarge { what });
        }
        if self.expires <= now {
            return Err(StoreError::AlreadyExpired { what });
        }
        Ok(())
    }

    /// What a compare-and-swap puts in the place of this one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when this one has another version or has expired, and
    /// [`StoreError::TooLarge`].
    pub fn next(
        &self,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        if self.version != version || self.expires <= now {
            return Err(StoreError::Conflict);
        }
        let next = Self {
            version: version.saturating_add(1),
            value,
            expires: self.expires,
            due,
        };
        next.check(now)?;
        Ok(next)
    }
}

/// Where the states of running logouts are kept.
///
/// A state says when it is due. Of all workers that ask, one is given it, under a lease: when
/// that worker dies, another is given it after the lease. The lease only spares work; what
/// keeps two writers in order is the compare-and-swap.
pub trait LogoutStore: Send + Sync {
    /// Stores a new state, as version 1.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`], [`StoreError::Full`], [`StoreError::TooLarge`],
    /// [`StoreError::AlreadyExpired`] and what the backend reports.
    fn create_logout(
        &self,
        key: &LogoutKey,
        value: Vec<u8>,
        expires: DateTime<Utc>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The state as it stands.
    ///
    /// # Errors
    /// What the backend reports.
    fn load_logout(
        &self,
        key: &LogoutKey,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Option<Versioned>, StoreError>> + Send;

    /// Replaces the state if it still has this version, and gives the new version.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has another version or is gone;
    /// [`StoreError::TooLarge`] and what the backend reports.
    fn compare_and_swap(
        &self,
        key: &LogoutKey,
        version: u64,
        value: Vec<u8>,
        due: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Gives up to `limit` states of this hub that are due at `now`, the longest due first, and
    /// makes each due again at `now + lease`, so that nobody else is given it before. The versions
    /// stay as they are.
    ///
    /// # Errors
    /// What the backend reports.
    fn claim_due(
        &self,
        scope: LogoutScope,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Claimed>, StoreError>> + Send;
}

/// What find-or-create came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum FoundOrCreated {
    /// The identity was known; the profile is the new one.
    Found(User),
    /// This was the identity's first login.
    Created(User),
}

impl FoundOrCreated {
    /// The user, either way.
    #[must_use]
    pub fn into_user(self) -> User {
        match self {
            Self::Found(user) | Self::Created(user) => user,
        }
    }
}

/// Where users are kept. They do not expire.
pub trait UserStore: Send + Sync {
    /// Finds the user of an identity, or makes one: any number of concurrent first logins of
    /// one identity give one user.
    ///
    /// `candidate` is the id of the user if one is made. The profile replaces the stored one.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when `candidate` is another identity's user,
    /// [`StoreError::Full`] and what the backend reports.
    fn find_or_create(
        &self,
        subject: &Subject,
        candidate: UserId,
        profile: Profile,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<FoundOrCreated, StoreError>> + Send;

    /// The user of this id, within one account.
    ///
    /// # Errors
    /// What the backend reports.
    fn load_user(
        &self,
        tenant: &TenantId,
        id: &UserId,
    ) -> impl Future<Output = Result<Option<User>, StoreError>> + Send;

    /// The user of an identity.
    ///
    /// # Errors
    /// What the backend reports.
    fn user_by_subject(
        &self,
        subject: &Subject,
    ) -> impl Future<Output = Result<Option<User>, StoreError>> + Send;
}

/// How much a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// How many entries it removed.
    pub removed: usize,
    /// Whether it stopped at its limit: sweep again.
    pub more: bool,
}

/// Forgetting what has expired, in steps that do not hold up the other verbs.
pub trait Sweep: Send + Sync {
    /// Removes up to `limit` entries of each kind that are past their expiry at `now`.
    ///
    /// # Errors
    /// What the backend reports.
    fn sweep(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> impl Future<Output = Result<Swept, StoreError>> + Send;
}

/// How many entries of each kind a store may hold. Beyond, it refuses new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Sessions, with those that are over and not swept yet.
    pub sessions: usize,
    /// Values for one use.
    pub one_time: usize,
    /// Running logouts, those of the last day, and the sessions whose expiry is told. Who cannot be
    /// given a logout cannot log out, so these are twice as many as sessions by default.
    pub logouts: usize,
    /// Users.
    pub users: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            sessions: 1_000_000,
            one_time: 1_000_000,
            logouts: 2_000_000,
            users: 10_000_000,
        }
    }
}
