use chrono::{DateTime, Utc};
use federate_types::{EntityId, Status};
use serde::{Deserialize, Serialize};

/// What became of one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// Its turn has not come.
    Waiting,
    /// It is being asked.
    Asking {
        /// Whether the request is known to have left.
        sent: bool,
    },
    /// It reported success. Only this may be shown as "signed out".
    Confirmed,
    /// It was asked and has not answered.
    Asked(NoAnswer),
    /// Its metadata has no SingleLogoutService that could be used, with a browser or without.
    NotSupported,
    /// It was left alone, by policy or by the person's choice.
    NotAsked,
    /// It is not signed out, as far as anyone knows.
    Failed(Failure),
}

impl Outcome {
    /// Whether nobody waits for it.
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

/// Why a peer is not signed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Failure {
    /// It answered, but not with plain success.
    Status(#[serde(with = "crate::stored_status")] Status),
    /// No request is known to have left for it.
    NotSent,
    /// What it answered is no answer to a LogoutRequest.
    Fault,
    /// It failed so often of late that it was not asked.
    CircuitOpen,
    /// The time for the whole logout ended before its turn.
    OutOfTime,
    /// It can be asked by a browser alone, and there was none.
    NoBrowser,
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
pub struct PeerResult {
    /// The peer.
    pub entity_id: EntityId,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether [`crate::Event::Retry`] would put it back to work.
    pub retriable: bool,
    /// When it is asked again without anybody's doing.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Where a logout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The hub's sessions are being revoked; nothing has left yet.
    Revoking,
    /// Applications are asked without the browser.
    BackChannel,
    /// Applications are asked by way of the browser.
    FrontChannel,
    /// The upstream identity provider is asked, or the person whether it is to be.
    Upstream,
    /// The answer is decided and on its way.
    Responding,
    /// The answer left, or nobody waits for it any more. Retries may go on.
    Done,
}

/// What the progress page and the result page show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The hub's own sessions.
    pub hub: HubOutcome,
    /// Every application but the initiator, in the order they are asked.
    pub applications: Vec<PeerResult>,
    /// Every upstream identity provider but the initiator.
    pub upstreams: Vec<PeerResult>,
    /// How many more peers were not asked: beyond the most that one logout can hold, or left so
    /// by an earlier one.
    pub left_out: usize,
    /// Whether the answer is decided.
    pub finished: bool,
    /// Whether it is finished, and the hub, every application, and every upstream that was to
    /// be asked are signed out.
    pub complete: bool,
}
