//! What the management API answers: JSON, of which nothing is kept by caches.

use crate::failure::Failure;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use federate::hub::{LogoutPage, LogoutPhase, NamedOutcome};
use federate::logout::{Failure as Reason, HubOutcome, LogoutError, NoAnswer, Outcome as OfPeer};
use federate::session::{SessionSnapshot, User};
use federate::types::EntityId;
use federate::{FederateError, Hub, Store};
use serde::Serialize;
use std::collections::BTreeSet;

/// A user, as far as it takes to know that it is the right one.
#[derive(Serialize)]
pub(super) struct Person<'a> {
    user_id: &'a str,
    connection: &'a str,
    email: Option<&'a str>,
    name: Option<&'a str>,
    created_at: String,
    last_login: String,
}

impl<'a> Person<'a> {
    pub(super) fn of<S: Store>(hub: &'a Hub<S>, user: &'a User) -> Self {
        Self {
            user_id: user.id.as_str(),
            connection: hub.connection_of(&user.subject),
            email: user.profile.first("email"),
            name: user.profile.first("name"),
            created_at: instant(user.created),
            last_login: instant(user.last_login),
        }
    }
}

/// The sessions of a user.
#[derive(Serialize)]
pub(super) struct Sessions<'a> {
    pub(super) sessions: Vec<Session<'a>>,
    /// How many more there are.
    pub(super) left_out: usize,
}

/// One session.
#[derive(Serialize)]
pub(super) struct Session<'a> {
    id: &'a str,
    user_id: &'a str,
    /// Where the person signed in: an identity provider, or the hub's own users.
    connection: &'a str,
    created_at: String,
    authenticated_at: String,
    last_interacted_at: String,
    /// When it ends unless it is used before.
    idle_expires_at: String,
    /// When it ends however much it is used.
    expires_at: String,
    /// The applications that are signed in to.
    clients: Vec<Client<'a>>,
}

/// An application.
#[derive(Serialize)]
struct Client<'a> {
    client_id: &'a str,
}

impl<'a> Session<'a> {
    pub(super) fn of<S: Store>(hub: &'a Hub<S>, session: &'a SessionSnapshot) -> Self {
        let (record, lifetime) = (&session.record, &session.record.lifetime);
        // One application may know the person by several names.
        let clients: BTreeSet<&EntityId> =
            session.participants.iter().map(|p| &p.entity_id).collect();
        let client = |id: &'a EntityId| Client {
            client_id: id.as_str(),
        };
        Self {
            id: record.id.as_str(),
            user_id: record.user.as_str(),
            connection: hub.connection_of(&record.subject),
            created_at: instant(lifetime.created),
            authenticated_at: instant(record.authn_instant),
            last_interacted_at: instant(lifetime.last_activity),
            idle_expires_at: instant(lifetime.expires()),
            expires_at: instant(lifetime.not_on_or_after()),
            clients: clients.into_iter().map(client).collect(),
        }
    }
}

/// A logout that has begun.
#[derive(Serialize)]
pub(super) struct Begun<'a> {
    pub(super) id: &'a str,
    /// Where its outcome is told.
    pub(super) outcome: &'a str,
}

/// What came of a logout.
#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    /// The hub's own sessions.
    hub: &'static str,
    /// Whether nobody is being asked any more; what failed may be tried again later.
    done: bool,
    /// Whether everybody who was to be signed out confirmed it.
    complete: bool,
    applications: Vec<Peer<'a>>,
    identity_providers: Vec<Peer<'a>>,
    /// How many more peers are not asked.
    left_out: usize,
}

/// What became of one application or identity provider.
#[derive(Serialize)]
struct Peer<'a> {
    entity_id: &'a str,
    name: &'a str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl<'a> Outcome<'a> {
    pub(super) fn of(page: &'a LogoutPage) -> Self {
        let peers = |peers: &'a [NamedOutcome]| peers.iter().map(Peer::of).collect();
        Self {
            hub: match page.hub {
                HubOutcome::Ended => "ended",
                HubOutcome::Revoking => "ending",
                HubOutcome::Failed => "failed",
            },
            done: matches!(page.phase, LogoutPhase::Done { .. }),
            complete: page.complete,
            applications: peers(&page.applications),
            identity_providers: peers(&page.upstreams),
            left_out: page.left_out,
        }
    }
}

impl<'a> Peer<'a> {
    fn of(peer: &'a NamedOutcome) -> Self {
        let (state, reason) = words(&peer.outcome);
        Self {
            entity_id: peer.entity_id.as_str(),
            name: &peer.name,
            state,
            reason,
        }
    }
}

/// The words of the logout's page in a form that stays: what became of a peer, and why.
const fn words(outcome: &OfPeer) -> (&'static str, Option<&'static str>) {
    match outcome {
        OfPeer::Waiting => ("waiting", None),
        OfPeer::Asking { .. } => ("asking", None),
        OfPeer::Confirmed => ("signed_out", None),
        OfPeer::Asked(NoAnswer::TimedOut) => ("asked", Some("timed_out")),
        OfPeer::Asked(NoAnswer::Skipped) => ("asked", Some("skipped")),
        OfPeer::NotSupported => ("not_supported", None),
        OfPeer::NotAsked => ("not_asked", None),
        OfPeer::Failed(reason) => ("failed", Some(why(reason))),
        _ => ("failed", None),
    }
}

const fn why(reason: &Reason) -> &'static str {
    match reason {
        Reason::Status(_) => "refused",
        Reason::NotSent => "not_reached",
        Reason::Fault => "no_answer",
        Reason::CircuitOpen => "failed_of_late",
        Reason::OutOfTime => "out_of_time",
        Reason::NoBrowser => "no_browser",
        _ => "other",
    }
}

/// Why something is not answered: for whoever has the token.
#[derive(Debug)]
#[must_use]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// By which the operator finds the reason in the log.
    reference: Option<String>,
}

/// As it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    status_code: u16,
    error: &'static str,
    error_code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            reference: None,
        }
    }

    /// There is nothing of this kind and name, or it is another account's.
    pub(super) fn no_such(what: &'static str) -> Self {
        let code = match what {
            "user" => "management.no_such_user",
            "session" => "management.no_such_session",
            "logout" => "management.no_such_logout",
            _ => "management.no_such_address",
        };
        let message = format!("There is no such {what}.");
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(super) fn method() -> Self {
        let message = "The address does not take this method.";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "management.no_such_method",
            message,
        )
    }

    pub(super) fn parameter(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "management.parameter", message)
    }

    pub(super) fn internal() -> Self {
        let message = "Something went wrong on our side.";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "management.internal",
            message,
        )
    }
}

impl From<FederateError> for Refusal {
    fn from(error: FederateError) -> Self {
        if matches!(error, FederateError::Logout(LogoutError::Unknown)) {
            return Self::no_such("logout");
        }
        let code = error.code();
        let message = match &error {
            // It says what was expected, and nothing of what came.
            FederateError::Value(invalid) => invalid.to_string(),
            _ => "The log has the reason beside this reference.".to_owned(),
        };
        let failure = Failure::from(error);
        Self {
            reference: Some(failure.correlation().to_owned()),
            ..Self::new(failure.status(), code, message)
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let written = Written {
            status_code: self.status.as_u16(),
            error: self.status.canonical_reason().unwrap_or(""),
            error_code: self.code,
            message: &self.message,
            reference: self.reference.as_deref(),
        };
        // Without its text it is a refusal all the same.
        json(self.status, &written).unwrap_or_else(|_| self.status.into_response())
    }
}

/// The one answer to everybody without the token, whatever they ask (`[RFC6750] 3`).
pub(super) fn unauthorized() -> Response {
    let (status, code) = (StatusCode::UNAUTHORIZED, "management.unauthorized");
    let message = "The token of the management API is wanted.";
    let mut response = Refusal::new(status, code, message).into_response();
    let bearer = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    response
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response, Refusal> {
    let text = serde_json::to_string(value).map_err(|_| Refusal::internal())?;
    Ok((status, [(CONTENT_TYPE, "application/json")], text).into_response())
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use federate::types::{Status, StatusCode as Code};

    #[test]
    fn only_what_was_confirmed_is_called_signed_out() {
        let refused = Status::with_subcode(Code::Responder, Code::RequestDenied);
        for (outcome, expected) in [
            (OfPeer::Waiting, ("waiting", None)),
            (OfPeer::Asking { sent: true }, ("asking", None)),
            (OfPeer::Confirmed, ("signed_out", None)),
            (
                OfPeer::Asked(NoAnswer::TimedOut),
                ("asked", Some("timed_out")),
            ),
            (OfPeer::Asked(NoAnswer::Skipped), ("asked", Some("skipped"))),
            (OfPeer::NotSupported, ("not_supported", None)),
            (OfPeer::NotAsked, ("not_asked", None)),
            (
                OfPeer::Failed(Reason::Status(refused)),
                ("failed", Some("refused")),
            ),
            (
                OfPeer::Failed(Reason::NotSent),
                ("failed", Some("not_reached")),
            ),
            (
                OfPeer::Failed(Reason::NoBrowser),
                ("failed", Some("no_browser")),
            ),
        ] {
            assert_eq!(words(&outcome), expected, "{outcome:?}");
        }
    }
}
