//! What goes into the state machine and what comes out.

use crate::Timing;
use chrono::{DateTime, Utc};
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId, NameId, RelayState, SessionIndex, Status};
use serde::{Deserialize, Serialize};

/// The participant whose LogoutRequest began the logout; it is answered, and not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initiator {
    /// The verified issuer of the request.
    pub entity_id: EntityId,
    /// The request's ID, which the response repeats as InResponseTo.
    pub request_id: MessageId,
    /// The request's RelayState, which the response repeats.
    pub relay_state: Option<RelayState>,
    /// How the request came.
    pub binding: Binding,
}

/// What a logout begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutStart {
    /// Who asked; `None` when the user did, at the hub's own page.
    pub initiator: Option<Initiator>,
    /// The hub sessions to end, found by what the message says. None is a success.
    pub sessions: Vec<SessionKey>,
    /// How long everything may take.
    pub timing: Timing,
}

impl LogoutStart {
    /// A logout at the hub's own page, with the usual timing.
    #[must_use]
    pub fn at_the_hub(sessions: Vec<SessionKey>) -> Self {
        Self {
            initiator: None,
            sessions,
            timing: Timing::default(),
        }
    }

    /// A logout that a participant's LogoutRequest began, with the usual timing.
    #[must_use]
    pub fn by_participant(initiator: Initiator, sessions: Vec<SessionKey>) -> Self {
        Self {
            initiator: Some(initiator),
            ..Self::at_the_hub(sessions)
        }
    }
}

/// The circumstances of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The caller's clock.
    pub now: DateTime<Utc>,
    /// A fresh random ID, never given before: that of the LogoutRequest, if this step sends
    /// one (no step sends two).
    pub request_id: MessageId,
}

/// A binding that takes the browser to an application and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrontChannel {
    /// `[SAMLBind] 3.4`.
    Redirect,
    /// `[SAMLBind] 3.5`.
    Post,
}

impl FrontChannel {
    /// The same among all bindings.
    #[must_use]
    pub const fn binding(self) -> Binding {
        match self {
            Self::Redirect => Binding::HttpRedirect,
            Self::Post => Binding::HttpPost,
        }
    }

    /// The front channel that a binding is, if it is one that is supported.
    #[must_use]
    pub const fn from_binding(binding: Binding) -> Option<Self> {
        match binding {
            Binding::HttpRedirect => Some(Self::Redirect),
            Binding::HttpPost => Some(Self::Post),
            _ => None,
        }
    }
}

/// An application of a revoked session, with what its metadata says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedParticipant {
    /// The application.
    pub entity_id: EntityId,
    /// How it knows the person.
    pub name_id: NameId,
    /// How it knows the session.
    pub session_index: SessionIndex,
    /// Where its metadata has a SingleLogoutService; `None` when it has none.
    pub single_logout: Option<FrontChannel>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A session was revoked: these took part in it. A session that was already over, or is
    /// unknown, had none.
    Revoked {
        /// The session, as [`Effect::RevokeSession`] named it.
        session: SessionKey,
        /// Its applications.
        participants: Vec<RevokedParticipant>,
    },
    /// A session could not be revoked.
    RevocationFailed {
        /// The session, as [`Effect::RevokeSession`] named it.
        session: SessionKey,
    },
    /// A LogoutRequest left for its application.
    Sent {
        /// Its ID.
        request_id: MessageId,
    },
    /// A LogoutRequest could not be made or sent.
    SendFailed {
        /// Its ID.
        request_id: MessageId,
    },
    /// A verified LogoutResponse came.
    ResponseReceived {
        /// Its verified issuer.
        entity_id: EntityId,
        /// Which request it answers.
        in_response_to: MessageId,
        /// What it reports.
        status: Status,
    },
    /// The user does not want to wait for this application.
    Skipped {
        /// The ID of the LogoutRequest that the user saw pending.
        request_id: MessageId,
    },
    /// Time went by; [`crate::Logout::deadline`] says when to tell.
    DeadlinePassed,
    /// The logout is taken up again, after a crash or a reload: what was left to do?
    Resumed,
    /// The answer left.
    Answered,
}

/// A LogoutRequest to be sent (`[SAMLCore] 3.7.1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequestToSend {
    /// Its ID.
    pub request_id: MessageId,
    /// To whom.
    pub entity_id: EntityId,
    /// How it is to travel.
    pub channel: FrontChannel,
    /// The person, exactly as the assertion named them.
    pub name_id: NameId,
    /// The sessions, each as an assertion named it.
    pub session_indexes: Vec<SessionIndex>,
    /// Which application this is, from 1: after a few straight redirects browsers give up,
    /// so every third or fourth one should start from a page.
    pub position: usize,
    /// How many applications are known.
    pub of: usize,
    /// When the wait for the response ends; also a fair NotOnOrAfter for the request.
    pub deadline: DateTime<Utc>,
}

/// Something to do, now that the state is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// End this session in the store, then tell [`Event::Revoked`] or
    /// [`Event::RevocationFailed`].
    RevokeSession {
        /// The session.
        session: SessionKey,
    },
    /// Take the browser to an application, then tell [`Event::Sent`] or
    /// [`Event::SendFailed`].
    SendLogoutRequest(LogoutRequestToSend),
    /// Answer, then tell [`Event::Answered`].
    Answer {
        /// Whom: by a LogoutResponse. `None`: the result page, or where the hub's page was
        /// asked to return to.
        initiator: Option<Initiator>,
        /// What it came to.
        status: Status,
    },
}
