use crate::{
    AddParticipant, EndReason, Ended, LifetimePolicy, LogoutKey, Participant, ParticipantQuery,
    Revocation, SessionRecord, SessionState, StoreError, Termination, Touch,
};
use chrono::{DateTime, Utc};
use federate_types::EntityId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A session with its applications, as they stood at one instant.
///
/// The rules of every change are here, so that all backends share them: a backend loads a
/// snapshot, applies one change and stores it, in one atomic step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSnapshot {
    /// The session.
    pub record: SessionRecord,
    /// The applications that received an assertion in it, in the order of their first.
    pub participants: Vec<Participant>,
}

impl SessionSnapshot {
    /// The most participants of one session.
    pub const MAX_PARTICIPANTS: usize = 256;

    /// How many participations of one application a new login takes over: each login gives it
    /// another, and who signs in every day must not run out of room for them.
    pub const CARRIED: usize = 4;

    /// A session without applications.
    #[must_use]
    pub const fn new(record: SessionRecord) -> Self {
        Self {
            record,
            participants: Vec::new(),
        }
    }

    /// Takes into account that all sessions of the person were revoked, if this one is among
    /// them. Backends do so with every snapshot they load, before anything else.
    ///
    /// The stored session stays as it is, so that [`SessionStore::by_subject`] finds it until
    /// the logout that revoked it takes its applications.
    ///
    /// [`SessionStore::by_subject`]: crate::SessionStore::by_subject
    pub fn revoke(&mut self, revocation: Option<&Revocation>) {
        if let Some(revocation) = revocation
            && self.record.epoch < revocation.epoch
            && self.is_open()
        {
            let by = revocation.by;
            self.end(EndReason::LoggedOut { by }, revocation.at);
        }
    }

    /// What the session is worth at `now`.
    pub fn state(&self, now: DateTime<Utc>) -> SessionState {
        match self.record.end_reason(now) {
            Some(reason) => SessionState::Ended(reason),
            None => SessionState::Alive(Box::new(self.record.clone())),
        }
    }

    /// Applies an activity, by the limits that the policy has for this kind of session, and says whether the snapshot must be stored again.
    ///
    /// A session found to be over is marked, so that no clock revives it.
    pub fn touch(&mut self, policy: &LifetimePolicy, now: DateTime<Utc>) -> bool {
        if self.record.ended.is_some() {
            return false;
        }
        let policy = policy.of(self.record.persistence);
        match self.record.lifetime.touch(&policy, now) {
            Touch::Over(limit) => self.end(EndReason::Expired(limit), now),
            Touch::Recent => return false,
            Touch::Write(lifetime) => self.record.lifetime = lifetime,
        }
        true
    }

    /// Adds an application, unless the session is over.
    ///
    /// An application that is there already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Full`] beyond [`SessionSnapshot::MAX_PARTICIPANTS`].
    pub fn add_participant(
        &mut self,
        participant: Participant,
        now: DateTime<Utc>,
    ) -> Result<AddParticipant, StoreError> {
        if let Some(reason) = self.record.end_reason(now) {
            return Ok(AddParticipant::SessionEnded(reason));
        }
        if self.participants.iter().any(|p| p.is_same(&participant)) {
            return Ok(AddParticipant::AlreadyPresent);
        }
        if self.participants.len() >= Self::MAX_PARTICIPANTS {
            return Err(StoreError::Full {
                what: "participant of this session",
            });
        }
        self.participants.push(participant);
        Ok(AddParticipant::Added)
    }

    /// Ends the session for a logout.
    ///
    /// An expired session still gives its applications to the first logout: they may have
    /// sessions that outlive the hub's.
    pub fn terminate(&mut self, by: LogoutKey, now: DateTime<Utc>) -> Termination {
        match self.record.ended.map(|ended| ended.reason) {
            // The same logout, resumed after a crash, sees what it saw.
            Some(EndReason::LoggedOut { by: first }) if first == by => {
                Termination::Ended(Box::new(self.clone()))
            }
            Some(EndReason::LoggedOut { .. } | EndReason::Replaced) => Termination::AlreadyEnded,
            None | Some(EndReason::Expired(_)) => {
                self.end(EndReason::LoggedOut { by }, now);
                Termination::Ended(Box::new(self.clone()))
            }
        }
    }

    /// Ends the session because its user signed in again, and gives its applications: of each
    /// the last [`SessionSnapshot::CARRIED`] participations.
    pub fn replace(&mut self, now: DateTime<Utc>) -> Vec<Participant> {
        match self.record.ended.map(|ended| ended.reason) {
            Some(EndReason::LoggedOut { .. } | EndReason::Replaced) => Vec::new(),
            None | Some(EndReason::Expired(_)) => {
                self.end(EndReason::Replaced, now);
                self.last_of_each()
            }
        }
    }

    fn last_of_each(&self) -> Vec<Participant> {
        let mut later: HashMap<&EntityId, usize> = HashMap::new();
        let mut kept: Vec<_> = self
            .participants
            .iter()
            .rev()
            .filter(|participant| {
                let count = later.entry(&participant.entity_id).or_default();
                *count += 1;
                *count <= Self::CARRIED
            })
            .cloned()
            .collect();
        kept.reverse();
        kept
    }

    /// Whether a LogoutRequest from an application means this session.
    #[must_use]
    pub fn is_meant_by(&self, query: &ParticipantQuery) -> bool {
        self.record.subject.tenant == query.tenant
            && self.participants.iter().any(|p| query.matches(p))
    }

    /// Whether the session can still be logged out: no logout or new login ended it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(
            self.record.ended.map(|ended| ended.reason),
            None | Some(EndReason::Expired(_))
        )
    }

    fn end(&mut self, reason: EndReason, now: DateTime<Utc>) {
        self.record.ended = Some(Ended { reason, at: now });
    }
}
