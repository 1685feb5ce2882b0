//! What goes into the state machine and what comes out.

use crate::start::Initiator;
use chrono::{DateTime, Utc};
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId, NameId, SessionIndex, Status};
use serde::{Deserialize, Serialize};

/// A binding that takes the browser to a peer and back.
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

/// A way to a peer that needs no browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackChannel {
    /// A LogoutRequest (`[SAMLBind] 3.2`).
    Soap,
    /// A logout token of OpenID Connect Back-Channel Logout. That it was taken (2.8: 200 or
    /// 204) is its plain success.
    LogoutToken,
}

/// The ways to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Channels {
    /// The way without a browser; it is tried first.
    pub back: Option<BackChannel>,
    /// The way with one.
    pub front: Option<FrontChannel>,
    /// Whether the front channel is known to work in a frame of the hub's page.
    pub frames: bool,
}

impl Channels {
    /// A front channel alone.
    #[must_use]
    pub const fn front(front: FrontChannel) -> Self {
        Self {
            back: None,
            front: Some(front),
            frames: false,
        }
    }

    /// A back channel alone.
    #[must_use]
    pub const fn back(back: BackChannel) -> Self {
        Self {
            back: Some(back),
            front: None,
            frames: false,
        }
    }
}

/// The way that one request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// Directly.
    Back(BackChannel),
    /// In a frame of the hub's page.
    Frame(FrontChannel),
    /// The browser goes there and comes back.
    Front(FrontChannel),
}

/// Which layer of sessions a peer keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layer {
    /// Below the hub.
    Application,
    /// Above it.
    Upstream,
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
    /// Where its metadata has a SingleLogoutService.
    pub channels: Channels,
}

/// The upstream session that a revoked session stood on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedUpstream {
    /// The identity provider.
    pub entity_id: EntityId,
    /// How it named the person.
    pub name_id: NameId,
    /// How it named the session, if it did.
    pub session_index: Option<SessionIndex>,
    /// Where its metadata has a SingleLogoutService.
    pub channels: Channels,
}

/// Why a request did not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendFailure {
    /// It could not be made, or did not leave.
    NotSent,
    /// It left, and nothing came back in time.
    TimedOut,
    /// Something came back that is no answer: a SOAP fault, an HTTP error, an invalid
    /// response.
    Fault,
    /// It was held back, for this peer's circuit is open ([`crate::CircuitBreaker`]).
    CircuitOpen,
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
        /// The upstream session that it stood on.
        upstream: Option<RevokedUpstream>,
    },
    /// A session could not be revoked.
    RevocationFailed {
        /// The session, as [`Effect::RevokeSession`] named it.
        session: SessionKey,
    },
    /// A request left for its peer.
    Sent {
        /// Its ID.
        request_id: MessageId,
    },
    /// A request did not get through.
    SendFailed {
        /// Its ID.
        request_id: MessageId,
        /// Why.
        reason: SendFailure,
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
    /// The user does not want to wait for this peer.
    Skipped {
        /// The ID of the request that the user saw pending.
        request_id: MessageId,
    },
    /// Someone wants a peer asked once more, from the progress or the result page.
    Retry {
        /// The peer.
        entity_id: EntityId,
    },
    /// The person chose whether the upstream session is to end.
    UpstreamChosen {
        /// Whether it is.
        ask: bool,
    },
    /// Time went by; [`crate::Logout::due`] says when to tell.
    DeadlinePassed,
    /// The logout is taken up again, after a crash or at a reload: what was left to do?
    /// What is in flight by back channel is not among it: its deadline passes, and it is
    /// asked again with an ID of its own.
    Resumed,
    /// The answer left.
    Answered,
    /// Whoever asked can wait no longer: it is answered with what is known, and what is under way
    /// goes on in the background.
    AnswerNow,
}

/// A request to be sent (`[SAMLCore] 3.7.1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequestToSend {
    /// Its ID: fresh for each message, and the same when a browser is sent once more.
    pub request_id: MessageId,
    /// To whom.
    pub entity_id: EntityId,
    /// Which of our roles asks: identity provider of an application, or service provider of
    /// an upstream.
    pub layer: Layer,
    /// How it is to travel.
    pub channel: Channel,
    /// The person, exactly as the assertion named them.
    pub name_id: NameId,
    /// The sessions, each as an assertion named it.
    pub session_indexes: Vec<SessionIndex>,
    /// Which peer of its layer this is, from 1.
    pub position: usize,
    /// How many peers of its layer are known.
    pub of: usize,
    /// When the wait for the response ends; also a fair NotOnOrAfter for the request.
    pub deadline: DateTime<Utc>,
    /// Whether the browser must see a page of the hub, answered with 200, before it goes
    /// there: browsers stop after 20 redirects in a row.
    pub interstitial: bool,
}

/// An answer to be given (`[SAMLCore] 3.7.2`). However often it is given, it is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The ID of the response.
    pub response_id: MessageId,
    /// When it was decided: the response's IssueInstant.
    pub issue_instant: DateTime<Utc>,
    /// Whom: by a LogoutResponse, or at the hub's page.
    pub initiator: Initiator,
    /// What it came to.
    pub status: Status,
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
    /// By back channel: ask the peer, then tell [`Event::ResponseReceived`] or
    /// [`Event::SendFailed`]. By front channel: take the browser there, and tell
    /// [`Event::Sent`] or [`Event::SendFailed`].
    SendLogoutRequest(LogoutRequestToSend),
    /// Show a page with one frame for each, and tell [`Event::Sent`] for each.
    ShowFrames(Vec<LogoutRequestToSend>),
    /// Ask the person whether to end the upstream session too, then tell
    /// [`Event::UpstreamChosen`].
    AskUpstream {
        /// The identity providers.
        upstreams: Vec<EntityId>,
        /// When the choice is taken to be no.
        deadline: DateTime<Utc>,
    },
    /// Answer, then tell [`Event::Answered`].
    Answer(Answer),
}
