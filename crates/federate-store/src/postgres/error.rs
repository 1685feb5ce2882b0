//! What the server says, in the words of the store.

use deadpool_postgres::PoolError;
use federate_session::StoreError;
use tokio_postgres::error::SqlState;

/// Why a statement was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("there is no connection to the database")]
    Connection(#[from] PoolError),
    #[error("the database refused")]
    Database(#[from] tokio_postgres::Error),
    #[error("the database did not answer in time")]
    Late,
    #[error("other writers were always first")]
    Contention,
}

/// What is to be done about an SQLSTATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing happened; the same again may succeed.
    Again,
    /// There is no room.
    Full,
    /// The statement found nothing to work with at this moment.
    Unavailable,
}

fn kind(state: &SqlState) -> Kind {
    match *state {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Kind::Again,
        SqlState::DISK_FULL => Kind::Full,
        _ => Kind::Unavailable,
    }
}

impl Failure {
    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Database(error) | Self::Connection(PoolError::Backend(error)) => error.code(),
            _ => None,
        }
    }

    /// Whether the server gave this reason.
    pub(super) fn is(&self, state: &SqlState) -> bool {
        self.state() == Some(state)
    }

    /// Whether the server undid the statement for the sake of another one.
    pub(super) fn is_transient(&self) -> bool {
        self.state().map(kind) == Some(Kind::Again)
    }

    /// The failure of a verb about `what`.
    pub(super) fn about(self, what: &'static str) -> StoreError {
        match self.state().map(kind) {
            Some(Kind::Full) => StoreError::Full { what },
            _ => StoreError::unavailable(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_say_what_is_to_be_done() {
        assert_eq!(kind(&SqlState::from_code("53100")), Kind::Full);
        for code in ["40001", "40P01"] {
            assert_eq!(kind(&SqlState::from_code(code)), Kind::Again);
        }
        // A timeout, a lock timeout, a server that stops, one that only reads.
        for code in ["57014", "55P03", "57P01", "25006", "53300"] {
            assert_eq!(kind(&SqlState::from_code(code)), Kind::Unavailable);
        }
    }

    #[test]
    fn failures_say_that_the_store_is_unavailable() {
        assert_eq!(Failure::Late.about("x").code(), "store.unavailable");
        assert!(!Failure::Late.is_transient());
    }
}
