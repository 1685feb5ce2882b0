use crate::LogoutError;
use crate::message::{FrontChannel, Initiator};
use crate::outcome::{ApplicationResult, HubOutcome, Outcome, Summary};
use chrono::{DateTime, TimeDelta, Utc};
use federate_session::SessionKey;
use federate_types::{EntityId, MessageId, NameId, SessionIndex, Status};
use serde::{Deserialize, Serialize};

/// How long the parts of a logout may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Revoking the hub's own sessions; 10 s by default.
    #[serde(with = "federate_session::instant::delta")]
    pub revocation: TimeDelta,
    /// Waiting for one application; 30 s by default.
    #[serde(with = "federate_session::instant::delta")]
    pub participant: TimeDelta,
    /// Everything up to the answer; 5 min by default.
    #[serde(with = "federate_session::instant::delta")]
    pub total: TimeDelta,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            revocation: TimeDelta::seconds(10),
            participant: TimeDelta::seconds(30),
            total: TimeDelta::minutes(5),
        }
    }
}

/// The state of one single logout: what [`crate::step`] takes and gives.
///
/// `Revoking -> FrontChannel -> Responding -> Done`; the phases in the middle are passed over
/// when there is nothing to do in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logout {
    pub(crate) initiator: Option<Initiator>,
    pub(crate) timing: Timing,
    /// When all that has not happened is given up.
    #[serde(with = "federate_session::instant")]
    pub(crate) end: DateTime<Utc>,
    pub(crate) sessions: Vec<HubSession>,
    pub(crate) applications: Vec<Application>,
    pub(crate) left_out: usize,
    pub(crate) phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// The hub's sessions are being revoked; nothing has left yet.
    Revoking {
        #[serde(with = "federate_session::instant")]
        deadline: DateTime<Utc>,
    },
    /// One application is being asked.
    FrontChannel {
        current: usize,
        #[serde(with = "federate_session::instant")]
        deadline: DateTime<Utc>,
    },
    /// The answer is decided and on its way.
    Responding {
        #[serde(with = "crate::stored_status")]
        status: Status,
    },
    /// The answer left.
    Done {
        #[serde(with = "crate::stored_status")]
        status: Status,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HubSession {
    pub(crate) key: SessionKey,
    pub(crate) state: Revocation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Revocation {
    Pending,
    Revoked,
    Failed,
}

/// One person at one application: one LogoutRequest, whatever the number of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) entity_id: EntityId,
    pub(crate) name_id: NameId,
    pub(crate) session_indexes: Vec<SessionIndex>,
    pub(crate) channel: Option<FrontChannel>,
    pub(crate) request_id: Option<MessageId>,
    pub(crate) outcome: Outcome,
}

impl Logout {
    /// The most applications of one logout; more are counted and not asked.
    pub const MAX_APPLICATIONS: usize = 500;

    const FORMAT: u8 = 1;

    /// When to tell [`crate::Event::DeadlinePassed`], if nothing else happens before.
    #[must_use]
    pub const fn deadline(&self) -> Option<DateTime<Utc>> {
        match self.phase {
            Phase::Revoking { deadline } | Phase::FrontChannel { deadline, .. } => Some(deadline),
            Phase::Responding { .. } | Phase::Done { .. } => None,
        }
    }

    /// When a store may forget it: a day after its last deadline.
    #[must_use]
    pub fn retain_until(&self) -> DateTime<Utc> {
        later(self.end, TimeDelta::days(1))
    }

    /// Who asked for the logout, if it was a participant.
    #[must_use]
    pub const fn initiator(&self) -> Option<&Initiator> {
        self.initiator.as_ref()
    }

    /// The answer, once it is decided.
    #[must_use]
    pub const fn answer(&self) -> Option<&Status> {
        match &self.phase {
            Phase::Responding { status } | Phase::Done { status } => Some(status),
            Phase::Revoking { .. } | Phase::FrontChannel { .. } => None,
        }
    }

    /// Whether the answer left.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Done { .. })
    }

    /// What happened so far, application by application.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let hub = self.hub_outcome();
        let finished = self.answer().is_some();
        Summary {
            hub,
            applications: self
                .applications
                .iter()
                .map(|application| ApplicationResult {
                    entity_id: application.entity_id.clone(),
                    outcome: application.outcome.clone(),
                })
                .collect(),
            left_out: self.left_out,
            finished,
            complete: finished && hub == HubOutcome::Ended && self.all_confirmed(),
        }
    }

    /// The state as octets, behind a format version.
    ///
    /// # Errors
    /// [`LogoutError::Corrupt`] when the state cannot be written, which no state cannot.
    pub fn encode(&self) -> Result<Vec<u8>, LogoutError> {
        postcard::to_extend(self, vec![Self::FORMAT]).map_err(|_| LogoutError::Corrupt)
    }

    /// Reads what [`Logout::encode`] wrote.
    ///
    /// # Errors
    /// [`LogoutError::UnsupportedFormat`] and [`LogoutError::Corrupt`].
    pub fn decode(octets: &[u8]) -> Result<Self, LogoutError> {
        match octets.split_first() {
            Some((&Self::FORMAT, rest)) => match postcard::take_from_bytes(rest) {
                Ok((state, [])) => Ok(state),
                _ => Err(LogoutError::Corrupt),
            },
            Some((&found, _)) => Err(LogoutError::UnsupportedFormat { found }),
            None => Err(LogoutError::Corrupt),
        }
    }

    pub(crate) fn hub_outcome(&self) -> HubOutcome {
        let any = |state| self.sessions.iter().any(|session| session.state == state);
        if any(Revocation::Pending) {
            HubOutcome::Revoking
        } else if any(Revocation::Failed) {
            HubOutcome::Failed
        } else {
            HubOutcome::Ended
        }
    }

    pub(crate) fn all_confirmed(&self) -> bool {
        self.left_out == 0
            && self
                .applications
                .iter()
                .all(|application| application.outcome == Outcome::Confirmed)
    }
}

/// Addition that stops at the end of the calendar.
pub(crate) fn later(instant: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    instant
        .checked_add_signed(by)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
