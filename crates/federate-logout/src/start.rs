//! What a logout begins with.

use crate::policy::{LogoutPolicy, UpstreamPolicy};
use federate_session::SessionKey;
use federate_types::{Binding, EntityId, MessageId, RelayState};
use serde::{Deserialize, Serialize};

/// A LogoutRequest that began a logout, with what its response repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// The verified issuer of the request.
    pub entity_id: EntityId,
    /// The request's ID, which the response repeats as InResponseTo.
    pub request_id: MessageId,
    /// The request's RelayState, which the response repeats.
    pub relay_state: Option<RelayState>,
    /// How the request came. By SOAP, no browser takes part.
    pub binding: Binding,
    /// Whether the request has the extension `aslo:Asynchronous`: it wants no response
    /// (`[AsyncSLO]`).
    pub asynchronous: bool,
}

/// Who asked for a logout: how it is answered, and whether a browser is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Initiator {
    /// A session participant (`[SAMLProf] 4.4.3.1`); it is answered, and not asked.
    Participant(Requester),
    /// An upstream identity provider, of which the hub is a participant; it is answered, and
    /// not asked.
    Upstream(Requester),
    /// The person, at the hub's own page.
    HubPage {
        /// Where the browser is to go in the end. The caller allowed it; longer than
        /// [`Initiator::MAX_RETURN_TO`], it is dropped.
        return_to: Option<String>,
        /// Whether the upstream session is to end too, whatever the policy says.
        federated: bool,
    },
    /// An administrator; nobody is answered, and no browser is there.
    Administrator,
    /// The session's end; nobody is answered, and no browser is there.
    Expiry,
}

impl Initiator {
    /// The longest `return_to`, in bytes.
    pub const MAX_RETURN_TO: usize = 4096;

    /// The LogoutRequest that began it, if one did.
    #[must_use]
    pub const fn requester(&self) -> Option<&Requester> {
        match self {
            Self::Participant(requester) | Self::Upstream(requester) => Some(requester),
            Self::HubPage { .. } | Self::Administrator | Self::Expiry => None,
        }
    }

    /// Whether a browser is there to be taken to applications.
    #[must_use]
    pub fn has_browser(&self) -> bool {
        match self {
            Self::Participant(requester) | Self::Upstream(requester) => {
                requester.binding != Binding::Soap
            }
            Self::HubPage { .. } => true,
            Self::Administrator | Self::Expiry => false,
        }
    }

    /// Whether someone waits for an answer.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        match self {
            // [AsyncSLO]: whoever asks so wants no response.
            Self::Participant(requester) | Self::Upstream(requester) => !requester.asynchronous,
            Self::HubPage { .. } => true,
            Self::Administrator | Self::Expiry => false,
        }
    }

    pub(crate) fn bounded(mut self) -> Self {
        if let Self::HubPage { return_to, .. } = &mut self
            && return_to
                .as_ref()
                .is_some_and(|to| to.len() > Self::MAX_RETURN_TO)
        {
            *return_to = None;
        }
        self
    }
}

/// What a logout begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutStart {
    /// Who asked.
    pub initiator: Initiator,
    /// The hub sessions to end, found by what the message says. None is a success, unless
    /// `unknown_principal` says otherwise.
    pub sessions: Vec<SessionKey>,
    /// How it is carried out.
    pub policy: LogoutPolicy,
    /// Whether the request is to be answered with UnknownPrincipal if there is no session.
    pub unknown_principal: bool,
    /// How many peers an earlier logout of the same sessions is known to have left signed in:
    /// this one cannot ask them, and does not say that they are signed out.
    pub untold: usize,
}

impl LogoutStart {
    /// A logout with the usual policy.
    #[must_use]
    pub fn new(initiator: Initiator, sessions: Vec<SessionKey>) -> Self {
        Self {
            initiator,
            sessions,
            policy: LogoutPolicy::default(),
            unknown_principal: false,
            untold: 0,
        }
    }

    /// A logout at the hub's own page.
    #[must_use]
    pub fn at_the_hub(sessions: Vec<SessionKey>) -> Self {
        let initiator = Initiator::HubPage {
            return_to: None,
            federated: false,
        };
        Self::new(initiator, sessions)
    }

    /// A logout that a participant's LogoutRequest began.
    #[must_use]
    pub fn by_participant(requester: Requester, sessions: Vec<SessionKey>) -> Self {
        Self::new(Initiator::Participant(requester), sessions)
    }

    /// A logout that an upstream identity provider's LogoutRequest began.
    #[must_use]
    pub fn by_upstream(requester: Requester, sessions: Vec<SessionKey>) -> Self {
        Self::new(Initiator::Upstream(requester), sessions)
    }

    /// The policy for the upstream session: the hub's page can ask for its end, and without
    /// a browser there is nobody to choose.
    pub(crate) fn upstream_policy(&self) -> UpstreamPolicy {
        match (&self.initiator, self.policy.upstream) {
            (
                Initiator::HubPage {
                    federated: true, ..
                },
                _,
            ) => UpstreamPolicy::Always,
            (initiator, UpstreamPolicy::Ask) if !initiator.has_browser() => UpstreamPolicy::Never,
            (_, policy) => policy,
        }
    }
}
