use crate::message::{Effect, Event, LogoutRequestToSend, LogoutStart, Moment, RevokedParticipant};
use crate::outcome::{Failure, HubOutcome, NoAnswer, Outcome};
use crate::state::{Application, HubSession, Logout, Phase, Revocation, later};
use crate::stored_status;
use chrono::{DateTime, Utc};
use federate_session::SessionKey;
use federate_types::{EntityId, MessageId, Status, StatusCode};

/// Takes a logout from one state to the next.
///
/// Pure and total: an event that does not fit the state (late, repeated, of another message)
/// changes nothing and asks for nothing. The caller stores the new state before it carries
/// out the effects.
#[must_use]
pub fn step(mut state: Logout, event: Event, moment: Moment) -> (Logout, Vec<Effect>) {
    let effects = match event {
        Event::Revoked {
            session,
            participants,
        } => state.revoked(session, participants, &moment),
        Event::RevocationFailed { session } => {
            state.settle_session(session, Revocation::Failed);
            state.leave_revoking(&moment)
        }
        Event::Sent { request_id } => state.sent(&request_id),
        Event::SendFailed { request_id } => {
            state.settle_current(&request_id, |_| Outcome::Failed(Failure::NotSent), &moment)
        }
        Event::ResponseReceived {
            entity_id,
            in_response_to,
            status,
        } => state.response(&entity_id, &in_response_to, status, &moment),
        Event::Skipped { request_id } => state.settle_current(
            &request_id,
            |sent| unanswered(sent, NoAnswer::Skipped),
            &moment,
        ),
        Event::DeadlinePassed => state.deadline_passed(&moment),
        Event::Resumed => state.outstanding(),
        Event::Answered => state.answered(),
    };
    (state, effects)
}

impl Logout {
    /// A new logout and what to do first: revoke every session, or, when there is none,
    /// answer at once (`[SAMLCore] 3.7.3.2`: no session is not an error).
    #[must_use]
    pub fn start(start: LogoutStart, now: DateTime<Utc>) -> (Self, Vec<Effect>) {
        let mut keys = start.sessions;
        keys.sort_unstable();
        keys.dedup();
        let end = later(now, start.timing.total);
        let mut logout = Self {
            initiator: start.initiator,
            timing: start.timing,
            end,
            sessions: keys
                .into_iter()
                .map(|key| HubSession {
                    key,
                    state: Revocation::Pending,
                })
                .collect(),
            applications: Vec::new(),
            left_out: 0,
            phase: Phase::Revoking {
                deadline: later(now, start.timing.revocation).min(end),
            },
        };
        let effects = if logout.sessions.is_empty() {
            logout.respond()
        } else {
            logout.outstanding()
        };
        (logout, effects)
    }

    fn revoked(
        &mut self,
        session: SessionKey,
        participants: Vec<RevokedParticipant>,
        moment: &Moment,
    ) -> Vec<Effect> {
        if !self.settle_session(session, Revocation::Revoked) {
            return Vec::new();
        }
        // A revocation that comes after its deadline still brings its applications in; those
        // that come after the answer was decided are shown as what they are: never asked.
        let too_late = self.answer().is_some();
        for participant in participants {
            self.add_application(participant, too_late);
        }
        self.leave_revoking(moment)
    }

    /// Says whether this changed anything.
    fn settle_session(&mut self, key: SessionKey, to: Revocation) -> bool {
        match self.sessions.iter_mut().find(|session| session.key == key) {
            Some(session)
                if session.state == Revocation::Pending
                    || (session.state == Revocation::Failed && to == Revocation::Revoked) =>
            {
                session.state = to;
                true
            }
            _ => false,
        }
    }

    fn add_application(&mut self, participant: RevokedParticipant, too_late: bool) {
        // [SAMLCore] 3.7.3.2, [SAMLProf] 4.4.3.2: every session participant "other than the
        // original requester".
        if self
            .initiator
            .as_ref()
            .is_some_and(|initiator| initiator.entity_id == participant.entity_id)
        {
            return;
        }
        let outcome = match participant.single_logout {
            None => Outcome::NotSupported,
            Some(_) if too_late => Outcome::Failed(Failure::OutOfTime),
            Some(_) => Outcome::Waiting,
        };
        let same = self.applications.iter_mut().find(|application| {
            application.entity_id == participant.entity_id
                && application.name_id == participant.name_id
                && application.outcome == outcome
        });
        if let Some(application) = same {
            if !application
                .session_indexes
                .contains(&participant.session_index)
            {
                application.session_indexes.push(participant.session_index);
            }
        } else if self.applications.len() >= Self::MAX_APPLICATIONS {
            self.left_out = self.left_out.saturating_add(1);
        } else {
            self.applications.push(Application {
                entity_id: participant.entity_id,
                name_id: participant.name_id,
                session_indexes: vec![participant.session_index],
                channel: participant.single_logout,
                request_id: None,
                outcome,
            });
        }
    }

    /// Goes on once no session is pending: no message leaves before.
    fn leave_revoking(&mut self, moment: &Moment) -> Vec<Effect> {
        let pending = self
            .sessions
            .iter()
            .any(|session| session.state == Revocation::Pending);
        if pending || !matches!(self.phase, Phase::Revoking { .. }) {
            return Vec::new();
        }
        self.ask_next(moment)
    }

    fn ask_next(&mut self, moment: &Moment) -> Vec<Effect> {
        if moment.now >= self.end {
            for application in &mut self.applications {
                if application.outcome == Outcome::Waiting {
                    application.outcome = Outcome::Failed(Failure::OutOfTime);
                }
            }
        }
        let next = self
            .applications
            .iter_mut()
            .enumerate()
            .find(|(_, application)| application.outcome == Outcome::Waiting);
        let Some((current, application)) = next else {
            return self.respond();
        };
        application.outcome = Outcome::Asking { sent: false };
        application.request_id = Some(moment.request_id.clone());
        self.phase = Phase::FrontChannel {
            current,
            deadline: later(moment.now, self.timing.participant).min(self.end),
        };
        self.outstanding()
    }

    fn sent(&mut self, request_id: &MessageId) -> Vec<Effect> {
        if let Some(application) = self.current(request_id) {
            application.outcome = Outcome::Asking { sent: true };
        }
        Vec::new()
    }

    /// Ends the wait for the application being asked, if it is asked by this request.
    fn settle_current(
        &mut self,
        request_id: &MessageId,
        outcome: impl FnOnce(bool) -> Outcome,
        moment: &Moment,
    ) -> Vec<Effect> {
        let Some(application) = self.current(request_id) else {
            return Vec::new();
        };
        let sent = matches!(application.outcome, Outcome::Asking { sent: true });
        application.outcome = outcome(sent);
        self.ask_next(moment)
    }

    fn response(
        &mut self,
        entity_id: &EntityId,
        in_response_to: &MessageId,
        status: Status,
        moment: &Moment,
    ) -> Vec<Effect> {
        // Matched by InResponseTo and the application's name alone ([SAMLCore] 3.2.2).
        let Some(application) = self.applications.iter_mut().find(|application| {
            application.request_id.as_ref() == Some(in_response_to)
                && application.entity_id == *entity_id
        }) else {
            return Vec::new();
        };
        let was_asking = match application.outcome {
            Outcome::Asking { .. } => true,
            // A late answer still tells the truth to the result page.
            Outcome::Asked(_) | Outcome::Failed(Failure::NotSent) => false,
            _ => return Vec::new(),
        };
        // Success with PartialLogout below it says that something is still signed in.
        application.outcome = if status.is_success() && status.subcode.is_none() {
            Outcome::Confirmed
        } else {
            Outcome::Failed(Failure::Status(stored_status::bounded(status)))
        };
        if was_asking {
            self.ask_next(moment)
        } else {
            Vec::new()
        }
    }

    fn deadline_passed(&mut self, moment: &Moment) -> Vec<Effect> {
        match self.phase {
            Phase::Revoking { deadline } if moment.now >= deadline => {
                for session in &mut self.sessions {
                    if session.state == Revocation::Pending {
                        session.state = Revocation::Failed;
                    }
                }
                self.ask_next(moment)
            }
            Phase::FrontChannel { current, deadline } if moment.now >= deadline => {
                let request_id = self
                    .applications
                    .get(current)
                    .and_then(|application| application.request_id.clone());
                match request_id {
                    Some(id) => self.settle_current(
                        &id,
                        |sent| unanswered(sent, NoAnswer::TimedOut),
                        moment,
                    ),
                    None => self.ask_next(moment),
                }
            }
            _ => Vec::new(),
        }
    }

    /// `[SAMLProf] 4.4.3.5`: whoever asked is answered, with what came of it.
    fn respond(&mut self) -> Vec<Effect> {
        let status = self.status();
        self.phase = Phase::Responding { status };
        self.outstanding()
    }

    fn answered(&mut self) -> Vec<Effect> {
        if let Phase::Responding { status } = &self.phase {
            self.phase = Phase::Done {
                status: status.clone(),
            };
        }
        Vec::new()
    }

    /// What the present phase waits for.
    fn outstanding(&self) -> Vec<Effect> {
        match &self.phase {
            Phase::Revoking { .. } => self
                .sessions
                .iter()
                .filter(|session| session.state == Revocation::Pending)
                .map(|session| Effect::RevokeSession {
                    session: session.key,
                })
                .collect(),
            Phase::FrontChannel { current, deadline } => self
                .request(*current, *deadline)
                .map(Effect::SendLogoutRequest)
                .into_iter()
                .collect(),
            Phase::Responding { status } => vec![Effect::Answer {
                initiator: self.initiator.clone(),
                status: status.clone(),
            }],
            Phase::Done { .. } => Vec::new(),
        }
    }

    /// `[SAMLProf] 4.4.3.3`: what one of the others is asked.
    fn request(&self, current: usize, deadline: DateTime<Utc>) -> Option<LogoutRequestToSend> {
        let application = self.applications.get(current)?;
        Some(LogoutRequestToSend {
            request_id: application.request_id.clone()?,
            entity_id: application.entity_id.clone(),
            channel: application.channel?,
            name_id: application.name_id.clone(),
            session_indexes: application.session_indexes.clone(),
            position: current.saturating_add(1),
            of: self.applications.len(),
            deadline,
        })
    }

    /// The application being asked, if it is asked by this request.
    fn current(&mut self, request_id: &MessageId) -> Option<&mut Application> {
        let Phase::FrontChannel { current, .. } = self.phase else {
            return None;
        };
        self.applications
            .get_mut(current)
            .filter(|application| application.request_id.as_ref() == Some(request_id))
    }

    /// [SAMLCore] 3.7.3.2: PartialLogout is a second-level code ([SAMLCore] 3.2.2.2). It
    /// stands below Success, or below Responder when the hub's own session goes on.
    fn status(&self) -> Status {
        if self.hub_outcome() != HubOutcome::Ended {
            Status::with_subcode(StatusCode::Responder, StatusCode::PartialLogout)
        } else if self.all_confirmed() {
            Status::success()
        } else {
            Status::with_subcode(StatusCode::Success, StatusCode::PartialLogout)
        }
    }
}

/// What an application is that did not answer: asked only if its request left.
const fn unanswered(sent: bool, why: NoAnswer) -> Outcome {
    if sent {
        Outcome::Asked(why)
    } else {
        Outcome::Failed(Failure::NotSent)
    }
}

#[cfg(test)]
mod tests;
