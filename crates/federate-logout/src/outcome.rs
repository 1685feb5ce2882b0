use federate_types::{EntityId, Status};
use serde::{Deserialize, Serialize};

/// What became of one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// Its turn has not come.
    Waiting,
    /// It is being asked.
    Asking {
        /// Whether the LogoutRequest is known to have left.
        sent: bool,
    },
    /// It reported success. Only this may be shown as "signed out".
    Confirmed,
    /// It was asked and has not answered.
    Asked(NoAnswer),
    /// Its metadata has no SingleLogoutService for the front channel.
    NotSupported,
    /// It is not signed out, as far as anyone knows.
    Failed(Failure),
}

impl Outcome {
    /// Whether nothing more is to be waited for.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Asking { .. })
    }
}

/// Why the wait for an answer ended without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoAnswer {
    /// Its deadline passed.
    TimedOut,
    /// The user did not want to wait.
    Skipped,
}

/// Why an application is not signed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Failure {
    /// It answered, but not with plain success.
    Status(#[serde(with = "crate::stored_status")] Status),
    /// Its LogoutRequest is not known to have left.
    NotSent,
    /// The time for the whole logout ended before its turn.
    OutOfTime,
}

/// What became of the hub's own sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubOutcome {
    /// Not all are revoked yet.
    Revoking,
    /// All are over.
    Ended,
    /// At least one could not be revoked.
    Failed,
}

/// One line of the result page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationResult {
    /// The application.
    pub entity_id: EntityId,
    /// What became of it.
    pub outcome: Outcome,
}

/// What the progress page and the result page show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The hub's own sessions.
    pub hub: HubOutcome,
    /// Every application but the initiator, in the order they are asked.
    pub applications: Vec<ApplicationResult>,
    /// How many applications beyond the most that one logout can hold were not asked.
    pub left_out: usize,
    /// Whether nothing more will be asked.
    pub finished: bool,
    /// Whether it is finished, and the hub and every application are signed out.
    pub complete: bool,
}
