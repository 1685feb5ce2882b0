use crate::LogoutKey;
use serde::{Deserialize, Serialize};

/// Which of its limits ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Limit {
    /// The longest a session lasts, counted from the login.
    Absolute,
    /// The longest a session lasts without activity.
    Idle,
    /// The end that the upstream identity provider set.
    Upstream,
}

/// Why a session is over. The operator may know; the browser learns only that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// A limit of its lifetime was reached.
    #[error("the session reached its {} limit", match .0 {
        Limit::Absolute => "absolute",
        Limit::Idle => "idle",
        Limit::Upstream => "upstream",
    })]
    Expired(Limit),
    /// A logout ended it.
    #[error("the session was logged out")]
    LoggedOut {
        /// The logout that did.
        by: LogoutKey,
    },
    /// The same user signed in again, which made a new session.
    #[error("the session was replaced by a new login")]
    Replaced,
}

impl EndReason {
    /// The stable machine code of this reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired(Limit::Absolute) => "session.absolute_expired",
            Self::Expired(Limit::Idle) => "session.idle_expired",
            Self::Expired(Limit::Upstream) => "session.upstream_expired",
            Self::LoggedOut { .. } => "session.logged_out",
            Self::Replaced => "session.replaced",
        }
    }
}

/// A lifetime policy that contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPolicy {
    /// The absolute limit is not positive, or beyond `LifetimePolicy::MAX`.
    #[error("the absolute limit must be positive and at most 3660 days")]
    Absolute,
    /// The idle limit is not positive, or longer than the absolute one.
    #[error("the idle limit must be positive and at most the absolute limit")]
    Idle,
    /// The granularity is negative, or more than half the idle limit.
    #[error("the touch granularity must be at least 0 and at most half the idle limit")]
    Granularity,
}

impl InvalidPolicy {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Absolute => "policy.absolute_invalid",
            Self::Idle => "policy.idle_invalid",
            Self::Granularity => "policy.granularity_invalid",
        }
    }
}

/// Why a store did not do what it was asked; then it changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store holds as much as it may: it refuses rather than forgets.
    #[error("the store has no room for another {what}")]
    Full {
        /// What there is no room for.
        what: &'static str,
    },
    /// The value is larger than the store accepts.
    #[error("the {what} is too large to be stored")]
    TooLarge {
        /// What is too large.
        what: &'static str,
    },
    /// The caller's new key or identifier is already in use.
    #[error("this {what} exists already")]
    AlreadyExists {
        /// What exists.
        what: &'static str,
    },
    /// The caller wants to store what has already expired.
    #[error("this {what} has already expired")]
    AlreadyExpired {
        /// What has expired.
        what: &'static str,
    },
    /// Another writer was first: load again, decide again.
    #[error("another writer was first")]
    Conflict,
    /// A stored value cannot be read.
    #[error("a stored {what} is damaged")]
    Corrupt {
        /// What is damaged.
        what: &'static str,
    },
    /// A stored value has a format that this version does not know.
    #[error("a stored {what} has the unknown format {found}")]
    UnsupportedFormat {
        /// What has this format.
        what: &'static str,
        /// The format that was found.
        found: u8,
    },
    /// The database behind the store failed or is gone.
    #[error("the store is unavailable")]
    Unavailable(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
}

impl StoreError {
    /// The stable machine code of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "store.full",
            Self::TooLarge { .. } => "store.too_large",
            Self::AlreadyExists { .. } => "store.already_exists",
            Self::AlreadyExpired { .. } => "store.already_expired",
            Self::Conflict => "store.conflict",
            Self::Corrupt { .. } => "store.corrupt",
            Self::UnsupportedFormat { .. } => "store.unsupported_format",
            Self::Unavailable(_) => "store.unavailable",
        }
    }

    /// Wraps the failure of a database.
    pub fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Some(Box::new(source)))
    }
}
